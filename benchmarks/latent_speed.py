"""Speed of latent scores and of confidence sets for ranks; nothing else is run beside, sizes are those of the bars.

    python benchmarks/latent_speed.py [--out benchmarks/results/latent_speed.csv]

Best of three runs, CPU seconds. Exit code 1 where a bar is missed.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from latent_coverage import simulated

from uncac_metrics.stats import scores
from uncac_metrics.stats.estimates import Estimates, make_table


def best(run: Callable[[], object], times: int = 3) -> float:
    found = []
    for _ in range(times):
        start = time.process_time()
        run()
        found.append(time.process_time() - start)
    return min(found)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/latent_speed.csv"))
    options = parser.parse_args()
    rng = np.random.default_rng(1)
    _, frame = simulated(rng, 25, 200, 30, 0.15, 0.7)
    value, error = rng.normal(size=200), rng.uniform(0.1, 0.3, 200)
    table = make_table({"ref_area": np.char.mod("U%03d", np.arange(200)), "value": value, "std_error": error})
    estimates = scores.independent(Estimates(table))
    wide = [f"S{j:02}" for j in range(8)]
    ml = scores.unobserved_components_ml
    runs: list[tuple[str, float, Callable[[], object]]] = [
        ("unobserved components, full ML, 25 x 200 x 30, fit and plug-in errors", 0.5, lambda: ml(frame, draws=0)),
        ("unobserved components, full ML, 25 x 200 x 30, parameter uncertainty", 0.5, lambda: ml(frame)),
        ("the same as one panel with an anchor", np.nan, lambda: ml(frame, anchor="0000")),
        ("the same, three blocks of correlated sources", np.nan,
         lambda: ml(frame, blocks={"a": wide[:3], "b": wide[3:5], "c": wide[5:]})),
        ("unobserved components as published, 25 x 200 x 30", np.nan,
         lambda: scores.unobserved_components(frame, wide)),
        ("leave one source out, 30 x 25 fits", np.nan, lambda: scores.leave_one_source_out(frame)),
        ("marginal rank sets, 200 units, 1,000 draws", 1.0, lambda: scores.rank_sets(estimates)),
        ("simultaneous rank sets, 200 units, 1,000 draws", 1.0,
         lambda: scores.rank_sets(estimates, simultaneous=True)),
        ("significant differences, 19,900 pairs", np.nan, lambda: scores.significant_differences(estimates)),
    ]  # fmt: skip
    rows = [{"task": name, "cpu_seconds": best(run), "bar": bar} for name, bar, run in runs]
    found = pd.DataFrame(rows)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    found.to_csv(options.out, index=False, float_format="%.3g", lineterminator="\n")
    print(found.to_string(index=False))
    return 0 if not (found["cpu_seconds"] > found["bar"]).any() else 1


if __name__ == "__main__":
    sys.exit(main())
