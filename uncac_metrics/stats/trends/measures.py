"""Measures of progress and projections to the horizon: arrays of draws in, arrays out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray


@dataclass(frozen=True, eq=False)
class Path:
    """A series' values that a rule looks at, in draws; arrays of shape (draws,)."""

    base: Array
    last: Array
    projected: Array
    """At the horizon."""
    base_year: float
    last_year: float
    horizon: float
    target: float
    """NaN without one."""
    sign: int
    """+1 where higher is better, −1 where lower is."""

    @property
    def rate(self) -> Array:
        """Compound annual rate of change from base to last."""
        return np.power(self.last / self.base, 1 / (self.last_year - self.base_year)) - 1

    @property
    def needed_rate(self) -> Array:
        """Compound annual rate that would take the base to the target at the horizon."""
        return np.power(self.target / self.base, 1 / (self.horizon - self.base_year)) - 1


def _achieved_share(p: Path) -> Array:
    return p.sign * (p.projected - p.base) / np.abs(p.target - p.base)


def _directed_rate(p: Path) -> Array:
    return p.sign * p.rate


def _rate_ratio(p: Path) -> Array:
    return p.sign * p.rate / np.abs(p.needed_rate)


def _current_status(p: Path) -> Array:
    return 10 * p.sign * (p.last - p.base) / np.abs(p.target - p.base)


def _parity_status(p: Path) -> Array:
    return 10 - 10 * np.abs(p.target - p.last) / np.abs(p.target - p.base)


def _gap(p: Path) -> Array:
    return 100 * np.maximum(p.sign * (p.target - p.projected), 0.0) / np.abs(p.target - p.base)


def _needed_ratio(p: Path) -> Array:
    achieved = p.sign * (p.last - p.base) / (p.last_year - p.base_year)
    return achieved / (np.abs(p.target - p.base) / (p.horizon - p.base_year))


def _missing_share(p: Path) -> Array:
    return p.sign * (p.target - p.projected) / np.abs(p.target - p.last)


MEASURES: Mapping[str, Callable[[Path], Array]] = {
    "achieved_share": _achieved_share,
    "directed_rate": _directed_rate,
    "rate_ratio": _rate_ratio,
    "current_status": _current_status,
    "parity_status": _parity_status,
    "gap": _gap,
    "needed_ratio": _needed_ratio,
    "missing_share": _missing_share,
}
"""Measures by name, all positive in the better direction except ``gap`` and ``missing_share``, which are what lacks.

- ``achieved_share``: change that is projected from the base, over the change that the target asks for;
- ``directed_rate``: compound annual rate of change, positive where it is for the better;
- ``rate_ratio``: compound rate over the one that the target asks for;
- ``current_status``: 10 times the share of the way from base to target that is gone;
- ``parity_status``: 10 less 10 times the share of the way that remains, on whichever side;
- ``gap``: per cent of the way from base to target that will lack at the horizon, at least 0;
- ``needed_ratio``: change a year over the change a year that the target asks for;
- ``missing_share``: what will lack at the horizon, over what lacks now.
"""


def _compound(theta: Array, times: Array, start: int, horizon: float, options: Mapping[str, Any]) -> Array:
    grows = (horizon - times[-1]) / (times[-1] - times[start])
    return theta[:, -1] * np.power(theta[:, -1] / theta[:, start], grows)


def _linear(theta: Array, times: Array, start: int, horizon: float, options: Mapping[str, Any]) -> Array:
    rate = (theta[:, -1] - theta[:, start]) / (times[-1] - times[start])
    return theta[:, -1] + rate * (horizon - times[-1])


def _weighted_line(theta: Array, times: Array, start: int, horizon: float, options: Mapping[str, Any]) -> Array:
    use = np.flatnonzero(times >= options.get("since", -np.inf))
    if use.size < 2:
        return np.full(len(theta), np.nan)
    t = times[use]
    weight = t - t[0] + 1  # linear in time
    centre = (weight * t).sum() / weight.sum()
    moment = weight * (t - centre)
    coefficients = weight / weight.sum() + (horizon - centre) * moment / (moment * (t - centre)).sum()
    return theta[:, use] @ coefficients


def _mean_change(theta: Array, times: Array, start: int, horizon: float, options: Mapping[str, Any]) -> Array:
    recent = slice(-int(options["points"]), None)
    changes = np.diff(theta[:, recent], axis=1) / np.diff(times[recent])
    return theta[:, -1] + changes.mean(axis=1) * (horizon - times[-1])


PROJECTIONS: Mapping[str, Callable[[Array, Array, int, float, Mapping[str, Any]], Array]] = {
    "compound": _compound,
    "linear": _linear,
    "weighted_line": _weighted_line,
    "mean_change": _mean_change,
}
"""Projections by name, from draws of shape (draws, points):

- ``compound``: the compound rate from base to last goes on;
- ``linear``: the change a year from base to last goes on;
- ``weighted_line``: a regression line with weights that grow linearly in time, from ``since`` on;
- ``mean_change``: the mean of the annual changes between the last ``points`` points goes on from the last.
"""
