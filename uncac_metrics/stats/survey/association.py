r"""Tests of independence in two-way tables, and t tests.

Rao–Scott statistics take Pearson's :math:`X^2` of the estimated table and refer it to what it is distributed as under
the design: :math:`\sum_j \delta_j \chi^2_1`, with the generalised design effects δ the eigenvalues of
:math:`(C^\top D^{-1} V_0 D^{-1} C)^{-1} (C^\top D^{-1} V D^{-1} C)`; C spans the interactions, D holds the cell shares,
V is their covariance under the design and V₀ that under independent sampling.

References
----------
Rao, J.N.K. & Scott, A.J. (1984). On chi-squared tests for multiway contingency tables with cell proportions estimated
from survey data. Ann. Statist. 12, 46–60.
Koch, G.G., Freeman, D.H. & Freeman, J.L. (1975). Strategies in the multivariate analysis of data from complex surveys.
Int. Stat. Rev. 43, 59–78.
Thomas, D.R. & Rao, J.N.K. (1987). Small-sample comparisons of level and power for simple goodness-of-fit statistics
under cluster sampling. JASA 82, 630–636.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from uncac_metrics.model import Fault, Faults
from uncac_metrics.stats import chi_square_sums
from uncac_metrics.stats.survey.arguments import Variable, base_of, series, variables
from uncac_metrics.stats.survey.design import Design
from uncac_metrics.stats.survey.influence import answered_df, unit_scores
from uncac_metrics.stats.survey.stages import rows_of
from uncac_metrics.stats.survey.sums import compress, label
from uncac_metrics.stats.survey.testing import TestResult, f_tail, t_test_of, wald

Array = np.ndarray
STATISTICS = ("F", "Chisq", "Wald", "adjWald", "lincom", "saddlepoint")


@dataclass(frozen=True, eq=False)
class Table:
    """An estimated two-way table with the covariances of its totals and of its shares."""

    rows: tuple[str, ...]
    columns: tuple[str, ...]
    totals: Array
    """Estimated population of each cell, row by row."""
    covariance: Array
    share_covariance: Array
    n: int
    df: float

    @property
    def shape(self) -> tuple[int, int]:
        """Numbers of rows and of columns."""
        return len(self.rows), len(self.columns)

    @property
    def shares(self) -> Array:
        """Cells as shares of the whole table."""
        return self.totals / self.totals.sum()


def chi_square(
    design: Design, rows: Variable, columns: Variable, *, statistic: str = "F", denominator: Variable | None = None,
    df: float | None = None, missing: str = "omit",
) -> TestResult:  # fmt: skip
    r"""Test that two coded variables are independent in the population.

    Parameters
    ----------
    design : Design
    rows, columns : str, Series or array of length n
        Text, categories or numbers of few values.
    statistic : {"F", "Chisq", "Wald", "adjWald", "lincom", "saddlepoint"}
        "F": :math:`X^2 / \sum \delta` on :math:`d = (\sum\delta)^2 / \sum\delta^2` and d ν degrees of freedom, ν those
        of the design (Rao & Scott 1984); "Chisq": :math:`X^2 / \bar\delta` as chi-square; "lincom": the distribution
        of :math:`\sum \delta_j F_j` itself, exact; "saddlepoint": its approximation; "Wald": from the differences of
        the cells from independence and their covariance (Koch et al. 1975); "adjWald": adjusted for the degrees of
        freedom, ν − k + 1.
    denominator : str, Series or array, optional
        Yes/no: the units that the table is of.
    df : float, optional
        ν in the place of the design's; infinite for the asymptotic test.
    missing : {"omit", "error"}

    Returns
    -------
    TestResult
        With Pearson's statistic (scaled to the number of answers), the design effects and the shares in `details`.

    Raises
    ------
    Faults
        A variable with one level, no complete row, a table too large for the sampling units ("Wald").

    Examples
    --------
    >>> import pandas as pd
    >>> from uncac_metrics.stats import survey
    >>> frame = pd.DataFrame({"w": 1.0, "sex": list("FFFFFMMMMM"), "paid": list("0001101111")})
    >>> print(survey.chi_square(survey.Design(frame, weight="w"), "sex", "paid"))
    Rao–Scott test of sex × paid: F (1, 9 df) = 1.5, p = 0.252
    """
    if statistic not in STATISTICS:
        raise Faults([Fault("chi_square", "statistic", f"unknown {statistic!r}", f"one of {', '.join(STATISTICS)}")])
    table, named = two_way(design, rows, columns, denominator, missing, "chi_square")
    nu = table.df if df is None else float(df)
    k = (table.shape[0] - 1) * (table.shape[1] - 1)
    p = table.shares.reshape(table.shape)
    expected = np.outer(p.sum(axis=1), p.sum(axis=0))
    pearson = float(table.n * ((p - expected) ** 2 / expected).sum())
    details: dict[str, object] = {"pearson": pearson}
    if statistic in ("Wald", "adjWald"):
        y, v = _differences(table)
        method = f"Wald test of {named}"
        if not nu > 0:
            raise Faults([Fault("chi_square", "design", "no degrees of freedom", "merge strata")])
        result = wald(y, v, nu, method, n=table.n, where=named)
        f, ddf = result.statistic, nu
        if statistic == "adjWald" and np.isfinite(nu):
            ddf = nu - k + 1
            f = f * ddf / nu
        return TestResult(f, "F", (float(k), ddf), f_tail(f, k, ddf), method, n=table.n, details=details)
    effects = design_effects(table)
    details |= {"design effects": tuple(float(v) for v in effects)}
    mean = effects.mean()
    d = effects.sum() ** 2 / (effects**2).sum()
    method = f"Rao–Scott test of {named}"
    if statistic == "F":
        f = pearson / effects.sum()
        return TestResult(f, "F", (float(d), float(d * nu)), f_tail(f, d, d * nu), method,
                          n=table.n, details=details)  # fmt: skip
    if statistic == "Chisq":
        value = pearson / mean
        return TestResult(value, "chi-square", (float(k),), f_tail(value / k, k, np.inf), method,
                          n=table.n, details=details)  # fmt: skip
    how = "exact" if statistic == "lincom" else "saddlepoint"
    p_value = chi_square_sums.tail(pearson, effects, d * nu, how)
    kind = "sum of F" if np.isfinite(nu) else "sum of chi-squares"
    return TestResult(pearson, kind, (), p_value, f"{method} ({how})", n=table.n, details=details)


def log_linear(
    design: Design, rows: Variable, columns: Variable, *, denominator: Variable | None = None, df: float | None = None,
    distribution: str = "exact", missing: str = "omit",
) -> dict[str, TestResult]:  # fmt: skip
    r"""Log-linear model of independence against the saturated one: deviance and score tests of Rao and Scott.

    Both statistics are :math:`\sum_j \delta_j \chi^2_1` under independence; the score statistic is Pearson's
    :math:`X^2`, the deviance :math:`2 n \sum p \log(p / p_0)`.

    Parameters
    ----------
    design : Design
    rows, columns : str, Series or array of length n
    denominator : str, Series or array, optional
        Yes/no: the units that the table is of.
    df : float, optional
        Degrees of freedom of the design, in the place of its own.
    distribution : {"exact", "saddlepoint", "satterthwaite"}
    missing : {"omit", "error"}

    Returns
    -------
    dict
        ``deviance`` and ``score``: TestResult.
    """
    table, named = two_way(design, rows, columns, denominator, missing, "log_linear")
    p = table.shares.reshape(table.shape)
    expected = np.outer(p.sum(axis=1), p.sum(axis=0))
    effects = design_effects(table)
    nu = table.df if df is None else float(df)
    d = effects.sum() ** 2 / (effects**2).sum()
    kind = "sum of F" if np.isfinite(nu) else "sum of chi-squares"
    details = {"design effects": tuple(float(v) for v in effects)}
    found = {
        "deviance": 2 * table.n * float(np.where(p > 0, p * np.log(np.where(p > 0, p / expected, 1.0)), 0.0).sum()),
        "score": table.n * float(((p - expected) ** 2 / expected).sum()),
    }
    return {
        name: TestResult(
            value, kind, (), chi_square_sums.tail(value, effects, d * nu, distribution),
            f"Rao–Scott {name} test of independence of {named}", n=table.n, details=details,
        )
        for name, value in found.items()
    }  # fmt: skip


def t_test(
    design: Design, y: Variable, group: Variable | None = None, *, mu: float = 0.0,
    denominator: Variable | None = None, level: float = 0.95, df: float | None = None, missing: str = "omit",
) -> TestResult:  # fmt: skip
    """Test of a mean against `mu`, or of the difference of the means of two groups against it.

    Parameters
    ----------
    design : Design
    y : str, Series or array of length n
        Numbers, or yes/no.
    group : str, Series or array, optional
        Two levels; the difference is the second (in order) less the first.
    mu : float
    denominator : str, Series or array, optional
        Yes/no: the units that the test is of.
    level : float
        Of the confidence interval.
    df : float, optional
        In the place of the design's degrees of freedom (less one with two groups).
    missing : {"omit", "error"}

    Returns
    -------
    TestResult

    Raises
    ------
    Faults
        A group that has not two levels; values that are all equal.

    Examples
    --------
    >>> import pandas as pd
    >>> from uncac_metrics.stats import survey
    >>> frame = pd.DataFrame({"w": 1.0, "sex": list("FFFMMM"), "bribes": [0, 1, 0, 2, 3, 1]})
    >>> print(survey.t_test(survey.Design(frame, weight="w"), "bribes", "sex"))
    t test of bribes: M - F: t (4 df) = 2.795, p = 0.0491; estimate 1.667 (95 %: 0.01111 to 3.322)
    """
    from uncac_metrics.stats.survey.least_squares import group_means

    [(name, values)] = variables(design, y)
    if group is None:
        use = complete(design, [(name, pd.Series(values))], denominator, missing, "t_test")
        found = group_means(design, use, values[use].astype(float), None)
        label_of = f"t test of the mean of {name}"
        estimate, variance = found.values[0], found.covariance()[0, 0]
        nu = found.df
    else:
        [(group_name, groups)] = series(design, group)
        use = complete(design, [(name, pd.Series(values)), (group_name, groups)], denominator, missing, "t_test")
        codes, levels = coded(groups, use, group_name, "t_test")
        if len(levels) != 2:
            what = f"{len(levels)} levels: {', '.join(levels[:5])}"
            remedy = "two groups; for more see glm() and its term_test()"
            raise Faults([Fault("t_test", f"group {group_name!r}", what, remedy)])
        found = group_means(design, use, values[use].astype(float), codes)
        label_of = f"t test of {name}: {levels[1]} - {levels[0]}"
        estimate, variance = found.values[1], found.covariance()[1, 1]
        nu = found.df - 1
    if not found.spread():
        raise Faults([Fault("t_test", name, "all values are equal: there is no spread to test with", "see its values")])
    return t_test_of(
        estimate, float(np.sqrt(variance)), nu if df is None else float(df), label_of, null=mu, level=level, n=use.size
    )


def two_way(
    design: Design, rows: Variable, columns: Variable, denominator: Variable | None, missing: str, what: str
) -> tuple[Table, str]:
    """The estimated table of two variables, and what to call it."""
    [(row_name, row_values)], [(column_name, column_values)] = series(design, rows), series(design, columns)
    both = [(row_name, row_values), (column_name, column_values)]
    use = complete(design, both, denominator, missing, what)
    r, row_levels = coded(row_values, use, row_name, what)
    c, column_levels = coded(column_values, use, column_name, what)
    few = [n for n, levels in ((row_name, row_levels), (column_name, column_levels)) if len(levels) < 2]
    if few:
        faults = [Fault(what, f"variable {n!r}", "has one level among the rows used", "two at least") for n in few]
        raise Faults(faults)
    k = len(row_levels) * len(column_levels)
    occupied, place = compress(design.unit[use], design.n_units)
    code = place * k + r * len(column_levels) + c
    sums = np.bincount(code, weights=design.weight[use], minlength=occupied.size * k).reshape(-1, k)
    totals = sums.sum(axis=0)
    p, whole = totals / totals.sum(), totals.sum()
    fit = None
    if design.calibration is not None and design.replicates is None:
        group = np.full(design.n, -1)
        group[use] = r * len(column_levels) + c
        mask = np.zeros(design.n, dtype=bool)
        mask[use] = True
        fit = design.calibration.coefficients(np.ones(design.n), mask, np.where(mask, group, 0), k)
    of_totals = unit_scores(design, occupied, sums, fit)
    jacobian = (np.eye(k) - p[:, None]) / whole
    if design.replicates is None:
        shares = unit_scores(design, occupied, sums @ jacobian.T, None if fit is None else fit @ jacobian.T)
    else:
        unit, cell = np.repeat(occupied, k), np.tile(np.arange(k), occupied.size)
        replicated = design.replicates.sums(unit, cell, sums.ravel(), k)
        with np.errstate(invalid="ignore", divide="ignore"):
            shares = design.replicates.scores(design, replicated / replicated.sum(axis=1, keepdims=True), p)
    df, _ = answered_df(design, use)
    table = Table(
        tuple(row_levels), tuple(column_levels), totals, of_totals.cross(of_totals), shares.cross(shares), use.size, df
    )
    return table, f"{row_name} × {column_name}"


def design_effects(table: Table) -> Array:
    """Generalised design effects of the interactions, in decreasing order."""
    a, b = table.shape
    # interactions free of main effects: products of contrasts
    contrast = np.kron(_contrasts(a), _contrasts(b))
    with np.errstate(divide="ignore"):
        inverse = np.where(table.shares > 0, 1 / table.shares, 0.0)
    scaled = inverse[:, None] * contrast
    naive = contrast.T @ scaled / table.n
    actual = scaled.T @ table.share_covariance @ scaled
    values = np.linalg.eigvals(np.linalg.solve(naive, actual)).real
    return np.sort(values)[::-1]


def _contrasts(k: int) -> Array:
    """Columns orthogonal to the ones."""
    return (np.eye(k) - 1 / k)[:, 1:]


def _differences(table: Table) -> tuple[Array, Array]:
    """Cell totals less those of independence without the first row and column, and their covariance."""
    a, b = table.shape
    cells = table.totals.reshape(a, b)
    whole, rows, columns = cells.sum(), cells.sum(axis=1), cells.sum(axis=0)
    y = cells - np.outer(rows, columns) / whole
    # derivative by the total of cell (i, j)
    jacobian = np.eye(a * b).reshape(a, b, a, b)
    for i in range(a):
        jacobian[i, :, i, :] -= columns[:, None] / whole
    for j in range(b):
        jacobian[:, j, :, j] -= rows[:, None] / whole
    jacobian += (np.outer(rows, columns) / whole**2)[:, :, None, None]
    inner = jacobian[1:, 1:].reshape((a - 1) * (b - 1), a * b)
    return y[1:, 1:].ravel(), inner @ table.covariance @ inner.T


def complete(
    design: Design, values: list[tuple[str, pd.Series]], denominator: Variable | None, missing: str, what: str
) -> Array:
    """Rows with a weight, within the denominator, where no value is missing."""
    if missing not in ("omit", "error"):
        raise Faults([Fault(what, "missing", f"unknown policy {missing!r}", "omit or error")])
    base, _ = base_of(design, denominator)
    keep = design.weight > 0 if base is None else (design.weight > 0) & (base == 1)
    faults = []
    answered = keep.copy()
    for name, v in values:
        absent = v.isna().to_numpy() & keep
        answered &= ~absent
        if missing == "error" and absent.any():
            faults.append(Fault(what, name, "missing answers", 'impute them, or say missing="omit"', **rows_of(absent)))
    if faults:
        raise Faults(faults)
    if not answered.any():
        raise Faults([Fault(what, ", ".join(n for n, _ in values), "no row has every value", "see what is missing")])
    return np.flatnonzero(answered)


def coded(values: pd.Series, use: Array, name: str, what: str) -> tuple[Array, list[str]]:
    """Codes of the levels that occur among the rows used, and their labels in order."""
    some = values.iloc[use]
    if isinstance(some.dtype, pd.CategoricalDtype):
        some = some.cat.remove_unused_categories()
        codes, levels = some.cat.codes.to_numpy(), list(some.cat.categories)
    else:
        codes, found = pd.factorize(some, sort=True)
        levels = list(found)
    if len(levels) > 100:
        raise Faults([Fault(what, f"variable {name!r}", f"{len(levels)} levels", "group its values")])
    return codes.astype(np.intp), [label(v) for v in levels]
