"""Declared rules: what each makes of a file, and what is refused."""

import itertools
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from uncac_metrics import derived, mapping, rules
from uncac_metrics.model import Faults, Source
from uncac_metrics.shapes import SHAPES

POPULATION, BUSINESS = SHAPES["population_survey"], SHAPES["business_survey"]
SOURCE = Source("demo", "", "", "", "", "population_survey", "data.csv", "", "", file="source.toml")
ONE = {"weight": {"value": 1}}


def applied(raw, columns, *, shape=POPULATION, missing=(), labels=None):
    source = replace(SOURCE, columns=ONE | columns, missing=tuple(missing))
    return mapping.apply(pd.DataFrame(raw), source, shape, labels=labels)


def made(raw, rule, name="paid", **options):
    """Values of one mapped column, None where missing."""
    series = applied(raw, {name: rule}, **options)[name]
    return [None if pd.isna(v) else v for v in series]


def faults_of(raw, columns, **options):
    with pytest.raises(Faults) as caught:
        applied(raw, columns, **options)
    return caught.value.faults


# --- one column from one column


@pytest.mark.parametrize(
    ("raw", "rule", "expected"),
    [
        ([1, 0, None], {"from": "q"}, [1, 0, None]),
        ([1.0, 2.0, np.nan], {"from": "q", "yes": [1], "no": [2]}, [1, 0, None]),
        (["1", "2.0", ""], {"from": "q", "yes": [1], "no": [2]}, [1, 0, None]),
        (["sí", "no", "NA"], {"from": "q", "yes": ["sí"], "no": ["no"], "missing": ["NA"]}, [1, 0, None]),
        ([1, 2, 3, 7], {"from": "q", "yes": [1, 2], "no": [3], "other": "missing"}, [1, 1, 0, None]),
        ([1, 2, 9], {"from": "q", "recode": {"1": 1, "2": 0}, "missing": [9]}, [1, 0, None]),
        ([True, False, True], {"from": "q"}, [1, 0, 1]),
        ([5, 0, 1], {"from": "q", "recode": {"5": 1}, "other": "keep"}, [1, 0, 1]),
    ],
)
def test_yes_no(raw, rule, expected):
    assert made({"q": raw}, rule) == expected


def test_dtypes_are_those_of_the_shape():
    raw = {"w": [1, 2], "s": ["01", "02"], "g": [1, 2], "n": [0, 3], "p": [0, 1], "a": ["5", "x"]}
    table = applied(raw, {
        "weight": {"from": "w"}, "stratum": {"from": "s"}, "sex": {"from": "g", "recode": {"1": "M", "2": "F"}},
        "bribes": {"from": "n"}, "paid": {"from": "p"}, "area": {"from": "a"},
    })  # fmt: skip
    assert table.dtypes.astype(str).to_dict() == {
        "weight": "float64", "stratum": "str", "sex": "category", "bribes": "float64", "paid": "Int8",
        "area": "category",
    }  # fmt: skip
    assert list(table["sex"].cat.categories) == ["F", "M", "O"]
    assert list(table["stratum"]) == ["01", "02"] and list(table["area"]) == ["5", "x"]


def test_the_own_name_is_the_default():
    assert made({"paid": [1, 0]}, {}) == [1, 0]


def test_text_codes_survive():
    assert made({"q": ["NA", "NO", "01", "1", ""]}, {"from": "q"}, "area") == ["NA", "NO", "01", "1", None]


def test_numbers():
    raw = {"q": ["100", "2.5", "", "-9"]}
    assert made(raw, {"from": "q", "missing": [-9]}, "amount") == [100.0, 2.5, None, None]
    assert made({"q": [1.0, np.nan, 3.0]}, {"from": "q", "scale": 0.5}, "amount") == [0.5, None, 1.5]
    assert made({"q": [1, 2]}, {"from": "q", "recode": {"1": 50, "2": 150}}, "amount") == [50.0, 150.0]
    assert made({"q": [1, 2]}, {"from": "q", "recode": {"1": 50}, "other": "keep"}, "amount") == [50.0, 2.0]


def test_value():
    assert made({"q": [5, 6]}, {"value": "U"}, "urbanisation") == ["U", "U"]


def test_bins_are_closed_on_the_left():
    rule = {"from": "q", "bins": [18, 30, float("inf")], "labels": ["young", "old"], "missing": [-1]}
    found = made({"q": [18, 29.9, 30, 99, -1, None]}, rule, "age")
    assert found == ["young", "young", "old", "old", None, None]
    (fault,) = faults_of({"q": [17, 18]}, {"age": rule})
    assert "17 lies in none of the bins" in fault.what and fault.rows == (1,)
    assert made({"q": [17, 18]}, rule | {"other": "missing"}, "age") == [None, "young"]


def test_value_labels():
    labels = {"q": {1.0: "Male", 2.0: "Female", 9.0: "Refused"}}
    rule = {"from": "q", "labels": True, "recode": {"Male": "M", "Female": "F"}, "missing": ["Refused"]}
    assert made({"q": [1, 2, 9]}, rule, "sex", labels=labels) == ["M", "F", None]
    assert made({"q": [1, 2, 4]}, {"from": "q", "labels": True}, "area", labels=labels) == ["Male", "Female", "4"]
    (fault,) = faults_of({"q": [1]}, {"sex": rule})
    assert "no value labels" in fault.what


# --- nothing is silently missing


def test_codes_that_nothing_names_are_a_fault_with_their_counts():
    labels = {"q": {8.0: "Refused"}}
    (fault,) = faults_of({"q": [1, 2, 8, 8, 7]}, {"paid": {"from": "q", "yes": [1], "no": [2]}}, labels=labels)
    assert fault.where == "columns.paid" and fault.rows == (3, 4, 5) and fault.count == 3
    assert "'8' 'Refused' (2), '7' (1)" in fault.what and "other" in fault.remedy
    (fault,) = faults_of({"q": ["12", "many"]}, {"amount": {"from": "q"}})
    assert "'many' (1)" in fault.what
    (fault,) = faults_of({"q": ["F", "X"]}, {"sex": {"from": "q"}})
    assert "'X' (1)" in fault.what and "F, M, O" in fault.remedy


def test_missing_codes_of_the_source_hold_where_the_valid_codes_are_known():
    rule = {"from": "q", "yes": [1], "no": [2]}
    assert made({"q": [1, 2, 88]}, rule, missing=[88]) == [1, 0, None]
    assert made({"q": [1, 2, 88]}, rule | {"no": [2, 88]}, missing=[88]) == [1, 0, 0]


@pytest.mark.parametrize("name", ["amount", "psu", "area"])
def test_a_missing_code_of_the_source_that_may_be_a_true_value_must_be_settled(name):
    raw = {"q": [12, 88]}
    (fault,) = faults_of(raw, {name: {"from": "q"}}, missing=[88, 98])
    assert "88 is a missing code" in fault.what and "missing = [88]" in fault.remedy
    kept, dropped = made(raw, {"from": "q", "missing": []}, name)[1], made(raw, {"from": "q", "missing": [88]}, name)[1]
    assert str(kept).startswith("88") and dropped is None
    assert made({"q": [12, 13]}, {"from": "q"}, name, missing=[88])[1] is not None


def test_age_classes_do_not_lose_the_age_that_is_also_a_missing_code():
    rule = {"from": "q", "bins": [18, 99], "labels": ["all"]}
    (fault,) = faults_of({"q": [20, 88]}, {"age": rule}, missing=[88])
    assert "may be a true value" in fault.what


# --- several columns into one

TRI = [1, 0, None]


def expected_any(values, policy):
    if 1 in values:
        return 1
    answered = [v for v in values if v is not None]
    whole = len(answered) == len(values) if policy == "strict" else bool(answered)
    return 0 if whole else None


@pytest.mark.parametrize("policy", ["strict", "ignore"])
def test_any_and_all_by_truth_table(policy):
    rows = list(itertools.product(TRI, repeat=3))
    raw = {f"q{i}": [9 if r[i] is None else 2 - r[i] for r in rows] for i in range(3)}
    rule = {"any": ["q0", "q1", "q2"], "yes": [1], "no": [2], "missing": policy, "missing_codes": [9]}
    assert made(raw, rule) == [expected_any(r, policy) for r in rows]
    negated = [[None if v is None else 1 - v for v in r] for r in rows]
    expected = [expected_any(r, policy) for r in negated]
    every = {"all": rule["any"], **{k: v for k, v in rule.items() if k != "any"}}
    assert made(raw, every) == [None if v is None else 1 - v for v in expected]


def test_any_takes_mapped_columns_and_all_items():
    raw = {"a": [1, 2, 2], "b": [2, 2, 9], "c": [1, 2, 2]}
    yes = {"yes": [1], "no": [2], "missing": [9]}
    columns = {
        "contact": {"any": ["contact__*"], "missing": "strict"},
        "contact__judge": {"from": "a", **yes},
        "contact__police": {"from": "b", **yes},
        "paid": {"any": ["contact__judge", "c"], "yes": [1], "no": [2], "missing": "strict"},
    }
    table = applied(raw, columns)
    assert table["contact"].tolist() == [1, 0, pd.NA] and table["paid"].tolist() == [1, 0, 0]
    assert list(table)[:3] == ["weight", "contact", "contact__judge"]


def test_operands_have_the_zeros_that_follow_from_their_gates():
    raw = {"c": [1, 0, 0], "p": [None, None, None], "e": [0, 0, 1]}
    columns = {
        "paid": {"any": ["paid__police", "e"], "missing": "strict"},
        "paid__police": {"from": "p"},
        "contact__police": {"from": "c"},
    }
    assert applied(raw, columns)["paid"].tolist() == [pd.NA, 0, 1]


def test_a_column_for_other_rules_only_does_not_stand_in_the_table():
    columns = {"_work": {"from": "q", "yes": [1], "no": [0, 9]}, "paid": {"any": ["_work", "r"], "missing": "strict"}}
    table = applied({"q": [9, 1], "r": [0, 0]}, columns)
    assert table["paid"].tolist() == [0, 1] and "_work" not in table


def test_answered_is_the_base():
    raw = {"a": [1, 2, 9, 9], "b": [9, 9, 9, 1], "c": [2, 2, 1, 2]}
    rule = {"any": ["a", "b", "c"], "answered": ["a", "b"], "yes": [1], "no": [2]}
    rule |= {"missing": "ignore", "missing_codes": [9]}
    assert made(raw, rule) == [1, 0, None, 1]
    rule = {"from": "c", "yes": [1], "no": [2], "answered": ["vote_offer"]}
    asked = {"from": "a", "yes": [1], "no": [2], "missing": [9]}
    table = applied(raw, {"paid": rule, "vote_offer": asked})
    assert table["paid"].tolist() == [0, 0, pd.NA, pd.NA]


def test_where_restricts_to_rows_with_a_code():
    raw = {"q": [1, 1, 2], "user": ["1", "3", "1.0"]}
    rule = {"from": "q", "yes": [1], "no": [2], "where": {"user": [1]}}
    assert made(raw, rule) == [1, None, 0]
    (fault,) = faults_of(raw, {"paid": rule | {"where": {"user": [4]}}})
    assert "no row has user = 4" in fault.what


def test_sum_and_product():
    raw = {"a": [1, 2, None], "b": [10, None, None]}
    assert made(raw, {"sum": ["a", "b"], "missing": "strict"}, "bribes") == [11.0, None, None]
    assert made(raw, {"sum": ["a", "b"], "missing": "ignore"}, "bribes") == [11.0, 2.0, None]
    raw = {"a": [2, 0, None, 3], "b": [5, None, 0, None]}
    assert made(raw, {"product": ["a", "b"]}, "amount") == [10.0, 0.0, 0.0, None]


@settings(deadline=None)
@given(st.lists(st.lists(st.sampled_from([1, 0, -1]), min_size=1, max_size=5), min_size=1, max_size=4))
def test_ignore_is_never_more_missing_than_strict_and_agrees_where_both_answer(operands):
    size = min(map(len, operands))
    arrays = [np.array(o[:size], np.int8) for o in operands]
    for how in ("any", "all"):
        strict, ignore = (derived.combine(how, arrays, p) for p in ("strict", "ignore"))
        assert (ignore[strict >= 0] == strict[strict >= 0]).all()
        assert set(strict) | set(ignore) <= {1, 0, -1}


# --- what the shape adds


def test_zeros_follow_from_closed_gates_only():
    raw = {"contact": [1, 0, None], "paid": [None] * 3, "bribes": [np.nan] * 3}
    table = applied(raw, {c: {} for c in raw})
    assert table["paid"].tolist() == [pd.NA, 0, pd.NA]
    assert table["bribes"].tolist()[1] == 0 and table["bribes"].isna().tolist() == [True, False, True]


def test_paid_or_asked_is_derived_by_item_too_unless_it_is_given():
    raw = {
        "contact": [1, 0, 1, 1], "paid": [0, None, 0, 1], "asked": [1, None, 0, None],
        "contact__police": [1, 0, 1, 1], "paid__police": [0, None, 0, 0], "asked__police": [1, 0, 0, None],
    }  # fmt: skip
    table = applied(raw, {c: {} for c in raw})
    assert table["paid_or_asked"].tolist() == [1, 0, 0, 1]
    assert table["paid_or_asked__police"].tolist() == [1, 0, 0, pd.NA]
    own = applied(raw | {"own": [1, 0, 1, 1]}, {**{c: {} for c in raw}, "paid_or_asked": {"from": "own"}})
    assert own["paid_or_asked"].tolist() == [1, 0, 1, 1]


def test_cash_value_is_bribes_times_cash_times_amount():
    raw = {"paid": [1, 1, 1, 0], "bribes": [2, 3, 2, 0], "cash": [1, 0, 1, None], "amount": [50, None, None, None]}
    table = applied(raw, {c: {} for c in raw})
    assert table["cash_value"].tolist()[:2] == [100.0, 0.0] and table["cash_value"].isna().tolist()[2:] == [True, False]
    assert table["cash_value"].iloc[3] == 0


def test_transactions_of_an_enterprise_are_counted():
    raw = {
        "transaction__water": [1, 1, 0], "transaction__tax": [1, 0, 0],
        "request__water": [1, 0, None], "request__tax": [1, None, None],
    }  # fmt: skip
    table = applied(raw, {c: {} for c in raw}, shape=BUSINESS)
    assert table["transactions"].tolist() == [2.0, 1.0, 0.0] and table["requests"].tolist() == [2.0, 0.0, 0.0]
    assert table["any_request"].tolist() == [1, 0, 0] and table["any_transaction"].tolist() == [1, 1, 0]


def test_contradictions_are_faults_of_the_data_file():
    raw = {"contact": [0, 1], "paid": [1, 0]}
    (fault,) = faults_of(raw, {c: {} for c in raw})
    assert fault.file == "data.csv" and fault.where == "paid" and fault.rows == (1,)


def test_a_source_without_rules_is_already_in_the_shape():
    source = replace(SOURCE, columns={})
    raw = pd.DataFrame({"weight": ["1", "2"], "paid": ["1", ""], "sex": ["F", "M"]})
    assert mapping.apply(raw, source, POPULATION)["paid"].tolist() == [1, pd.NA]
    with pytest.raises(Faults, match="has no such column"):
        mapping.apply(raw.assign(colour="red"), source, POPULATION)


def test_the_raw_table_is_left_as_it_was():
    raw = pd.DataFrame({"q": [88.0, 1.0], "c": [0, 0]})
    before = raw.copy()
    applied(raw, {"amount": {"from": "q", "missing": [88]}, "contact": {"from": "c"}})
    pd.testing.assert_frame_equal(raw, before)


# --- rules that are wrong


@pytest.mark.parametrize(
    ("columns", "where", "said"),
    [
        ({"piad": {"from": "q"}}, "columns.piad", "did you mean 'paid'?"),
        ({"paid": "q"}, "columns.paid", "is not a table"),
        ({"paid": {"form": "q"}}, "columns.paid.form", "did you mean 'from'?"),
        ({"paid": {"from": 3}}, "columns.paid.from", "give a text"),
        ({"paid": {"from": "q", "yes": 1}}, "columns.paid.yes", "give a list of codes"),
        ({"paid": {"any": []}}, "columns.paid.any", "give a list of column names"),
        ({"paid": {"any": ["q"]}}, "columns.paid.missing", "strict"),
        ({"paid": {"from": "q", "missing": "strict"}}, "columns.paid.missing", "give a list of codes"),
        ({"paid": {"from": "q", "any": ["r"], "missing": "strict"}}, "columns.paid", "from and any"),
        ({"amount": {"any": ["q"], "missing": "strict"}}, "columns.amount.any", "kind number"),
        ({"paid": {"sum": ["q"], "missing": "strict"}}, "columns.paid.sum", "kind yes_no"),
        ({"sex": {"from": "q", "recode": {"1": "f"}}}, "columns.sex.recode.1", "codes: F, M, O"),
        ({"sex": {"from": "q", "yes": [1]}}, "columns.sex.yes", "use recode"),
        ({"sex": {"value": "X"}}, "columns.sex.value", "cannot stand"),
        ({"paid": {"from": "q", "yes": [1], "no": ["1.0"]}}, "columns.paid", "names the code '1' twice"),
        ({"age": {"from": "q", "bins": [18, 30]}}, "columns.age.labels", "give 1 texts"),
        ({"age": {"from": "q", "bins": [30, 18], "labels": ["a"]}}, "columns.age.bins", "rising"),
        ({"age": {"from": "q", "labels": ["a"]}}, "columns.age.labels", "no bins"),
        ({"amount": {"from": "q", "bins": [0, 1], "labels": ["a"]}}, "columns.amount.bins", "classes"),
        ({"paid": {"from": "q", "scale": 2}}, "columns.paid.scale", "no meaning"),
        ({"paid": {"from": "q", "other": "drop"}}, "columns.paid.other", '"missing" or "keep"'),
        ({"paid": {"from": "q", "where": {"q": 1}}}, "columns.paid.where", "a table of lists"),
    ],
)
def test_faults_of_rules(columns, where, said):
    (fault,) = rules.check(ONE | columns, POPULATION, file="source.toml")
    assert fault.where == where and said in str(fault)


def test_rules_that_take_each_other_in_a_circle_are_named():
    circle = {"paid": "asked", "asked": "refused", "refused": "paid"}
    columns = {name: {"any": [other], "missing": "strict"} for name, other in circle.items()}
    (fault,) = rules.check(ONE | columns, POPULATION, file="source.toml")
    assert "circle" in fault.what and all(name in fault.what for name in columns)


def test_a_weight_must_be_mapped():
    (fault,) = rules.check({"paid": {"from": "q"}}, POPULATION, file="source.toml")
    assert fault.where == "columns.weight" and "{value = 1}" in fault.remedy


def test_all_faults_come_at_once():
    columns = {"paid": {"form": "q"}, "sexx": {"from": "r"}, "asked": {"any": ["q"]}}
    assert len(faults_of({"q": [1]}, columns)) == 3
    found = faults_of({"quest": [1], "r": [7], "s": ["z"]}, {"paid": {"from": "quest1"}, "asked": {"from": "t"}})
    assert [f.what for f in found] == ["the file has no column 'quest1'", "the file has no column 't'"]
    assert "'quest'" in found[0].remedy
    found = faults_of({"r": [7], "s": ["z"]}, {"paid": {"from": "r"}, "amount": {"from": "s"}})
    assert {f.where for f in found} == {"columns.paid", "columns.amount"}


def test_nothing_is_evaluated():
    rule = {"from": "q", "recode": {"1": "__import__('os').getcwd()"}}
    assert made({"q": [1]}, rule, "area") == ["__import__('os').getcwd()"]


def test_only_the_columns_that_are_taken_are_asked_of_the_file():
    columns = {
        "weight": {"from": "w"}, "paid": {"any": ["a", "asked"], "answered": ["b"], "where": {"c": [1]}},
        "asked": {}, "contact": {"any": ["contact__*"]}, "contact__x": {"from": "d"},
    }  # fmt: skip
    assert rules.file_columns(columns) == ["w", "a", "b", "c", "asked", "d"]


def test_nothing_is_derived_from_some_of_the_items_asked_about():
    rows = [{"transaction__water": 1, "transaction__tax": 1, "request__tax": 0}]
    frame = mapping.from_rows(rows, SHAPES["business_survey"], file="rows")
    assert "any_transaction" in frame and not {"any_request", "requests"} & set(frame.columns)
    rows[0]["request__water"] = 1
    frame = mapping.from_rows(rows, SHAPES["business_survey"], file="rows")
    assert frame["any_request"].tolist() == [1] and frame["requests"].tolist() == [1]


# --- records


def test_dates_are_read_as_the_rule_says():
    raw = pd.DataFrame({"id": ["a", "b"], "in": ["01/03/2025", "99"], "out": ["2025-04-01", ""]})
    columns = {
        "request": {"from": "id"},
        "date_received": {"from": "in", "dates": "%d/%m/%Y"},
        "date_completed": {"from": "out"},
        "date_observed": {"value": "2025-12-31"},
    }
    shape, source = SHAPES["cooperation_requests"], replace(SOURCE, missing=(99,))
    table = mapping.apply(raw, replace(source, columns=columns), shape)
    assert table["date_received"].dt.strftime("%F").tolist()[0] == "2025-03-01"
    assert table["date_received"].isna().tolist() == [False, True]
    assert table["date_observed"].tolist() == [pd.Timestamp(2025, 12, 31)] * 2
    columns["date_received"] = {"from": "in"}
    with pytest.raises(Faults, match=r"'01/03/2025' \(1\) cannot stand in a column of kind date .* dates ="):
        mapping.apply(raw, replace(source, columns=columns), shape)


def test_the_form_of_dates_is_for_dates_only():
    (fault,) = rules.check({"outcome": {"dates": "%Y"}}, SHAPES["cooperation_requests"], file="f")
    assert (fault.where, fault.what) == ("columns.outcome.dates", "has no meaning for a column of kind code")


def test_what_is_late_follows_from_the_days():
    rows = [
        {"date_due": "2025-03-31", "date_submitted": "2025-03-31"},
        {"date_due": "2025-03-31", "date_submitted": "2025-04-01"},
        {"date_due": "2025-03-31"},
        {"date_due": "2026-03-31"},
        {"date_submitted": "2025-04-01"},
    ]
    seen = [row | {"date_observed": "2025-12-31"} for row in rows]
    shape = SHAPES["declarations"]
    table = mapping.from_rows(seen, shape, file="case")
    assert table["on_time"].astype(object).where(table["on_time"].notna(), None).tolist() == [1, 0, 0, None, None]
    assert table["submitted"].tolist() == [1, 1, 0, 0, 1]
    table = mapping.from_rows(rows, shape, file="case")
    assert table["on_time"].isna().tolist() == [False, False, True, True, True]


def test_yes_and_no_follow_from_codes_and_numbers():
    rows = [
        {"procurement_method": "open", "bids": 1, "notice": 1},
        {"procurement_method": "direct", "bids": 3, "notice": 0},
        {"bids": 0},
    ]
    table = mapping.from_rows(rows, SHAPES["contracts"], file="case")
    answers = table[["single_bid", "competitive", "non_open", "no_notice"]].astype("float64").to_numpy()
    expected = [[1, 1, 0, 0], [0, 0, 1, 1], [0, np.nan, np.nan, np.nan]]
    np.testing.assert_array_equal(answers, expected)
    staff = mapping.from_rows([{"sex": "F", "sanctions": 2}, {"sex": "M", "sanctions": 0}, {}], SHAPES["personnel"],
                              file="case")  # fmt: skip
    np.testing.assert_array_equal(staff[["woman", "sanctioned"]].astype("float64"), [[1, 1], [0, 0], [np.nan] * 2])
