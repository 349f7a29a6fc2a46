"""Classes of values and of their uncertainty on maps: colours that keep their order without colour."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from math import floor, isnan, log10, nan
from typing import TYPE_CHECKING, Any

from uncac_metrics.languages import Language, text
from uncac_metrics.model import BREAKDOWNS, TOTAL, Indicator
from uncac_metrics.plots.axis import tick_label
from uncac_metrics.plots.interval import number_or_nan, rows_of

if TYPE_CHECKING:
    import pandas as pd

    from uncac_metrics.stats.estimates import Estimates

SHADES = ("#e8eff6", "#bcd2e5", "#7fabd0", "#3d7fb4", "#0a4f86")
"""Faces from the least class to the greatest: lightness falls, so that grey prints keep the order."""
GREYED = "#c9cbce"
"""What faces are mixed with where a value is uncertain; the lightness of the middle class."""


def of_areas(
    estimates: Estimates | pd.DataFrame, indicator: Indicator | str | None, over: str
) -> dict[str, dict[str, Any]]:  # fmt: skip
    """The one row of each area: value, limits, n and display; numbers are missing where withheld."""
    table = rows_of(estimates, indicator)
    for name in BREAKDOWNS:
        if name in table and name != over:
            table = table[table[name] == TOTAL]
    table = table[table[over].astype(str) != TOTAL]
    codes = table[over].astype(str)
    if codes.duplicated().any():
        twice = codes[codes.duplicated()].iloc[0]
        raise ValueError(f"several rows of {twice}: choose one data set and period")
    out = {}
    for code, row in zip(codes, table.to_dict("records"), strict=True):
        display = str(row.get("display", "shown"))
        names = ("value", "lower", "upper", "n")
        numbers = {name: nan if display == "withheld" else number_or_nan(row.get(name)) for name in names}
        level = number_or_nan(row.get("conf_level", 0.95))
        out[code] = {**numbers, "conf_level": 0.95 if isnan(level) else level, "display": display}
    return out


NOTHING: Mapping[str, Any] = {
    "value": nan, "lower": nan, "upper": nan, "n": nan, "conf_level": 0.95, "display": "no data",
}  # fmt: skip


def breaks_of(values: Sequence[float], classes: int) -> list[float]:
    """Round limits between classes of equal width, from the least value to the greatest.

    Examples
    --------
    >>> breaks_of([3.2, 11.0, 18.9], 3)
    [8.4, 13.7]
    """
    known = [value for value in values if not isnan(value)]
    if not known or classes < 2:
        return []
    low, high = min(known), max(known)
    step = (high - low) / classes
    if step == 0:
        return []
    digits = max(0, 1 - floor(log10(step)))
    found = [round(low + step * k, digits) for k in range(1, classes)]
    return [one + 0.0 for one in dict.fromkeys(found)]


def class_of(value: float, breaks: Sequence[float]) -> int:
    """Number of limits at or below the value.

    Examples
    --------
    >>> [class_of(v, [8.0, 14.0]) for v in (3.0, 8.0, 20.0)]
    [0, 1, 2]
    """
    return sum(value >= limit for limit in breaks)


def words_of_classes(breaks: Sequence[float], lang: str | Language = "en") -> list[str]:
    """What each class holds, as text.

    Examples
    --------
    >>> words_of_classes([8.4, 14.0])
    ['below 8.4', '8.4 to below 14', '14 and more']
    """
    said = [tick_label(limit, lang) for limit in breaks]
    if not said:
        return [text("all", lang)]
    middle = [text("{lower} to below {upper}", lang, lower=a, upper=b) for a, b in pairwise(said)]
    return [text("below {value}", lang, value=said[0]), *middle, text("{value} and more", lang, value=said[-1])]


def face(place: int, of: int) -> str:
    """Colour of a class, spread over the shades."""
    return SHADES[round(place * (len(SHADES) - 1) / max(of - 1, 1))]


def ink_on(colour: str) -> str:
    """Colour of letters that can be read on another.

    Examples
    --------
    >>> ink_on("#0a4f86"), ink_on("#e8eff6")
    ('white', '#1b1f24')
    """
    from uncac_metrics.plots.style import INK

    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return "white" if 0.299 * red + 0.587 * green + 0.114 * blue < 130 else INK


def decimals_of(indicator: Indicator | str | None) -> int:
    """Decimals of a definition; one where there is none."""
    return indicator.decimals if isinstance(indicator, Indicator) else 1
