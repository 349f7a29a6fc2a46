"""Design-based estimation from complex samples."""

from uncac_metrics.stats.survey.design import Design
from uncac_metrics.stats.survey.linear import mean, proportion, ratio, total
from uncac_metrics.stats.survey.scan import CellTable, Measure, Plan, SparkExecutor, cells, merge, scan

__all__ = [
    "CellTable",
    "Design",
    "Measure",
    "Plan",
    "SparkExecutor",
    "cells",
    "mean",
    "merge",
    "proportion",
    "ratio",
    "scan",
    "total",
]
