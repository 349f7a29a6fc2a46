"""Estimates as time series: which rows form one, in what order, at what times, on what scale."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import special

from uncac_metrics.model import Fault, Faults
from uncac_metrics.stats.estimates import Estimates, make_table

Array = np.ndarray

_PERIOD = re.compile(r"(\d{4})(?:-(?:Q([1-4])|S([12])|(\d{2})(?:-(\d{2}))?))?")


@dataclass(frozen=True, eq=False)
class Series:
    """One series of estimates: the same measure of the same area and group at several times."""

    rows: Array
    """Positions in the table, in the order of time; rows without a value are left out."""
    times: Array
    """Time of each, in years."""


class Scale(NamedTuple):
    """A scale on which a series is taken to move along a line."""

    forward: Callable[[Array], Array]
    back: Callable[[Array], Array]
    derivative: Callable[[Array], Array]
    """Of `forward`."""
    valid: Callable[[Array], Array]
    """Where `forward` is defined."""


SCALES = {
    "identity": Scale(lambda y: y, lambda z: z, np.ones_like, np.isfinite),
    "log": Scale(np.log, np.exp, lambda y: 1 / y, lambda y: y > 0),
    "logit": Scale(special.logit, special.expit, lambda y: 1 / (y * (1 - y)), lambda y: (y > 0) & (y < 1)),
}
"""Scales by name; ``logit`` takes shares between 0 and 1 (percentages are divided by 100 first)."""


def scale_of(name: str, where: str) -> Scale:
    """The scale called `name`."""
    if name not in SCALES:
        raise Faults([Fault(where, "scale", f"no scale {name!r}", f"one of {', '.join(SCALES)}")])
    return SCALES[name]


def sign_of(direction: str, where: str) -> int:
    """+1 where higher is better, −1 where lower is."""
    signs = {"higher": 1, "lower": -1}
    if direction not in signs:
        raise Faults([Fault(where, "direction", f"no direction {direction!r}", "lower or higher, whichever is better")])
    return signs[direction]


def years(periods: Sequence[str] | Array | pd.Series) -> Array:
    """Times in years of periods: ``2019`` is 2019; halves, quarters, months and days lie at their middle about it.

    An interval (``2013/2015``) lies half-way between its ends.

    Parameters
    ----------
    periods : sequence of str

    Returns
    -------
    array of float

    Raises
    ------
    Faults
        Periods that are none of these.

    Examples
    --------
    >>> years(["2019", "2019-Q1", "2019-07", "2013/2015"]).round(3).tolist()
    [2019.0, 2018.625, 2019.042, 2014.0]
    """
    texts = [str(p) for p in periods]
    found = {text: _year(text) for text in set(texts)}
    out = np.array([found[text] for text in texts], dtype=float)
    bad = np.isnan(out)
    if bad.any():
        rows = tuple(int(i) + 1 for i in np.flatnonzero(bad)[:5])
        what = f"{texts[int(np.argmax(bad))]!r} is not a period"
        remedy = "write 2019, 2019-Q1, 2019-07, 2019-07-01 or 2013/2015"
        raise Faults([Fault("estimates", "time_period", what, remedy, rows, int(bad.sum()))])
    return out


def _year(text: str) -> float:
    ends = text.split("/")
    if len(ends) == 2:
        return (_year(ends[0]) + _year(ends[1])) / 2
    match = _PERIOD.fullmatch(text)
    if len(ends) > 2 or match is None:
        return np.nan
    year, quarter, half, month, day = (None if g is None else int(g) for g in match.groups())
    within = 0.0  # the middle of a year is the year
    if quarter:
        within = (quarter - 0.5) / 4 - 0.5
    elif half:
        within = (half - 0.5) / 2 - 0.5
    elif month:
        if not 1 <= month <= 12 or not 1 <= (day or 1) <= 31:
            return np.nan
        within = (month - 0.5) / 12 - 0.5 if day is None else (month - 1 + (day - 0.5) / 30.5) / 12 - 0.5
    return float(year or 0) + within


def keys_of(estimates: Estimates) -> list[str]:
    """Columns that tell series apart. The data set is none: every wave may have its own."""
    return ["indicator", "statistic", "ref_area", *estimates.breakdowns, "denominator", "unit"]


def split(estimates: Estimates) -> list[Series]:
    """The series of a result, in the order in which they first stand in it.

    Raises
    ------
    Faults
        A period that is none, or two values of one series at one time.
    """
    table = estimates.table
    times = years(table["time_period"])
    code = table.groupby(keys_of(estimates), sort=False, dropna=False).ngroup().to_numpy()
    present = table["value"].notna().to_numpy()
    twice = pd.DataFrame({"series": code, "time": times})[present].duplicated()
    if twice.any():
        at = twice.index[twice]
        rows = tuple(int(i) + 1 for i in at[:5])
        what = "a second value of the same series at the same time"
        remedy = "select one source or pool them; name what tells them apart as a breakdown"
        raise Faults([Fault("estimates", "time_period", what, remedy, rows, len(at))])
    order = np.lexsort((times, code))
    starts = np.searchsorted(code[order], np.arange(code.max() + 1 if code.size else 0))
    out = []
    for part in np.split(order, starts[1:]) if code.size else []:
        # a series without any value keeps its first row, so that results can say so
        kept = part[present[part]]
        out.append(Series(kept if kept.size else part[:1], times[kept] if kept.size else np.empty(0)))
    return out


def heads(estimates: Estimates, series: Sequence[Series], **columns: object) -> pd.DataFrame:
    """A row a series in the one shape: what identifies it, its data sets and counts; `columns` on top."""
    table = estimates.table
    first = table.iloc[[int(s.rows[0]) for s in series]]
    names = keys_of(estimates)
    out: dict[str, object] = {name: first[name].to_numpy() for name in names}
    out["dataset"] = [" + ".join(dict.fromkeys(table["dataset"].iloc[s.rows])) for s in series]
    out["time_period"] = [_span(table["time_period"].iloc[s.rows]) for s in series]
    out["n"] = [len(s.times) for s in series]
    out["value"] = np.full(len(series), np.nan)
    return make_table(out | columns, estimates.breakdowns)


def _span(periods: pd.Series) -> str:
    ends = [periods.iloc[0].split("/")[0], periods.iloc[-1].split("/")[-1]]
    return "/".join(dict.fromkeys(ends))


def on_scale(estimates: Estimates, scale: str) -> tuple[Array, Array]:
    """Values to put on a scale, and what they were divided by: 100 for percentages on the logit scale, else 1."""
    value = estimates.table["value"].to_numpy(dtype=float)
    top = np.where((estimates.table["unit"] == "%").to_numpy() & (scale == "logit"), 100.0, 1.0)
    return value / top, top
