r"""Directly and indirectly standardised rates: strata of a population that differ in level and in composition."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from scipy import special

from uncac_metrics.stats import intervals
from uncac_metrics.stats.counts.arguments import By, Columns, contributions, grouped, joined, results
from uncac_metrics.stats.estimates import Estimates

Array = np.ndarray


def standardised_rate(
    data: pd.DataFrame, events: str, population: str, standard: str, *, by: By = None, per: float = 1.0,
    level: float = 0.95, interval: str = "dobson", minimum: int = 10,
) -> Estimates:  # fmt: skip
    r"""Directly standardised rate :math:`\hat d = k \sum_s w_s x_s / N_s`, with :math:`w` the standard's shares.

    With :math:`v = \sum w_s^2 x_s / N_s^2` and :math:`O = \sum x_s`, Dobson's limits are
    :math:`\hat d + \sqrt{v / O}\,(O_{L,U} - O)` with Poisson limits :math:`O_{L,U}` of O; Fay and Feuer's are quantiles
    of gamma distributions with mean :math:`\hat d` and variance v, for the upper limit after one more event in the
    stratum where it weighs most. Fay and Feuer's cover at least the level in all that is known.

    Parameters
    ----------
    data : DataFrame
        A row a stratum (of each group).
    events, population : str
        Columns of the number of events and of the population at risk.
    standard : str
        Column of the standard population; a group's shares are made to sum to one.
    by : str or list of str, optional
        Breakdown columns; several are crossed.
    per : float
        The rate is per so many of the population.
    level : float
        Confidence level.
    interval : {"dobson", "dobson_byar", "fay_feuer"}
        Dobson's with Garwood's limits, or with Byar's from ten events on.
    minimum : int
        The rate is withheld where there were fewer events.

    Returns
    -------
    Estimates
        Statistic ``standardised rate``. A stratum without a count, or with a standard but no population, leaves its
        group without a value: what it would add is not known.

    Raises
    ------
    Faults
        Unknown columns or interval; values that are no counts; missing standards.

    References
    ----------
    .. [1] Dobson, Kuulasmaa, Eberle and Scherer (1991), Statistics in Medicine 10, 457–462.
    .. [2] Fay and Feuer (1997), Statistics in Medicine 16, 791–801.

    Examples
    --------
    >>> import pandas as pd
    >>> from uncac_metrics.stats import counts
    >>> strata = pd.DataFrame({"cases": [4, 11, 18, 22, 9, 2],
    ...                        "adults": [120_000, 250_000, 310_000, 280_000, 190_000, 90_000],
    ...                        "world": [180, 220, 200, 170, 130, 100]})
    >>> rate = counts.standardised_rate(strata, "cases", "adults", "world", per=1e5)
    >>> rate.table[["value", "lower", "upper"]].round(3)
       value  lower  upper
    0  4.903  3.742  6.298
    """
    columns = Columns("standardised_rate", data, by, level)
    x, people = columns.counts(events, "events"), columns.amounts(population, "population")
    weight = columns.amounts(standard, "standard")
    columns.one_of(interval, DIRECT, "interval")
    columns.must(per > 0, "per", f"{per} is no multiplier", "a number above 0, as 100_000")
    columns.none(np.isnan(weight), standard, "missing standards", "give the standard population of every stratum")
    columns.none((x > 0) & (people == 0), population, "events in a population of zero", "correct the population")
    columns.check()
    group = grouped(data, by)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = weight / group.spread(group.sums(weight))
        unknown = (np.isnan(x) | ~(people > 0)) & (share > 0)
        factor = np.where(share > 0, share / people, 0.0)
    total, gone = group.sums(x), group.sums(unknown.astype(float))
    value = np.where(gone > 0, np.nan, group.sums(x * factor))
    variance = group.sums(x * factor**2)
    inside = group.code >= 0
    heaviest = np.zeros(group.n)
    np.maximum.at(heaviest, group.code[inside], np.nan_to_num(factor[inside], posinf=0.0))
    lower, upper = DIRECT[interval](value, variance, total, heaviest, level)
    few = (total < minimum) & ~np.isnan(value)
    scores = contributions(data, group.n, (columns.unit(events), group.code, per * np.sqrt(x) * factor))
    return results(
        group.labels,
        {
            "indicator": events, "statistic": "standardised rate", "value": np.where(few, np.nan, value) * per,
            "std_error": np.sqrt(variance) * per, "lower": lower * per, "upper": upper * per, "interval": interval,
            "conf_level": level, "n": np.round(group.sums(people)), "events": total, "denominator": population,
            "unit": f"per {per:,.15g}" if per != 1 else "",
            "reason": joined(
                np.where(gone > 0, "a stratum has no count or no population", ""),
                np.where(few, f"fewer than {minimum} events", ""),
            ),
        },
        scores, method=f"directly standardised by {standard}",
    )  # fmt: skip


def _dobson(poisson: str) -> Callable[..., tuple[Array, Array]]:
    def limits(value: Array, variance: Array, total: Array, heaviest: Array, level: float) -> tuple[Array, Array]:
        low, high = intervals.POISSON[poisson](total, level)
        some = np.where(total > 0, total, 1.0)
        # without any event the scale is that of one event where it weighs most
        scale = np.where(total > 0, np.sqrt(variance / some), heaviest)
        return value + scale * (low - total), value + scale * (high - total)

    return limits


def _fay_feuer(value: Array, variance: Array, total: Array, heaviest: Array, level: float) -> tuple[Array, Array]:
    tail = (1 - level) / 2
    some = variance > 0
    v, d = np.where(some, variance, 1.0), np.where(some, value, 1.0)
    lower = np.where(some, special.gammaincinv(d**2 / v, tail) * v / d, 0.0)
    d, v = value + heaviest, variance + heaviest**2
    with np.errstate(divide="ignore", invalid="ignore"):
        return lower, special.gammainccinv(d**2 / v, tail) * v / d


DIRECT: dict[str, Callable[..., tuple[Array, Array]]] = {
    "dobson": _dobson("garwood"),
    "dobson_byar": _dobson("byar_or_exact"),
    "fay_feuer": _fay_feuer,
}
"""Limits of directly standardised rates by name: (value, variance, events, largest weight of an event, level)."""


def standardised_ratio(
    data: pd.DataFrame, events: str, population: str, reference_events: str, reference_population: str, *,
    by: By = None, per: float | None = None, level: float = 0.95, interval: str = "garwood",
) -> Estimates:  # fmt: skip
    r"""Indirectly standardised ratio: observed events over those expected at the reference's rates.

    :math:`\hat s = \sum x_s / \sum N_s R_s` with the reference rates :math:`R_s` taken as known; limits are those of
    the Poisson count over the expected number. Ratios of two groups compare each with the reference, not strictly with
    each other.

    Parameters
    ----------
    data : DataFrame
        A row a stratum (of each group).
    events, population : str
        Columns of the number of events and of the population at risk.
    reference_events, reference_population : str
        Columns of both in the reference population, stratum by stratum.
    by : str or list of str, optional
        Breakdown columns; several are crossed.
    per : float, optional
        Gives the indirectly standardised rate per so many: the ratio times the crude rate of the reference (of the
        group's rows).
    level : float
        Confidence level.
    interval : {"garwood", "byar", "byar_or_exact", "mid_p", "log"}

    Returns
    -------
    Estimates
        Statistic ``standardised ratio`` or ``standardised rate``; ``events`` observed.

    Raises
    ------
    Faults
        Unknown columns or interval; values that are no counts.

    References
    ----------
    .. [1] Breslow and Day (1987), Statistical Methods in Cancer Research II, 65–72.

    Examples
    --------
    >>> import pandas as pd
    >>> from uncac_metrics.stats import counts
    >>> strata = pd.DataFrame({"cases": [4, 11], "staff": [1200, 2500],
    ...                        "all_cases": [60, 140], "all_staff": [21_000, 26_000]})
    >>> ratio = counts.standardised_ratio(strata, "cases", "staff", "all_cases", "all_staff")
    >>> ratio.table[["value", "lower", "upper", "events"]].round(3)
       value  lower  upper  events
    0  0.888  0.497  1.465      15
    """
    columns = Columns("standardised_ratio", data, by, level)
    x, people = columns.counts(events, "events"), columns.amounts(population, "population")
    ref_x = columns.amounts(reference_events, "reference_events")
    ref_people = columns.amounts(reference_population, "reference_population")
    columns.one_of(interval, intervals.POISSON, "interval")
    columns.none(~(ref_people > 0), reference_population, "no reference population", "give one for every stratum")
    columns.none(np.isnan(ref_x), reference_events, "missing reference events", "give them for every stratum")
    columns.check()
    group = grouped(data, by)
    absent = np.isnan(x) | np.isnan(people)
    gone, total = group.sums(absent.astype(float)), group.sums(x)
    with np.errstate(divide="ignore", invalid="ignore"):
        expected = group.sums(people * ref_x / ref_people)
        factor = np.where((expected > 0) & (gone == 0), 1 / expected, np.nan)
        if per is not None:
            factor = factor * per * group.sums(ref_x) / group.sums(ref_people)
    lower, upper = intervals.POISSON[interval](total, level)
    scores = contributions(data, group.n, (columns.unit(events), group.code, np.sqrt(x) * group.spread(factor)))
    return results(
        group.labels,
        {
            "indicator": events, "statistic": "standardised ratio" if per is None else "standardised rate",
            "value": total * factor, "std_error": np.sqrt(total) * factor, "lower": lower * factor,
            "upper": upper * factor, "interval": interval, "conf_level": level, "n": np.round(group.sums(people)),
            "events": total, "denominator": "expected" if per is None else population,
            "unit": "" if per is None else f"per {per:,.15g}",
            "reason": joined(
                np.where(gone > 0, "a stratum has no count or no population", ""),
                np.where((expected > 0) | (gone > 0), "", "nothing is expected"),
            ),
        },
        scores, method=f"indirectly standardised; expected at the rates of {reference_events}/{reference_population}",
    )  # fmt: skip
