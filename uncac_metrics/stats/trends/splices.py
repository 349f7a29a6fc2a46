"""Series joined over a change of method, with the uncertainty of the joint."""

from __future__ import annotations

import numpy as np
import pandas as pd

from uncac_metrics.model import Fault, Faults
from uncac_metrics.stats import intervals
from uncac_metrics.stats.estimates import Estimates, concat
from uncac_metrics.stats.frames import as_estimates, linearised
from uncac_metrics.stats.trends.series import keys_of, on_scale, scale_of, years

Array = np.ndarray


def splice(
    old: Estimates | pd.DataFrame,
    new: Estimates | pd.DataFrame,
    *,
    at: str,
    scale: str = "identity",
    level: float = 0.95,
) -> Estimates:
    r"""One series in the terms of the new method, with the old one back-cast through a wave that has both.

    With g the scale and b the wave measured both ways (a split ballot, say),

    .. math:: g(\theta^*_t) = g(\hat\theta^{old}_t) + g(\hat\theta^{new}_b) - g(\hat\theta^{old}_b),\qquad t < b.

    On the identity scale the levels differ by a constant, on the log scale by a ratio, on the logit scale by an odds
    ratio. The variance is that of all three, with their covariance; the error of the joint is common to all
    back-cast points, and so are they correlated: the result carries that in its scores.

    Parameters
    ----------
    old, new : Estimates or DataFrame
        The series before and after. Each has the period `at`; series are matched on indicator, statistic, area,
        breakdowns, denominator and unit.
    at : str
        Period of the wave that was measured both ways.
    scale : str
        ``identity``, ``log`` or ``logit``.
    level : float
        Confidence level of the (Wald, on the scale) limits of back-cast points.

    Returns
    -------
    Estimates
        The rows of `new` as they are, and those of `old` before `at`, back-cast: ``obs_status`` is ``E``.

    Raises
    ------
    Faults
        Series without the period `at` in both, or values that the scale does not take.

    Notes
    -----
    A comparison of a back-cast point with the wave b has the error of the old method's change alone: the joint
    cancels out. :func:`uncac_metrics.stats.compare` of the result shows it.

    Examples
    --------
    >>> import pandas as pd
    >>> old = pd.DataFrame({"time_period": ["2013", "2017", "2019"], "value": [20.0, 18.0, 17.0], "std_error": 1.0})
    >>> new = pd.DataFrame({"time_period": ["2019", "2023"], "value": [22.0, 20.0], "std_error": 1.0})
    >>> splice(old, new, at="2019").table[["time_period", "value", "std_error", "obs_status"]].round(2)
      time_period  value  std_error obs_status
    0        2013   25.0       1.73          E
    1        2017   23.0       1.73          E
    2        2019   22.0       1.00          A
    3        2023   20.0       1.00          A
    """
    on = scale_of(scale, "splice")
    both = concat([as_estimates(old), as_estimates(new)])
    table = both.table
    is_old = np.arange(len(table)) < len(old)
    time, joint = years(table["time_period"]), float(years([at])[0])
    code = table.groupby(keys_of(both), sort=False, dropna=False).ngroup().to_numpy()
    theta, top = on_scale(both, scale)
    back_cast = np.flatnonzero(is_old & (time < joint))
    old_at, new_at = (_at(code, time == joint, side) for side in (is_old, ~is_old))
    faults = []
    for side, place in (("old", old_at), ("new", new_at)):
        lost = place[code[back_cast]] < 0
        if lost.any():
            rows = tuple(int(i) + 1 for i in back_cast[lost][:5])
            remedy = f"splice where {at} was measured both ways, or leave these series out"
            faults.append(Fault("splice", side, f"no value for {at}", remedy, rows, int(lost.sum())))
    if not faults:
        involved = np.unique(np.concatenate([back_cast, old_at[code[back_cast]], new_at[code[back_cast]]]))
        bad = involved[~on.valid(theta[involved])]
        if bad.size:
            rows = tuple(int(i) + 1 for i in bad[:5])
            faults.append(Fault("splice", "value", f"not on the {scale} scale", "take identity", rows, bad.size))
    if faults:
        raise Faults(faults)
    keep = np.concatenate([back_cast, np.flatnonzero(~is_old)])
    gradient = np.zeros((keep.size, len(table)))
    gradient[np.arange(keep.size), keep] = 1.0
    first, own = np.arange(back_cast.size), code[back_cast]
    with np.errstate(divide="ignore", invalid="ignore"):
        z, steps = on.forward(theta), on.derivative(theta)
    moved = z[back_cast] + z[new_at[own]] - z[old_at[own]]
    value = theta[keep].copy()
    value[first] = on.back(moved)
    factor = 1 / on.derivative(value[first])
    gradient[first, back_cast] = steps[back_cast] * factor
    gradient[first, new_at[own]] += steps[new_at[own]] * factor
    gradient[first, old_at[own]] -= steps[old_at[own]] * factor
    kept = table.iloc[keep].reset_index(drop=True)
    result = linearised(both, gradient, kept, value * top[keep])
    all_df = table["df"].fillna(np.inf).to_numpy()
    df = np.minimum.reduce([all_df[back_cast], all_df[new_at[own]], all_df[old_at[own]]])
    error = result.table["std_error"].to_numpy()[first] / (factor * top[back_cast])
    lower, upper = (on.back(v) * top[back_cast] for v in intervals.wald(moved, error, df, level))
    out = result.table
    changes = {
        "lower": lower, "upper": upper, "conf_level": level, "interval": "wald", "df": df, "deff": np.nan,
        "obs_status": "E", "method": [f"{m}; back-cast at {at}, {scale} scale" for m in kept["method"].iloc[first]],
    }  # fmt: skip
    for name, values in changes.items():
        column = out[name].to_numpy(dtype=object, copy=True)
        column[first] = values
        out[name] = pd.array(column, dtype=kept[name].dtype)
    out["cv"] = np.divide(out["std_error"], out["value"].abs(), out=np.full(len(out), np.nan), where=out["value"] != 0)
    order = np.lexsort((time[keep], code[keep]))
    [block] = result.scores
    return Estimates(out.iloc[order].reset_index(drop=True), (block.take(order),))


def _at(code: Array, here: Array, side: Array) -> Array:
    """Position of the row of each series on one side at the joint; −1 where there is none."""
    out = np.full(code.max() + 1 if code.size else 0, -1, dtype=np.intp)
    rows = np.flatnonzero(here & side)
    out[code[rows]] = rows
    return out
