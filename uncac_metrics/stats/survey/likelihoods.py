"""Likelihoods of outcomes with several levels: value, scores by row and observed information."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import special

Array = np.ndarray
Pieces = tuple[float, Array, Array]
"""Log-likelihood, scores by row (n × q) and observed information (q × q)."""


@dataclass(frozen=True)
class Link:
    """A distribution function with its inverse, density and the density's derivative."""

    cdf: Callable[[Array], Array]
    inverse: Callable[[Array], Array]
    density: Callable[[Array], Array]
    bend: Callable[[Array], Array]


def _logistic_density(z: Array) -> Array:
    p = special.expit(z)
    return p * (1 - p)


def _normal_density(z: Array) -> Array:
    return np.exp(-0.5 * z * z) / np.sqrt(2 * np.pi)


def _extreme_density(z: Array) -> Array:
    return np.exp(z - np.exp(z))


LINKS = {
    "logit": Link(
        special.expit, special.logit, _logistic_density, lambda z: _logistic_density(z) * (1 - 2 * special.expit(z))
    ),
    "probit": Link(special.ndtr, special.ndtri, _normal_density, lambda z: -z * _normal_density(z)),
    "cloglog": Link(
        lambda z: -np.expm1(-np.exp(z)), lambda p: np.log(-np.log1p(-p)), _extreme_density,
        lambda z: _extreme_density(z) * (1 - np.exp(z)),
    ),
}  # fmt: skip


def ordered_pieces(x: Array, codes: Array, k: int, link: Link, beta: Array, weight: Array) -> Pieces:
    """Cumulative link model; the coefficients are slopes, then thresholds."""
    n, p = x.shape
    theta = beta[p:]
    if (np.diff(theta) <= 0).any():
        return -np.inf, np.zeros((n, beta.size)), np.eye(beta.size)
    eta = x @ beta[:p]
    above, below = codes < k - 1, codes > 0
    a = np.where(above, theta[np.minimum(codes, k - 2)] - eta, 0.0)
    b = np.where(below, theta[np.maximum(codes - 1, 0)] - eta, 0.0)
    probability = np.where(above, link.cdf(a), 1.0) - np.where(below, link.cdf(b), 0.0)
    if (probability <= 0).any():
        return -np.inf, np.zeros((n, beta.size)), np.eye(beta.size)
    fa, fb = np.where(above, link.density(a), 0.0), np.where(below, link.density(b), 0.0)
    da, db = np.where(above, link.bend(a), 0.0), np.where(below, link.bend(b), 0.0)
    za, zb = (np.hstack([-x, np.zeros((n, k - 1))]) for _ in range(2))
    row = np.arange(n)
    za[row[above], p + codes[above]] = 1.0
    zb[row[below], p + codes[below] - 1] = 1.0
    scores = (fa / probability)[:, None] * za - (fb / probability)[:, None] * zb
    information = (weight[:, None] * scores).T @ scores
    information -= ((weight * da / probability)[:, None] * za).T @ za
    information += ((weight * db / probability)[:, None] * zb).T @ zb
    return float(weight @ np.log(probability)), scores, information


def ordered_probabilities(x: Array, values: Array, k: int, link: Link) -> tuple[Array, Array]:
    """Probabilities (rows × levels) and their derivatives by the coefficients (rows × levels × q)."""
    p = x.shape[1]
    z = values[p:] - (x @ values[:p])[:, None]
    cumulative = np.hstack([np.zeros((len(x), 1)), link.cdf(z), np.ones((len(x), 1))])
    density = np.hstack([np.zeros((len(x), 1)), link.density(z), np.zeros((len(x), 1))])
    slope = np.zeros((len(x), k, values.size))
    for level in range(k):
        high, low = density[:, level + 1], density[:, level]
        slope[:, level, :p] = -(high - low)[:, None] * x
        if level < k - 1:
            slope[:, level, p + level] += high
        if level > 0:
            slope[:, level, p + level - 1] -= low
    return np.diff(cumulative, axis=1), slope


def multinomial_pieces(x: Array, codes: Array, k: int, beta: Array, weight: Array) -> Pieces:
    """Multinomial logit; the coefficients are those of each level but the first, one level after the other."""
    n, p = x.shape
    eta = np.hstack([np.zeros((n, 1)), x @ beta.reshape(k - 1, p).T])
    logs = eta - special.logsumexp(eta, axis=1, keepdims=True)
    probability = np.exp(logs[:, 1:])
    residual = (codes[:, None] == np.arange(1, k)) - probability
    scores = (residual[:, :, None] * x[:, None, :]).reshape(n, -1)
    information = np.empty((k - 1, p, k - 1, p))
    for i in range(k - 1):
        for j in range(k - 1):
            w = weight * probability[:, i] * ((i == j) - probability[:, j])
            information[i, :, j, :] = (w[:, None] * x).T @ x
    return float(weight @ logs[np.arange(n), codes]), scores, information.reshape(p * (k - 1), -1)


def multinomial_probabilities(x: Array, values: Array, k: int) -> tuple[Array, Array]:
    """Probabilities (rows × levels) and their derivatives by the coefficients (rows × levels × q)."""
    n, p = x.shape
    eta = np.hstack([np.zeros((n, 1)), x @ values.reshape(k - 1, p).T])
    probability = special.softmax(eta, axis=1)
    slope = np.empty((n, k, k - 1, p))
    for i in range(k):
        for j in range(1, k):
            slope[:, i, j - 1, :] = (probability[:, i] * ((i == j) - probability[:, j]))[:, None] * x
    return probability, slope.reshape(n, k, -1)
