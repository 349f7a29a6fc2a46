"""Hadamard matrices: orthogonal signs, which balance half-samples and successive differences."""

from __future__ import annotations

from functools import cache

import numpy as np

Array = np.ndarray


def order_from(least: int) -> int:
    """The smallest order that is not less than `least` and that :func:`hadamard` can make.

    Examples
    --------
    >>> [order_from(n) for n in (1, 3, 5, 9, 17, 25, 50)]
    [1, 4, 8, 12, 20, 28, 56]
    """
    order = max(1, least)
    while not _makes(order):
        order += 1
    return order


@cache
def hadamard(order: int) -> Array:
    """A Hadamard matrix of ±1 with ones in the first row and column.

    Doubling (Sylvester) and the two constructions of Paley for prime q: orders q + 1 and 2 (q + 1).

    Parameters
    ----------
    order : int
        One that :func:`order_from` returns.

    Returns
    -------
    array of shape (order, order), not to be written to

    Examples
    --------
    >>> h = hadamard(12)
    >>> bool((h.T @ h == 12 * np.eye(12)).all()), int(h[0].sum())
    (True, 12)
    """
    if order <= 2:
        h = np.array([[1, 1], [1, -1]], dtype=np.int8)[:order, :order]
    elif _prime(order - 1) and order % 4 == 0:
        h = _paley(order - 1)
    elif order % 4 == 0 and _prime(order // 2 - 1) and (order // 2 - 1) % 4 == 1:
        h = _paley_double(order // 2 - 1)
    else:
        half = hadamard(order // 2)
        h = np.block([[half, half], [half, -half]])
    h = h * h[0]
    h = h * h[:, :1]
    h.setflags(write=False)
    return h


def _makes(order: int) -> bool:
    if order <= 2:
        return True
    if order % 4:
        return False
    q = order // 2 - 1
    return _prime(order - 1) or (_prime(q) and q % 4 == 1) or _makes(order // 2)


def _prime(n: int) -> bool:
    return n > 1 and all(n % d for d in range(2, int(n**0.5) + 1))


def _residues(q: int) -> Array:
    """Jacobsthal matrix: the quadratic character of i − j modulo q."""
    character = np.full(q, -1, dtype=np.int8)
    character[(np.arange(q) ** 2) % q] = 1
    character[0] = 0
    i = np.arange(q)
    return character[(i[:, None] - i[None, :]) % q]


def _paley(q: int) -> Array:
    """Order q + 1 for a prime q = 3 modulo 4."""
    s = np.zeros((q + 1, q + 1), dtype=np.int8)
    s[0, 1:], s[1:, 0] = 1, -1
    s[1:, 1:] = _residues(q)
    return s + np.eye(q + 1, dtype=np.int8)


def _paley_double(q: int) -> Array:
    """Order 2 (q + 1) for a prime q = 1 modulo 4."""
    s = np.zeros((q + 1, q + 1), dtype=np.int8)
    s[0, 1:], s[1:, 0] = 1, 1
    s[1:, 1:] = _residues(q)
    one = np.eye(q + 1, dtype=np.int8)
    return np.block([[s + one, s - one], [s - one, -s - one]])
