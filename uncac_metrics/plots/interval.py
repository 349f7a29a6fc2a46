"""Interval (forest) plot: one estimate a line, with its interval and the number of answers it rests on."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

from uncac_metrics.model import BREAKDOWNS, DIRECTIONS, TOTAL, Indicator
from uncac_metrics.plots.labels import Labels, code_label, heading
from uncac_metrics.plots.style import BLUE, GREY, HATCH, INK, PALE

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from uncac_metrics.stats.estimates import Estimates

WIDTH, LINE, MARGIN = 4.9, 0.2, 1.15
"""Width of a figure, height of a line of text in it, and of all that is not lines (inches)."""
PLAIN: dict[str, Any] = {"parse_math": False}  # a dollar sign in a label is a dollar sign
NUMBERS = ("value", "std_error", "lower", "upper", "conf_level", "n")
SEVERAL = ("dataset", "ref_area", "time_period")


def interval_data(
    estimates: Estimates | pd.DataFrame,
    indicator: Indicator | str | None = None,
    *,
    labels: Labels | None = None,
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

    table = _rows_of(estimates, indicator)
    several = [name for name in SEVERAL if name in table and table[name].nunique() > 1]
    breakdowns = [name for name in BREAKDOWNS if name in table and (table[name] != TOTAL).any()]
    needed = {*several, *breakdowns, *NUMBERS, "display", "reason"}
    rows = []
    for row in table[[name for name in table if name in needed]].to_dict("records"):
        codes = {name: str(row[name]) for name in breakdowns if str(row[name]) != TOTAL}
        words = [code_label(name, code, labels) for name, code in codes.items()]
        words += [" · ".join(str(row[name]) for name in several)] if several else []
        numbers = {name: row.get(name) for name in NUMBERS}
        display = str(row.get("display", "shown"))
        if display == "withheld":
            numbers = dict.fromkeys(NUMBERS)
        rows.append(
            {
                "group": " × ".join(codes),
                "code": " × ".join(codes.values()) or TOTAL,
                "label": ", ".join(words) or "Total",
                **numbers,
                "display": display,
                "reason": row["reason"] if isinstance(row.get("reason"), str) else "",
            }
        )
    frame = pd.DataFrame(rows, index=table.index).astype(dict.fromkeys(NUMBERS, "float64"))
    frame["conf_level"] = frame["conf_level"].fillna(0.95)
    order = {name: place for place, name in enumerate(["", *BREAKDOWNS])}
    place = frame["group"].map(lambda group: [group.count("×"), *(order[name] for name in group.split(" × "))])
    return frame.iloc[sorted(range(len(frame)), key=lambda i: place.iloc[i])]


def interval(
    estimates: Estimates | pd.DataFrame,
    *,
    indicator: Indicator | str | None = None,
    ax: Axes | None = None,
    labels: Labels | None = None,
    source: str = "",
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
    data = interval_data(estimates, indicator, labels=labels)
    definition = indicator if isinstance(indicator, Indicator) else None
    if ax is not None:
        ax.set_title(_title(definition, 44), loc="left", fontsize=10, fontweight="bold", color=INK, **PLAIN)
        _draw(ax, data, definition)
        ax.set_xlabel(f"{ax.get_xlabel()}\n{_note(data, source)}".strip(), fontsize=8, color=GREY, **PLAIN)
        return ax
    import matplotlib.pyplot as plt

    return _draw_alone(plt.figure(figsize=_size(data)), data, definition, source)


def interval_figure(
    estimates: Estimates | pd.DataFrame,
    *,
    indicator: Indicator | str | None = None,
    labels: Labels | None = None,
    source: str = "",
) -> Figure:
    """The plot of :func:`interval` as a figure that pyplot does not know of, for writing to a file.

    Parameters
    ----------
    estimates, indicator, labels, source
        As in :func:`interval`.

    Returns
    -------
    matplotlib.figure.Figure
    """
    from matplotlib.figure import Figure

    data = interval_data(estimates, indicator, labels=labels)
    definition = indicator if isinstance(indicator, Indicator) else None
    figure = Figure(figsize=_size(data))
    _draw_alone(figure, data, definition, source)
    return figure


def _rows_of(estimates: Estimates | pd.DataFrame, indicator: Indicator | str | None) -> pd.DataFrame:
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


def _title(indicator: Indicator | None, width: int) -> str:
    return textwrap.fill(indicator.name, width) if indicator else ""


def _note(data: pd.DataFrame, source: str) -> str:
    level = f"{100 * data['conf_level'].max():g} %"
    parts = [f"Lines: {level} intervals."]
    if (data["display"] == "flagged").any():
        parts.append("Hollow: low reliability.")
    if source:
        parts.append(f"Source: {source}.")
    return textwrap.fill(" ".join(parts), 80)


def _lines(data: pd.DataFrame) -> list[tuple[str, int | None]]:
    """Lines of text from top to bottom: a heading (no row) or a row's label with its number, wrapped."""
    lines: list[tuple[str, int | None]] = []
    group = ""
    for place, row in enumerate(data.itertuples()):
        if row.group != group:
            lines.append((textwrap.fill(heading(row.group), 29), None))
            group = row.group
        lines.append((textwrap.fill(row.label, 27), place))
    return lines


def _size(data: pd.DataFrame) -> tuple[float, float]:
    lines = sum(text.count("\n") + 1.3 for text, _ in _lines(data))
    return WIDTH, MARGIN + LINE * lines


def _draw_alone(figure: Figure, data: pd.DataFrame, indicator: Indicator | None, source: str) -> Axes:
    figure.set_layout_engine("constrained", rect=(0.01, 0.0, 0.98, 1.0))
    ax = figure.subplots()
    if indicator:
        figure.suptitle(_title(indicator, 52), x=0.01, ha="left", fontsize=10.5, fontweight="bold", color=INK, **PLAIN)
    _draw(ax, data, indicator)
    figure.supxlabel(_note(data, source), x=0.01, ha="left", fontsize=7.5, color=GREY, **PLAIN)
    return ax


def _draw(ax: Axes, data: pd.DataFrame, indicator: Indicator | None) -> None:
    lines = _lines(data)
    y, place, bottom = [], 0.0, 0.0  # y of the rows; place of a line's middle
    longest = max((f"{n:,.0f}" for n in data["n"].dropna()), key=len, default="")
    across = ax.get_yaxis_transform()  # x in widths of the plot, y in lines
    small: dict[str, Any] = {"fontsize": 8, "color": GREY, "transform": across}
    for text, row in lines:
        bottom += 0.45 if row is None and bottom else 0.0
        place = bottom + text.count("\n") / 2
        bottom += text.count("\n") + 1
        if row is None:
            ax.text(-0.02, place, text, ha="right", va="center", fontweight="bold", **small, **PLAIN)
            continue
        y.append(place)
        weight = "bold" if data["group"].iloc[row] == "" else "normal"
        ax.text(-0.02, place, text, transform=across, ha="right", va="center", fontsize=9, fontweight=weight,
                color=INK, **PLAIN)  # fmt: skip
        if data["n"].notna().iloc[row]:
            n = f"{data['n'].iloc[row]:,.0f}"
            number = ax.text(1.13, place, n, ha="right", va="center_baseline", **small)
            number.set_in_layout(n == longest)  # measuring one is enough
    ax.text(1.13, -0.9, "n", ha="right", va="bottom", fontweight="bold", **small)
    ax.set_yticks([])
    ax.set_ylim(bottom - 0.4, -0.9)
    _marks(ax, data.assign(y=y))
    _scale(ax, data, indicator)
    ax.tick_params(axis="x", labelsize=8, color=GREY, labelcolor=GREY, length=3)
    for side in ("top", "right", "left"):
        ax.spines[side].set_visible(False)
    ax.spines["bottom"].set_color(GREY)
    ax.grid(axis="x", color=PALE, linewidth=0.5)
    ax.set_axisbelow(True)


def _marks(ax: Axes, data: pd.DataFrame) -> None:
    """Lines and marks of published rows, bars of withheld ones."""
    from matplotlib.patches import Rectangle

    across = ax.get_yaxis_transform()
    known = data["value"].notna()
    for y, display in data.loc[~known, ["y", "display"]].itertuples(index=False):
        if display == "withheld":
            ax.add_patch(Rectangle((0, y - 0.3), 1, 0.6, transform=across, facecolor="none", edgecolor=HATCH,
                                   hatch="//////", linewidth=0))  # fmt: skip
        ax.text(0.5, y, "withheld" if display == "withheld" else "no value", transform=across, ha="center",
                va="center", fontsize=8, style="italic", color=GREY,
                bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.5})  # fmt: skip
    for total, colour, width, marker, size in ((False, BLUE, 1.4, "o", 5.5), (True, INK, 2.2, "D", 6.5)):
        rows = data[known & ((data["group"] == "") == total)]
        ax.hlines(rows["y"], rows["lower"], rows["upper"], colors=colour, linewidth=width, clip_on=False)
        for flagged, face in ((False, colour), (True, "white")):
            some = rows[(rows["display"] == "flagged") == flagged]
            if len(some):
                ax.plot(some["value"], some["y"], linestyle="none", clip_on=False, marker=marker,
                        markersize=size, markeredgecolor=colour, markeredgewidth=1.3,
                        markerfacecolor=face)  # fmt: skip
        if total and len(rows) == 1 and len(data) > 1:
            ax.axvline(rows["value"].iloc[0], color=GREY, linewidth=0.7, linestyle=(0, (2, 3)), zorder=0)


def _scale(ax: Axes, data: pd.DataFrame, indicator: Indicator | None) -> None:
    """Start at zero where nothing is negative, and end a per cent axis at 100 at most."""
    import numpy as np
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    ends = data[["value", "lower", "upper"]].to_numpy().ravel()
    ends = ends[np.isfinite(ends)]
    low, high = (min(ends.min(), 0.0), ends.max()) if len(ends) else (0.0, 1.0)
    percent = indicator is not None and indicator.unit.startswith("%")
    room = 0.04 * (high - low or 1.0)
    if percent and low >= 0:
        # A mark at 100 % stays whole because marks are not clipped.
        high = min(100.0, high + room) if high <= 100 else high + room
    else:
        high += room
    ax.set_xlim(low - room if low < 0 else 0.0, high)
    ax.xaxis.set_major_locator(MaxNLocator(4 if high >= 10_000 else 6, steps=[1, 2, 5, 10]))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:,.0f}" if abs(x) >= 1000 else f"{x:g}"))
    if indicator:
        better = "" if indicator.direction == "none" else f" ({DIRECTIONS[indicator.direction].lower()})"
        ax.set_xlabel(textwrap.fill(f"{indicator.unit}{better}", 56), fontsize=8.5, color=INK, **PLAIN)
