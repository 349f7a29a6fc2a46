"""Change over time, with the errors of the estimates: slopes, tests, breaks, splices and progress to targets."""

from uncac_metrics.stats.trends.breaks import level_break, pettitt, snht
from uncac_metrics.stats.trends.changes import annual_change
from uncac_metrics.stats.trends.monotone import mann_kendall, sen_slope
from uncac_metrics.stats.trends.presets import Branch, Preset, preset, presets
from uncac_metrics.stats.trends.progress import Progress, progress
from uncac_metrics.stats.trends.series import years
from uncac_metrics.stats.trends.slopes import project, reaches, slope
from uncac_metrics.stats.trends.splices import splice

__all__ = [
    "Branch",
    "Preset",
    "Progress",
    "annual_change",
    "level_break",
    "mann_kendall",
    "pettitt",
    "preset",
    "presets",
    "progress",
    "project",
    "reaches",
    "sen_slope",
    "slope",
    "snht",
    "splice",
    "years",
]
