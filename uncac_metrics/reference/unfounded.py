"""Global figures on corruption that have no support: data that carry one are flagged."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd

from uncac_metrics.model import Fault
from uncac_metrics.reference import load

_WORLD = ("001", "1", "WLD", "1W", "World", "Global")
_MONEY = re.compile(r"\b(USD|US dollars?|dollars?)\b|US ?\$|^\$", re.IGNORECASE)
_SCALES = {"million": 1e6, "billion": 1e9, "bn": 1e9, "trillion": 1e12, "tn": 1e12, "trn": 1e12}


def flag_unfounded(table: pd.DataFrame, *, texts: Mapping[str, str] | None = None, file: str = "table") -> list[Fault]:
    """Cells of a table, and texts about it, that carry a global figure without support.

    A number is flagged where its row is for the world (``ref_area`` 001, WLD, World …), its unit is that of a
    listed figure (US dollars, also in millions, billions or trillions; or the same percentage) and it is within 1 %
    of the figure or of an end of its range. A text is flagged where it holds all parts of a listed phrase.

    Parameters
    ----------
    table : DataFrame
        Data set or estimates, with ``ref_area`` and ``unit`` (or ``currency``) beside the numbers, as far as
        it has them; without them only texts are looked at.
    texts : mapping of place to text, optional
        Further texts, such as title and notes.
    file : str
        Name by which flags call the table.

    Returns
    -------
    list of Fault
        One a figure and column (or text): the claim, why it has no support and where that was examined, with rows.
        A flag asks for a look; it does not prove that the number was taken from there.

    References
    ----------
    .. [1] Wathne, C. and Stephenson, M. C. (2021), The credibility of corruption statistics: a critical review of
       ten global estimates, U4 Issue 2021:4. Of the ten, none is credible, six are problematic, four unfounded.

    Examples
    --------
    >>> table = pd.DataFrame({"ref_area": ["KEN", "WLD"], "value": [2.6, 2.6], "unit": ["trillion USD"] * 2})
    >>> [(f.where, f.rows) for f in flag_unfounded(table)]
    [('value', (2,))]
    >>> [f.what for f in flag_unfounded(table[:0], texts={"notes": "Every year US$1 trillion is paid in bribes."})]
    ['about one trillion US dollars are paid in bribes every year: problematic']
    """
    figures = load("unfounded_figures").to_dict("records")
    flags = []
    for where, rows in _places(table):
        held = np.flatnonzero(rows)
        numbers, units = _numbers(table, where, held)
        for figure in figures:
            low, high = float(figure["low"]), float(figure["high"])
            same = np.isclose(numbers, low, rtol=0.01, atol=0) | np.isclose(numbers, high, rtol=0.01, atol=0)
            hit = held[same & (units == figure["unit"])]
            if len(hit):
                flags.append(_flag(figure, file, where, hit))
    for where, series in _texts(table):
        levels = {text: _plain(text) for text in series.unique()}
        for figure in figures:
            said = [text for text, text_plain in levels.items() if _says(text_plain, figure["phrases"])]
            if said:
                flags.append(_flag(figure, file, where, np.flatnonzero(series.isin(said))))
    for where, text in (texts or {}).items():
        flags += [_flag(f, file, where, np.array([], int)) for f in figures if _says(_plain(text), f["phrases"])]
    return flags


def _flag(figure: Mapping[str, str], file: str, where: str, rows: np.ndarray) -> Fault:
    claim = figure["claim"]
    what = f"{claim[0].lower()}{claim[1:]}: {figure['verdict']}"
    remedy = f"leave it out: {figure['reason']} ({figure['source']})"
    return Fault(file, where, what, remedy, tuple(int(r) + 1 for r in rows[:5]), len(rows))


def _places(table: pd.DataFrame) -> Iterator[tuple[str, np.ndarray]]:
    """Columns of numbers, and the rows for the world."""
    if "ref_area" in table and ("unit" in table or "currency" in table):
        world = table["ref_area"].isin(_WORLD).to_numpy()
        for name in table.columns:
            if world.any() and pd.api.types.is_float_dtype(table[name].dtype):
                yield str(name), world


def _numbers(table: pd.DataFrame, name: str, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Numbers in whole units, and the units: ``USD``, or as written."""
    values = table[name].to_numpy(np.float64, na_value=np.nan)[rows]
    unit = table["unit" if "unit" in table else "currency"].astype("str").to_numpy(dtype=object, na_value="")[rows]
    money = np.array([bool(_MONEY.search(u)) for u in unit], bool)
    scale = np.array([_scale(one) for one in unit])
    return np.where(money, values * scale, values), np.where(money, "USD", unit)


def _scale(unit: str) -> float:
    return next((scale for word, scale in _SCALES.items() if re.search(rf"\b{word}s?\b", unit, re.IGNORECASE)), 1.0)


def _texts(table: pd.DataFrame) -> Iterator[tuple[str, pd.Series]]:
    for name in table.columns:
        dtype = table[name].dtype
        if isinstance(dtype, (pd.StringDtype, pd.CategoricalDtype)) or pd.api.types.is_object_dtype(dtype):
            yield str(name), table[name].astype("str").fillna("")


def _says(plain: str, phrases: str) -> bool:
    return any(all(_within(part, plain) for part in phrase.split("+")) for phrase in phrases.split(";"))


def _within(part: str, plain: str) -> bool:
    return re.search(rf"(?<![\d.\-]){re.escape(part)}", plain) is not None


def _plain(text: str) -> str:
    """Small letters; ``2 to 5 per cent`` as 2-5%, ``US$2.6tn`` as 2.6 trillion.

    Examples
    --------
    >>> _plain("Between 2 and 5 per cent of global GDP; US$2.6tn")
    'between 2-5% of global gdp; 2.6 trillion'
    """
    text = re.sub(r"per ?cent|%", " %", text.casefold())
    text = re.sub(r"us ?\$|\$|\busd\b|\b(us )?dollars?\b", " ", text)
    text = re.sub(r"(?<=\d) ?(tn|trn|tr)\b", " trillion", text)
    text = re.sub(r"(?<=\d) ?bn\b", " billion", text)
    text = re.sub(r"(?<=\d) ?%? ?(–|—|-|\bto\b|\band\b) ?(?=\d)", "-", text)
    text = re.sub(r"\b(a|one) trillion", "1 trillion", text)
    return re.sub(r" ?%", "%", " ".join(text.split()))
