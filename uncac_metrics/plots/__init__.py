"""Figures of estimates: for each plot a function that returns its numbers and one that draws them.

Titles, units and directions come from the indicator's definition. Nothing here reads a file, and matplotlib
is imported when something is drawn.
"""

from uncac_metrics.plots.alt import alt_text
from uncac_metrics.plots.coverage import coverage_matrix, coverage_matrix_alt, coverage_matrix_data
from uncac_metrics.plots.interval import interval, interval_data, interval_svg
from uncac_metrics.plots.style import svg

__all__ = [
    "alt_text",
    "coverage_matrix",
    "coverage_matrix_alt",
    "coverage_matrix_data",
    "interval",
    "interval_data",
    "interval_svg",
    "svg",
]
