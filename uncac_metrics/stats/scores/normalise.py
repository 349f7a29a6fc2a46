r"""Bringing indicators to one scale. Arrays in, arrays out: units along axis −2, indicators along the last.

Leading axes (replications, periods) are carried along, missing values (NaN) stay missing, and every statistic rests on
the observed values of the array that is given. The kernels take values whose high end is the better one;
:func:`normalise` turns the others round first and states goalposts and targets in the indicator's own units.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from scipy import stats

from uncac_metrics.model import Fault, Faults

Array = np.ndarray


def has_missing(x: Array) -> bool:
    """Whether anything is missing, by one sum: this is asked in every block of a simulation."""
    return not np.isfinite(np.add.reduce(x, axis=None))


def extremes(x: Array) -> tuple[Array, Array]:
    """Least and greatest observed value of every indicator (kept as an axis of length one)."""
    least, most = np.minimum.reduce(x, axis=-2, keepdims=True), np.maximum.reduce(x, axis=-2, keepdims=True)
    if has_missing(least):  # the slower ones pass missing values over
        least, most = np.fmin.reduce(x, axis=-2, keepdims=True), np.fmax.reduce(x, axis=-2, keepdims=True)
    return least, most


def moments(x: Array) -> tuple[Array, Array]:
    """Mean and standard deviation (n − 1) of the observed values of every indicator."""
    n: Array | int = x.shape[-2]
    values = x
    total = np.add.reduce(x, axis=-2, keepdims=True)
    if has_missing(total):
        seen = ~np.isnan(x)
        n, values = seen.sum(axis=-2, keepdims=True), np.where(seen, x, 0.0)
        total = np.add.reduce(values, axis=-2, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = total / n
        gap = x - mean if values is x else np.where(seen, x - mean, 0.0)
        square = np.einsum("...ij,...ij->...j", gap, gap)[..., None, :]
        return mean, np.sqrt(square / (np.asarray(n) - 1))


def _ratio(above: Array, below: Array) -> Array:
    """Quotient that is missing where the denominator is zero: all values are equal."""
    return above / np.where(below == 0, np.nan, below)


def _line(x: Array, origin: Array, slope: Array, start: float) -> Array:
    """``start + slope (x − origin)`` in one array."""
    out = x - origin
    out *= slope
    if start:
        out += start
    return out


def minmax(x: Array, low: float = 0.0, high: float = 100.0) -> Array:
    """``low + (high − low)(x − min)/(max − min)``.

    Examples
    --------
    >>> minmax(np.array([[1.0], [2.0], [5.0]])).ravel()
    array([  0.,  25., 100.])
    """
    least, most = extremes(x)
    return _line(x, least, _ratio(np.asarray(high - low), most - least), low)


def scaled(x: Array, lower: Array | float, upper: Array | float, factor: float = 100.0) -> Array:
    """``factor · (x − lower)/(upper − lower)``, not held within bounds."""
    return factor * (x - lower) / (np.asarray(upper) - lower)


def zscore(x: Array, mean: float = 0.0, sd: float = 1.0) -> Array:
    """Mean `mean` and standard deviation `sd` (with n − 1) over the units."""
    centre, spread = moments(x)
    return _line(x, centre, _ratio(np.asarray(sd), spread), mean)


def dist2max(x: Array) -> Array:
    """One less the share of the range by which a unit falls short of the best."""
    least, most = extremes(x)
    return 1 - _ratio(most - x, most - least)


def dist2ref(x: Array, reference: int, cap: bool = False) -> Array:
    """One less the distance to a reference unit in units of that unit's distance from the worst.

    `reference` is the position of the unit; ``cap`` holds what is better than it at one.
    """
    least, _ = extremes(x)
    at = x[..., reference : reference + 1, :]
    return _capped(1 - _ratio(at - x, at - least), cap)


def dist2targ(x: Array, target: Array | float, cap: bool = False) -> Array:
    """Share of the way from the worst unit to a target; ``cap`` holds what is beyond it at one."""
    least, _ = extremes(x)
    return _capped(_ratio(x - least, target - least), cap)


def _capped(x: Array, cap: bool) -> Array:
    return np.minimum(x, 1.0) if cap else x


def fracmax(x: Array) -> Array:
    """Share of the best unit's value. The origin must mean something; useless for values turned round."""
    return _ratio(x, extremes(x)[1])


def rank(x: Array, ties: str = "min") -> Array:
    """Rank from below; ties take the least (``min``), mean (``average``) or greatest (``max``) of their ranks."""
    return np.asarray(stats.rankdata(x, method=ties, axis=-2, nan_policy="omit"))


def borda(x: Array, ties: str = "min") -> Array:
    """Number of units that are worse."""
    return rank(x, ties) - 1


def prank(x: Array, ties: str = "min") -> Array:
    """Share of the other units that are worse (percentile rank, 0 to 1)."""
    others = (~np.isnan(x)).sum(axis=-2, keepdims=True) - 1.0
    return _ratio(rank(x, ties) - 1, others)


def goalposts(x: Array, lower: Array | float, upper: Array | float, scale: float = 1.0, clip: bool = True) -> Array:
    """``scale · (x − lower)/(upper − lower)``, held within the goalposts unless ``clip`` is false.

    With fixed goalposts a score does not change because other units do: the choice for comparison over time.
    """
    share = (x - lower) / (np.asarray(upper) - lower)
    return scale * (np.clip(share, 0.0, 1.0) if clip else share)


def reciprocal(x: Array, scale: float = 1.0) -> Array:
    """``scale / value`` of what is better the lower it is: a maternal mortality of 10 or of 100 per 100,000."""
    return -scale / np.where(x == 0, np.nan, x)


def baseline(
    x: Array,
    centre: Array | float,
    spread: Array | float,
    mean: float = 0.0,
    sd: float = 1.0,
    low: float = -np.inf,
    high: float = np.inf,
) -> Array:
    """``mean + sd (x − centre) / spread`` with a mean and standard deviation fixed once, held within bounds.

    A z-score of a baseline year: what other units do later moves no score.

    Examples
    --------
    >>> baseline(np.array([[3.0], [7.0]]), 2.0, 1.0, mean=45, sd=20, low=0, high=100).ravel()
    array([ 65., 100.])
    """  # fmt: skip
    return np.clip(mean + (sd / np.asarray(spread)) * (x - centre), low, high)


def ampi(x: Array, centre: Array | float, lowest: Array | None = None, highest: Array | None = None) -> Array:
    r"""Mazziotta and Pareto's adjusted scale: the value `centre` is 100, the range of the whole panel 60 wide.

    ``70 + 60 (x − a)/(b − a)`` with :math:`a, b = \text{centre} \mp (\sup - \inf)/2`; give `lowest` and `highest`
    to take the range from more than `x`, as for a panel of several periods.
    """
    least, most = extremes(x)
    half = ((most if highest is None else highest) - (least if lowest is None else lowest)) / 2
    start = centre - half
    return 70 + 60 * _ratio(x - start, 2 * half)


def none(x: Array) -> Array:
    """The values as they are: they are on one scale already."""
    return x


METHODS: Mapping[str, Callable[..., Array]] = {
    "minmax": minmax,
    "scaled": scaled,
    "zscore": zscore,
    "dist2max": dist2max,
    "dist2ref": dist2ref,
    "dist2targ": dist2targ,
    "fracmax": fracmax,
    "rank": rank,
    "prank": prank,
    "borda": borda,
    "goalposts": goalposts,
    "ampi": ampi,
    "baseline": baseline,
    "reciprocal": reciprocal,
    "none": none,
}
"""Name -> kernel."""

SPREADING = frozenset({"minmax", "zscore", "dist2max", "dist2ref", "dist2targ", "ampi"})
"""Methods that divide by a range or a standard deviation of the data, and so need two different values."""


def normalise(x: Array, method: str = "minmax", *, direction: Array | int = 1, **parameters: Any) -> Array:
    """Normalise the indicators of an array by a named method.

    Parameters
    ----------
    x : array of shape (..., units, indicators)
        Values in their own units; NaN is missing.
    method : str
        Key of :data:`METHODS`.
    direction : array of +1 and −1, or one of them
        −1 where a lower value is better; a single direction where goalposts, targets or bounds are given.
    **parameters
        Those of the kernel. `lower`, `upper`, `target` and `centre` are in the indicator's
        own units and keep their order whatever the direction.

    Returns
    -------
    array of the same shape
        Higher is better. An indicator whose observed values are all equal tells no units apart and is missing
        under the methods that divide by a range or a standard deviation.

    Raises
    ------
    Faults
        Unknown method, or a lower bound not below the upper one.

    Examples
    --------
    >>> bribery = np.array([[5.0], [20.0], [np.nan], [40.0]])
    >>> normalise(bribery, "goalposts", direction=-1, lower=0, upper=50, scale=100).ravel()
    array([90., 60., nan, 20.])
    """
    if method not in METHODS:
        raise Faults([Fault("normalise", "method", f'there is no method "{method}"', f"one of {', '.join(METHODS)}")])
    turned = turn(parameters, direction)
    return METHODS[method](np.asarray(x, dtype=float) * direction, **turned)


def turn(parameters: Mapping[str, Any], direction: Array | int) -> dict[str, Any]:
    """Parameters of a kernel from those in the indicator's own units: turned round where a lower value is better.

    Raises
    ------
    Faults
        A lower bound is not below the upper one.
    """
    given = dict(parameters)
    if {"lower", "upper"} <= given.keys():
        if not np.all(np.asarray(given["lower"]) < np.asarray(given["upper"])):
            raise Faults([Fault("normalise", "lower", "the lower bound is not below the upper", "exchange them")])
        first, second = given["lower"] * np.asarray(direction), given["upper"] * np.asarray(direction)
        given["lower"], given["upper"] = np.minimum(first, second), np.maximum(first, second)
    for name in ("target", "centre"):
        if name in given:
            given[name] = given[name] * np.asarray(direction)
    return given
