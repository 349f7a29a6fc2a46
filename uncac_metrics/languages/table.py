"""Languages: how each is called and written, and an office's own translations in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from uncac_metrics.model import Fault, Faults

UN = ("ar", "en", "es", "fr", "ru", "zh")
"""The official languages of the United Nations, which the package translates itself."""
ORDER = ("zero", "one", "two", "few", "many", "other")
"""Plural categories of CLDR in the order in which gettext numbers the forms."""

Key = tuple[str, str]
"""Context (empty where there is none) and English text of a message."""
Messages = Mapping[Key, tuple[str, ...]]
"""Message -> its translation, or its forms where it has plurals."""


@dataclass(frozen=True)
class Language:
    """A language that texts, numbers and dates are written in."""

    code: str
    """BCP 47 tag, as in ``fr`` or ``pt-BR``."""
    name: str
    """Its name in itself."""
    english: str
    """Its English name."""
    direction: str
    """``ltr`` or ``rtl``."""
    plurals: tuple[str, ...]
    """CLDR categories of whole numbers, in the order of the forms in a catalogue."""
    own: Messages = field(default_factory=dict, hash=False, repr=False)
    """Translations of an office's own; they go before the package's."""

    @property
    def tag(self) -> str:
        """How pages name it (BCP 47): the code, and the script where the code leaves it open."""
        return "zh-Hans" if self.code == "zh" else self.code


KNOWN: Mapping[str, Language] = {
    one.code: one
    for one in (
        Language("ar", "العربية", "Arabic", "rtl", ORDER),
        Language("en", "English", "English", "ltr", ("one", "other")),
        Language("es", "español", "Spanish", "ltr", ("one", "other")),
        Language("fr", "français", "French", "ltr", ("one", "other")),
        Language("ru", "русский", "Russian", "ltr", ("one", "few", "many")),
        Language("zh", "中文", "Chinese", "ltr", ("other",)),
    )
}


def language(lang: str | Language, folder: str | Path | None = None) -> Language:
    """A language by its code, with an office's own translations.

    Parameters
    ----------
    lang
        Code: one of the six, or of any language that CLDR knows.
    folder
        The office's folder; its ``languages/<lang>.po`` is read where there is one.

    Returns
    -------
    Language
        Every function here takes it in place of the code.

    Raises
    ------
    uncac_metrics.model.Faults
        Where there is no such language, or the office's catalogue has faults.

    Examples
    --------
    >>> language("ar").direction, language("ru").plurals
    ('rtl', ('one', 'few', 'many'))
    """
    if isinstance(lang, Language) and folder is None:
        return lang
    code = lang.code if isinstance(lang, Language) else lang
    known = KNOWN.get(code) or _of_cldr(code)
    path = Path(folder) / "languages" / f"{code}.po" if folder is not None else None
    if path is None or not path.is_file():
        return known
    from dataclasses import replace

    from uncac_metrics.languages.catalogues import read

    return replace(known, own=read(path))


@cache
def _of_cldr(code: str) -> Language:
    from babel import Locale, UnknownLocaleError

    try:
        locale = Locale.parse(code, sep="-")
    except (UnknownLocaleError, ValueError, TypeError):
        remedy = f"one of {', '.join(UN)}, or another code that CLDR knows, as in pt or sw"
        raise Faults([Fault("languages", code, "there is no such language", remedy)]) from None
    forms = {locale.plural_form(n) for n in range(1000)}
    plurals = tuple(name for name in ORDER if name in forms)
    return Language(
        code, str(locale.get_display_name()), str(locale.get_display_name("en")), locale.text_direction, plurals
    )


def languages(folder: str | Path | None = None) -> dict[str, Language]:
    """Languages by code: the six, and those that an office has a catalogue of.

    Parameters
    ----------
    folder
        The office's folder.

    Returns
    -------
    dict of str to Language

    Raises
    ------
    uncac_metrics.model.Faults
        All faults of all catalogues in it.

    Examples
    --------
    >>> [one.name for one in languages().values()]
    ['العربية', 'English', 'español', 'français', 'русский', '中文']
    """
    if folder is None:
        return dict(KNOWN)
    from uncac_metrics.languages.catalogues import check

    faults = check(folder)
    if faults:
        raise Faults(faults)
    found = sorted(path.stem for path in (Path(folder) / "languages").glob("*.po"))
    return {code: language(code, folder) for code in dict.fromkeys([*UN, *found])}
