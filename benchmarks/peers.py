"""The same tasks of survey estimation here, by R's package survey and by svy: numbers compared, then time and memory.

    python benchmarks/peers.py [--rows 1e5] [--replicates 200] [--out benchmarks/results/peers.csv]

One sample of 200 strata and 5,000 PSUs, written to a file that each of them reads; reading is not timed. CPU seconds of
the process, the best of several runs here and of one run in R, whose shortest tasks are rounded to milliseconds. Memory
is what a task adds to the loaded data. Estimates and standard errors are compared before any time is noted: those that
follow one formula to 1e-6 or better, those of the bootstrap, whose draws differ, by their estimates alone.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from measuring import best
from survey_speed import against_svy, design, frame

from uncac_metrics.stats import survey

MARGINS = {"sex": {"F": 2.6e6, "M": 2.5e6}, "d5": dict.fromkeys(range(5), 5.1e6 / 5)}
FORMULA = "y0 ~ x0 + x1 + x2 + x3 + x4 + C(d5) + C(sex)"


def sample(n: int) -> pd.DataFrame:
    """Rows with an answer by everybody, an amount, five numbers and two groups."""
    rng = np.random.default_rng(1)
    data = frame(n)[["w", "psu", "h", "d50", "contact", "y0"]]
    data["income"] = rng.lognormal(size=n).round(6)
    data["sex"], data["d5"] = np.where(rng.random(n) < 0.5, "F", "M"), rng.integers(0, 5, n)
    for k in range(5):
        data[f"x{k}"] = rng.normal(size=n).round(6)
    return data


def tasks(data: pd.DataFrame, replicates: int) -> dict[str, Callable[[], object]]:
    made = design(data)
    drawn = survey.with_replicates(made, "bootstrap", replicates=replicates, seed=1)
    return {
        "ratio": lambda: survey.ratio(made, "y0", "contact").table,
        "ratio by domain": lambda: survey.ratio(made, "y0", "contact", by="d50").table,
        "median by domain": lambda: survey.quantile(made, "income", 0.5, by="d50").table,
        "logistic regression": lambda: survey.glm(made, FORMULA, family="binomial").estimates.table,
        "raking, then a total": lambda: survey.total(survey.rake(made, MARGINS, residuals="unweighted"), "y0").table,
        "drawing bootstrap weights": lambda: survey.with_replicates(made, "bootstrap", replicates=replicates, seed=1),
        "ratio by domain, bootstrap": lambda: survey.ratio(drawn, "y0", "contact", by="d50").table,
    }


def of_r(data: pd.DataFrame, replicates: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Times and numbers of R's package survey."""
    program = shutil.which("Rscript")
    if program is None:
        sys.exit("R with its package survey is not installed: there is nothing to compare with")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "data.csv"
        data.to_csv(file, index=False)
        script = str(Path(__file__).with_name("peers_survey.R"))
        command = [program, script, str(file), str(replicates)]
        lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    split = [line.split(",") for line in lines]
    # names of tasks may hold a comma: they are what stands between the first field and the figures
    times = pd.DataFrame(
        [(",".join(s[1:-2]), float(s[-2]), float(s[-1])) for s in split if s[0] == "time"],
        columns=["task", "cpu_s", "added_mb"],
    )
    numbers = pd.DataFrame(
        [(",".join(s[1:-3]), float(s[-2]), float(s[-1])) for s in split if s[0] == "number"],
        columns=["task", "value", "std_error"],
    )
    return times, numbers


def furthest(ours: pd.Series, theirs: pd.Series) -> float:
    """Greatest relative difference; both are sorted, since their orders of rows differ."""
    a, b = np.sort(ours.to_numpy(float)), np.sort(theirs.to_numpy(float))
    if len(a) != len(b):
        sys.exit(f"{len(a)} numbers here, {len(b)} there")
    return float(np.max(np.abs(a / b - 1)))


def versions() -> dict[str, str]:
    said = subprocess.run(
        ["Rscript", "-e", 'cat(as.character(getRversion()), as.character(packageVersion("survey")))'],
        capture_output=True, text=True, check=True,
    ).stdout.split()  # fmt: skip
    return {"R survey": f"R {said[0]}, survey {said[1]}"}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=float, default=1e5)
    parser.add_argument("--replicates", type=int, default=200)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/peers.csv"))
    options = parser.parse_args()
    data = sample(int(options.rows))
    times, numbers = of_r(data, options.replicates)
    version = versions()["R survey"]
    rows = []
    for task, run in tasks(data, options.replicates).items():
        table = run()
        theirs = numbers[numbers["task"] == task]
        value = error = np.nan
        if len(theirs):
            value = furthest(table["value"], theirs["value"])
            if "bootstrap" not in task:
                error = furthest(table["std_error"], theirs["std_error"])
            if value > 1e-6 or error > 1e-6:
                sys.exit(f"{task}: R gives other numbers: values by {value:.1e}, standard errors by {error:.1e}")
        cpu, wall, memory = best(run, 5)
        peer = times[times["task"] == task].iloc[0]
        common = {"task": task, "rows": len(data), "numbers": len(theirs)}
        rows.append(common | {"package": "uncac_metrics", "cpu_s": cpu, "wall_s": wall, "added_mb": memory})
        rows.append(
            common | {"package": f"R survey ({version})", "cpu_s": peer["cpu_s"], "added_mb": peer["added_mb"]}
            | {"ratio": peer["cpu_s"] / cpu, "value_off": value, "std_error_off": error}
        )  # fmt: skip
        print(f"{task:<28} {cpu:8.4f} s, R {peer['cpu_s']:8.3f} s: {peer['cpu_s'] / cpu:7.1f} times", flush=True)
    there = against_svy(data)
    if there:
        import svy

        call, found = there
        mine = survey.ratio(design(data), "y0", "contact", by="d50").table
        column = next(c for c in found.columns if c.lower() in ("se", "std_err", "stderr", "std_error"))
        off = furthest(mine["std_error"], found[column])
        ours, (cpu, wall, memory) = best(lambda: survey.ratio(design(data), "y0", "contact", by="d50"), 5), best(call)
        task = {"task": "design and ratio by domain", "rows": len(data), "numbers": len(found)}
        rows.append(task | dict(zip(("cpu_s", "wall_s", "added_mb"), ours, strict=True), package="uncac_metrics"))
        theirs = {"package": f"svy ({svy.__version__})", "cpu_s": cpu, "wall_s": wall, "added_mb": memory}
        rows.append(task | theirs | {"ratio": cpu / ours[0], "std_error_off": off})
        print(f"svy: {cpu:.3f} s beside {ours[0]:.4f} s")
    options.out.parent.mkdir(parents=True, exist_ok=True)
    pd.DataFrame(rows).to_csv(options.out, index=False, float_format="%.4g", lineterminator="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
