"""Every shipped card is complete, linked and consistent."""

from __future__ import annotations

import pytest

from uncac_metrics import reference
from uncac_metrics.catalogue import load_catalogue
from uncac_metrics.estimators import run_cases
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


@pytest.mark.parametrize("card", CATALOGUE.values(), ids=CATALOGUE)
def test_worked_cases(card: Indicator) -> None:
    assert run_cases(card) == []


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
