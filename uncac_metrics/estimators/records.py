"""Estimators of records and of figures of others.

A card's numerator and denominator become two columns of the rows that it takes, and a function of
:mod:`uncac_metrics.stats.counts` does the rest. Tables that hold several countries or periods give a result for each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd

from uncac_metrics.datasets import Dataset
from uncac_metrics.estimators.bases import Base, both, lacking, rows_where, selected
from uncac_metrics.model import BREAKDOWNS, TOTAL, Indicator, Shape
from uncac_metrics.stats.estimates import Estimates, concat

Array = np.ndarray
Grouping = tuple[str, ...]
PANEL = ("ref_area", "time_period")
NUMERATOR, DENOMINATOR = "numerator", "denominator"
Prepare = Callable[[pd.DataFrame, dict[str, Any]], tuple[pd.DataFrame, dict[str, Any]]]


def missing_for(card: Indicator, data: Dataset) -> str:
    """Why a data set does not do for a card; empty where it does.

    A register may be without a row that the card takes; a table of figures by country and period that has none does
    not hold the figure.
    """
    where = card.measure.where
    reason = lacking(card.measure, both(card.measure), data.table.columns)
    if reason or not set(PANEL) <= set(data.shape.key) or rows_where(data.table, where).any():
        return reason
    return "the data have no row with " + ", ".join(f"{name} {' or '.join(codes)}" for name, codes in where.items())


def of(
    function: Callable[..., Estimates], *taken: str, within: bool = False, prepare: Prepare | None = None
) -> Callable[..., Estimates]:
    """The estimator that a function of :mod:`uncac_metrics.stats.counts` is.

    Parameters
    ----------
    function
        Takes a table, columns of it, ``by`` and options, and gives estimates.
    *taken
        The columns that it takes first: :data:`NUMERATOR`, :data:`DENOMINATOR`.
    within
        What is above the line is part of what is below it.
    prepare
        Makes the rows that the function takes, and gives the options that are left for it.

    Returns
    -------
    function
        ``(cards, data, design, groupings, **options) -> Estimates``; records have no design. By card, then level,
        then grouping; the first result of each is the total.
    """

    def estimator(
        cards: Sequence[Indicator], data: Dataset, design: None, groupings: Sequence[Grouping], **options: Any
    ) -> Estimates:
        panel = tuple(name for name in PANEL if name in data.table.columns)
        if options.pop("across", "") == "areas":
            panel = tuple(name for name in panel if name != "ref_area")
        split = (options["strata"],) if "strata" in options else ()
        parts = []
        for card in cards:
            for labels, found in _variants(card, data, within):
                rows, left = prepare(found, dict(options)) if prepare else (found, options)
                for grouping in groupings:
                    some = _at_level(rows, (*grouping, *split), card, data.shape)
                    part = function(some, *taken, by=(*panel, *grouping), **left)
                    named = {"indicator": card.id, "denominator": card.measure.denominator, **labels}
                    parts.append(part.with_columns(**named))
        return concat(parts)

    return estimator


# --- the rows of a card


def _variants(card: Indicator, data: Dataset, within: bool) -> Iterator[tuple[dict[str, str], pd.DataFrame]]:
    """The rows that a card takes, with numerator and denominator; with levels, once for each of them."""
    m = card.measure
    base, over = both(m)
    table = _unused_dropped(data.table[rows_where(data.table, m.where)])
    below = _values(table, base)
    if m.levels:
        for code in table[m.levels].cat.categories:
            yield {"category": code}, _framed(table, selected(table[m.levels], [code]), below, within)
    else:
        yield {}, _framed(table, _values(table, over) if over else below, below, within)


def _framed(table: pd.DataFrame, above: Array, below: Array, within: bool) -> pd.DataFrame:
    """The table with what is above and below the line; within: what is not below the line is not above it."""
    if within:
        below = np.nan_to_num(below)
        above = np.where(below == 0, 0.0, above)
    return table.assign(**{NUMERATOR: above, DENOMINATOR: below})


def _values(table: pd.DataFrame, base: Base) -> Array:
    """What a base counts or sums, row by row: 1 and 0, or a number; NaN where the row does not say."""
    inside = selected(table[base.within], base.codes) if base.within else np.ones(len(table))
    if not base.column:
        return inside
    values = selected(table[base.column])
    return np.where(inside == 0, 0.0, np.where(np.isnan(inside), np.nan, values))


def _at_level(rows: pd.DataFrame, grouping: Grouping, card: Indicator, shape: Shape) -> pd.DataFrame:
    """Of a table that holds totals beside parts: the parts by the grouping, the totals of every other breakdown."""
    if not set(BREAKDOWNS) <= set(shape.key):
        return rows
    kept = np.ones(len(rows), dtype=bool)
    for name in BREAKDOWNS:
        if name in rows.columns and name not in card.measure.where and name != card.measure.levels:
            total = (rows[name] == TOTAL).to_numpy()
            kept &= ~total if name in grouping else total
    return _unused_dropped(rows[kept])


def _unused_dropped(table: pd.DataFrame) -> pd.DataFrame:
    codes = [c for c in table.columns if isinstance(table[c].dtype, pd.CategoricalDtype)]
    return table.assign(**{c: table[c].cat.remove_unused_categories() for c in codes})


def counted(rows: pd.DataFrame, options: dict[str, Any]) -> tuple[pd.DataFrame, dict[str, Any]]:
    """The rows below the line."""
    return rows[rows[DENOMINATOR] == 1], options


def standardised(rows: pd.DataFrame, options: dict[str, Any]) -> tuple[pd.DataFrame, dict[str, Any]]:
    """The rows of the strata of a standard population, with its weights, and the options that are left."""
    strata, standard = options.pop("strata"), options.pop("standard")
    kept = rows[strata].isin(list(standard))
    return rows[kept].assign(standard=rows.loc[kept, strata].astype(object).map(standard).astype(float)), options
