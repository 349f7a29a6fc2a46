"""Messages in a language: translated, filled in, in the right plural form."""

from __future__ import annotations

import re
from collections.abc import Mapping
from unicodedata import bidirectional

from uncac_metrics.languages.catalogues import PLACEHOLDER, shipped
from uncac_metrics.languages.numbers import number
from uncac_metrics.languages.table import Language, language

QUANTITY = re.compile(r"\d(?:[\d.,]*\d)?|…|(?<=grade )[A-Z]\b")
"""A number within a sentence, what stands for any number, or a grade by its letter."""
RLM = "\u200f"
"""Right-to-left mark: makes a line that begins with digits or Latin letters run from right to left."""


def text(message: str, lang: str | Language = "en", /, *, context: str = "", **given: object) -> str:
    """A message in a language.

    Parameters
    ----------
    message
        The English text, with ``{name}`` where something is filled in.
    lang
        Code of the language, or the language with an office's translations.
    context
        What the message is about, where one English text has several translations (``msgctxt``). A translation
        without context is taken where there is none with it.
    **given
        What is filled in; it is put in as it is, and nothing in a message is evaluated.

    Returns
    -------
    str
        English where no catalogue has the message.

    Raises
    ------
    KeyError
        Where some names are given and one of the message is not among them.

    Examples
    --------
    >>> text("Withheld", "fr"), text("Source: {source}.", "es", source="INE")
    ('Non publié', 'Fuente: INE.')
    """
    about = lang if isinstance(lang, Language) else language(lang)
    if not message or (about.code == "en" and not about.own):
        return _filled(message, given)
    return _filled(_forms(context, message, about)[0], given)


def translation(message: str, lang: str | Language, context: str = "") -> str | None:
    """A message in a language, or None where no catalogue has it: what is not translated can then be marked.

    Parameters
    ----------
    message
        The English text.
    lang
        Code of the language, or the language with an office's translations.
    context
        What the message is about, as for :func:`text`.

    Returns
    -------
    str or None
        In English the message itself, unless an office has another wording.

    Examples
    --------
    >>> translation("Home", "zh"), translation("Home", "en"), translation("no text of the package", "zh")
    ('首页', 'Home', None)
    """
    about = lang if isinstance(lang, Language) else language(lang)
    if about.code == "en" and not about.own:
        return message
    forms = _found(context, message, about)
    return forms[0] if forms else (message if about.code == "en" else None)


def sentence(message: str, lang: str | Language) -> str | None:
    """A sentence with numbers in it, such as the reason in an estimate's row; None where no catalogue has its like.

    Parameters
    ----------
    message
        The English sentence. Catalogues have it with ``{a}``, ``{b}``, … in the places of its numbers.
    lang
        Code of the language, or the language with an office's translations.

    Returns
    -------
    str or None

    Examples
    --------
    >>> sentence("fewer than 8 degrees of freedom", "es"), sentence("largest case: 2.3% of the total", "fr")
    ('menos de 8 grados de libertad', 'plus grande affaire : 2,3 % du total')
    """
    if (found := translation(message, lang)) is not None:
        return found
    quantities = QUANTITY.findall(message)
    names = "abcdefghij"[: len(quantities)]
    places = iter(names)
    like = QUANTITY.sub(lambda _: f"{{{next(places, '')}}}", message)
    form = translation(like, lang) if quantities else None
    return (
        None if form is None else _filled(form, dict(zip(names, (_written(q, lang) for q in quantities), strict=False)))
    )


def plural(one: str, many: str, n: int, lang: str | Language = "en", /, **given: object) -> str:
    """A message in the form that a number of things asks for.

    Parameters
    ----------
    one, many
        The English text for one and for several, with ``{n}`` for the number.
    n
        How many.
    lang
        Code of the language, or the language with an office's translations.
    **given
        What else is filled in.

    Examples
    --------
    >>> plural("{n} indicator", "{n} indicators", 21, "ru"), plural("{n} indicator", "{n} indicators", 2, "ar")
    ('21 показатель', 'مؤشران')
    """
    about = language(lang)
    forms = _forms("", one, about)
    if len(forms) == 1 and forms[0] == one:
        form = one if n == 1 else many
    else:
        form = forms[_form(n, about)]
    return _filled(form, {"n": number(n, about), **given})


def direction(lang: str | Language) -> str:
    """``ltr`` or ``rtl``.

    Parameters
    ----------
    lang
        Code of the language, or the language with an office's translations.

    Examples
    --------
    >>> direction("ar"), direction("zh")
    ('rtl', 'ltr')
    """
    return language(lang).direction


def named(thing: object, lang: str | Language = "en") -> str:
    """Name of a card, or title of a row of a reference table or of a source, in a language.

    Parameters
    ----------
    thing
        Something with ``name`` or ``title``, and ``name_zh`` or ``title_zh`` and so on where it has one: a card, a
        source, an office, a kind of link, or a mapping such as a row of a table.
    lang
        The language.

    Returns
    -------
    str
        English where the thing has no name in the language; translated where a catalogue has its English name.

    Examples
    --------
    >>> named({"title": "Purpose", "title_zh": "宗旨"}, "zh"), named({"title": "Purpose", "title_zh": "宗旨"}, "fr")
    ('宗旨', 'Purpose')
    """

    def of(key: str) -> str:
        value = thing.get(key, "") if isinstance(thing, Mapping) else getattr(thing, key, "")
        return value if isinstance(value, str) else ""

    about = language(lang)
    for key in ("name", "title", "label"):
        if english := of(key):
            own = "" if about.code == "en" else of(f"{key}_{about.code}")
            return own or text(english, about)
    return ""


def marked(line: str, lang: str | Language) -> str:
    """A text to be drawn: each line that has letters of a right-to-left language runs from right to left.

    Lines in Latin letters and digits, such as a name that is not translated, keep their own direction.

    Parameters
    ----------
    line
        The text; it may have several lines.
    lang
        Code of the language, or the language with an office's translations.

    Examples
    --------
    >>> marked("95 \\u0645", "ar") == "\\u200f95 \\u0645", marked("BR-01", "ar"), marked("BR-01", "fr")
    (True, 'BR-01', 'BR-01')
    """
    if direction(lang) != "rtl":
        return line
    return "\n".join(RLM + part if leftward(part) else part for part in line.split("\n"))


def leftward(line: str) -> bool:
    """Whether a text has letters that are written from right to left.

    Parameters
    ----------
    line
        The text.
    """
    return any(bidirectional(letter) in ("R", "AL") and letter != RLM for letter in line)


def _forms(context: str, message: str, about: Language) -> tuple[str, ...]:
    return _found(context, message, about) or (message,)


def _found(context: str, message: str, about: Language) -> tuple[str, ...]:
    keys = [(context, message), ("", message)] if context else [("", message)]
    for messages in (about.own, shipped(about.code)):
        for key in keys:
            if key in messages:
                return messages[key]
    return ()


def _form(n: int, about: Language) -> int:
    from babel import Locale

    name = Locale.parse(about.code, sep="-").plural_form(abs(n))
    # millions and fractions have forms of their own in some languages, which gettext does not number
    return about.plurals.index(name) if name in about.plurals else len(about.plurals) - 1


def _written(quantity: str, lang: str | Language) -> str:
    """A number of an English sentence as the language writes it."""
    plain = quantity.replace(",", "")
    if not plain.replace(".", "", 1).isdigit():
        return quantity
    return number(float(plain), lang, len(plain.partition(".")[2]))


def _filled(message: str, given: Mapping[str, object]) -> str:
    return PLACEHOLDER.sub(lambda found: str(given[found[1]]), message) if given else message
