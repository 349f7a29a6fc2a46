"""One grouping of a pass: its cells, degrees of freedom, and what the variance of each pair is made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from uncac_metrics.stats.survey.passes import CellPass, Pass
from uncac_metrics.stats.survey.stages import Stage
from uncac_metrics.stats.survey.sums import BaseSums, Cells, Domains, Pair, PairSums, Sparse, compress
from uncac_metrics.stats.survey.variance import AnyScores, RatioScores, is_plain, linearised

Array = np.ndarray
CANCELLED = 1e-5  # share of the sums of squares below which centring has to be done value by value


@dataclass(eq=False)
class MarginBase:
    """What pairs with one denominator share in one grouping."""

    x: Array
    total: Mapping[str, Array]
    units: Array
    df: Array
    moments: tuple[Array, Array] | None = None
    """Σ c x² by group and Σ x by stratum, once they have been asked for."""
    replicates: Array | None = None
    """Sums of x under every replicate (replicates × groups), once they have been made."""


class _Strata:
    """The strata of a plain design by group, and sums over their cells."""

    def __init__(self, cells: Cells, stage: Stage):
        self.n, self.grid, self._of_unit = len(cells.domains.labels), cells.grid, stage.stratum
        n_strata = stage.size.size
        if self.grid:
            units = np.arange(stage.stratum.size)
            self._sum = sparse.csr_array((np.ones(units.size), (stage.stratum, units)), (n_strata, units.size))
            of_stratum, self.group = np.repeat(np.arange(n_strata), self.n), np.tile(np.arange(self.n), n_strata)
        else:  # of one stage, final units are its units
            code = stage.stratum[cells.unit].astype(np.int64) * self.n + cells.group
            found, place = compress(code, n_strata * self.n)
            self._place = place.astype(np.int32) if found.size < 2**31 else place
            of_stratum, self.group = np.divmod(found, self.n)
        """Group of each combination of stratum and group."""
        self.factor = stage.factor[of_stratum]
        """c of each combination."""
        with np.errstate(divide="ignore", invalid="ignore"):
            self.mean_factor = self.factor / stage.size[of_stratum]
        """c / n of each combination."""

    def place(self, at: Array | None) -> Array | None:
        """Combination of each of these cells; None for all cells of a grid."""
        if at is None:
            return None if self.grid else self._place
        if not self.grid:
            return self._place[at]
        unit, group = np.divmod(at, self.n)
        return self._of_unit[unit] * self.n + group

    def sums(self, values: Array, place: Array | None) -> Array:
        """Sums by combination of values by cell."""
        if place is not None:
            return np.bincount(place, values, self.group.size)
        return (self._sum @ values.reshape(-1, self.n)).ravel()

    def by_group(self, factor: Array, sums: Array) -> Array:
        """Sums by group of sums by combination times a factor."""
        return np.bincount(self.group, factor * sums, self.n)


class Margin:
    """The groups of one grouping, and what is made once for all pairs."""

    def __init__(self, whole: Pass | CellPass, domains: Domains, df: str | int):
        self.whole = whole
        self.design = whole.design
        self.cells = whole.cells(domains)
        self.n = len(domains.labels)
        self.df = df
        self._bases: dict[int, MarginBase] = {}
        self._replicates: dict[int, Array] = {}
        self._strata = _Strata(self.cells, self.design.stages[0]) if is_plain(self.design) else None

    def base(self, pair: Pair) -> MarginBase:
        """Sums and degrees of freedom of the pair's denominator."""
        sums = self.whole.base(pair)
        if id(sums) not in self._bases:
            self._bases[id(sums)] = self._base(sums)
        return self._bases[id(sums)]

    def _base(self, sums: BaseSums) -> MarginBase:
        counted = self.cells.gather(sums.counted) > 0
        units, strata = self._units_and_strata(counted)
        design = self.design
        if self.df == "answered" and design.replicates is None:
            df = units - strata
        elif self.df == "domain" and design.replicates is None:
            df = np.subtract(*self._units_and_strata(None))
        elif self.df == "domain":
            df = np.minimum(design.replicates.ranks(self.cells.unit, self.cells.group, self.n), design.df)
        else:
            df = np.full(self.n, design.df if isinstance(self.df, str) else self.df)
        return MarginBase(self.cells.gather(sums.x), self.cells.totals(sums.total), units, df.astype(float))

    def _units_and_strata(self, use: Array | None) -> tuple[Array, Array]:
        """First-stage units and strata that each group has among the cells to use."""
        unit, group, n, first = self.cells.unit, self.cells.group, self.n, self.design.stages[0]
        if self._strata is not None:
            used = np.ones(group.size) if use is None else use.astype(float)
            met = self._strata.sums(used, self._strata.place(None)) > 0
            return self.cells.by_group(used).astype(np.intp), np.bincount(self._strata.group[met], minlength=n)
        if use is not None and not use.all():
            unit, group = unit[use], group[use]
        psu = first.unit[unit]
        if self.design.n_units > first.stratum.size:  # several final units of one PSU
            pairs, _ = compress(psu.astype(np.int64) * n + group, first.stratum.size * n)
            psu, group = np.divmod(pairs, n)
        seen = np.zeros(first.size.size * n, dtype=bool)
        seen[first.stratum[psu] * n + group] = True
        return np.bincount(group, minlength=n), seen.reshape(-1, n).sum(axis=0)

    def scores(self, pair: Pair, base: MarginBase, sums: PairSums, value: Array) -> tuple[AnyScores, Array]:
        """Scores of the pair's estimates, and their variances."""
        design, cells, n = self.design, self.cells, self.n
        is_total = pair.kind == "total"
        if design.replicates is not None:
            made = self._replicated(pair, base, sums, value)
            return made, made.variances()
        denominator = base.total["x"]
        safe = np.where(denominator != 0, denominator, np.inf)
        known = np.nan_to_num(value)
        if design.calibration is not None:
            y, x, group = self.whole.rows(pair, cells.domains)
            at = np.where(group >= 0, group, 0)
            u = y if is_total else (y - known[at] * x) / safe[at]
            linear = linearised(design, np.where(group >= 0, u, 0.0), group, n)
            return linear, linear.variances()
        by_cell = sums.y if cells.place is None else cells.gather(sums.dense())
        scores = RatioScores(design, cells.unit, cells.group, by_cell, None if is_total else base.x, known, safe, n)
        if self._strata is None:
            return scores, scores.built.variances()
        return scores, self._variances(scores, base, self._strata)

    def _variances(self, scores: RatioScores, base: MarginBase, strata: _Strata) -> Array:
        """Σ c Σ (z − z̄)² by Σ c z² − Σ (c / n) (Σ z)², z² by its binomial; value by value where that cancels."""
        y, at = (scores.y.value, scores.y.at) if isinstance(scores.y, Sparse) else (scores.y, None)
        place = strata.place(at)
        squares = strata.by_group(strata.factor, strata.sums(y * y, place))
        sums = strata.sums(y, place)
        whole = squares
        if scores.x is not None:
            x = scores.x
            if base.moments is None:
                every = strata.place(None)
                base.moments = strata.by_group(strata.factor, strata.sums(x * x, every)), strata.sums(x, every)
            xx, x_sums = base.moments
            xy = strata.by_group(strata.factor, strata.sums(y * (x if at is None else x[at]), place))
            value = scores.value
            whole = squares + value * value * xx
            squares = whole - 2 * value * xy
            sums = sums - value[strata.group] * x_sums
        means = strata.by_group(strata.mean_factor, sums * sums)
        variance = squares - means
        cancelled = np.flatnonzero(variance <= CANCELLED * whole)
        if scores.x is not None:
            variance = variance / scores.denominator**2
        if cancelled.size:
            variance[cancelled] = scores.take(cancelled).variances()
        return variance

    def replicate(self, pairs: Sequence[Pair], sums: Sequence[PairSums]) -> None:
        """Make the sums of several pairs under every replicate together; they stay until the next call."""
        wanted = {id(s): self.cells.gather(s.dense()) for s in sums}
        bases = [self.base(pair) for pair in pairs if pair.kind != "total"]
        wanted |= {id(base): base.x for base in bases if base.replicates is None}
        made = self.design.replicates.many_sums(
            self.cells.unit, self.cells.group, np.stack(list(wanted.values()), axis=1), self.n
        )
        self._replicates = dict(zip(wanted, made, strict=True))
        for base in bases:
            if base.replicates is None:
                base.replicates = self._replicates[id(base)]

    def _replicated(self, pair: Pair, base: MarginBase, sums: PairSums, value: Array) -> AnyScores:
        y, x = self._replicates[id(sums)], base.replicates
        if x is None or pair.kind == "total":
            return self.design.replicates.scores(self.design, y, np.nan_to_num(value))
        with np.errstate(divide="ignore", invalid="ignore"):
            estimates = np.where(x != 0, y / np.where(x != 0, x, 1), np.nan)
        return self.design.replicates.scores(self.design, estimates, value)
