"""What a composite is made of: the contribution of each part, stacked, and the total with its interval."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from uncac_metrics.languages import Language, named, text
from uncac_metrics.model import Fault, Faults
from uncac_metrics.plots.axis import tick_label
from uncac_metrics.plots.canvas import FILLS, canvas, dress, key_above, level_note, plain_axes, said, source_note
from uncac_metrics.plots.style import INK, in_language

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from matplotlib.axes import Axes

    from uncac_metrics.composites import Composition

FACES = ("#0060a0", "#e69f00", "#9aa3ad", "#56b4e9", "#d55e00", "#009e73", "#cc79a7")
"""Faces of parts; with a hatch each, so that they can be told apart without colour."""


def decomposition_data(
    composition: Composition,
    *,
    node: str | None = None,
    of: str = "score",
    best: float = 100.0,
    lang: str | Language = "en",
) -> pd.DataFrame:  # fmt: skip
    r"""Contributions of the parts of a node to its score, or to what its score lacks.

    Of an arithmetic mean with shares :math:`w_i` of the parts that are there, :math:`w_i x_i` add up to the score s and
    :math:`w_i (b - x_i)` to the shortfall from the best score b. A geometric mean is no sum; its shortfall is split by
    the logarithmic mean,

    .. math:: b - s = \frac{b - s}{\ln b - \ln s} \sum_i w_i (\ln b - \ln x_i) .

    Parameters
    ----------
    composition
        Result of :func:`uncac_metrics.compose`.
    node
        Node to take apart; the composite itself where none is named.
    of : {"score", "shortfall"}
        What the contributions add up to.
    best
        The best score, for the shortfall.
    lang
        Language of the names.

    Returns
    -------
    pandas.DataFrame
        A row a unit, period and part: ``ref_area``, ``time_period``, ``part``, ``label``, ``score`` (of the part),
        ``weight`` (share), ``contribution``, ``total`` (what they add up to), ``lower``, ``upper`` (of the total) and
        ``conf_level``.

    Raises
    ------
    uncac_metrics.model.Faults
        Where the aggregation cannot be taken apart so.

    References
    ----------
    .. [1] Ang (2004), Energy Policy 32, 1131–1139.

    Examples
    --------
    >>> import pandas as pd, uncac_metrics as um
    >>> data = pd.DataFrame({"ref_area": ["A", "B"], "BR-01": [10.0, 30.0], "BR-22": [20.0, 5.0]})
    >>> parts = decomposition_data(um.compose("CO-01", data), of="shortfall")
    >>> parts[["ref_area", "part", "score", "contribution", "total"]].round(1).to_numpy().tolist()[:2]
    [['A', 'BR-01', 80.0, 9.3, 30.7], ['A', 'BR-22', 60.0, 21.4, 30.7]]
    """
    import numpy as np
    import pandas as pd

    construction = composition.recipe.construction
    table = composition.node(node).table
    name = str(table["indicator"].iloc[0])
    chosen = next(one for one in construction.nodes if one.id == name)
    faults = []
    allowed = ("arithmetic",) if of == "score" else ("arithmetic", "geometric")
    if of not in ("score", "shortfall"):
        faults.append(Fault("decomposition", "of", f"{of!r} is not known", 'one of "score", "shortfall"'))
    elif chosen.aggregation not in allowed:
        what = f"a node by {chosen.aggregation} aggregation is not a sum of its parts"
        remedy = 'take of="shortfall"' if chosen.aggregation == "geometric" else "take one of its children apart"
        faults.append(Fault("decomposition", name, what, remedy))
    if faults:
        raise Faults(faults)
    labels = _labels(composition, lang)
    scores = np.column_stack([_scores(composition, child) for child in chosen.children])
    weights = np.array(chosen.weights or [1.0] * len(chosen.children), dtype=float)
    there = ~np.isnan(scores)
    share = np.where(there, weights, 0.0)
    share = share / share.sum(axis=1, keepdims=True)
    value = table["value"].to_numpy(dtype=float)
    if of == "score":
        parts, total = share * np.where(there, scores, 0.0), value
    else:
        parts, total = _lacking(share, scores, there, best, chosen.aggregation == "geometric"), best - value
    ends = [table[end].to_numpy(dtype=float) for end in ("lower", "upper")]
    lower, upper = ends if of == "score" else (best - ends[1], best - ends[0])
    known = ~np.isnan(value)
    if not np.allclose(parts.sum(axis=1)[known], total[known], rtol=1e-6, atol=1e-9):
        what = "the parts do not add up to the node: its scores are not on one scale from zero to the best"
        raise Faults([Fault("decomposition", name, what, "give the best score; impute once")])
    k = len(chosen.children)
    frame = pd.DataFrame(
        {
            "ref_area": np.repeat(table["ref_area"].to_numpy(), k),
            "time_period": np.repeat(table["time_period"].to_numpy(), k),
            "part": np.tile(chosen.children, len(table)),
            "label": np.tile([labels.get(child, child) for child in chosen.children], len(table)),
            "score": scores.ravel(), "weight": share.ravel(), "contribution": np.where(there, parts, np.nan).ravel(),
            "total": np.repeat(total, k), "lower": np.repeat(lower, k), "upper": np.repeat(upper, k),
            "conf_level": np.repeat(table["conf_level"].to_numpy(dtype=float), k),
        }
    )  # fmt: skip
    frame.attrs["of"] = of
    frame.attrs["name"] = labels.get(name, named(composition.recipe, lang) if node is None else name)
    frame.attrs["unit"] = composition.recipe.unit
    return frame[~frame["total"].isna()].reset_index(drop=True)


def _labels(composition: Composition, lang: str | Language) -> dict[str, str]:
    from uncac_metrics.catalogue import load_catalogue

    recipe, cards = composition.recipe, load_catalogue()
    # a part that has the name of its card has it in the languages of the card
    own = {key for key, name in recipe.names.items() if key in cards and cards[key].name == name}
    labels = {key: named(cards[key], lang) if key in own else text(name, lang) for key, name in recipe.names.items()}
    return labels | {recipe.top: named(recipe, lang)}


def _scores(composition: Composition, child: str) -> np.ndarray:
    if child in composition.profile:
        return composition.profile[child].to_numpy(dtype=float)
    return composition.node(child).table["value"].to_numpy(dtype=float)


def _lacking(share: Any, scores: Any, there: Any, best: float, geometric: bool) -> Any:
    """Contributions to the shortfall."""
    import numpy as np

    x = np.where(there, scores, best)
    if not geometric:
        return share * (best - x)
    zero = (x <= 0) & (share > 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        distance = share * (np.log(best) - np.log(np.where(zero, best, x)))
        whole = distance.sum(axis=1, keepdims=True)
        lacking = best * (1 - np.exp(-whole))
        parts = np.where(whole > 0, distance / whole * lacking, 0.0)
        none = best * share * zero / (share * zero).sum(axis=1, keepdims=True)  # a part at zero makes the mean zero
    return np.where(zero.any(axis=1, keepdims=True), none, parts)


def decomposition(
    composition: Composition,
    *,
    node: str | None = None,
    of: str = "score",
    best: float = 100.0,
    names: Mapping[str, str] | None = None,
    ax: Axes | None = None,
    source: str = "",
    width: float | None = None,
    lang: str | Language = "en",
) -> Axes:
    """Draw a stacked bar of contributions for each unit, and its total with the interval.

    Parameters
    ----------
    composition, node, of, best
        As in :func:`decomposition_data`.
    names
        Names of units by code.
    ax
        Axes to draw on; a new pyplot figure where none is given.
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
    >>> import pandas as pd, uncac_metrics as um
    >>> from matplotlib.figure import Figure
    >>> data = pd.DataFrame({"ref_area": ["A", "B"], "BR-01": [10.0, 30.0], "BR-22": [20.0, 5.0]})
    >>> axes = decomposition(um.compose("CO-01", data), of="shortfall", ax=Figure().subplots())
    >>> len(axes.patches)
    4
    """
    import numpy as np

    data = decomposition_data(composition, node=node, of=of, best=best, lang=lang)
    several = data["time_period"].nunique() > 1
    units = [
        f"{(names or {}).get(area, area)} {period if several else ''}".strip()
        for area, period in zip(data["ref_area"], data["time_period"], strict=True)
    ]
    parts = list(dict.fromkeys(data["part"]))
    rows = len(data) // len(parts)
    ax = canvas(ax, width, 34 + 6.0 * rows + 5 * len(parts))
    at = np.arange(rows)
    ends = {1: np.zeros(rows), -1: np.zeros(rows)}
    for place, part in enumerate(parts):
        own = data[data["part"] == part]
        length = own["contribution"].fillna(0.0).to_numpy()
        start = np.where(length >= 0, ends[1], ends[-1])
        ax.barh(at, length, left=start, height=0.62, label=own["label"].iloc[0], color=FACES[place % len(FACES)],
                hatch=FILLS[place % len(FILLS)], edgecolor="white", linewidth=0.6)  # fmt: skip
        for sign, end in ends.items():
            ends[sign] = end + np.where(np.sign(length) == sign, length, 0.0)
    totals = data.iloc[:: len(parts)]
    ax.hlines(at, totals["lower"], totals["upper"], colors=INK, linewidth=1.6)
    ax.plot(totals["total"], at, linestyle="none", marker="D", markersize=5, markerfacecolor="white",
            markeredgecolor=INK, markeredgewidth=1.3, label=text("total and its interval", lang))  # fmt: skip
    ax.set_yticks(at, units[:: len(parts)])
    ax.set_ylim(rows - 0.4, -0.6)
    plain_axes(ax, grid="x")
    ax.tick_params(axis="y", labelsize=8.5, labelcolor=INK, length=0)
    ax.spines["left"].set_visible(False)
    what = text("{name}: what its score is made of", lang, name=data.attrs["name"])
    if of != "score":
        what = text(
            "{name}: what its score lacks of {best}", lang, name=data.attrs["name"], best=tick_label(best, lang)
        )
    notes = [level_note(data["conf_level"], lang=lang)] if data["lower"].notna().any() else []
    left = 14 + 5.0 * max(map(len, units))
    handles, _ = ax.get_legend_handles_labels()
    above = key_above(ax, [*handles[1:], handles[0]], left=left)  # the total comes last
    dress(
        ax,
        what,
        text(data.attrs["unit"], lang, context="unit"),
        [*notes, source_note(source, lang)],
        left=left,
        above=above,
    )
    return in_language(ax, lang)


def decomposition_alt(data: pd.DataFrame, *, decimals: int = 1, lang: str | Language = "en") -> str:
    """What a decomposition shows, in words made from its numbers.

    Parameters
    ----------
    data
        Result of :func:`decomposition_data`.
    decimals
        Of the scores.
    lang
        Language of the words; that of the labels in `data`.

    Examples
    --------
    >>> import pandas as pd, uncac_metrics as um
    >>> data = pd.DataFrame({"ref_area": ["A", "B"], "BR-01": [10.0, 30.0], "BR-22": [20.0, 5.0]})
    >>> decomposition_alt(decomposition_data(um.compose("CO-01", data), of="shortfall"))[:81]
    'Parts of the shortfall of Experience of bribery: an example of a composite. A 30.'
    """
    message = "Parts of the score of {name}." if data.attrs["of"] == "score" else "Parts of the shortfall of {name}."
    parts = [text(message, lang, name=data.attrs["name"])]
    for (area, period), rows in data.groupby(["ref_area", "time_period"], sort=False):
        one = rows.iloc[0]
        whole = said(one["total"], one["lower"], one["upper"], decimals, lang)
        each = ", ".join(
            f"{label} {said(value, decimals=decimals, lang=lang)}"
            for label, value in zip(rows["label"], rows["contribution"], strict=True)
        )
        parts.append(f"{area} {period}".strip() + f" {whole}: {each}.")
    return " ".join(parts)
