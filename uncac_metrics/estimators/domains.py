"""Ratios between two groups of a survey: how many times as common something is among one as among the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from uncac_metrics.datasets import Dataset
from uncac_metrics.estimators import survey
from uncac_metrics.estimators.survey import Grouping
from uncac_metrics.model import Indicator
from uncac_metrics.stats import intervals
from uncac_metrics.stats.estimates import Estimates
from uncac_metrics.stats.survey.design import Design


def domain_ratio(
    cards: Sequence[Indicator], data: Dataset, sample: Design, groupings: Sequence[Grouping], *,
    column: str, above: str, below: str, level: float, **options: Any,
) -> Estimates:  # fmt: skip
    """Ratio of the shares or means of two groups, with the interval made on the log scale.

    The groups are codes of `column`; they come from one sample, and their covariance counts. Where either is not
    positive there is no ratio.
    """
    wanted = [(*g, column) for g in groupings if column not in g]
    found = survey.linear(cards, data, sample, wanted, level=level, **options)
    table = found.table
    same = ["indicator", *(b for b in found.breakdowns if b != column)]
    place = table[same].assign(row=np.arange(len(table)))
    first, second = place[table[column] == above], place[table[column] == below]
    both = first.merge(second, on=same, suffixes=("", "_below"))
    up, down = both["row"].to_numpy(), both["row_below"].to_numpy()
    value = table["value"].to_numpy()
    a, b = value[up], value[down]
    some = (a > 0) & (b > 0)
    weights = np.zeros((len(both), len(table)))
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(some, a / b, np.nan)
        weights[np.arange(len(both)), up] = np.where(some, 1 / b, 1.0)
        weights[np.arange(len(both)), down] = np.where(some, -ratio / b, 1.0)
    n = ["n", "n_eligible", "events"]
    counts = table[n].iloc[up].reset_index(drop=True) + table[n].iloc[down].reset_index(drop=True)
    kept = table.iloc[up].reset_index(drop=True).drop(columns=column).assign(**counts, deff=np.nan)
    out = found.combine(weights, kept)
    error = np.where(some, out.table["std_error"], np.nan)
    df = np.minimum(table["df"].to_numpy()[up], table["df"].to_numpy()[down])
    with np.errstate(divide="ignore", invalid="ignore"):
        half = intervals.t_quantile(level, df) * error / ratio
    return out.with_columns(
        value=ratio, std_error=error, lower=ratio * np.exp(-half), upper=ratio * np.exp(half), df=df, cv=error / ratio,
        interval=np.where(some, "log", ""), statistic="risk ratio", method=f"ratio of {above} to {below}; linearised",
        obs_status=np.where(some, kept["obs_status"], "O"), display=np.where(some, kept["display"], "withheld"),
        reason=np.where(some, kept["reason"], "an estimate is not positive"),
    )  # fmt: skip
