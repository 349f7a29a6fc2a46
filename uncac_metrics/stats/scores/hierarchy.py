"""Aggregation up a tree of any depth: scores of leaves in, scores of every node out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from uncac_metrics.stats.scores.aggregate import aggregate
from uncac_metrics.stats.scores.normalise import has_missing

Array = np.ndarray


@dataclass(frozen=True)
class Node:
    """A node of the tree: what it is made of, and how."""

    id: str
    children: tuple[str, ...]
    """Ids of leaves and nodes."""
    weights: tuple[float, ...] = ()
    """One a child; equal where empty."""
    aggregation: str = "arithmetic"
    threshold: float = 0.0
    """Least share of the children (those with a weight) that must be there."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Parameters of the aggregation: `power`, `penalty`, …; `representative` are ids of children."""

    @property
    def parameters(self) -> dict[str, Any]:
        """The options as the aggregation takes them."""
        if "representative" not in self.options:
            return dict(self.options)
        named = np.array([c in self.options["representative"] for c in self.children])
        return {**self.options, "representative": named}


def order(nodes: Sequence[Node]) -> tuple[Node, ...]:
    """The nodes with every node after its children.

    Raises
    ------
    ValueError
        The nodes go round in a circle.

    Examples
    --------
    >>> [n.id for n in order([Node("top", ("a", "b")), Node("a", ("x", "y"))])]
    ['a', 'top']
    """
    left = {n.id: n for n in nodes}
    done: list[Node] = []
    while left:
        ready = [n for n in left.values() if not any(c in left for c in n.children)]
        if not ready:
            raise ValueError(f"{', '.join(left)} are made of each other")
        done += ready
        for n in ready:
            del left[n.id]
    return tuple(done)


def climb(
    leaves: Array,
    names: Sequence[str],
    nodes: Sequence[Node],
    weights: Mapping[str, Array] | None = None,
) -> Array:
    """Scores of every node.

    Parameters
    ----------
    leaves : array of shape (..., units, leaves)
        Normalised scores; NaN is missing.
    names : sequence of str
        Ids of the leaves.
    nodes : sequence of Node
        Every node after its children (:func:`order`).
    weights : mapping of arrays, optional
        Node -> weights of its children, in place of the node's own; of shape (children,), or (replications, 1,
        children) for a set of weights in each replication.

    Returns
    -------
    array of shape (..., units, nodes)

    Examples
    --------
    >>> tree = order([Node("top", ("a", "z"), (2.0, 1.0)), Node("a", ("x", "y"), aggregation="geometric")])
    >>> climb(np.array([[1.0, 4.0, 5.0], [4.0, 4.0, np.nan]]), ["x", "y", "z"], tree)
    array([[2., 3.],
           [4., 4.]])
    """
    return climber(names, nodes)(leaves, weights)


def climber(names: Sequence[str], nodes: Sequence[Node]) -> Callable[..., Array]:
    """:func:`climb` for one tree, its columns looked up once: ``(leaves, weights=None, given=None) -> scores``.

    `given` are scores of nodes that are known: those above are made of them.
    """
    place = {name: j for j, name in enumerate(names)}
    position = {node.id: k for k, node in enumerate(nodes)}
    plan = []
    for node in nodes:
        columns = [place.get(c, -1) for c in node.children]
        run = columns == list(range(columns[0], columns[0] + len(columns))) and columns[0] >= 0
        of_leaves: slice | list[int] | None = columns if -1 not in columns else None
        if run:
            of_leaves = slice(columns[0], columns[0] + len(columns))
        sources = [(c in place, place[c] if c in place else position[c]) for c in node.children]
        own = np.asarray(node.weights, dtype=float) if node.weights else None
        options = {"threshold": node.threshold, **node.parameters}
        plan.append((node.id, of_leaves, sources, own, node.aggregation, options))

    def up(
        leaves: Array, weights: Mapping[str, Array] | None = None, given: Mapping[str, Array] | None = None
    ) -> Array:
        complete = not has_missing(leaves) or None  # with gaps, every node looks for itself
        found: list[Array] = []
        for name, of_leaves, sources, own, method, options in plan:
            if given is not None and name in given:
                found.append(given[name])
                continue
            if of_leaves is not None:
                x = leaves[..., of_leaves]
            else:
                x = np.stack([leaves[..., k] if leaf else found[k] for leaf, k in sources], axis=-1)
            w = own if weights is None else weights.get(name, own)
            found.append(aggregate(x, w, method, complete=complete, **options))
        return np.stack(found, axis=-1)

    return up


def effective_weights(names: Sequence[str], nodes: Sequence[Node], top: str | None = None) -> dict[str, float]:
    """Share of each leaf and node in the top one: the product of the shares within parents on the way up.

    Parameters
    ----------
    names : sequence of str
        Ids of the leaves.
    nodes : sequence of Node
    top : str, optional
        The node that shares are of; the last of :func:`order` where not given.

    Returns
    -------
    dict
        Id -> share, the top node's being one. A leaf that the top does not rest on has 0.

    Examples
    --------
    >>> tree = [Node("top", ("a", "z"), (3.0, 1.0)), Node("a", ("x", "y"))]
    >>> effective_weights(["x", "y", "z"], tree)
    {'x': 0.375, 'y': 0.375, 'z': 0.25, 'a': 0.75, 'top': 1.0}
    """
    ordered = order(nodes)
    share = dict.fromkeys([*names, *(n.id for n in ordered)], 0.0)
    share[top or ordered[-1].id] = 1.0
    for node in reversed(ordered):
        own = np.asarray(node.weights or [1.0] * len(node.children), dtype=float)
        for child, w in zip(node.children, own / own.sum(), strict=True):
            share[child] += share[node.id] * float(w)
    return share


def without(nodes: Sequence[Node], child: str) -> tuple[Node, ...]:
    """The tree without a leaf or node (and whatever stands below it); a node left without children goes too.

    Examples
    --------
    >>> [n.children for n in without([Node("top", ("a", "z")), Node("a", ("x", "y"))], "z")]
    [('a',), ('x', 'y')]
    """
    left = []
    for node in nodes:
        if node.id == child:
            continue
        keep = [k for k, c in enumerate(node.children) if c != child]
        if not keep:
            return without([n for n in nodes if n.id != node.id], node.id)
        weights = tuple(node.weights[k] for k in keep) if node.weights else ()
        children = tuple(node.children[k] for k in keep)
        left.append(Node(node.id, children, weights, node.aggregation, node.threshold, node.options))
    return tuple(left)
