r"""Unobserved components as the Worldwide Governance Indicators are published.

A source j rates unit i by :math:`y_{ij} = \alpha_j + \beta_j (g_i + \varepsilon_{ij})`, with
:math:`g_i \sim N(0, 1)` and :math:`\varepsilon_{ij} \sim N(0, \sigma_j^2)`, all independent.
:mod:`~uncac_metrics.stats.scores.ucm_ml` fits the same model by full maximum likelihood.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import optimize, special

from uncac_metrics.model import Fault, Faults
from uncac_metrics.stats.estimates import Estimates, make_table
from uncac_metrics.stats.scores.covariances import factor_scores
from uncac_metrics.stats.scores.ratings import Ratings, arrange, by_period

Array = np.ndarray

REPRESENTATIVE = ("eiu", "frh", "gcs", "gwp", "her", "hum", "ijt", "ipd", "prs", "rsf", "tpr", "vdm", "wmo")
UNIT = "standard deviations"


@dataclass(frozen=True, eq=False)
class LatentScores:
    """Scores of units, and what the sources turned out to be worth."""

    estimates: Estimates
    """A row a unit and period: score, standard error, interval; ``n`` counts its sources."""
    sources: pd.DataFrame
    """A row a source and period: ``alpha``, ``beta``, ``sigma``, ``n`` (units rated) and, by method, more."""
    fit: pd.DataFrame
    """A row a period (or one for all of an anchored panel): what the iterations came to."""


def wgi_representative(dimension: str, year: int) -> tuple[str, ...]:
    """Sources that the World Bank takes as representative of the world, for one dimension and year.

    Parameters
    ----------
    dimension : str
        ``va``, ``pv``, ``ge``, ``rq``, ``rl`` or ``cc``.
    year : int

    Returns
    -------
    tuple of str
        Codes of three letters, as in the published source data.

    Notes
    -----
    As the 2022 release was made; the list in its replication package has ``ipd`` as not representative, but only with
    it does one arrive at the published numbers.

    Examples
    --------
    >>> "gcs" in wgi_representative("cc", 2002), "gcs" in wgi_representative("cc", 2004)
    (False, True)
    """
    not_here = {"va": {"hum", "vdm"}, "cc": {"frh"}, "rl": {"frh"}}.get(dimension, set())
    if year <= 2002:
        not_here = not_here | {"gcs"}
    return tuple(s for s in REPRESENTATIVE if s not in not_here)


def unobserved_components(
    ratings: pd.DataFrame,
    representative: Sequence[str] | dict[str, Sequence[str]],
    *,
    unit: str = "ref_area",
    period: str = "time_period",
    source: str = "source",
    value: str = "value",
    indicator: str = "",
    level: float = 0.9,
) -> LatentScores:
    r"""Aggregate the ratings of several sources as the Worldwide Governance Indicators do.

    Each period on its own: (1) a one-factor model of the representative sources, by maximum likelihood on their
    correlations over the units that each pair has in common, gives loadings :math:`\lambda_j`, hence
    :math:`\beta_j = \lambda_j s_j`, :math:`\alpha_j = \bar y_j`, :math:`\sigma_j^2 = \lambda_j^{-2} - 1`; (2) from
    these, scores

    .. math:: \hat g_i = \frac{\sum_j \sigma_j^{-2} (y_{ij} - \alpha_j) / \beta_j}{1 + \sum_j \sigma_j^{-2}}, \qquad
              \mathrm{se}_i = (1 + \sum_j \sigma_j^{-2})^{-1/2};

    (3) every other source is regressed on the scores, its slope corrected for the error in them; (4) scores from all
    sources; (5) scores set to mean 0 and standard deviation 1 over the units of the period.

    Parameters
    ----------
    ratings : DataFrame
        One row a rating, higher is better.
    representative : sequence of str, or dict of them by period
        Sources that rate units like the whole population of units; at least three in each period.
    unit, period, source, value : str
        Columns of `ratings`.
    indicator : str
        Written into the column ``indicator`` of the result.
    level : float
        Confidence level; the WGI publish 90 %.

    Returns
    -------
    LatentScores
        The intervals take the parameters as known; see :func:`unobserved_components_ml` for what that costs.

    Raises
    ------
    Faults
        Bad ratings (see :func:`~uncac_metrics.stats.scores.ratings.arrange`), fewer than three representative sources
        in a period, sources without spread, pairs of representative sources with fewer than three units in common.

    Notes
    -----
    Because each period is standardised by itself, the mean over all units can't change: a change of a unit is a
    change against the others.

    References
    ----------
    Kaufmann, Kraay and Mastruzzi (2011), The Worldwide Governance Indicators: methodology and analytical issues,
    Hague Journal on the Rule of Law 3, 220–246; replication package of the 2022 release.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> truth = rng.normal(size=40)
    >>> frame = pd.DataFrame([
    ...     {"ref_area": f"U{i:02}", "source": s, "value": truth[i] + noise * rng.normal()}
    ...     for i in range(40) for s, noise in [("a", 0.3), ("b", 0.5), ("c", 0.7), ("d", 0.9)]
    ... ])
    >>> result = unobserved_components(frame, ["a", "b", "c"])
    >>> result.sources[["source", "representative", "sigma", "n"]].round(2)
      source  representative  sigma   n
    0      a            True   0.46  40
    1      b            True   0.37  40
    2      c            True   0.81  40
    3      d           False   0.82  40
    """
    laid = arrange(ratings, unit=unit, period=period, source=source, value=value)
    wide = by_period("representative", representative, laid)
    _check(laid, wide)
    results = [two_step(y, rep) for y, rep in zip(laid.values, wide, strict=True)]
    alpha, beta, sigma2 = (np.array([r[k] for r in results]) for k in ("alpha", "beta", "sigma2"))
    sources = source_table(laid, alpha, beta, sigma2).assign(representative=wide[(~np.isnan(alpha)).nonzero()])
    fit = pd.DataFrame(
        {
            "time_period": laid.periods,
            "objective": [r["objective"] for r in results],
            "representative": wide.sum(axis=1) - (wide & np.isnan(alpha)).sum(axis=1),
        }
    )
    estimates = _scores(laid, alpha, beta, sigma2, "unobserved components, two steps as published", indicator, level)
    return LatentScores(estimates, sources, fit)


def scores_given(
    ratings: pd.DataFrame,
    sources: pd.DataFrame,
    *,
    unit: str = "ref_area",
    period: str = "time_period",
    source: str = "source",
    value: str = "value",
    indicator: str = "",
    level: float = 0.9,
) -> Estimates:
    """Scores from ratings where the parameters of the sources are given, as in a published table.

    Parameters
    ----------
    ratings : DataFrame
        As in :func:`unobserved_components`.
    sources : DataFrame
        A row a source and period, with ``source``, the column `period`, ``alpha``, ``beta`` and ``sigma``. Sources
        without a row do not count.
    unit, period, source, value, indicator, level
        As in :func:`unobserved_components`.

    Returns
    -------
    Estimates
        With mean 0 and standard deviation 1 over the units of each period.

    Examples
    --------
    >>> frame = pd.DataFrame({"ref_area": ["A", "B", "C"], "source": "s", "value": [0.0, 1.0, 2.0]})
    >>> given = pd.DataFrame({"source": ["s"], "alpha": 1.0, "beta": 1.0, "sigma": 0.5})
    >>> scores_given(frame, given).table[["ref_area", "value", "std_error"]].round(4)
      ref_area  value  std_error
    0        A   -1.0      0.559
    1        B    0.0      0.559
    2        C    1.0      0.559
    """
    laid = arrange(ratings, unit=unit, period=period, source=source, value=value)
    arrays = [
        arrange(sources.assign(unit="all"), unit="unit", period=period, source="source", value=name, where="sources")
        for name in ("alpha", "beta", "sigma")
    ]
    known = {(p, s): k for k, (p, s) in enumerate((p, s) for p in arrays[0].periods for s in arrays[0].sources)}
    places = np.array([[known.get((p, s), -1) for s in laid.sources] for p in laid.periods])
    alpha, beta, sigma = (np.append(a.values.ravel(), np.nan)[places] for a in arrays)
    return _scores(laid, alpha, beta, sigma**2, "unobserved components, parameters given", indicator, level)


def percentile_ranks(estimates: Estimates, *, z: float = 1.64) -> pd.DataFrame:
    r"""Percentile ranks and their bands, as the Worldwide Governance Indicators publish them.

    :math:`100 (\#\{k: \hat g_k \le x\} - 1) / (n - 1)` at :math:`x = \hat g_i` and at
    :math:`x = \hat g_i \pm z\,\mathrm{se}_i`, never below 0.

    Parameters
    ----------
    estimates : Estimates
        Scores; each period is ranked by itself.
    z : float
        Standard errors to either side; 1.64 as published.

    Returns
    -------
    DataFrame
        ``ref_area``, ``time_period``, ``percentile_rank``, ``lower``, ``upper`` (0 to 100, higher is better).

    Notes
    -----
    The bands move one unit and hold the others still. They are not confidence sets for the rank:
    :func:`~uncac_metrics.stats.scores.ranks.rank_sets` gives those.

    Examples
    --------
    >>> frame = pd.DataFrame({"ref_area": ["A", "B", "C"], "source": "s", "value": [0.0, 1.0, 2.0]})
    >>> given = pd.DataFrame({"source": ["s"], "alpha": 1.0, "beta": 1.0, "sigma": 0.5})
    >>> percentile_ranks(scores_given(frame, given))[["ref_area", "percentile_rank", "lower", "upper"]]
      ref_area  percentile_rank  lower  upper
    0        A              0.0    0.0    0.0
    1        B             50.0    0.0   50.0
    2        C            100.0   50.0  100.0
    """
    table = estimates.table
    out = table[["indicator", "ref_area", "time_period"]].copy()
    for name, shift in (("percentile_rank", 0.0), ("lower", -z), ("upper", z)):
        out[name] = np.nan
        for rows in table.groupby(["indicator", "time_period"], sort=False).indices.values():
            score = table["value"].to_numpy()[rows]
            at = score + shift * table["std_error"].to_numpy()[rows]
            below = np.searchsorted(np.sort(score), at, side="right")
            out.loc[out.index[rows], name] = 100 * np.maximum(below - 1, 0) / max(len(rows) - 1, 1)
    return out


def two_step(y: Array, representative: Array) -> dict[str, Array | float]:
    """Parameters of one period: ratings (units, sources), yes/no for each source; NaN for sources without ratings."""
    y = y[np.lexsort(y.T)]  # sums in an order that no name of a unit changes
    rated = ~np.isnan(y)
    used = rated.any(axis=0)
    rep = used & representative
    alpha, beta, sigma2 = (np.full(y.shape[1], np.nan) for _ in range(3))
    loadings, objective = one_factor(pairwise_correlations(y[:, rep]))
    alpha[rep] = np.nanmean(y[:, rep], axis=0)
    spread = np.nanstd(y[:, rep], axis=0, ddof=1)
    beta[rep] = loadings * spread
    sigma2[rep] = loadings**-2.0 - 1
    g, variance = combine(y, alpha, beta, sigma2)
    g[~rated[:, rep].any(axis=1)] = np.nan
    for j in np.flatnonzero(used & ~representative):
        both = rated[:, j] & ~np.isnan(g)
        x, of_source = g[both], y[both, j]
        spread_g = x.var(ddof=1)
        slope = np.cov(x, of_source)[0, 1] / spread_g
        reliability = (spread_g - variance[both].mean()) / spread_g
        beta[j] = slope / (reliability if reliability >= 0 else 1.0)
        rest = of_source - beta[j] * x
        alpha[j] = rest.mean()
        sigma2[j] = rest.var(ddof=1) / beta[j] ** 2
    return {"alpha": alpha, "beta": beta, "sigma2": sigma2, "objective": objective}


def combine(y: Array, alpha: Array, beta: Array, sigma2: Array) -> tuple[Array, Array]:
    """Scores and their variance, shape (…, units), given parameters (…, sources); sources with NaN do not count."""
    inverse = np.where(np.isnan(y) | np.isnan(sigma2)[..., None, :], 0.0, 1 / sigma2[..., None, :])
    units = np.where(inverse > 0, (y - alpha[..., None, :]) / beta[..., None, :], 0.0)
    weight = 1 + inverse.sum(axis=-1)
    return (inverse * units).sum(axis=-1) / weight, 1 / weight


def standardised(y: Array, alpha: Array, beta: Array, sigma2: Array) -> tuple[Array, Array]:
    """Scores and standard errors (periods, units), scores of mean 0 and standard deviation 1 in each period."""
    g, variance = combine(y, alpha, beta, sigma2)
    seen = (~np.isnan(y) & ~np.isnan(sigma2)[:, None, :]).any(axis=2)
    g, error = np.where(seen, g, np.nan), np.where(seen, np.sqrt(variance), np.nan)
    spread = np.nanstd(g, axis=1, ddof=1, keepdims=True)
    return (g - np.nanmean(g, axis=1, keepdims=True)) / spread, error / spread


def pairwise_correlations(y: Array) -> Array:
    """Correlations of columns, each over the rows that both have."""
    rated = ~np.isnan(y)
    filled, seen = np.where(rated, y - np.nanmean(y, axis=0), 0.0), rated.astype(float)
    n, total, cross, square = seen.T @ seen, filled.T @ seen, filled.T @ filled, (filled**2).T @ seen
    covariance = cross - total * total.T / n
    variance = square - total**2 / n
    correlation: Array = covariance / np.sqrt(variance * variance.T)
    return correlation


def one_factor(correlation: Array, tolerance: float = 1e-10) -> tuple[Array, float]:
    r"""Maximum-likelihood loadings of one factor, and the discrepancy.

    With :math:`\theta` the eigenvalues of :math:`\Psi^{-1/2} R \Psi^{-1/2}`, greatest first,
    :math:`f(\log\psi) = \sum_{m > 1} (\theta_m - \log\theta_m - 1)` is minimised over the uniquenesses.
    """
    k = len(correlation)

    def eigen(log_psi: Array) -> tuple[Array, Array]:
        scale = np.exp(-log_psi / 2)
        theta, w = np.linalg.eigh(correlation * np.outer(scale, scale))
        return theta[::-1], w[:, ::-1]

    def discrepancy(log_psi: Array) -> tuple[float, Array]:
        theta, w = eigen(log_psi)
        rest = np.maximum(theta[1:], 1e-12)
        return float((rest - np.log(rest) - 1).sum()), (w[:, 1:] ** 2) @ (1 - theta[1:])

    with np.errstate(invalid="ignore"):
        start = np.log(np.clip(0.5 / np.diag(np.linalg.pinv(correlation)), 0.05, 0.9))
    bounds = [(np.log(1e-6), 0.0)] * k
    options = {"ftol": 1e-16, "gtol": tolerance, "maxiter": 2000, "maxcor": 2 * k}
    found = optimize.minimize(discrepancy, start, jac=True, method="L-BFGS-B", bounds=bounds, options=options)
    theta, w = eigen(found.x)
    loadings = np.exp(found.x / 2) * np.sqrt(max(theta[0] - 1, 0.0)) * w[:, 0]
    return loadings * (1 if loadings.sum() >= 0 else -1), float(found.fun)


def source_table(laid: Ratings, alpha: Array, beta: Array, sigma2: Array) -> pd.DataFrame:
    """A row a period and source that has parameters, (periods, sources) arrays given."""
    t, j = np.nonzero(~np.isnan(alpha))
    return pd.DataFrame(
        {
            "time_period": np.array(laid.periods, dtype=object)[t],
            "source": np.array(laid.sources, dtype=object)[j],
            "alpha": alpha[t, j],
            "beta": beta[t, j],
            "sigma": np.sqrt(sigma2[t, j]),
            "n": (~np.isnan(laid.values)).sum(axis=1)[t, j],
        }
    )


def score_table(
    laid: Ratings, rows: tuple[Array, ...], value: Array, std_error: Array, method: str, indicator: str, level: float
) -> pd.DataFrame:
    """The table of scores of these rows (places of period and unit)."""
    half = special.ndtri(0.5 + level / 2) * std_error
    return make_table(
        {
            "indicator": indicator, "statistic": "latent_score",
            "ref_area": np.array(laid.units, dtype=object)[rows[1]],
            "time_period": np.array(laid.periods, dtype=object)[rows[0]],
            "value": value, "std_error": std_error, "lower": value - half, "upper": value + half,
            "conf_level": level, "interval": "wald", "df": np.inf, "n": laid.seen[rows], "unit": UNIT,
            "method": method,
        }
    )  # fmt: skip


def _scores(
    laid: Ratings, alpha: Array, beta: Array, sigma2: Array, method: str, indicator: str, level: float
) -> Estimates:
    counted = ~np.isnan(laid.values) & ~np.isnan(sigma2)[:, None, :]
    laid = Ratings(np.where(counted, laid.values, np.nan), laid.periods, laid.units, laid.sources)
    value, std_error = standardised(laid.values, alpha, beta, sigma2)
    rows = np.nonzero(laid.seen > 0)
    table = score_table(laid, rows, value[rows], std_error[rows], method, indicator, level)
    return Estimates(table, (factor_scores(std_error[rows]),))


def _check(laid: Ratings, representative: Array) -> None:
    faults = []
    rated = ~np.isnan(laid.values)
    for t, name in enumerate(laid.periods):
        y, seen = laid.values[t], rated[t]
        where = f"ratings {name}".strip()
        rep = representative[t] & seen.any(axis=0)
        if rep.sum() < 3:
            remedy = "name three at least; with fewer the weights are not identified"
            faults.append(Fault(where, "representative", f"{rep.sum()} representative sources", remedy))
        few = seen.any(axis=0) & (seen.sum(axis=0) < 3)
        faults += [
            Fault(where, laid.sources[j], f"rates {seen[:, j].sum()} units", "leave the source out: three are needed")
            for j in np.flatnonzero(few)
        ]
        for j in np.flatnonzero(seen.any(axis=0) & ~few):
            if np.ptp(y[seen[:, j], j]) == 0:
                faults.append(Fault(where, laid.sources[j], "rates all units alike", "leave the source out"))
        shared = (seen.astype(int).T @ seen.astype(int))[np.ix_(rep, rep)]
        names = [laid.sources[j] for j in np.flatnonzero(rep)]
        faults += [
            Fault(where, f"{names[a]}, {names[b]}", f"{shared[a, b]} units in common", "call one not representative")
            for a, b in zip(*np.nonzero(np.triu(shared < 3, 1)), strict=True)
        ]
    if faults:
        raise Faults(faults)
