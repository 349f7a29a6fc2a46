"""Words for the codes of breakdown columns."""

from __future__ import annotations

import re
from collections.abc import Mapping

from uncac_metrics.languages import Language, text
from uncac_metrics.model import BREAKDOWNS
from uncac_metrics.shapes import SHAPES, TRANSACTIONS

Labels = Mapping[str, Mapping[str, str]]
"""Breakdown -> code -> label."""

LABELS: Labels = {
    column.name: column.codes
    for shape in SHAPES.values()
    for column in shape.columns
    if column.name in BREAKDOWNS and column.codes
} | {"transaction": TRANSACTIONS}
AGES = re.compile(r"Y(?:(?P<low>\d+)T(?P<high>\d+)|_?GE(?P<least>\d+)|_?LT(?P<below>\d+)|(?P<one>\d+))")


def heading(breakdown: str, lang: str | Language = "en") -> str:
    """Heading of a breakdown column, or of several crossed with each other.

    Examples
    --------
    >>> heading("sex × urbanisation")
    'Sex of the person × Urban or rural residence'
    >>> heading("sex", "fr")
    'Sexe de la personne'
    """
    words = dict(BREAKDOWNS) | {"category": "Category"}
    return " × ".join(text(words.get(name, name), lang) for name in breakdown.split(" × "))


def code_label(breakdown: str, code: str, labels: Labels | None = None, lang: str | Language = "en") -> str:
    """Label of `code` in a breakdown column; the code itself, spelt out, where nothing says more.

    Parameters
    ----------
    breakdown, code
        Name of the column and the code in it.
    labels
        Labels of the data set's own; they come before the common ones.
    lang
        Language; a label that no catalogue translates stays as it is.

    Examples
    --------
    >>> code_label("age", "Y18T29"), code_label("age", "Y_GE60"), code_label("area", "A01")
    ('18–29', '60 and over', 'A01')
    >>> code_label("official", "health_worker")
    'Health worker'
    """
    for known in (labels or {}, LABELS):
        if code in known.get(breakdown, {}):
            return text(known[breakdown][code], lang, context=breakdown)
    age = AGES.fullmatch(code) if breakdown == "age" else None
    if not age:
        return text(code.replace("_", " ").capitalize(), lang, context=breakdown) if code.islower() else code
    if age["low"]:
        return text("{low}–{high}", lang, context="age", low=age["low"], high=age["high"])
    if age["least"]:
        return text("{low} and over", lang, context="age", low=age["least"])
    return text("under {low}", lang, context="age", low=age["below"]) if age["below"] else age["one"]
