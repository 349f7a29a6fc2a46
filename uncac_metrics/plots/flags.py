"""Red flags of procurement: shares of units flagged, and which flags come together."""

from __future__ import annotations

from math import isnan, nan
from typing import TYPE_CHECKING, Any

from uncac_metrics.languages import Language, number, text
from uncac_metrics.plots.axis import scale
from uncac_metrics.plots.canvas import bare_axes, canvas, dress, flagged_as, level_note, said, shown_as, source_note
from uncac_metrics.plots.classes import SHADES, ink_on
from uncac_metrics.plots.interval import number_or_nan
from uncac_metrics.plots.rows import Mark, Picture, Row, draw
from uncac_metrics.plots.style import BLUE, GREY, INK, in_language

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from uncac_metrics.stats.estimates import Estimates

UNITS = {"process": "processes", "tenderer": "tenderers", "buyer": "buyers", "entity": "procuring entities"}
CAUTION = "A flag is a reason to look, not a finding."


def red_flags_data(
    rates: Estimates | pd.DataFrame, *, stage: str = "process", lang: str | Language = "en"
) -> pd.DataFrame:
    """Shares of units flagged by each rule, in the order of their codes.

    Parameters
    ----------
    rates
        Result of :func:`uncac_metrics.stats.counts.flag_rates`.
    stage : {"process", "tenderer", "buyer", "entity"}
        Which units.
    lang
        Language of the labels.

    Returns
    -------
    pandas.DataFrame
        ``flag``, ``label``, ``value``, ``lower``, ``upper`` (shares; missing where withheld), ``n`` (units that the
        rule applies to), ``events`` (flagged), ``conf_level``, ``display``.

    Raises
    ------
    ValueError
        Where no rule is of such units, or a rule has several rows.

    Examples
    --------
    >>> import pandas as pd
    >>> from uncac_metrics.stats import counts
    >>> tenders = pd.DataFrame({"ocid": ["a", "b", "c"], "method": ["open", "open", "direct"], "tenderers": [1, 3, 1]})
    >>> nothing = pd.DataFrame({"ocid": []})
    >>> rates = counts.flag_rates(counts.procurement_flags(tenders, nothing, nothing, flags=["R018"]))
    >>> red_flags_data(rates)[["flag", "label", "value", "n"]].to_numpy().tolist()
    [['R018', 'Single bid received', 0.5, 2.0]]
    """
    import pandas as pd

    from uncac_metrics.stats.counts.procurement import FLAGS

    table: pd.DataFrame = getattr(rates, "table", rates)
    own = table[table["stage"] == stage].sort_values("indicator", kind="stable")
    if not len(own):
        held = ", ".join(dict.fromkeys(table["stage"].astype(str)))
        raise ValueError(f"no rule is of a {stage}: the rates are of {held or 'nothing'}")
    if own["indicator"].duplicated().any():
        raise ValueError("several rows of one rule: choose one group")
    rows = []
    for one in own.to_dict("records"):
        display = str(one.get("display", "shown"))
        names = ("value", "lower", "upper", "n", "events")
        numbers = {name: nan if display == "withheld" else number_or_nan(one.get(name)) for name in names}
        code = str(one["indicator"])
        rows.append({"flag": code, "label": text(FLAGS.get(code, code), lang), **numbers,
                     "conf_level": number_or_nan(one.get("conf_level", 0.95)), "display": display})  # fmt: skip
    frame = pd.DataFrame(rows)
    frame.attrs["stage"] = stage
    return frame


def red_flags(
    rates: Estimates | pd.DataFrame,
    *,
    stage: str = "process",
    ax: Axes | None = None,
    title: str = "",
    source: str = "",
    width: float | None = None,
    lang: str | Language = "en",
) -> Axes:
    """Draw the share of units that each rule flags, with its interval.

    Parameters
    ----------
    rates, stage
        As in :func:`red_flags_data`.
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
    >>> from uncac_metrics.stats import counts
    >>> tenders = pd.DataFrame({"ocid": ["a", "b", "c"], "method": ["open", "open", "direct"], "tenderers": [1, 3, 1]})
    >>> nothing = pd.DataFrame({"ocid": []})
    >>> rates = counts.flag_rates(counts.procurement_flags(tenders, nothing, nothing, flags=["R018"]))
    >>> red_flags(rates, ax=Figure().subplots()).get_title(loc="left")
    'Red flags: processes flagged by each rule'
    """
    data = red_flags_data(rates, stage=stage, lang=lang)
    rows = []
    for one in data.to_dict("records"):
        words = shown_as(one["display"], one["value"], lang)
        mark = Mark(100 * one["value"], 100 * one["lower"], 100 * one["upper"], BLUE, "o",
                    filled=one["display"] != "flagged")  # fmt: skip
        note = "" if words else _of(one, lang)
        rows.append(Row(f"{one['label']} ({one['flag']})", () if words else (mark,), note, words,
                        one["display"] == "withheld"))  # fmt: skip
    low, high = scale([100 * value for value in [*data["upper"], *data["value"]]], percent=True)
    notes = [level_note(data["conf_level"], lang=lang), text(CAUTION, lang)]
    notes += [text("Hollow: low reliability.", lang)] if (data["display"] == "flagged").any() else []
    who = text(UNITS.get(stage, stage), lang)
    words = title or text("Red flags: {units} flagged by each rule", lang, units=who)
    unit = text("% of the units that the rule applies to", lang)
    picture = Picture(tuple(rows), words, unit, " ".join([*notes, source_note(source, lang)]).strip(), low, high,
                      column=text("flagged", lang), lang=lang)  # fmt: skip
    return draw(picture, ax, width)


def red_flags_alt(data: pd.DataFrame, *, lang: str | Language = "en") -> str:
    """What a plot of red flags shows, in words made from its numbers.

    Parameters
    ----------
    data
        Result of :func:`red_flags_data`.
    lang
        Language of the words; that of the labels in `data`.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"indicator": ["R018"], "stage": "process", "value": [0.5], "lower": [0.1], "upper": [0.9],
    ...                       "n": [2], "events": [1]})
    >>> red_flags_alt(red_flags_data(frame))
    'Share of units flagged (process), in %. Single bid received 50.0 (10.0 to 90.0; 1 of 2).'
    """
    words = []
    for one in data.to_dict("records"):
        if missing := shown_as(one["display"], one["value"], lang):
            words.append(f"{one['label']} {missing}")
            continue
        value = said(100 * one["value"], 100 * one["lower"], 100 * one["upper"], lang=lang)
        count = _of(one, lang)
        value = f"{value[:-1]}; {count})" if value.endswith(")") else f"{value} ({count})"
        words.append(f"{one['label']} {value}{flagged_as(one['display'], lang)}")
    head = text("Share of units flagged ({stage}), in %.", lang, stage=text(data.attrs["stage"], lang))
    return f"{head} {'; '.join(words)}."


def _of(one: dict[str, Any], lang: str | Language) -> str:
    """How many of how many units are flagged."""
    return text("{some} of {all}", lang, some=number(one["events"], lang), all=number(one["n"], lang))


def flags_together_data(found: pd.DataFrame, *, stage: str = "process") -> pd.DataFrame:
    """How often flags come together: pairs of rules over the units that both apply to.

    Parameters
    ----------
    found
        Result of :func:`uncac_metrics.stats.counts.procurement_flags`.
    stage
        Which units.

    Returns
    -------
    pandas.DataFrame
        A row an ordered pair of rules, the same twice included: ``flag``, ``other``, ``n`` (units that both apply to),
        ``flagged`` (by `flag`, of these), ``both``, ``share`` (of those flagged by `flag`, also flagged by `other`),
        ``expected`` (share of the units that `other` flags: what `share` were, were the two independent) and ``ratio``
        of the two; missing where nothing can be divided.

    Raises
    ------
    ValueError
        Where no rule is of such units.

    Examples
    --------
    >>> import pandas as pd
    >>> found = pd.DataFrame({"flag": ["R018"] * 4 + ["R003"] * 4, "level": "process", "id": [*"abcd"] * 2,
    ...                       "flagged": [1, 1, 0, 0, 1, 0, 0, 0]})
    >>> pairs = flags_together_data(found)
    >>> pairs[pairs["flag"] == "R018"][["other", "both", "share", "expected"]].to_numpy().tolist()
    [['R003', 1, 0.5, 0.25], ['R018', 2, 1.0, 0.5]]
    """
    import pandas as pd

    own = found[found["level"] == stage]
    if not len(own):
        raise ValueError(f"no rule is of a {stage}")
    wide = own.pivot(index="id", columns="flag", values="flagged").astype(float)
    rows: list[dict[str, Any]] = []
    for flag in wide:
        for other in wide:
            two = wide[[flag]].assign(other=wide[other]).dropna().to_numpy()
            n, first, second = len(two), int(two[:, 0].sum()), int(two[:, 1].sum())
            both = int((two[:, 0] * two[:, 1]).sum())
            share = both / first if first else nan
            expected = second / n if n else nan
            ratio = share / expected if first and second else nan
            rows.append({"flag": str(flag), "other": str(other), "n": n, "flagged": first, "both": both,
                         "share": share, "expected": expected, "ratio": ratio})  # fmt: skip
    frame = pd.DataFrame(rows)
    frame.attrs["stage"] = stage
    return frame


def flags_together(
    found: pd.DataFrame,
    *,
    stage: str = "process",
    fewest: int = 5,
    ax: Axes | None = None,
    title: str = "Flags that come together",
    source: str = "",
    width: float | None = None,
    lang: str | Language = "en",
) -> Axes:
    """Draw for each rule (row) what share of the units it flags the other (column) flags, too.

    A star says more than twice what independence would give, in at least `fewest` units.

    Parameters
    ----------
    found, stage
        As in :func:`flags_together_data`.
    fewest
        Least number of units flagged by both for a star.
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
    >>> found = pd.DataFrame({"flag": ["R018"] * 4 + ["R003"] * 4, "level": "process", "id": [*"abcd"] * 2,
    ...                       "flagged": [1, 1, 0, 0, 1, 0, 0, 0]})
    >>> [text.get_text() for text in flags_together(found, ax=Figure().subplots()).texts]
    ['100', '50']
    """
    from matplotlib.patches import Rectangle

    from uncac_metrics.plots.canvas import points
    from uncac_metrics.stats.counts.procurement import FLAGS

    data = flags_together_data(found, stage=stage)
    codes = list(dict.fromkeys(data["flag"]))
    ax = canvas(ax, width, 42 + 7.5 * len(codes))
    for one in data.to_dict("records"):
        y, x = codes.index(one["flag"]), codes.index(one["other"])
        if x == y:
            ax.add_patch(Rectangle((x, y), 1, 1, facecolor="#f3f4f5", linewidth=0))
            continue
        if isnan(one["share"]):
            ax.text(x + 0.5, y + 0.5, "–", ha="center", va="center", fontsize=7.5, color=GREY)
            continue
        colour = SHADES[min(int(5 * one["share"]), 4)]
        star = "*" if one["both"] >= fewest and one["ratio"] > 2 else ""
        ax.add_patch(Rectangle((x, y), 1, 1, facecolor=colour, edgecolor="white", linewidth=0.8))
        ax.text(x + 0.5, y + 0.5, f"{number(100 * one['share'], lang)}{star}", ha="center", va="center", fontsize=7.5,
                color=ink_on(colour))  # fmt: skip
    ax.set(xlim=(0, len(codes)), ylim=(len(codes), 0))
    bare_axes(ax)
    names = codes if points(ax) < 300 else [f"{text(FLAGS.get(code, code), lang)} ({code})" for code in codes]
    ax.set_xticks([i + 0.5 for i in range(len(codes))], codes)
    ax.set_yticks([i + 0.5 for i in range(len(codes))], names)
    ax.tick_params(length=0, labelsize=7.5, labelcolor=INK)
    ax.tick_params(axis="x", labelrotation=90 if points(ax) < 300 else 0)
    who = text(UNITS.get(stage, stage), lang)
    notes = [text("% of the {units} flagged by the rule of the row that the rule of the column flags, too.", lang,
                  units=who),
             text("*: more than twice what independence would give, {fewest} or more.", lang,
                  fewest=number(fewest, lang)), text(CAUTION, lang)]  # fmt: skip
    dress(ax, text(title, lang), "", [*notes, source_note(source, lang)], left=16 + 4.2 * max(map(len, names)))
    return in_language(ax, lang)


def flags_together_alt(data: pd.DataFrame, *, most: int = 5, lang: str | Language = "en") -> str:
    """What a plot of flags that come together shows, in words made from its numbers.

    Parameters
    ----------
    data
        Result of :func:`flags_together_data`.
    most
        How many pairs are told, those with most units first.
    lang
        Language of the words; that of the labels in `data`.

    Examples
    --------
    >>> import pandas as pd
    >>> found = pd.DataFrame({"flag": ["R018"] * 4 + ["R003"] * 4, "level": "process", "id": [*"abcd"] * 2,
    ...                       "flagged": [1, 1, 0, 0, 1, 0, 0, 0]})
    >>> flags_together_alt(flags_together_data(found))
    'Flags that come together, 2 rules. R003 and R018: 1 of 4 units flagged by both.'
    """
    pairs = data[data["flag"] < data["other"]].sort_values("both", ascending=False, kind="stable").head(most)
    words = [
        text("{first} and {second}", lang, first=one["flag"], second=one["other"])
        + ": "
        + text(
            "{some} of {all} units flagged by both", lang, some=number(one["both"], lang), all=number(one["n"], lang)
        )
        for one in pairs.to_dict("records")
    ]
    head = text("Flags that come together, {rules} rules.", lang, rules=number(data["flag"].nunique(), lang))
    return f"{head} {'; '.join(words)}."
