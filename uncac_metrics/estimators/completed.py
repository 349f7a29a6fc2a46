"""Data sets that were completed several times: what goes before and after the pooling of their estimates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pandas as pd
from pandas.api.types import union_categoricals

from uncac_metrics.datasets import Dataset
from uncac_metrics.estimators.survey import LINEAR, Grouping, pairs_of
from uncac_metrics.model import BREAKDOWNS, Indicator
from uncac_metrics.stats.estimates import Estimates
from uncac_metrics.stats.survey.design import Design
from uncac_metrics.stats.survey.linear import linear


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
    """Counts of the data as collected in the place of those of completed data."""
    sample = Design(data.table, weight="weight")
    pairs = [pair for card in cards for pair in pairs_of(card, data)]
    pairs = [pair if pair.kind in LINEAR else replace(pair, kind="mean") for pair in pairs]
    found = linear(sample, pairs, groupings).table
    key = ["indicator", *(b for b in pooled.breakdowns if b in found)]
    counts = pooled.table[key].merge(found[[*key, "n", "n_eligible", "events"]], how="left", on=key)
    events = counts["events"].where(pooled.table["events"].notna())
    answered = {name: counts[name].fillna(0).astype("Int64") for name in ("n", "n_eligible")}
    return pooled.with_columns(**answered, events=events.astype("Int64"))
