"""Weighted sums by sampling unit and domain: what they are sums of, of which domains, and how cells become coarser.

The sums are all that totals, means, ratios, shares, their covariance, design effects and degrees of freedom need; what
follows is small algebra on cells. Sums of finer domains add up to those of coarser ones, so that margins and crosses
of several breakdowns come from the same pass (:mod:`uncac_metrics.stats.survey.passes`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd

from uncac_metrics.model import TOTAL
from uncac_metrics.stats.survey.stages import whole_codes

Array = np.ndarray
DIRECT = 50_000_000  # cells that may be addressed directly: 50 MB of flags


@dataclass(frozen=True, eq=False)
class Pair:
    """Numerator and denominator of one estimate, row by row; NaN is missing."""

    name: str
    numerator: Array
    denominator: Array | None
    """None counts every row."""
    kind: str
    """``total``, ``mean``, ``proportion`` or ``ratio``."""
    base: str = ""
    """Name of the denominator."""
    within: bool = False
    """The value is a share: numerator and denominator are 0/1 and nested."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """Breakdowns that this pair itself stands for (``official = police``)."""
    binary: bool = False
    """The numerator is 0, 1 or missing."""

    @cached_property
    def nonnegative(self) -> bool:
        """No number above or below the line is negative, as far as is known."""
        if self.binary and (self.denominator is None or self.kind != "ratio"):
            return True
        arrays = [a for a in (self.numerator, self.denominator) if a is not None and a.size]
        lows = [0 if a.dtype.kind in "ub" else np.fmin.reduce(a) for a in arrays]  # NaN is passed over
        return bool(arrays) and all(low >= 0 for low in lows)

    @cached_property
    def absent(self) -> Array | None:
        """Rows without an answer; None where there are none."""
        if self.numerator.dtype.kind != "f":
            return None
        absent = np.isnan(self.numerator)
        return absent if absent.any() else None


@dataclass(frozen=True, eq=False)
class Domains:
    """The groups of one grouping: their labels and the group of every finest combination (−1: in none)."""

    labels: pd.DataFrame
    of_finest: Array


def compress(codes: Array, size: int) -> tuple[Array, Array]:
    """Occupied codes in increasing order, and the place of every code among them.

    Parameters
    ----------
    codes : integer array with values below `size`
    size : int

    Returns
    -------
    occupied, place : integer arrays
    """
    if size <= max(DIRECT // 8, min(DIRECT, 8 * len(codes))):
        seen = np.zeros(size, dtype=bool)
        seen[codes] = True
        occupied = np.flatnonzero(seen)
        place = np.empty(size, dtype=np.intp)
        place[occupied] = np.arange(occupied.size)
        return occupied, place[codes]
    occupied, place = np.unique(codes, return_inverse=True)
    return occupied, place


def finest(data: pd.DataFrame, by: Sequence[str], keep: Array | None) -> tuple[Array, list[tuple[list[str], Array]]]:
    """Code of the combination of all breakdowns for each kept row, and per breakdown its labels and level codes.

    A missing level has a code of its own (the last), so that the row still counts in groupings without it. Without
    `keep` all rows are kept.
    """
    combined = np.zeros(len(data) if keep is None else len(keep), dtype=np.uint8 if not by else np.intp)
    size, sizes, names = 1, [], []
    for name in by:
        values = data[name]
        if isinstance(values.dtype, pd.CategoricalDtype):
            codes, levels = values.cat.codes.to_numpy().astype(np.intp), list(values.cat.categories)
        elif isinstance(values.dtype, np.dtype) and values.dtype.kind in "iu":
            codes, levels = whole_codes(values.to_numpy())
        else:
            codes, found = pd.factorize(values, sort=True)
            levels = list(found)
        codes = codes if keep is None else codes[keep]
        n = len(levels) + 1
        if codes.size and codes.min() < 0:
            codes = np.where(codes < 0, n - 1, codes)
        combined = codes if size == 1 else combined.astype(np.int64, copy=False) * n + codes
        size *= n
        sizes.append(n)
        names.append([label(v) for v in levels])
    if len(by) > 1:
        occupied, place = compress(combined, size)
    else:  # the levels as they are, and one for missing where there is any
        levelled = size if by and combined.size and int(combined.max()) == size - 1 else max(size - 1, 1)
        occupied, place = np.arange(levelled), combined
    out, rest = [], occupied
    for n, labels in zip(reversed(sizes), reversed(names), strict=True):
        out.append((labels, rest % n))
        rest = rest // n
    return place, out[::-1]


def n_combinations(levels: list[tuple[list[str], Array]]) -> int:
    """How many combinations of breakdowns :func:`finest` has numbered."""
    return levels[0][1].size if levels else 1


def label(value: object) -> str:
    """A level as text; whole numbers without a decimal point."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def groups(by: Sequence[str], levels: list[tuple[list[str], Array]], grouping: Sequence[str], n_finest: int) -> Domains:
    """The groups of a grouping (a subset of the breakdowns); declared levels without rows are kept one-way."""
    if not grouping:
        return Domains(pd.DataFrame(dict.fromkeys(by, TOTAL), index=[0]), np.zeros(n_finest, dtype=np.intp))
    chosen = [levels[list(by).index(g)] for g in grouping]
    code = np.zeros(n_finest, dtype=np.int64)
    missing = np.zeros(n_finest, dtype=bool)
    for labels, level in chosen:
        code = code * (len(labels) + 1) + level
        missing |= level == len(labels)
    if len(grouping) == 1:
        occupied = np.arange(len(chosen[0][0]))
        group = np.where(missing, -1, code).astype(np.intp)
    else:
        occupied, inverse = np.unique(code[~missing], return_inverse=True)
        group = np.full(n_finest, -1, dtype=np.intp)
        group[~missing] = inverse
    table: dict[str, object] = dict.fromkeys(by, TOTAL)
    rest = occupied
    for name, (labels, _) in zip(reversed(grouping), reversed(chosen), strict=True):
        table[name] = [labels[i] for i in rest % (len(labels) + 1)]
        rest = rest // (len(labels) + 1)
    return Domains(pd.DataFrame(table, index=range(len(occupied)), columns=list(by)), group)


@dataclass(frozen=True, eq=False)
class BaseSums:
    """Sums that all pairs with the same denominator and the same answers share."""

    x: Array
    """Weighted denominator by cell."""
    counted: Array
    """Positive in the cells with rows that count."""
    total: Mapping[str, Array]
    """By group: x, w, xx, wc over the rows that answer or count, and n_rows, n, n_eligible."""


@dataclass(frozen=True, eq=False)
class Sparse:
    """Values of some cells; the others are zero."""

    at: Array
    """Cells, in increasing order."""
    value: Array
    size: int

    def dense(self) -> Array:
        """The values of all cells."""
        out = np.zeros(self.size)
        out[self.at] = self.value
        return out


@dataclass(frozen=True, eq=False)
class PairSums:
    """Sums of one numerator."""

    y: Array | Sparse
    """Weighted numerator by cell."""
    total: Mapping[str, Array]
    """By group: y, yy, xy, and events (rows)."""

    def dense(self) -> Array:
        """Weighted numerator of every cell."""
        return self.y.dense() if isinstance(self.y, Sparse) else self.y


@dataclass(frozen=True, eq=False)
class Cells:
    """Occupied unit × group cells of one grouping, and how they come from the finest ones."""

    unit: Array
    group: Array
    domains: Domains
    place: Array | None
    """Cell of each finest cell that lies in a group; None where both are the same."""
    inside: Array | None
    grid: bool = False
    """The cells are all groups of unit 0, of unit 1, and so on."""

    def gather(self, finest_cells: Array) -> Array:
        """Sums by cell from sums by finest cell."""
        if self.place is None:
            return finest_cells
        values = finest_cells if self.inside is None else finest_cells[self.inside]
        return np.bincount(self.place, weights=values, minlength=self.unit.size)

    def by_group(self, values: Array) -> Array:
        """Sums by group from values by cell."""
        return by_column(values, self.group, len(self.domains.labels), self.grid)

    def totals(self, sums: Mapping[str, Array]) -> dict[str, Array]:
        """Sums by group from sums by finest combination."""
        code, n = self.domains.of_finest, len(self.domains.labels)
        member = code >= 0
        return {k: np.bincount(code[member], weights=v[member], minlength=n) for k, v in sums.items()}


def by_column(values: Array, code: Array, n: int, grid: bool) -> Array:
    """Sums of values by code; in a grid the codes run from 0 to n − 1 again and again."""
    return values.reshape(-1, n).sum(axis=0) if grid else np.bincount(code, values, n)


def cells_of(n_units: int, unit: Array, finest_group: Array, domains: Domains, grid: bool = False) -> Cells:
    """Cells of one grouping from the finest ones (unit and finest combination of each)."""
    n_groups = len(domains.labels)
    if n_groups == domains.of_finest.size and (domains.of_finest == np.arange(n_groups)).all():
        return Cells(unit, finest_group, domains, None, None, grid)
    group = domains.of_finest[finest_group]
    inside = None if (group >= 0).all() else group >= 0
    if inside is not None:
        unit, group = unit[inside], group[inside]
    occupied, place = compress(unit.astype(np.int64) * n_groups + group, n_units * n_groups)
    cell_unit, cell_group = np.divmod(occupied, n_groups)
    return Cells(cell_unit, cell_group, domains, place, inside)
