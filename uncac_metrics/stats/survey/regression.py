r"""Generalised linear models of survey data.

The coefficients maximise the weighted likelihood: they estimate those of the model fitted to the whole population. With
A the weighted information :math:`X^\top W X`, their linearised values are
:math:`u_i = A^{-1} x_i\,(y_i - \mu_i)\,(d\mu_i/d\eta_i) / V(\mu_i)`, and their covariance is that of weighted sums of
:math:`u_i` under the design, or that of the coefficients refitted with each replicate's weights.

References
----------
Binder, D.A. (1983). On the variances of asymptotically normal estimators from complex surveys. Int. Stat. Rev. 51,
279–292.
Lumley, T. & Scott, A. (2014). Tests for regression models fitted to survey data. Aust. N. Z. J. Stat. 56, 1–14.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from uncac_metrics.model import Fault, Faults
from uncac_metrics.stats import chi_square_sums
from uncac_metrics.stats.estimates import Estimates
from uncac_metrics.stats.joint import Combined
from uncac_metrics.stats.survey import irls
from uncac_metrics.stats.survey.arguments import Variable, variables
from uncac_metrics.stats.survey.coefficients import Coefficients, table_of
from uncac_metrics.stats.survey.design import Design
from uncac_metrics.stats.survey.effects import average_effects
from uncac_metrics.stats.survey.families import checked_outcome, family_of
from uncac_metrics.stats.survey.formulas import ModelFrame, model_frame
from uncac_metrics.stats.survey.influence import BLOCK, answered_df, row_scores
from uncac_metrics.stats.survey.testing import TestResult
from uncac_metrics.stats.survey.variance import AnyScores

Array = np.ndarray


@dataclass(frozen=True, eq=False, repr=False)
class Fit(Coefficients):
    """A fitted generalised linear model.

    Attributes
    ----------
    estimates : Estimates
        A row a coefficient: its name under ``category``, the statistic ``coefficient``.
    covariance : DataFrame
        Design-based covariance of the coefficients.
    df_design, df_residual : float
        Degrees of freedom of the design, and those less the number of coefficients but one: for t and F tests.
    """

    family: Any
    """A family of statsmodels, with its link."""
    dispersion: float
    """Weighted variance of the Pearson residuals."""
    deviance: float
    """Deviance with weights of mean one."""
    y: Array
    weight: Array
    """Weights of the rows that took part, with mean one."""
    offset: Array | None
    change: Array
    """Coefficients on the columns of the formula from those on the standardised columns of ``frame.x``."""
    information: Array
    """Of the standardised columns."""
    replicated: Array | None
    """Coefficients of each replicate, shape (replicates, p)."""
    level: float

    def predict(
        self, new: pd.DataFrame, type: str = "response", *, offset: Sequence[float] | None = None,
        level: float | None = None,
    ) -> Estimates:  # fmt: skip
        r"""Predictions for new rows: of the linear predictor, or of the mean with the delta method's error.

        Parameters
        ----------
        new : DataFrame
            The columns on the right-hand side of the formula.
        type : {"response", "link"}
        offset : sequence of float, optional
            One a row, on the scale of the link; zero without it.
        level : float, optional
            Of the confidence intervals; that of the model without it. Limits of a mean are those of the linear
            predictor, transformed.

        Returns
        -------
        Estimates
            A row a row of `new`, under the breakdown ``row`` (numbered from 1), with their joint covariance.
        """
        if type not in ("link", "response"):
            raise Faults([Fault("predict", "type", f"unknown type {type!r}", "link or response")])
        x = self.frame.matrix(new)
        eta = x @ self.values + (0.0 if offset is None else np.asarray(offset, dtype=float))
        variance = np.einsum("ij,jk,ik->i", x, self.covariance.to_numpy(), x)
        names = [str(i + 1) for i in range(len(x))]
        scores = Combined(((self.estimates.scores[0], x),))
        link = table_of(
            self.design, self.frame, names, eta, variance, scores, self.df_residual, self.n_psu,
            self.level if level is None else level, "prediction", "linear predictor", "row",
        ).with_columns(quality="")  # fmt: skip
        if type == "link":
            return link
        mu = self.family.link.inverse(eta)
        slope = 1.0 / self.family.link.deriv(mu)
        limits = np.sort(self.family.link.inverse(link.table[["lower", "upper"]].to_numpy()), axis=1)
        return link.scaled(slope).with_columns(
            value=mu, std_error=np.abs(slope) * link.table["std_error"], lower=limits[:, 0], upper=limits[:, 1],
            interval=f"wald on the scale of the link ({_class_name(self.family.link)})", statistic="predicted mean",
        )  # fmt: skip

    def term_test(
        self, terms: str | Sequence[str], method: str = "wald", *, distribution: str = "exact",
        df: float | None = None,
    ) -> TestResult:  # fmt: skip
        r"""Test that all coefficients of some terms are zero.

        Parameters
        ----------
        terms : str or list of str
            Terms of the formula as written there (``"C(race)"``, ``"age:sex"``); ``"1"`` is the intercept.
        method : {"wald", "lrt"}
            F on the Wald statistic :math:`\beta^\top V^{-1} \beta / k`; or the working likelihood ratio, the weighted
            deviance that the terms save, which under the hypothesis is distributed as :math:`\sum_j \lambda_j F_j`
            with λ the eigenvalues of the design-based covariance over that of an independent sample (Rao & Scott).
            The statistic given is then the deviance over the mean of λ; `details` holds both.
        distribution : {"exact", "saddlepoint", "satterthwaite"}
            How the p-value of the likelihood ratio is computed.
        df : float, optional
            Denominator degrees of freedom in the place of ``df_residual``; infinite for a chi-square test.

        Returns
        -------
        TestResult
        """
        places = self.frame.columns_of(terms if isinstance(terms, str) else list(terms), "term_test")
        fit = self if df is None else replace(self, df_residual=float(df))
        if method == "wald":
            return fit._wald(places, terms)
        if method != "lrt":
            raise Faults([Fault("term_test", "method", f"unknown method {method!r}", "wald or lrt")])
        pick = np.ix_(places, places)
        naive = (self.change @ np.linalg.solve(self.information, self.change.T))[pick]
        scale = np.linalg.eigvals(np.linalg.solve(naive, self.covariance.to_numpy()[pick])).real
        saved = self._without(places) - self.deviance
        named = terms if isinstance(terms, str) else ", ".join(terms)
        return TestResult(
            saved / scale.mean(), "sum of F" if np.isfinite(fit.df_residual) else "sum of chi-squares",
            (float(len(places)), fit.df_residual),
            chi_square_sums.tail(saved, scale, fit.df_residual, distribution),
            f"working likelihood ratio (Rao–Scott) test of {named}", n=len(self.frame.rows),
            details={"deviance": saved, "scale": tuple(float(v) for v in sorted(scale, reverse=True))},
        )  # fmt: skip

    def margins(self, variable: str, *, unconditional: bool = True, level: float | None = None) -> Estimates:
        r"""Average marginal effect of a variable on the mean of the outcome.

        For numbers :math:`\sum w\, d\mu_i/dz_i / \sum w`, through every term that holds the variable; for levels (and
        numbers that the formula treats as levels) the difference of the average predictions when everybody has the
        level and when everybody has the first.

        Parameters
        ----------
        variable : str
            A column of the formula.
        unconditional : bool
            The error also covers that the average is over a sample of people, as that of any other mean here;
            otherwise it is that of the coefficients alone (the delta method for these people).
        level : float, optional

        Returns
        -------
        Estimates
            Statistic ``average marginal effect``; levels under ``category`` as ``M - F``.
        """
        return average_effects(self, variable, unconditional, self.level if level is None else level)

    def bread(self) -> Array:
        """Linearised coefficients (per unit of weight) from the score of a row on the standardised columns."""
        mean_weight = self.design.weight[self.frame.rows].mean()
        return np.linalg.solve(self.information, self.change.T) / mean_weight

    def residual_factor(self) -> Array:
        """(y − μ) (dμ/dη) / V(μ) of every row."""
        return _residuals(self.frame.x, self.y, self.offset, np.linalg.solve(self.change, self.values), self.family)[0]

    def _without(self, places: list[int]) -> float:
        """Deviance of the model without these columns, on the same rows."""
        keep = [i for i in range(len(self.values)) if i not in places]
        if not keep:
            mu = self.family.link.inverse(np.zeros(len(self.y)) if self.offset is None else self.offset)
            return float(self.family.deviance(self.y, mu, var_weights=self.weight))
        x = self.frame.x
        intercept = self.frame.terms.get("1", [-1])[0]
        if intercept in places:  # columns were centred with the help of the intercept that now goes
            x = x @ np.linalg.inv(self.change)
        found = irls.solve(np.ascontiguousarray(x[:, keep]), self.y, self.weight, self.offset, self.family)
        if not found.converged:
            raise Faults([Fault("term_test", "lrt", "the model without the terms has no fit", 'method="wald"')])
        return found.deviance


def glm(
    design: Design, formula: str, *, family: Any = "gaussian", link: str | None = None,
    denominator: Variable | None = None, offset: Variable | None = None, level: float = 0.95, missing: str = "omit",
) -> Fit:  # fmt: skip
    r"""Generalised linear model by weighted likelihood, with design-based errors.

    Parameters
    ----------
    design : Design
        Of any kind. Under replicate weights the model is fitted once for each replicate.
    formula : str
        As ``"paid ~ age + C(sex)"``; ``C()`` makes levels of numbers, ``a:b`` and ``a*b`` interactions, ``0 +`` leaves
        the intercept out; names that are no Python names stand in backticks. Two-level text may be the outcome of a
        binomial model: the second level, in order, is the event.
    family : str or statsmodels family
        "gaussian", "binomial", "poisson", "gamma", "inverse_gaussian". The dispersion is free in all: only the mean
        and the shape of the variance matter.
    link : str, optional
        "identity", "log", "logit", "probit", "cloglog", "loglog", "cauchit", "inverse", "inverse_squared", "sqrt";
        that of the family without it.
    denominator : str, Series or array, optional
        Yes/no: the units that the model is of (a domain; missing is not yes).
    offset : str, Series or array, optional
        Number added to the linear predictor: the logarithm of the exposure in a Poisson model.
    level : float
        Of the confidence intervals, with Student's t on the residual degrees of freedom.
    missing : {"omit", "error"}
        Rows with a missing value in the formula leave the model, or are an error.

    Returns
    -------
    Fit

    Raises
    ------
    Faults
        Unknown columns, families and links; no complete row; an outcome that is the same for all or outside what the
        family allows; collinear columns; separation (an outcome that a combination of terms predicts with certainty,
        so that coefficients grow without end).

    Examples
    --------
    >>> import pandas as pd
    >>> from uncac_metrics.stats import survey
    >>> frame = pd.DataFrame({"w": [1.0, 2, 1, 2, 1, 2, 1, 2], "sex": list("FFFFMMMM"),
    ...                       "paid": [0, 0, 1, 0, 0, 1, 1, 1]})
    >>> fit = survey.glm(survey.Design(frame, weight="w"), "paid ~ sex", family="binomial")
    >>> fit.summary()[["category", "value", "std_error"]].round(3)
        category  value  std_error
    0  Intercept -1.609      1.247
    1   sex[T.M]  3.219      1.763
    """
    fitted, name = family_of(family, link)
    if not 0 < level < 1:
        raise Faults([Fault("glm", "level", f"{level} is no confidence level", "a number between 0 and 1, as 0.95")])
    shift, known = _offset(design, offset, denominator, missing)
    frame = model_frame(design, formula, known, missing, "glm")
    y = checked_outcome(frame.y, frame.rows, design.n, name, f"outcome {frame.outcome!r}")
    return fit_frame(design, frame, y, fitted, None if shift is None else shift[frame.rows], level)


def fit_frame(
    design: Design, frame: ModelFrame, y: Array, family: Any, offset: Array | None = None, level: float = 0.95
) -> Fit:
    """The model of a frame; ``frame.x`` is standardised in place."""
    x, weight = frame.x, design.weight[frame.rows]
    weight = weight / weight.mean()
    one = frame.terms.get("1")
    change = irls.standardise(x, weight, one[0] if one else None)
    with threadpool_limits(limits=1, user_api="blas"):  # the blocks are small: more threads wait for each other
        redundant = irls.collinear(irls.gram(x, weight))
    if redundant:
        listed = ", ".join(frame.names[j] for j in redundant)
        remedy = "leave them out, or merge levels that few rows have"
        raise Faults([Fault("glm", "formula", f"columns that follow from the others: {listed}", remedy)])
    with threadpool_limits(limits=1, user_api="blas"):
        found = irls.solve(x, y, weight, offset, family)
    if not found.converged:
        _explain(frame, found, x, offset, family)
        found = irls.solve(x, y, weight, offset, family, found.coefficients, steps=500)
    if not found.converged:
        remedy = "try another link, or fewer terms"
        raise Faults([Fault("glm", "formula", "the iteration finds no maximum", remedy)])
    values = change @ found.coefficients
    residual, pearson = _residuals(x, y, offset, found.coefficients, family)
    n = len(y)
    centre = weight @ pearson / n
    dispersion = float(weight @ (pearson - centre) ** 2 / (n - 1)) if n > 1 else np.nan
    replicated = None
    if design.replicates is None:
        bread = np.linalg.solve(found.information, change.T) / design.weight[frame.rows].mean()
        scores: AnyScores = row_scores(design, frame.rows, x, residual, bread)
    else:
        replicated = _refits(design, frame, y, offset, family, found.coefficients) @ change.T
        scores = design.replicates.scores(design, replicated, values)
    df, n_psu = answered_df(design, frame.rows)
    link = _class_name(family.link)
    method = f"{_class_name(family)} model, link {link}: {frame.formula}"
    estimates = table_of(
        design, frame, frame.names, values, scores.variances(), scores, df + 1 - len(values), n_psu, level, method
    )
    return Fit(
        design, frame, estimates, df, df + 1 - len(values), family, dispersion, found.deviance, y, weight, offset,
        change, found.information, replicated, level,
    )  # fmt: skip


def _residuals(x: Array, y: Array, offset: Array | None, beta: Array, family: Any) -> tuple[Array, Array]:
    """Factor of the score, (y − μ) (dμ/dη) / V, and Pearson residual of every row."""
    factor, pearson = np.empty(len(y)), np.empty(len(y))
    for start in range(0, len(y), BLOCK):
        part = slice(start, start + BLOCK)
        mu, slope, v = irls.pieces(x[part], None if offset is None else offset[part], beta, family)
        left = y[part] - mu
        factor[part], pearson[part] = left * slope / v, left / np.sqrt(v)
    return factor, pearson


def _refits(design: Design, frame: ModelFrame, y: Array, offset: Array | None, family: Any, start: Array) -> Array:
    """Coefficients with every replicate's weights; NaN where they have no fit."""
    replicates, rows = design.replicates, frame.rows
    own, weight = replicates.of_unit[design.unit[rows]], design.weight[rows]
    out = np.full((replicates.n, start.size), np.nan)
    for r in range(replicates.n):
        w = weight * replicates.factors[own, r]
        if not w.any():
            continue
        w = w / w.mean()
        if irls.collinear(irls.gram(frame.x, w)):
            continue
        found = irls.solve(frame.x, y, w, offset, family, start)
        if found.converged:
            out[r] = found.coefficients
    return out


def _explain(frame: ModelFrame, found: irls.Solution, x: Array, offset: Array | None, family: Any) -> None:
    """A fault where the means run to the end of their range: separation."""
    name = _class_name(family)
    if name not in ("Binomial", "Poisson") or not np.isfinite(found.coefficients).all():
        return
    with np.errstate(all="ignore"):
        mu, _, _ = irls.pieces(x, offset, found.coefficients, family)
    end = mu < 1e-7 * (mu.mean() if name == "Poisson" else 1.0)
    if name == "Binomial":
        end |= mu > 1 - 1e-7
    if not end.any():
        return
    size = np.abs(found.step)
    growing = [n for n, s in zip(frame.names, size, strict=True) if s > 0.02 * size.max()]
    what = f"separation: the outcome of {int(end.sum()):,} rows is certain under {', '.join(growing)}"
    remedy = "merge levels in which the outcome does not vary, or leave the terms out"
    raise Faults([Fault("glm", "formula", what, remedy)])


def _offset(
    design: Design, offset: Variable | None, denominator: Variable | None, missing: str
) -> tuple[Array | None, Variable | None]:
    """The offset, and the denominator without the rows where it is missing."""
    if offset is None:
        return None, denominator
    [(name, values)] = variables(design, offset)
    shift = values.astype(float)
    absent = np.isnan(shift)
    if not absent.any():
        return shift, denominator
    if missing == "error":
        raise Faults([Fault("glm", f"offset {name!r}", "missing values", 'impute them, or say missing="omit"')])
    from uncac_metrics.stats.survey.arguments import base_of

    base, _ = base_of(design, denominator)
    return shift, ((~absent) & (True if base is None else base == 1)).astype(float)


def _class_name(value: Any) -> str:
    return type(value).__name__
