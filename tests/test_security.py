"""Hostile inputs: nothing is run, nothing outside the office's folder is read, nothing unfolds without bound."""

import gzip
import io
import shutil
import struct
import zipfile
from pathlib import Path

import pandas as pd
import pytest

from uncac_metrics import _toml, cli
from uncac_metrics._data import datasets_folder, indicators_folder
from uncac_metrics.builds import build
from uncac_metrics.builds.check import check
from uncac_metrics.catalogue import read_folders
from uncac_metrics.datasets import load_dataset, load_source
from uncac_metrics.model import Faults
from uncac_metrics.readers.files import read_file

EXAMPLE = datasets_folder() / "example"


@pytest.fixture
def office(tmp_path) -> Path:
    folder = tmp_path / "office"
    shutil.copytree(EXAMPLE / "datasets" / "civil_servants_2025", folder / "datasets" / "civil_servants_2025")
    shutil.copy(EXAMPLE / "office.toml", folder)
    return folder


def source(office: Path) -> Path:
    return office / "datasets" / "civil_servants_2025" / "source.toml"


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text, old
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


# --- paths


@pytest.mark.parametrize(
    "path",
    ["../../../secret.csv", "{outside}", "${{UNCAC_METRICS_DATA}}/../secret.csv", "a\\u0000b.csv", "../../link.csv",
     "../../circle.csv"],
)  # fmt: skip
def test_data_outside_the_folder_is_not_read(office, tmp_path, monkeypatch, path):
    outside = tmp_path / "secret.csv"
    outside.write_text("a,b\n1,2\n")
    (tmp_path / "data").mkdir()
    monkeypatch.setenv("UNCAC_METRICS_DATA", str(tmp_path / "data"))
    (office / "link.csv").symlink_to(outside)
    (office / "circle.csv").symlink_to(office / "circle.csv")
    change(source(office), 'path = "data.csv.gz"', f'path = "{path.format(outside=outside)}"')
    with pytest.raises(Faults, match="leads out of the office's folder"):
        load_dataset(source(office))
    with pytest.raises(Faults, match="leads out of the office's folder"):
        build(office, tmp_path / "out")


def test_data_in_the_folder_by_a_link_within_it_and_in_the_data_folder_are_read(office, tmp_path, monkeypatch):
    place = source(office).parent
    (place / "data.csv.gz").rename(office / "kept.csv.gz")
    (place / "data.csv.gz").symlink_to(office / "kept.csv.gz")
    rows = len(load_dataset(source(office)).table)
    (tmp_path / "data").mkdir()
    (office / "kept.csv.gz").rename(tmp_path / "data" / "kept.csv.gz")
    monkeypatch.setenv("UNCAC_METRICS_DATA", str(tmp_path / "data"))
    change(source(office), 'path = "data.csv.gz"', 'path = "${UNCAC_METRICS_DATA}/kept.csv.gz"')
    assert len(load_dataset(source(office)).table) == rows > 0


def test_a_data_set_that_is_a_link_out_is_refused(office, tmp_path):
    shutil.move(office / "datasets" / "civil_servants_2025", tmp_path / "elsewhere")
    (office / "datasets" / "civil_servants_2025").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    assert any("leads out of" in fault.what for fault in check(office).faults)


@pytest.mark.parametrize(
    ("where", "said"),
    [("inside", ""), ("name", "give a list of files in the folder"), ("link", "leads out of the office's folder")],
)
def test_side_files_outside_are_not_read(tmp_path, where, said):
    """Completed data sets of an imputation: in the folder, out of it by their names, out of it by links."""
    place = tmp_path / "office" / "datasets" / "x"
    shutil.copytree(EXAMPLE / "datasets" / "civil_servants_2025_imputed", place)
    (tmp_path / "office" / "office.toml").write_text('name = "x"\nref_area = "XXA"\n')
    table = pd.read_csv(place / "data.csv.gz", dtype=str, keep_default_na=False)
    for number in ("0", "1", "2"):
        target = place if where == "inside" or number == "0" else tmp_path
        table[table["IMPUTATION"] == number].to_csv(target / f"{number}.csv", index=False)
    if where == "link":
        for number in ("1", "2"):
            (place / f"{number}.csv").symlink_to(tmp_path / f"{number}.csv")
    base = "../../../" if where == "name" else ""
    change(place / "source.toml", 'column = "IMPUTATION"', f'paths = ["{base}1.csv", "{base}2.csv"]')
    change(place / "source.toml", 'path = "data.csv.gz"', 'path = "0.csv"')
    text = (place / "source.toml").read_text(encoding="utf-8").splitlines(keepends=True)
    (place / "source.toml").write_text(
        "".join(line for line in text if not line.startswith("sha256")), encoding="utf-8"
    )
    if where == "inside":
        assert len(load_dataset(place / "source.toml").completed) == 2
        return
    with pytest.raises(Faults, match=said):
        load_dataset(place / "source.toml")


# --- archives and workbooks


def bomb(path: Path, size: int) -> None:
    block = b"a,b\n" + b"0,0\n" * 250_000
    with gzip.open(path, "wb", compresslevel=9) as stream:
        for _ in range(size // len(block) + 1):
            stream.write(block)


def test_a_gzip_bomb_is_refused(tmp_path):
    path = tmp_path / "data.csv.gz"
    bomb(path, 200 * 2**20)
    assert path.stat().st_size < 2**20
    with pytest.raises(Faults, match=r"unfolds to more than \d+ MB"):
        read_file(path)


def test_ordinary_packed_tables_are_read(tmp_path):
    table = pd.DataFrame({"a": range(200_000), "b": "some text that repeats itself"})
    table.to_csv(tmp_path / "data.csv.gz", index=False)
    assert len(read_file(tmp_path / "data.csv.gz")) == 200_000
    table.to_parquet(tmp_path / "data.parquet")
    assert len(read_file(tmp_path / "data.parquet")) == 200_000


def workbook(path: Path, cells: str, extra: dict[str, bytes] | None = None) -> None:
    """The least workbook with these cells."""
    names = "http://schemas.openxmlformats.org"
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{names}/package/2006/content-types"><Default Extension="xml" '
        'ContentType="application/xml"/><Default Extension="rels" '
        'ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Override PartName="/xl/workbook.xml" '
        'ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{names}/package/2006/relationships"><Relationship Id="r1" '
        f'Type="{names}/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{names}/spreadsheetml/2006/main" xmlns:r="{names}/officeDocument/2006/'
        'relationships"><sheets><sheet name="s" sheetId="1" r:id="r1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{names}/package/2006/relationships"><Relationship '
        f'Id="r1" Type="{names}/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/>'
        "</Relationships>",
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{names}/spreadsheetml/2006/main"><sheetData>{cells}'
        "</sheetData></worksheet>",
    }
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as book:
        for name, text in {**parts, **(extra or {})}.items():
            book.writestr(name, text)


ROW = '<row r="1"><c r="A1" t="str"><v>a</v></c><c r="B1" t="str"><v>b</v></c></row>'


def test_formulas_in_cells_are_their_last_values(tmp_path):
    path = tmp_path / "data.xlsx"
    workbook(path, ROW + '<row r="2"><c r="A2"><f>SYSTEM("rm")</f><v>3</v></c><c r="B2"><v>4</v></c></row>')
    assert read_file(path).to_numpy().tolist() == [[3.0, 4.0]]


def test_a_sheet_that_spans_more_cells_than_can_be_held_is_refused(tmp_path):
    path = tmp_path / "data.xlsx"
    workbook(path, ROW + '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>')
    with pytest.raises(Faults, match=r"spans 17,179,869,184 cells"):
        read_file(path)


def test_a_workbook_with_entities_is_refused(tmp_path):
    path = tmp_path / "data.xlsx"
    workbook(path, ROW)
    bad = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">]><worksheet><sheetData/></worksheet>'
    workbook(path, ROW, {"xl/worksheets/sheet2.xml": bad})
    with pytest.raises(Faults, match="defines entities"):
        read_file(path)


def test_a_workbook_that_unfolds_without_bound_is_refused(tmp_path):
    path = tmp_path / "data.xlsx"
    workbook(path, ROW, {"xl/media/picture.bin": b"\0" * (100 * 2**20)})
    with pytest.raises(Faults, match="unfolds to 100 MB"):
        read_file(path)


def test_a_workbook_that_lies_about_its_size_is_refused(tmp_path):
    path = tmp_path / "data.xlsx"
    workbook(path, ROW + "".join(f'<row r="{i}"><c r="A{i}"><v>{i}</v></c></row>' for i in range(2, 5000)))
    data = bytearray(path.read_bytes())
    entry = data.rfind(b"PK\x01\x02")  # the sheet is the last entry of the directory
    data[entry + 24 : entry + 28] = struct.pack("<I", 10)
    path.write_bytes(bytes(data))
    with pytest.raises(Faults, match="cannot be read"):
        read_file(path)


def test_a_workbook_whose_directory_points_before_its_beginning_is_a_fault(tmp_path):
    path = tmp_path / "data.xlsx"
    pd.DataFrame({"a": [1, 2]}).to_excel(path, index=False)
    assert len(read_file(path)) == 2
    data = bytearray(path.read_bytes())
    end = data.rindex(b"PK\x05\x06")
    (offset,) = struct.unpack("<I", data[end + 16 : end + 20])
    data[end + 16 : end + 20] = struct.pack("<I", offset + 100_000)
    path.write_bytes(bytes(data))
    with pytest.raises(Faults, match="cannot be read"):
        read_file(path)


def test_a_parquet_file_of_a_billion_cells_is_refused(tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = tmp_path / "data.parquet"
    rows = 20_000_000
    nothing = pa.nulls(rows, pa.null())
    pq.write_table(pa.table({f"c{i}": nothing for i in range(60)}), path, row_group_size=rows)
    assert path.stat().st_size < 2**21
    with pytest.raises(Faults, match="says that it holds"):
        read_file(path)


@pytest.mark.parametrize(("ending", "compress"), [("sav", False), ("sav", True), ("dta", False)])
def test_a_survey_file_that_claims_rows_it_has_no_bytes_for_is_refused(tmp_path, ending, compress):
    pyreadstat = pytest.importorskip("pyreadstat")
    path = tmp_path / f"data.{ending}"
    table = pd.DataFrame({"a": [float(i) for i in range(300)], "b": "constant text", "c": 1.0})
    more = {"compress": True} if compress else {}
    {"sav": pyreadstat.write_sav, "dta": pyreadstat.write_dta}[ending](table, str(path), **more)
    assert len(read_file(path)) == 300
    data = bytearray(path.read_bytes())
    if ending == "sav":
        assert data[:4] == (b"$FL3" if compress else b"$FL2")
        data[80:84] = struct.pack("<i", 500_000_000)
    else:
        at = data.index(b"<N>") + 3
        data[at : at + 8] = struct.pack("<q", 500_000_000)
    path.write_bytes(bytes(data))
    with pytest.raises(Faults, match=r"says that it holds 500,000,000 rows of 3 columns"):
        read_file(path)


# --- text


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "cp1252", "gb18030", "shift_jis"])
def test_another_encoding_is_a_fault_with_a_remedy_and_is_read_where_it_is_stated(tmp_path, encoding):
    path = tmp_path / "data.csv"
    text = "a,b\né,1\n" if encoding == "cp1252" else "a,b\n腐败,1\n" if encoding != "shift_jis" else "a,b\n汚,1\n"
    path.write_bytes(text.encode(encoding))
    with pytest.raises(Faults, match=r"the text is not in utf-8|cannot be read"):
        read_file(path)
    assert read_file(path, {"encoding": encoding})["a"][0] == text.splitlines()[1].split(",")[0]


@pytest.mark.parametrize(
    "text",
    [
        "a = " + "[" * 100_000, "a = " + "{b = " * 5_000, "[a]\n" * 3, "x" * (_toml.MOST + 1), "a = 1\0",
        "a." * 400_000 + "b = 1", '"a b" . ' * 100_000 + "b = 1",
        'a = [{b = """\nit"s """, ' + "'c d'." * 100_000 + "e = 1}]", 'name = "\\uD800"',
    ],
    ids=["brackets", "tables", "twice", "long", "nul", "dots", "quoted", "hidden", "surrogate"],
)  # fmt: skip
def test_definitions_that_would_exhaust_a_parser_are_faults(office, tmp_path, text):
    source(office).write_text(text)
    with pytest.raises(Faults):
        load_source(source(office))
    (office / "office.toml").write_text(text)
    (office / "indicators").mkdir()
    (office / "indicators" / "XX-01.toml").write_text(text)
    assert read_folders([office])[1]
    with pytest.raises(Faults):
        build(office, tmp_path / "out")


def test_nothing_in_a_definition_or_mapping_is_evaluated(office, tmp_path):
    canary = tmp_path / "canary"
    attack = f"__import__('pathlib').Path({str(canary)!r}).touch()"
    toml = source(office)
    change(toml, "[columns]", f'[columns]\nage = {{from = "{attack}"}}\n')
    with pytest.raises(Faults):
        load_dataset(toml)
    (office / "indicators").mkdir()
    card = next(indicators_folder().rglob("BR-26.toml"))
    text = card.read_text(encoding="utf-8")
    for key in ("formula", "universe"):
        text = "\n".join(f'{key} = "{attack}"' if line.startswith(f"{key} =") else line for line in text.splitlines())
    (office / "indicators" / "XX-01.toml").write_text(text, encoding="utf-8")
    cli.main(["check", str(office)])
    assert not canary.exists()


def test_codes_that_a_spreadsheet_would_run_are_refused(office, tmp_path):
    change(office / "office.toml", '"grade"', '"grade", "institution"')
    change(source(office), '"1" = "central"', '"1" = "=HYPERLINK(1)"')
    with pytest.raises(Faults, match=r"institution: '=HYPERLINK\(1\)' would be run as a formula"):
        build(office, tmp_path / "out")


def test_markup_in_texts_is_shown_as_text(office, tmp_path):
    attack = "<img src=x onerror=alert(1)>"
    change(source(office), 'title = "', f'title = "{attack} ')
    change(office / "office.toml", 'name = "', f'name = "{attack} ')
    release = build(office, tmp_path / "out")
    for path in [*release.public.rglob("*.html"), *release.internal.rglob("*.html"), *release.public.rglob("*.svg")]:
        text = path.read_text(encoding="utf-8")
        assert "<img" not in text and "<script>alert" not in text, path


def test_a_broken_stream_is_a_fault(tmp_path):
    path = tmp_path / "data.csv.gz"
    whole = io.BytesIO()
    with gzip.GzipFile(fileobj=whole, mode="wb") as stream:
        stream.write(b"a,b\n" + b"1,2\n" * 10_000)
    path.write_bytes(whole.getvalue()[:-20])
    with pytest.raises(Faults, match="cannot be read"):
        read_file(path)
