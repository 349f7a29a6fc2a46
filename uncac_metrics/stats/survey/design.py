"""The sampling design: integer codes of strata and units, made once, and what is wrong with them."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import pandas as pd

from uncac_metrics.model import SINGLETON_RULES, Fault, Faults
from uncac_metrics.stats.survey.stages import (
    Stage,
    certain_apart,
    collapse,
    combine,
    dense_codes,
    make_stages,
    rows_of,
    runs,
)

Array = np.ndarray


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
    data, weight, singleton, singleton_domain, frame
        As given; `weight` as an array of shape (n,).
    kept : array or None
        Rows with a positive weight; None where every row has one.
    unit : array
        Final sampling unit of every row, shape (n,); `n_units` is their number.
    n_units : int
        Final sampling units.
    stages : tuple of Stage
        Stratum, unit and population size at every stage.
    labels : MultiIndex or None
        (stratum, PSU) label of every first-stage unit; kept where `frame` is given.
    quadratic : optional
        Symmetric form Q (``Q @ z``) of a variance z'Qz by final unit, in the place of the stages.
    calibration : optional
        Calibration variables that the weights meet; see :mod:`uncac_metrics.stats.survey.calibration`.
    replicates : optional
        Replicate weights, in the place of linearisation; see :mod:`uncac_metrics.stats.survey.replicates`.
    adjustments : tuple of str
        What was done to the weights since (trimming, calibration), in words.

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
    kept: Array | None
    unit: Array
    stages: tuple[Stage, ...]
    singleton: str
    singleton_domain: bool
    frame: str | None
    labels: pd.MultiIndex | None
    n_units: int
    n_psu: int
    n_strata: int
    quadratic: Any
    calibration: Any
    replicates: Any
    adjustments: tuple[str, ...]

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
        positive = _check(data, weight, stratum, units, sizes)
        plan = (stratum, units, sizes, pps, nest, singleton)
        names = [*([stratum] if stratum else []), *units, *sizes]
        starts = runs(data, names) if units and len(sizes) <= len(units) else None
        if starts is None:
            stages, unit, implied = _staged(data, *plan)
        else:
            try:
                stages, unit, implied = _staged(pd.DataFrame({c: data[c].iloc[starts] for c in names}), *plan)
            except Faults:
                _staged(data, *plan)  # the same faults, with the numbers of the rows
                raise
            unit = np.repeat(unit, np.diff(starts, append=len(data)))
        w = implied[unit] if weight is None else data[weight].to_numpy(dtype=float)
        first = stages[0]
        kept = None if positive else _positive(w)
        live = np.full(first.stratum.size, kept is None)
        if kept is not None:
            live[first.unit[unit[kept]]] = True
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
            "data": data, "weight": w, "kept": kept, "unit": unit, "stages": stages, "singleton": singleton,
            "singleton_domain": singleton_domain, "frame": frame, "labels": labels,
            "n_units": int(stages[-1].unit.size), "n_psu": int(live.sum()),
            "n_strata": int(np.unique(first.stratum[live]).size), "quadratic": None, "calibration": None,
            "replicates": None, "adjustments": (),
        }  # fmt: skip
        for name, value in values.items():
            object.__setattr__(self, name, value)

    def changed(self, **values: Any) -> Design:
        """A copy with some attributes set anew: how calibrated, replicate and two-phase designs are made."""
        if "weight" in values:
            values["kept"] = _positive(values["weight"])
        copy = object.__new__(Design)
        for f in fields(self):
            object.__setattr__(copy, f.name, values.get(f.name, getattr(self, f.name)))
        return copy

    @property
    def n(self) -> int:
        """Number of rows."""
        return len(self.weight)

    @property
    def df(self) -> int:
        """Degrees of freedom: those of the replicates, or sampling units less strata."""
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
        strata = "stratum" if self.n_strata == 1 else "strata"
        return (
            f"Design({self.n:,} rows, {self.n_psu:,} PSUs in {self.n_strata:,} {strata}, {self.df:,} df, "
            f"sum of weights {self.weight.sum():,.10g})"
        )


def _positive(weight: Array) -> Array | None:
    """Rows with a positive weight; None for all of them."""
    return None if weight.min() > 0 else np.flatnonzero(weight > 0)


def _staged(
    data: pd.DataFrame, stratum: str | None, units: list[str], sizes: list[str], pps: bool, nest: bool, singleton: str
) -> tuple[tuple[Stage, ...], Array, Array]:
    """Stages, final unit of every row, and the weight of each unit that the population sizes imply."""
    strata = dense_codes(data[stratum]) if stratum else np.zeros(len(data), dtype=np.intp)
    ids = [dense_codes(data[u]) for u in units] or [np.arange(len(data))]
    # element sampling below the named clusters: an fpc for one stage more than there are units
    if len(sizes) == len(ids) + 1:
        ids.append(np.arange(len(data)))
    psus = combine(strata, ids[0]) if nest and units else ids[0]
    if stratum and units and not nest:
        _check_nested(data, stratum, units[0], strata, psus)
    population = [data[s].to_numpy(dtype=float) for s in sizes]
    if pps:
        strata = certain_apart(strata, psus, population, sizes, singleton)
    elif singleton == "collapse":
        strata, population = collapse(strata, psus, population)
    stages, unit, implied = make_stages(strata, [psus, *ids[1:]], population, sizes, pps)
    if singleton in ("error", "collapse"):
        _check_lonely(data, stratum, strata, stages)
    return stages, unit, implied


def column(data: pd.DataFrame, name: str, role: str) -> pd.Series:
    """The column called `name`, or a fault that gives the nearest name."""
    if name not in data.columns:
        raise Faults([unknown_column(data, name, role)])
    return data[name]


def lacking(present: Iterable[object], wanted: Iterable[str], role: str = "column") -> list[Fault]:
    """A fault for every wanted column that is not present."""
    known = pd.DataFrame(columns=list(present))
    return [unknown_column(known, name, role) for name in wanted if name not in known.columns]


def unknown_column(data: pd.DataFrame, name: str, role: str) -> Fault:
    """The fault of a column that the data do not have, with the nearest name."""
    near = difflib.get_close_matches(str(name), [str(c) for c in data.columns], n=1)
    return Fault(
        "Design",
        role,
        f"no column {name!r} in the data",
        f"did you mean {near[0]!r}?" if near else "name a column",
    )


def _listed(value: str | Sequence[str] | None) -> list[str]:
    return [] if value is None else [value] if isinstance(value, str) else list(value)


def _bounds(array: Array) -> tuple[float, float]:
    """Least and greatest number (NaN if any is), each stretch read from memory once."""
    lows, highs = zip(
        *((part.min(), part.max()) for part in np.split(array, range(65_536, array.size, 65_536))), strict=True
    )
    return np.min(lows), np.max(highs)


def _check(data: pd.DataFrame, weight: str | None, stratum: str | None, units: list[str], sizes: list[str]) -> bool:
    """Raise what is wrong with the columns; whether all weights are known to be positive."""
    positive = False
    roles = [("weight", weight), ("stratum", stratum)] + [("psu", u) for u in units] + [("fpc", s) for s in sizes]
    named = [(role, name) for role, name in roles if name is not None]
    faults = [unknown_column(data, name, role) for role, name in named if name not in data.columns]
    if faults:
        raise Faults(faults)
    if not len(data):
        raise Faults([Fault("Design", "data", "no rows", "a design needs at least one")])
    for role, name in named:
        values = data[name]
        numeric = isinstance(values.dtype, np.dtype) and values.dtype.kind in "iuf"
        if numeric and (values.dtype.kind != "f" or role in ("weight", "fpc")):
            if role not in ("weight", "fpc"):
                continue
            low, high = _bounds(values.to_numpy())
            if low > 0 and high < np.inf:
                positive = positive or role == "weight"
                continue
        missing = values.isna().to_numpy()
        if missing.any():
            remedy = "give every row one, or leave the rows out and adjust the weights of the others"
            faults.append(Fault("Design", f"{role} {name!r}", "missing values", remedy, **rows_of(missing)))
        if role in ("weight", "fpc"):
            if not pd.api.types.is_numeric_dtype(values):
                faults.append(Fault("Design", f"{role} {name!r}", "not numeric", "convert the column to numbers"))
                continue
            numbers = values.to_numpy(dtype=float, na_value=np.nan)
            if np.isinf(numbers).any():
                faults.append(Fault("Design", f"{role} {name!r}", "infinite values", "", **rows_of(np.isinf(numbers))))
            wrong = numbers < 0 if role == "weight" else numbers <= 0
            if wrong.any():
                what = "negative weights" if role == "weight" else "population sizes of zero or less"
                faults.append(Fault("Design", f"{role} {name!r}", what, "correct them at the source", **rows_of(wrong)))
            if role == "weight" and not missing.all() and np.nansum(numbers) == 0:
                faults.append(Fault("Design", f"weight {name!r}", "all weights are zero", "name the weight column"))
    if len(sizes) > len(units) + 1:
        faults.append(
            Fault("Design", "fpc", f"{len(sizes)} stages of population sizes for {len(units)} of units",
                  "give at most one fpc a stage of psu, and one for the rows")
        )  # fmt: skip
    if faults:
        raise Faults(faults)
    return positive


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


def _check_lonely(data: pd.DataFrame, stratum: str | None, strata: Array, stages: tuple[Stage, ...]) -> None:
    faults = []
    for s, stage in enumerate(stages, start=1):
        lonely = np.flatnonzero(stage.lonely)
        if not lonely.size:
            continue
        number = f"{lonely.size} {'stratum' if lonely.size == 1 else 'strata'}"
        if s == 1 and stratum:
            names = pd.Series(data[stratum].to_numpy()[np.isin(strata, lonely)]).drop_duplicates().astype(str)
            what = f"{number} with one PSU: {', '.join(names[:5])}{', …' if len(names) > 5 else ''}"
        else:
            what = f"{number} with one unit at stage {s}"
        faults.append(
            Fault("Design", "singleton", what,
                  'no variance can be computed there; choose singleton="collapse", "adjust", "average" or "certainty"')
        )  # fmt: skip
    if faults:
        raise Faults(faults)
