"""Interval plots: their numbers, how withheld and flagged values look, their words, and their bytes."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

import uncac_metrics as um
from uncac_metrics.plots import alt_text, interval, interval_data, interval_figure, svg


def frame(**columns) -> pd.DataFrame:
    base = {
        "indicator": "BR-01", "dataset": "d", "statistic": "proportion", "ref_area": "XXA", "time_period": "2025",
        "sex": ["F", "_T", "M"], "value": [16.0, 18.0, 20.0], "std_error": 1.0, "lower": [14.0, 16.5, 18.0],
        "upper": [18.0, 19.5, 22.0], "conf_level": 0.95, "n": [390, 720, 330], "display": "shown", "reason": "",
    }  # fmt: skip
    return pd.DataFrame(base | columns)


WITHHELD = {"display": ["withheld", "shown", "flagged"], "reason": ["too few", "", "uncertain"]}


def test_numbers_are_those_of_the_estimates_total_first():
    data = interval_data(frame())
    assert data["label"].tolist() == ["Total", "Female", "Male"]
    assert data["value"].tolist() == [18.0, 16.0, 20.0]
    assert data[["lower", "upper"]].to_numpy().tolist() == [[16.5, 19.5], [14.0, 18.0], [18.0, 22.0]]
    real = um.estimate("BR-01", "population_2025", by="sex")
    same = interval_data(real)
    np.testing.assert_array_equal(same["value"], real.table["value"].loc[same.index])


def test_a_withheld_value_is_missing_and_never_zero():
    data = interval_data(frame(**WITHHELD)).set_index("code")
    assert data.loc["F", ["value", "lower", "upper", "n"]].isna().all()
    ax = interval(frame(**WITHHELD), ax=Figure().subplots())
    assert "withheld" in [text.get_text() for text in ax.texts]
    assert [patch.get_hatch() for patch in ax.patches] == ["//////"]
    drawn = [
        x
        for line in ax.lines
        for x in np.atleast_1d(line.get_xdata())
        if len(line.get_xdata()) < 2 or line.get_marker() != "None"
    ]
    assert 0.0 not in drawn and 16.0 not in drawn


def test_a_flagged_value_is_hollow():
    ax = interval(frame(**WITHHELD), ax=Figure().subplots())
    faces = {float(line.get_xdata()[0]): line.get_markerfacecolor() for line in ax.lines if line.get_marker() == "o"}
    assert faces == {20.0: "white"}


def test_title_unit_and_direction_come_from_the_card():
    card = um.load_catalogue()["BR-01"]
    figure = interval_figure(frame(), indicator=card, source="A survey")
    assert figure.get_suptitle() == card.name
    assert figure.axes[0].get_xlabel() == "% (lower is better)"
    assert figure.axes[0].get_xlim()[0] == 0
    assert "Source: A survey." in figure.get_supxlabel()


def test_alternative_text_says_the_numbers():
    card = um.load_catalogue()["BR-01"]
    text = alt_text(interval_data(frame(**WITHHELD)), card)
    assert "Total 18.0 (95 % interval 16.5 to 19.5; n 720)" in text
    assert "Female withheld" in text and "Male 20.0" in text and "flagged" in text
    assert "14.0" not in text


def test_several_indicators_need_a_name():
    two = pd.concat([frame(), frame(indicator="BR-02")], ignore_index=True)
    with pytest.raises(ValueError, match="BR-01, BR-02"):
        interval_data(two)
    assert len(interval_data(two, "BR-02")) == 3
    with pytest.raises(ValueError, match="no row of BR-09"):
        interval_data(two, "BR-09")


def test_svg_bytes_are_the_same_each_time_and_hold_no_date():
    card = um.load_catalogue()["BR-01"]
    first, second = (svg(interval_figure(frame(), indicator=card)) for _ in range(2))
    assert first == second
    assert not re.search(r"20\d\d-\d\d-\d\d", first if isinstance(first, str) else first.decode())


def test_infinite_and_missing_limits_do_not_break_the_scale():
    ax = interval(frame(upper=[np.inf, 19.5, np.nan]), ax=Figure().subplots())
    assert np.isfinite(ax.get_xlim()).all()
