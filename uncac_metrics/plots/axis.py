"""Ends of an axis, and round numbers on it."""

from __future__ import annotations

import math
from collections.abc import Sequence

from uncac_metrics.languages import Language, number


def scale(values: Sequence[float], *, percent: bool = False) -> tuple[float, float]:
    """Ends of an axis: zero is on it where nothing is negative, and a per cent axis ends at 100 at most.

    Examples
    --------
    >>> scale([20.0, 99.0], percent=True), scale([])
    ((0.0, 100.0), (0.0, 1.04))
    """
    ends = [value for value in values if math.isfinite(value)]
    low, high = (min(*ends, 0.0), max(*ends, 0.0)) if ends else (0.0, 1.0)
    room = 0.04 * (high - low or 1.0)
    if percent and low >= 0 and high <= 100:
        return 0.0, min(100.0, high + room)  # a mark at 100 % stays whole because marks are not clipped
    return (low - room if low < 0 else 0.0), high + room


def ticks(low: float, high: float, narrow: bool = False) -> list[float]:
    """Round numbers from `low` to `high`, four to seven of them; fewer on a narrow axis.

    Examples
    --------
    >>> ticks(0, 100), ticks(0, 0.23)
    ([0.0, 20.0, 40.0, 60.0, 80.0, 100.0], [0.0, 0.05, 0.1, 0.15, 0.2])
    """
    rough = (high - low) / (4 if narrow or max(abs(low), abs(high)) >= 10_000 else 6)
    power = math.floor(math.log10(rough))
    step = next(s for s in (1, 2, 5, 10) if s * 10.0**power >= rough * (1 - 1e-9))
    first, last = math.ceil(low / (step * 10.0**power) - 1e-9), math.floor(high / (step * 10.0**power) + 1e-9)
    return [round(n * step * 10.0**power, max(0, -power)) + 0.0 for n in range(first, last + 1)]


def tick_label(value: float, lang: str | Language = "en") -> str:
    """A number on an axis.

    Examples
    --------
    >>> tick_label(25000.0), tick_label(0.05)
    ('25,000', '0.05')
    """
    short = f"{value:g}"
    if "e-" not in short:
        short = number(value, lang, 0 if abs(value) >= 1000 else len(short.partition(".")[2]))
    return short.replace("-", "−")
