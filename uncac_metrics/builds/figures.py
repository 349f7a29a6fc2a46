"""What the pages show of an indicator from one data set: its plot, and its table as text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from math import isinf
from typing import TYPE_CHECKING, Any

from uncac_metrics import languages
from uncac_metrics.builds.plan import Inputs
from uncac_metrics.languages import Language
from uncac_metrics.model import BREAKDOWNS, TOTAL, Indicator, Source
from uncac_metrics.plots.labels import Labels, heading
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
    lang: str | Language = "en"
    """Language of its labels and of what is drawn."""


def figures(inputs: Inputs, estimates: pd.DataFrame, lang: str | Language = "en") -> list[Plot]:
    """The plots of a release in a language, by topic, indicator and period, the latest first."""
    from uncac_metrics.plots.interval import TAKEN

    plots = []
    grouped: dict[tuple[str, str], tuple[list[Any], list[Any]]] = {}
    estimates, left_out = _shown(estimates)
    several = (estimates[list(BREAKDOWNS)].to_numpy(object) != TOTAL).sum(axis=1) > 1
    useful = ["indicator", *(name for name in estimates if name in TAKEN), *BESIDES]
    for row, crossed in zip(estimates[useful].to_dict("records"), several, strict=True):
        grouped.setdefault((row["indicator"], row["dataset"]), ([], []))[int(crossed)].append(row)
    for (key, dataset), rows in sorted(grouped.items()):
        card, source = inputs.catalogue[key], inputs.sources[dataset]
        levels = SHAPES[source.shape].column(card.measure.levels) if card.measure.levels else None
        labels = {"category": levels.codes} if levels is not None and levels.codes else {}
        one, many = (_told(some, labels, lang) for some in rows)
        plots.append(Plot(f"{key}-{dataset}", card, dataset, one, many, title_of(source, lang),
                          left_out.get((key, dataset), 0), lang))  # fmt: skip
    plots.sort(key=lambda plot: inputs.sources[plot.dataset].time_period, reverse=True)
    return sorted(plots, key=lambda plot: (plot.indicator.topic, plot.indicator.id))


def _told(records: Sequence[dict[str, Any]], labels: Labels, lang: str | Language) -> list[dict[str, Any]]:
    """The rows of a plot in a language, with whether the label of each is the English one."""
    from uncac_metrics.plots.interval import numbers_of

    rows = numbers_of(records, labels, lang)
    english = rows if languages.language(lang).code == "en" else numbers_of(records, labels)
    return [row | {"english": row["label"] == other["label"]} for row, other in zip(rows, english, strict=True)]


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


def title_of(source: Source, lang: str | Language = "en") -> str:
    """Title of a source, which says so where its data are simulated."""
    title = languages.named(source, lang)
    told = "simulated" in source.title or languages.text("simulated", lang) in title
    return title if told or not source.simulated else f"{title} ({languages.text('simulated', lang)})"


def draw_each(plots: Sequence[Plot]) -> tuple[str, dict[str, str]]:
    """The name of a plot that is given in several languages, and its SVG by language."""
    return plots[0].name, {languages.language(plot.lang).code: draw(plot)[1] for plot in plots}


def draw(plot: Plot) -> tuple[str, str]:
    """A plot's name and the text of its SVG, with its alternative text in it."""
    from uncac_metrics.plots.alt import words_of
    from uncac_metrics.plots.interval import interval_picture
    from uncac_metrics.plots.rows import as_svg

    picture = interval_picture(plot.rows, plot.indicator, source=plot.source, lang=plot.lang)
    return plot.name, as_svg(picture, alt=words_of(plot.rows, plot.indicator, plot.lang))


def table_of(records: Sequence[dict[str, Any]], decimals: int, lang: str | Language = "en") -> dict[str, Any]:
    """Rows of a table as text, under the headings of the plot, and the remarks that they refer to by letter.

    Parameters
    ----------
    records
        Rows of a :class:`Plot`, each group together.
    decimals
        Of values and their intervals; standard errors get one more.
    lang
        Language of the numbers; that of the labels in `records`.

    Returns
    -------
    dict
        ``groups`` (each with ``heading``, the parts of it, and ``rows``), ``remarks`` (text -> letter) and ``rows``,
        their number. A row's ``english`` tells that its label is the English one. A cell is a text, empty where there
        is no number, and numbers of withheld rows are not in it.
    """
    groups: list[dict[str, Any]] = []
    remarks: dict[str, str] = {}
    for group, rows in groupby(records, lambda row: row["group"]):
        lines = []
        for row in rows:
            withheld = row["display"] == "withheld"
            about = _remarks(row["reason"], row["quality"])
            kept = {name: None if withheld else row[name] for name in ("value", "lower", "upper", *BESIDES[:3])}
            lines.append(
                {
                    "label": row["label"],
                    "english": row["english"],
                    "display": row["display"],
                    "value": number(kept["value"], decimals, lang),
                    "ends": ends(kept["lower"], kept["upper"], decimals, lang),
                    "std_error": number(None if withheld else row["std_error"], decimals + 1, lang),
                    "n": number(row["n"], 0, lang),
                    "n_eligible": number(kept["n_eligible"], 0, lang),
                    "df": number(kept["df"], 0, lang),
                    "deff": number(kept["deff"], 2, lang),
                    "remarks": [remarks.setdefault(text, _letter(len(remarks))) for text in about],
                }
            )
        groups.append({"heading": [heading(part, lang) for part in group.split(" × ") if part], "rows": lines})
    return {"groups": groups, "remarks": remarks, "rows": len(records)}


def _remarks(reason: Any, quality: Any) -> list[str]:
    """What a row says of itself, each thing once; a grade says what it grades, as reasons do."""
    from uncac_metrics.disclosure.presentation import grades

    parts = str(quality).split("; ") if _has(quality) else []
    told = [f"coefficient of variation grade {part}" if part in grades() else part for part in parts]
    return list(dict.fromkeys([*(str(reason).split("; ") if _has(reason) else []), *told]))


def _letter(place: int) -> str:
    """a, b, …, z, aa, ab, …"""
    return (_letter(place // 26 - 1) if place >= 26 else "") + "abcdefghijklmnopqrstuvwxyz"[place % 26]


def number(value: Any, decimals: int = 0, lang: str | Language = "en") -> str:
    """A number as a reader takes it in; empty where there is none.

    Examples
    --------
    >>> number(12345.678, 1), number(12345.678, 1, "es"), number(float("nan")), number(float("inf"))
    ('12,345.7', '12.345,7', '', '∞')
    """
    if not _has(value):
        return ""
    if isinf(value):
        return "∞" if value > 0 else "-∞"
    return languages.number(value, lang, decimals)


def ends(lower: Any, upper: Any, decimals: int, lang: str | Language = "en") -> str:
    """An interval in words; empty where it lacks an end.

    Examples
    --------
    >>> ends(11.04, 13.86, 1), ends(11.04, 13.86, 1, "ru"), ends(None, 13.86, 1)
    ('11.0 to 13.9', 'от 11,0 до 13,9', '')
    """
    if not (_has(lower) and _has(upper)):
        return ""
    words = number(lower, decimals, lang), number(upper, decimals, lang)
    return languages.text("{lower} to {upper}", lang, lower=words[0], upper=words[1])


def _has(value: Any) -> bool:
    return value is not None and value != "" and value == value and str(value) != "<NA>"
