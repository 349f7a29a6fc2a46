"""Monte Carlo, the delta method and Sobol' indices: against closed forms, and independent of workers and samples.

Simulated numbers are compared within four of their standard errors. The g-function and the linear model have their
indices in closed form (Saltelli et al. 2008, Global Sensitivity Analysis: The Primer, 4.5).
"""

import threading

import numpy as np
import pytest
from scipy import stats

from uncac_metrics.model import Faults
from uncac_metrics.stats.scores import normalise, simulate, sobol
from uncac_metrics.stats.scores.construction import Construction, Layout, Leaf, scorer, vary
from uncac_metrics.stats.scores.hierarchy import Node

GROUPS = [np.arange(3)]


def normal_scores(centre, error):
    def replicate(rng, size, k):
        return centre + error * rng.standard_normal((size, len(centre)))

    return replicate


def test_moments_and_ranks_of_normal_scores():
    centre, error = np.array([0.0, 1.0, 1.2]), np.array([1.0, 0.5, 0.5])
    n = 40_000
    found = simulate.simulate(normal_scores(centre, error), n, groups=GROUPS, seed=3)
    assert (np.abs(found.mean - centre) < 4 * error / n**0.5).all()
    assert (np.abs(found.std_error - error) < 4 * error / (2 * n) ** 0.5).all()
    assert (found.rank_counts.sum(axis=1) == n).all() and (found.rank_counts.sum(axis=0) == n).all()
    # the second is above the third with probability Φ(−0.2 / √½)
    first_two = stats.norm.cdf(-0.2 / 0.5**0.5)
    order = (found.draws[:, 1] > found.draws[:, 2]).mean()
    assert abs(order - first_two) < 4 * 0.5 / len(found.draws) ** 0.5
    assert found.top(3) == pytest.approx([1, 1, 1])
    assert found.rank_mean() == pytest.approx(found.rank_counts @ [1, 2, 3] / n)


def test_draws_are_spread_over_constructions_and_bounded():
    def replicate(rng, size, k):
        return np.full((size, 1), float(k))

    found = simulate.simulate(replicate, 20_000, constructions=4, probabilities=[1, 1, 1, 7], keep=500)
    assert len(found.draws) <= 500
    assert (found.draws[:, 0] == found.construction).all()
    assert abs((found.construction == 3).mean() - 0.7) < 0.05
    assert found.mean[0] == pytest.approx((0 + 1 + 2 + 21) / 10, abs=0.04)


def test_workers_and_blocks_change_nothing():
    centre, error = np.arange(5.0), np.ones(5)
    runs = [
        simulate.simulate(normal_scores(centre, error), 3_001, groups=[np.arange(5)], seed=9, workers=w) for w in (1, 4)
    ]
    for name in ("mean", "std_error", "draws", "rank_counts"):
        np.testing.assert_array_equal(getattr(runs[0], name), getattr(runs[1], name))
    assert threading.active_count() < 10


def test_failures_are_raised_not_dropped():
    def replicate(rng, size, k):
        out = np.ones((size, 2))
        out[:, 1] = np.nan if k == 1 else 1
        return out

    with pytest.raises(Faults, match="construction 1 gives no number"):
        simulate.simulate(replicate, 1_000, constructions=2)
    expected = np.array([True, False])
    assert np.isnan(simulate.simulate(replicate, 1_000, constructions=2, expected=expected).mean[1])


def test_normal_errors_are_normal():
    z = simulate._normals(np.random.default_rng(5), (400_000,))
    assert abs(z.mean()) < 4 / len(z) ** 0.5
    assert stats.kstest(z, "norm").pvalue > 1e-4
    for limit in (1.96, 3.29, 4.0):
        p = 2 * stats.norm.sf(limit)
        assert abs((np.abs(z) > limit).mean() - p) < 4 * (p / len(z)) ** 0.5
    assert np.abs(np.corrcoef(z[:-1], z[1:])[0, 1]) < 4 / len(z) ** 0.5


def test_errors_with_a_covariance_and_from_draws():
    values = np.array([[1.0, 2.0], [3.0, 4.0]])
    covariance = 0.25 * np.eye(4) + 0.1
    rng = np.random.default_rng(1)
    x = simulate.errors(rng, 50_000, values, root=np.linalg.cholesky(covariance))
    np.testing.assert_allclose(np.cov(x.reshape(-1, 4), rowvar=False), covariance, atol=4 * 0.35 * (2 / 50_000) ** 0.5)
    given = np.arange(12.0).reshape(3, 2, 2)
    taken = simulate.errors(rng, 500, values, draws=given)
    assert {float(t[0, 0]) for t in taken} == {0.0, 4.0, 8.0}
    still = simulate.errors(rng, 5, values, std_error=np.array([[0.0, 1.0], [0.0, 0.0]]))
    assert (still[:, :, 0] == values[:, 0]).all() and (still[:, 1, 1] == 4).all() and len(set(still[:, 0, 1])) == 5


def test_delta_method_is_exact_for_linear_scores_and_near_for_others():
    x = np.array([[40.0, 60.0], [20.0, 90.0], [70.0, 35.0]])
    se = np.array([[2.0, 1.0], [1.0, 3.0], [0.0, 2.0]])
    leaves = tuple(Leaf(c, normalise="goalposts", parameters={"lower": 0, "upper": 100, "scale": 100}) for c in "ab")
    tree = (Node("top", ("a", "b"), (3.0, 1.0)),)
    linear = scorer(Construction(leaves, tree), Layout.single(3))
    error, covariance = simulate.delta_method(lambda v: linear(v)[..., 0], x, se)
    np.testing.assert_allclose(error, np.hypot(0.75 * se[:, 0], 0.25 * se[:, 1]), rtol=1e-7)
    assert np.allclose(covariance, np.diag(error**2))
    # geometric: Var = I² Σ w² σ² / z²
    curved = scorer(vary(Construction(leaves, tree), aggregation="geometric"), Layout.single(3))
    error, _ = simulate.delta_method(lambda v: curved(v)[..., 0], x, se)
    level = curved(x)[:, 0]
    by_hand = level * np.hypot(0.75 * se[:, 0] / x[:, 0], 0.25 * se[:, 1] / x[:, 1])
    np.testing.assert_allclose(error, by_hand, rtol=1e-6)


def test_delta_method_agrees_with_simulation_where_bounds_move():
    """Least and greatest values are estimates too: their errors reach every score."""
    rng = np.random.default_rng(2)
    x = np.sort(rng.uniform(10, 90, (12, 1)), axis=0)
    se = np.full(x.shape, 0.2)
    error, _ = simulate.delta_method(lambda v: normalise.minmax(v)[..., 0], x, se)
    draws = normalise.minmax(simulate.errors(rng, 40_000, x, se))[..., 0]
    np.testing.assert_allclose(error, draws.std(axis=0, ddof=1), rtol=0.03, atol=1e-9)


# ---------------------------------------------------------------- Sobol'


def g_function(u, a):
    return np.prod((np.abs(4 * u - 2) + a) / (1 + a), axis=1)


def test_indices_of_the_g_function():
    a = np.array([0.0, 1.0, 4.5, 9.0])
    v = 1 / (3 * (1 + a) ** 2)
    total_variance = np.prod(1 + v) - 1
    first, total = v / total_variance, v * np.prod(1 + v) / (1 + v) / total_variance
    n = 4_096
    found = sobol.indices(g_function(sobol.design(n, 4, seed=1), a), n, 4, bootstrap=200)
    assert (np.abs(found.first[:, 0] - first) < 4 * found.first_error[:, 0]).all()
    assert (np.abs(found.total[:, 0] - total) < 4 * found.total_error[:, 0]).all()
    low, high = found.total_interval[:, :, 0]
    assert (low < found.total[:, 0]).all() and (found.total[:, 0] < high).all()


def test_second_order_of_a_product():
    """y = 2 (u₁ − ½)(u₂ − ½) + u₃: the two factors act together only."""
    n = 2_048
    u = sobol.design(n, 3, second=True)
    y = 2 * (u[:, 0] - 0.5) * (u[:, 1] - 0.5) + u[:, 2]
    found = sobol.indices(y, n, 3, second=True)
    pair = (4 / 144) / (4 / 144 + 1 / 12)
    assert found.second[0, 1, 0] == pytest.approx(pair, abs=0.03)
    assert found.second[0, 2, 0] == pytest.approx(0, abs=0.03)
    assert found.first[:2, 0] == pytest.approx([0, 0], abs=0.03)


def test_all_outputs_at_once_are_each_by_itself_and_a_constant_shifts_nothing():
    n = 256
    u = sobol.design(n, 3, seed=4)
    y = np.column_stack([u @ [1, 2, 3], u[:, 0] * u[:, 1], np.ones(len(u))])
    together = sobol.indices(y, n, 3)
    for k in range(2):
        alone = sobol.indices(y[:, k] + 1_000, n, 3)
        np.testing.assert_allclose(alone.first[:, 0], together.first[:, k], atol=1e-9)
        # resamples are summed in single precision
        np.testing.assert_allclose(alone.total_interval[..., 0], together.total_interval[..., k], atol=1e-6)
    assert np.isnan(together.first[:, 2]).all()


def test_bootstrap_error_is_the_error_over_designs():
    n = 256
    slope = np.array([1.0, 2.0, 0.5])
    runs = []
    for seed in range(120):
        u = sobol.design(n, 3, seed=seed, kind="random")
        runs.append(sobol.indices(u @ slope, n, 3, bootstrap=0).first[:, 0])
    u = sobol.design(n, 3, seed=1, kind="random")
    error = sobol.indices(u @ slope, n, 3, bootstrap=400).first_error[:, 0]
    np.testing.assert_allclose(error, np.std(runs, axis=0, ddof=1), rtol=0.35)


def test_levels_do_not_depend_on_the_sample():
    factors = [
        sobol.Factor("a", 4),
        sobol.Factor("b", lower=-1, upper=1, when=("a", 3)),
        sobol.Factor("c", 2, when=("a", 0)),
    ]
    points = np.array([[0.0, 0.5, 0.9], [0.249, 0.5, 0.1], [0.25, 0.5, 0.5], [0.999, 0.75, 0.5]])
    got = sobol.translate(points, factors)
    assert got["a"].tolist() == [0, 0, 1, 3]
    np.testing.assert_array_equal(got["b"], [np.nan, np.nan, np.nan, 0.5])
    assert got["c"].tolist() == [1, 0, -1, -1]
    np.testing.assert_array_equal(sobol.translate(points[1:2], factors)["a"], got["a"][1:2])
    with pytest.raises(Faults, match="not an earlier factor"):
        sobol.translate(points[:, :1], [sobol.Factor("b", 2, when=("a", 1))])


def test_quasi_random_designs_are_nearer_the_truth():
    def error(kind):
        found = []
        for seed in range(20):
            u = sobol.design(512, 3, seed=seed, kind=kind)
            found.append(sobol.indices(u @ [1.0, 2.0, 3.0], 512, 3, bootstrap=0).first[:, 0] - np.array([1, 4, 9]) / 14)
        return np.sqrt(np.mean(np.square(found)))

    assert error("sobol") < error("random") / 4


def test_refusals_of_indices():
    with pytest.raises(Faults, match="power of two"):
        sobol.design(100, 2)
    y = np.ones(8 * 4)
    with pytest.raises(Faults, match="32 points, not 40"):
        sobol.indices(y, 8, 3)
    y[3] = np.nan
    with pytest.raises(Faults, match=r"not finite \(1 row: 4\)"):
        sobol.indices(y, 8, 2)


def test_standardised_regression_coefficients_of_independent_factors():
    u = sobol.design(1_024, 3, seed=1)[: 2 * 1_024]
    found, r_squared = sobol.regression_coefficients(dict(zip("abc", u.T, strict=True)), u @ [1.0, -2.0, 3.0])
    assert r_squared == pytest.approx(1)
    assert [found[k] ** 2 for k in "abc"] == pytest.approx(np.array([1, 4, 9]) / 14, abs=0.01)
