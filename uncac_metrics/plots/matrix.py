"""The coverage matrix as SVG, without a plotting library: pages have one in each language."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.sax.saxutils import escape, quoteattr

from uncac_metrics.languages import Language, language, leftward, text
from uncac_metrics.plots.coverage import LIGHT, SUBJECTS, coverage_matrix_alt, runs
from uncac_metrics.plots.rows import wide
from uncac_metrics.plots.style import BLUE, GREY, HATCH, INK, PALE, fonts, lines

if TYPE_CHECKING:
    import pandas as pd

WIDE, LINE, TOP = 500.0, 6.6, 96.0
"""Width of the cells together, height of a row, and room for the title and the topics above (points)."""
TINT = "#eceef1"


def matrix_svg(data: pd.DataFrame, *, by: str, with_data: bool, lang: str | Language = "en") -> str:
    """The numbers of :func:`uncac_metrics.plots.coverage_matrix_data` as the text of an SVG element."""
    about = language(lang)
    rtl = about.direction == "rtl"
    rows, columns = data.shape
    values, step = data.to_numpy(), WIDE / columns
    groups, tracked = (list(data.index.get_level_values(name)) for name in ("group", "tracked"))
    topics = list(data.columns.get_level_values("topic"))
    left = 40.0 if by != "section" else 20.0
    right, foot, width = left + WIDE, TOP + LINE * rows, left + WIDE + 24
    out: list[str] = []

    def write(x: float, y: float, words: str, look: str, anchor: str = "start", more: str = "") -> None:
        if rtl and leftward(words):  # the start of a text that runs to the left is its right end
            look += ' direction="rtl"'
            anchor = {"start": "end", "end": "start"}.get(anchor, anchor)
        out.append(f'<text x="{x:.1f}" y="{y:.1f}" {look} text-anchor="{anchor}"{more}>{escape(words)}</text>')

    def area(y: float, fill: str) -> None:
        out.append(f'<rect x="{left:.1f}" y="{y:.1f}" width="{WIDE:.1f}" height="{LINE}" fill="{fill}"/>')

    key: list[tuple[str, str]] = []
    for level, fill, words in ((1, LIGHT if with_data else BLUE, "defined, no data in the release" if with_data
                                else "defined"), (2, BLUE, "with data")):  # fmt: skip
        if level == 1 or with_data:
            key.append((fill, text(words, lang)))
    small, grey = f'font-size="5.6" fill="{GREY}"', f'stroke="{GREY}" stroke-width="0.6"'
    for y, how in enumerate(tracked):
        if how in ("not scored", "milestones"):
            fill = "url(#stripes)" if how == "not scored" else TINT
            area(TOP + LINE * y, fill)
            key += [(fill, text(how, lang))] if (fill, text(how, lang)) not in key else []
    for start, _ in runs(topics)[1:]:
        out.append(f'<path d="M{left + step * start:.1f} {TOP:.1f}V{foot:.1f}" stroke="{PALE}" stroke-width="0.6"/>')
    for level, (fill, _) in zip((1, 2), key[: 1 + with_data], strict=False):
        cells = ((y, start, end) for y, row in enumerate(values == level) for start, end in runs(row) if row[start])
        corners = (
            f"M{left + step * start:.1f} {TOP + LINE * (y + 0.08):.1f}h{step * (end - start):.1f}v{0.84 * LINE:.1f}"
            f"h-{step * (end - start):.1f}z"
            for y, start, end in cells
        )
        out.append(f'<path d="{"".join(corners)}" fill="{fill}"/>')
    for y, (code, row) in enumerate(zip(data.index.get_level_values("code"), values, strict=True)):
        write(left - 4, TOP + LINE * (y + 0.78), code, small, "end")
        write(right + 5, TOP + LINE * (y + 0.78), str(int((row > 0).sum())), small)
    for start, end in runs(groups):
        if start:
            out.append(f'<path d="M{left:.1f} {TOP + LINE * start:.1f}H{right:.1f}" {grey}/>')
        middle = TOP + LINE * (start + end) / 2
        if by != "section" and end - start > 6:
            turn = f' transform="rotate(-90 12 {middle:.1f})"'
            name = text(SUBJECTS[by][2], lang, code=groups[start])
            write(12, middle, name, f'font-size="6.5" fill="{INK}"', "middle", turn)
        elif by == "target":
            write(16, middle + 2, groups[start], f'font-size="6.5" fill="{INK}"', "end")
    for start, end in runs(topics):
        told = lines(text(topics[start].replace("_", " ").capitalize() or "Other", lang), 20)
        for i, words in enumerate(told):
            x = left + step * (start + end) / 2 + 2 + 6.5 * (i - (len(told) - 1) / 2)
            turn = f' transform="rotate(-90 {x:.1f} {TOP - 4:.1f})"'
            # turned, the end of a text that runs to the left stands at the matrix, as the start of another does
            write(x, TOP - 4, words, f'font-size="6.3" fill="{INK}"', more=turn)
    write(right + 5, TOP - 4, "n", f'font-size="6.5" font-weight="bold" fill="{GREY}"')
    out.append(f'<rect x="{left}" y="{TOP}" width="{WIDE}" height="{LINE * rows:.1f}" fill="none" {grey}/>')
    side, edge = (width - 2, "end") if rtl else (2.0, "start")
    title = text(f"Indicators of the {SUBJECTS[by][0]}", lang)
    write(side, 12, title, f'font-size="10.5" font-weight="bold" fill="{INK}"', edge)
    x, y = left, foot + 8
    for fill, words in key:
        out.append(f'<rect x="{x:.1f}" y="{y:.1f}" width="8" height="6" fill="{fill}" stroke="{HATCH}" '
                   'stroke-width="0.3"/>')  # fmt: skip
        write(x + 12, y + 5.5, words, f'font-size="7" fill="{INK}"')
        x += wide(words, 7) + 28
    spoken = f' xml:lang="{about.code}"' if about.code != "en" else ""
    head = f'<svg{spoken} role="img" aria-label={quoteattr(coverage_matrix_alt(data, by=by, lang=lang))} '
    height = foot + 20
    head += f'xmlns="http://www.w3.org/2000/svg" width="{width:g}pt" height="{height:.1f}pt" '
    head += f'viewBox="0 0 {width:g} {height:.1f}" font-family="{fonts(about)}">'
    stripes = '<pattern id="stripes" width="4" height="4" patternUnits="userSpaceOnUse">'
    stripes += f'<path d="M0 4L4 0" stroke="{HATCH}" stroke-width="0.6"/></pattern>'
    return "\n".join([head, *([stripes] if "not scored" in tracked else []), *out, "</svg>\n"])
