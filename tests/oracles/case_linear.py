"""Totals, means, ratios and proportions; linearised designs."""

from __future__ import annotations

import re
from pathlib import Path

import likelihood
import numpy as np
import pandas as pd
from common import CLOSED, DESIGNS, ITERATIVE, KINDS, Comparison, Unsupported, domain_of, read, variable

from uncac_metrics.stats import intervals, survey

CI_METHODS = {
    "mean": "wald", "xlogit": "logit", "logit": "logit", "asin": "arcsine", "beta": "beta", "wilson": "wilson",
    "likelihood": "likelihood",
}  # fmt: skip
LONELY = {
    "fail": "error",
    "certainty": "certainty",
    "remove": "certainty",
    "adjust": "adjust",
    "average": "average",
}


def taylor(spec: dict, document: dict, folder: Path, options: dict) -> survey.Design:
    """Strata, clusters and population sizes."""
    data = read(spec, folder)
    sizes = spec.get("fpc")
    sizes = [] if sizes is None else [sizes] if isinstance(sizes, str) else list(sizes)
    for i, size in enumerate(sizes):
        if "=" in size:
            name, formula = size.split("=")
            over, under = formula.split("/")
            data[name] = data[over] / data[under]
            sizes[i] = name
    rule = options.get("lonely_psu", "fail")
    if rule not in LONELY:
        raise Unsupported(f"lonely.psu {rule}")
    return survey.Design(
        data, weight=spec.get("weights"), stratum=spec.get("strata"), psu=spec.get("ids"), fpc=sizes or None,
        nest=bool(spec.get("nest")), singleton=LONELY[rule],
        singleton_domain=bool(options.get("adjust_domain_lonely")),
    )  # fmt: skip


DESIGNS["taylor"] = taylor


def parsed(estimator: dict) -> dict:
    """Variables of a case that is only given as its R call."""
    if "call" not in estimator:
        return estimator
    one = re.fullmatch(r"svy(?:mean|total)\(~([\w.+]+), d\)", estimator["call"])
    two = re.fullmatch(r"svyratio\(~([\w.]+), ~([\w.]+), d\)", estimator["call"])
    if one:
        return estimator | {"y": one[1].split("+")}
    if two:
        return estimator | {"y": two[1], "x": two[2]}
    raise Unsupported(f"call {estimator['call']}")


def linear(case: dict, design: survey.Design, result: Comparison) -> None:
    """Totals, means, ratios and proportions."""
    options = case.get("options") or {}
    estimator = parsed(case["estimator"])
    data = design.data
    by = estimator.get("by")
    by = [] if by is None else [by] if isinstance(by, str) else list(by)
    domain = domain_of(case, data)
    rule: str | int = "domain" if domain else "design"
    kind, method = estimator["kind"], estimator.get("ci_method", options.get("ci_method"))
    given = options.get("df", estimator.get("df"))
    if given is not None and method != "beta":  # R's beta interval takes the design's df, whatever is given
        rule = given
    deff = {"srswor": "wor", "replace": "wr", "srswr": "wr"}.get(str(options.get("deff")), "wor")
    names = estimator["y"] if isinstance(estimator["y"], list) else [estimator["y"]]
    if kind == "proportion" and method not in CI_METHODS:
        raise Unsupported(f"interval {method}")
    ys = [variable(n, data) for n in names]
    common = {"by": [*domain, *by] or None, "df": rule, "deff": deff, "missing": "omit"}
    if kind == "proportion":
        estimates = survey.proportion(design, ys, interval=CI_METHODS[method], **common)
    elif kind == "total":
        estimates = survey.total(design, ys, **common)
    elif kind == "ratio":
        estimates = survey.ratio(design, ys, variable(estimator["x"], data), **common)
    elif all(pd.api.types.is_numeric_dtype(y) for y in ys):
        estimates = survey.mean(design, ys, **common)
    else:
        estimates = survey.proportion(design, ys, interval="wald", **common)
    if method == "likelihood":
        [row] = np.flatnonzero(estimates.table["in.domain"] == "in") if domain else [0]
        inside = data["in.domain"].eq("in").to_numpy() if domain else np.ones(len(data), dtype=bool)
        one = estimates.table.iloc[row]
        lower, upper = likelihood.limits(
            design, inside & (design.weight > 0), ys[0].to_numpy(float), one["std_error"], one["df"]
        )
        estimates = estimates.with_columns(lower=lower, upper=upper)
    compare(result, case, estimates, by, names, method)


for _kind in ("mean", "total", "ratio", "proportion"):
    KINDS[_kind] = linear


def compare(
    result: Comparison, case: dict, estimates: object, by: list[str], names: list[str], method: str | None
) -> None:
    table = estimates.table  # type: ignore[attr-defined]
    rows = case["expected"]["rows"]
    order = []
    for row in rows:
        match = np.ones(len(table), dtype=bool)
        for b in by:
            match &= (table[b] == str(row["key"][b])).to_numpy()
        if len(names) > 1:
            name = next(n for n in sorted(names, key=len, reverse=True) if row["term"].split(":")[-1].startswith(n))
            match &= table["indicator"].str.split("/").str[0].eq(name).to_numpy()
        if "category" in table.columns:
            match &= (names[0] + table["category"] == row["term"].split(":")[-1]).to_numpy()
        found = np.flatnonzero(match)
        if found.size != 1:
            result.differences.append(f"{row['term']}: {found.size} rows match")
            return
        order.append(int(found[0]))
    limits = ITERATIVE if method in ("logit", "likelihood") else CLOSED
    if method == "beta" and "R counts item-missing rows in n" in case.get("caution", ""):
        eligible = table["n_eligible"].to_numpy()[order]
        limits = 1e-4 if (eligible != table["n"].to_numpy()[order]).any() else CLOSED
    own_df = "df is rank(replicate weights)-1" in case.get("caution", "")  # a convention: see the caution
    for row, i in zip(rows, order, strict=True):
        mine, term = table.iloc[i], row["term"]
        estimate, se = float(row["estimate"]), float(row["se"])
        zero = CLOSED * max(abs(estimate), 1e-300)
        if method == "asin" and intervals.t_quantile(0.95, mine["df"]) * se > np.arcsin(
            np.sqrt(estimate)
        ) * 2 * np.sqrt(estimate * (1 - estimate)):
            raise Unsupported("the lower angle is negative: R squares it, the limit should be 0")
        result.number(f"{term} estimate", mine["value"], estimate, ITERATIVE if method == "logit" else CLOSED)
        result.number(f"{term} se", mine["std_error"], se, ITERATIVE if method == "logit" else CLOSED, floor=zero)
        if "df" not in (case.get("options") or {}) and not own_df:
            result.number(f"{term} df", mine["df"], case["expected"]["df"])
        lower, upper = intervals.wald(mine["value"], mine["std_error"], mine["df"])
        low_z, high_z = intervals.wald(mine["value"], mine["std_error"], np.inf)
        for key, got in (
            ("ci95_t", (lower, upper)),
            ("ci95_z", (low_z, high_z)),
            ("ci95", mine[["lower", "upper"]]),
        ):
            if key in row and not (own_df and key == "ci95_t"):
                tolerance = limits if key == "ci95" else CLOSED
                # limits are differences of larger numbers: their error is of the order of the estimate's
                floor = tolerance * 1e-3 * abs(estimate) + zero * 1e-3
                for side, a, b in zip(("lower", "upper"), got, row[key], strict=True):
                    result.number(f"{term} {key} {side}", a, b, tolerance, floor)
        if "deff" in row:
            result.number(f"{term} deff", mine["deff"], row["deff"])
    if "vcov" in case["expected"]:
        want = np.array(case["expected"]["vcov"], dtype=float)
        got = estimates.covariance().to_numpy()[np.ix_(order, order)]  # type: ignore[attr-defined]
        errors = np.sqrt(np.diag(want))
        least = CLOSED * np.abs([float(row["estimate"]) for row in rows])  # below it an error is a numerical zero
        scale, nothing = np.outer(errors, errors), np.minimum.outer(errors > least, errors > least) == 0
        zero = np.outer(np.maximum(errors, least), np.maximum(errors, least)) * nothing
        for i in range(len(want)):
            for j in range(i + 1):
                result.number(
                    f"cov[{i},{j}]",
                    got[i, j],
                    want[i, j],
                    floor=1e-12 * scale[i, j] + 1e-18 * abs(scale.max()) + zero[i, j],
                )
