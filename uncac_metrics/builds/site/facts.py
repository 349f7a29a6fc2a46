"""What the pages say: indicators with their results, and what the indicators are linked to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from math import isnan
from typing import TYPE_CHECKING, Any

from uncac_metrics.builds.figures import Plot, ends, number, table_of
from uncac_metrics.builds.links import KINDS, linked, links, rows
from uncac_metrics.builds.plan import Inputs
from uncac_metrics.languages import Language, language, text
from uncac_metrics.model import BREAKDOWNS, TOTAL, Indicator

if TYPE_CHECKING:
    import pandas as pd

FOLDERS: Mapping[str, str] = {"paragraph": "paragraphs", "article": "articles", "target": "targets"}
"""Folder of the pages of each kind of thing that indicators are linked to."""
REVISED = 100
"""Changed estimates that an indicator's page lists at most; the file lists all."""
FIRST = 3
"""Headline figures of a topic."""


@dataclass(frozen=True)
class Headline:
    """The overall value of an indicator in its latest period."""

    period: str
    source: str
    value: float | None
    """None where it is withheld or there is none."""
    ends: str
    """The interval in words; empty where there is none."""
    display: str
    unit: str
    bar: tuple[float, float, float] | None = None
    """Value and ends of a percentage, for a bar from 0 to 100."""


@dataclass(frozen=True)
class Section:
    """An indicator with all that its page shows."""

    card: Indicator
    results: list[dict[str, Any]]
    headline: Headline | None
    """None where there are values by category only."""
    links: Mapping[str, list[tuple[str, str, str]]] = field(default_factory=dict)
    changes: Mapping[str, Any] | None = None
    """None where there is no earlier release."""


def sections(
    inputs: Inputs,
    plots: Sequence[Plot],
    drawn: Mapping[str, Mapping[str, str]],
    changes: pd.DataFrame | None,
    lang: str | Language = "en",
) -> dict[str, Section]:
    """The indicators of a release by id, in the order of topics and ids.

    Parameters
    ----------
    inputs
        The office, its sources and definitions.
    plots, drawn
        Of :func:`uncac_metrics.builds.figures.figures` in that language, and the text of each by name and language.
    changes
        Against the last release; None where there is none.
    lang
        Language of labels and numbers.
    """
    from markupsafe import Markup

    together: dict[str, list[Plot]] = {}
    for plot in plots:
        together.setdefault(plot.indicator.id, []).append(plot)
    revised = _changes(changes, lang)
    found = {}
    for key, some in together.items():
        card = some[0].indicator
        results = [
            {
                "source": inputs.sources[plot.dataset],
                "title": plot.source,
                "svg": Markup(drawn[plot.name][language(lang).code]),
                "table": table_of(plot.rows, card.decimals, lang),
                "crossed": table_of(plot.crossed, card.decimals, lang) if plot.crossed else None,
                "file": f"plots/{plot.name}.svg",
                "left_out": number(plot.left_out, 0, lang) if plot.left_out else "",
                "unit": unit_of(plot),
            }
            for plot in some
        ]
        told = None if changes is None else revised.get(key, _NOTHING)
        found[key] = Section(card, results, _headline(some[0], inputs), links(card), told)
    return found


def _headline(plot: Plot, inputs: Inputs) -> Headline | None:
    """The first row, where it is a total."""
    if not plot.rows or plot.rows[0]["group"]:
        return None
    row = plot.rows[0]
    card, source = plot.indicator, inputs.sources[plot.dataset]
    hidden = row["display"] == "withheld"
    value = None if hidden or isnan(row["value"]) else row["value"]
    span = "" if hidden else ends(row["lower"], row["upper"], card.decimals, plot.lang)
    percent = card.unit == "%" and value is not None and span and 0 <= row["lower"] <= row["upper"] <= 100
    bar = (row["value"], row["lower"], row["upper"]) if percent else None
    return Headline(source.time_period, source.id, value, span, row["display"], unit_of(plot), bar)


def unit_of(plot: Plot) -> str:
    """The unit of its numbers: that of the card, or the currency of the source."""
    rows = plot.rows or plot.crossed
    return str(rows[0]["unit"]) if rows else plot.indicator.unit


def headlines(found: Mapping[str, Section]) -> dict[str, list[Section]]:
    """A few indicators of each topic with a published overall value: those of the 2030 Agenda first."""
    chosen: dict[str, list[Section]] = {}
    order = sorted(found.values(), key=lambda section: (not section.card.series, section.card.id))
    for topic in dict.fromkeys(section.card.topic for section in found.values()):
        told = [s for s in order if s.card.topic == topic and s.headline and s.headline.value is not None]
        chosen[topic] = told[:FIRST]
    return {topic: some for topic, some in chosen.items() if some}


_NOTHING: Mapping[str, Any] = {"counts": {}, "rows": [], "more": 0}


def _changes(changes: pd.DataFrame | None, lang: str | Language) -> dict[str, dict[str, Any]]:
    """Indicator -> numbers of changed estimates by what became of them, and the rows that were revised or dropped."""
    if changes is None:
        return {}
    from uncac_metrics.plots.labels import code_label

    found = {}
    kept = changes[changes["status"] != "unchanged"]
    for key, part in kept.groupby("indicator"):
        told = part[part["status"] != "new"]
        rows = [
            {
                "domain": ", ".join(code_label(b, row[b], lang=lang) for b in BREAKDOWNS if row[b] != TOTAL)
                or text("Total", lang),
                **{name: row[name] for name in ("dataset", "time_period", "status", "reason", "changed")},
                **{name: row[name] for name in ("value_before", "value_after", "difference", "in_std_errors")},
            }
            for row in told.head(REVISED).to_dict("records")
        ]
        counts = part["status"].value_counts()
        counts = {name: int(counts[name]) for name in ("new", "dropped", "revised") if name in counts}
        found[str(key)] = {"counts": counts, "rows": rows, "more": len(told) - len(rows)}
    return found


def revised(changes: pd.DataFrame | None) -> dict[str, int] | None:
    """Numbers of estimates by what became of them since the last release; None where there is none."""
    if changes is None:
        return None
    counts = changes["status"].value_counts()
    return {name: int(counts.get(name, 0)) for name in ("new", "dropped", "revised", "unchanged")}


def topic_name(topic: str) -> str:
    """A topic's folder as words.

    Examples
    --------
    >>> topic_name("asset_recovery"), topic_name("")
    ('Asset recovery', 'Other')
    """
    return topic.replace("_", " ").replace("-", " ").capitalize() or "Other"


def linked_to(kind: str, catalogue: Mapping[str, Indicator]) -> dict[str, list[str]]:
    """Code of a paragraph, article or target -> ids of the indicators linked to it, every code of the table."""
    return {code: [card.id for card in linked(kind, code, catalogue)] for code in rows(kind)}


def basis(card: Indicator) -> tuple[tuple[str, str], tuple[str, str]]:
    """Numerator and denominator in words, in English and Chinese."""
    measure, named = card.measure, _bases()
    above = named.get((measure.shape, measure.numerator), (measure.numerator, ""))
    return above, named.get((measure.shape, measure.denominator), (measure.denominator, ""))


@cache
def _bases() -> dict[tuple[str, str], tuple[str, str]]:
    from uncac_metrics import reference

    table = reference.load("bases").astype(str).to_dict("records")
    return {(row["shape"], row["base"]): (row["label"], row["label_zh"]) for row in table}


@cache
def neighbours() -> dict[tuple[str, str], dict[str, list[str]]]:
    """(kind, code) -> kind -> codes: which paragraphs, articles and targets belong together by the reference tables."""
    from uncac_metrics import reference

    found: dict[tuple[str, str], dict[str, list[str]]] = {}

    def join(one: tuple[str, str], two: tuple[str, str]) -> None:
        for (kind, code), near in ((one, two), (two, one)):
            codes = found.setdefault((kind, code), {}).setdefault(near[0], [])
            if near[1] not in codes and near[1] in rows(near[0]):
                codes.append(near[1])

    for row in reference.load("paragraph_links").to_dict("records"):
        join(("paragraph", row["paragraph"]), (row["kind"], row["code"]))
    for row in reference.load("article_targets").to_dict("records"):
        join(("article", row["article"]), ("target", row["target"]))
    for code, row in rows("target").items():
        if row["parent"]:
            join(("target", code), ("target", row["parent"]))
    orders = {kind: {code: place for place, code in enumerate(rows(kind))} for kind in FOLDERS}
    return {
        one: {
            kind: sorted(codes, key=orders[kind].__getitem__) for kind, codes in near.items() if kind in KINDS and codes
        }
        for one, near in found.items()
    }
