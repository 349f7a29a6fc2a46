r"""Calibrated weights: post-stratification, raking, linear and logit calibration, bounded.

The calibrated weights :math:`w_i g_i` meet :math:`\sum w_i g_i x_i = T` and are near to the base weights
:math:`w_i` (:mod:`uncac_metrics.stats.survey.distances`). Whatever the distance, an estimate with linearised values
:math:`u_i` has asymptotically the variance of the sum of the weighted residuals

.. math:: z_i = w_i g_i (u_i - x_i^\top B), \qquad B = (\sum w q x x^\top)^{-1} \sum w q x u,

so that the variance of a total that is calibrated to is zero (Deville & Särndal 1992). With replicate weights, every
replicate is calibrated to the same totals instead.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy import sparse

from uncac_metrics.model import Fault, Faults
from uncac_metrics.stats.survey.design import Design
from uncac_metrics.stats.survey.distances import CHUNK, FREE, Basis, basis, solve
from uncac_metrics.stats.survey.feasible import check_options, impossible, missed
from uncac_metrics.stats.survey.stages import rows_of
from uncac_metrics.stats.survey.sums import compress
from uncac_metrics.stats.survey.targets import Margins, Targets, Totals, targets
from uncac_metrics.stats.survey.trimming import reweighted

Array = np.ndarray


@dataclass(frozen=True, eq=False)
class Calibration:
    """The calibration variables that the weights of a design meet, as the variance needs them."""

    cell: Array
    """Pattern of calibration variables of every row."""
    x: Array
    """Variables by pattern, in coordinates where Σ a x x' = 1; shape (patterns, p)."""
    regression: Array
    """Weight a of each row in the regression of linearised values on x: w q, or one; shape (n,)."""
    factor: Array
    """g by pattern."""
    unit_x: Array
    """Σ w g x by final unit, shape (units, p), and those of earlier calibrations behind; empty with replicates."""
    totals: pd.DataFrame
    """For each total: what it was before, what was wanted and what was achieved."""
    method: str
    earlier: Calibration | None = None
    """The calibration that the base weights come from."""
    links: Array | None = None
    """Coefficients of g x on the variables of the earlier calibration, shape (earlier p, p)."""

    def coefficients(self, influence: Array, use: Array, group: Array, n_rows: int) -> Array:
        """Coefficients B of the linearised values on the calibration variables.

        Parameters
        ----------
        influence : array of shape (n,)
            Linearised value of each row, for a unit of weight.
        use : bool array of shape (n,)
            Rows that are read.
        group : integer array of shape (n,)
            Estimate that the row belongs to.
        n_rows : int
            Number of estimates.

        Returns
        -------
        array of shape (p, n_rows)
        """
        cell = self.cell[use]
        value = self.regression[use] * influence[use]
        sums = sparse.csr_array((value, (group[use], cell)), shape=(n_rows, len(self.x)))
        fit = (sums @ self.x).T
        if self.earlier is None or self.links is None:
            return fit
        # the earlier calibration works on what this one leaves, g (u − x'B)
        before = self.earlier.coefficients(influence * self.factor[self.cell], use, group, n_rows)
        return np.vstack([fit, before - self.links @ fit])


def poststratify(design: Design, by: str | Sequence[str], totals: Totals) -> Design:
    r"""Post-stratification: weights that sum to known totals in cells, :math:`g_i = T_c / \sum_{j \in c} w_j`.

    Parameters
    ----------
    design : Design
    by : str or list of str
        Column, or columns that are crossed.
    totals : dict, Series or DataFrame
        Number of units in the population of each cell; levels of a crossing are tuples or index levels.

    Returns
    -------
    Design
        The same sample with new weights; its variances are those of the residuals from the cell means.

    Raises
    ------
    Faults
        Levels without a total, totals without sample, missing values, negative totals: all together.

    References
    ----------
    Holt, D. & Smith, T.M.F. (1979). Post stratification. J. R. Statist. Soc. A 142, 33–46.

    Examples
    --------
    >>> import pandas as pd
    >>> from uncac_metrics.stats import survey
    >>> frame = pd.DataFrame({"w": 10.0, "sex": list("FFMMM"), "paid": [0, 1, 0, 1, 1]})
    >>> design = survey.poststratify(survey.Design(frame, weight="w"), "sex", {"F": 30, "M": 30})
    >>> design.weight
    array([15., 15., 10., 10., 10.])
    """
    key = by if isinstance(by, str) else tuple(by)
    name = key if isinstance(key, str) else " × ".join(key)
    return calibrated(
        design, {key: totals}, None, "linear", FREE, name="poststratify", words=f"post-stratified by {name}"
    )


def rake(
    design: Design, margins: Margins, *, bounds: tuple[float, float] | None = None,
    residuals: str = "weighted", max_steps: int = 100, tolerance: float = 1e-10,
) -> Design:  # fmt: skip
    r"""Raking: weights multiplied by a factor for each level until every margin is met.

    The solution is that of iterative proportional fitting, found by Newton steps:
    :math:`g_i = \exp(x_i^\top\lambda)` with indicators of the levels x.

    Parameters
    ----------
    design : Design
    margins : dict of column to totals, or list of Series or DataFrames
        Number of units in the population of each level; a tuple of columns is a margin of crossed columns.
    bounds : (low, high), optional
        Bounds of the factors; factors beyond are set to the bound.
    residuals : {"weighted", "unweighted"}
        Regression behind the residuals of the variance: with the base weights, as the linearised estimate has it, or
        with equal weights, which is right where the working model holds. With replicates there is none.
    max_steps : int
        Newton steps at most.
    tolerance : float
        Difference from the totals, relative to their size, that counts as met.

    Returns
    -------
    Design

    Raises
    ------
    Faults
        Faults of the margins (see :func:`poststratify`), margins with different sums, and totals that cannot be met,
        with what was reached.

    References
    ----------
    Deming, W.E. & Stephan, F.F. (1940). On a least squares adjustment of a sampled frequency table when the expected
    marginal totals are known. Ann. Math. Statist. 11, 427–444.

    Examples
    --------
    >>> import pandas as pd
    >>> from uncac_metrics.stats import survey
    >>> frame = pd.DataFrame({"w": 10.0, "sex": list("FFMMM"), "area": list("URURR")})
    >>> margins = {"sex": {"F": 30, "M": 30}, "area": {"U": 24, "R": 36}}
    >>> design = survey.rake(survey.Design(frame, weight="w"), margins)
    >>> design.calibration.totals.round(6).reset_index()
        total  before  wanted  achieved
    0   sex=F    20.0    30.0      30.0
    1   sex=M    30.0    30.0      30.0
    2  area=R    30.0    36.0      36.0
    3  area=U    20.0    24.0      24.0
    """
    return calibrated(
        design, margins, None, "raking", bounds or FREE, residuals=residuals, max_steps=max_steps,
        tolerance=tolerance, name="rake",
    )  # fmt: skip


def calibrate(
    design: Design, totals: Margins, *, population: float | None = None, method: str = "linear",
    bounds: tuple[float, float] | None = None, scale_variance: str | None = None, residuals: str = "weighted",
    max_steps: int = 100, tolerance: float = 1e-10,
) -> Design:  # fmt: skip
    r"""Calibration to totals of categories and of numbers (generalised regression, GREG).

    Parameters
    ----------
    design : Design
    totals : dict
        For a column of numbers its population total; for a column of levels, or a tuple of such columns, the number
        of units of each level.
    population : float, optional
        Number of units in the population. Needed beside columns of numbers only; the totals of levels imply it.
    method : {"linear", "raking", "logit"}
        :math:`g = 1 + q x^\top\lambda`; :math:`g = \exp(q x^\top\lambda)`; or the logit between the bounds.
    bounds : (low, high), optional
        Bounds of the factors g, with low < 1 < high. Linear and raking factors beyond are set to the bound; logit
        needs them.
    scale_variance : str, optional
        Column that the variance of the working model is proportional to, q = 1 / column. With the column itself as
        the only total, the ratio estimator.
    residuals : {"weighted", "unweighted"}
        Regression behind the residuals of the variance: with the base weights, as the linearised estimate has it, or
        with equal weights, which is right where the working model holds. With replicates there is none.
    max_steps : int
        Newton steps at most.
    tolerance : float
        Difference from the totals, relative to their size, that counts as met.

    Returns
    -------
    Design

    Raises
    ------
    Faults
        Faults of the totals, negative weights (linear without bounds), and totals that cannot be met.

    References
    ----------
    Deville, J.-C. & Särndal, C.-E. (1992). Calibration estimators in survey sampling. JASA 87, 376–382.
    Deville, J.-C., Särndal, C.-E. & Sautory, O. (1993). Generalized raking procedures in survey sampling. JASA 88,
    1013–1020.

    Examples
    --------
    >>> import pandas as pd
    >>> from uncac_metrics.stats import survey
    >>> frame = pd.DataFrame({"w": 10.0, "staff": [2.0, 4, 6, 8], "bribes": [0.0, 1, 1, 2]})
    >>> design = survey.calibrate(survey.Design(frame, weight="w"), {"staff": 220}, population=40)
    >>> survey.total(design, ["staff", "bribes"]).table[["value", "std_error"]].round(6)
       value  std_error
    0  220.0   0.000000
    1   46.0   5.210246
    """
    return calibrated(
        design, totals, population, method, bounds or FREE, scale_variance=scale_variance, residuals=residuals,
        max_steps=max_steps, tolerance=tolerance, name="calibrate",
    )  # fmt: skip


def calibrated(
    design: Design, margins: Margins, population: float | None, method: str, bounds: tuple[float, float], *,
    scale_variance: str | None = None, residuals: str = "weighted", max_steps: int = 100, tolerance: float = 1e-10,
    name: str, words: str | None = None, weight: Array | None = None, partial: bool = False,
) -> Design:  # fmt: skip
    """The design with its weights calibrated to the margins; what :func:`calibrate` and others have in common."""
    check_options(method, bounds, residuals, name)
    base = design.weight if weight is None else weight
    aim = targets(
        design, margins, population, weight=base, scale_variance=scale_variance, partial=partial, name=name
    )  # fmt: skip
    cells = np.bincount(aim.cell, weights=base, minlength=len(aim.x))
    of = basis(aim.x, aim.q, cells, aim.wanted)
    before = cells @ aim.x
    faults = impossible(aim, before, of, bounds, tolerance, name)
    if faults:
        raise Faults(faults)
    solution = solve(of, cells[:, None], method, bounds, steps=max_steps, tolerance=tolerance)
    if not solution.missed[0] <= tolerance:
        raise Faults(missed(aim, solution, of.size, tolerance, bounds, name))
    factors = solution.factors[:, 0]
    weights = base * factors[aim.cell]
    if (weights < 0).any():
        remedy = 'give bounds as (0.2, 5), or method="raking"'
        raise Faults([Fault(name, "weights", "some are negative", remedy, **rows_of(weights < 0))])
    if words is None:
        how = {"linear": "calibrated (linear)", "raking": "raked", "logit": "calibrated (logit)"}[method]
        limits = "" if bounds == FREE else f", factors in [{bounds[0]:g}, {bounds[1]:g}]"
        unweighted = residuals == "unweighted" and design.replicates is None
        equal = ", residuals of an unweighted regression" if unweighted else ""
        words = f"{how} to {', '.join(aim.columns)}{limits}{equal}"
    table = pd.DataFrame(
        {"before": before, "wanted": aim.wanted, "achieved": solution.achieved[:, 0]},
        index=pd.Index(aim.names, name="total"),
    )
    if design.replicates is not None:
        calibration = Calibration(aim.cell, of.x, np.empty(0), factors, np.empty((0, 0)), table, words)
        result = reweighted(design, weights, (words,), calibration)
        return _replicated(result, base, aim, of, factors, method, bounds, max_steps, tolerance, name)
    live, regression, x = base > 0, base * aim.q[aim.cell], of.x
    if residuals == "unweighted":
        regression = live.astype(float)
        counts = np.bincount(aim.cell, weights=regression, minlength=len(aim.x))
        x = basis(aim.x, np.ones(len(aim.x)), counts, aim.wanted).x
    unit_x = sparse.csr_array((weights, (design.unit, aim.cell)), shape=(design.n_units, len(x))) @ x
    earlier, links = design.calibration, None
    if earlier is not None:
        none = np.zeros(design.n, dtype=np.intp)
        links = np.hstack([earlier.coefficients((factors * v)[aim.cell], live, none, 1) for v in x.T])
        unit_x = np.hstack([unit_x, earlier.unit_x])
    calibration = Calibration(aim.cell, x, regression, factors, unit_x, table, words, earlier, links)
    return reweighted(design, weights, (words,), calibration)


def _replicated(
    design: Design, base: Array, aim: Targets, of: Basis, factors: Array, method: str, bounds: tuple[float, float],
    max_steps: int, tolerance: float, name: str,
) -> Design:  # fmt: skip
    """Every replicate calibrated to the same totals; a factor row for each unit × pattern that occurs."""
    replicates, n_patterns = design.replicates, len(aim.x)
    factor_row = replicates.of_unit[design.unit]
    sums = sparse.csr_array((base, (aim.cell, factor_row)), shape=(n_patterns, len(replicates.factors)))
    occupied, pair = compress(factor_row.astype(np.int64) * n_patterns + aim.cell, len(replicates.factors) * n_patterns)
    row, pattern = np.divmod(occupied, n_patterns)
    per_pattern = np.empty((occupied.size, replicates.n))
    with np.errstate(divide="ignore"):
        inverse = np.where(factors != 0, 1 / factors, 0.0)
    faults = []
    width = max(1, CHUNK // n_patterns)
    for start in range(0, replicates.n, width):
        own = replicates.factors[:, start : start + width]
        solution = solve(of, sums @ own, method, bounds, steps=max_steps, tolerance=tolerance)
        for r in np.flatnonzero(~(solution.missed <= tolerance)):
            off = np.abs(solution.achieved[:, r] - aim.wanted) > tolerance * of.size
            names = ", ".join(np.array(aim.names)[off][:3])
            remedy = "merge levels that few units have, widen the bounds, or make fewer or other replicates"
            faults.append(Fault(name, f"replicate {start + r + 1}", f"cannot meet the totals of {names}", remedy))
        ratio = solution.factors * inverse[:, None]
        per_pattern[:, start : start + width] = own[row] * ratio[pattern]
    lost = (factors == 0)[aim.cell] & (base > 0)
    if lost.any():
        remedy = "give a lower bound above zero"
        faults.append(Fault(name, "weights", "some are zero in the sample, not in replicates", remedy, **rows_of(lost)))
    if faults:
        raise Faults(faults)
    finer, unit = compress(design.unit.astype(np.int64) * n_patterns + aim.cell, design.n_units * n_patterns)
    above = finer // n_patterns
    of_unit = np.empty(finer.size, dtype=np.intp)
    of_unit[unit] = pair
    return design.changed(
        unit=unit, n_units=finer.size, stages=tuple(replace(s, unit=s.unit[above]) for s in design.stages),
        replicates=replace(replicates, factors=per_pattern, of_unit=of_unit),
    )  # fmt: skip
