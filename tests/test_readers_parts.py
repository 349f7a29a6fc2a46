"""JSON files that parse and are not what was expected: every part that is otherwise is a fault with its place."""

import json
from pathlib import Path

import pytest

from uncac_metrics import readers
from uncac_metrics.model import Faults
from uncac_metrics.readers.parts import CELL, MOST, NUMBER, TEXT, demand

RELEASE = {
    "ocid": "ocds-1", "date": "2025-01-01T00:00:00Z", "tag": ["tender"], "buyer": {"id": 7},
    "tender": {"value": {"amount": 10, "currency": "USD"}, "procurementMethod": "open", "numberOfTenderers": 2},
    "awards": [{"id": 1, "suppliers": [{"id": 5}, {"id": "A"}], "value": {"amount": 9, "currency": "USD"}}],
    "contracts": [{"id": 3, "awardID": 1, "dateSigned": "2025-02-01"}],
}  # fmt: skip
ANSWER = {
    "indicator": ["16.5.1"], "series": "IU_COR_BRIB", "geoAreaCode": "4", "geoAreaName": "Afghanistan", "value": "3",
    "timePeriodStart": 2020.0, "attributes": {"Units": "PERCENT"}, "dimensions": {"Sex": "MALE"},
}  # fmt: skip


def told(path: Path, content: object, reader: str) -> str:
    path.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(Faults) as caught:
        readers.read(path, {"reader": reader})
    return str(caught.value)


def test_numbers_as_names_are_read(tmp_path):
    path = tmp_path / "release.json"
    path.write_text(json.dumps(RELEASE), encoding="utf-8")
    (row,) = readers.read(path, {"reader": "ocds"}).to_dict("records")
    assert (row["contract"], row["supplier"], row["buyer"]) == ("ocds-1/3", "5;A", "7")
    assert (row["bids"], row["value"], row["estimate"], row["currency"]) == (2.0, 9.0, 10.0, "USD")


def test_every_misfit_of_a_release_is_told_at_once(tmp_path):
    wrong = RELEASE | {
        "tender": {"value": {"amount": "much"}, "documents": ["notice"], "submissionMethod": "electronic"},
        "awards": [{"id": {"n": 1}}, None, {"status": "active"}],
        "parties": {"id": "s"},
    }
    faults = told(tmp_path / "release.json", wrong, "ocds")
    for part in (
        "tender.value.amount: 'much' is not a number", "tender.documents[0]: 'notice' is no object",
        "tender.submissionMethod: 'electronic' is no list", "awards[0].id: {'n': 1} is not a text or a number",
        "awards[1]: is null", "awards[2].id: is missing", "parties: {'id': 's'} is no list",
    ):  # fmt: skip
        assert part in faults
    assert faults.count("correct item 1 of the file") == 7


@pytest.mark.parametrize(
    ("content", "where"),
    [
        ({"version": "1.1", "releases": None}, "releases: is no list"),
        ({"version": "1.1", "releases": [None]}, "item 1 is no release"),
        ({"version": "1.1", "records": [{"ocid": "x", "releases": 5}]}, "item 1 is no release"),
        ({"version": "1.1", "records": [{"ocid": "x", "compiledRelease": RELEASE, "releases": "y"}]}, "is no list"),
        ({"version": "1.1", "records": [{"ocid": "x", "compiledRelease": RELEASE | {"ocid": 5}}]}, "5 is not a text"),
        ([RELEASE | {"tender": [1]}], "tender: [1] is no object"),
        (RELEASE | {"contracts": [{"id": "c", "value": {"amount": 1e308}}]}, "a number is not a number"),
    ],
)
def test_packages_of_something_else(tmp_path, content, where):
    assert where in told(tmp_path / "package.json", content, "ocds")


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"value": {"low": 1}}, "data[0].value: {'low': 1} is not a text or a number"),
        ({"indicator": 5.5, "geoAreaCode": ["4"]}, "data[0].geoAreaCode: ['4'] is not a text or a number"),
        ({"indicator": {"a": 1}}, "data[0].indicator: {'a': 1} is not a text or a number, no list"),
        ({"dimensions": ["Sex"]}, "data[0].dimensions: ['Sex'] is no object"),
        ({"dimensions": {"Sex": ["MALE"]}}, "data[0].dimensions.Sex: ['MALE'] is not a text or a number"),
        ({"series": None}, "data[0].series: is missing"),
    ],
)
def test_answers_of_something_else(tmp_path, change, where):
    assert where in told(tmp_path / "answer.json", {"data": [ANSWER | change]}, "un_sdg")


def test_an_answer_is_whole_or_a_fault(tmp_path):
    path = tmp_path / "answer.json"
    assert "holds 1 of 7 observations" in told(path, {"data": [ANSWER], "totalElements": 7}, "un_sdg")
    assert "totalElements: 'many' is not a number" in told(path, {"data": [ANSWER], "totalElements": "many"}, "un_sdg")
    path.write_text(json.dumps({"data": [ANSWER], "totalElements": None}), encoding="utf-8")
    assert readers.read(path, {"reader": "un_sdg"})["value"].tolist() == [3.0]


def test_many_misfits_are_counted():
    with pytest.raises(Faults) as caught:
        demand([0.5] * (MOST + 1234), [TEXT], Path("a.json"), "")
    assert len(caught.value.faults) == MOST + 1
    assert "and 1,234 more parts like these" in str(caught.value)


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("a", TEXT), (1, NUMBER), (1.5, CELL), ("a", CELL), (None, TEXT), ({}, {"a": TEXT}),
        ({"a": 1, "b": "c"}, {"a": NUMBER, "*": TEXT}), (["a"], (TEXT, [TEXT])),
    ],
)  # fmt: skip
def test_what_is_of_a_kind(value, kind):
    demand(value, kind, Path("a.json"), "")


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (1, TEXT), ("1", NUMBER), (True, NUMBER), (True, CELL), (float("nan"), NUMBER), (10**400, NUMBER),
        ({}, {"a!": TEXT}), ({"a": 1, "b": 2}, {"a": NUMBER, "*": TEXT}), ([None], [TEXT]), ([1], (TEXT, [TEXT])),
    ],
)  # fmt: skip
def test_what_is_not_of_a_kind(value, kind):
    with pytest.raises(Faults):
        demand(value, kind, Path("a.json"), "")
