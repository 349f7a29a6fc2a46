"""Texts of TOML that would exhaust a parser."""

from __future__ import annotations

import re

PARTS = 100
"""Most parts of a key of a definition, joined by dots."""
_DOTTED = re.compile(r"[\w\"'-]++(?:[ \t]*+\.[ \t]*+[\w\"'-]++)*+")  # each letter is looked at once


def has_endless_key(text: str) -> bool:
    """Whether a text of TOML has a dotted key that no definition has: parsers take the square of its length.

    Parameters
    ----------
    text
        The text, before it is parsed.

    Examples
    --------
    >>> has_endless_key("a.b.c = 1"), has_endless_key("a." * 1000 + "b = 1")
    (False, True)
    """
    return any(found[0].count(".") > PARTS for found in _DOTTED.finditer(text))
