"""One pass over the rows: weighted sums by sampling unit and domain, for many variables and groupings at once.

The sums are all that totals, means, ratios, shares, their covariance, design effects and degrees of freedom need; what
follows is small algebra on cells. Sums of finer domains add up to those of coarser ones, so that margins and crosses
of several breakdowns come from the same pass.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd

from uncac_metrics.model import TOTAL, Fault, Faults
from uncac_metrics.stats.survey.design import Design
from uncac_metrics.stats.survey.stages import dense_codes

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


def finest(data: pd.DataFrame, by: Sequence[str], keep: Array) -> tuple[Array, list[tuple[list[str], Array]]]:
    """Code of the combination of all breakdowns for each kept row, and per breakdown its labels and level codes.

    A missing level has a code of its own (the last), so that the row still counts in groupings without it.
    """
    everything = bool(keep.all())
    combined = np.zeros(len(keep) if everything else int(keep.sum()), dtype=np.intp)
    size, sizes, names = 1, [], []
    for name in by:
        values = data[name]
        if isinstance(values.dtype, pd.CategoricalDtype):
            codes, levels = values.cat.codes.to_numpy().astype(np.intp), list(values.cat.categories)
        elif isinstance(values.dtype, np.dtype) and values.dtype.kind in "iu":
            codes, levels = dense_codes(values), _distinct(values.to_numpy())
        else:
            codes, found = pd.factorize(values, sort=True)
            levels = list(found)
        codes = codes if everything else codes[keep]
        n = len(levels) + 1
        if codes.size and codes.min() < 0:
            codes = np.where(codes < 0, n - 1, codes)
        combined = codes if size == 1 else combined * n + codes
        size *= n
        sizes.append(n)
        names.append([label(v) for v in levels])
    occupied, place = compress(combined, size) if by else (np.zeros(1, dtype=np.int64), combined.astype(np.intp))
    out, rest = [], occupied
    for n, labels in zip(reversed(sizes), reversed(names), strict=True):
        out.append((labels, rest % n))
        rest = rest // n
    return place, out[::-1]


def _distinct(values: Array) -> list[int]:
    """Distinct whole numbers in increasing order."""
    low = int(values.min(initial=0))
    if int(values.max(initial=0)) - low > 4 * values.size + 1000:
        return [int(v) for v in np.unique(values)]
    seen = np.bincount(values.astype(np.intp, copy=False) - low)
    return [int(v) for v in np.flatnonzero(seen) + low]


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
    """Rows that count, by cell."""
    total: Mapping[str, Array]
    """By group: x, w, xx, wc, ww over the rows that answer or count, and n_rows, n, n_eligible."""


@dataclass(frozen=True, eq=False)
class PairSums:
    """Sums of one numerator."""

    y: Array
    """Weighted numerator by cell."""
    total: Mapping[str, Array]
    """By group: y, yy, xy, and events (rows)."""


@dataclass(frozen=True, eq=False)
class Cells:
    """Occupied unit × group cells of one grouping, and how they come from the finest ones."""

    unit: Array
    group: Array
    domains: Domains
    place: Array | None
    """Cell of each finest cell that lies in a group; None where both are the same."""
    inside: Array | None

    def gather(self, finest_cells: Array) -> Array:
        """Sums by cell from sums by finest cell."""
        if self.place is None:
            return finest_cells
        values = finest_cells if self.inside is None else finest_cells[self.inside]
        return np.bincount(self.place, weights=values, minlength=self.unit.size)

    def totals(self, sums: Mapping[str, Array]) -> dict[str, Array]:
        """Sums by group from sums by finest combination."""
        code, n = self.domains.of_finest, len(self.domains.labels)
        member = code >= 0
        return {k: np.bincount(code[member], weights=v[member], minlength=n) for k, v in sums.items()}


def cells_of(n_units: int, unit: Array, finest_group: Array, domains: Domains) -> Cells:
    """Cells of one grouping from the finest ones (unit and finest combination of each)."""
    n_groups = len(domains.labels)
    if n_groups == domains.of_finest.size and (domains.of_finest == np.arange(n_groups)).all():
        return Cells(unit, finest_group, domains, None, None)
    group = domains.of_finest[finest_group]
    inside = None if (group >= 0).all() else group >= 0
    if inside is not None:
        unit, group = unit[inside], group[inside]
    occupied, place = compress(unit.astype(np.int64) * n_groups + group, n_units * n_groups)
    cell_unit, cell_group = np.divmod(occupied, n_groups)
    return Cells(cell_unit, cell_group, domains, place, inside)


class Pass:
    """The one pass: where each row belongs, made once and used by every pair."""

    def __init__(self, design: Design, place: Array, keep: Array):
        everything = bool(keep.all())
        self.design = design
        self.keep = None if everything else np.flatnonzero(keep)
        self.weight = self._kept(design.weight)
        self.place = place
        self.n_finest = int(place.max(initial=0)) + 1
        code = self._kept(design.unit)
        if self.n_finest > 1:
            code = code * np.int64(self.n_finest) + place
        occupied, self.cell = compress(code, design.n_units * self.n_finest)
        self.cell_unit, self.cell_finest = np.divmod(occupied, self.n_finest)
        self._bases: dict[tuple[int, int, bool], BaseSums] = {}
        self._found: dict[tuple[int, int, bool], tuple[Array | None, Array | None, Array | None, Array | None]] = {}
        self._held: list[Pair] = []

    def _kept(self, values: Array) -> Array:
        return values if self.keep is None else values[self.keep]

    def cells(self, domains: Domains) -> Cells:
        """The cells of one grouping."""
        return cells_of(self.design.n_units, self.cell_unit, self.cell_finest, domains)

    def base(self, pair: Pair) -> BaseSums:
        """Sums of the pair's denominator; made once for all pairs that share it."""
        key = self._key(pair)
        if key not in self._bases:
            self._bases[key] = self._base(pair)
        return self._bases[key]

    def _key(self, pair: Pair) -> tuple[int, int, bool]:
        """What pairs with the same denominator and the same answers have in common."""
        self._held.append(pair)  # while the arrays live, their identities are not used again
        return id(pair.denominator), id(pair.absent), pair.kind == "ratio"

    def _base(self, pair: Pair) -> BaseSums:
        x, ok, counted, eligible = self._rows(pair)
        n = self.n_finest

        def cells(rows: Array | None, values: Array | None = None) -> Array:
            at = self.cell if rows is None else self.cell[rows]
            return np.bincount(at, weights=values, minlength=self.cell_unit.size).astype(float, copy=False)

        def groups_of(cell_sums: Array) -> Array:
            return np.bincount(self.cell_finest, weights=cell_sums, minlength=n)

        def by_group(rows: Array | None, values: Array) -> Array:
            return np.bincount(self.place if rows is None else self.place[rows], weights=values, minlength=n)

        wc = self.weight if counted is None else self.weight[counted]
        in_cell, weight_in_cell = cells(counted), cells(counted, wc)
        total = {"n": groups_of(in_cell), "wc": groups_of(weight_in_cell), "ww": by_group(counted, wc * wc)}
        total["n_eligible"] = total["n"] if eligible is counted else groups_of(cells(eligible))
        x_cell = weight_in_cell
        if x is None:  # the denominator is one for every row that counts
            total |= {"x": total["wc"], "xx": total["wc"]}
        else:
            x_cell = cells(counted, wc * x)
            total |= {"x": groups_of(x_cell), "xx": by_group(counted, wc * x * x)}
        if ok is counted:
            total |= {"w": total["wc"], "n_rows": total["n"]}
        else:
            total["w"] = groups_of(cells(ok, self.weight if ok is None else self.weight[ok]))
            total["n_rows"] = groups_of(cells(ok))
        return BaseSums(x_cell, in_cell, total)

    def _rows(self, pair: Pair) -> tuple[Array | None, Array | None, Array | None, Array | None]:
        """The denominator at the rows that count (None: all one), and the rows that answer, count, are eligible.

        Rows are places among those kept, or None for all of them.
        """
        key = self._key(pair)
        if key not in self._found:
            self._found[key] = self._find(pair)
        return self._found[key]

    def _find(self, pair: Pair) -> tuple[Array | None, Array | None, Array | None, Array | None]:
        x = None if pair.denominator is None else self._kept(pair.denominator)
        absent = None if pair.absent is None else self._kept(pair.absent)
        if x is None:
            answered = None if absent is None else np.flatnonzero(~absent)
            return None, answered, answered, None if absent is not None else answered
        unknown = np.isnan(x) if x.dtype.kind == "f" else None
        if pair.kind != "ratio":
            eligible = np.flatnonzero(x == 1)
            counted = eligible if absent is None else eligible[~absent[eligible]]
            return None, counted, counted, eligible
        nonzero = x != 0
        eligible = np.flatnonzero(nonzero)
        gone = unknown if absent is None else absent if unknown is None else absent | unknown
        counted = eligible if gone is None else eligible[~gone[eligible]]
        answered = None if gone is None else np.flatnonzero(~gone)
        values = x[counted]
        if (values == 1).all():
            return None, answered, counted, eligible
        return values.astype(float, copy=False), answered, counted, eligible

    def pair(self, pair: Pair) -> PairSums:
        """Sums of the pair's numerator."""
        y = self._kept(pair.numerator)
        x, ok, counted, _ = self._rows(pair)
        nested = pair.kind != "ratio" or pair.within
        rows = counted if nested else ok
        if pair.binary:  # yes/no: only the rows that say yes add anything
            rows, value = np.flatnonzero(y == 1), None
            if pair.denominator is not None:
                below = self._kept(pair.denominator)[rows]
                rows = rows[below == 1] if nested else rows[~np.isnan(below)]
            wy = self.weight[rows]
        else:
            value = (y if rows is None else y[rows]).astype(float, copy=False)
            wy = value * (self.weight if rows is None else self.weight[rows])
        cell, place = (self.cell, self.place) if rows is None else (self.cell[rows], self.place[rows])
        n_cells, n = self.cell_unit.size, self.n_finest
        y_cell = np.bincount(cell, weights=wy, minlength=n_cells)
        by_group = np.bincount(place, weights=wy, minlength=n)
        total = {
            "y": by_group,
            "yy": by_group if value is None else np.bincount(place, weights=wy * value, minlength=n),
        }
        if pair.kind != "ratio" or pair.denominator is None or (pair.within and x is None):
            total["xy"] = by_group
        else:
            at = self._kept(pair.denominator)
            at = (at if rows is None else at[rows]).astype(float, copy=False)
            total["xy"] = np.bincount(place, weights=wy * at, minlength=n)
        total["events"] = np.full(n, np.nan)
        if pair.binary:
            seen = place
            if pair.kind == "ratio" and not pair.within and pair.denominator is not None:
                seen = place[at != 0]
            total["events"] = np.bincount(seen, minlength=n).astype(float)
        return PairSums(y_cell, total)

    def rows(self, pair: Pair, domains: Domains) -> tuple[Array, Array, Array]:
        """Numerator and denominator (zero where the row does not count) and group of every row of the design."""
        x, ok, counted, _ = self._rows(pair)
        n = self.design.n
        kept = np.arange(n) if self.keep is None else self.keep
        y_out, x_out, group = np.zeros(n), np.zeros(n), np.full(n, -1, dtype=np.intp)
        group[kept] = domains.of_finest[self.place]
        x_out[kept if counted is None else kept[counted]] = 1.0 if x is None else x
        used = ok if pair.kind == "ratio" else counted
        at = kept if used is None else kept[used]
        y_out[at] = pair.numerator[at]
        return y_out, x_out, group


class CellPass:
    """A pass whose sums were made elsewhere: by partition, on other machines, or in a database."""

    def __init__(self, design: Design, unit: Array, group: Array, sums: Mapping[int, tuple[BaseSums, PairSums]]):
        self.design = design
        self.cell_unit, self.cell_finest = unit, group
        self._sums = sums  # by identity of the pair

    def cells(self, domains: Domains) -> Cells:
        """The cells of one grouping."""
        return cells_of(self.design.n_units, self.cell_unit, self.cell_finest, domains)

    def base(self, pair: Pair) -> BaseSums:
        """Sums of the pair's denominator."""
        return self._sums[id(pair)][0]

    def pair(self, pair: Pair) -> PairSums:
        """Sums of the pair's numerator."""
        return self._sums[id(pair)][1]

    def rows(self, pair: Pair, domains: Domains) -> tuple[Array, Array, Array]:
        """Not to be had: the rows stayed where they were."""
        remedy = "calibrate where the rows are, and sum with the calibrated weights"
        raise Faults([Fault("scan", pair.name, "a calibrated design needs the rows themselves", remedy)])
