"""What checking a table costs against reading it: ``python benchmarks/validation.py [rows]``.

A valid population survey of 12 columns is written to Parquet, read back and checked; the best of three runs
of each is shown, then the same table with 5 % bad rows, which are counted and reported.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from uncac_metrics.model import Faults
from uncac_metrics.shapes import SHAPES
from uncac_metrics.tables import validate
from uncac_metrics.values import yes_no

SHAPE = SHAPES["population_survey"]


def survey(rows: int, seed: int = 2021) -> pd.DataFrame:
    """A valid table of 12 columns: weight, text, codes, yes_no with missing answers, a count, an amount."""
    rng = np.random.default_rng(seed)
    index = pd.RangeIndex(rows)

    def coded(codes: list[str]) -> pd.Categorical:
        return pd.Categorical.from_codes(rng.integers(0, len(codes), rows), codes)

    def numbered(stem: str, count: int) -> Any:
        labels = pd.array([f"{stem}{i:05d}" for i in range(count)], dtype="str")
        return labels.take(rng.integers(0, count, rows))

    contact = rng.choice(np.array([1, 0, -1], np.int8), rows, p=[0.6, 0.38, 0.02])
    paid = np.where(contact == 1, rng.random(rows) < 0.15, np.minimum(contact, 0)).astype(np.int8)
    asked = np.where(contact == 1, rng.random(rows) < 0.25, np.minimum(contact, 0)).astype(np.int8)
    bribes = np.where(paid == 1, rng.integers(1, 9, rows), np.where(paid == 0, 0, np.nan))
    return pd.DataFrame(
        {
            "weight": rng.lognormal(6, 0.4, rows),
            "stratum": numbered("h", 100),
            "psu": numbered("p", 4000),
            "area": coded([f"XX-{i:02d}" for i in range(32)]),
            "urbanisation": coded(["U", "R"]),
            "sex": coded(["F", "M"]),
            "age": coded(["Y18T29", "Y30T44", "Y45T64", "Y_GE65"]),
            "contact": yes_no(contact, index),
            "paid": yes_no(paid, index),
            "asked": yes_no(asked, index),
            "paid_or_asked": yes_no(np.maximum(paid, asked), index),
            "bribes": bribes,
        },
        index=index,
    )


def best(function: Callable[[], Any], runs: int = 3) -> float:
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return min(times)


def spoil(frame: pd.DataFrame) -> int:
    """Make every twentieth row wrong; how many faults a check of it finds."""
    bad = frame.copy()
    bad.loc[bad.index[::20], "weight"] = -1.0
    bad.loc[bad.index[1::20], "paid"] = 1
    bad.loc[bad.index[1::20], "contact"] = 0
    try:
        validate(bad, SHAPE)
    except Faults as error:
        return len(error.faults)
    raise AssertionError("bad rows went unnoticed")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("rows", nargs="?", type=int, default=10_000_000)
    rows = parser.parse_args().rows
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "survey.parquet"
        survey(rows).to_parquet(path)
        read = best(lambda: pd.read_parquet(path))
        frame = pd.read_parquet(path)
    check = best(lambda: validate(frame, SHAPE))
    start = time.perf_counter()
    faults = spoil(frame)
    spoiled = time.perf_counter() - start
    print(f"{rows:,} rows × {frame.shape[1]} columns")
    print(f"read      {read:8.3f} s")
    print(f"validate  {check:8.3f} s   {check / read:.2f} of reading")
    print(f"with 5 % bad rows {spoiled:.3f} s, {faults} faults (the copy that is spoiled included)")


if __name__ == "__main__":
    main()
