"""Ratings of units by sources, checked and laid out as an array of periods, units and sources."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from uncac_metrics.model import Fault, Faults
from uncac_metrics.stats.survey.stages import rows_of

Array = np.ndarray


@dataclass(frozen=True, eq=False)
class Ratings:
    """Ratings as an array; labels are sorted, so that the order of the rows they came from does not matter."""

    values: Array
    """Shape (periods, units, sources); NaN where a source does not rate a unit."""
    periods: tuple[str, ...]
    units: tuple[str, ...]
    sources: tuple[str, ...]

    @property
    def seen(self) -> Array:
        """Number of sources of each unit, shape (periods, units)."""
        return (~np.isnan(self.values)).sum(axis=2)


def arrange(frame: pd.DataFrame, *, unit: str, period: str, source: str, value: str, where: str = "ratings") -> Ratings:
    """Lay out a long frame of ratings.

    Parameters
    ----------
    frame : DataFrame
        One row a rating. Rows without a value are no ratings.
    unit, period, source, value : str
        Names of the columns. A frame without the column `period` is one period, ``""``.
    where : str
        What the frame is called in a fault.

    Returns
    -------
    Ratings

    Raises
    ------
    Faults
        Absent columns, values that are not finite numbers, rows without a label, two ratings of one unit by one
        source in one period, no rating at all.
    """
    missing = [c for c in (unit, source, value) if c not in frame.columns]
    if missing:
        remedy = f"one of {', '.join(map(str, frame.columns))}"
        raise Faults([Fault(where, c, "no such column", remedy) for c in missing])
    if not pd.api.types.is_numeric_dtype(frame[value].dtype):
        raise Faults([Fault(where, value, f"holds {frame[value].dtype}, not numbers", "recode it to numbers")])
    numbers = frame[value].to_numpy(dtype=float, na_value=np.nan)
    keys = [unit, source, *([period] if period in frame.columns else [])]
    faults = _rows(where, value, "infinite values", "correct or blank them", np.isinf(numbers))
    for name in keys:
        faults += _rows(where, name, "rows without a label", "name them", frame[name].isna().to_numpy())
    rated = ~np.isnan(numbers)
    twice = frame.loc[rated].duplicated(keys, keep=False)
    again = np.zeros(len(frame), dtype=bool)
    again[np.flatnonzero(rated)] = twice.to_numpy()
    faults += _rows(where, value, "more than one rating by one source", "keep or average one a period", again)
    if not rated.any():
        faults.append(Fault(where, value, "no rating", "give at least one value"))
    if faults:
        raise Faults(faults)
    kept = frame.loc[rated]
    labels = [_codes(kept[c]) for c in (unit, source)]
    when = _codes(kept[period]) if period in frame.columns else (np.zeros(len(kept), dtype=np.intp), ("",))
    values = np.full((len(when[1]), len(labels[0][1]), len(labels[1][1])), np.nan)
    values[when[0], labels[0][0], labels[1][0]] = numbers[rated]
    return Ratings(values, when[1], labels[0][1], labels[1][1])


def by_period(where: str, what: Sequence[str] | dict[str, Sequence[str]], ratings: Ratings) -> Array:
    """Which sources are named for each period, shape (periods, sources); faults for names that no rating has."""
    named = what if isinstance(what, dict) else dict.fromkeys(ratings.periods, what)
    named = {str(p): [str(s) for s in of] for p, of in named.items()}
    faults = [
        Fault(where, p, "no rating of this period", f"one of {', '.join(ratings.periods)}")
        for p in named if p not in ratings.periods
    ]  # fmt: skip
    unknown = sorted({s for of in named.values() for s in of} - set(ratings.sources))
    faults += [Fault(where, s, "no rating by this source", f"one of {', '.join(ratings.sources)}") for s in unknown]
    if faults:
        raise Faults(faults)
    return np.array([[s in named.get(p, ()) for s in ratings.sources] for p in ratings.periods])


def _codes(labels: pd.Series) -> tuple[Array, tuple[str, ...]]:
    codes, names = pd.factorize(labels.astype(str), sort=True)
    return codes, tuple(str(n) for n in names)


def _rows(where: str, column: str, what: str, remedy: str, bad: Array) -> list[Fault]:
    return [Fault(where, column, what, remedy, **rows_of(bad))] if bad.any() else []
