"""One pass over the rows: weighted sums by sampling unit and domain, for many variables and groupings at once.

The sums are all that totals, means, ratios, shares, their covariance, design effects and degrees of freedom need; what
follows is small algebra on cells. Sums of finer domains add up to those of coarser ones, so that margins and crosses
of several breakdowns come from the same pass.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from uncac_metrics.model import TOTAL
from uncac_metrics.stats.survey.design import Design

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


@dataclass(frozen=True, eq=False)
class Domains:
    """The groups of one grouping: their labels and the group of every finest combination (−1: in none)."""

    labels: pd.DataFrame
    of_finest: Array


@dataclass(frozen=True, eq=False)
class CellSums:
    """Sums over occupied unit × group cells, and over groups."""

    unit: Array
    group: Array
    y: Array
    x: Array
    counted: Array
    """Rows that count in the cell."""
    total: Mapping[str, Array]
    """Sums by group: y, x, w, yy, xy, xx, ww over rows that answer, and n_rows, n, n_eligible, events."""


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
    combined = np.zeros(int(keep.sum()), dtype=np.int64)
    size, sizes, names = 1, [], []
    for name in by:
        values = data[name]
        if isinstance(values.dtype, pd.CategoricalDtype):
            codes, levels = values.cat.codes.to_numpy().astype(np.int64), list(values.cat.categories)
        else:
            codes, found = pd.factorize(values, sort=True)
            levels = list(found)
        codes = codes[keep]
        n = len(levels) + 1
        combined = combined * n + np.where(codes < 0, n - 1, codes)
        size *= n
        sizes.append(n)
        names.append([_label(v) for v in levels])
    occupied, place = compress(combined, size) if by else (np.zeros(1, dtype=np.int64), combined.astype(np.intp))
    out, rest = [], occupied
    for n, labels in zip(reversed(sizes), reversed(names), strict=True):
        out.append((labels, rest % n))
        rest = rest // n
    return place, out[::-1]


def _label(value: object) -> str:
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
class Pass:
    """The one pass: where each row belongs, made once and used by every pair."""

    design: Design
    weight: Array
    keep: Array
    place: Array
    """Finest combination of each kept row."""
    cell: Array
    """Occupied unit × finest cell of each kept row."""
    cell_unit: Array
    cell_finest: Array
    n_finest: int

    @classmethod
    def over(cls, design: Design, place: Array, keep: Array) -> Pass:
        n_finest = int(place.max(initial=0)) + 1
        code = design.unit[keep].astype(np.int64) * n_finest + place
        occupied, cell = compress(code, design.n_units * n_finest)
        return cls(
            design, design.weight[keep], keep, place, cell, occupied // n_finest,
            (occupied % n_finest).astype(np.intp), n_finest,
        )  # fmt: skip

    def rows(self, pair: Pair, domains: Domains) -> tuple[Array, Array, Array]:
        """Numerator, denominator (zero where the row does not count) and group of every row of the design."""
        y, x, _, _, _ = _answers(pair, self.keep)
        out = [np.zeros(self.keep.size), np.zeros(self.keep.size)]
        group = np.full(self.keep.size, -1, dtype=np.intp)
        out[0][self.keep], out[1][self.keep] = y, x
        group[self.keep] = domains.of_finest[self.place]
        return out[0], out[1], group

    def sums(self, pair: Pair) -> CellSums:
        """Cell and combination sums of one pair."""
        y, x, ok, counted, eligible = _answers(pair, self.keep)
        w = np.where(ok, self.weight, 0.0)
        wy, wx = w * y, w * x
        n_cells, n = self.cell_unit.size, self.n_finest

        def by_cell(v: Array) -> Array:
            return np.bincount(self.cell, weights=v, minlength=n_cells)

        def by_group(v: Array) -> Array:
            return np.bincount(self.place, weights=v, minlength=n)

        wc = np.where(counted, w, 0.0)
        total = {
            "y": by_group(wy), "x": by_group(wx), "w": by_group(w), "yy": by_group(wy * y), "xy": by_group(wx * y),
            "xx": by_group(wx * x), "wc": by_group(wc), "ww": by_group(wc * wc), "n_rows": by_group(ok),
            "n": by_group(counted), "n_eligible": by_group(eligible),
            "events": by_group(counted & (y == 1)) if pair.binary else np.full(n, np.nan),
        }  # fmt: skip
        return CellSums(self.cell_unit, self.cell_finest, by_cell(wy), by_cell(wx), by_cell(counted), total)


def _answers(pair: Pair, keep: Array) -> tuple[Array, Array, Array, Array, Array]:
    """Numerator and denominator (zero where they do not count), and the rows that answer, count, are eligible."""
    y = pair.numerator[keep]
    x = np.ones(len(y)) if pair.denominator is None else pair.denominator[keep]
    absent = np.isnan(y)
    if pair.kind == "ratio":
        ok = ~absent & ~np.isnan(x)
        eligible = (x != 0) | np.isnan(x)
        counted = ok & (x != 0)
    else:
        eligible = x == 1
        ok = counted = eligible & ~absent
    return np.where(ok, y, 0.0), np.where(ok, x, 0.0), ok, counted, eligible


def coarsen(sums: CellSums, domains: Domains) -> CellSums:
    """Sums of a coarser grouping from those of the finest combinations."""
    n_groups = len(domains.labels)
    group = domains.of_finest[sums.group]
    inside = group >= 0
    code = sums.unit[inside].astype(np.int64) * n_groups + group[inside]
    occupied, place = compress(code, int(sums.unit.max(initial=0) + 1) * n_groups)

    def add(v: Array) -> Array:
        return np.bincount(place, weights=v[inside], minlength=occupied.size)

    member = domains.of_finest >= 0
    total = {
        name: np.bincount(domains.of_finest[member], weights=v[member], minlength=n_groups)
        for name, v in sums.total.items()
    }
    unit, cell_group = occupied // n_groups, (occupied % n_groups).astype(np.intp)
    return CellSums(unit.astype(np.intp), cell_group, add(sums.y), add(sums.x), add(sums.counted), total)
