"""The numbers as a table for print: value, interval, how many answers, and what is flagged or withheld."""

from __future__ import annotations

from math import isnan
from typing import TYPE_CHECKING, Any

from uncac_metrics.languages import Language, named, number, span, text
from uncac_metrics.model import Indicator
from uncac_metrics.plots.axis import tick_label
from uncac_metrics.plots.canvas import bare_axes, canvas, dress, points, source_note
from uncac_metrics.plots.interval import interval_data, unit_label
from uncac_metrics.plots.labels import Labels, heading
from uncac_metrics.plots.style import GREY, HATCH, INK, PALE, PLAIN, in_language

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from uncac_metrics.stats.estimates import Estimates

FLAG = "†"
"""Mark of a value that is published with a warning."""
LINE = 4.6
"""Height of a line (mm)."""


def table_figure_data(
    estimates: Estimates | pd.DataFrame,
    *,
    indicator: Indicator | str | None = None,
    labels: Labels | None = None,
    lang: str | Language = "en",
) -> pd.DataFrame:
    """The rows of a printed table: numbers, and the text that is printed for them.

    Parameters
    ----------
    estimates
        Estimates, or a frame of their shape.
    indicator
        The definition or the id of the indicator to take; needed where `estimates` holds several.
    labels
        Labels of codes: breakdown -> code -> label.
    lang
        Language of labels and numbers.

    Returns
    -------
    pandas.DataFrame
        The columns of :func:`interval_data`, and ``value_text``, ``interval_text`` and ``n_text``.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"indicator": "BR-01", "sex": ["F", "_T"], "value": [4.0, 5.0], "lower": [3.0, 4.2],
    ...                       "upper": [5.0, 5.8], "n": [450, 1200], "display": ["flagged", "shown"]})
    >>> data = table_figure_data(frame)
    >>> data[["label", "value_text", "interval_text", "n_text"]].to_numpy().tolist()
    [['Total', '5.0', '4.2–5.8', '1,200'], ['Female', '4.0†', '3.0–5.0', '450']]
    """
    data = interval_data(estimates, indicator, labels=labels, lang=lang)
    digits = indicator.decimals if isinstance(indicator, Indicator) else 1
    texts: dict[str, list[str]] = {"value_text": [], "interval_text": [], "n_text": []}
    for one in data.to_dict("records"):
        hidden = one["display"] == "withheld"
        value = text("no value", lang) if isnan(one["value"]) else number(one["value"], lang, digits)
        value += FLAG if one["display"] == "flagged" and not isnan(one["value"]) else ""
        texts["value_text"].append(text("withheld", lang) if hidden else value)
        ends = "–".join(number(one[end], lang, digits) for end in ("lower", "upper"))
        ends = span(one["lower"], one["upper"], lang, digits) if one["lower"] < 0 else ends
        texts["interval_text"].append("" if isnan(one["lower"] + one["upper"]) else ends)
        texts["n_text"].append("" if isnan(one["n"]) else number(one["n"], lang))
    return data.assign(**texts)


def table_figure(
    estimates: Estimates | pd.DataFrame,
    *,
    indicator: Indicator | str | None = None,
    labels: Labels | None = None,
    ax: Axes | None = None,
    title: str = "",
    source: str = "",
    width: float | None = None,
    lang: str | Language = "en",
) -> Axes:
    """Draw the numbers as a table: rules above and below, groups under headings, a dagger for a warning.

    A withheld value is the word on a hatched cell.

    Parameters
    ----------
    estimates, indicator, labels
        As in :func:`table_figure_data`.
    ax
        Axes to draw on; a new pyplot figure of fitting size where none is given.
    title
        Title of the table; the indicator's name where none is given.
    source
        Where the data come from, for the line below the table.
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
    >>> frame = pd.DataFrame({"indicator": "BR-01", "value": [5.0], "lower": [4.2], "upper": [5.8], "n": [1200]})
    >>> [text.get_text() for text in table_figure(frame, ax=Figure().subplots()).texts]
    ['', 'Value', '95 % interval', 'n', 'Total', '5.0', '4.2–5.8', '1,200']
    """
    from matplotlib.patches import Rectangle

    data = table_figure_data(estimates, indicator=indicator, labels=labels, lang=lang)
    card = indicator if isinstance(indicator, Indicator) else None
    groups = [group for group in dict.fromkeys(data["group"]) if group]
    lines = len(data) + len(groups) + 1
    ax = canvas(ax, width, 26 + LINE * lines)
    small = 7.0 if points(ax) < 340 else 8.5
    places = (0.0, 0.60, 0.86, 1.0)
    sides = ("left", "right", "right", "right")
    base: dict[str, Any] = {"va": "center", "fontsize": small, **PLAIN}

    def write(y: float, texts: tuple[str, ...], **look: Any) -> None:
        for x, side, told in zip(places, sides, texts, strict=True):
            ax.text(x, y, told, ha=side, **(base | look))

    level = text("{level} % interval", lang, level=tick_label(100 * data["conf_level"].max(), lang))
    write(0.5, ("", text("Value", lang), level, "n"), fontweight="bold", color=INK)
    y, group = 1.0, ""
    for one in data.to_dict("records"):
        if one["group"] != group:
            group = one["group"]
            ax.text(0, y + 0.55, heading(group, lang), ha="left", **(base | {"color": GREY, "fontweight": "bold"}))
            ax.plot([0, 1], [y, y], color=PALE, linewidth=0.6)
            y += 1
        indent = "  " if group else ""
        bold = "normal" if group else "bold"
        if one["display"] == "withheld":
            ax.add_patch(Rectangle((0.44, y + 0.12), 0.42, 0.76, facecolor="none", edgecolor=HATCH, hatch="//////",
                                   linewidth=0))  # fmt: skip
            ax.text(0, y + 0.5, indent + one["label"], ha="left", color=INK, **base)
            ax.text(0.65, y + 0.5, text("withheld", lang), ha="center", style="italic", color=GREY, **base,
                    bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.2})  # fmt: skip
        else:
            texts = (indent + one["label"], one["value_text"], one["interval_text"], one["n_text"])
            write(y + 0.5, texts, color=INK, fontweight=bold)
        y += 1
    for at, thick in ((0.0, 1.2), (1.0, 0.7), (y, 1.2)):
        ax.plot([0, 1], [at, at], color=INK, linewidth=thick, clip_on=False)
    ax.set(xlim=(0, 1), ylim=(y, 0))
    bare_axes(ax)
    notes = [f"{FLAG} {text('Low reliability.', lang)}"] if (data["display"] == "flagged").any() else []
    dress(ax, title or named(card, lang), unit_label(card, lang), [*notes, source_note(source, lang)], left=8)
    return in_language(ax, lang)


def table_figure_alt(data: pd.DataFrame, indicator: Indicator | None = None, *, lang: str | Language = "en") -> str:
    """What a table shows, in words made from its numbers.

    Parameters
    ----------
    data
        Result of :func:`table_figure_data`.
    indicator
        Definition that gives the name and the unit.
    lang
        Language of the words; that of the labels in `data`.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"indicator": "BR-01", "value": [5.0], "lower": [4.2], "upper": [5.8], "n": [1200]})
    >>> table_figure_alt(table_figure_data(frame))
    'Table. Total: 5.0, interval 4.2–5.8, n 1,200.'
    """
    words = []
    for one in data.to_dict("records"):
        parts = [one["value_text"].replace(FLAG, f" ({text('flagged as uncertain', lang)})")]
        parts += [text("interval {ends}", lang, ends=one["interval_text"])] if one["interval_text"] else []
        parts += [f"n {one['n_text']}"] if one["n_text"] else []
        words.append(f"{one['label']}: {', '.join(parts)}")
    name = text("Table.", lang)
    if indicator:
        unit = text(indicator.unit, lang, context="unit")
        name = text("Table of {name} ({unit}).", lang, name=named(indicator, lang), unit=unit)
    return f"{name} {'; '.join(words)}."
