"""The table of all estimates of a release: put together, written and read back exactly."""

from __future__ import annotations

import io
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from uncac_metrics.model import BREAKDOWNS, ESTIMATE_KEY, ESTIMATE_LEADING, ESTIMATE_VALUES, TOTAL

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = (*ESTIMATE_LEADING, *BREAKDOWNS, *ESTIMATE_VALUES)
KEY = (*ESTIMATE_KEY, *BREAKDOWNS)
COUNTS = ("n", "n_eligible", "n_psu", "events")
NUMBERS = ("value", "std_error", "lower", "upper", "conf_level", "df", "deff", "cv")


def combine(tables: Iterable[pd.DataFrame | None]) -> pd.DataFrame:
    """One frame of all estimates with every breakdown column, in the order in which they were made."""
    import pandas as pd

    table = pd.concat([table for table in tables if table is not None], ignore_index=True)
    table = table.reindex(columns=COLUMNS)
    table = table.astype(dict.fromkeys(BREAKDOWNS, object)).fillna(dict.fromkeys(BREAKDOWNS, TOTAL))
    return table.astype(dict.fromkeys(KEY, "str") | dict.fromkeys(COUNTS, "Int64"))


def in_order(estimates: pd.DataFrame) -> pd.DataFrame:
    """The rows by key."""
    return estimates.sort_values(list(KEY), kind="stable", ignore_index=True)


def to_csv(estimates: pd.DataFrame) -> bytes:
    """The text of ``estimates.csv``: rows by key, numbers in the shortest form that is exact."""
    return "\n".join([*csv_records(in_order(estimates)), ""]).encode()


def csv_records(table: pd.DataFrame) -> list[str]:
    """The header and the rows of a table as they stand in a CSV file, in their order and without line ends."""
    columns = [_texts(table[name]) for name in table.columns]
    return [",".join(map(_quoted, table.columns)), *map(",".join, zip(*columns, strict=True))]


def _texts(column: pd.Series) -> list[str]:
    """Cells of a column as they stand in a CSV file; each text is quoted once, however often it stands there."""
    import pandas as pd

    if pd.api.types.is_float_dtype(column):
        return ["" if value != value else repr(value) for value in column.to_numpy(dtype=float).tolist()]
    codes, values = pd.factorize(column)
    texts = [*(_quoted(str(value)) for value in values), ""]  # code -1: missing
    return [texts[code] for code in codes.tolist()]


def _quoted(text: str) -> str:
    if any(character in text for character in ',"\r\n'):
        return '"' + text.replace('"', '""') + '"'
    return text


def read_estimates(path: str | Path | bytes) -> pd.DataFrame:
    """Read an ``estimates.csv`` as it was written.

    Parameters
    ----------
    path
        The file, or its bytes.

    Returns
    -------
    pandas.DataFrame
        Text columns as text (an empty cell is the empty text), counts as integers that may be missing.
    """
    import pandas as pd

    table = pd.read_csv(io.BytesIO(path) if isinstance(path, bytes) else path, dtype="str", keep_default_na=False)
    for name in NUMBERS:  # float() is exact
        table[name] = [float(text) if text else float("nan") for text in table[name].to_numpy(object)]
    for name in COUNTS:
        table[name] = pd.array([int(text) if text else pd.NA for text in table[name].to_numpy(object)], dtype="Int64")
    return table


def estimates_file(place: str | Path) -> Path:
    """The table of estimates of a release: `place` itself, or what a folder holds (an output folder: its last one)."""
    place = Path(place)
    inside = (place / part / "estimates.csv" for part in ("current/public", "public", ""))
    return next((file for file in inside if file.is_file()), place / "estimates.csv") if place.is_dir() else place
