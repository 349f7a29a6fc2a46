"""Figures of others, restated: published values and scores, with the uncertainty that their publisher gives."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from uncac_metrics.estimators.records import DENOMINATOR, Grouping
from uncac_metrics.model import Fault, Faults
from uncac_metrics.stats.estimates import Estimates, make_table
from uncac_metrics.stats.survey.stages import rows_of


def published(rows: pd.DataFrame, column: str, *, by: Grouping, level: float) -> Estimates:
    """A published figure as an estimate: its value, standard error and limits as they were published.

    Where limits but no standard error are published, none is made up; where neither is, the figure stands without.
    A figure has one row for each country, period and breakdown: several are a fault, since which is meant would be
    a guess.
    """
    rows = rows[rows[DENOMINATOR] == 1]
    again = rows.duplicated(list(by), keep=False).to_numpy() if by else np.full(len(rows), len(rows) > 1)
    if again.any():
        what = f"several figures for the same {', '.join(by) or 'total'}"
        raise Faults(
            [Fault("published", column, what, "choose one series, round or method by where", **rows_of(again))]
        )

    def given(name: str) -> Any:
        return rows[name].to_numpy(float) if name in rows else np.full(len(rows), np.nan)

    value = rows[column].to_numpy(float)
    missing = np.isnan(value)
    said = ~np.isnan(given("lower"))
    status = rows["obs_status"].astype(object).fillna("A") if "obs_status" in rows else "A"
    columns = {
        "statistic": "published value", "value": value, "std_error": given("std_error"),
        "lower": given("lower"), "upper": given("upper"), "conf_level": np.where(said, level, np.nan),
        "interval": np.where(said, "as published", ""), "n": given("n"), "n_eligible": given("n"),
        "obs_status": np.where(missing, "O", status), "display": np.where(missing, "withheld", "shown"),
        "reason": np.where(missing, "no figure is published", ""), "method": "restated as published",
    }  # fmt: skip
    own = {name: rows[name].astype(str).to_numpy() for name in by}
    return Estimates(make_table(columns | own, list(by)))
