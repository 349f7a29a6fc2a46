"""Slopes, levels and projections of series whose values are estimates."""

from __future__ import annotations

import numpy as np
import pandas as pd

from uncac_metrics.stats import intervals
from uncac_metrics.stats.estimates import Estimates
from uncac_metrics.stats.frames import linearised
from uncac_metrics.stats.trends.lines import (
    df_of,
    fit_lines,
    method_of,
    own_variance,
    per_year,
    quality_of,
    ready,
    table_of,
)
from uncac_metrics.stats.trends.series import on_scale, scale_of, sign_of


def slope(
    data: Estimates | pd.DataFrame, *, scale: str = "identity", scatter: str = "reml", level: float = 0.95
) -> Estimates:
    r"""Slope of every series: average change a year, with the errors of its values and what their samples share.

    A line :math:`g(\theta_t) = a + b\,t + u_t` is fitted by generalised least squares to
    :math:`g(\hat\theta_t)`, whose covariance is that of the estimates (:meth:`Estimates.covariance`, overlapping
    samples included) by the delta method, plus :math:`\tau^2` for what the truth departs from the line
    (``scatter="reml"``: by restricted likelihood, at least zero; Student's t on n − 2). With ``"none"`` the truth is
    taken to lie on the line; normal quantiles, or t on the design's degrees of freedom.

    Two points give the difference over the years between, with sampling errors alone. Where a series has values
    without standard errors its values are taken as errorless draws about the line (ordinary least squares), and with
    two points nothing is known of the error.

    Parameters
    ----------
    data : Estimates or DataFrame
        Estimates; or published figures with the columns ``value``, ``time_period`` and, where known, ``std_error``.
    scale : str
        ``identity`` (units a year), ``log`` (per cent a year, :math:`100 (e^b - 1)`; limits are transformed) or
        ``logit`` (log odds a year).
    scatter : str
        ``reml`` or ``none``.
    level : float
        Confidence level.

    Returns
    -------
    Estimates
        Statistic ``slope``, a row a series, with scores: slopes of groups can be compared. ``n`` counts time points;
        ``time_period`` spans them. ``quality`` holds the p-value of no slope, that of the misfit of a line with
        sampling errors alone (Cochran's Q), and τ.

    Raises
    ------
    Faults
        A scale or scatter of another name, periods that are none, two values of a series at one time.

    References
    ----------
    Regression on estimates with known errors: Hedges and Olkin (1985), *Statistical Methods for Meta-Analysis*,
    chapter 8; restricted likelihood of the scatter: Viechtbauer (2005), Journal of Educational and Behavioral
    Statistics 30, 261–293.

    Examples
    --------
    >>> import pandas as pd
    >>> waves = pd.DataFrame({"time_period": ["2013", "2015", "2017", "2019"], "value": [24.0, 21.0, 20.0, 17.0],
    ...                       "std_error": [1.2, 1.1, 1.0, 1.0], "unit": "%"})
    >>> slope(waves).table[["value", "std_error", "lower", "upper", "quality"]].round(3)
       value  std_error  lower  upper                                      quality
    0 -1.096      0.244 -2.148 -0.044  p = 0.0463; misfit p = 0.696; scatter τ = 0
    >>> slope(waves, scale="log", scatter="none").table[["value", "lower", "upper", "unit"]].round(2)
       value  lower  upper        unit
    0   -5.2  -7.41  -2.93  % per year
    """
    estimates, series = ready(data, scale, scatter)
    lines = fit_lines(estimates, series, scale, scatter)
    rate = scale == "log"
    slopes = np.array([np.nan if one is None else one.fit.beta[1] for one in lines])
    factor = 100 * np.exp(slopes) if rate else np.ones(len(slopes))
    gradient, extra = np.zeros((len(series), len(estimates))), np.zeros((len(series), len(series)))
    for i, one in enumerate(lines):
        if one is not None:
            gradient[i, one.rows] = one.gradient[1] * factor[i]
            extra[i, i] = own_variance(one, np.array([0.0, 1.0])) * factor[i] ** 2
    value = 100 * np.expm1(slopes) if rate else slopes
    result = linearised(estimates, gradient, table_of(estimates, series, lines, "slope"), value, extra)
    table = result.table
    df, se = df_of(lines), table["std_error"].to_numpy()
    lower, upper = intervals.wald(slopes, se / factor, df, level)
    if rate:
        lower, upper = 100 * np.expm1(lower), 100 * np.expm1(upper)
    with np.errstate(divide="ignore", invalid="ignore"):
        p = 2 * intervals.t_tail(np.abs(slopes) * factor / se, df)
    unit = {"identity": table["unit"].map(per_year), "log": "% per year", "logit": "log odds per year"}[scale]
    return result.with_columns(
        lower=lower, upper=upper, conf_level=level, interval="wald", df=df, unit=unit,
        quality=[quality_of(one, q) for one, q in zip(lines, p, strict=True)],
        method=[method_of(one, scale, scatter) for one in lines],
    )  # fmt: skip


def project(
    data: Estimates | pd.DataFrame,
    to: float = 2030.0,
    *,
    scale: str = "identity",
    scatter: str = "reml",
    level: float = 0.95,
) -> Estimates:
    r"""Value that every series would have at a later time if its line went on, with a prediction interval.

    The variance is that of the line at `to` plus :math:`\tau^2` for the scatter of the truth about it. It says
    nothing of a change of course: no model of the past does.

    Parameters
    ----------
    data, scale, scatter, level
        As for :func:`slope`; the interval is made on the scale and transformed back, so that ``logit`` keeps a share
        within 0 and 100 %.
    to : float
        Time in years.

    Returns
    -------
    Estimates
        Statistic ``projection``, a row a series.

    Raises
    ------
    Faults
        As for :func:`slope`.

    Examples
    --------
    >>> import pandas as pd
    >>> waves = pd.DataFrame({"time_period": ["2013", "2015", "2017", "2019"], "value": [24.0, 21.0, 20.0, 17.0],
    ...                       "std_error": [1.2, 1.1, 1.0, 1.0], "unit": "%"})
    >>> project(waves, scale="logit", scatter="none").table[["time_period", "value", "lower", "upper"]].round(2)
      time_period  value  lower  upper
    0        2030   9.09   6.14  13.24
    """
    estimates, series = ready(data, scale, scatter)
    lines = fit_lines(estimates, series, scale, scatter)
    on = scale_of(scale, "project")
    _, top = on_scale(estimates, scale)
    top = np.array([top[s.rows[0]] for s in series])
    at = [np.array([1.0, to - s.times.mean()]) if s.times.size else np.zeros(2) for s in series]
    level_at = np.array([np.nan if one is None else x @ one.fit.beta for one, x in zip(lines, at, strict=True)])
    back = on.back(level_at)
    with np.errstate(divide="ignore", invalid="ignore"):
        factor = top / on.derivative(back)
    gradient, extra = np.zeros((len(series), len(estimates))), np.zeros((len(series), len(series)))
    for i, one in enumerate(lines):
        if one is not None:
            gradient[i, one.rows] = at[i] @ one.gradient * factor[i]
            extra[i, i] = (own_variance(one, at[i]) + one.fit.scatter) * factor[i] ** 2
    table = table_of(estimates, series, lines, "projection").assign(time_period=f"{to:g}")
    result = linearised(estimates, gradient, table, back * top, extra)
    df = df_of(lines)
    lower, upper = intervals.wald(level_at, result.table["std_error"].to_numpy() / factor, df, level)
    return result.with_columns(
        lower=on.back(lower) * top, upper=on.back(upper) * top, conf_level=level, interval="wald", df=df,
        obs_status="E", method=[method_of(one, scale, scatter) + "; prediction" for one in lines],
    )  # fmt: skip


def reaches(projection: Estimates, target: float, *, direction: str, scale: str = "identity") -> pd.Series:
    """Probability that a projected value reaches a target.

    The prediction is Student's t about the projected value on the scale, with the errors of :func:`project`.

    Parameters
    ----------
    projection : Estimates
        From :func:`project`.
    target : float
        In the unit of the values.
    direction : str
        ``lower`` (at most the target) or ``higher`` (at least the target).
    scale : str
        That of the projection.

    Returns
    -------
    Series
        A probability a row; NaN where the error is unknown.

    Examples
    --------
    >>> import pandas as pd
    >>> waves = pd.DataFrame({"time_period": ["2013", "2015", "2017", "2019"], "value": [24.0, 21.0, 20.0, 17.0],
    ...                       "std_error": [1.2, 1.1, 1.0, 1.0], "unit": "%"})
    >>> reaches(project(waves, scatter="none"), 10.0, direction="lower").round(3).tolist()
    [0.923]
    """
    sign = sign_of(direction, "reaches")
    on = scale_of(scale, "reaches")
    value, top = on_scale(projection, scale)
    with np.errstate(divide="ignore", invalid="ignore"):
        error = projection.table["std_error"].to_numpy() / top * on.derivative(value)
        t = sign * (on.forward(target / top) - on.forward(value)) / error
    return pd.Series(intervals.t_tail(t, projection.table["df"].to_numpy()), projection.table.index, name="probability")
