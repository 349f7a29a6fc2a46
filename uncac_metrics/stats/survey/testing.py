"""The one form of every test, and the Wald test that many of them are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from scipy import special

from uncac_metrics.model import Fault, Faults
from uncac_metrics.stats import intervals

Array = np.ndarray


@dataclass(frozen=True)
class TestResult:
    """A test of a hypothesis.

    Attributes
    ----------
    statistic : float
    distribution : str
        What the statistic is referred to: ``t``, ``F``, ``chi-square``, ``sum of chi-squares`` or ``sum of F``.
    parameter : tuple of float
        Its degrees of freedom.
    p_value : float
        Two-sided for t.
    method : str
        The test in words.
    estimate, std_error, lower, upper, level : float
        What is tested against `null`, with its confidence limits; NaN where the hypothesis has several dimensions.
    null : float
    n : int
        Rows that took part.
    details : mapping
        Further numbers by name.
    """

    __test__ = False  # for pytest: not a class of tests

    statistic: float
    distribution: str
    parameter: tuple[float, ...]
    p_value: float
    method: str
    estimate: float = np.nan
    std_error: float = np.nan
    lower: float = np.nan
    upper: float = np.nan
    level: float = 0.95
    null: float = 0.0
    n: int = 0
    details: Mapping[str, object] = field(default_factory=dict)

    def __str__(self) -> str:
        df = ", ".join(f"{v:.4g}" for v in self.parameter)
        text = f"{self.method}: {self.distribution}{f' ({df} df)' if df else ''} = {self.statistic:.4g}"
        text += f", p = {self.p_value:.3g}"
        if not np.isnan(self.estimate):
            text += f"; estimate {self.estimate:.4g} ({100 * self.level:g} %: {self.lower:.4g} to {self.upper:.4g})"
        return text


def f_tail(statistic: float, numerator: float, denominator: float) -> float:
    """Upper tail of F; of chi-square over its degrees of freedom where the denominator has infinitely many."""
    if np.isnan(statistic) or not denominator > 0:
        return np.nan
    if np.isinf(denominator):
        return float(special.chdtrc(numerator, numerator * statistic))
    return float(special.fdtrc(numerator, denominator, statistic))


def t_test_of(
    estimate: float, std_error: float, df: float, method: str, *, null: float = 0.0, level: float = 0.95, n: int = 0
) -> TestResult:
    """Test of one number against `null` by Student's t."""
    with np.errstate(divide="ignore", invalid="ignore"):
        t = float(np.divide(estimate - null, std_error))
    p = float(2 * intervals.t_tail(np.asarray(abs(t)), np.asarray(df)))
    limits = intervals.wald(np.asarray(estimate), np.asarray(std_error), np.asarray(df), level)
    lower, upper = (float(v) for v in limits)
    return TestResult(t, "t", (float(df),), p, method, float(estimate), float(std_error), lower, upper, level, null, n)


def wald(beta: Array, covariance: Array, df: float, method: str, *, n: int = 0, where: str = "terms") -> TestResult:
    r"""F test of :math:`\beta = 0` with :math:`F = \beta^\top V^{-1} \beta / k`.

    Raises
    ------
    Faults
        The covariance has no inverse: more coefficients than the sampling units can tell apart.
    """
    k = beta.size
    scale = np.sqrt(np.maximum(np.diag(covariance), 0))
    safe = np.where(scale > 0, scale, 1.0)
    values = np.linalg.eigvalsh(covariance / np.outer(safe, safe))
    if not (scale > 0).all() or values[0] < 1e-12 * values[-1]:
        rank = int((values > 1e-12 * values[-1]).sum())
        what = f"the covariance of {k} coefficients has rank {rank}"
        raise Faults([Fault(method, where, what, "test fewer at a time: there are too few sampling units for these")])
    quadratic = float(beta @ np.linalg.solve(covariance, beta))
    return TestResult(
        quadratic / k, "F", (float(k), float(df)), f_tail(quadratic / k, k, df), method, n=n,
        details={"chi-square": quadratic},
    )  # fmt: skip
