"""One grouping of a pass: its cells, degrees of freedom, and what the variance of each pair is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from uncac_metrics.stats.survey.sums import BaseSums, CellPass, Domains, Pair, PairSums, Pass, compress
from uncac_metrics.stats.survey.variance import AnyScores, UnitScores, linearised

Array = np.ndarray
CANCELLED = 1e-9  # share of the sum of squares below which centring has to be done value by value


@dataclass(frozen=True, eq=False)
class MarginBase:
    """What pairs with one denominator share in one grouping."""

    x: Array
    total: Mapping[str, Array]
    units: Array
    df: Array


class Margin:
    """The groups of one grouping, and what is made once for all pairs."""

    def __init__(self, whole: Pass | CellPass, domains: Domains, df: str | int):
        self.whole = whole
        self.design = whole.design
        self.cells = whole.cells(domains)
        self.n = len(domains.labels)
        self.df = df
        self._bases: dict[int, MarginBase] = {}
        design, stage = self.design, self.design.stages[0]
        # the plain design: one stage, no rule that depends on the domain
        rule = design.singleton in ("certainty", "adjust", "average")
        self._plain = (
            design.quadratic is None and design.calibration is None and design.replicates is None
            and len(design.stages) == 1 and stage.unit_factor is None
            and not (rule and (stage.lonely.any() or design.singleton_domain))
        )  # fmt: skip
        if self._plain:
            stratum = stage.stratum[stage.unit[self.cells.unit]]
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
            scores: AnyScores = self._replicated(pair, base, sums, value)
            return scores, scores.variances()
        denominator = base.total["x"]
        safe = np.where(denominator != 0, denominator, np.inf)
        known = np.nan_to_num(value)
        if design.calibration is not None:
            y, x, group = self.whole.rows(pair, cells.domains)
            at = np.where(group >= 0, group, 0)
            u = y if is_total else (y - known[at] * x) / safe[at]
            scores = linearised(design, np.where(group >= 0, u, 0.0), group, n)
            return scores, scores.variances()
        y = cells.gather(sums.y)
        z = y if is_total else (y - known[cells.group] * base.x) / safe[cells.group]
        scores = UnitScores(design, cells.unit, cells.group, z, n)
        return scores, self._variances(scores) if self._plain else scores.variances()

    def _variances(self, scores: UnitScores) -> Array:
        """Σ c Σ (z − z̄)² by Σ c z² − Σ (c / n) (Σ z)²; value by value where that cancels."""
        z, group = scores.value, scores.row
        squares = np.bincount(group, weights=self._factor * z * z, minlength=self.n)
        sums = np.bincount(self._stratum[1], weights=z, minlength=self._stratum[0].size)
        means = np.bincount(self._stratum_group, weights=self._stratum_factor * sums * sums, minlength=self.n)
        variance = squares - means
        cancelled = np.flatnonzero(variance <= CANCELLED * squares)
        if cancelled.size:
            variance[cancelled] = scores.take(cancelled).variances()
        return variance

    def _replicated(self, pair: Pair, base: MarginBase, sums: PairSums, value: Array) -> AnyScores:
        replicates, cells = self.design.replicates, self.cells
        y = replicates.sums(cells.unit, cells.group, cells.gather(sums.y), self.n)
        if pair.kind == "total":
            return replicates.scores(self.design, y, np.nan_to_num(value))
        x = replicates.sums(cells.unit, cells.group, base.x, self.n)
        with np.errstate(divide="ignore", invalid="ignore"):
            estimates = np.where(x != 0, y / np.where(x != 0, x, 1), np.nan)
        return replicates.scores(self.design, estimates, value)
