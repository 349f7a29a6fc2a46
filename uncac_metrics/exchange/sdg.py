"""Figures of a release in the structure of the Sustainable Development Goals.

The structure that comes with the package is rebuilt, not the official structure: see ``sdg_structure.toml``.
The official one is read from its own file by :func:`uncac_metrics.exchange.read_structure`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import numpy as np
import pandas as pd

from uncac_metrics.exchange.frames import plain
from uncac_metrics.exchange.structures import AGENCY, CODE, NUMBER, PERIOD, TEXT, Component, Structure, natures
from uncac_metrics.model import BREAKDOWNS, TOTAL, Fault, Faults, Indicator, Source
from uncac_metrics.readers.sdmx_data import SDG_CONCEPTS
from uncac_metrics.reference import load

DIMENSIONS: Mapping[str, str] = {"sex": "SEX", "age": "AGE"} | {
    ours: theirs for theirs, ours in SDG_CONCEPTS.items() if ours in BREAKDOWNS
}
"""Our breakdown -> dimension of the SDG structure; rows by any other breakdown have no place in it."""

CODES: Mapping[str, Mapping[str, str]] = {"sex": {"O": "_O"}, "disability": {"Y": "PD", "N": "PWD"}}
"""Our breakdown -> our code -> theirs, where they differ."""

UNITS: Mapping[str, str] = {
    "%": "PT", "USD": "USD", "ratio": "RO", "per 100,000 people": "PER_100000_POP", "per 1,000 people": "PER_1000_POP",
    "persons": "NUMBER", "index, 0 to 1": "IX", "local currency": "CUR_LCU",
}  # fmt: skip
"""Our unit -> code of theirs; a unit that is not here is written as ``NUMBER``, with its name in ``COMMENT_OBS``."""


@dataclass(frozen=True)
class Mapped:
    """Rows in the SDG structure, and which rows of series cards found no place in it."""

    frame: pd.DataFrame
    """A column a component."""
    left_out: pd.DataFrame
    """``indicator``, ``dataset``, ``reason``, ``rows``."""


@cache
def sdg_structure() -> Structure:
    """The SDG structure, rebuilt, not the official structure.

    Returns
    -------
    Structure
        Fifteen dimensions of the series in the order of the official structure, ``TIME_PERIOD``, ``OBS_VALUE`` and the
        attributes that files in it have. Its agency is ours and its id ``SDG_REBUILT``, so that it cannot be taken for
        the official one. Code lists that are not known are open.

    Examples
    --------
    >>> found = sdg_structure()
    >>> found.official, found.dimensions[:5], found.component("SEX").codes["F"]
    (False, ('FREQ', 'REPORTING_TYPE', 'SERIES', 'REF_AREA', 'SEX'), 'Female')
    """
    file = resources.files("uncac_metrics.exchange") / "sdg_structure.toml"
    content = tomllib.loads(file.read_text(encoding="utf-8"))
    parts = tuple(_component(one) for one in content["components"])
    return Structure(AGENCY, content["id"], content["version"], content["name"], parts, False, content["dataflow"])


def sdg_cells(
    table: pd.DataFrame, catalogue: Mapping[str, Indicator], sources: Mapping[str, Source], structure: Structure
) -> Mapped:
    """Rows of cards that restate an SDG series, in the components of the SDG structure.

    An SDG file has one figure for a series, area, period and group. Where several data sets or statistics give it,
    those of the one with the most answers in total are taken (of equal ones the first by name), and ``COMMENT_OBS``
    names the others. Rows without a value and rows by breakdowns that the structure lacks are left out, and told.

    Parameters
    ----------
    table : DataFrame
        As :func:`uncac_metrics.exchange.structures.publishable` gives it.
    catalogue, sources : mapping
        Definitions and data sets by id.
    structure : Structure
        The rebuilt or the official structure.

    Returns
    -------
    Mapped
        The cells, ordered by key, and what was left out.

    Raises
    ------
    Faults
        The structure lacks a dimension that figures are told apart by.
    """
    cards = {key: card.series[0] for key, card in catalogue.items() if card.series}
    rows = table[table["indicator"].isin(list(cards))].copy()
    rows["SERIES"] = rows["indicator"].map(cards).astype(object)
    reason = pd.Series("", rows.index, dtype=object)
    others = [name for name in BREAKDOWNS if name not in DIMENSIONS or structure.component(DIMENSIONS[name]) is None]
    for name in others:
        reason[(rows[name] != TOTAL).to_numpy() & (reason == "").to_numpy()] = f"no dimension for {name}"
    reason[rows["value"].isna().to_numpy()] = "no value"
    codes = {}
    for ours, theirs in DIMENSIONS.items():
        held = structure.component(theirs)
        found = rows[ours].astype(object).replace(dict(CODES.get(ours, {})))
        codes[theirs] = found
        if held is not None and held.codes is not None:
            bad = ~found.isin(list(held.codes)).to_numpy() & (reason == "").to_numpy()
            reason[bad] = f"no code of {theirs} for this {ours}"
    series = structure.component("SERIES")
    if series is not None and series.codes is not None:
        unknown = ~rows["SERIES"].isin(list(series.codes)).to_numpy() & (reason == "").to_numpy()
        reason[unknown] = "the structure does not know the series"
    chosen, remarks = _chosen(rows[reason == ""])
    reason[(reason == "").to_numpy() & ~rows.index.isin(chosen)] = "another data set is taken"
    kept = rows.loc[reason == ""]
    values = {
        "FREQ": "A", "REPORTING_TYPE": "N", "SERIES": kept["SERIES"], "REF_AREA": _areas(kept["ref_area"], structure),
        **{name: column.loc[kept.index] for name, column in codes.items()},
        "TIME_PERIOD": kept["time_period"].str.slice(0, 4), "OBS_VALUE": kept["value"],
        "UNIT_MEASURE": kept["unit"].map(lambda unit: UNITS.get(unit, "NUMBER")), "UNIT_MULT": "0",
        "NATURE": natures(kept, catalogue), "OBS_STATUS": kept["obs_status"],
        "LOWER_BOUND": kept["lower"], "UPPER_BOUND": kept["upper"],
        "TIME_DETAIL": kept["time_period"],
        "SOURCE_DETAIL": kept["dataset"].map(lambda key: _source(sources.get(key), key)),
        "COMMENT_OBS": [_comment(row, remarks.get(at, "")) for at, row in kept.iterrows()],
    }  # fmt: skip
    frame = pd.DataFrame(index=kept.index)
    faults = []
    for name in structure.ids:
        one = structure.component(name)
        assert one is not None
        if name in values:
            frame[name] = values[name]
        elif one.role == "dimension":
            frame[name] = TOTAL
    for name in ("SERIES", "REF_AREA", "TIME_PERIOD", "OBS_VALUE"):
        if name not in structure.ids:
            faults.append(Fault(structure.id, name, "the structure has no such component", "give that of the SDGs"))
    if faults:
        raise Faults(faults)
    frame = frame.astype({n: object for n in frame if frame[n].dtype != float})
    frame = frame.sort_values([n for n in structure.dimensions if n in frame], kind="stable").reset_index(drop=True)
    told = rows[["indicator", "dataset"]].assign(reason=reason)[reason != ""]
    left = told.groupby(["indicator", "dataset", "reason"], sort=True).size().rename("rows").reset_index()
    return Mapped(frame, left)


def _component(entry: Mapping[str, Any]) -> Component:
    kinds = {"code": CODE, "open": CODE, "number": NUMBER, "text": TEXT, "period": PERIOD}
    codes: dict[str, str] | None = dict(entry["codes"]) if "codes" in entry else None
    if entry.get("from") == "series":
        table = load("sdg")
        codes = {code: title for held, title in zip(table["series"], table["title"], strict=True)
                 for code in str(held).split(";") if code.strip() and held == held}  # fmt: skip
        codes = {code.strip(): codes[code] for code in sorted(codes)}
    elif entry.get("from") == "areas":
        table = load("areas")
        codes = {str(int(m49)): name for m49, name in zip(table["m49"], table["name"], strict=True)}
    elif entry["kind"] == "open":
        codes = None
    name = entry["id"]
    return Component(name, entry["role"], kinds[entry["kind"]], entry["label"], f"CL_{name}" if codes else "", codes,
                     entry.get("required", False), entry.get("series", False))  # fmt: skip


def _areas(codes: pd.Series, structure: Structure) -> pd.Series:
    """M49 codes as numbers (4, 484) where the structure has them; other areas as they are."""
    table = load("areas")
    numbers = {str(iso): str(int(m49)) for iso, m49 in zip(table["iso3"], table["m49"], strict=True) if iso}
    held = structure.component("REF_AREA")
    listed = held.codes if held is not None and held.codes is not None else None

    def code(area: str) -> str:
        number = numbers.get(area, str(int(area)) if area.isdigit() else area)
        padded = number.zfill(3)
        return padded if listed is not None and number not in listed and padded in listed else number

    return codes.map(code)


def _chosen(rows: pd.DataFrame) -> tuple[pd.Index, dict[Any, str]]:
    """Rows of the data set and statistic that stand for each series, area and year, and remarks on the others."""
    kept: list[pd.Index] = []
    remarks: dict[Any, str] = {}
    year = rows["time_period"].str.slice(0, 4)
    for _, group in rows.groupby(["SERIES", "ref_area", year], sort=True):
        by = group.groupby(["indicator", "dataset", "statistic", "time_period"], sort=True)
        total = (group[list(BREAKDOWNS)] == TOTAL).all(axis=1)
        size = {key: (bool(total[one.index].any()), float(np.nan_to_num(float(one["n"].max(skipna=True) or 0))))
                for key, one in by}  # fmt: skip
        best = max(sorted(size), key=lambda key: size[key])
        taken = by.get_group(best).index
        kept.append(taken)
        rest = sorted({key[1] for key in size} - {best[1]})
        if rest:
            remarks |= dict.fromkeys(taken, f"also estimated from {', '.join(rest)}")
    index = kept[0].append(kept[1:]) if kept else pd.Index([])
    return index, remarks


def _source(source: Source | None, key: str) -> str:
    return plain(key if source is None else f"{source.title} ({source.producer})")


def _comment(row: pd.Series, remark: str) -> str:
    """What a reader should know of a figure: interval, answers, caveat, other data sets."""
    parts = []
    if row["unit"] not in UNITS:
        parts.append(f"unit: {row['unit']}")
    if pd.notna(row["lower"]) and pd.notna(row["conf_level"]):
        parts.append(f"{100 * row['conf_level']:g} % interval ({row['interval']})")
    if pd.notna(row["n"]):
        parts.append(f"n = {int(row['n'])}")
    parts += [str(text) for text in (row["reason"], remark) if text]
    return plain("; ".join(parts))
