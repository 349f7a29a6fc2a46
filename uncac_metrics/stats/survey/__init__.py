"""Design-based estimation from complex samples."""

from uncac_metrics.stats.survey.calibration import calibrate, poststratify, rake
from uncac_metrics.stats.survey.design import Design
from uncac_metrics.stats.survey.imputation import pool
from uncac_metrics.stats.survey.linear import mean, proportion, ratio, total
from uncac_metrics.stats.survey.planning import expected_interval, power, sample_size, sample_size_difference
from uncac_metrics.stats.survey.pps import pps_design
from uncac_metrics.stats.survey.replicates import replicate_design
from uncac_metrics.stats.survey.resampling import with_replicates
from uncac_metrics.stats.survey.scan import CellTable, Measure, Plan, SparkExecutor, cells, merge, scan
from uncac_metrics.stats.survey.standardise import standardise
from uncac_metrics.stats.survey.trimming import trim
from uncac_metrics.stats.survey.twophase import two_phase

__all__ = [
    "CellTable",
    "Design",
    "Measure",
    "Plan",
    "SparkExecutor",
    "calibrate",
    "cells",
    "expected_interval",
    "mean",
    "merge",
    "pool",
    "poststratify",
    "power",
    "pps_design",
    "proportion",
    "rake",
    "ratio",
    "replicate_design",
    "sample_size",
    "sample_size_difference",
    "scan",
    "standardise",
    "total",
    "trim",
    "two_phase",
    "with_replicates",
]
