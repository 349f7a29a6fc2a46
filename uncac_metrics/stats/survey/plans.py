"""What a scan sums and what runs it: measures, columns of the design, partitions of the rows, executors."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import pandas as pd

from uncac_metrics.model import Fault, Faults
from uncac_metrics.stats.survey.design import lacking

KINDS = ("ratio", "mean", "proportion", "total")


class Executor(Protocol):
    """What runs the partitions: any ``concurrent.futures.Executor``, a Dask client's, :class:`SparkExecutor`."""

    def map(self, fn: Any, /, *iterables: Iterable[Any]) -> Iterable[Any]:
        """Results in the order of the arguments."""


@dataclass(frozen=True)
class Measure:
    """One statistic to sum: its kind and its columns.

    Attributes
    ----------
    kind : {"ratio", "mean", "proportion", "total"}
    numerator : str
        Column of numbers or yes/no.
    denominator : str
        Column: the number below the line of a ratio, or the yes/no base of the other kinds; empty: every row.
    within : bool
        A ratio of nested yes/no columns is a share, with an interval for shares.
    """

    kind: str
    numerator: str
    denominator: str = ""
    within: bool = False

    @property
    def name(self) -> str:
        """How results call it."""
        return f"{self.numerator}/{self.denominator}" if self.kind == "ratio" else self.numerator


@dataclass(frozen=True)
class Plan:
    """What to sum, and the columns of the design.

    Attributes
    ----------
    measures : sequence of Measure
    weight, stratum, psu, fpc : str
        Columns as in :class:`Design`; strata, PSUs and population sizes of the first stage.
    by : sequence of str
        Breakdowns whose crossing is kept; every margin of it can be had afterwards.
    nest, singleton, frame
        As in :class:`Design`.
    """

    measures: tuple[Measure, ...]
    weight: str
    stratum: str | None = None
    psu: str | None = None
    fpc: str | None = None
    by: tuple[str, ...] = ()
    nest: bool = False
    singleton: str = "error"
    frame: str | None = None

    def __post_init__(self) -> None:
        for name in ("measures", "by"):
            value = getattr(self, name)
            object.__setattr__(self, name, (value,) if isinstance(value, (str, Measure)) else tuple(value))
        faults = [Fault("Plan", m.name, f"unknown kind {m.kind!r}", f"one of {', '.join(KINDS)}")
                  for m in self.measures if m.kind not in KINDS]  # fmt: skip
        names = [f"{m.kind} of {m.name}" for m in self.measures]
        faults += [
            Fault("Plan", n, "named twice", "leave one out") for n in sorted({n for n in names if names.count(n) > 1})
        ]
        if not self.measures:
            faults.append(Fault("Plan", "measures", "there are none", "name at least one"))
        if self.psu is None:
            remedy = "name the psu column; for samples without clusters use Design, which needs every row"
            faults.append(Fault("Plan", "psu", "sums by sampling unit need sampling units", remedy))
        if faults:
            raise Faults(faults)

    @property
    def units(self) -> tuple[str, ...]:
        """Columns that name a sampling unit and its stratum."""
        return tuple(c for c in (self.stratum, self.psu, self.fpc) if c)

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns to read."""
        used = [self.weight, *self.units, *self.by]
        used += [c for m in self.measures for c in (m.numerator, m.denominator) if c]
        return tuple(dict.fromkeys(used))


@dataclass(frozen=True)
class RowGroups:
    """Row groups of a Parquet file: a partition that is read where it is summed."""

    path: str
    places: tuple[int, ...]

    def read(self, columns: Sequence[str]) -> pd.DataFrame:
        """The rows, these columns only."""
        from pyarrow import parquet

        with parquet.ParquetFile(self.path) as file:
            return file.read_row_groups(list(self.places), columns=list(columns), use_threads=False).to_pandas()


@dataclass(frozen=True)
class SparkExecutor:
    """Runs partitions on a Spark cluster that its owner has started.

    Attributes
    ----------
    session : pyspark.sql.SparkSession
    """

    session: Any

    def map(self, fn: Any, /, *iterables: Iterable[Any]) -> Iterable[Any]:
        """Results in the order of the arguments."""
        tasks = list(zip(*iterables, strict=True))
        spread = self.session.sparkContext.parallelize(tasks, max(1, len(tasks)))
        return spread.map(lambda task: fn(*task)).collect()


def partitions(source: Any, plan: Plan, rows: int) -> list[Any] | None:
    """A source cut into partitions of about so many rows; None where it is for an engine to sum."""
    if isinstance(source, pd.DataFrame):
        return [source]
    if isinstance(source, (str, Path)):
        return _row_groups([source], plan, rows)
    if isinstance(source, (list, tuple)):
        if source and all(isinstance(s, (pd.DataFrame, RowGroups)) for s in source):
            return list(source)
        if source and all(isinstance(s, (str, Path)) for s in source):
            return _row_groups(source, plan, rows)
        remedy = "give at least one frame or path, all of one kind"
        raise Faults([Fault("scan", "source", "a list of no frames and no paths", remedy)])
    return None


def _row_groups(paths: Sequence[str | Path], plan: Plan, rows: int) -> list[RowGroups]:
    try:
        from pyarrow import parquet
    except ImportError:
        remedy = 'pip install "uncac-metrics[parquet]"'
        raise Faults([Fault("scan", "source", "reading Parquet needs pyarrow", remedy)]) from None
    parts, faults = [], []
    for path in paths:
        if not Path(path).is_file():
            faults.append(Fault(str(path), "", "there is no such file", "correct the path"))
            continue
        with parquet.ParquetFile(path) as file:
            unknown = lacking(file.schema_arrow.names, plan.columns)
            faults += [Fault(str(path), f.where, f.what, f.remedy) for f in unknown]
            held: list[int] = []
            count = 0
            for i in range(file.metadata.num_row_groups):
                held.append(i)
                count += file.metadata.row_group(i).num_rows
                if count >= rows or i == file.metadata.num_row_groups - 1:
                    parts.append(RowGroups(str(path), tuple(held)))
                    held, count = [], 0
    if faults:
        raise Faults(faults)
    return parts
