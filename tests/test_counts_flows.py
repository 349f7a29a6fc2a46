"""Durations and flows against statsmodels, derivatives by a complex step, brute force and properties."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.duration.survfunc import CumIncidenceRight, SurvfuncRight

from uncac_metrics.model import Faults
from uncac_metrics.stats import compare, concat, counts


def spells(n: int = 150, seed: int = 1) -> pd.DataFrame:
    """Whole days with ties, two sexes, clusters, amounts; a third censored."""
    rng = np.random.default_rng(seed)
    days, limit = np.ceil(rng.exponential(60, n)), np.ceil(rng.uniform(10, 200, n))
    return pd.DataFrame(
        {
            "days": np.minimum(days, limit), "done": (days <= limit).astype(int), "sex": rng.choice(["F", "M"], n),
            "case": np.arange(n) // 3, "amount": rng.lognormal(3, 1, n), "how": rng.choice(["granted", "refused"], n),
        }
    )  # fmt: skip


SPELLS = spells()


@pytest.mark.parametrize("entry", [None, "late"])
def test_curve_as_statsmodels(entry: str | None) -> None:
    table = SPELLS.assign(late=np.where(np.arange(150) % 4 == 0, SPELLS["days"] // 3 - 1, -1.0))
    late = None if entry is None else table["late"].to_numpy() + 1e-9
    theirs = SurvfuncRight(table["days"], table["done"], entry=late)
    found = counts.survival(table, "days", "done", entry=entry).table
    np.testing.assert_array_equal(found["category"].astype(float), theirs.surv_times)
    np.testing.assert_allclose(found["value"], theirs.surv_prob, rtol=1e-12, atol=1e-15)
    some = theirs.surv_prob > 1e-12
    # with late entries the jackknife is another estimate of the same error than Greenwood's
    tolerance = 1e-10 if entry is None else 0.05
    np.testing.assert_allclose(found["std_error"][some], theirs.surv_prob_se[some], rtol=tolerance)
    assert found["events"].tolist() == np.cumsum(theirs.n_events).tolist()


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 6), st.booleans()), min_size=2, max_size=25))
def test_jackknife_is_greenwoods_for_one_way_out(rows: list[tuple[int, bool]]) -> None:
    table = pd.DataFrame(rows, columns=["days", "done"]).astype({"done": int})
    found = counts.survival(table, "days", "done")
    s, total = 1.0, 0.0
    for t, value, error in found.table[["category", "value", "std_error"]].itertuples(index=False):
        at_risk, ended = (
            int((table["days"] >= float(t)).sum()),
            int(((table["days"] == float(t)) & table["done"] == 1).sum()),
        )
        s *= 1 - ended / at_risk
        assert value == pytest.approx(s, abs=1e-14)
        if at_risk > ended:
            total += ended / at_risk / (at_risk - ended)
            assert error == pytest.approx(s * np.sqrt(total), rel=1e-9)
        else:
            assert error == pytest.approx(0, abs=1e-12)
    if len(found):
        assert (
            (found.table["lower"] <= found.table["value"] + 1e-12)
            & (found.table["upper"] >= found.table["value"] - 1e-12)
        ).all()


@pytest.mark.parametrize("cluster", [None, "case"])
def test_errors_of_the_whole_curve_are_those_of_its_points(cluster: str | None) -> None:
    table = SPELLS.assign(late=np.where(np.arange(150) % 4 == 0, SPELLS["days"] // 3 - 1, -1.0))
    options = {"weights": "amount", "cluster": cluster, "entry": "late"}
    whole = counts.survival(table, "days", "done", **options)
    points = counts.survival(table, "days", "done", times=whole.table["category"].astype(float), **options)
    np.testing.assert_allclose(whole.table["std_error"], points.table["std_error"], rtol=1e-9, atol=1e-13)
    with pytest.raises(Faults, match="neither scores"):
        whole.covariance()


def test_quantile_is_where_the_limits_cross() -> None:
    """Brookmeyer and Crowley's set: times whose log-log test of S = 1/2 is not significant; as statsmodels."""
    found = counts.duration_quantile(SPELLS, "days", "done").table.iloc[0]
    theirs = SurvfuncRight(SPELLS["days"], SPELLS["done"])
    assert found["value"] == theirs.quantile(0.5)
    assert found["lower"] == theirs.quantile_ci(0.5, method="cloglog")[0]
    curve = counts.survival(SPELLS, "days", "done").table
    assert found["upper"] == float(curve.loc[curve["upper"] <= 0.5, "category"].iloc[0])
    wald = counts.duration_quantile(SPELLS, "days", "done", interval="wald").table.iloc[0]
    assert wald["lower"] == theirs.quantile_ci(0.5, method="linear")[0]


def test_quantile_in_the_middle_of_a_level_stretch() -> None:
    table = pd.DataFrame({"d": [1, 2, 5, 9], "e": [1, 1, 1, 1]})
    assert counts.duration_quantile(table, "d", "e").table["value"][0] == 3.5  # S(2) = 1/2 until 5
    assert counts.duration_quantile(table, "d", "e", probability=0.6).table["value"][0] == 5
    short = counts.duration_quantile(table.assign(e=[1, 0, 0, 0]), "d", "e").table.iloc[0]
    assert np.isnan(short["value"]) and short["reason"] == "too few spells have ended"
    assert short["display"] == "withheld" and np.isnan(short["upper"])


def test_medians_compare() -> None:
    both = counts.duration_quantile(spells(600), "days", "done", by="sex")
    difference = compare(both, over="sex").table.iloc[0]
    assert difference["std_error"] == pytest.approx(np.sqrt((both.table["std_error"] ** 2).sum()))


def test_restricted_mean_is_the_area() -> None:
    table = SPELLS.assign(done=1)
    found = counts.restricted_mean(table, "days", "done", until=50)
    cut = np.minimum(table["days"], 50)
    # without censoring: mean and variance of the durations that are cut off
    assert found.table["value"][0] == pytest.approx(cut.mean())
    assert found.table["std_error"][0] == pytest.approx(cut.std(ddof=0) / np.sqrt(len(cut)))
    beyond = counts.restricted_mean(SPELLS.assign(done=0), "days", "done", until=1e4).table.iloc[0]
    assert beyond["display"] == "flagged" and beyond["value"] == 1e4
    curve = counts.survival(SPELLS, "days", "done").table
    steps = np.concatenate([[0], curve["category"].astype(float), [70]])
    steps = steps[steps <= 70]
    heights = np.concatenate([[1], curve["value"]])[: len(steps) - 1]
    area = counts.restricted_mean(SPELLS, "days", "done", until=70).table["value"][0]
    assert area == pytest.approx((np.diff(steps) * heights).sum())


def test_cumulative_incidence_as_statsmodels() -> None:
    cause = SPELLS["how"].where(SPELLS["done"] == 1)
    status = cause.map({"granted": 1, "refused": 2}).fillna(0).astype(int)
    theirs = CumIncidenceRight(SPELLS["days"], status)
    found = counts.cumulative_incidence(
        SPELLS.assign(cause=cause), "days", "cause", times=theirs.times, variance="aalen"
    )
    for i, name in enumerate(["granted", "refused"]):
        part = found.table[found.table["stage"] == name]
        np.testing.assert_allclose(part["value"], theirs.cinc[i], rtol=1e-10)
    table = SPELLS.assign(cause=cause)
    jack = counts.cumulative_incidence(table, "days", "cause", times=[30, 90])
    left = counts.survival(table, "days", "done", times=[30, 90])
    total = jack.table.groupby("category")["value"].sum()
    np.testing.assert_allclose(total[["30", "90"]] + left.table["value"].to_numpy(), 1, rtol=1e-12)
    # what has ended and what has not: errors of the sum of all causes and of the curve are one
    both = concat([jack, left])
    v = both.covariance().to_numpy()
    ends = np.zeros(len(both))
    ends[[0, 2]] = 1  # both causes at 30
    assert ends @ v @ ends == pytest.approx(left.table["std_error"][0] ** 2, rel=1e-9)
    assert ends @ v[:, 4] == pytest.approx(-(left.table["std_error"][0] ** 2), rel=1e-9)


def test_clusters_and_weights_by_complex_step() -> None:
    def curve(weight: np.ndarray, t: float) -> complex:
        s = 1.0 + 0j
        for u in np.unique(SPELLS["days"][(SPELLS["done"] == 1) & (SPELLS["days"] <= t)]):
            here = (SPELLS["days"] == u) & (SPELLS["done"] == 1)
            s *= 1 - weight[here].sum() / weight[SPELLS["days"] >= u].sum()
        return s

    w = SPELLS["amount"].to_numpy()
    found = counts.survival(SPELLS, "days", "done", times=[60], weights="amount", cluster="case").table.iloc[0]
    slopes = [curve(w * (1 + 1e-30j * (SPELLS["case"] == c)), 60).imag / 1e-30 for c in SPELLS["case"].unique()]
    assert found["value"] == pytest.approx(curve(w + 0j, 60).real)
    assert found["std_error"] == pytest.approx(np.sqrt(np.square(slopes).sum()), rel=1e-10)
    scaled = counts.survival(
        SPELLS.assign(amount=1000 * w), "days", "done", times=[60], weights="amount", cluster="case"
    ).table.iloc[0]
    assert scaled["std_error"] == pytest.approx(found["std_error"], rel=1e-12)
    assert "largest cluster" in found["quality"]


def test_unknown_durations_are_left_out() -> None:
    table = pd.DataFrame({"d": [1, 2, None, 4], "e": [1, None, 1, 0]})
    found = counts.survival(table, "d", "e", times=[1]).table.iloc[0]
    assert (found["n"], found["value"]) == (2, 0.5)
    assert found["reason"] == "2 of 4 rows without a duration or an answer: left out"
    nothing = counts.survival(table.assign(d=np.nan), "d", "e", times=[1]).table.iloc[0]
    assert np.isnan(nothing["value"]) and nothing["display"] == "withheld"
    late = counts.survival(table, "d", "e", times=[9]).table.iloc[0]
    assert late["display"] == "flagged"
    with pytest.raises(Faults, match="not below the duration"):
        counts.survival(table.assign(b=5), "d", "e", entry="b")


def test_median_covers() -> None:
    """Brookmeyer–Crowley limits of 300 samples of 60, a third censored: within 4 binomial errors of 95 %."""
    rng = np.random.default_rng(11)
    n, samples = 60, 300
    days, limit = rng.exponential(100, n * samples), rng.uniform(20, 400, n * samples)
    table = pd.DataFrame(
        {"d": np.minimum(days, limit), "e": (days <= limit).astype(int), "s": np.repeat(np.arange(samples), n)}
    )
    found = counts.duration_quantile(table, "d", "e", by="s").table
    truth = 100 * np.log(2)
    covered = ((found["lower"] <= truth) & (truth <= found["upper"])).mean()
    assert 0.95 - 4 * np.sqrt(0.05 * 0.95 / samples) < covered
    ratio = found["std_error"].median() / found["value"].std()
    assert 0.7 < ratio < 1.4


# ---- flows

STAYS = pd.DataFrame(
    {
        "id": [1, 1, 2, 3, 4, 4, 5], "case": [1, 1, 1, 2, 2, 2, 3], "start": [0, 10, 0, 0, 0, 5, 0],
        "stop": [10, 30, 20, 25, 5, 40, 12],
        "from": ["frozen", "taken", "frozen", "frozen", "frozen", "taken", "frozen"],
        "event": ["taken", "returned", "released", None, "taken", None, "taken"], "usd": [5.0, 5, 1, 2, 9, 9, 3],
    }
)  # fmt: skip
ARGUMENTS = ("id", "start", "stop", "from", "event")


def test_flows_without_censoring_are_shares() -> None:
    rng = np.random.default_rng(3)
    n = 80
    first, second = rng.integers(1, 40, n), rng.integers(1, 40, n)
    rows = []
    for i in range(n):
        taken = rng.random() < 0.6
        rows.append((i, 0, first[i], "frozen", "taken" if taken else "released"))
        if taken:
            rows.append((i, first[i], first[i] + second[i], "taken", "returned"))
    data = pd.DataFrame(rows, columns=["id", "start", "stop", "from", "event"])
    found = counts.state_occupation(data, *ARGUMENTS, times=[25]).table.set_index("stage")
    ends = data.groupby("id").apply(
        lambda g: next((r["from"] for _, r in g.iterrows() if r["start"] <= 25 < r["stop"]), g["event"].iloc[-1]),
        include_groups=False,
    )  # fmt: skip
    share = ends.value_counts(normalize=True)
    for stage in found.index:
        p = share.get(stage, 0.0)
        assert found.loc[stage, "value"] == pytest.approx(p, abs=1e-12)
        assert found.loc[stage, "std_error"] == pytest.approx(np.sqrt(p * (1 - p) / n), abs=1e-12)


def test_occupation_sums_to_one_and_so_do_its_errors() -> None:
    found = counts.state_occupation(STAYS, *ARGUMENTS, times=[8, 22, 35], weights="usd", cluster="case")
    v = found.covariance().to_numpy()
    for i in range(3):
        rows = np.arange(len(found)) % 3 == i
        assert found.table["value"][rows].sum() == pytest.approx(1)
        assert rows @ v @ rows == pytest.approx(0, abs=1e-15)
    np.testing.assert_allclose(np.sqrt(np.diag(v)), found.table["std_error"], rtol=1e-12)
    times = counts.time_in_state(STAYS, *ARGUMENTS, until=30)
    assert times.table["value"].sum() == pytest.approx(30)


def test_split_stays_are_the_same_stay() -> None:
    split = pd.concat(
        [
            STAYS.drop(index=2), STAYS.loc[[2]].assign(stop=8, event=None), STAYS.loc[[2]].assign(start=8),
        ],
        ignore_index=True,
    )  # fmt: skip
    whole, parts = (counts.state_occupation(d, *ARGUMENTS, times=[22, 35]).table for d in (STAYS, split))
    merged = whole.merge(parts, on=["stage", "category"])
    np.testing.assert_allclose(merged["value_x"], merged["value_y"], rtol=1e-12)
    np.testing.assert_allclose(merged["std_error_x"], merged["std_error_y"], rtol=1e-12, atol=1e-15)


def test_impossible_histories_are_faults() -> None:
    bad = STAYS.assign(start=[0, 9, 0, 30, 0, 5, 0], **{"from": ["frozen", "frozen", *STAYS["from"][2:]]})
    with pytest.raises(Faults) as caught:
        counts.state_occupation(bad, *ARGUMENTS, times=[5], states=["frozen", "taken", "returned"])
    said = str(caught.value)
    for part in ("overlap", "did not move to", "do not last", "unknown states"):
        assert part in said
    with pytest.raises(Faults, match="several clusters"):
        counts.state_occupation(STAYS.assign(case=range(7)), *ARGUMENTS, times=[5], cluster="case")
    with pytest.raises(Faults, match="jackknife"):
        counts.state_occupation(STAYS, *ARGUMENTS, times=[5], cluster="case", variance="aalen")


def test_greenwoods_is_near_the_jackknife() -> None:
    big = pd.concat([STAYS.assign(id=STAYS["id"] + 10 * k) for k in range(40)], ignore_index=True)
    jackknife, greenwood = (
        counts.state_occupation(big, *ARGUMENTS, times=[22], variance=v).table["std_error"]
        for v in ("jackknife", "greenwood")
    )
    np.testing.assert_allclose(greenwood, jackknife, rtol=0.2)


def test_limits_at_the_edges_are_exact() -> None:
    table = pd.DataFrame({"d": [5, 6, 7, 8], "e": [0, 0, 0, 0]})
    row = counts.survival(table, "d", "e", times=[4]).table.iloc[0]
    assert row["value"] == 1 and row["interval"] == "clopper_pearson"
    assert row["lower"] == pytest.approx(stats.binomtest(4, 4).proportion_ci().low)
