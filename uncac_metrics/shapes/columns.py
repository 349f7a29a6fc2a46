"""Columns that several shapes share, and short ways to write a column."""

from __future__ import annotations

from collections.abc import Mapping

from uncac_metrics.model import Column

SEX = {"F": "Female", "M": "Male", "O": "Other"}
URBANISATION = {"U": "Urban", "R": "Rural"}
FIRM_SIZE = {"micro": "Micro", "small": "Small", "medium": "Medium", "large": "Large"}
DISABILITY = {"Y": "With disability", "N": "Without disability"}
PERSON = {"natural": "Natural person", "legal": "Legal person"}


def yes(name: str, label: str) -> Column:
    """A column of 1, 0 and missing."""
    return Column(name, "yes_no", label)


def code(
    name: str, label: str, codes: Mapping[str, str] | None = None, *, usual: Mapping[str, str] | None = None
) -> Column:
    """A column of codes: of a closed list, or of any with the usual ones named."""
    return Column(name, "code", label, codes, usual=usual)


def number(name: str, label: str, unit: str = "", kind: str = "number") -> Column:
    """A column of numbers that are not negative."""
    return Column(name, kind, label, low=0, unit=unit)


def date(name: str, label: str) -> Column:
    """A column of days."""
    return Column(name, "date", label)


def amount(name: str, label: str) -> Column:
    """A column of money in the currency of its row."""
    return Column(name, "amount", label, low=0, unit="units of the currency of the row")


def text(name: str, label: str, *, complete: bool = False) -> Column:
    """A column of free text, such as identifiers."""
    return Column(name, "text", label, complete=complete)


CURRENCY = Column("currency", "currency", "Currency of the amounts of the row (ISO 4217)")
CRIME = code("crime", "Crime class (ICCS code, such as 07031)")
PERIOD = (
    text("ref_area", "Country or region that the row belongs to; that of the source where not given", complete=True),
    text("time_period", "Period that the row belongs to; that of the source where not given", complete=True),
)
OFFICE = (
    code("institution", "Institution that keeps the record or is concerned"),
    code("area", "Area below the national level"),
)
OBSERVED = date("date_observed", "Day up to which the state of the row is known, such as that of the extract")
