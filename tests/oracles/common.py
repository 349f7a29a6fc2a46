"""What the modules of the oracle script share: R conditions, variables, comparisons, and who handles what.

A module ``case_*.py`` of this folder registers functions in :data:`DESIGNS` (by the method of a design) and
:data:`KINDS` (by the kind of estimator).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

CLOSED, ITERATIVE = 1e-9, 5e-7

DESIGNS: dict[str, Callable] = {}
"""Method of a design -> ``(spec, document, folder, options) -> Design``; a fault is an error that R raises too."""
KINDS: dict[str, Callable] = {}
"""Kind of estimator -> ``(case, design, result) -> None``, which notes what differs in `result`."""


class Unsupported(Exception):
    """The case needs something that the library, or this script, does not have."""


@dataclass
class Comparison:
    """What differs in one case."""

    differences: list[str] = field(default_factory=list)
    compared: int = 0

    def number(self, what: str, got: float, want: object, tolerance: float = CLOSED, floor: float = 0.0) -> None:
        expected = float(want)  # type: ignore[arg-type]
        self.compared += 1
        got = float(got)
        if np.isnan(expected) and np.isnan(got):
            return
        if not abs(got - expected) <= tolerance * abs(expected) + floor:
            self.differences.append(f"{what} {got!r} expected {expected!r}")


def condition(text: str, data: pd.DataFrame) -> np.ndarray:
    """Value (1, 0, NaN for missing) of an R condition of comparisons, ``&``, ``|`` and parentheses, on the rows."""
    tokens = re.findall(r"\(|\)|&|\||==|!=|<=|>=|<|>|'[^']*'|\"[^\"]*\"|[\w.]+", text)
    if "".join(tokens) != text.replace(" ", ""):
        raise Unsupported(f"condition {text!r}")
    rest = tokens[::-1]

    def either() -> np.ndarray:
        value = both()
        while rest and rest[-1] == "|":
            rest.pop()
            other = both()
            value = np.where((value == 1) | (other == 1), 1.0, value + other)
        return value

    def both() -> np.ndarray:
        value = atom()
        while rest and rest[-1] == "&":
            rest.pop()
            other = atom()
            value = np.where((value == 0) | (other == 0), 0.0, value * other)
        return value

    def atom() -> np.ndarray:
        name = rest.pop()
        if name == "(":
            value = either()
            rest.pop()
            return value
        operator, literal = rest.pop(), rest.pop()
        column = data[name]
        against = literal.strip("'\"") if literal[0] in "'\"" else float(literal)
        compared = {
            "==": column.eq, "!=": column.ne, "<": column.lt, "<=": column.le, ">": column.gt, ">=": column.ge,
        }[operator](against)  # fmt: skip
        return np.where(column.isna(), np.nan, compared.astype(float))

    return either()


def variable(text: str, data: pd.DataFrame) -> pd.Series:
    """A column, or ``I(condition)`` as 1, 0, missing."""
    inner = re.fullmatch(r"I\((.*)\)", text)
    if not inner:
        if text not in data.columns:
            raise Unsupported(f"variable {text!r}")
        return data[text]
    body = inner[1]
    values = data[body].to_numpy(float) if body in data.columns else condition(body, data)
    return pd.Series(values, name=text)


def read(spec: dict, folder: Path) -> pd.DataFrame:
    """The data set of a design."""
    return pd.read_csv(folder / Path(spec["dataset"]).name)


def domain_of(case: dict, data: pd.DataFrame) -> list[str]:
    """Breakdowns that single out the case's subset: rows of the level ``in``."""
    if not case.get("domain_r"):
        return []
    inside = condition(case["domain_r"], data) == 1
    data["in.domain"] = pd.Series(np.where(inside, "in", None), dtype=object)
    return ["in.domain"]
