"""Change, profiles, ranks, sensitivity and stages: their numbers are those of the functions that make them."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

import uncac_metrics as um
from uncac_metrics import plots
from uncac_metrics.robustness import sensitivity as indices
from uncac_metrics.stats import Estimates, counts, scores
from uncac_metrics.stats.estimates import concat, make_table

CATALOGUE = um.load_catalogue()
IDS = ["BR-01", "BR-04", "BR-18"]


@pytest.fixture(scope="module")
def waves() -> tuple[Estimates, Estimates]:
    return um.estimate(IDS, "population_2025"), um.estimate(IDS, "population_2023")


def withheld(estimates: Estimates, place: int) -> Estimates:
    display = ["withheld" if i == place else "shown" for i in range(len(estimates))]
    return estimates.with_columns(display=display)


def drawn(ax, marks: str) -> list[float]:
    return [float(line.get_xdata()[0]) for line in ax.lines if line.get_marker() in marks and len(line.get_xdata())]


# change


def test_a_change_is_that_of_compare(waves):
    data, found = plots.change_data(*waves), um.compare(*waves).table
    assert data["indicator"].tolist() == found["indicator"].tolist() == IDS
    for name, column in (("difference", "value"), ("std_error", "std_error"), ("lower", "lower"), ("upper", "upper")):
        np.testing.assert_array_equal(data[name], found[column])
    for name, wave in (("value_now", waves[0]), ("value_before", waves[1])):
        np.testing.assert_array_equal(data[name], wave.table.set_index("indicator")["value"][IDS])
    p = found["quality"].str.removeprefix("p = ").astype(float)
    assert data["significant"].tolist() == (p < 0.05).tolist()
    assert data["significant"].nunique() == 2 and data.attrs["periods"] == ("2023", "2025")


def test_a_change_draws_its_differences_and_withholds(waves):
    hidden = plots.change_data(waves[0], withheld(waves[1], 1), catalogue=CATALOGUE)
    assert hidden.loc[1, ["difference", "value_now", "value_before", "lower"]].isna().all()
    ax = plots.change(waves[0], withheld(waves[1], 1), catalogue=CATALOGUE, ax=Figure().subplots())
    assert sorted(drawn(ax, "oD")) == sorted(hidden["difference"].dropna())
    assert "withheld" in [text.get_text() for text in ax.texts]
    words = plots.change_alt(hidden, CATALOGUE)
    assert f"{CATALOGUE['BR-04'].name}: withheld" in words and "more than chance explains" in words


def test_a_change_says_what_was_published_first(waves):
    first = waves[1].table.assign(value=waves[1].table["value"] + [0.5, 0, 0])
    data = plots.change_data(*waves, revised=um.revisions(first, waves[1].table))
    assert data["first_published"].tolist()[0] == first["value"].iloc[0] and data["first_published"].isna().sum() == 2
    ax = plots.change(*waves, revised=um.revisions(first, waves[1].table), ax=Figure().subplots())
    assert any(f"(first {first['value'].iloc[0]:.1f})" in text.get_text() for text in ax.texts)


def test_a_change_needs_one_row_a_wave(waves):
    with pytest.raises(ValueError, match="several rows of one indicator"):
        plots.change_data(waves[0], concat([waves[1], um.estimate("BR-01", "population_2025")]))


def test_a_change_of_groups_keeps_them_apart():
    waves = [um.estimate("BR-01", name, by="sex") for name in ("population_2025", "population_2023")]
    data = plots.change_data(*waves)
    assert {"Female", "Male"} <= set(data["label"])
    values = waves[0].table.set_index("sex")["value"]
    assert data.set_index("label").loc["Female", "value_now"] == values["F"]


# profiles


def release(**columns) -> pd.DataFrame:
    base = {
        "indicator": ["PR-01", "BR-01", "BR-21", "BR-05"], "dataset": "d", "time_period": "2025",
        "value": [30.0, 17.0, 23.0, 2.0], "lower": [28.0, 16.0, 20.0, 1.5], "upper": [32.0, 18.0, 26.0, 2.5],
        "display": "shown",
    }  # fmt: skip
    return pd.DataFrame(base | columns)


def test_a_profile_has_each_indicator_in_its_topic_by_kind_of_measure():
    data = plots.profile_data(release())
    assert data["topic"].tolist() == ["bribery", "bribery", "bribery", "procurement"]
    assert data["value"].tolist() == [17.0, 2.0, 23.0, 30.0]
    assert data["type"].tolist() == [CATALOGUE[i].type for i in data["indicator"]]
    kinds = data.loc[data["topic"] == "bribery", "type"].tolist()
    assert kinds == sorted(kinds, key=["experience", "administrative", "perception"].index)
    everything = plots.profile_data(release(), missing=True)
    assert everything["indicator"].is_unique and len(everything) == len(CATALOGUE)
    with pytest.raises(ValueError, match="no topic briberies"):
        plots.profile_data(release(), topics=["briberies"])


def test_a_profile_marks_kinds_of_measure_and_has_no_total():
    hidden = release(display=["shown", "withheld", "flagged", "shown"])
    ax = plots.profile(hidden, ax=Figure().subplots())
    assert sorted(drawn(ax, "os^")) == [23.0, 30.0]  # a mean number of bribes is no percentage
    assert {line.get_marker() for line in ax.lines if list(line.get_xdata()) == [23.0]} == {"^"}
    words = plots.profile_alt(plots.profile_data(hidden))
    assert "withheld" in words and "17.0" not in words and "23.0 % (20.0 to 26.0), flagged" in words


# ranks


def test_ranks_are_those_of_rank_sets_with_their_limits():
    table = make_table({"ref_area": list("ABCDE"), "value": [1.0, 1.2, 5.0, 4.6, 9.0], "std_error": 0.3})
    found = scores.rank_sets(scores.independent(Estimates(table)))
    data = plots.rank_intervals_data(found).set_index("ref_area")
    pd.testing.assert_frame_equal(
        data.loc[list("ABCDE"), ["rank", "lower", "upper"]], found.set_index("ref_area")[["rank", "lower", "upper"]]
    )
    assert data.loc["E", "apart"] == 4 and data.loc["C", "apart"] == 3 and data.index[0] == "E"
    ax = plots.rank_intervals(found, ax=Figure().subplots())
    assert drawn(ax, "o") == [1, 2, 3, 4, 5] and min(ax.get_xticks()) == 1
    assert "E: rank 1 (1 to 1), score 9.0" in plots.rank_intervals_alt(data.reset_index())


def test_a_rank_without_an_interval_is_refused():
    with pytest.raises(ValueError, match="not shown without its interval"):
        plots.rank_intervals_data(pd.DataFrame({"ref_area": ["A"], "value": [1.0], "rank": [1]}))
    two = pd.DataFrame({"ref_area": "A", "time_period": ["1", "2"], "value": 1.0, "rank": 1, "lower": 1, "upper": 1})
    with pytest.raises(ValueError, match="several time_periods"):
        plots.rank_intervals_data(two)
    assert len(plots.rank_intervals_data(two, period="2")) == 1


# sensitivity


@pytest.fixture(scope="module")
def sobol() -> pd.DataFrame:
    rng = np.random.default_rng(3)
    rates = {"BR-01": rng.uniform(4, 35, 14), "BR-22": rng.uniform(3, 30, 14)}
    data = pd.DataFrame({"ref_area": list("ABCDEFGHIJKLMN")} | rates)
    choices = {"aggregation": ["arithmetic", "geometric"], "normalise": ["goalposts", "minmax"]}
    return indices("CO-01", data, choices, weight_noise=0.3, n=64)


def test_sensitivity_has_the_indices_of_one_output(sobol):
    rows = sobol[sobol["output"] == "rank shift"].set_index("factor")
    data = plots.sensitivity_data(sobol).set_index("factor")
    for name in ("first", "first_lower", "first_upper", "total", "total_lower", "total_upper"):
        np.testing.assert_array_equal(data[name], rows.loc[data.index, name])
    assert data["total"].is_monotonic_decreasing
    assert data.attrs["together"] == pytest.approx(1 - rows["first"].sum())
    one = plots.sensitivity_data(sobol, output="score", ref_area="C")
    mine = sobol[(sobol["output"] == "score") & (sobol["ref_area"] == "C")]
    assert sorted(one["total"]) == sorted(mine["total"])
    with pytest.raises(ValueError, match="no index of the score Z"):
        plots.sensitivity_data(sobol, output="score", ref_area="Z")


def test_sensitivity_draws_both_indices(sobol):
    data = plots.sensitivity_data(sobol)
    ax = plots.sensitivity(sobol, ax=Figure().subplots())
    assert drawn(ax, "o") == data["first"].tolist() and drawn(ax, "s") == data["total"].tolist()
    assert f"alone {data['first'].iloc[0]:.2f}" in plots.sensitivity_alt(data)


# stages

STAGES = ["reported", "prosecuted", "convicted"]
COHORT = pd.DataFrame({"reported": [1240], "prosecuted": [301], "convicted": [148]})


def test_stages_have_the_cases_and_shares_of_progression():
    found = counts.progression(COHORT, STAGES)
    data = plots.progression_data(found)
    assert data["cases"].tolist() == COHORT.iloc[0].tolist()
    np.testing.assert_array_equal(data["share"][1:], found.table["value"])
    np.testing.assert_array_equal(data[["lower", "upper"]][1:], found.table[["lower", "upper"]])
    ax = plots.progression(found, ax=Figure().subplots())
    assert [patch.get_width() for patch in ax.patches] == [1240, 301, 148]
    with pytest.raises(ValueError, match="of the stage before"):
        plots.progression_data(counts.progression(COHORT, STAGES, of="first"))


def test_a_withheld_stage_has_no_bar_and_no_number():
    found = withheld(counts.progression(COHORT, STAGES), 1)
    data = plots.progression_data(found)
    assert math.isnan(data["cases"].iloc[2]) and data["cases"].iloc[1] == 301
    ax = plots.progression(found, ax=Figure().subplots())
    assert [patch.get_hatch() for patch in ax.patches].count("//////") == 1
    assert "148" not in " ".join(text.get_text() for text in ax.texts) + plots.progression_alt(data)


# sizes


@pytest.mark.parametrize("width", [85, 170])
def test_figures_have_the_width_of_a_column(width, waves):
    import matplotlib.pyplot as plt

    ax = plots.change(*waves, catalogue=CATALOGUE, width=width)
    figure = ax.get_figure()
    figure.draw_without_rendering()
    assert figure.get_figwidth() * 25.4 == pytest.approx(width)
    sizes = [text.get_fontsize() for text in ax.texts]
    assert min(sizes) >= 6.5
    box = figure.get_tightbbox()
    assert box.x0 > -0.02 and box.x1 < figure.get_figwidth() + 0.02
    plt.close(figure)
