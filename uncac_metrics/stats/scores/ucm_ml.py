r"""Unobserved components by full maximum likelihood, with the uncertainty of the parameters in every standard error.

The model is that of :mod:`~uncac_metrics.stats.scores.ucm`. All sources are fitted together on whatever they rate;
there is no second step, and none need be called representative if what a source leaves out depends on what the others
say of the unit, and not on its own rating besides.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from uncac_metrics.model import Fault, Faults
from uncac_metrics.stats.estimates import Estimates
from uncac_metrics.stats.scores import factor_draws, factor_em
from uncac_metrics.stats.scores.covariances import factor_scores
from uncac_metrics.stats.scores.factor_em import Data, make_data
from uncac_metrics.stats.scores.ratings import Ratings, arrange
from uncac_metrics.stats.scores.ucm import LatentScores, score_table, source_table

Array = np.ndarray

LEAST = 5
"""Units that a source must rate in a fit."""


def unobserved_components_ml(
    ratings: pd.DataFrame,
    *,
    blocks: Mapping[str, Sequence[str]] | None = None,
    anchor: str | None = None,
    draws: int = 200,
    seed: int = 1,
    unit: str = "ref_area",
    period: str = "time_period",
    source: str = "source",
    value: str = "value",
    indicator: str = "",
    level: float = 0.9,
) -> LatentScores:
    r"""Aggregate ratings by an unobserved components model, fitted by full maximum likelihood.

    .. math:: y_{ij} = \alpha_j + \beta_j g_i + s_j h_{i k(j)} + \beta_j \varepsilon_{ij}

    with :math:`g_i \sim N(0, 1)`, :math:`\varepsilon_{ij} \sim N(0, \sigma_j^2)` and, for sources that belong to a
    block k, an error :math:`h_{ik} \sim N(0, \tau_k^2)` that they share, in units of the standard deviation
    :math:`s_j` of each. Scores are conditional expectations of g, with mean 0 and standard deviation 1 over the units.

    The covariance of the scores is :math:`E_\theta[\operatorname{diag}(v_\theta)] + V_\theta[\hat g_\theta]`, the
    expectation and variance over draws of the parameters :math:`\theta` from their posterior (flat priors, a Gibbs
    sampler started at the maximum), with :math:`v_\theta` the conditional variances of g and :math:`\hat g_\theta`
    the standardised scores: they are read against mean and spread of the units at hand, so what moves all
    units alike is no error.

    Parameters
    ----------
    ratings : DataFrame
        One row a rating, higher is better; missing at random given the other ratings of the unit.
    blocks : mapping of name to sources, optional
        Sources whose errors are correlated: of one house, or of one kind of respondent. A source belongs to one block
        at most.
    anchor : str, optional
        A period. Then α, β and σ are common to all periods, :math:`g_{it} \sim N(\mu_t, \omega_t^2)`, and the scale of
        the whole panel is that of the units in this period: changes over time are comparable. Otherwise each
        period is fitted and standardised by itself.
    draws : int
        Draws of the parameters from their posterior, for the standard errors. 0 takes the parameters as known, as
        published indices do: too short intervals.
    seed : int
        Of the draws.
    unit, period, source, value : str
        Columns of `ratings`.
    indicator : str
        Written into the column ``indicator`` of the result.
    level : float
        Confidence level.

    Returns
    -------
    LatentScores
        ``sources`` also has the standard errors of α and β, ``weight`` (share in the score of a unit that all
        sources of the period rate, errors of blocks left aside) and ``block``; ``fit`` has the log-likelihood, the
        standard deviations of blocks, EM steps, and for a panel the mean and spread of each period.

    Raises
    ------
    Faults
        Bad ratings, fewer than three sources in a period, a source that rates fewer than five units or all alike,
        blocks or an anchor that name nothing, a fit that does not converge.

    Notes
    -----
    A panel takes a source's scale as fixed: one that changed its method is a new source from then on. Scores of one
    unit in two periods are independent given the parameters; where a source errs about a unit in the same
    way year after year, the standard error of a change is too large.

    A source's error variance is at least 0.001 of its variance.

    References
    ----------
    Rubin and Thayer (1982), EM algorithms for ML factor analysis, Psychometrika 47, 69–76; Liu, Rubin and Wu (1998),
    Parameter expansion to accelerate EM, Biometrika 85, 755–770; Varadhan and Roland (2008), Scandinavian Journal of
    Statistics 35, 335–353.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> truth = rng.normal(size=150)
    >>> frame = pd.DataFrame([
    ...     {"ref_area": f"U{i:03}", "source": s, "value": truth[i] + noise * rng.normal()}
    ...     for i in range(150) for s, noise in [("a", 0.4), ("b", 0.6), ("c", 0.8), ("d", 0.8)] if rng.random() < 0.8
    ... ])
    >>> result = unobserved_components_ml(frame)
    >>> result.sources[["source", "sigma", "n", "weight"]].round(2)
      source  sigma    n  weight
    0      a   0.57  115    0.38
    1      b   0.67  118    0.28
    2      c   0.83  114    0.18
    3      d   0.89  116    0.16
    >>> plug_in = unobserved_components_ml(frame, draws=0)
    >>> bool((result.estimates.table["std_error"] > plug_in.estimates.table["std_error"]).mean() > 0.9)
    True
    """
    laid = arrange(ratings, unit=unit, period=period, source=source, value=value)
    members = _checked(laid, blocks, anchor, draws)
    if anchor is None:
        return _by_period(laid, members, list(blocks or {}), draws, seed, indicator, level)
    return _panel(laid, members, list(blocks or {}), anchor, draws, seed, indicator, level)


def leave_one_source_out(
    ratings: pd.DataFrame,
    *,
    blocks: Mapping[str, Sequence[str]] | None = None,
    unit: str = "ref_area",
    period: str = "time_period",
    source: str = "source",
    value: str = "value",
) -> pd.DataFrame:
    """How scores change when the model is fitted without one source.

    Parameters
    ----------
    ratings, blocks, unit, period, source, value
        As in :func:`unobserved_components_ml`; each period is fitted by itself.

    Returns
    -------
    DataFrame
        A row a source left out, period and unit: ``value`` (all sources), ``without``, ``change``, and ``std_error``
        of the score with all sources. A unit that no other source rates has no score without.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> truth = rng.normal(size=60)
    >>> frame = pd.DataFrame([
    ...     {"ref_area": f"U{i:02}", "source": s, "value": truth[i] + noise * rng.normal()}
    ...     for i in range(60) for s, noise in [("a", 0.3), ("b", 0.5), ("c", 0.7), ("d", 0.7)]
    ... ])
    >>> leave_one_source_out(frame).groupby("source")["change"].apply(lambda c: (c**2).mean() ** 0.5).round(2)
    source
    a    0.31
    b    0.20
    c    0.10
    d    0.13
    Name: change, dtype: float64
    """
    laid = arrange(ratings, unit=unit, period=period, source=source, value=value)
    members = _checked(laid, blocks, None, 0, least_sources=4)
    data, _, _ = factor_em.standardised(laid.values, members, np.ones((len(laid.units), 1)))
    theta, _, _ = _fitted(data, factor_em.start(factor_em.by_content(data)[0]), laid.periods)
    mean, variance, *_ = factor_em.eliminate(theta, data)
    value_all, scale = _standard(mean, variance, laid.seen > 0)
    parts = []
    for j, name in enumerate(laid.sources):
        has = np.flatnonzero(data.rated[:, :, j].any(axis=1))
        both = data.both[has].copy()
        both[:, :, [j, len(laid.sources) + j]] = 0
        part = make_data(both, data.blocks, data.groups)
        again, _, _ = _fitted(part, theta[has], [f"{laid.periods[t]} without {name}".strip() for t in has])
        kept = part.rated.sum(axis=2) > 0
        mean, given, *_ = factor_em.eliminate(again, part)
        without, _ = _standard(mean, given, kept)
        t, i = np.nonzero(laid.seen[has] > 0)
        parts.append(
            pd.DataFrame(
                {
                    "source": name,
                    "time_period": np.array(laid.periods, dtype=object)[has[t]],
                    "ref_area": np.array(laid.units, dtype=object)[i],
                    "value": value_all[has[t], i],
                    "without": np.where(kept[t, i], without[t, i], np.nan),
                    "std_error": np.sqrt(variance[has[t], i]) / scale[has[t], 0],
                }
            )
        )
    out = pd.concat(parts, ignore_index=True)
    return out.assign(change=out["without"] - out["value"])


def _by_period(
    laid: Ratings, members: Array, names: list[str], draws: int, seed: int, indicator: str, level: float
) -> LatentScores:
    data, centre, spread = factor_em.standardised(laid.values, members, np.ones((len(laid.units), 1)))
    theta, loglik, steps = _fitted(data, factor_em.start(factor_em.by_content(data)[0]), laid.periods)
    mean, variance, *_ = factor_em.eliminate(theta, data)
    there = laid.seen > 0
    value, scale = _standard(mean, variance, there)
    own, factors, deviations = _uncertainty(theta, data, there, variance / scale**2, draws, seed)
    scores = tuple(factor_scores(np.sqrt(own[t][in_t]), factors[t][in_t]) for t, in_t in enumerate(there))
    std_error = np.sqrt(own + (factors**2).sum(axis=2))[there]
    rows = np.nonzero(there)
    table = score_table(laid, rows, value[rows], std_error, _method(draws, names), indicator, level)
    in_units = (data.rated.sum(axis=1) * np.log(spread)).sum(axis=1)
    fit = pd.DataFrame({"time_period": laid.periods, "loglik": loglik - in_units, "steps": steps})
    tau = np.sqrt(factor_em.split(theta, data)[3])
    fit = fit.assign(**{f"block_sd_{name}": tau[:, k] for k, name in enumerate(names)})
    sources = _sources(laid, data, theta, deviations, centre, spread, names)
    return LatentScores(Estimates(table, scores), sources, fit)


def _panel(
    laid: Ratings, members: Array, names: list[str], anchor: str, draws: int, seed: int, indicator: str, level: float
) -> LatentScores:
    # one fit of all periods under each other, the anchor first
    base = laid.periods.index(anchor)
    order = [base, *(t for t in range(len(laid.periods)) if t != base)]
    periods, units = len(laid.periods), len(laid.units)
    groups = np.repeat(np.eye(periods), units, axis=0)
    stacked = laid.values[order].reshape(1, periods * units, -1)
    data, centre, spread = factor_em.standardised(stacked, members, groups)
    theta, loglik, steps = _fitted(
        data, factor_em.start(factor_em.by_content(data)[0]), [f"panel anchored in {anchor}"]
    )
    mean, variance, *_ = factor_em.eliminate(theta, data)
    seen = laid.seen[order] > 0
    there = seen.reshape(1, -1)
    in_base = there & (groups[:, 0] > 0)
    value, scale = _standard(mean, variance, in_base)
    own, factors, deviations = _uncertainty(theta, data, in_base, variance / scale**2, draws, seed)
    # back to the order of the periods
    place = np.argsort(order)
    rows = np.nonzero(laid.seen > 0)
    at = place[rows[0]] * units + rows[1]
    own, factors = own[0][at], factors[0][at]
    std_error = np.sqrt(own + (factors**2).sum(axis=1))
    table = score_table(laid, rows, value[0][at], std_error, _method(draws, names, anchor), indicator, level)
    *_, tau2, mu, omega2 = factor_em.split(theta, data)
    shift = mean[in_base].mean()
    in_units = (data.rated.sum(axis=1) * np.log(spread)).sum()
    fit = pd.DataFrame(
        {
            "time_period": laid.periods,
            "mean": (mu[0][place] - shift) / scale[0, 0],
            "spread": np.sqrt(omega2[0][place]) / scale[0, 0],
            "loglik": loglik[0] - in_units,
            "steps": steps[0],
        }
    )
    fit = fit.assign(**{f"block_sd_{name}": np.sqrt(tau2[0, k]) for k, name in enumerate(names)})
    one = Ratings(stacked, ("",), laid.units, laid.sources)
    sources = _sources(one, data, theta, deviations, centre, spread, names).drop(columns="time_period")
    return LatentScores(Estimates(table, (factor_scores(np.sqrt(own), factors),)), sources, fit)


def _standard(mean: Array, variance: Array, units: Array) -> tuple[Array, Array]:
    """Expected scores on the scale where these units have mean 0 and standard deviation 1; and the deviation used.

    The expected sum of squares of g about its mean is that of the expectations plus the variances: expectations are
    drawn together, and to standardise them by themselves would pull them too far apart.
    """
    n = units.sum(axis=1, keepdims=True)
    centre = (mean * units).sum(axis=1, keepdims=True) / n
    square = ((mean - centre) ** 2 * units).sum(axis=1, keepdims=True)
    scale = np.sqrt((square + (variance * units).sum(axis=1, keepdims=True) * (n - 1) / n) / (n - 1))
    return (mean - centre) / scale, scale


def _uncertainty(
    theta: Array, data: Data, units: Array, variance: Array, draws: int, seed: int
) -> tuple[Array, Array, Array]:
    """Variances given the parameters (fits, rows), factors of the parameters' uncertainty (fits, rows, draws), and
    standard deviations of the parameters; without draws the variances given are all there is."""
    if not draws:
        return variance, np.zeros((*variance.shape, 0)), np.full(theta.shape, np.nan)
    ordered, order = factor_em.by_content(data)
    back = np.argsort(order)
    own, means, parameters = np.zeros_like(variance), [], []
    for drawn, mean, given in factor_draws.draws(theta, ordered, draws, seed):
        value, scale = _standard(mean, given, units[:, order])
        own += given / scale**2 / draws
        means.append(value)
        parameters.append(drawn)
    factors = np.stack(means, axis=2)[:, back]
    factors = (factors - factors.mean(axis=2, keepdims=True)) / np.sqrt(draws - 1)
    return own[:, back], factors, np.std(parameters, axis=0, ddof=1)


def _fitted(data: Data, theta: Array, names: Sequence[str]) -> tuple[Array, Array, Array]:
    most = 5000
    theta, loglik, steps = factor_em.fit(factor_em.by_content(data)[0], theta, most=most)
    wrong = np.flatnonzero((steps >= most) | ~np.isfinite(loglik))
    if wrong.size:
        remedy = "leave out sources that rate few units, or put fewer sources in blocks"
        raise Faults([Fault("ratings", names[int(t)], "the likelihood has no clear maximum", remedy) for t in wrong])
    return theta, loglik, steps


def _sources(
    laid: Ratings, data: Data, theta: Array, deviations: Array, centre: Array, spread: Array, names: list[str]
) -> pd.DataFrame:
    a, b, psi, *_ = factor_em.split(theta, data)
    absent = data.rated.sum(axis=1) == 0
    a, b, psi = (np.where(absent, np.nan, x) for x in (a, b, psi))
    table = source_table(laid, centre + spread * a, spread * b, psi / b**2)
    t, j = np.nonzero(~absent)
    weight = b**2 / psi
    of_source = np.full(len(data.blocks), "", dtype=object)
    for k, name in enumerate(names):
        of_source[data.blocks[:, k] > 0] = name
    return table.assign(
        alpha_se=(deviations[:, : len(of_source)] * spread)[t, j],
        beta_se=(deviations[:, len(of_source) : 2 * len(of_source)] * spread)[t, j],
        weight=(weight / np.nansum(weight, axis=1, keepdims=True))[t, j],
        block=of_source[j],
    )


def _method(draws: int, names: list[str], anchor: str | None = None) -> str:
    text = "unobserved components, full maximum likelihood"
    text += f", parameter uncertainty from {draws} draws" if draws else ", parameters taken as known"
    text += f", correlated errors in {len(names)} blocks" if names else ""
    return text + (f", panel anchored in {anchor}" if anchor is not None else "")


def _checked(
    laid: Ratings,
    blocks: Mapping[str, Sequence[str]] | None,
    anchor: str | None,
    draws: int,
    least_sources: int = 3,
) -> Array:
    """Members of the blocks, (sources, blocks), once all is found to be in order."""
    faults = []
    if draws < 0 or draws == 1:
        faults.append(Fault("unobserved_components_ml", "draws", f"{draws}", "0 for plug-in errors, or 2 and more"))
    if anchor is not None and anchor not in laid.periods:
        faults.append(
            Fault("unobserved_components_ml", "anchor", f"no period {anchor!r}", f"one of {', '.join(laid.periods)}")
        )
    members = np.zeros((len(laid.sources), len(blocks or {})))
    for k, (name, of) in enumerate((blocks or {}).items()):
        unknown = [s for s in of if s not in laid.sources]
        faults += [Fault("blocks", name, f"no rating by {s}", f"one of {', '.join(laid.sources)}") for s in unknown]
        members[[laid.sources.index(s) for s in of if s in laid.sources], k] = 1.0
        if len(set(of)) < 2:
            faults.append(Fault("blocks", name, "one source", "a block has two or more"))
    for j in np.flatnonzero(members.sum(axis=1) > 1):
        faults.append(Fault("blocks", laid.sources[j], "in more than one block", "keep it in one"))
    rated = ~np.isnan(laid.values)
    fits = {f"ratings {p}".strip(): (laid.values[t], rated[t]) for t, p in enumerate(laid.periods)}
    for where, (_, seen) in fits.items():
        if seen.any(axis=0).sum() < least_sources:
            faults.append(Fault(where, "source", f"{seen.any(axis=0).sum()} sources", f"at least {least_sources}"))
    if anchor is not None:
        fits = {"ratings": (laid.values.reshape(-1, len(laid.sources)), rated.reshape(-1, len(laid.sources)))}
    for where, (y, seen) in fits.items():
        for j in np.flatnonzero(seen.any(axis=0)):
            given = y[seen[:, j], j]
            if len(given) < LEAST:
                faults.append(
                    Fault(
                        where, laid.sources[j], f"rates {len(given)} units", f"leave out sources of fewer than {LEAST}"
                    )
                )
            elif np.ptp(given) == 0:
                faults.append(Fault(where, laid.sources[j], "rates all units alike", "leave the source out"))
    if faults:
        raise Faults(faults)
    return members
