"""From sums over sampling units to covariance: one engine for every estimator.

Every estimate is known by its linearised values, summed to the final sampling units. A design turns these sums
:math:`z` into contributions :math:`U` whose inner products are all variances and covariances,

.. math:: V = U^\\top U, \\qquad U_i = \\sqrt{c_i}\\,(z_i - \\bar z_h),

with one block of rows a stage, or into a quadratic form :math:`z^\\top Q z` (unequal probabilities with joint
inclusion probabilities, two phases). After calibration, :math:`z` are the residuals from the calibration variables.
Replicates give their deviations in the place of :math:`U`. Estimates from different samples of one frame covary
through the units that they share, by the same product.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from uncac_metrics.stats.survey.design import Design
    from uncac_metrics.stats.survey.stages import Stage
    from uncac_metrics.stats.survey.sums import Sparse

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
    fit: Array | None = None
    """Coefficients of the linearised values on the calibration variables (variables × rows), if there are any."""

    def take(self, rows: Array) -> UnitScores:
        """Scores of these rows, in this order."""
        place = np.full(self.n_rows, -1)
        place[rows] = np.arange(len(rows))
        keep = place[self.row] >= 0
        fit = None if self.fit is None else self.fit[:, rows]
        return UnitScores(self.design, self.unit[keep], place[self.row[keep]], self.value[keep], len(rows), fit)

    def scaled(self, factor: Array) -> UnitScores:
        """Scores of the estimates times `factor`, shape (rows,)."""
        fit = None if self.fit is None else self.fit * factor
        return UnitScores(self.design, self.unit, self.row, self.value * factor[self.row], self.n_rows, fit)

    def variances(self) -> Array:
        """Variance of each estimate, shape (rows,)."""
        out = np.zeros(self.n_rows)
        width = max(1, CHUNK // max(1, self.design.n_units))
        for start in range(0, self.n_rows, width):
            stop = min(start + width, self.n_rows)
            block = self if width >= self.n_rows else self.take(np.arange(start, stop))
            if self.design.quadratic is not None:
                z = block.sums()
                out[start:stop] = np.einsum("ij,ij->j", z, self.design.quadratic @ z)
                continue
            for u in block.contributions():
                out[start:stop] += np.einsum("ij,ij->j", u, u)
        return out

    def sums(self) -> Array:
        """Linearised values by final unit (units × rows); residuals where the design is calibrated."""
        n = self.n_rows
        flat = self.unit * n + self.row
        z = np.bincount(flat, weights=self.value, minlength=self.design.n_units * n).reshape(-1, n)
        if self.fit is not None and self.design.calibration is not None:
            z = z - self.design.calibration.unit_x @ self.fit
        return z

    def contributions(self) -> list[Array]:
        """U for each stage, each of shape (units of the stage, rows)."""
        z = self.sums()
        return [_contributions(self, stage, z) for stage in self.design.stages]

    def cross(self, other: AnyScores | Stacked) -> Array:
        """Covariance of these estimates with others, shape (rows, other rows)."""
        if isinstance(other, Stacked):
            return other.cross(self).T
        if isinstance(other, ReplicateScores):
            return np.zeros((self.n_rows, other.n_rows))
        if isinstance(other, RatioScores):
            other = other.built
        a, b = self.design, other.design
        if a is b and a.quadratic is not None:
            return self.sums().T @ (a.quadratic @ other.sums())
        if a is b:
            mine, theirs = self.contributions(), other.contributions()
            return sum((u.T @ v for u, v in zip(mine, theirs, strict=True)), np.zeros((self.n_rows, other.n_rows)))
        if a.frame is None or a.frame != b.frame or a.labels is None or b.labels is None:
            return np.zeros((self.n_rows, other.n_rows))
        place = b.labels.get_indexer(a.labels)
        shared = place >= 0
        return self.contributions()[0][shared].T @ other.contributions()[0][place[shared]]


@dataclass(frozen=True, eq=False)
class ReplicateScores:
    """Deviations of replicate estimates, scaled so that their inner products are the covariance."""

    design: Design
    deviations: Array
    """Shape (replicates, rows)."""
    undefined: Array | None = None
    """Replicates in which the estimate is not defined, shape (rows,)."""

    @property
    def n_rows(self) -> int:
        """Number of estimates."""
        return self.deviations.shape[1]

    def take(self, rows: Array) -> ReplicateScores:
        """Scores of these rows, in this order."""
        undefined = None if self.undefined is None else self.undefined[rows]
        return ReplicateScores(self.design, self.deviations[:, rows], undefined)

    def scaled(self, factor: Array) -> ReplicateScores:
        """Scores of the estimates times `factor`, shape (rows,)."""
        return ReplicateScores(self.design, self.deviations * factor, self.undefined)

    def variances(self) -> Array:
        """Variance of each estimate, shape (rows,)."""
        return np.einsum("ij,ij->j", self.deviations, self.deviations)

    def cross(self, other: AnyScores | Stacked) -> Array:
        """Covariance of these estimates with others, shape (rows, other rows)."""
        if isinstance(other, Stacked):
            return other.cross(self).T
        if isinstance(other, ReplicateScores) and other.design is self.design:
            return self.deviations.T @ other.deviations
        return np.zeros((self.n_rows, other.n_rows))


@dataclass(frozen=True, eq=False)
class RatioScores:
    """Linearised values (y − R x) / X of many ratios, or y of totals, put together when they are asked for."""

    design: Design
    unit: Array
    row: Array
    y: Array | Sparse
    """Weighted numerator by cell."""
    x: Array | None
    """Weighted denominator by cell; None for totals."""
    value: Array
    """R, shape (rows,)."""
    denominator: Array
    """X, shape (rows,)."""
    n_rows: int

    @cached_property
    def built(self) -> UnitScores:
        """The values by unit and row."""
        z = self.y if isinstance(self.y, np.ndarray) else self.y.dense()
        if self.x is not None:
            z = (z - self.value[self.row] * self.x) / self.denominator[self.row]
        return UnitScores(self.design, self.unit, self.row, z, self.n_rows)

    def take(self, rows: Array) -> UnitScores:
        """Scores of these rows, in this order."""
        return self.built.take(rows)

    def scaled(self, factor: Array) -> UnitScores:
        """Scores of the estimates times `factor`, shape (rows,)."""
        return self.built.scaled(factor)

    def variances(self) -> Array:
        """Variance of each estimate, shape (rows,)."""
        return self.built.variances()

    def cross(self, other: AnyScores | Stacked) -> Array:
        """Covariance of these estimates with others, shape (rows, other rows)."""
        return self.built.cross(other)


AnyScores = UnitScores | ReplicateScores | RatioScores


@dataclass(frozen=True, eq=False)
class Stacked:
    """Scores of one design under each other; put together only for the rows whose covariance is asked for."""

    parts: tuple[AnyScores, ...]

    @cached_property
    def offsets(self) -> Array:
        """First row of each part, and the number of rows at the end."""
        return np.cumsum([0, *(p.n_rows for p in self.parts)])

    @property
    def n_rows(self) -> int:
        """Number of estimates."""
        return int(self.offsets[-1])

    def take(self, rows: Array) -> AnyScores:
        """Scores of these rows, in this order."""
        rows = np.asarray(rows)
        order = np.argsort(rows, kind="stable")
        part = np.searchsorted(self.offsets, rows[order], side="right") - 1
        chosen = [self.parts[k].take(rows[order][part == k] - self.offsets[k]) for k in np.unique(part)]
        whole = _joined(chosen or [self.parts[0].take(rows)])
        return whole if (np.diff(rows) > 0).all() else whole.take(np.argsort(order))

    def scaled(self, factor: Array) -> Stacked:
        """Scores of the estimates times `factor`, shape (rows,)."""
        starts = self.offsets
        return Stacked(tuple(p.scaled(factor[starts[k] : starts[k + 1]]) for k, p in enumerate(self.parts)))

    def cross(self, other: AnyScores | Stacked) -> Array:
        """Covariance of these estimates with others, shape (rows, other rows)."""
        return _joined(self.parts).cross(_joined(other.parts) if isinstance(other, Stacked) else other)


def _joined(parts: Sequence[AnyScores]) -> AnyScores:
    parts = [p.built if isinstance(p, RatioScores) else p for p in parts]
    if isinstance(parts[0], ReplicateScores):
        return ReplicateScores(parts[0].design, np.hstack([p.deviations for p in parts]))  # type: ignore[union-attr]
    offsets = np.cumsum([0, *(p.n_rows for p in parts)])
    fits = [p.fit for p in parts]  # type: ignore[union-attr]
    return UnitScores(
        parts[0].design,
        np.concatenate([p.unit for p in parts]),  # type: ignore[union-attr]
        np.concatenate([p.row + o for p, o in zip(parts, offsets, strict=False)]),  # type: ignore[union-attr]
        np.concatenate([p.value for p in parts]),  # type: ignore[union-attr]
        int(offsets[-1]),
        None if fits[0] is None else np.hstack([f for f in fits if f is not None]),
    )


def is_plain(design: Design) -> bool:
    """One stage, and no rule that depends on which units have members of the domain: cells of zero add nothing."""
    stage = design.stages[0]
    rule = design.singleton in ("certainty", "adjust", "average")
    return (
        design.quadratic is None and design.calibration is None and design.replicates is None
        and len(design.stages) == 1 and stage.unit_factor is None
        and not (rule and (stage.lonely.any() or design.singleton_domain))
    )  # fmt: skip


def linearised(design: Design, influence: Array, group: Array, n_rows: int) -> UnitScores:
    """Scores of estimates that are known by an influence value for each row.

    Parameters
    ----------
    design : Design
    influence : array of shape (n,)
        Change of the estimate for a unit of weight added at the row; the weighted sum over the sample's rows is
        the linearised estimate. Rows without a group are not read.
    group : integer array of shape (n,)
        Estimate that the row belongs to (a domain), −1 for none.
    n_rows : int
        Number of estimates.

    Returns
    -------
    UnitScores
    """
    use = (group >= 0) & (design.weight > 0)
    z = design.weight[use] * influence[use]
    code = design.unit[use].astype(np.int64) * n_rows + group[use]
    occupied, place = np.unique(code, return_inverse=True)
    value = np.bincount(place, weights=z, minlength=occupied.size)
    fit = None
    if design.calibration is not None:
        fit = design.calibration.coefficients(influence, use, group, n_rows)
    return UnitScores(design, occupied // n_rows, (occupied % n_rows).astype(np.intp), value, n_rows, fit)


def _contributions(scores: UnitScores, stage: Stage, sums: Array) -> Array:
    design = scores.design
    n_units, n_rows = stage.stratum.size, scores.n_rows
    same = n_units == design.n_units
    z = sums if same else np.zeros((n_units, n_rows))
    if not same:
        np.add.at(z, stage.unit, sums)
    centre = _by_stratum(stage, z) / stage.size[:, None]
    scale = np.broadcast_to(np.sqrt(stage.factor)[:, None], centre.shape)
    rule = design.singleton
    if rule in ("certainty", "adjust", "average") and (stage.lonely.any() or design.singleton_domain):
        flat = stage.unit[scores.unit] * n_rows + scores.row
        seen = np.bincount(flat, minlength=n_units * n_rows).reshape(n_units, n_rows) > 0
        taking_part = _by_stratum(stage, seen)
        lonely = np.broadcast_to(stage.lonely[:, None], centre.shape)
        if design.singleton_domain and rule != "certainty":
            lonely = lonely | ((taking_part == 1) & (stage.size[:, None] > 1))
        if rule == "adjust":
            # strata without members of the domain are no part of it: they stay at zero
            grand = z.sum(axis=0) / n_units
            centre = np.where(lonely & (taking_part > 0), grand, centre)
        else:
            scale = np.where(lonely, 0.0, scale)
            if rule == "average":
                present = (taking_part > 0).sum(axis=0)
                kept = ((taking_part > 0) & ~lonely).sum(axis=0)
                with np.errstate(divide="ignore", invalid="ignore"):
                    scale = scale * np.sqrt(np.where(kept > 0, present / kept, np.nan))
    spread = (z - centre[stage.stratum]) * scale[stage.stratum]
    return spread if stage.unit_factor is None else spread * np.sqrt(stage.unit_factor)[:, None]


def _by_stratum(stage: Stage, values: Array) -> Array:
    """Sums of unit values (units × rows) by stratum."""
    if stage.size.size == 1:
        return values.sum(axis=0, keepdims=True, dtype=float)
    order = np.argsort(stage.stratum, kind="stable")
    starts = np.concatenate([[0], np.cumsum(stage.size)[:-1]])
    return np.add.reduceat(values[order].astype(float, copy=False), starts, axis=0)
