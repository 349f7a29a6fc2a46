r"""Flows between stages: occupation of states by Aalen–Johansen, time spent in them, competing ends.

Assets are frozen, confiscated, released, returned; cases are open, prosecuted, tried. What was in each state at each
time, with all who are still under way censored, needs no assumption that the counts of one year are of the same cases.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from uncac_metrics.stats import intervals
from uncac_metrics.stats.counts.arguments import By, Columns, incomplete, joined, results
from uncac_metrics.stats.counts.curves import curves
from uncac_metrics.stats.counts.multistate import influence, remaining_time
from uncac_metrics.stats.counts.spells import (
    FOREVER,
    LIMITS,
    UNKNOWN,
    Spells,
    clipped,
    from_durations,
    largest_cluster,
    spells,
)
from uncac_metrics.stats.estimates import Estimates

Array = np.ndarray
VARIANCES = ("jackknife", "greenwood", "aalen", "gray")


def cumulative_incidence(
    data: pd.DataFrame, duration: str, cause: str, *, times: Sequence[float], entry: str | None = None,
    weights: str | None = None, cluster: str | None = None, by: By = None, variance: str = "jackknife",
    level: float = 0.95, interval: str = "log_log",
) -> Estimates:  # fmt: skip
    r"""Share of spells that have ended by t with each cause, the causes competing.

    :math:`\hat F_k(t) = \sum_{u \le t} \hat S(u-)\, d_{ku} / n_u`. The complement of a Kaplan–Meier curve that takes
    the other causes for censored overstates it.

    Parameters
    ----------
    data : DataFrame
        A row a spell.
    duration : str
        Column of its length until it ended or observation did.
    cause : str
        Column of what it ended with; empty where it was still open.
    times : sequence of float
        Where the curves are read.
    entry, weights, cluster : str, optional
        As in :func:`survival`.
    by : str or list of str, optional
        Breakdown columns; several are crossed.
    variance : {"jackknife", "greenwood", "aalen", "gray"}
        Infinitesimal jackknife by cluster; or from the counting process, without weights and clusters: multinomial,
        Poisson, or hypergeometric one cause at a time (R's ``cmprsk``).
    level : float
        Confidence level.
    interval : {"log_log", "logit", "arcsine", "wald"}

    Returns
    -------
    Estimates
        Statistic ``cumulative incidence``; ``stage`` is the cause, ``category`` the time.

    Raises
    ------
    Faults
        As :func:`survival`; a variance of the counting process with weights or clusters.

    Notes
    -----
    ``statsmodels`` ``CumIncidenceRight`` gives the same curves; its error is NaN at the last time, and it knows
    neither left truncation nor clusters.

    References
    ----------
    .. [1] Aalen and Johansen (1978), Scandinavian Journal of Statistics 5, 141–150.
    .. [2] Gray (1988), Annals of Statistics 16, 1141–1154.

    Examples
    --------
    >>> import pandas as pd
    >>> from uncac_metrics.stats import counts
    >>> frozen = pd.DataFrame({"days": [100, 200, 200, 400], "end": ["confiscated", "released", None, "confiscated"]})
    >>> ended = counts.cumulative_incidence(frozen, "days", "end", times=[365])
    >>> ended.table[["stage", "category", "value", "std_error"]].round(3)
             stage category  value  std_error
    0  confiscated      365   0.25      0.217
    1     released      365   0.25      0.217
    """
    columns = Columns("cumulative_incidence", data, by, level)
    columns.one_of(interval, LIMITS, "interval")
    columns.one_of(variance, ("jackknife", "greenwood", "aalen", "gray"), "variance")
    plain = weights is None and cluster is None
    columns.must(
        variance == "jackknife" or plain, "variance", f"{variance!r} with weights or clusters", 'take "jackknife"'
    )
    causes = columns.texts(cause, "cause")
    codes, levels = pd.factorize(causes, sort=True)
    found = from_durations(
        columns, duration, np.zeros(len(data), dtype=bool), np.where(codes >= 0, codes + 1, -1), len(levels) + 1,
        entry, weights, cluster, by,
    )  # fmt: skip
    return curves(
        found, {k + 1: str(name) for k, name in enumerate(levels)}, times, interval, level,
        {"indicator": duration, "statistic": "cumulative incidence", "denominator": "_T"}, variance=variance,
        method=f"Aalen-Johansen, competing causes; {variance}",
    )  # fmt: skip


def state_occupation(
    data: pd.DataFrame, unit: str, start: str, stop: str, origin: str, destination: str, *, times: Sequence[float],
    states: Sequence[str] | None = None, weights: str | None = None, cluster: str | None = None, by: By = None,
    variance: str = "jackknife", level: float = 0.95, interval: str = "log_log",
) -> Estimates:  # fmt: skip
    r"""Share of units in each state at each time, by Aalen and Johansen's estimator.

    :math:`\hat p(t) = \hat p(0) \prod_{u \le t} (I + d\hat A(u))` with :math:`d\hat A_{hj}(u)` the moves from h to j at
    u over the units at risk in h just before. With `weights` (amounts) it is the share of the value that is in each
    state. Moves at the same time are taken together as they stand; nothing is jittered.

    Parameters
    ----------
    data : DataFrame
        A row a stay of a unit in a state.
    unit : str
        Column that names the unit, as an asset.
    start, stop : str
        Columns of the time since the unit's beginning: the stay is (start, stop].
    origin : str
        Column of the state of the stay.
    destination : str
        Column of the state that the unit moved to at `stop`; empty where it was last seen there (censored).
    times : sequence of float
        Where the curves are read.
    states : sequence of str, optional
        Order of the states; that of their appearance unless given.
    weights : str, optional
        Column of weights, as the amount.
    cluster : str, optional
        Column of the independent clusters, as the case that several assets belong to; each unit is one unless given.
    by : str or list of str, optional
        Breakdown columns; several are crossed.
    variance : {"jackknife", "greenwood", "aalen", "gray"}
        As in :func:`cumulative_incidence`.
    level : float
        Confidence level.
    interval : {"log_log", "logit", "arcsine", "wald"}
        Where a share is 0 or 1: Clopper–Pearson on the stays still under observation.

    Returns
    -------
    Estimates
        Statistic ``occupation``; ``stage`` is the state, ``category`` the time; ``n`` the units that start earliest,
        ``events`` the moves into the state by then (out of the first state), ``n_psu`` the clusters. With weights,
        ``quality`` says how much of them the largest cluster has.

    Raises
    ------
    Faults
        Unknown columns; stays that do not last, overlap, or begin in a state that the unit did not move to.

    Notes
    -----
    ``lifelines`` breaks ties at random, so that its result changes with the seed. The jackknife agrees with
    ``survfit(..., id=, cluster=, weights=)`` of R's ``survival``.

    References
    ----------
    .. [1] Aalen and Johansen (1978), Scandinavian Journal of Statistics 5, 141–150.
    .. [2] Andersen, Borgan, Gill and Keiding (1993), Statistical Models Based on Counting Processes, IV.4.

    Examples
    --------
    >>> import pandas as pd
    >>> from uncac_metrics.stats import counts
    >>> stays = pd.DataFrame({"asset": [1, 1, 2, 3], "from_day": [0, 100, 0, 0], "to_day": [100, 300, 200, 400],
    ...                       "state": ["frozen", "confiscated", "frozen", "frozen"],
    ...                       "moved_to": ["confiscated", "returned", "released", None]})
    >>> shares = counts.state_occupation(stays, "asset", "from_day", "to_day", "state", "moved_to", times=[365])
    >>> shares.table[["stage", "category", "value", "std_error", "n"]].round(3)
             stage category  value  std_error  n
    0       frozen      365  0.333      0.272  3
    1  confiscated      365  0.000      0.000  3
    2     returned      365  0.333      0.272  3
    3     released      365  0.333      0.272  3
    """
    columns = Columns("state_occupation", data, by, level)
    columns.one_of(interval, LIMITS, "interval")
    columns.one_of(variance, VARIANCES, "variance")
    columns.must(
        variance == "jackknife" or (weights is None and cluster is None), "variance",
        f"{variance!r} with weights or clusters", 'take "jackknife"',
    )  # fmt: skip
    found, names = _flows(columns, unit, start, stop, origin, destination, states, weights, cluster, by)
    return curves(
        found, dict(enumerate(names)), times, interval, level,
        {"indicator": origin, "statistic": "occupation", "denominator": weights or unit}, variance=variance,
        method=f"Aalen-Johansen{f', weighted by {weights}' if weights else ''}; {variance} by {found.kind}",
    )  # fmt: skip


def time_in_state(
    data: pd.DataFrame, unit: str, start: str, stop: str, origin: str, destination: str, *, until: float,
    states: Sequence[str] | None = None, weights: str | None = None, cluster: str | None = None, by: By = None,
    level: float = 0.95,
) -> Estimates:  # fmt: skip
    r"""Mean time that a unit spends in each state until a horizon, :math:`\int \hat p_k(t)\,dt`.

    Parameters
    ----------
    data, unit, start, stop, origin, destination, states, weights, cluster, by
        As in :func:`state_occupation`.
    until : float
        Horizon. Where observation ends before it, the curves are continued level and the rows are flagged.
    level : float
        Confidence level; Wald limits.

    Returns
    -------
    Estimates
        Statistic ``mean time``; ``stage`` is the state.

    Raises
    ------
    Faults
        As :func:`state_occupation`.

    References
    ----------
    .. [1] Therneau and Grambsch (2000), Modeling Survival Data, 8.

    Examples
    --------
    >>> import pandas as pd
    >>> from uncac_metrics.stats import counts
    >>> stays = pd.DataFrame({"asset": [1, 1, 2, 3], "from_day": [0, 100, 0, 0], "to_day": [100, 300, 200, 400],
    ...                       "state": ["frozen", "confiscated", "frozen", "frozen"],
    ...                       "moved_to": ["confiscated", "returned", "released", None]})
    >>> times = counts.time_in_state(stays, "asset", "from_day", "to_day", "state", "moved_to", until=300)
    >>> times.table[["stage", "value", "std_error"]].round(1)
             stage  value  std_error
    0       frozen  200.0       47.1
    1  confiscated   66.7       54.4
    2     returned    0.0        0.0
    3     released   33.3       27.2
    """
    columns = Columns("time_in_state", data, by, level)
    found, names = _flows(columns, unit, start, stop, origin, destination, states, weights, cluster, by)
    size, k = found.group.n * len(names), len(names)
    out = {name: np.full(size, np.nan) for name in ("value", "std_error", "n")}
    beyond, told = np.zeros(size, dtype=bool), np.full(size, "", dtype=object)
    parts = []
    for g, curve in found.fitted():
        if curve is None:
            continue
        rows, begin = slice(g * k, (g + 1) * k), float(curve.stays.start.min())
        score = influence(curve, *remaining_time(curve, begin, until))[:, 0]
        out["value"][rows] = curve.time_in_state(begin, until)
        out["std_error"][rows] = np.sqrt((score**2).sum(axis=0))
        out["n"][rows] = (curve.stays.start == begin).sum()
        beyond[rows] = curve.stays.stop.max() < until
        told[rows] = largest_cluster(curve.stays) if found.weighted else ""
        parts.append((g * k, score))
    lower, upper = clipped(*intervals.wald(out["value"], out["std_error"], FOREVER, level), high=until)
    labels = found.group.labels.iloc[np.repeat(np.arange(found.group.n), k)].reset_index(drop=True)
    labels["stage"] = np.tile(names, found.group.n) if size else []
    return results(
        labels,
        out
        | {
            "indicator": origin, "statistic": "mean time", "denominator": weights or unit, "lower": lower,
            "upper": upper, "interval": "wald", "conf_level": level, "quality": told,
            "display": np.where(beyond, "flagged", "shown"),
            "reason": joined(
                np.repeat(incomplete(found.group, found.left_out, UNKNOWN), k),
                np.where(beyond, "observation ends before the horizon", ""),
            ),
        },
        found.scores(size, parts), method=f"Aalen-Johansen until {until:g}; jackknife by {found.kind}",
    )  # fmt: skip


def _flows(
    columns: Columns, unit: str, start: str, stop: str, origin: str, destination: str,
    states: Sequence[str] | None, weights: str | None, cluster: str | None, by: By,
) -> tuple[Spells, list[str]]:  # fmt: skip
    """Stays between named states, checked unit by unit."""
    data = columns.data
    begin, end = columns.numbers(start, "start"), columns.numbers(stop, "stop")
    here, there = columns.texts(origin, "origin"), columns.texts(destination, "destination")
    columns.present(unit, "unit")
    columns.check()
    nowhere, stays_on = pd.isna(here), pd.isna(there)
    found_names = pd.unique(np.concatenate([here[~nowhere], there[~stays_on]])) if states is None else states
    names = list(found_names)
    place = pd.Index(names, dtype=object)
    at, to = place.get_indexer(pd.Index(here, dtype=object)), place.get_indexer(pd.Index(there, dtype=object))
    one_of = f"one of {', '.join(map(str, names))}"
    absent = np.isnan(begin) | np.isnan(end) | nowhere
    columns.none((at < 0) & ~absent, origin, "unknown states", one_of)
    remedy = f"{one_of}; empty where the unit was last seen in its state"
    columns.none((to < 0) & ~stays_on, destination, "unknown states", remedy)
    columns.none(end <= begin, stop, "stays that do not last", "give times with start below stop")
    number = pd.factorize(data[unit])[0]
    columns.none(number < 0, unit, "stays of no unit", "name the unit")
    order = np.lexsort((begin, number))
    earlier, later = order[:-1], order[1:]
    same = (number[earlier] == number[later]) & ~absent[earlier] & ~absent[later]
    wrong = np.zeros((2, len(data)), dtype=bool)
    wrong[0, later] = same & (begin[later] < end[earlier])
    came = np.where(to[earlier] >= 0, to[earlier], at[earlier])
    wrong[1, later] = same & (at[later] != came)
    columns.none(wrong[0], start, "stays of one unit that overlap", "a unit is in one state at a time")
    columns.none(wrong[1], origin, "states that the unit did not move to", "the move before must lead here")
    if cluster is not None and columns.present(cluster, "cluster"):
        split = (data.groupby(unit)[cluster].transform("nunique") > 1).to_numpy()
        columns.none(split, cluster, "units in several clusters", "a unit belongs to one cluster")
    found = spells(
        columns, by, start=begin, stop=end, origin=at, destination=to, n_states=len(names), weights=weights,
        cluster=cluster or unit, left_out=absent,
    )  # fmt: skip
    return found, [str(n) for n in names]
