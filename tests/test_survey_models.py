"""Regression models and tests against statsmodels, sandwiches formed by hand, and by property.

Point estimates are compared with statsmodels at 1e-7 (it stops earlier than the library), errors with a sandwich that
shares nothing with the library at 1e-9.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.miscmodels.ordinal_model import OrderedModel

from uncac_metrics.model import Faults
from uncac_metrics.stats import chi_square_sums, compare, survey

TIGHT = 1e-9


def sample(seed: int = 1, n: int = 500, strata: int = 4, psus: int = 8) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "w": rng.gamma(2.0, 50.0, n) + 1,
            "h": rng.integers(0, strata, n),
            "x": rng.normal(50, 10, n),
            "year": rng.integers(1990, 2020, n),
            "sex": rng.choice(["F", "M"], n),
            "region": rng.choice(["east", "north", "south"], n),
        }
    )
    frame["psu"] = frame["h"] * 100 + rng.integers(0, psus, n)
    push = rng.normal(0, 0.5, 1000)[frame["psu"]]
    eta = -0.5 + 0.04 * (frame["x"] - 50) + 0.6 * (frame["sex"] == "M") + push
    frame["paid"] = (rng.random(n) < 1 / (1 + np.exp(-eta))).astype(int)
    frame["bribes"] = rng.poisson(np.exp(0.3 * eta))
    frame["amount"] = np.exp(3 + 0.5 * eta + rng.normal(0, 0.4, n))
    frame["often"] = pd.cut(eta + rng.logistic(0, 1, n), [-np.inf, -1, 0, 1, np.inf], labels=["a", "b", "c", "d"])
    frame["exposure"] = rng.uniform(0.5, 2, n)
    return frame


def designed(frame: pd.DataFrame, **arguments: object) -> survey.Design:
    return survey.Design(frame, weight="w", stratum="h", psu="psu", **arguments)


def matrix(frame: pd.DataFrame) -> np.ndarray:
    parts = [np.ones(len(frame)), frame.sex == "M", frame.region == "north", frame.region == "south", frame.x]
    return np.column_stack(parts).astype(float)


FORMULA = "sex + region + x"


def sandwich(frame: pd.DataFrame, x: np.ndarray, score: np.ndarray, information: np.ndarray) -> np.ndarray:
    """Covariance from scores by row (already weighted), with PSU sums and stratum means by pandas."""
    u = pd.DataFrame(score @ np.linalg.inv(information))
    totals = u.groupby([frame.h.to_numpy(), frame.psu.to_numpy()]).sum()
    out = np.zeros((u.shape[1], u.shape[1]))
    for _, part in totals.groupby(level=0):
        centred = (part - part.mean()).to_numpy()
        out += len(part) / (len(part) - 1) * centred.T @ centred
    return out


CASES = [
    ("paid", "binomial", None, sm.families.Binomial()),
    ("paid", "binomial", "probit", sm.families.Binomial(sm.families.links.Probit())),
    ("paid", "binomial", "cloglog", sm.families.Binomial(sm.families.links.CLogLog())),
    ("bribes", "poisson", None, sm.families.Poisson()),
    ("amount", "gamma", "log", sm.families.Gamma(sm.families.links.Log())),
    ("amount", "gaussian", None, sm.families.Gaussian()),
]


@pytest.mark.parametrize(("y", "family", "link", "theirs"), CASES)
def test_glm_against_statsmodels_and_a_sandwich_by_hand(y, family, link, theirs):
    frame = sample()
    fit = survey.glm(designed(frame), f"{y} ~ {FORMULA}", family=family, link=link)
    x, w = matrix(frame), frame.w / frame.w.mean()
    reference = sm.GLM(frame[y], x, family=theirs, var_weights=w).fit(tol=1e-14, maxiter=200)
    np.testing.assert_allclose(fit.values, reference.params, rtol=1e-7)
    assert fit.deviance == pytest.approx(reference.deviance, rel=1e-9)
    mu = theirs.link.inverse(x @ fit.values)
    slope, v = 1 / theirs.link.deriv(mu), theirs.variance(mu)
    score = x * (frame.w * (frame[y] - mu) * slope / v).to_numpy()[:, None]
    information = (x * (frame.w.to_numpy() * slope**2 / v)[:, None]).T @ x
    np.testing.assert_allclose(fit.covariance, sandwich(frame, x, score, information), rtol=1e-7)
    # the weighted score is zero at the estimates
    assert np.abs(score.sum(axis=0) / np.abs(score).sum(axis=0)).max() < TIGHT
    assert fit.df_design == 4 * 8 - 4
    assert fit.df_residual == 4 * 8 - 4 + 1 - 5
    assert fit.names == ("Intercept", "sex[T.M]", "region[T.north]", "region[T.south]", "x")


def test_errors_equal_cluster_robust_ones_without_strata_and_weights():
    frame = sample().assign(w=1.0)
    fit = survey.glm(survey.Design(frame, weight="w", psu="psu"), f"paid ~ {FORMULA}", family="binomial")
    model = sm.GLM(frame.paid, matrix(frame), family=sm.families.Binomial())
    robust = model.fit(cov_type="cluster", cov_kwds={"groups": frame.psu, "use_correction": False}, tol=1e-14)
    g = frame.psu.nunique()
    np.testing.assert_allclose(fit.covariance, robust.cov_params() * g / (g - 1), rtol=1e-7)


def test_summary_has_t_tests_and_limits_on_the_residual_degrees_of_freedom():
    fit = survey.glm(designed(sample()), f"paid ~ {FORMULA}", family="binomial")
    summary = fit.summary()
    t = fit.values / np.sqrt(np.diag(fit.covariance))
    np.testing.assert_allclose(summary["p_value"], 2 * stats.t.sf(np.abs(t), fit.df_residual), rtol=1e-10)
    half = stats.t.ppf(0.975, fit.df_residual) * np.sqrt(np.diag(fit.covariance))
    np.testing.assert_allclose(summary["upper"] - summary["value"], half, rtol=1e-10)
    table = fit.estimates.table
    assert set(table["statistic"]) == {"coefficient"}
    assert table["indicator"].iloc[0] == "paid"
    assert table["n_psu"].iloc[0] == 32


def many_designs() -> dict[str, survey.Design]:
    frame = sample()
    base = designed(frame)
    two = frame.assign(inside=np.arange(len(frame)) % 2 == 0, size=20_000)
    return {
        "taylor": base,
        "fpc": designed(frame.assign(N=40), fpc="N"),
        "post-stratified": survey.poststratify(base, "sex", {"F": 26_000, "M": 24_000}),
        "raked": survey.rake(
            base, {"sex": {"F": 26e3, "M": 24e3}, "region": {"east": 15e3, "north": 16e3, "south": 19e3}}
        ),
        "jackknife": survey.with_replicates(base, "JKn"),
        "bootstrap": survey.with_replicates(base, "bootstrap", replicates=60, seed=1),
        "pps": survey.pps_design(frame.assign(p=1 / frame.w), probability="p", method="brewer"),
        "two phases": survey.two_phase(two, subset="inside", fpc="size", stratum2="sex"),
    }  # fmt: skip


@pytest.mark.parametrize("name", list(many_designs()))
def test_regression_on_groups_is_the_comparison_of_means_under_every_design(name):
    design = many_designs()[name]
    fit = survey.glm(design, "bribes ~ sex")
    means = survey.mean(design, "bribes", by="sex")
    difference = compare(means, over="sex", reference="F").table.iloc[0]
    np.testing.assert_allclose(fit.values, [means.table["value"].iloc[0], difference["value"]], rtol=1e-9)
    errors = fit.estimates.table["std_error"]
    np.testing.assert_allclose(errors, [means.table["std_error"].iloc[0], difference["std_error"]], rtol=1e-8)
    # saturated models predict the groups' means, whatever the link
    new = pd.DataFrame({"sex": ["F", "M"]})
    for family in ("gaussian", "poisson"):
        predicted = survey.glm(design, "bribes ~ sex", family=family).predict(new).table
        np.testing.assert_allclose(predicted["value"], means.table["value"], rtol=1e-9)
        if design.replicates is None:
            np.testing.assert_allclose(predicted["std_error"], means.table["std_error"], rtol=1e-8)


def test_t_test_is_the_regression_and_the_mean():
    for design in many_designs().values():
        fit = survey.glm(design, "bribes ~ sex")
        test = survey.t_test(design, "bribes", "sex")
        row = fit.summary().iloc[1]
        assert (test.statistic, test.p_value) == pytest.approx((row["t"], row["p_value"]), rel=1e-8)
        one = survey.t_test(design, "bribes", mu=0.8)
        mean = survey.mean(design, "bribes").table.iloc[0]
        assert one.statistic == pytest.approx((mean["value"] - 0.8) / mean["std_error"], rel=1e-8)
        assert one.parameter == (mean["df"],)


def test_replicate_designs_are_refitted():
    frame = sample(n=300)
    design = survey.with_replicates(designed(frame), "JKn")
    fit = survey.glm(design, "paid ~ sex + x", family="binomial")
    x = np.column_stack([np.ones(len(frame)), frame.sex == "M", frame.x]).astype(float)
    weights = design.replicates.weights(design)
    found = []
    for w in weights.T:
        live = w > 0
        model = sm.GLM(frame.paid[live], x[live], family=sm.families.Binomial(), var_weights=w[live])
        found.append(model.fit(tol=1e-14).params)
    found = np.array(found)
    centred = found - found.mean(axis=0)
    expected = design.replicates.scale * (centred * design.replicates.rscales[:, None]).T @ centred
    np.testing.assert_allclose(fit.covariance, expected, rtol=1e-6)
    linear = survey.glm(designed(frame), "paid ~ sex + x", family="binomial")
    np.testing.assert_allclose(fit.estimates.table["std_error"], linear.estimates.table["std_error"], rtol=0.15)


def test_replicates_without_a_fit_are_left_out_and_told():
    frame = pd.DataFrame({"w": 1.0, "psu": [1, 2, 3, 4] * 6, "x": np.tile([0, 1, 0, 0], 6)})
    frame["y"] = np.arange(24) % 5
    design = survey.with_replicates(survey.Design(frame, weight="w", psu="psu"), "JK1")
    fit = survey.glm(design, "y ~ x")  # without PSU 2 nobody has x = 1
    assert "1 of 4 replicates" in fit.estimates.table["reason"].iloc[0]
    assert np.isfinite(fit.estimates.table["std_error"]).all()


def test_domain_offset_and_missing_rows():
    frame = sample()
    frame.loc[::7, "x"] = np.nan
    inside = (frame.region == "north").astype(int)
    fit = survey.glm(designed(frame), "bribes ~ x", family="poisson", denominator=inside, offset=np.log(frame.exposure))
    part = frame[(inside == 1) & frame.x.notna()]
    x = sm.add_constant(part[["x"]].to_numpy())
    reference = sm.GLM(
        part.bribes, x, family=sm.families.Poisson(), var_weights=part.w / part.w.mean(), offset=np.log(part.exposure)
    ).fit(tol=1e-14)
    np.testing.assert_allclose(fit.values, reference.params, rtol=1e-7)
    table = fit.estimates.table
    assert table["n"].iloc[0] == len(part)
    assert table["n_eligible"].iloc[0] == inside.sum()
    # PSUs without members of the domain still are part of the design
    mu = np.asarray(reference.predict(x, offset=np.log(part.exposure)))
    score = np.zeros((len(frame), 2))
    score[part.index] = x * (part.w * (part.bribes - mu)).to_numpy()[:, None]
    information = (x * (part.w.to_numpy() * mu)[:, None]).T @ x
    np.testing.assert_allclose(fit.covariance, sandwich(frame, x, score, information), rtol=1e-6)
    with pytest.raises(Faults, match="missing values"):
        survey.glm(designed(frame), "bribes ~ x", missing="error")


def test_badly_scaled_columns_lose_no_digits():
    frame = sample()
    centred = survey.glm(designed(frame.assign(z=frame.year - 2005)), "amount ~ z + I(z**2)")
    raw = survey.glm(designed(frame), "amount ~ year + I(year**2)")
    assert raw.values[2] == pytest.approx(centred.values[2], rel=1e-6)
    assert raw.deviance == pytest.approx(centred.deviance, rel=1e-10)
    errors = (f.estimates.table["std_error"].iloc[2] for f in (raw, centred))
    assert next(errors) == pytest.approx(next(errors), rel=1e-6)


def test_names_in_backticks_functions_and_interactions():
    frame = sample().rename(columns={"x": "age in years", "sex": "s.x"})
    fit = survey.glm(designed(frame), "amount ~ `s.x` * `age in years`")
    assert fit.names == ("Intercept", "s.x[T.M]", "age in years", "s.x[T.M]:age in years")
    test = fit.term_test("age in years:s.x")
    assert test.statistic == pytest.approx(fit.summary()["t"].iloc[3] ** 2, rel=1e-9)
    assert fit.predict(frame.head(3)).table["value"].notna().all()
    coded = survey.glm(designed(sample()), "log(amount) ~ C(h) + x")
    assert len(coded.values) == 5
    assert coded.frame.outcome == "log(amount)"


def test_term_tests():
    frame = sample()
    fit = survey.glm(designed(frame), f"paid ~ {FORMULA}", family="binomial")
    both = fit.term_test(["region"])
    v, b = fit.covariance.to_numpy()[2:4, 2:4], fit.values[2:4]
    f = b @ np.linalg.solve(v, b) / 2
    assert both.statistic == pytest.approx(f, rel=1e-10)
    assert both.p_value == pytest.approx(stats.f.sf(f, 2, fit.df_residual), rel=1e-9)
    assert fit.term_test("region", df=np.inf).p_value == pytest.approx(stats.chi2.sf(2 * f, 2), rel=1e-9)
    lrt = fit.term_test("region", "lrt")
    smaller = survey.glm(designed(frame), "paid ~ sex + x", family="binomial")
    assert lrt.details["deviance"] == pytest.approx(smaller.deviance - fit.deviance, rel=1e-8)
    w = frame.w / frame.w.mean()
    naive = sm.GLM(frame.paid, matrix(frame), family=sm.families.Binomial(), var_weights=w).fit().cov_params()
    scale = np.linalg.eigvals(np.linalg.inv(naive.to_numpy()[2:4, 2:4]) @ v)
    np.testing.assert_allclose(lrt.details["scale"], np.sort(scale.real)[::-1], rtol=1e-5)
    assert 0.3 < lrt.p_value / both.p_value < 3
    one = fit.term_test("sex", "lrt", df=np.inf)
    assert one.p_value == pytest.approx(stats.chi2.sf(one.statistic, 1), rel=1e-9)
    line = survey.glm(designed(frame), "paid ~ x", family="binomial")
    through = survey.glm(designed(frame), "paid ~ 0 + x", family="binomial")
    saved = line.term_test("1", "lrt").details["deviance"]
    assert saved == pytest.approx(through.deviance - line.deviance, rel=1e-8)


def test_average_marginal_effects():
    frame = sample()
    design = designed(frame)
    fit = survey.glm(design, "paid ~ sex * x", family="binomial")
    w = frame.w / frame.w.sum()

    def average(change: dict, beta: np.ndarray) -> float:
        f = frame.assign(**change)
        male = (f.sex == "M").astype(float)
        return w @ (1 / (1 + np.exp(-(beta[0] + beta[1] * male + beta[2] * f.x + beta[3] * male * f.x))))

    def slope(beta: np.ndarray, h: float = 1e-4) -> float:
        return (average({"x": frame.x + h}, beta) - average({"x": frame.x - h}, beta)) / (2 * h)

    def delta(function, beta: np.ndarray) -> float:
        steps = np.diag(1e-5 * np.abs(beta))
        g = np.array([(function(beta + s) - function(beta - s)) / (2 * s.sum()) for s in steps])
        return np.sqrt(g @ fit.covariance.to_numpy() @ g)

    for variable, function in (
        ("x", slope),
        ("sex", lambda b: average({"sex": "M"}, b) - average({"sex": "F"}, b)),
    ):
        effect = fit.margins(variable, unconditional=False).table.iloc[0]
        assert effect["value"] == pytest.approx(function(fit.values), rel=1e-6)
        assert effect["std_error"] == pytest.approx(delta(function, fit.values), rel=1e-4)
    assert fit.margins("sex").table["category"].iloc[0] == "M - F"
    # in a linear model it is the coefficient
    line = survey.glm(design, "amount ~ sex + x")
    for unconditional in (True, False):
        own = line.margins("x", unconditional=unconditional).table.iloc[0]
        assert (own["value"], own["std_error"]) == pytest.approx(
            (line.values[2], line.estimates.table["std_error"].iloc[2]), rel=1e-6
        )
    # a saturated model's difference of levels is the difference of means, error and all
    shares = compare(survey.mean(design, "paid", by="sex"), over="sex", reference="F").table.iloc[0]
    effect = survey.glm(design, "paid ~ sex", family="binomial").margins("sex").table.iloc[0]
    assert (effect["value"], effect["std_error"]) == pytest.approx((shares["value"], shares["std_error"]), rel=1e-8)


def test_marginal_effects_with_replicates():
    frame = sample(n=300)
    linear = survey.glm(designed(frame), "paid ~ sex + x", family="binomial").margins("x").table.iloc[0]
    design = survey.with_replicates(designed(frame), "JKn")
    fit = survey.glm(design, "paid ~ sex + x", family="binomial")
    effect = fit.margins("x").table.iloc[0]
    assert effect["value"] == pytest.approx(linear["value"], rel=1e-9)
    assert effect["std_error"] == pytest.approx(linear["std_error"], rel=0.15)
    assert fit.margins("sex", unconditional=False).table["std_error"].iloc[0] > 0


def test_predictions_by_hand():
    fit = survey.glm(designed(sample()), "paid ~ sex + x", family="binomial")
    new = pd.DataFrame({"sex": ["F", "M"], "x": [40.0, 60.0]})
    x = np.array([[1, 0, 40.0], [1, 1, 60.0]])
    v = x @ fit.covariance.to_numpy() @ x.T
    link = fit.predict(new, "link")
    np.testing.assert_allclose(link.table["value"], x @ fit.values, rtol=1e-12)
    np.testing.assert_allclose(link.covariance(), v, rtol=1e-8)
    mean = fit.predict(new)
    p = 1 / (1 + np.exp(-x @ fit.values))
    np.testing.assert_allclose(mean.table["std_error"], np.sqrt(np.diag(v)) * p * (1 - p), rtol=1e-9)
    np.testing.assert_allclose(mean.covariance(), v * np.outer(p * (1 - p), p * (1 - p)), rtol=1e-8)
    assert ((mean.table["lower"] > 0) & (mean.table["upper"] < 1)).all()


# --- several levels ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("link", ["logit", "probit"])
def test_ordinal_against_statsmodels(link):
    frame = sample().assign(w=1.0)
    fit = survey.ordinal(designed(frame), f"often ~ {FORMULA}", link=link)
    x = matrix(frame)[:, 1:]
    x[:, 3] = (x[:, 3] - 50) / 10  # statsmodels does not find the maximum otherwise
    model = OrderedModel(frame.often, x, distr=link)
    reference = model.fit(method="bfgs", maxiter=500, gtol=1e-9, disp=False, warn_convergence=False)
    slopes = reference.params.to_numpy()[:4] / [1, 1, 1, 10]
    cuts = model.transform_threshold_params(reference.params.to_numpy())[1:-1] + 50 * slopes[3]
    np.testing.assert_allclose(fit.values, [*slopes, *cuts], rtol=1e-5)
    assert fit.log_likelihood == pytest.approx(reference.llf, rel=1e-10)
    assert fit.names[-3:] == ("a|b", "b|c", "c|d")
    np.testing.assert_allclose(fit.naive_errors()[:4], reference.bse[:4] / [1, 1, 1, 10], rtol=1e-4)


@pytest.mark.parametrize("link", ["logit", "probit", "cloglog"])
def test_ordinal_of_two_levels_is_the_binary_model(link):
    frame = sample()
    two = survey.ordinal(designed(frame), "paid ~ sex + x", link=link)
    # P(y ≤ 0) = F(θ − xβ): the model of "not paid" with the signs of the slopes turned
    binary = survey.glm(designed(frame.assign(clean=1 - frame.paid)), "clean ~ sex + x", family="binomial", link=link)
    np.testing.assert_allclose([-two.values[2], *two.values[:2]], -binary.values, rtol=1e-8)
    if link == "logit":  # elsewhere expected and observed information differ
        errors = two.estimates.table["std_error"].to_numpy()
        np.testing.assert_allclose(errors[[2, 0, 1]], binary.estimates.table["std_error"], rtol=1e-8)
    assert two.df_residual == two.df_design - 2


def test_multinomial_against_statsmodels_and_by_hand():
    frame = sample()
    fit = survey.multinomial(designed(frame.assign(w=1.0)), "region ~ sex + x")
    x = np.column_stack([np.ones(len(frame)), frame.sex == "M", frame.x]).astype(float)
    codes = frame.region.map({"east": 0, "north": 1, "south": 2}).to_numpy()
    reference = sm.MNLogit(codes, x).fit(method="newton", tol=1e-14, disp=False)
    np.testing.assert_allclose(fit.values, np.asarray(reference.params).T.ravel(), rtol=1e-6)
    weighted = survey.multinomial(designed(frame), "region ~ sex + x")
    eta = x @ weighted.values.reshape(2, 3).T
    p = np.exp(eta) / (1 + np.exp(eta).sum(axis=1, keepdims=True))
    w = frame.w.to_numpy()
    rest = (codes[:, None] == [1, 2]) - p
    score = np.hstack([x * (w * rest[:, [k]].ravel())[:, None] for k in range(2)])
    blocks = [
        [(x * (w * p[:, i] * ((i == j) - p[:, j]))[:, None]).T @ x for j in range(2)] for i in range(2)
    ]  # fmt: skip
    np.testing.assert_allclose(weighted.covariance, sandwich(frame, x, score, np.block(blocks)), rtol=1e-6)
    assert weighted.term_test("sex").parameter[0] == 2


def test_probabilities_of_levels():
    frame = sample()
    new = frame.head(4)
    for fit in (
        survey.ordinal(designed(frame), "often ~ sex + x"),
        survey.multinomial(designed(frame), "often ~ sex + x"),
    ):
        table = fit.predict(new).table
        np.testing.assert_allclose(table.groupby("row")["value"].sum(), 1, rtol=1e-12)
        assert (table["std_error"] > 0).all()
        assert list(table["category"][:4]) == ["a", "b", "c", "d"]
    saturated = survey.multinomial(designed(frame), "often ~ sex")
    shares = survey.proportion(designed(frame), "often", by="sex", interval="wald").table.sort_values(
        ["sex", "category"]
    )
    got = saturated.predict(pd.DataFrame({"sex": ["F", "M"]})).table
    np.testing.assert_allclose(got["value"], shares["value"], rtol=1e-8)
    np.testing.assert_allclose(got["std_error"], shares["std_error"], rtol=1e-7)


def test_levels_under_replicates():
    frame = sample(n=300)
    design = survey.with_replicates(designed(frame), "JKn")
    for model in (survey.ordinal, survey.multinomial):
        errors = model(design, "often ~ x").estimates.table["std_error"]
        linear = model(designed(frame), "often ~ x").estimates.table["std_error"]
        np.testing.assert_allclose(errors, linear, rtol=0.2)


# --- tests of association ------------------------------------------------------------------------------------------


def test_sums_of_chi_squares():
    for x in (0.01, 1.0, 5.0, 40.0, 200.0):
        for df in (1.0, 4.5, 30.0, np.inf):
            for k in (1, 2, 5):
                want = stats.chi2.sf(x / 2, k) if np.isinf(df) else stats.f.sf(x / 2 / k, k, df)
                assert chi_square_sums.tail(x, np.full(k, 2.0), df) == pytest.approx(want, rel=1e-9)
                # nearly equal weights take the numerical inversion
                near = 2.0 + 1e-6 * np.arange(k)
                if k > 1:
                    assert chi_square_sums.tail(x, near, df) == pytest.approx(want, rel=1e-3)
    # one weight in two: χ²₂ with weights a, b has a closed form for pairs: (a e^{-x/2a} − b e^{-x/2b}) / (a − b)
    a, b = 3.0, 0.5
    for x in (0.1, 2.0, 30.0, 150.0):
        want = (a * np.exp(-x / 2 / a) - b * np.exp(-x / 2 / b)) / (a - b)
        assert chi_square_sums.tail(x, np.array([a, a, b, b])) == pytest.approx(want, rel=1e-9)
        approximate = chi_square_sums.tail(x, np.array([a, a, b, b]), method="saddlepoint")
        assert approximate == pytest.approx(want, rel=0.06)
    assert np.isnan(chi_square_sums.tail(1.0, np.array([])))
    with pytest.raises(Faults, match="unknown method"):
        chi_square_sums.tail(1.0, np.ones(2), method="guess")


def test_rao_scott_of_an_independent_sample_is_pearson():
    rng = np.random.default_rng(4)
    frame = pd.DataFrame({"w": 3.0, "a": rng.choice(list("xyz"), 400), "b": rng.choice(list("pq"), 400)})
    design = survey.Design(frame, weight="w")
    pearson = stats.chi2_contingency(pd.crosstab(frame.a, frame.b), correction=False)
    test = survey.chi_square(design, "a", "b", statistic="Chisq")
    assert test.details["pearson"] == pytest.approx(pearson.statistic, rel=1e-10)
    # the design effects of an independent sample are one, but for sampling error
    np.testing.assert_allclose(test.details["design effects"], 1, atol=0.2)
    assert test.p_value == pytest.approx(pearson.pvalue, abs=0.1)


def test_all_statistics_agree_on_the_sides_and_with_each_other():
    frame = sample(n=800)
    design = designed(frame)
    p = {s: survey.chi_square(design, "region", "sex", statistic=s).p_value for s in survey.association.STATISTICS}
    assert max(p.values()) / min(p.values()) < 1.6
    turned = {s: survey.chi_square(design, "sex", "region", statistic=s) for s in survey.association.STATISTICS}
    for s, test in turned.items():
        assert test.p_value == pytest.approx(p[s], rel=1e-7)
    adjusted, plain = turned["adjWald"], turned["Wald"]
    nu = plain.parameter[1]
    assert adjusted.parameter == (2.0, nu - 1)
    assert adjusted.statistic == pytest.approx(plain.statistic * (nu - 1) / nu, rel=1e-12)


def test_two_by_two_is_a_comparison_of_shares():
    frame = sample(n=800)
    design = designed(frame)
    # with one degree of freedom F has no ambiguity: all quadratic statistics are of one difference
    f, exact = (survey.chi_square(design, "sex", "paid", statistic=s) for s in ("F", "lincom"))
    assert f.parameter == pytest.approx((1, 28))
    assert exact.p_value == pytest.approx(f.p_value, rel=1e-8)
    assert survey.chi_square(design, "sex", "paid", statistic="Chisq").p_value == pytest.approx(
        stats.chi2.sf(f.statistic, 1), rel=1e-9
    )


def test_log_linear_tests():
    tests = survey.log_linear(designed(sample()), "region", "paid")
    pearson = survey.chi_square(designed(sample()), "region", "paid").details["pearson"]
    assert tests["score"].statistic == pytest.approx(pearson, rel=1e-12)
    assert tests["deviance"].statistic == pytest.approx(pearson, rel=0.1)
    assert tests["score"].p_value == pytest.approx(
        survey.chi_square(designed(sample()), "region", "paid", statistic="lincom").p_value, rel=1e-12
    )


def test_table_covariances_under_every_design():
    for name, design in many_designs().items():
        table, _ = survey.association.two_way(design, "sex", "paid", None, "omit", "test")
        totals = [survey.total(design, ((design.data.sex == s) & (design.data.paid == p)).astype(int)).table
                  for s in "FM" for p in (0, 1)]  # fmt: skip
        np.testing.assert_allclose(table.totals, [t["value"].iloc[0] for t in totals], rtol=1e-9, err_msg=name)
        errors = np.sqrt(np.diag(table.covariance))
        np.testing.assert_allclose(errors, [t["std_error"].iloc[0] for t in totals], rtol=1e-8, err_msg=name)
        cells = design.data.sex.astype(str) + design.data.paid.astype(str)
        shares = survey.proportion(design, cells, interval="wald").table
        np.testing.assert_allclose(
            np.sqrt(np.diag(table.share_covariance)), shares["std_error"], rtol=1e-8, err_msg=name
        )


def test_rank_scores_by_hand():
    frame = sample()
    test = survey.rank_test(designed(frame), "bribes", "sex")
    share = np.array([frame.w[frame.bribes < v].sum() + frame.w[frame.bribes == v].sum() / 2 for v in frame.bribes])
    share /= frame.w.sum()
    line = survey.glm(designed(frame.assign(r=share)), "r ~ sex").summary().iloc[1]
    assert (test.estimate, test.statistic, test.p_value) == pytest.approx(
        (line["value"], line["t"], line["p_value"]), rel=1e-8
    )
    normal = survey.rank_test(designed(frame), "bribes", "sex", test="vanderWaerden")
    line = survey.glm(designed(frame.assign(r=stats.norm.ppf(share))), "r ~ sex").summary().iloc[1]
    assert normal.statistic == pytest.approx(line["t"], rel=1e-8)
    median = survey.rank_test(designed(frame), "amount", "sex", test="median")
    order = np.argsort(frame.amount.to_numpy())
    w = frame.w.to_numpy()
    above = np.empty(len(frame))
    above[order] = (np.cumsum(w[order]) - w[order] / 2) > w.sum() / 2
    line = survey.glm(designed(frame.assign(r=above)), "r ~ sex").summary().iloc[1]
    assert median.statistic == pytest.approx(line["t"], rel=1e-8)
    several = survey.rank_test(designed(frame), "bribes", "region", test="KruskalWallis")
    wald = survey.glm(designed(frame.assign(r=share)), "r ~ region").term_test("region")
    assert (several.statistic, several.p_value) == pytest.approx((wald.statistic, wald.p_value), rel=1e-8)
    assert several.parameter == wald.parameter


# --- properties ----------------------------------------------------------------------------------------------------

SEEDS = st.integers(0, 10_000)


@settings(max_examples=12, deadline=None)
@given(seed=SEEDS, scale=st.sampled_from([1e-9, 0.3, 1e9]), shift=st.floats(-1e3, 1e3))
def test_coefficients_follow_units(seed, scale, shift):
    frame = sample(seed, n=200, strata=2, psus=5)
    fit = survey.glm(designed(frame), "paid ~ sex + x", family="binomial")
    heavy = survey.glm(designed(frame.assign(w=frame.w * scale)), "paid ~ sex + x", family="binomial")
    np.testing.assert_allclose(heavy.values, fit.values, rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(heavy.covariance, fit.covariance, rtol=1e-6, atol=1e-12)
    other = survey.glm(designed(frame.assign(x=(frame.x + shift) / 7)), "paid ~ sex + x", family="binomial")
    np.testing.assert_allclose(other.values[1:], fit.values[1:] * [1, 7], rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(
        other.estimates.table["std_error"][1:], fit.estimates.table["std_error"][1:] * [1, 7], rtol=1e-6
    )
    mixed = frame.sample(frac=1, random_state=seed)
    again = survey.glm(designed(mixed.reset_index(drop=True)), "paid ~ sex + x", family="binomial")
    np.testing.assert_allclose(again.covariance, fit.covariance, rtol=1e-6, atol=1e-12)


@settings(max_examples=12, deadline=None)
@given(seed=SEEDS)
def test_tests_are_invariant(seed):
    frame = sample(seed, n=250, strata=2, psus=6)
    design = designed(frame)
    other = designed(frame.assign(bribes=np.exp(frame.bribes), sex=frame.sex.map({"F": "b", "M": "a"})))
    for kind in ("wilcoxon", "vanderWaerden", "median"):
        try:
            one = survey.rank_test(design, "bribes", "sex", test=kind)
        except Faults:
            continue
        two = survey.rank_test(other, "bribes", "sex", test=kind)
        assert two.statistic == pytest.approx(-one.statistic, rel=1e-6, abs=1e-9)
        assert 0 <= one.p_value <= 1
    for statistic in survey.association.STATISTICS:
        test = survey.chi_square(design, "region", "sex", statistic=statistic)
        assert 0 <= test.p_value <= 1
        heavy = survey.chi_square(designed(frame.assign(w=frame.w * 1e6)), "region", "sex", statistic=statistic)
        assert heavy.p_value == pytest.approx(test.p_value, rel=1e-6)


@settings(max_examples=30, deadline=None)
@given(
    weights=st.lists(st.floats(0.05, 20), min_size=1, max_size=6), share=st.floats(0.05, 6),
    df=st.one_of(st.just(np.inf), st.floats(1, 200)),
)  # fmt: skip
def test_tails_are_probabilities_that_fall(weights, share, df):
    lam = np.array(weights)
    x = share * lam.sum()
    here, further = (chi_square_sums.tail(v, lam, df) for v in (x, 1.1 * x))
    assert 0 <= further < here <= 1
    assert chi_square_sums.tail(3 * x, 3 * lam, df) == pytest.approx(here, rel=1e-8)
    # the denominator makes large values likelier in the far tail
    if share > 4 and np.isfinite(df):
        assert here > chi_square_sums.tail(x, lam)


# --- bad input -----------------------------------------------------------------------------------------------------


def faulty(match: str):
    return pytest.raises(Faults, match=match)


def test_models_say_what_is_wrong_with_the_input():
    frame = sample()
    design = designed(frame)
    with faulty("did you mean 'region'"):
        survey.glm(design, "paid ~ regon + x")
    with faulty("unknown family"):
        survey.glm(design, "paid ~ x", family="normal")
    with faulty("unknown link"):
        survey.glm(design, "paid ~ x", family="binomial", link="tanh")
    with faulty("unknown policy"):
        survey.glm(design, "paid ~ x", missing="drop")
    with faulty("no confidence level"):
        survey.glm(design, "paid ~ x", level=95)
    with faulty("no outcome"):
        survey.glm(design, "~ x")
    with faulty("formula"):
        survey.glm(design, "paid ~ x +* sex")
    with faulty("same outcome"):
        survey.glm(designed(frame.assign(paid=1)), "paid ~ x", family="binomial")
    with faulty("same outcome"):
        survey.glm(designed(frame.assign(amount=2.5)), "amount ~ x")
    with faulty("does not allow"):
        survey.glm(designed(frame.assign(bribes=frame.bribes - 1)), "bribes ~ x", family="poisson")
    with faulty("does not allow"):
        survey.glm(design, "bribes ~ x", family="binomial")
    with faulty("not numbers"):
        survey.glm(design, "region ~ x")
    with faulty("3 levels"):
        survey.glm(design, "region ~ x", family="binomial")
    with faulty("no row has a value"):
        survey.glm(designed(frame.assign(x=np.nan)), "paid ~ x")
    with faulty("no row is in the denominator"):
        survey.glm(design, "paid ~ x", denominator=np.zeros(len(frame)))
    with faulty("not finite"):
        survey.glm(designed(frame.assign(x=frame.x.where(frame.x > 45, 0))), "paid ~ log(x)")
    with faulty("the same level"):
        survey.ordinal(designed(frame.assign(often="a")), "often ~ x")
    with faulty("500 levels"):
        survey.multinomial(design, "amount ~ x")
    with faulty("unknown link"):
        survey.ordinal(design, "often ~ x", link="log")


def test_collinear_columns_are_named():
    frame = sample().assign(double=lambda f: 2 * f.x + 1, one=1.0)
    for model in (survey.glm, survey.ordinal, survey.multinomial):
        y = "amount" if model is survey.glm else "often"
        with faulty("follow from the others: double"):
            model(designed(frame), f"{y} ~ x + double")
        with faulty("follow from the others: one"):
            model(designed(frame), f"{y} ~ one + x")


def test_separation_is_told():
    frame = sample()
    certain = frame.assign(paid=np.where(frame.region == "north", 0, frame.paid))
    with faulty(r"separation: .*region\[T.north\]"):
        survey.glm(designed(certain), "paid ~ region + x", family="binomial")
    with faulty("separation"):
        survey.glm(designed(frame.assign(paid=(frame.x > 50).astype(int))), "paid ~ x", family="binomial")
    with faulty("separation"):
        survey.glm(designed(certain.assign(bribes=certain.paid)), "bribes ~ region", family="poisson")
    with faulty("separation"):
        survey.glm(designed(certain), "paid ~ region", family="binomial", link="probit")
    with faulty("no maximum"):
        survey.multinomial(designed(certain.assign(paid=certain.paid.map({0: "a", 1: "b"}))), "paid ~ region")


def test_predictions_and_term_tests_say_what_is_wrong():
    fit = survey.glm(designed(sample()), "paid ~ region + x", family="binomial")
    with faulty("has not seen: {'west'}"):
        fit.predict(pd.DataFrame({"region": ["west"], "x": [1.0]}))
    with faulty("no column 'x'"):
        fit.predict(pd.DataFrame({"region": ["east"]}))
    with faulty("missing values"):
        fit.predict(pd.DataFrame({"region": ["east"], "x": [np.nan]}))
    with faulty("unknown type"):
        fit.predict(pd.DataFrame({"region": ["east"], "x": [1.0]}), "odds")
    with faulty("no term 'sex'"):
        fit.term_test("sex")
    with faulty("unknown method"):
        fit.term_test("x", "score")
    with faulty("is not in the formula"):
        fit.margins("sex")


def test_too_few_sampling_units():
    frame = sample(n=200).assign(h=0)
    frame["psu"] = np.arange(len(frame)) % 3
    fit = survey.glm(designed(frame), "amount ~ C(psu) + region + x")
    assert fit.df_residual <= 0
    assert fit.summary()["p_value"].isna().all()
    assert set(fit.estimates.table["reason"]) == {"no degrees of freedom"}
    with faulty("too few sampling units"):
        survey.glm(designed(frame), "amount ~ region + sex + x").term_test(["region", "sex", "x"])
    with faulty("too few sampling units"):
        survey.chi_square(designed(sample(n=200).assign(h=0, psu=frame.psu)), "often", "region", statistic="Wald")


def test_tests_say_what_is_wrong_with_the_input():
    frame = sample()
    design = designed(frame)
    with faulty("unknown 'pearson'"):
        survey.chi_square(design, "sex", "paid", statistic="pearson")
    with faulty("one level"):
        survey.chi_square(designed(frame.assign(paid=0)), "sex", "paid")
    with faulty("500 levels"):
        survey.chi_square(design, "sex", "amount")
    with faulty("3 levels"):
        survey.t_test(design, "bribes", "region")
    with faulty("all values are equal"):
        survey.t_test(designed(frame.assign(bribes=1)), "bribes")
    with faulty("no row has every value"):
        survey.t_test(designed(frame.assign(bribes=np.nan)), "bribes")
    with faulty("unknown test"):
        survey.rank_test(design, "bribes", "sex", test="savage")
    with faulty("one level"):
        survey.rank_test(designed(frame.assign(sex="F")), "bribes", "sex")
    with faulty("no spread"):
        survey.rank_test(designed(frame.assign(bribes=1)), "bribes", "sex")
    with faulty("missing answers"):
        survey.chi_square(designed(frame.assign(paid=frame.paid.where(frame.x > 40))), "sex", "paid", missing="error")


def test_an_empty_cell_and_a_huge_weight():
    frame = sample()
    frame.loc[(frame.region == "north") & (frame.sex == "M"), "sex"] = "F"
    for statistic in ("F", "Chisq", "lincom"):
        test = survey.chi_square(designed(frame), "region", "sex", statistic=statistic)
        assert 0 <= test.p_value < 1e-3
    frame.loc[0, "w"] = 1e9
    fit = survey.glm(designed(frame), "amount ~ x")
    assert np.isfinite(fit.estimates.table[["value", "std_error"]]).all(axis=None)
