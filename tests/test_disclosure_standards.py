"""Presentation standards: every cut of every named standard, and what is said in the row."""

import numpy as np
import pandas as pd
import pytest

from uncac_metrics import disclosure
from uncac_metrics.disclosure.presentation import unit_factor
from uncac_metrics.model import Faults
from uncac_metrics.stats import Estimates, intervals, published, survey
from uncac_metrics.stats.estimates import make_table


def shares(**columns) -> Estimates:
    """Proportions with the columns given; 600 answers, 50 degrees of freedom unless said otherwise."""
    n = len(columns["value"])
    given = {"n": 600, "df": 50, "events": 60, "statistic": "proportion", "conf_level": 0.95} | columns
    return Estimates(make_table({k: np.broadcast_to(v, n) if not isinstance(v, str) else v for k, v in given.items()}))


def verdict(estimates, by) -> list[tuple[str, str]]:
    table = disclosure.present(estimates, by).table
    return list(zip(table["display"], table["reason"], strict=True))


def test_nchs_small_effective_size_is_withheld():
    p = 0.4
    se = np.sqrt(p * (1 - p) / np.array([29.9, 30.1]))
    few, enough = verdict(shares(value=[p, p], std_error=se), "nchs_proportions")
    assert few == ("withheld", "effective sample size below 30")
    # 30 effective answers at 40 % have an interval of about 0.38
    assert enough == ("withheld", "interval of 0.3 or wider")


def test_nchs_effective_size_is_at_most_the_number_of_answers():
    found = verdict(shares(value=[0.01], std_error=[0.0001], n=29, events=1), "nchs_proportions")
    assert found == [("withheld", "effective sample size below 30")]


@pytest.mark.parametrize(
    ("p", "effective", "expected"),
    [
        (0.20, 5000, ("shown", "")),
        (0.004, 2000, ("shown", "")),  # narrow in points though 145 % of the estimate
        (0.03, 200, ("withheld", "interval wider than 130% of the estimate")),
        (0.97, 200, ("flagged", "interval wider than 130% of the complement")),
        (0.50, 45, ("withheld", "interval of 0.3 or wider")),
        (0.50, 46, ("withheld", "interval of 0.3 or wider")),
        (0.50, 60, ("shown", "")),
    ],
)  # fmt: skip
def test_nchs_widths(p, effective, expected):
    se = np.sqrt(p * (1 - p) / effective)
    rows = shares(value=[p], std_error=[se], n=10 * effective, df=1e6)
    lower, upper = intervals.clopper_pearson(np.array([p]), np.array([effective]))
    width = float((upper - lower)[0])
    said = "wider than" in expected[1]
    of = p if "estimate" in expected[1] else 1 - p
    if said:
        assert 0.05 < width < 0.30
        assert width / of > 1.30
    elif expected[1]:
        assert width >= 0.30
    assert verdict(rows, "nchs_proportions") == [expected]


def test_nchs_review():
    found = verdict(
        shares(value=[0.0, 1.0, 0.2], std_error=[0.0, 0.0, 0.002], df=[50, 7, 7], n=[600, 600, 60_000]),
        "nchs_proportions",
    )
    assert found == [
        ("flagged", "0 or 100 %: to be reviewed"),
        ("flagged", "0 or 100 %: to be reviewed; fewer than 8 degrees of freedom"),
        ("flagged", "fewer than 8 degrees of freedom"),
    ]


def test_verdict_does_not_depend_on_the_unit():
    p, se = np.array([0.03, 0.2, 0.97, 0.4]), np.array([0.012, 0.005, 0.012, 0.09])
    plain = disclosure.present(shares(value=p, std_error=se), "nchs_proportions").table
    for unit in ("%", "per 100,000 people"):
        factor = unit_factor(unit)
        scaled = shares(value=p * factor, std_error=se * factor, unit=unit)
        table = disclosure.present(scaled, "nchs_proportions").table
        assert table["display"].tolist() == plain["display"].tolist() == ["withheld", "shown", "flagged", "withheld"]
        assert table["reason"].tolist() == plain["reason"].tolist()


def test_nchs_counts():
    rows = make_table({
        "value": np.array([100.0, 100.0, 100.0, 100.0, 100.0]), "statistic": "total", "conf_level": 0.95,
        "lower": np.array([20.0, 20.1, 90.0, 90.0, 90.0]), "upper": np.array([180.1, 180.0, 110.0, 110.0, 110.0]),
        "std_error": 40.0, "n": np.array([500, 500, 9, 500, 500]), "events": np.array([50, 50, 9, 9, 50]),
        "df": np.array([20, 20, 20, 20, 7.0]),
    })  # fmt: skip
    assert verdict(Estimates(rows), "nchs_counts") == [
        ("withheld", "interval wider than 160% of the estimate"),
        ("shown", ""),
        ("withheld", "fewer than 10 answers; fewer than 10 events"),
        ("withheld", "fewer than 10 events"),
        ("flagged", "fewer than 8 degrees of freedom"),
    ]


@pytest.mark.parametrize(
    ("name", "cv", "grades", "displays"),
    [
        ("statcan_letters", [0.049949, 0.05, 0.0999, 0.1499, 0.2499, 0.25, 0.4999, 0.5],
         "ABBCDEEF", "s s s s s f f w"),
        ("statcan_households", [0.1654, 0.166, 0.333, 0.334], ["acceptable", "E", "E", "F"], "s f f w"),
        ("inegi", [0.1499, 0.15, 0.2999, 0.30], ["high", "moderate", "moderate", "low"], "s s s f"),
    ],
)  # fmt: skip
def test_bands_of_the_coefficient_of_variation(name, cv, grades, displays):
    rows = shares(value=[20.0] * len(cv), std_error=20 * np.array(cv), unit="%")
    table = disclosure.present(rows, name).table
    assert table["quality"].tolist() == list(grades)
    assert [d[0] for d in table["display"]] == displays.split()


def test_an_error_of_zero_is_no_precision_unless_all_were_counted():
    rows = shares(value=[100.0, 100.0], std_error=[0.0, 0.0], interval=np.array(["korn_graubard", "none"], object))
    table = disclosure.present(rows, "statcan_letters").table
    assert table["display"].tolist() == ["flagged", "shown"]
    assert table["quality"].tolist() == ["", "A"]


def test_minimum_and_unknown_number_of_answers():
    rows = shares(value=[20.0] * 3, std_error=[1.0] * 3, n=[4, 5, np.nan])
    assert verdict(rows, "minimum_5") == [
        ("withheld", "fewer than 5 answers"),
        ("shown", ""),
        ("flagged", "not judged: the number of answers is unknown"),
    ]


def test_a_row_never_gets_better_and_standards_add_up():
    rows = shares(value=[20.0, 20.0], std_error=[6.0, 1.0], n=[20, 400], unit="%")
    rows = rows.with_columns(display=["flagged", "withheld"], reason=["told before", "closed"], quality=["p = 0.1", ""])
    table = disclosure.present(rows, ["minimum_30", "inegi", "inegi"]).table
    assert table["display"].tolist() == ["withheld", "withheld"]
    assert table["reason"].tolist() == [
        "told before; fewer than 30 answers; coefficient of variation grade low", "closed",
    ]  # fmt: skip
    assert table["quality"].tolist() == ["p = 0.1; low", "high"]
    assert table["value"].tolist() == [20.0, 20.0]


def test_own_standard_and_other_statistics():
    own = disclosure.Standard("ours", statistics=("total",), n=100)
    assert verdict(shares(value=[0.2], std_error=[0.01], n=50), own) == [("shown", "")]
    total = shares(value=[0.2], std_error=[0.01], n=50, statistic="total")
    assert verdict(total, own) == [("withheld", "fewer than 100 answers")]


def test_a_survey_estimate_is_judged_as_it_comes():
    frame = pd.DataFrame({"w": 1.0, "paid": [1] * 3 + [0] * 97, "sex": ["F", "M"] * 50})
    found = survey.proportion(survey.Design(frame, weight="w"), "paid")
    table = disclosure.present(found, "nchs_proportions").table
    assert table["display"].tolist() == ["withheld"]
    # what the estimator said of itself stays
    assert table["reason"].str.startswith("fewer than").all()
    assert table["reason"].str.endswith("interval wider than 130% of the estimate").all()
    assert table["obs_status"].tolist() == ["U"]


def test_rows_without_a_value_are_not_judged():
    rows = published(pd.DataFrame({"value": [np.nan, 20.0], "std_error": [np.nan, 9.0], "n": [2, 50]}))
    table = disclosure.present(rows, "minimum_5").table
    assert "answers" not in table["reason"].iloc[0]


def test_unknown_standard():
    with pytest.raises(Faults, match="no standard 'nchs'"):
        disclosure.present(shares(value=[0.1], std_error=[0.1]), "nchs")


def test_every_standard_says_where_it_is_from():
    table = disclosure.standards()
    assert (table["source"].str.len() > 10).all()
    assert ((table["unverified"] == "") == table["verified"]).all()
