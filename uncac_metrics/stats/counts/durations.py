r"""Durations with censoring: Kaplan–Meier curve, quantiles, restricted means, cumulative incidence.

Every row is a spell of `duration` that ended with an event or was still open. Rows (or clusters of them) are
independent; the standard error is that of the infinitesimal jackknife, which is Greenwood's exactly where rows are
independent, without weights, and all under observation from the beginning.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from uncac_metrics.stats import intervals
from uncac_metrics.stats.counts.arguments import By, Columns, incomplete, joined, results
from uncac_metrics.stats.counts.curves import curves
from uncac_metrics.stats.counts.multistate import influence, remaining_time, survival_errors
from uncac_metrics.stats.counts.spells import (
    LIMITS,
    UNKNOWN,
    Spells,
    clipped,
    from_durations,
    influences,
    quantile_of,
)
from uncac_metrics.stats.estimates import Estimates

Array = np.ndarray


def survival(
    data: pd.DataFrame, duration: str, event: str, *, times: Sequence[float] | None = None, entry: str | None = None,
    weights: str | None = None, cluster: str | None = None, by: By = None, level: float = 0.95,
    interval: str = "log_log",
) -> Estimates:  # fmt: skip
    r"""Share of spells that last longer than t: Kaplan–Meier, :math:`\hat S(t) = \prod_{u \le t} (1 - d_u / n_u)`.

    Parameters
    ----------
    data : DataFrame
        A row a spell.
    duration : str
        Column of its length until the event or the end of observation, not negative.
    event : str
        Column that is 1 where the spell ended with the event, 0 where it was still open. Rows with a missing duration
        or event are left out, and said.
    times : sequence of float, optional
        Where the curve is read; all times of events unless given, and then without covariance between them.
    entry : str, optional
        Column of the time at which the spell came under observation (left truncation), below the duration.
    weights : str, optional
        Column of weights, as amounts: the curve is then of the amount, not of the number of spells.
    cluster : str, optional
        Column of the independent units; each row is one unless given.
    by : str or list of str, optional
        Breakdown columns; several are crossed.
    level : float
        Confidence level.
    interval : {"log_log", "logit", "arcsine", "wald"}
        Where the curve is 0 or 1: Clopper–Pearson on the spells still under observation.

    Returns
    -------
    Estimates
        Statistic ``survival``; ``category`` is the time, ``n`` the spells, ``events`` those ended by then.

    Raises
    ------
    Faults
        Unknown columns or interval; negative durations, entries that are not below them, missing weights or clusters.

    Notes
    -----
    ``statsmodels`` ``SurvfuncRight`` gives the same curve and Greenwood's error; it has no clusters and gives no
    pointwise limits.

    References
    ----------
    .. [1] Kaplan and Meier (1958), JASA 53, 457–481.
    .. [2] Therneau and Grambsch (2000), Modeling Survival Data, 2.1 and 7.2.

    Examples
    --------
    >>> import pandas as pd
    >>> from uncac_metrics.stats import counts
    >>> requests = pd.DataFrame({"days": [30, 45, 45, 60, 90], "answered": [1, 1, 1, 0, 1]})
    >>> curve = counts.survival(requests, "days", "answered")
    >>> curve.table[["category", "value", "std_error", "lower", "upper", "events"]].round(3)
      category  value  std_error  lower  upper  events
    0       30    0.8      0.179  0.204  0.969       1
    1       45    0.4      0.219  0.052  0.753       3
    2       90    0.0      0.000  0.000  0.975       4
    """
    columns = Columns("survival", data, by, level)
    columns.one_of(interval, LIMITS, "interval")
    found = _two_states(columns, duration, event, entry, weights, cluster, by)
    return curves(
        found, {0: None}, times, interval, level,
        {"indicator": duration, "statistic": "survival", "denominator": "_T"}, method="Kaplan-Meier; jackknife",
    )  # fmt: skip


def duration_quantile(
    data: pd.DataFrame, duration: str, event: str, *, probability: float = 0.5, entry: str | None = None,
    weights: str | None = None, cluster: str | None = None, by: By = None, level: float = 0.95,
    interval: str = "log_log",
) -> Estimates:  # fmt: skip
    r"""Time by which a share of the spells has ended, the median unless said, with Brookmeyer and Crowley's interval.

    The quantile is the first time with :math:`\hat S(t) \le 1 - p`; where the curve runs at :math:`1 - p` exactly, the
    middle of that stretch. The limits are where the limits of the curve cross :math:`1 - p`, by the same rule. The
    standard error is the width of the interval over :math:`2z`.

    Parameters
    ----------
    data : DataFrame
        A row a spell.
    duration, event : str
        As in :func:`survival`.
    probability : float
        Share of spells that have ended.
    entry, weights, cluster : str, optional
        As in :func:`survival`.
    by : str or list of str, optional
        Breakdown columns; several are crossed.
    level : float
        Confidence level.
    interval : {"log_log", "logit", "arcsine", "wald"}
        Of the curve.

    Returns
    -------
    Estimates
        Statistic ``median`` or ``quantile``. Withheld where the curve does not come down to :math:`1 - p`; an upper
        limit that is not reached is infinite.

    Raises
    ------
    Faults
        As :func:`survival`.

    References
    ----------
    .. [1] Brookmeyer and Crowley (1982), Biometrics 38, 29–41.

    Examples
    --------
    >>> import pandas as pd
    >>> from uncac_metrics.stats import counts
    >>> requests = pd.DataFrame({"days": [30, 45, 45, 60, 90, 20], "answered": [1, 1, 1, 0, 1, 1]})
    >>> counts.duration_quantile(requests, "days", "answered").table[["value", "lower", "upper", "n", "events"]]
       value  lower  upper  n  events
    0   45.0   20.0    inf  6       5
    """
    columns = Columns("duration_quantile", data, by, level)
    columns.one_of(interval, LIMITS, "interval")
    columns.must(0 < probability < 1, "probability", f"{probability} is no share", "a number between 0 and 1, as 0.5")
    found = _two_states(columns, duration, event, entry, weights, cluster, by)
    z, target = quantile_of(level), 1 - probability
    out = {k: np.full(found.group.n, np.nan) for k in ("value", "lower", "upper", "n", "events", "std_error")}
    parts: list[tuple[int, Array]] = []
    for g, curve in found.fitted():
        if curve is None:
            continue
        s = curve.occupied[1:, 0]
        lower, upper = LIMITS[interval](s, survival_errors(curve), level)
        low = _crossing(curve.times, lower, target)
        value, high = _crossing(curve.times, s, target), _crossing(curve.times, upper, target)
        out["value"][g], out["lower"][g] = value, 0.0 if np.isnan(low) else low
        out["upper"][g] = np.inf if np.isnan(high) else high
        out["n"][g], out["events"][g] = len(curve.stays.stop), (curve.stays.destination == 1).sum()
        out["std_error"][g] = (out["upper"][g] - out["lower"][g]) / (2 * z)
        if np.isfinite(out["std_error"][g]) and not np.isnan(value):
            score = influences(curve, np.array([value]), np.array([0]))[:, 0]
            size = np.sqrt((score**2).sum())
            if size > 0:
                parts.append((g, (score * out["std_error"][g] / size)[:, None]))
    out["std_error"][np.isinf(out["std_error"])] = np.nan
    reason = joined(
        incomplete(found.group, found.left_out, UNKNOWN),
        np.where(np.isnan(out["value"]), np.where(np.isnan(out["n"]), "no spell", "too few spells have ended"), ""),
        np.where(np.isinf(out["upper"]) & ~np.isnan(out["value"]), "the upper limit is not reached", ""),
    )
    return results(
        found.group.labels,
        out
        | {
            "indicator": duration, "statistic": "median" if probability == 0.5 else "quantile", "denominator": "_T",
            "conf_level": level, "interval": f"Brookmeyer-Crowley ({interval})", "reason": reason,
            "n_eligible": out["n"] + np.where(np.isnan(out["n"]), 0, found.group.sums(found.left_out.astype(float))),
        },
        found.scores(found.group.n, parts), method=f"Kaplan-Meier quantile at {probability:g}",
    )  # fmt: skip


def restricted_mean(
    data: pd.DataFrame, duration: str, event: str, *, until: float, entry: str | None = None,
    weights: str | None = None, cluster: str | None = None, by: By = None, level: float = 0.95,
) -> Estimates:  # fmt: skip
    r"""Mean duration up to a horizon, :math:`\int_0^\tau \hat S(t)\,dt`: spells that last longer count :math:`\tau`.

    Parameters
    ----------
    data : DataFrame
        A row a spell.
    duration, event : str
        As in :func:`survival`.
    until : float
        Horizon :math:`\tau`, in the unit of the durations. Where observation ends before it with spells still open,
        the curve is continued level and the row is flagged.
    entry, weights, cluster : str, optional
        As in :func:`survival`.
    by : str or list of str, optional
        Breakdown columns; several are crossed.
    level : float
        Confidence level; Wald limits.

    Returns
    -------
    Estimates
        Statistic ``restricted mean``.

    Raises
    ------
    Faults
        As :func:`survival`.

    References
    ----------
    .. [1] Royston and Parmar (2013), BMC Medical Research Methodology 13, 152.

    Examples
    --------
    >>> import pandas as pd
    >>> from uncac_metrics.stats import counts
    >>> requests = pd.DataFrame({"days": [30, 45, 45, 60, 90], "answered": [1, 1, 1, 0, 1]})
    >>> counts.restricted_mean(requests, "days", "answered", until=60).table[["value", "std_error"]].round(2)
       value  std_error
    0   48.0       5.02
    """
    columns = Columns("restricted_mean", data, by, level)
    columns.must(until > 0, "until", f"{until} is no horizon", "a time above 0")
    found = _two_states(columns, duration, event, entry, weights, cluster, by)
    out = {k: np.full(found.group.n, np.nan) for k in ("value", "std_error", "n", "events")}
    beyond, parts = np.zeros(found.group.n, dtype=bool), []
    for g, curve in found.fitted():
        if curve is None:
            continue
        score = influence(curve, *remaining_time(curve, 0.0, until))[:, 0, :1]
        out["value"][g] = curve.time_in_state(0.0, until)[0]
        out["std_error"][g] = np.sqrt((score**2).sum())
        out["n"][g] = len(curve.stays.stop)
        out["events"][g] = ((curve.stays.destination == 1) & (curve.stays.stop <= until)).sum()
        beyond[g] = curve.stays.stop.max() < until and curve.occupied[-1, 0] > 0
        parts.append((g, score))
    lower, upper = clipped(*intervals.wald(out["value"], out["std_error"], np.array(np.inf), level), high=until)
    return results(
        found.group.labels,
        out
        | {
            "indicator": duration, "statistic": "restricted mean", "denominator": "_T", "lower": lower, "upper": upper,
            "interval": "wald", "conf_level": level, "display": np.where(beyond, "flagged", "shown"),
            "reason": joined(
                incomplete(found.group, found.left_out, UNKNOWN), np.where(np.isnan(out["n"]), "no spell", ""),
                np.where(beyond, "observation ends before the horizon with spells still open", ""),
            ),
        },
        found.scores(found.group.n, parts), method=f"Kaplan-Meier restricted mean until {until:g}",
    )  # fmt: skip


def _two_states(
    columns: Columns, duration: str, event: str, entry: str | None, weights: str | None, cluster: str | None, by: By
) -> Spells:
    ended = columns.yes_no(event, "event")
    destination = np.where(ended == 1, 1, -1)
    return from_durations(columns, duration, np.isnan(ended), destination, 2, entry, weights, cluster, by)


def _crossing(times: Array, curve: Array, target: float) -> float:
    """First time at which a falling curve is at or below the target; the middle of a stretch right at it."""
    below = np.flatnonzero(curve <= target + 1e-10)
    if not below.size:
        return np.nan
    first = below[0]
    if abs(curve[first] - target) <= 1e-10:
        after = np.flatnonzero(curve < target - 1e-10)
        if after.size:
            return float(times[first] + times[after[0]]) / 2
    return float(times[first])
