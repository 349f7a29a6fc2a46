"""United Nations crime trends survey (UN-CTS), as UNODC's data portal exports it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from uncac_metrics.model import Fault, Faults
from uncac_metrics.readers import layout

COLUMNS = (
    "Iso3_code", "Country", "Region", "Subregion", "Indicator", "Dimension", "Category", "Sex", "Age", "Year",
    "Unit of measurement", "VALUE", "Source",
)  # fmt: skip
"""The thirteen columns of the export."""

SPELLING = {
    "Police personel": "Police personnel",
    "Acts that result in the depletion of degradation of natural resources":
        "Acts that result in the depletion or degradation of natural resources",
    "Acts involving the movement of dumping of waste": "Acts involving the movement or dumping of waste",
    "Trade or possession of protected or prohibited species of faune and flora":
        "Trade or possession of protected or prohibited species of fauna and flora",
    "Unlawful interception or access of computer data": "Unlawful interception or access to computer data",
}  # fmt: skip
"""Categories as the export spells them -> as they are meant."""

CRIMES = {
    "Corruption": "0703",
    "Corruption: Bribery": "07031",
    "Bribery": "07031",
    "Corruption: Other acts of corruption": "0703-07031",
    "Fraud": "0701",
    "Money laundering": "07041",
    "Acts involving fraud, deception or corruption": "07",
    "Participation in an organized criminal group": "09051",
}
"""Category -> crime class (ICCS); ``0703-07031``, our own, is corruption other than bribery."""

_SEX = {"Total": "_T", "Female": "F", "Male": "M"}
_KEY = ("ref_area", "time_period", "indicator", "dimension", "category", "sex", "age", "unit")


def un_cts(path: str | Path, *, vintage: str = "", areas: Mapping[str, str] | None = None) -> pd.DataFrame:
    """Read a table of the United Nations crime trends survey (``.xlsx`` or ``.csv``).

    Parameters
    ----------
    path : path
        The export: two rows above the header (``UNODC`` and the day of the export; either may be absent), then the
        thirteen :data:`COLUMNS`. Any other set of columns is a fault.
    vintage : str
        Day of the export in ISO 8601, for a file that does not say it. Numbers are revised: between the exports
        of June 2022 and May 2024, 8.6 % of the counts of corruption that both hold.
    areas : mapping, optional
        Decisions on areas that are not mapped by themselves, as for
        :func:`uncac_metrics.reference.names.harmonise`.

    Returns
    -------
    DataFrame
        ``ref_area``, ``m49``, ``area_code``, ``area_name``, ``area_status``, ``region``, ``subregion``;
        ``indicator``, ``dimension``; ``category`` in right spelling and ``category_written`` as in the file;
        ``crime`` (ICCS, empty where :data:`CRIMES` has no class); ``sex`` (_T, F, M) and ``age`` (_T for all);
        ``time_period`` (year, text), ``unit`` (as in the file), ``value``, ``source`` (its parts in alphabetical
        order: the file says both CTS/MoI and MoI/CTS) and ``vintage``. Parts of States (GBR_E_W, IRQ_C) have
        ``area_status`` part and keep the code of the file.

    Raises
    ------
    Faults
        Another layout, values that are no numbers, unknown codes of sex, rows with the same key.

    Notes
    -----
    Recorded offences measure what is detected and recorded, not how much corruption there is.
    Check :func:`corruption_figures` before classes are added up or subtracted.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> head = "Iso3_code,Country,Region,Subregion,Indicator,Dimension,Category,Sex,Age,Year"
    >>> lines = ["UNODC,unodc_ddds@un.org", "16/05/2024", f"{head},Unit of measurement,VALUE,Source",
    ...          'KEN,Kenya,Africa,Sub-Saharan Africa,Offences,by type of offence,Corruption,Total,Total,2018,'
    ...          'Counts,"1,234",MoI/CTS']
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "cts.csv")
    ...     _ = path.write_text("\\n".join(lines))
    ...     table = un_cts(path)
    >>> table[["ref_area", "time_period", "crime", "value", "source", "vintage"]].to_csv(index=False, header=False)
    'KEN,2018,0703,1234.0,CTS/MoI,2024-05-16\\n'
    """
    path = Path(path)
    book = path.suffix.lower() in (".xlsx", ".xls")
    rows = next(iter(layout.workbook(path).values())) if book else layout.text_rows(path)
    at = layout.header_row(rows, COLUMNS, path)
    stamped = _stamp(rows[:at], path)
    if stamped and vintage and stamped != vintage:
        raise Faults([Fault(str(path), "vintage", f"the file is of {stamped}, not {vintage}", "correct the option")])
    raw = layout.frame(rows, at, path, only=COLUMNS)
    table = layout.areas(raw["Iso3_code"], raw["Country"], path, areas)
    written = layout.texts(raw["Category"])
    for column in ("Region", "Subregion", "Indicator", "Dimension"):
        table[column.lower()] = layout.texts(raw[column])
    table["category"] = written.replace(SPELLING)
    table["category_written"] = written
    table["crime"] = written.map(CRIMES).fillna("").astype("str")
    table["sex"] = layout.recoded(raw["Sex"], _SEX, path)
    table["age"] = layout.texts(raw["Age"]).replace({"Total": "_T"})
    table["time_period"] = _years(raw["Year"], path)
    table["unit"] = layout.texts(raw["Unit of measurement"])
    table["value"] = layout.numbers(raw["VALUE"], path)
    table["source"] = layout.texts(raw["Source"]).map(lambda s: "/".join(sorted(s.split("/"))))
    table["vintage"] = pd.Series(stamped or vintage, table.index, dtype="str")
    layout.once(table, _KEY, path)
    return table


def corruption_figures(table: pd.DataFrame) -> pd.DataFrame:
    """Counts of corruption and its two parts side by side, for :func:`uncac_metrics.identities.check`.

    Parameters
    ----------
    table : DataFrame
        As :func:`un_cts` gives it, offences among its rows.

    Returns
    -------
    DataFrame
        A row a country and year, which are its index: ``corruption``, ``bribery`` and ``other`` acts of corruption,
        missing where the file has no count of the class.

    Examples
    --------
    >>> rows = [("0703", 10.0), ("07031", 4.0), ("0703-07031", 5.0)]
    >>> table = pd.DataFrame(rows, columns=["crime", "value"]).assign(
    ...     ref_area="KEN", time_period="2018", unit="Counts", sex="_T", age="_T")
    >>> corruption_figures(table).reset_index().to_dict("list")
    {'ref_area': ['KEN'], 'time_period': ['2018'], 'corruption': [10.0], 'bribery': [4.0], 'other': [5.0]}
    """
    classes = {"0703": "corruption", "07031": "bribery", "0703-07031": "other"}
    counts = table[(table["sex"] == "_T") & table["crime"].isin(list(classes))]
    return _side_by_side(counts, "crime", classes, ("ref_area", "time_period"))


def sex_figures(table: pd.DataFrame) -> pd.DataFrame:
    """Counts of women, of men and of all side by side, for :func:`uncac_metrics.identities.check`.

    Parameters
    ----------
    table : DataFrame
        As :func:`un_cts` gives it, with persons by sex among its rows, as those suspected of bribery.

    Returns
    -------
    DataFrame
        A row a country, year, indicator, dimension and category, which are its index: ``total``, ``women`` and
        ``men``, missing where the file has no count of them. In the export of June 2022, of 204 country-years of
        persons suspected of bribery with all three, 16 do not add up.

    Examples
    --------
    >>> rows = [("_T", 9.0), ("F", 2.0), ("M", 8.0)]
    >>> table = pd.DataFrame(rows, columns=["sex", "value"]).assign(
    ...     ref_area="KEN", time_period="2018", indicator="Persons prosecuted", dimension="by selected crime",
    ...     category="Bribery", unit="Counts", age="_T")
    >>> from uncac_metrics.identities import check
    >>> check(sex_figures(table))[["identity", "published", "implied", "holds"]].to_dict("list")
    {'identity': ['sexes'], 'published': [9.0], 'implied': [10.0], 'holds': [False]}
    """
    sexes = {"_T": "total", "F": "women", "M": "men"}
    return _side_by_side(table, "sex", sexes, ("ref_area", "time_period", "indicator", "dimension", "category"))


def _side_by_side(table: pd.DataFrame, column: str, names: Mapping[str, str], index: tuple[str, ...]) -> pd.DataFrame:
    """Counts of all ages by the codes of a column, under names of their own."""
    counts = table[(table["unit"] == "Counts") & (table["age"] == "_T")]
    wide = counts.pivot(index=list(index), columns=column, values="value")
    return wide.reindex(columns=list(names)).rename(columns=names).rename_axis(columns=None)


def _stamp(rows: list[layout.Row], path: Path) -> str:
    """Day of the export from the rows above the header; anything else there is a fault."""
    found = ""
    for row in rows:
        cells = [layout.cell_text(c) for c in row if layout.cell_text(c)]
        day = re.fullmatch(r"(\d{2})/(\d{2})/(\d{4})", cells[0]) if cells else None
        if day:
            found = f"{day[3]}-{day[2]}-{day[1]}"
        elif cells and cells[0] != "UNODC":
            what = f"a row above the header says {cells[0]!r}, where UNODC or the day (dd/mm/yyyy) is due"
            raise Faults([Fault(str(path), "header", what, "give the export as it was downloaded")])
    return found


def _years(cells: pd.Series, path: Path) -> pd.Series:
    years = layout.texts(cells)
    wrong = ~years.str.fullmatch(r"\d{4}").to_numpy(bool)
    if wrong.any():
        what = f"{layout.listed(years[wrong].unique())}: not a year"
        raise Faults([layout.at_rows(path, str(cells.name), what, wrong, "correct the file")])
    return years
