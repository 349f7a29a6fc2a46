"""What an office says of publishing, and what it expects of its figures: read strictly, all faults together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from uncac_metrics.model import SEVERITIES, Expectation, Fault, Publication
from uncac_metrics.tables import nearest

_PUBLICATION: Mapping[str, tuple[Any, str]] = {
    "standards": (list, "a list of names"),
    "minimum": (int, "a whole number"),
    "exchange": (list, "a list of names"),
    "structure": (str, 'a text ("…")'),
}
_NUMBER = (int, float)
_TEXTS = ("severity", "why")


def read_publication(content: Mapping[str, Any], *, file: str) -> tuple[Publication, list[Fault]]:
    """The table ``[publication]`` and the list ``[[expect]]`` of an ``office.toml``.

    Parameters
    ----------
    content
        The file's content; nothing else of it is looked at.
    file
        Its name, for faults.

    Returns
    -------
    Publication, list of Fault

    Examples
    --------
    >>> read_publication({"publication": {"minimum": 5}}, file="office.toml")[0].minimum
    5
    >>> print(read_publication({"publication": {"minimal": 5}}, file="office.toml")[1][0])
    office.toml: publication.minimal: is not a key of this table — did you mean 'minimum'?
    """
    expect, faults = read_expectations(content.get("expect", []), ("indicator", "low", "high", "change"), file=file)
    table = content.get("publication", {})
    given: dict[str, Any] = {}
    for key, value in table.items() if isinstance(table, dict) else ():
        where = f"publication.{key}"
        if key not in _PUBLICATION:
            close = nearest(key, _PUBLICATION) or f"keys: {', '.join(_PUBLICATION)}"
            faults.append(Fault(file, where, "is not a key of this table", close))
            continue
        kind, words = _PUBLICATION[key]
        if not isinstance(value, kind) or isinstance(value, bool):
            faults.append(Fault(file, where, f"is {value!r}", f"give {words}"))
        elif kind is list and not all(isinstance(name, str) for name in value):
            faults.append(Fault(file, where, "is not a list of names", f"give {words}"))
        elif kind is int and value < 0:
            faults.append(Fault(file, where, "is below 0", "give 0 for no control, or the fewest contributors"))
        else:
            given[key] = tuple(value) if kind is list else value
    return Publication(**given, expect=expect), faults


def read_expectations(content: Any, keys: tuple[str, ...], *, file: str) -> tuple[tuple[Expectation, ...], list[Fault]]:
    """A list ``[[expect]]``, whose entries may have `keys` besides ``severity`` and ``why``.

    Examples
    --------
    >>> entry = {"column": "age", "low": 15, "high": 110, "severity": "error"}
    >>> found, faults = read_expectations([entry], ("column", "low", "high", "missing"), file="source.toml")
    >>> found[0].low, found[0].severity, faults
    (15, 'error', [])
    """
    if not isinstance(content, list) or not all(isinstance(entry, dict) for entry in content):
        return (), [Fault(file, "expect", "is not a list of tables", "write [[expect]] above each")]
    faults: list[Fault] = []
    made = []
    allowed = (*keys, *_TEXTS)
    for i, entry in enumerate(content, 1):
        before = len(faults)
        for key, value in entry.items():
            where = f"expect[{i}].{key}"
            text = key in ("column", "indicator", *_TEXTS)
            if key not in allowed:
                close = nearest(key, allowed) or f"keys: {', '.join(allowed)}"
                faults.append(Fault(file, where, "is not a key of this table", close))
            elif text and not isinstance(value, str):
                faults.append(Fault(file, where, f"is {value!r}", 'give a text ("…")'))
            elif not text and (not isinstance(value, _NUMBER) or isinstance(value, bool)):
                faults.append(Fault(file, where, f"is {value!r}", "give a number"))
            elif key == "severity" and value not in SEVERITIES:
                faults.append(Fault(file, where, f"{value!r} is no severity", f"one of {', '.join(SEVERITIES)}"))
        if not set(entry) & {"low", "high", "missing", "change"}:
            bounds = [key for key in keys if key not in ("column", "indicator")]
            faults.append(Fault(file, f"expect[{i}]", "says no bound", f"give one of {', '.join(bounds)}"))
        if len(faults) == before:
            made.append(Expectation(**entry))
    return tuple(made), faults
