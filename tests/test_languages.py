"""Languages: that all is translated, that placeholders and forms agree, numbers of CLDR, directions, plots."""

import ast
import os
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from uncac_metrics import languages as words
from uncac_metrics import model, plots
from uncac_metrics.builds.describe import describe_commitment, describe_indicator
from uncac_metrics.builds.links import KINDS
from uncac_metrics.catalogue import load_catalogue
from uncac_metrics.disclosure import present, standards
from uncac_metrics.languages.catalogues import PLACEHOLDER, shipped, template
from uncac_metrics.model import Faults
from uncac_metrics.plots import style
from uncac_metrics.plots.commitment import TITLES
from uncac_metrics.plots.coverage import SUBJECTS
from uncac_metrics.plots.labels import LABELS
from uncac_metrics.shapes import SHAPES
from uncac_metrics.stats.estimates import Estimates

PACKAGE = Path(words.__file__).parent.parent
OTHERS = [code for code in words.UN if code != "en"]
CARDS = load_catalogue()
ARABIC, HAN = re.compile(r"[\u0600-\u06ff]"), re.compile(r"[\u4e00-\u9fff]")
HEAD = 'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=utf-8\\n"\n\n'


def calls() -> set[str]:
    """English texts that the code itself asks for: first arguments of ``text`` and ``plural``."""
    found = set()
    for path in PACKAGE.rglob("*.py"):
        source = path.read_text(encoding="utf-8")
        for node in ast.walk(ast.parse(source)) if "uncac_metrics.languages" in source else ():
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("text", "plural") and node.args:
                first = node.args[0]
                if isinstance(first, ast.Constant) and first.value:
                    found.add(first.value)
    return found


def asked_by_templates() -> set[str]:
    """English texts that the templates of pages ask for: ``_("…")``."""
    pages = "".join(path.read_text(encoding="utf-8") for path in PACKAGE.glob("builds/site/templates/*.html"))
    return set(re.findall(r"""\b_\(\s*"([^"]+)\"""", pages))


def vocabularies() -> set[str]:
    tables = (model.BREAKDOWNS, model.OBS_STATUS, model.CONF_STATUS, model.DISPLAY, model.DIRECTIONS, model.MEASURES,
              model.PROVENANCE, model.SEVERITIES)  # fmt: skip
    found = {label for table in tables for label in table.values()} | {kind.label for kind in KINDS.values()}
    found |= {card.unit for card in CARDS.values()}
    found |= {card.topic.replace("_", " ").capitalize() for card in CARDS.values()}
    found |= {label for codes in LABELS.values() for label in codes.values()}
    found |= set(TITLES.values()) | {f"Indicators of the {what}" for what, _, _ in SUBJECTS.values()}
    found |= {group for _, _, group in SUBJECTS.values()}
    levels = {(card.measure.shape, card.measure.levels) for card in CARDS.values() if card.measure.levels}
    for shape, name in levels:
        column = SHAPES[shape].column(name)
        found |= set((column.codes or column.usual or {}).values())
    return found


def test_every_text_of_the_code_and_the_vocabularies_is_in_the_template():
    known = {text for _, text in template()}
    assert len(calls()) > 30
    assert len(vocabularies()) > 150
    assert len(asked_by_templates()) > 100
    assert not (calls() | vocabularies() | asked_by_templates()) - known


@pytest.mark.parametrize("lang", OTHERS)
def test_everything_is_translated(lang):
    assert words.missing(lang) == []
    assert set(shipped(lang)) == set(template())


@pytest.mark.parametrize(("lang", "letters"), [("ar", ARABIC), ("zh", HAN), ("ru", re.compile(r"[\u0400-\u04ff]"))])
def test_translations_are_in_the_script_of_the_language(lang, letters):
    symbols = {"n", "%", "deff", "{words}: {groups}", "{low}–{high}"}
    left = {text for (_, text), forms in shipped(lang).items() if not all(letters.search(form) for form in forms)}
    assert left <= symbols


@pytest.mark.parametrize("lang", ["es", "fr"])
def test_few_translations_are_the_english_text(lang):
    same = {text for (_, text), forms in shipped(lang).items() if forms[0] == text}
    assert len(same) < 0.12 * len(template())


@given(st.sampled_from(OTHERS), st.sampled_from(template()))
def test_placeholders_of_translations_are_those_of_the_english_text(lang, key):
    forms = shipped(lang)[key]
    wanted = set(PLACEHOLDER.findall(key[1]))
    counted = f'msgid "{key[1]}"\nmsgid_plural' in (PACKAGE / "languages" / "messages.pot").read_text(encoding="utf-8")
    many = len(words.language(lang).plurals) if counted else 1
    assert len(forms) == many
    for form in forms:
        assert wanted - {"n"} <= set(PLACEHOLDER.findall(form)) <= wanted


def test_sentences_with_numbers_are_translated():
    told = "224 of 1,527 amounts are missing"
    assert words.sentence(told, "en") is None or words.sentence(told, "en") == told
    assert words.sentence(told, "es") == "faltan 224 de 1.527 importes"
    assert words.sentence("… of … amounts are missing", "fr") == "… montants sur … manquent"
    assert words.sentence("coefficient of variation grade F", "ru") == "класс коэффициента вариации: F"
    assert words.sentence("largest cluster: 2.3% of the weight", "ar") == "أكبر مجموعة: 2.3% من الوزن"
    assert words.sentence("a sentence of 3 unknown words", "zh") is None


def test_every_reason_of_a_standard_is_translated():
    rows = {
        "statistic": "proportion", "unit": "%", "conf_level": 0.95, "interval": "korn_graubard", "quality": "",
        "reason": "", "display": "shown", "obs_status": "A", "std_error": [1.0, 30.0, 0.0, 60.0, 9.0, np.nan],
        "value": [50.0, 50.0, 0.0, 90.0, 0.5, 20.0], "lower": [48.0, 1.0, 0.0, 1.0, 0.1, 10.0],
        "upper": [52.0, 99.0, 9.0, 99.0, 3.0, 40.0], "n": [900, 20, 400, 35, 5, np.nan],
        "events": [450.0, 10.0, 0.0, 30.0, 1.0, np.nan], "df": [500.0, 3.0, 90.0, 4.0, 3.0, 9.0],
    }  # fmt: skip
    table = pd.DataFrame(rows).assign(indicator="BR-01")
    reasons = set()
    for name in standards()["standard"]:
        reasons |= {one for cell in present(Estimates(table), name).table["reason"] for one in cell.split("; ") if one}
    assert len(reasons) > 8
    assert [(one, lang) for one in reasons for lang in OTHERS if words.sentence(one, lang) is None] == []


def test_terms_of_the_united_nations():
    wanted = {"ar": "الإعلان السياسي", "es": "Declaración política", "fr": "Déclaration politique",
              "ru": "Политическая декларация", "zh": "政治宣言"}  # fmt: skip
    assert {lang: words.text("Political declaration", lang) for lang in OTHERS} == wanted
    assert words.text("United Nations Convention against Corruption", "fr").startswith("Convention des Nations Unies")


@pytest.mark.parametrize(
    ("lang", "value", "decimals", "wanted"),
    [
        ("en", 1234.5, 1, "1,234.5"),
        ("fr", 1234.5, 1, "1\u202f234,5"),
        ("ru", 1234.5, 1, "1\u00a0234,5"),
        ("es", 1234567.891, 2, "1.234.567,89"),
        ("zh", 1234.5, 1, "1,234.5"),
        ("ar", 1234.5, 1, "1,234.5"),
        ("ar", -5.0, 0, "\u200e-5"),
        ("fr", -5.25, 2, "-5,25"),
        ("fr", float("nan"), 1, "–"),
        ("ru", None, 1, "–"),
        ("ru", pd.NA, 1, "–"),
        ("zh", np.float64(0.05), 2, "0.05"),
    ],
)
def test_numbers_are_those_of_cldr(lang, value, decimals, wanted):
    assert words.number(value, lang, decimals) == wanted


@given(st.sampled_from(words.UN), st.floats(-1e12, 1e12), st.integers(0, 6))
def test_a_number_has_the_same_digits_in_every_language(lang, value, decimals):
    def digits(text):
        return re.sub(r"\D", "", text)

    assert digits(words.number(value, lang, decimals)) == digits(f"{value:.{decimals}f}")


def test_percentages_and_intervals():
    assert words.percent(12.5, "en") == "12.5%"
    assert words.percent(12.5, "fr") in ("12,5\u202f%", "12,5\u00a0%")
    assert words.percent(12.5, "ru", 0) == "12\u00a0%"  # half to even, as everywhere
    assert words.span(1.25, 3, "fr", 2) == "1,25 à 3,00"
    assert words.span(1.25, 3, "zh", 2) == "1.25 至 3.00"
    assert words.span(float("nan"), 3, "ar") == "–"


@pytest.mark.parametrize(
    ("when", "lang", "wanted"),
    [
        ("2025-03", "ru", "март 2025\u202fг."),
        ("2025-03", "ar", "مارس 2025"),
        ("2025-Q1", "zh", "2025年第1季度"),
        ("2025-03-09", "en", "March 9, 2025"),
        ("2023/2025", "es", "de 2023 a 2025"),
        ("2025-13", "fr", "2025-13"),
        ("2025-02-30", "fr", "2025-02-30"),
        ("Wave 3", "fr", "Wave 3"),
    ],
)
def test_periods(when, lang, wanted):
    assert words.period(when, lang) == wanted


@pytest.mark.parametrize(
    ("lang", "wanted"),
    [
        ("en", ["0 rows", "1 row", "2 rows", "5 rows", "11 rows", "21 rows", "102 rows"]),
        ("fr", ["0 ligne", "1 ligne", "2 lignes", "5 lignes", "11 lignes", "21 lignes", "102 lignes"]),
        ("ru", ["0 строк", "1 строка", "2 строки", "5 строк", "11 строк", "21 строка", "102 строки"]),
        ("ar", ["لا صفوف", "صف واحد", "صفان", "5 صفوف", "11 صفاً", "21 صفاً", "102 صف"]),
        ("zh", ["0 行", "1 行", "2 行", "5 行", "11 行", "21 行", "102 行"]),
    ],
)
def test_plural_forms(lang, wanted):
    assert [words.plural("{n} row", "{n} rows", n, lang) for n in (0, 1, 2, 5, 11, 21, 102)] == wanted


def test_an_unknown_plural_is_english():
    assert words.plural("{n} apple", "{n} apples", 1, "ru") == "1 apple"
    assert words.plural("{n} apple", "{n} apples", 1200, "ru") == "1\u00a0200 apples"


def test_directions():
    assert {lang: words.direction(lang) for lang in words.UN} == dict.fromkeys(words.UN, "ltr") | {"ar": "rtl"}
    assert words.direction("he") == "rtl"


def test_nothing_filled_in_is_evaluated():
    assert words.text("Source: {source}.", "fr", source="{0.__class__} {source}") == "Source : {0.__class__} {source}."
    with pytest.raises(KeyError):
        words.text("Source: {source}.", "fr", other="x")


def test_unknown_languages_are_refused():
    for wrong in ("xx", "english", "../en", ""):
        with pytest.raises(Faults, match="no such language"):
            words.language(wrong)


def test_names_of_cards_and_rows():
    card = CARDS["BR-01"]
    assert words.named(card, "zh") == card.name_zh
    assert words.named(card, "ru") == card.name
    assert words.named({"title": "Withheld"}, "es") == "No publicado"


def office(folder: Path, **catalogues: str | bytes) -> Path:
    (folder / "languages").mkdir()
    for name, text in catalogues.items():
        data = text if isinstance(text, bytes) else (HEAD + text).encode()
        (folder / "languages" / f"{name}.po").write_bytes(data)
    return folder


def test_an_offices_own_catalogue_wins(tmp_path):
    own = 'msgid "Withheld"\nmsgstr "Secret"\n\nmsgid "Court A"\nmsgstr "Tribunal A"\n'
    folder = office(tmp_path, fr=own, en='msgid "Withheld"\nmsgstr "Suppressed"\n')
    french, english = words.language("fr", folder), words.language("en", folder)
    assert words.text("Withheld", french) == "Secret"
    assert words.text("Withheld", english) == "Suppressed"
    assert words.text("Value", french) == "Valeur"
    assert words.text("Court A", french) == "Tribunal A"
    assert words.text("Withheld", "fr") == "Non publié"
    assert words.language("es", folder) == words.language("es")
    assert plots.svg  # the face is loaded
    data = pd.DataFrame({"indicator": ["BR-01"], "value": [5.0], "display": ["withheld"], "sex": ["_T"]})
    assert "non publié" in plots.interval_svg(data, lang="fr")


def test_an_office_adds_a_language(tmp_path):
    rows = 'msgid "{n} row"\nmsgid_plural "{n} rows"\nmsgstr[0] "{n} linha"\nmsgstr[1] "{n} linhas"\n'
    folder = office(tmp_path, pt=rows + '\nmsgid "Value"\nmsgstr "Valor"\n')
    assert list(words.languages(folder)) == [*words.UN, "pt"]
    portuguese = words.languages(folder)["pt"]
    assert (portuguese.name, portuguese.direction, portuguese.plurals) == ("português", "ltr", ("one", "other"))
    assert words.text("Value", portuguese) == "Valor"
    assert words.plural("{n} row", "{n} rows", 1234, portuguese) == "1.234 linhas"
    assert "Value" not in words.missing(portuguese)
    assert "Withheld" in words.missing(portuguese)


def test_all_faults_of_all_catalogues_at_once(tmp_path):
    folder = office(
        tmp_path,
        fr='msgid "Source: {source}."\nmsgstr "Source : {sorce}."\n\nmsgid "Value"\nmsgstr "Valeur {"\n',
        ru='msgid "{n} row"\nmsgid_plural "{n} rows"\nmsgstr[0] "{n} строка"\nmsgstr[1] "{n} строки"\n',
        es='msgid "Value"\nmsgstr "Año"\n'.encode("latin-1"),
        klingonish='msgid "Value"\nmsgstr "x"\n',
        ar='msgid "Value\nmsgstr x\n',
        zh='msgid "Value"\n',
    )
    faults = words.check(folder)
    told = "\n".join(str(fault) for fault in faults)
    assert "es.po: line 2: the file is not UTF-8" in told
    assert "lacks {source}" in told
    assert "has {sorce}" in told
    assert "a brace stands alone" in told
    assert "2 of 3 plural forms — Russian has one, few, many, in this order" in told
    assert "'klingonish' is no language" in told
    assert "ar.po: line 6: is no line of a PO file" in told
    assert "ar.po: line 5: is no line of a PO file" in told
    assert "zh.po: cannot be read as a PO file" in told
    assert len(faults) == 9
    with pytest.raises(Faults) as caught:
        words.languages(folder)
    assert len(caught.value.faults) == 9


def test_the_check_of_an_office_tells_of_its_catalogues(tmp_path):
    from uncac_metrics.builds.check import check

    (tmp_path / "office.toml").write_text('id = "o"\nname = "Office"\nref_area = "XXA"\n', encoding="utf-8")
    folder = office(tmp_path, fr='msgid "Source: {source}."\nmsgstr "Source"\n')
    assert "lacks {source}" in "\n".join(str(fault) for fault in check(folder).faults)


def test_fuzzy_and_empty_entries_are_no_translations(tmp_path):
    folder = office(tmp_path, fr='#, fuzzy\nmsgid "Withheld"\nmsgstr "Douteux"\n\nmsgid "Value"\nmsgstr ""\n')
    assert dict(words.language("fr", folder).own) == {}


def test_a_header_is_never_run(tmp_path):
    folder = office(tmp_path)
    path = folder / "languages" / "fr.po"
    header = HEAD.rstrip() + "\n\"Plural-Forms: nplurals=2; plural=__import__('os').abort();\\n\"\n\n"
    path.write_text(header + 'msgid "Value"\nmsgstr "V"\n', encoding="utf-8")
    assert words.text("Value", words.language("fr", folder)) == "V"


def labels(text: str) -> list[str]:
    """What stands in the column of labels of a described card, and its headings."""
    found = [re.split(r"\s{2,}", line.strip())[0] for line in text.splitlines() if re.match(r"  \S", line)]
    return [one for one in found if not re.match(r"[\dA-Z.\-]+[a-z]?( |$)", one)]


def test_no_english_label_in_a_chinese_card():
    for card in CARDS.values():
        found = labels(describe_indicator(card, lang="zh"))
        assert len(found) > 10
        assert all(HAN.search(one) for one in found), found
    told = describe_commitment("paragraph", "74", CARDS, lang="zh")
    assert told.startswith("政治宣言，段落 74  ")
    assert "Indicators" not in told


@pytest.mark.parametrize("lang", words.UN)
def test_show_in_every_language(lang, capsys):
    from uncac_metrics.cli import main

    assert main(["show", "BR-01", "--lang", lang]) == 0
    told = capsys.readouterr().out
    assert words.text("Lower is better", lang) in told
    assert words.text("Disaggregations", lang) in told


FRAME = pd.DataFrame(
    {"indicator": "BR-01", "dataset": "d", "sex": ["_T", "F", "M"], "time_period": "2025", "unit": "%",
     "value": [12.34, 10.0, 15.5], "lower": [11.0, 8.0, np.nan], "upper": [13.5, 12.25, np.nan],
     "n": [12345, 6000, np.nan], "display": ["shown", "flagged", "withheld"]}
)  # fmt: skip
TIMES = FRAME.assign(sex="_T", time_period=["2019", "2021", "2023"], obs_status=["A", "A", "B"])


@pytest.fixture
def no_pyplot_left():
    import matplotlib.pyplot as plt

    yield
    plt.close("all")


def drawn(lang: str) -> list:
    groups = FRAME[FRAME["sex"] != "_T"]
    return [
        plots.interval(FRAME, indicator=CARDS["BR-01"], source="INE", lang=lang),
        plots.trend(TIMES, indicator=CARDS["BR-01"], target=3, source="INE", lang=lang),
        plots.dumbbell(groups, catalogue=CARDS, source="INE", lang=lang),
        plots.commitment(FRAME, "69", source="INE", lang=lang),
        plots.coverage_matrix(by="section", lang=lang),
    ]


def texts_of(ax) -> str:
    from matplotlib.text import Text

    return "\n".join(one.get_text() for one in ax.get_figure(root=True).findobj(Text))


@pytest.mark.parametrize("lang", ["ar", "es", "fr", "ru"])
@pytest.mark.usefixtures("no_pyplot_left")
def test_plots_draw_without_a_missing_glyph(lang):
    # warnings are errors in tests, the one of a missing glyph too
    english = re.compile(r"withheld|Hollow|intervals|Lower is|Female|Indicators of|Direct experience")
    for ax in drawn(lang):
        ax.get_figure(root=True).canvas.draw()
        assert not english.search(texts_of(ax))
        assert words.text("Source: {source}.", lang, source="INE") in texts_of(ax) or "INE" not in texts_of(ax)


@pytest.mark.usefixtures("no_pyplot_left")
def test_arabic_titles_stand_at_the_right():
    ax = plots.coverage_matrix(by="section", lang="ar")
    assert ax.get_title(loc="left") == ""
    assert ax.get_title(loc="right") == "\u200f" + words.text("Indicators of the sections of the declaration", "ar")
    ax = plots.interval(FRAME, indicator=CARDS["BR-01"], lang="ar")
    figure = ax.get_figure(root=True)
    assert figure._suptitle.get_ha() == "right"
    assert figure._supxlabel.get_ha() == "right"
    assert figure._supxlabel.get_text().startswith("\u200fالخطوط")
    assert plots.interval(FRAME, indicator=CARDS["BR-01"]).get_figure(root=True)._suptitle.get_ha() == "left"


def test_arabic_is_shaped_and_runs_to_the_left():
    """The ink of a word whose first letter is tall and last one low stands higher at the right."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    def ink(text: str) -> np.ndarray:
        figure = Figure(figsize=(3, 1), dpi=100)
        canvas = FigureCanvasAgg(figure)
        figure.text(0.1, 0.4, text, fontsize=30)
        canvas.draw()
        dark = np.asarray(canvas.buffer_rgba())[..., 0] < 128
        return dark[:, dark.any(axis=0).argmax() : dark.shape[1] - dark.any(axis=0)[::-1].argmax()]

    word = ink("اسس")
    assert word[:, -3:].sum() > 2 * word[:, :3].sum()  # alef, an upright stroke, comes first: at the right
    apart = sum(ink(letter).shape[1] for letter in "بسم")
    assert ink("بسم").shape[1] < apart  # joined letters are narrower than the same letters alone


def test_svg_runs_from_right_to_left():
    text = plots.interval_svg(FRAME, indicator=CARDS["BR-01"], lang="ar")
    assert text.startswith('<svg xml:lang="ar" role="img"')
    for element in re.findall(r"<text [^>]*>[^<]*</text>", text):
        assert ('direction="rtl"' in element) == bool(ARABIC.search(element)), element
    total = re.search(r"<text ([^>]*)>المجموع<", text)[1]
    assert 'text-anchor="end"' not in total  # its start is its right end
    english = plots.interval_svg(FRAME, indicator=CARDS["BR-01"])
    assert "direction" not in english
    assert "xml:lang" not in english


def test_numbers_of_a_picture():
    text = plots.interval_svg(FRAME, indicator=CARDS["BR-01"], lang="fr")
    assert ">12\u202f345<" in text
    assert "12,3 (intervalle à 95 % de 11,0 à 13,5; n 12\u202f345)" in text


def installed() -> bool:
    try:
        return bool(style.chinese_font())
    except Faults:
        return False


def test_without_a_chinese_font_the_fault_names_fonts(monkeypatch):
    from matplotlib.figure import Figure

    monkeypatch.setattr(style, "CHINESE", ("No Such Font",))
    with pytest.raises(Faults, match=r"Noto Sans CJK SC.*fonts-noto-cjk"):
        plots.interval(FRAME, indicator=CARDS["BR-01"], ax=Figure().subplots(), lang="zh")


@pytest.mark.skipif(
    not installed() and "CI_REQUIRES_BROWSER" not in os.environ,
    reason=f"no font with Chinese letters is installed: {', '.join(style.CHINESE[:4])}, …",
)
@pytest.mark.usefixtures("no_pyplot_left")
def test_chinese_plots_draw_without_a_missing_glyph():
    for ax in drawn("zh"):
        ax.get_figure(root=True).canvas.draw()
        assert HAN.search(texts_of(ax))


def test_chinese_pictures_need_no_font():
    text = plots.interval_svg(FRAME, indicator=CARDS["BR-01"], lang="zh")
    assert f">{CARDS['BR-01'].name_zh}<" in text
    assert "Noto Sans CJK SC" in text
    assert "不予公布" in text
