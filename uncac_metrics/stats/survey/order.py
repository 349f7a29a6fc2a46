r"""Weighted order statistics: quantiles of sorted rows by rule, in domains and under replicate weights.

With values in increasing order, :math:`C_k` the cumulative weight and :math:`W` the whole, a rule either inverts the
steps of :math:`C_k / W` or interpolates between plotting positions :math:`p_k`. Hyndman and Fan's (1996) rules take
the weight for the count of one; equal weights give their numbers.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from uncac_metrics.stats.survey.design import Design
from uncac_metrics.stats.survey.groupwise import Rows

Array = np.ndarray
TOLERANCE = 1e-11
"""A share of the weight: a probability this close to a step of the distribution function stands on it."""
WINDOW = 3.0
"""Rows to either side of the quantile that are searched first, times the root of their number."""

POSITIONS: dict[str, Callable[[Array, Array], Array]] = {
    "hf4": lambda c, w: c / c[-1],
    "hf5": lambda c, w: (c - w / 2) / c[-1],
    "hf6": lambda c, w: c / (c[-1] + w[-1]),
    "hf7": lambda c, w: (c - w) / (c[-1] - w[-1]),
    "hf8": lambda c, w: (c - w / 3) / (c[-1] + w[-1] / 3),
    "hf9": lambda c, w: (c - 3 * w / 8) / (c[-1] + w[-1] / 4),
}
"""Plotting positions of the interpolating rules from cumulative weights and weights."""
RULES = ("math", "school", "shahvaish", "hf1", "hf2", "hf3", *POSITIONS)
_FAST = {"math": False, "hf1": False, "school": True, "hf2": True}


def quantile_sorted(x: Array, w: Array, p: Array, rule: str) -> Array:
    """Quantiles of values in increasing order with positive weights.

    Parameters
    ----------
    x, w : arrays of shape (n,)
    p : array of probabilities; what is below 0 or above 1 gives the least or the greatest value
    rule : str
        One of :data:`RULES`.

    Returns
    -------
    array of the shape of `p`; NaN without values

    Examples
    --------
    >>> x = np.array([1.0, 2.0, 4.0, 8.0])
    >>> [float(quantile_sorted(x, np.ones(4), np.array(0.5), rule)) for rule in ("math", "school", "hf7")]
    [2.0, 3.0, 3.0]
    """
    p = np.asarray(p, dtype=float)
    n = len(x)
    if n == 0:
        return np.full(p.shape, np.nan)
    c = np.cumsum(w)
    known = np.where(np.isnan(p), 0.5, p)
    if n == 1:
        out = np.full(p.shape, x[0], dtype=float)
    elif rule in POSITIONS:
        out = np.interp(known, POSITIONS[rule](c, w), x)
    elif rule == "shahvaish":
        unit = w * n / c[-1]
        position = (np.cumsum(unit) + 0.5 - unit / 2) / (n + 1)
        out = x[np.maximum(np.searchsorted(position, known + TOLERANCE, side="right") - 1, 0)]
    else:
        k = np.minimum(np.searchsorted(c, (known - TOLERANCE) * c[-1]), n - 1)
        after = np.minimum(np.searchsorted(c, (known + TOLERANCE) * c[-1], side="right"), n - 1)
        after = np.maximum(after, k)
        if rule in ("math", "hf1"):
            out = x[k]
        elif rule in ("school", "hf2"):
            out = (x[k] + x[after]) / 2
        else:  # hf3: on a step the even order
            out = np.where(k % 2 == 1, x[k], x[after])
    return np.where(np.isnan(p), np.nan, out)


class Sorted:
    """Rows in order of group and value."""

    def __init__(self, rows: Rows, values: Array):
        order = rows.sorted(values[rows.index])
        self.rows = rows
        self.index = rows.index[order]
        self.x = values[self.index]
        self.w = rows.weight[order]
        self.ends = np.searchsorted(rows.group[order], np.arange(rows.n_groups + 1))

    def quantiles(self, p: Array, rule: str) -> Array:
        """Quantiles of every group; `p` and the result of shape (probabilities, groups)."""
        out = np.full(p.shape, np.nan)
        for g in range(self.rows.n_groups):
            a, b = self.ends[g], self.ends[g + 1]
            out[:, g] = quantile_sorted(self.x[a:b], self.w[a:b], p[:, g], rule)
        return out

    def replicate_quantiles(self, design: Design, p: float, rule: str) -> Array:
        """Quantiles under every replicate, shape (replicates, groups); NaN where a replicate has no weight there."""
        if rule in _FAST:
            return self._windows(design, p, between=_FAST[rule])
        made = design.replicates
        factor_row = made.of_unit[design.unit[self.index]]
        out = np.full((made.n, self.rows.n_groups), np.nan)
        for r in range(made.n):
            w = self.w * made.factors[factor_row, r]
            for g in range(self.rows.n_groups):
                a, b = self.ends[g], self.ends[g + 1]
                live = w[a:b] > 0
                out[r, g] = quantile_sorted(self.x[a:b][live], w[a:b][live], np.array(p), rule)
        return out

    def _windows(self, design: Design, p: float, between: bool) -> Array:
        """Steps inverted exactly, by cumulative replicate weights of the rows near the quantile only.

        What lies below a window enters by its sums over the replicates' units, a product of small matrices; where
        a replicate's quantile is outside, the window is made wider.
        """
        made, n_groups = design.replicates, self.rows.n_groups
        factor_row = made.of_unit[design.unit[self.index]]
        size = np.diff(self.ends)
        group = np.repeat(np.arange(n_groups), size)
        centre = np.zeros(n_groups, dtype=np.intp)
        for g in range(n_groups):
            c = np.cumsum(self.w[self.ends[g] : self.ends[g + 1]])
            centre[g] = np.searchsorted(c, p * c[-1]) if c.size else 0
        place = np.arange(len(self.x)) - self.ends[group]
        whole = self._sums(design, factor_row, group, np.ones(len(self.x), dtype=bool))
        out = np.full((made.n, n_groups), np.nan)
        width, todo = np.ceil(WINDOW * np.sqrt(size)).astype(np.intp) + 8, np.flatnonzero(size > 0)
        while todo.size:
            low, high = np.maximum(centre - width, 0), np.minimum(centre + width, size)
            waits = np.zeros(n_groups, dtype=bool)
            waits[todo] = True
            below = self._sums(design, factor_row, group, waits[group] & (place < low[group]))
            again: list[int] = []
            for g in todo.tolist():
                a, b = self.ends[g] + low[g], self.ends[g] + high[g]
                c = made.factors[factor_row[a:b]]
                c *= self.w[a:b, None]
                np.cumsum(c, axis=0, out=c)
                target = p * whole[:, g] - below[:, g]
                slack = TOLERANCE * whole[:, g]
                found = self._found(c, target, slack, between, b - a)
                inside = (low[g] == 0) | (target - slack > 0)
                inside &= (high[g] == size[g]) | (c[-1] > target + slack)
                inside |= whole[:, g] <= 0
                if not inside.all():
                    again.append(g)
                    continue
                x = self.x[a:b]
                value = (x[found[0]] + x[found[1]]) / 2 if between else x[found[0]]
                out[:, g] = np.where(whole[:, g] > 0, value, np.nan)
            todo = np.array(again, dtype=np.intp)
            width = width * 3
        return out

    @staticmethod
    def _found(c: Array, target: Array, slack: Array, between: bool, n: int) -> tuple[Array, Array]:
        """First places whose cumulative weight reaches, and passes, the target (the last that has weight at most)."""
        first = np.minimum(np.count_nonzero(c < target - slack, axis=0), n - 1)
        if not between:
            return first, first
        passed = np.count_nonzero(c <= target + slack, axis=0)
        return first, np.where(passed < n, passed, first)

    def _sums(self, design: Design, factor_row: Array, group: Array, use: Array) -> Array:
        """Replicate weights of the rows to use, summed by group: shape (replicates, groups)."""
        made, n_groups = design.replicates, self.rows.n_groups
        n_units = len(made.factors)
        if n_groups * n_units > 2e7:
            return made.sums(design.unit[self.index[use]], group[use], self.w[use], n_groups)
        code = group[use] * np.int64(n_units) + factor_row[use]
        cells = np.bincount(code, weights=self.w[use], minlength=n_groups * n_units).reshape(n_groups, n_units)
        return (cells @ made.factors).T
