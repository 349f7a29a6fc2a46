r"""How far cases go: shares of a cohort that reach each stage, and ratios of counts that are of no one cohort.

Suspects, prosecuted and convicted of one year are not the same people. Only where the same cases are followed is the
share that reaches a stage a proportion; else it is a ratio of counts, which may exceed one.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from uncac_metrics.model import ESTIMATE_LEADING
from uncac_metrics.stats.counts.arguments import By, Columns, are_records, contributions, grouped, joined, results
from uncac_metrics.stats.counts.rates import SHARE_INTERVALS, count_ratio, share_limits
from uncac_metrics.stats.estimates import Estimates, concat

Array = np.ndarray


def progression(
    data: pd.DataFrame, stages: Sequence[str], *, of: str = "previous", by: By = None, level: float = 0.95,
    interval: str = "wilson",
) -> Estimates:  # fmt: skip
    r"""Shares of a linked cohort that reach each stage, of those at the stage before or of all.

    The shares of successive stages are uncorrelated; those of the whole cohort are correlated, and
    :meth:`Estimates.covariance` says how much.

    Parameters
    ----------
    data : DataFrame
        A row a case (yes/no columns) or a cell of cases of one cohort (counts).
    stages : sequence of str
        Columns, from the first stage to the last: whether, or how many of, the same cases reached it. An empty value
        means that it is not known yet; then the later stages are not known either, and the row does not count in
        their shares. It is read as zero where the stage before was not reached.
    of : {"previous", "first"}
        What the shares are of. For cases still under way take :func:`state_occupation`, which reckons with censoring.
    by : str or list of str, optional
        Breakdown columns, as the year in which the cohort began; several are crossed.
    level : float
        Confidence level.
    interval : {"wilson", "clopper_pearson", "mid_p", "jeffreys"}

    Returns
    -------
    Estimates
        Statistic ``proportion``; ``stage`` is the stage reached, ``denominator`` the stage that it is a share of.

    Raises
    ------
    Faults
        Unknown columns, fewer than two stages, more cases at a stage than at the one before: such counts are not of
        one cohort (see :func:`stage_ratios`).

    References
    ----------
    .. [1] Wilson (1927), JASA 22, 209–212.

    Examples
    --------
    >>> import pandas as pd
    >>> from uncac_metrics.stats import counts
    >>> cohort = pd.DataFrame({"reported": [1240], "prosecuted": [301], "convicted": [148]})
    >>> shares = counts.progression(cohort, ["reported", "prosecuted", "convicted"])
    >>> shares.table[["stage", "denominator", "value", "lower", "upper"]].round(3)
            stage denominator  value  lower  upper
    0  prosecuted    reported  0.243  0.220  0.267
    1   convicted  prosecuted  0.492  0.436  0.548
    """
    columns = Columns("progression", data, by, level)
    columns.one_of(interval, SHARE_INTERVALS, "interval")
    columns.one_of(of, ("previous", "first"), "of")
    columns.must(len(stages) > 1, "stages", "fewer than two stages", "name at least two columns")
    reached = np.array([columns.counts(name, "stages") for name in stages]).reshape(len(stages), len(data))
    for k in range(1, len(stages)):
        reached[k, np.isnan(reached[k]) & (reached[k - 1] == 0)] = 0.0
        reached[k, np.isnan(reached[k - 1])] = np.nan
        remedy = "follow the same cases, or take stage_ratios()"
        columns.none(reached[k] > reached[k - 1], stages[k], f"more cases than at {stages[k - 1]!r}", remedy)
    columns.check()
    group, records = grouped(data, by), are_records(reached[0])
    # cases by the last stage that is known to be reached: the independent counts
    last = reached - np.vstack([np.nan_to_num(reached[1:]), np.zeros((1, len(data)))])
    units = [columns.unit(stages[j + 1], other=True) for j in range(len(stages) - 1)] + [columns.unit(stages[-1])]
    n_stages, parts, blocks = len(stages), [], []
    for k in range(1, n_stages):
        base = k - 1 if of == "previous" else 0
        known = ~np.isnan(reached[k])
        size = group.sums(np.where(known, reached[base], 0.0))
        events = group.sums(np.where(known, reached[k], 0.0))
        with np.errstate(divide="ignore", invalid="ignore"):
            p = events / size
        row = np.where(group.code >= 0, group.code * (n_stages - 1) + k - 1, -1)
        if records:
            slope = (reached[k] - group.spread(p) * reached[base]) / group.spread(np.where(size > 0, size, np.nan))
            parts.append((np.arange(len(data)), row, np.where(known, slope, np.nan)))
        for j in () if records else range(base, n_stages):
            slope = (float(j >= k) - group.spread(p)) / group.spread(np.where(size > 0, size, np.nan))
            parts.append((units[j], row, np.where(known, np.sqrt(np.nan_to_num(last[j])) * slope, np.nan)))
        lower, upper = share_limits(interval, p, size, level)
        blocks.append(
            {
                "stage": stages[k], "denominator": stages[base], "value": p, "n": size, "events": events,
                "lower": lower, "upper": upper, "n_eligible": group.sums(np.nan_to_num(reached[base])),
                "std_error": np.sqrt(p * (1 - p) / np.where(size > 0, size, np.nan)),
                "reason": np.where(size > 0, "", "no case at the stage before"),
            }
        )  # fmt: skip
    table = pd.concat(
        [pd.DataFrame(block | {"group": np.arange(group.n)}) for block in blocks], ignore_index=True
    ).sort_values("group", kind="stable", ignore_index=True)
    labels = group.labels.iloc[table.pop("group")].reset_index(drop=True).assign(stage=table.pop("stage"))
    return results(
        labels,
        {name: table[name].to_numpy() for name in table}
        | {"indicator": stages[0], "statistic": "proportion", "interval": interval, "conf_level": level},
        contributions(data, len(table), *parts, kind="records" if records else "counts"),
        method=f"linked cohort; of the {of} stage",
    )  # fmt: skip


def stage_ratios(data: pd.DataFrame, stages: Sequence[str], *, by: By = None, level: float = 0.95) -> Estimates:
    r"""Ratios of counts of successive stages in the same period, which are of different cases: no proportions.

    Each is a ratio of independent Poisson counts with its exact conditional interval (:func:`count_ratio`). Where a
    later stage has more than an earlier one, which no cohort can, the rows of the group are flagged and say so; nothing
    is clipped. Pool several years, or link the cases (:func:`progression`), where that happens.

    Parameters
    ----------
    data : DataFrame
        A row a cell of counts.
    stages : sequence of str
        Columns of counts, from the first stage to the last, as suspects, prosecuted, convicted.
    by : str or list of str, optional
        Breakdown columns, as the year; several are crossed.
    level : float
        Confidence level.

    Returns
    -------
    Estimates
        Statistic ``ratio``; ``stage`` is the later stage, ``denominator`` the earlier.

    Raises
    ------
    Faults
        Unknown columns, fewer than two stages, values that are no counts.

    References
    ----------
    .. [1] Przyborowski and Wilenski (1940), Biometrika 31, 313–323.

    Examples
    --------
    >>> import pandas as pd
    >>> from uncac_metrics.stats import counts
    >>> year = pd.DataFrame({"suspects": [120], "prosecuted": [90], "convicted": [96]})
    >>> ratios = counts.stage_ratios(year, ["suspects", "prosecuted", "convicted"])
    >>> ratios.table[["stage", "value", "lower", "upper", "display"]].round(3)
            stage  value  lower  upper  display
    0  prosecuted  0.750  0.564  0.994  flagged
    1   convicted  1.067  0.792  1.438  flagged
    >>> ratios.table["reason"][1]
    'counts of one period, not of the same cases: more convicted (96) than prosecuted (90)'
    """
    columns = Columns("stage_ratios", data, by, level)
    columns.must(len(stages) > 1, "stages", "fewer than two stages", "name at least two columns")
    known = np.array([columns.counts(name, "stages") for name in stages])
    columns.check()
    group = grouped(data, by)
    whole = ~np.isnan(known).any(axis=0)
    totals = np.array([group.sums(np.where(whole, v, 0.0)) for v in known])
    told = np.full(group.n, "", dtype=object)
    for k in range(1, len(stages)):
        above = totals[k] > totals[k - 1]
        told = joined(told, [
            f"more {stages[k]} ({int(b):,}) than {stages[k - 1]} ({int(a):,})" if more else ""
            for more, a, b in zip(above, totals[k - 1], totals[k], strict=True)
        ])  # fmt: skip
    parts = []
    for k in range(1, len(stages)):
        ratio = count_ratio(data, stages[k], stages[k - 1], by=by, level=level)
        said = np.array(
            [f"counts of one period, not of the same cases{': ' + t if t else ''}" for t in told], dtype=object
        )
        shown = np.where((told != "") & (ratio.table["display"] == "shown"), "flagged", ratio.table["display"])
        ratio = ratio.with_columns(
            reason=joined(said, ratio.table["reason"].to_numpy(dtype=object)), display=shown,
            obs_status=np.where(shown == "flagged", "U", ratio.table["obs_status"]),
            method="ratio of independent Poisson counts; unlinked stages",
        )  # fmt: skip
        table = ratio.table
        place = len(ESTIMATE_LEADING) + len(ratio.breakdowns)
        table.insert(place, "stage", pd.array([stages[k]] * len(table), dtype="str"))
        parts.append(ratio)
    return concat(parts)
