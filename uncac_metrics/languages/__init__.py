"""Texts, numbers and dates in the six official languages of the United Nations, and in those that an office adds.

English is the language of the sources: a message is its own English text. Translations are gettext catalogues beside
this file (``fr.po``, …) or in ``languages/`` of an office's folder, whose entries go first; a message that no
catalogue translates stays English, and :func:`missing` lists it. Numbers and dates follow the Unicode CLDR.
"""

from uncac_metrics.languages.catalogues import check, missing, read
from uncac_metrics.languages.numbers import compact, date, number, percent, period, size, span
from uncac_metrics.languages.table import UN, Language, language, languages
from uncac_metrics.languages.texts import direction, leftward, marked, named, plural, sentence, text, translation

__all__ = [
    "UN",
    "Language",
    "check",
    "compact",
    "date",
    "direction",
    "language",
    "languages",
    "leftward",
    "marked",
    "missing",
    "named",
    "number",
    "percent",
    "period",
    "plural",
    "read",
    "sentence",
    "size",
    "span",
    "text",
    "translation",
]
