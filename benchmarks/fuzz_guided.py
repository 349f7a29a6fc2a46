"""The targets of ``fuzz.py`` steered by coverage: what reaches new lines of the package is mangled further.

    pip install atheris
    python benchmarks/fuzz_guided.py [--target definitions] [--seconds 200] [--out benchmarks/results/fuzz_guided.csv]

Random examples seldom pass a strict reader of TOML twice; coverage keeps those that got further. Each target runs in a
process of its own, since the fuzzer ends its process. An example that ends in anything but a result or ``Faults``
fails the run, and its bytes are left beside the results.
"""

import argparse
import csv
import re
import subprocess
import sys
import tempfile
from pathlib import Path

TARGETS = ("definitions", "mappings", "answers", "files")


def steer(target: str, seconds: int, corpus: str) -> None:
    """Run one target for so long; does not return."""
    import atheris

    with atheris.instrument_imports(include=["uncac_metrics"]):
        import fuzz
    chosen = fuzz.targets()[target]
    steps = [sys.argv[0], corpus, f"-max_total_time={seconds}", "-max_len=4096", "-timeout=60", "-rss_limit_mb=4096"]
    atheris.Setup([*steps, f"-artifact_prefix={corpus}-"], chosen.hypothesis.fuzz_one_input)
    atheris.Fuzz()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--target", choices=TARGETS, action="append", help="all of them unless given")
    parser.add_argument("--seconds", type=int, default=200)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/fuzz_guided.csv"))
    parser.add_argument("--corpus", help=argparse.SUPPRESS)
    told = parser.parse_args()
    if told.corpus:
        steer(told.target[0], told.seconds, told.corpus)
    rows = []
    for target in told.target or TARGETS:
        with tempfile.TemporaryDirectory() as corpus:
            command = [sys.executable, __file__, "--target", target, "--seconds", str(told.seconds), "--corpus", corpus]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
        figures = re.findall(r"#(\d+)\s+\w+\s+cov: (\d+)", done.stderr)
        if done.returncode or not figures:
            sys.exit(f"{target}: ended with code {done.returncode}\n{done.stdout[-4000:]}{done.stderr[-1000:]}")
        runs, first, last = int(figures[-1][0]), int(figures[0][1]), int(figures[-1][1])
        rows.append((target, told.seconds, runs, first, last, 0))
        print(f"{target}: {runs:,} examples, {first:,} to {last:,} edges of the code", flush=True)
    with told.out.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["target", "seconds", "examples", "edges_at_first", "edges_at_last", "other_than_faults"])
        writer.writerows(rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
