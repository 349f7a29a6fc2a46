"""Coverage matrix: which indicators speak to which commitments, and which of them have data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from uncac_metrics.languages import Language, number, text
from uncac_metrics.model import Indicator
from uncac_metrics.plots.style import BLUE, GREY, HATCH, INK, PALE, PLAIN, in_language, lines

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from uncac_metrics.stats import Estimates

LIGHT = "#a9c4d9"
SUBJECTS: Mapping[str, tuple[str, str, str]] = {
    "paragraph": ("paragraphs of the declaration", "section", "Section {code}"),
    "section": ("sections of the declaration", "section", "Section {code}"),
    "article": ("articles of the Convention", "chapter", "Chapter {code}"),
    "target": ("SDG targets", "goal", "Goal {code}"),
}
"""What is covered, in words; the column that groups it, and the name of a group by its number."""


def coverage_matrix_data(
    catalogue: Mapping[str, Indicator] | None = None,
    release: str | Path | pd.DataFrame | Estimates | None = None,
    *,
    by: str = "paragraph",
) -> pd.DataFrame:
    """Commitments by indicators: 0 not linked, 1 linked, 2 linked and with data in the release.

    Parameters
    ----------
    catalogue, release, by
        As in :func:`uncac_metrics.coverage`.

    Returns
    -------
    pandas.DataFrame
        A row a commitment, with index levels ``group`` (section, chapter or goal), ``code`` and ``tracked``;
        a column an indicator, with levels ``topic`` and ``indicator``, in the order of topics and ids.

    Raises
    ------
    uncac_metrics.model.Faults
        As :func:`uncac_metrics.coverage`.

    Examples
    --------
    >>> matrix = coverage_matrix_data()
    >>> one = matrix.xs("BR-01", axis=1, level="indicator")
    >>> one.index.get_level_values("code")[one.iloc[:, 0] == 1].tolist()
    ['61', '69', '74']
    """
    import pandas as pd

    from uncac_metrics.catalogue import coverage, load_catalogue

    cards = load_catalogue() if catalogue is None else catalogue
    table = coverage(cards, release, by=by)
    order = sorted(cards.values(), key=lambda card: (card.topic, card.id))
    columns = pd.MultiIndex.from_tuples([(card.topic, card.id) for card in order], names=["topic", "indicator"])
    group = table["target"].str.split(".").str[0] if by == "target" else table[SUBJECTS[by][1]]
    tracked = table["tracked"] if "tracked" in table else pd.Series("indicators", table.index)
    index = pd.MultiIndex.from_arrays([group, table[by], tracked], names=["group", "code", "tracked"])
    fed = table["indicators_with_data"] if release is not None else [[] for _ in range(len(table))]
    rows = [
        [(card.id in linked) + (card.id in data) for card in order]
        for linked, data in zip(table["indicators"], fed, strict=True)
    ]
    return pd.DataFrame(rows, index=index, columns=columns, dtype="int8")


def coverage_matrix(
    catalogue: Mapping[str, Indicator] | None = None,
    release: str | Path | pd.DataFrame | Estimates | None = None,
    *,
    by: str = "paragraph",
    ax: Axes | None = None,
    lang: str | Language = "en",
) -> Axes:
    """Draw commitments (rows) against indicators (columns), with the number of indicators at the right.

    A dark cell has data in the release, a light one is defined only. A hatched row is not scored, a grey one is
    addressed to the United Nations and tracked by milestones.

    Parameters
    ----------
    catalogue, release, by
        As in :func:`uncac_metrics.coverage`.
    ax
        Axes to draw on; a new pyplot figure of fitting size where none is given.
    lang
        Language of texts.

    Returns
    -------
    matplotlib.axes.Axes

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> coverage_matrix(by="section", ax=Figure().subplots()).get_title(loc="left")
    'Indicators of the sections of the declaration'
    """
    from matplotlib.collections import PolyCollection
    from matplotlib.patches import Patch, Rectangle

    data = coverage_matrix_data(catalogue, release, by=by)
    rows, columns = data.shape
    if ax is None:
        import matplotlib.pyplot as plt

        ax = plt.figure(figsize=(7.2, 1.9 + 0.098 * rows), layout="constrained").subplots()
    values = data.to_numpy()
    kinds: list[Any] = []
    with_data = release is not None
    for level, own, words in ((1, LIGHT, "defined, no data in the release"), (2, BLUE, "with data")):
        cells = [(y, x) for y, x in zip(*(values == level).nonzero(), strict=True)]
        colour, label = (own, text(words, lang)) if with_data else (BLUE, text("defined", lang))
        if level == 1 or with_data:
            kinds.append(Patch(facecolor=colour, label=label))
        corners = [[(x, y - 0.42), (x + 1, y - 0.42), (x + 1, y + 0.42), (x, y + 0.42)] for y, x in cells]
        ax.add_collection(PolyCollection(corners, facecolors=colour, edgecolors="none"))
    for y, how in enumerate(data.index.get_level_values("tracked")):
        if how in ("not scored", "milestones"):
            hatch = "//////" if how == "not scored" else ""
            look: dict[str, Any] = {"facecolor": "none", "edgecolor": HATCH, "hatch": hatch, "linewidth": 0}
            if how == "milestones":
                look = {"facecolor": "#eceef1", "linewidth": 0}
            ax.add_patch(Rectangle((0, y - 0.5), columns, 1, zorder=0, **look))
            label = text(how, lang)
            if label not in [kind.get_label() for kind in kinds]:
                kinds.append(Patch(label=label, **look))
    _frame(ax, data, by, lang)
    ax.legend(handles=kinds, loc="upper left", bbox_to_anchor=(0, -0.005), ncols=4, frameon=False, fontsize=7,
              handlelength=1.2, columnspacing=1.2, borderaxespad=0.2)  # fmt: skip
    title = text(f"Indicators of the {SUBJECTS[by][0]}", lang)
    ax.set_title(title, loc="left", fontsize=10, fontweight="bold", color=INK, pad=56)
    return in_language(ax, lang)


def _frame(ax: Axes, data: pd.DataFrame, by: str, lang: str | Language) -> None:
    """Labels and lines: groups at the left, topics above, numbers of indicators at the right."""
    rows, columns = data.shape
    across, down = ax.get_yaxis_transform(), ax.get_xaxis_transform()
    small: dict[str, Any] = {"fontsize": 5.5, "color": GREY, **PLAIN}
    groups = list(data.index.get_level_values("group"))
    for y, (code, counts) in enumerate(zip(data.index.get_level_values("code"), data.to_numpy(), strict=True)):
        ax.text(-0.008, y, code, transform=across, ha="right", va="center", **small)
        ax.text(1.008, y, str(int((counts > 0).sum())), transform=across, ha="left", va="center", **small)
    for start in (i for i in range(rows) if i == 0 or groups[i] != groups[i - 1]):
        end = next((i for i in range(start, rows) if groups[i] != groups[start]), rows)
        if start:
            ax.axhline(start - 0.5, color=GREY, linewidth=0.6)
        if by != "section":
            name = text(SUBJECTS[by][2], lang, code=groups[start])
            turned = end - start > 6
            ax.text(-0.055, (start + end - 1) / 2, name if turned or by != "target" else groups[start],
                    transform=across, ha="center" if turned else "right", va="center",
                    rotation=90 if turned else 0, fontsize=6.5, color=INK)  # fmt: skip
    topics = list(data.columns.get_level_values("topic"))
    for start in (i for i in range(columns) if i == 0 or topics[i] != topics[i - 1]):
        end = next((i for i in range(start, columns) if topics[i] != topics[start]), columns)
        if start:
            ax.axvline(start, color=PALE, linewidth=0.6, zorder=0.5)
        words = "\n".join(lines(text(topics[start].replace("_", " ").capitalize() or "Other", lang), 20))
        ax.text((start + end) / 2, 1.005, words, transform=down, rotation=90, ha="center", va="bottom",
                fontsize=6, color=INK, **PLAIN)  # fmt: skip
    ax.text(
        1.008, 1.005, "n", transform=ax.transAxes, ha="left", va="bottom", fontsize=6, fontweight="bold", color=GREY
    )
    ax.set(xlim=(0, columns), ylim=(rows - 0.5, -0.5), xticks=[], yticks=[])
    for side in ax.spines.values():
        side.set_color(GREY)
        side.set_linewidth(0.6)
    ax.grid(False)


def coverage_matrix_svg(
    catalogue: Mapping[str, Indicator] | None = None,
    release: str | Path | pd.DataFrame | Estimates | None = None,
    *,
    by: str = "paragraph",
    lang: str | Language = "en",
) -> str:
    """The matrix of :func:`coverage_matrix` as the text of an SVG element, with its alternative text in it.

    Parameters
    ----------
    catalogue, release, by, lang
        As in :func:`coverage_matrix`.

    Returns
    -------
    str
        ``<svg …>…</svg>`` and a line end; the same links give the same text.

    Examples
    --------
    >>> coverage_matrix_svg(by="section", lang="fr")[:50]
    '<svg xml:lang="fr" role="img" aria-label="Matrice '
    """
    from uncac_metrics.plots.matrix import matrix_svg

    data = coverage_matrix_data(catalogue, release, by=by)
    return matrix_svg(data, by=by, with_data=release is not None, lang=lang)


def runs(values: Sequence[object]) -> list[tuple[int, int]]:
    """Begin and end of each run of equal values.

    Examples
    --------
    >>> runs(["a", "a", "b"])
    [(0, 2), (2, 3)]
    """
    starts = [i for i in range(len(values)) if i == 0 or values[i] != values[i - 1]]
    return list(zip(starts, [*starts[1:], len(values)], strict=True))


def coverage_matrix_alt(data: pd.DataFrame, *, by: str = "paragraph", lang: str | Language = "en") -> str:
    """What a coverage matrix shows, in words made from its numbers.

    Parameters
    ----------
    data
        Result of :func:`coverage_matrix_data`.
    by
        What has a row.
    lang
        Language of the words.

    Examples
    --------
    >>> coverage_matrix_alt(coverage_matrix_data(by="section"), by="section")[:70]
    'Matrix of 7 sections of the declaration against ...'
    """

    def told(n: int) -> str:
        return number(n, lang)

    linked = (data > 0).sum(axis=1)
    codes = data.index.get_level_values("code")
    what = text(SUBJECTS[by][0], lang)
    parts = [
        text("Matrix of {rows} {what} against {columns} indicators.", lang, rows=told(len(data)), what=what,
             columns=told(data.shape[1])),
        text("{rows} of them have an indicator linked to them, {links} links in all.", lang,
             rows=told((linked > 0).sum()), links=told(linked.sum())),
    ]  # fmt: skip
    if (data > 1).any(axis=None):
        fed = (data > 1).sum(axis=1)
        parts.append(text("{rows} have an indicator with data.", lang, rows=told((fed > 0).sum())))
    most = linked.to_numpy().argsort(kind="stable")[::-1][:3]
    parts.append(text("Most: {codes}.", lang, codes=", ".join(f"{codes[i]} ({linked.iloc[i]})" for i in most)))
    bare = [code for code, n in zip(codes, linked, strict=True) if n == 0]
    if bare:
        parts.append(text("Without an indicator: {codes}.", lang, codes=", ".join(bare)))
    return " ".join(parts)
