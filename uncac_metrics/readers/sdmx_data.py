"""SDMX files: observations of SDMX-CSV and SDMX-ML as a tidy table, and what their codes stand for.

An XML file that declares a document type or an entity is refused before anything parses it, as is one above
:data:`MOST_BYTES`. Codes that SDMX does not allow are written with ``$`` and two hexadecimal digits a byte
(:func:`to_code`), which :func:`from_code` undoes.
"""

from __future__ import annotations

import csv
import io
import re
import warnings
from collections.abc import Mapping, Sequence
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd

from uncac_metrics.model import BREAKDOWNS, TOTAL, Fault, Faults
from uncac_metrics.readers import layout
from uncac_metrics.readers.files import as_fault, must_exist, need

MOST_BYTES = 500_000_000
"""Size in bytes above which a file is refused."""

CONCEPTS: Mapping[str, str] = MappingProxyType(
    {
        "INDICATOR": "indicator",
        "DATASET": "dataset",
        "STATISTIC": "statistic",
        "REF_AREA": "ref_area",
        **{name.upper(): name for name in BREAKDOWNS},
        "TIME_PERIOD": "time_period",
        "OBS_VALUE": "value",
        "STD_ERROR": "std_error",
        "LOWER_BOUND": "lower",
        "UPPER_BOUND": "upper",
        "CONF_LEVEL": "conf_level",
        "INTERVAL": "interval",
        "DF": "df",
        "N": "n",
        "N_ELIGIBLE": "n_eligible",
        "N_PSU": "n_psu",
        "EVENTS": "events",
        "DENOMINATOR": "denominator",
        "DEFF": "deff",
        "CV": "cv",
        "UNIT_MEASURE": "unit",
        "NATURE": "nature",
        "OBS_STATUS": "obs_status",
        "CONF_STATUS": "conf_status",
        "DISPLAY": "display",
        "REASON": "reason",
        "QUALITY": "quality",
        "METHOD": "method",
    }
)
"""Id of an SDMX concept in our structure -> column of ours."""

SDG_CONCEPTS: Mapping[str, str] = MappingProxyType(
    {
        "SERIES": "series",
        "URBANISATION": "urbanisation",
        "INCOME_WEALTH_QUANTILE": "income",
        "EDUCATION_LEV": "education",
        "DISABILITY_STATUS": "disability",
        "SOURCE_DETAIL": "source",
        "COMMENT_OBS": "note",
    }
)
"""Id of a concept of the SDG structure -> column of ours, where it is not that of :data:`CONCEPTS`."""

PER_CENT = ("%", "PT")
"""Our unit and SDMX's code for it."""

NUMBERS = (
    "value",
    "std_error",
    "lower",
    "upper",
    "conf_level",
    "df",
    "n",
    "n_eligible",
    "n_psu",
    "events",
    "deff",
    "cv",
)
_LEADING = ("STRUCTURE", "STRUCTURE_ID", "STRUCTURE_NAME", "ACTION", "DATAFLOW", "SERIES_KEY", "OBS_KEY")
_NOT_PLAIN = re.compile(r"[^A-Za-z0-9_\-]")
_ESCAPED = re.compile(r"(?:\$[0-9A-F]{2})+")
_FORBIDDEN = re.compile(r"<!\s*(DOCTYPE|ENTITY)", re.IGNORECASE)
_ENCODING = re.compile(r"""<\?xml[^>]*encoding\s*=\s*["']([\w.\-]+)["']""")


def to_code(text: str) -> str:
    """A text as the id of an SDMX code.

    Letters and digits of ASCII, ``_`` and ``-`` stay; every byte of anything else in UTF-8 becomes ``$`` and two
    hexadecimal digits. The ids of an SDMX code list may hold ``$`` [1]_, and no id of ours does.

    Parameters
    ----------
    text : str
        A code of ours.

    Returns
    -------
    str
        Its id; equal texts have equal ids, different ones different ids.

    References
    ----------
    .. [1] SDMX technical specifications, section 3A (SDMX-ML), ``IDType``: ``[A-Za-z0-9_@$\\-]+``.

    Examples
    --------
    >>> to_code("risk ratio"), to_code("53(a)"), to_code("0703-07031"), from_code(to_code("比例"))
    ('risk$20ratio', '53$28a$29', '0703-07031', '比例')
    """
    return _NOT_PLAIN.sub(lambda found: "".join(f"${byte:02X}" for byte in found[0].encode()), text)


def from_code(code: str) -> str:
    """The text whose id :func:`to_code` gives; an id that it never gives stays as it is.

    Parameters
    ----------
    code
        An id of SDMX.
    """

    def back(found: re.Match[str]) -> str:
        try:
            return bytes.fromhex(found[0].replace("$", "")).decode()
        except UnicodeDecodeError:
            return found[0]

    return _ESCAPED.sub(back, code)


def unit_code(unit: str) -> str:
    """The id of a unit: ``PT`` for per cent, else as :func:`to_code`.

    Parameters
    ----------
    unit
        A unit as cards have it.

    Examples
    --------
    >>> unit_code("%"), unit_code("USD"), unit_code("per 1,000 staff"), unit_of(unit_code("PT"))
    ('PT', 'USD', 'per$201$2C000$20staff', 'PT')
    """
    ours, code = PER_CENT
    return code if unit == ours else f"${ord(unit[0]):02X}{unit[1:]}" if unit == code else to_code(unit)


def unit_of(code: str) -> str:
    """The unit whose id :func:`unit_code` gives."""
    return PER_CENT[0] if code == PER_CENT[1] else from_code(code)


def safe_text(path: Path, *, most: int = MOST_BYTES) -> str:
    """The text of a file, refused where it is too large, no UTF-8, or XML with a document type or entities.

    Parameters
    ----------
    path : Path
        The file.
    most : int
        Greatest size in bytes.

    Returns
    -------
    str
        The content without a byte order mark.

    Raises
    ------
    Faults
        No such file, a larger or an empty one, another encoding, ``<!DOCTYPE`` or ``<!ENTITY``.
    """
    must_exist(path)
    size = path.stat().st_size
    if size > most:
        what = f"has {size:,} bytes; files above {most:,} are refused"
        raise Faults([Fault(str(path), "", what, "split the file")])
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Faults([Fault(str(path), "", "is not UTF-8", "save it as UTF-8")]) from None
    start = text[:200].lstrip()
    if start.startswith("<"):
        stated = _ENCODING.match(start)
        if stated and stated[1].lower() not in ("utf-8", "utf8", "us-ascii", "ascii"):
            raise Faults([Fault(str(path), "", f"states the encoding {stated[1]}", "save it as UTF-8")])
        if found := _FORBIDDEN.search(text):
            what = f"declares <!{found[1].upper()}: XML with document types or entities is refused"
            raise Faults([Fault(str(path), "", what, "take the declaration out; SDMX-ML needs none")])
    return text


def sdmx_cells(path: str | Path, *, most: int = MOST_BYTES) -> pd.DataFrame:
    """Observations of an SDMX-CSV (1.0, 2.0, 2.1) or SDMX-ML (2.1, 3.0, 3.1) data file as it has them.

    Parameters
    ----------
    path : path
        ``.csv`` or ``.xml``.
    most : int
        Greatest size in bytes.

    Returns
    -------
    DataFrame
        A column a component by its id, codes and values as text, an empty text where the file says nothing.

    Raises
    ------
    Faults
        What :func:`safe_text` refuses, no SDMX data, no observation; ``pysdmx`` is needed for XML and missing.
    """
    path = Path(path)
    text = safe_text(path, most=most)
    if not text.lstrip().startswith("<"):
        table = _of_csv(text, path)
    else:
        table = _of_xml(text, path)
    if len(set(table.columns)) != len(table.columns):
        double = sorted({str(n) for n in table.columns if list(table.columns).count(n) > 1})
        raise Faults([Fault(str(path), n, "the column stands twice", "keep one") for n in double])
    if table.empty:
        raise Faults([Fault(str(path), "", "holds no observation", "give the complete file")])
    return table[[n for n in table.columns if n.partition("[")[0] not in _LEADING]].astype("str")


def sdmx(path: str | Path, *, vintage: str = "") -> pd.DataFrame:
    """Read an SDMX data file as a table of published figures.

    Files of :mod:`uncac_metrics.exchange` and of the SDG structure are understood; of other structures the columns
    have the names of their concepts in small letters.

    Parameters
    ----------
    path : path
        SDMX-CSV (``.csv``) or SDMX-ML data (``.xml``, extra ``sdmx``).
    vintage : str
        Release that the file is of; no file says it.

    Returns
    -------
    DataFrame
        ``series`` (the indicator where the structure has no series), ``ref_area``, ``m49`` and the other columns of
        areas, ``time_period``, every breakdown (``_T`` where the file has none), ``value``, ``std_error``, ``lower``,
        ``upper``, ``n``, ``unit``, ``nature``, ``obs_status``, ``source``, ``vintage``, ``note``; then what else the
        file has. Bounds are the intervals that the publisher states.

    Raises
    ------
    Faults
        As :func:`sdmx_cells`; numbers that are none; no ``OBS_VALUE``, ``REF_AREA`` or ``TIME_PERIOD``.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "data.csv")
    ...     _ = path.write_text("STRUCTURE,STRUCTURE_ID,ACTION,INDICATOR,REF_AREA,SEX,TIME_PERIOD,OBS_VALUE,"
    ...                         "LOWER_BOUND,UPPER_BOUND,UNIT_MEASURE\\n"
    ...                         "dataflow,X:Y(1.0),I,BR-01,MEX,F,2017,14.6,13.9,15.3,PT\\n")
    ...     table = sdmx(path)
    >>> table[["series", "ref_area", "sex", "value", "lower", "upper", "unit"]].to_csv(index=False, header=False)
    'BR-01,MEX,F,14.6,13.9,15.3,%\\n'
    """
    path = Path(path)
    cells = sdmx_cells(path)
    layout.must_have(cells.columns, ("REF_AREA", "TIME_PERIOD", "OBS_VALUE"), path)
    ours = dict(CONCEPTS) | dict(SDG_CONCEPTS)
    table = layout.areas(cells["REF_AREA"].map(from_code), None, path)
    coded = {"UNIT_MEASURE", "DENOMINATOR", "INDICATOR", "DATASET", "STATISTIC", *(n.upper() for n in BREAKDOWNS)}
    for name in cells.columns:
        column = ours.get(str(name), str(name).lower())
        if column in NUMBERS:
            table[column] = numbers(cells[name], path)
        elif name == "UNIT_MEASURE":
            table[column] = cells[name].map(unit_of).astype("str")
        elif name != "REF_AREA":
            table[column] = (cells[name].map(from_code) if name in coded else cells[name]).astype("str")
    if "series" not in table:
        table["series"] = table.get("indicator", "")
    if "source" not in table and "dataset" in table:
        table["source"] = table["dataset"]
    if "note" not in table and "reason" in table:
        table["note"] = table["reason"]
    for name in BREAKDOWNS:
        table[name] = table[name].where(table[name] != "", TOTAL) if name in table else TOTAL
    table["vintage"] = vintage
    return table.astype(dict.fromkeys(("vintage", "series", *BREAKDOWNS), "str"))


def numbers(cells: pd.Series, path: Path) -> np.ndarray:
    """Cells of SDMX as floats: ``INF`` and ``-INF`` are infinite, an empty cell, ``NaN`` and ``#N/A`` missing."""
    signs = cells.map({"INF": np.inf, "-INF": -np.inf, "inf": np.inf, "-inf": -np.inf}).to_numpy(float)
    finite = cells.where(np.isnan(signs), "").rename(cells.name)
    return np.where(np.isnan(signs), layout.numbers(finite, path, missing=("", "NaN", "#N/A")), signs)


def _of_csv(text: str, path: Path) -> pd.DataFrame:
    """Rows of an SDMX-CSV file as text, each with as many cells as the header."""
    with as_fault(path):
        names = [name.partition(":")[0].strip() for name in next(csv.reader(io.StringIO(text, newline="")), [])]
    if not {"STRUCTURE", "DATAFLOW"} & {name.partition("[")[0] for name in names}:
        what = "is not SDMX-CSV: its first row has neither STRUCTURE nor DATAFLOW"
        raise Faults([Fault(str(path), "header", what, "give an SDMX-CSV file with its header")])
    with warnings.catch_warnings(), suppress(ValueError, pd.errors.ParserWarning):
        warnings.simplefilter("error", pd.errors.ParserWarning)  # a row longer than the header
        table = pd.read_csv(io.StringIO(text), header=0, index_col=False, dtype="str", na_filter=False)
        if (table.iloc[:, -1] != "").all():  # a shorter row would end in an empty cell
            return table.set_axis(names, axis=1)
    with as_fault(path):
        rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))[1:]
    ragged = [at for at, row in enumerate(rows, 1) if len(row) != len(names)]
    if ragged:
        what = f"the row does not have {len(names)} cells as the header"
        raise Faults([Fault(str(path), "", what, "correct the file", tuple(ragged[:5]), len(ragged))])
    return pd.DataFrame(rows, columns=names, dtype=object)


def _of_xml(text: str, path: Path) -> pd.DataFrame:
    """Observations of an SDMX-ML data message."""
    need("pysdmx", path)
    from pysdmx.io import read_sdmx

    with as_fault(path), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of parts of the header that it does not keep
        message = read_sdmx(BytesIO(text.encode()), validate=True)
    data: Sequence[Any] = message.data or ()
    if not data:
        raise Faults([Fault(str(path), "", "is no SDMX data message", "give a file with data, not structures")])
    tables = [one.data.astype(object).where(one.data.notna(), "") for one in data]
    return pd.concat(tables, ignore_index=True).fillna("")
