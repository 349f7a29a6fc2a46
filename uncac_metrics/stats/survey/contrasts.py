r"""Combinations of estimates: linear, or smooth functions by the delta method.

:math:`v(f(\hat\theta)) = g^\top V g` with :math:`g` the gradient of f at :math:`\hat\theta` and :math:`V` the joint
covariance that the samples give the estimates, whatever domains, variables or indicators they are of.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from uncac_metrics.model import ESTIMATE_LEADING, TOTAL, Fault, Faults
from uncac_metrics.stats import intervals
from uncac_metrics.stats.estimates import COUNTS, Estimates

Array = np.ndarray
Function = Callable[[Mapping[str, Any]], Any]


def labels(estimates: Estimates) -> list[str]:
    """A label a row: what differs between the rows, joined by a colon.

    Examples
    --------
    >>> import pandas as pd
    >>> from uncac_metrics.stats import survey
    >>> from uncac_metrics.stats.survey.contrasts import labels
    >>> frame = pd.DataFrame({"w": 1.0, "sex": list("FFMM"), "a": [0, 1, 1, 1], "b": [1, 0, 0, 1]})
    >>> labels(survey.mean(survey.Design(frame, weight="w"), ["a", "b"], by="sex"))
    ['a:F', 'a:M', 'b:F', 'b:M']
    """
    table = estimates.table
    names = [c for c in (*ESTIMATE_LEADING, *estimates.breakdowns) if c in table.columns]
    varying = [c for c in names if table[c].nunique() > 1] or ["indicator"]
    return [":".join(str(v) for v in row) for row in table[varying].itertuples(index=False)]


def contrast(
    estimates: Estimates, weights: Mapping[str, float] | Array | Function, *, name: str = "contrast",
    level: float = 0.95, df: str | float | None = None,
) -> Estimates:  # fmt: skip
    r"""Linear combinations or a smooth function of estimates.

    Parameters
    ----------
    estimates : Estimates
        Of one sample or several (:func:`uncac_metrics.stats.concat` puts results under each other).
    weights : dict, array or callable
        Label of a row -> weight, rows without one weighing 0; an array of shape (rows,) or (combinations, rows); or a
        function of the estimates by label that returns a number, as ``lambda e: e["M"] / e["F"]``. A row's label is
        what sets it apart (:func:`labels`): the level of the one breakdown, the name of the variable, or several
        parts with a colon between them.
    name : str
        Name of the result, in ``indicator``.
    level : float
        Confidence level.
    df : float, optional
        Degrees of freedom; the least of those of the rows that enter unless given.

    Returns
    -------
    Estimates
        Wald limits. ``quality`` holds the two-sided p-value of a linear contrast being zero.

    Raises
    ------
    Faults
        Unknown or ambiguous labels, an array of another length, a function that does not return a finite number.

    Notes
    -----
    The gradient is exact to rounding: complex steps where the function takes complex numbers, otherwise central
    differences extrapolated to step zero (Ridders).

    References
    ----------
    Squire, W. & Trapp, G. (1998). Using complex variables to estimate derivatives of real functions. SIAM Review 40.

    Examples
    --------
    >>> import pandas as pd
    >>> from uncac_metrics.stats import survey
    >>> frame = pd.DataFrame({"w": 1.0, "sex": list("FFFMMM"), "paid": [0, 0, 1, 0, 1, 1]})
    >>> shares = survey.mean(survey.Design(frame, weight="w"), "paid", by="sex")
    >>> survey.contrast(shares, {"M": 1, "F": -1}).table[["value", "std_error"]].round(4)
        value  std_error
    0  0.3333     0.4216
    >>> survey.contrast(shares, lambda e: e["M"] / e["F"]).table[["value", "std_error"]].round(4)
       value  std_error
    0    2.0        2.0
    """
    values = estimates.table["value"].to_numpy(dtype=float)
    smooth = callable(weights)
    if smooth:
        value, gradient = _gradient(weights, labels(estimates), values)  # type: ignore[arg-type]
        matrix = gradient[None, :]
    else:
        matrix = _matrix(estimates, weights)  # type: ignore[arg-type]
    result = _combined(estimates, matrix, name, df)
    if smooth:
        result = result.with_columns(value=value)
    made = result.table
    v, se, freedom = (made[c].to_numpy(dtype=float) for c in ("value", "std_error", "df"))
    lower, upper = intervals.wald(v, se, freedom, level)
    with np.errstate(divide="ignore", invalid="ignore"):
        p = 2 * intervals.t_tail(np.abs(v) / se, freedom)
    quality = ["" if smooth or np.isnan(x) else f"p = {x:.3g}" for x in p]
    return result.with_columns(lower=lower, upper=upper, conf_level=level, interval="wald", quality=quality)


def risk_ratio(
    estimates: Estimates, numerator: str, denominator: str, *, name: str = "", level: float = 0.95,
    df: str | float | None = None,
) -> Estimates:  # fmt: skip
    r"""Ratio of two positive estimates, with the interval made on the log scale.

    :math:`\exp(\log r \pm t\, se(r)/r)`; the limits are positive and those of the reciprocal are the reciprocals.

    Parameters
    ----------
    estimates : Estimates
    numerator, denominator : str
        Labels of two rows; see :func:`contrast`.
    name : str, optional
    level, df
        As in :func:`contrast`.

    Returns
    -------
    Estimates
        One row; not defined unless both estimates are positive.

    Examples
    --------
    >>> import pandas as pd
    >>> from uncac_metrics.stats import survey
    >>> frame = pd.DataFrame({"w": 1.0, "sex": list("FFFFMMMM"), "paid": [0, 0, 1, 1, 0, 1, 1, 1]})
    >>> shares = survey.mean(survey.Design(frame, weight="w"), "paid", by="sex")
    >>> survey.risk_ratio(shares, "M", "F").table[["value", "lower", "upper"]].round(3)
       value  lower   upper
    0    1.5   0.21  10.694
    """
    rows = _places(estimates, [numerator, denominator])
    above, below = estimates.table["value"].to_numpy(dtype=float)[rows]
    positive = above > 0 and below > 0
    matrix = np.zeros((1, len(estimates)))
    if positive:
        matrix[0, rows] = [1 / below, -above / below**2]
    else:
        matrix[0, rows] = 1.0
    result = _combined(estimates, matrix, name or f"{numerator} / {denominator}", df)
    ratio = above / below if positive else np.nan
    se = result.table["std_error"].to_numpy() if positive else np.array([np.nan])
    half = intervals.t_quantile(level, result.table["df"].to_numpy()) * se / ratio
    columns = {} if positive else {"obs_status": "O", "display": "withheld", "reason": "an estimate is not positive"}
    return result.with_columns(
        value=ratio, std_error=se, lower=ratio * np.exp(-half), upper=ratio * np.exp(half), conf_level=level,
        interval="log" if positive else "", statistic="risk ratio", **columns,
    )  # fmt: skip


def _combined(estimates: Estimates, matrix: Array, name: str, df: str | float | None) -> Estimates:
    """Rows of `matrix` as combinations, described by what the rows that enter have in common."""
    table = estimates.table
    out = table.iloc[np.zeros(len(matrix), dtype=int)].reset_index(drop=True)
    entering = [np.flatnonzero(row) for row in matrix]
    for c in (*ESTIMATE_LEADING, *estimates.breakdowns, "denominator", "unit"):
        if c in out.columns:
            common = [table[c].iloc[e].unique() for e in entering]
            out[c] = [v[0] if len(v) == 1 else TOTAL for v in common]
    for c in (*COUNTS, "events"):
        out[c] = [table[c].iloc[e].sum() for e in entering]
        out[c] = out[c].astype("Int64")
    freedom = [table["df"].iloc[e].min() if e.size else np.nan for e in entering]
    out["df"] = freedom if df is None or isinstance(df, str) else float(df)
    made = estimates.combine(matrix, out)
    undefined = np.isnan(made.table["value"].to_numpy(dtype=float))
    return made.with_columns(
        indicator=name, statistic="contrast", deff=np.nan, cv=np.nan, display=np.where(undefined, "withheld", "shown"),
        obs_status=np.where(undefined, "O", "A"), reason=np.where(undefined, "an estimate is not defined", ""),
        std_error=np.where(undefined, np.nan, made.table["std_error"]),
    )  # fmt: skip


def _places(estimates: Estimates, wanted: list[str]) -> Array:
    """Rows with these labels."""
    known = labels(estimates)
    faults = []
    for w in wanted:
        count = known.count(w)
        if count == 0:
            faults.append(Fault("contrast", w, "no estimate has this label", f"one of {', '.join(known[:20])}"))
        elif count > 1:
            faults.append(Fault("contrast", w, f"{count} estimates have this label", "select() the rows first"))
    if faults:
        raise Faults(faults)
    return np.array([known.index(w) for w in wanted], dtype=np.intp)


def _matrix(estimates: Estimates, weights: Mapping[str, float] | Array) -> Array:
    if isinstance(weights, Mapping):
        out = np.zeros((1, len(estimates)))
        out[0, _places(estimates, [str(k) for k in weights])] = list(weights.values())
    else:
        out = np.atleast_2d(np.asarray(weights, dtype=float))
        if out.shape[1] != len(estimates):
            what = f"{out.shape[1]} weights for {len(estimates)} estimates"
            raise Faults([Fault("contrast", "weights", what, "one weight an estimate")])
    bad = ~np.isfinite(out).all(axis=1) | (out == 0).all(axis=1)
    if bad.any():
        what = "weights that are not finite, or all zero"
        raise Faults([Fault("contrast", "weights", what, "give numbers, at least one of them not zero")])
    return out


def _gradient(function: Function, names: list[str], values: Array) -> tuple[float, Array]:
    """Value and gradient of a function of labelled estimates."""
    if len(set(names)) < len(names):
        raise Faults([Fault("contrast", "labels", "several estimates have one label", "select() the rows first")])

    def at(point: Array) -> Any:
        try:
            return function(dict(zip(names, point.tolist(), strict=True)))
        except KeyError as missing:
            what = "the function asks for an estimate that is not there"
            remedy = f"one of {', '.join(names[:20])}"
            raise Faults([Fault("contrast", str(missing.args[0]), what, remedy)]) from None

    value = at(values)
    if isinstance(value, complex) or np.ndim(value) or np.isinf(float(value)):
        raise Faults([Fault("contrast", "function", "does not return one finite number", "return a number")])
    gradient = np.zeros(len(values))
    for i in range(len(values)):
        if np.isnan(values[i]):
            continue
        numeric = _ridders(at, values, i)
        gradient[i] = numeric
        try:
            moved = values.astype(complex)
            moved[i] += 1e-30j
            exact = complex(at(moved)).imag / 1e-30
        except (TypeError, ValueError):
            continue
        # a function that leaves the complex plane (abs, comparisons) is told by its numerical slope
        if np.isclose(exact, numeric, rtol=1e-5, atol=1e-8 * (abs(float(value)) + 1) / max(abs(values[i]), 1e-8)):
            gradient[i] = exact
    return float(value), gradient


def _ridders(at: Callable[[Array], Any], values: Array, i: int) -> float:
    """Slope along one estimate: central differences, extrapolated to step zero."""
    step = 0.05 * max(abs(values[i]), 1e-3)
    rows: list[list[float]] = []
    best, error = np.nan, np.inf
    for k in range(10):
        up, down = values.copy(), values.copy()
        up[i] += step
        down[i] -= step
        try:
            row = [(float(at(up)) - float(at(down))) / (2 * step)]
        except (ValueError, ZeroDivisionError):
            row = [np.nan]
        for m in range(k):
            scale = 4.0 ** (m + 1)
            row.append((scale * row[m] - rows[k - 1][m]) / (scale - 1))
            change = max(abs(row[m + 1] - row[m]), abs(row[m + 1] - rows[k - 1][m]))
            if change < error:
                best, error = row[m + 1], change
        rows.append(row)
        step /= 2
    return best
