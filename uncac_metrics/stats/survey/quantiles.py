r"""Quantiles of a complex sample, with Woodruff's, score and replicate intervals.

Woodruff (1952): the interval of the share of units at or below :math:`\hat q`, taken back through the estimated
distribution. The standard error is its width over :math:`2 t`; it stands for the sparsity
:math:`1 / \hat f(\hat q)` in the linearised value :math:`-(1(y \le \hat q) - \hat F(\hat q)) / (\hat f \hat N)`, so
that quantiles have a covariance with each other and with everything else from the sample.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from uncac_metrics.model import Fault, Faults
from uncac_metrics.stats import intervals
from uncac_metrics.stats.estimates import Estimates, concat
from uncac_metrics.stats.survey.arguments import By, Variable, grouping, variables
from uncac_metrics.stats.survey.design import Design
from uncac_metrics.stats.survey.groupwise import Rows, eligible, left_out, rows_used
from uncac_metrics.stats.survey.linear import linear
from uncac_metrics.stats.survey.order import RULES, Sorted
from uncac_metrics.stats.survey.sums import Pair

Array = np.ndarray
WOODRUFF = {"mean": "wald", "beta": "beta", "xlogit": "logit", "arcsine": "arcsine"}
INTERVALS = (*WOODRUFF, "score", "quantile")


def quantile(
    design: Design, y: Variable | Sequence[Variable], probs: float | Sequence[float] = (0.5,), *, by: By = None,
    rule: str = "math", interval: str = "mean", denominator: Variable | None = None, level: float = 0.95,
    df: str | int = "answered",
) -> Estimates:  # fmt: skip
    r"""Quantiles, by domain.

    Parameters
    ----------
    design : Design
    y : str, Series or array of length n, or a list of these
        Numbers; rows without an answer leave the estimate and are counted in ``n_eligible − n``.
    probs : float or sequence of float
        Probabilities, 0 < p < 1.
    by : str or list of str, optional
        Breakdown columns; several are crossed.
    rule : {"math", "school", "shahvaish", "hf1", ..., "hf9"}
        ``math`` (``hf1``): the least value with :math:`\hat F(y) \ge p`. ``school`` (``hf2``): the mean of both
        neighbours where p stands on a step. ``hf3``: there the one of even order. ``hf4`` to ``hf9`` interpolate
        between :math:`C_k/W`, :math:`(C_k - w_k/2)/W`, :math:`C_k/(W + w_n)`, :math:`C_{k-1}/C_{n-1}`,
        :math:`(C_k - w_k/3)/(W + w_n/3)` and :math:`(C_k - 3w_k/8)/(W + w_n/4)`. ``shahvaish``: the last value with
        :math:`(S_k + 1/2 - w^*_k/2)/(n + 1) \le p`, weights scaled to sum to n.
        Equal values enter the interpolation in the order of the rows.
    interval : {"mean", "xlogit", "beta", "arcsine", "score", "quantile"}
        Woodruff's with the Wald, logit, beta or arcsine interval of the share; ``score``: the values whose share
        differs from p by t standard errors; ``quantile``: q ± t·se of the replicate quantiles (replicate designs).
    denominator : str, Series or array, optional
        Yes/no: the units that the quantile is over.
    level : float
        Confidence level.
    df : {"answered", "domain", "design"} or int
        Degrees of freedom; see :func:`uncac_metrics.stats.survey.mean`.

    Returns
    -------
    Estimates
        Ordered by variable, probability and domain; ``statistic`` reads ``quantile 0.5``.

    Raises
    ------
    Faults
        Probabilities outside (0, 1), unknown rules and intervals, replicate intervals without replicates.

    Notes
    -----
    Where every unit is at or below the quantile (small domains, p near 1), the share's interval is Korn–Graubard's: a
    Wald interval would have no width.

    The delete-one jackknife is not consistent for the variance of a quantile; take Woodruff's interval under JK
    replicates, which is free of that.

    References
    ----------
    Woodruff, R.S. (1952). Confidence intervals for medians and other position measures. JASA 47, 635–646.
    Francisco, C.A. & Fuller, W.A. (1991). Quantile estimation with a complex survey design. Annals of Statistics 19,
    454–469. Hyndman, R.J. & Fan, Y. (1996). Sample quantiles in statistical packages. American Statistician 50,
    361–365. Shah, B.V. & Vaish, A.K. (2006). Confidence intervals for quantile estimation from complex survey data.
    Proceedings of the Section on Survey Research Methods, ASA.

    Examples
    --------
    >>> import pandas as pd
    >>> from uncac_metrics.stats import survey
    >>> frame = pd.DataFrame({"w": 2.0, "amount": [5.0, 1, 2, 3, 4, 9, 8, 7, 6, 10]})
    >>> result = survey.quantile(survey.Design(frame, weight="w"), "amount", [0.25, 0.5])
    >>> result.table[["statistic", "value", "lower", "upper"]]
           statistic  value  lower  upper
    0  quantile 0.25    3.0    1.0    7.0
    1   quantile 0.5    5.0    2.0    9.0
    """
    p = np.atleast_1d(np.asarray(probs, dtype=float))
    _check(design, p, rule, interval)
    results = []
    for name, values in variables(design, y):
        base, base_name, ok = eligible(design, denominator, values)
        rows = rows_used(design, ok, by)
        ordered = Sorted(rows, values)
        wanted = np.broadcast_to(p[:, None], (p.size, rows.n_groups))
        at = ordered.quantiles(wanted, rule)
        shares = _shares(design, name, values, at, rows, base, base_name, by, WOODRUFF.get(interval), level, df)
        table = shares.table
        q = at.ravel()
        t = intervals.t_quantile(level, table["df"].to_numpy())
        scores = shares.scores
        if interval == "quantile":
            made = np.hstack([ordered.replicate_quantiles(design, v, rule) for v in p])
            anew = design.replicates.scores(design, made, q)
            se, scores = np.sqrt(anew.variances()), (anew,)
            lower, upper = intervals.wald(q, se, table["df"].to_numpy(), level)
        else:
            if interval == "score":
                args = (design, name, values, rows, base, base_name, by, df)
                lower, upper = (_score(ordered, at, p, t.reshape(at.shape), side, args) for side in (-1, 1))
            else:
                share, error = table["value"].to_numpy(), table["std_error"].to_numpy()
                # a share that the design knows exactly (calibrated on it) has no width
                exact = (error == 0) & (share > 0) & (share < 1) & (table["df"].to_numpy() > 0)
                ends = [np.where(exact, share, table[c].to_numpy()) for c in ("lower", "upper")]
                limits = [ordered.quantiles(v.reshape(at.shape), rule) for v in ends]
                lower, upper = (v.ravel() for v in limits)
            se = (upper - lower) / (2 * t)
            spread = table["std_error"].to_numpy()
            with np.errstate(divide="ignore", invalid="ignore"):
                factor = np.where(spread > 0, -se / spread, 0.0)
            scores = (scores[0].scaled(np.nan_to_num(factor)),)
        with np.errstate(divide="ignore", invalid="ignore"):
            cv = np.where(q != 0, se / np.abs(q), np.nan)
        table = table.assign(
            statistic=np.repeat([f"quantile {v:.12g}" for v in p], rows.n_groups), value=q, std_error=se, lower=lower,
            upper=upper, cv=cv, deff=np.nan, events=pd.array([pd.NA] * len(table), dtype="Int64"),
            interval=np.where(np.isnan(q), "", f"woodruff {interval}" if interval in WOODRUFF else interval),
            method=[f"{m}; rule: {rule}" for m in table["method"]],
        )  # fmt: skip
        few = table["obs_status"] == "U"  # said of the share, not of the quantile
        table.loc[few, ["obs_status", "display", "reason"]] = ["A", "shown", ""]
        if interval == "quantile":
            table = left_out(table, anew, design.replicates.n)
            if design.replicates.kind.startswith("JK"):
                known = table["value"].notna()
                said = ["U", "flagged", "the jackknife is not consistent for quantiles"]
                table.loc[known, ["obs_status", "display", "reason"]] = said
        results.append(Estimates(table, scores))
    return results[0] if len(results) == 1 else concat(results)


def _check(design: Design, p: Array, rule: str, interval: str) -> None:
    faults = []
    if not p.size or not ((p > 0) & (p < 1)).all():
        faults.append(Fault("quantile", "probs", f"{p.tolist()}: not all between 0 and 1", "as 0.5 for the median"))
    if rule not in RULES:
        faults.append(Fault("quantile", "rule", f"unknown rule {rule!r}", f"one of {', '.join(RULES)}"))
    if interval not in INTERVALS:
        names = ", ".join(INTERVALS)
        faults.append(Fault("quantile", "interval", f"unknown interval {interval!r}", f"one of {names}"))
    if interval == "quantile" and design.replicates is None:
        remedy = "make replicates first, or take interval='mean'"
        faults.append(Fault("quantile", "interval", "the design has no replicate weights", remedy))
    if faults:
        raise Faults(faults)


def _shares(
    design: Design, name: str, values: Array, at: Array, rows: Rows, base: Array | None, base_name: str, by: By,
    interval: str | None, level: float, df: str | int,
) -> Estimates:  # fmt: skip
    """Share of units at or below one value a probability and group."""
    pairs = []
    for cut in at:
        below = np.where(np.isnan(values), np.nan, 0.0)
        below[rows.index] = values[rows.index] <= cut[rows.group]
        pairs.append(Pair(name, below, base, "proportion", base_name, within=True, binary=True))
    return linear(design, pairs, [grouping(by)], level=level, interval=interval or "wald", df=df)


def _score(ordered: Sorted, at: Array, p: Array, t: Array, side: int, args: tuple) -> Array:
    """Limit on one side: of the values at the crossing of ±t, the one whose score is nearer to it.

    The crossing is found by bisection over the values of each group, all groups and probabilities at once.
    """
    design, name, values, rows, base, base_name, by, df = args
    start, size = ordered.ends[:-1], np.diff(ordered.ends)
    last = np.broadcast_to(np.maximum(size - 1, 0), at.shape)

    def score(place: Array) -> Array:
        x = np.where(size > 0, ordered.x[np.minimum(start + place, len(ordered.x) - 1)], np.nan)
        table = _shares(design, name, values, x, rows, base, base_name, by, None, 0.95, df).table
        away = table["value"].to_numpy().reshape(at.shape) - p[:, None]
        se = table["std_error"].to_numpy().reshape(at.shape)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(se > 0, away / se, np.sign(away) * np.inf)

    if not len(ordered.x):
        return np.full(at.size, np.nan)
    # the score is below the bound at `low` and not below it at `high`; −1 and size are outside the sample
    centre = np.zeros(at.shape, dtype=np.intp)
    for g in range(rows.n_groups):
        x = ordered.x[ordered.ends[g] : ordered.ends[g + 1]]
        centre[:, g] = np.searchsorted(x, at[:, g]) if x.size else 0
    bound = side * t
    low = np.where(side < 0, -1, np.minimum(centre, last))
    high = np.where(side < 0, np.minimum(centre, last), size)
    if side > 0:  # rows of one value have one score: start below the last of them
        low = np.minimum(low, last)
    while (high - low > 1).any():
        middle = np.clip((low + high) // 2, 0, last)
        over = score(middle) >= bound
        moves = high - low > 1
        high, low = np.where(moves & over, middle, high), np.where(moves & ~over, middle, low)
    ends = [np.clip(v, 0, last) for v in (low, high)]
    with np.errstate(invalid="ignore"):
        gap = [np.abs(score(v) - bound) for v in ends]
    place = np.where((gap[1] < gap[0]) | np.isnan(gap[0]), ends[1], ends[0])
    limit = ordered.x[np.minimum(start + place, len(ordered.x) - 1)]
    return np.where(np.isnan(at), np.nan, limit).ravel()
