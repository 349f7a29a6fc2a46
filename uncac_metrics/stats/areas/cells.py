"""Which rows make which aggregate."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from uncac_metrics.stats.areas.coverage import Rule
from uncac_metrics.stats.estimates import Estimates
from uncac_metrics.stats.trends.series import years

Array = np.ndarray


@dataclass(frozen=True, eq=False)
class Cells:
    """Which rows make which aggregate."""

    table: pd.DataFrame
    """A row an aggregate: the keys of the measure, ``region``, ``time_period``."""
    keys: list[str]
    """Columns that tell measures (and periods, where each counts apart) from each other: a model is fitted to each."""
    cell: Array
    """Aggregate of every entry."""
    row: Array
    """Row of the estimates of every entry."""
    weight: Array
    """Weight of every entry, before they are made to sum to one."""
    known: Array
    """Per aggregate, weight of the areas with a value, and of all."""
    total: Array
    areas: Array
    """Per aggregate, number of areas with a value, and of all."""
    of: Array
    lacking: list[list[int]]
    """Per aggregate, the members (rows of the groups) without a value."""


def cells_of(estimates: Estimates, members: pd.DataFrame, how: Rule) -> Cells:
    """The aggregates that estimates make of groups, one a measure, group and (where the rule says so) period."""
    table = estimates.table
    measure = ["indicator", "statistic", *estimates.breakdowns, "denominator", "unit"]
    rows = table[[*measure, "ref_area", "time_period", "value"]].assign(_row=np.arange(len(table)))
    rows = rows[rows["value"].notna()]
    if how.periods == "latest":
        last = rows.assign(_time=years(rows["time_period"])).sort_values("_time", kind="stable")
        rows = last.drop_duplicates([*measure, "ref_area"], keep="last").sort_values("_row")
    keys = [*measure, "time_period"] if how.periods == "each" else measure
    inside = members[["ref_area", "region", "_weight"]].assign(_member=np.arange(len(members)))
    entries = rows.merge(inside, on="ref_area")
    entries["_cell"] = entries.groupby([*keys, "region"], sort=False, dropna=False).ngroup()
    entries = entries.sort_values("_cell", kind="stable")
    by = entries.groupby("_cell", sort=True)
    out = by[[*keys, "region"]].first()
    if how.periods != "each":
        # one span for all groups of a measure, so that they can be compared
        ends = entries["time_period"].str.split("/").str
        spans = entries.assign(_from=ends[0], _to=ends[-1]).groupby(measure, dropna=False)
        first, last = spans["_from"].transform("min"), spans["_to"].transform("max")
        out["time_period"] = first.where(first == last, first + "/" + last).groupby(entries["_cell"]).first()
    once = entries.drop_duplicates(["_cell", "_member"])
    everyone = members.groupby("region")["_weight"].agg(["sum", "size"]).reindex(out["region"])
    of_region = members.groupby("region").indices
    have = once.groupby("_cell")["_member"].agg(set)
    lacking = [
        [int(k) for k in of_region[region] if k not in here] for region, here in zip(out["region"], have, strict=True)
    ]
    return Cells(
        out.reset_index(drop=True), keys, entries["_cell"].to_numpy(), entries["_row"].to_numpy(),
        entries["_weight"].to_numpy(dtype=float), once.groupby("_cell")["_weight"].sum().to_numpy(dtype=float),
        everyone["sum"].to_numpy(dtype=float), once.groupby("_cell").size().to_numpy(), everyone["size"].to_numpy(),
        lacking,
    )  # fmt: skip
