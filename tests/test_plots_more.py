"""Trends, dumbbells and commitments: their numbers, what is withheld, their words."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

import uncac_metrics as um
from uncac_metrics.plots import (
    commitment,
    commitment_alt,
    commitment_data,
    commitment_svg,
    dumbbell,
    dumbbell_alt,
    dumbbell_data,
    trend,
    trend_alt,
    trend_data,
)

CARD = um.load_catalogue()["BR-01"]


def waves(**columns) -> pd.DataFrame:
    base = {
        "indicator": "BR-01", "time_period": ["2023", "2019", "2021", "2017"], "sex": "_T",
        "value": [6.0, 9.0, 8.0, 11.0], "lower": [5.0, 8.0, 7.0, 9.0], "upper": [7.0, 10.0, 9.0, 13.0],
        "n": 900, "display": "shown", "obs_status": ["A", "A", "B", "A"],
    }  # fmt: skip
    return pd.DataFrame(base | columns)


# trends


def test_a_trend_is_in_order_of_time_and_parted_at_breaks():
    data = trend_data(waves(), CARD, breaks=["2023"])
    assert data["time"].tolist() == [2017.0, 2019.0, 2021.0, 2023.0]
    assert data["value"].tolist() == [11.0, 9.0, 8.0, 6.0]
    assert data["segment"].tolist() == [0, 0, 1, 2]


def test_a_line_of_a_trend_never_crosses_a_break_or_a_withheld_value():
    hidden = waves(display=["shown", "withheld", "shown", "shown"], obs_status="A")
    ax = trend(hidden, indicator=CARD, ax=Figure().subplots())
    (line,) = (one for one in ax.lines if len(one.get_xdata()) == 4)
    np.testing.assert_array_equal(line.get_ydata(), [11.0, math.nan, 8.0, 6.0])
    assert "withheld" in [text.get_text() for text in ax.texts]
    assert [patch.get_hatch() for patch in ax.patches] == ["//////"]
    broken = trend(waves(), indicator=CARD, ax=Figure().subplots())
    assert [len(one.get_xdata()) for one in broken.lines if one.get_marker() == "None"][:2] == [2, 2]
    assert "break in series" in [text.get_text() for text in broken.texts]


def test_a_trend_has_the_year_and_the_target():
    ax = trend(waves(), indicator=CARD, target=4.0, ax=Figure().subplots())
    assert any(list(line.get_xdata()) == [2030, 2030] for line in ax.lines)
    assert any(list(line.get_xdata()) == [2030] and list(line.get_ydata()) == [4.0] for line in ax.lines)
    assert ax.get_ylabel() == "% (lower is better)" and ax.get_ylim()[0] == 0


def test_years_are_not_grouped():
    ax = trend(waves(), indicator=CARD, ax=Figure().subplots(), lang="fr")
    ax.get_figure().draw_without_rendering()
    told = [tick.get_text() for tick in ax.get_xticklabels()]
    assert "2020" in told and all(one.isdigit() and len(one) == 4 for one in told)


def test_a_trend_speaks_of_intervals_only_where_there_are_any():
    bare = trend(waves(lower=np.nan, upper=np.nan), indicator=CARD, source="A", ax=Figure().subplots())
    assert bare.get_xlabel() == "Source: A."
    some = trend(waves(lower=[5.0, np.nan, 7.0, 9.0]), indicator=CARD, source="A", ax=Figure().subplots())
    assert some.get_xlabel() == "Bands: 95 % intervals. Source: A."


def test_revised_values_have_strokes_and_withheld_ones_none():
    triangle = pd.DataFrame(
        {"a": [11.5, 9.0, np.nan], "b": [11.25, 9.5, 8.0], "c": [11.0, 9.0, 8.0]}, index=["2017", "2019", "2021"]
    )
    frame = waves(display=["shown", "shown", "withheld", "shown"])
    data = trend_data(frame, CARD, revised=triangle)
    assert data["earlier"].tolist() == [(11.5, 11.25), (9.5,), (), ()]
    assert trend_data(frame, CARD)["earlier"].tolist() == [()] * 4
    assert "2017 11.0 (9.0 to 13.0), published before as 11.5, 11.2;" in trend_alt(data, CARD)
    ax = trend(frame, indicator=CARD, revised=triangle, ax=Figure().subplots())
    (strokes,) = (line for line in ax.lines if line.get_marker() == "_" and len(line.get_xdata()))
    assert list(zip(strokes.get_xdata(), strokes.get_ydata(), strict=True)) == [
        (2017, 11.5),
        (2017, 11.25),
        (2019, 9.5),
    ]
    assert "Strokes: values published before." in ax.get_xlabel()
    two = pd.concat([waves(sex="F"), waves(sex="M")], ignore_index=True)
    by_sex = trend_data(two, CARD, over="sex", revised={"F": triangle})
    assert by_sex.groupby("code")["earlier"].sum().map(len).to_dict() == {"F": 3, "M": 0}


def test_one_series_a_code_and_the_total_otherwise():
    two = pd.concat([waves(), waves(sex="F", value=[1.0, 2.0, 3.0, 4.0]), waves(sex="M")], ignore_index=True)
    assert trend_data(two)["value"].tolist() == [11.0, 9.0, 8.0, 6.0]
    data = trend_data(two, over="sex")
    assert data["label"].unique().tolist() == ["Female", "Male"] and len(data) == 8
    with pytest.raises(ValueError, match="several rows of one series in 2017"):
        trend_data(pd.concat([waves(), waves()], ignore_index=True))
    many = pd.concat([waves(sex=str(code)) for code in range(6)], ignore_index=True)
    with pytest.raises(ValueError, match="6 series"):
        trend_data(many, over="sex")


def test_words_of_a_trend_keep_what_is_withheld():
    words = trend_alt(trend_data(waves(display=["flagged", "withheld", "shown", "shown"]), CARD), CARD)
    assert "2017 11.0 (9.0 to 13.0); 2019 withheld; after a break 2021 8.0 (7.0 to 9.0)" in words
    assert "2023 6.0 (5.0 to 7.0), flagged as uncertain" in words and "10.0" not in words


# dumbbells


def pairs(**columns) -> pd.DataFrame:
    base = {
        "indicator": ["BR-01", "BR-01", "BR-02", "BR-02", "BR-02"], "sex": ["M", "F", "F", "M", "_T"],
        "value": [20.0, 15.0, 11.0, 16.0, 13.0], "lower": [18.0, 14.0, 10.0, 14.0, 12.0],
        "upper": [22.0, 16.0, 12.0, 17.0, 14.0], "n": [10, 20, 30, 40, 70], "unit": "%", "display": "shown",
    }  # fmt: skip
    return pd.DataFrame(base | columns)


def test_a_dumbbell_has_both_groups_side_by_side():
    data = dumbbell_data(pairs(), codes=("F", "M"), catalogue=um.load_catalogue()).set_index("indicator")
    assert data["value_1"].tolist() == [15.0, 11.0] and data["value_2"].tolist() == [20.0, 16.0]
    assert data["difference"].tolist() == [5.0, 5.0] and data["n_2"].tolist() == [10, 40]
    assert data.loc["BR-01", "label"] == CARD.name and data.attrs["groups"] == ("Female", "Male")


def test_a_dumbbell_draws_its_numbers_and_withholds_what_is_withheld():
    hidden = pairs(display=["withheld", "shown", "shown", "flagged", "shown"])
    data = dumbbell_data(hidden, codes=("F", "M"))
    assert math.isnan(data["value_2"].iloc[0]) and math.isnan(data["difference"].iloc[0])
    ax = dumbbell(hidden, codes=("F", "M"), ax=Figure().subplots())
    drawn = sorted(float(x) for line in ax.lines if line.get_marker() in "os" for x in line.get_xdata())
    assert drawn == [11.0, 15.0, 16.0]
    assert "Male withheld" in [text.get_text() for text in ax.texts]
    assert "Female 15.0 (14.0 to 16.0), Male withheld" in dumbbell_alt(data)


def test_a_dumbbell_needs_two_groups_of_one_unit():
    with pytest.raises(ValueError, match="two codes of sex; there are F"):
        dumbbell_data(pairs()[pairs()["sex"] == "F"])
    with pytest.raises(ValueError, match="several units: %, days"):
        dumbbell_data(pairs(unit=["%", "%", "days", "days", "days"]))
    with pytest.raises(ValueError, match="several rows of M"):
        dumbbell_data(pd.concat([pairs(), pairs()], ignore_index=True))


# commitments


def release(**columns) -> pd.DataFrame:
    base = {
        "indicator": ["BR-01", "BR-01", "BR-01", "BR-14", "HR-04a"], "dataset": ["b", "a", "a", "a", "p"],
        "time_period": ["2023", "2025", "2025", "2025", "2025"], "sex": ["_T", "_T", "F", "_T", "_T"],
        "category": ["_T", "_T", "_T", "cash", "_T"], "value": [30.0, 17.0, 15.0, 95.0, 50.0],
        "lower": [28.0, 16.0, 14.0, 93.0, 49.0], "upper": [32.0, 18.0, 16.0, 97.0, 51.0], "display": "shown",
    }  # fmt: skip
    return pd.DataFrame(base | columns)


def test_a_commitment_takes_the_newest_overall_value_of_each_indicator():
    data = commitment_data(release(), "69").set_index("indicator")
    assert sorted(data.index) == sorted(um.coverage().set_index("paragraph")["indicators"]["69"])
    assert data.loc["BR-01", ["value", "time_period", "dataset"]].tolist() == [17.0, "2025", "a"]
    assert data.loc[["BR-14", "HR-04a"], "display"].tolist() == ["by category", "shown"]
    assert data.loc["GE-01c", "display"] == "no data"
    kinds = data["type"].tolist()
    assert sum(a != b for a, b in pairwise(kinds)) + 1 == len(set(kinds)) > 1  # each kind stands together


def test_a_commitment_takes_tables_that_were_put_together():
    two = [um.estimate("AR-03", "asset_recovery_2025").table, um.estimate("IC-02", "cooperation_requests_2025").table]
    joined = pd.concat([two[0].assign(sex="_T"), two[1].drop(columns="sex", errors="ignore")], ignore_index=True)
    shown = commitment_data(joined, "42").set_index("indicator")
    assert joined["sex"].isna().any() and shown.loc[["AR-03", "IC-02"], "display"].tolist() == ["shown", "shown"]
    assert shown.loc["IC-02", "value"] == two[1]["value"].iloc[0]


def test_a_commitment_withholds_and_says_so_in_picture_and_words():
    hidden = release(display=["shown", "withheld", "shown", "shown", "flagged"])
    data = commitment_data(hidden, "69")
    assert math.isnan(data.set_index("indicator").loc["BR-01", "value"])
    text = commitment_svg(data, "69")
    assert ">withheld<" in text and "17.0" not in text and 'fill="#fff" stroke="#0060a0"' in text
    words = commitment_alt(data, "69")
    assert f"{CARD.name} withheld" in words and "50.0 % (49.0 to 51.0), flagged" in words


def test_only_percentages_stand_on_the_axis_of_a_commitment():
    ax = commitment(release(indicator=["BR-01", "BR-01", "BR-01", "GE-01a", "HR-04a"]), "69", ax=Figure().subplots())
    assert sorted(float(line.get_xdata()[0]) for line in ax.lines if line.get_marker() == "o") == [17.0, 50.0]
    assert commitment_data(release(), "16.5", by="target")["indicator"].tolist().count("BR-01") == 1
    with pytest.raises(KeyError):
        commitment_data(release(), "87")
