"""Checked tables: the pandera schemas of all shapes, and a validation that costs less than reading.

:func:`validate` counts what is wrong with vectorised checks on coded columns and hands pandera the offending
rows only. :func:`schema` is the same contract as a pandera schema, for those who want full validation by it.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from uncac_metrics import _lazy
from uncac_metrics.model import Column, Fault, Faults, Shape
from uncac_metrics.relations import BETWEEN, floats
from uncac_metrics.shapes import ESTIMATES

if TYPE_CHECKING:
    import pandera.pandas as pa

NUMBERS = ("number", "count", "weight", "amount")
"""Kinds of column that hold numbers."""
CODES = ("code", "currency")
"""Kinds of column that hold codes."""
CURRENCY = re.compile("[A-Z]{3}")
"""A currency in ISO 4217."""
_DTYPE = {
    "yes_no": "Int8", "text": "str", "date": "datetime64[us]",
    **dict.fromkeys(CODES, "category"), **dict.fromkeys(NUMBERS, "float64"),
}  # fmt: skip
_SHOWN = 5


def validate(
    frame: pd.DataFrame, shape: Shape, *, file: str = "", limit: int = 1000, strict: bool = True
) -> pd.DataFrame:
    """Check a table against its shape.

    Violations are counted on the whole table with vectorised checks; pandera then judges at most `limit` of
    the offending rows, and whatever it finds besides is reported too. A table without violations needs none.

    Parameters
    ----------
    frame : DataFrame
        Table with the dtypes of the shape: ``Int8`` for yes_no, ``float64`` for numbers, ``category`` for
        codes, ``datetime64[us]`` for dates, ``str`` for text.
    shape : Shape
        What the table must be.
    file : str
        Name by which faults call the table; by default the id of the shape.
    limit : int
        Offending rows handed to pandera at most.
    strict : bool
        A column that the shape does not know is a fault.

    Returns
    -------
    DataFrame
        `frame` itself.

    Raises
    ------
    Faults
        Everything that is wrong, at once: column, rows counted from 1, remedy.

    Examples
    --------
    >>> import pandas as pd
    >>> from uncac_metrics.shapes import SHAPES
    >>> frame = pd.DataFrame({"weight": [1.0, -2.0], "paid": pd.array([0, 1], "Int8")})
    >>> validate(frame, SHAPES["population_survey"], file="survey")
    Traceback (most recent call last):
    uncac_metrics.model.Faults: survey: weight: -2.0 is below 0 (1 row: 2) — correct the data or the mapping
    """
    return _validate(frame, shape, file or shape.id, limit, strict, exact=True)


def validate_estimates(frame: pd.DataFrame, *, file: str = "estimates", strict: bool = True) -> pd.DataFrame:
    """Check a table of results against the one shape of results.

    Parameters
    ----------
    frame : DataFrame
        A row an estimate, with the columns of :data:`ESTIMATES`.
    file : str
        Name by which faults call the table.
    strict : bool
        Breakdown columns must be of the one vocabulary; otherwise a further column is taken for a breakdown.

    Returns
    -------
    DataFrame
        `frame` itself.

    Raises
    ------
    Faults
        Missing or unknown columns, rows with the same key, codes out of their lists, bounds that do not hold
        the value, counts out of order.
    """
    shape = ESTIMATES
    if not strict:
        free = tuple(str(c) for c in frame.columns if shape.column(str(c)) is None)
        extra = tuple(Column(name, "text", name, complete=True) for name in free)
        shape = Shape("estimates", shape.label, shape.row, shape.columns + extra, (*shape.key, *free),
                      ordered=shape.ordered)  # fmt: skip
    return _validate(frame, shape, file, 1000, strict, exact=False)


def schema(shape: Shape, *, strict: bool = True, exact: bool = True) -> pa.DataFrameSchema:
    """The pandera schema of a shape.

    Parameters
    ----------
    shape : Shape
        Input shape or :data:`ESTIMATES`.
    strict : bool
        Refuse columns that the shape does not know.
    exact : bool
        Require the dtypes of the shape; otherwise any dtype that holds numbers, or text, will do.

    Returns
    -------
    pandera.DataFrameSchema
        Uniqueness of the key is a check of the schema, since a table may lack columns of the key.
    """
    pa = _lazy.pandera()
    columns = {}
    for column in shape.columns:
        checks = []
        if not exact:
            checks.append(pa.Check(lambda s, c=column: _fits(s, c, exact=False), name="dtype"))
        if column.codes is not None:
            checks.append(pa.Check.isin(list(column.codes)))
        if column.kind == "yes_no":
            checks.append(pa.Check.isin([0, 1]))
        if column.kind == "currency":
            checks.append(pa.Check(lambda s: pd.Series(~_not_currency(s), s.index), name="currency"))
        if column.low is not None:
            checks.append(pa.Check.gt(column.low) if column.open else pa.Check.ge(column.low))
        if column.high is not None:
            checks.append(pa.Check.lt(column.high) if column.open else pa.Check.le(column.high))
        if exact and column.kind in NUMBERS:
            checks.append(pa.Check(np.isfinite, name="finite"))
        regex = column.name.endswith("__*")
        name = f"^{re.escape(column.name[:-1])}.+$" if regex else column.name
        columns[name] = pa.Column(
            _DTYPE[column.kind] if exact else None, checks, nullable=not column.complete,
            required=column.required, regex=regex,
        )  # fmt: skip

    def per_frame(find: Any) -> Any:
        def check(frame: pd.DataFrame) -> pd.Series:
            bad = np.zeros(len(frame), bool)
            for _, _, rows in find(frame, shape):
                bad |= rows
            return pd.Series(~bad, index=frame.index)

        return check

    whole = [pa.Check(per_frame(find), name=find.__name__.strip("_"), ignore_na=False) for find in BETWEEN]
    return pa.DataFrameSchema(columns, checks=whole, strict=strict, name=shape.id)


def estimates_schema() -> pa.DataFrameSchema:
    """The pandera schema of the results table."""
    return schema(ESTIMATES, exact=False)


def nearest(name: str, names: Iterable[str]) -> str:
    """``did you mean 'weight'?`` for the nearest of `names`, or an empty string where none is near.

    Examples
    --------
    >>> nearest("wieght", ["weight", "psu"])
    "did you mean 'weight'?"
    """
    close = difflib.get_close_matches(name, list(names), n=1)
    return f"did you mean {close[0]!r}?" if close else ""


# --- what is wrong: fast checks on the whole table


@dataclass(frozen=True)
class _Violation:
    column: str
    what: str
    remedy: str = "correct the data or the mapping"
    rows: np.ndarray | None = None
    """Offending rows; None where the column as a whole is meant."""


def _validate(frame: pd.DataFrame, shape: Shape, file: str, limit: int, strict: bool, exact: bool) -> pd.DataFrame:
    found = list(_violations(frame, shape, strict, exact))
    if not found:
        return frame
    faults = []
    for v in found:
        where = () if v.rows is None else np.flatnonzero(v.rows)
        first = tuple(int(r) + 1 for r in where[:_SHOWN])
        faults.append(Fault(file, v.column, v.what, v.remedy, first, len(where)))
    known = {v.column for v in found}
    for column, check in _verdict(frame, shape, found, limit, strict, exact):
        if column not in known:
            known.add(column)
            faults.append(Fault(file, column, f"does not pass the check {check} of its schema"))
    raise Faults(faults)


def _verdict(
    frame: pd.DataFrame, shape: Shape, found: list[_Violation], limit: int, strict: bool, exact: bool
) -> list[tuple[str, str]]:
    """Columns and checks that pandera finds at fault among the offending rows."""
    pa = _lazy.pandera()
    parts = [np.flatnonzero(v.rows) for v in found if v.rows is not None]
    share = max(limit // max(len(parts), 1), 2)
    some = np.concatenate([p[:share] for p in parts]) if parts else np.arange(len(frame))
    rows = np.unique(some)[:limit]
    try:
        schema(shape, strict=strict, exact=exact).validate(
            frame.iloc[rows].reset_index(drop=True), lazy=True, inplace=True
        )
    except pa.errors.SchemaErrors as error:
        cases = error.failure_cases
        cases = cases[cases["schema_context"] == "Column"]
        return list(dict.fromkeys(zip(cases["column"].astype(str), cases["check"].astype(str), strict=True)))
    return []


def _violations(frame: pd.DataFrame, shape: Shape, strict: bool, exact: bool) -> Iterable[_Violation]:
    names = [str(c) for c in frame.columns]
    for name in sorted({n for n in names if names.count(n) > 1}):
        yield _Violation(name, "the column stands twice in the table", "keep one of them")
        return
    for column in shape.columns:
        if column.required and column.name not in names:
            close = nearest(column.name, names)
            yield _Violation(column.name, "the column is missing", close or f"add it: {column.label}")
    sound = []
    for name in names:
        known = shape.column(name)
        if known is None:
            if strict:
                close = nearest(name, [c.name for c in shape.columns])
                yield _Violation(name, f"{shape.id} has no such column", close or "leave the column out")
        elif not _fits(frame[name], known, exact):
            want = _DTYPE[known.kind] if exact else "numbers" if known.kind in NUMBERS else "text"
            yield _Violation(name, f"holds {frame[name].dtype} where {want} is due", "convert the column")
        else:
            sound.append(name)
            yield from _in_column(frame[name], known, exact)
    for find in BETWEEN:
        for name, what, rows in find(frame[sound], shape):
            yield _Violation(name, what, rows=rows)


def _in_column(series: pd.Series, column: Column, exact: bool) -> Iterable[_Violation]:
    name = str(series.name)
    if column.complete and series.isna().any():
        missing = series.isna().to_numpy()
        yield _Violation(name, "is missing", "give every row a value, or leave the row out", missing)
    if column.kind == "yes_no":
        values = series.to_numpy(np.int8, na_value=0)
        if values.size and (values.max() > 1 or values.min() < 0):
            bad = (values > 1) | (values < 0)
            yield _Violation(name, f"{_examples(series, bad)} is neither 1 nor 0", rows=bad)
    elif column.kind in NUMBERS:
        yield from _in_bounds(series, column, exact)
    elif column.kind == "currency":
        bad = _not_currency(series)
        if bad.any():
            yield _Violation(name, f"{_examples(series, bad)} is not a currency", "give the code of ISO 4217", bad)
    elif column.codes is not None:
        bad = _not_coded(series, column.codes)
        if bad is not None:
            codes = f"codes: {', '.join(column.codes)}"
            yield _Violation(name, f"{_examples(series, bad)} is not a code of the column", codes, bad)


def _in_bounds(series: pd.Series, column: Column, exact: bool) -> Iterable[_Violation]:
    values = floats(series)
    if not values.size:
        return
    low, high = values.min(), values.max()
    if math.isnan(low):  # some are missing: the slower reductions that leave them out
        low, high = np.fmin.reduce(values), np.fmax.reduce(values)
    name = str(series.name)
    if exact and (np.isinf(low) or np.isinf(high)):
        yield _Violation(name, "is infinite", rows=np.isinf(values))
    if column.low is not None and (low <= column.low if column.open else low < column.low):
        bad = values <= column.low if column.open else values < column.low
        side = "not above" if column.open else "below"
        yield _Violation(name, f"{_examples(series, bad)} is {side} {column.low:g}", rows=bad)
    if column.high is not None and (high >= column.high if column.open else high > column.high):
        bad = values >= column.high if column.open else values > column.high
        side = "not below" if column.open else "above"
        yield _Violation(name, f"{_examples(series, bad)} is {side} {column.high:g}", rows=bad)


def _not_coded(series: pd.Series, codes: Iterable[str]) -> np.ndarray | None:
    """Rows whose value is not a code; None where there are none."""
    allowed = set(codes)
    if isinstance(series.dtype, pd.CategoricalDtype):
        wrong = [i for i, c in enumerate(series.cat.categories) if c not in allowed]
        if not wrong:
            return None
        bad = np.isin(series.cat.codes.to_numpy(), wrong)
    else:
        bad = ~series.isin(list(allowed)).to_numpy() & series.notna().to_numpy()
    return bad if bad.any() else None


def _not_currency(series: pd.Series) -> np.ndarray:
    """Rows whose text is not three capitals."""
    codes, found = pd.factorize(series)
    wrong = [i for i, text in enumerate(found) if not CURRENCY.fullmatch(str(text))]
    return np.isin(codes, wrong)


def _fits(series: pd.Series, column: Column, exact: bool) -> bool:
    """Whether the dtype is right."""
    dtype = series.dtype
    if exact and column.kind != "text":
        return bool(dtype == _DTYPE[column.kind])
    if column.kind in NUMBERS or column.kind == "yes_no":
        number = pd.api.types.is_numeric_dtype(dtype) and not pd.api.types.is_bool_dtype(dtype)
        return number or bool(series.isna().all())
    if isinstance(dtype, pd.CategoricalDtype):
        return not exact
    if pd.api.types.is_object_dtype(dtype):
        return all(isinstance(v, str) for v in series.dropna())
    return isinstance(dtype, pd.StringDtype)


def _examples(series: pd.Series, rows: np.ndarray) -> str:
    values = list(dict.fromkeys(series[rows].iloc[:1000]))
    return ", ".join(repr(v) if isinstance(v, str) else str(v) for v in values[:_SHOWN]) + (
        ", …" if len(values) > _SHOWN else ""
    )
