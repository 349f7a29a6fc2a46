"""Colours, and figures as text that is the same on every run."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from textwrap import wrap
from typing import TYPE_CHECKING, Any
from unicodedata import east_asian_width
from xml.sax.saxutils import quoteattr

from uncac_metrics.languages import Language, language, marked
from uncac_metrics.model import Fault, Faults
from uncac_metrics.plots.axis import tick_label

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Blue of Okabe and Ito's palette for colour-blind readers: as dark as a mid grey when printed without colour.
INK, BLUE, GREY, HATCH, PALE = "#1b1f24", "#0060a0", "#565f6b", "#a3abb6", "#d3d8df"
SERIES = ((BLUE, "o", "-"), ("#d55e00", "s", "--"), (INK, "^", ":"), ("#56b4e9", "D", "-."), ("#7a5195", "v", "-"))
"""Colour, mark and line of series: told apart by each of the three, so also without colour."""
PLAIN: dict[str, Any] = {"parse_math": False}  # a dollar sign in a label is a dollar sign
FONTS = ["DejaVu Sans", "Liberation Sans", "Arial", "Helvetica", "sans-serif"]

CHINESE = (
    "Noto Sans CJK SC", "Noto Sans SC", "Source Han Sans SC", "Source Han Sans CN", "WenQuanYi Zen Hei",
    "WenQuanYi Micro Hei", "Microsoft YaHei", "SimHei", "PingFang SC", "Hiragino Sans GB", "Heiti SC",
    "Droid Sans Fallback", "Noto Sans CJK JP", "Noto Serif CJK SC", "SimSun", "Arial Unicode MS",
)  # fmt: skip
"""Fonts with Chinese letters, in the order in which they are looked for."""


def chinese_font() -> str:
    """The first installed font with Chinese letters.

    Raises
    ------
    uncac_metrics.model.Faults
        Where none is installed: matplotlib would draw boxes.
    """
    from matplotlib import font_manager

    def first() -> str:
        installed = {font.name for font in font_manager.fontManager.ttflist}
        return next((name for name in CHINESE if name in installed), "")

    found = first()
    if not found:  # matplotlib keeps its list of fonts: one that was installed since is not in it
        known = {font.fname for font in font_manager.fontManager.ttflist}
        for path in sorted(set(font_manager.findSystemFonts()) - known):
            with suppress(OSError, RuntimeError, ValueError):
                font_manager.fontManager.addfont(path)
        found = first()
    if not found:
        remedy = "install Noto Sans CJK SC (Debian: fonts-noto-cjk) or WenQuanYi Zen Hei (Debian: fonts-wqy-zenhei), "
        remedy += "or name a file to matplotlib.font_manager.fontManager.addfont"
        raise Faults([Fault("fonts", "lang zh", "no font with Chinese letters is installed", remedy)])
    return found


def fonts(lang: str | Language) -> str:
    """The fonts of an SVG's text, as a list that a browser chooses from."""
    chinese = CHINESE if language(lang).code.partition("-")[0] == "zh" else ()
    return ", ".join([*FONTS[:-1], *chinese, FONTS[-1]])


def in_language(ax: Axes, lang: str | Language, *, whole: bool = False) -> Axes:
    """Make what is drawn on `ax` stand as its language asks: direction, side of titles and notes, font.

    Parameters
    ----------
    ax
        Axes with everything drawn.
    lang
        The language.
    whole
        Also title and notes of the figure.

    Raises
    ------
    uncac_metrics.model.Faults
        Where the language needs a font that is not installed.
    """
    about = language(lang)
    _number(ax, about)
    if about.code.partition("-")[0] != "zh" and about.direction == "ltr":
        return ax
    from matplotlib.text import Text

    figure: Any = ax.get_figure(root=True)
    beside = [figure._suptitle, figure._supxlabel] if whole else []
    texts = [one for one in (*ax.findobj(Text), *beside) if one is not None and one.get_text()]
    for one in texts:
        one.set_fontstyle("normal")  # neither script has italics, nor has DejaVu Sans Oblique their letters
    if about.direction == "ltr":
        family = [FONTS[0], chinese_font()]
        for one in texts:
            one.set_fontfamily(family)
        return ax
    title = ax.get_title(loc="left")
    if title:
        old: Any = ax._left_title  # type: ignore[attr-defined]
        pad = 72 * ax.titleOffsetTrans.transform((0, 0))[1] / figure.dpi  # type: ignore[attr-defined]
        ax.set_title(title, loc="right", pad=pad, fontsize=old.get_fontsize(), fontweight=old.get_fontweight(),
                     color=old.get_color(), **PLAIN)  # fmt: skip
        ax.set_title("", loc="left", pad=pad)
        texts.append(ax._right_title)  # type: ignore[attr-defined]
    for one in (ax.xaxis.label, *beside):
        if one is not None and one.get_ha() == "left":
            one.set(x=0.99 if one in beside else 1.0, ha="right")
    for one in texts:
        one.set_text(marked(one.get_text(), about))
    return ax


def _number(ax: Axes, about: Language) -> None:
    """Numbers on the axes as the language writes them, where they are matplotlib's own."""
    if about.code == "en":
        return
    from matplotlib.ticker import FuncFormatter, ScalarFormatter

    for axis in (ax.xaxis, ax.yaxis):
        if isinstance(axis.get_major_formatter(), ScalarFormatter):
            axis.set_major_formatter(FuncFormatter(lambda value, _: tick_label(value, about)))


def lines(text: str, letters: int) -> list[str]:
    """A text in lines of at most so many letters; a Chinese letter is as wide as 1.7 others.

    Examples
    --------
    >>> lines("one two three", 8), lines("腐败和贿赂", 4)
    (['one two', 'three'], ['腐败', '和贿', '赂'])
    """
    wide = sum(east_asian_width(letter) in "WF" for letter in text)
    return wrap(text, max(1, int(letters / 1.7)) if 2 * wide > len(text) else letters)


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
