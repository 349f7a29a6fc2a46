"""Formats: a table as it stands in its file.

CSV is read as text, so that the codes ``NA``, ``NO`` and ``01`` stay what they are. SPSS and Stata codes are
kept as codes, user-missing ones among them; :func:`labels` gives their value labels. Whatever keeps a file
from being read is one fault with a remedy.
"""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd

from uncac_metrics.model import Fault, Faults
from uncac_metrics.readers.limits import within_limits
from uncac_metrics.tables import nearest

Options = Mapping[str, Any]

EXTRAS = {
    "ocdsmerge": "ocds",
    "pyarrow": "parquet",
    "pyreadstat": "spss",
    "pysdmx": "sdmx",
    "python_calamine": "excel",
    "yaml": "opensdg",
}
"""Library that a format needs -> extra of the package that installs it."""


def read_file(
    path: str | Path, options: Options | None = None, *, columns: Iterable[str] | None = None
) -> pd.DataFrame:
    """Read a data file as it stands.

    Parameters
    ----------
    path : path
        ``.csv``, ``.csv.gz``, ``.parquet``, ``.sav`` (SPSS), ``.dta`` (Stata), ``.xlsx`` or ``.xls``.
    options : mapping, optional
        ``separator`` and ``encoding`` (CSV; by default a comma and UTF-8), ``skip_rows`` (lines above the
        header: CSV, Excel), ``sheet`` (Excel, name or number from 0), ``encoding`` (SPSS, Stata).
    columns : iterable of str, optional
        Columns to read; by default all.

    Returns
    -------
    DataFrame
        Values as in the file.

    Raises
    ------
    Faults
        No such file, unknown format or option, missing library, unreadable or empty file, missing columns.
    """
    path, options = Path(path), dict(options or {})
    reader = _reader(path, options)
    present = file_header(path, options)
    wanted = None if columns is None else list(dict.fromkeys(columns))
    if faults := absent(wanted or (), present, file=str(path)):
        raise Faults(faults)
    with as_fault(path):
        frame = reader(path, options, wanted)
    if frame.empty:
        raise Faults([Fault(str(path), "", "holds no rows", "give the complete file")])
    return frame


def file_header(path: str | Path, options: Options | None = None) -> list[str]:
    """Names of a file's columns; of the data nothing is read (of an Excel sheet one row).

    Raises
    ------
    Faults
        As :func:`read_file`, and where a name stands twice.
    """
    path, options = Path(path), dict(options or {})
    _reader(path, options)
    must_exist(path)
    with as_fault(path):
        names = [str(n) for n in _HEADERS[_suffix(path)](path, options)]
    faults = [
        Fault(str(path), n, "the column stands twice in the file", "rename one of them")
        for n in sorted({n for n in names if names.count(n) > 1})
    ]
    if len(names) == 1 and (found := next((s for s in ";\t|" if s in names[0]), None)):
        said = f'[read] separator = "{found}"'.replace("\t", "\\t")
        faults.append(Fault(str(path), "", "has one column only", f"set {said}"))
    if faults:
        raise Faults(faults)
    return names


def labels(path: str | Path, options: Options | None = None) -> dict[str, dict[Any, str]]:
    """Value labels of an SPSS or Stata file: column -> code -> label; empty for other formats."""
    path, options = Path(path), dict(options or {})
    if _suffix(path) not in (".sav", ".dta"):
        return {}
    file_header(path, options)
    with as_fault(path):
        _, meta = _statistics(path, options, metadataonly=True)
    return dict(meta.variable_value_labels)


def variable_labels(path: Path) -> dict[str, str]:
    """Labels of the columns of an SPSS or Stata file, where they have one; empty for other formats."""
    if _suffix(path) not in (".sav", ".dta"):
        return {}
    with as_fault(path):
        _, meta = _statistics(path, {}, metadataonly=True)
    return {name: label for name, label in meta.column_names_to_labels.items() if label}


def must_exist(path: Path) -> None:
    """A fault where there is no such file, nothing in it, or more than can be held."""
    if not path.is_file():
        raise Faults([Fault(str(path), "", "there is no such file", "correct the path or add the file")])
    if path.stat().st_size == 0:
        raise Faults([Fault(str(path), "", "the file is empty", "give the complete file")])
    within_limits(path)


def absent(wanted: Iterable[str], present: Iterable[str], *, file: str) -> list[Fault]:
    """A fault for every wanted column that a file lacks.

    Parameters
    ----------
    wanted
        Columns that are needed.
    present
        Columns of the file.
    file
        Its name, for the faults.

    Returns
    -------
    list of Fault
    """
    present = list(present)
    return [
        Fault(file, name, "the file has no such column", nearest(name, present) or "correct the name")
        for name in wanted
        if name not in present
    ]


# --- formats


def _csv(path: Path, options: Options, columns: list[str] | None) -> pd.DataFrame:
    with warnings.catch_warnings():
        warnings.simplefilter("error", pd.errors.ParserWarning)  # a row longer than the header
        return pd.read_csv(path, usecols=columns, index_col=False, **_csv_options(options))


def _csv_header(path: Path, options: Options) -> Iterable[str]:
    return pd.read_csv(path, header=None, nrows=1, **_csv_options(options)).iloc[0]


def _csv_options(options: Options) -> dict[str, Any]:
    return {
        "sep": options.get("separator", ","),
        "encoding": options.get("encoding", "utf-8-sig"),
        "skiprows": options.get("skip_rows", 0),
        "dtype": str,
        "keep_default_na": False,
        "na_filter": False,
    }


def _parquet(path: Path, options: Options, columns: list[str] | None) -> pd.DataFrame:
    need("pyarrow", path)
    return pd.read_parquet(path, columns=columns, engine="pyarrow")


def _parquet_header(path: Path, options: Options) -> Iterable[str]:
    need("pyarrow", path)
    return importlib.import_module("pyarrow.parquet").read_schema(path).names


def _spss_or_stata(path: Path, options: Options, columns: list[str] | None) -> pd.DataFrame:
    return _statistics(path, options, usecols=columns)[0]


def _spss_or_stata_header(path: Path, options: Options) -> Iterable[str]:
    return _statistics(path, options, metadataonly=True)[1].column_names


def _statistics(path: Path, options: Options, **more: Any) -> tuple[pd.DataFrame, Any]:
    pyreadstat = need("pyreadstat", path)
    reader = pyreadstat.read_sav if _suffix(path) == ".sav" else pyreadstat.read_dta
    more = {k: v for k, v in more.items() if v is not None}
    return reader(str(path), user_missing=True, encoding=options.get("encoding"), **more)


def _excel(path: Path, options: Options, columns: list[str] | None, **more: Any) -> pd.DataFrame:
    need("python_calamine", path)
    return pd.read_excel(
        path, sheet_name=options.get("sheet", 0), skiprows=options.get("skip_rows", 0), usecols=columns,
        dtype=object, keep_default_na=False, na_values=[""], engine="calamine", **more,
    )  # fmt: skip


def _excel_header(path: Path, options: Options) -> Iterable[str]:
    return _excel(path, options, None, header=None, nrows=1).iloc[0].dropna()


_READERS: dict[str, tuple[Callable[..., pd.DataFrame], tuple[str, ...]]] = {
    ".csv": (_csv, ("separator", "encoding", "skip_rows")),
    ".csv.gz": (_csv, ("separator", "encoding", "skip_rows")),
    ".parquet": (_parquet, ()),
    ".sav": (_spss_or_stata, ("encoding",)),
    ".dta": (_spss_or_stata, ("encoding",)),
    ".xlsx": (_excel, ("sheet", "skip_rows")),
    ".xls": (_excel, ("sheet", "skip_rows")),
}
_HEADERS: dict[str, Callable[..., Iterable[str]]] = {
    ".csv": _csv_header,
    ".csv.gz": _csv_header,
    ".parquet": _parquet_header,
    ".sav": _spss_or_stata_header,
    ".dta": _spss_or_stata_header,
    ".xlsx": _excel_header,
    ".xls": _excel_header,
}


def _suffix(path: Path) -> str:
    name = path.name.lower()
    return next((s for s in sorted(_READERS, key=len, reverse=True) if name.endswith(s)), path.suffix.lower())


def _reader(path: Path, options: Options) -> Callable[..., pd.DataFrame]:
    """The reader of a format, once the format and the options are known to be right."""
    suffix = _suffix(path)
    if suffix not in _READERS:
        what = f"files that end in {suffix!r} cannot be read" if suffix else "the file name has no ending"
        raise Faults([Fault(str(path), "", what, f"give one of {', '.join(_READERS)}")])
    reader, known = _READERS[suffix]
    faults = [
        Fault(str(path), f"read.{key}", f"is not an option for {suffix}", nearest(key, known) or "leave it out")
        for key in options
        if key not in known
    ]
    if faults:
        raise Faults(faults)
    return reader


def need(library: str, path: Path) -> Any:
    """A library that a format needs, or the fault that names the extra which installs it."""
    try:
        return importlib.import_module(library)
    except ImportError:
        remedy = f'pip install "uncac-metrics[{EXTRAS[library]}]"'
        raise Faults([Fault(str(path), "", f"reading it needs {library.replace('_', '-')}", remedy)]) from None


@contextmanager
def as_fault(path: Path) -> Iterator[None]:
    """Whatever a library says of a file it cannot read, as a fault."""
    try:
        yield
    except Faults:
        raise
    except UnicodeDecodeError as error:
        remedy = 'state it: [read] encoding = "windows-1252" (or another)'
        raise Faults([Fault(str(path), "", f"the text is not in {error.encoding}", remedy)]) from None
    except Exception as error:  # noqa: BLE001 - each library has exceptions of its own
        said = " ".join(str(error).split()) or type(error).__name__
        raise Faults([Fault(str(path), "", f"cannot be read: {said}", "check that the file is whole")]) from None
