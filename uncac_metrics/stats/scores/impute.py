r"""Missing values: one value for each, or many with the uncertainty that they carry.

Units along axis −2 and indicators along the last for what is filled within one period; a panel has its periods along
the first axis. A filled value is not an observation: single imputation understates every standard error, and only
:func:`multiple` with Rubin's rules (:func:`uncac_metrics.stats.survey.pool`) carries what is not known.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from uncac_metrics.model import Fault, Faults

Array = np.ndarray


def column(x: Array, statistic: str = "mean", groups: Array | None = None) -> Array:
    """Fill with the mean or median of the indicator, over all units or over those of the unit's own group.

    Parameters
    ----------
    x : array of shape (..., units, indicators)
    statistic : {'mean', 'median'}
    groups : array of shape (units,), optional
        Group of each unit. Where nothing is observed in a group, the value stays missing.

    Returns
    -------
    array of the shape of x

    Examples
    --------
    >>> column(np.array([[1.0], [3.0], [np.nan]])).ravel()
    array([1., 3., 2.])
    """
    x = np.array(x, dtype=float)
    labels = np.zeros(x.shape[-2], dtype=int) if groups is None else np.unique(groups, return_inverse=True)[1]
    for label in range(labels.max(initial=-1) + 1):
        rows = labels == label
        part = x[..., rows, :]
        x[..., rows, :] = np.where(np.isnan(part), _centre(part, statistic, -2), part)
    return x


def _centre(x: Array, statistic: str, axis: int) -> Array:
    """Mean or median of the observed values along an axis, which is kept; missing where there are none."""
    seen = ~np.isnan(x)
    n = seen.sum(axis=axis, keepdims=True)
    if statistic == "mean":
        return np.where(seen, x, 0.0).sum(axis=axis, keepdims=True) / np.where(n > 0, n, np.nan)
    if statistic == "median":
        if x.shape[axis] == 0:
            return np.full(n.shape, np.nan)
        ordered = np.sort(x, axis=axis)
        low, high = (np.take_along_axis(ordered, np.maximum(k, 0), axis=axis) for k in ((n - 1) // 2, n // 2))
        return np.where(n > 0, (low + high) / 2, np.nan)
    raise Faults([Fault("impute", "statistic", f'there is no statistic "{statistic}"', "mean or median")])


def row(x: Array, statistic: str = "mean", groups: Array | None = None) -> Array:
    """Fill with the unit's own mean or median over the indicators of a group, each on the scale of its range.

    Indicators are first brought to 0 … 1 by their least and greatest value, and the filled value is brought back. All
    indicators of a group must point the same way.

    Parameters
    ----------
    x : array of shape (..., units, indicators)
    statistic : {'mean', 'median'}
    groups : array of shape (indicators,), optional
        Group of each indicator; all together where not given.

    Returns
    -------
    array of the shape of x
    """
    x = np.array(x, dtype=float)
    labels = np.zeros(x.shape[-1], dtype=int) if groups is None else np.unique(groups, return_inverse=True)[1]
    least = np.fmin.reduce(x, axis=-2, keepdims=True)
    span = np.fmax.reduce(x, axis=-2, keepdims=True) - least
    scaled = (x - least) / np.where(span > 0, span, np.nan)
    for label in range(labels.max(initial=-1) + 1):
        of = labels == label
        filled = _centre(scaled[..., of], statistic, -1) * span[..., of] + least[..., of]
        x[..., of] = np.where(np.isnan(x[..., of]), filled, x[..., of])
    return x


def _neighbours(seen: Array) -> tuple[Array, Array]:
    """Position of the last period seen up to each, and of the first seen from each on; −1 and T where there is none."""
    periods = np.arange(len(seen)).reshape((-1,) + (1,) * (seen.ndim - 1))
    before = np.maximum.accumulate(np.where(seen, periods, -1), axis=0)
    after = np.minimum.accumulate(np.where(seen, periods, len(seen))[::-1], axis=0)[::-1]
    return before, after


def latest(x: Array, periods: Array, most: float | None = None) -> Array:
    """Carry the last observed value of a unit forward, over at most `most` units of time.

    Parameters
    ----------
    x : array of shape (periods, units, indicators)
    periods : array of shape (periods,)
        When each is, ascending.
    most : float, optional
        A value may be this old; None: any age.

    Returns
    -------
    array of the shape of x

    Examples
    --------
    >>> latest(np.array([[[1.0]], [[np.nan]], [[np.nan]]]), np.array([2019, 2020, 2021]), most=1).ravel()
    array([ 1.,  1., nan])
    """
    before, _ = _neighbours(~np.isnan(x))
    filled = np.take_along_axis(x, np.maximum(before, 0), axis=0)
    when = np.asarray(periods, dtype=float)
    age = when.reshape((-1,) + (1,) * (x.ndim - 1)) - when[np.maximum(before, 0)]
    young = (before >= 0) & (age <= (np.inf if most is None else most))
    return np.where(np.isnan(x) & young, filled, x)


def linear(x: Array, periods: Array, method: str = "linear") -> Array:
    """Fill between two observed periods of a unit, and beyond the first and last with the nearest of them.

    Parameters
    ----------
    x : array of shape (periods, units, indicators)
    periods : array of shape (periods,)
    method : {'linear', 'constant'}
        On the line between the neighbours, or with the earlier one. A unit with a single value takes it everywhere.

    Returns
    -------
    array of the shape of x
    """
    before, after = _neighbours(~np.isnan(x))
    none = before.max(axis=0) < 0
    early, late = np.where(before < 0, after, before), np.where(after == len(x), before, after)
    early, late = (np.where(none, 0, a) for a in (early, late))
    y0, y1 = np.take_along_axis(x, early, axis=0), np.take_along_axis(x, late, axis=0)
    if method == "constant":
        return np.where(np.isnan(x), y0, x)
    when = np.asarray(periods, dtype=float)
    t0, t1 = when[early], when[late]
    now = when.reshape((-1,) + (1,) * (x.ndim - 1))
    share = (now - t0) / np.where(t1 > t0, t1 - t0, 1.0)
    return np.where(np.isnan(x), y0 + share * (y1 - y0), x)


@dataclass(frozen=True, eq=False)
class Normal:
    """A multivariate normal distribution fitted to incomplete data by maximum likelihood."""

    mean: Array
    covariance: Array
    log_likelihood: float
    """Of the observed values."""
    iterations: int


def _patterns(x: Array) -> list[tuple[Array, Array]]:
    """Rows by their pattern of missing values: which indicators are seen, and the rows."""
    seen = ~np.isnan(x)
    kinds, label = np.unique(seen, axis=0, return_inverse=True)
    return [(kinds[k], np.flatnonzero(label.ravel() == k)) for k in range(len(kinds))]


def _conditional(mean: Array, covariance: Array, seen: Array) -> tuple[Array, Array]:
    """Regression of the missing indicators on those that are seen: coefficients and residual covariance."""
    slope = np.linalg.solve(covariance[np.ix_(seen, seen)], covariance[np.ix_(seen, ~seen)]).T
    return slope, covariance[np.ix_(~seen, ~seen)] - slope @ covariance[np.ix_(seen, ~seen)]


def em(x: Array, *, tolerance: float = 1e-12, most: int = 20_000) -> Normal:
    r"""Mean and covariance of a multivariate normal with values missing at random, by the EM algorithm.

    E: :math:`\hat x_m = \mu_m + \Sigma_{mo}\Sigma_{oo}^{-1}(x_o - \mu_o)`,
    :math:`C_{mm} = \Sigma_{mm} - \Sigma_{mo}\Sigma_{oo}^{-1}\Sigma_{om}`; M: :math:`\mu` the mean of the completed
    rows, :math:`\Sigma = \sum(\hat x \hat x' + C)/n - \mu\mu'`. Rows with the same pattern share one factorisation.

    Parameters
    ----------
    x : array of shape (units, indicators)
    tolerance : float
        Greatest change of any mean (in standard deviations) or covariance (as a correlation) at which it stops.
    most : int
        Iterations at most.

    Returns
    -------
    Normal

    Raises
    ------
    Faults
        An indicator with fewer than two observed values, or no convergence.

    References
    ----------
    Dempster, Laird and Rubin (1977), JRSS B 39, 1–38; Little and Rubin, *Statistical Analysis with Missing Data*.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> data = rng.multivariate_normal([0, 0], [[1, 0.8], [0.8, 1]], 200)
    >>> data[:80, 1] = np.nan
    >>> fitted = em(data)
    >>> fitted.covariance.shape, bool(fitted.covariance[0, 1] > 0.5)
    ((2, 2), True)
    """
    x = np.asarray(x, dtype=float)
    counts = (~np.isnan(x)).sum(axis=0)
    if (counts < 2).any():
        wrong = ", ".join(str(j) for j in np.flatnonzero(counts < 2))
        raise Faults([Fault("em", f"indicator {wrong}", "fewer than two observed values", "leave it out")])
    x = x[(~np.isnan(x)).any(axis=1)]
    n, p = x.shape
    centre, spread = np.nanmean(x, axis=0), np.nanstd(x, axis=0, ddof=1)
    spread = np.where(spread > 0, spread, 1.0)
    z = (x - centre) / spread
    patterns = _patterns(z)
    mean, covariance = np.zeros(p), np.eye(p)
    for iteration in range(1, most + 1):  # noqa: B007
        first, second = np.zeros(p), np.zeros((p, p))
        for seen, rows in patterns:
            part = z[rows]
            if not seen.all():
                slope, left = _conditional(mean, covariance, seen)
                part = part.copy()
                part[:, ~seen] = mean[~seen] + (part[:, seen] - mean[seen]) @ slope.T
                second[np.ix_(~seen, ~seen)] += len(rows) * left
            first += part.sum(axis=0)
            second += part.T @ part
        new_mean = first / n
        new_covariance = second / n - np.outer(new_mean, new_mean)
        change = max(np.abs(new_mean - mean).max(), np.abs(new_covariance - covariance).max())
        mean, covariance = new_mean, new_covariance
        if change < tolerance:
            break
    else:
        raise Faults([Fault("em", "", f"no convergence in {most} iterations", "leave out indicators with few values")])
    likelihood = -sum(np.log(spread)[seen].sum() * len(rows) for seen, rows in patterns)
    for seen, rows in patterns:
        factor = np.linalg.cholesky(covariance[np.ix_(seen, seen)])
        white = np.linalg.solve(factor, (z[np.ix_(rows, seen)] - mean[seen]).T)
        constant = seen.sum() * np.log(2 * np.pi) / 2 + np.log(np.diag(factor)).sum()
        likelihood -= 0.5 * (white**2).sum() + len(rows) * constant
    return Normal(centre + spread * mean, covariance * np.outer(spread, spread), float(likelihood), iteration)


def conditional_mean(x: Array, model: Normal) -> Array:
    """Fill with the expectation given what is observed of the unit; a unit with nothing takes the mean."""
    filled = np.array(x, dtype=float)
    for seen, rows in _patterns(filled):
        if not seen.all():
            slope, _ = _conditional(model.mean, model.covariance, seen)
            gap = filled[np.ix_(rows, seen)] - model.mean[seen]
            filled[np.ix_(rows, ~seen)] = model.mean[~seen] + gap @ slope.T
    return filled


def multiple(x: Array, m: int = 20, *, seed: int = 0, tolerance: float = 1e-8) -> Array:
    """Multiple imputations from a multivariate normal: values and parameters are both drawn.

    For each imputation the normal is fitted anew (:func:`em`) to a bootstrap sample of the units, which carries the
    uncertainty of its parameters, and the missing values are drawn given the observed ones.

    Parameters
    ----------
    x : array of shape (units, indicators)
    m : int
        Number of imputations; 20 or more keep the noise of the imputations themselves out of intervals.
    seed : int
    tolerance : float
        Of each fit; a bootstrap sample needs no more.

    Returns
    -------
    array of shape (m, units, indicators)

    References
    ----------
    Honaker and King (2010), American Journal of Political Science 54, 561–581 (EM with bootstrapping).

    Examples
    --------
    >>> x = np.random.default_rng(3).normal(size=(40, 2))
    >>> x[:10, 1] = np.nan
    >>> filled = multiple(x, 5)
    >>> filled.shape, bool((filled[:, 10:] == x[10:]).all()), bool(filled[:, 0, 1].std() > 0)
    ((5, 40, 2), True, True)
    """
    x = np.asarray(x, dtype=float)
    rng = np.random.default_rng(seed)
    out = np.repeat(x[None], m, axis=0)
    patterns = [(seen, rows) for seen, rows in _patterns(x) if not seen.all()]
    for filled in out:
        model = em(x[_bootstrap(x, rng)], tolerance=tolerance)
        for seen, rows in patterns:
            slope, left = _conditional(model.mean, model.covariance, seen)
            values, vectors = np.linalg.eigh(left)
            root = vectors * np.sqrt(np.maximum(values, 0))
            noise = rng.standard_normal((len(rows), len(left))) @ root.T
            gap = filled[np.ix_(rows, seen)] - model.mean[seen]
            filled[np.ix_(rows, ~seen)] = model.mean[~seen] + gap @ slope.T + noise
    return out


def _bootstrap(x: Array, rng: np.random.Generator) -> Array:
    """A bootstrap sample of rows in which the complete ones still identify the covariance."""
    n, p = x.shape
    for _ in range(200):
        rows: Array = np.asarray(rng.integers(0, n, n))
        pairs = (~np.isnan(x[rows])).astype(float)
        distinct = np.unique(rows)
        if (pairs.T @ pairs).min() >= 3 and len(distinct) > p + 1:
            return rows
    what = "too few units are observed on some pair of indicators together"
    raise Faults([Fault("multiple", "x", what, "leave out the indicators with the fewest values")])
