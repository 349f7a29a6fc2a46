r"""Rates per population, shares of counts, ratios of independent counts: exact intervals.

A count :math:`x` of events is Poisson with mean :math:`\mu` (events are independent and their number is not bounded by
the population), or binomial where every trial has the event or not. The uncertainty is that of the process which makes
the counts: a complete register has no sampling error, and one that is incomplete or wrong is not made right by it.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import stats

from uncac_metrics.stats import intervals
from uncac_metrics.stats.counts.arguments import (
    By,
    Columns,
    Grouped,
    are_records,
    contributions,
    grouped,
    incomplete,
    joined,
    results,
)
from uncac_metrics.stats.estimates import Estimates
from uncac_metrics.stats.joint import Contributions

Array = np.ndarray
SHARE_INTERVALS = ("wilson", "clopper_pearson", "mid_p", "jeffreys")


def rate(
    data: pd.DataFrame, events: str, population: str, *, by: By = None, per: float = 1.0, level: float = 0.95,
    interval: str = "garwood",
) -> Estimates:  # fmt: skip
    r"""Rate of events per population, :math:`\hat r = k \sum x / \sum N`.

    The interval is that of the Poisson mean :math:`\sum x` over :math:`\sum N / k`; the standard error is
    :math:`k \sqrt{\sum x} / \sum N`, which is zero where no event was seen (the interval is not).

    Parameters
    ----------
    data : DataFrame
        A row a cell: counts and populations.
    events : str
        Column of the numbers of events. A cell without one is left out with its population, and said.
    population : str
        Column of the population or the time at risk, not negative; need not be whole.
    by : str or list of str, optional
        Breakdown columns; several are crossed. Rows with a missing level belong to no group.
    per : float
        The rate is per so many of the population, as 100,000.
    level : float
        Confidence level.
    interval : {"garwood", "byar", "byar_or_exact", "mid_p", "log"}
        See :data:`uncac_metrics.stats.intervals.POISSON`.

    Returns
    -------
    Estimates
        Statistic ``rate``; ``n`` is the population (rounded), ``events`` the number of events.

    Raises
    ------
    Faults
        Unknown columns or interval; values that are no counts.

    Notes
    -----
    ``statsmodels.stats.rates.confint_poisson`` gives the same Garwood limits; its mid-P limits fail on arrays, and it
    has no Byar's. The function of that name in R's ``epitools`` takes :math:`x + 1/2` in both limits.

    References
    ----------
    .. [1] Garwood (1936), Biometrika 28, 437–442.
    .. [2] Breslow and Day (1987), Statistical Methods in Cancer Research II, 69.

    Examples
    --------
    >>> import pandas as pd
    >>> from uncac_metrics.stats import counts
    >>> cases = pd.DataFrame({"area": ["A", "B"], "offences": [12, 0], "adults": [100_000, 50_000]})
    >>> counts.rate(cases, "offences", "adults", by="area", per=1e5).table[["area", "value", "lower", "upper"]].round(2)
      area  value  lower  upper
    0    A   12.0    6.2  20.96
    1    B    0.0    0.0   7.38
    """
    columns = Columns("rate", data, by, level)
    x, people = columns.counts(events, "events"), columns.amounts(population, "population")
    columns.one_of(interval, intervals.POISSON, "interval")
    columns.must(per > 0, "per", f"{per} is no multiplier", "a number above 0, as 100_000")
    columns.none((x > 0) & (people == 0), population, "events in a population of zero", "correct the population")
    columns.check()
    group = grouped(data, by)
    absent = np.isnan(x) | np.isnan(people)
    total, at_risk = group.sums(np.where(absent, 0, x)), group.sums(np.where(absent, 0, people))
    with np.errstate(divide="ignore", invalid="ignore"):
        factor = np.where(at_risk > 0, per / at_risk, np.nan)
    lower, upper = intervals.POISSON[interval](total, level)
    units = np.where(absent, np.nan, np.sqrt(x)) * group.spread(factor)
    scores = contributions(data, group.n, (columns.unit(events), group.code, units))
    return results(
        group.labels,
        {
            "indicator": events, "statistic": "rate", "value": total * factor, "std_error": np.sqrt(total) * factor,
            "lower": lower * factor, "upper": upper * factor, "interval": interval, "conf_level": level,
            "n": np.round(at_risk), "n_eligible": np.round(group.sums(people)), "events": total,
            "denominator": population, "unit": f"per {per:,.15g}" if per != 1 else "",
            "reason": joined(
                incomplete(group, absent, "cells have no count"), np.where(at_risk > 0, "", "no population")
            ),
        },
        scores, method="Poisson count over population",
    )  # fmt: skip


def share(
    data: pd.DataFrame, events: str, trials: str | None = None, *, by: By = None, level: float = 0.95,
    cluster: str | None = None, interval: str = "wilson",
) -> Estimates:  # fmt: skip
    r"""Share of trials with the event, :math:`\hat p = \sum x / \sum n`, from counts or from unit records.

    The standard error is :math:`\sqrt{\hat p (1 - \hat p) / n}`, which is zero at 0 and 1 (the interval is not). With
    clusters c it comes from their sums :math:`u_c = \sum_{i \in c} (x_i - \hat p n_i) / n`, as
    :math:`v = \tfrac{m}{m - 1} \sum_c u_c^2` over m of them. The limits are then those of
    :math:`\hat p (1 - \hat p) / v` trials (of m where v is zero), with Student's t on m − 1 degrees of freedom where
    the interval takes it (Wilson's).

    Parameters
    ----------
    data : DataFrame
        A row a cell (counts) or a row a record (yes/no).
    events : str
        Column of counts, or of 1, 0 and missing.
    trials : str, optional
        Column of the number of trials, or of 1 and 0: which records are counted. None: every row is one trial.
        A row of trials whose events are missing is left out and counted in ``n_eligible − n``; missing is not "no".
    by : str or list of str, optional
        Breakdown columns; several are crossed. Rows with a missing level belong to no group.
    level : float
        Confidence level.
    cluster : str, optional
        Column of what trials belong to that are not independent: the tender of a bid, the case of a defendant.
    interval : {"wilson", "clopper_pearson", "mid_p", "jeffreys"}
        See :mod:`uncac_metrics.stats.intervals`.

    Returns
    -------
    Estimates
        Statistic ``proportion``; ``n`` trials, ``events`` among them, ``n_psu`` clusters. One cluster gives no limits.

    Raises
    ------
    Faults
        Unknown columns or interval, values that are no counts, more events than trials, missing clusters.

    Notes
    -----
    Without `cluster` trials are taken as independent. Where several belong together and fare alike, the interval is
    then too narrow; where one excludes the other (one bid of a tender wins), it is too wide.

    References
    ----------
    .. [1] Wilson (1927), JASA 22, 209–212.
    .. [2] Brown, Cai and DasGupta (2001), Statistical Science 16, 101–133.

    Examples
    --------
    >>> import pandas as pd
    >>> from uncac_metrics.stats import counts
    >>> tenders = pd.DataFrame({"buyer": ["A", "B"], "single_bid": [1, 12], "awarded": [10, 40]})
    >>> columns = ["buyer", "value", "lower", "upper", "n"]
    >>> counts.share(tenders, "single_bid", "awarded", by="buyer").table[columns].round(4)
      buyer  value   lower   upper   n
    0     A    0.1  0.0179  0.4042  10
    1     B    0.3  0.1807  0.4543  40

    The same from records, where one has no answer:

    >>> records = pd.DataFrame({"on_time": [1, 0, 1, None, 1]})
    >>> counts.share(records, "on_time").table[["value", "n", "n_eligible", "events"]]
       value  n  n_eligible  events
    0   0.75  4           5       3
    """
    columns = Columns("share", data, by, level)
    if trials is None:
        x, n = columns.yes_no(events, "events"), np.ones(len(data))
    else:
        x, n = columns.counts(events, "events"), columns.counts(trials, "trials")
    columns.none(x > n, events, "more events than trials", "count events within the trials only")
    columns.one_of(interval, SHARE_INTERVALS, "interval")
    number = np.arange(len(data))
    if cluster is not None and columns.present(cluster, "cluster"):
        number = pd.factorize(data[cluster])[0]
        columns.none(number < 0, cluster, "missing clusters", "give every row its cluster")
    columns.check()
    group = grouped(data, by)
    absent = np.isnan(x) | np.isnan(n)
    total, size = group.sums(np.where(absent, 0, x)), group.sums(np.where(absent, 0, n))
    with np.errstate(divide="ignore", invalid="ignore"):
        p = total / size
    error = np.sqrt(p * (1 - p) / np.where(size > 0, size, np.nan))
    more: dict[str, Array] = {}
    if cluster is None:
        lower, upper = share_limits(interval, p, size, level)
        scores, method = _binomial(columns, group, events, x, n, p, size), "binomial share"
    else:
        error, m, score = _clustered(group, number, np.where(absent, np.nan, x), n, p, size)
        with np.errstate(divide="ignore", invalid="ignore"):
            effective = np.where(m > 1, np.where(error > 0, p * (1 - p) / error**2, m), np.nan)
        more = {"n_psu": m, "df": np.maximum(m - 1.0, 0)}
        lower, upper = share_limits(interval, p, effective, level, more["df"])
        scores = contributions(data, group.n, (number, group.code, score), kind=cluster)
        method = f"share; by {cluster}"
    return results(
        group.labels,
        {
            "indicator": events, "statistic": "proportion", "value": p, "std_error": error, "lower": lower,
            "upper": upper, "interval": interval, "conf_level": level, "n": size, "n_eligible": group.sums(n),
            "events": np.where(size > 0, total, np.nan), "denominator": trials or "_T",
            "reason": joined(
                incomplete(group, absent & ~(n == 0), "rows have no answer"), np.where(size > 0, "", "no observation")
            ),
        }
        | more,
        scores, method=method,
    )  # fmt: skip


def _binomial(
    columns: Columns, group: Grouped, events: str, x: Array, n: Array, p: Array, size: Array
) -> Contributions:
    """Scores of independent trials: those with the event and those without are units of their own."""
    absent, records = np.isnan(x) | np.isnan(n), are_records(n)
    with np.errstate(divide="ignore", invalid="ignore"):
        slope_yes, slope_no = group.spread((1 - p) / size), group.spread(p / size)
        yes, no = np.where(absent, np.nan, np.sqrt(x) * slope_yes), np.where(absent, np.nan, -np.sqrt(n - x) * slope_no)
    units = [np.arange(len(x))] * 2 if records else [columns.unit(events), columns.unit(events, other=True)]
    parts = (units[0], group.code, yes), (units[1], group.code, no)
    return contributions(columns.data, group.n, *parts, kind="records" if records else "counts")


def _clustered(group: Grouped, number: Array, x: Array, n: Array, p: Array, size: Array) -> tuple[Array, Array, Array]:
    """Standard error, clusters and scores of the rows, where trials come in clusters."""
    with np.errstate(divide="ignore", invalid="ignore"):
        score = (x - group.spread(p) * n) / group.spread(size)
    used = np.flatnonzero(~np.isnan(score) & (n > 0) & (group.code >= 0))
    cells, place = np.unique(number[used] * np.int64(group.n) + group.code[used], return_inverse=True)
    of = cells % max(group.n, 1)
    m = np.bincount(of, minlength=group.n)
    with np.errstate(divide="ignore", invalid="ignore"):
        factor = np.where(m > 1, np.sqrt(m / (m - 1)), np.nan)
    score = score * group.spread(factor)
    sums = np.bincount(place, weights=score[used], minlength=len(cells))
    return np.sqrt(np.bincount(of, weights=sums**2, minlength=group.n)), m, score


def share_limits(interval: str, p: Array, n: Array, level: float, df: Array | float = np.inf) -> tuple[Array, Array]:
    """Limits of shares `p` of `n` independent trials, or as good as so many, by one of :data:`SHARE_INTERVALS`."""
    arrays = {"p": p, "n_effective": np.where(n > 0, n, np.nan), "df": np.broadcast_to(df, np.shape(p)), "level": level}
    return intervals.PROPORTION[interval](arrays)


def count_ratio(
    data: pd.DataFrame, numerator: str, denominator: str, *, exposures: tuple[str, str] | None = None, by: By = None,
    level: float = 0.95,
) -> Estimates:  # fmt: skip
    r"""Ratio of two independent counts, :math:`(a / t_a) / (b / t_b)`, with the exact conditional interval.

    Given :math:`a + b`, the count :math:`a` is binomial with odds :math:`R\,t_a / t_b`, where :math:`R` is the ratio;
    Clopper–Pearson limits of its share give those of the ratio. It may exceed one: a ratio of counts of different
    people is no proportion. ``quality`` holds the exact two-sided p-value for :math:`R = 1` (sum of all outcomes that
    are no more likely than the one seen).

    Parameters
    ----------
    data : DataFrame
        A row a cell.
    numerator, denominator : str
        Columns of counts that are independent: no unit of the one is counted in the other.
    exposures : pair of str, optional
        Columns of the populations or times at risk of both: a ratio of rates.
    by : str or list of str, optional
        Breakdown columns; several are crossed.
    level : float
        Confidence level.

    Returns
    -------
    Estimates
        Statistic ``ratio``; ``events`` is :math:`a`, ``n`` is :math:`b`. The standard error is linearised:
        :math:`\hat R \sqrt{1/a + 1/b}`.

    Raises
    ------
    Faults
        Unknown columns; values that are no counts.

    References
    ----------
    .. [1] Przyborowski and Wilenski (1940), Biometrika 31, 313–323.
    .. [2] Breslow and Day (1987), Statistical Methods in Cancer Research II, 93–95.

    Examples
    --------
    >>> import pandas as pd
    >>> from uncac_metrics.stats import counts
    >>> cases = pd.DataFrame({"men": [18], "women": [9], "male_staff": [250_000], "female_staff": [240_000]})
    >>> ratio = counts.count_ratio(cases, "men", "women", exposures=("male_staff", "female_staff"))
    >>> ratio.table[["value", "lower", "upper", "quality"]].round(3)
       value  lower  upper    quality
    0   1.92  0.819  4.852  p = 0.124
    """
    columns = Columns("count_ratio", data, by, level)
    a, b = columns.counts(numerator, "numerator"), columns.counts(denominator, "denominator")
    absent = np.isnan(a) | np.isnan(b)
    at_risk = [np.ones(len(data)), np.ones(len(data))]
    if exposures is not None:
        at_risk = [columns.amounts(name, "exposures") for name in exposures]
        absent |= np.isnan(at_risk[0]) | np.isnan(at_risk[1])
    columns.check()
    group = grouped(data, by)
    above, below = (group.sums(np.where(absent, 0, v)) for v in (a, b))
    t_above, t_below = (group.sums(np.where(absent, 0, v)) for v in at_risk)
    with np.errstate(divide="ignore", invalid="ignore"):
        relative = t_below / t_above if exposures is not None else np.ones(group.n)
    ratio, error, lower, upper = ratio_of_poissons(above, below, level)
    with np.errstate(divide="ignore", invalid="ignore"):
        up = np.where(absent, np.nan, np.sqrt(a) * group.spread(relative / below))
        down = np.where(absent, np.nan, -np.sqrt(b) * group.spread(relative * above / below**2))
    scores = contributions(
        data, group.n, (columns.unit(numerator), group.code, up), (columns.unit(denominator), group.code, down)
    )
    p = conditional_p(above, below, t_above, t_below)
    return results(
        group.labels,
        {
            "indicator": f"{numerator}/{denominator}", "statistic": "ratio", "value": ratio * relative,
            "std_error": error * relative, "lower": lower * relative, "upper": upper * relative,
            "interval": "exact conditional", "conf_level": level, "n": below, "events": above,
            "denominator": denominator,
            "reason": joined(
                incomplete(group, absent, "cells lack a count"),
                np.where(below > 0, "", "no count below the line"),
            ),
            "quality": ["" if np.isnan(v) else f"p = {v:.3g}" for v in p],
        },
        scores, method="ratio of independent Poisson counts",
    )  # fmt: skip


def ratio_of_poissons(a: Array, b: Array, level: float) -> tuple[Array, Array, Array, Array]:
    """Ratio, linearised standard error and exact conditional limits of independent Poisson counts."""
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(b > 0, a / b, np.nan)
        error = ratio * np.sqrt(np.where(a > 0, 1 / a, 0) + 1 / b)
        low, high = intervals.clopper_pearson(a / (a + b), a + b, level)
        return ratio, error, low / (1 - low), high / (1 - high)


def conditional_p(a: Array, b: Array, t_a: Array, t_b: Array) -> Array:
    """Exact two-sided p-values for equal rates of two Poisson counts, given their sum; NaN where there is no count."""
    return np.array(
        [
            stats.binomtest(int(i), int(i + j), t / (t + u)).pvalue if i + j and t > 0 and u > 0 else np.nan
            for i, j, t, u in zip(a, b, t_a, t_b, strict=True)
        ]
    )
