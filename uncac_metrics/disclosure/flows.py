"""Flows within a table: how far a primary cell can move while all that is published stays as it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray
Task = tuple[int, float, int]
"""A primary cell, how far it must be able to move (negative: down), and the cell that is known then (-1: none)."""


@dataclass(frozen=True)
class Problem:
    """What a solver of secondary suppression is given: the relations, the primary cells, costs and protection."""

    matrix: Any
    primary: Array
    cost: Array
    down: Array
    """How far each cell may move down, an entry a cell; 0 for known cells."""
    up: Array
    tasks: tuple[Task, ...]
    both: Any = None
    """The relations of ups and of downs of the cells beside each other."""


def part_of(problem: Problem, at: Array) -> Problem:
    """Some cells that can be protected by themselves: no relation ties them to others that may move."""
    from scipy import sparse

    place = np.full(len(problem.cost), -1)
    place[at] = np.arange(at.size)
    matrix = problem.matrix[:, at]
    tasks = tuple(
        (int(place[cell]), amount, int(place[known]) if known >= 0 else -1)
        for cell, amount, known in problem.tasks if place[cell] >= 0
    )  # fmt: skip
    matrix = matrix[np.diff(matrix.indptr) > 0]
    both = sparse.hstack([matrix, -matrix], format="csc")
    return Problem(matrix, problem.primary[at], problem.cost[at], problem.down[at], problem.up[at], tasks, both)


def cheapest(part: Problem, task: Task, price: Array, allowed: Array) -> Array | None:
    """The cheapest flow that moves a primary cell as far as it must; None where there is none."""
    from scipy.optimize import linprog

    cell, amount, known = task
    n, size = len(price), abs(task[1])
    # in units of the level that is wanted: tolerances of the solver are absolute
    up, down = np.where(allowed, part.up, 0.0) / size, np.where(allowed, part.down, 0.0) / size
    if known >= 0:
        up[known] = down[known] = 0.0
    bounds = np.column_stack([np.zeros(2 * n), np.concatenate([up, down])])
    if (up if amount > 0 else down)[cell] < 1 - 1e-9:
        return None
    bounds[[cell, n + cell]] = [[1, 1], [0, 0]] if amount > 0 else [[0, 0], [1, 1]]
    solved = linprog(np.concatenate([price, price]), A_eq=part.both, b_eq=np.zeros(part.both.shape[0]), bounds=bounds,
                     method="highs-ds")  # fmt: skip
    return solved.x[:n] - solved.x[n:] if solved.status == 0 else None


def protects(part: Problem, hidden: Array) -> bool:
    """Whether all flows exist within the withheld cells: one programme, a block for each."""
    from scipy import sparse
    from scipy.optimize import linprog

    free = np.flatnonzero(hidden)
    place = np.full(len(hidden), -1)
    place[free] = np.arange(free.size)
    sub = part.matrix[:, free]
    sub = sub[np.diff(sub.indptr) > 0]
    step = max(1, 4_000 // max(free.size, 1))
    for start in range(0, len(part.tasks), step):
        tasks = part.tasks[start : start + step]
        size = np.array([abs(amount) for _, amount, _ in tasks])[:, None]
        low, high = -part.down[free] / size, part.up[free] / size
        for k, (cell, amount, known) in enumerate(tasks):
            at = place[cell]
            if known >= 0 and place[known] >= 0:
                low[k, place[known]] = high[k, place[known]] = 0.0
            if (high[k, at] if amount > 0 else -low[k, at]) < 1 - 1e-9:
                return False
            low[k, at] = high[k, at] = np.sign(amount)
        if not sub.shape[0]:
            continue
        blocks = sparse.kron(sparse.identity(len(tasks)), sub, format="csr")
        bounds = np.column_stack([low.ravel(), high.ravel()])
        solved = linprog(np.zeros(blocks.shape[1]), A_eq=blocks, b_eq=np.zeros(blocks.shape[0]), bounds=bounds,
                         method="highs-ds")  # fmt: skip
        if solved.status != 0:
            return False
    return True


def reach(matrix: Any) -> float:
    """How far a cell can move in a shortest flow, relative to the cell that is moved: 1 in networks.

    A table is a network where the signs of relations can be turned so that each cell enters at most one and leaves
    at most one; for others a generous multiple is allowed.
    """
    columns = matrix.tocsc()
    turn: dict[int, int] = {}
    edges: dict[int, list[tuple[int, int]]] = {}
    for j in range(columns.shape[1]):
        rows = columns.indices[columns.indptr[j] : columns.indptr[j + 1]]
        signs = columns.data[columns.indptr[j] : columns.indptr[j + 1]]
        if len(rows) > 2:
            return 16.0
        if len(rows) == 2:
            same = int(signs[0] * signs[1])
            edges.setdefault(int(rows[0]), []).append((int(rows[1]), -same))
            edges.setdefault(int(rows[1]), []).append((int(rows[0]), -same))
    for start in edges:
        if start in turn:
            continue
        turn[start], waiting = 1, [start]
        while waiting:
            row = waiting.pop()
            for other, sign in edges[row]:
                wanted = turn[row] * sign
                if other not in turn:
                    turn[other] = wanted
                    waiting.append(other)
                elif turn[other] != wanted:
                    return 16.0
    return 1.0


def optimal(part: Problem, nodes: int) -> tuple[Array | None, bool]:
    """Mixed integer programme: a flow for each task, one indicator a cell."""
    from scipy import sparse
    from scipy.optimize import Bounds, LinearConstraint, milp

    n, span = len(part.cost), reach(part.matrix)
    free = np.flatnonzero(part.up + part.down > 0)
    m, tasks = free.size, part.tasks
    matrix = part.matrix[:, free]
    place = np.full(n, -1)
    place[free] = np.arange(m)
    # flows in units of the level that is wanted, so that all are of one size
    size = np.array([abs(amount) for _, amount, _ in tasks])
    tops = np.minimum(part.up[free][None, :] / size[:, None], span)
    bottoms = np.minimum(part.down[free][None, :] / size[:, None], span)
    flows = sparse.block_diag([matrix] * len(tasks), format="csr")
    eye = sparse.identity(m * len(tasks), format="csr")
    stacked = sparse.vstack([sparse.identity(m)] * len(tasks), format="csr")
    zero = sparse.csr_matrix((flows.shape[0], m))
    rows = sparse.vstack([
        sparse.hstack([flows, zero]),
        sparse.hstack([eye, -stacked.multiply(tops.reshape(-1, 1))]),
        sparse.hstack([-eye, -stacked.multiply(bottoms.reshape(-1, 1))]),
    ], format="csr")  # fmt: skip
    least = np.concatenate([np.zeros(flows.shape[0]), np.full(2 * m * len(tasks), -np.inf)])
    low, high = -bottoms.copy(), tops.copy()
    for k, (cell, amount, known) in enumerate(tasks):
        if known >= 0 and place[known] >= 0:
            low[k, place[known]] = high[k, place[known]] = 0.0
        low[k, place[cell]] = high[k, place[cell]] = np.sign(amount)
    chosen = part.primary[free].astype(float)
    solved = milp(
        np.concatenate([np.zeros(m * len(tasks)), np.where(part.primary, 0.0, part.cost)[free]]),
        integrality=np.concatenate([np.zeros(m * len(tasks)), np.ones(m)]),
        bounds=Bounds(np.concatenate([low.ravel(), chosen]), np.concatenate([high.ravel(), np.ones(m)])),
        constraints=LinearConstraint(rows, least, np.zeros(rows.shape[0])),
        options={"node_limit": nodes, "mip_rel_gap": 0.0},
    )
    if solved.x is None:
        return None, False
    hidden = part.primary.copy()
    hidden[free[solved.x[m * len(tasks) :] > 0.5]] = True
    return hidden, solved.status == 0
