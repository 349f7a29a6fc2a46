"""Samples drawn with unequal probabilities and without replacement."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from uncac_metrics.model import Fault, Faults
from uncac_metrics.stats.survey.design import Design, column
from uncac_metrics.stats.survey.forms import Block, Form

Array = np.ndarray
METHODS = ("brewer", "overton", "hartley_rao", "poisson", "joint")


def pps_design(
    data: pd.DataFrame,
    *,
    probability: str | Sequence[str],
    weight: str | None = None,
    stratum: str | None = None,
    psu: str | Sequence[str] | None = None,
    method: str = "brewer",
    variance: str = "ht",
    psum: float | str | None = None,
    joint: pd.DataFrame | Array | None = None,
    nest: bool = False,
    singleton: str = "error",
) -> Design:
    r"""A design whose PSUs were drawn with unequal probabilities, without replacement.

    With :math:`\pi_i` the inclusion probability of PSU i, :math:`z_i` the sum of its weighted (linearised) values and n
    PSUs in its stratum, the variance is

    .. math::
       \text{Brewer}\quad & \frac{n}{n-1} \sum_i (1 - \pi_i)(z_i - \bar z)^2 \\
       \text{Horvitz–Thompson}\quad & \sum_i \sum_j D_{ij} z_i z_j, \qquad D_{ij} = 1 - \pi_i \pi_j / \pi_{ij} \\
       \text{Sen–Yates–Grundy}\quad & -\tfrac12 \sum_i \sum_j D_{ij} (z_i - z_j)^2

    with the joint probabilities :math:`\pi_{ij}` as given, or :math:`(n-1)\,\pi_i \pi_j` divided by
    :math:`n - (\pi_i + \pi_j)/2` (Overton) or by :math:`n - \pi_i - \pi_j + \sum_U \pi^2 / n` (Hartley–Rao), or
    :math:`\pi_i \pi_j` (Poisson sampling). PSUs with :math:`\pi_i = 1` add nothing and count in no n. The forms of
    Overton, Hartley–Rao and Poisson are never written out pair by pair.

    Parameters
    ----------
    data : DataFrame of n rows
    probability : str or list of str
        Column of the inclusion probability of the row's PSU, in (0, 1]; with "brewer" also of later stages'
        population sizes or sampling fractions, one a stage. Under the other methods PSUs count as observed whole:
        later stages add no variance of their own.
    weight : str, optional
        Column of weights. Without it, 1 / probability.
    stratum, psu, nest, singleton
        As in :class:`Design`. Strata are drawn independently.
    method : {"brewer", "overton", "hartley_rao", "poisson", "joint"}
    variance : {"ht", "yg"}
        Horvitz–Thompson or Sen–Yates–Grundy, for all methods but "brewer" and "poisson". The latter rests on a fixed
        sample size and is more stable. Either may come out negative; the result then says so.
    psum : float or str, optional
        For "hartley_rao": :math:`\sum_U \pi^2 / n` over the population, a number or a column that is constant in a
        stratum. Without it, its estimate from the sample, :math:`\sum_s \pi / n`.
    joint : array or DataFrame, optional
        For "joint": joint inclusion probabilities of the sampled PSUs, in the order in which they first stand in the
        data (a DataFrame with PSU labels as its index may be in any order); :math:`\pi_i` on the diagonal.

    Returns
    -------
    Design

    Raises
    ------
    Faults
        Probabilities outside (0, 1] or uneven within a PSU; a joint matrix of the wrong size, not symmetric, or at
        odds with the probabilities; options that do not go together.

    References
    ----------
    Brewer (2002), Combined Survey Sampling Inference, ch. 9; Overton (1985); Hartley and Rao (1962), Annals of
    Mathematical Statistics 33; Särndal, Swensson and Wretman (1992), §2.8, §3.5; Berger (2004), Statistics in
    Transition 6.

    Examples
    --------
    >>> import pandas as pd
    >>> from uncac_metrics.stats import survey
    >>> courts = pd.DataFrame({"p": [0.8, 0.4, 0.2, 0.2], "cases": [90, 38, 22, 25]})
    >>> design = survey.pps_design(courts, probability="p", method="hartley_rao")
    >>> survey.total(design, "cases").table[["value", "std_error"]].round(3)
       value  std_error
    0  442.5      24.04
    """
    names = [probability] if isinstance(probability, str) else list(probability)
    _check_options(method, variance, psum, joint, names)
    design = Design(
        data, weight=weight, stratum=stratum, psu=psu, fpc=names, pps=True, nest=nest,
        singleton="certainty" if method in ("poisson", "joint") else singleton,
    )  # fmt: skip
    if method == "brewer":
        return design
    return design.changed(quadratic=_form(design, method, variance, psum, joint, psu))


def _form(
    design: Design, method: str, variance: str, psum: float | str | None, joint: pd.DataFrame | Array | None,
    psu: str | Sequence[str] | None,
) -> Form:  # fmt: skip
    [stage] = design.stages
    assert stage.unit_factor is not None
    rest, h = stage.unit_factor, stage.stratum
    p = 1 - rest
    name = {"overton": "Overton", "hartley_rao": "Hartley–Rao", "joint": "given"}.get(method, "")
    words = f"Horvitz–Thompson with {name} joint probabilities"
    if method == "poisson":
        return Form("Poisson sampling", rest)
    if method == "joint":
        assert joint is not None
        pairs = _joint(design, p, joint, psu)
        form = Form(words, np.zeros(p.size), matrix=1 - np.outer(np.diag(pairs), np.diag(pairs)) / pairs)
        return form.yates_grundy() if variance == "yg" else form
    n = stage.size.astype(float)
    over = 1 / np.where(n > 1, n - 1, np.inf)
    # D_ij = level + slope (p_i + p_j) within a stratum
    if method == "overton":
        level, slope = -over, over / 2
    else:
        level, slope = -(1 + _psum(design, p, psum)) * over, over
    blocks = (
        Block(h, level[h] + slope[h] * p, np.ones(p.size)),
        Block(h, slope[h], p),
    )
    own = np.where(stage.lonely[h], 0.0, rest)
    form = Form(words, own - (level[h] + 2 * slope[h] * p), blocks)
    return form.yates_grundy() if variance == "yg" else form


def _psum(design: Design, p: Array, psum: float | str | None) -> Array:
    """Σ π² / n of every stratum, given or estimated."""
    [stage] = design.stages
    if psum is None:
        return np.bincount(stage.stratum, weights=p) / stage.size
    if isinstance(psum, str):
        given = column(design.data, psum, "psum").to_numpy(dtype=float)
        out = np.empty(stage.size.size)
        row_stratum = stage.stratum[stage.unit[design.unit]]
        out[row_stratum] = given
        if (given != out[row_stratum]).any():
            raise Faults([Fault("pps_design", f"psum {psum!r}", "differs within a stratum", "one value for each")])
        return out
    certain = p == 1
    if np.unique(stage.stratum[~certain]).size > 1:
        fault = Fault("pps_design", "psum", "one number for several strata", "name a column with each stratum's value")
        raise Faults([fault])
    return np.full(stage.size.size, float(psum))


def _joint(design: Design, p: Array, joint: pd.DataFrame | Array, psu: str | Sequence[str] | None) -> Array:
    """The joint probabilities in the order of the design's units, checked."""
    [stage] = design.stages
    row_unit = stage.unit[design.unit]
    order = pd.unique(row_unit)
    if isinstance(joint, pd.DataFrame) and psu is not None:
        name = psu if isinstance(psu, str) else psu[0]
        first = np.zeros(order.size, dtype=np.intp)
        first[row_unit[::-1]] = np.arange(design.n)[::-1]
        labels = design.data[name].to_numpy()[first[order]]
        if joint.index.is_unique and set(joint.index) == set(labels) == set(joint.columns):
            joint = joint.loc[labels, labels]
    given = np.asarray(joint, dtype=float)
    faults = []

    def fault(what: str, remedy: str) -> None:
        faults.append(Fault("pps_design", "joint", what, remedy))

    if given.shape != (p.size, p.size):
        shape = " × ".join(str(s) for s in given.shape)
        fault(f"a matrix of {shape} for {p.size} PSUs", "one row and column a sampled PSU, in the order of the data")
        raise Faults(faults)
    pairs = np.empty_like(given)
    pairs[np.ix_(order, order)] = given
    if not np.isfinite(pairs).all() or (pairs <= 0).any():
        fault("missing, zero or negative probabilities", "every pair of sampled PSUs had a chance to be drawn")
        raise Faults(faults)
    if not np.allclose(pairs, pairs.T, rtol=1e-8, atol=0):
        fault("not symmetric", "the chance of i and j is that of j and i")
    if not np.allclose(np.diag(pairs), p, rtol=1e-6):
        remedy = "put the probabilities of the PSUs on the diagonal, in the order of the data"
        fault("the diagonal is not the column of probabilities", remedy)
    elif (pairs > np.minimum.outer(p, p) * (1 + 1e-6)).any():
        fault("a pair is more likely than one of its PSUs", "correct the joint probabilities")
    if faults:
        raise Faults(faults)
    return pairs


def _check_options(method: str, variance: str, psum: float | str | None, joint: object, names: list[str]) -> None:
    faults = []

    def fault(where: str, what: str, remedy: str) -> None:
        faults.append(Fault("pps_design", where, what, remedy))

    if method not in METHODS:
        fault("method", f"unknown method {method!r}", f"one of {', '.join(METHODS)}")
    if variance not in ("ht", "yg"):
        fault("variance", f"unknown form {variance!r}", "ht or yg")
    elif variance == "yg" and method in ("brewer", "poisson"):
        fault("variance", f"{method!r} has one form only", 'leave out variance="yg"')
    if psum is not None and method != "hartley_rao":
        fault("psum", f"is not used by {method!r}", 'method="hartley_rao"')
    if (joint is not None) != (method == "joint"):
        fault("joint", "joint probabilities go with method 'joint'", 'give both joint= and method="joint"')
    if len(names) != 1 and method != "brewer":
        fault("probability", f"{len(names)} stages under {method!r}", 'only method="brewer" takes later stages')
    if faults:
        raise Faults(faults)
