"""Sources and offices: their files are read strictly, and every fault of a file is told at once."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pandas as pd
import pytest

from uncac_metrics import datasets
from uncac_metrics._data import datasets_folder
from uncac_metrics.model import Faults
from uncac_metrics.tables import validate

SOURCE = """
title = "Survey"
producer = "Office"
terms = "Free"
origin = "Own survey"
shape = "population_survey"
path = "data.csv"
ref_area = "XXA"
time_period = "2025"

[columns]
weight = {from = "w"}
sex = {from = "s", recode = {1 = "M", 2 = "F"}}
contact = {from = "c", yes = [1], no = [2], missing = [9]}
paid = {from = "p", yes = [1], no = [2], missing = [9]}
"""
DATA = "w,s,c,p\n1.5,1,1,1\n2,2,1,2\n1,2,2,\n1,1,1,9\n"


@pytest.fixture
def folder(tmp_path) -> Path:
    home = tmp_path / "survey"
    home.mkdir()
    (home / "source.toml").write_text(SOURCE, encoding="utf-8")
    (home / "data.csv").write_text(DATA, encoding="utf-8")
    return home


def test_a_source_becomes_a_checked_table(folder):
    data = datasets.load_dataset(folder)
    assert data.source.id == "survey" and data.shape.row == "adult"
    assert data.table["weight"].tolist() == [1.5, 2.0, 1.0, 1.0]
    assert data.table["sex"].tolist() == ["M", "F", "F", "M"]
    # no contact, not asked: no bribe; a refusal stays missing
    assert data.table["paid"].tolist()[:3] == [1, 0, 0] and data.table["paid"].isna().tolist() == [False] * 3 + [True]
    assert str(data.table["paid"].dtype) == "Int8"


def test_hash_of_the_data_file(folder):
    digest = hashlib.sha256(DATA.encode()).hexdigest()
    path = folder / "source.toml"
    path.write_text(f'sha256 = "{digest}"\n' + SOURCE, encoding="utf-8")
    assert len(datasets.load_dataset(folder).table) == 4
    (folder / "data.csv").write_text(DATA + "1,1,1,1\n", encoding="utf-8")
    with pytest.raises(Faults, match="is not the file that was described"):
        datasets.load_dataset(folder)


def test_every_fault_of_a_source_at_once(folder):
    text = SOURCE.replace('title = "Survey"\n', "").replace("shape", "shap").replace('"2025"', "2025")
    (folder / "source.toml").write_text(text + '[design]\nweigth = "weight"\nsingleton = "drop"\n', encoding="utf-8")
    with pytest.raises(Faults) as caught:
        datasets.load_source(folder)
    where = {f.where for f in caught.value.faults}
    assert {"title", "shap", "shape", "time_period"} <= where
    assert any("did you mean" in f.remedy for f in caught.value.faults)


def test_faults_of_rules_and_design(folder):
    text = SOURCE.replace('yes = [1], no = [2], missing = [9]}\npaid', 'yess = [1]}\npaid').replace("sex =", "sx =")
    (folder / "source.toml").write_text(text + '[design]\nstratum = "stratum"\nsingleton = "drop"\n', encoding="utf-8")
    with pytest.raises(Faults) as caught:
        datasets.load_source(folder)
    text = str(caught.value)
    for part in ("columns.sx", "yess", "design.stratum", "design.singleton", "collapse"):
        assert part in text, part


def test_numerators_outside_their_gate_name_the_rows(folder):
    (folder / "data.csv").write_text(DATA + "1,1,2,1\n1,1,2,1\n", encoding="utf-8")
    with pytest.raises(Faults, match=r"paid.*contact is 0 \(2 rows: 5, 6\)"):
        datasets.load_dataset(folder)


def test_the_folder_of_outside_files_must_be_named(folder, monkeypatch):
    path = folder / "source.toml"
    path.write_text(SOURCE.replace('"data.csv"', '"${UNCAC_METRICS_DATA}/data.csv"'), encoding="utf-8")
    monkeypatch.delenv("UNCAC_METRICS_DATA", raising=False)
    with pytest.raises(Faults, match="set UNCAC_METRICS_DATA"):
        datasets.load_dataset(folder)
    monkeypatch.setenv("UNCAC_METRICS_DATA", str(folder))
    assert len(datasets.load_dataset(folder).table) == 4


def test_unknown_ids_get_the_nearest():
    with pytest.raises(Faults, match="population_2025"):
        datasets.load_dataset("population_2052")


def test_office_faults(tmp_path):
    (tmp_path / "datasets" / "lost").mkdir(parents=True)
    (tmp_path / "office.toml").write_text('nam = "O"\nref_area = 1\ndisaggregations = ["sexx"]\n', encoding="utf-8")
    with pytest.raises(Faults) as caught:
        datasets.load_office(tmp_path)
    text = str(caught.value)
    for part in ("nam", "name: is missing", "ref_area", "'sexx' is no breakdown", "lost"):
        assert part in text, part


def test_check_sources_reads_no_data(folder):
    office = folder.parent
    assert datasets.check_sources(office) == []
    (folder / "data.csv").write_text("w,s,c\n1,1,1\n", encoding="utf-8")
    faults = datasets.check_sources(office)
    assert [f.where for f in faults] == ["p"]


@pytest.mark.parametrize("path", sorted(datasets_folder().glob("**/source.toml")), ids=lambda p: p.parent.name)
def test_shipped_data_sets_are_sound(path):
    data = datasets.load_dataset(path)
    validate(data.table, data.shape, file=str(path))
    assert data.source.title_zh and data.source.terms and data.source.origin
    assert isinstance(data.table, pd.DataFrame) and len(data.table) > 100
    assert data.source.simulated == ("example" in path.parts)
