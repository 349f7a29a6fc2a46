"""Speed and memory of survey estimation, beside svy where it is installed; numbers are verified equal first.

    python benchmarks/survey_speed.py [--rows 1e6 1e7] [--out benchmarks/results/survey_speed.csv]

200 strata, 5,000 PSUs. Two kinds of 500 domains: `crossed`, each of which meets every PSU, and `regions`, 25 regions
of whole PSUs by 20 groups of people. Each figure is the best of three runs (of nine for the shortest), in CPU seconds
of the process (and wall seconds); peak memory is what a run adds to the loaded data. The read limit of the machine is
measured in the same run.
"""

from __future__ import annotations

import argparse
import platform
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from measuring import best, read_limit

from uncac_metrics.stats import survey

ITEMS = 20


def frame(n: int, seed: int = 0, ordered: bool = True) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    psu = rng.integers(0, 5_000, n).astype(np.int32)
    if ordered:
        psu.sort()
    out = {"w": rng.random(n) * 100 + 1, "psu": psu, "h": psu % 200}
    out["d50"], out["d500"] = rng.integers(0, 50, n).astype(np.int16), rng.integers(0, 500, n).astype(np.int16)
    out["regions"] = (psu % 25 * 20 + rng.integers(0, 20, n)).astype(np.int16)
    out["contact"] = (rng.random(n) < 0.5).astype(np.uint8)
    for k in range(ITEMS):
        out[f"y{k}"] = (rng.random(n) < 0.1).astype(np.uint8) & out["contact"]
    return pd.DataFrame(out)


def design(data: pd.DataFrame) -> survey.Design:
    return survey.Design(data, weight="w", stratum="h", psu="psu")


def against_svy(data: pd.DataFrame) -> tuple[Callable[[], object], pd.DataFrame] | None:
    """A ratio over 50 domains by svy, and its numbers; None where it is not installed."""
    try:
        import polars as pl
        import svy
    except ImportError:
        return None
    table = pl.from_pandas(data[["w", "psu", "h", "d50", "contact", "y0"]])

    def run() -> object:
        sample = svy.Sample(table, svy.Design(stratum="h", psu="psu", wgt="w"))
        return sample.estimation.ratio("y0", "contact", by="d50")

    return run, run().to_polars().to_pandas()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=float, nargs="+", default=[1e6])
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/survey_speed.csv"))
    options = parser.parse_args()
    rows: list[dict] = []

    def note(what: str, n: float, figures: tuple[float, float, float], **more: object) -> None:
        cpu, wall, memory = figures
        rows.append({"what": what, "rows": int(n), "cpu_s": cpu, "wall_s": wall, "added_mb": memory, **more})
        print(f"{what:<58} {n:>12,.0f} {cpu:8.3f} s cpu {wall:8.3f} s {memory:8.0f} MB {more or ''}", flush=True)

    limit = read_limit()
    print(f"memory is read at {limit:.1f} GB/s by one core; {platform.machine()}, {platform.python_version()}")
    for n in map(int, options.rows):
        data = frame(n)
        ready = design(data)
        ours = best(lambda data=data: survey.ratio(design(data), "y0", "contact", by="d50"), 9)
        note("ratio, 50 domains, design included", n, ours)
        peer = against_svy(data) if n <= 1_000_000 else None
        if peer:
            run, theirs = peer
            mine = survey.ratio(ready, "y0", "contact", by="d50").table
            se = next(c for c in theirs.columns if c.lower() in ("se", "std_err", "stderr", "std_error"))
            if not np.allclose(np.sort(theirs[se]), np.sort(mine["std_error"]), rtol=1e-9):
                raise SystemExit("svy gives other numbers")
            figures = best(run)
            note("the same by svy", n, figures, ratio=round(figures[0] / ours[0], 1))
        items = [f"y{k}" for k in range(ITEMS)]
        used = sum(data[c].to_numpy().nbytes for c in ("w", "psu", "d500", "contact", *items)) / 1e9
        kinds = {
            "": data,
            ", rows shuffled": data.sample(frac=1, random_state=1).reset_index(drop=True),
            ", float64": data.astype(dict.fromkeys([*items, "contact"], float)),
        }
        for domains, by in (("regions", "regions"), ("crossed", "d500")):
            for kind, table in kinds.items():
                made = design(table)
                figures = best(lambda made=made, by=by, items=items: survey.ratio(made, items, "contact", by=by))
                speed = {} if kind else {"gb_per_s": round(used / figures[1], 2)}
                note(f"20 ratios × 500 domains ({domains}){kind}", n, figures, **speed)
        del kinds, table, made
        if n <= 1_000_000:
            data["income"] = np.random.default_rng(2).lognormal(size=n)
            drawn = survey.with_replicates(design(data), "bootstrap", replicates=500, seed=1)
            for domains, by in (("regions", "regions"), ("crossed", "d500")):
                figures = best(lambda drawn=drawn, by=by, items=items: survey.ratio(drawn, items, "contact", by=by))
                note(f"the same with 500 bootstrap replicates ({domains})", n, figures)
                figures = best(lambda drawn=drawn, by=by: survey.quantile(drawn, "income", 0.5, by=by), 1)
                note(f"500 medians × 500 replicates ({domains})", n, figures)
    small = frame(1001).assign(psu=lambda d: np.arange(1001) // 10, h=lambda d: d["psu"] // 8)
    small["sex"], small["region"] = np.where(small["d50"] % 2, "F", "M"), (small["d50"] % 5).astype(str)
    ready = survey.Design(small, weight="w", stratum="h", psu="psu", singleton="adjust")
    note(
        "ratio by two columns, design given",
        1001,
        best(lambda: survey.ratio(ready, "y0", "contact", by=["sex", "region"]), 20),
    )
    options.out.parent.mkdir(parents=True, exist_ok=True)
    pd.DataFrame(rows).assign(read_limit_gb_s=limit).to_csv(
        options.out, index=False, float_format="%.4g", lineterminator="\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
