r"""Pooling of several surveys of one quantity: random effects, small numbers of surveys, houses with more than one.

Survey i measures :math:`y_i = \mu + u_i + e_i` with known :math:`V(e_i) = v_i` and :math:`V(u_i) = \tau^2`: surveys
differ by wording, mode and house, besides sampling.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
from scipy import optimize, stats

from uncac_metrics.model import Fault, Faults
from uncac_metrics.stats import intervals
from uncac_metrics.stats.estimates import Estimates, make_table
from uncac_metrics.stats.scores.covariances import factor_scores
from uncac_metrics.stats.survey.stages import rows_of

Array = np.ndarray

METHODS = ("REML", "ML", "PM", "DL", "fixed")


@dataclass(frozen=True, eq=False)
class Pooled:
    """What several surveys say together."""

    estimates: Estimates
    """Two rows: ``pooled_mean``, and ``prediction``, whose interval is for what another such survey would measure
    without sampling error."""
    heterogeneity: pd.Series
    """``tau2`` with ``tau2_lower`` and ``tau2_upper`` (Q-profile), ``I2`` (per cent), ``H2``, ``Q``, ``p_value``;
    with houses also ``tau2_house`` and ``tau2_survey``, of which ``tau2`` is the sum."""


def pool_surveys(
    surveys: pd.DataFrame,
    *,
    value: str = "value",
    std_error: str = "std_error",
    house: str | None = None,
    method: str = "REML",
    knapp_hartung: bool = True,
    level: float = 0.95,
) -> Pooled:
    r"""Pool estimates of one quantity from several independent samples.

    :math:`\hat\mu = \sum w_i y_i / \sum w_i` with :math:`w_i = 1 / (v_i + \hat\tau^2)`. By Knapp and Hartung

    .. math:: \mathrm{se}^2 = \frac{\sum w_i (y_i - \hat\mu)^2}{(k - 1) \sum w_i},

    with Student's t of k − 1 degrees of freedom. The prediction interval is
    :math:`\hat\mu \pm t \sqrt{\hat\tau^2 + \mathrm{se}^2}`.

    Parameters
    ----------
    surveys : DataFrame
        One row a survey. Shares are best pooled as log odds.
    value, std_error : str
        Columns: the estimate, and its standard error with the sampling design in it.
    house : str, optional
        Column of who made the survey. Surveys of a house share an effect: variances between houses and within are
        estimated by restricted likelihood, and t has as many degrees of freedom as there are houses less one.
    method : {"REML", "ML", "PM", "DL", "fixed"}
        How τ² is estimated: restricted or full likelihood, Paule and Mandel, DerSimonian and Laird, or taken as 0.
    knapp_hartung : bool
        Otherwise the standard error is :math:`(\sum w_i)^{-1/2}`, with the normal distribution. Not used with houses.
    level : float
        Confidence level.

    Returns
    -------
    Pooled

    Raises
    ------
    Faults
        Fewer than two surveys (or houses), missing values, standard errors that are not positive.

    Notes
    -----
    :func:`statsmodels.stats.meta_analysis.combine_effects` has fixed effects, DerSimonian–Laird and Paule–Mandel with
    Knapp–Hartung, and ours agree with them; it has no likelihood methods, interval of τ², prediction or houses. With
    fewer than five surveys τ² is hardly known: see its interval.

    References
    ----------
    Viechtbauer (2005), Journal of Educational and Behavioral Statistics 30, 261–293; Knapp and Hartung (2003),
    Statistics in Medicine 22, 2693–2710; Viechtbauer (2007), Statistics in Medicine 26, 37–52 (Q-profile); Higgins,
    Thompson and Spiegelhalter (2009), JRSS A 172, 137–159 (prediction).

    Examples
    --------
    >>> frame = pd.DataFrame({"value": [12.0, 15.0, 11.0, 18.0], "std_error": [1.0, 1.2, 0.9, 1.5]})
    >>> pooled = pool_surveys(frame)
    >>> pooled.estimates.table[["statistic", "value", "std_error", "lower", "upper"]].round(2)
         statistic  value  std_error  lower  upper
    0  pooled_mean  13.85       1.56   8.88  18.81
    1   prediction  13.85       3.25   3.49  24.20
    """
    if method not in METHODS:
        raise Faults([Fault("pool_surveys", "method", f"{method!r}", f"one of {', '.join(METHODS)}")])
    y, v, houses = _checked(surveys, value, std_error, house)
    parts: dict[str, float] = {}
    k = len(y)
    if house is None:
        tau2 = {"REML": _reml, "ML": _ml, "PM": _pm, "DL": _dl, "fixed": _none}[method](y, v)
        w = 1 / (v + tau2)
        mean = (w * y).sum() / w.sum()
        df = float(k - 1) if knapp_hartung else np.inf
        variance = (w * (y - mean) ** 2).sum() / ((k - 1) * w.sum()) if knapp_hartung else 1 / w.sum()
        text = f"{method}{', Knapp-Hartung' if knapp_hartung else ''}"
    else:
        between, within = _two_levels(y, v, houses)
        inverse = np.linalg.inv(_covariance(v, houses, between, within))
        variance = 1 / inverse.sum()
        mean = variance * (inverse @ y).sum()
        tau2, df = between + within, float(len(np.unique(houses)) - 1)
        parts = {"tau2_house": between, "tau2_survey": within}
        text = "REML, surveys within houses"
    se = np.sqrt(variance)
    spread = np.array([se, np.sqrt(tau2 + variance)])
    lower, upper = intervals.wald(np.full(2, mean), spread, np.full(2, df), level)
    table = make_table(
        {
            "statistic": ["pooled_mean", "prediction"], "value": np.full(2, mean), "std_error": spread, "lower": lower,
            "upper": upper, "conf_level": level, "interval": "wald", "df": df, "n": k,
            "method": f"random effects of {k} surveys, {text}",
        }
    )  # fmt: skip
    scores = factor_scores(np.array([0.0, np.sqrt(tau2)]), np.full((2, 1), se))
    return Pooled(Estimates(table, (scores,)), pd.Series({**_heterogeneity(y, v, tau2, level), **parts}))


def _heterogeneity(y: Array, v: Array, tau2: float, level: float) -> dict[str, float]:
    k, w = len(y), 1 / v
    q = _q(0.0, y, v)
    typical = (k - 1) * w.sum() / (w.sum() ** 2 - (w**2).sum())
    tail = (1 - level) / 2
    ends = stats.chi2.ppf([1 - tail, tail], k - 1)
    low, high = (_root(partial(_q_less, quantile=end, y=y, v=v), y, v) for end in ends)
    return {
        "tau2": tau2, "tau2_lower": low, "tau2_upper": high, "I2": 100 * tau2 / (tau2 + typical),
        "H2": tau2 / typical + 1, "Q": q, "p_value": float(stats.chi2.sf(q, k - 1)),
    }  # fmt: skip


def _mean(tau2: float, y: Array, v: Array) -> tuple[Array, Array]:
    w = 1 / (v + tau2)
    return w, y - (w * y).sum() / w.sum()


def _q(tau2: float, y: Array, v: Array) -> float:
    w, rest = _mean(tau2, y, v)
    return float((w * rest**2).sum())


def _q_less(tau2: float, quantile: float, y: Array, v: Array) -> float:
    return _q(tau2, y, v) - quantile


def _reml(y: Array, v: Array) -> float:
    def score(tau2: float) -> float:
        w, rest = _mean(tau2, y, v)
        return float((w**2 * rest**2).sum() - w.sum() + (w**2).sum() / w.sum())

    return _root(score, y, v)


def _ml(y: Array, v: Array) -> float:
    def score(tau2: float) -> float:
        w, rest = _mean(tau2, y, v)
        return float((w**2 * rest**2).sum() - w.sum())

    return _root(score, y, v)


def _pm(y: Array, v: Array) -> float:
    return _root(partial(_q_less, quantile=len(y) - 1, y=y, v=v), y, v)


def _dl(y: Array, v: Array) -> float:
    w = 1 / v
    return max(0.0, (_q(0.0, y, v) - (len(y) - 1)) / (w.sum() - (w**2).sum() / w.sum()))


def _none(y: Array, v: Array) -> float:
    return 0.0


def _root(score: Callable[[float], float], y: Array, v: Array) -> float:
    """Where a score that falls with τ² crosses zero; 0 if it never is above."""
    if score(0.0) <= 0:
        return 0.0
    high = float(np.var(y) + v.max())
    while score(high) > 0:
        high *= 4
    return float(optimize.brentq(score, 0.0, high, xtol=1e-14, rtol=8.9e-16))


def _covariance(v: Array, houses: Array, between: float, within: float) -> Array:
    return np.diag(v + within) + between * (houses[:, None] == houses[None, :])


def _two_levels(y: Array, v: Array, houses: Array) -> tuple[float, float]:
    """Variances between and within houses, by restricted likelihood; of several starts the best end."""

    def loss(root: Array) -> float:
        covariance = _covariance(v, houses, root[0] ** 2, root[1] ** 2)
        inverse = np.linalg.inv(covariance)
        total = inverse.sum()
        rest = y - (inverse @ y).sum() / total
        return float(np.linalg.slogdet(covariance)[1] + np.log(total) + rest @ inverse @ rest)

    sd = float(np.std(y)) + 1e-12
    starts = [(0.7, 0.7), (1.0, 0.1), (0.1, 1.0)]
    options = {"xatol": 1e-10 * sd, "fatol": 1e-13, "maxiter": 4000, "maxfev": 4000}
    ends = [optimize.minimize(loss, sd * np.array(s), method="Nelder-Mead", options=options) for s in starts]
    best = min(ends, key=lambda e: float(e.fun))
    return float(best.x[0] ** 2), float(best.x[1] ** 2)


def _checked(surveys: pd.DataFrame, value: str, std_error: str, house: str | None) -> tuple[Array, Array, Array]:
    wanted = [value, std_error, *([house] if house else [])]
    missing = [c for c in wanted if c not in surveys.columns]
    if missing:
        raise Faults([Fault("surveys", c, "no such column", f"one of {', '.join(surveys.columns)}") for c in missing])
    y = surveys[value].to_numpy(dtype=float, na_value=np.nan)
    se = surveys[std_error].to_numpy(dtype=float, na_value=np.nan)
    faults = []
    for name, bad, what in ((value, ~np.isfinite(y), "missing values"), (std_error, ~(se > 0), "not above zero")):
        if bad.any():
            faults.append(Fault("surveys", name, what, "leave these surveys out", **rows_of(bad)))
    codes = pd.factorize(surveys[house])[0] if house else np.arange(len(y))
    if len(np.unique(codes)) < 2:
        what = f"fewer than two {'houses' if house else 'surveys'}"
        faults.append(Fault("surveys", house or value, what, "there is nothing to pool"))
    if faults:
        raise Faults(faults)
    return y, se**2, codes
