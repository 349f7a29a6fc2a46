"""Half a minute of what `nox -s evidence` does for ten: only the package's own faults come out of mangled input."""

import importlib.util
import sys
from pathlib import Path


def test_readers_definitions_and_mappings_end_in_results_or_faults():
    spec = importlib.util.spec_from_file_location("fuzz", Path(__file__).parent.parent / "benchmarks" / "fuzz.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["fuzz"] = module
    spec.loader.exec_module(module)
    counts = module.fuzz(30.0, start=20_000, size=50)
    assert min(counts.values()) >= 50
