"""Composites: recipes read strictly, and scores that carry the uncertainty of data and construction.

The Human Development Index of Norway, Chad and Brazil is worked in the test from the goalposts of the technical notes;
the whole published table is compared by ``tests/oracles/composite.py``.
"""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import uncac_metrics as um
from uncac_metrics import recipes
from uncac_metrics.catalogue import load_catalogue
from uncac_metrics.composites import compose
from uncac_metrics.model import Faults
from uncac_metrics.recipes import Recipe, load_recipe, read_recipe, read_recipes
from uncac_metrics.robustness import influence, sensitivity
from uncac_metrics.stats import survey
from uncac_metrics.stats.estimates import concat
from uncac_metrics.stats.scores import aggregate, construction, normalise
from uncac_metrics.stats.scores.construction import Construction, Leaf
from uncac_metrics.stats.scores.hierarchy import Node, order

GOOD = """
name = "Example"
purpose = "To try"
unit = "score"
decimals = 1
provenance = "D"
provenance_note = "ours"

[[leaves]]
id = "a"
direction = "higher"
normalise = "minmax"

[[leaves]]
id = "b"
direction = "lower"
normalise = "goalposts"
lower = 0
upper = 50
scale = 100

[[nodes]]
id = "top"
name = "Top"
children = ["a", "b"]
weights = [2, 1]
"""


def made(leaves="abc", nodes=None, normalise="minmax", **options):
    parameters = {"lower": 0.0, "upper": 100.0, "scale": 100.0} if normalise == "goalposts" else {}
    return Recipe(
        "EX-1", "Example", "", "score", 1, "D", "",
        Construction(
            tuple(Leaf(c, normalise=normalise, parameters=parameters) for c in leaves),
            order(nodes or [Node("top", tuple(leaves))]), **options,
        ),
    )  # fmt: skip


def frame(n=12, leaves="abc", seed=0):
    rng = np.random.default_rng(seed)
    data = pd.DataFrame(rng.uniform(10, 90, (n, len(leaves))), columns=list(leaves))
    return data.assign(ref_area=[f"U{i:02d}" for i in range(n)])


def numbers(composition, by=("indicator", "ref_area", "time_period")):
    return composition.estimates.table.set_index(list(by))[["value", "std_error", "lower", "upper"]].sort_index()


# ---------------------------------------------------------------- recipes


def test_shipped_recipes_are_sound_and_no_indicators():
    shipped, faults = read_recipes([], load_catalogue())
    assert not faults and {"HDI-01", "CO-01"} <= set(shipped)
    assert not set(shipped) & set(load_catalogue())


def test_a_recipe_is_read(tmp_path):
    path = tmp_path / "EX-01.toml"
    path.write_text(GOOD)
    recipe, faults = read_recipe(path)
    assert not faults
    assert recipe.top == "top" and recipe.construction.leaves[1].direction == -1
    assert recipe.construction.nodes[0].weights == (2, 1)


@pytest.mark.parametrize(
    ("old", "new", "where", "what"),
    [
        ('name = "Example"', 'nmae = "Example"', "nmae", "unknown key"),
        ("decimals = 1", "decimals = 12", "decimals", "out of range"),
        ('normalise = "minmax"', 'normalise = "minmx"', "leaves[1].normalise", "is not allowed"),
        ('normalise = "minmax"', 'normalise = "dist2targ"', "leaves[1].target", "needs it"),
        ('normalise = "minmax"', 'normalise = "minmax"\nupper = 3', "leaves[1].upper", "does not take it"),
        ("upper = 50", "upper = 0", "leaves[2].lower", "not below"),
        ("scale = 100", "scale = -1", "leaves[2].scale", "out of range"),
        ("scale = 100", "per = 1000", "leaves[2].per", "no denominator"),
        ('["a", "b"]', '["a", "c"]', "nodes[1].children", 'no leaf or node "c"'),
        ('["a", "b"]', '["a"]', "leaves", '"b" is under no node'),
        ("[2, 1]", "[2]", "nodes[1].weights", "1 weights for 2 children"),
        ("[2, 1]", "[0, 0]", "nodes[1].weights", "not all zero"),
        ("[2, 1]", '["2", 1]', "nodes[1].weights", "is not a number"),
        ("weights = [2, 1]", 'aggregation = "generalised"', "nodes[1].power", "needs it"),
        ("weights = [2, 1]", "threshold = 2", "nodes[1].threshold", "out of range"),
        ("weights = [2, 1]", 'weights = [2, 1]\nweighting = "pca"', "nodes[1].weighting", "cannot stand beside"),
        ('id = "b"', 'id = "a"', "", "used more than once"),
        ("[[nodes]]", '[impute]\nmethod = "mean"\nmost = 2\n[[nodes]]', "impute.most", "does not take it"),
        ('id = "top"', 'id = "top"\npenalty = -1', "nodes[1].penalty", "does not take it"),
    ],
)  # fmt: skip
def test_faults_of_recipes(tmp_path, old, new, where, what):
    assert old in GOOD
    path = tmp_path / "EX-01.toml"
    path.write_text(GOOD.replace(old, new, 1))
    recipe, faults = read_recipe(path)
    assert recipe is None
    assert any(f.where == where and what in f.what and f.remedy for f in faults), [str(f) for f in faults]


def test_all_faults_at_once_and_trees_that_are_none(tmp_path):
    path = tmp_path / "bad name.toml"
    path.write_text(GOOD.replace("decimals = 1", "decimals = 12").replace('"D"', '"X"'))
    _, faults = read_recipe(path)
    assert len(faults) == 3
    two = GOOD + '[[nodes]]\nid = "other"\nname = "Other"\nchildren = ["top2"]\n'
    path = tmp_path / "EX-02.toml"
    path.write_text(two + '[[nodes]]\nid = "top2"\nname = "X"\nchildren = ["other"]\n')
    _, faults = read_recipe(path)
    assert any("circle" in f.what for f in faults)
    path.write_text(two.replace('["top2"]', '["a"]'))
    _, faults = read_recipe(path)
    assert any("already" in f.what for f in faults)


def test_kinds_of_measure_are_not_blended(tmp_path):
    path = tmp_path / "EX-01.toml"
    text = GOOD.replace('id = "a"', 'id = "BR-01"').replace('id = "b"', 'id = "BR-21"')
    path.write_text(text.replace('["a", "b"]', '["BR-01", "BR-21"]'))
    _, faults = read_recipe(path, load_catalogue())
    said = " ".join(f.what for f in faults)
    assert "different kinds of measure" in said and "says lower is better" in said
    path.write_text(path.read_text().replace("BR-21", "BR-03"))
    _, faults = read_recipe(path, load_catalogue())
    assert any("no agreed better direction" in f.what for f in faults)


def test_an_offices_recipes_are_checked(tmp_path):
    folder = tmp_path / "office" / "indicators" / "composites"
    folder.mkdir(parents=True)
    (folder / "EX-01.toml").write_text(GOOD)
    (folder / "HDI-01.toml").write_text(GOOD.replace("decimals = 1", "decimals = 12"))
    found, faults = read_recipes([tmp_path / "office"])
    assert "EX-01" in found
    assert {f.what.split()[0] for f in faults} == {"the", "12"}  # the id is taken, and 12 decimals
    assert load_recipe("EX-01", tmp_path / "office").id == "EX-01"
    with pytest.raises(Faults, match="did you mean"):
        load_recipe("EX-02", tmp_path / "office")


# ---------------------------------------------------------------- scores


def test_human_development_by_hand():
    data = pd.DataFrame(
        {
            "ref_area": ["NOR", "TCD", "BRA"], "life_expectancy": [83.2339, 52.5254, 72.7501],
            "expected_schooling": [18.1852, 8.0354, 15.5943], "mean_schooling": [13.0036, 2.5735, 8.1278],
            "income": [64660.1062, 1364.1694, 14369.8841],
        }
    )  # fmt: skip
    health = (data["life_expectancy"] - 20) / 65
    school = (np.minimum(data["expected_schooling"] / 18, 1) + data["mean_schooling"] / 15) / 2
    income = np.log(data["income"] / 100) / np.log(750)
    got = um.compose("HDI-01", data)
    assert got.node().table["value"].to_numpy() == pytest.approx((health * school * income) ** (1 / 3), rel=1e-12)
    assert got.node("education").table["value"].to_numpy() == pytest.approx(school, rel=1e-12)
    assert got.node().table["value"].round(3).to_list() == [0.961, 0.394, 0.754]  # as published for 2021


def test_no_rank_without_an_interval():
    got = compose(made(), frame())
    assert got.estimates.draws is None and got.estimates.table["std_error"].isna().all()
    for question in (got.ranks, got.above):
        with pytest.raises(Faults, match="no uncertainty"):
            question()
    with pytest.raises(Faults, match="no node"):
        got.node("tip")


def test_errors_of_the_data_reach_the_top():
    data = frame()
    se = pd.DataFrame({c: np.full(len(data), s) for c, s in zip("abc", (2.0, 3.0, 0.0), strict=True)})
    n = 20_000
    got = compose(made(normalise="goalposts"), data, std_error=se, n=n).node()
    expected = np.sqrt(4 + 9) / 3
    assert got.table["std_error"].to_numpy() == pytest.approx(expected, rel=4 / (2 * n) ** 0.5)
    width = (got.table["upper"] - got.table["lower"]) / (2 * 1.959964 * expected)
    assert width.to_numpy() == pytest.approx(1, abs=0.12)
    assert (got.table["value"].between(got.table["lower"], got.table["upper"])).all()


def test_ranks_have_intervals_and_probabilities():
    data = pd.DataFrame({"ref_area": ["A", "B", "C", "D"], "a": [10.0, 50.0, 51.0, np.nan]})
    se = pd.DataFrame({"a": [1.0, 3.0, 3.0, 1.0]})
    got = compose(made("a", normalise="goalposts"), data, std_error=se, n=8_000, keep=8_000)
    table = got.ranks(top=1).set_index("ref_area")
    assert "D" not in table.index and (table["n_ranked"] == 3).all()
    assert table.loc["A", ["rank", "lower", "upper"]].to_list() == [3, 3, 3]
    assert table.loc["B", ["rank", "lower", "upper"]].to_list() == [2, 1, 2]
    # P(C above B) = Φ(1 / √18)
    assert table.loc["C", "p_top"] == pytest.approx(0.593, abs=4 * 0.5 / 8_000**0.5)
    assert got.above().loc["C", "B"] == pytest.approx(table.loc["C", "p_top"], abs=1e-12)
    counts = got.simulation.rank_counts
    assert counts.sum() == 3 * 8_000


def test_choices_of_construction_are_averaged_over():
    data = frame(20)
    ways = {"normalise": ["minmax", ("zscore", {"mean": 50, "sd": 10})], "weights": ["equal", {"top": (3, 1, 1)}]}
    got = compose(made(), data, alternatives=ways, n=2_000)
    x = data[list("abc")].to_numpy()
    mm = 100 * (x - x.min(axis=0)) / np.ptp(x, axis=0)
    z = 50 + 10 * (x - x.mean(axis=0)) / x.std(axis=0, ddof=1)
    combos = np.stack([v @ np.array(w) / sum(w) for v in (mm, z) for w in ((1, 1, 1), (3, 1, 1))])
    draws = got.node().draws
    nearest = np.abs(draws[:, None, :] - combos[None]).max(axis=2).min(axis=1)
    assert nearest.max() < 1e-9
    assert got.node().table["value"].to_numpy() == pytest.approx(combos[0])
    with pytest.raises(Faults, match="cannot be varied"):
        compose(made(), data, alternatives={"weight": ["equal"]})


def test_panel_scores_change_only_with_the_units_own_data_when_bounds_are_shared():
    data = pd.concat([frame(8, seed=s).assign(time_period=str(2020 + s)) for s in range(3)], ignore_index=True)
    together = compose(made(), data).node().table
    x = data[list("abc")]
    expected = (100 * (x - x.min()) / (x.max() - x.min())).mean(axis=1)
    assert together["value"].to_numpy() == pytest.approx(expected.to_numpy())
    each = compose(made(together=False), data).node().table
    alone = compose(made(), data[data["time_period"] == "2021"].reset_index(drop=True)).node().table
    assert each.loc[each["time_period"] == "2021", "value"].to_numpy() == pytest.approx(alone["value"].to_numpy())


def test_denominators_and_their_errors():
    recipe = dataclasses.replace(made("a", normalise="goalposts"), denominators={"a": ("people", 100.0)})
    data = pd.DataFrame({"ref_area": ["A", "B"], "a": [30.0, 8.0], "people": [60.0, 0.0]})
    got = compose(recipe, data, std_error=pd.DataFrame({"a": [3.0, 1.0]}), n=10_000).node().table
    assert got["value"].to_list()[0] == 50 and np.isnan(got["value"].to_list()[1])
    assert got["std_error"].to_list()[0] == pytest.approx(5, rel=0.03)
    assert got["obs_status"].to_list() == ["A", "O"] and got["n"].to_list() == [1, 0]


def test_multiple_imputation_by_rubin_is_wider_than_filling_once():
    rng = np.random.default_rng(5)
    common = rng.normal(50, 10, (60, 1))
    data = pd.DataFrame(common + rng.normal(0, 6, (60, 3)), columns=list("abc")).assign(
        ref_area=[f"U{i}" for i in range(60)]
    )
    data.loc[:14, "c"] = np.nan
    se = pd.DataFrame(1.0, index=data.index, columns=list("abc"))
    nodes = [Node("top", ("a", "b", "c"))]
    once = compose(made(nodes=nodes, normalise="goalposts", impute="em"), data, std_error=se)
    many = compose(
        made(nodes=nodes, normalise="goalposts", impute="multiple", options={"imputations": 20}), data, std_error=se,
        n=8_000, keep=8_000,
    )  # fmt: skip
    a, b = once.node().table["std_error"].to_numpy(), many.node().table["std_error"].to_numpy()
    assert (b[:15] > 1.5 * a[:15]).all()
    assert b[15:] == pytest.approx(a[15:], rel=0.15)
    assert many.node().table["method"].str.contains("20 imputations").all()
    assert many.node().table["df"].iloc[0] < 1e6 and many.node().draws is not None
    # residual variance of c given a and b: 36 (1 + 1/(2 + 36/100)) ; a third of c enters the score
    assert b[0] ** 2 - 1 / 3 == pytest.approx(36 * (1 + 1 / 2.36) / 9, rel=0.6)


@pytest.mark.parametrize("impute", ["mean", "median", "group_mean", "group_median", "row_mean", "row_median"])
def test_imputation_within_the_recipe(impute):
    data = frame(10).assign(region=["N", "S"] * 5)
    data.loc[0, "a"] = np.nan
    got = compose(made(impute=impute), data, group="region")
    assert got.node().table["value"].notna().all()
    assert got.node().table["n"].to_list()[0] == 2  # what is filled is not counted as observed


def test_latest_and_linear_go_through_time():
    data = pd.concat([frame(5).assign(time_period=y) for y in ("2019", "2020", "2021")], ignore_index=True)
    data.loc[5:9, "a"] = np.nan
    data.loc[10:14, "a"] += 4
    last = compose(made(impute="latest", normalise="goalposts"), data).profile
    line = compose(made(impute="linear", normalise="goalposts"), data).profile
    assert (line["a"].to_numpy()[5:10] - last["a"].to_numpy()[5:10]).tolist() == pytest.approx([2] * 5)


@pytest.mark.parametrize("way", ["pca", "factor", "balance", "infomax", "entropy", "critic"])
def test_weights_from_the_data(way):
    rng = np.random.default_rng(3)
    common = rng.normal(50, 10, (40, 1))
    data = pd.DataFrame(common + rng.normal(0, 5, (40, 3)), columns=list("abc")).assign(
        ref_area=[f"U{i}" for i in range(40)]
    )
    got = compose(dataclasses.replace(made(), weightings={"top": way}), data)
    score = got.node().table["value"].to_numpy()
    solved = np.linalg.lstsq(got.profile[list("abc")].to_numpy(), score, rcond=None)[0]
    assert (solved > 0).all() and solved.sum() == pytest.approx(1)
    # an alternative of equal weights takes their place
    recipe = dataclasses.replace(made(), weightings={"top": way})
    even = compose(recipe, data, alternatives={"weights": ["equal"]}, n=10).node().draws[0]
    assert even == pytest.approx(got.profile[list("abc")].mean(axis=1).to_numpy())


def test_estimates_carry_their_covariance():
    rng = np.random.default_rng(4)
    people = pd.DataFrame({"w": 1.0, "psu": np.repeat(np.arange(40), 25), "x": rng.random(1000) < 0.2})
    people["y"] = np.where(rng.random(1000) < 0.8, people["x"], rng.random(1000) < 0.2)
    design = survey.Design(people.astype(float), weight="w", psu="psu")
    parts = [
        survey.proportion(design, v).with_columns(indicator=v, ref_area="XX", time_period="2025") for v in ("x", "y")
    ]
    both = concat(parts)
    recipe = Recipe(
        "EX-1", "", "", "share", 3, "D", "",
        Construction(
            tuple(Leaf(v, -1, "goalposts", {"lower": 0, "upper": 1}) for v in "xy"), (Node("top", ("x", "y")),)
        ),
    )  # fmt: skip
    n = 20_000
    got = compose(recipe, both, n=n).node().table
    weights = np.array([-0.5, -0.5])
    exact = np.sqrt(weights @ both.covariance().to_numpy() @ weights)
    alone = np.sqrt((weights**2) @ both.table["std_error"].to_numpy() ** 2)
    assert got["std_error"].iloc[0] == pytest.approx(exact, rel=4 / (2 * n) ** 0.5)
    assert exact > 1.1 * alone  # the two are correlated, and it shows
    assert got["value"].iloc[0] == pytest.approx(1 - both.table["value"].mean())


def test_faults_of_data_come_together():
    data = frame(4).drop(columns="c").assign(b=["x", "1", "2", "3"])
    data.loc[1, "ref_area"] = data.loc[0, "ref_area"]
    with pytest.raises(Faults) as caught:
        compose(made(), data)
    assert {f.where for f in caught.value.faults} == {"b", "c", "ref_area"}
    good = frame(4)
    with pytest.raises(Faults, match="rows are not those"):
        compose(made(), good, std_error=pd.DataFrame({"a": [1.0]}))
    with pytest.raises(Faults, match="negative"):
        compose(made(), good, std_error=pd.DataFrame({"a": [-1.0, 1, 1, 1]}))
    with pytest.raises(Faults, match="a: minmax cannot tell units apart"):
        compose(made(), good.assign(a=5.0))
    with pytest.raises(Faults, match="no rows"):
        compose(made(), good.iloc[:0])


def test_a_geometric_mean_of_negative_scores_is_a_fault_not_a_gap():
    ways = {"aggregation": ["arithmetic", "geometric"], "normalise": ["zscore"]}
    with pytest.raises(Faults, match="gives no number"):
        compose(made(), frame(), alternatives=ways)


def test_unknown_methods_are_named_together():
    wrong = Construction(
        (Leaf("a", normalise="minmx", treat="cut"),), (Node("top", ("a",), aggregation="mode"),), "guess"
    )
    recipe = dataclasses.replace(made("a"), construction=wrong)
    with pytest.raises(Faults) as caught:
        compose(recipe, frame())
    assert len(caught.value.faults) == 4


def test_recipes_know_every_imputation_of_the_steps():
    assert set(recipes.IMPUTATIONS) == set(construction.IMPUTATIONS)
    assert set(recipes.AGGREGATIONS) == set(aggregate.METHODS)
    assert set(recipes.NEEDS) == set(normalise.METHODS) - {"dist2ref"}  # no score relative to a named State
    assert set(construction.TREATMENTS) - set(recipes.TREATMENTS) == {"log_gii"}


def test_one_unit_over_time_is_a_national_score():
    years = [str(y) for y in range(2016, 2026)]
    data = pd.DataFrame({"ref_area": "XX", "time_period": years, "BR-01": np.linspace(20, 11, 10), "BR-22": 15.0})
    se = pd.DataFrame({"BR-01": np.full(10, 1.0), "BR-22": np.full(10, 1.5)})
    got = um.compose("CO-01", data, std_error=se)
    assert (np.diff(got.node().table["value"]) > 0).all()
    assert got.above().loc["XX 2025", "XX 2016"] > 0.99


# ---------------------------------------------------------------- properties


@given(seed=st.integers(0, 10_000), gap=st.integers(0, 11), noise=st.sampled_from([0.0, 0.2]))
@settings(max_examples=12, deadline=None)
def test_order_names_workers_and_idle_indicators_change_nothing(seed, gap, noise):
    data = frame(12, seed=seed)
    data.loc[gap, "b"] = np.nan
    se = pd.DataFrame(np.random.default_rng(seed).uniform(0.5, 3, (12, 3)), columns=list("abc"))
    options = {"alternatives": {"normalise": ["minmax", "zscore"]}, "weight_noise": noise, "n": 400, "seed": seed}
    first = compose(made(), data, std_error=se, **options)
    base = numbers(first)
    turned = compose(made(), data[::-1].reset_index(drop=True), std_error=se[::-1].reset_index(drop=True), **options)
    pd.testing.assert_frame_equal(numbers(turned), base, check_exact=True)
    names = {old: f"{(i * 7) % 12:02d}-{old}" for i, old in enumerate(data["ref_area"])}
    renamed = compose(made(), data.assign(ref_area=data["ref_area"].map(names)), std_error=se, **options)
    back = numbers(renamed).rename(index={new: old for old, new in names.items()}, level="ref_area").sort_index()
    pd.testing.assert_frame_equal(back, base, check_exact=True)
    three = compose(made(), data, std_error=se, workers=3, **options)
    pd.testing.assert_frame_equal(numbers(three), base, check_exact=True)
    idle = made("abcd", [Node("top", ("a", "b", "c", "d"), (1.0, 1.0, 1.0, 0.0))])
    more = data.assign(d=np.random.default_rng(seed + 1).uniform(size=12))
    with_idle = compose(idle, more, std_error=se.assign(d=1.0), **options)
    pd.testing.assert_frame_equal(numbers(with_idle), base, rtol=1e-12)
    places = [
        c.ranks().assign(ref_area=lambda d, back=back: d["ref_area"].replace(back)).set_index("ref_area").sort_index()
        for c, back in ((first, {}), (turned, {}), (renamed, {new: old for old, new in names.items()}), (three, {}),
                        (with_idle, {}))
    ]  # fmt: skip
    for other in places[1:]:
        pd.testing.assert_frame_equal(other.drop(columns="value"), places[0].drop(columns="value"), check_exact=True)


# ---------------------------------------------------------------- robustness


def test_influence_leaves_each_part_out():
    data = frame(20)
    recipe = made("abc", [Node("top", ("left", "c"), (3.0, 1.0)), Node("left", ("a", "b"))])
    table = influence(recipe, data).set_index("left_out")
    assert table["weight"].to_dict() == {"left": 0.75, "c": 0.25, "a": 0.375, "b": 0.375}
    profile = compose(recipe, data).profile
    full = compose(recipe, data).node().table["value"].to_numpy()
    assert table.loc["left", "max_change"] == pytest.approx(np.abs(profile["c"] - full).max())
    assert table.loc["a", "correlation"] == pytest.approx(np.corrcoef(profile["a"], full)[0, 1])


def test_sensitivity_names_what_the_uncertainty_comes_from():
    data = frame(10)
    se = pd.DataFrame(0.01, index=data.index, columns=list("abc"))
    found = sensitivity(
        made(normalise="goalposts"), data, {"aggregation": ["arithmetic", "harmonic"]}, std_error=se, n=128
    )
    total = found[found["output"] == "score"].pivot(index="ref_area", columns="factor", values="total")
    assert (total["aggregation"] > 0.98).all() and (total["errors of the data"] < 0.02).all()
    assert (found["first_lower"] <= found["first"] + 1e-9).all()
    noisy = sensitivity(made(normalise="goalposts"), data, {}, std_error=1_000 * se, weight_noise=0.01, n=1024)
    total = noisy[noisy["output"] == "score"].pivot(index="ref_area", columns="factor", values="total")
    assert (total["errors of the data"] > 0.9).all()
    with pytest.raises(Faults, match="fewer than two factors"):
        sensitivity(made(), data, {"aggregation": ["arithmetic", "geometric"]})


def test_comparison_of_two_constructions():
    data = frame(10)
    se = pd.DataFrame(1.0, index=data.index, columns=list("abc"))
    first = compose(made(), data, std_error=se)
    second = compose(made(normalise="goalposts"), data, std_error=se)
    both = first.compare(second)
    assert {"lower_first", "upper_first", "lower_second", "upper_second", "difference"} <= set(both.columns)
    assert both["difference"].to_numpy() == pytest.approx(both["value_second"] - both["value_first"])
