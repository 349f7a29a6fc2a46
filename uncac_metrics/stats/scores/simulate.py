r"""Monte Carlo: scores and ranks under errors of the data and choices of construction together; the delta method.

Replications are grouped by the construction that they use, drawn beforehand, so that each block of them is one array
computation; blocks have random streams of their own, so that results do not depend on the number of workers. Moments
and ranks are added up, and only so many draws are kept as are asked for: memory does not grow with the number of
replications.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from uncac_metrics.model import Fault, Faults
from uncac_metrics.stats.scores.rank_kernels import rank_from_top

Array = np.ndarray
Replicate = Callable[[np.random.Generator, int, int], Array]
"""``(generator, replications, construction) -> array (replications, outputs)``."""

BLOCK = 25
"""Replications computed at once: few enough to stay in the processor's cache."""
TASK = 400
"""Replications that share a random stream."""


@dataclass(frozen=True, eq=False)
class Simulation:
    """What a simulation found."""

    n: int
    """Replications."""
    mean: Array
    std_error: Array
    """Standard deviation over the replications, by output."""
    draws: Array
    """Kept replications × outputs, spread evenly over all of them."""
    construction: Array
    """Construction of each kept draw."""
    rank_counts: Array
    """Ranked outputs × ranks: how often each had rank 1, 2, …"""

    def rank_quantiles(self, q: Sequence[float]) -> Array:
        """Quantiles of the ranks (outputs × quantiles): the least rank with at least that share at or below it."""
        share = np.cumsum(self.rank_counts, axis=1) / np.maximum(self.rank_counts.sum(axis=1, keepdims=True), 1)
        return np.stack([(share < level - 1e-12).sum(axis=1) + 1 for level in q], axis=1)

    def rank_interval(self, level: float = 0.95) -> tuple[Array, Array]:
        """Ranks that leave at most half of what `level` leaves out on either side."""
        tail = (1 - level) / 2
        found = self.rank_quantiles([tail, 1 - tail])
        return found[:, 0], found[:, 1]

    def rank_mean(self) -> Array:
        """Mean rank."""
        ranks = np.arange(1, self.rank_counts.shape[1] + 1)
        return self.rank_counts @ ranks / np.maximum(self.rank_counts.sum(axis=1), 1)

    def top(self, k: int) -> Array:
        """Probability of one of the first k ranks."""
        return self.rank_counts[:, :k].sum(axis=1) / np.maximum(self.rank_counts.sum(axis=1), 1)


def simulate(
    replicate: Replicate,
    n: int,
    *,
    constructions: int = 1,
    probabilities: Sequence[float] | None = None,
    groups: Sequence[Array] = (),
    expected: Array | None = None,
    seed: int = 0,
    workers: int = 1,
    keep: int = 2_000,
) -> Simulation:
    """Simulate outputs under errors and constructions, and add up their moments and ranks.

    Parameters
    ----------
    replicate : callable
        ``(generator, replications, construction) -> array (replications, outputs)``; pure but for the generator.
    n : int
        Replications in all.
    constructions : int
        Number of alternative constructions; `replicate` is told which, from 0.
    probabilities : sequence of float, optional
        Of the constructions; equal where not given.
    groups : sequence of integer arrays, optional
        Outputs that are ranked among each other, group by group (the units of each period).
    expected : boolean array of shape (outputs,), optional
        Outputs that must be there in every replication; all where not given.
    seed : int
    workers : int
        Threads. Results do not depend on it.
    keep : int
        Draws to keep at most.

    Returns
    -------
    Simulation

    Raises
    ------
    Faults
        An expected output is not finite in some replication: failures are not dropped.

    Examples
    --------
    >>> centre = np.array([1.0, 2.0, 2.1])
    >>> found = simulate(lambda rng, size, k: centre + 0.5 * rng.standard_normal((size, 3)), 5_000, groups=[np.arange(3)])
    >>> found.std_error.round(1), found.rank_interval(0.9)[0]
    (array([0.5, 0.5, 0.5]), array([2, 1, 1]))
    """  # noqa: E501
    rng = np.random.default_rng(seed)
    p = np.full(constructions, 1 / constructions) if probabilities is None else np.asarray(probabilities, dtype=float)
    tasks: list[tuple[int, int, int]] = []
    start = 0
    for k, count in enumerate(rng.multinomial(n, p / p.sum())):
        for size in [TASK] * (count // TASK) + ([count % TASK] if count % TASK else []):
            tasks.append((k, start, size))
            start += size
    streams = np.random.SeedSequence(seed).spawn(len(tasks))
    step = max(1, -(-n // keep))
    ranked = np.concatenate(groups) if groups else np.empty(0, dtype=np.int64)
    widest = max((len(g) for g in groups), default=0)

    def run(job: tuple[tuple[int, int, int], np.random.SeedSequence]) -> tuple[int, Array, Array, Array, list[Array]]:
        (k, first, size), stream = job
        generator = np.random.Generator(np.random.SFC64(stream))
        parts, counts = [], np.zeros((len(ranked), widest + 1), dtype=np.int64)
        total = square = shift = np.empty(0)
        for begin in range(0, size, BLOCK):
            part = replicate(generator, min(BLOCK, size - begin), k)
            if begin == 0:
                shift = np.nan_to_num(part[0])
                total, square = np.zeros(part.shape[1]), np.zeros(part.shape[1])
            _refuse_failures(part, expected, k)
            gap = part - shift
            total += gap.sum(axis=0)
            square += (gap * gap).sum(axis=0)
            at = 0
            for group in groups:
                rows = counts[at : at + len(group)].ravel()
                ranks = rank_from_top(part[:, group])
                code = ranks + np.arange(len(group)) * (widest + 1)
                rows += np.bincount(code.ravel(), minlength=len(rows))
                counts[at : at + len(group)] = rows.reshape(len(group), -1)
                at += len(group)
            wanted = (-(first + begin)) % step
            parts.append(part if step == 1 else part[wanted::step].copy())
        mean = total / size
        return size, shift + mean, square - size * mean**2, counts, parts

    jobs = list(zip(tasks, streams, strict=True))
    if workers > 1:
        with ThreadPoolExecutor(workers) as pool:
            return _merge(pool.map(run, jobs), n, tasks)
    return _merge(map(run, jobs), n, tasks)


def _refuse_failures(part: Array, expected: Array | None, k: int) -> None:
    finite = np.isfinite(part)
    if finite.all():
        return
    bad = ~finite if expected is None else ~finite & expected
    if bad.any():
        outputs = np.flatnonzero(bad.any(axis=0))
        shown = ", ".join(str(j) for j in outputs[:5])
        what = f"construction {k} gives no number for output {shown}{', …' if len(outputs) > 5 else ''}"
        remedy = "a mean of logarithms or reciprocals needs positive scores: change the goalposts or the aggregation"
        raise Faults([Fault("simulate", f"construction {k}", what, remedy)])


def _merge(
    parts: Iterable[tuple[int, Array, Array, Array, list[Array]]], n: int, tasks: list[tuple[int, int, int]]
) -> Simulation:
    """Add up the tasks in their order, whoever finished first."""
    seen = 0
    mean, square, counts = np.zeros(1), np.zeros(1), np.zeros((1, 1), dtype=np.int64)
    draws: list[Array] = []
    kinds: list[Array] = []
    for (k, _, _), (size, m, s, c, kept) in zip(tasks, parts, strict=True):
        gap = m - mean
        square = square + s + gap**2 * seen * size / (seen + size)
        mean = mean + gap * size / (seen + size)
        counts = counts + c
        seen += size
        draws += kept
        kinds.append(np.full(sum(map(len, kept)), k))
    deviation = np.sqrt(square / max(n - 1, 1))
    deviation = np.where(deviation > 1e-12 * np.abs(mean), deviation, 0.0)  # what never changes, but for last bits
    return Simulation(n, mean, deviation, _together(draws).T, np.concatenate(kinds), counts[:, 1:])


def _together(draws: list[Array]) -> Array:
    """All draws, an output a row: quantiles are of rows."""
    out = np.empty((draws[0].shape[1], sum(map(len, draws))))
    at = 0
    for part in draws:
        out[:, at : at + len(part)] = part.T
        at += len(part)
    return out


_LEVELS = (np.arange(2**16) + 0.5) / 2**16
_QUANTILES = ndtri(_LEVELS)
_QUANTILES = (_QUANTILES / _QUANTILES.std() / np.sqrt(2)).astype(np.float32)


def _normals(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Standard normal numbers, in single precision: each the sum of two out of 65,536 quantiles, over √2.

    Four times as fast as the generator's own, and random numbers are most of a simulation. Mean and variance are
    exact, the distribution function is within 10⁻⁵ everywhere, and none is beyond ±6.1, where one in 10⁹ would be.
    """
    n = int(np.prod(shape))
    bits = rng.integers(0, 2**64, -(-n // 2), dtype=np.uint64).view(np.uint16)
    parts = _QUANTILES.take(bits[: 2 * n].astype(np.intp), mode="wrap")
    return np.add(parts[:n], parts[n:]).reshape(shape)


def errors(
    rng: np.random.Generator,
    size: int,
    values: Array,
    std_error: Array | None = None,
    root: Array | None = None,
    draws: Array | None = None,
) -> Array:
    """Values with errors: normal with standard errors, or with a covariance, or taken from draws.

    Parameters
    ----------
    rng : Generator
    size : int
        Replications.
    values : array of shape (units, indicators)
    std_error : array of the same shape, optional
        Independent errors; zero where there is none.
    root : array of shape (units · indicators, any), optional
        Square root L of the covariance matrix L L' of all values, units first; in place of `std_error`.
    draws : array of shape (draws, units, indicators), optional
        Values from the distribution of the estimates, taken at random as wholes; in place of both.

    Returns
    -------
    array of shape (size, units, indicators)
    """
    if draws is not None:
        return draws[rng.integers(0, len(draws), size)]
    if root is not None:
        z = _normals(rng, (size, root.shape[1])) @ root.T
        return values + z.reshape(size, *values.shape)
    if std_error is None:
        return np.broadcast_to(values, (size, *values.shape))
    columns = np.flatnonzero(std_error.any(axis=0))
    if len(columns) == values.shape[1]:
        z = _normals(rng, (size, *values.shape)) * std_error
        z += values
        return z
    out = np.broadcast_to(values, (size, *values.shape)).copy()
    out[..., columns] += _normals(rng, (size, len(values), len(columns))) * std_error[:, columns]
    return out


def delta_method(
    score: Callable[[Array], Array], values: Array, std_error: Array, *, relative: float = 1e-4
) -> tuple[Array, Array]:
    r"""Covariance of scores by linearisation: :math:`J \operatorname{diag}(\sigma^2) J'`, J by central differences.

    Whatever the scores take from the data, least and greatest values among it, moves with the data. At a kink (the
    best unit changes) the linearisation is of one side only, and simulation is the better answer.

    Parameters
    ----------
    score : callable
        ``array (replications, units, indicators) -> array (replications, outputs)``.
    values, std_error : arrays of shape (units, indicators)
        Independent errors; zero or missing: none.
    relative : float
        Step, in standard errors.

    Returns
    -------
    std_error : array of shape (outputs,)
    covariance : array of shape (outputs, outputs)

    Examples
    --------
    >>> mean = lambda x: x.mean(axis=-1)
    >>> delta_method(mean, np.array([[1.0, 2.0], [3.0, 5.0]]), np.full((2, 2), 0.2))[0].round(6)
    array([0.141421, 0.141421])
    """
    sigma = np.nan_to_num(std_error)
    places = np.argwhere((sigma > 0) & np.isfinite(values))
    columns = []
    for begin in range(0, len(places), 50):
        some = places[begin : begin + 50]
        shifted = np.repeat(values[None, None], 2 * len(some), axis=0).reshape(2, len(some), *values.shape)
        step = sigma[some[:, 0], some[:, 1]] * relative
        for side, sign in enumerate((1.0, -1.0)):
            shifted[side, np.arange(len(some)), some[:, 0], some[:, 1]] += sign * step
        up, down = (score(part) for part in shifted)
        columns.append((up - down) / (2 * relative))
    if not columns:
        outputs = score(values[None]).shape[1]
        return np.zeros(outputs), np.zeros((outputs, outputs))
    jacobian = np.concatenate(columns)
    covariance = jacobian.T @ jacobian
    return np.sqrt(np.diag(covariance)), covariance
