r"""Red flags of procurement as rates: how many of the units that a rule applies to it flags, with intervals."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from uncac_metrics.model import Fault, Faults
from uncac_metrics.stats.counts import flags as rules
from uncac_metrics.stats.counts.arguments import By
from uncac_metrics.stats.counts.rates import share
from uncac_metrics.stats.estimates import Estimates
from uncac_metrics.stats.survey.arguments import grouping

Array = np.ndarray
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "tenders": ("ocid", "status", "method", "method_details", "start", "end", "tenderers", "buyer", "entity"),
    "bids": ("ocid", "bid", "status", "date", "amount", "currency", "tenderer"),
    "awards": ("ocid", "award", "status", "supplier"),
    "items": ("ocid", "award", "class"),
}
"""Columns of the four tables; ``ocid`` is needed in each, what else a rule uses may be left out and is then missing."""
FLAGS: Mapping[str, str] = {
    "R003": "Short time to submit bids",
    "R018": "Single bid received",
    "R024": "Price close to winning bid",
    "R025": "Excessive unsuccessful bids",
    "R028": "Identical bid prices",
    "R030": "Late bid won",
    "R035": "All except winning bid disqualified",
    "R036": "Lowest bid disqualified",
    "R038": "Excessive disqualified bids",
    "R048": "Heterogeneous supplier",
    "R058": "Heavily discounted bid",
}
"""Codes and titles of the rules, as in Cardinal."""
DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    "R003": {"days": 15, "by_method": {}, "methods": ()},
    "R018": {"methods": ("open", "selective")},
    "R024": {"threshold": None},
    "R025": {"percentile": 75, "threshold": None},
    "R028": {},
    "R030": {},
    "R035": {"threshold": 1},
    "R036": {},
    "R038": {"threshold": None, "minimum_bids": 2, "minimum_processes": 2},
    "R048": {"threshold": None, "digits": 2, "minimum_processes": 20},
    "R058": {"threshold": None},
}
"""Settings of the rules; None as a threshold is the fence, 1.5 interquartile ranges beyond the quartile."""


def procurement_flags(
    tenders: pd.DataFrame, bids: pd.DataFrame, awards: pd.DataFrame, items: pd.DataFrame | None = None, *,
    flags: Sequence[str] = tuple(FLAGS), settings: Mapping[str, Mapping[str, Any]] | None = None,
    not_price: Sequence[str] = (), alike: bool = True,
) -> pd.DataFrame:  # fmt: skip
    r"""The eleven red flags of Cardinal, for every unit that each applies to.

    ==== =========================================================================================================
    R003 fewer whole days between opening and deadline than 15 (or than given for the method)
    R018 one tenderer in an open or selective procedure
    R024 :math:`(b_2 - b_1)/b_1` at or below the lower fence :math:`Q_1 - 1.5\,(Q_3 - Q_1)`; :math:`b_1` won
    R025 share of bids won at or below the lower fence, for tenderers with as many bids as the upper quartile or more
    R028 different tenderers with the same price
    R030 a supplier's valid bid came after the deadline
    R035 all tenderers but the winner disqualified
    R036 the lowest bid disqualified
    R038 share of bids disqualified at or above the upper fence, by buyer, procuring entity and tenderer
    R048 classes of goods supplied at or above the upper fence
    R058 :math:`(b_2 - b_1)/b_1` at or above the upper fence :math:`Q_3 + 1.5\,(Q_3 - Q_1)`
    ==== =========================================================================================================

    Quartiles are Hyndman and Fan's type 8. Cancelled tenders are left out everywhere.

    Parameters
    ----------
    tenders : DataFrame
        A row a contracting process: ``ocid``, ``status``, ``method`` (open, selective, limited, direct),
        ``method_details``, ``start`` and ``end`` of the tender period, ``tenderers`` (their number), ``buyer``,
        ``entity`` (procuring entity).
    bids : DataFrame
        A row a bid and tenderer: ``ocid``, ``bid`` (its number within the process; a row without one is a bid of its
        own), ``status`` (invited, pending,
        valid, disqualified, withdrawn), ``date``, ``amount``, ``currency``, ``tenderer``.
    awards : DataFrame
        A row an award and supplier: ``ocid``, ``award``, ``status``, ``supplier``.
    items : DataFrame, optional
        A row an item of an award: ``ocid``, ``award``, ``class`` (code of its classification, as text).
    flags : sequence of str
        Codes of the rules; see :data:`FLAGS`.
    settings : mapping, optional
        Settings by code that differ from :data:`DEFAULTS`.
    not_price : sequence of str
        Values of ``method_details`` whose prices are not compared (R024, R028, R036, R058).
    alike : bool
        Flag units that are alike: where the quartiles are equal, all that equal them are at the fence, and Cardinal
        flags them. False: only units beyond them are flagged.

    Returns
    -------
    DataFrame
        A row a rule and unit that it applies to: ``flag``, ``level`` (process, tenderer, buyer, entity), ``id``,
        ``value``, ``flagged`` (1, 0). For tenderers under the rules on processes the value is the number of flagged
        processes. The fences are estimated from the same data: with few units they are no standard.

    Raises
    ------
    Faults
        Tables without ``ocid``, processes that stand twice, unknown rules or settings, dates that are no dates.

    References
    ----------
    .. [1] Open Contracting Partnership, Cardinal: documentation of the indicators.
    .. [2] Fazekas, Tóth and King (2016), European Journal on Criminal Policy and Research 22, 369–397.

    Examples
    --------
    >>> import pandas as pd
    >>> from uncac_metrics.stats import counts
    >>> tenders = pd.DataFrame({"ocid": ["a", "b", "c"], "method": ["open", "open", "direct"], "tenderers": [1, 3, 1]})
    >>> bids = pd.DataFrame({"ocid": [], "bid": []})
    >>> found = counts.procurement_flags(tenders, bids, pd.DataFrame({"ocid": []}), flags=["R018"])
    >>> found
       flag    level id  value  flagged
    0  R018  process  a    1.0        1
    1  R018  process  b    3.0        0
    """
    chosen = _settings(flags, settings or {})
    fence = rules.fences if alike else rules.strict_fences
    nothing = pd.DataFrame({"ocid": []})
    whole = {"tenders": tenders, "bids": bids, "awards": awards, "items": nothing if items is None else items}
    p = _prepared(whole, set(not_price))
    found = rules.discounts(p) if {"R024", "R058"} & set(flags) else pd.DataFrame()
    run: dict[str, Callable[[dict[str, Any]], pd.DataFrame]] = {
        "R003": lambda s: rules.r003(p, s["days"], s["by_method"], tuple(s["methods"])),
        "R018": lambda s: rules.r018(p, tuple(s["methods"])),
        "R024": lambda s: rules.r024(found, s["threshold"], fence),
        "R025": lambda s: rules.r025(p, s["percentile"], s["threshold"], fence),
        "R028": lambda _: rules.r028(p),
        "R030": lambda _: rules.r030(p),
        "R035": lambda s: rules.r035(p, s["threshold"]),
        "R036": lambda _: rules.r036(p),
        "R038": lambda s: rules.r038(p, s["threshold"], s["minimum_bids"], s["minimum_processes"], fence),
        "R048": lambda s: rules.r048(p, s["threshold"], s["digits"], s["minimum_processes"], fence),
        "R058": lambda s: rules.r058(found, s["threshold"], fence),
    }
    parts = [run[flag](chosen[flag]) for flag in flags]
    parts = [part for part in parts if len(part)]
    empty = pd.DataFrame({"flag": [], "level": [], "id": [], "value": [], "flagged": []})
    return pd.concat(parts, ignore_index=True) if parts else empty


def flag_rates(
    found: pd.DataFrame, *, units: pd.DataFrame | None = None, by: By = None, level: float = 0.95,
    interval: str = "wilson",
) -> Estimates:  # fmt: skip
    r"""Share of units flagged, of those that each rule applies to.

    Parameters
    ----------
    found : DataFrame
        As :func:`procurement_flags` gives it.
    units : DataFrame, optional
        What is known of the units, with the column ``id``: the columns of `by`.
    by : str or list of str, optional
        Breakdown columns of `units`, as the procurement method or the year.
    level : float
        Confidence level.
    interval : {"wilson", "clopper_pearson", "mid_p", "jeffreys"}

    Returns
    -------
    Estimates
        Statistic ``proportion``: ``indicator`` is the rule, ``stage`` the level (process, tenderer, buyer, entity).
        A flag is a reason to look, not a finding; the share is of flags, not of wrongdoing.

    Raises
    ------
    Faults
        As :func:`share`; units that stand twice.

    Examples
    --------
    >>> import pandas as pd
    >>> from uncac_metrics.stats import counts
    >>> tenders = pd.DataFrame({"ocid": ["a", "b", "c"], "method": ["open", "open", "direct"], "tenderers": [1, 3, 1]})
    >>> nothing = pd.DataFrame({"ocid": []})
    >>> found = counts.procurement_flags(tenders, nothing, nothing, flags=["R018"])
    >>> counts.flag_rates(found).table[["indicator", "stage", "value", "n", "events"]]
      indicator    stage  value  n  events
    0      R018  process    0.5  2       1
    """
    table = found
    if units is not None:
        if "id" not in units.columns or units["id"].duplicated().any():
            raise Faults([Fault("flag_rates", "units", "no column id, or units that stand twice", "one row a unit")])
        table = found.merge(units, on="id", how="left")
    table = table.rename(columns={"level": "stage"})
    out = share(table, "flagged", by=["flag", "stage", *grouping(by)], level=level, interval=interval)
    codes = out.table["flag"]
    kept = out.table.drop(columns="flag").assign(
        indicator=codes, method="share flagged, of the units the rule applies to"
    )
    return Estimates(kept, out.scores)


def _settings(flags: Sequence[str], settings: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    faults = [
        Fault("procurement_flags", "flags", f"no rule {code!r}", f"one of {', '.join(FLAGS)}")
        for code in (*flags, *settings)
        if code not in FLAGS
    ]
    for code, own in settings.items():
        for name in set(own) - set(DEFAULTS.get(code, own)):
            known = ", ".join(DEFAULTS[code]) or "none"
            faults.append(Fault("procurement_flags", "settings", f"{code} has no setting {name!r}", f"one of: {known}"))
    if faults:
        raise Faults(faults)
    return {code: {**DEFAULTS[code], **settings.get(code, {})} for code in flags}


def _prepared(tables: Mapping[str, pd.DataFrame], not_priced: set[str]) -> rules.Processes:
    """The four tables with all columns, without cancelled tenders, each bid once."""
    faults, full = [], {}
    for name, table in tables.items():
        if "ocid" not in table.columns:
            faults.append(Fault("procurement_flags", name, "no column 'ocid'", "name the process of every row"))
            continue
        whole = table.reindex(columns=list(COLUMNS[name]))
        for column in {"start", "end", "date"} & set(whole.columns):
            if column in table.columns and len(table) and not pd.api.types.is_datetime64_any_dtype(table[column].dtype):
                remedy = "convert it with pandas.to_datetime"
                faults.append(Fault("procurement_flags", f"{name}.{column}", "no dates", remedy))
            else:
                whole[column] = pd.to_datetime(whole[column], utc=True)
        full[name] = whole
    if "tenders" in full and full["tenders"]["ocid"].duplicated().any():
        faults.append(Fault("procurement_flags", "tenders.ocid", "processes that stand twice", "one row a process"))
    if faults:
        raise Faults(faults)
    tenders = full["tenders"]
    gone = tenders.loc[tenders["status"] == "cancelled", "ocid"]
    kept = {name: table[~table["ocid"].isin(gone) & table["ocid"].notna()] for name, table in full.items()}
    tenders = kept["tenders"]
    tenders = tenders.assign(
        priced=~tenders["method_details"].isin(not_priced), tenderers=pd.to_numeric(tenders["tenderers"])
    )
    key = ["ocid", "bid"]
    bidders = kept["bids"]
    alone = pd.Series([f"row {i}" for i in range(len(bidders))], bidders.index, dtype=object)
    bidders = bidders.assign(bid=bidders["bid"].astype(object).where(bidders["bid"].notna(), alone))
    bids = bidders.drop_duplicates(key).drop(columns="tenderer").reset_index(drop=True)
    named = bidders.dropna(subset=["tenderer"]).drop_duplicates([*key, "tenderer"]).sort_values([*key, "tenderer"])
    # the tenderers of a bid, as a tuple: the first of each bid, and the others where bids are joint
    number = bids.reset_index().set_index(key)["index"].reindex(pd.MultiIndex.from_frame(named[key])).to_numpy()
    begin = np.searchsorted(np.sort(number), np.arange(len(bids) + 1))
    who = named["tenderer"].to_numpy()[np.argsort(number, kind="stable")]
    of_bid = [tuple(who[a:b]) for a, b in itertools.pairwise(begin)]
    bids = bids.assign(
        who=pd.Series(of_bid, dtype=object), single=np.diff(begin) == 1, amount=pd.to_numeric(bids["amount"])
    )
    bidders = bidders.dropna(subset=["tenderer"])
    return rules.Processes(tenders, bids, bidders, kept["awards"], kept["items"])
