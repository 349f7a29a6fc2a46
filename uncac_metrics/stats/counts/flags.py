"""Rules of the eleven red flags of the Open Contracting Partnership's Cardinal, as rates need them.

A rule gives a row for every unit that it applies to (a contracting process, a tenderer, a buyer, a procuring entity),
with its value and whether it is flagged: the units that it does not apply to are not in the denominator.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

Array = np.ndarray
Fence = Callable[[pd.Series], tuple[float, float, float]]
SUBMITTED = ("pending", "valid", "disqualified")


@dataclass(frozen=True)
class Processes:
    """Tables of contracting processes that are not cancelled, linked by ``ocid``."""

    tenders: pd.DataFrame
    """A row a process: ocid, method, start, end, tenderers, buyer, entity, priced (prices are compared)."""
    bids: pd.DataFrame
    """A row a bid: ocid, bid, status, date, amount, currency, who (its tenderers in order), single (one tenderer)."""
    bidders: pd.DataFrame
    """A row a bid and tenderer: ocid, bid, status, date, tenderer."""
    awards: pd.DataFrame
    """A row an award and supplier: ocid, award, status, supplier."""
    items: pd.DataFrame
    """A row an item of an award: ocid, award, class."""

    def active(self) -> pd.DataFrame:
        """Awards that stand."""
        return self.awards[self.awards["status"] == "active"]

    def open_ended(self) -> pd.Index:
        """Processes with an award that is pending or invalid: the outcome is not known."""
        return pd.Index(self.awards.loc[self.awards["status"].isin(["pending", "invalid"]), "ocid"].unique())

    def priced(self) -> pd.Index:
        """Processes whose prices are compared."""
        return pd.Index(self.tenders.loc[self.tenders["priced"], "ocid"])


def rows(flag: str, level: str, values: pd.Series, flagged: pd.Series | Array) -> pd.DataFrame:
    """Results of one rule at one level; `values` is indexed by the unit."""
    return pd.DataFrame(
        {
            "flag": flag, "level": level, "id": values.index.astype(object), "value": values.to_numpy(dtype=float),
            "flagged": np.asarray(flagged, dtype=int),
        }
    )  # fmt: skip


def fences(values: pd.Series) -> tuple[float, float, float]:
    """First quartile, lower and upper fence (Tukey), quartiles of Hyndman and Fan's type 8."""
    if values.empty:
        return np.nan, np.nan, np.nan
    q1, q3 = np.quantile(values, [0.25, 0.75], method="median_unbiased")
    return float(q1), float(q1 - 1.5 * (q3 - q1)), float(q3 + 1.5 * (q3 - q1))


def strict_fences(values: pd.Series) -> tuple[float, float, float]:
    """As :func:`fences`; where the quartiles are equal, what equals them is within the fences."""
    q1, low, high = fences(values)
    return (q1, float(np.nextafter(q1, -np.inf)), float(np.nextafter(q1, np.inf))) if low == high else (q1, low, high)


def r003(p: Processes, days: float, by_method: Mapping[str, float], methods: tuple[str, ...]) -> pd.DataFrame:
    """R003: fewer whole days between opening and deadline than expected."""
    t = p.tenders.dropna(subset=["start", "end"])
    if methods:
        t = t[t["method"].isin(methods)]
    whole = (t["end"] - t["start"]).dt.days
    limit = t["method_details"].map(by_method).astype(float).fillna(days)
    return rows("R003", "process", whole.set_axis(t["ocid"]), (whole < limit).to_numpy())


def r018(p: Processes, methods: tuple[str, ...]) -> pd.DataFrame:
    """R018: one tenderer in a competitive procedure."""
    t = p.tenders[p.tenders["method"].isin(methods) & (p.tenders["tenderers"] >= 1)]
    return rows("R018", "process", t.set_index("ocid")["tenderers"], (t["tenderers"] == 1).to_numpy())


def discounts(p: Processes) -> pd.DataFrame:
    """Processes won at the lowest price by one supplier: winner, runner-up, and the distance of their prices.

    The lowest valid bid of each tenderer counts. Processes with several active awards, joint bids or joint awards, bids
    in several currencies, or an outcome that is not known are left out.
    """
    active = p.active()
    joint = p.bids.loc[~p.bids["single"] & p.bids["who"].map(len).gt(0), "ocid"]
    size = active.groupby("ocid")["award"].nunique()
    suppliers = active.groupby("ocid")["supplier"].nunique()
    fine = size.index[(size == 1) & (suppliers == 1)]
    valid = p.bids[(p.bids["status"] == "valid") & p.bids["single"] & p.bids["amount"].notna()]
    valid = valid[valid["ocid"].isin(fine) & valid["ocid"].isin(p.priced())]
    valid = valid[~valid["ocid"].isin(joint) & ~valid["ocid"].isin(p.open_ended())]
    money = valid.groupby("ocid")["currency"].transform("nunique")
    valid = valid[money <= 1].assign(tenderer=lambda b: b["who"].map(lambda w: w[0]))
    best = valid.groupby(["ocid", "tenderer"], as_index=False, sort=False)["amount"].min()
    winner = active.drop_duplicates("ocid").set_index("ocid")["supplier"]
    best["won"] = best["tenderer"].to_numpy() == best["ocid"].map(winner).to_numpy()
    best = best.sort_values(["ocid", "amount", "won"], ascending=[True, True, False], kind="stable")
    best["place"] = best.groupby("ocid").cumcount()
    first = best[best["place"] == 0].set_index("ocid")
    second = best[best["place"] == 1].set_index("ocid")
    first = first[first["won"] & (first["amount"] > 0) & first.index.isin(second.index)]
    second = second.loc[first.index]
    return pd.DataFrame(
        {
            "winner": first["tenderer"], "second": second["tenderer"],
            "value": (second["amount"] - first["amount"]) / first["amount"],
        }
    )  # fmt: skip


def r024(found: pd.DataFrame, threshold: float | None, fence: Fence) -> pd.DataFrame:
    """R024: the second bid is remarkably close to the winning one."""
    limit = fence(found["value"])[1] if threshold is None else threshold
    flagged = found["value"] <= limit
    return pd.concat(
        [rows("R024", "process", found["value"], flagged), _parties("R024", found, ["winner", "second"], flagged)]
    )


def r058(found: pd.DataFrame, threshold: float | None, fence: Fence) -> pd.DataFrame:
    """R058: the second bid is remarkably far above the winning one."""
    limit = fence(found["value"])[2] if threshold is None else threshold
    flagged = found["value"] >= limit
    return pd.concat([rows("R058", "process", found["value"], flagged), _parties("R058", found, ["winner"], flagged)])


def _parties(flag: str, found: pd.DataFrame, roles: list[str], flagged: pd.Series) -> pd.DataFrame:
    """Tenderers in these roles, with the number of flagged processes that they had them in."""
    long = pd.concat([pd.DataFrame({"id": found[r], "hit": flagged.astype(int)}) for r in roles])
    hits = long.groupby("id")["hit"].sum()
    return rows(flag, "tenderer", hits, hits > 0)


def r025(p: Processes, percentile: float, threshold: float | None, fence: Fence) -> pd.DataFrame:
    """R025: tenderers of many bids that win remarkably few; processes count once for a tenderer."""
    active = p.active()
    size = active.groupby("ocid").agg(awards=("award", "nunique"), suppliers=("supplier", "nunique"))
    fine = size.index[(size["awards"] == 1) & (size["suppliers"] == 1)]
    joint = p.bids.loc[p.bids["who"].map(len) > 1, "ocid"]
    valid = p.bidders[(p.bidders["status"] == "valid") & p.bidders["ocid"].isin(fine)]
    valid = valid[~valid["ocid"].isin(joint) & ~valid["ocid"].isin(p.open_ended())]
    each = valid.drop_duplicates(["ocid", "tenderer"])
    winner = active.drop_duplicates("ocid").set_index("ocid")["supplier"]
    won = each["tenderer"].to_numpy() == each["ocid"].map(winner).to_numpy()
    counts = each.assign(won=won).groupby("tenderer")["won"].agg(["size", "mean"])
    if counts.empty:
        return rows("R025", "tenderer", pd.Series(dtype=float), np.empty(0))
    many = counts["size"] >= np.quantile(counts["size"], percentile / 100, method="median_unbiased")
    q1, low, _ = fence(counts["mean"])
    limit = (-np.inf if q1 == 0 else low) if threshold is None else threshold
    top = counts.loc[many, "mean"]
    return rows("R025", "tenderer", top, top <= limit)


def r028(p: Processes) -> pd.DataFrame:
    """R028: different tenderers bid the same price."""
    b = p.bids[p.bids["status"].isin(SUBMITTED) & p.bids["amount"].notna() & p.bids["ocid"].isin(p.priced())]
    b = b[b["who"].map(len) > 0].drop_duplicates(["ocid", "who", "amount", "currency"])
    several = b[b.groupby("ocid")["who"].transform("nunique") > 1]
    same = several.groupby(["ocid", "amount", "currency"], dropna=False)["who"].transform("size") > 1
    processes = same.groupby(several["ocid"]).any()
    parties = several.assign(hit=same.astype(int))[["who", "hit"]].explode("who").groupby("who")["hit"].sum()
    return pd.concat(
        [
            rows("R028", "process", processes.astype(float), processes),
            rows("R028", "tenderer", parties, parties > 0),
        ]
    )


def r030(p: Processes) -> pd.DataFrame:
    """R030: a valid bid of a supplier came after the deadline."""
    won = p.active()[["ocid", "supplier"]].drop_duplicates().rename(columns={"supplier": "tenderer"})
    valid = p.bidders[(p.bidders["status"] == "valid") & p.bidders["date"].notna()]
    b = valid.merge(won, on=["ocid", "tenderer"]).merge(p.tenders[["ocid", "end"]].dropna(), on="ocid")
    late = (b["date"] > b["end"]).astype(int)
    processes, parties = late.groupby(b["ocid"]).max(), late.groupby(b["tenderer"]).sum()
    return pd.concat(
        [rows("R030", "process", processes, processes > 0), rows("R030", "tenderer", parties, parties > 0)]
    )


def r035(p: Processes, threshold: int) -> pd.DataFrame:
    """R035: all tenderers but the winner were disqualified; value: how many were."""
    judged = p.bidders[p.bidders["status"].isin(["valid", "disqualified"])]
    judged = judged[judged["ocid"].isin(p.active()["ocid"]) & ~judged["ocid"].isin(p.open_ended())]
    judged = judged[judged.groupby("ocid")["tenderer"].transform("nunique") > 1]
    valid = judged[judged["status"] == "valid"].drop_duplicates(["ocid", "tenderer"])
    alone = valid[valid.groupby("ocid")["tenderer"].transform("size") == 1].set_index("ocid")["tenderer"]
    suppliers = p.active().drop_duplicates(["ocid", "supplier"]).groupby("ocid")["supplier"].agg(["first", "size"])
    winner = alone[(suppliers["size"].reindex(alone.index) == 1) & (suppliers["first"].reindex(alone.index) == alone)]
    out = judged[judged["status"] == "disqualified"].drop_duplicates(["ocid", "tenderer"])
    out = out[out["tenderer"].to_numpy() != out["ocid"].map(winner).to_numpy()]
    number = out.groupby("ocid").size().reindex(pd.Index(judged["ocid"].unique()), fill_value=0)
    flagged = number.index.isin(winner.index) & (number.to_numpy() >= threshold)
    hits = pd.Series(flagged.astype(int), index=number.index).reindex(winner.index).groupby(winner.to_numpy()).sum()
    parties = hits.reindex(sorted(set(judged["tenderer"])), fill_value=0)
    return pd.concat([rows("R035", "process", number, flagged), rows("R035", "tenderer", parties, parties > 0)])


def r036(p: Processes) -> pd.DataFrame:
    """R036: the lowest submitted bid was disqualified; all submitted bids need a price, in one currency."""
    b = p.bids[p.bids["status"].isin(SUBMITTED) & p.bids["ocid"].isin(p.priced())]
    b = b[b["ocid"].isin(p.active()["ocid"]) & ~b["ocid"].isin(p.open_ended())]
    by = b.groupby("ocid")
    fine = by["amount"].transform("count").eq(by["amount"].transform("size")) & by["currency"].transform("nunique").le(
        1
    )
    b = b[fine & (by["amount"].transform("size") > 1)]
    lowest = b["amount"] == b.groupby("ocid")["amount"].transform("min")
    hit = (lowest & (b["status"] == "disqualified")).groupby(b["ocid"]).any()
    return rows("R036", "process", hit.astype(float), hit)


def r038(
    p: Processes, threshold: float | None, minimum_bids: int, minimum_processes: int, fence: Fence
) -> pd.DataFrame:  # fmt: skip
    """R038: remarkably many bids disqualified, by buyer, procuring entity and tenderer."""
    b = p.bids[p.bids["status"].isin(SUBMITTED)].merge(p.tenders[["ocid", "buyer", "entity"]], on="ocid")
    out = b["status"] == "disqualified"
    parts = []
    for level in ("buyer", "entity"):
        many = b.groupby(level)["ocid"].nunique() >= minimum_processes
        share = out.groupby(b[level]).mean()[many]
        parts.append(rows("R038", level, share, share >= (fence(share)[2] if threshold is None else threshold)))
    e = p.bidders[p.bidders["status"].isin(SUBMITTED)]
    share = (e["status"] == "disqualified").groupby(e["tenderer"]).mean()
    share = share[e.groupby("tenderer").size() >= minimum_bids]
    parts.append(rows("R038", "tenderer", share, share >= (fence(share)[2] if threshold is None else threshold)))
    return pd.concat(parts)


def r048(
    p: Processes, threshold: float | None, digits: int, minimum_processes: int, fence: Fence
) -> pd.DataFrame:  # fmt: skip
    """R048: suppliers of remarkably many classes of goods; awards to several suppliers are left out."""
    active = p.active().drop_duplicates(["ocid", "award", "supplier"])
    active = active[active.groupby(["ocid", "award"])["supplier"].transform("size") == 1]
    items = active.merge(p.items.dropna(subset=["class"]), on=["ocid", "award"])
    variety = items["class"].astype(str).str[:digits].groupby(items["supplier"]).nunique()
    variety = variety[items.groupby("supplier")["ocid"].nunique() >= minimum_processes]
    return rows("R048", "tenderer", variety, variety >= (fence(variety)[2] if threshold is None else threshold))
