r"""Tables with their margins: cells, and the linear relations that tie them together.

A cell is a row; a breakdown column holds its category, ``_T`` for all of them. A relation says that the categories
below a parent add up to it: with the coefficients :math:`M` (+1 for the parts, -1 for the parent), :math:`M a = 0`.
A column may have several hierarchies over the same categories (region to county, and region to type of region): the
tables that they make share cells, and are linked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from uncac_metrics.model import TOTAL, Fault, Faults

Array = np.ndarray
Tree = Mapping[str, str]
"""Category -> the category above it; one without an entry is directly below ``_T``."""
Hierarchies = Mapping[str, Tree | Sequence[Tree]]
"""Breakdown column -> its hierarchy, or several over the same categories."""
_NEAR = 1e-9


@dataclass(frozen=True, eq=False)
class Table:
    """Cells and the relations between them.

    Attributes
    ----------
    cells : DataFrame
        Breakdown columns and a column of values, a row a cell, sorted by its key: results do not depend on the order
        in which cells were given.
    by : tuple of str
        The breakdown columns.
    value : str
        The column of values.
    relations : sparse matrix of shape (relations, cells)
        +1 for the parts of a sum, -1 for the sum.
    """

    cells: pd.DataFrame
    by: tuple[str, ...]
    value: str
    relations: Any = field(repr=False)

    def __len__(self) -> int:
        return len(self.cells)

    @property
    def values(self) -> Array:
        """The values of the cells as numbers."""
        return self.cells[self.value].to_numpy(dtype=float)


def _trees(given: Hierarchies | None, by: Sequence[str]) -> dict[str, list[Tree]]:
    given = given or {}
    unknown = [name for name in given if name not in by]
    if unknown:
        raise Faults(
            [Fault("hierarchies", n, "not a breakdown of the table", f"one of {', '.join(by)}") for n in unknown]
        )
    found: dict[str, list[Tree]] = {}
    for name in by:
        trees = given.get(name, [])
        found[name] = [trees] if isinstance(trees, Mapping) else list(trees)
        found[name] = [{str(k): str(v) for k, v in tree.items()} for tree in found[name] or [{}]]
    return found


def ancestors(tree: Tree, code: str) -> list[str]:
    """The categories above one, nearest first, ``_T`` last.

    Examples
    --------
    >>> ancestors({"A": "north", "B": "south"}, "A")
    ['north', '_T']
    """
    found: list[str] = []
    while code in tree and tree[code] != TOTAL:
        code = tree[code]
        if code in found:
            raise Faults([Fault("hierarchies", code, "a category is above itself", "correct the hierarchy")])
        found.append(code)
    return [*found, TOTAL]


def spread(records: pd.DataFrame, by: Sequence[str], hierarchies: Hierarchies | None = None) -> pd.DataFrame:
    """Repeat every record for each cell that contains it: its own categories, those above them, and the totals.

    Parameters
    ----------
    records : DataFrame
    by : sequence of str
    hierarchies : mapping, optional
        Breakdown column -> category -> the category above it; or a list of such mappings.

    Returns
    -------
    DataFrame
        The records under each other, with the categories of one cell each; categories are text.

    Examples
    --------
    >>> spread(pd.DataFrame({"sex": ["F", "M"]}), ["sex"])["sex"].tolist()
    ['F', 'M', '_T', '_T']
    """
    trees = _trees(hierarchies, by)
    missing = [c for c in by if c not in records.columns]
    if missing:
        raise Faults([Fault("table", c, "no such column", f"columns: {', '.join(records.columns)}") for c in missing])
    found = records.assign(**{c: records[c].astype(str) for c in by})
    for name in by:
        codes = found[name].unique()
        levels = {c: list(dict.fromkeys([c, *(a for t in trees[name] for a in ancestors(t, c))])) for c in codes}
        depth = max((len(v) for v in levels.values()), default=0)
        parts = []
        for i in range(depth):
            mapped = found[name].map({c: v[i] for c, v in levels.items() if len(v) > i})
            inside = mapped.notna()
            parts.append(found[inside].assign(**{name: mapped[inside]}))
        found = pd.concat(parts, ignore_index=True) if parts else found
    return found


def tabulate(
    records: pd.DataFrame, by: Sequence[str], value: str = "", *, hierarchies: Hierarchies | None = None
) -> pd.DataFrame:
    """Cells of a table with all margins: how many records, or the sum of a column; empty combinations are 0.

    Parameters
    ----------
    records : DataFrame
        A row a record, or a row a cell of the finest level.
    by : sequence of str
        Breakdown columns.
    value : str, optional
        Column to add up; without it records are counted, in a column ``n``.
    hierarchies : mapping, optional
        Breakdown column -> category -> the category above it; or a list of such mappings.

    Returns
    -------
    DataFrame

    Examples
    --------
    >>> tabulate(pd.DataFrame({"sex": ["F", "M", "M"], "paid": ["1", "0", "0"]}), ["sex", "paid"]).head(3)
      sex paid  n
    0   F    0  0
    1   F    1  1
    2   F   _T  1
    """
    by = list(by)
    rows = spread(records if value else records.assign(n=1), by, hierarchies)
    name = value or "n"
    sums = rows.groupby(by)[name].sum()
    codes = [sorted(rows[c].unique()) for c in by]
    index = pd.MultiIndex.from_product(codes, names=by) if len(by) > 1 else pd.Index(codes[0], name=by[0])
    return sums.reindex(index, fill_value=0).reset_index()


def table(cells: pd.DataFrame, by: Sequence[str], value: str = "n", *, hierarchies: Hierarchies | None = None) -> Table:
    """A table of given cells, with every relation that they are subject to.

    Parameters
    ----------
    cells : DataFrame
        A row a cell; ``_T`` in a breakdown column is its total. Cells that are not given are known to be 0.
    by : sequence of str
        Breakdown columns.
    value : str, default ``n``
        Column of the values; the others are kept.
    hierarchies : mapping, optional
        Breakdown column -> category -> the category above it; or a list of such mappings, for linked tables.

    Returns
    -------
    Table

    Raises
    ------
    Faults
        A cell is given twice or without a value, or parts do not add up to their total.

    Examples
    --------
    >>> cells = tabulate(pd.DataFrame({"sex": ["F", "M", "M"]}), ["sex"])
    >>> table(cells, ["sex"]).relations.toarray()
    array([[ 1.,  1., -1.]])
    """
    by = list(by)
    trees = _trees(hierarchies, by)
    absent = [c for c in [*by, value] if c not in cells.columns]
    if absent:
        raise Faults([Fault("table", c, "no such column", f"columns: {', '.join(cells.columns)}") for c in absent])
    cells = cells.assign(**{c: cells[c].astype(str) for c in by}).sort_values(by, kind="stable", ignore_index=True)
    double = cells.duplicated(by)
    faults = []
    if double.any():
        faults.append(
            Fault("table", ", ".join(by), "cells are given twice", "one row a cell", _rows(double), int(double.sum()))
        )
    empty = ~np.isfinite(cells[value].to_numpy(dtype=float))
    if empty.any():
        faults.append(
            Fault("table", value, "cells have no value", "leave them out, or say 0", _rows(empty), int(empty.sum()))
        )
    if faults:
        raise Faults(faults)
    made = Table(cells, tuple(by), value, _relations(cells, by, trees))
    _check(made)
    return made


def _rows(mask: Any) -> tuple[int, ...]:
    return tuple(int(i) + 1 for i in np.flatnonzero(np.asarray(mask))[:5])


def _relations(cells: pd.DataFrame, by: Sequence[str], trees: Mapping[str, list[Tree]]) -> Any:
    """For each breakdown, each parent and each combination of the others: the parts less the parent."""
    from scipy import sparse

    columns: list[Array] = []
    rows: list[Array] = []
    signs: list[Array] = []
    n_rows = 0
    positions = np.arange(len(cells))
    for name in by:
        others = [c for c in by if c != name]
        rest = cells.groupby(others, sort=True).ngroup().to_numpy() if others else np.zeros(len(cells), dtype=int)
        named = {code for tree in trees[name] for pair in tree.items() for code in pair}
        seen: set[tuple[int, ...]] = set()
        for tree in trees[name]:
            mine = {code for pair in tree.items() for code in pair}
            inside = cells[name].map(lambda c, mine=mine, named=named: c in mine or c not in named).to_numpy(dtype=bool)
            parents = (
                cells[name].map(lambda c, tree=tree: ancestors(tree, c)[0] if c != TOTAL else "").to_numpy(dtype=object)
            )
            parts: dict[tuple[int, str], list[int]] = {}
            for i in positions[inside & (cells[name] != TOTAL).to_numpy()]:
                parts.setdefault((int(rest[i]), parents[i]), []).append(int(i))
            sums = {(int(rest[i]), cells[name].iloc[i]): int(i) for i in positions}
            for key in sorted(parts):
                if key not in sums or (signature := (sums[key], *parts[key])) in seen:
                    continue
                seen.add(signature)
                columns.append(np.array([*parts[key], sums[key]]))
                signs.append(np.array([1.0] * len(parts[key]) + [-1.0]))
                rows.append(np.full(len(parts[key]) + 1, n_rows))
                n_rows += 1
    if not n_rows:
        return sparse.csr_matrix((0, len(cells)))
    flat = (np.concatenate(signs), (np.concatenate(rows), np.concatenate(columns)))
    return sparse.csr_matrix(flat, shape=(n_rows, len(cells)))


def _check(made: Table) -> None:
    off = made.relations @ made.values
    scale = abs(made.relations) @ np.abs(made.values)
    wrong = np.flatnonzero(np.abs(off) > _NEAR * np.maximum(scale, 1))
    faults = []
    for row in wrong[:5]:
        at = made.relations.indices[made.relations.indptr[row] : made.relations.indptr[row + 1]]
        total = at[made.relations.data[made.relations.indptr[row] : made.relations.indptr[row + 1]] < 0][0]
        faults.append(Fault("table", label(made, int(total)), f"its parts differ from it by {off[row]:+.10g}",
                            "give all parts; a breakdown whose categories overlap is no table"))  # fmt: skip
    if faults:
        raise Faults(faults)


def label(made: Table, cell: int) -> str:
    """A cell as its breakdown columns name it.

    Examples
    --------
    >>> label(table(tabulate(pd.DataFrame({"sex": ["F", "M"]}), ["sex"]), ["sex"]), 0)
    'sex=F'
    """
    row = made.cells.iloc[cell]
    return ", ".join(f"{c}={row[c]}" for c in made.by if row[c] != TOTAL) or "total"


def link(tables: Sequence[Table]) -> Table:
    """Tables that share cells, as one: a cell is shared where its key is, breakdowns that a table lacks being ``_T``.

    Parameters
    ----------
    tables : sequence of Table
        Of one quantity: values of shared cells must agree.

    Returns
    -------
    Table

    Raises
    ------
    Faults
        Values of a shared cell differ.

    Examples
    --------
    >>> people = pd.DataFrame({"sex": ["F", "M", "M"], "paid": ["1", "0", "0"]})
    >>> parts = [table(tabulate(people, [c]), [c]) for c in ("sex", "paid")]
    >>> len(link(parts)), [len(part) for part in parts]
    (5, [3, 3])
    """
    from scipy import sparse

    by = list(dict.fromkeys(c for t in tables for c in t.by))
    value = tables[0].value
    frames = [
        t.cells.rename(columns={t.value: value}).assign(**{c: TOTAL for c in by if c not in t.by}) for t in tables
    ]
    joined = pd.concat(frames, ignore_index=True)
    spans = joined.groupby(by)[value].agg(["min", "max"])
    wrong = spans[(spans["max"] - spans["min"]).abs() > _NEAR * np.maximum(spans["max"].abs(), 1)]
    if len(wrong):
        raise Faults([Fault("link", str(k), "values of a shared cell differ", "link tables of one quantity")
                      for k in wrong.index[:5]])  # fmt: skip
    cells = joined.drop_duplicates(by).sort_values(by, kind="stable", ignore_index=True)
    place = pd.Series(np.arange(len(cells)), index=pd.MultiIndex.from_frame(cells[by]))
    parts = []
    for t, frame in zip(tables, frames, strict=True):
        to = place.loc[pd.MultiIndex.from_frame(frame[by])].to_numpy()
        shift = sparse.csr_matrix((np.ones(len(to)), (np.arange(len(to)), to)), shape=(len(to), len(cells)))
        parts.append(t.relations @ shift)
    return Table(cells, tuple(by), value, sparse.csr_matrix(sparse.vstack(parts)))
