"""SDMX: what is written is read back by two libraries of other authors, and equals the release."""

import math
import re
import sys
from io import BytesIO
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import uncac_metrics as um
from uncac_metrics import exchange
from uncac_metrics._data import datasets_folder
from uncac_metrics.builds.plan import gather
from uncac_metrics.model import BREAKDOWNS, ESTIMATE_KEY, Faults
from uncac_metrics.readers.sdmx_data import CONCEPTS, from_code, sdmx, sdmx_cells, to_code, unit_code, unit_of
from uncac_metrics.results import combine

pytest.importorskip("pysdmx", reason="SDMX-ML needs the extra sdmx")

EXAMPLE = datasets_folder() / "example" / "datasets"
KEY = [*ESTIMATE_KEY, *BREAKDOWNS]
VALUES = ["value", "std_error", "lower", "upper", "conf_level", "n"]
STATUSES = ["obs_status", "conf_status", "display"]


@pytest.fixture(scope="module")
def inputs():
    return gather()


@pytest.fixture(scope="module")
def release(inputs):
    """Figures of three data sets of the example office, and rows that hold what is hard to write."""
    cards = [inputs.catalogue[key] for key in ("BR-01", "BR-02", "BR-07")]
    population = um.estimate(
        cards, um.load_dataset(EXAMPLE / "population_2025"), by=("sex", "urbanisation"), cross=False
    )
    courts = um.estimate([inputs.catalogue["CJ-07"]], um.load_dataset(EXAMPLE / "justice_cases_2025"))
    series = um.estimate([inputs.catalogue["FM-01b"]], um.load_dataset(EXAMPLE / "published_series_2025"), by=("sex",))
    table = combine(one.table for one in (population, courts, series))
    hard = table.iloc[:4].copy()
    hard["category"] = ["53(a)", "比例", "a b,c", "$20"]
    hard["reason"] = ['says "no" & <more>', r"an office's \n", "Q0Q", "&amp;"]
    hard["value"] = [0.1 + 0.2, 1e-300, math.nan, 5.0]
    hard["lower"] = [0.1, 1e-301, math.nan, -math.inf]
    hard["upper"] = [1 / 3, 1.5, math.nan, math.inf]
    hard["display"] = ["shown", "flagged", "withheld", "withheld"]
    hard["obs_status"] = ["A", "E", "O", "U"]
    hard["conf_status"] = ["F", "F", "F", "C"]
    return pd.concat([table, hard], ignore_index=True)


@pytest.fixture(scope="module")
def folder(release, inputs, tmp_path_factory):
    """The release in every format of SDMX."""
    made = exchange.release_files(
        release,
        inputs.catalogue,
        inputs.office,
        inputs.sources,
        formats=("sdmx-csv", "sdmx-ml-2.1", "sdmx-ml-3.0", "sdg"),
    )
    out = tmp_path_factory.mktemp("sdmx")
    for name, content in made.items():
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        (out / name).write_bytes(content)
    return out


@pytest.fixture(scope="module")
def published(release):
    return exchange.publishable(release)


def as_results(cells: pd.DataFrame) -> pd.DataFrame:
    """Text cells by concept in the columns of the results, by key: nothing of the package but its list of concepts."""
    table = cells.rename(columns=dict(CONCEPTS))
    for name in VALUES:
        table[name] = [float(text) if text not in ("", "nan") else math.nan for text in table[name]]
    for name in KEY:
        table[name] = [re.sub(r"((?:\$[0-9A-F]{2})+)", lambda m: bytes.fromhex(m[0].replace("$", "")).decode(), t)
                       for t in table[name]]  # fmt: skip
    return table.sort_values(KEY).reset_index(drop=True)


def assert_equal(found: pd.DataFrame, published: pd.DataFrame) -> None:
    """Keys, values, bounds and statuses to the last bit."""
    wanted = published.sort_values(KEY).reset_index(drop=True)
    assert len(found) == len(wanted) > 25
    for name in (*KEY, *STATUSES, "reason", "method"):
        assert found[name].tolist() == wanted[name].tolist(), name
    for name in VALUES:
        assert np.array_equal(
            found[name].to_numpy(float), wanted[name].to_numpy(float, na_value=np.nan), equal_nan=True
        ), name


@pytest.mark.parametrize("name", ["sdmx/estimates.csv", "sdmx/2.1/estimates.xml", "sdmx/3.0/estimates.xml"])
def test_pysdmx_reads_the_release_back(folder, published, name):
    from pysdmx.io import read_sdmx

    (data,) = read_sdmx(folder / name, validate=True).data
    cells = data.data.astype(object).where(data.data.notna(), "").astype(str)
    assert_equal(as_results(cells), published)


@pytest.mark.parametrize("version", ["2.1", "3.0"])
def test_pysdmx_reads_the_structure_and_gives_it_to_the_data(folder, published, version):
    from pysdmx.io import get_datasets
    from pysdmx.model.dataflow import Schema

    (data,) = get_datasets(folder / f"sdmx/{version}/estimates.xml", folder / f"sdmx/{version}/structure.xml")
    assert isinstance(data.structure, Schema)
    assert {c.id for c in data.structure.components.dimensions} == {
        "INDICATOR", "DATASET", "STATISTIC", "REF_AREA", "TIME_PERIOD", *(n.upper() for n in BREAKDOWNS),
    }  # fmt: skip
    values = data.data["OBS_VALUE"].astype(float).to_numpy(np.float64, na_value=np.nan)
    assert np.array_equal(np.sort(values), np.sort(published["value"].to_numpy()), equal_nan=True)


@pytest.mark.parametrize("name", ["sdmx/2.1/estimates.xml", "sdmx/estimates.csv"])
def test_sdmx1_reads_the_release_back(folder, published, name):
    sdmx1 = pytest.importorskip("sdmx", reason="sdmx1 is the second reader")
    structures = BytesIO((folder / "sdmx/2.1/structure.xml").read_bytes())  # it leaves files open
    (structure,) = sdmx1.read_sdmx(structures).structure.values()
    form = Path(name).suffix[1:].upper()
    (data,) = sdmx1.read_sdmx(BytesIO((folder / name).read_bytes()), format=form, structure=structure).data
    rows = []
    for one in data.obs:
        row = {k: str(v.value) for k, v in (one.key or one.dimension).values.items()}
        row |= {k: str(getattr(v, "value", v) if getattr(v, "value", v) is not None else "")
                for k, v in one.attached_attribute.items()}  # fmt: skip
        row["OBS_VALUE"] = "" if one.value is None else str(one.value)
        rows.append(row)
    cells = pd.DataFrame([{name: row.get(name, "") for name in CONCEPTS} for row in rows])
    assert_equal(as_results(cells), published)


def test_sdmx1_cannot_read_structures_of_version_3(folder):
    """It is why the comparison above is of 2.1; should sdmx1 learn it, this fails and 3.0 can be compared too."""
    sdmx1 = pytest.importorskip("sdmx", reason="sdmx1 is the second reader")
    with pytest.raises(Exception):  # noqa: B017, PT011
        sdmx1.read_sdmx(BytesIO((folder / "sdmx/3.0/structure.xml").read_bytes()), format="XML")


@pytest.mark.parametrize("version", ["2.1", "3.0"])
def test_structure_is_read_as_it_was_written(folder, published, inputs, version):
    own = exchange.own_structure(published, inputs.catalogue, inputs.office, inputs.sources)
    found = exchange.read_structure(folder / f"sdmx/{version}/structure.xml")
    assert (found.agency, found.id, found.version, found.name) == (own.agency, own.id, own.version, own.name)
    assert found.ids == own.ids
    for name in own.ids:
        mine, theirs = own.component(name), found.component(name)
        assert (theirs.role, theirs.kind, theirs.codes, theirs.required, theirs.series) == (
            mine.role, mine.kind, mine.codes, mine.required, mine.series,
        ), name  # fmt: skip


def test_codes_of_the_structure_are_ids_of_sdmx(published, inputs):
    own = exchange.own_structure(published, inputs.catalogue, inputs.office, inputs.sources)
    codes = [code for one in own.components for code in one.codes or ()]
    assert len(codes) > 60
    assert all(re.fullmatch(r"[A-Za-z0-9_@$\-]+", code) for code in codes)
    assert own.component("CATEGORY").codes["53$28a$29"] == "53(a)"
    assert own.component("SEX").codes["F"] == "Female"
    assert own.component("UNIT_MEASURE").codes["PT"] == "%"


@given(st.text(max_size=12))
def test_ids_give_back_their_texts(text):
    assert re.fullmatch(r"[A-Za-z0-9_$\-]*", to_code(text))
    assert from_code(to_code(text)) == text
    assert text == "" or unit_of(unit_code(text)) == text


@given(st.text(max_size=5), st.text(max_size=5))
def test_different_texts_have_different_ids(one, other):
    assert (to_code(one) == to_code(other)) == (one == other)


def test_withheld_figures_are_in_no_file(release, inputs, published):
    """A withheld row that still has its figures: they must not leave, whatever the format."""
    secret = 77.125625
    told = release.copy()
    row = told.index[-1]
    told.loc[row, ["value", "std_error", "lower", "upper", "cv", "deff"]] = secret
    told.loc[row, ["display", "conf_status", "obs_status"]] = ["withheld", "C", "O"]
    told.loc[row, ["n", "n_eligible", "events"]] = 77125625
    made = exchange.release_files(told, inputs.catalogue, inputs.office, inputs.sources, formats=exchange.FORMATS)
    assert len(made) > 20
    for name, content in made.items():
        assert b"77.12" not in content, name
        assert b"77125625" not in content, name
        assert b"7.713e" not in content, name


def test_the_release_is_not_changed(release, inputs):
    before = release.copy(deep=True)
    exchange.release_files(release, inputs.catalogue, inputs.office, inputs.sources)
    pd.testing.assert_frame_equal(before, release)


def test_same_bytes_on_every_run_and_in_any_order(release, inputs):
    arguments = {"formats": exchange.FORMATS}
    one = exchange.release_files(release, inputs.catalogue, inputs.office, inputs.sources, **arguments)
    mixed = release.sample(frac=1, random_state=7)
    catalogue, sources = dict(reversed(inputs.catalogue.items())), dict(reversed(inputs.sources.items()))
    other = exchange.release_files(mixed, catalogue, inputs.office, sources, **arguments)
    assert list(one) == list(other)
    assert one == other


def test_header_gives_the_day_on_which_the_last_source_was_obtained(folder, inputs):
    days = sorted(source.accessed for source in inputs.sources.values())
    text = (folder / "sdmx/2.1/estimates.xml").read_text(encoding="utf-8")
    assert re.findall(r"<\w+:Prepared>([^<]+)<", text) == [f"{days[-1]}T00:00:00Z"]


def test_read_as_published_figures_with_their_bounds(folder, published):
    """Three files of one release are one table, in the shape of published figures."""
    tables = [sdmx(folder / f"sdmx/{name}") for name in ("estimates.csv", "2.1/estimates.xml", "3.0/estimates.xml")]
    first = tables[0]
    for other in tables[1:]:
        shared = [name for name in first if name in other]  # XML says nothing of a column without a value
        pd.testing.assert_frame_equal(first[shared], other[shared])
        assert not first[[name for name in first if name not in other]].astype(bool).any(axis=None)
    assert first["series"].tolist() == published["indicator"].tolist()
    assert first["unit"].tolist() == published["unit"].tolist()
    assert first["category"].tolist() == published["category"].tolist()
    for name in ("value", "lower", "upper", "std_error", "df"):
        assert np.array_equal(first[name], published[name], equal_nan=True)


def test_a_file_of_ours_is_a_data_set_of_another_office(folder, tmp_path, published):
    """BR-01 of a release, read as published figures by a source, and restated with its stated interval."""
    source = tmp_path / "datasets" / "theirs" / "source.toml"
    source.parent.mkdir(parents=True)
    (source.parent / "estimates.csv").write_bytes((folder / "sdmx/estimates.csv").read_bytes())
    source.write_text("""
title = "Release of Exampleland"
producer = "Statistical Office of Exampleland"
terms = "BSD-3-Clause"
origin = "Made for a test"
shape = "official_series"
path = "estimates.csv"
ref_area = "XXA"
time_period = "2025"

[read]
reader = "sdmx"
rows = { series = ["BR-01"], category = ["_T"] }

[columns]
series = {}
ref_area = {}
time_period = {}
sex = {}
urbanisation = {}
value = {}
std_error = {}
lower = {}
upper = {}
n = {}
unit = {}
nature = {}
obs_status = {}
""")
    from uncac_metrics.catalogue import load_catalogue

    card = load_catalogue()["FM-01b"]
    data = um.load_dataset(source)
    found = um.estimate([card], data, by=("sex", "urbanisation"), cross=False).table
    wanted = published[(published["indicator"] == "BR-01") & (published["category"] == "_T")]
    merged = found.merge(wanted, on=["sex", "urbanisation"], suffixes=("", "_was"))
    assert len(merged) == len(wanted) == len(found) == 5
    for name in ("value", "std_error", "lower", "upper"):
        assert merged[name].tolist() == merged[f"{name}_was"].tolist()
    assert set(merged["interval"]) == {"as published"}


HOSTILE = """<?xml version="1.0" encoding="UTF-8"?>
{declaration}<mes:StructureSpecificData xmlns:mes="http://www.sdmx.org/resources/sdmxml/schemas/v2_1/message">
<mes:Header><mes:ID>&a;</mes:ID></mes:Header></mes:StructureSpecificData>"""


@pytest.mark.parametrize(
    "declaration",
    [
        '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]>',
        '<!DOCTYPE x SYSTEM "file:///etc/passwd">',
        '<!doctype x [<!entity a SYSTEM "http://example.org/x">]>',
    ],
)
@pytest.mark.parametrize("read", [sdmx, sdmx_cells, exchange.read_structure])
def test_document_types_and_entities_are_refused(tmp_path, declaration, read):
    path = tmp_path / "bomb.xml"
    path.write_text(HOSTILE.format(declaration=declaration))
    with pytest.raises(Faults, match="document types or entities is refused"):
        read(path)


def test_other_encodings_cannot_hide_a_document_type(tmp_path):
    path = tmp_path / "bomb.xml"
    text = HOSTILE.format(declaration='<!DOCTYPE x [<!ENTITY a "ha">]>').replace("UTF-8", "UTF-16")
    path.write_bytes(text.encode("utf-16"))
    with pytest.raises(Faults, match="is not UTF-8"):
        sdmx(path)
    path.write_text(HOSTILE.format(declaration="").replace("UTF-8", "UTF-7"))
    with pytest.raises(Faults, match="states the encoding UTF-7"):
        sdmx(path)


def test_files_above_the_limit_are_refused(folder):
    with pytest.raises(Faults, match="files above 1,000 are refused"):
        sdmx_cells(folder / "sdmx/estimates.csv", most=1000)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a,b\n1,2\n", "neither STRUCTURE nor DATAFLOW"),
        ("STRUCTURE,STRUCTURE_ID,SEX,OBS_VALUE\ndataflow,X:Y(1.0),F\n", "does not have 4 cells"),
        ("STRUCTURE,STRUCTURE_ID,SEX,OBS_VALUE\ndataflow,X:Y(1.0),F,1,2\n", r"does not have 4 cells .*\(1 row: 1\)"),
        ('STRUCTURE,STRUCTURE_ID,SEX,OBS_VALUE\ndataflow,X:Y(1.0),"F,1\n', "cannot be read"),
        ("STRUCTURE,STRUCTURE_ID,SEX,SEX\ndataflow,X:Y(1.0),F,M\n", "the column stands twice"),
        ("STRUCTURE,STRUCTURE_ID,SEX\n", "holds no observation"),
        ("<?xml version='1.0'?><a/>", "cannot be read"),
    ],
)
def test_what_is_no_sdmx_is_a_fault(tmp_path, text, said):
    path = tmp_path / "data.csv"
    path.write_text(text)
    with pytest.raises(Faults, match=said):
        sdmx_cells(path)


def test_a_reader_tells_what_a_file_lacks_and_what_is_no_number(tmp_path):
    path = tmp_path / "data.csv"
    path.write_text("STRUCTURE,STRUCTURE_ID,REF_AREA,OBS_VALUE\ndataflow,X:Y(1.0),MEX,1\n")
    with pytest.raises(Faults, match="TIME_PERIOD: the column is missing"):
        sdmx(path)
    path.write_text("STRUCTURE,STRUCTURE_ID,REF_AREA,TIME_PERIOD,OBS_VALUE\ndataflow,X:Y(1.0),MEX,2025,many\n")
    with pytest.raises(Faults, match="'many': not a number"):
        sdmx(path)


def test_faults_of_the_frame_come_at_once(release, inputs):
    wrong = pd.concat([release, release.iloc[[0]]], ignore_index=True)
    wrong.loc[3, "time_period"] = "R7 2018"
    with pytest.raises(Faults) as caught:
        exchange.release_files(wrong, inputs.catalogue, inputs.office, inputs.sources)
    assert [fault.where for fault in caught.value.faults] == ["key", "time_period"]


def test_unknown_and_uninstalled_formats_are_told(release, inputs, monkeypatch):
    with pytest.raises(Faults, match="sdmx: is not a format"):
        exchange.release_files(release, inputs.catalogue, inputs.office, inputs.sources, formats=["sdmx"])
    monkeypatch.setitem(sys.modules, "pysdmx", None)
    with pytest.raises(Faults) as caught:
        exchange.release_files(release, inputs.catalogue, inputs.office, inputs.sources, formats=exchange.FORMATS)
    (fault,) = caught.value.faults
    assert fault.where == "sdmx-ml-3.0, sdmx-ml-2.1, sdg"
    assert fault.remedy == 'pip install "uncac-metrics[sdmx]"'


def test_formats_make_the_files_that_they_name(release, inputs):
    from fnmatch import fnmatch

    for name, one in exchange.FORMATS.items():
        made = exchange.release_files(release, inputs.catalogue, inputs.office, inputs.sources, formats=[name])
        assert made, name
        assert all(any(fnmatch(file, pattern) for pattern in one.files) for file in made), name
        assert all(any(fnmatch(file, pattern) for file in made) for pattern in one.files), name
        assert all(not Path(file).is_absolute() and ".." not in file for file in made)
