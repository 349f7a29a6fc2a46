"""The site of a release: sound small pages in every language, with links that lead somewhere and texts translated."""

import json
import re
import shutil
from html.parser import HTMLParser
from importlib.resources import files
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

import pandas as pd
import pytest
from jinja2 import nodes

import uncac_metrics as um
from uncac_metrics import reference
from uncac_metrics._data import datasets_folder
from uncac_metrics.builds import build, read_estimates
from uncac_metrics.builds.check import check
from uncac_metrics.builds.site import environment
from uncac_metrics.builds.site.quality import FILES
from uncac_metrics.languages import UN, sentence, translation
from uncac_metrics.model import BREAKDOWNS, DIRECTIONS, MEASURES, Faults

EXAMPLE = datasets_folder() / "example"
LIMIT = 200_000
"""Bytes of a page without its figures."""


class Page(HTMLParser):
    """Tags, ids, links, headings and languages of a page; that every tag is closed."""

    VOID = frozenset({"meta", "br", "link", "img", "hr", "input"})

    def __init__(self, text: str):
        super().__init__()
        self.open, self.tags, self.ids, self.links, self.unnamed, self.heads = [], [], [], [], [], []
        self.labels, self.shown = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        self.tags.append(tag)
        self.ids += [values["id"]] if "id" in values else []
        self.links += [values[key] for key in ("href", "src", "xlink:href") if key in values]
        self.labels += [values["aria-labelledby"]] if "aria-labelledby" in values else []
        self.heads += [int(tag[1])] if re.fullmatch("h[1-6]", tag) else []
        if tag == "svg" and not (values.get("role") == "img" and values.get("aria-label")):
            self.unnamed.append(self.getpos())
        if tag == "th" and "scope" not in values:
            self.unnamed.append(self.getpos())
        if values.get("role") == "region" and not (values.get("aria-label") and values.get("tabindex") == "0"):
            self.unnamed.append(self.getpos())
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in self.VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, (tag, self.getpos())

    def handle_data(self, data):
        self.shown.append(data)


@pytest.fixture(scope="module")
def release(example_release):
    return example_release


@pytest.fixture(scope="module")
def site(release) -> Path:
    return release.public


@pytest.fixture(scope="module")
def texts(site) -> dict[str, str]:
    """Path -> text of every page."""
    return {p.relative_to(site).as_posix(): p.read_text(encoding="utf-8") for p in sorted(site.rglob("*.html"))}


@pytest.fixture(scope="module")
def parsed(texts) -> dict[str, Page]:
    return {name: Page(text) for name, text in texts.items()}


@pytest.fixture
def office(tmp_path) -> Path:
    """A small office: one data set of the example."""
    folder = tmp_path / "office"
    source = folder / "datasets" / "civil_servants_2025"
    source.mkdir(parents=True)
    shutil.copy(EXAMPLE / "office.toml", folder)
    for name in ("source.toml", "data.csv.gz"):
        shutil.copy(EXAMPLE / "datasets" / source.name / name, source)
    return folder


def write(office: Path, line: str) -> None:
    """Put a line at the beginning of an office's file."""
    toml = office / "office.toml"
    toml.write_text(f"{line}\n{toml.read_text(encoding='utf-8')}", encoding="utf-8")


def within(page: str, link: str) -> str:
    """Path within the site that a link of a page leads to."""
    parts: list[str] = []
    for part in (PurePosixPath(page).parent / unquote(link)).parts:
        parts = parts[:-1] if part == ".." else [*parts, part]
    return "/".join(parts)


# --- which pages there are


def test_a_page_for_every_indicator_paragraph_article_and_target(release, texts):
    wanted = {"index.html", "coverage.html", "quality.html", "data.html"}
    wanted |= {f"indicators/{key}.html" for key in set(release.estimates["indicator"])}
    wanted |= {f"paragraphs/{number}.html" for number in (*range(1, 87), *(f"P{i}" for i in range(1, 15)))}
    wanted |= {f"articles/{number}.html" for number in range(1, 72)}
    wanted |= {f"targets/{code}.html" for code in reference.load("sdg")["code"]}
    wanted |= {f"{folder}/index.html" for folder in ("indicators", "paragraphs", "articles", "targets")}
    assert wanted | {f"zh/{name}" for name in wanted} == set(texts)


def test_pages_are_sound_html(parsed):
    for name, page in parsed.items():
        assert page.open == [] and page.unnamed == [], name
        assert [page.tags.count(tag) for tag in ("h1", "main", "footer")] == [1, 1, 1], name
        assert page.heads[0] == 1 and all(b - a <= 1 for a, b in zip(page.heads, page.heads[1:], strict=False)), name
        repeated = {i for i in page.ids if page.ids.count(i) > 1}
        assert not {i for i in repeated if not re.fullmatch("[a-z][0-9a-f]{10}", i)}, (name, repeated)
        assert set(page.labels) <= set(page.ids), name


def test_every_link_leads_somewhere_and_nothing_is_fetched(site, parsed):
    there = {path.relative_to(site).as_posix() for path in site.rglob("*") if path.is_file()}
    for name, page in parsed.items():
        for link in set(page.links) - {"data:,"}:  # no icon
            parts = urlsplit(link)
            assert not parts.scheme and not parts.netloc and not link.startswith("/"), (name, link)
            target = within(name, parts.path) if parts.path else name
            assert target in there, (name, link)
            if parts.fragment and target.endswith(".html"):
                assert unquote(parts.fragment) in parsed[target].ids, (name, link)
    for name in ("site.css", "site.js"):
        assert not re.search(r"https?:|url\(|@import|fetch\(|innerHTML", (site / name).read_text(encoding="utf-8"))


def test_pages_are_small(texts):
    sizes = {name: len(re.sub("(?s)<svg.*?</svg>", "", text).encode()) for name, text in texts.items()}
    assert max(sizes.values()) < LIMIT, max(sizes.items(), key=lambda item: item[1])


def test_the_same_bytes_again(release, site, tmp_path):
    again = build(out=tmp_path)
    assert again.id == release.id
    for path in sorted(site.rglob("*")):
        if path.is_file():
            assert (again.public / path.relative_to(site)).read_bytes() == path.read_bytes(), path


# --- what they say


def test_page_of_an_indicator(release, site, texts):
    text = texts["indicators/BR-01.html"]
    card = um.load_catalogue()["BR-01"]
    rows = release.estimates.query("indicator == 'BR-01' and dataset == 'population_2025'")
    total = rows[(rows[list(BREAKDOWNS)] == "_T").all(axis=1)].iloc[0]
    words = re.sub(r"\s+", " ", re.sub("<[^>]+>", " ", text))
    assert f"{total['value']:.1f}%" in words
    assert f"95 % interval {total['lower']:.1f} to {total['upper']:.1f}" in words
    assert card.name in words and card.name_zh in words and card.formula.split("×")[0] in words
    assert "Adults with at least one contact with a public official" in words  # a denominator by name
    assert "not one of UNODC&#39;s framework" in words and "Simulated data." in words
    for link in ("../paragraphs/74.html", "../articles/15.html", "../targets/16.5.1.html", "../data/BR-01.csv"):
        assert f'href="{link}"' in text
    assert text.count("<svg") == rows_of_sets(release, "BR-01")


def rows_of_sets(release, key: str) -> int:
    return release.estimates.query("indicator == @key")["dataset"].nunique()


def test_withheld_values_are_words_and_have_their_reason(release, texts):
    hidden = release.estimates.query("display == 'withheld'")
    key = hidden["indicator"].value_counts().index[0]
    reason = hidden.loc[hidden["indicator"] == key, "reason"].iloc[0]
    text = texts[f"indicators/{key}.html"]
    assert text.count('<tr class="withheld') == (hidden["indicator"] == key).sum()
    for row in re.findall('<tr class="withheld.*?</tr>', text):
        assert '<td><em class="gone">withheld</em></td><td>–</td><td>–</td>' in row and "<sup>" in row
    assert reason in text


def test_files_of_an_indicator_are_its_part_of_the_release(release, site):
    whole = read_estimates(site / "estimates.csv")
    parts = [read_estimates(path) for path in sorted((site / "data").glob("*.csv"))]
    pd.testing.assert_frame_equal(
        pd.concat(parts).sort_values(list(whole.columns[:5]), kind="stable", ignore_index=True),
        whole.sort_values(list(whole.columns[:5]), kind="stable", ignore_index=True),
    )
    about = json.loads((site / "data" / "BR-01.json").read_text(encoding="utf-8"))
    assert about["release"] == release.id and about["definition"]["id"] == "BR-01"
    assert {"code": "74", "title": "Less corruption and bribery by 2030"}.items() <= about["linked"]["paragraph"][
        -1
    ].items()
    assert all(source["terms"] and source["simulated"] for source in about["sources"])
    assert "/" not in json.dumps(about["definition"].get("file", ""))


def test_pages_of_commitments(texts):
    text = texts["paragraphs/74.html"]
    assert "Less corruption and bribery by 2030" in text and 'href="../indicators/BR-01.html"' in text
    assert 'href="../paragraphs/73.html"' in text and 'href="../paragraphs/75.html"' in text
    assert "Nothing measures this paragraph: it recognises or rules" in texts["paragraphs/35.html"]
    assert "Not scored" in texts["paragraphs/35.html"]
    linked = {card.id for card in um.load_catalogue().values() if "15" in card.articles}
    assert linked and shown(texts["articles/15.html"]) == linked
    below = {card.id for card in um.load_catalogue().values() if any(re.match(r"16\.5\b", t) for t in card.targets)}
    assert shown(texts["targets/16.5.html"]) == below > {"BR-01"}


def shown(text: str) -> set[str]:
    """Indicators that a page of a commitment links to."""
    return set(re.findall(r'href="\.\./indicators/([A-Z]+-\w+)\.html"', text))


def test_coverage_counts_links(texts):
    table = um.coverage().set_index("paragraph")["n_indicators"]
    text = texts["coverage.html"].partition('id="by-paragraph"')[2].partition("</table>")[0]
    rows = re.findall(r'<td class="text code">(\d+)</td><th.*?</th><td>([–\d]+)</td>', text)
    assert {code: 0 if n == "–" else int(n) for code, n in rows} == table.to_dict()


def test_quality_counts_estimates(release, texts):
    words = re.sub(r"\s+", " ", re.sub("<[^>]+>", " ", texts["quality.html"]))
    for display, label in (("shown", "shown"), ("flagged", "shown with a warning"), ("withheld", "withheld")):
        assert f"{label} {(release.estimates['display'] == display).sum():,}" in words
    assert "NCHS presentation standards for proportions" in words
    assert "a cell with fewer than 5 contributors is withheld" in words


def test_checks_are_numbers_only(release, texts):
    report = json.loads((release.internal / "validation.json").read_text(encoding="utf-8"))
    text = texts["quality.html"]
    assert sum(row["count"] for row in report["types"]) == len(report["details"]) > 0
    for row in report["types"]:
        assert re.search(rf"{re.escape(row['label'])}</th>.*?<td>{row['count']}</td>", text)
    for row in report["details"]:
        assert row["what"] not in text


def test_downloads_are_listed(site, texts):
    for name in FILES:
        assert (f'href="{name}"' in texts["data.html"]) == (site / name).is_file()


def test_search_finds_every_page(site, texts):
    for folder, language in (("", "en"), ("zh/", "zh")):
        text = (site / folder / "search.js").read_text(encoding="utf-8")
        entries = json.loads(text.removeprefix("window.SEARCH=").removesuffix(";\n"))
        pages = {folder + entry[4] for entry in entries}
        inner = {n for n in texts if n.startswith(f"{folder}indicators/") or re.match(f"{folder}[pat]\\w+s/", n)}
        assert pages == {name for name in inner if not name.endswith("/index.html")}
        one = next(entry for entry in entries if entry[1] == "BR-01")
        assert one[0] == translation("Indicator", language)
        assert um.load_catalogue()["BR-01"].name_zh in one[2] + one[3]


# --- escaping


def test_pages_escape_what_an_office_writes(office, tmp_path):
    toml = office / "office.toml"
    evil = "<script>alert(1)</script>"
    toml.write_text(re.sub("(?m)^name = .*", f'name = "{evil}"', toml.read_text(encoding="utf-8")), encoding="utf-8")
    source = office / "datasets" / "civil_servants_2025" / "source.toml"
    text = re.sub("(?m)^(producer|terms) = .*", rf'\1 = "{evil}"', source.read_text(encoding="utf-8"))
    source.write_text(text, encoding="utf-8")
    public = build(office, tmp_path / "out").public
    for path in public.rglob("*.html"):
        text = path.read_text(encoding="utf-8")
        assert "<script>" not in text, path
        scripts = re.findall("<script[^>]*>", text)
        assert len(scripts) == 2 and all(re.search(r'src="[./]*(search|site)\.js" defer', one) for one in scripts), path
    assert "&lt;script&gt;" in (public / "index.html").read_text(encoding="utf-8")
    assert "&lt;script&gt;" in (public / "quality.html").read_text(encoding="utf-8")


# --- languages


def said() -> set[str]:
    """Every text that a template says."""
    found, folder = set(), files("uncac_metrics.builds.site") / "templates"
    for file in folder.iterdir():
        if not file.name.endswith(".html") or file.name == "validation.html":
            continue
        for call in environment().parse(file.read_text(encoding="utf-8")).find_all(nodes.Call):
            if isinstance(call.node, nodes.Name) and call.node.name == "_":
                found |= {n.value for n in call.args[0].find_all(nodes.Const) if isinstance(n.value, str)}
                found |= {call.args[0].value} if isinstance(call.args[0], nodes.Const) else set()
    return found


def test_every_text_has_a_translation():
    texts = {text for text in said() if not re.fullmatch("new|revised|dropped", text)} | {"revised", *FILES.values()}
    assert len(texts) > 150
    vocabularies = {*MEASURES.values(), *DIRECTIONS.values(), *BREAKDOWNS.values()} - {
        "Category of the measured variable"
    }
    for lang in UN:
        assert not {text for text in texts | vocabularies if translation(text, lang) is None}
        for text in texts:
            assert set(re.findall(r"{\w+}", text)) == set(re.findall(r"{\w+}", translation(text, lang))), text


def test_every_reason_has_a_translation(release):
    reasons = {one for cell in release.estimates["reason"].dropna() for one in cell.split("; ") if one}
    assert len(reasons) > 15
    assert {(one, lang) for one in reasons for lang in UN if lang != "en" and sentence(one, lang) is None} == set()


def test_languages_of_pages(texts):
    for name, text in texts.items():
        chinese = name.startswith("zh/")
        assert f'<html lang="{"zh-Hans" if chinese else "en"}" dir="ltr">' in text
        twin = name.removeprefix("zh/") if chinese else f"zh/{name}"
        links = re.search(r'hreflang="(?:en|zh-Hans)" href="([^"]+)"', text)
        assert within(name, links[1]) == twin
    assert "<h1>居民贿赂发生率" in texts["zh/indicators/BR-01.html"]
    assert '<p class="second"><span lang="zh-Hans">居民贿赂发生率' in texts["indicators/BR-01.html"]
    assert '<p class="lead"><span lang="en">Share of the adults' in texts["zh/indicators/BR-01.html"]


def test_an_office_chooses_its_languages(office, tmp_path):
    write(office, 'languages = ["zh"]')
    public = build(office, tmp_path / "out").public
    assert '<html lang="zh-Hans"' in (public / "index.html").read_text(encoding="utf-8")
    assert not (public / "zh").exists() and not (public / "en").exists()
    assert 'class="languages"' not in (public / "index.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("languages", ['["xx"]', "[]", '["en", "en"]', "[1]", '"en"'])
def test_languages_that_cannot_be(office, tmp_path, languages):
    write(office, f"languages = {languages}")
    assert any(fault.where.startswith("languages") for fault in check(office).faults)
    with pytest.raises(Faults, match="languages"):
        build(office, tmp_path / "out")


def own_texts(office: Path, code: str, **texts: str) -> Path:
    """A catalogue of an office's own, with names of the arguments as English texts."""
    path = office / "languages" / f"{code}.po"
    path.parent.mkdir(exist_ok=True)
    path.write_text("".join(f'msgid "{k}"\nmsgstr "{v}"\n\n' for k, v in texts.items()), encoding="utf-8")
    return path


def test_an_office_has_texts_and_languages_of_its_own(office, tmp_path):
    write(office, 'languages = ["en", "fr", "pt"]')
    own_texts(office, "fr", Home="Page d’accueil", Female="Dames")
    own_texts(office, "pt", Home="Início", Female="Mulheres", Total="Todos")
    first = build(office, tmp_path / "out")
    pages = {
        code: (first.public / code / "indicators" / "BR-26.html").read_text(encoding="utf-8") for code in ("fr", "pt")
    }
    plots = {
        code: next((first.public / code / "plots").glob("BR-26-*.svg")).read_text("utf-8") for code in ("fr", "pt")
    }
    for code, home, women in (("fr", "Page d’accueil", "Dames"), ("pt", "Início", "Mulheres")):
        assert f'<html lang="{code}" dir="ltr">' in pages[code] and f">{home}</a>" in pages[code]
        assert f">{women}<" in pages[code] and f">{women}<" in plots[code]
    assert ">Indicateurs</a>" in pages["fr"]  # the package's own translation, where the office has none
    assert ">Indicators</a>" in pages["pt"]  # and English where nobody has one
    assert not build(office, tmp_path / "out").new
    own_texts(office, "pt", Home="Inicial")
    second = build(office, tmp_path / "out")
    assert second.new and ">Inicial</a>" in (second.public / "pt" / "data.html").read_text(encoding="utf-8")


def test_catalogues_that_cannot_be(office, tmp_path):
    write(office, 'languages = ["en", "pt"]')
    elsewhere = own_texts(tmp_path, "fr", Home="Accueil")
    (office / "languages").mkdir()
    (office / "languages" / "fr.po").symlink_to(elsewhere)
    (office / "languages" / "es.po").write_text('msgid "Home"\nmsgstr "Inicio {x}"\n', encoding="utf-8")
    with (office / "languages" / "ru.po").open("wb") as large:
        large.truncate(10**8)
    told = [str(fault) for fault in check(office).faults]
    assert any("'pt'" in one and "languages/<code>.po" in one for one in told)
    assert any("fr.po" in one and "leads out of the office's folder" in one for one in told)
    assert any("es.po" in one and "{x}" in one for one in told)
    assert any("ru.po" in one and "too many bytes" in one for one in told)
    with pytest.raises(Faults, match="leads out"):
        build(office, tmp_path / "out")


@pytest.mark.parametrize("code", ["../outside", "/tmp/x"])
def test_a_language_is_no_path(office, tmp_path, code):
    write(office, f'languages = ["en", "{code}"]')
    (tmp_path / "outside.po").write_text('msgid "Home"\nmsgstr "H"\n', encoding="utf-8")
    (office / "languages").mkdir()
    with pytest.raises(Faults, match="no pages can be written"):
        build(office, tmp_path / "out")
    with pytest.raises(Faults):
        build(office, tmp_path / "out", continue_on_failure=True)
    assert not (tmp_path / "out" / "current").exists()


# --- since the last release


def test_what_is_new_since_the_last_release(office, tmp_path):
    first = build(office, tmp_path / "out")
    assert "This is the first release" in (first.public / "index.html").read_text(encoding="utf-8")
    lacking = (first.public / "paragraphs" / "80.html").read_text(encoding="utf-8")
    assert "Nothing measures this paragraph here: it is addressed to the United Nations" in lacking
    write(office, "")
    source = office / "datasets" / "civil_servants_2025" / "source.toml"
    text = source.read_text(encoding="utf-8")
    source.write_text(re.sub("(?m)^sha256 = .*\n", "", text), encoding="utf-8")
    data = pd.read_csv(source.parent / "data.csv.gz", dtype="str", keep_default_na=False)
    data.iloc[50:].to_csv(source.parent / "data.csv.gz", index=False)
    second = build(office, tmp_path / "out")
    changes = um.revisions(first, second)
    counts = changes["status"].value_counts()
    words = re.sub(r"\s+", " ", re.sub("<[^>]+>", " ", (second.public / "index.html").read_text(encoding="utf-8")))
    assert counts["revised"] > 0
    assert f"revised {counts['revised']:,}" in words and f"Compared with release {first.id}." in words
    page = (second.public / "indicators" / "BR-26.html").read_text(encoding="utf-8")
    rows = changes[(changes["indicator"] == "BR-26") & changes["status"].isin(["revised", "dropped"])]
    section = page.partition('id="revisions"')[2].partition("</section>")[0]
    assert section.count('<th scope="row">') == len(rows) > 0
    total = rows[(rows[list(BREAKDOWNS)] == "_T").all(axis=1)].iloc[0]
    assert f"<td>{total['value_before']:,.1f}</td><td>{total['value_after']:,.1f}</td>" in section
