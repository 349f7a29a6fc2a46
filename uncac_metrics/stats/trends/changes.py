"""Annual rates of change between two points of a series."""

from __future__ import annotations

import numpy as np
import pandas as pd

from uncac_metrics.model import Fault, Faults
from uncac_metrics.stats import intervals
from uncac_metrics.stats.estimates import Estimates
from uncac_metrics.stats.frames import as_estimates, linearised
from uncac_metrics.stats.trends.series import Series, heads, scale_of, split

Array = np.ndarray


def annual_change(
    data: Estimates | pd.DataFrame, *, over: str | float = "consecutive", scale: str = "log", level: float = 0.95
) -> Estimates:
    r"""Average annual rate of change between points of every series.

    On the log scale the compound rate :math:`100\,[(\theta_t / \theta_s)^{1/(t-s)} - 1]` in per cent a year, with
    limits made on the log scale; on the identity scale the difference over the years between. The variance is that
    of the two estimates with their covariance.

    Parameters
    ----------
    data : Estimates or DataFrame
        Estimates; or published figures with the columns ``value``, ``time_period`` and, where known, ``std_error``.
    over : str or float
        ``consecutive`` points, the ``whole`` series (first to last), or a number of years: moving rates between
        every point and the earlier one that is nearest to so many years before, half as many off at most.
    scale : str
        ``log`` or ``identity``.
    level : float
        Confidence level.

    Returns
    -------
    Estimates
        Statistic ``annual_change``, a row a pair of points, ``time_period`` "2015/2019"; with scores, so that rates
        can be compared. ``quality`` holds the p-value of no change. A rate from or to zero is undefined: no value,
        and the reason.

    Raises
    ------
    Faults
        A scale or `over` that is none, periods that are none, two values of a series at one time.

    Examples
    --------
    >>> import pandas as pd
    >>> waves = pd.DataFrame({"time_period": ["2013", "2015", "2019"], "value": [25.0, 20.0, 16.0],
    ...                       "std_error": [1.0, 1.0, 0.8], "unit": "%"})
    >>> annual_change(waves).table[["time_period", "value", "lower", "upper"]].round(2)
      time_period  value  lower  upper
    0   2013/2015 -10.56 -16.00  -4.76
    1   2015/2019  -5.43  -8.65  -2.09
    """
    if scale not in ("log", "identity"):
        raise Faults([Fault("annual_change", "scale", f"no scale {scale!r}", "log or identity")])
    estimates = as_estimates(data)
    series = split(estimates)
    pairs, of = [], []
    for s in series:
        found = _pairs(s.times, over)
        pairs += [(s.rows[i], s.rows[j], s.times[j] - s.times[i]) for i, j in found]
        of += [Series(s.rows[[i, j]], s.times[[i, j]]) for i, j in found]
    early = np.array([p[0] for p in pairs], dtype=np.intp)
    late = np.array([p[1] for p in pairs], dtype=np.intp)
    apart = np.array([p[2] for p in pairs], dtype=float)
    on = scale_of(scale, "annual_change")
    theta = estimates.table["value"].to_numpy(dtype=float)
    with np.errstate(divide="ignore", invalid="ignore"):
        rate = np.where(
            on.valid(theta[early]) & on.valid(theta[late]), on.forward(theta[late]) - on.forward(theta[early]), np.nan
        )
        rate = np.where(np.isfinite(rate), rate / apart, np.nan)
        steps = on.derivative(theta)
    log = scale == "log"
    factor = 100 * np.exp(rate) if log else np.ones(len(rate))
    gradient = np.zeros((len(pairs), len(estimates)))
    at, defined = np.arange(len(pairs)), ~np.isnan(rate)
    gradient[at[defined], late[defined]] = (steps[late] * factor / apart)[defined]
    gradient[at[defined], early[defined]] = -(steps[early] * factor / apart)[defined]
    df = np.fmin(*(estimates.table["df"].fillna(np.inf).to_numpy()[k] for k in (early, late)))
    table = heads(
        estimates, of, statistic="annual_change",
        obs_status=np.where(defined, "A", "O"), reason=np.where(defined, "", "no rate from or to a value of 0 or less"),
    )  # fmt: skip
    result = linearised(estimates, gradient, table, 100 * np.expm1(rate) if log else rate)
    with np.errstate(divide="ignore", invalid="ignore"):
        error = result.table["std_error"].to_numpy() / factor
        p = 2 * intervals.t_tail(np.abs(rate) / error, df)
    lower, upper = intervals.wald(rate, error, df, level)
    if log:
        lower, upper = 100 * np.expm1(lower), 100 * np.expm1(upper)
    unit = "% per year" if log else result.table["unit"].map(lambda u: f"{u or 'units'} per year")
    return result.with_columns(
        lower=lower, upper=upper, conf_level=level, interval="wald", df=df, unit=unit,
        quality=["" if np.isnan(v) else f"p = {v:.3g}" for v in p],
        method="compound annual rate of change" if log else "difference over the years between",
    )  # fmt: skip


def _pairs(times: Array, over: str | float) -> list[tuple[int, int]]:
    n = times.size
    if over == "consecutive":
        return [(i, i + 1) for i in range(n - 1)]
    if over == "whole":
        return [(0, n - 1)] if n > 1 else []
    if isinstance(over, str) or not over > 0:
        raise Faults([Fault("annual_change", "over", f"{over!r}", "consecutive, whole, or a number of years above 0")])
    out = []
    for j in range(1, n):
        off = np.abs(times[j] - over - times[:j])
        i = int(np.argmin(off))
        if off[i] <= over / 2:
            out.append((i, j))
    return out
