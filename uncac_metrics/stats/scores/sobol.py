r"""Variance-based sensitivity (Sobol') indices for all outputs at once, with bootstrap intervals.

With A and B independent samples of the factors and :math:`A_B^{(i)}` the sample A whose i-th column is B's, and all
outputs centred by their mean,

.. math:: V = \tfrac12\left(\overline{f_A^2} + \overline{f_B^2}\right),\quad
          S_i = \frac{\overline{f_B (f_{A_B^{(i)}} - f_A)}}{V},\quad
          S_{T_i} = \frac{\overline{(f_A - f_{A_B^{(i)}})^2}}{2 V}.

:math:`S_i` is the share of the variance that would go if the factor were known, :math:`S_{T_i}` the share that would
stay if everything else were.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import qmc

from uncac_metrics.model import Fault, Faults

Array = np.ndarray


@dataclass(frozen=True)
class Factor:
    """Something that is varied."""

    name: str
    levels: int = 0
    """Number of alternatives, all as likely; 0: continuous and uniform between `lower` and `upper`."""
    lower: float = 0.0
    upper: float = 1.0
    when: tuple[str, int] | None = None
    """The factor matters only where another, discrete and named before it, takes this level."""


def design(n: int, factors: int, *, seed: int = 0, kind: str = "sobol", second: bool = False) -> Array:
    """Points of the unit cube at which the outputs are wanted: A, B, each :math:`A_B^{(i)}`, each :math:`B_A^{(i)}`.

    Parameters
    ----------
    n : int
        Size of A; a power of two for ``kind="sobol"``.
    factors : int
    seed : int
    kind : {'sobol', 'random'}
        Scrambled Sobol' sequence, or plain random numbers.
    second : bool
        Also the points that second-order indices take.

    Returns
    -------
    array of shape (n (factors + 2), factors), or (n (2 factors + 2), factors)

    Examples
    --------
    >>> design(64, 3).shape
    (320, 3)
    """
    if kind == "sobol":
        if n & (n - 1):
            raise Faults([Fault("design", "n", f"{n} is not a power of two", f"take {1 << n.bit_length()}")])
        base = qmc.Sobol(2 * factors, scramble=True, rng=np.random.default_rng(seed)).random(n)
    else:
        base = np.random.default_rng(seed).random((n, 2 * factors))
    a, b = base[:, :factors], base[:, factors:]
    blocks = [a, b]
    for start, other in [(a, b), (b, a)][: 2 if second else 1]:
        for i in range(factors):
            mixed = start.copy()
            mixed[:, i] = other[:, i]
            blocks.append(mixed)
    return np.concatenate(blocks)


def translate(points: Array, factors: Sequence[Factor]) -> dict[str, Array]:
    """Levels and values of the factors at points of the unit cube.

    A discrete factor has level ⌊u K⌋, which does not depend on the sample; a conditional one is −1 (discrete) or NaN
    (continuous) where it does not matter.

    Parameters
    ----------
    points : array of shape (points, factors)
    factors : sequence of Factor

    Returns
    -------
    dict
        Name -> array of shape (points,).

    Examples
    --------
    >>> factors = [Factor("method", 2), Factor("power", lower=1, upper=3, when=("method", 1))]
    >>> translate(np.array([[0.2, 0.5], [0.9, 0.5]]), factors)
    {'method': array([0, 1]), 'power': array([nan,  2.])}
    """
    out: dict[str, Array] = {}
    for u, factor in zip(np.asarray(points).T, factors, strict=True):
        value: Array
        if factor.levels:
            value = np.minimum((u * factor.levels).astype(int), factor.levels - 1)
        else:
            value = factor.lower + u * (factor.upper - factor.lower)
        if factor.when is not None:
            other, level = factor.when
            if other not in out:
                remedy = "name the factor that it depends on first"
                raise Faults([Fault("translate", factor.name, f'"{other}" is not an earlier factor', remedy)])
            value = np.where(out[other] == level, value, -1 if factor.levels else np.nan)
        out[factor.name] = value
    return out


@dataclass(frozen=True, eq=False)
class Indices:
    """Sensitivity indices by factor and output."""

    first: Array
    """Factors × outputs."""
    total: Array
    variance: Array
    """By output."""
    first_interval: Array
    """2 × factors × outputs: bootstrap limits; empty without bootstrap."""
    total_interval: Array
    first_error: Array
    """Bootstrap standard errors."""
    total_error: Array
    second: Array
    """Factors × factors × outputs, above the diagonal; empty unless asked for."""


def indices(
    outputs: Array,
    n: int,
    factors: int,
    *,
    bootstrap: int = 100,
    level: float = 0.95,
    seed: int = 0,
    second: bool = False,
) -> Indices:
    """Sobol' indices of every output from its values at the points of :func:`design`.

    Parameters
    ----------
    outputs : array of shape (points, outputs) or (points,)
        In the order of :func:`design`.
    n, factors : int
        As given to :func:`design`.
    bootstrap : int
        Resamples; 0: none. Each is a vector of multinomial weights, and one matrix product gives the sums of every
        resample for every output.
    level : float
        Of the percentile intervals.
    seed : int
    second : bool
        Second-order indices too; the design must have their points.

    Returns
    -------
    Indices
        NaN for an output that does not vary.

    Raises
    ------
    Faults
        The number of points is not that of the design, or an output is not finite at some of them.

    Notes
    -----
    Estimators of Saltelli et al. (2010, first order) and Jansen (1999, total). Centring matters: without it the first
    order has an error that grows with the mean of the output and can be far below zero.

    References
    ----------
    Saltelli, Annoni, Azzini, Campolongo, Ratto and Tarantola (2010), Computer Physics Communications 181, 259–270.

    Examples
    --------
    >>> points = design(1024, 2)
    >>> found = indices(points @ [1.0, 2.0], 1024, 2)
    >>> found.first.ravel().round(2), found.total.ravel().round(2)
    (array([0.2, 0.8]), array([0.2, 0.8]))
    """
    y = np.asarray(outputs, dtype=float)
    y = y[:, None] if y.ndim == 1 else y
    wanted = n * (2 + factors * (2 if second else 1))
    if len(y) != wanted:
        raise Faults([Fault("indices", "outputs", f"{len(y)} points, not {wanted}", "evaluate the whole design")])
    if not np.isfinite(y).all():
        rows = np.flatnonzero(~np.isfinite(y).all(axis=1))
        remedy = "no index can be had from a part of the design: make every combination computable"
        shown = tuple(int(r) + 1 for r in rows[:5])
        raise Faults([Fault("indices", "outputs", "outputs are not finite", remedy, shown, len(rows))])
    y = y - y[: 2 * n].mean(axis=0)
    spread = y[: 2 * n].std(axis=0)
    y /= np.where(spread > 0, spread, 1)  # indices have no unit
    a, b = y[:n], y[n : 2 * n]
    # single precision for resamples: what it loses is far below what resampling is to show
    weights = (_counts(n, bootstrap, seed) / n).astype(np.float32)

    def averages(x: Array) -> Array:
        return np.concatenate([x.mean(axis=0)[None], weights @ x.astype(np.float32)])

    mean = averages((a + b) / 2)
    variance = averages((a * a + b * b) / 2) - mean**2
    scale = np.where(variance > 0, variance, np.nan)
    first, total = (np.empty((factors, *variance.shape)) for _ in range(2))
    for i in range(factors):
        gap = y[(2 + i) * n : (3 + i) * n] - a
        first[i] = (averages(b * gap) - mean * averages(gap)) / scale
        total[i] = averages(gap * gap) / 2 / scale
    pairs = _second(y, n, factors, variance[0], first[:, 0]) if second else np.empty((0, 0, y.shape[1]))
    tail = (1 - level) / 2
    empty = np.empty((0, factors, y.shape[1]))
    limits = [np.quantile(s[:, 1:], [tail, 1 - tail], axis=1) if bootstrap else empty for s in (first, total)]
    errors = [s[:, 1:].std(axis=1, ddof=1) if bootstrap > 1 else empty for s in (first, total)]
    return Indices(
        first[:, 0], total[:, 0], variance[0] * spread**2, limits[0], limits[1], errors[0], errors[1], pairs
    )  # fmt: skip


def _counts(n: int, resamples: int, seed: int) -> Array:
    """How often each of n points is in each resample: (resamples, n)."""
    drawn = np.random.default_rng(seed).integers(0, n, (resamples, n)) + n * np.arange(resamples)[:, None]
    return np.bincount(drawn.ravel(), minlength=resamples * n).reshape(resamples, n)


def _second(y: Array, n: int, factors: int, variance: Array, first: Array) -> Array:
    """Second-order indices: what two factors share beyond the sum of the two."""
    a, b = y[:n], y[n : 2 * n]
    out = np.full((factors, factors, y.shape[1]), np.nan)
    base = (a * b).mean(axis=0)
    for i in range(factors):
        ba = y[(2 + factors + i) * n : (3 + factors + i) * n]
        for j in range(i + 1, factors):
            ab = y[(2 + j) * n : (3 + j) * n]
            out[i, j] = ((ba * ab).mean(axis=0) - base) / variance - first[i] - first[j]
    return out


def regression_coefficients(factors: Mapping[str, Array], output: Array) -> tuple[dict[str, float], float]:
    r"""Standardised regression coefficients :math:`b_j s_j / s_y` and R², a check of how linear the dependence is.

    Parameters
    ----------
    factors : mapping of arrays of shape (points,)
        Values, or levels of discrete factors as numbers.
    output : array of shape (points,)

    Returns
    -------
    coefficients : dict
    r_squared : float

    Examples
    --------
    >>> found, r_squared = regression_coefficients({"a": np.array([0.0, 1, 2, 3])}, np.array([1.0, 3, 5, 9]))
    >>> round(found["a"], 3), round(r_squared, 3)
    (0.983, 0.966)
    """
    x = np.column_stack([np.ones(len(output)), *factors.values()]).astype(float)
    coefficients, *_ = np.linalg.lstsq(x, output, rcond=None)
    left = output - x @ coefficients
    spread = output - output.mean()
    scaled = coefficients[1:] * x[:, 1:].std(axis=0, ddof=1) / output.std(ddof=1)
    r_squared = 1 - (left @ left) / (spread @ spread)
    return {name: float(c) for name, c in zip(factors, scaled, strict=True)}, float(r_squared)
