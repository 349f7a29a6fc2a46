"""What determines a release: definitions, data, code and versions, each by its digest."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from uncac_metrics._data import data_folder, datasets_folder
from uncac_metrics.builds.plan import Inputs, Job
from uncac_metrics.model import Faults, Source

LIBRARIES = ("jinja2", "matplotlib", "narwhals", "numpy", "pandas", "pandera", "scipy", "statsmodels")
ID_LENGTH = 12


def digest(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal digits."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


@cache
def source_digest() -> str:
    """One digest of the package's own source: every module and template of it."""
    package = Path(__file__).resolve().parent.parent
    files = {
        path.relative_to(package).as_posix(): digest(path)
        for path in package.rglob("*")
        if path.suffix in {".py", ".html", ".css"} and path.relative_to(package).parts[0] != "_data"
    }
    return hashlib.sha256(to_json(files)).hexdigest()


def describe(inputs: Inputs, jobs: Iterable[Job], settings: Mapping[str, Any]) -> dict[str, Any]:
    """Everything that the content of a release follows from.

    Parameters
    ----------
    inputs
        The office, its sources and definitions.
    jobs
        What is computed.
    settings
        Further choices of the build, such as the confidence level.

    Returns
    -------
    dict
        Plain values for JSON. There is nothing in it of the time, the machine or the person.
    """
    jobs = list(jobs)
    folder = Path(inputs.office.folder)
    cards = {card.id: card for job in jobs for card in job.indicators}
    return {
        "format": 1,
        "office": {
            "id": inputs.office.id,
            "name": inputs.office.name,
            "ref_area": inputs.office.ref_area,
            "sha256": digest(folder / "office.toml"),
        },
        "definitions": {
            key: {"file": _place(Path(card.file), folder), "sha256": digest(Path(card.file))}
            for key, card in cards.items()
        },
        "datasets": {
            job.dataset: {
                "source": {
                    "file": _place(Path(job.source.file), folder),
                    "sha256": digest(Path(job.source.file)),
                },
                "data": {"file": job.source.path, "sha256": _data_digest(job.source)},
                "beside": _side_digests(job.source),
                "title": job.source.title,
                "producer": job.source.producer,
                "terms": job.source.terms,
                "origin": job.source.origin,
                "accessed": job.source.accessed,
                "simulated": job.source.simulated,
                "ref_area": job.source.ref_area,
                "time_period": job.source.time_period,
                "indicators": [card.id for card in job.indicators],
                "breakdowns": list(job.breakdowns),
            }
            for job in jobs
        },
        "reference": {
            path.name: digest(path)
            for path in (datasets_folder() / "reference").iterdir()
            if path.suffix in {".csv", ".toml"}
        },
        "code": {"uncac_metrics": _own_version(), "sha256": source_digest()},
        "versions": {"python": platform.python_version(), **{name: version(name) for name in LIBRARIES}},
        "settings": dict(settings),
        "seed": None,  # no estimator that a build calls draws random numbers
    }


def release_id(content: Mapping[str, Any]) -> str:
    """The id that `content` (of :func:`describe`) gives: the beginning of its SHA-256."""
    return hashlib.sha256(to_json(content)).hexdigest()[:ID_LENGTH]


def manifest(content: Mapping[str, Any], files: Mapping[str, bytes]) -> bytes:
    """The text of ``manifest.json``: what determined the release, its id, and the digests of its files."""
    listed = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
    return to_json({**content, "release": release_id(content), "files": listed})


def to_json(value: object) -> bytes:
    """Text that depends on nothing but the value: sorted keys, two spaces, a line end."""
    return (json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True) + "\n").encode()


def _data_digest(source: Source) -> str:
    """Digest of a source's data; empty where there is no file, which reading it will say."""
    from uncac_metrics.datasets import data_file

    try:
        return digest(data_file(source))
    except (Faults, OSError):
        return ""


def _side_digests(source: Source) -> list[dict[str, str]]:
    """Names and digests of the files that a source takes beside its data."""
    from uncac_metrics.designs import side_files

    return [{"file": path.name, "sha256": digest(path) if path.is_file() else ""} for _, path, _ in side_files(source)]


def _own_version() -> str:
    import uncac_metrics

    return uncac_metrics.__version__


def _place(path: Path, office: Path) -> str:
    """A file's name that does not depend on where the office's folder or the package lies."""
    for folder, name in ((office, ""), (data_folder(), "uncac_metrics/")):
        if path.resolve().is_relative_to(folder.resolve()):
            return name + path.resolve().relative_to(folder.resolve()).as_posix()
    return path.name
