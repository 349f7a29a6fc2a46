"""Open SDG, CSV on the Web, Data Package, RO-Crate and quality reports: read by others, equal to the release."""

import json
import math
import re

import numpy as np
import pandas as pd
import pytest

import uncac_metrics as um
from uncac_metrics import exchange
from uncac_metrics._data import datasets_folder
from uncac_metrics.builds.plan import gather
from uncac_metrics.exchange.quality import CONCEPTS, quality_report
from uncac_metrics.model import BREAKDOWNS, ESTIMATE_KEY, Faults
from uncac_metrics.readers.open_sdg_data import open_sdg
from uncac_metrics.results import combine, to_csv

EXAMPLE = datasets_folder() / "example" / "datasets"
FORMATS = ("open-sdg", "csvw", "datapackage", "quality", "ro-crate")


@pytest.fixture(scope="module")
def inputs():
    return gather()


@pytest.fixture(scope="module")
def release(inputs):
    cards = [inputs.catalogue[key] for key in ("BR-01", "BR-02")]
    population = um.estimate(cards, um.load_dataset(EXAMPLE / "population_2025"), by=("sex", "area"), cross=False)
    ratings = um.estimate([inputs.catalogue["FM-01b"]], um.load_dataset(EXAMPLE / "published_series_2025"))
    table = combine([population.table, ratings.table])
    far = table.iloc[[0]].assign(ref_area="MEX", value=1.5, lower=1.0, upper=math.inf, df=math.inf)
    held = table.iloc[[0]].assign(ref_area="KEN", value=math.nan, std_error=math.nan, lower=math.nan, upper=math.nan,
                                  obs_status="O", display="withheld", reason="too few")  # fmt: skip
    return pd.concat([table, far, held], ignore_index=True)


@pytest.fixture(scope="module")
def folder(release, inputs, tmp_path_factory):
    pytest.importorskip("yaml", reason="Open SDG needs the extra opensdg")
    out = tmp_path_factory.mktemp("files")
    made = exchange.release_files(release, inputs.catalogue, inputs.office, inputs.sources, formats=FORMATS)
    for name, content in (made | {"estimates.csv": to_csv(exchange.publishable(release))}).items():
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        (out / name).write_bytes(content)
    return out


# --- Open SDG


def test_open_sdg_has_its_columns_and_empty_cells_for_totals(folder, release, inputs):
    """Read with the standard library's reader: nothing of the package."""
    import csv

    with (folder / "open_sdg/data/indicator_16-5-1.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert list(rows[0]) == ["Year", "REF_AREA", "SEX", "AREA", "Units", "Series", "Value"]
    wanted = release[(release["indicator"] == "BR-01") & release["value"].notna()]
    assert len(rows) == len(wanted)
    (total,) = [r for r in rows if not any(r[c] for c in ("REF_AREA", "SEX", "AREA"))]
    assert float(total["Value"]) == wanted.iloc[0]["value"]
    assert (total["Year"], total["Units"]) == ("2025", "%")
    assert total["Series"] == inputs.sources["population_2025"].title
    assert [float(r["Value"]) for r in rows if r["REF_AREA"] == "MEX"] == [1.5]
    assert not [r for r in rows if r["REF_AREA"] == "KEN"]


def test_open_sdg_comes_back_with_values_and_bounds(folder, release, inputs):
    for key, name in {"BR-01": "16-5-1", "BR-02": "BR-02"}.items():
        table = open_sdg(folder / f"open_sdg/data/indicator_{name}.csv", ref_area=inputs.office.ref_area)
        wanted = exchange.publishable(release[(release["indicator"] == key) & release["value"].notna()])
        merged = table.merge(wanted, on=["ref_area", "time_period", *BREAKDOWNS], suffixes=("", "_was"))
        assert len(merged) == len(table) == len(wanted) > 5
        for column in ("value", "std_error", "lower", "upper", "n"):
            assert merged[column].tolist() == merged[f"{column}_was"].tolist(), column
        assert set(table["series"]) == {name}
        assert merged["obs_status"].tolist() == merged["obs_status_was"].tolist()


def test_open_sdg_is_read_without_bounds_too(folder, tmp_path):
    data = tmp_path / "indicator_16-5-1.csv"
    data.write_bytes((folder / "open_sdg/data/indicator_16-5-1.csv").read_bytes())
    table = open_sdg(data, ref_area="XXA", vintage="2025")
    assert "lower" not in table
    assert set(table["vintage"]) == {"2025"}
    assert set(table["sex"]) == {"_T", "F", "M"}


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("indicator_1-1-1.csv", "Year,SEX,Value\n2025,,1\n", "not Year, disaggregations, Units, Series, Value"),
        ("indicator_1-1-1.csv", "Year,Units,Series,Value\n2025,%,a,1\n2025,%,a,2\n", "same key"),
        ("indicator_1-1-1.csv", "Year,Units,Series,Value\n2025,%,a,many\n", "not a number"),
        ("1-1-1.csv", "Year,Units,Series,Value\n2025,%,a,1\n", "is not indicator_<id>.csv"),
    ],
)
def test_open_sdg_of_another_layout_is_a_fault(tmp_path, name, text, said):
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(Faults, match=said):
        open_sdg(path)


def test_bounds_of_other_rows_are_a_fault(tmp_path):
    for folder, value in (("data", "1"), ("uncertainty", "2")):
        (tmp_path / folder).mkdir()
        more = ",LOWER_BOUND" if folder == "uncertainty" else ""
        (tmp_path / folder / "indicator_1-1-1.csv").write_text(
            f"Year,Units,Series,Value{more}\n2025,%,a,{value}{',0' if more else ''}\n"
        )
    with pytest.raises(Faults, match=r"has other rows than indicator_1-1-1\.csv"):
        open_sdg(tmp_path / "data/indicator_1-1-1.csv")


def test_open_sdg_is_read_by_a_source(folder, tmp_path, inputs, release):
    source = tmp_path / "datasets/theirs/source.toml"
    (source.parent / "data").mkdir(parents=True)
    (source.parent / "uncertainty").mkdir()
    for part in ("data", "uncertainty"):
        text = (folder / f"open_sdg/{part}/indicator_BR-02.csv").read_bytes()
        (source.parent / part / "indicator_BR-02.csv").write_bytes(text)
    names = [
        "series",
        "ref_area",
        "time_period",
        "sex",
        "area",
        "value",
        "std_error",
        "lower",
        "upper",
        "n",
        "unit",
        "obs_status",
        "source",
    ]
    source.write_text(
        'title = "Open SDG of Exampleland"\nproducer = "Office"\nterms = "BSD-3-Clause"\norigin = "Made for a test"\n'
        'shape = "official_series"\npath = "data/indicator_BR-02.csv"\nref_area = "XXA"\ntime_period = "2025"\n'
        '[read]\nreader = "open_sdg"\nref_area = "XXA"\n[columns]\n' + "".join(f"{n} = {{}}\n" for n in names)
    )
    found = um.estimate([inputs.catalogue["FM-01b"]], um.load_dataset(source), by=("sex", "area"), cross=False).table
    wanted = release[release["indicator"] == "BR-02"]
    merged = found.merge(wanted, on=["sex", "area"], suffixes=("", "_was"))
    assert len(merged) == len(found) == len(wanted)
    for column in ("value", "lower", "upper", "std_error"):
        assert merged[column].tolist() == merged[f"{column}_was"].tolist()
    assert set(merged["interval"]) == {"as published"}


def test_metadata_of_open_sdg_is_yaml(folder, inputs):
    import yaml

    meta = yaml.safe_load((folder / "open_sdg/meta/16-5-1.yml").read_text(encoding="utf-8"))
    assert meta["indicator_number"] == "16.5.1"
    assert meta["UNIT_MEASURE"] == "%"
    assert meta["SDG_SERIES"] == "IU_COR_BRIB"
    assert meta["CONTACT_ORGANISATION"] == inputs.office.name
    assert meta["reporting_status"] == "complete"
    other = yaml.safe_load((folder / "open_sdg/meta/BR-02.yml").read_text(encoding="utf-8"))
    assert other["indicator_number"] == "BR-02"


def test_open_sdg_site_builder_reads_the_data(folder):
    """The builder of Open SDG has no release in the index: the package called sdg there makes synthetic data."""
    sdg = pytest.importorskip("sdg", reason="sdg-build cannot be installed from the package index")
    if not hasattr(sdg, "inputs"):
        pytest.skip("the installed package sdg is not the site builder of Open SDG")
    data = sdg.inputs.InputCsvData(path_pattern=str(folder / "open_sdg/data/indicator_*.csv"))
    data.execute()
    assert set(data.indicators) == {"16-5-1", "16-6-1", "BR-02"}


# --- CSV on the Web, Data Package, RO-Crate


def test_csvw_reads_the_estimates(folder, release):
    csvw = pytest.importorskip("csvw", reason="csvw reads the metadata")
    rows = list(csvw.Table.from_file(folder / "estimates.csv-metadata.json"))
    wanted = exchange.publishable(release)
    assert len(rows) == len(wanted)
    for column in ("value", "std_error", "lower"):
        found = [math.nan if row[column] is None else float(row[column]) for row in rows]
        assert np.array_equal(found, wanted[column].to_numpy(float), equal_nan=True), column
    assert [row["n"] for row in rows if row["n"] is not None] == [int(n) for n in wanted["n"].dropna()]
    assert [row["obs_status"] for row in rows] == wanted["obs_status"].tolist()
    assert "inf" in {row["upper"] for row in rows}  # no number in CSV on the Web: declared as text with a format


@pytest.mark.parametrize(
    ("column", "value"), [("obs_status", "Z"), ("n", "many"), ("value", "much"), ("sex", ""), ("upper", "wide")]
)
def test_csvw_and_frictionless_find_a_wrong_cell(folder, tmp_path, column, value):
    csvw = pytest.importorskip("csvw", reason="csvw reads the metadata")
    frictionless = pytest.importorskip("frictionless", reason="frictionless validates the Data Package")
    table = pd.read_csv(folder / "estimates.csv", dtype=str, keep_default_na=False)
    table.loc[1, column] = value
    table.to_csv(tmp_path / "estimates.csv", index=False)
    for name in ("estimates.csv-metadata.json", "datapackage.json"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    with pytest.raises(ValueError, match=rf"{column}|{value}" if value else "required"):
        list(csvw.Table.from_file(tmp_path / "estimates.csv-metadata.json"))
    found = validated(frictionless, tmp_path).flatten(["rowNumber", "fieldName"])
    assert [3, column] in found


def validated(frictionless, folder):
    content = json.loads((folder / "datapackage.json").read_text(encoding="utf-8"))
    return frictionless.Package.from_descriptor(content, basepath=str(folder)).validate()


def test_frictionless_validates_the_package(folder, inputs):
    frictionless = pytest.importorskip("frictionless", reason="frictionless validates the Data Package")
    report = validated(frictionless, folder)
    assert report.valid, report.flatten(["rowNumber", "fieldName", "message"])[:5]
    content = json.loads((folder / "datapackage.json").read_text(encoding="utf-8"))
    (resource,) = content["resources"]
    assert resource["schema"]["primaryKey"] == [*ESTIMATE_KEY, *BREAKDOWNS]
    assert {one["title"] for one in content["licenses"]} == {inputs.sources["population_2025"].terms}
    assert len(content["sources"]) == 2


def test_frictionless_finds_a_double_key(folder, tmp_path):
    frictionless = pytest.importorskip("frictionless", reason="frictionless validates the Data Package")
    lines = (folder / "estimates.csv").read_text(encoding="utf-8").splitlines()
    (tmp_path / "estimates.csv").write_text("\n".join([*lines, lines[-1], ""]), encoding="utf-8")
    (tmp_path / "datapackage.json").write_bytes((folder / "datapackage.json").read_bytes())
    found = validated(frictionless, tmp_path).flatten(["type", "rowNumber"])
    assert found == [["primary-key", len(lines) + 1]]


def test_ro_crate_is_read_and_names_every_file(folder, release):
    crate = pytest.importorskip("rocrate.rocrate", reason="rocrate reads the crate").ROCrate(str(folder))
    files = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert {entity.id for entity in crate.data_entities} == files - {"ro-crate-metadata.json"}
    assert crate.root_dataset["description"].startswith(f"{len(release)} estimates of 3 indicators")
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", crate.root_dataset["datePublished"])


# --- reference metadata


def test_quality_report_gives_the_figures_of_the_release(folder, release, inputs):
    report = json.loads((folder / "quality/BR-01.json").read_text(encoding="utf-8"))
    rows = exchange.publishable(release[release["indicator"] == "BR-01"])
    assert report == json.loads(json.dumps(quality_report(inputs.catalogue["BR-01"], rows, inputs.catalogue,
                                                          inputs.office, inputs.sources)))  # fmt: skip
    concepts = report["concepts"]
    assert [concepts[key]["name"] for key in concepts] == [CONCEPTS[key] for key in concepts]
    (line,) = concepts["S.13.2"]["figures"]
    assert line["rows"] == len(rows)
    assert line["n"] == [float(f"{rows['n'].min():.4g}"), float(f"{rows['n'].max():.4g}")]
    errors = rows["std_error"].dropna()
    assert line["std_error"] == pytest.approx([errors.min(), errors.max()], rel=1e-3)
    total = rows[(rows["ref_area"] == "XXA") & (rows[list(BREAKDOWNS)] == "_T").all(axis=1)].iloc[0]
    everywhere = rows[(rows[list(BREAKDOWNS)] == "_T").all(axis=1)]
    share = 100 * everywhere["n"].sum() / everywhere["n_eligible"].sum()
    assert f"({share:.1f} %)" in concepts["S.13.3"]["text"]
    assert total["n"] > 0
    (time,) = concepts["S.14"]["figures"]
    assert (time["last_period"], time["days_after_end_of_year"]) == ("2025", 327)
    assert "Withheld here: 1 of" in concepts["S.7"]["text"]
    assert "too few" in concepts["S.7"]["text"]


def test_quality_report_as_text_has_the_same_concepts(folder):
    text = (folder / "quality/BR-02.md").read_text(encoding="utf-8")
    report = json.loads((folder / "quality/BR-02.json").read_text(encoding="utf-8"))
    headings = re.findall(r"^## (S\.[\d.]+) (.+)$", text, re.MULTILINE)
    assert headings == [(key, one["name"]) for key, one in report["concepts"].items()]
    assert text.startswith("# BR-02: ")
    assert "| dataset | statistic | rows |" in text
