"""Dumbbell: two groups or times side by side, for each indicator or domain."""

from __future__ import annotations

from collections.abc import Mapping
from math import nan
from typing import TYPE_CHECKING, Any

from uncac_metrics.languages import Language, named, number, span, text
from uncac_metrics.model import BREAKDOWNS, DIRECTIONS, TOTAL, Indicator
from uncac_metrics.plots.axis import scale
from uncac_metrics.plots.interval import level_of, number_or_nan
from uncac_metrics.plots.labels import Labels, code_label, heading
from uncac_metrics.plots.rows import Mark, Picture, Row, draw
from uncac_metrics.plots.style import SERIES

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from uncac_metrics.stats.estimates import Estimates

PARTS = ("value", "lower", "upper", "n")


def dumbbell_data(
    estimates: Estimates | pd.DataFrame,
    *,
    over: str = "sex",
    codes: tuple[str, str] | None = None,
    catalogue: Mapping[str, Indicator] | None = None,
    labels: Labels | None = None,
    lang: str | Language = "en",
) -> pd.DataFrame:
    """The numbers of a dumbbell plot: a row an indicator or domain, columns for either group.

    Parameters
    ----------
    estimates
        Estimates with a row for each of two groups, of one or several indicators in one unit.
    over
        Column that tells the groups apart: a breakdown, or ``time_period``.
    codes
        The two codes, first and second; those that there are where not given.
    catalogue
        Definitions that give the indicators' names.
    labels
        Labels of codes: breakdown -> code -> label.
    lang
        Language of names and labels.

    Returns
    -------
    pandas.DataFrame
        ``indicator``, ``label``, ``unit``, ``conf_level``; ``value_1``, ``lower_1``, ``upper_1``, ``n_1`` and
        ``display_1``; the same of the second group; ``difference`` (second less first). Numbers are
        missing where withheld.
        ``.attrs["groups"]`` holds the labels of the two.

    Raises
    ------
    ValueError
        Where there are not two groups, the units differ, or a group has several rows.

    Notes
    -----
    The difference has no interval here, because two groups of one sample are not independent:
    :func:`uncac_metrics.compare` gives it.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"indicator": "BR-01", "sex": ["F", "M"], "value": [4.0, 6.5]})
    >>> dumbbell_data(frame)[["label", "value_1", "value_2", "difference"]].to_numpy().tolist()
    [['BR-01', 4.0, 6.5, 2.5]]
    """
    import pandas as pd

    table: pd.DataFrame = getattr(estimates, "table", estimates)
    here = table[over].astype(str)
    found = [code for code in here.unique() if code != TOTAL]
    pair = codes or tuple(found)
    if len(pair) != 2 or not set(pair) <= set(found):
        raise ValueError(f"a dumbbell compares two codes of {over}; there are {', '.join(found) or 'none'}")
    units = table["unit"].astype(str).unique() if "unit" in table else [""]
    if len(units) > 1:
        raise ValueError(f"one axis cannot show several units: {', '.join(units)}")
    others = [name for name in BREAKDOWNS if name in table and name != over]
    rows: dict[tuple[str, ...], dict[str, Any]] = {}
    for row, code in zip(table.to_dict("records"), here, strict=True):
        if code not in pair:
            continue
        domain = {name: str(row[name]) for name in others if str(row[name]) != TOTAL}
        key = (str(row["indicator"]), *domain.values())
        words = [code_label(name, value, labels, lang) for name, value in domain.items()]
        card = (catalogue or {}).get(key[0])
        names = [named(card, lang) if card else key[0]] if table["indicator"].nunique() > 1 or not words else []
        held = rows.setdefault(key, {"indicator": key[0], "label": ", ".join([*names, *words]), "unit": units[0]})
        which = pair.index(code) + 1
        if f"display_{which}" in held:
            raise ValueError(f"{held['label']} has several rows of {code}: choose one data set, area and period")
        display = str(row.get("display", "shown"))
        for name in PARTS:
            held[f"{name}_{which}"] = nan if display == "withheld" else number_or_nan(row.get(name))
        held[f"display_{which}"] = display
        held["conf_level"] = number_or_nan(row.get("conf_level", 0.95))
    columns = [f"{name}_{which}" for which in (1, 2) for name in (*PARTS, "display")]
    frame = pd.DataFrame(list(rows.values())).reindex(columns=["indicator", "label", "unit", "conf_level", *columns])
    frame["difference"] = frame["value_2"] - frame["value_1"]
    frame.attrs["groups"] = tuple(code_label(over, code, labels, lang) for code in pair)
    frame.attrs["over"] = heading(over, lang) if over in BREAKDOWNS else text(over.replace("_", " "), lang)
    return frame


def dumbbell(
    estimates: Estimates | pd.DataFrame,
    *,
    over: str = "sex",
    codes: tuple[str, str] | None = None,
    catalogue: Mapping[str, Indicator] | None = None,
    ax: Axes | None = None,
    labels: Labels | None = None,
    source: str = "",
    width: float | None = None,
    lang: str | Language = "en",
) -> Axes:
    """Draw two groups for each indicator or domain, with their intervals and a line from one to the other.

    Parameters
    ----------
    estimates, over, codes, catalogue, labels
        As in :func:`dumbbell_data`.
    ax
        Axes to draw on; a new pyplot figure of fitting size where none is given.
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
    >>> frame = pd.DataFrame({"indicator": "BR-01", "sex": ["F", "M"], "value": [4.0, 6.5], "unit": "%"})
    >>> dumbbell(frame, ax=Figure().subplots()).get_title(loc="left")
    'Sex of the person: Female and Male'
    """
    data = dumbbell_data(estimates, over=over, codes=codes, catalogue=catalogue, labels=labels, lang=lang)
    return draw(_picture(data, catalogue or {}, source, lang), ax, width)


def _picture(data: pd.DataFrame, catalogue: Mapping[str, Indicator], source: str, lang: str | Language) -> Picture:
    rows = []
    first, second = data.attrs["groups"]
    for one in data.to_dict("records"):
        marks, missing = [], []
        for which, (colour, shape, _) in enumerate(SERIES[:2], 1):
            value, lower, upper, _ = (one[f"{name}_{which}"] for name in PARTS)
            if value == value:
                filled = one[f"display_{which}"] != "flagged"
                marks.append(Mark(value, lower, upper, colour, shape, filled, offset=0.34 * which - 0.51))
            else:
                missing.append((first, second)[which - 1])
        withheld = "withheld" in (one["display_1"], one["display_2"])
        both_missing = text("{first} and {second}", lang, first=first, second=second)
        message = "{label} withheld" if withheld else "{label} no value"
        words = text(message, lang, label=both_missing if len(missing) > 1 else missing[0]) if missing else ""
        both = " / ".join(number(one[f"n_{i}"], lang) for i in (1, 2))
        rows.append(Row(one["label"], tuple(marks), both, words, hatched=withheld and not marks, joined=True))
    cards = [catalogue[key] for key in dict.fromkeys(data["indicator"]) if key in catalogue]
    unit = str(data["unit"].iloc[0])
    ways = {card.direction for card in cards}
    better = f" ({text(DIRECTIONS[ways.pop()], lang).lower()})" if len(ways) == 1 and ways != {"none"} else ""
    name = f"{named(cards[0], lang)}. " if len(cards) == 1 else ""
    ends = [data[f"{part}_{which}"] for part in PARTS[:3] for which in (1, 2)]
    low, high = scale([value for column in ends for value in column], percent=unit.startswith("%"))
    notes = [text("Lines: {level} % intervals.", lang, level=level_of(data["conf_level"].max(), lang))]
    flagged = (data[["display_1", "display_2"]] == "flagged").any(axis=None)
    notes += [text("Hollow: low reliability.", lang)] if flagged else []
    notes += [text("Source: {source}.", lang, source=source)] if source else []
    key = tuple((name, Mark(0, colour=c, shape=s)) for name, (c, s, _) in zip((first, second), SERIES, strict=False))
    groups = text("{first} and {second}", lang, first=first, second=second)
    title = name + text("{words}: {groups}", lang, words=data.attrs["over"].capitalize(), groups=groups)
    unit = text(unit, lang, context="unit") + better
    return Picture(tuple(rows), title, unit, " ".join(notes), low, high, key=key, lang=lang)


def dumbbell_alt(
    data: pd.DataFrame, catalogue: Mapping[str, Indicator] | None = None, *, lang: str | Language = "en"
) -> str:
    """What a dumbbell plot shows, in words made from its numbers.

    Parameters
    ----------
    data
        Result of :func:`dumbbell_data`.
    catalogue
        Definitions that give the decimals.
    lang
        Language of the words; that of the labels in `data`.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"indicator": "BR-01", "sex": ["F", "M"], "value": [4.0, 6.5], "unit": "%"})
    >>> dumbbell_alt(dumbbell_data(frame))
    'Dumbbell plot by sex of the person (%). BR-01: Female 4.0, Male 6.5.'
    """
    unit = text(str(data["unit"].iloc[0]), lang, context="unit")
    parts = [text("Dumbbell plot by {words} ({unit}).", lang, words=data.attrs["over"].lower(), unit=unit)]
    for one in data.to_dict("records"):
        card = (catalogue or {}).get(one["indicator"])
        digits = card.decimals if card else 1
        words = []
        for which, group in enumerate(data.attrs["groups"], 1):
            value, lower, upper, _ = (one[f"{name}_{which}"] for name in PARTS)
            said = number(value, lang, digits) if value == value else text("no value", lang)
            said += f" ({span(lower, upper, lang, digits)})" if lower + upper == lower + upper else ""
            said = text("withheld", lang) if one[f"display_{which}"] == "withheld" else said
            words.append(f"{group} {said}")
        parts.append(f"{one['label']}: {', '.join(words)}.")
    return " ".join(parts)
