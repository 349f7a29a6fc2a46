"""What an indicator is linked to, in words: paragraphs, articles, targets, crime classes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from uncac_metrics.model import Indicator


@dataclass(frozen=True)
class Kind:
    """A kind of thing that cards link to."""

    label: str
    table: str
    """Reference table with a row each."""
    key: str
    """Its column of codes."""
    field: str
    """The field of a card that holds the codes."""


KINDS: Mapping[str, Kind] = {
    "paragraph": Kind("Political declaration, paragraph", "declaration", "paragraph", "paragraphs"),
    "article": Kind("Convention against Corruption, article", "articles", "article", "articles"),
    "target": Kind("Sustainable Development Goals", "sdg", "code", "targets"),
    "crime": Kind("International crime classification", "crimes", "code", "crimes"),
}


@cache
def rows(kind: str) -> dict[str, dict[str, str]]:
    """Code -> row of the reference table of a kind."""
    from uncac_metrics import reference

    about = KINDS[kind]
    table = reference.load(about.table)
    return {row[about.key]: row for row in table.astype(str).to_dict("records")}


def links(card: Indicator) -> dict[str, list[tuple[str, str, str]]]:
    """Kind -> (code, title, Chinese title) of all that a card is linked to; no kind without a link."""
    found = {}
    for kind, about in KINDS.items():
        titles = rows(kind)
        named = [(code, *_titles(titles.get(code, {}))) for code in getattr(card, about.field)]
        if named:
            found[kind] = named
    return found


def linked(kind: str, code: str, catalogue: Mapping[str, Indicator]) -> list[Indicator]:
    """Indicators whose cards name a code or, for a goal or target, anything under it."""
    field = KINDS[kind].field
    return [
        card
        for _, card in sorted(catalogue.items())
        if any(named == code or (kind == "target" and named.startswith(code + ".")) for named in getattr(card, field))
    ]


def _titles(row: Mapping[str, str]) -> tuple[str, str]:
    return row.get("title", ""), row.get("title_zh", "")
