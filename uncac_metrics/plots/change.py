"""Change between two waves: the difference with its interval, whether chance explains it, and what was revised."""

from __future__ import annotations

from collections.abc import Mapping
from math import isnan, nan
from typing import TYPE_CHECKING, Any

from uncac_metrics.languages import Language, named, number, period, span, text
from uncac_metrics.model import BREAKDOWNS, DIRECTIONS, TOTAL, Indicator
from uncac_metrics.plots.axis import scale
from uncac_metrics.plots.canvas import flagged_as, level_note, said, shown_as, source_note
from uncac_metrics.plots.interval import number_or_nan
from uncac_metrics.plots.labels import Labels, code_label
from uncac_metrics.plots.rows import Mark, Picture, Row, draw
from uncac_metrics.plots.style import BLUE, GREY

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from uncac_metrics.stats.estimates import Estimates

SIGNIFICANT, NOT = Mark(0, colour=BLUE, shape="D"), Mark(0, colour=GREY, shape="o")


def change_data(
    now: Estimates,
    before: Estimates,
    *,
    revised: pd.DataFrame | None = None,
    level: float = 0.95,
    catalogue: Mapping[str, Indicator] | None = None,
    labels: Labels | None = None,
    lang: str | Language = "en",
) -> pd.DataFrame:
    """The numbers of a plot of change: a row an indicator or domain that both waves have.

    Parameters
    ----------
    now, before
        Estimates of the two waves, with what their covariance needs.
    revised
        Result of :func:`uncac_metrics.revisions` between two releases that hold the earlier wave: gives what was
        published first.
    level
        Confidence level of the differences.
    catalogue
        Definitions that give the indicators' names, decimals and directions.
    labels
        Labels of codes: breakdown -> code -> label.
    lang
        Language of the labels.

    Returns
    -------
    pandas.DataFrame
        ``indicator``, ``label``, ``unit``, ``value_before``, ``value_now``, ``difference`` (now less before),
        ``std_error``, ``lower``, ``upper``, ``conf_level``, ``significant`` (the interval excludes zero), ``display``
        and ``first_published`` (of the earlier wave, where it was revised), all in the order of `now`; numbers are
        missing where either is withheld. ``.attrs["periods"]`` are the two periods.

    Raises
    ------
    uncac_metrics.model.Faults
        What :func:`uncac_metrics.compare` refuses.
    ValueError
        Where the units differ, or a wave has several rows of an indicator and domain.

    Examples
    --------
    >>> import uncac_metrics as um
    >>> waves = [um.estimate("BR-01", name) for name in ("population_2025", "population_2023")]
    >>> data = change_data(*waves)
    >>> (data["difference"] - (data["value_now"] - data["value_before"])).abs().lt(1e-12).all()
    np.True_
    """
    import pandas as pd

    from uncac_metrics.stats.differences import compare

    found = compare(now, before, level=level).table
    names = [name for name in BREAKDOWNS if name in found]
    old, new = ({_key(row, names): row for row in one.table.to_dict("records")} for one in (before, now))
    if len(old) < len(before) or len(new) < len(now):
        raise ValueError(
            "several rows of one indicator and domain in a wave: choose one data set, statistic and period"
        )
    first = _first_published(revised, names, before.table)
    rows = []
    for row in found.to_dict("records"):
        key = _key(row, names)
        key = (key[0], key[1].split(" - ")[0], *key[2:])
        was = old.get(key) or old[next(k for k in old if k[0] == key[0] and k[2:] == key[2:])]
        now_row = new[key]
        shows = {str(one.get("display", "shown")) for one in (was, now_row)}
        display = next((word for word in ("withheld", "flagged") if word in shows), "shown")
        card = (catalogue or {}).get(str(row["indicator"]))
        words = [code_label(name, str(row[name]), labels, lang) for name in names if str(row[name]) != TOTAL]
        several = found["indicator"].nunique() > 1 or not words
        head = [named(card, lang) if card else str(row["indicator"])] if several else []
        numbers = {
            "value_before": was["value"], "value_now": now_row["value"], "difference": row["value"],
            "std_error": row["std_error"], "lower": row["lower"], "upper": row["upper"],
        }  # fmt: skip
        hidden = display == "withheld"
        numbers = {name: nan if hidden else number_or_nan(value) for name, value in numbers.items()}
        rows.append(
            {"indicator": str(row["indicator"]), "label": ", ".join([*head, *words]), "unit": str(row["unit"]),
             **numbers, "conf_level": level, "significant": bool(numbers["lower"] > 0 or numbers["upper"] < 0),
             "display": display, "first_published": nan if hidden else first.get(_key(was, names), nan)}
        )  # fmt: skip
    frame = pd.DataFrame(rows)
    if frame["unit"].nunique() > 1:
        raise ValueError(f"one axis cannot show several units: {', '.join(frame['unit'].unique())}")
    frame.attrs["periods"] = tuple(_period(one.table) for one in (before, now))
    return frame


def _key(row: Mapping[str, Any], names: list[str]) -> tuple[str, ...]:
    return (str(row["indicator"]), str(row["ref_area"]), *(str(row.get(name, TOTAL)) for name in names))


def _period(table: pd.DataFrame) -> str:
    return "/".join(dict.fromkeys(table["time_period"].astype(str)))


def _first_published(revised: pd.DataFrame | None, names: list[str], before: pd.DataFrame) -> dict[Any, float]:
    """What was published first of the rows of the earlier wave that were revised."""
    if revised is None:
        return {}
    at = revised[revised["status"].eq("revised") & revised["time_period"].isin(before["time_period"])]
    return {_key(row, names): float(row["value_before"]) for row in at.to_dict("records")}


def change(
    now: Estimates,
    before: Estimates,
    *,
    revised: pd.DataFrame | None = None,
    level: float = 0.95,
    catalogue: Mapping[str, Indicator] | None = None,
    ax: Axes | None = None,
    labels: Labels | None = None,
    source: str = "",
    width: float | None = None,
    lang: str | Language = "en",
) -> Axes:
    """Draw differences between two waves with their intervals, about a line at zero; values stand at the right.

    A diamond is a difference that chance does not explain at the level, a circle one that it may.

    Parameters
    ----------
    now, before, revised, level, catalogue, labels
        As in :func:`change_data`.
    ax
        Axes to draw on; a new pyplot figure of fitting size where none is given.
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
    >>> import uncac_metrics as um
    >>> from matplotlib.figure import Figure
    >>> waves = [um.estimate("BR-01", name) for name in ("population_2025", "population_2023")]
    >>> change(*waves, ax=Figure().subplots()).get_title(loc="left")
    'BR-01: change from 2023 to 2025'
    """
    data = change_data(now, before, revised=revised, level=level, catalogue=catalogue, labels=labels, lang=lang)
    return draw(_picture(data, catalogue or {}, source, lang), ax, width)


def _picture(data: pd.DataFrame, catalogue: Mapping[str, Indicator], source: str, lang: str | Language) -> Picture:
    rows = []
    for one in data.to_dict("records"):
        digits = _digits(catalogue, one["indicator"])
        words = shown_as(one["display"], one["difference"], lang)
        kind = SIGNIFICANT if one["significant"] else NOT
        mark = Mark(one["difference"], one["lower"], one["upper"], kind.colour, kind.shape,
                    filled=one["display"] != "flagged", heavy=one["significant"])  # fmt: skip
        was, first, now = (number(one[name], lang, digits) for name in ("value_before", "first_published", "value_now"))
        first = "" if isnan(one["first_published"]) else f" ({text('first {value}', lang, value=first)})"
        note = f"{was}{first} → {now}" if not words else "–"
        rows.append(Row(one["label"], () if words else (mark,), note, words, one["display"] == "withheld"))
    before, now = (_when(one, lang) for one in data.attrs["periods"])
    ids = list(dict.fromkeys(data["indicator"]))
    cards = [catalogue[key] for key in ids if key in catalogue]
    name = (f"{named(cards[0], lang)}: " if cards else f"{ids[0]}: ") if len(ids) == 1 else ""
    ways = {card.direction for card in cards}
    better = f" ({text(DIRECTIONS[ways.pop()], lang).lower()})" if len(ways) == 1 and ways != {"none"} else ""
    low, high = scale([*data["lower"], *data["upper"], *data["difference"]])
    notes = [level_note(data["conf_level"], lang=lang)]
    notes += [text("Hollow: low reliability.", lang)] if (data["display"] == "flagged").any() else []
    notes += [text("First: as first published.", lang)] if data["first_published"].notna().any() else []
    title = name + text("change from {before} to {now}", lang, before=before, now=now)
    key = ((text("more than chance explains", lang), SIGNIFICANT), (text("may be chance", lang), NOT))
    unit = ", ".join(filter(None, [text("difference", lang), f"{_unit(data, lang)}{better}"]))
    below = " ".join([*notes, source_note(source, lang)]).strip()
    return Picture(tuple(rows), title[:1].upper() + title[1:], unit, below,
                   low, high, column=f"{before} → {now}", rule=0.0, key=key, lang=lang)  # fmt: skip


def _digits(catalogue: Mapping[str, Indicator], indicator: str) -> int:
    return catalogue[indicator].decimals if indicator in catalogue else 1


def _when(periods: str, lang: str | Language) -> str:
    return "/".join(period(one, lang) for one in periods.split("/")) if lang != "en" else periods


def _unit(data: pd.DataFrame, lang: str | Language) -> str:
    unit = str(data["unit"].iloc[0])
    return text("percentage points" if unit == "%" else unit, lang, context="unit")


def change_alt(
    data: pd.DataFrame, catalogue: Mapping[str, Indicator] | None = None, *, lang: str | Language = "en"
) -> str:
    """What a plot of change shows, in words made from its numbers.

    Parameters
    ----------
    data
        Result of :func:`change_data`.
    catalogue
        Definitions that give the decimals.
    lang
        Language of the words; that of the labels in `data`.

    Examples
    --------
    >>> import uncac_metrics as um
    >>> waves = [um.estimate("BR-01", name) for name in ("population_2025", "population_2023")]
    >>> change_alt(change_data(*waves))[:50]
    'Change from 2023 to 2025 (percentage points). BR-0...'
    """
    before, now = (_when(one, lang) for one in data.attrs["periods"])
    parts = [text("Change from {before} to {now} ({unit}).", lang, before=before, now=now, unit=_unit(data, lang))]
    for one in data.to_dict("records"):
        digits = _digits(catalogue or {}, one["indicator"])
        words = shown_as(one["display"], one["difference"], lang)
        if not words:
            ways = span(one["value_before"], one["value_now"], lang, digits)
            by = said(one["difference"], one["lower"], one["upper"], digits, lang)
            chance = text("more than chance explains" if one["significant"] else "may be chance", lang)
            words = f"{ways}, {text('difference', lang)} {by}, {chance}" + flagged_as(one["display"], lang)
        parts.append(f"{one['label']}: {words}.")
    return " ".join(parts)
