"""Ratings of countries by others: WGI, CPI, V-Dem, WJP Rule of Law, Freedom in the World, CPIA.

Every reader gives a row an area, period and item: ``ref_area``, ``m49``, ``area_code``, ``area_name``,
``area_status``, ``time_period``, ``scheme``, ``item``, ``item_name`` and what the scheme publishes of ``score``,
``rating``, ``std_error``, ``lower``, ``upper``, ``n_sources``, ``rank``, ``rank_lower``, ``rank_upper``.
Ranks are kept as published; the package makes none of its own from them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from uncac_metrics.model import Fault, Faults
from uncac_metrics.readers import layout
from uncac_metrics.readers.files import file_header, read_file

Decisions = Mapping[str, str] | None

WGI = ("codeindyr", "code", "countryname", "year", "indicator", "estimate", "stddev", "nsource", "pctrank",
       "pctranklower", "pctrankupper")  # fmt: skip
"""Columns of the WGI data set since the release of 2024."""
WGI_ITEMS = {
    "va": "Voice and accountability", "pv": "Political stability and absence of violence",
    "ge": "Government effectiveness", "rq": "Regulatory quality", "rl": "Rule of law", "cc": "Control of corruption",
}  # fmt: skip
CPI = ("Country / Territory", "ISO3", "Region", "Rank", "Standard error", "Number of sources", "Lower CI", "Upper CI")
"""Columns of the sheet ``CPI <year>``, besides ``CPI score <year>`` and the sources."""
CPIA = ("Country Name", "Country Code", "Indicator Name", "Indicator Code")
"""Columns of the sheet ``Data`` of the CPIA data bank, besides the years."""


def wgi(path: str | Path, *, areas: Decisions = None) -> pd.DataFrame:
    """Read the Worldwide Governance Indicators (``.xlsx``, one sheet, layout since 2024).

    Parameters
    ----------
    path : path
        Workbook whose first sheet has the columns of :data:`WGI`. The earlier layout, a sheet an indicator with
        headers of two rows, is refused.
    areas : mapping, optional
        Decisions on areas, as for :func:`uncac_metrics.reference.names.harmonise`.

    Returns
    -------
    DataFrame
        ``item`` is va, pv, ge, rq, rl or cc; ``score`` in units of a standard normal, ``std_error``, ``n_sources``,
        ``rank`` (percentile rank) with ``rank_lower`` and ``rank_upper`` (90 % interval). ``..`` is missing.
        The codes ADO, ROM, TMP, WBG and ZAR of the file are mapped to AND, ROU, TLS, PSE and COD; KSV and ANT are not.

    Raises
    ------
    Faults
        Another layout, unknown items, ``codeindyr`` at odds with its parts, values that are no numbers.

    Notes
    -----
    Scores are set anew with every release: do not join releases.
    """
    path = Path(path)
    rows = next(iter(layout.workbook(path).values()))
    raw = layout.frame(rows, layout.header_row(rows, WGI, path), path, only=WGI)
    table = layout.areas(raw["code"], raw["countryname"], path, areas)
    _label(table, "WGI", raw["year"], raw["indicator"], raw["indicator"])
    table["item"] = layout.recoded(raw["indicator"], {c: c for c in WGI_ITEMS}, path)
    table["item_name"] = table["item"].map(WGI_ITEMS).astype("str")
    parts = table["area_code"] + table["item"] + table["time_period"]
    odd = (layout.texts(raw["codeindyr"]) != parts).to_numpy()
    if odd.any():
        what = f"{layout.listed(raw.loc[odd, 'codeindyr'].unique())}: not code, indicator and year of its row"
        raise Faults([layout.at_rows(path, "codeindyr", what, odd, "correct the file")])
    made = {"estimate": "score", "stddev": "std_error", "nsource": "n_sources", "pctrank": "rank",
            "pctranklower": "rank_lower", "pctrankupper": "rank_upper"}  # fmt: skip
    for column, name in made.items():
        table[name] = layout.numbers(raw[column], path, missing=("", ".."))
    layout.once(table, ("ref_area", "time_period", "item"), path)
    return table


def cpi(path: str | Path, *, part: str = "scores", areas: Decisions = None) -> pd.DataFrame:
    """Read the Corruption Perceptions Index (``.xlsx``, layout of 2023).

    Parameters
    ----------
    path : path
        Workbook with the sheets ``CPI <year>`` and ``CPI Timeseries 2012 - <year>``.
    part : {"scores", "sources", "series"}
        ``scores`` of the year with standard error and interval; the standardised scores of the ``sources`` behind
        them; the ``series`` since 2012, with standard errors and without intervals.
    areas : mapping, optional
        Decisions on areas, as for :func:`uncac_metrics.reference.names.harmonise`.

    Returns
    -------
    DataFrame
        ``item`` is ``CPI``, or the name of the source; ``score`` from 0 (highly corrupt) to 100; ``std_error``,
        ``n_sources``, ``lower`` and ``upper`` (90 % interval), ``rank`` as published.

    Raises
    ------
    Faults
        No such sheet or columns, no or several sheets of a year, values that are no numbers.

    Notes
    -----
    Scores before 2012 are of another method and are not in the file.
    """
    path = Path(path)
    if part not in ("scores", "sources", "series"):
        raise Faults([Fault(str(path), "part", f"is {part!r}", "give scores, sources or series")])
    book = layout.workbook(path)
    wanted = r"CPI Timeseries 2012 - \d{4}" if part == "series" else r"CPI \d{4}"
    named = [n for n in book if re.fullmatch(wanted, n.strip())]
    if len(named) != 1:
        due = "CPI Timeseries 2012 - <year>" if part == "series" else "CPI <year>"
        what = f"one sheet {due!r} is due; the sheets are {layout.listed(book)}"
        raise Faults([Fault(str(path), "sheet", what, "give the workbook in the layout of 2023")])
    year, rows = named[0].strip()[-4:], book[named[0]]
    score = f"CPI score {year}"
    first = (*CPI[:3], score)
    raw = layout.frame(rows, layout.header_row(rows, first, path, named[0]), path)
    layout.must_have(raw.columns, first if part == "series" else (*CPI, score), path)
    where = layout.areas(raw["ISO3"], raw["Country / Territory"], path, areas)
    if part == "series":
        table = _cpi_series(raw, where, path)
    else:
        items = ["CPI"] if part == "scores" else [n for n in raw.columns if n not in (*CPI, score)]
        made = []
        for item in items:
            one = where.copy()
            _label(one, "CPI", pd.Series(year, raw.index), pd.Series(item, raw.index), pd.Series(item, raw.index))
            one["score"] = layout.numbers(raw[score if item == "CPI" else item], path)
            if part == "scores":
                for column, name in zip(CPI[3:], ("rank", "std_error", "n_sources", "lower", "upper"), strict=True):
                    one[name] = layout.numbers(raw[column], path)
            made.append(one if part == "scores" else one[one["score"].notna()])
        table = pd.concat(made, ignore_index=True)
    layout.once(table, ("ref_area", "time_period", "item"), path)
    return table


def _cpi_series(raw: pd.DataFrame, where: pd.DataFrame, path: Path) -> pd.DataFrame:
    """A row an area and year of the sheet of time series; scores of 2012 and 2013 are called ``CPI Score``."""
    columns = {str(n).lower(): n for n in raw.columns}
    years = sorted(n[-4:] for n in columns if re.fullmatch(r"cpi score \d{4}", n))
    layout.must_have(columns, [f"{n} {y}" for y in years for n in ("sources", "standard error")], path)
    made = []
    for year in years:
        one = where.copy()
        _label(one, "CPI", pd.Series(year, raw.index), *[pd.Series("CPI", raw.index)] * 2)
        for column, name in (("cpi score", "score"), ("standard error", "std_error"), ("sources", "n_sources")):
            one[name] = layout.numbers(raw[columns[f"{column} {year}"]], path)
        made.append(one[one["score"].notna()])
    return pd.concat(made, ignore_index=True)


def vdem(path: str | Path, *, items: Sequence[str] = ("v2x_corr",), areas: Decisions = None) -> pd.DataFrame:
    """Read indices of Varieties of Democracy: its country-year file, or Our World in Data's export of one index.

    Parameters
    ----------
    path : path
        V-Dem's ``.csv`` with ``country_text_id``, ``country_name``, ``year`` and, for each item, ``<item>``,
        ``<item>_codelow`` and ``<item>_codehigh``; or the export with ``Entity``, ``Code``, ``Year``,
        ``corruption_vdem_owid`` and its ``_low`` and ``_high``, which is ``v2x_corr``.
    items : sequence of str
        Indices to read of V-Dem's own file, such as ``v2x_corr`` (political corruption) or ``v2x_pubcorr``.
    areas : mapping, optional
        Decisions on areas, as for :func:`uncac_metrics.reference.names.harmonise`.

    Returns
    -------
    DataFrame
        ``score`` from 0 to 1 (``v2x_corr``: 1 most corrupt), ``lower`` and ``upper``: about one standard deviation on
        either side (68 %), not a 95 % interval.

    Raises
    ------
    Faults
        Neither layout, bounds that do not hold the score.

    Notes
    -----
    The series reaches back to 1789: former States (``historical``) stand among the areas.
    """
    path = Path(path)
    items = list(items)
    owid = ("Entity", "Code", "Year", "corruption_vdem_owid", "corruption_vdem_low_owid", "corruption_vdem_high_owid")
    own = ["country_text_id", "country_name", "year", *(i + e for i in items for e in ("", "_codelow", "_codehigh"))]
    names = file_header(path)
    if "Entity" in names:
        layout.must_have(names, owid, path)
        if items != ["v2x_corr"]:
            raise Faults([Fault(str(path), "items", "the export holds v2x_corr only", "leave items out")])
        raw = read_file(path, columns=owid)
        code, name, year = raw["Code"], raw["Entity"], raw["Year"]
        columns = {"v2x_corr": owid[3:]}
    else:
        layout.must_have(names, own, path)
        raw = read_file(path, columns=own)
        code, name, year = raw["country_text_id"], raw["country_name"], raw["year"]
        columns = {i: (i, f"{i}_codelow", f"{i}_codehigh") for i in items}
    where = layout.areas(code, name, path, areas)
    made = []
    for item, of in columns.items():
        one = where.copy()
        _label(one, "V-Dem", year, *[pd.Series(item, raw.index)] * 2)
        for column, into in zip(of, ("score", "lower", "upper"), strict=True):
            one[into] = layout.numbers(raw[column], path)
        out = (one["score"] < one["lower"] - 1e-9) | (one["score"] > one["upper"] + 1e-9)
        if out.any():
            raise Faults([layout.at_rows(path, item, "is outside its bounds", out.to_numpy(), "correct the file")])
        made.append(one[one["score"].notna()])
    return pd.concat(made, ignore_index=True)


def cpia(path: str | Path, *, areas: Decisions = None) -> pd.DataFrame:
    """Read the World Bank's Country Policy and Institutional Assessment (``.xlsx`` of the data bank, sheet ``Data``).

    Parameters
    ----------
    path : path
        Workbook whose sheet ``Data`` has the columns of :data:`CPIA` and a column a year.
    areas : mapping, optional
        Decisions on areas, as for :func:`uncac_metrics.reference.names.harmonise`.

    Returns
    -------
    DataFrame
        ``item`` is the code (``IQ.CPA.TRAN.XQ``: transparency, accountability and corruption in the public sector),
        ``score`` from 1 to 6. Years without a score have no row; groups of countries are ``aggregate``.

    Raises
    ------
    Faults
        No such sheet or columns, scores outside 1 to 6, values that are no numbers.
    """
    path = Path(path)
    rows = layout.sheet(layout.workbook(path), "Data", path)
    raw = layout.frame(rows, layout.header_row(rows, CPIA, path, "Data"), path)
    layout.must_have(raw.columns, CPIA, path)
    years = [n for n in raw.columns if re.fullmatch(r"\d{4}", str(n))]
    if not years:
        found = layout.listed(raw.columns)
        what = f"has no column of a year; it has {found}"
        raise Faults([Fault(str(path), "Data", what, "give the data bank's file")])
    where = layout.areas(raw["Country Code"], raw["Country Name"], path, areas)
    for column, name in (("Indicator Code", "item"), ("Indicator Name", "item_name")):
        where[name] = layout.texts(raw[column])
    blocks = []
    for year in years:
        score = layout.numbers(raw[year], path, missing=("", ".."))
        out = (score < 1) | (score > 6)
        if out.any():
            raise Faults([layout.at_rows(path, str(year), "is not from 1 to 6", out, "correct the file")])
        blocks.append(({"time_period": str(year), "scheme": "CPIA"}, score))
    table = layout.stacked(where, blocks, "score").dropna(subset="score").reset_index(drop=True)
    layout.once(table, ("ref_area", "time_period", "item"), path)
    return table


def _label(table: pd.DataFrame, scheme: str, period: pd.Series, item: pd.Series, name: pd.Series) -> None:
    """The columns that say what is rated, when and by whom."""
    table["time_period"] = layout.texts(period)
    table["scheme"] = pd.Series(scheme, table.index, dtype="str")
    table["item"] = layout.texts(item)
    table["item_name"] = layout.texts(name)
