"""A survey larger than memory: one call on threads, processes, Dask and Spark, with its time, memory and bits.

    python benchmarks/scan_speed.py [--rows 1e8] [--limit 4] [--folder DIR] [--out benchmarks/results/scan_speed.csv]

Writes a Parquet file of that many rows (200 strata, 5,000 PSUs, rows sorted by PSU), then runs each executor in a
process of its own: a ratio over 50 domains. Memory is the greatest resident memory of that process and of those that it
started, sampled ten times a second and added up; `limit` (GB) is what that sum may not pass. The tables of estimates
must have equal bits. Starting a cluster is not counted in the seconds.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from uncac_metrics.stats.survey import Measure, Plan, SparkExecutor, scan

PLAN = Plan(Measure("ratio", "y0", "contact", within=True), weight="w", stratum="h", psu="psu", by=("d50",))
EXECUTORS = ("serial", "threads", "processes", "dask", "spark")
STEP = 1_000_000


def write(path: Path, n: int) -> None:
    """A file of n rows sorted by PSU, in row groups of a million."""
    import pyarrow as pa
    from pyarrow import parquet

    writer = None
    for start in range(0, n, STEP):
        rows = min(STEP, n - start)
        rng = np.random.default_rng(start)
        psu = ((start + np.arange(rows)) * 5_000 // n).astype(np.int32)
        contact = (rng.random(rows) < 0.5).astype(np.uint8)
        columns = {
            "w": rng.random(rows) * 100 + 1, "psu": psu, "h": psu % 200, "contact": contact,
            "d50": rng.integers(0, 50, rows).astype(np.int16),
            "y0": (rng.random(rows) < 0.1).astype(np.uint8) & contact,
        }  # fmt: skip
        table = pa.table(columns)
        writer = writer or parquet.ParquetWriter(path, table.schema)
        writer.write_table(table, row_group_size=STEP)
    if writer:
        writer.close()


@contextmanager
def executor_of(name: str) -> Any:
    """An executor of two workers."""
    if name == "serial":
        yield None
    elif name == "threads":
        with ThreadPoolExecutor(2) as pool:
            yield pool
    elif name == "processes":
        with ProcessPoolExecutor(2) as pool:
            list(pool.map(abs, range(2)))
            yield pool
    elif name == "dask":
        from distributed import Client, LocalCluster

        with (
            LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
            Client(cluster) as client,
        ):
            yield client.get_executor()
    else:
        from pyspark.sql import SparkSession

        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
        builder = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false")
        session = builder.config("spark.driver.memory", "1g").getOrCreate()
        session.sparkContext.setLogLevel("ERROR")
        try:
            yield SparkExecutor(session)
        finally:
            session.stop()


def resident(root: int) -> float:
    """GB of resident memory of a process and all that it started."""
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            children.setdefault(int(stat.read_text().rpartition(")")[2].split()[1]), []).append(int(stat.parent.name))
        except OSError:
            continue
    pages, todo = 0, [root]
    while todo:
        one = todo.pop()
        todo += children.get(one, [])
        try:
            pages += int(Path(f"/proc/{one}/statm").read_text().split()[1])
        except OSError:
            continue
    return pages * resource.getpagesize() / 1e9


def run(name: str, path: Path) -> None:
    """One executor's run, told on standard output."""
    with executor_of(name) as executor:
        start, cpu = time.perf_counter(), time.process_time()
        table = scan(path, PLAN, executor=executor).estimate("d50").table
        wall = time.perf_counter() - start
    bits = hashlib.sha256(np.ascontiguousarray(table[["value", "std_error", "lower", "upper"]]).tobytes()).hexdigest()
    print(json.dumps({"wall_s": wall, "cpu_s_of_caller": time.process_time() - cpu, "bits": bits[:16]}))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=float, default=1e8)
    parser.add_argument("--limit", type=float, default=4.0)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/scan_speed.csv"))
    parser.add_argument("--run", nargs=2, metavar=("EXECUTOR", "FILE"))
    options = parser.parse_args()
    if options.run:
        run(options.run[0], Path(options.run[1]))
        return 0
    n, rows = int(options.rows), []
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        path = Path(folder) / "survey.parquet"
        write(path, n)
        for name in EXECUTORS:
            command = [sys.executable, __file__, "--run", name, str(path)]
            child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
            most = [0.0]
            done = threading.Event()

            def watch(pid: int = child.pid, most: list[float] = most, done: threading.Event = done) -> None:
                while not done.wait(0.1):
                    most[0] = max(most[0], resident(pid))

            thread = threading.Thread(target=watch)
            thread.start()
            told, _ = child.communicate()
            done.set()
            thread.join()
            if child.returncode:
                raise SystemExit(f"{name} failed")
            figures = json.loads(told.splitlines()[-1])
            rows.append(
                {"executor": name, "rows": n, **figures, "peak_gb": most[0], "file_mb": path.stat().st_size / 1e6}
            )
            print(rows[-1], flush=True)
    table = pd.DataFrame(rows)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    table.to_csv(options.out, index=False, float_format="%.4g", lineterminator="\n")
    print(table.to_string(index=False))
    return 0 if table["bits"].nunique() == 1 and (table["peak_gb"] <= options.limit).all() else 1


if __name__ == "__main__":
    sys.exit(main())
