"""How often the 95 % intervals of records and figures contain the true value: the registers made again and again.

    python benchmarks/coverage_records.py [--seeds 200] [--jobs 2] [--out benchmarks/results/coverage_records.csv]

Every data set of the example office that is not a survey is made from many seeds, read and mapped as its
``source.toml`` says, and estimated. The measures are those whose true values the simulators state, in ``truth.csv``.
The file has a row for each: coverage with its Monte Carlo error, the shares that miss on either side, mean width and
events. Where coverage is above 99 %, ``note`` says why. Measures without an interval have no coverage: their mean has
to be the true value, but for chance. It ends with exit code 1 where coverage is below 90 %, or above 99 % without such
a reason, or where a mean is off.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from joblib import Parallel, delayed

from uncac_metrics import estimators, mapping, readers
from uncac_metrics._data import datasets_folder
from uncac_metrics.datasets import Dataset, load_source
from uncac_metrics.model import BREAKDOWNS, TOTAL, Indicator, Measure
from uncac_metrics.shapes import SHAPES
from uncac_metrics.stats.estimates import Estimates

LEVEL = 0.95
FIRST_SEED, BLOCK = 10_000, 20
"""The first seed, and how many are taken together."""
MANY = 1_000_000
IDENTIFIERS = (
    "RECORD", "REQUEST", "ASSET", "CLUSTER", "DECLARATION", "HOLDER", "REPORT", "CONTRACT", "TENDER", "BID",
)  # fmt: skip
BY_COUNTRY = ("ratings", "reviews")
"""Data sets of several countries already: their seeds are taken one by one."""
LEAST, MOST = 0.90, 0.99
ERRORS = 4.0
"""Standard errors by which a mean without interval may miss the truth."""
TINY = 1e-9
"""Relative error of arithmetic."""
CONSERVATIVE = {
    "garwood": "exact limits of a discrete count cover at least 95 %",
    "clopper_pearson": "exact limits of a discrete share cover at least 95 %",
}
CONSERVATIVE_ESTIMATORS = {
    "duration": "limits are whole days, the first beyond which the curve has left the band",
    "hhi": "where receivers have few awards, the linear error of the index counts their noise twice",
}
"""Why intervals of a kind, and those of an estimator, may cover more than 99 %."""
FIXED = "the same in every sample: no chance has made it"
NO_INTERVAL = "no interval is given: the mean is held against the true value"
MEASURE = ["estimator", "numerator", "denominator", "levels", "where", "options"]


def simulators():
    """The module of the example office that makes its files."""
    folder = str(datasets_folder() / "example")
    if folder not in sys.path:
        sys.path.insert(0, folder)
    import simulate_files

    return simulate_files


def made(name: str, seeds: Iterable[int]) -> Dataset:
    """The data set as it is with other seeds, read and checked like any file: each seed is a country of its own."""
    files = simulators()
    source = load_source(datasets_folder() / "example" / "datasets" / f"{name}_2025")
    tables = []
    for number, seed in enumerate(seeds):
        table = files.RECORDS[name][0](seed)
        own = {c: table[c] + number * MANY for c in IDENTIFIERS if c in table}
        tables.append(table.assign(**own) if name in BY_COUNTRY else table.assign(ref_area=str(seed), **own))
    if source.columns:
        source = replace(source, columns=dict(source.columns) | {"ref_area": {}})
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "data.csv"
        pd.concat(tables).convert_dtypes().to_csv(file, index=False)
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


def stated(card: Indicator, truth: pd.DataFrame) -> pd.DataFrame:
    """The rows of a table of true values that are of an indicator's measure; none where its truth is not stated.

    Rows may be chosen by columns that do not change the value, and by codes that the data do not hold.
    """
    m = card.measure
    same = [
        (row.estimator, row.numerator, row.denominator, row.levels)
        == (m.estimator, m.numerator, m.denominator, m.levels)
        and _options(json.loads(row.options)) == _options(m.options)
        and _chosen(json.loads(row.where), m.where, row.free.split())
        for row in truth.itertuples()
    ]
    return truth[same]


def _options(options: Mapping[str, Any]) -> dict[str, Any]:
    """What changes the value that is estimated, not how."""
    usual = {"units": "process", "across": "areas", "unit": "days", "digits": 1}
    return {k: v for k, v in options.items() if k not in ("cluster", "interval", "corrected") and usual.get(k) != v}


def _chosen(true: Mapping[str, list[str]], own: Mapping[str, Iterable[str]], free: list[str]) -> bool:
    return set(true) <= set(own) and all(name in free or set(true.get(name, ["-"])) <= set(own[name]) for name in own)


def rows_of(found: Estimates, item: dict[str, str]) -> pd.DataFrame:
    """The results with the item's codes, a row a country; the totals of every breakdown that it does not name."""
    table = found.table
    kept = np.ones(len(table), dtype=bool)
    for name in (*BREAKDOWNS, "time_period", "ref_area"):
        if name in table.columns and (name in item or name in BREAKDOWNS):
            kept &= (table[name].astype(str) == item.get(name, TOTAL)).to_numpy()
    return table[kept]


def intervals(name: str, seeds: Iterable[int]) -> pd.DataFrame:
    """Every measure of a data set made from some seeds: estimates, intervals and true values."""
    seeds = list(seeds)
    if name in BY_COUNTRY and len(seeds) > 1:
        return pd.concat([intervals(name, [seed]) for seed in seeds], ignore_index=True)
    truth = simulators().RECORDS[name][1]()
    data = made(name, seeds)
    out = []
    for card, rows in cards(truth, data.shape.id):
        items = [json.loads(item) for item in rows["item"]]
        by = sorted({b for item in items for b in item if b in data.table.columns and b in BREAKDOWNS})
        found = estimators.run([card], data, [(), *((b,) for b in by)], level=LEVEL)
        for item, label, true in zip(items, rows["label"], rows["value"], strict=True):
            part = rows_of(found, item)[["interval", "value", "lower", "upper", "n", "events"]]
            if len(part) != len(seeds):
                raise LookupError(f"{len(part)} results for {label!r} in {len(seeds)} samples")
            out.append(part.assign(data=name, measure=label, estimator=card.measure.estimator, true=true))
    return pd.concat(out, ignore_index=True)


def summary(found: pd.DataFrame) -> pd.DataFrame:
    """Coverage by measure."""
    slack = TINY * found["true"].abs().clip(lower=1.0)
    found = found.assign(
        below=found["true"] < found["lower"] - slack,
        above=found["true"] > found["upper"] + slack,
        width=found["upper"] - found["lower"],
    )
    found["covered"] = ~(found["below"] | found["above"]) & found["lower"].notna()
    by = found.groupby(["data", "measure", "estimator"], sort=False)
    table = by.agg(
        interval=("interval", "first"), seeds=("covered", "size"), true=("true", "first"), mean=("value", "mean"),
        coverage=("covered", "mean"), below=("below", "mean"), above=("above", "mean"), width=("width", "mean"),
        n=("n", "mean"), events=("events", "mean"), spread=("value", "std"),
    ).reset_index()  # fmt: skip
    table["mc_error"] = np.sqrt(LEVEL * (1 - LEVEL) / table["seeds"])
    high = table["coverage"] > MOST
    reason = table["estimator"].map(CONSERVATIVE_ESTIMATORS).fillna(table["interval"].map(CONSERVATIVE))
    table["note"] = reason.where(high, "").fillna("")
    spread, slack = table.pop("spread"), TINY * table["true"].abs().clip(lower=1.0)
    table.loc[high & (spread <= slack), "note"] = FIXED
    table["within"] = table["coverage"].between(LEAST, MOST) | (table["note"] != "")
    none = ~(table["width"] > 0)
    error = ERRORS * spread / np.sqrt(table["seeds"])
    table.loc[none, ["coverage", "below", "above", "width", "mc_error"]] = np.nan
    table.loc[none, "note"] = NO_INTERVAL
    table["within"] = table["within"].mask(none, (table["mean"] - table["true"]).abs() <= error + slack)
    return table


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=200)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--only", nargs="*", default=[], help="data sets; the others' results stay as they are")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/coverage_records.csv"))
    options = parser.parse_args()
    names = list(simulators().RECORDS)
    seeds = np.array_split(FIRST_SEED + np.arange(options.seeds), max(options.seeds // BLOCK, 1))
    jobs = (delayed(intervals)(name, block) for name in options.only or names for block in seeds)
    table = summary(pd.concat(Parallel(n_jobs=options.jobs)(jobs)))
    if options.only and options.out.exists():
        before = pd.read_csv(options.out).fillna({"interval": "", "note": ""})
        table = pd.concat([before[~before["data"].isin(options.only)], table])
        table = table.sort_values("data", key=lambda data: data.map(names.index), kind="stable")
    options.out.parent.mkdir(parents=True, exist_ok=True)
    table.to_csv(options.out, index=False, float_format="%.6g", lineterminator="\n")
    print(table[["data", "measure", "true", "mean", "coverage", "events", "within"]].to_string(index=False))
    share = f"{LEAST:.0%} to {MOST:.0%} of the samples, or more for a reason"
    print(f"{table['within'].sum()} of {len(table)} measures covered in {share}")
    return 0 if table["within"].all() else 1


if __name__ == "__main__":
    sys.exit(main())
