"""What benchmarks share: CPU and wall seconds, memory that a run adds, and how fast memory is read."""

from __future__ import annotations

import resource
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Self

import numpy as np


class Peak:
    """Greatest resident memory of the process while the block runs, above that at its start (MB)."""

    def __enter__(self) -> Self:
        self.start = self.most = self._now()
        self.done = threading.Event()
        self.thread = threading.Thread(target=self._watch)
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.done.set()
        self.thread.join()

    @staticmethod
    def _now() -> float:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return pages * resource.getpagesize() / 1e6

    def _watch(self) -> None:
        while not self.done.wait(0.002):
            self.most = max(self.most, self._now())

    @property
    def added(self) -> float:
        return self.most - self.start


def best(run: Callable[[], object], times: int = 3) -> tuple[float, float, float]:
    """CPU seconds, wall seconds (best of several) and added memory (MB, of one run more)."""
    found = []
    for _ in range(times):
        cpu, wall = time.process_time(), time.perf_counter()
        run()
        found.append((time.process_time() - cpu, time.perf_counter() - wall))
    with Peak() as peak:
        run()
    return min(c for c, _ in found), min(w for _, w in found), peak.added


def read_limit() -> float:
    """GB a second that one core reads from memory."""
    data = np.ones(100_000_000)
    return max(data.nbytes / 1e9 / _seconds(data.sum) for _ in range(5))


def _seconds(run: Callable[[], object]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start
