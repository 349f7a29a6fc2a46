"""Readers of known layouts on small files made here: what they give, and what they say of another layout.

The files follow the layouts of the real ones cell by cell; their numbers are invented.
"""

import gzip
import json
from csv import writer

import numpy as np
import pandas as pd
import pytest

from uncac_metrics import identities, readers
from uncac_metrics.model import Faults
from uncac_metrics.readers.procurement import DIGIWHIST
from uncac_metrics.readers.unodc import corruption_figures, sex_figures

pytest.importorskip("python_calamine")
openpyxl = pytest.importorskip("openpyxl")


def workbook(path, **sheets):
    """A workbook of the given sheets; in their names ``_`` is a blank."""
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        page = book.create_sheet(name.replace("_", " "))
        for row in rows:
            page.append(row)
    book.save(path)
    return path


def csv(path, rows):
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer(stream).writerows(rows)
    return path


def faults_of(path, **options):
    with pytest.raises(Faults) as caught:
        readers.read(path, options)
    assert all(f.file == str(path) and f.what for f in caught.value.faults)
    return caught.value.faults


def said(faults):
    return " | ".join(str(f) for f in faults)


def cells(table, *columns):
    held = table[list(columns)]
    return [[None if pd.isna(v) else v for v in row] for row in held.astype(object).to_numpy().tolist()]


# --- UN-CTS

HEAD = ["Iso3_code", "Country", "Region", "Subregion", "Indicator", "Dimension", "Category", "Sex", "Age", "Year",
        "Unit of measurement", "VALUE", "Source"]  # fmt: skip
PREAMBLE = [["UNODC", "unodc_ddds@un.org"], ["16/05/2024"]]


def offence(code, name, category, value, *, year=2018, unit="Counts", sex="Total", source="CTS"):
    place = [code, name, "Region", "Subregion", "Offences", "by type of offence"]
    return [*place, category, sex, "Total", year, unit, value, source]


SPECIES = "Trade or possession of protected or prohibited species of faune and flora"
OFFENCES = [
    offence("KEN", "Kenya", "Corruption", 10, source="MoI/CTS"),
    offence("KEN", "Kenya", "Corruption: Bribery", 4),
    offence("KEN", "Kenya", "Corruption: Other acts of corruption", 5),
    offence("KEN", "Kenya", "Corruption", 0.02, unit="Rate per 100,000 population"),
    offence("FIN", "Finland", "Corruption", "1,234"),
    offence("FIN", "Finland", "Corruption: Bribery", "1,234"),
    offence("FIN", "Finland", "Corruption: Other acts of corruption", 0),
    offence("GBR_E_W", "United Kingdom (England and Wales)", "Corruption", 7),
    offence("XKX", "Kosovo under UNSCR 1244", SPECIES, 3),
]


CLASSES = ["0703", "07031", "0703-07031"]


@pytest.fixture(params=["csv", "xlsx"])
def cts(request, tmp_path):
    def write(rows=OFFENCES, head=HEAD, preamble=PREAMBLE):
        rows = [*preamble, head, *rows]
        path = tmp_path / f"cts.{request.param}"
        return csv(path, rows) if request.param == "csv" else workbook(path, data_cts=rows)

    return write


def test_women_and_men_of_un_cts_add_to_the_total(cts):
    def persons(indicator, year, *values):
        rows = (offence("KEN", "Kenya", "Bribery", v, year=year, sex=s) for s, v in values)
        return [[*row[:4], indicator, "by selected crime", *row[6:]] for row in rows]

    whole = ("Total", 10), ("Female", 3), ("Male", 7)
    rows = [
        *persons("Persons prosecuted", 2018, *whole), *persons("Persons convicted", 2018, *whole[:2], ("Male", 8)),
        *persons("Persons prosecuted", 2019, *whole[:2]),
    ]  # fmt: skip
    figures = sex_figures(readers.read(cts([*OFFENCES, *rows]), {"reader": "un_cts"}))
    bribery = figures.xs("Bribery", level="category")
    assert len(bribery) == 3 and bribery["men"].isna().sum() == 1
    found = identities.check(figures)
    assert [row[1:3] for row in found["row"]] == [("2018", "Persons convicted"), ("2018", "Persons prosecuted")]
    assert found[["published", "implied", "holds"]].values.tolist() == [[10, 11, False], [10, 10, True]]


def test_un_cts(cts):
    table = readers.read(cts(), {"reader": "un_cts"})
    assert cells(table, "ref_area", "m49", "area_status") == [
        ["KEN", "404", "country"]] * 4 + [["FIN", "246", "country"]] * 3 + [
        ["GBR_E_W", "", "part"], ["XKX", "", "unlisted"]]  # fmt: skip
    assert table["value"].tolist() == [10, 4, 5, 0.02, 1234, 1234, 0, 7, 3]
    assert table["crime"].tolist() == [*CLASSES, "0703", *CLASSES, "0703", ""]
    assert set(table["source"]) == {"CTS", "CTS/MoI"} and set(table["vintage"]) == {"2024-05-16"}
    assert set(table["time_period"]) == {"2018"} and set(table["sex"]) == set(table["age"]) == {"_T"}
    assert "fauna and flora" in table["category"].iloc[-1] and "faune" in table["category_written"].iloc[-1]
    figures = corruption_figures(table)
    assert figures.loc[("KEN", "2018")].tolist() == [10, 4, 5]
    found = identities.check(figures)
    assert cells(found, "row", "holds") == [[("FIN", "2018"), True], [("KEN", "2018"), False]]


def test_un_cts_without_its_preamble(cts):
    path = cts(preamble=[])
    assert set(readers.read(path, {"reader": "un_cts"})["vintage"]) == {""}
    assert set(readers.read(path, {"reader": "un_cts", "vintage": "2022-06-06"})["vintage"]) == {"2022-06-06"}


def test_un_cts_of_another_vintage_than_said(cts):
    (fault,) = faults_of(cts(), reader="un_cts", vintage="2022-06-06")
    assert fault.where == "vintage" and "2024-05-16" in fault.what


def test_un_cts_names_what_changed_in_the_header(cts):
    head = [{"VALUE": "Value", "Source": "Provider"}.get(h, h) for h in HEAD]
    faults = faults_of(cts(head=head), reader="un_cts")
    assert [f.where for f in faults] == ["VALUE", "Source", "Value", "Provider"]
    assert "missing" in faults[0].what and "not a column" in faults[2].what
    (fault,) = faults_of(cts(head=["ISO", "Country", "Area", "Year"]), reader="un_cts")
    assert fault.where == "header" and "is the header 'Iso3_code', 'Country'" in fault.what
    assert "row 3 has 'ISO', 'Country', 'Area', 'Year'" in fault.what


@pytest.mark.parametrize(
    ("row", "words"),
    [(offence("KEN", "Kenya", "Fraud", "n/a"), "'n/a': not a number (1 row: 10)"),
     (offence("KEN", "Kenya", "Fraud", "1,23"), "'1,23': not a number"),
     (offence("KEN", "Kenya", "Fraud", 1, year="2018/19"), "'2018/19': not a year"),
     (offence("KEN", "Kenya", "Fraud", 1, sex="All"), "'All' is not a code"),
     (OFFENCES[0], "rows have the same key, such as KEN"),
     (offence("UGA", "Kenya", "Fraud", 1), "'UGA beside Kenya': code and name are of two areas")],
)  # fmt: skip
def test_un_cts_names_rows_that_cannot_be(cts, row, words):
    assert words in said(faults_of(cts([*OFFENCES, row]), reader="un_cts"))


def test_un_cts_with_something_else_above_the_header(cts):
    assert "'Notes'" in said(faults_of(cts(preamble=[["Notes"], *PREAMBLE]), reader="un_cts"))


def test_un_cts_decides_areas(cts):
    table = readers.read(cts(), {"reader": "un_cts", "areas": {"GBR_E_W": "GBR"}})
    assert table["ref_area"].tolist()[7] == "GBR" and table["area_status"].tolist()[7] == "country"


# --- UN SDG

EXPORT = ["Goal", "Target", "Indicator", "SeriesCode", "SeriesDescription", "GeoAreaCode", "GeoAreaName", "TimePeriod",
          "Value", "[Nature]", "[Sex]", "[Units]"]  # fmt: skip


def figure(code, name, value, sex="BOTHSEX", year=2017):
    return [16, 16.5, "16.5.1", "IU_COR_BRIB", "Bribery", code, name, year, value, "C", sex, "PERCENT"]


def test_un_sdg_export(tmp_path):
    rows = [figure(484, "Mexico", 14.6), figure(484, "Mexico", 13, "FEMALE"), figure(1, "World", "<20"),
            figure(412, "Kosovo", "NaN"), figure(8, "Albania", ">95")]  # fmt: skip
    table = readers.read(csv(tmp_path / "sdg.csv", [EXPORT, *rows]), {"reader": "un_sdg", "areas": {"412": "XKX"}})
    assert cells(table, "ref_area", "sex", "value", "lower", "upper", "area_status") == [
        ["MEX", "_T", 14.6, None, None, "country"], ["MEX", "F", 13, None, None, "country"],
        ["001", "_T", None, None, 20, "region"], ["XKX", "_T", None, None, None, "decision"],
        ["ALB", "_T", None, 95, None, "country"]]  # fmt: skip
    assert set(table["unit"]) == {"%"} and set(table["nature"]) == {"C"} and set(table["indicator"]) == {"16.5.1"}


def observation(**more):
    return {"indicator": ["16.5.1"], "series": "IU_COR_BRIB", "geoAreaCode": "404", "geoAreaName": "Kenya",
            "timePeriodStart": 2018.0, "value": "23.9", "dimensions": {"Sex": "MALE", "Reporting Type": "G"},
            "attributes": {"Nature": "C", "Units": "PERCENT"}} | more  # fmt: skip


def test_un_sdg_answer_of_the_api(tmp_path):
    path = tmp_path / "sdg.json"
    path.write_text(json.dumps({"totalElements": 1, "data": [observation()]}))
    table = readers.read(path, {"reader": "un_sdg", "vintage": "2026"})
    assert cells(table, "ref_area", "time_period", "sex", "value", "unit", "vintage", "reporting_type") == [
        ["KEN", "2018", "M", 23.9, "%", "2026", "G"]]  # fmt: skip
    path.write_text(json.dumps({"totalElements": 9, "data": [observation()]}))
    assert "holds 1 of 9 observations" in said(faults_of(path, reader="un_sdg"))
    path.write_text(json.dumps({"data": []}))
    assert "no list of observations" in said(faults_of(path, reader="un_sdg"))
    short = observation()
    del short["value"]
    path.write_text(json.dumps({"data": [short]}))
    assert [f.where for f in faults_of(path, reader="un_sdg")] == ["value"]


def test_un_sdg_ddf_takes_names_from_the_file_beside_it(tmp_path):
    csv(tmp_path / "ddf--entities--geo_area.csv", [["geo_area", "name"], ["484", "Mexico"]])
    name = "ddf--datapoints--iu_cor_brib--by--geo_area--nature--sex--units--year.csv"
    path = csv(tmp_path / name, [["geo_area", "nature", "sex", "units", "year", "iu_cor_brib"],
                                 ["484", "notspec", "bothsex", "percent", "2017", "14.6"]])  # fmt: skip
    table = readers.read(path, {"reader": "un_sdg"})
    assert cells(table, "area_name", "series", "nature", "value") == [["Mexico", "IU_COR_BRIB", "NA", 14.6]]


@pytest.mark.parametrize(
    ("rows", "words"),
    [([["geo", "year"], [1, 2]], "is neither the export"),
     ([EXPORT, figure(484, "Mexico", "about 3")], "'about 3': not a number"),
     ([EXPORT, figure(484, "Mexico", 1), figure(484, "Mexico", 2)], "rows have the same key"),
     ([EXPORT, figure(484, "Mexico", 1, "BOTH")], "'both' is not a code")],
)  # fmt: skip
def test_un_sdg_faults(tmp_path, rows, words):
    assert words in said(faults_of(csv(tmp_path / "sdg.csv", rows), reader="un_sdg"))


# --- ratings

WGI = ["codeindyr", "code", "countryname", "year", "indicator", "estimate", "stddev", "nsource", "pctrank",
       "pctranklower", "pctrankupper"]  # fmt: skip


def test_wgi(tmp_path):
    rows = [WGI, ["ROMcc1996", "ROM", "Romania", 1996, "cc", -0.2, 0.2, 5, 50, 40, 60],
            ["KSVcc1996", "KSV", "Kosovo", 1996, "cc", *[".."] * 6]]  # fmt: skip
    table = readers.read(workbook(tmp_path / "wgi.xlsx", Sheet1=rows), {"reader": "wgi"})
    assert cells(table, "ref_area", "item", "score", "std_error", "n_sources", "rank_upper") == [
        ["ROU", "cc", -0.2, 0.2, 5, 60], ["KSV", "cc", None, None, None, None]]  # fmt: skip


@pytest.mark.parametrize(
    ("rows", "words"),
    [([["Country/Territory", "Code", "Estimate"], ["Kenya", "KEN", 1]], "is the header 'codeindyr'"),
     ([WGI, ["KENcc1997", "KEN", "Kenya", 1996, "cc", 1, 1, 1, 1, 1, 1]], "'KENcc1997': not code, indicator and year"),
     ([WGI, ["KENco1996", "KEN", "Kenya", 1996, "co", 1, 1, 1, 1, 1, 1]], "'co' is not a code"),
     ([WGI, ["KENcc1996", "KEN", "Kenya", 1996, "cc", "NA", 1, 1, 1, 1, 1]], "estimate: 'NA': not a number (1 row: 1)"),
     ([[*WGI, "extra"], [1] * 12], "extra: is not a column of this layout")],
)  # fmt: skip
def test_wgi_faults(tmp_path, rows, words):
    assert words in said(faults_of(workbook(tmp_path / "wgi.xlsx", Sheet1=rows), reader="wgi"))


CPI = ["Country / Territory", "ISO3", "Region", "CPI score 2023", "Rank", "Standard error", "Number of sources",
       "Lower CI", "Upper CI", "World Bank CPIA"]  # fmt: skip
CPI_ROWS = [["Corruption Perceptions Index"], [], [], CPI,
            ["Denmark", "DNK", "WE/EU", 90, 1, 1.8, 8, 87, 93, None],
            ["Kosovo", "KSV", "ECA", 41, 60, 2.1, 6, 37.5, 44.5, 40.2]]  # fmt: skip
CPI_SERIES = [["Country / Territory", "ISO3", "Region", "CPI score 2023", "Sources 2023", "Standard error 2023",
               "CPI Score 2012", "Sources 2012", "Standard error 2012"],
              ["Denmark", "DNK", "WE/EU", 90, 8, 1.8, 90, 7, 2], ["Fiji", "FJI", "AP", 52, 3, 2]]  # fmt: skip


def test_cpi(tmp_path):
    path = workbook(tmp_path / "cpi.xlsx", **{"CPI 2023": CPI_ROWS, "CPI Timeseries 2012 - 2023": CPI_SERIES})
    table = readers.read(path, {"reader": "cpi"})
    assert cells(table, "ref_area", "time_period", "item", "score", "std_error", "lower", "upper", "n_sources") == [
        ["DNK", "2023", "CPI", 90, 1.8, 87, 93, 8], ["KSV", "2023", "CPI", 41, 2.1, 37.5, 44.5, 6]]  # fmt: skip
    sources = readers.read(path, {"reader": "cpi", "part": "sources"})
    assert cells(sources, "ref_area", "item", "score") == [["KSV", "World Bank CPIA", 40.2]]
    series = readers.read(path, {"reader": "cpi", "part": "series"})
    assert cells(series, "ref_area", "time_period", "score") == [
        ["DNK", "2012", 90], ["DNK", "2023", 90], ["FJI", "2023", 52]]  # fmt: skip
    assert "part" in said(faults_of(path, reader="cpi", part="scroes"))


@pytest.mark.parametrize(
    ("sheets", "words"),
    [({"CPI2023": CPI_ROWS}, "one sheet 'CPI <year>' is due; the sheets are 'CPI2023'"),
     ({"CPI 2023": CPI_ROWS, "CPI 2022": CPI_ROWS}, "one sheet 'CPI <year>' is due"),
     ({"CPI 2022": CPI_ROWS}, "CPI score 2022: the column is missing; the file has 'Country / Territory'"),
     ({"CPI 2023": [CPI[:6], ["Denmark", "DNK", "WE/EU", 90, 1, 1.8]]}, "Lower CI: the column is missing")],
)  # fmt: skip
def test_cpi_faults(tmp_path, sheets, words):
    assert words in said(faults_of(workbook(tmp_path / "cpi.xlsx", **sheets), reader="cpi"))


def test_vdem_in_both_layouts(tmp_path):
    owid = ["Entity", "Code", "Year", "corruption_vdem_owid", "corruption_vdem_high_owid", "corruption_vdem_low_owid"]
    path = csv(tmp_path / "owid.csv", [owid, ["Kenya", "KEN", 2022, 0.585, 0.646, 0.496],
                                       ["East Germany", "OWID_GDR", 1980, 0.3, 0.4, 0.2]])  # fmt: skip
    table = readers.read(path, {"reader": "vdem"})
    assert cells(table, "ref_area", "area_status", "score", "lower", "upper") == [
        ["KEN", "country", 0.585, 0.496, 0.646], ["OWID_GDR", "historical", 0.3, 0.2, 0.4]]  # fmt: skip
    assert "v2x_corr only" in said(faults_of(path, reader="vdem", items=["v2x_pubcorr"]))
    own = ["country_name", "country_text_id", "year", "v2x_corr", "v2x_corr_codelow", "v2x_corr_codehigh"]
    kenya = ["Kenya", "KEN", 2022, 0.585, 0.496, 0.646]
    path = csv(tmp_path / "own.csv", [own, kenya, ["Kenya", "KEN", 2023, "", "", ""]])
    assert cells(readers.read(path, {"reader": "vdem"}), "ref_area", "time_period", "item", "lower") == [
        ["KEN", "2022", "v2x_corr", 0.496]]  # fmt: skip
    where = [f.where for f in faults_of(path, reader="vdem", items=["v2x_pubcorr"])]
    assert where == ["v2x_pubcorr", "v2x_pubcorr_codelow", "v2x_pubcorr_codehigh"]
    path = csv(tmp_path / "own.csv", [own, ["Kenya", "KEN", 2022, 0.4, 0.496, 0.646]])
    assert "outside its bounds" in said(faults_of(path, reader="vdem"))


def test_wjp(tmp_path):
    first = [["Country", "Region", "Income Group", "Factor 3: Order and Security", "2.1 No private gain"],
             ["Kenya", "SSA", "Low", 0.5, 0.25]]  # fmt: skip
    later = [["Country", "Sierra Leone", "Kosovo"], ["Country Code", "SLN", "XKX"], ["Region", "SSA", "ECA"],
             ["Income Group", "Low", "Upper middle"], ["WJP Rule of Law Index: Overall Score", 0.4, 0.6], [],
             ["Factor 3: Open Government ", 0.5, None], ["3.1. Publicized laws", 0.1, 0.2]]  # fmt: skip
    sheets = {"Introduction": [[1]], "WJP ROL Index 2012-2013 Scores": first, "WJP ROL Index 2019 Scores": later}
    table = readers.read(workbook(tmp_path / "wjp.xlsx", **sheets), {"reader": "wjp"})
    assert cells(table, "ref_area", "time_period", "method_version", "item", "item_name", "score") == [
        ["KEN", "2012/2013", "2012-2013", "3", "Order and Security", 0.5],
        ["KEN", "2012/2013", "2012-2013", "2.1", "No private gain", 0.25],
        ["SLE", "2019", "2019", "0", "Overall score", 0.4], ["XKX", "2019", "2019", "0", "Overall score", 0.6],
        ["SLE", "2019", "2019", "3", "Open Government", 0.5],
        ["SLE", "2019", "2019", "3.1", "Publicized laws", 0.1],
        ["XKX", "2019", "2019", "3.1", "Publicized laws", 0.2]]  # fmt: skip
    for change, words in (({"WJP 2019": later}, "no sheet is called"),
                          ({"WJP ROL Index 2019 Scores": [*later, ["Trend", 1, 1]]}, "'Trend' is not an item"),
                          ({"WJP ROL Index 2019 Scores": [*later, ["3.2 x", 55, 1]]}, "is not from 0 to 1"),
                          ({"WJP ROL Index 2019 Scores": later[:2]}, "Region: the column is missing")):  # fmt: skip
        assert words in said(faults_of(workbook(tmp_path / "wjp.xlsx", **change), reader="wjp"))


FIW = [["Survey Edition", "Jan.-Feb. 1973", None, None, 1982, None, None],
       ["Year(s) Under Review", 1972, None, None, "Jan.1981-Aug. 1982", None, None],
       [None, "PR", "CL ", "Status", "PR", "CL", "Status"]]  # fmt: skip
FIW_LAND = [*FIW, ["South Africa", "2(5)", "3(6)", "F (NF)", 5, 6, "PF"], ["USSR", 7, 7, "NF", 7, 7, "NF"]]
FIW_PART = [*FIW, ["Tibet", "-", "-", "-", 7, 7, "NF"]]


def fiw(path, land=FIW_LAND, part=FIW_PART):
    return workbook(path, **{"Country Ratings, Statuses ": land, "Territory Ratings, Statuses": part})


def test_freedom_in_the_world(tmp_path):
    table = readers.read(fiw(tmp_path / "fiw.xlsx"), {"reader": "freedom_in_the_world"})
    assert len(table) == 15
    one = table[(table["item"] == "PR") & (table["time_period"] == "1972")]
    assert cells(one, "ref_area", "area_status", "kind", "rating", "round") == [
        ["ZAF", "country", "country", "2(5)", "Jan.-Feb. 1973"],
        ["USSR", "historical", "country", "7", "Jan.-Feb. 1973"]]  # fmt: skip
    assert set(table["time_period"]) == {"1972", "1981-01/1982-08"}
    assert cells(table[table["kind"] == "territory"], "ref_area", "area_status", "item") == [
        ["Tibet", "part", "PR"], ["Tibet", "part", "CL"], ["Tibet", "part", "Status"]]  # fmt: skip


@pytest.mark.parametrize(
    ("change", "words"),
    [({"land": [FIW[0], ["Year", *FIW[1][1:]], *FIW_LAND[2:]]}, "the first rows are called 'Survey Edition', 'Year'"),
     ({"land": [*FIW[:2], [None, "CL", "PR", "Status"] * 2, *FIW_LAND[3:]]}, "columns 2 to 4 are 'CL', 'PR'"),
     ({"land": [FIW[0], ["Year(s) Under Review", "early", None, None, 1981], *FIW_LAND[2:]]}, "'early' is not a year"),
     ({"part": [*FIW, ["Tibet", 8, 7, "NF", 7, 7, "NF"]]}, "'8': not 1 to 7")],
)  # fmt: skip
def test_freedom_in_the_world_faults(tmp_path, change, words):
    assert words in said(faults_of(fiw(tmp_path / "fiw.xlsx", **change), reader="freedom_in_the_world"))


def test_freedom_in_the_world_without_a_sheet(tmp_path):
    path = workbook(tmp_path / "fiw.xlsx", **{"Country Ratings": FIW_LAND})
    assert "there is no sheet 'Country Ratings, Statuses'; the sheets are 'Country Ratings'" in said(
        faults_of(path, reader="freedom_in_the_world"))  # fmt: skip


CPIA = ["Country Name", "Country Code", "Indicator Name", "Indicator Code"]


def test_cpia(tmp_path):
    rows = [[*CPIA, "2018", "2019"], ["Kenya", "KEN", "transparency", "IQ.CPA.TRAN.XQ", 3, None],
            ["IDA countries in Sub-Saharan Africa classified as fragile situations", "DSF", "transparency",
             "IQ.CPA.TRAN.XQ", 2.1, 2.2]]  # fmt: skip
    table = readers.read(workbook(tmp_path / "cpia.xlsx", Data=rows), {"reader": "cpia"})
    assert cells(table, "ref_area", "area_status", "time_period", "item", "score") == [
        ["KEN", "country", "2018", "IQ.CPA.TRAN.XQ", 3], ["DSF", "aggregate", "2018", "IQ.CPA.TRAN.XQ", 2.1],
        ["DSF", "aggregate", "2019", "IQ.CPA.TRAN.XQ", 2.2]]  # fmt: skip
    for sheets, words in (({"Daten": rows}, "there is no sheet 'Data'"),
                          ({"Data": [CPIA, ["Kenya", "KEN", "a", "b"]]}, "has no column of a year"),
                          ({"Data": [[*CPIA, "2018"], ["Kenya", "KEN", "a", "b", 7]]}, "2018: is not from 1 to 6"),
                          ({"Data": [["Country", *CPIA[1:], "2018"], ["Kenya", "KEN", "a", "b", 7]]},
                           "Country Name: the column is missing")):  # fmt: skip
        assert words in said(faults_of(workbook(tmp_path / "cpia.xlsx", **sheets), reader="cpia"))


Q7 = [["_Q7", "Have you paid a bribe"], [], ["PAID", None, None, None, None, "AGGREGATED"],
      ["Country", "ISO", "Police", "Judiciary", None, "Any of the services"], [None, None, "%", "%", None, "%"],
      ["Kenya", "KEN", 51, 65, None, 70], ["Albania", "ALB"], [], ["Global", None, 31, 24, None, 27],
      [], ["CONTACT"], ["Country", "ISO", "Police", "Judiciary"], ["Kenya", "KEN", 20, 10]]  # fmt: skip
CONTENTS = [[], [None, "Global Corruption Barometer 2013"], [None, "_Q7", "Have you paid a bribe"]]


def test_gcb(tmp_path):
    table = readers.read(workbook(tmp_path / "gcb.xlsx", Contents=CONTENTS, Q7=Q7), {"reader": "gcb"})
    assert cells(table, "ref_area", "table", "part", "item", "value", "unit") == [
        ["KEN", 1, "PAID", "Police", 51, "%"], ["001", 1, "PAID", "Police", 31, "%"],
        ["KEN", 1, "PAID", "Judiciary", 65, "%"], ["001", 1, "PAID", "Judiciary", 24, "%"],
        ["KEN", 1, "AGGREGATED", "Any of the services", 70, "%"],
        ["001", 1, "AGGREGATED", "Any of the services", 27, "%"],
        ["KEN", 2, "CONTACT", "Police", 20, ""], ["KEN", 2, "CONTACT", "Judiciary", 10, ""]]  # fmt: skip
    assert set(table["time_period"]) == {"2013"} and set(table["series"]) == {"GCB_Q7"}


@pytest.mark.parametrize(
    ("sheets", "options", "words"),
    [({"Contents": CONTENTS, "Q7": Q7}, {"question": "Q8"}, "there is no sheet 'Q8'; the sheets are 'Contents', 'Q7'"),
     ({"Contents": [[1]], "Q7": Q7}, {}, "does not say 'Global Corruption Barometer <year>'"),
     ({"Contents": CONTENTS, "Q7": Q7[:3]}, {}, "no row begins with 'Country' and 'ISO'"),
     ({"Contents": CONTENTS, "Q7": [*Q7, ["Total", None, 1]]}, {}, "'Total' has no code beside it"),
     ({"Contents": CONTENTS, "Q7": [*Q7, ["Chad", "TCD", "few", 1]]}, {}, "Police: 'few': not a number (1 row: 2)")],
)  # fmt: skip
def test_gcb_faults(tmp_path, sheets, options, words):
    assert words in said(faults_of(workbook(tmp_path / "gcb.xlsx", **sheets), reader="gcb", **options))


# --- surveys

FIRMS = {
    "idstd": [1, 2, 3, 4], "wmedian": [1.5, 2, 1, 3], "strata": [1, 1, 2, 2], "a4a": [15, 20, 15, 52],
    "c3": [1, 2, 1, -9], "c5": [-8, None, 2, None], "c12": [2, 2, 1, 2], "c14": [None, None, -9, None],
    "g2": [2, 1, 2, 2], "g4": [None, 1, None, None], "j3": [2, 2, 2, 2], "j5": [None] * 4,
    "j10": [2, 2, 2, 2], "j12": [None] * 4, "j13": [2, 2, 2, -7], "j15": [None] * 4,
}  # fmt: skip


def firms(path, **change):
    pd.DataFrame(FIRMS | change).to_csv(path, index=False)
    return path


@pytest.mark.parametrize(
    ("options", "electricity", "water"),
    [({}, [None, None, 0, None], [None, None, None, None]), ({"refused": "yes"}, [1, None, 0, None], [None] * 4),
     ({"dont_know": "no"}, [None, None, 0, None], [None, None, 0, None]),
     ({"refused": "no", "dont_know": "yes"}, [0, None, 0, None], [None, None, 1, None])],
)  # fmt: skip
def test_enterprise_survey(tmp_path, options, electricity, water):
    table = readers.read(firms(tmp_path / "es.csv"), {"reader": "enterprise_survey", "keep": ["a4a"], **options})
    assert cells(table, "request__electricity") == [[v] for v in electricity]
    assert cells(table, "request__water") == [[v] for v in water]
    assert cells(table, "transaction__electricity") == [[1], [0], [1], [None]]
    names = ("transaction__operating", "enterprise", "weight", "stratum", "a4a")
    assert cells(table, *names)[3] == [None, "4", 3, "2", "52"]


def test_enterprise_survey_faults(tmp_path):
    path = firms(tmp_path / "es.csv")
    frame = pd.DataFrame(FIRMS).drop(columns=["j12", "strata"])
    frame.to_csv(path, index=False)
    assert [f.where for f in faults_of(path, reader="enterprise_survey")] == ["strata", "j12"]
    assert "c5: '3': unknown" in said(faults_of(firms(path, c5=[3, None, 2, None]), reader="enterprise_survey"))
    assert "c5: is yes where c3 is no (1 row: 2)" in said(
        faults_of(firms(path, c5=[1, 1, 2, None]), reader="enterprise_survey"))  # fmt: skip
    assert "wmedian: is not above 0 (1 row: 1)" in said(
        faults_of(firms(path, wmedian=[0, 1, 1, 1]), reader="enterprise_survey"))  # fmt: skip
    faults = faults_of(firms(path), reader="enterprise_survey", refused="maybe", dont_know="perhaps")
    assert [f.where for f in faults] == ["refused", "dont_know"]


def sav(path, frame, labels=None):
    pytest.importorskip("pyreadstat").write_sav(frame, str(path), column_labels=labels)
    return path


QUESTIONS = {"Q49C": "public school services", "Q49G": "medical care", "Q49K": "identity document",
             "Q49N": "household services", "Q49R": "to receive police assistance",
             "Q49T": "to avoid problem with police"}  # fmt: skip


def test_afrobarometer(tmp_path):
    answers = pd.DataFrame({"RESPNO": list("abcd"), "withinwt": [1.0, 1, 2, 1]}
                           | {q: [0.0, 7, 9, 7] for q in QUESTIONS} | {"Q49T": [2.0, 7, 7, 8]})  # fmt: skip
    labels = {q: f"{q.lower()}. Pay bribe for {text}" for q, text in QUESTIONS.items()}
    path = sav(tmp_path / "afro.sav", answers, labels)
    table = readers.read(path, {"reader": "afrobarometer"})
    assert cells(table, "contact__teacher", "paid__teacher", "contact__police_problem", "paid__police_problem") == [
        [1, 0, 1, 1], [0, 0, 0, 0], [None, None, 0, 0], [0, 0, None, None]]  # fmt: skip
    assert cells(table, "contact", "paid") == [[1, 1], [0, 0], [None, None], [None, None]]
    bound = readers.read(path, {"reader": "afrobarometer", "refused": "yes", "dont_know": "no"})
    assert cells(bound, "contact", "paid") == [[1, 1], [0, 0], [1, 0], [1, 1]]
    other = sav(tmp_path / "afro8.sav", answers, labels | {"Q49C": "Q49c. Trust in teachers"})
    (fault,) = faults_of(other, reader="afrobarometer")
    assert fault.where == "Q49C"
    assert "'Q49c. Trust in teachers', where 'public school' and 'bribe' are due" in fault.what
    named = readers.read(other, {"reader": "afrobarometer", "items": {"judge": "Q49T"}})
    assert cells(named, "paid__judge", "paid") == [[1, 1], [0, 0], [0, 0], [None, None]]
    wrong = sav(tmp_path / "afro.sav", answers.assign(Q49C=5.0), labels)
    assert "Q49C: '5': unknown (4 rows: 1, 2, 3, 4)" in said(faults_of(wrong, reader="afrobarometer"))
    gone = sav(tmp_path / "afro.sav", answers.drop(columns=["Q49C", "withinwt"]), labels)
    assert [f.where for f in faults_of(gone, reader="afrobarometer")] == ["withinwt", "Q49C"]


AMERICAS = pd.DataFrame({
    "wt": [1.0] * 5, "estratopri": [1.0, 1, 2, 2, 2], "upm": [1.0, 2, 1, 2, 2],
    "exc2": [1.0, 0, 88, 88, 0], "exc6": [0.0, 0, 98, 0, 0],
    "exc11a": [1.0, 0, 1, 0, 88], "exc11": [0.0, 99, 1, 99, 99], "exc13": [99.0, 99, 99, 99, 1],
    **{f"exc{n}a": [0.0] * 5 for n in (14, 15, 16)}, **{f"exc{n}": [99.0] * 5 for n in (14, 15, 16)},
})  # fmt: skip


def test_americasbarometer(tmp_path):
    path = sav(tmp_path / "lapop.sav", AMERICAS)
    table = readers.read(path, {"reader": "americasbarometer"})
    assert cells(table, "contact__municipal", "paid__municipal", "asked__police", "paid_or_asked") == [
        [1, 0, 1, 1], [0, 0, 0, 0], [1, 1, None, None], [0, 0, None, 0], [None, None, 0, 1]]  # fmt: skip
    strict = readers.read(path, {"reader": "americasbarometer", "open_answers": "strict"})
    assert cells(strict, "paid_or_asked") == [[1], [0], [1], [None], [1]]
    assert cells(table, "stratum", "psu")[2] == ["2", "1"]
    assert "open_answers" in said(faults_of(path, reader="americasbarometer", open_answers="no"))
    assert "exc2: '7': unknown" in said(
        faults_of(sav(path, AMERICAS.assign(exc2=7.0)), reader="americasbarometer"))  # fmt: skip


def test_inegi(tmp_path):
    frame = pd.DataFrame({"UPM": ["9", "8", "7"], "FAC_SEL": [10, 20, 30], "EST_DIS": ["004", "004", "005"],
                          "UPM_DIS": ["0000001", "0000002", "0000003"], "AP5_17": ["1", "NA", "2"]})  # fmt: skip
    path = tmp_path / "encuci.csv.gz"
    frame.to_csv(path, index=False)
    table = readers.read(path, {"reader": "inegi"})
    assert list(table) == ["weight", "stratum", "psu", *frame.columns]
    assert cells(table, "weight", "stratum", "psu", "AP5_17")[1] == [20, "004", "0000002", "NA"]
    assert [f.where for f in faults_of(path, reader="inegi", weight="FAC_P18")] == ["FAC_P18"]
    frame.assign(UPM_DIS="1", EST_DIS=["1", "1", ""]).to_csv(path, index=False)
    faults = faults_of(path, reader="inegi")
    assert [(f.where, f.count) for f in faults] == [("EST_DIS", 1), ("UPM_DIS", 3)]


# --- procurement


def release(ocid="ocds-1", **more):
    base = {"ocid": ocid, "id": "1", "date": "2020-01-05T00:00:00Z", "tag": ["tender"], "buyer": {"id": "B"}}
    return base | more


TENDER = {"id": "t", "procurementMethod": "open", "value": {"amount": 100, "currency": "KES"}, "numberOfTenderers": 1,
          "tenderPeriod": {"startDate": "2020-01-01T09:00:00Z", "endDate": "2020-02-01"}}  # fmt: skip
AWARD = {"id": "a", "status": "active", "date": "2020-02-10T00:00:00Z", "value": {"amount": 90, "currency": "KES"},
         "suppliers": [{"id": "S2"}, {"id": "S1"}]}  # fmt: skip
CONTRACT = {"id": "c", "awardID": "a", "dateSigned": "2020-03-01", "value": {"amount": 95, "currency": "KES"},
            "amendments": [{"id": "1"}]}  # fmt: skip
PARTIES = [{"id": "S1", "address": {"countryName": "Kenya"}}]


def write_json(path, content):
    text = "\n".join(json.dumps(c) for c in content) if ".jsonl" in path.name else json.dumps(content)
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(text.encode()))
    else:
        path.write_text(text)
    return path


WHOLE = release(tender=TENDER, awards=[AWARD], contracts=[CONTRACT], parties=PARTIES)


@pytest.mark.parametrize(
    ("name", "content"),
    [("p.json", {"version": "1.1", "releases": [WHOLE]}), ("r.json", WHOLE), ("l.json", [WHOLE]),
     ("k.json", {"version": "1.1", "records": [{"ocid": "ocds-1", "releases": [WHOLE], "compiledRelease": WHOLE}]}),
     ("c.json", {"ocid": "ocds-1", "compiledRelease": WHOLE}), ("x.jsonl", [WHOLE]), ("x.jsonl.gz", [WHOLE]),
     ("parts.json", {"version": "1.1", "releases": [
         release(tender=TENDER), release(id="2", date="2020-02-11", tag=["award"], awards=[AWARD], parties=PARTIES),
         release(id="3", date="2020-03-02", tag=["contract"], contracts=[CONTRACT])]})],
)  # fmt: skip
def test_ocds_in_every_package(tmp_path, name, content):
    pytest.importorskip("ocdsmerge")
    table = readers.read(write_json(tmp_path / name, content), {"reader": "ocds"})
    one = dict(zip(table, cells(table, *table)[0], strict=True))
    assert len(table) == 1
    assert {k: one[k] for k in ("contract", "tender", "time_period", "buyer", "supplier", "counterpart")} == {
        "contract": "ocds-1/c", "tender": "ocds-1", "time_period": "2020", "buyer": "B", "supplier": "S1;S2",
        "counterpart": "KEN"}  # fmt: skip
    assert (one["bids"], one["estimate"], one["value"], one["final_value"], one["currency"]) == (1, 100, 90, 95, "KES")
    assert (one["date_notice"], one["date_deadline"], one["date_awarded"], one["date_signed"]) == (
        "2020-01-01", "2020-02-01", "2020-02-10", "2020-03-01")  # fmt: skip
    assert (one["modified"], one["modifications"], one["procurement_method"]) == (1, 1, "open")
    assert one["electronic"] is None and one["notice"] == 1


def test_ocds_awards_and_what_is_cancelled(tmp_path):
    tender = {"submissionMethod": ["electronicSubmission"], "tenderers": [{"id": "x"}, {"id": "y"}]}
    awards = [AWARD, AWARD | {"id": "b", "status": "cancelled"}, AWARD | {"id": "d", "value": None, "date": None}]
    path = write_json(tmp_path / "a.json", release(tag=["award"], tender=tender, awards=awards))
    table = readers.read(path, {"reader": "ocds", "row": "award"})
    assert cells(table, "contract", "bids", "value", "final_value", "date_awarded", "time_period") == [
        ["ocds-1/a", 2, 90, None, "2020-02-10", "2020"], ["ocds-1/d", 2, None, None, "", "2020"]]  # fmt: skip
    assert cells(table, "notice", "modified", "electronic", "procurement_method") == [[None, None, 1, ""]] * 2
    assert "no process has a contract" in said(faults_of(path, reader="ocds"))


@pytest.mark.parametrize(
    ("content", "words"),
    [({"releases": [WHOLE]}, "is version 1.0 of the standard"), ({"a": 1}, "item 1 has no ocid"),
     ([1], "'1' is no release"),
     ({"version": "1.1", "releases": ["http"]}, "is no release"),
     (WHOLE | {"tender": TENDER | {"procurementMethod": "Open"}}, "'Open' is not a code"),
     (WHOLE | {"tender": TENDER | {"value": {"amount": 1, "currency": "USD"}}}, "a row has several currencies"),
     (WHOLE | {"awards": [AWARD | {"date": "10/02/2020"}]}, "'10/02/2020': not a day")],
)  # fmt: skip
def test_ocds_faults(tmp_path, content, words):
    assert words in said(faults_of(write_json(tmp_path / "o.json", content), reader="ocds"))
    assert "neither .json nor .jsonl" in said(faults_of(csv(tmp_path / "o.csv", [[1]]), reader="ocds"))


def bid(**change):
    base = dict.fromkeys(DIGIWHIST, "") | {
        "tender_id": "t", "lot_number": "1", "bid_number": "1", "bid_iswinning": "true", "tender_country": "MT",
        "tender_proceduretype": "NEGOTIATED_WITHOUT_PUBLICATION", "tender_publications_firstdcontra": "2014-01-07",
        "buyer_masterid": "B", "bidder_masterid": "S", "bidder_country": "UK", "bid_price": "23.5",
        "bid_pricecurrency": "EUR", "lot_productCode": "33622400,33622500,", "bids_count": "2",
        "ind_nocft_val": "0"}  # fmt: skip
    return base | change


def test_digiwhist(tmp_path):
    path = tmp_path / "malta.csv"
    pd.DataFrame([bid(), bid(lot_number="2", bid_iswinning="false")]).to_csv(path, index=False)
    table = readers.read(path, {"reader": "digiwhist"})
    names = ("contract", "ref_area", "counterpart", "procurement_method", "sector", "bids", "value", "notice")
    assert cells(table, *names) == [["t/1/1", "MLT", "GBR", "limited", "33622400", 2, 23.5, 0]]
    assert cells(table, "time_period", "date_published", "date_signed") == [["2014", "2014-01-07", ""]]
    for change, words in (({"bidder_country": "XX"}, "'XX': not mapped ('unknown')"),
                          ({"tender_proceduretype": "DIRECT"}, "'DIRECT' is not a code"),
                          ({"ten_est_pricecurrency": "USD"}, "is not that of the price"),
                          ({"tender_biddeadline": "7.1.2014"}, "'7.1.2014': not a day")):  # fmt: skip
        pd.DataFrame([bid(**change)]).to_csv(path, index=False)
        assert words in said(faults_of(path, reader="digiwhist"))
    pd.DataFrame([bid()]).drop(columns=["bids_count", "tender_id"]).to_csv(path, index=False)
    assert [f.where for f in faults_of(path, reader="digiwhist")] == ["tender_id", "bids_count"]


# --- readers by name


def test_a_reader_and_its_options_are_known_by_name(tmp_path):
    path = firms(tmp_path / "es.csv")
    (fault,) = faults_of(path, reader="enterprise_surveys")
    assert (fault.where, fault.remedy) == ("read.reader", "did you mean 'enterprise_survey'?")
    (fault,) = faults_of(path, reader="enterprise_survey", refusd="yes")
    assert (fault.where, fault.remedy) == ("read.refusd", "did you mean 'refused'?")
    assert "read.reader" in said(faults_of(path, reader=1))
    assert "read.rows" in said(faults_of(path, reader="enterprise_survey", rows={"weight": "1"}))
    assert "no such file" in said(faults_of(tmp_path / "none.csv", reader="enterprise_survey"))


@pytest.mark.parametrize("name", readers.READERS)
def test_every_reader_names_a_missing_and_an_empty_file(tmp_path, name):
    takes = {"ocds": ".json", "afrobarometer": ".sav", "americasbarometer": ".sav", "enterprise_survey": ".dta"}
    takes |= dict.fromkeys(("digiwhist", "inegi", "un_sdg", "vdem"), ".csv")
    path = tmp_path / f"data{takes.get(name, '.xlsx')}"
    assert "no such file" in said(faults_of(path, reader=name))
    path.touch()
    assert "the file is empty" in said(faults_of(path, reader=name))
    path.write_bytes(b"\x00\xff broken \x80")
    assert faults_of(path, reader=name)


def test_rows_are_kept_by_their_codes(tmp_path):
    path = firms(tmp_path / "es.csv")
    kept = {"reader": "enterprise_survey", "rows": {"stratum": [2], "transaction__electricity": [1]}}
    table = readers.read(path, kept, columns=["enterprise"])
    assert table.to_dict("list") == {"enterprise": ["3"]} and list(table.index) == [0]
    plain = readers.read(path, {"rows": {"strata": [2], "c3": [1]}}, columns=["idstd"])
    assert plain.to_dict("list") == {"idstd": ["3"]}
    faults = faults_of(path, rows={"strata": [2, 9], "c3": [5]})
    assert [(f.where, f.what) for f in faults] == [
        ("read.rows.strata", "no row has '9'"), ("read.rows.c3", "no row has '5'")]  # fmt: skip
    assert "no row has all of the codes" in said(faults_of(path, rows={"strata": [2], "c3": [2]}))
    assert [f.where for f in faults_of(path, rows={"c3": [2, 8], "j5": [1]})] == ["read.rows.c3", "read.rows.j5"]
    assert "no such column" in said(faults_of(path, rows={"straat": [2]}))


def test_header_and_labels_of_a_named_reader(tmp_path):
    path = firms(tmp_path / "es.csv")
    options = {"reader": "enterprise_survey", "keep": ["a4a"]}
    assert readers.header(path, options) == list(readers.read(path, options))
    assert readers.labels(path, options) == {}
    assert np.isfinite(readers.read(path, options)["weight"]).all()
