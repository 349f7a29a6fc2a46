"""The one shape of results."""

from __future__ import annotations

from typing import Any

from uncac_metrics.model import (
    BREAKDOWNS,
    CONF_STATUS,
    DISPLAY,
    ESTIMATE_KEY,
    ESTIMATE_LEADING,
    OBS_STATUS,
    Column,
    Shape,
)

_LABELS = {
    "indicator": "Indicator",
    "dataset": "Data set",
    "statistic": "What is estimated",
    "ref_area": "Country or region",
    "time_period": "Period",
}


def _estimated(name: str, label: str, **more: Any) -> Column:
    return Column(name, "number", label, required=True, **more)


def _said(name: str, label: str, codes: Any = None) -> Column:
    return Column(name, "code" if codes else "text", label, codes, required=True, complete=codes is not None)


ESTIMATES = Shape(
    "estimates",
    "Results",
    "estimate",
    (
        *(Column(n, "text", _LABELS[n], required=True, complete=True) for n in ESTIMATE_LEADING),
        *(Column(name, "text", label, complete=True) for name, label in BREAKDOWNS.items()),
        _estimated("value", "Estimate, in the unit of the card"),
        _estimated("std_error", "Standard error", low=0),
        _estimated("lower", "Lower bound of the interval"),
        _estimated("upper", "Upper bound of the interval"),
        _estimated("conf_level", "Confidence level of the interval", low=0, high=1, open=True),
        _said("interval", "Method of the interval"),
        _estimated("df", "Degrees of freedom", low=0),
        _estimated("n", "Rows that the estimate rests on", low=0),
        _estimated("n_eligible", "Rows of the base, answered or not", low=0),
        _estimated("n_psu", "Primary sampling units with rows of the base", low=0),
        _estimated("events", "Rows that hold what is counted", low=0),
        _said("denominator", "Name of the base: who or what is counted below the line"),
        _estimated("deff", "Design effect against simple random sampling with replacement", low=0),
        _estimated("cv", "Coefficient of variation"),
        _said("unit", "Unit"),
        _said("obs_status", "Status of the observation", OBS_STATUS),
        _said("conf_status", "Confidentiality", CONF_STATUS),
        _said("display", "Whether it is published", DISPLAY),
        _said("reason", "Why it is flagged or withheld"),
        _said("quality", "Grade of reliability"),
        _said("method", "Estimator and variance"),
    ),
    key=(*ESTIMATE_KEY, *BREAKDOWNS),
    ordered=(("lower", "value"), ("value", "upper"), ("n", "n_eligible"), ("events", "n")),
)  # fmt: skip
"""The one shape of results. Breakdown columns are there as far as they are in use."""
