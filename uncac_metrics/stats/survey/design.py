"""The sampling design: integer codes of strata and units, made once, and what is wrong with them."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import pandas as pd

from uncac_metrics.model import SINGLETON_RULES, Fault, Faults

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


@dataclass(frozen=True, init=False, eq=False)
class Design:
    r"""A complex sample: rows with weights, strata, sampling units and population sizes.

    Parameters
    ----------
    data : DataFrame of n rows
        The sample; a row an interviewed unit. It is not copied and must not be changed afterwards.
    weight : str or None
        Column of design weights: finite, not negative, not all zero. None: the weights that `fpc` implies
        (the product of N/n over the stages), or 1 without `fpc`.
    stratum : str, optional
        Column of first-stage strata.
    psu : str or list of str, optional
        Column of primary sampling units, or one column a stage. Without it every row is its own unit.
    fpc : str or list of str, optional
        Column of the number of units in the population of the row's stratum, or of sampling fractions (all values
        ≤ 1); one a stage (for stage 2: units in the row's PSU). Without it the variance is that of sampling with
        replacement, and later stages add nothing.
    pps : bool
        The PSUs were drawn with unequal probabilities, without replacement, and the first `fpc` is the inclusion
        probability of the row's PSU. Variance by Brewer's approximation; :func:`pps_design` has the others.
    nest : bool
        PSU labels are used again in other strata, so that stratum and label together name a PSU. Without it a PSU
        label that stands in two strata is an error.
    singleton : {"error", "certainty", "adjust", "average", "collapse"}
        What to do with a stratum that has one PSU and is not taken whole: refuse; count it as taken with certainty
        (adds nothing); centre it at the mean of all PSUs; give it the mean variance of the other strata; merge it
        with the next stratum in order of the labels (the last one with the one before).
    singleton_domain : bool
        Apply "adjust" and "average" also to strata where only one PSU has members of the domain.
    frame : str, optional
        Name of the master sample that the PSUs come from. Estimates from two designs with the same frame have a
        covariance through the PSUs they share; otherwise samples are taken as independent.

    Attributes
    ----------
    n, n_psu, n_strata, df : int
        Rows; first-stage units and strata with a positive weight; ``n_psu − n_strata``.

    Raises
    ------
    Faults
        Everything that is wrong with the columns, at once.

    Examples
    --------
    >>> import pandas as pd
    >>> from uncac_metrics.stats.survey import Design
    >>> frame = pd.DataFrame({"w": [2.0, 2.0, 3.0, 3.0], "h": ["a", "a", "b", "b"], "paid": [0, 1, 0, 0]})
    >>> Design(frame, weight="w", stratum="h")
    Design(4 rows, 4 PSUs in 2 strata, 2 df, sum of weights 10)
    """

    data: pd.DataFrame
    weight: Array
    unit: Array
    """Final sampling unit of every row, shape (n,)."""
    stages: tuple[Stage, ...]
    singleton: str
    singleton_domain: bool
    frame: str | None
    labels: pd.MultiIndex | None
    """(stratum, PSU) label of every first-stage unit; kept where `frame` is given."""
    n_units: int
    n_psu: int
    n_strata: int
    quadratic: Any
    """Symmetric form Q (``Q @ z``) of a variance z'Qz by final unit, in the place of the stages."""
    calibration: Any
    """Calibration variables that the weights meet; see :mod:`uncac_metrics.stats.survey.calibration`."""
    replicates: Any
    """Replicate weights, in the place of linearisation; see :mod:`uncac_metrics.stats.survey.replicates`."""
    adjustments: tuple[str, ...]
    """What was done to the weights since (trimming, calibration), in words."""

    def __init__(
        self,
        data: pd.DataFrame,
        *,
        weight: str | None,
        stratum: str | None = None,
        psu: str | Sequence[str] | None = None,
        fpc: str | Sequence[str] | None = None,
        pps: bool = False,
        nest: bool = False,
        singleton: str = "error",
        singleton_domain: bool = False,
        frame: str | None = None,
    ):
        units, sizes = _listed(psu), _listed(fpc)
        if singleton not in SINGLETON_RULES:
            raise Faults(
                [
                    Fault(
                        "Design",
                        "singleton",
                        f"unknown rule {singleton!r}",
                        f"one of {', '.join(SINGLETON_RULES)}",
                    )
                ]
            )
        _check(data, weight, stratum, units, sizes)
        strata = dense_codes(data[stratum]) if stratum else np.zeros(len(data), dtype=np.intp)
        ids = [dense_codes(data[u]) for u in units] or [np.arange(len(data))]
        # element sampling below the named clusters: an fpc for one stage more than there are units
        if len(sizes) == len(ids) + 1:
            ids.append(np.arange(len(data)))
        psus = _combine(strata, ids[0]) if nest and units else ids[0]
        if stratum and units and not nest:
            _check_nested(data, stratum, units[0], strata, psus)
        population = [data[s].to_numpy(dtype=float) for s in sizes]
        if pps:
            strata = _certain_apart(strata, psus, population, sizes, singleton)
        elif singleton == "collapse":
            strata, population = _collapse(strata, psus, population)
        stages, unit, implied = _stages(strata, [psus, *ids[1:]], population, sizes, pps)
        w = implied[unit] if weight is None else data[weight].to_numpy(dtype=float)
        first = stages[0]
        if singleton in ("error", "collapse"):
            _check_lonely(data, stratum, strata, stages)
        live = np.full(first.stratum.size, bool(w.min() > 0))
        if not live[0]:
            live[first.unit[unit[w > 0]]] = True
        labels = None
        if frame is not None:
            rows = np.empty(first.stratum.size, dtype=np.intp)
            rows[first.unit[unit]] = np.arange(len(data))
            labels = pd.MultiIndex.from_arrays(
                [
                    data[c].astype(str).to_numpy()[rows] if c else rows * 0
                    for c in (stratum, units[0] if units else None)
                ]
            )
        values = {
            "data": data, "weight": w, "unit": unit, "stages": stages, "singleton": singleton,
            "singleton_domain": singleton_domain, "frame": frame, "labels": labels,
            "n_units": int(stages[-1].unit.size), "n_psu": int(live.sum()),
            "n_strata": int(np.unique(first.stratum[live]).size), "quadratic": None, "calibration": None,
            "replicates": None, "adjustments": (),
        }  # fmt: skip
        for name, value in values.items():
            object.__setattr__(self, name, value)

    def changed(self, **values: Any) -> Design:
        """A copy with some attributes set anew: how calibrated, replicate and two-phase designs are made."""
        copy = object.__new__(Design)
        for f in fields(self):
            object.__setattr__(copy, f.name, values.get(f.name, getattr(self, f.name)))
        return copy

    @property
    def n(self) -> int:
        return len(self.weight)

    @property
    def df(self) -> int:
        if self.replicates is not None:
            return self.replicates.df
        return self.n_psu - self.n_strata

    @property
    def method(self) -> str:
        """How variances are made, in words."""
        if self.replicates is not None:
            return "; ".join([self.replicates.method, *self.adjustments])
        size = f"{self.n_strata:,} strata, {self.n_psu:,} PSUs, singleton: {self.singleton}"
        form = [self.quadratic.name] if self.quadratic is not None else []
        if self.stages[0].unit_factor is not None and not form:
            form = ["unequal probabilities by Brewer's approximation"]
        return "; ".join(["Taylor linearisation", *form, size, *self.adjustments])

    def __repr__(self) -> str:
        return (
            f"Design({self.n:,} rows, {self.n_psu:,} PSUs in {self.n_strata:,} strata, {self.df:,} df, "
            f"sum of weights {self.weight.sum():,.10g})"
        )


def column(data: pd.DataFrame, name: str, role: str) -> pd.Series:
    """The column called `name`, or a fault that gives the nearest name."""
    if name not in data.columns:
        raise Faults([_unknown(data, name, role)])
    return data[name]


def _unknown(data: pd.DataFrame, name: str, role: str) -> Fault:
    near = difflib.get_close_matches(str(name), [str(c) for c in data.columns], n=1)
    return Fault(
        "Design",
        role,
        f"no column {name!r} in the data",
        f"did you mean {near[0]!r}?" if near else "name a column",
    )


def _listed(value: str | Sequence[str] | None) -> list[str]:
    return [] if value is None else [value] if isinstance(value, str) else list(value)


def dense_codes(values: pd.Series) -> Array:
    """Dense codes in the order of the values."""
    array = values.to_numpy() if isinstance(values.dtype, np.dtype) else None
    if array is not None and array.dtype.kind in "iu" and array.size:
        low = int(array.min())
        span = int(array.max()) - low + 1
        if span <= 4 * array.size + 1000:  # small whole numbers: addressed directly
            shifted = array.astype(np.intp, copy=False)
            if low:
                shifted = shifted - low
            seen = np.zeros(span, dtype=bool)
            seen[shifted] = True
            return shifted if seen.all() else (np.cumsum(seen) - 1)[shifted]
    return pd.factorize(values, sort=True)[0].astype(np.intp, copy=False)


def _combine(*codes: Array) -> Array:
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


def _check(data: pd.DataFrame, weight: str | None, stratum: str | None, units: list[str], sizes: list[str]) -> None:
    roles = [("weight", weight), ("stratum", stratum)] + [("psu", u) for u in units] + [("fpc", s) for s in sizes]
    named = [(role, name) for role, name in roles if name is not None]
    faults = [_unknown(data, name, role) for role, name in named if name not in data.columns]
    if faults:
        raise Faults(faults)
    if not len(data):
        raise Faults([Fault("Design", "data", "no rows", "a design needs at least one")])
    for role, name in named:
        values = data[name]
        missing = values.isna().to_numpy()
        if missing.any():
            remedy = "give every row one, or leave the rows out and adjust the weights of the others"
            faults.append(Fault("Design", f"{role} {name!r}", "missing values", remedy, **rows_of(missing)))
        if role in ("weight", "fpc"):
            if not pd.api.types.is_numeric_dtype(values):
                faults.append(Fault("Design", f"{role} {name!r}", "not numeric", "convert the column to numbers"))
                continue
            numbers = values.to_numpy(dtype=float, na_value=np.nan)
            if numbers.size and numbers.min() > 0 and numbers.max() < np.inf:
                continue
            if np.isinf(numbers).any():
                faults.append(Fault("Design", f"{role} {name!r}", "infinite values", "", **rows_of(np.isinf(numbers))))
            low = numbers < 0 if role == "weight" else numbers <= 0
            if low.any():
                what = "negative weights" if role == "weight" else "population sizes of zero or less"
                faults.append(Fault("Design", f"{role} {name!r}", what, "correct them at the source", **rows_of(low)))
            if role == "weight" and not missing.all() and np.nansum(numbers) == 0:
                faults.append(Fault("Design", f"weight {name!r}", "all weights are zero", "name the weight column"))
    if len(sizes) > len(units) + 1:
        faults.append(
            Fault("Design", "fpc", f"{len(sizes)} stages of population sizes for {len(units)} of units",
                  "give at most one fpc a stage of psu, and one for the rows")
        )  # fmt: skip
    if faults:
        raise Faults(faults)


def _check_nested(data: pd.DataFrame, stratum: str, psu: str, strata: Array, psus: Array) -> None:
    of_psu = np.empty(int(psus.max()) + 1, dtype=strata.dtype)
    of_psu[psus] = strata
    if (of_psu[psus] == strata).all():
        return
    seen = pd.DataFrame({"p": psus, "h": strata}).drop_duplicates()
    twice = seen["p"].value_counts()
    bad = twice.index[twice > 1]
    mask = np.isin(psus, bad.to_numpy())
    some = ", ".join(str(v) for v in data[psu].to_numpy()[mask][:1])
    raise Faults(
        [
            Fault(
                "Design", f"psu {psu!r}", f"{len(bad)} labels stand in several strata of {stratum!r} ({some}, …)",
                "nest=True if the labels are numbered anew in each stratum (stratum and label then name a PSU); "
                "otherwise correct the labels", **rows_of(mask),
            )
        ]
    )  # fmt: skip


def _collapse(strata: Array, psus: Array, population: list[Array]) -> tuple[Array, list[Array]]:
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


def _certain_apart(strata: Array, psus: Array, population: list[Array], names: list[str], singleton: str) -> Array:
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
    return _dense(np.where(certain, strata.max() + 1 + psus, strata))


def _stages(
    strata: Array, ids: list[Array], population: list[Array], names: list[str], pps: bool = False
) -> tuple[tuple[Stage, ...], Array, Array]:
    """Stages that add variance, the final unit of each row and the weights of units that the sizes imply."""
    depth = max(1, min(len(population), len(ids)))
    stage_unit: list[Array] = []
    above = strata
    nodes = []
    for s in range(depth):
        unit = _dense(ids[s]) if s == 0 else _combine(stage_unit[-1], ids[s])
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


def _dense(codes: Array) -> Array:
    return dense_codes(pd.Series(codes))


def _check_lonely(data: pd.DataFrame, stratum: str | None, strata: Array, stages: tuple[Stage, ...]) -> None:
    faults = []
    for s, stage in enumerate(stages, start=1):
        lonely = np.flatnonzero(stage.lonely)
        if not lonely.size:
            continue
        if s == 1 and stratum:
            names = pd.Series(data[stratum].to_numpy()[np.isin(strata, lonely)]).drop_duplicates().astype(str)
            what = f"{lonely.size} strata with one PSU: {', '.join(names[:5])}{', …' if len(names) > 5 else ''}"
        else:
            what = f"{lonely.size} strata with one unit at stage {s}"
        faults.append(
            Fault("Design", "singleton", what,
                  'no variance can be computed there; choose singleton="collapse", "adjust", "average" or "certainty"')
        )  # fmt: skip
    if faults:
        raise Faults(faults)
