"""Coverage of intervals of latent scores and of confidence sets for ranks, where the truth is known.

    python benchmarks/latent_coverage.py [--samples 100] [--seed 1] [--out benchmarks/results/latent_coverage.csv]

Latent scores: units and sources as in the first columns, loadings uniform between 0.5 and 0.95, each source silent on a
share of the units. Counted is how often a nominal 90 % interval holds the true value, standardised over the units.
With the uncertainty of the parameters 88 to 92 % are asked for where a source rates 50 units or so; plug-in intervals
are shown beside. Rank sets: values drawn from a normal distribution about true values that are spread out, close
together or in tied groups; and latent scores. Sets must cover at least their level, less two Monte Carlo errors, or for
the unit that is covered least of all, as many as the least of so many units may be off.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

from uncac_metrics.stats import scores
from uncac_metrics.stats.scores import rank_kernels

LEVEL = 0.9
CELLS = (
    # units, sources, least and most share of units that a source does not rate, asked for
    (200, 30, 0.15, 0.70, True),
    (200, 10, 0.15, 0.70, True),
    (200, 12, 0.30, 0.80, True),
    (200, 6, 0.00, 0.30, True),
    (60, 8, 0.00, 0.40, False),
    (40, 6, 0.00, 0.30, False),
)


def simulated(rng: np.random.Generator, samples: int, units: int, sources: int, least: float, most: float):
    """True values (samples, units), and ratings as a long frame with a period a sample."""
    g = rng.normal(size=(samples, units))
    b = rng.uniform(0.5, 0.95, (samples, 1, sources))
    y = b * g[:, :, None] + np.sqrt(1 - b**2) * rng.normal(size=(samples, units, sources))
    y[rng.random(y.shape) < rng.uniform(least, most, (samples, 1, sources))] = np.nan
    t, i, j = np.nonzero(~np.isnan(y))
    frame = pd.DataFrame(
        {
            "time_period": np.char.mod("%04d", t), "ref_area": np.char.mod("U%03d", i),
            "source": np.char.mod("S%02d", j), "value": y[t, i, j],
        }
    )  # fmt: skip
    return g, frame


def latent(samples: int, seed: int) -> pd.DataFrame:
    rows = []
    for units, sources, least, most, asked in CELLS:
        rng = np.random.default_rng([seed, units, sources])
        g, frame = simulated(rng, samples, units, sources, least, most)
        for kind, draws in (("parameter uncertainty", 200), ("plug-in", 0)):
            table = scores.unobserved_components_ml(frame, draws=draws, level=LEVEL).estimates.table
            t, i = table["time_period"].astype(int), table["ref_area"].str[1:].astype(int)
            truth = pd.Series(g[t, i])
            by = truth.groupby(t)
            truth = (truth - by.transform("mean")) / by.transform("std")
            inside = (table["lower"] <= truth) & (truth <= table["upper"])
            of_sample = inside.groupby(t).mean()
            rows.append(
                {
                    "units": units, "sources": sources, "silent_least": least, "silent_most": most, "errors": kind,
                    "coverage": inside.mean(), "mc_error": of_sample.std() / np.sqrt(samples),
                    "width": (table["upper"] - table["lower"]).mean(), "samples": samples, "asked": asked,
                }
            )  # fmt: skip
    return pd.DataFrame(rows)


def places(units: int) -> dict[str, np.ndarray]:
    """True values: spread out, close together, in tied groups."""
    return {
        "spread out": np.linspace(0, 2.0 * units, units),
        "close": np.linspace(0, 3.0, units),
        "ties of five": np.repeat(np.arange(units // 5) * 2.0, 5),
        "all tied": np.zeros(units),
    }


def limits(kind: str, value: np.ndarray, error: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Lower and upper limits of ranks, by the kernels of the public functions."""
    if kind == "quantiles of draws":
        drawn = value[:, None] + error[:, None] * np.random.default_rng(seed).standard_normal((len(value), 1000))
        placed = len(value) + 1 - stats.rankdata(drawn, axis=0, method="max")
        lower, upper = np.quantile(placed, [0.5 - LEVEL / 2, 0.5 + LEVEL / 2], axis=1, method="inverted_cdf")
        return lower, upper
    above, below = rank_kernels.decided(
        value, np.diag(error**2), LEVEL, simultaneous=kind == "simultaneous", stepwise=True, draws=1000, seed=seed
    )
    return 1 + below.sum(axis=1), len(value) - above.sum(axis=1)


def ranks(samples: int, seed: int) -> pd.DataFrame:
    rows, units = [], 30
    for name, truth in places(units).items():
        rng = np.random.default_rng([seed, len(name)])
        error = rng.uniform(0.5, 1.5, units)
        # a tied unit may take any of the ranks of its group
        best, worst = scores.ranked(truth), scores.ranked(truth, ties=1.0)
        values = truth + error * rng.normal(size=(samples, units))
        for kind in ("marginal", "simultaneous", "quantiles of draws"):
            found = np.array([limits(kind, value, error, k) for k, value in enumerate(values)])
            held = (found[:, 0] <= best) & (found[:, 1] >= worst)
            together = kind == "simultaneous"
            hits = held.all(axis=1).mean(keepdims=True) if together else held.mean(axis=0)
            rows.append(
                {
                    "values": name, "sets": kind, "coverage": hits.mean(), "least": hits.min(),
                    "mc_error": np.sqrt(LEVEL * (1 - LEVEL) / samples), "width": (found[:, 1] - found[:, 0]).mean(),
                    "errors_allowed": 2.0 if together else stats.norm.isf(0.025 / units), "units": units,
                    "samples": samples, "asked": kind != "quantiles of draws",
                }
            )  # fmt: skip
    return pd.DataFrame(rows)


def latent_ranks(samples: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng([seed, 7])
    g, frame = simulated(rng, samples, 60, 12, 0.1, 0.5)
    estimates = scores.unobserved_components_ml(frame).estimates
    rows = []
    for kind, simultaneous in (("marginal", False), ("simultaneous", True)):
        sets = scores.rank_sets(estimates, simultaneous=simultaneous, level=LEVEL)
        t, i = sets["time_period"].astype(int), sets["ref_area"].str[1:].astype(int)
        truth = pd.Series(g[t, i]).groupby(t).rank(ascending=False)
        inside = (sets["lower"] <= truth) & (truth <= sets["upper"])
        hits = inside.groupby(t).all() if simultaneous else inside.groupby(t).mean()
        rows.append(
            {
                "values": "latent scores", "sets": kind, "errors_allowed": 2.0,
                "coverage": hits.mean(), "least": hits.mean(),
                "mc_error": np.sqrt(LEVEL * (1 - LEVEL) / samples), "width": (sets["upper"] - sets["lower"]).mean(),
                "units": 60, "samples": samples, "asked": True,
            }
        )  # fmt: skip
    return pd.DataFrame(rows)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--samples", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/latent_coverage.csv"))
    options = parser.parse_args()
    of_scores = latent(options.samples, options.seed)
    of_ranks = pd.concat([ranks(10 * options.samples, options.seed), latent_ranks(options.samples, options.seed)])
    full = of_scores["asked"] & (of_scores["errors"] == "parameter uncertainty")
    of_scores["enough"] = ~full | of_scores["coverage"].between(0.88, 0.92)
    of_ranks["enough"] = ~of_ranks["asked"] | (
        of_ranks["coverage"] >= LEVEL - of_ranks["errors_allowed"] * of_ranks["mc_error"]
    )
    table = pd.concat([of_scores.assign(what="scores"), of_ranks.assign(what="ranks")], ignore_index=True)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    table.to_csv(options.out, index=False, float_format="%.5g", lineterminator="\n")
    print(of_scores.to_string(index=False), of_ranks.to_string(index=False), sep="\n\n")
    return 0 if table["enough"].all() else 1


if __name__ == "__main__":
    sys.exit(main())
