"""A card, or a commitment and what measures it, as text for a terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping

from uncac_metrics.builds.links import KINDS, linked, links, rows
from uncac_metrics.languages import Language, language, named, text
from uncac_metrics.model import BREAKDOWNS, DIRECTIONS, MEASURES, PROVENANCE, Indicator

OWN = "The card is this project's own, not one of UNODC's framework."


def describe_indicator(card: Indicator, *, lang: str | Language = "en", width: int = 96) -> str:
    """A card's fields and links.

    Parameters
    ----------
    card
        The definition.
    lang
        Language of labels, and of names and titles where they have one in it. The texts are as in the card.
    width
        Columns of the terminal.

    Returns
    -------
    str
    """
    name, other = named(card, lang), {"en": card.name_zh, "zh": card.name}
    measure = card.measure
    parts = [
        measure.estimator,
        " / ".join(filter(None, (measure.numerator or measure.levels, measure.denominator))),
        measure.shape,
    ]
    if measure.items:
        parts.append(f"by {measure.items}")
    parts += [f"{name} {', '.join(codes)}" for name, codes in measure.where.items()]
    fields = [
        ("Name", other.get(language(lang).code, "")),
        ("Type", f"{card.type}: {text(MEASURES[card.type], lang)}"),
        ("Objective", card.objective),
        ("Description", card.description),
        ("Formula", card.formula),
        ("Responsible", card.responsible),
        ("Sources", ", ".join(card.sources)),
        ("Frequency", card.frequency),
        (
            "Disaggregations",
            "; ".join(f"{column} ({text(BREAKDOWNS[column], lang).lower()})" for column in card.disaggregations),
        ),
        ("Notes", card.notes),
        ("Unit", text(card.unit, lang, context="unit")),
        ("Direction", text(DIRECTIONS[card.direction], lang)),
        ("Universe", card.universe),
        ("Reference period", card.reference_period),
        ("Estimator", ", ".join(parts)),
        ("Provenance", f"{card.provenance}: {text(PROVENANCE[card.provenance], lang)}. {card.provenance_note}"),
        ("", text(OWN, lang)),
        ("Series", ", ".join(card.series)),
    ]
    lines = [_head(card.id, name), *_fields(fields, lang, width)]
    for kind, linked_to in links(card).items():
        lines += ["", text(KINDS[kind].label, lang)]
        titles = [(code, named({"title": title, "title_zh": title_zh}, lang)) for code, title, title_zh in linked_to]
        lines += _fields(titles, "en", width)
    return "\n".join(lines) + "\n"


def describe_commitment(
    kind: str, code: str, catalogue: Mapping[str, Indicator], *, lang: str | Language = "en", width: int = 96
) -> str:
    """A paragraph, article, target or crime class, and the indicators linked to it.

    Parameters
    ----------
    kind
        Name in :data:`uncac_metrics.builds.links.KINDS`.
    code
        Its number.
    catalogue
        Definitions by id.
    lang, width
        As in :func:`describe_indicator`.

    Returns
    -------
    str

    Raises
    ------
    KeyError
        Where there is no such row.
    """
    row = rows(kind)[code]
    about = KINDS[kind]
    fields = [
        (label, named({"title": row.get(key, ""), "title_zh": row.get(f"{key}_zh", "")}, lang))
        for label, key in (("Section", "section_title"), ("Chapter", "chapter_title"), ("Summary", "summary"))
    ]
    head = _head(f"{text(about.label, lang)} {code}", named(row, lang))
    lines = [head, *_fields(fields, lang, width), "", text("Indicators", lang)]
    found = linked(kind, code, catalogue)
    lines += _fields([(card.id, named(card, lang)) for card in found], "en", width)
    if not found:
        lines.append("  " + text("No indicator is linked to it.", lang))
    return "\n".join(lines) + "\n"


def _head(code: str, title: str) -> str:
    return f"{code}  {title}"


def _fields(fields: Iterable[tuple[str, str]], lang: str | Language, width: int) -> list[str]:
    """Label and text side by side, the text wrapped; fields without text are left out."""
    shown = [(text(name, lang), words) for name, words in fields if words]
    column = 2 + max([18, *(_columns(label) + 1 for label, _ in shown)])
    lines = []
    for label, words in shown:
        first = f"  {label}{' ' * (column - 2 - _columns(label))}"
        wide = _columns(words) > 1.5 * len(words)
        room = max(20, (width - column) // (2 if wide else 1))
        wrapped = textwrap.wrap(" ".join(words.split()), room)
        lines += [(first if place == 0 else " " * column) + line for place, line in enumerate(wrapped)]
    return lines


def _columns(words: str) -> int:
    """Columns of a terminal that a text takes: Chinese characters take two."""
    from unicodedata import east_asian_width

    return sum(2 if east_asian_width(letter) in "WF" else 1 for letter in words)
