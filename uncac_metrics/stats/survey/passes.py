"""One pass over the rows: weighted sums by sampling unit and domain, for many variables at once.

Rows are taken in blocks that stay in the processor's cache. Where the rows of a unit stand together, as in most
files, a block meets few units and adds to a narrow stretch of the sums only.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from uncac_metrics.model import Fault, Faults
from uncac_metrics.stats.survey.arguments import is_binary
from uncac_metrics.stats.survey.design import Design
from uncac_metrics.stats.survey.sums import BaseSums, Cells, Domains, Pair, PairSums, Sparse, cells_of, compress

Array = np.ndarray
ROWS = 32_768
WIDE = 1_048_576  # rows at a time where only some of them are looked at
SPARSE = 8  # cells for each row that says yes from which on the sums of a yes/no variable are kept as sparse


class Pass:
    """The one pass: where each row belongs, made once and used by every pair."""

    def __init__(self, design: Design, place: Array, n_finest: int, keep: Array | None):
        self.design = design
        self.keep = keep
        self.weight, self.unit = self._kept(design.weight), self._kept(design.unit)
        self.place = place
        self.n_finest = n_finest
        possible = design.n_units * self.n_finest
        if possible <= max(4 * len(place), 1_000_000):
            self.cell, met = self._cells(possible)
            self.occupied = np.flatnonzero(met)
            if 2 * self.occupied.size < possible:
                self.cell = (np.cumsum(met, dtype=np.int32) - np.int32(1))[self.cell]
        else:
            self.occupied, self.cell = compress(self.unit * np.int64(self.n_finest) + place, possible)
        few = 2 * self.occupied.size < possible
        self.size = self.occupied.size if few else possible
        """Cells that sums are kept of: all the possible ones, or where few of them have rows those."""
        self._whole = few or self.occupied.size == possible
        self.cell_unit, self.cell_finest = np.divmod(self.occupied, self.n_finest)
        self.blocks = self._blocks()
        self._bases: dict[tuple[int, int, bool], BaseSums] = {}
        self._ones: dict[int, bool] = {}
        self._held: list[Pair] = []

    def cells(self, domains: Domains) -> Cells:
        """The cells of one grouping."""
        return cells_of(self.design.n_units, self.cell_unit, self.cell_finest, domains)

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

    def pair(self, pair: Pair) -> PairSums:
        """Sums of the pair's numerator."""
        return self._yes(pair) if pair.binary else self._numbers(pair)

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

    def _cells(self, possible: int) -> tuple[Array, Array]:
        """Cell of every row among the possible ones, and which of them have rows."""
        cell = np.empty(len(self.place), dtype=np.int32)
        met = np.zeros(possible, dtype=bool)
        for start in range(0, cell.size, ROWS):
            rows = slice(start, start + ROWS)
            code = self.unit[rows]
            if self.n_finest > 1:
                code = code * self.n_finest + self.place[rows]
            met[code] = True
            cell[rows] = code
        return cell, met

    def _blocks(self) -> list[tuple[slice, int, int]]:
        """Rows of each block, and the stretch of cells that they lie in."""
        n = self.cell.size
        if n <= ROWS:
            return [(slice(0, n), 0, self.size)]
        starts = np.arange(0, n, ROWS)
        low, high = np.minimum.reduceat(self.cell, starts), np.maximum.reduceat(self.cell, starts) + 1
        if (high - low).mean() <= 4 * ROWS:
            return [(slice(s, min(s + ROWS, n)), int(a), int(b)) for s, a, b in zip(starts, low, high, strict=True)]
        step = max(ROWS, self.size)
        return [(slice(s, min(s + step, n)), 0, self.size) for s in range(0, n, step)]

    def _by_cell(self, sums: Array) -> Array:
        """Sums of the occupied cells."""
        return sums if self._whole else sums[self.occupied]

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
        weight, x_cells = np.zeros(self.size), np.zeros(0 if plain else self.size)
        n, w_sums = np.zeros(self.n_finest * k), np.zeros(self.n_finest * k)
        xx = np.zeros(self.n_finest)
        for rows, low, high in self.blocks:
            w, place, kind = self.weight[rows], self.place[rows], self._kind(pair, rows)
            counted = None if kind is None else np.flatnonzero(kind == k - 1)
            code, wc = _take(self.cell[rows], counted) - low, _take(w, counted)
            weight[low:high] += np.bincount(code, weights=wc, minlength=high - low)
            if not plain:
                x = _take(self._block(pair.denominator, rows), counted).astype(float)  # type: ignore[arg-type]
                x_cells[low:high] += np.bincount(code, weights=wc * x, minlength=high - low)
                xx += np.bincount(place[counted], weights=wc * x * x, minlength=self.n_finest)
            if kind is not None:
                place = place * np.intp(k) + kind
            n += np.bincount(place, minlength=n.size)
            w_sums += np.bincount(place, weights=w, minlength=n.size)
        count, sums = n.reshape(-1, k), w_sums.reshape(-1, k)
        total = {
            "n": count[:, -1], "wc": sums[:, -1], "n_eligible": count[:, eligible].sum(axis=1),
            "n_rows": count[:, answering].sum(axis=1), "w": sums[:, answering].sum(axis=1),
        }  # fmt: skip
        weight = self._by_cell(weight)
        if plain:
            return BaseSums(weight, weight, total | {"x": total["wc"], "xx": total["wc"]})
        x_cells = self._by_cell(x_cells)
        return BaseSums(x_cells, weight, total | {"x": np.bincount(self.cell_finest, x_cells, self.n_finest), "xx": xx})

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
            cells[low:high] += np.bincount(_take(self.cell[rows], used) - low, weights=wy, minlength=high - low)
            total["y"] += np.bincount(at, weights=wy, minlength=n)
            total["yy"] += np.bincount(at, weights=wy * y, minlength=n)
            if crossed is not None:
                x = _take(self._block(crossed, rows), used)
                total["xy"] += np.bincount(at, weights=wy * x, minlength=n)
        if crossed is None:
            total["xy"] = total["y"]
        return PairSums(self._by_cell(cells), total | {"events": np.full(n, np.nan)})

    def _yes(self, pair: Pair) -> PairSums:
        """Sums of a yes/no numerator: only the rows that say yes add anything."""
        n, total, crossed = self.n_finest, self._groups("y", "xy", "events"), self._crosses(pair)
        few = np.count_nonzero(pair.numerator == 1) * SPARSE <= self.size
        cells = np.zeros(0 if few else self.size)
        codes, weights = [], []
        known = pair.within and pair.denominator is not None and pair.denominator.dtype.kind in "ub"
        for start in range(0, len(self.place), WIDE):
            rows = slice(start, start + WIDE)
            at = np.flatnonzero(self._block(pair.numerator, rows) == 1)
            if pair.denominator is not None and not known:  # what lies within a complete denominator counts
                below = self._block(pair.denominator, rows)[at]
                at = at[below == 1] if pair.kind != "ratio" or pair.within else at[~np.isnan(below)]
            w, place, code = self.weight[rows][at], self.place[rows][at], self.cell[rows][at]
            total["y"] += np.bincount(place, weights=w, minlength=n)
            if crossed is not None:
                x = self._block(crossed, rows)[at]
                total["xy"] += np.bincount(place, weights=w * x, minlength=n)
                place = place[x != 0]
            total["events"] += np.bincount(place, minlength=n)
            if few:
                codes.append(code)
                weights.append(w)
            else:
                cells += np.bincount(code, weights=w, minlength=self.size)
        if crossed is None:
            total["xy"] = total["y"]
        total["yy"] = total["y"]
        if not few:
            return PairSums(self._by_cell(cells), total)
        found, place = np.unique(np.concatenate(codes), return_inverse=True)
        value = np.bincount(place, weights=np.concatenate(weights), minlength=found.size)
        if not self._whole:
            found = np.searchsorted(self.occupied, found)
        return PairSums(Sparse(found, value, self.cell_unit.size), total)

    def _crosses(self, pair: Pair) -> Array | None:
        """The denominator where its product with the numerator is another number than the numerator."""
        if pair.kind != "ratio" or (pair.within and self._only_ones(pair)):
            return None
        return pair.denominator


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

    def pair(self, pair: Pair) -> PairSums:
        """Sums of the pair's numerator."""
        return self._sums[id(pair)][1]

    def rows(self, pair: Pair, domains: Domains) -> tuple[Array, Array, Array]:
        """Not to be had: the rows stayed where they were."""
        remedy = "calibrate where the rows are, and sum with the calibrated weights"
        raise Faults([Fault("scan", pair.name, "a calibrated design needs the rows themselves", remedy)])
