"""Layouts: cells, headers, numbers and areas of a file, checked against what the reader expects.

What a file lacks is named with what was found in its place; nothing is looked for elsewhere.
"""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from uncac_metrics.model import Fault, Faults
from uncac_metrics.readers.files import as_fault, must_exist, need
from uncac_metrics.reference import load
from uncac_metrics.reference.names import harmonise
from uncac_metrics.tables import nearest

Row = list[Any]
AREA_COLUMNS = ("ref_area", "m49", "area_code", "area_name", "area_status")
"""Columns that :func:`areas` makes."""

_SHOWN = 5
_THOUSANDS = re.compile(r"-?\d{1,3}(,\d{3})+(\.\d+)?")
_LOOKED_AT = 12


def workbook(path: Path) -> dict[str, list[Row]]:
    """Sheets of an Excel workbook (``.xlsx`` or ``.xls``) by name: rows of cells, the empty ones as ``""``."""
    must_exist(path)
    calamine = need("python_calamine", path)
    with as_fault(path):
        book = calamine.CalamineWorkbook.from_path(str(path))
        return {n: book.get_sheet_by_name(n).to_python(skip_empty_area=False) for n in book.sheet_names}


def text_rows(path: Path, encoding: str = "utf-8-sig") -> list[Row]:
    """Rows of a CSV file as text, however many cells each has."""
    must_exist(path)
    with as_fault(path), path.open(encoding=encoding, newline="") as stream:
        return [[*row] for row in csv.reader(stream, strict=True)]


def sheet(book: Mapping[str, list[Row]], name: str, path: Path) -> list[Row]:
    """A sheet by its name, blanks around it aside."""
    found = next((rows for title, rows in book.items() if title.strip() == name.strip()), None)
    if found is None:
        what = f"there is no sheet {name!r}; the sheets are {listed(book)}"
        raise Faults([Fault(str(path), "sheet", what, nearest(name, book) or "give the file of the described layout")])
    return found


def header_row(rows: Sequence[Row], wanted: Sequence[str], path: Path, where: str = "header") -> int:
    """Index of the row that is the header: among the first twelve the first that holds most of the wanted names.

    It must hold at least half of them; those that it lacks are for the caller to name.
    """
    found = [{cell_text(c) for c in row} for row in rows[:_LOOKED_AT]]
    held = [sum(name in names for name in wanted) for names in found]
    at = int(np.argmax(held)) if held else 0
    if not held or 2 * held[at] < len(wanted):
        said = listed(cell_text(c) for c in rows[at] if cell_text(c)) if rows else "nothing"
        what = f"no row of the first {_LOOKED_AT} is the header {listed(wanted)}; row {at + 1} has {said}"
        raise Faults([Fault(str(path), where, what, "give the file in the described layout, or another reader")])
    return at


def frame(rows: Sequence[Row], at: int, path: Path, *, only: Iterable[str] | None = None) -> pd.DataFrame:
    """The rows below a header as a frame of cells; `only`: the header must hold these columns and no others."""
    names = [cell_text(c) for c in rows[at]]
    while names and not names[-1]:
        names.pop()
    faults = [Fault(str(path), n or f"column {names.index(n) + 1}", "the column stands twice or has no name",
                    "give the file in the described layout")
              for n in dict.fromkeys(names) if names.count(n) > 1 or not n]  # fmt: skip
    if only is not None:
        wanted = list(only)
        for name in (n for n in wanted if n not in names):
            faults.append(Fault(str(path), name, f"the column is missing; the file has {listed(names)}",
                                nearest(name, names) or "give the file in the described layout"))  # fmt: skip
        for name in (n for n in names if n and n not in wanted):
            faults.append(Fault(str(path), name, "is not a column of this layout", f"columns are {listed(wanted)}"))
    if faults:
        raise Faults(faults)
    width = len(names)
    kept = [(row + [""] * width)[:width] for row in rows[at + 1 :] if any(map(_filled, row))]
    if not kept:
        raise Faults([Fault(str(path), "", "holds no rows", "give the complete file")])
    return pd.DataFrame(kept, columns=names, dtype=object)


def must_have(names: Iterable[str], wanted: Iterable[str], path: Path) -> None:
    """A fault for each column that is wanted and not there, all at once."""
    names = list(names)
    faults = [
        Fault(str(path), w, f"the column is missing; the file has {listed(names)}",
              nearest(w, names) or "give the file in the described layout, or another reader")
        for w in wanted if w not in names
    ]  # fmt: skip
    if faults:
        raise Faults(faults)


def numbers(cells: pd.Series, path: Path, *, missing: Iterable[str] = ("",)) -> np.ndarray:
    """Cells as floats; ``12,345`` is 12345, the missing marks are NaN, anything else is a fault with its rows."""
    values = np.full(len(cells), np.nan)
    held = cells.to_numpy(object)
    plain_number = np.array([type(c) in (int, float) for c in held], bool)
    values[plain_number] = held[plain_number].astype(float)
    others = np.flatnonzero(~plain_number)
    read = {text: number(text, missing) for text in {cell_text(held[i]) for i in others}}
    wrong = np.zeros(len(cells), bool)
    for i in others:
        value = read[cell_text(held[i])]
        wrong[i] = value is None
        values[i] = np.nan if value is None else value
    if wrong.any():
        said = listed(text for text, value in read.items() if value is None)
        raise Faults([at_rows(path, str(cells.name), f"{said}: not a number", wrong, "correct the file")])
    return values


def number(text: str, missing: Iterable[str] = ("",)) -> float | None:
    """A text as a float, NaN for a missing mark, None where it is neither.

    Examples
    --------
    >>> number("1,234"), number("..", ("..",)), number("12,34"), number("nan")
    (1234.0, nan, None, None)
    """
    if text in missing:
        return math.nan
    try:
        value = float(text.replace(",", "")) if _THOUSANDS.fullmatch(text) else float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def texts(cells: pd.Series) -> pd.Series:
    """Cells as text without blanks around it; a whole number without decimals."""
    codes, levels = pd.factorize(cells, use_na_sentinel=False)
    return pd.Series(np.array([cell_text(v) for v in levels], object)[codes], cells.index, dtype="str")


def recoded(cells: pd.Series, codes: Mapping[str, str], path: Path) -> pd.Series:
    """Cells by a closed list of codes; any other is a fault with its rows."""
    written = texts(cells)
    unknown = ~written.isin(list(codes)).to_numpy()
    if unknown.any():
        what = f"{listed(written[unknown].unique())} is not a code of the column"
        raise Faults([at_rows(path, str(cells.name), what, unknown, f"codes: {listed(codes)}")])
    return written.map(dict(codes)).astype("str")


def areas(
    codes: pd.Series | None, names: pd.Series | None, path: Path, decisions: Mapping[str, str] | None = None
) -> pd.DataFrame:
    """Columns that say which area a row is for.

    ``ref_area`` is the ISO code of three letters (M49 for the world and regions) where the code of the file, or the
    name where it has none, is certain; otherwise it is what the file says. ``m49`` is empty where there is none.
    ``area_code`` and ``area_name`` are as in the file. ``area_status`` is country, region, or why the area was
    not mapped: part, unlisted, historical, ambiguous, aggregate, unknown (decision: mapped to a user-assigned code).
    A code beside the name of another area is a fault.
    """
    if codes is None and names is None:
        raise ValueError("an area needs a code or a name")
    some = codes if codes is not None else names
    assert some is not None
    code = texts(codes) if codes is not None else pd.Series("", some.index, dtype="str")
    name = texts(names) if names is not None else pd.Series("", some.index, dtype="str")
    written = code.where(code != "", name)
    found, report = harmonise(written, decisions=decisions)
    by_name, _ = harmonise(name, decisions=decisions)
    both = (found["m49"] != "") & (by_name["m49"] != "") & (found["m49"] != by_name["m49"])
    if both.any():
        pairs = (code[both] + " beside " + name[both]).unique()
        remedy = "correct the file, or say by areas = {…} what the code or the name stands for"
        raise Faults([at_rows(path, str(some.name), f"{listed(pairs)}: code and name are of two areas",
                              both.to_numpy(), remedy)])  # fmt: skip
    level = load("areas").set_index("m49")["level"].map(lambda of: of if of == "country" else "region")
    how = dict(zip(report["written"], report["how"], strict=True))
    status = found["m49"].map(level).fillna(written.map(how)).fillna("unknown")
    ref = found["iso3"].where(found["iso3"] != "", found["m49"]).where(lambda s: s != "", written)
    columns = (ref, found["m49"], code, name, status)
    return pd.DataFrame({n: c.astype("str") for n, c in zip(AREA_COLUMNS, columns, strict=True)}, index=some.index)


def stacked(named: pd.DataFrame, blocks: Sequence[tuple[Mapping[str, Any], np.ndarray]], value: str) -> pd.DataFrame:
    """Columns of a wide table one below the other: for each block its labels and its values, a row an area."""
    n, k = len(named), len(blocks)
    table = named.take(np.tile(np.arange(n), k)).reset_index(drop=True)
    labels = pd.DataFrame([label for label, _ in blocks])
    for name in labels.columns:
        column = labels[name].take(np.repeat(np.arange(k), n)).set_axis(table.index)
        table[name] = column if pd.api.types.is_numeric_dtype(column.dtype) else column.astype("str")
    table[value] = np.concatenate([values for _, values in blocks])
    return table


def once(table: pd.DataFrame, key: Iterable[str], path: Path) -> None:
    """A fault where rows have the same key."""
    key = list(key)
    double = table.duplicated(key, keep=False).to_numpy()
    if double.any():
        first = ", ".join(str(v) for v in table.loc[double, key].iloc[0] if str(v))
        raise Faults([at_rows(path, ", ".join(key), f"rows have the same key, such as {first}", double, "keep one")])


def at_rows(path: Path, where: str, what: str, rows: np.ndarray, remedy: str) -> Fault:
    """A fault of rows, which are counted from 1 below the header."""
    held = np.flatnonzero(rows)
    return Fault(str(path), where, what, remedy, tuple(int(r) + 1 for r in held[:_SHOWN]), len(held))


def cell_text(cell: object) -> str:
    """A cell as text: ``2013.0`` as 2013, blanks collapsed.

    Examples
    --------
    >>> [cell_text(c) for c in (2013.0, " CL ", 2.5, None, "a\\xa0b")]
    ['2013', 'CL', '2.5', '', 'a b']
    """
    if cell is None:
        return ""
    if isinstance(cell, float):
        return "" if np.isnan(cell) else str(int(cell)) if cell.is_integer() else repr(cell)
    return " ".join(str(cell).split())


def _filled(cell: object) -> bool:
    return cell is not None and (bool(cell.strip()) if isinstance(cell, str) else True)


def listed(names: Iterable[str], most: int = 15) -> str:
    """Names in quotes, the first ones where there are many."""
    names = [str(n) for n in names]
    more = f", … ({len(names)} in all)" if len(names) > most else ""
    return ", ".join(repr(n) for n in names[:most]) + more if names else "none"
