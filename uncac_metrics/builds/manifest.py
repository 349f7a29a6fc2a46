"""What determines a release: definitions, data, code and versions, each by its digest."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from uncac_metrics._data import data_folder, datasets_folder
from uncac_metrics.builds.plan import Inputs, Job
from uncac_metrics.model import Faults, Indicator, Source

LIBRARIES = ("narwhals", "numpy", "pandas", "pandera", "scipy", "statsmodels")
"""Those that numbers may depend on."""
WRITERS = ("jinja2", "pyarrow", "pysdmx")
"""Those that only what is written may depend on."""
ID_LENGTH = 12


def digest(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal digits."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


@cache
def source_digest() -> str:
    """One digest of the package's own source: its modules, templates and translations."""
    package = Path(__file__).resolve().parent.parent
    files = {
        path.relative_to(package).as_posix(): digest(path)
        for path in package.rglob("*")
        if path.suffix in {".py", ".html", ".css", ".js", ".po"} and path.relative_to(package).parts[0] != "_data"
    }
    return hashlib.sha256(to_json(files)).hexdigest()


def describe(
    inputs: Inputs,
    jobs: Iterable[Job],
    settings: Mapping[str, Any],
    carried: Mapping[str, Mapping[str, Any]] | None = None,
) -> dict[str, Any]:
    """Everything that the content of a release follows from, but for its predecessor.

    Parameters
    ----------
    inputs
        The office, its sources and definitions.
    jobs
        What is computed.
    settings
        Further choices of the build, such as the confidence level.
    carried
        Data sets whose estimates are those of an earlier release, with their entries in its manifest.

    Returns
    -------
    dict
        Plain values for JSON. There is nothing in it of the time, the machine or the person.
    """
    jobs = list(jobs)
    folder = Path(inputs.office.folder)
    wanted = {key for entry in (carried or {}).values() for key in entry["indicators"]}
    cards = {card.id: card for job in jobs for card in job.indicators}
    cards |= {key: inputs.catalogue[key] for key in wanted if key in inputs.catalogue}
    office = {key: value for key, value in asdict(inputs.office).items() if key != "folder"}
    structure = inputs.office.publication.structure
    if structure and (folder / structure).is_file():
        office["structure"] = digest(folder / structure)
    texts = [folder / "languages" / f"{code}.po" for code in inputs.office.languages if Path(code).name == code]
    office["texts"] = {path.name: digest(path) for path in texts if path.is_file()}
    content = {
        "format": 2,
        "office": office,
        "definitions": {
            key: {"file": _place(Path(card.file), folder), "sha256": canonical(card)} for key, card in cards.items()
        },
        "datasets": {job.dataset: _entry(job, folder) for job in jobs} | dict(carried or {}),
        "reference": {
            path.name: digest(path)
            for path in (datasets_folder() / "reference").iterdir()
            if path.suffix in {".csv", ".toml"}
        },
        "code": {"uncac_metrics": _own_version(), "sha256": source_digest()},
        "own_code": own_code({key: card.measure.estimator for key, card in cards.items()}),
        "versions": {"python": platform.python_version(), **{name: version(name) for name in LIBRARIES}},
        "writers": _installed(WRITERS),
        "settings": dict(settings),
        "seed": None,  # no estimator that a build calls draws random numbers
    }
    plain: dict[str, Any] = json.loads(to_json(content))
    return plain


def canonical(described: Indicator | Source) -> str:
    """SHA-256 of what a definition says: comments, order and spacing of its file change nothing.

    Examples
    --------
    >>> import uncac_metrics as um
    >>> from dataclasses import replace
    >>> card = um.load_catalogue()["BR-01"]
    >>> canonical(card) == canonical(replace(card, file="elsewhere.toml")) != canonical(replace(card, decimals=3))
    True
    """
    content = {key: value for key, value in asdict(described).items() if key != "file"}
    return hashlib.sha256(json.dumps(content, ensure_ascii=False, sort_keys=True, default=str).encode()).hexdigest()


def own_code(methods: Mapping[str, str]) -> dict[str, str]:
    """Digest of the modules of an office's own methods, by module; of a package, of all its modules."""
    found = {}
    for name in sorted({method.partition(":")[0] for method in methods.values() if ":" in method}):
        spec = find_spec(name.partition(".")[0])
        places = [Path(place) for place in (spec.submodule_search_locations or ())] if spec else []
        files = sorted(file for place in places for file in place.rglob("*.py"))
        files = files or ([Path(spec.origin)] if spec and spec.origin else [])
        found[name] = hashlib.sha256(to_json({file.name: digest(file) for file in files})).hexdigest()
    return found


def source_of(key: str, entry: Mapping[str, Any]) -> Source:
    """A source as far as a manifest tells of it."""
    told = ("title", "title_zh", "producer", "terms", "origin", "accessed", "simulated", "shape", "ref_area",
            "time_period", "confidential")  # fmt: skip
    return Source(id=key, path=entry["data"]["file"], **{name: entry[name] for name in told})


def _entry(job: Job, folder: Path) -> dict[str, Any]:
    source = job.source
    return {
        "source": {"file": _place(Path(source.file), folder), "sha256": canonical(source)},
        "data": {"file": source.path, "sha256": _data_digest(source)},
        "beside": _side_digests(source),
        **{
            name: getattr(source, name)
            for name in ("title", "title_zh", "producer", "terms", "origin", "accessed", "simulated", "shape",
                         "ref_area", "time_period")
        },
        "confidential": is_confidential(source),
        "indicators": [card.id for card in job.indicators],
        "breakdowns": list(job.breakdowns),
    }  # fmt: skip


def is_confidential(source: Source) -> bool:
    """Whether answers of respondents must not be found out: as the source says, or else where it is a sample."""
    from uncac_metrics.shapes import SHAPES

    return SHAPES[source.shape].sampled if source.confidential is None else source.confidential


def _installed(names: Iterable[str]) -> dict[str, str]:
    found = {}
    for name in names:
        with suppress(PackageNotFoundError):
            found[name] = version(name)
    return found


def release_id(content: Mapping[str, Any]) -> str:
    """The id that `content` (of :func:`describe`) gives: the beginning of its SHA-256."""
    return hashlib.sha256(to_json(content)).hexdigest()[:ID_LENGTH]


def manifest(content: Mapping[str, Any], files: Mapping[str, bytes]) -> bytes:
    """The text of ``public/manifest.json``: what determined the release, its id, and the digests of its files."""
    return to_json({**content, "release": release_id(content), "files": digests(files)})


def digests(files: Mapping[str, bytes]) -> dict[str, str]:
    """SHA-256 of every file."""
    return {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}


def to_json(value: object) -> bytes:
    """Text that depends on nothing but the value: sorted keys, two spaces, a line end."""
    return (json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True) + "\n").encode()


def _data_digest(source: Source) -> str:
    """Digest of a source's data; empty where there is no file, which reading it will say."""
    from uncac_metrics.places import data_file

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
