"""Identities that published figures must keep: products and sums, checked within their rounding.

The rules are data. What a figure that was rounded may have been is a range, and an identity holds where the range of
the total meets that of the parts; a figure that is exact, as a count, has a range of nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from uncac_metrics.model import BREAKDOWNS, TOTAL, Fault, Faults
from uncac_metrics.results import estimates_file
from uncac_metrics.stats.estimates import Estimates

Array = np.ndarray


@dataclass(frozen=True)
class Identity:
    """A total and what it is the product or the sum of."""

    id: str
    label: str
    total: str
    """Name of the figure on the one side."""
    parts: tuple[str, ...]
    """Names of those on the other."""
    how: Literal["product", "sum"]


IDENTITIES = (
    Identity("bribes_per_adult", "Bribes per adult = contact rate × prevalence × bribes per payer", "bribes_per_adult",
             ("contact", "prevalence", "frequency"), "product"),
    Identity("bribes", "Bribes = adults × contact rate × prevalence × bribes per payer", "bribes",
             ("adults", "contact", "prevalence", "frequency"), "product"),
    Identity("value", "Value of bribes = bribes × share in cash × mean cash bribe", "value",
             ("bribes", "cash_share", "mean_bribe"), "product"),
    Identity("corruption", "Corruption = bribery + other acts of corruption", "corruption",
             ("bribery", "other"), "sum"),
    Identity("sexes", "Total = women + men", "total", ("women", "men"), "sum"),
)  # fmt: skip
"""The identities, by the names of their figures."""

FIGURES: Mapping[str, tuple[str, float]] = {
    "bribes_per_adult": ("BR-06", 1.0), "contact": ("BR-04", 0.01), "prevalence": ("BR-02", 0.01),
    "frequency": ("BR-05", 1.0),
}  # fmt: skip
"""Figures that a release holds: indicator, and the factor that makes a share of a percentage."""
ADDED = ("count", "total")
"""Statistics whose parts by sex add to the total."""


def check(
    figures: pd.DataFrame,
    *,
    rounding: Mapping[str, float] | None = None,
    tolerance: float = 0.0,
    identities: Iterable[Identity] = IDENTITIES,
) -> pd.DataFrame:
    """Check every identity whose figures a table has, row by row.

    Parameters
    ----------
    figures : DataFrame
        A row a publication (country, year), a column a figure under the name that the identities give it; shares
        between 0 and 1. Where a figure is missing the identity is not checked.
    rounding : mapping of figure to number, optional
        Half a unit of the last digit published: 0.005 for 56 %, 500,000 for 87 million. Exact unless given.
    tolerance : float
        Relative difference that is let pass besides.
    identities : iterable of Identity
        Those of :data:`IDENTITIES` unless given.

    Returns
    -------
    DataFrame
        A row for each row of `figures` and identity: ``row`` (its index), ``identity``, ``published``, ``implied``
        (by the parts), ``lower`` and ``upper`` (of what the parts may imply), ``holds``.

    Examples
    --------
    Nigeria in 2023, as published: the product holds within rounding. In 2019 the number of bribes of the earlier
    report does not go with the rates that were published later.

    >>> figures = pd.DataFrame({"bribes": [87e6, 117e6], "adults": [113e6, 113e6], "contact": [0.56, 0.63],
    ...                         "prevalence": [0.27, 0.29], "frequency": [5.1, 5.4]}, index=["2023", "2019"])
    >>> half = {"bribes": 0.5e6, "contact": 0.005, "prevalence": 0.005, "frequency": 0.05, "adults": 0.5e6}
    >>> check(figures, rounding=half)[["row", "published", "implied", "holds"]].round(-5)
        row    published      implied  holds
    0  2023   87000000.0   87100000.0   True
    1  2019  117000000.0  111500000.0  False
    """
    half = dict(rounding or {})
    found = []
    for identity in identities:
        names = (identity.total, *identity.parts)
        if not set(names) <= set(figures.columns):
            continue
        rows = figures.loc[figures[list(names)].notna().all(axis=1), list(names)].astype(float)
        ends = {n: (rows[n].to_numpy() - half.get(n, 0.0), rows[n].to_numpy() + half.get(n, 0.0)) for n in names}
        low, high = (_joined(identity.how, [ends[n][side] for n in identity.parts]) for side in (0, 1))
        slack = tolerance * np.abs(rows[identity.total].to_numpy())
        small = 1e-9 * np.maximum(np.abs(low), np.abs(high))  # sums of decimals
        total = ends[identity.total]
        found.append(
            pd.DataFrame(
                {
                    "row": rows.index, "identity": identity.id, "published": rows[identity.total].to_numpy(),
                    "implied": _joined(identity.how, [rows[n].to_numpy() for n in identity.parts]),
                    "lower": low, "upper": high,
                    "holds": (total[0] - slack - small <= high) & (low <= total[1] + slack + small),
                }
            )
        )  # fmt: skip
    columns = ["row", "identity", "published", "implied", "lower", "upper", "holds"]
    return pd.concat(found, ignore_index=True) if found else pd.DataFrame(columns=columns)


def check_release(release: str | Path | pd.DataFrame | Estimates, *, tolerance: float = 0.05) -> pd.DataFrame:
    """Check the identities between the figures of a release.

    Products of rates are checked for every data set and breakdown that has all of them, with a relative tolerance,
    since each figure rests on those who answered its own question; numbers of women and men must add to the total.

    Parameters
    ----------
    release
        A release (its folder or its ``estimates.csv``) or a table of estimates.
    tolerance : float
        Relative difference between a published product and that of its parts that is let pass.

    Returns
    -------
    DataFrame
        As :func:`check`, with ``row`` saying which data set, area, period and breakdown, and for sums by sex which
        indicator.

    Raises
    ------
    Faults
        A release that is not there or lacks columns.
    """
    table = _read(release)
    by = [b for b in BREAKDOWNS if b in table.columns]
    where = ["dataset", "ref_area", "time_period", *by]
    parts = []
    for figure, (indicator, factor) in FIGURES.items():
        rows = table[table["indicator"] == indicator]
        parts.append(rows.set_index(where)["value"].mul(factor).rename(figure))
    products = pd.concat(parts, axis=1)
    products.index = [_said(key) for key in products.index]
    found = [check(products, tolerance=tolerance)]
    if "sex" in by:
        counted = table[table["statistic"].isin(ADDED)]
        others = ["indicator", *(w for w in where if w != "sex")]
        sexes = counted.pivot_table("value", others, "sex", aggfunc="first")
        sexes = sexes.rename(columns={TOTAL: "total", "F": "women", "M": "men"})
        sexes.index = [_said(key) for key in sexes.index]
        found.append(check(sexes, tolerance=1e-9))
    found = [f for f in found if len(f)]
    return pd.concat(found, ignore_index=True) if found else check(pd.DataFrame())


def _joined(how: str, parts: list[Array]) -> Array:
    return np.multiply.reduce(parts) if how == "product" else np.add.reduce(parts)


def _said(key: tuple[object, ...]) -> str:
    return ", ".join(str(k) for k in key if k != TOTAL)


def _read(release: str | Path | pd.DataFrame | Estimates) -> pd.DataFrame:
    if isinstance(release, Estimates):
        return release.table
    if isinstance(release, pd.DataFrame):
        table = release
    else:
        path = estimates_file(release)
        if not path.is_file():
            raise Faults([Fault(str(release), "", "there is no such release", "give the folder that a build wrote")])
        table = pd.read_csv(path, dtype=dict.fromkeys(BREAKDOWNS, "str"), keep_default_na=True)
    needed = ["indicator", "dataset", "statistic", "ref_area", "time_period", "value"]
    lacking = [c for c in needed if c not in table.columns]
    if lacking:
        raise Faults(Fault("release", c, "the column is missing", "give a table of estimates") for c in lacking)
    return table
