"""Shapes, the fast validation, and its agreement with pandera's own."""

import datetime
import importlib

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from uncac_metrics import model, rules, tables
from uncac_metrics.model import BREAKDOWNS, ESTIMATE_LEADING, ESTIMATE_VALUES, Faults
from uncac_metrics.shapes import ESTIMATES, SHAPES, matching, paired
from uncac_metrics.values import canonical, conform, levels, parse

POPULATION = SHAPES["population_survey"]


def survey(**columns):
    """Four valid rows, with some columns replaced or added."""
    base = {
        "weight": [1.0, 2.0, 0.0, 1.5],
        "psu": pd.Series(["a", "a", "b", None], dtype="str"),
        "sex": pd.Categorical(["F", "M", None, "O"]),
        "contact": pd.array([1, 1, 0, None], "Int8"),
        "paid": pd.array([1, 0, 0, None], "Int8"),
        "paid__police": pd.array([1, 0, 0, None], "Int8"),
        "bribes": [2.0, 0.0, 0.0, np.nan],
    }
    return pd.DataFrame({k: v for k, v in {**base, **columns}.items() if v is not None})


def faults_of(frame, shape=POPULATION, **options):
    with pytest.raises(Faults) as caught:
        tables.validate(frame, shape, file="survey", **options)
    return caught.value.faults


# --- the shapes themselves


@pytest.mark.parametrize("shape", [*SHAPES.values(), ESTIMATES], ids=lambda s: s.id)
def test_a_shape_is_consistent(shape):
    names = [c.name for c in shape.columns]
    assert len(set(names)) == len(names)
    assert all(c.label for c in shape.columns)
    kinds = {"yes_no", "number", "count", "amount", "code", "currency", "date", "text", "weight"}
    assert {c.kind for c in shape.columns} <= kinds
    spoken = {n for pair in (*shape.zeros, *shape.within, *shape.ordered, *shape.needs) for n in pair}
    spoken |= {*shape.derived, *shape.key}
    taken = {operand for rule in shape.derived.values() for operand in rule[rules.maker(rule)]}
    assert spoken <= set(names)
    assert all(shape.column(name) for name in taken)
    assert set(shape.sources) <= set(model.SOURCE_KINDS)
    assert bool(shape.sources) == (shape is not ESTIMATES)
    dates = {c.name for c in shape.columns if c.kind == "date"}
    assert all((low in dates) == (high in dates) for low, high in shape.ordered)
    money = {c.name for c in shape.columns if c.kind == "amount"}
    assert {(name, "currency") for name in money} <= set(shape.needs)
    for column, gate in shape.zeros:
        assert shape.column(gate.replace("*", "x")).kind == "yes_no"
        assert shape.column(column.replace("*", "x")).kind in ("yes_no", *tables.NUMBERS)


def test_estimates_have_the_columns_of_the_model_in_order():
    names = tuple(c.name for c in ESTIMATES.columns)
    assert names == (*ESTIMATE_LEADING, *BREAKDOWNS, *ESTIMATE_VALUES)


def test_items_are_matched_and_paired():
    names = ["paid", "paid__police", "paid__", "contact__police", "paid_or_asked__police"]
    assert matching("paid__*", names) == ["paid__police"]
    assert matching("sex", names) == []
    assert paired([("paid__*", "contact__*"), ("paid__*", "contact")], names) == [("paid__police", "contact__police")]
    assert POPULATION.column("paid__") is None


# --- validation


def test_a_valid_table_passes_and_is_returned_itself():
    frame = survey()
    assert tables.validate(frame, POPULATION) is frame
    assert len(tables.schema(POPULATION).validate(frame, lazy=True)) == 4


def test_all_faults_come_at_once_with_rows_and_remedies():
    frame = survey(
        weight=[1.0, -2.0, np.nan, np.inf],
        sex=pd.Categorical(["F", "female", "M", "female"]),
        paid=pd.array([1, 0, 1, 3], "Int8"),
        gender=["F"] * 4,
    )
    found = {(f.where, f.what): f for f in faults_of(frame)}
    assert {w for w, _ in found} == {"weight", "sex", "paid", "gender"}
    assert found["weight", "-2.0 is below 0"].rows == (2,)
    assert found["weight", "is missing"].rows == (3,)
    assert found["weight", "is infinite"].rows == (4,)
    sex = found["sex", "'female' is not a code of the column"]
    assert sex.rows == (2, 4) and sex.count == 2 and "F, M, O" in sex.remedy
    assert found["paid", "3 is neither 1 nor 0"].rows == (4,)
    assert found["paid", "holds something where contact is 0"].rows == (3,)


def test_an_unknown_column_names_the_nearest():
    (fault,) = faults_of(survey(wieght=[1.0] * 4))
    assert fault.where == "wieght" and "'weight'" in fault.remedy
    (fault,) = faults_of(survey(weight=None).rename(columns={"psu": "weigth"})[["weigth"]], strict=False)
    assert fault.where == "weight" and "'weigth'" in fault.remedy


def test_wrong_dtypes_are_named():
    frame = survey(weight=["1", "2", "3", "4"], paid=[1.0, 0.0, 0.0, np.nan], sex=["F", "M", "M", "F"])
    assert [(f.where, f.what) for f in faults_of(frame)] == [
        ("weight", "holds str where float64 is due"),
        ("sex", "holds str where category is due"),
        ("paid", "holds float64 where Int8 is due"),
    ]


def test_a_column_that_stands_twice_is_a_fault():
    frame = survey()
    frame.columns = ["weight", "psu", "sex", "contact", "paid", "paid", "bribes"]
    (fault,) = faults_of(frame)
    assert fault.where == "paid" and "twice" in fault.what


def test_the_key_must_be_unique_and_complete():
    frame = survey(respondent=pd.Series(["1", "2", "1", None], dtype="str"))
    found = {f.what: f.rows for f in faults_of(frame)}
    assert found == {"rows have the same key": (1, 3), "is missing": (4,)}


@pytest.mark.parametrize(
    ("name", "gate"),
    [("paid__police", "contact"), ("bribes", "paid"), ("refused", "asked"), ("modality", "paid")],
)
def test_nothing_is_held_behind_a_closed_gate(name, gate):
    column = POPULATION.column(name)
    one = pd.Categorical(["explicit"]) if column.kind == "code" else pd.array([1], tables._DTYPE[column.kind])
    frame = pd.DataFrame({"weight": [1.0], name: one, gate: pd.array([0], "Int8")})
    assert [(f.where, f.what) for f in faults_of(frame)] == [(name, f"holds something where {gate} is 0")]
    frame[gate] = pd.array([None], "Int8")
    tables.validate(frame, POPULATION)


def test_bounds_of_a_published_interval_hold_the_figure():
    rows = pd.DataFrame({"series": ["S"] * 3, "ref_area": ["A", "B", "C"], "time_period": "2020",
                         "value": [5.0, 5.0, np.nan], "lower": [4.0, 6.0, 1.0], "upper": [6.0, 7.0, 0.5]})  # fmt: skip
    frame = conform(rows, SHAPES["official_series"], file="rows")
    (fault,) = faults_of(frame, SHAPES["official_series"])
    assert (fault.where, fault.what, fault.rows) == ("lower", "is above value", (2,))


def test_pandera_judges_no_more_rows_than_the_limit(monkeypatch):
    seen = []
    real = tables.schema

    def spy(*args, **options):
        made = real(*args, **options)
        validate = made.validate
        made.validate = lambda frame, **more: (seen.append(len(frame)), validate(frame, **more))[1]
        return made

    monkeypatch.setattr(tables, "schema", spy)
    rows = 5000
    frame = pd.DataFrame({"weight": np.full(rows, -1.0), "bribes": np.full(rows, -1.0)})
    found = faults_of(frame, limit=100)
    assert [f.count for f in found] == [rows, rows] and found[0].rows == (1, 2, 3, 4, 5)
    assert len(seen) == 1 and 0 < seen[0] <= 100


# --- records: dates, amounts, currencies


REQUESTS = SHAPES["cooperation_requests"]


def requests(**columns):
    base = {
        "request": ["a", "b", "c"],
        "date_received": ["2024-01-10", "2024-02-01", ""],
        "date_completed": ["2024-03-01", "", ""],
        "value": [1000.0, None, 5.0],
        "currency": ["EUR", "", "USD"],
    }
    return conform(pd.DataFrame({k: v for k, v in {**base, **columns}.items() if v is not None}), REQUESTS, file="rows")


def test_valid_records_pass():
    frame = requests()
    assert frame.dtypes.astype(str).to_dict() == {
        "request": "str", "date_received": "datetime64[us]", "date_completed": "datetime64[us]",
        "value": "float64", "currency": "category",
    }  # fmt: skip
    assert tables.validate(frame, REQUESTS) is frame
    assert len(tables.schema(REQUESTS).validate(frame, lazy=True)) == 3


@pytest.mark.parametrize(
    ("columns", "where", "what", "rows"),
    [
        ({"date_completed": ["2024-01-09", "", ""]}, "date_received", "is after date_completed", (1,)),
        ({"currency": ["EUR", "", "usd"]}, "currency", "'usd' is not a currency", (3,)),
        ({"currency": ["EUR", "", ""]}, "value", "has a value where currency has none", (3,)),
        ({"currency": None}, "value", "has a value where currency has none", (1, 3)),
        ({"value": [-1.0, None, 5.0]}, "value", "-1.0 is below 0", (1,)),
        ({"request": ["a", "b", "a"]}, "request", "rows have the same key", (1, 3)),
    ],
)
def test_faults_of_records(columns, where, what, rows):
    frame = requests(**{k: v for k, v in columns.items() if k != "currency"})
    if "currency" in columns:
        frame = frame.drop(columns="currency")
        if columns["currency"]:
            frame["currency"] = pd.Categorical([c or None for c in columns["currency"]])
    (fault,) = faults_of(frame, REQUESTS)
    assert (fault.where, fault.what, fault.rows) == (where, what, rows)


def test_a_date_of_the_wrong_dtype_is_named():
    frame = requests().astype({"date_received": "str"})
    (fault,) = faults_of(frame, REQUESTS)
    assert (fault.where, fault.what) == ("date_received", "holds str where datetime64[us] is due")


YES_NO = st.sampled_from([0, 1, 2, None])


@st.composite
def frames(draw):
    rows = draw(st.integers(1, 6))

    def column(values):
        return draw(st.lists(values, min_size=rows, max_size=rows))

    whole = {
        "weight": column(st.sampled_from([1.0, 0.0, -1.0, np.inf, np.nan])),
        "sex": pd.Categorical(column(st.sampled_from(["F", "M", "X", None])), ["F", "M", "X"]),
        "urbanisation": pd.Series(column(st.sampled_from(["U", "R", 3])), dtype=object),
        "psu": pd.Series(column(st.sampled_from(["a", "b", None, 7])), dtype=object),
        "contact": pd.array(column(YES_NO), "Int8"),
        "paid__police": pd.array(column(YES_NO), "Int8"),
        "paid__": pd.array(column(YES_NO), "Int8"),
        "bribes": column(st.sampled_from([0.0, 3.0, -3.0, np.nan])),
        "amount": column(st.sampled_from([0, 1])),
        "other": column(st.just(1)),
    }
    kept = draw(st.sets(st.sampled_from(sorted(whole))))
    return pd.DataFrame({k: v for k, v in whole.items() if k in kept}, index=range(rows))


@settings(deadline=None, max_examples=80)
@given(frames())
def test_it_agrees_with_panderas_own_validation(frame):
    try:
        tables.schema(POPULATION).validate(frame, lazy=True)
        theirs = set()
    except importlib.import_module("pandera.errors").SchemaErrors as error:
        cases = error.failure_cases
        by_column = set(cases.loc[cases["schema_context"] == "Column", "column"].dropna())
        checks = set(cases.loc[cases["check"].isin(["column_in_schema", "column_in_dataframe"]), "failure_case"])
        theirs = by_column | checks
        whole = set(cases["check"]) & {"outside", "unordered", "repeated"}
    else:
        whole = set()
    try:
        tables.validate(frame, POPULATION, limit=2)
        ours = []
    except Faults as error:
        ours = error.faults
    between = [f for f in ours if "where" in f.what and "due" not in f.what]
    assert {f.where for f in ours if f not in between} == theirs
    sound = not ({"contact", "paid__police", "bribes"} & {f.where for f in ours if f not in between})
    if sound:
        assert bool(between) == bool(whole)


# --- results


def results(**columns):
    row = dict.fromkeys((*ESTIMATE_LEADING, "unit", "reason", "quality", "method", "interval"), "x")
    row |= dict.fromkeys(("value", "n", "n_eligible"), 5) | {"std_error": 1.0, "lower": 4.0, "upper": 6.0}
    row |= {"conf_level": 0.95, "df": 10.0, "n_psu": 3, "events": 2, "denominator": "adults", "deff": 1.0}
    row |= {"cv": 0.2, "obs_status": "A", "conf_status": "F", "display": "shown"}
    return pd.DataFrame([row | {"sex": s} for s in ("_T", "F")]).assign(**columns)


def test_valid_results_pass():
    frame = results()
    assert tables.validate_estimates(frame) is frame
    tables.estimates_schema().validate(frame, lazy=True)
    tables.validate_estimates(results(value=np.nan, lower=np.nan, upper=np.inf, n=pd.array([5, None], "Int64")))


@pytest.mark.parametrize(
    ("columns", "where", "what"),
    [
        ({"sex": "_T"}, "dataset, indicator, statistic, ref_area, time_period, sex", "same key"),
        ({"sex": None}, "sex", "is missing"),
        ({"display": "hidden"}, "display", "'hidden' is not a code"),
        ({"conf_level": 1.0}, "conf_level", "not below 1"),
        ({"conf_level": 0.0}, "conf_level", "not above 0"),
        ({"lower": 5.5}, "lower", "above value"),
        ({"upper": 4.5}, "value", "above upper"),
        ({"n": 6}, "n", "above n_eligible"),
        ({"std_error": -1.0}, "std_error", "below 0"),
        ({"value": "5"}, "value", "holds str where numbers is due"),
        ({"colour": "red"}, "colour", "no such column"),
    ],
)
def test_faults_of_results(columns, where, what):
    with pytest.raises(Faults) as caught:
        tables.validate_estimates(results(**columns))
    fault = next(f for f in caught.value.faults if f.where == where)
    assert what in fault.what


def test_a_free_breakdown_is_allowed_where_it_is_asked_for_and_belongs_to_the_key():
    frame = results(colour=["red", "blue"], sex="_T")
    tables.validate_estimates(frame, strict=False)
    with pytest.raises(Faults, match="colour"):
        tables.validate_estimates(frame)


def test_a_missing_column_of_the_results_is_named():
    with pytest.raises(Faults, match="std_error: the column is missing"):
        tables.validate_estimates(results().drop(columns="std_error"))


# --- values


@settings(deadline=None)
@given(st.integers(-(10**6), 10**6))
def test_equal_numbers_have_one_text(number):
    forms = (number, float(number), np.int64(number), str(number), f"{number}.0", f" {number} ")
    texts = {canonical(v) for v in forms}
    assert texts == {str(number)}


@pytest.mark.parametrize("text", ["01", "NA", "NO", "1e3", "1,5", "-", ".5", "+1"])
def test_other_text_stays(text):
    assert canonical(text) == text


DAY = model.Column("day", "date", "Day")


@pytest.mark.parametrize(
    ("value", "style", "expected"),
    [
        ("2025-03-01", "", "2025-03-01"),
        ("2025-03-01 00:00:00", "", "2025-03-01"),
        (pd.Timestamp(2025, 3, 1), "", "2025-03-01"),
        (datetime.date(2025, 3, 1), "", "2025-03-01"),
        ("01/03/2025", "%d/%m/%Y", "2025-03-01"),
        ("2025", "%Y", "2025-01-01"),
        ("01/03/2025", "", None),
        ("2025-02-29", "", None),
        ("2025", "", None),
        ("soon", "", None),
    ],
)
def test_days_are_read_in_one_form_and_never_guessed(value, style, expected):
    read = parse(canonical(value), DAY, style)
    assert read == (None if expected is None else datetime.date.fromisoformat(expected))


def test_a_day_with_the_time_of_day_loses_it():
    shape = model.Shape("own", "Own", "row", (DAY,))
    times = pd.Series(pd.to_datetime(["2025-03-01 18:30", None]))
    assert conform(times.to_frame("day"), shape, file="x")["day"].tolist() == [pd.Timestamp(2025, 3, 1), pd.NaT]


def test_levels_join_what_is_equal_and_leave_out_what_is_empty():
    codes, texts = levels(pd.Series(["1", "1.0", "", None, " 2"], dtype=object))
    assert codes.tolist() == [0, 0, -1, -1, 1] and texts == ["1", "2"]
    codes, texts = levels(pd.Series(pd.Categorical(["b", None, "a"])))
    assert [texts[c] if c >= 0 else None for c in codes] == ["b", None, "a"]


def test_conform_names_values_that_cannot_stand():
    rows = pd.DataFrame({"weight": ["1", "x", "inf"], "paid": ["yes", "1", "0"], "sex": ["F", "f", ""]})
    with pytest.raises(Faults) as caught:
        conform(rows, POPULATION, file="rows")
    assert {f.where: f.rows for f in caught.value.faults} == {"weight": (2, 3), "paid": (1,), "sex": (2,)}


def test_a_shape_may_be_made_by_a_user():
    shape = model.Shape("own", "Own", "row", (model.Column("x", "number", "X", low=0, high=1, open=True),))
    with pytest.raises(Faults, match="is not above 0"):
        tables.validate(pd.DataFrame({"x": [0.5, 0.0]}), shape)
