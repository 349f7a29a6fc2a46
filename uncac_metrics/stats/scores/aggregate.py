r"""Several scores into one. Arrays in, arrays out: scores along the last axis, everything else is carried along.

Weights are shares of what is observed: a missing score gives its weight to the others, unless less than the threshold
of the scores with a weight is observed. A score of weight zero has no influence of any kind.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from uncac_metrics.model import Fault, Faults
from uncac_metrics.stats.scores import ucm
from uncac_metrics.stats.scores.normalise import has_missing, zscore

Array = np.ndarray


def _shares(x: Array, weights: Array | None, complete: bool) -> tuple[Array, Array]:
    """Scores with missing ones set to zero, and weights that are zero there and sum to one over the rest."""
    w = np.ones(x.shape[-1]) if weights is None else np.asarray(weights, dtype=float)
    if not complete:
        missing = np.isnan(x)
        w = np.where(missing, 0.0, w)
        x = np.where(missing, 0.0, x)
    total = w.sum(axis=-1, keepdims=True)
    return x, w / np.where(total > 0, total, np.nan)


def _dot(x: Array, share: Array) -> Array:
    """Σ share · x along the last axis, by a matrix product where the units have the same weights."""
    if share.ndim == 1:
        return x @ share
    if share.ndim == x.ndim and share.shape[-2] == 1:
        return np.matmul(x, np.swapaxes(share, -1, -2))[..., 0]
    return np.einsum("...j,...j->...", x, share)


def _power_mean(values: Array, share: Array, power: float = 1.0) -> Array:
    if power == 1:
        return _dot(values, share)
    used = share > 0
    safe = np.ascontiguousarray(values) if used.all() else np.where(used, values, 1.0)
    least = safe.min()
    if least > 0:
        return np.exp(_dot(np.log(safe), share)) if power == 0 else _dot(safe**power, share) ** (1 / power)
    lowest = safe.min(axis=-1)
    inside = np.where(safe > 0, safe, 1.0 if power <= 0 else 0.0)
    mean = np.exp(_dot(np.log(inside), share)) if power == 0 else _dot(inside**power, share) ** (1 / power)
    if power <= 0:
        mean = np.where(lowest == 0, 0.0, mean)
    return np.where(lowest < 0, np.nan, mean)


def _mazziotta_pareto(values: Array, share: Array, penalty: int = -1, sample: bool = False) -> Array:
    mean = _dot(values, share)
    spread = _dot((values - mean[..., None]) ** 2, share)
    if sample:
        used = np.broadcast_to(share > 0, values.shape).sum(axis=-1)
        spread = spread * used / (used - 1)
    return mean * (1 + penalty * spread / mean**2)


def _mean_min(values: Array, share: Array, alpha: float = 0.5, beta: float = 1.0) -> Array:
    mean = _dot(values, share)
    least = np.where(share > 0, values, np.inf).min(axis=-1)
    return mean - alpha * (np.sqrt((mean - least) ** 2 + beta**2) - beta)


def _product(values: Array, share: Array) -> Array:
    return np.prod(np.where(share > 0, values, 1.0), axis=-1)


def _group_inequality(values: Array, share: Array, groups: float = 2) -> Array:
    table = values.reshape(*values.shape[:-1], int(groups), -1)
    whole = np.where((share > 0).all(axis=-1), 1.0, np.nan)  # no gap can be filled by the other children
    with np.errstate(divide="ignore", invalid="ignore"):
        within = np.exp(np.log(table).mean(axis=-1))
        across = np.exp(np.log(table.mean(axis=-2)).mean(axis=-1))
        return whole * (1 - 1 / (1 / within).mean(axis=-1) / across)


_KERNELS: Mapping[str, Callable[..., Array]] = {
    "arithmetic": lambda values, share, population=0: _dot(values, share),
    "geometric": lambda values, share: _power_mean(values, share, 0.0),
    "harmonic": lambda values, share: _power_mean(values, share, -1.0),
    "generalised": _power_mean,
    "mazziotta_pareto": _mazziotta_pareto,
    "mean_min": _mean_min,
    "product": _product,
    "group_inequality": _group_inequality,
}
COMPARING = ("copeland", "unobserved_components")
"""Methods that take a unit's score from the other units as well."""
METHODS = (*_KERNELS, *COMPARING)
"""Names of the methods."""


def aggregate(
    x: Array,
    weights: Array | None = None,
    method: str = "arithmetic",
    *,
    threshold: float = 0.0,
    complete: bool | None = None,
    **parameters: Any,
) -> Array:
    """Aggregate scores along the last axis by a named method.

    Parameters
    ----------
    x : array of shape (..., units, scores)
        NaN is missing.
    weights : array of shape (scores,) or (..., 1, scores), optional
        Not negative; need not sum to one. Equal where not given.
    method : str
        One of :data:`METHODS`. Those of :data:`COMPARING` look at all units together; the others take each by itself.
    threshold : float
        Least share of the scores (those with a weight, counted) that must be observed.
    complete : bool, optional
        Nothing is missing, as the caller knows; looked up where not given.
    **parameters
        `power` of the generalised mean, `penalty` and `sample` of Mazziotta and Pareto's, `alpha` and `beta` of
        mean–min, `groups` of the inequality between groups, `representative` of unobserved components, `population`
        of a mean of sources (see :func:`standard_error`).

    Returns
    -------
    array of shape (..., units)
        Missing where too little is observed.

    Raises
    ------
    Faults
        Unknown method.

    Examples
    --------
    >>> aggregate(np.array([[50.0, 80.0, np.nan], [np.nan, 70.0, np.nan]]), threshold=0.5)
    array([65., nan])
    """
    if method not in METHODS:
        raise Faults([Fault("aggregate", "method", f'there is no method "{method}"', f"one of {', '.join(METHODS)}")])
    x = np.asarray(x, dtype=float)
    whole = not has_missing(x) if complete is None else complete
    if method == "copeland":
        result = copeland(x, weights)
    elif method == "unobserved_components":
        result = unobserved_components(x, **parameters)[0]
    else:
        result = _KERNELS[method](*_shares(x, weights, whole), **parameters)
    if whole:
        return result
    missing = np.isnan(x)
    counted = np.ones(x.shape[-1]) if weights is None else (np.asarray(weights) > 0).astype(float)
    seen = (~missing * counted).sum(axis=-1)
    enough = (seen > 0) & (seen >= threshold * counted.sum(axis=-1) - 1e-12)
    return np.where(enough, result, np.nan)


def arithmetic(x: Array, weights: Array | None = None) -> Array:
    """``Σ w x / Σ w``: a deficit in one score is made good by any other."""
    return aggregate(x, weights)


def geometric(x: Array, weights: Array | None = None) -> Array:
    """``exp(Σ w ln x / Σ w)``: zero where a score is zero, undefined (missing) where one is negative."""
    return aggregate(x, weights, "geometric")


def harmonic(x: Array, weights: Array | None = None) -> Array:
    """``Σ w / Σ (w / x)``: the mean that compensates least of the three; zero where a score is zero."""
    return aggregate(x, weights, "harmonic")


def generalised(x: Array, weights: Array | None = None, power: float = 1.0) -> Array:
    """Power mean ``(Σ w x^p / Σ w)^(1/p)``; the geometric mean at p = 0. Undefined where a score is negative.

    Examples
    --------
    >>> generalised(np.array([1.0, 4.0, np.nan]), power=2).round(3), harmonic(np.array([1.0, 4.0]))
    (np.float64(2.915), np.float64(1.6))
    """
    return aggregate(x, weights, "generalised", power=power)


def mazziotta_pareto(x: Array, weights: Array | None = None, penalty: int = -1, sample: bool = False) -> Array:
    r"""``μ (1 ∓ cv²)``: the mean less (`penalty` −1) or more (+1) for imbalance between the scores.

    μ and the coefficient of variation are of the unit's own scores, on the 100 ± 10 scale of
    :func:`~uncac_metrics.stats.scores.normalise.zscore` or on that of the adjusted index. The variance is that of a
    population, as published; ``sample`` divides by one score less (equal weights).

    References
    ----------
    De Muro, Mazziotta and Pareto (2011), Social Indicators Research 104, 1–18.
    """
    return aggregate(x, weights, "mazziotta_pareto", penalty=penalty, sample=sample)


def mean_min(x: Array, weights: Array | None = None, alpha: float = 0.5, beta: float = 1.0) -> Array:
    """Mean less a smooth penalty for the distance of the least score: ``μ − α (√((μ − min)² + β²) − β)``.

    References
    ----------
    Casadio Tarabusi and Guarini (2013), Social Indicators Research 112, 19–45.
    """
    return aggregate(x, weights, "mean_min", alpha=alpha, beta=beta)


def product(x: Array) -> Array:
    """``Π x``: a score and the shares that it keeps, as in an index adjusted for inequality."""
    return aggregate(x, None, "product")


def group_inequality(x: Array, groups: int = 2) -> Array:
    r"""Loss that inequality between groups makes: ``1 − H(G(x_1), G(x_2), …) / G(mean of the groups)``.

    Scores come group by group, the same dimensions in each: G is the geometric mean over the dimensions, H the
    harmonic mean over the groups. Higher is more unequal. The Gender Inequality Index is this for women and men.

    Parameters
    ----------
    x : array of shape (..., units, groups × dimensions)
        Scores from zero up, group by group.
    groups : int
        Number of groups.

    Returns
    -------
    array of shape (..., units)

    References
    ----------
    Seth (2009), Journal of Human Development and Capabilities 10, 219–248.

    Examples
    --------
    >>> group_inequality(np.array([[0.4, 0.9, 0.4, 0.9], [0.2, 0.9, 0.8, 0.9]])).round(3)
    array([0.   , 0.157])
    """
    return aggregate(x, None, "group_inequality", groups=groups)


def unobserved_components(x: Array, representative: Array) -> tuple[Array, Array]:
    """Scores and standard errors of units that several sources rate, as the Worldwide Governance Indicators have them.

    Parameters
    ----------
    x : array of shape (..., units, sources)
        NaN where a source does not rate a unit; a source without ratings does not count.
    representative : boolean array of shape (sources,)

    Returns
    -------
    score, std_error : arrays of shape (..., units)

    See Also
    --------
    uncac_metrics.stats.scores.unobserved_components : the same from a frame of ratings, with its formulas.
    """
    flat = np.asarray(x, dtype=float).reshape(-1, *x.shape[-2:])
    found = [ucm.two_step(y, np.asarray(representative, dtype=bool)) for y in flat]
    alpha, beta, sigma2 = (np.array([one[k] for one in found]) for k in ("alpha", "beta", "sigma2"))
    score, error = ucm.standardised(flat, alpha, beta, sigma2)
    return score.reshape(x.shape[:-1]), error.reshape(x.shape[:-1])


def standard_error(x: Array, method: str, **parameters: Any) -> Array | None:
    r"""Standard error with which a method infers a unit's score from its scores; None where it is one by definition.

    Unobserved components have one, and so has an arithmetic mean of sources that are a sample of `population`:
    :math:`s / \sqrt{n} \cdot \sqrt{(N - n) / (N - 1)}`, without the second factor where N is infinite.

    Parameters
    ----------
    x : array of shape (..., units, scores)
    method : str
    **parameters
        As for :func:`aggregate`.

    Returns
    -------
    array of shape (..., units), or None
        Missing where a mean has fewer than two scores.

    Examples
    --------
    >>> standard_error(np.array([[40.0, 44.0, 47.0, 55.0]]), "arithmetic", population=13).round(3)
    array([2.75])
    """
    if method == "unobserved_components":
        return unobserved_components(x, parameters["representative"])[1]
    if method != "arithmetic" or "population" not in parameters:
        return None
    population = float(parameters["population"])
    n = (~np.isnan(x)).sum(axis=-1)
    gap = x - (np.nansum(x, axis=-1) / np.maximum(n, 1))[..., None]
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = np.sqrt(np.nansum(gap**2, axis=-1) / (n - 1))
        finite = np.sqrt((population - n) / (population - 1)) if np.isfinite(population) else 1.0
        return np.where(n > 1, spread / np.sqrt(n) * finite, np.nan)


def ordered(x: Array, order_weights: Array) -> Array:
    """Ordered weighted average: weights for the best, the second best, …; missing if any score is."""
    return -np.sort(-np.asarray(x, dtype=float), axis=-1) @ np.asarray(order_weights, dtype=float)


def outranking(x: Array, weights: Array | None = None) -> Array:
    r"""Share of the weight by which unit i is better than unit k, a tie counting half.

    .. math:: o_{ik} = \sum_j w_j \left[1(x_{ij} > x_{kj}) + \tfrac12 1(x_{ij} = x_{kj})\right] / \sum_j w_j

    over the indicators that are observed for both, so that :math:`o_{ki} = 1 - o_{ik}` whatever the order of rows.

    Parameters
    ----------
    x : array of shape (..., units, indicators)
    weights : array of shape (indicators,), optional

    Returns
    -------
    array of shape (..., units, units)
        Missing for pairs with nothing in common; the diagonal is one half.

    Examples
    --------
    >>> outranking(np.array([[1.0, 2.0], [3.0, 2.0]]))
    array([[0.5 , 0.25],
           [0.75, 0.5 ]])
    """
    w = np.ones(x.shape[-1]) if weights is None else np.asarray(weights, dtype=float)
    above = np.zeros((*x.shape[:-1], x.shape[-2]))
    total = np.zeros_like(above)
    for j in range(x.shape[-1]):
        mine, other = x[..., :, None, j], x[..., None, :, j]
        weight = w[..., 0, j, None, None] if w.ndim > 1 else w[j]
        total += weight * ~(np.isnan(mine) | np.isnan(other))
        above += weight * ((mine > other) + 0.5 * (mine == other))
    return above / np.where(total > 0, total, np.nan)


def copeland(x: Array, weights: Array | None = None, tolerance: float = 1e-12) -> Array:
    """Units outranked less units outranked by: ``Σ_k sign(o_ik − ½)``.

    Halves are met with a tolerance: sums of the same weights in another order differ in their last bits, and a
    comparison of such sums for equality makes scores depend on the order of rows.

    Parameters
    ----------
    x : array of shape (..., units, indicators)
        Normalised, higher is better.
    weights : array of shape (indicators,), optional
        Equal where not given.
    tolerance : float
        Within it of one half, two units are level.

    Returns
    -------
    array of shape (..., units)
    """
    lead = outranking(np.asarray(x, dtype=float), weights) - 0.5
    with np.errstate(invalid="ignore"):
        won = np.where(np.abs(lead) > tolerance, np.sign(lead), 0.0)
    alone = np.isnan(x).all(axis=-1)
    return np.where(alone, np.nan, np.where(np.isnan(won), 0.0, won).sum(axis=-1))


def wroclaw(x: Array) -> Array:
    """Hellwig's taxonomic measure: distance to the best value of each indicator, over mean + 2 sd of the distances.

    Zero at the ideal; indicators are standardised first. A lower value is better.

    References
    ----------
    Hellwig (1968), Przegląd Statystyczny 15, 307–327.
    """
    z = zscore(np.asarray(x, dtype=float))
    distance = np.sqrt(((z - z.max(axis=-2, keepdims=True)) ** 2).sum(axis=-1))
    scale = distance.mean(axis=-1, keepdims=True) + 2 * distance.std(axis=-1, ddof=1, keepdims=True)
    return distance / scale
