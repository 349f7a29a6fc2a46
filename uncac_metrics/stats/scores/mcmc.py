"""Diagnostics of Markov chains: have they found one distribution, and how many independent draws are they worth?"""

from __future__ import annotations

import numpy as np

Array = np.ndarray


def split_rhat(draws: Array) -> Array:
    """Potential scale reduction of half chains, for draws of shape (chains, draws, parameters); 1 is converged.

    References
    ----------
    Gelman et al. (2013), *Bayesian Data Analysis*, third edition, section 11.4.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> apart = rng.normal(size=(2, 500, 1)) + np.array([0.0, 3.0])[:, None, None]
    >>> split_rhat(rng.normal(size=(2, 500, 1))).round(2), split_rhat(apart).round(1)
    (array([1.]), array([2.]))
    """
    halves = _halves(draws)
    n = halves.shape[1]
    within = halves.var(axis=1, ddof=1).mean(axis=0)
    between = halves.mean(axis=1).var(axis=0, ddof=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        rhat: Array = np.sqrt((n - 1) / n + between / within)
    return rhat


def effective_size(draws: Array) -> Array:
    """Independent draws that give means as precise, for draws of shape (chains, draws, parameters).

    Autocorrelations are summed by pairs of lags as long as a pair is positive, each pair held to the least before.

    References
    ----------
    Geyer (1992), Statistical Science 7, 473–483; Gelman et al. (2013), section 11.5.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> bool(3000 < effective_size(rng.normal(size=(4, 1000, 1)))[0] < 5000)
    True
    """
    halves = _halves(draws)
    chains, n, _ = halves.shape
    centred = halves - halves.mean(axis=1, keepdims=True)
    size = 1 << (2 * n - 1).bit_length()
    spectrum = np.fft.rfft(centred, size, axis=1)
    covariance = np.fft.irfft(np.abs(spectrum) ** 2, size, axis=1)[:, :n].mean(axis=0) / n
    between = halves.mean(axis=1).var(axis=0, ddof=1)
    total = covariance[0] + between
    with np.errstate(divide="ignore", invalid="ignore"):
        rho = 1 - (covariance[0] * n / (n - 1) - covariance) / total
    rho[0] = 1.0
    pairs = rho[: n - n % 2].reshape(-1, 2, rho.shape[1]).sum(axis=1)
    positive = np.logical_and.accumulate(pairs > 0, axis=0)
    summed = np.where(positive, np.minimum.accumulate(pairs, axis=0), 0.0).sum(axis=0)
    found: Array = chains * n / np.maximum(2 * summed - 1, 1 / np.log10(max(chains * n, 10)))
    return found


def _halves(draws: Array) -> Array:
    half = draws.shape[1] // 2
    return np.concatenate([draws[:, :half], draws[:, half : 2 * half]])
