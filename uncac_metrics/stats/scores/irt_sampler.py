r"""Kernel: Gibbs sampler of the ordinal item response model of expert ratings, all chains at once.

:math:`P(y = k) = \Phi(\gamma_{jk} - \beta_j Z_i) - \Phi(\gamma_{j,k-1} - \beta_j Z_i)` for rater j and unit i;
:math:`Z_i \sim N(0, 1)`, :math:`\beta_j \sim N(1, 1)` above 0, thresholds ordered,
:math:`\gamma_{jk} \sim N(\gamma_{c(j)k}, s^2)`, :math:`\gamma_{ck} \sim N(\gamma_k, s^2)`,
:math:`\gamma_k \sim N(0, S^2)`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy import sparse, special

Array = np.ndarray


@dataclass(frozen=True, eq=False)
class Ordinal:
    """Ordinal ratings as codes, and the prior's spreads."""

    unit: Array
    rater: Array
    group: Array
    """Group of each rater."""
    score: Array
    """Categories, 0 to categories − 1."""
    units: int
    categories: int
    within: float = 0.2
    """s: of raters about their group, of groups about all."""
    wide: float = 6.0
    """S: of thresholds about 0."""


@dataclass(frozen=True, eq=False)
class State:
    """Parameters of all chains: the last axis counts the chains."""

    z: Array
    beta: Array
    gamma: Array
    """(raters, thresholds, chains)."""
    of_group: Array
    of_all: Array


def sample(data: Ordinal, chains: int, warm_up: int, draws: int, seed: int) -> Iterator[State]:
    """States after the warm-up, `draws` of them."""
    rng = np.random.default_rng(seed)
    raters, groups, cuts = len(data.group), int(data.group.max()) + 1, data.categories - 1
    ones, at = np.ones(len(data.unit)), np.arange(len(data.unit))
    by_unit = sparse.csr_array((ones, (data.unit, at)), shape=(data.units, len(at)))
    by_rater = sparse.csr_array((ones, (data.rater, at)), shape=(raters, len(at)))
    by_group = sparse.csr_array((np.ones(raters), (data.group, np.arange(raters))), shape=(groups, raters))
    in_group = np.bincount(data.group, minlength=groups)[:, None, None]
    share = np.cumsum(np.bincount(data.score, minlength=data.categories))[:-1] / len(at)
    start = special.ndtri(np.clip(share, 0.02, 0.98)) * 1.4
    start = np.maximum.accumulate(start + 1e-3 * np.arange(cuts))
    of_all = start[:, None] + 0.1 * rng.standard_normal((1, chains))
    state = State(
        rng.standard_normal((data.units, chains)),
        rng.uniform(0.5, 1.5, (raters, chains)),
        np.broadcast_to(of_all, (raters, cuts, chains)).copy(),
        np.broadcast_to(of_all, (groups, cuts, chains)).copy(),
        of_all,
    )
    step = np.full((raters, chains), 0.15)
    stride = np.full((cuts, chains), 0.1)
    slide, stretch = np.full(chains, 0.05), np.full(chains, 0.05)
    s2, wide2 = data.within**2, data.wide**2
    z, beta, gamma, of_group, of_all = state.z, state.beta, state.gamma, state.of_group, state.of_all
    for turn in range(warm_up + draws):
        # thresholds of raters: a random walk with the ratings' latent values integrated out
        moved = gamma + step[:, None, :] * rng.standard_normal(gamma.shape)
        centre = of_group[data.group]
        fit = beta[data.rater] * z[data.unit]
        gain = by_rater @ (_log_chance(moved, fit, data) - _log_chance(gamma, fit, data))
        gain += (((gamma - centre) ** 2 - (moved - centre) ** 2) / (2 * s2)).sum(axis=1)
        ordered = (np.diff(moved, axis=1) > 0).all(axis=1)
        taken = ordered & (np.log(rng.random(gain.shape)) < gain)
        gamma = np.where(taken[:, None, :], moved, gamma)
        if turn < warm_up:
            step *= np.exp((taken - 0.35) / np.sqrt(turn + 1.0))
        # all thresholds of a cut together: what they have in common moves slowly one level at a time
        for cut in range(cuts):
            shift = np.zeros((cuts, chains))
            shift[cut] = stride[cut] * rng.standard_normal(chains)
            moved = gamma + shift
            gain = (_log_chance(moved, fit, data) - _log_chance(gamma, fit, data)).sum(axis=0)
            gain += (of_all[cut] ** 2 - (of_all[cut] + shift[cut]) ** 2) / (2 * wide2)
            ordered = (np.diff(moved, axis=1) > 0).all(axis=(0, 1))
            taken = ordered & (np.log(rng.random(chains)) < gain)
            shift = np.where(taken, shift, 0.0)
            gamma, of_group, of_all = gamma + shift, of_group + shift, of_all + shift
            if turn < warm_up:
                stride[cut] *= np.exp((taken - 0.44) / np.sqrt(turn + 1.0))
        # latent values of ratings, between their thresholds
        low, high = _bounds(gamma, data)
        y = fit + _between(low - fit, high - fit, rng)
        # units, then raters: regressions of one on the other
        weight = 1 + by_unit @ beta[data.rater] ** 2
        z = (by_unit @ (beta[data.rater] * y)) / weight + rng.standard_normal(z.shape) / np.sqrt(weight)
        weight = 1 + by_rater @ z[data.unit] ** 2
        mean, sd = (1 + by_rater @ (z[data.unit] * y)) / weight, 1 / np.sqrt(weight)
        beta = mean + sd * _between(-mean / sd, np.full_like(mean, np.inf), rng)
        # origin and scale, which leave every chance of a rating as it is: only the priors speak
        z, gamma, of_group, of_all, taken = _slide(z, beta, gamma, of_group, of_all, slide, data, rng)
        z, beta, stretched = _stretch(z, beta, stretch, rng)
        if turn < warm_up:
            slide *= np.exp((taken - 0.44) / np.sqrt(turn + 1.0))
            stretch *= np.exp((stretched - 0.44) / np.sqrt(turn + 1.0))
        # thresholds of groups and of all
        sums = (by_group @ gamma.reshape(raters, -1)).reshape(groups, cuts, chains)
        weight_g = in_group / s2 + 1 / s2
        of_group = (sums / s2 + of_all / s2) / weight_g + rng.standard_normal(sums.shape) / np.sqrt(weight_g)
        weight_a = groups / s2 + 1 / wide2
        of_all = of_group.sum(axis=0) / s2 / weight_a + rng.standard_normal(of_all.shape) / np.sqrt(weight_a)
        if turn >= warm_up:
            yield State(z, beta, gamma, of_group, of_all)


def _slide(
    z: Array,
    beta: Array,
    gamma: Array,
    of_group: Array,
    of_all: Array,
    step: Array,
    data: Ordinal,
    rng: np.random.Generator,
) -> tuple[Array, Array, Array, Array, Array]:
    """Move all units by δ, thresholds of raters by β δ, those of groups and of all by δ, or stay."""
    delta = step * rng.standard_normal(step.shape)
    apart, by_rater = gamma - of_group[data.group], (beta - 1)[:, None] * delta
    gain = -0.5 * ((z + delta) ** 2 - z**2).sum(axis=0)
    gain -= ((apart + by_rater) ** 2 - apart**2).sum(axis=(0, 1)) / (2 * data.within**2)
    gain -= ((of_all + delta) ** 2 - of_all**2).sum(axis=0) / (2 * data.wide**2)
    taken = np.log(rng.random(step.shape)) < gain
    delta = np.where(taken, delta, 0.0)
    return z + delta, gamma + beta[:, None] * delta, of_group + delta, of_all + delta, taken


def _stretch(z: Array, beta: Array, step: Array, rng: np.random.Generator) -> tuple[Array, Array, Array]:
    """Multiply all units by a factor and divide discriminations by it, or stay."""
    log_factor = step * rng.standard_normal(step.shape)
    factor = np.exp(log_factor)
    gain = (len(z) - len(beta)) * log_factor
    gain -= 0.5 * ((z * factor) ** 2 - z**2).sum(axis=0)
    gain -= 0.5 * ((beta / factor - 1) ** 2 - (beta - 1) ** 2).sum(axis=0)
    taken = np.log(rng.random(step.shape)) < gain
    factor = np.where(taken, factor, 1.0)
    return z * factor, beta / factor, taken


def _bounds(gamma: Array, data: Ordinal) -> tuple[Array, Array]:
    edge = np.full((len(gamma), 1, gamma.shape[2]), np.inf)
    whole = np.concatenate([-edge, gamma, edge], axis=1)
    return whole[data.rater, data.score], whole[data.rater, data.score + 1]


def _log_chance(gamma: Array, fit: Array, data: Ordinal) -> Array:
    low, high = _bounds(gamma, data)
    low, high = low - fit, high - fit
    # in the tail where the difference is exact
    flip = low > 0
    low, high = np.where(flip, -high, low), np.where(flip, -low, high)
    return np.log(np.maximum(special.ndtr(high) - special.ndtr(low), 1e-300))


def _between(low: Array, high: Array, rng: np.random.Generator) -> Array:
    """Standard normal draws between bounds, by the inverse of the distribution in the tail where it is exact."""
    flip = low > 0
    a, b = np.where(flip, -high, low), np.where(flip, -low, high)
    p, q = special.ndtr(a), special.ndtr(b)
    drawn = special.ndtri(np.clip(p + rng.random(low.shape) * (q - p), 1e-300, 1 - 1e-16))
    drawn = np.clip(drawn, np.maximum(a, -37.0), np.maximum(b, -37.0))
    return np.where(flip, -drawn, drawn)
