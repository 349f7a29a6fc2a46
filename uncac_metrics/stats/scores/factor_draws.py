r"""Kernel: draws from the posterior of the unobserved components model, many fits at once.

The model is that of :mod:`~uncac_metrics.stats.scores.factor_em`, priors flat for a, b, μ, for the variances
ψ and for the standard deviations τ and ω. (A prior 1/ψ would have an infinite posterior at ψ = 0; the flat prior of ψ
covers best in small samples.) The sampler goes round: g and h of every row given the parameters; the parameters of
every source given g and h; mean and variance of the groups. It begins at the maximum of the likelihood.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from uncac_metrics.stats.scores.factor_em import FLOOR, Data, eliminate, join, source_sums

Array = np.ndarray


def draws(theta: Array, data: Data, n: int, seed: int, burn_in: int = 20) -> Iterator[tuple[Array, Array, Array]]:
    """Draws of the parameters (fits, parameters), each with the mean and variance of g given it (fits, rows)."""
    rng = np.random.default_rng(seed)
    present = (data.rated.sum(axis=2) > 0).astype(float)
    by_group = present[:, :, None] * data.groups
    rows, present_rows = by_group.sum(axis=1), present.sum(axis=1)[:, None]
    n_source, y, y2 = data.totals
    used = n_source > 0
    size = np.where(used, n_source, 5.0)
    for step in range(n + burn_in):
        m, v, c, slope, r, _ = eliminate(theta, data)
        if step >= burn_in:
            yield theta, m, v
        g = m + np.sqrt(v) * rng.standard_normal(m.shape)
        h = c * (r - slope * g[:, :, None]) + np.sqrt(c) * rng.standard_normal(c.shape)
        # each source: a regression of its ratings, less the error of its block, on g
        _, g1, g2, _, yg, _, h1, gh, yh, h2 = source_sums(data, g, g**2, h, h * g[:, :, None], h**2)
        z, zg, zz = y - h1, yg - gh, y2 - 2 * yh + h2
        centre = g1 / size
        spread = np.where(used, g2, 1.0) - size * centre**2
        slope_j = (zg - centre * z) / spread
        rest = np.maximum(zz - z**2 / size - slope_j**2 * spread, 0.0)
        psi = np.where(used, np.maximum(rest / rng.chisquare(size - 4.0), FLOOR), 1.0)
        b = np.where(used, slope_j + np.sqrt(psi / spread) * rng.standard_normal(psi.shape), 0.0)
        a = np.where(used, z / size - b * centre + np.sqrt(psi / size) * rng.standard_normal(psi.shape), 0.0)
        square = (h**2 * present[:, :, None]).sum(axis=1)
        tau2 = square / rng.chisquare(np.broadcast_to(present_rows - 1, square.shape))
        mu, omega2 = np.zeros_like(rows), np.ones_like(rows)
        if data.groups.shape[1] > 1:
            mean = (g[:, :, None] * by_group).sum(axis=1) / rows
            within = (g[:, :, None] ** 2 * by_group).sum(axis=1) - rows * mean**2
            omega2 = within / rng.chisquare(rows - 2)
            mu = mean + np.sqrt(omega2 / rows) * rng.standard_normal(mean.shape)
            first, scale = mu[:, :1], np.sqrt(omega2[:, :1])
            a, b, mu, omega2 = a + b * first, b * scale, (mu - first) / scale, omega2 / scale**2
        theta = join(a, b, psi, np.maximum(tau2, 1e-10), mu, omega2)
