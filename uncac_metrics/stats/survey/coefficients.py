"""What every fitted model has: a table of coefficients with its covariance, and tests of its terms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from uncac_metrics.stats import intervals
from uncac_metrics.stats.estimates import Estimates, make_table
from uncac_metrics.stats.joint import Scores
from uncac_metrics.stats.survey.design import Design
from uncac_metrics.stats.survey.formulas import ModelFrame
from uncac_metrics.stats.survey.testing import TestResult, wald
from uncac_metrics.stats.survey.variance import ReplicateScores

Array = np.ndarray


@dataclass(frozen=True, eq=False, repr=False)
class Coefficients:
    """The part that all models share."""

    design: Design
    frame: ModelFrame
    estimates: Estimates
    """A row a coefficient: its name under the breakdown ``category``, the statistic ``coefficient``."""
    df_design: float
    """Degrees of freedom of the design among the rows that took part."""
    df_residual: float
    """Degrees of freedom of t and F tests."""

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the coefficients."""
        return tuple(self.estimates.table["category"])

    @property
    def n_psu(self) -> int:
        """Primary sampling units with rows that took part."""
        return int(self.estimates.table["n_psu"].iloc[0])

    @property
    def values(self) -> Array:
        """The coefficients."""
        return self.estimates.table["value"].to_numpy()

    @cached_property
    def covariance(self) -> pd.DataFrame:
        """Design-based covariance matrix of the coefficients."""
        matrix = self.estimates.covariance().to_numpy()
        return pd.DataFrame(matrix, index=list(self.names), columns=list(self.names))

    def summary(self) -> pd.DataFrame:
        """Coefficient, standard error, t, p-value and limits of every term."""
        table = self.estimates.table
        t = table["value"].to_numpy() / table["std_error"].to_numpy()
        p = 2 * intervals.t_tail(np.abs(t), table["df"].to_numpy())
        return table[["category", "value", "std_error"]].assign(
            t=t, p_value=p, lower=table["lower"], upper=table["upper"]
        )

    def __repr__(self) -> str:
        lines = self.summary().to_string(index=False, float_format=lambda v: f"{v:,.4g}")
        n = len(self.frame.rows)
        return f"{type(self).__name__}({self.frame.formula!r}, n = {n:,}, {self.df_residual:g} df)\n{lines}"

    def _wald(self, places: Sequence[int], terms: str | Sequence[str]) -> TestResult:
        named = terms if isinstance(terms, str) else ", ".join(terms)
        v = self.covariance.to_numpy()[np.ix_(places, places)]
        return wald(self.values[list(places)], v, self.df_residual, f"Wald test of {named}", n=len(self.frame.rows))


def table_of(
    design: Design, frame: ModelFrame, names: Sequence[str], values: Array, variance: Array, scores: Scores, df: float,
    n_psu: int, level: float, method: str, statistic: str = "coefficient", breakdown: str = "category",
) -> Estimates:  # fmt: skip
    """Estimates of a model in the one shape, with Wald limits on `df` degrees of freedom."""
    with np.errstate(invalid="ignore"):
        se = np.where(variance < 0, np.nan, np.sqrt(np.maximum(variance, 0)))
        se = np.where(se <= 1e-13 * np.abs(values), 0.0, se)  # what rounding leaves of zero
    lower, upper = intervals.wald(values, se, np.full(len(values), df), level)
    p = 2 * intervals.t_tail(np.abs(values) / np.where(se > 0, se, np.nan), np.full(len(values), df))
    reason = np.full(len(values), "" if df > 0 else "no degrees of freedom", dtype=object)
    reason[variance < 0] = "the variance estimate is negative"
    lost = scores.undefined if isinstance(scores, ReplicateScores) else None
    if lost is not None and lost.any():
        reason[:] = f"{int(lost.max()):,} of {design.replicates.n:,} replicates have no estimate and are left out"
    columns = {
        "indicator": frame.outcome, "statistic": statistic, breakdown: np.asarray(names, dtype=object),
        "value": values, "std_error": se, "lower": lower, "upper": upper, "conf_level": level, "interval": "wald",
        "df": df, "n": len(frame.rows), "n_eligible": frame.n_eligible, "n_psu": n_psu, "reason": reason,
        "quality": ["" if np.isnan(v) else f"p = {v:.3g}" for v in p], "method": f"{design.method}; {method}",
    }  # fmt: skip
    return Estimates(make_table(columns, [breakdown]), (scores,))
