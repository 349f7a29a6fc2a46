"""First digits of amounts against Benford's law, with intervals that hold together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from uncac_metrics.languages import Language, number, text
from uncac_metrics.plots.axis import tick_label
from uncac_metrics.plots.canvas import canvas, dress, key_above, plain_axes, short, source_note
from uncac_metrics.plots.style import BLUE, GREY, INK, SERIES, in_language

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

FEW = 30
"""Below so many amounts the plot says that it shows little."""


def benford_data(
    data: pd.DataFrame,
    amount: str,
    *,
    digits: int = 1,
    low: float | None = None,
    high: float | None = None,
    level: float = 0.95,
) -> pd.DataFrame:
    """Observed shares of the first digits with simultaneous intervals, and those of the law.

    Each interval is a Wilson interval at :math:`1 - (1 - \\text{level}) / k` over k digits (Bonferroni), so that
    all contain their shares together with at least that probability.

    Parameters
    ----------
    data, amount, digits, low, high
        As in :func:`uncac_metrics.stats.counts.first_digit_test`; amounts outside the range are left out.
    level
        Level of all intervals together.

    Returns
    -------
    pandas.DataFrame
        ``digit``, ``value``, ``lower``, ``upper``, ``law``, ``outside`` (the law's share is outside the interval),
        ``n``, ``events``, ``conf_level``. ``.attrs["test"]`` holds the row of the test.

    Raises
    ------
    uncac_metrics.model.Faults
        As those functions do.

    Examples
    --------
    >>> import pandas as pd
    >>> payments = pd.DataFrame({"amount": [120, 1800, 19, 2.5, 310, 47, 1100, 95]})
    >>> benford_data(payments, "amount")[["digit", "value", "law"]].head(2).round(3).to_numpy().tolist()
    [['1', 0.5, 0.301], ['2', 0.125, 0.176]]
    """
    from uncac_metrics.stats.counts.digits import benford as law
    from uncac_metrics.stats.counts.digits import first_digit_test, first_digits

    used = data
    test = first_digit_test(data, amount, digits=digits, low=low, high=high).iloc[0].to_dict()
    if low is not None and high is not None:
        used = data[data[amount].between(low, high, inclusive="left")]
    expected = law(digits, low, high)
    found = first_digits(used, amount, digits=digits, level=1 - (1 - level) / len(expected)).table
    frame = found[["category", "value", "lower", "upper", "n", "events"]].rename(columns={"category": "digit"})
    frame = frame.astype({"n": float, "events": float}).reset_index(drop=True)
    frame.insert(4, "law", expected)
    frame.insert(5, "outside", (frame["law"] < frame["lower"]) | (frame["law"] > frame["upper"]))
    frame["conf_level"] = level
    frame.attrs["test"] = test
    return frame


def benford(
    data: pd.DataFrame,
    amount: str,
    *,
    digits: int = 1,
    low: float | None = None,
    high: float | None = None,
    level: float = 0.95,
    ax: Axes | None = None,
    title: str = "First digits of amounts",
    source: str = "",
    width: float | None = None,
    lang: str | Language = "en",
) -> Axes:
    """Draw the shares of first digits with simultaneous intervals, and the law's as a line.

    Parameters
    ----------
    data, amount, digits, low, high, level
        As in :func:`benford_data`.
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
    >>> payments = pd.DataFrame({"amount": [120, 1800, 19, 2.5, 310, 47, 1100, 95]})
    >>> benford(payments, "amount", ax=Figure().subplots()).get_title(loc="left")
    'First digits of amounts'
    """
    import numpy as np

    frame = benford_data(data, amount, digits=digits, low=low, high=high, level=level)
    ax = canvas(ax, width, 78)
    at = np.arange(len(frame))
    outside = frame["outside"].to_numpy()
    small = digits > 1
    ax.step(np.append(at, len(at)) - 0.5, 100 * np.append(frame["law"], frame["law"].iloc[-1]), where="post", color=INK,
            linewidth=1.2, linestyle="--", label=text("law", lang))  # fmt: skip
    looks = (
        (~outside, BLUE, "o", "observed"),
        (outside, SERIES[1][0], "s", "observed, law outside"),
    )
    for some, colour, marker, words in looks:
        if some.any():
            own = frame[some]
            ax.vlines(at[some], 100 * own["lower"], 100 * own["upper"], colors=colour, linewidth=1.0 if small else 1.6)
            ax.plot(at[some], 100 * own["value"], linestyle="none", marker=marker, markersize=2.5 if small else 5,
                    color=colour, label=text(words, lang))  # fmt: skip
    shown = at if not small else at[::10]
    ax.set_xticks(shown, frame["digit"].iloc[shown])
    ax.set_xlim(-0.6, len(at) - 0.4)
    ax.set_ylim(bottom=0)
    plain_axes(ax, grid="y")
    n = number(frame["n"].max(), lang)
    ax.set_ylabel(text("% of {n} amounts", lang, n=n), fontsize=8.5, color=INK)
    test = frame.attrs["test"]
    notes = [text("Lines: {level} % intervals, simultaneous.", lang, level=tick_label(100 * level, lang)),
             text("Test of the law: p = {p}.", lang, p=short(test["p_exact"], 2, lang))]  # fmt: skip
    notes += [f"{text(str(test['reason']).capitalize(), lang)}."] if test["reason"] else []
    notes += [text("Few amounts: little can be seen.", lang)] if frame["n"].max() < FEW else []
    notes += [text("A departure is a question, not a finding.", lang)]
    ax.tick_params(axis="x", color=GREY)
    first = text("first digit" if digits == 1 else "first two digits", lang)
    dress(ax, text(title, lang), first, [*notes, source_note(source, lang)], left=40, above=key_above(ax, left=40))
    return in_language(ax, lang)


def benford_alt(data: pd.DataFrame, *, lang: str | Language = "en") -> str:
    """What a plot of first digits shows, in words made from its numbers.

    Parameters
    ----------
    data
        Result of :func:`benford_data`.
    lang
        Language of the words; that of the labels in `data`.

    Examples
    --------
    >>> import pandas as pd
    >>> payments = pd.DataFrame({"amount": [120, 1800, 19, 2.5, 310, 47, 1100, 95]})
    >>> benford_alt(benford_data(payments, "amount"))[:75]
    'First digits of 8 amounts against the law, in %: 1 50.0 (law 30.1); 2 12.5 '
    """
    rows = data.to_dict("records")
    chosen = rows if len(rows) <= 9 else [one for one in rows if one["outside"]]
    outside = f", {text('outside', lang)}"
    words = [
        f"{one['digit']} {number(100 * one['value'], lang, 1)} ({text('law', lang)} {number(100 * one['law'], lang, 1)}"
        f"{outside if one['outside'] else ''})"
        for one in chosen
    ]
    head = text("First digits of {n} amounts against the law, in %", lang, n=number(data["n"].max(), lang))
    if len(rows) > 9:
        message = "those whose interval lacks the law's share ({some} of {all})"
        head += ", " + text(message, lang, some=number(len(chosen), lang), all=number(len(rows), lang))
    test = text("Test of the law: p = {p}.", lang, p=short(data.attrs["test"]["p_exact"], 2, lang))
    return f"{head}: {'; '.join(words) or text('none', lang)}. {test}"
