"""What the reference tables may hold: rules for cells and rows, keys, and links between tables, as data."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

import pandas as pd

from uncac_metrics.model import PROVENANCE


class Cell(NamedTuple):
    """Rule for one cell: a regular expression that the whole cell matches, and the same in words."""

    pattern: str
    words: str


class Row(NamedTuple):
    """Rule for a row: `holds` says yes or no for every row of the table."""

    column: str
    holds: Callable[[pd.DataFrame], pd.Series]
    what: str
    remedy: str


class Link(NamedTuple):
    """The cells of `column` (where `only` holds), unless empty, stand in the column `key` of `other`."""

    table: str
    column: str
    other: str
    key: str
    only: tuple[str, str] | None = None
    level: str = ""
    """Where given, the row of `other` has this ``level``."""


def _one_of(*values: str) -> Cell:
    return Cell("|".join(re.escape(v) for v in values), f"one of {', '.join(values)}")


def _list_of(cell: Cell) -> Cell:
    return Cell(f"({cell.pattern})(;({cell.pattern}))*", f"{cell.words}; several are separated by semicolons")


def _or_empty(cell: Cell) -> Cell:
    return Cell(f"({cell.pattern})?", f"{cell.words}, or empty")


_TEXT = Cell(r"\S(.*\S)?", "text without blanks around it")
_NOTE = _or_empty(_TEXT)
_FLAG = _one_of("0", "1")
_ARTICLE = Cell(r"[1-9]|[1-6]\d|7[01]", "the number of an article, 1 to 71")
_PARAGRAPH = Cell(r"P([1-9]|1[0-4])|[1-9]|[1-7]\d|8[0-6]", "a paragraph, P1 to P14 or 1 to 86")
_SDG = Cell(r"([1-9]|1[0-7])(\.([1-9]\d?|[a-d])(\.[1-9])?)?", "a goal, target or indicator such as 16.10.2")
_CRIME = Cell(r"(0[1-9]|1[01])(\d{2}\d{0,2})?", "an ICCS code of two, four, five or six digits such as 07031")
_M49 = Cell(r"\d{3}", "an M49 code of three digits")
_SERIES = Cell(r"[A-Z0-9]+(_[A-Za-z0-9]+)+", "a series code such as IU_COR_BRIB")
_NAME = Cell("[a-z][a-z0-9_]*", "a name of small letters, digits and underscores")
_NATURE = _one_of("quantifiable", "legal", "un_addressed", "none")
_TAG = _one_of(*PROVENANCE)


OFFENCES = tuple(str(article) for article in range(15, 26))
"""Articles of the Convention that describe offences."""


def _texts(columns: str, cell: Cell = _TEXT) -> dict[str, Cell]:
    return dict.fromkeys(columns.split(), cell)


COLUMNS: Mapping[str, Mapping[str, Cell]] = {
    "articles": {
        "article": _ARTICLE,
        "chapter": _one_of("I", "II", "III", "IV", "V", "VI", "VII", "VIII"),
        **_texts("chapter_title chapter_title_zh title title_zh"),
        "mandatory": _or_empty(_one_of("mandatory", "optional", "mixed")),
    },
    "declaration": {
        "paragraph": _PARAGRAPH,
        "part": _one_of("preamble", "operative"),
        "section": Cell("[0-7]", "a section, 1 to 7, or 0 for the preamble"),
        **_texts("section_title section_title_zh title title_zh summary summary_zh"),
        "nature": _NATURE,
        "nature_all": _list_of(_NATURE),
        "strength": _one_of("commit", "encourage", "recognise", "request"),
        "deadline": _NOTE,
        "scored": _FLAG,
        "note": _NOTE,
        "provenance": _TAG,
    },
    "paragraph_links": {
        "paragraph": _PARAGRAPH,
        "kind": _one_of("article", "target"),
        "code": _TEXT,
        "clause": _NOTE,
        "named": _FLAG,
        "provenance": _TAG,
    },
    "article_targets": {"article": _ARTICLE, "target": _SDG, "provenance": _TAG},
    "sdg": {
        "code": _SDG,
        "level": _one_of("goal", "target", "indicator"),
        "parent": _or_empty(_SDG),
        **_texts("title title_zh"),
        "series": _or_empty(_list_of(_SERIES)),
        "custodian": _NOTE,
        "provenance": _TAG,
        "note": _NOTE,
    },
    "crimes": {
        "code": _CRIME,
        "parent": _or_empty(_CRIME),
        **_texts("title title_zh"),
        "corruption": _FLAG,
        "certainty": _list_of(_one_of("V", "V-data", "V-OAS", "V-ES", "R")),
        "note": _NOTE,
    },
    "areas": {
        "m49": _M49,
        "iso3": _or_empty(Cell("[A-Z]{3}", "three capital letters")),
        "iso2": _or_empty(Cell("[A-Z]{2}", "two capital letters")),
        **_texts("name name_zh"),
        "level": _one_of("world", "region", "subregion", "intermediate", "country"),
        **_texts("parent_m49 region subregion", _or_empty(_M49)),
        **_texts("ldc lldc sids", _or_empty(_FLAG)),
    },
    "sdg_regions": {"region": _M49, **_texts("name name_zh"), "part": _M49},
    "area_names": {
        "written": _TEXT,
        "status": _one_of("variant", "ambiguous", "historical", "part", "unlisted", "aggregate"),
        "m49": _or_empty(_list_of(_M49)),
        "note": _NOTE,
    },
    "bases": {
        "base": _NAME,
        "role": _one_of("numerator", "denominator", "both"),
        "shape": _TEXT,
        **_texts("column within codes", _NOTE),
        "items": _FLAG,
        **_texts("label label_zh"),
    },
    "unfounded_figures": {
        "figure": _NAME,
        "claim": _TEXT,
        **_texts("low high", Cell(r"\d+(\.\d+)?(e\d+)?", "a number such as 5 or 2.6e12")),
        "unit": Cell("USD|% of .+", "USD, or % of something"),
        "phrases": _TEXT,
        "verdict": _one_of("problematic", "unfounded"),
        **_texts("reason source"),
        "provenance": _TAG,
        "note": _NOTE,
    },
}

KEYS: Mapping[str, tuple[str, ...]] = {
    "articles": ("article",),
    "declaration": ("paragraph",),
    "paragraph_links": ("paragraph", "kind", "code", "clause"),
    "article_targets": ("article", "target"),
    "sdg": ("code",),
    "crimes": ("code",),
    "areas": ("m49",),
    "sdg_regions": ("part",),
    "area_names": ("written",),
    "bases": ("shape", "base"),
    "unfounded_figures": ("figure",),
}
"""Columns that together name a row of the table."""


def _for_countries(column: str) -> Row:
    def holds(table: pd.DataFrame) -> pd.Series:
        return (table[column] != "") == (table["level"] == "country")

    return Row(
        column,
        holds,
        "filled for a region, or empty for a country or area",
        "fill it for countries and areas",
    )


def _once(column: str) -> Row:
    def holds(table: pd.DataFrame) -> pd.Series:
        return (table[column] == "") | ~table.duplicated(column, keep=False)

    return Row(column, holds, "stands in more than one row", "give every country or area its own code")


def _crime_above(code: str) -> str:
    return code[:-1] if len(code) > 4 else code[:-2]


def _one_shape(table: pd.DataFrame) -> pd.Series:
    denominators = table.loc[table["role"] != "numerator", "base"]
    return ~denominators.duplicated(keep=False).reindex(table.index, fill_value=False)


def _sdg_level(code: str) -> str:
    return ("goal", "target", "indicator")[min(code.count("."), 2)]


ROWS: Mapping[str, tuple[Row, ...]] = {
    "articles": (
        Row(
            "mandatory",
            lambda t: (t["mandatory"] != "") == t["article"].isin(OFFENCES),
            "filled for another article than 15 to 25, or empty for one of them",
            "fill it for articles 15 to 25",
        ),
    ),
    "declaration": (
        Row(
            "nature_all",
            lambda t: t["nature_all"].str.split(";").str[0] == t["nature"],
            "does not begin with the nature of the row",
            "put the dominant nature first",
        ),
    ),
    "sdg": (
        Row(
            "parent",
            lambda t: t["code"].str.rpartition(".")[0] == t["parent"],
            "is not the code without its last part",
            "write 16 for 16.10, 16.10 for 16.10.2 and nothing for 16",
        ),
        Row(
            "level",
            lambda t: t["code"].map(_sdg_level) == t["level"],
            "does not agree with the code",
            "16 is a goal, 16.10 a target, 16.10.2 an indicator",
        ),
    ),
    "crimes": (
        Row(
            "parent",
            lambda t: t["code"].map(_crime_above) == t["parent"],
            "is not the class above",
            "write 0703 for 07031, 07 for 0703, nothing for 07",
        ),
        Row(
            "corruption",
            lambda t: t["code"].str.startswith("0703") == (t["corruption"] == "1"),
            "does not agree with the code",
            "write 1 for 0703 and the classes below it, else 0",
        ),
    ),
    "areas": (*map(_for_countries, ("iso3", "iso2", "ldc", "lldc", "sids")), *map(_once, ("iso3", "iso2"))),
    "area_names": (
        Row(
            "m49",
            lambda t: (
                t["m49"]
                .map(lambda codes: len(codes.split(";")) if codes else 0)
                .between(
                    t["status"].map({"variant": 1, "ambiguous": 2, "historical": 1}).fillna(0),
                    t["status"].map({"variant": 1, "unlisted": 0, "aggregate": 0}).fillna(99),
                )
            ),
            "holds too few or too many codes for the status",
            "give a variant one code, an ambiguous name two or more, an unlisted area or aggregate none",
        ),
    ),
    "unfounded_figures": (
        Row(
            "high",
            lambda t: t["high"].map(float) >= t["low"].map(float),
            "is below the lower end",
            "write the ends of the range in order",
        ),
    ),
    "bases": (
        Row(
            "codes",
            lambda t: (t["codes"] == "") | (t["within"] != ""),
            "are codes of no column",
            "name the column in within",
        ),
        Row(
            "base",
            _one_shape,
            "names a denominator in more than one shape",
            "give every denominator a name of its own",
        ),
    ),
}

LINKS: tuple[Link, ...] = (
    Link("paragraph_links", "paragraph", "declaration", "paragraph"),
    Link("paragraph_links", "code", "articles", "article", only=("kind", "article")),
    Link("paragraph_links", "code", "sdg", "code", only=("kind", "target")),
    Link("article_targets", "article", "articles", "article"),
    Link("article_targets", "target", "sdg", "code", level="target"),
    Link("sdg", "parent", "sdg", "code"),
    Link("crimes", "parent", "crimes", "code"),
    Link("areas", "parent_m49", "areas", "m49"),
    Link("areas", "region", "areas", "m49", level="region"),
    Link("areas", "subregion", "areas", "m49", level="subregion"),
    Link("sdg_regions", "part", "areas", "m49", level="subregion"),
)
