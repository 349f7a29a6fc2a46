r"""Outliers: what they are, taking them in, and transformations. Units along axis −2, indicators along the last."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from uncac_metrics.stats.scores.normalise import extremes

Array = np.ndarray


def shape_moments(x: Array) -> tuple[Array, Array]:
    r"""Sample skewness and excess kurtosis of every indicator.

    .. math:: G_1 = \frac{\sqrt{n(n-1)}}{n-2}\,\frac{\sqrt n \sum c^3}{(\sum c^2)^{3/2}}, \qquad
              G_2 = \frac{(n-1)\left[(n+1)\left(n \sum c^4 / (\sum c^2)^2 - 3\right) + 6\right]}{(n-2)(n-3)}

    with c the deviations from the mean of the n observed values.

    Parameters
    ----------
    x : array of shape (..., units, indicators)

    Returns
    -------
    skewness, kurtosis : arrays of shape (..., indicators)
        Missing below three (four) observed values and where all are equal.

    Examples
    --------
    >>> g1, g2 = shape_moments(np.array([[1.0], [2.0], [3.0], [4.0], [10.0]]))
    >>> g1.round(3), g2.round(3)
    (array([1.697]), array([3.152]))
    """
    seen = ~np.isnan(x)
    n = seen.sum(axis=-2).astype(float)
    values = np.where(seen, x, 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = values.sum(axis=-2) / n
        c = np.where(seen, x - mean[..., None, :], 0.0)
        square = c * c
        s2, s3, s4 = square.sum(axis=-2), (square * c).sum(axis=-2), (square * square).sum(axis=-2)
        s2 = np.where(s2 > 0, s2, np.nan)
        skewness = np.sqrt(n * (n - 1)) / (n - 2) * np.sqrt(n) * s3 / s2**1.5
        kurtosis = ((n + 1) * (n * s4 / s2**2 - 3) + 6) * (n - 1) / ((n - 2) * (n - 3))
    return np.where(n >= 3, skewness, np.nan), np.where(n >= 4, kurtosis, np.nan)


def passes(x: Array, skewness: float = 2.0, kurtosis: float = 3.5) -> Array:
    """Whether an indicator has no outliers: absolute skewness or kurtosis is below its threshold.

    An indicator with fewer than four observed values, or with equal ones, cannot be judged and passes.
    """
    g1, g2 = shape_moments(x)
    return ~((np.abs(g1) >= skewness) & (g2 >= kurtosis))


def winsorise(
    x: Array, most: int | None = 5, skewness: float = 2.0, kurtosis: float = 3.5, *, force: bool = False
) -> tuple[Array, Array]:
    """Take in outliers one value at a time, on the side to which the indicator is skewed, until it passes.

    Parameters
    ----------
    x : array of shape (..., units, indicators)
    most : int, optional
        Points to take in at most; None: no limit. Tied values are taken in together, so that ties may exceed it.
    skewness, kurtosis : float
        Thresholds of :func:`passes`.
    force : bool
        Go on until `most` points are taken in, even if the indicator passes.

    Returns
    -------
    treated : array of the same shape
    side : array of the same shape
        +1 where a value at the high end was taken in, −1 at the low end, 0 elsewhere.

    Examples
    --------
    >>> values, side = winsorise(np.r_[1.0:11.0, 30.0, 100.0][:, None])
    >>> values[-2:, 0], side[-2:, 0]
    (array([30., 30.]), array([0., 1.]))
    """
    x, side = np.array(x, dtype=float), np.zeros(np.shape(x))
    limit = np.inf if most is None else most
    span = extremes(x)
    spread = (span[1] > span[0])[..., 0, :]
    active = (spread if force else ~passes(x, skewness, kurtosis)) & (limit > 0)
    while active.any():
        high = (shape_moments(x)[0] >= 0)[..., None, :]
        sign = np.where(high, 1.0, -1.0)
        up = x * sign
        edge = np.fmax.reduce(up, axis=-2, keepdims=True)
        at = (up == edge) & active[..., None, :]
        inner = np.fmax.reduce(np.where(up == edge, np.nan, up), axis=-2, keepdims=True)
        x = np.where(at, inner * sign, x)
        side = np.where(at, sign, np.where((side == sign) & active[..., None, :], 0.0, side))
        left = extremes(x)
        active &= (side != 0).sum(axis=-2) < limit
        active &= (left[1] > left[0])[..., 0, :]
        if not force:
            active &= ~passes(x, skewness, kurtosis)
    return x, side


def log_ct(x: Array) -> Array:
    """``ln(x − min + 0.01 (max − min))``: a long upper tail drawn in, whatever the unit and sign."""
    least, most = extremes(x)
    return _log(x - least + 0.01 * (most - least))


def log_ct_plus(x: Array) -> Array:
    """:func:`log_ct` of a positive skewness; ``−ln(max + 0.01 (max − min) − x)`` of a negative one."""
    least, most = extremes(x)
    positive = (shape_moments(x)[0] > 0)[..., None, :]
    margin = 0.01 * (most - least)
    return np.where(positive, _log(x - least + margin), -_log(most + margin - x))


def log_ct_original(x: Array) -> Array:
    """``ln(x − min + 1)``: depends on the unit of measurement."""
    return _log(x - extremes(x)[0] + 1)


def log_gii(x: Array) -> Array:
    """``ln((max − 1)(x − min)/(max − min) + 1)``, as in the Global Innovation Index; reverses the order if max < 1."""
    least, most = extremes(x)
    return _log((most - 1) * (x - least) / np.where(most > least, most - least, np.nan) + 1)


def box_cox(x: Array, power: float = 0.5) -> Array:
    """Box and Cox's transformation of ``x − min + 1``: ``(x^λ − 1)/λ``, its logarithm at λ = 0."""
    y = x - extremes(x)[0] + 1
    return np.log(y) if power == 0 else (y**power - 1) / power


def _log(x: Array) -> Array:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(x > 0, np.log(x), np.nan)


TRANSFORMS: Mapping[str, Callable[..., Array]] = {
    "log_ct": log_ct,
    "log_ct_plus": log_ct_plus,
    "log_ct_original": log_ct_original,
    "log_gii": log_gii,
    "box_cox": box_cox,
}
"""Name -> transformation."""


@dataclass(frozen=True, eq=False)
class Treated:
    """Treated values and what was done to each indicator."""

    values: Array
    side: Array
    """+1 and −1 where the winsorisation took a value in, whether or not it was kept."""
    stage: Array
    """Per indicator: 0 left alone, 1 winsorised, 2 transformed."""
    passed: Array
    """Per indicator: whether the result passes."""


def treat(
    x: Array,
    *,
    most: int | None = 5,
    skewness: float = 2.0,
    kurtosis: float = 3.5,
    transform: str | None = "log_ct",
    combine: bool = False,
    power: float = 0.5,
) -> Treated:
    """Treat outliers in two stages: winsorise what does not pass, and transform what then still does not.

    Parameters
    ----------
    x : array of shape (..., units, indicators)
    most, skewness, kurtosis
        As in :func:`winsorise`.
    transform : str, optional
        Key of :data:`TRANSFORMS` for the second stage; None: no second stage.
    combine : bool
        Transform the winsorised values instead of the original ones.
    power : float
        λ of Box and Cox's transformation.

    Returns
    -------
    Treated

    Examples
    --------
    >>> x = np.random.default_rng(1).lognormal(size=(60, 1), sigma=1.5)
    >>> [(int(done.stage[0]), bool(done.passed[0])) for done in (treat(x), treat(x, most=1))]
    [(1, True), (2, True)]
    """
    x = np.asarray(x, dtype=float)
    first = passes(x, skewness, kurtosis)
    taken_in, side = winsorise(x, most, skewness, kurtosis)
    second = passes(taken_in, skewness, kurtosis)
    values = np.where(first[..., None, :], x, taken_in)
    stage = np.where(first, 0, 1)
    if transform is not None and not second.all():
        base = taken_in if combine else x
        changed = TRANSFORMS[transform](base, **({"power": power} if transform == "box_cox" else {}))
        values = np.where(second[..., None, :], values, changed)
        stage = np.where(second, stage, 2)
    return Treated(values, side, stage, passes(values, skewness, kurtosis))
