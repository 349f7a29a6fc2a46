"""Ratings and survey results laid out over several sheets: WJP Rule of Law, Freedom in the World, Global
Corruption Barometer."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from uncac_metrics.model import Fault, Faults
from uncac_metrics.readers import layout

Decisions = Mapping[str, str] | None

_EDITION = re.compile(r"WJP ROL Index (\d{4}(?:-\d{4})?) Scores")
_ITEM = re.compile(r"(?:Factor (\d)):\s*(.+)|(\d\.\d{1,2})\.?\s+(.+)|((?:WJP Rule of Law Index: )?Overall Score)")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_RATED = ("PR", "CL", "Status")
_FIW_SHEETS = {"Country Ratings, Statuses": "country", "Territory Ratings, Statuses": "territory"}


def wjp(path: str | Path, *, areas: Decisions = None) -> pd.DataFrame:
    """Read the historical data of the World Justice Project's Rule of Law Index (``.xlsx``, a sheet an edition).

    Parameters
    ----------
    path : path
        Workbook with sheets ``WJP ROL Index <edition> Scores``: areas in columns, below them code, region, income
        group and a row an item. The first edition (2012-2013) has areas in rows and no codes.
    areas : mapping, optional
        Decisions on areas, as for :func:`uncac_metrics.reference.names.harmonise`.

    Returns
    -------
    DataFrame
        Columns of ratings: ``time_period`` (2012/2013 for an edition of two years), ``method_version`` (the edition),
        ``item`` (``0`` overall, ``1`` … ``8`` factors, ``2.1`` … sub-factors) and ``item_name``, ``score`` from 0 to 1
        (1 best). No standard errors are published.

    Raises
    ------
    Faults
        No sheet of an edition, rows that are no item, values that are no numbers or outside 0 to 1.

    Notes
    -----
    The number of an item does not mean the same in every edition (factor 3 is Order and Security in 2012-2013, Open
    Government since): join editions by ``item_name``, or not at all. The code SLN of the file is Sierra Leone.
    """
    path = Path(path)
    book = layout.workbook(path)
    editions = {found[1]: rows for name, rows in book.items() if (found := _EDITION.fullmatch(name.strip()))}
    if not editions:
        what = f"no sheet is called 'WJP ROL Index <edition> Scores'; the sheets are {layout.listed(book)}"
        raise Faults([Fault(str(path), "sheet", what, "give the file of historical data")])
    made = []
    for edition, rows in editions.items():
        across = layout.cell_text(rows[1][0]) in ("Country Code", "Abbreviation") if len(rows) > 1 else False
        turned = rows if across else [list(column) for column in zip(*rows, strict=True)]
        heads = [layout.cell_text(row[0]) for row in turned]
        layout.must_have(heads, ["Country", "Region", "Income Group"], path)
        code = turned[1][1:] if across else None
        name = pd.Series(turned[0][1:], dtype=object, name="Country")
        named = layout.areas(None if code is None else pd.Series(code, dtype=object, name=heads[1]), name, path, areas)
        known = ("Country", "Country Code", "Abbreviation", "Region", "Income Group", "")
        blocks = []
        for head, row in zip(heads, turned, strict=True):
            if head in known:
                continue
            found = _ITEM.fullmatch(head)
            if not found:
                remedy = "an item is 'Factor 1: …', '1.1 …' or 'Overall Score'"
                raise Faults([Fault(str(path), f"edition {edition}", f"{head!r} is not an item", remedy)])
            cells = pd.Series(row[1:], dtype=object, name=f"{edition}: {head}")
            score = layout.numbers(cells, path)
            out = (score < 0) | (score > 1)
            if out.any():
                raise Faults([layout.at_rows(path, str(cells.name), "is not from 0 to 1", out, "correct the file")])
            said = {
                "time_period": edition.replace("-", "/"), "method_version": edition, "scheme": "WJP",
                "item": found[1] or found[3] or "0", "item_name": found[2] or found[4] or "Overall score",
            }  # fmt: skip
            blocks.append((said, score))
        made.append(layout.stacked(named, blocks, "score").dropna(subset="score"))
    table = pd.concat(made, ignore_index=True)
    layout.once(table, ("ref_area", "time_period", "item"), path)
    return table


def freedom_in_the_world(path: str | Path, *, areas: Decisions = None) -> pd.DataFrame:
    """Read Freedom House's ratings and statuses since 1973 (``.xlsx``).

    Parameters
    ----------
    path : path
        Workbook with the sheets ``Country Ratings, Statuses`` and ``Territory Ratings, Statuses``: survey edition,
        years under review, and for each three columns PR, CL and Status.
    areas : mapping, optional
        Decisions on areas, as for :func:`uncac_metrics.reference.names.harmonise`.

    Returns
    -------
    DataFrame
        Columns of ratings: ``time_period`` is what was under review (``2019``, ``1981-01/1982-08``), ``round`` the
        survey edition, ``item`` PR (political rights), CL (civil liberties) or Status, ``rating`` the code as
        written (1 to 7, or F, PF, NF), ``kind`` country or territory. ``-`` (not rated) has no row. South Africa in
        1972 has two ratings each, ``2(5)``: the rating is kept as written.

    Raises
    ------
    Faults
        No such sheets, another order of columns, unknown ratings.

    Notes
    -----
    Ratings are ordinal: medians, shares and transitions, no means. Areas are given by name alone: territories and
    former States are reported as such.
    """
    path = Path(path)
    book = layout.workbook(path)
    made = []
    for title, kind in _FIW_SHEETS.items():
        rows = layout.sheet(book, title, path)
        heads = [layout.cell_text(row[0]) for row in rows[:2]]
        if heads != ["Survey Edition", "Year(s) Under Review"]:
            what = f"the first rows are called {layout.listed(heads)}"
            raise Faults([Fault(str(path), title, what, "'Survey Edition' and 'Year(s) Under Review' are due")])
        body = [row for row in rows[3:] if layout.cell_text(row[0])]
        named = layout.areas(None, pd.Series([row[0] for row in body], dtype=object, name=title), path, areas)
        blocks = []
        for at in range(1, len(rows[0]), 3):
            triple = tuple(layout.cell_text(c) for c in rows[2][at : at + 3])
            if triple != _RATED:
                what = f"columns {at + 1} to {at + 3} are {layout.listed(triple)}"
                raise Faults([Fault(str(path), title, what, f"{layout.listed(_RATED)} are due")])
            said = {
                "time_period": _reviewed(layout.cell_text(rows[1][at]), path, title), "scheme": "FIW", "kind": kind,
                "round": layout.cell_text(rows[0][at]),
            }  # fmt: skip
            for offset, item in enumerate(_RATED):
                rating = np.array([layout.cell_text(row[at + offset]) for row in body], object)
                blocks.append(({**said, "item": item, "item_name": item}, rating))
        table = layout.stacked(named, blocks, "rating").astype({"rating": "str"})
        made.append(table[~table["rating"].isin(["-", ""])])
    table = pd.concat(made, ignore_index=True)
    status = (table["item"] == "Status").to_numpy()
    good = np.where(status, table["rating"].str.fullmatch(r"(F|PF|NF)( \((F|PF|NF)\))?"),
                    table["rating"].str.fullmatch(r"[1-7](\([1-7]\))?"))  # fmt: skip
    if not good.all():
        what = f"{layout.listed(table.loc[~good, 'rating'].unique())}: not 1 to 7, F, PF, NF or -"
        raise Faults([Fault(str(path), "rating", what, "correct the file", count=int((~good).sum()))])
    layout.once(table, ("area_name", "kind", "time_period", "item"), path)
    return table


def _reviewed(text: str, path: Path, where: str) -> str:
    """``2019``, or ``Jan.1981-Aug. 1982`` as 1981-01/1982-08."""
    if re.fullmatch(r"\d{4}", text):
        return text
    parts = re.fullmatch(r"([A-Z][a-z]{2})\. ?(\d{4})-([A-Z][a-z]{2})\. ?(\d{4})", text)
    if not parts or parts[1] not in _MONTHS or parts[3] not in _MONTHS:
        raise Faults([Fault(str(path), where, f"{text!r} is not a year or period under review", "correct the file")])
    first, last = (f"{parts[i + 1]}-{_MONTHS.index(parts[i]) + 1:02}" for i in (1, 3))
    return f"{first}/{last}"


def gcb(path: str | Path, *, question: str = "Q7", areas: Decisions = None) -> pd.DataFrame:
    """Read the country tables of the Global Corruption Barometer (``.xls``, layout of 2013).

    Parameters
    ----------
    path : path
        Workbook with a sheet a question and the year in the sheet ``Contents``. The old Excel format is read by
        ``python-calamine`` (extra ``excel``); ``xlrd`` is not needed.
    question : str
        Name of the sheet: Q7 is bribes paid by service, Q12 refusing to pay.
    areas : mapping, optional
        Decisions on areas, as for :func:`uncac_metrics.reference.names.harmonise`.

    Returns
    -------
    DataFrame
        ``ref_area``, ``m49``, ``area_code``, ``area_name``, ``area_status``, ``time_period`` (year), ``series``
        (``GCB_Q7``), ``table`` (number of the table in the sheet, from 1), ``part`` (heading above the columns),
        ``item`` (heading of the column), ``value`` and ``unit`` (as in the file, empty where it does not say).
        ``Global`` is the world (001). Empty cells, where nothing was published, have no row.

    Raises
    ------
    Faults
        No such sheet, no table in it, rows without a code, values that are no numbers.

    Notes
    -----
    Standard errors and sizes of samples are not in the file; about 1,000 interviews a country. Marks of the
    most corrupt institution (third and fourth table of Q6) repeat the first two and are left out.
    """
    path = Path(path)
    book = layout.workbook(path)
    contents = " ".join(layout.cell_text(c) for row in layout.sheet(book, "Contents", path) for c in row)
    year = re.search(r"Global Corruption Barometer\D*(\d{4})", contents)
    if not year:
        what = "the sheet Contents does not say 'Global Corruption Barometer <year>'"
        raise Faults([Fault(str(path), "Contents", what, "give the workbook in the layout of 2013")])
    rows = layout.sheet(book, question, path)
    made = list(_gcb_tables(rows, path, question, areas))
    if not made:
        what = "no row begins with 'Country' and 'ISO'"
        raise Faults([Fault(str(path), question, what, "give the workbook in the layout of 2013")])
    table = pd.concat(made, ignore_index=True)
    table.insert(5, "time_period", year[1])
    table.insert(6, "series", f"GCB_{question}")
    layout.once(table, ("ref_area", "table", "part", "item"), path)
    return table


def _gcb_tables(rows: list[layout.Row], path: Path, question: str, areas: Decisions) -> Iterator[pd.DataFrame]:
    heads = [i for i, row in enumerate(rows) if [layout.cell_text(c) for c in row[:2]] == ["Country", "ISO"]]
    ends = [h - 1 for h in heads[1:]] + [len(rows)] * bool(heads)
    for number, (at, end) in enumerate(zip(heads, ends, strict=True), 1):
        titles = [layout.cell_text(c) for c in rows[at - 1]] if at else [""] * len(rows[at])
        if "Most corrupt institution" in titles[0]:
            continue
        units = [layout.cell_text(c) for c in rows[at + 1]] if at + 1 < end else []
        has_units = bool(units) and set(units) <= {"", "%"}
        body = []
        for row in rows[at + 1 + has_units : end]:
            name, code = layout.cell_text(row[0]), layout.cell_text(row[1])
            if name and not code and name != "Global":
                remedy = "give the workbook in the layout of 2013"
                raise Faults([Fault(str(path), question, f"{name!r} has no code beside it", remedy)])
            if name:
                body.append(row)
        names, codes = (pd.Series([row[i] for row in body], dtype=object, name=rows[at][i]) for i in (0, 1))
        named = layout.areas(codes, names, path, areas)
        part, blocks = "", []
        for column in range(2, len(rows[at])):
            part = titles[column] or part or titles[0]
            item = layout.cell_text(rows[at][column])
            if not item:
                continue
            cells = pd.Series([row[column] for row in body], dtype=object, name=f"{question}: {item}")
            unit = units[column] if has_units else ""
            blocks.append(({"table": number, "part": part, "item": item, "unit": unit}, layout.numbers(cells, path)))
        yield layout.stacked(named, blocks, "value").dropna(subset="value")
