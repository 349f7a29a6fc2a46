"""Regional and global aggregates of estimates for areas."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from uncac_metrics.model import Fault, Faults
from uncac_metrics.stats import intervals
from uncac_metrics.stats.areas.cells import Cells, cells_of
from uncac_metrics.stats.areas.coverage import Rule
from uncac_metrics.stats.areas.coverage import rule as rule_of
from uncac_metrics.stats.areas.imputed import with_imputed
from uncac_metrics.stats.areas.missing import bound_limits
from uncac_metrics.stats.estimates import Estimates, make_table
from uncac_metrics.stats.frames import as_estimates, linearised
from uncac_metrics.stats.joint import MatrixScores
from uncac_metrics.stats.trends.series import scale_of

Array = np.ndarray
MISSING = ("available", "bounds", "model")


def aggregate(
    data: Estimates | pd.DataFrame,
    groups: pd.DataFrame,
    *,
    rule: str | Rule = "none",
    weight: str = "weight",
    missing: str = "available",
    bounds: tuple[float, float] | None = None,
    covariates: Sequence[str] = (),
    scale: str = "identity",
    unknown_errors: str = "leave",
    imputations: int = 200,
    seed: int = 0,
    level: float = 0.95,
) -> Estimates:
    r"""Means of areas by group, weighted or simple, with their errors and what is missing from them.

    :math:`\bar A = \sum_a w_a \hat\theta_a / \sum_a w_a` over the areas with a value, with the variance that their
    joint covariance gives. Where θ is a share or ratio, take its denominator for weight: the mean is then the ratio
    of the group's totals.

    Parameters
    ----------
    data : Estimates or DataFrame
        Estimates by ``ref_area``; or published figures with the columns ``value``, ``ref_area`` and, where known,
        ``std_error`` and ``time_period``.
    groups : DataFrame
        A row a member of a group: ``ref_area``, ``region`` (the group), the column `weight` where the rule weights,
        and `covariates`. All members stand in it, whether they have a value or not; an area may be in several groups.
    rule : str or Rule
        How areas become an aggregate and how many it takes: see :func:`rules`. An aggregate that has too few is
        marked ``withheld``, with the reason.
    weight : str
        Column of `groups`: population, or another weight, above 0.
    missing : str
        What is said of members without a value:

        - ``available``: nothing; the aggregate stands for those with one;
        - ``bounds``: they may have any value within `bounds`; ``lower`` and ``upper`` hold the group's mean whatever
          they have (Imbens and Manski's interval). The value is that of the available areas;
        - ``model``: they are like the others with the same covariates; their values are drawn from the posterior
          predictive distribution of :math:`g(\theta_a) = x_a^\top \gamma + v_a`, `imputations` times, and pooled by
          Rubin's rules, with the covariance of what is drawn and the errors of the areas that it is predicted from.
    bounds : (low, high), optional
        Bounds of a value; 0 and 100 for ``%`` unless given.
    covariates : sequence of str
        Columns of `groups` for the model: numbers, or text that makes classes. Without any, all areas are alike.
        A model is fitted to each measure and period, with the areas of all groups.
    scale : str
        g of the model: ``identity``, ``log`` or ``logit``.
    unknown_errors : str
        ``leave``: an aggregate with an area of unknown error has an unknown one. ``ignore``: such areas are taken as
        exact, and the method says so.
    imputations, seed : int
        For ``model``.
    level : float
        Confidence level.

    Returns
    -------
    Estimates
        ``ref_area`` is the group; ``n`` counts the areas with a value and ``n_eligible`` all; ``quality`` holds the
        coverage and, under the model, the share of the variance that is due to missing areas. With scores: groups
        and their members can be compared.

    Raises
    ------
    Faults
        Columns that are missing from `groups`, members that stand in it twice, weights that are missing or not above
        0, two values of an area in one period, missing bounds, covariates that are not complete.

    References
    ----------
    Rubin (1987), *Multiple Imputation for Nonresponse in Surveys*; Barnard and Rubin (1999), Biometrika 86, 948–955;
    Imbens and Manski (2004), Econometrica 72, 1845–1857; the sources of the rules stand in :func:`rules`.

    Examples
    --------
    >>> import pandas as pd
    >>> countries = pd.DataFrame({"ref_area": ["KEN", "UGA", "TZA"], "value": [24.0, 16.0, 20.0],
    ...                           "std_error": [1.0, 2.0, 1.5], "unit": "%", "time_period": "2018"})
    >>> members = pd.DataFrame({"region": "014", "ref_area": ["KEN", "UGA", "TZA", "RWA"],
    ...                         "population": [50.0, 42.0, 56.0, 12.0]})
    >>> aggregate(countries, members, weight="population").table[["ref_area", "value", "std_error", "n"]].round(3)
      ref_area   value  std_error  n
    0      014  20.216      0.871  3
    >>> aggregate(countries, members, weight="population", missing="bounds").table[["lower", "upper"]].round(2)
       lower  upper
    0  17.37  27.53
    """
    how = rule_of(rule) if isinstance(rule, str) else rule
    estimates = as_estimates(data)
    limits = _check(estimates, groups, how, weight, missing, bounds, covariates, scale, unknown_errors)
    if unknown_errors == "ignore":
        estimates = _exact(estimates)
    members = groups.reset_index(drop=True).assign(ref_area=groups["ref_area"].astype(str).to_numpy())
    members["_weight"] = members[weight].astype(float) if how.weighted else 1.0
    cells = cells_of(estimates, members, how)
    known = estimates.table["value"].to_numpy(dtype=float)
    count = len(cells.table)
    summed = np.bincount(cells.cell, cells.weight, minlength=count)
    gradient = np.zeros((count, len(estimates)))
    np.add.at(gradient, (cells.cell, cells.row), cells.weight / summed[cells.cell])
    value = gradient @ np.where(np.isnan(known), 0.0, known)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = cells.known / cells.total
    shown = how.holds(share, cells.areas, cells.of)
    coverage = [
        f"coverage {c:.3f} of the weight; {a} of {n} areas"
        for c, a, n in zip(share, cells.areas, cells.of, strict=True)
    ]
    reason = np.where(shown, "", [f"{c}; wants {how.wants}" for c in coverage])
    method = f"{'weighted' if how.weighted else 'simple'} mean of areas; {how.title}"
    method += "" if how.verified else f" (unverified: {how.unverified})"
    method += "; errors of the areas ignored where unknown" if unknown_errors == "ignore" else ""
    table = make_table(
        {name: cells.table[name].to_numpy() for name in cells.table.columns if name != "region"} | {
            "ref_area": cells.table["region"].to_numpy(), "value": value, "n": cells.areas, "n_eligible": cells.of,
            "conf_level": level, "interval": "wald", "df": _df(estimates, cells), "quality": coverage,
            "method": method, "display": np.where(shown, "shown", "withheld"), "reason": reason,
        },
        estimates.breakdowns,
    )  # fmt: skip
    if missing == "model":
        return with_imputed(estimates, members, cells, gradient, table, covariates, scale, imputations, seed, level)
    result = linearised(estimates, gradient, table, value)
    error = result.table["std_error"].to_numpy()
    if missing == "bounds":
        lower, upper = bound_limits(value, error, share, limits, level)
        lacks = np.isnan(error)
        return result.with_columns(
            lower=lower, upper=upper, interval="worst case", method=method + f"; bounds {limits[0]:g} to {limits[1]:g}",
            display=np.where(shown & lacks, "flagged", table["display"]),
            reason=np.where(shown & lacks, "the limits are about missing areas alone: sampling errors unknown", reason),
        )  # fmt: skip
    lower, upper = intervals.wald(value, error, result.table["df"].to_numpy(), level)
    return result.with_columns(lower=lower, upper=upper)


def _df(estimates: Estimates, cells: Cells) -> Array:
    """The fewest degrees of freedom among the areas of each aggregate."""
    df = estimates.table["df"].fillna(np.inf).to_numpy()[cells.row]
    out = np.full(len(cells.table), np.inf)
    np.minimum.at(out, cells.cell, df)
    return out


def _exact(estimates: Estimates) -> Estimates:
    covariance = estimates.covariance().to_numpy()
    return Estimates(estimates.table, (MatrixScores.of(np.where(np.isnan(covariance), 0.0, covariance)),))


def _check(
    estimates: Estimates, groups: pd.DataFrame, how: Rule, weight: str, missing: str,
    bounds: tuple[float, float] | None, covariates: Sequence[str], scale: str, unknown_errors: str,
) -> tuple[float, float]:  # fmt: skip
    """All faults of the arguments at once; the bounds of a value."""
    faults = []

    def fault(where: str, what: str, remedy: str, bad: Array | None = None) -> None:
        at = np.flatnonzero(bad) if bad is not None else np.empty(0, dtype=int)
        faults.append(Fault("aggregate", where, what, remedy, tuple(int(i) + 1 for i in at[:5]), at.size))

    for name in ("ref_area", "region", *([weight] if how.weighted else []), *covariates):
        if name not in groups.columns:
            fault("groups", f"no column {name!r}", "add it, a value a member")
    if missing not in MISSING:
        fault("missing", f"{missing!r}", f"one of {', '.join(MISSING)}")
    elif missing != "available" and how.periods == "all":
        fault("missing", f"{missing} under rule {how.id}", "a mean of all rows has no missing areas: take available")
    if unknown_errors not in ("leave", "ignore"):
        fault("unknown_errors", f"{unknown_errors!r}", "leave or ignore")
    if faults:
        raise Faults(faults)
    scale_of(scale, "aggregate")
    twice = groups.duplicated(["region", "ref_area"]).to_numpy()
    if twice.any():
        fault("groups", "a member of a region stands in it twice", "leave one of the rows", twice)
    if how.weighted:
        number = pd.to_numeric(groups[weight], errors="coerce").to_numpy(dtype=float)
        bad = ~(number > 0) | np.isinf(number)
        if bad.any():
            fault(weight, "weights that are missing or not above 0", "give every member its weight", bad)
    for name in covariates:
        lost = groups[name].isna().to_numpy()
        if lost.any():
            fault(name, "a covariate is missing", "give every member a value, or leave the covariate out", lost)
        several = (groups.groupby("ref_area")[name].transform("nunique") > 1).to_numpy()
        if several.any():
            fault(name, "an area has several values of a covariate", "give an area the same one in all groups", several)
    table = estimates.table
    names = ["indicator", "statistic", *estimates.breakdowns, "denominator", "unit", "ref_area", "time_period"]
    double = table.duplicated(names).to_numpy() & table["value"].notna().to_numpy()
    if double.any():
        fault("ref_area", "two values of an area in one period", "select one source, or pool them", double)
    if missing == "bounds":
        percent = len(table) and (table["unit"] == "%").all()
        if bounds is None and not percent:
            fault("bounds", "not given for values other than per cent", "give the least and the greatest value")
        elif bounds is not None and not bounds[0] < bounds[1]:
            fault("bounds", f"{bounds}", "give the least, then the greatest value")
    if faults:
        raise Faults(faults)
    return bounds if bounds is not None else (0.0, 100.0)
