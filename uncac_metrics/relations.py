"""What a column holds, and what is wrong between the columns of a table: keys, gates, order, needs."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from uncac_metrics.model import Shape
from uncac_metrics.shapes import paired

Found = Iterable[tuple[str, str, np.ndarray]]
"""Column, what is wrong with it, and the offending rows."""


def holds(series: pd.Series) -> np.ndarray:
    """1 where a column holds something (a yes, a number above 0, a code, text), 0 where 0, −1 where missing.

    Examples
    --------
    >>> holds(pd.Series([1, 0, None], dtype="Int8")).tolist()
    [1, 0, -1]
    """
    if isinstance(series.dtype, pd.CategoricalDtype):
        return np.where(series.cat.codes.to_numpy() >= 0, 1, -1).astype(np.int8)
    if isinstance(series.dtype, pd.Int8Dtype):
        return series.to_numpy(np.int8, na_value=-1)
    if pd.api.types.is_numeric_dtype(series.dtype):
        values = floats(series)
        return np.where(np.isnan(values), -1, values > 0).astype(np.int8)
    return np.where(series.isna(), -1, 1).astype(np.int8)


def floats(series: pd.Series) -> np.ndarray:
    """The numbers of a column, NaN where missing."""
    if pd.api.types.is_object_dtype(series.dtype):
        series = series.astype("float64")
    return series.to_numpy(np.float64, na_value=np.nan)


def _repeated(frame: pd.DataFrame, shape: Shape) -> Found:
    key = [c for c in shape.key if c in frame.columns]
    if key and len(frame):
        complete = frame[key].notna().all(axis=1).to_numpy()
        bad = frame.duplicated(key, keep=False).to_numpy() & complete
        if bad.any():
            yield ", ".join(key), "rows have the same key", bad


def _outside(frame: pd.DataFrame, shape: Shape) -> Found:
    seen: dict[str, np.ndarray] = {}
    for name, gate in paired(shape.within, frame.columns):
        for column in (name, gate):
            if column not in seen:
                seen[column] = holds(frame[column])
        bad = (seen[gate] == 0) & (seen[name] > 0)
        if bad.any():
            yield name, f"holds something where {gate} is 0", bad


def _unordered(frame: pd.DataFrame, shape: Shape) -> Found:
    for name, above in shape.ordered:
        if name in frame.columns and above in frame.columns:
            pair = frame[name], frame[above]
            if dated := all(pd.api.types.is_datetime64_any_dtype(s.dtype) for s in pair):
                bad = pair[0].to_numpy() > pair[1].to_numpy()
            else:
                bad = floats(pair[0]) > floats(pair[1])
            if bad.any():
                yield name, f"is {'after' if dated else 'above'} {above}", bad


def _incomplete(frame: pd.DataFrame, shape: Shape) -> Found:
    for name, other in shape.needs:
        if name in frame.columns:
            bad = frame[name].notna().to_numpy()
            if other in frame.columns:
                bad = bad & frame[other].isna().to_numpy()
            if bad.any():
                yield name, f"has a value where {other} has none", bad


BETWEEN = (_repeated, _outside, _unordered, _incomplete)
"""The checks, each of a table and its shape."""
