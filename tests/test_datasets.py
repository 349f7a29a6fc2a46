"""Sources, offices and data sets: what a folder must hold, and that everything wrong with it is said at once."""

import hashlib
import shutil

import pandas as pd
import pytest

from uncac_metrics import datasets, readers
from uncac_metrics._data import datasets_folder
from uncac_metrics.model import Faults
from uncac_metrics.tables import schema

SOURCE = """\
title = "A survey"
producer = "An office"
terms = "CC BY 4.0"
origin = "https://example.org"
shape = "population_survey"
path = "data.csv"
ref_area = "XXA"
time_period = "2020"
missing = [9]
{more}
[design]
weight = "weight"

[columns]
weight = {{ from = "w" }}
paid = {{ from = "q", yes = [1], no = [2] }}
{columns}
"""
DATA = "w,q,unused\n1.5,1,x\n2,2,x\n1,9,x\n"


@pytest.fixture
def survey(tmp_path):
    """Writes a data set and gives its folder."""

    def write(more="", columns="", data=DATA, name="survey"):
        folder = tmp_path / "office" / "datasets" / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "source.toml").write_text(SOURCE.format(more=more, columns=columns), encoding="utf-8")
        (folder / "data.csv").write_text(data, encoding="utf-8")
        return folder

    return write


def faults_of(function, *args):
    with pytest.raises(Faults) as caught:
        function(*args)
    return caught.value.faults


# --- a data set


def test_a_data_set_is_loaded_by_folder_by_file_and_by_text(survey):
    folder = survey()
    data = datasets.load_dataset(folder)
    assert (data.source.id, data.shape.id, data.source.missing) == ("survey", "population_survey", (9,))
    assert list(data.table) == ["weight", "paid"] and data.table.attrs == {}
    assert data.table["paid"].isna().tolist() == [False, False, True]
    for other in (folder / "source.toml", str(folder), str(folder / "source.toml")):
        assert datasets.load_dataset(other).table.equals(data.table)


def test_a_shipped_data_set_is_loaded_by_id():
    data = datasets.load_dataset("sdg_16_5_1")
    assert data.shape.id == "official_series" and data.source.simulated is False
    assert datasets.load_dataset("population_2025").source.simulated is True
    (fault,) = faults_of(datasets.load_dataset, "sdg_16_51")
    assert "'sdg_16_5_1'" in fault.remedy


ROWS = {
    "asset_recovery_2025": 527, "bids_2025": 3053, "business_2025": 2495, "civil_servants_2025": 1989,
    "civil_servants_2025_imputed": 1988, "contracts_2025": 1477, "cooperation_requests_2025": 1619,
    "counts_2025": 218, "declarations_2025": 5340, "information_requests_2025": 2012, "justice_cases_2025": 2167,
    "payments_2025": 4788, "personnel_2025": 5200, "population_2023": 11918, "population_2025": 12054,
    "population_2025_panel": 3814, "population_2025_replicates": 1276, "population_2025_two_phase": 2472,
    "published_series_2025": 15, "ratings_2025": 364, "reports_2025": 950, "reviews_2025": 104, "status_2025": 875,
    "transaction_reports_2025": 4593, "sdg_16_5_1": 123, "sdg_16_5_2": 247, "un_cts_corruption": 204,
    "wgi_control_of_corruption": 48, "cpi": 36,
}  # fmt: skip
"""Rows of the shipped data sets; of completed data, those of one completion."""


@pytest.mark.parametrize("path", sorted(datasets_folder().glob("**/source.toml")), ids=lambda p: p.parent.name)
def test_shipped_data_sets_are_sound(path):
    data = datasets.load_dataset(path)
    assert data.source.title_zh and data.source.sha256 and len(data.table) == ROWS[data.source.id]
    assert data.source.simulated == ("example" in path.parts)
    assert len(schema(data.shape).validate(data.table, lazy=True)) == len(data.table)
    if data.shape.id == "official_series":
        assert data.table["value"].notna().all()


def test_only_mapped_columns_are_read(survey, monkeypatch):
    asked = []
    real = readers.files.read_file
    monkeypatch.setattr(readers.files, "read_file", lambda *a, **k: asked.append(k["columns"]) or real(*a, **k))
    datasets.load_dataset(survey())
    assert asked == [["w", "q"]]


def test_a_named_reader_reads_the_file_once(survey, monkeypatch):
    calls = []

    def reader(path):
        calls.append(path)
        return pd.read_csv(path)

    monkeypatch.setattr(readers, "READERS", {"ours": reader})
    data = datasets.load_dataset(survey('read = {reader = "ours"}'))
    assert data.table["weight"].tolist() == [1.5, 2.0, 1.0] and len(calls) == 1


def test_the_hash_is_checked_when_it_is_stated(survey):
    right = hashlib.sha256(DATA.encode()).hexdigest()
    datasets.load_dataset(survey(f'sha256 = "{right}"'))
    (fault,) = faults_of(datasets.load_dataset, survey(f'sha256 = "{right}"', data=DATA + "3,1,x\n"))
    assert fault.where == "sha256" and "not the file that was described" in fault.what
    (fault,) = faults_of(datasets.load_dataset, survey('sha256 = "abc"'))
    assert fault.where == "sha256" and "64 hexadecimal" in fault.what


def test_the_hash_and_missing_columns_are_said_together(survey):
    found = faults_of(datasets.load_dataset, survey(f'sha256 = "{"0" * 64}"', data="w,quest\n1,1\n"))
    assert {f.where for f in found} == {"q", "sha256"}


def test_the_data_variable_is_replaced(survey, monkeypatch, tmp_path):
    folder = survey()
    text = (folder / "source.toml").read_text().replace('"data.csv"', '"${UNCAC_METRICS_DATA}/here/data.csv"')
    (folder / "source.toml").write_text(text)
    (tmp_path / "here").mkdir()
    shutil.move(folder / "data.csv", tmp_path / "here" / "data.csv")
    monkeypatch.delenv(datasets.DATA_VARIABLE, raising=False)
    (fault,) = faults_of(datasets.load_dataset, folder)
    assert "UNCAC_METRICS_DATA is not set" in fault.what and "here/data.csv" in fault.remedy
    monkeypatch.setenv(datasets.DATA_VARIABLE, str(tmp_path))
    assert len(datasets.load_dataset(folder).table) == 3


def test_zeros_follow_and_contradictions_name_the_rows(survey):
    contact = 'contact = { from = "c", yes = [1], no = [2] }'
    data = datasets.load_dataset(survey(columns=contact, data="w,q,c\n1,1,1\n1,,2\n1,9,1\n"))
    assert data.table["paid"].tolist()[:2] == [1, 0] and data.table["paid"].isna().tolist() == [False, False, True]
    (fault,) = faults_of(datasets.load_dataset, survey(columns=contact, data="w,q,c\n1,2,1\n1,1,2\n1,1,2\n"))
    assert (fault.file, fault.where, fault.rows) == ("data.csv", "paid", (2, 3)) and "contact is 0" in fault.what


def test_codes_that_nothing_names_point_to_the_rule(survey):
    (fault,) = faults_of(datasets.load_dataset, survey(data="w,q\n1,1\n1,7\n"))
    assert fault.file.endswith("source.toml") and fault.where == "columns.paid" and fault.rows == (2,)


# --- source.toml


def test_everything_wrong_with_a_source_is_said_at_once(survey):
    folder = survey(columns='asked = { form = "q" }\nsexx = { from = "s" }')
    path = folder / "source.toml"
    text = path.read_text().replace('title = "A survey"\n', "").replace('terms = "CC BY 4.0"', "terms = 4")
    text = text.replace('time_period = "2020"', "time_period = 2020").replace(
        "missing = [9]", 'missing = "9"\nproduser = "x"'
    )
    path.write_text(text.replace('weight = "weight"', 'wieght = "weight"\npsu = "psu"\nsingleton = "drop"\nnest = 1'))
    found = {f.where: f for f in faults_of(datasets.load_source, folder)}
    assert set(found) == {
        "title", "terms", "time_period", "missing", "produser", "design.wieght", "design.psu", "design.singleton",
        "design.nest", "columns.asked.form", "columns.sexx",
    }  # fmt: skip
    assert "'producer'" in found["produser"].remedy and "'weight'" in found["design.wieght"].remedy
    assert "columns.psu" in found["design.psu"].remedy and "collapse" in found["design.singleton"].remedy


@pytest.mark.parametrize(
    ("old", "new", "where", "said"),
    [
        ('"population_survey"', '"population"', "shape", "'population_survey'"),
        ('"population_survey"', '"xyz"', "shape", "official_series"),
        ("missing = [9]", "missing = [[9]]", "missing", "list of codes"),
        ("missing = [9]", 'id = "other"', "id", '"survey"'),
        ('title = "A survey"', 'title = ""', "title", "fill it in"),
        ("[columns]", "read = 3\n[columns]", "design.read", "not an argument"),
        ('weight = "weight"', 'weight = ["weight"]', "design.weight", "a column"),
    ],
)
def test_a_fault_of_a_source(survey, old, new, where, said):
    folder = survey()
    path = folder / "source.toml"
    path.write_text(path.read_text().replace(old, new))
    (fault,) = faults_of(datasets.load_source, folder)
    assert fault.where == where and said in str(fault)


def test_toml_that_cannot_be_parsed_names_the_line(survey):
    folder = survey()
    path = folder / "source.toml"
    path.write_text(path.read_text().replace('terms = "CC BY 4.0"', 'terms = "CC'))
    (fault,) = faults_of(datasets.load_source, folder)
    assert fault.where == "line 3" and "is not TOML" in fault.what
    path.write_text(SOURCE.replace("[design]", '[design]\nweight = "w"').format(more="", columns=""))
    assert "is not TOML" in faults_of(datasets.load_source, folder)[0].what
    path.write_bytes(b"\xff")
    assert "UTF-8" in faults_of(datasets.load_source, folder)[0].what


def test_dates_may_be_written_as_dates(survey):
    assert datasets.load_source(survey("accessed = 2026-01-31")).accessed == "2026-01-31"


def test_a_folder_without_a_source(tmp_path):
    (fault,) = faults_of(datasets.load_source, tmp_path)
    assert "no such file" in fault.what


# --- an office


def office(folder, text='name = "An office"\nref_area = "XXA"\n'):
    (folder / "office.toml").write_text(text, encoding="utf-8")
    return folder


def test_an_office_and_its_sources(survey):
    folder = office(survey(name="b").parents[1])
    survey(name="a")
    found, sources = datasets.load_office(folder)
    assert (found.id, found.disaggregations, list(sources)) == ("office", (), ["a", "b"])
    assert datasets.check_sources(folder) == []


def test_everything_wrong_with_an_office_is_said_at_once(survey):
    folder = office(survey().parents[1], 'nmae = "x"\nref_area = 3\ndisaggregations = ["sex", "aeg"]\n')
    (folder / "datasets" / "bare").mkdir()
    found = {f.where: f for f in faults_of(datasets.load_office, folder)}
    assert set(found) == {"nmae", "name", "ref_area", "disaggregations", ""}
    assert "'age'" in found["disaggregations"].remedy and found[""].file.endswith("bare")


def test_breakdowns_and_languages_of_an_office_are_texts(survey):
    lists = 'disaggregations = ["sex", {a = 1}, ["b"], 3]\nlanguages = [{a = 1}, ["b"]]\n'
    folder = office(survey().parents[1], f'name = "x"\nref_area = "XXA"\n{lists}')
    found = [f.where for f in faults_of(datasets.load_office, folder)]
    assert found == ["disaggregations"] * 3 + ["languages"] * 2


def test_sources_are_checked_without_reading_the_data(survey, monkeypatch):
    first, second = survey(name="a", data="w,quest\n1,1\n"), survey(name="b", columns='asked = { form = "q" }')
    (second.parent / "c").mkdir()
    office(first.parents[1])
    monkeypatch.setattr(datasets.readers, "read", None)
    found = [str(f) for f in datasets.check_sources(first.parents[1])]
    assert len(found) == 3
    assert any("columns: q: the file has no such column" in f for f in found)
    assert any("columns.asked.form" in f for f in found)
    assert any("has no source.toml" in f for f in found)


def test_a_data_file_that_is_not_there_is_found_by_the_check(survey):
    folder = survey()
    (folder / "data.csv").unlink()
    (fault,) = datasets.check_sources(folder.parents[1])
    assert "no such file" in fault.what
