"""Speed and memory of survey estimation, beside svy where it is installed; numbers are verified equal first.

    python benchmarks/survey_speed.py [--rows 1e6 1e7] [--parquet 1e8] [--out benchmarks/results/survey_speed.csv]

200 strata, 5,000 PSUs. Each figure is the best of three runs, in CPU seconds of the process (and wall seconds); peak
memory is what a run adds to the loaded data. The read limit of the machine is measured in the same run.
"""

from __future__ import annotations

import argparse
import platform
import resource
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd

from uncac_metrics.stats import survey
from uncac_metrics.stats.survey import Measure, Plan, scan

ITEMS = 20


def frame(n: int, seed: int = 0, ordered: bool = True) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    psu = rng.integers(0, 5_000, n).astype(np.int32)
    if ordered:
        psu.sort()
    out = {"w": rng.random(n) * 100 + 1, "psu": psu, "h": psu % 200}
    out["d50"], out["d500"] = rng.integers(0, 50, n).astype(np.int16), rng.integers(0, 500, n).astype(np.int16)
    out["contact"] = (rng.random(n) < 0.5).astype(np.uint8)
    for k in range(ITEMS):
        out[f"y{k}"] = (rng.random(n) < 0.1).astype(np.uint8) & out["contact"]
    return pd.DataFrame(out)


class Peak:
    """Greatest resident memory of the process while the block runs, above that at its start (MB)."""

    def __enter__(self) -> Peak:
        self.start = self.most = self._now()
        self.done = threading.Event()
        self.thread = threading.Thread(target=self._watch)
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.done.set()
        self.thread.join()

    @staticmethod
    def _now() -> float:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return pages * resource.getpagesize() / 1e6

    def _watch(self) -> None:
        while not self.done.wait(0.002):
            self.most = max(self.most, self._now())

    @property
    def added(self) -> float:
        return self.most - self.start


def best(run: Callable[[], object], times: int = 3) -> tuple[float, float, float]:
    """CPU seconds, wall seconds (best of several) and added memory (MB, of one run more)."""
    found = []
    for _ in range(times):
        cpu, wall = time.process_time(), time.perf_counter()
        run()
        found.append((time.process_time() - cpu, time.perf_counter() - wall))
    with Peak() as peak:
        run()
    return min(c for c, _ in found), min(w for _, w in found), peak.added


def read_limit() -> float:
    """GB a second that one core reads from memory."""
    data = np.ones(100_000_000)
    return max(data.nbytes / 1e9 / _seconds(data.sum) for _ in range(5))


def _seconds(run: Callable[[], object]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


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
    parser.add_argument("--parquet", type=float, default=0)
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
        bytes_read = sum(
            data[c].to_numpy().nbytes for c in ("w", "psu", "d500", "contact", *(f"y{k}" for k in range(ITEMS)))
        )
        ours = best(lambda data=data: survey.ratio(design(data), "y0", "contact", by="d50"))
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
        figures = best(lambda ready=ready: survey.ratio(ready, [f"y{k}" for k in range(ITEMS)], "contact", by="d500"))
        note("20 ratios × 500 domains", n, figures, gb_per_s=round(bytes_read / 1e9 / figures[1], 2))
        shuffled = design(frame(n, ordered=False))
        figures = best(lambda d=shuffled: survey.ratio(d, [f"y{k}" for k in range(ITEMS)], "contact", by="d500"))
        note("20 ratios × 500 domains, rows shuffled", n, figures)
        floats = design(data.astype({f"y{k}": float for k in range(ITEMS)} | {"contact": float}))
        figures = best(lambda d=floats: survey.ratio(d, [f"y{k}" for k in range(ITEMS)], "contact", by="d500"))
        note("20 ratios × 500 domains, float64", n, figures)
    small = frame(1001).assign(psu=lambda d: np.arange(1001) // 10, h=lambda d: d["psu"] // 8)
    small["sex"], small["region"] = np.where(small["d50"] % 2, "F", "M"), (small["d50"] % 5).astype(str)
    ready = survey.Design(small, weight="w", stratum="h", psu="psu", singleton="adjust")
    note(
        "ratio by two columns, design given",
        1001,
        best(lambda: survey.ratio(ready, "y0", "contact", by=["sex", "region"]), 20),
    )
    if options.parquet:
        n = int(options.parquet)
        plan = Plan(Measure("ratio", "y0", "contact", within=True), weight="w", stratum="h", psu="psu", by=("d50",))
        with tempfile.TemporaryDirectory() as folder:
            paths = []
            for i in range(max(1, n // 5_000_000)):
                paths.append(f"{folder}/{i}.parquet")
                frame(min(n, 5_000_000), seed=i)[list(plan.columns)].to_parquet(paths[-1], row_group_size=1_000_000)
            note("Parquet, one thread", n, best(lambda: scan(paths, plan), 1))
            with ThreadPoolExecutor(2) as pool:
                note("Parquet, two threads", n, best(lambda: scan(paths, plan, executor=pool), 1))
            with ProcessPoolExecutor(2) as pool:
                note("Parquet, two processes", n, best(lambda: scan(paths, plan, executor=pool), 1))
    options.out.parent.mkdir(parents=True, exist_ok=True)
    pd.DataFrame(rows).assign(read_limit_gb_s=limit).to_csv(
        options.out, index=False, float_format="%.4g", lineterminator="\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
