"""Joint uncertainty of many scores without a matrix of all by all."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

Array = np.ndarray


@dataclass(frozen=True, eq=False)
class FactorScores:
    r"""Estimates with covariance :math:`\operatorname{diag}(d) + F C F'`.

    What is each estimate's own stands on the diagonal; what they share (the parameters they rest on, the scale they
    are put on) has few factors. Estimates of one fit covary, others are independent.
    """

    own: Array
    """d, shape (rows,)."""
    factors: Array
    """F, shape (rows, k)."""
    middle: Array
    """C, shape (k, k), symmetric; one object for all parts of a fit, which tells that they belong together."""
    rows: Array
    """Places of the rows within the fit."""
    factor: Array
    """What each row has been multiplied by."""

    @property
    def n_rows(self) -> int:
        return len(self.own)

    def take(self, rows: Array) -> FactorScores:
        """Scores of these rows, in this order."""
        return replace(
            self, own=self.own[rows], factors=self.factors[rows], rows=self.rows[rows], factor=self.factor[rows]
        )

    def scaled(self, factor: Array) -> FactorScores:
        """Scores of the estimates times `factor`."""
        return replace(
            self, own=self.own * factor**2, factors=self.factors * factor[:, None], factor=self.factor * factor
        )

    def cross(self, other: Any) -> Array:
        """Covariance with the rows of another result."""
        if not isinstance(other, FactorScores) or other.middle is not self.middle:
            return np.zeros((self.n_rows, other.n_rows))
        shared: Array = self.factors @ self.middle @ other.factors.T
        i, j = np.nonzero(self.rows[:, None] == other.rows[None, :])
        with np.errstate(divide="ignore", invalid="ignore"):
            shared[i, j] += np.where(self.factor[i] != 0, self.own[i] / self.factor[i] * other.factor[j], 0.0)
        return shared


def factor_scores(own: Array, factors: Array | None = None, middle: Array | None = None) -> FactorScores:
    """Scores of the rows of one fit: ``own`` (rows,), ``factors`` (rows, k), ``middle`` (k, k), identity if not given."""
    factors = np.zeros((len(own), 0)) if factors is None else factors
    middle = np.eye(factors.shape[1]) if middle is None else middle
    return FactorScores(own, factors, middle, np.arange(len(own)), np.ones(len(own)))
