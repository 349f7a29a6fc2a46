"""What plots that are not in rows share: a figure of a printed width, titles and notes that fit it, numbers as text."""

from __future__ import annotations

from collections.abc import Sequence
from math import isnan
from typing import TYPE_CHECKING, Any

from uncac_metrics.languages import Language, compact, number, span, text
from uncac_metrics.plots.axis import tick_label
from uncac_metrics.plots.style import GREY, HATCH, INK, PALE, PLAIN, lines

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

WIDTH = 124.0
"""Width of a figure where none is given (mm); a column of print has 85, two have 170."""
SMALL = 6.5
"""Least size of letters (points)."""
FILLS = ("", "////", "....", "\\\\\\\\", "xxxx", "----", "++++")
"""Hatches that tell areas apart without colour."""


def canvas(ax: Axes | None, width: float | None, height: float) -> Axes:
    """`ax`, or that of a new pyplot figure of `width` and `height` in millimetres."""
    if ax is not None:
        return ax
    import matplotlib.pyplot as plt

    return plt.figure(figsize=((width or WIDTH) / 25.4, height / 25.4), layout="constrained").subplots()


def points(ax: Axes) -> float:
    """Width of the figure's part that the axes are in (points)."""
    figure: Any = ax.get_figure(root=True)
    place = ax.get_subplotspec()
    share = 1.0
    if place is not None:
        share = len(place.colspan) / place.get_gridspec().ncols
    return 72 * share * float(figure.get_figwidth())


def dress(
    ax: Axes, title: str = "", unit: str = "", notes: Sequence[str] = (), *, left: float = 34.0, above: float = 0.0
) -> None:
    """Title above; unit and notes below, wrapped to the width of the axes.

    `left` is what stands left of the axes, `above` what stands between them and the title (points).
    """
    wide = points(ax) - left
    head = "\n".join(lines(title, max(14, int(wide / 6.4))))
    ax.set_title(head, loc="left", fontsize=10, fontweight="bold", color=INK, pad=6 + above, **PLAIN)
    below = [*lines(unit, max(14, int(wide / 4.6))), *_wrapped(notes, max(16, int(wide / 4.2)))]
    ax.set_xlabel("\n".join(below), fontsize=7.5, color=GREY, loc="left", **PLAIN)


def key_above(ax: Axes, handles: Sequence[Any] | None = None, *, left: float = 34.0) -> float:
    """A legend between axes and title, in as many columns as there is room for; its height (points)."""
    found = list(handles) if handles is not None else ax.get_legend_handles_labels()[0]
    if not found:
        return 0.0
    words = [str(one.get_label()) for one in found]
    wide = 4.6 * max(map(len, words)) + 34
    columns = max(1, min(len(found), int((points(ax) - left) / wide)))
    ax.legend(handles=found, loc="lower left", bbox_to_anchor=(0, 1), ncols=columns, frameon=False, fontsize=8,
              borderaxespad=0.2, columnspacing=1.2)  # fmt: skip
    return 13.0 * -(-len(found) // columns) + 2


def _wrapped(notes: Sequence[str], letters: int) -> list[str]:
    return lines(" ".join(note for note in notes if note), letters)


def plain_axes(ax: Axes, *, grid: str = "both") -> None:
    """Two thin spines, a pale grid, small numbers."""
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        ax.spines[side].set_color(GREY)
    ax.tick_params(labelsize=8, color=GREY, labelcolor=GREY, length=3)
    if grid:
        ax.grid(axis=grid, color=PALE, linewidth=0.5)  # type: ignore[arg-type]
    ax.set_axisbelow(True)


def bare_axes(ax: Axes) -> None:
    """No spines, no numbers."""
    ax.set(xticks=[], yticks=[])
    for side in ax.spines.values():
        side.set_visible(False)
    ax.grid(False)


def withheld_look() -> dict[str, Any]:
    """How an area looks whose value is withheld."""
    return {"facecolor": "white", "edgecolor": HATCH, "hatch": "//////", "linewidth": 0.0}


def said(value: float, lower: float = float("nan"), upper: float = float("nan"), decimals: int = 1,
         lang: str | Language = "en") -> str:  # fmt: skip
    """A value with its interval, as text.

    Examples
    --------
    >>> said(17.64, 16.0, 19.25), said(float("nan"))
    ('17.6 (16.0 to 19.2)', 'no value')
    """
    if isnan(value):
        return text("no value", lang)
    ends = "" if isnan(lower + upper) else f" ({span(lower, upper, lang, decimals)})"
    return f"{number(value, lang, decimals)}{ends}"


def short(value: float, digits: int, lang: str | Language = "en") -> str:
    """A number of so many digits.

    Examples
    --------
    >>> short(0.01234, 2), short(0.01234, 2, "fr"), short(1.2e-7, 2)
    ('0.012', '0,012', '1.2e-07')
    """
    told = f"{value:.{digits}g}"
    return told if "e" in told else tick_label(float(told), lang)


def shown_as(display: str, value: float, lang: str | Language = "en") -> str:
    """What stands in place of a value that is withheld or not there; nothing where it is there."""
    return text("withheld", lang) if display == "withheld" else text("no value", lang) if isnan(value) else ""


def flagged_as(display: str, lang: str | Language = "en") -> str:
    """What follows a value in words where it is published with a warning."""
    return f", {text('flagged as uncertain', lang)}" if display == "flagged" else ""


def money(value: float, lang: str | Language = "en") -> str:
    """An amount in few letters.

    Examples
    --------
    >>> money(1_234_567_890.0), money(2_500_000.0), money(940.0)
    ('1.23 bn', '2.5 m', '940')
    """
    if (lang if isinstance(lang, str) else lang.code) != "en":
        return compact(value, lang)
    for size, word, digits in ((1e9, "bn", 2), (1e6, "m", 1), (1e3, "k", 0)):
        if abs(value) >= size:
            return f"{value / size:,.{digits}f} {word}"
    return f"{value:,.0f}"


def level_note(levels: pd.Series, what: str = "Lines", lang: str | Language = "en") -> str:
    """What the lines (or bands) are."""
    known = levels.dropna()
    level = tick_label(100 * (known.max() if len(known) else 0.95), lang)
    return text(f"{what}: {{level}} % intervals.", lang, level=level)


def source_note(source: str, lang: str | Language = "en") -> str:
    """Where the data come from."""
    return text("Source: {source}.", lang, source=source) if source else ""
