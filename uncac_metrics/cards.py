"""Indicator cards: one TOML file, read strictly.

An unknown or missing key, a wrong type, a code outside its vocabulary and a link to something that does not
exist are faults, and all faults of a file are collected. Nothing in a card is run as code.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from uncac_metrics import strict
from uncac_metrics.methods import METHODS, NUMBERS, Method, wrong_option
from uncac_metrics.model import (
    BREAKDOWNS,
    DIRECTIONS,
    ESTIMATE_VALUES,
    MEASURES,
    PROVENANCE,
    SOURCE_KINDS,
    Case,
    Fault,
    Indicator,
    Measure,
    Shape,
)
from uncac_metrics.shapes import SHAPES, is_among
from uncac_metrics.strict import Key, suggest

__all__ = ["ESTIMATORS", "read_card", "suggest"]

ESTIMATORS = tuple(METHODS)
"""Names of the estimators that a card can use; an office's own is named ``package.module:function``."""

ID = re.compile(r"[A-Z][A-Z0-9]*(-[A-Z0-9]+)*-[0-9]+[a-z]?")
_OWN_METHOD = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*", re.ASCII)


_TEXT, _OPTIONAL_TEXT = Key("text"), Key("text", required=False)
_CARD = {
    "name": _TEXT,
    "name_zh": _OPTIONAL_TEXT,
    "type": Key("text", MEASURES),
    "objective": _TEXT,
    "description": _TEXT,
    "formula": _TEXT,
    "responsible": _TEXT,
    "sources": Key("texts", SOURCE_KINDS),
    "frequency": _TEXT,
    "disaggregations": Key("texts", BREAKDOWNS),
    "notes": _TEXT,
    "unit": _TEXT,
    "scale": Key("number", required=False),
    "decimals": Key("whole"),
    "direction": Key("text", DIRECTIONS),
    "universe": _TEXT,
    "reference_period": _TEXT,
    "provenance": Key("text", PROVENANCE),
    "provenance_note": _TEXT,
    "measure": Key("table"),
    "links": Key("table"),
    "cases": Key("tables", required=False),
}
_MEASURE = {
    "shape": Key("text", SHAPES),
    "estimator": _TEXT,
    "numerator": _OPTIONAL_TEXT,
    "denominator": _TEXT,
    "items": Key("text", BREAKDOWNS, required=False),
    "levels": _OPTIONAL_TEXT,
    "options": Key("table", required=False),
    "where": Key("table", required=False),
}
_CASE = {"name": _TEXT, "rows": Key("tables"), "expect": Key("table"), "item": _OPTIONAL_TEXT}


def read_card(path: Path, topic: str = "") -> tuple[Indicator | None, list[Fault]]:
    """The indicator that a file defines, and what is wrong with the file.

    Parameters
    ----------
    path
        The file; its name without ``.toml`` is the id.
    topic
        Folder of the topic, kept with the indicator.

    Returns
    -------
    tuple
        The indicator, or None if there is any fault; and the faults.

    Examples
    --------
    >>> from uncac_metrics._data import indicators_folder
    >>> indicator, faults = read_card(indicators_folder() / "bribery" / "BR-01.toml")
    >>> indicator.id, indicator.unit, faults
    ('BR-01', '%', [])
    """
    card = _Card(path)
    return card.read(topic), card.faults


@cache
def _known() -> dict[str, dict[str, dict[str, str]]]:
    """What a card may name in its links and its measure: kind -> name -> row of the reference table."""
    from uncac_metrics import reference

    def rows(table: str, key: str) -> dict[str, dict[str, str]]:
        return {row[key]: row for row in reference.load(table).to_dict("records")}

    known = {
        "paragraphs": rows("declaration", "paragraph"),
        "articles": rows("articles", "article"),
        "targets": rows("sdg", "code"),
        "crimes": rows("crimes", "code"),
    }
    known["series"] = {s: row for row in known["targets"].values() for s in row["series"].split(";") if s}
    for base in reference.load("bases").to_dict("records"):
        known.setdefault(base["shape"], {})[base["base"]] = base
    return known


_LINKS = {
    "paragraphs": ("paragraph of the declaration", True),
    "articles": ("article of the Convention", True),
    "targets": ("SDG target or indicator in the reference table", False),
    "series": ("SDG series in the reference table", False),
    "crimes": ("crime class in the reference table", False),
}


class _Card:
    """One file while it is read; collects what is wrong with it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.file = strict.File(path)
        self.faults, self.fault, self.table = self.file.faults, self.file.fault, self.file.table

    def read(self, topic: str) -> Indicator | None:
        """The indicator, or None if the file has faults."""
        if not ID.fullmatch(self.path.stem):
            remedy = "capitals and digits joined by hyphens, a number last, as in BR-01 or BR-08a"
            self.fault("", f"the file name {self.path.stem!r} cannot be an id", remedy)
        raw = self.file.toml()
        if raw is None:
            return None
        card = self.table(raw, _CARD, "")
        written, linked = card.pop("measure", None), card.pop("links", None)
        measure = {} if written is None else self.measure(written)
        links = {} if linked is None else self.links(linked)
        shape = SHAPES.get(measure.get("shape", ""))
        by_item = None if written is None else not written.keys().isdisjoint({"items", "levels"})
        method = METHODS.get(measure.get("estimator", ""))
        if method is not None and method.several:
            by_item = True
        cases = [self.case(c, shape, by_item, f"cases[{n}]") for n, c in enumerate(card.pop("cases", []), 1)]
        for name in card.get("disaggregations", ()):
            if shape is not None and shape.column(name) is None:
                remedy = "measure.items gives it" if name == measure.get("items") else "leave it out"
                self.fault("disaggregations", f"{shape.id} has no column {name!r}", remedy)
        if not 0 <= card.get("decimals", 0) <= 9:
            self.fault("decimals", f"{card['decimals']} is out of range", "give a number from 0 to 9")
        scale = card.get("scale", 1)
        if not (math.isfinite(scale) and scale > 0):
            self.fault("scale", f"{scale} is out of range", "give a number above 0")
        elif card.get("unit") == "%" and scale != 100 and method is not None and not method.restates:
            self.fault("scale", f"the unit is % but the scale is {scale}", "add scale = 100")
        if self.faults:
            return None
        fields: dict[str, Any] = {"name_zh": "", **card, **links, "scale": float(scale)}
        fields = {k: tuple(v) if isinstance(v, list) else v for k, v in fields.items()}
        fields["cases"] = tuple(Case(**{**c, "rows": tuple(c["rows"])}) for c in cases)
        fields["measure"] = Measure(**measure)
        return Indicator(id=self.path.stem, **fields, topic=topic, file=str(self.path))

    def measure(self, raw: Mapping[str, Any]) -> dict[str, Any]:
        measure = self.table(raw, _MEASURE, "measure")
        estimator = measure.get("estimator", "")
        own = bool(_OWN_METHOD.fullmatch(estimator))
        if estimator and not own and estimator not in METHODS:
            remedy = f"{suggest(estimator, METHODS)}; one of your own is package.module:function"
            self.fault("measure.estimator", f'there is no estimator "{estimator}"', remedy)
        shape, method = SHAPES.get(measure.get("shape", "")), METHODS.get(estimator)
        if shape is None:
            return measure
        above = self.base(measure, "numerator", shape)
        below = self.base(measure, "denominator", shape)
        if "levels" in measure:
            self.levels(measure, shape)
        if "where" in measure:
            measure["where"] = self.where(measure["where"], shape)
        if "items" in raw:
            if above and above["items"] != "1":
                what = f'the numerator "{above["base"]}" has no columns by item'
                self.fault("measure.items", what, "leave out items, or name another numerator")
        elif below and below["items"] == "1":
            what = f'the denominator "{below["base"]}" is counted by item, but no items are named'
            self.fault("measure.denominator", what, "add items, or name a denominator of the whole")
        if method is not None:
            self.method(raw, measure, method, shape)
            self.kinds(estimator, method, _kind(shape, above), _kind(shape, below), above, below)
        return measure

    def method(self, raw: Mapping[str, Any], measure: Mapping[str, Any], method: Method, shape: Shape) -> None:
        """Whether the estimator takes such a table, and has what it needs in keys and options."""
        estimator = measure["estimator"]
        if method.sampled != shape.sampled or (method.shapes and shape.id not in method.shapes):
            fitting = [
                name for name, m in METHODS.items()
                if m.sampled == shape.sampled and (not m.shapes or shape.id in m.shapes)
            ]  # fmt: skip
            self.fault("measure.estimator", f"{estimator} does not take {shape.id}", suggest("", fitting))
            return
        given = {"numerator", "levels"} & raw.keys()
        if method.levels == "must" and "levels" not in given:
            self.fault("measure.levels", "the key is missing", "name the column whose levels are counted")
        elif not method.above and "numerator" in given:
            self.fault("measure.numerator", f"{estimator} takes none", "leave it out")
        elif method.above and not given:
            remedy = "name a numerator, or the column of levels" if method.levels == "yes" else "name a numerator"
            self.fault("measure.numerator", "the key is missing", remedy)
        if "levels" in given and method.levels == "no":
            remedy = 'write estimator = "proportion"' if shape.sampled else 'write estimator = "share"'
            self.fault("measure.estimator", "levels are shares", remedy)
        if not shape.sampled and "items" in raw:
            self.fault("measure.items", "items are of surveys", "leave them out")
        options = measure.get("options", {})
        for name, value in options.items():
            if name not in method.options:
                self.fault(f"measure.options.{name}", f"{estimator} has no such option", suggest(name, method.options))
                continue
            option = method.options[name]
            what, remedy = wrong_option(option, value, shape)
            if what and option.kind == "choice":
                remedy = suggest(str(value), option.choices)
            if what:
                self.fault(f"measure.options.{name}", what, remedy)
        for name, option in method.options.items():
            if option.required and name not in options:
                self.fault(f"measure.options.{name}", "the key is missing", f"name the {option.label}")

    def where(self, raw: Mapping[str, Any], shape: Shape) -> dict[str, tuple[str, ...]]:
        """Rows that the measure takes: column -> codes."""
        if shape.sampled:
            self.fault("measure.where", "rows of a survey are chosen by the denominator", "leave it out")
        for name, codes in raw.items():
            column, place = shape.column(name), f"measure.where.{name}"
            coded = [c.name for c in shape.columns if c.kind in ("code", "yes_no") or c.name in shape.key]
            if column is None or name not in coded:
                self.fault(place, f"{shape.id} has no such column of codes", suggest(name, coded))
            elif not isinstance(codes, list) or not codes or not all(isinstance(c, str) for c in codes):
                self.fault(place, f"{codes!r} is not a list of codes", 'write ["…"]')
            else:
                known = ("1", "0") if column.kind == "yes_no" else column.codes or codes
                for code in codes:
                    if not any(is_among(k, [code]) for k in known):
                        self.fault(place, f'"{code}" is not a code of the column', suggest(code, known))
        return {name: tuple(map(str, codes)) for name, codes in raw.items() if isinstance(codes, list)}

    def base(self, measure: Mapping[str, Any], role: str, shape: Shape) -> dict[str, str] | None:
        """The row of the reference table for the measure's numerator or denominator."""
        name = measure.get(role)
        if name is None:
            return None
        fitting = {n: b for n, b in _known().get(shape.id, {}).items() if b["role"] in (role, "both")}
        if name not in fitting:
            self.fault(f"measure.{role}", f'{shape.id} has no {role} "{name}"', suggest(name, fitting))
        return fitting.get(name)

    def levels(self, measure: Mapping[str, Any], shape: Shape) -> None:
        column = shape.column(measure["levels"])
        coded = [c.name for c in shape.columns if c.kind == "code"]
        if column is None or column.kind != "code":
            what = f'{shape.id} has no coded column "{measure["levels"]}"'
            self.fault("measure.levels", what, suggest(measure["levels"], coded))
        for other in ("numerator", "items"):
            if other in measure:
                self.fault(f"measure.{other}", "cannot stand beside levels", f"leave out levels or {other}")

    def kinds(
        self, estimator: str, method: Method, above: str, below: str, over: Mapping[str, str] | None,
        base: Mapping[str, str] | None,
    ) -> None:  # fmt: skip
        """Whether the estimator can take what stands above and below the line: rows or numbers."""
        if over and method.above and above not in method.above:
            name = over["column"] or over["within"]
            if above == "rows":
                if not name:
                    self.fault("measure.numerator", f'"{over["base"]}" is every row', "name what is counted among them")
                else:
                    other = "proportion" if method.sampled else "share"
                    self.fault("measure.numerator", f"{name} is not a number", f'write estimator = "{other}"')
            else:
                other = "mean" if method.sampled else "amount"
                self.fault("measure.numerator", f"{name} is a number", f'write estimator = "{other}"')
        elif over and not (over["column"] or over["within"]) and estimator not in ("total", "count"):
            self.fault("measure.numerator", f'"{over["base"]}" is every row', "name what is counted among them")
        if base and below not in method.below:
            if below == "rows":
                self.fault("measure.denominator", f'"{base["base"]}" is not a sum of numbers', "name another")
            else:
                what = f'"{base["base"]}" is a sum of numbers'
                self.fault("measure.denominator", what, f"a {estimator} needs a denominator that counts rows")

    def links(self, raw: Mapping[str, Any]) -> dict[str, Any]:
        links = self.table(raw, {k: Key("texts", required=r) for k, (_, r) in _LINKS.items()}, "links")
        for kind, codes in links.items():
            known = _known()[kind]
            for code in codes:
                if code not in known:
                    self.fault(f"links.{kind}", f'"{code}" names no {_LINKS[kind][0]}', suggest(code, known))
                elif known[code].get("scored") == "0":
                    self.fault(f"links.{kind}", f"paragraph {code} is not to be scored", "leave it out")
        return links

    def case(self, raw: Any, shape: Shape | None, by_item: bool | None, where: str) -> dict[str, Any]:
        case = self.table(raw, _CASE, where)
        for n, row in enumerate(case.get("rows", []), 1):
            for name, value in row.items():
                if shape is not None and shape.column(name) is None:
                    item = name.partition("__")[2] or "*"
                    remedy = suggest(name, (c.name.replace("*", item) for c in shape.columns))
                    self.fault(f"{where}.rows[{n}].{name}", f"{shape.id} has no such column", remedy)
                elif not isinstance(value, str | int | float | date) or isinstance(value, bool):
                    self.fault(f"{where}.rows[{n}].{name}", f"{value!r} cannot be a cell", "write 1 or 0")
        expect = case.get("expect", {"value": 0})
        if "value" not in expect:
            self.fault(f"{where}.expect.value", "the key is missing", "say what value the rows must give")
        for name in (e for e in expect if e not in ESTIMATE_VALUES):
            remedy = suggest(name, ESTIMATE_VALUES)
            self.fault(f"{where}.expect.{name}", "results have no such column", remedy)
        if by_item is not None and by_item != ("item" in raw):
            what = "the key is missing" if by_item else "the measure has neither items, levels nor stages"
            self.fault(f"{where}.item", what, "name the item that the value is for" if by_item else "leave it out")
        return case


def _kind(shape: Shape, base: Mapping[str, str] | None) -> str:
    """What a base is: ``rows`` that are counted, or the kind of the numbers that are summed."""
    if base is None or not base["column"]:
        return "rows"
    column = shape.column(base["column"]) or shape.column(f"{base['column']}__*")
    return column.kind if column is not None and column.kind in NUMBERS else "rows"
