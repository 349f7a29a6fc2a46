"""Joint uncertainty of many scores without a matrix of all by all."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

Array = np.ndarray


@dataclass(frozen=True, eq=False)
class FactorScores:
    r"""Estimates with covariance :math:`\operatorname{diag}(d) + F F'`.

    What is each estimate's own stands on the diagonal; what they share, such as the parameters they rest on, has as
    many factors as there were draws of it. Estimates of one fit covary, others are independent.
    """

    own: Array
    """Square root of d, shape (rows,)."""
    factors: Array
    """F, shape (rows, k)."""
    rows: Array
    """Places of the rows within the fit."""
    fit: object = field(default_factory=object)
    """The same object for all parts of one fit."""

    @property
    def n_rows(self) -> int:
        """Number of estimates."""
        return len(self.own)

    def take(self, rows: Array) -> FactorScores:
        """Scores of these rows, in this order."""
        return replace(self, own=self.own[rows], factors=self.factors[rows], rows=self.rows[rows])

    def scaled(self, factor: Array) -> FactorScores:
        """Scores of the estimates times `factor`."""
        return replace(self, own=self.own * factor, factors=self.factors * factor[:, None])

    def cross(self, other: Any) -> Array:
        """Covariance with the rows of another result."""
        if not isinstance(other, FactorScores) or other.fit is not self.fit:
            return np.zeros((self.n_rows, other.n_rows))
        same = self.rows[:, None] == other.rows[None, :]
        shared: Array = self.factors @ other.factors.T + same * self.own[:, None] * other.own[None, :]
        return shared


def factor_scores(own: Array, factors: Array | None = None) -> FactorScores:
    """Scores of the rows of one fit: standard errors of their own (rows,), shared factors (rows, k)."""
    return FactorScores(own, np.zeros((len(own), 0)) if factors is None else factors, np.arange(len(own)))
