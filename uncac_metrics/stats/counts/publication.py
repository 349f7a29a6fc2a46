r"""Availability and timeliness: which values are there, what was published on time, and with what delay."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from uncac_metrics.stats.counts.arguments import By, Columns, contributions, grouped, results
from uncac_metrics.stats.counts.durations import duration_quantile
from uncac_metrics.stats.counts.rates import SHARE_INTERVALS, share, share_limits
from uncac_metrics.stats.estimates import Estimates, concat
from uncac_metrics.stats.survey.arguments import grouping

Array = np.ndarray


def availability(
    data: pd.DataFrame, fields: Sequence[str], *, by: By = None, level: float = 0.95, interval: str = "wilson"
) -> Estimates:
    r"""Share of records that hold a value, field by field and over all fields.

    The share over all fields is of record–field pairs; its error treats the record as the unit, so that records that
    lack everything together do not count as many. Its effective number of pairs is :math:`p (1 - p) / v`.

    Parameters
    ----------
    data : DataFrame
        A row a record (a contract, a declaration), or a row an expected figure.
    fields : sequence of str
        Columns that should hold a value; an empty text is no value.
    by : str or list of str, optional
        Breakdown columns; several are crossed.
    level : float
        Confidence level.
    interval : {"wilson", "clopper_pearson", "mid_p", "jeffreys"}

    Returns
    -------
    Estimates
        Statistic ``proportion``; ``category`` is the field, ``_T`` all of them.

    Raises
    ------
    Faults
        Unknown columns, no fields.

    Examples
    --------
    >>> import pandas as pd
    >>> from uncac_metrics.stats import counts
    >>> contracts = pd.DataFrame({"amount": [5.0, None, 3.0, 8.0], "owner": [None, "", "X", "Y"]})
    >>> counts.availability(contracts, ["amount", "owner"]).table[["category", "value", "n", "events"]]
      category  value  n  events
    0       _T  0.625  8       5
    1   amount  0.750  4       3
    2    owner  0.500  4       2
    """
    columns = Columns("availability", data, by, level)
    columns.must(len(fields) > 0, "fields", "no fields", "name the columns that should hold a value")
    columns.one_of(interval, SHARE_INTERVALS, "interval")
    values = [columns.texts(name, "fields") for name in fields]
    held = np.array([~pd.isna(v) & (v != "") for v in values], dtype=float).reshape(len(fields), len(data))
    columns.check()
    group, k = grouped(data, by), len(fields) + 1
    seen = np.vstack([held.sum(axis=0), held])
    each = np.array([len(fields), *np.ones(len(fields))])
    rows = group.sums(np.ones(len(data)))
    events = np.array([group.sums(v) for v in seen]).T
    size = rows[:, None] * each
    parts, variance = [], np.zeros((group.n, k))
    with np.errstate(divide="ignore", invalid="ignore"):
        p = events / size
        for i in range(k):
            score = (seen[i] - each[i] * group.spread(p[:, i])) / group.spread(size[:, i])
            variance[:, i] = group.sums(score**2)
            parts.append((np.arange(len(data)), np.where(group.code >= 0, group.code * k + i, -1), score))
        spread = p * (1 - p)
        effective = np.where((variance > 0) & (spread > 0), spread / variance, rows[:, None])
    lower, upper = share_limits(interval, p.ravel(), effective.ravel(), level)
    labels = group.labels.iloc[np.repeat(np.arange(group.n), k)].reset_index(drop=True)
    labels["category"] = np.tile(["_T", *fields], group.n)
    return results(
        labels,
        {
            "indicator": "availability", "statistic": "proportion", "value": p.ravel(),
            "std_error": np.sqrt(variance).ravel(), "lower": lower, "upper": upper, "interval": interval,
            "conf_level": level, "n": size.ravel(), "events": events.ravel(), "n_psu": np.repeat(rows, k),
            "denominator": "_T", "reason": np.where(size.ravel() > 0, "", "no record"),
        },
        contributions(data, len(labels), *parts, kind="records"), method="values present; the record is the unit",
    )  # fmt: skip


def timeliness(
    data: pd.DataFrame, due: str, published: str, *, as_of: str | pd.Timestamp, since: str | None = None,
    by: By = None, level: float = 0.95, interval: str = "wilson",
) -> Estimates:  # fmt: skip
    r"""What was published, what was published on time, and the median delay, as things stood on a day.

    Parameters
    ----------
    data : DataFrame
        A row a publication (or answer, or declaration) that is due.
    due : str
        Column of the date on which it is due. Only what is due by `as_of` is judged; later ones, and those without a
        date, are left out (``n_eligible − n``).
    published : str
        Column of the date of publication; empty, or after `as_of`: not published then.
    as_of : date
        The day on which things are looked at.
    since : str, optional
        Column of the date from which the delay is reckoned (the end of the reference period, the day of the request);
        the due date unless given, and what came early then has no delay.
    by : str or list of str, optional
        Breakdown columns; several are crossed.
    level : float
        Confidence level.
    interval : {"wilson", "clopper_pearson", "mid_p", "jeffreys"}
        Of the shares; that of the median is Brookmeyer and Crowley's.

    Returns
    -------
    Estimates
        Rows with indicator ``published`` and ``on time`` (statistic ``proportion``), and ``delay`` (statistic
        ``median``, in days), where what is not yet published is censored on `as_of`.

    Raises
    ------
    Faults
        Unknown columns, columns that are not dates, publications before `since`.

    Examples
    --------
    >>> import pandas as pd
    >>> from uncac_metrics.stats import counts
    >>> reports = pd.DataFrame({"due": ["2025-03-31"] * 5,
    ...                         "out": ["2025-03-30", "2025-04-10", "2025-05-30", None, None]}).apply(pd.to_datetime)
    >>> found = counts.timeliness(reports, "due", "out", as_of="2025-06-30")
    >>> found.table[["indicator", "statistic", "value", "n", "events"]]
       indicator   statistic  value  n  events
    0  published  proportion    0.6  5       3
    1    on time  proportion    0.2  5       1
    2      delay      median   60.0  5       3
    """
    columns = Columns("timeliness", data, by, level)
    columns.one_of(interval, SHARE_INTERVALS, "interval")
    day = pd.Timestamp(as_of)
    found = {}
    for role, name in (("due", due), ("published", published), ("since", since)):
        if name is not None and columns.present(name, role):
            dates = pd.api.types.is_datetime64_any_dtype(data[name].dtype)
            columns.must(dates, name, f"holds {data[name].dtype}, not dates", "convert it with pandas.to_datetime")
            found[role] = data[name] if dates else pd.Series(pd.NaT, index=data.index)
    columns.check()
    out = found["published"].where(found["published"] <= day)
    begin = found.get("since", found["due"])
    if since is not None:
        columns.none((out < begin).to_numpy(), published, f"publications before {since!r}", "correct the dates")
        columns.check()
    judged = (found["due"] <= day).to_numpy() & begin.notna().to_numpy()
    delay = (out.fillna(day) - begin).dt.total_seconds() / 86_400
    table = data[list(grouping(by))].assign(
        **{
            "published": np.where(judged, out.notna(), np.nan),
            "on time": np.where(judged, (out <= found["due"]).to_numpy(), np.nan),
            "delay": np.where(judged, np.maximum(delay, 0.0), np.nan), "ended": out.notna().astype(float),
        }
    )  # fmt: skip
    shares = [share(table, name, by=by, level=level, interval=interval) for name in ("published", "on time")]
    median = duration_quantile(table, "delay", "ended", by=by, level=level)
    rest = median.table["reason"].str.replace(r"[^;]* left out(; )?", "", regex=True)
    parts = [*shares, median.with_columns(reason=rest, unit="days")]
    # the records are those of `data`
    return concat([replace(e, scores=tuple(replace(s, source=data) for s in e.scores)) for e in parts])  # type: ignore[type-var]
