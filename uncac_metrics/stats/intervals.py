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
from scipy.optimize import elementwise

Array = np.ndarray
Limits = tuple[Array, Array]


def t_quantile(level: float, df: Array | float) -> Array:
    """Two-sided quantile of Student's t (the normal at infinite df; NaN without degrees of freedom)."""
    df = np.asarray(df, dtype=float)
    with np.errstate(invalid="ignore"):
        t = special.stdtrit(np.where(df > 0, df, np.nan), 0.5 + level / 2)
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


def log_log(p: Array, std_error: Array, level: float = 0.95) -> Limits:
    """Wald interval of log(−log p), the usual one of a survival curve, transformed back. Undefined at 0 and 1.

    Examples
    --------
    >>> [float(v.round(4)) for v in log_log(0.7875, 0.026405787717847)]
    [0.7301, 0.8341]
    """
    p = np.asarray(p, dtype=float)
    inside = (p > 0) & (p < 1)
    q = np.where(inside, p, 0.5)
    half = special.ndtri(0.5 + level / 2) * np.asarray(std_error) / np.abs(q * np.log(q))
    with np.errstate(over="ignore"):
        lower, upper = np.exp(np.log(q) * np.exp(half)), np.exp(np.log(q) * np.exp(-half))
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


def jeffreys(p: Array, n_effective: Array, level: float = 0.95) -> Limits:
    """Equal-tailed limits of the beta(x + ½, n − x + ½) distribution; 0 and 1 where none, or nothing else, was seen.

    Examples
    --------
    >>> lower, upper = jeffreys(np.array([0.0, 0.5]), np.array([10.0, 10.0]))
    >>> lower.round(4), upper.round(4)
    (array([0.    , 0.2235]), array([0.2172, 0.7765]))
    """
    p, m = np.broadcast_arrays(np.asarray(p, dtype=float), np.asarray(n_effective, dtype=float))
    tail = (1 - level) / 2
    with np.errstate(invalid="ignore"):
        a, b = p * m + 0.5, (1 - p) * m + 0.5
        lower = np.where(p > 0, special.betaincinv(a, b, tail), 0.0)
        upper = np.where(p < 1, special.betaincinv(a, b, 1 - tail), 1.0)
    bad = np.isnan(m) | np.isnan(p)
    return np.where(bad, np.nan, lower), np.where(bad, np.nan, upper)


def mid_p(p: Array, n_effective: Array, level: float = 0.95) -> Limits:
    r"""Binomial interval with half the probability of the count itself in each tail.

    Shorter than Clopper–Pearson's; its coverage is near the level on average, not at least the level.

    References
    ----------
    Lancaster (1961), JASA 56, 223–234; Berry and Armitage (1995), The Statistician 44, 417–423.

    Examples
    --------
    >>> lower, upper = mid_p(np.array([0.0, 0.5]), np.array([10.0, 10.0]))
    >>> lower.round(4), upper.round(4)
    (array([0.   , 0.212]), array([0.2589, 0.788 ]))
    """
    p, m = np.broadcast_arrays(np.asarray(p, dtype=float), np.asarray(n_effective, dtype=float))
    x = np.clip(p * m, 0, m)
    tail = (1 - level) / 2

    def above(q: Array, x: Array, m: Array) -> Array:
        """P(X > x) + ½ P(X = x) = ½ [P(X ≥ x) + P(X ≥ x + 1)]."""
        at_least = np.where(x > 0, special.betainc(np.maximum(x, 1e-300), m - x + 1, q), 1.0)
        more = np.where(m - x > 0, special.betainc(x + 1, np.maximum(m - x, 1e-300), q), 0.0)
        return (at_least + more) / 2

    low, high = clopper_pearson(p, m, level)
    with np.errstate(invalid="ignore"):
        lower = np.where(x > 0, _root(lambda q, x, m: above(q, x, m) - tail, low, high, x, m), 0.0)
        upper = np.where(x < m, _root(lambda q, x, m: above(q, x, m) - 1 + tail, low, high, x, m), 1.0)
    bad = np.isnan(m) | np.isnan(p) | ~(m > 0)
    return np.where(bad, np.nan, lower), np.where(bad, np.nan, upper)


def _root(function: Callable[..., Array], low: Array, high: Array, *arguments: Array) -> Array:
    """Where a function that increases in its first argument is zero, element by element."""
    return elementwise.find_root(
        function, (low, high), args=arguments, tolerances={"xatol": 0.0, "xrtol": 4e-16, "fatol": 0.0}
    ).x


def garwood(events: Array, level: float = 0.95) -> Limits:
    r"""Exact limits of a Poisson mean.

    They are :math:`\tfrac12\chi^2_{\alpha/2, 2x}` and :math:`\tfrac12\chi^2_{1-\alpha/2, 2x+2}`.

    References
    ----------
    Garwood (1936), Biometrika 28, 437–442.

    Examples
    --------
    >>> lower, upper = garwood(np.array([0, 10]))
    >>> lower.round(4), upper.round(4)
    (array([0.    , 4.7954]), array([ 3.6889, 18.3904]))
    """
    x = np.asarray(events, dtype=float)
    tail = (1 - level) / 2
    lower = np.where(x > 0, special.gammaincinv(np.where(x > 0, x, 1.0), tail), 0.0)
    return np.where(np.isnan(x), np.nan, lower), special.gammainccinv(x + 1, tail)


def byar(events: Array, level: float = 0.95) -> Limits:
    r"""Byar's approximation of :func:`garwood`.

    :math:`x (1 - 1/9x - z / 3\sqrt x)^3`, and for the upper limit the same with :math:`x + 1` and :math:`+z`.

    References
    ----------
    Breslow and Day (1987), Statistical Methods in Cancer Research II, 69.

    Examples
    --------
    >>> lower, upper = byar(np.array([0, 10]))
    >>> lower.round(4), upper.round(4)
    (array([0.    , 4.7874]), array([ 3.668 , 18.3915]))
    """
    x = np.asarray(events, dtype=float)
    z = special.ndtri(0.5 + level / 2)
    some = np.where(x > 0, x, 1.0)
    lower = np.where(x > 0, x * np.maximum(1 - 1 / (9 * some) - z / (3 * np.sqrt(some)), 0) ** 3, 0.0)
    y = x + 1
    return np.where(np.isnan(x), np.nan, lower), y * (1 - 1 / (9 * y) + z / (3 * np.sqrt(y))) ** 3


def byar_or_exact(events: Array, level: float = 0.95) -> Limits:
    """Byar's limits from ten events on, Garwood's below: the rule of the public health observatories of England."""
    few = np.asarray(events, dtype=float) < 10
    (a, b), (c, d) = garwood(events, level), byar(events, level)
    return np.where(few, a, c), np.where(few, b, d)


def poisson_mid_p(events: Array, level: float = 0.95) -> Limits:
    """Limits of a Poisson mean with half the probability of the count itself in each tail.

    Examples
    --------
    >>> lower, upper = poisson_mid_p(np.array([0, 10]))
    >>> lower.round(4), upper.round(4)
    (array([0.    , 5.0795]), array([ 2.9957, 17.8249]))
    """
    x = np.asarray(events, dtype=float)
    tail = (1 - level) / 2

    def above(mean: Array, x: Array) -> Array:
        at_least = np.where(x > 0, special.gammainc(np.maximum(x, 1e-300), mean), 1.0)
        return (at_least + special.gammainc(x + 1, mean)) / 2

    low, high = garwood(x, level)
    with np.errstate(invalid="ignore"):
        lower = np.where(x > 0, _root(lambda m, x: above(m, x) - tail, low, high, x), 0.0)
        upper = _root(lambda m, x: above(m, x) - 1 + tail, low, high, x)
    return np.where(np.isnan(x), np.nan, lower), upper


def log_poisson(events: Array, level: float = 0.95) -> Limits:
    r"""Wald limits of the log of a Poisson mean, :math:`x e^{\mp z/\sqrt x}`; Garwood's where there is no event."""
    x = np.asarray(events, dtype=float)
    z = special.ndtri(0.5 + level / 2)
    factor = np.exp(z / np.sqrt(np.where(x > 0, x, 1.0)))
    return np.where(x > 0, x / factor, x), np.where(x > 0, x * factor, garwood(x, level)[1])


POISSON: dict[str, Callable[[Array, float], Limits]] = {
    "garwood": garwood,
    "byar": byar,
    "byar_or_exact": byar_or_exact,
    "mid_p": poisson_mid_p,
    "log": log_poisson,
}
"""Methods for Poisson counts by name."""


PROPORTION: dict[str, Callable[..., Limits]] = {
    "korn_graubard": lambda a: korn_graubard(a["p"], a["n_effective"], a["n"], a["df"], a["level"]),
    "beta": lambda a: beta(a["p"], a["n_effective"], a["n"], a["df"], a["level"]),
    "clopper_pearson": lambda a: clopper_pearson(a["p"], a["n_effective"], a["level"]),
    "jeffreys": lambda a: jeffreys(a["p"], a["n_effective"], a["level"]),
    "mid_p": lambda a: mid_p(a["p"], a["n_effective"], a["level"]),
    "wilson": lambda a: wilson(a["p"], a["n_effective"], a["df"], a["level"]),
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
