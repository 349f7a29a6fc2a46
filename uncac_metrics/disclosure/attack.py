r"""The attacker's audit: what can be found out about withheld cells from all that is published.

For each withheld cell the attacker finds the least and the largest value that agrees with every relation, every
published cell, and all that is known beforehand: :math:`\min / \max\, x_i` subject to :math:`Mx = 0`,
:math:`x_k = a_k` where published, :math:`l \le x \le u`. A cell is safe where the interval reaches below its value by
its lower protection level and above it by its upper one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from uncac_metrics.disclosure.tables import Table, label
from uncac_metrics.model import Fault, Faults

Array = np.ndarray
_NEAR = 1e-6
_BLOCK = 4_000
"""Variables of one linear programme."""


def known_bounds(table: Table, low: Any = 0.0, high: Any = np.inf) -> tuple[Array, Array]:
    """Bounds that everybody knows, as arrays; faults where a value lies outside of its own."""
    bounds = []
    for given in (low, high):
        values = table.cells[given] if isinstance(given, str) else given
        bounds.append(np.broadcast_to(np.asarray(values, dtype=float), len(table)).copy())
    wrong = np.flatnonzero((table.values < bounds[0] - 1e-9) | (table.values > bounds[1] + 1e-9))
    if wrong.size:
        raise Faults([Fault("bounds", label(table, int(i)), "the value lies outside of the bounds known beforehand",
                            "give bounds that hold, e.g. low=-inf for sums that can be negative")
                      for i in wrong[:5]])  # fmt: skip
    return bounds[0], bounds[1]


def levels(table: Table, given: Any, where: Array) -> Array:
    """Protection levels as an array, 0 outside of `where`."""
    values = table.cells[given].fillna(0) if isinstance(given, str) else given
    return np.where(where, np.broadcast_to(np.asarray(values, dtype=float), len(table)), 0.0)


def flags(table: Table, given: str | Sequence[bool] | Array) -> Array:
    """A column's name, or one truth value a cell (in the order of ``table.cells``), as an array."""
    values = table.cells[given] if isinstance(given, str) else given
    found = np.asarray(values, dtype=bool)
    if found.shape != (len(table),):
        raise Faults([Fault("cells", "", f"{found.size} entries for {len(table)} cells", "one a cell of table.cells")])
    return found


def intervals(table: Table, withheld: Array, cells: Array, low: Array, high: Array) -> tuple[Array, Array]:
    """Least and largest feasible value of each of `cells` (positions), the others of `withheld` being unknown too."""
    from scipy import sparse
    from scipy.optimize import linprog

    values = table.values
    lows, highs = values[cells].copy(), values[cells].copy()
    unknown = np.flatnonzero(withheld)
    # in differences from the values, which are one feasible point: rounding errors stay small
    below, above = low[unknown] - values[unknown], high[unknown] - values[unknown]
    # far beyond all that is bounded: what gets there is not bounded
    far = 100 * (np.abs(values).sum() + 10)
    below, above = np.maximum(below, -far), np.minimum(above, far)
    matrix = table.relations[:, unknown]
    apart = pieces(matrix)
    place = np.full(len(table), -1)
    place[unknown] = np.arange(unknown.size)
    wanted = np.flatnonzero(place[cells] >= 0)
    for piece in np.unique(apart[place[cells[wanted]]]):
        mine = np.flatnonzero(apart == piece)
        asked = wanted[apart[place[cells[wanted]]] == piece]
        sub = matrix[:, mine]
        sub = sub[np.diff(sub.indptr) > 0]
        # many small programmes in one call: a block for each cell and direction
        step = max(1, _BLOCK // (2 * mine.size))
        for start in range(0, asked.size, step):
            now = asked[start : start + step]
            goal = np.zeros((2 * now.size, mine.size))
            at = np.searchsorted(mine, place[cells[now]])
            goal[np.arange(now.size), at] = 1
            goal[now.size + np.arange(now.size), at] = -1
            bounds = np.tile(np.column_stack([below[mine], above[mine]]), (2 * now.size, 1))
            blocks = sparse.kron(sparse.identity(2 * now.size), sub, format="csr")
            solved = linprog(
                goal.ravel(), A_eq=blocks if sub.shape[0] else None,
                b_eq=np.zeros(blocks.shape[0]) if sub.shape[0] else None, bounds=bounds, method="highs",
            )  # fmt: skip
            if solved.status != 0:
                raise RuntimeError(f"the audit was not solved: {solved.message}")
            moved = solved.x.reshape(2 * now.size, -1)
            down = moved[np.arange(now.size), at]
            up = moved[now.size + np.arange(now.size), at]
            lows[now] += np.where(down < -far / 10, -np.inf, down)
            highs[now] += np.where(up > far / 10, np.inf, up)
    return lows, highs


def pieces(matrix: Any) -> Array:
    """Number of the connected piece of each column: cells of different pieces tell nothing of each other."""
    from scipy import sparse

    links = abs(matrix).T @ abs(matrix)
    return sparse.csgraph.connected_components(links, directed=False)[1] if matrix.shape[1] else np.zeros(0, dtype=int)


def audit(
    table: Table,
    withheld: str | Sequence[bool] | Array,
    *,
    lower: Any = 0.0,
    upper: Any = 0.0,
    low: Any = 0.0,
    high: Any = np.inf,
    zeros: bool = True,
    previous: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """What an attacker can find out about every withheld cell.

    Linked tables are audited jointly: give them as one (:func:`uncac_metrics.disclosure.link`, or a table with
    several hierarchies).

    Parameters
    ----------
    table : Table
    withheld : str or array of bool
        Which cells are not published.
    lower, upper : float, array or column name, default 0
        How far below and above its value the interval of a cell must reach. A lower level never asks for less than
        the known bound allows.
    low, high : float, array or column name, default 0 and infinity
        What is known of every cell beforehand. Someone who contributes knows a part of a cell: give it as the lower
        bound of each cell it belongs to (1 for someone counted in it), and audit again.
    zeros : bool, default True
        Whether it is known which cells are 0.
    previous : DataFrame, optional
        Cells of the same table as published before (breakdown columns and the column of values): withheld cells that
        were published with the value that they still have are known.

    Returns
    -------
    DataFrame
        A row a withheld cell: breakdown columns, ``value``, ``low``, ``high``, ``lower`` and ``upper`` (needed),
        ``safe``.

    Raises
    ------
    Faults
        A column is not there, or a value lies outside of the bounds.

    Notes
    -----
    The interval is that of linear programming. For counts an attacker may also use that they are whole numbers, which
    adds nothing in tables of two dimensions.

    References
    ----------
    Fischetti & Salazar (2001), Management Science 47, 1008–1027. Hundepool et al. (2012), ch. 4.3.

    Examples
    --------
    >>> from uncac_metrics.disclosure import table
    >>> cells = pd.DataFrame({"sex": ["F", "M", "_T"], "n": [2, 40, 42]})
    >>> audit(table(cells, ["sex"]), [True, False, False], upper=1)[["sex", "low", "high", "safe"]]
      sex  low  high   safe
    0   F  2.0   2.0  False
    """
    hidden = flags(table, withheld)
    bottom, top = known_bounds(table, low, high)
    values = table.values
    if zeros:
        bottom, top = np.where(values == 0, 0.0, bottom), np.where(values == 0, 0.0, top)
    if previous is not None:
        before = published_before(table, previous)
        known = before == values
        bottom, top = np.where(known, values, bottom), np.where(known, values, top)
    cells = np.flatnonzero(hidden)
    lows, highs = intervals(table, hidden, cells, bottom, top)
    down, up = levels(table, lower, hidden)[cells], levels(table, upper, hidden)[cells]
    down = np.minimum(down, values[cells] - known_bounds(table, low, high)[0][cells])
    slack = _NEAR * np.maximum(1, np.abs(values[cells]))
    safe = (values[cells] - lows >= down - slack) & (highs - values[cells] >= up - slack)
    return table.cells.loc[cells, list(table.by)].reset_index(drop=True).assign(
        value=values[cells], low=_round(lows), high=_round(highs), lower=down, upper=up, safe=safe,
    )  # fmt: skip


def _round(values: Array) -> Array:
    return np.round(values, 9) + 0.0


def published_before(table: Table, previous: pd.DataFrame) -> Array:
    """Value that each cell was published with before, NaN where it was not."""
    by = list(table.by)
    before = previous[[*by, table.value]].astype(dict.fromkeys(by, str)).dropna().drop_duplicates(by, keep="last")
    found = table.cells[by].merge(before, on=by, how="left")[table.value]
    return found.to_numpy(dtype=float, na_value=np.nan)
