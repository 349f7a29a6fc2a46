"""Trends of estimates against reference numbers, statsmodels, formulas by hand, and by property.

Reference numbers: Mann–Kendall and Sen from R's trend 1.1.6 and Kendall 2.2.1, Pettitt and SNHT from trend 1.1.6, the
change between overlapping waves from R's survey 4.1.1 (closed forms: 1e-9; Kendall's own τ and p hold seven digits).
"""

from __future__ import annotations

import itertools
import json

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from uncac_metrics.model import Faults
from uncac_metrics.stats import Estimates, compare, concat, published, survey, trends
from uncac_metrics.stats.trends import fits, monotone
from uncac_metrics.stats.trends.draws import correlated_normals

TIGHT = 1e-9


@pytest.fixture(scope="module")
def oracle(data_folder):
    path = data_folder / "oracles/indirect_admin/f6_trend.json"
    if not path.exists():
        pytest.skip("no reference numbers of trends in this folder")
    return json.loads(path.read_text(encoding="utf-8"))


def waves(values=(24.0, 21.0, 20.0, 17.0), errors=(1.2, 1.1, 1.0, 0.9), first=2013, step=2, **columns) -> pd.DataFrame:
    times = [str(first + step * i) for i in range(len(values))]
    return pd.DataFrame({"time_period": times, "value": values, "std_error": errors, "unit": "%", **columns})


def panel(seed: int = 3, areas: int = 5) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    parts = []
    for a in range(areas):
        n = rng.integers(3, 8)
        value = rng.uniform(5, 40) * np.exp(rng.normal(-0.02, 0.03) * np.arange(n) + rng.normal(0, 0.05, n))
        parts.append(waves(value, rng.uniform(0.3, 2, n), 2012, 2, ref_area=f"A{a}"))
    return pd.concat(parts, ignore_index=True)


# Mann–Kendall and Sen


@pytest.mark.parametrize("name", ["maxau", "short", "ties"])
def test_mann_kendall_and_sen_agree_with_r(oracle, name):
    case = oracle["mk"][name]
    frame = pd.DataFrame({"time_period": np.arange(1970, 1970 + len(case["x"])), "value": case["x"]})
    found = trends.mann_kendall(frame, method="normal").iloc[0]
    assert found["s"] == case["S"]
    # R's mk.test gives z by the continuity correction
    assert found[["variance", "tau", "z", "p_value"]].astype(float).to_numpy() == pytest.approx(
        [case["varS"], case["tau"], case["z"], case["p"]], rel=TIGHT
    )
    sen = trends.sen_slope(frame, draws=10).table.iloc[0]
    assert [sen["value"], sen["lower"], sen["upper"]] == pytest.approx([case["sen"], *case["sen_ci"]], rel=TIGHT)
    assert np.isnan(sen["std_error"])


@pytest.mark.parametrize("y", [[1, 3, 2, 4, 5], [2, 2, 1, 3, 3, 3], [5, 4, 4, 2, 2, 1, 1]])
def test_exact_p_is_the_share_of_all_orders(y):
    observed = abs(monotone.kendall_score(np.array(y)))
    orders = np.array(list(itertools.permutations(y)))
    assert monotone.exact_p(np.array(y)) == pytest.approx((np.abs(monotone.kendall_score(orders)) >= observed).mean())


def test_exact_p_without_ties_is_that_of_scipy():
    y = np.random.default_rng(5).normal(size=18) + 0.05 * np.arange(18)
    expected = stats.kendalltau(np.arange(18), y, method="exact").pvalue
    assert monotone.exact_p(y) == pytest.approx(expected, rel=1e-12)


def test_tau_is_tau_b():
    y = [40, 40, 41, 38, 38, 38, 37, 36]
    frame = pd.DataFrame({"time_period": np.arange(2000, 2008), "value": y})
    assert trends.mann_kendall(frame)["tau"][0] == pytest.approx(stats.kendalltau(np.arange(8), y).statistic)


def test_constant_and_short_series_have_their_answers():
    same = pd.DataFrame({"time_period": np.arange(2000, 2006), "value": 3.0})
    for method in ("exact", "normal", "hamed_rao", "tfpw"):
        row = trends.mann_kendall(same, method=method).iloc[0]
        assert (row["s"], row["p_value"], row["tau"]) == (0, 1.0, 0.0)
    assert np.isnan(trends.mann_kendall(same.head(2))["p_value"][0])
    assert np.isnan(trends.mann_kendall(same, method="sampling")["p_value"][0])


def test_corrections_for_autocorrelation_by_hand():
    y = np.array([3.0, 4.5, 4.0, 6.0, 7.5, 7.0, 6.5, 9.0, 9.5, 8.0])
    t = np.arange(10.0)
    frame = pd.DataFrame({"time_period": 2000 + np.arange(10), "value": y})
    line = np.median([(y[j] - y[i]) / (j - i) for i in range(10) for j in range(i + 1, 10)])
    rest = y - line * t

    def acf(z, k):
        z = z - z.mean()
        return sum(z[i] * z[i + k] for i in range(10 - k)) / sum(z * z)

    ranks = stats.rankdata(rest)
    r = {k: acf(ranks, k) for k in range(1, 9)}
    kept = {k: v for k, v in r.items() if abs(v) > 1.959963984540054 / np.sqrt(10)}
    factor = 1 + 2 / (10 * 9 * 8) * sum((10 - k) * (9 - k) * (8 - k) * v for k, v in kept.items())
    plain = trends.mann_kendall(frame, method="normal")["variance"][0]
    found = trends.mann_kendall(frame, method="hamed_rao")["variance"][0]
    assert found == pytest.approx(plain * factor, rel=TIGHT)
    white = rest[1:] - acf(rest, 1) * rest[:-1] + line * t[1:]
    again = trends.mann_kendall(pd.DataFrame({"time_period": 2001 + np.arange(9), "value": white}), method="normal")
    found = trends.mann_kendall(frame, method="tfpw")
    assert (
        found[["s", "variance", "p_value"]].to_numpy().tolist()
        == again[["s", "variance", "p_value"]].to_numpy().tolist()
    )


def test_sampling_test_knows_that_one_wave_is_poor():
    # the fall comes with the wave that has an error of 20: no evidence
    frame = waves([20.0, 20.1, 20.2, 4.0], [0.1, 0.1, 0.1, 20.0])
    assert trends.mann_kendall(frame, method="sampling")["p_value"][0] > 0.2
    clear = waves([20.0, 18.0, 16.0, 14.0, 12.0, 10.0], [0.1] * 6)
    found = trends.mann_kendall(clear, method="sampling", draws=2000)["p_value"][0]
    assert found == pytest.approx(2 / 720, abs=4 * np.sqrt(2 / 720 / 2000))


def test_sens_error_is_that_of_the_slope_of_draws():
    # two points: Sen's slope is the difference over the years between
    found = trends.sen_slope(waves([20.0, 16.0], [1.0, 1.5]), draws=40_000).table.iloc[0]
    assert found["value"] == -2.0
    assert found["std_error"] == pytest.approx(np.sqrt(1 + 2.25) / 2, rel=0.02)


# slopes


def test_slope_without_scatter_is_weighted_least_squares():
    frame = waves()
    x = sm.add_constant(frame["time_period"].astype(float))
    model = sm.WLS(frame["value"], x, weights=1 / frame["std_error"] ** 2).fit(cov_type="fixed scale")
    found = trends.slope(frame, scatter="none").table.iloc[0]
    assert found["value"] == pytest.approx(model.params.iloc[1], rel=TIGHT)
    assert found["std_error"] == pytest.approx(model.bse.iloc[1], rel=TIGHT)


def test_slope_uses_the_covariance_of_overlapping_samples():
    rng = np.random.default_rng(2)
    root = rng.normal(size=(4, 4))
    v = root @ root.T + np.eye(4)
    frame = waves()
    x = np.column_stack([np.ones(4), frame["time_period"].astype(float) - 2016])
    model = sm.GLS(frame["value"].to_numpy(), x, sigma=v).fit(cov_type="fixed scale")
    found = trends.slope(published(frame, covariance=v), scatter="none").table.iloc[0]
    assert found["value"] == pytest.approx(model.params[1], rel=TIGHT)
    assert found["std_error"] == pytest.approx(model.bse[1], rel=TIGHT)


def test_slope_without_errors_is_ordinary_least_squares():
    frame = waves().drop(columns="std_error")
    expected = stats.linregress(frame["time_period"].astype(float), frame["value"])
    found = trends.slope(frame).table.iloc[0]
    assert (found["value"], found["std_error"]) == pytest.approx((expected.slope, expected.stderr), rel=TIGHT)
    assert f"p = {expected.pvalue:.3g}" in found["quality"]
    assert found["df"] == 2
    two = trends.slope(frame.head(2)).table.iloc[0]
    assert two["value"] == pytest.approx(-1.5, rel=TIGHT)
    assert np.isnan(two["std_error"]) and np.isnan(two["lower"])


def test_change_between_overlapping_waves_is_that_of_survey(oracle, data_folder):
    """Two waves with common sampling units, from the microdata: R's svycontrast."""
    frame = pd.read_csv(data_folder / "oracles/indirect_admin/f6_waves.csv")
    design = survey.Design(
        frame.assign(psu=frame["psu"].astype(str)), weight="w", stratum="stratum", psu="psu", nest=True
    )
    both = survey.proportion(design, "bribe", by="wave")
    table = both.table.assign(time_period=both.table["wave"].map({"1": "2019", "2": "2020"})).drop(columns="wave")
    series = Estimates(table, both.scores)
    case = oracle["waves"]
    assert series.covariance().to_numpy() == pytest.approx(np.array(case["V"]), rel=TIGHT)
    assert len(series) == 2
    change = trends.annual_change(series, scale="identity").table.iloc[0]
    assert (change["value"], change["std_error"]) == pytest.approx((case["change"], case["se_change"]), rel=TIGHT)
    assert change["df"] == case["degf"]
    slope = trends.slope(series).table.iloc[0]
    assert (slope["value"], slope["std_error"]) == pytest.approx((case["change"], case["se_change"]), rel=TIGHT)
    ratio = trends.annual_change(series).table.iloc[0]
    growth = np.exp(case["log_ratio"]["est"])
    assert ratio["value"] == pytest.approx(100 * (growth - 1), rel=TIGHT)
    assert ratio["std_error"] == pytest.approx(100 * growth * case["log_ratio"]["se"], rel=TIGHT)


def test_scatter_is_the_peak_of_the_restricted_likelihood():
    rng = np.random.default_rng(8)
    x = np.column_stack([np.ones(9), np.arange(9.0)])
    root = rng.normal(size=(9, 9)) * 0.3
    sigma = root @ root.T
    y = 3 + 0.5 * np.arange(9) + rng.normal(0, 1.5, 9)

    def restricted(tau2):  # the textbook form, from the full matrices
        v = sigma + tau2 * np.eye(9)
        inverse = np.linalg.inv(v)
        beta = np.linalg.solve(x.T @ inverse @ x, x.T @ inverse @ y)
        r = y - x @ beta
        return -0.5 * (np.linalg.slogdet(v)[1] + np.linalg.slogdet(x.T @ inverse @ x)[1] + r @ inverse @ r)

    contrasts = fits.contrasts(x, y, sigma)
    grid = np.array([0.1, 0.5, 1.0, 2.0, 4.0])
    ours, full = fits.log_likelihood(grid, contrasts), np.array([restricted(t) for t in grid])
    assert np.diff(ours) == pytest.approx(np.diff(full), rel=1e-9)
    peak = fits.scatter(contrasts)
    assert peak > 0
    assert restricted(peak) >= max(restricted(peak * 0.999), restricted(peak * 1.001))


def test_scatter_is_zero_where_the_errors_explain_everything():
    found = trends.slope(waves([20.0, 19.0, 18.0, 17.0], [2.0] * 4)).table["quality"][0]
    assert found.endswith("scatter τ = 0")


def test_slopes_of_groups_compare_by_their_covariance():
    v = np.array([[1.0, 0.0, 0.8, 0.0], [0.0, 1.0, 0.0, 0.8], [0.8, 0.0, 1.0, 0.0], [0.0, 0.8, 0.0, 1.0]])
    frame = pd.DataFrame(
        {"time_period": ["2015", "2019"] * 2, "sex": ["F", "F", "M", "M"], "value": [20.0, 16.0, 25.0, 23.0]}
    )
    slopes = trends.slope(published(frame, covariance=v))
    gap = compare(slopes, over="sex").table.iloc[0]
    assert gap["value"] == pytest.approx(0.5)
    # var of (d_M − d_F) / 4 with var d = 2 and cov(d_F, d_M) = 1.6
    assert gap["std_error"] == pytest.approx(np.sqrt(2 + 2 - 3.2) / 4)


def test_scatter_widens_slopes_and_stays_in_the_scores():
    found = trends.slope(waves([24.0, 15.0, 23.0, 14.0, 22.0], [0.5] * 5))
    alone = trends.slope(waves([24.0, 15.0, 23.0, 14.0, 22.0], [0.5] * 5), scatter="none")
    assert found.table["std_error"][0] > 3 * alone.table["std_error"][0]
    assert found.covariance().iloc[0, 0] == pytest.approx(found.table["std_error"][0] ** 2)
    assert "misfit p = 0" in alone.table["quality"][0] or "e-" in alone.table["quality"][0]


def test_projection_on_the_logit_scale_stays_a_share():
    found = trends.project(waves([4.0, 3.0, 2.0, 1.0], [0.5] * 4), 2050, scale="logit").table.iloc[0]
    assert 0 < found["lower"] < found["value"] < found["upper"] < 100
    line = trends.project(waves([4.0, 3.0, 2.0, 1.0], [0.5] * 4), 2021, scatter="none").table.iloc[0]
    assert line["value"] == pytest.approx(0.0, abs=1e-9)
    # variance of a line at 5 years past the mean: σ² (1/4 + 5² / Σ(t − t̄)²)
    assert line["std_error"] == pytest.approx(0.5 * np.sqrt(1 / 4 + 25 / 20), rel=TIGHT)


def test_probability_of_a_target_at_the_projected_value_is_a_half():
    there = trends.project(waves(), 2025, scatter="none")
    target = there.table["value"][0]
    for direction in ("lower", "higher"):
        assert trends.reaches(there, target, direction=direction)[0] == pytest.approx(0.5)
    both = [trends.reaches(there, target + 1, direction=d)[0] for d in ("lower", "higher")]
    assert sum(both) == pytest.approx(1.0)
    assert both[0] > 0.5


def test_values_that_a_scale_does_not_take_give_no_slope_but_a_reason():
    found = trends.slope(waves([5.0, 2.0, 0.0, 1.0]), scale="log").table.iloc[0]
    assert np.isnan(found["value"]) and found["obs_status"] == "O" and "scale" in found["reason"]
    one = trends.slope(waves([5.0], [1.0])).table.iloc[0]
    assert np.isnan(one["value"]) and "too few points" in one["reason"]


# annual rates


def test_annual_rates_by_hand():
    found = trends.annual_change(waves([25.0, 20.0, 16.0], [1.0, 1.0, 0.8]), over="whole").table.iloc[0]
    assert found["value"] == pytest.approx(100 * ((16 / 25) ** (1 / 4) - 1), rel=TIGHT)
    error = np.hypot(1 / 25, 0.8 / 16) / 4
    assert found["lower"] == pytest.approx(100 * np.expm1(np.log(16 / 25) / 4 - 1.959963984540054 * error), rel=TIGHT)


def test_moving_rates_take_the_nearest_earlier_point():
    frame = pd.DataFrame({"time_period": ["2010", "2012", "2013", "2017"], "value": [10.0, 12.0, 13.0, 17.0]})
    found = trends.annual_change(frame, over=4.0, scale="identity").table
    assert found["time_period"].tolist() == ["2010/2012", "2010/2013", "2013/2017"]
    assert found["value"].tolist() == [1.0, 1.0, 1.0]
    assert found["std_error"].isna().all()


def test_a_rate_from_zero_is_undefined():
    found = trends.annual_change(waves([0.0, 2.0, 3.0], [0.1] * 3)).table
    assert np.isnan(found["value"][0]) and found["reason"][0]
    assert found["value"][1] == pytest.approx(100 * (np.sqrt(1.5) - 1))


# splices


def test_splice_carries_the_joint_into_every_point():
    old, new = waves([20.0, 18.0, 17.0], [1.0, 1.1, 0.9], 2013, 3), waves([22.0, 20.0], [1.2, 1.3], 2019, 3)
    found = trends.splice(old, new, at="2019")
    assert found.table["value"].tolist() == pytest.approx([25.0, 23.0, 22.0, 20.0])
    joint = 0.9**2 + 1.2**2
    expected = np.array(
        [
            [1.0 + joint, joint, 1.44, 0],
            [joint, 1.21 + joint, 1.44, 0],
            [1.44, 1.44, 1.44, 0],
            [0, 0, 0, 1.69],
        ]
    )
    assert found.covariance().to_numpy() == pytest.approx(expected)
    # from the last old wave to the joint, in the old method's terms
    change = compare(found, over="time_period", reference="2013").table
    row = change[change["time_period"] == "2019 - 2013"].iloc[0]
    assert (row["value"], row["std_error"]) == pytest.approx((-3.0, np.sqrt(1 + 0.81)))


@pytest.mark.parametrize("scale", ["log", "logit"])
def test_splice_on_a_scale_is_a_ratio(scale):
    old, new = waves([20.0, 17.0], [1.0, 0.9], 2013, 6), waves([22.0, 20.0], [1.2, 1.3], 2019, 3)
    found = trends.splice(old, new, at="2019", scale=scale).table.iloc[0]
    if scale == "log":
        assert found["value"] == pytest.approx(20 * 22 / 17)
        assert found["std_error"] / found["value"] == pytest.approx(
            np.sqrt(0.05**2 + (0.9 / 17) ** 2 + (1.2 / 22) ** 2)
        )
    else:
        odds = 0.2 / 0.8 * (0.22 / 0.78) / (0.17 / 0.83)
        assert found["value"] == pytest.approx(100 * odds / (1 + odds))
    assert found["lower"] < found["value"] < found["upper"] < 100


def test_splice_names_what_it_lacks():
    with pytest.raises(Faults, match="no value for 2019") as error:
        trends.splice(waves([20.0, 18.0], [1, 1], 2013), waves([22.0], [1.0], 2021), at="2019")
    assert len(error.value.faults) == 2


# breaks


def test_level_break_is_the_dummy_of_weighted_least_squares():
    frame = waves([24.0, 22.5, 20.0, 25.0, 23.5, 23.0], [1.0, 1.2, 0.8, 0.9, 1.1, 1.0])
    year = frame["time_period"].astype(float)
    x = np.column_stack([np.ones(6), year - 2018, year >= 2019])
    model = sm.WLS(frame["value"], x, weights=1 / frame["std_error"] ** 2).fit(cov_type="fixed scale")
    found = trends.level_break(frame, "2019", scatter="none").table.iloc[0]
    assert (found["value"], found["std_error"]) == pytest.approx((model.params.iloc[2], model.bse.iloc[2]), rel=TIGHT)
    flat = trends.level_break(frame, "2019", trend=False, scatter="none").table.iloc[0]
    parts = [frame.iloc[:3], frame.iloc[3:]]
    means = [np.average(p["value"], weights=1 / p["std_error"] ** 2) for p in parts]
    assert flat["value"] == pytest.approx(means[1] - means[0])


def test_a_break_outside_the_series_is_not_estimated():
    found = trends.level_break(waves(), "2030").table.iloc[0]
    assert np.isnan(found["value"]) and found["reason"]


def test_tests_of_unknown_breaks_agree_with_r(oracle):
    y = oracle["maxau_Q"]
    found = trends.pettitt(y)
    assert found.statistic == oracle["pettitt"]["U"]
    assert found.p_value == pytest.approx(oracle["pettitt"]["p"], rel=TIGHT)
    assert found.details["after"] == oracle["pettitt"]["at"]
    found = trends.snht(y, draws=200)
    assert found.statistic == pytest.approx(oracle["snh"]["T"], rel=TIGHT)
    assert found.details["after"] == oracle["snh"]["at"]


def test_tests_of_unknown_breaks_want_fifteen_values():
    for test in (trends.pettitt, trends.snht):
        with pytest.raises(Faults, match="15 values or more"):
            test([1.0, 2.0, 3.0])


def test_snht_rejects_at_its_level():
    rng = np.random.default_rng(4)
    p = [trends.snht(rng.normal(size=20), draws=400, seed=i).p_value for i in range(200)]
    assert np.mean(np.array(p) < 0.1) == pytest.approx(0.1, abs=4 * np.sqrt(0.09 / 200))


# properties

FUNCTIONS = {
    "slope": lambda d: trends.slope(d).table,
    "growth": lambda d: trends.slope(d, scale="log").table,
    "project": lambda d: trends.project(d).table,
    "change": lambda d: trends.annual_change(d).table,
    "sen": lambda d: trends.sen_slope(d, draws=200).table,
    "break": lambda d: trends.level_break(d, "2016").table,
}


@pytest.mark.parametrize("name", FUNCTIONS)
@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_order_of_rows_names_and_units_do_not_matter(name, seed):
    frame = panel(seed)
    run = FUNCTIONS[name]
    numbers = ["value", "std_error", "lower", "upper"]
    keys = ["ref_area", "time_period"]
    first = run(frame).sort_values(keys)[numbers].to_numpy(dtype=float)
    turned = run(frame[::-1]).sort_values(keys)[numbers].to_numpy(dtype=float)
    assert turned == pytest.approx(first, rel=1e-7, abs=1e-10, nan_ok=True)
    renamed = frame.assign(ref_area="Z" + frame["ref_area"].str[::-1])
    assert run(renamed)[numbers].to_numpy(dtype=float) == pytest.approx(
        run(frame)[numbers].to_numpy(dtype=float), rel=1e-9, abs=1e-12, nan_ok=True
    )
    scaled = run(frame.assign(value=frame["value"] * 10, std_error=frame["std_error"] * 10))
    factor = 1.0 if name in ("growth", "change") else 10.0
    assert scaled.sort_values(keys)[numbers].to_numpy(dtype=float) == pytest.approx(
        first * factor, rel=1e-5, abs=1e-8, nan_ok=True
    )


def test_periods_become_years():
    assert trends.years(["2019-S1", "2019-S2", "2019-Q3"]).tolist() == [2018.75, 2019.25, 2019.125]
    assert trends.years(["2019-07-02"])[0] == pytest.approx(2019.0, abs=0.01)
    with pytest.raises(Faults, match="'spring' is not a period") as error:
        trends.years(["2019", "spring", "2019-13", "1/2/3"])
    assert error.value.faults[0].count == 3


def test_two_values_at_one_time_are_refused():
    frame = pd.concat([waves(), waves()])
    with pytest.raises(Faults, match="second value of the same series"):
        trends.slope(frame)


def test_no_rows_give_no_rows():
    empty = waves().iloc[:0]
    for run in FUNCTIONS.values():
        assert len(run(empty)) == 0
    assert len(trends.mann_kendall(empty)) == 0


def test_names_are_checked():
    for call in (
        lambda: trends.slope(waves(), scale="cube"),
        lambda: trends.slope(waves(), scatter="much"),
        lambda: trends.annual_change(waves(), over="often"),
        lambda: trends.annual_change(waves(), scale="logit"),
        lambda: trends.mann_kendall(waves(), method="guess"),
        lambda: trends.reaches(trends.project(waves()), 5, direction="down"),
    ):
        with pytest.raises(Faults):
            call()


# published figures


def test_published_figures_keep_unknown_errors_unknown():
    frame = waves().assign(std_error=[1.0, np.nan, 1.0, 1.0], ref_area="X")
    estimates = published(frame)
    weights = np.array([[1.0, 0, 0, -1], [1.0, -1, 0, 0]])
    found = estimates.combine(weights, estimates.table.iloc[:2].reset_index(drop=True)).table["std_error"]
    assert found[0] == pytest.approx(np.sqrt(2))
    assert np.isnan(found[1])


def test_published_faults_come_together():
    frame = pd.DataFrame({"value": ["a", 2.0], "std_error": [-1.0, 1.0]})
    with pytest.raises(Faults) as error:
        published(frame, covariance=np.eye(3))
    assert len(error.value.faults) == 3
    with pytest.raises(Faults, match="no such column"):
        published(pd.DataFrame({"estimate": [1.0]}))


def test_a_covariance_is_kept_when_rows_are_selected():
    frame = waves([20.0, 16.0], [1.0, 1.0])
    both = published(frame, covariance=np.array([[1.0, 0.6], [0.6, 1.0]]))
    first, last = both.select(time_period="2013"), both.select(time_period="2015").scaled(2.0)
    assert concat([first, last]).covariance().to_numpy() == pytest.approx(np.array([[1.0, 1.2], [1.2, 4.0]]))


def test_nothing_to_compare_is_an_empty_result():
    frame = waves([20.0, 16.0], [1.0, 1.0]).assign(ref_area=["A", "B"])
    assert len(compare(published(frame), over="ref_area")) == 0


def test_draws_combine_as_scores_do():
    rng = np.random.default_rng(1)
    drawn = correlated_normals(np.array([[1.0, 0.5], [0.5, 2.0]]), 50_000, rng) + np.array([20.0, 16.0])
    frame = published(waves([20.0, 16.0], [1.0, 1.4]))
    found = compare(Estimates(frame.table, (), drawn), over="time_period", reference="2013")
    assert found.table["value"][0] == -4.0
    assert found.table["std_error"][0] == pytest.approx(np.sqrt(2), rel=0.02)
    assert found.draws is not None
