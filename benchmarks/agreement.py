"""How many reference numbers of other packages this one gives too, by package.

    python benchmarks/agreement.py [--out benchmarks/results/agreement.csv]

Reads the folder that ``UNCAC_METRICS_DATA`` names, runs the comparisons of ``tests/oracles/`` and counts them. What is
not supported and why: ``python tests/oracles/survey.py --verbose`` and the like.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import sys
from collections import Counter
from pathlib import Path

import pandas as pd

ORACLES = Path(__file__).parent.parent / "tests" / "oracles"
COMPOSITES = {
    "compind": "Compind 3.4 (R)",
    "irt": "JAGS",
    "ucm": "R factanal and lm, lavaan",
    "published": "published tables (HDR, CPI)",
}
COINR = "COINr 1.1.14 (R)"


def surveys(data: Path) -> list[tuple[str, str, str]]:
    """Package, subject and outcome of every case of survey estimation."""
    run = importlib.import_module("survey")
    document = json.loads((data / "oracles/survey/cases.json").read_text(encoding="utf-8"))
    found = []
    for case in document["cases"]:
        try:
            outcome = "differs" if run.run(case, document, data / "oracles/survey/data").differences else "agrees"
        except run.Unsupported:
            outcome = "not compared"
        found.append(("survey 4.5 (R)", case["estimator"]["kind"], outcome))
    return found


def composites(data: Path) -> list[tuple[str, str, str]]:
    """Package, subject and outcome of every file of reference numbers of composites."""
    words = {"passed": "agrees", "differ": "differs", "unsupported": "not compared"}
    found = []
    for name in ("composite_construct", "composite_latent"):
        for file, status, _ in importlib.import_module(name).compare(data / "oracles/composite"):
            subject = file.split("/")[0]
            if status in words:
                found.append((COMPOSITES.get(subject, COINR), subject, words[status]))
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/agreement.csv"))
    options = parser.parse_args()
    if "UNCAC_METRICS_DATA" not in os.environ:
        sys.exit("set UNCAC_METRICS_DATA to the folder that holds data/ and oracles/")
    data = Path(os.environ["UNCAC_METRICS_DATA"])
    sys.path.insert(0, str(ORACLES))
    counts = Counter([*surveys(data), *composites(data)])
    table = pd.DataFrame([(*key, n) for key, n in counts.items()], columns=["package", "subject", "outcome", "n"])
    wide = table.pivot_table(index=["package", "subject"], columns="outcome", values="n", fill_value=0, aggfunc="sum")
    wide = wide.reindex(columns=["agrees", "differs", "not compared"], fill_value=0).reset_index()
    print(wide.to_string(index=False))
    options.out.parent.mkdir(parents=True, exist_ok=True)
    wide.to_csv(options.out, index=False, lineterminator="\n")
    return int(wide["differs"].sum() > 0)


if __name__ == "__main__":
    sys.exit(main())
