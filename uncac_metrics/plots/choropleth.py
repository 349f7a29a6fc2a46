"""Choropleth map on the office's own boundaries: shade for the value, greyness and dots for its uncertainty."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import isnan, nan
from typing import TYPE_CHECKING, Any

from uncac_metrics.languages import Language, named, percent, text
from uncac_metrics.model import Indicator
from uncac_metrics.plots.axis import tick_label
from uncac_metrics.plots.canvas import bare_axes, canvas, dress, points, source_note, withheld_look
from uncac_metrics.plots.classes import (
    GREYED,
    NOTHING,
    breaks_of,
    class_of,
    face,
    of_areas,
)
from uncac_metrics.plots.interval import unit_label
from uncac_metrics.plots.style import GREY, INK, PLAIN, in_language
from uncac_metrics.plots.tiles import tile_map_alt

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from matplotlib.axes import Axes

    from uncac_metrics.stats.estimates import Estimates

DISCLAIMER = "Boundaries and names as the office gave them; they express no opinion on any area or frontier."
MIXED = (0.0, 0.45, 0.8)
"""How much grey is mixed into the classes of uncertainty."""
DOTS = ("", "....", "xxxx")
"""Hatches of the classes of uncertainty."""


def choropleth_data(
    estimates: Estimates | pd.DataFrame,
    boundaries: Any,
    *,
    key: str = "code",
    label: str = "",
    indicator: Indicator | str | None = None,
    over: str = "area",
    classes: int = 3,
    uncertainty: Sequence[float] = (0.2, 0.4),
) -> pd.DataFrame:
    """The numbers of a choropleth: a row an area of the boundaries.

    Parameters
    ----------
    estimates
        Estimates with a row an area.
    boundaries
        A GeoJSON FeatureCollection as a mapping, or an object whose ``__geo_interface__`` is one (a GeoDataFrame).
    key, label
        Properties of a feature that hold the code and the name of its area; ``id`` is the feature's own.
    indicator
        The definition or the id of the indicator to take; needed where `estimates` holds several.
    over
        Column of the areas.
    classes
        Number of classes of values, of equal width.
    uncertainty
        Limits between classes of half the interval's width over the value.

    Returns
    -------
    pandas.DataFrame
        ``code``, ``label``, ``value``, ``lower``, ``upper``, ``n``, ``conf_level``, ``display`` (``no data`` where
        there is no row), ``place`` (class of the value), ``relative`` (half width of the interval over the value) and
        ``unsure`` (its class; the last where there is no interval). ``.attrs["breaks"]`` are the limits of values.

    Raises
    ------
    ValueError
        Where features lack the key, or estimates are of areas without boundaries.

    Examples
    --------
    >>> import pandas as pd
    >>> square = [[[0, 0], [1, 0], [1, 1], [0, 1], [0, 0]]]
    >>> north = {"type": "Feature", "properties": {"code": "N"}, "geometry": {"type": "Polygon", "coordinates": square}}
    >>> frame = pd.DataFrame({"indicator": "BR-01", "area": ["N"], "value": 10.0, "lower": 7.0, "upper": 13.0})
    >>> data = choropleth_data(frame, {"type": "FeatureCollection", "features": [north]})
    >>> data[["code", "value", "relative", "unsure"]].to_numpy().tolist()
    [['N', 10.0, 0.3, 1.0]]
    """
    import pandas as pd

    found = features(boundaries)
    codes = [_property(feature, key) for feature in found]
    if None in codes:
        raise ValueError(f"{codes.count(None)} features have no property {key!r}")
    rows = of_areas(estimates, indicator, over)
    if absent := sorted(set(rows) - set(map(str, codes))):
        raise ValueError(f"no boundaries of {', '.join(absent)}")
    out = []
    for feature, code in zip(found, codes, strict=True):
        name = _property(feature, label) if label else None
        out.append({"code": str(code), "label": str(name or code), **NOTHING, **rows.get(str(code), {})})
    frame = pd.DataFrame(out)
    breaks = breaks_of(frame["value"].tolist(), classes)
    frame["place"] = [nan if isnan(value) else float(class_of(value, breaks)) for value in frame["value"]]
    frame["relative"] = ((frame["upper"] - frame["lower"]) / 2 / frame["value"].abs()).where(frame["value"] != 0)
    most = float(min(len(uncertainty), len(MIXED) - 1))
    frame["unsure"] = [
        nan if isnan(value) else most if isnan(ratio) else min(float(class_of(ratio, uncertainty)), most)
        for value, ratio in zip(frame["value"], frame["relative"], strict=True)
    ]
    frame.attrs["breaks"], frame.attrs["uncertainty"] = breaks, list(uncertainty)[: len(MIXED) - 1]
    names = ["code", "label", "value", "lower", "upper", "n", "conf_level", "display", "place", "relative", "unsure"]
    return frame[names]


def features(boundaries: Any) -> list[Mapping[str, Any]]:
    """The features of a GeoJSON mapping, or of an object that gives one."""
    mapping = getattr(boundaries, "__geo_interface__", boundaries)
    if not isinstance(mapping, Mapping) or not isinstance(mapping.get("features"), Sequence):
        raise ValueError("boundaries are a GeoJSON FeatureCollection, or have a __geo_interface__ that is one")
    return list(mapping["features"])


def _property(feature: Mapping[str, Any], name: str) -> Any:
    return feature.get("id") if name == "id" else (feature.get("properties") or {}).get(name)


def rings(geometry: Mapping[str, Any]) -> Iterator[list[np.ndarray]]:
    """Polygons of a geometry, each as its outer ring and its holes."""
    import numpy as np

    kind = geometry["type"]
    if kind == "GeometryCollection":
        for part in geometry["geometries"]:
            yield from rings(part)
    elif kind in ("Polygon", "MultiPolygon"):
        for polygon in [geometry["coordinates"]] if kind == "Polygon" else geometry["coordinates"]:
            outer, *holes = (np.asarray(ring, dtype=float)[:, :2] for ring in polygon)
            # holes run the other way round, whatever the file's habit: what is filled depends on it
            turn = _turns_left(outer)
            yield [outer, *(hole if _turns_left(hole) != turn else hole[::-1] for hole in holes)]


def _turns_left(ring: np.ndarray) -> bool:
    """Whether a ring runs counterclockwise."""
    x, y = ring.T
    return bool((x[:-1] * y[1:] - x[1:] * y[:-1]).sum() > 0)


def choropleth(
    estimates: Estimates | pd.DataFrame,
    boundaries: Any,
    *,
    key: str = "code",
    label: str = "",
    indicator: Indicator | str | None = None,
    over: str = "area",
    classes: int = 3,
    uncertainty: Sequence[float] = (0.2, 0.4),
    planar: bool = False,
    disclaimer: str = DISCLAIMER,
    ax: Axes | None = None,
    title: str = "",
    source: str = "",
    width: float | None = None,
    lang: str | Language = "en",
) -> Axes:
    """Draw areas shaded by value; the more uncertain a value, the greyer its area, and dotted or crossed.

    A withheld value is hatched and has no shade. The legend has values from left to right and uncertainty downwards.
    Longitudes and latitudes are drawn on a plate carrée true at the middle latitude.

    Parameters
    ----------
    estimates, boundaries, key, label, indicator, over, classes, uncertainty
        As in :func:`choropleth_data`.
    planar
        Coordinates are projected already (metres), not degrees.
    disclaimer
        Line on the boundaries.
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
    >>> square = [[[0, 0], [1, 0], [1, 1], [0, 1], [0, 0]]]
    >>> north = {"type": "Feature", "properties": {"code": "N"}, "geometry": {"type": "Polygon", "coordinates": square}}
    >>> frame = pd.DataFrame({"indicator": "BR-01", "area": ["N"], "value": 10.0, "lower": 7.0, "upper": 13.0})
    >>> axes = choropleth(frame, {"type": "FeatureCollection", "features": [north]}, ax=Figure().subplots())
    >>> axes.patches[0].get_hatch()
    '....'
    """
    import numpy as np
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    data = choropleth_data(
        estimates, boundaries, key=key, label=label, indicator=indicator, over=over, classes=classes,
        uncertainty=uncertainty,
    )  # fmt: skip
    found = [list(rings(feature["geometry"])) for feature in features(boundaries)]
    ends = np.vstack([polygon[0] for polygons in found for polygon in polygons])
    (left, bottom), (right, top) = ends.min(axis=0), ends.max(axis=0)
    middle = 1.0 if planar else float(np.cos(np.radians((bottom + top) / 2)))
    full = width or 124.0
    ax = canvas(ax, width, (30 if full > 100 else 42) + 0.68 * full * (top - bottom) / ((right - left) * middle))
    n = len(data.attrs["breaks"]) + 1
    for polygons, one in zip(found, data.to_dict("records"), strict=True):
        parts = [Path(ring, closed=True) for polygon in polygons for ring in polygon]
        if isnan(one["value"]):
            look = withheld_look() if one["display"] == "withheld" else {"facecolor": "#f3f4f5"}
            look |= {"linewidth": 0.6} if one["display"] != "withheld" else {}
        else:
            look = _look(int(one["place"]), int(one["unsure"]), n)
        path, flagged = Path.make_compound_path(*parts), one["display"] == "flagged"
        ax.add_patch(PathPatch(path, **look))
        edge = INK if flagged else GREY if isnan(one["value"]) else "white"
        ax.add_patch(PathPatch(path, facecolor="none", edgecolor=edge, linewidth=1.3 if flagged else 0.7,
                               linestyle="--" if flagged else "-", zorder=3 if flagged else 2))  # fmt: skip
    room = 0.62 if points(ax) < 300 else 0.4  # for the legend, of the width of the map
    ax.set(xlim=(left, left + (1 + room) * (right - left)), ylim=(bottom, top))
    ax.set_aspect(1 / middle, anchor="W")
    bare_axes(ax)
    _legend(ax, data, n, room, (1 + room) * (right - left) * middle / (top - bottom), lang)
    card = indicator if isinstance(indicator, Indicator) else None
    level = tick_label(100 * data["conf_level"].max(), lang)
    notes = [text("Uncertainty: half the width of the {level} % interval over the value.", lang, level=level),
             text(disclaimer, lang), source_note(source, lang)]  # fmt: skip
    notes[1:1] = [text("Dashed edge: low reliability.", lang)] if (data["display"] == "flagged").any() else []
    dress(ax, title or named(card, lang), unit_label(card, lang), notes, left=8)
    return in_language(ax, lang)


def _look(place: int, unsure: int, n: int) -> dict[str, Any]:
    from matplotlib.colors import to_hex, to_rgb

    share = MIXED[unsure]
    own, grey = to_rgb(face(place, n)), to_rgb(GREYED)
    mixed = to_hex(tuple((1 - share) * a + share * b for a, b in zip(own, grey, strict=True)))  # type: ignore[arg-type]
    return {"facecolor": mixed, "edgecolor": GREY, "hatch": DOTS[unsure], "linewidth": 0.0}


def _legend(ax: Axes, data: pd.DataFrame, n: int, room: float, shape: float, lang: str | Language) -> None:
    """Squares of values by uncertainty, right of the map; `shape` is the width of the axes over their height."""
    from matplotlib.patches import Rectangle

    rows = len(data.attrs["uncertainty"]) + 1
    start = 1 / (1 + room) + 0.02
    high = min(0.9, (1 - start) * shape * (rows + 2.8) / (n + 2))  # cells are square where there is room
    box = ax.inset_axes((start, 0.98 - high, 1 - start, high))
    for unsure in range(rows):
        for place in range(n):
            box.add_patch(Rectangle((place, unsure), 0.94, 0.94, **_look(place, unsure, n)))
    small: dict[str, Any] = {"fontsize": 6.8, "color": INK, **PLAIN}
    limits = data.attrs["breaks"]
    for i, limit in enumerate(limits, 1):
        box.text(i - 0.03, -0.12, tick_label(limit, lang), ha="center", va="bottom", **small)
    for i, limit in enumerate(data.attrs["uncertainty"], 1):
        box.text(
            n + 0.12,
            i - 0.03,
            "±" + percent(100 * limit, lang, 0) if lang != "en" else f"±{100 * limit:.0f} %",
            ha="left",
            va="center",
            **small,
        )
    box.text(0, -0.75, text("value →", lang), ha="left", va="bottom", **small)
    box.text(0, rows + 0.1, text("less certain ↓", lang), ha="left", va="top", **small)
    if (data["display"] == "withheld").any():
        box.add_patch(Rectangle((0, rows + 1.0), 0.94, 0.94, **withheld_look()))
        box.text(1.15, rows + 1.47, text("withheld", lang), ha="left", va="center", **small)
    box.set(xlim=(0, n + 2.0), ylim=(rows + 2.0, -0.8))
    bare_axes(box)


def choropleth_alt(data: pd.DataFrame, indicator: Indicator | None = None, *, lang: str | Language = "en") -> str:
    """What a choropleth shows, in words made from its numbers.

    Parameters
    ----------
    data
        Result of :func:`choropleth_data`.
    indicator
        Definition that gives the name, the unit and the decimals.
    lang
        Language of the words; that of the labels in `data`.

    Examples
    --------
    >>> import pandas as pd
    >>> square = [[[0, 0], [1, 0], [1, 1], [0, 1], [0, 0]]]
    >>> north = {"type": "Feature", "properties": {"code": "N"}, "geometry": {"type": "Polygon", "coordinates": square}}
    >>> frame = pd.DataFrame({"indicator": "BR-01", "area": ["N"], "value": 10.0, "lower": 7.0, "upper": 13.0})
    >>> choropleth_alt(choropleth_data(frame, {"type": "FeatureCollection", "features": [north]}))
    'Map of 1 areas. N 10.0 (7.0 to 13.0).'
    """
    return tile_map_alt(data, indicator, lang=lang)
