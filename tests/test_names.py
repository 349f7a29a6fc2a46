"""Names and codes of areas: what is certain is mapped, everything else is reported with its candidates."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from uncac_metrics import reference
from uncac_metrics.model import Faults
from uncac_metrics.reference.names import harmonise, plain

AREAS = reference.load("areas")
OTHERS = reference.load("area_names")
MAPPED = {"m49", "iso3", "iso2", "name", "variant", "decision"}


def one(written, **more):
    codes, report = harmonise([written], **more)
    return codes.iloc[0].to_dict(), report.iloc[0].to_dict()


@pytest.mark.parametrize("column", ["m49", "iso3", "iso2"])
def test_every_code_of_the_table_of_areas_is_its_own(column):
    known = AREAS[AREAS[column] != ""]
    codes, report = harmonise(known[column])
    assert codes["m49"].tolist() == known["m49"].tolist()
    assert codes["iso3"].tolist() == known["iso3"].tolist()
    assert set(report["how"]) == {column}


def test_every_standard_name_is_mapped_unless_it_is_ambiguous():
    _, report = harmonise(AREAS["name"])
    left = report[report["m49"] == ""]
    assert left[["written", "how"]].to_numpy().tolist() == [["Micronesia", "ambiguous"], ["Congo", "ambiguous"]]
    mapped = report[report["m49"] != ""].merge(AREAS, left_on="written", right_on="name")
    assert (mapped["m49_x"] == mapped["m49_y"]).all()


@pytest.mark.parametrize(
    ("written", "iso3"),
    [("Korea, Rep.", "KOR"), ("Korea, Dem. People's Rep.", "PRK"), ("Democratic People's Republic of Korea", "PRK"),
     ("Republic of Korea", "KOR"), ("South Korea", "KOR"), ("Congo (Kinshasa)", "COD"), ("Congo, Rep.", "COG"),
     ("ZAR", "COD"), ("ADO", "AND"), ("ROM", "ROU"), ("TMP", "TLS"), ("WBG", "PSE"), ("SLN", "SLE"), ("UK", "GBR"),
     ("EL", "GRC"), ("NA", "NAM"), ("NO", "NOR"), ("cote d'ivoire", "CIV"), ("CÔTE D’IVOIRE", "CIV"),
     ("The Bahamas", "BHS"), ("Bahamas, The", "BHS"), ("Turkey", "TUR"), ("Swaziland", "SWZ"), ("Guinea", "GIN"),
     ("Niger", "NER"), ("Nigeria", "NGA"), ("Dominica", "DMA"), ("British Virgin Islands", "VGB"),
     ("Cayman Islands", "CYM"), ("Gibraltar", "GIB"), ("Samoa", "WSM"), ("Puerto Rico (US)", "PRI"),
     (4, "AFG"), (4.0, "AFG"), ("4", "AFG"), ("004", "AFG"), (np.int64(404), "KEN")],
)  # fmt: skip
def test_what_is_certain(written, iso3):
    codes, report = one(written)
    assert codes["iso3"] == iso3
    assert codes["m49"] == AREAS.set_index("iso3")["m49"][iso3]
    assert report["how"] in MAPPED and report["candidates"] == ""


@pytest.mark.parametrize(
    ("written", "how", "candidates"),
    [("Korea", "ambiguous", "KOR;PRK"), ("Congo", "ambiguous", "COD;COG"), ("Virgin Islands", "ambiguous", "VGB;VIR"),
     ("St. Martin", "ambiguous", "MAF;SXM"), ("Micronesia", "ambiguous", "FSM;057"),
     ("Serbia and Montenegro", "historical", "MNE;SRB"), ("SCG", "historical", "MNE;SRB"),
     ("Czechoslovakia", "historical", "CZE;SVK"), ("Yugoslavia", "historical", "BIH;HRV;MNE;MKD;SRB;SVN"),
     ("Netherlands Antilles (former)", "historical", "BES;CUW;SXM"), ("Germany, E.", "historical", "DEU"),
     ("Yemen, N.", "historical", "YEM"), ("Zanzibar", "historical", "TZA"),
     ("GBR_E_W", "part", "GBR"), ("IRQ_C", "part", "IRQ"), ("Northern Ireland", "part", "GBR"),
     ("Crimea", "part", "UKR"),
     ("Kosovo", "unlisted", ""), ("XKX", "unlisted", ""), ("XKV", "unlisted", ""), ("KSV", "unlisted", ""),
     ("412", "unlisted", ""), ("TWN", "unlisted", ""), ("FXS", "aggregate", ""),
     (910, "aggregate", ""), ("62", "aggregate", ""),
     ("Keniya", "unknown", "KEN"), ("Wakanda", "unknown", ""), ("Korea, R. O.", "unknown", "")],
)  # fmt: skip
def test_what_is_not_certain_is_never_mapped(written, how, candidates):
    codes, report = one(written)
    assert codes == {"m49": "", "iso3": ""}
    assert (report["how"], report["candidates"]) == (how, candidates)
    assert (report["m49"], report["iso3"], report["name"]) == ("", "", "")


def test_ussr_has_fifteen_candidates():
    assert len(one("USSR")[1]["candidates"].split(";")) == 15


def test_the_report_counts_rows_and_missing_values_stay_without_code():
    names = pd.Series(["Kenya", None, "Kenya", float("nan"), "KEN", ""], index=list("abcdef"))
    codes, report = harmonise(names)
    assert list(codes.index) == list("abcdef")
    assert codes["iso3"].tolist() == ["KEN", "", "KEN", "", "KEN", ""]
    assert report[["written", "rows", "how"]].to_numpy().tolist() == [["Kenya", 2, "name"], ["KEN", 1, "iso3"]]
    assert len(harmonise([])[0]) == len(harmonise([])[1]) == 0


def test_decisions_go_before_everything():
    decided = {"Korea": "KOR", "412": "XKX", "Congo": "178", "Kenya": "UGA"}
    codes, report = harmonise(["korea", 412, "Congo", "Kenya", "Chad"], decisions=decided)
    assert codes["iso3"].tolist() == ["KOR", "XKX", "COG", "UGA", "TCD"]
    assert codes["m49"].tolist() == ["410", "", "178", "800", "148"]
    assert report["how"].tolist() == ["decision"] * 4 + ["name"]


@pytest.mark.parametrize("code", ["KO", "999", "", "XX", "kor"])
def test_a_decision_for_no_area_is_a_fault(code):
    with pytest.raises(Faults, match="no code of an area"):
        harmonise(["Korea"], decisions={"Korea": code})


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(sorted(set(AREAS["name"]) - {"Congo", "Micronesia"})),
    st.booleans(),
    st.sampled_from(["", " ", ".", "*"]),
)
def test_capitals_and_punctuation_do_not_matter(name, upper, tail):
    codes, _ = one((name.upper() if upper else name.lower()) + tail)
    assert codes["m49"] == AREAS.set_index("name")["m49"][name]


@settings(max_examples=60, deadline=None)
@given(st.text(min_size=1, max_size=12))
def test_any_other_text_is_mapped_to_nothing(text):
    known = {plain(n) for n in [*AREAS["name"], *OTHERS["written"]]}
    _, report = harmonise([text])
    codes = {*AREAS["iso3"], *AREAS["iso2"]}
    written = " ".join(text.split())
    if plain(text) not in known and written not in codes and not written.isdecimal() and len(report):
        assert report["how"].tolist() == ["unknown"]


def test_candidates_are_areas_and_no_way_of_writing_stands_twice():
    codes = {c for cell in OTHERS["m49"] for c in cell.split(";") if c}
    assert codes <= set(AREAS["m49"])
    assert not OTHERS["written"].map(plain).duplicated().any()
    assert not set(OTHERS.loc[OTHERS["status"] == "variant", "written"].map(plain)) & set(AREAS["name"].map(plain))
