"""Estimates from published tables: a value and its standard error, without the data behind them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from uncac_metrics.model import BREAKDOWNS, ESTIMATE_LEADING, ESTIMATE_VALUES, Fault, Faults
from uncac_metrics.stats import intervals
from uncac_metrics.stats.estimates import Estimates, make_table
from uncac_metrics.stats.joint import Combined, MatrixScores

Array = np.ndarray


def published(
    frame: pd.DataFrame, *, breakdowns: Sequence[str] = (), covariance: Array | None = None, level: float = 0.95
) -> Estimates:
    """Estimates from a table with the columns ``value`` and, where they are known, ``std_error``.

    Rows are independent of each other unless their covariance is given. A row without a standard error keeps an
    unknown one (NaN): it is never taken for exact.

    Parameters
    ----------
    frame : DataFrame
        ``value``, and any of ``std_error`` (in the unit of the value), ``time_period``, ``ref_area``, ``indicator``,
        ``unit`` and the other columns of the results table. Further columns are left out.
    breakdowns : sequence of str
        Columns that are breakdowns, besides those of the vocabulary (``sex``, ``age``, …).
    covariance : array of shape (rows, rows), optional
        Joint covariance of the rows, in squared units of the values; its diagonal takes the place of ``std_error``.
    level : float
        Level of Wald limits, made where the frame has none.

    Returns
    -------
    Estimates

    Raises
    ------
    Faults
        No column ``value``, a negative or infinite standard error, or a covariance of another shape.

    Examples
    --------
    >>> import pandas as pd
    >>> waves = pd.DataFrame({"time_period": ["2015", "2019"], "value": [20.0, 15.0], "std_error": [1.0, 1.5]})
    >>> published(waves).table[["time_period", "value", "lower", "upper"]].round(2)
      time_period  value  lower  upper
    0        2015   20.0  18.04  21.96
    1        2019   15.0  12.06  17.94
    """
    faults = []
    if "value" not in frame.columns:
        faults.append(Fault("published", "value", "no such column", "name the column of the figures value"))
        raise Faults(faults)
    value = _number(frame, "value", faults)
    std_error = _number(frame, "std_error", faults) if "std_error" in frame.columns else np.full(len(frame), np.nan)
    if covariance is not None:
        covariance = np.asarray(covariance, dtype=float)
        if covariance.shape != (len(frame), len(frame)):
            what = f"shape {covariance.shape} for {len(frame):,} rows"
            faults.append(Fault("published", "covariance", what, "give a row and a column for every row of the frame"))
        else:
            std_error = np.sqrt(np.diag(covariance))
    bad = (std_error < 0) | np.isinf(std_error)
    if bad.any():
        rows = tuple(int(i) + 1 for i in np.flatnonzero(bad)[:5])
        what = "negative or infinite"
        faults.append(Fault("published", "std_error", what, "blank what is not known", rows, int(bad.sum())))
    if faults:
        raise Faults(faults)
    used = [b for b in frame.columns if b in BREAKDOWNS or b in set(breakdowns)]
    known = {*ESTIMATE_LEADING, *ESTIMATE_VALUES, *used}
    columns = {name: frame[name].to_numpy() for name in frame.columns if name in known}
    for name in ("time_period", "ref_area"):
        if name in columns:
            columns[name] = frame[name].astype(str).to_numpy()
    if "lower" not in columns or "upper" not in columns:
        df = columns.get("df", np.full(len(frame), np.inf))
        lower, upper = intervals.wald(value, std_error, df, level)
        columns |= {"df": df, "lower": lower, "upper": upper, "conf_level": level, "interval": "wald"}
    columns |= {"value": value, "std_error": std_error}
    columns.setdefault("method", "as published")
    columns["cv"] = np.divide(std_error, np.abs(value), out=np.full(len(frame), np.nan), where=value != 0)
    matrix = np.diag(std_error**2) if covariance is None else covariance
    return Estimates(make_table(columns, used), (MatrixScores.of(matrix),))


def _number(frame: pd.DataFrame, name: str, faults: list[Fault]) -> Array:
    found = pd.to_numeric(frame[name], errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    text = np.isnan(found) & frame[name].notna().to_numpy()
    if text.any():
        rows = tuple(int(i) + 1 for i in np.flatnonzero(text)[:5])
        remedy = "write numbers; leave what is not known empty"
        faults.append(Fault("published", name, "not a number", remedy, rows, int(text.sum())))
    return found


def as_estimates(data: Estimates | pd.DataFrame) -> Estimates:
    """The input of the functions on estimates: estimates as they are, or a frame of published figures.

    Estimates that came with neither scores nor draws are taken as independent, with the errors of their table.
    """
    if isinstance(data, pd.DataFrame):
        return published(data)
    if data.scores or not len(data):
        return data
    if data.draws is not None:
        return replace(data, scores=(MatrixScores.of(np.atleast_2d(np.cov(data.draws, rowvar=False))),))
    return replace(data, scores=(MatrixScores.of(np.diag(data.table["std_error"].to_numpy(dtype=float) ** 2)),))


def linearised(
    estimates: Estimates, gradient: Array, table: pd.DataFrame, value: Array, extra: Array | None = None
) -> Estimates:
    """Functions of estimates by the delta method.

    Parameters
    ----------
    estimates : Estimates
        With scores.
    gradient : array of shape (functions, rows)
        Derivatives of the functions with respect to the rows.
    table : DataFrame
        A row a function; its ``value`` and ``std_error`` are set here.
    value : array of shape (functions,)
    extra : array of shape (functions, functions), optional
        Covariance that does not come from the rows: the scatter about a line, the spread of imputations.

    Returns
    -------
    Estimates
        With scores, so that they combine with all that rests on the same samples.
    """
    own = MatrixScores.of(np.zeros((len(value), len(value))) if extra is None else extra)
    scores = Combined((*estimates.weighted_scores(gradient), (own, np.eye(len(value)))))
    variance = np.diag(scores.cross(scores)) if len(value) else np.empty(0)
    error = np.where(np.isnan(value), np.nan, np.sqrt(np.maximum(variance, 0)))
    return Estimates(table.assign(value=value, std_error=error), (scores,))
