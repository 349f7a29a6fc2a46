"""Draws from the joint distribution of estimates."""

from __future__ import annotations

import numpy as np

from uncac_metrics.stats.estimates import Estimates
from uncac_metrics.stats.trends.series import years

Array = np.ndarray


def normal_draws(estimates: Estimates, draws: int, seed: int) -> Array:
    """Draws about the values with their joint covariance, of shape (draws, rows); or the draws that they hold."""
    if estimates.draws is not None or not len(estimates):
        return np.empty((draws, 0)) if estimates.draws is None else np.asarray(estimates.draws)
    value = estimates.table["value"].to_numpy(dtype=float)
    return value + errors_of(estimates, estimates.covariance().to_numpy(), draws, seed)


def errors_of(estimates: Estimates, covariance: Array, draws: int, seed: int) -> Array:
    """Normal errors of mean 0 for the rows, of shape (draws, rows); NaN where the variance is unknown.

    They depend on the numbers alone, not on the order or the names of the rows.
    """
    value = estimates.table["value"].to_numpy(dtype=float)
    variance = np.diag(covariance)
    order = np.lexsort((variance, value, years(estimates.table["time_period"])))
    order = order[(np.isfinite(variance) & ~np.isnan(value))[order]]
    out = np.full((draws, value.size), np.nan)
    out[:, order] = correlated_normals(covariance[np.ix_(order, order)], draws, np.random.default_rng(seed))
    return out


def correlated_normals(covariance: Array, draws: int, rng: np.random.Generator) -> Array:
    """Normal draws of mean 0, of shape (draws, n)."""
    error = np.sqrt(np.diag(covariance))
    safe = np.where(error > 0, error, 1.0)
    correlation = covariance / np.outer(safe, safe)
    # a tiny ridge: estimates that rest on the same answers correlate perfectly
    np.fill_diagonal(correlation, 1.0 + 1e-10)
    return rng.standard_normal((draws, error.size)) @ np.linalg.cholesky(correlation).T * error
