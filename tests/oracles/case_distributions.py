"""Quantiles, distribution functions, variances, covariances, tables and contrasts."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
from common import CLOSED, ITERATIVE, KINDS, Comparison, Unsupported, domain_of, variable

from uncac_metrics.stats import intervals, survey

INTERVALS = {"asin": "arcsine"}
NAME = r"[A-Za-z][\w.]*"


def listed(value: object) -> list:
    return [] if value is None else [value] if isinstance(value, (str, int, float)) else list(value)  # type: ignore[call-overload]


def df_rule(case: dict, domain: list, by: list) -> str | float:
    given = (case.get("options") or {}).get("df", case["estimator"].get("df"))
    if given is not None:
        return float(given)
    return "domain" if domain or by else "design"


def limits(result: Comparison, term: str, row: dict, value: float, se: float, df: float, tolerance: float) -> None:
    """Wald limits of a row, where it has them."""
    for key, freedom in (("ci95_t", df), ("ci95_z", np.inf)):
        if key in row:
            got = intervals.wald(value, se, freedom)
            for side, a, b in zip(("lower", "upper"), got, row[key], strict=True):
                result.number(f"{term} {key} {side}", a, b, tolerance, 1e-12 * abs(value))


def keyed(table: object, row: dict, by: list[str]) -> np.ndarray:
    match = np.ones(len(table), dtype=bool)  # type: ignore[arg-type]
    for b in by:
        match &= (table[b] == str(row["key"][b])).to_numpy()  # type: ignore[index]
    return match


def quantile(case: dict, design: survey.Design, result: Comparison) -> None:
    """Quantiles by rule and interval."""
    estimator, options = case["estimator"], case.get("options") or {}
    estimator = estimator | options
    rule, interval = estimator.get("qrule", "math"), estimator.get("interval", "mean")
    interval = estimator.get("ci_method", interval)
    if rule == "hf4":
        raise Unsupported("R has no result for hf4")
    weights = design.weight[design.weight > 0]
    if rule == "shahvaish" and abs(weights.mean() - 1) > 1e-9:
        raise Unsupported("R mixes scaled and unscaled weights: its quantile changes with the unit of the weights")
    domain, by = domain_of(case, design.data), listed(estimator.get("by"))
    probs = listed(estimator.get("p", estimator.get("quantiles", 0.5)))
    names = listed(estimator["y"])
    estimates = survey.quantile(
        design, [variable(n, design.data) for n in names], probs, by=[*domain, *by] or None, rule=rule,
        interval=INTERVALS.get(interval, interval), df=df_rule(case, domain, by),
    )  # fmt: skip
    table = estimates.table
    for row in case["expected"]["rows"]:
        match = keyed(table, row, by)
        if len(names) > 1:
            match &= (table["indicator"] == row["term"].split(":")[-1]).to_numpy()
        if "p" in row or len(probs) > 1:
            match &= (table["statistic"] == f"quantile {float(row['p']):.12g}").to_numpy()
        found = table[match]
        if len(found) != 1:
            result.differences.append(f"{row}: {len(found)} rows match")
            return
        mine, term = found.iloc[0], f"{row.get('key', row['term'])} {row.get('p', '')}"
        result.number(f"{term} estimate", mine["value"], row["estimate"])
        if "se" in row:
            result.number(f"{term} se", mine["std_error"], row["se"])
            limits(result, term, row, mine["value"], mine["std_error"], mine["df"], CLOSED)
        for key in ("ci95", "ci"):
            if key in row:
                result.number(f"{term} lower", mine["lower"], row[key][0])
                result.number(f"{term} upper", mine["upper"], row[key][1])
        if "df" in case["expected"] and not by:
            result.number(f"{term} df", mine["df"], case["expected"]["df"])


def cdf(case: dict, design: survey.Design, result: Comparison) -> None:
    """The distribution function at points."""
    rows, domain = case["expected"]["rows"], domain_of(case, design.data)
    at = sorted({float(r["term"]) for r in rows})
    table = survey.cdf(design, variable(case["estimator"]["y"], design.data), at, by=domain or None).table
    of = dict(zip(table["category"].astype(float), table["value"], strict=True))
    for row in rows:
        result.number(row["term"], of[float(row["term"])], row["estimate"])


def moments(case: dict, design: survey.Design, result: Comparison) -> None:
    """Variances and covariances."""
    names, domain = listed(case["estimator"]["y"]), domain_of(case, design.data)
    names = [n for given in names for n in given.split("+")]
    by = listed(case["estimator"].get("by"))
    ys = [variable(n, design.data) for n in names]
    options = {"by": [*domain, *by] or None, "df": df_rule(case, domain, [])}
    table = survey.covariance(design, ys, **options).table
    for row in case["expected"]["rows"]:
        is_se, term = row["term"].startswith("se_"), row["term"].removeprefix("se_").split(".")[0]
        if len(names) == 1:
            wanted = names[0]
        elif term == "cov":
            wanted = f"{names[0]} × {names[1]}"
        else:
            wanted = term if term in names else " × ".join(term.split(":"))
        found = table[keyed(table, row, by) & (table["indicator"] == wanted).to_numpy()]
        if len(found) != 1:
            raise Unsupported(f"term {row['term']}")
        mine = found.iloc[0]
        result.number(row["term"], mine["std_error" if is_se else "value"], row["estimate"])
        if "se" in row:
            result.number(f"{row['term']} se", mine["std_error"], row["se"])
            limits(result, row["term"], row, mine["value"], mine["std_error"], mine["df"], CLOSED)


def table(case: dict, design: survey.Design, result: Comparison) -> None:
    """Weighted counts."""
    estimator, options = case["estimator"], case.get("options") or {}
    names = [n for key in ("rows", "cols", "y", "by") for n in listed(estimator.get(key))]
    inside = None
    if domain_of(case, design.data):
        inside = design.data["in.domain"].notna().astype(int)
    total = options.get("Ntotal", options.get("n_total"))
    found = survey.table(design, names, rounded=bool(options.get("round")), total=total, denominator=inside).table
    for row in case["expected"]["rows"]:
        [i] = np.flatnonzero(keyed(found, row, names))
        result.number(str(row["key"]), found["value"].iloc[i], row["estimate"])


def contrast(case: dict, design: survey.Design, result: Comparison) -> None:
    """Linear combinations by label, and the ratio of two."""
    estimator, expected = case["estimator"], case["expected"]
    domain = domain_of(case, design.data)
    several = rf"{NAME}(?:, ?{NAME})*"
    pattern = rf"(mean|total|ratio|proportion) ({NAME}/{NAME}|{several})(?: by ({several}))?"
    found = re.fullmatch(pattern, estimator["of"])
    if not found:
        raise Unsupported(f"contrast of {estimator['of']!r}")
    kind, text, by_text = found.groups()
    by = [*domain, *(re.split(r", ?", by_text) if by_text else [])] or None
    df = df_rule(case, domain, [])
    names = re.split(r", ?", text)
    if kind == "ratio":
        above, below = names[0].split("/")
        of = survey.ratio(design, variable(above, design.data), variable(below, design.data), by=by, df=df)
    else:
        ys = [variable(n, design.data) for n in names]
        coded = not all(pd.api.types.is_numeric_dtype(y) for y in ys)
        if coded and (kind == "total" or len(ys) > 1):
            raise Unsupported(f"contrast of {estimator['of']!r}")
        of = getattr(survey, "proportion" if coded else kind)(design, ys, by=by, df=df, missing="omit")
        if coded:  # R names levels by variable and level
            of = of.with_columns(category=names[0] + of.table["category"])
    if domain:
        of = of.select(**dict.fromkeys(domain, "in"))
        of = type(of)(of.table.drop(columns=domain), of.scores)
    if "L" in estimator:
        made = survey.contrast(of, {str(k): float(v) for k, v in estimator["L"].items()}, df=df)
    else:
        ratio = re.fullmatch(rf"`?({NAME})`? ?/ ?`?({NAME})`?", estimator.get("f", ""))
        if not ratio:
            raise Unsupported(f"function {estimator.get('f')!r}")
        made = survey.contrast(of, lambda e: e[ratio[1]] / e[ratio[2]], df=df)
    mine = made.table.iloc[0]
    numbers = {"estimate": mine["value"], "se": mine["std_error"], "log": np.log(mine["value"]) if mine["value"] > 0
               else np.nan, "se_log": mine["std_error"] / abs(mine["value"])}  # fmt: skip
    for row in expected["rows"]:
        term = row["term"]
        result.number(term, numbers.get(term, mine["value"]), row["estimate"])
        if "se" in row:
            result.number(f"{term} se", mine["std_error"], row["se"])
            tolerance = ITERATIVE if "f" in estimator else CLOSED
            limits(result, term, row, mine["value"], mine["std_error"], mine["df"], tolerance)


KINDS |= {
    "quantile": quantile, "cdf": cdf, "variance": moments, "covariance": moments, "table": table, "contrast": contrast,
}  # fmt: skip
