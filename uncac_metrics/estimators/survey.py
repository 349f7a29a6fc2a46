"""Estimators of sample surveys: all indicators of one data set in one pass over its rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from pandas.api.types import union_categoricals

from uncac_metrics import designs
from uncac_metrics.datasets import Dataset
from uncac_metrics.estimators.bases import Base, both, lacking, selected
from uncac_metrics.methods import METHODS
from uncac_metrics.model import BREAKDOWNS, Fault, Faults, Indicator, Measure
from uncac_metrics.stats import survey
from uncac_metrics.stats.estimates import Estimates, concat
from uncac_metrics.stats.survey.arguments import is_binary, numbers
from uncac_metrics.stats.survey.design import Design
from uncac_metrics.stats.survey.linear import level_pairs
from uncac_metrics.stats.survey.linear import linear as _linear
from uncac_metrics.stats.survey.sums import Pair

Array = np.ndarray
Grouping = tuple[str, ...]
SUMS = ("proportion", "mean", "ratio", "total")
"""Estimators that are made of sums, all in one pass."""


def design(data: Dataset) -> Design:
    """The sampling design that a data set's source declares.

    Parameters
    ----------
    data
        A data set of a survey.

    Returns
    -------
    Design

    Examples
    --------
    >>> import uncac_metrics as um
    >>> from uncac_metrics.estimators import design
    >>> design(um.load_dataset("population_2025")).singleton
    'error'
    """
    return designs.make(data.source, data.table, data.extras)


def missing_for(card: Indicator, data: Dataset) -> str:
    """Why the columns of a survey do not do for a card; empty where they do."""
    m, columns = card.measure, data.table.columns
    base, over = both(m)
    reason = lacking(m, (base, over), columns)
    if not reason and m.items and not _items(m, base, over, columns):
        wanted = [f"{b.column}__*" for b in (over, base) if b is not None and b.items]
        return f"the data have no columns {' with '.join(wanted)}"
    return reason


def linear(
    cards: Sequence[Indicator], data: Dataset, sample: Design, groupings: Sequence[Grouping], **options: Any
) -> Estimates:
    """Shares, means, ratios and totals, all in one pass."""
    pairs = [pair for card in cards for pair in _pairs(card, data)]
    return _linear(sample, pairs, groupings, **options)


def quantile(
    cards: Sequence[Indicator], data: Dataset, sample: Design, groupings: Sequence[Grouping], *, p: float, level: float,
    interval: str | None = None, **options: Any,
) -> Estimates:  # fmt: skip
    """One quantile; `interval` is the card's, since that of a call is for shares."""
    own = cards[0].measure.options.get("interval", "mean")
    return _each(survey.quantile, cards, data, sample, groupings, probs=p, level=level, interval=own, **options)


def gini(
    cards: Sequence[Indicator], data: Dataset, sample: Design, groupings: Sequence[Grouping], *,
    interval: str | None = None, **options: Any,
) -> Estimates:  # fmt: skip
    """The Gini coefficient."""
    return _each(survey.gini, cards, data, sample, groupings, **options)


def concentration(
    cards: Sequence[Indicator], data: Dataset, sample: Design, groupings: Sequence[Grouping], *,
    interval: str | None = None, **options: Any,
) -> Estimates:  # fmt: skip
    """Concentration over another variable."""
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


def alike(completed: Sequence[Dataset]) -> list[Dataset]:
    """Completed data sets whose breakdowns have the levels that occur in any of them."""
    tables = [one.table for one in completed]
    coded = [b for b in BREAKDOWNS if b in tables[0] and isinstance(tables[0][b].dtype, pd.CategoricalDtype)]
    levels = {b: union_categoricals([t[b].cat.remove_unused_categories() for t in tables]).categories for b in coded}
    return [
        replace(one, table=t.assign(**{b: t[b].cat.set_categories(levels[b]) for b in coded}))
        for one, t in zip(completed, tables, strict=True)
    ]


def counted(pooled: Estimates, cards: Sequence[Indicator], data: Dataset, groupings: Sequence[Grouping]) -> Estimates:
    """Counts of the data as collected in the place of those of completed data; own estimators keep theirs."""
    sample, names = Design(data.table, weight="weight"), ["n", "n_eligible", "events"]
    known = [card for card in cards if card.measure.estimator in METHODS]
    pairs = [pair for card in known for pair in _pairs(card, data)]
    pairs = [pair if pair.kind in SUMS else replace(pair, kind="mean") for pair in pairs]
    found, before = _linear(sample, pairs, groupings).table, pooled.table
    key = ["indicator", *(b for b in pooled.breakdowns if b in found)]
    counts = before[key].merge(found[[*key, *names]], how="left", on=key)[names].fillna(0).astype("Int64")
    own = ~before["indicator"].isin([card.id for card in known])
    keep = before[names].isna() | own.to_numpy()[:, None]
    return pooled.with_columns(**{name: counts[name].mask(keep[name], before[name]) for name in names})


def _pairs(card: Indicator, data: Dataset) -> list[Pair]:
    m, table = card.measure, data.table
    base, over = both(m)
    if m.levels:
        values = table[m.levels].cat.remove_unused_categories()
        found = level_pairs(card.id, values, _below(table, base), base.name)
        return [Pair(card.id, p.numerator, p.denominator, m.estimator, base.name, True, p.labels, True) for p in found]
    if over is None:
        raise Faults([Fault(card.file or card.id, "measure", "neither numerator nor levels", "name one of them")])
    pairs = []
    for item in _items(m, base, over, table.columns) if m.items else [""]:
        y = _above(table, over, f"__{item}" if over.items and item else "")
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
    if not base.within:
        return values
    inside = selected(table[base.within], base.codes) if base.codes else _values(table, base.within)
    return np.where(inside == 1, values, 0)


def _above(table: pd.DataFrame, base: Base, suffix: str) -> Array:
    """What a numerator counts or sums, row by row."""
    if base.codes and not base.column:
        return selected(table[base.within], base.codes)
    return _gated(table, base, _values(table, base.column + suffix if base.column else ""))


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
