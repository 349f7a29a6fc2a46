r"""Who bears the cost: concentration index, Gini index, concentration and Lorenz curves, burden by income group.

With fractional ranks :math:`R_i = (\sum_{x_j < x_i} w_j + \tfrac12 \sum_{x_j = x_i} w_j)/\hat N`, the concentration
index of y over x is :math:`C = 2 \sum w y R / \sum w y - 1`; with x = y it is the Gini index. Its linearised value is

.. math:: u_i = \frac{2 (y_i \hat N R_i + \hat Y - H_i)}{\hat N \hat Y} - (C + 1)(1/\hat N + y_i/\hat Y),

:math:`H_i` the total of y below :math:`x_i` with half of that at it. It holds with ties and needs no smoothing.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from uncac_metrics.model import Fault, Faults
from uncac_metrics.stats.estimates import Estimates
from uncac_metrics.stats.survey.arguments import By, Variable, variables
from uncac_metrics.stats.survey.contrasts import contrast
from uncac_metrics.stats.survey.design import Design
from uncac_metrics.stats.survey.groupwise import Item, Rows, eligible, estimates_of, rows_used
from uncac_metrics.stats.survey.means import ratio
from uncac_metrics.stats.survey.stages import rows_of

Array = np.ndarray


class _Ranked:
    """Rows in order of group and x, and the runs of equal x."""

    def __init__(self, rows: Rows, x: Array, y: Array):
        self.rows = rows
        self.order = rows.sorted(x[rows.index])
        self.group = rows.group[self.order]
        self.x, self.y = x[rows.index][self.order], y[rows.index][self.order]
        new = np.ones(self.x.size, dtype=bool)
        new[1:] = (np.diff(self.x) != 0) | (np.diff(self.group) != 0)
        self.run = np.cumsum(new) - 1
        self.run_group = self.group[new]

    def cumulated(self, value: Array) -> tuple[Array, Array]:
        """Sums by run and, within the group, cumulated to the run's end."""
        sums = np.bincount(self.run, weights=value, minlength=self.run_group.size)
        cumulative = np.cumsum(sums)
        first = np.searchsorted(self.run_group, np.arange(self.rows.n_groups))
        before = np.concatenate([[0.0], cumulative])[first]
        return sums, cumulative - before[self.run_group]

    def index(self, w: Array) -> tuple[Array, Array, Array, Array, Array]:
        """Index by group; half-rank sums of weight and of y by row; sums of weight and y by group."""
        n = self.rows.n_groups
        sums, cumulative = self.cumulated(w)
        below = (cumulative - sums / 2)[self.run]
        sums, cumulative = self.cumulated(w * self.y)
        held = (cumulative - sums / 2)[self.run]
        total_w = np.bincount(self.group, weights=w, minlength=n)
        total_y = np.bincount(self.group, weights=w * self.y, minlength=n)
        with np.errstate(divide="ignore", invalid="ignore"):
            crossed = np.bincount(self.group, weights=w * self.y * below, minlength=n)
            value = np.where(total_y > 0, 2 * crossed / (total_w * total_y) - 1, np.nan)
        return value, below, held, total_w, total_y

    def unsorted(self, value: Array) -> Array:
        """Values by row of the design from those in order."""
        out = np.empty(value.size)
        out[self.order] = value
        return self.rows.spread(out)

    def weights(self) -> Array:
        return self.rows.weight[self.order]

    def replicate(self, r: int) -> Array:
        return self.rows.weight[self.order] * self.rows.factors(r)[self.order]


def _index_item(rows: Rows, name: str, statistic: str, y: Array, x: Array, base: Array | None, base_name: str) -> Item:
    ranked = _Ranked(rows, x, y)
    value, below, held, total_w, total_y = ranked.index(ranked.weights())
    with np.errstate(divide="ignore", invalid="ignore"):
        c, w, total = (v[ranked.group] for v in (value, total_w, total_y))
        influence = 2 * (ranked.y * below + total - held) / (w * total) - (c + 1) * (1 / w + ranked.y / total)
    pseudo = np.nan_to_num(c + w * influence)

    def replicated() -> Array:
        return np.array([ranked.index(ranked.replicate(r))[0] for r in range(rows.design.replicates.n)])

    return Item(name, statistic, value, ranked.unsorted(pseudo), base, base_name, replicated)


def concentration(
    design: Design, y: Variable | Sequence[Variable], over: Variable, *, by: By = None,
    denominator: Variable | None = None, level: float = 0.95, df: str | int = "answered",
) -> Estimates:  # fmt: skip
    r"""Concentration index: −1 where the poorest bear all, 0 where all ranks bear alike, 1 where the richest bear all.

    Parameters
    ----------
    design : Design
    y : str, Series or array of length n, or a list of these
        What is borne (the cash value of bribes, say), not negative.
    over : str, Series or array of length n
        What the units are ranked by (income). Equal values share the mean of their ranks; zero incomes are one such
        tie at the bottom. Rows with y or the rank missing leave the estimate.
    by, denominator, level, df
        As in :func:`uncac_metrics.stats.survey.mean`; ranks are made anew within each domain.

    Returns
    -------
    Estimates
        Not defined where all y are zero.

    Raises
    ------
    Faults
        Negative values of y.

    References
    ----------
    Kakwani, N., Wagstaff, A. & van Doorslaer, E. (1997). Socioeconomic inequalities in health: measurement,
    computation and statistical inference. Journal of Econometrics 77, 87–103. Langel, M. & Tillé, Y. (2013). Variance
    estimation of the Gini index: revisiting a result several times published. JRSS A 176, 521–540.

    Examples
    --------
    >>> import pandas as pd
    >>> from uncac_metrics.stats import survey
    >>> frame = pd.DataFrame({"w": 1.0, "income": [1.0, 2, 3, 4], "bribes": [4.0, 3, 2, 1]})
    >>> result = survey.concentration(survey.Design(frame, weight="w"), "bribes", "income")
    >>> result.table[["value", "std_error"]].round(4)
       value  std_error
    0  -0.25     0.0866
    """
    [(x_name, x)] = variables(design, over)
    items = []
    for name, values in variables(design, y):
        base, base_name, ok = eligible(design, denominator, values, x)
        _not_negative(name, values, ok)
        rows = rows_used(design, ok, by)
        items.append(_index_item(rows, f"{name} over {x_name}", "concentration index", values, x, base, base_name))
    return estimates_of(design, items, by, level=level, df=df)


def gini(
    design: Design, y: Variable | Sequence[Variable], *, by: By = None, denominator: Variable | None = None,
    level: float = 0.95, df: str | int = "answered",
) -> Estimates:  # fmt: skip
    r"""Gini index, :math:`\sum\sum w_i w_j |y_i - y_j| / (2 \hat N^2 \bar y)`.

    Parameters
    ----------
    design : Design
    y : str, Series or array of length n, or a list of these
        Not negative; zeros count.
    by, denominator, level, df
        As in :func:`uncac_metrics.stats.survey.mean`.

    Returns
    -------
    Estimates

    Examples
    --------
    >>> import pandas as pd
    >>> from uncac_metrics.stats import survey
    >>> frame = pd.DataFrame({"w": 1.0, "income": [0.0, 0, 0, 8]})
    >>> survey.gini(survey.Design(frame, weight="w"), "income").table["value"].tolist()
    [0.75]
    """
    items = []
    for name, values in variables(design, y):
        base, base_name, ok = eligible(design, denominator, values)
        _not_negative(name, values, ok)
        rows = rows_used(design, ok, by)
        items.append(_index_item(rows, name, "gini index", values, values, base, base_name))
    return estimates_of(design, items, by, level=level, df=df)


def kakwani(
    design: Design, y: Variable, income: Variable, *, by: By = None, denominator: Variable | None = None,
    level: float = 0.95, df: str | int = "answered",
) -> Estimates:  # fmt: skip
    """Kakwani's difference: concentration index of a payment over income less the Gini index of income.

    Below zero the payment is regressive: a larger share of small incomes than of large ones.

    Parameters
    ----------
    design : Design
    y, income : str, Series or array of length n
        Over the rows that have both.
    by, denominator, level, df
        As in :func:`concentration`.

    Returns
    -------
    Estimates
        A row a domain.

    Examples
    --------
    >>> import pandas as pd
    >>> from uncac_metrics.stats import survey
    >>> frame = pd.DataFrame({"w": 1.0, "income": [1.0, 2, 3, 4], "bribes": [1.0, 1, 1, 1]})
    >>> survey.kakwani(survey.Design(frame, weight="w"), "bribes", "income").table["value"].tolist()
    [-0.25]
    """
    [(name, values)], [(x_name, x)] = variables(design, y), variables(design, income)
    base, base_name, ok = eligible(design, denominator, values, x)
    _not_negative(name, values, ok)
    _not_negative(x_name, x, ok)
    rows = rows_used(design, ok, by)
    both = [
        _index_item(rows, f"{name} over {x_name}", "concentration index", values, x, base, base_name),
        _index_item(rows, x_name, "gini index", np.where(ok, x, np.nan), x, base, base_name),
    ]
    indices = estimates_of(design, both, by, level=level, df=df)
    n = rows.n_groups
    result = contrast(indices, np.hstack([np.eye(n), -np.eye(n)]), name=f"{name} over {x_name}", level=level)
    first = indices.table.iloc[:n]
    kept = {c: first[c].to_numpy() for c in (*indices.breakdowns, "n", "n_eligible", "n_psu", "denominator")}
    return result.with_columns(statistic="kakwani", **kept)


def lorenz(
    design: Design, y: Variable, over: Variable | None = None, points: Sequence[float] = tuple(np.arange(1, 10) / 10),
    *, by: By = None, denominator: Variable | None = None, level: float = 0.95, df: str | int = "answered",
) -> Estimates:  # fmt: skip
    r"""Points of the Lorenz curve (or, over another variable, the concentration curve).

    L(p) is the share of all y that the lowest p of the units hold, interpolated within the run of equal values that p
    falls in. Its linearised value is :math:`((y_i - m)\,1(x_i \le \hat q) + p\,m - L y_i)/\hat Y` with
    :math:`m = E(y \mid x = \hat q)`: the quantile itself for the Lorenz curve, for a concentration curve the mean of y
    over the ranks within :math:`\tfrac12 n^{-1/5}` of p.

    Parameters
    ----------
    design : Design
    y : str, Series or array of length n
        Not negative.
    over : str, Series or array of length n, optional
        What the units are ranked by; y unless given.
    points : sequence of float
        Shares of the units, 0 < p < 1.
    by, denominator, level, df
        As in :func:`concentration`.

    Returns
    -------
    Estimates
        A row a point (label under ``category``) and domain.

    References
    ----------
    Binder, D.A. & Kovačević, M.S. (1995). Estimating some measures of income inequality from survey data. Survey
    Methodology 21, 137–145.

    Examples
    --------
    >>> import pandas as pd
    >>> from uncac_metrics.stats import survey
    >>> frame = pd.DataFrame({"w": 1.0, "income": [1.0, 2, 3, 4]})
    >>> survey.lorenz(survey.Design(frame, weight="w"), "income", points=[0.25, 0.5]).table["value"].tolist()
    [0.1, 0.3]
    """
    [(name, values)] = variables(design, y)
    own = over is None
    [(x_name, x)] = [(name, values)] if own else variables(design, over)
    p_all = np.asarray(points, dtype=float)
    if not p_all.size or not ((p_all > 0) & (p_all < 1)).all():
        raise Faults([Fault("lorenz", "points", "not all between 0 and 1", "shares of the units, as 0.2")])
    base, base_name, ok = eligible(design, denominator, values, x)
    _not_negative(name, values, ok)
    ranked = _Ranked(rows_used(design, ok, by), x, values)
    title = name if own else f"{name} over {x_name}"
    items = [_curve_item(ranked, title, float(p), own, base, base_name) for p in p_all]
    return estimates_of(design, items, by, level=level, df=df)


def _curve(ranked: _Ranked, w: Array, p: float) -> tuple[Array, Array, Array, Array]:
    """L(p) by group, the run that p falls in, and the sums of weight and y by group."""
    n = ranked.rows.n_groups
    sums_w, cum_w = ranked.cumulated(w)
    sums_y, cum_y = ranked.cumulated(w * ranked.y)
    total_w = np.bincount(ranked.group, weights=w, minlength=n)
    total_y = np.bincount(ranked.group, weights=w * ranked.y, minlength=n)
    ends = np.searchsorted(ranked.run_group, np.arange(n + 1))
    run = np.zeros(n, dtype=np.intp)
    for g in range(n):
        a, b = ends[g], ends[g + 1]
        run[g] = min(a + np.searchsorted(cum_w[a:b], p * total_w[g]), max(b - 1, 0))
    if not sums_w.size:
        return np.full(n, np.nan), run, total_w, total_y
    with np.errstate(divide="ignore", invalid="ignore"):
        part = p * total_w - (cum_w - sums_w)[run]
        held = (cum_y - sums_y)[run] + np.where(sums_w[run] > 0, sums_y[run] / sums_w[run], 0.0) * part
        value = np.where((total_y > 0) & (np.diff(ends) > 0), held / total_y, np.nan)
    return value, run, total_w, total_y


def _curve_item(ranked: _Ranked, name: str, p: float, own: bool, base: Array | None, base_name: str) -> Item:
    rows, w = ranked.rows, ranked.weights()
    value, run, total_w, total_y = _curve(ranked, w, p)
    if own:
        runs_x = ranked.y[np.searchsorted(ranked.run, np.arange(ranked.run_group.size))]
        at = runs_x[run] if runs_x.size else np.full(rows.n_groups, np.nan)
    else:
        sums, cumulative = ranked.cumulated(w)
        middle = ((cumulative - sums / 2)[ranked.run]) / total_w[ranked.group]
        count = np.bincount(ranked.group, minlength=rows.n_groups)
        near = np.abs(middle - p) <= 0.5 * np.maximum(count, 1)[ranked.group] ** -0.2
        with np.errstate(divide="ignore", invalid="ignore"):
            at = np.bincount(ranked.group, weights=w * ranked.y * near, minlength=rows.n_groups) / np.bincount(
                ranked.group, weights=w * near, minlength=rows.n_groups
            )
    # the run that p falls in counts in part, so that the influence values sum to zero
    sums, cumulative = ranked.cumulated(w)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.clip((p * total_w - (cumulative - sums)[run]) / sums[run], 0, 1) if sums.size else run * 0.0
        inside = np.where(ranked.run < run[ranked.group], 1.0, 0.0)
        inside = np.where(ranked.run == run[ranked.group], share[ranked.group], inside)
        g = ranked.group
        influence = ((ranked.y - at[g]) * inside + p * at[g] - value[g] * ranked.y) / total_y[g]
        pseudo = np.nan_to_num(value[g] + total_w[g] * influence)

    def replicated() -> Array:
        return np.array([_curve(ranked, ranked.replicate(r), p)[0] for r in range(rows.design.replicates.n)])

    statistic = "lorenz curve" if own else "concentration curve"
    return Item(name, statistic, value, ranked.unsorted(pseudo), base, base_name, replicated, f"{p:.12g}")


def burden(
    design: Design, y: Variable, income: Variable, groups: int = 5, *, level: float = 0.95, df: str | int = "answered"
) -> Estimates:
    r"""Payments as a share of income, :math:`\sum w y / \sum w\,income`, by quantile group of income.

    Parameters
    ----------
    design : Design
    y, income : str, Series or array of length n
        Over the rows that have both; both for the same period, in the same currency. Zero incomes count in the
        lowest group, and its share is not defined if all of them are zero.
    groups : int
        Number of groups of (nearly) equal weight, the poorest first: 5 for quintiles. Rows of one income stay in
        one group. The limits between the groups are taken as given in the variance.
    level, df
        As in :func:`uncac_metrics.stats.survey.ratio`.

    Returns
    -------
    Estimates
        A row a group, under ``income_group`` (1 = poorest).

    Examples
    --------
    >>> import pandas as pd
    >>> from uncac_metrics.stats import survey
    >>> frame = pd.DataFrame({"w": 1.0, "income": [10.0, 10, 20, 20, 40, 40], "bribes": [1.0, 0, 1, 0, 0, 1]})
    >>> result = survey.burden(survey.Design(frame, weight="w"), "bribes", "income", groups=3)
    >>> result.table[["income_group", "value"]]
      income_group   value
    0            1  0.0500
    1            2  0.0250
    2            3  0.0125
    """
    [(name, values)], [(x_name, x)] = variables(design, y), variables(design, income)
    if groups < 1:
        raise Faults([Fault("burden", "groups", f"{groups} groups", "5 for quintiles, 10 for deciles")])
    _, _, ok = eligible(design, None, values, x)
    _not_negative(name, values, ok)
    _not_negative(x_name, x, ok)
    rows = rows_used(design, ok)
    ranked = _Ranked(rows, x, values)
    sums, cumulative = ranked.cumulated(ranked.weights())
    rank = ((cumulative - sums / 2) / max(cumulative.max(initial=0.0), 1e-300))[ranked.run]
    made = ranked.unsorted(np.minimum(np.floor(rank * groups * (1 + 1e-12)), groups - 1) + 1)
    levels = [str(i + 1) for i in range(groups)]
    codes = np.where(np.isnan(made), 0, made).astype(int) - 1
    data = design.data.assign(income_group=pd.Categorical.from_codes(codes, levels))
    above, below = pd.Series(values, name=name), pd.Series(x, name=x_name)
    return ratio(design.changed(data=data), above, below, by="income_group", within=False, level=level, df=df)


def _not_negative(name: str, values: Array, ok: Array) -> None:
    below = ok & (values < 0)
    if below.any():
        raise Faults([Fault("variable", name, "negative values", "correct or blank them", **rows_of(below))])
