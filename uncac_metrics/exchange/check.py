"""Files against their structure: codes, statuses, keys and numbers, all faults at once."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from uncac_metrics import _lazy
from uncac_metrics.exchange.structures import CODE, INTEGER, NUMBER, Component, Structure
from uncac_metrics.model import Fault, Faults
from uncac_metrics.readers.sdmx_data import sdmx_cells
from uncac_metrics.tables import nearest

if TYPE_CHECKING:
    import pandera.pandas as pa

_SHOWN = 5
_MISSING = ("", "NaN", "#N/A")
_GONE = ("M", "O", "L", "H", "Q")
"""Statuses of SDMX that say there is no figure."""
_WRONG = {
    "code": ("is not a code of the structure", "take a code of its list"),
    "given": ("is missing", "give every observation one"),
    "number": ("is not a number", "correct the value"),
    "integer": ("is not a whole number", "correct the value"),
    "key": ("observations have the same key", "keep one of them"),
    "status": ("the status does not fit the value", "A needs a value; M, O, L, H and Q have none"),
    "confidential": ("a confidential observation has a value", "take the value out, or free it"),
    "bounds": ("the bounds do not hold the value", "correct the bounds or the value"),
}


def schema_of(structure: Structure) -> pa.DataFrameSchema:
    """The pandera schema of a data structure, for cells as text.

    Every dimension and required attribute must be there and given, codes be of their lists (an open list takes any),
    numbers be numbers, the key be that of one observation; the status must fit the value, a confidential
    observation have none, and bounds hold the value. Other columns are refused.

    Parameters
    ----------
    structure : Structure
        Ours, the rebuilt one of the SDGs, or one read by :func:`uncac_metrics.exchange.read_structure`.

    Returns
    -------
    pandera.DataFrameSchema
        For a frame of text cells, as :func:`uncac_metrics.readers.sdmx_data.sdmx_cells` gives it.

    Examples
    --------
    >>> from uncac_metrics.exchange import sdg_structure
    >>> schema = schema_of(sdg_structure())
    >>> schema.columns["SEX"].required, schema.columns["COMMENT_OBS"].required, schema.strict
    (True, False, True)
    """
    pa = _lazy.pandera()
    columns = {}
    for name in structure.ids:
        one = structure.component(name)
        assert one is not None
        due = one.role in ("dimension", "time") or one.required
        checks = []
        if due:
            checks.append(pa.Check(lambda s: s != "", name="given"))
        if one.kind == CODE and one.codes is not None:
            checks.append(pa.Check(lambda s, of=frozenset(one.codes): s.isin(of) | (s == ""), name="code"))
        elif one.kind in (NUMBER, INTEGER):
            checks.append(pa.Check(_whole if one.kind == INTEGER else _number, name=one.kind))
        columns[name] = pa.Column(None, checks, required=due or one.role == "measure")

    key = list(structure.dimensions)

    def once(frame: pd.DataFrame) -> pd.Series:
        if not set(key) <= set(frame.columns):  # without a dimension nothing is known of the key
            return pd.Series(True, frame.index)
        return ~frame.duplicated(key, keep=False)

    whole = [pa.Check(once, name="key"), pa.Check(_status, name="status"), pa.Check(_secret, name="confidential"),
             pa.Check(_bounds, name="bounds")]  # fmt: skip
    return pa.DataFrameSchema(columns, checks=whole, strict=True, name=structure.id)


def check_exchange(file: str | Path | pd.DataFrame, structure: Structure | str | Path) -> pd.DataFrame:
    """Check an SDMX data file against a structure.

    Parameters
    ----------
    file : path or DataFrame
        SDMX-CSV or SDMX-ML data, or its cells as text.
    structure : Structure or path
        The structure, or the SDMX-ML file that holds it.

    Returns
    -------
    DataFrame
        The cells, where nothing is wrong.

    Raises
    ------
    Faults
        Everything that is wrong, at once, with the column, the first rows (counted from 1) and a remedy: missing and
        unknown columns, codes out of their lists, statuses that do not fit, keys of several observations,
        dimensions without a code, values that are no numbers, bounds that do not hold the value.

    Examples
    --------
    >>> from uncac_metrics.exchange.structures import Component, Structure
    >>> sexes = Component("SEX", "dimension", "code", "Sex", "CL_SEX", {"F": "Female", "M": "Male"})
    >>> parts = (sexes, Component("TIME_PERIOD", "time", "period", "Period"),
    ...          Component("OBS_VALUE", "measure", "number", "Value"))
    >>> cells = pd.DataFrame({"SEX": ["F", "X"], "TIME_PERIOD": ["2025", "2025"], "OBS_VALUE": ["1", "2"]})
    >>> check_exchange(cells, Structure("ME", "DSD", "1.0", "An example", parts))
    Traceback (most recent call last):
    uncac_metrics.model.Faults: DSD: SEX: 'X' is not a code of the structure (1 row: 2) — take a code of its list
    """
    if not isinstance(structure, Structure):
        from uncac_metrics.exchange.sdmx import read_structure

        structure = read_structure(structure)
    cells = file if isinstance(file, pd.DataFrame) else sdmx_cells(file)
    name = structure.id if isinstance(file, pd.DataFrame) else str(file)
    cells = cells.reset_index(drop=True)
    pa = _lazy.pandera()
    try:
        schema_of(structure).validate(cells, lazy=True)
    except pa.errors.SchemaErrors as error:
        raise Faults(_faults(error.failure_cases, cells, structure, name)) from None
    return cells


def _faults(cases: pd.DataFrame, cells: pd.DataFrame, structure: Structure, file: str) -> Iterator[Fault]:
    """One fault a column and check, in the order of the structure."""
    found: dict[tuple[str, str], list[int]] = {}
    for column, check, index, case, context in zip(
        cases["column"], cases["check"], cases["index"], cases["failure_case"], cases["schema_context"], strict=True
    ):
        if check in ("column_in_dataframe", "column_in_schema"):
            found[str(case), str(check)] = []
            continue
        where = str(column) if context == "Column" else ""
        at = found.setdefault((where, str(check)), [])
        if pd.notna(index):
            at.append(int(index))
    order = {one: at for at, one in enumerate(structure.ids)}
    for (column, check), rows in sorted(found.items(), key=lambda item: (order.get(item[0][0], 999), item[0])):
        numbered = sorted({row + 1 for row in rows})
        first = tuple(numbered[:_SHOWN])
        if check == "column_in_dataframe":
            close = nearest(column, [c for c in cells if c not in order])
            role = getattr(structure.component(column), "role", "component")
            yield Fault(file, column, f"the {'dimension of time' if role == 'time' else role} is missing",
                        close or "add the column")  # fmt: skip
        elif check == "column_in_schema":
            yield Fault(file, column, "the structure has no such component", nearest(column, order) or "leave it out")
        else:
            what, remedy = _WRONG[check]
            one = structure.component(column)
            if check in ("code", "number", "integer"):
                seen = list(dict.fromkeys(cells.loc[[row - 1 for row in numbered[:1000]], column]))
                said = ", ".join(repr(v) for v in seen[:_SHOWN]) + (", …" if len(seen) > _SHOWN else "")
                what = f"{said} {what}"
                remedy = _close(seen[0], one) or remedy
            where = column or {"key": ", ".join(structure.dimensions), "status": "OBS_STATUS",
                               "confidential": "CONF_STATUS", "bounds": "LOWER_BOUND, UPPER_BOUND"}[check]  # fmt: skip
            yield Fault(file, where, what, remedy, first, len(numbered))


def _close(value: str, one: Component | None) -> str:
    if one is None or one.codes is None:
        return ""
    if len(one.codes) <= 12:
        return nearest(value, one.codes) or f"codes: {', '.join(one.codes)}" if len(value) > 1 else ""
    return nearest(value, one.codes)


def _floats(series: pd.Series) -> np.ndarray:
    """Numbers of text cells; NaN where there is none or it is not one."""

    def one(text: str) -> float:
        try:
            return float(text)
        except ValueError:
            return math.nan

    codes, levels = pd.factorize(series)
    return np.array([*map(one, levels), math.nan])[codes]


def _number(series: pd.Series) -> pd.Series:
    return series.isin(_MISSING) | ~np.isnan(_floats(series))


def _whole(series: pd.Series) -> pd.Series:
    values = _floats(series)
    return series.isin(_MISSING) | (np.isfinite(values) & (np.floor(values) == values))


def _status(frame: pd.DataFrame) -> pd.Series:
    if not {"OBS_STATUS", "OBS_VALUE"} <= set(frame.columns):
        return pd.Series(True, frame.index)
    empty = frame["OBS_VALUE"].isin(_MISSING)
    status = frame["OBS_STATUS"]
    return ~((empty & (status == "A")) | (~empty & status.isin(_GONE)))


def _secret(frame: pd.DataFrame) -> pd.Series:
    if not {"CONF_STATUS", "OBS_VALUE"} <= set(frame.columns):
        return pd.Series(True, frame.index)
    return frame["CONF_STATUS"].isin(["F", ""]) | frame["OBS_VALUE"].isin(_MISSING)


def _bounds(frame: pd.DataFrame) -> pd.Series:
    if "OBS_VALUE" not in frame:
        return pd.Series(True, frame.index)
    value = _floats(frame["OBS_VALUE"])
    bad = np.zeros(len(frame), bool)
    if "LOWER_BOUND" in frame:
        bad |= _floats(frame["LOWER_BOUND"]) > value
    if "UPPER_BOUND" in frame:
        bad |= _floats(frame["UPPER_BOUND"]) < value
    return pd.Series(~bad, frame.index)
