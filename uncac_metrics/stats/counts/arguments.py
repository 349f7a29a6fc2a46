"""What the functions on records take: columns of a table, breakdowns; and the results table that they give.

Every count of a table is a unit of its own, numbered by its column and row, so that results from one table have their
joint covariance: rates of both sexes and of all, or a rate and a ratio that share a count. Where the rows are records
(one trial each), the record is the unit.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from uncac_metrics.model import ESTIMATE_LEADING, ESTIMATE_VALUES, Fault, Faults
from uncac_metrics.stats.estimates import Estimates, make_table
from uncac_metrics.stats.joint import Contributions
from uncac_metrics.stats.survey.arguments import grouping
from uncac_metrics.stats.survey.design import unknown_column
from uncac_metrics.stats.survey.stages import rows_of
from uncac_metrics.stats.survey.sums import finest, groups

Array = np.ndarray
By: TypeAlias = str | Sequence[str] | None
KEYS = ("dataset", "ref_area", "time_period")
"""Columns of the results table that rows may be grouped by; all other breakdowns get columns of their own."""


@dataclass(frozen=True, eq=False)
class Grouped:
    """The groups of the rows of a table."""

    labels: pd.DataFrame
    """A row a group, a column a breakdown."""
    code: Array
    """Group of every row; −1 where a level is missing."""

    @property
    def n(self) -> int:
        """Number of groups."""
        return len(self.labels)

    def sums(self, values: Array) -> Array:
        """Sum of the values by group; rows with NaN add nothing."""
        inside = self.code >= 0
        return np.bincount(self.code[inside], weights=np.nan_to_num(values[inside]), minlength=self.n)

    def spread(self, values: Array) -> Array:
        """The value of each row's group; NaN for rows without a group."""
        return np.append(np.asarray(values, dtype=float), np.nan)[self.code]


def grouped(data: pd.DataFrame, by: By) -> Grouped:
    """Groups of the rows by the breakdowns; without any, all rows are one group."""
    names = grouping(by)
    if not len(data):  # nothing has no groups, except as a whole
        labels = pd.DataFrame(index=range(0 if names else 1), columns=list(names))
        return Grouped(labels, np.empty(0, dtype=np.intp))
    place, levels = finest(data, names, np.ones(len(data), dtype=bool))
    domains = groups(names, levels, names, int(place.max(initial=0)) + 1)
    return Grouped(domains.labels, domains.of_finest[place])


class Columns:
    """Columns of a table, checked; :meth:`check` raises all faults at once."""

    def __init__(self, what: str, data: pd.DataFrame, by: By = None, level: float = 0.95):
        self.what, self.data, self.faults = what, data, list[Fault]()
        for name in grouping(by):
            self.present(name, "by")
            taken = name in (*ESTIMATE_LEADING, *ESTIMATE_VALUES) and name not in KEYS
            self.must(not taken, "by", f"{name!r} is a column of the results", "rename it, as procurement_method")
        self.must(0 < level < 1, "level", f"{level} is no confidence level", "a number between 0 and 1, as 0.95")

    def must(self, holds: bool, where: str, what: str, remedy: str, rows: Array | None = None) -> None:
        """Note a fault unless something holds."""
        if not holds:
            self.faults.append(Fault(self.what, where, what, remedy, **({} if rows is None else rows_of(rows))))

    def none(self, wrong: Array, where: str, what: str, remedy: str) -> None:
        """Note a fault where any row is wrong."""
        self.must(not wrong.any(), where, what, remedy, wrong)

    def present(self, name: str, role: str) -> bool:
        """Whether the table has the column; a fault that gives the nearest name where not."""
        if name not in self.data.columns:
            self.faults.append(replace(unknown_column(self.data, name, role), file=self.what))
            return False
        return True

    def one_of(self, value: str, choices: Iterable[str], where: str) -> None:
        """Note a fault where an option is none of the choices."""
        self.must(value in choices, where, f"unknown {where} {value!r}", f"one of {', '.join(choices)}")

    def numbers(self, name: str, role: str) -> Array:
        """Numbers of a column, NaN where missing."""
        if not self.present(name, role):
            return np.full(len(self.data), np.nan)
        values = self.data[name]
        if values.isna().all():
            return np.full(len(values), np.nan)
        if not (pd.api.types.is_numeric_dtype(values.dtype) or pd.api.types.is_bool_dtype(values.dtype)):
            self.must(False, name, f"holds {values.dtype}, not numbers", "give numbers, with missing left empty")
            return np.full(len(self.data), np.nan)
        found = values.to_numpy(dtype=float, na_value=np.nan)
        self.none(np.isinf(found), name, "infinite values", "correct or blank them")
        return found

    def amounts(self, name: str, role: str) -> Array:
        """Numbers that are not negative."""
        found = self.numbers(name, role)
        self.none(found < 0, name, "negative values", "correct or blank them")
        return found

    def counts(self, name: str, role: str) -> Array:
        """Whole numbers that are not negative."""
        found = self.amounts(name, role)
        self.none(found % 1 > 0, name, "values that are not whole numbers", "give counts, not rates or estimates")
        return found

    def yes_no(self, name: str, role: str) -> Array:
        """1, 0 and NaN."""
        found = self.numbers(name, role)
        other = ~np.isnan(found) & (found != 0) & (found != 1)
        self.none(other, name, "values other than 0 and 1", "recode to 1 = yes, 0 = no, missing")
        return found

    def texts(self, name: str, role: str) -> Array:
        """Values as an object array, None where missing."""
        if not self.present(name, role):
            return np.full(len(self.data), None, dtype=object)
        values = self.data[name]
        return np.asarray(np.where(values.isna().to_numpy(), None, values.astype(object).to_numpy()))

    def check(self) -> None:
        """Raise all faults that were noted."""
        if self.faults:
            raise Faults(self.faults)

    def unit(self, name: str, other: bool = False) -> Array:
        """Numbers of the units that are the counts of a column; `other`, of what the column leaves out."""
        position = int(self.data.columns.get_indexer([name])[0]) + (len(self.data.columns) if other else 0)
        return position * len(self.data) + np.arange(len(self.data))


def are_records(trials: Array) -> bool:
    """Whether every row is one trial at most: units are then the records, whatever column is asked about."""
    return bool((np.nan_to_num(trials) <= 1).all())


def contributions(
    source: object, n_rows: int, *parts: tuple[Array, Array, Array], kind: str = "counts"
) -> Contributions:
    """Scores from parts (unit, row, value); row −1 is in no estimate, and zero or NaN adds nothing."""
    unit, row, value = (np.concatenate([p[i] for p in parts]) for i in range(3))
    keep = (row >= 0) & (value != 0) & ~np.isnan(value)
    return Contributions(source, unit[keep], row[keep], value[keep], n_rows, kind)


def results(
    labels: pd.DataFrame, columns: Mapping[str, Any], scores: Contributions | None = None, *, method: str
) -> Estimates:
    """Estimates of rows that are labelled by `labels`: status and coefficient of variation are filled in.

    ``reason`` and ``display`` may be given for rows; a row without a value is withheld, and its limits are too.
    """
    out = dict(columns)
    value = np.asarray(out["value"], dtype=float)
    n = len(value)
    absent = np.isnan(value)
    reason = np.broadcast_to(np.asarray(out.get("reason", ""), dtype=object), n).copy()
    display = np.broadcast_to(np.asarray(out.get("display", "shown"), dtype=object), n).copy()
    for name in ("std_error", "lower", "upper"):
        out[name] = np.where(absent, np.nan, np.broadcast_to(np.asarray(out.get(name, np.nan), dtype=float), n))
    with np.errstate(divide="ignore", invalid="ignore"):
        out["cv"] = np.where(value != 0, out["std_error"] / np.abs(value), np.nan)
    display[absent] = "withheld"
    interval = np.broadcast_to(np.asarray(out.get("interval", ""), dtype=object), n)
    out["interval"] = np.where(absent, "", interval)
    out["obs_status"] = np.where(absent, "O", np.where(display == "flagged", "U", "A"))
    out |= {"value": value, "reason": reason, "display": display, "method": method}
    out.setdefault("df", np.inf)
    own = {b: labels[b].to_numpy() for b in labels.columns}
    breakdowns = [b for b in labels.columns if b not in KEYS]
    return Estimates(make_table(out | own, breakdowns), () if scores is None else (scores,))


def enumerated(found: Estimates, method: str) -> Estimates:
    """The estimates of all there is, as in accounts or a full list: they have no error."""
    zero, value = 0.0 * found.table["value"], found.table["value"]
    still = found.with_columns(
        std_error=zero, cv=zero, lower=value, upper=value, interval="none", method=f"{method}; complete enumeration"
    )
    return Estimates(still.table, tuple(s.scaled(np.zeros(s.n_rows)) for s in still.scores))


def joined(*texts: Array | Sequence[str] | str) -> Array:
    """Texts put together row by row, empty ones left out."""
    arrays = np.broadcast_arrays(*(np.asarray(t, dtype=object) for t in texts))
    return np.array(["; ".join(filter(None, row)) for row in zip(*(a.ravel() for a in arrays), strict=True)], object)


def incomplete(group: Grouped, left_out: Array, what: str) -> Array:
    """A sentence for every group with rows that are left out."""
    gone, rows = group.sums(left_out.astype(float)), group.sums(np.ones(len(left_out)))
    pairs = zip(gone, rows, strict=True)
    return np.array([f"{int(g):,} of {int(r):,} {what}: left out" if g else "" for g, r in pairs], object)
