"""Three real surveys, read as an office would: their published figures come out.

The files are not part of the project; see ``UNCAC_METRICS_DATA``.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import uncac_metrics as um
from uncac_metrics.builds import build, read_estimates
from uncac_metrics.builds.check import check
from uncac_metrics.estimators import design
from uncac_metrics.stats import survey

OFFICES = Path(__file__).parent / "offices"


def load(office: str, dataset: str):
    return um.load_dataset(OFFICES / office / "datasets" / dataset)


@pytest.mark.parametrize(
    ("dataset", "value", "n"), [("ecuador_2010", 21.03, 2994), ("ecuador_2010_strict", 21.40, 2964)]
)
def test_ecuador_2010_corruption_victimisation(data_folder, dataset, value, n):
    data = load("ecuador_2010", dataset)
    card = um.load_catalogue(OFFICES / "ecuador_2010")["EC-01"]
    row = um.estimate(card, data).table.iloc[0]
    assert round(row.value, 2) == value
    assert (row.n, row.n_eligible, row.df) == (n, 3000, 116)
    if dataset == "ecuador_2010":
        assert round(row.std_error, 2) == 1.14
        assert round(row.deff, 2) == 2.36
        # the same by hand, from the table alone
        answered = data.table["paid_or_asked"].notna()
        y, w = data.table["paid_or_asked"][answered].astype(float), data.table["weight"][answered]
        assert row.value == pytest.approx(100 * np.average(y, weights=w), rel=1e-12)


def test_ecuador_2010_psus_are_not_nested(data_folder):
    table = load("ecuador_2010", "ecuador_2010").table
    with pytest.raises(ValueError, match=r"44 labels stand in several strata.*nest=True"):
        survey.Design(table, weight="weight", stratum="stratum", psu="psu")
    assert survey.Design(table, weight="weight", stratum="stratum", psu="psu", nest=True).n_psu == 122


def test_ecuador_2010_provinces_are_named_by_the_labels_of_the_file(data_folder):
    table = load("ecuador_2010", "ecuador_2010").table
    assert (table["psu"].nunique(), table["stratum"].nunique()) == (78, 6)
    assert {"Guayas", "Pichincha"} <= set(table["area"].cat.categories)


def test_tunisia_2018_bribes_among_users_of_services(data_folder):
    card = um.load_catalogue(OFFICES / "tunisia_2018")["TN-01"]
    table = um.estimate(card, load("tunisia_2018", "tunisia_2018")).table.set_index("official")
    expected = {
        "teacher": 8.06, "doctor": 11.22, "document": 12.17, "utility": 9.63, "police": 15.07, "police_problem": 16.74,
    }  # fmt: skip
    assert table["value"].round(2).to_dict() == expected
    published = {"teacher": 8, "doctor": 11, "document": 12, "utility": 10, "police": 15, "police_problem": 17}
    assert table["value"].round().astype(int).to_dict() == published


def test_mexico_2020_population_by_state(data_folder):
    data = load("mexico_2020", "mexico_2020")
    sample = design(data)
    assert (sample.n_strata, sample.n_psu, sample.n) == (281, 3096, 21519)
    card = um.load_catalogue(OFFICES / "mexico_2020")["MX-01"]
    table = um.estimate(card, data, by="area").table
    whole, states = table.iloc[0], table.iloc[1:]
    assert whole.value == 96_427_583
    assert 0 < whole.cv < 0.02 and whole.std_error == pytest.approx(whole.cv * whole.value)
    assert len(states) == 32 and states.value.sum() == pytest.approx(whole.value, rel=1e-12)
    assert (states.std_error > 0).all() and (states.cv < 0.3).all()


def test_mexico_2020_bribes_asked_and_paid(data_folder):
    table = load("mexico_2020", "mexico_2020").table
    contact = (table["contact"] == 1).fillna(False)
    assert contact.sum() == 13_435
    assert (table.loc[(table["contact"] == 0).fillna(False), "paid"] == 0).all()
    found = {}
    for column in ("asked", "paid", "paid_or_asked"):
        rows = table[contact & table[column].notna()]
        share = 100 * np.average(rows[column].astype(float), weights=rows["weight"])
        found[column] = (round(float(share), 2), len(rows))
    assert found == {"asked": (10.63, 13_418), "paid": (7.36, 13_418), "paid_or_asked": (12.60, 13_412)}


@pytest.mark.parametrize("office", ["ecuador_2010", "mexico_2020", "tunisia_2018"])
def test_real_offices_check_and_build(data_folder, office, tmp_path):
    found = check(OFFICES / office)
    assert found.faults == ()
    release = build(OFFICES / office, tmp_path)
    table = read_estimates(tmp_path / "current" / "public" / "estimates.csv")
    assert len(table) == len(release.estimates) > 10
    own = {path.stem for path in (OFFICES / office / "indicators").glob("*.toml")}
    assert own <= set(table["indicator"])
    manifest = json.loads((tmp_path / "current" / "public" / "manifest.json").read_text(encoding="utf-8"))
    assert not any(d["simulated"] for d in manifest["datasets"].values())
    assert "Simulated data." not in (tmp_path / "current" / "public" / "index.html").read_text(encoding="utf-8")
