"""What the modules that compare composites share: reading expected numbers, and comparing them.

Tolerances: 1e-9 relative for closed forms, 1e-6 for what is found by iteration; a number below 1e-12 of the greatest
of its column is a numerical zero.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

CLOSED, ITERATIVE = 1e-9, 1e-6
PERTURB = [1.0]
"""Factor of every expected number, as the dispatcher was told."""

Outcome = tuple[str, str, str]
"""File, ``passed`` / ``differ`` / ``unsupported`` / ``skipped`` / ``input``, detail."""


class Differs(Exception):
    """A comparison found a difference."""


class Unsupported(Exception):
    """The library has no counterpart."""


def frame(path: Path) -> pd.DataFrame:
    """Expected numbers (and texts) of a CSV file."""
    table = pd.read_csv(path, keep_default_na=True, na_values=[""])
    for name in table.columns:
        if pd.api.types.is_numeric_dtype(table[name]) and name not in ("Time", "Level", "rep"):
            table[name] = table[name] * PERTURB[0]
    return table


def document(path: Path) -> Any:
    """Expected numbers of a JSON file."""

    def scale(value: Any) -> Any:
        if isinstance(value, dict):
            return {k: scale(v) for k, v in value.items()}
        if isinstance(value, list):
            return [scale(v) for v in value]
        return value * PERTURB[0] if isinstance(value, int | float) and not isinstance(value, bool) else value

    return scale(json.loads(path.read_text()))


def close(got: Any, want: Any, what: str = "", tolerance: float = CLOSED, floor: float = 0.0) -> None:
    """Raise unless numbers agree, and are missing in the same places."""
    a, b = np.asarray(got, dtype=float), np.asarray(want, dtype=float)
    if a.shape != b.shape:
        raise Differs(f"{what} shape {a.shape} expected {b.shape}")
    if (np.isnan(a) != np.isnan(b)).any():
        raise Differs(f"{what} missing in {int((np.isnan(a) != np.isnan(b)).sum())} other places")
    seen = ~np.isnan(b)
    if not seen.any():
        return
    zero = max(floor, 1e-12 * float(np.abs(b[seen]).max()))
    bad = np.abs(a - b)[seen] > tolerance * np.abs(b[seen]) + zero
    if bad.any():
        k = int(np.flatnonzero(bad)[np.argmax(np.abs(a - b)[seen][bad])])
        first = f"{a[seen][k]!r} expected {b[seen][k]!r}"
        raise Differs(f"{what} {int(bad.sum())} of {bad.size} numbers, as {first}")


def same(got: Any, want: Any, what: str = "") -> None:
    """Raise unless texts agree."""
    a, b = list(got), list(want)
    if a != b:
        wrong = [(x, y) for x, y in zip(a, b, strict=False) if x != y]
        raise Differs(f"{what} {wrong[:2] or (len(a), len(b))}")


def differs(got: Any, want: Any, what: str = "") -> None:
    """Raise unless numbers disagree: the expected ones are known to be wrong."""
    try:
        close(got, want)
    except Differs:
        return
    raise Differs(f"{what} agrees with what is known to be wrong")


class Cases:
    """Comparisons by file; what is absent is skipped, and a crash is a difference."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.known: list[tuple[str, Callable[[], str | None]]] = []
        self.inputs: list[str] = []

    def add(self, name: str, run: Callable[[], str | None]) -> None:
        """A comparison of a file (``file#part``); `run` returns a remark or raises."""
        self.known.append((name, run))

    def outcomes(self) -> Iterator[Outcome]:
        for name in self.inputs:
            if (self.root / name).is_file():
                yield name, "input", ""
        for name, run in self.known:
            if not (self.root / name.partition("#")[0]).is_file():
                yield name, "skipped", "is not there"
                continue
            try:
                yield name, "passed", run() or ""
            except Differs as found:
                yield name, "differ", str(found)
            except FileNotFoundError as absent:
                yield name, "skipped", f"{Path(str(absent.filename)).name} is not there"
            except Unsupported as reason:
                yield name, "unsupported", str(reason)
            except Exception as error:  # noqa: BLE001 - a crash is a difference, and is named
                yield name, "differ", f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
