"""Public procurement: releases and records of the Open Contracting Data Standard, and the CSV of TED/DIGIWHIST."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from uncac_metrics.model import Fault, Faults
from uncac_metrics.readers import files, layout, parts
from uncac_metrics.reference.names import harmonise
from uncac_metrics.values import yes_no

Release = Mapping[str, Any]

METHODS = {"open": "open", "selective": "selective", "limited": "limited", "direct": "direct", "": ""}
"""Procurement methods of the standard."""
DIGIWHIST_METHODS = {
    "OPEN": "open", "RESTRICTED": "selective", "NEGOTIATED_WITH_PUBLICATION": "selective",
    "COMPETITIVE_DIALOG": "selective", "INNOVATION_PARTNERSHIP": "selective", "NEGOTIATED": "limited",
    "NEGOTIATED_WITHOUT_PUBLICATION": "limited", "OUTRIGHT_AWARD": "direct", "": "",
}  # fmt: skip
"""Types of procedure of DIGIWHIST -> methods of the standard."""
DIGIWHIST = (
    "tender_id", "lot_number", "bid_number", "bid_iswinning", "tender_country", "tender_awarddecisiondate",
    "tender_contractsignaturedate", "tender_biddeadline", "tender_proceduretype",
    "tender_publications_firstcallfor", "tender_publications_firstdcontra", "buyer_masterid", "bidder_masterid",
    "bidder_country", "bid_price", "bid_pricecurrency", "lot_productCode", "bids_count", "tender_estimatedprice",
    "ten_est_pricecurrency", "ind_nocft_val",
)  # fmt: skip
"""Columns that the CSV of DIGIWHIST (as proACT publishes it) must have."""
MERGE_RULES: Mapping[tuple[str, ...], str] = {
    ("id",): "omitWhenMerged", ("date",): "omitWhenMerged", ("tag",): "omitWhenMerged",
    ("parties", "roles"): "wholeListMerge", ("tender", "submissionMethod"): "wholeListMerge",
}  # fmt: skip
"""Rules of the release schema 1.1 for the fields that are read here; everything else is merged by identifier."""

_MONEY: parts.Kind = {"amount": parts.NUMBER, "currency": parts.TEXT}
_RELEASE: parts.Kind = {
    "ocid!": parts.TEXT, "date": parts.TEXT, "tag": [parts.TEXT], "buyer": {"id": parts.CELL},
    "tender": {
        "value": _MONEY, "procurementMethod": parts.TEXT, "submissionMethod": [parts.TEXT], "tenderers": [{}],
        "numberOfTenderers": parts.NUMBER, "documents": [{"documentType": parts.TEXT}],
        "tenderPeriod": {"startDate": parts.TEXT, "endDate": parts.TEXT},
    },
    "awards": [{"id!": parts.CELL, "status": parts.TEXT, "date": parts.TEXT, "value": _MONEY,
                "suppliers": [{"id": parts.CELL}]}],
    "contracts": [{"id!": parts.CELL, "awardID": parts.CELL, "status": parts.TEXT, "dateSigned": parts.TEXT,
                   "value": _MONEY, "suppliers": [{"id": parts.CELL}], "amendments": [{}]}],
    "parties": [{"id": parts.CELL, "address": {"countryName": parts.TEXT}}],
}  # fmt: skip
"""What is read of a release, and of what kind it is."""
_RECORD: parts.Kind = {"releases!": [_RELEASE]}
_COMPILED: parts.Kind = {"compiledRelease!": _RELEASE, "releases": [_RELEASE]}

_DATES = ("date_notice", "date_deadline", "date_awarded", "date_signed", "date_published", "date_completed")


def ocds(path: str | Path, *, row: str = "contract") -> pd.DataFrame:
    """Read releases or records of the Open Contracting Data Standard, version 1.1.

    Parameters
    ----------
    path : path
        ``.json`` or ``.jsonl``, also with ``.gz``: a release package, a record package, a record, a release, a list of
        them, or one a line. Releases of one process (``ocid``) are merged by ``ocdsmerge``, the standard's reference
        implementation (extra ``ocds``); a compiled release is taken as it is.
    row : {"contract", "award"}
        What a row is. Publishers without contracts have awards.

    Returns
    -------
    DataFrame
        Columns of the shape ``contracts``: ``contract`` (``ocid`` and the number of the contract), ``tender``
        (``ocid``), ``time_period`` (year of award, signature or release), ``buyer``, ``procurement_method``,
        ``supplier`` (several in alphabetical order, joined by semicolons), ``counterpart`` (ISO code, where the address
        of the first supplier names a country that is certain), ``bids`` (``numberOfTenderers``, else the number of
        tenderers listed), the days, ``estimate``, ``value`` (of the award, else of the contract), ``final_value``
        (of the contract in the latest release), ``currency``, ``notice``, ``modified`` and ``modifications``
        (amendments of the contract), ``electronic``. Cancelled and unsuccessful awards have no row.

    Raises
    ------
    Faults
        Not the standard, another version, missing ``ocid``, unknown methods, amounts of one row in several currencies,
        or the library that merges is not installed.

    Notes
    -----
    The rules of merging are given here, so that nothing is fetched from the network. ``notice`` is 1 where a tender
    notice was released (a release tagged ``tender`` or a document ``tenderNotice``) and empty elsewhere: a
    publisher may not release notices. ``date_awarded`` is the day of the latest state of the award.
    """
    path = Path(path)
    if row not in ("contract", "award"):
        raise Faults([Fault(str(path), "row", f"is {row!r}", "give contract or award")])
    rows = [line for process in _processes(path) for line in _contracts(*process, row)]
    if not rows:
        what = f"no process has a {row}"
        remedy = 'read awards: row = "award"' if row == "contract" else "give releases with awards"
        raise Faults([Fault(str(path), f"{row}s", what, remedy)])
    raw = pd.DataFrame(rows)
    table = raw.drop(columns=["_country", "_currencies", "notice", "modified", "electronic"])
    several = raw["_currencies"].map(len).to_numpy() > 1
    if several.any():
        remedy = "give amounts of one currency a row"
        raise Faults([layout.at_rows(path, "currency", "a row has several currencies", several, remedy)])
    table["procurement_method"] = layout.recoded(table["procurement_method"], METHODS, path)
    table["counterpart"] = harmonise(raw["_country"])[0]["iso3"]
    table["currency"] = raw["_currencies"].map(lambda c: next(iter(c), ""))
    for name in ("notice", "modified", "electronic"):
        table[name] = yes_no(raw[name].to_numpy(np.int8), raw.index)
    return _days(table, path)


def digiwhist(path: str | Path) -> pd.DataFrame:
    """Read contracts from the CSV of TED/DIGIWHIST with proACT's indicators.

    Parameters
    ----------
    path : path
        ``.csv`` or ``.csv.gz``, a row a bid, with the columns of :data:`DIGIWHIST`.

    Returns
    -------
    DataFrame
        Columns of the shape ``contracts``, a row a winning bid: ``contract`` (tender, lot and bid), ``tender``,
        ``ref_area``, ``time_period`` (year of award, else of the award notice), ``buyer``, ``supplier``,
        ``counterpart`` (ISO code of three letters; UK and EL are mapped), ``procurement_method`` by
        :data:`DIGIWHIST_METHODS`, ``sector`` (first CPV code), ``bids``, the days, ``estimate``, ``value``,
        ``currency`` and ``notice`` (by ``ind_nocft_val``: 100 published, 0 not).

    Raises
    ------
    Faults
        Missing columns (all at once), unknown procedures, areas or days, estimate and price in different currencies.

    Notes
    -----
    ``ind_*`` are verdicts of the publisher from 0 to 100, where 100 is the better: none is taken over but that on
    the call for tenders. Days contradict each other in places (a deadline after the award): they stand as published,
    and the shape names the rows.
    """
    path = Path(path)
    names = files.file_header(path)
    layout.must_have(names, DIGIWHIST, path)
    raw = files.read_file(path, columns=DIGIWHIST)
    won = layout.recoded(raw["bid_iswinning"].str.lower(), {"true": "1", "false": "0", "": "0"}, path) == "1"
    raw = raw[won].reset_index(drop=True)
    table = pd.DataFrame({"contract": raw["tender_id"] + "/" + raw["lot_number"] + "/" + raw["bid_number"]})
    table["tender"] = raw["tender_id"]
    for column, name in (("tender_country", "ref_area"), ("bidder_country", "counterpart")):
        codes, report = harmonise(raw[column])
        lost = report[report["m49"] == ""]
        if len(lost):
            rows = raw[column].isin(lost["written"]).to_numpy()
            what = f"{layout.listed(lost['written'])}: not mapped ({layout.listed(lost['how'].unique())})"
            raise Faults([layout.at_rows(path, column, what, rows, "correct the code")])
        table[name] = codes["iso3"]
    days = {"date_notice": "tender_publications_firstcallfor", "date_deadline": "tender_biddeadline",
            "date_awarded": "tender_awarddecisiondate", "date_signed": "tender_contractsignaturedate",
            "date_published": "tender_publications_firstdcontra"}  # fmt: skip
    when = raw["tender_awarddecisiondate"].where(raw["tender_awarddecisiondate"] != "", raw[days["date_published"]])
    table["time_period"] = when.str[:4]
    table["buyer"], table["supplier"] = raw["buyer_masterid"], raw["bidder_masterid"]
    table["procurement_method"] = layout.recoded(raw["tender_proceduretype"], DIGIWHIST_METHODS, path)
    table["sector"] = raw["lot_productCode"].str.partition(",")[0]
    table["bids"] = layout.numbers(raw["bids_count"], path)
    for name, column in days.items():
        table[name] = raw[column]
    table["estimate"] = layout.numbers(raw["tender_estimatedprice"], path)
    table["value"] = layout.numbers(raw["bid_price"], path)
    price, other = raw["bid_pricecurrency"], raw["ten_est_pricecurrency"]
    apart = ((price != "") & (other != "") & (price != other)).to_numpy()
    if apart.any():
        remedy = "convert them first"
        raise Faults([layout.at_rows(path, "ten_est_pricecurrency", "is not that of the price", apart, remedy)])
    table["currency"] = price.where(price != "", other)
    published = layout.recoded(raw["ind_nocft_val"], {"100": "1", "0": "0", "": "-1"}, path)
    table["notice"] = yes_no(published.astype("int8").to_numpy(), raw.index)
    layout.once(table, ["contract"], path)
    return _days(table, path)


def _processes(path: Path) -> Iterator[tuple[Release, list[Release]]]:
    """The compiled release of each process, and the releases behind it."""
    merger = None
    releases: dict[str, list[Release]] = {}
    compiled: dict[str, Release] = {}
    for number, one in enumerate(_contents(path), 1):
        kind = next((key for key in ("compiledRelease", "releases") if isinstance(one, dict) and key in one), "")
        held = one[kind] if kind else one
        for part in held if isinstance(held, list) else [held]:
            if not isinstance(part, Mapping) or "ocid" not in part:
                what = f"item {number} has no ocid" if isinstance(part, Mapping) else f"item {number} is no release"
                raise Faults([Fault(str(path), "ocid", what, "give releases or records of the standard, not links")])
        wanted = {"compiledRelease": _COMPILED, "releases": _RECORD}.get(kind, _RELEASE)
        parts.demand(one, wanted, path, f"correct item {number} of the file")
        held = (one.get("releases") or []) if kind else [one]
        for part in held:
            releases.setdefault(part["ocid"], []).append(part)
        if kind == "compiledRelease":
            compiled[one["compiledRelease"]["ocid"]] = one["compiledRelease"]
    for ocid in dict.fromkeys([*releases, *compiled]):
        behind = releases.get(ocid, [])
        if ocid in compiled:
            yield compiled[ocid], behind
        elif len(behind) == 1:
            yield behind[0], behind
        else:
            merger = merger or files.need("ocdsmerge", path).Merger(merge_rules=dict(MERGE_RULES))
            with files.as_fault(path):
                merged = merger.create_compiled_release(behind)
            parts.demand(merged, _RELEASE, path, f"correct the releases of {ocid}")
            yield merged, behind


def _contents(path: Path) -> Iterator[Release]:
    """Releases and records of a file, out of their packages."""
    files.must_exist(path)
    name = path.name.lower().removesuffix(".gz")
    if not name.endswith((".json", ".jsonl")):
        raise Faults([Fault(str(path), "", "is neither .json nor .jsonl", "give the JSON of the publisher")])
    with files.as_fault(path):
        opened = gzip.open if path.name.lower().endswith(".gz") else open
        with opened(path, "rt", encoding="utf-8") as stream:
            whole = [json.loads(line) for line in stream if line.strip()] if name.endswith("l") else json.load(stream)
    for one in whole if isinstance(whole, list) else [whole]:
        if not isinstance(one, Mapping):
            raise Faults([Fault(str(path), "", f"{str(one)[:40]!r} is no release", "give releases or records")])
        package = "records" in one or ("releases" in one and "ocid" not in one)
        if package and str(one.get("version", "1.0")) != "1.1":
            what = f"is version {one.get('version', '1.0')} of the standard"
            raise Faults([Fault(str(path), "version", what, "upgrade it to 1.1 (ocdskit upgrade)")])
        held = (one.get("records") or one.get("releases")) if package else [one]
        if not isinstance(held, list):
            raise Faults([Fault(str(path), "releases", "is no list", "give a package of releases or records")])
        yield from held


def _contracts(release: Release, behind: Iterable[Release], row: str) -> Iterator[dict[str, Any]]:
    tender = release.get("tender") or {}
    awards = {a["id"]: a for a in release.get("awards") or []}
    contracts = release.get("contracts") or []
    parties = {str(p["id"]): p for p in release.get("parties") or [] if p.get("id")}
    documents = [d.get("documentType") for d in tender.get("documents") or []]
    noticed = "tenderNotice" in documents or any("tender" in (r.get("tag") or []) for r in (release, *behind))
    tenderers, ways = tender.get("tenderers"), tender.get("submissionMethod")
    if row == "contract":
        pairs = [(awards.get(c.get("awardID"), {}), c) for c in contracts]
    else:
        signed = {c.get("awardID"): c for c in contracts}
        pairs = [(award, signed.get(key, {})) for key, award in awards.items()]
    for award, contract in pairs:
        if award.get("status") in ("cancelled", "unsuccessful") or contract.get("status") == "cancelled":
            continue
        suppliers = sorted(
            str(s["id"]) for s in award.get("suppliers") or contract.get("suppliers") or [] if s.get("id")
        )
        address = (parties.get(suppliers[0], {}).get("address") or {}) if suppliers else {}
        amounts = {"estimate": tender.get("value"), "value": award.get("value") or contract.get("value"),
                   "final_value": contract.get("value")}  # fmt: skip
        made = {name: (value or {}).get("amount") for name, value in amounts.items()}
        held = {v["currency"] for v in amounts.values() if v and v.get("amount") is not None and v.get("currency")}
        amendments = len(contract.get("amendments") or [])
        count = tender.get("numberOfTenderers")
        count = len(tenderers) if count is None and tenderers is not None else count
        days = {
            "date_notice": (tender.get("tenderPeriod") or {}).get("startDate"),
            "date_deadline": (tender.get("tenderPeriod") or {}).get("endDate"),
            "date_awarded": award.get("date"),
            "date_signed": contract.get("dateSigned"),
        }
        year = days["date_awarded"] or days["date_signed"] or release.get("date") or ""
        yield {
            "contract": f"{release['ocid']}/{contract['id'] if row == 'contract' else award['id']}",
            "tender": release["ocid"],
            "time_period": str(year)[:4],
            "buyer": str((release.get("buyer") or {}).get("id") or ""),
            "procurement_method": tender.get("procurementMethod") or "",
            "supplier": ";".join(suppliers),
            "_country": address.get("countryName") or "",
            "bids": np.nan if count is None else float(count),
            **{name: day or "" for name, day in days.items()},
            **{name: np.nan if amount is None else float(amount) for name, amount in made.items()},
            "_currencies": held,
            "notice": 1 if noticed else -1,
            "modified": int(amendments > 0) if contract else -1,
            "modifications": float(amendments) if contract else np.nan,
            "electronic": -1 if ways is None else int("electronicSubmission" in ways),
        }


def _days(table: pd.DataFrame, path: Path) -> pd.DataFrame:
    """Days in ISO 8601 without hour and zone; empty where none is given."""
    for name in (n for n in _DATES if n in table):
        day = table[name].str[:10]
        wrong = ((day != "") & pd.to_datetime(day, format="%Y-%m-%d", errors="coerce").isna()).to_numpy()
        if wrong.any():
            what = f"{layout.listed(table.loc[wrong, name].unique())}: not a day (ISO 8601)"
            raise Faults([layout.at_rows(path, name, what, wrong, "correct the file")])
        table[name] = day
    return table
