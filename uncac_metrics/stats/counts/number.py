"""Numbers of events, with the interval of a Poisson count."""

from __future__ import annotations

import numpy as np
import pandas as pd

from uncac_metrics.stats import intervals
from uncac_metrics.stats.counts.arguments import By, Columns, contributions, grouped, incomplete, joined, results
from uncac_metrics.stats.estimates import Estimates


def number(
    data: pd.DataFrame, events: str, *, by: By = None, level: float = 0.95, interval: str = "garwood"
) -> Estimates:
    r"""Number of events, :math:`\sum x`, taken as a Poisson count.

    The number itself is known; its interval and standard error, :math:`\sqrt{\sum x}`, are those of the process that
    makes the events, and say by how much the number of another period may differ by chance.

    Parameters
    ----------
    data : DataFrame
        A row a cell (counts) or a row a record (yes/no).
    events : str
        Column of counts, or of 1, 0 and missing. A row without an answer is left out, and said.
    by : str or list of str, optional
        Breakdown columns; several are crossed. Rows with a missing level belong to no group.
    level : float
        Confidence level.
    interval : {"garwood", "byar", "byar_or_exact", "mid_p", "log"}
        See :data:`uncac_metrics.stats.intervals.POISSON`.

    Returns
    -------
    Estimates
        Statistic ``count``; ``n`` rows with an answer, ``events`` the number of events.

    Raises
    ------
    Faults
        Unknown columns or interval; values that are no counts.

    Notes
    -----
    Where one event brings others with it (the persons of one case), counts vary more than a Poisson count does, and
    the interval is too narrow: count the cases.

    References
    ----------
    .. [1] Garwood (1936), Biometrika 28, 437–442.

    Examples
    --------
    >>> import pandas as pd
    >>> from uncac_metrics.stats import counts
    >>> teams = pd.DataFrame({"year": ["2024", "2025"], "joint_teams": [4, 0]})
    >>> counts.number(teams, "joint_teams", by="year").table[["year", "value", "lower", "upper"]].round(2)
       year  value  lower  upper
    0  2024    4.0   1.09  10.24
    1  2025    0.0   0.00   3.69
    """
    columns = Columns("number", data, by, level)
    x = columns.counts(events, "events")
    columns.one_of(interval, intervals.POISSON, "interval")
    columns.check()
    group = grouped(data, by)
    absent = np.isnan(x)
    total, answered = group.sums(x), group.sums((~absent).astype(float))
    value = np.where(answered > 0, total, np.nan)
    lower, upper = intervals.POISSON[interval](total, level)
    scores = contributions(data, group.n, (columns.unit(events), group.code, np.sqrt(x)))
    return results(
        group.labels,
        {
            "indicator": events, "statistic": "count", "value": value, "std_error": np.sqrt(total), "lower": lower,
            "upper": upper, "interval": interval, "conf_level": level, "n": answered,
            "n_eligible": group.sums(np.ones(len(x))), "events": total, "denominator": "_T",
            "reason": joined(
                incomplete(group, absent, "rows have no count"), np.where(answered > 0, "", "nothing to count")
            ),
        },
        scores, method="Poisson count",
    )  # fmt: skip
