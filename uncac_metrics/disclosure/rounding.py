r"""Rounding of tables to multiples of a base: conventional, random, and controlled.

Controlled rounding takes each cell to one of the two multiples next to it, leaves multiples alone (zero-restricted),
and keeps every relation: :math:`\min \sum_i |r_i - a_i|` subject to :math:`Mr = 0`,
:math:`r_i \in \{b\lfloor a_i/b \rfloor, b\lceil a_i/b \rceil\}`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from uncac_metrics.disclosure.tables import Table
from uncac_metrics.model import Fault, Faults

Array = np.ndarray


def _base(base: int) -> None:
    if base < 2 or base != int(base):
        raise Faults([Fault("round", "base", f"{base!r} is no base", "a whole number from 2, often 3 or 5")])


def round_conventional(values: Any, base: int = 5) -> Array:
    """Round each value to the nearest multiple, halves up. Sums are not kept.

    Parameters
    ----------
    values : array
    base : int, default 5

    Returns
    -------
    array of int

    Raises
    ------
    Faults
        The base is not a whole number from 2.

    Examples
    --------
    >>> round_conventional([1, 2, 3, 7, 8], 5).tolist()
    [0, 0, 5, 5, 10]
    """
    _base(base)
    return (base * np.floor(np.asarray(values, dtype=float) / base + 0.5)).astype(np.int64)


def round_random(values: Any, base: int = 5, *, seed: int = 0) -> Array:
    """Round each value up or down at random so that it is right on average. Sums are not kept.

    A value :math:`a` goes up with the probability :math:`a / b - \\lfloor a / b \\rfloor`; multiples stay.

    Parameters
    ----------
    values : array
    base : int, default 5
    seed : int, default 0
        Draws are those of this seed, in the order of the values.

    Returns
    -------
    array of int

    Raises
    ------
    Faults
        The base is not a whole number from 2.

    References
    ----------
    Nargundkar & Saveland (1972), Proc. Soc. Statist. Sect. ASA, 382–385.

    Examples
    --------
    >>> round_random([5, 6, 7, 8, 9, 10], 5, seed=1).tolist()
    [5, 5, 10, 5, 10, 10]
    """
    _base(base)
    x = np.asarray(values, dtype=float)
    down = np.floor(x / base)
    up = np.random.default_rng(seed).random(x.shape) < x / base - down
    return (base * (down + up)).astype(np.int64)


def round_controlled(table: Table, base: int = 5, *, nodes: int = 10_000) -> pd.DataFrame:
    """Round a whole table so that it still adds up, as near to the true values as it can be.

    Parameters
    ----------
    table : Table
        Of one hierarchy or several, linked or not; not negative.
    base : int, default 5
    nodes : int, default 10,000
        Limit of the search. It is no limit of time: results are the same on every machine.

    Returns
    -------
    DataFrame
        The cells with ``rounded``. Its attribute ``attrs["optimal"]`` says whether no nearer rounding exists: proven.

    Raises
    ------
    Faults
        No rounding keeps every relation (possible from three dimensions on), or none was found within `nodes`.

    References
    ----------
    Cox & Ernst (1982), INFOR 20, 423–432. Salazar-González (2006), Mathematical Programming 105, 445–461.

    Examples
    --------
    >>> from uncac_metrics.disclosure import table, tabulate
    >>> rows = pd.DataFrame({"region": list("NNSS"), "paid": ["1", "0"] * 2, "n": [2, 41, 9, 31]})
    >>> t = table(tabulate(rows, ["region", "paid"], "n"), ["region", "paid"])
    >>> round_controlled(t, 5).pivot(index="region", columns="paid", values="rounded")
    paid     0   1  _T
    region
    N       40   0  40
    S       30  10  40
    _T      70  10  80
    """
    _base(base)
    from scipy.optimize import Bounds, LinearConstraint, milp

    down = np.floor(table.values / base)
    rest = table.values / base - down
    move = rest > 1e-12
    matrix = table.relations
    wanted = -(matrix @ down)
    # going up costs b - rest instead of rest
    solved = milp(
        (1 - 2 * rest) * move, integrality=np.ones(len(table)), bounds=Bounds(0, move.astype(float)),
        constraints=[LinearConstraint(matrix, wanted, wanted)] if matrix.shape[0] else None,
        options={"node_limit": nodes, "mip_rel_gap": 0.0},
    )  # fmt: skip
    if solved.x is None:
        what = "no rounding keeps every relation" if solved.status == 2 else f"no rounding was found in {nodes} nodes"
        raise Faults(
            [Fault("round_controlled", f"base {base}", what, "take another base, or tables of two dimensions")]
        )
    found = table.cells.assign(rounded=(base * (down + np.round(solved.x))).astype(np.int64))
    found.attrs["optimal"] = bool(solved.status == 0)
    return found
