r"""Kernels of ranks: ranks of draws, joint normal draws, confidence sets from all pairs, adjusted p-values.

For :math:`\hat\theta \sim N(\theta, \Sigma)` a pair (i, k) is decided, i above k, when
:math:`\hat\theta_i - \hat\theta_k > c\,\sigma_{ik}`. With c the quantile of the greatest
:math:`(Z_i - Z_k) / \sigma_{ik}`, :math:`Z \sim N(0, \Sigma)`, over the pairs at issue, no wrong decision is made with
that probability; decided pairs leave the maximum, and the rest are looked at again (stepwise).
"""

from __future__ import annotations

import numpy as np
from scipy import special

Array = np.ndarray


def rank_from_top(scores: Array) -> Array:
    """Rank 1 for the greatest along the last axis; ties take the least of their ranks, missing scores none (0).

    Examples
    --------
    >>> rank_from_top(np.array([3.0, 1.0, np.nan, 3.0]))
    array([1, 3, 0, 1])
    """
    down = -np.asarray(scores, dtype=float)
    shape, n = down.shape, down.shape[-1]
    down = down.reshape(-1, n)
    at = np.argsort(down, axis=-1)  # missing scores come last
    at += np.arange(len(down))[:, None] * n
    ordered = down.ravel()[at]
    place = np.broadcast_to(np.arange(1, n + 1), down.shape)
    tied = ordered[:, 1:] == ordered[:, :-1]
    if tied.any():
        fresh = np.ones(down.shape, dtype=bool)
        fresh[:, 1:] = ~tied
        place = np.maximum.accumulate(np.where(fresh, place, 0), axis=-1)
    if np.isnan(ordered[:, -1:]).any():
        place = np.where(np.isnan(ordered), 0, place)
    ranks = np.empty(down.size, dtype=np.int64)
    ranks[at] = place
    return ranks.reshape(shape)


def normal_draws(covariance: Array, draws: int, seed: int) -> Array:
    """Draws from N(0, covariance), shape (units, draws); the covariance may be singular."""
    values, vectors = np.linalg.eigh(covariance)
    root = vectors * np.sqrt(np.maximum(values, 0.0))
    return root @ np.random.default_rng(seed).standard_normal((len(covariance), draws))


def pair_errors(covariance: Array) -> Array:
    """Standard errors of all differences; differences that are known without error have 0."""
    variance = np.diag(covariance)
    squared = variance[:, None] + variance[None, :] - 2 * covariance
    noise = 1e-12 * (variance[:, None] + variance[None, :])
    return np.sqrt(np.where(squared > noise, squared, 0.0))


def critical(most: Array, level: float) -> float:
    """The order statistic that a further draw does not pass with probability `level`, or more."""
    k = min(int(np.ceil(level * (len(most) + 1))), len(most)) - 1
    return float(np.partition(most, k)[k])


def decided(
    value: Array, covariance: Array, level: float, *, simultaneous: bool, stepwise: bool, draws: int, seed: int
) -> tuple[Array, Array]:
    """Which pairs are decided, for confidence sets of all ranks together or of each by itself.

    Returns
    -------
    above : bool array (units, units)
        ``above[i, k]``: in the set of unit i, i is above k.
    below : bool array (units, units)
        ``below[i, k]``: in the set of unit i, k is above i. For simultaneous sets the transpose of `above`.
    """
    if len(value) == 1:
        return np.zeros((1, 1), dtype=bool), np.zeros((1, 1), dtype=bool)
    z = normal_draws(covariance, draws, seed)
    error = pair_errors(covariance)
    with np.errstate(divide="ignore"):
        inverse = np.where(error > 0, 1 / error, 0.0)
    gap = value[:, None] - value[None, :]
    with np.errstate(invalid="ignore", divide="ignore"):
        t = np.where(error > 0, gap * inverse, np.where(gap > 0, np.inf, -np.inf))
    if simultaneous:
        above = _together(t, z, inverse, level, stepwise)
        return above, above.T
    return _each(t, z, inverse, level, stepwise)


def _together(t: Array, z: Array, inverse: Array, level: float, stepwise: bool) -> Array:
    done = np.isinf(t) & (t > 0)
    while True:
        most = np.full(z.shape[1], -np.inf)
        for i in range(len(t) - 1):
            over, under = ~done[i, i + 1 :], ~done[i + 1 :, i]
            statistic = (z[i] - z[i + 1 :]) * inverse[i, i + 1 :, None]
            most = np.maximum(most, _greatest(statistic, over, under))
        found = done | (t > critical(most, level))
        if not stepwise or (found == done).all() or found.sum() == found.size // 2:
            return found
        done = found


def _each(t: Array, z: Array, inverse: Array, level: float, stepwise: bool) -> tuple[Array, Array]:
    certain = np.isinf(t) & (t > 0)
    above, below = certain.copy(), certain.T.copy()
    for i in range(len(t)):
        others = np.arange(len(t)) != i
        statistic = (z[i] - z[others]) * inverse[i, others, None]
        up, down = above[i, others], below[i, others]
        while True:
            c = critical(_greatest(statistic, ~up, ~down), level)
            more_up, more_down = up | (t[i, others] > c), down | (t[others, i] > c)
            settled = (more_up == up).all() and (more_down == down).all()
            up, down = more_up, more_down
            if not stepwise or settled:
                break
        above[i, others], below[i, others] = up, down
    return above, below


def _greatest(statistic: Array, over: Array, under: Array) -> Array:
    """Greatest over pairs of the statistic (where `over`) and of its opposite (where `under`), for each draw."""
    most = np.full(statistic.shape[1], -np.inf)
    both = over & under
    if both.any():
        some = statistic if both.all() else statistic[both]
        most = np.maximum(some.max(axis=0), -some.min(axis=0))
    if (over & ~under).any():
        most = np.maximum(most, statistic[over & ~under].max(axis=0))
    if (under & ~over).any():
        most = np.maximum(most, -statistic[under & ~over].min(axis=0))
    return most


def joint_p_values(t: Array, statistics: Array) -> Array:
    """P-values of many two-sided tests that hold the probability of any false finding, stepwise.

    Parameters
    ----------
    t : array (tests,)
        Absolute test statistics.
    statistics : array (draws, tests)
        Absolute statistics drawn from their joint distribution where nothing differs.

    Returns
    -------
    array (tests,)
        For the m-th greatest t, the share of draws in which the greatest statistic of this and all lesser tests
        passes it; never less than for a greater t.
    """
    order = np.argsort(-t, kind="stable")
    least_first = np.maximum.accumulate(statistics[:, order[::-1]], axis=1)[:, ::-1]
    p = (1 + (least_first >= t[order]).sum(axis=0)) / (1 + len(statistics))
    out = np.empty_like(p)
    out[order] = np.maximum.accumulate(p)
    return out


def normal_p_values(t: Array) -> Array:
    """Two-sided p-values of standard normal statistics."""
    p: Array = 2 * special.ndtr(-np.abs(t))
    return p
