"""Multiple imputation: one estimate from the estimates of several completed data sets."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from uncac_metrics.model import ESTIMATE_KEY, Fault, Faults
from uncac_metrics.stats import intervals
from uncac_metrics.stats.estimates import Estimates
from uncac_metrics.stats.joint import MatrixScores

Array = np.ndarray


def pool(completed: Sequence[Estimates], *, level: float = 0.95) -> Estimates:
    r"""Pool the estimates of m completed data sets by Rubin's rules.

    The value is the mean :math:`\bar q`; its covariance is :math:`T = \bar W + (1 + 1/m) B`, with :math:`\bar W` the
    mean of the design-based covariances and B the covariance of the m values. Degrees of freedom are those of Barnard
    and Rubin, which do not pass the design's:

    .. math:: \nu = (\frac{1}{\nu_m} + \frac{1}{\nu_o})^{-1},\quad \nu_m = \frac{m - 1}{\lambda^2},\quad
              \nu_o = \frac{\nu_c + 1}{\nu_c + 3}\,\nu_c (1 - \lambda),\quad \lambda = \frac{(1 + 1/m) B}{T}.

    Parameters
    ----------
    completed : sequence of Estimates
        The same estimates from each completed data set, at least two.
    level : float
        Confidence level.

    Returns
    -------
    Estimates
        ``quality`` tells λ, the share of the variance that is due to missing answers. Shares take a logit interval
        where they lie strictly between 0 and 1 (in their unit), all others Wald's.

    Raises
    ------
    Faults
        Fewer than two, or results whose rows are not the same estimates.

    References
    ----------
    Rubin (1987), *Multiple Imputation for Nonresponse in Surveys*; Barnard and Rubin (1999), Biometrika 86, 948–955.

    Examples
    --------
    >>> import pandas as pd
    >>> from uncac_metrics.stats import survey
    >>> frames = [pd.DataFrame({"w": 1.0, "y": [1.0, 2, 3, 4, k]}) for k in (2, 3, 4)]
    >>> pooled = survey.pool([survey.mean(survey.Design(f, weight="w"), "y") for f in frames])
    >>> pooled.table[["value", "std_error", "df", "quality"]].round(3)
       value  std_error    df                    quality
    0    2.6      0.583  2.34  missing information 0.157
    """
    if len(completed) < 2:
        raise Faults([Fault("pool", "completed", "fewer than two results", "impute at least twice, better 20 times")])
    first = completed[0].table
    keys = [*ESTIMATE_KEY, *completed[0].breakdowns, "denominator", "unit"]
    for i, other in enumerate(completed[1:], start=2):
        if completed[0].breakdowns != other.breakdowns or not first[keys].equals(other.table[keys]):
            what = f"result {i} does not hold the same estimates as the first"
            raise Faults([Fault("pool", "completed", what, "estimate the same from each completed data set")])
    m = len(completed)
    values = np.array([c.table["value"].to_numpy(dtype=float) for c in completed])
    within = np.mean([c.covariance().to_numpy() for c in completed], axis=0)
    between = np.atleast_2d(np.cov(values, rowvar=False)) * (1 + 1 / m)
    total = within + between
    variance = np.diag(total)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(variance > 0, np.diag(between) / variance, 0.0)
        complete = np.mean([c.table["df"].to_numpy(dtype=float) for c in completed], axis=0)
        of_draws = (m - 1) / share**2
        observed = np.where(np.isinf(complete), np.inf, (complete + 1) / (complete + 3) * complete * (1 - share))
        df = 1 / (1 / of_draws + 1 / observed)
    value, se = values.mean(axis=0), np.sqrt(variance)
    lower, upper = intervals.wald(value, se, df, level)
    used = np.full(len(value), "wald", dtype=object)
    top = np.where(first["unit"] == "%", 100.0, 1.0)
    of_shares = first["interval"].isin([name for name in intervals.PROPORTION if name != "wald"]).to_numpy()
    shares = of_shares & (value > 0) & (value < top)
    low, high = intervals.logit(value / top, se / top, df, level)
    lower, upper = np.where(shares, low * top, lower), np.where(shares, high * top, upper)
    used[shares] = "logit"
    with np.errstate(divide="ignore", invalid="ignore"):
        cv = np.where(value != 0, se / np.abs(value), np.nan)
    answered = np.min([c.table["n"].to_numpy(dtype=float) for c in completed], axis=0).astype(int)
    table = first.assign(
        value=value, std_error=se, lower=lower, upper=upper, conf_level=level, interval=used, df=df, cv=cv,
        n=answered, deff=np.nan, obs_status="I", quality=[f"missing information {s:.3f}" for s in share],
        method=[f"{text}; {m} imputations" for text in first["method"]],
    )  # fmt: skip
    for name in ("interval", "obs_status", "quality", "method"):
        table[name] = table[name].astype("str")
    table["n"] = table["n"].astype("Int64")
    return Estimates(table, (MatrixScores.of(total),))
