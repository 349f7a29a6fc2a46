"""What to look at before indicators are combined, and after: availability, correlation, reliability, influence."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import special, stats

from uncac_metrics.model import Fault, Faults
from uncac_metrics.stats.scores.treat import shape_moments

Array = np.ndarray


def describe(x: pd.DataFrame) -> pd.DataFrame:
    """Statistics of indicators: range, moments, and shares of what is observed, not zero and distinct.

    Parameters
    ----------
    x : DataFrame of units × indicators

    Returns
    -------
    DataFrame
        A row an indicator: min, max, mean, median, sd, skewness, kurtosis, n, n_nonzero, n_unique, n_same (how often
        the most frequent value is there); available (share of units), nonzero, unique, same (shares of n); and
        ``outliers`` (skewness beyond 2 and kurtosis above 3.5).

    Examples
    --------
    >>> describe(pd.DataFrame({"a": [0.0, 1.0, 1.0, None]}))[["n", "n_nonzero", "n_unique", "n_same", "available"]]
       n  n_nonzero  n_unique  n_same  available
    a  3          2         2       2       0.75
    """
    values = x.to_numpy(dtype=float)
    skewness, kurtosis = shape_moments(values)
    n = x.notna().sum()
    counts = pd.DataFrame(
        {
            "n": n,
            "n_nonzero": (x.notna() & (x != 0)).sum(),
            "n_unique": x.nunique(),
            "n_same": [c.value_counts().max() if c.notna().any() else 0 for _, c in x.items()],
        }
    )
    table = pd.DataFrame(
        {
            "min": x.min(), "max": x.max(), "mean": x.mean(), "median": x.median(), "sd": x.std(),
            "skewness": skewness, "kurtosis": kurtosis,
        }
    )  # fmt: skip
    of = {"nonzero": "n_nonzero", "unique": "n_unique", "same": "n_same"}
    with np.errstate(invalid="ignore", divide="ignore"):
        fractions = pd.DataFrame({"available": n / max(len(x), 1)} | {k: counts[v] / n for k, v in of.items()})
    outliers = pd.Series((np.abs(skewness) > 2) & (kurtosis > 3.5), index=x.columns, name="outliers")
    return pd.concat([table, counts, fractions, outliers], axis=1)


def availability(x: pd.DataFrame, groups: dict[str, list[str]] | None = None) -> pd.DataFrame:
    """How much of each unit's data is there, in all and by group of indicators.

    Parameters
    ----------
    x : DataFrame of units × indicators
    groups : dict of lists, optional
        Name of a group -> its indicators.

    Returns
    -------
    DataFrame
        A row a unit: n_missing, n_zero, available (share observed), nonzero (share of the observed that is not zero),
        and a column a group with the share observed in it.

    Examples
    --------
    >>> availability(pd.DataFrame({"a": [1.0, None], "b": [0.0, 2.0]}), {"first": ["a"]})
       n_missing  n_zero  available  nonzero  first
    0          0       1        1.0      0.5    1.0
    1          1       0        0.5      1.0    0.0
    """
    seen = x.notna()
    table = pd.DataFrame({"n_missing": (~seen).sum(axis=1), "n_zero": (x == 0).sum(axis=1)})
    table["available"] = seen.mean(axis=1)
    table["nonzero"] = 1 - table["n_zero"] / seen.sum(axis=1)
    for name, members in (groups or {}).items():
        table[name] = seen[members].mean(axis=1)
    return table


def screen(x: pd.DataFrame, available: float = 0.65, nonzero: float = 0.0) -> pd.Series:
    """Units that keep enough data: shares observed, and not zero, at least as given.

    Parameters
    ----------
    x : DataFrame
        A row a unit, a column an indicator.
    available : float
        Least share of the indicators that are observed.
    nonzero : float
        Least share of them that are not zero.

    Returns
    -------
    Series of bool
        Which units stay. The reason for a unit that does not is in :func:`availability`.

    Examples
    --------
    >>> screen(pd.DataFrame({"a": [1.0, None], "b": [0.0, 2.0]}), available=0.6).to_list()
    [True, False]
    """
    found = availability(x)
    return (found["available"] >= available) & (found["nonzero"].fillna(0) >= nonzero)


def complete_rows(x: Array) -> Array:
    """Units without a missing value.

    Raises
    ------
    Faults
        Fewer than three.
    """
    x = np.asarray(x, dtype=float)
    rows = x[~np.isnan(x).any(axis=1)]
    if len(rows) < 3:
        raise Faults([Fault("x", "", f"only {len(rows)} units without a missing value", "impute first")])
    return rows


def correlate(x: Array, y: Array | None = None, method: str = "pearson") -> Array:
    """Correlations over the units that are observed on both indicators.

    Parameters
    ----------
    x, y : arrays of shape (units, indicators)
        `y` is `x` where not given.
    method : {'pearson', 'spearman', 'kendall'}
        Kendall's is τ-b; ranks are taken among the units of each pair.

    Returns
    -------
    array of shape (indicators of x, indicators of y)
        Missing where fewer than two units are shared or one of the two does not vary among them.

    Examples
    --------
    >>> x = np.array([[1.0, 1.0], [2.0, 4.0], [3.0, 9.0], [4.0, np.nan]])
    >>> correlate(x, method="kendall")[0, 1], correlate(x)[0, 1].round(4)
    (np.float64(1.0), np.float64(0.9897))
    """
    a = np.asarray(x, dtype=float)
    b = a if y is None else np.asarray(y, dtype=float)
    if method == "kendall":
        return _kendall(a, b)
    if method not in ("pearson", "spearman"):
        raise Faults([Fault("correlate", "method", f'there is no method "{method}"', "pearson, spearman, kendall")])
    if method == "spearman":
        if np.isnan(a).any() or np.isnan(b).any():
            return np.array([[_spearman_pair(u, v) for v in b.T] for u in a.T])
        a, b = stats.rankdata(a, axis=0), stats.rankdata(b, axis=0)
    ma, mb = (~np.isnan(a)).astype(float), (~np.isnan(b)).astype(float)
    # centring first keeps the sums of squares from cancelling
    za, zb = (np.where(m > 0, z - np.nanmean(z, axis=0), 0.0) for z, m in ((a, ma), (b, mb)))
    n = ma.T @ mb
    sa, sb = za.T @ mb, ma.T @ zb
    with np.errstate(invalid="ignore", divide="ignore"):
        cross = za.T @ zb - sa * sb / n
        va, vb = (za**2).T @ mb - sa**2 / n, ma.T @ zb**2 - sb**2 / n
        scale_a, scale_b = (za**2).T @ mb, ma.T @ zb**2
        varies = (va > 1e-14 * scale_a) & (vb > 1e-14 * scale_b) & (n >= 2)
        return np.where(varies, np.clip(cross / np.sqrt(va * vb), -1, 1), np.nan)


def _spearman_pair(u: Array, v: Array) -> float:
    both = ~(np.isnan(u) | np.isnan(v))
    ranks = stats.rankdata(np.column_stack([u[both], v[both]]), axis=0)
    return float(correlate(ranks[:, :1], ranks[:, 1:])[0, 0])


def _kendall(a: Array, b: Array) -> Array:
    i, k = np.triu_indices(len(a), 1)
    sa, sb = np.sign(a[i] - a[k]), np.sign(b[i] - b[k])
    ma, mb = (~np.isnan(sa)).astype(float), (~np.isnan(sb)).astype(float)
    sa, sb = np.nan_to_num(sa), np.nan_to_num(sb)
    with np.errstate(invalid="ignore", divide="ignore"):
        tau = (sa.T @ sb) / np.sqrt(((sa**2).T @ mb) * (ma.T @ sb**2))
    return np.where(np.isfinite(tau), tau, np.nan)


def correlation_test(
    u: Array, v: Array, method: str = "pearson", level: float = 0.95, *, series: bool = False
) -> dict[str, float]:
    r"""A correlation with its p-value and interval.

    Pearson's r has Student's t with n − 2 degrees of freedom and Fisher's interval. Spearman's ρ has the same t, or
    with ``series`` and without ties Edgeworth's series for its null distribution, and the interval
    :math:`\tanh(\operatorname{artanh} \rho \pm z \sqrt{(1 + \rho^2/2)/(n-3)})`. Kendall's τ-b has the normal
    approximation with the variance for ties, and a standard error of :math:`\sqrt{0.437/(n-4)}` of artanh τ.

    Parameters
    ----------
    u, v : arrays of shape (units,)
        Units with a missing value are left out.
    method : {'pearson', 'spearman', 'kendall'}
    level : float
    series : bool
        Edgeworth's series for Spearman's p-value. It is closer around 0.05 and can be zero far out, which no p-value
        is; with ties, or fewer than ten units, Student's t is taken all the same.

    Returns
    -------
    dict
        ``estimate``, ``statistic``, ``p_value``, ``lower``, ``upper``, ``n``.

    References
    ----------
    Best and Roberts (1975), Applied Statistics 24, 377–379 (series). Bonett and Wright (2000),
    Psychometrika 65, 23–28; Fieller, Hartley and Pearson (1957), Biometrika 44, 470–481.

    Examples
    --------
    >>> found = correlation_test(np.array([1.0, 2, 3, 4, 5]), np.array([2.0, 1, 4, 3, 5]))
    >>> round(found["estimate"], 2), round(found["p_value"], 4)
    (0.8, 0.1041)
    """
    both = ~(np.isnan(u) | np.isnan(v))
    a, b, n = u[both], v[both], int(both.sum())
    r = float(correlate(a[:, None], b[:, None], method)[0, 0])
    z = special.ndtri(0.5 + level / 2)
    error = np.inf
    if method == "kendall":
        statistic = _kendall_z(a, b)
        p = 2 * special.ndtr(-abs(statistic))
        error = np.sqrt(0.437 / (n - 4)) if n > 4 else np.inf
    else:
        with np.errstate(divide="ignore"):
            statistic = float(r * np.sqrt((n - 2) / np.maximum(1 - r**2, 0.0)))
        p = 2 * special.stdtr(n - 2, -abs(statistic)) if n > 2 else np.nan
        if method == "spearman" and series and n > 9 and len(set(a)) == len(set(b)) == n:
            p = _edgeworth(r, n)
        if n > 3:
            error = np.sqrt((1 if method == "pearson" else 1 + r**2 / 2) / (n - 3))
    centre = np.arctanh(np.clip(r, -1 + 1e-15, 1 - 1e-15))
    lower, upper = np.tanh(centre - z * error), np.tanh(centre + z * error)
    return {
        "estimate": r, "statistic": float(statistic), "p_value": float(p),
        "lower": float(lower), "upper": float(upper), "n": n,
    }  # fmt: skip


def _edgeworth(rho: float, n: int) -> float:
    """Two-sided p-value of Spearman's ρ without ties by Best and Roberts's Edgeworth series (AS 89)."""
    squares = round((n**3 - n) / 6 * (1 - rho))  # sum of squared differences of ranks
    b = 1 / n
    low = squares <= (n**3 - n) / 6
    x = (6 * (squares + (1 if low else -2)) * b / (n * n - 1) - 1) * np.sqrt(n - 1)
    y = x * x
    inner = 0.0072 - 0.0831 * b + y * b * (0.0131 - 4.6e-4 * y)
    inner = 0.0879 + 0.0151 * b - y * inner
    inner = -0.0758 + b * (0.1033 + 0.3932 * b) - y * b * inner
    upper = x * b * (0.2274 + b * (0.2531 + 0.1745 * b) + y * inner) / np.exp(y / 2) + special.ndtr(-x)
    upper = min(max(upper, 0.0), 1.0)
    return float(min(1.0, 2 * (1 - upper if low else upper)))


def _kendall_z(a: Array, b: Array) -> float:
    """Standardised score of Kendall's test, its variance corrected for ties."""
    n = len(a)
    i, k = np.triu_indices(n, 1)
    score = (np.sign(a[i] - a[k]) * np.sign(b[i] - b[k])).sum()
    ta, tb = (np.unique(z, return_counts=True)[1].astype(float) for z in (a, b))

    def sums(t: Array) -> tuple[float, float, float]:
        return (t * (t - 1) * (2 * t + 5)).sum(), (t * (t - 1)).sum(), (t * (t - 1) * (t - 2)).sum()

    (a1, a2, a3), (b1, b2, b3) = sums(ta), sums(tb)
    variance = (n * (n - 1) * (2 * n + 5) - a1 - b1) / 18 + a2 * b2 / (2 * n * (n - 1))
    variance += a3 * b3 / (9 * n * (n - 1) * (n - 2)) if n > 2 else 0.0
    return float(score / np.sqrt(variance)) if variance > 0 else np.nan


def correlations(x: pd.DataFrame, method: str = "pearson", level: float = 0.95) -> pd.DataFrame:
    """Every pair of indicators once, with :func:`correlation_test`'s columns and p-values by Holm besides.

    Parameters
    ----------
    x : DataFrame
        A row a unit, a column an indicator.
    method, level
        As for :func:`correlation_test`.

    Returns
    -------
    DataFrame
        A row a pair.

    Examples
    --------
    >>> x = pd.DataFrame({"a": [1.0, 2, 3, 4, 5], "b": [2.0, 1, 4, 3, 5], "c": [5.0, 3, 4, 1, 2]})
    >>> correlations(x)[["first", "second", "estimate", "p_holm"]].round(3)
      first second  estimate  p_holm
    0     a      b       0.8   0.312
    1     a      c      -0.8   0.312
    2     b      c      -0.3   0.624
    """
    names, values = list(x.columns), x.to_numpy(dtype=float)
    rows = [
        {"first": names[j], "second": names[k], **correlation_test(values[:, j], values[:, k], method, level)}
        for j in range(len(names))
        for k in range(j + 1, len(names))
    ]
    table = pd.DataFrame(rows)
    order = np.argsort(table["p_value"].to_numpy(), kind="stable")
    steps = np.maximum.accumulate(table["p_value"].to_numpy()[order] * np.arange(len(order), 0, -1))
    adjusted = np.empty(len(order))
    adjusted[order] = np.minimum(steps, 1.0)
    return table.assign(p_holm=adjusted)


@dataclass(frozen=True)
class Alpha:
    """Reliability of a sum of indicators."""

    alpha: float
    """Cronbach's α of the covariance matrix."""
    standardised: float
    """α of the correlation matrix."""
    std_error: float
    dropped: tuple[float, ...]
    """α without each indicator in turn."""


def cronbach(x: Array) -> Alpha:
    r"""Cronbach's alpha, :math:`\frac{k}{k-1}\left(1 - \frac{\operatorname{tr} C}{1'C1}\right)`.

    Covariances are over the units observed on both indicators; the standard error is that of Duhachek and Iacobucci.

    Parameters
    ----------
    x : array of shape (units, indicators)
        Normalised, higher is better: α is meaningless where directions are mixed.

    Returns
    -------
    Alpha
        Alpha and its standard error.

    References
    ----------
    Duhachek and Iacobucci (2004), Journal of Applied Psychology 89, 792–808.

    Examples
    --------
    >>> found = cronbach(np.array([[1.0, 2], [2, 2], [3, 5], [4, 4], [5, 5]]))
    >>> round(found.alpha, 4)
    0.9091
    """
    values = np.asarray(x, dtype=float)
    c = pd.DataFrame(values).cov().to_numpy()
    k, n = len(c), len(values)

    def alpha(m: Array) -> float:
        size = len(m)
        return float(size / (size - 1) * (1 - np.trace(m) / m.sum())) if size > 1 else np.nan

    r = c / np.sqrt(np.outer(np.diag(c), np.diag(c)))
    trace, total = np.trace(c), c.sum()
    q = 2 * k**2 / ((k - 1) ** 2 * total**3)
    q *= total * (np.trace(c @ c) + trace**2) - 2 * trace * (c @ c).sum()
    dropped = tuple(alpha(np.delete(np.delete(c, j, 0), j, 1)) for j in range(k))
    return Alpha(alpha(c), alpha(r), float(np.sqrt(max(q, 0.0) / n)), dropped)


@dataclass(frozen=True, eq=False)
class Components:
    """Principal components of standardised indicators."""

    sd: Array
    """Standard deviations of the components; their squares are the eigenvalues of the correlation matrix."""
    rotation: Array
    """Indicators × components; every column sums to something positive."""
    mean: Array
    scale: Array

    @property
    def explained(self) -> Array:
        """Share of the variance that each component explains."""
        return self.sd**2 / (self.sd**2).sum()


def principal_components(x: Array) -> Components:
    """Principal components of the correlation matrix, by singular values of the standardised indicators.

    Parameters
    ----------
    x : array of shape (units, indicators)
        Units with a missing value are left out.

    Returns
    -------
    Components
        Eigenvalues and loadings.

    Raises
    ------
    Faults
        An indicator does not vary.
    """
    rows = complete_rows(x)
    mean, scale = rows.mean(axis=0), rows.std(axis=0, ddof=1)
    if (scale == 0).any():
        places = ", ".join(str(j) for j in np.flatnonzero(scale == 0))
        raise Faults([Fault("principal_components", f"indicator {places}", "does not vary", "leave it out")])
    _, values, v = np.linalg.svd((rows - mean) / scale, full_matrices=False)
    rotation = v.T
    # the sign of a component is arbitrary: its loadings add up to something positive
    signs = np.where(rotation.sum(axis=0) < 0, -1.0, 1.0)
    return Components(values / np.sqrt(len(rows) - 1), rotation * signs, mean, scale)
