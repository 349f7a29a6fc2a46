"""From many indicators, ratings or sources to a score and a rank, with the uncertainty carried along."""

from uncac_metrics.stats.scores import aggregate, analysis, impute, normalise, simulate, sobol, treat, weights
from uncac_metrics.stats.scores.construction import Construction, Layout, Leaf, scorer, vary
from uncac_metrics.stats.scores.cpi import corruption_perceptions_index, cpi_baseline, cpi_entry, cpi_standardise
from uncac_metrics.stats.scores.denominate import denominate
from uncac_metrics.stats.scores.hierarchy import Node, climb, effective_weights
from uncac_metrics.stats.scores.irt import RatingModel, rating_model
from uncac_metrics.stats.scores.official import (
    gender_inequality_index,
    human_development_index,
    inequality_adjusted_hdi,
)
from uncac_metrics.stats.scores.pooling import Pooled, pool_surveys
from uncac_metrics.stats.scores.ranks import (
    best_units,
    exceedance,
    independent,
    rank_probabilities,
    rank_sets,
    rank_sets_of_counts,
    ranked,
)
from uncac_metrics.stats.scores.significance import significant_changes, significant_differences
from uncac_metrics.stats.scores.ucm import (
    LatentScores,
    percentile_ranks,
    scores_given,
    unobserved_components,
    wgi_representative,
)
from uncac_metrics.stats.scores.ucm_ml import leave_one_source_out, unobserved_components_ml

__all__ = [
    "Construction",
    "LatentScores",
    "Layout",
    "Leaf",
    "Node",
    "Pooled",
    "RatingModel",
    "aggregate",
    "analysis",
    "best_units",
    "climb",
    "corruption_perceptions_index",
    "cpi_baseline",
    "cpi_entry",
    "cpi_standardise",
    "denominate",
    "effective_weights",
    "exceedance",
    "gender_inequality_index",
    "human_development_index",
    "impute",
    "independent",
    "inequality_adjusted_hdi",
    "leave_one_source_out",
    "normalise",
    "percentile_ranks",
    "pool_surveys",
    "rank_probabilities",
    "rank_sets",
    "rank_sets_of_counts",
    "ranked",
    "rating_model",
    "scorer",
    "scores_given",
    "significant_changes",
    "significant_differences",
    "simulate",
    "sobol",
    "treat",
    "unobserved_components",
    "unobserved_components_ml",
    "vary",
    "weights",
    "wgi_representative",
]
