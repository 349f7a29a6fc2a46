"""Funnel plot: units of different size against the limits that chance sets about their common value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from uncac_metrics.languages import Language, number, text
from uncac_metrics.plots.axis import tick_label
from uncac_metrics.plots.canvas import canvas, dress, key_above, plain_axes, short, source_note
from uncac_metrics.plots.style import BLUE, GREY, INK, PLAIN, SERIES, in_language

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

LOOKS = {"inside": ("o", BLUE, "within the limits"), "above": ("^", SERIES[1][0], "above the limits"),
         "below": ("v", SERIES[1][0], "below the limits")}  # fmt: skip


def funnel_data(found: pd.DataFrame, *, unit: str, names: Mapping[str, str] | None = None) -> pd.DataFrame:
    """Units of a funnel plot, by size.

    Parameters
    ----------
    found
        Result of :func:`uncac_metrics.stats.counts.funnel`.
    unit
        Column of the unit.
    names
        Names of units.

    Returns
    -------
    pandas.DataFrame
        ``unit``, ``label``, ``n``, ``events``, ``value``, ``baseline``, ``position`` and the limits of every level, as
        in `found`; without units of size zero.

    Examples
    --------
    >>> import pandas as pd
    >>> from uncac_metrics.stats import counts
    >>> buyers = pd.DataFrame({"buyer": list("ABCD"), "single": [4, 30, 12, 90], "awarded": [40, 100, 90, 250]})
    >>> funnel_data(counts.funnel(buyers, "buyer", "single", "awarded"), unit="buyer")["label"].tolist()
    ['A', 'C', 'B', 'D']
    """
    frame = found[found["n"] > 0].rename(columns={unit: "unit"})
    frame = frame.sort_values(["n", "unit"], kind="stable").reset_index(drop=True)
    frame.insert(1, "label", [(names or {}).get(str(code), str(code)) for code in frame["unit"]])
    return frame


def funnel(
    found: pd.DataFrame,
    *,
    unit: str,
    kind: str = "share",
    method: str = "score",
    scale: float = 100.0,
    value: str = "%",
    size: str = "cases",
    names: Mapping[str, str] | None = None,
    ax: Axes | None = None,
    title: str = "Units against the limits of chance",
    source: str = "",
    width: float | None = None,
    lang: str | Language = "en",
) -> Axes:
    """Draw units by size and value, with the limits about the common value; units beyond the limits are named.

    Parameters
    ----------
    found, unit, names
        As in :func:`funnel_data`.
    kind, method
        As they were given to :func:`uncac_metrics.stats.counts.funnel`.
    scale, value, size
        Multiplier and unit of the values; what the size counts.
    ax
        Axes to draw on; a new pyplot figure where none is given.
    title
        Title of the plot.
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
    >>> from uncac_metrics.stats import counts
    >>> buyers = pd.DataFrame({"buyer": list("ABCD"), "single": [4, 30, 12, 90], "awarded": [40, 100, 90, 250]})
    >>> axes = funnel(counts.funnel(buyers, "buyer", "single", "awarded"), unit="buyer", ax=Figure().subplots())
    >>> [text.get_text() for text in axes.texts]
    ['C']
    """
    import numpy as np

    from uncac_metrics.stats.counts.funnel import funnel_limits

    data = funnel_data(found, unit=unit, names=names)
    ax = canvas(ax, width, 85)
    largest = float(data["n"].max())
    grid = np.linspace(max(1.0, 0.5 * float(data["n"].min())), 1.06 * largest, 300)
    baseline, phi, tau = (float(data[name].iloc[0]) for name in ("baseline", "phi", "tau"))
    levels = [name.removeprefix("lower_").replace("_", ".") for name in data if str(name).startswith("lower_")]
    for level, dash in zip(sorted(levels, key=float), ((0, (1.5, 1.5)), "-", "--"), strict=False):
        ends = funnel_limits(grid, baseline, kind=kind, level=float(level) / 100, method=method, phi=phi, tau=tau)
        for place, end in enumerate(ends):
            label = None if place else text("{level} % limits", lang, level=tick_label(float(level), lang))
            ax.plot(grid, scale * end, color=GREY, linewidth=0.9, linestyle=dash, label=label)
    ax.axhline(scale * baseline, color=INK, linewidth=0.9)
    for position, (marker, colour, words) in LOOKS.items():
        some = data[data["position"] == position]
        if len(some):
            ax.plot(some["n"], scale * some["value"], linestyle="none", marker=marker, markersize=5, color=colour,
                    markeredgecolor="white", markeredgewidth=0.6, label=text(words, lang))  # fmt: skip
    beyond = data[data["position"].isin(["above", "below"])]
    for one in beyond.to_dict("records"):
        right = one["n"] > 0.8 * largest
        ax.annotate(one["label"], (one["n"], scale * one["value"]), xytext=(-5 if right else 5, 0),
                    textcoords="offset points", ha="right" if right else "left", va="center", fontsize=7.5, color=INK,
                    **PLAIN)  # fmt: skip
    top = scale * max(float(data["value"].max()), min(1.0 if kind == "share" else np.inf, 2 * baseline))
    ax.set(xlim=(0, 1.06 * largest), ylim=(0, 1.08 * top))
    plain_axes(ax)
    ax.set_ylabel(text(value, lang, context="unit"), fontsize=8.5, color=INK, **PLAIN)
    notes = [text("Line: all together, {value}.", lang, value=short(scale * baseline, 3, lang)),
             text("Units beyond the limits differ by more than chance.", lang)]  # fmt: skip
    if phi > 1 or tau > 0:
        notes.append(text("Limits are wider for overdispersion.", lang))
    dress(
        ax,
        text(title, lang),
        text(size, lang),
        [*notes, source_note(source, lang)],
        left=40,
        above=key_above(ax, left=40),
    )
    return in_language(ax, lang)


def funnel_alt(data: pd.DataFrame, *, scale: float = 100.0, decimals: int = 1, lang: str | Language = "en") -> str:
    """What a funnel plot shows, in words made from its numbers.

    Parameters
    ----------
    data
        Result of :func:`funnel_data`.
    scale, decimals
        Multiplier and decimals of the values.
    lang
        Language of the words; that of the labels in `data`.

    Examples
    --------
    >>> import pandas as pd
    >>> from uncac_metrics.stats import counts
    >>> buyers = pd.DataFrame({"buyer": list("ABCD"), "single": [4, 30, 12, 90], "awarded": [40, 100, 90, 250]})
    >>> funnel_alt(funnel_data(counts.funnel(buyers, "buyer", "single", "awarded"), unit="buyer"))
    'Funnel plot of 4 units about 28.3: 3 within the limits, 0 above, 1 below. Below: C 13.3 (n 90).'
    """
    counts = data["position"].value_counts()
    inside, above, below = (number(counts.get(name, 0), lang) for name in LOOKS)
    told = text(
        "Funnel plot of {units} units about {value}: {inside} within the limits, {above} above, {below} below.", lang,
        units=number(len(data), lang), value=number(scale * data["baseline"].iloc[0], lang, decimals), inside=inside,
        above=above, below=below,
    )  # fmt: skip
    for position in ("above", "below"):
        some = data[data["position"] == position].to_dict("records")
        if some:
            each = (
                f"{one['label']} {number(scale * one['value'], lang, decimals)} (n {number(one['n'], lang)})"
                for one in some
            )
            told += f" {text(position.capitalize(), lang)}: {', '.join(each)}."
    return told
