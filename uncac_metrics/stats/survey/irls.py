r"""Iteratively reweighted least squares in blocks of rows.

Each step solves :math:`(X^\top W X)\,\delta = X^\top W g'(\mu) (y - \mu)` with
:math:`W = w\,(d\mu/d\eta)^2 / V(\mu)`: Fisher scoring, which is Newton's method for canonical links. Columns are
centred and scaled first, so that years or incomes do not spoil the sums of squares.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from uncac_metrics.stats.survey.influence import BLOCK

Array = np.ndarray
STEPS = 40
CLOSE = 1e-10  # length of the last step, in standard errors of an independent sample


@dataclass(frozen=True, eq=False)
class Solution:
    """Where the iteration ended."""

    coefficients: Array
    information: Array
    """X'WX for weights with mean one."""
    deviance: float
    converged: bool
    step: Array
    """The last step."""


def standardise(x: Array, weight: Array, intercept: int | None) -> Array:
    """Centre (where there is an intercept) and scale the columns of `x` in place.

    Returns
    -------
    array of shape (p, p)
        C with x = x_old C: coefficients on the old columns are C times those on the new ones.
    """
    p = x.shape[1]
    change = np.eye(p)
    total = weight.sum()
    mean = np.zeros(p)
    if intercept is not None:
        mean = weight @ x / total
        mean[intercept] = 0.0
    squares = np.zeros(p)
    for start in range(0, len(x), BLOCK):
        block = x[start : start + BLOCK]
        block -= mean
        squares += weight[start : start + BLOCK] @ (block * block)
    scale = np.sqrt(squares / total)
    constant = scale <= 1e-12 * np.abs(mean)
    scale = np.where((scale > 0) & ~constant, scale, 1.0)
    for start in range(0, len(x), BLOCK):
        x[start : start + BLOCK] /= scale
    if intercept is not None:
        x[:, constant & (mean != 0)] = 0.0  # what rounding leaves of a second column of ones
    change /= scale
    if intercept is not None:
        change[intercept] -= mean / scale
        change[intercept, intercept] = 1.0 / scale[intercept]
    return change


def collinear(information: Array) -> list[int]:
    """Columns that are linear combinations of earlier ones, from their cross-products."""
    size = np.sqrt(np.diag(information))
    kept: list[int] = []
    out = []
    for j in range(len(size)):
        if not size[j] > 0:
            out.append(j)
            continue
        trial = [*kept, j]
        block = information[np.ix_(trial, trial)] / np.outer(size[trial], size[trial])
        rest = 1.0
        if kept:
            rest = 1 - block[-1, :-1] @ np.linalg.solve(block[:-1, :-1], block[:-1, -1])
        if rest > 1e-11:
            kept.append(j)
        else:
            out.append(j)
    return out


def gram(x: Array, weight: Array) -> Array:
    """X'WX."""
    out = np.zeros((x.shape[1], x.shape[1]))
    for start in range(0, len(x), BLOCK):
        block = x[start : start + BLOCK]
        out += block.T @ (block * weight[start : start + BLOCK, None])
    return out


def pieces(x: Array, offset: Array | None, beta: Array, family: Any) -> tuple[Array, Array, Array]:
    """Mean, derivative of the mean by the linear predictor, and variance function of a block."""
    eta = x @ beta
    if offset is not None:
        eta = eta + offset
    mu = family.link.inverse(eta)
    return mu, 1.0 / family.link.deriv(mu), family.variance(mu)


def _pass(
    x: Array, y: Array, weight: Array, offset: Array | None, beta: Array | None, family: Any
) -> tuple[Array, Array, float]:
    """Information, score (or, without coefficients, right-hand side of the first step) and deviance."""
    p = x.shape[1]
    information, score, deviance = np.zeros((p, p)), np.zeros(p), 0.0
    for start in range(0, len(x), BLOCK):
        part = slice(start, start + BLOCK)
        xb, yb, wb = x[part], y[part], weight[part]
        ob = None if offset is None else offset[part]
        if beta is None:
            mu = family.starting_mu(yb)
            slope = family.link.deriv(mu)
            working = wb / (slope**2 * family.variance(mu))
            response = family.link(mu) + (yb - mu) * slope - (0.0 if ob is None else ob)
        else:
            mu, d, v = pieces(xb, ob, beta, family)
            working, response = wb * d * d / v, (yb - mu) / d
            deviance += float(family.deviance(yb, mu, var_weights=wb))
        information += xb.T @ (xb * working[:, None])
        score += (working * response) @ xb
    return information, score, deviance


def solve(
    x: Array, y: Array, weight: Array, offset: Array | None, family: Any, start: Array | None = None,
    steps: int = STEPS,
) -> Solution:  # fmt: skip
    """Coefficients that maximise the weighted likelihood.

    Parameters
    ----------
    x : array of shape (n, p)
        Of full rank.
    y, weight : arrays of shape (n,)
        Outcome, and weights with mean one.
    offset : array of shape (n,), optional
    family : statsmodels.genmod.families.Family
    start : array of shape (p,), optional
        Coefficients to start from.
    steps : int
        Steps at most.
    """
    with np.errstate(all="ignore"):
        beta = start
        step = np.zeros(x.shape[1])
        if beta is None:
            information, score, _ = _pass(x, y, weight, offset, None, family)
            beta = step = _solved(information, score)
        information, score, deviance = _pass(x, y, weight, offset, beta, family)
        for _ in range(steps):
            step = _solved(information, score)
            length = np.sqrt(max(float(step @ score), 0.0))
            if not np.isfinite(step).all():
                break
            # where coefficients run away the score vanishes in rounding, but their steps do not
            if length < CLOSE and np.abs(step).max() <= 1e-4 * (1.0 + np.abs(beta).max()):
                return Solution(beta + step, information, deviance, True, step)
            before = deviance
            for _ in range(30):
                trial = _pass(x, y, weight, offset, beta + step, family)
                # a step that does not lower the deviance, but for rounding, is halved
                if np.isfinite(trial[2]) and trial[2] <= before + 1e-7 * (abs(before) + 1):
                    break
                step = step / 2
            else:
                break
            beta = beta + step
            information, score, deviance = trial
    return Solution(beta, information, deviance, False, step)


def _solved(matrix: Array, right: Array) -> Array:
    try:
        return np.linalg.solve(matrix, right)
    except np.linalg.LinAlgError:
        return np.full(right.size, np.nan)
