"""Is there a trend at all? Mann–Kendall's test and Sen's slope."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

import numpy as np
import pandas as pd
from scipy import special, stats

from uncac_metrics.model import Fault, Faults
from uncac_metrics.stats import intervals
from uncac_metrics.stats.estimates import Estimates
from uncac_metrics.stats.frames import as_estimates
from uncac_metrics.stats.trends.draws import correlated_normals, normal_draws
from uncac_metrics.stats.trends.fits import contrasts, gls
from uncac_metrics.stats.trends.fits import scatter as scatter_of
from uncac_metrics.stats.trends.lines import per_year
from uncac_metrics.stats.trends.series import heads, keys_of, split

Array = np.ndarray
METHODS = ("exact", "normal", "hamed_rao", "tfpw", "sampling")
EXACT = 60  # values; beyond, the normal approximation is as good as the exact distribution


def mann_kendall(
    data: Estimates | pd.DataFrame, *, method: str = "exact", draws: int = 10_000, seed: int = 0
) -> pd.DataFrame:
    r"""Mann–Kendall test of a monotone trend in every series.

    :math:`S = \sum_{i<j} \operatorname{sgn}(y_j - y_i)`. Under no trend and independence
    :math:`\operatorname{var} S = \{n(n-1)(2n+5) - \sum_g t_g (t_g - 1)(2 t_g + 5)\} / 18` with ties of size
    :math:`t_g`.

    Parameters
    ----------
    data : Estimates or DataFrame
        Estimates; or published figures with the columns ``value``, ``time_period`` and, where known, ``std_error``.
    method : str
        How the p-value is made:

        - ``exact``: permutation distribution of S, ties included; the normal one beyond 60 values;
        - ``normal``: z with the continuity correction;
        - ``hamed_rao``: normal, with var S times :math:`1 + \frac{2}{n(n-1)(n-2)} \sum_k (n-k)(n-k-1)(n-k-2) r_k`,
          where :math:`r_k` are the autocorrelations of the ranks of the series less Sen's line, at the lags where
          they differ from zero at 5 %;
        - ``tfpw``: normal, of the series less Sen's line less its first autocorrelation, with the line put
          back (trend-free prewhitening): in wide use, but it rejects more often than it should;
        - ``sampling``: S is compared with series without a trend that have the sampling errors of this one, their
          covariance, and the scatter about the mean that REML finds. It is the one that takes standard errors and
          overlapping samples into account.
    draws, seed : int
        Simulated series for ``sampling``, and the seed that makes them. A series' draws do not depend on the others.

    Returns
    -------
    DataFrame
        A row a series: its keys, ``n``, ``s``, ``variance``, ``tau`` (Kendall's τ-b), ``z``, ``p_value`` (two-sided)
        and ``method``. Fewer than three points: NaN.

    Raises
    ------
    Faults
        A method of another name, periods that are none, two values of a series at one time.

    Notes
    -----
    ``exact``, ``normal`` and the two for autocorrelation take the values as they are: if samples overlap, or differ
    much in precision, take ``sampling``. Autocorrelation cannot be estimated from a handful of waves, and with 60
    points neither of the two keeps its level (the page on trends has the simulation).

    References
    ----------
    Mann (1945), Econometrica 13, 245–259; Kendall (1975), *Rank Correlation Methods*; Hamed and Rao (1998), Journal
    of Hydrology 204, 182–196; Yue, Pilon, Phinney and Cavadias (2002), Hydrological Processes 16, 1807–1829.

    Examples
    --------
    >>> import pandas as pd
    >>> waves = pd.DataFrame({"time_period": range(2010, 2018), "value": [31, 29, 30, 26, 27, 24, 24, 21]})
    >>> mann_kendall(waves)[["n", "s", "tau", "p_value"]].round(4)
       n    s     tau  p_value
    0  8  -23 -0.8365   0.0028
    """
    if method not in METHODS:
        raise Faults([Fault("mann_kendall", "method", f"no method {method!r}", f"one of {', '.join(METHODS)}")])
    estimates = as_estimates(data)
    series = split(estimates)
    value = estimates.table["value"].to_numpy(dtype=float)
    covariance = estimates.covariance().to_numpy() if method == "sampling" and series else None
    rows = []
    for s in series:
        y = value[s.rows] if s.times.size else np.empty(0)
        if y.size < 3:
            rows.append((y.size, np.nan, np.nan, np.nan, np.nan, np.nan))
            continue
        score, variance = float(kendall_score(y)), score_variance(y)
        if method == "hamed_rao":
            variance *= _correction(y, s.times)
        elif method == "tfpw":
            y = _prewhitened(y, s.times)
            score, variance = float(kendall_score(y)), score_variance(y)
        z = np.sign(score) * max(abs(score) - 1, 0) / np.sqrt(variance) if variance > 0 else 0.0
        p = 2 * special.ndtr(-abs(z))
        if method == "exact" and y.size <= EXACT:
            p = exact_p(y)
        elif covariance is not None:
            p = _sampling_p(y, covariance[np.ix_(s.rows, s.rows)], score, draws, seed)
        rows.append((y.size, score, variance, _tau_b(y, score), z, min(float(p), 1.0)))
    columns = ["n", "s", "variance", "tau", "z", "p_value"]
    found = pd.DataFrame(rows, columns=columns).astype({"s": "Int64", "n": "Int64"})
    names = [*keys_of(estimates), "time_period"]
    return heads(estimates, series)[names].join(found).assign(method=f"Mann–Kendall, {method}")


def sen_slope(data: Estimates | pd.DataFrame, *, level: float = 0.95, draws: int = 10_000, seed: int = 0) -> Estimates:
    r"""Sen's slope of every series: the median of the slopes between all pairs of points.

    The limits are the order statistics :math:`(N \mp z \sqrt{\operatorname{var} S}) / 2` of the N slopes: they hold
    for independent values about a line, whatever their distribution. The standard error is that of the sampling
    errors alone, by simulation, where they are known; the limits do not rest on it.

    Parameters
    ----------
    data : Estimates or DataFrame
        Estimates; or published figures with the columns ``value``, ``time_period`` and, where known, ``std_error``.
    level : float
        Confidence level.
    draws, seed : int
        Simulated series for the standard errors, and the seed that makes them; estimates that hold draws have theirs.

    Returns
    -------
    Estimates
        Statistic ``sen_slope``, a row a series, with draws: the rows of one result covary as their samples do.

    Raises
    ------
    Faults
        Periods that are none, two values of a series at one time.

    References
    ----------
    Sen (1968), Journal of the American Statistical Association 63, 1379–1389.

    Examples
    --------
    >>> import pandas as pd
    >>> waves = pd.DataFrame({"time_period": range(2010, 2018), "value": [31, 29, 30, 26, 27, 24, 24, 21]})
    >>> sen_slope(waves).table[["value", "lower", "upper", "unit"]].round(4)
        value  lower   upper            unit
    0 -1.4143   -2.0 -0.6667  units per year
    """
    estimates = as_estimates(data)
    series = split(estimates)
    value = estimates.table["value"].to_numpy(dtype=float)
    drawn = normal_draws(estimates, draws, seed)
    slopes, lower, upper = (np.full(len(series), np.nan) for _ in range(3))
    out = np.full((len(drawn), len(series)), np.nan)
    for i, s in enumerate(series):
        if s.times.size < 2:
            continue
        pairs = np.sort(_pair_slopes(value[s.rows][None, :], s.times)[0])
        slopes[i] = np.median(pairs)
        reach = intervals.t_quantile(level, np.inf) * np.sqrt(score_variance(value[s.rows]))
        low, high = round((pairs.size - reach) / 2), round((pairs.size + reach) / 2 + 1)
        if low >= 1:  # with few points no pair of order statistics has the level
            lower[i], upper[i] = pairs[low - 1], pairs[high - 1]
        out[:, i] = np.median(_pair_slopes(drawn[:, s.rows], s.times), axis=1)
    table = heads(
        estimates, series, statistic="sen_slope", lower=lower, upper=upper, conf_level=level,
        interval="order statistics",
        obs_status=["A" if s.times.size > 1 else "O" for s in series], method="median of the slopes between all pairs",
        reason=["" if s.times.size > 1 else "fewer than two points" for s in series],
    )  # fmt: skip
    table["unit"] = table["unit"].map(per_year).astype("str")
    error = out.std(axis=0, ddof=1) if len(series) else np.empty(0)
    return Estimates(table.assign(value=slopes, std_error=error), (), out)


def kendall_score(y: Array) -> Array:
    """S of every series: of an array of shape (…, n), along its last axis."""
    i, j = np.triu_indices(y.shape[-1], 1)
    return np.sign(y[..., j] - y[..., i]).sum(axis=-1)


def score_variance(y: Array) -> float:
    """Variance of S under no trend and independence, with ties."""
    n, ties = y.size, np.unique(y, return_counts=True)[1]
    return float(n * (n - 1) * (2 * n + 5) - (ties * (ties - 1) * (2 * ties + 5)).sum()) / 18


def exact_p(y: Array) -> float:
    r"""Two-sided permutation p-value of S, ties included.

    Among all orders of the values the number of inversions has the Gaussian multinomial coefficient
    :math:`[n]_q! / \prod_g [t_g]_q!` for generating function, and S is the number of untied pairs less twice it.
    """
    ties = np.unique(y, return_counts=True)[1]
    counts = reduce(_gaussian, ties.tolist(), ([1], 0))[0]
    untied = len(counts) - 1
    s = abs(int(kendall_score(y)))
    # S = untied − 2 inversions; the distribution is symmetric
    tail = sum(counts[: (untied - s) // 2 + 1])
    return min(1.0, 2 * tail / sum(counts)) if s > 0 else 1.0


def _gaussian(so_far: tuple[list[int], int], more: int) -> tuple[list[int], int]:
    """Inversions of a sequence of n values once `more` equal ones are put in: times the binomial [n + more, more]_q."""
    counts, n = so_far
    for k in range(1, more + 1):
        counts = _divided(_times(counts, n + k), k)
    return counts, n + more


def _times(counts: list[int], k: int) -> list[int]:
    """Times 1 − q^k."""
    out = [*counts, *[0] * k]
    for i, c in enumerate(counts):
        out[i + k] -= c
    return out


def _divided(counts: list[int], k: int) -> list[int]:
    """Over 1 − q^k, which divides it."""
    out = list(counts)
    for i in range(k, len(out)):
        out[i] += out[i - k]
    return out[: len(out) - k]


def _tau_b(y: Array, score: float) -> float:
    n, ties = y.size, np.unique(y, return_counts=True)[1]
    pairs = n * (n - 1) / 2
    untied = pairs - (ties * (ties - 1) / 2).sum()
    return float(score / np.sqrt(pairs * untied)) if untied > 0 else 0.0


def _pair_slopes(y: Array, times: Array) -> Array:
    i, j = np.triu_indices(times.size, 1)
    return (y[..., j] - y[..., i]) / (times[j] - times[i])


def _less_line(y: Array, times: Array) -> tuple[Array, float]:
    line = float(np.median(_pair_slopes(y[None, :], times)[0]))
    return y - line * times, line


def _autocorrelation(y: Array, lags: Sequence[int]) -> Array:
    centred = y - y.mean()
    total = (centred**2).sum()
    if total == 0:
        return np.zeros(len(lags))
    return np.array([(centred[k:] * centred[:-k]).sum() for k in lags]) / total


def _correction(y: Array, times: Array) -> float:
    n = y.size
    ranks = stats.rankdata(_less_line(y, times)[0])
    lags = np.arange(1, n - 1)
    r = _autocorrelation(ranks, lags.tolist())
    # two-sided 5 % limits of an autocorrelation of independent values
    r = np.where(np.abs(r) > intervals.t_quantile(0.95, np.inf) / np.sqrt(n), r, 0.0)
    factor = 1 + 2 / (n * (n - 1) * (n - 2)) * ((n - lags) * (n - lags - 1) * (n - lags - 2) * r).sum()
    return max(float(factor), 1 / n)  # no fewer than one and no more than n² values' worth


def _prewhitened(y: Array, times: Array) -> Array:
    rest, line = _less_line(y, times)
    r = float(_autocorrelation(rest, [1])[0])
    return rest[1:] - r * rest[:-1] + line * times[1:]


def _sampling_p(y: Array, sigma: Array, score: float, draws: int, seed: int) -> float:
    if not np.isfinite(sigma).all():
        return np.nan
    one = np.ones((y.size, 1))
    tau2 = scatter_of(contrasts(one, y, sigma))
    v = sigma + tau2 * np.eye(y.size)
    if not (np.diag(v) > 0).all():
        return np.nan
    level = gls(one, y, sigma, tau2).beta[0]
    drawn = level + correlated_normals(v, draws, np.random.default_rng(seed))
    simulated = np.abs(kendall_score(drawn))
    return (1 + float((simulated >= abs(score)).sum())) / (draws + 1)
