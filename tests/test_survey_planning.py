"""Planning against simulation and its own inverses; pooling of imputations against the formulas by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from uncac_metrics.model import Faults
from uncac_metrics.stats import survey

SHARES = st.floats(0.02, 0.98)


def test_power_is_the_share_of_samples_that_find_the_difference():
    rng = np.random.default_rng(1)
    n, contact, p, q = 3000, 0.5, 0.20, 0.16
    a, b = (rng.binomial(int(n * contact), x, 40_000) / (n * contact) for x in (p, q))
    se = np.sqrt((a * (1 - a) + b * (1 - b)) / (n * contact))
    found = (np.abs(a - b) / se > 1.959964).mean()
    assert survey.power(p, q, n, contact=contact) == pytest.approx(found, abs=0.015)


@settings(max_examples=50, deadline=None)
@given(SHARES, SHARES, st.floats(0.5, 0.95), st.floats(1, 4), st.floats(0.1, 1))
def test_size_gives_the_power_asked_for(p, q, power, deff, contact):
    if abs(p - q) < 0.01:
        return
    n = survey.sample_size_difference(p, q, power=power, deff=deff, contact=contact)
    assert survey.power(p, q, n, deff=deff, contact=contact) >= power - 1e-9
    if n > 200:
        assert survey.power(p, q, n - 2, deff=deff, contact=contact) < power + 1e-3


@settings(max_examples=50, deadline=None)
@given(SHARES, st.floats(0.01, 0.1), st.floats(1, 4), st.floats(0.1, 1), st.floats(0.3, 1))
def test_size_gives_the_margin_asked_for(p, margin, deff, contact, response):
    n = survey.sample_size(p, margin, deff=deff, contact=contact, response=response) * response * contact
    assert 1.959964 * np.sqrt(p * (1 - p) * deff / n) <= margin * (1 + 1e-6)


def test_a_small_population_needs_fewer_and_never_more_than_there_are():
    assert survey.sample_size(0.5, 0.01) == 9604
    assert survey.sample_size(0.5, 0.01, population=10_000) == 4899
    assert survey.sample_size(0.5, 0.0001, population=500) <= 500


def test_overlap_of_waves_saves_interviews():
    apart = survey.sample_size_difference(0.2, 0.17)
    assert survey.sample_size_difference(0.2, 0.17, overlap=0.5, correlation=0.6) < apart


def test_expected_interval_is_wide_for_rare_events():
    lower, upper = survey.expected_interval(0.005, 1000)
    assert 0 < lower < 0.005 < upper < 0.02
    assert survey.expected_interval(0.005, 1000, deff=2)[1] > upper


def test_planning_faults_come_together():
    with pytest.raises(Faults) as error:
        survey.sample_size(1.5, 0, contact=0)
    assert len(error.value.faults) == 3
    with pytest.raises(Faults, match="no difference"):
        survey.sample_size_difference(0.2, 0.2)


def completed(seed: int, m: int = 5):
    rng = np.random.default_rng(seed)
    base = pd.DataFrame({"w": rng.gamma(2, 2, 200), "h": np.arange(200) % 4, "psu": np.arange(200) % 40})
    known = rng.random(200) < 0.8
    truth = (rng.random(200) < 0.3).astype(float)
    for _ in range(m):
        y = np.where(known, truth, (rng.random(200) < 0.3).astype(float))
        design = survey.Design(base.assign(y=y, sex=np.where(np.arange(200) % 2, "F", "M")), weight="w", psu="psu")
        yield survey.proportion(design, "y", by="sex")


def test_pooling_follows_rubin_and_barnard():
    parts = list(completed(1))
    pooled = survey.pool(parts)
    q = np.array([p.table.value for p in parts])
    u = np.array([p.table.std_error**2 for p in parts])
    between = 1.2 * q.var(axis=0, ddof=1)
    total = u.mean(axis=0) + between
    np.testing.assert_allclose(pooled.table.value, q.mean(axis=0))
    np.testing.assert_allclose(pooled.table.std_error, np.sqrt(total))
    share, nu = between / total, parts[0].table.df.to_numpy()
    expected = 1 / (share**2 / 4 + (nu + 3) / (nu + 1) / nu / (1 - share))
    np.testing.assert_allclose(pooled.table.df, expected)
    assert (pooled.table.df < nu).all()
    np.testing.assert_allclose(np.diag(pooled.covariance()), total)
    assert set(pooled.table.obs_status) == {"I"}
    assert ((pooled.table.lower > 0) & (pooled.table.lower < pooled.table.value)).all()


def test_imputations_that_agree_leave_the_design_variance():
    one = next(completed(2))
    pooled = survey.pool([one, one, one])
    np.testing.assert_allclose(pooled.table.std_error, one.table.std_error)
    nu = one.table.df.to_numpy()
    np.testing.assert_allclose(pooled.table.df, (nu + 1) / (nu + 3) * nu)


def test_pooled_intervals_cover():
    """A third of the answers missing at random, imputed by Bayes: 95 % intervals of 400 samples."""
    rng, hits = np.random.default_rng(3), 0
    for _ in range(400):
        y = rng.random(300) < 0.3
        known = rng.random(300) < 0.67
        parts = []
        for _ in range(10):
            p = rng.beta(y[known].sum() + 0.5, (~y[known]).sum() + 0.5)
            full = np.where(known, y, rng.random(300) < p).astype(float)
            design = survey.Design(pd.DataFrame({"w": 1.0, "y": full}), weight="w")
            parts.append(survey.proportion(design, "y"))
        row = survey.pool(parts).table.iloc[0]
        hits += row.lower <= 0.3 <= row.upper
    assert hits / 400 >= 0.95 - 2 * np.sqrt(0.95 * 0.05 / 400)


def test_pooling_faults():
    one, two = list(completed(4, 2))
    with pytest.raises(Faults, match="fewer than two"):
        survey.pool([one])
    with pytest.raises(Faults, match="same estimates"):
        survey.pool([one, two.select(sex="F")])
