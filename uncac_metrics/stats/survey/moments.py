r"""Variances, covariances, correlations, distribution functions and tables of weighted counts.

:math:`\widehat{cov}(x, y) = \frac{n}{n - 1} \sum w (x - \bar x)(y - \bar y) / \sum w`, with n the rows that answer: the
moment of the population, corrected as in a simple random sample. Its derivative in the two means is zero, so that the
linearised value is that of a mean of products.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product

import numpy as np
import pandas as pd

from uncac_metrics.model import Fault, Faults
from uncac_metrics.stats import intervals
from uncac_metrics.stats.estimates import Estimates
from uncac_metrics.stats.survey.arguments import By, Variable, grouping, variables
from uncac_metrics.stats.survey.design import Design, column
from uncac_metrics.stats.survey.groupwise import Item, Rows, eligible, estimates_of, rows_used
from uncac_metrics.stats.survey.linear import from_pass, linear
from uncac_metrics.stats.survey.passes import Pass
from uncac_metrics.stats.survey.sums import Domains, Pair, finest

Array = np.ndarray
MOST_POINTS = 200


def variance(
    design: Design, y: Variable | Sequence[Variable], *, by: By = None, denominator: Variable | None = None,
    level: float = 0.95, df: str | int = "answered",
) -> Estimates:  # fmt: skip
    r"""Population variance of each variable, :math:`\frac{n}{n-1} \sum w (y - \bar y)^2 / \sum w`.

    Parameters
    ----------
    design : Design
    y : str, Series or array of length n, or a list of these
        Numbers; each variable over the rows that answer it.
    by, denominator, level, df
        As in :func:`uncac_metrics.stats.survey.mean`.

    Returns
    -------
    Estimates
        In squared units of the variable.

    Examples
    --------
    >>> import pandas as pd
    >>> from uncac_metrics.stats import survey
    >>> frame = pd.DataFrame({"w": 1.0, "amount": [1.0, 2, 3, 4]})
    >>> survey.variance(survey.Design(frame, weight="w"), "amount").table[["value", "std_error"]].round(4)
        value  std_error
    0  1.6667     0.7698
    """
    items = []
    for name, values in variables(design, y):
        base, base_name, ok = eligible(design, denominator, values)
        rows = rows_used(design, ok, by)
        items.append(_moment(rows, name, "variance", values, values, base, base_name))
    return estimates_of(design, items, by, level=level, df=df)


def covariance(
    design: Design, y: Sequence[Variable], *, by: By = None, denominator: Variable | None = None,
    level: float = 0.95, df: str | int = "answered",
) -> Estimates:  # fmt: skip
    """Variances and covariances of several variables, over the rows that answer all of them.

    Parameters
    ----------
    design : Design
    y : list of str, Series or arrays of length n
    by, denominator, level, df
        As in :func:`uncac_metrics.stats.survey.mean`.

    Returns
    -------
    Estimates
        Lower triangle of the matrix by rows: indicator ``a`` for a variance, ``a × b`` for a covariance.

    Examples
    --------
    >>> import pandas as pd
    >>> from uncac_metrics.stats import survey
    >>> frame = pd.DataFrame({"w": 1.0, "a": [1.0, 2, 3, 4], "b": [2.0, 1, 4, 3]})
    >>> survey.covariance(survey.Design(frame, weight="w"), ["a", "b"]).table[["indicator", "value"]].round(4)
      indicator   value
    0         a  1.6667
    1     a × b  1.0000
    2         b  1.6667
    """
    named = variables(design, y)
    base, base_name, ok = eligible(design, denominator, *(v for _, v in named))
    rows = rows_used(design, ok, by)
    items = []
    for i, (one, x) in enumerate(named):
        for other, z in named[: i + 1]:
            kind = "variance" if one == other else "covariance"
            items.append(_moment(rows, one if one == other else f"{other} × {one}", kind, z, x, base, base_name))
    return estimates_of(design, items, by, level=level, df=df)


def _moment(rows: Rows, name: str, kind: str, x: Array, y: Array, base: Array | None, base_name: str) -> Item:
    u, v = _centred(rows, x), _centred(rows, y)
    n = np.bincount(rows.group, minlength=rows.n_groups)
    with np.errstate(divide="ignore", invalid="ignore"):
        unbiased = np.where(n > 1, n / (n - 1.0), np.nan)
        value = unbiased * rows.sums(u * v) / rows.sums()

    def replicated() -> Array:
        with np.errstate(divide="ignore", invalid="ignore"):
            w = rows.replicate_sums()
            means = [rows.replicate_sums(z) / w for z in (u * v, u, v)]
            return unbiased * (means[0] - means[1] * means[2])

    # a group of one row has no variance, but its row has answered
    pseudo = np.nan_to_num(unbiased[rows.group] * u * v)
    return Item(name, kind, value, rows.spread(pseudo), base, base_name, replicated)


def _centred(rows: Rows, values: Array) -> Array:
    """Deviations from the group's weighted mean, taken in two steps for values that are far from zero."""
    z = values[rows.index]
    weight = rows.sums()
    for _ in range(2):
        with np.errstate(divide="ignore", invalid="ignore"):
            z = z - np.where(weight > 0, rows.sums(z) / weight, 0.0)[rows.group]
    return z


def correlation(
    design: Design, y: Sequence[Variable], *, by: By = None, denominator: Variable | None = None,
    level: float = 0.95, df: str | int = "answered",
) -> Estimates:  # fmt: skip
    r"""Pearson correlations of every two variables, over the rows that answer all of them.

    The limits are those of Fisher's :math:`z = \operatorname{artanh} r`, with :math:`se(z) = se(r)/(1 - r^2)`. The
    linearised value is :math:`(u v - r (u^2 + v^2)/2)/\hat N` with u, v in standard units.

    Parameters
    ----------
    design : Design
    y : list of str, Series or arrays of length n
    by, denominator, level, df
        As in :func:`uncac_metrics.stats.survey.mean`.

    Returns
    -------
    Estimates
        Indicator ``a × b``. Not defined where a variable is constant.

    Examples
    --------
    >>> import pandas as pd
    >>> from uncac_metrics.stats import survey
    >>> frame = pd.DataFrame({"w": 1.0, "a": [1.0, 2, 3, 4, 5], "b": [2.0, 1, 4, 3, 5]})
    >>> survey.correlation(survey.Design(frame, weight="w"), ["a", "b"]).table[["value", "lower", "upper"]].round(3)
       value  lower  upper
    0    0.8  0.248   0.96
    """
    named = variables(design, y)
    if len(named) < 2:
        raise Faults([Fault("correlation", "y", "one variable", "name two or more")])
    base, base_name, ok = eligible(design, denominator, *(v for _, v in named))
    rows = rows_used(design, ok, by)
    centred = [_centred(rows, v) for _, v in named]
    items = []
    for i, (one, _) in enumerate(named):
        for j in range(i):
            name = f"{named[j][0]} × {one}"
            items.append(_correlated(rows, name, centred[j], centred[i], base, base_name))
    result = estimates_of(design, items, by, level=level, df=df)
    table = result.table
    r, se = np.clip(table["value"].to_numpy(), -1, 1), table["std_error"].to_numpy()
    with np.errstate(divide="ignore", invalid="ignore"):
        z, half = np.arctanh(r), intervals.t_quantile(level, table["df"].to_numpy()) * se / (1 - r**2)
        inside = np.abs(r) < 1
        lower, upper = np.where(inside, np.tanh(z - half), np.nan), np.where(inside, np.tanh(z + half), np.nan)
    return result.with_columns(lower=lower, upper=upper, interval=np.where(np.isnan(r), "", "fisher"))


def _correlated(rows: Rows, name: str, u: Array, v: Array, base: Array | None, base_name: str) -> Item:
    def of(sums: Callable[..., Array]) -> Array:
        with np.errstate(divide="ignore", invalid="ignore"):
            w = sums()
            a, b = sums(u) / w, sums(v) / w
            uu, vv, uv = sums(u * u) / w - a * a, sums(v * v) / w - b * b, sums(u * v) / w - a * b
            return np.where((uu > 0) & (vv > 0), uv / np.sqrt(np.maximum(uu, 0) * np.maximum(vv, 0)), np.nan)

    weight = rows.sums()
    with np.errstate(divide="ignore", invalid="ignore"):
        su, sv = (z / np.sqrt(rows.sums(z * z) / weight)[rows.group] for z in (u, v))
    r = of(rows.sums)
    at = r[rows.group]
    pseudo = np.nan_to_num(at + su * sv - at * (su**2 + sv**2) / 2)
    return Item(name, "correlation", r, rows.spread(pseudo), base, base_name, lambda: of(rows.replicate_sums))


def cdf(
    design: Design, y: Variable, at: Sequence[float] | None = None, *, by: By = None,
    denominator: Variable | None = None, level: float = 0.95, interval: str | None = None,
    df: str | int = "answered",
) -> Estimates:  # fmt: skip
    r"""Distribution function :math:`\hat F(v) = \sum w\,1(y \le v) / \sum w` at points.

    Parameters
    ----------
    design : Design
    y : str, Series or array of length n
    at : sequence of float, optional
        Points; the distinct values (200 of them, evenly spread over the sample, where there are more) unless given.
    by, denominator, level, interval, df
        As in :func:`uncac_metrics.stats.survey.proportion`.

    Returns
    -------
    Estimates
        A row a point and domain; the point is the label under ``category``.

    Examples
    --------
    >>> import pandas as pd
    >>> from uncac_metrics.stats import survey
    >>> frame = pd.DataFrame({"w": 1.0, "amount": [1.0, 2, 2, 4]})
    >>> survey.cdf(survey.Design(frame, weight="w"), "amount").table[["category", "value"]]
      category  value
    0        1   0.25
    1        2   0.75
    2        4   1.00
    """
    [(name, values)] = variables(design, y)
    base, base_name, ok = eligible(design, denominator, values)
    if at is None:
        found = np.unique(values[ok & (design.weight > 0)])
        places = np.unique(np.linspace(0, max(found.size - 1, 0), MOST_POINTS).round().astype(int))
        points = found[places] if found.size else found
    else:
        points = np.asarray(at, dtype=float)
        if np.isnan(points).any():
            raise Faults([Fault("cdf", "at", "missing points", "give numbers")])
    absent = np.isnan(values)
    pairs = [
        Pair(name, np.where(absent, np.nan, values <= v), base, "proportion", base_name, True,
             {"category": f"{v:.15g}"}, True)
        for v in points
    ]  # fmt: skip
    result = linear(design, pairs, [grouping(by)], level=level, interval=interval, df=df)
    return result.with_columns(statistic="cdf") if len(result) else result


def table(
    design: Design, by: str | Sequence[str], *, denominator: Variable | None = None, total: float | None = None,
    rounded: bool = False, level: float = 0.95, df: str | int = "answered",
) -> Estimates:  # fmt: skip
    r"""Weighted counts of every combination of coded variables.

    Parameters
    ----------
    design : Design
    by : str or list of str
        Columns to be crossed; rows with a missing level in any of them are left out.
    denominator : str, Series or array, optional
        Yes/no: the units to be counted.
    total : float, optional
        Scale the counts to this sum (shares of a population of that size; the standard errors are then those of
        shares times the total).
    rounded : bool
        Round counts to whole numbers, for programs that ask for them; errors and limits stay as they are.
    level, df
        As in :func:`uncac_metrics.stats.survey.mean`.

    Returns
    -------
    Estimates
        The whole grid of levels; a combination without a row is 0 with no standard error.

    Examples
    --------
    >>> import pandas as pd
    >>> from uncac_metrics.stats import survey
    >>> frame = pd.DataFrame({"w": [10.0, 20, 30], "sex": ["F", "M", "F"], "paid": ["no", "no", "yes"]})
    >>> counts = survey.table(survey.Design(frame, weight="w"), ["sex", "paid"]).table
    >>> counts[["sex", "paid", "value", "n"]]
      sex paid  value  n
    0   F   no   10.0  1
    1   F  yes   30.0  1
    2   M   no   20.0  1
    3   M  yes    0.0  0
    """
    names = grouping(by)
    for name in names:
        column(design.data, name, "by")
    complete = design.data[list(names)].notna().all(axis=1).to_numpy()
    base, base_name, ok = eligible(design, denominator)
    ok = ok & complete
    keep = design.kept
    place, levels = finest(design.data, names, keep)
    sizes = [len(found) for found, _ in levels]
    inside = np.ones(levels[0][1].size, dtype=bool)
    code = np.zeros(levels[0][1].size, dtype=np.intp)
    for size, (_, level_code) in zip(sizes, levels, strict=True):
        inside &= level_code < size
        code = code * size + np.minimum(level_code, size - 1)
    grid = pd.DataFrame(list(product(*(found for found, _ in levels))), columns=list(names))
    domains = Domains(grid, np.where(inside, code, -1))
    if total is None:
        pair = Pair("count", np.ones(design.n), None if base is None else ok.astype(float), "total", base_name)
        result = _counts(design, [pair], place, keep, domains, level, df)
    else:
        result = _scaled(design, ok, total, place, keep, domains, base_name, level, df)
    made = result.table
    empty = (made["n"] == 0).to_numpy()
    value = np.where(empty, 0.0, made["value"].to_numpy())
    made = made.assign(
        statistic="count", value=np.round(value) if rounded else value, display="shown",
        obs_status=np.where(empty, "A", made["obs_status"]),
    )  # fmt: skip
    return Estimates(made, result.scores)


def _counts(
    design: Design, pairs: list[Pair], place: Array, keep: Array | None, domains: Domains, level: float, df: str | int
) -> Estimates:
    whole = Pass(design, place, len(domains.of_finest), keep)
    return from_pass(whole, pairs, [domains], level=level, interval="wald", df=df, deff="wr")


def _scaled(
    design: Design, ok: Array, total: float, place: Array, keep: Array | None, domains: Domains, base_name: str,
    level: float, df: str | int,
) -> Estimates:  # fmt: skip
    """Shares of each combination among all rows that count, times a total."""
    cell = np.full(design.n, -1)
    cell[slice(None) if keep is None else keep] = domains.of_finest[place]
    pairs = [
        Pair("count", np.where(ok, cell == i, np.nan), ok.astype(float), "proportion", base_name, True, {}, True)
        for i in range(len(domains.labels))
    ]
    result = linear(design, pairs, [()], level=level, interval="wald", df=df).scaled(float(total))
    made = result.table
    at = made.columns.get_loc("value")
    for i, name in enumerate(domains.labels.columns):
        made.insert(at + i, name, domains.labels[name].astype("str").to_numpy())
    n = np.bincount(cell[ok & (cell >= 0)], minlength=len(domains.labels))
    return Estimates(made.assign(n=pd.array(n, dtype="Int64")), result.scores)
