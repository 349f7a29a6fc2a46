"""Likelihood intervals as R finds them: the same deviance, by its scale, its last iteration and its interpolation.

R fits an intercept by iteration, takes the dispersion from the weights of the last but one step, scales the weights
to mean one over the rows of the design (those without an answer included), follows the signed root of the deviance on
a grid, and interpolates a spline of it linearly. The library solves for the deviance; what is compared here is that
deviance, put through R's steps.
"""

from __future__ import annotations

import numpy as np
from scipy import special, stats

from uncac_metrics.stats import intervals, survey

Array = np.ndarray
LAST, POINTS = 10, 3  # steps of the profile at most, and points of the spline for each step


def limits(design: survey.Design, rows: Array, y: Array, std_error: float, df: float) -> tuple[float, float]:
    """The 95 % limits that R gives for the share of `y` (1, 0, NaN) among these rows."""
    used = rows & ~np.isnan(y)
    w = design.weight[used] / design.weight[rows].mean()
    centre, dispersion = _fit(y[used], w)
    p, size = np.average(y[used], weights=w), w.sum()
    q = special.expit(centre)
    error = std_error / (q * (1 - q))
    cut = stats.t.ppf(0.975, df) * error * np.sqrt(size * q * (1 - q))
    furthest = stats.t.isf(stats.norm.sf(cut) / 4, used.sum() - 1)
    step, points, roots = furthest / 5 * error, [centre], [0.0]
    for side in (-1, 1):
        for k in range(1, LAST):
            points.append(centre + side * k * step)
            roots.append(side * np.sqrt(intervals.deviance(p, size, points[-1]) / dispersion))
            if abs(roots[-1]) >= furthest:
                break
    order = np.argsort(roots)
    x, z = np.array(points)[order], np.array(roots)[order]
    fine = np.linspace(x[0], x[-1], POINTS * x.size)
    lower, upper = special.expit(np.interp([-cut, cut], _spline(x, z, fine), fine))
    return float(lower), float(upper)


def _fit(y: Array, w: Array) -> tuple[float, float]:
    """Log odds and dispersion of an intercept at which R stops (relative change of the deviance below 1e-8)."""
    eta = special.logit((w * y + 0.5) / (w + 1))
    last = np.inf
    while True:
        mu = special.expit(eta)
        spread = mu * (1 - mu)
        found = np.sum(w * spread * (eta + (y - mu) / spread)) / np.sum(w * spread)
        eta = np.full(y.size, found)
        q = special.expit(found)
        now = -2 * np.sum(w * np.where(y == 1, np.log(q), np.log1p(-q)))
        if abs(now - last) / (abs(now) + 0.1) < 1e-8:
            return float(found), float(np.sum(w * spread * ((y - q) / (q * (1 - q))) ** 2) / (y.size - 1))
        last = now


def _spline(x: Array, y: Array, at: Array) -> Array:
    """Cubic spline with the third derivatives at its ends from the four points there (Forsythe, Malcolm, Moler)."""
    d = np.diff(x)
    slope = np.diff(y) / d
    bend = np.concatenate([[0.0], np.diff(slope), [0.0]])
    bend[0] = (bend[2] / (x[3] - x[1]) - bend[1] / (x[2] - x[0])) * d[0] ** 2 / (x[3] - x[0])
    bend[-1] = -(bend[-2] / (x[-1] - x[-3]) - bend[-3] / (x[-2] - x[-4])) * d[-1] ** 2 / (x[-1] - x[-4])
    matrix = np.diag(np.concatenate([[-d[0]], 2 * (d[:-1] + d[1:]), [-d[-1]]])) + np.diag(d, 1) + np.diag(d, -1)
    c = np.linalg.solve(matrix, bend)
    i = np.clip(np.searchsorted(x, at, side="right") - 1, 0, x.size - 2)
    h = at - x[i]
    first, third = slope - d * (c[1:] + 2 * c[:-1]), np.diff(c) / d
    return y[i] + h * (first[i] + h * (3 * c[i] + h * third[i]))
