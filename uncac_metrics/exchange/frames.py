"""Results as the cells of a structure: ids instead of column names, codes instead of ours."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd

from uncac_metrics.exchange.structures import CODE, INTEGER, NUMBER, Structure, natures
from uncac_metrics.model import Indicator
from uncac_metrics.readers.sdmx_data import CONCEPTS, to_code, unit_code

SDMX_CSV = ("STRUCTURE", "STRUCTURE_ID", "ACTION")
"""Leading columns of SDMX-CSV 2.0."""


def cells(table: pd.DataFrame, structure: Structure, catalogue: Mapping[str, Indicator]) -> pd.DataFrame:
    """Rows of a release in the components of our own structure.

    Parameters
    ----------
    table : DataFrame
        As :func:`uncac_metrics.exchange.structures.publishable` gives it.
    structure : Structure
        Our own structure.
    catalogue : mapping
        Definitions by id.

    Returns
    -------
    DataFrame
        A column a component in its order. Codes are text; numbers are numbers, or text where some are infinite
        (``INF``); what a row does not have is missing.
    """
    frame = {}
    for name in structure.ids:
        kind = structure.component(name).kind  # type: ignore[union-attr]
        if name == "NATURE":
            frame[name] = natures(table, catalogue)
            continue
        column = table[CONCEPTS[name]]
        if kind == NUMBER:
            frame[name] = _finite(column)
        elif kind == INTEGER:
            frame[name] = column.astype("Int64")
        elif kind == CODE:
            frame[name] = _mapped(column, unit_code if name == "UNIT_MEASURE" else to_code)
        else:
            frame[name] = _mapped(column, plain)
    return pd.DataFrame(frame)


def to_sdmx_csv(frame: pd.DataFrame, structure: Structure) -> bytes:
    """The text of an SDMX-CSV 2.0 file [1]_: an observation a row, action ``I`` (information).

    Floats are written in the shortest form that reads back to the same bits.

    Parameters
    ----------
    frame : DataFrame
        As :func:`cells` gives it.
    structure : Structure
        Its structure, whose data flow the file names.

    Returns
    -------
    bytes
        UTF-8, lines ended by a line feed.

    References
    ----------
    .. [1] SDMX-CSV 2.0.0, field guide, https://github.com/sdmx-twg/sdmx-csv.
    """
    lead = ("dataflow", f"{structure.agency}:{structure.dataflow}({structure.version})", "I")
    whole = pd.concat([pd.DataFrame(dict(zip(SDMX_CSV, lead, strict=True)), index=frame.index), frame], axis=1)
    return whole.to_csv(index=False, lineterminator="\n", na_rep="").encode()


def as_text(frame: pd.DataFrame) -> pd.DataFrame:
    """Cells as text, an empty one where there is none; floats as :func:`to_sdmx_csv` writes them."""
    found = {}
    for name in frame:
        column = frame[name]
        missing = column.isna().to_numpy()
        if pd.api.types.is_float_dtype(column.dtype):
            texts = np.array([repr(v) for v in column.tolist()], dtype=object)
        else:
            texts = column.astype(object).astype(str).to_numpy(object)
        found[name] = np.where(missing, "", texts)
    return pd.DataFrame(found, index=frame.index)


def plain(text: str) -> str:
    """A text on one line: XML does not keep line breaks in attributes, nor any control character."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _finite(column: pd.Series) -> pd.Series:
    """Floats as they are, or where some are infinite as text with ``INF``."""
    values = column.astype(float)
    infinite = np.isinf(values.to_numpy())
    if not infinite.any():
        return values
    codes, levels = pd.factorize(values.to_numpy(), use_na_sentinel=True)
    texts = [("INF" if v > 0 else "-INF") if np.isinf(v) else repr(float(v)) for v in levels]
    return pd.Series(np.array([*texts, None], dtype=object)[codes], column.index)


def _mapped(column: pd.Series, code: Callable[[str], str]) -> pd.Series:
    """A text column through a function of its levels; empty texts are missing."""
    codes, levels = pd.factorize(column.astype(object))
    texts = [code(str(v)) or None for v in levels]
    return pd.Series(np.array([*texts, None], dtype=object)[codes], column.index)
