"""One pass over the rows: weighted sums by sampling unit and domain, for many variables at once.

Rows are taken in blocks that stay in the processor's cache. Where the rows of a unit stand together, as in most
files, a block meets few units and adds to a narrow stretch of the sums only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from scipy import sparse

from uncac_metrics.model import Fault, Faults
from uncac_metrics.stats.survey.arguments import is_binary
from uncac_metrics.stats.survey.design import Design
from uncac_metrics.stats.survey.sums import (
    BaseSums,
    Cells,
    Domains,
    Pair,
    PairSums,
    Sparse,
    by_column,
    cells_of,
    compress,
)

Array = np.ndarray
ROWS = 32_768
WIDE = 262_144  # rows at a time where only some of them are looked at, or where few sums are made of each
SPARSE = 8  # cells for each row that says yes from which on the sums of a yes/no variable are kept as sparse


class Pass:
    """The one pass: where each row belongs, made once and used by every pair.

    `every` allows cells without rows among the cells, where nothing depends on which cells have rows.
    """

    def __init__(self, design: Design, place: Array, n_finest: int, keep: Array | None, every: bool = False):
        self.design = design
        self.keep = keep
        self.weight, self.unit = self._kept(design.weight), self._kept(design.unit)
        self.place = place
        self.n_finest = n_finest
        possible = design.n_units * self.n_finest
        self._code: Array | None = None
        occupied, self._code = self._numbered(possible, every)
        self.grid = occupied is None
        if occupied is None:
            self.cell_unit = np.repeat(np.arange(design.n_units), n_finest)
            self.cell_finest = np.tile(np.arange(n_finest), design.n_units)
        else:
            self.cell_unit, self.cell_finest = np.divmod(occupied, n_finest)
        self.size = self.cell_unit.size
        self._starts = self._unit_starts()
        self.wide = self._blocks(WIDE)
        self.blocks = self.wide if self._starts is not None else self._blocks(ROWS)
        self._bases: dict[tuple[int, int, bool], BaseSums] = {}
        self._ones: dict[int, bool] = {}
        self._held: list[Pair] = []

    def cells(self, domains: Domains) -> Cells:
        """The cells of one grouping."""
        return cells_of(self.design.n_units, self.cell_unit, self.cell_finest, domains, self.grid)

    def base(self, pair: Pair) -> BaseSums:
        """Sums of the pair's denominator; made once for all pairs with the same denominator and the same answers."""
        self._held.append(pair)  # while the arrays live, their identities are not used again
        key = id(pair.denominator), id(pair.absent), pair.kind == "ratio"
        if key not in self._bases:
            self._bases[key] = self._base(pair)
        return self._bases[key]

    def squares(self, pair: Pair) -> Array:
        """Sums of squared weights of the rows that count, by finest combination."""
        out = np.zeros(self.n_finest)
        for rows, _, _ in self.blocks:
            _, counted = self._used(pair, rows)
            w = _take(self.weight[rows], counted)
            out += np.bincount(_take(self.place[rows], counted), weights=w * w, minlength=self.n_finest)
        return out

    def pairs(self, pairs: Sequence[Pair]) -> list[PairSums]:
        """Sums of the numerators; those of all yes/no variables of a block of rows while the block is in the cache."""
        yes = {id(pair): _Yes(self, pair) for pair in pairs if pair.binary}
        for block in self.wide if yes else []:
            for sums in yes.values():
                sums.add(*block)
        return [yes[id(pair)].made() if pair.binary else self._numbers(pair) for pair in pairs]

    def rows(self, pair: Pair, domains: Domains) -> tuple[Array, Array, Array]:
        """Numerator and denominator (zero where the row does not count) and group of every row of the design."""
        n, answered, counted, everything = self.design.n, *self._used(pair, slice(0, len(self.place))), slice(None)
        kept = np.arange(n) if self.keep is None else self.keep
        y_out, x_out, group = np.zeros(n), np.zeros(n), np.full(n, -1, dtype=np.intp)
        group[kept] = domains.of_finest[self.place]
        at = kept[everything if counted is None else counted]
        x_out[at] = 1.0 if pair.denominator is None or pair.kind != "ratio" else pair.denominator[at]
        at = kept[everything if answered is None else answered]
        y_out[at] = pair.numerator[at]
        return y_out, x_out, group

    def _kept(self, values: Array) -> Array:
        return values if self.keep is None else values[self.keep]

    def _block(self, values: Array, rows: slice) -> Array:
        """Values of the design's rows for a block of the rows kept."""
        return values[rows] if self.keep is None else values[self.keep[rows]]

    def _numbered(self, possible: int, every: bool) -> tuple[Array | None, Array | None]:
        """Cells that sums are kept of, and the place of every row among them; None where those are all possible."""
        n = len(self.place)
        if every and 2 * possible <= n and self._looks_full():
            return None, None
        if possible > max(4 * n, 1_000_000):
            return compress(self.unit * np.int64(self.n_finest) + self.place, possible)
        blocks = [slice(start, start + ROWS) for start in range(0, n, ROWS)]
        met = np.zeros(possible, dtype=bool)
        for rows in blocks:
            met[self._cell(rows)] = True
        occupied = np.flatnonzero(met)
        if occupied.size == possible or (every and 2 * occupied.size >= possible):
            return None, None
        number, code = np.cumsum(met, dtype=np.int32) - np.int32(1), np.empty(n, dtype=np.int32)
        for rows in blocks:
            code[rows] = number[self._cell(rows)]
        return occupied, code

    def _looks_full(self) -> bool:
        """Whether at least half of the cells of the units that come first have rows."""
        first = slice(0, 2 * ROWS)
        met = np.bincount(self._cell(first)) > 0
        units = np.bincount(self.unit[first]) > 0
        return bool(2 * np.count_nonzero(met) >= self.n_finest * np.count_nonzero(units))

    def _unit_starts(self) -> Array | None:
        """First row of each unit, and the number of rows; None where rows of a unit do not follow each other."""
        if not self.grid or (self.unit[1:] < self.unit[:-1]).any():
            return None
        return np.searchsorted(self.unit, np.arange(self.design.n_units + 1))

    def _cell(self, rows: slice, at: Array | None = None) -> Array:
        """Cell of each of these rows, or of some of them, as an array of its own."""
        if self._code is not None:
            return _take(self._code[rows], at).astype(np.int64)
        code = np.multiply(_take(self.unit[rows], at), self.n_finest, dtype=np.int64)
        code += _take(self.place[rows], at)
        return code

    def _blocks(self, step: int) -> list[tuple[slice, int, int]]:
        """Rows of each block, and the stretch of cells that they lie in."""
        n = len(self.place)
        starts = np.arange(0, n, step)
        if self._starts is not None:  # whole units
            edges = np.unique(np.searchsorted(self._starts, starts))
            edges = np.append(edges[edges < self.design.n_units], self.design.n_units)
            edges[0] = 0
            row, at = self._starts[edges].tolist(), (edges * self.n_finest).tolist()
            return [(slice(row[i], row[i + 1]), at[i], at[i + 1]) for i in range(len(row) - 1)]
        if n <= step:
            return [(slice(0, n), 0, self.size)]
        cell, scale = (self.unit, self.n_finest) if self._code is None else (self._code, 1)
        low, high = np.minimum.reduceat(cell, starts) * scale, (np.maximum.reduceat(cell, starts) + 1) * scale
        if (high - low).mean() <= 4 * step:
            return [(slice(s, min(s + step, n)), int(a), int(b)) for s, a, b in zip(starts, low, high, strict=True)]
        step = max(step, self.size)
        return [(slice(s, min(s + step, n)), 0, self.size) for s in range(0, n, step)]

    def _tables(
        self, block: tuple[slice, int, int], kind: Array | None, k: int, values: Sequence[Array | None]
    ) -> list[Array]:
        """Sums of each of several values (None: rows) by cell of a block and kind, shape (cells, kinds)."""
        rows, low, high = block
        if self._starts is None:
            code = self._cell(rows)
            code -= low
            if kind is not None:
                code *= k
                code += kind
            return [np.bincount(code, v, (high - low) * k).reshape(-1, k) for v in values]
        # rows of a unit follow each other: a sparse matrix, units by groups, whose repeated entries add up
        column = self.place[rows].astype(np.int32)
        if kind is not None:
            column = column * np.int32(k) + kind
        units = slice(low // self.n_finest, high // self.n_finest + 1)
        starts = (self._starts[units] - rows.start).astype(np.int32)
        shape = len(starts) - 1, self.n_finest * k
        one = np.ones(column.size, dtype=np.int32)
        data = [one if v is None else v for v in values]
        return [sparse.csr_array((v, column, starts), shape).toarray().reshape(-1, k) for v in data]

    def _groups(self, *names: str) -> dict[str, Array]:
        return {name: np.zeros(self.n_finest) for name in names}

    def _only_ones(self, pair: Pair) -> bool:
        """Whether nothing but 0, 1 and missing stands below the line."""
        key = id(pair.denominator)
        if pair.denominator is None or pair.kind != "ratio":
            return True
        if key not in self._ones:
            self._held.append(pair)
            self._ones[key] = is_binary(pair.denominator)
        return self._ones[key]

    def _base(self, pair: Pair) -> BaseSums:
        plain, (k, answering, eligible) = self._only_ones(pair), _kinds(pair)
        count, sums = np.zeros((self.size, k)), np.zeros((self.size, k))
        x_cells, xx = np.zeros(0 if plain else self.size), np.zeros(self.n_finest)
        for block in self.blocks:
            rows, low, high = block
            w, kind = self.weight[rows], self._kind(pair, rows)
            values: list[Array | None] = [None, w]
            if not plain:
                x = self._block(pair.denominator, rows).astype(float)  # type: ignore[arg-type]
                if kind is not None:
                    x = np.where(kind == k - 1, x, 0.0)
                wx = w * x
                values.append(wx)
                xx += np.bincount(self.place[rows], wx * x, self.n_finest)
            made = self._tables(block, kind, k, values)
            count[low:high] += made[0]
            sums[low:high] += made[1]
            if not plain:
                x_cells[low:high] += made[2][:, -1]
        by_kind = [self._by_finest(count[:, kind]) for kind in range(k)]
        weight = np.ascontiguousarray(sums[:, -1])
        total = {
            "n": by_kind[-1], "n_eligible": np.sum([by_kind[kind] for kind in eligible], axis=0),
            "n_rows": np.sum([by_kind[kind] for kind in answering], axis=0), "wc": self._by_finest(weight),
            "w": self._by_finest(sums[:, answering].sum(axis=1)),
        }  # fmt: skip
        if plain:
            return BaseSums(weight, weight, total | {"x": total["wc"], "xx": total["wc"]})
        return BaseSums(x_cells, weight, total | {"x": self._by_finest(x_cells), "xx": xx})

    def _by_finest(self, cells: Array) -> Array:
        """Sums by finest combination from sums by cell."""
        return by_column(cells, self.cell_finest, self.n_finest, self.grid)

    def _kind(self, pair: Pair, rows: slice) -> Array | None:
        """Kind of each row of a block as :func:`_kinds` numbers them; None where there is one."""
        absent = None if pair.absent is None else self._block(pair.absent, rows)
        if pair.denominator is None:
            return None if absent is None else ~absent
        x = self._block(pair.denominator, rows)
        eligible = x != 0 if pair.kind == "ratio" else x == 1
        if pair.kind == "ratio" and x.dtype.kind == "f":
            absent = np.isnan(x) if absent is None else absent | np.isnan(x)
        return eligible if absent is None else eligible + np.uint8(2) * ~absent

    def _used(self, pair: Pair, rows: slice) -> tuple[Array | None, Array | None]:
        """Places in the block of the rows whose numerator and whose denominator count; None for all of them."""
        k, answering, _ = _kinds(pair)
        kind = self._kind(pair, rows)
        if kind is None:
            return None, None
        counted = np.flatnonzero(kind == k - 1)
        if answering == [k - 1] or pair.within:
            return counted, counted
        return None if len(answering) == k else np.flatnonzero(kind >= min(answering)), counted

    def _numbers(self, pair: Pair) -> PairSums:
        """Sums of a numerator of numbers."""
        n, cells = self.n_finest, np.zeros(self.size)
        total, crossed = self._groups("y", "yy", "xy"), self._crosses(pair)
        for rows, low, high in self.blocks:
            used, _ = self._used(pair, rows)
            y = _take(self._block(pair.numerator, rows), used).astype(float, copy=False)
            wy, at = y * _take(self.weight[rows], used), _take(self.place[rows], used)
            cells[low:high] += np.bincount(_take(self._cell(rows), used) - low, weights=wy, minlength=high - low)
            total["y"] += np.bincount(at, weights=wy, minlength=n)
            total["yy"] += np.bincount(at, weights=wy * y, minlength=n)
            if crossed is not None:
                x = _take(self._block(crossed, rows), used)
                total["xy"] += np.bincount(at, weights=wy * x, minlength=n)
        if crossed is None:
            total["xy"] = total["y"]
        return PairSums(cells, total | {"events": np.full(n, np.nan)})

    def _crosses(self, pair: Pair) -> Array | None:
        """The denominator where its product with the numerator is another number than the numerator."""
        if pair.kind != "ratio" or (pair.within and self._only_ones(pair)):
            return None
        return pair.denominator


class _Yes:
    """Sums of a yes/no numerator, block by block: only the rows that say yes add anything."""

    def __init__(self, whole: Pass, pair: Pair):
        self.whole, self.pair, self.crossed = whole, pair, whole._crosses(pair)
        self.known = pair.within and pair.denominator is not None and pair.denominator.dtype.kind in "ub"
        self.total, self.cells, self.n = whole._groups("y", "xy", "events"), np.zeros(whole.size), 0

    def add(self, rows: slice, low: int, high: int) -> None:
        """Add a block of rows, whose cells lie in a stretch."""
        whole, pair, total, n = self.whole, self.pair, self.total, self.whole.n_finest
        at = np.flatnonzero(whole._block(pair.numerator, rows) == 1)
        if pair.denominator is not None and not self.known:  # what lies within a complete denominator counts
            below = whole._block(pair.denominator, rows)[at]
            at = at[below == 1] if pair.kind != "ratio" or pair.within else at[~np.isnan(below)]
        w, place, code = whole.weight[rows][at], whole.place[rows][at], whole._cell(rows, at)
        self.n += at.size
        code -= low
        self.cells[low:high] += np.bincount(code, weights=w, minlength=high - low)
        total["y"] += np.bincount(place, weights=w, minlength=n)
        if self.crossed is not None:
            x = whole._block(self.crossed, rows)[at]
            total["xy"] += np.bincount(place, weights=w * x, minlength=n)
            place = place[x != 0]
        total["events"] += np.bincount(place, minlength=n)

    def made(self) -> PairSums:
        """The sums, as sparse where few cells have any."""
        total = self.total if self.crossed is not None else self.total | {"xy": self.total["y"]}
        total = total | {"yy": total["y"]}
        if self.n * SPARSE > self.cells.size:
            return PairSums(self.cells, total)
        found = np.flatnonzero(self.cells > 0)
        return PairSums(Sparse(found, self.cells[found], self.cells.size), total)


def _kinds(pair: Pair) -> tuple[int, list[int], list[int]]:
    """How many kinds of rows a pair knows (the last: those that count), which of them answer, which are eligible.

    A row's kind is one for being eligible and two for having answered, as far as rows differ in that.
    """
    missing = pair.absent is not None
    if pair.denominator is None:
        return (2, [1], [0, 1]) if missing else (1, [0], [0])
    if pair.kind != "ratio":
        return (4, [3], [1, 3]) if missing else (2, [1], [1])
    return (4, [2, 3], [1, 3]) if missing or pair.denominator.dtype.kind == "f" else (2, [0, 1], [1])


def _take(values: Array, at: Array | None) -> Array:
    return values if at is None else values[at]


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

    def squares(self, pair: Pair) -> Array:
        """Sums of squared weights of the rows that count, by finest combination."""
        return self._sums[id(pair)][0].total["ww"]

    def pairs(self, pairs: Sequence[Pair]) -> list[PairSums]:
        """Sums of the pairs' numerators."""
        return [self._sums[id(pair)][1] for pair in pairs]

    def rows(self, pair: Pair, domains: Domains) -> tuple[Array, Array, Array]:
        """Not to be had: the rows stayed where they were."""
        remedy = "calibrate where the rows are, and sum with the calibrated weights"
        raise Faults([Fault("scan", pair.name, "a calibrated design needs the rows themselves", remedy)])
