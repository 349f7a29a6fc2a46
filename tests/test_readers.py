"""Reading the formats of statistics offices: codes stay codes, and what cannot be read is one clear fault."""

from __future__ import annotations

import gzip
import sys

import pandas as pd
import pytest

from uncac_metrics import readers
from uncac_metrics.model import Faults

TABLE = pd.DataFrame({"id": ["01", "02", "03"], "iso2": ["NA", "NO", ""], "q": ["1", "2", "98"]})


@pytest.fixture
def files(tmp_path):
    import pyreadstat

    TABLE.to_csv(tmp_path / "t.csv", index=False)
    TABLE.to_csv(tmp_path / "semi.csv", index=False, sep=";")
    (tmp_path / "t.csv.gz").write_bytes(gzip.compress((tmp_path / "t.csv").read_bytes()))
    TABLE.to_parquet(tmp_path / "t.parquet")
    TABLE.to_excel(tmp_path / "t.xlsx", sheet_name="data", index=False, startrow=2)
    coded = TABLE.assign(q=[1.0, 2.0, 98.0])
    labels = {"q": {1: "yes", 2: "no", 98: "does not know"}}
    pyreadstat.write_sav(coded, tmp_path / "t.sav", variable_value_labels=labels, missing_ranges={"q": [98]})
    pyreadstat.write_dta(coded, tmp_path / "t.dta", variable_value_labels={"q": {1: "yes", 2: "no", 98: "dk"}})
    return tmp_path


@pytest.mark.parametrize("name", ["t.csv", "t.csv.gz", "t.parquet", "t.sav", "t.dta"])
def test_every_format_gives_the_same_table(files, name):
    frame = readers.read(files / name)
    assert frame.columns.tolist() == ["id", "iso2", "q"]
    assert frame["id"].tolist() == ["01", "02", "03"]
    assert frame["iso2"].tolist()[:2] == ["NA", "NO"]
    assert [float(v) for v in frame["q"]] == [1, 2, 98]


def test_excel_sheet_below_a_preamble(files):
    frame = readers.read(files / "t.xlsx", {"sheet": "data", "skip_rows": 2})
    assert frame["iso2"].tolist()[:2] == ["NA", "NO"] and frame["id"].tolist() == ["01", "02", "03"]
    assert [str(v) for v in frame["q"]] == ["1", "2", "98"]


def test_value_labels_and_user_missing_codes(files):
    assert readers.labels(files / "t.sav")["q"][98.0] == "does not know"
    assert readers.labels(files / "t.dta")["q"][1] == "yes"
    assert readers.labels(files / "t.csv") == {}
    assert readers.read(files / "t.sav")["q"].tolist() == [1, 2, 98]  # user-missing is told apart, not blanked


@pytest.mark.parametrize("name", ["t.csv", "t.parquet", "t.sav", "t.dta"])
def test_only_the_columns_asked_for(files, name):
    assert readers.read(files / name, columns=["q"]).columns.tolist() == ["q"]
    with pytest.raises(Faults, match=r"iso2") as caught:
        readers.read(files / name, columns=["q", "isoo2", "no such"])
    assert len(caught.value.faults) == 2


def test_separator_is_suggested(files):
    with pytest.raises(Faults, match='separator = ";"'):
        readers.read(files / "semi.csv")
    assert readers.read(files / "semi.csv", {"separator": ";"})["q"].tolist() == ["1", "2", "98"]


def test_encoding(tmp_path):
    (tmp_path / "t.csv").write_bytes("name\nCôte\n".encode("windows-1252"))
    with pytest.raises(Faults, match="encoding"):
        readers.read(tmp_path / "t.csv")
    assert readers.read(tmp_path / "t.csv", {"encoding": "windows-1252"})["name"].tolist() == ["Côte"]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("missing.csv", None, "there is no such file"),
        ("empty.csv", b"", "the file is empty"),
        ("header.csv", b"a,b\n", "holds no rows"),
        ("twice.csv", b"a,a\n1,2\n", "stands twice"),
        ("ragged.csv", b"a,b\n1,2,3\n", "cannot be read"),
        ("table.ods", b"x", "cannot be read"),
        ("noending", b"x", "no ending"),
        ("broken.sav", b"not a file of SPSS", "cannot be read"),
        ("broken.parquet", b"PAR?", "cannot be read"),
    ],
)
def test_one_fault_for_what_cannot_be_read(tmp_path, name, content, message):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(Faults, match=message) as caught:
        readers.read(tmp_path / name)
    assert name in str(caught.value)


def test_unknown_options(files):
    with pytest.raises(Faults, match=r"read.seperator.*separator"):
        readers.read(files / "t.csv", {"seperator": ";"})


@pytest.mark.parametrize(("name", "library", "extra"), [("t.sav", "pyreadstat", "spss"), ("t.parquet", "pyarrow", "parquet")])
def test_a_missing_extra_is_named(files, monkeypatch, name, library, extra):
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(Faults, match=rf"uncac-metrics\[{extra}\]"):
        readers.read(files / name)
