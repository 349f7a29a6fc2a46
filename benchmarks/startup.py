"""Time to the first prompt: ``import uncac_metrics`` and ``uncac-metrics --help``, each in fresh processes.

Run as ``python benchmarks/startup.py``. Prints the median of the runs in seconds
and fails where it is over the limit.
"""

import statistics
import subprocess
import sys
import time

RUNS = 15
LIMITS = {"import uncac_metrics": 0.05, "uncac-metrics --help": 0.15}
IMPORT = "import time; t = time.perf_counter(); import uncac_metrics; print(time.perf_counter() - t)"
HELP = "import sys; from uncac_metrics.cli import main; sys.exit(main(['--help']))"


def of_import() -> float:
    """Seconds that the import statement takes in a running interpreter."""
    done = subprocess.run([sys.executable, "-c", IMPORT], check=True, capture_output=True, text=True)
    return float(done.stdout)


def of_help() -> float:
    """Seconds from the start of the process to its end; what the installed command runs."""
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", HELP], check=True, capture_output=True)
    return time.perf_counter() - start


def measure() -> dict[str, float]:
    """Median of the runs, the first left out: it may compile the modules."""
    timers = dict(zip(LIMITS, (of_import, of_help), strict=True))
    return {name: statistics.median([timer() for _ in range(RUNS + 1)][1:]) for name, timer in timers.items()}


if __name__ == "__main__":
    medians = measure()
    for name, seconds in medians.items():
        print(f"{name:<22} {seconds:.3f} s (limit {LIMITS[name]:.2f} s, median of {RUNS})")
    sys.exit(any(seconds > LIMITS[name] for name, seconds in medians.items()))
