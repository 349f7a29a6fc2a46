"""Trimming of extreme weights."""

from __future__ import annotations

from typing import Any

import numpy as np

from uncac_metrics.model import Fault, Faults
from uncac_metrics.stats.survey.design import Design

Array = np.ndarray


def trim(design: Design, lower: float = 0.0, upper: float = np.inf, *, strict: bool = True) -> Design:
    """Trimmed weights: those beyond a bound are set to it, and what they lose is shared equally by the rest.

    The totals of an earlier calibration are no longer met, so calibrate after trimming. The variance takes the
    trimmed weights as given; trimming trades a smaller variance for some bias.

    Parameters
    ----------
    design : Design
    lower, upper : float
        Bounds of the weights (not of factors), in units of the population.
    strict : bool
        Repeat until no weight is beyond the bounds (weights once trimmed take no share); otherwise the shares may
        carry some beyond again.

    Returns
    -------
    Design
        With replicates: each keeps its factors of the units.

    Raises
    ------
    Faults
        Bounds that no weights with the same sum can keep.

    References
    ----------
    Potter, F.J. (1990). A study of procedures to identify and trim extreme sampling weights. Proc. Survey Research
    Methods Section, ASA, 225–230.

    Examples
    --------
    >>> import pandas as pd
    >>> from uncac_metrics.stats import survey
    >>> frame = pd.DataFrame({"w": [1.0, 2.0, 3.0, 14.0]})
    >>> survey.trim(survey.Design(frame, weight="w"), upper=8).weight
    array([3., 4., 5., 8.])
    """
    weight = design.weight.copy()
    live = weight > 0
    total, n = float(weight.sum()), int(live.sum())
    faults = []
    if not lower <= upper:
        faults.append(Fault("trim", "bounds", f"the lower bound {lower:,g} is above the upper {upper:,g}", "swap them"))
    elif lower * n > total or upper * n < total:
        what = f"{n:,} weights between {lower:,g} and {upper:,g} cannot sum to {total:,.10g}"
        faults.append(Fault("trim", "bounds", what, f"the bounds must hold the mean weight, {total / n:,.6g}"))
    if faults:
        raise Faults(faults)
    trimmed = np.zeros(design.n, dtype=bool)
    while True:
        outside = live & ((weight < lower) | (weight > upper))
        if not outside.any():
            break
        trimmed |= outside
        clipped = np.clip(weight[outside], lower, upper)
        surplus = (weight[outside] - clipped).sum()
        weight[outside] = clipped
        others = live & ~trimmed
        if not others.any():  # all have been at a bound: those at the other bound have room
            others = live & ((weight < upper) if surplus > 0 else (weight > lower))
        weight[others] += surplus / others.sum()
        if not strict:
            break
    words = f"weights trimmed to [{lower:,g}, {upper:,g}]"
    return reweighted(design, weight, (words,))


def reweighted(design: Design, weight: Array, words: tuple[str, ...], calibration: Any = None) -> Design:
    """The design with new weights, and the units and strata that have any."""
    first = design.stages[0]
    live = np.zeros(first.stratum.size, dtype=bool)
    live[first.unit[design.unit[weight != 0]]] = True
    return design.changed(
        weight=weight, calibration=calibration, adjustments=(*design.adjustments, *words), n_psu=int(live.sum()),
        n_strata=int(np.unique(first.stratum[live]).size),
    )  # fmt: skip
