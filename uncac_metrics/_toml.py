"""Texts of TOML that would exhaust a parser, told by their size and their lines."""

from __future__ import annotations

import re

MOST = 2**20
"""Most bytes of a definition."""
DOTS = 200
"""Most dots between words on a line of a definition."""
_JOINED = re.compile(r"[\w\"'-][ \t]*\.(?=[ \t]*[\w\"'-])")


def has_endless_key(text: str) -> bool:
    """Whether a line of TOML may hold a dotted key that no definition has: parsers take the square of its parts.

    Every key stands on one line, so that lines are looked at and strings need not be told from keys.

    Parameters
    ----------
    text
        The text, before it is parsed.

    Examples
    --------
    >>> has_endless_key("a.b.c = 1"), has_endless_key("a." * 1000 + "b = 1"), has_endless_key("'a b' . " * 1000 + "b")
    (False, True, True)
    """
    dotted = (line for line in text.split("\n") if line.count(".") > DOTS)
    return any(sum(1 for _ in _JOINED.finditer(line)) > DOTS for line in dotted)
