"""What a plot shows, in words made from its numbers: for those who cannot see it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from math import isnan
from typing import TYPE_CHECKING, Any

from uncac_metrics.model import Indicator
from uncac_metrics.plots.labels import heading

if TYPE_CHECKING:
    import pandas as pd


def alt_text(data: pd.DataFrame, indicator: Indicator | None = None) -> str:
    """What an interval plot shows, in words made from its numbers.

    Parameters
    ----------
    data
        Result of :func:`interval_data`.
    indicator
        Definition that gives the name, the unit and the decimals.

    Returns
    -------
    str
        Each value with its interval; for a breakdown with more than eight rows the least and the greatest.

    Examples
    --------
    >>> import pandas as pd
    >>> from uncac_metrics.plots import interval_data
    >>> print(alt_text(interval_data(pd.DataFrame(
    ...     {"indicator": "BR-01", "value": [5.0], "lower": [4.0], "upper": [6.25], "n": [900]}))))
    Interval plot. Total 5.0 (95 % interval 4.0 to 6.2; n 900).
    """
    return words_of(data.to_dict("records"), indicator)


def words_of(records: Sequence[Mapping[str, Any]], indicator: Indicator | None = None) -> str:
    """The words of :func:`alt_text` of rows given as records."""
    decimals = indicator.decimals if indicator else 1

    def words(row: Mapping[str, Any]) -> str:
        if row["display"] == "withheld":
            return f"{row['label']} withheld"
        if isnan(row["value"]):
            return f"{row['label']} no value"
        about = []
        if not isnan(row["lower"] + row["upper"]):
            level = f"{100 * row['conf_level']:g} % interval"
            about.append(f"{level} {row['lower']:,.{decimals}f} to {row['upper']:,.{decimals}f}")
        if not isnan(row["n"]):
            about.append(f"n {row['n']:,.0f}")
        if row["display"] == "flagged":
            about.append("flagged as uncertain")
        return f"{row['label']} {row['value']:,.{decimals}f}" + (f" ({'; '.join(about)})" if about else "")

    name = f"Interval plot of {indicator.name} ({indicator.unit})." if indicator else "Interval plot."
    sentences = [name]
    for group, rows in groupby(records, lambda row: row["group"]):
        beginning = f"{heading(group)}: " if group else ""
        lines = list(rows)
        known = sorted((row for row in lines if not isnan(row["value"])), key=lambda row: row["value"])
        if len(lines) > 8 and known:
            hidden = sum(row["display"] == "withheld" for row in lines)
            ends = f"from {words(known[0])} to {words(known[-1])}" + (f"; {hidden} withheld" if hidden else "")
            sentences.append(f"{beginning}{len(lines)} rows, {ends}.")
        else:
            sentences.append(beginning + "; ".join(map(words, lines)) + ".")
    return " ".join(sentences)
