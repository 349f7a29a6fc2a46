"""What a recipe becomes: without what has no weight, with weights from the data, with other choices."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from uncac_metrics.model import Fault, Faults
from uncac_metrics.panels import Panel
from uncac_metrics.recipes import Recipe
from uncac_metrics.stats.scores import weights as weighting
from uncac_metrics.stats.scores.construction import Construction, normaliser, scorer, vary
from uncac_metrics.stats.scores.hierarchy import effective_weights, without

Array = np.ndarray
Choices = Mapping[str, Sequence[Any]]
"""Name of an argument of :func:`~uncac_metrics.stats.scores.construction.vary` -> alternatives, all as likely."""


def weighty(recipe: Recipe) -> Recipe:
    """The recipe without what has no weight."""
    construction = recipe.construction
    ids = [leaf.id for leaf in construction.leaves]
    share = effective_weights(ids, construction.nodes)
    nodes = construction.nodes
    for name in [name for name, s in share.items() if s == 0]:
        nodes = without(nodes, name)
    leaves = tuple(leaf for leaf in construction.leaves if share[leaf.id] > 0)
    return replace(recipe, construction=replace(construction, leaves=leaves, nodes=nodes))


def combinations(construction: Construction, alternatives: Choices) -> list[Construction]:
    """Every combination of the alternatives."""
    if not alternatives:
        return []
    known = ("normalise", "aggregation", "weights", "treat", "impute", "threshold", "together")
    wrong = [k for k in alternatives if k not in known]
    if wrong:
        what = f"{', '.join(wrong)} cannot be varied"
        raise Faults([Fault("compose", "alternatives", what, f"one of {', '.join(known)}")])
    combined = itertools.product(*alternatives.values())
    return [vary(construction, **dict(zip(alternatives, one, strict=True))) for one in combined]


def with_data_weights(recipe: Recipe, panel: Panel, filled: Array) -> Recipe:
    """The recipe with the weights that it takes from the data found, from the bottom up, and held."""
    if not recipe.weightings:
        return recipe
    construction = recipe.construction
    leaves = normaliser(construction, panel.layout)(filled).mean(axis=0)
    known = {leaf.id: leaves[:, j] for j, leaf in enumerate(construction.leaves)}
    methods: dict[str, Callable[[Array], Array]] = {
        "pca": weighting.pca, "factor": weighting.factor, "entropy": weighting.entropy, "critic": weighting.critic,
        "balance": lambda x: weighting.optimal(x).weights,
        "infomax": lambda x: weighting.optimal(x, kind="infomax").weights,
    }  # fmt: skip
    nodes = list(construction.nodes)
    for k, node in enumerate(nodes):
        if node.id in recipe.weightings:
            found = methods[recipe.weightings[node.id]](np.column_stack([known[c] for c in node.children]))
            nodes[k] = replace(node, weights=tuple(found))
        below = replace(construction, nodes=tuple(nodes[: k + 1]))
        known[node.id] = scorer(below, panel.layout)(filled).mean(axis=0)[:, k]
    return replace(recipe, construction=replace(construction, nodes=tuple(nodes)), weightings={})


def base_weights(construction: Construction) -> dict[str, Array]:
    """Weights of every node, as shares."""
    given = {n.id: np.asarray(n.weights or [1.0] * len(n.children), dtype=float) for n in construction.nodes}
    return {name: w / w.sum() for name, w in given.items()}
