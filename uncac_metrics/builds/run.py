"""Running a plan and making a release of what comes out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from uncac_metrics.builds.plan import Job, gather, plan
from uncac_metrics.model import (
    BREAKDOWNS,
    ESTIMATE_KEY,
    ESTIMATE_LEADING,
    ESTIMATE_VALUES,
    TOTAL,
    Fault,
    Faults,
    Indicator,
)

if TYPE_CHECKING:
    import pandas as pd

    from uncac_metrics.datasets import Dataset

Progress = Callable[[int, int, str], object]
"""Called with the number of steps done, their number in all and the name of the last one."""
LEVEL = 0.95
ESTIMATES = "estimates.csv"
COUNTS = ("n", "n_eligible", "n_psu", "events")
NUMBERS = ("value", "std_error", "lower", "upper", "conf_level", "df", "deff", "cv")
Task = TypeVar("Task")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Release:
    """What a build published."""

    id: str
    """Beginning of the digest of everything that determines the release's content."""
    folder: Path
    estimates: pd.DataFrame
    """All estimates in the one results shape, with every breakdown column, ordered by key."""
    new: bool
    """False where a release of the same inputs was there already."""


@dataclass(frozen=True)
class Outcome:
    """What a job gave: estimates, or the faults of its data."""

    dataset: str
    table: pd.DataFrame | None = None
    rows: int = 0
    skipped: Mapping[str, str] = field(default_factory=dict)
    """Indicator -> why it cannot be computed from the data set."""
    faults: tuple[Fault, ...] = ()


def build(
    office: str | Path | None = None,
    out: str | Path = "build",
    *,
    only: Iterable[str] | None = None,
    jobs: int = 1,
    progress: Progress | None = None,
) -> Release:
    """Compute all indicators that an office's data allow and publish them, whole or not at all.

    Nothing is written unless the office, its sources, all cards and all data are free of faults. The release
    goes to ``OUT/releases/<id>/`` (``estimates.csv``, ``manifest.json``, ``index.html``, ``plots/``) and
    ``OUT/current`` leads to it. The same inputs give the same id and the same bytes, whatever `jobs` is; a
    release that is already there is not computed again.

    Parameters
    ----------
    office
        The office's folder; the bundled example office where none is given.
    out
        Output folder.
    only
        Ids of indicators to publish; all that can be computed where not given.
    jobs
        Number of processes; -1 for one a processor.
    progress
        Called after every step with steps done, steps in all and the step's name.

    Returns
    -------
    Release

    Raises
    ------
    Faults
        Everything that is wrong, together.
    """
    from uncac_metrics.builds import manifest, page, publish

    out = Path(out)
    inputs = gather(office)
    wanted = None if only is None else sorted(set(only))
    planned = plan(inputs.sources, inputs.catalogue, choice=inputs.office.disaggregations, only=wanted)
    settings = {"level": LEVEL, "only": wanted, "disaggregations": list(inputs.office.disaggregations)}
    faults = [*inputs.faults, *publish.check_place(out)]
    tell = progress or (lambda done, total, what: None)
    content: dict[str, Any] = {}
    if faults:  # the data are read all the same, so that their faults are told together with these
        planned = [Job(job.dataset, job.source, (), ()) for job in planned]
    else:
        content = manifest.describe(inputs, planned, settings)
        folder = out / publish.RELEASES / manifest.release_id(content)
        if publish.is_whole(folder):
            publish.point_to(out, folder.name)
            return Release(folder.name, folder, read_estimates(folder / ESTIMATES), new=False)

    outcomes = list(_each(run_job, planned, jobs, tell, [f"data set {job.dataset}" for job in planned]))
    faults += [fault for outcome in outcomes for fault in outcome.faults]
    if not faults and all(outcome.table is None for outcome in outcomes):
        faults.append(Fault(str(inputs.office.folder), "", "no indicator can be computed from its data sets"))
    if not faults and manifest.describe(inputs, planned, settings) != content:
        faults.append(Fault(str(inputs.office.folder), "", "a file changed while it was being read", "build again"))
    if faults:
        raise Faults(faults)

    estimates = combine(outcome.table for outcome in outcomes)
    figures = page.figures(inputs, estimates)
    drawn = dict(_each(page.draw, figures, 1, tell, [f"plot {figure.name}" for figure in figures]))
    files = {f"plots/{name}.svg": text.encode() for name, text in drawn.items()}
    files[ESTIMATES] = to_csv(estimates)
    files["index.html"] = page.render(inputs, outcomes, estimates, figures, drawn, content).encode()
    files[publish.MANIFEST] = manifest.manifest(content, files)
    folder = publish.publish(out, manifest.release_id(content), files)
    return Release(folder.name, folder, read_estimates(folder / ESTIMATES), new=True)


def run_job(job: Job) -> Outcome:
    """Read and check a job's data and compute its indicators in one pass over the rows.

    Parameters
    ----------
    job
        A job of :func:`uncac_metrics.builds.plan`.

    Returns
    -------
    Outcome
        Each indicator in total and by each breakdown that its card names and the data have, one at a time.
    """
    from threadpoolctl import threadpool_limits

    from uncac_metrics.datasets import load_dataset
    from uncac_metrics.estimators import applicable, estimate

    try:
        dataset = load_dataset(job.source.file)
        reasons = {card.id: applicable(card, dataset) for card in job.indicators}
        cards = [card for card in job.indicators if not reasons[card.id]]
        skipped = {key: reason for key, reason in reasons.items() if reason}
        if not cards:
            return Outcome(job.dataset, None, len(dataset.table), skipped)
        by = _breakdowns(job, cards, dataset)
        with threadpool_limits(limits=1, user_api="blas"):  # the same bits, whatever the number of workers
            table = estimate(cards, dataset, by=by, cross=False, level=LEVEL).table
    except Faults as caught:
        return Outcome(job.dataset, faults=caught.faults)
    except ValueError as caught:
        return Outcome(job.dataset, faults=(Fault(job.source.file, "", str(caught)),))
    return Outcome(job.dataset, _of_cards(table, cards, by), len(dataset.table), skipped)


def combine(tables: Iterable[pd.DataFrame | None]) -> pd.DataFrame:
    """One frame of all estimates with every breakdown column, in the order in which they were made."""
    import pandas as pd

    table = pd.concat([table for table in tables if table is not None], ignore_index=True)
    table = table.reindex(columns=[*ESTIMATE_LEADING, *BREAKDOWNS, *ESTIMATE_VALUES])
    table = table.astype(dict.fromkeys(BREAKDOWNS, object)).fillna(dict.fromkeys(BREAKDOWNS, TOTAL))
    key = [*ESTIMATE_KEY, *BREAKDOWNS]
    table = table.astype(dict.fromkeys(key, "str") | dict.fromkeys(COUNTS, "Int64"))
    return table


def to_csv(estimates: pd.DataFrame) -> bytes:
    """The text of ``estimates.csv``: rows by key, numbers in the shortest form that is exact."""
    ordered = estimates.sort_values([*ESTIMATE_KEY, *BREAKDOWNS], kind="stable")
    return ordered.to_csv(index=False, lineterminator="\n").encode()


def read_estimates(path: str | Path) -> pd.DataFrame:
    """Read an ``estimates.csv`` as it was written.

    Parameters
    ----------
    path
        The file.

    Returns
    -------
    pandas.DataFrame
        Text columns as text (an empty cell is the empty text), counts as integers that may be missing.
    """
    import pandas as pd

    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    for name in NUMBERS:
        table[name] = [float(text) if text else float("nan") for text in table[name]]
    for name in COUNTS:
        table[name] = pd.array([int(text) if text else pd.NA for text in table[name]], dtype="Int64")
    return table


def _each(
    function: Callable[[Task], Result], tasks: Sequence[Task], jobs: int, tell: Progress, names: Sequence[str]
) -> Iterator[Result]:
    """Results of a function in the order of its tasks, told one by one; in processes where wanted."""
    results: Iterable[Result] = map(function, tasks)
    if jobs != 1 and len(tasks) > 1:
        from joblib import Parallel, delayed, parallel_config

        with parallel_config(inner_max_num_threads=1, backend="loky"):
            results = Parallel(n_jobs=jobs, return_as="generator")(delayed(function)(task) for task in tasks)
    for done, (name, result) in enumerate(zip(names, results, strict=True), 1):
        tell(done, len(tasks), name)
        yield result


def _breakdowns(job: Job, cards: Sequence[Indicator], dataset: Dataset) -> tuple[str, ...]:
    asked = {name for card in cards for name in card.disaggregations}
    table = dataset.table
    return tuple(name for name in job.breakdowns if name in asked and name in table and table[name].notna().any())


def _of_cards(table: pd.DataFrame, cards: Sequence[Indicator], by: Sequence[str]) -> pd.DataFrame:
    """Without the rows of breakdowns that an indicator's card does not name."""
    kept = table["indicator"].notna()
    for name in by:
        naming = [card.id for card in cards if name in card.disaggregations]
        kept &= (table[name].astype(str) == TOTAL) | table["indicator"].isin(naming)
    return table[kept]
