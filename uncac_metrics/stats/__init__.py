"""Arrays and frames in, estimates out; nothing here knows of indicators."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from uncac_metrics.stats import intervals, scores, survey
    from uncac_metrics.stats.differences import compare
    from uncac_metrics.stats.estimates import Estimates, concat

_HOME = {"Estimates": "estimates", "concat": "estimates", "compare": "differences"}
__all__ = ["Estimates", "compare", "concat", "intervals", "scores", "survey"]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
    if name in __all__:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
