"""A TOML file, read strictly: an unknown or missing key, a wrong type and a code outside its vocabulary are faults.

All faults of a file are collected. Nothing in it is run as code.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from uncac_metrics._toml import DOTS, MOST, has_endless_key
from uncac_metrics.model import Fault

_LINE = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)$")


@dataclass(frozen=True)
class Key:
    """What a key of a file holds."""

    kind: str
    """``text``, ``texts`` (a list), ``numbers`` (a list), ``whole``, ``number``, ``table`` or ``tables``."""
    codes: Iterable[str] = ()
    """The allowed texts; empty: any."""
    required: bool = True


_KINDS: Mapping[str, tuple[Any, str, str]] = {
    "text": (str, "text", '"…"'),
    "texts": (list, "a list of texts", '["…"]'),
    "numbers": (list, "a list of numbers", "[1, 1]"),
    "whole": (int, "a whole number", "1"),
    "number": ((int, float), "a number", "1"),
    "table": (dict, "a table", "{…}"),
    "tables": (list, "a list of tables", "[{…}]"),
}


class File:
    """One file while it is read; collects what is wrong with it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.faults: list[Fault] = []

    def fault(self, where: str, what: str, remedy: str = "") -> None:
        """Note a fault."""
        self.faults.append(Fault(str(self.path), where, what, remedy))

    def toml(self) -> dict[str, Any] | None:
        """What the file holds, or None if it cannot be read as TOML."""
        try:
            if self.path.stat().st_size > MOST:
                self.fault("", "the file has too many bytes for a definition", "give the definition")
                return None
            text = self.path.read_text(encoding="utf-8-sig")
            if has_endless_key(text):
                self.fault("", f"a line has more than {DOTS} dots between words", "break it into several")
                return None
            return tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            line = _LINE.search(str(error))
            place = (f"line {line[1]}" if line[1] else "end of file") if line else ""
            what = f"not valid TOML: {_LINE.sub('', str(error))}"
            self.fault(place, what, "put the line right: texts stand in quotes, and a key is given once")
        except UnicodeDecodeError as error:
            self.fault(f"byte {error.start + 1}", "the file is not UTF-8 text", "save it as UTF-8")
        except RecursionError:
            self.fault("", "the file is nested too deeply", "correct the brackets")
        except OSError as error:
            self.fault("", f"the file cannot be read: {error.strerror}", "make it a readable file")
        return None

    def table(self, raw: Any, keys: Mapping[str, Key], where: str) -> dict[str, Any]:
        """The values of a table that are as they should be; a fault for every other key."""
        prefix = f"{where}." if where else ""
        free = [name for name in keys if name not in raw]
        meant = set()
        for name in raw:
            if name not in keys:
                remedy = suggest(name, free)
                meant |= {k for k in free if f'"{k}"' in remedy}
                self.fault(f"{prefix}{name}", "unknown key", remedy)
        good = {}
        for name, key in keys.items():
            kind, label, sample = _KINDS[key.kind]
            if name not in raw:
                if key.required and name not in meant:
                    self.fault(f"{prefix}{name}", "the key is missing", f"add {name} = {sample}")
                continue
            value = raw[name]
            if not isinstance(value, kind) or isinstance(value, bool):
                self.fault(f"{prefix}{name}", f"{value!r} is not {label}", f"write {name} = {sample}")
            elif self.fits(value, key, f"{prefix}{name}"):
                good[name] = " ".join(value.split()) if key.kind == "text" else value
        return good

    def fits(self, value: Any, key: Key, where: str) -> bool:
        """Whether a value of the right type holds what it should."""
        before = len(self.faults)
        if key.kind == "text" and not value.strip():
            self.fault(where, "the text is empty", "write it, or leave out the key if it is optional")
        elif key.kind == "tables" and not all(isinstance(v, dict) for v in value):
            self.fault(where, "not every element is a table", "write [{…}, {…}]")
        elif key.kind == "tables" and not value:
            self.fault(where, "the list is empty", "give at least one table")
        elif key.kind == "numbers":
            for v in value:
                if not isinstance(v, int | float) or isinstance(v, bool):
                    self.fault(where, f"{v!r} is not a number", "write it without quotes")
        elif key.kind == "texts":
            for v in value:
                if not isinstance(v, str):
                    self.fault(where, f"{v!r} is not text", f'put it in quotes: "{v}"')
            for v in sorted({v for v in value if isinstance(v, str) and value.count(v) > 1}):
                self.fault(where, f'"{v}" is given more than once', "give it once")
        if key.codes:
            for v in [value] if isinstance(value, str) else value:
                if isinstance(v, str) and v.strip() and v not in key.codes:
                    self.fault(where, f'"{v}" is not allowed', suggest(v, key.codes))
        return len(self.faults) == before


def suggest(name: str, names: Iterable[str]) -> str:
    """A remedy for a name that is not known: the nearest of those that are, or a list of them.

    Parameters
    ----------
    name
        The name as written.
    names
        Those that are known.

    Examples
    --------
    >>> suggest("experince", ["experience", "perception"])
    'did you mean "experience"?'
    >>> suggest("x", ["lower", "higher", "none"])
    'one of: lower, higher, none'
    """
    from difflib import get_close_matches

    allowed = list(names)
    close = get_close_matches(name, allowed, n=1, cutoff=0.6)
    if close:
        return f'did you mean "{close[0]}"?'
    if not allowed:
        return "leave it out"
    shown = ", ".join(allowed[:12])
    return f"one of: {shown}{', …' if len(allowed) > 12 else ''}"
