r"""Models of an outcome with several levels: ordered (cumulative links) and unordered (multinomial logit).

Both maximise the weighted likelihood by Newton's method. With :math:`s_i` the score of a row and H the observed
information, the linearised coefficients are :math:`H^{-1} s_i`.

References
----------
McCullagh, P. (1980). Regression models for ordinal data. J. R. Statist. Soc. B 42, 109–142.
Binder, D.A. (1983). On the variances of asymptotically normal estimators from complex surveys. Int. Stat. Rev. 51,
279–292.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd

from uncac_metrics.model import Fault, Faults
from uncac_metrics.stats.estimates import Estimates
from uncac_metrics.stats.joint import Combined
from uncac_metrics.stats.survey import irls
from uncac_metrics.stats.survey.arguments import Variable
from uncac_metrics.stats.survey.coefficients import Coefficients, table_of
from uncac_metrics.stats.survey.design import Design
from uncac_metrics.stats.survey.formulas import ModelFrame, model_frame
from uncac_metrics.stats.survey.influence import answered_df, row_scores
from uncac_metrics.stats.survey.likelihoods import (
    LINKS,
    Pieces,
    multinomial_pieces,
    multinomial_probabilities,
    ordered_pieces,
    ordered_probabilities,
)
from uncac_metrics.stats.survey.sums import label
from uncac_metrics.stats.survey.testing import TestResult

Array = np.ndarray
Objective = Callable[[Array, Array], Pieces]
"""Pieces of the likelihood from coefficients and weights."""


@dataclass(frozen=True, eq=False, repr=False)
class CategoryFit(Coefficients):
    """A fitted model of an outcome with several levels."""

    levels: tuple[str, ...]
    """Levels of the outcome, in order."""
    kind: str
    """``multinomial``, or the link of an ordered model: ``logit``, ``probit``, ``cloglog``."""
    log_likelihood: float
    """With weights of mean one."""
    level: float
    objective: Objective
    """On the standardised columns."""
    change: Array
    """Coefficients from those on the standardised columns."""

    def log_likelihood_at(self, values: Array) -> float:
        """Log-likelihood of other coefficients, with weights of mean one."""
        weight = self.design.weight[self.frame.rows]
        return self.objective(np.linalg.solve(self.change, values), weight / weight.mean())[0]

    def naive_errors(self) -> Array:
        """Standard errors of an independent sample of as many rows, from the observed information."""
        weight = self.design.weight[self.frame.rows]
        information = self.objective(np.linalg.solve(self.change, self.values), weight / weight.mean())[2]
        return np.sqrt(np.diag(self.change @ np.linalg.solve(information, self.change.T)))

    def predict(self, new: pd.DataFrame, *, level: float | None = None) -> Estimates:
        """Probabilities of the levels for new rows, with the delta method's errors.

        Parameters
        ----------
        new : DataFrame
            The columns on the right-hand side of the formula.
        level : float, optional
            Of the confidence intervals; that of the model without it.

        Returns
        -------
        Estimates
            A row a row of `new` and level of the outcome (breakdowns ``row``, from 1, and ``category``).
        """
        x = self.frame.matrix(new)
        if self.kind != "multinomial":
            x = np.delete(x, self.frame.dropped, axis=1)
            p, slope = ordered_probabilities(x, self.values, len(self.levels), LINKS[self.kind])
        else:
            p, slope = multinomial_probabilities(x, self.values, len(self.levels))
        k = len(self.levels)
        jacobian = slope.reshape(len(x) * k, -1)
        variance = np.einsum("ij,jk,ik->i", jacobian, self.covariance.to_numpy(), jacobian)
        result = table_of(
            self.design, self.frame, list(self.levels) * len(x), p.ravel(), variance,
            Combined(((self.estimates.scores[0], jacobian),)), self.df_residual, self.n_psu,
            self.level if level is None else level, "prediction", "predicted probability",
        )  # fmt: skip
        table = result.table
        table.insert(list(table.columns).index("category"), "row", np.repeat(np.arange(1, len(x) + 1), k).astype(str))
        limits = {"lower": table["lower"].clip(0, 1), "upper": table["upper"].clip(0, 1)}
        return Estimates(table, result.scores).with_columns(quality="", **limits)

    def term_test(self, terms: str | Sequence[str]) -> TestResult:
        """Wald F test that all coefficients of some terms are zero, in every equation.

        Parameters
        ----------
        terms : str or list of str
            Terms of the formula as written there.

        Returns
        -------
        TestResult
        """
        columns = self.frame.columns_of(terms if isinstance(terms, str) else list(terms), "term_test")
        p = len(self.frame.names)
        equations = len(self.levels) - 1 if self.kind == "multinomial" else 1
        return self._wald([e * p + c for e in range(equations) for c in columns], terms)


def ordinal(
    design: Design, formula: str, *, link: str = "logit", denominator: Variable | None = None, level: float = 0.95,
    missing: str = "omit",
) -> CategoryFit:  # fmt: skip
    r"""Ordered outcome: :math:`F^{-1}(P(y \le k)) = \theta_k - x^\top \beta` (proportional odds under the logit).

    Parameters
    ----------
    design : Design
    formula : str
        As for :func:`glm`. The outcome is an ordered category, or numbers or text in their order; the intercept is
        left out, the thresholds take its place.
    link : {"logit", "probit", "cloglog"}
    denominator : str, Series or array, optional
        Yes/no: the units that the model is of.
    level : float
    missing : {"omit", "error"}

    Returns
    -------
    CategoryFit
        Coefficients β, then the thresholds θ, named ``low|high``.

    Raises
    ------
    Faults
        As :func:`glm`.

    Examples
    --------
    >>> import pandas as pd
    >>> from uncac_metrics.stats import survey
    >>> frame = pd.DataFrame({"w": 1.0, "age": [20, 30, 40, 50, 60, 70, 25, 65], "often": [0, 0, 1, 1, 2, 2, 1, 0]})
    >>> survey.ordinal(survey.Design(frame, weight="w"), "often ~ age").summary()[["category", "value"]].round(3)
      category  value
    0      age  0.072
    1      0|1  2.383
    2      1|2  4.524
    """
    if link not in LINKS:
        raise Faults([Fault("ordinal", "link", f"unknown link {link!r}", f"one of {', '.join(LINKS)}")])
    frame = model_frame(design, formula, denominator, missing, "ordinal", intercept=False)
    codes, levels = _coded(frame, "ordinal")
    weight, change = _standardised(design, frame, "ordinal", centre=True)
    k, p = len(levels), frame.x.shape[1]
    share = np.cumsum(np.bincount(codes, weights=weight, minlength=k))[:-1] / weight.sum()
    start = np.concatenate([np.zeros(p), LINKS[link].inverse(share)])
    names = [*frame.names, *(f"{a}|{b}" for a, b in pairwise(levels))]
    full = np.eye(p + k - 1)
    # x = (x_old − m) S: β_old = S β, and θ_old = θ + m'S β
    full[:p, :p] = change[1:, 1:]
    full[p:, :p] = -change[0, 1:]
    return _fit(
        design, frame, names, levels, link, level, weight, start, full,
        lambda beta, w: ordered_pieces(frame.x, codes, k, LINKS[link], beta, w), p,
    )  # fmt: skip


def multinomial(
    design: Design, formula: str, *, denominator: Variable | None = None, level: float = 0.95, missing: str = "omit"
) -> CategoryFit:
    r"""Unordered outcome: :math:`\log P(y = k) / P(y = 0) = x^\top \beta_k`, level 0 being the first.

    Parameters
    ----------
    design : Design
    formula : str
        As for :func:`glm`; the outcome is text, categories or whole numbers.
    denominator : str, Series or array, optional
        Yes/no: the units that the model is of.
    level : float
    missing : {"omit", "error"}

    Returns
    -------
    CategoryFit
        Coefficients of every level but the first, named ``level: column``.

    Raises
    ------
    Faults
        As :func:`glm`.

    Examples
    --------
    >>> import pandas as pd
    >>> from uncac_metrics.stats import survey
    >>> frame = pd.DataFrame({"w": 1.0, "sex": list("FFFFMMMM"), "form": list("aabcabbc")})
    >>> survey.multinomial(survey.Design(frame, weight="w"), "form ~ sex").summary()[["category", "value"]].round(3)
           category  value
    0  b: Intercept -0.693
    1   b: sex[T.M]  1.386
    2  c: Intercept -0.693
    3   c: sex[T.M]  0.693
    """
    frame = model_frame(design, formula, denominator, missing, "multinomial")
    codes, levels = _coded(frame, "multinomial")
    weight, change = _standardised(design, frame, "multinomial", centre=False)
    k = len(levels)
    names = [f"{one}: {name}" for one in levels[1:] for name in frame.names]
    return _fit(
        design, frame, names, levels, "multinomial", level, weight, np.zeros(len(names)),
        np.kron(np.eye(k - 1), change), lambda beta, w: multinomial_pieces(frame.x, codes, k, beta, w),
        frame.x.shape[1] * (k - 1),
    )  # fmt: skip


def _fit(
    design: Design, frame: ModelFrame, names: list[str], levels: list[str], kind: str, level: float, weight: Array,
    start: Array, change: Array, objective: Objective, n_slopes: int,
) -> CategoryFit:  # fmt: skip
    what = "multinomial" if kind == "multinomial" else "ordinal"
    beta, found = _maximised(objective, start, weight)
    if found is None:
        remedy = "merge levels that few rows have, or leave terms out: one may predict the outcome with certainty"
        raise Faults([Fault(what, "formula", "the iteration finds no maximum", remedy)])
    log_likelihood, rows, information = found
    values = change @ beta
    if design.replicates is None:
        bread = np.linalg.solve(information, change.T) / design.weight[frame.rows].mean()
        scores = row_scores(design, frame.rows, rows, None, bread)
    else:
        replicates, base = design.replicates, design.weight[frame.rows]
        own, refits = replicates.of_unit[design.unit[frame.rows]], np.full((replicates.n, beta.size), np.nan)
        for r in range(replicates.n):
            w = base * replicates.factors[own, r]
            again, converged = _maximised(objective, beta, w / w.mean()) if w.any() else (beta, None)
            if converged is not None:
                refits[r] = change @ again
        scores = replicates.scores(design, refits, values)
    df, n_psu = answered_df(design, frame.rows)
    # thresholds (or intercepts) cost nothing, as the intercept of a glm
    free = len(values) - (len(levels) - 1) if kind == "multinomial" and "1" in frame.terms else n_slopes
    method = f"{'multinomial logit' if kind == 'multinomial' else f'cumulative {kind}'} model: {frame.formula}"
    estimates = table_of(design, frame, names, values, scores.variances(), scores, df - free, n_psu, level, method)
    return CategoryFit(
        design, frame, estimates, df, df - free, tuple(levels), kind, log_likelihood, level, objective, change
    )


def _coded(frame: ModelFrame, what: str) -> tuple[Array, list[str]]:
    """Codes and labels of the outcome's levels."""
    y = frame.y
    if isinstance(y.dtype, pd.CategoricalDtype):
        codes, found = y.cat.codes.to_numpy(), list(y.cat.categories)
    else:
        codes, values = pd.factorize(y, sort=True)
        found = list(values)
    if len(found) < 2:
        raise Faults([Fault(what, f"outcome {frame.outcome!r}", "all rows have the same level", "nothing to explain")])
    if len(found) > 50:
        remedy = "group them, or take glm() for numbers"
        raise Faults([Fault(what, f"outcome {frame.outcome!r}", f"{len(found)} levels", remedy)])
    return codes.astype(np.intp), [label(v) for v in found]


def _standardised(design: Design, frame: ModelFrame, what: str, *, centre: bool) -> tuple[Array, Array]:
    """Weights with mean one, and the change of coefficients; with `centre` its first row and column are thresholds'."""
    weight = design.weight[frame.rows]
    weight = weight / weight.mean()
    x = frame.x
    if centre:
        padded = np.column_stack([np.ones(len(x)), x])
        change = irls.standardise(padded, weight, 0)
        x[:] = padded[:, 1:]
        redundant = [j - 1 for j in irls.collinear(irls.gram(padded, weight))]
    else:
        one = frame.terms.get("1")
        change = irls.standardise(x, weight, one[0] if one else None)
        redundant = irls.collinear(irls.gram(x, weight))
    if redundant:
        listed = ", ".join(frame.names[j] for j in redundant)
        raise Faults([Fault(what, "formula", f"columns that follow from the others: {listed}", "leave them out")])
    return weight, change


def _maximised(objective: Objective, start: Array, weight: Array) -> tuple[Array, Pieces | None]:
    """Newton's method with halved steps; None where it finds no maximum."""
    beta = start
    with np.errstate(all="ignore"):
        now = objective(beta, weight)
        for _ in range(100):
            gradient = weight @ now[1]
            try:
                step = np.linalg.solve(now[2], gradient)
            except np.linalg.LinAlgError:
                return beta, None
            gain = float(step @ gradient)
            if not np.isfinite(gain):
                return beta, None
            if gain < 0:  # not concave here: along the gradient
                step = gradient / np.abs(np.diag(now[2])).max()
            elif gain < irls.CLOSE**2:
                return beta + step, now
            for _ in range(40):
                trial = objective(beta + step, weight)
                if trial[0] >= now[0] - 1e-9 * (abs(now[0]) + 1):
                    break
                step = step / 2
            else:
                return beta, None
            beta, now = beta + step, trial
    return beta, None
