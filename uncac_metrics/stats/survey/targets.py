"""Population totals that weights are to meet: read from dicts, Series and DataFrames, and held against the sample."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from uncac_metrics.model import Fault, Faults
from uncac_metrics.stats.survey.arguments import is_numeric
from uncac_metrics.stats.survey.design import Design, unknown_column
from uncac_metrics.stats.survey.stages import rows_of
from uncac_metrics.stats.survey.sums import compress, label

Array = np.ndarray
Names: TypeAlias = tuple[str, ...]
Totals: TypeAlias = Mapping[Any, float] | pd.Series | pd.DataFrame
"""Totals by level: a dict (levels of a crossing as tuples), a Series, or a DataFrame with one column of numbers."""
Margins: TypeAlias = Mapping[Any, Totals | float] | Sequence[pd.Series | pd.DataFrame]
"""Totals by column, or by a tuple of columns that are crossed; or Series and DataFrames that name their columns."""

AGREE = 1e-9
"""Relative difference between the sums of two margins that is taken for rounding."""


@dataclass(frozen=True, eq=False)
class Targets:
    """Calibration variables by pattern, the pattern of every row, and the totals to meet."""

    cell: Array
    """Pattern of every row; rows without weight are in the first."""
    x: Array
    """Shape (patterns, variables)."""
    q: Array
    """1 / variance of the working model, by pattern."""
    wanted: Array
    names: tuple[str, ...]
    """``sex=F``, ``income``, ``units``."""
    columns: tuple[str, ...]
    """What the weights are calibrated to, in words."""


@dataclass(frozen=True, eq=False)
class _Term:
    """One margin: columns of indicators, or one of numbers."""

    code: Array
    x: Array
    wanted: Array
    names: list[str]


def targets(
    design: Design, margins: Margins, population: float | None = None, *, weight: Array | None = None,
    scale_variance: str | None = None, partial: bool = False, name: str = "calibrate",
) -> Targets:  # fmt: skip
    """Read totals and hold them against the sample.

    Parameters
    ----------
    design : Design
    margins : see Margins
    population : float, optional
        Number of units in the population, as a total of its own.
    weight : array of shape (n,), optional
        Base weights, if not those of the design; rows with zero need not be in any margin.
    scale_variance : str, optional
        Column that the variance of the working model is proportional to.
    partial : bool
        Leave out totals of levels that the sample does not have.
    name : str
        The calling function, for faults.

    Returns
    -------
    Targets

    Raises
    ------
    Faults
        Unknown columns, missing values, levels without a total, totals without sample, totals that are no totals,
        margins that do not agree: all together.
    """
    w = design.weight if weight is None else weight
    live = np.flatnonzero(w > 0)
    faults: list[Fault] = []
    terms: list[tuple[Names, _Term]] = []
    sums: dict[str, float] = {}
    listed = _listed(margins, name, faults)
    for columns, totals in listed:
        what = " × ".join(columns)
        absent = [unknown_column(design.data, c, what) for c in columns if c not in design.data.columns]
        if absent:
            faults += absent
            continue
        data = design.data if live.size == design.n else design.data.iloc[live]
        place = f"margin {what!r}"
        missing = data[list(columns)].isna().any(axis=1).to_numpy()
        if missing.any():
            mask = np.zeros(design.n, dtype=bool)
            mask[live[missing]] = True
            remedy = "impute them, or make missing a level with a total of its own"
            faults.append(Fault(name, place, "missing values", remedy, **rows_of(mask)))
            continue
        if isinstance(totals, (int, float, np.number)) and not isinstance(totals, bool):
            term = _numeric(data[columns[0]], float(totals), columns, name, faults)
        else:
            term = _categorical(data, columns, totals, live, design.n, name, partial, faults)
            if term is not None:
                sums[what] = float(term.wanted.sum())
        if term is not None:
            terms.append((columns, term))
    if population is not None:
        if not (np.isfinite(population) and population > 0):
            faults.append(Fault(name, "population", f"{population} is no number of units", "a positive number"))
        sums["population"] = float(population)
        one = np.zeros(live.size, dtype=np.intp)
        terms.append((("units",), _Term(one, np.ones((1, 1)), np.array([float(population)]), ["units"])))
    spread = None
    if scale_variance is not None:
        spread = _variance(design, scale_variance, live, name, faults)
    if not listed and population is None:
        faults.append(Fault(name, "totals", "no totals given", "a dict of columns and their totals"))
    if not faults:
        faults += _agreement(sums, name)
    if faults:
        raise Faults(faults)
    return _patterns(terms, spread, live, design.n)


def _listed(margins: Margins, name: str, faults: list[Fault]) -> list[tuple[Names, Any]]:
    """(columns, totals) of each margin."""
    if isinstance(margins, Mapping):
        return [((k,) if isinstance(k, str) else tuple(k), v) for k, v in margins.items()]
    out: list[tuple[Names, Any]] = []
    for i, margin in enumerate([margins] if isinstance(margins, (pd.Series, pd.DataFrame)) else margins, start=1):
        if isinstance(margin, pd.Series):
            columns = tuple(margin.index.names)
        elif isinstance(margin, pd.DataFrame):
            columns = tuple(margin.columns[:-1])
        else:
            columns = ()
        if not columns or any(not isinstance(c, str) for c in columns):
            what = "does not say which columns its levels belong to"
            remedy = "a dict of columns and totals, a Series with a named index, or a DataFrame whose last column is "
            faults.append(Fault(name, f"margin {i}", what, remedy + "the totals"))
            continue
        out.append((columns, margin))
    return out


def _numeric(values: pd.Series, total: float, columns: Names, name: str, faults: list[Fault]) -> _Term | None:
    place = f"margin {columns[0]!r}"
    before = len(faults)
    if len(columns) > 1 or not is_numeric(values):
        faults.append(Fault(name, place, "one total for a column of levels", "a total for each level, as a dict"))
        return None
    if not np.isfinite(total):
        faults.append(Fault(name, place, f"the total is {total}", "a finite number"))
    numbers = values.to_numpy(dtype=float)
    if not np.isfinite(numbers).all():
        faults.append(Fault(name, place, "infinite values", "correct them"))
    elif not numbers.any() and total != 0:
        faults.append(Fault(name, place, "is zero in every row and cannot meet a total", "leave it out"))
    if len(faults) > before:
        return None
    code, found = pd.factorize(numbers)
    return _Term(code.astype(np.intp), found[:, None], np.array([total]), [columns[0]])


def _categorical(
    data: pd.DataFrame, columns: Names, totals: Any, live: Array, n: int, name: str, partial: bool,
    faults: list[Fault],
) -> _Term | None:  # fmt: skip
    place = f"margin {' × '.join(columns)!r}"
    wanted = by_level(totals, columns, place, name, faults)
    if wanted is None:
        return None
    code, levels = cells(data, columns)
    before = len(faults)
    bad = [shown(columns, k) for k, v in wanted.items() if not (np.isfinite(v) and v >= 0)]
    if bad:
        what = f"totals that are negative or no numbers: {some(bad)}"
        faults.append(Fault(name, place, what, "correct them at their source"))
    present = set(levels)
    unknown = [i for i, k in enumerate(levels) if k not in wanted]
    if unknown:
        mask = np.zeros(n, dtype=bool)
        mask[live[np.isin(code, unknown)]] = True
        names = some([shown(columns, levels[i]) for i in unknown])
        what = f"levels of the sample without a population total: {names}"
        remedy = "give each a total, or merge levels; a level is compared as text"
        faults.append(Fault(name, place, what, remedy, **rows_of(mask)))
    nothing = [k for k in levels if wanted.get(k) == 0]
    if nothing:
        what = f"a population total of zero, but the sample has units: {some([shown(columns, k) for k in nothing])}"
        faults.append(Fault(name, place, what, "merge the level with another"))
    empty = [k for k, v in wanted.items() if k not in present and v > 0]
    if empty and not partial:
        what = f"population totals without any unit in the sample: {some([shown(columns, k) for k in empty])}"
        faults.append(Fault(name, place, what, "merge each with a similar level, in the sample and in the totals"))
    if len(faults) > before:
        return None
    amounts = np.array([float(wanted[k]) for k in levels])
    return _Term(code, np.eye(len(levels)), amounts, [shown(columns, k) for k in levels])


def _variance(design: Design, column: str, live: Array, name: str, faults: list[Fault]) -> Array | None:
    """Variance of the working model at the rows with weight."""
    place = f"scale_variance {column!r}"
    if column not in design.data.columns:
        faults.append(unknown_column(design.data, column, "scale_variance"))
        return None
    if not is_numeric(design.data[column]):
        faults.append(Fault(name, place, "not numeric", "name a column of numbers"))
        return None
    values = design.data[column].to_numpy(dtype=float, na_value=np.nan)
    bad = np.zeros(design.n, dtype=bool)
    bad[live] = ~(np.isfinite(values[live]) & (values[live] > 0))
    if bad.any():
        faults.append(Fault(name, place, "values that are no variances", "positive numbers", **rows_of(bad)))
        return None
    return values[live]


def by_level(
    totals: Any, columns: Names, place: str, name: str, faults: list[Fault]
) -> dict[tuple[str, ...], float] | None:
    """Total of each level or cell, under their labels."""
    if isinstance(totals, pd.DataFrame):
        rest = [c for c in totals.columns if c not in columns]
        if len(rest) != 1 or any(c not in totals.columns for c in columns):
            remedy = f"columns {', '.join(columns)} and one with the totals"
            what = f"the table has the columns {', '.join(map(str, totals.columns))}"
            faults.append(Fault(name, place, what, remedy))
            return None
        totals = totals.set_index(list(columns))[rest[0]]
    if isinstance(totals, pd.Series):
        pairs = list(zip(totals.index, totals.to_numpy(), strict=True))
    elif isinstance(totals, Mapping):
        pairs = list(totals.items())
    else:
        remedy = "a dict, a Series or a DataFrame; a number for a column of numbers"
        faults.append(Fault(name, place, f"totals are {type(totals).__name__}", remedy))
        return None
    out: dict[tuple[str, ...], float] = {}
    for key, value in pairs:
        parts = key if isinstance(key, tuple) else (key,)
        cell = tuple(label(p) for p in parts)
        if len(cell) != len(columns):
            what = f"the level {key!r} has {len(cell)} parts for {len(columns)} columns"
            faults.append(Fault(name, place, what, f"one level each of {', '.join(columns)}"))
            return None
        if cell in out:
            faults.append(Fault(name, place, f"{shown(columns, cell)} stands twice", "one total for each"))
            return None
        try:
            out[cell] = float(value)
        except (TypeError, ValueError):
            out[cell] = np.nan
    return out


def cells(data: pd.DataFrame, columns: Names) -> tuple[Array, list[tuple[str, ...]]]:
    """Code of the occurring combination of levels of each row, and the combinations."""
    code, size, parts = np.zeros(len(data), dtype=np.int64), 1, []
    for c in columns:
        own, found = pd.factorize(data[c], sort=True)
        code = code * max(1, len(found)) + own
        size *= max(1, len(found))
        parts.append([label(v) for v in found])
    occupied, place = compress(code, size)
    levels = []
    for number in occupied.tolist():
        cell: tuple[str, ...] = ()
        rest = number
        for labels in reversed(parts):
            rest, at = divmod(rest, len(labels))
            cell = (labels[at], *cell)
        levels.append(cell)
    return place.astype(np.intp), levels


def _agreement(sums: dict[str, float], name: str) -> list[Fault]:
    """Every unit is in one level of each margin: their sums are one number."""
    if len(sums) < 2:
        return []
    middle = float(np.median(list(sums.values())))
    if max(abs(s - middle) for s in sums.values()) <= AGREE * middle:
        return []
    shown = "; ".join(f"{k}: {v:,.10g}" for k, v in sums.items())
    remedy = "scale the margins to one number of units, that of the best source"
    return [Fault(name, "totals", f"the margins sum to different numbers of units ({shown})", remedy)]


def _patterns(terms: list[tuple[Names, _Term]], spread: Array | None, live: Array, n: int) -> Targets:
    """Rows with the same values in every variable have the same factor: they are handled as one."""
    code = np.zeros(live.size, dtype=np.int64)
    parts = [(term.code, len(term.x)) for _, term in terms]
    if spread is not None:
        own, found = pd.factorize(spread)
        parts.append((own, len(found)))
    for own, size in parts:
        _, code = compress(code, int(code.max(initial=0)) + 1)
        code = code.astype(np.int64) * size + own
    occupied, place = compress(code, int(code.max(initial=0)) + 1)
    example = np.empty(occupied.size, dtype=np.intp)
    example[place] = np.arange(live.size)
    cell = np.zeros(n, dtype=np.intp)
    cell[live] = place
    return Targets(
        cell,
        np.hstack([term.x[term.code[example]] for _, term in terms]),
        np.ones(example.size) if spread is None else 1 / spread[example],
        np.concatenate([term.wanted for _, term in terms]),
        tuple(name for _, term in terms for name in term.names),
        tuple(" × ".join(columns) for columns, _ in terms),
    )


def shown(columns: Names, cell: tuple[str, ...]) -> str:
    """A cell as messages name it."""
    return ", ".join(f"{c}={v}" for c, v in zip(columns, cell, strict=True))


def some(names: list[str]) -> str:
    """The first names of a list, and how many there are."""
    return "; ".join(names[:5]) + (f"; … ({len(names)} in all)" if len(names) > 5 else "")
