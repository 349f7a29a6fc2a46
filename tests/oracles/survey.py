"""Run reference cases of R `survey` against this library.

    python tests/oracles/survey.py --cases FILE --data DIR

FILE holds designs and cases as JSON, DIR the data sets that they name. Printed: ``N passed, M differ, K unsupported``
and a line for each case that differs (with ``--verbose`` also for those not supported, with the reason).

Tolerances: 1e-9 relative for closed forms; 1e-6 for limits that R finds by iteration. A standard error below 1e-9 of
its estimate, or a covariance below 1e-12 of the scale of its row and column, is a numerical zero.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from uncac_metrics.model import Faults
from uncac_metrics.stats import intervals, survey

CLOSED, ITERATIVE = 1e-9, 1e-6
CI_METHODS = {
    "mean": "wald", "xlogit": "logit", "logit": "logit", "asin": "arcsine", "beta": "beta", "wilson": "wilson",
}  # fmt: skip
KINDS = ("mean", "total", "ratio", "proportion")
LONELY = {"fail": "error", "certainty": "certainty", "remove": "certainty", "adjust": "adjust", "average": "average"}


class Unsupported(Exception):
    """The case needs something that the library, or this script, does not have."""


# ---------------------------------------------------------------------------------------------- R expressions


def condition(text: str, data: pd.DataFrame) -> np.ndarray:
    """Value (1, 0, NaN for missing) of an R condition of comparisons, ``&``, ``|`` and parentheses, on the rows."""
    tokens = re.findall(r"\(|\)|&|\||==|!=|<=|>=|<|>|'[^']*'|\"[^\"]*\"|[\w.]+", text)
    if "".join(tokens) != text.replace(" ", ""):
        raise Unsupported(f"condition {text!r}")
    rest = tokens[::-1]

    def either() -> np.ndarray:
        value = both()
        while rest and rest[-1] == "|":
            rest.pop()
            other = both()
            value = np.where((value == 1) | (other == 1), 1.0, value + other)
        return value

    def both() -> np.ndarray:
        value = atom()
        while rest and rest[-1] == "&":
            rest.pop()
            other = atom()
            value = np.where((value == 0) | (other == 0), 0.0, value * other)
        return value

    def atom() -> np.ndarray:
        name = rest.pop()
        if name == "(":
            value = either()
            rest.pop()
            return value
        operator, literal = rest.pop(), rest.pop()
        column = data[name]
        against = literal.strip("'\"") if literal[0] in "'\"" else float(literal)
        compared = {
            "==": column.eq, "!=": column.ne, "<": column.lt, "<=": column.le, ">": column.gt, ">=": column.ge,
        }[operator](against)  # fmt: skip
        return np.where(column.isna(), np.nan, compared.astype(float))

    return either()


def variable(text: str, data: pd.DataFrame) -> pd.Series:
    """A column, or ``I(condition)`` as 1, 0, missing."""
    inner = re.fullmatch(r"I\((.*)\)", text)
    if not inner:
        if text not in data.columns:
            raise Unsupported(f"variable {text!r}")
        return data[text]
    body = inner[1]
    values = data[body].to_numpy(float) if body in data.columns else condition(body, data)
    return pd.Series(values, name=text)


# -------------------------------------------------------------------------------------------------- the designs


def make_design(spec: dict, folder: Path, options: dict) -> survey.Design:
    if spec["method"] != "taylor":
        raise Unsupported(f"design method {spec['method']}")
    data = pd.read_csv(folder / Path(spec["dataset"]).name)
    sizes = spec.get("fpc")
    sizes = [] if sizes is None else [sizes] if isinstance(sizes, str) else list(sizes)
    for i, size in enumerate(sizes):
        if "=" in size:
            name, formula = size.split("=")
            over, under = formula.split("/")
            data[name] = data[over] / data[under]
            sizes[i] = name
    ids = spec.get("ids")
    rule = options.get("lonely_psu", "fail")
    if rule not in LONELY:
        raise Unsupported(f"lonely.psu {rule}")
    return survey.Design(
        data, weight=spec.get("weights"), stratum=spec.get("strata"), psu=ids, fpc=sizes or None,
        nest=bool(spec.get("nest")), singleton=LONELY[rule],
        singleton_domain=bool(options.get("adjust_domain_lonely")),
    )  # fmt: skip


# ---------------------------------------------------------------------------------------------------- the cases


@dataclass
class Comparison:
    """What differs in one case."""

    differences: list[str] = field(default_factory=list)
    compared: int = 0

    def number(self, what: str, got: float, want: object, tolerance: float = CLOSED, floor: float = 0.0) -> None:
        expected = float(want)  # type: ignore[arg-type]
        self.compared += 1
        got = float(got)
        if np.isnan(expected) and np.isnan(got):
            return
        if not abs(got - expected) <= tolerance * abs(expected) + floor:
            self.differences.append(f"{what} {got!r} expected {expected!r}")


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


def run(case: dict, spec: dict, folder: Path) -> Comparison:
    """Compute one case and compare it."""
    options = case.get("options") or {}
    if case["estimator"]["kind"] not in KINDS:
        raise Unsupported(f"estimator {case['estimator']['kind']}")
    if "none of the seven R methods" in case.get("caution", ""):
        raise Unsupported("R itself has no usable interval")
    estimator = parsed(case["estimator"])
    result = Comparison()
    if case.get("expected_error"):
        try:
            make_design(spec, folder, options)
        except Faults:
            return result
        result.differences.append("no error raised")
        return result
    design = make_design(spec, folder, options)
    data = design.data
    by = estimator.get("by")
    by = [] if by is None else [by] if isinstance(by, str) else list(by)
    domain = case.get("domain_r")
    rule: str | int = "design"
    if domain:
        inside = condition(domain, data) == 1
        data["in.domain"] = pd.Series(np.where(inside, "in", None), dtype=object)
        by, rule = ["in.domain", *by], "domain"
    kind, method = estimator["kind"], estimator.get("ci_method", options.get("ci_method"))
    given = options.get("df", estimator.get("df"))
    if given is not None and method != "beta":  # R's beta interval takes the design's df, whatever is given
        rule = given
    deff = {"srswor": "wor", "replace": "wr", "srswr": "wr"}.get(str(options.get("deff")), "wor")
    names = estimator["y"] if isinstance(estimator["y"], list) else [estimator["y"]]
    if kind == "proportion" and method not in CI_METHODS:
        raise Unsupported(f"interval {method}")
    ys = [variable(n, data) for n in names]
    common = {"by": by or None, "df": rule, "deff": deff, "missing": "omit"}
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
    compare(result, case, estimates, [b for b in by if b != "in.domain"], names, method)
    return result


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
    limits = ITERATIVE if method == "logit" else CLOSED
    if method == "beta" and "R counts item-missing rows in n" in case.get("caution", ""):
        eligible = table["n_eligible"].to_numpy()[order]
        limits = 1e-4 if (eligible != table["n"].to_numpy()[order]).any() else CLOSED
    for row, i in zip(rows, order, strict=True):
        mine, term = table.iloc[i], row["term"]
        estimate, se = float(row["estimate"]), float(row["se"])
        zero = CLOSED * max(abs(estimate), 1e-300)
        if method == "asin" and intervals.t_quantile(0.95, mine["df"]) * se > np.arcsin(np.sqrt(estimate)) * 2 * np.sqrt(
            estimate * (1 - estimate)
        ):
            raise Unsupported("the lower angle is negative: R squares it, the limit should be 0")
        result.number(f"{term} estimate", mine["value"], estimate, ITERATIVE if method == "logit" else CLOSED)
        result.number(f"{term} se", mine["std_error"], se, ITERATIVE if method == "logit" else CLOSED, floor=zero)
        if "df" not in (case.get("options") or {}):
            result.number(f"{term} df", mine["df"], case["expected"]["df"])
        lower, upper = intervals.wald(mine["value"], mine["std_error"], mine["df"])
        low_z, high_z = intervals.wald(mine["value"], mine["std_error"], np.inf)
        for key, got in (("ci95_t", (lower, upper)), ("ci95_z", (low_z, high_z)), ("ci95", mine[["lower", "upper"]])):
            if key in row:
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
        scale = np.sqrt(np.outer(np.diag(want), np.diag(want)))
        for i in range(len(want)):
            for j in range(i + 1):
                result.number(f"cov[{i},{j}]", got[i, j], want[i, j], floor=1e-12 * scale[i, j] + 1e-18 * abs(scale.max()))


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", required=True, type=Path)
    parser.add_argument("--data", required=True, type=Path)
    parser.add_argument("--verbose", action="store_true", help="also list the cases that are not supported")
    options = parser.parse_args(arguments)
    document = json.loads(options.cases.read_text())
    passed, differing, unsupported = 0, [], []
    for case in document["cases"]:
        try:
            outcome = run(case, document["designs"][case["design"]], options.data)
        except Unsupported as reason:
            unsupported.append(f"{case['id']}: {reason}")
            continue
        except Exception as error:  # a crash is a difference, and is named
            differing.append(f"{case['id']}: {type(error).__name__}: {str(error).splitlines()[0]}")
            continue
        if outcome.differences:
            differing.append(f"{case['id']}: {outcome.differences[0]} ({len(outcome.differences)} of {outcome.compared})")
        else:
            passed += 1
    for line in differing:
        print(line)
    if options.verbose:
        for line in unsupported:
            print(f"unsupported {line}")
    print(f"{passed} passed, {len(differing)} differ, {len(unsupported)} unsupported")
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
