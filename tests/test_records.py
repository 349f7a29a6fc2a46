"""Estimators of records and of figures of others, from a card's measure to the results table and a build.

Numbers are worked out by hand where they are small; standard errors of ratios are held against the survey engine with
unit weights and the clusters as sampling units, Poisson limits against scipy's chi-square.
"""

from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats as scipy_stats

import uncac_metrics as um
from uncac_metrics import mapping
from uncac_metrics.builds import build
from uncac_metrics.cards import read_card
from uncac_metrics.datasets import Dataset
from uncac_metrics.estimators import applicable, estimate, run
from uncac_metrics.estimators.bases import selected
from uncac_metrics.methods import METHODS, wrong_option
from uncac_metrics.model import Faults, Measure, Source
from uncac_metrics.shapes import SHAPES
from uncac_metrics.stats import counts, survey

CARD = replace(um.load_catalogue()["PR-01"], id="T-1", unit="", scale=1.0, cases=())


def data_of(shape, rows):
    made = mapping.from_rows(rows, SHAPES[shape], file="rows")
    return Dataset(Source("rows", "", "", "", "", shape, "", "XXA", "2025"), SHAPES[shape], made)


def results(shape, rows, groupings=((),), unit="", **measure):
    card = replace(CARD, unit=unit, measure=Measure(shape=shape, **measure))
    return run([card], data_of(shape, rows), groupings).table


def values(table, *columns):
    return table[[*columns, "value"]].round(12).to_dict("records")


# --- bases


def test_rows_are_selected_by_yes_codes_numbers_and_days():
    np.testing.assert_array_equal(selected(pd.Series([1, 0, None], dtype="Int8")), [1, 0, np.nan])
    np.testing.assert_array_equal(selected(pd.Series(["07031", "0701", None]), ["0703*", "09"]), [1, 0, np.nan])
    np.testing.assert_array_equal(selected(pd.Series([1.0, 2.0, np.nan]), ["1"]), [1, 0, np.nan])
    np.testing.assert_array_equal(selected(pd.Series([pd.Timestamp(2025, 1, 1), None])), [1, 0])


def test_rows_that_do_not_say_are_eligible_and_not_answered():
    rows = [{"outcome": "granted"}, {"outcome": "refused"}, {}]
    table = results(
        "information_requests", rows, estimator="share", numerator="granted", denominator="information_requests"
    )
    assert table[["value", "n", "n_eligible", "events"]].iloc[0].tolist() == [0.5, 2, 3, 1]


def test_levels_give_a_row_each_and_the_breakdowns_of_each():
    rows = [
        {"kind": "mla", "outcome": o, "refusal_ground": g, "counterpart": c}
        for o, g, c in [("refused", "form", "XXB"), ("refused", "form", "XXC"), ("refused", "rights", "XXC"),
                        ("refused", None, "XXC"), ("executed", None, "XXB")]
    ]  # fmt: skip
    measure = {"estimator": "share", "levels": "refusal_ground", "denominator": "requests_refused"}
    table = results("cooperation_requests", rows, ((), ("counterpart",)), **measure)
    assert values(table, "category", "counterpart") == [
        {"category": "form", "counterpart": "_T", "value": 0.666666666667},
        {"category": "form", "counterpart": "XXB", "value": 1.0},
        {"category": "form", "counterpart": "XXC", "value": 0.5},
        {"category": "rights", "counterpart": "_T", "value": 0.333333333333},
        {"category": "rights", "counterpart": "XXB", "value": 0.0},
        {"category": "rights", "counterpart": "XXC", "value": 0.5},
    ]
    assert table["n"].tolist() == [3, 1, 2] * 2
    assert set(table["denominator"]) == {"requests_refused"}


# --- tables with totals beside parts, of several countries and periods

OFFENCES = [
    {"quantity": "offences", "crime": c, "ref_area": a, "time_period": "2024", "sex": s, "count": n,
     "denominator": 1000, "at_risk": "population"}
    for a, c, s, n in [("XXA", "0703", "_T", 30), ("XXA", "07031", "_T", 10), ("XXA", "07031", "F", 3),
                       ("XXA", "07031", "M", 7), ("XXB", "07031", "_T", 4)]
]  # fmt: skip
RATE = {"estimator": "rate", "numerator": "counted", "denominator": "at_risk", "options": {"per": 100}}


def test_totals_and_parts_of_a_table_are_never_added():
    where = {"quantity": ("offences",), "crime": ("07031",)}
    table = results("counts", OFFENCES, ((), ("sex",)), where=where, **RATE)
    assert values(table, "ref_area", "sex") == [
        {"ref_area": "XXA", "sex": "_T", "value": 1.0},
        {"ref_area": "XXB", "sex": "_T", "value": 0.4},
        {"ref_area": "XXA", "sex": "F", "value": 0.3},
        {"ref_area": "XXA", "sex": "M", "value": 0.7},
    ]
    assert set(table["time_period"]) == {"2024"}


def test_an_area_that_the_table_does_not_name_is_the_sources():
    rows = [{"quantity": "offences", "count": 4, "denominator": 400, "at_risk": "population"}]
    table = results("counts", rows, where={"quantity": ("offences",)}, **RATE)
    assert table[["ref_area", "time_period", "value"]].iloc[0].tolist() == ["XXA", "2025", 1.0]


def test_countries_may_be_taken_together():
    rows = [
        {"ref_area": a, "time_period": "2024", "scheme": "FATF", "item": "IO.5", "rating": r}
        for a, r in [("XXA", "LE"), ("XXB", "ME"), ("XXC", "LE")]
    ]
    measure = {"estimator": "ordinal", "denominator": "ratings"}
    options = {"rating": "rating", "levels": ["LE", "ME"]}
    each = results("ratings", rows, options=options, **measure)
    assert len(each) == 6 and set(each["value"]) == {0.0, 1.0}
    together = results("ratings", rows, options=options | {"across": "areas"}, **measure)
    assert together["value"].tolist() == [2 / 3, 1 / 3] and set(together["ref_area"]) == {"XXA"}


def test_a_standardised_rate_weights_its_strata():
    rows = [
        {"quantity": "suspects", "age": a, "count": n, "denominator": d, "at_risk": "population"}
        for a, n, d in [("Y_LT30", 10, 1000), ("Y_GE30", 30, 1000), ("_T", 40, 2000)]
    ]
    options = {"strata": "age", "standard": {"Y_LT30": 3, "Y_GE30": 1}, "per": 1000}
    measure = {"estimator": "standardised_rate", "numerator": "counted", "denominator": "at_risk", "options": options}
    table = results("counts", rows, where={"quantity": ("suspects",)}, **measure)
    assert table["value"].tolist() == [pytest.approx(0.75 * 10 + 0.25 * 30)]


# --- time


def requests(*spans, kind="mla"):
    rows = []
    for i, (days, outcome) in enumerate(spans):
        row = {"request": str(i), "kind": kind, "date_received": date(2024, 1, 1), "date_observed": date(2024, 12, 31)}
        if outcome:
            row |= {"date_completed": date(2024, 1, 1) + pd.Timedelta(days=days), "outcome": outcome}
        rows.append(row)
    return rows


SPAN = {"start": "date_received", "end": "date_completed"}


def test_a_median_waits_for_what_is_still_open():
    closed = [(10, "executed"), (20, "executed"), (30, "refused")]
    measure = {"estimator": "duration", "denominator": "cooperation_requests", "options": SPAN}
    assert results("cooperation_requests", requests(*closed), **measure)["value"].tolist() == [20]
    both = results("cooperation_requests", requests(*closed, (0, ""), (0, "")), **measure)
    assert both[["value", "n", "events"]].iloc[0].tolist() == [30, 5, 3]
    years = results("cooperation_requests", requests(*closed), **{**measure, "options": SPAN | {"unit": "years"}})
    assert years["value"].tolist() == [pytest.approx(20 / 365.25)]


def test_other_endings_compete_and_are_not_left_out():
    spans = [(10, "executed"), (20, "refused"), (300, "executed"), (0, "")]
    measure = {
        "estimator": "done_within", "numerator": "executed", "denominator": "cooperation_requests",
        "options": SPAN | {"within": 183},
    }  # fmt: skip
    table = results("cooperation_requests", requests(*spans), **measure)
    assert table["value"].tolist() == [0.25] and "category" not in table and "stage" not in table
    none = results("cooperation_requests", requests((20, "refused"), (0, "")), **measure)
    assert none["value"].tolist() == [0.0] and 0 < none["upper"].iloc[0] < 1


def assets(*stages):
    names = ("frozen", "seized", "confiscated", "returned", "released")
    rows = []
    for i, (value, years) in enumerate(stages):
        days = {f"date_{s}": date(y, 1, 1) if y else None for s, y in zip(names, years, strict=True)}
        rows.append(days | {"asset": str(i), "value": value, "currency": "USD", "date_observed": date(2025, 1, 1)})
    return rows


FLOW = {
    "estimator": "flow", "denominator": "assets_frozen",
    "options": {"stages": [f"date_{s}" for s in ("frozen", "seized", "confiscated", "returned", "released")],
                "at": 2.5, "unit": "years"},
}  # fmt: skip


def test_each_asset_is_followed_through_its_own_stages():
    rows = assets((60, (2020, 0, 2021, 2022, 0)), (20, (2020, 0, 2020, 0, 0)), (20, (2020, 0, 0, 0, 2024)))
    table = results("asset_recovery", rows, **FLOW).set_index("stage")["value"]
    assert table.round(12).to_dict() == pytest.approx(
        {"frozen": 1 / 3, "seized": 0, "confiscated": 1 / 3, "returned": 1 / 3, "released": 0}
    )
    by_value = FLOW | {"options": FLOW["options"] | {"weights": "value"}}
    table = results("asset_recovery", rows, **by_value).set_index("stage")["value"]
    assert table[["frozen", "confiscated", "returned"]].tolist() == pytest.approx([0.2, 0.2, 0.6])
    with pytest.raises(Faults, match="EUR, USD cannot be added"):
        results("asset_recovery", [*rows[:2], rows[2] | {"currency": "EUR"}], **by_value)


def test_a_stage_left_on_the_day_on_which_it_was_reached_is_passed_over():
    days = {"date_frozen": "2020-01-01", "date_seized": "2022-01-01", "date_released": "2022-01-01"}
    rows = [{"asset": str(i), **days, "date_observed": "2025-01-01"} for i in range(3)]
    stages = ["date_frozen", "date_seized", "date_released"]
    options = {"stages": stages, "at": 3, "unit": "years"}
    table = results("asset_recovery", rows, estimator="flow", denominator="assets_frozen", options=options)
    found = table.set_index("stage")["value"].to_dict()
    assert found == {"frozen": 0, "seized": 0, "released": 1}


def test_a_cohort_is_judged_where_its_case_has_ended():
    rows = [
        {"case": str(i), "date_suspected": date(2020, 1, 1)}
        | {k: date(2020, m, 1) for k, m in zip(("date_prosecuted", "date_decided", "date_closed"), months, strict=True)
           if m}
        for i, months in enumerate([(2, 3, 3), (2, 0, 4), (0, 0, 2), (2, 0, 0), (0, 0, 0)])
    ]  # fmt: skip
    options = {"stages": ["date_suspected", "date_prosecuted", "date_decided"], "closed": "date_closed"}
    table = results("justice_cases", rows, estimator="progression", denominator="suspected", options=options)
    found = table.set_index("stage")[["value", "n"]].to_dict("index")
    assert found == {"prosecuted": {"value": 0.75, "n": 4}, "decided": {"value": 0.5, "n": 2}}


# --- money


def test_amounts_of_two_currencies_are_not_added_unless_they_are_converted():
    rows = [
        {"case_cluster": "a", "amount_returned": 100, "currency": "EUR", "exchange_rate": 2, "price_index": 1.25},
        {"case_cluster": "b", "amount_returned": 50, "currency": "USD", "exchange_rate": 1, "price_index": 1},
    ]
    measure = {"estimator": "amount", "numerator": "value_returned", "denominator": "assets"}
    with pytest.raises(Faults, match="EUR, USD cannot be added"):
        results("asset_recovery", rows, **measure)
    one = results("asset_recovery", rows[:1], unit="currency", **measure)
    assert one[["value", "unit"]].iloc[0].tolist() == [100, "EUR"]
    both = results("asset_recovery", rows, unit="currency", options={"exchange": "exchange_rate"}, **measure)
    assert both[["value", "unit"]].iloc[0].tolist() == [250, "common currency"]
    options = {"exchange": "exchange_rate", "prices": "price_index"}
    assert results("asset_recovery", rows, options=options, **measure)["value"].tolist() == [210]


def test_a_mean_amount_is_over_those_who_have_one():
    rows = [{"sanctioned": 1, "fine": f, "currency": "EUR"} for f in (100, 300, 0)] + [{"sanctioned": 0}]
    measure = {"estimator": "mean_amount", "numerator": "fine", "denominator": "fined"}
    table = results("justice_cases", rows, unit="currency", **measure)
    assert table[["value", "n", "unit", "statistic"]].iloc[0].tolist() == [200, 2, "EUR", "mean"]


def test_amounts_of_rows_outside_the_base_are_not_in_its_mean():
    rows = [
        {"outcome": outcome, "date_closed": "2025-01-01", "established": x, "currency": "EUR"}
        for outcome, x in (("convicted", 100), ("convicted", 300), ("settled", 9000))
    ]
    measure = {"estimator": "mean_amount", "numerator": "established_value", "denominator": "convicted"}
    table = results("justice_cases", rows, unit="currency", **measure)
    assert table[["value", "n"]].iloc[0].tolist() == [200, 2]


def test_a_mean_amount_may_be_for_each_of_a_number():
    years = (("2024", 18.0, 12), ("2025", 10.0, None))
    rows = [
        {"time_period": year, "quantity": "budget_executed", "amount": x, "currency": "EUR", "denominator": people,
         "at_risk": "population"}
        for year, x, people in years
    ]  # fmt: skip
    measure = {"estimator": "mean_amount", "numerator": "money", "denominator": "at_risk"}
    table = results("counts", rows, unit="currency", **measure)
    assert table[["time_period", "value", "n", "unit"]].values.tolist() == [["2024", 1.5, 1, "EUR"]]


@pytest.mark.parametrize("cluster", [None, "case"])
def test_a_ratio_of_amounts_has_the_error_of_the_survey_engine(cluster):
    rng = np.random.default_rng(7)
    frame = pd.DataFrame({
        "case": rng.integers(0, 30, 120).astype(str), "sex": rng.choice(["F", "M"], 120),
        "y": rng.lognormal(size=120), "x": rng.lognormal(size=120) + 1, "w": 1.0,
    })  # fmt: skip
    ours = counts.amount_ratio(frame, "y", "x", cluster=cluster)
    theirs = survey.ratio(survey.Design(frame, weight="w", psu=cluster), "y", "x")
    for name in ("value", "std_error", "df", "upper"):
        assert ours.table[name].iloc[0] == pytest.approx(theirs.table[name].iloc[0], rel=1e-12), name
    both = counts.amount_ratio(frame, "y", "x", cluster=cluster, by="sex")
    np.testing.assert_allclose(np.diag(both.covariance()), both.table["std_error"] ** 2, rtol=1e-12)


def test_one_record_has_no_standard_error_and_no_record_no_ratio():
    frame = pd.DataFrame({"y": [3.0, np.nan], "x": [4.0, 5.0]})
    row = counts.amount_ratio(frame, "y", "x").table.iloc[0]
    assert (row["value"], row["n"], row["n_eligible"]) == (0.75, 1, 2)
    assert np.isnan([row["std_error"], row["lower"], row["upper"]]).all()
    assert row["reason"] == "1 of 2 rows lack an amount: left out; one record: no standard error"
    none = counts.amount_ratio(pd.DataFrame({"y": [0.0], "x": [0.0]}), "y", "x").table.iloc[0]
    assert none["display"] == "withheld" and none["reason"] == "nothing below the line"


def test_a_number_has_the_limits_of_a_poisson_count():
    frame = pd.DataFrame({"x": [4, 3, np.nan], "kind": ["a", "b", "b"]})
    table = counts.number(frame, "x", by="kind").table
    assert table["value"].tolist() == [4, 3] and table["n"].tolist() == [1, 1]
    lower = scipy_stats.chi2.ppf(0.025, 2 * np.array([4, 3])) / 2
    upper = scipy_stats.chi2.ppf(0.975, 2 * np.array([4, 3]) + 2) / 2
    np.testing.assert_allclose(table[["lower", "upper"]].to_numpy(), np.c_[lower, upper], rtol=1e-12)
    assert table["reason"].tolist() == ["", "1 of 2 rows have no count: left out"]
    assert counts.number(frame.iloc[2:], "x").table["display"].tolist() == ["withheld"]


# --- figures of others, tenders, groups


def test_a_published_figure_stands_as_it_is_and_once():
    rows = [{"series": "S", "ref_area": "XXA", "time_period": t, "value": v, "lower": 1.0} for t, v in
            (("2020", 5.0), ("2021", None))]  # fmt: skip
    measure = {"estimator": "published", "numerator": "published_value", "denominator": "published_figures"}
    table = results("official_series", rows, **measure)
    assert table["value"].tolist()[0] == 5 and np.isnan(table["std_error"]).all()
    assert table["display"].tolist() == ["shown", "withheld"] and table["interval"].tolist() == ["as published"] * 2
    again = [rows[0], rows[0] | {"series": "S2"}]
    with pytest.raises(Faults, match="several figures for the same ref_area, time_period"):
        results("official_series", again, **measure)


def bids(*tenders):
    return [
        {"bid": f"{t}{who}", "tender": t, "bidder": who, "status": "valid", "winner": int(i == 0), "amount": price,
         "currency": "EUR", "procurement_method": method, "sector": sector}
        for t, method, sector, offers in tenders
        for i, (who, price) in enumerate(offers)
    ]  # fmt: skip


def test_red_flags_are_shares_of_the_units_that_the_rule_applies_to():
    rows = bids(
        ("a", "open", "33", [("X", 1)]), ("b", "open", "33", [("X", 1), ("Y", 1)]),
        ("c", "open", "45", [("X", 1), ("Y", 2)]), ("d", "direct", "45", [("Y", 1)]),
    )  # fmt: skip
    single = {"estimator": "flag", "denominator": "bids", "options": {"flag": "R018"}}
    table = results("bids", rows, ((), ("sector",)), **single)
    assert values(table, "sector") == [
        {"sector": "_T", "value": 0.333333333333}, {"sector": "33", "value": 0.5}, {"sector": "45", "value": 0.0},
    ]  # fmt: skip
    same = single | {"options": {"flag": "R028"}}
    assert results("bids", rows, **same)[["value", "n"]].iloc[0].tolist() == [0.5, 2]
    tenderers = single | {"options": {"flag": "R028", "units": "tenderer"}}
    assert results("bids", rows, **tenderers)[["value", "n"]].iloc[0].tolist() == [1.0, 2]
    unnumbered = [{k: v for k, v in row.items() if k != "bid"} for row in rows]
    for measure in (single, same, tenderers):  # each row is a bid of its own
        assert results("bids", unnumbered, **measure)["value"].equals(results("bids", rows, **measure)["value"])


def test_columns_that_a_red_flag_reads_have_to_be_there():
    rows = bids(("a", "open", "33", [("X", 1), ("Y", 1)]))
    measure = Measure("bids", "flag", "bids", options={"flag": "R028", "units": "tenderer"})
    card = replace(CARD, measure=measure)
    assert applicable(card, data_of("bids", rows)) == ""
    for column in ("status", "tender", "bidder", "amount"):
        without = data_of("bids", [{k: v for k, v in row.items() if k != column} for row in rows])
        assert applicable(card, without) == f"the data have no column {column!r}"
    days = [{"tender": "a", "bidder": "X", "date_opened": date(2024, 3, 1), "date_deadline": date(2024, 3, 9)}]
    short = {"estimator": "flag", "denominator": "bids", "options": {"flag": "R003"}}
    assert results("bids", days, **short)["value"].tolist() == [1.0]  # no status is needed to count days


def test_a_ratio_of_two_groups_is_that_of_the_survey_statistics():
    rng = np.random.default_rng(3)
    n = 400
    rows = pd.DataFrame({
        "weight": rng.uniform(1, 3, n), "psu": rng.integers(0, 40, n).astype(str), "sex": rng.choice(["F", "M"], n),
        "urbanisation": rng.choice(["U", "R"], n), "contact": 1, "paid": rng.integers(0, 2, n), "asked": 0,
    }).to_dict("records")  # fmt: skip
    data = data_of("population_survey", rows)
    data = replace(data, source=replace(data.source, design={"psu": "psu"}))
    options = {"column": "sex", "above": "F", "below": "M"}
    m = Measure("population_survey", "domain_ratio", "with_contact", "paid_or_asked", options=options)
    ours = run([replace(CARD, measure=m)], data, [(), ("urbanisation",)]).table
    design = survey.Design(data.table, weight="weight", psu="psu")
    theirs = survey.risk_ratio(survey.mean(design, "paid_or_asked", by="sex"), "F", "M").table
    for name in ("value", "std_error", "lower", "upper"):
        assert ours[name].iloc[0] == pytest.approx(theirs[name].iloc[0], rel=1e-10), name
    assert ours["urbanisation"].tolist() == ["_T", "U", "R"] and "sex" not in ours


# --- what a card may say


RECORDS = 'shape = "contracts"\nestimator = "share"\nnumerator = "single_bid"\ndenominator = "contracts_competitive"\n'


@pytest.mark.parametrize(
    ("measure", "where", "what", "remedy"),
    [
        (RECORDS.replace("share", "proportion"), "measure.estimator", "proportion does not take contracts", "count"),
        (RECORDS.replace("share", "flag") + 'options = {flag = "R018"}\n', "measure.estimator", "flag does not", "one"),
        (RECORDS.replace('numerator = "single_bid"\n', ""), "measure.numerator", "missing", "column of levels"),
        (RECORDS.replace("single_bid", "contract_value"), "measure.numerator", "value is a number", '"amount"'),
        (RECORDS.replace("contracts_competitive", "contract_value"), "measure.denominator", "sum of numbers", "rows"),
        (RECORDS + "options = {intervall = 1}\n", "measure.options.intervall", "no such option", '"interval"'),
        (RECORDS + 'options = {interval = "wald"}\n', "measure.options.interval", "'wald' is not allowed", "wilson"),
        (RECORDS + 'where = {sektor = ["45"]}\n', "measure.where.sektor", "no such column", '"sector"'),
        (RECORDS + 'where = {sector = "45"}\n', "measure.where.sector", "not a list", '["…"]'),
        (RECORDS + 'where = {procurement_method = ["opne"]}\n', "measure.where.procurement_method", '"opne"', '"open"'),
        (RECORDS + 'items = "sector"\n', "measure.items", "items are of surveys", "leave them out"),
        (RECORDS.replace("share", "hhi").replace('numerator = "single_bid"\n', ""), "measure.options.receiver",
         "missing", "receiver of the award"),
        (RECORDS.replace("share", "hhi") + 'options = {receiver = "supplier"}\n', "measure.numerator", "takes none",
         "leave it out"),
        (RECORDS.replace("share", "mean_amount") + 'options = {exchange = "rate"}\n', "measure.options.exchange",
         'no column "rate" of kind number', "one of"),
        (RECORDS.replace('numerator = "single_bid"', 'levels = "sector"').replace("share", "rate"),
         "measure.estimator", "levels are shares", '"share"'),
    ],
)  # fmt: skip
def test_faults_of_a_measure_of_records(tmp_path, measure, where, what, remedy):
    card = tmp_path / "XX-01.toml"
    text = Path(um.load_catalogue()["PR-01"].file).read_text(encoding="utf-8")
    start, end = text.index("[measure]"), text.index("[links]")
    card.write_text(text[:start] + "[measure]\n" + measure + text[end:], encoding="utf-8")
    found = {f.where: f for f in read_card(card)[1]}
    assert where in found, found
    assert what in found[where].what and remedy in found[where].remedy


@pytest.mark.parametrize("name", METHODS)
def test_every_option_refuses_what_it_is_not(name):
    method = METHODS[name]
    shape = SHAPES[method.shapes[0] if method.shapes else "population_survey" if method.sampled else "contracts"]
    for option in method.options.values():
        assert wrong_option(option, object(), shape)[0], option.label
        assert wrong_option(option, [], shape)[0], option.label


def test_what_a_data_set_lacks_is_said():
    rows = [{"procurement_method": "open", "supplier": "A"}]
    data = data_of("contracts", rows)
    assert applicable(um.load_catalogue()["PR-01"], data) == "the data have no column 'single_bid'"
    m = Measure("contracts", "hhi", "contracts", options={"receiver": "supplier", "amount": "value"})
    assert applicable(replace(CARD, measure=m), data) == "the data have no column 'value'"
    assert applicable(um.load_catalogue()["BR-01"], data).startswith("takes a survey of the population, not contracts")


def test_an_interval_that_an_estimator_does_not_make_is_refused():
    with pytest.raises(Faults, match="interval"):
        estimate("PR-01", data_of("contracts", [{"procurement_method": "open", "bids": 1}]), interval="korn_graubard")


# --- a build of records


def test_a_build_of_records_has_their_breakdowns(tmp_path):
    office = tmp_path / "office"
    home = office / "datasets" / "contracts_2025"
    home.mkdir(parents=True)
    (office / "office.toml").write_text('name = "Office"\nref_area = "XXA"\n', encoding="utf-8")
    rows = [(f"c{i}", f"t{i}", "open" if i % 3 else "direct", 1 + i % 2, ("45", "33")[i % 2]) for i in range(60)]
    frame = pd.DataFrame(rows, columns=["contract", "tender", "procurement_method", "bids", "sector"])
    frame.to_csv(home / "data.csv", index=False)
    columns = "\n".join(f"{c} = {{}}" for c in frame.columns)
    source = 'title = "Contracts"\nproducer = "Office"\nterms = "-"\norigin = "-"\nshape = "contracts"\n'
    source += f'path = "data.csv"\nref_area = "XXA"\ntime_period = "2025"\n\n[columns]\n{columns}\n'
    (home / "source.toml").write_text(source, encoding="utf-8")
    release = build(office, tmp_path / "out")
    table = release.estimates[release.estimates["indicator"] == "PR-01"]
    assert table.loc[table["procurement_method"] == "direct", "reason"].tolist() == ["no observation"]
    shares = table.dropna(subset="value").set_index(["procurement_method", "sector"])["value"].round(6).to_dict()
    assert shares == {("_T", "_T"): 50.0, ("open", "_T"): 50.0, ("_T", "33"): 0.0, ("_T", "45"): 100.0}
    assert set(table["ref_area"]) == {"XXA"} and set(table["time_period"]) == {"2025"}
    assert (release.public / "index.html").is_file()
