r"""Rank tests.

The estimated population rank of a value is :math:`\hat F_{mid}(y)`, the weighted share below it and half of that at
it; a score of it is compared between groups as a mean is, by design-based regression.

References
----------
Lumley, T. & Scott, A.J. (2013). Two-sample rank tests under complex sampling. Biometrika 100, 831–842.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import special

from uncac_metrics.model import Fault, Faults
from uncac_metrics.stats.survey.arguments import Variable, series, variables
from uncac_metrics.stats.survey.association import coded, complete
from uncac_metrics.stats.survey.design import Design
from uncac_metrics.stats.survey.least_squares import group_means
from uncac_metrics.stats.survey.testing import TestResult, t_test_of, wald

Array = np.ndarray
SCORES = {
    "wilcoxon": lambda share: share,
    "KruskalWallis": lambda share: share,
    "vanderWaerden": special.ndtri,
    "median": lambda share: (share > 0.5).astype(float),
}


def rank_test(
    design: Design, y: Variable, group: Variable, *, test: str = "wilcoxon", denominator: Variable | None = None,
    level: float = 0.95, missing: str = "omit",
) -> TestResult:  # fmt: skip
    r"""Test that a variable is distributed alike in two groups or more, by ranks.

    Parameters
    ----------
    design : Design
    y : str, Series or array of length n
        Numbers; only their order matters.
    group : str, Series or array of length n
        Two levels give a t test of the difference of mean scores, more an F test.
    test : {"wilcoxon", "vanderWaerden", "median", "KruskalWallis"}
        Score of the estimated population rank r in (0, 1): r itself, :math:`\Phi^{-1}(r)`, or whether r > 1/2;
        "KruskalWallis" is another name of "wilcoxon" with several groups.
    denominator : str, Series or array, optional
        Yes/no: the units that the test is of.
    level : float
    missing : {"omit", "error"}

    Returns
    -------
    TestResult

    Raises
    ------
    Faults
        Fewer than two groups; values that are all equal.

    Examples
    --------
    >>> import pandas as pd
    >>> from uncac_metrics.stats import survey
    >>> frame = pd.DataFrame({"w": 1.0, "sex": list("FFFFMMMM"), "amount": [1, 2, 3, 9, 4, 5, 20, 300]})
    >>> print(survey.rank_test(survey.Design(frame, weight="w"), "amount", "sex"))
    wilcoxon test of amount: M - F: t (6 df) = 2.291, p = 0.0618; estimate 0.375 (95 %: -0.02547 to 0.7755)
    """
    if test not in SCORES:
        raise Faults([Fault("rank_test", "test", f"unknown test {test!r}", f"one of {', '.join(SCORES)}")])
    [(name, values)], [(group_name, groups)] = variables(design, y), series(design, group)
    both = [(name, pd.Series(values)), (group_name, groups)]
    use = complete(design, both, denominator, missing, "rank_test")
    codes, levels = coded(groups, use, group_name, "rank_test")
    if len(levels) < 2:
        raise Faults([Fault("rank_test", f"group {group_name!r}", "has one level among the rows used", "two at least")])
    score = SCORES[test](mid_ranks(values[use], design.weight[use]))
    found = group_means(design, use, score, codes, refit=False)
    v = found.covariance()[1:, 1:]
    if not found.spread():
        what = "no spread of the ranks within the groups"
        raise Faults([Fault("rank_test", name, what, "see whether all values are equal")])
    k = len(levels) - 1
    if k == 1:
        method = f"{test} test of {name}: {levels[1]} - {levels[0]}"
        return t_test_of(found.values[1], float(np.sqrt(v[0, 0])), found.df - 1, method, level=level, n=use.size)
    return wald(found.values[1:], v, found.df - k, f"{test} test of {name} by {group_name}", n=use.size)


def mid_ranks(values: Array, weight: Array) -> Array:
    """Weighted share of the population below each value and half of that at it."""
    _, place = np.unique(values, return_inverse=True)
    at = np.bincount(place, weights=weight)
    below = np.cumsum(at) - at
    return ((below + at / 2) / weight.sum())[place]
