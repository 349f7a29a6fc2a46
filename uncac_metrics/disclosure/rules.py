r"""Primary confidentiality: which cells of a table say too much of those who contributed to them.

With the contributions to a cell sorted, :math:`x_1 \ge x_2 \ge \dots`, and their sum :math:`X`, a cell is primary where

- it has fewer contributors than the minimum (never weighted);
- dominance :math:`(n, k)`: :math:`\sum_{i \le n} x_i > \frac{k}{100} X`;
- :math:`p\,\%`: :math:`X - x_1 - x_2 < \frac{p}{100} x_1`, the second largest contributor being able to estimate the
  largest to within :math:`p\,\%`;
- :math:`pq`: :math:`\frac{q}{100} (X - x_1 - x_2) < \frac{p}{100} x_1`, everyone being able to estimate others to
  within :math:`q\,\%` beforehand.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from uncac_metrics.disclosure.tables import Hierarchies, spread
from uncac_metrics.model import Fault, Faults

Array = np.ndarray


def threshold(cells: pd.DataFrame, minimum: float, value: str = "n", *, zeros: bool = False) -> Array:
    """Which cells of a table of counts are above 0 and under the minimum.

    Parameters
    ----------
    cells : DataFrame
    minimum : float
        Smallest count that may be published.
    value : str, default ``n``
        Column of the counts, unweighted.
    zeros : bool, default False
        Empty cells are primary too.

    Returns
    -------
    boolean array, an entry a cell

    Examples
    --------
    >>> threshold(pd.DataFrame({"n": [0, 1, 4, 5]}), 5).tolist()
    [False, True, True, False]
    """
    counts = cells[value].to_numpy(dtype=float, na_value=np.nan)
    with np.errstate(invalid="ignore"):
        return (counts < minimum) & ((counts > 0) | zeros)


def primary(
    records: pd.DataFrame,
    by: Sequence[str],
    value: str,
    *,
    holding: str = "",
    weight: str = "",
    minimum: int = 0,
    dominance: Sequence[tuple[int, float]] = (),
    p: float = 0.0,
    pq: tuple[float, float] | None = None,
    protection: float = 0.0,
    hierarchies: Hierarchies | None = None,
) -> pd.DataFrame:
    r"""Apply rules of primary confidentiality to every cell of a table of sums, margins included.

    Parameters
    ----------
    records : DataFrame
        A row a contribution.
    by : sequence of str
        Breakdown columns of the table.
    value : str
        Column of the contributions, not negative.
    holding : str, optional
        Column that names who contributes (the group of companies, say): contributions of one name to a cell are
        added before a rule is applied. Without it each record is a contributor.
    weight : str, optional
        Column of sampling weights. The sum is :math:`\sum w_i x_i`, and a contributor of weight :math:`w` stands for
        :math:`w` of its size, so that the largest :math:`n` are counted off with that multiplicity; a weight of 1 is
        the case without weights. A holding has the size :math:`\sum x_i` and the weight
        :math:`\sum w_i x_i / \sum x_i`. The minimum holds for those in the sample, whatever their weights.
    minimum : int, default 0
        Fewest contributors.
    dominance : sequence of (n, k)
        Each a rule: the largest n may not have more than k % of the sum.
    p : float, default 0
        The p % rule.
    pq : (p, q), optional
        The pq rule.
    protection : float, default 0
        Least level of protection of a primary cell, in units of the values; a cell that is primary by the minimum
        alone has no other.
    hierarchies : mapping, optional
        As for :func:`uncac_metrics.disclosure.tabulate`.

    Returns
    -------
    DataFrame
        Breakdown columns; the sum under its own name; ``n`` contributors; ``x1`` and ``x2``; ``primary``; ``rule``,
        those that it breaks; ``lower`` and ``upper``, how far below and above the value the interval that an attacker
        can find must reach: :math:`\frac{p}{100} x_1 - (X - x_1 - x_2)` for p %, its equivalents for the others
        (:math:`\frac{100}{k}\sum_{i \le n} x_i - X`, :math:`\frac{p}{q} x_1 - (X - x_1 - x_2)`), the largest where
        several rules are broken.

    Raises
    ------
    Faults
        A column is not there; contributions are missing or negative; weights are not positive.

    References
    ----------
    Hundepool et al. (2012), Statistical Disclosure Control, ch. 4. Cox (1981), J. Statist. Plann. Inference 5, 153–164.

    Examples
    --------
    >>> bribes = pd.DataFrame({"region": ["N"] * 3 + ["S"] * 3, "paid": [90, 8, 2, 40, 35, 25]})
    >>> primary(bribes, ["region"], "paid", p=10)[["region", "paid", "x1", "primary", "rule", "upper"]]
      region  paid    x1  primary  rule  upper
    0      N   100  90.0     True  p=10    7.0
    1      S   100  40.0    False         0.0
    2     _T   200  90.0    False         0.0
    """
    _check(records, [*by, value, *filter(None, [holding, weight])], value, weight)
    by = list(by)
    size = records[value].to_numpy(dtype=float)
    own = np.arange(len(records)) if not holding else pd.factorize(records[holding], use_na_sentinel=False)[0]
    weights = records[weight].to_numpy(dtype=float) if weight else np.ones(len(records))
    rows = records[by].assign(_x=size, _wx=size * weights, _w=weights, _who=own)
    merged = spread(rows, by, hierarchies).groupby([*by, "_who"], as_index=False).agg(
        {"_x": "sum", "_wx": "sum", "_w": "max"}
    )  # fmt: skip
    merged["_w"] = np.where(merged["_x"] > 0, merged["_wx"] / merged["_x"].where(merged["_x"] > 0, 1.0), merged["_w"])
    merged = merged.sort_values([*by, "_x", "_who"], ascending=[True] * len(by) + [False, True], ignore_index=True)
    grouped = merged.groupby(by, sort=True)
    before = grouped["_w"].cumsum().to_numpy() - merged["_w"].to_numpy()
    cell = grouped.ngroup().to_numpy()
    cells = grouped.agg(**{value: ("_wx", "sum"), "n": ("_who", "size")}).reset_index()
    total = cells[value].to_numpy(dtype=float)

    def largest(n: float) -> Array:
        taken = np.clip(n - before, 0, merged["_w"].to_numpy()) * merged["_x"].to_numpy()
        return np.bincount(cell, taken, len(cells))

    x1 = largest(1)
    x2 = largest(2) - x1
    rest = total - x1 - x2
    levels = np.zeros(len(cells))
    broken: list[list[str]] = [[] for _ in range(len(cells))]

    def add(name: str, found: Array, level: Array) -> None:
        np.maximum(levels, np.where(found, level, 0.0), out=levels)
        for i in np.flatnonzero(found):
            broken[i].append(name)

    tiny = 1e-12 * np.maximum(total, 1)
    if minimum:
        add(f"minimum={minimum}", cells["n"].to_numpy() < minimum, np.zeros(len(cells)))
    for n, k in dominance:
        level = largest(n) * 100 / k - total
        add(f"nk={n},{k:g}", level > tiny, level)
    if p:
        level = p / 100 * x1 - rest
        add(f"p={p:g}", level > tiny, level)
    if pq is not None:
        level = pq[0] / pq[1] * x1 - rest
        add(f"pq={pq[0]:g},{pq[1]:g}", level > tiny, level)
    flag = np.array([bool(b) for b in broken], dtype=bool)
    level = np.where(flag, np.maximum(levels, protection), 0.0)
    if (size == np.round(size)).all() and not weight:
        cells[value] = np.round(total).astype(np.int64)
    return cells.assign(
        x1=x1, x2=x2, primary=flag, rule=pd.array(["; ".join(b) for b in broken], dtype="str"),
        lower=np.minimum(level, total), upper=level,
    )  # fmt: skip


def _check(records: pd.DataFrame, columns: Sequence[str], value: str, weight: str) -> None:
    missing = [c for c in columns if c not in records.columns]
    if missing:
        raise Faults([Fault("primary", c, "no such column", f"columns: {', '.join(records.columns)}") for c in missing])
    faults = []
    x = records[value].to_numpy(dtype=float, na_value=np.nan)
    wrong = np.flatnonzero(~(x >= 0))
    if wrong.size:
        rows = tuple(int(i) + 1 for i in wrong[:5])
        faults.append(Fault("primary", value, "contributions are missing or negative",
                            "leave missing ones out; take absolute amounts", rows, int(wrong.size)))  # fmt: skip
    if weight:
        w = records[weight].to_numpy(dtype=float, na_value=np.nan)
        wrong = np.flatnonzero(~((w > 0) & np.isfinite(w)))
        if wrong.size:
            rows = tuple(int(i) + 1 for i in wrong[:5])
            faults.append(Fault("primary", weight, "weights are missing or not positive", "leave these records out",
                                rows, int(wrong.size)))  # fmt: skip
    if faults:
        raise Faults(faults)
