"""Regression models, tests of their terms, predictions, and tests of association, means and ranks."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import pairwise

import numpy as np
import pandas as pd
from common import CLOSED, ITERATIVE, KINDS, Comparison, Unsupported, condition, domain_of

from uncac_metrics.stats import intervals, survey
from uncac_metrics.stats.chi_square_sums import tail
from uncac_metrics.stats.survey.influence import answered_df

FAMILIES = {
    "gaussian": "gaussian", "binomial": "binomial", "quasibinomial": "binomial", "poisson": "poisson",
    "quasipoisson": "poisson", "Gamma": "gamma", "inverse.gaussian": "inverse_gaussian",
}  # fmt: skip
LINKS = {"1/mu^2": "inverse_squared", "logistic": "logit"}


# --- R formulas ---------------------------------------------------------------------------------------------------


def translated(text: str, data: pd.DataFrame) -> str:
    """An R formula in the notation of formulaic; what R computes within it becomes a column of the data."""
    left, right = (part.strip() for part in text.split("~", 1))
    return f"{_outcome(left, data)} ~ {_terms(right, data)}" if left else f"~ {_terms(right, data)}"


def _terms(text: str, data: pd.DataFrame) -> str:
    text = re.sub(r"\bfactor\(", "C(", text).replace("^", "**")
    return re.sub(r"(?<![\w.`])([A-Za-z][\w]*(?:\.[\w]+)+)(?![\w.(`])", r"`\1`", text)


def _outcome(text: str, data: pd.DataFrame) -> str:
    if text in data.columns:
        return f"`{text}`"
    cut = re.fullmatch(r"cut\(([\w.]+), *c\((.*?)\)\)", text)
    if cut:
        breaks = [float(b.replace("Inf", "inf")) for b in cut[2].split(",")]
        names = [b.strip() for b in cut[2].split(",")]
        labels = [f"({a},{b}]" for a, b in pairwise(names)]
        data["outcome"] = pd.cut(data[cut[1]], breaks, labels=labels)
        return "outcome"
    factor = re.fullmatch(r"(?:as\.|)(?:factor|ordered)\(([\w.]+)\)", text)
    if factor:
        data["outcome"] = pd.Categorical(data[factor[1]])
        return "outcome"
    inner = re.fullmatch(r"(?:I|as\.numeric|as\.integer)\((.*)\)", text)
    if inner and re.search(r"[=<>]", inner[1]):
        data["outcome"] = condition(inner[1], data)
        return "outcome"
    data["outcome"] = arithmetic(inner[1] if inner else text, data)
    return "outcome"


def arithmetic(text: str, data: pd.DataFrame) -> pd.Series:
    """A column, or sums, differences, products and quotients of columns and numbers, and their logarithm."""
    text = text.strip()
    log = re.fullmatch(r"log\((.*)\)", text)
    if log:
        return np.log(arithmetic(log[1], data))
    parts = re.split(r"([-+*/])", text)
    if len(parts) == 1:
        if text in data.columns:
            return data[text]
        try:
            return pd.Series(float(text), index=data.index)
        except ValueError:
            raise Unsupported(f"expression {text!r}") from None
    value = arithmetic(parts[0], data)
    for operator, operand in zip(parts[1::2], parts[2::2], strict=True):
        other = arithmetic(operand, data)
        value = {"+": value + other, "-": value - other, "*": value * other, "/": value / other}[operator]
    return value


def r_name(name: str) -> str:
    """A coefficient's name as R writes it."""
    if name == "Intercept":
        return "(Intercept)"
    name = re.sub(r"\[T\.(.*?)\](?=$|:)", lambda m: {"True": "TRUE", "False": "FALSE"}.get(m[1], m[1]), name)
    return re.sub(r"\bC\(", "factor(", name).replace(" ", "").replace("**", "^")


def ordered(rows: list[dict], names: Iterable[str]) -> list[int]:
    """Place of each expected term among our names."""
    ours = {tuple(sorted(r_name(n).split(":"))): i for i, n in enumerate(names)}
    try:
        return [ours[tuple(sorted(row["term"].replace(" ", "").split(":")))] for row in rows]
    except KeyError as missing:
        raise Unsupported(f"coefficient {missing} not among {list(names)}") from None


def inside(case: dict, data: pd.DataFrame) -> np.ndarray | None:
    """Yes/no of the case's subset."""
    if not domain_of(case, data):
        return None
    return (data["in.domain"] == "in").to_numpy().astype(float)


# --- models -------------------------------------------------------------------------------------------------------


def fitted(case: dict, design: survey.Design) -> tuple[object, str]:
    """The model of a case, and its family as R writes it."""
    estimator, call = case["estimator"], case.get("r_call", "")
    text = estimator.get("formula") or estimator.get("model")
    if text is None:
        found = re.search(r"svyglm\((.*?~.*?), *(?:design *= *)?d\b", call)
        if not found:
            raise Unsupported(f"call {call}")
        text = found[1].removeprefix("formula=")
    family = estimator.get("family")
    if family is None:
        named = re.search(r"family *= *([\w.]+)", call)
        family = named[1] if named else "gaussian"
    link = estimator.get("link")
    if link is None:
        named = re.search(r"link *= *['\"]?([\w/^]+)['\"]?", call)
        link = named[1] if named else None
    if family not in FAMILIES:
        raise Unsupported(f"family {family}")
    formula = translated(text, design.data)
    denominator = inside(case, design.data)
    fit = survey.glm(design, formula, family=FAMILIES[family], link=LINKS.get(link, link), denominator=denominator)
    return fit, family


def glm(case: dict, design: survey.Design, result: Comparison) -> None:
    """Coefficients, their t tests, limits and covariance, degrees of freedom, dispersion."""
    fit, family = fitted(case, design)
    expected = case["expected"]
    tolerance = CLOSED if family == "gaussian" else ITERATIVE
    order = ordered(expected["rows"], fit.names)
    summary = fit.summary().iloc[order].reset_index(drop=True)
    coefficients(result, expected["rows"], summary, fit.df_design, tolerance)
    # R divides by weights scaled before rows with missing values left
    w, eligible = design.weight, design.weight > 0
    if (subset := inside(case, design.data)) is not None:
        eligible &= subset == 1
    shift = w[fit.frame.rows].sum() / w[eligible].sum()
    if design.calibration is None:
        shift *= eligible.sum() / len(fit.frame.rows)
    dispersion = fit.dispersion * shift
    for key, got in (("df_residual", fit.df_residual), ("degf", fit.df_design), ("dispersion", dispersion)):
        if key in expected:
            result.number(key, got, expected[key], tolerance)
    if "vcov" in expected:
        covariance(result, fit.covariance.to_numpy()[np.ix_(order, order)], expected["vcov"], tolerance)


def coefficients(result: Comparison, rows: list[dict], summary: pd.DataFrame, df: float, tolerance: float) -> None:
    for row, (_, mine) in zip(rows, summary.iterrows(), strict=True):
        term, size = row["term"], abs(float(row["se"])) if "se" in row else 0.0
        floor = 1e-9 * size  # coefficients next to zero are exact to their errors
        for key, got in (
            ("estimate", mine["value"]), ("se", mine["std_error"]), ("t", mine["t"]), ("p", mine["p_value"]),
        ):  # fmt: skip
            if key in row:
                allowance = {"estimate": floor, "t": 1e-9}.get(key, 0.0)
                result.number(f"{term} {key}", got, row[key], tolerance, allowance)
        for side, key in enumerate(("lower", "upper")):
            if "ci95_t" in row:
                result.number(f"{term} ci95_t {key}", mine[key], row["ci95_t"][side], tolerance, tolerance * size)


def covariance(result: Comparison, got: np.ndarray, want: list, tolerance: float) -> None:
    expected = np.array(want, dtype=float)
    scale = np.sqrt(np.outer(np.diag(expected), np.diag(expected)))
    for i in range(len(expected)):
        for j in range(i + 1):
            result.number(f"cov[{i},{j}]", got[i, j], expected[i, j], tolerance, tolerance * 1e-2 * scale[i, j])


def ordinal(case: dict, design: survey.Design, result: Comparison) -> None:
    """Cumulative link models.

    R ends its search (BFGS) when a step changes the log-likelihood by less than 1e-8 of it, which fixes a coefficient
    only to a fraction √(2e-8 |log L|) of its model-based error, and takes the information there by differences: the
    estimates have to agree to that, and ours must have the higher likelihood.
    """
    estimator, call = case["estimator"], case.get("r_call", "")
    named = re.search(r"svyolr\(.*?method *= *['\"](\w+)['\"]", call)
    link = estimator.get("link") or estimator.get("method") or (named[1] if named else "logit")
    formula = translated(estimator["formula"], design.data)
    fit = survey.ordinal(design, formula, link=LINKS.get(link, link), denominator=inside(case, design.data))
    names = [r_name(n) for n in fit.names]
    wanted = {row["term"].replace(" ", ""): row for row in case["expected"]["rows"]}
    if not set(names) <= set(wanted):
        raise Unsupported(f"coefficients {set(names) - set(wanted)}")
    theirs = np.array([float(wanted[n]["estimate"]) for n in names])
    gap = fit.log_likelihood - fit.log_likelihood_at(theirs)
    resolution = np.sqrt(2e-8 * abs(fit.log_likelihood))
    result.number("log-likelihood of R's estimates below ours", gap, 0.0, floor=1e-8 * abs(fit.log_likelihood))
    if gap < -1e-9 * abs(fit.log_likelihood):
        result.differences.append("R's estimates have the higher likelihood")
    for name, value, se, naive in zip(
        names, fit.values, fit.estimates.table["std_error"], fit.naive_errors(), strict=True
    ):
        result.number(name, value, wanted[name]["estimate"], floor=resolution * naive)
        error = wanted.get(f"se.{name}", {}).get("estimate", wanted[name].get("se"))
        if error is not None:
            result.number(f"se.{name}", se, error, resolution)


def newdata(case: dict, data: pd.DataFrame) -> pd.DataFrame:
    """New rows of a prediction: as given, or as R makes them in the call."""
    estimator, call = case["estimator"], case.get("r_call", "")
    given = estimator.get("newdata") or estimator.get("new")
    if given is not None and not isinstance(given, str):
        return pd.DataFrame(given)
    text = given or call
    rows = re.search(r"(?:newdata *= *)?(?:dat\$\w+|d\$variables)\[(\d+):(\d+), *\]", text)
    if rows:
        return data.iloc[int(rows[1]) - 1 : int(rows[2])].reset_index(drop=True)
    head = re.search(r"head\((?:dat\$\w+|d\$variables), *(?:n *= *)?(\d+)\)", text)
    if head:
        return data.head(int(head[1])).reset_index(drop=True)
    made = re.search(r"data\.frame\(((?:[^()]|\([^()]*\))*)\)", text)
    if not made:
        raise Unsupported(f"new data of {text!r}")
    columns = {}
    for name, values in re.findall(r"([\w.]+) *= *(c\([^()]*\)|[^,()]+)", made[1]):
        items = [v.strip() for v in values.removeprefix("c(").removesuffix(")").split(",")]
        columns[name] = [v.strip("'\"") if v[0] in "'\"" else float(v) for v in items]
    size = max(map(len, columns.values()))
    return pd.DataFrame({name: values if len(values) == size else values * size for name, values in columns.items()})


def predict(case: dict, design: survey.Design, result: Comparison) -> None:
    """Predictions with their errors, and their covariance."""
    fit, family = fitted(case, design)
    call = case.get("r_call", "")
    named = re.search(r"type *= *['\"](link|response)['\"]", call)
    type_ = case["estimator"].get("type") or (named[1] if named else "link")
    new = newdata(case, design.data)
    rows = case["expected"]["rows"]
    got = fit.predict(new, type=type_)
    if len(got) != len(rows):
        raise Unsupported(f"{len(got)} predictions for {len(rows)} expected")
    tolerance = CLOSED if family == "gaussian" else ITERATIVE
    for row, (_, mine) in zip(rows, got.table.iterrows(), strict=True):
        term = row.get("term", "row")
        result.number(f"{term} estimate", mine["value"], row["estimate"], tolerance)
        if "se" in row:
            result.number(f"{term} se", mine["std_error"], row["se"], tolerance)
        for key, df in (("ci95_t", case["expected"].get("df", np.nan)), ("ci95_z", np.inf)):
            if key in row:
                limits = intervals.wald(mine["value"], mine["std_error"], float(df))
                for side, a, b in zip(("lower", "upper"), limits, row[key], strict=True):
                    result.number(f"{term} {key} {side}", a, b, tolerance, tolerance * abs(mine["value"]))
    if "vcov" in case["expected"]:
        covariance(result, got.covariance().to_numpy(), case["expected"]["vcov"], tolerance)


def term_test(case: dict, design: survey.Design, result: Comparison) -> None:
    """Wald and working likelihood ratio tests; R takes the saddlepoint approximation."""
    fit, _ = fitted(case, design)
    estimator, call = case["estimator"], case.get("r_call", "")
    text = next((estimator[k] for k in ("terms", "test", "test_terms", "term") if k in estimator), None)
    if text is None:
        tested = r"(~[^,)]*(?:\([^)]*\)[^,)]*)*|['\"].*?['\"])"
        found = re.search(r"regTermTest\((?:.*\)|[\w.]+), *(?:test\.terms *= *)?" + tested, call)
        if not found:
            raise Unsupported(f"call {call}")
        text = found[1].strip("'\"")
    listed = list(text) if not isinstance(text, str) else [t.strip() for t in text.lstrip("~").split("+")]
    terms = [_terms(t, design.data).replace("`", "") for t in listed]
    named = re.search(r"method *= *['\"](Wald|LRT|WorkingWald)['\"]", call)
    method = str(estimator.get("method") or (named[1] if named else "Wald"))
    if method not in ("Wald", "LRT"):
        raise Unsupported(f"method {method}")
    ddf = re.search(r"\bdf *= *(Inf|\d+)", call)
    df = estimator.get("df") or (ddf[1] if ddf else None)
    test = fit.term_test(
        terms, "wald" if method == "Wald" else "lrt", distribution="saddlepoint", df=None if df is None else float(df)
    )
    statistic = test.statistic if method == "Wald" else test.details["deviance"]
    chisq = test.details["chi-square"] if method == "Wald" else statistic
    ours = {
        "f": statistic, "ftest": statistic, "statistic": statistic, "chisq": chisq, "lrt": chisq,
        "df": test.parameter[0], "ndf": test.parameter[0], "ddf": test.parameter[1], "p": test.p_value,
        "p_value": test.p_value, "p.value": test.p_value, "pvalue": test.p_value,
    }  # fmt: skip
    if method == "Wald" and np.isinf(test.parameter[1]):
        ours["statistic"] = chisq
    for row in case["expected"]["rows"]:
        named_values = {row["term"]: row["estimate"]} if "estimate" in row and "statistic" not in row else row
        for key, want in named_values.items():
            name = str(key).lower()
            if name == "parameter":
                for a, b in zip(test.parameter, np.atleast_1d(want), strict=False):
                    result.number("parameter", a, b, ITERATIVE)
            elif name.startswith("lambda"):
                scale = np.atleast_1d(test.details.get("scale", ()))
                values = np.atleast_1d(want)
                if len(values) == len(scale):
                    for a, b in zip(sorted(scale), sorted(map(float, values)), strict=True):
                        result.number("lambda", a, b, ITERATIVE)
            elif name in ours:
                result.number(name, ours[name], want, ITERATIVE)
            elif name not in ("term", "key"):
                raise Unsupported(f"term test value {key}")


# --- tests --------------------------------------------------------------------------------------------------------


def domain_df(design: survey.Design, denominator: np.ndarray | None) -> float:
    """Degrees of freedom of the subset, unanswered rows included."""
    use = design.weight > 0 if denominator is None else (design.weight > 0) & (denominator == 1)
    return answered_df(design, np.flatnonzero(use))[0]


def compare_test(result: Comparison, row: dict, test: survey.TestResult, tolerance: float) -> None:
    result.number("statistic", test.statistic, row["statistic"], tolerance)
    want = row.get("parameter", [])
    for i, b in enumerate(np.atleast_1d(want) if want != [] else []):
        result.number(f"parameter {i}", test.parameter[i], b, tolerance)
    result.number("p", test.p_value, row["p_value"], tolerance, 1e-15)
    if "estimate" in row:
        result.number("estimate", test.estimate, row["estimate"], tolerance)
    if "ci95" in row:
        for side, a, b in zip(("lower", "upper"), (test.lower, test.upper), row["ci95"], strict=True):
            result.number(f"ci95 {side}", a, b, tolerance, tolerance * abs(test.estimate))


def column_of(text: str, data: pd.DataFrame) -> pd.Series:
    factor = re.fullmatch(r"factor\((.*)\)", text.strip())
    text = factor[1] if factor else text.strip()
    inner = re.fullmatch(r"(?:I|as\.numeric)\((.*)\)", text)
    if text in data.columns:
        return data[text]
    body = inner[1] if inner else text
    if re.search(r"[=<>]", body):
        return pd.Series(condition(body, data), name=text)
    return arithmetic(body, data).rename(text)


def chisq(case: dict, design: survey.Design, result: Comparison) -> None:
    """All six statistics. R counts unanswered rows in degrees of freedom and in Pearson's statistic."""
    estimator, data = case["estimator"], design.data
    rows, columns = column_of(estimator["rows"], data), column_of(estimator["cols"], data)
    denominator = inside(case, data)
    statistic = estimator.get("statistic") or "F"
    df = domain_df(design, denominator)
    if statistic not in ("lincom", "saddlepoint"):
        test = survey.chi_square(design, rows, columns, statistic=statistic, denominator=denominator, df=df)
        compare_test(result, case["expected"]["rows"][0], test, CLOSED)
        return
    # R takes the saddlepoint approximation for "lincom" too, where a package is absent; it leaves the denominator out
    # under replicates, drops the fraction of its degrees of freedom, and counts unanswered rows in the statistic
    test = survey.chi_square(design, rows, columns, statistic="saddlepoint", denominator=denominator, df=df)
    effects = np.array(test.details["design effects"])
    if design.replicates is not None:
        p_value = tail(test.statistic, effects, method="saddlepoint")
    else:
        ddf = effects.sum() ** 2 / (effects**2).sum() * df
        p_value = tail(test.statistic * np.floor(ddf) / ddf, effects, np.floor(ddf), "saddlepoint")
    row = case["expected"]["rows"][0]
    result.number("statistic", test.statistic * unanswered(design, rows, columns, denominator), row["statistic"])
    result.number("p", p_value, row["p_value"], ITERATIVE, 1e-15)


def unanswered(design: survey.Design, rows: pd.Series, columns: pd.Series, denominator: np.ndarray | None) -> float:
    """Rows that R scales Pearson's statistic to, over those with an answer."""
    use = design.weight > 0 if denominator is None else (design.weight > 0) & (denominator == 1)
    counted = design.n if design.calibration is not None and design.replicates is None else use.sum()
    return float(counted / (use & (rows.notna() & columns.notna()).to_numpy()).sum())


def loglin(case: dict, design: survey.Design, result: Comparison) -> None:
    """Independence against the saturated model."""
    names = re.search(r"~ *([\w.]+) *\+ *([\w.]+)", case["estimator"]["formula"])
    if not names or "independence" not in case["estimator"]["formula"]:
        raise Unsupported(f"formula {case['estimator']['formula']}")
    denominator = inside(case, design.data)
    scale = unanswered(design, design.data[names[1]], design.data[names[2]], denominator)
    tests = survey.log_linear(
        design, names[1], names[2], denominator=denominator, distribution="saddlepoint",
        df=domain_df(design, denominator),
    )  # fmt: skip
    for row in case["expected"]["rows"]:
        if row["estimate"] in ("NA", "NaN", None):  # R gives none
            continue
        which = "deviance" if "dev" in row["term"] else "score"
        got = tests[which].p_value if row["term"].startswith("p") else tests[which].statistic * scale
        result.number(row["term"], got, row["estimate"], ITERATIVE)


def ttest(case: dict, design: survey.Design, result: Comparison) -> None:
    """One and two samples. R takes one degree of freedom off with one sample too."""
    estimator, data = case["estimator"], design.data
    denominator = inside(case, data)
    group = estimator.get("group")
    df = domain_df(design, denominator) - 1 if group is None else None
    test = survey.t_test(
        design, column_of(estimator["y"], data), None if group is None else column_of(group, data),
        mu=float(estimator.get("mu") or 0), denominator=denominator, df=df,
    )  # fmt: skip
    compare_test(result, case["expected"]["rows"][0], test, CLOSED)


def ranktest(case: dict, design: survey.Design, result: Comparison) -> None:
    """Two groups: t; more: R has chi-square under `parameter` and its degrees of freedom under `statistic`."""
    estimator, data = case["estimator"], design.data
    test = survey.rank_test(
        design, column_of(estimator["y"], data), column_of(estimator["group"], data), test=estimator["test"],
        denominator=inside(case, data),
    )  # fmt: skip
    row = case["expected"]["rows"][0]
    if test.distribution == "t":
        compare_test(result, row, test, CLOSED)
        return
    values = {"statistic": test.parameter[0], "parameter": test.details["chi-square"], "p_value": test.p_value}
    for key, got in values.items():
        want = np.atleast_1d(row[key])
        if want.size:
            result.number(key, got, want[0], CLOSED)


KINDS.update(
    glm=glm, ordinal=ordinal, predict=predict, termtest=term_test, loglin=loglin, chisq=chisq, ttest=ttest,
    ranktest=ranktest,
)  # fmt: skip
