"""The page of a release: every indicator with its table, its plot and what it speaks to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

from uncac_metrics.builds.links import KINDS, links
from uncac_metrics.builds.plan import Inputs
from uncac_metrics.model import BREAKDOWNS, DIRECTIONS, MEASURES, PROVENANCE, TOTAL, Indicator
from uncac_metrics.plots.labels import heading
from uncac_metrics.shapes import SHAPES

if TYPE_CHECKING:
    import pandas as pd
    from jinja2 import Environment

    from uncac_metrics.builds.jobs import Outcome

BESIDES = ["n_eligible", "df", "deff", "quality"]
"""Columns of results that the tables show and the plots do not."""
OWN = "The card is this project's own, not one of UNODC's framework."


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


def figures(inputs: Inputs, estimates: pd.DataFrame) -> list[Plot]:
    """The plots of a release by topic, indicator and period, the latest first."""
    from uncac_metrics.plots.interval import TAKEN, numbers_of

    plots = []
    grouped: dict[tuple[str, str], tuple[list[Any], list[Any]]] = {}
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
        plots.append(Plot(f"{key}-{dataset}", card, dataset, one, many, f"{source.title}{simulated}"))
    plots.sort(key=lambda plot: inputs.sources[plot.dataset].time_period, reverse=True)
    return sorted(plots, key=lambda plot: (plot.indicator.topic, plot.indicator.id))


def draw(plot: Plot) -> tuple[str, str]:
    """A plot's name and the text of its SVG, with its alternative text in it."""
    from uncac_metrics.plots.alt import words_of
    from uncac_metrics.plots.interval import interval_picture
    from uncac_metrics.plots.rows import as_svg

    picture = interval_picture(plot.rows, plot.indicator, source=plot.source)
    return plot.name, as_svg(picture, alt=words_of(plot.rows, plot.indicator))


def render(
    inputs: Inputs,
    outcomes: Sequence[Outcome],
    estimates: pd.DataFrame,
    plots: Sequence[Plot],
    drawn: Mapping[str, str],
    content: Mapping[str, Any],
    changes: pd.DataFrame | None = None,
) -> str:
    """The text of ``index.html``: one file that needs no other and no network.

    Parameters
    ----------
    inputs
        The office, its sources and definitions.
    outcomes
        What each job gave.
    estimates
        All estimates of the release.
    plots, drawn
        The plots, and the text of each by name.
    content
        What determined the release, of :func:`uncac_metrics.builds.manifest.describe`.
    changes
        Of :func:`uncac_metrics.revisions` against the last release; None where there is none.
    """
    from markupsafe import Markup

    from uncac_metrics.builds.manifest import release_id

    bases = _bases()
    topics: dict[str, list[dict[str, Any]]] = {}
    for plot in plots:
        sections = topics.setdefault(plot.indicator.topic, [])
        if not sections or sections[-1]["card"] is not plot.indicator:
            sections.append(_section(plot.indicator, bases))
        sections[-1]["results"].append(
            {
                "source": inputs.sources[plot.dataset],
                "title": plot.source,
                "svg": Markup(drawn[plot.name]),
                "table": table_of(plot.rows, plot.indicator.decimals),
                "crossed": table_of(plot.crossed, plot.indicator.decimals) if len(plot.crossed) else None,
                "file": f"plots/{plot.name}.svg",
            }
        )
    computed = {plot.indicator.id for plot in plots}
    missing: dict[str, dict[str, str]] = {}
    for outcome in outcomes:
        for key, reason in outcome.skipped.items():
            if key not in computed:
                missing.setdefault(key, {})[outcome.dataset] = reason
    return (
        environment()
        .get_template("index.html")
        .render(
            office=inputs.office,
            release=release_id(content),
            content=content,
            topics={_topic(topic): sections for topic, sections in topics.items()},
            kinds=KINDS,
            sources=[(inputs.sources[outcome.dataset], outcome) for outcome in outcomes],
            simulated=any(inputs.sources[outcome.dataset].simulated for outcome in outcomes),
            missing=[(inputs.catalogue[key], reasons) for key, reasons in sorted(missing.items())],
            own=OWN,
            rows=len(estimates),
            revised=_revised(changes),
        )
    )


def _revised(changes: pd.DataFrame | None) -> dict[str, int] | None:
    """Numbers of estimates by what became of them since the last release."""
    if changes is None:
        return None
    counts = changes["status"].value_counts()
    return {name: int(counts.get(name, 0)) for name in ("new", "dropped", "revised", "unchanged")}


def environment() -> Environment:
    """What renders the templates: every text is escaped, and a name that is not given is an error."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=PackageLoader("uncac_metrics.builds"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def _section(card: Indicator, bases: Mapping[tuple[str, str], Mapping[str, str]]) -> dict[str, Any]:
    measure = card.measure
    below = bases.get((measure.shape, measure.denominator), {})
    above = bases.get((measure.shape, measure.numerator), {})
    return {
        "card": card,
        "links": links(card),
        "numerator": above.get("label", measure.numerator),
        "denominator": below.get("label", measure.denominator),
        "type": MEASURES[card.type],
        "direction": DIRECTIONS[card.direction],
        "provenance": PROVENANCE[card.provenance],
        "results": [],
    }


def _bases() -> dict[tuple[str, str], dict[str, str]]:
    from uncac_metrics import reference

    return {(row["shape"], row["base"]): row for row in reference.load("bases").astype(str).to_dict("records")}


def table_of(records: Sequence[dict[str, Any]], decimals: int) -> dict[str, Any]:
    """Rows of a table as text, under the headings of the plot, and the remarks that they refer to by letter."""
    groups: list[dict[str, Any]] = []
    remarks: dict[str, str] = {}
    for group, rows in groupby(records, lambda row: row["group"]):
        lines = []
        for row in rows:
            withheld = row["display"] == "withheld"
            about = dict.fromkeys(str(text) for text in (row["reason"], row["quality"]) if _has(text))
            letters = [remarks.setdefault(text, _letter(len(remarks))) for text in about]
            lines.append(
                {
                    "label": row["label"],
                    "display": row["display"],
                    "value": "withheld" if withheld else number(row["value"], decimals),
                    "interval": span(row["lower"], row["upper"], decimals),
                    "std_error": number(row["std_error"], decimals + 1),
                    "n": number(row["n"]),
                    "n_eligible": "–" if withheld else number(row["n_eligible"]),
                    "df": "–" if withheld else number(row["df"]),
                    "deff": "–" if withheld else number(row["deff"], 2),
                    "remarks": letters,
                }
            )
        groups.append({"heading": heading(group), "rows": lines})
    return {"groups": groups, "remarks": remarks, "rows": len(records)}


def _letter(place: int) -> str:
    """a, b, …, z, aa, ab, …"""
    return (_letter(place // 26 - 1) if place >= 26 else "") + "abcdefghijklmnopqrstuvwxyz"[place % 26]


def number(value: Any, decimals: int = 0) -> str:
    """A number as a reader takes it in; a dash where there is none.

    Examples
    --------
    >>> number(12345.678, 1), number(float("nan"))
    ('12,345.7', '–')
    """
    return f"{float(value):,.{decimals}f}" if _has(value) else "–"


def span(lower: Any, upper: Any, decimals: int) -> str:
    """An interval's ends.

    Examples
    --------
    >>> span(11.04, 13.86, 1)
    '11.0 to 13.9'
    """
    return f"{number(lower, decimals)} to {number(upper, decimals)}" if _has(lower) and _has(upper) else "–"


def _has(value: Any) -> bool:
    return value is not None and value != "" and value == value and str(value) != "<NA>"


def _topic(name: str) -> str:
    return name.replace("_", " ").replace("-", " ").capitalize() or "Other"
