"""Scores from many indicators, ratings or sources, with the uncertainty carried to the rank."""

from uncac_metrics.stats.scores.cpi import corruption_perceptions_index, cpi_baseline, cpi_entry, cpi_standardise
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
    "LatentScores",
    "Pooled",
    "RatingModel",
    "best_units",
    "corruption_perceptions_index",
    "cpi_baseline",
    "cpi_entry",
    "cpi_standardise",
    "exceedance",
    "gender_inequality_index",
    "human_development_index",
    "independent",
    "inequality_adjusted_hdi",
    "leave_one_source_out",
    "percentile_ranks",
    "pool_surveys",
    "rank_probabilities",
    "rank_sets",
    "rank_sets_of_counts",
    "ranked",
    "rating_model",
    "scores_given",
    "significant_changes",
    "significant_differences",
    "unobserved_components",
    "unobserved_components_ml",
    "wgi_representative",
]
