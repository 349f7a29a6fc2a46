"""The pass over the rows: the same numbers in whatever order and number the rows come, and as plain formulas give."""

import numpy as np
import pandas as pd
import pytest

from uncac_metrics.model import Faults
from uncac_metrics.stats import survey
from uncac_metrics.stats.survey import passes

NUMBERS = ["value", "std_error", "lower", "upper", "df", "n", "n_eligible", "n_psu", "events", "deff"]


def population(n, seed=0, domains=7):
    rng = np.random.default_rng(seed)
    psu = np.sort(rng.integers(0, max(4, n // 40), n))
    frame = pd.DataFrame(
        {"psu": psu, "h": psu // 4 * 2, "w": rng.random(n) + 0.5, "d": rng.integers(3, 3 + domains, n)}
    )
    frame["contact"] = (rng.random(n) < 0.6).astype(np.uint8)
    frame["paid"] = (rng.random(n) < 0.2).astype(np.uint8) & frame["contact"]
    frame["rare"] = (rng.random(n) < 0.002).astype(np.uint8) & frame["contact"]
    frame["spent"] = rng.lognormal(size=n)
    frame["bribes"] = np.where(rng.random(n) < 0.1, np.nan, rng.poisson(0.4, n))
    frame["visits"] = rng.poisson(1.5, n).astype(float)
    return frame


def design(frame):
    return survey.Design(frame, weight="w", stratum="h", psu="psu", singleton="certainty")


CALLS = {
    "ratio of yes/no": lambda d: survey.ratio(d, ["paid", "rare"], "contact", by="d"),
    "ratio of numbers": lambda d: survey.ratio(d, ["bribes", "spent"], "visits", by="d"),
    "ratio of two groups": lambda d: survey.ratio(d, "paid", "contact", by="d", within=False),
    "mean with missing": lambda d: survey.mean(d, "bribes", by="d"),
    "mean of some": lambda d: survey.mean(d, "spent", denominator="contact", by="d"),
    "total": lambda d: survey.total(d, ["paid", "spent"], by="d"),
    "share": lambda d: survey.proportion(d, "rare", by="d"),
}


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("size", ["few domains", "many domains", "more than possible"])
def test_order_of_rows_does_not_matter(call, size, monkeypatch):
    monkeypatch.setattr(passes, "ROWS", 512)
    monkeypatch.setattr(passes, "WIDE", 1_500)
    frame = population(6_000, domains={"few domains": 3, "many domains": 60, "more than possible": 5_000}[size])
    blocked = CALLS[call](design(frame))
    mixed = frame.sample(frac=1, random_state=5).reset_index(drop=True)
    monkeypatch.setattr(passes, "ROWS", 10**9)
    whole = CALLS[call](design(mixed))
    for name in NUMBERS:
        ours, other = (t.table[name].to_numpy(float, na_value=np.nan) for t in (blocked, whole))
        np.testing.assert_allclose(ours, other, rtol=1e-9, atol=1e-12, err_msg=name)
    few = slice(0, 40)
    np.testing.assert_allclose(
        blocked.select(np.arange(40)[: len(blocked)]).covariance(),
        whole.select(np.arange(40)[: len(whole)]).covariance().iloc[few, few],
        rtol=1e-7, atol=1e-15,
    )  # fmt: skip


def test_variances_are_those_of_the_textbook():
    frame = population(3_000)
    found = survey.ratio(design(frame), ["paid", "bribes"], "contact", by="d", within=False).table
    for name in ("paid", "bribes"):
        for d, part in found[found["indicator"] == f"{name}/contact"].groupby("d"):
            known = frame[name].notna() & (frame["d"] == int(d))
            y, x = frame[name].where(known, 0) * frame["w"], frame["contact"].where(known, 0) * frame["w"]
            ratio = y.sum() / x.sum()
            z = ((y - ratio * x) / x.sum()).groupby([frame["h"], frame["psu"]]).sum()
            by_stratum = z.groupby("h")
            m = by_stratum.transform("size")
            variance = (m / (m - 1).where(m > 1) * (z - by_stratum.transform("mean")) ** 2).sum()
            assert part["value"].item() == pytest.approx(ratio, rel=1e-12)
            assert part["std_error"].item() == pytest.approx(np.sqrt(variance), rel=1e-9)


def test_equal_values_have_no_variance_however_the_squares_cancel():
    frame = population(2_000).assign(same=1e6)
    table = survey.mean(design(frame), "same", by="d").table
    np.testing.assert_allclose(table["value"], 1e6, rtol=1e-12)
    assert (table["std_error"] == 0).all()
    # next to no spread on a high level: value by value, not by the difference of two large sums of squares
    frame["nearly"] = 1e6 + frame["spent"] * 1e-3
    near, spread = (survey.mean(design(frame), v, by="d").table["std_error"] for v in ("nearly", "spent"))
    np.testing.assert_allclose(near, spread * 1e-3, rtol=1e-5)


def test_rows_without_weight_are_in_no_sum():
    frame = population(4_000)
    frame.loc[frame.index % 3 == 0, "w"] = 0.0
    kept = frame[frame["w"] > 0].reset_index(drop=True)
    for call in CALLS.values():
        ours, other = (call(design(f)).table for f in (frame, kept))
        for name in ("value", "std_error", "n", "n_eligible", "events"):
            pair = [t[name].to_numpy(float, na_value=np.nan) for t in (ours, other)]
            np.testing.assert_allclose(*pair, rtol=1e-10, atol=1e-14, err_msg=name)


def test_rows_of_a_fault_are_counted_in_the_file_not_in_runs():
    frame = population(400).sort_values("psu", ignore_index=True)
    frame["N"] = 500.0
    frame.loc[frame["h"] == frame["h"].iloc[-1], "N"] = 0.5  # smaller than the sample
    frame.loc[0, "N"] = 500.0
    first = int(np.flatnonzero(frame["N"] == 0.5)[0]) + 1
    with pytest.raises(Faults, match=rf"smaller than the number of sampled units \(\d+ rows: {first}, {first + 1}"):
        survey.Design(frame, weight="w", stratum="h", psu="psu", fpc="N", singleton="certainty")


def test_partitions_with_rows_without_weight():
    frame = population(3_000)
    frame.loc[frame.index % 5 == 0, "w"] = 0.0
    plan = survey.Plan(
        survey.Measure("ratio", "paid", "contact", within=True), weight="w", stratum="h", psu="psu", by="d",
        singleton="certainty",
    )  # fmt: skip
    parts = [frame.iloc[:1_000], frame.iloc[1_000:]]
    ours = survey.scan(parts, plan).estimate("d").table
    other = survey.ratio(design(frame), "paid", "contact", by="d").table
    for name in ("value", "std_error", "n", "events"):
        np.testing.assert_allclose(ours[name].to_numpy(float), other[name].to_numpy(float), rtol=1e-10)
