"""The reference tables: complete, sound in themselves and in their links; every planted fault is found."""

import shutil
import tomllib

import pytest

from uncac_metrics import reference
from uncac_metrics._data import datasets_folder
from uncac_metrics.model import Faults
from uncac_metrics.reference.rules import COLUMNS

SHIPPED = datasets_folder() / "reference"

# Countries and areas of M49 that are not members of the United Nations; there are 193 members.
NOT_MEMBERS = {
    "ABW", "AIA", "ALA", "ASM", "ATA", "ATF", "BES", "BLM", "BMU", "BVT", "CCK", "COK",
    "CUW", "CXR", "CYM", "ESH", "FLK", "FRO", "GGY", "GIB", "GLP", "GRL", "GUF", "GUM",
    "HKG", "HMD", "IMN", "IOT", "JEY", "MAC", "MAF", "MNP", "MSR", "MTQ", "MYT", "NCL",
    "NFK", "NIU", "PCN", "PRI", "PSE", "PYF", "REU", "SGS", "SHN", "SJM", "SPM", "SXM",
    "TCA", "TKL", "UMI", "VAT", "VGB", "VIR", "WLF",
}  # fmt: skip


@pytest.fixture(scope="module")
def areas():
    return reference.load("areas").set_index("m49", drop=False)


@pytest.fixture
def folder(tmp_path):
    return shutil.copytree(SHIPPED, tmp_path / "reference")


def edit(path, *changes):
    """Replace pieces of a file, each of which occurs once."""
    text = path.read_text(encoding="utf-8")
    for old, new in changes:
        assert text.count(old) == 1, f"{old!r} occurs {text.count(old)} times in {path.name}"
        text = text.replace(old, new)
    path.write_text(text, encoding="utf-8")


# --- What is shipped ---


def test_shipped_tables_have_no_fault():
    assert reference.check() == []


@pytest.mark.parametrize("name", reference.NAMES)
def test_cells_are_text(name):
    table = reference.load(name)
    assert len(table)
    assert not table.isna().any().any()
    assert table.map(lambda cell: isinstance(cell, str)).all().all()
    assert tuple(reference.schema(name).columns) == tuple(table.columns)
    assert reference.validate(name).equals(table)


@pytest.mark.parametrize("name", reference.NAMES)
def test_provenance_describes_exactly_the_columns(name):
    toml = tomllib.loads((SHIPPED / f"{name}.toml").read_text(encoding="utf-8"))
    assert dict(reference.provenance(name)) == toml
    assert set(reference.PROVENANCE_KEYS) == set(toml)
    header = (SHIPPED / f"{name}.csv").read_text(encoding="utf-8").partition("\n")[0]
    assert set(toml["columns"]) == set(header.split(","))
    assert all(toml[key].strip() for key in reference.PROVENANCE_KEYS if key != "columns")
    assert all(meaning.strip() for meaning in toml["columns"].values())


def test_every_file_belongs_to_a_table():
    expected = {f"{name}{ending}" for name in reference.NAMES for ending in (".csv", ".toml")}
    assert {path.name for path in SHIPPED.iterdir()} == expected


def test_articles():
    articles = reference.load("articles").set_index("article")
    assert articles.index.tolist() == [str(number) for number in range(1, 72)]
    per_chapter = articles.groupby("chapter", sort=False).size().to_dict()
    assert per_chapter == {"I": 4, "II": 10, "III": 28, "IV": 8, "V": 9, "VI": 3, "VII": 2, "VIII": 7}
    assert articles.groupby("chapter")[["chapter_title", "chapter_title_zh"]].nunique().eq(1).all().all()
    assert articles["title"].nunique() == articles["title_zh"].nunique() == 71
    for number, title in {
        "1": "Statement of purpose",
        "5": "Preventive anti-corruption policies and practices",
        "15": "Bribery of national public officials",
        "33": "Protection of reporting persons",
        "57": "Return and disposal of assets",
        "61": "Collection, exchange and analysis of information on corruption",
        "71": "Depositary and languages",
    }.items():
        assert articles.loc[number, "title"] == title
    mandatory = {number: kind for number, kind in articles["mandatory"].items() if kind}
    assert {n for n, kind in mandatory.items() if kind == "mandatory"} == {"15", "17", "23", "25"}
    assert {n for n, kind in mandatory.items() if kind == "optional"} == {"18", "19", "20", "21", "22", "24"}
    assert mandatory["16"] == "mixed"


def test_declaration():
    declaration = reference.load("declaration").set_index("paragraph")
    preamble = [f"P{number}" for number in range(1, 15)]
    assert declaration.index.tolist() == preamble + [str(number) for number in range(1, 87)]
    assert declaration.index[declaration["part"] == "preamble"].tolist() == preamble
    assert declaration.loc["1":"86", "nature"].value_counts().to_dict() == {
        "quantifiable": 54,
        "legal": 10,
        "un_addressed": 16,
        "none": 6,
    }
    assert declaration.index[declaration["scored"] == "0"].tolist() == ["35"]


def test_paragraph_80_asks_for_the_framework():
    links = reference.load("paragraph_links").query("paragraph == '80'")
    assert set(links.loc[links["kind"] == "article", "code"]) == {"61", "63"}
    assert set(links.loc[links["kind"] == "target", "code"]) == {"16.5", "17.18", "17.19"}


def test_sdg():
    sdg = reference.load("sdg").set_index("code")
    assert {"16.1", "16.10"} & set(sdg.index) == {"16.10"}
    assert sdg.loc["16.10", ["level", "parent"]].tolist() == ["target", "16"]
    assert sdg.loc["16.5.1", ["parent", "series", "custodian"]].tolist() == ["16.5", "IU_COR_BRIB", "UNODC"]
    assert sdg.loc["16.5.2", "series"] == "IC_FRM_BRIB"
    assert sdg.loc["16.6.1", "series"] == "GF_XPD_GBPC"
    assert sdg.loc["16.10.2", "series"] == "SG_INF_ACCSS"
    assert (sdg.loc[sdg["level"] != "indicator", ["series", "custodian"]] == "").all().all()
    assert (sdg.loc[sdg["level"] == "indicator", "custodian"] != "").all()
    series = sdg.loc[sdg["series"] != "", "series"].str.split(";").explode()
    assert not series.duplicated().any()


def test_crimes():
    crimes = reference.load("crimes").set_index("code")
    assert crimes.loc["07031", ["parent", "title", "corruption"]].tolist() == ["0703", "Bribery", "1"]
    assert crimes.loc["0703", "parent"] == "07"
    assert crimes.loc["07041", "corruption"] == "0"
    assert crimes.index.str.startswith("0").all()
    groups = crimes.index[(crimes["parent"] == "0703")].tolist()
    assert groups == ["07031", "07032", "07033", "07034", "07035", "07039"]


def test_article_targets():
    links = reference.load("article_targets")
    assert set(links["provenance"]) == {"D"}
    pairs = set(zip(links["article"], links["target"], strict=True))
    assert {("15", "16.5"), ("14", "16.4"), ("57", "16.4"), ("61", "17.18"), ("10", "16.10")} <= pairs


def test_members_of_the_united_nations(areas):
    countries = set(areas.loc[areas["level"] == "country", "iso3"])
    assert len(countries) == 248
    assert countries >= NOT_MEMBERS
    assert len(countries - NOT_MEMBERS) == 193
    assert areas["level"].value_counts().to_dict() == {
        "country": 248,
        "subregion": 17,
        "intermediate": 7,
        "region": 5,
        "world": 1,
    }


@pytest.mark.parametrize(
    ("m49", "iso3", "iso2", "name", "above"),
    [
        ("516", "NAM", "NA", "Namibia", ["Southern Africa", "Sub-Saharan Africa", "Africa", "World"]),
        ("578", "NOR", "NO", "Norway", ["Northern Europe", "Europe", "World"]),
        ("004", "AFG", "AF", "Afghanistan", ["Southern Asia", "Asia", "World"]),
        ("384", "CIV", "CI", "Côte d'Ivoire", ["Western Africa", "Sub-Saharan Africa", "Africa", "World"]),
        ("410", "KOR", "KR", "Republic of Korea", ["Eastern Asia", "Asia", "World"]),
        ("408", "PRK", "KP", "Democratic People's Republic of Korea", ["Eastern Asia", "Asia", "World"]),
        ("275", "PSE", "PS", "State of Palestine", ["Western Asia", "Asia", "World"]),
        ("792", "TUR", "TR", "Türkiye", ["Western Asia", "Asia", "World"]),
        ("788", "TUN", "TN", "Tunisia", ["Northern Africa", "Africa", "World"]),
        (
            "076",
            "BRA",
            "BR",
            "Brazil",
            ["South America", "Latin America and the Caribbean", "Americas", "World"],
        ),
        ("010", "ATA", "AQ", "Antarctica", ["World"]),
    ],
)
def test_known_areas(areas, m49, iso3, iso2, name, above):
    row = areas.loc[m49]
    assert row[["iso3", "iso2", "name"]].tolist() == [iso3, iso2, name]
    found = []
    while row["parent_m49"]:
        row = areas.loc[row["parent_m49"]]
        found.append(row["name"])
    assert found == above


def test_region_and_subregion_agree_with_the_parents(areas):
    for _, row in areas.iterrows():
        above, parent = {}, row["parent_m49"]
        while parent:
            above[areas.loc[parent, "level"]] = parent
            parent = areas.loc[parent, "parent_m49"]
        assert row["region"] == above.get("region", "")
        assert row["subregion"] == above.get("subregion", "")
        if row["level"] == "country" and row["iso3"] != "ATA":
            assert row["region"] and row["subregion"], row["name"]


def test_groups_of_countries(areas):
    flags = areas[["ldc", "lldc", "sids"]]
    assert flags.eq("1").sum().to_dict() == {"ldc": 44, "lldc": 32, "sids": 53}
    assert areas.set_index("iso3").loc["LSO", ["ldc", "lldc", "sids"]].tolist() == ["1", "1", "0"]
    assert not (areas["lldc"].eq("1") & areas["sids"].eq("1")).any()


# --- Use ---


def test_a_caller_cannot_change_the_table():
    mine = reference.load("articles")
    mine["title"] = "changed"
    assert reference.load("articles").loc[0, "title"] == "Statement of purpose"


@pytest.mark.parametrize("function", [reference.load, reference.schema, reference.validate, reference.provenance])
def test_unknown_table_is_refused(function):
    with pytest.raises(ValueError, match="no reference table 'countries': choose one of articles, declaration"):
        function("countries")


# --- Planted faults ---


def test_a_copy_has_no_fault(folder):
    assert reference.check(folder) == []


PLANTED = {
    # what is planted: file, text replaced and its replacement; of the one fault: column, words in it, rows
    "unknown level of obligation": (
        ("articles.csv", "贿赂本国公职人员,mandatory", "贿赂本国公职人员,compulsory"),
        ("mandatory", "not one of mandatory, optional, mixed", (15,)),
    ),
    "obligation outside the offences": (
        ("articles.csv", "法人责任,", "法人责任,mandatory"),
        ("mandatory", "another article than 15 to 25", (26,)),
    ),
    "article out of range": (
        ("article_targets.csv", "\n1,16.5,", "\n72,16.5,"),
        ("article", "not the number of an article", (1,)),
    ),
    "goal in place of a target": (
        ("article_targets.csv", "\n1,16.5,", "\n1,16,"),
        ("target", "16: no such target in sdg.csv", (1,)),
    ),
    "link to an unknown article": (
        ("paragraph_links.csv", "\nP4,article,67,", "\nP4,article,671,"),
        ("code", "671: no such article in articles.csv", (5,)),
    ),
    "link to an unknown target": (
        ("paragraph_links.csv", "\nP2,target,16.3,", "\nP2,target,16.13,"),
        ("code", "16.13: no such code in sdg.csv", (1,)),
    ),
    "link from an unknown paragraph": (
        ("paragraph_links.csv", "\nP2,target,16.3,", "\nP20,target,16.3,"),
        ("paragraph", "P20: no such paragraph in declaration.csv", (1,)),
    ),
    "two natures in the other order": (
        ("declaration.csv", ",legal,legal,", ",legal,quantifiable;legal,"),
        ("nature_all", "does not begin with the nature", (38,)),
    ),
    "code without its leading zero": (
        ("crimes.csv", "\n0704,07,", "\n704,07,"),
        ("code", "not an ICCS code", (17,)),
    ),
    "another class above": (
        ("crimes.csv", "\n07041,0704,", "\n07041,0703,"),
        ("parent", "is not the class above", (18,)),
    ),
    "corruption where there is none": (
        ("crimes.csv", "Money laundering,洗钱,0", "Money laundering,洗钱,1"),
        ("corruption", "does not agree with the code", (18,)),
    ),
    "indicator called a target": (
        ("sdg.csv", "\n16.5.1,indicator,", "\n16.5.1,target,"),
        ("level", "does not agree with the code", (31,)),
    ),
    "target read as a number": (
        ("sdg.csv", "\n16.10,target,", "\n16.1,target,"),
        ("parent", "16.10: no such code in sdg.csv", (42, 43)),
    ),
    "blank before a series": (
        ("sdg.csv", ",IC_FRM_BRIB,", ", IC_FRM_BRIB,"),
        ("series", "not a series code", (32,)),
    ),
    "code of one country given to another": (
        ("areas.csv", ",NOR,NO,", ",NOR,NA,"),
        ("iso2", "stands in more than one row", (177, 193)),
    ),
    "code taken for a missing value": (
        ("areas.csv", ",NAM,NA,", ",NAM,,"),
        ("iso2", "empty for a country or area", (177,)),
    ),
    "area without its leading zeros": (
        ("areas.csv", "\n004,AFG,", "\n4,AFG,"),
        ("m49", "not an M49 code of three digits", (31,)),
    ),
    "parent that does not exist": (
        ("areas.csv", "纳米比亚,country,018,", "纳米比亚,country,999,"),
        ("parent_m49", "999: no such m49 in areas.csv", (177,)),
    ),
    "subregion in place of a region": (
        ("areas.csv", "纳米比亚,country,018,002,", "纳米比亚,country,018,202,"),
        ("region", "202: no such region in areas.csv", (177,)),
    ),
    "role that does not exist": (
        ("bases.csv", "\nadults,both,", "\nadults,below,"),
        ("role", "not one of numerator, denominator, both", (1,)),
    ),
    "one denominator of two shapes": (
        ("bases.csv", "\nenterprises,both,", "\nadults,both,"),
        ("base", "more than one shape", None),
    ),
}


@pytest.mark.parametrize("planted", PLANTED)
def test_planted_fault_is_found(planted, folder):
    (file, old, new), (column, words, rows) = PLANTED[planted]
    edit(folder / file, (old, new))
    faults = reference.check(folder)
    found = [fault for fault in faults if fault.where == column and words in fault.what]
    assert len(found) == 1, "\n".join(map(str, faults))
    (fault,) = found
    assert fault.file == f"reference/{file}"
    assert fault.remedy
    assert fault.count == len(fault.rows) > 0
    assert rows is None or fault.rows == rows


def test_repeated_row_is_found_with_its_rows(folder):
    path = folder / "articles.csv"
    lines = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join([*lines, lines[57]]) + "\n", encoding="utf-8")
    (fault,) = reference.check(folder)
    assert (fault.where, fault.rows, fault.count) == ("article", (57, 72), 2)
    assert "more than one row" in fault.what


def test_faults_of_all_files_come_together(folder):
    edit(folder / "areas.csv", (",NOR,NO,", ",NOR,no,"), (",NAM,NA,", ",NAM,,"))
    edit(folder / "crimes.csv", ("\n07031,", "\n7031,"))
    edit(
        folder / "sdg.toml",
        ('code = "Code of the goal, target or indicator"\n', 'colour = "No such column"\n'),
    )
    (folder / "bases.toml").unlink()
    (folder / "article_targets.csv").write_text("article,target\n15,16.5\n", encoding="utf-8")
    (folder / "articles.csv").unlink()
    found = [(fault.file, fault.where) for fault in reference.check(folder)]
    for expected in [
        ("reference/areas.csv", "iso2"),
        ("reference/article_targets.csv", ""),
        ("reference/articles.csv", ""),
        ("reference/bases.toml", ""),
        ("reference/crimes.csv", "code"),
        ("reference/sdg.toml", "columns"),
    ]:
        assert expected in found
    assert found.count(("reference/sdg.toml", "columns")) == 2
    with pytest.raises(Faults, match="not two capital letters") as caught:
        reference.validate("areas", folder)
    assert len(caught.value.faults) == 2


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "not a CSV table"),
        (b"article,target,provenance\n", "no row below the header"),
        (b"article,target,provenance\n15,16.5,D\n16,16.5\n\n17,16.5,D,more\n", "another number of cells"),
        (b"article,target,provenance\n15,16.5,\xff\n", "not UTF-8"),
        (b'article,target,provenance\n15,16.5,"D\n', "not a CSV table"),
        (b"target,article,provenance\n16.5,15,D\n", "columns are target, article, provenance"),
    ],
)
def test_unreadable_table_is_one_fault(folder, content, words):
    (folder / "article_targets.csv").write_bytes(content)
    (fault,) = reference.check(folder)
    assert (fault.file, fault.where) == ("reference/article_targets.csv", "")
    assert words in fault.what
    if "number of cells" in words:
        assert (fault.rows, fault.count) == ((2, 3, 4), 3)


def test_provenance_that_is_not_toml_is_a_fault(folder):
    (folder / "sdg.toml").write_text("title = no quotes\n", encoding="utf-8")
    (fault,) = reference.check(folder)
    assert fault.file == "reference/sdg.toml"
    assert "not TOML" in fault.what


def test_rules_cover_every_table():
    assert tuple(COLUMNS) == reference.NAMES
