r"""First digits of amounts: their shares, and tests of Benford's law with exact expectations.

Numbers that range over several orders of magnitude without caps begin with digit d in about
:math:`\log_{10}(1 + 1/d)` of cases. Thresholds, fixed fees and rounding break the law without any wrongdoing: a
departure is a question, not a finding.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import special, stats

from uncac_metrics.stats.counts.arguments import By, Columns, contributions, grouped, results
from uncac_metrics.stats.counts.rates import SHARE_INTERVALS, share_limits
from uncac_metrics.stats.estimates import Estimates

Array = np.ndarray
EXACT = 200_000  # outcomes of a multinomial that are listed rather than drawn
MAGNITUDES = 3.0


def benford(digits: int = 1, low: float | None = None, high: float | None = None) -> Array:
    r"""Probabilities of the first digits under Benford's law, or of numbers that are log-uniform on a finite range.

    Over whole decades they are :math:`\log_{10}(1 + 1/d)`. On [low, high) each is the share of the range, on the log
    scale, where numbers begin with d.

    Parameters
    ----------
    digits : int
        1 or 2 first digits together.
    low, high : float, optional
        Both or neither.

    Returns
    -------
    array
        For 1 to 9, or 10 to 99.

    References
    ----------
    .. [1] Benford (1938), Proceedings of the American Philosophical Society 78, 551–572.

    Examples
    --------
    >>> benford()[:3].round(4)
    array([0.301 , 0.1761, 0.1249])
    >>> benford(low=100, high=500).round(3)
    array([0.431, 0.252, 0.179, 0.139, 0.   , 0.   , 0.   , 0.   , 0.   ])
    """
    first = np.arange(10 ** (digits - 1), 10**digits)
    if low is None or high is None:
        return np.log10(1 + 1 / first)
    begin, end = np.log10(low), np.log10(high)
    decades = np.arange(np.floor(begin), np.ceil(end))[:, None]
    left, right = np.log10(first) - (digits - 1) + decades, np.log10(first + 1) - (digits - 1) + decades
    return (np.minimum(right, end) - np.maximum(left, begin)).clip(min=0).sum(axis=0) / (end - begin)


def leading(amounts: Array, digits: int = 1) -> Array:
    """First digits of positive numbers, as integers."""
    x = np.asarray(amounts, dtype=float)
    scaled = np.floor(x / 10.0 ** (np.floor(np.log10(x)) - digits + 1) * (1 + 1e-12))
    return np.clip(scaled, 10 ** (digits - 1), 10**digits - 1).astype(np.intp)


def expected_deviation(n: int, p: Array) -> Array:
    r"""Exact :math:`E|\hat p - p|` of a share of n trials.

    :math:`2 (m + 1)\,(1 - p)\,\mathrm{Bin}(m + 1; n, p) / n` with :math:`m = \lfloor n p \rfloor`.

    References
    ----------
    .. [1] Diaconis and Zabell (1991), Statistical Science 6, 284–302 (De Moivre's formula).
    """
    m = np.floor(n * np.asarray(p))
    return 2 * (m + 1) * (1 - p) * stats.binom.pmf(m + 1, n, p) / n


def first_digits(
    data: pd.DataFrame, amount: str, *, digits: int = 1, by: By = None, level: float = 0.95, interval: str = "wilson"
) -> Estimates:
    """Shares of the first digits of amounts, each with its interval; ``quality`` holds Benford's share.

    Parameters
    ----------
    data : DataFrame
        A row an amount.
    amount : str
        Column of amounts. Zero and missing ones have no first digit and are left out (``n_eligible − n``).
    digits : int
        1 or 2 first digits together.
    by : str or list of str, optional
        Breakdown columns; several are crossed.
    level : float
        Confidence level, of each digit by itself.
    interval : {"wilson", "clopper_pearson", "mid_p", "jeffreys"}

    Returns
    -------
    Estimates
        Statistic ``proportion``; ``category`` is the digit.

    Raises
    ------
    Faults
        Unknown columns or options, negative amounts.

    Examples
    --------
    >>> import pandas as pd
    >>> from uncac_metrics.stats import counts
    >>> payments = pd.DataFrame({"amount": [120, 1800, 19, 2.5, 310, 47, 1100, 95]})
    >>> counts.first_digits(payments, "amount").table[["category", "value", "quality"]].head(3)
      category  value         quality
    0        1  0.500  Benford: 0.301
    1        2  0.125  Benford: 0.176
    2        3  0.125  Benford: 0.125
    """
    columns = Columns("first_digits", data, by, level)
    x = columns.amounts(amount, "amount")
    columns.one_of(interval, SHARE_INTERVALS, "interval")
    columns.must(digits in (1, 2), "digits", f"{digits} digits", "1 or 2")
    columns.check()
    group = grouped(data, by)
    used = np.flatnonzero((x > 0) & (group.code >= 0))
    lowest, k = 10 ** (digits - 1), 9 * 10 ** (digits - 1)
    place = leading(x[used], digits) - lowest
    seen = np.bincount(group.code[used] * k + place, minlength=group.n * k).reshape(group.n, k)
    n = seen.sum(axis=1, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        p = (seen / n).ravel()
        error = np.sqrt(p * (1 - p) / np.repeat(n, k))
    sizes = np.repeat(n, k).astype(float)
    lower, upper = share_limits(interval, p, sizes, level)
    labels = group.labels.iloc[np.repeat(np.arange(group.n), k)].reset_index(drop=True)
    labels["category"] = np.tile([str(d) for d in range(lowest, lowest + k)], group.n)
    parts = [
        (
            used,
            group.code[used] * k + d,
            ((place == d) - p.reshape(-1, k)[group.code[used], d]) / n.ravel()[group.code[used]],
        )
        for d in range(k)
    ]
    return results(
        labels,
        {
            "indicator": amount, "statistic": "proportion", "value": p, "std_error": error, "lower": lower,
            "upper": upper, "interval": interval, "conf_level": level, "n": sizes, "denominator": "_T",
            "n_eligible": np.repeat(group.sums(np.ones(len(x))), k), "events": seen.ravel(),
            "quality": np.tile([f"Benford: {v:.3f}" for v in benford(digits)], group.n),
            "reason": np.where(sizes > 0, "", "no observation"),
        },
        contributions(data, len(labels), *parts, kind="records"), method="first digits",
    )  # fmt: skip


def first_digit_test(
    data: pd.DataFrame, amount: str, *, digits: int = 1, by: By = None, low: float | None = None,
    high: float | None = None, draws: int = 10_000, seed: int = 0,
) -> pd.DataFrame:  # fmt: skip
    r"""Tests of the first digits of amounts against Benford's law, by group.

    :math:`X^2 = \sum (O - E)^2 / E`, and the mean absolute deviation
    :math:`\mathrm{MAD} = \tfrac1k \sum |\hat p_d - p_d|` beside what it is on average when the law holds. That depends
    on n: fixed cut-offs (Nigrini's) call samples of some hundred irregular that are not. The p-values of both are
    exact, from all outcomes of the multinomial, where these are few, and else from draws,
    :math:`(1 + \#\{T^* \ge T\}) / (1 + \text{draws})`.

    Parameters
    ----------
    data : DataFrame
        A row an amount.
    amount : str
        Column of amounts. Zero and missing ones have no first digit.
    digits : int
        1 or 2 first digits together.
    by : str or list of str, optional
        Breakdown columns; several are crossed.
    low, high : float, optional
        Range that the amounts come from, where it is known (thresholds): digits are those of numbers that are
        log-uniform on [low, high). Amounts outside are left out.
    draws : int
        Samples drawn where the outcomes are too many to list.
    seed : int

    Returns
    -------
    DataFrame
        A row a group: ``n``, ``left_out``, ``chi2``, ``df``, ``p_chi2`` (asymptotic), ``p_exact``, ``mad``,
        ``mad_expected``, ``mad_excess``, ``p_mad``, ``magnitudes`` (orders of magnitude from the 1st to the 99th
        percentile), ``p_by`` (exact or simulated) and ``reason`` where the test says little: a range below three
        orders of magnitude, or no amounts.

    Raises
    ------
    Faults
        Unknown columns or options, negative amounts.

    Notes
    -----
    The p-values of several groups are not adjusted for their number.

    References
    ----------
    .. [1] Nigrini (2012), Benford's Law, 7.
    .. [2] Cerqueti and Lupi (2021), Stats 4, 745–761.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from uncac_metrics.stats import counts
    >>> payments = pd.DataFrame({"amount": 10 ** np.random.default_rng(1).uniform(0, 4, 300)})
    >>> tested = counts.first_digit_test(payments, "amount")
    >>> tested[["n", "chi2", "mad", "mad_expected"]].round(4)
         n    chi2    mad  mad_expected
    0  300  8.7666  0.014        0.0136
    """
    columns = Columns("first_digit_test", data, by)
    x = columns.amounts(amount, "amount")
    columns.must(digits in (1, 2), "digits", f"{digits} digits", "1 or 2")
    columns.must(draws > 0, "draws", f"{draws} draws", "at least one")
    both = (low is None) == (high is None)
    columns.must(both, "low", "only one end of the range", "give low and high")
    if low is not None and high is not None:
        columns.must(0 < low < high, "low", f"[{low}, {high}) is no range", "0 < low < high")
    columns.check()
    group = grouped(data, by)
    used = (x > 0) & (group.code >= 0)
    if low is not None and high is not None:
        used &= (x >= low) & (x < high)
    p = benford(digits, low, high)
    generators = np.random.default_rng(seed).spawn(group.n)
    rows = [
        _tested(x[used & (group.code == g)], int((group.code == g).sum()), digits, p, low is None, draws, generators[g])
        for g in range(group.n)
    ]
    return pd.concat([group.labels.reset_index(drop=True), pd.DataFrame(rows)], axis=1)


def _tested(
    x: Array, rows: int, digits: int, p: Array, gate: bool, draws: int, rng: np.random.Generator
) -> dict[str, object]:
    n = len(x)
    possible = p > 0
    out: dict[str, object] = {"n": n, "left_out": rows - n}
    numbers = ("chi2", "df", "p_chi2", "p_exact", "mad", "mad_expected", "mad_excess", "p_mad", "magnitudes")
    if not n:
        return out | dict.fromkeys(numbers, np.nan) | {"p_by": "", "reason": "no amounts"}
    seen = np.bincount(leading(x, digits) - 10 ** (digits - 1), minlength=len(p))[possible]
    q = p[possible]
    chi2, mad = (float(v) for v in _statistics(seen, n, q))
    expected = float(expected_deviation(n, q).mean())
    few = special.comb(n + len(q) - 1, len(q) - 1) <= EXACT
    if few:
        outcomes = compositions(n, len(q))
        weight = stats.multinomial.pmf(outcomes, n, q)
        base = 0.0
    else:
        outcomes = rng.multinomial(n, q, size=draws)
        weight, base = np.full(draws, 1 / (draws + 1)), 1 / (draws + 1)
    other_chi2, other_mad = _statistics(outcomes, n, q)
    as_far = 1 - 1e-9
    low, high = np.quantile(np.log10(x), [0.01, 0.99])
    magnitudes = float(high - low)
    narrow = gate and magnitudes < MAGNITUDES
    p_chi2, p_mad = (base + float(weight[t >= v * as_far].sum()) for t, v in ((other_chi2, chi2), (other_mad, mad)))
    asymptotic = float(special.chdtrc(len(q) - 1, chi2))
    values = (chi2, len(q) - 1, asymptotic, p_chi2, mad, expected, mad - expected, p_mad, magnitudes)
    return out | dict(zip(numbers, values, strict=True)) | {
        "p_by": "exact" if few else "simulated",
        "reason": f"amounts range over {magnitudes:.1f} orders of magnitude: the law is not expected" if narrow else "",
    }  # fmt: skip


def _statistics(seen: Array, n: int, p: Array) -> tuple[Array, Array]:
    return ((seen - n * p) ** 2 / (n * p)).sum(axis=-1), np.abs(seen / n - p).mean(axis=-1)


def compositions(n: int, k: int) -> Array:
    """All ways to put n into k places in order, shape (ways, k)."""
    if k == 1:
        return np.array([[n]])
    parts = []
    for first in range(n + 1):
        rest = compositions(n - first, k - 1)
        parts.append(np.column_stack([np.full(len(rest), first), rest]))
    return np.vstack(parts)
