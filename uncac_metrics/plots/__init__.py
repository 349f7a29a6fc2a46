"""Figures of estimates: for each plot a function that returns its numbers and one that draws them.

Titles, units and directions come from the indicator's definition. Nothing here reads a file, and matplotlib
is imported when something is drawn.
"""

from uncac_metrics.plots.alt import alt_text
from uncac_metrics.plots.change import change, change_alt, change_data
from uncac_metrics.plots.commitment import commitment, commitment_alt, commitment_data, commitment_svg
from uncac_metrics.plots.coverage import coverage_matrix, coverage_matrix_alt, coverage_matrix_data
from uncac_metrics.plots.groups import dumbbell, dumbbell_alt, dumbbell_data
from uncac_metrics.plots.interval import interval, interval_data, interval_svg
from uncac_metrics.plots.profile import profile, profile_alt, profile_data
from uncac_metrics.plots.ranks import rank_intervals, rank_intervals_alt, rank_intervals_data
from uncac_metrics.plots.sobol import sensitivity, sensitivity_alt, sensitivity_data
from uncac_metrics.plots.stages import progression, progression_alt, progression_data
from uncac_metrics.plots.style import svg
from uncac_metrics.plots.trend import trend, trend_alt, trend_data

__all__ = [
    "alt_text",
    "change",
    "change_alt",
    "change_data",
    "commitment",
    "commitment_alt",
    "commitment_data",
    "commitment_svg",
    "coverage_matrix",
    "coverage_matrix_alt",
    "coverage_matrix_data",
    "dumbbell",
    "dumbbell_alt",
    "dumbbell_data",
    "interval",
    "interval_data",
    "interval_svg",
    "profile",
    "profile_alt",
    "profile_data",
    "progression",
    "progression_alt",
    "progression_data",
    "rank_intervals",
    "rank_intervals_alt",
    "rank_intervals_data",
    "sensitivity",
    "sensitivity_alt",
    "sensitivity_data",
    "svg",
    "trend",
    "trend_alt",
    "trend_data",
]
