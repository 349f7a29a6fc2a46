"""Libraries that are imported late: slow to load, or noisy about others that they find installed."""

from __future__ import annotations

import importlib
import warnings
from functools import cache
from typing import Any


@cache
def pandera() -> Any:
    """``pandera.pandas``, ready to validate, without the warnings of the engines that it finds installed."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pa = importlib.import_module("pandera.pandas")
        importlib.import_module("pandera.errors")
        frame = importlib.import_module("pandas").DataFrame({"a": [1]})
        pa.DataFrameSchema({"a": pa.Column(int)}).validate(frame)  # the first one loads what it finds
    return pa
