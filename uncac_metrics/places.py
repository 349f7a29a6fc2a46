"""Where the files of a source lie: within the office's folder, or in the folder of data that the environment names."""

from __future__ import annotations

import os
from pathlib import Path

from uncac_metrics.model import Fault, Faults, Source

DATA_VARIABLE = "UNCAC_METRICS_DATA"
"""Environment variable that names the folder which ``${UNCAC_METRICS_DATA}`` in a path stands for."""


def data_file(source: Source) -> Path:
    """Path of a source's data file, with ``${UNCAC_METRICS_DATA}`` replaced.

    Raises
    ------
    Faults
        The environment variable is not set.
    """
    mark = f"${{{DATA_VARIABLE}}}"
    path = source.path
    if path.startswith(mark):
        folder = os.environ.get(DATA_VARIABLE)
        if not folder:
            remedy = f"set {DATA_VARIABLE} to the folder that holds {path[len(mark) :].lstrip('/')}"
            raise Faults([Fault(source.file, "path", f"the environment variable {DATA_VARIABLE} is not set", remedy)])
        path = folder + path[len(mark) :]
    return confined(Path(source.file).parent / path, source)


def confined(path: Path, source: Source, where: str = "path") -> Path:
    """A file that a source names, once it is known to lie in the office's folder or in the folder of data.

    Raises
    ------
    Faults
        It lies elsewhere, by its name or by a link.
    """
    home = Path(source.file).resolve().parent
    office = next((place for place in (home, *home.parents) if (place / "office.toml").is_file()), home)
    data = os.environ.get(DATA_VARIABLE)
    try:
        inside = any(
            path.resolve().is_relative_to(place) for place in (office, *([Path(data).resolve()] if data else []))
        )
    except (ValueError, OSError, RuntimeError):  # characters that no path has, links in a circle
        inside = False
    if not inside:
        remedy = f"keep it in the folder, or name it by ${{{DATA_VARIABLE}}}"
        raise Faults([Fault(source.file, where, "leads out of the office's folder", remedy)])
    return path
