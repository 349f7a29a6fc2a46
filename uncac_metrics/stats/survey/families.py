"""Families and links by name, and outcomes that fit them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from uncac_metrics.model import Fault, Faults
from uncac_metrics.stats.survey.arguments import is_numeric
from uncac_metrics.stats.survey.stages import rows_of

Array = np.ndarray
FAMILIES = {
    "gaussian": "Gaussian", "binomial": "Binomial", "poisson": "Poisson", "gamma": "Gamma",
    "inverse_gaussian": "InverseGaussian",
}  # fmt: skip
LINKS = {
    "identity": "Identity", "log": "Log", "logit": "Logit", "probit": "Probit", "cloglog": "CLogLog",
    "loglog": "LogLog", "cauchit": "Cauchy", "inverse": "InversePower", "inverse_squared": "InverseSquared",
    "sqrt": "Sqrt",
}  # fmt: skip
BOUNDED = {"binomial": (0.0, 1.0), "poisson": (0.0, np.inf), "gamma": (0.0, np.inf), "inverse_gaussian": (0.0, np.inf)}


def family_of(family: Any, link: str | None) -> tuple[Any, str]:
    """A family of statsmodels, and its name here (empty for an object that has none)."""
    from statsmodels.genmod import families

    faults = []
    if isinstance(family, families.Family):
        if link is None:
            name = next((k for k, v in FAMILIES.items() if type(family).__name__ == v), "")
            return family, name
        faults.append(Fault("glm", "link", "the family has a link already", "leave it out"))
    elif family not in FAMILIES:
        what = f"unknown family {family!r}"
        faults.append(Fault("glm", "family", what, f"{', '.join(FAMILIES)}, or a family of statsmodels"))
    if link is not None and link not in LINKS:
        faults.append(Fault("glm", "link", f"unknown link {link!r}", f"one of {', '.join(LINKS)}"))
    if faults:
        raise Faults(faults)
    kind = getattr(families, FAMILIES[family])
    # statsmodels warns of links that can leave the range of the mean; where they do, the fit has no solution
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return (kind() if link is None else kind(link=getattr(families.links, LINKS[link])())), family


def checked_outcome(y: pd.Series, rows: Array, n: int, family: str, where: str) -> Array:
    """The outcome as numbers that the family allows; of two levels the second is the event."""
    if not is_numeric(y):
        levels = list(y.cat.categories) if isinstance(y.dtype, pd.CategoricalDtype) else sorted(y.unique())
        if family != "binomial" or len(levels) > 2:
            what = f"{len(levels)} levels of {y.dtype}" if family == "binomial" else f"holds {y.dtype}, not numbers"
            raise Faults([Fault("glm", where, what, "yes/no or two levels; see multinomial() and ordinal()")])
        numbers = (y == levels[-1]).to_numpy(dtype=float)
    else:
        numbers = y.to_numpy(dtype=float, na_value=np.nan)
    low, high = BOUNDED.get(family, (-np.inf, np.inf))
    outside = ~np.isfinite(numbers) | (numbers < low) | (numbers > high)
    if family in ("gamma", "inverse_gaussian"):
        outside |= numbers == 0
    if outside.any():
        bad = np.zeros(n, dtype=bool)
        bad[rows] = outside
        bounds = {"binomial": "0 to 1", "poisson": "0 or more"}.get(family, "above 0" if family else "finite")
        what = f"values that {family or 'the family'} does not allow"
        raise Faults([Fault("glm", where, what, bounds, **rows_of(bad))])
    if (numbers == numbers[0]).all():
        what = f"all {numbers.size:,} rows have the same outcome ({numbers[0]:g})"
        raise Faults([Fault("glm", where, what, "there is nothing to explain: see proportion() or mean()")])
    return numbers
