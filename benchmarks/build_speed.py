"""Time of builds: the bundled office, nothing new, and 231,600 estimates of counts and series; their SDMX-CSV.

    python benchmarks/build_speed.py [--jobs 2] [--out benchmarks/results/build_speed.csv]

The large office is made up: 60 indicators (30 rates of counts, 30 published series) × 193 areas × 20 years.
"""

import argparse
import csv
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

from uncac_metrics import load_catalogue, reference
from uncac_metrics.builds import read_estimates

AREAS, YEARS, EACH = 193, range(2005, 2025), 30
COMMAND = "import sys; from uncac_metrics.cli import main; sys.exit(main(sys.argv[1:]))"
CARD = """
name = "{name}"
name_zh = "{name}"
type = "administrative"
objective = "To measure speed"
description = "Made up"
formula = "made up"
responsible = "Nobody"
sources = ["official_statistics"]
frequency = "Yearly"
disaggregations = []
notes = "Made up"
unit = "{unit}"
decimals = 1
direction = "none"
universe = "Made up"
reference_period = "Calendar year"
provenance = "D"
provenance_note = "Made up"
[measure]
{measure}
[links]
paragraphs = ["80"]
articles = ["61"]
series = {series}
"""
SOURCE = """
title = "Made-up {shape}"
producer = "Nobody"
terms = "BSD-3-Clause"
origin = "Made up"
shape = "{shape}"
path = "data.csv"
ref_area = "001"
time_period = "2024"
simulated = true
"""


def office(folder: Path) -> Path:
    """An office whose build gives 60 × 193 × 20 estimates."""
    areas = sorted(code for code in reference.load("areas")["m49"].astype(str))[:AREAS]
    codes = [code for row in reference.load("sdg")["series"].dropna() for code in row.split(";") if code][:EACH]
    grid = pd.MultiIndex.from_product([range(EACH), areas, YEARS], names=["item", "ref_area", "time_period"])
    rows = grid.to_frame(index=False)
    random = np.random.default_rng(1)
    at_risk = np.repeat(random.integers(10**5, 10**7, len(rows) // len(YEARS)), len(YEARS))
    level = np.repeat(random.uniform(5, 60, len(rows) // len(YEARS)), len(YEARS))
    tables = {
        "counts": rows.assign(
            quantity=[f"q{i}" for i in rows["item"]], count=random.poisson(at_risk / 5e4), at_risk="population",
            denominator=at_risk,
        ),
        "official_series": rows.assign(
            series=[codes[i] for i in rows["item"]],
            value=(level + random.normal(0, 1.5, len(rows))).clip(0).round(2), unit="%", nature="C",
        ).assign(std_error=1.5),
    }  # fmt: skip
    for shape, table in tables.items():
        place = folder / "datasets" / shape
        place.mkdir(parents=True)
        table.drop(columns="item").to_csv(place / "data.csv", index=False)
        (place / "source.toml").write_text(SOURCE.format(shape=shape))
    (folder / "office.toml").write_text(
        'name = "Made-up office"\nref_area = "001"\n[publication]\nexchange = ["sdmx-csv"]\n'
    )
    cards = folder / "indicators" / "made-up"
    cards.mkdir(parents=True)
    for i in range(EACH):
        rate = 'shape = "counts"\nestimator = "rate"\nnumerator = "counted"\ndenominator = "at_risk"\n'
        rate += f'where = {{quantity = ["q{i}"], at_risk = ["population"]}}\noptions = {{per = 100000}}'
        series = 'shape = "official_series"\nestimator = "published"\nnumerator = "published_value"\n'
        series += f'denominator = "published_figures"\nwhere = {{series = ["{codes[i]}"]}}'
        kinds = ((f"ZR-{i:02d}", rate, "per 100,000", "[]"), (f"ZS-{i:02d}", series, "%", f'["{codes[i]}"]'))
        for key, measure, unit, named in kinds:
            text = CARD.format(name=f"Made-up {key}", unit=unit, measure=measure, series=named)
            (cards / f"{key}.toml").write_text(text)
    return folder


def timed(*arguments: object) -> tuple[float, str]:
    """Seconds of a build in a process of its own, and what it prints."""
    start = time.perf_counter()
    command = [sys.executable, "-c", COMMAND, "build", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stderr)
    return time.perf_counter() - start, done.stdout


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/build_speed.csv"))
    told = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        example = folder / "example"
        rows.append(("bundled office, full build", timed("--out", example, "--jobs", told.jobs)[0], 60))
        rows.append(("bundled office, nothing new", timed("--out", example, "--jobs", told.jobs)[0], 2))
        large, out = office(folder / "office"), folder / "large"
        only = sorted(path.stem for path in (large / "indicators" / "made-up").glob("*.toml"))
        seconds, _ = timed(large, "--out", out, "--jobs", told.jobs, "--only", *only)
        made = read_estimates(out / "current" / "public" / "estimates.csv")
        if len(made) != 2 * EACH * AREAS * len(YEARS):
            sys.exit(f"{len(made):,} estimates were made")
        rows.append((f"{len(made):,} estimates, full build with SDMX-CSV", seconds, 30))
        from uncac_metrics.builds.plan import gather
        from uncac_metrics.exchange import release_files

        inputs = gather(large)
        start = time.perf_counter()
        release_files(made, load_catalogue(large), inputs.office, inputs.sources, formats=["sdmx-csv"])
        rows.append((f"{len(made):,} estimates, SDMX-CSV", time.perf_counter() - start, 15))
    with told.out.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["what", "seconds", "limit"])
        writer.writerows((what, round(seconds, 2), limit) for what, seconds, limit in rows)
    for what, seconds, limit in rows:
        print(f"{what}: {seconds:.1f} s (limit {limit} s)")


if __name__ == "__main__":
    main()
