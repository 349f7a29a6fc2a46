r"""The cell key method: counts perturbed so that the same cell has the same noise in every table.

Each record has a random key in :math:`[0, 1)`; a cell's key is the sum of its records' keys modulo 1. The row of the
perturbation table for the cell's count is read at the cell's key. In that row the noise :math:`v` has mean 0,
variance :math:`V`, at most :math:`D` either way, leaves no count of 1 to :math:`j`, and has the largest entropy of all
such distributions: :math:`\pi(v) \propto \exp(\alpha v + \beta v^2)` over what is possible.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from uncac_metrics.disclosure.tables import Hierarchies, spread
from uncac_metrics.model import Fault, Faults

Array = np.ndarray
_DIGITS = 8
"""Decimals of cell keys: sums of keys are the same whatever the order of the records."""


def record_keys(ids: Any, secret: str) -> Array:
    """A key for each record from its identifier and a secret, the same at every release.

    Parameters
    ----------
    ids : array
        Identifiers, unique.
    secret : str
        Kept by the office; whoever knows it can undo the noise.

    Returns
    -------
    array of float
        In [0, 1), with 8 decimals.

    Examples
    --------
    >>> record_keys(["p1", "p2"], "a secret").round(4).tolist()
    [0.4173, 0.9441]
    """
    key = hashlib.blake2b(secret.encode(), digest_size=32).digest()
    made = [hashlib.blake2b(str(i).encode(), key=key, digest_size=8).digest() for i in np.asarray(ids, dtype=object)]
    return np.array([int.from_bytes(b) % 10**_DIGITS for b in made]) / 10**_DIGITS


def cell_keys(
    records: pd.DataFrame, by: Sequence[str], key: str, *, hierarchies: Hierarchies | None = None
) -> pd.DataFrame:
    """Counts and cell keys of a table with all its margins.

    Parameters
    ----------
    records : DataFrame
        A row a record.
    by : sequence of str
        Breakdown columns.
    key : str
        Column of record keys, in [0, 1).
    hierarchies : mapping, optional
        As for :func:`uncac_metrics.disclosure.tabulate`.

    Returns
    -------
    DataFrame
        Breakdown columns, ``n`` and ``cell_key``, for the cells that are not empty.

    Examples
    --------
    >>> cell_keys(pd.DataFrame({"sex": ["F", "M", "M"], "key": [0.25, 0.5, 0.75]}), ["sex"], "key")
      sex  n  cell_key
    0   F  1      0.25
    1   M  2      0.25
    2  _T  3      0.50
    """
    keys = records[key].to_numpy(dtype=float)
    if not ((keys >= 0) & (keys < 1)).all():
        raise Faults([Fault("cell_keys", key, "keys are missing or outside of [0, 1)", "record_keys makes them")])
    whole = np.round(keys * 10**_DIGITS).astype(np.int64)
    rows = spread(records[list(by)].assign(_key=whole), by, hierarchies)
    found = rows.groupby(list(by), as_index=False).agg(n=("_key", "size"), cell_key=("_key", "sum"))
    return found.assign(cell_key=(found["cell_key"] % 10**_DIGITS) / 10**_DIGITS)


def perturbation_table(D: int, V: float, js: int = 0, *, falling: bool = False) -> pd.DataFrame:
    """A perturbation table of maximum entropy.

    Parameters
    ----------
    D : int
        Largest noise.
    V : float
        Variance of the noise.
    js : int, default 0
        No perturbed count is from 1 to `js`.
    falling : bool, default False
        Whether larger noise, in either direction, is never more likely than smaller: what the R package ptable asks
        for by default. It changes the rows where the noise of maximum entropy would not fall from 0 on.

    Returns
    -------
    DataFrame
        ``i`` true count (the last row is for all larger ones), ``j`` perturbed count, ``p`` probability, ``v`` noise,
        ``p_int_lb`` and ``p_int_ub``: cell keys for which it holds. Count 0 stays.

    Raises
    ------
    Faults
        For some count no noise has this mean and variance within the limits.

    Notes
    -----
    With `falling`, neighbours whose probabilities would rise are tied, one pair after the other, and the entropy is
    largest for the ties.

    References
    ----------
    Giessing (2016), Privacy in Statistical Databases, LNCS 9867, 49–60. Fraser & Wooton (2005), UNECE work session.

    Examples
    --------
    >>> t = perturbation_table(2, 1.0)
    >>> t[t["i"] == 2][["v", "p", "p_int_ub"]].round(4)
       v       p  p_int_ub
    5 -2  0.0638    0.0638
    6 -1  0.2447    0.3085
    7  0  0.3830    0.6915
    8  1  0.2447    0.9362
    9  2  0.0638    1.0000
    """
    faults = []
    if D < 1 or V <= 0 or js < 0:
        faults = [Fault("perturbation_table", "D, V, js", f"{D}, {V:g}, {js}", "D from 1, V above 0, js from 0")]
        raise Faults(faults)
    rows = [pd.DataFrame({"i": [0], "v": [0], "p": [1.0]})]
    # from here on nothing within D is barred
    last = D + js + (js > 0)
    for i in range(1, last + 1):
        v = np.arange(max(-i, -D), D + 1)
        v = v[(i + v == 0) | (i + v > js)]
        p = _falling(v, V) if falling else _entropy(v, V)
        if p is None:
            faults.append(Fault("perturbation_table", f"count {i}", f"no noise of variance {V:g} in {v.tolist()}",
                                "take another variance, or a larger D"))  # fmt: skip
            continue
        rows.append(pd.DataFrame({"i": i, "v": v, "p": p}))
    if faults:
        raise Faults(faults)
    made = pd.concat(rows, ignore_index=True)
    upper = made.groupby("i")["p"].cumsum()
    ends = made["i"] != made["i"].shift(-1)
    made["p_int_ub"] = upper.where(~ends, 1.0)
    made["p_int_lb"] = made.groupby("i")["p_int_ub"].shift(1, fill_value=0.0)
    return made.assign(j=made["i"] + made["v"])[["i", "j", "p", "v", "p_int_lb", "p_int_ub"]]


def _falling(v: Array, variance: float) -> Array | None:
    """Probabilities of largest entropy that do not rise with the distance from 0 on either side."""
    tied = np.arange(len(v))
    outer = np.flatnonzero(v != 0)
    inner = np.where(v[outer] > 0, outer - 1, outer + 1)
    side = v[outer] * v[inner] >= 0  # where 0 is barred, the two sides have nothing in common
    outer, inner = outer[side], inner[side]
    if not len(outer):
        return _entropy(v, variance)
    for _ in range(len(v)):
        p = _entropy(v, variance, tied)
        if p is None:
            return None
        rise = p[outer] - p[inner]
        worst = int(np.argmax(rise))
        if rise[worst] <= 1e-12:
            return p
        tied = np.where(tied == tied[outer[worst]], tied[inner[worst]], tied)
    return None


def _entropy(v: Array, variance: float, tied: Array | None = None) -> Array | None:
    """Probabilities of largest entropy with mean 0 and this variance, by Newton's method on the dual.

    Values with the same number in `tied` have the same probability.
    """
    if v.min() >= 0 or v.max() <= 0:
        return None
    # least and largest second moment with mean 0: two points next to 0, or the two ends
    below, above = v[v < 0].max(), v[v > 0].min()
    least = 0.0 if (v == 0).any() else -float(below * above)
    most = -float(v.min() * v.max())
    if not least < variance < most:
        return None
    _, group, size = np.unique(np.arange(len(v)) if tied is None else tied, return_inverse=True, return_counts=True)
    scale = float(np.abs(v).max())
    x = np.vstack([np.bincount(group, v / scale), np.bincount(group, (v / scale) ** 2)]) / size
    goal = np.array([0.0, variance / scale**2])
    theta = np.zeros(2)

    def masses(t: Array) -> tuple[Array, float]:
        e = t @ x
        p = size * np.exp(e - e.max())
        return p / p.sum(), float(np.log(p.sum()) + e.max() - t @ goal)

    for _ in range(500):
        p, dual = masses(theta)
        gradient = x @ p - goal
        if np.abs(gradient).max() < 1e-15:
            break
        hessian = (x * p) @ x.T - np.outer(x @ p, x @ p)
        step = np.linalg.solve(hessian + 1e-14 * np.eye(2), gradient)
        pace = 1.0
        while pace > 1e-10 and masses(theta - pace * step)[1] > dual + 1e-15:
            pace /= 2
        theta = theta - pace * step
    p, _ = masses(theta)
    return (p / size)[group] if np.abs(x @ p - goal).max() < 1e-9 else None


def perturb(counts: Any, keys: Any, ptable: pd.DataFrame) -> Array:
    """Perturbed counts: the row of the count (the last one for larger counts) is read at the cell's key.

    Parameters
    ----------
    counts : array of int
    keys : array of float
        Cell keys, in [0, 1).
    ptable : DataFrame
        ``i``, ``v``, ``p_int_ub``, as :func:`perturbation_table` makes it or as another program does.

    Returns
    -------
    array of int

    Raises
    ------
    Faults
        A count is negative or the table does not cover a key.

    Examples
    --------
    >>> perturb([0, 1, 250], [0.3, 0.3, 0.95], perturbation_table(2, 1.0)).tolist()
    [0, 0, 252]
    """
    n, key = np.asarray(counts, dtype=np.int64), np.asarray(keys, dtype=float)
    table = ptable.sort_values(["i", "p_int_ub"], kind="stable")
    rows = table["i"].to_numpy(dtype=np.int64)
    last = int(rows.max())
    if (n < 0).any() or not ((key >= 0) & (key < 1)).all():
        raise Faults([Fault("perturb", "counts, keys", "negative counts or keys outside of [0, 1)", "see cell_keys")])
    row = np.minimum(n, last)
    # rows and keys on one line: row + position within it
    edges = rows + np.minimum(table["p_int_ub"].to_numpy(dtype=float), 1.0)
    at = np.minimum(np.searchsorted(edges, row + key, side="right"), len(rows) - 1)
    if (rows[at] != row).any():
        raise Faults([Fault("perturb", "ptable", "a count or key is not covered", "rows from 0, each up to 1")])
    return n + table["v"].to_numpy(dtype=np.int64)[at]
