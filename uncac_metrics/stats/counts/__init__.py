"""Statistics of administrative records: counts, durations, flows, amounts, flags."""

from uncac_metrics.stats.counts.number import number
from uncac_metrics.stats.counts.rates import count_ratio, rate, share

__all__ = [
    "count_ratio",
    "number",
    "rate",
    "share",
]
