"""Three real national surveys, each an office's folder, give the figures that their producers publish."""

from pathlib import Path

import numpy as np
import pytest

import uncac_metrics as um
from uncac_metrics import datasets

OFFICES = Path(__file__).parent / "offices"
ECUADOR = OFFICES / "ecuador_2010"


def load(data_folder, monkeypatch, office, name=""):
    monkeypatch.setenv(datasets.DATA_VARIABLE, str(data_folder))
    return datasets.load_dataset(OFFICES / office / "datasets" / (name or office))


def weighted(table, numerator, base=""):
    """Per cent and rows, by plain arithmetic."""
    rows = table[numerator].notna().to_numpy()
    if base:
        rows = rows & (table[base].fillna(0).to_numpy() == 1)
    y, w = table[numerator].fillna(0).to_numpy(np.float64)[rows], table["weight"].to_numpy()[rows]
    return 100 * (w * y).sum() / w.sum(), int(rows.sum())


@pytest.mark.parametrize("office", sorted(p.parent for p in OFFICES.glob("*/office.toml")), ids=lambda p: p.name)
def test_an_office_is_without_faults(data_folder, monkeypatch, office):
    monkeypatch.setenv(datasets.DATA_VARIABLE, str(data_folder))
    _, sources = datasets.load_office(office)
    assert sources and datasets.check_sources(office) == []


@pytest.mark.parametrize(
    ("name", "value", "n", "error", "deff"),
    [("ecuador_2010", 21.03, 2994, 1.14, 2.36), ("ecuador_2010_strict", 21.40, 2964, 1.14, 2.30)],
)
def test_ecuador_corruption_victimisation(data_folder, monkeypatch, name, value, n, error, deff):
    data = load(data_folder, monkeypatch, "ecuador_2010", name)
    plain, rows = weighted(data.table, "paid_or_asked")
    assert (round(plain, 2), rows) == (value, n)
    card = um.load_catalogue(ECUADOR / "indicators")["EC-01"]
    (row,) = um.estimate(card, data).table.to_dict("records")
    assert row["value"] == pytest.approx(plain, rel=1e-12)
    assert (round(row["std_error"], 2), round(row["deff"], 2)) == (error, deff)
    assert (row["df"], row["n"], row["n_eligible"]) == (116, n, 3000)


def test_ecuador_numbers_units_afresh_in_every_stratum(data_folder, monkeypatch):
    table = load(data_folder, monkeypatch, "ecuador_2010").table
    assert table["psu"].nunique() == 78 and table["stratum"].nunique() == 6
    assert table[["stratum", "psu"]].drop_duplicates().shape[0] == 122
    assert (table.groupby("psu")["stratum"].nunique() > 1).sum() == 44
    assert {"Guayas", "Pichincha"} <= set(table["area"].cat.categories)


TUNISIA = {
    "teacher": 8.06, "doctor": 11.22, "document": 12.17, "utility": 9.63, "police": 15.07, "police_problem": 16.74,
}  # fmt: skip


def test_tunisia_bribes_paid_by_users_of_six_services(data_folder, monkeypatch):
    data = load(data_folder, monkeypatch, "tunisia_2018")
    plain = {k: weighted(data.table, f"paid__{k}", f"contact__{k}")[0] for k in TUNISIA}
    assert {k: round(v, 2) for k, v in plain.items()} == TUNISIA
    assert [round(v) for v in plain.values()] == [8, 11, 12, 10, 15, 17]  # as published
    assert (data.table["sex"] == "F").sum() == 601


def test_mexico_design_and_population(data_folder, monkeypatch):
    data = load(data_folder, monkeypatch, "mexico_2020")
    table = data.table
    assert table["weight"].sum() == 96_427_583 and len(table) == 21_519
    assert (table["stratum"].nunique(), table["psu"].nunique(), table["area"].nunique()) == (281, 3096, 32)
    design = um.stats.survey.Design(table, **data.source.design)
    row = um.stats.survey.total(design, np.ones(len(table))).table.iloc[0]
    assert row["value"] == pytest.approx(96_427_583) and row["std_error"] > 0
    assert row["cv"] == pytest.approx(row["std_error"] / row["value"]) and row["df"] == 3096 - 281
    states = um.estimate("BR-04", data, by="area").table
    assert (states["area"] != "_T").sum() == 32 and states["std_error"].gt(0).all()


def test_mexico_bribes_asked_and_paid(data_folder, monkeypatch):
    table = load(data_folder, monkeypatch, "mexico_2020").table
    assert (table["contact"] == 1).sum() == 13_435
    shares = {c: weighted(table, c, "contact") for c in ("asked", "paid", "paid_or_asked")}
    assert {c: (round(v, 2), n) for c, (v, n) in shares.items()} == {
        "asked": (10.63, 13_418), "paid": (7.36, 13_418), "paid_or_asked": (12.60, 13_412),
    }  # fmt: skip
    assert (table.loc[table["contact"] == 0, "paid"] == 0).all()
