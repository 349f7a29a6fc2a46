r"""A line through estimates with errors: arrays in, arrays out.

The model is :math:`y = X \beta + u + e` with :math:`e \sim N(0, \Sigma)` the sampling errors, whose covariance is
known and holds what the samples share, and :math:`u \sim N(0, \tau^2 I)` what the truth itself departs from the line.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import linalg, optimize

Array = np.ndarray


class Fit(NamedTuple):
    """A fitted line (or plane)."""

    beta: Array
    covariance: Array
    """Of `beta`, with sampling errors and scatter."""
    weights: Array
    """β = weights @ y, of shape (coefficients, observations)."""
    scatter: float
    """τ²."""
    misfit: float
    """:math:`r^\\top \\Sigma^{-1} r` about the line without scatter: χ² on n − p where the line holds; NaN where the
    errors are unknown."""


class Contrasts(NamedTuple):
    """What is left of the observations once the line is taken out, made independent."""

    spread: Array
    """Sampling variances λ of the n − p contrasts."""
    square: Array
    """Their squares z²; :math:`E z^2 = \\lambda + \\tau^2`."""


def contrasts(x: Array, y: Array, sigma: Array) -> Contrasts:
    """Independent error contrasts: their restricted likelihood is that of z ~ N(0, λ + τ²)."""
    rest = linalg.null_space(x.T)
    spread, turn = linalg.eigh(rest.T @ sigma @ rest)
    return Contrasts(np.maximum(spread, 0.0), (turn.T @ (rest.T @ y)) ** 2)


def log_likelihood(scatter: Array, c: Contrasts) -> Array:
    """Restricted log likelihood of τ² (an array of candidates), up to a constant."""
    total = c.spread + np.asarray(scatter, dtype=float)[..., None]
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = np.log(total) + c.square / total
    return -0.5 * np.where(total > 0, terms, np.inf).sum(axis=-1)


def scatter(c: Contrasts) -> float:
    r"""REML estimate of :math:`\tau^2 \ge 0`: a grid first, since the likelihood may have two peaks."""
    scale = float(np.max(c.square, initial=0.0))
    if scale == 0.0:
        return 0.0
    if not (c.spread > 0).any():  # no sampling errors: the residual variance
        return float(c.square.mean())
    grid = np.concatenate([[0.0], scale * np.geomspace(1e-6, 1.0, 80)])
    best = int(np.argmax(log_likelihood(grid, c)))
    low, high = grid[max(best - 1, 0)], grid[min(best + 1, grid.size - 1)]
    found = optimize.minimize_scalar(
        lambda s: -float(log_likelihood(np.asarray(s * scale), c)),
        bounds=(low / scale, high / scale), method="bounded", options={"xatol": 1e-12},
    )  # fmt: skip
    candidates = np.array([grid[best], found.x * scale])
    return float(candidates[np.argmax(log_likelihood(candidates, c))])


def gls(x: Array, y: Array, sigma: Array, tau2: float = 0.0) -> Fit:
    r"""Generalised least squares under :math:`V = \Sigma + \tau^2 I`.

    :math:`\hat\beta = (X^\top V^{-1} X)^{-1} X^\top V^{-1} y`. Where V is zero (no errors known, no scatter) the
    weights are those of ordinary least squares.

    Parameters
    ----------
    x : array of shape (n, p)
    y : array of shape (n,)
    sigma : array of shape (n, n)
    tau2 : float

    Returns
    -------
    Fit

    Examples
    --------
    Two waves of variance 1 and 4 that share half of the sampling units:

    >>> import numpy as np
    >>> x = np.array([[1.0, 0.0], [1.0, 1.0]])
    >>> fit = gls(x, np.array([20.0, 17.0]), np.array([[1.0, 1.0], [1.0, 4.0]]))
    >>> fit.beta.round(6).tolist(), float(np.round(fit.covariance[1, 1], 6))
    ([20.0, -3.0], 3.0)
    """
    v = sigma + tau2 * np.eye(len(y))
    size = float(np.trace(v)) / len(y)
    if size == 0.0:
        weights = np.linalg.pinv(x)
        return Fit(weights @ y, np.zeros((x.shape[1], x.shape[1])), weights, tau2, np.nan)
    weights = _weights(x, v / size)
    beta = weights @ y
    return Fit(beta, weights @ v @ weights.T, weights, tau2, misfit(x, y, sigma))


def _weights(x: Array, v: Array) -> Array:
    # a tiny ridge: waves that share every unit and answer alike are the same observation twice
    v = v + 1e-12 * np.eye(len(v))
    half = linalg.solve_triangular(linalg.cholesky(v, lower=True), np.eye(len(v)), lower=True)
    return np.linalg.pinv(half @ x) @ half


def misfit(x: Array, y: Array, sigma: Array) -> float:
    """Cochran's Q about the line: the contrasts' squares over their sampling variances, summed."""
    c = contrasts(x, y, sigma)
    return float((c.square / c.spread).sum()) if (c.spread > 0).all() else np.nan


def fit(x: Array, y: Array, sigma: Array, *, with_scatter: bool) -> Fit:
    """The line with τ² by REML (`with_scatter`, given spare observations), or with sampling errors alone."""
    spare = len(y) > x.shape[1]
    tau2 = scatter(contrasts(x, y, sigma)) if with_scatter and spare else 0.0
    return gls(x, y, sigma, tau2)
