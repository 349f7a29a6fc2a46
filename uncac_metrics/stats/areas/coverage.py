"""When an aggregate of areas may be shown, and how it is made: published conditions as data."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from types import MappingProxyType

import numpy as np
import pandas as pd

from uncac_metrics.model import Fault, Faults

Array = np.ndarray


@dataclass(frozen=True)
class Rule:
    """How areas become an aggregate, and how many of them it takes."""

    id: str
    title: str
    source: str = ""
    verified: bool = True
    """All of the condition is stated by the source."""
    unverified: str = ""
    """What was not verified."""
    weighted: bool = True
    """Areas count with their weight; otherwise all count the same, and no weight is asked for."""
    periods: str = "each"
    """Which rows of an area count: those of ``each`` period apart, its ``latest`` one, or ``all`` of its rows alike."""
    min_share: float = 0.0
    """Least share of the weight of all areas that the areas with a value have."""
    min_count_share: float = 0.0
    """Least share of the areas that have a value."""
    min_areas: int = 1
    """Least number of areas with a value."""
    strict: bool = False
    """The shares must be above these, not only reach them."""

    def holds(self, share: Array, count: Array, of: Array) -> Array:
        """Whether aggregates with this share of the weight and this count of areas out of so many may be shown."""
        enough = np.greater if self.strict else np.greater_equal
        with np.errstate(divide="ignore", invalid="ignore"):
            counted = np.where(of > 0, count / of, 0.0)
        by_weight = enough(share, self.min_share) | (self.min_share == 0)
        by_count = enough(counted, self.min_count_share) | (self.min_count_share == 0)
        return by_weight & by_count & (count >= self.min_areas)

    @property
    def wants(self) -> str:
        """The condition in words."""
        more = "more than" if self.strict else "at least"
        parts = []
        if self.min_share:
            parts.append(f"{more} {100 * self.min_share:g} % of the weight")
        if self.min_count_share:
            parts.append(f"{more} {100 * self.min_count_share:g} % of the areas")
        if self.min_areas > 1:
            parts.append(f"at least {self.min_areas} areas")
        return ", ".join(parts) or "one area"


@cache
def _read() -> Mapping[str, Rule]:
    file = resources.files("uncac_metrics.stats.areas") / "coverage.toml"
    entries = tomllib.loads(file.read_text(encoding="utf-8"))
    return MappingProxyType({key: Rule(id=key, **entry) for key, entry in entries.items()})


def rule(name: str) -> Rule:
    """The rule called `name`.

    Parameters
    ----------
    name : str
        ``none``, ``sdg_16_5_2``, ``half``, ``faostat``, ``eurostat_silc``, ``escap`` or ``unece``.

    Returns
    -------
    Rule

    Raises
    ------
    Faults
        There is none of this name.

    Examples
    --------
    >>> rule("eurostat_silc").wants
    'at least 70 % of the weight'
    """
    if name not in _read():
        raise Faults([Fault("aggregate", "rule", f"no rule {name!r}", f"one of {', '.join(_read())}")])
    return _read()[name]


def rules() -> pd.DataFrame:
    """All rules: what they ask for, whether they weight, their source and what is unverified.

    Returns
    -------
    DataFrame

    Examples
    --------
    >>> rules().query("not weighted")["rule"].tolist()
    ['sdg_16_5_2', 'escap', 'unece']
    """
    rows = [
        {
            "rule": r.id, "title": r.title, "wants": r.wants, "weighted": r.weighted, "periods": r.periods,
            "verified": r.verified, "unverified": r.unverified, "source": r.source,
        }
        for r in _read().values()
    ]  # fmt: skip
    return pd.DataFrame(rows)
