"""Compare the reference files of composites with this library.

    python tests/oracles/composite.py --root DIR [--verbose] [--perturb 1e-6]

Every file in DIR is compared by a module ``composite_*.py`` beside this script. Printed: ``N passed, M differ, K
unsupported``, a line for each comparison that differs, and the files that were expected and are not there.
``--perturb`` multiplies every expected number by 1 + that much: no comparison of a closed form may then pass.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from collections import Counter
from pathlib import Path

NOT_COMPARED = {"how_made.R", "README.md"}


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", required=True, type=Path)
    parser.add_argument("--verbose", action="store_true", help="also list what passed and what is not supported")
    parser.add_argument("--perturb", type=float, default=0.0, help="multiply expected numbers by 1 + this")
    options = parser.parse_args(arguments)
    outcomes: list[tuple[str, str, str]] = []
    for module in sorted(Path(__file__).parent.glob("composite_*.py")):
        loaded = importlib.import_module(module.stem)
        if hasattr(loaded, "compare"):
            outcomes += loaded.compare(options.root, 1 + options.perturb)
    claimed = {name.partition("#")[0] for name, *_ in outcomes}
    for path in sorted(options.root.rglob("*")):
        name = path.relative_to(options.root).as_posix()
        if path.is_file() and name not in claimed | NOT_COMPARED:
            outcomes.append((name, "unsupported", "no module compares it"))
    shown = {"differ", "skipped"} | ({"passed", "unsupported", "input"} if options.verbose else set())
    for name, status, detail in outcomes:
        if status in shown:
            print(f"{status}: {name}{f': {detail}' if detail else ''}")
    counts = Counter(status for _, status, _ in outcomes)
    print(f"{counts['passed']} passed, {counts['differ']} differ, {counts['unsupported']} unsupported")
    return 1 if counts["differ"] else 0


if __name__ == "__main__":
    sys.exit(main())
