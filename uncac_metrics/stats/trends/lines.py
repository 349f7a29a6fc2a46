"""Lines fitted to series of estimates, and what every function of them needs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from uncac_metrics.model import Fault, Faults
from uncac_metrics.stats.estimates import Estimates
from uncac_metrics.stats.frames import as_estimates
from uncac_metrics.stats.survey.testing import f_tail
from uncac_metrics.stats.trends.fits import Fit, fit
from uncac_metrics.stats.trends.series import Series, heads, on_scale, scale_of, split

Array = np.ndarray
SCATTERS = ("reml", "none")


@dataclass(frozen=True, eq=False)
class Line:
    """A line fitted to one series: what functions of it need."""

    fit: Fit
    rows: Array
    gradient: Array
    """Derivatives of the coefficients with respect to the rows, of shape (coefficients, observations); zero where
    the errors of the rows are unknown."""
    df: float
    known: bool
    """Whether the rows came with standard errors."""


def ready(data: Estimates | pd.DataFrame, scale: str, scatter: str) -> tuple[Estimates, list[Series]]:
    """The input as estimates and their series, once the names of scale and scatter are known to be good."""
    scale_of(scale, "trends")
    if scatter not in SCATTERS:
        raise Faults([Fault("trends", "scatter", f"no scatter {scatter!r}", f"one of {', '.join(SCATTERS)}")])
    estimates = as_estimates(data)
    return estimates, split(estimates)


def straight(times: Array) -> Array:
    """Columns of a line: level at the mean time, slope a year."""
    return np.column_stack([np.ones(times.size), times - times.mean()])


def fit_lines(
    estimates: Estimates,
    series: Sequence[Series],
    scale: str,
    scatter: str,
    columns: Callable[[Array], Array] = straight,
) -> list[Line | None]:
    """A fit a series; None where it has too few points or values that the scale does not take."""
    if not series:
        return []
    on = scale_of(scale, "trends")
    value, top = on_scale(estimates, scale)
    usable = on.valid(value)
    covariance = estimates.covariance().to_numpy() / np.outer(top, top)
    design_df = estimates.table["df"].fillna(np.inf).to_numpy()
    out: list[Line | None] = []
    for s in series:
        x = columns(s.times) if s.times.size > 1 else np.empty((0, 2))
        if not usable[s.rows].all() or np.linalg.matrix_rank(x) < x.shape[1]:
            out.append(None)
            continue
        steps = on.derivative(value[s.rows])
        sigma = covariance[np.ix_(s.rows, s.rows)] * np.outer(steps, steps)
        known = bool(np.isfinite(sigma).all())
        y = on.forward(value[s.rows])
        # what has no errors of its own has only the scatter, whatever is asked for
        with_scatter = scatter == "reml" or not known
        fitted = fit(x, y, sigma if known else np.zeros_like(sigma), with_scatter=with_scatter)
        spare = s.times.size - x.shape[1]
        df = float(spare) if with_scatter and spare else float(design_df[s.rows].min()) if known else np.nan
        gradient = fitted.weights * steps / top[s.rows] if known else np.zeros_like(fitted.weights)
        out.append(Line(fitted, s.rows, gradient, df, known))
    return out


def own_variance(line: Line, at: Array) -> float:
    """Variance of a combination of the coefficients that comes from the scatter alone."""
    if not line.known and np.isnan(line.df):
        return np.nan
    w = at @ line.fit.weights
    return float(line.fit.scatter * (w @ w))


def table_of(
    estimates: Estimates, series: Sequence[Series], lines: Sequence[Line | None], statistic: str
) -> pd.DataFrame:
    """A row a series, with the reason where there is no fit."""
    status = ["O" if one is None else "A" for one in lines]
    reason = ["too few points, or a value that the scale does not take" if one is None else "" for one in lines]
    return heads(estimates, series, statistic=statistic, obs_status=status, reason=reason)


def df_of(lines: Sequence[Line | None]) -> Array:
    """Degrees of freedom of every fit."""
    return np.array([np.nan if one is None else one.df for one in lines])


def per_year(unit: str) -> str:
    """The unit of a change a year of values in a unit."""
    return {"%": "percentage points", "": "units"}.get(unit, unit) + " per year"


def quality_of(line: Line | None, p: float) -> str:
    """The tests of a fit in words: of no change, and of a line without scatter."""
    if line is None or np.isnan(p):
        return ""
    parts = [f"p = {p:.3g}"]
    spare = line.fit.weights.shape[1] - line.fit.weights.shape[0]
    if spare and not np.isnan(line.fit.misfit):
        parts.append(f"misfit p = {f_tail(line.fit.misfit / spare, spare, np.inf):.3g}")
    if spare:
        parts.append(f"scatter τ = {np.sqrt(line.fit.scatter):.3g}")
    return "; ".join(parts)


def method_of(line: Line | None, scale: str, scatter: str) -> str:
    """How a fit was made, in words."""
    if line is None:
        return ""
    if not line.known:
        return f"ordinary least squares, {scale} scale; values without standard errors"
    if line.fit.weights.shape[1] == 2:
        return f"difference of two points, {scale} scale"
    return f"generalised least squares, {scale} scale; " + ("scatter by REML" if scatter == "reml" else "no scatter")
