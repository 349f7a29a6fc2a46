"""Designs declared in a ``source.toml`` and estimators named by a card.

What ``um.estimate`` gives is held against direct calls of ``stats.survey`` on frames read here with pandas (to 1e-12),
against computations written out here from the definitions (replicates, raking by iterative proportional fitting with
residuals, the full matrix of two phases, Rubin's rules, the sorted sample), and against the true values of the
simulated population (within 3.5 standard errors).
"""

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import uncac_metrics as um
from uncac_metrics._data import datasets_folder
from uncac_metrics.builds import gather
from uncac_metrics.builds.manifest import describe
from uncac_metrics.builds.plan import plan
from uncac_metrics.cards import read_card
from uncac_metrics.datasets import check_sources, load_dataset, load_source
from uncac_metrics.declared import KEYS
from uncac_metrics.designs import side_files
from uncac_metrics.estimators import design
from uncac_metrics.model import Faults
from uncac_metrics.stats import survey

FOLDER = datasets_folder() / "example" / "datasets"
EXACT = {"rel": 1e-12, "abs": 1e-14}
NUMBERS = ["value", "std_error", "lower", "upper", "df", "n", "n_eligible"]
Z = 3.5


def raw(name: str) -> pd.DataFrame:
    return pd.read_csv(FOLDER / name / "data.csv.gz")


def people(name: str) -> pd.DataFrame:
    """The file of a sample of persons with answers as 1, 0 and missing, without the library's reader."""
    data = raw(name)
    yes = {c: data[c].map({1: 1.0, 2: 0.0}) for c in ("CONTACT", "ASKED", "PAID")}
    closed = yes["CONTACT"] == 0
    asked, paid = (yes[c].mask(closed, 0.0) for c in ("ASKED", "PAID"))
    either = np.where((asked == 1) | (paid == 1), 1.0, np.where(asked.isna() | paid.isna(), np.nan, 0.0))
    sex = data["SEX"].map({1: "M", 2: "F"})
    return data.assign(contact=yes["CONTACT"], paid=paid, bribery=either, sex=sex)


def estimated(indicator: str, name: str) -> pd.DataFrame:
    table = um.estimate(indicator, name, by="sex").table
    return table.assign(**{c: table[c] / 100 for c in ("value", "std_error", "lower", "upper")})


def direct(made: survey.Design) -> pd.DataFrame:
    whole, by = (survey.ratio(made, "bribery", "contact", by=b).table for b in (None, "sex"))
    return pd.concat([whole, by], ignore_index=True)


def same(found: pd.DataFrame, expected: pd.DataFrame) -> None:
    assert len(found) == len(expected)
    for name in NUMBERS:
        assert found[name].to_numpy(float) == pytest.approx(expected[name].to_numpy(float), **EXACT), name


def near_the_truth(result: pd.DataFrame, name: str) -> None:
    true = pd.read_csv(FOLDER / name / "truth.csv", keep_default_na=False, dtype={"value": float})
    others = [c for c in true.columns if c not in ("indicator", "sex", "value", "unit")]
    true = true[(true[others] == "_T").all(axis=1)]
    both = result.merge(true[["indicator", "sex", "value"]], on=["indicator", "sex"], suffixes=("", "_true"))
    assert len(both) == len(result) and (both["std_error"] > 0).all()
    assert (abs(both["value"] - both["value_true"]) < Z * both["std_error"]).all()


# --- replicate weights of the file


def test_replicate_weights_of_the_file():
    name = "population_2025_replicates"
    data, found = people(name), estimated("BR-01", name)
    columns = [f"RW_{r:02d}" for r in range(1, 33)]
    made = survey.replicate_design(data, weight="W", replicates=columns, kind="fay", fay=0.3, df=29)
    same(found, direct(made))
    known = data.bribery.notna() & (data.contact == 1)
    for place, rows in enumerate([known, known & (data.sex == "F"), known & (data.sex == "M")]):
        weights, y = data.loc[rows, ["W", *columns]].to_numpy(), data.bribery[rows].to_numpy()
        full, *each = (weights * y[:, None]).sum(axis=0) / weights.sum(axis=0)
        assert found["value"][place] == pytest.approx(full, **EXACT)
        error = np.sqrt(np.sum((np.array(each) - np.mean(each)) ** 2) / (32 * 0.7**2))
        assert found["std_error"][place] == pytest.approx(error, rel=1e-10)
    assert found["method"].str.startswith("32 replicates (fay), centred at the replicate mean").all()
    assert (found["df"] == 29).all()


def test_replicate_weights_take_few_columns_into_the_table():
    data = load_dataset("population_2025_replicates")
    assert not [c for c in data.table.columns if c.startswith("RW")]
    assert len(data.extras.replicates) == 32 and design(data).replicates.n == 32


# --- calibration


def fitted(data: pd.DataFrame, margins: list[tuple[list[str], pd.Series]]) -> np.ndarray:
    """Iterative proportional fitting."""
    w = data.W.to_numpy(dtype=float)
    for _ in range(200):
        for columns, totals in margins:
            sums = pd.Series(w).groupby([data[c].to_numpy() for c in columns]).sum()
            factor = totals / sums
            key = pd.MultiIndex.from_frame(data[columns]) if len(columns) > 1 else data[columns[0]]
            w = w * factor.reindex(key).to_numpy()
    return w


def test_weights_raked_to_the_census():
    name = "population_2025_panel"
    data = people(name)
    data["age"] = data.AGE.map(dict(enumerate(["Y18T29", "Y30T44", "Y45T64", "Y_GE65"], start=1)))
    data["urban"] = data.UR.map({1: "U", 2: "R"})
    census = pd.read_csv(FOLDER / name / "census.csv").set_index(["sex", "age"])["population"]
    towns = pd.Series({"R": 187709, "U": 210390})
    base = survey.Design(data, weight="W", stratum="REGION")
    made = survey.rake(base, {("sex", "age"): census, "urban": towns}, bounds=(0.2, 5))
    found = estimated("BR-01", name)
    same(found, direct(made))
    # by hand: fitted weights, residuals from the margins, strata of persons
    w = fitted(data, [(["sex", "age"], census), (["urban"], towns)])
    assert design(load_dataset(name)).weight == pytest.approx(w, rel=1e-9)
    known = (data.bribery.notna() & (data.contact == 1)).to_numpy()
    value = np.sum((w * data.bribery)[known]) / w[known].sum()
    u = np.where(known, data.bribery - value, 0.0) / w[known].sum()
    cells = pd.get_dummies(data.sex + data.age).to_numpy(float)
    x = np.column_stack([cells, data.urban == "U"])
    d = data.W.to_numpy()
    fit = np.linalg.solve((x * d[:, None]).T @ x, (x * d[:, None]).T @ u)
    z = pd.Series(w * (u - x @ fit))
    groups = z.groupby(data.REGION.to_numpy())
    variance = (groups.size() * groups.var(ddof=1)).sum()
    assert found["value"][0] == pytest.approx(value, rel=1e-9)
    assert found["std_error"][0] == pytest.approx(np.sqrt(variance), rel=1e-9)
    assert "raked to sex × age, urbanisation, factors in [0.2, 5]" in found["method"][0]


def test_a_total_that_is_calibrated_to_is_exact():
    made = design(load_dataset("population_2025_panel"))
    men = survey.total(made, (made.data["sex"] == "M").rename("men")).table.iloc[0]
    assert men["value"] == pytest.approx(193_170, rel=1e-9) and men["std_error"] == pytest.approx(0, abs=1e-4)


# --- two phases


def test_two_phases():
    name = "population_2025_two_phase"
    data = people(name)
    data["inside"] = data.INTERVIEW == 1
    made = survey.two_phase(data, subset="inside", weight="W1", stratum="STRATUM", psu="PSU", stratum2="contact")
    found = estimated("BR-01", name)
    same(found, direct(made))
    # by hand: z' (D1 + D2 − D1 ∘ D2) z with all pairs written out
    second = data[data.inside]
    share = data.inside.groupby(data.contact).mean()
    w = (second.W1 / second.contact.map(share)).to_numpy()
    known = (second.bribery.notna() & (second.contact == 1)).to_numpy()
    y = np.nan_to_num(second.bribery.to_numpy())
    value = np.sum((w * y)[known]) / w[known].sum()
    z = np.where(known, w * (y - value), 0.0) / w[known].sum()
    first = data.drop_duplicates("PSU").groupby("STRATUM").size()
    n_h = second.STRATUM.map(first).to_numpy(float)
    stratum = second.STRATUM.to_numpy()[:, None] == second.STRATUM.to_numpy()
    psu = second.PSU.to_numpy()[:, None] == second.PSU.to_numpy()
    d1 = np.where(psu, 1.0, np.where(stratum, -1 / (n_h[:, None] - 1), 0.0))
    sizes = data.groupby("contact").size()
    n2 = second.contact.map(data.inside.groupby(data.contact).sum()).to_numpy(float)
    f = n2 / second.contact.map(sizes).to_numpy(float)
    cell = second.contact.to_numpy()[:, None] == second.contact.to_numpy()
    d2 = np.where(cell, -(1 - f) / (n2 - 1), 0.0)
    np.fill_diagonal(d2, 1 - f)
    # within one PSU D1 is 1: D1 + D2 − D1 ∘ D2 = 1
    variance = z @ (d1 + d2 - d1 * d2) @ z
    assert found["value"][0] == pytest.approx(value, rel=1e-12)
    assert found["std_error"][0] == pytest.approx(np.sqrt(variance), rel=1e-9)
    assert found["n"][0] == known.sum() and "two phases" in found["method"][0]


# --- imputation


def test_completed_data_sets_are_pooled():
    name = "civil_servants_2025_imputed"
    data = raw(name)
    data = data.assign(contact=data.PUBLIC.map({1: 1.0, 2: 0.0}), sex=data.SEX.map({1: "M", 2: "F"}))
    data["bribery"] = data.OFFERED.map({1: 1.0, 2: 0.0}).mask(data.contact == 0, 0.0)
    parts = []
    for _, rows in data[data.IMPUTATION > 0].groupby("IMPUTATION"):
        made = survey.Design(rows.reset_index(drop=True), weight="W", stratum="LEVEL", psu="UNIT")
        parts.append([survey.ratio(made, "bribery", "contact", by=b) for b in (None, "sex")])
    pooled = [survey.pool(list(column)).table for column in zip(*parts, strict=True)]
    expected = pd.concat(pooled, ignore_index=True)
    collected = data[(data.IMPUTATION == 0) & (data.contact == 1)]
    groups = [collected, collected[collected.sex == "F"], collected[collected.sex == "M"]]
    expected["n"] = [int(g.bribery.notna().sum()) for g in groups]
    expected["n_eligible"] = [len(g) for g in groups]
    found = estimated("BR-26", name)
    same(found, expected)
    assert found["events"].tolist() == [int(g.bribery.sum()) for g in groups]
    # Rubin's rules and Barnard and Rubin's degrees of freedom, by hand
    values, errors, df = (np.array([p[0].table[c].iloc[0] for p in parts], float) for c in ("value", "std_error", "df"))
    between = 1.2 * values.var(ddof=1)
    total = np.mean(errors**2) + between
    share, complete = between / total, df.mean()
    observed = (complete + 1) / (complete + 3) * complete * (1 - share)
    assert found["value"][0] == pytest.approx(values.mean(), **EXACT)
    assert found["std_error"][0] == pytest.approx(np.sqrt(total), **EXACT)
    assert found["df"][0] == pytest.approx(1 / (share**2 / 4 + 1 / observed), rel=1e-12)
    assert (found["obs_status"] == "I").all() and found["method"].str.endswith("5 imputations").all()
    assert found["quality"][0] == f"missing information {share:.3f}"


# --- quantiles


def test_a_card_names_a_quantile():
    data = raw("payments_2025")
    amount = data.AMOUNT.where(~data.AMOUNT.isin([99998, 99999]))
    data = data.assign(amount=amount, cash=(data.CASH == 1) * 1.0, sex=data.SEX.map({1: "M", 2: "F"}))
    made = survey.Design(data, weight="W", stratum="STRATUM", psu="PSU")
    parts = [survey.quantile(made, "amount", 0.5, by=b, denominator="cash").table for b in (None, "sex")]
    found = um.estimate("BR-08b", "payments_2025", by="sex").table
    same(found, pd.concat(parts, ignore_index=True))
    for place, sex in enumerate([None, "F", "M"]):
        rows = data[data.amount.notna() & (True if sex is None else data.sex == sex)].sort_values("amount")
        reached = rows.W.cumsum() >= 0.5 * rows.W.sum() * (1 - 1e-12)
        assert found["value"][place] == rows.amount[reached].iloc[0]
    assert (found["statistic"] == "quantile 0.5").all() and (found["unit"] == "local currency").all()
    assert found["method"].str.endswith("rule: math").all()
    near_the_truth(found, "payments_2025")


@pytest.mark.parametrize(
    ("name", "indicators"),
    [
        ("population_2025_replicates", ["BR-01", "BR-02", "BR-04", "BR-31", "BR-32"]),
        ("population_2025_panel", ["BR-01", "BR-02", "BR-04", "BR-31", "BR-32"]),
        ("population_2025_two_phase", ["BR-01", "BR-02", "BR-04", "BR-31", "BR-32"]),
        ("payments_2025", ["BR-08a", "BR-08b", "BR-10", "BR-32"]),
        ("civil_servants_2025_imputed", ["BR-26"]),
    ],
)
def test_every_design_finds_the_truth_and_can_be_compared(name, indicators):
    result = um.estimate(indicators, name, by="sex")
    near_the_truth(result.table, name)
    covariance = result.covariance().to_numpy()
    assert np.sqrt(np.diag(covariance)) == pytest.approx(result.table["std_error"].to_numpy(), rel=1e-9)
    assert np.linalg.eigvalsh(covariance).min() > -1e-9 * covariance.max()
    one = result.select(indicator=indicators[0], sex=["F", "M"])
    gap = um.compare(one, over="sex").table.iloc[0]
    own = one.covariance().to_numpy()
    expected = np.sqrt(own[0, 0] + own[1, 1] - 2 * own[0, 1])
    assert gap["std_error"] == pytest.approx(expected, rel=1e-9)
    assert abs(gap["value"]) == pytest.approx(abs(one.table["value"].diff().iloc[1]), rel=1e-12)


# --- sources of one's own

HEAD = """\
title = "A survey"
producer = "An office"
terms = "CC BY 4.0"
origin = "https://example.org"
shape = "population_survey"
path = "data.csv"
ref_area = "XXA"
time_period = "2020"
{more}
[design]
weight = "weight"
{plain}
{parts}
[columns]
weight = {{from = "w"}}
stratum = {{from = "h"}}
psu = {{from = "p"}}
sex = {{from = "sex"}}
age = {{from = "age"}}
personal_income = {{from = "income"}}
contact = {{value = 1}}
paid = {{from = "y", yes = [1], no = [2]}}
"""
PLAIN = 'stratum = "stratum"\npsu = "psu"'


def sample(n: int = 240) -> pd.DataFrame:
    rng = np.random.default_rng(4)
    p = np.repeat(np.arange(24), n // 24)
    return pd.DataFrame(
        {"w": rng.uniform(5, 15, n).round(2), "h": p // 2, "p": p, "sex": rng.choice(["F", "M"], n),
         "age": rng.choice(["Y18T29", "Y_GE30"], n), "income": rng.integers(10, 90, n), "y": rng.choice([1, 2], n),
         "second": rng.choice([1, 0], n), "size": 10}
    )  # fmt: skip


@pytest.fixture
def office(tmp_path):
    """Writes a data set and gives its folder."""

    def write(parts: str = "", *, plain: str = PLAIN, more: str = "", data: pd.DataFrame | None = None) -> Path:
        folder = tmp_path / "office" / "datasets" / "survey"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "source.toml").write_text(HEAD.format(parts=parts, plain=plain, more=more), encoding="utf-8")
        (sample() if data is None else data).to_csv(folder / "data.csv", index=False)
        return folder

    return write


def table_of(folder: Path) -> pd.DataFrame:
    return um.estimate("BR-02", folder, by="sex").table


def frame() -> pd.DataFrame:
    data = sample()
    return data.assign(paid=(data.y == 1) * 1.0, contact=1.0, h=data.h.astype(str), p=data.p.astype(str))


def expected(made: survey.Design) -> pd.DataFrame:
    parts = [survey.ratio(made, "paid", "contact", by=b).scaled(100.0).table for b in (None, "sex")]
    return pd.concat(parts, ignore_index=True)


@pytest.mark.parametrize(
    ("text", "kind", "options"),
    [
        ('kind = "JKn"', "JKn", {}),
        ('kind = "BRR"\nnumber = 24', "BRR", {"replicates": 24}),
        ('kind = "fay"\nfay = 0.5\nmse = true', "fay", {"fay": 0.5, "mse": True}),
        ('kind = "bootstrap"\nnumber = 60\nseed = 7', "bootstrap", {"replicates": 60, "seed": 7}),
        ('kind = "sdr"\norder = "income"', "sdr", {"order": "income"}),
    ],
)
def test_replicates_made_here(office, text, kind, options):
    base = survey.Design(frame(), weight="w", stratum="h", psu="p")
    if "order" in options:
        text = text.replace('"income"', '"size"')
        options = {"order": "size"}
    found = table_of(office(f"[design.replicates]\n{text}"))
    same(found, expected(survey.with_replicates(base, kind, **options)))
    assert f"replicates ({kind})" in found["method"][0]


def test_replicates_are_calibrated_after_they_are_made_and_weights_trimmed_before(office):
    parts = """
[design.calibration]
method = "linear"
population = 2500
margins = [{columns = "sex", totals = {F = 1200, M = 1300}}, {columns = "personal_income", total = 130000}]
[design.trimming]
lower = 6
upper = 14
[design.replicates]
kind = "JKn"
"""
    made = survey.with_replicates(survey.Design(frame(), weight="w", stratum="h", psu="p"), "JKn")
    totals = {"sex": {"F": 1200, "M": 1300}, "income": 130_000}
    made = survey.calibrate(survey.trim(made, 6, 14), totals, population=2500)
    found = table_of(office(parts))
    same(found, expected(made))
    assert "weights trimmed to [6, 14]" in found["method"][0] and "calibrated (linear)" in found["method"][0]


def test_poststrata_and_logit_weights(office):
    base = survey.Design(frame(), weight="w", stratum="h", psu="p")
    inline = 'margins = [{columns = "sex", totals = {F = 1200, M = 1300}}]'
    made = survey.poststratify(base, "sex", {"F": 1200, "M": 1300})
    same(table_of(office(f'[design.calibration]\nmethod = "poststratify"\n{inline}')), expected(made))
    made = survey.calibrate(base, {"sex": {"F": 1200, "M": 1300}}, method="logit", bounds=(0.5, 2))
    text = f'[design.calibration]\nmethod = "logit"\nbounds = [0.5, 2]\n{inline}'
    same(table_of(office(text)), expected(made))
    made = survey.calibrate(base, {"size": 2600}, scale_variance="size")
    text = (
        '[design.calibration]\nmethod = "linear"\nscale_variance = "size"\nmargins = [{columns = "size", total = 2600}]'
    )
    same(table_of(office(text)), expected(made))  # `size` is a column of the file that is not mapped


def test_two_phases_with_sizes_of_the_second_in_the_file(office):
    data = sample().assign(group="g" + (sample().p % 3).astype(str))
    data["size2"] = data.groupby("group")["w"].transform("size")
    text = '[design.two_phase]\nsubset = "second"\nstratum = "group"\nfpc = "size2"\nfirst_phase = "random"'
    given = frame().assign(group=data.group, size2=data.size2)
    made = survey.two_phase(
        given, subset="second", weight="w", stratum="h", psu="p", stratum2="group", fpc2="size2", first_phase="random"
    )
    same(table_of(office(text, data=data)), expected(made))


def test_completed_data_in_files_and_without_the_data_as_collected(office):
    data = sample()
    collected = data.assign(y=data.y.where(data.index % 7 > 0))
    folder = office(more='[imputation]\npaths = ["one.csv", "two.csv"]', data=collected)
    rng = np.random.default_rng(8)
    completed = [collected.assign(y=collected.y.fillna(pd.Series(rng.choice([1, 2], 240)))) for _ in range(2)]
    for name, one in zip(("one.csv", "two.csv"), completed, strict=True):
        one.to_csv(folder / name, index=False)
    found = table_of(folder)
    assert len(load_dataset(folder).completed) == 2
    assert found["n"].iloc[0] == collected.y.notna().sum() and found["n_eligible"].iloc[0] == 240
    completed[1].assign(y=completed[1].y.replace({1: 7})).to_csv(folder / "two.csv", index=False)
    assert faults_of(load_dataset, folder)[0].where == "columns.paid"
    completed[1].assign(sex="X").to_csv(folder / "two.csv", index=False)
    assert "'X'" in faults_of(load_dataset, folder)[0].what
    stacked = pd.concat([one.assign(m=i) for i, one in enumerate(completed, start=1)])
    again = table_of(office(more='[imputation]\ncolumn = "m"', data=stacked))
    for name in ("value", "std_error", "df", "lower"):
        assert found[name].to_numpy() == pytest.approx(again[name].to_numpy(), **EXACT)
    assert (again["n"] == again["n_eligible"]).all()


def test_a_file_that_bears_our_names_needs_no_rules(office):
    folder = office('[design.replicates]\ncolumns = ["rw_*"]\nkind = "BRR"')
    path = folder / "source.toml"
    path.write_text(path.read_text().partition("[columns]")[0].replace(PLAIN, ""))
    data = frame()[["w", "sex", "contact", "paid"]].rename(columns={"w": "weight"})
    signs = np.random.default_rng(1).choice([0.0, 2.0], (240, 6))
    weights = pd.DataFrame(signs * data.weight.to_numpy()[:, None]).add_prefix("rw_")
    data = data.astype({"contact": int, "paid": int})
    pd.concat([data, weights], axis=1).to_csv(folder / "data.csv", index=False)
    assert list(load_dataset(folder).table.columns[:4]) == ["weight", "sex", "contact", "paid"]
    assert "6 replicates (BRR)" in table_of(folder)["method"][0]


# --- what is wrong is said, all of it at once

SECOND = '[design.two_phase]\nsubset = "second"\n'
MARGIN = 'margins = [{columns = "sex", totals = {F = 1200, M = 1300}}]'
RAKE = f'[design.calibration]\nmethod = "raking"\n{MARGIN}'
FILE = '[design.calibration]\nmethod = "raking"\nmargins = [{columns = "sex", file = "margin.csv"}]'
WRONG = [
    # (parts of the design, key, words)
    ("[design.replicate]\nkind = 'JKn'", "design.replicate", "did you mean 'replicates'"),
    ("[design.calibrate]\nmethod = 'raking'", "design.calibrate", "did you mean 'calibration'"),
    ("[design.replicates]\nnumber = 20", "design.replicates.kind", "is missing"),
    ("[design.replicates]\nkind = 'jackknife'", "design.replicates.kind", "one of JK1"),
    ("[design.replicates]\nkind = 'JKn'\nseeds = 3", "design.replicates.seeds", "did you mean 'seed'"),
    ("[design.replicates]\nkind = 'JKn'\nnumber = 20", "design.replicates.number", "follows from the design"),
    ("[design.replicates]\nkind = 'bootstrap'\nnumber = 1", "design.replicates.number", "a whole number above 1"),
    ("[design.replicates]\nkind = 'bootstrap'\nnumber = true", "design.replicates.number", "a whole number above 1"),
    ("[design.replicates]\nkind = 'bootstrap'\nscale = 2", "design.replicates.scale", "no columns are named"),
    ("[design.replicates]\nkind = 'fay'", "design.replicates.fay", "is missing"),
    ("[design.replicates]\nkind = 'BRR'\nfay = 0.5", "design.replicates.fay", "is not used by BRR"),
    ("[design.replicates]\nkind = 'fay'\nfay = 1.5", "design.replicates.fay", "a number in [0, 1)"),
    ("[design.replicates]\nkind = 'JKn'\norder = 'income'", "design.replicates.order", 'kind = "sdr"'),
    ("[design.replicates]\nkind = 'other'", "design.replicates.kind", "cannot be made here"),
    ("[design.replicates]\nkind = 'JKn'\ncolumns = ['r*']", "design.replicates.rscales", "is missing"),
    ("[design.replicates]\nkind = 'BRR'\ncolumns = ['r*']", "design.replicates", "does not go with design.stratum"),
    ("[design.replicates]\nkind = 'BRR'\ncolumns = []", "design.replicates.columns", "a list of columns"),
    (f"{SECOND}[design.replicates]\nkind = 'JKn'", "design.replicates", "does not go with design.two_phase"),
    ("[design.two_phase]\nstratum = 'sex'", "design.two_phase.subset", "is missing"),
    (f"{SECOND}variance = 'exact'", "design.two_phase.variance", "full, approx"),
    (f"{SECOND}yes = [1]", "design.two_phase.no", "is missing"),
    (f"{SECOND}yes = [1, 2]\nno = [2]", "design.two_phase.no", "stands in yes too"),
    ("[design.trimming]\nstrict = true", "design.trimming", "has no bounds"),
    ("[design.trimming]\nlower = 9\nupper = 3", "design.trimming.lower", "is not below upper"),
    ("[design.calibration]\nmethod = 'raking'", "design.calibration.margins", "is missing"),
    (RAKE.replace("raking", "rake"), "design.calibration.method", "did you mean 'raking'"),
    (RAKE + "\npopulation = 3", "design.calibration.population", "is not used by raking"),
    (RAKE + "\nbounds = [1.5, 2]", "design.calibration.bounds", "bounds, as [0.5, 2]"),
    (RAKE.replace("raking", "logit"), "design.calibration.bounds", "is missing"),
    (RAKE.replace("F =", "W ="), "design.calibration.margins[1].totals.W", "is not a code of sex"),
    (RAKE.replace("1200", "-5"), "design.calibration.margins[1].totals", "a table of numbers"),
    (RAKE.replace("1200", "inf"), "design.calibration.margins[1].totals", "a table of numbers"),
    (RAKE.replace("totals", "total"), "design.calibration.margins[1].total", "a number"),
    (RAKE.replace('"sex"', '["sex", "age"]'), "design.calibration.margins[1].totals", "in a file"),
    (RAKE.replace(", totals = {F = 1200, M = 1300}", ""), "design.calibration.margins[1]", "no population totals"),
    (RAKE.replace("columns", "colums"), "design.calibration.margins[1].colums", "did you mean 'columns'"),
    (FILE.replace("margin.csv", "../margin.csv"), "design.calibration.margins[1].file", "in the folder of source.toml"),
    (FILE.replace('"}', '", sha256 = "abc"}'), "design.calibration.margins[1].sha256", "64 hexadecimal"),
    ('[design.calibration]\nmethod = "raking"\nmargins = [{columns = "personal_income", total = 5}]',
     "design.calibration.margins[1].total", "raking takes levels"),
    ('[design.calibration]\nmethod = "linear"\nmargins = [{columns = "personal_income", total = 5}]',
     "design.calibration.population", "is missing"),
    ('[design.calibration]\nmethod = "linear"\nmargins = [{columns = "sex", total = 5}]',
     "design.calibration.margins[1].total", "sex is not a number"),
]  # fmt: skip


def faults_of(function, *args):
    with pytest.raises(Faults) as caught:
        function(*args)
    return caught.value.faults


@pytest.mark.parametrize(("parts", "key", "words"), WRONG)
def test_wrong_keys_are_named(office, parts, key, words):
    folder = office(parts)
    found = faults_of(load_source, folder)
    hits = [f for f in found if f.where == key and words in str(f)]
    assert hits and all(f.file == str(folder / "source.toml") for f in found), [str(f) for f in found]


@pytest.mark.parametrize(
    ("more", "key", "words"),
    [
        ("[imputation]", "", ""),
        ('[imputation]\ncolum = "m"', "imputation.colum", "did you mean 'column'"),
        ('[imputation]\ncolumn = "m"\npaths = ["a.csv", "b.csv"]', "imputation", "column and paths"),
        ("[imputation]\nsha256 = []", "imputation", "does not say where"),
        ('[imputation]\npaths = ["a.csv"]', "imputation.paths", "one completed data set"),
        ('[imputation]\npaths = ["/a.csv", "b.csv"]', "imputation.paths", "in the folder of source.toml"),
        (f'[imputation]\npaths = ["a.csv", "b.csv"]\nsha256 = ["{"0" * 64}"]', "imputation.sha256", "not one for each"),
        ("imputation = 5", "imputation", "a table"),
    ],
)  # fmt: skip
def test_wrong_imputations_are_named(office, more, key, words):
    folder = office(more=more)
    if not key:  # an empty table declares nothing
        assert load_dataset(folder).completed == ()
        return
    assert any(f.where == key and words in str(f) for f in faults_of(load_source, folder))


def test_an_offices_own_estimator_keeps_its_counts_under_imputation(tmp_path, monkeypatch):
    text = "def halves(cards, data, sample, groupings, **options):\n    from uncac_metrics.stats import survey\n"
    text += "    return survey.mean(sample, 'offered').with_columns(indicator=cards[0].id)\n"
    (tmp_path / "of_their_own.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    known = um.load_catalogue()["BR-26"]
    measure = replace(known.measure, estimator="of_their_own:halves")
    own = replace(known, id="XX-01", measure=measure, scale=1.0)
    table = um.estimate([own, known], "civil_servants_2025_imputed").table.set_index("indicator")
    rows = raw("civil_servants_2025_imputed").query("IMPUTATION == 0")
    assert table.loc["XX-01", "n"] == len(rows) and table.loc["BR-26", "n"] < (rows.PUBLIC == 1).sum()


def test_two_phases_are_not_imputed(office):
    found = faults_of(load_source, office(SECOND, more='[imputation]\ncolumn = "m"'))
    assert [(f.where, f.what) for f in found] == [("imputation", "does not go with design.two_phase")]


def test_everything_wrong_is_said_at_once(office):
    parts = (
        '[design.replicates]\nkind = "JK3"\nseeds = 1\n[design.trimming]\nuper = 4\n'
        '[design.calibration]\nmethod = "rake"\nmargins = [{columns = "sex"}]'
    )
    found = {
        f.where for f in faults_of(load_source, office(parts, plain='stratum = "strata"', more="[imputation]\nx = 1"))
    }
    assert found == {
        "design.replicates.kind", "design.replicates.seeds", "design.trimming.uper", "design.calibration.method",
        "design.calibration.margins[1]", "design.stratum", "imputation.x",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("parts", "key", "words"),
    [
        ("[design.replicates]\nkind = 'BRR'\ncolumns = ['rv_*']", "design.replicates.columns", "no column 'rv_*'"),
        ("[design.two_phase]\nsubset = 'secnd'", "design.two_phase.subset", "did you mean 'second'"),
        (f"{SECOND}stratum = 'grup'", "design.two_phase.stratum", "neither a mapped column nor one of the file"),
        (RAKE.replace('"sex"', '"education"'), "design.calibration.margins[1].columns", "neither a mapped column"),
    ],
)
def test_columns_that_are_nowhere_are_named_by_check_and_by_loading(office, parts, key, words):
    folder = office(parts, plain="" if "BRR" in parts else PLAIN)
    for found in (faults_of(load_dataset, folder), check_sources(folder.parent)):
        assert [f.where for f in found] == [key] and words in str(found[0])
        assert found[0].file.endswith("source.toml")


def test_values_that_cannot_be_read_are_named_with_their_rows(office):
    data = sample().assign(r1=1.0, r2=2.0).astype({"r1": object})
    data.loc[[3, 5], "r1"] = "x"
    folder = office("[design.replicates]\nkind = 'BRR'\ncolumns = ['r1', 'r2']", plain="", data=data)
    (fault,) = faults_of(load_dataset, folder)
    assert (fault.where, fault.rows, fault.count) == ("design.replicates.columns", (4, 6), 2) and "'x'" in fault.what
    data = sample().astype({"second": object})
    data.loc[7, "second"] = ""
    (fault,) = faults_of(load_dataset, office(SECOND, data=data))
    assert fault.where == "design.two_phase.subset" and fault.rows == (8,) and "an empty cell" in fault.what


def test_margins_of_a_file(office):
    folder = office(FILE)
    (fault,) = faults_of(load_dataset, folder)
    assert fault.where == "design.calibration.margins[1]" and "there is no such file" in fault.what
    (folder / "margin.csv").write_text("sex,population\nF,1200\nF,1300\n")
    assert "a level stands twice" in faults_of(load_dataset, folder)[0].what
    (folder / "margin.csv").write_text("sex,population\nF,many\nM,1300\n")
    assert "'many', which is no number" in faults_of(load_dataset, folder)[0].what
    (folder / "margin.csv").write_text("sex,count\nF,1200\nM,1300\n")
    assert faults_of(load_dataset, folder)[0].where == "population"
    text = "sex,population\nF,1200\nM,1300\n"
    (folder / "margin.csv").write_text(text)
    same(table_of(folder), table_of(office(RAKE)))
    right = hashlib.sha256(text.encode()).hexdigest()
    folder = office(FILE.replace('"}', f'", sha256 = "{right}"}}'))
    load_dataset(folder)
    (folder / "margin.csv").write_text(text.replace("1200", "1201"))
    (fault,) = faults_of(load_dataset, folder)
    assert fault.where == "design.calibration.margins[1].sha256" and "margin.csv" in fault.what


def test_totals_that_cannot_be_met_are_said_under_the_file_and_key(office):
    folder = office(RAKE.replace("M = 1300", "M = 1300, O = 4"))
    (fault,) = faults_of(um.estimate, "BR-02", folder)
    assert fault.file == str(folder / "source.toml")
    assert fault.where.startswith("design.calibration: margin") and "sex=O" in fault.what


@pytest.mark.parametrize(
    ("numbers", "words"),
    [
        (["one"] * 480, "number no imputation"),
        ([0] * 240 + [1] * 240, "fewer than two imputations"),
        ([1] * 200 + [2] * 280, "different sizes (1: 200, 2: 280 rows)"),
    ],
)
def test_imputations_that_do_not_belong_together(office, numbers, words):
    data = pd.concat([sample(), sample()], ignore_index=True).assign(m=numbers)
    (fault,) = faults_of(load_dataset, office(more='[imputation]\ncolumn = "m"', data=data))
    assert fault.where == "imputation.column" and words in fault.what


def test_files_beside_the_data_are_in_the_manifest(office, tmp_path):
    folder = office(FILE)
    (folder / "margin.csv").write_text("sex,population\nF,1200\nM,1300\n")
    (tmp_path / "office" / "office.toml").write_text('name = "Office"\nref_area = "XXA"\n')

    def described():
        inputs = gather(tmp_path / "office")
        return describe(inputs, plan(inputs.sources, inputs.catalogue, only=["BR-02"]), {})["datasets"]["survey"]

    before = described()
    assert (
        [f["file"] for f in before["beside"]]
        == ["margin.csv"]
        == [p.name for _, p, _ in side_files(load_source(folder))]
    )
    (folder / "margin.csv").write_text("sex,population\nF,1201\nM,1300\n")
    assert described()["beside"] != before["beside"]


# --- cards


def card(tmp_path: Path, measure: str, cases: str = "") -> tuple:
    text = (datasets_folder().parent / "indicators" / "bribery" / "BR-08b.toml").read_text(encoding="utf-8")
    head, _, rest = text.partition("[measure]")
    links = "[links]" + rest.partition("[links]")[2].partition("[[cases]]")[0]
    path = tmp_path / "XX-01.toml"
    path.write_text(f'{head}[measure]\nshape = "population_survey"\n{measure}\n{links}{cases}', encoding="utf-8")
    return read_card(path)


def test_cards_of_inequality(tmp_path):
    gini, faults = card(tmp_path, 'estimator = "gini"\nnumerator = "amount"\ndenominator = "last_cash_bribe"')
    assert not faults
    text = 'estimator = "concentration"\nnumerator = "amount"\ndenominator = "last_cash_bribe"\n'
    index, faults = card(tmp_path, text + 'options = {over = "personal_income", df = "design"}')
    assert not faults
    data = load_dataset("payments_2025")
    made = design(data)
    found = um.estimate(gini, data, by="sex").table
    parts = [survey.gini(made, "amount", by=b, denominator="cash").table for b in (None, "sex")]
    same(found, pd.concat(parts, ignore_index=True))
    found = um.estimate(index, data).table
    same(found, survey.concentration(made, "amount", "personal_income", denominator="cash", df="design").table)
    assert found["indicator"].tolist() == ["XX-01"] and found["df"][0] == made.df
    both = um.estimate([gini, "BR-08a"], data)
    assert np.isfinite(both.covariance().to_numpy()).all()


@pytest.mark.parametrize(
    ("measure", "key", "words"),
    [
        ('estimator = "quantil"', "measure.estimator", 'did you mean "quantile"'),
        ('estimator = "quantile"', "measure.options.p", "the key is missing"),
        ('estimator = "quantile"\noptions = {p = 2}', "measure.options.p", "number above 0 and below 1"),
        ('estimator = "quantile"\noptions = {p = 1.5}', "measure.options.p", "number above 0 and below 1"),
        ('estimator = "quantile"\noptions = {p = 0.5, rule = "maths"}', "measure.options.rule", 'did you mean "math"'),
        ('estimator = "quantile"\noptions = {p = 0.5, interval = "wald"}', "measure.options.interval", "one of: mean"),
        ('estimator = "quantile"\noptions = {p = 0.5, df = 0}', "measure.options.df", "is not allowed"),
        ('estimator = "mean"\noptions = {p = 0.5}', "measure.options.p", "mean has no such option"),
        ('estimator = "concentration"', "measure.options.over", "the key is missing"),
        ('estimator = "concentration"\noptions = {over = "sex"}', "measure.options.over", 'no column "sex" of kind'),
        ('estimator = "concentration"\noptions = {over = 3}', "measure.options.over", "3 is not a column"),
    ],
)
def test_wrong_options_of_a_card_are_named(tmp_path, measure, key, words):
    one, faults = card(tmp_path, f'numerator = "amount"\ndenominator = "last_cash_bribe"\n{measure}')
    assert one is None and any(f.where == key and words in str(f) for f in faults), [str(f) for f in faults]


def test_numbers_are_asked_for(tmp_path):
    text = 'estimator = "quantile"\ndenominator = "adults"\noptions = {p = 0.5}\n'
    _, faults = card(tmp_path, text + 'numerator = "paid"')
    assert [f.where for f in faults] == ["measure.numerator"]
    _, faults = card(tmp_path, text + 'levels = "modality"')
    assert "measure.estimator" in {f.where for f in faults}


def test_an_interval_for_shares_leaves_quantiles_alone():
    table = um.estimate(["BR-32", "BR-08b"], "payments_2025", interval="wilson").table
    assert table["interval"].tolist() == ["wilson", "woodruff mean"]


# --- the page


def test_the_page_tells_every_key():
    page = (Path(__file__).parent.parent / "docs" / "declared_designs.md").read_text(encoding="utf-8")
    office = (Path(__file__).parent.parent / "docs" / "office.md").read_text(encoding="utf-8")
    for table, keys in KEYS.items():
        heading = {"design.calibration.margins": "key of a margin"}.get(table, f"key of `[{table}]`")
        text = office if table == "design" else page
        assert heading in text, table
        rows = text.partition(heading)[2].partition("\n\n")[0]
        missing = [key for key in keys if f"`{key}`" not in rows]
        assert not missing, (table, missing)
