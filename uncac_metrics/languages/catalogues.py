"""Catalogues of translations: gettext PO files, read strictly, with all their faults at once."""

from __future__ import annotations

import io
import re
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from uncac_metrics.languages.table import KNOWN, Language, Messages, language
from uncac_metrics.model import Fault, Faults

PLACEHOLDER = re.compile(r"\{(\w+)\}")
LINE = re.compile(r'(?:(?:msgctxt|msgid|msgid_plural|msgstr(?:\[\d\])?)\s+)?"(?:[^"\\]|\\.)*"\s*|\s*(?:#.*)?')
"""A line of a PO file."""
MOST = 8_000_000
"""Bytes of a catalogue; one of all texts has about 100,000."""


def read(path: str | Path) -> dict[tuple[str, str], tuple[str, ...]]:
    """Translations of a PO file, checked.

    Parameters
    ----------
    path
        The file, named after its language: ``fr.po``.

    Returns
    -------
    dict
        (context, English text) -> translation, or its plural forms. Entries that are empty or marked fuzzy are not
        translations and are left out.

    Raises
    ------
    uncac_metrics.model.Faults
        All that is wrong with the file: its name is no language, it is not UTF-8, it cannot be read as PO, an entry
        lacks placeholders of its English text or has others, or has not the plural forms of the language.
    """
    messages, faults = _read(Path(path))
    if faults:
        raise Faults(faults)
    return messages


def check(folder: str | Path) -> list[Fault]:
    """All faults of the catalogues in an office's folder.

    Parameters
    ----------
    folder
        The office's folder; its catalogues are ``languages/*.po``.

    Returns
    -------
    list of Fault
    """
    home, faults = Path(folder).resolve(), []
    for path in sorted((Path(folder) / "languages").glob("*.po")):
        if path.resolve().is_relative_to(home):
            faults += _read(path)[1]
        else:
            faults.append(Fault(str(path), "", "leads out of the office's folder", "keep the catalogue in the folder"))
    return faults


def missing(lang: str | Language) -> list[str]:
    """English texts that no catalogue translates into a language, in the order of the template.

    Parameters
    ----------
    lang
        Code of the language, or the language with an office's translations.

    Returns
    -------
    list of str

    Examples
    --------
    >>> missing("fr"), len(missing("pt")) > 100
    ([], True)
    """
    one = language(lang)
    if one.code == "en":
        return []
    known = shipped(one.code).keys() | one.own.keys()
    return [text for context, text in template() if (context, text) not in known]


@cache
def shipped(code: str) -> Messages:
    """The package's own translations into a language; none for one that it does not translate."""
    if code == "en" or code not in KNOWN:
        return {}
    return read(Path(str(files("uncac_metrics.languages").joinpath(f"{code}.po"))))


@cache
def template() -> tuple[tuple[str, str], ...]:
    """Context and English text of all messages, of ``messages.pot``."""
    text = files("uncac_metrics.languages").joinpath("messages.pot").read_text(encoding="utf-8")
    return tuple((entry.context or "", _ids(entry)[0]) for entry in _entries(text))


def _read(path: Path) -> tuple[dict[tuple[str, str], tuple[str, ...]], list[Fault]]:
    name = str(path)
    try:
        about = language(path.stem)
    except Faults:
        remedy = "name it after the code of its language, as in fr.po"
        return {}, [Fault(name, "", f"the file's name {path.stem!r} is no language", remedy)]
    if path.stat().st_size > MOST:
        return {}, [Fault(name, "", "the file has too many bytes for a catalogue", "give the translations only")]
    data = path.read_bytes()
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as caught:
        line = data[: caught.start].count(b"\n") + 1
        return {}, [Fault(name, f"line {line}", "the file is not UTF-8", "save it as UTF-8")]
    faults = [
        Fault(name, f"line {number}", "is no line of a PO file", 'texts stand in straight quotation marks, \\" for one')
        for number, line in enumerate(text.splitlines(), 1)
        if not LINE.fullmatch(line)
    ]
    if faults:
        return {}, faults
    from babel.messages.pofile import PoFileError

    try:
        entries = _entries(text)
    except (PoFileError, ValueError, IndexError) as caught:
        return {}, [Fault(name, "", f"cannot be read as a PO file: {caught}", "open it in an editor of PO files")]
    messages = {}
    for entry in entries:
        ids, forms = _ids(entry), _translations(entry)
        if entry.fuzzy or not any(forms):
            continue
        where = f"line {entry.lineno}: {ids[0]!r}"
        wanted = len(about.plurals) if len(ids) > 1 else 1
        if len(forms) != wanted or not all(forms):
            what = f"{sum(map(bool, forms))} of {wanted} plural forms"
            faults.append(Fault(name, where, what, f"{about.english} has {', '.join(about.plurals)}, in this order"))
        faults += _placeholders(name, where, ids, [form for form in forms if form])
        messages[entry.context or "", ids[0]] = tuple(forms)
    return messages, faults


def _entries(text: str) -> list[Any]:
    """Entries of a catalogue besides its header, with the line of each."""
    from babel.messages.pofile import read_po

    # forms are counted here and not by the header, whose formula is never run
    plain = re.sub(r'"Plural-Forms:[^"]*"\n', '""\n', text)
    return [entry for entry in read_po(io.StringIO(plain), abort_invalid=True, locale="ar") if entry.id]


def _translations(entry: Any) -> tuple[str, ...]:
    forms = list(entry.string) if isinstance(entry.string, tuple | list) else [entry.string]
    while len(forms) > 1 and not forms[-1]:  # babel fills up to the most forms that a language has
        forms.pop()
    return tuple(forms)


def _ids(entry: Any) -> tuple[str, ...]:
    return tuple(entry.id) if isinstance(entry.id, tuple | list) else (entry.id,)


def _placeholders(file: str, where: str, ids: tuple[str, ...], forms: list[str]) -> list[Fault]:
    """Placeholders that a translation lacks or makes up; a form for one number may do without the number."""
    faults = []
    known = {name for one in ids for name in PLACEHOLDER.findall(one)}
    needed = known - ({"n"} if len(ids) > 1 else set())
    for form in forms:
        found = set(PLACEHOLDER.findall(form))
        if absent := sorted(needed - found):
            what = f"the translation lacks {', '.join(f'{{{name}}}' for name in absent)}"
            faults.append(Fault(file, where, what, "take over every name in braces as it is"))
        if added := sorted(found - known):
            what = f"the translation has {', '.join(f'{{{name}}}' for name in added)}, which the English text has not"
            faults.append(Fault(file, where, what, "take over every name in braces as it is"))
        if re.sub(PLACEHOLDER, "", form).count("{") + re.sub(PLACEHOLDER, "", form).count("}"):
            faults.append(Fault(file, where, "a brace stands alone", "write names as {name}"))
    return faults
