"""What jobs gave before, kept under the digest of all that determined it."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from uncac_metrics.builds.jobs import Outcome
from uncac_metrics.builds.manifest import to_json
from uncac_metrics.builds.plan import Job
from uncac_metrics.builds.publish import CACHE, UNFINISHED, remove
from uncac_metrics.model import Fault

_LEAST = 100


def fingerprint(content: Mapping[str, Any], job: Job) -> str:
    """SHA-256 of everything that a job's outcome follows from.

    Parameters
    ----------
    content
        What determines the release, of :func:`uncac_metrics.builds.manifest.describe`.
    job
        One of its jobs.

    Returns
    -------
    str
        It changes with the canonical definitions of the job's indicators, the bytes of its data, source and side
        files, the reference tables, the source of the package and of the office's own methods, the versions of the
        libraries, the settings of estimation and the seed; with nothing else.
    """
    cards = [card.id for card in job.indicators]
    own = {method.partition(":")[0] for card in job.indicators if ":" in (method := card.measure.estimator)}
    parts = {
        "dataset": content["datasets"][job.dataset],
        "definitions": {key: content["definitions"][key]["sha256"] for key in cards},
        "level": content["settings"]["level"],
        "own_code": {name: content["own_code"].get(name, "") for name in sorted(own)},
        **{key: content[key] for key in ("reference", "code", "versions", "seed")},
    }
    return hashlib.sha256(to_json(parts)).hexdigest()


def load(out: Path, key: str) -> Outcome | None:
    """The outcome that is kept under a fingerprint; None where there is none that is whole."""
    folder = out / CACHE / key
    try:
        head = json.loads((folder / "outcome.json").read_text(encoding="utf-8"))
        parts = {name: (folder / name).read_bytes() for name in ("estimates.csv", "sums.npz")}
        if any(hashlib.sha256(data).hexdigest() != head["digests"][name] for name, data in parts.items()):
            return None
        findings = tuple((severity, _fault(fault)) for severity, fault in head["findings"])
        outcome = Outcome(
            head["dataset"], parts["estimates.csv"] if head["estimated"] else None, head["rows"], head["skipped"],
            findings=findings, sums=parts["sums.npz"],
        )  # fmt: skip
        os.utime(folder)
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return outcome


def save(out: Path, key: str, outcome: Outcome) -> None:
    """Keep an outcome; what cannot be kept is computed again next time."""
    folder = out / CACHE / key
    new = out / CACHE / f"{UNFINISHED}{key}-{os.getpid()}"
    parts = {"estimates.csv": outcome.estimates or b"", "sums.npz": outcome.sums}
    head = {
        "dataset": outcome.dataset, "estimated": outcome.estimates is not None, "rows": outcome.rows,
        "skipped": dict(outcome.skipped),
        "findings": [(severity, asdict(fault)) for severity, fault in outcome.findings],
        "digests": {name: hashlib.sha256(data).hexdigest() for name, data in parts.items()},
    }  # fmt: skip
    try:
        new.mkdir(parents=True)
        (out / CACHE).chmod(0o700)
        for name, data in {**parts, "outcome.json": to_json(head)}.items():
            (new / name).write_bytes(data)
        if folder.exists():
            remove(folder)
        new.replace(folder)
    except OSError:
        remove(new)


def prune(out: Path, jobs: int) -> None:
    """Keep the outcomes used last, four times as many as there are jobs and a hundred at least."""
    with suppress(OSError):
        kept = sorted((out / CACHE).iterdir(), key=lambda path: path.stat().st_mtime, reverse=True)
        for path in kept[max(_LEAST, 4 * jobs) :]:
            remove(path)


def _fault(kept: Mapping[str, Any]) -> Fault:
    return Fault(**{**kept, "rows": tuple(kept["rows"])})
