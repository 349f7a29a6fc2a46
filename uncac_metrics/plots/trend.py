"""Trend: values over time with their intervals, breaks, revisions, withheld points and the line of 2030."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from uncac_metrics.languages import Language, named, number, span, text
from uncac_metrics.model import TOTAL, Indicator
from uncac_metrics.plots.axis import scale, tick_label
from uncac_metrics.plots.canvas import canvas, key_above, points
from uncac_metrics.plots.interval import interval_data, level_of, rows_of, unit_label
from uncac_metrics.plots.labels import Labels, code_label
from uncac_metrics.plots.style import GREY, INK, PALE, PLAIN, SERIES, in_language, lines

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from uncac_metrics.stats.estimates import Estimates


def trend_data(
    estimates: Estimates | pd.DataFrame,
    indicator: Indicator | str | None = None,
    *,
    over: str = "",
    breaks: Collection[str] = (),
    revised: pd.DataFrame | Mapping[str, pd.DataFrame] | None = None,
    labels: Labels | None = None,
    lang: str | Language = "en",
) -> pd.DataFrame:
    """The numbers of a trend, by series and time.

    Parameters
    ----------
    estimates
        Estimates of several periods, or a frame of their shape.
    indicator
        The definition or the id of the indicator to take; needed where `estimates` holds several.
    over
        Breakdown whose codes each have a line; the total where none is given.
    breaks
        Periods that a change of method parts from what was before, besides rows with ``obs_status`` B.
    revised
        What earlier releases published: a row a period, a column a release, as :func:`uncac_metrics.revision_triangle`
        gives; with `over`, one such table for each code.
    labels
        Labels of codes: breakdown -> code -> label.
    lang
        Language of the labels.

    Returns
    -------
    pandas.DataFrame
        ``code``, ``label``, ``time_period``, ``time`` (years), ``value``, ``lower``, ``upper``, ``conf_level``, ``n``,
        ``display``, ``broken`` (a break comes before the period), ``segment`` (values of one segment may be
        compared with each other) and ``earlier`` (values published before that are not the present one, the first
        first), in the order of series and time; numbers are missing where withheld.

    Raises
    ------
    ValueError
        Where a period has several rows of a series, or there are more series than can be told apart.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"indicator": "BR-01", "time_period": ["2019", "2021", "2023"], "value": [9.0, 8.0, 6.0]})
    >>> trend_data(frame, breaks=["2023"])[["time", "value", "segment"]].to_numpy().tolist()
    [[2019.0, 9.0, 0.0], [2021.0, 8.0, 0.0], [2023.0, 6.0, 1.0]]
    """
    from uncac_metrics.model import BREAKDOWNS
    from uncac_metrics.stats.trends.series import years

    table = rows_of(estimates, indicator)
    codes = table[over].astype(str) if over else table["indicator"].map(lambda _: TOTAL)
    kept = codes.notna()
    for name in BREAKDOWNS:
        if name in table and name != over:
            kept &= table[name] == TOTAL
    table, codes = table[kept], codes[kept]
    if over and (codes != TOTAL).any():
        table, codes = table[codes != TOTAL], codes[codes != TOTAL]
    frame = interval_data(table, labels=labels).loc[table.index]
    frame["code"] = codes
    frame["label"] = [text("Total", lang) if code == TOTAL else code_label(over, code, labels, lang) for code in codes]
    frame["time_period"] = table["time_period"].astype(str)
    frame["time"] = years(frame["time_period"])
    frame["broken"] = frame["time_period"].isin(list(breaks))
    if "obs_status" in table:
        frame["broken"] |= table["obs_status"] == "B"
    frame = frame.sort_values(["code", "time"], kind="stable")
    twice = frame[frame.duplicated(["code", "time"])]
    if len(twice):
        raise ValueError(f"several rows of one series in {twice['time_period'].iloc[0]}: choose one area and data set")
    if frame["code"].nunique() > len(SERIES):
        raise ValueError(f"{frame['code'].nunique()} series cannot be told apart: {len(SERIES)} at most")
    frame["segment"] = frame.groupby("code")["broken"].cumsum()
    frame["earlier"] = _earlier(frame, revised)
    columns = ["code", "label", "time_period", "time", "value", "lower", "upper", "conf_level", "n", "display"]
    return frame[[*columns, "broken", "segment", "earlier"]].reset_index(drop=True)


def _earlier(frame: pd.DataFrame, revised: pd.DataFrame | Mapping[str, pd.DataFrame] | None) -> list[tuple[float, ...]]:
    """What was published of every row and is not its value now; nothing of a withheld one."""
    triangles = {} if revised is None else revised if isinstance(revised, Mapping) else {TOTAL: revised}
    published = {
        (str(code), str(period)): [float(one) for one in row if one == one]
        for code, triangle in triangles.items()
        for period, row in zip(triangle.index, triangle.astype(float).to_numpy(), strict=True)
    }
    near = 1e-9 * frame["value"].abs()
    return [
        tuple(dict.fromkeys(one for one in published.get((code, period), ()) if abs(one - value) > slack))
        for code, period, value, slack in zip(frame["code"], frame["time_period"], frame["value"], near, strict=True)
    ]


def trend(
    estimates: Estimates | pd.DataFrame,
    *,
    indicator: Indicator | str | None = None,
    over: str = "",
    breaks: Collection[str] = (),
    revised: pd.DataFrame | Mapping[str, pd.DataFrame] | None = None,
    horizon: float = 2030,
    target: float | None = None,
    ax: Axes | None = None,
    labels: Labels | None = None,
    source: str = "",
    width: float | None = None,
    lang: str | Language = "en",
) -> Axes:
    """Draw values over time with a band of their intervals.

    Lines stop where a series breaks; a withheld value is a hatched column with the word, never a point; a hollow
    mark carries a warning; strokes beside a mark are values that were published before and revised since. The year by
    which the goals are to be reached has a line.

    Parameters
    ----------
    estimates, indicator, over, breaks, revised, labels
        As in :func:`trend_data`.
    horizon
        Year of the line at the right.
    target
        Value to be reached by then, in the indicator's unit.
    ax
        Axes to draw on; a new pyplot figure where none is given.
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
    >>> frame = pd.DataFrame({"indicator": "BR-01", "time_period": ["2019", "2023"], "value": [9.0, 6.0],
    ...                       "lower": [8.0, 5.0], "upper": [10.0, 7.0]})
    >>> bool(trend(frame, ax=Figure().subplots()).get_xlim()[1] > 2030)
    True
    """
    data = trend_data(estimates, indicator, over=over, breaks=breaks, revised=revised, labels=labels, lang=lang)
    definition = indicator if isinstance(indicator, Indicator) else None
    ax = canvas(ax, width, 81)
    for (_, rows), (colour, marker, dash) in zip(data.groupby("code", sort=False), SERIES, strict=False):
        name = rows["label"].iloc[0] if data["code"].nunique() > 1 else None
        for _, part in rows.groupby("segment"):
            known = part[part["value"].notna()]
            # lines and bands stop at a value that is not known, too
            ax.fill_between(part["time"], part["lower"], part["upper"], color=colour, alpha=0.18, linewidth=0)
            ax.vlines(known["time"], known["lower"], known["upper"], colors=colour, linewidth=1.0)
            ax.plot(part["time"], part["value"], color=colour, linewidth=1.6, linestyle=dash)
            former = part[["time", "earlier"]].explode("earlier").dropna()
            ax.plot(former["time"], former["earlier"].astype(float), linestyle="none", marker="_", markersize=9,
                    markeredgewidth=2.2, color=colour, alpha=0.5)  # fmt: skip
            for flagged, face in ((False, colour), (True, "white")):
                some = known[(known["display"] == "flagged") == flagged]
                ax.plot(some["time"], some["value"], linestyle="none", marker=marker, markersize=5,
                        markeredgecolor=colour, markeredgewidth=1.3, markerfacecolor=face)  # fmt: skip
        ax.plot([], [], color=colour, linestyle=dash, marker=marker, markersize=5, label=name)
    _events(ax, data, horizon, target, lang)
    _finish(ax, data, definition, horizon, target, source, lang)
    return in_language(ax, lang)


def _events(ax: Axes, data: pd.DataFrame, horizon: float, target: float | None, lang: str | Language) -> None:
    """Withheld values, breaks, the year of the goals and the target."""
    from matplotlib.patches import Rectangle

    down = ax.get_xaxis_transform()  # x in years, y in heights of the plot
    small: dict[str, Any] = {"transform": down, "fontsize": 7.5, "color": GREY, "rotation": 90, "va": "top"}
    times = data["time"]
    half = 0.02 * (max(horizon, times.max()) - times.min() + 1)
    several = data["code"].nunique() > 1
    for time, rows in data[data["display"] == "withheld"].groupby("time"):
        ax.add_patch(Rectangle((float(time) - half, 0), 2 * half, 1, transform=down, facecolor="none", edgecolor=PALE,
                               hatch="//////", linewidth=0, zorder=0))  # fmt: skip
        words = text("withheld", lang)
        words = text("{words}: {groups}", lang, words=words, groups=", ".join(rows["label"])) if several else words
        ax.text(float(time), 0.03, words, ha="center", style="italic", **(small | {"va": "bottom"}),
                bbox={"facecolor": "white", "edgecolor": "none", "pad": 1})  # fmt: skip
    for _, row in data[data["broken"]].drop_duplicates("time").iterrows():
        before = times[times < row["time"]].max()
        at = (before + row["time"]) / 2 if before == before else row["time"]
        ax.axvline(at, color=GREY, linewidth=0.9, linestyle=(0, (2, 2)))
        ax.text(at, 0.97, text("break in series", lang), ha="right", **small)
    ax.axvline(horizon, color=INK, linewidth=0.9)
    ax.text(horizon, 0.97, f"{horizon:g}", ha="right", **small)
    if target is not None:
        ax.plot([horizon], [target], marker="*", markersize=10, color=INK, clip_on=False, linestyle="none")


def _finish(
    ax: Axes,
    data: pd.DataFrame,
    indicator: Indicator | None,
    horizon: float,
    target: float | None,
    source: str,
    lang: str | Language,
) -> None:
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    ends = [*data[["value", "lower", "upper"]].to_numpy().ravel(), *([] if target is None else [target])]
    ends += [one for some in data["earlier"] for one in some]
    ax.set_ylim(scale(ends, percent=indicator is not None and indicator.unit.startswith("%")))
    first, last = data["time"].min(), max(horizon, data["time"].max())
    room = 0.04 * (last - first)
    ax.set_xlim(first - room, last + room)
    ax.xaxis.set_major_locator(MaxNLocator(7 if points(ax) > 300 else 4, integer=True))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0f}"))  # years are not grouped by thousands
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: tick_label(value, lang)))
    ax.tick_params(labelsize=8, color=GREY, labelcolor=GREY, length=3)
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        ax.spines[side].set_color(GREY)
    ax.grid(axis="y", color=PALE, linewidth=0.5)
    ax.set_axisbelow(True)
    several = data["code"].nunique() > 1
    above = key_above(ax) if several else 0.0
    title = "\n".join(lines(named(indicator, lang), int(points(ax) / 6.8)))
    ax.set_title(title, loc="left", fontsize=10, fontweight="bold", color=INK, pad=6 + above, **PLAIN)
    ax.set_ylabel("\n".join(lines(unit_label(indicator, lang), 36)), fontsize=8.5, color=INK, **PLAIN)
    notes = []
    if data[["value", "lower", "upper"]].notna().all(axis=1).any():  # published figures may have no intervals
        notes += [text("Bands: {level} % intervals.", lang, level=level_of(data["conf_level"].max(), lang))]
    notes += [text("Hollow: low reliability.", lang)] if (data["display"] == "flagged").any() else []
    notes += [text("Strokes: values published before.", lang)] if data["earlier"].map(bool).any() else []
    notes += [text("Star: target.", lang)] if target is not None else []
    notes += [text("Source: {source}.", lang, source=source)] if source else []
    below = "\n".join(lines(" ".join(notes), min(80, int(points(ax) / 4.6))))
    ax.set_xlabel(below, fontsize=7.5, color=GREY, loc="left", **PLAIN)


def trend_alt(data: pd.DataFrame, indicator: Indicator | None = None, *, lang: str | Language = "en") -> str:
    """What a trend shows, in words made from its numbers.

    Parameters
    ----------
    data
        Result of :func:`trend_data`.
    indicator
        Definition that gives the name, the unit and the decimals.
    lang
        Language of the words; that of the labels in `data`.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"indicator": "BR-01", "time_period": ["2019", "2023"], "value": [9.0, 6.0],
    ...                       "lower": [8.0, 5.0], "upper": [10.0, 7.0], "display": ["shown", "withheld"]})
    >>> trend_alt(trend_data(frame))
    'Trend. Total: 2019 9.0 (8.0 to 10.0); 2023 withheld.'
    >>> triangle = pd.DataFrame({"2024": [9.4, 6.0], "2025": [9.0, 6.0]}, index=["2019", "2023"])
    >>> trend_alt(trend_data(frame, revised=triangle))
    'Trend. Total: 2019 9.0 (8.0 to 10.0), published before as 9.4; 2023 withheld.'
    """
    decimals = indicator.decimals if indicator else 1
    parts = [text("Trend.", lang)]
    if indicator:
        unit = text(indicator.unit, lang, context="unit")
        parts = [text("Trend of {name} ({unit}).", lang, name=named(indicator, lang), unit=unit)]
    for label, rows in data.groupby("label", sort=False):
        words = []
        for row in rows.to_dict("records"):
            value = number(row["value"], lang, decimals) if row["value"] == row["value"] else text("no value", lang)
            if row["lower"] + row["upper"] == row["lower"] + row["upper"]:
                value += f" ({span(row['lower'], row['upper'], lang, decimals)})"
            value = text("withheld", lang) if row["display"] == "withheld" else value
            flag = f", {text('flagged as uncertain', lang)}" if row["display"] == "flagged" else ""
            if row["earlier"]:
                values = ", ".join(number(one, lang, decimals) for one in row["earlier"])
                flag += f", {text('published before as {values}', lang, values=values)}"
            when = row["time_period"]
            when = text("after a break {period}", lang, period=when) if row["broken"] else when
            words.append(f"{when} {value}{flag}")
        parts.append(f"{label}: {'; '.join(words)}.")
    return " ".join(parts)
