"""What became of a build, as a short text to be sent: a link and counts, never the data."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from uncac_metrics.builds.publish import CURRENT, INTERNAL, PUBLIC
from uncac_metrics.builds.run import FAILED
from uncac_metrics.model import Fault

if TYPE_CHECKING:
    from uncac_metrics.builds.run import Release


def notice(release: Release | None, faults: Sequence[Fault], out: str | Path, link: str = "") -> str:
    """The text of a message on a build.

    Parameters
    ----------
    release
        What was published; None where the build was refused.
    faults
        What was wrong.
    out
        Output folder.
    link
        Address at which the public part is read; the place in the output folder where none is given.

    Returns
    -------
    str
        A subject line, an empty line, and where to look. Neither figures nor texts of faults are in it: a fault may
        quote a confidential value.

    Examples
    --------
    >>> from uncac_metrics.model import Fault
    >>> print(notice(None, [Fault("data.csv", "age", "is 'x'")], "out"))
    The build was refused: 1 fault
    <BLANKLINE>
    Report: out/failed/validation.html
    <BLANKLINE>
    """
    count = f"{len(faults)} fault{'' if len(faults) == 1 else 's'}"
    if release is None:
        return f"The build was refused: {count}\n\nReport: {Path(out) / FAILED / 'validation.html'}\n"
    what = f"Release {release.id} is published" if release.new else f"Nothing new: release {release.id} stays"
    subject = f"{what}, partly: {count}" if faults else what
    page = link or str(Path(out) / CURRENT / PUBLIC / "index.html")
    report = Path(out) / CURRENT / INTERNAL / "validation.html"
    return f"{subject}\n\nPages: {page}\nReport: {report}\n"
