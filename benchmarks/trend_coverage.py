"""How often intervals of trends and aggregates contain the truth, and how often tests find a trend where there is none.

    python benchmarks/trend_coverage.py [--samples 1000] [--out benchmarks/results/trend_coverage.csv]

Slopes: 3 to 10 waves two years apart, sampling errors of unequal size, waves that share sampling units or not
(correlation 0.7 between neighbours), a truth on a line or scattered about it by as much as the sampling errors.
Tests of no trend: the same, and autocorrelated series of 60 years without sampling errors.
Aggregates: 30 areas of unequal weight, a third of them without a value, at random and by a covariate.
A row a case and method: the share, its Monte Carlo error, and the nominal value.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pandas as pd

from uncac_metrics.stats import areas, published, trends

LEVEL = 0.95


def covariance(n: int, overlap: bool, rng: np.random.Generator) -> np.ndarray:
    error = rng.uniform(0.5, 1.5, n)
    apart = np.abs(np.subtract.outer(np.arange(n), np.arange(n)))
    return np.outer(error, error) * (0.7**apart if overlap else apart == 0)


def many_series(samples: int, n: int, overlap: bool, scatter: float, rng: np.random.Generator):
    """Series that fall by 0.4 a year, as estimates with their joint covariance; and the truth at 2030."""
    times = 2025 - 2 * np.arange(n)[::-1]
    v = covariance(n, overlap, rng)
    root = np.linalg.cholesky(v)
    frames, matrix = [], np.kron(np.eye(samples), v)
    for i in range(samples):
        value = 30 - 0.4 * (times - 2015) + rng.normal(0, scatter, n) + root @ rng.standard_normal(n)
        frames.append(pd.DataFrame({"ref_area": str(i), "time_period": times.astype(str), "value": value}))
    known = published(pd.concat(frames, ignore_index=True), covariance=matrix)
    independent = published(known.table[["ref_area", "time_period", "value", "std_error"]])
    return known, independent, 30 - 0.4 * 15 + rng.normal(0, scatter, samples)


def row(case: str, what: str, method: str, hits: np.ndarray, nominal: float) -> dict[str, object]:
    hits = np.asarray(hits, dtype=float)
    share = float(hits.mean())
    error = float(np.sqrt(share * (1 - share) / hits.size))
    return {"case": case, "what": what, "method": method, "share": share, "mc_error": error, "nominal": nominal}


def inside(table: pd.DataFrame, truth: float | np.ndarray) -> np.ndarray:
    return ((table["lower"] <= truth) & (truth <= table["upper"])).to_numpy()


def slopes(samples: int, rng: np.random.Generator) -> list[dict[str, object]]:
    out = []
    batch = 100
    for n in (3, 5, 10):
        for overlap in (False, True):
            for scatter in (0.0, 1.0):
                case = f"{n} waves, {'overlapping' if overlap else 'independent'}, scatter {scatter:g}"
                hits: dict[tuple[str, str], list[np.ndarray]] = {}
                for _ in range(max(samples // batch, 1)):
                    known, independent, later = many_series(batch, n, overlap, scatter, rng)
                    for name, data, how in (
                        ("covariance, scatter by REML", known, "reml"),
                        ("covariance, no scatter", known, "none"),
                        ("covariance ignored, no scatter", independent, "none"),
                        ("errors ignored (least squares)", known.table.drop(columns="std_error"), "reml"),
                    ):
                        hits.setdefault(("slope", name), []).append(inside(trends.slope(data, scatter=how).table, -0.4))
                        if name.startswith("covariance, "):
                            ahead = trends.project(data, 2030, scatter=how).table
                            hits.setdefault(("projection", name), []).append(inside(ahead, later))
                out += [row(case, what, name, np.concatenate(h), LEVEL) for (what, name), h in hits.items()]
    return out


def tests(samples: int, rng: np.random.Generator) -> list[dict[str, object]]:
    out = []
    for overlap in (False, True):
        hits: dict[str, list[np.ndarray]] = {}
        v = covariance(8, overlap, rng)
        n = min(samples, 400)
        flat = (np.linalg.cholesky(v) @ rng.standard_normal((8, n))).T + 20
        frame = pd.DataFrame(
            {
                "ref_area": np.repeat(np.arange(n), 8),
                "time_period": np.tile(2000 + np.arange(8), n),
                "value": flat.ravel(),
            }
        )
        data = published(frame, covariance=np.kron(np.eye(n), v))
        for method in ("exact", "sampling"):
            p = trends.mann_kendall(data, method=method, draws=999)["p_value"].to_numpy()
            hits.setdefault(f"Mann–Kendall, {method}", []).append(p <= 0.05)
        case = f"8 waves, {'overlapping' if overlap else 'independent'}, no trend"
        out += [row(case, "rejected", name, np.concatenate(h), 0.05) for name, h in hits.items()]
    for rho in (0.0, 0.3, 0.6):
        y = np.zeros((samples, 80))
        for t in range(1, 80):
            y[:, t] = rho * y[:, t - 1] + rng.standard_normal(samples)
        y = y[:, 20:]
        frame = pd.DataFrame(
            {"ref_area": np.repeat(np.arange(samples), 60), "time_period": np.tile(1960 + np.arange(60), samples),
             "value": y.ravel()}
        )  # fmt: skip
        for method in ("normal", "hamed_rao", "tfpw"):
            p = pd.concat(
                trends.mann_kendall(part, method=method)
                for _, part in frame.groupby(frame["ref_area"].astype(int) // 40)
            )["p_value"]  # fmt: skip
            out.append(
                row(
                    f"60 years, autocorrelation {rho:g}, no trend",
                    "rejected",
                    f"Mann–Kendall, {method}",
                    p <= 0.05,
                    0.05,
                )
            )
    return out


def aggregates(samples: int, rng: np.random.Generator) -> list[dict[str, object]]:
    hits: dict[tuple[str, str], list[bool]] = {}
    n = 30
    rule = areas.Rule("w", "weighted mean")
    for i in range(min(samples, 500)):
        wealth, weight = rng.normal(0, 1, n), rng.lognormal(0, 1, n)
        truth = 25 - 4 * wealth + rng.normal(0, 3, n)
        mean = float(np.average(truth, weights=weight))
        error = rng.uniform(0.5, 3, n)
        names = np.char.add("C", np.arange(n).astype(str))
        members = pd.DataFrame({"ref_area": names, "region": "W", "weight": weight, "wealth": wealth})
        for case, gone in (
            ("missing at random", rng.permutation(n) < n // 3),
            ("the poorest missing", wealth < np.sort(wealth)[n // 3]),
        ):
            value = np.where(gone, np.nan, truth + error * rng.standard_normal(n))
            frame = pd.DataFrame({"ref_area": names, "value": value, "std_error": error, "unit": "%"})
            for name, options in (
                ("available areas", {}),
                ("model without covariates", {"missing": "model", "seed": i}),
                ("model with the covariate", {"missing": "model", "covariates": ["wealth"], "seed": i}),
                ("worst-case bounds", {"missing": "bounds"}),
            ):
                found = areas.aggregate(frame, members, rule=rule, **options).table
                hits.setdefault((case, name), []).append(bool(inside(found, mean)[0]))
    return [row(f"30 areas, {case}", "aggregate", name, h, LEVEL) for (case, name), h in hits.items()]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=20261125)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "trend_coverage.csv")
    args = parser.parse_args()
    parts = (slopes, tests, aggregates)
    rows = [r for i, part in enumerate(parts) for r in part(args.samples, np.random.default_rng(args.seed + i))]
    table = pd.DataFrame(rows).round({"share": 4, "mc_error": 4})
    args.out.parent.mkdir(parents=True, exist_ok=True)
    table.to_csv(args.out, index=False, lineterminator="\n")
    print(table.to_string(index=False))


if __name__ == "__main__":
    main()
