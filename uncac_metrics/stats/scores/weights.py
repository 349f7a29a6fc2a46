r"""Weights: given by people, taken from data, or drawn to see what they matter.

Data-driven weights say how indicators vary together, not what matters; none is a default. All are shares: not
negative, sum one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import optimize

from uncac_metrics.model import Fault, Faults
from uncac_metrics.stats.scores.analysis import complete_rows, correlate, principal_components

Array = np.ndarray


def shares(weights: Array) -> Array:
    """Weights as shares of their sum.

    Raises
    ------
    Faults
        A weight is negative or missing, or all are zero.
    """
    w = np.asarray(weights, dtype=float)
    if not (w >= 0).all() or not w.sum() > 0:
        raise Faults([Fault("weights", "", f"{w} are not weights", "give numbers from zero up, one above it")])
    return w / w.sum()


def equal(p: int) -> Array:
    """``1/p`` each."""
    return np.full(p, 1 / p)


def pca(x: Array) -> Array:
    """Loadings of the first principal component of the correlation matrix, as shares.

    Parameters
    ----------
    x : array of shape (units, indicators)
        Units with a missing value are left out.

    Returns
    -------
    array of shape (indicators,)

    Raises
    ------
    Faults
        A loading is negative once their sum is positive: the indicator runs against the others, and no weight says so.

    Examples
    --------
    >>> x = np.random.default_rng(0).normal(size=(100, 1)) + 0.5 * np.random.default_rng(1).normal(size=(100, 3))
    >>> pca(x).round(2)
    array([0.33, 0.33, 0.33])
    """
    loadings = principal_components(x).rotation[:, 0]
    if (loadings < 0).any():
        places = ", ".join(str(j) for j in np.flatnonzero(loadings < 0))
        what = f"indicator {places} has a negative loading on the first component"
        raise Faults([Fault("pca", "x", what, "check its direction, or give it a place of its own in the tree")])
    return shares(loadings)


def varimax(loadings: Array, *, tolerance: float = 1e-12, most: int = 1_000) -> Array:
    """Rotate loadings to Kaiser's varimax criterion, rows scaled to unit length.

    Pairs of factors are turned to their best angle until none turns further. The iteration by singular values that is
    common elsewhere can circle for ever, and stops early at usual tolerances.

    Examples
    --------
    >>> turn = np.array([[np.cos(0.5), np.sin(0.5)], [-np.sin(0.5), np.cos(0.5)]])
    >>> np.abs(varimax(np.array([[1.0, 0], [0.9, 0], [0, 0.8]]) @ turn)).round(3)
    array([[1. , 0. ],
           [0.9, 0. ],
           [0. , 0.8]])
    """
    length = np.sqrt((loadings**2).sum(axis=1, keepdims=True))
    z = loadings / length
    p, factors = z.shape
    for _ in range(most):
        turned = 0.0
        for j in range(factors):
            for k in range(j + 1, factors):
                u, v = z[:, j] ** 2 - z[:, k] ** 2, 2 * z[:, j] * z[:, k]
                above = 2 * (u @ v - u.sum() * v.sum() / p)
                angle = np.arctan2(above, u @ u - v @ v - (u.sum() ** 2 - v.sum() ** 2) / p) / 4
                cos, sin = np.cos(angle), np.sin(angle)
                z[:, [j, k]] = z[:, [j, k]] @ np.array([[cos, -sin], [sin, cos]])
                turned = max(turned, abs(angle))
        if turned < tolerance:
            break
    return z * length


def factor(x: Array, factors: int | None = None) -> Array:
    r"""Weights of the OECD and JRC handbook: principal components, varimax, and each indicator's greatest share.

    .. math:: w_j \propto \max_f \frac{L_{jf}^2}{\sum_j L_{jf}^2} \cdot \frac{\sum_j L_{jf}^2}{\sum_{jf} L_{jf}^2}

    Parameters
    ----------
    x : array of shape (units, indicators)
    factors : int, optional
        Components to keep; those with an eigenvalue above one where not given.

    Returns
    -------
    array of shape (indicators,)
        Weights, as shares.

    References
    ----------
    OECD and JRC (2008), *Handbook on Constructing Composite Indicators*, section 6.1.
    """
    found = principal_components(x)
    kept = factors if factors is not None else max(1, int((found.sd**2 > 1).sum()))
    loadings = varimax(found.rotation[:, :kept] * found.sd[:kept]) ** 2
    return shares(loadings.max(axis=1))


@dataclass(frozen=True, eq=False)
class Optimum:
    """Weights found by optimisation."""

    weights: Array
    correlations: Array
    """Of each indicator with the weighted sum."""
    objective: float


def optimal(x: Array, target: Array | None = None, kind: str = "balance") -> Optimum:
    r"""Weights on the simplex that make each indicator as influential as it should be.

    Influence is the correlation :math:`r_j` of an indicator with the weighted sum. ``balance`` minimises
    :math:`\sum_j (r_j / \sum r - t_j)^2`; ``infomax`` maximises :math:`\sum_j r_j`. Weights are
    :math:`e^{u_j} / \sum e^u`, and so never negative.

    Parameters
    ----------
    x : array of shape (units, indicators)
        Normalised indicators; units with a missing value are left out.
    target : array of shape (indicators,), optional
        Wished influence; equal where not given.
    kind : {'balance', 'infomax'}

    Returns
    -------
    Optimum

    References
    ----------
    Becker, Saisana, Paruolo and Vandecasteele (2017), Ecological Indicators 80, 12–22.

    Examples
    --------
    >>> x = np.random.default_rng(5).normal(size=(200, 3)) @ [[1, 0.6, 0], [0, 1, 0], [0, 0, 1]]
    >>> found = optimal(x)
    >>> found.correlations.round(3), bool((found.weights >= 0).all())
    (array([0.614, 0.614, 0.614]), True)
    """
    if kind not in ("balance", "infomax"):
        raise Faults([Fault("optimal", "kind", f'there is no kind "{kind}"', "balance or infomax")])
    rows = complete_rows(x)
    s = np.cov(rows, rowvar=False)
    sd = np.sqrt(np.diag(s))
    goal = equal(len(sd)) if target is None else shares(target)

    def value(u: Array) -> tuple[float, Array]:
        w = np.exp(u - u.max())
        w /= w.sum()
        total = np.sqrt(w @ s @ w)
        r = (s @ w) / (sd * total)
        slope = s / np.outer(sd, np.ones_like(sd)) / total - np.outer(r, s @ w) / total**2
        if kind == "infomax":
            loss, by_r = -r.sum(), -np.ones_like(r)
        else:
            q = r / r.sum()
            gap = q - goal
            loss, by_r = gap @ gap, 2 * (gap - gap @ q) / r.sum()
        by_w = by_r @ slope
        return float(loss), w * (by_w - w @ by_w)

    # the objective is not convex: start from equal weights, then from each indicator in turn
    starts = [np.zeros(len(sd)), *(2.0 * np.eye(len(sd)))]
    options = {"maxiter": 5_000, "ftol": 1e-16, "gtol": 1e-12}
    runs = [optimize.minimize(value, u, jac=True, method="L-BFGS-B", options=options) for u in starts]
    best = min(runs, key=lambda run: run.fun)
    w = np.exp(best.x - best.x.max())
    w /= w.sum()
    return Optimum(w, (s @ w) / (sd * np.sqrt(w @ s @ w)), float(best.fun))


def entropy(x: Array) -> Array:
    r"""Shannon's entropy weights: :math:`w_j \propto 1 + \sum_i q_{ij} \ln q_{ij} / \ln n`, q the shares of the units.

    Parameters
    ----------
    x : array of shape (units, indicators)
        Values from zero up on a scale with an origin; units with a missing value are left out.

    Returns
    -------
    array of shape (indicators,)
        Weights, as shares.

    Notes
    -----
    From the literature (Zeleny 1982); there is no published reference number behind it here.

    Examples
    --------
    >>> entropy(np.array([[1.0, 1], [1, 3], [1, 8]])).round(3)
    array([0., 1.])
    """
    rows = complete_rows(x)
    if (rows < 0).any() or (rows.sum(axis=0) <= 0).any():
        raise Faults([Fault("entropy", "x", "values below zero, or none above", "normalise to 0 … 100 first")])
    q = rows / rows.sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        information = np.where(q > 0, q * np.log(q), 0.0).sum(axis=0) / np.log(len(rows))
    return shares(np.maximum(1 + information, 0.0))


def critic(x: Array) -> Array:
    r"""CRITIC: contrast times conflict, :math:`w_j \propto s_j \sum_k (1 - r_{jk})`, s of indicators on 0 … 1.

    Parameters
    ----------
    x : array of shape (units, indicators)
        Units with a missing value are left out.

    Returns
    -------
    array of shape (indicators,)
        Weights, as shares.

    References
    ----------
    Diakoulaki, Mavrotas and Papayannakis (1995), Computers & Operations Research 22, 763–770 (no reference number).

    Examples
    --------
    >>> critic(np.array([[0.0, 0, 1], [1, 1, 0], [2, 2, 0]])).round(3)
    array([0.232, 0.232, 0.536])
    """
    rows = complete_rows(x)
    span = rows.max(axis=0) - rows.min(axis=0)
    scaled = (rows - rows.min(axis=0)) / np.where(span > 0, span, 1.0)
    r = np.nan_to_num(correlate(scaled))
    np.fill_diagonal(r, 1.0)
    return shares(scaled.std(axis=0, ddof=1) * (1 - r).sum(axis=0))


_RANDOM_INDEX = (0.0, 0.0, 0.0, 0.58, 0.90, 1.12, 1.24, 1.32, 1.41, 1.45, 1.49)
"""Saaty's mean consistency index of random matrices, by their size."""


def ahp(comparisons: Array) -> tuple[Array, float]:
    """Weights from pairwise judgements (analytic hierarchy process): Perron vector, and Saaty's consistency ratio.

    Parameters
    ----------
    comparisons : array of shape (indicators, indicators)
        How many times as important the row is as the column; reciprocal, ones on the diagonal.

    Returns
    -------
    weights : array
    consistency : float
        Above 0.1 the judgements contradict each other too much. NaN above ten indicators.

    References
    ----------
    Saaty (1980), *The Analytic Hierarchy Process* (no reference number).

    Examples
    --------
    >>> weights, consistency = ahp(np.array([[1, 2, 4], [1 / 2, 1, 2], [1 / 4, 1 / 2, 1]]))
    >>> weights.round(4), round(abs(consistency), 6)
    (array([0.5714, 0.2857, 0.1429]), 0.0)
    """
    a = np.asarray(comparisons, dtype=float)
    if a.ndim != 2 or a.shape[0] != a.shape[1] or not (a > 0).all() or not np.allclose(a * a.T, 1, rtol=1e-6):
        remedy = "give a square matrix of positive numbers with a[k, j] = 1 / a[j, k]"
        raise Faults([Fault("ahp", "comparisons", "the judgements are not reciprocal", remedy)])
    values, vectors = np.linalg.eig(a)
    top = int(np.argmax(values.real))
    n = len(a)
    index = (values[top].real - n) / (n - 1) if n > 1 else 0.0
    scale = _RANDOM_INDEX[n] if n < len(_RANDOM_INDEX) else np.nan
    return shares(np.abs(vectors[:, top].real)), float(index / scale) if scale else 0.0


@dataclass(frozen=True, eq=False)
class Benefit:
    """Benefit-of-the-doubt scores, each with the weights that suit its unit best."""

    scores: Array
    weights: Array
    """Units × indicators."""


def benefit_of_the_doubt(x: Array, lower: float = 0.0, upper: float = 1.0) -> Benefit:
    r"""Each unit under the weights that show it best: :math:`\max_w w'y_i` with :math:`w'y_k \le 1` for all k, w ≥ 0.

    Parameters
    ----------
    x : array of shape (units, indicators)
        Values from zero up; none missing.
    lower, upper : float
        Bounds of each indicator's share of the unit's score, :math:`w_j y_{ij} / w'y_i`; 0 and 1 bind nothing.

    Returns
    -------
    Benefit
        The score of each unit, and the weights that gave it.

    References
    ----------
    Cherchye, Moesen, Rogge and Van Puyenbroeck (2007), Social Indicators Research 82, 111–145.

    Examples
    --------
    >>> benefit_of_the_doubt(np.array([[1.0, 4], [4, 1], [2, 2]])).scores.round(3)
    array([1. , 1. , 0.8])
    """
    y = np.asarray(x, dtype=float)
    if np.isnan(y).any() or (y < 0).any() or (y.sum(axis=1) <= 0).any():
        remedy = "impute and normalise to 0 … 100 first"
        raise Faults([Fault("benefit_of_the_doubt", "x", "missing or negative values, or a unit of zeros", remedy)])
    n, p = y.shape
    scores, weights = np.empty(n), np.empty((n, p))
    for i, own in enumerate(y):
        above, below = [y], [np.ones(n)]
        if lower > 0 or upper < 1:
            share = np.diag(own)
            above += [share - upper * own, lower * own - share]
            below += [np.zeros(2 * p)]
        done = optimize.linprog(-own, A_ub=np.vstack(above), b_ub=np.concatenate(below), method="highs")
        if not done.success:
            what = f"no weights satisfy the bounds for unit {i}"
            raise Faults([Fault("benefit_of_the_doubt", "lower", what, "widen the bounds")])
        scores[i], weights[i] = -done.fun, done.x
    return Benefit(scores, weights)


def noisy(weights: Array, noise: float, n: int, *, seed: int | np.random.Generator = 0) -> Array:
    """Weights within ``w (1 ± noise)``, uniform, as shares: n sets.

    Parameters
    ----------
    weights : array of shape (indicators,)
        The weights that vary.
    noise : float
        Greatest relative change.
    n : int
        Number of sets.
    seed : int or Generator
        Of the draws.

    Returns
    -------
    array of shape (n, indicators)
        Each set sums to one.

    Examples
    --------
    >>> sets = noisy(np.array([0.5, 0.5]), 0.25, 100)
    >>> sets.shape, bool((sets.sum(axis=1).round(12) == 1).all())
    ((100, 2), True)
    """
    w = shares(weights)
    rng = np.random.default_rng(seed)
    drawn = w * (1 + noise * rng.uniform(-1, 1, (n, len(w))))
    return drawn / drawn.sum(axis=1, keepdims=True)
