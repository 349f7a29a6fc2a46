r"""Totals of amounts in one currency and one period's prices."""

from __future__ import annotations

import numpy as np
import pandas as pd

from uncac_metrics.stats.counts.arguments import (
    By,
    Columns,
    Grouped,
    contributions,
    enumerated,
    grouped,
    joined,
    results,
)
from uncac_metrics.stats.counts.standardised import DIRECT
from uncac_metrics.stats.estimates import Estimates

Array = np.ndarray


def total_amount(
    data: pd.DataFrame, amount: str, *, currency: str | None = None, period: str | None = None, to: str = "",
    rates: pd.DataFrame | None = None, deflator: pd.DataFrame | None = None, base: object = None,
    cluster: str | None = None, complete: bool = False, by: By = None, level: float = 0.95,
) -> Estimates:  # fmt: skip
    r"""Total of amounts in one currency and, if asked for, at the prices of one period.

    Each amount is converted at the rate of its own period and then deflated,
    :math:`\sum_i y_i\, e_{c(i), t(i)}\, D_b / D_{t(i)}`. Cases are taken to come about independently of each other
    (compound Poisson): :math:`v = \sum_c (\sum_{i \in c} y_i)^2` over clusters, with Fay and Feuer's gamma limits,
    which are honest where one case is most of the total. For a register that is complete the total is known, and the
    interval is that of a year like this one.

    Parameters
    ----------
    data : DataFrame
        A row an amount.
    amount : str
        Column of amounts, not negative.
    currency, period : str, optional
        Columns of the currency and of the period of the event (the seizure, the return), as the tables write them.
    to : str
        Currency of the result.
    rates : DataFrame, optional
        Columns ``currency``, ``period`` (if the rates change) and ``rate``: units of `to` for one of the currency.
        Amounts in `to` need no rate.
    deflator : DataFrame, optional
        Columns ``period`` and ``index``: prices in the currency `to`.
    base : optional
        Period whose prices the result is in.
    cluster : str, optional
        Column of the independent cases that several amounts belong to; each amount is one unless given.
    complete : bool
        The amounts are all there is, as in accounts, and nothing beyond them is meant: no error.
    by : str or list of str, optional
        Breakdown columns; several are crossed. Stages (frozen, confiscated, returned) belong here, and are
        never added.
    level : float
        Confidence level.

    Returns
    -------
    Estimates
        Statistic ``total``. Amounts that are missing or have no rate or index are not in the total: ``n`` counts those
        in it, ``n_eligible`` all, ``reason`` says what is missing in which currency and how much, and the row is
        flagged. ``quality`` holds the share of the largest case.

    Raises
    ------
    Faults
        Unknown columns, negative amounts, tables that lack columns or have two rates for one period, a base that the
        deflator does not have.

    References
    ----------
    .. [1] Fay and Feuer (1997), Statistics in Medicine 16, 791–801.

    Examples
    --------
    >>> import pandas as pd
    >>> from uncac_metrics.stats import counts
    >>> returned = pd.DataFrame({"amount": [10.0, 4.0, 7.0], "currency": ["USD", "EUR", "XAF"],
    ...                          "year": [2020, 2020, 2021]})
    >>> rates = pd.DataFrame({"currency": ["EUR"], "period": [2020], "rate": [1.14]})
    >>> total = counts.total_amount(returned, "amount", currency="currency", period="year", to="USD", rates=rates)
    >>> total.table[["value", "unit", "n", "n_eligible"]].round(2)
       value unit  n  n_eligible
    0  14.56  USD  2           3
    >>> total.table["reason"][0]
    'no rate or index for 1 of 3 amounts: XAF 7 (2021)'
    """
    columns = Columns("total_amount", data, by, level)
    y = columns.amounts(amount, "amount")
    money, when = (columns.texts(c, what) if c else None for c, what in ((currency, "currency"), (period, "period")))
    factor = _factors(columns, money, when, to, rates, deflator, base)
    number = np.arange(len(data))
    if cluster is not None and columns.present(cluster, "cluster"):
        number = pd.factorize(data[cluster])[0]
        columns.none(number < 0, cluster, "missing clusters", "give every row its case")
    columns.check()
    group = grouped(data, by)
    value = y * factor
    used = ~np.isnan(value)
    n = group.sums(used.astype(float))
    sums = _case_sums(group, number, np.where(used, value, 0.0))
    total = group.sums(value)
    variance = np.bincount(sums["group"], weights=sums["value"] ** 2, minlength=group.n)
    largest = np.zeros(group.n)
    np.maximum.at(largest, sums["group"], sums["value"])
    lower, upper = DIRECT["fay_feuer"](total, variance, n, largest, level)
    none = n == 0
    lost = np.array([_lost(y, money, when, ~used & (group.code == g), group.code == g) for g in range(group.n)], object)
    with np.errstate(divide="ignore", invalid="ignore"):
        top = largest / total
    prices = f", prices of {base}" if deflator is not None else ""
    kind = "records" if cluster is None else cluster
    scores = contributions(data, group.n, (sums["unit"], sums["group"], sums["value"]), kind=kind)
    out = results(
        group.labels,
        {
            "indicator": amount, "statistic": "total", "value": np.where(none, np.nan, total),
            "std_error": np.sqrt(variance), "lower": lower, "upper": upper, "interval": "fay_feuer",
            "conf_level": level, "n": n, "n_eligible": group.sums(np.ones(len(y))), "denominator": "_T",
            "n_psu": np.bincount(sums["group"], minlength=group.n), "unit": f"{to}{prices}",
            "display": np.where(lost == "", "shown", "flagged"),
            "reason": joined(lost, np.where(none, "no amount", "")),
            "quality": ["" if np.isnan(t) else f"largest case: {t:.1%} of the total" for t in top],
        },
        scores, method="total of amounts; cases independent",
    )  # fmt: skip
    return enumerated(out, "total of amounts") if complete else out


def _factors(
    columns: Columns, money: Array | None, when: Array | None, to: str, rates: pd.DataFrame | None,
    deflator: pd.DataFrame | None, base: object,
) -> Array:  # fmt: skip
    """What each amount is multiplied by; NaN where a rate or index is missing."""
    n = len(columns.data)
    factor = np.ones(n)
    columns.must(
        rates is None or money is not None, "rates", "rates without currencies", "name the column of currencies"
    )
    columns.must(money is None or bool(to), "to", "no currency of the result", "name it, as USD")
    if money is not None and to:
        own = np.array([m == to for m in money], dtype=bool)
        found = np.full(n, np.nan)
        if rates is not None:
            by_period = "period" in rates.columns
            columns.must(not by_period or when is not None, "rates", "rates by period", "name the column of periods")
            keys = ["currency", "period"] if by_period and when is not None else ["currency"]
            found = _looked_up(columns, rates, "rates", keys, "rate", [money, when][: len(keys)])
        factor = np.where(own, 1.0, found)
    if deflator is not None:
        columns.must(when is not None, "deflator", "prices without periods", "name the column of periods")
        if when is not None:
            index = _looked_up(columns, deflator, "deflator", ["period"], "index", [when])
            reference = _looked_up(columns, deflator, "deflator", ["period"], "index", [np.array([base], dtype=object)])
            columns.must(not np.isnan(reference[0]), "base", f"no index of {base!r}", "a period of the deflator")
            factor = factor * reference[0] / index
    return factor


def _looked_up(
    columns: Columns, table: pd.DataFrame, name: str, keys: list[str], value: str, wanted: list[Array | None]
) -> Array:
    """Values of a table for each row, NaN where it has none; whole numbers and their text are one key."""
    n = len(wanted[0]) if wanted[0] is not None else 0
    lacking = [k for k in (*keys, value) if k not in table.columns]
    columns.must(not lacking, name, f"no column {', '.join(lacking)}", f"give {', '.join((*keys, value))}")
    if lacking:
        return np.full(n, np.nan)
    index = pd.MultiIndex.from_arrays([table[k].map(str) for k in keys])
    columns.must(not index.has_duplicates, name, "two values for one key", "keep one a currency and period")
    numbers = pd.to_numeric(table[value], errors="coerce").to_numpy(dtype=float)
    columns.must(
        bool((numbers > 0).all()), name, f"a {value} that is no number above 0", "correct or leave out the row"
    )
    place = index.drop_duplicates().get_indexer(
        pd.MultiIndex.from_arrays([pd.Series(w, dtype=object).map(str) for w in wanted])
    )
    kept = numbers[~index.duplicated()]
    return np.where(place >= 0, np.append(kept, np.nan)[place], np.nan)


def _case_sums(group: Grouped, number: Array, value: Array) -> dict[str, Array]:
    """Sums by group and case."""
    inside = (group.code >= 0) & (value > 0)
    size = int(number.max(initial=0)) + 1
    keys, place = np.unique(group.code[inside].astype(np.int64) * size + number[inside], return_inverse=True)
    return {
        "group": keys // size, "unit": keys % size,
        "value": np.bincount(place, weights=value[inside], minlength=len(keys)),
    }  # fmt: skip


def _lost(y: Array, money: Array | None, when: Array | None, lost: Array, rows: Array) -> str:
    """What is not in a total, in words."""
    unknown = lost & np.isnan(y)
    said = [f"{int(unknown.sum()):,} of {int(rows.sum()):,} amounts are missing"] if unknown.any() else []
    lost = lost & ~unknown
    if lost.any():
        frame = pd.DataFrame({"y": y[lost]})
        frame["c"] = "" if money is None else [str(m) for m in money[lost]]
        frame["t"] = "" if when is None else [str(t) for t in when[lost]]
        parts = [
            f"{c} {part['y'].sum():,.15g}".strip()
            + (f" ({', '.join(dict.fromkeys(part['t']))})" if when is not None else "")
            for c, part in frame.groupby("c", sort=True)
        ]
        said.append(f"no rate or index for {int(lost.sum()):,} of {int(rows.sum()):,} amounts: {', '.join(parts)}")
    return "; ".join(said)
