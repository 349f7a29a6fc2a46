"""Interval plots: their numbers, how withheld and flagged values look, their words, and their bytes."""

from __future__ import annotations

import re
import textwrap
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

import uncac_metrics as um
from uncac_metrics.plots import alt_text, interval, interval_data, interval_svg, svg


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
    ax = interval(frame(), indicator=card, ax=Figure().subplots(), source="A survey")
    words = textwrap.fill(card.name, 44)
    assert ax.get_title(loc="left") == words
    assert ax.get_xlabel().split("\n") == ["% (lower is better)", "Lines: 95 % intervals. Source: A survey."]
    assert ax.get_xlim()[0] == 0
    drawn = interval_svg(frame(), indicator=card, source="A survey")
    for words in ("% (lower is better)", "Lines: 95 % intervals. Source: A survey.", card.name[:40]):
        assert words in drawn


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
    for draw in (
        lambda: interval_svg(frame(), indicator=card),
        lambda: svg(interval(frame(), indicator=card, ax=Figure().subplots()), alt="x"),
    ):
        first, second = draw(), draw()
        assert first == second and first.startswith("<svg") and first.endswith("</svg>\n")
        assert not re.search(r"20\d\d-\d\d-\d\d", first)


def shapes(text: str, name: str) -> list[dict[str, str]]:
    root = ElementTree.fromstring(text)
    return [one.attrib for one in root.iter(f"{{http://www.w3.org/2000/svg}}{name}")]


def test_svg_puts_marks_where_the_numbers_are():
    text = interval_svg(frame(upper=[18.0, 19.5, np.inf]))
    texts = ElementTree.fromstring(text).iter("{http://www.w3.org/2000/svg}text")
    x = {t.text: float(t.attrib["x"]) for t in texts}
    a_unit = (x["20"] - x["0"]) / 20
    marks = sorted(float(c["cx"]) for c in shapes(text, "circle"))
    assert marks == pytest.approx([x["0"] + 16 * a_unit, x["0"] + 20 * a_unit], abs=0.2)
    ends = [re.fullmatch(r"M([\d.]+) [\d.]+H([\d.]+)", p["d"]) for p in shapes(text, "path")]
    spans = [tuple(map(float, m.groups())) for m in ends if m][1:]  # the first is the axis
    assert spans[0] == pytest.approx((x["0"] + 16.5 * a_unit, x["0"] + 19.5 * a_unit), abs=0.2)
    assert max(end for _, end in spans) < float(ElementTree.fromstring(text).attrib["width"][:-2])


def test_svg_shows_a_withheld_value_as_withheld_and_a_flagged_one_hollow():
    text = interval_svg(frame(**WITHHELD))
    assert ">withheld<" in text and "16.0" not in ElementTree.fromstring(text).attrib["aria-label"]
    (circle,) = shapes(text, "circle")
    assert circle["fill"] == "#fff"


def test_svg_escapes_what_labels_hold():
    text = interval_svg(frame(sex=["a<b", "_T", "c&d"]))
    assert ">A&lt;b<" in text and ">C&amp;d<" in text


def test_infinite_and_missing_limits_do_not_break_the_scale():
    ax = interval(frame(upper=[np.inf, 19.5, np.nan]), ax=Figure().subplots())
    assert np.isfinite(ax.get_xlim()).all()
