"""The layout of Open SDG: a data file and a file of metadata an indicator."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from uncac_metrics.exchange.frames import as_text, plain
from uncac_metrics.model import BREAKDOWNS, TOTAL, Indicator, Office, Source
from uncac_metrics.readers.files import need
from uncac_metrics.readers.open_sdg_data import BESIDE, CLOSING, LEADING

BOUNDS = {
    "STD_ERROR": "std_error", "LOWER_BOUND": "lower", "UPPER_BOUND": "upper", "CONF_LEVEL": "conf_level", "N": "n",
    "OBS_STATUS": "obs_status", "CONF_STATUS": "conf_status", "REASON": "reason", "METHOD": "method",
}  # fmt: skip
"""Columns of the files of bounds."""
_SDG = re.compile(r"\d+\.[0-9a-z]+\.\d+")


def open_sdg_ids(catalogue: Mapping[str, Indicator]) -> dict[str, str]:
    """Card -> id in Open SDG: the number of the SDG indicator that it alone restates as a series, else its own id.

    Examples
    --------
    >>> from uncac_metrics import load_catalogue
    >>> ids = open_sdg_ids(load_catalogue())
    >>> ids["BR-01"], ids["BR-02"]
    ('16-5-1', 'BR-02')
    """
    numbers = {
        key: found[0] for key, card in catalogue.items()
        if card.series and len(found := [t for t in card.targets if _SDG.fullmatch(t)]) == 1
    }  # fmt: skip
    held = list(numbers.values())
    alone = {key: number for key, number in numbers.items() if held.count(number) == 1}
    return {key: re.sub(r"[^A-Za-z0-9]+", "-", alone.get(key, key)) for key in catalogue}


def open_sdg_files(
    table: pd.DataFrame, catalogue: Mapping[str, Indicator], office: Office, sources: Mapping[str, Source]
) -> dict[str, bytes]:
    """Data, bounds and metadata of every indicator of a release.

    ``data/indicator_<id>.csv`` has ``Year``, a column for each breakdown that the indicator has (its SDMX concept; an
    empty cell is the total), ``Units``, ``Series`` (the data set, with the statistic where there are several) and
    ``Value``. Open SDG takes any further column for a disaggregation; the bounds therefore lie in files of their own,
    ``uncertainty/indicator_<id>.csv``, with the same rows in the same order. Rows without a value are in neither.

    Parameters
    ----------
    table : DataFrame
        As :func:`uncac_metrics.exchange.structures.publishable` gives it.
    catalogue, office, sources
        Definitions, whose release it is, and data sets by id.

    Returns
    -------
    dict
        Path -> content.

    Raises
    ------
    Faults
        ``pyyaml`` is not installed.
    """
    need("yaml", Path("open-sdg"))
    ids = open_sdg_ids(catalogue)
    files = {}
    for key, rows in table.groupby("indicator", sort=True):
        card = catalogue.get(str(key))
        name = ids.get(str(key), re.sub(r"[^A-Za-z0-9]+", "-", str(key)))
        data, bounds = _tables(rows[rows["value"].notna()], office, sources)
        files[f"data/indicator_{name}.csv"] = data
        files[f"{BESIDE}/indicator_{name}.csv"] = bounds
        if card is not None:
            files[f"meta/{name}.yml"] = _meta(card, name, rows, office, sources)
    return files


def _tables(rows: pd.DataFrame, office: Office, sources: Mapping[str, Source]) -> tuple[bytes, bytes]:
    several = rows.groupby("dataset")["statistic"].nunique().gt(1)
    titles = {key: plain(sources[key].title) if key in sources else str(key) for key in rows["dataset"].unique()}
    double = {title for title in titles.values() if list(titles.values()).count(title) > 1}
    titles = {key: f"{title} [{key}]" if title in double else title for key, title in titles.items()}
    series = rows["dataset"].map(titles).astype(object)
    more = rows["dataset"].map(several).to_numpy(bool)
    series[more] = series[more] + ": " + rows.loc[more, "statistic"]
    frame = {LEADING: rows["time_period"]}
    if (rows["ref_area"] != office.ref_area).any():
        frame["REF_AREA"] = rows["ref_area"].where(rows["ref_area"] != office.ref_area, "")
    for name in BREAKDOWNS:
        if (rows[name] != TOTAL).any():
            frame[name.upper()] = rows[name].where(rows[name] != TOTAL, "")
    frame |= dict(zip(CLOSING, (rows["unit"], series, rows["value"]), strict=True))
    data = pd.DataFrame(frame)
    bounds = as_text(pd.concat([data, pd.DataFrame({k: rows[v] for k, v in BOUNDS.items()})], axis=1))
    bounds = bounds.replace({"inf": "INF", "-inf": "-INF"})
    text = {"index": False, "lineterminator": "\n"}
    return as_text(data).to_csv(**text).encode(), bounds.to_csv(**text).encode()


def _meta(card: Indicator, name: str, rows: pd.DataFrame, office: Office, sources: Mapping[str, Source]) -> bytes:
    import yaml

    used = [sources[key] for key in sorted(rows["dataset"].unique()) if key in sources]
    lines = {
        "indicator_number": name.replace("-", ".") if name[0].isdigit() else card.id,
        "indicator_name": card.name,
        "graph_title": card.name,
        "reporting_status": "complete" if rows["value"].notna().any() else "notstarted",
        "data_non_statistical": False,
        "computation_units": card.unit,
        "national_geographical_coverage": office.name,
        "CONTACT_ORGANISATION": office.name,
        "CONTACT": office.contact,
        "STAT_CONC_DEF": card.description,
        "UNIT_MEASURE": card.unit,
        "STAT_POP": card.universe,
        "REF_PERIOD": card.reference_period,
        "RATIONALE": card.objective,
        "DATA_COMP": card.formula,
        "FREQ_DISS": card.frequency,
        "CLASS_SYSTEM": ", ".join(card.disaggregations),
        "SOURCE_TYPE": ", ".join(card.sources),
        "COLL_METHOD": "; ".join(f"{s.title} ({s.producer})" for s in used),
        "COMPARABILITY": card.notes,
        "SDG_SERIES": ", ".join(card.series),
    }  # fmt: skip
    kept: dict[str, Any] = {k: plain(v) if isinstance(v, str) else v for k, v in lines.items() if v != ""}
    return str(yaml.safe_dump(kept, sort_keys=False, allow_unicode=True, width=110)).encode()
