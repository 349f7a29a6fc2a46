"""How often the 95 % intervals contain the true value: samples drawn again and again from the simulated country.

    python benchmarks/coverage.py [--samples 1000] [--jobs 2] [--out benchmarks/results/coverage.csv]

The population, its strata, PSUs and unequal weights are those of the bundled example office; true values are counted
in it. A sample is 12,000 adults. The file has a row for each indicator, domain and interval: coverage with its Monte
Carlo error, mean width, mean events and effective sample size. It ends with exit code 1 where the default interval
covers less than 95 % less two Monte Carlo errors.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from joblib import Parallel, delayed

from uncac_metrics._data import datasets_folder
from uncac_metrics.stats import survey

LEVEL = 0.95
METHODS = ("korn_graubard", "wilson", "logit", "wald")
MEASURES = {
    "BR-01 paid or asked": ("paid_or_asked", "contact"),
    "BR-02 paid": ("paid", "contact"),
    "BR-11 judges": ("paid_or_asked__judge", "contact__judge"),
    "BR-18 reported": ("reported", "paid"),
    "BR-30 vote-buying": ("vote_offer", "adult"),
}


def simulator():
    """The functions of the bundled script that made the example office."""
    sys.path.insert(0, str(datasets_folder() / "example"))
    import simulate

    return simulate


def prepared(frame: pd.DataFrame) -> pd.DataFrame:
    wanted = {c for pair in MEASURES.values() for c in pair} - {"adult", "paid_or_asked__judge"}
    out = frame[["stratum", "psu", "area", "sex", *sorted(wanted)]].copy()
    out["paid_or_asked__judge"] = np.maximum(frame["paid__judge"], frame["asked__judge"])
    out["adult"] = 1
    for name, base in MEASURES.values():
        out[name] = out[name].where(out[base] == 1, 0)
    if "weight" in frame:
        out["weight"] = frame["weight"]
    return out


def truth(population: pd.DataFrame) -> pd.DataFrame:
    rows = []
    for measure, (y, x) in MEASURES.items():
        for by in (None, "sex", "area"):
            parts = [("total", population)] if by is None else population.groupby(by)
            rows += [
                {"measure": measure, "domain": str(label), "true": part[y].sum() / part[x].sum()}
                for label, part in parts
            ]
    return pd.DataFrame(rows).set_index(["measure", "domain"])["true"]


def intervals_of(sample: pd.DataFrame) -> pd.DataFrame:
    design = survey.Design(sample, weight="weight", stratum="stratum", psu="psu")
    parts = []
    for method in METHODS:
        for by in (None, "sex", "area"):
            for measure, (y, x) in MEASURES.items():
                table = survey.ratio(design, y, x, by=by, interval=method, level=LEVEL).table
                domain = table[by] if by else "total"
                keep = table[["value", "lower", "upper", "n", "events", "deff", "df"]]
                parts.append(keep.assign(measure=measure, domain=domain, interval=method))
    return pd.concat(parts, ignore_index=True)


def batch(seeds: range, known: pd.Series) -> pd.DataFrame:
    simulate = simulator()
    population = simulate.population()
    parts = []
    for seed in seeds:
        found = intervals_of(prepared(simulate.draw(population, seed)))
        true = known.reindex(pd.MultiIndex.from_frame(found[["measure", "domain"]])).to_numpy()
        found["covered"] = (found["lower"] <= true) & (true <= found["upper"])
        found["below"], found["above"] = true < found["lower"], true > found["upper"]
        found["width"] = found["upper"] - found["lower"]
        parts.append(found)
    return pd.concat(parts, ignore_index=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--samples", type=int, default=1000)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/coverage.csv"))
    options = parser.parse_args()
    known = truth(prepared(simulator().population()))
    blocks = [range(10_000 + i, 10_000 + min(i + 50, options.samples)) for i in range(0, options.samples, 50)]
    found = pd.concat(Parallel(n_jobs=options.jobs)(delayed(batch)(block, known) for block in blocks))
    by = found.groupby(["measure", "domain", "interval"], sort=False)
    table = by.agg(
        samples=("covered", "size"), coverage=("covered", "mean"), below=("below", "mean"), above=("above", "mean"),
        width=("width", "mean"), n=("n", "mean"), events=("events", "mean"), deff=("deff", "mean"), df=("df", "mean"),
    ).reset_index()  # fmt: skip
    table["true"] = known.reindex(pd.MultiIndex.from_frame(table[["measure", "domain"]])).to_numpy()
    table["mc_error"] = np.sqrt(LEVEL * (1 - LEVEL) / table["samples"])
    table["enough"] = table["coverage"] >= LEVEL - 2 * table["mc_error"]
    options.out.parent.mkdir(parents=True, exist_ok=True)
    table.to_csv(options.out, index=False, float_format="%.6g", lineterminator="\n")
    default = table[table["interval"] == METHODS[0]]
    print(default[["measure", "domain", "true", "coverage", "width", "events", "enough"]].to_string(index=False))
    print(f"{default['enough'].sum()} of {len(default)} domains covered at {LEVEL:.0%} less two Monte Carlo errors")
    return 0 if default["enough"].all() else 1


if __name__ == "__main__":
    sys.exit(main())
