"""What may be published: presentation standards, statistical disclosure control, and the attacker's audit of it."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from uncac_metrics.disclosure.argus import suppress_argus
    from uncac_metrics.disclosure.attack import audit
    from uncac_metrics.disclosure.cellkey import cell_keys, perturb, perturbation_table, record_keys
    from uncac_metrics.disclosure.presentation import Standard, present, standard, standards
    from uncac_metrics.disclosure.protection import Protected, protect
    from uncac_metrics.disclosure.rounding import round_controlled, round_conventional, round_random
    from uncac_metrics.disclosure.rules import primary, threshold
    from uncac_metrics.disclosure.suppression import Suppressed, suppress
    from uncac_metrics.disclosure.tables import Table, link, spread, table, tabulate

_HOME = {
    "Standard": "presentation", "present": "presentation", "standard": "presentation", "standards": "presentation",
    "primary": "rules", "threshold": "rules",
    "Table": "tables", "link": "tables", "spread": "tables", "table": "tables", "tabulate": "tables",
    "Suppressed": "suppression", "suppress": "suppression", "audit": "attack", "suppress_argus": "argus",
    "Protected": "protection", "protect": "protection",
    "round_controlled": "rounding", "round_conventional": "rounding", "round_random": "rounding",
    "cell_keys": "cellkey", "perturb": "cellkey", "perturbation_table": "cellkey", "record_keys": "cellkey",
}  # fmt: skip
__all__ = [
    "Protected", "Standard", "Suppressed", "Table", "audit", "cell_keys", "link", "perturb", "perturbation_table",
    "present", "primary", "protect", "record_keys", "round_controlled", "round_conventional", "round_random",
    "spread", "standard", "standards", "suppress", "suppress_argus", "table", "tabulate", "threshold",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
