"""Extracts of the United Nations SDG database: its CSV export, answers of its API, and DDF files made of them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from uncac_metrics.model import Fault, Faults
from uncac_metrics.readers import layout, parts
from uncac_metrics.readers.files import as_fault, must_exist

EXPORT = ("Indicator", "SeriesCode", "GeoAreaCode", "GeoAreaName", "TimePeriod", "Value")
"""Columns that the CSV export must have; dimensions and attributes stand in brackets, such as ``[Sex]``."""
ANSWER = ("indicator", "series", "geoAreaCode", "geoAreaName", "timePeriodStart", "value")
"""Keys that each observation of an answer of the API must have, besides ``dimensions`` and ``attributes``."""
_CELLS: parts.Kind = {"*": parts.CELL}
_ANSWER: parts.Kind = {
    "totalElements": parts.NUMBER,
    "data!": [{**{f"{key}!": parts.CELL for key in ANSWER if key not in ("indicator", "value")}, "value": parts.CELL,
               "indicator!": (parts.CELL, [parts.CELL]), "dimensions": _CELLS, "attributes": _CELLS}],
}  # fmt: skip
DDF = ("geo_area", "nature", "units", "year")
"""Columns that a DDF file of data points must have, besides the dimensions and one column named like the series."""

_SEX = {"bothsex": "_T", "female": "F", "male": "M", "_t": "_T", "f": "F", "m": "M", "": "_T", "u": "_U", "x": "_X"}
_UNITS = {"percent": "%", "pt": "%"}
_NATURE = {"notspec": "NA", "": "NA"}
_BOUND = re.compile(r"([<>])=?\s*(-?\d+(?:\.\d+)?)")


def un_sdg(path: str | Path, *, vintage: str = "", areas: Mapping[str, str] | None = None) -> pd.DataFrame:
    """Read an extract of the United Nations SDG database.

    The layout is told by the file itself: ``.csv`` with the columns of :data:`EXPORT` (the database's export) or
    of :data:`DDF` (data points of open-numbers), ``.json`` with ``data`` (an answer of the API, complete).

    Parameters
    ----------
    path : path
        The file.
    vintage : str
        Release of the database, such as 2020-10; no layout says it. Figures are revised between releases.
    areas : mapping, optional
        Decisions on areas that are not mapped by themselves, such as ``{"412": "XKX"}``, as for
        :func:`uncac_metrics.reference.names.harmonise`.

    Returns
    -------
    DataFrame
        ``ref_area``, ``m49``, ``area_code``, ``area_name``, ``area_status``; ``indicator`` (empty in DDF), ``series``;
        ``time_period`` (text), ``sex`` (_T, F, M; _U and _X as in the file), ``value``, ``lower``, ``upper``,
        ``unit`` (% or as in the file), ``nature`` (NA where the file does not say), ``vintage``; then the other
        dimensions and attributes of the file in small letters, codes unchanged.
        A value such as ``>95`` is a bound: it becomes ``lower``.

    Raises
    ------
    Faults
        None of the three layouts, an answer that is one page of several, values that are no numbers, rows with the
        same key.

    Notes
    -----
    Regions and groups of areas (World, least developed countries) are rows among the countries: ``area_status`` tells
    them apart. The definition of 16.5.2 changed: until the metadata of 2017, meetings with tax officials alone.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "ddf--datapoints--iu_cor_brib.csv")
    ...     _ = path.write_text("geo_area,nature,sex,units,year,iu_cor_brib\\n484,notspec,bothsex,percent,2017,14.6")
    ...     table = un_sdg(path)
    >>> table[["ref_area", "series", "time_period", "sex", "value", "unit"]].to_csv(index=False, header=False)
    'MEX,IU_COR_BRIB,2017,_T,14.6,%\\n'
    """
    path = Path(path)
    raw, dimensions = _answer(path) if path.suffix.lower() == ".json" else _table(path)
    table = layout.areas(raw["code"], raw["name"], path, areas)
    table["indicator"] = layout.texts(raw["indicator"])
    table["series"] = layout.texts(raw["series"])
    table["time_period"] = layout.texts(raw["year"])
    sex = layout.texts(raw["sex"]) if "sex" in dimensions else pd.Series("_T", raw.index)
    table["sex"] = layout.recoded(sex.str.lower().rename("sex"), _SEX, path)
    table["value"], table["lower"], table["upper"] = _values(raw["value"], path)
    units = layout.texts(raw["units"]) if "units" in raw else pd.Series("", raw.index)
    table["unit"] = units.map(lambda u: _UNITS.get(u.lower(), u)).astype("str")
    nature = layout.texts(raw["nature"]) if "nature" in raw else pd.Series("", raw.index)
    table["nature"] = nature.map(lambda n: _NATURE.get(n.lower(), n.upper())).astype("str")
    table["vintage"] = pd.Series(vintage, table.index, dtype="str")
    key = ["ref_area", "series", "time_period", "sex"]
    for name in raw.columns:
        if name not in ("code", "name", "indicator", "series", "year", "sex", "value", "units", "nature"):
            table[name] = layout.texts(raw[name])
            key += [name] if name in dimensions else []
    layout.once(table, key, path)
    return table


def _table(path: Path) -> tuple[pd.DataFrame, set[str]]:
    """The export or a DDF file in the names of this module, and which columns are dimensions."""
    rows = layout.text_rows(path)
    raw = layout.frame(rows, 0, path) if rows else pd.DataFrame()
    names = [str(c) for c in raw.columns]
    if set(EXPORT) <= set(names):
        brackets = {n: n.strip("[]").lower().replace(" ", "_") for n in names}
        dimensions = {brackets[n] for n in names if n.startswith("[")} - {"nature", "units", "reporting_type",
                                                                          "observation_status"}  # fmt: skip
        own = dict(zip(EXPORT, ("indicator", "series", "code", "name", "year", "value"), strict=True))
        return raw.rename(columns=brackets | own), dimensions
    if set(DDF) <= set(names):
        series = path.name.partition("ddf--datapoints--")[2].partition("--")[0].removesuffix(".csv") or names[-1]
        if series not in names:
            what = f"there is no column {series!r} for the series of the file's name"
            raise Faults([Fault(str(path), series, what, f"columns are {layout.listed(names)}")])
        named = _entities(path)
        raw = raw.rename(columns={"geo_area": "code", series: "value"})
        raw["name"] = raw["code"].map(lambda code: named.get(code, ""))
        raw["series"], raw["indicator"] = series.upper(), ""
        return raw, set(names) - {*DDF, series, "observation_status"}
    what = f"is neither the export (columns {layout.listed(EXPORT)}) nor a DDF file ({layout.listed(DDF)})"
    raise Faults([Fault(str(path), "header", f"{what}; the file has {layout.listed(names)}",
                        "give the extract as it was downloaded")])  # fmt: skip


def _entities(path: Path) -> dict[str, str]:
    """Names of areas from the file of entities that lies beside DDF data points, where there is one."""
    beside = path.with_name("ddf--entities--geo_area.csv")
    if not beside.is_file():
        return {}
    table = layout.frame(layout.text_rows(beside), 0, beside, only=("geo_area", "name"))
    return dict(zip(table["geo_area"], table["name"], strict=True))


def _answer(path: Path) -> tuple[pd.DataFrame, set[str]]:
    """Observations of an answer of the API."""
    must_exist(path)
    with as_fault(path):
        content: Any = json.loads(path.read_text(encoding="utf-8"))
    found = content.get("data") if isinstance(content, dict) else None
    if not isinstance(found, list) or not found:
        raise Faults([Fault(str(path), "data", "there is no list of observations", "give an answer of the API")])
    if all(isinstance(one, dict) for one in found):
        layout.must_have(set.intersection(*(set(one) for one in found)), ANSWER, path)
    parts.demand(content, _ANSWER, path, "give an answer of the API as it came")
    total = content.get("totalElements")
    if total is not None and total != len(found):
        what = f"holds {len(found):,} of {total:,} observations"
        raise Faults([Fault(str(path), "totalElements", what, "ask for all on one page, or join the pages")])
    rows = []
    dimensions: set[str] = set()
    for one in found:
        inner = {k.lower().replace(" ", "_"): v for k, v in (one.get("dimensions") or {}).items()}
        dimensions |= set(inner) - {"reporting_type"}
        attributes = {k.lower().replace(" ", "_"): v for k, v in (one.get("attributes") or {}).items()}
        indicator = one["indicator"]
        rows.append({
            "code": one["geoAreaCode"], "name": one["geoAreaName"], "series": one["series"],
            "indicator": ", ".join(map(str, indicator)) if isinstance(indicator, list) else indicator,
            "year": one["timePeriodStart"], "value": one["value"], **inner, **attributes,
        })  # fmt: skip
    return pd.DataFrame(rows, dtype=object).fillna(""), dimensions


def _values(cells: pd.Series, path: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Values, and the bounds of those that are published as <2.5 or >95."""
    texts = layout.texts(cells)
    bounds = texts.str.extract(_BOUND)
    side, bound = bounds[0].fillna("").to_numpy(), bounds[1].astype("float64").to_numpy()
    values = layout.numbers(texts.where(side == "", "").rename(cells.name), path, missing=("", "NaN", "N", "NA"))
    return values, np.where(side == ">", bound, np.nan), np.where(side == "<", bound, np.nan)
