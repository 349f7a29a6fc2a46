"""Progress towards a target, or in the better direction where there is none, with the probability of every verdict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from uncac_metrics.model import Fault, Faults
from uncac_metrics.stats.estimates import Estimates
from uncac_metrics.stats.frames import as_estimates
from uncac_metrics.stats.trends.draws import errors_of
from uncac_metrics.stats.trends.fits import contrasts, scatter
from uncac_metrics.stats.trends.lines import straight
from uncac_metrics.stats.trends.measures import MEASURES, PROJECTIONS, Path
from uncac_metrics.stats.trends.presets import Branch, Preset
from uncac_metrics.stats.trends.presets import preset as preset_of
from uncac_metrics.stats.trends.series import Series, heads, keys_of, scale_of, sign_of, split

Array = np.ndarray
Target = float | Mapping[str, float] | None


@dataclass(frozen=True, eq=False)
class Progress:
    """Verdicts on series, with their uncertainty.

    Attributes
    ----------
    preset : Preset
        The rule that was applied.
    measures : Estimates
        A row a series: the measure that the rule cuts into categories, with an interval and draws.
    probabilities : DataFrame
        A row a series and category: ``probability``, ``mc_error`` (its Monte Carlo error) and ``chosen``, whether
        the values as they stand fall there.
    table : DataFrame
        A row a series: its keys, ``time_period``, ``n`` (points), the measure with its limits, ``category``,
        ``p_category`` (probability of that category), ``target``, ``p_target`` (probability that the target is
        reached at the horizon, NaN without one), ``score`` where the rule gives one, ``method`` and ``reason``.
    """

    preset: Preset
    measures: Estimates
    probabilities: pd.DataFrame
    table: pd.DataFrame

    def _repr_html_(self) -> str:
        return self.table.to_html(index=False, na_rep="–", float_format=lambda v: f"{v:,.3g}")


def progress(
    data: Estimates | pd.DataFrame,
    *,
    direction: str,
    preset: str | Preset = "unsd_2023",
    target: Target = None,
    horizon: float = 2030.0,
    unknown_errors: str = "leave",
    limit_factor: float = 1.0,
    draws: int = 10_000,
    seed: int = 0,
    level: float = 0.95,
) -> Progress:
    r"""Progress of every series by a published rule, with the probability of each of its categories.

    The rule is applied to the values as they stand, which gives the published verdict, and to draws from their joint
    distribution (normal; of the logarithms where the rule works with compound rates), which gives the probability of
    every category and of reaching the target. Target 16.5, to reduce corruption and bribery substantially, has no
    number: without `target` the rule's branch for such targets is taken.

    Parameters
    ----------
    data : Estimates or DataFrame
        Estimates; or published figures with the columns ``value``, ``time_period`` and, where known, ``std_error``.
    direction : str
        ``lower`` or ``higher``, whichever is better.
    preset : str or Preset
        A rule: see :func:`presets`, and :class:`Preset` for one's own.
    target : float or mapping, optional
        A declared target in the unit of the values; one for all series, or one an area (``ref_area``).
    horizon : float
        Year of the target.
    unknown_errors : str
        What to do with a series with values without standard errors: ``leave`` it without probabilities, or take the
        ``scatter`` of its points about a line on the rule's scale for their error (from four points).
    limit_factor : float
        C, in (0, 1], which shrinks the cut-offs of the rules that have such a factor.
    draws, seed : int
        Number of draws, and the seed that makes them. They depend on the numbers, not on the order of the rows.
        Estimates that hold draws have theirs.
    level : float
        Level of the percentile interval of the measure.

    Returns
    -------
    Progress

    Raises
    ------
    Faults
        A preset or direction of another name; a preset that needs a target, without one; areas without a target;
        a factor outside (0, 1], or for a rule that has none.

    Notes
    -----
    The probabilities are about the errors of the estimates. They say how sure the verdict is on what was measured;
    they do not say how sure it is that the past rate goes on. :func:`project` adds the scatter about the line.
    A value of zero is taken as exact under rules with compound rates.

    References
    ----------
    The source of every rule, and what of it is unverified, stand in :func:`presets` and in ``table["method"]``.

    Examples
    --------
    >>> import pandas as pd
    >>> waves = pd.DataFrame({"time_period": ["2015", "2019", "2023"], "value": [20.0, 18.5, 18.0],
    ...                       "std_error": [1.0, 1.0, 1.0], "unit": "%"})
    >>> found = progress(waves, direction="lower")
    >>> found.table[["category", "p_category"]].round(2).to_numpy().tolist()
    [['fair progress, acceleration needed', 0.58]]
    >>> found.probabilities[["category", "probability"]].round(2)
                                 category  probability
    0            stagnation or regression         0.19
    1  fair progress, acceleration needed         0.58
    2                   met or on track         0.23
    >>> progress(waves, direction="lower", preset="sdsn", target=10.0).table["p_target"].round(3).tolist()
    [0.001]
    """
    rule = preset_of(preset) if isinstance(preset, str) else preset
    sign = sign_of(direction, "progress")
    estimates = as_estimates(data)
    series = split(estimates)
    targets = _targets(estimates, series, target)
    branch = _branch(rule, target, unknown_errors, limit_factor)
    theta, known = _draws(estimates, series, rule, unknown_errors, draws, seed)
    # the first "draw" is the value itself
    theta = np.vstack([estimates.table["value"].to_numpy(dtype=float), theta])
    place, measure, reached, score = (np.full((len(theta), len(series)), np.nan) for _ in range(4))
    reasons = []
    for i, s in enumerate(series):
        path, reason = _path(theta[:, s.rows], s, rule, targets[i], sign, horizon)
        reasons.append(reason if reason or known[i] else "no standard errors: no probabilities")
        if path is None:
            continue
        with np.errstate(divide="ignore", invalid="ignore"):
            m = np.asarray(MEASURES[branch.measure](path), dtype=float)
        met = _reached(path.last, targets[i], sign, rule, estimates.table["unit"].iloc[s.rows[0]])
        measure[:, i] = m
        if branch.categories:
            met_now = met & (rule.met_overrides or bool(branch.met))
            place[:, i] = branch.place(m, met_now, limit_factor)
            score[:, i] = _score(m, met_now, branch)
        if not (rule.parity or np.isnan(targets[i])):
            at_end = _reached(path.projected, targets[i], sign, rule, estimates.table["unit"].iloc[s.rows[0]])
            reached[:, i] = at_end | (met & rule.met_overrides)
        if not known[i]:
            place[1:, i] = measure[1:, i] = reached[1:, i] = score[1:, i] = np.nan
    return _result(rule, branch, estimates, series, targets, reasons, (measure, place, reached, score), level)


def _branch(rule: Preset, target: Target, unknown_errors: str, limit_factor: float) -> Branch:
    faults = []
    branch = rule.target if target is not None else rule.no_target
    if branch is None:
        what = f"{rule.id} judges progress to a number, and none was given"
        remedy = "declare a target, or take a preset with a branch for targets without a number, as unsd_2023"
        faults.append(Fault("progress", "target", what, remedy))
    elif limit_factor != 1.0 and not (branch.shrinks and 0 < limit_factor < 1):
        remedy = "a number in (0, 1], for a rule whose cut-offs shrink near natural limits"
        faults.append(Fault("progress", "limit_factor", f"{limit_factor:g} for {rule.id}", remedy))
    if unknown_errors not in ("leave", "scatter"):
        faults.append(Fault("progress", "unknown_errors", f"{unknown_errors!r}", "leave or scatter"))
    if faults or branch is None:
        raise Faults(faults)
    return branch


def _targets(estimates: Estimates, series: list[Series], target: Target) -> Array:
    if target is None:
        return np.full(len(series), np.nan)
    areas = [estimates.table["ref_area"].iloc[s.rows[0]] for s in series]
    if not isinstance(target, Mapping):
        return np.full(len(series), float(target))
    lost = sorted({a for a in areas if a not in target})
    if lost:
        remedy = "give every area one, or select the areas that have one"
        raise Faults([Fault("progress", "target", f"none for {', '.join(lost[:5])}", remedy, count=len(lost))])
    return np.array([float(target[a]) for a in areas])


def _draws(
    estimates: Estimates, series: list[Series], rule: Preset, unknown_errors: str, draws: int, seed: int
) -> tuple[Array, Array]:
    """Draws of the values (draws × rows), and which series have them."""
    value = estimates.table["value"].to_numpy(dtype=float)
    if not value.size:
        return np.empty((draws, 0)), np.empty(0, dtype=bool)
    on = scale_of(rule.scale, "progress")
    moves = on.valid(value)
    steps = np.where(moves, on.derivative(np.where(moves, value, 1.0)), 0.0)
    covariance = estimates.covariance().to_numpy() * np.outer(steps, steps)
    covariance[~moves, :] = covariance[:, ~moves] = 0.0
    known = np.array([np.isfinite(np.diag(covariance)[s.rows]).all() for s in series])
    for i, s in enumerate(series):
        if unknown_errors == "scatter" and not known[i] and s.times.size > 3 and moves[s.rows].all():
            around = contrasts(straight(s.times), on.forward(value[s.rows]), np.zeros((s.times.size, s.times.size)))
            covariance[s.rows, s.rows] = scatter(around)
            known[i] = True
    if estimates.draws is not None and unknown_errors == "leave":
        own = np.asarray(estimates.draws)
        return np.where(on.valid(own), own, np.where(moves, 1e-9 * value, value)), known
    with np.errstate(divide="ignore", invalid="ignore"):
        drawn = on.back(on.forward(value) + errors_of(estimates, covariance, draws, seed))
    return np.where(moves, drawn, value), known


def _path(theta: Array, s: Series, rule: Preset, target: float, sign: int, horizon: float) -> tuple[Path | None, str]:
    if s.times.size < rule.min_points:
        return None, f"{s.times.size} points; the rule wants {rule.min_points}"
    if s.times[-1] >= horizon:
        return None, f"the last point is not before {horizon:g}"
    start = 0 if rule.base is None else int(np.argmin(np.abs(s.times[:-1] - rule.base)))
    if rule.scale == "log":
        theta = np.where(theta == 0, rule.zero, theta) if rule.zero else theta
        target = rule.zero if rule.zero and target == 0 else target
        if not (theta[0, [start, -1]] >= 0).all() or theta[0, start] == 0:
            return None, "a compound rate from zero or of values below zero is undefined"
    kind = PROJECTIONS[rule.projection["kind"]]
    with np.errstate(divide="ignore", invalid="ignore"):
        projected = kind(theta, s.times, start, horizon, rule.projection)
    if np.isnan(projected[0]):
        return None, "too few points for the projection"
    path = Path(theta[:, start], theta[:, -1], projected, s.times[start], s.times[-1], horizon, target, sign)
    return path, ""


def _reached(value: Array, target: float, sign: int, rule: Preset, unit: str) -> Array:
    if np.isnan(target):
        return np.zeros(value.shape, dtype=bool)
    near = 100 * rule.near_bound if unit == "%" and target in (0.0, 100.0) else 0.0
    return sign * (value - target) >= -near


def _score(measure: Array, met: Array, branch: Branch) -> Array:
    if not branch.score:
        return np.full(measure.shape, np.nan)
    score = np.interp(measure, branch.score["measure"], branch.score["score"])
    return np.where(met, branch.score.get("met", np.nan), score)


def _result(
    rule: Preset, branch: Branch, estimates: Estimates, series: list[Series], targets: Array, reasons: list[str],
    found: tuple[Array, Array, Array, Array], level: float,
) -> Progress:  # fmt: skip
    measure, place, reached, score = found
    known = np.isfinite(place[1:]).all(axis=0) | np.isfinite(measure[1:]).all(axis=0)
    lower, upper, error = (np.full(len(series), np.nan) for _ in range(3))
    if known.any():
        inner = measure[1:, known]
        lower[known], upper[known] = np.quantile(inner, [0.5 - level / 2, 0.5 + level / 2], axis=0)
        finite = np.isfinite(inner).all(axis=0)
        error[np.flatnonzero(known)[finite]] = inner[:, finite].std(axis=0, ddof=1)
    value = measure[0] if len(series) else np.empty(0)
    undefined = np.isnan(value)
    table = heads(
        estimates, series, statistic=branch.measure, value=value, std_error=error, lower=lower, upper=upper,
        conf_level=level, interval="percentile", unit=np.full(len(series), "", dtype=object), method=rule.status,
        obs_status=np.where(undefined, "O", "E"), reason=reasons,
    )  # fmt: skip
    keys = heads(estimates, series)[[*keys_of(estimates), "time_period", "n"]]
    chosen = place[0] if len(series) else np.empty(0)
    names = np.array([*branch.names, ""], dtype=object)
    index = np.where(np.isnan(chosen), -1, chosen).astype(int)
    share = np.empty((len(series), len(branch.names)))
    for k in range(len(branch.names)):
        share[:, k] = (place[1:] == k).mean(axis=0)
    share[~known] = np.nan
    wide = keys.assign(
        measure=branch.measure, value=value, lower=lower, upper=upper, category=names[index],
        p_category=[share[i, k] if k >= 0 else np.nan for i, k in enumerate(index)],
        target=targets, p_target=np.where(known, reached[1:].mean(axis=0), np.nan) if len(series) else np.empty(0),
        score=score[0] if len(series) else np.empty(0), method=rule.status, reason=reasons,
    )  # fmt: skip
    count = len(branch.names)
    long = keys.loc[keys.index.repeat(count)].reset_index(drop=True).assign(
        category=np.tile(np.array(branch.names, dtype=object), len(series)),
        probability=share.ravel(), mc_error=np.sqrt(share * (1 - share) / max(len(place) - 1, 1)).ravel(),
        chosen=(index[:, None] == np.arange(count)).ravel(),
    )  # fmt: skip
    return Progress(rule, Estimates(table, (), measure[1:]), long, wide)
