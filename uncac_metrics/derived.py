"""Columns that follow from others: combined answers and numbers, days that were kept, zeros behind closed gates."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd

from uncac_metrics import rules
from uncac_metrics.model import Shape
from uncac_metrics.relations import holds
from uncac_metrics.shapes import matching, paired
from uncac_metrics.values import levels, yes_no

Array = np.ndarray


def complete(frame: pd.DataFrame, shape: Shape) -> pd.DataFrame:
    """Fill the zeros that follow from closed gates and derive the columns that the table lacks.

    Examples
    --------
    >>> from uncac_metrics.shapes import SHAPES
    >>> frame = pd.DataFrame({"contact": [0, 1], "paid": [None, None]}, dtype="Int8")
    >>> complete(frame, SHAPES["population_survey"])["paid"].tolist()
    [0, <NA>]
    """
    table = {str(name): frame[name] for name in frame.columns}
    fill(table, shape)
    for name, rule in shape.derived.items():
        how = rules.maker(rule)
        taken = [o for o in rule[how] if o in table or o != "date_observed"]  # type: ignore[attr-defined]
        for target, operands in _derivable(name, taken, table, shape.zeros):
            if how in rules.FOLLOW:
                table[target] = yes_no(_follow(how, rule, [table[o] for o in operands]), frame.index)
            elif how in ("any", "all"):
                answers = [table[o].to_numpy(np.int8, na_value=-1) for o in operands]
                table[target] = yes_no(combine(how, answers, str(rule["missing"])), frame.index)
            else:
                numbers = [table[o].to_numpy(np.float64, na_value=np.nan) for o in operands]
                table[target] = pd.Series(combine(how, numbers, str(rule.get("missing"))), frame.index)
    fill(table, shape)
    return pd.DataFrame(table, index=frame.index)


def combine(how: str, operands: list[Array], missing: str) -> Array:
    """Combine operands row by row.

    Parameters
    ----------
    how : {"any", "all", "sum", "product"}
        ``any`` and ``all`` take arrays of 1, 0 and −1 (missing), the others floats with NaN.
    operands : list of arrays
        At least one.
    missing : {"strict", "ignore"}
        Strict: the result is missing unless the answered operands settle it. Ignore: it rests on the
        answered operands and is missing only where there are none. A product is strict, and 0 if any operand
        is 0.

    Returns
    -------
    array
        Of the same kind as the operands.

    Examples
    --------
    >>> a, b = np.array([1, 0, -1], np.int8), np.array([-1, -1, -1], np.int8)
    >>> combine("any", [a, b], "strict").tolist(), combine("any", [a, b], "ignore").tolist()
    ([1, -1, -1], [1, 0, -1])
    """
    if how in ("any", "all"):
        decisive, rest = (1, 0) if how == "any" else (0, 1)
        settled = np.logical_or.reduce([o == decisive for o in operands])
        known = (np.logical_and if missing == "strict" else np.logical_or).reduce([o >= 0 for o in operands])
        return np.where(settled, decisive, np.where(known, rest, -1)).astype(np.int8)
    if how == "product":
        zero = np.logical_or.reduce([o == 0 for o in operands])
        return np.where(zero, 0.0, np.multiply.reduce(operands))
    if missing == "strict":
        return np.add.reduce(operands)
    none = np.logical_and.reduce([np.isnan(o) for o in operands])
    return np.where(none, np.nan, np.add.reduce([np.nan_to_num(o, nan=0.0) for o in operands]))


def _follow(how: str, rule: Mapping[str, object], columns: list[pd.Series]) -> Array:
    """1, 0 and −1 (missing) from whether a column holds a code, is above 0 or is given, or a day was kept.

    ``by`` takes the day of the event, the day by which it is due and, where known, the day up to which events
    are known: what has not happened is late once it is due, and open until then.
    """
    first = columns[0]
    if how == "present":
        return first.notna().to_numpy().astype(np.int8)
    if how == "positive":
        return holds(first)
    if how == "equals":
        codes, texts = levels(first)
        wanted = rule["codes"]
        return np.array([int(t in wanted) for t in texts] + [-1], np.int8)[codes]  # type: ignore[operator]
    done, due = first.to_numpy(), columns[1].to_numpy()
    observed = columns[2].to_numpy() if len(columns) > 2 else np.full_like(due, "NaT")
    late = (done > due) | (np.isnat(done) & (observed > due))
    return np.where(done <= due, 1, np.where(late, 0, -1)).astype(np.int8)


def _derivable(
    name: str, operands: list[str], table: Mapping[str, pd.Series], zeros: Iterable[tuple[str, str]]
) -> Iterable[tuple[str, list[str]]]:
    """Columns to make and what each takes: those that the table lacks and has every operand of.

    Nothing is made of all items of a kind where one of them is lacking although its gate is open.
    """
    if name.endswith("__*"):
        for first in matching(operands[0], table):
            item = first.partition("__")[2]
            wanted = [o[:-1] + item for o in operands]
            if name[:-1] + item not in table and all(w in table for w in wanted):
                yield name[:-1] + item, wanted
    elif name not in table:
        found = [matching(o, table) for o in operands]
        gates = [(o, gate) for o in operands for left, gate in zeros if left == o and gate.endswith("__*")]
        lacking = [g for o, gate in gates for g in matching(gate, table) if o[:-1] + g.partition("__")[2] not in table]
        if all(found) and not any((holds(table[g]) == 1).any() for g in lacking):
            yield name, [column for group in found for column in group]


def fill(table: dict[str, pd.Series], shape: Shape, *, only: str = "") -> None:
    """Zeros where a gate is closed and the value missing."""
    for name, gate in paired(shape.zeros, table):
        if only not in ("", name):
            continue
        series = table[name]
        due = (holds(table[gate]) == 0) & series.isna().to_numpy()
        if due.any():
            table[name] = series.mask(due, 0)
