"""Progress by published rules: verdicts by hand from the published formulas, probabilities against normal theory.

Monte Carlo comparisons are at four standard errors of 10,000 draws.
"""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from uncac_metrics.model import Faults
from uncac_metrics.stats import Estimates, compare, published, trends
from uncac_metrics.stats.trends.measures import MEASURES, PROJECTIONS


def series(values, times=(2015, 2019, 2023), errors=None, **columns) -> pd.DataFrame:
    frame = pd.DataFrame(
        {"time_period": [str(t) for t in times], "value": np.asarray(values, dtype=float), "unit": "%"}
    )
    return frame.assign(**({} if errors is None else {"std_error": errors}), **columns)


def verdict(frame, **options):
    return trends.progress(frame, direction=options.pop("direction", "lower"), draws=50, **options).table.iloc[0]


def four_errors(p: float, n: int = 10_000) -> float:
    return 4 * np.sqrt(max(p * (1 - p), 1e-4) / n)


# the rules as data


def test_every_preset_is_complete():
    table = trends.presets()
    assert set(table["preset"]) == {
        "unsd_2023", "eurostat_open_sdg", "regional_current_status", "regional_current_status_parity",
        "regional_anticipated_progress", "sdsn", "germany",
    }  # fmt: skip
    for name in table["preset"].unique():
        rule = trends.preset(name)
        assert rule.source
        assert rule.verified == (rule.unverified == "")
        assert rule.projection["kind"] in PROJECTIONS
        for branch in (rule.target, rule.no_target):
            if branch is not None:
                assert branch.measure in MEASURES
                assert len(branch.categories) in (0, len(branch.cuts) + 1)
                assert list(branch.cuts) == sorted(branch.cuts)
                assert len(branch.at_cut) in (0, len(branch.cuts))


def test_unverified_formulas_say_so_in_the_result():
    for name, words in (
        ("sdsn", "unverified: the cut-offs"),
        ("regional_anticipated_progress", "unverified: the weights"),
    ):
        found = trends.progress(series([20, 18, 16]), direction="lower", preset=name, target=5.0, draws=50)
        assert words in found.table["method"][0]
        assert words in found.measures.table["method"][0]
    assert "unverified" not in verdict(series([20, 18, 16]))["method"]


# verdicts by hand


@pytest.mark.parametrize(
    ("last", "category"),
    [
        (20 * 0.98**8 * 0.999, "met or on track"),
        (20 * 0.99**8, "fair progress, acceleration needed"),
        (20 * 0.996**8, "stagnation or regression"),
        (22, "stagnation or regression"),
    ],
)
def test_unsd_without_a_target(last, category):
    found = verdict(series([20, 19, last]))
    assert found["category"] == category
    assert found["value"] == pytest.approx(-((last / 20) ** (1 / 8) - 1), rel=1e-12)
    mirrored = verdict(series([20, 19, 20 * 20 / last]), direction="higher")
    assert (mirrored["value"] > 0) == (found["value"] > 0)


def test_unsd_with_a_target_and_its_exceptions():
    # v2030 = 12 (12/20)^(7/8)
    found = verdict(series([20, 15, 12]), target=6.0)
    assert found["value"] == pytest.approx((20 - 12 * 0.6 ** (7 / 8)) / 14, rel=1e-12)
    assert found["category"] == "fair progress, acceleration needed"
    assert verdict(series([4, 4.5, 4.9]), target=5.0)["category"] == "met or on track"  # met now, though it worsens
    assert verdict(series([2, 1, 0.9]), target=0.0)["category"] == "met or on track"  # within 1 % of a bound
    assert verdict(series([2, 1.9, 1.8]), target=0.0)["category"] != "met or on track"
    # a base beyond the target and a fall behind it since is no progress
    assert verdict(series([4, 6, 8]), target=5.0)["category"] == "stagnation or regression"


def test_the_base_is_the_point_nearest_to_2015():
    found = verdict(series([30, 20, 18], (2010, 2016, 2022)))
    assert found["value"] == pytest.approx(-(0.9 ** (1 / 6) - 1))


@pytest.mark.parametrize(
    ("last", "category"),
    [(9.9, "target achieved"), (14.0, "on track"), (15.8, "progress, acceleration needed"), (19.0, "limited progress"),
     (21.0, "deterioration")],
)  # fmt: skip
def test_eurostat_with_a_target(last, category):
    found = verdict(series([20, 18, last]), preset="eurostat_open_sdg", target=10.0)
    assert found["category"] == category
    if last > 10:
        needed = 0.5 ** (1 / 15) - 1
        ratio = ((last / 20) ** (1 / 8) - 1) / needed
        assert found["value"] == pytest.approx(ratio)
        assert found["score"] == pytest.approx(np.interp(ratio, [-0.6, 0.6, 1.3], [-5, 0, 5]))
    else:
        assert found["score"] == 5.0


def test_eurostat_without_a_target_shrinks_near_limits():
    frame = series([20, 19, 20 * 0.988**8])
    found = verdict(frame, preset="eurostat_open_sdg")
    assert found["category"] == "moderate progress"
    assert found["score"] == pytest.approx(2.5 * (0.012 - 0.005) / 0.01)
    assert verdict(frame, preset="eurostat_open_sdg", limit_factor=0.5)["category"] == "substantial progress"


def test_eurostat_replaces_a_zero_target():
    found = verdict(series([20, 18, 16]), preset="eurostat_open_sdg", target=0.0)
    assert found["value"] == pytest.approx(((16 / 20) ** (1 / 8) - 1) / ((0.001 / 20) ** (1 / 15) - 1))


def test_current_status_of_the_regional_commissions():
    found = verdict(series([20, 18, 14]), preset="regional_current_status", target=8.0)
    assert found["value"] == pytest.approx(5.0)
    assert found["category"] == ""
    worse = verdict(series([20, 22, 26]), preset="regional_current_status", target=8.0)
    assert worse["value"] == pytest.approx(-5.0)
    # parity: from 0.6 past 1 to 1.1, on whichever side
    parity = verdict(series([0.6, 0.9, 1.1]), preset="regional_current_status_parity", target=1.0)
    assert parity["value"] == pytest.approx(10 - 10 * 0.1 / 0.4)
    assert np.isnan(parity["p_target"])


def test_anticipated_progress_is_a_weighted_line():
    times = np.array([2003.0, 2008.0, 2015.0, 2019.0, 2023.0])
    y = np.array([30.0, 26.0, 20.0, 18.0, 15.0])
    weight = times - 2003 + 1
    line = np.polyfit(times, y, 1, w=np.sqrt(weight))
    gap = 100 * (np.polyval(line, 2030) - 8) / 12
    found = verdict(series(y, times.astype(int)), preset="regional_anticipated_progress", target=8.0)
    assert found["value"] == pytest.approx(gap)
    assert found["category"] == "ACCELERATE"
    early = series([90.0, *y], [1990, *times.astype(int)])  # before 2000: out of the line
    assert verdict(early, preset="regional_anticipated_progress", target=8.0)["value"] == pytest.approx(gap)
    assert verdict(series([20, 22, 26]), preset="regional_anticipated_progress", target=8.0)["category"] == "REVERSE"
    done = verdict(series([20, 12, 9]), preset="regional_anticipated_progress", target=8.0)
    assert (done["value"], done["category"]) == (0.0, "MAINTAIN")


@pytest.mark.parametrize(
    ("last", "category"),
    [(14, "on track or maintaining achievement"), (16, "moderately improving"), (19, "stagnating"), (21, "decreasing")],
)
def test_sdsn_arrows(last, category):
    found = verdict(series([20, 18, last]), preset="sdsn", target=10.0)
    assert found["category"] == category
    assert found["value"] == pytest.approx((20 - last) / 8 / (10 / 15))


@pytest.mark.parametrize(
    ("change", "category"),
    [(-1.5, "sun"), (-0.95, "light cloud"), (-0.5, "cloud"), (0.0, "cloud"), (0.1, "thunder")],
)
def test_german_weather(change, category):
    years = np.arange(2016, 2024)
    y = 15 + change * (years - 2023.0)
    found = verdict(series(y, years), preset="germany", target=8.0)
    missing = (15 + 7 * change - 8) / 7
    assert found["value"] == pytest.approx(missing)
    assert found["category"] == category
    # the mean of the last five changes alone counts
    bent = y.copy()
    bent[:2] += 10
    assert verdict(series(bent, years), preset="germany", target=8.0)["value"] == pytest.approx(missing)
    assert "3 points" in verdict(series(y[-3:], years[-3:]), preset="germany", target=8.0)["reason"]


@pytest.mark.parametrize(("share", "category"), [(0.05, "light cloud"), (0.20, "light cloud"), (1.0, "cloud")])
def test_measures_exactly_at_a_cut(share, category):
    branch = trends.preset("germany").target
    assert branch.names[branch.place(np.array(share), np.array(False))] == category


# probabilities


def test_probabilities_are_those_of_normal_theory():
    frame = series([20.0, 18.5, 18.0], errors=[1.0, 1.0, 1.0])
    found = trends.progress(frame, direction="lower")
    centre, error = -np.log(18 / 20) / 8, np.hypot(1 / 20, 1 / 18) / 8
    edges = -np.log1p([-0.02, -0.005])
    on_track = 1 - stats.norm.cdf((edges[0] - centre) / error)
    poor = stats.norm.cdf((edges[1] - centre) / error)
    expected = [poor, 1 - poor - on_track, on_track]
    for p, e, mc in zip(found.probabilities["probability"], expected, found.probabilities["mc_error"], strict=True):
        assert p == pytest.approx(e, abs=four_errors(e))
        assert mc == pytest.approx(np.sqrt(p * (1 - p) / 10_000))
    assert found.probabilities["probability"].sum() == pytest.approx(1.0)
    assert found.probabilities["chosen"].tolist() == [False, True, False]


def test_probability_of_the_target_uses_the_covariance():
    v = np.array([[4.0, 0, 3.0], [0, 1, 0], [3.0, 0, 4.0]])
    frame = series([20.0, 18.0, 16.0])
    grow = 7 / 8  # v2030 = v_t + (v_t − v_b) 7/8
    for covariance in (v, np.diag(np.diag(v))):
        found = trends.progress(published(frame, covariance=covariance), direction="lower", preset="sdsn", target=10.0)
        error = np.sqrt((1 + grow) ** 2 * 4 + grow**2 * 4 - 2 * grow * (1 + grow) * covariance[0, 2])
        expected = stats.norm.cdf((10 - (16 - 4 * grow)) / error)
        assert found.table["p_target"][0] == pytest.approx(expected, abs=four_errors(expected))


def test_estimates_with_draws_have_theirs():
    rng = np.random.default_rng(1)
    table = published(series([20.0, 18.5, 18.0], errors=[1.0, 1.0, 1.0])).table
    own = Estimates(table, (), rng.normal([20.0, 18.5, 18.0], 1.0, (3000, 3)))
    found = trends.progress(own, direction="lower")
    assert found.measures.draws.shape == (3000, 1)
    assert found.table["p_category"][0] == pytest.approx(0.58, abs=four_errors(0.58, 3000))
    rate = -((own.draws[:, 2] / own.draws[:, 0]) ** (1 / 8) - 1)
    assert found.measures.draws[:, 0] == pytest.approx(rate)
    assert trends.sen_slope(own).draws.shape == (3000, 1)


def test_without_errors_there_is_a_verdict_but_no_probability():
    found = trends.progress(series([20.0, 18.5, 18.0]), direction="lower").table.iloc[0]
    assert found["category"] == "fair progress, acceleration needed"
    assert np.isnan(found["p_category"]) and "no probabilities" in found["reason"]
    frame = series([20.0, 18.0, 18.5, 17.0, 16.0], (2015, 2017, 2019, 2021, 2023))
    from_scatter = trends.progress(frame, direction="lower", unknown_errors="scatter").table.iloc[0]
    assert 0 < from_scatter["p_category"] < 1
    log = np.log(frame["value"].to_numpy())
    t = frame["time_period"].astype(float)
    left = log - np.polyval(np.polyfit(t, log, 1), t)
    error = np.sqrt((left**2).sum() / 3) * np.sqrt(2) / 8
    assert from_scatter["upper"] - from_scatter["lower"] == pytest.approx(2 * 1.96 * error, rel=0.1)


def test_measures_of_two_groups_compare():
    frame = pd.concat(
        [series([20, 18, 15], errors=1.0, sex="F"), series([20, 19, 18], errors=1.0, sex="M")], ignore_index=True
    )
    found = trends.progress(frame, direction="lower").measures
    gap = compare(found, over="sex").table.iloc[0]
    assert gap["value"] == pytest.approx(found.table["value"][1] - found.table["value"][0])
    assert gap["std_error"] == pytest.approx(np.hypot(*found.table["std_error"]), rel=0.05)


@settings(max_examples=6, deadline=None)
@given(seed=st.integers(0, 1000))
def test_order_of_rows_names_and_units_do_not_matter(seed):
    rng = np.random.default_rng(seed)
    frame = pd.concat(
        [series(rng.uniform(10, 30, 3), errors=rng.uniform(0.5, 2, 3), ref_area=f"A{i}") for i in range(4)],
        ignore_index=True,
    )
    numbers = ["value", "lower", "upper", "p_category"]

    def run(data, **options):
        found = trends.progress(data, direction="lower", draws=500, **options).table
        return found.sort_values("ref_area")[[*numbers, "category"]].reset_index(drop=True)

    first = run(frame)
    pd.testing.assert_frame_equal(run(frame[::-1]), first, rtol=1e-9)
    renamed = trends.progress(frame.assign(ref_area="Z" + frame["ref_area"]), direction="lower", draws=500).table
    assert renamed["p_category"].tolist() == pytest.approx(
        trends.progress(frame, direction="lower", draws=500).table["p_category"].tolist()
    )
    scaled = frame.assign(value=frame["value"] / 4, std_error=frame["std_error"] / 4)
    pd.testing.assert_frame_equal(run(scaled), first, rtol=1e-9)
    a, b = run(frame, preset="sdsn", target=8.0), run(scaled, preset="sdsn", target=2.0)
    pd.testing.assert_frame_equal(a, b, rtol=1e-9)


# targets and faults


def test_targets_by_area():
    frame = pd.concat([series([20, 18, 16], ref_area="A"), series([20, 18, 16], ref_area="B")], ignore_index=True)
    found = trends.progress(frame, direction="lower", target={"A": 10.0, "B": 17.0}, draws=50).table
    assert found["target"].tolist() == [10.0, 17.0]
    assert found["category"][1] == "met or on track"
    with pytest.raises(Faults, match="none for B"):
        trends.progress(frame, direction="lower", target={"A": 10.0})


def test_rules_that_need_a_target_say_so():
    for name in ("sdsn", "germany", "regional_anticipated_progress", "regional_current_status"):
        with pytest.raises(Faults, match="declare a target"):
            trends.progress(series([20, 18, 16]), direction="lower", preset=name)


def test_faults_of_arguments_come_together():
    with pytest.raises(Faults) as error:
        trends.progress(series([20, 18, 16]), direction="lower", limit_factor=2.0, unknown_errors="guess")
    assert len(error.value.faults) == 2
    with pytest.raises(Faults, match="no preset"):
        trends.progress(series([20, 18, 16]), direction="lower", preset="best")


def test_series_that_a_rule_cannot_judge_have_a_reason():
    assert "1 points" in verdict(series([20.0], (2019,)))["reason"]
    assert "not before 2030" in verdict(series([20.0, 10.0], (2019, 2031)))["reason"]
    assert "undefined" in verdict(series([0.0, 10.0, 12.0]))["reason"]
    zero = verdict(series([10.0, 5.0, 0.0]))
    assert zero["value"] == 1.0 and zero["category"] == "met or on track"


def test_a_rule_of_ones_own():
    own = replace(trends.preset("unsd_2023"), id="own", base=2019)
    assert verdict(series([30, 20, 18]), preset=own)["value"] == pytest.approx(-(0.9 ** (1 / 4) - 1))


def test_no_rows():
    found = trends.progress(series([20, 18, 16]).iloc[:0], direction="lower", draws=50)
    assert len(found.table) == len(found.probabilities) == len(found.measures) == 0


# published data


@pytest.fixture(scope="module")
def cpi(data_folder):
    path = data_folder / "data/cpi/CPI2023_Global_Results__Trends.xlsx"
    if not path.exists():
        pytest.skip("no file of the Corruption Perceptions Index in this folder")
    pytest.importorskip("openpyxl")
    wide = pd.read_excel(path, sheet_name="CPI Timeseries 2012 - 2023", header=3, engine="openpyxl")
    scores = [c for c in wide.columns if str(c).startswith("CPI score") or str(c).startswith("CPI Score")]
    errors = [c for c in wide.columns if "standard error" in str(c).lower()]
    parts = [
        pd.DataFrame({"ref_area": wide["ISO3"], "time_period": str(s)[-4:], "value": wide[s], "std_error": wide[e]})
        for s, e in zip(
            sorted(scores, key=lambda c: str(c)[-4:]), sorted(errors, key=lambda c: str(c)[-4:]), strict=True
        )
    ]
    return pd.concat(parts, ignore_index=True).dropna(subset=["value"])


def test_sdsn_scores_are_the_index_between_its_bounds(data_folder):
    """Published scores of the Sustainable Development Report 2025, indicator sdg16_cpi: whole index points.

    The file has scores of the last year, no arrows: the categories of the trend cannot be compared.
    """
    folder = data_folder / "data/progress"
    if not folder.exists():
        pytest.skip("no scores of the Sustainable Development Report in this folder")
    countries = json.loads((folder / "sdr2025_indicator_scores.json").read_text(encoding="utf-8"))
    book = json.loads((folder / "sdr2025_codebook.json").read_text(encoding="utf-8"))
    [entry] = [b for b in book if b["IndCode"] == "sdg16_cpi"]
    low, optimum = entry["Lower Bound (=0)"], entry["Optimum (= 100)"]
    assert (low, optimum) == (13, 88.6)
    countries = [c for c in countries if not c["iso3"].startswith("_")]  # the others are groups
    scores = np.array([c["indicators"].get("sdg16_cpi") or np.nan for c in countries], dtype=float)
    scores = scores[~np.isnan(scores) & (scores > 0) & (scores < 100)]
    points = low + scores / 100 * (optimum - low)
    assert scores.size > 150
    assert np.abs(points - np.round(points)).max() < 0.5e-3 * (optimum - low) / 100 + 1e-9


def test_arrows_do_not_depend_on_the_normalisation(cpi):
    options = {"direction": "higher", "preset": "sdsn", "draws": 200}
    raw = trends.progress(cpi, target=88.6, **options).table
    score = cpi.assign(value=100 * (cpi["value"] - 13) / 75.6, std_error=cpi["std_error"] / 0.756)
    scaled = trends.progress(score, target=100.0, **options).table
    assert len(raw) > 150
    assert (raw["category"] == scaled["category"]).all()
    assert raw["value"].to_numpy() == pytest.approx(scaled["value"].to_numpy(), rel=1e-9, nan_ok=True)
