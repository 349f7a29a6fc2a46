"""Putting a release in place: whole or not at all."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from uncac_metrics.model import Fault

try:
    import fcntl
except ImportError:  # systems without POSIX locks
    fcntl = None  # type: ignore[assignment]

RELEASES, CURRENT, MANIFEST, RUN = "releases", "current", "manifest.json", "run.json"
CACHE = ".cache"
"""Folder of what jobs gave before. Its unfinished parts may be cleared at any time: they are computed again."""
PUBLIC, INTERNAL = "public", "internal"
PARTS = (PUBLIC, INTERNAL)
"""Folders of a release, each with a manifest of its own."""
UNFINISHED = ".unfinished-"
"""How the names of folders and links begin that a killed run may leave behind."""


@dataclass(frozen=True)
class Former:
    """A release that was published before."""

    id: str
    folder: Path
    manifest: dict[str, Any]
    whole: bool
    """Whether all its files are as they were published."""


def last(out: Path) -> Former | None:
    """The release that ``current`` leads to; where it leads to none, the one that no other names its predecessor."""
    current = out / CURRENT
    found = _former(current.resolve()) if current.is_dir() else None
    if found is not None:
        return found
    folders = sorted((out / RELEASES).glob("[!.]*")) if (out / RELEASES).is_dir() else []
    known = {former.id: former for former in map(_former, folders) if former is not None}
    named = {former.manifest.get("predecessor") for former in known.values()}
    return next((former for key, former in known.items() if key not in named), None)


def before(out: Path, release: Former) -> Former | None:
    """The nearest predecessor of a release that is whole."""
    former: Former | None = release
    while former is not None and not former.whole:
        name = former.manifest.get("predecessor")
        former = _former(out / RELEASES / name) if isinstance(name, str) else None
    return former


def named(out: Path, release: object) -> Former | None:
    """A release by its id, where it is there and whole."""
    former = _former(out / RELEASES / release) if isinstance(release, str) else None
    return former if former is not None and former.whole else None


def _former(folder: Path) -> Former | None:
    try:
        found = json.loads((folder / PUBLIC / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    whole = isinstance(found, dict) and is_whole(folder)
    return Former(folder.name, folder, found, whole) if isinstance(found, dict) else None


def differences(folder: Path) -> list[Fault]:
    """How the files of a release differ from those that its manifests list, byte for byte.

    Parameters
    ----------
    folder
        Folder of one release, or its public part.

    Returns
    -------
    list of Fault
        One a file that is missing, not listed or changed; empty where there is none.
    """
    if (folder / MANIFEST).is_file():  # a copy of the public part
        return _part(folder)
    faults = [fault for part in PARTS for fault in _part(folder / part)]
    beside = (path for path in folder.iterdir() if path.name not in (*PARTS, RUN)) if folder.is_dir() else ()
    remedy = "move it away: a release holds nothing else"
    return [*faults, *(Fault(str(path), "", "is not part of the release", remedy) for path in sorted(beside))]


def _part(folder: Path) -> list[Fault]:
    remedy = "restore the release from a copy, or remove its folder and build again"
    try:
        listed = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))["files"]
        listed = {str(name): str(digest) for name, digest in listed.items()}
        found = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if not path.is_dir()}
        found.pop(MANIFEST, None)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as caught:
        return [Fault(str(folder / MANIFEST), "", f"cannot be read as a manifest ({type(caught).__name__})", remedy)]
    faults = [Fault(str(folder / name), "", "is missing", remedy) for name in sorted(listed.keys() - found.keys())]
    for name in sorted(found):
        if name not in listed:
            faults.append(Fault(str(found[name]), "", "is not listed in the manifest", remedy))
        elif found[name].is_symlink():
            faults.append(Fault(str(found[name]), "", "is a link, not the file that was published", remedy))
        elif hashlib.sha256(found[name].read_bytes()).hexdigest() != listed[name]:
            faults.append(Fault(str(found[name]), "", "is not what was published: its digest differs", remedy))
    return faults


def is_whole(folder: Path) -> bool:
    """Whether a release's folder holds exactly the files that its manifests list, byte for byte.

    False too where there is no such folder or no manifest that can be read.
    """
    try:
        return not differences(folder)
    except OSError:
        return False


def check_place(out: Path) -> list[Fault]:
    """What stands in the way of publishing into `out`; looks only."""
    faults = []
    if out.exists() and not out.is_dir():
        faults.append(Fault(str(out), "", "is not a folder", "name a folder that exists or can be made"))
    current = out / CURRENT
    if current.exists() and not current.is_symlink():
        faults.append(
            Fault(
                str(current),
                "",
                "is not the link to a release that a build makes",
                "move it away or name another folder",
            )
        )
    return faults


def publish(out: Path, release: str, files: Mapping[str, bytes]) -> Path:
    """Write a release beside the others and point ``current`` at it.

    The files are written and flushed to disk in a folder of another name, which then takes the release's name
    in one step; ``current`` is switched in one step after that. Whatever fails or is killed in between,
    ``current`` leads to a whole release: the former one, or this one.

    Parameters
    ----------
    out
        Output folder; made where it does not exist.
    release
        Id of the release, which determines its content: a whole release of that id is left as it is.
    files
        Path within the release -> content; ``public`` and ``internal`` each with a ``manifest.json`` of the digests
        of the others in it. ``internal`` is closed to other users of the system.

    Returns
    -------
    pathlib.Path
        The release's folder.
    """
    releases = out / RELEASES
    releases.mkdir(parents=True, exist_ok=True)
    with _alone(out):
        _clear(out)
        folder = releases / release
        if not is_whole(folder):
            _write(releases, folder, files)
        _point(out, release)
    return folder


def point_to(out: Path, release: str) -> None:
    """Point ``current`` at a release that is already there."""
    with _alone(out):
        _clear(out)
        _point(out, release)


def replace_folder(out: Path, name: str, files: Mapping[str, bytes]) -> None:
    """Put a folder of files beside the releases in place of the one of that name."""
    out.mkdir(parents=True, exist_ok=True)
    with _alone(out):
        _clear(out)
        new = out / f"{UNFINISHED}{name}"
        new.mkdir(mode=0o700)
        for inner, content in files.items():
            (new / inner).write_bytes(content)
        remove(out / name)
        new.replace(out / name)


@contextmanager
def _alone(out: Path) -> Iterator[None]:
    """Hold the output folder against other builds; the system frees it when a process dies."""
    with (out / ".lock").open("w") as lock:
        if fcntl is not None:
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _clear(out: Path) -> None:
    """Remove what killed runs left: while the folder is held, nobody else is writing it."""
    for place in (out, out / RELEASES, out / CACHE):
        for path in place.glob(f"{UNFINISHED}*"):
            remove(path)


def remove(path: Path) -> None:
    """Remove a file, a link or a folder; what cannot be removed stays."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink()


def _write(releases: Path, folder: Path, files: Mapping[str, bytes]) -> None:
    new, damaged = releases / f"{UNFINISHED}{folder.name}", releases / f"{UNFINISHED}damaged-{folder.name}"
    try:
        new.mkdir()
        for name, content in sorted(files.items()):
            path = new / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        for name in sorted(files):  # once all are written, the system has flushed most of them
            with (new / name).open("rb") as stream:
                os.fsync(stream.fileno())
        if (new / INTERNAL).is_dir():
            (new / INTERNAL).chmod(0o700)
        for inner in (*(path for path in new.rglob("*") if path.is_dir()), new):
            _flush(inner)
        if folder.exists():
            folder.replace(damaged)
        new.replace(folder)
        _flush(releases)
    finally:
        remove(new)
        remove(damaged)


def _point(out: Path, release: str) -> None:
    target = f"{RELEASES}/{release}"
    current = out / CURRENT
    if current.is_symlink() and current.readlink().as_posix() == target:
        return
    link = out / f"{UNFINISHED}{CURRENT}"
    try:
        link.symlink_to(target, target_is_directory=True)
        link.replace(current)
        _flush(out)
    finally:
        remove(link)


def _flush(folder: Path) -> None:
    """Make renamings within a folder last through a power cut, where the system can."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
