"""Figures of estimates: for each plot a function that returns its numbers and one that draws them.

Titles, units and directions come from the indicator's definition. Nothing here reads a file, and matplotlib
is imported when something is drawn.
"""

from uncac_metrics.plots.alt import alt_text
from uncac_metrics.plots.commitment import commitment, commitment_alt, commitment_data, commitment_svg
from uncac_metrics.plots.coverage import coverage_matrix, coverage_matrix_alt, coverage_matrix_data
from uncac_metrics.plots.groups import dumbbell, dumbbell_alt, dumbbell_data
from uncac_metrics.plots.interval import interval, interval_data, interval_svg
from uncac_metrics.plots.style import svg
from uncac_metrics.plots.trend import trend, trend_alt, trend_data

__all__ = [
    "alt_text",
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
    "svg",
    "trend",
    "trend_alt",
    "trend_data",
]
