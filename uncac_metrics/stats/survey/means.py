"""Totals, means, ratios and proportions of a complex sample, by domain: what users call.

The formulas are those of :mod:`uncac_metrics.stats.survey.linear`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from uncac_metrics.model import Fault, Faults
from uncac_metrics.stats.estimates import Estimates
from uncac_metrics.stats.survey.arguments import (
    By,
    Variable,
    base_of,
    grouping,
    is_binary,
    is_numeric,
    series,
    variables,
    yes_no,
)
from uncac_metrics.stats.survey.design import Design
from uncac_metrics.stats.survey.linear import level_pairs, linear
from uncac_metrics.stats.survey.stages import rows_of
from uncac_metrics.stats.survey.sums import Pair

_COMMON = """
    by : str or list of str, optional
        Breakdown columns; several are crossed. Rows with a missing level belong to no domain. A declared category
        without rows gives a row with n = 0 and no value.
    level : float
        Confidence level.
    interval : str, optional
        Name of the interval; see :mod:`uncac_metrics.stats.intervals`.
    df : {"answered", "domain", "design"} or int
        Degrees of freedom, units minus strata: of those with rows that count in the estimate, with rows in the
        domain, of the whole design, or as given.
    deff : {"wr", "wor"}
        Design effect against simple random sampling with or without replacement.
    missing : {"omit", "error"}
        Rows without an answer leave the estimate and are counted in ``n_eligible − n``, or are an error.

    Returns
    -------
    Estimates
        A row a domain and variable.

    Raises
    ------
    Faults
        Unknown columns (with the nearest name), values that are not numbers, and what is said above."""


def _documented(function: Callable) -> Callable:
    function.__doc__ = (function.__doc__ or "").replace("    {common}", _COMMON.lstrip("\n"))
    return function


@_documented
def total(
    design: Design, y: Variable | Sequence[Variable], *, by: By = None, level: float = 0.95,
    interval: str | None = None, df: str | int = "answered", deff: str = "wr", missing: str = "error",
) -> Estimates:  # fmt: skip
    r"""Population total :math:`\sum w y` with its standard error.

    Parameters
    ----------
    design : Design
    y : str, Series or array of length n, or a list of these
        Numbers (or yes/no). A missing answer is an error unless ``missing="omit"``: a sum over those who answered is
        too small by the others' share.
    {common}

    Examples
    --------
    >>> import pandas as pd
    >>> from uncac_metrics.stats import survey
    >>> frame = pd.DataFrame({"w": [10.0, 10, 20, 20], "h": ["a", "a", "b", "b"], "bribes": [0, 2, 1, 3]})
    >>> survey.total(survey.Design(frame, weight="w", stratum="h"), "bribes").table[["value", "std_error"]].round(3)
       value  std_error
    0  100.0     44.721
    """
    pairs = [Pair(n, v, None, "total", binary=is_binary(v)) for n, v in variables(design, y)]
    return linear(design, pairs, [grouping(by)], level=level, interval=interval, df=df, deff=deff, missing=missing)


@_documented
def mean(
    design: Design, y: Variable | Sequence[Variable], *, denominator: Variable | None = None, by: By = None,
    level: float = 0.95, interval: str | None = None, df: str | int = "answered", deff: str = "wr",
    missing: str = "omit",
) -> Estimates:  # fmt: skip
    r"""Mean :math:`\sum w y / \sum w` over the units, or over those of a subpopulation.

    Parameters
    ----------
    design : Design
    y : str, Series or array of length n, or a list of these
        Numbers. Text is an error: see :func:`proportion` for its shares.
    denominator : str, Series or array, optional
        Yes/no: the units that the mean is over. Missing is not yes.
    {common}

    Examples
    --------
    >>> import pandas as pd
    >>> from uncac_metrics.stats import survey
    >>> frame = pd.DataFrame({"w": [10.0, 10, 20, 20], "h": ["a", "a", "b", "b"], "bribes": [0, 2, 1, 3]})
    >>> survey.mean(survey.Design(frame, weight="w", stratum="h"), "bribes").table[["value", "std_error"]].round(3)
       value  std_error
    0  1.667      0.745
    """
    base, base_name = base_of(design, denominator)
    pairs = [Pair(n, v, base, "mean", base_name, within=False, binary=is_binary(v)) for n, v in variables(design, y)]
    return linear(design, pairs, [grouping(by)], level=level, interval=interval, df=df, deff=deff, missing=missing)


@_documented
def ratio(
    design: Design, numerator: Variable | Sequence[Variable], denominator: Variable, *, by: By = None,
    level: float = 0.95, interval: str | None = None, df: str | int = "answered", deff: str = "wr",
    missing: str = "omit", within: bool | None = None,
) -> Estimates:  # fmt: skip
    r"""Ratio of two totals :math:`\hat R = \sum w y / \sum w x`.

    Where numerator and denominator are yes/no and nested, the ratio is a share and takes an interval for proportions
    (Korn–Graubard unless named).

    Parameters
    ----------
    design : Design
    numerator : str, Series or array of length n, or a list of these
    denominator : str, Series or array of length n
    within : bool, optional
        The numerator is part of the denominator. By default so where both are yes/no; a case in the numerator outside
        the denominator is then an error. False: the ratio of two different groups.
    {common}

    Examples
    --------
    >>> import pandas as pd
    >>> from uncac_metrics.stats import survey
    >>> frame = pd.DataFrame({"w": 1.0, "contact": [1, 1, 1, 0, 1, 1], "paid": [0, 1, 0, 0, 0, 0]})
    >>> result = survey.ratio(survey.Design(frame, weight="w"), "paid", "contact")
    >>> result.table[["value", "lower", "upper", "n", "events", "interval"]].round(3)
       value  lower  upper  n  events       interval
    0    0.2  0.003  0.762  5       1  korn_graubard
    """
    [(base_name, x)] = variables(design, denominator)
    pairs, faults = [], []
    for name, y in variables(design, numerator):
        both = is_binary(y) and is_binary(x)
        nested = both if within is None else within
        if nested:
            outside = y > x if both else (y > 0) & (x == 0)
            if outside.any():
                what = "cases in the numerator stand outside the denominator"
                remedy = "count cases within the denominator only, or say within=False for a ratio of two groups"
                faults.append(Fault("ratio", f"{name!r} / {base_name!r}", what, remedy, **rows_of(outside)))
        pairs.append(Pair(f"{name}/{base_name}", y, x, "ratio", base_name, within=nested and both, binary=is_binary(y)))
    if faults:
        raise Faults(faults)
    return linear(design, pairs, [grouping(by)], level=level, interval=interval, df=df, deff=deff, missing=missing)


@_documented
def proportion(
    design: Design, y: Variable | Sequence[Variable], *, denominator: Variable | None = None, by: By = None,
    level: float = 0.95, interval: str | None = None, df: str | int = "answered", deff: str = "wr",
    missing: str = "omit",
) -> Estimates:  # fmt: skip
    r"""Share of units with an attribute, or of each level of a coded variable.

    The default interval is Korn–Graubard's, which is sensible at zero and full counts.

    Parameters
    ----------
    design : Design
    y : str, Series or array of length n, or a list of these
        Yes/no (1/0, True/False), or text or categories: then a row a level, under the breakdown ``category``.
    denominator : str, Series or array, optional
        Yes/no: the units that the share is of. Missing is not yes.
    {common}

    Examples
    --------
    >>> import pandas as pd
    >>> from uncac_metrics.stats import survey
    >>> frame = pd.DataFrame({"w": 1.0, "form": ["cash", "cash", "food", None, "cash"]})
    >>> shares = survey.proportion(survey.Design(frame, weight="w"), "form")
    >>> shares.table[["category", "value", "n", "n_eligible", "events"]].round(3)
      category  value  n  n_eligible  events
    0     cash   0.75  4           5       3
    1     food   0.25  4           5       1
    """
    base, base_name = base_of(design, denominator)
    pairs = []
    for name, values in series(design, y):
        if is_numeric(values):
            pairs.append(Pair(name, yes_no(name, values), base, "proportion", base_name, within=True, binary=True))
        else:
            pairs += level_pairs(name, values, base, base_name)
    return linear(design, pairs, [grouping(by)], level=level, interval=interval, df=df, deff=deff, missing=missing)
