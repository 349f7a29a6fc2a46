"""How often the 95 % intervals of records and figures contain the true value: the registers made again and again.

    python benchmarks/coverage_records.py [--seeds 200] [--jobs 2] [--out benchmarks/results/coverage_records.csv]

Every data set of the example office that is not a survey is made from many seeds, read and mapped as its
``source.toml`` says, and estimated. The measures are those whose true values the simulators state, in ``truth.csv``.
The file has a row for each: coverage with its Monte Carlo error, the shares that miss on either side, mean width and
events. Where coverage is above 99 %, ``note`` says why. It ends with exit code 1 where coverage is below 90 %, or above
99 % without such a reason.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from joblib import Parallel, delayed

from uncac_metrics import estimators, mapping, readers
from uncac_metrics._data import datasets_folder
from uncac_metrics.datasets import Dataset, load_source
from uncac_metrics.model import BREAKDOWNS, Indicator, Measure
from uncac_metrics.shapes import SHAPES
from uncac_metrics.stats.estimates import Estimates

LEVEL = 0.95
FIRST_SEED = 10_000
LEAST, MOST = 0.90, 0.99
CONSERVATIVE = {
    "garwood": "exact limits of a discrete count cover at least 95 %",
    "clopper_pearson": "exact limits of a discrete share cover at least 95 %",
}
"""Why intervals of a kind may cover more than 99 %."""
MEASURE = ["estimator", "numerator", "denominator", "levels", "where", "options"]


def simulators():
    """The module of the example office that makes its files."""
    folder = str(datasets_folder() / "example")
    if folder not in sys.path:
        sys.path.insert(0, folder)
    import simulate_files

    return simulate_files


def made(name: str, seed: int) -> Dataset:
    """The data set as it is with another seed, read and checked like any file."""
    files = simulators()
    source = load_source(datasets_folder() / "example" / "datasets" / f"{name}_2025")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "data.csv"
        files.RECORDS[name][0](seed).convert_dtypes().to_csv(file, index=False)
        raw = readers.read(file, source.read)
    shape = SHAPES[source.shape]
    return Dataset(source, shape, mapping.apply(raw, source, shape))


def cards(truth: pd.DataFrame, shape: str) -> Iterator[tuple[Indicator, pd.DataFrame]]:
    """A definition for each measure of a table of true values, and the rows of the table that it gives."""
    for number, (key, rows) in enumerate(truth.groupby(MEASURE, sort=False)):
        said = dict(zip(MEASURE, key, strict=True))
        said |= {name: json.loads(said[name]) for name in ("where", "options")}
        measure = Measure(shape, **said)
        text = dict.fromkeys(
            ("name", "name_zh", "type", "objective", "description", "formula", "responsible", "frequency", "notes",
             "unit", "direction", "universe", "reference_period", "provenance", "provenance_note"), ""
        )  # fmt: skip
        listed = dict.fromkeys(("sources", "disaggregations", "paragraphs", "articles"), ())
        yield Indicator(id=f"{shape}-{number}", measure=measure, decimals=1, **text, **listed), rows


def row_of(found: Estimates, item: dict[str, str]) -> pd.Series:
    """The one result with the item's codes, the total of every breakdown that it does not name."""
    table = found.table
    kept = np.ones(len(table), dtype=bool)
    for name in [b for b in BREAKDOWNS if b in table.columns] + ["time_period"]:
        if name in item or name in BREAKDOWNS:
            if name == "category" and name not in item and table[name].nunique() == 1:
                continue
            kept &= (table[name].astype(str) == item.get(name, "_T")).to_numpy()
    if kept.sum() != 1:
        raise LookupError(f"{kept.sum()} results for {item}")
    return table[kept].iloc[0]


def intervals(name: str, seed: int) -> pd.DataFrame:
    """Every measure of a data set made from a seed: estimate, interval and true value."""
    truth = simulators().RECORDS[name][1]()
    data = made(name, seed)
    out = []
    for card, rows in cards(truth, data.shape.id):
        items = [json.loads(item) for item in rows["item"]]
        by = sorted({b for item in items for b in item if b in data.table.columns and b in BREAKDOWNS})
        found = estimators.run([card], data, [(), *((b,) for b in by)], level=LEVEL)
        for item, label, true in zip(items, rows["label"], rows["value"], strict=True):
            row = row_of(found, item)
            out.append(
                {
                    "data": name, "measure": label, "estimator": card.measure.estimator, "interval": row["interval"],
                    "true": true, "value": row["value"], "lower": row["lower"], "upper": row["upper"],
                    "n": row["n"], "events": row["events"],
                }
            )  # fmt: skip
    return pd.DataFrame(out)


def batch(seeds: range, names: list[str]) -> pd.DataFrame:
    """Results of all data sets for some seeds."""
    return pd.concat([intervals(name, seed).assign(seed=seed) for seed in seeds for name in names])


def summary(found: pd.DataFrame) -> pd.DataFrame:
    """Coverage by measure."""
    found = found.assign(
        below=found["true"] < found["lower"],
        above=found["true"] > found["upper"],
        width=found["upper"] - found["lower"],
    )
    found["covered"] = ~(found["below"] | found["above"]) & found["lower"].notna()
    by = found.groupby(["data", "measure", "estimator"], sort=False)
    table = by.agg(
        interval=("interval", "first"), seeds=("covered", "size"), true=("true", "first"), mean=("value", "mean"),
        coverage=("covered", "mean"), below=("below", "mean"), above=("above", "mean"), width=("width", "mean"),
        n=("n", "mean"), events=("events", "mean"),
    ).reset_index()  # fmt: skip
    table["mc_error"] = np.sqrt(LEVEL * (1 - LEVEL) / table["seeds"])
    high = table["coverage"] > MOST
    table["note"] = table["interval"].map(CONSERVATIVE).where(high, "").fillna("")
    table["within"] = table["coverage"].between(LEAST, MOST) | (table["note"] != "")
    return table


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=200)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--only", nargs="*", default=None, help="names of data sets")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/coverage_records.csv"))
    options = parser.parse_args()
    names = options.only or list(simulators().RECORDS)
    blocks = [range(FIRST_SEED + i, FIRST_SEED + min(i + 10, options.seeds)) for i in range(0, options.seeds, 10)]
    parts = Parallel(n_jobs=options.jobs)(delayed(batch)(block, names) for block in blocks)
    table = summary(pd.concat(parts))
    options.out.parent.mkdir(parents=True, exist_ok=True)
    table.to_csv(options.out, index=False, float_format="%.6g", lineterminator="\n")
    print(table[["data", "measure", "true", "mean", "coverage", "events", "within"]].to_string(index=False))
    print(f"{table['within'].sum()} of {len(table)} measures covered in {LEAST:.0%} to {MOST:.0%} of the samples")
    return 0 if table["within"].all() else 1


if __name__ == "__main__":
    sys.exit(main())
