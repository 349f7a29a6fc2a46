"""Beyond memory and beyond one machine: sums by partition, merged in a fixed order, then estimates.

The sums of a survey by occupied PSU × domain cell form a commutative monoid: partitions of the rows can be summed
anywhere and merged, and totals, means, ratios, shares and their covariance come from the merged table alone.
:func:`cells` sums one partition, :func:`merge` merges, :meth:`CellTable.estimate` gives estimates over any margin.
:func:`scan` does all of it for a data frame, Parquet files or a table in an engine.

The merge adds in the order of the partitions, so the result has the same bits whoever did the summing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from uncac_metrics.model import Fault, Faults
from uncac_metrics.stats.estimates import Estimates
from uncac_metrics.stats.survey.arguments import By, grouping, is_binary, numbers
from uncac_metrics.stats.survey.design import Design, column, lacking
from uncac_metrics.stats.survey.linear import from_pass
from uncac_metrics.stats.survey.passes import CellPass, Pass
from uncac_metrics.stats.survey.plans import Executor, Measure, Plan, RowGroups, partitions
from uncac_metrics.stats.survey.stages import dense_codes, rows_of, runs, whole_codes
from uncac_metrics.stats.survey.sums import BaseSums, Pair, PairSums, groups

Array = np.ndarray
CELL = ("y", "x", "counted")
GROUP = ("y", "yy", "xy", "events", "x", "xx", "w", "wc", "ww", "n_rows", "n", "n_eligible")


@dataclass(frozen=True, eq=False)
class CellTable:
    """Sums by occupied sampling unit × domain cell: what :func:`merge` adds up.

    Attributes
    ----------
    plan : Plan
    cells : DataFrame
        Unit columns and the place of the cell's domain in `groups`; a row a cell.
    groups : DataFrame
        Breakdown columns; a row a combination that occurs.
    sums : dict
        (place of the measure, column) -> sums by cell, of :data:`CELL`.
    totals : dict
        (place of the measure, column) -> sums by group, of :data:`GROUP`.
    """

    plan: Plan
    cells: pd.DataFrame
    groups: pd.DataFrame
    sums: dict[tuple[int, str], Array] = field(repr=False)
    totals: dict[tuple[int, str], Array] = field(repr=False)

    def coarsen(self, by: By = None) -> CellTable:
        """The same sums over fewer breakdowns."""
        kept = grouping(by)
        for name in kept:
            column(self.groups, name, "by")
        plan = Plan(**{f: getattr(self.plan, f) for f in self.plan.__dataclass_fields__} | {"by": kept})
        return merge([CellTable(plan, self.cells, self.groups[list(kept)], self.sums, self.totals)])

    def design(self) -> Design:
        """The sampling design, with one row a unit."""
        plan = self.plan
        units = self.cells[list(plan.units)].drop_duplicates().reset_index(drop=True).assign(**{plan.weight: 1.0})
        return Design(
            units, weight=plan.weight, stratum=plan.stratum, psu=plan.psu, fpc=plan.fpc, nest=plan.nest,
            singleton=plan.singleton, frame=plan.frame,
        )  # fmt: skip

    def estimate(
        self, by: By = None, *, level: float = 0.95, interval: str | None = None, df: str | int = "answered",
        deff: str = "wr", design: Design | None = None,
    ) -> Estimates:  # fmt: skip
        """Estimates of all measures by a crossing of some of the plan's breakdowns.

        Parameters
        ----------
        by, level, interval, df, deff
            As in :func:`uncac_metrics.stats.survey.ratio`.
        design : Design, optional
            A design made from :meth:`design`, for instance with replicates.

        Returns
        -------
        Estimates
        """
        plan, kept = self.plan, grouping(by)
        for name in kept:
            column(self.groups, name, "by")
        sample = design or self.design()
        units = sample.data[list(plan.units)]
        unit = sample.unit[_places(units, self.cells[list(plan.units)])]
        levels = []
        for name in plan.by:
            codes, found = pd.factorize(self.groups[name], sort=True)
            levels.append(([str(v) for v in found], np.where(codes < 0, len(found), codes)))
        pairs = [_pair(m, None, None) for m in plan.measures]
        sums = {}
        for i, pair in enumerate(pairs):
            total = {k: self.totals[i, k] for k in GROUP}
            base = BaseSums(self.sums[i, "x"], self.sums[i, "counted"], total)
            own = PairSums(self.sums[i, "y"], {k: total[k] for k in ("y", "yy", "xy", "events")})
            sums[id(pair)] = base, own
        whole = CellPass(sample, unit, self.cells["group"].to_numpy(), sums)
        domains = [groups(plan.by, levels, kept, len(self.groups))]
        result = from_pass(whole, pairs, domains, level=level, interval=interval, df=df, deff=deff)
        return Estimates(result.table.drop(columns=[b for b in plan.by if b not in kept]), result.scores)


def cells(partition: pd.DataFrame | RowGroups, plan: Plan) -> CellTable:
    """Sums of one partition of the rows.

    Parameters
    ----------
    partition : DataFrame or RowGroups
    plan : Plan

    Returns
    -------
    CellTable

    Raises
    ------
    Faults
        Unknown columns, missing design values, negative or infinite weights.
    """
    data = partition.read(plan.columns) if isinstance(partition, RowGroups) else partition
    weight = _checked(data, plan)
    unit, units = _factorised(data, plan.units)
    group, combinations = _factorised(data, plan.by)
    rows = _Rows(weight, unit, len(units), len(data))
    keep = None if (weight > 0).all() else np.flatnonzero(weight > 0)
    whole = Pass(rows, group if keep is None else group[keep], len(combinations), keep)  # type: ignore[arg-type]
    sums: dict[tuple[int, str], Array] = {}
    totals: dict[tuple[int, str], Array] = {}
    arrays = {c: numbers(c, data[c]) for m in plan.measures for c in (m.numerator, m.denominator) if c}
    pairs = [_pair(m, arrays[m.numerator], arrays.get(m.denominator)) for m in plan.measures]
    for i, (pair, own) in enumerate(zip(pairs, whole.pairs(pairs), strict=True)):
        base = whole.base(pair)
        sums |= {(i, "y"): own.dense(), (i, "x"): base.x, (i, "counted"): base.counted}
        total = {**base.total, **own.total, "ww": whole.squares(pair)}
        totals |= {(i, k): v for k, v in total.items()}
    found = units.iloc[whole.cell_unit].reset_index(drop=True).assign(group=whole.cell_finest)
    return CellTable(plan, found, combinations, sums, totals)


def merge(tables: Sequence[CellTable]) -> CellTable:
    """One table of the sums of several, added in the order given.

    Parameters
    ----------
    tables : sequence of CellTable with one plan

    Returns
    -------
    CellTable
        Cells and groups ordered by their labels.
    """
    plan = tables[0].plan
    stacked = pd.concat([t.groups for t in tables], ignore_index=True)
    group, combinations = sorted_codes(stacked, plan.by)
    starts = np.cumsum([0, *(len(t.groups) for t in tables)])
    placed = [t.cells.assign(group=group[starts[i] + t.cells["group"].to_numpy()]) for i, t in enumerate(tables)]
    cell, occupied = sorted_codes(pd.concat(placed, ignore_index=True), (*plan.units, "group"))
    made: dict[tuple, Array] = {}

    def add(parts: list[Array], place: Array, size: int) -> Array:
        key = (size, *(id(p) for p in parts))  # measures that share a denominator share its sums
        if key not in made:
            made[key] = np.bincount(place, weights=np.concatenate(parts), minlength=size)
        return made[key]

    sums = {k: add([t.sums[k] for t in tables], cell, len(occupied)) for k in tables[0].sums}
    totals = {k: add([t.totals[k] for t in tables], group, len(combinations)) for k in tables[0].totals}
    return CellTable(plan, occupied, combinations, sums, totals)


def scan(source: Any, plan: Plan, *, executor: Executor | None = None, rows: int = 2_000_000) -> CellTable:
    """Sum a survey that may be larger than memory, in partitions or inside the engine that holds it.

    Parameters
    ----------
    source : DataFrame, list of DataFrames, path(s) of Parquet files, or a table in an engine
        A table of DuckDB, Polars or Spark is summed there, through narwhals; nulls are missing answers.
    plan : Plan
    executor : Executor, optional
        Runs the partitions: a ``concurrent.futures`` executor, ``client.get_executor()`` of Dask, a
        :class:`SparkExecutor`. None runs them one after the other. The library never starts a cluster.
    rows : int
        About how many rows a partition of a Parquet file has.

    Returns
    -------
    CellTable
        The same bits for the same partitions, whoever ran them; sums made in an engine agree to rounding.

    Raises
    ------
    Faults
        A source of no known kind; what :func:`cells` raises.

    Examples
    --------
    >>> import pandas as pd
    >>> from uncac_metrics.stats.survey import Measure, Plan, scan
    >>> frame = pd.DataFrame({"w": 1.0, "psu": [1, 1, 2, 2, 3, 3], "paid": [0, 1, 0, 0, 1, 1], "contact": 1})
    >>> plan = Plan(Measure("ratio", "paid", "contact", within=True), weight="w", psu="psu")
    >>> scan([frame.head(3), frame.tail(3)], plan).estimate().table[["value", "std_error", "n"]].round(4)
       value  std_error  n
    0    0.5     0.2887  6
    """
    parts = partitions(source, plan, rows)
    if parts is None:
        from uncac_metrics.stats.survey.engines import summed_in_engine

        return merge([summed_in_engine(source, plan)])
    done = (executor.map if executor else map)(partial(_cells_first, plan=plan), parts)
    return merge(list(done))


def _cells_first(partition: Any, *, plan: Plan) -> CellTable:
    return cells(partition, plan)


@dataclass(frozen=True, eq=False)
class _Rows:
    """What a pass needs to know of the rows."""

    weight: Array
    unit: Array
    n_units: int
    n: int


def _checked(data: pd.DataFrame, plan: Plan) -> Array:
    faults = lacking(data.columns, plan.columns)
    if faults:
        raise Faults(faults)
    for name in plan.units:
        absent = data[name].isna().to_numpy()
        if absent.any():
            faults.append(Fault("scan", name, "missing values", "give every row its unit", **rows_of(absent)))
    weight = data[plan.weight].to_numpy(dtype=float, na_value=np.nan)
    wrong = ~np.isfinite(weight) | (weight < 0)
    if wrong.any():
        what = "missing, negative or infinite weights"
        faults.append(Fault("scan", plan.weight, what, "correct them at the source", **rows_of(wrong)))
    if faults:
        raise Faults(faults)
    return weight


def _factorised(data: pd.DataFrame, names: Sequence[str]) -> tuple[Array, pd.DataFrame]:
    """Codes of the combinations of some columns, and their labels."""
    starts = runs(data, names)
    if starts is not None:
        code, labels = _factorised(data[list(names)].iloc[starts], names)
        return np.repeat(code, np.diff(starts, append=len(data))), labels
    if len(names) == 1 and isinstance(data[names[0]].dtype, np.dtype) and data[names[0]].dtype.kind in "iu":
        values = data[names[0]].to_numpy()
        code, levels = whole_codes(values)
        return code, pd.DataFrame({names[0]: np.array(levels, dtype=values.dtype)})
    code = np.zeros(len(data), dtype=np.int64)
    for name in names:
        each = _codes(data[name])
        code = code * (int(each.max(initial=-1)) + 2) + np.where(each < 0, each.max(initial=-1) + 1, each)
        code = _codes(pd.Series(code))
    first = np.zeros(int(code.max(initial=-1)) + 1, dtype=np.intp)
    first[code[::-1]] = np.arange(len(data))[::-1]
    return code.astype(np.intp, copy=False), data[list(names)].iloc[first].reset_index(drop=True)


def _codes(values: pd.Series) -> Array:
    return (
        dense_codes(values)
        if isinstance(values.dtype, np.dtype) and values.dtype.kind in "iu"
        else pd.factorize(values)[0]
    )


def sorted_codes(frame: pd.DataFrame, names: Sequence[str]) -> tuple[Array, pd.DataFrame]:
    """Codes in the order of the labels, and the labels."""
    if not names:
        return np.zeros(len(frame), dtype=np.intp), frame[[]].iloc[:1].reset_index(drop=True)
    grouped = frame.groupby(list(names), sort=True, dropna=False, observed=True)
    code = grouped.ngroup().to_numpy()
    first = np.zeros(int(code.max()) + 1, dtype=np.intp)
    first[code[::-1]] = np.arange(len(frame))[::-1]
    return code, frame[list(names)].iloc[first].reset_index(drop=True)


def _places(table: pd.DataFrame, wanted: pd.DataFrame) -> Array:
    """Row of `table` that each row of `wanted` equals."""
    return pd.MultiIndex.from_frame(table).get_indexer(pd.MultiIndex.from_frame(wanted))


def _pair(m: Measure, y: Array | None, x: Array | None) -> Pair:
    """The measure as a pair; without arrays, where the sums are there already."""
    empty = np.empty(0)
    binary = m.kind == "proportion" or m.within
    if y is not None and binary and not is_binary(y):
        raise Faults([Fault("scan", m.numerator, "values other than 0 and 1", "recode it, or take its mean")])
    if y is not None and m.within and x is not None and ((y > 0) & (x == 0)).any():
        remedy = "count cases within the denominator only, or say within=False for a ratio of two groups"
        what = "cases in the numerator stand outside the denominator"
        raise Faults([Fault("scan", m.name, what, remedy, **rows_of((y > 0) & (x == 0)))])
    return Pair(m.name, empty if y is None else y, x, m.kind, m.denominator, binary, {}, binary)
