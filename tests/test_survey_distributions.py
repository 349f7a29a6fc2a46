"""Quantiles, moments, contrasts and concentration against numpy, scipy, derivatives by weight and brute force."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from uncac_metrics.model import Faults
from uncac_metrics.stats import concat, intervals, survey
from uncac_metrics.stats.survey.contrasts import labels
from uncac_metrics.stats.survey.groupwise import rows_used
from uncac_metrics.stats.survey.order import RULES, Sorted, quantile_sorted

NUMPY = {
    "math": "inverted_cdf", "hf1": "inverted_cdf", "school": "averaged_inverted_cdf", "hf2": "averaged_inverted_cdf",
    "hf4": "interpolated_inverted_cdf", "hf5": "hazen", "hf6": "weibull", "hf7": "linear", "hf8": "median_unbiased",
    "hf9": "normal_unbiased",
}  # fmt: skip


def sample(n: int = 240, seed: int = 3, **values: object) -> pd.DataFrame:
    """Clustered sample with ties, zeros, three regions and unequal weights."""
    rng = np.random.default_rng(seed)
    income = np.round(rng.lognormal(3, 0.8, n), 0)
    frame = pd.DataFrame(
        {
            "w": rng.uniform(0.5, 4, n), "h": np.arange(n) * 4 // n, "psu": np.arange(n) // 6,
            "region": rng.choice(list("abc"), n), "sex": rng.choice(["F", "M"], n), "income": income,
            "bribes": np.where(rng.random(n) < 0.6, 0.0, rng.gamma(2, 2, n) + 0.01 * income),
            "other": rng.normal(size=n) + 0.02 * income, "paid": (rng.random(n) < 0.3).astype(int),
        }
    )  # fmt: skip
    return frame.assign(**values)


def make(frame: pd.DataFrame) -> survey.Design:
    return survey.Design(frame, weight="w", stratum="h", psu="psu")


def jackknifed(frame: pd.DataFrame, kind: str = "JKn") -> survey.Design:
    """Delete one PSU of a stratum, the others of it weighted up."""
    psus = frame[["h", "psu"]].drop_duplicates()
    weights, rscales = [], []
    for h, psu in psus.itertuples(index=False):
        m = int((psus["h"] == h).sum())
        factor = np.where(frame["psu"] == psu, 0.0, np.where(frame["h"] == h, m / (m - 1), 1.0))
        weights.append(frame["w"].to_numpy() * factor)
        rscales.append((m - 1) / m)
    return survey.replicate_design(
        frame, weight="w", replicates=np.array(weights).T, kind=kind, scale=1.0, rscales=rscales, mse=True
    )


def bootstrapped(frame: pd.DataFrame, n_replicates: int = 40, seed: int = 1) -> survey.Design:
    rng = np.random.default_rng(seed)
    factors = rng.poisson(1.0, (int(frame["psu"].max()) + 1, n_replicates)).astype(float)
    weights = frame["w"].to_numpy()[:, None] * factors[frame["psu"].to_numpy()]
    return survey.replicate_design(frame, weight="w", replicates=weights, kind="bootstrap", mse=True)


def linearised_se(frame: pd.DataFrame, function: object) -> float:
    """Standard error from derivatives of `function(weights)` taken numerically, weight by weight."""
    w = frame["w"].to_numpy()
    z = np.empty(len(w))
    for i in range(len(w)):
        step = np.zeros(len(w))
        step[i] = 1e-4 * w[i]
        z[i] = w[i] * (function(w + step) - function(w - step)) / (2 * step[i])  # type: ignore[operator]
    u = pd.Series(z).groupby([frame["h"], frame["psu"]]).sum()
    total = 0.0
    for _, values in u.groupby(level=0):
        m = len(values)
        total += m / (m - 1) * float(((values - values.mean()) ** 2).sum())
    return float(np.sqrt(total))


# ---- quantiles


@pytest.mark.parametrize("rule", sorted(NUMPY))
def test_equal_weights_give_numpys_quantiles(rule: str) -> None:
    x = np.sort(np.random.default_rng(5).normal(size=41))
    p = np.array([0.03, 0.2, 0.25, 0.5, 0.61, 0.9, 0.97])
    np.testing.assert_allclose(
        quantile_sorted(x, np.full(41, 3.7), p, rule), np.quantile(x, p, method=NUMPY[rule]), rtol=1e-12
    )


@pytest.mark.parametrize("rule", ["math", "school"])
def test_a_probability_on_a_step(rule: str) -> None:
    x, w = np.arange(10.0), np.full(10, 0.1)
    got = quantile_sorted(x, w, np.array([0.3, 0.7]), rule)
    np.testing.assert_array_equal(got, [2, 6] if rule == "math" else [2.5, 6.5])


def test_hf3_takes_the_even_order_on_a_step() -> None:
    x = np.arange(1.0, 11)
    np.testing.assert_array_equal(quantile_sorted(x, np.ones(10), np.array([0.3, 0.4, 0.35]), "hf3"), [4, 4, 4])


def test_shah_and_vaish_do_not_depend_on_the_unit_of_the_weights() -> None:
    rng = np.random.default_rng(2)
    x, w, p = np.sort(rng.normal(size=50)), rng.uniform(1, 9, 50), np.array([0.1, 0.5, 0.9])
    np.testing.assert_array_equal(quantile_sorted(x, w, p, "shahvaish"), quantile_sorted(x, w * 1000, p, "shahvaish"))
    np.testing.assert_array_equal(quantile_sorted(x[:9], np.ones(9), p, "shahvaish"), [x[0], x[4], x[8]])


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 20), st.integers(1, 9)), min_size=1, max_size=40), st.sampled_from(RULES),
    st.floats(0.01, 0.99), st.floats(0.01, 0.99),
)  # fmt: skip
def test_quantiles_lie_within_the_values_and_rise_with_p(
    rows: list[tuple[int, int]], rule: str, p: float, q: float
) -> None:
    x, w = np.array(sorted(rows), dtype=float).T
    low, high = quantile_sorted(x, w, np.sort([p, q]), rule)
    assert x[0] <= low <= high + 1e-12 <= x[-1] + 1e-9
    shifted = quantile_sorted(2 * x + 5, w, np.array(p), rule)
    assert shifted == pytest.approx(2 * quantile_sorted(x, w, np.array(p), rule) + 5)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(1, 4)), min_size=2, max_size=20), st.floats(0.02, 0.98))
def test_a_whole_weight_is_that_many_rows(rows: list[tuple[int, int]], p: float) -> None:
    x, w = np.array(sorted(rows), dtype=float).T
    every = np.repeat(x, w.astype(int))
    for rule in ("math", "school"):
        assert quantile_sorted(x, w, np.array(p), rule) == quantile_sorted(
            every, np.ones(len(every)), np.array(p), rule
        )


def test_woodruff_limits_and_standard_error_by_hand() -> None:
    frame = sample()
    design = make(frame)
    row = survey.quantile(design, "income", 0.5).table.iloc[0]
    share = survey.mean(design, (frame["income"] <= row["value"]).astype(int)).table.iloc[0]
    order = np.argsort(frame["income"].to_numpy(), kind="stable")
    x, w = frame["income"].to_numpy()[order], frame["w"].to_numpy()[order]
    low, high = intervals.wald(share["value"], share["std_error"], share["df"])
    expected = quantile_sorted(x, w, np.array([low, high]), "math")
    np.testing.assert_array_equal(row[["lower", "upper"]].to_numpy(float), expected)
    t = intervals.t_quantile(0.95, share["df"])
    assert row["std_error"] == pytest.approx((expected[1] - expected[0]) / (2 * t))
    assert row["n"] == 240 and row["df"] == share["df"]


@pytest.mark.parametrize("interval", ["mean", "xlogit", "beta", "arcsine", "score"])
def test_all_domains_at_once_are_each_domain_alone(interval: str) -> None:
    frame = sample()
    design = make(frame)
    every = survey.quantile(design, "income", [0.25, 0.5], by="region", interval=interval, df="design").table
    for region in "abc":
        alone = survey.quantile(
            design, "income", [0.25, 0.5], denominator=(frame["region"] == region).astype(int), interval=interval,
            df="design",
        ).table  # fmt: skip
        columns = ["value", "std_error", "lower", "upper"]
        found = every[every["region"] == region]
        np.testing.assert_allclose(found[columns], alone[columns], rtol=1e-9)
    assert (every["lower"] <= every["value"]).all() and (every["value"] <= every["upper"]).all()


def test_the_score_limits_are_where_the_score_crosses_t() -> None:
    frame = sample()
    design = make(frame)
    row = survey.quantile(design, "other", 0.4, interval="score", df="design").table.iloc[0]
    x = np.unique(frame["other"])
    shares = survey.cdf(design, "other", x, interval="wald", df="design").table
    score = ((shares["value"] - 0.4) / shares["std_error"].where(shares["std_error"] > 0)).to_numpy()
    t = intervals.t_quantile(0.95, design.df)
    for limit, bound in ((row["lower"], -t), (row["upper"], t)):
        around = np.flatnonzero((score[:-1] < bound) & (score[1:] >= bound))
        nearest = {x[k] if abs(score[k] - bound) <= abs(score[k + 1] - bound) else x[k + 1] for k in around}
        assert limit in nearest


def test_quantiles_covary_through_the_sample() -> None:
    design = make(sample())
    result = survey.quantile(design, "other", [0.4, 0.5])
    matrix = result.covariance().to_numpy()
    np.testing.assert_allclose(np.sqrt(np.diag(matrix)), result.table["std_error"], rtol=1e-9)
    assert 0.3 < matrix[0, 1] / np.sqrt(matrix[0, 0] * matrix[1, 1]) < 1
    both = concat([result, survey.mean(design, "other")]).covariance().to_numpy()
    assert both[1, 2] > 0  # a sample with large values has a large median and a large mean


@pytest.mark.parametrize("rule", RULES)
def test_replicate_quantiles_are_those_of_each_replicates_weights(rule: str) -> None:
    frame = sample()
    design = bootstrapped(frame, 25)
    rows = rows_used(design, np.ones(len(frame), dtype=bool), "region")
    got = Sorted(rows, frame["income"].to_numpy()).replicate_quantiles(design, 0.3, rule)
    weights = design.replicates.weights(design)
    for g, region in enumerate("abc"):
        for r in range(25):
            inside = ((frame["region"] == region) & (weights[:, r] > 0)).to_numpy()
            x, w = frame["income"].to_numpy()[inside], weights[inside, r]
            order = np.argsort(x, kind="stable")
            assert got[r, g] == pytest.approx(float(quantile_sorted(x[order], w[order], np.array(0.3), rule)))


def test_a_quantile_far_from_the_full_samples_is_found() -> None:
    """One replicate holds the top of the distribution only: the first window does not contain its median."""
    n = 2_000
    frame = pd.DataFrame({"w": 1.0, "psu": np.arange(n) // 100, "y": np.arange(float(n))})
    factors = np.ones((20, 3))
    factors[:, 1:] = 0.0
    factors[19, 1], factors[0, 2] = 20.0, 20.0
    design = survey.replicate_design(
        frame, weight="w", replicates=factors[frame["psu"].to_numpy()], kind="other", scale=0.3, rscales=np.ones(3)
    )
    got = Sorted(rows_used(design, np.ones(n, dtype=bool)), frame["y"].to_numpy())
    np.testing.assert_array_equal(got.replicate_quantiles(design, 0.5, "math")[:, 0], [999, 1949, 49])
    np.testing.assert_array_equal(got.replicate_quantiles(design, 0.5, "school")[:, 0], [999.5, 1949.5, 49.5])


def test_replicate_interval_of_a_quantile() -> None:
    frame = sample()
    design = bootstrapped(frame, 60)
    row = survey.quantile(design, "other", 0.5, interval="quantile").table.iloc[0]
    made = Sorted(rows_used(design, np.ones(len(frame), dtype=bool)), frame["other"].to_numpy())
    replicates = made.replicate_quantiles(design, 0.5, "math")[:, 0]
    expected = np.sqrt(design.replicates.scale * ((replicates - row["value"]) ** 2).sum())
    assert row["std_error"] == pytest.approx(expected)
    woodruff = survey.quantile(design, "other", 0.5).table.iloc[0]
    assert 0.4 < woodruff["std_error"] / row["std_error"] < 2.5


def test_the_jackknife_of_a_quantile_is_flagged_and_empty_replicates_are_counted() -> None:
    frame = sample(120)
    row = survey.quantile(jackknifed(frame), "other", 0.5, interval="quantile").table.iloc[0]
    assert row["display"] == "flagged" and "jackknife" in row["reason"]
    rare = frame.assign(region=["z", *frame["region"][1:]])
    table = survey.quantile(bootstrapped(rare, 30), "other", 0.5, by="region", interval="quantile").table
    assert "replicates have no estimate" in table.set_index("region").loc["z", "reason"]
    table = survey.gini(bootstrapped(rare, 30), "income", by="region").table
    assert "replicates have no estimate" in table.set_index("region").loc["z", "reason"]


def test_quantiles_at_the_edges() -> None:
    frame = sample(income=lambda d: d["income"].where(d["region"] != "c"))
    frame["region"] = pd.Categorical(frame["region"], ["a", "b", "c", "d"])
    table = survey.quantile(make(frame), "income", 0.5, by="region").table
    assert table["value"].isna().tolist() == [False, False, True, True]
    assert table["display"].tolist() == ["shown", "shown", "withheld", "withheld"]
    assert table["n_eligible"].tolist()[2] > 0 and table["n"].tolist()[2] == 0
    one = survey.quantile(survey.Design(sample(8, income=7.0), weight="w"), "income", [0.1, 0.9]).table
    assert (one["value"] == 7).all() and (one["std_error"] == 0).all()
    huge = sample(w=lambda d: d["w"] * 1e12)
    np.testing.assert_allclose(
        survey.quantile(make(huge), "income", [0.1, 0.5]).table[["value", "std_error"]],
        survey.quantile(make(sample()), "income", [0.1, 0.5]).table[["value", "std_error"]],
    )


def test_the_greatest_value_is_not_known_exactly() -> None:
    """All ten units are at or below the quantile: the interval reaches down all the same."""
    frame = pd.DataFrame({"w": 1.0, "y": np.arange(10.0)})
    row = survey.quantile(survey.Design(frame, weight="w"), "y", 0.95).table.iloc[0]
    assert row["value"] == row["upper"] == 9 and row["lower"] < 9 and row["std_error"] > 0


def test_all_that_is_wrong_with_a_quantile_is_said_at_once() -> None:
    with pytest.raises(Faults) as found:
        survey.quantile(make(sample()), "income", [0.5, 1.5], rule="hf10", interval="quantile")
    assert len(found.value.faults) == 3
    with pytest.raises(Faults, match="regoin"):
        survey.quantile(make(sample()), "income", by="regoin")


# ---- moments


def test_moments_of_equal_weights_are_numpys() -> None:
    frame = sample(w=2.0)
    design = make(frame)
    got = survey.covariance(design, ["income", "other"]).table
    expected = np.cov(frame["income"], frame["other"])
    np.testing.assert_allclose(got["value"], expected[[0, 0, 1], [0, 1, 1]], rtol=1e-12)
    assert got["indicator"].tolist() == ["income", "income × other", "other"]
    r = survey.correlation(design, ["income", "other"]).table.iloc[0]
    assert r["value"] == pytest.approx(stats.pearsonr(frame["income"], frame["other"]).statistic)


def weighted_correlation(frame: pd.DataFrame, w: np.ndarray) -> float:
    matrix = np.cov(frame["income"], frame["other"], aweights=w)
    return float(matrix[0, 1] / np.sqrt(matrix[0, 0] * matrix[1, 1]))


def test_standard_errors_are_those_of_the_derivatives_by_weight() -> None:
    frame = sample(120)
    design = make(frame)
    n = len(frame)

    def cov(w: np.ndarray) -> float:
        return float(np.cov(frame["income"], frame["other"], aweights=w, ddof=0)[0, 1]) * n / (n - 1)

    table = survey.covariance(design, ["income", "other"]).table
    assert table["std_error"][1] == pytest.approx(linearised_se(frame, cov), rel=1e-6)
    row = survey.correlation(design, ["income", "other"]).table.iloc[0]
    assert row["std_error"] == pytest.approx(linearised_se(frame, lambda w: weighted_correlation(frame, w)), rel=1e-6)
    half = intervals.t_quantile(0.95, row["df"]) * row["std_error"] / (1 - row["value"] ** 2)
    assert np.arctanh(row["upper"]) == pytest.approx(np.arctanh(row["value"]) + half)


def test_moments_under_replicates_are_made_anew() -> None:
    frame = sample(120)
    design = jackknifed(frame)
    weights, made = design.replicates.weights(design), design.replicates
    full = weighted_correlation(frame, frame["w"].to_numpy())
    each = [weighted_correlation(frame, w) for w in weights.T]
    expected = np.sqrt(made.scale * (made.rscales * (np.array(each) - full) ** 2).sum())
    assert survey.correlation(design, ["income", "other"]).table["std_error"][0] == pytest.approx(expected)
    large = sample(1_800)
    for estimate in (lambda d: survey.variance(d, "other"), lambda d: survey.correlation(d, ["income", "other"])):
        anew, linear = (estimate(d).table["std_error"][0] for d in (jackknifed(large), make(large)))
        assert anew == pytest.approx(linear, rel=0.05)


def test_moments_by_domain_and_far_from_zero() -> None:
    frame = sample()
    design = make(frame)
    by = survey.variance(design, "other", by="region", df="design").table
    alone = survey.variance(design, "other", denominator=(frame["region"] == "b").astype(int), df="design").table
    np.testing.assert_allclose(
        by.loc[by["region"] == "b", ["value", "std_error"]], alone[["value", "std_error"]], rtol=1e-12
    )
    far = survey.variance(design, frame["other"] + 1e9).table["value"][0]
    assert far == pytest.approx(survey.variance(design, "other").table["value"][0], rel=1e-5)
    constant = survey.correlation(design, [pd.Series(1.0, frame.index, name="one"), "other"]).table.iloc[0]
    assert np.isnan(constant["value"]) and constant["display"] == "withheld"
    with pytest.raises(Faults, match="one variable"):
        survey.correlation(design, ["other"])


def test_one_row_has_no_variance() -> None:
    frame = sample(region=lambda d: ["z", *d["region"][1:]])
    row = survey.variance(make(frame), "other", by="region").table.set_index("region").loc["z"]
    assert np.isnan(row["value"]) and row["n"] == 1 and row["display"] == "withheld"


def test_the_distribution_function_is_a_step_function() -> None:
    frame = sample()
    result = survey.cdf(make(frame), "income", by="sex").table
    for sex, part in result.groupby("sex"):
        assert part["value"].is_monotonic_increasing and part["value"].iloc[-1] == pytest.approx(1)
        inside = frame["sex"] == sex
        at = float(part["category"].iloc[10])
        expected = frame["w"][inside & (frame["income"] <= at)].sum() / frame["w"][inside].sum()
        assert part["value"].iloc[10] == pytest.approx(expected)
    points = survey.cdf(make(frame), "income", [-1, 20]).table
    assert points["value"].iloc[0] == 0 and points["std_error"].iloc[1] > 0
    with pytest.raises(Faults, match="missing points"):
        survey.cdf(make(frame), "income", [np.nan])


def test_tables_hold_every_cell() -> None:
    frame = sample(sex=lambda d: d["sex"].where(d["region"] != "c", "F"))
    design = make(frame)
    got = survey.table(design, ["region", "sex"]).table
    expected = frame.pivot_table(index="region", columns="sex", values="w", aggfunc="sum").fillna(0)
    np.testing.assert_allclose(got["value"], expected.to_numpy().ravel())
    assert got["value"].iloc[-1] == 0 and got["n"].iloc[-1] == 0 and np.isnan(got["std_error"].iloc[-1])
    total = survey.total(design, ((frame["region"] == "a") & (frame["sex"] == "F")).astype(int)).table
    assert got["std_error"].iloc[0] == pytest.approx(total["std_error"].iloc[0])
    rounded = survey.table(design, ["region", "sex"], rounded=True).table["value"]
    np.testing.assert_array_equal(rounded, np.round(got["value"]))
    scaled = survey.table(design, ["region", "sex"], total=100).table
    np.testing.assert_allclose(scaled["value"], 100 * got["value"] / got["value"].sum())
    assert list(scaled["n"]) == list(got["n"])
    within = survey.table(design, "sex", denominator="paid").table
    assert within["value"].sum() == pytest.approx(frame.loc[frame["paid"] == 1, "w"].sum())


# ---- contrasts


def test_a_linear_contrast_across_variables_and_domains() -> None:
    design = make(sample())
    means = survey.mean(design, ["income", "other"], by="sex")
    assert labels(means) == ["income:F", "income:M", "other:F", "other:M"]
    got = survey.contrast(means, {"income:F": 1, "income:M": -1, "other:F": -1, "other:M": 1}).table.iloc[0]
    weights = np.array([1, -1, -1, 1.0])
    variance = weights @ means.covariance().to_numpy() @ weights
    assert got["std_error"] == pytest.approx(np.sqrt(variance))
    assert got["value"] == pytest.approx(weights @ means.table["value"].to_numpy())
    several = survey.contrast(means, np.vstack([weights, np.abs(weights)])).table
    assert several["std_error"].iloc[0] == pytest.approx(got["std_error"]) and len(several) == 2


@pytest.mark.parametrize(
    "function", [lambda e: e["income"] / e["bribes"], lambda e: np.log(e["income"]) * e["bribes"] ** 2,
                 lambda e: abs(e["bribes"] - e["income"]), lambda e: max(e["bribes"], 0) / e["income"]]
)  # fmt: skip
def test_the_delta_method_by_known_gradients(function: object) -> None:
    design = make(sample())
    totals = survey.mean(design, ["income", "bribes"])
    a, b = totals.table["value"]
    known = {
        a / b: [1 / b, -a / b**2], np.log(a) * b**2: [b**2 / a, 2 * b * np.log(a)],
        abs(b - a): [1.0, -1.0], b / a: [-b / a**2, 1 / a],
    }  # fmt: skip
    value = function({"income": a, "bribes": b})  # type: ignore[operator]
    gradient = np.array(known[value])
    got = survey.contrast(totals, function).table.iloc[0]  # type: ignore[arg-type]
    assert got["value"] == value
    expected = np.sqrt(gradient @ totals.covariance().to_numpy() @ gradient)
    assert got["std_error"] == pytest.approx(expected, rel=1e-9)


def test_the_ratio_of_two_totals_is_the_ratio() -> None:
    design = make(sample())
    by_hand = survey.contrast(survey.total(design, ["bribes", "income"]), lambda e: e["bribes"] / e["income"]).table
    ratio = survey.ratio(design, "bribes", "income").table
    np.testing.assert_allclose(by_hand[["value", "std_error"]], ratio[["value", "std_error"]], rtol=1e-10)


def test_risk_ratios_turn_into_their_reciprocals() -> None:
    shares = survey.mean(make(sample()), "paid", by="sex")
    one, other = (survey.risk_ratio(shares, *pair).table.iloc[0] for pair in (("M", "F"), ("F", "M")))
    assert one["value"] * other["value"] == pytest.approx(1)
    assert one["lower"] * other["upper"] == pytest.approx(1)
    assert 0 < one["lower"] < one["value"] < one["upper"]
    none = sample(paid=lambda d: d["paid"] * (d["sex"] == "F"))
    row = survey.risk_ratio(survey.mean(make(none), "paid", by="sex"), "F", "M").table.iloc[0]
    assert np.isnan(row["value"]) and row["display"] == "withheld" and "positive" in row["reason"]


def test_contrasts_that_cannot_be_made() -> None:
    means = survey.mean(make(sample()), ["income", "other"], by="sex")
    with pytest.raises(Faults) as found:
        survey.contrast(means, {"income:F": 1, "incone:M": -1, "x": 2})
    assert len(found.value.faults) == 2
    for bad in (np.ones(3), np.zeros(4), [1, np.nan, 0, 0]):
        with pytest.raises(Faults):
            survey.contrast(means, np.array(bad))
    with pytest.raises(Faults, match="nowhere"):
        survey.contrast(means, lambda e: e["nowhere"])
    with pytest.raises(Faults, match="one finite number"):
        survey.contrast(means, lambda e: [1, 2])


# ---- concentration


def brute_concentration(y: np.ndarray, x: np.ndarray, w: np.ndarray) -> float:
    ranks = (w * (x[:, None] > x) + w * (x[:, None] == x) / 2).sum(axis=1) / w.sum()
    mean = (w * y).sum() / w.sum()
    return float(2 * (w * (y - mean) * (ranks - 0.5)).sum() / (w.sum() * mean))


def test_concentration_and_its_standard_error() -> None:
    frame = sample(120)
    y, x = frame["bribes"].to_numpy(), frame["income"].to_numpy()
    row = survey.concentration(make(frame), "bribes", "income").table.iloc[0]
    assert row["value"] == pytest.approx(brute_concentration(y, x, frame["w"].to_numpy()))
    assert row["std_error"] == pytest.approx(linearised_se(frame, lambda w: brute_concentration(y, x, w)), rel=1e-6)


def test_gini_by_mean_differences_and_by_derivatives() -> None:
    frame = sample(120)
    y, w = frame["income"].to_numpy(), frame["w"].to_numpy()
    row = survey.gini(make(frame), "income").table.iloc[0]
    differences = (np.abs(y[:, None] - y) * w[:, None] * w).sum() / (2 * w.sum() * (w * y).sum())
    assert row["value"] == pytest.approx(differences)
    assert row["std_error"] == pytest.approx(linearised_se(frame, lambda v: brute_concentration(y, y, v)), rel=1e-6)
    replicated = survey.gini(jackknifed(frame), "income").table.iloc[0]
    assert replicated["value"] == pytest.approx(row["value"])
    assert 0.9 < replicated["std_error"] / row["std_error"] < 1.2


def test_kakwani_is_the_difference_with_its_covariance() -> None:
    frame = sample(120)
    y, x = frame["bribes"].to_numpy(), frame["income"].to_numpy()
    row = survey.kakwani(make(frame), "bribes", "income").table.iloc[0]

    def difference(w: np.ndarray) -> float:
        return brute_concentration(y, x, w) - brute_concentration(x, x, w)

    assert row["value"] == pytest.approx(difference(frame["w"].to_numpy()))
    assert row["std_error"] == pytest.approx(linearised_se(frame, difference), rel=1e-6)
    assert len(survey.kakwani(make(frame), "bribes", "income", by="region")) == 3


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9), st.integers(1, 5)), min_size=3, max_size=30))
def test_concentration_properties(rows: list[tuple[int, int, int]]) -> None:
    y, x, w = np.array(rows, dtype=float).T
    frame = pd.DataFrame({"w": w, "y": y, "x": x})
    design = survey.Design(frame, weight="w")
    value = survey.concentration(design, "y", "x").table["value"][0]
    if y.sum() == 0:
        assert np.isnan(value)
        return
    assert -1 <= value <= 1
    turned = survey.concentration(design, "y", -frame["x"].rename("minus")).table["value"][0]
    assert turned == pytest.approx(-value, abs=1e-12)
    gini = survey.gini(design, "y").table["value"][0]
    assert abs(value) <= gini + 1e-12
    assert survey.gini(design, 3 * frame["y"]).table["value"][0] == pytest.approx(gini, abs=1e-12)


def curve(y: np.ndarray, w: np.ndarray, p: float) -> float:
    order = np.argsort(y, kind="stable")
    at = np.concatenate([[0], np.cumsum(w[order])]) / w.sum()
    return float(np.interp(p, at, np.concatenate([[0], np.cumsum((w * y)[order])]) / (w * y).sum()))


def test_lorenz_curve_points() -> None:
    frame = sample(120)
    y, w = frame["income"].to_numpy(), frame["w"].to_numpy()
    table = survey.lorenz(make(frame), "income").table
    np.testing.assert_allclose(table["value"], [curve(y, w, float(p)) for p in table["category"]], rtol=1e-10)
    assert (np.diff(table["value"]) > 0).all() and (table["value"] < table["category"].astype(float)).all()
    for i in (1, 6):
        p = float(table["category"][i])
        assert table["std_error"][i] == pytest.approx(linearised_se(frame, lambda v, p=p: curve(y, v, p)), rel=1e-6)


def test_concentration_curve_has_an_error_near_the_jackknifes() -> None:
    frame = sample(600)
    linear, replicated = (
        survey.lorenz(d, "bribes", "income", [0.2, 0.5, 0.8]).table for d in (make(frame), jackknifed(frame))
    )
    np.testing.assert_allclose(linear["value"], replicated["value"])
    np.testing.assert_allclose(linear["std_error"], replicated["std_error"], rtol=0.35)


def test_burden_by_income_group() -> None:
    frame = sample()
    table = survey.burden(make(frame), "bribes", "income").table
    assert table["income_group"].tolist() == list("12345") and table["n"].sum() == 240
    assert (table["value"] >= 0).all()
    whole = (frame["w"] * frame["bribes"]).sum() / (frame["w"] * frame["income"]).sum()
    assert table["value"].min() <= whole <= table["value"].max()
    zeros = sample(income=lambda d: d["income"].where(d.index > 120, 0.0))
    table = survey.burden(make(zeros), "bribes", "income").table
    assert np.isnan(table["value"].iloc[0]) or table["n"].iloc[0] == 0
    with pytest.raises(Faults, match="negative"):
        survey.burden(make(sample(bribes=-1.0)), "bribes", "income")
    with pytest.raises(Faults, match="negative"):
        survey.gini(make(sample(bribes=-1.0)), "bribes")


def test_domains_of_the_index_are_ranked_within() -> None:
    frame = sample()
    by = survey.concentration(make(frame), "bribes", "income", by="region").table
    for region, value in zip(by["region"], by["value"], strict=True):
        part = frame[frame["region"] == region]
        expected = brute_concentration(*(part[c].to_numpy() for c in ("bribes", "income", "w")))
        assert value == pytest.approx(expected)


def test_calibration_reaches_every_estimator() -> None:
    """Calibrated on the very indicator, a share at or below the median has no error left, nor has its median."""
    frame = sample().assign(low=lambda d: np.where(d["income"] <= 20, "yes", "no"))
    sizes = frame.groupby("low")["w"].sum().to_dict()
    design = survey.poststratify(make(frame), "low", sizes)
    at = sizes["yes"] / sum(sizes.values())
    row = survey.quantile(design, "income", at).table.iloc[0]
    assert row["value"] == 20 and row["std_error"] == pytest.approx(0, abs=1e-9)
    free = survey.gini(make(frame), "income").table["std_error"][0]
    result = survey.gini(design, "income")
    assert 0 < result.table["std_error"][0] < free
    assert result.covariance().to_numpy()[0, 0] == pytest.approx(result.table["std_error"][0] ** 2)
