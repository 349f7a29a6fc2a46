"""Rates, shares, ratios, standardised rates, progression: statsmodels and scipy, exact sums, published limits.

Published: Garwood's limits of Fay and Feuer's and Dobson's papers are those of R's epitools 0.5.10.1 and
PHEindicatormethods, restated from reference runs to 12 digits (tolerance 1e-9).
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.proportion import proportion_confint
from statsmodels.stats.rates import confint_poisson

from uncac_metrics.model import Faults
from uncac_metrics.stats import compare, concat, counts, intervals, survey
from uncac_metrics.stats.estimates import Estimates

CELLS = pd.DataFrame(
    {
        "sex": ["F", "M", "F", "M", "F"], "area": ["A", "A", "B", "B", None], "x": [3, 0, 5, 8, 2],
        "n": [10, 20, 30, 8, 40], "people": [1000.0, 2000.5, 3000, 800, 4000],
    }
)  # fmt: skip


def check_scores(result: Estimates) -> None:
    """Standard errors and covariance tell the same."""
    np.testing.assert_allclose(
        np.sqrt(np.diag(result.covariance())), result.table["std_error"].fillna(0), rtol=1e-10, atol=1e-14
    )


# ---- intervals


@pytest.mark.parametrize("level", [0.9, 0.95, 0.998])
def test_limits_of_counts(level: float) -> None:
    x = np.array([0, 1, 2, 10, 350, 100_000])
    lower, upper = intervals.garwood(x, level)
    theirs = np.array([confint_poisson(v, 1, method="exact-c", alpha=1 - level) for v in x])
    np.testing.assert_allclose(lower, np.nan_to_num(theirs[:, 0]), rtol=1e-12)
    np.testing.assert_allclose(upper, theirs[:, 1], rtol=1e-12)
    lower, upper = intervals.poisson_mid_p(x, level)
    tail = (1 - level) / 2
    below = stats.poisson.cdf(x, upper) - stats.poisson.pmf(x, upper) / 2
    above = stats.poisson.sf(x, lower) + stats.poisson.pmf(x, lower) / 2
    np.testing.assert_allclose(below, tail, rtol=1e-9)
    np.testing.assert_allclose(above[1:], tail, rtol=1e-9)
    assert lower[0] == 0
    # Byar's is an approximation of Garwood's
    np.testing.assert_allclose(intervals.byar(x[3:], level), intervals.garwood(x[3:], level), rtol=0.02)


def test_byar_as_published() -> None:
    # PHEindicatormethods, 12 and 60 events per 100,000 and 200,000
    lower, upper = intervals.byar(np.array([12, 60]))
    np.testing.assert_allclose(lower * [1, 0.5], [6.19350984307903, 22.8918797577552], rtol=1e-12)
    np.testing.assert_allclose(upper * [1, 0.5], [20.9628580536167, 38.6166119736796], rtol=1e-12)
    few, _ = intervals.byar_or_exact(np.array([3]))
    np.testing.assert_allclose(2 * few, 1.2373442457912, rtol=1e-12)


@pytest.mark.parametrize(
    ("name", "theirs"), [("wilson", "wilson"), ("clopper_pearson", "beta"), ("jeffreys", "jeffreys")]
)
def test_limits_of_shares(name: str, theirs: str) -> None:
    k, n = np.array([1, 3, 7, 45, 50]), np.array([10, 12, 60, 100, 1000])
    table = pd.DataFrame({"row": np.arange(5), "k": k, "n": n})
    found = counts.share(table, "k", "n", by="row", interval=name).table
    np.testing.assert_allclose(found[["lower", "upper"]].T, proportion_confint(k, n, method=theirs), rtol=1e-10)


def test_mid_p_of_shares() -> None:
    table = pd.DataFrame({"row": range(4), "k": [0, 1, 30, 10], "n": [10, 12, 60, 10]})
    found = counts.share(table, "k", "n", by="row", interval="mid_p").table
    k, n, low, high = table["k"], table["n"], found["lower"], found["upper"]
    below = stats.binom.cdf(k, n, high) - stats.binom.pmf(k, n, high) / 2
    above = stats.binom.sf(k, n, low) + stats.binom.pmf(k, n, low) / 2
    np.testing.assert_allclose(below[:3], 0.025, rtol=1e-9)
    np.testing.assert_allclose(above[1:], 0.025, rtol=1e-9)
    assert (low[0], high[3]) == (0.0, 1.0)


def test_exact_coverage_over_a_grid() -> None:
    """Garwood and Clopper–Pearson never cover less than they say; mid-P does so on average."""
    means = np.linspace(0.2, 40, 200)
    x = np.arange(200)
    weight = stats.poisson.pmf(x, means[:, None])
    covered = {}
    for name in ("garwood", "mid_p"):
        lower, upper = intervals.POISSON[name](x, 0.95)
        covered[name] = (weight * ((lower <= means[:, None]) & (means[:, None] <= upper))).sum(axis=1)
    assert covered["garwood"].min() >= 0.95
    assert 0.945 < covered["mid_p"].mean() < 0.965 and covered["mid_p"].mean() < covered["garwood"].mean()
    p, k = np.linspace(0.01, 0.99, 99), np.arange(31)
    weight = stats.binom.pmf(k, 30, p[:, None])
    for name, least in (("clopper_pearson", 0.95), ("mid_p", 0.92), ("wilson", 0.83)):
        lower, upper = counts.rates.share_limits(name, k / 30, np.full(31, 30.0), 0.95)
        inside = (weight * ((lower <= p[:, None]) & (p[:, None] <= upper))).sum(axis=1)
        assert inside.min() >= least and inside.mean() > 0.945


# ---- rates and shares


def test_rate_by_hand() -> None:
    found = counts.rate(CELLS, "x", "people", by="sex", per=1000)
    assert found.table["value"].tolist() == pytest.approx([10 / 8, 8 / 2.8005])
    assert found.table["std_error"].tolist() == pytest.approx([np.sqrt(10) / 8, np.sqrt(8) / 2.8005])
    assert found.table["n"].tolist() == [8000, 2800] and found.table["events"].tolist() == [10, 8]
    check_scores(found)
    cross = counts.rate(CELLS, "x", "people", by=["sex", "area"])
    assert cross.table[["sex", "area", "events"]].values.tolist() == [
        ["F", "A", 3], ["F", "B", 5], ["M", "A", 0], ["M", "B", 8],
    ]  # fmt: skip


def test_results_of_one_table_covary() -> None:
    both = concat([counts.rate(CELLS, "x", "people", by="sex"), counts.rate(CELLS, "x", "people")])
    # a group and the total share the events of the group
    assert both.covariance().iloc[0, 2] == pytest.approx(10 / 8000 / CELLS["people"].sum())
    assert both.covariance().iloc[0, 1] == 0
    other = concat([counts.rate(CELLS, "x", "people"), counts.rate(CELLS.copy(), "x", "people")])
    assert other.covariance().iloc[0, 1] == 0
    difference = compare(counts.rate(CELLS, "x", "people", by="sex"), over="sex")
    assert difference.table["std_error"][0] == pytest.approx(np.sqrt(10 / 8000**2 + 8 / 2800.5**2))


def test_units_of_different_kinds_have_no_known_covariance() -> None:
    records = CELLS.assign(yes=[1, 0, 1, 1, 0])
    both = concat([counts.share(records, "yes"), counts.rate(records, "x", "people")])
    assert np.isnan(both.covariance().iloc[0, 1])
    assert not np.isnan(np.diag(both.covariance())).any()


def test_surveys_and_registers_are_independent() -> None:
    people = pd.DataFrame({"w": 1.0, "paid": [0, 1, 0, 1, 1, 0]})
    survey_share = survey.proportion(survey.Design(people, weight="w"), "paid")
    register_share = counts.share(CELLS, "x", "n")
    for both in (concat([survey_share, register_share]), concat([register_share, survey_share])):
        matrix = both.covariance().to_numpy()
        assert matrix[0, 1] == matrix[1, 0] == 0
        np.testing.assert_allclose(np.sqrt(np.diag(matrix)), both.table["std_error"])


def test_missing_counts_are_left_out_with_their_population() -> None:
    table = CELLS.assign(x=[3, None, 5, 8, 2])
    found = counts.rate(table, "x", "people").table.iloc[0]
    assert found["value"] == pytest.approx(18 / (CELLS["people"].sum() - 2000.5))
    assert found["n_eligible"] - found["n"] == 2000
    assert found["reason"] == "1 of 5 cells have no count: left out"


def test_edges() -> None:
    empty = counts.rate(CELLS.iloc[:0], "x", "people").table.iloc[0]
    assert np.isnan(empty["value"]) and empty["display"] == "withheld" and empty["obs_status"] == "O"
    zero = counts.rate(CELLS.assign(x=0), "x", "people").table.iloc[0]
    assert zero["value"] == 0 and zero["std_error"] == 0
    assert zero["upper"] == pytest.approx(stats.chi2.ppf(0.975, 2) / 2 / CELLS["people"].sum())
    full = counts.share(CELLS.assign(x=CELLS["n"]), "x", "n").table.iloc[0]
    z2 = stats.norm.ppf(0.975) ** 2
    assert [full["value"], full["lower"], full["upper"]] == pytest.approx([1, 108 / (108 + z2), 1])
    nobody = counts.share(CELLS.assign(n=0, x=0), "x", "n").table.iloc[0]
    assert np.isnan(nobody["lower"]) and nobody["reason"] == "no observation"
    huge = counts.rate(pd.DataFrame({"x": [10**9], "n": [1e12]}), "x", "n").table.iloc[0]
    assert huge["lower"] == pytest.approx(1e-3 - 1.96 * np.sqrt(1e9) / 1e12, rel=1e-6)
    nowhere = counts.share(CELLS.assign(sex=None), "x", "n", by="sex")
    assert len(nowhere) == 0


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 5), st.sampled_from("ab")), min_size=1, max_size=8))
def test_counts_and_records_give_the_same(rows: list[tuple[int, int, str]]) -> None:
    cells = pd.DataFrame([(x, x + rest, g) for x, rest, g in rows], columns=["x", "n", "g"])
    records = pd.DataFrame([(int(i < x), g) for x, rest, g in rows for i in range(x + rest)], columns=["yes", "g"])
    columns = ["value", "std_error", "lower", "upper", "n", "events"]
    for by in (None, "g"):
        a = counts.share(cells, "x", "n", by=by)
        b = counts.share(records, "yes", by=by)
        check_scores(a)
        check_scores(b)
        if by is None and len(records):
            pd.testing.assert_frame_equal(a.table[columns], b.table[columns])
    a, b = (
        concat([counts.share(t, *c, by="g"), counts.share(t, *c)])
        for t, c in ((cells, ("x", "n")), (records, ("yes",)))
    )
    if cells.groupby("g")["n"].sum().min() > 0:
        np.testing.assert_allclose(a.covariance(), b.covariance(), atol=1e-15)


def test_faults_come_together() -> None:
    bad = CELLS.assign(x=[1, -1, 2.5, 3, 50])
    with pytest.raises(Faults) as caught:
        counts.share(bad, "x", "n", by="sexx", interval="walt", level=2)
    said = str(caught.value)
    for part in ("did you mean 'sex'", "negative", "not whole", "more events than trials", "walt", "confidence level"):
        assert part in said
    assert [f.rows for f in caught.value.faults if "negative" in f.what] == [(2,)]
    with pytest.raises(Faults, match="population of zero"):
        counts.rate(CELLS.assign(people=0), "x", "people")
    with pytest.raises(Faults, match="column of the results"):
        counts.rate(CELLS.assign(method="a"), "x", "people", by="method")
    by_year = counts.rate(CELLS.assign(time_period=["2020", "2021"] * 2 + ["2020"]), "x", "people", by="time_period")
    assert by_year.table["time_period"].tolist() == ["2020", "2021"] and by_year.breakdowns == ()


# ---- ratios


def test_ratio_of_counts_against_the_binomial() -> None:
    table = pd.DataFrame(
        {"a": [18, 0, 5], "b": [9, 4, 0], "t": [250.0, 10, 10], "u": [240.0, 20, 10], "g": list("xyz")}
    )
    found = counts.count_ratio(table, "a", "b", exposures=("t", "u"), by="g")
    exact = stats.binomtest(18, 27).proportion_ci()
    row = found.table.iloc[0]
    assert row["value"] == pytest.approx(1.92)
    assert row["lower"] == pytest.approx(exact.low / (1 - exact.low) * 240 / 250)
    assert row["upper"] == pytest.approx(exact.high / (1 - exact.high) * 240 / 250)
    assert row["quality"] == "p = 0.124"  # poisson.test of R: 0.124171547447
    assert found.table["value"][1] == 0 and found.table["lower"][1] == 0 and found.table["upper"][1] > 0
    assert np.isnan(found.table["value"][2]) and found.table["reason"][2] == "no count below the line"
    check_scores(counts.count_ratio(table.iloc[:1], "a", "b", exposures=("t", "u")))


def test_ratio_and_rate_share_a_count() -> None:
    both = concat([counts.count_ratio(CELLS, "x", "n"), counts.rate(CELLS, "x", "people")])
    x, n, people = CELLS["x"].sum(), CELLS["n"].sum(), CELLS["people"].sum()
    assert both.covariance().iloc[0, 1] == pytest.approx(x / n / people)


# ---- standardised


STRATA = pd.DataFrame(
    {
        "x": [4, 11, 18, 22, 9, 2], "n": [120e3, 250e3, 310e3, 280e3, 190e3, 90e3],
        "w": [180, 220, 200, 170, 130, 100], "rx": [60, 140, 170, 150, 70, 20],
        "rn": [2.1e6, 2.6e6, 2.4e6, 2e6, 1.5e6, 1.1e6],
    }
)  # fmt: skip


def test_standardised_rates_as_published() -> None:
    found = counts.standardised_rate(STRATA, "x", "n", "w", per=1e5, interval="fay_feuer")
    row = found.table.iloc[0]
    # R epitools ageadjust.direct
    assert [row["value"], row["lower"], row["upper"]] == pytest.approx(
        [4.90301630420136, 3.74507496965172, 6.40091561232787], rel=1e-12
    )
    check_scores(found)
    row = counts.standardised_rate(STRATA, "x", "n", "w", per=1e5, interval="dobson_byar").table.iloc[0]
    assert [row["lower"], row["upper"]] == pytest.approx([3.74141097595183, 6.29848443145397], rel=1e-12)
    ratio = counts.standardised_ratio(STRATA, "x", "n", "rx", "rn", interval="log")
    assert ratio.table["lower"][0] == pytest.approx(0.737046808876306, rel=1e-7)
    check_scores(ratio)


def test_equal_strata_give_the_crude_rate() -> None:
    alike = pd.DataFrame({"x": [3, 7, 5], "n": [100.0] * 3, "w": [1.0] * 3})
    crude = counts.rate(alike, "x", "n").table.iloc[0]
    for interval in ("dobson", "fay_feuer"):
        row = counts.standardised_rate(alike, "x", "n", "w", interval=interval).table.iloc[0]
        # equal weights: Fay and Feuer's, and Dobson's, are Garwood's
        assert row[["value", "std_error", "lower", "upper"]].tolist() == pytest.approx(
            crude[["value", "std_error", "lower", "upper"]].tolist(), rel=1e-12
        )


def test_a_stratum_without_numbers_withholds_its_group() -> None:
    table = pd.concat([STRATA.assign(g="a"), STRATA.assign(g="b", x=[4, None, 18, 22, 9, 2]),
                       STRATA.assign(g="c", x=[0, 0, 1, 0, 0, 0])], ignore_index=True)  # fmt: skip
    found = counts.standardised_rate(table, "x", "n", "w", by="g")
    assert found.table["display"].tolist() == ["shown", "withheld", "withheld"]
    assert found.table["reason"].tolist() == ["", "a stratum has no count or no population", "fewer than 10 events"]
    few = counts.standardised_rate(table[table["g"] == "c"].assign(x=0), "x", "n", "w", minimum=0).table.iloc[0]
    assert few["value"] == 0 and few["lower"] == 0 and few["upper"] > 0


# ---- progression


COHORT = pd.DataFrame({"a": [1240, 60], "b": [812, 40], "c": [301, 10], "d": [148, 9], "year": ["x", "y"]})


def test_cohort_against_its_cases_one_by_one() -> None:
    rows = []
    for cell in COHORT.itertuples():
        for i in range(cell.a):
            rows.append((1, int(i < cell.b), int(i < cell.c), int(i < cell.d), cell.year))
    cases = pd.DataFrame(rows, columns=["a", "b", "c", "d", "year"])
    for of in ("previous", "first"):
        whole = counts.progression(COHORT, list("abcd"), of=of, by="year")
        single = counts.progression(cases, list("abcd"), of=of, by="year")
        columns = ["year", "stage", "denominator", "value", "std_error", "lower", "upper", "n", "events"]
        pd.testing.assert_frame_equal(whole.table[columns], single.table[columns])
        np.testing.assert_allclose(whole.covariance(), single.covariance(), atol=1e-16)
        check_scores(whole)
        if of == "previous":
            assert abs(whole.covariance().iloc[0, 1]) < 1e-18
        else:  # nested shares: p₂(1 − p₁)/n
            assert whole.covariance().iloc[0, 1] == pytest.approx(301 / 1240 * (1 - 812 / 1240) / 1240)


def test_unknown_stages_and_impossible_cohorts() -> None:
    cases = pd.DataFrame({"a": [1, 1, 1, 1], "b": [1, 1, 0, None], "c": [1, None, None, 1]})
    found = counts.progression(cases, list("abc")).table
    assert found[["n", "events"]].values.tolist() == [[3, 2], [1, 1]]
    with pytest.raises(Faults, match="stage_ratios"):
        counts.progression(COHORT.assign(d=2000), list("abcd"))


def test_unlinked_counts_are_ratios_and_warn() -> None:
    found = counts.stage_ratios(COHORT.assign(d=[148, 30]), list("abcd"), by="year").table
    assert set(found["statistic"]) == {"ratio"}
    flagged = found[found["year"] == "y"]
    assert set(flagged["display"]) == {"flagged"}
    assert all("more d (30) than c (10)" in r for r in flagged["reason"])
    assert set(found.loc[found["year"] == "x", "display"]) == {"shown"}
    low, high = (stats.binomtest(148, 449).proportion_ci()[i] for i in (0, 1))
    last = found[(found["year"] == "x") & (found["stage"] == "d")].iloc[0]
    assert [last["lower"], last["upper"]] == pytest.approx([low / (1 - low), high / (1 - high)])
