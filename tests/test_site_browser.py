"""The site in a browser: languages, search, sorting, downloads, a narrow phone, the keyboard, and the rules of axe."""

import contextlib
import functools
import os
import re
import shutil
import threading
import time
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from pathlib import Path

import pytest

from uncac_metrics._data import datasets_folder
from uncac_metrics.builds import build
from uncac_metrics.languages import translation

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")
REQUIRED = "CI_REQUIRES_BROWSER" in os.environ
pytestmark = pytest.mark.skipif(
    not (CHROMIUM and DRIVER) and not REQUIRED, reason="there is no chromium with its chromedriver on this machine"
)
TYPES = (
    "index.html", "indicators/index.html", "indicators/BR-01.html", "indicators/BR-13.html", "indicators/AM-02.html",
    "paragraphs/index.html", "paragraphs/74.html", "paragraphs/35.html", "articles/index.html", "articles/15.html",
    "targets/index.html", "targets/16.5.html", "coverage.html", "quality.html", "data.html",
)  # fmt: skip
"""A page of every type; of indicators one with breakdowns, one by category, one with withheld values."""
FOLDERS = ("", "zh/")
RULES = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    "rules": {"target-size": {"enabled": True}},
}


@pytest.fixture(scope="module")
def browser(tmp_path_factory) -> Iterator:
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    assert CHROMIUM and DRIVER, "chromium and chromedriver are not installed"
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    folder = tmp_path_factory.mktemp("browser")
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                     f"--user-data-dir={folder}/profile", "--force-prefers-reduced-motion"):  # fmt: skip
        options.add_argument(argument)
    options.add_experimental_option("prefs", {"download.default_directory": str(folder / "downloads")})
    driver = webdriver.Chrome(options=options, service=Service(DRIVER))
    driver.downloads = folder / "downloads"
    yield driver
    driver.quit()


@pytest.fixture(scope="module")
def site(example_release) -> Path:
    return example_release.public


def open_at(browser, page: Path, width: int = 1200):
    """Open a page as a file, in a window of a width; give the browser."""
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False},
    )
    browser.get(page.as_uri())
    return browser


def in_folder(code: str, path: str) -> str:
    """Where a page lies in a language of the small office."""
    return path if code == CODES[0] else f"{code}/{path}"


@pytest.fixture
def visit(browser, site):
    """Open a page of the site as a file, in a window of a width; give the browser."""

    def open_page(path: str, width: int = 1200):
        return open_at(browser, site / path, width)

    return open_page


def texts(browser, selector: str) -> list[str]:
    """The text of all elements."""
    return browser.execute_script(
        "return [...document.querySelectorAll(arguments[0])].map((e) => e.innerText.trim())", selector
    )


def one(browser, selector: str):
    return browser.find_element("css selector", selector)


def test_language_is_switched_on_the_same_page(visit):
    browser = visit("indicators/BR-01.html")
    english = texts(browser, "h1")
    one(browser, '.languages a[hreflang="zh-Hans"]').click()
    assert browser.current_url.endswith("/zh/indicators/BR-01.html")
    assert browser.execute_script("return document.documentElement.lang") == "zh-Hans"
    assert texts(browser, "h1")[0].startswith("居民贿赂发生率") and texts(browser, ".second") == english
    one(browser, '.languages a[hreflang="en"]').click()
    assert texts(browser, "h1") == english


@pytest.mark.parametrize(
    ("page", "words", "code"),
    [
        ("index.html", "bribery population 16.5.1", "BR-01"),
        ("paragraphs/74.html", "br-01", "BR-01"),
        ("zh/quality.html", "居民 贿赂", "BR-01"),
        ("data.html", "enrichment", "20"),
        ("indicators/BR-01.html", "16.5.2", "16.5.2"),
    ],
)
def test_search_finds_and_leads_there(visit, page, words, code):
    browser = visit(page)
    one(browser, "#search").send_keys(words)
    hits = texts(browser, ".hits a span")
    assert code in [hit.split(" ")[-1] for hit in hits], hits
    place = [hit.split(" ")[-1] for hit in hits].index(code)
    browser.find_elements("css selector", ".hits a")[place].click()
    assert browser.current_url.endswith(f"/{code}.html")
    assert len(texts(browser, "h1")) == 1


def test_search_says_how_many_and_that_there_are_none(visit):
    browser = visit("index.html")
    search = one(browser, "#search")
    search.send_keys("asset recovery")
    assert int(texts(browser, ".search .status")[0].split()[0]) >= len(texts(browser, ".hits li")) > 3
    search.clear()
    search.send_keys("qqqq <b>")
    assert texts(browser, ".search .status") == ["Nothing was found"] and texts(browser, ".hits li") == []


def numbers(browser, table: str, column: int) -> list[float]:
    """The numbers of a column, as far as cells hold one."""
    cells = texts(browser, f"{table} tbody tr td:nth-child({column})")
    plain = [cell.replace(",", "").removeprefix("uncertain").strip() for cell in cells]
    return [float(cell) for cell in plain if cell.replace(".", "", 1).isdigit()]


def test_tables_are_sorted_by_number_and_by_word(visit):
    browser = visit("articles/15.html")
    before = numbers(browser, "table", 3)
    button = browser.find_elements("css selector", "thead button")[2]
    button.click()
    up = numbers(browser, "table", 3)
    assert up == sorted(before) != before and len(up) > 3
    assert one(browser, "thead th:nth-child(3)").get_attribute("aria-sort") == "ascending"
    last = texts(browser, "tbody tr:last-child td:nth-child(3)")[0]
    assert last in ("by category", "withheld") or last == f"{up[-1]:g}"
    button.click()
    assert numbers(browser, "table", 3) == sorted(before, reverse=True)
    assert one(browser, "thead th:nth-child(3)").get_attribute("aria-sort") == "descending"
    browser.find_elements("css selector", "thead button")[0].click()
    names = texts(browser, "tbody th a")
    assert names == sorted(names, key=str.casefold)
    assert one(browser, "thead th:nth-child(3)").get_attribute("aria-sort") is None


def test_rows_stay_under_their_heading(visit):
    browser = visit("indicators/BR-01.html")
    groups = (
        "return [...document.querySelector('table').tBodies]"
        ".map((body) => [...body.rows].map((row) => row.cells[0].innerText))"
    )
    before = browser.execute_script(groups)
    browser.find_elements("css selector", "table thead button")[1].click()
    after = browser.execute_script(groups)
    assert [sorted(group) for group in after] == [sorted(group) for group in before] and after != before
    assert [group[0] for group in after if len(group) > 1] == [group[0] for group in before if len(group) > 1]


def test_codes_are_sorted_as_numbers(visit):
    browser = visit("articles/index.html")
    button = one(browser, "thead button")
    button.click()
    button.click()
    assert texts(browser, "tbody td.code")[:3] == ["71", "70", "69"]


def test_keyboard_sorts(visit):
    from selenium.webdriver.common.keys import Keys

    browser = visit("quality.html")
    one(browser, "#why ~ .scroll thead th:last-child button").send_keys(Keys.ENTER)
    counts = [int(n.replace(",", "")) for n in texts(browser, "#why ~ .scroll:nth-of-type(1) tbody td:last-child")]
    assert counts == sorted(counts) and len(counts) > 5


def test_skip_link_is_first_and_leads_to_the_content(visit):
    from selenium.webdriver.common.action_chains import ActionChains
    from selenium.webdriver.common.keys import Keys

    for path in ("index.html", "zh/paragraphs/74.html"):
        browser = visit(path)
        ActionChains(browser).send_keys(Keys.TAB).perform()
        assert browser.switch_to.active_element.get_attribute("class") == "skip"
        assert browser.execute_script("return document.activeElement.getBoundingClientRect().left") >= 0
        assert browser.execute_script("return getComputedStyle(document.activeElement).outlineStyle") == "solid"
        ActionChains(browser).send_keys(Keys.ENTER).perform()
        assert browser.execute_script("return document.activeElement.id") == "content"


@pytest.mark.parametrize("width", [320, 360])
def test_pages_fit_a_narrow_phone(visit, width):
    for path in TYPES:
        for folder in FOLDERS:
            browser = visit(folder + path, width)
            wide = browser.execute_script("return document.documentElement.scrollWidth")
            assert wide <= width, (folder + path, wide)


def test_wide_tables_scroll_by_keyboard(visit):
    browser = visit("indicators/BR-01.html", 320)
    region = one(browser, ".scroll")
    assert browser.execute_script("return arguments[0].scrollWidth > arguments[0].clientWidth", region)
    browser.execute_script("arguments[0].focus()", region)
    assert browser.switch_to.active_element == region and region.aria_role == "region" and region.accessible_name


@contextlib.contextmanager
def served(folder: Path) -> Iterator[str]:
    """The folder at an address of this machine, as a server would publish it."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *arguments):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_data_are_downloaded(browser, site):
    with served(site) as address:
        browser.get(f"{address}/zh/indicators/BR-01.html")
        one(browser, 'a[href$="data/BR-01.csv"]').click()
        wanted, end = browser.downloads / "BR-01.csv", time.monotonic() + 20
        while not wanted.exists() and time.monotonic() < end:
            time.sleep(0.1)
    assert wanted.read_bytes() == (site / "data" / "BR-01.csv").read_bytes()


def test_nothing_is_fetched_from_elsewhere_and_no_script_fails(browser, site):
    with served(site) as address:
        for folder in FOLDERS:
            browser.get_log("browser")  # what was logged before
            browser.get(f"{address}/{folder}indicators/BR-01.html")
            fetched = browser.execute_script("return performance.getEntriesByType('resource').map((e) => e.name)")
            assert {name.rpartition("/")[2] for name in fetched} == {"site.css", "site.js", "search.js"}
            assert all(name.startswith(address) for name in fetched)
            assert not [entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]


def test_pages_fit_a_printed_page(visit):
    """At the width of A4 less its margins nothing is cut off, and what only a screen needs is not printed."""
    for path in TYPES:
        browser = visit(path, width=718)
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
        try:
            for selector in ("body", ".scroll"):
                sizes = browser.execute_script(
                    "return [...document.querySelectorAll(arguments[0])].map((e) => [e.scrollWidth, e.clientWidth])",
                    selector,
                )
                assert all(wide <= room for wide, room in sizes), (path, selector, sizes)
            shown = browser.execute_script(
                "return [...document.querySelectorAll('.search, .languages, .sections, .skip')]"
                ".filter((e) => getComputedStyle(e).display !== 'none').length"
            )
            assert shown == 0 and one(browser, "h1").is_displayed()
        finally:
            browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})


def test_pages_are_whole_without_scripts(visit):
    browser = visit("index.html")
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        browser.refresh()
        assert not one(browser, "form.search").is_displayed()
        assert one(browser, ".heads .big").is_displayed()
        assert not browser.find_elements("css selector", "th button")
    finally:
        browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


def broken_rules(browser) -> list[tuple[str, str, str]]:
    """Rules of axe that the page breaks, each with the first place and what is wrong there."""
    browser.execute_script((files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8"))
    browser.set_script_timeout(120)
    passed, broken = browser.execute_async_script(
        "const done = arguments[1];axe.run(document, arguments[0]).then((r) => done([r.passes.length, r.violations]))",
        RULES,
    )
    assert passed > 30
    return [(rule["id"], rule["nodes"][0]["html"][:200], rule["nodes"][0]["failureSummary"][:300]) for rule in broken]


@pytest.mark.parametrize("folder", FOLDERS)
@pytest.mark.parametrize("path", TYPES)
def test_no_rule_of_accessibility_is_broken(visit, folder, path):
    assert broken_rules(visit(folder + path)) == []


def test_axe_sees_what_is_broken(visit):
    browser = visit("index.html")
    browser.execute_script("document.querySelector('label').remove(); document.documentElement.removeAttribute('lang')")
    browser.execute_script("document.querySelector('.lead').style.color = '#ccc'")
    small = '<a href="#content" style="font-size:6px;display:inline-block;width:8px;height:8px">x</a>'
    browser.execute_script("document.querySelector('main').insertAdjacentHTML('beforeend', arguments[0])", 2 * small)
    found = {rule for rule, *_ in broken_rules(browser)}
    assert {"html-has-lang", "color-contrast", "target-size"} <= found


# --- all six languages, of a small office

CODES = ("fr", "ar", "es", "ru", "zh", "en")
SMALL = (
    "index.html", "indicators/index.html", "indicators/BR-26.html", "paragraphs/index.html", "paragraphs/74.html",
    "articles/15.html", "targets/16.5.html", "coverage.html", "quality.html", "data.html",
)  # fmt: skip


@pytest.fixture(scope="module")
def six(tmp_path_factory) -> Path:
    """The site of an office with one data set, in the six languages; that at the root is French."""
    folder = tmp_path_factory.mktemp("six")
    example = datasets_folder() / "example"
    shutil.copytree(
        example / "datasets" / "civil_servants_2025", folder / "office" / "datasets" / "civil_servants_2025"
    )
    told = (example / "office.toml").read_text(encoding="utf-8")
    chosen = f"languages = {list(CODES)}\n".replace("'", '"')
    (folder / "office" / "office.toml").write_text(chosen + told, encoding="utf-8")
    return build(folder / "office", folder / "out").public


@pytest.mark.parametrize("code", CODES)
def test_no_rule_of_accessibility_is_broken_in_any_language(browser, six, code):
    for path in SMALL:
        open_at(browser, six / in_folder(code, path))
        assert broken_rules(browser) == [], path


@pytest.mark.parametrize("code", CODES)
def test_pages_in_every_language_fit_a_narrow_phone(browser, six, code):
    for path in SMALL:
        open_at(browser, six / in_folder(code, path), width=360)
        wide = browser.execute_script("return document.documentElement.scrollWidth")
        assert wide <= 360, (path, wide)


@pytest.mark.parametrize("code", CODES)
def test_search_and_sorting_in_every_language(browser, six, code):
    open_at(browser, six / in_folder(code, "index.html"))
    one(browser, "#search").send_keys("br-26")
    assert texts(browser, ".hits a span")[0].split(" ")[-1] == "BR-26"
    assert translation("found", code) in texts(browser, ".search .status")[0]
    open_at(browser, six / in_folder(code, "articles/15.html"))
    browser.find_elements("css selector", "thead button")[2].click()
    assert one(browser, "thead th:nth-child(3)").get_attribute("aria-sort") == "ascending"


def test_arabic_pages_run_from_right_to_left(browser, six):
    open_at(browser, six / "ar" / "indicators" / "BR-26.html")
    assert browser.execute_script("return getComputedStyle(document.body).direction") == "rtl"
    places = browser.execute_script(
        "return [...document.querySelectorAll('table thead th')].slice(0, 3).map((e) => e.getBoundingClientRect().left)"
    )
    assert places == sorted(places, reverse=True) and len(set(places)) == 3
    code = "return getComputedStyle(document.querySelector('main [lang=en]')).direction"
    assert browser.execute_script(code) == "ltr"
    # the interval's lower end stands before its upper one in the order of reading
    ends = texts(browser, "table tbody td:nth-child(3)")[0]
    assert re.search(r"من .+ إلى .+", ends), ends
