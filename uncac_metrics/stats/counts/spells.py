"""What the functions on durations and flows share: rows as stays, groups, clusters, limits."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import special

from uncac_metrics.stats import intervals
from uncac_metrics.stats.counts.arguments import By, Columns, Grouped, contributions, grouped
from uncac_metrics.stats.counts.multistate import Curve, Stays, fit, influence, remaining, targets_at_once
from uncac_metrics.stats.joint import Contributions

Array = np.ndarray
UNKNOWN = "rows without a duration or an answer"
FOREVER = np.array(np.inf)
LIMITS: dict[str, Callable[[Array, Array, float], tuple[Array, Array]]] = {
    "log_log": intervals.log_log,
    "logit": lambda p, se, level: intervals.logit(p, se, FOREVER, level),
    "arcsine": lambda p, se, level: intervals.arcsine(p, se, FOREVER, level),
    "wald": lambda p, se, level: clipped(*intervals.wald(p, se, FOREVER, level)),
}
"""Limits of probabilities of a curve by name."""


def clipped(lower: Array, upper: Array, high: float = 1.0) -> tuple[Array, Array]:
    """Limits held between 0 and `high`."""
    return np.clip(lower, 0.0, high), np.clip(upper, 0.0, high)


@dataclass(frozen=True, eq=False)
class Spells:
    """Stays of all groups, with what is needed to fit each group by itself."""

    data: pd.DataFrame
    stays: Stays
    group: Grouped
    kind: str
    """What the clusters are: ``records`` or the name of a column."""
    weighted: bool
    left_out: Array
    """Rows that are in no stay, because their duration is not known."""
    row: Array
    """Row of the data of each stay."""

    def fitted(self) -> Iterator[tuple[int, Curve | None]]:
        """Number and curve of each group; None where it has no stay."""
        code = self.group.code[self.row]
        for g in range(self.group.n):
            inside = code == g
            yield g, fit(part(self.stays, inside)) if inside.any() else None

    def scores(self, n_rows: int, parts: Sequence[tuple[int, Array]]) -> Contributions:
        """Scores from the influences (clusters × estimates) of blocks of rows that begin at the places given."""
        found = [(np.empty(0, dtype=np.intp), np.empty(0, dtype=np.intp), np.empty(0))]
        for start, values in parts:
            unit, column = np.nonzero(values)
            found.append((unit, column + start, values[unit, column]))
        return contributions(self.data, n_rows, *found, kind=self.kind)


def part(stays: Stays, inside: Array) -> Stays:
    """Some of the stays; clusters keep their numbers."""
    return Stays(
        stays.start[inside], stays.stop[inside], stays.origin[inside], stays.destination[inside],
        stays.weight[inside], stays.cluster[inside], stays.n_clusters, stays.n_states,
    )  # fmt: skip


def spells(
    columns: Columns, by: By, *, start: Array, stop: Array, origin: Array, destination: Array, n_states: int,
    weights: str | None, cluster: str | None, left_out: Array,
) -> Spells:  # fmt: skip
    """Stays of the rows that are not left out; the faults of weights and clusters are noted and all are raised."""
    data = columns.data
    weight = np.ones(len(data))
    if weights is not None:
        weight = columns.amounts(weights, "weights")
        columns.none(np.isnan(weight) & ~left_out, weights, "missing weights", "give every row a weight")
    number, kind = np.arange(len(data)), "records"
    if cluster is not None and columns.present(cluster, "cluster"):
        number, kind = pd.factorize(data[cluster])[0], cluster
        columns.none((number < 0) & ~left_out, cluster, "missing clusters", "give every row its cluster")
    columns.check()
    group = grouped(data, by)
    row = np.flatnonzero(~left_out & (group.code >= 0) & (weight > 0))
    stays = Stays(
        start[row], stop[row], origin[row], destination[row], weight[row], number[row],
        int(number.max(initial=-1)) + 1, n_states,
    )  # fmt: skip
    return Spells(data, stays, group, kind, weights is not None, left_out, row)


def from_durations(
    columns: Columns, duration: str, unknown: Array, destination: Array, n_states: int, entry: str | None,
    weights: str | None, cluster: str | None, by: By,
) -> Spells:  # fmt: skip
    """Stays in one state from durations; entries and durations are checked."""
    stop = columns.amounts(duration, "duration")
    start = np.full(len(stop), -np.inf)
    if entry is not None:
        start = columns.numbers(entry, "entry")
        columns.none(start >= stop, entry, "entries that are not below the duration", "leave such spells out")
    left_out = np.isnan(stop) | np.isnan(start) | unknown
    return spells(
        columns, by, start=start, stop=stop, origin=np.zeros(len(stop), dtype=np.intp), destination=destination,
        n_states=n_states, weights=weights, cluster=cluster, left_out=left_out,
    )  # fmt: skip


def influences(curve: Curve, at: Array, states: Array) -> Array:
    """Influence on the probabilities of `states` at the times: (clusters, at × states), chunk by chunk."""
    width, parts = targets_at_once(curve), []
    for begin in range(0, len(at), width):
        chosen = at[begin : begin + width]
        found = influence(curve, *remaining(curve, chosen))[:, :, states]
        parts.append(found.reshape(len(found), -1))
    return np.hstack(parts) if parts else np.zeros((curve.stays.n_clusters, 0))


def under_observation(stays: Stays, at: Array) -> Array:
    """Rows that are under observation just before each time."""
    begun = np.searchsorted(np.sort(stays.start), at, side="left")
    ended = np.searchsorted(np.sort(stays.stop), at, side="left")
    return begun - ended


def limits(interval: str, p: Array, std_error: Array, watched: Array, level: float) -> tuple[Array, Array, Array]:
    """Limits of probabilities; at 0 and 1 Clopper–Pearson's on the rows still under observation."""
    lower, upper = LIMITS[interval](p, std_error, level)
    edge = ~(std_error > 0) | (p <= 0) | (p >= 1)
    low, high = intervals.clopper_pearson(np.clip(p, 0, 1), np.maximum(watched, 0.0), level)
    low, high = np.where(watched > 0, low, 0.0), np.where(watched > 0, high, 1.0)
    used = np.where(edge, "clopper_pearson", interval).astype(object)
    return np.where(edge, low, lower), np.where(edge, high, upper), used


def largest_cluster(stays: Stays) -> str:
    """How much of the weight the largest cluster has at the beginning."""
    first = stays.start == stays.start.min()
    weight = np.bincount(stays.cluster[first], weights=stays.weight[first])
    return f"largest cluster: {weight.max() / weight.sum():.1%} of the weight"


def quantile_of(level: float) -> float:
    """Two-sided normal quantile."""
    return float(special.ndtri(0.5 + level / 2))
