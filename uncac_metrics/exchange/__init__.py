"""Releases in the formats of others: SDMX, Open SDG, CSV on the Web, Data Package, reference metadata, RO-Crate."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from uncac_metrics.exchange.check import check_exchange, schema_of
    from uncac_metrics.exchange.frames import cells, to_sdmx_csv
    from uncac_metrics.exchange.release import DEFAULT, FORMATS, Format, release_files
    from uncac_metrics.exchange.sdg import sdg_cells, sdg_structure
    from uncac_metrics.exchange.sdmx import data_xml, read_structure, structure_xml
    from uncac_metrics.exchange.structures import Component, Structure, own_structure, publishable

_HOME = {
    "Component": "structures",
    "DEFAULT": "release",
    "FORMATS": "release",
    "Format": "release",
    "Structure": "structures",
    "cells": "frames",
    "check_exchange": "check",
    "data_xml": "sdmx",
    "own_structure": "structures",
    "publishable": "structures",
    "read_structure": "sdmx",
    "release_files": "release",
    "schema_of": "check",
    "sdg_cells": "sdg",
    "sdg_structure": "sdg",
    "structure_xml": "sdmx",
    "to_sdmx_csv": "frames",
}
__all__ = [
    "DEFAULT",
    "FORMATS",
    "Component",
    "Format",
    "Structure",
    "cells",
    "check_exchange",
    "data_xml",
    "own_structure",
    "publishable",
    "read_structure",
    "release_files",
    "schema_of",
    "sdg_cells",
    "sdg_structure",
    "structure_xml",
    "to_sdmx_csv",
]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
