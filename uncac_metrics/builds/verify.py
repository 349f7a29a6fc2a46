"""Proof that what is published is what was built."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from uncac_metrics.builds.manifest import release_id, to_json
from uncac_metrics.builds.publish import (
    CURRENT,
    INTERNAL,
    MANIFEST,
    PUBLIC,
    RELEASES,
    UNFINISHED,
    differences,
)
from uncac_metrics.model import Fault, Faults


def verify(folder: str | Path) -> list[str]:
    """Prove that a release, or all releases of an output folder, are whole.

    Every file of a release has the digest that its manifest lists, no other file lies beside them, the manifest
    is written as a build writes it, and its id is that of what determined the release. ``current`` leads to one
    of the releases.

    Parameters
    ----------
    folder
        Output folder of builds, the folder of one release in it, or a copy of its public part.

    Returns
    -------
    list of str
        Ids of the releases, in their order.

    Raises
    ------
    Faults
        Every file that is missing, changed or not listed, of all releases together.

    Examples
    --------
    >>> import tempfile
    >>> from uncac_metrics.builds import build, verify
    >>> with tempfile.TemporaryDirectory() as out:
    ...     release = build(out=out, only=["TR-01"])
    ...     verify(out) == [release.id]
    True
    """
    folder = Path(folder)
    if (folder / MANIFEST).is_file() or (folder / PUBLIC).is_dir() or (folder / INTERNAL).is_dir():
        places, faults = [folder.resolve()], []
    else:
        inside = (folder / RELEASES).iterdir() if (folder / RELEASES).is_dir() else ()
        places = sorted(path for path in inside if not path.name.startswith(UNFINISHED))
        faults = _current(folder) if places else []
    if not places:
        remedy = "name the output folder of a build, or one release in it"
        raise Faults([Fault(str(folder), "", "holds no release", remedy)])
    for place in places:
        faults += differences(place) or _identity(place)
    if faults:
        raise Faults(faults)
    return [json.loads(_manifest(place).read_bytes())["release"] for place in places]


def _manifest(place: Path) -> Path:
    return place / MANIFEST if (place / MANIFEST).is_file() else place / PUBLIC / MANIFEST


def _current(out: Path) -> list[Fault]:
    link = out / CURRENT
    if link.is_symlink() and link.resolve().parent == (out / RELEASES).resolve() and link.is_dir():
        return []
    return [Fault(str(link), "", "does not lead to a release", "build again: it is pointed to the last release")]


def _identity(place: Path) -> list[Fault]:
    """Whether the manifest is a build's own, the id that of its content, and the internal part this release's."""
    path = _manifest(place)
    text = path.read_bytes()
    found = json.loads(text)
    named = found.get("release")
    content = {key: value for key, value in found.items() if key not in ("release", "files")}
    remedy = "restore the release from a copy, or remove its folder and build again"
    whole = path.parent != place  # the public part alone may be called anything
    faults = []
    if text != to_json(found) or named != release_id(content) or (whole and named != place.name):
        what = "does not describe this release: the manifest was changed"
        faults.append(Fault(str(path), "release", what, remedy))
    if whole:
        inside = place / INTERNAL / MANIFEST
        about = json.loads(inside.read_bytes())
        if inside.read_bytes() != to_json(about) or about.get("public") != hashlib.sha256(text).hexdigest():
            faults.append(Fault(str(inside), "public", "belongs to another public part", remedy))
    return faults
