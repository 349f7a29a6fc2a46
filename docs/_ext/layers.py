"""The diagram of the architecture page, drawn from ``floors.toml``."""

import tomllib
from pathlib import Path
from textwrap import wrap
from typing import Any
from xml.sax.saxutils import escape

COLUMN, BOX, GAP, MARGIN = 212, 66, 34, 12
"""Widths and heights in pixels: of a column, a box, the room between rows and columns, the margin."""
BESIDE = 14
LETTER = 6.2
"""Width of a letter of the small print."""
Floors = dict[str, dict[str, Any]]


def floors(folder: Path) -> Floors:
    """The floors by name, from the top."""
    return tomllib.loads((folder / "floors.toml").read_text(encoding="utf-8"))


def frame(floor: dict[str, Any]) -> tuple[float, float, float, float]:
    """Left, right, top and bottom of a floor's box."""
    first, last = floor["columns"]
    top = MARGIN + floor["row"] * (BOX + GAP)
    return MARGIN + first * COLUMN + BESIDE / 2, MARGIN + last * COLUMN - BESIDE / 2, top, top + BOX


def arrow(upper: dict[str, Any], lower: dict[str, Any]) -> tuple[float, float, float, float]:
    """Where an arrow begins and ends: straight down where the boxes stand over each other."""
    left, right, _, begin = frame(upper)
    low_left, low_right, end, _ = frame(lower)
    inner, outer = max(left, low_left), min(right, low_right)
    if outer - inner > 2 * BESIDE:
        middle = (inner + outer) / 2
        return middle, begin, middle, end
    return (right - BESIDE, begin, low_left + BESIDE, end) if right < low_left + BESIDE else (
        left + BESIDE, begin, low_right - BESIDE, end)  # fmt: skip


def svg(every: Floors, folders: set[str]) -> str:
    """The drawing; every arrow says in its title from where to where it leads."""
    width = 2 * MARGIN + 4 * COLUMN
    height = max(frame(floor)[3] for floor in every.values()) + MARGIN
    size = f'viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
    tip = '<marker id="tip" markerWidth="9" markerHeight="8" refX="8" refY="4" orient="auto">'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif" fill="#1b1f24">',
        f'<defs>{tip}<path d="M0 0L9 4L0 8z" fill="#565f6b"/></marker></defs>',
        f'<rect width="{width}" height="{height}" rx="6" fill="#fff"/>',
    ]
    for name, floor in every.items():
        for other in floor["on"]:
            x1, y1, x2, y2 = arrow(floor, every[other])
            parts.append(
                f'<path d="M{x1:g} {y1:g}L{x2:g} {y2:g}" stroke="#565f6b" stroke-width="1.4" marker-end="url(#tip)">'
                f"<title>{name} on {other}</title></path>"
            )
    for floor in every.values():
        left, right, top, bottom = frame(floor)
        rooms = ", ".join(f"{room}/" if room in folders else room for room in floor["rooms"])
        lines = wrap(rooms, int((right - left - 16) / LETTER), break_long_words=False)
        parts.append(
            f'<rect x="{left:g}" y="{top:g}" width="{right - left:g}" height="{bottom - top:g}" rx="4" '
            'fill="#e6eff6" stroke="#0060a0"/>'
        )
        middle = (left + right) / 2
        parts.append(
            f'<text x="{middle:g}" y="{top + 21:g}" font-size="13" font-weight="bold" text-anchor="middle">'
            f"{escape(floor['title'])}</text>"
        )
        parts += [
            f'<text x="{middle:g}" y="{top + 38 + 14 * i:g}" font-size="11" fill="#3c454f" text-anchor="middle">'
            f"{escape(line)}</text>"
            for i, line in enumerate(lines)
        ]
    return "\n".join([*parts, "</svg>", ""])


def write(app) -> None:
    folder = Path(app.srcdir)
    package = folder.parent / "uncac_metrics"
    folders = {path.name for path in package.iterdir() if path.is_dir()}
    path = folder / "_generated" / "architecture.svg"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(svg(floors(folder), folders), encoding="utf-8")


def setup(app) -> dict[str, bool]:
    app.connect("builder-inited", write)
    return {"parallel_read_safe": True}
