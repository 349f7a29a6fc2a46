"""Profile of an office: every indicator in its own place, by topic; kinds of measure are marked and never added up."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from math import isnan
from typing import TYPE_CHECKING

from uncac_metrics.languages import Language, number, text
from uncac_metrics.model import MEASURES, Indicator
from uncac_metrics.plots.canvas import flagged_as, level_note, source_note
from uncac_metrics.plots.commitment import figures, overall
from uncac_metrics.plots.rows import Mark, Picture, Row, draw
from uncac_metrics.plots.style import SERIES

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from uncac_metrics.stats.estimates import Estimates

KINDS: Mapping[str, Mark] = {
    kind: Mark(0, colour=colour, shape=shape) for kind, (colour, shape, _) in zip(MEASURES, SERIES, strict=True)
}
"""Mark of each kind of measure."""
BETTER = {"lower": "lower", "higher": "higher", "none": "–"}


def profile_data(
    estimates: Estimates | pd.DataFrame,
    *,
    topics: Collection[str] = (),
    missing: bool = False,
    catalogue: Mapping[str, Indicator] | None = None,
    lang: str | Language = "en",
) -> pd.DataFrame:
    """Overall values of all indicators of a release, the newest of each, by topic and kind of measure.

    Parameters
    ----------
    estimates
        Estimates of a release.
    topics
        Topics to take; all where none is named.
    missing
        Also list indicators that the release has no estimate of.
    catalogue
        Definitions by id; by default the shipped ones.
    lang
        Language of the names.

    Returns
    -------
    pandas.DataFrame
        A row an indicator: ``topic``, ``direction`` and the columns of :func:`commitment_data`.

    Raises
    ------
    ValueError
        Where there is no such topic, or no indicator is left.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"indicator": ["PR-01", "BR-01"], "dataset": "d", "time_period": "2025",
    ...                       "value": [30.0, 17.6]})
    >>> profile_data(frame)[["topic", "indicator", "value"]].to_numpy().tolist()
    [['bribery', 'BR-01', 17.6], ['procurement', 'PR-01', 30.0]]
    """
    from uncac_metrics.catalogue import load_catalogue

    cards = load_catalogue() if catalogue is None else catalogue
    known = {card.topic for card in cards.values()}
    if unknown := sorted(set(topics) - known):
        raise ValueError(f"no topic {', '.join(unknown)}: there are {', '.join(sorted(known))}")
    kinds = list(MEASURES)
    order = sorted(
        (card for card in cards.values() if not topics or card.topic in topics),
        key=lambda card: (card.topic, kinds.index(card.type), card.id),
    )
    frame = overall(estimates, order, lang)
    frame.insert(0, "topic", [card.topic for card in order])
    frame["direction"] = [card.direction for card in order]
    frame = frame if missing else frame[frame["display"] != "no data"]
    if not len(frame):
        raise ValueError(f"the release has no estimate of {', '.join(topics) or 'any indicator'}")
    return frame.reset_index(drop=True)


def profile(
    estimates: Estimates | pd.DataFrame,
    *,
    topics: Collection[str] = (),
    missing: bool = False,
    catalogue: Mapping[str, Indicator] | None = None,
    ax: Axes | None = None,
    title: str = "Profile of indicators",
    source: str = "",
    width: float | None = None,
    lang: str | Language = "en",
) -> Axes:
    """Draw each indicator with its interval under its topic; there is no total.

    Percentages stand on the axis, other units in figures. The mark says the kind of measure, the column at the right
    which direction is better.

    Parameters
    ----------
    estimates, topics, missing, catalogue
        As in :func:`profile_data`.
    ax
        Axes to draw on; a new pyplot figure of fitting size where none is given.
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
    >>> frame = pd.DataFrame({"indicator": ["BR-01"], "dataset": "d", "time_period": "2025", "value": [17.6]})
    >>> profile(frame, ax=Figure().subplots()).get_title(loc="left")
    'Profile of indicators'
    """
    data = profile_data(estimates, topics=topics, missing=missing, catalogue=catalogue, lang=lang)
    return draw(_picture(data, title, source, lang), ax, width)


def _picture(data: pd.DataFrame, title: str, source: str, lang: str | Language) -> Picture:
    rows: list[Row] = []
    topic = None
    for one in data.to_dict("records"):
        if one["topic"] != topic:
            topic = one["topic"]
            rows.append(Row(_words(topic, lang), heading=True))
        marks: tuple[Mark, ...] = ()
        words = text(one["display"], lang) if one["display"] not in ("shown", "flagged") else ""
        if not words and isnan(one["value"]):
            words = text("no value", lang)
        elif not words and one["unit"] == "%" and 0 <= one["value"] <= 100:
            look = KINDS[one["type"]]
            marks = (Mark(one["value"], one["lower"], min(one["upper"], 100.0), look.colour, look.shape,
                          filled=one["display"] != "flagged"),)  # fmt: skip
        elif not words:
            words = figures(one, lang)
        rows.append(Row(f"{one['name']} ({one['indicator']})", marks, text(BETTER[one["direction"]], lang), words,
                        hatched=one["display"] == "withheld"))  # fmt: skip
    notes = [
        level_note(data["conf_level"], lang=lang),
        text("Kinds of measure are not comparable: there is no total.", lang),
    ]
    notes += [text("Hollow: low reliability.", lang)] if (data["display"] == "flagged").any() else []
    notes += [source_note(source, lang)] if source else []
    key = tuple((text(kind.capitalize(), lang), mark) for kind, mark in KINDS.items() if (data["type"] == kind).any())
    return Picture(tuple(rows), text(title, lang), text("%; other units in figures", lang), " ".join(notes), 0.0, 100.0,
                   column=text("better", lang), key=key, letters=42, lang=lang)  # fmt: skip


def _words(topic: str, lang: str | Language) -> str:
    return text(topic.replace("_", " ").capitalize() or "Other", lang)


def profile_alt(data: pd.DataFrame, *, lang: str | Language = "en") -> str:
    """What a profile shows, in words made from its numbers.

    Parameters
    ----------
    data
        Result of :func:`profile_data`.
    lang
        Language of the words; that of the labels in `data`.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"indicator": ["BR-01"], "dataset": "d", "time_period": "2025", "value": [17.6]})
    >>> profile_alt(profile_data(frame))
    'Profile of 1 indicators. Bribery: Prevalence of bribery in the population (SDG 16.5.1) (experience) 17.6 %.'
    """
    parts = [text("Profile of {n} indicators.", lang, n=number(len(data), lang))]
    for topic, rows in data.groupby("topic", sort=False):
        words = []
        for one in rows.to_dict("records"):
            hidden = one["display"] in ("withheld", "by category", "no data")
            said = text(one["display"], lang) if hidden else figures(one, lang)
            kind = text(one["type"].capitalize(), lang).lower()
            words.append(f"{one['name']} ({kind}) {said}{flagged_as(one['display'], lang)}")
        parts.append(f"{_words(str(topic), lang)}: {'; '.join(words)}.")
    return " ".join(parts)
