"""The dictionaries of the input shapes, and what the estimators take."""

from pathlib import Path

from markup import table, text

from uncac_metrics.methods import METHODS
from uncac_metrics.model import Column
from uncac_metrics.shapes import SHAPES

SHAPES_INTRO = """
A data set takes one of these shapes: a sample survey, a register with a row a unit, or figures that others have
counted, rated or published. A table needs no more columns than its indicators take; those marked *required* it must
have, and those marked *complete* may not be missing where the table has them. Columns that end in `__*` stand for one
column an item (`contact__police`, `contact__judge`).

Kinds: `yes_no` is 1, 0 or missing, and missing is not "no"; `date` is a day (2025-03-01 unless the rule of the source
says otherwise); `amount` is money in the `currency` (ISO 4217) of its row; `code` is a text from a list. An empty date
says that the event had not happened by `date_observed`.
"""
ESTIMATORS_INTRO = """
What the measure of a card may name. *Above the line* is the numerator, *below the line* the denominator: rows that are
counted, or a kind of number that is summed. Nothing in a card is evaluated as code.

"""


def column_codes(column: Column) -> str:
    """The codes of a column with their labels: of a closed list, or the usual ones."""
    codes = column.codes or column.usual or {}
    listed = "; ".join(f"`{code}` {text(label)}" for code, label in codes.items())
    return f"usually {listed}" if column.usual else listed


def rule(how: str, taken: object, codes: object) -> str:
    """How a shape derives a column, in words."""
    columns = ", ".join(f"`{c}`" for c in taken)
    words = {
        "any": f"any of {columns} is yes", "all": f"all of {columns} are yes", "sum": f"sum of {columns}",
        "product": f"product of {columns}", "positive": f"{columns} is above 0", "present": f"{columns} is given",
        "equals": f"{columns} is {text(', '.join(codes or ()))}", "by": f"done, due, observed: {columns}",
    }  # fmt: skip
    return words[how]


def page(path: Path) -> dict[Path, str]:
    """The dictionaries of all input shapes, and what the estimators take."""
    parts = ["# Input shapes\n", SHAPES_INTRO]
    rows = [
        (f"[{text(s.label)}](#shape-{s.id})", f"`{s.id}`", text(s.row), text(", ".join(s.sources).replace("_", " ")))
        for s in SHAPES.values()
    ]
    parts.append(table(("input", "name", "a row is a", "from"), rows))
    for s in SHAPES.values():
        parts.append(f"(shape-{s.id})=\n## {text(s.label)}\n")
        parts.append(
            f"`{s.id}`: a row is one {text(s.row)}. Rows are told apart by {', '.join(f'`{k}`' for k in s.key)}.\n"
        )
        lines = []
        for c in s.columns:
            must = "required" if c.required else "complete" if c.complete else ""
            unit = f" ({text(c.unit)})" if c.unit else ""
            lines.append((f"`{c.name}`", c.kind, must, f"{text(c.label)}{unit}", column_codes(c)))
        parts.append(table(("column", "kind", "", "meaning", "codes"), lines))
        made = [
            (f"`{name}`", rule(how := next(k for k in r if k not in ("missing", "codes")), r[how], r.get("codes")))
            for name, r in s.derived.items()
        ]
        if made:
            parts.append("Made where the table lacks it:\n\n" + table(("column", "is"), made))
        held = [(f"`{a}`", f"holds nothing where `{b}` is 0") for a, b in s.within]
        held += [(f"`{a}`", f"is never above or after `{b}`") for a, b in s.ordered]
        held += [(f"`{a}`", f"has a value only where `{b}` has one") for a, b in s.needs]
        if held:
            parts.append("Checked between columns:\n\n" + table(("column", "rule"), held))
    parts.append("## Estimators\n\n" + ESTIMATORS_INTRO)
    lines = []
    for name, m in METHODS.items():
        options = "; ".join(f"`{k}`{' (required)' if o.required else ''}" for k, o in m.options.items())
        takes = "surveys" if m.sampled else ", ".join(f"`{x}`" for x in m.shapes) or "records and counts"
        lines.append((f"`{name}`", text(m.label), takes, ", ".join(m.above) or "–", ", ".join(m.below), options))
    parts.append(table(("estimator", "gives", "takes", "above the line", "below the line", "options"), lines))
    return {path: "\n".join(parts)}
