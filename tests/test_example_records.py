"""The records and figures of the example office: made again, mapped, and held against the true values they state.

How often intervals contain the truth is counted over 200 seeds by ``benchmarks/coverage_records.py``; here few seeds
show that its machinery finds the truth, and that it would notice a wrong one.
"""

import gzip
import hashlib
import importlib
import json
import tomllib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import uncac_metrics as um
from uncac_metrics import estimators
from uncac_metrics.shapes import SHAPES

ROOT = Path(__file__).parent.parent
EXAMPLE = ROOT / "datasets" / "example"
NAMES = [
    "justice_cases", "cooperation_requests", "asset_recovery", "declarations", "personnel", "information_requests",
    "reports", "transaction_reports", "contracts", "bids", "counts", "ratings", "status", "reviews", "published_series",
]  # fmt: skip
ERRORS = 4.0
"""Standard errors by which the mean over a few seeds may miss the truth: one of 220 does by chance in 70 runs."""


@pytest.fixture(scope="module")
def coverage():
    """The module of the benchmark."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT / "benchmarks"))
        patch.syspath_prepend(str(EXAMPLE))
        yield importlib.import_module("coverage_records")


@pytest.fixture(scope="module")
def files(coverage):
    return coverage.simulators()


def folder(name: str) -> Path:
    return EXAMPLE / "datasets" / f"{name}_2025"


def test_every_shape_has_an_example(files):
    assert list(files.RECORDS) == NAMES
    shapes = {um.load_dataset(folder(name)).shape.id for name in NAMES}
    assert shapes | {"population_survey", "business_survey", "civil_servant_survey"} == set(SHAPES)


@pytest.mark.parametrize("name", NAMES)
def test_simulating_again_gives_the_committed_files(files, name):
    simulate, truth = files.RECORDS[name]
    committed = (folder(name) / "data.csv.gz").read_bytes()
    again = files.packed(simulate(files.SEED))
    assert gzip.decompress(again) == gzip.decompress(committed)
    assert len(committed) < 200_000
    assert truth().to_csv(index=False, lineterminator="\n") == (folder(name) / "truth.csv").read_text()
    toml = tomllib.loads((folder(name) / "source.toml").read_text(encoding="utf-8"))
    assert hashlib.sha256(committed).hexdigest() == toml["sha256"]
    assert toml["simulated"] is True
    assert "(simulated)" in toml["title"]
    assert "模拟" in toml["title_zh"]


@pytest.mark.parametrize("name", NAMES)
def test_truth_does_not_depend_on_the_seed_but_the_records_do(files, name):
    simulate, truth = files.RECORDS[name]
    pd.testing.assert_frame_equal(truth(), truth())
    assert not simulate(1).equals(simulate(2))
    pd.testing.assert_frame_equal(simulate(1), simulate(1))
    assert not truth().duplicated(["estimator", "numerator", "denominator", "where", "options", "item"]).any()


@pytest.mark.parametrize("name", NAMES)
def test_estimates_find_the_truth(coverage, name):
    found = coverage.intervals(name, (1, 2))
    slack = 1e-9 * found["value"].abs().clip(lower=1.0)
    assert not (found["lower"] > found["value"] + slack).any() and not (found["value"] > found["upper"] + slack).any()
    means = found.groupby("measure", sort=False).agg(
        value=("value", "mean"), true=("true", "first"), lower=("lower", "mean"), upper=("upper", "mean")
    )
    error = (means["upper"] - means["lower"]) / (2 * 1.96) / np.sqrt(2)
    far = means[(means["value"] - means["true"]).abs() > ERRORS * error.where(error > 0)]  # without: 200 seeds tell
    assert far.empty, far


def test_a_wrong_truth_is_noticed(coverage):
    found = coverage.intervals("status", range(8))
    found["true"] = np.where(found["measure"] == "Measures done in time", found["true"] + 0.3, found["true"])
    table = coverage.summary(found).set_index("measure")
    assert table.loc["Measures done in time", "coverage"] == 0
    assert not table.loc["Measures done in time", "within"]
    assert table.drop("Measures done in time")["coverage"].mean() > 0.85
    known = "Treaties in force"
    assert table.loc[known, ["coverage", "note", "within"]].tolist() == [1.0, coverage.FIXED, True]
    assert table.loc["Milestones of the declaration: full", "note"] == coverage.NO_INTERVAL
    for measure in (known, "Milestones of the declaration: full"):  # what does not vary, with and without interval
        wrong = found.assign(true=found["true"].mask(found["measure"] == measure, found["true"] + 20))
        assert not coverage.summary(wrong).set_index("measure").loc[measure, "within"]


@pytest.fixture
def evidence():
    return pd.read_csv(ROOT / "benchmarks" / "results" / "coverage_records.csv").fillna({"interval": "", "note": ""})


def test_results_are_those_of_200_seeds_and_cover(evidence):
    table = evidence
    assert set(table["data"]) == set(NAMES)
    assert (table["seeds"] == 200).all()
    assert table["coverage"].min() >= 0.90 and table["within"].all()
    assert (table.loc[table["coverage"] > 0.99, "note"] != "").all()
    without = table[table["coverage"].isna()]
    assert len(without) == 21 and set(without["estimator"]) == {"amount", "amount_ratio", "mean_amount", "status"}


def test_results_are_of_the_measures_that_have_truths(files, evidence):
    table = evidence
    stated = {(name, label) for name, (_, truth) in files.RECORDS.items() for label in truth()["label"]}
    found = set(zip(table["data"], table["measure"], strict=True))
    assert found == stated and len(table) == len(stated)
    true = {(name, r.label): r.value for name, (_, truth) in files.RECORDS.items() for r in truth().itertuples()}
    for row in table.itertuples():
        assert row.true == pytest.approx(true[row.data, row.measure], rel=1e-5)


def test_assets_of_a_cluster_fare_alike_and_lie_in_several_jurisdictions():
    table = um.load_dataset(folder("asset_recovery")).table
    by = table.groupby("case_cluster")
    assert (by.size() > 1).mean() > 0.7
    several = by.location.nunique()[by.size() > 1]
    assert (several > 1).mean() > 0.5
    assert (by.avenue.nunique() == 1).all()
    raw = pd.read_csv(folder("asset_recovery") / "data.csv.gz")
    assert raw.OWN_CURRENCY.nunique() == 4


def test_unfinished_stages_are_empty_and_in_order():
    table = um.load_dataset(folder("justice_cases")).table
    pending = table["outcome"].isna()
    assert 0.1 < pending.mean() < 0.4
    assert (pending == table["date_closed"].isna()).all()
    assert table.loc[table["outcome"].isin(["convicted", "acquitted", "settled"]), "date_decided"].notna().all()
    assert (table["date_closed"].dropna() <= table["date_observed"].iloc[0]).all()


def test_sets_against_each_other_of_counts_add_up():
    table = um.load_dataset(folder("counts")).table
    parts = ("area", "crime", "sex", "age")
    for year in ("2024", "2025"):
        rows = table[(table["time_period"] == year) & (table["quantity"] == "offences")]
        total = {
            name: rows[(rows[name] != "_T") & (rows[[p for p in parts if p != name]] == "_T").all(axis=1)][
                "count"
            ].sum()
            for name in ("area", "crime")
        }
        whole = rows[(rows[list(parts)] == "_T").all(axis=1)]["count"].item()
        assert total == {"area": whole, "crime": whole}


def test_every_indicator_that_the_records_feed_has_a_truth(coverage, files):
    cards, fed, missing = um.load_catalogue(), set(), set()
    for name in NAMES:
        data, truth = um.load_dataset(folder(name)), files.RECORDS[name][1]()
        for card in cards.values():
            if estimators.applicable(card, data):
                continue
            fed.add(card.id)
            if coverage.stated(card, truth).empty:
                missing.add(card.id)
    assert fed == {card.id for card in cards.values() if not SHAPES[card.measure.shape].sampled}
    assert not missing


def test_a_truth_is_of_a_measure_and_of_no_other(coverage, files):
    truth = files.RECORDS["cooperation_requests"][1]()
    card = um.load_catalogue()["IC-01c"]
    assert coverage.stated(card, truth)["label"].tolist() == ["Executed within 183 days: mla"]
    for change in (
        {"options": dict(card.measure.options) | {"within": 30}},
        {"where": {"kind": ("spontaneous",)}},
        {"numerator": "requests_completed"},
        {"where": {}},
    ):
        other = replace(card, measure=replace(card.measure, **change))
        assert coverage.stated(other, truth).empty, change


def test_items_name_one_result(coverage):
    data = coverage.made("counts", [3])
    truth = coverage.simulators().RECORDS["counts"][1]()
    card, rows = next(iter(coverage.cards(truth, data.shape.id)))
    found = estimators.run([card], data, [()])
    item = json.loads(rows["item"].iloc[0])
    assert coverage.rows_of(found, item)["time_period"].tolist() == [item["time_period"]]
    assert coverage.rows_of(found, item | {"time_period": "1999"}).empty
