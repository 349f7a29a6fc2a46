"""Where the shipped definitions and data sets lie: inside an installed wheel, or beside the package in a checkout."""

from __future__ import annotations

from functools import cache
from pathlib import Path


@cache
def data_folder() -> Path:
    """The folder that holds ``indicators/`` and ``datasets/``."""
    package = Path(__file__).resolve().parent
    for folder in (package / "_data", package.parent):
        if (folder / "datasets" / "reference").is_dir():
            return folder
    raise FileNotFoundError(
        f"the definitions and data sets of uncac_metrics are missing beside {package}: install the package again"
    )


def indicators_folder() -> Path:
    """The shipped indicator cards."""
    return data_folder() / "indicators"


def datasets_folder() -> Path:
    """The shipped data sets, reference tables and the example office."""
    return data_folder() / "datasets"
