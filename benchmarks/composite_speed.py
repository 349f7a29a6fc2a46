"""Speed and memory of simulating a composite, and of Sobol' indices beside SALib where it is installed.

    python benchmarks/composite_speed.py [--replications 2000 20000 100000] [--sobol] [--out FILE]

Monte Carlo: 200 units × 60 indicators in six groups; every replication draws errors of all data and weights of all
nodes, and uses one of two normalisations and one of two aggregations at the top (or, in a row of its own, at every
node, which takes a logarithm of every score). CPU seconds of the process, the best of three runs; the generator's own
normal numbers are timed beside it, as the measure of the machine at that moment. Memory is what a run adds to the
loaded data, which must not grow with the number of replications. Where R and COINr are installed, COINr runs the same
(composite_coinr.R, weights, normalisation and aggregation only) in between.

Exit code 1 where a bar is missed: 0.25 ms a replication, 250 times less than COINr, 100 times less than SALib.

Sobol': 8 factors, 200 outputs, N = 4,096, 100 bootstraps. SALib takes one output at a time: some are run and their
time is multiplied. First-order and total indices are verified equal first.
"""

from __future__ import annotations

import argparse
import platform
import resource
import shutil
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd

import uncac_metrics as um
from uncac_metrics.recipes import Recipe
from uncac_metrics.stats.scores import sobol
from uncac_metrics.stats.scores.construction import Construction, Leaf
from uncac_metrics.stats.scores.hierarchy import Node, order

UNITS, GROUPS, SIZE = 200, 6, 10
COINR, SALIB = "ratio of CPU, COINr to this", "ratio of CPU, SALib to this"
MOST_MS, COINR_TIMES, SALIB_TIMES = 0.25, 250, 100


def recipe() -> Recipe:
    names = [f"x{j:02d}" for j in range(GROUPS * SIZE)]
    nodes = [Node(f"g{k}", tuple(names[k * SIZE : (k + 1) * SIZE])) for k in range(GROUPS)]
    nodes.append(Node("index", tuple(node.id for node in nodes)))
    leaves = tuple(Leaf(name, parameters={"low": 1.0, "high": 100.0}) for name in names)
    return Recipe("SPEED-1", "", "", "score", 1, "D", "", Construction(leaves, order(nodes)))


def data() -> tuple[pd.DataFrame, pd.DataFrame]:
    rng = np.random.default_rng(0)
    names = [f"x{j:02d}" for j in range(GROUPS * SIZE)]
    values = pd.DataFrame(rng.normal(50, 10, (UNITS, len(names))), columns=names)
    errors = pd.DataFrame(rng.uniform(1, 4, values.shape), columns=names)
    return values.assign(ref_area=[f"U{i:03d}" for i in range(UNITS)]), errors


def monte_carlo(n: int, everywhere: bool = False) -> dict[str, object]:
    values, errors = data()
    choices = {
        "normalise": [("minmax", {"low": 1.0, "high": 100.0}), ("zscore", {"mean": 50.0, "sd": 10.0})],
        "aggregation": ["arithmetic", "geometric" if everywhere else {"index": "geometric"}],
    }
    one = recipe()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    found = []
    for _ in range(3 if n < 50_000 else 1):
        start = time.process_time(), time.perf_counter()
        um.compose(one, values, std_error=errors, alternatives=choices, weight_noise=0.25, n=n)
        found.append((time.process_time() - start[0], time.perf_counter() - start[1]))
    cpu, wall = min(found)
    return {
        "task": "Monte Carlo, geometric everywhere" if everywhere else "Monte Carlo",
        "size": f"{UNITS} x {GROUPS * SIZE}, {n:,} replications",
        "cpu_s": cpu,
        "wall_s": wall,
        "per_replication_ms": 1e3 * cpu / n,
        "added_mb": (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024,
    }


def coinr(replications: int, ours_ms: float) -> list[dict[str, object]]:
    """COINr on the same data, and how much longer it takes; nothing where it is not installed."""
    program = shutil.which("Rscript")
    there = (
        program and not subprocess.run([program, "-e", "library(COINr)"], capture_output=True, check=False).returncode
    )
    if not program or not there:
        print("R with COINr is not installed: no comparison with it")
        return []
    values = data()[0].rename(columns={"ref_area": "uCode"})
    with tempfile.TemporaryDirectory() as folder:
        values.to_csv(Path(folder) / "values.csv", index=False)
        script = Path(__file__).with_name("composite_coinr.R")
        command = [program, str(script), str(Path(folder) / "values.csv"), str(replications)]
        printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    each = float(printed.split()[-1])
    size = f"{UNITS} x {GROUPS * SIZE}, {replications:,} replications"
    rows: list[dict[str, object]] = [
        {"task": "Monte Carlo, COINr", "size": size, "per_replication_ms": each, "cpu_s": each * replications / 1e3},
        {"task": COINR, "size": size, "cpu_s": each / ours_ms},
    ]
    return rows


def random_numbers() -> dict[str, object]:
    rng = np.random.Generator(np.random.SFC64(1))
    cpu = time.process_time()
    for _ in range(50):
        rng.standard_normal((10, UNITS, GROUPS * SIZE))
    each = (time.process_time() - cpu) / 500
    return {"task": "of which random numbers", "size": f"{UNITS} x {GROUPS * SIZE}", "per_replication_ms": 1e3 * each}


def sensitivity(outputs_there: int) -> list[dict[str, object]]:
    factors, outputs, n, resamples = 8, 200, 4096, 100
    rng = np.random.default_rng(3)
    slope = rng.normal(size=(factors, outputs))
    u = sobol.design(n, factors, seed=1)
    y = u @ slope + (u[:, :1] * u[:, 1:2] - u[:, 2:3] ** 2) * slope[0]
    mine = np.inf
    for _ in range(3):
        cpu = time.process_time()
        ours = sobol.indices(y, n, factors, bootstrap=resamples)
        mine = min(mine, time.process_time() - cpu)
    size = f"{factors} factors, {outputs} outputs, N = {n:,}, {resamples} bootstraps"
    rows: list[dict[str, object]] = [{"task": "Sobol' indices", "size": size, "cpu_s": mine}]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from SALib.analyze import sobol as theirs
    except ImportError:
        print("SALib is not installed: no comparison with it")
        return rows
    problem = {"num_vars": factors, "names": [f"f{i}" for i in range(factors)], "bounds": [[0, 1]] * factors}
    blocks = y.reshape(factors + 2, n, outputs)
    arranged = np.concatenate([blocks[:1], blocks[2:], blocks[1:2]]).transpose(1, 0, 2).reshape(-1, outputs)
    cpu = time.process_time()
    for k in range(outputs_there):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = theirs.analyze(problem, arranged[:, k], calc_second_order=False, num_resamples=resamples, seed=1)
        # they standardise by the pooled standard deviation of A and B; totals differ by that factor alone
        pooled = y[: 2 * n, k].var() / ours.variance[k]
        np.testing.assert_allclose(found["ST"] * pooled, ours.total[:, k], rtol=1e-8)
        np.testing.assert_allclose(found["S1"], ours.first[:, k], atol=1e-3)
    each = (time.process_time() - cpu) / outputs_there
    note = f"{outputs_there} of {outputs} outputs run"
    rows.append({"task": "Sobol' indices, SALib", "size": f"{size} ({note})", "cpu_s": each * outputs})
    rows.append({"task": SALIB, "size": size, "cpu_s": each * outputs / mine})
    return rows


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--replications", nargs="*", type=int, default=[2_000, 20_000])
    parser.add_argument("--sobol", action="store_true", help="Sobol' indices only")
    parser.add_argument("--outputs", type=int, default=4, help="outputs that SALib is run on")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args(arguments)
    rows: list[dict[str, object]] = []
    if not options.sobol:
        monte_carlo(500)  # what is loaded and allocated once
        rows += [random_numbers(), *(monte_carlo(n) for n in options.replications)]
        rows += coinr(400, float(str(rows[1]["per_replication_ms"])))
        rows.append(monte_carlo(options.replications[0], everywhere=True))
    rows += sensitivity(options.outputs)
    table = pd.DataFrame(rows)
    print(f"{platform.machine()}, Python {platform.python_version()}, NumPy {np.__version__}")
    print(table.to_string(index=False, na_rep="", float_format=lambda v: f"{v:,.3f}"))
    if options.out:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        table.to_csv(options.out, index=False, float_format="%.4g", lineterminator="\n")
    bars = {"Monte Carlo": ("per_replication_ms", MOST_MS, 1), COINR: ("cpu_s", COINR_TIMES, -1),
            SALIB: ("cpu_s", SALIB_TIMES, -1)}  # fmt: skip
    missed = [
        row["task"] for row in rows if row["task"] in bars
        for column, bar, side in [bars[str(row["task"])]] if side * float(str(row[column])) > side * bar
    ]  # fmt: skip
    print(f"missed: {', '.join(map(str, missed))}" if missed else "all bars are met")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
