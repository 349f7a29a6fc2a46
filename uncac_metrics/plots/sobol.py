"""Sensitivity of a composite: which choice, or which error, its uncertainty comes from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from uncac_metrics.languages import Language, number, text
from uncac_metrics.plots.canvas import level_note, said, source_note
from uncac_metrics.plots.rows import Mark, Picture, Row, draw
from uncac_metrics.plots.style import BLUE, SERIES

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

FIRST, TOTAL_EFFECT = Mark(0, colour=BLUE, shape="o"), Mark(0, colour=SERIES[1][0], shape="s")
WORDS = {
    "aggregation": "Aggregation", "normalise": "Normalisation", "weights": "Weights", "impute": "Imputation",
    "treat": "Treatment of outliers", "left_out": "Indicator left out",
}  # fmt: skip
NUMBERS = ("first", "first_lower", "first_upper", "total", "total_lower", "total_upper")


def sensitivity_data(
    found: pd.DataFrame,
    *,
    output: str = "rank shift",
    ref_area: str = "",
    period: str = "",
    names: Mapping[str, str] | None = None,
    level: float = 0.95,
    lang: str | Language = "en",
) -> pd.DataFrame:
    """Sobol' indices of one output, the factor with the largest total effect first.

    Parameters
    ----------
    found
        Result of :func:`uncac_metrics.robustness.sensitivity`.
    output : {"rank shift", "score"}
        Of what.
    ref_area, period
        Unit, and period where there are several, of a score.
    names
        Words for factors.
    level
        Level of the intervals in `found`.
    lang
        Language of the words for factors.

    Returns
    -------
    pandas.DataFrame
        ``factor``, ``label``, ``first``, ``first_lower``, ``first_upper``, ``total``, ``total_lower``,
        ``total_upper``, ``conf_level``. ``.attrs["together"]`` is the share of the variance that no factor explains
        alone.

    Raises
    ------
    ValueError
        Where no row is meant, or a factor has several.

    Examples
    --------
    >>> import pandas as pd
    >>> found = pd.DataFrame({"factor": ["normalise", "aggregation"], "output": "rank shift", "ref_area": "",
    ...                       "time_period": "", "first": [0.1, 0.6], "total": [0.3, 0.8]})
    >>> data = sensitivity_data(found)
    >>> data["label"].tolist(), round(data.attrs["together"], 2)
    (['Aggregation', 'Normalisation'], 0.3)
    """
    rows = found[found["output"] == output]
    if output == "score":
        rows = rows[rows["ref_area"] == ref_area]
        rows = rows[rows["time_period"].astype(str) == period] if period else rows
    if not len(rows):
        raise ValueError(f"no index of the {output} {ref_area} {period}".strip())
    if rows["factor"].duplicated().any():
        raise ValueError(f"several rows of {rows['factor'].iloc[0]}: choose one unit and period")
    rows = rows.sort_values("total", ascending=False, kind="stable").reset_index(drop=True)
    frame = rows.reindex(columns=["factor", *NUMBERS])
    said_as = WORDS | dict(names or {})
    frame.insert(1, "label", [text(said_as.get(name, name[:1].upper() + name[1:]), lang) for name in frame["factor"]])
    frame["conf_level"] = level
    frame.attrs["together"] = float(1 - frame["first"].sum())
    frame.attrs["of"] = ref_area if output == "score" else ""
    return frame


def sensitivity(
    found: pd.DataFrame,
    *,
    output: str = "rank shift",
    ref_area: str = "",
    period: str = "",
    names: Mapping[str, str] | None = None,
    level: float = 0.95,
    ax: Axes | None = None,
    source: str = "",
    width: float | None = None,
    lang: str | Language = "en",
) -> Axes:
    """Draw first-order and total indices of each factor with their intervals.

    Parameters
    ----------
    found, output, ref_area, period, names, level
        As in :func:`sensitivity_data`.
    ax
        Axes to draw on; a new pyplot figure of fitting size where none is given.
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
    >>> found = pd.DataFrame({"factor": ["normalise", "aggregation"], "output": "rank shift", "ref_area": "",
    ...                       "time_period": "", "first": [0.1, 0.6], "total": [0.3, 0.8]})
    >>> sensitivity(found, ax=Figure().subplots()).get_title(loc="left")
    'What the ranks rest on'
    """
    data = sensitivity_data(found, output=output, ref_area=ref_area, period=period, names=names, level=level, lang=lang)
    rows = tuple(
        Row(
            one["label"],
            (
                Mark(one["first"], one["first_lower"], one["first_upper"], FIRST.colour, FIRST.shape, offset=-0.17),
                Mark(one["total"], one["total_lower"], one["total_upper"], TOTAL_EFFECT.colour, TOTAL_EFFECT.shape,
                     offset=0.17),
            ),
            " / ".join(number(round(one[name], 2) + 0.0, lang, 2) for name in ("first", "total")),
        )
        for one in data.to_dict("records")
    )  # fmt: skip
    ends = [value for name in NUMBERS for value in data[name] if value == value]
    low, high = min([0.0, *ends]), max([1.0, *ends])
    notes = level_note(data["conf_level"], lang=lang)
    notes += " " + text("The difference of the two is what the factor does together with others.", lang)
    title = text("What the ranks rest on", lang)
    if data.attrs["of"]:
        title = text("What the score of {unit} rests on", lang, unit=data.attrs["of"])
    picture = Picture(rows, title, text("share of the variance", lang),
                      f"{notes} {source_note(source, lang)}".strip(), 1.04 * low, 1.02 * high,
                      column=text("alone / in all", lang), lang=lang,
                      key=((text("alone (first order)", lang), FIRST),
                           (text("with its interactions (total)", lang), TOTAL_EFFECT)))  # fmt: skip
    return draw(picture, ax, width)


def sensitivity_alt(data: pd.DataFrame, *, lang: str | Language = "en") -> str:
    """What a plot of sensitivity shows, in words made from its numbers.

    Parameters
    ----------
    data
        Result of :func:`sensitivity_data`.
    lang
        Language of the words; that of the labels in `data`.

    Examples
    --------
    >>> import pandas as pd
    >>> found = pd.DataFrame({"factor": ["normalise", "aggregation"], "output": "rank shift", "ref_area": "",
    ...                       "time_period": "", "first": [0.1, 0.6], "total": [0.3, 0.8]})
    >>> sensitivity_alt(sensitivity_data(found))[-77:]
    'Aggregation: alone 0.60, in all 0.80; Normalisation: alone 0.10, in all 0.30.'
    """
    words = [
        text("{label}: alone {first}, in all {total}", lang, label=one["label"],
             first=said(one["first"], one["first_lower"], one["first_upper"], 2, lang),
             total=said(one["total"], one["total_lower"], one["total_upper"], 2, lang))
        for one in data.to_dict("records")
    ]  # fmt: skip
    head = text("Share of the variance of the ranks by factor.", lang)
    if data.attrs["of"]:
        head = text("Share of the variance of the score of {unit} by factor.", lang, unit=data.attrs["of"])
    return f"{head} {'; '.join(words)}."
