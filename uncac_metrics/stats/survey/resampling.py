"""Replicates made from a design: one factor a sampling unit and replicate, never one a row."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from uncac_metrics.model import Fault, Faults
from uncac_metrics.stats.survey.design import Design
from uncac_metrics.stats.survey.hadamard import hadamard, order_from
from uncac_metrics.stats.survey.replicates import Replicates, centred_at_estimate, known_kind, scale_of
from uncac_metrics.stats.survey.stages import Stage

Array = np.ndarray
LARGEST = 250_000_000  # factors: 2 GB
BOOTSTRAP = 500
DIFFERENCES = 160  # successive differences: replicates where there are more units than that


def with_replicates(
    design: Design,
    kind: str,
    *,
    replicates: int | None = None,
    seed: int = 0,
    fay: float = 0.0,
    mse: bool | None = None,
    order: str | None = None,
) -> Design:
    r"""The same sample with replicates in the place of linearisation.

    In a stratum with n PSUs, a fraction f of those that there are, the factors of a replicate and its scale are

    ============ ============================================================= ==========================
    kind         factor of the PSUs                                            scale
    ============ ============================================================= ==========================
    JK1, JKn     0 for one PSU, n/(n − 1) for the others of its stratum        (1 − f)(n − 1)/n
    JK2          1 ± √(1 − f) for the two PSUs of one stratum, at random       1
    BRR, fay     1 ± (1 − ρ)√(1 − f) for the two PSUs of every stratum, signs  1/(R (1 − ρ)²)
                 from a Hadamard matrix; ρ = `fay`, 0 for BRR
    bootstrap    1 + √(1 − f) (m n/(n − 1) − 1), m times drawn in n − 1 draws  1/(R − 1)
    sdr          1 + √(1 − f)(a − b)/√8, a and b signs of the PSU and of the   4/R
                 next one from a Hadamard matrix
    ============ ============================================================= ==========================

    For totals, JK1, JKn, BRR and fay give the variance of linearisation exactly, and JK2 does about the estimate; the
    bootstrap gives it on average. Fractions are those of the first stage: what later stages add when f > 0 is not in
    the replicates.

    Parameters
    ----------
    design : Design
        Strata and PSUs. Calibrate after, not before: each replicate is calibrated then.
    kind : {"JK1", "JKn", "JK2", "BRR", "fay", "bootstrap", "sdr"}
        JK1 is for one stratum. JK2, BRR and fay need two PSUs in every stratum.
    replicates : int, optional
        Number of replicates R of the bootstrap (500); at least so many for BRR, fay and sdr, where R is the order of
        a Hadamard matrix: the first above the number of strata, or of PSUs for sdr (no more than 160 if not asked).
    seed : int
        Of the draws of the bootstrap, of the signs of JK2, and of how sdr uses rows again when R is too small for
        all PSUs. The same seed gives the same replicates.
    fay : float
        Fay's coefficient ρ in (0, 1), for kind "fay".
    mse : bool, optional
        Centre at the full-sample estimate instead of the mean of the replicates; yes for JK2 and sdr, otherwise no.
    order : str, optional
        For sdr: column in whose order PSUs were drawn systematically. Without it, that of their first rows.

    Returns
    -------
    Design

    Raises
    ------
    Faults
        A design that the kind does not fit (with the strata), too many factors to keep, options that do not go with
        the kind.

    References
    ----------
    Wolter (2007), Introduction to Variance Estimation, ch. 3–5; Judkins (1990), Journal of Official Statistics 6; Rao
    and Wu (1988), JASA 83; Fay and Train (1995), ASA Proceedings.

    Examples
    --------
    >>> import pandas as pd
    >>> from uncac_metrics.stats import survey
    >>> frame = pd.DataFrame({"w": [10.0, 10, 20, 20], "h": ["a", "a", "b", "b"], "bribes": [0, 2, 1, 3]})
    >>> design = survey.Design(frame, weight="w", stratum="h")
    >>> replicated = survey.with_replicates(design, "JKn")
    >>> survey.total(replicated, "bribes").table[["value", "std_error"]].round(3)
       value  std_error
    0  100.0     44.721
    """
    kind = known_kind(kind, "with_replicates")
    _check(design, kind, replicates, fay, order)
    stage = design.stages[0]
    factors, rscales = MAKERS[kind](design, stage, replicates, seed, fay, order)
    n = factors.shape[1]
    scale = 1.0 if kind == "JK1" else scale_of(kind, n, fay)  # (n − 1)/n (1 − f) is in the replicates' own scales
    df = design.n_psu - design.n_strata
    if kind in ("bootstrap", "sdr"):
        df = min(df, n - 1)
    made = Replicates(
        factors, stage.unit, scale, rscales, centred_at_estimate(kind) if mse is None else mse, kind, df
    )  # fmt: skip
    return design.changed(replicates=made)


def _rest(stage: Stage) -> Array:
    """1 − f for every PSU; 0 for those that add no variance."""
    n = stage.size
    rest = np.where(n > 1, stage.factor * (n - 1) / np.maximum(n, 1), stage.factor)
    rest = np.where(stage.lonely, 0.0, rest)[stage.stratum]
    return rest if stage.unit_factor is None else rest * stage.unit_factor


def _jackknife(
    design: Design, stage: Stage, replicates: int | None, seed: int, fay: float, order: str | None
) -> tuple[Array, Array]:
    rest, h = _rest(stage), stage.stratum
    size = stage.size[h].astype(float)
    left_out = np.flatnonzero(rest > 0)
    factors = np.ones((h.size, left_out.size))
    members = np.argsort(h, kind="stable")
    starts = np.concatenate([[0], np.cumsum(stage.size)])
    for r, unit in enumerate(left_out):
        stratum = h[unit]
        factors[members[starts[stratum] : starts[stratum + 1]], r] = size[unit] / (size[unit] - 1)
    factors[left_out, np.arange(left_out.size)] = 0.0
    return factors, (rest * (size - 1) / size)[left_out]


def _pairs(stage: Stage) -> Array:
    """The two PSUs of every stratum that adds variance, shape (strata, 2)."""
    use = (stage.size == 2) & (stage.factor > 0)
    members = np.argsort(stage.stratum, kind="stable")
    first = np.concatenate([[0], np.cumsum(stage.size)[:-1]])[use]
    return np.column_stack([members[first], members[first + 1]])


def _jackknife_pairs(
    design: Design, stage: Stage, replicates: int | None, seed: int, fay: float, order: str | None
) -> tuple[Array, Array]:
    pairs, reach = _pairs(stage), np.sqrt(_rest(stage))
    sign = np.random.default_rng(seed).choice([-1.0, 1.0], len(pairs))
    factors = np.ones((stage.stratum.size, len(pairs)))
    each = np.arange(len(pairs))
    factors[pairs[:, 0], each] += sign * reach[pairs[:, 0]]
    factors[pairs[:, 1], each] -= sign * reach[pairs[:, 1]]
    return factors, np.ones(len(pairs))


def _half_samples(
    design: Design, stage: Stage, replicates: int | None, seed: int, fay: float, order: str | None
) -> tuple[Array, Array]:
    pairs, reach = _pairs(stage), np.sqrt(_rest(stage))
    n = order_from(max(len(pairs) + 1, replicates or 0, 4))
    signs = hadamard(n)[1 : len(pairs) + 1]
    factors = np.ones((stage.stratum.size, n))
    for side, sign in ((0, 1.0), (1, -1.0)):
        unit = pairs[:, side]
        factors[unit] += sign * (1 - fay) * reach[unit, None] * signs
    return factors, np.ones(n)


def _bootstrap(
    design: Design, stage: Stage, replicates: int | None, seed: int, fay: float, order: str | None
) -> tuple[Array, Array]:
    n = BOOTSTRAP if replicates is None else replicates
    reach = np.sqrt(_rest(stage))
    rng = np.random.default_rng(seed)
    members = np.argsort(stage.stratum, kind="stable")
    starts = np.concatenate([[0], np.cumsum(stage.size)])
    factors = np.ones((stage.stratum.size, n))
    for h, size in enumerate(stage.size):
        if size < 2:
            continue
        units = members[starts[h] : starts[h + 1]]
        drawn = rng.multinomial(size - 1, np.full(size, 1 / size), size=n).T
        factors[units] = 1 + reach[units, None] * (drawn * (size / (size - 1)) - 1)
    return factors, np.ones(n)


def _differences(
    design: Design, stage: Stage, replicates: int | None, seed: int, fay: float, order: str | None
) -> tuple[Array, Array]:
    n_units = stage.stratum.size
    n = order_from(max(n_units + 1 if replicates is None else replicates, 4))
    if replicates is None and n > DIFFERENCES:
        n = DIFFERENCES
    first = np.empty(n_units, dtype=np.intp)
    first[stage.unit[design.unit][::-1]] = np.arange(design.n)[::-1]
    rank = first if order is None else np.argsort(np.argsort(design.data[order].to_numpy()[first], kind="stable"))
    sequence = np.lexsort((rank, stage.stratum))
    # rows 1 … n − 1 in turn; when they are used up, again in another order
    rng = np.random.default_rng(seed)
    turns = [np.arange(1, n)] + [rng.permutation(np.arange(1, n)) for _ in range((n_units - 1) // (n - 1))]
    row = np.empty(n_units, dtype=np.intp)
    row[sequence] = np.concatenate(turns)[:n_units]
    after = np.empty(n_units, dtype=np.intp)
    ends = np.cumsum(stage.size) - 1
    following = np.concatenate([sequence[1:], sequence[:1]])
    following[ends] = sequence[np.concatenate([[0], ends[:-1] + 1])]  # the last PSU is followed by the first
    after[sequence] = following
    signs = hadamard(n).astype(float)
    factors = 1 + np.sqrt(_rest(stage) / 8)[:, None] * (signs[row] - signs[row[after]])
    return factors, np.ones(n)


Maker = Callable[[Design, Stage, int | None, int, float, str | None], tuple[Array, Array]]
MAKERS: dict[str, Maker] = {
    "JK1": _jackknife, "JKn": _jackknife, "JK2": _jackknife_pairs, "BRR": _half_samples, "fay": _half_samples,
    "bootstrap": _bootstrap, "sdr": _differences,
}  # fmt: skip


def _check(design: Design, kind: str, replicates: int | None, fay: float, order: str | None) -> None:
    faults = []

    def fault(where: str, what: str, remedy: str) -> None:
        faults.append(Fault("with_replicates", where, what, remedy))

    if kind == "other":
        fault("kind", "cannot be made", "replicate_design takes replicates with a scale of their own")
        raise Faults(faults)
    if design.replicates is not None:
        fault("design", "has replicates", "start from the design of strata and PSUs")
        raise Faults(faults)
    if design.calibration is not None:
        fault("design", "is calibrated", "make the replicates first and calibrate them")
    if design.quadratic is not None:
        fault("design", "has joint probabilities or two phases", "replicates cannot stand for them: linearise")
    if design.singleton in ("adjust", "average") and design.stages[0].lonely.any():
        remedy = 'singleton="collapse" or "certainty"'
        fault("singleton", f"replicates cannot follow the rule {design.singleton!r}", remedy)
    if replicates is not None and replicates < 2:
        fault("replicates", f"{replicates} replicates", "at least 2")
    if replicates is not None and kind in ("JK1", "JKn", "JK2"):
        fault("replicates", f"the number of replicates of {kind} follows from the design", "leave it out")
    if (kind == "fay") != (0 < fay < 1):
        fault("fay", f"{fay} with kind {kind!r}", 'kind="fay" takes a coefficient between 0 and 1; the others take 0')
    if order is not None and kind != "sdr":
        fault("order", f"is not used by {kind!r}", 'kind="sdr"')
    elif order is not None and order not in design.data.columns:
        fault("order", f"no column {order!r} in the data", "name a column")
    stage = design.stages[0]
    if stage.unit_factor is not None and kind not in ("JK1", "JKn"):
        fault("kind", f"{kind!r} does not know unequal probabilities", 'kind="JKn"')
    adding = (stage.factor > 0) & ~stage.lonely
    if kind == "JK1" and stage.size.size > 1:
        fault("kind", f"JK1 with {stage.size.size} strata", 'kind="JKn"')
    if kind in ("JK2", "BRR", "fay"):
        wrong = np.flatnonzero(adding & (stage.size != 2))
        if wrong.size:
            what = f"{wrong.size} strata do not have two PSUs (one has {stage.size[wrong[0]]})"
            fault("kind", what, 'kind="JKn" or "bootstrap"; or pair the PSUs')
    if not faults and not adding.any():
        fault("design", "no stratum adds variance", "replicates would all be equal")
    size = {
        "JK1": stage.stratum.size, "JKn": stage.stratum.size, "JK2": stage.size.size,
        "bootstrap": replicates or BOOTSTRAP, "sdr": replicates or DIFFERENCES,
    }.get(kind, max(replicates or 0, stage.size.size))  # fmt: skip
    if stage.stratum.size * size > LARGEST:
        what = f"{stage.stratum.size:,} PSUs × {size:,} replicates are too many factors to keep"
        fault("kind", what, 'kind="bootstrap" with fewer replicates')
    if faults:
        raise Faults(faults)
