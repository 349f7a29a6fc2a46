"""Data sets: ``source.toml`` and a data file become a checked table."""

from __future__ import annotations

import datetime
import hashlib
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from uncac_metrics import declared, designs, mapping, readers, rules
from uncac_metrics._data import datasets_folder
from uncac_metrics.model import BREAKDOWNS, Fault, Faults, Office, Shape, Source
from uncac_metrics.places import DATA_VARIABLE, confined, data_file
from uncac_metrics.publication import read_expectations, read_publication
from uncac_metrics.readers.limits import text_within
from uncac_metrics.reference.unfounded import flag_unfounded
from uncac_metrics.shapes import SHAPES
from uncac_metrics.tables import nearest

_SOURCE: dict[str, tuple[type, bool]] = {
    **dict.fromkeys(("title", "producer", "terms", "origin", "shape", "path"), (str, True)),
    **dict.fromkeys(("ref_area", "time_period"), (str, True)),
    **dict.fromkeys(("id", "title_zh", "sha256", "accessed", "notes"), (str, False)),
    **dict.fromkeys(("columns", "design", "imputation", "read"), (dict, False)),
    **dict.fromkeys(("simulated", "confidential"), (bool, False)),
    **dict.fromkeys(("missing", "expect"), (list, False)),
}  # fmt: skip
_OFFICE: dict[str, tuple[type, bool]] = {
    **dict.fromkeys(("name", "ref_area"), (str, True)),
    **dict.fromkeys(("id", "name_zh", "contact"), (str, False)),
    **dict.fromkeys(("disaggregations", "expect", "languages"), (list, False)),
    "publication": (dict, False),
}
_TYPES = {str: 'a text ("…")', dict: "a table", bool: "true or false", list: "a list"}


@dataclass(frozen=True, eq=False)
class Dataset:
    """A checked table and where it comes from."""

    source: Source
    shape: Shape
    table: pd.DataFrame
    """A row an interviewed unit (or published figure), in the columns and dtypes of the shape."""
    extras: designs.Extras = field(default_factory=designs.Extras)
    """What the declared design takes beside them."""
    completed: tuple[Dataset, ...] = ()
    """The completed data sets of a multiple imputation; the table then holds the data as collected."""
    flags: tuple[Fault, ...] = ()
    """Global figures without support that the table or the title carries."""


def load_dataset(id_or_path: str | Path) -> Dataset:
    """Read, map and check a data set.

    Parameters
    ----------
    id_or_path : str or path
        Id of a shipped data set, or path of a ``source.toml`` or of the folder that holds it.

    Returns
    -------
    Dataset
        Source, shape and table.

    Raises
    ------
    Faults
        Everything that is wrong with the source, or else with its file, or else with the data.

    Examples
    --------
    >>> data = load_dataset("sdg_16_5_1")
    >>> data.shape.id, len(data.table)
    ('official_series', 123)
    """
    source = load_source(_source_file(id_or_path))
    file = data_file(source)
    for where, path, _ in designs.side_files(source):
        confined(path, source, where)
    more, replicates, read = _check_files(source, file)
    totals = designs.margins(source)
    collected, raw = True, read[file]()
    tables = {source.path: raw}  # by the name that faults give them
    if "column" in source.imputation:
        numbered = designs.by_imputation(raw, source)
        collected = 0 in numbered
        tables = {f"{source.path} (imputation {i})": table for i, table in numbered.items()}
    for where, path, _ in designs.side_files(source):
        if _is_completed(where):
            tables[path.name] = read[path]()
    made: list[Dataset] = []
    faults: list[Fault] = []
    for name, table in tables.items():
        try:
            made.append(_dataset(replace(source, path=name), file, table, more, replicates, totals))
        except Faults as found:
            faults += found.faults
    if faults:
        raise Faults(dict.fromkeys(faults))
    made = [replace(one, source=source) for one in made]
    # without the data as collected, the first completed data set stands for them
    return replace(made[0], completed=tuple(made[1:] if collected else made))


def load_source(path: str | Path) -> Source:
    """Read and check a ``source.toml``; of the data file nothing is read.

    Parameters
    ----------
    path
        The ``source.toml``.

    Returns
    -------
    Source

    Raises
    ------
    Faults
        TOML that cannot be parsed, unknown or missing keys, wrong types, rules that are wrong: all at once.

    Examples
    --------
    >>> from uncac_metrics._data import datasets_folder
    >>> load_source(datasets_folder() / "sdg_16_5_2").shape
    'official_series'
    """
    path = _toml(path, "source.toml")
    content = read_toml(path)
    faults = check_keys(content, _SOURCE, file=str(path))
    wrong = {f.where for f in faults}
    accessed = content.get("accessed")
    if content.get("id", path.parent.name) != path.parent.name:
        faults.append(
            Fault(
                str(path),
                "id",
                "is not the name of the folder",
                f'write "{path.parent.name}" or leave it out',
            )
        )
    if "sha256" in content and "sha256" not in wrong and not re.fullmatch("[0-9a-f]{64}", content["sha256"]):
        faults.append(Fault(str(path), "sha256", "is not a SHA-256 in 64 hexadecimal digits"))
    if not wrong & {"missing"} and any(not isinstance(c, (str, int, float)) for c in content.get("missing", ())):
        faults.append(Fault(str(path), "missing", "is not a list of codes"))
    shape = None
    expect, found = read_expectations(content.get("expect", []), ("column", "low", "high", "missing"), file=str(path))
    faults += found if "expect" not in wrong else []
    if "shape" in content and "shape" not in wrong:
        shape = SHAPES.get(content["shape"])
        if shape is None:
            close = nearest(content["shape"], SHAPES) or f"shapes: {', '.join(SHAPES)}"
            faults.append(Fault(str(path), "shape", f"{content['shape']!r} is not a shape", close))
    if shape is not None and not wrong & {"columns", "design", "imputation"}:
        columns = content.get("columns", {})
        faults += rules.check(columns, shape, file=str(path))
        design, imputation = content.get("design", {}), content.get("imputation", {})
        faults += declared.check(design, imputation, columns, shape, file=str(path))
    if faults:
        raise Faults(faults)
    if accessed is not None:
        content["accessed"] = str(accessed)
    content["missing"] = tuple(content.get("missing", ()))
    content["expect"] = expect
    return Source(**(content | {"id": path.parent.name, "file": str(path)}))


def load_office(folder: str | Path) -> tuple[Office, dict[str, Path]]:
    """Read an office's ``office.toml`` and find its data sets.

    Parameters
    ----------
    folder
        The folder that holds ``office.toml``.

    Returns
    -------
    Office, dict
        The office, and the ``source.toml`` of each data set by id.

    Raises
    ------
    Faults
        Everything that is wrong with ``office.toml``, and data sets without a ``source.toml``.

    Examples
    --------
    >>> from uncac_metrics._data import datasets_folder
    >>> office, sources = load_office(datasets_folder() / "example")
    >>> office.id, "population_2025" in sources
    ('example', True)
    """
    path = _toml(folder, "office.toml")
    content = read_toml(path)
    faults = check_keys(content, _OFFICE, file=str(path))
    given = content.get("disaggregations", [])
    for name in given if isinstance(given, list) else ():
        if not isinstance(name, str) or name not in BREAKDOWNS:
            faults.append(
                Fault(str(path), "disaggregations", f"{name!r} is no breakdown", nearest(str(name), BREAKDOWNS))
            )
    told = content.get("languages", [])
    for code in told if isinstance(told, list) else ():
        if not isinstance(code, str):
            faults.append(Fault(str(path), "languages", f"{code!r} is no text", 'write codes, such as ["en", "zh"]'))
    publication, found = read_publication(content, file=str(path))
    sources, missing = _sources(path.parent)
    faults = [*faults, *found, *missing]
    if faults:
        raise Faults(faults)
    for name in ("disaggregations", "languages"):
        if name in content:
            content[name] = tuple(content[name])
    content = {key: value for key, value in content.items() if key != "expect"} | {"publication": publication}
    office = Office(**({"id": path.parent.name} | content | {"folder": str(path.parent)}))
    return office, sources


def check_sources(folder: str | Path) -> list[Fault]:
    """What is wrong with the sources of an office, or of a folder of data sets, without reading the data.

    Rules are checked against the shape and the header of the file; codes and values show only in
    :func:`load_dataset`.

    Examples
    --------
    >>> from uncac_metrics._data import datasets_folder
    >>> check_sources(datasets_folder() / "example")
    []
    """
    sources, faults = _sources(Path(folder))
    for path in sources.values():
        try:
            source = load_source(path)
            file = data_file(source)
            present = readers.header(file, source.read)
            faults += readers.absent(rules.file_columns(source.columns), present, file=f"{path}: columns")
            designs.file_columns(source, SHAPES[source.shape], present)
        except Faults as error:
            faults += error.faults
    return faults


def read_toml(path: str | Path) -> dict[str, Any]:
    """Content of a TOML file; Faults with the line where it cannot be parsed."""
    try:
        return tomllib.loads(text_within(Path(path)))
    except tomllib.TOMLDecodeError as error:
        line = re.search(r"\(at line (\d+), column \d+\)", str(error))
        said = str(error).partition(" (at ")[0]
        where = f"line {line[1]}" if line else "end of the file"
        raise Faults([Fault(str(path), where, f"is not TOML: {said}", "correct the line")]) from None
    except RecursionError:
        raise Faults([Fault(str(path), "", "is nested too deeply", "correct the brackets")]) from None


def check_keys(content: Mapping[str, Any], keys: Mapping[str, tuple[type, bool]], *, file: str) -> list[Fault]:
    """Unknown and missing keys and wrong types of a TOML table; `keys` says the type and whether it is due."""
    faults = [
        Fault(file, key, "is not a key of this file", nearest(key, keys) or "leave it out")
        for key in content
        if key not in keys
    ]
    for key, (kind, due) in keys.items():
        value = content.get(key)
        if isinstance(value, datetime.date) and key == "accessed":
            continue
        if value is None and due:
            faults.append(Fault(file, key, "is missing", f"add {key} = … ({_TYPES[kind]})"))
        elif value is not None and not isinstance(value, kind):
            faults.append(Fault(file, key, f"is {value!r}", f"give {_TYPES[kind]}"))
        elif value == "" and due:
            faults.append(Fault(file, key, "is empty", "fill it in"))
    return faults


def _unfounded(table: pd.DataFrame, source: Source, shape: Shape) -> list[Fault]:
    """Flags of published figures; records of cases, persons or contracts are no global figures."""
    if shape.id not in ("official_series", "counts"):
        return []
    return flag_unfounded(table, texts={"title": source.title}, file=source.path)


def _check_files(
    source: Source, file: Path
) -> tuple[list[str], tuple[str, ...], dict[Path, Callable[[], pd.DataFrame]]]:
    """Hashes and headers of the files; columns that the design takes, those with replicate weights, what reads."""
    faults: list[Fault] = []
    more: list[str] = []
    replicates: tuple[str, ...] = ()
    readings = {}
    mapped = rules.file_columns(source.columns)
    for where, path, stated in [("", file, source.sha256), *designs.side_files(source)]:
        try:
            present, read = readers.opened(path, source.read if path == file or _is_completed(where) else {})
        except Faults as error:
            if path == file:
                raise
            faults += [Fault(source.file, where, f"{f.file}: {f.what}", f.remedy) for f in error.faults]
            continue
        if path == file or _is_completed(where):
            faults += readers.absent(mapped, present, file=str(path))
            readings[path] = read
            try:
                more, replicates = designs.file_columns(source, SHAPES[source.shape], present)
            except Faults as error:
                faults += error.faults
        faults += _changed(source, where, path, stated)
    if faults:
        raise Faults(dict.fromkeys(faults))
    wanted = [*mapped, *more] if mapped else None
    return more, replicates, {path: partial(read, wanted) for path, read in readings.items()}


def _changed(source: Source, where: str, path: Path, stated: str) -> list[Fault]:
    """A fault where a file is not the one whose hash the source states."""
    if not stated or not path.is_file():
        return []
    with path.open("rb") as stream:
        found = hashlib.file_digest(stream, "sha256").hexdigest()
    if found == stated:
        return []
    remedy = f"restore the file, or after looking at what changed write {found}"
    key = where.replace("paths", "sha256") or "sha256"
    key = f"{key}.sha256" if key.startswith("design") else key
    return [Fault(source.file, key, f"{path.name} is not the file that was described", remedy)]


def _dataset(
    source: Source, file: Path, raw: pd.DataFrame, more: list[str], replicates: tuple[str, ...], totals: tuple[Any, ...]
) -> Dataset:
    """One table mapped and checked, and what its design takes beside it."""
    shape = SHAPES[source.shape]
    named = any(rule.get("labels") is True for rule in source.columns.values())
    labels = readers.labels(file, source.read) if named else {}
    mapped = raw if source.columns else raw.drop(columns=more)
    table = mapping.apply(mapped, source, shape, labels=labels)
    extras = replace(designs.extras(raw, source, more, replicates), margins=totals)
    return Dataset(source, shape, table, extras, flags=tuple(_unfounded(table, source, shape)))


def _is_completed(where: str) -> bool:
    return where.startswith("imputation")


def _source_file(id_or_path: str | Path) -> Path:
    path = Path(id_or_path)
    if path.exists() or isinstance(id_or_path, Path) or len(path.parts) > 1 or path.suffix == ".toml":
        return path
    shipped = {
        p.parent.name: p for pattern in ("*", "*/datasets/*") for p in datasets_folder().glob(f"{pattern}/source.toml")
    }
    if str(id_or_path) not in shipped:
        remedy = nearest(str(id_or_path), shipped) or f"give a path, or one of {', '.join(sorted(shipped))}"
        raise Faults([Fault(str(id_or_path), "", "there is no such data set", remedy)])
    return shipped[str(id_or_path)]


def _sources(folder: Path) -> tuple[dict[str, Path], list[Fault]]:
    """Sources by id, and the folders that lack theirs."""
    home = folder / "datasets" if (folder / "datasets").is_dir() else folder
    found: dict[str, Path] = {}
    faults = []
    for path in sorted(p for p in home.iterdir() if p.is_dir()) if home.is_dir() else ():
        if not path.resolve().is_relative_to(folder.resolve()):
            remedy = f"move it here, or name the data by ${{{DATA_VARIABLE}}}"
            faults.append(Fault(str(path), "", "leads out of the office's folder", remedy))
            continue
        if (path / "source.toml").is_file():
            found[path.name] = path / "source.toml"
        elif home is not folder and not path.name.startswith((".", "_")):
            faults.append(Fault(str(path), "", "has no source.toml", "describe the data set in it"))
    return found, faults


def _toml(path: str | Path, name: str) -> Path:
    """The TOML file that a path or its folder stands for."""
    path = Path(path)
    path = path if path.suffix == ".toml" else path / name
    if not path.is_file():
        raise Faults([Fault(str(path), "", "there is no such file", f"give a folder with {name}")])
    return path
