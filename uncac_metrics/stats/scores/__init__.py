"""From many indicators to a score, with the uncertainty carried along: steps of construction, and what they matter."""

from uncac_metrics.stats.scores import aggregate, analysis, impute, normalise, simulate, sobol, treat, weights
from uncac_metrics.stats.scores.construction import Construction, Layout, Leaf, scorer, vary
from uncac_metrics.stats.scores.denominate import denominate
from uncac_metrics.stats.scores.hierarchy import Node, climb, effective_weights

__all__ = [
    "Construction",
    "Layout",
    "Leaf",
    "Node",
    "aggregate",
    "analysis",
    "climb",
    "denominate",
    "effective_weights",
    "impute",
    "normalise",
    "scorer",
    "simulate",
    "sobol",
    "treat",
    "vary",
    "weights",
]
