"""Lorenz and concentration curves: who bears how much, with the band of their intervals."""

from __future__ import annotations

from math import nan
from typing import TYPE_CHECKING, Any

from uncac_metrics.languages import Language, text
from uncac_metrics.model import BREAKDOWNS, TOTAL
from uncac_metrics.plots.axis import tick_label
from uncac_metrics.plots.canvas import canvas, dress, flagged_as, level_note, plain_axes, said, source_note
from uncac_metrics.plots.interval import number_or_nan
from uncac_metrics.plots.labels import Labels, code_label
from uncac_metrics.plots.style import GREY, INK, PLAIN, SERIES, in_language

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from uncac_metrics.stats.estimates import Estimates


def lorenz_data(
    estimates: Estimates | pd.DataFrame,
    *,
    over: str = "",
    labels: Labels | None = None,
    lang: str | Language = "en",
) -> pd.DataFrame:
    """Points of Lorenz or concentration curves, with their ends.

    Parameters
    ----------
    estimates
        Result of :func:`uncac_metrics.stats.survey.lorenz`.
    over
        Breakdown whose codes each have a curve; the total where none is given.
    labels
        Labels of codes: breakdown -> code -> label.
    lang
        Language of the labels.

    Returns
    -------
    pandas.DataFrame
        ``code``, ``label``, ``share_of_units``, ``value``, ``lower``, ``upper`` (shares of the whole; missing where
        withheld), ``conf_level``, ``display``, by code and point, from (0, 0) to (1, 1).
        ``.attrs["statistic"]`` says which curve it is.

    Raises
    ------
    ValueError
        Where there are several curves for one code, or more than can be told apart.

    Examples
    --------
    >>> import pandas as pd
    >>> from uncac_metrics.stats import survey
    >>> frame = pd.DataFrame({"w": 1.0, "income": [1.0, 2, 3, 4]})
    >>> curve = survey.lorenz(survey.Design(frame, weight="w"), "income", points=[0.25, 0.5])
    >>> lorenz_data(curve)[["share_of_units", "value"]].to_numpy().tolist()
    [[0.0, 0.0], [0.25, 0.1], [0.5, 0.3], [1.0, 1.0]]
    """
    import pandas as pd

    table: pd.DataFrame = getattr(estimates, "table", estimates)
    for name in BREAKDOWNS:
        if name in table and name not in (over, "category"):
            table = table[table[name] == TOTAL]
    codes = table[over].astype(str) if over else pd.Series(TOTAL, table.index)
    rows: list[dict[str, Any]] = []
    for code, own in table.groupby(codes, sort=False):
        if own["category"].duplicated().any():
            raise ValueError(f"several curves of {code}: choose one")
        level = float(own["conf_level"].iloc[0]) if "conf_level" in own else 0.95
        label = text("Total", lang) if code == TOTAL else code_label(over, str(code), labels, lang)
        same = {"code": str(code), "label": label, "conf_level": level}
        points: list[dict[str, Any]] = []
        for one in own.to_dict("records"):
            display = str(one.get("display", "shown"))
            values = {
                k: nan if display == "withheld" else number_or_nan(one.get(k)) for k in ("value", "lower", "upper")
            }
            values = {k: min(max(v, 0.0), 1.0) if v == v else v for k, v in values.items()}
            points.append(same | {"share_of_units": float(one["category"])} | values | {"display": display})
        points.sort(key=lambda point: float(point["share_of_units"]))
        first, last = (
            same | {"share_of_units": end, "value": end, "lower": end, "upper": end, "display": "shown"}
            for end in (0.0, 1.0)
        )
        rows += [first, *points, last]
    frame = pd.DataFrame(rows)
    if frame["code"].nunique() > len(SERIES):
        raise ValueError(f"{frame['code'].nunique()} curves cannot be told apart: {len(SERIES)} at most")
    frame.attrs["statistic"] = str(table["statistic"].iloc[0])
    columns = ["code", "label", "share_of_units", "value", "lower", "upper", "conf_level", "display"]
    return frame[columns]


def lorenz(
    estimates: Estimates | pd.DataFrame,
    *,
    over: str = "",
    labels: Labels | None = None,
    units: str = "units, from the least",
    whole: str = "the whole",
    ax: Axes | None = None,
    title: str = "",
    source: str = "",
    width: float | None = None,
    lang: str | Language = "en",
) -> Axes:
    """Draw the curves with their bands, and the line of equal shares.

    Parameters
    ----------
    estimates, over, labels
        As in :func:`lorenz_data`.
    units, whole
        Words for the axes: who is in order of what, and what is shared.
    ax
        Axes to draw on; a new pyplot figure where none is given.
    title
        Title of the plot; the statistic's name where none is given.
    source
        Where the data come from, for the line below the plot.
    width
        Width of a new figure (mm).
    lang
        Language of texts and numbers.

    Returns
    -------
    matplotlib.axes.Axes

    Examples
    --------
    >>> import pandas as pd
    >>> from matplotlib.figure import Figure
    >>> from uncac_metrics.stats import survey
    >>> frame = pd.DataFrame({"w": 1.0, "income": [1.0, 2, 3, 4]})
    >>> curve = survey.lorenz(survey.Design(frame, weight="w"), "income", points=[0.25, 0.5])
    >>> lorenz(curve, ax=Figure().subplots()).get_title(loc="left")
    'Lorenz curve'
    """
    data = lorenz_data(estimates, over=over, labels=labels, lang=lang)
    ax = canvas(ax, width, min(width or 105.0, 105.0))
    several = data["code"].nunique() > 1
    ax.plot([0, 100], [0, 100], color=GREY, linewidth=0.9, linestyle=(0, (2, 2)), label=text("equal shares", lang))
    for (_, own), (colour, marker, dash) in zip(data.groupby("code", sort=False), SERIES, strict=False):
        x = 100 * own["share_of_units"]
        ax.fill_between(x, 100 * own["lower"], 100 * own["upper"], color=colour, alpha=0.2, linewidth=0)
        ax.plot(x, 100 * own["value"], color=colour, linewidth=1.6, linestyle=dash)
        for flagged, face in ((False, colour), (True, "white")):
            some = own.iloc[1:-1]
            some = some[(some["display"] == "flagged") == flagged]
            ax.plot(100 * some["share_of_units"], 100 * some["value"], linestyle="none", marker=marker, markersize=4,
                    markeredgecolor=colour, markerfacecolor=face)  # fmt: skip
        ax.plot(
            [],
            [],
            color=colour,
            linestyle=dash,
            marker=marker,
            markersize=4,
            label=own["label"].iloc[0] if several else text(data.attrs["statistic"], lang),
        )
        hidden = own[own["display"] == "withheld"]
        if len(hidden):
            ax.text(100 * hidden["share_of_units"].mean(), 4, text("withheld", lang), ha="center", fontsize=7.5,
                    style="italic", color=GREY)  # fmt: skip
    ax.legend(loc="upper left", frameon=False, fontsize=8)
    ax.set(xlim=(0, 100), ylim=(0, 100), aspect="equal", anchor="W")
    plain_axes(ax)
    ax.set_ylabel(text("% of {what}", lang, what=text(whole, lang)), fontsize=8.5, color=INK, **PLAIN)
    notes = [level_note(data["conf_level"], "Bands", lang)]
    notes += [text("Hollow: low reliability.", lang)] if (data["display"] == "flagged").any() else []
    words = title or text(data.attrs["statistic"].capitalize(), lang)
    dress(ax, words, text("% of {what}", lang, what=text(units, lang)), [*notes, source_note(source, lang)], left=44)
    return in_language(ax, lang)


def lorenz_alt(data: pd.DataFrame, *, lang: str | Language = "en") -> str:
    """What a Lorenz or concentration curve shows, in words made from its numbers.

    Parameters
    ----------
    data
        Result of :func:`lorenz_data`.
    lang
        Language of the words; that of the labels in `data`.

    Examples
    --------
    >>> import pandas as pd
    >>> from uncac_metrics.stats import survey
    >>> frame = pd.DataFrame({"w": 1.0, "income": [1.0, 2, 3, 4]})
    >>> curve = survey.lorenz(survey.Design(frame, weight="w"), "income", points=[0.25, 0.5])
    >>> lorenz_alt(lorenz_data(curve))[:54]
    'Lorenz curve, cumulative shares in %. Total: lowest 25'
    """
    curve = text(data.attrs["statistic"].capitalize(), lang)
    parts = [text("{curve}, cumulative shares in %.", lang, curve=curve)]
    for label, own in data.groupby("label", sort=False):
        words = []
        for one in own.iloc[1:-1].to_dict("records"):
            value = said(100 * one["value"], 100 * one["lower"], 100 * one["upper"], lang=lang)
            value = text("withheld", lang) if one["display"] == "withheld" else value
            lowest = text("lowest {share} %", lang, share=tick_label(100 * one["share_of_units"], lang))
            words.append(f"{lowest} {value}{flagged_as(one['display'], lang)}")
        parts.append(f"{label}: {'; '.join(words)}.")
    return " ".join(parts)
