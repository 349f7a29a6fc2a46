"""What a plot shows, in words made from its numbers: for those who cannot see it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from math import isnan
from typing import TYPE_CHECKING, Any

from uncac_metrics.languages import Language, named, number, plural, text
from uncac_metrics.model import Indicator
from uncac_metrics.plots.interval import level_of
from uncac_metrics.plots.labels import heading

if TYPE_CHECKING:
    import pandas as pd

ENDS = ("lower", "upper")


def alt_text(data: pd.DataFrame, indicator: Indicator | None = None, *, lang: str | Language = "en") -> str:
    """What an interval plot shows, in words made from its numbers.

    Parameters
    ----------
    data
        Result of :func:`interval_data`.
    indicator
        Definition that gives the name, the unit and the decimals.
    lang
        Language of the words; that of the labels in `data`.

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
    return words_of(data.to_dict("records"), indicator, lang)


def words_of(
    records: Sequence[Mapping[str, Any]], indicator: Indicator | None = None, lang: str | Language = "en"
) -> str:
    """The words of :func:`alt_text` of rows given as records."""
    decimals = indicator.decimals if indicator else 1

    def words(row: Mapping[str, Any]) -> str:
        if row["display"] == "withheld":
            return text("{label} withheld", lang, label=row["label"])
        if isnan(row["value"]):
            return text("{label} no value", lang, label=row["label"])
        about = []
        if not isnan(row["lower"] + row["upper"]):
            level, ends = level_of(row["conf_level"], lang), (number(row[end], lang, decimals) for end in ENDS)
            message = "{level} % interval {lower} to {upper}"
            about.append(text(message, lang, level=level, **dict(zip(ENDS, ends, strict=True))))
        if not isnan(row["n"]):
            about.append(f"n {number(row['n'], lang)}")
        if row["display"] == "flagged":
            about.append(text("flagged as uncertain", lang))
        return f"{row['label']} {number(row['value'], lang, decimals)}" + (f" ({'; '.join(about)})" if about else "")

    name = text("Interval plot.", lang)
    if indicator:
        unit = text(indicator.unit, lang, context="unit")
        name = text("Interval plot of {name} ({unit}).", lang, name=named(indicator, lang), unit=unit)
    sentences = [name]
    for group, rows in groupby(records, lambda row: row["group"]):
        beginning = f"{heading(group, lang)}: " if group else ""
        lines = list(rows)
        known = sorted((row for row in lines if not isnan(row["value"])), key=lambda row: row["value"])
        if len(lines) > 8 and known:
            hidden = sum(row["display"] == "withheld" for row in lines)
            range_ = text("from {first} to {last}", lang, first=words(known[0]), last=words(known[-1]))
            range_ += f"; {text('{number} withheld', lang, number=hidden)}" if hidden else ""
            sentences.append(f"{beginning}{plural('{n} row', '{n} rows', len(lines), lang)}, {range_}.")
        else:
            sentences.append(beginning + "; ".join(map(words, lines)) + ".")
    return " ".join(sentences)
