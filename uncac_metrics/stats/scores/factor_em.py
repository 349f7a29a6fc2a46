r"""Kernel of the unobserved components model: maximum likelihood with missing ratings, many fits at once.

In units of the sources' standard deviations, :math:`y_{ij} = a_j + b_j g_i + h_{i k(j)} + e_{ij}` with
:math:`g_i \sim N(\mu_{t(i)}, \omega_{t(i)}^2)`, :math:`h_{ik} \sim N(0, \tau_k^2)` shared by the sources of block k,
and :math:`e_{ij} \sim N(0, \psi_j)`. The group t of a row is its period in a panel; the first group has mean 0 and
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

    both: Array
    """(fits, rows, twice the sources): standardised ratings, 0 where there is none; then 1.0 where there is one."""
    blocks: Array
    """(sources, blocks), 1.0 where the source belongs to the block."""
    groups: Array
    """(rows, groups), 1.0 where the row belongs to the group."""
    totals: tuple[Array, Array, Array]
    """Number, sum and sum of squares of each source's ratings, (fits, sources)."""

    @property
    def y(self) -> Array:
        """The ratings, (fits, rows, sources)."""
        return self.both[:, :, : len(self.blocks)]

    @property
    def rated(self) -> Array:
        """Where there is a rating."""
        return self.both[:, :, len(self.blocks) :]

    def fits(self, which: Array) -> Data:
        """These fits alone."""
        n, y, y2 = self.totals
        return replace(self, both=self.both[which], totals=(n[which], y[which], y2[which]))


def make_data(both: Array, blocks: Array, groups: Array) -> Data:
    """Data with their totals."""
    y, rated = both[:, :, : len(blocks)], both[:, :, len(blocks) :]
    return Data(both, blocks, groups, (rated.sum(axis=1), y.sum(axis=1), (y**2).sum(axis=1)))


@dataclass(frozen=True, eq=False)
class Moments:
    """What the E step finds."""

    mean: Array
    """(fits, rows) expectation of g."""
    variance: Array
    """(fits, rows) variance of g."""
    sums: tuple[Array, ...]
    """As :func:`source_sums` gives them."""
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
        np.zeros((f, j)),
        0.7 * used,
        np.where(used > 0, 0.5, 1.0),
        np.full((f, k), 0.1),
        np.zeros((f, g)),
        np.ones((f, g)),
    )


def eliminate(theta: Array, data: Data) -> tuple[Array, ...]:
    """Mean and variance of g given ratings and parameters, (fits, rows); and of each block c, slope, r and shared,
    (fits, rows, blocks): given g, its error has mean c (r − slope · g) and variance c."""
    a, b, psi, tau2, mu, omega2 = split(theta, data)
    k = data.blocks.shape[1]
    inverse = (1 / psi)[:, :, None]
    a, b = a[:, :, None], b[:, :, None]
    member = data.blocks[None] * inverse
    of_y = np.concatenate([b * inverse, 0 * b, member, 0 * member, 0 * member], axis=2)
    of_rated = np.concatenate([-a * b * inverse, b**2 * inverse, -a * member, member, b * member], axis=2)
    sums = data.both @ np.concatenate([of_y, of_rated], axis=1)
    prior_mean, prior_var = mu @ data.groups.T, omega2 @ data.groups.T
    r, shared, slope = sums[:, :, 2 : 2 + k], sums[:, :, 2 + k : 2 + 2 * k], sums[:, :, 2 + 2 * k :]
    c = tau2[:, None, :] / (1 + tau2[:, None, :] * shared)
    v = 1 / (1 / prior_var + sums[:, :, 1] - (c * slope**2).sum(axis=2))
    m = v * (sums[:, :, 0] + prior_mean / prior_var - (c * slope * r).sum(axis=2))
    return m, v, c, slope, r, shared


def expect(theta: Array, data: Data) -> Moments:
    """E step: moments of g and h given ratings and parameters, and the log-likelihood."""
    m, v, c, slope, r, shared = eliminate(theta, data)
    a, _, psi, tau2, mu, omega2 = split(theta, data)
    present = (data.rated.sum(axis=2) > 0).astype(float)
    # of a row's log-likelihood, what is not a sum over ratings: log |Σ| and the quadratic form, by elimination
    prior_mean, prior_var = mu @ data.groups.T, omega2 @ data.groups.T
    quadratic = prior_mean**2 / prior_var - (c * r**2).sum(axis=2) - m**2 / v
    log_det = np.log(prior_var / v) + np.log1p(tau2[:, None, :] * shared).sum(axis=2)
    second = m**2 + v
    h = c * (r - slope * m[:, :, None])
    gh = h * m[:, :, None] - c * slope * v[:, :, None]
    h2 = h**2 + c + (c * slope) ** 2 * v[:, :, None]
    sums = source_sums(data, m, second, h, gh, h2)
    n, _, _, y1, _, y2, *_ = sums
    of_ratings = (n * (np.log(2 * np.pi * psi) + a**2 / psi) - 2 * a * y1 / psi + y2 / psi).sum(axis=1)
    loglik = -0.5 * (((quadratic + log_det) * present).sum(axis=1) + of_ratings)
    return Moments(m, v, sums, h2, present, loglik)


def source_sums(data: Data, g: Array, g2: Array, h: Array, gh: Array, h2: Array) -> tuple[Array, ...]:
    """Sums of each source over the rows that it rates: n, g, g², y, yg, y², h, gh, yh, h² (h of its own block)."""
    j, k = data.blocks.shape
    sums = data.both.transpose(0, 2, 1) @ np.concatenate([g[:, :, None], g2[:, :, None], h, gh, h2], axis=2)
    of_y, of_rated = sums[:, :j], sums[:, j:]
    own = [
        (part * data.blocks).sum(axis=2)
        for part in (
            of_rated[:, :, 2 : 2 + k], of_rated[:, :, 2 + k : 2 + 2 * k], of_y[:, :, 2 : 2 + k],
            of_rated[:, :, 2 + 2 * k :],
        )
    ]  # fmt: skip
    n, y, y2 = data.totals
    return n, of_rated[:, :, 0], of_rated[:, :, 1], y, of_y[:, :, 0], y2, *own


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
    # the scale of a block's error is expanded too: else a variance that goes to zero never arrives
    over = ((yh - a * h - b * gh) / psi) @ data.blocks
    with np.errstate(divide="ignore", invalid="ignore"):
        expanded = np.maximum(over, 0.0) / ((h2 / psi) @ data.blocks)
    tau2 = (found.block_square * found.present[:, :, None]).sum(axis=1) / found.present.sum(axis=1)[:, None]
    tau2 = tau2 * np.where(np.isfinite(expanded), expanded, 1.0) ** 2
    first, scale = mu[:, :1], np.sqrt(omega2[:, :1])
    return join(a + b * first, b * scale, psi, np.maximum(tau2, 1e-10), (mu - first) / scale, omega2 / scale**2)


def fit(data: Data, theta: Array, *, tolerance: float = 1e-9, most: int = 2000) -> tuple[Array, Array, Array]:
    """Iterate to the maximum by pairs of EM steps and an extrapolation, which a lower likelihood undoes.

    The end is where an EM step moves no parameter by more than `tolerance`; or, where a variance creeps to its bound,
    where after 600 steps the log-likelihood gains less than 1e-9.

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
        before = loglik[active]
        loglik[active] = np.where(better, there.loglik, middle.loglik)
        theta[active] = new
        steps[active] += 3
        with np.errstate(invalid="ignore"):
            flat = (steps[active] > 600) & (loglik[active] - before < 1e-9)
        near = (np.abs(v + r).max(axis=1) < tolerance) | flat | (steps[active] >= most)
        if near.any():
            active = active[~near]
            part = data.fits(active)
    return theta, loglik, steps


def standardised(values: Array, members: Array, groups: Array) -> tuple[Data, Array, Array]:
    """Ratings in units of each source's standard deviation, and the means and deviations (fits, sources)."""
    rated = ~np.isnan(values)
    n = rated.sum(axis=1)
    size = np.maximum(n, 1)
    ordered = np.sort(values, axis=1)  # summed by size: no bit depends on what the units are called
    centre = np.nansum(ordered, axis=1) / size
    rest = np.where(rated, values - centre[:, None, :], 0.0)
    spread = np.where(n > 0, np.sqrt(np.nansum((ordered - centre[:, None, :]) ** 2, axis=1) / size), 1.0)
    return (
        make_data(np.concatenate([rest / spread[:, None, :], rated.astype(float)], axis=2), members, groups),
        centre,
        spread,
    )


def by_content(data: Data) -> tuple[Data, Array]:
    """Rows in the order of their ratings, and that order: sums and random numbers then follow what is said of a unit,
    not what it is called."""
    order = np.lexsort(data.both.transpose(0, 2, 1).reshape(-1, data.both.shape[1]))
    return make_data(data.both[:, order], data.blocks, data.groups[order]), order
