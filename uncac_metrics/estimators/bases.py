"""Numerators and denominators: from the name that a card gives to the rows and values of a table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from uncac_metrics import reference
from uncac_metrics.methods import FLAGS, METHODS, UNITS
from uncac_metrics.model import Fault, Faults, Measure
from uncac_metrics.shapes import is_among
from uncac_metrics.values import levels

Array = np.ndarray


@dataclass(frozen=True)
class Base:
    """A named numerator or denominator: a row of the reference table ``bases`` for one shape."""

    name: str
    column: str
    within: str
    items: bool
    codes: tuple[str, ...] = ()


def base_of(m: Measure, role: str) -> Base:
    """The numerator or denominator that a measure names."""
    table = reference.load("bases")
    name = getattr(m, role)
    rows = table[(table["base"] == name) & (table["shape"] == m.shape) & table["role"].isin([role, "both"])]
    if rows.empty:
        raise Faults([Fault("measure", role, f"no {role} {name!r} for {m.shape}", "name a row of the table bases")])
    row = rows.iloc[0]
    codes = tuple(filter(None, row["codes"].split(";")))
    return Base(name, row["column"], row["within"], row["items"] == "1", codes)


def both(m: Measure) -> tuple[Base, Base | None]:
    """Denominator and numerator of a measure; it may have no numerator."""
    return base_of(m, "denominator"), base_of(m, "numerator") if m.numerator else None


def lacking(m: Measure, bases: Iterable[Base | None], columns: Iterable[str]) -> str:
    """The first column that a measure takes and a table lacks, said as a reason; empty where it has all."""
    have = set(columns)
    wanted = [m.levels, *m.where]
    wanted += [name for b in bases if b is not None and not (m.items and b.items) for name in (b.column, b.within)]
    method = METHODS.get(m.estimator)
    for name, option in method.options.items() if method else ():
        if option.kind in ("column", "columns") and name in m.options:
            value = m.options[name]
            wanted += [str(v) for v in value] if isinstance(value, list) else [str(value)]
    if m.estimator == "flag":
        wanted += ["tender", UNITS[str(m.options.get("units", "process"))], *FLAGS[str(m.options["flag"])]]
    return next((f"the data have no column {name!r}" for name in wanted if name and name not in have), "")


def selected(values: pd.Series, codes: Iterable[str] = ()) -> Array:
    """1 where a column selects a row, 0 where it does not, NaN where it does not say.

    Without `codes` the column is yes/no, or a date, which selects the rows that have one; with them, of codes or
    numbers. A code that ends in ``*`` is every code that begins so.

    Examples
    --------
    >>> selected(pd.Series(["07031", "0701", None]), ["0703*"])
    array([ 1.,  0., nan])
    """
    wanted = list(codes)
    if wanted:
        place, texts = levels(values)
        return np.array([float(is_among(t, wanted)) for t in texts] + [np.nan])[place]
    if pd.api.types.is_datetime64_any_dtype(values.dtype):
        return values.notna().to_numpy(dtype=float)
    return values.to_numpy(dtype=float, na_value=np.nan)


def rows_where(table: pd.DataFrame, where: Mapping[str, Iterable[str]]) -> Array:
    """Rows that have one of the codes in every column named."""
    kept = np.ones(len(table), dtype=bool)
    for name, codes in where.items():
        kept &= selected(table[name], codes) == 1
    return kept
