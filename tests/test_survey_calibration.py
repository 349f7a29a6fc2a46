"""Calibration, trimming and standardisation: against closed forms, numerical derivatives, and at the edges.

The derivative of a calibrated total with respect to the weight of a row is its linearised value: for the linear
distance the variance engine must reproduce it exactly, here to 1e-6, the error of a central difference.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize

from uncac_metrics.model import Faults
from uncac_metrics.stats import survey
from uncac_metrics.stats.survey.distances import DISTANCES
from uncac_metrics.stats.survey.replicates import Replicates

TIGHT = 1e-10


def sample(seed: int = 1, n: int = 240, psus: int = 12) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "w": rng.gamma(4.0, 25.0, n) + 1,
            "psu": np.arange(n) % psus,
            "sex": rng.choice(["F", "M"], n),
            "region": rng.choice(["north", "south", "east"], n),
            "age": rng.integers(1, 5, n),
            "staff": rng.gamma(3.0, 10.0, n) + 1,
        }
    )
    frame["y"] = frame["staff"] * 0.3 + (frame["sex"] == "M") * 4 + rng.normal(0, 2, n)
    return frame


def margins(frame: pd.DataFrame, columns: list[str], seed: int = 2, spread: float = 0.2) -> dict:
    """Totals near those of the sample, with one sum."""
    rng = np.random.default_rng(seed)
    out = {}
    for c in columns:
        t = frame.groupby(c)["w"].sum()
        t = t * rng.uniform(1 - spread, 1 + spread, len(t))
        out[c] = (t / t.sum() * 25_000).to_dict()
    return out


def plain(frame: pd.DataFrame) -> survey.Design:
    return survey.Design(frame, weight="w", psu="psu")


def sums(frame: pd.DataFrame, weight: np.ndarray, column: str) -> dict:
    return pd.Series(weight).groupby(frame[column].to_numpy()).sum().to_dict()


def test_post_stratified_weights_and_variance_by_the_closed_form():
    frame = sample()
    totals = {"F": 11_000, "M": 14_000}
    design = survey.poststratify(plain(frame), "sex", totals)
    cell = frame.groupby("sex")["w"].sum()
    expected = frame["w"] * frame["sex"].map(totals) / frame["sex"].map(cell)
    np.testing.assert_allclose(design.weight, expected, rtol=TIGHT)
    means = (frame["w"] * frame["y"]).groupby(frame["sex"]).sum() / cell
    z = (expected * (frame["y"] - frame["sex"].map(means))).groupby(frame["psu"]).sum()
    error = np.sqrt(len(z) / (len(z) - 1) * ((z - z.mean()) ** 2).sum())
    result = survey.total(design, "y").table.iloc[0]
    assert result["std_error"] == pytest.approx(error, rel=TIGHT)
    assert result["value"] == pytest.approx(sum(totals[s] * means[s] for s in totals), rel=TIGHT)
    assert result["df"] == 11
    assert "post-stratified by sex" in result["method"]


def by_hand_ipf(frame: pd.DataFrame, totals: dict) -> np.ndarray:
    w = frame["w"].to_numpy().copy()
    for _ in range(500):
        for c, t in totals.items():
            of = pd.Series(w).groupby(frame[c].to_numpy()).transform("sum").to_numpy()
            w = w * frame[c].map(t).to_numpy() / of
    return w


def test_raking_is_iterative_proportional_fitting():
    frame = sample(3)
    totals = margins(frame, ["sex", "region", "age"])
    design = survey.rake(plain(frame), totals)
    np.testing.assert_allclose(design.weight, by_hand_ipf(frame, totals), rtol=1e-9)
    # weights that sum to the sample size are raked to a population of millions in the same way
    small = frame.assign(w=frame["w"] / frame["w"].mean())
    large = {c: {k: v * 1e3 for k, v in t.items()} for c, t in totals.items()}
    far = survey.rake(plain(small), large)
    np.testing.assert_allclose(far.weight, design.weight * 1e3, rtol=1e-9)


def linear_twice(frame: pd.DataFrame) -> survey.Design:
    design = survey.calibrate(plain(frame), {"staff": 800_000}, population=25_000)
    return survey.poststratify(design, ["sex", "region"], CROSSED)


CROSSED = pd.Series(
    [3000.0, 4000, 5000, 4500, 4200, 4300],
    index=pd.MultiIndex.from_product([["F", "M"], ["east", "north", "south"]], names=["sex", "region"]),
)
WAYS = {
    "post-stratified": lambda f: survey.poststratify(plain(f), ["sex", "region"], CROSSED),
    "linear": lambda f: survey.calibrate(plain(f), {"sex": {"F": 12_000, "M": 13_000}, "staff": 800_000}),
    "heteroskedastic": lambda f: survey.calibrate(
        plain(f), {"staff": 800_000, "sex": {"F": 12_000, "M": 13_000}}, scale_variance="staff"
    ),
    "one after the other": linear_twice,
}


@pytest.mark.parametrize("way", WAYS)
def test_variance_is_that_of_the_derivatives(way):
    frame = sample(4, n=60, psus=6)

    def estimate(f: pd.DataFrame) -> float:
        return survey.mean(WAYS[way](f), "y", by="sex").table["value"].iloc[0]

    values = np.empty(len(frame))
    for i in range(len(frame)):
        step = frame.loc[i, "w"] * 1e-4
        up, down = frame.copy(), frame.copy()
        up.loc[i, "w"] += step
        down.loc[i, "w"] -= step
        values[i] = frame.loc[i, "w"] * (estimate(up) - estimate(down)) / (2 * step)
    z = pd.Series(values).groupby(frame["psu"]).sum()
    error = np.sqrt(len(z) / (len(z) - 1) * ((z - z.mean()) ** 2).sum())
    got = survey.mean(WAYS[way](frame), "y", by="sex").table["std_error"].iloc[0]
    assert got == pytest.approx(error, rel=1e-5)


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 10_000), method=st.sampled_from(sorted(DISTANCES)), bounded=st.booleans(),
    residuals=st.sampled_from(["weighted", "unweighted"]),
)  # fmt: skip
def test_totals_are_met_weights_stay_in_bounds_and_known_totals_have_no_error(seed, method, bounded, residuals):
    frame = sample(seed)
    totals = margins(frame, ["sex", "region"], seed=seed, spread=0.1)
    totals["staff"] = float((frame["w"] * frame["staff"]).sum() / frame["w"].sum() * 25_000 * 1.02)
    bounds = (0.3, 3.0) if bounded or method == "logit" else None
    design = survey.calibrate(plain(frame), totals, method=method, bounds=bounds, residuals=residuals)
    for c in ("sex", "region"):
        for level, value in sums(frame, design.weight, c).items():
            assert value == pytest.approx(totals[c][level], rel=1e-9)
    result = survey.total(design, ["staff", "y"]).table
    assert result["value"].iloc[0] == pytest.approx(totals["staff"], rel=1e-9)
    assert result["std_error"].iloc[0] <= 1e-9 * totals["staff"]
    assert result["std_error"].iloc[1] > 0
    units = survey.total(design, np.ones(len(frame)), by="sex").table
    assert (units["std_error"] <= 1e-9 * units["value"]).all()
    assert (design.weight > 0).all()
    if bounds:
        factor = design.weight / frame["w"].to_numpy()
        assert factor.min() >= bounds[0] - 1e-12
        assert factor.max() <= bounds[1] + 1e-12
    assert design.df == plain(frame).df


def test_bounded_linear_factors_satisfy_the_optimality_conditions():
    frame = sample(5)
    free = survey.calibrate(plain(frame), {"staff": 900_000}, population=25_000)
    g = free.weight / frame["w"].to_numpy()
    low, high = np.quantile(g, [0.1, 0.95])
    design = survey.calibrate(plain(frame), {"staff": 900_000}, population=25_000, bounds=(low, high))
    g = design.weight / frame["w"].to_numpy()
    assert ((g < low + 1e-9).any(), (g > high - 1e-9).any()) == (True, True)
    inside = (g > low + 1e-9) & (g < high - 1e-9)
    # between the bounds the factors are 1 + x'λ
    x = np.column_stack([np.ones(inside.sum()), frame["staff"][inside]])
    fitted = np.linalg.lstsq(x, g[inside], rcond=None)[0]
    np.testing.assert_allclose(x @ fitted, g[inside], atol=1e-9)
    line = np.column_stack([np.ones(len(g)), frame["staff"]]) @ fitted
    np.testing.assert_allclose(np.clip(line, low, high), g, atol=1e-9)


def test_a_solution_is_found_where_there_is_one():
    """Whether factors within the bounds exist at all is the question of a linear programme."""
    outcomes = []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        frame = sample(seed, n=60)
        w = frame["w"].to_numpy()
        units, staff = w.sum() * rng.uniform(0.9, 1.1), w @ frame["staff"] * rng.uniform(0.8, 1.25)
        bounds = rng.uniform(0.4, 0.95), rng.uniform(1.05, 2)
        table = np.vstack([w * frame["staff"] / staff, w / units])
        feasible = optimize.linprog(np.zeros(60), A_eq=table, b_eq=[1, 1], bounds=[bounds] * 60).status == 0
        for method in DISTANCES:
            try:
                survey.calibrate(plain(frame), {"staff": staff}, population=units, method=method, bounds=bounds)
                found = True
            except Faults:
                found = False
            assert found == feasible, (seed, method)
        outcomes.append(feasible)
    assert 5 < sum(outcomes) < 35


def test_ratio_estimator_has_one_factor():
    frame = sample(6)
    design = survey.calibrate(plain(frame), {"staff": 700_000}, scale_variance="staff")
    factor = 700_000 / (frame["w"] * frame["staff"]).sum()
    np.testing.assert_allclose(design.weight, frame["w"] * factor, rtol=TIGHT)
    total = survey.total(design, "y").table.iloc[0]
    ratio = survey.ratio(plain(frame), "y", "staff").table.iloc[0]
    assert total["value"] == pytest.approx(ratio["value"] * 700_000, rel=TIGHT)
    assert total["std_error"] == pytest.approx(ratio["std_error"] * 700_000, rel=TIGHT)


def test_totals_in_every_form_are_the_same():
    frame = sample(7)
    series = CROSSED.rename("n")
    forms = [dict(series), series, series.reset_index(), {k: str(v) for k, v in series.items()}]
    weights = [survey.poststratify(plain(frame), ["sex", "region"], f).weight for f in forms]
    for w in weights[1:]:
        np.testing.assert_allclose(w, weights[0], rtol=TIGHT)
    ages = frame.groupby("age")["w"].sum()
    as_text = {str(k): v for k, v in ages.items()}
    for f in (ages, as_text, ages.reset_index()):
        np.testing.assert_allclose(survey.poststratify(plain(frame), "age", f).weight, frame["w"], rtol=TIGHT)
    ages = ages * 25_000 / ages.sum()
    listed = survey.rake(plain(frame), [ages, series.reset_index()])
    named = survey.rake(plain(frame), {"age": ages, ("sex", "region"): series})
    np.testing.assert_allclose(listed.weight, named.weight, rtol=TIGHT)
    assert sums(frame, named.weight, "sex")["F"] == pytest.approx(12_000)


def jackknife(frame: pd.DataFrame) -> survey.Design:
    """Delete-one-PSU replicates, written out."""
    base = plain(frame)
    n = base.n_units
    factors = np.full((n, n), n / (n - 1)) - np.eye(n) * n / (n - 1)
    replicates = Replicates(factors, np.arange(n), (n - 1) / n, np.ones(n), False, "JK1", n - 1)
    return base.changed(replicates=replicates)


REPLICATE_WAYS = {
    "post-stratified": lambda d: survey.poststratify(d, "sex", {"F": 12_000, "M": 13_000}),
    "raked": lambda d: survey.rake(d, margins(sample(8), ["sex", "region"])),
    "linear": lambda d: survey.calibrate(d, {"sex": {"F": 12_000, "M": 13_000}, "staff": 800_000}),
    "bounded": lambda d: survey.calibrate(d, {"staff": 800_000}, population=25_000, bounds=(0.5, 2)),
    "standardised": lambda d: survey.standardise(d, "age", {1: 1, 2: 2, 3: 3, 4: 2}),
}


@pytest.mark.parametrize("way", REPLICATE_WAYS)
def test_every_replicate_is_calibrated(way):
    frame = sample(8)
    start = jackknife(frame)
    design = REPLICATE_WAYS[way](start)
    n = start.n_units
    estimates = []
    for r in range(n):
        one = frame.assign(w=start.replicates.weights(start)[:, r])
        again = REPLICATE_WAYS[way](plain(one))
        if way != "standardised":  # there the size of the whole is that of the full sample
            np.testing.assert_allclose(design.replicates.weights(design)[:, r], again.weight, rtol=1e-8, atol=1e-9)
        estimates.append((again.weight @ frame["y"]) / again.weight.sum())
    error = np.sqrt((n - 1) / n * ((np.array(estimates) - np.mean(estimates)) ** 2).sum())
    result = survey.mean(design, "y", by="sex").table
    whole = survey.mean(design, "y").table.iloc[0]
    assert whole["std_error"] == pytest.approx(error, rel=1e-8)
    assert (result["n_psu"] == 12).all()
    assert whole["df"] == 11
    linearised = survey.mean(REPLICATE_WAYS[way](plain(frame)), "y").table.iloc[0]
    assert whole["value"] == pytest.approx(linearised["value"], rel=TIGHT)
    assert whole["std_error"] == pytest.approx(linearised["std_error"], rel=0.3)
    if way == "post-stratified":  # one factor row for each unit and cell, not for each row
        assert len(design.replicates.factors) == 24


def test_all_faults_of_the_margins_at_once():
    frame = sample(9).assign(empty=None)
    frame.loc[3, "region"] = None
    with pytest.raises(Faults) as raised:
        survey.rake(
            plain(frame),
            {
                "sex": {"F": -1, "M": 2, "X": 3},
                "region": {"north": 1},
                "age": {1: 5, 2: 5, 3: np.nan},
                "sexx": {"F": 1},
                "staff": {"1": 2},
                "y": "many",
            },
        )
    text = str(raised.value)
    for part in (
        "negative or no numbers: sex=F", "without any unit in the sample: sex=X", "'region': missing values",
        "without a population total: age=4", "did you mean 'sex'", "totals are str", "age=3",
    ):  # fmt: skip
        assert part in text, part


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda d: survey.rake(d, {"sex": {"F": 1, "M": 2}, "age": {1: 1, 2: 1, 3: 1, 4: 1}}), "different numbers"),
        (lambda d: survey.rake(d, {"sex": {"F": 0, "M": 2}}), "total of zero, but the sample has units: sex=F"),
        (lambda d: survey.calibrate(d, {"sex": 3}), "a total for each level"),
        (lambda d: survey.calibrate(d, {"staff": np.inf}), "the total is inf"),
        (lambda d: survey.calibrate(d, {}), "no totals given"),
        (lambda d: survey.calibrate(d, {}, population=-4), "no number of units"),
        (lambda d: survey.calibrate(d, {"staff": 5}, method="ridge"), "unknown method"),
        (lambda d: survey.calibrate(d, {"staff": 5}, method="logit"), "finite high"),
        (lambda d: survey.calibrate(d, {"staff": 5}, bounds=(1.2, 2)), "does not hold 1"),
        (lambda d: survey.calibrate(d, {"staff": 5}, scale_variance="sex"), "not numeric"),
        (lambda d: survey.calibrate(d, {"staff": 5}, residuals="ols"), "weighted or unweighted"),
        (lambda d: survey.calibrate(d, {"staff": 9e5, "double": 9e5}), "contradicts the other totals"),
        (lambda d: survey.calibrate(d, {"none": 3.0}), "zero in every row"),
        (lambda d: survey.calibrate(d, {"staff": 5e6}, population=25_000), "some are negative"),
        (lambda d: survey.poststratify(d, ["sex", "age"], {"F": 2}), "1 parts for 2 columns"),
        (lambda d: survey.poststratify(d, "sex", pd.DataFrame({"s": ["F"], "n": [1]})), "the table has the columns"),
        (
            lambda d: survey.poststratify(d, "sex", pd.DataFrame({"sex": ["F", "F"], "n": [1, 2]})),
            "sex=F stands twice",
        ),
        (lambda d: survey.rake(d, [pd.Series([1, 2])]), "does not say which columns"),
    ],
)
def test_what_cannot_be_is_refused_with_a_remedy(call, words):
    frame = sample(10)
    frame = frame.assign(double=2 * frame["staff"], none=0.0)
    with pytest.raises(Faults, match=words) as raised:
        call(plain(frame))
    assert all(f.remedy for f in raised.value.faults)


def test_infeasible_bounds_name_the_total_and_the_factor_it_needs():
    frame = sample(11)
    wanted = sums(frame, frame["w"].to_numpy(), "sex")
    wanted = {"F": wanted["F"] * 1.5, "M": wanted["M"] * 0.8}
    for method in ("linear", "raking", "logit"):
        with pytest.raises(Faults, match=r"sex=F.*1\.5 times the sample's.*outside the bounds \[0\.7, 1\.3\]"):
            survey.calibrate(plain(frame), {"sex": wanted}, method=method, bounds=(0.7, 1.3))


def test_totals_that_no_weights_meet_are_named_with_what_was_reached():
    # each margin alone can be met, the two together cannot: all of the south are women
    frame = pd.DataFrame({"w": 10.0, "sex": list("FFFFMM"), "region": list("SSSNNN"), "psu": range(6)})
    impossible = {"sex": {"F": 10, "M": 50}, "region": {"S": 30, "N": 30}}
    with pytest.raises(Faults, match=r"not met after \d+ steps: wanted|the weights diverge") as raised:
        survey.rake(plain(frame), impossible)
    assert "merge levels or drop a margin" in str(raised.value)


def test_a_replicate_that_cannot_be_calibrated_is_named():
    frame = sample(12).assign(rare="no")
    frame.loc[frame["psu"] == 3, "rare"] = "yes"  # one PSU has all of the level: without it there is none
    totals = frame.groupby("rare")["w"].sum()
    survey.poststratify(plain(frame), "rare", totals)
    with pytest.raises(Faults, match="replicate 4: cannot meet the totals of rare=yes"):
        survey.poststratify(jackknife(frame), "rare", totals)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), low=st.floats(0, 0.7), high=st.floats(1.3, 6))
def test_trimmed_weights_keep_their_sum_and_the_bounds(seed, low, high):
    frame = sample(seed)
    mean = frame["w"].mean()
    design = survey.trim(plain(frame), low * mean, high * mean)
    assert design.weight.sum() == pytest.approx(frame["w"].sum(), rel=TIGHT)
    assert design.weight.min() >= low * mean * (1 - 1e-12)
    assert design.weight.max() <= high * mean * (1 + 1e-12)
    loose = survey.trim(plain(frame), low * mean, high * mean, strict=False)
    assert loose.weight.sum() == pytest.approx(frame["w"].sum(), rel=TIGHT)
    beyond = (frame["w"] < low * mean) | (frame["w"] > high * mean)
    moved = (loose.weight - frame["w"])[~beyond]
    np.testing.assert_allclose(moved, moved.mean() if len(moved) else 0, atol=1e-9)


def test_trimming_ends_the_calibration_and_refuses_impossible_bounds():
    frame = sample(13)
    raked = survey.rake(plain(frame), margins(frame, ["sex"]))
    trimmed = survey.trim(raked, upper=150)
    assert trimmed.calibration is None
    assert "raked to sex" in trimmed.method
    assert "trimmed to [0, 150]" in trimmed.method
    # weights all at one bound or the other, and none untouched
    even = pd.DataFrame({"w": [1.0, 1.0, 10.0], "psu": [1, 2, 3]})
    np.testing.assert_allclose(survey.trim(plain(even), 2, 6).weight, [3, 3, 6])
    for bounds in ((200, 100), (0, 2), (1e5, 1e6)):
        with pytest.raises(Faults):
            survey.trim(plain(frame), *bounds)
    # with replicates the factors of the units stay as they are
    kept = survey.trim(jackknife(frame), upper=150)
    np.testing.assert_array_equal(kept.replicates.factors, jackknife(frame).replicates.factors)


def test_standardised_means_by_hand():
    frame = sample(14)
    frame.loc[frame.index[:20], "y"] = np.nan
    shares = {1: 0.4, 2: 0.3, 3: 0.2, 4: 0.1}
    design = survey.standardise(plain(frame), "age", shares, over="region", excluding_missing="y")
    result = survey.mean(design, "y", by="region").table
    known = frame.dropna()
    for i, region in enumerate(["east", "north", "south"]):
        part = known[known["region"] == region]
        means = (part["w"] * part["y"]).groupby(part["age"]).sum() / part.groupby("age")["w"].sum()
        assert result["value"].iloc[i] == pytest.approx(sum(shares[a] * means[a] for a in shares), rel=TIGHT)
        # linearised: shares over the size of the cell times the residual
        size = part.groupby("age")["w"].sum()
        z = part["w"] * part["age"].map(shares) / part["age"].map(size) * (part["y"] - part["age"].map(means))
        z = z.groupby(part["psu"]).sum().reindex(range(12), fill_value=0.0)
        error = np.sqrt(12 / 11 * ((z - z.mean()) ** 2).sum())
        assert result["std_error"].iloc[i] == pytest.approx(error, rel=TIGHT)
    assert result["n"].sum() == len(known)


def test_standardising_refuses_empty_cells_unless_told():
    frame = sample(15)
    frame = frame[~((frame["region"] == "east") & (frame["age"] == 4))].reset_index(drop=True)
    shares = {1: 1, 2: 1, 3: 1, 4: 1}
    with pytest.raises(Faults, match="age=4, region=east"):
        survey.standardise(plain(frame), "age", shares, over="region")
    design = survey.standardise(plain(frame), "age", shares, over="region", partial=True)
    east = frame[frame["region"] == "east"]
    means = (east["w"] * east["y"]).groupby(east["age"]).sum() / east.groupby("age")["w"].sum()
    assert survey.mean(design, "y", by="region").table["value"].iloc[0] == pytest.approx(means.mean(), rel=TIGHT)
    for bad in ({1: 1, 2: 1, 3: 1}, {1: 1, 2: 1, 3: 1, 4: 0}, {1: 1, 2: 1, 3: 1, 4: 1, 5: 2}):
        with pytest.raises(Faults):
            survey.standardise(plain(frame), "age", bad, over="region", partial=bad.get(5) is None)
    gaps = frame.assign(age=frame["age"].where(frame.index > 5))
    with pytest.raises(Faults, match="excluding_missing"):
        survey.standardise(plain(gaps), "age", shares, over="region", partial=True)
    with pytest.raises(Faults, match="did you mean 'region'"):
        survey.standardise(plain(frame), "age", shares, over="regio")


def test_rows_without_weight_need_no_total():
    frame = sample(16)
    frame.loc[0, ["w", "sex"]] = [0.0, "unknown"]
    design = survey.poststratify(plain(frame), "sex", {"F": 5000, "M": 6000})
    assert design.weight[0] == 0
    assert design.weight.sum() == pytest.approx(11_000)
    assert survey.mean(design, "y").table["std_error"].iloc[0] > 0


def test_unequal_probabilities_with_a_quadratic_form_take_residuals_too():
    rng = np.random.default_rng(17)
    frame = pd.DataFrame({"p": rng.uniform(0.1, 0.5, 40), "x": rng.gamma(3, 10, 40)})
    frame["y"] = frame["x"] + rng.normal(0, 1, 40)
    design = survey.pps_design(frame, probability="p", method="hartley_rao")
    size = float((frame["x"] / frame["p"]).sum())
    result = survey.total(survey.calibrate(design, {"x": size * 1.05}), ["x", "y"]).table
    assert result["std_error"].iloc[0] <= 1e-6 * size
    assert 0 < result["std_error"].iloc[1] < survey.total(design, "y").table["std_error"].iloc[0] / 3
