"""Decomposition, funnel, flow, Lorenz curve, flags and digits: their numbers are those of the functions below them."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure

import uncac_metrics as um
from uncac_metrics import plots
from uncac_metrics.model import Faults
from uncac_metrics.stats import counts, survey

# decomposition


def composite(first, second, **options):
    areas = [f"A{i}" for i in range(len(first))]
    return um.compose("CO-01", pd.DataFrame({"ref_area": areas, "BR-01": first, "BR-22": second}), **options)


def test_contributions_to_a_shortfall_add_up_and_are_worked_out_by_hand():
    data = plots.decomposition_data(composite([10.0, 30.0], [20.0, 5.0]), of="shortfall")
    # scores are 80 and 60 of 100, and their geometric mean 69.28
    score = math.sqrt(80 * 60)
    mean = (100 - score) / math.log(100 / score)
    expected = [mean * 0.5 * math.log(100 / 80), mean * 0.5 * math.log(100 / 60)]
    assert data["contribution"].tolist()[:2] == pytest.approx(expected)
    assert data["total"].iloc[0] == pytest.approx(100 - score)


@settings(max_examples=15, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 50), st.floats(0, 50)), min_size=2, max_size=5))
def test_contributions_always_add_up(rates):
    first, second = zip(*rates, strict=True)
    data = plots.decomposition_data(composite(first, second), of="shortfall")
    sums = data.groupby("ref_area")["contribution"].sum()
    np.testing.assert_allclose(sums, data.groupby("ref_area")["total"].first(), rtol=1e-6, atol=1e-7)
    assert (data["contribution"] > -1e-9).all()


def test_an_arithmetic_node_is_the_sum_of_its_weighted_parts():
    rng = np.random.default_rng(1)
    data = pd.DataFrame(
        {"ref_area": list("ABC"), "life_expectancy": rng.uniform(50, 80, 3), "expected_schooling": [9.0, 12.0, 15.0],
         "mean_schooling": [5.0, 8.0, 12.0], "income": [3000.0, 9000.0, 30000.0]}
    )  # fmt: skip
    made = um.compose("HDI-01", data)
    parts = plots.decomposition_data(made, node="education")
    np.testing.assert_allclose(parts["contribution"], 0.5 * parts["score"])
    education = made.node("education").table["value"]
    np.testing.assert_allclose(parts.groupby("ref_area")["contribution"].sum(), education)
    whole = plots.decomposition_data(made, of="shortfall", best=1.0)
    assert whole["part"].unique().tolist() == ["life_expectancy", "education", "income"]
    np.testing.assert_allclose(whole.groupby("ref_area")["contribution"].sum(), 1 - made.node().table["value"])
    with pytest.raises(Faults, match="geometric aggregation is not a sum"):
        plots.decomposition_data(made)


def test_a_decomposition_draws_its_parts_and_the_interval_of_the_total():
    se = pd.DataFrame({"BR-01": [1.0, 2.0], "BR-22": [1.0, 1.0]})
    made = composite([10.0, 30.0], [20.0, 5.0], std_error=se, n=500)
    data = plots.decomposition_data(made, of="shortfall")
    table = made.node().table
    np.testing.assert_allclose(data["lower"][::2], 100 - table["upper"])
    ax = plots.decomposition(made, of="shortfall", ax=Figure().subplots())
    widths = [patch.get_width() for patch in ax.patches]
    assert sorted(widths) == pytest.approx(sorted(data["contribution"]))
    assert len({patch.get_hatch() for patch in ax.patches}) == 2
    assert f"A0 {100 - table['value'].iloc[0]:.1f}" in plots.decomposition_alt(data)


# funnel


@pytest.fixture(scope="module")
def buyers() -> pd.DataFrame:
    return pd.DataFrame({"buyer": list("ABCDE"), "single": [4, 30, 12, 90, 0], "awarded": [40, 100, 90, 250, 0]})


def test_a_funnel_has_the_units_and_limits_of_counts(buyers):
    found = counts.funnel(buyers, "buyer", "single", "awarded")
    data = plots.funnel_data(found, unit="buyer", names={"A": "Ministry"})
    assert data["label"].tolist() == ["Ministry", "C", "B", "D"]
    same = found.set_index("buyer").loc[data["unit"]]
    for name in ("value", "lower_95", "upper_99_8", "position"):
        assert data[name].tolist() == same[name].tolist()
    ax = plots.funnel(found, unit="buyer", ax=Figure().subplots())
    curves = {line.get_label(): line for line in ax.lines if len(line.get_xdata()) == 300}
    lower, _ = counts.funnel_limits(curves["95 % limits"].get_xdata(), same["baseline"].iloc[0])
    np.testing.assert_allclose(curves["95 % limits"].get_ydata(), 100 * lower)
    assert [text.get_text() for text in ax.texts] == ["C"]
    assert "1 below. Below: C 13.3 (n 90)." in plots.funnel_alt(plots.funnel_data(found, unit="buyer"))


# recovery

STAYS = pd.DataFrame(
    {"asset": [1, 1, 2, 3, 4, 4], "case": [1, 1, 1, 2, 3, 3],
     "state": ["frozen", "confiscated", "frozen", "frozen", "frozen", "confiscated"],
     "moved_to": ["confiscated", "returned", "released", None, "confiscated", None],
     "usd": [50.0, 50.0, 30.0, 20.0, 10.0, 10.0]}
)  # fmt: skip
HOW = {"unit": "asset", "origin": "state", "destination": "moved_to", "amount": "usd"}


def test_amounts_flow_on_or_stay_and_none_is_lost():
    data = plots.recovery_flow_data(STAYS, **HOW)
    found = data.set_index(["origin", "destination"])
    assert found["amount"].to_dict() == {
        ("frozen", "confiscated"): 60.0, ("frozen", "released"): 30.0, ("frozen", ""): 20.0,
        ("confiscated", "returned"): 50.0, ("confiscated", ""): 10.0,
    }  # fmt: skip
    assert found["open"].tolist() == [False, False, True, False, True]
    assert data.groupby("origin")["share"].sum().tolist() == pytest.approx([1.0, 1.0])
    assert data.attrs["depth"] == {"frozen": 0, "confiscated": 1, "returned": 2, "released": 1}
    clustered = plots.recovery_flow_data(STAYS, **HOW, cluster="case").set_index(["origin", "destination"])
    ratio = counts.amount_ratio(
        STAYS[STAYS["state"] == "frozen"].assign(gone=lambda t: t["usd"].where(t["moved_to"] == "confiscated", 0.0)),
        "gone", "usd", cluster="case",
    ).table.iloc[0]  # fmt: skip
    one = clustered.loc[("frozen", "confiscated")]
    assert (one["share"], one["lower"]) == pytest.approx((ratio["value"], ratio["lower"]))


def test_a_flow_shows_what_is_in_transit():
    ax = plots.recovery_flow(STAYS, **HOW, ax=Figure().subplots())
    assert [patch.get_hatch() for patch in ax.patches].count("//////") == 2
    heights = {patch.get_height() for patch in ax.patches if patch.get_hatch()}
    assert sorted(heights) == pytest.approx([10 / 110, 20 / 110])
    words = plots.recovery_flow_alt(plots.recovery_flow_data(STAYS, **HOW), currency="USD")
    assert "still frozen: 20 USD" in words and "Confiscated to returned: 50 USD" in words


def test_flows_that_cannot_be_drawn_are_refused():
    circle = STAYS.assign(moved_to=["confiscated", "frozen", None, None, None, None])
    with pytest.raises(ValueError, match="round in a circle"):
        plots.recovery_flow_data(circle, **HOW)
    with pytest.raises(ValueError, match="missing or negative"):
        plots.recovery_flow_data(STAYS.assign(usd=np.nan), **HOW)


# Lorenz


@pytest.fixture(scope="module")
def design() -> survey.Design:
    rng = np.random.default_rng(5)
    frame = pd.DataFrame({"w": 1.0, "income": rng.lognormal(3, 1, 400), "sex": rng.choice(["F", "M"], 400)})
    return survey.Design(frame.assign(paid=rng.exponential(5, 400)), weight="w")


def test_a_curve_goes_through_the_points_of_lorenz(design):
    found = survey.lorenz(design, "paid", "income", points=[0.2, 0.5])
    data = plots.lorenz_data(found)
    assert data["share_of_units"].tolist() == [0.0, 0.2, 0.5, 1.0]
    assert data["value"].tolist() == [0.0, *found.table["value"], 1.0]
    assert data["upper"].tolist()[1:3] == found.table["upper"].tolist()
    ax = plots.lorenz(found, ax=Figure().subplots())
    assert any(list(line.get_ydata()) == [100 * v for v in data["value"]] for line in ax.lines)
    assert ax.get_title(loc="left") == "Concentration curve"


def test_curves_by_group_and_withheld_points(design):
    found = survey.lorenz(design, "paid", "income", points=[0.25, 0.5], by="sex")
    data = plots.lorenz_data(found, over="sex")
    assert data["label"].unique().tolist() == ["Female", "Male"] and len(data) == 8
    hidden = found.table.assign(display=["withheld", "shown", "shown", "shown"])
    own = plots.lorenz_data(hidden, over="sex")
    assert own["value"].isna().sum() == 1
    assert "withheld" in plots.lorenz_alt(own)
    ax = plots.lorenz(hidden, over="sex", ax=Figure().subplots())
    assert "withheld" in [text.get_text() for text in ax.texts]


# flags and digits


@pytest.fixture(scope="module")
def flagged() -> pd.DataFrame:
    rng = np.random.default_rng(2)
    first = rng.random(200) < 0.3
    second = np.where(first, rng.random(200) < 0.8, rng.random(200) < 0.1)
    ids = [f"t{i}" for i in range(200)]
    one = pd.DataFrame({"flag": "R018", "level": "process", "id": ids, "value": 1.0, "flagged": first.astype(int)})
    return pd.concat([one, one.assign(flag="R035", flagged=second.astype(int)).iloc[:150]], ignore_index=True)


def test_red_flags_are_those_of_flag_rates(flagged):
    rates = counts.flag_rates(flagged)
    data = plots.red_flags_data(rates)
    table = rates.table.set_index("indicator")
    assert data["label"].tolist() == ["Single bid received", "All except winning bid disqualified"]
    for name in ("value", "lower", "upper", "n", "events"):
        assert data[name].tolist() == table.loc[data["flag"], name].tolist()
    ax = plots.red_flags(rates.with_columns(display=["withheld", "shown"]), ax=Figure().subplots())
    marks = [float(line.get_xdata()[0]) for line in ax.lines if line.get_marker() == "o"]
    assert marks == [100 * data["value"].iloc[1]]
    with pytest.raises(ValueError, match="no rule is of a buyer"):
        plots.red_flags_data(rates, stage="buyer")


def test_flags_together_count_units_that_both_apply_to(flagged):
    data = plots.flags_together_data(flagged).set_index(["flag", "other"])
    first = flagged[flagged["flag"] == "R018"]["flagged"].to_numpy()[:150]
    second = flagged[flagged["flag"] == "R035"]["flagged"].to_numpy()
    one = data.loc[("R018", "R035")]
    assert (one["n"], one["flagged"], one["both"]) == (150, first.sum(), (first * second).sum())
    assert one["share"] == (first * second).sum() / first.sum() and one["expected"] == second.mean()
    assert one["ratio"] == pytest.approx(data.loc[("R035", "R018")]["ratio"])
    ax = plots.flags_together(flagged, ax=Figure().subplots())
    assert f"{100 * one['share']:.0f}*" in [text.get_text() for text in ax.texts]


def test_digits_have_simultaneous_intervals():
    rng = np.random.default_rng(4)
    payments = pd.DataFrame({"amount": 10 ** rng.uniform(0, 5, 500)})
    data = plots.benford_data(payments, "amount")
    single = counts.first_digits(payments, "amount", level=1 - 0.05 / 9).table
    assert data["lower"].tolist() == single["lower"].tolist() and data["value"].sum() == pytest.approx(1)
    np.testing.assert_array_equal(data["law"], counts.benford())
    assert data.attrs["test"]["p_exact"] == counts.first_digit_test(payments, "amount")["p_exact"].iloc[0]
    ax = plots.benford(payments, "amount", ax=Figure().subplots())
    step = next(line for line in ax.lines if line.get_label() == "law")
    assert step.get_ydata()[0] == pytest.approx(100 * math.log10(2))


def test_all_intervals_hold_the_law_together_about_as_often_as_they_say():
    rng = np.random.default_rng(9)
    missed = [
        plots.benford_data(pd.DataFrame({"amount": 10 ** rng.uniform(0, 4, 400)}), "amount", level=0.9)["outside"].any()
        for _ in range(200)
    ]
    assert np.mean(missed) < 0.1 + 3 * math.sqrt(0.09 / 200)


def test_amounts_outside_the_range_are_left_out():
    payments = pd.DataFrame({"amount": [120.0, 180, 150, 410, 700, 20]})
    data = plots.benford_data(payments, "amount", low=100, high=500)
    assert data["n"].iloc[0] == 4 and data["law"].iloc[5:].tolist() == [0.0] * 4
