r"""Direct standardisation: domains compared as if they had one population structure.

The standardised mean of domain d is :math:`\sum_a p_a \bar y_{ad}`, with the shares :math:`p_a` of a standard
population over classes a. It is the mean under weights that are post-stratified in every domain to
:math:`p_a \hat N_d`, :math:`\hat N_d = \sum_{i \in d} w_i`, and its variance is that of the residuals from the means of
the cells; :math:`\hat N_d` cancels from it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from uncac_metrics.model import Fault, Faults
from uncac_metrics.stats.survey.calibration import calibrated
from uncac_metrics.stats.survey.design import Design, unknown_column
from uncac_metrics.stats.survey.distances import FREE
from uncac_metrics.stats.survey.stages import rows_of
from uncac_metrics.stats.survey.targets import by_level, cells, shown, some

Array = np.ndarray


def standardise(
    design: Design, by: str | Sequence[str], population: Mapping[Any, float] | pd.Series | pd.DataFrame, *,
    over: str | Sequence[str] | None = None, excluding_missing: str | Sequence[str] | None = None,
    partial: bool = False,
) -> Design:  # fmt: skip
    r"""A design under which means and shares of domains are directly standardised.

    Parameters
    ----------
    design : Design
    by : str or list of str
        Column of classes of the standard population (age groups), or columns that are crossed.
    population : dict, Series or DataFrame
        Size or share of each class in the standard population.
    over : str or list of str, optional
        Columns of the domains to be compared; each combination of their levels is standardised. None: the whole.
    excluding_missing : str or list of str, optional
        Rows with a missing value in these columns get weight zero. Name the analysis variable: the standard shares
        are then those of the rows that answer.
    partial : bool
        A domain without any row of a class is standardised over the classes that it has; otherwise it is an error.

    Returns
    -------
    Design
        For means, ratios and shares within the domains of `over` (totals are those of a population with the standard
        structure, of the size that the sample estimates).

    Raises
    ------
    Faults
        Unknown columns, missing values, classes without a share, shares without a class, empty cells.

    References
    ----------
    Korn, E.L. & Graubard, B.I. (1999). Analysis of Health Surveys. Wiley. Section 2.6.
    Klein, R.J. & Schoenborn, C.A. (2001). Age adjustment using the 2000 projected U.S. population. Healthy People
    Statistical Notes 20. NCHS.

    Examples
    --------
    >>> import pandas as pd
    >>> from uncac_metrics.stats import survey
    >>> frame = pd.DataFrame(
    ...     {"w": 1.0, "age": list("yyyoyooo"), "area": list("UUUURRRR"), "paid": [1, 1, 0, 0, 1, 0, 0, 1]}
    ... )
    >>> design = survey.standardise(survey.Design(frame, weight="w"), "age", {"y": 50, "o": 50}, over="area")
    >>> survey.mean(design, "paid", by="area").table[["area", "value"]].round(6)
      area     value
    0    R  0.666667
    1    U  0.333333
    """
    classes, domains, excluding = _names(by), _names(over), _names(excluding_missing)
    data, faults = design.data, []
    for role, names in (("by", classes), ("over", domains), ("excluding_missing", excluding)):
        faults += [unknown_column(data, c, role) for c in names if c not in data.columns]
    place = f"population of {' × '.join(classes)!r}"
    shares = by_level(population, classes, place, "standardise", faults)
    if shares is not None:
        bad = [shown(classes, k) for k, v in shares.items() if not (np.isfinite(v) and v > 0)]
        if bad:
            what = f"sizes that are not positive numbers: {some(bad)}"
            faults.append(Fault("standardise", place, what, "leave a class out, or correct its size"))
    if faults or shares is None:
        raise Faults(faults)
    weight = design.weight
    if excluding:
        weight = np.where(data[list(excluding)].isna().any(axis=1), 0.0, weight)
    live = np.flatnonzero(weight > 0)
    if not live.size:
        raise Faults([Fault("standardise", "excluding_missing", "no row is left", "name columns with answers")])
    kept = data.iloc[live]
    missing = kept[[*classes, *domains]].isna().any(axis=1).to_numpy()
    if missing.any():
        mask = np.zeros(design.n, dtype=bool)
        mask[live[missing]] = True
        remedy = "name them in excluding_missing too, or impute them"
        raise Faults([Fault("standardise", "by, over", "missing values", remedy, **rows_of(mask))])
    code, levels = cells(kept, domains) if domains else (np.zeros(live.size, dtype=np.intp), [()])
    size = np.bincount(code, weights=weight[live], minlength=len(levels))
    total = sum(shares.values())
    totals = {(*a, *d): p / total * n for a, p in shares.items() for d, n in zip(levels, size, strict=True)}
    words = f"standardised by {' × '.join(classes)}" + (f" over {' × '.join(domains)}" if domains else "")
    if excluding:
        words += f", rows with {', '.join(excluding)}"
    return calibrated(
        design, {(*classes, *domains): totals}, None, "linear", FREE, name="standardise", words=words, weight=weight,
        partial=partial,
    )  # fmt: skip


def _names(value: str | Sequence[str] | None) -> tuple[str, ...]:
    return () if value is None else (value,) if isinstance(value, str) else tuple(value)
