"""Files that would unfold to more than a reader can hold are refused before anything is unfolded in memory."""

from __future__ import annotations

import gzip
import re
import zipfile
import zlib
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Protocol

from uncac_metrics._toml import DOTS, MOST, has_endless_key
from uncac_metrics.model import Fault, Faults

BYTES = 8 * 2**30
"""Most bytes that a packed file may unfold to."""
RATIO = 200
"""Most bytes that a byte of a large packed file may stand for; tables of text reach 50."""
SMALL = 64 * 2**20
"""A file that unfolds to no more is not suspect."""
CELLS = 50_000_000
"""Most cells of a sheet, counted from the first to the last that holds something."""
_CHUNK = 1 << 20
_CELL = re.compile(rb'<c r="([A-Z]{1,3})([0-9]{1,7})"')


def within_limits(path: Path) -> None:
    """Refuse a file of hostile size: gzip, an Excel workbook, Parquet, SPSS, Stata.

    Parameters
    ----------
    path
        The file; its ending says what it is.

    Raises
    ------
    Faults
        It unfolds to more than :data:`BYTES`, or to more than :data:`RATIO` times its size and more than
        :data:`SMALL`; a sheet spans more than :data:`CELLS` cells; it says of itself what is not so.
    """
    about = path.stat()
    _looked_at(path, about.st_size, about.st_mtime_ns)


@lru_cache(maxsize=256)
def _looked_at(path: Path, size: int, changed: int) -> None:
    """Look once at a file that has not changed."""
    name = path.name.lower()
    if name.endswith(".gz"):
        _gzip(path)
    elif name.endswith((".xlsx", ".xlsm", ".zip")):
        _zip(path)
    elif name.endswith(".parquet"):
        _parquet(path)
    elif name.endswith((".sav", ".dta")):
        _spss_or_stata(path)


def text_within(path: Path) -> str:
    """Text of a definition in UTF-8.

    Raises
    ------
    Faults
        It is longer than a definition can be, or not UTF-8.
    """
    size = path.stat().st_size
    if size > MOST:
        raise Faults([Fault(str(path), "", f"has {size:,} bytes: too many for a definition", "give the definition")])
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise Faults([Fault(str(path), "", "is not UTF-8 text", "save it as UTF-8")]) from None
    if has_endless_key(text):
        raise Faults([Fault(str(path), "", f"a line has more than {DOTS} dots between words", "break it into several")])
    return text


def _gzip(path: Path) -> None:
    packed = path.stat().st_size
    if packed * 1032 <= SMALL:  # deflate cannot do more
        return
    try:
        with gzip.open(path) as stream:
            _count(path, _chunks(stream), packed)
    except (OSError, EOFError, zlib.error) as error:
        raise Faults([Fault(str(path), "", f"cannot be read: {error}", "check that the file is whole")]) from None


class _Stream(Protocol):
    def read(self, size: int, /) -> bytes: ...


def _chunks(stream: _Stream) -> Iterator[bytes]:
    while chunk := stream.read(_CHUNK):
        yield chunk


def _count(path: Path, chunks: Iterator[bytes], packed: int) -> None:
    total = 0
    for chunk in chunks:
        total += len(chunk)
        if total > min(BYTES, max(SMALL, RATIO * packed)):
            what = f"unfolds to more than {total // 2**20:,} MB from {packed:,} bytes"
            raise Faults([Fault(str(path), "", what, "unpack it, look at it, and give the table itself")])


def _zip(path: Path) -> None:
    try:
        with zipfile.ZipFile(path) as book:
            packed = path.stat().st_size
            total = sum(entry.file_size for entry in book.infolist())
            if total > min(BYTES, max(SMALL, RATIO * packed)):
                what = f"unfolds to {total // 2**20:,} MB from {packed:,} bytes"
                raise Faults([Fault(str(path), "", what, "unpack it, look at it, and give the table itself")])
            for entry in book.infolist():
                if entry.filename.startswith("xl/worksheets/") and entry.filename.endswith(".xml"):
                    with book.open(entry) as stream:
                        _sheet(path, entry.filename, _chunks(stream))
    except Faults:
        raise
    except Exception as error:  # noqa: BLE001 - a damaged archive ends in errors of many libraries
        said = " ".join(str(error).split()) or type(error).__name__
        raise Faults([Fault(str(path), "", f"cannot be read: {said}", "save it again as a workbook")]) from None


def _sheet(path: Path, name: str, chunks: Iterator[bytes]) -> None:
    """Refuse a sheet whose cells span more than can be held, and markup that a workbook never has."""
    tail, rows, columns = b"", [2**31, 0], [2**31, 0]
    for chunk in chunks:
        text = tail + chunk
        if b"<!DOCTYPE" in text or b"<!ENTITY" in text:
            what = f"{name} defines entities, as no workbook does"
            raise Faults([Fault(str(path), "", what, "do not use the file: it may be an attack")])
        for letters, digits in _CELL.findall(text):
            column, row = 0, int(digits)
            for letter in letters:
                column = 26 * column + letter - 64
            rows = [min(rows[0], row), max(rows[1], row)]
            columns = [min(columns[0], column), max(columns[1], column)]
        tail = text[-32:]
    cells = max(0, rows[1] - rows[0] + 1) * max(0, columns[1] - columns[0] + 1)
    if cells > CELLS:
        what = f"{name} spans {cells:,} cells"
        raise Faults([Fault(str(path), "", what, "remove stray cells far from the table, or save it as CSV")])


def _parquet(path: Path) -> None:
    try:
        from pyarrow.parquet import read_metadata
    except ImportError:  # said by the reader
        return
    try:
        about = read_metadata(path)
    except Exception:  # noqa: BLE001 - said by the reader, in its words
        return
    packed = path.stat().st_size
    groups = [about.row_group(i) for i in range(about.num_row_groups)]
    unfolded = max(sum(group.total_byte_size for group in groups), about.num_rows * about.num_columns)
    if unfolded > max(RATIO * packed, 10**9):
        what = f"says that it holds {about.num_rows:,} rows of {about.num_columns} columns in {packed:,} bytes"
        raise Faults([Fault(str(path), "", what, "look at it, and give the table itself")])


def _spss_or_stata(path: Path) -> None:
    """Refuse a file that says it has more rows than it has bytes for: as many would be laid out before one is read."""
    try:
        import pyreadstat
    except ImportError:  # said by the reader
        return
    reader = pyreadstat.read_sav if path.name.lower().endswith(".sav") else pyreadstat.read_dta
    try:
        about = reader(str(path), metadataonly=True, encoding="ISO-8859-1")[1]  # has a letter for every byte
    except Exception:  # noqa: BLE001 - said by the reader, in its words
        return
    size, rows, columns = path.stat().st_size, about.number_rows or 0, about.number_columns or 0
    with path.open("rb") as stream:
        packed = stream.read(4) == b"$FL3"  # by zlib; otherwise a value has a byte at least
    if rows * max(1, columns) > (1032 * size if packed else size):
        what = f"says that it holds {rows:,} rows of {columns} columns in {size:,} bytes"
        raise Faults([Fault(str(path), "", what, "look at it, and give the table itself")])
