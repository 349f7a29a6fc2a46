"""Which differences between units, and which changes over time, are more than noise, many tests held in check."""

from __future__ import annotations

import numpy as np
import pandas as pd
from statsmodels.stats.multitest import multipletests

from uncac_metrics.model import Fault, Faults
from uncac_metrics.stats import intervals
from uncac_metrics.stats.estimates import Estimates
from uncac_metrics.stats.scores import rank_kernels as kernels

Array = np.ndarray

ADJUSTMENTS = ("stepwise", "holm", "fdr_bh", "none")


def significant_differences(
    estimates: Estimates, *, adjust: str = "stepwise", level: float = 0.9, draws: int = 1000, seed: int = 1
) -> pd.DataFrame:
    """Differences of all pairs of units, with p-values adjusted for their number.

    Parameters
    ----------
    estimates : Estimates
        Values with a joint covariance, of one indicator, statistic and period.
    adjust : {"stepwise", "holm", "fdr_bh", "none"}
        ``"stepwise"`` (Romano and Wolf) and ``"holm"`` hold the probability of any false finding, the first with
        more power since it knows how the differences covary; ``"fdr_bh"`` holds the share of false findings.
    level : float
        Confidence level; a pair is significant if its adjusted p-value is at most one less it.
    draws, seed : int
        For ``"stepwise"``; the least p-value is 1 / (draws + 1).

    Returns
    -------
    DataFrame
        ``unit``, ``other``, ``difference``, ``std_error``, ``lower``, ``upper`` (of the one difference), ``p_value``,
        ``p_adjusted``, ``significant``.

    References
    ----------
    Romano and Wolf (2005), Exact and approximate stepdown methods for multiple hypothesis testing, JASA 100, 94–108.

    Examples
    --------
    >>> from uncac_metrics.stats.estimates import make_table
    >>> from uncac_metrics.stats.scores.ranks import independent
    >>> table = make_table({"ref_area": ["A", "B", "C"], "value": [1.0, 1.2, 5.0], "std_error": 0.3})
    >>> found = significant_differences(independent(Estimates(table)))
    >>> found[["unit", "other", "difference", "p_value", "p_adjusted", "significant"]].round(3)
      unit other  difference  p_value  p_adjusted  significant
    0    A     B        -0.2    0.637       0.648        False
    1    A     C        -4.0    0.000       0.001         True
    2    B     C        -3.8    0.000       0.001         True
    """
    _check(adjust)
    table = estimates.table
    kinds = table[["indicator", "statistic", "time_period"]].drop_duplicates()
    if len(kinds) > 1:
        what = f"{len(kinds)} indicators, statistics or periods"
        raise Faults([Fault("significant_differences", "estimates", what, "select one")])
    # an order of the values' own, so that draws do not hang on the order of rows
    covariance = estimates.covariance().to_numpy()
    value = table["value"].to_numpy(dtype=float)
    order = np.lexsort([np.diag(covariance), value])
    first, second = np.triu_indices(len(table), 1)
    contrast = _tested(value[order], covariance[np.ix_(order, order)], first, second, adjust, level, draws, seed)
    names, place = table["ref_area"].to_numpy()[order], order
    turned = place[first] > place[second]
    for name in ("difference", "lower", "upper"):
        contrast[name] = np.where(turned, -contrast[name], contrast[name])
    contrast["lower"], contrast["upper"] = (
        np.minimum(contrast["lower"], contrast["upper"]), np.maximum(contrast["lower"], contrast["upper"]),
    )  # fmt: skip
    a, b = np.where(turned, second, first), np.where(turned, first, second)
    out = contrast.assign(unit=names[a], other=names[b], _a=place[a], _b=place[b]).sort_values(["_a", "_b"])
    return out[["unit", "other", *CONTRAST]].reset_index(drop=True)


def significant_changes(
    estimates: Estimates,
    start: str,
    end: str,
    *,
    adjust: str = "stepwise",
    level: float = 0.9,
    draws: int = 1000,
    seed: int = 1,
) -> pd.DataFrame:
    """Changes of all units between two periods, with p-values adjusted for their number.

    The covariance of a unit's two estimates is taken into account: what they share does not blur their difference.

    Parameters
    ----------
    estimates : Estimates
        Values on a scale that is the same in both periods, of one indicator and statistic.
    start, end : str
        Periods; units without both are left out.
    adjust, level, draws, seed
        As in :func:`significant_differences`.

    Returns
    -------
    DataFrame
        ``unit``, ``start``, ``end`` (the values), and the columns of :func:`significant_differences`.

    Examples
    --------
    >>> from uncac_metrics.stats.estimates import make_table
    >>> from uncac_metrics.stats.scores.ranks import independent
    >>> table = make_table({"ref_area": ["A", "A", "B", "B"], "time_period": ["2020", "2024"] * 2,
    ...                     "value": [1.0, 2.0, 1.0, 1.2], "std_error": 0.3})
    >>> found = significant_changes(independent(Estimates(table)), "2020", "2024")
    >>> found[["unit", "difference", "p_value", "significant"]].round(3)
      unit  difference  p_value  significant
    0    A         1.0    0.018         True
    1    B         0.2    0.637        False
    """
    _check(adjust)
    both = estimates.select(time_period=[start, end])
    table = both.table
    keys = table[["ref_area", "time_period"]]
    if table[["indicator", "statistic"]].drop_duplicates().shape[0] != 1 or keys.duplicated().any():
        what = "not one estimate a unit and period"
        remedy = "select one indicator and statistic, and periods that are there"
        raise Faults([Fault("significant_changes", "estimates", what, remedy)])
    rows = pd.Series(np.arange(len(table)), index=pd.MultiIndex.from_frame(keys)).unstack()
    missing = [p for p in (start, end) if p not in rows.columns]
    if missing:
        raise Faults([Fault("significant_changes", p, "no estimate of this period", "name another") for p in missing])
    rows = rows[[start, end]].dropna().astype(int)
    before, after = rows[start].to_numpy(), rows[end].to_numpy()
    value = table["value"].to_numpy(dtype=float)
    order = np.lexsort([value[before], value[after]])
    contrast = _tested(
        value, both.covariance().to_numpy(), after[order], before[order], adjust, level, draws, seed
    ).iloc[np.argsort(order)]
    out = contrast.assign(unit=rows.index.to_numpy(), start=value[before], end=value[after])
    return out[["unit", "start", "end", *CONTRAST]].reset_index(drop=True)


CONTRAST = ["difference", "std_error", "lower", "upper", "p_value", "p_adjusted", "significant"]


def _tested(
    value: Array, covariance: Array, first: Array, second: Array, adjust: str, level: float, draws: int, seed: int
) -> pd.DataFrame:
    variance = np.diag(covariance)
    squared = variance[first] + variance[second] - 2 * covariance[first, second]
    error = np.sqrt(np.maximum(squared, 0.0))
    gap = value[first] - value[second]
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.where(error > 0, gap / error, np.where(gap != 0, np.inf * np.sign(gap), 0.0))
    p = kernels.normal_p_values(t)
    if adjust == "none" or not len(p):
        adjusted = p
    elif adjust == "stepwise":
        z = kernels.normal_draws(covariance, draws, seed)
        with np.errstate(divide="ignore"):
            scale = np.where(error > 0, 1 / error, 0.0)
        drawn = np.abs((z[first] - z[second]) * scale[:, None])
        adjusted = kernels.joint_p_values(np.abs(t), drawn.T)
    else:
        adjusted = multipletests(p, method=adjust)[1]
    lower, upper = intervals.wald(gap, error, np.array(np.inf), level)
    return pd.DataFrame(
        {
            "difference": gap, "std_error": error, "lower": lower, "upper": upper, "p_value": p,
            "p_adjusted": adjusted, "significant": adjusted <= 1 - level + 1e-12,
        }
    )  # fmt: skip


def _check(adjust: str) -> None:
    if adjust not in ADJUSTMENTS:
        raise Faults([Fault("significance", "adjust", f"{adjust!r}", f"one of {', '.join(ADJUSTMENTS)}")])
