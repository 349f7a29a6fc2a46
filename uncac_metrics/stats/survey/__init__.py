"""Design-based estimation from complex samples."""

from uncac_metrics.stats.survey.design import Design
from uncac_metrics.stats.survey.linear import mean, proportion, ratio, total

__all__ = ["Design", "mean", "proportion", "ratio", "total"]
