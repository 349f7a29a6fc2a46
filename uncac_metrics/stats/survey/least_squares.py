"""Weighted means of groups as a regression: the core of the t and rank tests."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from uncac_metrics.stats.survey.design import Design
from uncac_metrics.stats.survey.influence import answered_df, row_scores
from uncac_metrics.stats.survey.variance import AnyScores

Array = np.ndarray


@dataclass(frozen=True, eq=False)
class GroupMeans:
    """The first group's mean and the differences of the others from it, with their scores."""

    values: Array
    scores: AnyScores
    df: float
    size: float
    """Largest value, without sign."""

    def covariance(self) -> Array:
        """Covariance of `values`."""
        return self.scores.cross(self.scores)

    def spread(self) -> bool:
        """Whether every variance is more than what rounding leaves of zero."""
        return bool((np.diag(self.covariance()) > (1e-13 * self.size) ** 2).all())


def group_means(design: Design, rows: Array, y: Array, codes: Array | None, *, refit: bool = True) -> GroupMeans:
    """Regression of y on indicators of the groups.

    Parameters
    ----------
    design : Design
    rows : integer array of shape (m,)
    y : array of shape (m,)
    codes : integer array of shape (m,), optional
        Group of each row, from 0; one group without it.
    refit : bool
        Under replicates, take the means with every replicate's weights; otherwise linearise.
    """
    codes = np.zeros(rows.size, dtype=np.intp) if codes is None else codes
    k = int(codes.max()) + 1
    member = (codes[:, None] == np.arange(k)).astype(float)
    weight = design.weight[rows]
    # differences from the first group
    contrast = np.eye(k)
    contrast[1:, 0] = -1.0

    def means(w: Array) -> Array:
        with np.errstate(invalid="ignore", divide="ignore"):
            return contrast @ ((w * y) @ member / (w @ member))

    values = means(weight)
    df, _ = answered_df(design, rows)
    size = float(np.abs(y).max())
    if design.replicates is not None and refit:
        own = design.replicates.of_unit[design.unit[rows]]
        found = np.array([means(weight * design.replicates.factors[own, r]) for r in range(design.replicates.n)])
        return GroupMeans(values, design.replicates.scores(design, found, values), df, size)
    level = np.linalg.solve(contrast, values)
    transform = contrast.T / (weight @ member)[:, None]
    return GroupMeans(values, row_scores(design, rows, member, y - level[codes], transform), df, size)
