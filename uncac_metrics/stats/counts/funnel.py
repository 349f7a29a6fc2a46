r"""Funnel limits: how far units of different size may stray from a common value by chance alone.

A unit beyond the limits differs by more than chance explains; the funnel does not rank, and does not say why.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy import special, stats

from uncac_metrics.stats.counts.arguments import Columns

Array = np.ndarray
LEVELS = (0.95, 0.998)
KINDS = ("share", "rate")


def funnel_limits(
    size: Array, baseline: float, *, kind: str = "share", level: float = 0.95, method: str = "score", phi: float = 1.0,
    tau: float = 0.0,
) -> tuple[Array, Array]:  # fmt: skip
    r"""Control limits of a share or rate about a baseline, by size of the unit.

    The score limits are :math:`\theta \pm z \sqrt{\phi\,v / n + \tau^2}` with :math:`v = \theta (1 - \theta)` for
    shares and :math:`\theta` for rates, held within what is possible: the values whose test of :math:`\theta` is
    not significant. The exact ones are quantiles of the binomial or Poisson distribution, interpolated.

    Parameters
    ----------
    size : array
        Trials, or population, of each unit.
    baseline : float
        Common share or rate :math:`\theta`.
    kind : {"share", "rate"}
    level : float
        Share of units inside, were there nothing but chance.
    method : {"score", "exact"}
        The exact limits know no overdispersion.
    phi, tau : float
        Multiplicative and additive overdispersion; see :func:`funnel`.

    Returns
    -------
    lower, upper : arrays

    References
    ----------
    .. [1] Spiegelhalter (2005), Statistics in Medicine 24, 1185–1202.

    Examples
    --------
    >>> lower, upper = funnel_limits(np.array([20, 320]), 0.135)
    >>> lower.round(4), upper.round(4)
    (array([0.    , 0.0976]), array([0.2848, 0.1724]))
    """
    n = np.asarray(size, dtype=float)
    ceiling = 1.0 if kind == "share" else np.inf
    tail = (1 - level) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        if method == "exact":
            spread = stats.binom(n, baseline) if kind == "share" else stats.poisson(n * baseline)
            return _interpolated(spread, tail) / n, _interpolated(spread, 1 - tail) / n
        variance = baseline * (1 - baseline) if kind == "share" else baseline
        half = special.ndtri(1 - tail) * np.sqrt(phi * variance / n + tau**2)
    return np.maximum(baseline - half, 0.0), np.minimum(baseline + half, ceiling)


def _interpolated(spread: stats.rv_frozen, p: float) -> Array:
    """Quantile between whole counts: as far below the first count whose cdf reaches p as p is below that cdf."""
    r = spread.ppf(p)
    return np.maximum(r - (spread.cdf(r) - p) / spread.pmf(r), 0.0)


def funnel(
    data: pd.DataFrame, unit: str, events: str, size: str, *, kind: str = "share", baseline: float | None = None,
    levels: Sequence[float] = LEVELS, method: str = "score", overdispersion: str = "none", winsorised: float = 0.1,
) -> pd.DataFrame:  # fmt: skip
    r"""Units against funnel limits, with the overdispersion between units if asked for.

    :math:`z_i = (y_i - \theta) / s_i` with :math:`s_i^2 = v / n_i`. :math:`\hat\phi` is the mean of :math:`z_i^2` after
    the outermost z are drawn in to their 10 % and 90 % quantiles. Multiplicative: limits are wider by
    :math:`\sqrt{\hat\phi}`. Additive: units vary about :math:`\theta` with

    .. math:: \hat\tau^2 = \frac{I \hat\phi - (I - 1)}{\sum w_i - \sum w_i^2 / \sum w_i}, \qquad w_i = 1 / s_i^2 .

    Neither is applied where :math:`\hat\phi \le 1` (multiplicative) or :math:`I\hat\phi \le I - 1` (additive).

    Parameters
    ----------
    data : DataFrame
        A row a unit, or several rows that are summed.
    unit : str
        Column of the unit, as the buyer.
    events, size : str
        Columns of the number of events and of the trials (or the population, for rates).
    kind : {"share", "rate"}
    baseline : float, optional
        The common value; all events over all sizes unless given.
    levels : sequence of float
        Levels of the limits.
    method : {"score", "exact"}
    overdispersion : {"none", "multiplicative", "additive"}
    winsorised : float
        Share of the units drawn in at either end.

    Returns
    -------
    DataFrame
        A row a unit: ``n``, ``events``, ``value``, ``baseline``, ``z`` (with the overdispersion), a pair
        ``lower_95``, ``upper_95`` a level, ``phi``, ``tau``, and ``position``: below, inside or above the widest
        limits; empty for units of size zero.

    Raises
    ------
    Faults
        Unknown columns or options, values that are no counts, more events than trials, missing units.

    References
    ----------
    .. [1] Spiegelhalter (2005), Statistics in Medicine 24, 1185–1202.

    Examples
    --------
    >>> import pandas as pd
    >>> from uncac_metrics.stats import counts
    >>> buyers = pd.DataFrame({"buyer": list("ABCD"), "single": [4, 30, 12, 90], "awarded": [40, 100, 90, 250]})
    >>> found = counts.funnel(buyers, "buyer", "single", "awarded")
    >>> found[["buyer", "value", "lower_99_8", "upper_99_8", "position"]].round(3)
      buyer  value  lower_99_8  upper_99_8 position
    0     A  0.100       0.063       0.504   inside
    1     B  0.300       0.144       0.423   inside
    2     C  0.133       0.137       0.430    below
    3     D  0.360       0.195       0.371   inside
    """
    columns = Columns("funnel", data)
    x = columns.counts(events, "events")
    n = columns.counts(size, "size") if kind == "share" else columns.amounts(size, "size")
    names = columns.texts(unit, "unit")
    columns.one_of(kind, KINDS, "kind")
    columns.one_of(method, ("score", "exact"), "method")
    columns.one_of(overdispersion, ("none", "multiplicative", "additive"), "overdispersion")
    columns.must(
        method == "score" or overdispersion == "none", "method", "exact limits with overdispersion", 'take "score"'
    )
    columns.must(0 <= winsorised < 0.5, "winsorised", f"{winsorised} is no share", "a number from 0 to below 0.5")
    for level in levels:
        columns.must(0 < level < 1, "levels", f"{level} is no level", "numbers between 0 and 1, as 0.95")
    columns.none(pd.isna(names), unit, "missing units", "name the unit of every row")
    columns.none(np.isnan(x) | np.isnan(n), events, "missing counts", "leave such rows out, and say so")
    if kind == "share":
        columns.none(x > n, events, "more events than trials", "count events within the trials only")
    columns.check()
    table = pd.DataFrame({unit: names, "n": n, "events": x}).groupby(unit, sort=True, as_index=False).sum()
    y, at = table["events"].to_numpy(), table["n"].to_numpy()
    some = at > 0
    centre = baseline if baseline is not None else float(y.sum() / at.sum()) if some.any() else np.nan
    variance = centre * (1 - centre) if kind == "share" else centre
    with np.errstate(divide="ignore", invalid="ignore"):
        value, error = y / at, np.sqrt(variance / at)
        z = (value - centre) / error
    phi, tau = _overdispersion(z[some], error[some], winsorised)
    phi, tau = (phi if overdispersion == "multiplicative" else 1.0), (tau if overdispersion == "additive" else 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        table = table.assign(value=value, baseline=centre, z=(value - centre) / np.sqrt(phi * error**2 + tau**2))
    for level in sorted(levels):
        low, high = funnel_limits(at, centre, kind=kind, level=level, method=method, phi=phi, tau=tau)
        name = f"{100 * level:.4g}".replace(".", "_")
        table[f"lower_{name}"], table[f"upper_{name}"] = np.where(some, low, np.nan), np.where(some, high, np.nan)
    where = np.select([~some, value < low, value > high], ["", "below", "above"], "inside") if levels else ""
    return table.assign(phi=phi, tau=tau, position=where)


def _overdispersion(z: Array, error: Array, winsorised: float) -> tuple[float, float]:
    """Multiplicative and additive overdispersion of winsorised z-scores, 1 and 0 where there is none."""
    if len(z) < 2 or not (error > 0).all():
        return 1.0, 0.0
    low, high = np.quantile(z, [winsorised, 1 - winsorised])
    phi, size, w = float((np.clip(z, low, high) ** 2).mean()), len(z), 1 / error**2
    tau2 = (size * phi - (size - 1)) / (w.sum() - (w**2).sum() / w.sum())
    return max(phi, 1.0), float(np.sqrt(max(tau2, 0.0)))
