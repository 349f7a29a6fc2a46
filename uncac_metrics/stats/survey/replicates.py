"""Replicate weights: made from the design or supplied, kept as factors of sampling units, never of rows.

A replicate multiplies the weights by a factor that is the same for all rows of a unit. With :math:`\\hat\\theta_r` the
estimate under replicate r,

.. math:: v(\\hat\\theta) = s \\sum_r s_r (\\hat\\theta_r - c)^2,

c the mean of the replicate estimates, or the full estimate where ``mse`` is asked for.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from uncac_metrics.stats.survey.design import Design
from uncac_metrics.stats.survey.variance import ReplicateScores

Array = np.ndarray


@dataclass(frozen=True, eq=False)
class Replicates:
    """Factors of the sampling units in each replicate."""

    factors: Array
    """Shape (factor rows, replicates)."""
    of_unit: Array
    """Row of `factors` for every final unit of the design."""
    scale: float
    rscales: Array
    mse: bool
    kind: str
    df: float

    @property
    def n(self) -> int:
        """Number of replicates."""
        return self.factors.shape[1]

    @property
    def method(self) -> str:
        """What the variance is made of, in words."""
        return f"{self.n:,} replicates ({self.kind}), centred at the {'estimate' if self.mse else 'replicate mean'}"

    def sums(self, unit: Array, group: Array, value: Array, n_groups: int) -> Array:
        """Weighted sums of the groups in every replicate (replicates × groups), from sums by unit and group."""
        cells = sparse.csr_array((value, (self.of_unit[unit], group)), shape=(len(self.factors), n_groups))
        return np.ascontiguousarray((cells.T @ self.factors).T)

    def weights(self, design: Design) -> Array:
        """Replicate weights of every row, shape (n, replicates); large: for checking and export."""
        return design.weight[:, None] * self.factors[self.of_unit[design.unit]]

    def scores(self, design: Design, replicate: Array, full: Array) -> ReplicateScores:
        """Scores from replicate estimates (replicates × rows) and the full estimates (rows)."""
        used = ~np.isnan(replicate)
        if self.mse:
            centre = full
        else:
            with np.errstate(invalid="ignore", divide="ignore"):
                centre = np.where(used, replicate, 0.0).sum(axis=0) / used.sum(axis=0)
        deviations = np.sqrt(self.scale * self.rscales)[:, None] * (replicate - centre)
        return ReplicateScores(design, np.where(used, deviations, 0.0))
