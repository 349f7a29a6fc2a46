"""Differences between estimates, with the covariance that their samples give them."""

from __future__ import annotations

import numpy as np
import pandas as pd

from uncac_metrics.model import ESTIMATE_KEY, Fault, Faults
from uncac_metrics.stats import intervals
from uncac_metrics.stats.estimates import COUNTS, Estimates, concat

SAME = ("statistic", "denominator", "unit")


def compare(
    estimates: Estimates,
    other: Estimates | None = None,
    *,
    over: str = "",
    reference: str | None = None,
    level: float = 0.95,
) -> Estimates:
    r"""Differences between groups of one result, or between two results.

    :math:`\hat d = \hat a - \hat b` with :math:`v(\hat d) = v(\hat a) + v(\hat b) - 2\,c(\hat a, \hat b)`; the
    covariance comes from the sampling units that both rest on (groups of one sample; waves whose designs name the same
    ``frame``), and is zero for other samples. The limits are Wald's, with the smaller of the two degrees of freedom;
    ``quality`` holds the two-sided p-value.

    Parameters
    ----------
    estimates : Estimates
        The result, or the later of two.
    other : Estimates, optional
        What to subtract: rows are matched on all that identifies them, except what is the same all over one result
        (data set, area, period, indicator).
    over : str
        Without `other`: the column whose levels are compared, as ``"sex"``.
    reference : str, optional
        Level to subtract; the first in the table unless named.
    level : float
        Confidence level.

    Returns
    -------
    Estimates
        Statistic ``difference``; the compared column reads ``F - M``.

    Raises
    ------
    Faults
        Numbers on different denominators, units or statistics; levels or rows that do not match.

    Examples
    --------
    >>> import pandas as pd
    >>> from uncac_metrics.stats import compare, survey
    >>> frame = pd.DataFrame({"w": 1.0, "sex": list("FFFFMMMM"), "paid": [0, 0, 1, 0, 0, 1, 1, 1]})
    >>> shares = survey.proportion(survey.Design(frame, weight="w"), "paid", by="sex")
    >>> compare(shares, over="sex", reference="F").table[["sex", "value", "std_error"]].round(3)
         sex  value  std_error
    0  M - F    0.5      0.327
    """
    if other is not None:
        both, minuend, subtrahend, changed = _two(estimates, other)
    else:
        both, minuend, subtrahend, changed = _within(estimates, over, reference)
    table = both.table
    faults = []
    for name in SAME:
        differs = table[name].to_numpy()[minuend] != table[name].to_numpy()[subtrahend]
        for i in np.flatnonzero(differs)[:5]:
            a, b = (table[name].iloc[k] for k in (minuend[i], subtrahend[i]))
            faults.append(
                Fault("compare", name, f"{a!r} and {b!r} can't be subtracted", "compare on the same base and unit")
            )  # fmt: skip
    if faults:
        raise Faults(faults)
    weights = np.zeros((len(minuend), len(table)))
    weights[np.arange(len(minuend)), minuend] = 1.0
    weights[np.arange(len(minuend)), subtrahend] -= 1.0
    first, second = table.iloc[minuend].reset_index(drop=True), table.iloc[subtrahend].reset_index(drop=True)
    out = first.copy()
    for name in changed:
        out[name] = first[name] + " - " + second[name]
    for name in (*COUNTS, "events"):
        out[name] = first[name] + second[name]
    out["df"] = np.minimum(first["df"], second["df"])
    result = both.combine(weights, out)
    out = result.table
    lower, upper = intervals.wald(out["value"].to_numpy(), out["std_error"].to_numpy(), out["df"].to_numpy(), level)
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.abs(out["value"].to_numpy()) / out["std_error"].to_numpy()
        p = 2 * intervals.t_tail(t, out["df"].to_numpy())
    return result.with_columns(
        statistic="difference", lower=lower, upper=upper, conf_level=level, interval="wald", deff=np.nan, cv=np.nan,
        quality=["" if np.isnan(v) else f"p = {v:.3g}" for v in p], method="difference; " + first["method"],
    )  # fmt: skip


def _within(
    estimates: Estimates, over: str, reference: str | None
) -> tuple[Estimates, np.ndarray, np.ndarray, list[str]]:
    table = estimates.table
    if over not in table.columns or over not in (*estimates.breakdowns, *ESTIMATE_KEY):
        choices = ", ".join((*estimates.breakdowns, "time_period", "indicator"))
        raise Faults([Fault("compare", "over", f"no column {over!r} to compare over", f"one of {choices}")])
    levels = list(dict.fromkeys(v for v in table[over] if v != "_T"))
    base = reference if reference is not None else (levels[0] if levels else "")
    if base not in set(table[over]):
        raise Faults([Fault("compare", "reference", f"no level {base!r} of {over}", f"one of {', '.join(levels)}")])
    rest = [c for c in (*ESTIMATE_KEY, *estimates.breakdowns) if c != over]
    keys = pd.MultiIndex.from_frame(table[rest])
    is_base = (table[over] == base).to_numpy()
    place = pd.Series(np.flatnonzero(is_base), index=keys[is_base])
    wanted = ~is_base & (table[over] != "_T").to_numpy() & keys.isin(keys[is_base])
    minuend = np.flatnonzero(wanted)
    return estimates, minuend, place.reindex(keys[wanted]).to_numpy(dtype=np.intp), [over]


def _two(a: Estimates, b: Estimates) -> tuple[Estimates, np.ndarray, np.ndarray, list[str]]:
    both = concat([a, b])
    table = both.table
    first = np.arange(len(table)) < len(a)
    names = [*ESTIMATE_KEY, *both.breakdowns]
    # what is one value in each result but not the same in both is what changed
    changed = [
        c for c in ESTIMATE_KEY
        if table[c][first].nunique() == 1 and table[c][~first].nunique() == 1 and table[c].nunique() == 2
    ]  # fmt: skip
    rest = [c for c in names if c not in changed]
    keys = pd.MultiIndex.from_frame(table[rest])
    place = pd.Series(np.flatnonzero(~first), index=keys[~first])
    matched = first & keys.isin(keys[~first])
    if not matched.any():
        raise Faults(
            [
                Fault(
                    "compare",
                    "rows",
                    "no row of one result matches one of the other",
                    "compare the same measures",
                )
            ]
        )
    minuend = np.flatnonzero(matched)
    return both, minuend, place.reindex(keys[matched]).to_numpy(dtype=np.intp), changed
