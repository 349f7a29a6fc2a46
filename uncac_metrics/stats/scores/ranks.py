"""Ranks with what is known of them: confidence sets, probabilities, significance of differences and changes.

A framework for measuring corruption is not there to rank States. Where units are ranked at all, no function here gives
a rank without its interval. Rank 1 is the best: the highest value, unless ``higher_is_better=False``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pandas as pd
from scipy import special, stats

from uncac_metrics.model import Fault, Faults
from uncac_metrics.stats.estimates import Estimates
from uncac_metrics.stats.scores import rank_kernels as kernels
from uncac_metrics.stats.scores.covariances import factor_scores

Array = np.ndarray

LABELS = ["indicator", "statistic", "time_period", "ref_area"]


def independent(estimates: Estimates) -> Estimates:
    """The same estimates with a covariance: their squared standard errors, and nothing between them.

    For estimates that come from a published table.

    Parameters
    ----------
    estimates
        Rows with a value and a standard error.

    Returns
    -------
    Estimates

    Examples
    --------
    >>> from uncac_metrics.stats.estimates import make_table
    >>> table = make_table({"ref_area": ["A", "B"], "value": [1.0, 2.0], "std_error": [0.1, 0.2]})
    >>> independent(Estimates(table)).covariance().round(2).to_numpy().tolist()
    [[0.01, 0.0], [0.0, 0.04]]
    """
    return replace(estimates, scores=(factor_scores(estimates.table["std_error"].to_numpy(dtype=float)),))


def ranked(value: Array, *, ties: float = 0.0, higher_is_better: bool = True) -> Array:
    """Ranks of numbers; NaN has none.

    Parameters
    ----------
    value : array
    ties : float
        Where in its range of ranks a tied value stands: 0 at the best, 1 at the worst, 0.5 in the middle.
    higher_is_better : bool

    Returns
    -------
    array

    Examples
    --------
    >>> ranked(np.array([4.0, 3.0, 4.0])).tolist(), ranked(np.array([4.0, 3.0, 4.0]), ties=0.5).tolist()
    ([1.0, 3.0, 1.0], [1.5, 3.0, 1.5])
    """
    value = np.asarray(value, dtype=float)
    x = value if higher_is_better else -value
    missing = np.isnan(x)
    best, worst = kernels.rank_from_top(x), (~missing).sum() + 1 - kernels.rank_from_top(-x)
    return np.where(missing, np.nan, (1 - ties) * best + ties * worst)


def rank_sets(
    estimates: Estimates,
    *,
    simultaneous: bool = False,
    stepwise: bool = True,
    higher_is_better: bool = True,
    level: float = 0.9,
    draws: int = 1000,
    seed: int = 1,
) -> pd.DataFrame:
    r"""Confidence sets for ranks, from the joint distribution of all differences.

    A unit's rank lies between one more than the units that are significantly above it, and the number of units less
    those significantly below it. The critical value is that of the greatest of the standardised differences:

    - ``simultaneous=False``: of those that a unit is part of. Each unit's set contains its rank with
      probability `level`; for a statement about one unit.
    - ``simultaneous=True``: of all. All sets contain their ranks together with probability `level`; for
      statements about several units or the whole table.

    Parameters
    ----------
    estimates : Estimates
        Values with a joint covariance; each indicator, statistic and period is ranked by itself.
    simultaneous : bool
    stepwise : bool
        Leave decided pairs out and look again; shorter sets at the same level.
    higher_is_better : bool
        Rank 1 is the highest value.
    level : float
        Confidence level.
    draws, seed : int
        Draws of the joint normal distribution for the critical values.

    Returns
    -------
    DataFrame
        Labels, ``value``, ``std_error``, ``rank`` (ties share the best), ``lower``, ``upper``, ``conf_level``,
        ``method``.

    Raises
    ------
    Faults
        Estimates without a covariance (:func:`independent` gives one to a published table) or with values missing.

    Notes
    -----
    The sets hold for every constellation of true values, ties included, as estimates become exact; intervals of ranks
    of draws (:func:`rank_probabilities`) are shorter and do not: near ties they miss too often.

    References
    ----------
    Mogstad, Romano, Shaikh and Wilhelm (2024), Inference for ranks with applications to mobility across neighbourhoods
    and academic achievement across countries, Review of Economic Studies 91, 476–518.

    Examples
    --------
    >>> from uncac_metrics.stats.estimates import make_table
    >>> table = make_table({"ref_area": ["A", "B", "C"], "value": [1.0, 1.2, 5.0], "std_error": 0.3})
    >>> rank_sets(independent(Estimates(table)))[["ref_area", "rank", "lower", "upper"]]
      ref_area  rank  lower  upper
    0        A     3      2      3
    1        B     2      2      3
    2        C     1      1      1
    """
    parts = []
    for table, value, covariance in _groups(estimates, higher_is_better):
        above, below = kernels.decided(
            value, covariance, level, simultaneous=simultaneous, stepwise=stepwise, draws=draws, seed=seed
        )
        lower, upper = 1 + below.sum(axis=1), len(value) - above.sum(axis=1)
        parts.append(_ranking(table, value, lower, upper, level))
    kind = "simultaneous" if simultaneous else "marginal"
    method = f"{kind} confidence sets from pairwise differences{', stepwise' if stepwise else ''}"
    return _in_order(parts).assign(method=method)


def best_units(
    estimates: Estimates,
    best: int,
    *,
    higher_is_better: bool = True,
    level: float = 0.9,
    draws: int = 1000,
    seed: int = 1,
) -> pd.DataFrame:
    """Units that may be among the best: a set that contains all of the true `best` with probability `level`.

    Parameters
    ----------
    estimates, higher_is_better, level, draws, seed
        As in :func:`rank_sets`.
    best : int
        How many (τ).

    Returns
    -------
    DataFrame
        As :func:`rank_sets`, with ``possible``: the lower limit of the simultaneous set is `best` or less.

    Examples
    --------
    >>> from uncac_metrics.stats.estimates import make_table
    >>> table = make_table({"ref_area": ["A", "B", "C"], "value": [1.0, 1.2, 5.0], "std_error": 0.3})
    >>> best_units(independent(Estimates(table)), best=2)[["ref_area", "rank", "lower", "upper", "possible"]]
      ref_area  rank  lower  upper  possible
    0        A     3      2      3      True
    1        B     2      2      3      True
    2        C     1      1      1      True
    """
    sets = rank_sets(
        estimates, simultaneous=True, higher_is_better=higher_is_better, level=level, draws=draws, seed=seed
    )
    return sets.assign(possible=sets["lower"] <= best)


def rank_probabilities(
    estimates: Estimates,
    *,
    top: int = 10,
    higher_is_better: bool = True,
    level: float = 0.9,
    draws: int = 10_000,
    seed: int = 1,
) -> pd.DataFrame:
    """What the ranks are in draws from the distribution of the values.

    Parameters
    ----------
    estimates, higher_is_better, level, seed
        As in :func:`rank_sets`. Draws that the estimates carry are used as they are.
    top : int
        For the probability to be among the best so many.
    draws : int

    Returns
    -------
    DataFrame
        As :func:`rank_sets`, with the limits quantiles of the rank, and ``mean_rank`` and ``p_top``.

    Notes
    -----
    Read as probabilities given the data (flat prior). As confidence intervals they are too short where true
    values are nearly tied: drawing adds noise to estimates that hold noise already.

    Examples
    --------
    >>> from uncac_metrics.stats.estimates import make_table
    >>> table = make_table({"ref_area": ["A", "B", "C"], "value": [1.0, 1.2, 5.0], "std_error": 0.3})
    >>> found = rank_probabilities(independent(Estimates(table)), top=2)
    >>> found[["ref_area", "rank", "lower", "upper", "mean_rank", "p_top"]].round(1)
      ref_area  rank  lower  upper  mean_rank  p_top
    0        A     3      2      3        2.7    0.3
    1        B     2      2      3        2.3    0.7
    2        C     1      1      1        1.0    1.0
    """
    parts = []
    tail = (1 - level) / 2
    for table, value, covariance in _groups(estimates, higher_is_better):
        if estimates.draws is None:
            drawn = value[:, None] + kernels.normal_draws(covariance, draws, seed)
        else:
            drawn = estimates.draws[:, table["_row"]].T * (1 if higher_is_better else -1)
        ranks = kernels.rank_from_top(drawn.T).T
        lower, upper = np.quantile(ranks, [tail, 1 - tail], axis=1, method="inverted_cdf")
        part = _ranking(table, value, lower, upper, level)
        parts.append(part.assign(mean_rank=ranks.mean(axis=1), p_top=(ranks <= top).mean(axis=1)))
    return _in_order(parts).assign(method="quantiles of ranks of draws")


def exceedance(estimates: Estimates, *, higher_is_better: bool = True) -> pd.DataFrame:
    r"""Probability of every unit to be above every other: :math:`\Phi((\hat\theta_i - \hat\theta_k)/\sigma_{ik})`.

    Parameters
    ----------
    estimates : Estimates
        Of one indicator, statistic and period.
    higher_is_better : bool

    Returns
    -------
    DataFrame
        Row i, column k: the probability that i is above k; missing on the diagonal.

    Examples
    --------
    >>> from uncac_metrics.stats.estimates import make_table
    >>> table = make_table({"ref_area": ["A", "B", "C"], "value": [1.0, 1.2, 5.0], "std_error": 0.3})
    >>> exceedance(independent(Estimates(table))).round(2)
          A     B    C
    A   NaN  0.32  0.0
    B  0.68   NaN  0.0
    C  1.00  1.00  NaN
    """
    groups = list(_groups(estimates, higher_is_better))
    if len(groups) > 1:
        fault = Fault("exceedance", "estimates", f"{len(groups)} indicators or periods", "select one")
        raise Faults([fault])
    [(table, value, covariance)] = groups
    error = kernels.pair_errors(covariance)
    with np.errstate(divide="ignore", invalid="ignore"):
        p = special.ndtr((value[:, None] - value[None, :]) / error)
    p = np.where(np.isnan(p), 0.5, p)
    np.fill_diagonal(p, np.nan)
    names = table["ref_area"].to_numpy()
    order = np.argsort(table["_row"].to_numpy())
    return pd.DataFrame(p, index=names, columns=names).iloc[order, order]


def rank_sets_of_counts(
    counts: pd.Series, *, simultaneous: bool = True, adjust: str = "holm", level: float = 0.9
) -> pd.DataFrame:
    r"""Confidence sets for the ranks of shares, from counts of answers to one question; exact in small samples.

    Pairs are compared by the binomial test that j is not above k: :math:`P(\mathrm{Bin}(x_j + x_k, \tfrac12) \ge x_j)`.

    Parameters
    ----------
    counts : Series
        How many of a simple random sample chose each answer (the index).
    simultaneous : bool
        As in :func:`rank_sets`.
    adjust : {"holm", "bonferroni"}
        For the number of pairs.
    level : float

    Returns
    -------
    DataFrame
        Index as given; ``count``, ``rank``, ``lower``, ``upper``, ``conf_level``, ``method``.

    References
    ----------
    Bazylik, Mogstad, Romano, Shaikh and Wilhelm (2021), Finite- and large-sample inference for ranks using multinomial
    data with an application to ranking political parties, NBER Working Paper 29519.

    Examples
    --------
    >>> rank_sets_of_counts(pd.Series({"police": 60, "courts": 48, "customs": 9}))[["rank", "lower", "upper"]]
             rank  lower  upper
    police      1      1      2
    courts      2      1      2
    customs     3      3      3
    """
    if adjust not in ("holm", "bonferroni"):
        raise Faults([Fault("rank_sets_of_counts", "adjust", f"{adjust!r}", "holm or bonferroni")])
    x = counts.to_numpy(dtype=float)
    bad = ~(x >= 0) | (x != np.floor(x))
    if bad.any():
        fault = Fault("rank_sets_of_counts", "counts", "not whole numbers of 0 or more", "give counts", count=bad.sum())
        raise Faults([fault])
    total = x[:, None] + x[None, :]
    p = np.where(total > 0, stats.binom.sf(x[:, None] - 1, total, 0.5), 1.0)
    k = len(x)
    off = ~np.eye(k, dtype=bool)
    if simultaneous:
        above = np.zeros((k, k), dtype=bool)
        above[off] = _rejected(p[off], adjust, 1 - level)
        below = above.T
    else:
        above, below = np.zeros((k, k), dtype=bool), np.zeros((k, k), dtype=bool)
        for i in range(k):
            found = _rejected(np.concatenate([p[i, off[i]], p[off[i], i]]), adjust, 1 - level)
            above[i, off[i]], below[i, off[i]] = found[: k - 1], found[k - 1 :]
    columns = {
        "count": x.astype(int), "rank": ranked(x).astype(int), "lower": 1 + below.sum(axis=1),
        "upper": k - above.sum(axis=1), "conf_level": level,
        "method": f"{'simultaneous' if simultaneous else 'marginal'} confidence sets, exact binomial, {adjust}",
    }  # fmt: skip
    return pd.DataFrame(columns, index=counts.index)


def _rejected(p: Array, adjust: str, alpha: float) -> Array:
    if adjust == "bonferroni":
        return p <= alpha / p.size
    order = np.argsort(p, kind="stable")
    passed = np.minimum.accumulate(p[order] <= alpha / np.arange(p.size, 0, -1))
    out = np.zeros(p.size, dtype=bool)
    out[order] = passed
    return out


def _groups(estimates: Estimates, higher_is_better: bool) -> Iterator[tuple[pd.DataFrame, Array, Array]]:
    """Table, values (higher is better) and covariance of each ranking, in an order that is the values' own."""
    table = estimates.table
    unknown = table["value"].isna() | (table["std_error"].isna() if estimates.draws is None else False)
    if unknown.any():
        remedy = "leave them out with select()"
        raise Faults(
            [Fault("ranks", "estimates", "values or standard errors missing", remedy, count=int(unknown.sum()))]
        )
    for found in table.groupby(["indicator", "statistic", "time_period"], sort=False).indices.values():
        rows = np.sort(found)
        part = table.iloc[rows]
        covariance = estimates.select(rows=rows).covariance().to_numpy()
        value = part["value"].to_numpy(dtype=float) * (1 if higher_is_better else -1)
        order = np.lexsort([np.diag(covariance), value])
        yield part.iloc[order].assign(_row=rows[order]), value[order], covariance[np.ix_(order, order)]


def _ranking(table: pd.DataFrame, value: Array, lower: Array, upper: Array, level: float) -> pd.DataFrame:
    return table[[*LABELS, "value", "std_error", "_row"]].assign(
        rank=ranked(value).astype(int), lower=lower.astype(int), upper=upper.astype(int), conf_level=level
    )


def _in_order(parts: list[pd.DataFrame]) -> pd.DataFrame:
    whole = pd.concat(parts).sort_values("_row", kind="stable")
    return whole.drop(columns="_row").reset_index(drop=True)
