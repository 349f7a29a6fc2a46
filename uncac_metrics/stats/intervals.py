r"""Confidence intervals, all in one place; arrays in, arrays out.

For a proportion :math:`\hat p` with design-based variance :math:`v`, the effective sample size is
:math:`n^* = \hat p (1 - \hat p) / v`: the size of a simple random sample that is as precise. Where no event, or
nothing but events, was seen, :math:`v = 0` says nothing about precision; :math:`n^*` is then the sample size over
the design effect of the weights, and the methods that rest on :math:`n^*` stay honest.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import special

Array = np.ndarray
Limits = tuple[Array, Array]


def t_quantile(level: float, df: Array | float) -> Array:
    """Two-sided quantile of Student's t (the normal at infinite df; NaN without degrees of freedom)."""
    df = np.asarray(df, dtype=float)
    known, place = np.unique(df, return_inverse=True)  # many estimates have the same degrees of freedom
    with np.errstate(invalid="ignore"):
        t = special.stdtrit(np.where(known > 0, known, np.nan), 0.5 + level / 2)[place].reshape(df.shape)
    return np.where(np.isinf(df) & (df > 0), special.ndtri(0.5 + level / 2), t)


def t_tail(t: Array, df: Array) -> Array:
    """Upper tail probability of Student's t (the normal at infinite df; NaN without degrees of freedom)."""
    df = np.asarray(df, dtype=float)
    with np.errstate(invalid="ignore"):
        tail = special.stdtr(np.where(df > 0, df, np.nan), -np.asarray(t, dtype=float))
    return np.where(np.isinf(df) & (df > 0), special.ndtr(-np.asarray(t, dtype=float)), tail)


def effective_n(p: Array, variance: Array, n: Array, weight_deff: Array | float = 1.0) -> Array:
    """Effective sample size of a proportion.

    Parameters
    ----------
    p, variance : arrays
        Estimate in [0, 1] and its design-based variance.
    n : array
        Observations in the denominator.
    weight_deff : array
        Kish's design effect of their weights, used where the variance is zero.

    Returns
    -------
    array
        ``p (1 − p) / variance``; ``n / weight_deff`` where that is undefined.

    Examples
    --------
    >>> effective_n(0.2, 0.0016, 400), effective_n(0.0, 0.0, 400, 1.6)
    (array(100.), array(250.))
    """
    p, variance, n = (np.asarray(a, dtype=float) for a in (p, variance, n))
    spread = p * (1 - p)
    known = (variance > 0) & (spread > 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(known, spread / np.where(known, variance, 1.0), n / np.maximum(weight_deff, 1.0))


def wald(value: Array, std_error: Array, df: Array, level: float = 0.95) -> Limits:
    """``value ± t · se``: for totals, means and ratios; for proportions far from 0 and 1.

    Examples
    --------
    >>> wald(10.0, 1.0, np.inf)
    (np.float64(8.040036015459947), np.float64(11.959963984540053))
    """
    half = t_quantile(level, df) * std_error
    return value - half, value + half


def logit(p: Array, std_error: Array, df: Array, level: float = 0.95) -> Limits:
    """Wald interval of the log odds, transformed back. Undefined (NaN) at 0 and 1."""
    p = np.asarray(p, dtype=float)
    with np.errstate(divide="ignore", invalid="ignore"):
        centre = special.logit(p)
        half = t_quantile(level, df) * std_error / (p * (1 - p))
        inside = (p > 0) & (p < 1)
        lower, upper = special.expit(centre - half), special.expit(centre + half)
    return np.where(inside, lower, np.nan), np.where(inside, upper, np.nan)


def arcsine(p: Array, std_error: Array, df: Array, level: float = 0.95) -> Limits:
    """Wald interval of the angle arcsin √p, transformed back. Undefined (NaN) at 0 and 1."""
    p = np.asarray(p, dtype=float)
    with np.errstate(divide="ignore", invalid="ignore"):
        angle = np.arcsin(np.sqrt(p))
        half = t_quantile(level, df) * std_error / (2 * np.sqrt(p * (1 - p)))
        inside = (p > 0) & (p < 1)
        lower = np.sin(np.clip(angle - half, 0, np.pi / 2)) ** 2
        upper = np.sin(np.clip(angle + half, 0, np.pi / 2)) ** 2
    return np.where(inside, lower, np.nan), np.where(inside, upper, np.nan)


def wilson(p: Array, n_effective: Array, df: Array, level: float = 0.95) -> Limits:
    """Score interval on the effective sample size, with Student's t for the normal quantile.

    Examples
    --------
    >>> lower, upper = wilson(np.array([0.0]), np.array([100.0]), np.array([np.inf]))
    >>> lower.round(4), upper.round(4)
    (array([0.]), array([0.037]))
    """
    p, m = np.asarray(p, dtype=float), np.asarray(n_effective, dtype=float)
    t2 = t_quantile(level, df) ** 2
    with np.errstate(divide="ignore", invalid="ignore"):
        centre = (p + t2 / (2 * m)) / (1 + t2 / m)
        half = np.sqrt(t2 * (p * (1 - p) / m + t2 / (4 * m**2))) / (1 + t2 / m)
    return np.clip(centre - half, 0, 1), np.clip(centre + half, 0, 1)


def likelihood(p: Array, n_effective: Array, df: Array, level: float = 0.95) -> Limits:
    r"""Values whose likelihood ratio is not refused, on the effective sample size.

    All :math:`q` with :math:`2 n^* \{p \log(p / q) + (1 - p) \log((1 - p) / (1 - q))\} \le t^2`: the binomial
    deviance divided by the design effect (Rao and Scott 1984), with Student's t for the normal quantile. At zero
    events the upper limit is :math:`1 - \exp(-t^2 / 2 n^*)`.

    Examples
    --------
    >>> lower, upper = likelihood(np.array([0.0, 0.2]), np.array([100.0, 100.0]), np.array([np.inf, np.inf]))
    >>> lower.round(4), upper.round(4)
    (array([0.    , 0.1297]), array([0.019 , 0.2854]))
    """
    p, m, df = np.broadcast_arrays(*(np.asarray(a, dtype=float) for a in (p, n_effective, df)))
    t2 = t_quantile(level, df) ** 2
    with np.errstate(divide="ignore", invalid="ignore"):
        edge = np.exp(-t2 / (2 * m))
    inside = (p > 0) & (p < 1) & (m > 0) & (t2 > 0) & np.isfinite(t2)
    unknown = np.isnan(p) | np.isnan(m) | np.isnan(t2)
    limits = []
    for side in (-1, 1):
        out = np.where(p == (side < 0), edge if side < 0 else 1 - edge, p)  # all events, or none
        if inside.any():
            out[inside] = _deviance_limit(p[inside], m[inside], t2[inside], side)
        limits.append(np.where(unknown, np.nan, out))
    return limits[0], limits[1]


def deviance(p: Array, n_effective: Array, eta: Array) -> Array:
    """Binomial deviance of the log odds `eta` where the share `p` (between 0 and 1) was seen among `n_effective`."""
    ratio, other = _log_ratio(p, special.expit(eta), eta), _log_ratio(1 - p, special.expit(-eta), -eta)
    return 2 * n_effective * (p * ratio + (1 - p) * other)


def _deviance_limit(p: Array, m: Array, t2: Array, side: int) -> Array:
    """Newton's method in the log odds, where the deviance is convex: after one step it comes from outside."""
    eta = special.logit(p) + side * np.sqrt(t2 / (m * p * (1 - p)))
    for _ in range(100):
        step = (deviance(p, m, eta) - t2) / (2 * m * (special.expit(eta) - p))
        eta = eta - step
        if np.all(np.abs(step) <= 1e-14 * np.maximum(np.abs(eta), 1)):
            break
    return special.expit(eta)


def _log_ratio(p: Array, q: Array, eta: Array) -> Array:
    """log(p / q) for q = expit(eta), exact where they are close and where q is next to nothing."""
    near = q > p / 2
    return np.where(near, -np.log1p((np.where(near, q, p) - p) / p), np.log(p) - special.log_expit(eta))


def clopper_pearson(p: Array, n_effective: Array, level: float = 0.95) -> Limits:
    """Exact binomial (beta) interval for `p` on `n_effective` trials.

    Examples
    --------
    >>> lower, upper = clopper_pearson(np.array([0.0, 0.5]), np.array([10.0, 10.0]))
    >>> lower.round(4), upper.round(4)
    (array([0.    , 0.1871]), array([0.3085, 0.8129]))
    """
    p, m = np.asarray(p, dtype=float), np.asarray(n_effective, dtype=float)
    events, others = p * m, (1 - p) * m
    tail = (1 - level) / 2
    with np.errstate(invalid="ignore"):
        lower = np.where(p > 0, special.betaincinv(np.where(p > 0, events, 1.0), others + 1, tail), 0.0)
        upper = np.where(p < 1, special.betaincinv(events + 1, np.where(p < 1, others, 1.0), 1 - tail), 1.0)
    bad = np.isnan(m) | np.isnan(p)
    return np.where(bad, np.nan, lower), np.where(bad, np.nan, upper)


def beta(p: Array, n_effective: Array, n: Array, df: Array, level: float = 0.95) -> Limits:
    r"""Clopper–Pearson on the effective size adjusted for degrees of freedom, :math:`n^* (t_{n-1} / t_{df})^2`."""
    return clopper_pearson(p, np.asarray(n_effective) * _df_adjustment(n, df, level), level)


def korn_graubard(p: Array, n_effective: Array, n: Array, df: Array, level: float = 0.95) -> Limits:
    r"""Korn–Graubard interval: as :func:`beta`, the adjusted size held at no more than `n`.

    References
    ----------
    Korn and Graubard (1998), Survey Methodology 24, 193–201; the truncation as in the data presentation standards of
    the US National Center for Health Statistics (2017).
    """
    size = np.minimum(np.asarray(n_effective) * _df_adjustment(n, df, level), n)
    return clopper_pearson(p, size, level)


def _df_adjustment(n: Array, df: Array, level: float) -> Array:
    return (t_quantile(level, np.asarray(n, dtype=float) - 1) / t_quantile(level, df)) ** 2


PROPORTION: dict[str, Callable[..., Limits]] = {
    "korn_graubard": lambda a: korn_graubard(a["p"], a["n_effective"], a["n"], a["df"], a["level"]),
    "beta": lambda a: beta(a["p"], a["n_effective"], a["n"], a["df"], a["level"]),
    "clopper_pearson": lambda a: clopper_pearson(a["p"], a["n_effective"], a["level"]),
    "wilson": lambda a: wilson(a["p"], a["n_effective"], a["df"], a["level"]),
    "likelihood": lambda a: likelihood(a["p"], a["n_effective"], a["df"], a["level"]),
    "logit": lambda a: logit(a["p"], a["std_error"], a["df"], a["level"]),
    "arcsine": lambda a: arcsine(a["p"], a["std_error"], a["df"], a["level"]),
    "wald": lambda a: wald(a["p"], a["std_error"], a["df"], a["level"]),
}
"""Methods for proportions by name. The transformed and Wald methods give way to Korn–Graubard at 0 and 1."""


def proportion(
    method: str, *, p: Array, std_error: Array, n: Array, df: Array, weight_deff: Array, level: float = 0.95
) -> tuple[Array, Array, Array]:
    """Limits of proportions by a named method, sensible at zero and full counts and without degrees of freedom.

    Parameters
    ----------
    method : str
        Key of :data:`PROPORTION`.
    p, std_error, n, df, weight_deff : arrays of one shape
        Estimates in [0, 1], standard errors, observations, degrees of freedom, Kish's design effect of the weights.
    level : float

    Returns
    -------
    lower, upper : arrays
    used : array of str
        The method that each row took.

    Examples
    --------
    >>> one = lambda *v: np.array(v, dtype=float)
    >>> lower, upper, used = proportion("logit", p=one(0, 0.1), std_error=one(0, 0.02), n=one(50, 225), df=one(40, 40), weight_deff=one(1, 1))
    >>> lower.round(4), upper.round(4), [str(u) for u in used]
    (array([0.    , 0.0662]), array([0.0719, 0.1483]), ['korn_graubard', 'logit'])
    """  # noqa: E501
    arrays = {
        "p": p, "std_error": std_error, "n": n, "df": df, "level": level,
        "n_effective": effective_n(p, np.asarray(std_error) ** 2, n, weight_deff),
    }  # fmt: skip
    lower, upper = PROPORTION[method](arrays)
    used = np.full(np.shape(p), method, dtype=object)
    if method in ("logit", "arcsine", "wald"):
        edge = ~((p > 0) & (p < 1)) | ~(std_error > 0)
        low, high = PROPORTION["korn_graubard"](arrays)
        lower, upper = np.where(edge, low, lower), np.where(edge, high, upper)
        used[edge] = "korn_graubard"
    # one sampling unit: nothing is known of the precision
    unknown = ~(np.asarray(df) > 0) & (np.asarray(n) > 0)
    return np.where(unknown, 0.0, lower), np.where(unknown, 1.0, upper), used
