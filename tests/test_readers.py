"""Readers: every format gives the values of its file; whatever keeps a file from being read is one fault."""

import gzip
import sys

import pandas as pd
import pytest

from uncac_metrics import readers
from uncac_metrics.model import Faults

TEXT = "id,q1,area\n01,1,NA\n02,,NO\n03,9.0, x\n"
FRAME = pd.DataFrame({"id": ["01", "02", "03"], "q1": [1.0, 2.0, 88.0], "area": ["NA", "NO", "x"]})
LABELS = {"q1": {1.0: "Yes", 2.0: "No", 88.0: "Does not know"}}


def fault_of(path, *args, **options):
    with pytest.raises(Faults) as caught:
        readers.read(path, *args, **options)
    (fault,) = caught.value.faults
    assert str(path) == fault.file and fault.remedy
    return fault


def write(folder, suffix):
    """The same table in a format."""
    path = folder / f"data{suffix}"
    if suffix == ".parquet":
        FRAME.to_parquet(path)
    elif suffix == ".xlsx":
        pytest.importorskip("python_calamine")
        FRAME.to_excel(path, index=False)
    elif suffix == ".sav":
        pyreadstat = pytest.importorskip("pyreadstat")
        missing = {"q1": [{"lo": 88, "hi": 88}]}
        pyreadstat.write_sav(FRAME, str(path), variable_value_labels=LABELS, missing_ranges=missing)
    elif suffix == ".dta":
        pyreadstat = pytest.importorskip("pyreadstat")
        pyreadstat.write_dta(FRAME, str(path), variable_value_labels={"q1": {1: "Yes", 2: "No", 88: "Does not know"}})
    else:
        FRAME.to_csv(path, index=False)
    return path


FORMATS = (".csv", ".csv.gz", ".parquet", ".xlsx", ".sav", ".dta")


@pytest.mark.parametrize("suffix", FORMATS)
def test_every_format_gives_the_same_codes(tmp_path, suffix):
    path = write(tmp_path, suffix)
    frame = readers.read(path)
    assert readers.header(path) == list(frame) == ["id", "q1", "area"]
    assert list(frame["id"]) == ["01", "02", "03"]
    assert list(frame["area"]) == ["NA", "NO", "x"]
    assert [float(v) for v in frame["q1"]] == [1.0, 2.0, 88.0]
    assert list(readers.read(path, columns=["area", "area"])) == ["area"]
    assert "'area'" in fault_of(path, columns=["aera"]).remedy


@pytest.mark.parametrize("suffix", [".sav", ".dta"])
def test_value_labels_are_kept_aside(tmp_path, suffix):
    assert readers.labels(write(tmp_path, suffix)) == LABELS


def test_other_formats_have_no_labels(tmp_path):
    assert readers.labels(write(tmp_path, ".csv")) == {}


def test_csv_is_read_as_text(tmp_path):
    path = tmp_path / "data.csv.gz"
    path.write_bytes(gzip.compress(TEXT.encode()))
    frame = readers.read(path)
    assert frame.to_numpy().tolist() == [["01", "1", "NA"], ["02", "", "NO"], ["03", "9.0", " x"]]


def test_options_of_csv(tmp_path):
    path = tmp_path / "data.csv"
    path.write_bytes("Título\nid;región\n1;Ñuble\n".encode("windows-1252"))
    options = {"separator": ";", "encoding": "windows-1252", "skip_rows": 1}
    assert readers.read(path, options)["región"].tolist() == ["Ñuble"]
    assert "encoding" in fault_of(path, {"separator": ";"}).remedy


def test_a_byte_order_mark_is_not_part_of_a_name(tmp_path):
    path = tmp_path / "data.csv"
    path.write_text(TEXT, encoding="utf-8-sig")
    assert readers.header(path)[0] == "id"


def test_options_of_excel(tmp_path):
    pytest.importorskip("python_calamine")
    path = tmp_path / "data.xlsx"
    with pd.ExcelWriter(path) as book:
        FRAME.to_excel(book, sheet_name="first", index=False)
        FRAME.assign(q1=5).to_excel(book, sheet_name="second", index=False, startrow=2)
    assert readers.read(path, {"sheet": "second", "skip_rows": 2})["q1"].tolist() == [5, 5, 5]
    assert "third" in fault_of(path, {"sheet": "third"}).what


# --- faults


def test_no_such_file(tmp_path):
    assert "no such file" in fault_of(tmp_path / "none.csv").what


@pytest.mark.parametrize("suffix", FORMATS)
def test_an_empty_file(tmp_path, suffix):
    path = tmp_path / f"data{suffix}"
    path.touch()
    assert fault_of(path).what == "the file is empty"


def test_a_file_without_rows(tmp_path):
    path = tmp_path / "data.csv"
    path.write_text("a,b\n")
    assert fault_of(path).what == "holds no rows"


@pytest.mark.parametrize("suffix", [".csv.gz", ".parquet", ".xlsx", ".sav", ".dta"])
def test_a_broken_file(tmp_path, suffix):
    path = tmp_path / f"data{suffix}"
    path.write_bytes(b"not what the name says")
    assert "cannot be read" in fault_of(path).what


def test_rows_longer_than_the_header(tmp_path):
    path = tmp_path / "data.csv"
    path.write_text("a,b\n1,2,3\n4,5,6\n")
    assert "cannot be read" in fault_of(path).what
    path.write_text("a,b\n1,2\n4,5,6\n")
    assert "line 3" in fault_of(path).what


def test_a_name_that_stands_twice(tmp_path):
    path = tmp_path / "data.csv"
    path.write_text("a,b,a\n1,2,3\n")
    fault = fault_of(path)
    assert fault.where == "a" and "twice" in fault.what


@pytest.mark.parametrize(("mark", "said"), [(";", '";"'), ("\t", '"\\t"')])
def test_another_separator_is_recognised(tmp_path, mark, said):
    path = tmp_path / "data.csv"
    path.write_text(TEXT.replace(",", mark))
    assert said in fault_of(path).remedy


@pytest.mark.parametrize("name", ["data.sas7bdat", "data"])
def test_an_unknown_format(tmp_path, name):
    path = tmp_path / name
    path.touch()
    assert ".parquet" in fault_of(path).remedy


def test_an_unknown_option(tmp_path):
    fault = fault_of(write(tmp_path, ".csv"), {"seperator": ";"})
    assert fault.where == "read.seperator" and "'separator'" in fault.remedy


@pytest.mark.parametrize(
    ("suffix", "library", "extra"),
    [(".parquet", "pyarrow", "parquet"), (".sav", "pyreadstat", "spss"), (".dta", "pyreadstat", "spss"),
     (".xlsx", "python_calamine", "excel")],
)  # fmt: skip
def test_a_library_that_is_not_installed_names_the_extra(tmp_path, monkeypatch, suffix, library, extra):
    path = write(tmp_path, suffix)
    monkeypatch.setitem(sys.modules, library, None)
    fault = fault_of(path)
    assert library.replace("_", "-") in fault.what and f"uncac-metrics[{extra}]" in fault.remedy
