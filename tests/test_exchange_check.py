"""Files against a structure: each kind of fault is found, with its rows, and all of them at once."""

import pandas as pd
import pytest

import uncac_metrics as um
from uncac_metrics import exchange
from uncac_metrics._data import datasets_folder
from uncac_metrics.builds.plan import gather
from uncac_metrics.exchange.frames import as_text
from uncac_metrics.exchange.sdg import DIMENSIONS
from uncac_metrics.model import Faults
from uncac_metrics.readers.sdmx_data import sdmx
from uncac_metrics.results import combine

EXAMPLE = datasets_folder() / "example" / "datasets"


@pytest.fixture(scope="module")
def inputs():
    return gather()


@pytest.fixture(scope="module")
def published(inputs):
    cards = [inputs.catalogue[key] for key in ("BR-01", "BR-02")]
    whole = ("sex", "age", "area")
    by = {"population_2023": whole, "population_2025": whole, "population_2025_two_phase": ("sex",)}
    tables = [
        um.estimate(cards, um.load_dataset(EXAMPLE / name), by=names, cross=False).table for name, names in by.items()
    ]
    return exchange.publishable(combine(tables))


@pytest.fixture(scope="module")
def own(published, inputs):
    return exchange.own_structure(published, inputs.catalogue, inputs.office, inputs.sources)


@pytest.fixture
def sound(published, own, inputs):
    return as_text(exchange.cells(published, own, inputs.catalogue)).astype("str")


def faults(cells, structure):
    with pytest.raises(Faults) as caught:
        exchange.check_exchange(cells, structure)
    return caught.value.faults


def test_a_release_passes(sound, own):
    assert len(exchange.check_exchange(sound, own)) == len(sound) > 50


def test_wrong_code(sound, own):
    sound.loc[[4, 6], "SEX"] = "female"
    (fault,) = faults(sound, own)
    assert (fault.where, fault.rows, fault.count) == ("SEX", (5, 7), 2)
    assert "'female' is not a code" in fault.what
    assert "F" in fault.remedy


def test_wrong_status(sound, own):
    sound.loc[9, "OBS_STATUS"] = "Z"
    (fault,) = faults(sound, own)
    assert (fault.where, fault.rows) == ("OBS_STATUS", (10,))
    assert "'Z' is not a code" in fault.what


def test_duplicate_key(sound, own):
    double = pd.concat([sound, sound.iloc[[2]]], ignore_index=True)
    (fault,) = faults(double, own)
    assert fault.where.startswith("INDICATOR, DATASET")
    assert (fault.rows, fault.count) == ((3, len(sound) + 1), 2)
    assert "same key" in fault.what


def test_missing_dimension_and_unknown_column(sound, own):
    found = faults(sound.rename(columns={"REF_AREA": "REF_AREAS"}), own)
    assert [(f.where, f.what) for f in found] == [
        ("REF_AREA", "the dimension is missing"),
        ("REF_AREAS", "the structure has no such component"),
    ]
    assert found[0].remedy == "did you mean 'REF_AREAS'?"
    assert found[1].remedy == "did you mean 'REF_AREA'?"


def test_missing_time_and_dimension_without_code(sound, own):
    assert [(f.where, f.what) for f in faults(sound.drop(columns="TIME_PERIOD"), own)] == [
        ("TIME_PERIOD", "the dimension of time is missing")
    ]
    sound.loc[0, "AGE"] = ""
    (fault,) = faults(sound, own)
    assert (fault.where, fault.what, fault.rows) == ("AGE", "is missing", (1,))


def test_values_that_are_no_numbers(sound, own):
    sound.loc[1, "OBS_VALUE"] = "12,5"
    sound.loc[2, "N"] = "3.5"
    assert [(f.where, f.what) for f in faults(sound, own)] == [
        ("OBS_VALUE", "'12,5' is not a number"),
        ("N", "'3.5' is not a whole number"),
    ]


def test_statuses_that_do_not_fit_the_value(sound, own):
    sound.loc[0, "OBS_VALUE"] = ""
    sound.loc[1, "OBS_STATUS"] = "O"
    sound.loc[2, "CONF_STATUS"] = "C"
    by_place = {fault.where: fault for fault in faults(sound, own)}
    assert by_place["OBS_STATUS"].rows == (1, 2)
    assert by_place["CONF_STATUS"].rows == (3,)
    assert len(by_place) == 2


def test_bounds_that_do_not_hold_the_value(sound, own):
    sound.loc[5, "LOWER_BOUND"] = "1e9"
    sound.loc[7, "UPPER_BOUND"] = "-1"
    (fault,) = faults(sound, own)
    assert (fault.where, fault.rows) == ("LOWER_BOUND, UPPER_BOUND", (6, 8))


def test_all_at_once_and_from_a_file(sound, own, tmp_path):
    sound.loc[3, "SEX"] = "X"
    sound.loc[4, "OBS_STATUS"] = "Q7"
    sound.loc[5] = sound.loc[6]
    path = tmp_path / "estimates.csv"
    path.write_bytes(exchange.to_sdmx_csv(sound, own))
    found = faults(path, own)
    assert [fault.where.split(",")[0] for fault in found] == ["SEX", "OBS_STATUS", "INDICATOR"]
    assert [fault.rows for fault in found] == [(4,), (5,), (6, 7)]
    assert {fault.file for fault in found} == {str(path)}


def test_the_three_are_missed_by_the_library_that_reads_the_file(sound, own, tmp_path):
    """Validation of SDMX-ML against the schemas of the standard sees neither codes nor statuses nor keys."""
    pysdmx = pytest.importorskip("pysdmx.io", reason="SDMX-ML needs the extra sdmx")
    sound.loc[3, "SEX"] = "X"
    sound.loc[4, "OBS_STATUS"] = "Z"
    sound.loc[5] = sound.loc[6]
    data, structure = tmp_path / "data.xml", tmp_path / "structure.xml"
    data.write_bytes(exchange.data_xml(sound, own, "3.0", sender="ME", day="2026-01-01"))
    structure.write_bytes(exchange.structure_xml(own, "3.0", sender="ME", day="2026-01-01"))
    assert len(pysdmx.get_datasets(data, structure, validate=True)[0].data) == len(sound)
    assert [fault.where.split(",")[0] for fault in faults(data, structure)] == ["SEX", "OBS_STATUS", "INDICATOR"]


def test_an_open_list_takes_any_code_and_a_closed_one_none_other():
    structure = exchange.sdg_structure()
    row = dict.fromkeys(structure.dimensions, "_T") | {
        "FREQ": "A", "REPORTING_TYPE": "N", "SERIES": "IU_COR_BRIB", "REF_AREA": "484", "AGE": "Y18T29",
        "TIME_PERIOD": "2017", "OBS_VALUE": "14.6", "UNIT_MEASURE": "PT", "UNIT_MULT": "0", "NATURE": "C",
        "OBS_STATUS": "A",
    }  # fmt: skip
    assert len(exchange.check_exchange(pd.DataFrame([row]), structure)) == 1
    found = faults(pd.DataFrame([row | {"SERIES": "IU_COR_BRIP", "REF_AREA": "MEX"}]), structure)
    assert [fault.where for fault in found] == ["SERIES", "REF_AREA"]
    assert found[0].remedy == "did you mean 'IU_COR_BRIB'?"


# --- the SDG structure


def test_rebuilt_structure_has_the_dimensions_of_a_file_in_the_official_one(data_folder):
    """Order of the series key, and codes, of a file in IAEG-SDGs:SDG(1.8)."""
    import re

    text = (data_folder / "data/sdg/sdmx_example_SDG_1_8.xml").read_text(encoding="utf-8")
    keys = [re.findall(r'id="(\w+)" value="(\w+)"', one)
            for one in re.findall(r"<generic:SeriesKey>(.*?)</generic:SeriesKey>", text, re.DOTALL)]  # fmt: skip
    structure = exchange.sdg_structure()
    assert keys
    for key in keys:
        assert tuple(name for name, _ in key) == structure.dimensions[:-1]
        for name, code in key:
            codes = structure.component(name).codes
            if name != "SERIES":  # only series on corruption and governance are in the reference table
                assert codes is None or code in codes, (name, code)


def test_rebuilt_codes_are_those_of_the_constraints(data_folder):
    table = pd.read_csv(data_folder / "data/sdg/sdmx_global_content_constraints.csv", dtype=str, keep_default_na=False)
    structure = exchange.sdg_structure()
    for name in ("SEX", "URBANISATION", "DISABILITY_STATUS", "INCOME_WEALTH_QUANTILE", "UNIT_MULT"):
        used = {code for cell in table[name] for code in cell.split(";")} - {"", "ALL"}
        assert used <= set(structure.component(name).codes), name
    assert set(structure.component("UNIT_MEASURE").codes) <= {
        c for cell in table["UNIT_MEASURE"] for c in cell.split(";")
    }


def test_rebuilt_structure_is_labelled_as_such(published, inputs):
    said = "rebuilt, not the official structure"
    assert said in exchange.sdg_structure().name
    assert not exchange.sdg_structure().official
    made = exchange.release_files(published, inputs.catalogue, inputs.office, inputs.sources, formats=["sdg"])
    assert said in made["sdg/structure.xml"].decode()[:300]
    assert said in made["sdg/estimates.xml"].decode()[:300]
    assert b"UNCAC_METRICS:DF_SDG_REBUILT" in made["sdg/estimates.csv"]
    assert b"IAEG" not in made["sdg/estimates.csv"]


def test_figures_in_the_sdg_structure(published, inputs):
    """Of two data sets of 2025 the larger is taken, breakdowns by area have no place, and both are told."""
    mapped = exchange.sdg_cells(published, inputs.catalogue, inputs.sources, exchange.sdg_structure())
    frame = mapped.frame
    wanted = published[(published["indicator"] == "BR-01") & (published["area"] == "_T")
                       & (published["dataset"] != "population_2025_two_phase")]  # fmt: skip
    assert len(frame) == len(wanted) == 14
    assert set(frame["SERIES"]) == {"IU_COR_BRIB"}
    key = {"SEX": "sex", "AGE": "age", "TIME_PERIOD": "time_period"}
    merged = frame.rename(columns=key).merge(wanted, on=list(key.values()))
    assert len(merged) == 14
    for theirs, ours in {"OBS_VALUE": "value", "LOWER_BOUND": "lower", "UPPER_BOUND": "upper"}.items():
        assert merged[theirs].tolist() == merged[ours].tolist()
    assert set(frame["UNIT_MEASURE"]) == {"PT"}
    assert set(frame["NATURE"]) == {"C"}
    later = frame[frame["TIME_PERIOD"] == "2025"]["COMMENT_OBS"]
    assert later.str.contains("also estimated from population_2025_two_phase").all()
    total = wanted[(wanted["sex"] == "_T") & (wanted["age"] == "_T") & (wanted["time_period"] == "2025")]
    n = int(total["n"].iloc[0])
    assert f"95 % interval (korn_graubard); n = {n}" in set(later.str.split("; also").str[0])
    left = mapped.left_out.set_index(["dataset", "reason"])["rows"]
    assert left["population_2023", "no dimension for area"] == 6
    assert left["population_2025_two_phase", "another data set is taken"] > 0


def test_areas_are_m49_where_the_structure_has_them(published, inputs):
    mexico = published.assign(ref_area="MEX")
    mapped = exchange.sdg_cells(mexico, inputs.catalogue, inputs.sources, exchange.sdg_structure())
    assert set(mapped.frame["REF_AREA"]) == {"484"}
    assert len(exchange.check_exchange(as_text(mapped.frame).astype("str"), exchange.sdg_structure())) == 14
    afghanistan = exchange.sdg_cells(published.assign(ref_area="AFG"), inputs.catalogue, inputs.sources,
                                     exchange.sdg_structure())  # fmt: skip
    assert set(afghanistan.frame["REF_AREA"]) == {"4"}


def test_sdg_file_comes_back_as_published_figures(published, inputs, tmp_path):
    made = exchange.release_files(published.assign(ref_area="MEX"), inputs.catalogue, inputs.office, inputs.sources,
                                  formats=["sdg"])  # fmt: skip
    path = tmp_path / "estimates.csv"
    path.write_bytes(made["sdg/estimates.csv"])
    table = sdmx(path)
    assert set(table["series"]) == {"IU_COR_BRIB"}
    assert set(table["ref_area"]) == {"MEX"}
    assert set(table["unit"]) == {"%"}
    assert set(table["age"]) == {"_T", "Y18T29", "Y30T44", "Y45T64", "Y_GE65"}
    assert (table["lower"] < table["value"]).all()
    assert (table["value"] < table["upper"]).all()


def test_a_file_in_the_official_structure_is_read(data_folder):
    """Generic data of SDMX-ML 2.1 against IAEG-SDGs:SDG(1.8): values as the file has them."""
    pytest.importorskip("pysdmx", reason="SDMX-ML needs the extra sdmx")
    table = sdmx(data_folder / "data/sdg/sdmx_example_SDG_1_8.xml")
    first = table[(table["sex"] == "_T") & (table["series"] == "SI_POV_DAY1")]
    figures = first.set_index("time_period")["value"].to_dict()
    assert (figures["2020"], figures["2021"]) == (100.0, 120.0)
    assert set(table["ref_area"]) == {"GBR"}
    assert set(table["m49"]) == {"826"}
    assert set(table["unit"]) == {"%"}
    assert set(table["nature"]) == {"_X"}


def test_an_official_structure_file_takes_the_place_of_the_rebuilt_one(published, inputs, tmp_path):
    """A file with another age list: codes that it lacks are left out, and it names the agency of its file."""
    from dataclasses import replace

    pytest.importorskip("pysdmx", reason="SDMX-ML needs the extra sdmx")
    rebuilt = exchange.sdg_structure()
    ages = {"_T": "Total", "Y18T29": "18 to 29"}
    parts = tuple(replace(one, codes=ages, codelist="CL_AGE") if one.id == "AGE" else one for one in rebuilt.components)
    path = tmp_path / "dsd.xml"
    given = replace(
        rebuilt, agency="IAEG-SDGs", id="SDG", version="1.8", dataflow="DF_SDG_GLH", components=parts, official=True
    )
    path.write_bytes(exchange.structure_xml(given, "2.1", sender="ME", day="2026-01-01"))
    made = exchange.release_files(published, inputs.catalogue, inputs.office, inputs.sources, formats=["sdg"],
                                  structure=path)  # fmt: skip
    assert sorted(made) == ["sdg/estimates.csv", "sdg/estimates.xml", "sdg/left_out.csv"]
    text = made["sdg/estimates.csv"].decode()
    assert "IAEG-SDGs:DF_SDG_GLH(1.8)" in text
    assert "Y18T29" in text
    assert "Y30T44" not in text
    assert "no code of AGE for this age" in made["sdg/left_out.csv"].decode()


def test_dimensions_of_ours_are_dimensions_of_theirs():
    structure = exchange.sdg_structure()
    assert set(DIMENSIONS.values()) <= set(structure.dimensions)
    assert DIMENSIONS["income"] == "INCOME_WEALTH_QUANTILE"
