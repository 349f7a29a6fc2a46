"""Data sets: ``source.toml`` and a data file become a checked table."""

from __future__ import annotations

import datetime
import hashlib
import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from uncac_metrics import mapping, readers, rules
from uncac_metrics._data import datasets_folder
from uncac_metrics.model import BREAKDOWNS, SINGLETON_RULES, Fault, Faults, Office, Shape, Source
from uncac_metrics.reference.unfounded import flag_unfounded
from uncac_metrics.shapes import SHAPES
from uncac_metrics.tables import nearest

DATA_VARIABLE = "UNCAC_METRICS_DATA"
"""Environment variable that names the folder which ``${UNCAC_METRICS_DATA}`` in a path stands for."""

_SOURCE: dict[str, tuple[type, bool]] = {
    **dict.fromkeys(("title", "producer", "terms", "origin", "shape", "path"), (str, True)),
    **dict.fromkeys(("ref_area", "time_period"), (str, True)),
    **dict.fromkeys(("id", "title_zh", "sha256", "accessed", "notes"), (str, False)),
    **dict.fromkeys(("columns", "design", "read"), (dict, False)),
    "simulated": (bool, False),
    "missing": (list, False),
}  # fmt: skip
_OFFICE: dict[str, tuple[type, bool]] = {
    **dict.fromkeys(("name", "ref_area"), (str, True)),
    **dict.fromkeys(("id", "name_zh", "contact"), (str, False)),
    "disaggregations": (list, False),
}
_DESIGN = {
    "weight": "a column", "stratum": "a column", "psu": "a column or a list of columns",
    "fpc": "a column or a list of columns", "nest": "true or false", "singleton": "a rule",
    "singleton_domain": "true or false", "frame": "a text",
}  # fmt: skip
_TYPES = {str: 'a text ("…")', dict: "a table", bool: "true or false", list: "a list"}


@dataclass(frozen=True, eq=False)
class Dataset:
    """A checked table and where it comes from."""

    source: Source
    shape: Shape
    table: pd.DataFrame
    """A row an interviewed unit (or published figure), in the columns and dtypes of the shape."""
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
    _check_file(source, file)
    taken = rules.file_columns(source.columns) or None
    raw = readers.read(file, source.read, columns=taken)
    shape = SHAPES[source.shape]
    named = any(rule.get("labels") is True for rule in source.columns.values())
    labels = readers.labels(file, source.read) if named else {}
    table = mapping.apply(raw, source, shape, labels=labels)
    return Dataset(source, shape, table, tuple(_unfounded(table, source, shape)))


def load_source(path: str | Path) -> Source:
    """Read and check a ``source.toml``; of the data file nothing is read.

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
    if "shape" in content and "shape" not in wrong:
        shape = SHAPES.get(content["shape"])
        if shape is None:
            close = nearest(content["shape"], SHAPES) or f"shapes: {', '.join(SHAPES)}"
            faults.append(Fault(str(path), "shape", f"{content['shape']!r} is not a shape", close))
    if shape is not None and not wrong & {"columns", "design"}:
        faults += rules.check(content.get("columns", {}), shape, file=str(path))
        faults += _check_design(content.get("design", {}), content.get("columns", {}), shape, str(path))
    if faults:
        raise Faults(faults)
    if accessed is not None:
        content["accessed"] = str(accessed)
    content["missing"] = tuple(content.get("missing", ()))
    return Source(**(content | {"id": path.parent.name, "file": str(path)}))


def load_office(folder: str | Path) -> tuple[Office, dict[str, Path]]:
    """Read an office's ``office.toml`` and find its data sets.

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
        if name not in BREAKDOWNS:
            faults.append(
                Fault(str(path), "disaggregations", f"{name!r} is no breakdown", nearest(str(name), BREAKDOWNS))
            )
    sources, missing = _sources(path.parent)
    if faults + missing:
        raise Faults(faults + missing)
    content["disaggregations"] = tuple(content.get("disaggregations", ()))
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
        except Faults as error:
            faults += error.faults
        else:
            taken = rules.file_columns(source.columns)
            faults += readers.absent(taken, present, file=f"{path}: columns")
    return faults


def data_file(source: Source) -> Path:
    """Path of a source's data file, with ``${UNCAC_METRICS_DATA}`` replaced.

    Raises
    ------
    Faults
        The environment variable is not set.
    """
    mark = f"${{{DATA_VARIABLE}}}"
    path = source.path
    if path.startswith(mark):
        folder = os.environ.get(DATA_VARIABLE)
        if not folder:
            remedy = f"set {DATA_VARIABLE} to the folder that holds {path[len(mark) :].lstrip('/')}"
            raise Faults([Fault(source.file, "path", f"the environment variable {DATA_VARIABLE} is not set", remedy)])
        path = folder + path[len(mark) :]
    return Path(source.file).parent / path


def read_toml(path: str | Path) -> dict[str, Any]:
    """Content of a TOML file; Faults with the line where it cannot be parsed."""
    try:
        return tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        line = re.search(r"\(at line (\d+), column \d+\)", str(error))
        said = str(error).partition(" (at ")[0]
        where = f"line {line[1]}" if line else "end of the file"
        raise Faults([Fault(str(path), where, f"is not TOML: {said}", "correct the line")]) from None
    except UnicodeDecodeError:
        raise Faults([Fault(str(path), "", "is not UTF-8 text", "save it as UTF-8")]) from None


def check_keys(content: Mapping[str, Any], keys: Mapping[str, tuple[type, bool]], *, file: str) -> list[Fault]:
    """Unknown and missing keys and wrong types of a TOML table; `keys` says the type and whether it is due."""
    faults = [
        Fault(file, key, "is not a key of this file", nearest(key, keys) or "leave it out")
        for key in content
        if key not in keys
    ]
    for key, (kind, due) in keys.items():
        value = content.get(key)
        if isinstance(value, datetime.date) and kind is str:
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


def _check_design(design: Mapping[str, Any], columns: Mapping[str, Any], shape: Shape, file: str) -> Iterator[Fault]:
    for key, value in design.items():
        where = f"design.{key}"
        if key not in _DESIGN:
            yield Fault(file, where, "is not an argument of a design", nearest(key, _DESIGN))
        elif key in ("weight", "stratum", "psu", "fpc"):
            names = value if isinstance(value, list) and key in ("psu", "fpc") else [value]
            for name in names:
                if not isinstance(name, str) or shape.column(name) is None:
                    yield Fault(file, where, f"{name!r} is not a column of {shape.id}", f"give {_DESIGN[key]}")
                elif columns and name not in columns:
                    yield Fault(file, where, f"{name!r} is not mapped", f"add columns.{name}")
        elif key == "singleton" and value not in SINGLETON_RULES:
            yield Fault(file, where, f"{value!r} is not a rule", f"rules: {', '.join(SINGLETON_RULES)}")
        elif (key in ("nest", "singleton_domain") and not isinstance(value, bool)) or (
            key == "frame" and not isinstance(value, str)
        ):
            yield Fault(file, where, f"is {value!r}", f"give {_DESIGN[key]}")


def _check_file(source: Source, file: Path) -> None:
    """Hash and header of the data file; a named reader checks the layout itself."""
    faults = []
    if "reader" not in source.read:
        present = readers.header(file, source.read)
        faults = readers.absent(rules.file_columns(source.columns), present, file=str(file))
    if source.sha256 and file.is_file():
        with file.open("rb") as stream:
            found = hashlib.file_digest(stream, "sha256").hexdigest()
        if found != source.sha256:
            remedy = f"restore the file, or after looking at what changed write {found}"
            faults.append(Fault(source.file, "sha256", f"{file.name} is not the file that was described", remedy))
    if faults:
        raise Faults(faults)


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
