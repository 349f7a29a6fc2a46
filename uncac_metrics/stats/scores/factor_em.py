r"""Kernel of the unobserved components model: maximum likelihood with missing ratings, many fits at once.

In units of the sources' standard deviations, :math:`y_{ij} = a_j + b_j g_i + h_{i k(j)} + e_{ij}` with
:math:`g_i \sim N(\mu_{t(i)}, \omega_{t(i)}^2)`, :math:`h_{ik} \sim N(0, \tau_k^2)` shared by the sources of block k, and
:math:`e_{ij} \sim N(0, \psi_j)`. The group t of a row is its period in a panel; the first group has mean 0 and
variance 1. Arrays lead with the fits: ``y`` is (fits, rows, sources).

The E step is closed, since g and the h of a unit have a precision matrix in the form of an arrow; the M step is a
regression for each source. Parameter expansion (the first group's mean and variance are free, then absorbed in a and
b) and squared extrapolation make both fast.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

Array = np.ndarray

FLOOR = 1e-3
"""Least variance of an error, of a source's variance: no source is taken to be without error."""


@dataclass(frozen=True, eq=False)
class Data:
    """Standardised ratings, and which rows and sources belong together."""

    y: Array
    """(fits, rows, sources), 0 where there is no rating."""
    rated: Array
    """(fits, rows, sources), 1.0 and 0.0."""
    blocks: Array
    """(sources, blocks), 1.0 where the source belongs to the block."""
    groups: Array
    """(rows, groups), 1.0 where the row belongs to the group."""

    def fits(self, which: Array) -> Data:
        """These fits alone."""
        return replace(self, y=self.y[which], rated=self.rated[which])


@dataclass(frozen=True, eq=False)
class Moments:
    """What the E step finds."""

    mean: Array
    """(fits, rows) expectation of g."""
    variance: Array
    """(fits, rows) variance of g."""
    sums: tuple[Array, ...]
    """Sums of each source over its rows: n, g, g², y, yg, y², h, gh, yh, h²."""
    block_square: Array
    """(fits, rows, blocks) expectation of h²."""
    present: Array
    """(fits, rows) 1.0 where a row has a rating."""
    loglik: Array
    """(fits,) log-likelihood of the standardised ratings."""


def sizes(data: Data) -> tuple[int, ...]:
    """Lengths of the parts of a parameter vector: a, b, log ψ, log τ², μ, log ω²."""
    j, k, g = data.y.shape[2], data.blocks.shape[1], data.groups.shape[1]
    return j, j, j, k, g, g


def split(theta: Array, data: Data) -> list[Array]:
    """The parts of parameter vectors (fits, parameters); variances are no longer in logs."""
    parts = np.split(theta, np.cumsum(sizes(data))[:-1], axis=1)
    return [*parts[:2], np.exp(parts[2]), np.exp(parts[3]), parts[4], np.exp(parts[5])]


def join(a: Array, b: Array, psi: Array, tau2: Array, mu: Array, omega2: Array) -> Array:
    """Parameter vectors from their parts."""
    return np.concatenate([a, b, np.log(psi), np.log(tau2), mu, np.log(omega2)], axis=1)


def start(data: Data) -> Array:
    """Where the iterations begin: all sources alike."""
    f = len(data.y)
    j, _, _, k, g, _ = sizes(data)
    used = (data.rated.sum(axis=1) > 0).astype(float)
    return join(
        np.zeros((f, j)), 0.7 * used, np.where(used > 0, 0.5, 1.0), np.full((f, k), 0.1), np.zeros((f, g)), np.ones((f, g))
    )


def expect(theta: Array, data: Data) -> Moments:
    """E step: moments of g and h given ratings and parameters, and the log-likelihood."""
    a, b, psi, tau2, mu, omega2 = split(theta, data)
    y, rated, blocks = data.y, data.rated, data.blocks
    k = blocks.shape[1]
    in_block = blocks[None] / psi[:, :, None]  # (fits, sources, blocks)
    of_y = np.concatenate([(b / psi)[:, :, None], in_block], axis=2)
    of_rated = np.stack([a * b / psi, b**2 / psi, np.log(psi) + a**2 / psi], axis=2)
    from_y = y @ of_y
    from_rated = rated @ np.concatenate(
        [of_rated, a[:, :, None] * in_block, in_block, b[:, :, None] * in_block], axis=2
    )
    square = (y**2 @ (1 / psi)[:, :, None] - 2 * (y @ (a / psi)[:, :, None]))[:, :, 0] + from_rated[:, :, 2]
    prior_mean, prior_var = mu @ data.groups.T, omega2 @ data.groups.T
    g = from_y[:, :, 0] - from_rated[:, :, 0] + prior_mean / prior_var
    r = from_y[:, :, 1:] - from_rated[:, :, 3 : 3 + k]
    shared, slope = from_rated[:, :, 3 + k : 3 + 2 * k], from_rated[:, :, 3 + 2 * k :]
    c = tau2[:, None, :] / (1 + tau2[:, None, :] * shared)
    precision = 1 / prior_var + from_rated[:, :, 1] - (c * slope**2).sum(axis=2)
    v = 1 / precision
    m = v * (g - (c * slope * r).sum(axis=2))
    present = (rated.sum(axis=2) > 0).astype(float)
    # log-likelihood of a row: log|Σ| and the quadratic form, by the same elimination
    quadratic = square + prior_mean**2 / prior_var - (c * r**2).sum(axis=2) - m**2 * precision
    log_det = np.log(precision * prior_var) + np.log1p(tau2[:, None, :] * shared).sum(axis=2)
    n_rated = rated.sum(axis=(1, 2))
    loglik = -0.5 * ((quadratic + log_det) * present).sum(axis=1) - 0.5 * n_rated * np.log(2 * np.pi)
    second = m**2 + v
    h = c * (r - slope * m[:, :, None])
    gh = h * m[:, :, None] - c * slope * v[:, :, None]
    h2 = h**2 + c + (c * slope) ** 2 * v[:, :, None]
    rated_t, y_t = rated.transpose(0, 2, 1), y.transpose(0, 2, 1)
    by_rated = rated_t @ np.concatenate([m[:, :, None], second[:, :, None], h, gh, h2], axis=2)
    by_y = y_t @ np.concatenate([m[:, :, None], h], axis=2)

    def own(sums: Array) -> Array:
        """The sums of each source's own block."""
        return (sums * blocks).sum(axis=2)

    sums = (
        rated.sum(axis=1), by_rated[:, :, 0], by_rated[:, :, 1], y.sum(axis=1), by_y[:, :, 0], (y**2).sum(axis=1),
        own(by_rated[:, :, 2 : 2 + k]), own(by_rated[:, :, 2 + k : 2 + 2 * k]), own(by_y[:, :, 1:]),
        own(by_rated[:, :, 2 + 2 * k :]),
    )  # fmt: skip
    return Moments(m, v, sums, h2, present, loglik)


def maximise(theta: Array, found: Moments, data: Data) -> Array:
    """M step, with the mean and variance of the first group absorbed in the parameters of the sources."""
    a0, b0, psi0, _, _, _ = split(theta, data)
    n, g, g2, y, yg, y2, h, gh, yh, h2 = found.sums
    z, zg, zz = y - h, yg - gh, y2 - 2 * yh + h2
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = n * g2 - g**2
        b = np.where(spread > 0, (n * zg - g * z) / spread, b0)
        a = np.where(n > 0, (z - b * g) / n, a0)
        psi = np.where(n > 0, np.maximum((zz - a * z - b * zg) / n, FLOOR), psi0)
    present = found.present[:, :, None] * data.groups
    rows = present.sum(axis=1)
    mu = (found.mean[:, :, None] * present).sum(axis=1) / rows
    omega2 = ((found.mean**2 + found.variance)[:, :, None] * present).sum(axis=1) / rows - mu**2
    tau2 = (found.block_square * found.present[:, :, None]).sum(axis=1) / found.present.sum(axis=1)[:, None]
    first, scale = mu[:, :1], np.sqrt(omega2[:, :1])
    return join(a + b * first, b * scale, psi, np.maximum(tau2, 1e-10), (mu - first) / scale, omega2 / scale**2)


def fit(data: Data, theta: Array, *, tolerance: float = 1e-9, most: int = 2000) -> tuple[Array, Array, Array]:
    """Iterate to the maximum by pairs of EM steps and an extrapolation, which a lower likelihood undoes.

    Returns
    -------
    theta : array (fits, parameters)
    loglik : array (fits,)
    steps : array (fits,)
        EM steps taken; `most` or more where the fit has not converged.
    """
    theta, steps = theta.copy(), np.zeros(len(theta), dtype=int)
    loglik = np.full(len(theta), -np.inf)
    active, part = np.arange(len(theta)), data
    while active.size:
        old = theta[active]
        once = maximise(old, expect(old, part), part)
        middle = expect(once, part)
        twice = maximise(once, middle, part)
        r = once - old
        v = twice - once - r
        with np.errstate(divide="ignore", invalid="ignore"):
            length = np.linalg.norm(r, axis=1) / np.linalg.norm(v, axis=1)
        length = np.where(np.isfinite(length), np.clip(length, 1.0, 64.0), 1.0)[:, None]
        ahead = old + 2 * length * r + length**2 * v
        j = part.y.shape[2]
        ahead[:, 2 * j : 3 * j] = np.maximum(ahead[:, 2 * j : 3 * j], np.log(FLOOR))
        with np.errstate(all="ignore"):
            there = expect(ahead, part)
            better = there.loglik >= middle.loglik
            new = np.where(better[:, None], maximise(ahead, there, part), twice)
        loglik[active] = np.where(better, there.loglik, middle.loglik)
        theta[active] = new
        steps[active] += 3
        near = (np.abs(v + r).max(axis=1) < tolerance) | (steps[active] >= most)
        if near.any():
            active = active[~near]
            part = data.fits(active)
    return theta, loglik, steps


def gradient(theta: Array, data: Data) -> tuple[Array, Array]:
    """Gradient of the log-likelihood (Fisher's identity), (fits, parameters), and the means of g, (fits, rows)."""
    a, b, psi, tau2, mu, omega2 = split(theta, data)
    found = expect(theta, data)
    n, g, g2, y, yg, y2, h, gh, yh, h2 = found.sums
    square = y2 + n * a**2 + b**2 * g2 + h2 - 2 * (a * y + b * yg + yh - a * b * g - a * h - b * gh)
    present = found.present[:, :, None] * data.groups
    rows = present.sum(axis=1)
    m1 = (found.mean[:, :, None] * present).sum(axis=1)
    m2 = ((found.mean**2 + found.variance)[:, :, None] * present).sum(axis=1)
    parts = [
        (y - n * a - b * g - h) / psi,
        (yg - a * g - b * g2 - gh) / psi,
        0.5 * (square / psi - n),
        0.5 * ((found.block_square / tau2[:, None, :] - 1) * found.present[:, :, None]).sum(axis=1),
        (m1 - rows * mu) / omega2,
        0.5 * ((m2 - 2 * mu * m1 + rows * mu**2) / omega2 - rows),
    ]
    return np.concatenate(parts, axis=1), found.mean


def information(theta: Array, data: Data, step: float = 1e-4) -> tuple[Array, Array]:
    """Covariance of the parameters and the derivatives of the scores by them, from central differences.

    Parameters that are not free (of absent sources, at a bound, of the first group) have no variance.

    Returns
    -------
    covariance : array (fits, parameters, parameters)
    slopes : array (fits, rows, parameters)
    """
    fits, p = theta.shape
    hessian, slopes = np.zeros((fits, p, p)), np.zeros((fits, data.y.shape[1], p))
    fixed = _fixed(theta, data)
    for q in np.flatnonzero(~fixed.all(axis=0)):
        shift = np.zeros(p)
        shift[q] = step
        up, down = gradient(theta + shift, data), gradient(theta - shift, data)
        hessian[:, :, q] = (up[0] - down[0]) / (2 * step)
        slopes[:, :, q] = (up[1] - down[1]) / (2 * step)
    needed = -(hessian + hessian.transpose(0, 2, 1)) / 2
    free = ~fixed
    needed = np.where(free[:, :, None] & free[:, None, :], needed, np.eye(p))
    values, vectors = np.linalg.eigh(needed)
    with np.errstate(divide="ignore"):
        inverse = np.where(values > 0, 1 / values, 0.0)
    covariance = (vectors * inverse[:, None, :]) @ vectors.transpose(0, 2, 1)
    covariance = np.where(free[:, :, None] & free[:, None, :], covariance, 0.0)
    return covariance, np.where(free[:, None, :], slopes, 0.0)


def _fixed(theta: Array, data: Data) -> Array:
    j, _, _, k, g, _ = sizes(data)
    absent = data.rated.sum(axis=1) == 0
    first = np.broadcast_to(np.arange(g) == 0, (len(theta), g))
    at_floor = theta[:, 2 * j : 3 * j] <= np.log(FLOOR) + 1e-9
    no_block = theta[:, 3 * j : 3 * j + k] < np.log(1e-6)
    return np.concatenate([absent, absent, absent | at_floor, no_block, first, first], axis=1)
