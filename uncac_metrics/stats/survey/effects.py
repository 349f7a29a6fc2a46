"""Average marginal effects of a fitted generalised linear model."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from uncac_metrics.model import Fault, Faults
from uncac_metrics.stats.estimates import Estimates
from uncac_metrics.stats.survey.arguments import is_numeric
from uncac_metrics.stats.survey.coefficients import table_of
from uncac_metrics.stats.survey.formulas import ModelFrame
from uncac_metrics.stats.survey.influence import row_scores
from uncac_metrics.stats.survey.variance import AnyScores, ReplicateScores

if TYPE_CHECKING:
    from uncac_metrics.stats.survey.regression import Fit

Array = np.ndarray
Effect = Callable[[Array], tuple[Array, Array]]
"""Effect of each row and its derivative by the coefficients (rows × p), from coefficients."""


def average_effects(fit: Fit, variable: str, unconditional: bool, level: float) -> Estimates:
    """Average marginal effects; see :meth:`uncac_metrics.stats.survey.regression.Fit.margins`."""
    frame = fit.frame
    inner = {name: key for key, name in frame.quoted.items()}.get(variable, variable)
    factors = [str(f) for f, names in frame.spec.factor_variables.items() if inner in {str(n) for n in names}]
    if not factors:
        known = ", ".join(sorted(frame.quoted.get(str(v), str(v)) for v in frame.spec.required_variables))
        raise Faults([Fault("margins", variable, "is not in the formula", f"one of {known}")])
    data = fit.design.data.iloc[frame.rows].reset_index(drop=True)
    as_levels = any(str(frame.spec.encoder_state[f][0]).endswith("CATEGORICAL") for f in factors)
    if as_levels or not is_numeric(data[variable]) or pd.api.types.is_bool_dtype(data[variable]):
        sides, names = _levels(frame, data, variable)
        effects = [_difference(fit, side, sides[0]) for side in sides[1:]]
    else:
        effects, names = [_slope(fit, data, variable)], [variable]
    total = fit.weight.sum()
    values = np.array([fit.weight @ e(fit.values)[0] / total for e in effects])
    if fit.design.replicates is not None:
        scores: AnyScores = _replicated(fit, effects, values, unconditional)
    else:
        rowwise = [e(fit.values) for e in effects]
        gradient = np.vstack([fit.weight @ g / total for _, g in rowwise])
        own = np.column_stack([m for m, _ in rowwise]) - values if unconditional else np.zeros((len(data), 0))
        residual = fit.residual_factor()
        x = np.hstack([own, frame.x * residual[:, None]])
        design_total = fit.design.weight[frame.rows].sum()
        transform = np.vstack([np.eye(own.shape[1], len(values)) / design_total, fit.bread() @ gradient.T])
        scores = row_scores(fit.design, frame.rows, x, None, transform)
    kind = "levels compared" if as_levels else "slope"
    method = f"average marginal effect ({kind}), {'unconditional' if unconditional else 'conditional'} on the sample"
    return table_of(
        fit.design, frame, names, values, scores.variances(), scores, fit.df_design, fit.n_psu, level, method,
        "average marginal effect",
    )  # fmt: skip


def _means(fit: Fit, x: Array, beta: Array) -> tuple[Array, Array]:
    eta = x @ beta if fit.offset is None else x @ beta + fit.offset
    mu = fit.family.link.inverse(eta)
    return mu, 1.0 / fit.family.link.deriv(mu)


def _difference(fit: Fit, one: Array, other: Array) -> Effect:
    def effect(beta: Array) -> tuple[Array, Array]:
        (mu, slope), (mu0, slope0) = _means(fit, one, beta), _means(fit, other, beta)
        return mu - mu0, slope[:, None] * one - slope0[:, None] * other

    return effect


def _slope(fit: Fit, data: pd.DataFrame, variable: str) -> Effect:
    z = data[variable].to_numpy(dtype=float)
    spread = z.std()
    step = 1e-4 * (spread if spread > 0 else 1.0)
    x = fit.frame.matrix(data)
    ahead = fit.frame.matrix(data.assign(**{variable: z + step}))
    back = fit.frame.matrix(data.assign(**{variable: z - step}))
    dx = (ahead - back) / (2 * step)

    def effect(beta: Array) -> tuple[Array, Array]:
        mu, slope = _means(fit, x, beta)
        along = dx @ beta
        # d²μ/dη² = −g''(μ) / g'(μ)³
        bend = -fit.family.link.deriv2(mu) * slope**3
        return slope * along, (bend * along)[:, None] * x + slope[:, None] * dx

    return effect


def _levels(frame: ModelFrame, data: pd.DataFrame, variable: str) -> tuple[list[Array], list[str]]:
    """Model matrices when everybody has each level, and the names of the differences from the first."""
    values = data[variable]
    if isinstance(values.dtype, pd.CategoricalDtype):
        present = set(values)
        levels = [v for v in values.cat.categories if v in present]
    else:
        levels = sorted(values.unique())
    sides = []
    for one in levels:
        column = pd.Series([one] * len(data), dtype=values.dtype)
        sides.append(frame.matrix(data.assign(**{variable: column})))
    return sides, [f"{one} - {levels[0]}" for one in levels[1:]]


def _replicated(fit: Fit, effects: list[Effect], values: Array, unconditional: bool) -> ReplicateScores:
    """Effects with every replicate's coefficients and, unless conditional, its weights."""
    design, rows = fit.design, fit.frame.rows
    factors, own = design.replicates.factors, design.replicates.of_unit[design.unit[rows]]
    out = np.empty((design.replicates.n, len(values)))
    assert fit.replicated is not None  # a design with replicates has a fit for each
    for r, beta in enumerate(fit.replicated):
        w = fit.weight * factors[own, r] if unconditional else fit.weight
        with np.errstate(invalid="ignore"):
            out[r] = [w @ e(beta)[0] / w.sum() for e in effects]
    return design.replicates.scores(design, out, values)
