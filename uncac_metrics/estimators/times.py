"""Days of records become times between events: spells until an event, stays in the stages of a procedure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from uncac_metrics.estimators.money import one_currency
from uncac_metrics.estimators.records import DENOMINATOR, NUMERATOR, Grouping
from uncac_metrics.stats import counts
from uncac_metrics.stats.estimates import Estimates

Array = np.ndarray
Options = dict[str, Any]
DAYS = {"days": 1.0, "months": 365.25 / 12, "years": 365.25}
"""Days in a unit of time."""
OBSERVED = "date_observed"
DONE, OTHERWISE = "done", "otherwise"


def spells(rows: pd.DataFrame, options: Options) -> tuple[pd.DataFrame, Options]:
    """The rows below the line with ``duration``, ``event`` and ``cause``, and the options that are left.

    A spell that has not ended lasts until the day up to which its state is known; where that is not said, its
    duration is missing. It ended with what the numerator selects (``done``) or otherwise.
    """
    rows = rows[rows[DENOMINATOR] == 1]
    begin, end = rows[options.pop("start")], rows[options.pop("end")]
    seen = _observed(rows, options)
    ended = end.notna().to_numpy()
    length = _units(end.where(ended, seen) - begin, options.pop("unit", "days"))
    cause = np.where(ended, np.where(rows[NUMERATOR] == 1, DONE, OTHERWISE), "")
    spell = {
        "duration": length,
        "event": ended.astype(np.int8),
        "cause": pd.Series(cause, rows.index).replace("", None),
    }
    return rows.assign(**spell), options


def done_within(
    rows: pd.DataFrame, *, within: float, cluster: str | None = None, by: Grouping, level: float
) -> Estimates:  # fmt: skip
    """Share of spells that have ended with what is counted by a time, other endings competing."""
    common: dict[str, Any] = {"times": [within], "cluster": cluster, "by": by, "level": level}
    if (rows["cause"] == DONE).any():
        found = counts.cumulative_incidence(rows, "duration", "cause", **common).select(stage=DONE)
    else:  # nothing has ended so: the curve stays at zero
        found = _complement(counts.survival(rows.assign(event=0), "duration", "event", **common))
    return _without(found, "stage", "category").with_columns(statistic="proportion")


def stays(rows: pd.DataFrame, options: Options) -> tuple[pd.DataFrame, Options]:
    """A row a stay of a unit in a stage, from the days on which it reached each, and the options that are left.

    Stages reached on the same day are taken as the last of them, in the order in which they are named. A unit stays
    in its last stage until the day up to which its state is known.
    """
    rows = rows[rows[DENOMINATOR] == 1].reset_index(drop=True)
    stages: Sequence[str] = options.pop("stages")
    unit = options.pop("unit", "days")
    seen = _observed(rows, options).to_numpy()[:, None]
    names = [s.removeprefix("date_") for s in stages]
    days = rows[list(stages)].to_numpy("datetime64[us]")
    order = np.argsort(days, axis=1, kind="stable")  # days that are missing come last
    days = np.take_along_axis(days, order, axis=1)
    state = np.array(names, dtype=object)[order]
    following = np.hstack([days[:, 1:], np.full((len(rows), 1), "NaT", days.dtype)])
    moved = ~np.isnat(following)
    until = np.where(moved, following, seen)
    unit_no, place = np.nonzero(~np.isnat(days) & (until > days))
    first, here = days[unit_no, 0], (unit_no, place)
    ahead = np.roll(state, -1, axis=1)
    ahead[~moved] = None
    stay = {
        "unit": unit_no, "origin": state[here], "destination": ahead[here],
        "start": _units(pd.Series(days[here] - first), unit), "stop": _units(pd.Series(until[here] - first), unit),
    }  # fmt: skip
    options["states"] = names
    return rows.iloc[unit_no].reset_index(drop=True).assign(**stay), options


def reached(rows: pd.DataFrame, options: Options) -> tuple[pd.DataFrame, Options]:
    """The rows below the line with a yes/no column a stage, and the options that are left.

    A stage without a day was not reached where the case has ended (``closed``, a day), and is not known elsewhere.
    """
    rows = rows[rows[DENOMINATOR] == 1]
    closed = options.pop("closed", "")
    ended = rows[closed].notna().to_numpy() if closed else np.ones(len(rows), dtype=bool)
    stages: Sequence[str] = options.pop("stages")
    names = [s.removeprefix("date_") for s in stages]
    days = rows[list(stages)].notna().to_numpy()
    later = np.logical_or.accumulate(days[:, ::-1], axis=1)[:, ::-1]  # who reached a stage was at those before
    answers = {name: np.where(later[:, k], 1.0, np.where(ended, 0.0, np.nan)) for k, name in enumerate(names)}
    return rows.assign(**answers), options | {"stages": names}


def occupation(rows: pd.DataFrame, *, at: float, **options: Any) -> Estimates:
    """Share of units, or of their value, in each stage at a time since their beginning."""
    if "weights" in options:
        one_currency(rows)
    found = counts.state_occupation(rows, "unit", "start", "stop", "origin", "destination", times=[at], **options)
    return _without(found, "category")


def _observed(rows: pd.DataFrame, options: Options) -> pd.Series:
    """The day up to which the state of each row is known, where the table says so."""
    name = options.pop("observed", OBSERVED)
    return rows[name] if name in rows else pd.Series(np.datetime64("NaT", "us"), rows.index)


def _units(time: pd.Series, unit: str) -> Array:
    """Numbers of a unit of time."""
    return time.dt.total_seconds().to_numpy(float) / 86_400 / DAYS[unit]


def _complement(found: Estimates) -> Estimates:
    table = found.table
    return found.scaled(-1.0).with_columns(
        value=1 - table["value"], std_error=table["std_error"], lower=1 - table["upper"], upper=1 - table["lower"]
    )


def _without(found: Estimates, *breakdowns: str) -> Estimates:
    return replace(found, table=found.table.drop(columns=[b for b in breakdowns if b in found.table.columns]))
