r"""Distances of calibration and the solver that meets the totals.

Calibration finds the weights :math:`w_i g_i` nearest to :math:`w_i` that meet :math:`\sum w_i g_i x_i = T`. The
factors are :math:`g_i = F(q_i x_i^\top\lambda)`, and :math:`\lambda` minimises the convex dual

.. math:: \phi(\lambda) = \sum_i \frac{w_i}{q_i} G(q_i x_i^\top\lambda) - T^\top\lambda, \qquad G' = F,

by Newton steps that are halved until they descend (Deville & Särndal 1992; Deville, Särndal & Sautory 1993). Several
columns of weights (replicates) are solved side by side.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

Array = np.ndarray
CHUNK = 4_000_000  # elements of a dense block: 32 MB
HALVINGS = 60
FREE = (-np.inf, np.inf)
"""Factors without bounds."""


def _linear(u: Array, low: float, high: float) -> tuple[Array, Array, Array]:
    inside = np.clip(u, low - 1, high - 1)
    factor = 1 + inside
    # beyond the bounds the potential goes on as a straight line
    return inside + inside**2 / 2 + factor * (u - inside), factor, (u == inside).astype(float)


def _raking(u: Array, low: float, high: float) -> tuple[Array, Array, Array]:
    inside = np.clip(u, np.log(low) if low > 0 else -np.inf, np.log(high))
    factor = np.exp(inside)
    return factor + factor * (u - inside), factor, factor * (u == inside)


def _logit(u: Array, low: float, high: float) -> tuple[Array, Array, Array]:
    slope = (high - low) / ((1 - low) * (high - 1))
    rise = np.log(1 - low) + slope * u
    whole = np.logaddexp(np.log(high - 1), rise)
    share = np.exp(rise - whole)
    potential = low * u + (1 - low) * (high - 1) * whole
    return potential, low + (high - low) * share, slope * (high - low) * share * (1 - share)


DISTANCES: dict[str, Callable[[Array, float, float], tuple[Array, Array, Array]]] = {
    "linear": _linear,
    "raking": _raking,
    "logit": _logit,
}
"""Name -> function of u and the bounds, which gives G, F and F'."""


@dataclass(frozen=True, eq=False)
class Solution:
    """Factors of the patterns in each column of weights, and how far they miss the totals."""

    factors: Array
    """Shape (patterns, columns)."""
    achieved: Array
    """Totals of the variables as given, shape (variables, columns)."""
    missed: Array
    """Largest difference from a total, relative to its size, by column."""
    steps: int


@dataclass(frozen=True, eq=False)
class Basis:
    """Calibration variables in coordinates where the base weights make them orthonormal, Σ w q x̃ x̃' = 1."""

    x: Array
    """Shape (patterns, rank)."""
    q: Array
    """Weight of each pattern in the distance, 1 over the variance of the working model."""
    back: Array
    """From the coordinates to the variables as given: X = x̃ back, shape (rank, variables)."""
    totals: Array
    """The wanted totals in these coordinates."""
    wanted: Array
    """The wanted totals as given."""
    size: Array
    """Size of each total, to which differences are relative."""
    contradiction: Array
    """How much of each wanted total cannot be met because the variables depend on each other, relative to its size."""


def basis(x: Array, q: Array, weight: Array, totals: Array) -> Basis:
    """Orthonormal coordinates of the calibration variables.

    Parameters
    ----------
    x : array of shape (patterns, variables)
    q, weight : arrays of shape (patterns,)
    totals : array of shape (variables,)

    Returns
    -------
    Basis
    """
    size = np.maximum(weight @ np.abs(x), np.abs(totals))
    size[size == 0] = 1.0
    root = np.sqrt(weight * q)
    scaled = x / size
    _, s, vt = np.linalg.svd(root[:, None] * scaled, full_matrices=False)
    rank = int((s > 1e-11 * s[0]).sum()) if s.size else 0
    vt, s = vt[:rank], s[:rank]
    wanted = totals / size
    coordinates = scaled @ (vt.T / s)
    back = (s[:, None] * vt) * size
    contradiction = np.abs(wanted - vt.T @ (vt @ wanted))
    return Basis(coordinates, q, back, (vt @ wanted) / s, totals, size, contradiction)


def solve(
    of: Basis, weight: Array, method: str, bounds: tuple[float, float], *, steps: int = 100, tolerance: float = 1e-10
) -> Solution:
    """Factors that meet the totals with each column of weights.

    Parameters
    ----------
    of : Basis
    weight : array of shape (patterns, columns)
        Base weights summed by pattern.
    method : {"linear", "raking", "logit"}
    bounds : (low, high)
        Of the factors.
    steps : int
        Newton steps at most.
    tolerance : float
        Difference from the totals, relative to their size, that counts as met.

    Returns
    -------
    Solution
        Whether a column has met its totals is said by `missed`.
    """
    distance, q = DISTANCES[method], of.q[:, None]
    columns, rank = weight.shape[1], of.x.shape[1]

    def at(unknown: Array, cols: Array) -> tuple[Array, Array, Array, Array]:
        """Dual, its gradient, and the factors and their slopes."""
        w = weight[:, cols]
        with np.errstate(over="ignore", invalid="ignore"):
            potential, factor, slope = distance(q * (of.x @ unknown), *bounds)
            value = (w / q * potential).sum(axis=0) - of.totals @ unknown
            gradient = of.x.T @ (w * factor) - of.totals[:, None]
        return value, gradient, factor, slope

    def missed(gradient: Array) -> Array:
        with np.errstate(invalid="ignore"):
            return (np.abs(of.back.T @ gradient) / of.size[:, None]).max(axis=0, initial=0.0)

    everything = np.arange(columns)
    unknown = np.zeros((rank, columns))
    value, gradient, factor, slope = at(unknown, everything)
    error = missed(gradient)
    taken, live = 0, np.flatnonzero(error > 1e-15)
    while live.size and taken < steps:
        taken += 1
        step = _newton(of.x, q, weight[:, live] * slope[:, live], gradient[:, live])
        better = np.zeros(live.size, dtype=bool)
        length = np.ones(live.size)
        for _ in range(HALVINGS):
            trying = np.flatnonzero(~better)
            if not trying.size:
                break
            cols = live[trying]
            new = unknown[:, cols] + length[trying] * step[:, trying]
            v, g, f, s = at(new, cols)
            e = missed(g)
            descent = (gradient[:, cols] * step[:, trying]).sum(axis=0)
            good = (v <= value[cols] + 1e-4 * length[trying] * descent) | (e < error[cols])
            good &= np.isfinite(v) & np.isfinite(e)
            # at the limit of rounding neither moves: the column is done
            good &= (e < error[cols]) | (error[cols] > tolerance)
            use = cols[good]
            unknown[:, use], value[use], gradient[:, use] = new[:, good], v[good], g[:, good]
            factor[:, use], slope[:, use], error[use] = f[:, good], s[:, good], e[good]
            better[trying[good]] = True
            if (error[cols] <= tolerance).all():  # one full step only, to polish
                break
            length[trying[~good]] /= 2
        live = live[better & (error[live] > 1e-15)]
    achieved = of.wanted[:, None] + of.back.T @ gradient
    return Solution(factor, achieved, error, taken)


def _newton(x: Array, q: Array, curvature: Array, gradient: Array) -> Array:
    """−H⁻¹ gradient with H = Σ curvature q x x', for each column."""
    rank, columns = gradient.shape
    hessian = np.zeros((rank * rank, columns))
    width = max(1, CHUNK // max(1, rank * rank))
    for start in range(0, len(x), width):
        block = x[start : start + width]
        products = (block[:, :, None] * block[:, None, :]).reshape(len(block), -1)
        hessian += products.T @ (q[start : start + width] * curvature[start : start + width])
    h = hessian.T.reshape(columns, rank, rank)
    # a trace of the unit matrix keeps the step finite where bounds or empty cells leave a direction flat
    ridge = 1e-12 * np.maximum(np.einsum("kii->k", h) / max(1, rank), 1e-12)
    h = h + ridge[:, None, None] * np.eye(rank)
    return -np.linalg.solve(h, gradient.T[:, :, None])[:, :, 0].T
