"""An executable statistical framework for measuring corruption and the fight against it.

The face of the library; everything is loaded when it is first used.

>>> import uncac_metrics as um
>>> "load_catalogue" in dir(um)
True
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from uncac_metrics import exchange, plots, stats
    from uncac_metrics.builds import build
    from uncac_metrics.catalogue import coverage, load_catalogue
    from uncac_metrics.composites import compose
    from uncac_metrics.datasets import load_dataset
    from uncac_metrics.estimators import estimate
    from uncac_metrics.stats import Estimates, compare
    from uncac_metrics.vintages import revision_triangle, revisions

__version__ = "0.1.0"

_HOME = {
    "Estimates": "uncac_metrics.stats",
    "build": "uncac_metrics.builds",
    "compare": "uncac_metrics.stats",
    "compose": "uncac_metrics.composites",
    "coverage": "uncac_metrics.catalogue",
    "estimate": "uncac_metrics.estimators",
    "exchange": "",
    "load_catalogue": "uncac_metrics.catalogue",
    "load_dataset": "uncac_metrics.datasets",
    "plots": "",
    "revision_triangle": "uncac_metrics.vintages",
    "revisions": "uncac_metrics.vintages",
    "stats": "",
}
__all__ = [
    "Estimates",
    "__version__",
    "build",
    "compare",
    "compose",
    "coverage",
    "estimate",
    "exchange",
    "load_catalogue",
    "load_dataset",
    "plots",
    "revision_triangle",
    "revisions",
    "stats",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if not _HOME[name]:
        return importlib.import_module(f"{__name__}.{name}")
    value = getattr(importlib.import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
