"""Compare latent scores, ranks and official indices with reference files.

    python tests/oracles/composite_latent.py --root DIR [--factor 1.000001]

DIR holds the folders ``ucm``, ``csranks``, ``ranks``, ``irt``, ``published``; what is absent is skipped, and said.

Tolerances: 1e-9 relative for closed forms, 1e-6 for what is found by iteration, four Monte Carlo errors for what is
simulated; published tables are rounded or, the governance indicators, computed in single precision from a maximum that
was not quite reached: theirs stand beside each comparison. `--factor` multiplies the reference numbers: none of
the closed forms may pass at 1.000001.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

from uncac_metrics.stats import scores
from uncac_metrics.stats.scores import factor_em, rank_kernels, ucm

CLOSED, ITERATIVE = 1e-9, 1e-6
DIMENSIONS = ("va", "pv", "ge", "rq", "rl", "cc")
Outcome = tuple[str, str]


class Off(Exception):
    """A number differs."""


def near(what: str, got: object, want: object, tolerance: float, factor: float, absolute: float = 0.0) -> None:
    """Raise :class:`Off` unless all numbers agree; missing must meet missing."""
    a, b = np.asarray(got, dtype=float), np.asarray(want, dtype=float) * factor
    if a.shape != b.shape:
        raise Off(f"{what}: {a.shape} numbers, expected {b.shape}")
    apart = np.abs(a - b) > tolerance * np.abs(b) + absolute
    apart |= np.isnan(a) != np.isnan(b)
    if apart.any():
        k = tuple(int(i[0]) for i in np.nonzero(apart))
        raise Off(f"{what}: {apart.sum()} of {apart.size} differ, first {a[k]!r} expected {b[k]!r}")


def wgi_ratings(root: Path, dimension: str) -> pd.DataFrame:
    """Ratings of one dimension from the table of all source columns (``eiu96va``: source, year, dimension)."""
    table = pd.read_csv(root / "ucm/wgi_sourcedata.csv.gz")
    columns = [c for c in table.columns[3:] if c.endswith(dimension)]
    long = table.melt("code", columns, "column").dropna(subset=["value"])
    year = long["column"].str[3:5].astype(int)
    return pd.DataFrame(
        {
            "ref_area": long["code"],
            "time_period": np.where(year > 50, 1900 + year, 2000 + year).astype(str),
            "source": long["column"].str[:3],
            "value": long["value"],
        }
    )


@cache
def wgi(root: Path, dimension: str) -> tuple[pd.DataFrame, scores.LatentScores]:
    """Ratings of one dimension and what the published method makes of them."""
    frame = wgi_ratings(root, dimension)
    there = frame.groupby("time_period")["source"].unique()
    wide = {y: [s for s in scores.wgi_representative(dimension, int(y)) if s in there[y]] for y in there.index}
    return frame, scores.unobserved_components(frame, wide)


def correlation_matrices(root: Path, factor: float) -> Outcome:
    want = json.loads((root / "ucm/corr_matrices.json").read_text())
    table = pd.read_csv(root / "ucm/wgi_sourcedata.csv.gz")
    for name, of in want.items():
        got = ucm.pairwise_correlations(table[of["src"]].to_numpy(float))
        near(name, got, of["R"], CLOSED, factor)
    return "passed", f"{len(want)} matrices"


def loadings(root: Path, factor: float) -> Outcome:
    want = json.loads((root / "ucm/parameters_float64.json").read_text())
    for dimension in DIMENSIONS:
        _, found = wgi(root, dimension)
        for year, rows in found.sources.groupby("time_period"):
            of = want[f"{dimension}{year}"]
            part = rows.set_index("source").loc[[s[:3] for s in of["sources"]]]
            for name in ("alpha", "beta"):
                near(f"{dimension}{year} {name}", part[name], of[name], ITERATIVE, factor)
            # theirs is sd / β, negative with β
            near(f"{dimension}{year} sigma", part["sigma"], np.abs(of["sigma"]), ITERATIVE, factor)
        got = found.fit.set_index("time_period")["objective"]
        given = [want[f"{dimension}{y}"]["ml_objective"] for y in got.index]
        near(f"{dimension} objective", got, given, ITERATIVE, factor, 1e-9)
    return "passed", f"{len(want)} indicator-years"


def factanal(root: Path, factor: float) -> Outcome:
    want = json.loads((root / "ucm/factanal_expected.json").read_text())
    matrices = json.loads((root / "ucm/corr_matrices.json").read_text())
    for name, of in want.items():
        got, objective = ucm.one_factor(np.array(matrices[name]["R"]))
        near(name, got, of["loadings"], ITERATIVE, factor)
        near(f"{name} objective", objective, of["criteria"], ITERATIVE, factor, 1e-9)
    return "passed", f"{len(want)} factor models"


def lavaan(root: Path, factor: float) -> Outcome:
    want = json.loads((root / "ucm/fiml_lavaan.json").read_text())
    y = pd.read_csv(root / "ucm/fiml_input.csv").to_numpy(float)
    data, centre, spread = factor_em.standardised(y[None], np.zeros((y.shape[1], 0)), np.ones((len(y), 1)))
    theta, loglik, _ = factor_em.fit(data, factor_em.start(data), tolerance=1e-11)
    a, b, psi, *_ = (part[0] for part in factor_em.split(theta, data))
    n = data.rated[0].sum(axis=0)
    ours = {
        "loglik": loglik[0] - (n * np.log(spread[0])).sum(), "loadings": b * spread[0],
        "intercepts": centre[0] + a * spread[0], "residuals": psi * spread[0] ** 2,
    }  # fmt: skip
    names = {
        "loglik": ("loglik", "logl", "ll"), "loadings": ("loadings", "lambda", "load"),
        "intercepts": ("intercepts", "nu", "intercept", "alpha"), "residuals": ("residuals", "theta", "psi", "resvar"),
    }  # fmt: skip
    compared = []
    for name, got in ours.items():
        for key in names[name]:
            if key in want:
                sign = np.sign(np.sum(want[key])) if name == "loadings" else 1.0
                near(name, got, np.asarray(want[key], dtype=float).reshape(np.shape(got)) * sign, ITERATIVE, factor)
                compared.append(name)
    if not compared:
        return "unsupported", f"none of its keys is known here: {', '.join(want)}"
    return "passed", ", ".join(compared)


def estimates(root: Path, factor: float) -> Outcome:
    want = pd.read_csv(root / "ucm/estimates_float64.csv.gz", keep_default_na=False, na_values=[""])
    for dimension in DIMENSIONS:
        _, found = wgi(root, dimension)
        bands = scores.percentile_ranks(found.estimates)
        got = found.estimates.table[["ref_area", "time_period", "value", "std_error", "n"]].assign(
            **{name: bands[name] for name in ("percentile_rank", "lower", "upper")}
        )
        given = want[want["ind"] == dimension].assign(time_period=lambda d: d["year"].astype(str))
        both = given.merge(got, left_on=["code", "time_period"], right_on=["ref_area", "time_period"], how="left")
        near(f"{dimension} estimate", both["value"], both["estimate"], ITERATIVE, factor, 1e-6)
        near(f"{dimension} se", both["std_error"], both["se"], ITERATIVE, factor)
        near(f"{dimension} sources", both["n_y"].astype(float), both["n_x"], 0, 1.0)
        near(f"{dimension} rank", both["percentile_rank"], both["pctrank"], CLOSED, 1.0)
        near(f"{dimension} lower", both["lower_y"], both["lower_x"], CLOSED, 1.0)
        near(f"{dimension} upper", both["upper_y"], both["upper_x"], CLOSED, 1.0)
    return "passed", f"{len(want):,} estimates"


def governance(root: Path, factor: float) -> Outcome:
    want = pd.read_csv(root / "ucm/wgi_published.csv.gz", keep_default_na=False, na_values=[""])
    worst = dict.fromkeys(("estimate", "error", "rank"), 0.0)
    for dimension in DIMENSIONS:
        _, found = wgi(root, dimension)
        got = found.estimates.table.assign(
            rank=scores.percentile_ranks(found.estimates)["percentile_rank"],
            year=found.estimates.table["time_period"].astype(int),
        )
        given = want[want[f"{dimension}e"].notna()]
        both = given.merge(got, left_on=["code", "year"], right_on=["ref_area", "year"], how="left")
        near(f"{dimension} estimate", both["value"], both[f"{dimension}e"], 0, factor, 6.1e-4)
        near(f"{dimension} error", both["std_error"], both[f"{dimension}s"], 0, factor, 2e-4)
        near(f"{dimension} sources", both["n"].astype(float), both[f"{dimension}n"], 0, 1.0)
        # in places of the ranking, not in per cent
        places = both.groupby("year")["code"].transform("size") / 100
        near(f"{dimension} rank", both["rank"] * places, both[f"{dimension}r"] * places, 0, 1.0, 2.0)
        for name, a, b in (("estimate", "value", "e"), ("error", "std_error", "s"), ("rank", "rank", "r")):
            worst[name] = max(worst[name], float((both[a] - both[f"{dimension}{b}"]).abs().max()))
    return "passed", ", ".join(f"{name} within {apart:.2g}" for name, apart in worst.items())


def flags(root: Path, factor: float) -> Outcome:
    want = json.loads((root / "ucm/representative_flags.json").read_text())
    for name, of in want.items():
        everyone = {s[:3] for s in of["rep"] + of["nonrep"]}
        got = set(scores.wgi_representative(name[:2], int(name[2:]))) & everyone
        if got != {s[:3] for s in of["rep"]}:
            raise Off(f"{name}: {sorted(got)}")
    return "passed", f"{len(want)} indicator-years"


def _covered(what: str, value: object, covariance: object, want: dict, level: float, theirs: int, **options) -> None:
    """Rank sets within those at the level less and plus four Monte Carlo errors of both sides' critical values."""
    x, sigma, ours = np.asarray(value, dtype=float), np.asarray(covariance, dtype=float), 20_000
    wide = 4 * np.sqrt(level * (1 - level) * (1 / theirs + 1 / ours))
    limits = []
    for at in (level - wide, min(level + wide, 1 - 1e-6)):
        above, below = rank_kernels.decided(x, sigma, at, draws=ours, seed=1, **options)
        limits.append((1 + below.sum(axis=1), len(x) - above.sum(axis=1)))
    for side, k, low, high in (("L", 0, 1, 0), ("U", 1, 0, 1)):
        if side in want:
            got = np.asarray(want[side], dtype=float)
            if ((got < limits[low][k]) | (got > limits[high][k])).any():
                raise Off(f"{what} {side}: outside four Monte Carlo errors")


def csranks(root: Path, factor: float) -> Outcome:
    want = json.loads((root / "csranks/expected.json").read_text())
    pisa = pd.read_csv(root / "csranks/pisa.csv")
    x, sigma = pisa["math_score"].to_numpy(), np.diag(pisa["math_se"].to_numpy() ** 2)
    both = {"stepwise": True, "simultaneous": True}
    near("pisa rank", scores.ranked(x), want["pisa_simul"]["rank"], CLOSED, factor)
    _covered("pisa", x, sigma, want["pisa_simul"], 0.95, 50_000, **both)
    _covered("pisa marginal", x, sigma, want["pisa_marginal"], 0.95, 20_000, stepwise=True, simultaneous=False)
    for name in ("syn_two", "syn_lower", "syn_upper"):
        _covered(name, want["syn_x"], want["syn_Sigma"], want[name], 0.95, 50_000, **both)
    _covered(
        "syn_nostep", want["syn_x"], want["syn_Sigma"], want["syn_nostep"], 0.95, 50_000, stepwise=False,
        simultaneous=True,
    )  # fmt: skip
    counts = pd.Series(want["multinom_x"])
    for name, of in want["multinom"].items():
        correction, side = name.split(" ")
        got = scores.rank_sets_of_counts(counts, adjust=correction.lower(), level=0.95)
        for limit, column in (("L", "lower"), ("U", "upper")):
            if side in ("two-sided", column):
                near(f"{name} {limit}", got[column], of[limit], CLOSED, factor)
    ties = want["irank_ties"]
    for name, omega in (("omega0", 0.0), ("omega1", 1.0), ("omega05", 0.5)):
        near(name, scores.ranked(np.array(ties["x"], dtype=float), ties=omega), ties[name], CLOSED, factor)
    return "passed", "sets within four Monte Carlo errors; counts and ties exact"


def ties(root: Path, factor: float) -> Outcome:
    want = json.loads((root / "ranks/ties.json").read_text())
    x = np.array([np.nan if v in (None, "NA") else v for v in want["x"]], dtype=float)
    for name, share, higher in (
        ("desc_min", 0, True),
        ("desc_average", 0.5, True),
        ("desc_max", 1, True),
        ("asc_min", 0, False),
    ):
        given = np.array([np.nan if v in (None, "NA") else v for v in want[name]], dtype=float)
        near(name, scores.ranked(x, ties=share, higher_is_better=higher), given, CLOSED, factor)
    return "passed", "four rules"


def rank_tables(name: str) -> Callable[[Path, float], Outcome]:
    def compared(root: Path, factor: float) -> Outcome:
        want = pd.read_csv(root / "ranks" / name)
        source = root / "pipeline/Aggregated.csv"
        if not source.exists():
            return "skipped", "pipeline/Aggregated.csv is not here"
        values = pd.read_csv(source).set_index("uCode").loc[want["uCode"]]
        for column in [c for c in want.columns if c in values.columns and pd.api.types.is_numeric_dtype(want[c])]:
            x = values[column].reset_index(drop=True)
            key = want["g"] if "g" in want.columns else pd.Series(0, index=x.index)
            got = x.groupby(key).transform(lambda v: scores.ranked(v.to_numpy()))
            near(column, got, want[column], CLOSED, factor)
        return "passed", f"{len(want)} units"

    return compared


def correlations(root: Path, factor: float) -> Outcome:
    want = json.loads((root / "ranks/cor_tests.json").read_text())
    source = root / "pipeline/Aggregated.csv"
    if not source.exists():
        return "skipped", "pipeline/Aggregated.csv is not here"
    table = pd.read_csv(source)
    x, y = table["Conn"].to_numpy(), table["Sust"].to_numpy()
    kendall, spearman, pearson = (
        stats.kendalltau(x, y, method="asymptotic"),
        stats.spearmanr(x, y),
        stats.pearsonr(x, y),
    )
    near("tau", kendall.statistic, want["kendall"]["tau"], CLOSED, factor)
    near("rho", spearman.statistic, want["spearman"]["rho"], CLOSED, factor)
    near("r", pearson.statistic, want["pearson"]["r"], CLOSED, factor)
    near("kendall p", kendall.pvalue, want["kendall"]["p"], CLOSED, factor)
    near("spearman p", spearman.pvalue, want["spearman"]["p"], CLOSED, factor)
    near("pearson p", pearson.pvalue, want["pearson"]["p"], CLOSED, factor)
    return "passed", "by scipy, which the library uses"


def jags(root: Path, factor: float) -> Outcome:
    want = pd.read_csv(root / "irt/jags_posterior.csv")
    ratings = pd.read_csv(root / "irt/ratings.csv")
    raters = pd.read_csv(root / "irt/raters.csv").set_index("rater")["country"]
    frame = pd.DataFrame(
        {
            "ref_area": ratings["i"].map("{:03}".format),
            "rater": ratings["j"].map("{:03}".format),
            "country": ratings["j"].map(raters),
            "value": ratings["y"],
        }
    )
    model = scores.rating_model(frame, group="country", draws=10_000, seed=2)
    got = model.diagnostics
    z = (got["mean"] - want["mean"] * factor) / np.hypot(got["mcse"], want["mcse"])
    if not model.converged or z.abs().max() > 4:
        raise Off(f"greatest difference {z.abs().max():.1f} Monte Carlo errors, converged: {model.converged}")
    near("sd", got["sd"], want["sd"], 0.06, 1.0)
    return "passed", f"87 means within {z.abs().max():.1f} Monte Carlo errors"


def cpi_frame(table: pd.DataFrame, code: str, first: int, period: str) -> pd.DataFrame:
    """Ratings from a table with a row a country and the sources in columns from `first` on."""
    long = table.melt(code, list(table.columns[first : first + 13]), "source").dropna(subset=["value"])
    return long.rename(columns={code: "ref_area"}).assign(time_period=period)


def cpi_2022(root: Path, factor: float) -> Outcome:
    want = pd.read_csv(root / "published/cpi2022_expected.csv").set_index("iso3").sort_index()
    table = pd.read_csv(root / "published/cpi2022_sources.csv")
    found = scores.corruption_perceptions_index(cpi_frame(table, "ISO3", 9, "2022")).table.set_index("ref_area")
    found = found.loc[want.index]
    # of the stored sources, rounded to whole points: the closed form to 12 digits
    near("se", found["std_error"], want["se_fpc13"], CLOSED, factor)
    near("n", found["n"].astype(float), want["n"], 0, factor)
    equal = (found["value"] == want["score_published"]).sum()
    near("score", found["value"], want["score_published"], 0, 1.0, 1.0)
    near("published error", found["std_error"], want["se_published"], 0, 1.0, 0.22)
    near(
        "published lower", want["score_published"] - 1.64 * want["se_published"], want["lower_published"], 0, 1.0, 1e-5
    )
    near("rank", scores.ranked(want["score_published"].to_numpy()), want["rank_published"], 0, 1.0)
    if equal < 162:
        raise Off(f"{equal} of {len(want)} scores equal")
    return "passed", f"{equal} of {len(want)} scores equal, sources exact, closed-form errors 1e-9"


INDICES = {
    "HDI": (scores.human_development_index, "hdi"),
    "IHDI": (scores.inequality_adjusted_hdi, "ihdi"),
    "GII": (scores.gender_inequality_index, "gii"),
}
INPUTS = {
    "le": "life_expectancy", "eys": "expected_schooling", "mys": "mean_schooling", "gnipc": "income",
    "ineq_le": "inequality_life", "ineq_edu": "inequality_education", "ineq_inc": "inequality_income",
    "mmr": "maternal_mortality", "abr": "adolescent_births", "pr_f": "seats_women", "se_f": "education_women",
    "se_m": "education_men", "lfpr_f": "participation_women", "lfpr_m": "participation_men",
}  # fmt: skip


def development(root: Path) -> dict[str, pd.DataFrame]:
    """Of each index: ours at full precision and the published, three decimals, a row a country and year."""
    table = pd.read_csv(root / "published/hdr2122_inputs.csv").drop(columns=["country", "hdicode", "region"])
    long = table.melt("iso3").dropna(subset=["value"])
    long[["name", "year"]] = long["variable"].str.rsplit("_", n=1, expand=True)
    wide = long.pivot(index=["iso3", "year"], columns="name", values="value").reset_index()
    frame = wide.rename(columns={**INPUTS, "iso3": "ref_area", "year": "time_period"})
    out = {}
    for name, (function, published) in INDICES.items():
        found = function(frame).table[["ref_area", "time_period", "value"]]
        both = found.merge(frame[["ref_area", "time_period", published]].dropna())
        out[name] = both.rename(columns={published: "published"})
    return out


def reports(root: Path, factor: float) -> Outcome:
    said = []
    for name, both in development(root).items():
        equal = (both["value"].round(3) - both["published"] * factor).abs() < 1e-9
        said.append(f"{name} {equal.sum():,} of {len(both):,}")
        if equal.mean() < (0.9985 if name == "GII" else 1.0):
            raise Off(said[-1])
    return "passed", "equal to three decimals: " + ", ".join(said)


def agreement(root: Path, factor: float) -> Outcome:
    want = pd.read_csv(root / "published/hdr2122_agreement.csv").astype({"year": str})
    for name, both in development(root).items():
        given = want[want["index"] == name].set_index("year")
        gap = (both["value"] - both["published"]).abs().groupby(both["time_period"])
        near(f"{name} n", gap.size().loc[given.index].astype(float), given["n"], 0, factor)
        if name != "GII":
            # differences of numbers near 1: 1e-9 of those
            near(name, gap.max().loc[given.index], given["max_abs_diff"], 0, factor, 1e-10)
    return "passed", "HDI, IHDI; of the GII numbers of cases (men's seats as the rest of women's agree better)"


def skipped(reason: str) -> Callable[[Path, float], Outcome]:
    return lambda root, factor: ("skipped", reason)


def unsupported(reason: str) -> Callable[[Path, float], Outcome]:
    return lambda root, factor: ("unsupported", reason)


FILES: dict[str, Callable[[Path, float], Outcome]] = {
    "ucm/corr_matrices.json": correlation_matrices,
    "ucm/parameters_float64.json": loadings,
    "ucm/estimates_float64.csv.gz": estimates,
    "ucm/wgi_published.csv.gz": governance,
    "ucm/representative_flags.json": flags,
    "ucm/factanal_expected.json": factanal,
    "ucm/fiml_lavaan.json": lavaan,
    "ucm/wgi_sourcedata.csv.gz": skipped("input of the other files of ucm"),
    "ucm/fiml_input.csv": skipped("input of ucm/fiml_lavaan.json"),
    "csranks/expected.json": csranks,
    "csranks/pisa.csv": skipped("input of csranks/expected.json"),
    "ranks/ties.json": ties,
    "ranks/rank_df_aggregated.csv": rank_tables("rank_df_aggregated.csv"),
    "ranks/rank_df_bygroup.csv": rank_tables("rank_df_bygroup.csv"),
    "ranks/cor_tests.json": correlations,
    "irt/jags_posterior.csv": jags,
    "irt/ratings.csv": skipped("input of irt/jags_posterior.csv"),
    "irt/raters.csv": skipped("input of irt/jags_posterior.csv"),
    "published/cpi2022_expected.csv": cpi_2022,
    "published/cpi2022_sources.csv": skipped("input of published/cpi2022_expected.csv"),
    "published/cpi2022_significant_changes.csv": unsupported("the published lists follow no one cut-off"),
    "published/cpi_timeseries_2012_2022.csv": skipped("published scores without sources: nothing to compute"),
    "published/hdr2122_inputs.csv": reports,
    "published/hdr2122_agreement.csv": agreement,
}
CLOSED_FORMS = (
    "ucm/corr_matrices.json", "ranks/ties.json", "ranks/rank_df_aggregated.csv", "ranks/rank_df_bygroup.csv",
    "ranks/cor_tests.json", "csranks/expected.json", "published/cpi2022_expected.csv", "published/hdr2122_inputs.csv",
    "published/hdr2122_agreement.csv",
)  # fmt: skip
FOLDERS = ("ucm", "csranks", "ranks", "irt", "published")


def compare(root: Path, factor: float = 1.0) -> Iterator[tuple[str, str, str]]:
    """File, outcome (passed, differ, unsupported, skipped) and detail, for every file here and every one expected."""
    present = {p.relative_to(root).as_posix() for d in FOLDERS for p in sorted((root / d).glob("*")) if p.is_file()}
    for name in sorted(present | set(FILES)):
        if name not in present:
            yield name, "skipped", "not here"
        elif name not in FILES:
            yield name, "unsupported", "not known"
        else:
            try:
                yield (name, *FILES[name](root, factor))
            except Off as found:
                yield name, "differ", str(found)
            except FileNotFoundError as absent:
                yield name, "skipped", f"{Path(str(absent.filename)).name} is not there"
            except Exception as error:  # noqa: BLE001 - a crash is a difference, and is named
                yield name, "differ", f"{type(error).__name__}: {str(error).splitlines()[:1]}"


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", required=True, type=Path)
    parser.add_argument("--factor", type=float, default=1.0)
    options = parser.parse_args(arguments)
    count = dict.fromkeys(("passed", "differ", "unsupported", "skipped"), 0)
    for name, outcome, detail in compare(options.root, options.factor):
        count[outcome] += 1
        print(f"{outcome} {name}: {detail}")
    print(
        f"{count['passed']} passed, {count['differ']} differ, {count['unsupported']} unsupported, "
        f"{count['skipped']} skipped"
    )
    return 1 if count["differ"] else 0


if __name__ == "__main__":
    sys.exit(main())
