"""What all pages share: templates, texts in the languages of the office, and where pages lie."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from uncac_metrics import languages
from uncac_metrics.builds import figures
from uncac_metrics.model import Office

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

SOURCE = "en"
"""Language of the texts in templates, definitions and reference tables."""


@dataclass(frozen=True)
class Language:
    """A language that pages are written in."""

    code: str
    """As in ``office.toml``, and the folder of its pages."""
    name: str
    """Its own name of itself."""
    tag: str
    """Its tag in pages (BCP 47)."""
    direction: str
    """``ltr`` or ``rtl``."""


def _read() -> dict[str, Any]:
    return tomllib.loads((files(__package__) / "texts.toml").read_text(encoding="utf-8"))


_TEXTS = _read()
LANGUAGES: Mapping[str, Language] = MappingProxyType(
    {code: Language(code, **about) for code, about in _TEXTS.pop("languages").items()}
)
"""The languages of ``texts.toml`` by code."""


def translated(text: str, language: str, context: str = "") -> str | None:
    """A text of the pages in a language; None where it has none there.

    Parameters
    ----------
    text
        In English, as in the templates.
    language
        A code of :data:`LANGUAGES`.
    context
        What it is about, where a catalogue tells several meanings apart.

    Examples
    --------
    >>> translated("Home", "en"), translated("Home", "zh"), translated("no text of the pages", "zh")
    ('Home', '首页', None)
    """
    from uncac_metrics.languages import catalogues

    if language == SOURCE:
        return text
    messages = catalogues.shipped(language)
    own: str | None = None if (context, text) in messages and context else _TEXTS.get(language, {}).get(text)
    if own is not None:
        return own
    forms = messages.get((context, text)) or messages.get(("", text))
    return forms[0] if forms else None


@dataclass(frozen=True)
class Place:
    """Where a page lies, as seen from it."""

    path: str
    """Within the folder of its language."""
    language: Language
    prefix: str
    """Folder of the language's pages within the site; empty for the first language."""

    @property
    def file(self) -> str:
        """Path within the site."""
        return self.prefix + self.path

    @property
    def root(self) -> str:
        """The way to the folder of its language."""
        return "../" * self.path.count("/")

    @property
    def base(self) -> str:
        """The way to the folder of the site."""
        return "../" * self.file.count("/")


def prefixes(office: Office) -> dict[str, str]:
    """Folder of the pages in each language of an office: the first lies at the site's root.

    Parameters
    ----------
    office
        Its languages are those of the pages.

    Returns
    -------
    dict
        Code of the language -> folder with its stroke; empty for the first.

    Examples
    --------
    >>> prefixes(Office("o", "Office", "XXA", ".", languages=("zh", "en")))
    {'zh': '', 'en': 'en/'}
    """
    return {code: f"{code}/" if place else "" for place, code in enumerate(office.languages)}


@cache
def environment() -> Environment:
    """What renders the templates: every text is escaped, and a name that is not given is an error."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=PackageLoader(__package__),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def words(language: Language) -> dict[str, Callable[..., Any]]:
    """The functions by which templates say a text in a language.

    Parameters
    ----------
    language
        Of the page.

    Returns
    -------
    dict
        ``_``, a text of the pages, its ``{names}`` filled in. ``said``, a text from data or definitions: where it has
        no translation it stays English and is marked as such. ``named`` and ``plain``, the one of an English and a
        Chinese name that the page's readers read, marked or as plain text; ``other``, the one that `named` is not.
        ``number``, ``percent``, ``period`` and ``size``, numbers, periods and sizes of files as the language writes
        them; ``number`` is empty where there is none.

    Examples
    --------
    >>> told = words(LANGUAGES["zh"])
    >>> told["_"]("Home"), str(told["said"]("Kept in English")), told["plain"]("Bribery", "贿赂")
    ('首页', '<span lang="en">Kept in English</span>', '贿赂')
    >>> told = words(LANGUAGES["es"])
    >>> told["number"](1234.5, 1), told["period"]("2025-03"), told["size"](1_270_208)
    ('1.234,5', 'marzo de 2025', '1,3 MB')
    """
    from markupsafe import Markup, escape

    code = language.code

    def marked(text: str, tag: str) -> Markup:
        if tag == language.tag:
            return escape(text)
        # what is marked is English or Chinese, and runs from left to right in a page that does not
        way = Markup(' dir="ltr"') if language.direction == "rtl" else ""
        return Markup('<span lang="{}"{}>{}</span>').format(tag, way, text)

    def _(text: str, **given: object) -> str:
        found = translated(text, code)
        return (text if found is None else found).format(**given) if given else found or text

    def said(text: str, context: str = "") -> Markup:
        found = translated(text, code, context)
        if found is None and re.search("[A-Za-z]{3}", text):
            return marked(text, LANGUAGES[SOURCE].tag)
        return escape(found or text)

    def plain(english: str, chinese: str) -> str:
        return chinese if code == "zh" and chinese else _(english)

    def named(english: str, chinese: str) -> Markup:
        return escape(chinese) if code == "zh" and chinese else said(english)

    def other(english: str, chinese: str) -> Markup:
        if code == "zh":
            return marked(english, LANGUAGES[SOURCE].tag) if chinese else escape("")
        return marked(chinese, LANGUAGES["zh"].tag) if chinese else escape("")

    def number(value: Any, decimals: int = 0) -> str:
        return figures.number(value, decimals, code)

    def percent(value: Any, decimals: int = 0) -> str:
        return languages.percent(value, code, decimals)

    def period(when: str) -> str:
        return languages.period(when, code)

    def size(count: int) -> str:
        return languages.size(count, code)

    numbers: dict[str, Callable[..., Any]] = {"number": number, "percent": percent, "period": period, "size": size}
    return {"_": _, "said": said, "plain": plain, "named": named, "other": other, **numbers}
