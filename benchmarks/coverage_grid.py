"""Coverage of 95 % intervals for a prevalence over a grid of designs: few or many PSUs, rare or common events.

    python benchmarks/coverage_grid.py [--samples 2000] [--jobs 2] [--out benchmarks/results/coverage_grid.csv]

A sample has `psus` PSUs of `size` people; the probability of the event varies between PSUs by a beta distribution
with the given intracluster correlation; weights are lognormal with coefficient of variation 0.6, independent of the
event. True prevalence is known, and so is the true design effect: the variance of the estimate over all samples
against that of a simple random sample. Cells with ten expected events or more per unit of true design effect must
cover at least 94 % less two Monte Carlo errors with the default interval (exit code 1 otherwise); the others are
reported.
"""

from __future__ import annotations

import argparse
import itertools
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from joblib import Parallel, delayed

from uncac_metrics.stats import intervals, survey

LEVEL, CV = 0.95, 0.6
METHODS = ("korn_graubard", "beta", "clopper_pearson", "wilson", "likelihood", "logit", "wald")
GRID = list(itertools.product((0.005, 0.02, 0.10, 0.50), (10, 30, 100), (12, 50), (0.02, 0.10)))


def cell(prevalence: float, psus: int, size: int, icc: float, samples: int) -> pd.DataFrame:
    """Coverage of every method in one cell of the grid."""
    rng = np.random.default_rng([int(prevalence * 1e4), psus, size, int(icc * 100)])
    a, b = prevalence * (1 / icc - 1), (1 - prevalence) * (1 / icc - 1)
    sigma = np.sqrt(np.log1p(CV**2))
    psu = np.repeat(np.arange(psus), size)
    tables = []
    for _ in range(samples):
        y = (rng.random((psus, size)) < rng.beta(a, b, psus)[:, None]).ravel().astype(np.uint8)
        frame = pd.DataFrame({"w": np.exp(rng.normal(0, sigma, psu.size)), "psu": psu, "y": y})
        design = survey.Design(frame, weight="w", psu="psu")
        table = survey.proportion(design, "y", interval="korn_graubard").table
        weight_deff = psu.size * (frame["w"] ** 2).sum() / frame["w"].sum() ** 2
        tables.append(
            table[["value", "std_error", "df", "n", "events", "lower", "upper"]].assign(weight_deff=weight_deff)
        )
    found = pd.concat(tables, ignore_index=True)
    n = psus * size
    deff = found["value"].var() * n / (prevalence * (1 - prevalence))
    rows = []
    for method in METHODS:
        lower, upper, _ = intervals.proportion(
            method, p=found["value"].to_numpy(), std_error=found["std_error"].to_numpy(),
            n=found["n"].to_numpy(float), df=found["df"].to_numpy(float), weight_deff=found["weight_deff"].to_numpy(),
            level=LEVEL,
        )  # fmt: skip
        rows.append(
            {
                "interval": method, "coverage": ((lower <= prevalence) & (prevalence <= upper)).mean(),
                "below": (prevalence < lower).mean(), "above": (prevalence > upper).mean(),
                "width": (upper - lower).mean(),
            }
        )  # fmt: skip
    fixed = {"prevalence": prevalence, "psus": psus, "size": size, "icc": icc, "samples": samples, "deff": deff}
    events = n * prevalence
    return pd.DataFrame(rows).assign(**fixed, events=events, effective_events=events / deff)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--samples", type=int, default=2000)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/coverage_grid.csv"))
    options = parser.parse_args()
    table = pd.concat(
        Parallel(n_jobs=options.jobs)(delayed(cell)(*g, options.samples) for g in GRID), ignore_index=True
    )
    table["mc_error"] = np.sqrt(0.94 * 0.06 / table["samples"])
    table["enough"] = table["coverage"] >= 0.94 - 2 * table["mc_error"]
    options.out.parent.mkdir(parents=True, exist_ok=True)
    table.to_csv(options.out, index=False, float_format="%.5g", lineterminator="\n")
    default = table[table["interval"] == METHODS[0]]
    shown = ["prevalence", "psus", "size", "icc", "effective_events", "deff", "coverage", "width", "enough"]
    print(default[shown].to_string(index=False))
    due = default[default["effective_events"] >= 10]
    print(f"{due['enough'].sum()} of {len(due)} cells with ten effective events or more are covered")
    return 0 if due["enough"].all() else 1


if __name__ == "__main__":
    sys.exit(main())
