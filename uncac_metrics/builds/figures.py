"""What the pages show of an indicator from one data set: its plot, and its table as text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

from uncac_metrics.builds.plan import Inputs
from uncac_metrics.model import BREAKDOWNS, TOTAL, Indicator
from uncac_metrics.plots.labels import heading
from uncac_metrics.shapes import SHAPES

if TYPE_CHECKING:
    import pandas as pd

MOST = 400
"""Most estimates of an indicator and data set that a page shows."""
BESIDES = ["n_eligible", "df", "deff", "quality", "unit"]
"""Columns of results that the tables show and the plots do not."""


@dataclass(frozen=True)
class Plot:
    """An interval plot to be drawn: one indicator from one data set."""

    name: str
    indicator: Indicator
    dataset: str
    rows: list[dict[str, Any]]
    """Its numbers, of the estimates with one breakdown at most, and what the table says besides."""
    crossed: list[dict[str, Any]]
    """The same of estimates with several, such as types of official by sex: too many to draw."""
    source: str
    left_out: int = 0
    """Estimates of earlier periods, and beyond the most that a page shows: they are in the data."""


def figures(inputs: Inputs, estimates: pd.DataFrame) -> list[Plot]:
    """The plots of a release by topic, indicator and period, the latest first."""
    from uncac_metrics.plots.interval import TAKEN, numbers_of

    plots = []
    grouped: dict[tuple[str, str], tuple[list[Any], list[Any]]] = {}
    estimates, left_out = _shown(estimates)
    several = (estimates[list(BREAKDOWNS)].to_numpy(object) != TOTAL).sum(axis=1) > 1
    useful = ["indicator", *(name for name in estimates if name in TAKEN), *BESIDES]
    for row, crossed in zip(estimates[useful].to_dict("records"), several, strict=True):
        grouped.setdefault((row["indicator"], row["dataset"]), ([], []))[int(crossed)].append(row)
    for (key, dataset), rows in sorted(grouped.items()):
        card, source = inputs.catalogue[key], inputs.sources[dataset]
        simulated = " (simulated)" if source.simulated and "simulated" not in source.title else ""
        levels = SHAPES[source.shape].column(card.measure.levels) if card.measure.levels else None
        labels = {"category": levels.codes} if levels is not None and levels.codes else {}
        one, many = (numbers_of(some, labels) for some in rows)
        plots.append(Plot(f"{key}-{dataset}", card, dataset, one, many, f"{source.title}{simulated}",
                          left_out.get((key, dataset), 0)))  # fmt: skip
    plots.sort(key=lambda plot: inputs.sources[plot.dataset].time_period, reverse=True)
    return sorted(plots, key=lambda plot: (plot.indicator.topic, plot.indicator.id))


def _shown(estimates: pd.DataFrame) -> tuple[pd.DataFrame, dict[tuple[str, str], int]]:
    """The estimates that pages show, the latest periods of long series, and how many others there are of each."""
    of = ["indicator", "dataset"]
    size = estimates.groupby(of, sort=False)["value"].transform("size")
    if not (size > MOST).any():
        return estimates, {}
    long = estimates[size > MOST]
    # the latest period first; of one period as many as there is room for
    place = long.sort_values("time_period", ascending=False, kind="stable").groupby(of, sort=False).cumcount()
    dropped = place.index[place >= MOST]
    counts = estimates.loc[dropped].groupby(of).size()
    return estimates.drop(dropped), {(str(key), str(name)): int(n) for (key, name), n in counts.items()}


def draw(plot: Plot) -> tuple[str, str]:
    """A plot's name and the text of its SVG, with its alternative text in it."""
    from uncac_metrics.plots.alt import words_of
    from uncac_metrics.plots.interval import interval_picture
    from uncac_metrics.plots.rows import as_svg

    picture = interval_picture(plot.rows, plot.indicator, source=plot.source)
    return plot.name, as_svg(picture, alt=words_of(plot.rows, plot.indicator))


def table_of(records: Sequence[dict[str, Any]], decimals: int) -> dict[str, Any]:
    """Rows of a table as text, under the headings of the plot, and the remarks that they refer to by letter.

    Parameters
    ----------
    records
        Rows of a :class:`Plot`, each group together.
    decimals
        Of values and their intervals; standard errors get one more.

    Returns
    -------
    dict
        ``groups`` (each with ``heading``, the parts of it, and ``rows``), ``remarks`` (text -> letter) and ``rows``,
        their number. A cell is a text, empty where there is no number, and numbers of withheld rows are not in it.
    """
    groups: list[dict[str, Any]] = []
    remarks: dict[str, str] = {}
    for group, rows in groupby(records, lambda row: row["group"]):
        lines = []
        for row in rows:
            withheld = row["display"] == "withheld"
            about = dict.fromkeys(str(text) for text in (row["reason"], row["quality"]) if _has(text))
            kept = {name: None if withheld else row[name] for name in ("value", "lower", "upper", *BESIDES[:3])}
            lines.append(
                {
                    "label": row["label"],
                    "display": row["display"],
                    "value": number(kept["value"], decimals),
                    "ends": ends(kept["lower"], kept["upper"], decimals),
                    "std_error": number(None if withheld else row["std_error"], decimals + 1),
                    "n": number(row["n"]),
                    "n_eligible": number(kept["n_eligible"]),
                    "df": number(kept["df"]),
                    "deff": number(kept["deff"], 2),
                    "remarks": [remarks.setdefault(text, _letter(len(remarks))) for text in about],
                }
            )
        groups.append({"heading": [heading(part) for part in group.split(" × ") if part], "rows": lines})
    return {"groups": groups, "remarks": remarks, "rows": len(records)}


def _letter(place: int) -> str:
    """a, b, …, z, aa, ab, …"""
    return (_letter(place // 26 - 1) if place >= 26 else "") + "abcdefghijklmnopqrstuvwxyz"[place % 26]


def number(value: Any, decimals: int = 0) -> str:
    """A number as a reader takes it in; empty where there is none.

    Examples
    --------
    >>> number(12345.678, 1), number(float("nan")), number(float("inf"))
    ('12,345.7', '', '∞')
    """
    if not _has(value):
        return ""
    return f"{float(value):,.{decimals}f}".replace("inf", "∞")


def ends(lower: Any, upper: Any, decimals: int) -> tuple[str, str] | None:
    """An interval's ends, where it has both.

    Examples
    --------
    >>> ends(11.04, 13.86, 1)
    ('11.0', '13.9')
    """
    return (number(lower, decimals), number(upper, decimals)) if _has(lower) and _has(upper) else None


def span(lower: Any, upper: Any, decimals: int) -> str:
    """An interval as an English text.

    Examples
    --------
    >>> span(11.04, 13.86, 1), span(None, 13.86, 1)
    ('11.0 to 13.9', '–')
    """
    return " to ".join(ends(lower, upper, decimals) or ("–",))


def _has(value: Any) -> bool:
    return value is not None and value != "" and value == value and str(value) != "<NA>"
