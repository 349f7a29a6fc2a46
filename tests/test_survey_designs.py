"""Replicates, unequal probabilities and two phases: against pair-by-pair sums, linearisation, and at the edges."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from uncac_metrics.model import Faults
from uncac_metrics.stats import survey
from uncac_metrics.stats.survey.hadamard import hadamard, order_from

TIGHT = 1e-10


def sample(seed: int = 1, strata: int = 6, psus: int = 4, rows: int = 5) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    n = strata * psus * rows
    frame = pd.DataFrame({"h": np.repeat(np.arange(strata), psus * rows)})
    frame["psu"] = np.repeat(np.arange(strata * psus), rows)
    frame["N"] = 3.0 * psus + frame["h"]
    frame["w"] = rng.gamma(2.0, 50.0, n) + 1
    frame["y"] = rng.normal(10, 3, n) + rng.normal(0, 2, strata * psus)[frame["psu"]]
    frame["x"] = (rng.random(n) < 0.6).astype(float)
    frame["paid"] = np.where(frame["x"] == 1, rng.random(n) < 0.3, 0.0)
    frame["region"] = rng.choice(["north", "south"], n)
    return frame.sample(frac=1, random_state=seed).reset_index(drop=True)


def error(estimates, row: int = 0) -> float:
    return float(estimates.table["std_error"].iloc[row])


# replicates made here


@pytest.mark.parametrize("fpc", [None, "N"])
@pytest.mark.parametrize(
    ("kind", "psus", "options"),
    [("JKn", 4, {}), ("JKn", 2, {"mse": True}), ("JK2", 2, {}), ("BRR", 2, {}), ("BRR", 2, {"replicates": 21}),
     ("fay", 2, {"fay": 0.3}), ("fay", 2, {"fay": 0.5, "mse": True})],
)  # fmt: skip
def test_totals_have_the_variance_of_linearisation_exactly(kind, psus, options, fpc):
    frame = sample(psus=psus)
    design = survey.Design(frame, weight="w", stratum="h", psu="psu", fpc=fpc)
    replicated = survey.with_replicates(design, kind, **options)
    for by in (None, "region"):
        linear, made = (survey.total(d, ["y", "paid"], by=by) for d in (design, replicated))
        assert np.allclose(made.covariance(), linear.covariance(), rtol=TIGHT, atol=0)
    assert replicated.df == design.df
    # a ratio agrees to the order of its curvature
    ratios = [error(survey.ratio(d, "paid", "x")) for d in (design, replicated)]
    assert ratios[1] == pytest.approx(ratios[0], rel=0.1)


@given(
    psus=st.lists(st.integers(2, 6), min_size=1, max_size=5),
    seed=st.integers(0, 10_000),
    fraction=st.floats(0.0, 0.9),
    mse=st.booleans(),
)
@settings(max_examples=40, deadline=None)
def test_jackknife_of_a_total_is_linearisation(psus, seed, fraction, mse):
    rng = np.random.default_rng(seed)
    h = np.repeat(np.arange(len(psus)), psus)
    frame = pd.DataFrame({"h": np.repeat(h, 2), "psu": np.repeat(np.arange(h.size), 2)})
    frame["w"], frame["y"] = rng.gamma(2, 10, len(frame)), rng.normal(size=len(frame))
    frame["f"] = fraction
    fpc = "f" if fraction > 1e-3 else None
    design = survey.Design(frame, weight="w", stratum="h", psu="psu", fpc=fpc)
    replicated = survey.with_replicates(design, "JK1" if len(psus) == 1 else "JKn", mse=mse)
    assert error(survey.total(replicated, "y")) == pytest.approx(error(survey.total(design, "y")), rel=1e-8)


def test_bootstrap_gives_the_variance_on_average_and_the_same_for_a_seed():
    frame = sample()
    design = survey.Design(frame, weight="w", stratum="h", psu="psu", fpc="N")
    boot = survey.with_replicates(design, "bootstrap", replicates=4000, seed=3)
    # the relative error of a variance from 4,000 replicates is about √(2 / 4000) = 2 %
    assert error(survey.total(boot, "y")) == pytest.approx(error(survey.total(design, "y")), rel=0.05)
    assert (boot.replicates.factors >= 0).all()
    assert boot.df == design.df
    assert survey.with_replicates(design, "bootstrap", replicates=8).df == 7
    again = survey.with_replicates(design, "bootstrap", replicates=4000, seed=3)
    other = survey.with_replicates(design, "bootstrap", replicates=4000, seed=4)
    assert (again.replicates.factors == boot.replicates.factors).all()
    assert (other.replicates.factors != boot.replicates.factors).any()


def test_successive_differences_are_those_of_neighbours_in_the_order_of_the_draw():
    frame = sample(strata=2, psus=7)
    frame["place"] = -frame["psu"]
    design = survey.Design(frame, weight="w", stratum="h", psu="psu", fpc="N")
    made = survey.with_replicates(design, "sdr", order="place")
    z = (frame.w * frame.y).groupby(frame.psu).sum()
    variance = 0.0
    for h in (0, 1):
        own = z[[p for p in z.index if p // 7 == h]].to_numpy()[::-1]
        f = 7 / (21.0 + h)
        variance += (1 - f) / 2 * ((own - np.roll(own, -1)) ** 2).sum()
    assert error(survey.total(made, "y")) ** 2 == pytest.approx(variance, rel=TIGHT)
    # rows of the matrix used again: other pairs, near the same variance
    few = survey.with_replicates(design, "sdr", order="place", replicates=8, seed=1)
    assert few.replicates.n == 8
    assert error(survey.total(few, "y")) > 0
    # without an order, that of the first rows
    plain = survey.with_replicates(survey.Design(frame.sort_values("place"), weight="w", stratum="h", psu="psu"), "sdr")
    named = survey.with_replicates(survey.Design(frame, weight="w", stratum="h", psu="psu"), "sdr", order="place")
    assert error(survey.total(plain, "y")) == pytest.approx(error(survey.total(named, "y")), rel=TIGHT)


def test_factors_are_kept_by_unit_never_by_row():
    frame = sample(strata=10, psus=4, rows=50)
    design = survey.Design(frame, weight="w", stratum="h", psu="psu")
    for kind in ("JKn", "bootstrap", "sdr"):
        made = survey.with_replicates(design, kind)
        assert made.replicates.factors.shape[0] == 40
        weights = made.replicates.weights(made)
        assert weights.shape == (2000, made.replicates.n)
        assert weights.sum(axis=0).mean() == pytest.approx(frame.w.sum(), rel=0.05)


def test_jackknife_takes_unequal_probabilities():
    frame = sample(strata=2).assign(p=lambda f: 0.1 + 0.02 * f["psu"])
    design = survey.pps_design(frame, probability="p", stratum="h", psu="psu")
    made = survey.with_replicates(design, "JKn")
    assert error(survey.total(made, "y")) == pytest.approx(error(survey.total(design, "y")), rel=TIGHT)


def test_strata_taken_whole_or_of_one_unit_add_nothing():
    frame = pd.DataFrame({"h": [0, 0, 1, 1, 2], "N": [10, 10, 2, 2, 9], "w": 1.0, "y": [1.0, 4, 2, 9, 5]})
    design = survey.Design(frame, weight="w", stratum="h", fpc="N", singleton="certainty")
    for kind in ("JKn", "BRR", "bootstrap", "sdr"):
        made = survey.with_replicates(design, kind)
        assert (made.replicates.factors[2:] == 1).all(), kind
    assert survey.with_replicates(design, "JKn").replicates.n == 2
    assert error(survey.total(survey.with_replicates(design, "BRR"), "y")) == pytest.approx(
        error(survey.total(design, "y")), rel=TIGHT
    )


@pytest.mark.parametrize("least", [*range(1, 65), 100, 233])
def test_hadamard_matrices_are_orthogonal(least):
    order = order_from(least)
    h = hadamard(order).astype(int)
    assert order >= least
    assert (h @ h.T == order * np.eye(order, dtype=int)).all()
    assert (h[0] == 1).all() and (h[:, 0] == 1).all()
    assert set(np.unique(h)) <= {-1, 1}


@pytest.mark.parametrize(
    ("kind", "options", "words"),
    [
        ("BRR", {}, "do not have two PSUs"),
        ("JK1", {}, "6 strata"),
        ("jackknife", {}, "unknown kind"),
        ("other", {}, "cannot be made"),
        ("fay", {}, "coefficient between 0 and 1"),
        ("bootstrap", {"fay": 0.3}, "coefficient"),
        ("JKn", {"replicates": 10}, "follows from the design"),
        ("bootstrap", {"replicates": 1}, "at least 2"),
        ("JKn", {"order": "y"}, "is not used"),
        ("sdr", {"order": "nothing"}, "no column 'nothing'"),
    ],
)
def test_replicates_that_do_not_fit_the_design(kind, options, words):
    design = survey.Design(sample(), weight="w", stratum="h", psu="psu")
    with pytest.raises(Faults, match=words):
        survey.with_replicates(design, kind, **options)


def test_replicates_of_replicates_forms_and_averaged_singletons_are_refused():
    frame = sample()
    design = survey.Design(frame, weight="w", stratum="h", psu="psu")
    with pytest.raises(Faults, match="has replicates"):
        survey.with_replicates(survey.with_replicates(design, "JKn"), "JKn")
    form = survey.pps_design(frame.assign(p=0.2), probability="p", psu="psu", method="overton")
    with pytest.raises(Faults, match="linearise"):
        survey.with_replicates(form, "JKn")
    lonely = pd.DataFrame({"h": [0, 0, 1], "w": 1.0})
    averaged = survey.Design(lonely, weight="w", stratum="h", singleton="average")
    with pytest.raises(Faults, match="cannot follow"):
        survey.with_replicates(averaged, "JKn")


# replicate weights as supplied


def test_supplied_weights_are_compressed_to_units_and_give_the_same_numbers():
    frame = sample(strata=10, rows=20)
    made = survey.with_replicates(survey.Design(frame, weight="w", stratum="h", psu="psu"), "JKn")
    weights = np.round(made.replicates.weights(made), 11)  # as a file holds them
    given = {"weight": "w", "kind": "JKn", "rscales": made.replicates.rscales}
    design = survey.replicate_design(frame, replicates=weights, **given)
    assert design.replicates.factors.shape == (40, 40)
    assert design.n_psu == 40
    assert design.df == made.df == 30
    wide = pd.concat([frame, pd.DataFrame(weights, columns=[f"rw_{i}" for i in range(40)])], axis=1)
    by_name = survey.replicate_design(wide, replicates=["rw_*"], **given, psu="psu")
    factors = made.replicates.factors[made.replicates.of_unit[made.unit]]
    by_factor = survey.replicate_design(frame, replicates=factors, combined=False, **given)
    want = survey.ratio(made, "paid", "x", by="region").table
    for other in (design, by_name, by_factor):
        got = survey.ratio(other, "paid", "x", by="region").table
        assert got["std_error"].to_numpy() == pytest.approx(want["std_error"].to_numpy(), rel=1e-8)
        assert got["n_psu"].tolist() == want["n_psu"].tolist()


def test_every_row_with_factors_of_its_own_is_kept():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"w": rng.gamma(2, 5, 300), "y": rng.normal(size=300)})
    weights = frame.w.to_numpy()[:, None] * rng.gamma(20, 1 / 20, (300, 24))
    design = survey.replicate_design(frame, weight="w", replicates=weights, kind="bootstrap", df=20)
    means = (weights * frame.y.to_numpy()[:, None]).sum(axis=0) / weights.sum(axis=0)
    assert error(survey.mean(design, "y")) == pytest.approx(means.std(ddof=1), rel=TIGHT)
    assert (design.n_psu, design.df) == (300, 20)
    centred = survey.replicate_design(frame, weight="w", replicates=weights, kind="bootstrap", mse=True)
    full = np.average(frame.y, weights=frame.w)
    assert error(survey.mean(centred, "y")) ** 2 == pytest.approx(((means - full) ** 2).sum() / 23, rel=TIGHT)


@pytest.mark.parametrize(
    ("kind", "options", "factor"),
    [
        ("JK1", {}, 7 / 8), ("JK2", {"mse": False}, 1.0), ("BRR", {}, 1 / 8), ("fay", {"fay": 0.5}, 1 / 2),
        ("bootstrap", {}, 1 / 7), ("sdr", {"mse": False}, 4 / 8), ("other", {"scale": 0.3}, 0.3),
        ("jkn", {"rscales": [0.5] * 8}, 0.5), ("BRR", {"scale": 2.0}, 2.0),
    ],
)  # fmt: skip
def test_scale_of_each_kind(kind, options, factor):
    rng = np.random.default_rng(5)
    frame = pd.DataFrame({"y": rng.normal(size=40)})
    weights = rng.gamma(9, 1 / 9, (40, 8))
    design = survey.replicate_design(frame, weight=None, replicates=weights, kind=kind, **options)
    totals = weights.T @ frame.y.to_numpy()
    assert error(survey.total(design, "y")) ** 2 == pytest.approx(
        factor * ((totals - totals.mean()) ** 2).sum(), rel=TIGHT
    )


def test_ten_rows_of_replicates_for_more_rows_of_data_are_a_fault():
    frame = sample()
    with pytest.raises(Faults, match="10 rows for 120 rows of data"):
        survey.replicate_design(frame, weight="w", replicates=np.ones((10, 4)), kind="BRR")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda w: w[:, :1], "at least 2 replicates"),
        (lambda w: np.where(w == w[3, 1], np.nan, w), "missing or infinite"),
        (lambda w: -w, "negative"),
        (lambda w: np.repeat(w[:, :1], 4, axis=1), "all replicates are equal"),
        (lambda w: w / w.mean(), "combined=False"),
        (lambda w: w[:, 0], "1 dimensions"),
        (lambda w: w.astype(str), "not numeric"),
    ],
)
def test_replicate_weights_that_cannot_be_right(change, words):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"w": rng.gamma(2, 500, 50)})
    weights = frame.w.to_numpy()[:, None] * rng.gamma(9, 1 / 9, (50, 6))
    with pytest.raises(Faults, match=words):
        survey.replicate_design(frame, weight="w", replicates=change(weights), kind="bootstrap")


def test_options_of_supplied_replicates_are_checked_together():
    frame = sample()
    weights = np.random.default_rng(0).random((120, 6))
    with pytest.raises(Faults) as caught:
        survey.replicate_design(
            frame, weight="w", replicates=weights, kind="BRR", scale=-1, rscales=[1, 2], fay=0.5, df=0
        )
    assert {f.where for f in caught.value.faults} == {"scale", "rscales", "fay", "df"}
    with pytest.raises(Faults, match="stratified jackknife"):
        survey.replicate_design(frame, weight="w", replicates=weights, kind="JKn")
    with pytest.raises(Faults, match="no column 'rx"):
        survey.replicate_design(frame, weight="w", replicates="rx*", kind="BRR")
    with pytest.raises(Faults, match="rows without a weight"):
        survey.replicate_design(
            frame.assign(w=frame.w.where(frame.h > 0, 0.0)), weight="w", replicates=weights * 100, kind="BRR"
        )


# domains under replicates


def test_replicates_without_an_estimate_are_told():
    frame = pd.DataFrame({"psu": np.repeat(np.arange(6), 4), "w": 1.0, "y": np.arange(24) % 5.0})
    frame["g"] = np.where(frame.psu == 0, "only here", "elsewhere")
    frame.loc[frame.psu == 5, "g"] = None
    frame["two"] = np.where(frame.psu <= 1, "a", "b")
    made = survey.with_replicates(survey.Design(frame, weight="w", psu="psu"), "JK1")
    table = survey.mean(made, "y", by="g").table.set_index("g")
    assert table.loc["only here", "reason"].startswith("1 of 6 replicates have no estimate")
    assert table.loc["only here", ["obs_status", "display"]].tolist() == ["U", "flagged"]
    assert table.loc["elsewhere", "reason"] == ""
    totals = survey.total(made, "y", by="g").table
    assert (totals["reason"] == "").all()  # a total without members is zero, and defined

    # in half of the half-samples the domain has no members: the other half stands for all
    pairs = sample(psus=2)
    half = survey.with_replicates(survey.Design(pairs, weight="w", stratum="h", psu="psu"), "BRR")
    pairs["domain"] = np.where(pairs.psu == 0, "d", None)
    row = survey.mean(half, "y", by="domain").table.iloc[0]
    assert row["reason"].startswith("4 of 8")

    # no replicate with an estimate: no standard error rather than zero
    weights = np.ones((24, 4)) + np.where(np.arange(24) % 2, 0.5, -0.5)[:, None] * [1, -1, 1, -1]
    weights[frame.psu == 0] = 0
    none = survey.replicate_design(frame, weight="w", replicates=weights, kind="bootstrap")
    row = survey.mean(none, "y", by="g").table.set_index("g").loc["only here"]
    assert np.isnan(row["std_error"]) and np.isnan(row["upper"])
    assert row["reason"].startswith("4 of 4")


def test_domain_without_rows_and_degrees_of_freedom():
    frame = sample()
    frame["area"] = pd.Categorical(np.where(frame.h < 2, "a", "b"), categories=["a", "b", "empty"])
    made = survey.with_replicates(survey.Design(frame, weight="w", stratum="h", psu="psu"), "JKn")
    table = survey.mean(made, "y", by="area").table.set_index("area")
    assert table.loc["empty", ["n", "reason", "display"]].tolist() == [0, "no observation", "withheld"]
    assert np.isnan(table.loc["empty", ["value", "std_error", "lower"]].astype(float)).all()
    assert table["df"].tolist() == [18, 18, 18]
    by_rank = survey.mean(made, "y", by="area", df="domain").table.set_index("area")
    # the rank of the weights of the domain's units less one is its PSUs less its strata
    assert by_rank["df"].tolist()[:2] == [8 - 2, 16 - 4]


def test_a_variance_below_zero_is_told():
    frame = pd.DataFrame({"p": [0.5, 0.5], "y": [1.0, 1.0]})
    joint = np.array([[0.5, 0.05], [0.05, 0.5]])
    design = survey.pps_design(frame, probability="p", method="joint", joint=joint)
    row = survey.total(design, "y").table.iloc[0]
    assert np.isnan(row["std_error"])
    assert row["reason"] == "the variance estimate is negative"


# unequal probabilities


def pairwise(p: np.ndarray, z: np.ndarray, h: np.ndarray, method: str, variance: str) -> float:
    """The double sum, pair by pair."""
    total = 0.0
    for i in range(len(p)):
        for j in range(len(p)):
            n = (h == h[i]).sum()
            if i == j:
                joint = p[i]
            elif h[i] != h[j]:
                joint = p[i] * p[j]
            elif method == "overton":
                joint = (n - 1) * p[i] * p[j] / (n - (p[i] + p[j]) / 2)
            else:
                joint = (n - 1) * p[i] * p[j] / (n - p[i] - p[j] + p[h == h[i]].sum() / n)
            d = 1 - p[i] * p[j] / joint
            total += d * z[i] * z[j] if variance == "ht" else -d * (z[i] - z[j]) ** 2 / 2
    return total


@pytest.mark.parametrize("variance", ["ht", "yg"])
@pytest.mark.parametrize("method", ["overton", "hartley_rao"])
def test_forms_agree_with_the_double_sum(method, variance):
    rng = np.random.default_rng(2)
    frame = sample(strata=3, psus=5)
    p = rng.uniform(0.1, 0.6, 15)
    frame["p"] = p[frame.psu]
    design = survey.pps_design(frame, probability="p", stratum="h", psu="psu", method=method, variance=variance)
    z = (frame.y / frame.p).groupby(frame.psu).sum().to_numpy()
    want = pairwise(p, z, np.arange(15) // 5, method, variance)
    assert error(survey.total(design, "y")) ** 2 == pytest.approx(want, rel=TIGHT)
    both = survey.total(design, ["y", "x"])
    assert np.allclose(np.sqrt(np.diag(both.covariance())), both.table.std_error, rtol=TIGHT)


def test_given_joint_probabilities_in_any_order_of_labels():
    rng = np.random.default_rng(3)
    frame = sample(strata=1, psus=6)
    p = rng.uniform(0.2, 0.5, 6)
    frame["p"] = p[frame.psu]
    joint = np.outer(p, p) * 0.9
    np.fill_diagonal(joint, p)
    z = (frame.y / frame.p).groupby(frame.psu).sum().to_numpy()
    want = z @ (1 - np.outer(p, p) / joint) @ z
    order = pd.unique(frame.psu)
    labelled = pd.DataFrame(joint, index=range(6), columns=range(6)).sample(frac=1, random_state=0)
    for pairs in (joint[np.ix_(order, order)], labelled):
        design = survey.pps_design(frame, probability="p", psu="psu", method="joint", joint=pairs)
        assert error(survey.total(design, "y")) ** 2 == pytest.approx(want, rel=TIGHT)
    grundy = survey.pps_design(frame, probability="p", psu="psu", method="joint", joint=labelled, variance="yg")
    d = 1 - np.outer(p, p) / joint
    spread = -0.5 * (d * (z[:, None] - z[None, :]) ** 2).sum()
    assert error(survey.total(grundy, "y")) ** 2 == pytest.approx(spread, rel=TIGHT)


def test_equal_probabilities_are_simple_random_sampling():
    frame = sample(strata=3)
    frame["p"] = 4 / frame["N"]
    simple = survey.Design(frame, weight=None, stratum="h", psu="psu", fpc="N")
    want = survey.ratio(simple, "paid", "x", by="region")
    for method, variance in (("brewer", "ht"), ("overton", "ht"), ("hartley_rao", "yg"), ("overton", "yg")):
        design = survey.pps_design(frame, probability="p", stratum="h", psu="psu", method=method, variance=variance)
        got = survey.ratio(design, "paid", "x", by="region")
        if method == "hartley_rao":  # joint probabilities to order 1/n only
            assert np.allclose(got.table.std_error, want.table.std_error, rtol=0.1)
        else:
            assert np.allclose(got.covariance(), want.covariance(), rtol=1e-9)
        assert got.table["df"].tolist() == want.table["df"].tolist()


def test_brewer_over_two_stages():
    frame = sample(strata=1, psus=5, rows=4)
    p = np.array([0.2, 0.3, 0.4, 0.5, 1.0])
    frame["p"] = p[frame.psu]
    frame["M"] = 20.0
    design = survey.pps_design(frame, probability=["p", "M"], psu="psu")
    assert design.weight == pytest.approx((5 / frame.p).to_numpy())
    z = (design.weight * frame.y).groupby(frame.psu)
    first = z.sum().to_numpy()[:4]  # the fifth is certain
    want = (4 / 3 * (1 - p[:4]) * (first - first.mean()) ** 2).sum()
    want += (p * (1 - 4 / 20) * 4 * z.var().to_numpy()).sum()
    assert error(survey.total(design, "y")) ** 2 == pytest.approx(want, rel=TIGHT)
    assert design.df == 3  # a certainty is no source of degrees of freedom
    assert "Brewer" in design.method


def test_poisson_sampling_and_certainties():
    frame = pd.DataFrame({"p": [0.2, 0.5, 1.0], "y": [1.0, 2.0, 30.0]})
    design = survey.pps_design(frame, probability="p", method="poisson")
    assert error(survey.total(design, "y")) ** 2 == pytest.approx(0.8 * 25 + 0.5 * 16)
    wide = pd.concat([frame] * 3, ignore_index=True)
    for method in ("brewer", "overton", "hartley_rao"):
        with_it = survey.pps_design(wide, probability="p", method=method)
        without = survey.pps_design(wide[wide.p < 1], probability="p", method=method)
        assert error(survey.total(with_it, "y")) == pytest.approx(error(survey.total(without, "y")), rel=TIGHT)


def test_a_form_over_many_units_is_not_written_out():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"p": rng.uniform(0.01, 0.5, 50_000), "y": rng.normal(5, 1, 50_000)})
    design = survey.pps_design(frame, probability="p", method="hartley_rao", variance="yg")
    assert design.quadratic.matrix is None
    assert error(survey.mean(design, "y")) > 0


def test_population_value_of_hartley_rao():
    frame = sample(strata=2).assign(p=lambda f: 0.1 + 0.02 * f["psu"])
    estimated = survey.pps_design(frame, probability="p", stratum="h", psu="psu", method="hartley_rao")
    units = frame.drop_duplicates("psu")
    frame["q"] = frame.h.map(units.groupby("h").p.mean())
    given = survey.pps_design(frame, probability="p", stratum="h", psu="psu", method="hartley_rao", psum="q")
    assert error(survey.total(given, "y")) == pytest.approx(error(survey.total(estimated, "y")), rel=TIGHT)
    with pytest.raises(Faults, match="several strata"):
        survey.pps_design(frame, probability="p", stratum="h", psu="psu", method="hartley_rao", psum=0.1)
    with pytest.raises(Faults, match="differs within a stratum"):
        survey.pps_design(frame, probability="p", stratum="h", psu="psu", method="hartley_rao", psum="y")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"probability": "big"}, "above 1"),
        ({"probability": "uneven", "psu": "psu"}, "differs within a PSU"),
        ({"probability": "zero"}, "zero or less"),
        ({"probability": "p", "method": "sampford"}, "unknown method"),
        ({"probability": "p", "variance": "yg"}, "one form only"),
        ({"probability": "p", "method": "joint"}, "joint probabilities go with"),
        ({"probability": ["p", "N"], "method": "overton"}, "only method"),
        ({"probability": "p", "method": "overton", "psum": 0.1}, "is not used"),
        ({"probability": "p", "method": "joint", "joint": np.eye(3)}, "3 × 3 for 120 PSUs"),
        ({"probability": "p", "singleton": "collapse"}, "not defined"),
        ({"probability": "p", "method": "joint", "joint": np.full((120, 120), 0.1)}, "not the column"),
        ({"probability": "p", "method": "joint", "joint": np.eye(120)}, "zero or negative"),
        (
            {"probability": "p", "method": "joint", "joint": np.full((120, 120), 0.25) - 0.05 * np.eye(120)},
            "more likely than one",
        ),
        (
            {"probability": "p", "method": "joint", "joint": 0.1 * np.eye(120) + np.linspace(0.1, 0.11, 120)},
            "not symmetric",
        ),
    ],
)
def test_probabilities_that_cannot_be_right(options, words):
    frame = sample().assign(big=1.2, p=0.2, zero=0.0)
    frame["uneven"] = np.linspace(0.1, 0.2, len(frame))
    with pytest.raises(Faults, match=words):
        survey.pps_design(frame, **options)


# two phases


def joint_d(strata, units, fraction_of, size_of):
    """D of a one-stage sample, pair by pair."""
    n = len(units)
    d = np.zeros((n, n))
    for i in range(n):
        for j in range(n):
            rest, m = 1 - fraction_of[strata[i]], size_of[strata[i]]
            if units[i] == units[j]:
                d[i, j] = rest
            elif strata[i] == strata[j]:
                d[i, j] = -rest / (m - 1)
    return d


@pytest.mark.parametrize("fpc", [None, "N"])
def test_two_phases_agree_with_the_double_sum(fpc):
    frame = sample(strata=3, psus=4, rows=6)
    rng = np.random.default_rng(9)
    frame["kind"] = rng.choice(["a", "b"], len(frame))
    frame["in2"] = rng.random(len(frame)) < 0.5
    design = survey.two_phase(frame, subset="in2", weight="w", stratum="h", psu="psu", fpc=fpc, stratum2="kind")
    inner = frame[frame.in2].reset_index(drop=True)
    sampled, present = inner.kind.value_counts(), frame.kind.value_counts()
    weight = inner.w * (present / sampled)[inner.kind].to_numpy()
    assert design.weight == pytest.approx(weight.to_numpy())
    f1 = {h: 0.0 if fpc is None else 4 / (12.0 + h) for h in range(3)}
    d1 = joint_d(inner.h, inner.psu, f1, dict.fromkeys(range(3), 4))
    d2 = joint_d(inner.kind, inner.index, sampled / present, sampled)
    for y, estimate in ((inner.y - 10, survey.total(design, inner.y - 10)), (inner.y, survey.mean(design, "y"))):
        mean = estimate.table["statistic"].iloc[0] == "mean"
        z = (weight * (y - np.average(y, weights=weight)) / weight.sum() if mean else weight * y).to_numpy()
        want = z @ (d1 + d2 - d1 * d2) @ z
        assert want > 0
        assert error(estimate) ** 2 == pytest.approx(want, rel=1e-9)
    assert design.df == 9  # the 12 PSUs of 3 strata of the first phase, not the rows of the second
    ratio = survey.ratio(design, "paid", "x", by="region")
    assert np.allclose(np.sqrt(np.diag(ratio.covariance())), ratio.table.std_error)
    assert "two phases" in design.method


def test_two_phases_with_clusters_and_stages_in_both():
    frame = sample(strata=2, psus=4, rows=6)
    rng = np.random.default_rng(4)
    frame["M"] = 30.0
    frame["team"] = frame.psu % 3
    chosen = {0: True, 1: True, 2: False}
    frame["in2"] = frame.team.map(chosen)
    frame["person"] = rng.permutation(len(frame))
    design = survey.two_phase(frame, subset="in2", stratum="h", psu=["psu", "person"], fpc=["N", "M"], psu2="team")
    inner = frame[frame.in2].reset_index(drop=True)
    f1 = {h: 4 / (12.0 + h) for h in range(2)}
    stage1 = joint_d(inner.h, inner.psu, f1, dict.fromkeys(range(2), 4))
    within = joint_d(inner.psu, inner.person, dict.fromkeys(range(8), 0.2), dict.fromkeys(range(8), 6))
    phase2 = joint_d(np.zeros(len(inner)), inner.team, {0.0: 2 / 3}, {0.0: 2})
    q = 1 - (1 - stage1) * (1 - within) * (1 - phase2)
    y = np.where(inner.paid == 1, inner.y, 0.0)
    z = design.weight * (y - np.average(y, weights=design.weight)) / design.weight.sum()
    assert z @ q @ z > 0
    assert error(survey.mean(design, y)) ** 2 == pytest.approx(z @ q @ z, rel=1e-9)
    assert design.df == 1


def test_a_second_phase_that_takes_all_is_the_first():
    frame = sample().assign(all=1)
    whole = survey.Design(frame, weight="w", stratum="h", psu="psu", fpc="N")
    twice = survey.two_phase(frame, subset="all", weight="w", stratum="h", psu="psu", fpc="N")
    for estimator in (survey.total, survey.mean):
        assert np.allclose(
            estimator(twice, "y", by="region").covariance(), estimator(whole, "y", by="region").covariance(), rtol=1e-9
        )
    assert survey.mean(twice, "y").table["df"].tolist() == survey.mean(whole, "y").table["df"].tolist()


def test_a_first_phase_of_all_the_population_is_the_second():
    frame = sample().assign(N=120)
    frame["in2"] = np.arange(120) % 3 == 0
    twice = survey.two_phase(frame, subset="in2", fpc="N", stratum2="h")
    inner = frame[frame.in2].assign(size=20)
    once = survey.Design(inner, weight=None, stratum="h", fpc="size")
    assert error(survey.total(twice, "y")) == pytest.approx(error(survey.total(once, "y")), rel=1e-9)


def test_first_phase_of_random_size_and_the_approximation():
    frame = sample()
    frame["in2"] = np.arange(120) % 2 == 0
    fixed, random, near = (
        survey.two_phase(frame, subset="in2", **options)
        for options in ({}, {"first_phase": "random"}, {"variance": "approx"})
    )
    assert error(survey.total(random, "y")) > 2 * error(survey.total(fixed, "y"))
    assert error(survey.mean(random, "y")) == pytest.approx(error(survey.mean(fixed, "y")), rel=0.01)
    assert error(survey.total(near, "y")) == pytest.approx(error(survey.total(fixed, "y")), rel=0.01)
    assert survey.total(near, "y").table["value"].iloc[0] == pytest.approx(2 * frame.y[::2].sum())


def test_two_phases_of_many_rows():
    rng = np.random.default_rng(0)
    n = 40_000
    frame = pd.DataFrame({"h": rng.integers(0, 20, n), "y": rng.normal(5, 1, n), "in2": rng.random(n) < 0.3})
    frame["psu"] = frame.h * 100 + rng.integers(0, 30, n)
    design = survey.two_phase(frame, subset="in2", stratum="h", psu="psu", stratum2="h")
    assert error(survey.mean(design, "y")) > 0


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"subset": "some"}, "missing values"),
        ({"subset": "none"}, "no row is in the second phase"),
        ({"subset": "y"}, "other than 0 and 1"),
        ({"subset": "text"}, "recode to 1"),
        ({"subset": "in3"}, "did you mean 'in2'"),
        ({"subset": np.ones(3)}, "3 values for 120 rows"),
        ({"subset": "in2", "variance": "none"}, "full or approx"),
        ({"subset": "in2", "first_phase": "open"}, "fixed or random"),
        ({"subset": "in2", "singleton": "average"}, "not defined for two phases"),
        ({"subset": "in2", "stratum": "h", "psu": "psu", "variance": "approx"}, "drew clusters"),
        ({"subset": "in2", "stratum2": "row"}, "one PSU"),
    ],
)
def test_two_phases_that_cannot_be_right(options, words):
    frame = sample().assign(none=0, text="yes", row=lambda f: np.maximum(f.index - 100, 0) // 2)
    frame["in2"] = np.arange(120) % 2
    frame["some"] = frame.in2.where(frame.h > 0)
    with pytest.raises(Faults, match=words):
        survey.two_phase(frame, **options)


def test_replicates_and_forms_stand_beside_other_designs():
    """Rows of two designs can be compared: they are independent."""
    frame = sample()
    design = survey.Design(frame, weight="w", stratum="h", psu="psu")
    made = survey.with_replicates(design, "JKn")
    a, b = survey.mean(design, "y"), survey.mean(made, "y")
    assert a.scores[0].cross(b.scores[0]).tolist() == [[0.0]]
    assert b.scores[0].cross(a.scores[0]).tolist() == [[0.0]]
