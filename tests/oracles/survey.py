"""Run reference cases of R `survey` against this library.

    python tests/oracles/survey.py --cases FILE --data DIR

FILE holds designs and cases as JSON, DIR the data sets that they name. Printed: ``N passed, M differ, K unsupported``
and a line for each case that differs (with ``--verbose`` also for those not supported, with the reason).

Tolerances: 1e-9 relative for closed forms; 5e-7 for what R finds by iteration. A standard error below 1e-9 of
its estimate, or a covariance below 1e-12 of the scale of its row and column, is a numerical zero.
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from pathlib import Path

from common import DESIGNS, KINDS, Comparison, Unsupported

from uncac_metrics.model import Faults

for _module in sorted(Path(__file__).parent.glob("case_*.py")):
    importlib.import_module(_module.stem)


def run(case: dict, document: dict, folder: Path) -> Comparison:
    """Compute one case and compare it."""
    spec, kind = document["designs"][case["design"]], case["estimator"]["kind"]
    if kind not in KINDS:
        raise Unsupported(f"estimator {kind}")
    if any(said in case.get("caution", "") for said in ("none of the seven R methods", "the interval collapses")):
        raise Unsupported("R itself has no usable interval")
    if spec["method"] not in DESIGNS:
        raise Unsupported(f"design method {spec['method']}")
    result = Comparison()
    try:
        design = DESIGNS[spec["method"]](spec, document, folder, case.get("options") or {})
        if not case.get("expected_error"):
            KINDS[kind](case, design, result)
            return result
    except Faults:
        if case.get("expected_error"):
            return result
        raise
    result.differences.append("no error raised")
    return result


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", required=True, type=Path)
    parser.add_argument("--data", required=True, type=Path)
    parser.add_argument("--verbose", action="store_true", help="also list the cases that are not supported")
    options = parser.parse_args(arguments)
    document = json.loads(options.cases.read_text())
    passed, differing, unsupported = 0, [], []
    for case in document["cases"]:
        try:
            outcome = run(case, document, options.data)
        except Unsupported as reason:
            unsupported.append(f"{case['id']}: {reason}")
            continue
        except Exception as error:  # noqa: BLE001 - a crash is a difference, and is named
            differing.append(f"{case['id']}: {type(error).__name__}: {str(error).splitlines()[0]}")
            continue
        if outcome.differences:
            differing.append(
                f"{case['id']}: {outcome.differences[0]} ({len(outcome.differences)} of {outcome.compared})"
            )
        else:
            passed += 1
    for line in differing:
        print(line)
    if options.verbose:
        for line in unsupported:
            print(f"unsupported {line}")
    print(f"{passed} passed, {len(differing)} differ, {len(unsupported)} unsupported")
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
