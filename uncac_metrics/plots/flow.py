"""Recovery of assets: what amounts went from state to state, and what is still on its way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from uncac_metrics.languages import Language, number, percent, plural, text
from uncac_metrics.plots.axis import tick_label
from uncac_metrics.plots.canvas import bare_axes, canvas, dress, money, points, source_note
from uncac_metrics.plots.style import BLUE, GREY, HATCH, INK, PLAIN, in_language

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

ENTRY = ""
"""Origin of what enters from outside."""
GAP = 0.07
"""Height between states, of the height of all that enters."""


def recovery_flow_data(
    stays: pd.DataFrame,
    *,
    unit: str,
    origin: str,
    destination: str,
    amount: str,
    cluster: str | None = None,
    states: Sequence[str] | None = None,
    names: Mapping[str, str] | None = None,
    level: float = 0.95,
    lang: str | Language = "en",
) -> pd.DataFrame:
    """Amounts that moved between states, and that were still in a state when last seen.

    Parameters
    ----------
    stays
        A row a stay of an asset in a state, as for :func:`uncac_metrics.stats.counts.state_occupation`.
    unit, origin, destination
        Columns of the asset, of the state, and of the state that it moved to (empty where it was last seen there).
    amount
        Column of the amount, in one currency.
    cluster
        Column of the cases that several assets belong to, for the intervals.
    states
        Order of the states; that of their appearance unless given.
    names
        Words for states.
    level
        Confidence level.
    lang
        Language of the words for states.

    Returns
    -------
    pandas.DataFrame
        ``origin``, ``destination`` (empty: still there, in transit unless nothing leaves the state), ``label`` and
        ``to_label``, ``units``, ``amount``, ``share`` (of the amount that came into the state), ``lower``, ``upper``,
        ``conf_level``, ``open`` (still there, in a state that others left).

    Raises
    ------
    ValueError
        Where amounts are missing or negative, or states go round in a circle.
    uncac_metrics.model.Faults
        What :func:`uncac_metrics.stats.counts.amount_ratio` refuses.

    Notes
    -----
    Shares are of amounts that came in by now, so that assets frozen lately count in full below the line:
    :func:`uncac_metrics.stats.counts.state_occupation` reckons with that.

    Examples
    --------
    >>> import pandas as pd
    >>> stays = pd.DataFrame({"asset": [1, 1, 2, 3], "state": ["frozen", "confiscated", "frozen", "frozen"],
    ...                       "moved_to": ["confiscated", None, "released", None], "usd": [5.0, 5.0, 3.0, 2.0]})
    >>> data = recovery_flow_data(stays, unit="asset", origin="state", destination="moved_to", amount="usd")
    >>> data[["origin", "destination", "amount", "open"]].to_numpy().tolist()
    [['frozen', 'confiscated', 5.0, False], ['frozen', 'released', 3.0, False], ['frozen', '', 2.0, True],
     ['confiscated', '', 5.0, False]]
    """
    import pandas as pd

    from uncac_metrics.stats.counts.ratios import amount_ratio

    if stays[amount].isna().any() or (stays[amount] < 0).any():
        raise ValueError(f"{amount}: amounts are missing or negative")
    here = stays[origin].astype(str)
    there = stays[destination].astype(object).where(stays[destination].notna(), ENTRY).astype(str)
    order = list(states or dict.fromkeys([*here, *there[there != ENTRY]]))
    if unknown := sorted({*here, *there} - {*order, ENTRY}):
        raise ValueError(f"unknown states {', '.join(unknown)}: name all in `states`")
    words = {name: text((names or {}).get(name, name.replace("_", " ").capitalize()), lang) for name in order}
    rows: list[dict[str, Any]] = []
    for state in order:
        own = stays[here == state]
        goes = there[here == state]
        targets = [*(name for name in order if (goes == name).any()), *([ENTRY] if (goes == ENTRY).any() else [])]
        for target in targets:
            moved = own[amount].where(goes == target, 0.0)
            clusters = {} if cluster is None else {"cluster": cluster}
            ratio = amount_ratio(own.assign(_moved=moved), "_moved", amount, level=level, **clusters).table.iloc[0]
            rows.append(
                {"origin": state, "destination": target, "label": words[state], "to_label": words.get(target, ""),
                 "units": int(own.loc[goes == target, unit].nunique()), "amount": float(moved.sum()),
                 "share": float(ratio["value"]), "lower": float(ratio["lower"]),
                 "upper": min(float(ratio["upper"]), 1.0), "conf_level": level,
                 "open": target == ENTRY and len(targets) > 1}
            )  # fmt: skip
    frame = pd.DataFrame(rows)
    ends = [name for name in order if name not in set(here)]  # moved to, and not seen there as a stay
    frame.attrs["ends"] = {words[name]: name for name in ends}
    frame.attrs["depth"] = _depth(order, frame)
    frame.attrs["words"] = words
    return frame


def _depth(order: Sequence[str], frame: pd.DataFrame) -> dict[str, int]:
    """Longest way to each state."""
    moves = [(a, b) for a, b in zip(frame["origin"], frame["destination"], strict=True) if b != ENTRY]
    depth = dict.fromkeys(order, 0)
    for _ in range(len(order) + 1):
        before = dict(depth)
        for a, b in moves:
            depth[b] = max(depth[b], depth[a] + 1)
        if depth == before:
            return depth
    raise ValueError("states go round in a circle")


def recovery_flow(
    stays: pd.DataFrame,
    *,
    unit: str,
    origin: str,
    destination: str,
    amount: str,
    cluster: str | None = None,
    states: Sequence[str] | None = None,
    names: Mapping[str, str] | None = None,
    level: float = 0.95,
    currency: str = "",
    ax: Axes | None = None,
    title: str = "From freezing to return",
    source: str = "",
    width: float | None = None,
    lang: str | Language = "en",
) -> Axes:
    """Draw the amounts as bands from state to state; what is still on its way is hatched.

    Parameters
    ----------
    stays, unit, origin, destination, amount, cluster, states, names, level
        As in :func:`recovery_flow_data`.
    currency
        Unit of the amounts.
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
    >>> stays = pd.DataFrame({"asset": [1, 1, 2, 3], "state": ["frozen", "confiscated", "frozen", "frozen"],
    ...                       "moved_to": ["confiscated", None, "released", None], "usd": [5.0, 5.0, 3.0, 2.0]})
    >>> axes = recovery_flow(stays, unit="asset", origin="state", destination="moved_to", amount="usd",
    ...                      ax=Figure().subplots())
    >>> [text.get_text().split(chr(10))[0] for text in axes.texts]
    ['Frozen', 'In transit', 'Confiscated', 'Released']
    """
    data = recovery_flow_data(
        stays, unit=unit, origin=origin, destination=destination, amount=amount, cluster=cluster, states=states,
        names=names, level=level, lang=lang,
    )  # fmt: skip
    ax = canvas(ax, width, 88)
    _draw(ax, data, lang)
    message = "In brackets: share of the amount that came into the state before, with its {level} % interval."
    notes = [text(message, lang, level=tick_label(100 * level, lang))]
    notes += [text("Hatched: in transit.", lang)] if data["open"].any() else []
    unit = text("amounts in {currency}", lang, currency=text(currency, lang, context="unit")) if currency else ""
    dress(ax, text(title, lang), unit, [*notes, source_note(source, lang)], left=6)
    return in_language(ax, lang)


def _draw(ax: Axes, data: pd.DataFrame, lang: str | Language) -> None:
    from matplotlib.patches import PathPatch, Rectangle
    from matplotlib.path import Path

    depth: dict[str, int] = data.attrs["depth"]
    words: dict[str, str] = data.attrs["words"]
    came = {name: max(float(data.loc[data["origin"] == name, "amount"].sum()),
                      float(data.loc[data["destination"] == name, "amount"].sum())) for name in depth}  # fmt: skip
    whole = max(came[name] for name in depth)
    last = max(depth.values())
    top: dict[str, float] = {}
    for step in range(last + 1):
        # what goes on stands above what ends, so that bands do not cross
        column = [name for name in depth if depth[name] == step and came[name] > 0]
        column.sort(key=lambda name: not (data["origin"].eq(name) & data["destination"].ne(ENTRY)).any())
        y = 0.0
        for name in column:
            top[name] = y
            opened = data["origin"].eq(name) & data["open"]
            y += came[name] / whole + (4.6 if opened.any() else 2.2) * GAP
    thick = 0.05
    narrow = points(ax) < 300
    letters: dict[str, Any] = {"fontsize": 6.8 if narrow else 8, "color": INK, "va": "center", **PLAIN}
    used, taken = dict(top), dict(top)
    paper = {"facecolor": "white", "edgecolor": "none", "pad": 0.6, "alpha": 0.75}
    for name in sorted(top, key=lambda one: depth[one]):
        height = came[name] / whole
        x = float(depth[name])
        ends = not (data["origin"].eq(name) & data["destination"].ne(ENTRY)).any()
        ax.add_patch(Rectangle((x, top[name]), thick, height, facecolor=INK if ends else BLUE, linewidth=0))
        share = data[data["destination"] == name]
        told = f"{words[name]}\n{money(came[name], lang)}"
        if len(share) == 1:
            told += f"\n{_share(share.iloc[0], lang)}"
        ax.text(x + thick + 0.03, top[name] + height / 2, told, ha="left", **letters,
                bbox=paper, zorder=5)  # fmt: skip
        out = data[(data["origin"] == name)]
        for one in out.to_dict("records"):
            size = one["amount"] / whole
            y = used[name]
            used[name] += size
            if one["destination"] != ENTRY:
                to, at = float(depth[one["destination"]]), taken[one["destination"]]
                taken[one["destination"]] += size
                start, middle = x + thick, (x + thick + to) / 2
                corners = [(start, y), (middle, y), (middle, at), (to, at), (to, at + size), (middle, at + size),
                           (middle, y + size), (start, y + size), (start, y)]  # fmt: skip
                codes = [Path.MOVETO, *[Path.CURVE4] * 3, Path.LINETO, *[Path.CURVE4] * 3, Path.CLOSEPOLY]
                face = "#a9c4d9" if one["destination"] in set(data["origin"]) else "#cdd3da"
                ax.add_patch(PathPatch(Path(corners, codes), facecolor=face, edgecolor="none", alpha=0.85, zorder=0.5))
            elif one["open"]:
                ax.add_patch(Rectangle((x + thick, y), 0.34, size, facecolor="white", edgecolor=HATCH, hatch="//////",
                                       linewidth=0, zorder=0.6))  # fmt: skip
                told = f"{text('In transit', lang)}\n{money(one['amount'], lang)}\n{_share(one, lang)}"
                ax.text(x + thick + 0.03, y + size + 0.6 * GAP, told, ha="left", zorder=6, bbox=paper,
                        **(letters | {"va": "top", "color": GREY}))  # fmt: skip
    bottom = max(top[name] + came[name] / whole for name in top)
    ax.set(xlim=(-0.02, last + (0.62 if narrow else 0.5)), ylim=(bottom + 3.6 * GAP, -0.03))
    bare_axes(ax)


def _share(one: Any, lang: str | Language) -> str:
    whole = number(100 * one["share"], lang)
    told = f"{whole} %" if lang == "en" else percent(100 * one["share"], lang, 0)
    if one["lower"] == one["lower"]:
        told += f": {number(100 * one['lower'], lang)}–{number(100 * one['upper'], lang)}"
    return f"({told})"


def recovery_flow_alt(data: pd.DataFrame, *, currency: str = "", lang: str | Language = "en") -> str:
    """What a plot of recovery shows, in words made from its numbers.

    Parameters
    ----------
    data
        Result of :func:`recovery_flow_data`.
    currency
        Unit of the amounts.
    lang
        Language of the words; that of the labels in `data`.

    Examples
    --------
    >>> import pandas as pd
    >>> stays = pd.DataFrame({"asset": [1, 2], "state": "frozen", "moved_to": ["released", None], "usd": [5.0, 3.0]})
    >>> recovery_flow_alt(recovery_flow_data(stays, unit="asset", origin="state", destination="moved_to", amount="usd"))
    'Flow of amounts. Frozen to released: 5 (62 %: 0–100), 1 asset; still frozen: 3 (38 %: 0–100), 1 asset.'
    """
    parts = []
    for one in data.to_dict("records"):
        if one["destination"] == ENTRY and not one["open"]:
            continue
        way = text("still {state}", lang, state=one["label"].lower())
        if not one["open"]:
            way = text("{origin} to {destination}", lang, origin=one["label"], destination=one["to_label"].lower())
        amount = f"{money(one['amount'], lang)} {text(currency, lang, context='unit')}".strip()
        assets = plural("{n} asset", "{n} assets", one["units"], lang)
        parts.append(f"{way}: {amount} {_share(one, lang)}, {assets}")
    return f"{text('Flow of amounts.', lang)} {'; '.join(parts)}."
