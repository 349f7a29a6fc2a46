"""Rules of progress as data: what is measured, where the cut-offs lie, what the categories are called."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd

from uncac_metrics.model import Fault, Faults

Array = np.ndarray


@dataclass(frozen=True)
class Branch:
    """How a measure becomes a category, with a target or without one."""

    measure: str
    """Name in :data:`uncac_metrics.stats.trends.measures.MEASURES`."""
    cuts: tuple[float, ...]
    """Ascending; one fewer than `categories`."""
    categories: tuple[str, ...]
    """In the order of the measure, from its low to its high end."""
    at_cut: tuple[str, ...] = ()
    """For every cut, whether a measure that is exactly there is ``above`` (the default) or ``below`` it."""
    low_is_better: bool = False
    shrinks: bool = False
    """The cuts are multiplied by `limit_factor`, which shrinks them near natural limits."""
    met: str = ""
    """Category of its own for a target that is met; the best of `categories` without one."""
    score: Mapping[str, Any] = field(default_factory=dict)
    """Knots of a piecewise linear score: ``measure`` and ``score``, and the score of a target ``met``."""

    @property
    def names(self) -> tuple[str, ...]:
        """All categories, from the worst to the best."""
        ordered = self.categories[::-1] if self.low_is_better else self.categories
        return (*ordered, self.met) if self.met else ordered

    def place(self, measure: Array, met: Array, limit_factor: float = 1.0) -> Array:
        """Position among `names` of every measure; −1 where it is undefined."""
        cuts = np.asarray(self.cuts) * (limit_factor if self.shrinks else 1.0)
        above = np.array([where == "above" for where in self.at_cut or ("above",) * len(cuts)], dtype=bool)
        m = np.asarray(measure, dtype=float)[..., None]
        place = ((m > cuts) | ((m == cuts) & above)).sum(axis=-1)
        if self.low_is_better:
            place = len(self.categories) - 1 - place
        return np.where(met, len(self.names) - 1, np.where(np.isnan(measure), -1, place))


@dataclass(frozen=True)
class Preset:
    """A published way to judge progress."""

    id: str
    title: str
    source: str
    verified: bool
    """All of the formula and its cut-offs are stated by the source, or by an office that restates it."""
    min_points: int
    scale: str
    """``log`` for compound rates, ``identity`` for lines."""
    projection: Mapping[str, Any]
    """``kind`` is a name in :data:`uncac_metrics.stats.trends.measures.PROJECTIONS`; the rest are its options."""
    target: Branch
    no_target: Branch | None = None
    base: float | None = None
    """Base year; the nearest point before the last stands in for it. None: the first point of the projection."""
    unverified: str = ""
    """What was not verified."""
    met_overrides: bool = False
    """A target that is met now counts as met, whatever the trend."""
    near_bound: float = 0.0
    """A target of 0 or 100 % is met within so much of 100."""
    zero: float = 0.0
    """Stands in for a base or target of zero; 0: a compound rate from zero is undefined."""
    parity: bool = False
    """The target is the best value on either side of it (a measure of parity)."""

    @property
    def status(self) -> str:
        """The name of the method for results, with what is unverified."""
        return self.title if self.verified else f"{self.title} (unverified: {self.unverified})"


@cache
def _read() -> Mapping[str, Preset]:
    file = resources.files("uncac_metrics.stats.trends") / "presets.toml"
    entries = tomllib.loads(file.read_text(encoding="utf-8"))
    return MappingProxyType({key: _preset(key, entry) for key, entry in entries.items()})


def _preset(key: str, entry: dict[str, Any]) -> Preset:
    branches: dict[str, Any] = {name: _branch(entry.pop(name)) for name in ("target", "no_target") if name in entry}
    return Preset(id=key, **entry, **branches)


def _branch(entry: dict[str, Any]) -> Branch:
    lists: dict[str, Any] = {name: tuple(entry[name]) for name in ("cuts", "categories", "at_cut") if name in entry}
    return Branch(**(entry | lists))


def preset(name: str) -> Preset:
    """The preset called `name`.

    Parameters
    ----------
    name : str
        ``unsd_2023``, ``eurostat_open_sdg``, ``regional_current_status``, ``regional_current_status_parity``,
        ``regional_anticipated_progress``, ``sdsn`` or ``germany``.

    Returns
    -------
    Preset

    Raises
    ------
    Faults
        There is none of this name.

    Examples
    --------
    >>> preset("unsd_2023").no_target.cuts
    (0.005, 0.02)
    >>> preset("sdsn").verified
    False
    """
    if name not in _read():
        raise Faults([Fault("progress", "preset", f"no preset {name!r}", f"one of {', '.join(_read())}")])
    return _read()[name]


def presets() -> pd.DataFrame:
    """All presets: a row a branch, with its measure, cut-offs, categories, source and what is unverified.

    Returns
    -------
    DataFrame

    Examples
    --------
    >>> presets().query("branch == 'no_target'")["preset"].tolist()
    ['unsd_2023', 'eurostat_open_sdg']
    """
    rows = [
        {
            "preset": p.id, "title": p.title, "branch": name, "measure": branch.measure, "cuts": branch.cuts,
            "categories": branch.categories, "verified": p.verified, "unverified": p.unverified, "source": p.source,
        }
        for p in _read().values()
        for name, branch in (("target", p.target), ("no_target", p.no_target))
        if branch is not None
    ]  # fmt: skip
    return pd.DataFrame(rows)
