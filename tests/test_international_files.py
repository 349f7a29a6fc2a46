"""Readers on the real files, and their tables as input shapes; see ``UNCAC_METRICS_DATA``.

Expected figures are those of the files themselves as published (CPI 2023, WGI release of 2024, V-Dem, SDG database of
October 2020), counts of rows that were made independently of the readers, and for surveys the tables that the
sources in ``tests/offices`` map by rules of their own.
"""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from uncac_metrics import identities, load_dataset, readers
from uncac_metrics.readers.unodc import corruption_figures
from uncac_metrics.reference.names import harmonise
from uncac_metrics.tables import validate

pytest.importorskip("python_calamine")
OFFICES = Path(__file__).parent / "offices"
DATASETS = sorted(p.parent.name for p in (OFFICES / "international").glob("datasets/*/source.toml"))


@pytest.fixture(scope="module")
def data(data_folder):
    return data_folder / "data"


@pytest.fixture(scope="module")
def cts(data):
    return readers.read(data / "unodc/data_cts_corruption_and_economic_crime.xlsx", {"reader": "un_cts"})


def sdg(data, series):
    (path,) = (data / "sdg").glob(f"ddf--datapoints--{series}--*.csv")
    return readers.read(path, {"reader": "un_sdg", "vintage": "2020-10"})


def values(table, area, column="value", **more):
    rows = table[table["ref_area"] == area]
    for name, code in more.items():
        rows = rows[rows[name] == code]
    return dict(zip(rows["time_period"], rows[column], strict=True))


# --- UN-CTS, export of 16 May 2024


def test_un_cts_counts_of_corruption(cts):
    assert len(cts) == 22_754 and set(cts["vintage"]) == {"2024-05-16"}
    counts = cts[cts["unit"] == "Counts"]
    for crime, rows, areas in (("0703", 637, 104), ("07031", 665, 104), ("0703-07031", 561, 90)):
        of = counts[counts["crime"] == crime]
        assert (len(of), of["ref_area"].nunique()) == (rows, areas)
        assert of["value"].notna().all()
    assert set(counts.loc[counts["crime"] == "0703", "time_period"]) == {str(y) for y in range(2013, 2023)}


def test_un_cts_corruption_is_not_always_the_sum_of_its_parts(cts):
    figures = corruption_figures(cts)
    found = identities.check(figures)
    assert (len(figures), len(found), int((~found["holds"]).sum())) == (734, 517, 28)
    assert not (figures["bribery"] > figures["corruption"]).any()


def test_un_cts_areas_and_spelling(cts):
    part = cts.loc[cts["area_status"] == "part", "area_code"]
    assert part.value_counts().to_dict() == {"GBR_S": 304, "GBR_NI": 154, "GBR_E_W": 146, "IRQ_C": 30}
    assert set(cts.loc[cts["area_status"] == "unlisted", "area_code"]) == {"XKX"}
    mended = cts["category"] != cts["category_written"]
    assert cts.loc[mended, "category"].nunique() == 4
    assert not cts["category"].str.contains("faune|of degradation|movement of dumping").any()
    assert "MoI/CTS" not in set(cts["source"]) and {"CTS/MoI", "CTS/PPR"} <= set(cts["source"])


def test_un_cts_latest_rates(cts):
    rates = cts[(cts["crime"] == "0703") & (cts["unit"] != "Counts")]
    latest = rates.sort_values("time_period").groupby("ref_area").tail(1)
    assert round(latest["value"].median(), 1) == 5.3
    highest = latest.nlargest(6, "value")
    assert highest["ref_area"].tolist() == ["MCO", "SWE", "BHS", "MDV", "FIN", "CRI"]
    assert highest["value"].round().tolist() == [1562, 185, 131, 115, 66, 63]


# --- UN SDG, release of October 2020


def test_un_sdg_bribery(data):
    people, firms = sdg(data, "iu_cor_brib"), sdg(data, "ic_frm_brib")
    mexico = values(people, "MEX", sex="_T")
    assert [mexico[y] for y in ("2013", "2015", "2017")] == [12.1, 12.6, 14.6]
    kenya = values(firms, "KEN")
    assert [round(kenya[y], 1) for y in ("2007", "2013", "2018")] == [42.0, 26.4, 23.9]
    assert values(people, "NGA", sex="F")["2016"] == 26.6 and values(people, "NGA", sex="M")["2016"] == 37.1
    assert (len(people), people["ref_area"].nunique(), len(firms)) == (123, 39, 286)


def test_un_sdg_agrees_with_the_shipped_data_sets(data):
    shipped = load_dataset("sdg_16_5_1").table
    read = sdg(data, "iu_cor_brib").replace({"ref_area": {"412": "XKX"}})
    key = ["ref_area", "time_period", "sex"]
    both = shipped.astype(dict.fromkeys(key, "str")).merge(read, on=key)
    assert len(both) == len(shipped) == 123
    assert (both["value_x"] == both["value_y"]).all()


def test_un_cts_agrees_with_the_shipped_data_set(cts):
    shipped = load_dataset("un_cts_corruption").table
    unit = cts["unit"].map({"Counts": "_COUNT", "Rate per 100,000 population": "_RATE"})
    read = cts.assign(series="CTS_" + cts["crime"] + unit)
    key = ["series", "ref_area", "time_period"]
    both = shipped.astype(dict.fromkeys(key, "str")).merge(read, on=key)
    assert len(both) == len(shipped) == 204
    np.testing.assert_allclose(both["value_x"], both["value_y"], rtol=1e-14)
    for name, of_whom in (("sdg_16_5_1", 15), ("sdg_16_5_2", 45)):  # at most three years from a survey
        surveys = load_dataset(name).table.query("sex == '_T'").astype({"ref_area": "str"})
        rates = shipped[shipped["series"] == "CTS_07031_RATE"].astype({"ref_area": "str"})
        pairs = surveys.merge(rates, on="ref_area", suffixes=("", "_cts"))
        apart = (pairs["time_period"].astype(int) - pairs["time_period_cts"].astype(int)).abs()
        assert pairs.loc[apart <= 3, "ref_area"].nunique() >= of_whom


@pytest.mark.parametrize(
    ("name", "path", "options", "rows"),
    [
        ("wgi_control_of_corruption", "wgi/wgidataset_1996_2023.xlsx", {"reader": "wgi"}, 48),
        ("cpi", "cpi/CPI2023_Global_Results__Trends.xlsx", {"reader": "cpi", "part": "series"}, 36),
    ],
)
def test_shipped_ratings_are_those_published(data, name, path, options, rows):
    shipped = load_dataset(name).table
    key = ["ref_area", "time_period", "item"]
    both = shipped.astype(dict.fromkeys(key, "str")).merge(readers.read(data / path, options), on=key)
    assert len(both) == len(shipped) == rows
    for column in ("score", "std_error", "n_sources"):
        np.testing.assert_allclose(both[f"{column}_x"], both[f"{column}_y"].astype(float), rtol=1e-6)


def test_every_extract_of_the_database_is_read(data):
    paths = sorted((data / "sdg").glob("ddf--datapoints--*.csv"))
    assert len(paths) == 39
    for path in paths:
        table = readers.read(path, {"reader": "un_sdg"})
        assert len(table) == len(path.read_text(encoding="utf-8").splitlines()) - 1
        assert "unknown" not in set(table["area_status"])


# --- ratings


def test_wgi(data):
    table = readers.read(data / "wgi/wgidataset_1996_2023.xlsx", {"reader": "wgi"})
    assert len(table) == 32_100 and table["item"].value_counts().to_dict() == dict.fromkeys(
        ("cc", "ge", "pv", "rl", "rq", "va"), 5350)  # fmt: skip
    cc = table[table["item"] == "cc"]
    published = {"DNK": (2.3761, 0.1669, 9), "KEN": (-0.7709, 0.1520, 13), "SOM": (-1.7328, 0.1844, 8)}
    for area, (score, error, sources) in published.items():
        row = cc[(cc["ref_area"] == area) & (cc["time_period"] == "2023")].iloc[0]
        assert (round(row["score"], 4), round(row["std_error"], 4), row["n_sources"]) == (score, error, sources)
    changed = table.loc[table["area_code"] != table["ref_area"], ["area_code", "ref_area"]].drop_duplicates()
    assert dict(changed.to_numpy()) == {"ADO": "AND", "ROM": "ROU", "TMP": "TLS", "WBG": "PSE", "ZAR": "COD"}
    assert int(table["score"].isna().sum() > 0) and (table["rank_lower"] <= table["rank"])[table["rank"].notna()].all()


def test_cpi(data):
    path = data / "cpi/CPI2023_Global_Results__Trends.xlsx"
    scores = readers.read(path, {"reader": "cpi"})
    published = pd.read_csv(data / "checks/gt_cpi2023_all.csv").set_index("ISO3")
    ours = scores.set_index("ref_area").loc[published.index]
    for column, name in (("score", "CPI score 2023"), ("std_error", "Standard error"), ("lower", "Lower CI"),
                         ("upper", "Upper CI"), ("n_sources", "Number of sources")):  # fmt: skip
        assert np.allclose(ours[column], published[name], rtol=0, atol=1e-9)
    sources = readers.read(path, {"reader": "cpi", "part": "sources"})
    counted = sources.groupby("ref_area").size()
    assert (counted == scores.set_index("ref_area")["n_sources"].loc[counted.index]).all()
    series = readers.read(path, {"reader": "cpi", "part": "series"})
    assert sorted(set(series["time_period"])) == [str(y) for y in range(2012, 2024)]
    assert values(series, "DNK", "score")["2012"] == 90


def test_vdem(data):
    table = readers.read(data / "vdem/owid_vdem_political_corruption_index_ci_1789_2022.csv", {"reader": "vdem"})
    row = table[(table["ref_area"] == "KEN") & (table["time_period"] == "2022")].iloc[0]
    assert [round(row[c], 3) for c in ("score", "lower", "upper")] == [0.585, 0.496, 0.646]
    assert {"OWID_GDR", "OWID_KOS"} <= set(table.loc[table["m49"] == "", "area_code"])


def test_wjp(data):
    table = readers.read(data / "other/wjp_rol_historical_2020.xlsx", {"reader": "wjp"})
    assert sorted(set(table["method_version"])) == ["2012-2013", "2014", "2015", "2016", "2017-2018", "2019", "2020"]
    overall = table[(table["item"] == "0") & (table["time_period"] == "2020")]
    assert len(overall) == 128 and set(overall["area_status"]) == {"country", "unlisted"}
    third = table[table["item"] == "3"].groupby("method_version")["item_name"].first()
    assert third["2012-2013"] == "Order and Security" and third["2020"] == "Open Government"
    assert set(table.loc[table["area_code"] == "SLN", "ref_area"]) == {"SLE"}


def test_freedom_in_the_world(data):
    table = readers.read(data / "other/fiw_1973_2020.xlsx", {"reader": "freedom_in_the_world"})
    status = table[(table["item"] == "Status") & (table["kind"] == "country") & (table["time_period"] == "2019")]
    assert status["rating"].value_counts().to_dict() == {"F": 83, "PF": 63, "NF": 49}  # the file's own count
    assert table.loc[table["area_name"] == "South Africa", "rating"].iloc[0] == "2(5)"
    assert {"USSR", "Yugoslavia", "Germany, E."} <= set(table.loc[table["area_status"] == "historical", "area_name"])
    assert set(table.loc[table["area_status"] == "ambiguous", "area_name"]) == {"Micronesia"}


def test_cpia(data):
    table = readers.read(data / "other/wb_cpia_2005_2019.xlsx", {"reader": "cpia"})
    assert table["item"].nunique() == 21 and table["score"].between(1, 6).all()
    zimbabwe = values(table, "ZWE", "score", item="IQ.CPA.TRAN.XQ")
    assert (zimbabwe["2005"], zimbabwe["2019"]) == (1.5, 2.5)


def test_gcb(data):
    path = data / "gcb/GCB2013_Data.xls"
    table = readers.read(path, {"reader": "gcb"})
    any_service = table[table["item"].str.startswith("Have you paid")]
    assert values(any_service, "001") == {"2013": 27}
    police = table[(table["table"] == 1) & (table["item"] == "Police")]
    assert values(police, "AFG") == {"2013": 51} and len(police) == 96
    for question in range(1, 13):
        read = readers.read(path, {"reader": "gcb", "question": f"Q{question}"})
        assert set(read["area_status"]) == {"country", "region", "unlisted"} and read["value"].ge(0).all()


# --- surveys: the reader gives what the rules of a source give


def same(read, mapped, columns):
    for column in columns:
        left, right = (t[column].to_numpy(np.float64, na_value=np.nan) for t in (read, mapped))
        assert np.array_equal(left, right, equal_nan=True), column


def test_afrobarometer(data):
    read = readers.read(data / "surveys/afrobarometer_tunisia_r7_2018.sav", {"reader": "afrobarometer"})
    mapped = load_dataset(OFFICES / "tunisia_2018/datasets/tunisia_2018").table
    same(read, mapped, [c for c in read if c != "respondent"])
    users = read[read["contact__police"] == 1]
    assert round(100 * np.average(users["paid__police"].astype(float), weights=users["weight"]), 2) == 15.07


@pytest.mark.parametrize(("dataset", "policy"), [("ecuador_2010", "ignore"), ("ecuador_2010_strict", "strict")])
def test_americasbarometer(data, dataset, policy):
    options = {"reader": "americasbarometer", "open_answers": policy}
    read = readers.read(data / "surveys/lapop_ecuador_2010.sav", options)
    mapped = load_dataset(OFFICES / "ecuador_2010/datasets" / dataset).table
    same(read, mapped, [c for c in read if c in mapped and c not in ("stratum", "psu")])
    assert read["stratum"].nunique() == 6 and read["psu"].nunique() == 78


def test_inegi(data):
    table = readers.read(data / "surveys/encuci2020_sec4_5.csv.gz", {"reader": "inegi"})
    assert (len(table), table["stratum"].nunique(), table["psu"].nunique()) == (21_519, 281, 3_096)
    assert table["weight"].sum() == 96_427_583
    assert table["stratum"].str.len().eq(3).all()


# --- procurement


def test_digiwhist(data):
    table = readers.read(data / "procurement/malta_ted_digiwhist_proact.csv", {"reader": "digiwhist"})
    assert len(table) == 3_175 and table["tender"].nunique() == 2_314
    assert int((table["bids"] == 1).sum()) == 523
    assert set(table["ref_area"]) == {"MLT"} and (table["counterpart"] == "GBR").sum() == 99
    assert table["notice"].sum() == 1_602


def test_ocds(data):
    pytest.importorskip("ocdsmerge")
    folder = data / "procurement"
    path = folder / "ocds_fictional_1_1_release_package.json"
    (fictional,) = readers.read(path, {"reader": "ocds"}).to_dict("records")
    assert (fictional["date_deadline"], fictional["bids"]) == ("2010-04-08", 2)  # of the amended tender and the award
    assert (fictional["estimate"], fictional["value"], fictional["currency"]) == (1_100_000, 11_000_000, "GBP")
    assert (fictional["buyer"], fictional["counterpart"]) == ("GB-LAC-E09000003", "GBR")
    (portland,) = readers.read(folder / "ocds_portland_first_record.json", {"reader": "ocds"}).to_dict("records")
    assert (portland["value"], portland["final_value"], portland["bids"]) == (391_600, 487_280, 1)


# --- as input shapes


@pytest.mark.parametrize("dataset", DATASETS)
def test_every_reader_can_be_mapped_to_its_shape(data_folder, dataset):
    if dataset == "contracts_open":
        pytest.importorskip("ocdsmerge")
    loaded = load_dataset(OFFICES / "international/datasets" / dataset)
    assert validate(loaded.table, loaded.shape) is loaded.table
    assert len(loaded.table) and loaded.flags == ()


def test_surveys_need_no_rules_of_their_own(data, tmp_path):
    keys = 'title = "t"\nproducer = "p"\nterms = "t"\norigin = "o"\nshape = "population_survey"\nref_area = "TUN"\n'
    files = {"afrobarometer": "afrobarometer_tunisia_r7_2018.sav", "americasbarometer": "lapop_ecuador_2010.sav"}
    for reader, name in files.items():
        path = f'time_period = "2018"\npath = "{data / "surveys" / name}"\n[read]\nreader = "{reader}"\n'
        (tmp_path / "source.toml").write_text(keys + path)
        assert load_dataset(tmp_path).table["weight"].gt(0).all()


# --- names


def test_names_of_all_files_are_known(data):
    """Neither a code nor a name in any of the files is unknown to the tables."""
    found = set()
    named = {"un_cts": "unodc/data_cts_corruption_and_economic_crime.xlsx", "wgi": "wgi/wgidataset_1996_2023.xlsx",
             "cpi": "cpi/CPI2023_Global_Results__Trends.xlsx", "wjp": "other/wjp_rol_historical_2020.xlsx",
             "freedom_in_the_world": "other/fiw_1973_2020.xlsx", "cpia": "other/wb_cpia_2005_2019.xlsx",
             "vdem": "vdem/owid_vdem_political_corruption_index_ci_1789_2022.csv",
             "gcb": "gcb/GCB2013_Data.xls"}  # fmt: skip
    for reader, path in named.items():
        table = readers.read(data / path, {"reader": reader})
        found |= set(table["area_code"]) | set(table["area_name"])
    found |= set(readers.read(data / "sdg/ddf--entities--geo_area.csv").to_numpy().ravel())
    _, report = harmonise(sorted(found))
    unknown = report.loc[report["how"] == "unknown", "written"].tolist()
    assert len(report) > 900 and unknown == []
