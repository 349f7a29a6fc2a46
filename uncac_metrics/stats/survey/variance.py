"""From sums over sampling units to covariance: one engine for every estimator.

Every estimate is known by its linearised values, summed to the final sampling units. Centred within strata and
scaled, these sums are contributions whose inner products are all variances and covariances,

.. math:: V = U^\\top U, \\qquad U_{i} = \\sqrt{c_h}\\,(z_i - \\bar z_h), \\qquad c_h = (1 - f_h)\\,n_h / (n_h - 1),

with one block of rows of :math:`U` a stage. Estimates from different samples of one frame covary through the units
that they share, by the same product.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from uncac_metrics.stats.survey.design import Design, Stage

Array = np.ndarray
CHUNK = 4_000_000  # elements of a dense block: 32 MB


@dataclass(frozen=True, eq=False)
class UnitScores:
    """Linearised values of `n_rows` estimates summed to final units, as a sparse matrix in coordinates.

    A unit with members of the estimate's domain has an entry even where its sum is zero: which units and strata
    take part is read from the entries.
    """

    design: Design
    unit: Array
    row: Array
    value: Array
    n_rows: int

    def take(self, rows: Array) -> UnitScores:
        """Scores of these rows, in this order (rows increasing)."""
        place = np.full(self.n_rows, -1)
        place[rows] = np.arange(len(rows))
        keep = place[self.row] >= 0
        return UnitScores(self.design, self.unit[keep], place[self.row[keep]], self.value[keep], len(rows))

    def scaled(self, factor: Array) -> UnitScores:
        """Scores of the estimates times `factor`, shape (rows,)."""
        return UnitScores(self.design, self.unit, self.row, self.value * factor[self.row], self.n_rows)

    def variances(self) -> Array:
        """Variance of each estimate, shape (rows,)."""
        out = np.zeros(self.n_rows)
        width = max(1, CHUNK // max(1, self.design.n_units))
        order = np.argsort(self.row, kind="stable")
        sorted_rows = self.row[order]
        for start in range(0, self.n_rows, width):
            stop = min(start + width, self.n_rows)
            part = order[slice(*np.searchsorted(sorted_rows, [start, stop]))]
            block = UnitScores(self.design, self.unit[part], self.row[part] - start, self.value[part], stop - start)
            for u in block.contributions():
                out[start:stop] += np.einsum("ij,ij->j", u, u)
        return out

    def contributions(self) -> list[Array]:
        """U for each stage, each of shape (units of the stage, rows)."""
        return [_contributions(self, stage) for stage in self.design.stages]

    def cross(self, other: UnitScores) -> Array:
        """Covariance of these estimates with others, shape (rows, other rows)."""
        a, b = self.design, other.design
        if a is b:
            mine, theirs = self.contributions(), other.contributions()
            return sum((u.T @ v for u, v in zip(mine, theirs, strict=True)), np.zeros((self.n_rows, other.n_rows)))
        if a.frame is None or a.frame != b.frame or a.labels is None or b.labels is None:
            return np.zeros((self.n_rows, other.n_rows))
        place = b.labels.get_indexer(a.labels)
        shared = place >= 0
        return self.contributions()[0][shared].T @ other.contributions()[0][place[shared]]


def _contributions(scores: UnitScores, stage: Stage) -> Array:
    design = scores.design
    n_units, n_strata, n_rows = stage.stratum.size, stage.size.size, scores.n_rows
    flat = stage.unit[scores.unit] * n_rows + scores.row
    z = np.bincount(flat, weights=scores.value, minlength=n_units * n_rows).reshape(n_units, n_rows)
    centre = _by_stratum(stage, z) / stage.size[:, None]
    scale = np.broadcast_to(np.sqrt(stage.factor)[:, None], centre.shape)
    rule = design.singleton
    if rule in ("certainty", "adjust", "average") and (stage.lonely.any() or design.singleton_domain):
        seen = np.bincount(flat, minlength=n_units * n_rows).reshape(n_units, n_rows) > 0
        taking_part = _by_stratum(stage, seen)
        lonely = np.broadcast_to(stage.lonely[:, None], centre.shape)
        if design.singleton_domain and rule != "certainty":
            lonely = lonely | ((taking_part == 1) & (stage.size[:, None] > 1))
        if rule == "adjust":
            # strata without members of the domain are no part of it: they stay at zero
            grand = z.sum(axis=0) / n_units
            centre = np.where(lonely, np.where(taking_part > 0, grand, centre), centre)
        else:
            scale = np.where(lonely, 0.0, scale)
            if rule == "average":
                present = (taking_part > 0).sum(axis=0)
                kept = ((taking_part > 0) & ~lonely).sum(axis=0)
                with np.errstate(divide="ignore", invalid="ignore"):
                    scale = scale * np.sqrt(np.where(kept > 0, present / kept, np.nan))
    return (z - centre[stage.stratum]) * scale[stage.stratum]


def _by_stratum(stage: Stage, values: Array) -> Array:
    """Sums of unit values (units × rows) by stratum."""
    if stage.size.size == 1:
        return values.sum(axis=0, keepdims=True, dtype=float)
    order = np.argsort(stage.stratum, kind="stable")
    starts = np.concatenate([[0], np.cumsum(stage.size)[:-1]])
    return np.add.reduceat(values[order].astype(float, copy=False), starts, axis=0)
