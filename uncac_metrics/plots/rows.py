"""A picture in rows: labels at the left, marks along one axis, numbers at the right; on Axes or as SVG.

Most plots here are such pictures. What is in one is said once, as data, and drawn by either of two functions:
:func:`on_axes` for notebooks, and :func:`as_svg` for files, which needs no plotting library and takes a
hundredth of the time.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from unicodedata import east_asian_width
from xml.sax.saxutils import escape, quoteattr

from uncac_metrics.languages import Language, language, leftward
from uncac_metrics.plots.axis import tick_label, ticks
from uncac_metrics.plots.canvas import points
from uncac_metrics.plots.style import BLUE, GREY, HATCH, INK, PALE, PLAIN, fonts, in_language, lines

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH, LINE, SPACE = 353.0, 14.4, 6.5
"""Width of a figure, height of a line of text in it, and room above a heading (points)."""
LABEL = 27
"""Letters in a line of a label."""


@dataclass(frozen=True)
class Mark:
    """A value with its interval."""

    value: float
    lower: float = math.nan
    upper: float = math.nan
    colour: str = BLUE
    shape: str = "o"
    """``o`` circle, ``D`` diamond, ``s`` square, ``|`` bar (a rectangle from zero)."""
    filled: bool = True
    heavy: bool = False
    offset: float = 0.0
    """How far it stands below the middle of its row (lines), so that intervals do not cover each other."""


@dataclass(frozen=True)
class Row:
    """A line of the picture: a heading, or a label with its marks or with words in their place."""

    label: str
    marks: tuple[Mark, ...] = ()
    note: str = ""
    """At the right: the number of answers."""
    words: str = ""
    """What stands where a value would."""
    hatched: bool = False
    """Words stand on a hatched bar: there is a value, and it is withheld."""
    heading: bool = False
    bold: bool = False
    joined: bool = False
    """A thin line leads from the first mark to the last."""


@dataclass(frozen=True)
class Picture:
    """What a plot in rows shows."""

    rows: tuple[Row, ...]
    title: str = ""
    unit: str = ""
    """Label of the axis."""
    notes: str = ""
    """Line below the plot: intervals, meaning of marks, source."""
    low: float = 0.0
    high: float = 1.0
    column: str = "n"
    """Heading of the column at the right; none where no row has a note."""
    rule: float = math.nan
    """A dotted line across all rows."""
    key: tuple[tuple[str, Mark], ...] = ()
    """What the kinds of mark mean."""
    letters: int = LABEL
    """Letters in a line of a label; the figure is wider for more."""
    places: tuple[float, ...] = ()
    """Where the axis has numbers; round ones where none are given."""
    points: float = 0.0
    """Width of a figure (points) where it is not to follow from the letters."""
    lang: str | Language = "en"

    @property
    def width(self) -> float:
        """Width of a figure that holds the picture (points)."""
        return self.points or WIDTH + 5.4 * (self.letters - LABEL)


def fitted(picture: Picture, width: float | None) -> Picture:
    """The picture for a figure of a width in millimetres: labels wrap earlier in a narrow column.

    Examples
    --------
    >>> fitted(Picture(()), 85).letters, round(fitted(Picture(()), 85).width)
    (21, 241)
    """
    if width is None:
        return picture
    points = width * 72 / 25.4
    return replace(picture, points=points, letters=min(picture.letters, int(0.44 * points / 5)))


def lines_of(picture: Picture) -> tuple[list[tuple[str, float]], float]:
    """Each row's wrapped label with the place of its middle, and the bottom, in lines from the top."""
    placed, bottom = [], 0.0
    for row in picture.rows:
        text = "\n".join(lines(row.label, picture.letters + 2 * row.heading))
        bottom += SPACE / LINE if row.heading and bottom else 0.0
        more = text.count("\n")
        placed.append((text, bottom + more / 2))
        bottom += more + 1 + 0.25 * (more > 0)
    return placed, bottom


def size(picture: Picture) -> tuple[float, float]:
    """Width and height of a figure that the picture fits (inches)."""
    above = 14.0 * max(0, math.ceil(len(picture.title) / (picture.width / 6.8)) - 2) + 11.0 * len(picture.key)
    below = 10.0 * max(0, math.ceil(len(picture.notes) / (picture.width / 4.4)) - 1)
    return picture.width / 72, (LINE * lines_of(picture)[1] + 83 + above + below) / 72


def alone(figure: Figure, picture: Picture) -> Axes:
    """Draw the picture as all there is in a figure."""
    figure.set_layout_engine("constrained", rect=(0.01, 0.0, 0.98, 1.0))
    ax = figure.subplots()
    title = "\n".join(lines(picture.title, int(picture.width / 6.8)))
    figure.suptitle(title, x=0.01, ha="left", fontsize=10.5, fontweight="bold", color=INK, **PLAIN)
    on_axes(picture, ax)
    across = 56 if picture.width >= WIDTH else int(picture.width / 9)
    ax.set_xlabel("\n".join(lines(picture.unit, across)), fontsize=8.5, color=INK, **PLAIN)
    notes = "\n".join(lines(picture.notes, int(picture.width / 4.4)))
    figure.supxlabel(notes, x=0.01, ha="left", fontsize=7.5, color=GREY, **PLAIN)
    return in_language(ax, picture.lang, whole=True)


def draw(picture: Picture, ax: Axes | None, width: float | None = None) -> Axes:
    """Draw the picture on `ax`, or in a new pyplot figure of fitting size (or of a width in millimetres)."""
    if ax is None:
        import matplotlib.pyplot as plt

        picture = fitted(picture, width)
        return alone(plt.figure(figsize=size(picture)), picture)
    room = points(ax) - 5 * picture.letters
    title = "\n".join(lines(picture.title, max(16, min(44, int(room / 6.4)))))
    on_axes(picture, ax)
    above = 13.0 * _key_rows(picture) + (14.0 if any(row.note for row in picture.rows) else 0.0)
    ax.set_title(title, loc="left", fontsize=10, fontweight="bold", color=INK, pad=6 + above, **PLAIN)
    below = [*lines(picture.unit, 56), *lines(picture.notes, 80)]
    ax.set_xlabel("\n".join(below), fontsize=8, color=GREY, **PLAIN)
    return in_language(ax, picture.lang)


def on_axes(picture: Picture, ax: Axes) -> None:
    """Draw labels, marks and the axis; titles and notes are the caller's."""
    from matplotlib.patches import Rectangle
    from matplotlib.ticker import FixedFormatter, FixedLocator

    placed, bottom = lines_of(picture)
    across = ax.get_yaxis_transform()  # x in widths of the plot, y in lines
    longest = max((row.note for row in picture.rows), key=len, default="")
    # in points from the axes, whose width is not known yet
    beside: dict[str, Any] = {"xycoords": across, "textcoords": "offset points", "xytext": (6 + wide(longest, 8), 0),
                              "ha": "right", "fontsize": 8, "color": GREY, "annotation_clip": False}  # fmt: skip
    for row, (text, y) in zip(picture.rows, placed, strict=True):
        weight = "bold" if row.heading or row.bold else "normal"
        look = {"fontsize": 8, "color": GREY} if row.heading else {"fontsize": 9, "color": INK}
        ax.text(-0.02, y, text, ha="right", va="center", transform=across, fontweight=weight, **look, **PLAIN)  # type: ignore[arg-type]
        if row.note:
            note = ax.annotate(row.note, (1, y), va="center_baseline", **beside)
            note.set_in_layout(row.note == longest)  # measuring one is enough
        if row.hatched:
            ax.add_patch(Rectangle((0, y - 0.3), 1, 0.6, transform=across, facecolor="none", edgecolor=HATCH,
                                   hatch="//////", linewidth=0))  # fmt: skip
        if row.words:
            words = row.words
            if picture.width < 0.8 * WIDTH:
                words = "\n".join(
                    lines(words, max(8, int((picture.width - 5.4 * picture.letters - wide(longest, 8)) / 5)))
                )
            ax.text(0.5, y, words, transform=across, ha="center", va="center", fontsize=8, style="italic",
                    color=GREY, bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.5})  # fmt: skip
        if row.joined and len(row.marks) > 1:
            ends = (row.marks[0], row.marks[-1])
            ax.plot([m.value for m in ends], [y + m.offset for m in ends], color=GREY, linewidth=1.0, zorder=1)
        for mark in row.marks:
            _mark_on(ax, mark, y + mark.offset)
    if longest:
        ax.annotate(picture.column, (1, -0.9), va="bottom", fontweight="bold", **beside)
    if not math.isnan(picture.rule):
        ax.axvline(picture.rule, color=GREY, linewidth=0.7, linestyle=(0, (2, 3)), zorder=0)
    if picture.key:
        for name, mark in picture.key:
            ax.plot([], [], label=name, **_look(mark))
        columns = -(-len(picture.key) // _key_rows(picture))
        pad = 1.8 if columns == 1 and longest else 0.2  # above the heading of the column at the right
        narrow = picture.width < 0.8 * WIDTH  # then it may stand above the labels, too
        ax.legend(loc="lower right" if narrow else "lower left", bbox_to_anchor=(1 if narrow else 0, 1), ncols=columns,
                  frameon=False, fontsize=8,
                  borderaxespad=pad, handletextpad=0.2, columnspacing=1.2)  # fmt: skip
    ax.set_yticks([])
    ax.set_ylim(bottom - 0.4, -0.9)
    ax.set_xlim(picture.low, picture.high)
    places = picture.places or ticks(picture.low, picture.high, picture.width < 0.8 * WIDTH)
    ax.xaxis.set_major_locator(FixedLocator(places))
    ax.xaxis.set_major_formatter(FixedFormatter([tick_label(place, picture.lang) for place in places]))
    ax.tick_params(axis="x", labelsize=8, color=GREY, labelcolor=GREY, length=3)
    for side in ("top", "right", "left"):
        ax.spines[side].set_visible(False)
    ax.spines["bottom"].set_color(GREY)
    ax.grid(axis="x", color=PALE, linewidth=0.5)
    ax.set_axisbelow(True)


def _key_rows(picture: Picture) -> int:
    """Rows that the key takes above the axes."""
    if not picture.key:
        return 0
    widest = max(wide(name, 8) for name, _ in picture.key) + 20
    columns = max(1, min(len(picture.key), int((picture.width - 5 * picture.letters) / widest)))
    return -(-len(picture.key) // columns)


def _look(mark: Mark) -> dict[str, Any]:
    face = mark.colour if mark.filled else "white"
    return {"linestyle": "none", "marker": "s" if mark.shape == "|" else mark.shape,
            "markersize": 6.5 if mark.heavy else 5.5, "markeredgecolor": mark.colour, "markeredgewidth": 1.3,
            "markerfacecolor": face}  # fmt: skip


def _mark_on(ax: Axes, mark: Mark, y: float) -> None:
    if mark.shape == "|":
        face = mark.colour if mark.filled else "white"
        ax.barh(y, mark.value, height=0.6, color=face, edgecolor=mark.colour, linewidth=1.0)
    ax.hlines(y, mark.lower, mark.upper, colors=INK if mark.shape == "|" else mark.colour,
              linewidth=2.2 if mark.heavy else 1.4, clip_on=False)  # fmt: skip
    if mark.shape != "|":
        ax.plot([mark.value], [y], clip_on=False, **_look(mark))


def as_svg(picture: Picture, *, alt: str = "") -> str:
    """The picture as the text of an SVG element: letters stay letters, the same picture gives the same text.

    Parameters
    ----------
    picture
        What to show.
    alt
        Alternative text, for those who cannot see the figure.
    """
    placed, bottom = lines_of(picture)
    width = picture.width
    left = min(
        max(165.0 + width - WIDTH, 0.42 * width),
        max((wide(line, 9) for text, _ in placed for line in text.split("\n")), default=0.0) + 12,
    )
    longest = max((row.note for row in picture.rows), key=len, default="")
    right = width - (wide(longest, 8) + 12 if longest else 8)
    title, notes = lines(picture.title, int(width / 7)), lines(picture.notes, int(width / 4.2))
    unit = lines(picture.unit, 44)
    about = language(picture.lang)
    rtl = about.direction == "rtl"
    above = 14.0 if picture.key or (rtl and longest) else 0.0  # a title at the right stands above the column
    top = 14.0 * len(title) + 18.0 + above  # middle of the first line
    foot = top + LINE * (bottom - 0.4)  # the axis
    height = foot + 24 + 11 * len(unit) + 10 * len(notes) + 2
    out: list[str] = []
    slant = "" if rtl or about.code == "zh" else ' font-style="italic"'
    side, edge = (width - 2, "end") if rtl else (2.0, "start")

    def x_of(value: float) -> float:
        return left + (right - left) * (value - picture.low) / (picture.high - picture.low)

    def write(x: float, y: float, text: str, look: str, anchor: str = "start") -> None:
        if rtl and leftward(text):  # the start of a text that runs to the left is its right end
            look += ' direction="rtl"'
            anchor = {"start": "end", "end": "start"}.get(anchor, anchor)
        look += f' text-anchor="{anchor}"' if anchor != "start" else ""
        out.append(f'<text x="{x:.1f}" y="{y:.1f}" {look}>{escape(text)}</text>')

    def path(d: str, colour: str, width: float, more: str = "") -> None:
        out.append(f'<path d="{d}" stroke="{colour}" stroke-width="{width:g}" fill="none"{more}/>')

    for i, line in enumerate(title):
        write(side, 12 + 14 * i, line, f'font-size="10.5" font-weight="bold" fill="{INK}"', edge)
    x = left
    for name, mark in picture.key:
        out.append(_symbol(mark, x + 4, top - 24))
        write(x + 11, top - 21, name, f'font-size="8" fill="{INK}"')
        x += wide(name, 8) + 24
    for place in picture.places or ticks(picture.low, picture.high, picture.width < 0.8 * WIDTH):
        x = x_of(place)
        path(f"M{x:.1f} {top - 0.9 * LINE:.1f}V{foot:.1f}", PALE, 0.5)
        path(f"M{x:.1f} {foot:.1f}v3", GREY, 0.8)
        write(x, foot + 12, tick_label(place, about), f'font-size="8" fill="{GREY}"', "middle")
    path(f"M{left:.1f} {foot:.1f}H{right:.1f}", GREY, 0.8)
    if not math.isnan(picture.rule):
        rule = f"M{x_of(picture.rule):.1f} {top - 0.9 * LINE:.1f}V{foot:.1f}"
        path(rule, GREY, 0.7, ' stroke-dasharray="1.4 2.1"')
    if longest:
        write(width - 2, top - LINE, picture.column, f'font-size="8" font-weight="bold" fill="{GREY}"', "end")
    for row, (text, middle) in zip(picture.rows, placed, strict=True):
        y = top + LINE * middle
        look = f'font-size="8" fill="{GREY}"' if row.heading else f'font-size="9" fill="{INK}"'
        look += ' font-weight="bold"' if row.heading or row.bold else ""
        wrapped = text.split("\n")
        for i, line in enumerate(wrapped):
            write(left - 8, y + 3 + LINE * (i - (len(wrapped) - 1) / 2), line, look, "end")
        if row.note:
            write(width - 2, y + 3, row.note, f'font-size="8" fill="{GREY}"', "end")
        if row.hatched:
            tall = 0.6 * LINE
            strokes = range(int(left), int(right - tall), 5)
            path("".join(f"M{x} {y + tall / 2:.1f}l{tall:.1f} {-tall:.1f}" for x in strokes), HATCH, 0.8)
        if row.words:
            half, centre = wide(row.words, 8) / 2 + 2, (left + right) / 2
            out.append(
                f'<rect x="{centre - half:.1f}" y="{y - 5:.1f}" width="{2 * half:.1f}" height="10" fill="#fff"/>'
            )
            write(centre, y + 3, row.words, f'font-size="8"{slant} fill="{GREY}"', "middle")
        if row.joined and len(row.marks) > 1:
            (x1, y1), (x2, y2) = ((x_of(m.value), y + LINE * m.offset) for m in (row.marks[0], row.marks[-1]))
            path(f"M{x1:.1f} {y1:.1f}L{x2:.1f} {y2:.1f}", GREY, 1)
        for mark in row.marks:
            at = top + LINE * (middle + mark.offset)
            if mark.shape == "|":
                a, b = sorted((x_of(0.0), x_of(mark.value)))
                face = mark.colour if mark.filled else "#fff"
                out.append(f'<rect x="{a:.1f}" y="{at - 0.3 * LINE:.1f}" width="{b - a:.1f}" height="{0.6 * LINE:.1f}" '
                           f'fill="{face}" stroke="{mark.colour}"/>')  # fmt: skip
            if math.isfinite(mark.lower) or math.isfinite(mark.upper):
                a, b = (min(max(end, picture.low), picture.high) for end in (mark.lower, mark.upper))
                colour = INK if mark.shape == "|" else mark.colour
                path(f"M{x_of(a):.1f} {at:.1f}H{x_of(b):.1f}", colour, 2.2 if mark.heavy else 1.4)
            if mark.shape != "|":
                out.append(_symbol(mark, x_of(mark.value), at))
    y = foot + 12
    for line in unit:
        y += 11
        write((left + right) / 2, y, line, f'font-size="8.5" fill="{INK}"', "middle")
    y += 4
    for line in notes:
        y += 10
        write(side, y, line, f'font-size="7.5" fill="{GREY}"', edge)
    spoken = f' xml:lang="{about.code}"' if about.code != "en" else ""
    spoken += f' role="img" aria-label={quoteattr(alt)}' if alt else ""
    head = f'<svg{spoken} xmlns="http://www.w3.org/2000/svg" width="{width:g}pt" height="{height:.1f}pt" '
    head += f'viewBox="0 0 {width:g} {height:.1f}" font-family="{fonts(about)}">'
    return "\n".join([head, *out, "</svg>\n"])


def _symbol(mark: Mark, x: float, y: float) -> str:
    r = 3.3 if mark.heavy else 2.7
    look = f'fill="{mark.colour if mark.filled else "#fff"}" stroke="{mark.colour}" stroke-width="1.3"'
    if mark.shape == "o":
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{r}" {look}/>'
    if mark.shape == "D":
        d = f"M{x:.1f} {y - 1.3 * r:.1f}" + "l{0} {0} -{0} {0} -{0} -{0}z".format(f"{1.3 * r:.1f}")
        return f'<path d="{d}" {look}/>'
    return f'<rect x="{x - r:.1f}" y="{y - r:.1f}" width="{2 * r:.1f}" height="{2 * r:.1f}" {look}/>'


def wide(text: str, points: float) -> float:
    """About how wide a text is."""
    return points * sum(1.0 if east_asian_width(letter) in "WF" else 0.6 for letter in text)
