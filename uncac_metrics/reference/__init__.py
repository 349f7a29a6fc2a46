"""Reference tables: articles, commitments, goals, crime classes, areas and the links between them.

Each table is a CSV file in ``datasets/reference/`` with a TOML file of the same stem beside it that says
where it comes from and what its columns mean. Every cell is text: Namibia's code ``NA``, Norway's ``NO``,
area ``004``, target ``16.10`` and crime class ``07031`` stay what they are; an empty cell is the empty text.

>>> areas = load("areas").set_index("iso3")
>>> areas.loc[["NAM", "NOR", "AFG"], ["iso2", "m49"]].to_numpy().tolist()
[['NA', '516'], ['NO', '578'], ['AF', '004']]
"""

from __future__ import annotations

import csv
import importlib
import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import pandas as pd

from uncac_metrics import _data, _lazy
from uncac_metrics.model import Fault, Faults
from uncac_metrics.reference.rules import COLUMNS, KEYS, LINKS, ROWS, Link

if TYPE_CHECKING:
    import pandera.pandas as pa

NAMES = (
    "articles", "declaration", "paragraph_links", "article_targets", "sdg", "crimes", "areas", "sdg_regions",
    "area_names", "bases", "unfounded_figures",
)  # fmt: skip
"""Names of the tables."""

PROVENANCE_KEYS = ("title", "title_zh", "producer", "origin", "terms", "accessed", "notes", "columns")
"""Keys that the TOML file of every table has."""


def _file(name: str, ending: str, folder: Path | None) -> Path:
    if name not in NAMES:
        raise ValueError(f"there is no reference table {name!r}: choose one of {', '.join(NAMES)}")
    return (folder or _data.datasets_folder() / "reference") / f"{name}{ending}"


def _label(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"


def _rows(numbers: list[int]) -> dict[str, Any]:
    return {"rows": tuple(sorted(numbers)[:5]), "count": len(numbers)}


def _read(path: Path) -> pd.DataFrame:
    """Cells as text, as they stand in the file: nothing is taken for missing or for a number."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            header, *rows = csv.reader(file, strict=True)
    except FileNotFoundError:
        raise Faults([Fault(_label(path), "", "the file is missing", "put the table back")]) from None
    except UnicodeDecodeError as problem:
        raise Faults([Fault(_label(path), "", f"not UTF-8: {problem}", "save the file as UTF-8")]) from None
    except (csv.Error, ValueError) as problem:  # ValueError: no line at all
        raise Faults([Fault(_label(path), "", f"not a CSV table: {problem}", "mend the file")]) from None
    if not rows:
        raise Faults([Fault(_label(path), "", "there is no row below the header", "put the table back")])
    ragged = [number for number, row in enumerate(rows, 1) if len(row) != len(header)]
    if ragged:
        remedy = f"write {len(header)} cells and quote those that hold a comma"
        what = "another number of cells than the header"
        raise Faults([Fault(_label(path), "", what, remedy, **_rows(ragged))])
    return pd.DataFrame(rows, columns=header, dtype=str)


@cache
def _shipped(name: str) -> pd.DataFrame:
    return _read(_file(name, ".csv", None))


def load(name: str) -> pd.DataFrame:
    """A reference table as shipped.

    Parameters
    ----------
    name
        One of :data:`NAMES`.

    Returns
    -------
    pandas.DataFrame
        All columns are text and nothing is missing: an empty cell is ``""``. The file is read once; every
        call gives a copy of its own. The shipped tables are taken to be sound: :func:`check` proves it.

    Raises
    ------
    ValueError
        If there is no such table.
    uncac_metrics.model.Faults
        If its file cannot be read.

    Examples
    --------
    >>> articles = load("articles").set_index("article")
    >>> articles.loc["57", "title"]
    'Return and disposal of assets'
    >>> articles["mandatory"].value_counts()[["mandatory", "optional", "mixed"]].to_dict()
    {'mandatory': 4, 'optional': 6, 'mixed': 1}
    """
    _file(name, ".csv", None)  # an unknown name is refused before it reaches the cache
    return _shipped(name).copy()


GROUPINGS = ("world", "region", "subregion", "intermediate", "sdg_region", "ldc", "lldc", "sids")
"""Groupings of countries and areas that :func:`members` knows."""

_FLAGGED = {
    "ldc": ("199", "Least developed countries"),
    "lldc": ("432", "Landlocked developing countries"),
    "sids": ("722", "Small island developing States"),
}  # codes of the SDG database


def members(grouping: str, *, code: str = "iso3") -> pd.DataFrame:
    """Who belongs to which group: countries and areas by an official grouping.

    Parameters
    ----------
    grouping
        One of :data:`GROUPINGS`; ``sdg_region`` are the eight regions of the reports on the Goals.
    code
        Code of the countries: ``iso3``, ``iso2`` or ``m49``.

    Returns
    -------
    pandas.DataFrame
        A row a member: ``ref_area``, ``region`` (M49 or SDG database code of the group) and ``name`` (of the group).

    Raises
    ------
    ValueError
        If there is no such grouping or code.

    Examples
    --------
    >>> members("sdg_region").query("ref_area == 'KEN'").to_numpy().tolist()
    [['KEN', '202', 'Sub-Saharan Africa']]
    >>> members("subregion").query("name == 'Central Asia'")["ref_area"].tolist()
    ['KAZ', 'KGZ', 'TJK', 'TKM', 'UZB']
    """
    if grouping not in GROUPINGS:
        raise ValueError(f"there is no grouping {grouping!r}: choose one of {', '.join(GROUPINGS)}")
    if code not in ("iso3", "iso2", "m49"):
        raise ValueError(f"there is no code {code!r}: choose one of iso3, iso2, m49")
    areas = load("areas")
    countries = areas[areas["level"] == "country"]
    if grouping == "world":
        region = pd.Series("001", countries.index)
    elif grouping in _FLAGGED:
        region = countries[grouping].map({"1": _FLAGGED[grouping][0], "0": ""})
    elif grouping == "intermediate":
        between = set(areas.loc[areas["level"] == "intermediate", "m49"])
        region = countries["parent_m49"].where(countries["parent_m49"].isin(between), "")
    elif grouping == "sdg_region":
        parts = load("sdg_regions").set_index("part")["region"]
        region = countries["subregion"].map(parts).fillna("")
    else:
        region = countries[grouping]
    names = {**dict(_FLAGGED.values()), **dict(zip(areas["m49"], areas["name"], strict=True))}
    names |= load("sdg_regions").set_index("region")["name"].to_dict()
    out = pd.DataFrame({"ref_area": countries[code], "region": region, "name": region.map(names)})
    return out[out["region"] != ""].reset_index(drop=True)


def provenance(name: str, folder: Path | None = None) -> Mapping[str, Any]:
    """Where a reference table comes from and what its columns mean.

    Parameters
    ----------
    name
        One of :data:`NAMES`.
    folder
        Folder of the tables; the shipped one by default.

    Returns
    -------
    Mapping
        The TOML file beside the table: ``title``, ``title_zh``, ``producer``, ``origin``, ``terms``,
        ``accessed``, ``notes`` and ``columns`` (column -> meaning).

    Raises
    ------
    ValueError
        If there is no such table.
    uncac_metrics.model.Faults
        If the file is missing or is not TOML.

    Examples
    --------
    >>> provenance("crimes")["columns"]["corruption"]
    '1 if within division 0703 (Corruption), else 0'
    """
    path = _file(name, ".toml", folder)
    try:
        return MappingProxyType(tomllib.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        remedy = f"say there where the table comes from ({', '.join(PROVENANCE_KEYS)})"
        raise Faults([Fault(_label(path), "", "the file is missing", remedy)]) from None
    except ValueError as problem:  # not TOML, or not UTF-8
        raise Faults([Fault(_label(path), "", f"not TOML: {problem}", "mend the file")]) from None


def schema(name: str) -> pa.DataFrameSchema:
    """The pandera schema of a reference table: its columns, what their cells may hold, and its key.

    Parameters
    ----------
    name
        One of :data:`NAMES`.

    Returns
    -------
    pandera.DataFrameSchema

    Examples
    --------
    >>> list(schema("article_targets").columns)
    ['article', 'target', 'provenance']
    >>> schema("areas").unique
    ['m49']
    """
    pa = _lazy.pandera()
    _file(name, ".csv", None)
    columns = {
        column: pa.Column(
            str,
            pa.Check(
                lambda cells, pattern=cell.pattern: cells.str.fullmatch(pattern),
                error=f"not {cell.words}",
                description=f"write {cell.words}",
            ),
        )
        for column, cell in COLUMNS[name].items()
    }
    rules = [
        pa.Check(rule.holds, name=rule.column, error=rule.what, description=rule.remedy) for rule in ROWS.get(name, ())
    ]
    return pa.DataFrameSchema(columns, rules, unique=list(KEYS[name]), strict=True, ordered=True, name=name)


def _table_faults(name: str, table: pd.DataFrame, file: str) -> list[Fault]:
    """Faults of one table by itself."""
    _lazy.pandera()
    errors = importlib.import_module("pandera.errors")
    wanted, found = list(COLUMNS[name]), list(table.columns)
    if wanted != found:
        return [Fault(file, "", f"columns are {', '.join(found)}", f"they should be {', '.join(wanted)}")]
    try:
        schema(name).validate(table, lazy=True)
    except errors.SchemaErrors as problem:
        faults = []
        for error in problem.schema_errors:
            where = _rows([int(i) + 1 for i in error.failure_cases["index"].unique()])
            if error.reason_code is errors.SchemaErrorReason.DUPLICATES:
                what = "stands in more than one row"
                faults.append(Fault(file, ", ".join(KEYS[name]), what, "keep one of them", **where))
            else:  # a rule for rows carries the name of its column, a rule for cells belongs to its column
                column = error.check.name if error.schema.name == name else error.schema.name
                faults.append(Fault(file, column, error.check.error, error.check.description, **where))
        return faults
    return []


def _link_faults(link: Link, tables: Mapping[str, pd.DataFrame], file: str) -> list[Fault]:
    """Cells of a column that another table does not know."""
    table, other = tables[link.table], tables[link.other]
    known = other.loc[other["level"] == link.level, link.key] if link.level else other[link.key]
    asked = table[link.column] if link.only is None else table.loc[table[link.only[0]] == link.only[1], link.column]
    lost = asked[(asked != "") & ~asked.isin(known)]
    if lost.empty:
        return []
    codes = list(dict.fromkeys(lost))
    what = f"{', '.join(codes[:5])}{', …' if len(codes) > 5 else ''}: no such {link.level or link.key}"
    remedy = f"correct it, or add the row to {link.other}.csv"
    return [Fault(file, link.column, f"{what} in {link.other}.csv", remedy, **_rows([i + 1 for i in lost.index]))]


def _provenance_faults(found: Mapping[str, Any], columns: list[str], file: str) -> list[Fault]:
    """Keys of the TOML file that are missing or unknown, and columns that it does not describe."""
    described = found.get("columns", {})
    described = list(described) if isinstance(described, Mapping) else []
    pairs = (("", "key", PROVENANCE_KEYS, list(found)), ("columns", "column", columns, described))
    faults = []
    for where, noun, wanted, given in pairs:
        faults += [Fault(file, where, f"{noun} {k} is missing", "add it") for k in wanted if k not in given]
        faults += [Fault(file, where, f"unknown {noun} {k}", "remove it") for k in given if k not in wanted]
    return faults


def validate(name: str, folder: Path | None = None) -> pd.DataFrame:
    """Read one reference table and hold it against its schema.

    Parameters
    ----------
    name
        One of :data:`NAMES`.
    folder
        Folder of the tables; the shipped one by default.

    Returns
    -------
    pandas.DataFrame
        The table.

    Raises
    ------
    ValueError
        If there is no such table.
    uncac_metrics.model.Faults
        With every fault of the table.

    Examples
    --------
    >>> len(validate("articles"))
    71
    """
    path = _file(name, ".csv", folder)
    table = _read(path)
    faults = _table_faults(name, table, _label(path))
    if faults:
        raise Faults(faults)
    return table


def check(folder: Path | None = None) -> list[Fault]:
    """Every fault of the reference tables: files, columns, cells, keys, links between tables and provenance.

    Parameters
    ----------
    folder
        Folder of the tables; the shipped one by default.

    Returns
    -------
    list of uncac_metrics.model.Fault
        Empty where all is well.

    Examples
    --------
    >>> check()
    []
    """
    faults: list[Fault] = []
    tables: dict[str, pd.DataFrame] = {}
    for name in NAMES:
        path, toml = _file(name, ".csv", folder), _file(name, ".toml", folder)
        try:
            table = _read(path)
            faults += _table_faults(name, table, _label(path))
            tables[name] = table
        except Faults as problem:
            faults += problem.faults
        try:
            faults += _provenance_faults(provenance(name, folder), list(COLUMNS[name]), _label(toml))
        except Faults as problem:
            faults += problem.faults
    for link in LINKS:
        if all(list(COLUMNS[name]) == list(tables.get(name, ())) for name in (link.table, link.other)):
            faults += _link_faults(link, tables, _label(_file(link.table, ".csv", folder)))
    return faults
