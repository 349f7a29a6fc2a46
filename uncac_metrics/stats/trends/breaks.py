"""Breaks in series: at a known time, with the errors of the estimates; and at an unknown one, in long series."""

from __future__ import annotations

import numpy as np
import pandas as pd

from uncac_metrics.model import Fault, Faults
from uncac_metrics.stats import intervals
from uncac_metrics.stats.estimates import Estimates
from uncac_metrics.stats.frames import linearised
from uncac_metrics.stats.survey.testing import TestResult
from uncac_metrics.stats.trends.lines import (
    df_of,
    fit_lines,
    method_of,
    own_variance,
    quality_of,
    ready,
    straight,
    table_of,
)
from uncac_metrics.stats.trends.series import years

Array = np.ndarray


def level_break(
    data: Estimates | pd.DataFrame,
    at: str,
    *,
    trend: bool = True,
    scale: str = "identity",
    scatter: str = "reml",
    level: float = 0.95,
) -> Estimates:
    r"""Jump of every series at a known time: a new questionnaire, a new method, a new law.

    :math:`g(\theta_t) = a + b\,t + \delta\,1(t \ge t_0) + u_t`, fitted as :func:`slope` does; the slope is left out
    with ``trend=False``. It needs a point on either side and, with sampling errors and scatter, at least one point
    more than there are coefficients to tell a jump from noise.

    Parameters
    ----------
    data, scale, scatter, level
        As for :func:`slope`.
    at : str
        First period after the break.
    trend : bool
        The series also moves along a line, of the same slope before and after.

    Returns
    -------
    Estimates
        Statistic ``level_break``, δ in units of the scale (``log``: per cent, :math:`100 (e^\delta - 1)`), a row a
        series, with scores.

    Raises
    ------
    Faults
        As for :func:`slope`; `at` that is no period.

    Examples
    --------
    >>> import pandas as pd
    >>> waves = pd.DataFrame({"time_period": ["2013", "2015", "2017", "2019", "2021"], "unit": "%",
    ...                       "value": [24.0, 22.0, 20.0, 25.0, 23.0], "std_error": 1.0})
    >>> level_break(waves, "2019", scatter="none").table[["value", "lower", "upper", "quality"]].round(2)
       value  lower  upper                                    quality
    0    7.0   3.42  10.58  p = 0.000126; misfit p = 1; scatter τ = 0
    """
    estimates, series = ready(data, scale, scatter)
    first = float(years([at])[0])

    def columns(times: Array) -> Array:
        line = straight(times)
        return np.column_stack([line if trend else line[:, :1], times >= first])

    lines = fit_lines(estimates, series, scale, scatter, columns)
    jump = np.array([np.nan if one is None else one.fit.beta[-1] for one in lines])
    log = scale == "log"
    factor = 100 * np.exp(jump) if log else np.ones(len(jump))
    gradient, extra = np.zeros((len(series), len(estimates))), np.zeros((len(series), len(series)))
    for i, one in enumerate(lines):
        if one is not None:
            gradient[i, one.rows] = one.gradient[-1] * factor[i]
            last = np.eye(one.fit.beta.size)[-1]
            extra[i, i] = own_variance(one, last) * factor[i] ** 2
    table = table_of(estimates, series, lines, "level_break")
    result = linearised(estimates, gradient, table, 100 * np.expm1(jump) if log else jump, extra)
    error, df = result.table["std_error"].to_numpy() / factor, df_of(lines)
    lower, upper = intervals.wald(jump, error, df, level)
    if log:
        lower, upper = 100 * np.expm1(lower), 100 * np.expm1(upper)
    with np.errstate(divide="ignore", invalid="ignore"):
        p = 2 * intervals.t_tail(np.abs(jump) / error, df)
    unit = {"log": "%", "logit": "log odds"}.get(scale)
    return result.with_columns(
        lower=lower, upper=upper, conf_level=level, interval="wald", df=df, unit=unit or table["unit"],
        quality=[quality_of(one, q) for one, q in zip(lines, p, strict=True)],
        method=[m and f"level break at {at}; {m}" for m in (method_of(one, scale, scatter) for one in lines)],
    )  # fmt: skip


def pettitt(values: Array | pd.Series) -> TestResult:
    r"""Pettitt's test of a shift at an unknown time, by ranks.

    :math:`U_k = 2 \sum_{i \le k} r_i - k (n + 1)`, :math:`K = \max |U_k|`,
    :math:`p \approx 2 \exp\{-6 K^2 / (n^3 + n^2)\}`, at most 1: an approximation, fair from 15 values on.

    Parameters
    ----------
    values : array of shape (n,)
        In the order of time; their sampling errors and autocorrelation are not taken into account.

    Returns
    -------
    TestResult
        ``details["after"]`` is the number of values before the shift.

    Raises
    ------
    Faults
        Fewer than 15 values: too few to find a break that nobody knows of.

    References
    ----------
    Pettitt (1979), Applied Statistics 28, 126–135.

    Examples
    --------
    >>> str(pettitt([5, 6, 5, 7, 6, 5, 6, 7, 11, 12, 10, 11, 13, 12, 11, 12]))
    "Pettitt's test of a shift: rank = 64, p = 0.00706"
    """
    y = _long(values, "pettitt")
    n = y.size
    u = 2 * np.cumsum(pd.Series(y).rank().to_numpy()) - np.arange(1, n + 1) * (n + 1)
    k = float(np.abs(u).max())
    p = min(1.0, 2 * float(np.exp(-6 * k**2 / (n**3 + n**2))))
    after = int(np.argmax(np.abs(u))) + 1
    return TestResult(k, "rank", (), p, "Pettitt's test of a shift", n=n, details={"after": after})


def snht(values: Array | pd.Series, *, draws: int = 20_000, seed: int = 0) -> TestResult:
    r"""Alexandersson's standard normal homogeneity test of a shift at an unknown time.

    :math:`T = \max_k\, k \bar z_{1..k}^2 + (n - k) \bar z_{k+1..n}^2` with z the standardised values. The p-value is
    by simulation of independent normal values.

    Parameters
    ----------
    values : array of shape (n,)
        In the order of time; their sampling errors and autocorrelation are not taken into account.
    draws, seed : int
        Simulated series, and the seed that makes them.

    Returns
    -------
    TestResult
        ``details["after"]`` is the number of values before the shift.

    Raises
    ------
    Faults
        Fewer than 15 values, or all equal.

    References
    ----------
    Alexandersson (1986), Journal of Climatology 6, 661–675.

    Examples
    --------
    >>> found = snht([5, 6, 5, 7, 6, 5, 6, 7, 11, 12, 10, 11, 13, 12, 11, 12])
    >>> round(found.statistic, 3), found.p_value < 0.001, found.details["after"]
    (13.813, True, 8)
    """
    y = _long(values, "snht")
    if y.std() == 0:
        raise Faults([Fault("snht", "values", "all are equal", "there is nothing to test")])
    observed = _homogeneity(y[None, :])
    after = int(np.argmax(observed[0])) + 1
    statistic = float(observed[0].max())
    simulated = _homogeneity(np.random.default_rng(seed).standard_normal((draws, y.size))).max(axis=1)
    p = (1 + float((simulated >= statistic).sum())) / (draws + 1)
    return TestResult(
        statistic, "simulated", (), p, "Standard normal homogeneity test", n=y.size, details={"after": after}
    )


def _homogeneity(y: Array) -> Array:
    """The statistic of every series (a row) for a shift after 1, 2, …, n − 1 values."""
    n = y.shape[1]
    z = (y - y.mean(axis=1, keepdims=True)) / y.std(axis=1, ddof=1, keepdims=True)
    k = np.arange(1, n)
    before = np.cumsum(z, axis=1)[:, :-1]
    return before**2 / k + before**2 / (n - k)  # the sums before and after differ by sign alone


def _long(values: Array | pd.Series, where: str) -> Array:
    y = np.asarray(values, dtype=float)
    if y.ndim != 1 or np.isnan(y).any() or y.size < 15:
        what = f"{y.size} values, {int(np.isnan(y).sum())} of them missing"
        raise Faults([Fault(where, "values", what, "give 15 values or more, in the order of time, without gaps")])
    return y
