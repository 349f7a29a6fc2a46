"""Sums made inside the engine that holds the data: DuckDB, Polars, Spark and whatever else narwhals speaks to."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from uncac_metrics.model import Fault, Faults
from uncac_metrics.stats.survey.design import lacking
from uncac_metrics.stats.survey.plans import Measure, Plan
from uncac_metrics.stats.survey.scan import CELL, GROUP, CellTable, sorted_codes

SOURCES = "a DataFrame of pandas or Polars, path(s) of Parquet files, or a table of DuckDB, Polars or Spark"


def summed_in_engine(source: Any, plan: Plan) -> CellTable:
    """One grouped aggregation in the engine; what comes back has a row a sampling unit × domain cell.

    Parameters
    ----------
    source
        A native table of an engine that narwhals supports.
    plan : Plan

    Returns
    -------
    CellTable

    Raises
    ------
    Faults
        A source that narwhals does not know; unknown columns; wrong weights.
    """
    import narwhals as nw

    try:
        frame = nw.from_native(source).lazy()
    except TypeError:
        raise Faults([Fault("scan", "source", f"cannot read a {type(source).__name__}", f"give {SOURCES}")]) from None
    faults = lacking(frame.collect_schema().names(), plan.columns)
    if faults:
        raise Faults(faults)
    keys = [*plan.units, *plan.by]
    wrong = (~(nw.col(plan.weight) >= 0) | nw.col(plan.weight).is_null()).cast(nw.Int64).sum().alias("wrong")
    sums = [e.alias(f"{i}:{k}") for i, m in enumerate(plan.measures) for k, e in _sums(nw, m, plan.weight).items()]
    kept = frame.filter(nw.col(plan.weight) != 0)
    table = kept.group_by(*keys).agg(*sums, wrong).collect().to_native()
    table = table if isinstance(table, pd.DataFrame) else table.to_pandas()
    if table["wrong"].sum():
        count = int(table["wrong"].sum())
        raise Faults([Fault("scan", plan.weight, "missing or negative weights", "correct them", (), count)])
    table = table.sort_values(keys, kind="stable", ignore_index=True)
    return _as_cells(table, plan)


def _sums(nw: Any, m: Measure, weight: str) -> dict[str, Any]:
    """Expressions of the sums of one measure."""

    def number(name: str) -> Any:
        return nw.col(name).cast(nw.Float64)

    one, zero = nw.lit(1.0), nw.lit(0.0)
    y, w = number(m.numerator), number(weight)
    answered = ~nw.col(m.numerator).is_null()
    x = number(m.denominator) if m.denominator else one
    if m.kind == "ratio":
        known = ~nw.col(m.denominator).is_null()
        ok, counted, eligible = answered & known, answered & known & (x != 0), ~known | (x != 0)
    else:
        eligible = (x == 1) & ~nw.col(m.denominator).is_null() if m.denominator else w >= 0
        ok = counted = eligible & answered

    def over(rows: Any, value: Any) -> Any:
        return nw.when(rows).then(value).otherwise(zero).sum()

    sums = {"y": over(ok, w * y), "yy": over(ok, w * y * y), "xy": over(ok, w * x * y)}
    sums |= {"x": over(ok, w * x), "xx": over(ok, w * x * x), "w": over(ok, w), "n_rows": over(ok, one)}
    sums |= {"wc": over(counted, w), "ww": over(counted, w * w), "n": over(counted, one)}
    return sums | {"events": over(counted & (y == 1), one), "n_eligible": over(eligible, one)}


def _as_cells(table: pd.DataFrame, plan: Plan) -> CellTable:
    code, combinations = sorted_codes(table, plan.by)
    sums: dict[tuple[int, str], np.ndarray] = {}
    totals: dict[tuple[int, str], np.ndarray] = {}
    for i, m in enumerate(plan.measures):
        values = {k: table[f"{i}:{k}"].to_numpy(dtype=float) for k in GROUP}
        sums |= {(i, k): values["n" if k == "counted" else k] for k in CELL}
        totals |= {(i, k): np.bincount(code, weights=v, minlength=len(combinations)) for k, v in values.items()}
        if not (m.kind == "proportion" or m.within):
            totals[i, "events"] = np.full(len(combinations), np.nan)
    return CellTable(plan, table[list(plan.units)].assign(group=code), combinations, sums, totals)
