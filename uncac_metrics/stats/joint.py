"""What makes estimates combine: scores, from which their joint covariance is made.

Estimates of samples have theirs by sampling unit (:mod:`uncac_metrics.stats.survey.variance`), those of records by
count, record or cluster, and published figures by a covariance matrix.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from scipy import sparse

Array = np.ndarray


class Scores(Protocol):
    """What makes estimates combine: their linearised values, kept by sampling unit."""

    @property
    def n_rows(self) -> int:
        """Number of estimates."""

    def take(self, rows: Array) -> Scores:
        """Scores of these rows, in this order."""

    def scaled(self, factor: Array) -> Scores:
        """Scores of the estimates times `factor`."""

    def cross(self, other: Any) -> Array:
        """Covariance with others, rows × other rows."""


@dataclass(frozen=True, eq=False)
class Combined:
    """Scores of linear combinations of estimates, which may come from several samples."""

    parts: tuple[tuple[Scores, Array], ...]
    """Scores, and the weights (combinations × rows) that they enter with."""

    @property
    def n_rows(self) -> int:
        """Number of estimates."""
        return len(self.parts[0][1])

    def take(self, rows: Array) -> Combined:
        """Scores of these rows, in this order."""
        return Combined(tuple((s, w[rows]) for s, w in self.parts))

    def scaled(self, factor: Array) -> Combined:
        """Scores of the estimates times `factor`."""
        return Combined(tuple((s, w * factor[:, None]) for s, w in self.parts))

    def cross(self, other: Scores) -> Array:
        """Covariance with others, rows × other rows."""
        return np.sum([weighted(w, cross(s, other)) for s, w in self.parts], axis=0)


@dataclass(frozen=True, eq=False)
class MatrixScores:
    """Estimates that are known by their covariance matrix only; independent of all that does not stand in it."""

    matrix: Array
    """Covariance of all that were known together."""
    rows: Array
    """Which of them these are."""
    factor: Array
    """What each is multiplied by."""

    @classmethod
    def of(cls, matrix: Array) -> MatrixScores:
        """Scores of all that stand in the matrix."""
        return cls(matrix, np.arange(len(matrix)), np.ones(len(matrix)))

    @property
    def n_rows(self) -> int:
        """Number of estimates."""
        return len(self.rows)

    def take(self, rows: Array) -> MatrixScores:
        """Scores of these rows, in this order."""
        return MatrixScores(self.matrix, self.rows[rows], self.factor[rows])

    def scaled(self, factor: Array) -> MatrixScores:
        """Scores of the estimates times `factor`."""
        return MatrixScores(self.matrix, self.rows, self.factor * factor)

    def cross(self, other: object) -> Array:
        """Covariance with others: zero unless they stand in the same matrix."""
        if isinstance(other, MatrixScores) and other.matrix is self.matrix:
            return self.matrix[np.ix_(self.rows, other.rows)] * np.outer(self.factor, other.factor)
        return np.zeros((self.n_rows, getattr(other, "n_rows", 0)))


@dataclass(frozen=True, eq=False)
class Contributions:
    """Scores of estimates from records: what every independent unit adds to each estimate.

    The values are scaled so that their inner products over units are the covariances. A unit is a count (a cell of a
    table), a record or a cluster of records, numbered within `source`.
    """

    source: object
    """The table that the units are of. Results from one and the same object covary; from any other they do not."""
    unit: Array
    row: Array
    value: Array
    n_rows: int
    kind: str = "counts"
    """What the units are: counts, records, or the column whose values are the clusters."""

    def take(self, rows: Array) -> Contributions:
        """Scores of these rows, in this order."""
        place = np.full(self.n_rows, -1)
        place[rows] = np.arange(len(rows))
        keep = place[self.row] >= 0
        return replace(self, unit=self.unit[keep], row=place[self.row[keep]], value=self.value[keep], n_rows=len(rows))

    def scaled(self, factor: Array) -> Contributions:
        """Scores of the estimates times `factor`, shape (rows,)."""
        return replace(self, value=self.value * factor[self.row])

    def cross(self, other: Any) -> Array:
        """Covariance of these estimates with others, shape (rows, other rows).

        It is not known (NaN) where both are of one table by units of different kinds.
        """
        if not isinstance(other, Contributions) or other.source is not self.source:
            return np.zeros((self.n_rows, other.n_rows))
        if self.kind != other.kind:
            return np.full((self.n_rows, other.n_rows), np.nan)
        units, place = np.unique(np.concatenate([self.unit, other.unit]), return_inverse=True)
        cut = len(self.unit)
        mine = sparse.csc_array((self.value, (place[:cut], self.row)), shape=(len(units), self.n_rows))
        theirs = sparse.csc_array((other.value, (place[cut:], other.row)), shape=(len(units), other.n_rows))
        return (mine.T @ theirs).toarray()


def cross(a: Scores, b: Scores) -> Array:
    """Covariance (rows of a × rows of b)."""
    if isinstance(b, Combined) and not isinstance(a, Combined):
        return np.sum([weighted(w, cross(a, s).T).T for s, w in b.parts], axis=0)
    if isinstance(b, (Contributions, MatrixScores)) and not isinstance(a, Combined):
        return b.cross(a).T
    return a.cross(b)


def weighted(weights: Array, matrix: Array) -> Array:
    """``weights @ matrix``, where an unknown (NaN) covariance reaches only what it enters with a weight."""
    unknown = np.isnan(matrix)
    if not unknown.any():
        return weights @ matrix
    return np.where((weights != 0) @ unknown, np.nan, weights @ np.where(unknown, 0.0, matrix))
