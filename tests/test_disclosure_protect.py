"""Protection of a release: what is withheld, what stays, and that nothing withheld can be calculated."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

import uncac_metrics as um
from uncac_metrics.disclosure import protect
from uncac_metrics.model import Faults

BLANK = ["value", "std_error", "lower", "upper", "df", "n", "n_eligible", "n_psu", "events", "deff", "cv"]


def release(people: pd.DataFrame, indicators: dict[str, str], by=("sex", "area"), crossed=False) -> pd.DataFrame:
    """Estimates of shares with counts, for the total, each breakdown, and the cross of both."""
    cuts = [[], *[[b] for b in by], *([list(by)] if crossed else [])]
    rows = []
    for name, column in indicators.items():
        for cut in cuts:
            groups = people.groupby(cut) if cut else [((), people)]
            for key, part in groups:
                at = dict(zip(cut, key, strict=True))
                rows.append({
                    "indicator": name, "dataset": "s", "statistic": "proportion", "ref_area": "XXA",
                    "time_period": "2025", **{b: at.get(b, "_T") for b in by},
                    "value": 100 * part[column].mean(), "std_error": 1.0, "lower": 0.0, "upper": 9.0,
                    "df": 9.0, "n": len(part), "n_eligible": len(part), "n_psu": 3, "events": float(part[column].sum()),
                    "denominator": "adults", "deff": 1.0, "cv": 0.1, "unit": "%", "obs_status": "A",
                    "conf_status": "F", "display": "shown", "reason": "", "quality": "",
                })  # fmt: skip
    return pd.DataFrame(rows)


def people_of(counts: dict, seed=0) -> pd.DataFrame:
    """`counts`: (sex, area) -> (answers, events of the first, events of the second indicator)."""
    rows = []
    for (sex, area), (n, *events) in counts.items():
        for i in range(n):
            rows.append({"sex": sex, "area": area, **{f"y{k}": int(i < e) for k, e in enumerate(events)}})
    return pd.DataFrame(rows)


TWO = people_of({
    ("F", "N"): (40, 10, 9), ("F", "S"): (50, 12, 20), ("M", "N"): (60, 11, 10),
    ("M", "S"): (3, 1, 2), ("M", "E"): (30, 8, 9), ("F", "E"): (33, 9, 7),
})  # fmt: skip


def attacker(done: pd.DataFrame, indicator: str, target: dict, what: str, people: pd.DataFrame) -> tuple[float, float]:
    """Range of one number by a programme over the (sex, area) cells of one indicator, made independently."""
    rows = done[done["indicator"] == indicator]
    inner = people.groupby(["sex", "area"]).size().index.tolist()
    size = len(inner)
    equal, right = [], []
    for _, row in rows.iterrows():
        take = np.array([row["sex"] in ("_T", s) and row["area"] in ("_T", a) for s, a in inner], dtype=float)
        if pd.notna(row["n"]):
            equal.append(np.concatenate([take, take]))
            right.append(row["n"])
            equal.append(np.concatenate([take, 0 * take]))
            right.append(row["events"])
    goal = np.array([target["sex"] in ("_T", s) and target["area"] in ("_T", a) for s, a in inner], dtype=float)
    goal = np.concatenate([goal, goal if what == "n" else np.zeros(size)])
    ends = []
    for sign in (1, -1):
        found = linprog(sign * goal, A_eq=np.array(equal), b_eq=right, bounds=(0, None))
        ends.append(sign * found.fun if found.status == 0 else -sign * np.inf)
    return tuple(ends)


def test_a_small_cell_goes_with_all_that_would_give_it_away():
    rows = release(TWO, {"A": "y0", "B": "y1"}, crossed=True)
    done = protect(rows)
    table = done.estimates
    small = (table["sex"] == "M") & (table["area"] == "S")
    assert table.loc[small, "conf_status"].tolist() == ["C", "C"]
    held = table["display"] == "withheld"
    assert table.loc[held, BLANK].isna().all(axis=None)
    assert table.loc[~held, BLANK].notna().all(axis=None)
    pd.testing.assert_frame_equal(
        table.loc[~held].astype(dict.fromkeys(BLANK, float)), rows.loc[~held].astype(dict.fromkeys(BLANK, float))
    )
    assert done.audit["safe"].astype(bool).all()
    # both indicators show the same answers, so both lose the same cells
    lost = [set(map(tuple, table.loc[held & (table["indicator"] == i), ["sex", "area"]].to_numpy())) for i in "AB"]
    assert lost[0] == lost[1]
    assert len(lost[0]) >= 4
    for what, true in (("n", 3), ("events", 1)):
        low, high = attacker(table, "A", {"sex": "M", "area": "S"}, what, TWO)
        assert low <= true - 1 + 1e-6
        assert high >= true + 1 - 1e-6


def test_few_events_in_one_indicator_leave_the_other_alone():
    people = people_of(
        {("F", "N"): (40, 10, 9), ("F", "S"): (50, 2, 20), ("M", "N"): (60, 11, 10), ("M", "S"): (45, 9, 9)}
    )
    table = protect(release(people, {"A": "y0", "B": "y1"}, crossed=True)).estimates
    assert (table.loc[table["indicator"] == "B", "display"] == "shown").all()
    first = table[table["indicator"] == "A"]
    assert first["display"].eq("withheld").sum() == 4
    assert first.loc[first["conf_status"] == "C", ["sex", "area"]].to_numpy().tolist() == [["F", "S"]]
    low, high = attacker(first, "A", {"sex": "F", "area": "S"}, "events", people)
    assert (low <= 1, high >= 3) == (True, True)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(st.lists(st.tuples(st.integers(1, 30), st.floats(0, 1), st.floats(0, 1)), min_size=6, max_size=6))
def test_nothing_withheld_can_be_calculated(cells):
    counts = {}
    for (sex, area), (n, p, q) in zip([(s, a) for s in "FM" for a in "NSE"], cells, strict=True):
        counts[sex, area] = (n, int(n * p), int(n * q))
    people = people_of(counts)
    rows = release(people, {"A": "y0", "B": "y1"}, crossed=True)
    done = protect(rows)
    table = done.estimates
    few = (rows["n"] < 5) | rows["events"].between(1, 4) | (rows["n"] - rows["events"]).between(1, 4)
    assert (table.loc[few, "conf_status"] == "C").all()
    assert (table.loc[~few, "conf_status"] != "C").all()
    assert done.audit["safe"].astype(bool).all()
    for i in np.flatnonzero((rows["n"] < 5) & few):
        row = rows.loc[i]
        low, high = attacker(table, row["indicator"], row, "n", people)
        assert low <= row["n"] - 1 + 1e-6
        assert high >= row["n"] + 1 - 1e-6


def test_overlapping_items_are_no_parts_of_a_sum():
    base = release(TWO, {"A": "y0"}, by=("sex",))
    items = base.iloc[[0, 0]].assign(official=["police", "judge"], n=[150, 3], events=[40.0, 1.0])
    rows = pd.concat([base.assign(official="_T"), items], ignore_index=True)
    table = protect(rows).estimates
    assert table["display"].tolist() == ["shown"] * 4 + ["withheld"]


def test_order_of_rows_and_other_data_sets_change_nothing():
    rows = release(TWO, {"A": "y0", "B": "y1"}, crossed=True)
    rows = pd.concat([rows, rows.assign(dataset="t", n=rows["n"] + 100)], ignore_index=True)
    one = protect(rows).estimates
    mixed = protect(rows.sample(frac=1, random_state=4)).estimates.sort_index()
    pd.testing.assert_frame_equal(one, mixed)
    alone = protect(rows[rows["dataset"] == "s"]).estimates
    pd.testing.assert_frame_equal(one[one["dataset"] == "s"], alone)


def test_extremes_public_bases_and_rounding():
    people = people_of({("F", "N"): (12, 12), ("F", "S"): (50, 20), ("M", "N"): (60, 21), ("M", "S"): (45, 19)})
    rows = release(people, {"A": "y0"}, crossed=True)
    assert (protect(rows).estimates["display"] == "shown").all()
    done = protect(rows, extremes=20)
    assert done.cells.loc[done.cells["status"] == "primary", ["sex", "area", "rule"]].to_numpy().tolist() == [
        ["F", "N", "extreme"]
    ]  # fmt: skip
    assert done.audit["safe"].astype(bool).all()
    small = rows.assign(denominator="figures", n=1, events=np.nan)
    assert (protect(small).estimates["display"] == "shown").all()
    assert (protect(small, public=()).estimates["display"] == "withheld").all()
    rounded = protect(rows, rounding=5).estimates
    assert (rounded[["n", "n_eligible", "events"]] % 5 == 0).all(axis=None)
    assert (rounded["value"] == rows["value"]).all()


def test_differences_between_releases():
    rows = release(TWO, {"A": "y0"}, crossed=True)
    # three persons of one cell were not in the last release: the difference tells of them
    late = people_of({("F", "N"): (37, 9, 9), ("F", "S"): (50, 12, 20), ("M", "N"): (60, 11, 10),
                      ("M", "E"): (30, 8, 9), ("F", "E"): (33, 9, 7), ("M", "S"): (3, 1, 2)})  # fmt: skip
    last = release(late, {"A": "y0"}, crossed=True)
    done = protect(rows, previous=last)
    grown = done.cells[done.cells["rule"] == "difference"]
    assert {("F", "N"), ("F", "_T"), ("_T", "N"), ("_T", "_T")} == set(map(tuple, grown[["sex", "area"]].to_numpy()))
    told = done.differences.set_index(["sex", "area"])
    assert told.loc[("M", "S"), ["n", "n_before"]].tolist() == [3, 3]
    assert told.loc[("F", "N"), ["n", "n_before"]].tolist() == [40, 37]
    # what was given before and is as it was cannot be hidden, and the audit says so
    held = done.audit[(done.audit["sex"] == "M") & (done.audit["area"] == "S") & (done.audit["cell"] == "answers")]
    assert held[["low", "high"]].to_numpy().tolist() == [[3, 3]]
    assert not held["safe"].any()
    # when it was withheld then too, nothing is known of it
    first = protect(last).estimates
    again = protect(rows.assign(n=rows["n"]), previous=first)
    assert again.differences.query("sex == 'M' and area == 'S'").empty


def test_unchanged_numbers_are_not_used_for_protection():
    rows = release(TWO, {"A": "y0"}, crossed=True)
    before = rows[(rows["sex"] == "F") & (rows["area"] == "S")]
    done = protect(rows, previous=before).estimates
    kept = done[(done["sex"] == "F") & (done["area"] == "S")]
    assert kept["conf_status"].tolist() != ["C"]
    plain = protect(rows)
    known = protect(rows, previous=before)
    assert known.audit["safe"].astype(bool).all()
    assert len(known.cells) >= len(plain.cells)


def test_faults():
    rows = release(TWO, {"A": "y0"})
    with pytest.raises(Faults, match="no such column"):
        protect(rows.drop(columns="n"))
    with pytest.raises(Faults, match="same key"):
        protect(pd.concat([rows, rows.iloc[:1]]))


def test_a_survey_of_the_example_office():
    found = um.estimate(["BR-01", "BR-02"], "population_2025", by=["sex", "area"]).table
    done = protect(found, minimum=10)
    table = done.estimates
    events, others = found["events"], found["n"] - found["events"]
    few = (found["n"].between(1, 9) | events.between(1, 9) | others.between(1, 9)).to_numpy()
    assert few.any()
    assert (table.loc[few, "conf_status"] == "C").all()
    assert not (table.loc[~few, "conf_status"] == "C").any()
    assert (table.loc[table["conf_status"] == "D", "display"] == "withheld").all()
    assert len(done.audit) >= few.sum()
    assert done.audit["safe"].astype(bool).all()
    held = (table["display"] == "withheld").to_numpy()
    assert table.loc[held, BLANK].isna().all(axis=None)
    # what is shown is as it was
    assert (table.loc[~held, "n"] == found.loc[~held, "n"]).all()
    # by sums over the rows that are shown alone, no withheld number of events can be made out
    for name, rows in table.groupby("indicator"):
        true = found[found["indicator"] == name]
        inner = true[(true["sex"] != "_T") & (true["area"] != "_T")]
        keys = list(zip(inner["sex"], inner["area"], strict=True))
        for _, row in true[few[true.index]].iterrows():
            low, high = _events(rows, keys, row)
            assert low <= row["events"] - 1 + 1e-6 or row["events"] == 0
            assert high >= row["events"] + 1 - 1e-6


def _events(rows: pd.DataFrame, keys: list, target: pd.Series) -> tuple[float, float]:
    """Range of a number of events that agrees with the rows shown."""

    def within(row):
        return np.array([row["sex"] in ("_T", s) and row["area"] in ("_T", a) for s, a in keys], dtype=float)

    shown = rows[rows["events"].notna()]
    matrix = np.array([within(row) for _, row in shown.iterrows()])
    ends = []
    for sign in (1, -1):
        found = linprog(sign * within(target), A_eq=matrix, b_eq=shown["events"], bounds=(0, None))
        ends.append(sign * found.fun if found.status == 0 else -sign * np.inf)
    return ends[0], ends[1]
