"""Colours, and figures as text that is the same on every run."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import quoteattr

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Blue of Okabe and Ito's palette for colour-blind readers: as dark as a mid grey when printed without colour.
INK, BLUE, GREY, HATCH, PALE = "#1b1f24", "#0060a0", "#565f6b", "#a3abb6", "#d3d8df"
SERIES = ((BLUE, "o", "-"), ("#d55e00", "s", "--"), (INK, "^", ":"), ("#56b4e9", "D", "-."), ("#7a5195", "v", "-"))
"""Colour, mark and line of series: told apart by each of the three, so also without colour."""
PLAIN: dict[str, Any] = {"parse_math": False}  # a dollar sign in a label is a dollar sign
FONTS = ["DejaVu Sans", "Liberation Sans", "Arial", "Helvetica", "sans-serif"]


@contextmanager
def house_style(salt: str = "uncac-metrics") -> Iterator[None]:
    """Set matplotlib's own defaults and ours for a while, whatever the user's settings are.

    Parameters
    ----------
    salt
        Text that the identifiers within an SVG are made from: give each figure of a page its own.
    """
    import matplotlib

    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(
            {
                "svg.hashsalt": salt,
                "svg.fonttype": "none",
                "font.sans-serif": FONTS,
                "axes.unicode_minus": True,
            }
        )
        yield


def svg(figure: Figure | Axes, *, salt: str = "uncac-metrics", alt: str = "") -> str:
    """A figure as the text of an SVG element: no date, no maker, no identifiers that clash within a page.

    Parameters
    ----------
    figure
        A figure, or an Axes in it.
    salt
        Text that the identifiers within the element are made from: give each figure of a page its own.
    alt
        Alternative text, for those who cannot see the figure.

    Returns
    -------
    str
        ``<svg …>…</svg>`` and a line end; the same figure gives the same text. Letters stay letters, so that
        they can be searched, read aloud and selected.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> figure = Figure(figsize=(1, 1))
    >>> svg(figure) == svg(figure)
    True
    """
    whole: Any = figure.get_figure(root=True)
    buffer = io.StringIO()
    with house_style(salt):
        whole.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    text = buffer.getvalue()
    role = f' role="img" aria-label={quoteattr(alt)}' if alt else ""
    text = text[text.index("<svg") :].replace("<svg", f"<svg{role}", 1)
    text = re.sub(r"<!--.*?-->\s*", "", text, flags=re.DOTALL)
    text = re.sub(r'<g id="[^"]*"', "<g", text)  # group names say only the drawing order
    return re.sub(r"[ \t]+\n", "\n", text)
