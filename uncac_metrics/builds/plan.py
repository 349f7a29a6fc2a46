"""What a build is made of: an office's sources and definitions, and the jobs that they give."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from uncac_metrics import languages
from uncac_metrics._data import datasets_folder
from uncac_metrics.model import BREAKDOWNS, Fault, Faults, Indicator, Office, Source


@dataclass(frozen=True)
class Inputs:
    """An office's folder as read: what is in it, and all that is wrong with it."""

    office: Office
    sources: Mapping[str, Source]
    catalogue: Mapping[str, Indicator]
    """The shipped definitions and the office's own."""
    faults: tuple[Fault, ...] = ()
    usable: bool = True
    """Whether the office's own file could be read."""
    unread: tuple[str, ...] = ()
    """Data sets whose source has faults."""

    @cached_property
    def languages(self) -> dict[str, languages.Language]:
        """Languages of the pages by code, with the office's own translations."""
        return {code: languages.language(code, self.office.folder) for code in self.office.languages}


@dataclass(frozen=True)
class Job:
    """All indicators of one data set and period, computed in one pass over its rows."""

    dataset: str
    source: Source
    indicators: tuple[Indicator, ...]
    """Those of the data set's input shape; which of them it has the columns for is seen when it is read."""
    breakdowns: tuple[str, ...]
    """Breakdowns that may be published, in their common order."""


def gather(office: str | Path | None = None) -> Inputs:
    """Read an office's folder and the definitions; look at no data.

    Parameters
    ----------
    office
        The folder with ``office.toml``; the bundled example office where none is given.

    Returns
    -------
    Inputs
        Faults of the office's file, its sources and all cards are held in it together.

    Raises
    ------
    Faults
        Where there is no such folder.
    """
    from uncac_metrics.catalogue import read_folders
    from uncac_metrics.datasets import load_office, load_source

    folder = datasets_folder() / "example" if office is None else Path(office)
    if not folder.is_dir():
        raise Faults([Fault(str(folder), "", "there is no such folder", "give an office's folder")])
    faults: list[Fault] = []
    usable = True
    try:
        described, paths = load_office(folder)
    except Faults as caught:  # go on with what there is, so that the faults of the rest are told too
        faults += caught.faults
        usable = False
        described = Office(folder.name, folder.name, "", str(folder))
        paths = {path.parent.name: path for path in sorted(folder.glob("datasets/*/source.toml"))}
    sources: dict[str, Source] = {}
    for key, path in paths.items():
        try:
            sources[key] = load_source(path)
        except Faults as caught:
            faults += caught.faults
    catalogue, found = read_folders([folder])
    found = [*found, *languages.check(folder)]
    unread = tuple(sorted(set(paths) - set(sources)))
    return Inputs(described, sources, catalogue, (*faults, *found), usable, unread)


def plan(
    sources: Mapping[str, Source],
    catalogue: Mapping[str, Indicator],
    *,
    choice: Sequence[str] = (),
    only: Iterable[str] | None = None,
) -> list[Job]:
    """The jobs of a build, one a data set and period, in the order of the data sets' names.

    Parameters
    ----------
    sources
        Data sets by id.
    catalogue
        Definitions by id.
    choice
        Breakdowns that the office publishes; empty: those of each card.
    only
        Ids of indicators to compute; all where not given.

    Returns
    -------
    list of Job
        Data sets that no definition asks for give a job without indicators: they are still read and checked.

    Raises
    ------
    Faults
        Where `only` names an indicator that the catalogue does not hold.
    """
    from uncac_metrics.tables import nearest

    wanted = set(catalogue) if only is None else set(only)
    unknown = sorted(wanted - set(catalogue))
    if unknown:
        raise Faults(Fault("--only", name, "no such indicator", nearest(name, catalogue)) for name in unknown)
    jobs = []
    for key, source in sorted(sources.items()):
        cards = tuple(
            card for _, card in sorted(catalogue.items()) if card.id in wanted and card.measure.shape == source.shape
        )
        asked = {name for card in cards for name in card.disaggregations}
        breakdowns = tuple(name for name in BREAKDOWNS if name in asked and (not choice or name in choice))
        jobs.append(Job(key, source, cards, breakdowns))
    return jobs
