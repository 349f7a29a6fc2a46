"""Data files of Open SDG: a CSV file an indicator, with ``Year``, disaggregations, ``Units``, ``Series``, ``Value``.

Intervals are not part of that layout. Where a file of the same name lies in a folder ``uncertainty`` beside ``data``,
its rows are the same ones in the same order, with their bounds.
"""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd

from uncac_metrics.model import BREAKDOWNS, TOTAL, Fault, Faults
from uncac_metrics.readers import layout
from uncac_metrics.readers.files import must_exist
from uncac_metrics.readers.sdmx_data import CONCEPTS, NUMBERS, numbers

LEADING, CLOSING = "Year", ("Units", "Series", "Value")
"""First and last columns of a data file; what lies between are disaggregations, where an empty cell is the total."""
BESIDE = "uncertainty"
"""Folder beside ``data`` that holds the bounds."""
_NAME = re.compile(r"indicator_(.+)\.csv")


def open_sdg(path: str | Path, *, ref_area: str = "", vintage: str = "") -> pd.DataFrame:
    """Read a data file of Open SDG.

    Parameters
    ----------
    path : path
        ``data/indicator_<id>.csv``; ``uncertainty/indicator_<id>.csv`` beside the folder is read too where it is there.
    ref_area : str
        Area of rows without one of their own (a column ``REF_AREA``); Open SDG sites are of one country.
    vintage : str
        Release that the file is of; no file says it.

    Returns
    -------
    DataFrame
        ``series`` (the id in the file's name, dashes as they are), ``ref_area``, ``time_period``, every breakdown
        (``_T`` where the file has none), ``value``, ``unit``, ``source`` (the column ``Series``), ``vintage``; with a
        file of bounds ``std_error``, ``lower``, ``upper``, ``conf_level``, ``n``, ``obs_status`` and the rest of it.
        Disaggregations under other names than those of this package have columns of their own in small letters.

    Raises
    ------
    Faults
        Other columns than the layout's, a name that does not say the indicator, numbers that are none, rows with the
        same key, a file of bounds with other rows.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "indicator_16-5-1.csv")
    ...     _ = path.write_text("Year,SEX,Units,Series,Value\\n2017,,%,ENCIG,14.6\\n2017,F,%,ENCIG,12.4\\n")
    ...     table = open_sdg(path, ref_area="MEX")
    >>> table[["series", "ref_area", "time_period", "sex", "value"]].to_csv(index=False, header=False)
    '16-5-1,MEX,2017,_T,14.6\\n16-5-1,MEX,2017,F,12.4\\n'
    """
    path = Path(path)
    must_exist(path)
    named = _NAME.fullmatch(path.name)
    if named is None:
        what = f"the name {path.name!r} is not indicator_<id>.csv"
        raise Faults([Fault(str(path), "", what, "name the file as Open SDG does")])
    cells = _cells(path)
    groups = list(cells.columns[1 : -len(CLOSING)])
    beside = path.parent.parent / BESIDE / path.name
    shared = [LEADING, *groups, *CLOSING]
    if beside.is_file():
        more = layout.frame(layout.text_rows(beside), 0, beside)
        layout.must_have(more.columns, shared, beside)
        if not more[shared].equals(cells[shared]):
            raise Faults([Fault(str(beside), "", f"has other rows than {path.name}", "write both files again")])
        cells = more
    table = pd.DataFrame({"series": named[1], "time_period": layout.texts(cells[LEADING])})
    area = layout.texts(cells["REF_AREA"]) if "REF_AREA" in cells else pd.Series("", cells.index)
    table["ref_area"] = area.where(area != "", ref_area)
    table["value"] = numbers(cells["Value"], path)
    table["unit"], table["source"] = layout.texts(cells["Units"]), layout.texts(cells["Series"])
    for name in (str(c) for c in cells.columns if c not in (LEADING, *CLOSING, "REF_AREA")):
        column = CONCEPTS.get(name, name.lower())
        if name in groups:
            found = layout.texts(cells[name])
            table[column] = found.where(found != "", TOTAL)
        else:
            table[column] = numbers(cells[name], beside) if column in NUMBERS else layout.texts(cells[name])
    for name in BREAKDOWNS:
        table[name] = table.get(name, TOTAL)
    table["vintage"] = vintage
    broken = [CONCEPTS.get(g, g.lower()) for g in groups if g != "REF_AREA"]
    layout.once(table, ["time_period", "ref_area", "source", *broken], path)
    text = dict.fromkeys(("series", "ref_area", "vintage", *BREAKDOWNS), "str")
    return table.astype(text)


def _cells(path: Path) -> pd.DataFrame:
    """Rows of a data file, its columns checked."""
    rows = layout.text_rows(path)
    cells = layout.frame(rows, 0, path) if rows else pd.DataFrame()
    names = [str(c) for c in cells.columns]
    if names[:1] != [LEADING] or tuple(names[-len(CLOSING) :]) != CLOSING:
        what = f"columns are {layout.listed(names)}, not {LEADING}, disaggregations, {', '.join(CLOSING)}"
        raise Faults([Fault(str(path), "header", what, "give a data file of Open SDG")])
    return cells
