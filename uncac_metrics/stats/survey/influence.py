"""Scores of estimates that come together from the same rows: the coefficients of a model, the cells of a table."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from uncac_metrics.stats.survey.design import Design
from uncac_metrics.stats.survey.sums import compress
from uncac_metrics.stats.survey.variance import AnyScores, UnitScores

Array = np.ndarray
BLOCK = 16_384  # rows at a time: a block of a few dozen columns stays in the processor's cache


def row_scores(design: Design, rows: Array, x: Array, factor: Array | None, transform: Array) -> AnyScores:
    r"""Scores of estimates whose linearised values are :math:`u_i = f_i\, T^\top x_i`, for a unit of weight.

    Parameters
    ----------
    design : Design
        Any kind; under replicates the weighted sum of the linearised values is taken with each replicate's weights.
    rows : integer array of shape (m,)
        Rows that take part, with positive weights.
    x : array of shape (m, p)
    factor : array of shape (m,), optional
        f; ones without it.
    transform : array of shape (p, k)

    Returns
    -------
    UnitScores or ReplicateScores
        Of k estimates. Every unit with a row has an entry for each.
    """
    occupied, place = compress(design.unit[rows], design.n_units)
    weight = design.weight[rows] if factor is None else design.weight[rows] * factor
    sums = np.zeros((occupied.size, x.shape[1]))
    for start in range(0, rows.size, BLOCK):
        part = slice(start, start + BLOCK)
        units, own = np.unique(place[part], return_inverse=True)
        pick = sparse.csr_array((weight[part], (own, np.arange(own.size))), shape=(units.size, own.size))
        sums[units] += pick @ x[part]
    fit = None
    if design.calibration is not None and design.replicates is None:
        use = np.zeros(design.n, dtype=bool)
        use[rows] = True
        none, value = np.zeros(design.n, dtype=np.intp), np.zeros(design.n)
        columns = []
        for column in x.T:
            value[rows] = column if factor is None else column * factor
            columns.append(design.calibration.coefficients(value, use, none, 1))
        fit = np.hstack(columns) @ transform
    return unit_scores(design, occupied, sums @ transform, fit)


def unit_scores(design: Design, occupied: Array, sums: Array, fit: Array | None = None) -> AnyScores:
    """Scores from weighted sums by final unit (units × estimates); `occupied` says which units they are."""
    n = sums.shape[1]
    unit, row = np.repeat(occupied, n), np.tile(np.arange(n), occupied.size)
    if design.replicates is not None:
        return design.replicates.scores(design, design.replicates.sums(unit, row, sums.ravel(), n), sums.sum(axis=0))
    return UnitScores(design, unit, row, sums.ravel(), n, fit)


def answered_df(design: Design, rows: Array) -> tuple[float, int]:
    """Degrees of freedom of the design among these rows, and their number of PSUs."""
    first = design.stages[0]
    final = np.unique(design.unit[rows])
    units = np.unique(first.unit[final])
    if design.replicates is not None:
        rank = design.replicates.ranks(final, np.zeros(final.size, dtype=np.intp), 1)[0]
        return float(min(rank, design.df)), units.size
    return float(units.size - np.unique(first.stratum[units]).size), units.size
