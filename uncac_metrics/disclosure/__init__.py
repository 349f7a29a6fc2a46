"""What may be published: presentation standards, statistical disclosure control, and the attacker's audit of it."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from uncac_metrics.disclosure.presentation import Standard, present, standard, standards

_HOME = {
    "Standard": "presentation",
    "present": "presentation",
    "standard": "presentation",
    "standards": "presentation",
}
__all__ = ["Standard", "present", "standard", "standards"]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
