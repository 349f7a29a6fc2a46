r"""Estimators that are not ratios of sums: each is the mean of its linearised pseudo-values.

With an estimate :math:`\hat\theta` and influence values :math:`u_i` (the change of the estimate for a unit of weight
added at row i), the pseudo-values :math:`\hat\theta + \hat N u_i` have the weighted mean :math:`\hat\theta`, because
:math:`\sum w u = 0` for what does not change when all weights are multiplied; the variance of that mean is the
linearised variance of the estimate under every design. Replicate designs estimate anew under each replicate.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from uncac_metrics.stats import intervals
from uncac_metrics.stats.estimates import Estimates
from uncac_metrics.stats.survey.arguments import By, Variable, base_of, grouping
from uncac_metrics.stats.survey.design import Design, column
from uncac_metrics.stats.survey.linear import linear
from uncac_metrics.stats.survey.sums import Pair, finest, groups, n_combinations
from uncac_metrics.stats.survey.variance import ReplicateScores

Array = np.ndarray


@dataclass(frozen=True, eq=False)
class Rows:
    """The rows that an estimator uses, and the group that each is in."""

    design: Design
    index: Array
    """Places of the rows in the design."""
    group: Array
    weight: Array
    n_groups: int

    def sums(self, value: Array | float = 1.0, factor: Array | float = 1.0) -> Array:
        """Weighted sums by group of one value a row."""
        return np.bincount(self.group, weights=self.weight * factor * value, minlength=self.n_groups)

    def replicate_sums(self, value: Array | float = 1.0) -> Array:
        """Weighted sums by group under every replicate, shape (replicates, groups)."""
        unit = self.design.unit[self.index]
        z = np.broadcast_to(self.weight * value, unit.shape)
        return self.design.replicates.sums(unit, self.group, z, self.n_groups)

    def factors(self, replicate: int) -> Array:
        """Factors of the rows' weights in one replicate."""
        made = self.design.replicates
        return made.factors[made.of_unit[self.design.unit[self.index]], replicate]

    def spread(self, value: Array) -> Array:
        """Values of all rows of the design from those of the rows used; NaN for the others."""
        out = np.full(self.design.n, np.nan)
        out[self.index] = value
        return out

    def sorted(self, *by: Array) -> Array:
        """Order of the rows by group, then by the values given (the first of them first); ties as in the data."""
        order = np.argsort(by[-1], kind="stable")
        for values in by[-2::-1]:
            order = order[np.argsort(values[order], kind="stable")]
        small = self.group.astype(np.int16) if self.n_groups < 2**15 else self.group
        return order[np.argsort(small[order], kind="stable")]


def rows_used(design: Design, ok: Array, by: By = None) -> Rows:
    """Rows with a positive weight where `ok` holds, in the groups that `by` makes (as :func:`linear` orders them)."""
    names = grouping(by)
    for name in names:
        column(design.data, name, "by")
    keep = design.kept
    place, levels = finest(design.data, names, keep)
    made = groups(names, levels, names, n_combinations(levels))
    group = np.full(design.n, -1, dtype=np.intp)
    group[slice(None) if keep is None else keep] = made.of_finest[place]
    index = np.flatnonzero((group >= 0) & ok)
    return Rows(design, index, group[index], design.weight[index], len(made.labels))


def eligible(design: Design, denominator: Variable | None, *values: Array) -> tuple[Array | None, str, Array]:
    """Base and its name, and the rows in it where none of the values is missing."""
    base, name = base_of(design, denominator)
    ok = np.ones(design.n, dtype=bool) if base is None else base == 1
    for v in values:
        ok = ok & ~np.isnan(v)
    return base, name, ok


@dataclass(frozen=True, eq=False)
class Item:
    """One estimator: its values by group, pseudo-values by row, and replicate values where the design has them."""

    name: str
    statistic: str
    value: Array
    pseudo: Array
    """Shape (n,), NaN where the row does not enter."""
    base: Array | None = None
    base_name: str = ""
    replicates: Callable[[], Array] | None = None
    """Estimates under every replicate, shape (replicates, groups); called under replicate designs only."""
    label: str | None = None
    """Level under the breakdown ``category``."""


def estimates_of(design: Design, items: Sequence[Item], by: By, *, level: float, df: str | int) -> Estimates:
    """Results of estimators that are known by pseudo-values, with Wald limits."""
    pairs = [
        Pair(i.name, i.pseudo, i.base, "mean", i.base_name, labels={} if i.label is None else {"category": i.label})
        for i in items
    ]
    result = linear(design, pairs, [grouping(by)], level=level, df=df)
    table, scores = result.table, result.scores
    n_groups = len(table) // len(items)
    value = np.concatenate([i.value for i in items])
    se = table["std_error"].to_numpy(dtype=float)
    if design.replicates is not None:
        made = np.hstack([i.replicates() for i in items])  # type: ignore[misc]
        anew: ReplicateScores = design.replicates.scores(design, made, value)
        se, scores = np.sqrt(anew.variances()), (anew,)
    value = np.where(np.isnan(table["value"].to_numpy(dtype=float)), np.nan, value)
    se = np.where(np.isnan(value), np.nan, se)
    lower, upper = intervals.wald(value, se, table["df"].to_numpy(), level)
    with np.errstate(divide="ignore", invalid="ignore"):
        cv = np.where(value != 0, se / np.abs(value), np.nan)
    table = table.assign(
        statistic=np.repeat([i.statistic for i in items], n_groups), value=value, std_error=se, lower=lower,
        upper=upper, cv=cv, events=pd.array([pd.NA] * len(table), dtype="Int64"),
    )  # fmt: skip
    undefined = np.isnan(value) & (table["n"] > 0).to_numpy()
    table.loc[undefined, ["reason", "obs_status", "display"]] = ["not defined for these values", "O", "withheld"]
    return Estimates(left_out(table, anew, design.replicates.n) if design.replicates is not None else table, scores)


def left_out(table: pd.DataFrame, scores: ReplicateScores, n_replicates: int) -> pd.DataFrame:
    """The table, saying of each estimate how many replicates it does not rest on, in place of what was said before."""
    gone = np.zeros(len(table)) if scores.undefined is None else scores.undefined
    text = [f"{int(k):,} of {n_replicates:,} replicates have no estimate and are left out" if k else "" for k in gone]
    shown = table["value"].notna().to_numpy()
    told = shown & (gone > 0)
    reason = np.where(shown, text, table["reason"])
    status = np.where(told, "U", np.where(shown, "A", table["obs_status"]))
    display = np.where(told, "flagged", np.where(shown, "shown", table["display"]))
    return table.assign(reason=reason, obs_status=status, display=display)
