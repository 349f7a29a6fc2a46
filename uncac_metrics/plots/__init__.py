"""Figures of estimates: for each plot a function that returns its numbers and one that draws them.

Titles, units and directions come from the indicator's definition. Nothing here reads a file, and matplotlib
is imported when something is drawn.
"""

from uncac_metrics.plots.alt import alt_text
from uncac_metrics.plots.change import change, change_alt, change_data
from uncac_metrics.plots.choropleth import choropleth, choropleth_alt, choropleth_data
from uncac_metrics.plots.commitment import commitment, commitment_alt, commitment_data, commitment_svg
from uncac_metrics.plots.coverage import (
    coverage_matrix,
    coverage_matrix_alt,
    coverage_matrix_data,
    coverage_matrix_svg,
)
from uncac_metrics.plots.decompose import decomposition, decomposition_alt, decomposition_data
from uncac_metrics.plots.digits import benford, benford_alt, benford_data
from uncac_metrics.plots.flags import (
    flags_together,
    flags_together_alt,
    flags_together_data,
    red_flags,
    red_flags_alt,
    red_flags_data,
)
from uncac_metrics.plots.flow import recovery_flow, recovery_flow_alt, recovery_flow_data
from uncac_metrics.plots.groups import dumbbell, dumbbell_alt, dumbbell_data
from uncac_metrics.plots.interval import interval, interval_data, interval_svg
from uncac_metrics.plots.limits import funnel, funnel_alt, funnel_data
from uncac_metrics.plots.lorenz import lorenz, lorenz_alt, lorenz_data
from uncac_metrics.plots.profile import profile, profile_alt, profile_data
from uncac_metrics.plots.ranks import rank_intervals, rank_intervals_alt, rank_intervals_data
from uncac_metrics.plots.sobol import sensitivity, sensitivity_alt, sensitivity_data
from uncac_metrics.plots.stages import progression, progression_alt, progression_data
from uncac_metrics.plots.style import svg
from uncac_metrics.plots.table import table_figure, table_figure_alt, table_figure_data
from uncac_metrics.plots.tiles import tile_map, tile_map_alt, tile_map_data
from uncac_metrics.plots.trend import trend, trend_alt, trend_data

__all__ = [
    "alt_text",
    "benford",
    "benford_alt",
    "benford_data",
    "change",
    "change_alt",
    "change_data",
    "choropleth",
    "choropleth_alt",
    "choropleth_data",
    "commitment",
    "commitment_alt",
    "commitment_data",
    "commitment_svg",
    "coverage_matrix",
    "coverage_matrix_alt",
    "coverage_matrix_data",
    "coverage_matrix_svg",
    "decomposition",
    "decomposition_alt",
    "decomposition_data",
    "dumbbell",
    "dumbbell_alt",
    "dumbbell_data",
    "flags_together",
    "flags_together_alt",
    "flags_together_data",
    "funnel",
    "funnel_alt",
    "funnel_data",
    "interval",
    "interval_data",
    "interval_svg",
    "lorenz",
    "lorenz_alt",
    "lorenz_data",
    "profile",
    "profile_alt",
    "profile_data",
    "progression",
    "progression_alt",
    "progression_data",
    "rank_intervals",
    "rank_intervals_alt",
    "rank_intervals_data",
    "recovery_flow",
    "recovery_flow_alt",
    "recovery_flow_data",
    "red_flags",
    "red_flags_alt",
    "red_flags_data",
    "sensitivity",
    "sensitivity_alt",
    "sensitivity_data",
    "svg",
    "table_figure",
    "table_figure_alt",
    "table_figure_data",
    "tile_map",
    "tile_map_alt",
    "tile_map_data",
    "trend",
    "trend_alt",
    "trend_data",
]
