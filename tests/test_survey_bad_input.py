"""Twenty-five inputs that go wrong elsewhere: each gives a fault that says what to do, or a documented answer."""

import re

import numpy as np
import pandas as pd
import pytest

from uncac_metrics.model import Faults
from uncac_metrics.stats import survey


def frame(**columns):
    base = {
        "w": 2.0, "h": list("aaaabbbb"), "psu": [1, 1, 2, 2, 3, 3, 4, 4], "N": 40.0, "sex": list("FMFMFMFM"),
        "contact": [1, 1, 1, 0, 1, 1, 1, 1], "paid": [0, 1, 0, 0, 1, 0, 0, 0],
        "age": [20.0, 30, 40, 50, 60, 70, 80, 90],
    }  # fmt: skip
    return pd.DataFrame(base | columns, index=range(8))


def design(data=None, **arguments):
    return survey.Design(
        frame() if data is None else data, **({"weight": "w", "stratum": "h", "psu": "psu"} | arguments)
    )


REFUSED = {
    "a negative weight": (lambda: design(frame(w=[2.0, -1, *[2] * 6])), r"weight 'w': negative weights.*row: 2"),
    "weights that are all zero": (lambda: design(frame(w=0.0)), "all weights are zero.*name the weight column"),
    "a missing weight": (lambda: design(frame(w=[np.nan, *[2.0] * 7])), r"weight 'w': missing values.*row: 1"),
    "an infinite weight": (lambda: design(frame(w=[np.inf, *[2.0] * 7])), r"weight 'w': infinite values.*row: 1"),
    "a weight of text": (lambda: design(frame(w="2")), "weight 'w': not numeric.*convert"),
    "a missing PSU": (lambda: design(frame(psu=[None, 1, 2, 2, 3, 3, 4, 4])), "psu 'psu': missing values.*row: 1"),
    "a missing stratum": (lambda: design(frame(h=[None, *"aaabbbb"])), "stratum 'h': missing values.*row: 1"),
    "PSU ids that are used again": (lambda: design(frame(psu=[1, 1, 2, 2, 1, 1, 2, 2])), "several strata.*nest=True"),
    "a stratum of one PSU": (lambda: design(frame(psu=[1, 1, 1, 1, 3, 3, 4, 4])), "one PSU: a.*singleton="),
    "a population smaller than the sample": (
        lambda: design(frame(N=1.5), fpc="N"),
        "fpc 'N': smaller than the number of sampled units",
    ),
    "a misspelt variable": (lambda: survey.mean(design(), "agee"), "no column 'agee'.*did you mean 'age'"),
    "text in a mean": (lambda: survey.mean(design(), "sex"), "not numbers.*proportion"),
    "payers without contact": (
        lambda: survey.ratio(design(frame(paid=[0, 1, 0, 1, 1, 0, 0, 0])), "paid", "contact"),
        r"outside the denominator \(1 row: 4\).*within=False",
    ),
    "a total with missing answers": (
        lambda: survey.total(design(frame(age=[np.nan, *range(7)])), "age"),
        r"missing answers.*row: 1.*",
    ),
    "ten rows of replicate weights for eight": (
        lambda: survey.replicate_design(frame(), weight="w", replicates=np.ones((10, 4)), kind="JK1"),
        "10 rows for 8 rows of data",
    ),
    "replicates that are factors, called weights": (
        lambda: survey.replicate_design(frame(w=50.0), weight="w", replicates=np.eye(8) * 8, kind="JK1"),
        "combined=False",
    ),
    "a variable of another length": (lambda: survey.mean(design(), np.ones(3)), "3 values for 8 rows"),
    "an infinite value": (lambda: survey.mean(design(), np.r_[np.inf, np.ones(7)]), "infinite values.*row: 1"),
    "a level in per cent": (lambda: survey.mean(design(), "age", level=95), "95 is no confidence level.*0.95"),
    "an unknown interval": (lambda: survey.ratio(design(), "paid", "contact", interval="exact"), "one of.*wilson"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_refused_with_a_remedy(name):
    attempt, message = REFUSED[name]
    with pytest.raises(Faults) as error:
        attempt()
    assert re.search(message, str(error.value), flags=re.DOTALL), str(error.value)
    assert all(fault.remedy or fault.count for fault in error.value.faults)


def test_missing_answers_are_not_no():
    row = survey.proportion(design(), pd.Series([1, 0, None, None, 1, 0, 0, 0], name="paid")).table.iloc[0]
    assert (row["n"], row["n_eligible"]) == (6, 8)
    assert row["value"] == pytest.approx(2 / 6)


def test_an_empty_domain_has_no_value_and_no_zero():
    data = frame(sex=pd.Categorical(list("FMFMFMFM"), categories=["F", "M", "X"]))
    row = survey.mean(design(data), "age", by="sex").table.iloc[2]
    assert np.isnan(row["value"]) and np.isnan(row["std_error"]) and row["n"] == 0
    assert (row["display"], row["obs_status"], row["reason"]) == ("withheld", "O", "no observation")


def test_a_denominator_of_nobody_has_no_value():
    row = survey.ratio(design(frame(contact=0, paid=0)), "paid", "contact").table.iloc[0]
    assert np.isnan(row["value"]) and (row["n"], row["display"]) == (0, "withheld")


def test_no_event_is_not_certainty():
    row = survey.ratio(design(frame(paid=0)), "paid", "contact").table.iloc[0]
    assert row["value"] == 0 and row["lower"] == 0
    assert 0.2 < row["upper"] < 1 and row["display"] == "flagged"


def test_one_row_a_stratum_has_no_precision():
    row = survey.proportion(design(frame(h="a", psu=1), singleton="certainty"), "paid").table.iloc[0]
    assert (row["lower"], row["upper"]) == (0, 1) and "no degrees of freedom" in row["reason"]
