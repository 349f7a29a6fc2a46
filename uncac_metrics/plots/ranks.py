"""Ranks, never without their intervals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from uncac_metrics.languages import Language, number, text
from uncac_metrics.plots.axis import tick_label, ticks
from uncac_metrics.plots.canvas import said, source_note
from uncac_metrics.plots.rows import Mark, Picture, Row, draw
from uncac_metrics.plots.style import BLUE

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes


def rank_intervals_data(
    ranks: pd.DataFrame, *, period: str = "", names: Mapping[str, str] | None = None, level: float = 0.95
) -> pd.DataFrame:
    """The numbers of a plot of ranks, best rank first.

    Parameters
    ----------
    ranks
        Result of :func:`uncac_metrics.stats.scores.rank_sets`, ``rank_probabilities`` or ``best_units``, or of
        :meth:`uncac_metrics.composites.Composition.ranks`.
    period
        Period to take; needed where there are several.
    names
        Names of areas by code.
    level
        Level of the intervals, where `ranks` does not say it.

    Returns
    -------
    pandas.DataFrame
        ``ref_area``, ``label``, ``value``, ``rank``, ``lower``, ``upper`` (of the rank), ``conf_level``, ``n_ranked``
        and ``apart``: how many units have intervals that do not overlap this one's.

    Raises
    ------
    ValueError
        Where there are several periods or indicators, or no interval.

    Examples
    --------
    >>> import pandas as pd
    >>> ranks = pd.DataFrame({"ref_area": ["A", "B", "C"], "value": [1.0, 1.2, 5.0], "rank": [3, 2, 1],
    ...                       "lower": [2, 2, 1], "upper": [3, 3, 1]})
    >>> rank_intervals_data(ranks)[["label", "rank", "lower", "upper", "apart"]].to_numpy().tolist()
    [['C', 1, 1, 1, 2], ['B', 2, 2, 3, 1], ['A', 3, 2, 3, 1]]
    """
    if absent := [name for name in ("rank", "lower", "upper") if name not in ranks]:
        raise ValueError(f"ranks have no {', '.join(absent)}: a rank is not shown without its interval")
    rows = ranks
    if period and "time_period" in rows:
        rows = rows[rows["time_period"].astype(str) == period]
    for name in ("time_period", "indicator", "statistic"):
        if name in rows and rows[name].nunique() > 1:
            raise ValueError(f"ranks of several {name}s ({', '.join(map(str, rows[name].unique()))}): choose one")
    if not len(rows):
        raise ValueError(f"there are no ranks of {period or 'any unit'}")
    rows = rows.sort_values(["rank", "ref_area"], kind="stable").reset_index(drop=True)
    frame = rows[["ref_area", "value", "rank", "lower", "upper"]].copy()
    frame.insert(1, "label", [(names or {}).get(code, code) for code in rows["ref_area"]])
    frame["conf_level"] = rows.get("conf_level", level)
    frame["n_ranked"] = len(rows)
    low, high = frame["lower"].to_numpy(), frame["upper"].to_numpy()
    frame["apart"] = ((low[:, None] > high) | (high[:, None] < low)).sum(axis=1)
    return frame


def rank_intervals(
    ranks: pd.DataFrame,
    *,
    period: str = "",
    names: Mapping[str, str] | None = None,
    level: float = 0.95,
    ax: Axes | None = None,
    title: str = "Ranks and their intervals",
    decimals: int = 1,
    source: str = "",
    width: float | None = None,
    lang: str | Language = "en",
) -> Axes:
    """Draw each unit's rank with its interval; the score stands at the right.

    Parameters
    ----------
    ranks, period, names, level
        As in :func:`rank_intervals_data`.
    ax
        Axes to draw on; a new pyplot figure of fitting size where none is given.
    title
        Title of the plot.
    decimals
        Of the scores.
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
    >>> ranks = pd.DataFrame({"ref_area": ["A", "B"], "value": [1.0, 1.2], "rank": [2, 1], "lower": 1, "upper": 2})
    >>> rank_intervals(ranks, ax=Figure().subplots()).get_title(loc="left")
    'Ranks and their intervals'
    """
    data = rank_intervals_data(ranks, period=period, names=names, level=level)
    rows = tuple(
        Row(
            one["label"],
            (Mark(one["rank"], one["lower"], one["upper"], BLUE, "o"),),
            number(one["value"], lang, decimals),
        )
        for one in data.to_dict("records")
    )
    n = len(data)
    places = (1.0, *(place for place in ticks(1, max(n, 2)) if place > 1 and place == int(place)))
    percent = tick_label(100 * data["conf_level"].max(), lang)
    notes = text("Lines: {level} % intervals of the rank. Units whose lines overlap are not told apart.", lang,
                 level=percent)  # fmt: skip
    picture = Picture(rows, text(title, lang), text("rank (1: best score)", lang),
                      f"{notes} {source_note(source, lang)}".strip(), 0.5, n + 0.5,
                      column=text("score", lang), places=places, lang=lang)  # fmt: skip
    return draw(picture, ax, width)


def rank_intervals_alt(data: pd.DataFrame, *, decimals: int = 1, lang: str | Language = "en") -> str:
    """What a plot of ranks shows, in words made from its numbers.

    Parameters
    ----------
    data
        Result of :func:`rank_intervals_data`.
    decimals
        Of the scores.
    lang
        Language of the words; that of the labels in `data`.

    Examples
    --------
    >>> import pandas as pd
    >>> ranks = pd.DataFrame({"ref_area": ["A", "B"], "value": [1.0, 1.2], "rank": [2, 1], "lower": 1, "upper": 2})
    >>> rank_intervals_alt(rank_intervals_data(ranks))
    'Ranks of 2 units with 95 % intervals. B: rank 1 (1 to 2), score 1.2; A: rank 2 (1 to 2), score 1.0.'
    """
    level = tick_label(100 * data["conf_level"].max(), lang)
    head = text("Ranks of {units} units with {level} % intervals.", lang, units=number(len(data), lang), level=level)
    words = [
        text("{label}: rank {rank}, score {score}", lang, label=one["label"],
             rank=said(one["rank"], one["lower"], one["upper"], 0, lang), score=number(one["value"], lang, decimals))
        for one in data.to_dict("records")
    ]  # fmt: skip
    return f"{head} {'; '.join(words)}."
