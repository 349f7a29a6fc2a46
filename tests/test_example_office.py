"""The bundled example office and the restated SDG figures: made again, and held against what they state."""

import csv
import gzip
import hashlib
import importlib
import tomllib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import uncac_metrics as um
from uncac_metrics.estimators import applicable

DATASETS = Path(__file__).parent.parent / "datasets"
EXAMPLE = DATASETS / "example"
DESIGNS = {
    "population_2025_replicates": {f"RW_{r:02d}" for r in range(1, 33)},
    "population_2025_panel": set(),
    "population_2025_two_phase": {"INTERVIEW"},
    "payments_2025": set(),
    "civil_servants_2025_imputed": {"IMPUTATION"},
}
"""Samples whose designs take more than strata and units, and the columns that only the design takes."""
NAMES = ["population_2023", "population_2025", "business_2025", "civil_servants_2025", *DESIGNS]
OFFICIALS = [
    "POLICE",
    "JUDGE",
    "DOCTOR",
    "TEACHER",
    "TAX",
    "CUSTOMS",
    "MUNICIPAL",
    "LAND",
    "VEHICLE",
    "UTILITY",
]
ADULTS = 398_099
Z = 3.5
"""Standard errors by which a committed sample may miss the truth."""


def raw(name: str) -> pd.DataFrame:
    return pd.read_csv(EXAMPLE / "datasets" / name / "data.csv.gz")


def truth(name: str, indicator: str, **breakdown: str) -> float:
    file = EXAMPLE / "datasets" / name / "truth.csv"
    rows = pd.read_csv(file, keep_default_na=False, na_values={"value": [""]}, dtype={"value": float})
    keys = rows.columns.difference(["indicator", "value", "unit"])
    wanted = {key: breakdown.get(key, "_T") for key in keys} | {"indicator": indicator}
    found = rows[np.logical_and.reduce([rows[k] == v for k, v in wanted.items()])]
    assert len(found) == 1, wanted
    return float(found.value.iloc[0])


def source(folder: Path) -> dict:
    return tomllib.loads((folder / "source.toml").read_text(encoding="utf-8"))


def ratio(frame, weight, y, x, stratum, psu, population=None):
    """Ratio of weighted totals in per cent and its linearised standard error."""
    w = frame[weight].to_numpy()
    value = (w * y).sum() / (w * x).sum()
    z = w * (y - value * x) / (w * x).sum()
    sums = z.groupby([frame[stratum], frame[psu]]).sum()
    by = sums.groupby(level=0)
    n = by.size()
    left = 1 - n / frame.groupby(stratum)[population].first() if population else 1.0
    return 100 * value, 100 * np.sqrt((left * n * by.var(ddof=1)).sum())


@pytest.fixture(scope="module")
def simulated():
    """The simulating module and everything that it would write."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(EXAMPLE))
        files = importlib.import_module("simulate_files")
        yield importlib.import_module("simulate"), files, {name: (r, t) for name, r, t in files.files()}


@pytest.fixture(scope="module")
def adults(simulated):
    return simulated[0].population()


@pytest.mark.parametrize("name", NAMES)
def test_simulating_again_gives_the_committed_files(simulated, name):
    _, files, made = simulated
    folder = EXAMPLE / "datasets" / name
    committed = (folder / "data.csv.gz").read_bytes()
    again = files.packed(made[name][0])
    assert again == files.packed(made[name][0].copy())
    assert committed[4:8] == again[4:8] == bytes(4)  # no time in the header
    # the text, not the compressed bytes: those depend on the zlib of the machine
    assert gzip.decompress(again) == gzip.decompress(committed)
    assert made[name][1].to_csv(index=False, lineterminator="\n") == (folder / "truth.csv").read_text()
    assert hashlib.sha256(committed).hexdigest() == source(folder)["sha256"]


def test_files_are_small():
    assert sum(path.stat().st_size for path in EXAMPLE.rglob("*.gz")) < 2_000_000


def test_every_data_set_has_its_truth():
    folders = {path.name: path for path in (EXAMPLE / "datasets").iterdir()}
    surveys = {name for name, path in folders.items() if source(path)["shape"].endswith("_survey")}
    assert surveys == set(NAMES)
    assert all((path / "truth.csv").is_file() for path in folders.values())


@pytest.mark.parametrize("name", NAMES)
def test_sources_say_that_they_are_simulated_and_map_every_column(name):
    toml = source(EXAMPLE / "datasets" / name)
    assert toml["simulated"] is True
    assert "(simulated)" in toml["title"]
    assert "模拟" in toml["title_zh"]
    assert toml["ref_area"] == "XXA"
    assert "truth.csv holds the true values" in toml["notes"]
    rules = toml["columns"]
    mapped = {rule["from"] for rule in rules.values() if "from" in rule}
    assert mapped | DESIGNS.get(name, set()) == set(raw(name).columns)
    operands = {operand for rule in rules.values() for operand in rule.get("any", [])}
    assert operands <= set(rules)
    plain = {value for value in toml["design"].values() if not isinstance(value, dict)}
    assert plain - {False, "error", "XXA master sample"} <= set(rules)


def test_samples_with_designs_are_small_and_the_census_is_counted(adults):
    sizes = [path.stat().st_size for name in DESIGNS for path in (EXAMPLE / "datasets" / name).iterdir()]
    assert max(sizes) < 150_000
    census = pd.read_csv(EXAMPLE / "datasets" / "population_2025_panel" / "census.csv")
    counts = adults.groupby(["sex", "age"], observed=True).size().rename("population").reset_index()
    assert census.equals(counts.astype(census.dtypes)) and census["population"].sum() == ADULTS
    margins = source(EXAMPLE / "datasets" / "population_2025_panel")["design"]["calibration"]["margins"]
    assert margins[1]["totals"] == adults["urbanisation"].value_counts().to_dict()


def test_office_is_labelled():
    office = tomllib.loads((EXAMPLE / "office.toml").read_text(encoding="utf-8"))
    assert office["name"] == "Statistical Office of Exampleland (simulated)"
    assert set(office["disaggregations"]) >= {"sex", "age", "urbanisation", "area", "sector", "firm_size", "grade"}


@pytest.mark.parametrize("name", NAMES)
def test_recodes_name_every_code(name):
    toml = source(EXAMPLE / "datasets" / name)
    data = raw(name)
    for column, rule in toml["columns"].items():
        named = [*rule.get("yes", []), *rule.get("no", []), *rule.get("recode", {})]
        if named:
            seen = {str(v).removesuffix(".0") for v in data[rule["from"]].dropna().unique()}
            extra = seen - {str(code) for code in [*named, *toml["missing"]]}
            assert not extra, (column, extra)


def test_truth_is_counted_over_the_whole_population(adults):
    assert len(adults) == ADULTS
    contact, bribery = adults.contact == 1, (adults.paid == 1) | (adults.asked == 1)
    police = adults.contact__police == 1
    shares = {
        "BR-01": bribery.sum() / contact.sum(),
        "BR-02": (adults.paid == 1).sum() / contact.sum(),
        "BR-04": contact.mean(),
        "BR-18": (adults.reported == 1).sum() / (adults.paid == 1).sum(),
        "BR-21": adults.acceptable.mean(),
        "BR-30": adults.vote_offer.mean(),
        "BR-31": bribery.mean(),
    }
    for indicator, share in shares.items():
        assert truth("population_2025", indicator) == pytest.approx(100 * share, abs=1e-6)
    bribed = police & ((adults.paid__police == 1) | (adults.asked__police == 1))
    assert truth("population_2025", "BR-11", official="police") == pytest.approx(
        100 * bribed.sum() / police.sum(), abs=1e-6
    )
    women = adults.sex == "F"
    assert truth("population_2025", "BR-01", sex="F") == pytest.approx(
        100 * (bribery & women).sum() / (contact & women).sum(), abs=1e-6
    )


@pytest.mark.parametrize("year", [2023, 2025])
def test_truth_obeys_the_identities(year):
    name = f"population_{year}"
    per_cent = {i: truth(name, i) / 100 for i in ("BR-01", "BR-02", "BR-04", "BR-31", "BR-32")}
    number = ADULTS * per_cent["BR-04"] * per_cent["BR-02"] * truth(name, "BR-05")
    assert truth(name, "BR-07") == pytest.approx(number, rel=1e-6)
    assert truth(name, "BR-06") == pytest.approx(number / ADULTS, rel=1e-5)
    assert per_cent["BR-31"] == pytest.approx(per_cent["BR-01"] * per_cent["BR-04"], rel=1e-6)
    assert per_cent["BR-32"] == pytest.approx(per_cent["BR-02"] * per_cent["BR-04"], rel=1e-6)
    codes = ["explicit", "implicit", "third_party", "offered"]
    assert sum(truth(name, "BR-13", category=code) for code in codes) == pytest.approx(100, abs=1e-4)
    paid = [truth(name, "BR-12", official=k.lower()) for k in OFFICIALS]
    assert sum(paid) > 100  # several types may be paid


@pytest.mark.parametrize("name", ["population_2025", "business_2025", "civil_servants_2025"])
def test_every_indicator_that_a_survey_feeds_has_a_truth(name):
    data, rows = um.load_dataset(EXAMPLE / "datasets" / name), pd.read_csv(EXAMPLE / "datasets" / name / "truth.csv")
    fed = {card.id for card in um.load_catalogue().values() if not applicable(card, data)}
    assert fed == {card.id for card in um.load_catalogue().values() if card.measure.shape == data.shape.id}
    assert fed - set(rows.loc[rows["value"].notna(), "indicator"]) == set()


def test_truths_of_money_in_other_units_and_of_the_ratio_of_women_to_men(simulated):
    _, files, _ = simulated
    rules = source(EXAMPLE / "datasets" / "population_2025")["columns"]
    constants = (files.DEFLATOR, files.PARITY, files.PRODUCT_SHARE)
    assert tuple(rules[name]["value"] for name in ("deflator", "ppp", "product_share")) == constants
    mean, total = truth("population_2025", "BR-08a"), truth("population_2025", "BR-09a")
    for indicator, value in (("BR-08c", mean * constants[0]), ("BR-08d", mean * constants[1])):
        assert truth("population_2025", indicator) == pytest.approx(value, rel=1e-6)
    assert truth("population_2025", "BR-09b") == pytest.approx(100 * total * constants[2], rel=1e-5)
    for year in (2023, 2025):
        women, men = (truth(f"population_{year}", "BR-01", sex=sex) for sex in "FM")
        assert truth(f"population_{year}", "GE-01a") == pytest.approx(women / men, rel=1e-5)


def test_truth_is_plausible(adults):
    assert 17 < truth("population_2025", "BR-01") < 19
    assert 23 < truth("population_2025", "BR-11", official="police") < 27
    assert adults.contact__judge.mean() < 0.03
    assert truth("population_2025", "BR-01", sex="M") > truth("population_2025", "BR-01", sex="F")
    assert 1 < truth("population_2023", "BR-01") - truth("population_2025", "BR-01") < 3
    values = pd.read_csv(EXAMPLE / "datasets" / "population_2025" / "truth.csv")
    assert values.loc[values.unit == "%", "value"].between(0, 100).all()
    assert not values.duplicated(values.columns.drop(["value", "unit"]).tolist()).any()


@pytest.mark.parametrize("year", [2023, 2025])
def test_population_sample_has_the_stated_design(year):
    data = raw(f"population_{year}")
    assert 11_500 < len(data) < 12_500
    assert data.groupby("STRATO").UPM.nunique().sum() == data.UPM.nunique() == 600
    assert data.STRATO.nunique() == 12
    assert data.groupby("STRATO").UPM.nunique().min() >= 4
    assert 0.5 < data.W_FINAL.std() / data.W_FINAL.mean() < 0.7
    assert data.W_FINAL.sum() == pytest.approx(ADULTS, rel=0.02)
    island = data.REG == 6
    assert data.loc[island, "W_FINAL"].sum() / data.W_FINAL.sum() == pytest.approx(0.0147, abs=0.004)
    assert data[island].UPM.nunique() == 10
    assert 100 < island.sum() < 300
    assert f"{len(data):,} adults" in source(EXAMPLE / "datasets" / f"population_{year}")["notes"]


def test_waves_share_half_of_their_psus():
    first, second = (raw(f"population_{year}")[["STRATO", "UPM"]].drop_duplicates() for year in (2023, 2025))
    common = first.merge(second, on="UPM", suffixes=("", "_2025"))
    assert len(common) == 300
    assert (common.STRATO == common.STRATO_2025).all()


@pytest.mark.parametrize("year", [2023, 2025])
def test_population_sample_finds_the_truth(year):
    data = raw(f"population_{year}")
    contact, asked, paid = ((data[[f"Q{n}_{k}" for k in OFFICIALS]] == 1).any(axis=1) * 1.0 for n in (10, 11, 12))
    police = (data.Q10_POLICE == 1) * 1.0
    everyone = contact * 0 + 1
    men = (data.Q1_SEX == 1) * 1.0
    name, bribery = f"population_{year}", np.maximum(asked, paid)
    for y, x, true in (
        (bribery, contact, truth(name, "BR-01")),
        (paid, contact, truth(name, "BR-02")),
        (contact, everyone, truth(name, "BR-04")),
        (bribery * men, contact * men, truth(name, "BR-01", sex="M")),
        (bribery * (data.REG == 2), contact * (data.REG == 2), truth(name, "BR-01", area="XXA-NO")),
        (
            police * ((data.Q11_POLICE == 1) | (data.Q12_POLICE == 1)),
            police,
            truth(name, "BR-11", official="police"),
        ),
    ):
        value, error = ratio(data, "W_FINAL", y, x, "STRATO", "UPM")
        assert 0 < error < 4
        assert abs(value - true) < Z * error


def test_questions_follow_the_filters_and_some_are_not_answered():
    data = raw("population_2025")
    for k in OFFICIALS:
        for number in (11, 12):
            follow = data[f"Q{number}_{k}"]
            assert (follow[data[f"Q10_{k}"] == 2] == 7).all()
            assert follow[data[f"Q10_{k}"] > 2].isna().all()
            assert follow[data[f"Q10_{k}"] == 1].isin([1, 2, 8, 9]).all()
    payers = (data[[f"Q12_{k}" for k in OFFICIALS]] == 1).any(axis=1)
    assert (
        data[["Q15_TIMES", "Q16_MODAL", "Q17_CASH", "Q18_AMOUNT", "Q22_REPORT"]].notna().all(axis=1) == payers
    ).all()
    assert (data.loc[data.Q17_CASH == 2, "Q18_AMOUNT"].isin([0, 999998, 999999])).all()
    assert data.Q13_REFUSED[(data[[f"Q11_{k}" for k in OFFICIALS]] == 1).any(axis=1)].isin([1, 2, 8, 9]).all()
    assert data.Q23_PROC.notna().sum() == (data.Q22_REPORT == 1).sum() > 20
    for column, (low, high) in {
        "Q32_PINCOME": (0.08, 0.16),
        "Q4_INC": (0.04, 0.1),
        "Q31_VOTE": (0.01, 0.03),
    }.items():
        assert low < data[column].isin([8, 9, 999998, 999999]).mean() < high


def test_enterprises_are_a_stratified_sample_that_finds_the_truth():
    data = raw("business_2025")
    assert len(data) == 2_495
    strata = data.groupby("ESTRATO")
    assert strata.POBL_ESTRATO.nunique().eq(1).all()
    assert (strata.size() < strata.POBL_ESTRATO.first()).all()
    assert strata.size().min() >= 2
    assert strata.FACTOR.sum().to_numpy() == pytest.approx(strata.POBL_ESTRATO.first().to_numpy(), rel=1e-4)
    assert strata.POBL_ESTRATO.first().sum() == 25_471
    kinds = ["TAX", "MUNICIPAL", "CUSTOMS", "POLICE", "UTILITY"]
    contact, asked, paid = ((data[[f"B{n}_{k}" for k in kinds]] == 1).any(axis=1) * 1.0 for n in (1, 2, 3))
    part, request = (data.filter(regex=f"^C{n}_") == 1 for n in (1, 2))
    for y, x, indicator in (
        (np.maximum(asked, paid), contact, "BR-22"),
        (request.any(axis=1) * 1.0, part.any(axis=1) * 1.0, "BR-23"),
        (request.sum(axis=1), part.sum(axis=1), "BR-24"),
    ):
        value, error = ratio(data, "FACTOR", y, x, "ESTRATO", "EMP_ID", "POBL_ESTRATO")
        assert 0 < error < 2
        assert abs(value - truth("business_2025", indicator)) < Z * error


def test_civil_servants_are_a_cluster_sample_that_finds_the_truth():
    data = raw("civil_servants_2025")
    assert len(data) == 1_989
    assert data.groupby("INSTIT").NIVEL.nunique().eq(1).all()
    assert data.INSTIT.nunique() == 112
    met, offered = (data.P1_PUBLIC == 1) * 1.0, (data.P2_OFFERED == 1) * 1.0
    value, error = ratio(data, "PESO", offered, met, "NIVEL", "INSTIT")
    assert 0 < error < 2
    assert abs(value - truth("civil_servants_2025", "BR-26")) < Z * error
    assert data.PESO.sum() == pytest.approx(32_671, rel=0.05)


def test_psus_enter_samples_with_their_stated_probability(simulated, adults):
    simulate = simulated[0]
    psus = adults.drop_duplicates("psu")
    stratum, chance = simulate._chances(psus)
    assert chance.max() < 1 / 1.5  # so that the larger sample of both waves has probabilities below 1
    rng = np.random.default_rng(5)
    draws = 400
    hits = np.zeros(len(psus))
    for _ in range(draws):
        taken = simulate.systematic(stratum, chance, rng)
        assert np.array_equal(
            np.bincount(stratum[taken])[list(simulate.STRATA)], [n for _, n in simulate.STRATA.values()]
        )
        hits[taken] += 1
    z = (hits / draws - chance) / np.sqrt(chance * (1 - chance) / draws)
    assert abs(z).max() < 5
    assert z.std() == pytest.approx(1, abs=0.06)


def test_samples_are_unbiased(simulated, adults):
    simulate = simulated[0]
    draws = 50
    found = []
    for seed in range(draws):
        sample = simulate.draw(adults, seed)
        w = sample.weight
        contact, bribery = (w * sample.contact).sum(), (w * sample.paid_or_asked).sum()
        found.append([100 * bribery / contact, 100 * contact / w.sum(), w.sum() / ADULTS])
    values = np.array(found)
    true = np.array([truth("population_2025", "BR-01"), truth("population_2025", "BR-04"), 1.0])
    assert (abs(values.mean(axis=0) - true) < 3 * values.std(axis=0, ddof=1) / np.sqrt(draws)).all()
    same = simulate.draw(adults, 7)
    pd.testing.assert_frame_equal(same, simulate.draw(adults, 7))


def published(folder: str) -> dict:
    with (DATASETS / folder / "data.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    key = {(row["ref_area"], row["time_period"], row["sex"]): float(row["value"]) for row in rows}
    assert len(key) == len(rows)
    assert {row["sex"] for row in rows} <= {"_T", "F", "M"}
    assert all(len(row["ref_area"]) == 3 and len(row["m49"]) == 3 for row in rows)
    return key


@pytest.mark.parametrize(
    ("folder", "rows", "areas", "expected"),
    [
        (
            "sdg_16_5_1",
            123,
            39,
            {
                ("MEX", "2013", "_T"): 12.1,
                ("MEX", "2015", "_T"): 12.6,
                ("MEX", "2017", "_T"): 14.6,
                ("AFG", "2012", "F"): 45.1,
                ("AFG", "2012", "M"): 53.7,
            },
        ),
        (
            "sdg_16_5_2",
            247,
            138,
            {("KEN", "2007", "_T"): 42.0, ("KEN", "2013", "_T"): 26.4, ("KEN", "2018", "_T"): 23.9},
        ),
    ],
)
def test_published_figures_are_restated(folder, rows, areas, expected):
    figures = published(folder)
    assert len(figures) == rows
    assert len({area for area, _, _ in figures}) == areas
    assert {key: round(figures[key], 1) for key in expected} == expected
    assert all(0 <= value <= 100 for value in figures.values())
    toml = source(DATASETS / folder)
    assert toml["shape"] == "official_series"
    assert toml["sha256"] == hashlib.sha256((DATASETS / folder / "data.csv").read_bytes()).hexdigest()
    assert "simulated" not in toml
    with (DATASETS / folder / "data.csv").open(encoding="utf-8") as file:
        assert set(toml["columns"]) <= set(next(csv.reader(file)))
