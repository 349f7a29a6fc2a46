"""Proof that what is published is what was built."""

from __future__ import annotations

import json
from pathlib import Path

from uncac_metrics.builds.manifest import release_id, to_json
from uncac_metrics.builds.publish import CURRENT, MANIFEST, RELEASES, UNFINISHED, differences
from uncac_metrics.model import Fault, Faults


def verify(folder: str | Path) -> list[str]:
    """Prove that a release, or all releases of an output folder, are whole.

    Every file of a release has the digest that its manifest lists, no other file lies beside them, the manifest
    is written as a build writes it, and its id is that of what determined the release. ``current`` leads to one
    of the releases.

    Parameters
    ----------
    folder
        Output folder of builds, or the folder of one release in it.

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
    if (folder / MANIFEST).is_file():
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
    return [place.name for place in places]


def _current(out: Path) -> list[Fault]:
    link = out / CURRENT
    if link.is_symlink() and link.resolve().parent == (out / RELEASES).resolve() and link.is_dir():
        return []
    return [Fault(str(link), "", "does not lead to a release", "build again: it is pointed to the last release")]


def _identity(place: Path) -> list[Fault]:
    """Whether the manifest is a build's own, and the id that of its content."""
    path = place / MANIFEST
    text = path.read_bytes()
    found = json.loads(text)
    named = found.get("release")
    content = {key: value for key, value in found.items() if key not in ("release", "files")}
    if text == to_json(found) and named == release_id(content) == place.name:
        return []
    remedy = "restore the release from a copy, or remove its folder and build again"
    return [Fault(str(path), "release", "does not describe this release: the manifest was changed", remedy)]
