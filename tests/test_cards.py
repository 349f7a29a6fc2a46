"""Every shipped card is complete, linked and consistent."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest

from uncac_metrics import reference
from uncac_metrics._data import datasets_folder
from uncac_metrics.catalogue import coverage, load_catalogue
from uncac_metrics.datasets import Dataset, load_dataset
from uncac_metrics.estimators import applicable, estimate, run_cases
from uncac_metrics.methods import METHODS
from uncac_metrics.model import SOURCE_KINDS, Indicator
from uncac_metrics.shapes import SHAPES

CATALOGUE = load_catalogue()
BASES = {(b["shape"], b["base"]): b for b in reference.load("bases").to_dict("records")}
FIELDS = (  # the ten fields of a card
    "name", "type", "objective", "description", "formula", "responsible", "sources", "frequency",
    "disaggregations", "notes",
)  # fmt: skip


WHOLE = ("ratings", "status", "official_series")
"""Shapes whose figures are often for a country as a whole."""


def has_column(shape: str, base: dict[str, str]) -> bool:
    plain = not base["column"] or SHAPES[shape].column(base["column"]) is not None
    by_item = SHAPES[shape].column(f"{base['column']}__x") is not None
    within = not base["within"] or SHAPES[shape].column(base["within"]) is not None
    return (by_item if base["items"] == "1" else plain) and within


@pytest.mark.parametrize("card", CATALOGUE.values(), ids=CATALOGUE)
def test_card(card: Indicator) -> None:
    shape = SHAPES[card.measure.shape]
    for field in (*FIELDS, "universe", "reference_period", "provenance_note"):
        assert getattr(card, field) or (field == "disaggregations" and shape.id in WHOLE), field
    assert any("\u4e00" <= letter <= "\u9fff" for letter in card.name_zh)
    assert card.paragraphs
    assert card.articles
    assert card.targets
    method = METHODS[card.measure.estimator]
    assert method.restates or (card.unit == "%") == (card.scale == 100)
    assert "not a card of UNODC's framework" in card.provenance_note
    assert set(card.sources) & set(shape.sources)
    assert set(card.sources) <= set(SOURCE_KINDS)

    below = BASES[card.measure.shape, card.measure.denominator]
    assert has_column(card.measure.shape, below)
    if card.measure.levels:
        assert shape.column(card.measure.levels) is not None
    elif card.measure.numerator:
        assert has_column(card.measure.shape, BASES[card.measure.shape, card.measure.numerator])

    assert card.cases
    if shape.sampled:  # what happens to those who do not answer
        assert any("n_eligible" in case.expect for case in card.cases)
    assert len({case.name for case in card.cases}) == len(card.cases)


@pytest.mark.parametrize("key", BASES, ids="-".join)
def test_base(key: tuple[str, str]) -> None:
    assert has_column(key[0], BASES[key])


@pytest.fixture(scope="module")
def example() -> list[Dataset]:
    return [load_dataset(path) for path in sorted((datasets_folder() / "example" / "datasets").iterdir())]


@pytest.mark.parametrize("card", CATALOGUE.values(), ids=CATALOGUE)
def test_worked_cases_and_the_bundled_example(card: Indicator, example: list[Dataset]) -> None:
    assert run_cases(card) == []
    data = next(one for one in example if not applicable(card, one))
    table = estimate(card, data).table
    assert set(table["indicator"]) == {card.id}
    seen = table[table["value"].notna()]
    assert len(seen) and (seen["n"] > 0).all() and (seen["method"] != "").all()
    assert not (seen["lower"] > seen["value"] + 1e-9 * seen["value"].abs()).any()
    assert not (seen["upper"] < seen["value"] - 1e-9 * seen["value"].abs()).any()


def test_figures_of_which_a_table_has_none_are_not_estimated(example: list[Dataset]) -> None:
    of = {data.source.id: data for data in example}
    assert applicable(CATALOGUE["UN-01a"], of["reviews_2025"]) == ""
    said = "the data have no row with kind milestone, scheme IRM, provision completed"
    assert applicable(CATALOGUE["UN-01a"], of["status_2025"]) == said
    none = replace(of["justice_cases_2025"], table=of["justice_cases_2025"].table.assign(sport=0))
    (row,) = estimate(CATALOGUE["SP-01a"], none).table.to_dict("records")  # a register may have no such case
    assert (row["n"], row["display"], row["reason"]) == (0, "withheld", "nothing to count")


CANDIDATES = {
    "BR": 30, "EM": 4, "TI": 4, "AF": 3, "IE": 3, "OJ": 2, "ML": 3, "PO": 5, "HR": 5, "CC": 2, "CI": 6, "PF": 3,
    "PR": 12, "FM": 5, "TR": 3, "JU": 4, "PS": 5, "LP": 1, "CS": 4, "WB": 5, "AM": 3, "CJ": 8, "IC": 7, "AR": 7,
    "TA": 2, "UN": 2, "GE": 1, "OC": 1,
}  # fmt: skip
"""Candidate indicators by family: each is a card, or cards with the suffixes a, b, …"""


def test_every_candidate_indicator_has_a_card() -> None:
    wanted = {f"{family}-{number:02}" for family, n in CANDIDATES.items() for number in range(1, n + 1)}
    assert len(wanted) == 140
    assert wanted - {i.rstrip("abcdefghijk") for i in CATALOGUE} == set()


def test_every_measurable_paragraph_has_an_indicator_that_runs(example: list[Dataset]) -> None:
    running = {card.id for card in CATALOGUE.values() if any(not applicable(card, data) for data in example)}
    table = coverage(release=pd.DataFrame({"indicator": sorted(running), "time_period": "2025", "value": 1.0}))
    table = table.set_index("paragraph")
    measurable = table[table["nature"].isin(["quantifiable", "legal"])]
    assert len(measurable) == 64
    assert measurable.index[measurable["indicators_with_data"].map(len) == 0].tolist() == []
    assert table.loc["35", ["tracked", "n_indicators"]].tolist() == ["not scored", 0] and table.loc["35", "note"]
    milestones = table[table["nature"] == "un_addressed"]
    assert milestones["indicators"].map(lambda ids: "UN-03" in ids).all() and len(milestones) == 16
    assert table.loc[["34", "71", "78"], "indicators_with_data"].tolist() == [
        ["MI-01"], ["SP-01a", "SP-01b"], ["IC-07"],
    ]  # fmt: skip


def test_the_family_of_bribery() -> None:
    shapes = {i.measure.shape for i in CATALOGUE.values() if i.topic == "bribery"}
    assert shapes >= {"population_survey", "business_survey", "civil_servant_survey", "counts"}
    sdg = {s: i for i, card in CATALOGUE.items() for s in card.series if card.topic == "bribery"}
    assert sdg == {"IU_COR_BRIB": "BR-01", "IC_FRM_BRIB": "BR-23"}
    first = CATALOGUE["BR-01"].measure
    assert (first.numerator, first.denominator) == ("paid_or_asked", "with_contact")


def test_rates_on_different_bases_have_different_denominators() -> None:
    ids = ("BR-01", "BR-11", "BR-12", "BR-14", "BR-31", "BR-22", "BR-23", "BR-33")
    assert len({CATALOGUE[i].measure.denominator for i in ids}) == len(ids)


def test_choices_of_surveys_are_those_of_the_statistics():
    from uncac_metrics.stats.intervals import PROPORTION
    from uncac_metrics.stats.survey import order, quantiles

    assert set(METHODS["proportion"].options["interval"].choices) == set(PROPORTION)
    assert set(METHODS["quantile"].options["rule"].choices) == set(order.RULES)
    assert set(METHODS["quantile"].options["interval"].choices) == set(quantiles.INTERVALS)
