"""Estimates of groups of areas: regional and global aggregates."""

from uncac_metrics.stats.areas.aggregates import aggregate
from uncac_metrics.stats.areas.coverage import Rule, rule, rules

__all__ = ["Rule", "aggregate", "rule", "rules"]
