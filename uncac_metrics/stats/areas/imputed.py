"""Aggregates whose missing areas are drawn from a model, pooled by Rubin's rules."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np
import pandas as pd

from uncac_metrics.model import Fault, Faults
from uncac_metrics.stats import intervals
from uncac_metrics.stats.areas.cells import Cells
from uncac_metrics.stats.areas.missing import SPARE, predictive_draws
from uncac_metrics.stats.estimates import Estimates
from uncac_metrics.stats.frames import linearised
from uncac_metrics.stats.trends.series import on_scale, scale_of

Array = np.ndarray


def with_imputed(
    estimates: Estimates, members: pd.DataFrame, cells: Cells, gradient: Array, table: pd.DataFrame,
    covariates: Sequence[str], scale: str, imputations: int, seed: int, level: float,
) -> Estimates:  # fmt: skip
    r"""The aggregates with draws for the members without a value, pooled by Rubin's rules.

    Rubin's :math:`T = \bar W + (1 + 1/m) B` takes the errors of the known areas and what is drawn as independent.
    Here the draws are predicted from the very estimates that are averaged, so the errors of those enter both parts
    with one sign; they are carried through the prediction, and taken out of B in turn.
    """
    drawn, pull = _imputed(estimates, members, cells, covariates, scale, imputations, seed)
    share = np.divide(cells.known, cells.total)
    known = np.where(np.isnan(estimates.table["value"]), 0.0, estimates.table["value"])
    gradient = gradient * share[:, None]
    value = gradient @ known + drawn.mean(axis=0)
    between = np.atleast_2d(np.cov(drawn, rowvar=False)) * (1 + 1 / imputations)
    through = pull * np.nan_to_num(estimates.table["std_error"].to_numpy(dtype=float))
    extra = _positive(between - through @ through.T)
    result = linearised(estimates, gradient + pull, table, value, extra)
    error = result.table["std_error"].to_numpy()
    with np.errstate(divide="ignore", invalid="ignore"):
        part = np.where(error > 0, np.diag(between) / error**2, 0.0)
        complete = table["df"].to_numpy()
        observed = np.where(np.isinf(complete), np.inf, (complete + 1) / (complete + 3) * complete * (1 - part))
        df = 1 / (part**2 / (imputations - 1) + 1 / observed)
    lower, upper = intervals.wald(value, error, df, level)
    few = np.isnan(value)
    on = f"{scale} scale" + (f" with {', '.join(covariates)}" if covariates else "")
    return result.with_columns(
        lower=lower, upper=upper, df=df, obs_status=np.where(few, "O", np.where(cells.areas < cells.of, "I", "A")),
        reason=np.where(few, "too few areas with a value, or too much alike, for the model", table["reason"]),
        quality=[f"{q}; missing information {p:.3f}" for q, p in zip(table["quality"], part, strict=True)],
        method=[f"{m}; missing areas by model, {on}; {imputations} imputations" for m in table["method"]],
    )  # fmt: skip


def _imputed(
    estimates: Estimates, members: pd.DataFrame, cells: Cells, covariates: Sequence[str], scale: str, draws: int,
    seed: int,
) -> tuple[Array, Array]:  # fmt: skip
    """What the members without a value add to every aggregate: draws (draws × aggregates), and derivatives of their
    mean with respect to the rows (aggregates × rows)."""
    on = scale_of(scale, "aggregate")
    value, top = on_scale(estimates, scale)
    error = np.nan_to_num(estimates.table["std_error"].to_numpy(dtype=float)) / top
    area_of_row = estimates.table["ref_area"].to_numpy()
    areas = members.drop_duplicates("ref_area").reset_index(drop=True)
    x = _design(areas, covariates)
    place = pd.Series(np.arange(len(areas)), index=areas["ref_area"])
    out, pull = np.zeros((draws, len(cells.table))), np.zeros((len(cells.table), len(estimates)))
    for key, block in cells.table.groupby(cells.keys, sort=False, dropna=False):
        ours = block.index.to_numpy()
        lacking = np.unique([m for c in ours for m in cells.lacking[c]])
        if not lacking.size:
            continue
        rows = np.unique(cells.row[np.isin(cells.cell, ours)])
        here = place.loc[area_of_row[rows]].to_numpy()
        bad = rows[~on.valid(value[rows])]
        if bad.size:
            what = f"not on the {scale} scale"
            raise Faults(
                [Fault("aggregate", "value", what, "take identity", tuple(int(r) + 1 for r in bad[:5]), bad.size)]
            )
        wanted = np.unique(place.loc[members["ref_area"].iloc[lacking]].to_numpy())
        # an order of their own, so that the order of the groups' rows does not matter
        wanted = wanted[np.lexsort((areas["ref_area"].to_numpy()[wanted], areas["_weight"].to_numpy()[wanted]))]
        used = np.flatnonzero(np.abs(x[here]).max(axis=0) > 0)  # classes with a value in them
        unused = np.setdiff1d(np.arange(x.shape[1]), used)
        design = x[np.ix_(here, used)]
        enough = len(rows) >= used.size + SPARE and np.linalg.matrix_rank(design) == used.size
        if not enough or x[np.ix_(wanted, unused)].any():
            out[:, ours] = np.nan
            continue
        steps = on.derivative(value[rows])
        order = np.lexsort((error[rows], value[rows]))
        found, on_rows = predictive_draws(
            on.forward(value[rows])[order], ((error[rows] * steps) ** 2)[order], design[order],
            x[np.ix_(wanted, used)], draws, np.random.default_rng([seed, zlib.crc32(repr(key).encode())]),
        )  # fmt: skip
        column = pd.Series(np.arange(wanted.size), index=areas["ref_area"].iloc[wanted])
        truth = on.back(found)
        on_rows *= (1 / on.derivative(truth)).mean(axis=0)[:, None] * steps[order]
        for c in ours:
            mine = cells.lacking[c]
            at = column.loc[members["ref_area"].iloc[mine]].to_numpy()
            weight = members["_weight"].to_numpy()[mine] / cells.total[c]
            out[:, c] = truth[:, at] @ weight * top[rows[0]]
            pull[c, rows[order]] = weight @ on_rows[at]
    return out, pull


def _positive(matrix: Array) -> Array:
    """The matrix without negative eigenvalues, which draws may leave; unknown rows (NaN) stay unknown."""
    known = np.flatnonzero(~np.isnan(np.diag(matrix)))
    values, vectors = np.linalg.eigh(matrix[np.ix_(known, known)])
    out = matrix.copy()
    out[np.ix_(known, known)] = (vectors * np.maximum(values, 0.0)) @ vectors.T
    return out


def _design(areas: pd.DataFrame, covariates: Sequence[str]) -> Array:
    columns = [np.ones(len(areas))]
    for name in covariates:
        if pd.api.types.is_numeric_dtype(areas[name].dtype):
            columns.append(areas[name].to_numpy(dtype=float))
        else:
            columns += list(pd.get_dummies(areas[name], drop_first=True).to_numpy(dtype=float).T)
    return np.column_stack(columns)
