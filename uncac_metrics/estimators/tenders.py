"""Bids become contracting processes, and these the units that a rule of a red flag applies to."""

from __future__ import annotations

from typing import Any

import pandas as pd

from uncac_metrics.estimators.records import DENOMINATOR, PANEL
from uncac_metrics.methods import UNITS
from uncac_metrics.model import BREAKDOWNS
from uncac_metrics.stats import counts

Options = dict[str, Any]
_TENDER = {
    "ocid": "tender", "method": "procurement_method", "start": "date_opened", "end": "date_deadline",
    "buyer": "buyer", "entity": "institution",
}  # fmt: skip
_BID = {
    "ocid": "tender", "bid": "bid", "status": "status", "date": "date_submitted", "amount": "amount",
    "currency": "currency", "tenderer": "bidder",
}  # fmt: skip


def flagged(rows: pd.DataFrame, options: Options) -> tuple[pd.DataFrame, Options]:
    """A row a unit that the rule applies to, with ``flagged`` and the breakdowns of its bids, and the options left.

    Units are compared with those of the same country and period. A breakdown that differs between the bids of a unit
    is missing: the unit belongs to no group of it.
    """
    rows = rows[rows[DENOMINATOR] == 1]
    flag: str = options.pop("flag")
    unit: str = options.pop("units", "process")
    taken: dict[str, Any] = {
        name: options.pop(name) for name in ("threshold", "days", "minimum_processes") if name in options
    }
    panel = [name for name in PANEL if name in rows]
    groups = [part for _, part in rows.groupby(panel, observed=True)] if panel and len(rows) else [rows]
    return pd.concat([_units(part, flag, unit, taken) for part in groups], ignore_index=True), options


def _units(rows: pd.DataFrame, flag: str, unit: str, taken: Options) -> pd.DataFrame:
    """The units of one country and period."""
    bids = _named(rows, _BID)
    tenders = _named(rows, _TENDER).drop_duplicates("ocid")
    if {"status", "tenderer"} <= set(bids):
        sent = bids[bids["status"] != "withdrawn"].groupby("ocid")["tenderer"].nunique()
        tenders["tenderers"] = tenders["ocid"].map(sent)
    won = rows[rows["winner"] == 1] if "winner" in rows else rows.iloc[:0]
    awards = _named(won, {"ocid": "tender", "award": "tender", "supplier": "bidder"}).assign(status="active")
    items = _named(won, {"ocid": "tender", "award": "tender", "class": "item"})
    found = counts.procurement_flags(tenders, bids, awards, items, flags=[flag], settings={flag: taken}, alike=False)
    found = found[found["level"] == unit].set_index("id")["flagged"]
    names = [n for n in (*PANEL, *BREAKDOWNS) if n in rows and n != UNITS[unit]]
    by = rows.groupby(rows[UNITS[unit]].astype(str), sort=False)[names]
    known = by.first().where(by.nunique() == 1) if names else pd.DataFrame()
    return found.to_frame().join(known)


def _named(rows: pd.DataFrame, columns: dict[str, str]) -> pd.DataFrame:
    """Columns under the names of the rules; codes as text."""
    table = pd.DataFrame({new: rows[old] for new, old in columns.items() if old in rows}, rows.index)
    return table.astype({name: object for name in table if isinstance(table[name].dtype, pd.CategoricalDtype)})
