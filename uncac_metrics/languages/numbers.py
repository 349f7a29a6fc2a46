"""Numbers, percentages, intervals, dates and periods as a language writes them (Unicode CLDR)."""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal
from functools import cache
from math import isfinite
from typing import Any

from uncac_metrics.languages.table import UN, Language, language

NONE = "–"
"""What stands where there is no number."""
PERIOD = re.compile(r"(\d{4})(?:-(?:(\d\d)(?:-(\d\d))?|Q([1-4])))?")


def number(value: Any, lang: str | Language = "en", decimals: int = 0) -> str:
    """A number with its thousands grouped; a dash where there is none.

    Parameters
    ----------
    value
        The number.
    lang
        Code of the language, or the language.
    decimals
        Digits after the decimal sign. They are the same in every language: the value is rounded once.

    Notes
    -----
    Signs and digits are those of CLDR. CLDR's digits for Arabic are 0 to 9, so tables, axes, codes and downloaded
    files of a page have the same ones. Thousands are grouped from four digits on in every language, so that the
    numbers of a column look alike.

    Examples
    --------
    >>> number(12345.678, "en", 1), number(12345.678, "es", 1), number(float("nan"), "fr")
    ('12,345.7', '12.345,7', '–')
    """
    if not _is(value):
        return NONE
    english = f"{float(value):,.{decimals}f}"
    code = lang.code if isinstance(lang, Language) else lang if lang in UN else language(lang).code
    return english if code == "en" else english.translate(_signs(code))


def percent(value: Any, lang: str | Language = "en", decimals: int = 1) -> str:
    """A percentage with its sign; `value` is in per cent.

    Parameters
    ----------
    value
        The number, in per cent.
    lang
        Code of the language, or the language with an office's translations.
    decimals
        Digits behind the decimal sign.

    Examples
    --------
    >>> percent(12.5, "en"), percent(12.5, "fr") == "12,5\\u202f%" or percent(12.5, "fr") == "12,5\\xa0%"
    ('12.5%', True)
    """
    if not _is(value):
        return NONE
    from babel.numbers import format_percent

    locale = _locale(language(lang).code)
    pattern = locale.percent_formats[None].pattern.replace("#,##0", _pattern(decimals))
    share = Decimal(f"{float(value):.{decimals}f}").scaleb(-2)
    return _signed(str(format_percent(share, pattern, locale=locale, numbering_system="default")), locale)


def span(lower: Any, upper: Any, lang: str | Language = "en", decimals: int = 1) -> str:
    """An interval's ends; a dash where one is not known.

    Parameters
    ----------
    lower, upper
        The ends.
    lang
        Code of the language, or the language with an office's translations.
    decimals
        Digits behind the decimal sign.

    Examples
    --------
    >>> span(11.04, 13.86), span(11.04, 13.86, "ru"), span(None, 3.0, "ru")
    ('11.0 to 13.9', 'от 11,0 до 13,9', '–')
    """
    from uncac_metrics.languages.texts import text

    if not (_is(lower) and _is(upper)):
        return NONE
    return text("{lower} to {upper}", lang, lower=number(lower, lang, decimals), upper=number(upper, lang, decimals))


def compact(value: float, lang: str | Language = "en") -> str:
    """A large number in few letters.

    Parameters
    ----------
    value
        The number.
    lang
        Code of the language, or the language with an office's translations.

    Examples
    --------
    >>> compact(2_500_000.0, "fr"), compact(123_000_000.0, "zh"), compact(940.0, "ru")
    ('2,5\\xa0M', '1.23亿', '940')
    """
    from babel.numbers import format_compact_decimal

    locale = _locale(language(lang).code)
    digits = 2 if abs(value) >= 1000 else 0
    return _signed(str(format_compact_decimal(value, locale=locale, fraction_digits=digits)), locale)


def size(count: int, lang: str | Language = "en") -> str:
    """A number of bytes as a reader takes it in.

    Parameters
    ----------
    count
        Bytes; a kilobyte has 1,000.
    lang
        Code of the language, or the language with an office's translations.

    Examples
    --------
    >>> size(512), size(74_301), size(1_270_208), size(1_270_208, "ru")
    ('512 byte', '74 kB', '1.3 MB', '1,3 МБ')
    """
    from babel.units import format_unit

    unit, decimals, power = ("byte", 0, 1) if count < 1000 else ("kilobyte", 0, 10**3)
    if count >= 10**6:
        unit, decimals, power = "megabyte", 1, 10**6
    about = language(lang)
    told = number(count / power, about, decimals)
    return str(format_unit(told, f"digital-{unit}", "short", locale=_locale(about.code)))


def date(day: dt.date | str, lang: str | Language = "en") -> str:
    """A day in words.

    Parameters
    ----------
    day
        The day, or its ISO 8601 text.
    lang
        Code of the language, or the language with an office's translations.

    Examples
    --------
    >>> date("2025-03-09", "es"), date("2025-03-09", "zh")
    ('9 de marzo de 2025', '2025年3月9日')
    """
    from babel.dates import format_date

    one = dt.date.fromisoformat(day) if isinstance(day, str) else day
    return str(format_date(one, "long", locale=_locale(language(lang).code)))


def period(when: str, lang: str | Language = "en") -> str:
    """A time period of SDMX or ISO 8601 in words; what is none of these stays as it is.

    Parameters
    ----------
    when
        Year, month, quarter (``2025-Q1``), day, or two of them with a stroke between.
    lang
        Code of the language, or the language with an office's translations.

    Examples
    --------
    >>> period("2025", "fr"), period("2025-03", "fr"), period("2025-Q1", "fr"), period("2023/2025", "fr")
    ('2025', 'mars 2025', '1er trimestre 2025', '2023 à 2025')
    """
    first, stroke, last = when.partition("/")
    if stroke and PERIOD.fullmatch(first) and PERIOD.fullmatch(last):
        from uncac_metrics.languages.texts import text

        return text("{lower} to {upper}", lang, lower=period(first, lang), upper=period(last, lang))
    found = PERIOD.fullmatch(when)
    if not found or not any(found.groups()[1:]):
        return when
    year, month, day, quarter = found.groups()
    if day:
        try:
            return date(when, lang)
        except ValueError:  # no day of the calendar
            return when
    if month and not 1 <= int(month) <= 12:
        return when
    from babel.dates import format_skeleton

    start = dt.date(int(year), int(month or 3 * int(quarter) - 2), 1)
    return str(format_skeleton("yMMMM" if month else "yQQQQ", start, locale=_locale(language(lang).code)))


@cache
def _locale(code: str) -> Any:
    from babel import Locale

    return Locale.parse(code, sep="-")


def _pattern(decimals: int) -> str:
    return "#,##0" + ("." + "0" * decimals if decimals else "")


@cache
def _signs(code: str) -> dict[int, str]:
    """What the signs of an English number become.

    Grouping by threes is the same for all languages, so this gives the text of Babel's ``format_decimal`` in a
    twentieth of its time: the pages of a release have a hundred thousand numbers.
    """
    locale = _locale(code)
    symbols = locale.number_symbols.get(locale.default_numbering_system, {})
    names = {",": "group", ".": "decimal", "-": "minusSign"}
    return str.maketrans({sign: symbols.get(name, sign) for sign, name in names.items()})


def _signed(text: str, locale: Any) -> str:
    # within Arabic text a sign without its direction mark would move to the other side of the number
    symbols = locale.number_symbols.get(locale.default_numbering_system, {})
    return symbols.get("minusSign", "-") + text[1:] if text.startswith("-") else text


def _is(value: Any) -> bool:
    if value is None or str(value) in ("", "<NA>"):
        return False
    return isfinite(float(value))
