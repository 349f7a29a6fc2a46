"""Official methods as shipped recipes: known answers, and what their errors do on the way up.

The reference numbers are in ``oracles/composite`` of the data folder; small cases by hand stand beside them.
"""

import dataclasses
import importlib.util
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import uncac_metrics as um
from uncac_metrics.model import Faults
from uncac_metrics.recipes import load_recipe, read_recipe
from uncac_metrics.stats import scores
from uncac_metrics.stats.scores import aggregate, normalise
from uncac_metrics.stats.scores.hierarchy import Node, order


@pytest.fixture(scope="module")
def oracle():
    path = Path(__file__).parent / "oracles" / "composite_latent.py"
    spec = importlib.util.spec_from_file_location("composite_latent", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules["composite_latent"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def composite(data_folder):
    folder = data_folder / "oracles" / "composite"
    if not folder.is_dir():
        pytest.skip("no oracles/composite in the data folder")
    return folder


GENDER = pd.DataFrame(
    {
        "ref_area": ["A", "B"], "maternal_mortality": [50.0, 4.0], "adolescent_births": [30.0, 5.0],
        "seats_women": [25.0, 0.0], "education_women": [70.0, 98.0], "education_men": [80.0, 97.0],
        "participation_women": [50.0, 60.0], "participation_men": [70.0, 68.0],
    }
)  # fmt: skip
DEVELOPMENT = pd.DataFrame(
    {
        "ref_area": ["A"], "life_expectancy": 75.0, "expected_schooling": 15.0, "mean_schooling": 9.0,
        "income": 12000.0, "inequality_life": 10.0, "inequality_education": 20.0, "inequality_income": 30.0,
    }
)  # fmt: skip
RATED = pd.DataFrame(
    {
        "ref_area": ["A", "B", "C", "D"], "african_development_bank": [40.0, 50.0, np.nan, 12.0],
        "transformation_index": [44.0, 50.0, 61.0, np.nan], "economist_intelligence_unit": [47.0, 50.0, 66.0, 19.0],
        "global_insights": [55.0, np.nan, 71.0, np.nan],
    }
)  # fmt: skip


def sources(recipe, data):
    """All the columns of a recipe, empty where the data have none."""
    columns = load_recipe(recipe).construction.columns
    return data.assign(**{c: np.nan for c in columns if c not in data.columns})


def test_development_by_hand():
    adjusted = um.compose("IHDI-01", DEVELOPMENT)
    health, income = 55 / 65, np.log(120) / np.log(750)
    school = (15 / 18 + 9 / 15) / 2
    by_hand = (health * 0.9 * school * 0.8 * income * 0.7) ** (1 / 3)
    assert adjusted.node().table["value"][0] == pytest.approx(by_hand, rel=1e-12)
    assert adjusted.node("education_adjusted").table["value"][0] == pytest.approx(0.8 * school, rel=1e-12)
    # 25 % of seats, and none: held at 0.1 %, and men have the rest
    expected = []
    for row in GENDER.itertuples():
        seats = max(row.seats_women, 0.1)
        health = np.sqrt(10 / max(row.maternal_mortality, 10) / row.adolescent_births)
        women = [health, np.sqrt(seats * row.education_women) / 100, row.participation_women / 100]
        men = [1, np.sqrt((100 - seats) * row.education_men) / 100, row.participation_men / 100]
        inverse = (np.prod(women) ** (-1 / 3) + np.prod(men) ** (-1 / 3)) / 2
        expected.append(1 - 1 / inverse / np.prod(np.add(women, men) / 2) ** (1 / 3))
    got = um.compose("GII-01", GENDER).node().table
    assert got["value"].to_numpy() == pytest.approx(expected, rel=1e-12)
    assert got["n"].to_list() == [7, 7] and got["n_eligible"].to_list() == [7, 7]
    lacking = um.compose("GII-01", GENDER.assign(education_men=[np.nan, 97.0])).node().table
    assert np.isnan(lacking["value"][0]) and lacking["value"][1] == got["value"][1]


def test_leaves_that_share_a_column_share_its_errors():
    error = pd.DataFrame({"seats_women": [4.0, 0.0]})
    n = 20_000
    got = um.compose("GII-01", GENDER, std_error=error, n=n).node().table["std_error"]
    exact = scores.gender_inequality_index(GENDER.assign(seats_women_se=error["seats_women"])).table["std_error"]
    # by the delta method; 4 points of 25 are not small
    assert got[0] == pytest.approx(exact[0], rel=0.1) and got[1] == 0


def test_the_perceptions_index_is_a_mean_of_sources_with_its_error():
    data = sources("CPI-01", RATED)
    got = um.compose("CPI-01", data, level=0.9, n=20_000, keep=20_000)
    table = got.node().table
    assert table["value"].to_list() == pytest.approx([46.5, 50.0, 66.0, np.nan], nan_ok=True)  # D has two sources
    spread = np.std([40, 44, 47, 55], ddof=1)
    assert table["std_error"][0] == pytest.approx(spread / 2 * np.sqrt(9 / 12), rel=1e-12)
    assert table["std_error"][1] == pytest.approx(0, abs=1e-12)
    assert table["upper"][0] - 46.5 == pytest.approx(1.6448536 * table["std_error"][0])
    assert table["interval"].to_list() == ["wald"] * 4 and table["n"].to_list() == [4, 3, 3, 2]
    # P(B above A) = Φ(3.5 / 2.75)
    assert got.above().loc["B", "A"] == pytest.approx(0.8984, abs=4 * 0.3 / 20_000**0.5)
    assert list(got.ranks(level=0.9)["rank"]) == [3, 2, 1]
    own = dataclasses.replace(load_recipe("CPI-01"))
    early = dataclasses.replace(
        own.construction, nodes=(dataclasses.replace(own.construction.nodes[0], options={"population": np.inf}),)
    )
    until_2020 = um.compose(dataclasses.replace(own, construction=early), data).node().table
    assert until_2020["std_error"][0] == pytest.approx(spread / 2)


def test_errors_of_inference_go_up_the_tree_and_join_those_of_the_data():
    recipe = load_recipe("CPI-01")
    below = recipe.construction.nodes[0]
    top = Node("top", ("CPI", "half"))
    one = Node("half", ("african_development_bank", "transformation_index"))
    children = tuple(c for c in below.children if c not in one.children)
    data = sources("CPI-01", RATED).fillna({"african_development_bank": 61.0, "transformation_index": 30.0})
    data[list(children[:4])] = [[50.0, 58.0, 62.0, 51.0]] * 4
    tree = order([top, one, dataclasses.replace(below, children=children)])
    other = dataclasses.replace(recipe, construction=dataclasses.replace(recipe.construction, nodes=tree))
    error = pd.DataFrame({"african_development_bank": [3.0, 3.0, 3.0, 3.0]})
    n = 20_000
    quiet = um.compose(other, data, n=n)
    own = quiet.node("CPI").table["std_error"].to_numpy()
    assert quiet.node("half").table["std_error"].to_list() == [0, 0, 0, 0]
    assert quiet.node().table["std_error"].to_numpy() == pytest.approx(own / 2, rel=4 / (2 * n) ** 0.5)
    noisy = um.compose(other, data, std_error=error, n=n).node().table["std_error"].to_numpy()
    assert noisy == pytest.approx(np.sqrt(own**2 / 4 + (3 / 4) ** 2), rel=4 / (2 * n) ** 0.5)


def test_unobserved_components_as_a_node_are_those_of_the_function():
    rng = np.random.default_rng(2)
    truth = rng.normal(size=(2, 50))
    names = ["eiu", "gcs", "prs", "adb"]
    noise = dict(zip(names, (0.3, 0.5, 0.7, 0.9), strict=True))
    data = pd.concat(
        [
            pd.DataFrame({s: truth[t] + e * rng.normal(size=50) for s, e in noise.items()})
            .assign(ref_area=[f"U{i:02d}" for i in range(50)], time_period=str(2009 + t))
            for t in range(2)
        ],
        ignore_index=True,
    )  # fmt: skip
    data.loc[rng.random(100) < 0.3, "adb"] = np.nan
    got = um.compose("WGI-CC-01", sources("WGI-CC-01", data), n=400).node().table
    long = data.melt(["ref_area", "time_period"], var_name="source").dropna(subset=["value"])
    want = scores.unobserved_components(long, ["eiu", "gcs", "prs"], level=0.95).estimates.table
    both = got.merge(want, on=["ref_area", "time_period"])
    for column in ("value", "std_error", "lower", "upper"):
        assert both[f"{column}_x"].to_numpy() == pytest.approx(both[f"{column}_y"].to_numpy(), abs=1e-7), column
    assert (both["n_x"] == both["n_y"]).all() and len(both) == 100
    turned = um.compose("WGI-CC-01", sources("WGI-CC-01", data)[::-1].reset_index(drop=True), n=400, workers=2)
    back = (
        turned.node()
        .table.set_index(["time_period", "ref_area"])
        .loc[pd.MultiIndex.from_frame(got[["time_period", "ref_area"]])]
    )
    assert (back["value"].to_numpy() == got["value"].to_numpy()).all()
    # an error of the data adds to that of the inference
    error = pd.DataFrame(0.4, index=data.index, columns=names)
    small = data["time_period"] == "2009"
    noisy = um.compose("WGI-CC-01", sources("WGI-CC-01", data)[small], std_error=error[small], n=100).node().table
    assert (noisy["std_error"] > 1.1 * got["std_error"][:50].to_numpy()).mean() > 0.9


def test_known_answers_of_the_reports(oracle, composite):
    table = pd.read_csv(composite / "published/hdr2122_inputs.csv").drop(columns=["country", "hdicode", "region"])
    long = table.melt("iso3").dropna(subset=["value"])
    long[["name", "year"]] = long["variable"].str.rsplit("_", n=1, expand=True)
    wide = long.pivot(index=["iso3", "year"], columns="name", values="value").reset_index()
    frame = wide.rename(columns={**oracle.INPUTS, "iso3": "ref_area", "year": "time_period"})
    for name, cases, agree in (("HDI", 5571, 1.0), ("IHDI", 1736, 1.0), ("GII", 4889, 0.9985)):
        published = oracle.INDICES[name][1]
        got = um.compose(f"{name}-01", frame).node().table.dropna(subset=["value"])
        both = got.merge(frame[["ref_area", "time_period", published]].dropna(), on=["ref_area", "time_period"])
        assert len(both) == cases
        assert (both["value"].round(3) == both[published]).mean() >= agree, name


def test_known_answers_of_control_of_corruption(oracle, composite):
    ratings = oracle.wgi_ratings(composite, "cc")
    ratings = ratings[ratings["time_period"].between("2003", "2010")]
    wide = ratings.pivot(index=["ref_area", "time_period"], columns="source", values="value").reset_index()
    got = um.compose("WGI-CC-01", sources("WGI-CC-01", wide), level=0.9, n=200).node().table
    published = pd.read_csv(composite / "ucm/wgi_published.csv.gz", keep_default_na=False, na_values=[""])
    published = published.assign(time_period=published["year"].astype(str), ref_area=published["code"])
    both = got.merge(published.dropna(subset=["cce"]), on=["ref_area", "time_period"])
    assert len(both) == len(got) == 1641
    assert (both["value"] - both["cce"]).abs().max() <= 6.1e-4
    assert (both["std_error"] - both["ccs"]).abs().max() <= 2e-4
    assert (both["n"] == both["ccn"]).all()


def test_known_answers_of_the_perceptions_index(composite):
    want = pd.read_csv(composite / "published/cpi2022_expected.csv").set_index("iso3")
    table = pd.read_csv(composite / "published/cpi2022_sources.csv").set_index("ISO3").loc[want.index]
    columns = load_recipe("CPI-01").construction.columns
    data = table[table.columns[8:21]].set_axis(columns, axis=1).rename_axis("ref_area").reset_index()
    got = um.compose("CPI-01", data, level=0.9, n=4_000)
    found = got.node().table.set_index("ref_area").loc[want.index]
    assert (found["n"] == want["n"]).all()
    score = np.floor(found["value"].round(9) + 0.5)
    assert ((score - want["score_published"]).abs() <= 1).all()
    assert (score == want["score_published"]).sum() >= 162
    assert (found["std_error"] - want["se_published"]).abs().max() <= 0.22
    assert found["std_error"].to_numpy() == pytest.approx(want["se_fpc13"].to_numpy(), rel=1e-9)
    ranks = got.ranks(level=0.9)
    # what the table does not say: by the draws alone a rank is 21 places wide
    assert (ranks["upper"] - ranks["lower"]).mean() == pytest.approx(21, abs=1)


@pytest.mark.parametrize(
    ("recipe", "old", "new", "where", "what"),
    [
        ("CPI-01", "population = 13", "population = 5", "population", "less than the number"),
        ("CPI-01", "population = 13", "population = 13\nweighting = 'pca'", "weighting", "no weights of their own"),
        ("CPI-01", "spread = 20", "spread = 0", "spread", "out of range"),
        ("CPI-01", "low = 0", "low = 101", "low", "not below"),
        ("GII-01", "groups = 2", "groups = 4", "groups", "cannot be 4 groups"),
        ("GII-01", "constant = 1", "constant = 1\ntreat = 'log'", "constant", "is a score already"),
        ("GII-01", "most = 1000", "most = 5", "least", "not below"),
        ("GII-01", 'column = "seats', 'denominator = "x"\ncolumn = "seats', "denominator", "beside column"),
        ("WGI-CC-01", '["eiu", "gcs", ', '["eiu", "gsc", ', "representative", '"gsc" is not a child'),
        ("WGI-CC-01", '"gwp", "ipd", "prs", "vdm", "wmo"]', "]", "representative", "fewer than three"),
    ],
)  # fmt: skip
def test_faults_of_sources_and_groups(tmp_path, recipe, old, new, where, what):
    text = Path(load_recipe(recipe).file).read_text(encoding="utf-8")
    assert old in text
    path = tmp_path / "EX-01.toml"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    found, faults = read_recipe(path)
    assert found is None
    assert any(f.where.endswith(where) and what in f.what and f.remedy for f in faults), [str(f) for f in faults]


def test_a_score_whose_error_is_unknown_is_a_fault():
    recipe = load_recipe("CPI-01")
    node = dataclasses.replace(recipe.construction.nodes[0], threshold=0.0)
    loose = dataclasses.replace(recipe, construction=dataclasses.replace(recipe.construction, nodes=(node,)))
    data = sources("CPI-01", RATED)
    data.loc[3, "african_development_bank"] = np.nan
    with pytest.raises(Faults, match="one source tells nothing") as caught:
        um.compose(loose, data)
    assert caught.value.faults[0].rows == (4,)
    tree = order([Node("top", ("CPI",), options={"population": 13}), recipe.construction.nodes[0]])
    wrong = dataclasses.replace(recipe, construction=dataclasses.replace(recipe.construction, nodes=tree))
    with pytest.raises(Faults, match="only leaves can be sources"):
        um.compose(wrong, data)


def test_steps_by_hand():
    assert normalise.normalise(np.array([[50.0], [100.0]]), "reciprocal", direction=-1, scale=10).ravel() == (
        pytest.approx([0.2, 0.1])
    )
    lower = normalise.normalise(np.array([[3.0], [7.0]]), "baseline", direction=-1, centre=5.0, spread=2.0)
    assert lower.ravel() == pytest.approx([1, -1])
    assert aggregate.product(np.array([0.5, 0.8, np.nan])) == pytest.approx(0.4)
    assert aggregate.group_inequality(np.array([0.4, 0.9, 0.4, 0.9])) == pytest.approx(0)
    # one dimension: 1 − harmonic over arithmetic mean
    assert aggregate.group_inequality(np.array([0.2, 0.8])) == pytest.approx(1 - 0.32 / 0.5)
