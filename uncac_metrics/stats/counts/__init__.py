"""Statistics of administrative records: counts, durations, flows, amounts, flags."""

from uncac_metrics.stats.counts.durations import duration_quantile, restricted_mean, survival
from uncac_metrics.stats.counts.flows import cumulative_incidence, state_occupation, time_in_state
from uncac_metrics.stats.counts.number import number
from uncac_metrics.stats.counts.rates import count_ratio, rate, share

__all__ = [
    "count_ratio",
    "cumulative_incidence",
    "duration_quantile",
    "number",
    "rate",
    "restricted_mean",
    "share",
    "state_occupation",
    "survival",
    "time_in_state",
]
