"""How far cases go: the cases of a cohort at each stage, and the share that goes on with its interval."""

from __future__ import annotations

from collections.abc import Mapping
from math import isnan, nan
from typing import TYPE_CHECKING, Any

from uncac_metrics.languages import Language, number, text
from uncac_metrics.plots.axis import scale
from uncac_metrics.plots.canvas import flagged_as, level_note, said, shown_as, source_note
from uncac_metrics.plots.interval import number_or_nan
from uncac_metrics.plots.rows import Mark, Picture, Row, draw
from uncac_metrics.plots.style import BLUE, GREY

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from uncac_metrics.stats.estimates import Estimates


def progression_data(
    estimates: Estimates | pd.DataFrame, *, names: Mapping[str, str] | None = None, lang: str | Language = "en"
) -> pd.DataFrame:
    """Cases at each stage, and the share of those at the stage before that reached it.

    Parameters
    ----------
    estimates
        Result of :func:`uncac_metrics.stats.counts.progression` with shares of the stage before, of one group.
    names
        Words for stages.
    lang
        Language of the words.

    Returns
    -------
    pandas.DataFrame
        ``stage``, ``label``, ``cases``, ``of`` (cases at the stage before, of which it is known), ``share``, ``lower``,
        ``upper`` (of those; missing for the first stage), ``conf_level``, ``display``; numbers are missing where
        withheld.

    Raises
    ------
    ValueError
        Where there are several groups, or shares are not of the stage before.

    Examples
    --------
    >>> import pandas as pd
    >>> from uncac_metrics.stats import counts
    >>> cohort = pd.DataFrame({"reported": [1240], "prosecuted": [301], "convicted": [148]})
    >>> data = progression_data(counts.progression(cohort, ["reported", "prosecuted", "convicted"]))
    >>> data[["label", "cases", "of"]].to_numpy().tolist()
    [['Reported', 1240.0, nan], ['Prosecuted', 301.0, 1240.0], ['Convicted', 148.0, 301.0]]
    """
    import pandas as pd

    table: pd.DataFrame = getattr(estimates, "table", estimates)
    stages = [str(table["denominator"].iloc[0]), *table["stage"].astype(str)]
    if table["stage"].duplicated().any():
        raise ValueError("several rows of one stage: choose one group")
    if list(table["denominator"].astype(str)) != stages[:-1]:
        raise ValueError("each share must be of the stage before it")
    displays = table["display"].astype(str).tolist() if "display" in table else ["shown"] * len(table)
    first = table.iloc[0]
    start = number_or_nan(first.get("n_eligible", first["n"])) if displays[0] != "withheld" else nan
    rows: list[dict[str, Any]] = [
        {"cases": start, "of": nan, "share": nan, "lower": nan, "upper": nan, "display": "shown"}
    ]
    for one, display in zip(table.to_dict("records"), displays, strict=True):
        taken = {"cases": "events", "of": "n", "share": "value", "lower": "lower", "upper": "upper"}
        hidden = display == "withheld"
        rows.append({k: nan if hidden else number_or_nan(one.get(v)) for k, v in taken.items()} | {"display": display})
    frame = pd.DataFrame(rows)
    frame.insert(0, "stage", stages)
    words = [text((names or {}).get(name, name.replace("_", " ").capitalize()), lang) for name in stages]
    frame.insert(1, "label", words)
    frame["conf_level"] = float(table["conf_level"].iloc[0]) if "conf_level" in table else 0.95
    return frame


def progression(
    estimates: Estimates | pd.DataFrame,
    *,
    names: Mapping[str, str] | None = None,
    ax: Axes | None = None,
    title: str = "From stage to stage",
    source: str = "",
    width: float | None = None,
    lang: str | Language = "en",
) -> Axes:
    """Draw a bar of cases for each stage; the line on it is the interval of the share that went on.

    Parameters
    ----------
    estimates, names
        As in :func:`progression_data`.
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
    >>> cohort = pd.DataFrame({"reported": [1240], "prosecuted": [301], "convicted": [148]})
    >>> shares = counts.progression(cohort, ["reported", "prosecuted", "convicted"])
    >>> len(progression(shares, ax=Figure().subplots()).patches)
    3
    """
    data = progression_data(estimates, names=names, lang=lang)
    rows = []
    for one in data.to_dict("records"):
        hidden = one["display"] == "withheld"
        words = shown_as(one["display"], one["cases"], lang)
        mark = Mark(one["cases"], one["lower"] * one["of"], one["upper"] * one["of"],
                    GREY if isnan(one["of"]) else BLUE, "|", filled=one["display"] != "flagged")  # fmt: skip
        share = "" if isnan(one["share"]) else number(100 * one["share"], lang, 1)
        share += (
            ""
            if isnan(one["lower"])
            else f" ({number(100 * one['lower'], lang, 1)}–{number(100 * one['upper'], lang, 1)})"
        )
        label = one["label"] if words else f"{one['label']}: {number(one['cases'], lang)}"
        rows.append(Row(label, () if words else (mark,), share, words, hidden))
    high = scale([*data["cases"], *(data["upper"] * data["of"])])[1]
    notes = [
        level_note(data["conf_level"], lang=lang),
        text("Shares are of the cases at the stage before of which it is known.", lang),
    ]
    notes += [text("Hollow: low reliability.", lang)] if (data["display"] == "flagged").any() else []
    notes += [source_note(source, lang)] if source else []
    picture = Picture(tuple(rows), text(title, lang), text("cases", lang), " ".join(notes), 0.0, high,
                      column=text("% of stage before", lang), lang=lang)  # fmt: skip
    return draw(picture, ax, width)


def progression_alt(data: pd.DataFrame, *, lang: str | Language = "en") -> str:
    """What a plot of stages shows, in words made from its numbers.

    Parameters
    ----------
    data
        Result of :func:`progression_data`.
    lang
        Language of the words; that of the labels in `data`.

    Examples
    --------
    >>> import pandas as pd
    >>> from uncac_metrics.stats import counts
    >>> cohort = pd.DataFrame({"reported": [1240], "prosecuted": [301]})
    >>> progression_alt(progression_data(counts.progression(cohort, ["reported", "prosecuted"])))
    'Cases by stage. Reported: 1,240; Prosecuted: 301, 24.3 % (22.0 to 26.7) of 1,240.'
    """
    words = []
    for one in data.to_dict("records"):
        if missing := shown_as(one["display"], one["cases"], lang):
            words.append(f"{one['label']} {missing}")
            continue
        told = f"{one['label']}: {number(one['cases'], lang)}"
        if not isnan(one["share"]):
            share = said(100 * one["share"], 100 * one["lower"], 100 * one["upper"], lang=lang).replace(" (", " % (", 1)
            told += ", " + text("{share} of {all}", lang, share=share, all=number(one["of"], lang))
        words.append(told + flagged_as(one["display"], lang))
    return f"{text('Cases by stage.', lang)} {'; '.join(words)}."
