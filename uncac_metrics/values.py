"""Values of a file become values of a shape: one text for one code, and the dtypes of the shape."""

from __future__ import annotations

import datetime
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from uncac_metrics.model import Column, Fault, Faults, Shape
from uncac_metrics.tables import CODES, CURRENCY, NUMBERS

_DECIMAL = re.compile(r"-?(0|[1-9]\d*)\.\d*")


def canonical(value: object) -> str:
    """The one text of a code: numbers that are equal have the same text, a day is in ISO 8601, other text stays.

    Examples
    --------
    >>> [canonical(v) for v in (1, 1.0, "1.0", True, "01", " Yes ", 2.5, "2.50", float("nan"))]
    ['1', '1', '1', '1', '01', 'Yes', '2.5', '2.5', '']
    """
    if isinstance(value, datetime.date):
        return str(value).removesuffix(" 00:00:00")
    if isinstance(value, (bool, np.bool_)):
        return str(int(value))
    if isinstance(value, (float, np.floating)):
        if math.isnan(value):
            return ""
        return str(int(value)) if float(value).is_integer() else repr(float(value))
    text = str(value).strip()
    return text.rstrip("0").rstrip(".") if _DECIMAL.fullmatch(text) else text


def levels(series: pd.Series) -> tuple[np.ndarray, list[str]]:
    """Index of every row's code, −1 where the cell is empty, and the text of the codes.

    Examples
    --------
    >>> codes, texts = levels(pd.Series([1.0, float("nan"), 2.0, 1.0]))
    >>> codes.tolist(), texts
    ([0, -1, 1, 0], ['1', '2'])
    """
    if isinstance(series.dtype, pd.CategoricalDtype):
        codes, found = series.cat.codes.to_numpy(), list(series.cat.categories)
    else:
        codes, found = pd.factorize(series)
    texts = [canonical(v) for v in found]
    if "" not in texts and len(set(texts)) == len(texts):
        return codes, texts
    order = {t: i for i, t in enumerate(dict.fromkeys(t for t in texts if t))}
    return np.array([order.get(t, -1) for t in texts] + [-1])[codes], list(order)


def parse(text: str, column: Column, style: str = "") -> Any:
    """The value that a text stands for in a column, or None where it stands for none.

    A date is in ISO 8601 (2025-03-01) unless `style` says otherwise in the codes of ``strptime`` (%d/%m/%Y).

    Examples
    --------
    >>> parse("01/03/2025", Column("day", "date", ""), "%d/%m/%Y")
    datetime.date(2025, 3, 1)
    """
    if column.kind == "yes_no":
        return {"1": 1, "0": 0}.get(text)
    if column.kind in NUMBERS:
        try:
            number = float(text)
        except ValueError:
            return None
        return number if math.isfinite(number) else None
    if column.kind == "date":
        try:
            read = datetime.datetime.strptime(text, style) if style else datetime.datetime.fromisoformat(text)  # noqa: DTZ007
        except ValueError:
            return None
        return read.date()
    if column.kind == "currency":
        return text if CURRENCY.fullmatch(text) else None
    return text if column.codes is None or text in column.codes else None


def build(codes: np.ndarray, targets: Sequence[Any], column: Column, index: pd.Index) -> pd.Series:
    """Rows from indices and the value of each index (None: missing), in the dtype of the column."""
    if column.kind == "yes_no":
        return yes_no(np.array([-1 if t is None else t for t in targets] + [-1], np.int8)[codes], index)
    if column.kind in NUMBERS:
        return pd.Series(np.array([np.nan if t is None else t for t in targets] + [np.nan])[codes], index)
    if column.kind == "date":
        days = np.array([np.datetime64("NaT") if t is None else t for t in targets] + ["NaT"], "datetime64[us]")
        return pd.Series(days[codes], index)
    categories = list(column.codes or dict.fromkeys(t for t in targets if t is not None))
    place = {c: i for i, c in enumerate(categories)}
    rows = np.array([place.get(t, -1) for t in targets] + [-1])[codes]
    if column.kind in CODES:
        dtype = pd.CategoricalDtype(pd.Index(categories, dtype="str"))
        return pd.Series(pd.Categorical.from_codes(rows, dtype=dtype), index)
    return pd.Series(pd.array(categories, dtype="str").take(rows, allow_fill=True), index)


def yes_no(values: np.ndarray, index: pd.Index) -> pd.Series:
    """Column of 1, 0 and missing from an array of 1, 0 and −1."""
    return pd.Series(pd.arrays.IntegerArray(np.abs(values), values < 0), index)


def conform(frame: pd.DataFrame, shape: Shape, *, file: str) -> pd.DataFrame:
    """A table whose columns already bear the names and codes of a shape, in the dtypes of the shape.

    Parameters
    ----------
    frame : DataFrame
        Any dtypes, such as text from a CSV file or rows written by hand. Columns that the shape does not know
        stay as they are, for the validation to name.
    shape : Shape
        What the table is to be.
    file : str
        Name by which faults call the table.

    Returns
    -------
    DataFrame
        A new table.

    Raises
    ------
    Faults
        Values that cannot stand in their column.

    Examples
    --------
    >>> from uncac_metrics.shapes import SHAPES
    >>> rows = pd.DataFrame([{"weight": 2, "paid": "1", "sex": "F"}, {"weight": 1, "paid": "", "sex": None}])
    >>> conform(rows, SHAPES["population_survey"], file="by hand").dtypes.astype(str).to_dict()
    {'weight': 'float64', 'paid': 'Int8', 'sex': 'category'}
    """
    columns: dict[str, pd.Series] = {}
    faults: list[Fault] = []
    for name in map(str, frame.columns):
        column = shape.column(name)
        if column is None:
            columns[name] = frame[name]
            continue
        dtype = frame[name].dtype
        if column.kind in NUMBERS and pd.api.types.is_float_dtype(dtype):
            columns[name] = frame[name].astype("float64")
            continue
        if column.kind == "date" and pd.api.types.is_datetime64_dtype(dtype):
            columns[name] = frame[name].dt.floor("D").astype("datetime64[us]")
            continue
        codes, texts = levels(frame[name])
        targets = [parse(t, column) for t in texts]
        faults += unread(codes, texts, {t for t, v in zip(texts, targets, strict=True) if v is None}, column, file)
        columns[name] = build(codes, targets, column, frame.index)
    if faults:
        raise Faults(faults)
    return pd.DataFrame(columns, index=frame.index)


def unread(
    codes: np.ndarray, texts: list[str], bad: set[str], column: Column, file: str, *,
    where: str = "", remedy: str = "", labels: Mapping[str, str] | None = None,
) -> list[Fault]:  # fmt: skip
    """A fault that lists values which mean nothing in their column, with their counts; none where all do."""
    if not bad:
        return []
    counts = np.bincount(codes[codes >= 0], minlength=len(texts))
    wrong = sorted((i for i, t in enumerate(texts) if t in bad and counts[i]), key=lambda i: -counts[i])
    if not wrong:
        return []
    rows = np.flatnonzero(np.isin(codes, wrong))
    said = [
        repr(texts[i]) + (f" {labels[texts[i]]!r}" if labels and texts[i] in labels else "") + f" ({counts[i]:,})"
        for i in wrong[:10]
    ]
    listed = ", ".join(said) + (", …" if len(wrong) > 10 else "")
    what = f"{listed} cannot stand in a column of kind {column.kind}"
    if column.kind == "date":
        remedy = remedy or 'write 2025-03-01, or name the form: dates = "%d/%m/%Y"'
    if column.kind == "code" and column.codes:
        remedy = remedy or f"codes: {', '.join(column.codes)}"
    first = tuple(int(r) + 1 for r in rows[:5])
    return [Fault(file, where or column.name, what, remedy or "correct the value", first, len(rows))]
