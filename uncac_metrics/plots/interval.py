"""Interval (forest) plot: one estimate a line, with its interval and the number of answers it rests on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isnan, nan
from numbers import Real
from typing import TYPE_CHECKING, Any

from uncac_metrics.languages import Language, named, number, text
from uncac_metrics.model import BREAKDOWNS, DIRECTIONS, TOTAL, Indicator
from uncac_metrics.plots.axis import scale, tick_label
from uncac_metrics.plots.labels import Labels, code_label, heading
from uncac_metrics.plots.rows import Mark, Picture, Row, as_svg, draw
from uncac_metrics.plots.style import BLUE, INK

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from uncac_metrics.stats.estimates import Estimates

NUMBERS = ("value", "std_error", "lower", "upper", "conf_level", "n")
SEVERAL = ("dataset", "ref_area", "time_period")
TAKEN = {*BREAKDOWNS, *SEVERAL, *NUMBERS, "display", "reason"}
"""Columns of estimates that a plot takes."""


def interval_data(
    estimates: Estimates | pd.DataFrame,
    indicator: Indicator | str | None = None,
    *,
    labels: Labels | None = None,
    lang: str | Language = "en",
) -> pd.DataFrame:
    """The numbers of an interval plot, in drawing order.

    Parameters
    ----------
    estimates
        Estimates, or a frame of their shape.
    indicator
        The definition or the id of the indicator to take; needed where `estimates` holds several.
    labels
        Labels of codes: breakdown -> code -> label.
    lang
        Language of the labels.

    Returns
    -------
    pandas.DataFrame
        A row an estimate: ``group`` (breakdown column; ``""`` for the total; ``sex × age`` for a crossing),
        ``code``, ``label``, ``value``, ``std_error``, ``lower``, ``upper`` (in the indicator's unit; missing
        where withheld), ``conf_level``, ``n``, ``display``, ``reason``; the index is that of `estimates`.
        Totals come first, then the breakdowns in their common order, each in the order of `estimates`.

    Raises
    ------
    ValueError
        Where `estimates` holds no row of the indicator, or several indicators and none is named.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"indicator": "BR-01", "sex": ["F", "_T"], "value": [4.0, 5.0]})
    >>> interval_data(frame)[["group", "label", "value"]]
      group   label  value
    1         Total    5.0
    0   sex  Female    4.0
    """
    import pandas as pd

    table = rows_of(estimates, indicator)
    known = [name for name in table if name in TAKEN]
    records = table[known].assign(place=range(len(table))).to_dict("records")
    rows = numbers_of(records, labels, lang)
    frame = pd.DataFrame(rows, index=table.index[[row.pop("place") for row in rows]])
    return frame.astype(dict.fromkeys(NUMBERS, "float64"))


def numbers_of(
    estimates: Sequence[Mapping[str, Any]], labels: Labels | None = None, lang: str | Language = "en"
) -> list[dict[str, Any]]:
    """The rows of :func:`interval_data` of estimates given as records; other columns are kept as they are."""
    several = [name for name in SEVERAL if len({row.get(name) for row in estimates}) > 1]
    breakdowns = [name for name in BREAKDOWNS if any(row.get(name, TOTAL) != TOTAL for row in estimates)]
    rows = []
    for row in estimates:
        codes = {name: str(row[name]) for name in breakdowns if str(row[name]) != TOTAL}
        words = [code_label(name, code, labels, lang) for name, code in codes.items()]
        words += [" · ".join(str(row[name]) for name in several)] if several else []
        display = str(row.get("display", "shown"))
        numbers = {name: nan if display == "withheld" else number_or_nan(row.get(name)) for name in NUMBERS}
        if isnan(numbers["conf_level"]):
            numbers["conf_level"] = 0.95
        reason = row.get("reason")
        rows.append(
            {
                "group": " × ".join(codes),
                "code": " × ".join(codes.values()) or TOTAL,
                "label": ", ".join(words) or text("Total", lang),
                **numbers,
                "display": display,
                "reason": reason if isinstance(reason, str) else "",
            }
            | {name: value for name, value in row.items() if name not in TAKEN}
        )
    order = {name: place for place, name in enumerate(["", *BREAKDOWNS])}
    return sorted(rows, key=lambda row: [row["group"].count("×"), *(order[name] for name in row["group"].split(" × "))])


def number_or_nan(value: Any) -> float:
    """The number; not a number where there is none."""
    return float(value) if isinstance(value, Real) else nan


def interval(
    estimates: Estimates | pd.DataFrame,
    *,
    indicator: Indicator | str | None = None,
    ax: Axes | None = None,
    labels: Labels | None = None,
    source: str = "",
    width: float | None = None,
    lang: str | Language = "en",
) -> Axes:
    """Draw estimates with their intervals, the total first and each breakdown under its heading.

    A filled mark is a published value, a hollow one carries a warning, and a hatched bar with the word says
    that the value is withheld: it is never drawn at zero. The number of answers stands at the right.

    Parameters
    ----------
    estimates
        Estimates, or a frame of their shape.
    indicator
        The definition (gives title, unit, direction and decimals) or the id of the indicator to take.
    ax
        Axes to draw on; a new pyplot figure of fitting size where none is given.
    labels
        Labels of codes: breakdown -> code -> label.
    source
        Where the data come from, for the line below the plot.
    width
        Width of a new figure (mm): 85 for a column of print, 170 for two.
    lang
        Language of texts and numbers.

    Returns
    -------
    matplotlib.axes.Axes

    Examples
    --------
    >>> import pandas as pd
    >>> from matplotlib.figure import Figure
    >>> frame = pd.DataFrame({"indicator": "BR-01", "sex": ["_T", "F"], "value": [5.0, 4.0],
    ...                       "lower": [4.0, 2.0], "upper": [6.0, 7.0], "n": [900, 450]})
    >>> axes = interval(frame, ax=Figure().subplots())
    >>> axes.get_xlabel()
    'Lines: 95 % intervals.'
    """
    data = interval_data(estimates, indicator, labels=labels, lang=lang)
    definition = indicator if isinstance(indicator, Indicator) else None
    return draw(interval_picture(data.to_dict("records"), definition, source=source, lang=lang), ax, width)


def interval_svg(
    estimates: Estimates | pd.DataFrame,
    *,
    indicator: Indicator | str | None = None,
    labels: Labels | None = None,
    source: str = "",
    lang: str | Language = "en",
) -> str:
    """The plot of :func:`interval` as the text of an SVG element, with its alternative text in it.

    Parameters
    ----------
    estimates, indicator, labels, source, lang
        As in :func:`interval`.

    Returns
    -------
    str
        ``<svg …>…</svg>`` and a line end; the same numbers give the same text.
    """
    from uncac_metrics.plots.alt import alt_text

    data = interval_data(estimates, indicator, labels=labels, lang=lang)
    definition = indicator if isinstance(indicator, Indicator) else None
    picture = interval_picture(data.to_dict("records"), definition, source=source, lang=lang)
    return as_svg(picture, alt=alt_text(data, definition, lang=lang))


def interval_picture(
    records: Sequence[Mapping[str, Any]],
    indicator: Indicator | None = None,
    *,
    source: str = "",
    lang: str | Language = "en",
) -> Picture:
    """The rows of :func:`numbers_of` as a picture."""
    rows: list[Row] = []
    group = ""
    for row in records:
        if row["group"] != group:
            group = row["group"]
            rows.append(Row(heading(group, lang), heading=True))
        total = group == ""
        words = "withheld" if row["display"] == "withheld" else "no value" if isnan(row["value"]) else ""
        words = text(words, lang)
        mark = Mark(
            row["value"], row["lower"], row["upper"], INK if total else BLUE, "D" if total else "o",
            filled=row["display"] != "flagged", heavy=total,
        )  # fmt: skip
        note = "" if isnan(row["n"]) else number(row["n"], lang)
        hatched = row["display"] == "withheld"
        rows.append(Row(row["label"], () if words else (mark,), note, words, hatched, bold=total))
    totals = [row["value"] for row in records if row["group"] == "" and not isnan(row["value"])]
    ends = [row[name] for row in records for name in ("value", "lower", "upper")]
    low, high = scale(ends, percent=indicator is not None and indicator.unit.startswith("%"))
    return Picture(
        tuple(rows), named(indicator, lang), unit_label(indicator, lang), _note(records, source, lang), low, high,
        rule=totals[0] if len(totals) == 1 and len(records) > 1 else nan, lang=lang,
    )  # fmt: skip


def unit_label(indicator: Indicator | None, lang: str | Language = "en") -> str:
    """Unit of an indicator, and which direction is better where that is agreed."""
    if indicator is None:
        return ""
    unit = text(indicator.unit, lang, context="unit")
    better = "" if indicator.direction == "none" else f" ({text(DIRECTIONS[indicator.direction], lang).lower()})"
    return f"{unit}{better}"


def rows_of(estimates: Estimates | pd.DataFrame, indicator: Indicator | str | None) -> pd.DataFrame:
    """The rows of one indicator, which has to be named where there are several."""
    table: pd.DataFrame = getattr(estimates, "table", estimates)
    wanted = indicator.id if isinstance(indicator, Indicator) else indicator
    held = sorted(table["indicator"].astype(str).unique())
    if wanted is None and len(held) > 1:
        raise ValueError(f"the estimates hold {len(held)} indicators ({', '.join(held)}): say which one to plot")
    rows = table if wanted is None else table[table["indicator"] == wanted]
    if not len(rows):
        raise ValueError(
            f"the estimates hold no row of {wanted or 'any indicator'}: they hold {', '.join(held) or 'none'}"
        )
    return rows


def level_of(level: float, lang: str | Language) -> str:
    """A level of confidence in per cent."""
    return tick_label(100 * level, lang)


def _note(records: Sequence[Mapping[str, Any]], source: str, lang: str | Language) -> str:
    level = max(row["conf_level"] for row in records)
    parts = [text("Lines: {level} % intervals.", lang, level=level_of(level, lang))]
    if any(row["display"] == "flagged" for row in records):
        parts.append(text("Hollow: low reliability.", lang))
    if source:
        parts.append(text("Source: {source}.", lang, source=source))
    return " ".join(parts)
