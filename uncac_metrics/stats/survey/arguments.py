"""What the survey functions take: variables by name or as arrays, breakdowns, checked and made into numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import pandas as pd

from uncac_metrics.model import Fault, Faults
from uncac_metrics.stats.survey.design import Design, column
from uncac_metrics.stats.survey.stages import rows_of

Array = np.ndarray
Variable: TypeAlias = str | pd.Series | np.ndarray
By: TypeAlias = str | Sequence[str] | None


def grouping(by: By) -> tuple[str, ...]:
    """Names of the breakdowns that a call crosses; none is the whole population."""
    return () if by is None else (by,) if isinstance(by, str) else tuple(by)


def variables(design: Design, y: Variable | Sequence[Variable]) -> list[tuple[str, Array]]:
    """Names and numbers (NaN is missing) of one variable or several."""
    return [(name, numbers(name, values)) for name, values in series(design, y)]


def series(design: Design, y: Variable | Sequence[Variable]) -> list[tuple[str, pd.Series]]:
    """Names and values as they are of one variable or several, one value a row of the design."""
    several = list(y) if isinstance(y, (list, tuple)) else [y]
    out = []
    for i, v in enumerate(several):
        if isinstance(v, str):
            out.append((v, column(design.data, v, "variable")))
            continue
        series = v if isinstance(v, pd.Series) else pd.Series(np.asarray(v))
        name = str(series.name) if series.name is not None else f"y{i + 1}" if len(several) > 1 else "y"
        if len(series) != design.n:
            fault = Fault(
                "variable",
                name,
                f"{len(series):,} values for {design.n:,} rows",
                "one value a row of the design",
            )
            raise Faults([fault])
        out.append((name, series))
    return out


def is_numeric(values: pd.Series) -> bool:
    """Whether the values are numbers or yes/no."""
    return pd.api.types.is_numeric_dtype(values.dtype) or pd.api.types.is_bool_dtype(values.dtype)


def numbers(name: str, values: pd.Series) -> Array:
    """The values as an array: floats with NaN for missing, or whole numbers where none is missing."""
    if isinstance(values.dtype, pd.CategoricalDtype) or not is_numeric(values):
        what, remedy = f"holds {values.dtype}, not numbers", "recode it, or take proportion() of its levels"
        raise Faults([Fault("variable", name, what, remedy)])
    if pd.api.types.is_float_dtype(values.dtype) or values.hasnans:
        found = values.to_numpy(dtype=float, na_value=np.nan)
        infinite = np.isinf(found)
        if infinite.any():
            raise Faults([Fault("variable", name, "infinite values", "correct or blank them", **rows_of(infinite))])
        return found
    found = values.to_numpy()
    return found.view(np.uint8) if found.dtype == bool else found


def yes_no(name: str, values: pd.Series) -> Array:
    """The values as 1, 0 and NaN; a fault for any other number."""
    found = numbers(name, values)
    if not is_binary(found):
        other = (found != 0) & (found != 1) & ~np.isnan(found.astype(float))
        remedy = "recode to 1 = yes, 0 = no, missing; or take mean()"
        raise Faults([Fault("variable", name, "values other than 0 and 1", remedy, **rows_of(other))])
    return found


def base_of(design: Design, denominator: Variable | None) -> tuple[Array | None, str]:
    """Yes/no of the units below the line (None for all) and its name."""
    if denominator is None:
        return None, ""
    [(name, values)] = series(design, denominator)
    return yes_no(name, values), name


def is_binary(values: Array) -> bool:
    """Whether there is nothing but 0, 1 and missing."""
    if values.dtype.kind == "f":
        return bool(((values == 0) | (values == 1) | np.isnan(values)).all())
    return values.size == 0 or bool(values.min() >= 0 and values.max() <= 1)
