"""Areas without a value: draws from a model of the others, and worst-case bounds. Arrays in, arrays out."""

from __future__ import annotations

import numpy as np
from scipy import special

from uncac_metrics.stats.trends.fits import contrasts, gls, log_likelihood

Array = np.ndarray
SPARE = 3  # areas with a value beyond the coefficients: fewer, and the posterior of the scatter is hardly proper


def predictive_draws(
    y: Array, variance: Array, x: Array, x_missing: Array, draws: int, rng: np.random.Generator
) -> tuple[Array, Array]:
    r"""Draws of the truth in areas without a value, from their posterior predictive distribution.

    :math:`y_a = x_a^\top \gamma + v_a + e_a` with known :math:`\operatorname{var} e_a`,
    :math:`v_a \sim N(0, \tau^2)` and flat priors of γ and τ (up to ten times the root mean square of the contrasts).
    τ is drawn from its marginal posterior on a grid, γ given τ from its normal posterior, v last: no Markov chain,
    no convergence to check.

    Parameters
    ----------
    y, variance : arrays of shape (n,)
        Values of the areas that have one, and their sampling variances.
    x : array of shape (n, p)
    x_missing : array of shape (k, p)
    draws : int
    rng : Generator

    Returns
    -------
    drawn : array of shape (draws, k)
    pull : array of shape (k, n)
        Derivatives of what is predicted with respect to `y`, for the mean over τ.
    """
    around = contrasts(x, y, np.diag(variance))
    reach = 10 * np.sqrt(float(around.square.mean()))
    if reach == 0.0:  # all on one line: no scatter is seen
        line = gls(x, y, np.diag(variance))
        return np.tile(x_missing @ line.beta, (draws, 1)), x_missing @ line.weights
    step = reach / 400
    grid = (np.arange(400) + 0.5) * step
    chance = np.exp(log_likelihood(grid**2, around) - log_likelihood(grid**2, around).max())
    cumulative = np.cumsum(chance) / chance.sum()
    at = np.searchsorted(cumulative, rng.random(draws))
    tau = grid[at] + (rng.random(draws) - 0.5) * step  # anywhere within the cell
    weight = 1 / (variance + grid[:, None] ** 2)
    information = np.einsum("gn,np,nq->gpq", weight, x, x)
    beta = np.linalg.solve(information, np.einsum("gn,np,n->gp", weight, x, y)[..., None])[..., 0]
    root = np.linalg.cholesky(np.linalg.inv(information))
    fluctuation = np.einsum("dpq,dq->dp", root[at], rng.standard_normal((draws, x.shape[1])))
    coefficients = beta[at] + fluctuation
    drawn = coefficients @ x_missing.T + tau[:, None] * rng.standard_normal((draws, len(x_missing)))
    map_of_y = np.linalg.solve(information, np.einsum("np,gn->gpn", x, weight))
    return drawn, x_missing @ np.einsum("g,gpn->pn", chance / chance.sum(), map_of_y)


def bound_limits(
    value: Array, std_error: Array, share: Array, bounds: tuple[float, float], level: float
) -> tuple[Array, Array]:
    r"""Limits of a mean of which only a share is known, the rest being anywhere within bounds.

    The mean lies in :math:`[c \bar A + (1 - c) l,\; c \bar A + (1 - c) h]`; sampling errors widen both ends by C
    standard errors, :math:`\Phi(C + \Delta / s) - \Phi(-C) = 1 - \alpha` with Δ the width and s the error of
    :math:`c \bar A`: the interval covers the true mean, wherever it lies between the ends.

    Parameters
    ----------
    value, std_error : arrays
        Mean of the known part and its standard error.
    share : array
        c, the weight of the known part.
    bounds : (low, high)
    level : float

    Returns
    -------
    lower, upper : arrays
        Without sampling errors where these are unknown.

    References
    ----------
    Manski (1989), Journal of Human Resources 24, 343–360; Imbens and Manski (2004), Econometrica 72, 1845–1857.

    Examples
    --------
    >>> import numpy as np
    >>> low, high = bound_limits(np.array([20.0]), np.array([1.0]), np.array([0.8]), (0.0, 100.0), 0.95)
    >>> low.round(2), high.round(2)
    (array([14.68]), array([37.32]))
    """
    low, high = bounds
    width = (1 - share) * (high - low)
    error = np.where(np.isnan(std_error), 0.0, share * std_error)
    with np.errstate(divide="ignore", invalid="ignore"):
        steps = np.where(error > 0, width / np.where(error > 0, error, 1.0), np.inf)
    below, above = np.zeros(np.shape(value)), np.full(np.shape(value), 40.0)
    for _ in range(60):
        middle = (below + above) / 2
        short = special.ndtr(middle + steps) - special.ndtr(-middle) < level
        below, above = np.where(short, middle, below), np.where(short, above, middle)
    reach = above * error
    return (
        np.maximum(share * value + (1 - share) * low - reach, low),
        np.minimum(share * value + (1 - share) * high + reach, high),
    )
