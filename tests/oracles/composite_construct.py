"""Reference files of the construction of composites: COINr 1.1.14, Compind 3.4, R, and the human development report."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from composite_common import (
    ITERATIVE,
    PERTURB,
    Cases,
    Differs,
    Outcome,
    Unsupported,
    close,
    differs,
    document,
    frame,
    same,
)

import uncac_metrics as um
from uncac_metrics.stats.scores import aggregate, analysis, denominate, impute, normalise, sobol, treat, weights
from uncac_metrics.stats.scores.construction import Construction, Layout, Leaf, scorer, vary
from uncac_metrics.stats.scores.hierarchy import Node, climb, effective_weights, order, without
from uncac_metrics.stats.scores.rank_kernels import rank_from_top

Array = np.ndarray
LEVELS = ("Pillar", "Sub-index", "Index")


class Asem:
    """The data of COINr's example, and the index that is built from them."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.data = pd.read_csv(root / "inputs/asem_iData.csv").sort_values("uCode").reset_index(drop=True)
        meta = pd.read_csv(root / "inputs/asem_iMeta.csv", keep_default_na=False)
        self.meta = meta[meta["Type"].isin(["Indicator", "Aggregate"])].reset_index(drop=True)
        rows = self.meta[self.meta["Type"] == "Indicator"]
        self.codes = list(rows["iCode"])
        self.direction = rows["Direction"].astype(float).to_numpy()
        self.target = rows["Target"].astype(float).to_numpy()
        self.below = dict(zip(rows["iCode"], rows["Denominator"], strict=True))
        self.parent = dict(zip(self.meta["iCode"], self.meta["Parent"], strict=True))
        self.level = dict(zip(self.meta["iCode"], self.meta["Level"].astype(int), strict=True))
        self.units = list(self.data["uCode"])
        self.raw = self.data[self.codes].to_numpy(dtype=float)
        self.pillars = [self.parent[c] for c in self.codes]
        self.top = next(c for c in self.level if not self.parent[c] and self.level[c] == max(self.level.values()))

    def nodes(
        self, weight: dict[str, float] | None = None, by_level: tuple[str, ...] = ("arithmetic",) * 3, **extra: Any
    ) -> tuple[Node, ...]:
        """The tree, with weights by code and an aggregation a level."""
        made = []
        for code in (c for c, kind in zip(self.meta["iCode"], self.meta["Type"], strict=True) if kind == "Aggregate"):
            children = tuple(c for c in self.meta["iCode"] if self.parent[c] == code)
            w = tuple(weight[c] for c in children) if weight else ()
            made.append(Node(code, children, w, by_level[self.level[code] - 2], **extra))
        return order(made)

    def climb(self, values: Array, nodes: tuple[Node, ...]) -> dict[str, Array]:
        """Scores of every node by id."""
        found = climb(values, self.codes, nodes)
        return {node.id: found[:, k] for k, node in enumerate(nodes)}

    @cached_property
    def denominated(self) -> Array:
        divided = self.raw.copy()
        for j, code in enumerate(self.codes):
            if self.below[code]:
                divided[:, j] = denominate(self.raw[:, j], self.data[self.below[code]].to_numpy(dtype=float))
        return divided

    @cached_property
    def imputed(self) -> Array:
        return impute.column(self.denominated, "mean", self.data["EurAsia_group"].to_numpy())

    @cached_property
    def treated(self) -> Array:
        return treat.treat(self.imputed).values

    @cached_property
    def normalised(self) -> Array:
        return normalise.normalise(self.treated, direction=self.direction)

    @cached_property
    def aggregated(self) -> dict[str, Array]:
        """Indicators and nodes of the finished index."""
        return dict(zip(self.codes, self.normalised.T, strict=True)) | self.climb(self.normalised, self.nodes())

    def above(self, code: str, level: int) -> str:
        while self.level[code] < level:
            code = self.parent[code]
        return code


class Made(dict):
    """What is made of a file when it is asked for."""

    def __init__(self, make: Callable[[str], Any]) -> None:
        self.make = make

    def __missing__(self, key: str) -> Any:
        self[key] = self.make(key)
        return self[key]


def _by_unit(table: pd.DataFrame, units: list[str], codes: list[str]) -> Array:
    return table.set_index("uCode").loc[units, codes].to_numpy(dtype=float)


def compare(root: Path, factor: float = 1.0) -> Iterator[Outcome]:
    """Every comparison of this module; `factor` multiplies every expected number."""
    PERTURB[0] = factor
    cases = Cases(root)
    asem = Asem(root)
    for part in (
        _inputs, _normalise, _treat, _impute, _aggregate, _weights, _analysis, _ranks, _pipeline, _purse, _sensitivity,
        _compind, _published,
    ):  # fmt: skip
        part(cases, asem)
    yield from cases.outcomes()


def _inputs(cases: Cases, asem: Asem) -> None:
    cases.inputs += [
        "inputs/asem_iData.csv", "inputs/asem_iMeta.csv", "inputs/asem_iData_panel.csv", "inputs/world_denoms.csv",
        "normalise/_README.json", "impute/em_input.csv", "impute/panel_input.csv", "aggregate/weights_random.csv",
        "sensitivity/design_SA_N64_d4.csv", "sensitivity/ishigami_design.csv", "compind/input.csv",
    ]  # fmt: skip


def _matrix(cases: Cases, asem: Asem, name: str, got: Callable[[], Array], undefined: tuple[str, ...] = ()) -> None:
    """A file with a row a unit and a column an indicator; `undefined` are indicators with a divisor of zero."""

    def run() -> str:
        want = frame(cases.root / name)
        values, expected = got(), _by_unit(want, asem.units, asem.codes)
        endless = np.isinf(expected)
        for j, code in enumerate(asem.codes):
            if code in undefined:
                close(values[:, j], np.full(len(values), np.nan), code)
            else:
                close(values[:, j], np.where(endless[:, j], np.nan, expected[:, j]), code)
        return "infinite where the divisor is zero; ours is missing" if endless.any() or undefined else ""

    cases.add(name, run)


def _normalise(cases: Cases, asem: Asem) -> None:
    x = asem.raw * asem.direction
    first = pd.read_csv(cases.root / "inputs/asem_iData.csv")["uCode"][0]
    q = np.nanquantile(x, [0.1, 0.9], axis=0)
    target = asem.target * asem.direction
    made: dict[str, Callable[[], Array]] = {
        "minmax_0_100": lambda: normalise.minmax(x),
        "minmax_1_100": lambda: normalise.minmax(x, 1, 100),
        "scaled": lambda: normalise.scaled(x, -5, 50, 100),
        "zscore_0_1": lambda: normalise.zscore(x),
        "zscore_10_2": lambda: normalise.zscore(x, 10, 2),
        "dist2max": lambda: normalise.dist2max(x),
        "dist2ref_1": lambda: normalise.dist2ref(x, asem.units.index(first)),
        "dist2ref_1_cap": lambda: normalise.dist2ref(x, asem.units.index(first), cap=True),
        "dist2targ": lambda: normalise.dist2targ(x, target),
        "dist2targ_cap": lambda: normalise.dist2targ(x, target, cap=True),
        "fracmax": lambda: normalise.fracmax(x),
        "rank": lambda: normalise.rank(x),
        "prank": lambda: normalise.prank(x),
        "prank_avg": lambda: normalise.prank(x, "average"),
        "borda": lambda: normalise.borda(x),
        "goalposts": lambda: normalise.goalposts(x, q[0], q[1], 100),
        "goalposts_notrunc": lambda: normalise.goalposts(x, q[0], q[1], 100, clip=False),
    }
    worst = np.nanmin(x, axis=0) == x[asem.units.index(first)]
    at_zero = tuple(np.array(asem.codes)[worst])
    for name, got in made.items():
        _matrix(cases, asem, f"normalise/{name}.csv", got, at_zero if name == "dist2ref_1_cap" else ())

    def posts() -> None:
        want = document(cases.root / "normalise/goalposts_used.json")
        for j, code in enumerate(asem.codes):
            close([*q[:, j], 100], want[code], code)

    cases.add("normalise/goalposts_used.json", posts)


def _treat(cases: Cases, asem: Asem) -> None:
    x = asem.raw
    made: dict[str, Callable[[], Array]] = {
        "winsorise_5": lambda: treat.winsorise(x, 5)[0],
        "winsorise_nolimit": lambda: treat.winsorise(x, None)[0],
        "winsorise_force3": lambda: treat.winsorise(x, 3, force=True)[0],
        "winsorise_strict_1_2": lambda: treat.winsorise(x, 10, 1, 2)[0],
        "log_CT": lambda: treat.log_ct(x),
        "log_CT_plus": lambda: treat.log_ct_plus(x),
        "log_CT_orig": lambda: treat.log_ct_original(x),
        "log_GII": lambda: treat.log_gii(x),
        **{f"boxcox_{p:g}": lambda p=p: treat.box_cox(x, p) for p in (-1, 0, 0.5, 2)},
    }
    for name, got in made.items():
        _matrix(cases, asem, f"treat/{name}.csv", got)

    def no_change() -> str:
        want = _by_unit(frame(cases.root / "treat/log_GII_COINr_noop.csv"), asem.units, asem.codes)
        differs(treat.log_gii(x), want, "log_GII")
        return "known wrong: values are returned as they came; ours differ"

    cases.add("treat/log_GII_COINr_noop.csv", no_change)

    def moments() -> None:
        want = document(cases.root / "treat/moments.json")
        g1, g2 = treat.shape_moments(x)
        passed, side = treat.passes(x), treat.winsorise(x, 5)[1]
        for j, code in enumerate(asem.codes):
            row = want[code]
            close([g1[j], g2[j]], [row["skew"], row["kurt"]], code)
            close([(side[:, j] != 0).sum()], [row["nwin5"]], f"{code} points")
            if bool(passed[j]) != bool(row["pass"]):
                raise Differs(f"{code} pass {passed[j]}")

    cases.add("treat/moments.json", moments)
    options: dict[str, dict[str, Any]] = {
        "default": {}, "combine": {"combine": True}, "strict": {"most": 3, "skewness": 1.0, "kurtosis": 2.0}
    }  # fmt: skip
    for name, given in options.items():
        _matrix(cases, asem, f"treat/Treat_{name}.csv", lambda given=given: treat.treat(x, **given).values)
        _details(cases, asem, f"treat/Treat_{name}_details.csv", x, given)
        _points(cases, asem, f"treat/Treat_{name}_points.csv", x, given)


def _details(cases: Cases, asem: Asem, name: str, x: Array | Callable[[], Array], given: dict[str, Any]) -> None:
    """What was done to each indicator: skewness, kurtosis and the verdict at each stage, and the points taken in."""

    def run() -> None:
        values = x() if callable(x) else x
        done = treat.treat(values, **given)
        limits = given.get("skewness", 2.0), given.get("kurtosis", 3.5)
        inner, side = treat.winsorise(values, given.get("most", 5), *limits)
        want = frame(cases.root / name).set_index("iCode").loc[asem.codes]
        for stage, at in enumerate((values, inner, done.values)):
            g1, g2 = treat.shape_moments(at)
            reached = done.stage >= stage
            for label, got in (("Pass", treat.passes(at, *limits)), ("Skew", g1), ("Kurt", g2)):
                column = f"check_SkewKurt{stage}.{label}"
                if column in want.columns:
                    close(np.where(reached, got, np.nan), want[column], column)
                elif reached.any():
                    raise Differs(f"no column {column}")
        if "winsorise.nwin" in want.columns:
            points = (side != 0).sum(axis=0)
            close(np.where(done.stage >= 1, points, np.nan), want["winsorise.nwin"], "winsorise.nwin")

    cases.add(name, run)


def _points(cases: Cases, asem: Asem, name: str, x: Array | Callable[[], Array], given: dict[str, Any]) -> None:
    """Which values were taken in, and which indicators transformed."""

    def run() -> None:
        values = x() if callable(x) else x
        done = treat.treat(values, **given)
        table = pd.read_csv(cases.root / name, keep_default_na=False, dtype="str")
        want = table.set_index("uCode").loc[asem.units] if "uCode" in table.columns else table
        for j, code in enumerate(asem.codes):
            if done.stage[j] == 0 and code not in want.columns:
                continue
            marks = np.select([done.side[:, j] > 0, done.side[:, j] < 0], ["winhi", "winlo"], "")
            marks = np.where(done.stage[j] > 0, marks, "")
            if done.stage[j] == 2:
                marks = np.array([f"{mark}+log_CT" for mark in marks])
            same(marks, want[code], code)

    cases.add(name, run)


def _impute(cases: Cases, asem: Asem) -> None:
    for s in ("mean", "median"):
        _matrix(cases, asem, f"impute/{s}.csv", lambda s=s: impute.column(asem.raw, s))
        for g in ("EurAsia_group", "GDP_group", "Pop_group"):
            groups = asem.data[g].to_numpy()
            _matrix(
                cases, asem, f"impute/{s}_grp_{g}.csv", lambda s=s, groups=groups: impute.column(asem.raw, s, groups)
            )
    d = asem.direction
    two, three = np.array(asem.pillars), np.array([asem.above(c, 3) for c in asem.codes])
    _matrix(cases, asem, "impute/row_mean_level2.csv", lambda: impute.row(asem.raw * d, "mean", two) * d)
    _matrix(cases, asem, "impute/row_median_level3.csv", lambda: impute.row(asem.raw * d, "median", three) * d)

    columns = ["LPI", "Flights", "Goods", "CO2"]
    times = np.arange(2018, 2023)

    def cube(table: pd.DataFrame) -> Array:
        wide = table.pivot(index="Time", columns="uCode")
        return np.stack([wide[c].to_numpy(dtype=float) for c in columns], axis=-1)

    def panel(name: str, run: Callable[[Array], Array]) -> None:
        def check() -> None:
            close(run(cube(pd.read_csv(cases.root / "impute/panel_input.csv"))), cube(frame(cases.root / name)))

        cases.add(name, check)

    panel("impute/panel_latest.csv", lambda x: impute.latest(x, times))
    panel("impute/panel_latest_max1.csv", lambda x: impute.latest(x, times, 1))
    panel("impute/panel_constant.csv", lambda x: impute.linear(x, times, "constant"))
    panel("impute/panel_linear.csv", lambda x: impute.linear(x, times))

    def em() -> None:
        want = document(cases.root / "impute/em_mvn.json")
        found = impute.em(pd.read_csv(cases.root / "impute/em_input.csv").to_numpy())
        close(found.mean, want["mu"], "mean", 5e-7, 1e-9)
        close(found.covariance, want["sigma"], "covariance", 5e-7, 1e-9)
        close(found.log_likelihood, want["loglik"], "log-likelihood", 1e-9)

    def filled() -> None:
        x = pd.read_csv(cases.root / "impute/em_input.csv").to_numpy()
        want = frame(cases.root / "impute/em_conditional_mean.csv").to_numpy()
        close(impute.conditional_mean(x, impute.em(x)), want, "", 5e-7, 1e-9)

    cases.add("impute/em_mvn.json", em)
    cases.add("impute/em_conditional_mean.csv", filled)


def _aggregate(cases: Cases, asem: Asem) -> None:
    folder = cases.root / "aggregate"
    kept = [
        "ConEcFin",
        "Instit",
        "P2P",
        "Physical",
        "Political",
        "Environ",
        "Social",
        "SusEcFin",
        "Conn",
        "Sust",
        "Index",
    ]
    nominal = asem.meta.set_index("iCode")["Weight"].astype(float).to_dict()

    def stated(name: str) -> dict[str, float]:
        if name == "equal":
            return nominal
        return pd.read_csv(folder / "weights_random.csv").set_index("iCode")["Weight"].to_dict()

    given = Made(stated)
    data = Made(lambda kind: _by_unit(pd.read_csv(folder / f"input_{kind}.csv"), asem.units, asem.codes))

    def start() -> None:
        got = normalise.normalise(asem.treated, low=1, high=100, direction=asem.direction)
        close(got, _by_unit(frame(folder / "input_complete.csv"), asem.units, asem.codes))

    def gaps() -> None:
        got = normalise.normalise(asem.treated, low=1, high=100, direction=asem.direction)
        want = _by_unit(frame(folder / "input_missing.csv"), asem.units, asem.codes)
        close(np.where(np.isnan(want), np.nan, got), want)

    cases.add("aggregate/input_complete.csv", start)
    cases.add("aggregate/input_missing.csv", gaps)
    methods: dict[str, dict[str, Any]] = {
        "a_amean": {}, "a_gmean": {"by_level": ("geometric",) * 3}, "a_hmean": {"by_level": ("harmonic",) * 3},
        "mixed_amean_gmean_hmean": {"by_level": ("arithmetic", "geometric", "harmonic")},
        **{f"a_genmean_p{p:g}": {"by_level": ("generalised",) * 3, "options": {"power": p}} for p in (-1, 0.5, 2)},
    }  # fmt: skip
    both = itertools.product(methods, ("complete", "missing"), ("equal", "random"))
    runs = [(f"{m}_{kind}_{w}", m, kind, w, 0.0) for m, kind, w in both]
    runs += [(f"a_amean_missing_thresh{t:g}", "a_amean", "missing", "equal", t) for t in (0.5, 0.8, 1)]
    for name, method, kind, w, threshold in runs:

        def run(
            name: str = name, method: str = method, kind: str = kind, w: str = w, threshold: float = threshold
        ) -> str | None:
            want = frame(folder / f"{name}.csv").set_index("uCode").loc[asem.units]
            found = asem.climb(data[kind], asem.nodes(given[w], threshold=threshold, **methods[method]))
            known_wrong = method.startswith("a_genmean") and kind == "missing"
            for code in kept:
                expected = want[code].to_numpy(dtype=float)
                if known_wrong:
                    whole = ~np.isnan(expected)
                    close(found[code][whole], expected[whole], code)
                    if np.isnan(found[code]).any():
                        raise Differs(f"{code} is missing though children are there")
                else:
                    close(found[code], expected, code)
            if known_wrong:
                differs(found["Index"], want["Index"], "Index")
                return "known wrong: missing where any child is missing; equal where it is not"
            return None

        cases.add(f"aggregate/{name}.csv", run)

    def weigh(name: str) -> Array:
        return np.ones(len(asem.codes)) if name == "equal" else np.array([given[name][c] for c in asem.codes])

    def outrank(name: str) -> Array:
        found = aggregate.outranking(data["complete"], weigh(name))
        np.fill_diagonal(found, 0)  # a unit is not compared with itself
        return found

    for name in ("equal", "random"):
        cases.add(
            f"aggregate/outrank_{name}.csv",
            lambda name=name: close(outrank(name), frame(folder / f"outrank_{name}.csv").to_numpy()),
        )

    def copeland() -> None:
        want = document(folder / "copeland.json")
        same(asem.units, want["uCode"])
        x = data["complete"]
        close(aggregate.copeland(x, weigh("random")), want["random"], "random weights")
        for name in ("equal", "random"):
            lead = aggregate.outranking(x, weigh(name))
            close(np.mean(lead == 1), want[f"frac_dominant_{name}"], f"dominant {name}")
        close(np.sum(aggregate.outranking(x) == 1), want["n_dominant_equal"], "dominant")

    def copeland_equal() -> str:
        want, x = np.array(document(folder / "copeland.json")["equal"]), data["complete"]
        got = aggregate.copeland(x)
        differs(got, want, "equal weights")
        close(got, aggregate.copeland(x[::-1])[::-1], "rows reversed")
        return f"known wrong: {int((got != want).sum())} of {len(got)} units; ours does not depend on the order of rows"

    cases.add("aggregate/copeland.json", copeland)
    cases.add("aggregate/copeland.json#equal", copeland_equal)

    def listed() -> str:
        want = document(folder / "_runs.json")
        missing = data["missing"]
        close(aggregate.copeland(missing), aggregate.copeland(missing[::-1])[::-1], "rows reversed, with gaps")
        changed = want["_COPELAND_ROW_ORDER_BUG"]["units_changed"]
        differs(0.0, changed, "units that change with the order of rows")
        two = asem.climb(missing, asem.nodes(given["equal"], **methods["a_genmean_p2"]))["Index"]
        differs(np.isnan(two).sum(), want["_GENMEAN_NA_BUG"]["index_na_genmean"], "missing index")
        close(np.isnan(asem.climb(missing, asem.nodes())["Index"]).sum(), want["_GENMEAN_NA_BUG"]["index_na_amean"])
        return "known wrong: order of rows and missing children; ours has neither"

    cases.add("aggregate/_runs.json", listed)


def _weights(cases: Cases, asem: Asem) -> None:
    folder = cases.root / "weights"

    def effective() -> None:
        want = frame(folder / "effective.csv").set_index("iCode")
        column = next(c for c in want.columns if c.lower().startswith("eff"))
        got = effective_weights(asem.codes, asem.nodes())
        for code, value in want[column].items():
            close(got[code], value, str(code))

    cases.add("weights/effective.csv", effective)

    def groups(level: int) -> dict[str, list[str]]:
        members: dict[str, list[str]] = {}
        for code in asem.meta["iCode"]:
            if asem.level[code] == level and asem.parent[code]:
                members.setdefault(asem.parent[code], []).append(code)
        return members

    for level in (1, 2, 3):

        def loadings(level: int = level) -> None:
            want = frame(folder / f"pca_level{level}_weights.csv").set_index("iCode")["Weight"]
            inside: set[str] = set()
            for members in groups(level).values():
                got = analysis.principal_components(np.column_stack([asem.aggregated[c] for c in members])).rotation
                expected = want[members].to_numpy()
                close(got[:, 0] * np.sign(got[:, 0] @ expected), expected, members[0])
                inside |= set(members)
            others = [c for c in want.index if c not in inside]
            close([float(asem.meta.set_index("iCode")["Weight"][c]) for c in others], want[others])

        def components(level: int = level) -> None:
            for parent, one in document(folder / f"pca_level{level}.json").items():
                found = analysis.principal_components(np.column_stack([asem.aggregated[c] for c in one["iCodes"]]))
                close(found.sd, one["sdev"], parent)
                close(found.mean, one["center"], parent)
                close(found.scale, one["scale"], parent)
                _rotation(found.rotation, np.array(one["rotation"], dtype=float), parent)

        cases.add(f"weights/pca_level{level}_weights.csv", loadings)
        cases.add(f"weights/pca_level{level}.json", components)

    def normalised() -> Array:
        return normalise.normalise(asem.treated, low=1, high=100, direction=asem.direction)

    def all_in_one() -> None:
        want = document(folder / "pca_all49.json")
        same(asem.codes, want["iCodes"])
        found = analysis.principal_components(normalised())
        close(found.sd, want["sdev"], "sd")
        _rotation(found.rotation[:, :1], np.array(want["rotation_pc1"])[:, None], "first component")

    cases.add("weights/pca_all49.json", all_in_one)

    def handbook() -> str:
        want = document(folder / "handbook_factor_weights.json")
        x = normalised()[:, [asem.codes.index(c) for c in want["iCodes"]]]
        got = weights.factor(x, 3)
        theirs = np.array(want["loadings"], dtype=float)
        # their weights follow from their loadings, and their loadings turn into ours where they are turned to the end
        share = (theirs**2 / theirs.size).max(axis=1)
        close(share / share.sum(), want["weights"], "formula")
        on = (weights.varimax(theirs / 1.0) ** 2).max(axis=1)
        close(got, on / on.sum(), "weights after full rotation", ITERATIVE)
        close(got, want["weights"], "weights", 1e-2)
        return f"rotation stops early there: weights within {np.abs(got - want['weights']).max():.1e}"

    cases.add("weights/handbook_factor_weights.json", handbook)
    for kind in ("balance", "infomax"):

        def optimum(kind: str = kind) -> str:
            want = document(folder / f"opt_{kind}_level2.json")
            pillars = [c for c in asem.meta["iCode"] if asem.level[c] == 2]
            theirs = np.array([row["OptWeight"] for row in want["w"]], dtype=float)
            weight = asem.meta.set_index("iCode")["Weight"].astype(float).to_dict()
            given = {**weight, **dict(zip(pillars, theirs, strict=True))}
            index = asem.climb(asem.normalised, asem.nodes(given))["Index"]
            x = np.column_stack([asem.aggregated[c] for c in pillars])
            r = analysis.correlate(x, index[:, None])[:, 0]
            share = r / r.sum()
            value = np.log(((1 / len(r) - share) ** 2).mean()) if kind == "balance" else -r.sum()
            close(value, want["value"], "their objective at their weights", ITERATIVE)
            ours = weights.optimal(x, kind=kind).weights
            if not (ours >= 0).all() or abs(ours.sum() - 1) > 1e-12:
                raise Differs("ours leave the simplex")
            return f"documented difference: theirs go down to {theirs.min():.3f}, ours stay on the simplex"

        cases.add(f"weights/opt_{kind}_level2.json", optimum)

    def noisy() -> str:
        want = frame(folder / "noisy20.csv")
        nominal = asem.meta.set_index("iCode")["Weight"].astype(float)
        noise = {2: 0.25, 3: 0.25}
        for level, rows in want.groupby("Level"):
            ratio = rows["Weight"].to_numpy() / nominal[rows["iCode"]].to_numpy()
            bound = noise.get(int(level), 0.0)
            if not (np.abs(ratio - 1) <= bound + 1e-9).all():
                raise Differs(f"level {level} leaves ± {bound}")
        drawn = want[want["Level"] == 2]["Weight"].to_numpy()
        sets = weights.noisy(np.ones(8), 0.25, 5_000, seed=1) * 8
        # simulated: mean and spread of the same distribution, within four standard errors
        error = sets.std() / np.sqrt(len(drawn))
        close(drawn.mean(), sets.mean(), "mean", 0, 4 * error)
        return "simulated: bounds and mean"

    cases.add("weights/noisy20.csv", noisy)


def _rotation(got: Array, want: Array, what: str) -> None:
    """Components up to their signs."""
    signs = np.sign((got * want).sum(axis=0))
    close(got * signs, want, what, 1e-9, 1e-9)


def _analysis(cases: Cases, asem: Asem) -> None:
    folder = cases.root / "analysis"
    for method in ("pearson", "spearman", "kendall"):

        def raw(method: str = method) -> None:
            want = frame(folder / f"cor_raw_{method}.csv")
            close(analysis.correlate(asem.raw, method=method), want[asem.codes].to_numpy())

        def agg(method: str = method) -> None:
            want = frame(folder / f"cor_agg_{method}.csv")
            x = np.column_stack([asem.aggregated[c] for c in want.columns])
            close(analysis.correlate(x, method=method), want.to_numpy())

        cases.add(f"analysis/cor_raw_{method}.csv", raw)
        cases.add(f"analysis/cor_agg_{method}.csv", agg)

    def p_values(method: str) -> str | None:
        want = frame(folder / f"pvals_raw20_{method}.csv").to_numpy()
        n = len(want)
        zeros = 0
        for j in range(n):
            for k in range(j):
                test = analysis.correlation_test(asem.raw[:, j], asem.raw[:, k], method, series=method == "spearman")
                if want[j, k] == 0 and method == "spearman":
                    zeros += 1
                    plain = analysis.correlation_test(asem.raw[:, j], asem.raw[:, k], method)["p_value"]
                    differs(plain, 0.0, f"{j}, {k}")
                close(test["p_value"], want[j, k], f"{j}, {k}", 1e-9, 1e-15)
        return f"{zeros} p-values of exactly zero there, by the series; Student's t gives none" if zeros else None

    for method in ("pearson", "spearman"):
        cases.add(f"analysis/pvals_raw20_{method}.csv", lambda method=method: p_values(method))

    def family() -> None:
        want = frame(folder / "corr_family_level1.csv")
        level = {name: k for k, name in enumerate(LEVELS, 2)}
        for row in want.itertuples():
            above = asem.aggregated[asem.above(row.Var2, level[row.Var1])]
            got = analysis.correlate(asem.aggregated[row.Var2][:, None], above[:, None])[0, 0]
            close(got, row.Correlation, f"{row.Var1} {row.Var2}")

    cases.add("analysis/corr_family_level1.csv", family)

    def flags(name: str, keep: Callable[[Array], Array]) -> None:
        want = frame(folder / name)
        r = analysis.correlate(asem.normalised)
        inside = np.array([[a == b for a in asem.pillars] for b in asem.pillars])
        j, k = np.nonzero(np.triu(inside & keep(r), 1))
        got = {frozenset((asem.codes[a], asem.codes[b])): r[a, b] for a, b in zip(j, k, strict=True)}
        expected = {frozenset((row.Ind1, row.Ind2)): row.Corr for row in want.itertuples()}
        same(sorted(map(sorted, got)), sorted(map(sorted, expected)), "pairs")
        close([got[pair] for pair in expected], list(expected.values()))

    cases.add("analysis/corr_flags_high.csv", lambda: flags("corr_flags_high.csv", lambda r: r >= 0.75))
    cases.add("analysis/corr_flags_low.csv", lambda: flags("corr_flags_low.csv", lambda r: r <= -0.2))

    def denominators() -> None:
        want = frame(folder / "denom_corr.csv")
        names = ["Area", "Energy", "GDP", "Population"]
        r = analysis.correlate(asem.raw, asem.data[names].to_numpy(dtype=float))
        got = {(asem.codes[j], names[k]): r[j, k] for j, k in np.argwhere(np.abs(r) > 0.3)}
        expected = {(row.Ind, row.Denom): row.Corr for row in want.itertuples()}
        same(sorted(got), sorted(expected), "pairs")
        close([got[pair] for pair in expected], list(expected.values()))

    cases.add("analysis/denom_corr.csv", denominators)

    def alpha() -> None:
        want = document(folder / "cronbach.json")
        column = {code: j for j, code in enumerate(asem.codes)}
        for group, value in want["COINr"].items():
            if group == "raw_all_pairwise":
                x = asem.raw
            elif group.endswith("_L2"):
                members = [c for c in asem.meta["iCode"] if asem.parent[c] == group[:-3]]
                x = np.column_stack([asem.aggregated[c] for c in members])
            else:
                x = asem.normalised[:, [column[c] for c in asem.codes if asem.parent[c] == group]]
            close(analysis.cronbach(x).alpha, value, group)
        for row in want["psych"]:
            members = [c for c in asem.codes if asem.parent[c] == row["pillar"]]
            found = analysis.cronbach(asem.normalised[:, [column[c] for c in members]])
            close(
                [found.alpha, found.standardised, found.std_error], [row["raw"], row["std"], row["ase"]], row["pillar"]
            )
            close(sorted(found.dropped), sorted(np.atleast_1d(row["drop"])), f"{row['pillar']} dropped")

    cases.add("analysis/cronbach.json", alpha)
    names = {
        "Min": "min", "Max": "max", "Mean": "mean", "Median": "median", "Std": "sd", "Skew": "skewness",
        "Kurt": "kurtosis", "N.Avail": "n", "N.NonZero": "n_nonzero", "N.Unique": "n_unique", "N.Same": "n_same",
        "Frc.Avail": "available", "Frc.NonZero": "nonzero", "Frc.Unique": "unique", "Frc.Same": "same",
    }  # fmt: skip

    def stats(name: str, x: Array) -> str:
        want = frame(folder / name).set_index("iCode").loc[asem.codes]
        got = analysis.describe(pd.DataFrame(x, columns=asem.codes))
        for theirs, ours in names.items():
            close(got[ours], want[theirs], theirs)
        same(np.where(got["outliers"], "OUT", "ok"), want["Flag.SkewKurt"], "outliers")
        same(np.where(got["available"] >= 0.65, "ok", "LOW"), want["Flag.Avail"], "availability")
        # their flags divide by all units, their fractions by the observed ones
        for flag, count in (("Flag.NonZero", "n_nonzero"), ("Flag.Unique", "n_unique")):
            same(np.where(got[count] / len(x) >= 0.5, "ok", "LOW"), want[flag], flag)
        return ""

    cases.add("analysis/stats_raw.csv", lambda: stats("stats_raw.csv", asem.raw))
    cases.add("analysis/stats_treated.csv", lambda: stats("stats_treated.csv", asem.treated))
    table = pd.DataFrame(asem.raw, columns=asem.codes, index=asem.units)

    def unit(name: str) -> dict[str, pd.Series]:
        want = frame(folder / name).set_index("uCode").loc[asem.units]
        got = analysis.availability(table)
        for theirs, ours in (
            ("N_missing", "n_missing"), ("N_zero", "n_zero"), ("Dat_Avail", "available"), ("Non_Zero", "nonzero")
        ):  # fmt: skip
            close(got[ours], want[theirs], theirs)
        close(got["n_missing"] + got["n_zero"], want["N_miss_or_zero"], "N_miss_or_zero")
        return dict(want.items())

    def screened() -> None:
        want = unit("screen_byNA_097.csv")
        stays = analysis.screen(table, available=0.97)
        close(stays.astype(float), want["Included"], "Included")
        close((~stays).astype(float), want["LowData"], "LowData")
        close((analysis.availability(table)["nonzero"] < 0.5).astype(float), want["LowNonZero"], "LowNonZero")
        flag = (want["LowData"] > 0) | (want["LowNonZero"] > 0)
        close(flag.astype(float), np.asarray(want["LowDatOrZeroFlag"] > 0, dtype=float), "flag")

    def by_group() -> None:
        want = frame(folder / "avail_group.csv").set_index("uCode").loc[asem.units]
        members = {
            name: [c for c in asem.codes if asem.above(c, asem.level[name]) == name] for name in want.columns
        }  # fmt: skip
        got = analysis.availability(table, members)
        for name in want.columns:
            close(got[name], want[name], name)

    def units() -> None:
        unit("avail_unit.csv")

    cases.add("analysis/avail_unit.csv", units)
    cases.add("analysis/avail_group.csv", by_group)
    cases.add("analysis/screen_byNA_097.csv", screened)

    def left_out() -> dict[str, Array]:
        pillars = [c for c in asem.meta["iCode"] if asem.level[c] == 2]
        found = {"Nominal": asem.aggregated["Index"]}
        for pillar in pillars:
            nodes = tuple(n for n in without(asem.nodes(), pillar))
            found[pillar] = asem.climb(asem.normalised, nodes)["Index"]
        return found

    def removed() -> None:
        want = frame(folder / "remove_level2_scores.csv").set_index("uCode").loc[asem.units]
        for name, got in left_out().items():
            close(got, want[name], name)

    def shifts() -> None:
        want = document(folder / "remove_level2_meanabsdiff.json")
        found = left_out()
        base = rank_from_top(found["Nominal"])
        for name, got in found.items():
            close(np.abs(rank_from_top(got) - base).mean(), want[name], name)

    cases.add("analysis/remove_level2_scores.csv", removed)
    cases.add("analysis/remove_level2_meanabsdiff.json", shifts)

    def two_ways() -> None:
        want = frame(folder / "compare_minmax_zscore.csv").set_index("uCode").loc[asem.units]
        z = normalise.normalise(asem.treated, "zscore", mean=10, sd=2, direction=asem.direction)
        first = rank_from_top(asem.aggregated["Index"])
        second = rank_from_top(asem.climb(z, asem.nodes())["Index"])
        close(first, want["coin.1"], "first")
        close(second, want["coin.2"], "second")
        close(first - second, want["Diff"], "difference")
        close(np.abs(first - second), want["Abs.diff"], "distance")

    cases.add("analysis/compare_minmax_zscore.csv", two_ways)


def _ranks(cases: Cases, asem: Asem) -> None:
    folder = cases.root / "ranks"

    def plain() -> None:
        want = frame(folder / "rank_df_aggregated.csv").set_index("uCode").loc[asem.units]
        for name in want.columns:
            close(rank_from_top(asem.aggregated[name]), want[name], name)

    def grouped() -> None:
        want = frame(folder / "rank_df_bygroup.csv").set_index("uCode").loc[asem.units]
        groups = asem.data["EurAsia_group"].to_numpy()
        got = np.zeros(len(groups))
        for g in np.unique(groups):
            got[groups == g] = rank_from_top(asem.aggregated["Index"][groups == g])
        close(got, want["Index"], "Index")

    def ties() -> None:
        want = document(folder / "ties.json")
        x = np.array([3, 1, np.nan, 3, 2, 2, 5])[:, None]
        for name, got in {
            "desc_min": rank_from_top(x[:, 0]).astype(float) * np.where(np.isnan(x[:, 0]), np.nan, 1),
            "desc_average": normalise.rank(-x, "average")[:, 0],
            "desc_max": normalise.rank(-x, "max")[:, 0],
            "asc_min": normalise.rank(x)[:, 0],
        }.items():
            close(got, np.array([np.nan if v in (None, "NA") else v for v in want[name]], dtype=float), name)

    def tests() -> None:
        want = document(folder / "cor_tests.json")
        u, v = asem.aggregated["Conn"], asem.aggregated["Sust"]
        k, s, p = (analysis.correlation_test(u, v, m) for m in ("kendall", "spearman", "pearson"))
        close([k["estimate"], k["statistic"], k["p_value"]], [want["kendall"][i] for i in ("tau", "z", "p")], "kendall")
        n = len(u)
        close([s["estimate"], s["p_value"]], [want["spearman"][i] for i in ("rho", "p")], "spearman")
        close((n**3 - n) * (1 - s["estimate"]) / 6, want["spearman"]["S"], "sum of squares")
        close([p["estimate"], p["statistic"], p["p_value"]], [want["pearson"][i] for i in ("r", "t", "p")], "pearson")
        close([p["lower"], p["upper"]], want["pearson"]["ci"], "interval")

    cases.add("ranks/rank_df_aggregated.csv", plain)
    cases.add("ranks/rank_df_bygroup.csv", grouped)
    cases.add("ranks/ties.json", ties)
    cases.add("ranks/cor_tests.json", tests)


def _pipeline(cases: Cases, asem: Asem) -> None:
    folder = cases.root / "pipeline"
    stages: dict[str, Callable[[], Array]] = {
        "Raw": lambda: asem.raw, "Denominated": lambda: asem.denominated, "Imputed": lambda: asem.imputed,
        "Screened": lambda: asem.imputed, "Treated": lambda: asem.treated, "Normalised": lambda: asem.normalised,
    }  # fmt: skip
    for name, got in stages.items():
        _matrix(cases, asem, f"pipeline/{name}.csv", got)

    def aggregated() -> None:
        want = frame(folder / "Aggregated.csv").set_index("uCode").loc[asem.units]
        for name in want.columns:
            close(asem.aggregated[name], want[name], name)

    cases.add("pipeline/Aggregated.csv", aggregated)

    def lineage() -> None:
        want = pd.read_csv(folder / "Lineage.csv")
        got = {(c, *(asem.above(c, k) for k in (2, 3, 4))) for c in asem.codes}
        same(sorted(got), sorted(want.itertuples(index=False, name=None)))

    def given() -> None:
        want = frame(folder / "Weights_Original.csv").set_index("iCode")["Weight"]
        weight = asem.meta.set_index("iCode")["Weight"].astype(float)
        close(weight[want.index], want)

    cases.add("pipeline/Lineage.csv", lineage)
    cases.add("pipeline/Weights_Original.csv", given)
    _details(cases, asem, "pipeline/Treat_Dets_Table.csv", lambda: asem.imputed, {})
    _points(cases, asem, "pipeline/Treat_Treated_Points.csv", lambda: asem.imputed, {})
    for kind in ("Full", "FullWithDenoms", "Aggs", "Summ"):
        for use in ("scores", "ranks"):

            def results(kind: str = kind, use: str = use) -> None:
                want = frame(folder / f"results_{kind}_{use}.csv").set_index("uCode").loc[asem.units]
                for name in want.columns:
                    if name == "Rank":
                        close(rank_from_top(asem.aggregated["Index"]), want[name], name)
                    elif name in asem.aggregated and use == "ranks":
                        close(rank_from_top(np.round(asem.aggregated[name], 15)), want[name], name)
                    elif name in asem.aggregated:
                        close(asem.aggregated[name], want[name], name)
                    elif name in asem.data.columns and use == "scores":
                        column = asem.data[name]
                        if pd.api.types.is_numeric_dtype(column):
                            close(column, want[name], name)
                        else:
                            same(column, want[name], name)
                    elif name not in asem.data.columns:
                        raise Differs(f"unknown column {name}")

            cases.add(f"pipeline/results_{kind}_{use}.csv", results)

    def summary() -> None:
        names = asem.meta.set_index("iCode")["iName"]
        at = asem.units.index("AUT")
        for row in document(folder / "unit_summary_AUT.json"):
            scores = asem.aggregated[row["Code"]]
            same([names[row["Code"]]], [row["Name"]])
            close([scores[at], rank_from_top(scores)[at]], [row["Score"], row["Rank"]], row["Code"])

    def strengths() -> None:
        want = document(folder / "str_weak_AUT.json")
        at = asem.units.index("AUT")
        ranks = np.column_stack([rank_from_top(asem.raw[:, j] * d) for j, d in enumerate(asem.direction)])
        mine = {c: ranks[at, j] for j, c in enumerate(asem.codes) if 0 < ranks[at, j] < ranks[:, j].max()}
        ordered = sorted(mine.values())
        for part, expected in (("Strengths", ordered[:5]), ("Weaknesses", ordered[-5:])):
            rows = want[part]
            close([row["Rank"] for row in rows], expected, part)
            for row in rows:
                j = asem.codes.index(row["Code"])
                close([mine[row["Code"]], asem.raw[at, j]], [row["Rank"], row["Value"]], row["Code"], 1e-9)

    cases.add("pipeline/unit_summary_AUT.json", summary)
    cases.add("pipeline/str_weak_AUT.json", strengths)


def _purse(cases: Cases, asem: Asem) -> None:
    """The example with five periods: screened and treated by period, normalised over all of them."""
    folder = cases.root / "pipeline"

    def stages() -> dict[str, tuple[pd.DataFrame, dict[str, Array]]]:
        data = pd.read_csv(cases.root / "inputs/asem_iData_panel.csv")
        raw = data[asem.codes]
        stays = np.zeros(len(data), dtype=bool)
        for rows in data.groupby("Time").indices.values():
            stays[rows] = analysis.screen(raw.iloc[rows], available=0.9)
        kept = data[stays].reset_index(drop=True)
        treated = kept[asem.codes].to_numpy(dtype=float)
        for rows in kept.groupby("Time").indices.values():
            treated[rows] = treat.treat(treated[rows]).values
        scaled = normalise.normalise(treated, direction=asem.direction)
        by = lambda x: dict(zip(asem.codes, np.asarray(x, dtype=float).T, strict=True))  # noqa: E731
        return {
            "Raw": (data, by(raw)),
            "Screened": (kept, by(kept[asem.codes])),
            "Treated": (kept, by(treated)),
            "Normalised": (kept, by(scaled)),
            "Aggregated": (kept, by(scaled) | asem.climb(scaled, asem.nodes())),
        }

    for stage in ("Raw", "Screened", "Treated", "Normalised", "Aggregated"):

        def run(stage: str = stage) -> None:
            rows, got = stages()[stage]
            want = frame(folder / f"purse_{stage}.csv")
            key = pd.MultiIndex.from_frame(rows[["uCode", "Time"]])
            at = key.get_indexer(pd.MultiIndex.from_frame(want[["uCode", "Time"]]))
            if (at < 0).any() or len(want) != len(rows):
                raise Differs(f"{len(rows)} rows expected {len(want)}")
            for name in want.columns:
                if name in got:
                    close(got[name][at], want[name], name)
                elif name not in rows.columns:
                    raise Differs(f"unknown column {name}")

        cases.add(f"pipeline/purse_{stage}.csv", run)
    for name in ("CAGR", "prc"):

        def trends() -> None:
            raise Unsupported("growth rates are no step of a composite")

        cases.add(f"pipeline/purse_trends_{name}.csv", trends)


def _sensitivity(cases: Cases, asem: Asem) -> None:
    folder = cases.root / "sensitivity"
    n, d = 64, 4
    base = Construction(
        tuple(Leaf(c, int(s), treat="two_stage") for c, s in zip(asem.codes, asem.direction, strict=True)), asem.nodes()
    )
    layout = Layout.single(len(asem.units))
    sets = None
    if (cases.root / "weights/noisy20.csv").is_file():
        table = pd.read_csv(cases.root / "weights/noisy20.csv")
        sets = {k: rows.set_index("iCode")["Weight"].to_dict() for k, rows in table.groupby("rep")}
    known: dict[tuple[int, str, int, str], Array] = {}

    def score(points: int, norm: str, weight_set: int, agg: str) -> Array:
        """Index under one combination of choices."""
        key = (points, norm, weight_set, agg)
        if key not in known:
            assert sets is not None
            way: Any = ("minmax", {"low": 1, "high": 100}) if norm == "n_minmax" else ("zscore", {"mean": 10, "sd": 2})
            nodes = asem.nodes(sets[weight_set])
            varied = vary(base, normalise=way, aggregation="arithmetic" if agg == "a_amean" else "geometric")
            by = {node.id: node.weights for node in nodes}
            varied = vary(varied, weights={node.id: by[node.id] for node in varied.nodes})
            options = Construction(varied.leaves, varied.nodes, options={"points": points})
            known[key] = scorer(options, layout)(asem.imputed)[:, -1]
        return known[key]

    def replay() -> Array:
        rows = pd.read_csv(folder / "SA_parameters.csv")
        return np.column_stack([score(int(r.winmax), r.norm, int(r.weight_set), r.agg) for r in rows.itertuples()])

    def runs(table: pd.DataFrame) -> tuple[Array, Array]:
        rows = table.set_index("uCode").loc[asem.units]
        columns = [c for c in rows.columns if c.startswith("r_")]
        return rows["Nominal"].to_numpy(dtype=float), rows[columns].to_numpy(dtype=float)

    def scores() -> None:
        nominal, want = runs(frame(folder / "SA_scores.csv"))
        close(asem.aggregated["Index"], nominal, "nominal")
        close(replay(), want)

    def ranks() -> None:
        nominal, want = runs(frame(folder / "SA_ranks.csv"))
        close(rank_from_top(asem.aggregated["Index"]), nominal, "nominal")
        close(rank_from_top(replay().T).T, want)

    def nominal() -> None:
        want = frame(folder / "SA_nominal.csv").set_index("uCode").loc[asem.units]
        close(asem.aggregated["Index"], want["Score"], "score")
        close(rank_from_top(asem.aggregated["Index"]), want["Rank"], "rank")

    def rank_stats(name: str, values: Callable[[], Array]) -> None:
        want = frame(folder / name).set_index("uCode").loc[asem.units]
        r = rank_from_top(values().T).T
        close(rank_from_top(asem.aggregated["Index"]), want["Nominal"], "nominal")
        close(r.mean(axis=1), want["Mean"], "mean")
        close(np.median(r, axis=1), want["Median"], "median")
        close(np.quantile(r, 0.05, axis=1), want["Q5"], "Q5")
        close(np.quantile(r, 0.95, axis=1), want["Q95"], "Q95")

    def shift() -> Array:
        r = rank_from_top(replay().T).T
        return np.abs(r - rank_from_top(asem.aggregated["Index"])[:, None]).mean(axis=0)

    def uncentred(y: Array, found: sobol.Indices, size: int) -> tuple[Array, Array]:
        """Their form of the indices, from ours: not centred, and over the sample variance of A and B."""
        y = y if y.ndim == 2 else y[:, None]
        a, both = y[:size], y[: 2 * size]
        variance = both.var(axis=0, ddof=1)
        gaps = np.stack([(y[(2 + i) * size : (3 + i) * size] - a).mean(axis=0) for i in range(len(found.first))])
        first = (found.first * found.variance + both.mean(axis=0) * gaps) / variance
        return first, found.total * found.variance / variance

    def summary() -> None:
        want = document(folder / "SA_summary.json")
        y = shift()
        close(y, want["y"], "output")
        found = sobol.indices(y, n, d, bootstrap=0)
        first, total = uncentred(y, found, n)
        close(y[: 2 * n].var(ddof=1), want["variance"], "variance")
        close(first[:, 0], want["Si"], "their first order, from ours")
        close(total[:, 0], want["STi"], "total")

    def known_wrong() -> str:
        want = document(folder / "SA_summary.json")
        found = sobol.indices(shift(), n, d, bootstrap=0)
        differs(found.first[:, 0], want["Si"], "first order")
        if found.first.min() < -0.05:
            raise Differs(f"first order {found.first[:, 0]}")
        return f"known wrong: not centred, {min(want['Si']):.2f} where ours is {found.first.min():.2f}"

    def table() -> None:
        want = frame(folder / "SA_indices.csv")
        y = shift()
        first, total = uncentred(y, sobol.indices(y, n, d, bootstrap=0), n)
        close(first[:, 0], want["Si"], "first")
        close(total[:, 0], want["STi"], "total")

    def multi() -> None:
        want = frame(folder / "SA_multioutput.csv")
        y = replay().T
        first, total = uncentred(y, sobol.indices(y, n, d, bootstrap=0), n)
        for k, unit in enumerate(asem.units):
            rows = want[want["uCode"] == unit]
            close(first[:, k], rows["Si"], unit, 1e-9, 1e-10)
            close(total[:, k], rows["STi"], unit)

    def parameters() -> str:
        want = pd.read_csv(folder / "SA_parameters.csv")
        u = pd.read_csv(folder / "design_SA_N64_d4.csv").to_numpy()
        kinds = {
            "winmax": list(range(1, 6)), "norm": ["n_minmax", "n_zscore"], "weight_set": list(range(1, 21)),
            "agg": ["a_amean", "a_gmean"],
        }  # fmt: skip
        factors = [sobol.Factor(name, len(levels)) for name, levels in kinds.items()]
        ours = sobol.translate(u, factors)
        moved = 0
        for j, (name, levels) in enumerate(kinds.items()):
            column = u[:, j]
            span = np.ptp(column)
            breaks = np.linspace(column.min(), column.max(), len(levels) + 1)
            breaks[0], breaks[-1] = column.min() - span / 1000, column.max() + span / 1000
            theirs = np.searchsorted(breaks, column, side="left") - 1
            same([levels[k] for k in theirs], want[name], name)
            moved += int((ours[name] != theirs).sum())
        if moved == 0:
            raise Differs("levels cut on the range of the sample are those of the unit interval")
        return f"known wrong: cut on the range of the sample; {moved} levels are others than ⌊uK⌋"

    cases.add("sensitivity/SA_scores.csv", scores)
    cases.add("sensitivity/SA_ranks.csv", ranks)
    cases.add("sensitivity/SA_nominal.csv", nominal)
    cases.add("sensitivity/SA_rankstats.csv", lambda: rank_stats("SA_rankstats.csv", lambda: replay()[:, : 2 * n]))
    cases.add("sensitivity/SA_summary.json", summary)
    cases.add("sensitivity/SA_summary.json#Si", known_wrong)
    cases.add("sensitivity/SA_indices.csv", table)
    cases.add("sensitivity/SA_multioutput.csv", multi)
    cases.add("sensitivity/SA_parameters.csv", parameters)

    def random_runs() -> str:
        """Every run of theirs is one of the 400 combinations of choices."""
        nominal_, want = runs(frame(folder / "UA_scores.csv"))
        close(asem.aggregated["Index"], nominal_, "nominal")
        assert sets is not None
        combined = [
            score(w, m, s, a)
            for w in range(1, 6) for m in ("n_minmax", "n_zscore") for s in sets for a in ("a_amean", "a_gmean")
        ]  # fmt: skip
        every = np.stack(combined)
        for k, column in enumerate(want.T):
            nearest = int(np.abs(every - column).max(axis=1).argmin())
            close(every[nearest], column, f"run {k + 1}")
        return "each of the 100 random runs is one of our 400 combinations"

    cases.add("sensitivity/UA_scores.csv", random_runs)
    cases.add(
        "sensitivity/UA_rankstats.csv",
        lambda: rank_stats("UA_rankstats.csv", lambda: runs(pd.read_csv(folder / "UA_scores.csv"))[1]),
    )

    def regression() -> None:
        want = document(folder / "SRC.json")
        rows = pd.read_csv(folder / "SA_parameters.csv").iloc[: 2 * n]
        x = {
            "w": rows["winmax"].to_numpy(float), "n": (rows["norm"] == "n_zscore").to_numpy(float),
            "s": rows["weight_set"].to_numpy(float), "a": (rows["agg"] == "a_gmean").to_numpy(float),
        }  # fmt: skip
        got, r2 = sobol.regression_coefficients(x, shift()[: 2 * n])
        close([got[k] for k in want["src"]], list(want["src"].values()), "coefficients")
        close(r2, want["r2"], "R²")

    cases.add("sensitivity/SRC.json", regression)

    def ishigami() -> str:
        want = document(folder / "ishigami.json")
        x = pd.read_csv(folder / "ishigami_design.csv").to_numpy()

        def f(u: Array) -> Array:
            z = 2 * np.pi * u - np.pi
            return np.sin(z[:, 0]) + 7 * np.sin(z[:, 1]) ** 2 + 0.1 * z[:, 2] ** 4 * np.sin(z[:, 0])

        y = f(x)
        size = len(x) // 5
        found = sobol.indices(y, size, 3)
        first, total = uncentred(y, found, size)
        close(first[:, 0], want["Si_COINr"], "their first order, from ours", 1e-9, 1e-12)
        close(total[:, 0], want["STi_COINr"], "total")
        mine = sobol.indices(f(sobol.design(4096, 3)), 4096, 3)
        # against the analytic values: within four bootstrap standard errors
        for got, truth, error in (
            (mine.first, want["analytic_S1"], mine.first_error), (mine.total, want["analytic_ST"], mine.total_error)
        ):  # fmt: skip
            if (np.abs(got[:, 0] - np.array(truth)) > 4 * error[:, 0] + 1e-9).any():
                raise Differs(f"{got[:, 0]} expected {truth}")
        return ""

    cases.add("sensitivity/ishigami.json", ishigami)


def _compind(cases: Cases, asem: Asem) -> None:
    name, source = "compind/expected.json", cases.root / "compind/input.csv"
    if not source.is_file():
        cases.add(name, source.read_text)  # skipped, and said
        return
    table = pd.read_csv(source)
    z = table.iloc[:, 1:].to_numpy(dtype=float)
    z100 = normalise.zscore(z, 100, 10)

    def expect(key: str, got: Callable[[], Array], tolerance: float = 1e-9) -> None:
        cases.add(f"{name}#{key}", lambda: close(got(), document(cases.root / name)[key], "", tolerance))

    cases.add(f"{name}#uCode", lambda: same(table["uCode"], document(cases.root / name)["uCode"]))
    for key, sign in (("mpi_plus_penalty", 1), ("mpi_minus_penalty", -1)):
        expect(key, lambda sign=sign: aggregate.mazziotta_pareto(z100, penalty=sign, sample=True))
    expect("owa_atleast3_p", lambda: aggregate.ordered(z, np.repeat([1 / 3, 0.0], 3)))
    expect("owa_morethan3_n", lambda: aggregate.ordered(z, np.repeat([0.0, 1 / 3], 3)))
    expect("wroclaw", lambda: aggregate.wroclaw(z))
    expect("geom_equal", lambda: aggregate.geometric(z))
    expect("genmean_p2_correct", lambda: aggregate.generalised(z, power=2))
    expect("mean_min_correct", lambda: aggregate.mean_min(z100, alpha=0.5, beta=1))
    expect("bod_score", lambda: weights.benefit_of_the_doubt(z).scores, ITERATIVE / 10)

    def own_weights() -> None:
        """The best weights of a unit need not be unique: theirs must satisfy the same bounds with the same score."""
        want = document(cases.root / name)
        theirs = np.array(want["bod_weights"], dtype=float)
        close((theirs * z).sum(axis=1), weights.benefit_of_the_doubt(z).scores, "score under their weights", 5e-7)
        if (theirs @ z.T).max() > 1 + 5e-7 or theirs.min() < 0:
            raise Differs("their weights leave the bounds")

    cases.add(f"{name}#bod_weights", own_weights)

    def adjusted() -> str:
        """Rounded there to three decimals, and always with the penalty of the minus sign."""
        want = np.array([[row["1"], row["2"]] for row in document(cases.root / name)["ampi_rounded3"]], dtype=float)
        both = np.vstack([z, z * np.linspace(0.9, 1.1, len(z))[:, None]])
        scores = aggregate.mazziotta_pareto(normalise.ampi(both, z.mean(axis=0)), penalty=-1)
        close(np.round(scores, 3), want.T.ravel(), "", 1e-9, 1.0e-9)
        return "rounded to three decimals there"

    cases.add(f"{name}#ampi_rounded3", adjusted)

    def wrong(key: str, got: Callable[[], Any]) -> None:
        def run() -> str:
            want = document(cases.root / name)[key]
            differs(got(), np.broadcast_to(np.asarray(want, dtype=float), np.shape(got())), key)
            return "known wrong; ours differs"

        cases.add(f"{name}#{key}", run)

    wrong("mean_min_Compind34", lambda: aggregate.mean_min(z100, alpha=0.5, beta=1))
    wrong("genmean_p2_Compind34_narmFALSE", lambda: aggregate.generalised(z, power=2))
    wrong("genmean_p2_Compind34_default", lambda: aggregate.generalised(z, power=2))


def _published(cases: Cases, asem: Asem) -> None:
    name = "published/hdr2122_inputs.csv"
    path = cases.root / name

    def wide(table: pd.DataFrame, stem: str, years: range) -> Array:
        return np.column_stack([
            table[f"{stem}_{y}"].to_numpy(dtype=float) if f"{stem}_{y}" in table else np.full(len(table), np.nan)
            for y in years
        ])  # fmt: skip

    def human() -> tuple[Array, Array]:
        table = pd.read_csv(path)
        years = range(1990, 2022)
        stems = {"life_expectancy": "le", "expected_schooling": "eys", "mean_schooling": "mys", "income": "gnipc"}
        data = pd.DataFrame({leaf: wide(table, stem, years).ravel() for leaf, stem in stems.items()})
        data["ref_area"] = np.repeat([f"{k:03d}" for k in range(len(table))], len(years))
        data["time_period"] = np.tile([str(y) for y in years], len(table))
        got = um.compose("HDI-01", data).node().table["value"].to_numpy().reshape(len(table), -1)
        return got, wide(table, "hdi", years)

    def agree(got: Array, want: Array, share: float, most: int) -> str:
        both = ~np.isnan(want) & ~np.isnan(got)
        if both.sum() < most:
            raise Differs(f"only {both.sum()} values")
        equal = np.isclose(np.round(got[both], 3), want[both], rtol=0, atol=1e-9).mean()
        if equal < share:
            raise Differs(f"{equal:.4%} agree")
        return f"{both.sum():,} values, {equal:.2%} equal at three decimals"

    def expected(stem: str, years: range) -> Array:
        return wide(frame(path), stem, years)

    cases.add(f"{name}#HDI", lambda: agree(human()[0], expected("hdi", range(1990, 2022)), 1.0, 5571))
    cases.inputs.append("published/hdr2122_agreement.csv")
