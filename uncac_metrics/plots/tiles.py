"""Tile-grid map: areas as squares of one size, with the value, the width of its interval, and what is withheld."""

from __future__ import annotations

from math import isnan
from typing import TYPE_CHECKING, Any

from uncac_metrics.languages import Language, named, number, text
from uncac_metrics.model import Indicator
from uncac_metrics.plots.axis import tick_label
from uncac_metrics.plots.canvas import bare_axes, canvas, dress, flagged_as, key_above, said, source_note, withheld_look
from uncac_metrics.plots.classes import (
    NOTHING,
    breaks_of,
    class_of,
    decimals_of,
    face,
    ink_on,
    of_areas,
    words_of_classes,
)
from uncac_metrics.plots.interval import unit_label
from uncac_metrics.plots.style import GREY, INK, PALE, PLAIN, in_language

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from uncac_metrics.stats.estimates import Estimates


def tile_map_data(
    estimates: Estimates | pd.DataFrame,
    tiles: pd.DataFrame,
    *,
    indicator: Indicator | str | None = None,
    over: str = "area",
    classes: int = 4,
) -> pd.DataFrame:
    """The numbers of a tile map: a row a tile.

    Parameters
    ----------
    estimates
        Estimates with a row an area.
    tiles
        A row an area: ``code``, ``row`` (from the top), ``column`` (from the left) and, where given, ``label`` and
        ``short``, the letters that stand on the tile.
    indicator
        The definition or the id of the indicator to take; needed where `estimates` holds several.
    over
        Column of the areas.
    classes
        Number of classes of values, of equal width.

    Returns
    -------
    pandas.DataFrame
        ``code``, ``label``, ``short``, ``row``, ``column``, ``value``, ``lower``, ``upper``, ``width`` (of the
        interval), ``n``, ``conf_level``, ``display`` (``no data`` where there is no row) and ``place`` (number of the
        class, from 0; missing where there is no value). ``.attrs["breaks"]`` are the limits between the classes.

    Raises
    ------
    ValueError
        Where two areas have one tile, or estimates are of areas without a tile.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"indicator": "BR-01", "area": ["N", "S"], "value": [4.0, 9.0], "lower": [3.0, 6.0],
    ...                       "upper": [5.0, 12.0]})
    >>> tiles = pd.DataFrame({"code": ["N", "S"], "row": [0, 1], "column": [0, 0]})
    >>> tile_map_data(frame, tiles)[["code", "value", "width", "place"]].to_numpy().tolist()
    [['N', 4.0, 2.0, 0.0], ['S', 9.0, 6.0, 3.0]]
    """
    import pandas as pd

    rows = of_areas(estimates, indicator, over)
    codes = tiles["code"].astype(str)
    if absent := sorted(set(rows) - set(codes)):
        raise ValueError(f"no tile for {', '.join(absent)}")
    if tiles.duplicated(["row", "column"]).any() or codes.duplicated().any():
        raise ValueError("two areas have one tile, or an area has two")
    out: list[dict[str, Any]] = []
    for tile in tiles.to_dict("records"):
        code = str(tile["code"])
        label = str(tile.get("label", code))
        one = {**NOTHING, **rows.get(code, {})}
        out.append({"code": code, "label": label, "short": str(tile.get("short", code)), "row": tile["row"],
                    "column": tile["column"], **one, "width": one["upper"] - one["lower"]})  # fmt: skip
    frame = pd.DataFrame(out)
    breaks = breaks_of(frame["value"].tolist(), classes)
    frame["place"] = [float("nan") if isnan(value) else float(class_of(value, breaks)) for value in frame["value"]]
    frame.attrs["breaks"] = breaks
    names = ["code", "label", "short", "row", "column", "value", "lower", "upper", "width", "n", "conf_level"]
    return frame[[*names, "display", "place"]]


def tile_map(
    estimates: Estimates | pd.DataFrame,
    tiles: pd.DataFrame,
    *,
    indicator: Indicator | str | None = None,
    over: str = "area",
    classes: int = 4,
    ax: Axes | None = None,
    title: str = "",
    source: str = "",
    width: float | None = None,
    lang: str | Language = "en",
) -> Axes:
    """Draw a square an area: its shade and figure are the value, the bar at its foot the width of the interval.

    The bar of the widest interval is as long as the tile. A withheld value is hatched, without figure and bar; a
    dashed edge carries a warning.

    Parameters
    ----------
    estimates, tiles, indicator, over, classes
        As in :func:`tile_map_data`.
    ax
        Axes to draw on; a new pyplot figure where none is given.
    title
        Title of the plot; the indicator's name where none is given.
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
    >>> frame = pd.DataFrame({"indicator": "BR-01", "area": ["N", "S"], "value": [4.0, 9.0], "lower": [3.0, 6.0],
    ...                       "upper": [5.0, 12.0]})
    >>> tiles = pd.DataFrame({"code": ["N", "S"], "row": [0, 1], "column": [0, 0]})
    >>> [text.get_text() for text in tile_map(frame, tiles, ax=Figure().subplots()).texts]
    ['N', '4.0', 'S', '9.0']
    """
    from matplotlib.patches import Patch, Rectangle

    data = tile_map_data(estimates, tiles, indicator=indicator, over=over, classes=classes)
    down = int(data["row"].max() - data["row"].min() + 1)
    along = int(data["column"].max() - data["column"].min() + 1)
    full = width or 124.0
    ax = canvas(ax, width, (44 if full > 100 else 64) + min(0.96 * full / along, 26.0) * down)
    digits = decimals_of(indicator)
    n = len(data.attrs["breaks"]) + 1
    widest = data["width"].max()
    for one in data.to_dict("records"):
        x, y = one["column"], one["row"]
        middle: dict[str, Any] = {"ha": "center", "va": "center", **PLAIN}
        if isnan(one["value"]):
            look = withheld_look() if one["display"] == "withheld" else {"facecolor": "#f3f4f5", "linewidth": 0.0}
            ax.add_patch(Rectangle((x + 0.03, y + 0.03), 0.94, 0.94, **look))
            ax.text(x + 0.5, y + 0.27, one["short"], fontsize=7.5, color=INK, **middle, bbox=_box(one))
            words = text(one["display"] if one["display"] in ("withheld", "no data") else "no value", lang)
            ax.text(x + 0.5, y + 0.6, words, fontsize=6.5, style="italic", color=GREY, **middle, bbox=_box(one))
            continue
        colour = face(int(one["place"]), n)
        ink = ink_on(colour)
        flagged = one["display"] == "flagged"
        ax.add_patch(Rectangle((x + 0.03, y + 0.03), 0.94, 0.94, facecolor=colour, edgecolor=INK if flagged else PALE,
                               linewidth=1.4 if flagged else 0.5, linestyle="--" if flagged else "-"))  # fmt: skip
        ax.text(x + 0.5, y + 0.25, one["short"], fontsize=7.5, color=ink, **middle)
        ax.text(
            x + 0.5, y + 0.55, number(one["value"], lang, digits), fontsize=9, fontweight="bold", color=ink, **middle
        )
        if not isnan(one["width"]) and widest > 0:
            half = 0.4 * one["width"] / widest
            ax.plot([x + 0.5 - half, x + 0.5 + half], [y + 0.84, y + 0.84], color=ink, linewidth=2.2,
                    solid_capstyle="butt")  # fmt: skip
    ax.set(xlim=(data["column"].min(), data["column"].max() + 1), ylim=(data["row"].max() + 1, data["row"].min()),
           aspect="equal", anchor="W")  # fmt: skip
    bare_axes(ax)
    names = words_of_classes(data.attrs["breaks"], lang)
    key = [Patch(facecolor=face(i, n), edgecolor=PALE, label=label) for i, label in enumerate(names)]
    if (data["display"] == "withheld").any():
        key.append(Patch(label=text("withheld", lang), **withheld_look()))
    level, longest = tick_label(100 * data["conf_level"].max(), lang), number(widest, lang, digits)
    notes = [text("Bar: width of the {level} % interval.", lang, level=level)]
    if not isnan(widest):
        notes = [text("Bar: width of the {level} % interval; the longest is {longest}.", lang, level=level,
                      longest=longest)]  # fmt: skip
    notes += [text("Dashed edge: low reliability.", lang)] if (data["display"] == "flagged").any() else []
    card = indicator if isinstance(indicator, Indicator) else None
    dress(ax, title or named(card, lang), unit_label(card, lang), [*notes, source_note(source, lang)], left=8,
          above=key_above(ax, key, left=8))  # fmt: skip
    return in_language(ax, lang)


def _box(one: dict[str, Any]) -> dict[str, Any] | None:
    return {"facecolor": "white", "edgecolor": "none", "pad": 0.8} if one["display"] == "withheld" else None


def tile_map_alt(data: pd.DataFrame, indicator: Indicator | None = None, *, lang: str | Language = "en") -> str:
    """What a tile map (or a choropleth) shows, in words made from its numbers.

    Parameters
    ----------
    data
        Result of :func:`tile_map_data` or :func:`choropleth_data`.
    indicator
        Definition that gives the name, the unit and the decimals.
    lang
        Language of the words; that of the labels in `data`.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"indicator": "BR-01", "area": ["N", "S"], "value": [4.0, 9.0], "lower": [3.0, 6.0],
    ...                       "upper": [5.0, 12.0], "display": ["shown", "withheld"]})
    >>> tiles = pd.DataFrame({"code": ["N", "S"], "row": [0, 1], "column": [0, 0]})
    >>> tile_map_alt(tile_map_data(frame, tiles))
    'Map of 2 areas. N 4.0 (3.0 to 5.0); S withheld.'
    """
    digits = indicator.decimals if indicator else 1
    words = []
    for one in data.to_dict("records"):
        value = said(one["value"], one["lower"], one["upper"], digits, lang)
        value = text(one["display"], lang) if one["display"] in ("withheld", "no data") else value
        words.append(f"{one['label']} {value}{flagged_as(one['display'], lang)}")
    areas = number(len(data), lang)
    head = text("Map of {areas} areas.", lang, areas=areas)
    if indicator:
        unit = text(indicator.unit, lang, context="unit")
        head = text(
            "Map of {areas} areas of {name} ({unit}).", lang, areas=areas, name=named(indicator, lang), unit=unit
        )
    return f"{head} {'; '.join(words)}."
