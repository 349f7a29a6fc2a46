"""Statistics of administrative records: counts, durations, flows, amounts, flags."""

from uncac_metrics.stats.counts.amounts import total_amount
from uncac_metrics.stats.counts.concentration import hhi
from uncac_metrics.stats.counts.digits import benford, first_digit_test, first_digits
from uncac_metrics.stats.counts.durations import duration_quantile, restricted_mean, survival
from uncac_metrics.stats.counts.flows import cumulative_incidence, state_occupation, time_in_state
from uncac_metrics.stats.counts.funnel import funnel, funnel_limits
from uncac_metrics.stats.counts.number import number
from uncac_metrics.stats.counts.ordinal import distribution, status_shares, transitions
from uncac_metrics.stats.counts.procurement import flag_rates, procurement_flags
from uncac_metrics.stats.counts.progression import progression, stage_ratios
from uncac_metrics.stats.counts.publication import availability, timeliness
from uncac_metrics.stats.counts.rates import count_ratio, rate, share
from uncac_metrics.stats.counts.ratios import amount_ratio
from uncac_metrics.stats.counts.standardised import standardised_rate, standardised_ratio

__all__ = [
    "amount_ratio",
    "availability",
    "benford",
    "count_ratio",
    "cumulative_incidence",
    "distribution",
    "duration_quantile",
    "first_digit_test",
    "first_digits",
    "flag_rates",
    "funnel",
    "funnel_limits",
    "hhi",
    "number",
    "procurement_flags",
    "progression",
    "rate",
    "restricted_mean",
    "share",
    "stage_ratios",
    "standardised_rate",
    "standardised_ratio",
    "state_occupation",
    "status_shares",
    "survival",
    "time_in_state",
    "timeliness",
    "total_amount",
    "transitions",
]
