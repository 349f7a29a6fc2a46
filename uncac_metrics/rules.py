"""Mapping rules as they are written in ``source.toml``, checked without the data.

A rule is a table under ``[columns]`` with the name of our column. It takes one of

``from``      a column of the file (by default the one of the same name),
``any``       1 if any operand is yes; ``all``: 1 if all are,
``sum``       sum of the operands; ``product``: their product (0 as soon as one of them is 0),
``value``     a constant,

and may hold

``recode``    code → value,
``yes``       list of codes; ``no`` likewise,
``labels``    ``true``: codes are named by their SPSS or Stata value labels,
``bins``      bounds of classes [b₀, b₁), [b₁, b₂) …, with ``labels``, one text a class,
``scale``     a factor,
``dates``     how dates are written, in the codes of ``strptime`` such as ``%d/%m/%Y``; ISO 8601 unless given,
``missing``   a list of codes, in place of the source's; for ``any``, ``all`` and ``sum`` it is the policy
              ``"strict"`` or ``"ignore"``, and ``missing_codes`` is the list,
``other``     what becomes of codes that nothing names: ``"missing"`` or ``"keep"`` (else they are a fault),
``answered``  columns: the row counts only where one of them was answered,
``where``     column → codes: the row counts only where the column has one of them.

A code that the rule names is never missing. An operand is a column with a rule, its zeros filled in as its
gates say, or else a column of the file; ``contact__*`` stands for all items. A column whose name begins with
``_`` is a yes_no column for other rules only and does not stand in the table. Nothing in a rule is evaluated
as code.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise
from typing import Any

from uncac_metrics.model import Column, Fault, Shape
from uncac_metrics.shapes import matching, paired
from uncac_metrics.tables import NUMBERS, nearest
from uncac_metrics.values import canonical, parse

MAKERS = ("from", "any", "all", "sum", "product", "value")
COMBINE = ("any", "all", "sum", "product")
FOLLOW = ("by", "equals", "positive", "present")
"""How shapes derive a yes_no column from others, besides :data:`COMBINE`."""
POLICIES = ("strict", "ignore")
Rule = Mapping[str, Any]

_SCALAR = (str, int, float, datetime.date)


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(v, str) for v in value)


def _is_codes(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(v, _SCALAR) for v in value)


def _is_rising(value: object) -> bool:
    return (
        isinstance(value, list)
        and len(value) > 1
        and all(map(_is_number, value))
        and all(a < b for a, b in pairwise(value))
    )


_KINDS: dict[str, Callable[[Any], bool]] = {
    "a text": lambda v: isinstance(v, str) and v != "",
    "a list of column names": lambda v: _is_texts(v) and bool(v),
    "a list of codes": _is_codes,
    "a list of codes or a policy": lambda v: v in POLICIES or _is_codes(v),
    "a table of codes": lambda v: isinstance(v, dict) and _is_codes(list(v.values())),
    "a table of lists of codes": lambda v: isinstance(v, dict) and all(map(_is_codes, v.values())),
    "a list of rising numbers": _is_rising,
    "true or a list of texts": lambda v: v is True or _is_texts(v),
    "a number": _is_number,
    "a text or number": lambda v: isinstance(v, _SCALAR),
    '"missing" or "keep"': lambda v: v in ("missing", "keep"),
}
KEYS = {
    "from": "a text",
    **dict.fromkeys((*COMBINE, "answered"), "a list of column names"),
    **dict.fromkeys(("yes", "no", "missing_codes"), "a list of codes"),
    "value": "a text or number",
    "recode": "a table of codes",
    "labels": "true or a list of texts",
    "bins": "a list of rising numbers",
    "scale": "a number",
    "dates": "a text",
    "missing": "a list of codes or a policy",
    "other": '"missing" or "keep"',
    "where": "a table of lists of codes",
}
"""Keys of a rule and what each must be."""


def maker(rule: Rule) -> str:
    """Which of :data:`MAKERS`, or in a shape of :data:`FOLLOW`, makes the column."""
    return next((m for m in (*MAKERS, *FOLLOW) if m in rule), "from")


def named(rule: Rule) -> dict[str, Any]:
    """Codes that the rule names and what they become."""
    codes = {canonical(code): value for code, value in rule.get("recode", {}).items()}
    codes |= {canonical(code): 1 for code in rule.get("yes", ())}
    return codes | {canonical(code): 0 for code in rule.get("no", ())}


def operands(name: str, columns: Mapping[str, Rule]) -> list[str]:
    """Columns that the rule of `name` combines or asks, with ``__*`` written out."""
    rule = columns[name]
    wanted = [*rule.get(maker(rule), ())] if maker(rule) in COMBINE else []
    wanted += [*rule.get("answered", ()), *rule.get("where", ())]
    return [found for w in wanted for found in spread(w, name, columns)]


def spread(operand: str, name: str, columns: Mapping[str, Rule]) -> list[str]:
    """One operand with ``__*`` written out over the mapped columns; other operands as they are."""
    if operand.endswith("__*"):
        return [c for c in matching(operand, columns) if c != name]
    return [operand]


def column_of(name: str, shape: Shape) -> Column | None:
    """What a mapped column is: as the shape says, or a yes_no column for other rules only."""
    return Column(name, "yes_no", "") if name.startswith("_") else shape.column(name)


def order(columns: Mapping[str, Rule], shape: Shape) -> list[str]:
    """Names of the mapped columns, each after those that it takes and, where possible, after its gates.

    Raises
    ------
    ValueError
        Rules take each other in a circle; the message names them.
    """
    graph = {name: {o for o in operands(name, columns) if o in columns and o != name} for name in columns}
    try:
        list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        raise ValueError(" → ".join(reversed(error.args[1]))) from None
    for name, gate in paired(shape.zeros, columns):
        if name not in _below(gate, graph):
            graph[name].add(gate)
    return list(TopologicalSorter(graph).static_order())


def _below(name: str, graph: Mapping[str, set[str]]) -> set[str]:
    """Everything that a column takes, directly or not."""
    found: set[str] = set()
    ahead = [name]
    while ahead:
        for other in graph[ahead.pop()] - found:
            found.add(other)
            ahead.append(other)
    return found


def file_columns(columns: Mapping[str, Rule]) -> list[str]:
    """Columns of the file that the rules take.

    Examples
    --------
    >>> file_columns({"weight": {"from": "wt"}, "paid": {"any": ["q1", "asked"]}, "asked": {}})
    ['wt', 'q1', 'asked']
    """
    taken: list[str] = []
    for name, rule in columns.items():
        if maker(rule) == "from":
            taken.append(str(rule.get("from", name)))
        taken += [o for o in operands(name, columns) if o not in columns or o == name]
    return list(dict.fromkeys(taken))


def check(columns: Mapping[str, Any], shape: Shape, *, file: str) -> list[Fault]:
    """Everything that is wrong with the rules of a source, as far as it shows without the data.

    Examples
    --------
    >>> from uncac_metrics.shapes import SHAPES
    >>> rules = {"weight": {"form": "wt"}}
    >>> [str(f) for f in check(rules, SHAPES["population_survey"], file="source.toml")]
    ["source.toml: columns.weight.form: is not a key of a rule — did you mean 'from'?"]
    """
    faults = []
    for name, rule in columns.items():
        column = column_of(name, shape)
        if column is None or name.endswith("*"):
            close = nearest(name, [c.name for c in shape.columns])
            faults.append(Fault(file, f"columns.{name}", f"{shape.id} has no such column", close))
        if not isinstance(rule, Mapping):
            faults.append(Fault(file, f"columns.{name}", "is not a table", 'write {from = "…"}'))
        elif found := list(_in_keys(f"columns.{name}", rule, file)):
            faults += found
        elif column is not None:
            faults += _in_rule(f"columns.{name}", rule, column, file)
    for column in shape.columns:
        if column.required and columns and column.name not in columns:
            remedy = f"map it: {column.label}"
            if column.kind == "weight":
                remedy += "; where every row stands for one unit, weight = {value = 1}"
            faults.append(Fault(file, f"columns.{column.name}", "is not mapped", remedy))
    if not faults:
        try:
            order(columns, shape)
        except ValueError as circle:
            faults.append(Fault(file, "columns", f"rules take each other in a circle: {circle}",
                                "let one of them take a column of the file"))  # fmt: skip
    return faults


def _in_keys(where: str, rule: Rule, file: str) -> list[Fault]:
    faults = []
    for key, value in rule.items():
        if key not in KEYS:
            faults.append(Fault(file, f"{where}.{key}", "is not a key of a rule", nearest(key, KEYS)))
        elif not _KINDS[KEYS[key]](value):
            faults.append(Fault(file, f"{where}.{key}", f"is {value!r}", f"give {KEYS[key]}"))
    return faults


def _in_rule(where: str, rule: Rule, column: Column, file: str) -> list[Fault]:
    """Faults of a rule whose keys are all known and of the right type."""
    faults: list[Fault] = []

    def fault(key: str, what: str, remedy: str = "") -> None:
        faults.append(Fault(file, f"{where}.{key}" if key else where, what, remedy))

    how = maker(rule)
    makers = [m for m in MAKERS if m in rule]
    if len(makers) > 1:
        fault("", f"has {' and '.join(makers)}", "keep one of them")
        return faults
    if how in ("any", "all") and column.kind != "yes_no":
        fault(how, f"cannot make a column of kind {column.kind}")
    if how in ("sum", "product") and column.kind not in NUMBERS:
        fault(how, f"cannot make a column of kind {column.kind}")
    if how in ("any", "all", "sum") and rule.get("missing") not in POLICIES:
        remedy = 'missing = "strict" (they leave the result open) or "ignore" (they count as not asked)'
        fault("missing", "does not say how missing answers count", remedy)
    if how not in ("any", "all", "sum") and rule.get("missing") in POLICIES:
        fault("missing", f"is a policy, which {how} does not take", "give a list of codes")
    for key in ("yes", "no"):
        if key in rule and column.kind != "yes_no":
            fault(key, f"cannot make a column of kind {column.kind}", "use recode")
    codes = [canonical(c) for key in ("recode", "yes", "no") for c in rule.get(key, ())]
    for code in sorted({c for c in codes if codes.count(c) > 1}):
        fault("", f"names the code {code!r} twice", "keep one of them")
    for code, value in rule.get("recode", {}).items():
        if parse(canonical(value), column, rule.get("dates", "")) is None:
            close = nearest(str(value), column.codes or ()) or f"codes: {', '.join(column.codes or ('1', '0'))}"
            fault(f"recode.{code}", f"{value!r} cannot stand in a column of kind {column.kind}", close)
    if how == "value" and parse(canonical(rule["value"]), column, rule.get("dates", "")) is None:
        fault("value", f"{rule['value']!r} cannot stand in a column of kind {column.kind}")
    classes = rule.get("labels")
    if "bins" in rule:
        if how != "from" or column.kind not in ("code", "text"):
            fault("bins", "make classes of a number of the file, for a column of codes")
        elif not isinstance(classes, list) or len(classes) != len(rule["bins"]) - 1:
            fault("labels", "is not one text a class", f"give {len(rule['bins']) - 1} texts")
        elif wrong := [c for c in classes if parse(c, column) is None]:
            fault(
                "labels",
                f"{', '.join(wrong)} cannot stand in the column",
                f"codes: {', '.join(column.codes or ())}",
            )
    elif isinstance(classes, list):
        fault(
            "labels",
            "names classes, but there are no bins",
            "labels = true takes the value labels of the file",
        )
    if "dates" in rule and column.kind != "date":
        fault("dates", f"has no meaning for a column of kind {column.kind}", "it says how dates are written")
    if "scale" in rule and column.kind not in NUMBERS:
        fault("scale", f"has no meaning for a column of kind {column.kind}")
    return faults
