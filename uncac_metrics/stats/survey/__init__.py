"""Design-based estimation from complex samples."""

from uncac_metrics.stats.survey.design import Design
from uncac_metrics.stats.survey.imputation import pool
from uncac_metrics.stats.survey.linear import mean, proportion, ratio, total
from uncac_metrics.stats.survey.planning import expected_interval, power, sample_size, sample_size_difference
from uncac_metrics.stats.survey.scan import CellTable, Measure, Plan, SparkExecutor, cells, merge, scan

__all__ = [
    "CellTable",
    "Design",
    "Measure",
    "Plan",
    "SparkExecutor",
    "cells",
    "expected_interval",
    "mean",
    "merge",
    "pool",
    "power",
    "proportion",
    "ratio",
    "sample_size",
    "sample_size_difference",
    "scan",
    "total",
]
