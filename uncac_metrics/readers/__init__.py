"""Readers: files as they are published become tables.

:func:`read` takes any table as it stands. A file whose layout is known has a reader of its own, which checks the
layout, handles its traps and gives a tidy table: :data:`READERS` names them; a ``source.toml`` asks for one by
``[read] reader = "…"``. A layout that is not the expected one is a fault that names what is missing.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd

from uncac_metrics.model import Fault, Faults
from uncac_metrics.readers import files
from uncac_metrics.readers.files import EXTRAS, Options, absent
from uncac_metrics.readers.open_sdg_data import open_sdg
from uncac_metrics.readers.procurement import digiwhist, ocds
from uncac_metrics.readers.ratings import cpi, cpia, vdem, wgi
from uncac_metrics.readers.sdg import un_sdg
from uncac_metrics.readers.sdmx_data import sdmx
from uncac_metrics.readers.sheets import freedom_in_the_world, gcb, wjp
from uncac_metrics.readers.surveys import afrobarometer, americasbarometer, enterprise_survey, inegi
from uncac_metrics.readers.unodc import un_cts
from uncac_metrics.tables import nearest
from uncac_metrics.values import canonical, levels

__all__ = ["EXTRAS", "READERS", "absent", "header", "labels", "read"]

READERS: Mapping[str, Callable[..., pd.DataFrame]] = MappingProxyType(
    {
        "afrobarometer": afrobarometer,
        "americasbarometer": americasbarometer,
        "cpi": cpi,
        "cpia": cpia,
        "digiwhist": digiwhist,
        "enterprise_survey": enterprise_survey,
        "freedom_in_the_world": freedom_in_the_world,
        "gcb": gcb,
        "inegi": inegi,
        "ocds": ocds,
        "open_sdg": open_sdg,
        "sdmx": sdmx,
        "un_cts": un_cts,
        "un_sdg": un_sdg,
        "vdem": vdem,
        "wgi": wgi,
        "wjp": wjp,
    }
)
"""Reader of a known layout by name: a function of the path and of options by name."""


def read(path: str | Path, options: Options | None = None, *, columns: Iterable[str] | None = None) -> pd.DataFrame:
    """Read a data file.

    Parameters
    ----------
    path : path
        ``.csv``, ``.csv.gz``, ``.parquet``, ``.sav`` (SPSS), ``.dta`` (Stata), ``.xlsx``, ``.xls``, or what the named
        reader takes.
    options : mapping, optional
        ``separator`` and ``encoding`` (CSV; by default a comma and UTF-8), ``skip_rows`` (lines above the
        header: CSV, Excel), ``sheet`` (Excel, name or number from 0), ``encoding`` (SPSS, Stata). Or ``reader``, one of
        :data:`READERS`, with its own options. With either ``rows``, a table of column to list of codes: only rows
        with one of the codes in each column are kept.
    columns : iterable of str, optional
        Columns to read; by default all.

    Returns
    -------
    DataFrame
        Values as in the file, or as the named reader gives them.

    Raises
    ------
    Faults
        No such file, unknown format, reader or option, missing library, unreadable or empty file, another layout
        than the reader's, missing columns, codes in ``rows`` that no row has.
    """
    reader, rest, rows = _plan(Path(path), options)
    return _taken(Path(path), rest, rows, columns, None if reader is None else reader(path, **rest))


def header(path: str | Path, options: Options | None = None) -> list[str]:
    """Names of the columns that :func:`read` gives.

    Of the data nothing is read (of an Excel sheet one row), unless a named reader is asked for: that one reads the
    file to check its layout.

    Parameters
    ----------
    path
        The file.
    options
        As for :func:`read`.

    Returns
    -------
    list of str

    Raises
    ------
    Faults
        As :func:`read`, and where a name stands twice.
    """
    return opened(path, options)[0]


def opened(
    path: str | Path, options: Options | None = None
) -> tuple[list[str], Callable[[Iterable[str] | None], pd.DataFrame]]:
    """The names that :func:`header` gives, and a function of the wanted columns that does what :func:`read` does.

    A named reader reads the file once for both.
    """
    path = Path(path)
    reader, rest, rows = _plan(path, options)
    table = None if reader is None else reader(path, **rest)
    names = files.file_header(path, rest) if table is None else [str(c) for c in table.columns]
    return names, lambda columns: _taken(path, rest, rows, columns, table)


def labels(path: str | Path, options: Options | None = None) -> dict[str, dict[Any, str]]:
    """Value labels of an SPSS or Stata file: column -> code -> label; empty for other formats and named readers.

    Parameters
    ----------
    path
        The file.
    options
        As for :func:`read`.

    Returns
    -------
    dict of str to dict
    """
    reader, rest, _ = _plan(Path(path), options)
    return files.labels(path, rest) if reader is None else {}


def _plan(
    path: Path, options: Options | None
) -> tuple[Callable[..., pd.DataFrame] | None, dict[str, Any], dict[str, list[Any]]]:
    """The named reader (None: by the ending of the file), its options, and the rows to keep."""
    rest = dict(options or {})
    rows, name = rest.pop("rows", {}), rest.pop("reader", None)
    faults = []
    if not isinstance(rows, Mapping) or not all(isinstance(v, list) and v for v in rows.values()):
        faults.append(Fault(str(path), "read.rows", f"is {rows!r}", 'give column = ["code", …]'))
    reader = None if name is None else READERS.get(name) if isinstance(name, str) else None
    if name is not None and reader is None:
        close = nearest(str(name), READERS) or f"readers: {', '.join(READERS)}"
        faults.append(Fault(str(path), "read.reader", f"{name!r} is not a reader", close))
    elif reader is not None:
        known = list(inspect.signature(reader).parameters)[1:]
        faults += [
            Fault(str(path), f"read.{key}", f"is not an option of the reader {name}",
                  nearest(key, known) or f"options: {', '.join([*known, 'rows'])}")
            for key in rest if key not in known
        ]  # fmt: skip
    if faults:
        raise Faults(faults)
    return reader, rest, {str(c): list(codes) for c, codes in rows.items()}


def _taken(
    path: Path, rest: Options, rows: Mapping[str, list[Any]], columns: Iterable[str] | None, table: pd.DataFrame | None
) -> pd.DataFrame:
    """The wanted columns and rows of the table of a named reader, or else of the file."""
    wanted = None if columns is None else list(dict.fromkeys(columns))
    if table is None:
        asked = None if wanted is None else [*wanted, *(c for c in rows if c not in wanted)]
        table = files.read_file(path, rest, columns=asked)
    if faults := absent([*(wanted or ()), *rows], map(str, table.columns), file=str(path)):
        raise Faults(faults)
    table = _kept(table, rows, path)
    return table if wanted is None else table[wanted]


def _kept(table: pd.DataFrame, rows: Mapping[str, list[Any]], path: Path) -> pd.DataFrame:
    """The rows that have one of the codes in each column."""
    if not rows:
        return table
    faults = []
    keep = np.ones(len(table), bool)
    for column, wanted in rows.items():
        codes, texts = levels(table[column])
        asked = {canonical(code) for code in wanted}
        faults += [
            Fault(str(path), f"read.rows.{column}", f"no row has {code!r}", nearest(code, texts) or "correct the code")
            for code in sorted(asked - set(texts))
        ]
        keep &= np.array([text in asked for text in texts] + [False])[codes]
    if not faults and not keep.any():
        faults.append(Fault(str(path), "read.rows", "no row has all of the codes", "correct them"))
    if faults:
        raise Faults(faults)
    return table[keep].reset_index(drop=True)
