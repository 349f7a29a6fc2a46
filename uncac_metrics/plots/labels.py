"""Words for the codes of breakdown columns."""

from __future__ import annotations

import re
from collections.abc import Mapping

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


def heading(breakdown: str) -> str:
    """Heading of a breakdown column, or of several crossed with each other.

    Examples
    --------
    >>> heading("sex × urbanisation")
    'Sex of the person × Urban or rural residence'
    """
    words = dict(BREAKDOWNS) | {"category": "Category"}
    return " × ".join(words.get(name, name) for name in breakdown.split(" × "))


def code_label(breakdown: str, code: str, labels: Labels | None = None) -> str:
    """Label of `code` in a breakdown column; the code itself, spelt out, where nothing says more.

    Parameters
    ----------
    breakdown, code
        Name of the column and the code in it.
    labels
        Labels of the data set's own; they come before the common ones.

    Examples
    --------
    >>> code_label("age", "Y18T29"), code_label("age", "Y_GE60"), code_label("area", "A01")
    ('18–29', '60 and over', 'A01')
    >>> code_label("official", "health_worker")
    'Health worker'
    """
    for known in (labels or {}, LABELS):
        if code in known.get(breakdown, {}):
            return known[breakdown][code]
    age = AGES.fullmatch(code) if breakdown == "age" else None
    if not age:
        return code.replace("_", " ").capitalize() if code.islower() else code
    if age["low"]:
        return f"{age['low']}–{age['high']}"
    if age["least"]:
        return f"{age['least']} and over"
    return f"under {age['below']}" if age["below"] else age["one"]
