r"""Ratings and statuses: distributions over levels, changes between two dates. No means are taken of ordered levels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from uncac_metrics.stats.counts.arguments import By, Columns, contributions, enumerated, grouped, results
from uncac_metrics.stats.counts.rates import SHARE_INTERVALS, share_limits
from uncac_metrics.stats.estimates import Estimates

Array = np.ndarray


def distribution(
    data: pd.DataFrame, rating: str, levels: Sequence[str], *, cumulative: bool = False, by: By = None,
    level: float = 0.95, interval: str = "wilson",
) -> Estimates:  # fmt: skip
    r"""Shares of the units at each level of a rating, or at that level or above.

    Parameters
    ----------
    data : DataFrame
        A row a unit, as a country or a provision.
    rating : str
        Column of the level; missing ones are left out and counted in ``n_eligible − n``.
    levels : sequence of str
        All levels, from the lowest to the highest; a level that no unit has gives a row.
    cumulative : bool
        Shares at each level or above, from the second level on.
    by : str or list of str, optional
        Breakdown columns; several are crossed.
    level : float
        Confidence level, of each row by itself.
    interval : {"wilson", "clopper_pearson", "mid_p", "jeffreys"}

    Returns
    -------
    Estimates
        Statistic ``proportion``; ``category`` is the level (``≥ level`` if cumulative). The rows of one group covary as
        multinomial shares do.

    Raises
    ------
    Faults
        Unknown columns, levels that are not among those named.

    Examples
    --------
    >>> import pandas as pd
    >>> from uncac_metrics.stats import counts
    >>> ratings = pd.DataFrame({"io7": ["low", "moderate", "low", "substantial", None]})
    >>> shares = counts.distribution(ratings, "io7", ["low", "moderate", "substantial", "high"])
    >>> shares.table[["category", "value", "n", "n_eligible", "events"]]
          category  value  n  n_eligible  events
    0          low   0.50  4           5       2
    1     moderate   0.25  4           5       1
    2  substantial   0.25  4           5       1
    3         high   0.00  4           5       0
    """
    columns = Columns("distribution", data, by, level)
    place = _levels(columns, rating, levels)
    columns.one_of(interval, SHARE_INTERVALS, "interval")
    columns.check()
    indicators = [(f"≥ {name}", place >= i) for i, name in enumerate(levels) if i] if cumulative else [
        (str(name), place == i) for i, name in enumerate(levels)
    ]  # fmt: skip
    method = "shares at or above each level" if cumulative else "shares of levels"
    return _shares(columns, rating, indicators, place >= 0, by, level, interval, method)


def status_shares(
    data: pd.DataFrame, status: str, levels: Sequence[str], *, exclude: Sequence[str] = (), complete: bool = False,
    by: By = None, level: float = 0.95, interval: str = "wilson",
) -> Estimates:  # fmt: skip
    r"""Shares of provisions (or of measures, recommendations) in each status.

    Parameters
    ----------
    data : DataFrame
        A row a provision.
    status : str
        Column of the status.
    levels : sequence of str
        All statuses in order.
    exclude : sequence of str
        Statuses that are outside the base, as "not applicable": counted in ``n_eligible − n``.
    complete : bool
        All provisions that there are have been assessed, and nothing beyond them is meant: the standard error is zero,
        the limits are the value itself. The doubt that remains, in each assessment, is not in these numbers.
    by : str or list of str, optional
        Breakdown columns; several are crossed.
    level : float
        Confidence level.
    interval : {"wilson", "clopper_pearson", "mid_p", "jeffreys"}

    Returns
    -------
    Estimates
        Statistic ``proportion``; ``category`` is the status.

    Raises
    ------
    Faults
        Unknown columns, statuses that are not among those named.

    Examples
    --------
    >>> import pandas as pd
    >>> from uncac_metrics.stats import counts
    >>> provisions = pd.DataFrame({"status": ["yes", "partly", "yes", "not applicable", "no"]})
    >>> shares = counts.status_shares(provisions, "status", ["yes", "partly", "no"], exclude=["not applicable"])
    >>> shares.table[["category", "value", "n", "n_eligible"]]
      category  value  n  n_eligible
    0      yes   0.50  4           5
    1   partly   0.25  4           5
    2       no   0.25  4           5
    """
    columns = Columns("status_shares", data, by, level)
    place = _levels(columns, status, [*levels, *exclude])
    columns.one_of(interval, SHARE_INTERVALS, "interval")
    columns.check()
    inside = (place >= 0) & (place < len(levels))
    indicators = [(str(name), place == i) for i, name in enumerate(levels)]
    out = _shares(columns, status, indicators, inside, by, level, interval, "shares of statuses")
    return enumerated(out, "shares of statuses") if complete else out


def transitions(
    data: pd.DataFrame, before: str, after: str, levels: Sequence[str], *, by: By = None, level: float = 0.95,
    interval: str = "wilson",
) -> Estimates:  # fmt: skip
    r"""Changes of rating of the same units: share at each level now, of those at each level before; and the direction.

    Parameters
    ----------
    data : DataFrame
        A row a unit that was rated twice; where either rating is missing the unit is left out.
    before, after : str
        Columns of both ratings.
    levels : sequence of str
        All levels, from the lowest to the highest.
    by : str or list of str, optional
        Breakdown columns; several are crossed.
    level : float
        Confidence level, of each row by itself.
    interval : {"wilson", "clopper_pearson", "mid_p", "jeffreys"}

    Returns
    -------
    Estimates
        Statistic ``proportion``. Rows with ``stage`` a level before and ``category`` a level after; then ``stage`` _T
        with ``category`` higher, same, lower, of all units rated twice.

    Raises
    ------
    Faults
        Unknown columns, levels that are not among those named.

    Examples
    --------
    >>> import pandas as pd
    >>> from uncac_metrics.stats import counts
    >>> ratings = pd.DataFrame({"2019": ["low", "low", "high", "low"], "2024": ["high", "low", "high", "high"]})
    >>> counts.transitions(ratings, "2019", "2024", ["low", "high"]).table[["stage", "category", "value", "n"]].round(3)
      stage category  value  n
    0   low      low  0.333  3
    1   low     high  0.667  3
    2  high      low  0.000  1
    3  high     high  1.000  1
    4    _T   higher  0.500  4
    5    _T     same  0.500  4
    6    _T    lower  0.000  4
    """
    columns = Columns("transitions", data, by, level)
    old, new = _levels(columns, before, levels), _levels(columns, after, levels)
    columns.one_of(interval, SHARE_INTERVALS, "interval")
    columns.check()
    both = (old >= 0) & (new >= 0)
    rows: list[tuple[str, str, Array, Array]] = [
        (str(a), str(b), new == j, both & (old == i)) for i, a in enumerate(levels) for j, b in enumerate(levels)
    ]
    rows += [
        ("_T", name, hit, both) for name, hit in (("higher", new > old), ("same", new == old), ("lower", new < old))
    ]
    return _rows(columns, f"{before} → {after}", rows, by, level, interval, "shares of transitions", stages=True)


def _levels(columns: Columns, name: str, levels: Sequence[str]) -> Array:
    """Place of each value among the levels, −1 where missing."""
    columns.must(len(set(levels)) == len(levels) > 0, "levels", "no levels, or one twice", "name each level once")
    values = columns.texts(name, "column")
    place = pd.Index(dict.fromkeys(levels), dtype=object).get_indexer(pd.Index(values, dtype=object))
    columns.none(
        (place < 0) & ~pd.isna(values),
        name,
        "values that are none of the levels",
        f"one of {', '.join(map(str, levels))}",
    )
    return place


def _shares(
    columns: Columns, name: str, indicators: Sequence[tuple[str, Array]], inside: Array, by: By, level: float,
    interval: str, method: str,
) -> Estimates:  # fmt: skip
    rows = [("", label, hit, inside) for label, hit in indicators]
    return _rows(columns, name, rows, by, level, interval, method, stages=False)


def _rows(
    columns: Columns, name: str, rows: Sequence[tuple[str, str, Array, Array]], by: By, level: float, interval: str,
    method: str, *, stages: bool,
) -> Estimates:  # fmt: skip
    """Shares of many subsets (stage, category, hit, base) of the records, for every group."""
    data = columns.data
    group, k = grouped(data, by), len(rows)
    everyone = np.arange(len(data))
    size = np.array([group.sums(base.astype(float)) for *_, base in rows]).T.ravel()
    events = np.array([group.sums((hit & base).astype(float)) for *_, hit, base in rows]).T.ravel()
    with np.errstate(divide="ignore", invalid="ignore"):
        p = events / size
        error = np.sqrt(p * (1 - p) / size)
    parts = []
    for i, (*_, hit, base) in enumerate(rows):
        row = np.where(base & (group.code >= 0), group.code * k + i, -1)
        share, n = group.spread(p.reshape(-1, k)[:, i]), group.spread(size.reshape(-1, k)[:, i])
        with np.errstate(divide="ignore", invalid="ignore"):
            parts.append((everyone, row, (hit - share) / n))
    lower, upper = share_limits(interval, p, size, level)
    labels = group.labels.iloc[np.repeat(np.arange(group.n), k)].reset_index(drop=True)
    if stages:
        labels["stage"] = np.tile([r[0] for r in rows], group.n)
    labels["category"] = np.tile([r[1] for r in rows], group.n)
    return results(
        labels,
        {
            "indicator": name, "statistic": "proportion", "value": p, "std_error": error, "lower": lower,
            "upper": upper, "interval": interval, "conf_level": level, "n": size, "events": events,
            "n_eligible": np.repeat(group.sums(np.ones(len(data))), k), "denominator": "_T",
            "reason": np.where(size > 0, "", "no observation"),
        },
        contributions(data, len(labels), *parts, kind="records"), method=method,
    )  # fmt: skip
