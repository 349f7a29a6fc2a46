r"""The Aalen–Johansen estimator and what follows from it: arrays in, arrays out.

Units move between states; each row is a stay in a state over :math:`(\text{start}, \text{stop}]` that ends with a move
or is censored. With :math:`dA_{hj}(u)` the weight of moves from h to j at time u over the weight at risk in h,

.. math:: p(t) = p(0) \prod_{u \le t} (I + dA(u)).

The influence of row i on a linear functional of the curve is
:math:`\sum_u p_h(u-)\, w_i\,[dN_{i,hj}(u) - Y_{i,h}(u)\,dA_{hj}(u)]\,g_j(u) / Y_h(u)`, where :math:`g(u)` is what a
unit in state j just after u still adds: the transition probabilities :math:`P(u, t)`, or the time still to be spent in
a state. It is found by one recursion backwards over the times of moves; the risk part of a row is a difference of two
values of a running sum, so that no loop goes over rows. Kaplan–Meier is the case of two states, cumulative incidence
that of one state with several exits.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

Array = np.ndarray
CHUNK = 4_000_000  # elements of an array over moves, targets and states


@dataclass(frozen=True, eq=False)
class Stays:
    """Rows: stays of units in states."""

    start: Array
    """Beginning of the stay, not included; −inf where it is not known."""
    stop: Array
    origin: Array
    """State of the stay, an integer."""
    destination: Array
    """State that the unit moves to at `stop`; −1: censored."""
    weight: Array
    cluster: Array
    """Number of the independent unit that the row belongs to."""
    n_clusters: int
    n_states: int


@dataclass(frozen=True, eq=False)
class Curve:
    """The fitted curve."""

    stays: Stays
    times: Array
    """Times of moves, increasing."""
    hazard: Array
    """(times, states, states): dA with the diagonal that makes rows sum to zero."""
    at_risk: Array
    """(times, states): weight at risk just before."""
    occupied: Array
    """(times + 1, states): probability of each state, first at the beginning, then after each time."""

    def occupation(self, at: Array) -> Array:
        """Probabilities of the states at the times, shape (at, states)."""
        return self.occupied[np.searchsorted(self.times, at, side="right")]

    def time_in_state(self, begin: float, until: float) -> Array:
        """Expected time in each state from `begin` until `until`, shape (states,)."""
        inside = (self.times > begin) & (self.times < until)
        width = np.diff(np.concatenate([[begin], self.times[inside], [until]]))
        first = int(np.searchsorted(self.times, begin, side="right"))
        return width @ self.occupied[first : first + len(width)]


def fit(stays: Stays) -> Curve:
    """Aalen–Johansen curve of the stays; the beginning is the weighted distribution at the earliest start."""
    moved = (stays.destination >= 0) & (stays.destination != stays.origin)
    times, place = np.unique(stays.stop[moved], return_inverse=True)
    n, k = len(times), stays.n_states
    code = (place * k + stays.origin[moved]) * k + stays.destination[moved]
    moves = np.bincount(code, weights=stays.weight[moved], minlength=n * k * k).reshape(n, k, k)
    at_risk = np.empty((n, k))
    for h in range(k):
        inside = stays.origin == h
        # from the end backwards: small sums stay exact where few are left
        weight = stays.weight[inside]
        at_risk[:, h] = _from(stays.stop[inside], weight, times) - _from(stays.start[inside], weight, times)
    with np.errstate(divide="ignore", invalid="ignore"):
        hazard = np.where(moves > 0, moves / at_risk[:, :, None], 0.0)
    everyone = np.arange(k)
    hazard[:, everyone, everyone] = -hazard.sum(axis=2)
    occupied = np.empty((n + 1, k))
    occupied[0] = beginning(stays)
    for m in range(n):
        occupied[m + 1] = np.maximum(occupied[m] + occupied[m] @ hazard[m], 0.0)
    return Curve(stays, times, hazard, at_risk, occupied)


def beginning(stays: Stays) -> Array:
    """Weighted shares of the states among the rows that start earliest."""
    first = stays.start == stays.start.min()
    found = np.bincount(stays.origin[first], weights=stays.weight[first], minlength=stays.n_states)
    return found / found.sum()


def _from(at: Array, weight: Array, times: Array) -> Array:
    """Weight of what happens at the times or later."""
    order = np.argsort(at, kind="stable")
    tail = np.concatenate([np.cumsum(weight[order][::-1])[::-1], [0.0]])
    return tail[np.searchsorted(at[order], times, side="left")]


def remaining(curve: Curve, at: Array) -> tuple[Array, Array]:
    """What a unit adds to the probability of each state at the times, from just after each move.

    Returns
    -------
    after : array (times, at, states, states)
        :math:`P(u, t)`; zero for moves after t.
    first : array (at, states, states)
        :math:`P(0, t)`.
    """
    n, k = len(curve.times), curve.stays.n_states
    after = np.zeros((n, len(at), k, k))
    current = np.broadcast_to(np.eye(k), (len(at), k, k)).copy()
    for m in range(n - 1, -1, -1):
        counted = curve.times[m] <= at
        after[m, counted] = current[counted]
        current[counted] += curve.hazard[m] @ current[counted]
    return after, current


def remaining_time(curve: Curve, begin: float, until: float) -> tuple[Array, Array]:
    """What a unit adds to the expected time in each state until `until`; as :func:`remaining`, with one target."""
    n, k = len(curve.times), curve.stays.n_states
    after = np.zeros((n, 1, k, k))
    current, upper = np.zeros((k, k)), until
    for m in range(n - 1, -1, -1):
        if curve.times[m] >= until:
            continue
        current = current + (upper - max(curve.times[m], begin)) * np.eye(k)
        after[m, 0] = current
        current = current + curve.hazard[m] @ current
        upper = max(curve.times[m], begin)
    return after, (current + (upper - begin) * np.eye(k))[None]


def influence(curve: Curve, after: Array, first: Array) -> Array:
    """Influence of every cluster on every target and state, times its weight: (clusters, targets, states)."""
    stays, n = curve.stays, len(curve.times)
    with np.errstate(divide="ignore", invalid="ignore"):
        scale = np.where(curve.at_risk > 0, curve.occupied[:-1] / curve.at_risk, 0.0)
    # running sums of the risk part: (times + 1, states of the stay, targets, states)
    drift = scale[:, :, None, None] * np.einsum("mhj,mtjs->mhts", curve.hazard, after)
    running = np.concatenate([np.zeros((1, *drift.shape[1:])), np.cumsum(drift, axis=0)])
    begun = np.searchsorted(curve.times, stays.start, side="right")
    ended = np.searchsorted(curve.times, stays.stop, side="right")
    value = running[begun, stays.origin] - running[ended, stays.origin]
    moved = np.flatnonzero((stays.destination >= 0) & (stays.destination != stays.origin))
    if n:
        at, h, j = ended[moved] - 1, stays.origin[moved], stays.destination[moved]
        value[moved] += scale[at, h][:, None, None] * (after[at, :, j] - after[at, :, h])
    starters = np.flatnonzero(stays.start == stays.start.min())
    share = curve.occupied[0]
    total = stays.weight[starters].sum()
    base = np.einsum("h,ths->ts", share, first)
    value[starters] += (first.transpose(1, 0, 2)[stays.origin[starters]] - base) / total
    value *= stays.weight[:, None, None]
    flat = value.reshape(len(value), -1)
    out = np.zeros((stays.n_clusters, flat.shape[1]))
    np.add.at(out, stays.cluster, flat)
    return out.reshape(stays.n_clusters, *value.shape[1:])


def survival_errors(curve: Curve) -> Array:
    r"""Jackknife errors of the first of two states after every move: what :func:`influence` gives, at all times.

    With :math:`A(t) = \sum dA / (Y (1 - dA))` the influence of a cluster is :math:`-S(t)\,(K(t) - A(t) R(t))`, where R
    is its weight at risk and K changes only where one of its rows begins or ends; so the sums of squares over
    clusters are running sums over these changes.
    """
    stays, n = curve.stays, len(curve.times)
    hazard = -curve.hazard[:, 0, 0]
    with np.errstate(divide="ignore", invalid="ignore"):
        jump = np.where(hazard < 1, 1 / (curve.at_risk[:, 0] * (1 - hazard)), 0.0)
    total = np.concatenate([[0.0], np.cumsum(hazard * jump)])
    begun = np.searchsorted(curve.times, stays.start, side="right")
    ended, last = (np.searchsorted(curve.times, stays.stop, side=side) for side in ("left", "right"))
    moved = stays.destination >= 0
    own = np.where(moved, np.append(jump, 0.0)[np.where(moved, ended, n)], 0.0)
    cluster = np.tile(stays.cluster, 2)
    at = np.concatenate([begun, ended])
    risk = np.concatenate([stays.weight, -stays.weight])
    gain = np.concatenate([stays.weight * total[begun], stays.weight * (own - total[last])])
    order = np.lexsort((at, cluster))
    cluster, at, k, r = cluster[order], at[order], np.cumsum(gain[order]), np.cumsum(risk[order])
    first = np.flatnonzero(np.concatenate([[True], cluster[1:] != cluster[:-1]]))
    size = np.diff(np.append(first, len(cluster)))
    k, r = (v - np.repeat(np.concatenate([[0.0], v[first[1:] - 1]]), size) for v in (k, r))
    inside = at < n

    def running(values: Array) -> Array:
        change = np.diff(values, prepend=0.0)
        change[first] = values[first]
        return np.cumsum(np.bincount(at[inside], weights=change[inside], minlength=n))

    square = running(k * k) - 2 * total[1:] * running(k * r) + total[1:] ** 2 * running(r * r)
    return curve.occupied[1:, 0] * np.sqrt(np.maximum(square, 0.0))


def model_variance(curve: Curve, after: Array, kind: str) -> Array:
    r"""Variance of every target and state from the counting processes, shape (targets, states); without weights.

    The moves out of a state at one time are multinomial (``greenwood``), Poisson (``aalen``), or, one cause at a time,
    hypergeometric (``gray``: as R's ``cmprsk``).
    """
    gain = after[:, :, None] - after[:, :, :, None]  # (times, targets, from, to, states): g_j − g_h
    y = np.maximum(curve.at_risk, 1.0)
    p = curve.occupied[:-1]
    hazard = curve.hazard.copy()
    everyone = np.arange(hazard.shape[1])
    hazard[:, everyone, everyone] = 0.0
    if kind == "gray":
        hazard = hazard * (1 - hazard) * (y / np.maximum(y - 1, 1.0))[:, :, None]
    spread = np.einsum("mhj,mthjs->mths", hazard, gain**2)
    if kind == "greenwood":
        spread = spread - np.einsum("mhj,mthjs->mths", hazard, gain) ** 2
    return np.einsum("mh,mths->ts", p**2 / y, spread)


def targets_at_once(curve: Curve) -> int:
    """How many targets fit into memory together."""
    rows = max(len(curve.times) * curve.stays.n_states, len(curve.stays.stop))
    return max(1, CHUNK // max(1, rows * curve.stays.n_states))
