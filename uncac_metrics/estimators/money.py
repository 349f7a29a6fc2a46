"""Amounts of records: in one currency, and at the prices of one time where the table says how."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from uncac_metrics.estimators.records import DENOMINATOR, NUMERATOR, Grouping
from uncac_metrics.model import Fault, Faults
from uncac_metrics.stats import counts
from uncac_metrics.stats.estimates import Estimates

Options = dict[str, Any]
CURRENCY = "currency"
COMMON = "common currency"


def amounts(rows: pd.DataFrame, options: Options) -> tuple[pd.DataFrame, Options]:
    """The rows with numerator and denominator in one currency, and the options that are left.

    With ``exchange`` (a column) every amount is multiplied by the rate of its row; with ``prices`` (a column) it is
    divided by the price index of its row.
    """
    exchange, prices = options.pop("exchange", ""), options.pop("prices", "")
    held = (rows[NUMERATOR] > 0) | (rows[DENOMINATOR] > 0)
    if not exchange:
        one_currency(rows[held])
    factor = rows[exchange].to_numpy(float) if exchange else np.ones(len(rows))
    factor = factor / rows[prices].to_numpy(float) if prices else factor
    rows = rows.assign(**{NUMERATOR: rows[NUMERATOR] * factor, DENOMINATOR: rows[DENOMINATOR] * factor})
    return rows, options


def means(rows: pd.DataFrame, options: Options) -> tuple[pd.DataFrame, Options]:
    """As :func:`amounts`, of the rows below the line, counted or summed; one without an amount says nothing."""
    rows = rows[rows[DENOMINATOR] > 0]
    below = rows[DENOMINATOR]
    rows, options = amounts(rows, options)
    return rows.assign(**{DENOMINATOR: below}), options


def total(rows: pd.DataFrame, *, by: Grouping, **options: Any) -> Estimates:
    """Totals, in the currency of the rows."""
    return in_currency(counts.total_amount(rows[rows[NUMERATOR] != 0], NUMERATOR, by=by, **options), rows)


def mean(rows: pd.DataFrame, *, by: Grouping, **options: Any) -> Estimates:
    """Means over what is below the line, in the currency of the rows."""
    found = counts.amount_ratio(rows, NUMERATOR, DENOMINATOR, by=by, **options)
    return in_currency(found.with_columns(statistic="mean"), rows)


def one_currency(rows: pd.DataFrame) -> str:
    """The currency of the rows; several are a fault, for their amounts are not added."""
    found = sorted(map(str, rows[CURRENCY].dropna().unique())) if CURRENCY in rows else []
    if len(found) > 1:
        what = f"amounts in {', '.join(found)} cannot be added"
        raise Faults([Fault("measure", CURRENCY, what, "take one of them by where, or name the column of exchange")])
    return found[0] if found else ""


def in_currency(found: Estimates, rows: pd.DataFrame) -> Estimates:
    """With the currency as the unit, where the rows have one."""
    held = rows[CURRENCY].dropna().unique() if CURRENCY in rows else []
    return found.with_columns(unit=str(held[0]) if len(held) == 1 else COMMON)
