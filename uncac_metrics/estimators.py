"""Indicators computed from data sets: a card names an estimator and a base, here they become numbers.

All indicators of one data set that are made of sums are computed in one pass over its rows; those of completed data
sets are pooled. A new estimator is one function here and one name in :data:`ESTIMATORS`.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pandas.api.types import union_categoricals

from uncac_metrics import catalogue, datasets, designs, mapping, reference
from uncac_metrics.datasets import Dataset
from uncac_metrics.model import BREAKDOWNS, TOTAL, Fault, Faults, Indicator, Measure, Source
from uncac_metrics.shapes import SHAPES
from uncac_metrics.stats import survey
from uncac_metrics.stats.estimates import Estimates, concat
from uncac_metrics.stats.survey.arguments import is_binary, numbers
from uncac_metrics.stats.survey.design import Design
from uncac_metrics.stats.survey.imputation import pool
from uncac_metrics.stats.survey.linear import cube, level_pairs, linear
from uncac_metrics.stats.survey.sums import Pair

Array = np.ndarray
Grouping = tuple[str, ...]


@dataclass(frozen=True)
class Base:
    """A named numerator or denominator: a row of the reference table ``bases`` for one shape."""

    name: str
    column: str
    within: str
    items: bool


def estimate(
    indicators: Indicator | str | Iterable[Indicator | str],
    dataset: Dataset | str | Path,
    *,
    by: str | Sequence[str] = (),
    cross: bool = True,
    level: float = 0.95,
    interval: str | None = None,
) -> Estimates:
    """Estimate indicators from a data set, in one pass over its rows.

    Parameters
    ----------
    indicators : Indicator, id, or several of them
    dataset : Dataset, id of a shipped data set, or path of a ``source.toml`` or its folder
    by : str or list of str
        Breakdowns. Besides the total, all their combinations with the margins (``_T``) are given.
    cross : bool
        False gives each breakdown by itself only.
    level : float
        Confidence level.
    interval : str, optional
        Interval for shares; Korn–Graubard unless named. See :mod:`uncac_metrics.stats.intervals`.

    Returns
    -------
    Estimates
        By indicator (those whose cards set options of their own last), then item or level, then breakdown; the first
        row of each is the total. Values in the unit of the card, at full precision.

    Raises
    ------
    Faults
        An indicator that cannot be computed from the data set, a breakdown that it lacks: all of them together.

    Examples
    --------
    >>> import uncac_metrics as um
    >>> result = um.estimate("BR-01", "population_2025", by="sex")
    >>> result.table[["indicator", "sex", "unit", "denominator"]]
      indicator sex unit   denominator
    0     BR-01  _T    %  with_contact
    1     BR-01   F    %  with_contact
    2     BR-01   M    %  with_contact
    """
    cards = _cards(indicators)
    data = dataset if isinstance(dataset, Dataset) else datasets.load_dataset(dataset)
    names = (by,) if isinstance(by, str) else tuple(by)
    faults = [
        Fault(data.source.id, "by", f"no breakdown {b!r} in the data", _known_breakdowns(data))
        for b in names
        if b not in data.table.columns or b not in BREAKDOWNS
    ]
    reasons = {card.id: applicable(card, data) for card in cards}
    faults += [Fault(data.source.id, card, reason) for card, reason in reasons.items() if reason]
    if faults:
        raise Faults(faults)
    groupings = cube(names) if cross else [(), *((b,) for b in names)]
    return run(cards, data, groupings, level=level, interval=interval)


def run(
    cards: Sequence[Indicator],
    data: Dataset,
    groupings: Sequence[Grouping],
    *,
    level: float = 0.95,
    interval: str | None = None,
) -> Estimates:
    """Estimates of applicable cards over the groupings given; see :func:`estimate`."""
    by_id = {card.id: card for card in cards}
    if not data.completed:
        return _finished(_estimates(cards, data, groupings, level, interval), by_id, data)
    parts = [_estimates(cards, one, groupings, level, interval) for one in _alike(data.completed)]
    pooled = _finished(pool(parts, level=level), by_id, data)
    return _counted(pooled, cards, data, groupings)


def _estimates(
    cards: Sequence[Indicator], data: Dataset, groupings: Sequence[Grouping], level: float, interval: str | None
) -> Estimates:
    """Estimates from one complete table, in the units of the estimators."""
    sample = design(data)
    data = replace(data, table=sample.data)  # of two phases, the rows of the second
    # cards with options of their own take another pass
    batches: dict[str, list[Indicator]] = {}
    for card in cards:
        batches.setdefault(repr(sorted(card.measure.options.items())) + _method(card), []).append(card)
    parts = []
    for batch in batches.values():
        options = {"level": level, "interval": interval} | dict(batch[0].measure.options)
        estimator = ESTIMATORS.get(batch[0].measure.estimator) or _own(batch[0].measure.estimator)
        parts.append(estimator(batch, data, sample, groupings, **options))
    return parts[0] if len(parts) == 1 else concat(parts)


def _alike(completed: Sequence[Dataset]) -> list[Dataset]:
    """Completed data sets whose breakdowns have the levels that occur in any of them."""
    tables = [one.table for one in completed]
    coded = [b for b in BREAKDOWNS if b in tables[0] and isinstance(tables[0][b].dtype, pd.CategoricalDtype)]
    levels = {b: union_categoricals([t[b].cat.remove_unused_categories() for t in tables]).categories for b in coded}
    return [
        replace(one, table=t.assign(**{b: t[b].cat.set_categories(levels[b]) for b in coded}))
        for one, t in zip(completed, tables, strict=True)
    ]


def _counted(pooled: Estimates, cards: Sequence[Indicator], data: Dataset, groupings: Sequence[Grouping]) -> Estimates:
    """Counts of the data as collected in the place of those of completed data; own estimators keep theirs."""
    sample, names = Design(data.table, weight="weight"), ["n", "n_eligible", "events"]
    known = [card for card in cards if card.measure.estimator in ESTIMATORS]
    pairs = [pair for card in known for pair in _pairs(card, data)]
    pairs = [pair if ESTIMATORS[pair.kind] is _linear else replace(pair, kind="mean") for pair in pairs]
    found, before = linear(sample, pairs, groupings).table, pooled.table
    key = ["indicator", *(b for b in pooled.breakdowns if b in found)]
    counts = before[key].merge(found[[*key, *names]], how="left", on=key)[names].fillna(0).astype("Int64")
    own = ~before["indicator"].isin([card.id for card in known])
    keep = before[names].isna() | own.to_numpy()[:, None]
    return pooled.with_columns(**{name: counts[name].mask(keep[name], before[name]) for name in names})


def design(data: Dataset) -> Design:
    """The sampling design that a data set's source declares.

    Examples
    --------
    >>> import uncac_metrics as um
    >>> from uncac_metrics.estimators import design
    >>> design(um.load_dataset("population_2025")).singleton
    'error'
    """
    return designs.make(data.source, data.table, data.extras)


def applicable(card: Indicator, data: Dataset) -> str:
    """Why an indicator cannot be computed from a data set; empty where it can."""
    m = card.measure
    if m.shape != data.source.shape:
        return f"takes a {SHAPES[m.shape].label.lower()}, not {data.source.shape}"
    if m.estimator not in ESTIMATORS:
        return ""
    columns = data.table.columns
    base, over = _base(m, "denominator"), _base(m, "numerator") if m.numerator else None
    for name in (m.levels, m.options.get("over", "")):
        if name and name not in columns:
            return f"the data have no column {name!r}"
    for b in (base, over):
        if b is None:
            continue
        if m.items and b.items:
            continue
        for name in (b.column, b.within):
            if name and name not in columns:
                return f"the data have no column {name!r}"
    if m.items and not _items(m, base, over, columns):
        wanted = [f"{b.column}__*" for b in (over, base) if b is not None and b.items]
        return f"the data have no columns {' with '.join(wanted)}"
    return ""


def run_cases(card: Indicator) -> list[Fault]:
    """Compute the worked examples of a card and name every number that differs from what it expects.

    Examples
    --------
    >>> import uncac_metrics as um
    >>> from uncac_metrics.estimators import run_cases
    >>> run_cases(um.load_catalogue()["BR-01"])
    []
    """
    faults: list[Fault] = []
    for i, case in enumerate(card.cases, start=1):
        where = f"cases[{i}] {case.name!r}"
        try:
            result = _of_rows(card, case.rows, f"{card.file or card.id}: {where}")
        except Faults as found:
            faults += found.faults
            continue
        table = result.table
        if case.item:
            breakdown = "category" if card.measure.levels else card.measure.items
            table = table[table[breakdown] == case.item]
        if len(table) != 1:
            remedy = "name one of the items" if card.measure.items or card.measure.levels else ""
            faults.append(Fault(card.file or card.id, where, f"{len(table)} results for item {case.item!r}", remedy))
            continue
        for name, expected in case.expect.items():
            got = table[name].iloc[0]
            if not _agrees(got, expected):
                faults.append(
                    Fault(card.file or card.id, f"{where}: {name}", f"gives {got}, expected {expected}",
                          "correct the example or the measure")
                )  # fmt: skip
    return faults


def _agrees(got: Any, expected: Any) -> bool:
    if isinstance(expected, str):
        return bool(got == expected)
    if pd.isna(got):
        return bool(pd.isna(expected))
    return bool(abs(float(got) - float(expected)) <= 1e-9 * max(1.0, abs(float(expected))))


def _of_rows(card: Indicator, rows: Sequence[Mapping[str, object]], file: str) -> Estimates:
    shape = SHAPES[card.measure.shape]
    table = mapping.from_rows([{"weight": 1.0} | dict(row) for row in rows], shape, file=file)
    source = Source(card.id, "", "", "", "", shape.id, "", "", "", file=file)
    data = Dataset(source, shape, table)
    reason = applicable(card, data)
    if reason:
        raise Faults([Fault(file, "rows", reason, "give the columns that the measure takes")])
    return run([card], data, [()])


def _linear(
    cards: Sequence[Indicator], data: Dataset, sample: Design, groupings: Sequence[Grouping], **options: Any
) -> Estimates:
    """Shares, means, ratios and totals, all in one pass."""
    pairs = [pair for card in cards for pair in _pairs(card, data)]
    return linear(sample, pairs, groupings, **options)


def _quantile(
    cards: Sequence[Indicator], data: Dataset, sample: Design, groupings: Sequence[Grouping], *, p: float, level: float,
    interval: str | None, **options: Any,
) -> Estimates:  # fmt: skip
    """One quantile; `interval` is the card's, since that of a call is for shares."""
    own = cards[0].measure.options.get("interval", "mean")
    return _each(survey.quantile, cards, data, sample, groupings, probs=p, level=level, interval=own, **options)


def _gini(
    cards: Sequence[Indicator], data: Dataset, sample: Design, groupings: Sequence[Grouping], *,
    interval: str | None, **options: Any,
) -> Estimates:  # fmt: skip
    return _each(survey.gini, cards, data, sample, groupings, **options)


def _concentration(
    cards: Sequence[Indicator], data: Dataset, sample: Design, groupings: Sequence[Grouping], *,
    interval: str | None, **options: Any,
) -> Estimates:  # fmt: skip
    return _each(survey.concentration, cards, data, sample, groupings, **options)


def _each(
    function: Callable[..., Estimates], cards: Sequence[Indicator], data: Dataset, sample: Design,
    groupings: Sequence[Grouping], **options: Any,
) -> Estimates:  # fmt: skip
    """A function of :mod:`uncac_metrics.stats.survey` for every card, item and grouping."""
    parts = []
    for pair in (pair for card in cards for pair in _pairs(card, data)):
        y = pd.Series(pair.numerator, name=pair.name)
        base = None if pair.denominator is None else pd.Series(pair.denominator, name=pair.base)
        for grouping in groupings:
            made = function(sample, y, by=grouping, denominator=base, **options)
            text = {"indicator": pair.name, "denominator": pair.base, **pair.labels}
            parts.append(made.with_columns(**{k: pd.array([v] * len(made), dtype="str") for k, v in text.items()}))
    return concat(parts)


Estimator = Callable[..., Estimates]
ESTIMATORS: dict[str, Estimator] = {
    **dict.fromkeys(("proportion", "mean", "ratio", "total"), _linear),
    "quantile": _quantile, "gini": _gini, "concentration": _concentration,
}  # fmt: skip
"""Estimators by name: ``(cards, data, design, groupings, **options) -> Estimates``."""


def _method(card: Indicator) -> str:
    known = ESTIMATORS.get(card.measure.estimator)
    return known.__name__ if known else card.measure.estimator


def _own(name: str) -> Estimator:
    """An office's own ``package.module:function``."""
    module, _, function = name.partition(":")
    try:
        return getattr(importlib.import_module(module), function)
    except (ImportError, AttributeError) as error:
        raise Faults(
            [Fault("measure", "estimator", f"{name}: {error}", "make the module importable, or name a known estimator")]
        ) from error


def _pairs(card: Indicator, data: Dataset) -> list[Pair]:
    m, table = card.measure, data.table
    base, over = _base(m, "denominator"), _base(m, "numerator") if m.numerator else None
    if m.levels:
        values = table[m.levels].cat.remove_unused_categories()
        found = level_pairs(card.id, values, _below(table, base), base.name)
        return [Pair(card.id, p.numerator, p.denominator, m.estimator, base.name, True, p.labels, True) for p in found]
    if over is None:
        raise Faults([Fault(card.file or card.id, "measure", "neither numerator nor levels", "name one of them")])
    pairs = []
    for item in _items(m, base, over, table.columns) if m.items else [""]:
        y = _gated(table, over, _values(table, over.column + (f"__{item}" if over.items and item else "")))
        if ranked := m.options.get("over"):  # rows without a rank do not count
            y = np.where(np.isnan(_values(table, str(ranked))), np.nan, y)
        x = _below(table, base, f"__{item}" if base.items and item else "")
        share, binary = m.estimator == "proportion", is_binary(y)
        pairs.append(Pair(card.id, y, x, m.estimator, base.name, share, {m.items: item} if item else {}, binary))
    return pairs


def _values(table: pd.DataFrame, name: str) -> Array:
    return numbers(name, table[name]) if name else np.ones(len(table), dtype=np.uint8)


def _gated(table: pd.DataFrame, base: Base, values: Array) -> Array:
    """Values of the rows that a base is taken within; zero elsewhere."""
    return np.where(_values(table, base.within) == 1, values, 0) if base.within else values


def _below(table: pd.DataFrame, base: Base, suffix: str = "") -> Array | None:
    """The base row by row: yes/no, or the number below the line; None where it is every row."""
    if not base.column and not base.within:
        return None
    return _gated(table, base, _values(table, base.column + suffix if base.column else ""))


def _items(m: Measure, base: Base, over: Base | None, columns: Iterable[str]) -> list[str]:
    """Items that have all the columns that the measure takes, in the order of the table."""
    have = set(columns)
    stems = [b.column for b in (over, base) if b is not None and b.items]
    first = f"{stems[0]}__" if stems else "__"
    found = [c[len(first) :] for c in columns if c.startswith(first)]
    return [k for k in found if all(f"{s}__{k}" in have for s in stems)]


def _base(m: Measure, role: str) -> Base:
    table = reference.load("bases")
    name = getattr(m, role)
    rows = table[(table["base"] == name) & (table["shape"] == m.shape) & table["role"].isin([role, "both"])]
    if rows.empty:
        raise Faults([Fault("measure", role, f"no {role} {name!r} for {m.shape}", "name a row of the table bases")])
    row = rows.iloc[0]
    return Base(name, row["column"], row["within"], row["items"] == "1")


def _finished(result: Estimates, cards: Mapping[str, Indicator], data: Dataset) -> Estimates:
    """Units, names and warnings of the cards."""
    ids = result.table["indicator"]
    result = result.scaled(ids.map({k: c.scale for k, c in cards.items()}).to_numpy(dtype=float))
    table = result.table
    short = (table["statistic"] == "total") & (table["n"] < table["n_eligible"]) & (table["display"] == "shown")
    reason = table["reason"].mask(short, "part of the eligible did not answer: the total counts answers only")
    return result.with_columns(
        unit=ids.map({k: c.unit for k, c in cards.items()}).astype("str"),
        dataset=data.source.id,
        ref_area=data.source.ref_area,
        time_period=data.source.time_period,
        display=table["display"].mask(short, "flagged"),
        reason=reason,
    )


def _cards(indicators: Indicator | str | Iterable[Indicator | str]) -> list[Indicator]:
    wanted = [indicators] if isinstance(indicators, (Indicator, str)) else list(indicators)
    known: dict[str, Indicator] = {}
    out, faults = [], []
    for one in wanted:
        if isinstance(one, Indicator):
            out.append(one)
            continue
        known = known or catalogue.load_catalogue()
        if one in known:
            out.append(known[one])
        else:
            faults.append(Fault("estimate", "indicators", f"no indicator {one!r}", catalogue.suggest(one, known)))
    if faults:
        raise Faults(faults)
    return out


def _known_breakdowns(data: Dataset) -> str:
    have = [b for b in BREAKDOWNS if b in data.table.columns]
    return f"one of {', '.join(have)}" if have else f"the data have no breakdown; every row is {TOTAL}"
