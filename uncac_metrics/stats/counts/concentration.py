r"""Concentration of awards on few receivers."""

from __future__ import annotations

import numpy as np
import pandas as pd

from uncac_metrics.stats import intervals
from uncac_metrics.stats.counts.arguments import By, Columns, contributions, grouped, joined, results
from uncac_metrics.stats.estimates import Estimates

Array = np.ndarray


def hhi(
    data: pd.DataFrame, receiver: str, amount: str | None = None, *, corrected: bool = False,
    cluster: str | None = None, by: By = None, level: float = 0.95,
) -> Estimates:  # fmt: skip
    r"""Concentration of awards on receivers, :math:`H = \sum_k s_k^2` (Herfindahl–Hirschman), with its uncertainty.

    Awards are taken for a sample of those that such a buyer makes. With :math:`T = \sum y` the influence of an award of
    receiver k is :math:`2 y (s_k - H) / T`; the limits are made on the logit scale. The index of few awards is too
    high, by about :math:`\sum_k v(\hat s_k)` (for equal awards, :math:`(1 - H) / n`): ``quality`` says how much.
    Where receivers have few awards each, their noise is in this error about twice, and the limits are wide.

    Parameters
    ----------
    data : DataFrame
        A row an award.
    receiver : str
        Column of the supplier.
    amount : str, optional
        Column of amounts, not negative; each award counts one unless given.
    corrected : bool
        Subtract the bias (no lower than zero).
    cluster : str, optional
        Column of the independent tenders that several awards belong to.
    by : str or list of str, optional
        Breakdown columns, as the buyer; several are crossed.
    level : float
        Confidence level.

    Returns
    -------
    Estimates
        Statistic ``HHI``, between 0 and 1 (times 10,000 in competition law). Where one receiver has all awards, the
        lower limit is the square of the Clopper–Pearson limit of its share.

    Raises
    ------
    Faults
        Unknown columns, negative amounts.

    References
    ----------
    .. [1] Hirschman (1964), American Economic Review 54, 761.
    .. [2] Binder and Kovačević (1995), Survey Methodology 21, 137–145, on linearised indices.

    Examples
    --------
    >>> import pandas as pd
    >>> from uncac_metrics.stats import counts
    >>> awards = pd.DataFrame({"supplier": ["A", "A", "A", "B", "C", "C"]})
    >>> counts.hhi(awards, "supplier").table[["value", "std_error", "lower", "upper", "quality"]].round(3)
       value  std_error  lower  upper                              quality
    0  0.389      0.101  0.216  0.595  too high by about 0.10; 3 receivers
    """
    columns = Columns("hhi", data, by, level)
    names = columns.texts(receiver, "receiver")
    y = np.ones(len(data)) if amount is None else columns.amounts(amount, "amount")
    number = np.arange(len(data))
    if cluster is not None and columns.present(cluster, "cluster"):
        number = pd.factorize(data[cluster])[0]
        columns.none(number < 0, cluster, "missing clusters", "give every row its tender")
    columns.check()
    group = grouped(data, by)
    who = pd.factorize(names)[0]
    absent = (who < 0) | np.isnan(y)
    inside = np.flatnonzero(~absent & (group.code >= 0) & (np.nan_to_num(y) > 0))
    g, y_in = group.code[inside], y[inside]
    size = int(who.max(initial=0)) + 1
    cells, place = np.unique(g.astype(np.int64) * size + who[inside], return_inverse=True)
    cell_group = cells // size
    total = np.bincount(g, weights=y_in, minlength=group.n)
    share = np.bincount(place, weights=y_in, minlength=len(cells)) / total[cell_group]
    value = np.bincount(cell_group, weights=share**2, minlength=group.n)
    receivers = np.bincount(cell_group, minlength=group.n)
    score = 2 * y_in * (share[place] - value[g]) / total[g]
    kept, unit = np.unique(number[inside] * np.int64(group.n) + g, return_inverse=True)
    by_cluster = np.bincount(unit, weights=score, minlength=len(kept))
    variance = np.bincount(kept % max(group.n, 1), weights=by_cluster**2, minlength=group.n)
    # Σ_k v(s_k), awards taken as independent
    squares = np.bincount(g, weights=y_in**2, minlength=group.n)
    n = np.bincount(g, minlength=group.n).astype(float)
    with np.errstate(divide="ignore", invalid="ignore"):
        relative = squares / total**2
        own = np.bincount(g, weights=(y_in / total[g]) ** 2 * share[place], minlength=group.n)
        bias = relative - 2 * own + relative * value
        plain = np.where(n > 0, value, np.nan)
        shown = np.maximum(plain - bias, 0.0) if corrected else plain
        error = np.sqrt(variance)
        lower, upper = intervals.logit(shown, error, np.full(group.n, np.inf), level)
        alone, _ = intervals.clopper_pearson(np.ones(group.n), 1 / relative, level)
    one = receivers == 1
    edge = one | ~(error > 1e-12) | ~(shown > 0)
    lower = np.where(edge, np.where(one, alone**2, 0.0), lower)
    upper = np.where(edge, 1.0, upper)
    kind = "records" if cluster is None else cluster
    scores = contributions(data, group.n, (kept // max(group.n, 1), kept % max(group.n, 1), by_cluster), kind=kind)
    said = "corrected down by" if corrected else "too high by about"
    return results(
        group.labels,
        {
            "indicator": receiver, "statistic": "HHI", "value": shown, "std_error": error, "lower": lower,
            "upper": upper, "interval": np.where(edge, "bounds", "logit"), "conf_level": level, "n": n,
            "n_eligible": group.sums(np.ones(len(data))), "denominator": amount or "_T",
            "quality": [
                "" if np.isnan(b) else f"{said} {b:.2f}; {r:,} receivers" for b, r in zip(bias, receivers, strict=True)
            ],
            "reason": joined(
                np.where(n > 0, "", "no award"),
                np.where((n > 0) & ~one & ~(error > 1e-12), "equal shares: the linear error is zero", ""),
            ),
        },
        scores, method="linearised by award",
    )  # fmt: skip
