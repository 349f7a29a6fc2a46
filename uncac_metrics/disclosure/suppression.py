r"""Secondary suppression: which further cells to withhold so that primary cells cannot be calculated.

For each primary cell :math:`p` there must be two other tables that agree with all that is published, in which it is
higher by its upper protection level and lower by its lower one: :math:`a + f` with :math:`Mf = 0`,
:math:`l_i - a_i \le f_i \le u_i - a_i` in withheld cells, :math:`f_i = 0` in published ones, and
:math:`f_p = UPL` (:math:`-LPL`). Of all patterns the one of least cost is wanted (Fischetti & Salazar).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from uncac_metrics.disclosure import attack
from uncac_metrics.disclosure.flows import Problem, Task, cheapest, optimal, part_of, protects
from uncac_metrics.disclosure.tables import Table, label
from uncac_metrics.model import Fault, Faults

Array = np.ndarray
_SMALL = 20_000
"""Flow variables (twice primary times other cells) up to which a proof of the optimum is tried."""
_NODES = 2_000
_EPS = 1e-6


@dataclass(frozen=True, eq=False)
class Suppressed:
    """A protected table.

    Attributes
    ----------
    table : DataFrame
        The cells with ``status`` (``primary``, ``secondary`` or empty) and ``conf_status``
        (:data:`uncac_metrics.model.CONF_STATUS`: ``C``, ``D``, ``F``).
    source : Table
        The table that was protected, with its relations.
    method : str
        ``optimal`` or ``heuristic``: which pattern was taken.
    optimal : bool
        No pattern of lower cost protects the primary cells: proven.
    cost : float
        Sum of the costs of the secondary cells.
    audit : DataFrame
        What an attacker can find out about the withheld cells.
    """

    table: pd.DataFrame
    source: Table = field(repr=False)
    method: str
    optimal: bool
    cost: float
    audit: pd.DataFrame = field(repr=False)

    @property
    def relations(self) -> Any:
        """The relations of the table that was protected."""
        return self.source.relations


def suppress(
    table: Table,
    primary: str | Sequence[bool] | Array,
    *,
    lower: Any = 1.0,
    upper: Any = 1.0,
    cost: Any = "number",
    low: Any = 0.0,
    high: Any = np.inf,
    zeros: bool = True,
    fixed: str | Sequence[bool] | Array | None = None,
    single: str | Sequence[bool] | Array | None = None,
    method: str = "auto",
    nodes: int = _NODES,
) -> Suppressed:
    """Withhold primary cells and as little else as protects them.

    Parameters
    ----------
    table : Table
    primary : str or array of bool
        Which cells are primary.
    lower, upper : float, array or column name, default 1
        Protection levels of the primary cells, in units of the values. A lower level is at most the distance to `low`.
    cost : ``number``, ``value``, column name or array
        What is lost with each secondary cell: 1, its value, or as given (not negative).
    low, high : float, array or column name, default 0 and infinity
        What is known of every cell beforehand.
    zeros : bool, default True
        It is known which cells are 0 (in a sample they are nobody's): they protect nothing and stay published.
    fixed : str or array of bool, optional
        Further cells that must stay published, or are known.
    single : str or array of bool, optional
        Cells with one contributor, who knows their value: primary cells that share a sum with one are protected
        against that contributor as well. (Someone counted in a cell of persons does not know to be alone in it.)
    method : ``auto``, ``optimal`` or ``heuristic``
        ``auto``: the optimum where the table is small, otherwise, or where no proof is found within `nodes`, the
        heuristic, if it is not dearer than what was found.
    nodes : int, default 2000
        Limit of the search for the optimum. It is no limit of time: results are the same on every machine.

    Returns
    -------
    Suppressed
        Always protected: the audit is made before it is given.

    Raises
    ------
    Faults
        A primary cell cannot be protected even by withholding everything that may be withheld.

    Notes
    -----
    The optimum is found by mixed integer programming, a flow in each direction for every primary cell. The heuristic
    finds the cheapest flow of one primary cell after the other by linear programming, cells that are withheld already
    costing nothing, and afterwards publishes again what is not needed.

    References
    ----------
    Fischetti & Salazar (2001), Management Science 47, 1008–1027. Kelly, Golden & Assad (1992), Networks 22, 397–417.

    Examples
    --------
    >>> from uncac_metrics.disclosure import table, tabulate
    >>> rows = pd.DataFrame({"region": list("NNSS"), "paid": ["1", "0"] * 2, "n": [2, 40, 9, 30]})
    >>> t = table(tabulate(rows, ["region", "paid"], "n"), ["region", "paid"])
    >>> done = suppress(t, t.cells["n"].between(1, 4), cost="value")
    >>> done.table[done.table["status"] != ""]
      region paid   n     status conf_status
    0      N    0  40  secondary           D
    1      N    1   2    primary           C
    3      S    0  30  secondary           D
    4      S    1   9  secondary           D
    >>> done.method, done.optimal, done.cost
    ('optimal', True, 79.0)
    """
    problem = _problem(table, primary, lower, upper, cost, low, high, zeros, fixed, single)
    hidden, proven = _pattern(problem, table, method, nodes)
    name = "optimal" if proven else "heuristic"
    bottom = np.where(problem.down == 0, table.values, table.values - problem.down)
    top = table.values + problem.up
    checked = attack.audit(
        table, hidden, lower=attack.levels(table, lower, problem.primary),
        upper=attack.levels(table, upper, problem.primary), low=bottom, high=top, zeros=False,
    )  # fmt: skip
    if not checked["safe"].all():
        raise RuntimeError("the audit contradicts the flows that were found")
    status = np.select([problem.primary, hidden], ["primary", "secondary"], "")
    cells = table.cells.assign(
        status=pd.array(status, dtype="str"),
        conf_status=pd.array(np.select([problem.primary, hidden], ["C", "D"], "F"), dtype="str"),
    )
    spent = float(problem.cost[hidden & ~problem.primary].sum())
    return Suppressed(cells, table, name, bool(proven), spent, checked)


def pattern(
    table: Table, primary: Array, level: Array, cost: Array, *, zeros: bool, fixed: Array, nodes: int = _NODES
) -> Array:
    """The cells that :func:`suppress` withholds, without its audit."""
    problem = _problem(table, primary, level, level, cost, 0.0, np.inf, zeros, fixed)
    return _pattern(problem, table, "auto", nodes)[0]


def _pattern(problem: Problem, table: Table, method: str, nodes: int) -> tuple[Array, bool]:
    """Cells to withhold, and whether no cheaper pattern exists."""
    if method not in ("auto", "optimal", "heuristic"):
        raise Faults([Fault("suppress", "method", f"no method {method!r}", "auto, optimal or heuristic")])
    hidden, proven = problem.primary.copy(), True
    movable = np.flatnonzero((problem.up + problem.down > 0) | problem.primary)
    apart = np.full(len(table), -1)
    apart[movable] = attack.pieces(problem.matrix[:, movable])
    for piece in sorted({int(apart[cell]) for cell, _, _ in problem.tasks}):
        at = np.flatnonzero(apart == piece)
        found, sure = _solve(part_of(problem, at), method, nodes, table, at)
        hidden[at[found]] = True
        proven &= sure
    return hidden, proven


def _problem(
    table: Table, primary: Any, lower: Any, upper: Any, cost: Any, low: Any, high: Any, zeros: bool, fixed: Any,
    single: Any = None,
) -> Problem:  # fmt: skip
    values = table.values
    first = attack.flags(table, primary)
    bottom, top = attack.known_bounds(table, low, high)
    known = np.zeros(len(table), dtype=bool) if fixed is None else attack.flags(table, fixed) & ~first
    if zeros:
        known |= (values == 0) & ~first
    down, up = np.where(known, 0.0, values - bottom), np.where(known, 0.0, top - values)
    if isinstance(cost, str) and cost in ("number", "value"):
        costs = np.ones(len(table)) if cost == "number" else np.abs(values)
    else:
        costs = np.asarray(table.cells[cost] if isinstance(cost, str) else cost, dtype=float)
    if costs.shape != values.shape or not (costs >= 0).all():
        raise Faults([Fault("suppress", "cost", "costs are missing or negative", "one a cell, 0 or more")])
    below, above = attack.levels(table, lower, first), attack.levels(table, upper, first)
    bare = first & (below <= 0) & (above <= 0)
    if bare.any():
        raise Faults([Fault("suppress", label(table, int(i)), "a primary cell has no level of protection",
                            "give lower or upper above 0, or withhold it without further protection")
                      for i in np.flatnonzero(bare)[:5]])  # fmt: skip
    below = np.minimum(below, down)
    alone = np.zeros(len(table), dtype=bool) if single is None else attack.flags(table, single)
    near = (abs(table.relations).T @ abs(table.relations)).tocsr()[:, np.flatnonzero(alone)]
    singles = np.flatnonzero(alone)
    tasks: list[Task] = []
    for cell in np.flatnonzero(first):
        beside = singles[np.sort(near.indices[near.indptr[cell] : near.indptr[cell + 1]])]
        for known_too in (-1, *beside[beside != cell]):
            tasks += [(int(cell), float(above[cell]), int(known_too))] if above[cell] > 0 else []
            tasks += [(int(cell), -float(below[cell]), int(known_too))] if below[cell] > 0 else []
    return Problem(table.relations, first, costs, down, up, tuple(tasks))


def _solve(part: Problem, method: str, nodes: int, table: Table, at: Array) -> tuple[Array, bool]:
    """Cells to withhold, and whether no cheaper pattern exists."""
    if protects(part, part.primary):
        return part.primary, True
    others = int((~part.primary & (part.up + part.down > 0)).sum())
    found, proven = None, False
    if method == "optimal" or (method == "auto" and len(part.tasks) * others <= _SMALL):
        found, proven = optimal(part, nodes)
        if found is not None and not protects(part, found):
            found, proven = None, False
    if found is not None and proven:
        return found, True
    rough = _heuristic(part, table, at)

    def spent(hidden: Array) -> float:
        return float(part.cost[hidden & ~part.primary].sum())

    return (rough if found is None or spent(rough) <= spent(found) else found), False


def _heuristic(part: Problem, table: Table, at: Array) -> Array:
    hidden = part.primary.copy()
    movable = part.up + part.down > 0
    faults = []
    for task in sorted(part.tasks, key=lambda t: (-abs(t[1]), t[0], t[1], t[2])):
        # a little for every cell, so that among flows of equal cost the shortest is taken
        price = np.where(hidden, 1e-4, part.cost + 1e-3)
        flow = cheapest(part, task, price, movable)
        if flow is None:
            faults.append(Fault("suppress", label(table, int(at[task[0]])),
                                f"cannot be protected by {task[1]:+g} whatever is withheld",
                                "lower its protection level, or merge categories of the table"))  # fmt: skip
            continue
        used = np.abs(flow) > _EPS
        if ((flow != 0) & ~used & ~hidden).any() and cheapest(part, task, 0 * price, hidden | used) is None:
            used = flow != 0  # what was taken for an error of rounding was needed
        hidden |= used
    if faults:
        raise Faults(faults)
    return _tidied(part, hidden)


def _tidied(part: Problem, hidden: Array) -> Array:
    """Publish again what is not needed, the dearest first; only where there is not too much to try."""
    extra = np.flatnonzero(hidden & ~part.primary)
    if extra.size * len(part.tasks) > 1_000:
        return hidden
    for cell in extra[np.lexsort((extra, -part.cost[extra]))]:
        fewer = hidden.copy()
        fewer[cell] = False
        if protects(part, fewer):
            hidden = fewer
    return hidden
