"""What a data structure is, without any library: components, their codes, and our own structure for a release."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from uncac_metrics.model import (
    BREAKDOWNS,
    CONF_STATUS,
    DISPLAY,
    ESTIMATE_KEY,
    ESTIMATE_LEADING,
    OBS_STATUS,
    TOTAL,
    Fault,
    Faults,
    Indicator,
    Office,
    Source,
)
from uncac_metrics.readers.sdmx_data import to_code, unit_code
from uncac_metrics.reference import load
from uncac_metrics.results import COLUMNS, KEY, in_order
from uncac_metrics.shapes import SHAPES
from uncac_metrics.shapes.aggregates import NATURE

AGENCY = "UNCAC_METRICS"
"""Id of the agency that maintains our structures."""
VERSION = "1.0.0"
NUMBER, INTEGER, TEXT, CODE, PERIOD = "number", "integer", "text", "code", "period"
_PERIODS = re.compile(
    r"\d{4}(-\d{2}(-\d{2})?)?|\d{4}-(A1|S[12]|T[1-3]|Q[1-4]|M(0[1-9]|1[0-2])|W\d{2}|D\d{3})"
    r"|\d{4}-\d{2}-\d{2}/P\d+[YMD]"
)


@dataclass(frozen=True)
class Component:
    """A dimension, measure or attribute of a structure."""

    id: str
    role: str
    """``dimension``, ``time``, ``measure`` or ``attribute``."""
    kind: str
    """``code``, ``number``, ``integer``, ``text`` or ``period``."""
    label: str
    codelist: str = ""
    """Id of the code list, where the kind is ``code``."""
    codes: Mapping[str, str] | None = None
    """Codes by id, with their names; None where the list is not known."""
    required: bool = False
    """Every observation has it. Dimensions always are."""
    series: bool = False
    """An attribute of the series, not of the observation."""


@dataclass(frozen=True)
class Structure:
    """A data structure definition: who maintains it, and its components in order."""

    agency: str
    id: str
    version: str
    name: str
    components: tuple[Component, ...]
    official: bool = True
    """False where the structure was rebuilt from other sources than its maintainer's own file."""
    dataflow: str = ""
    """Id of the data flow of observations in this structure."""

    @property
    def dimensions(self) -> tuple[str, ...]:
        """Ids of the dimensions in order, that of time last."""
        roles = {"dimension": 0, "time": 1}
        found = [c for c in self.components if c.role in roles]
        return tuple(c.id for c in sorted(found, key=lambda c: roles[c.role]))

    @property
    def ids(self) -> tuple[str, ...]:
        """Ids of all components: dimensions, the measure, attributes."""
        rest = [c.id for role in ("measure", "attribute") for c in self.components if c.role == role]
        return (*self.dimensions, *rest)

    def component(self, name: str) -> Component | None:
        """The component of that id."""
        return next((c for c in self.components if c.id == name), None)


def publishable(estimates: pd.DataFrame) -> pd.DataFrame:
    """The rows of a release as they may leave it: checked, in the order of their key, withheld figures taken out.

    A row whose ``display`` is ``withheld`` keeps what says why, and loses value, standard error, bounds, events, design
    effect and coefficient of variation; where its ``conf_status`` is not ``F`` also all counts.

    Parameters
    ----------
    estimates : DataFrame
        The results frame.

    Returns
    -------
    DataFrame
        All columns of the results in their order, sorted by key.

    Raises
    ------
    Faults
        Missing columns, two rows with the same key, periods that SDMX does not know.
    """
    remedy = "give the frame of a release"
    if missing := [name for name in COLUMNS if name not in estimates]:
        raise Faults([Fault("estimates", name, "the column is missing", remedy) for name in missing])
    table = in_order(estimates[list(COLUMNS)])
    faults = []
    double = table.duplicated(list(KEY), keep=False)
    if double.any():
        first = ", ".join(str(v) for v in table.loc[double, list(ESTIMATE_KEY)].iloc[0])
        what = f"rows have the same key, such as {first}"
        faults.append(Fault("estimates", "key", what, "keep one of them", count=int(double.sum())))
    for period in table["time_period"].unique():
        if not _PERIODS.fullmatch(period):
            what = f"{period!r} is no period of SDMX"
            faults.append(Fault("estimates", "time_period", what, "write 2025, 2025-Q1, 2025-06 or 2021-01-01/P3Y"))
    if faults:
        raise Faults(faults)
    held = (table["display"] == "withheld").to_numpy()
    secret = held & (table["conf_status"] != "F").to_numpy()
    for name in ("value", "std_error", "lower", "upper", "deff", "cv"):
        table[name] = table[name].astype(float).mask(held)
    for name, rows in {"events": held, "n": secret, "n_eligible": secret, "n_psu": secret}.items():
        table[name] = table[name].mask(rows)
    table["df"] = table["df"].astype(float).mask(secret)
    return table


def natures(estimates: pd.DataFrame, catalogue: Mapping[str, Indicator]) -> pd.Series:
    """The nature of each figure, in the vocabulary of the SDG database.

    ``G`` (global monitoring data) for ratings by others, ``E`` (estimated) where the status of the observation says so,
    ``C`` (country data) for everything else that an office computes.
    """
    ratings = {key for key, card in catalogue.items() if card.type == "rating"}
    nature = pd.Series("C", estimates.index, dtype=object)
    nature[estimates["indicator"].isin(list(ratings)).to_numpy()] = "G"
    nature[(estimates["obs_status"] == "E").to_numpy()] = "E"
    return nature.astype("str")


def own_structure(
    estimates: pd.DataFrame, catalogue: Mapping[str, Indicator], office: Office, sources: Mapping[str, Source]
) -> Structure:
    """Our own structure, with code lists for what a release holds.

    Dimensions are those of the results: indicator, data set, statistic, area, every breakdown, period.
    Code lists of breakdowns hold the codes of the vocabularies and those that are in use.

    Parameters
    ----------
    estimates : DataFrame
        The results frame.
    catalogue : mapping
        Definitions by id.
    office : Office
        Whose release it is.
    sources : mapping
        Data sets by id.

    Returns
    -------
    Structure
        The same for the same release, whatever the order of its rows.
    """
    used = {name: sorted(estimates[name].dropna().astype(str).unique()) for name in
            (*ESTIMATE_LEADING, *BREAKDOWNS, "unit", "denominator")}  # fmt: skip
    names = {
        "indicator": {key: catalogue[key].name if key in catalogue else key for key in used["indicator"]},
        "dataset": {key: sources[key].title if key in sources else key for key in used["dataset"]},
        "statistic": {key: key for key in used["statistic"]},
        "ref_area": _areas(used["ref_area"], office),
        "denominator": _bases(used["denominator"]),
    }
    labels = {"indicator": "Indicator", "dataset": "Data set", "statistic": "What is estimated",
              "ref_area": "Country or region", "denominator": "Who or what is counted below the line"}  # fmt: skip
    parts = [_coded(name, "dimension", labels[name], names[name]) for name in ("indicator", "dataset", "statistic",
                                                                               "ref_area")]  # fmt: skip
    known = _vocabulary()
    for name, label in BREAKDOWNS.items():
        codes = {TOTAL: "All categories"} | known.get(name, {})
        parts.append(_coded(name, "dimension", label, codes | {c: c for c in used[name] if c not in codes}))
    parts.append(Component("TIME_PERIOD", "time", PERIOD, "Period"))
    parts.append(Component("OBS_VALUE", "measure", NUMBER, "Estimate, in the unit of the card"))
    for name, kind, label in _ATTRIBUTES:
        parts.append(Component(name, "attribute", kind, label))
        if name == "EVENTS":
            parts.append(_coded("denominator", "attribute", labels["denominator"], names["denominator"]))
    units = {unit_code(unit): unit for unit in used["unit"] if unit}
    lists: tuple[tuple[str, str, Mapping[str, str]], ...] = (
        ("UNIT_MEASURE", "Unit", units),
        ("NATURE", "Nature of the figure (vocabulary of the SDG database)", NATURE),
        ("OBS_STATUS", "Status of the observation", OBS_STATUS),
        ("CONF_STATUS", "Confidentiality", CONF_STATUS),
        ("DISPLAY", "Whether it is published", DISPLAY),
    )
    for name, label, listed in lists:
        parts.append(Component(name, "attribute", CODE, label, f"CL_{name}", dict(listed), required=True))
    for name, label in (("REASON", "Why it is flagged or withheld"), ("QUALITY", "Grade of reliability"),
                        ("METHOD", "Estimator and variance")):  # fmt: skip
        parts.append(Component(name, "attribute", TEXT, label))
    title = "Indicators of corruption and of what is done against it, with their uncertainty"
    return Structure(AGENCY, "UNCAC_ESTIMATES", VERSION, title, tuple(parts), dataflow="DF_UNCAC_ESTIMATES")


_ATTRIBUTES = (
    ("STD_ERROR", NUMBER, "Standard error"),
    ("LOWER_BOUND", NUMBER, "Lower bound of the interval"),
    ("UPPER_BOUND", NUMBER, "Upper bound of the interval"),
    ("CONF_LEVEL", NUMBER, "Confidence level of the interval"),
    ("INTERVAL", TEXT, "Method of the interval"),
    ("DF", NUMBER, "Degrees of freedom"),
    ("N", INTEGER, "Rows that the estimate rests on"),
    ("N_ELIGIBLE", INTEGER, "Rows of the base, answered or not"),
    ("N_PSU", INTEGER, "Primary sampling units with rows of the base"),
    ("EVENTS", INTEGER, "Rows that hold what is counted"),
    ("DEFF", NUMBER, "Design effect against simple random sampling with replacement"),
    ("CV", NUMBER, "Coefficient of variation"),
)


def _coded(name: str, role: str, label: str, codes: Mapping[str, str]) -> Component:
    listed = {to_code(code): text or code for code, text in sorted(codes.items()) if code}
    return Component(name.upper(), role, CODE, label, f"CL_{name.upper()}", listed)


def _vocabulary() -> dict[str, dict[str, str]]:
    """Breakdown -> codes with their labels, from the input shapes."""
    found: dict[str, dict[str, str]] = {}
    for shape in SHAPES.values():
        for column in shape.columns:
            listed: Mapping[str, Any] = column.codes or column.usual or {}
            if column.name in BREAKDOWNS and column.kind == "code":
                for code, label in listed.items():
                    found.setdefault(column.name, {}).setdefault(str(code), str(label))
    return found


def _areas(codes: Iterable[str], office: Office) -> dict[str, str]:
    table = load("areas")
    named = dict(zip(table["iso3"], table["name"], strict=True)) | dict(zip(table["m49"], table["name"], strict=True))
    return {code: named.get(code) or (office.name if code == office.ref_area else code) for code in codes}


def _bases(codes: Iterable[str]) -> dict[str, str]:
    table = load("bases")
    column = "label" if "label" in table else table.columns[1]
    named = dict(zip(table.iloc[:, 0].astype(str), table[column].astype(str), strict=True))
    return {code: named.get(code) or code for code in codes}
