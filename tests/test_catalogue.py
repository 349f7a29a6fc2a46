"""Reading cards strictly, and setting the catalogue against the declaration."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from uncac_metrics.cards import ESTIMATORS, read_card
from uncac_metrics.catalogue import check_catalogue, coverage, load_catalogue, own_methods
from uncac_metrics.model import Faults

GOOD = """
name = "Payers among adults"
name_zh = "行贿者"
type = "experience"
objective = "To test."
description = '''
Two
lines.
'''
formula = "Σ w·y / Σ w"
responsible = "Office"
sources = ["population_survey"]
frequency = "Yearly"
disaggregations = ["sex"]
notes = "None."
unit = "%"
scale = 100
decimals = 1
direction = "none"
universe = "Adults"
reference_period = "12 months"
provenance = "D"
provenance_note = "A test."

[measure]
shape = "population_survey"
estimator = "proportion"
numerator = "paid"
denominator = "adults"

[links]
paragraphs = ["74"]
articles = ["15"]

[[cases]]
name = "one of two"
rows = [{contact = 1, paid = 1}, {contact = 0}]
expect = {value = 50}
"""


def swap(old: str, new: str) -> str:
    """The good card with one place changed."""
    assert GOOD.count(old) == 1, old
    return GOOD.replace(old, new)


@pytest.fixture
def office(tmp_path: Path) -> Path:
    (tmp_path / "indicators" / "topic").mkdir(parents=True)
    (tmp_path / "office.toml").write_text('name = "Office"\n', encoding="utf-8")
    return tmp_path


def plant(office: Path, text: str, stem: str = "XX-01") -> Path:
    file = office / "indicators" / "topic" / f"{stem}.toml"
    file.write_text(text, encoding="utf-8")
    return file


PLANTED = {  # stem -> (card, where, what, remedy)
    "XX-01": (swap("objective =", "objectve ="), "objectve", "unknown key", '"objective"'),
    "XX-02": (swap('unit = "%"\n', ""), "unit", "missing", "add unit"),
    "XX-03": (swap("decimals = 1", 'decimals = "1"'), "decimals", "not a whole number", "decimals = 1"),
    "XX-04": (swap('"experience"', '"experince"'), "type", '"experince" is not allowed', '"experience"'),
    "XX-05": (swap('["74"]', '["87"]'), "links.paragraphs", '"87" names no paragraph', "did you mean"),
    "XX-06": (swap('["15"]', "[15]"), "links.articles", "15 is not text", '"15"'),
    "XX-07": (swap('"adults"', '"adult"'), "measure.denominator", 'no denominator "adult"', '"adults"'),
    "XX-08": (swap('"proportion"', '"proportions"'), "measure.estimator", "no estimator", '"proportion"'),
    "XX-09": (swap("notes = ", "notes "), "line 15", "not valid TOML", "put the line right"),
    "XX-10": (
        swap("{contact = 0}", "{contct = 0}"),
        "cases[1].rows[2].contct",
        "no such column",
        '"contact"',
    ),
}


def test_ten_faults_in_ten_files_are_named_together(office: Path) -> None:
    files = {stem: plant(office, text, stem) for stem, (text, *_) in PLANTED.items()}
    faults = check_catalogue(office)
    assert len(faults) == len(PLANTED)
    for fault, (stem, (_, where, what, remedy)) in zip(faults, PLANTED.items(), strict=True):
        assert (fault.file, fault.where) == (str(files[stem]), where)
        assert what in fault.what
        assert remedy in fault.remedy
    with pytest.raises(Faults) as raised:
        load_catalogue(office)
    assert raised.value.faults == tuple(faults)


@pytest.mark.parametrize(
    ("text", "where"),
    [
        (swap("scale = 100", "scale = 1"), "scale"),
        (swap("scale = 100", "scale = nan"), "scale"),
        (swap("scale = 100", "scale = true"), "scale"),
        (swap("decimals = 1", "decimals = 10"), "decimals"),
        (swap("decimals = 1", "decimals = true"), "decimals"),
        (swap('"To test."', '" "'), "objective"),
        (swap('["sex"]', '["official"]'), "disaggregations"),
        (swap('["sex"]', '["sex", "sex"]'), "disaggregations"),
        (swap('["15"]', '["72"]'), "links.articles"),
        (swap('["15"]', '["15"]\ntargets = ["16.55"]'), "links.targets"),
        (swap('["15"]', '["15"]\nseries = ["IU_COR"]'), "links.series"),
        (swap('["15"]', '["15"]\ncrimes = ["7031"]'), "links.crimes"),
        (swap('["15"]', '["15"]\ncrime = ["07031"]'), "links.crime"),
        (swap('["74"]', '["35"]'), "links.paragraphs"),
        (swap('"paid"', '"adults"'), "measure.numerator"),
        (swap('"paid"', '"bribes"'), "measure.numerator"),
        (swap('numerator = "paid"\n', ""), "measure.numerator"),
        (swap('"proportion"', '"mean"'), "measure.numerator"),
        (swap('"proportion"', '"ratio"'), "measure.denominator"),
        (swap('"adults"', '"bribes"'), "measure.denominator"),
        (swap('"adults"', '"with_contact_official"'), "measure.denominator"),
        (swap('"paid"', '"refused"\nitems = "official"'), "measure.items"),
        (swap('numerator = "paid"', 'levels = "paid"'), "measure.levels"),
        (swap('"paid"', '"paid"\nlevels = "modality"'), "measure.numerator"),
        (swap('"population_survey"\nest', '"populaton_survey"\nest'), "measure.shape"),
        (swap('[measure]\nshape = "population_survey"', "[measure]"), "measure.shape"),
        (swap("value = 50", "n = 2"), "cases[1].expect.value"),
        (swap("value = 50", "value = 50, neligible = 2"), "cases[1].expect.neligible"),
        (swap("contact = 0", "contact = false"), "cases[1].rows[2].contact"),
        (swap('"one of two"', '"one of two"\nitem = "police"'), "cases[1].item"),
        (swap("[{contact = 1, paid = 1}, {contact = 0}]", "[]"), "cases[1].rows"),
        (swap('unit = "%"', 'unit = "%"\nunit = "%"'), "line 17"),
        (GOOD + "[", "end of file"),
    ],
)
def test_a_fault_is_named_by_its_key(office: Path, text: str, where: str) -> None:
    faults = read_card(plant(office, text))[1]
    assert where in [f.where for f in faults]
    assert all(f.what and f.remedy for f in faults)


def test_several_faults_of_one_file(office: Path) -> None:
    text = swap("decimals = 1", "decimals = 1.5").replace('["74"]', '["P15"]').replace('"none"', '"up"')
    faults = read_card(plant(office, text))[1]
    assert [f.where for f in faults] == ["decimals", "direction", "links.paragraphs"]


@pytest.mark.parametrize(
    ("old", "new", "wheres"),
    [
        ('"paid"', '"paid"\nitems = "oficial"', ["measure.items", "cases[1].item"]),
        ("[links]", "[lnks]", ["lnks"]),
        ("[measure]", "[measures]", ["measures"]),
    ],
)
def test_one_slip_is_not_reported_as_many(office: Path, old: str, new: str, wheres: list[str]) -> None:
    assert [f.where for f in read_card(plant(office, swap(old, new)))[1]] == wheres


def test_the_remedy_for_a_column_by_item_names_the_item(office: Path) -> None:
    (fault,) = read_card(plant(office, swap("{contact = 0}", "{contct__police = 0}")))[1]
    assert fault.remedy == 'did you mean "contact__police"?'


def test_a_new_card_is_found(office: Path) -> None:
    file = plant(office, GOOD)
    indicator = load_catalogue(office)["XX-01"]
    assert (indicator.topic, indicator.file) == ("topic", str(file))
    assert indicator.description == "Two lines."
    assert indicator.scale == 100.0
    assert indicator.cases[0].rows == ({"contact": 1, "paid": 1}, {"contact": 0})
    assert load_catalogue(office / "indicators")["XX-01"] == indicator
    assert "XX-01" in coverage(load_catalogue(office)).set_index("paragraph").loc["74", "indicators"]
    assert "XX-01" not in load_catalogue()


def test_a_card_saved_with_a_byte_order_mark_is_read(office: Path) -> None:
    file = plant(office, "")
    file.write_text(GOOD, encoding="utf-8-sig")
    assert "XX-01" in load_catalogue(office)


def test_a_card_in_another_encoding_is_a_fault(office: Path) -> None:
    file = plant(office, "")
    file.write_text(GOOD, encoding="utf-16")
    (fault,) = check_catalogue(office)
    assert "UTF-8" in fault.what


def test_an_id_is_used_once(office: Path) -> None:
    plant(office, GOOD, "BR-01")
    (fault,) = check_catalogue(office)
    assert fault.file.endswith("BR-01.toml")
    assert "taken by" in fault.what
    assert "another name" in fault.remedy


def test_the_same_folder_twice_is_no_duplicate(office: Path) -> None:
    plant(office, GOOD)
    assert check_catalogue(office, office / "indicators") == []


@pytest.mark.parametrize("stem", ["xx-01", "XX", "XX 01", "XX-1-", "BR-01ab"])
def test_a_file_name_that_is_no_id(office: Path, stem: str) -> None:
    (fault,) = check_catalogue(plant(office, GOOD, stem).parent)
    assert repr(stem) in fault.what


def test_an_office_without_cards_and_a_folder_that_is_not_there(office: Path) -> None:
    assert check_catalogue(office) == []
    (office / "indicators" / "topic").rmdir()
    (office / "indicators").rmdir()
    assert check_catalogue(office) == []
    (fault,) = check_catalogue(office / "nowhere")
    assert "no such folder" in fault.what


def test_an_office_names_a_method_of_its_own(office: Path) -> None:
    plant(office, swap('"proportion"', '"office.methods:share"'))
    assert own_methods(load_catalogue(office)) == {"XX-01": "office.methods:share"}


def test_the_chinese_name_is_optional_for_offices(office: Path) -> None:
    plant(office, swap('name_zh = "行贿者"\n', ""))
    assert load_catalogue(office)["XX-01"].name_zh == ""


def test_coverage_of_the_declaration() -> None:
    table = coverage()
    assert table["paragraph"].tolist() == [str(n) for n in range(1, 87)]
    assert list(table.columns) == [
        "paragraph", "section", "title", "nature", "strength", "scored", "tracked", "note", "indicators",
        "n_indicators",
    ]  # fmt: skip
    table = table.set_index("paragraph")
    assert not table.loc["35", "scored"]
    assert table.loc["35", "indicators"] == []
    assert table.loc["12", "indicators"] == ["BR-30", "PF-01", "PF-02a", "PF-02b", "PF-03"]
    assert (table["n_indicators"] == table["indicators"].map(len)).all()


def test_coverage_by_data(tmp_path: Path) -> None:
    estimates = pd.DataFrame(
        {
            "indicator": ["BR-30", "BR-30", "BR-25", "BR-22", "ZZ-01"],
            "time_period": ["2012", "2020", "2019", "2018", "2021"],
            "value": [1.0, 2.0, 3.0, None, 4.0],
            "display": ["shown", "flagged", "withheld", "shown", "shown"],
        }
    )
    estimates.to_csv(tmp_path / "estimates.csv", index=False)
    table = coverage(release=estimates).set_index("paragraph")
    assert table.loc["12", "indicators_with_data"] == ["BR-30"]
    assert table.loc["12", ["latest_period", "oldest_period"]].tolist() == ["2020", "2012"]
    assert table.loc["13", "indicators_with_data"] == []
    assert table.loc[["13", "35"], ["latest_period", "oldest_period"]].isna().all(axis=None)
    for release in (tmp_path, str(tmp_path / "estimates.csv")):
        pd.testing.assert_frame_equal(coverage(release=release).set_index("paragraph"), table)


def test_coverage_says_how_a_paragraph_is_followed() -> None:
    table = coverage().set_index("paragraph")
    assert table["tracked"].value_counts().to_dict().keys() == {
        "indicators", "milestones", "not scored", "nothing to measure",
    }  # fmt: skip
    assert table.index[table["tracked"] == "not scored"].tolist() == ["35"]
    assert "contested" in table.loc["35", "note"]
    milestones = table[table["tracked"] == "milestones"]
    assert set(milestones["nature"]) == {"un_addressed"} and milestones.loc["80", "indicators"] == ["UN-03"]


def test_coverage_by_section_article_and_target() -> None:
    paragraphs, sections = coverage(), coverage(by="section")
    assert sections["section"].tolist() == [str(n) for n in range(1, 8)]
    assert sections["paragraphs"].sum() == 86
    measurable = paragraphs["nature"].isin(["quantifiable", "legal"])
    assert sections["measurable"].sum() == measurable.sum()
    assert sections["covered"].sum() == (measurable & (paragraphs["n_indicators"] > 0)).sum()
    assert all(len(set(ids)) == len(ids) for ids in sections["indicators"])
    articles = coverage(by="article").set_index("article")
    assert len(articles) == 71 and "BR-01" in articles.loc["15", "indicators"]
    targets = coverage(by="target").set_index("target")
    assert "BR-01" in targets.loc["16.5", "indicators"] and "TR-02a" in targets.loc["16.10", "indicators"]
    assert "TR-02a" not in targets.loc["16.5", "indicators"]
    with pytest.raises(Faults, match="paragraph"):
        coverage(by="paragraf")


def test_coverage_of_something_that_is_no_release(tmp_path: Path) -> None:
    with pytest.raises(Faults, match="no such release"):
        coverage(release=tmp_path)
    with pytest.raises(Faults, match=r"time_period.*\n.*value"):
        coverage(release=pd.DataFrame({"indicator": ["BR-01"]}))


def test_estimators_are_those_that_exist() -> None:
    estimators = pytest.importorskip("uncac_metrics.estimators")
    assert set(ESTIMATORS) == set(estimators.ESTIMATORS)


def test_importing_the_catalogue_does_not_import_pandas() -> None:
    code = "import sys, uncac_metrics.catalogue; sys.exit('pandas' in sys.modules)"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    assert subprocess.run([sys.executable, "-c", code], check=False, env=environment).returncode == 0
