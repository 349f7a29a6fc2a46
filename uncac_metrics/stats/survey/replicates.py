"""Replicate weights: made from the design or supplied, kept as factors of sampling units, never of rows.

A replicate multiplies the weights by a factor that is the same for all rows of a unit. With :math:`\\hat\\theta_r` the
estimate under replicate r,

.. math:: v(\\hat\\theta) = s \\sum_r s_r (\\hat\\theta_r - c)^2,

c the mean of the replicate estimates, or the full estimate where ``mse`` is asked for. A replicate in which an
estimate is not defined (no unit of the domain has a weight in it) is left out of that estimate's variance, the others
stand for it (s is divided by the share of :math:`\\sum s_r` that is left), and the result's ``reason`` says how many
were left out. Where none is left there is no standard error.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse
from threadpoolctl import threadpool_limits

from uncac_metrics.model import Fault, Faults
from uncac_metrics.stats.survey.design import Design
from uncac_metrics.stats.survey.stages import Stage, rows_of
from uncac_metrics.stats.survey.variance import ReplicateScores

Array = np.ndarray
KINDS = ("JK1", "JKn", "JK2", "BRR", "fay", "bootstrap", "sdr", "other")
"""Jackknife (one stratum; strata; two units a stratum), balanced repeated replication, Fay's variant of it, bootstrap,
successive differences, and replicates whose scale is given."""
DENSE = 16  # cells a group from which on its factors are multiplied as a dense matrix
FILLED = 4  # values for each that is not zero from which on the sparse product is the faster one
STRETCH = 50  # replicates whose factors stay in the cache
GRID = 2.0**36  # factors are told apart to 1.5e-11


@dataclass(frozen=True, eq=False)
class Replicates:
    """Factors of the sampling units in each replicate."""

    factors: Array
    """Shape (factor rows, replicates)."""
    of_unit: Array
    """Row of `factors` for every final unit of the design."""
    scale: float
    rscales: Array
    mse: bool
    kind: str
    df: float

    @property
    def n(self) -> int:
        """Number of replicates."""
        return self.factors.shape[1]

    @property
    def method(self) -> str:
        """What the variance is made of, in words."""
        return f"{self.n:,} replicates ({self.kind}), centred at the {'estimate' if self.mse else 'replicate mean'}"

    def sums(self, unit: Array, group: Array, value: Array, n_groups: int) -> Array:
        """Weighted sums of the groups in every replicate (replicates × groups), from sums by unit and group."""
        at = np.flatnonzero(value != 0)
        cells = sparse.csr_array((value[at], (group[at], self.of_unit[unit[at]])), shape=(n_groups, len(self.factors)))
        out = np.empty((self.n, n_groups))
        for start in range(0, self.n, STRETCH):
            part = slice(start, start + STRETCH)
            out[part] = (cells @ np.ascontiguousarray(self.factors[:, part])).T
        return out

    def many_sums(self, unit: Array, group: Array, values: Array, n_groups: int) -> Array:
        """Weighted sums as :meth:`sums` for several variables (cells × variables): variables × replicates × groups.

        Where few of the values are not zero, and where groups are small, a product of a sparse matrix; otherwise one
        of dense matrices a group, its units' factors by its cells.
        """
        if group.size < DENSE * n_groups or np.count_nonzero(values) * FILLED < values.size:
            return np.stack([self.sums(unit, group, column, n_groups) for column in values.T])
        out = np.empty((values.shape[1], self.n, n_groups))
        small = group.astype(np.int16) if n_groups < 2**15 else group  # sorted by digits
        order = np.argsort(small, kind="stable")
        ends = np.searchsorted(small[order], np.arange(n_groups + 1))
        row, values = self.of_unit[unit[order]], values[order]
        with threadpool_limits(limits=1, user_api="blas"):
            for g in range(n_groups):
                part = slice(ends[g], ends[g + 1])
                out[:, :, g] = values[part].T @ self.factors[row[part]]
        return out

    def ranks(self, unit: Array, group: Array, n_groups: int) -> Array:
        """Rank less one of the replicate weights of each group's units: degrees of freedom of a domain."""
        out = np.zeros(n_groups)
        known: dict[bytes, int] = {}
        order = np.argsort(group, kind="stable")
        ends = np.searchsorted(group[order], np.arange(n_groups + 1))
        for g in range(n_groups):
            members = np.unique(self.of_unit[unit[order[ends[g] : ends[g + 1]]]])
            key = members.tobytes()  # domains that meet the same units share their rank
            if key not in known:
                known[key] = max(rank(self.factors[members]) - 1, 0) if members.size else 0
            out[g] = known[key]
        return out

    def weights(self, design: Design) -> Array:
        """Replicate weights of every row, shape (n, replicates); large: for checking and export."""
        return design.weight[:, None] * self.factors[self.of_unit[design.unit]]

    def scores(self, design: Design, replicate: Array, full: Array) -> ReplicateScores:
        """Scores from replicate estimates (replicates × rows) and the full estimates (rows)."""
        used = ~np.isnan(replicate)
        shares = np.broadcast_to(self.rscales[:, None], used.shape)
        with np.errstate(invalid="ignore", divide="ignore"):
            left = self.rscales.sum() / np.where(used, shares, 0.0).sum(axis=0)
            centre = full if self.mse else np.where(used, replicate, 0.0).sum(axis=0) / used.sum(axis=0)
        deviations = np.where(used, np.sqrt(self.scale * shares) * (replicate - centre), 0.0)
        complete = used.all(axis=0)
        if not complete.all():
            deviations = deviations * np.where(used.any(axis=0), np.sqrt(np.where(complete, 1.0, left)), np.nan)
        return ReplicateScores(design, deviations, (~used).sum(axis=0))


def replicate_design(
    data: pd.DataFrame,
    *,
    weight: str | None,
    replicates: str | Sequence[str] | Array,
    kind: str,
    scale: float | None = None,
    rscales: Sequence[float] | Array | None = None,
    combined: bool = True,
    mse: bool | None = None,
    fay: float = 0.0,
    df: float | None = None,
    psu: str | None = None,
) -> Design:
    r"""A design known by its replicate weights, as data producers publish them.

    Rows that have the same replicate weights but for the size of their weight (those of one PSU, as a rule) are
    recognised and kept as one, so that estimates take sums by PSU and not by row.

    Parameters
    ----------
    data : DataFrame of n rows
    weight : str or None
        Column of full-sample weights; None weighs every row by 1.
    replicates : str, list of str, or array of shape (n, R)
        Columns of replicate weights, ``*`` in a name standing for anything, or the weights themselves.
    kind : {"JK1", "JKn", "JK2", "BRR", "fay", "bootstrap", "sdr", "other"}
        With R replicates, the scale is (R − 1)/R for JK1, 1 for JKn (with `rscales`) and JK2, 1/R for BRR,
        1/(R (1 − fay)²) for Fay's method, 1/(R − 1) for the bootstrap, 4/R for successive differences.
    scale, rscales : float, sequence of R floats, optional
        In the place of those of `kind`; the documentation of the data states them.
    combined : bool
        Replicate weights include the full-sample weight. Otherwise they multiply it.
    mse : bool, optional
        Centre at the full-sample estimate instead of the mean of the replicates. The default is yes for JK2 and sdr,
        whose deviations are defined from it, and no for the others.
    fay : float
        Fay's coefficient, in [0, 1).
    df : float, optional
        Degrees of freedom. The default is the rank of the matrix of replicate weights less one.
    psu : str, optional
        Column of PSUs, to count them; without it, sets of rows with the same factors are counted in their place.

    Returns
    -------
    Design

    Raises
    ------
    Faults
        A number of rows other than that of the data, fewer than 2 replicates, missing or negative replicate weights,
        replicates that are all equal, replicate weights that add up to another population than the weights (factors
        given as weights, or weights as factors), a scale that is missing or of the wrong length.

    Examples
    --------
    >>> import pandas as pd
    >>> from uncac_metrics.stats import survey
    >>> frame = pd.DataFrame({"paid": [0, 1, 1], "w": [2.0, 2, 2], "rw_1": [0, 3, 3], "rw_2": [3, 0, 3],
    ...                       "rw_3": [3, 3, 0]})
    >>> design = survey.replicate_design(frame, weight="w", replicates="rw_*", kind="JK1")
    >>> survey.mean(design, "paid").table[["value", "std_error", "df"]].round(4)
        value  std_error   df
    0  0.6667     0.3333  2.0
    """
    table = _table(data, replicates)
    kind, faults = known_kind(kind, "replicate_design"), []
    n, n_replicates = table.shape

    def fault(where: str, what: str, remedy: str, **rows: Any) -> None:
        faults.append(Fault("replicate_design", where, what, remedy, **rows))

    if n != len(data):
        fault("replicates", f"{n:,} rows for {len(data):,} rows of data", "one row of replicate weights a row of data")
    if n_replicates < 2:
        fault("replicates", f"{n_replicates} columns", "a variance needs at least 2 replicates")
    r = np.ones(n_replicates) if rscales is None else np.asarray(rscales, dtype=float)
    if rscales is not None and r.shape != (n_replicates,):
        fault("rscales", f"{r.size} values for {n_replicates} replicates", "one a replicate")
    elif not np.isfinite(r).all() or (r < 0).any() or not r.any():
        fault("rscales", "missing, negative or all zero", "see the documentation of the data")
    if scale is None and (kind == "other" or kind == "JKn") and rscales is None:
        what = "no scale" if kind == "other" else "the scales of a stratified jackknife, (n_h − 1)/n_h, are not given"
        fault("rscales" if kind == "JKn" else "scale", what, "see the documentation of the data")
    if scale is not None and not (np.isfinite(scale) and scale > 0):
        fault("scale", f"{scale} is no scale", "a positive number")
    if not 0 <= fay < 1:
        fault("fay", f"{fay} is outside [0, 1)", "0.5 is usual, 0.3 is met too")
    elif fay and kind != "fay":
        fault("fay", f"is not used by {kind!r}", 'kind="fay"')
    if df is not None and not df > 0:
        fault("df", f"{df} degrees of freedom", "a positive number")
    if faults:
        raise Faults(faults)
    if weight is None:
        base = Design(data.assign(**{"weight of one": 1.0}), weight="weight of one", psu=psu).changed(data=data)
    else:
        base = Design(data, weight=weight, psu=psu)
    start = base.unit if psu is not None else np.zeros(n, dtype=np.intp)
    example, unit = _alike(table, base.weight, start, combined)
    factors = _factors(table, base.weight, example, combined)
    if len(factors) and np.allclose(factors, factors[:, :1], rtol=1e-12, atol=0):
        remedy = "name the columns of the replicates, not that of the weight"
        raise Faults([Fault("replicate_design", "replicates", "all replicates are equal", remedy)])
    own = base.stages[0].unit[base.unit][example] if psu is not None else np.arange(example.size)
    sizes = np.bincount(own)
    n_psu = sizes.size
    stage = Stage(
        own.astype(np.intp), np.zeros(n_psu, dtype=np.intp), np.array([n_psu]), np.ones(1), np.zeros(1, dtype=bool)
    )
    if df is None:
        df = rank(factors[np.bincount(unit, weights=base.weight > 0, minlength=example.size) > 0]) - 1
    kept = Replicates(
        factors, np.arange(example.size), scale_of(kind, n_replicates, fay) if scale is None else float(scale), r,
        centred_at_estimate(kind) if mse is None else bool(mse), kind, df,
    )  # fmt: skip
    live = np.unique(own[unit[base.weight > 0]]).size
    return base.changed(
        unit=unit, stages=(stage,), n_units=example.size, n_psu=live, n_strata=1, singleton="certainty",
        replicates=kept,
    )  # fmt: skip


def known_kind(kind: str, what: str) -> str:
    """The kind as this library writes it, or a fault."""
    names = {name.lower(): name for name in KINDS}
    if str(kind).lower() not in names:
        raise Faults([Fault(what, "kind", f"unknown kind {kind!r}", f"one of {', '.join(KINDS)}")])
    return names[str(kind).lower()]


def scale_of(kind: str, n: int, fay: float = 0.0) -> float:
    """The scale s of each kind with n replicates."""
    return {
        "JK1": (n - 1) / n, "BRR": 1 / n, "fay": 1 / (n * (1 - fay) ** 2), "bootstrap": 1 / (n - 1), "sdr": 4 / n,
    }.get(kind, 1.0)  # fmt: skip


def centred_at_estimate(kind: str) -> bool:
    """Whether deviations of this kind are from the full-sample estimate unless said otherwise."""
    return kind in ("JK2", "sdr")


def rank(matrix: Array) -> int:
    """Numerical rank; of a tall matrix from its cross-products."""
    if not matrix.size:
        return 0
    if len(matrix) > 4 * matrix.shape[1] and len(matrix) > 2000:
        values = np.linalg.eigvalsh(matrix.T @ matrix)
        return int((values > 1e-12 * values[-1]).sum())
    values = np.linalg.svd(matrix, compute_uv=False)
    return int((values > 1e-7 * values[0]).sum())


def _table(data: pd.DataFrame, replicates: str | Sequence[str] | Array) -> pd.DataFrame:
    """Replicate weights as columns, not copied."""
    if isinstance(replicates, (np.ndarray, pd.DataFrame)):
        values = np.asarray(replicates) if isinstance(replicates, np.ndarray) else replicates
        if values.ndim != 2:
            what = f"an array of {values.ndim} dimensions"
            raise Faults([Fault("replicate_design", "replicates", what, "shape (rows, replicates)")])
        table = pd.DataFrame(values, copy=False)
    else:
        patterns = [replicates] if isinstance(replicates, str) else list(replicates)
        names, faults = [], []
        for pattern in patterns:
            found = fnmatch.filter(map(str, data.columns), pattern)
            if not found:
                faults.append(
                    Fault("replicate_design", "replicates", f"no column {pattern!r} in the data", "name the columns")
                )
            names += [name for name in found if name not in names]
        if faults:
            raise Faults(faults)
        table = data[names]
    text = [str(c) for c, kind in table.dtypes.items() if not pd.api.types.is_numeric_dtype(kind)]
    if text:
        what = f"not numeric: {', '.join(text[:5])}"
        raise Faults([Fault("replicate_design", "replicates", what, "convert the columns to numbers")])
    return table


def _alike(table: pd.DataFrame, weight: Array, start: Array, combined: bool) -> tuple[Array, Array]:
    """Sets of rows with the same factors: first row of each set, and the set of every row. Checks on the way."""
    live = weight > 0
    over = np.where(live, weight, 1.0) if combined else 1.0
    whole = weight.sum()
    key = start.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    faults, ratios = [], []
    for name in table.columns:
        values = table[name].to_numpy(dtype=float, na_value=np.nan)
        wrong = ~np.isfinite(values)
        for mask, what in (
            (wrong, "missing or infinite replicate weights"),
            (values < 0, "negative replicate weights"),
        ):
            if mask.any():
                faults.append(
                    Fault("replicate_design", f"replicate {name}", what, "correct them at the source", **rows_of(mask))
                )
        if wrong.any():
            continue
        if combined and (values[~live] != 0).any():
            where = ~live & (values != 0)
            remedy = "give the rows a weight: a replicate takes units from the sample, it adds none"
            what = "replicate weights of rows without a weight"
            faults.append(Fault("replicate_design", f"replicate {name}", what, remedy, **rows_of(where)))
        ratios.append((values.sum() if combined else (values * weight).sum()) / whole)
        scaled = np.rint(values / over * GRID)
        bits = np.where(np.abs(scaled) < 2.0**62, scaled, 2.0**62).astype(np.int64).view(np.uint64)
        key = (key ^ bits) * np.uint64(0xFF51AFD7ED558CCD)
        key ^= key >> np.uint64(29)
    middle = np.median(ratios) if ratios else 1.0
    if not 0.5 <= middle <= 2:
        remedy = (
            "combined=False, if they are factors of the weight" if combined else "combined=True, if they are weights"
        )
        what = f"replicate weights add up to {middle:.3g} times the weights"
        faults.append(Fault("replicate_design", "replicates", what, remedy))
    if faults:
        raise Faults(faults)
    codes, found = pd.factorize(key)
    example = np.empty(len(found), dtype=np.intp)
    example[codes[::-1]] = np.arange(len(codes))[::-1]
    return example, codes.astype(np.intp)


def _factors(table: pd.DataFrame, weight: Array, example: Array, combined: bool) -> Array:
    rows = weight[example]
    over = np.where(rows > 0, rows, 1.0) if combined else np.ones(rows.size)
    out = np.empty((example.size, table.shape[1]))
    for r, name in enumerate(table.columns):
        out[:, r] = table[name].to_numpy(dtype=float, na_value=np.nan)[example] / over
    return out
