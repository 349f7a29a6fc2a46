"""All that measures a commitment in one figure: a paragraph, an article or an SDG target."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isnan, nan
from typing import TYPE_CHECKING, Any

from uncac_metrics.languages import Language, named, number, span, text
from uncac_metrics.model import BREAKDOWNS, MEASURES, TOTAL, Indicator
from uncac_metrics.plots.interval import level_of, number_or_nan
from uncac_metrics.plots.rows import Mark, Picture, Row, as_svg, draw
from uncac_metrics.plots.style import BLUE

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from uncac_metrics.stats.estimates import Estimates

TITLES = {
    "paragraph": "Paragraph {code}. {title}",
    "article": "Article {code}. {title}",
    "target": "SDG target {code}. {title}",
}
TABLES = {"paragraph": ("declaration", "paragraph"), "article": ("articles", "article"), "target": ("sdg", "code")}
LARGE = ((1e9, "billion"), (1e6, "million"))
"""From where on figures are written in larger units."""
NUMBERS = ("value", "lower", "upper", "conf_level", "n")


def commitment_data(
    estimates: Estimates | pd.DataFrame,
    code: str,
    *,
    by: str = "paragraph",
    catalogue: Mapping[str, Indicator] | None = None,
    lang: str | Language = "en",
) -> pd.DataFrame:
    """Overall values of all indicators that speak to a commitment, the newest of each.

    Parameters
    ----------
    estimates
        Estimates of a release.
    code
        Number of the paragraph, article or target.
    by : {"paragraph", "article", "target"}
        Which of them it is.
    catalogue
        Definitions by id; by default the shipped ones.
    lang
        Language of the names.

    Returns
    -------
    pandas.DataFrame
        A row an indicator, by kind of measure, which are never mixed: ``indicator``, ``name``, ``type``, ``unit``,
        ``decimals``, ``time_period``, ``dataset``, ``value``, ``lower``, ``upper``, ``conf_level``, ``n`` (missing
        where withheld) and ``display``, which is ``by category`` where there is no overall value and ``no data``
        where the release has no estimate.

    Raises
    ------
    KeyError
        If there is no such commitment.

    Notes
    -----
    Where several data sets of the newest period measure an indicator, the first by name is taken.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"indicator": ["BR-01"], "dataset": "d", "time_period": "2025", "value": [17.6]})
    >>> data = commitment_data(frame, "69")
    >>> data.loc[data["indicator"] == "BR-01", ["value", "unit", "display"]].to_numpy().tolist()
    [[17.6, '%', 'shown']]
    """
    from uncac_metrics.catalogue import coverage, load_catalogue

    cards = load_catalogue() if catalogue is None else catalogue
    ids = coverage(cards, by=by).set_index(by)["indicators"][code]
    order = sorted((cards[key] for key in ids), key=lambda card: (list(MEASURES).index(card.type), card.id))
    return overall(estimates, order, lang)


def overall(
    estimates: Estimates | pd.DataFrame, cards: Sequence[Indicator], lang: str | Language = "en"
) -> pd.DataFrame:
    """The newest overall value of each of these indicators, in their order: the rows of :func:`commitment_data`."""
    import pandas as pd

    table: pd.DataFrame = getattr(estimates, "table", estimates)
    table = table[table["indicator"].isin([card.id for card in cards])].sort_values(["dataset"], kind="stable")
    table = table.sort_values("time_period", ascending=False, kind="stable")
    newest: dict[str, dict[str, Any]] = {}
    for row in table.to_dict("records"):
        # a breakdown without a code is one that the row's table did not have, where tables were put together
        if all(pd.isna(code := row.get(name, TOTAL)) or str(code) == TOTAL for name in BREAKDOWNS):
            newest.setdefault(row["indicator"], row)
    known = set(table["indicator"])
    rows = []
    for card in cards:
        found = newest.get(card.id, {})
        display = str(found.get("display", "shown")) if found else "by category" if card.id in known else "no data"
        numbers = {name: nan if display == "withheld" else number_or_nan(found.get(name)) for name in NUMBERS}
        rows.append(
            {"indicator": card.id, "name": named(card, lang), "type": card.type, "unit": card.unit,
             "decimals": card.decimals, "time_period": str(found.get("time_period", "")),
             "dataset": str(found.get("dataset", "")),
             **numbers, "display": display}
        )  # fmt: skip
    columns = ["indicator", "name", "type", "unit", "decimals", "time_period", "dataset", *NUMBERS, "display"]
    frame = pd.DataFrame(rows, columns=columns)
    frame["conf_level"] = frame["conf_level"].fillna(0.95)
    return frame


def commitment(
    estimates: Estimates | pd.DataFrame,
    code: str,
    *,
    by: str = "paragraph",
    catalogue: Mapping[str, Indicator] | None = None,
    ax: Axes | None = None,
    source: str = "",
    width: float | None = None,
    lang: str | Language = "en",
) -> Axes:
    """Draw all that measures a commitment: percentages on one axis, other values in figures.

    Parameters
    ----------
    estimates, code, by, catalogue
        As in :func:`commitment_data`.
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
    >>> frame = pd.DataFrame({"indicator": ["BR-01"], "dataset": "d", "time_period": "2025", "value": [17.6]})
    >>> commitment(frame, "69", ax=Figure().subplots()).get_title(loc="left")
    'Paragraph 69. Gender and corruption'
    """
    data = commitment_data(estimates, code, by=by, catalogue=catalogue, lang=lang)
    return draw(commitment_picture(data, code, by=by, source=source, lang=lang), ax, width)


def commitment_svg(
    data: pd.DataFrame, code: str, *, by: str = "paragraph", source: str = "", lang: str | Language = "en"
) -> str:
    """The plot of :func:`commitment` as the text of an SVG element, with its alternative text in it.

    Parameters
    ----------
    data
        Result of :func:`commitment_data`.
    code, by, source, lang
        As in :func:`commitment`.
    """
    picture = commitment_picture(data, code, by=by, source=source, lang=lang)
    return as_svg(picture, alt=commitment_alt(data, code, by=by, lang=lang))


def commitment_title(code: str, by: str, lang: str | Language = "en") -> str:
    """Name of a paragraph, article or target."""
    from uncac_metrics import reference

    table, key = TABLES[by]
    row = reference.load(table).set_index(key).loc[code].to_dict()
    return text(TITLES[by], lang, code=code, title=named(row, lang))


def commitment_picture(
    data: pd.DataFrame, code: str, *, by: str = "paragraph", source: str = "", lang: str | Language = "en"
) -> Picture:
    """The numbers of :func:`commitment_data` as a picture in rows."""
    rows: list[Row] = []
    kind = ""
    highest = 0.0
    for one in data.to_dict("records"):
        if one["type"] != kind:
            kind = one["type"]
            rows.append(Row(text(MEASURES[kind], lang), heading=True))
        marks: tuple[Mark, ...] = ()
        words = text(one["display"], lang) if one["display"] not in ("shown", "flagged") else ""
        if not words and isnan(one["value"]):
            words = text("no value", lang)
        elif not words and one["unit"] == "%" and 0 <= one["value"] <= 100:
            marks = (Mark(one["value"], one["lower"], one["upper"], BLUE, "o", filled=one["display"] != "flagged"),)
            highest = max(highest, one["value"], one["upper"] if one["upper"] == one["upper"] else 0)
        elif not words:
            words = figures(one, lang)
        rows.append(Row(f"{one['name']} ({one['indicator']})", marks, one["time_period"], words,
                        hatched=one["display"] == "withheld"))  # fmt: skip
    level = data["conf_level"].max() if len(data) else 0.95
    notes = [text("Lines: {level} % intervals.", lang, level=level_of(level, lang))]
    notes += [text("Kinds of measure are not comparable.", lang)]
    notes += [text("Hollow: low reliability.", lang)] if (data["display"] == "flagged").any() else []
    notes += [text("Source: {source}.", lang, source=source)] if source else []
    unit = text("%; other units in figures", lang)
    return Picture(
        tuple(rows), commitment_title(code, by, lang), unit, " ".join(notes), 0.0, min(100.0, 1.04 * highest) or 100.0,
        column=text("period", lang), letters=42, lang=lang,
    )  # fmt: skip


def figures(one: Mapping[str, Any], lang: str | Language = "en") -> str:
    """A value in its unit, with its interval."""
    size, word = next(((n, w) for n, w in LARGE if abs(one["value"]) >= n), (1.0, ""))
    digits = 1 if word else one["decimals"]
    value, lower, upper = (one[name] / size for name in ("value", "lower", "upper"))
    ends = "" if isnan(lower + upper) else f" ({span(lower, upper, lang, digits)})"
    unit = "" if len(one["unit"]) > 12 else text(one["unit"], lang, context="unit")
    return " ".join(filter(None, [number(value, lang, digits), text(word, lang), unit])) + ends


def commitment_alt(data: pd.DataFrame, code: str, *, by: str = "paragraph", lang: str | Language = "en") -> str:
    """What the plot of a commitment shows, in words made from its numbers.

    Parameters
    ----------
    data
        Result of :func:`commitment_data`.
    code, by, lang
        As in :func:`commitment`.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"indicator": ["BR-01"], "dataset": "d", "time_period": "2025", "value": [17.6]})
    >>> commitment_alt(commitment_data(frame, "69"), "69")[:80]
    'Paragraph 69. Gender and corruption. Direct experience reported in a survey: Pre'
    """
    parts = [f"{commitment_title(code, by, lang)}."]
    for kind, rows in data.groupby("type", sort=False):
        said = []
        for one in rows.to_dict("records"):
            hidden = one["display"] in ("withheld", "by category", "no data")
            words = text(one["display"], lang) if hidden else figures(one, lang)
            flag = f", {text('flagged as uncertain', lang)}" if one["display"] == "flagged" else ""
            said.append(f"{one['name']} {words}{flag}")
        parts.append(f"{text(MEASURES[str(kind)], lang)}: {'; '.join(said)}.")
    return " ".join(parts)
