"""What all pages share: templates, texts in the languages of the office, and where pages lie."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from uncac_metrics import languages
from uncac_metrics.builds import figures
from uncac_metrics.languages import Language, sentence, translation
from uncac_metrics.model import Office

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

ENGLISH, CHINESE = "en", "zh-Hans"
"""Tags of the languages of definitions and reference tables."""


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
    >>> told = words(languages.language("zh"))
    >>> told["_"]("Home"), str(told["said"]("Kept in English")), told["plain"]("Bribery", "贿赂")
    ('首页', '<span lang="en">Kept in English</span>', '贿赂')
    >>> told = words(languages.language("es"))
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
        found = translation(text, language)
        return (text if found is None else found).format(**given) if given else found or text

    def said(text: str, context: str = "") -> Markup:
        found = translation(text, language, context)
        found = sentence(text, language) if found is None and not context else found
        if found is None and re.search("[A-Za-z]{3}", text):
            return marked(text, ENGLISH)
        return escape(found or text)

    def plain(english: str, chinese: str) -> str:
        return chinese if code == "zh" and chinese else _(english)

    def named(english: str, chinese: str) -> Markup:
        return escape(chinese) if code == "zh" and chinese else said(english)

    def other(english: str, chinese: str) -> Markup:
        if code == "zh":
            return marked(english, ENGLISH) if chinese else escape("")
        return marked(chinese, CHINESE) if chinese else escape("")

    def number(value: Any, decimals: int = 0) -> str:
        return figures.number(value, decimals, language)

    def percent(value: Any, decimals: int = 0) -> str:
        return languages.percent(value, language, decimals)

    def period(when: str) -> str:
        return languages.period(when, language)

    def size(count: int) -> str:
        return languages.size(count, language)

    numbers: dict[str, Callable[..., Any]] = {"number": number, "percent": percent, "period": period, "size": size}
    return {"_": _, "said": said, "plain": plain, "named": named, "other": other, **numbers}
