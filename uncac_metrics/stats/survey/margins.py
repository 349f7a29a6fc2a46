"""One grouping of a pass: its cells, degrees of freedom, and what the variance of each pair is made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from uncac_metrics.stats.survey.passes import CellPass, Pass
from uncac_metrics.stats.survey.sums import BaseSums, Domains, Pair, PairSums, Sparse, compress
from uncac_metrics.stats.survey.variance import AnyScores, RatioScores, linearised

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
        design, stage = self.design, self.design.stages[0]
        # the plain design: one stage, no rule that depends on the domain
        rule = design.singleton in ("certainty", "adjust", "average")
        self._plain = (
            design.quadratic is None and design.calibration is None and design.replicates is None
            and len(design.stages) == 1 and stage.unit_factor is None
            and not (rule and (stage.lonely.any() or design.singleton_domain))
        )  # fmt: skip
        if self._plain:
            stratum = stage.stratum[self.cells.unit]  # of one stage, final units are its units
            self._factor = stage.factor[stratum]
            self._stratum = compress(stratum.astype(np.int64) * self.n + self.cells.group, stage.size.size * self.n)
            with np.errstate(divide="ignore", invalid="ignore"):
                of_stratum, self._stratum_group = np.divmod(self._stratum[0], self.n)
                self._stratum_factor = stage.factor[of_stratum] / stage.size[of_stratum]

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
        if self._plain and self.design.n_units == first.stratum.size:
            every = use is None or bool(use.all())
            strata = self._stratum_group
            if not every:
                met = np.zeros(strata.size, dtype=bool)
                met[self._stratum[1][use]] = True
                group, strata = group[use], strata[met]
            return np.bincount(group, minlength=n), np.bincount(strata, minlength=n)
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
        return scores, self._variances(scores, base) if self._plain else scores.built.variances()

    def _variances(self, scores: RatioScores, base: MarginBase) -> Array:
        """Σ c Σ (z − z̄)² by Σ c z² − Σ (c / n) (Σ z)², z² by its binomial; value by value where that cancels."""
        n, group, (of_stratum, stratum) = self.n, self.cells.group, self._stratum
        y, at = (scores.y.value, scores.y.at) if isinstance(scores.y, Sparse) else (scores.y, slice(None))
        fy = self._factor[at] * y
        squares = np.bincount(group[at], fy * y, n)
        sums = np.bincount(stratum[at], weights=y, minlength=of_stratum.size)
        whole = squares
        if scores.x is not None:
            if base.moments is None:
                fx = self._factor * scores.x
                xx = np.bincount(group, fx * scores.x, n)
                base.moments = xx, np.bincount(stratum, weights=scores.x, minlength=of_stratum.size)
            xx, x_sums = base.moments
            xy = np.bincount(group[at], fy * scores.x[at], n)
            value = scores.value
            whole = squares + value * value * xx
            squares = whole - 2 * value * xy
            sums = sums - value[self._stratum_group] * x_sums
        means = np.bincount(self._stratum_group, weights=self._stratum_factor * sums * sums, minlength=n)
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
