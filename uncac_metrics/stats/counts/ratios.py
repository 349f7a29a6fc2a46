"""Ratios of amounts and mean amounts of records."""

from __future__ import annotations

import numpy as np
import pandas as pd

from uncac_metrics.stats import intervals
from uncac_metrics.stats.counts.arguments import By, Columns, contributions, grouped, incomplete, joined, results
from uncac_metrics.stats.estimates import Estimates


def amount_ratio(
    data: pd.DataFrame, numerator: str, denominator: str, *, cluster: str | None = None, by: By = None,
    level: float = 0.95,
) -> Estimates:  # fmt: skip
    r"""Ratio of two sums of amounts, :math:`\hat R = \sum y / \sum x`, or mean amount where x is 1 a record.

    Records are taken for independent draws of those that such a register holds, case by case where they come in
    clusters: with :math:`u_c = \sum_{i \in c} (y_i - \hat R x_i) / \sum x` the variance is
    :math:`\tfrac{m}{m - 1} \sum_c (u_c - \bar u)^2` over m clusters. For a register that is complete, and nothing
    beyond it meant, the ratio is known and the interval is that of another year like this one.

    Parameters
    ----------
    data : DataFrame
        A row a record.
    numerator, denominator : str
        Columns of numbers that are not negative, in one unit each. A row that lacks either is left out, and said.
    cluster : str, optional
        Column of the independent cases that several records belong to; each record is one unless given.
    by : str or list of str, optional
        Breakdown columns; several are crossed.
    level : float
        Confidence level; Wald's limits with Student's t, the lower one no lower than zero.

    Returns
    -------
    Estimates
        Statistic ``ratio``; ``n`` records with both, ``n_psu`` clusters. One cluster gives no standard error, and the
        row is flagged.

    Raises
    ------
    Faults
        Unknown columns, negative amounts, missing clusters.

    References
    ----------
    .. [1] Cochran (1977), Sampling Techniques, 3rd edition, section 2.11.

    Examples
    --------
    >>> import pandas as pd
    >>> from uncac_metrics.stats import counts
    >>> managed = pd.DataFrame({"realised": [8.0, 5.0, 12.0], "appraised": [10.0, 10.0, 10.0]})
    >>> counts.amount_ratio(managed, "realised", "appraised").table[["value", "std_error", "n"]].round(4)
        value  std_error  n
    0  0.8333     0.2028  3
    """
    columns = Columns("amount_ratio", data, by, level)
    y, x = columns.amounts(numerator, "numerator"), columns.amounts(denominator, "denominator")
    number, kind = np.arange(len(data)), "records"
    if cluster is not None and columns.present(cluster, "cluster"):
        number, kind = pd.factorize(data[cluster])[0], cluster
        columns.none(number < 0, cluster, "missing clusters", "give every row its case")
    columns.check()
    group = grouped(data, by)
    absent = np.isnan(y) | np.isnan(x)
    below = (x > 0) | (np.nan_to_num(y) > 0)
    used = ~absent & below & (group.code >= 0)
    total, base = group.sums(np.where(used, y, 0)), group.sums(np.where(used, x, 0))
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(base > 0, total / base, np.nan)
        score = np.where(used, (y - group.spread(ratio) * x) / group.spread(base), 0.0)
    size = int(number.max(initial=0)) + 1
    keys, place = np.unique(group.code[used].astype(np.int64) * size + number[used], return_inverse=True)
    of, unit = keys // size, keys % size
    sums = np.bincount(place, weights=score[used], minlength=len(keys))
    m = np.bincount(of, minlength=group.n).astype(float)
    with np.errstate(divide="ignore", invalid="ignore"):
        factor = np.where(m > 1, np.sqrt(m / (m - 1)), np.nan)
    error = factor * np.sqrt(np.bincount(of, weights=sums**2, minlength=group.n))  # the scores have mean zero
    lower, upper = intervals.wald(ratio, error, m - 1, level)
    alone = (m == 1) & ~np.isnan(ratio)
    return results(
        group.labels,
        {
            "indicator": f"{numerator}/{denominator}", "statistic": "ratio", "value": ratio, "std_error": error,
            "lower": np.maximum(lower, 0.0), "upper": upper, "interval": np.where(alone, "", "wald"), "df": m - 1,
            "conf_level": level, "n": group.sums(used.astype(float)), "n_psu": m,
            "n_eligible": group.sums((below | absent).astype(float)), "denominator": denominator,
            "reason": joined(
                incomplete(group, absent, "rows lack an amount"), np.where(alone, "one record: no standard error", ""),
                np.where(base > 0, "", "nothing below the line"),
            ),
        },
        contributions(data, group.n, (unit, of, sums * factor[of]), kind=kind), method=f"ratio of sums; by {kind}",
    )  # fmt: skip
