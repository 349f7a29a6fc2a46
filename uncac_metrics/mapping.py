"""Mapping: the columns of a file become the columns of a shape, by declared rules.

The rules themselves are described in :mod:`uncac_metrics.rules`. Codes are mapped once each, not once a row,
and a code that no rule names is a fault, never silently missing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from uncac_metrics import rules
from uncac_metrics.derived import combine, complete, fill
from uncac_metrics.model import Column, Fault, Faults, Shape, Source
from uncac_metrics.tables import CODES, NUMBERS, nearest, validate
from uncac_metrics.values import build, canonical, conform, levels, parse, unread, yes_no

Array = np.ndarray
Labels = Mapping[str, Mapping[Any, str]]
_ANSWER = Column("", "yes_no", "")
_NAME_IT = 'name it in recode, yes, no or missing, or set other = "missing"'


def apply(raw: pd.DataFrame, source: Source, shape: Shape, *, labels: Labels | None = None) -> pd.DataFrame:
    """Map a file's table to a shape, complete it and check it.

    Parameters
    ----------
    raw : DataFrame
        The table as read, values as in the file.
    source : Source
        Its ``columns`` are the rules. Without any, the table must already bear the names and codes of the
        shape. Its ``missing`` codes hold wherever the valid codes are known (yes_no, recode, a closed list of
        codes); a number, an identifier or an open code that has one of these values must say by its own
        ``missing`` list whether that is a missing answer.
    shape : Shape
        What the table becomes.
    labels : mapping of column to mapping of code to label, optional
        Value labels of the file, for rules with ``labels = true``.

    Returns
    -------
    DataFrame
        Columns in the dtypes of the shape, in the order of the rules, then the derived ones.

    Raises
    ------
    Faults
        Rules that are wrong, columns that the file lacks, codes that no rule names, violations of the shape.

    Examples
    --------
    >>> from uncac_metrics.shapes import SHAPES
    >>> paid = {"any": ["q1", "q2"], "yes": [1], "no": [2], "missing": "strict"}
    >>> rules = {"weight": {"from": "wt"}, "paid": paid}
    >>> source = Source("demo", "", "", "", "", "population_survey", "", "", "", columns=rules, missing=(9,))
    >>> raw = pd.DataFrame({"wt": [1.5, 1.5, 2.0], "q1": [1, 2, 2], "q2": [9, 9, 2]})
    >>> apply(raw, source, SHAPES["population_survey"])
       weight  paid
    0     1.5     1
    1     1.5  <NA>
    2     2.0     0
    """
    file = source.file or source.id
    if source.columns:
        if faults := rules.check(source.columns, shape, file=file):
            raise Faults(faults)
        table = _Mapper(raw, source, shape, labels or {}, file).table()
    else:
        table = conform(raw, shape, file=source.path or file)
    return validate(complete(table, shape), shape, file=source.path or file)


def from_rows(rows: Iterable[Mapping[str, Any]], shape: Shape, *, file: str) -> pd.DataFrame:
    """A checked table from rows written by hand; the weight is 1 where it is not given.

    Examples
    --------
    >>> from uncac_metrics.shapes import SHAPES
    >>> rows = [{"contact": 1, "paid": 1, "asked": 0}, {"contact": 0}]
    >>> from_rows(rows, SHAPES["population_survey"], file="case")
       contact  paid  asked  weight  paid_or_asked
    0        1     1      0     1.0              1
    1        0     0      0     1.0              0
    """
    frame = pd.DataFrame(list(rows))
    if "weight" not in frame.columns and shape.column("weight") is not None:
        frame["weight"] = 1.0
    return validate(complete(conform(frame, shape, file=file), shape), shape, file=file)


class _Mapper:
    """One mapping under way: what has been read of the file, and the faults so far."""

    def __init__(self, raw: pd.DataFrame, source: Source, shape: Shape, labels: Labels, file: str):
        self.raw, self.source, self.shape, self.file = raw, source, shape, file
        self.labels = {c: {canonical(k): v.strip() for k, v in m.items()} for c, m in labels.items()}
        self.columns: Mapping[str, rules.Rule] = source.columns
        self.common = {canonical(c) for c in source.missing}
        self.made: dict[str, pd.Series] = {}
        self.faults: dict[Fault, None] = {}
        self._levels: dict[str, tuple[Array, list[str]]] = {}

    def table(self) -> pd.DataFrame:
        present = set(map(str, self.raw.columns))
        for name in rules.file_columns(self.columns):
            if name not in present:
                close = nearest(name, present)
                self._fault("columns", f"the file has no column {name!r}", close or "correct the rule")
        if not self.faults:
            for name in rules.order(self.columns, self.shape):
                self._make(name)
                fill(self.made, self.shape, only=name)
        if self.faults:
            raise Faults(self.faults)
        shown = [name for name in self.columns if not name.startswith("_")]
        return pd.DataFrame({name: self.made[name] for name in shown}, index=self.raw.index)

    def _make(self, name: str) -> None:
        rule, column = self.columns[name], rules.column_of(name, self.shape)
        assert column is not None  # the rules were checked
        how = rules.maker(rule)
        if how == "value":
            value = parse(canonical(rule["value"]), column, rule.get("dates", ""))
            made = build(np.zeros(len(self.raw), np.intp), [value], column, self.raw.index)
        elif how in ("any", "all"):
            answers = [self._answers(o, name) for o in self._operands(name, how)]
            made = yes_no(combine(how, answers, rule["missing"]), self.raw.index)
        elif how in ("sum", "product"):
            numbers = [self._operand_numbers(o, name) for o in self._operands(name, how)]
            made = pd.Series(combine(how, numbers, rule.get("missing", "")), self.raw.index)
        elif "bins" in rule:
            made = self._classes(name, column)
        elif column.kind in NUMBERS and "recode" not in rule:
            made = pd.Series(self._numbers(rule.get("from", name), name, column), self.raw.index)
        else:
            made = self._coded(rule.get("from", name), name, column)
        if "scale" in rule:
            made = made * float(rule["scale"])
        counted = self._counted(name)
        self.made[name] = made if counted is None else made.where(counted)

    def _operands(self, name: str, key: str) -> list[str]:
        found = [o for w in self.columns[name][key] for o in rules.spread(w, name, self.columns)]
        if not found:
            self._fault(f"columns.{name}.{key}", "finds no column", "map the columns that it takes")
        return found or [name]

    def _is_made(self, operand: str, name: str) -> bool:
        return operand in self.columns and operand != name

    def _read(self, name: str) -> tuple[Array, list[str]]:
        if name not in self._levels:
            self._levels[name] = levels(self.raw[name])
        return self._levels[name]

    def _missing(self, rule: rules.Rule) -> tuple[set[str], bool]:
        """Codes that mean missing, and whether the rule itself says so."""
        own = rule.get("missing_codes", rule.get("missing"))
        return ({canonical(c) for c in own}, True) if isinstance(own, list) else (self.common, False)

    def _coded(self, operand: str, name: str, column: Column, series: pd.Series | None = None) -> pd.Series:
        rule = self.columns[name]
        codes, texts = self._read(operand) if series is None else levels(series)
        labels = self.labels.get(operand, {})
        if rule.get("labels") is True and not labels:
            what = f"column {operand!r} of the file has no value labels"
            self._fault(f"columns.{name}.labels", what, "use codes")
            return build(codes, [None] * len(texts), column, self.raw.index)
        by_label = labels if rule.get("labels") is True else {}
        named, other = rules.named(rule), rule.get("other")
        missing, said = self._missing(rule)
        closed = bool(named) or column.codes is not None or column.kind in ("yes_no", "date", "currency")
        style = rule.get("dates", "")
        targets: list[Any] = []
        bad, doubtful = set(), set()
        for text in texts:
            key = by_label.get(text, text)
            value = parse(canonical(named[key]), column, style) if key in named else None
            if key not in named and missing.isdisjoint((key, text)) and other != "missing":
                value = parse(key, column, style) if other == "keep" or not named else None
                if value is None:
                    bad.add(text)
            elif key not in named and not (said or closed or other == "missing"):
                doubtful.add(text)
            targets.append(value)
        where = f"columns.{name}"
        remedy = "" if column.kind in (*CODES, "date") and not named else _NAME_IT
        self._add(unread(codes, texts, bad, column, self.file, where=where, remedy=remedy, labels=labels))
        self._doubt(name, {texts[c] for c in np.unique(codes[codes >= 0])} & doubtful)
        return build(codes, targets, column, self.raw.index)

    def _numbers(self, operand: str, name: str, column: Column) -> Array:
        missing, said = self._missing(self.columns[name])
        series = self.raw[operand]
        if pd.api.types.is_numeric_dtype(series.dtype) and not pd.api.types.is_bool_dtype(series.dtype):
            values = np.array(series.to_numpy(np.float64, na_value=np.nan))
            gone = {c: values == float(c) for c in missing if parse(c, column) is not None}
            gone = {c: rows for c, rows in gone.items() if rows.any()}
            for rows in gone.values():
                values[rows] = np.nan
            found = set(gone)
        else:
            codes, texts = self._read(operand)
            targets = [None if t in missing else parse(t, column) for t in texts]
            bad = {t for t, v in zip(texts, targets, strict=True) if v is None and t not in missing}
            if self.columns[name].get("other") != "missing":
                where = f"columns.{name}"
                self._add(unread(codes, texts, bad, column, self.file, where=where, remedy="name it in missing"))
            values = np.array([np.nan if t is None else t for t in targets] + [np.nan])[codes]
            found = {t for t in texts if t in missing}
        if not said:
            self._doubt(name, found)
        return values

    def _classes(self, name: str, column: Column) -> pd.Series:
        rule = self.columns[name]
        number = Column(name, "number", "")
        values = self._numbers(rule.get("from", name), name, number)
        place = np.searchsorted(rule["bins"], values, side="right") - 1
        outside = ((place < 0) | (place >= len(rule["labels"]))) & ~np.isnan(values)
        if outside.any() and rule.get("other") != "missing":
            codes, texts = levels(pd.Series(values[outside]))
            rows = tuple(int(r) + 1 for r in np.flatnonzero(outside)[:5])
            what = f"{', '.join(texts[:5])}{', …' if len(texts) > 5 else ''} lies in none of the bins"
            remedy = "widen the bins (inf and -inf are allowed) or name the value in missing"
            self._add([Fault(self.file, f"columns.{name}.bins", what, remedy, rows, len(codes))])
        place = np.where(np.isnan(values) | outside, -1, place)
        return build(place, rule["labels"], column, self.raw.index)

    def _answers(self, operand: str, name: str) -> Array:
        if not self._is_made(operand, name):
            return self._coded(operand, name, _ANSWER).to_numpy(np.int8, na_value=-1)
        series = self.made[operand]
        if isinstance(series.dtype, pd.Int8Dtype):
            return series.to_numpy(np.int8, na_value=-1)
        return self._coded(operand, name, _ANSWER, series).to_numpy(np.int8, na_value=-1)

    def _operand_numbers(self, operand: str, name: str) -> Array:
        if not self._is_made(operand, name):
            return self._numbers(operand, name, Column(name, "number", ""))
        series = self.made[operand]
        if pd.api.types.is_numeric_dtype(series.dtype):
            return series.to_numpy(np.float64, na_value=np.nan)
        self._fault(f"columns.{name}", f"{operand} holds no numbers", "take another operand")
        return np.full(len(series), np.nan)

    def _counted(self, name: str) -> Array | None:
        """Rows that ``answered`` and ``where`` let count; None where the rule has neither."""
        rule = self.columns[name]
        parts = []
        if "answered" in rule:
            parts.append(np.logical_or.reduce([self._is_answered(o, name) for o in self._operands(name, "answered")]))
        for operand, wanted in rule.get("where", {}).items():
            made = self._is_made(operand, name)
            codes, texts = levels(self.made[operand]) if made else self._read(operand)
            keep = {canonical(c) for c in wanted}
            rows = np.array([t in keep for t in texts] + [False])[codes]
            if not rows.any():
                said = ", ".join(sorted(keep))
                self._fault(f"columns.{name}.where", f"no row has {operand} = {said}", "correct the codes")
            parts.append(rows)
        return np.logical_and.reduce(parts) if parts else None

    def _is_answered(self, operand: str, name: str) -> Array:
        if self._is_made(operand, name):
            return self.made[operand].notna().to_numpy()
        if rules.named(self.columns[name]):
            return self._answers(operand, name) >= 0
        codes, texts = self._read(operand)
        missing = self._missing(self.columns[name])[0]
        return np.array([t not in missing for t in texts] + [False])[codes]

    def _doubt(self, name: str, found: set[str]) -> None:
        if found:
            said = ", ".join(sorted(found))
            what = f"{said} is a missing code of the source, but may be a true value here"
            self._fault(f"columns.{name}", what, f"say which: missing = [{said}] or missing = []")

    def _fault(self, where: str, what: str, remedy: str = "") -> None:
        self._add([Fault(self.file, where, what, remedy)])

    def _add(self, faults: Iterable[Fault]) -> None:
        self.faults |= dict.fromkeys(faults)
