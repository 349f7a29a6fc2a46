"""Intervals by themselves; in designs they are tested with the estimators, against R in tests/oracles."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize, special, stats

from uncac_metrics.stats import intervals


@given(p=st.floats(1e-4, 1 - 1e-4), n=st.floats(2, 1e7), df=st.floats(1, 1e4))
def test_likelihood_limits_have_the_deviance_of_the_quantile(p, n, df):
    # an independent root of the deviance in its textbook form, on the logit scale
    lower, upper = intervals.likelihood(p, n, df)
    t2 = stats.t.ppf(0.975, df) ** 2

    def excess(eta):
        return (
            2 * n * (p * (np.log(p) - special.log_expit(eta)) + (1 - p) * (np.log1p(-p) - special.log_expit(-eta))) - t2
        )

    centre = special.logit(p)
    for limit, far in ((lower, -1e9), (upper, 1e9)):
        root = optimize.brentq(excess, centre, far, xtol=1e-13, rtol=1e-14, maxiter=500)
        # the textbook form cancels where n is large: its own error is n · 1e-16 over the slope
        slack = 1e-9 + 1e-15 * n / max(abs(n * (special.expit(root) - p)), 1e-12)
        assert limit == pytest.approx(special.expit(root), rel=slack, abs=1e-300)


def test_likelihood_limits_without_events_are_closed_forms():
    lower, upper = intervals.likelihood(np.array([0.0, 1.0, np.nan, 0.5]), np.array([50.0, 50, 50, np.nan]), 10.0)
    edge = np.exp(-(stats.t.ppf(0.975, 10) ** 2) / 100)
    np.testing.assert_allclose(lower, [0, edge, np.nan, np.nan], rtol=1e-12)
    np.testing.assert_allclose(upper, [1 - edge, 1, np.nan, np.nan], rtol=1e-12)


def test_likelihood_limits_with_next_to_nothing_below_them():
    lower, upper = intervals.likelihood(1e-6, 1000.0, 3.0)  # the lower limit is below the smallest double
    assert lower == 0
    assert 0.004 < upper < 0.006
