"""Design-based estimation from complex samples."""

from uncac_metrics.stats.survey.association import chi_square, log_linear, t_test
from uncac_metrics.stats.survey.calibration import calibrate, poststratify, rake
from uncac_metrics.stats.survey.categories import multinomial, ordinal
from uncac_metrics.stats.survey.concentration import burden, concentration, gini, kakwani, lorenz
from uncac_metrics.stats.survey.contrasts import contrast, risk_ratio
from uncac_metrics.stats.survey.design import Design
from uncac_metrics.stats.survey.imputation import pool
from uncac_metrics.stats.survey.means import mean, proportion, ratio, total
from uncac_metrics.stats.survey.moments import cdf, correlation, covariance, table, variance
from uncac_metrics.stats.survey.planning import expected_interval, power, sample_size, sample_size_difference
from uncac_metrics.stats.survey.plans import Measure, Plan, SparkExecutor
from uncac_metrics.stats.survey.pps import pps_design
from uncac_metrics.stats.survey.quantiles import quantile
from uncac_metrics.stats.survey.ranks import rank_test
from uncac_metrics.stats.survey.regression import glm
from uncac_metrics.stats.survey.replicates import replicate_design
from uncac_metrics.stats.survey.resampling import with_replicates
from uncac_metrics.stats.survey.scan import CellTable, cells, merge, scan
from uncac_metrics.stats.survey.standardise import standardise
from uncac_metrics.stats.survey.testing import TestResult
from uncac_metrics.stats.survey.trimming import trim
from uncac_metrics.stats.survey.twophase import two_phase

__all__ = [
    "CellTable",
    "Design",
    "Measure",
    "Plan",
    "SparkExecutor",
    "TestResult",
    "burden",
    "calibrate",
    "cdf",
    "cells",
    "chi_square",
    "concentration",
    "contrast",
    "correlation",
    "covariance",
    "expected_interval",
    "gini",
    "glm",
    "kakwani",
    "log_linear",
    "lorenz",
    "mean",
    "merge",
    "multinomial",
    "ordinal",
    "pool",
    "poststratify",
    "power",
    "pps_design",
    "proportion",
    "quantile",
    "rake",
    "rank_test",
    "ratio",
    "replicate_design",
    "risk_ratio",
    "sample_size",
    "sample_size_difference",
    "scan",
    "standardise",
    "t_test",
    "table",
    "total",
    "trim",
    "two_phase",
    "variance",
    "with_replicates",
]
