"""What a JSON file must be made of, so that a reader may rely on it: all that is otherwise is told at once."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from uncac_metrics.model import Fault, Faults

TEXT, NUMBER, CELL = "a text", "a number", "a text or a number"
Kind = str | dict[str, Any] | list[Any] | tuple[Any, ...]
"""One of the words above; an object by its keys (those that are read; ``*``: of every other key; with ``!`` it must be
there); a list, by the kind of its items; a tuple of kinds, one of which will do. Null stands for nothing given."""
MOST = 20
"""Faults told of one file."""


def demand(value: Any, kind: Kind, path: Path, remedy: str) -> None:
    """Make sure that what a JSON file holds is of a kind.

    Parameters
    ----------
    value
        As parsed.
    kind
        What it must be.
    path
        The file, for the faults.
    remedy
        What to do about it.

    Raises
    ------
    Faults
        Each part that is of another kind, with its place in the file.

    Examples
    --------
    >>> demand({"id": 1, "tags": ["a"]}, {"id!": CELL, "tags": [TEXT]}, Path("a.json"), "")
    >>> demand({"tags": "a"}, {"id!": CELL, "tags": [TEXT]}, Path("a.json"), "look at it")
    Traceback (most recent call last):
    uncac_metrics.model.Faults: a.json: id: is missing — look at it
    a.json: tags: 'a' is no list — look at it
    """
    if not _is(value, kind):
        told = list(_misfits(value, kind, ""))
        faults = [Fault(str(path), where, what, remedy) for where, what in told[:MOST]]
        if len(told) > MOST:
            faults.append(Fault(str(path), "", f"and {len(told) - MOST:,} more parts like these"))
        raise Faults(faults)


def _is(value: Any, kind: Kind) -> bool:
    """Whether a value is of a kind: what nearly all are, and so without places and words."""
    if isinstance(kind, str):
        number = isinstance(value, int | float) and not isinstance(value, bool) and -1e300 < value < 1e300
        return value is None or (number and kind != TEXT) or (isinstance(value, str) and kind != NUMBER)
    if isinstance(kind, tuple):
        return any(_is(value, one) for one in kind)
    if value is None:
        return True
    if isinstance(kind, list):
        return isinstance(value, list) and all(one is not None and _is(one, kind[0]) for one in value)
    if not isinstance(value, dict):
        return False
    for key, inner in kind.items():
        if key == "*":
            if not all(_is(one, inner) for name, one in value.items() if name not in kind):
                return False
            continue
        one = value.get(key.removesuffix("!"))
        if (one is None and key.endswith("!")) or not _is(one, inner):
            return False
    return True


def _misfits(value: Any, kind: Kind, where: str) -> Iterator[tuple[str, str]]:
    """Place and words of every part that is of another kind."""
    if _is(value, kind):
        return
    if isinstance(kind, list) and isinstance(value, list):
        for i, one in enumerate(value):
            place = f"{where}[{i}]"
            yield from [(place, "is null")] if one is None else _misfits(one, kind[0], place)
    elif isinstance(kind, dict) and isinstance(value, dict):
        for key, inner in kind.items():
            names = [n for n in value if n not in kind] if key == "*" else [key.removesuffix("!")]
            for name in names:
                place, one = f"{where}.{name}".lstrip("."), value.get(name)
                yield from [(place, "is missing")] if one is None and key.endswith("!") else _misfits(one, inner, place)
    else:
        yield where, f"{_shown(value)} is {_named(kind)}"


def _named(kind: Kind) -> str:
    """What a value is said not to be."""
    if isinstance(kind, tuple):
        return ", ".join(_named(one) for one in kind)
    return {str: f"not {kind}", list: "no list", dict: "no object"}[type(kind)]


def _shown(value: Any) -> str:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return "a number" if abs(value) >= 1e300 or not math.isfinite(value) else f"{value:g}"
    text = repr(value)
    return text if len(text) <= 40 else text[:37] + "…"
