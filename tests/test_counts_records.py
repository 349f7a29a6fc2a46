"""Funnels, first digits, ratings, totals, concentration, availability, timeliness: closed forms and brute force.

The chi-square and MAD of the census data are those of R ``benford.analysis`` 0.1.5 (closed forms, tolerance 1e-9).
"""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from uncac_metrics.model import Faults
from uncac_metrics.stats import compare, concat, counts, survey
from uncac_metrics.stats.counts.digits import compositions, expected_deviation, leading
from uncac_metrics.stats.estimates import Estimates


def errors_are_of(result: Estimates) -> None:
    np.testing.assert_allclose(np.sqrt(np.diag(result.covariance())), result.table["std_error"], rtol=1e-10, atol=1e-14)


# ---- funnels


def test_score_limits_hold_the_values_whose_test_is_not_significant() -> None:
    n, centre = np.array([20, 59, 320]), 0.135443037974684
    lower, upper = counts.funnel_limits(n, centre)
    # PHEindicatormethods, populations 59 and 320 of the baseline 13.5443 %
    np.testing.assert_allclose(100 * lower[1:], [4.81263539112719, 9.79502055082495], rtol=1e-10)
    np.testing.assert_allclose(100 * upper[1:], [22.2759722038095, 17.2935870441118], rtol=1e-10)
    rate_low, rate_high = counts.funnel_limits(n, 0.02, kind="rate", level=0.998)
    assert rate_high[2] == pytest.approx(0.02 + stats.norm.ppf(0.999) * np.sqrt(0.02 / 320)) and rate_low[0] == 0


def test_exact_limits_bracket_the_quantiles() -> None:
    n = np.array([30, 400])
    lower, upper = counts.funnel_limits(n, 0.2, method="exact", level=0.95)
    for size, low, high in zip(n, lower, upper, strict=True):
        spread = stats.binom(size, 0.2)
        assert spread.ppf(0.025) - 1 <= low * size <= spread.ppf(0.025)
        assert spread.ppf(0.975) - 1 <= high * size <= spread.ppf(0.975)


def test_overdispersion_is_estimated() -> None:
    rng = np.random.default_rng(2)
    n = rng.integers(200, 800, 4000)
    spread = np.clip(rng.normal(0.2, 0.05, 4000), 0.01, 0.9)
    table = pd.DataFrame({"u": np.arange(4000), "n": n, "x": rng.binomial(n, spread)})
    plain = counts.funnel(table, "u", "x", "n")
    additive = counts.funnel(table, "u", "x", "n", overdispersion="additive", winsorised=0.0)
    multiplied = counts.funnel(table, "u", "x", "n", overdispersion="multiplicative", winsorised=0.0)
    assert additive["tau"][0] == pytest.approx(0.05, rel=0.1)
    assert (plain["position"] != "inside").mean() > 0.15
    assert (additive["position"] != "inside").mean() < 0.01
    z = (multiplied["value"] - multiplied["baseline"]) / np.sqrt(
        multiplied["baseline"][0] * (1 - multiplied["baseline"][0]) / n
    )
    assert multiplied["phi"][0] == pytest.approx((z**2).mean())
    even = counts.funnel(table.assign(x=(table["n"] * 0.2).round()), "u", "x", "n", overdispersion="additive")
    assert even["tau"][0] == 0
    with pytest.raises(Faults, match="exact limits"):
        counts.funnel(table, "u", "x", "n", method="exact", overdispersion="additive")
    empty = counts.funnel(pd.DataFrame({"u": ["a", "b"], "n": [0, 4], "x": [0, 1]}), "u", "x", "n")
    assert empty["position"].tolist() == ["", "inside"] and np.isnan(empty["lower_95"][0])


# ---- first digits


def test_census_as_benford_analysis(data_folder: Path) -> None:
    folder = data_folder / "oracles" / "indirect_admin"
    theirs = json.loads((folder / "f7_benford.json").read_text())["census2009"]
    data = pd.read_csv(folder / "f7_benford_census2009.csv")
    column = data.select_dtypes("number").columns[-1]
    for digits, key in ((1, "k1"), (2, "k2")):
        # that package leaves out numbers with fewer digits than asked for
        used = data[data[column] >= 10 ** (digits - 1)]
        tested = counts.first_digit_test(used, column, digits=digits, draws=500).iloc[0]
        want = theirs[key]
        shares = counts.first_digits(used, column, digits=digits).table
        if want["n_used"] == tested["n"]:
            assert shares["events"].tolist() == want["count"]
            assert tested["chi2"] == pytest.approx(want["chisq"], rel=1e-9)
            assert tested["p_chi2"] == pytest.approx(want["chisq_p"], rel=1e-9)
            assert tested["mad"] == pytest.approx(want["MAD"], rel=1e-9)
        else:
            assert digits == 2  # below ten, a second digit of zero is taken here
        assert abs(tested["p_exact"] - tested["p_chi2"]) < 0.08


def test_first_digits_of_numbers() -> None:
    x = np.array([1, 9.999, 10, 0.3, 0.0123, 1000, 999, 1e-7, 5e12])
    assert leading(x).tolist() == [1, 9, 1, 3, 1, 1, 9, 1, 5]
    assert leading(x, 2).tolist() == [10, 99, 10, 30, 12, 10, 99, 10, 50]


def test_expectations_on_a_range_add_up() -> None:
    for low, high in ((1, 1000), (30, 4000), (250, 320), (0.02, 7)):
        p = counts.benford(low=low, high=high)
        assert p.sum() == pytest.approx(1)
        x = np.exp(np.linspace(np.log(low), np.log(high), 400_001))[:-1]
        np.testing.assert_allclose(np.bincount(leading(x), minlength=10)[1:] / len(x), p, atol=2e-5)
    np.testing.assert_allclose(counts.benford(low=1, high=1000), counts.benford(), rtol=1e-12)
    np.testing.assert_allclose(counts.benford(2).reshape(9, 10).sum(axis=1), counts.benford(), rtol=1e-12)


def test_expected_deviation_is_exact() -> None:
    for n, p in itertools.product((1, 7, 300), (0.046, 0.301, 0.5)):
        k = np.arange(n + 1)
        assert expected_deviation(n, np.array(p)) == pytest.approx((np.abs(k / n - p) * stats.binom.pmf(k, n, p)).sum())
    # at n = 300 the mean of the MAD is above Nigrini's limit of conformity
    assert expected_deviation(300, counts.benford()).mean() == pytest.approx(0.0136, abs=5e-5)


def test_small_samples_have_exact_p_values() -> None:
    assert len(compositions(4, 3)) == 15 and set(compositions(4, 3).sum(axis=1)) == {4}
    table = pd.DataFrame({"a": [5.0, 500, 57, 5100]})
    row = counts.first_digit_test(table, "a").iloc[0]
    p = counts.benford()
    chi2, exact = 0.0, 0.0
    seen = 4 / p[4] - 4
    for outcome in itertools.product(range(9), repeat=4):
        count = np.bincount(outcome, minlength=9)
        chi2 = ((count - 4 * p) ** 2 / (4 * p)).sum()
        exact += p[list(outcome)].prod() * (chi2 >= seen * (1 - 1e-9))
    assert row["p_by"] == "exact" and row["chi2"] == pytest.approx(seen)
    assert row["p_exact"] == pytest.approx(exact, rel=1e-9)
    assert row["reason"].startswith("amounts range over 2.9")


def test_digit_tests_hold_their_level() -> None:
    rng = np.random.default_rng(8)
    table = pd.DataFrame({"a": 10 ** rng.uniform(0, 4, 400 * 200), "g": np.repeat(np.arange(400), 200)})
    found = counts.first_digit_test(table, "a", by="g", draws=999)
    for name in ("p_exact", "p_mad"):
        assert 0.02 < (found[name] <= 0.05).mean() < 0.085
    again = counts.first_digit_test(table, "a", by="g", draws=999)
    pd.testing.assert_frame_equal(found, again)
    errors_are_of(counts.first_digits(table[table["g"] < 2], "a", by="g"))
    nothing = counts.first_digit_test(pd.DataFrame({"a": [0.0, None]}), "a").iloc[0]
    assert nothing["n"] == 0 and nothing["reason"] == "no amounts" and nothing["left_out"] == 2


# ---- ratings and statuses

LEVELS = ["low", "moderate", "substantial", "high"]


def ratings() -> pd.DataFrame:
    rng = np.random.default_rng(4)
    return pd.DataFrame(
        {"old": rng.choice(LEVELS, 60), "new": rng.choice(LEVELS, 60), "area": rng.choice(["A", "B"], 60)}
    )


def test_levels_covary_as_multinomial_shares() -> None:
    table = ratings()
    found = counts.distribution(table, "old", LEVELS, by="area")
    errors_are_of(found)
    p = found.table["value"].to_numpy()[:4]
    n = found.table["n"][0]
    np.testing.assert_allclose(found.covariance().to_numpy()[:4, :4], (np.diag(p) - np.outer(p, p)) / n, atol=1e-15)
    np.testing.assert_allclose(found.covariance().to_numpy()[:4, 4:], 0, atol=1e-15)
    above = counts.distribution(table, "old", LEVELS, cumulative=True, by="area")
    assert above.table["value"][0] == pytest.approx(p[1:].sum())
    assert above.table["category"].tolist()[:3] == ["≥ moderate", "≥ substantial", "≥ high"]
    difference = compare(above, over="area")
    assert len(difference) == 3
    with pytest.raises(Faults, match="none of the levels"):
        counts.distribution(table.assign(old="excellent"), "old", LEVELS)


def test_transitions_are_shares_of_the_level_before() -> None:
    table = ratings()
    found = counts.transitions(table, "old", "new", LEVELS)
    errors_are_of(found)
    matrix = pd.crosstab(table["old"], table["new"], normalize="index")
    for row in found.table[found.table["stage"] != "_T"].itertuples():
        assert row.value == pytest.approx(matrix.loc[row.stage, row.category])
    whole = found.table[found.table["stage"] == "_T"].set_index("category")["value"]
    place = {v: i for i, v in enumerate(LEVELS)}
    up = (table["new"].map(place) > table["old"].map(place)).mean()
    assert whole["higher"] == pytest.approx(up) and whole.sum() == pytest.approx(1)
    # a change and a share of the same units covary
    both = concat([found, counts.distribution(table, "new", LEVELS)])
    assert both.covariance().iloc[16, -1] != 0


def test_status_shares_of_all_provisions_are_certain() -> None:
    table = pd.DataFrame({"s": ["yes", "yes", "no", "n/a", None]})
    sample = counts.status_shares(table, "s", ["yes", "no"], exclude=["n/a"])
    assert sample.table[["n", "n_eligible", "events"]].values.tolist() == [[3, 5, 2], [3, 5, 1]]
    whole = counts.status_shares(table, "s", ["yes", "no"], exclude=["n/a"], complete=True)
    assert whole.table["lower"].tolist() == whole.table["value"].tolist() == pytest.approx([2 / 3, 1 / 3])
    assert (whole.covariance().to_numpy() == 0).all() and (whole.table["std_error"] == 0).all()


# ---- amounts


def test_totals_are_converted_at_their_own_date() -> None:
    data = pd.DataFrame(
        {
            "usd": [100.0, 50, 30, None, 10], "cur": ["USD", "EUR", "EUR", "USD", "XAF"],
            "year": [2010, 2010, 2020, 2020, 2020], "case": [1, 1, 2, 3, 4],
        }
    )  # fmt: skip
    rates = pd.DataFrame({"currency": ["EUR", "EUR"], "period": ["2010", "2020"], "rate": [1.3, 1.1]})
    prices = pd.DataFrame({"period": [2010, 2020], "index": [80.0, 100.0]})
    options = {"currency": "cur", "period": "year", "to": "USD", "rates": rates, "deflator": prices, "base": 2020}
    found = counts.total_amount(data, "usd", cluster="case", **options)
    row = found.table.iloc[0]
    first, second = (100 + 65) / 0.8, 33.0
    assert row["value"] == pytest.approx(first + second)
    assert row["std_error"] == pytest.approx(np.hypot(first, second))
    assert (row["n"], row["n_eligible"], row["display"], row["unit"]) == (3, 5, "flagged", "USD, prices of 2020")
    assert row["reason"] == "1 of 5 amounts are missing; no rate or index for 1 of 5 amounts: XAF 10 (2020)"
    assert row["quality"] == f"largest case: {first / (first + second):.1%} of the total"
    errors_are_of(found)
    with pytest.raises(Faults) as caught:
        counts.total_amount(data, "usd", **(options | {"base": 1990, "rates": pd.concat([rates, rates])}))
    assert "two values for one key" in str(caught.value) and "no index of 1990" in str(caught.value)
    none = counts.total_amount(data.iloc[3:4], "usd").table.iloc[0]
    assert none["display"] == "withheld"


def test_totals_cover() -> None:
    """Compound Poisson totals of heavy-tailed amounts: gamma limits cover at least as often as Wald's."""
    rng = np.random.default_rng(9)
    sizes = rng.poisson(25, 2000)
    table = pd.DataFrame({"s": np.repeat(np.arange(2000), sizes), "y": rng.lognormal(0, 1.2, sizes.sum())})
    found = counts.total_amount(table, "y", by="s").table
    truth = 25 * np.exp(0.72)
    covered = ((found["lower"] <= truth) & (truth <= found["upper"])).mean()
    wald = (np.abs(found["value"] - truth) <= 1.96 * found["std_error"]).mean()
    assert covered > 0.9 and covered > wald


def test_concentration_by_hand_and_by_jackknife() -> None:
    rng = np.random.default_rng(6)
    table = pd.DataFrame(
        {"who": rng.choice(list("ABCDE"), 300, p=[0.4, 0.3, 0.15, 0.1, 0.05]), "y": rng.lognormal(0, 0.5, 300)}
    )

    def index(part: pd.DataFrame) -> float:
        return float(((part.groupby("who")["y"].sum() / part["y"].sum()) ** 2).sum())

    found = counts.hhi(table, "who", "y")
    row = found.table.iloc[0]
    assert row["value"] == pytest.approx(index(table))
    left = np.array([index(table.drop(index=i)) for i in table.index])
    assert row["std_error"] == pytest.approx(np.sqrt(299 / 300 * ((left - left.mean()) ** 2).sum()), rel=0.02)
    errors_are_of(found)
    alone = counts.hhi(pd.DataFrame({"who": ["A"] * 6}), "who").table.iloc[0]
    assert (alone["value"], alone["upper"]) == (1, 1)
    assert alone["lower"] == pytest.approx(stats.binomtest(6, 6).proportion_ci().low ** 2)


def test_bias_of_concentration() -> None:
    """Mean over samples of 20 of an index of 0.2: too high by (1 − H)/n; corrected it is not."""
    rng = np.random.default_rng(7)
    table = pd.DataFrame({"s": np.repeat(np.arange(1500), 20), "who": rng.choice(list("ABCDE"), 30_000)})
    plain = counts.hhi(table, "who", by="s").table["value"].mean()
    corrected = counts.hhi(table, "who", by="s", corrected=True).table["value"].mean()
    assert plain == pytest.approx(0.2 + 0.8 / 20, abs=0.002)
    assert corrected == pytest.approx(0.2, abs=0.004)


# ---- publication


def test_availability_is_of_records() -> None:
    table = pd.DataFrame({"a": [1.0, None, 3, None], "b": ["x", None, "", "y"], "g": list("ppqq")})
    found = counts.availability(table, ["a", "b"], by="g")
    errors_are_of(found)
    assert found.table[["g", "category", "n", "events"]].values.tolist() == [
        ["p", "_T", 4, 2], ["p", "a", 2, 1], ["p", "b", 2, 1], ["q", "_T", 4, 2], ["q", "a", 2, 1], ["q", "b", 2, 1],
    ]  # fmt: skip
    # in p one record lacks both fields: two records, not four pairs
    assert found.table["std_error"][0] == pytest.approx(np.sqrt(0.25 / 2))
    with pytest.raises(Faults, match="no fields"):
        counts.availability(table, [])


def test_timeliness_judges_what_is_due() -> None:
    table = pd.DataFrame(
        {
            "end": ["2024-12-31"] * 6, "due": ["2025-01-31"] * 5 + ["2026-01-01"],
            "out": ["2025-01-20", "2025-01-31", "2025-03-01", None, "2025-12-01", "2025-01-02"],
        }
    ).apply(pd.to_datetime)  # fmt: skip
    found = counts.timeliness(table, "due", "out", as_of="2025-06-30", since="end")
    rows = found.table.set_index("indicator")
    assert rows.loc["published", ["n", "n_eligible", "events"]].tolist() == [5, 6, 3]
    assert rows.loc["on time", "value"] == pytest.approx(0.4)
    assert rows.loc["delay", "value"] == 60  # third of five, two censored
    assert rows.loc["delay", "unit"] == "days"
    both = concat([found, counts.timeliness(table, "due", "out", as_of="2025-06-30", since="end")])
    assert both.covariance().iloc[0, 3] == pytest.approx(both.covariance().iloc[0, 0])
    with pytest.raises(Faults, match="not dates"):
        counts.timeliness(table.astype(str), "due", "out", as_of="2025-06-30")


@pytest.mark.parametrize("by", [None, "sex"])
def test_a_share_of_clustered_trials_is_that_of_the_survey_engine(by: str | None) -> None:
    rng = np.random.default_rng(11)
    frame = pd.DataFrame({"case": rng.integers(0, 40, 300), "sex": rng.choice(["F", "M"], 300), "w": 1.0})
    frame["y"] = (rng.random(300) < rng.beta(1, 3, 40)[frame["case"]]).astype(int)
    ours = counts.share(frame, "y", cluster="case", by=by)
    parts = [frame] if by is None else [part for _, part in frame.groupby(by)]
    for row, part in zip(ours.table.itertuples(), parts, strict=True):
        theirs = survey.proportion(survey.Design(part, weight="w", psu="case"), "y", interval="wilson").table.iloc[0]
        for name in ("value", "std_error", "df", "n", "n_psu", "lower", "upper"):
            assert getattr(row, name) == pytest.approx(theirs[name], rel=1e-12), name
    np.testing.assert_allclose(np.sqrt(np.diag(ours.covariance())), ours.table["std_error"], rtol=1e-12)


def test_clusters_without_spread_count_one_each_and_one_cluster_gives_no_limits() -> None:
    frame = pd.DataFrame({"case": [1, 1, 2, 2, 3, 3], "y": [0] * 6})
    row = counts.share(frame, "y", cluster="case").table.iloc[0]
    assert (row["std_error"], row["n"], row["n_psu"]) == (0, 6, 3)
    assert row["lower"] == 0 and row["upper"] > counts.share(frame, "y").table["upper"].iloc[0]
    row = counts.share(frame.iloc[:2], "y", cluster="case").table.iloc[0]
    assert np.isnan([row["std_error"], row["lower"], row["upper"]]).all()
    with pytest.raises(Faults, match="missing clusters"):
        counts.share(frame.assign(case=[1, None, 2, 2, 3, 3]), "y", cluster="case")
    with pytest.raises(Faults, match="kase"):
        counts.share(frame, "y", cluster="kase")
