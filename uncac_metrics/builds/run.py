"""Running a plan and making a release of what comes out."""

from __future__ import annotations

import os
import platform
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from uncac_metrics.builds import cache, manifest, publish
from uncac_metrics.builds.jobs import LEVEL, Outcome, Progress, each, run_job
from uncac_metrics.builds.plan import Inputs, Job, gather, plan
from uncac_metrics.model import Fault, Faults
from uncac_metrics.results import combine, read_estimates

if TYPE_CHECKING:
    import pandas as pd

    from uncac_metrics.builds.content import Made
    from uncac_metrics.builds.validation import Finding

ESTIMATES = "estimates.csv"
FAILED = "failed"
"""Folder beside the releases with the report of the last build that was refused."""


@dataclass(frozen=True)
class Release:
    """What a build published."""

    id: str
    """Beginning of the digest of everything that determines the release's content."""
    folder: Path
    estimates: pd.DataFrame
    """All estimates as published, in the one results shape, with every breakdown column, ordered by key."""
    new: bool
    """False where a release of the same inputs was there already."""
    faults: tuple[Fault, ...] = ()
    """What was left out or taken over from the last release because it was wrong, where that was allowed."""

    @property
    def public(self) -> Path:
        """The folder that is published."""
        return self.folder / publish.PUBLIC

    @property
    def internal(self) -> Path:
        """The folder that is the office's own: validation, audit, sums."""
        return self.folder / publish.INTERNAL


@dataclass(frozen=True)
class Plan:
    """What a build would do."""

    inputs: Inputs
    jobs: tuple[Job, ...]
    content: Mapping[str, Any]
    """What determines the release, but for its predecessor."""
    settings: Mapping[str, Any]
    """Choices that the content rests on."""
    known: Mapping[str, Outcome]
    """Outcomes that are kept from earlier builds of the same inputs, by data set."""
    carried: Mapping[str, Mapping[str, Any]]
    """Data sets taken over from the last release, with their entries in its manifest."""
    faults: tuple[Fault, ...]
    former: publish.Former | None
    nothing_new: bool


def prepare(
    office: str | Path | None = None,
    out: str | Path = "build",
    *,
    only: Iterable[str] | None = None,
    since: str = "",
    force: bool = False,
    allow_code: bool = False,
) -> Plan:
    """What :func:`build` would do with the same arguments; nothing is computed or written.

    Parameters
    ----------
    office, out, only, since, force, allow_code
        As for :func:`build`.

    Returns
    -------
    Plan
        The inputs as read, the jobs that would be run, and what may be taken over from the last release.

    Raises
    ------
    Faults
        Where there is no such folder or no such indicator.
    """
    from uncac_metrics.builds.content import check_publication
    from uncac_metrics.catalogue import own_methods

    out = Path(out)
    inputs = gather(office)
    wanted = None if only is None else sorted(set(only))
    try:
        jobs = plan(inputs.sources, inputs.catalogue, choice=inputs.office.disaggregations, only=wanted)
    except Faults as caught:  # a card with faults is no indicator that can be named
        raise Faults([*inputs.faults, *caught.faults]) from None
    faults = [*inputs.faults, *publish.check_place(out), *check_publication(inputs)]
    used = {card.id: card for job in jobs for card in job.indicators}
    if not allow_code:
        remedy = "look at it, then allow it with --allow-code"
        faults += [
            Fault(used[key].file, "measure.estimator", f"runs code of the office's own: {name}", remedy)
            for key, name in own_methods(used).items()
        ]
        jobs = [replace(j, indicators=tuple(c for c in j.indicators if ":" not in c.measure.estimator)) for j in jobs]
    former = publish.last(out) if out.is_dir() else None
    carried: dict[str, Mapping[str, Any]] = {}
    if since:
        if former is None:
            remedy = "build once without --since"
            faults.append(Fault("--since", since, "there is no release to take earlier periods from", remedy))
        else:
            carried = _entries(former, [j.dataset for j in jobs if j.source.time_period[: len(since)] < since])
            jobs = [job for job in jobs if job.dataset not in carried]
    settings = {"level": LEVEL, "only": wanted, "disaggregations": list(inputs.office.disaggregations)}
    content = manifest.describe(inputs, jobs, settings, carried) if not faults else {}
    same = bool(content) and former is not None and former.whole and _same(former, content) and not force
    known = {} if force or faults or same else _known(out, jobs, content)
    return Plan(inputs, tuple(jobs), content, settings, known, carried, tuple(faults), former, same)


def _known(out: Path, jobs: Sequence[Job], content: Mapping[str, Any]) -> dict[str, Outcome]:
    found = {job.dataset: cache.load(out, cache.fingerprint(content, job)) for job in jobs}
    return {dataset: outcome for dataset, outcome in found.items() if outcome is not None}


def build(
    office: str | Path | None = None,
    out: str | Path = "build",
    *,
    only: Iterable[str] | None = None,
    since: str = "",
    jobs: int = 1,
    cluster: str = "",
    force: bool = False,
    continue_on_failure: bool = False,
    allow_code: bool = False,
    progress: Progress | None = None,
) -> Release:
    """Compute all indicators that an office's data allow and publish them, whole or not at all.

    Nothing is written unless the office, its sources, all cards and all data are free of faults. The release
    goes to ``OUT/releases/<id>/``, in a part that is published (``public``) and one that is not (``internal``), and
    ``OUT/current`` leads to it. The same inputs and the same predecessor give the same id and the same bytes, whatever
    `jobs` is; what an earlier build computed from the same inputs is not computed again.

    Parameters
    ----------
    office
        The office's folder; the bundled example office where none is given.
    out
        Output folder.
    only
        Ids of indicators to publish; all that can be computed where not given.
    since
        Data sets of earlier periods are not read: their estimates are taken over from the last release.
    jobs
        Number of processes; -1 for one a processor.
    cluster
        Address of the scheduler of a Dask cluster that computes instead; its workers must see the same files.
    force
        Compute everything again. Where the release is there already it must come out the same, byte for byte.
    continue_on_failure
        Publish what is free of faults. Of a data set with faults, the estimates of the last release are taken over.
    allow_code
        Whether methods of the office's own, named ``package.module:function`` in cards, may run.
    progress
        Called after every step with steps done, steps in all and the step's name.

    Returns
    -------
    Release

    Raises
    ------
    Faults
        Everything that is wrong, together. The same is in ``OUT/failed/validation.html``.
    """
    from uncac_metrics.builds import content as parts
    from uncac_metrics.builds.validation import Finding

    out, began = Path(out), time.time()
    tell = progress or (lambda done, total, what: None)
    planned = prepare(office, out, only=only, since=since, force=force, allow_code=allow_code)
    if planned.nothing_new and planned.former is not None:
        publish.point_to(out, planned.former.id)
        return _published(planned.former.folder, new=False)
    if planned.faults and not (continue_on_failure and planned.inputs.usable):
        # the data are read all the same, so that their faults are told together with these
        outcomes = list(_computed([Job(j.dataset, j.source, (), ()) for j in planned.jobs], {}, jobs, cluster, tell))
        _refuse(out, [*planned.faults, *(f for o in outcomes for f in o.faults)], [], planned)

    settings, known, content = planned.settings, planned.known, planned.content
    if not content:  # with faults that are passed over
        content = manifest.describe(planned.inputs, planned.jobs, settings, planned.carried)
        known = {} if force else _known(out, planned.jobs, content)
    keys = {job.dataset: cache.fingerprint(content, job) for job in planned.jobs}
    outcomes = []
    for outcome in _computed(planned.jobs, known, jobs, cluster, tell):
        if outcome.dataset not in known and not outcome.faults:
            cache.save(out, keys[outcome.dataset], outcome)
        outcomes.append(outcome)
    found = [Finding(severity, "rows", fault) for o in outcomes for severity, fault in o.findings]
    faults = [*planned.faults, *(fault for o in outcomes for fault in o.faults)]
    broken = {o.dataset for o in outcomes if o.faults or any(severity == "error" for severity, _ in o.findings)}
    faults += parts.errors(found)
    if faults and not continue_on_failure:
        _refuse(out, faults, found, planned)
    if manifest.describe(planned.inputs, planned.jobs, settings, planned.carried) != content:
        change = Fault(str(planned.inputs.office.folder), "", "a file changed while it was being read", "build again")
        _refuse(out, [*faults, change], found, planned)

    former = planned.former
    carried = dict(planned.carried)
    if broken or planned.inputs.unread:
        lost = [*broken, *planned.inputs.unread]
        carried |= _entries(former, lost) if former is not None else {}
        computed = [job for job in planned.jobs if job.dataset not in broken]
        content = manifest.describe(planned.inputs, computed, settings, carried)
        outcomes = [o for o in outcomes if o.dataset not in broken]
        found = [Finding("error", "input", fault) for fault in faults] + [f for f in found if f.severity != "error"]
        if former is not None and former.whole and _same(former, content) and not force:
            publish.point_to(out, former.id)
            return replace(_published(former.folder, new=False), faults=tuple(faults))
    basis = former if former is None or former.whole else publish.before(out, former)
    if former is not None and _same(former, content):
        predecessor = former.manifest.get("predecessor")
        basis = publish.named(out, predecessor)
    else:
        predecessor = basis.id if basis is not None else None
    if former is not None and basis is not None and former.id != basis.id and not _same(former, content):
        what = f"release {former.id} was damaged; compared with {basis.id}"
        found.append(Finding("warning", "release", Fault("current", "", what)))
    tables = [read_estimates(o.estimates) for o in outcomes if o.estimates is not None]
    tables += _taken_over(carried, former, out, set(planned.inputs.catalogue))
    if not tables:
        what = "no indicator can be computed from its data sets"
        _refuse(out, [*faults, Fault(str(planned.inputs.office.folder), "", what)], found, planned)
    for key, entry in carried.items():
        what = f"its estimates are those of release {entry['carried_from']}"
        found.append(Finding("warning" if key in broken else "note", "carried", Fault(key, "", what)))
    inputs = replace(
        planned.inputs,
        sources={**planned.inputs.sources, **{key: manifest.source_of(key, entry) for key, entry in carried.items()}},
    )
    content = {**content, "predecessor": predecessor}
    outcomes += [Outcome(key, rows=0) for key in carried]
    made = parts.make(inputs, outcomes, combine(tables), content, basis, found, tell)
    # inputs with faults were left out or taken over; an error of the estimates themselves is never passed over
    refused = parts.errors([finding for finding in made.findings if finding.rule != "input"])
    if refused:
        _refuse(out, refused, made.findings, planned)
    return _write(out, made, content, planned, faults, _run(began, keys, known, jobs, cluster), force)


def _write(
    out: Path, made: Made, content: Mapping[str, Any], planned: Plan, faults: Sequence[Fault], run: bytes, force: bool
) -> Release:
    from uncac_metrics.builds.content import files_of

    release, files = manifest.release_id(content), files_of(made, content)
    folder = out / publish.RELEASES / release
    if force and publish.is_whole(folder):
        there = {name: (folder / name).read_bytes() for name in files if (folder / name).is_file()}
        other = [name for name in files if there.get(name) != files[name]]
        if other:
            remedy = "look for what the package does not know to be an input, such as a method of the office's own"
            raise Faults(
                Fault(str(folder / name), "", "does not come out the same from the same inputs", remedy)
                for name in sorted(other)
            )
        publish.point_to(out, release)
        return replace(_published(folder, new=False), faults=tuple(faults))
    folder = publish.publish(out, release, {**files, publish.RUN: run})
    cache.prune(out, len(planned.jobs))
    publish.remove(out / FAILED)
    return Release(release, folder, made.estimates, new=True, faults=tuple(faults))


def _published(folder: Path, *, new: bool) -> Release:
    return Release(folder.name, folder, read_estimates(folder / publish.PUBLIC / ESTIMATES), new=new)


def _computed(
    jobs: Sequence[Job], known: Mapping[str, Outcome], workers: int, cluster: str, tell: Progress
) -> Iterable[Outcome]:
    """Outcomes in the order of the jobs: those that are known, and those that have to be computed."""
    due = [job for job in jobs if job.dataset not in known]
    names = [f"data set {job.dataset}" for job in due]
    fresh = each(run_job, due, names, jobs=workers, cluster=cluster, tell=tell)
    for job in jobs:
        yield known[job.dataset] if job.dataset in known else next(fresh)


def _same(former: publish.Former, content: Mapping[str, Any]) -> bool:
    """Whether a release was made of the same, whatever came before it."""
    apart = ("release", "files", "predecessor")
    plain = {key: value for key, value in former.manifest.items() if key not in apart}
    return manifest.to_json(plain) == manifest.to_json(content)


def _entries(former: publish.Former, wanted: Iterable[str]) -> dict[str, Mapping[str, Any]]:
    """Entries of a release's manifest for data sets that are taken over from it."""
    there = former.manifest.get("datasets", {})
    return {key: {"carried_from": former.id, **there[key]} for key in sorted(wanted) if key in there}


def _taken_over(
    carried: Mapping[str, Mapping[str, Any]], former: publish.Former | None, out: Path, catalogue: set[str]
) -> list[pd.DataFrame]:
    """Estimates of the data sets that are taken over, as they were before anything was withheld."""
    if not carried or former is None:
        return []
    basis = publish.before(out, former)
    if basis is None:
        what, remedy = "is damaged: nothing can be taken over from it", "build without taking over, or restore it"
        raise Faults([Fault(str(former.folder), "", what, remedy)])
    table = read_estimates(basis.folder / publish.INTERNAL / ESTIMATES)
    return [table[table["dataset"].isin(list(carried)) & table["indicator"].isin(list(catalogue))]]


def _run(began: float, keys: Mapping[str, str], known: Mapping[str, Outcome], jobs: int, cluster: str) -> bytes:
    """What differs from run to run."""
    return manifest.to_json(
        {
            "command": [Path(sys.argv[0]).name, *sys.argv[1:]],
            "began": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(began)),
            "seconds": round(time.time() - began, 1),
            "jobs": jobs,
            "cluster": cluster,
            "host": platform.node(),
            "system": platform.platform(),
            "process": os.getpid(),
            "computed": sorted(set(keys) - set(known)),
            "known_before": sorted(known),
        }
    )


def _refuse(out: Path, faults: Sequence[Fault], found: Sequence[Finding], planned: Plan) -> None:
    """Leave a report of what is wrong, and raise it."""
    from uncac_metrics.builds.content import refusal

    faults = list(dict.fromkeys(faults))
    if not publish.check_place(out):
        publish.replace_folder(out, FAILED, refusal(faults, found, planned.inputs))
    raise Faults(faults)
