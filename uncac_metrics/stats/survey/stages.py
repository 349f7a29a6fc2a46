"""Stages of sampling: integer codes of strata and units, and the factors that the variance needs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from uncac_metrics.model import Fault, Faults

Array = np.ndarray


@dataclass(frozen=True)
class Stage:
    """One stage of sampling, as the variance needs it."""

    unit: Array
    """Index of the stage's unit for every final unit, shape (final units,)."""
    stratum: Array
    """Index of the stratum for every unit of the stage, shape (units,)."""
    size: Array
    """Units sampled in each stratum, shape (strata,)."""
    factor: Array
    """c in ``Σ_strata c Σ (z − z̄)²``: (1 − f) n / (n − 1) times the sampling fractions of the stages above."""
    lonely: Array
    """Strata with one sampled unit that was not taken with certainty, shape (strata,)."""
    unit_factor: Array | None = None
    """Further factor of each unit's contribution (1 − inclusion probability under Brewer's approximation)."""


def dense_codes(values: pd.Series) -> Array:
    """Dense codes in the order of the values."""
    array = values.to_numpy() if isinstance(values.dtype, np.dtype) else None
    if array is not None and array.dtype.kind in "iu" and array.size:
        return whole_codes(array)[0].astype(np.intp, copy=False)
    return pd.factorize(values, sort=True)[0].astype(np.intp, copy=False)


def whole_codes(array: Array) -> tuple[Array, list[int]]:
    """Dense codes of whole numbers in their order, and the numbers.

    Parameters
    ----------
    array : integer array of shape (n,)

    Returns
    -------
    codes : integer array
        The array itself where it holds dense codes.
    levels : list of int
    """
    low, high = (int(array.min()), int(array.max())) if array.size else (0, -1)
    if high - low > 4 * array.size + 1000:
        found, codes = np.unique(array, return_inverse=True)
        return codes, found.tolist()
    seen = np.zeros(high - low + 1, dtype=bool)
    shifted = array if low == 0 else np.subtract(array, low, dtype=np.int64)
    for start in range(0, array.size, 65_536):  # in the cache
        seen[shifted[start : start + 65_536]] = True
        if seen.all():
            break
    levels = (np.flatnonzero(seen) + low).tolist()
    return (shifted if seen.all() else (np.cumsum(seen) - 1)[shifted]), levels


def runs(data: pd.DataFrame, names: Sequence[str]) -> Array | None:
    """First rows of the runs of rows that are alike in these columns; None where runs are short or not plain to see."""
    if not names or not len(data):
        return None
    change = np.zeros(len(data), dtype=bool)
    change[0] = True
    for name in names:
        values = data[name]
        codes = values.cat.codes if isinstance(values.dtype, pd.CategoricalDtype) else values
        if not (isinstance(codes.dtype, np.dtype) and codes.dtype.kind in "iufb"):
            return None
        array = codes.to_numpy()
        change[1:] |= array[1:] != array[:-1]
    starts = np.flatnonzero(change)
    return starts if 4 * starts.size <= len(data) else None


def combine(*codes: Array) -> Array:
    """Dense codes of the combinations that occur."""
    out = codes[0]
    for c in codes[1:]:
        n = int(c.max(initial=0)) + 1
        out = dense_codes(pd.Series(out.astype(np.int64) * n + c))
    return out


def rows_of(mask: Array) -> dict[str, Any]:
    """First rows and number of rows of a mask, as arguments of a Fault."""
    where = np.flatnonzero(mask)
    return {"rows": tuple(int(i) + 1 for i in where[:5]), "count": int(where.size)}


def collapse(strata: Array, psus: Array, population: list[Array]) -> tuple[Array, list[Array]]:
    """Merge each stratum of one PSU with its neighbour, population sizes added."""
    pairs = pd.DataFrame({"h": strata, "p": psus}).drop_duplicates()
    size = np.bincount(pairs["h"])
    units = np.full(size.size, np.inf)
    if population:
        units[strata] = population[0]
        if units.max() <= 1:
            units = size / units
    group = np.empty(size.size, dtype=np.intp)
    last, open_group = -1, False
    for h in range(size.size):
        if open_group:
            open_group = False
        else:
            last += 1
            open_group = bool(size[h] == 1 and units[h] > 1)
        group[h] = last
    if open_group and last:
        group[group == last] = last - 1
    merged = group[strata]
    if population:
        population = [np.bincount(group, weights=units)[merged], *population[1:]]
    return merged, population


def certain_apart(strata: Array, psus: Array, population: list[Array], names: list[str], singleton: str) -> Array:
    """Strata with each PSU of probability one in a stratum of its own: it stands for itself only."""
    faults = []
    if not population:
        faults.append(Fault("Design", "fpc", "no inclusion probabilities", "name their column as fpc (pps=True)"))
    elif (population[0] > 1).any():
        remedy = "give the probability that the row's PSU is in the sample"
        what = "inclusion probabilities above 1"
        faults.append(Fault("Design", f"fpc {names[0]!r}", what, remedy, **rows_of(population[0] > 1)))
    if singleton == "collapse":
        remedy = 'merge the strata yourself, or choose "adjust", "average" or "certainty"'
        faults.append(Fault("Design", "singleton", "collapse is not defined for unequal probabilities", remedy))
    if faults:
        raise Faults(faults)
    certain = population[0] == 1
    if not certain.any():
        return strata
    return dense(np.where(certain, strata.max() + 1 + psus, strata))


def make_stages(
    strata: Array, ids: list[Array], population: list[Array], names: list[str], pps: bool = False
) -> tuple[tuple[Stage, ...], Array, Array]:
    """Stages that add variance, the final unit of each row and the weights of units that the sizes imply."""
    depth = max(1, min(len(population), len(ids)))
    stage_unit: list[Array] = []
    above = strata
    nodes = []
    for s in range(depth):
        unit = dense(ids[s]) if s == 0 else combine(stage_unit[-1], ids[s])
        nodes.append((above, unit))
        stage_unit.append(unit)
        above = unit
    final = stage_unit[-1]
    n_final = int(final.max()) + 1
    stages, faults = [], []
    # by stratum of the stage: the sampling fractions of the stages above, multiplied, and the weights they imply
    carry = implied = np.ones(int(strata.max()) + 1)
    for s, (parent, unit) in enumerate(nodes):
        n_units, n_parents = int(unit.max()) + 1, len(carry)
        stratum = np.empty(n_units, dtype=np.intp)
        stratum[unit] = parent
        size = np.bincount(stratum, minlength=n_parents)
        fraction = np.zeros(n_parents)
        taken = unit_factor = None
        if pps and s == 0:
            taken = np.empty(n_units)
            taken[unit] = population[0]
            uneven = population[0] != taken[unit]
            if uneven.any():
                remedy = "one inclusion probability for each"
                faults.append(Fault("Design", f"fpc {names[0]!r}", "differs within a PSU", remedy, **rows_of(uneven)))
            unit_factor = 1 - taken
        elif s < len(population):
            given = population[s]
            of_parent = np.empty(n_parents)
            of_parent[parent] = given
            uneven = given != of_parent[parent]
            if uneven.any():
                what = "differs within a stratum" if s == 0 else "differs within a unit"
                remedy = "one population size for each"
                faults.append(Fault("Design", f"fpc {names[s]!r}", what, remedy, **rows_of(uneven)))
            fraction = of_parent if given.max() <= 1 else size / of_parent
            over = fraction > 1 + 1e-12
            if over.any():
                what, remedy = "smaller than the number of sampled units", "give the units in the population"
                faults.append(Fault("Design", f"fpc {names[s]!r}", what, remedy, **rows_of(over[parent])))
        with np.errstate(divide="ignore", invalid="ignore"):
            factor = carry * (1 - fraction) * np.where(size > 1, size / (size - 1.0), 1.0)
        lonely = (size == 1) & (factor > 1e-7)
        if unit_factor is not None:
            lonely &= np.bincount(stratum, weights=unit_factor, minlength=n_parents) > 1e-7
        factor = np.where(factor > 1e-12, factor, 0.0)
        of_final = np.arange(n_final)
        if depth > 1:
            of_final = np.empty(n_final, dtype=np.intp)
            of_final[final] = unit
        stages.append(Stage(of_final, stratum, size, factor, lonely, unit_factor))
        taken = fraction[stratum] if taken is None else taken
        carry, implied = carry[stratum] * taken, implied[stratum] / np.where(taken > 0, taken, 1)
    if faults:
        raise Faults(faults)
    return tuple(stages), final, implied


def dense(codes: Array) -> Array:
    """Dense codes 0, 1, … in the order of the codes given."""
    return dense_codes(pd.Series(codes))
