"""Shapes: the data dictionary of every kind of table that the package takes or gives, as plain data.

A shape says what a row is, which columns it may have, what they mean, which codes they take, and which
columns follow from others. :mod:`uncac_metrics.tables` checks tables against it, :mod:`uncac_metrics.mapping`
fills them by it.

Names with ``__*`` stand for one column an item: ``contact__*`` for ``contact__police``, ``contact__judge``, …
In pairs of columns ``__*`` on both sides means the same item, on one side every item.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from uncac_metrics.model import Shape
from uncac_metrics.shapes.administration import DECLARATIONS, INFORMATION, PERSONNEL, REPORTS
from uncac_metrics.shapes.aggregates import COUNTS, RATINGS, SERIES, STATUS
from uncac_metrics.shapes.justice import ASSETS, COOPERATION, JUSTICE, TRANSACTION_REPORTS
from uncac_metrics.shapes.procurement import BIDS, CONTRACTS
from uncac_metrics.shapes.results import ESTIMATES
from uncac_metrics.shapes.surveys import BUSINESS, CIVIL_SERVANT, POPULATION, TRANSACTIONS

__all__ = ["ESTIMATES", "SHAPES", "TRANSACTIONS", "is_among", "matching", "paired"]

_ALL = (
    POPULATION, BUSINESS, CIVIL_SERVANT,
    JUSTICE, COOPERATION, ASSETS, DECLARATIONS, PERSONNEL, CONTRACTS, BIDS, INFORMATION, REPORTS,
    TRANSACTION_REPORTS,
    COUNTS, RATINGS, STATUS, SERIES,
)  # fmt: skip
SHAPES: Mapping[str, Shape] = MappingProxyType({shape.id: shape for shape in _ALL})
"""The input shapes by their id."""


def matching(pattern: str, names: Iterable[str]) -> list[str]:
    """Names that a column name or ``stem__*`` stands for.

    Parameters
    ----------
    pattern
        A column name, or ``stem__*`` for all columns of that stem.
    names
        Columns of a table.

    Returns
    -------
    list of str

    Examples
    --------
    >>> matching("paid__*", ["paid", "paid__judge", "paid__police"])
    ['paid__judge', 'paid__police']
    """
    if not pattern.endswith("__*"):
        return [pattern] if pattern in names else []
    return [n for n in names if n.startswith(pattern[:-1]) and len(n) > len(pattern) - 1]


def paired(pairs: Iterable[tuple[str, str]], names: Iterable[str]) -> list[tuple[str, str]]:
    """The pairs of a shape written out for the columns that a table has.

    Parameters
    ----------
    pairs
        Pairs of columns or of stems, as a shape has them.
    names
        Columns of a table.

    Returns
    -------
    list of tuple of str

    Examples
    --------
    >>> paired([("paid__*", "contact__*"), ("paid__*", "paid")], ["paid", "contact__police", "paid__police"])
    [('paid__police', 'contact__police'), ('paid__police', 'paid')]
    """
    names = list(names)
    found = []
    for left, right in pairs:
        for name in matching(left, names):
            other = right[:-1] + name.partition("__")[2] if right.endswith("__*") else right
            if other in names:
                found.append((name, other))
    return found


def is_among(code: str, wanted: Iterable[str]) -> bool:
    """Whether a code is one of those wanted, or begins as one of them that ends in ``*``.

    Parameters
    ----------
    code
        The code.
    wanted
        Codes, and beginnings of codes with ``*`` behind them.

    Examples
    --------
    >>> is_among("07031", ["0703*"]), is_among("0701", ["07", "0703*"])
    (True, False)
    """
    return any(code.startswith(w[:-1]) if w.endswith("*") else code == w for w in wanted)
