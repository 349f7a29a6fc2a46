"""Running the jobs of a plan: one pass over a data set each, here, in processes or on a cluster."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from uncac_metrics.builds.plan import Job
from uncac_metrics.model import BREAKDOWNS, TOTAL, Expectation, Fault, Faults, Indicator
from uncac_metrics.results import KEY, combine, to_csv

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from uncac_metrics.datasets import Dataset
    from uncac_metrics.stats.estimates import Estimates

Progress = Callable[[int, int, str], object]
"""Called with the number of steps done, their number in all and the name of the last one."""
LEVEL = 0.95
FULL = 3_000
"""Rows up to which the covariance of all estimates of a data set is kept; beyond it, what it is made of."""
_FORMULA = re.compile(r"[=+@\t\r\n]|-(?![\d.]+$)|.*[\x00-\x1f]", re.DOTALL)
Task = TypeVar("Task")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Outcome:
    """What a job gave: estimates, or the faults of its data."""

    dataset: str
    estimates: bytes | None = None
    """Text of a table of estimates; None where no indicator applies."""
    rows: int = 0
    skipped: Mapping[str, str] = field(default_factory=dict)
    """Indicator -> why it cannot be computed from the data set."""
    faults: tuple[Fault, ...] = ()
    findings: tuple[tuple[str, Fault], ...] = ()
    """Severity and what is unexpected of the rows."""
    sums: bytes = b""
    """NumPy archive of the covariance of the estimates and of the sums over sampling units that it is made of."""


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
        findings = tuple(unexpected(dataset.table, job.source.expect, job.source.file))
        findings += tuple(("note", flag) for flag in dataset.flags)
        reasons = {card.id: applicable(card, dataset) for card in job.indicators}
        cards = [card for card in job.indicators if not reasons[card.id]]
        skipped = {key: reason for key, reason in reasons.items() if reason}
        if not cards:
            return Outcome(job.dataset, None, len(dataset.table), skipped, findings=findings)
        by = _breakdowns(job, cards, dataset)
        with threadpool_limits(limits=1, user_api="blas"):  # the same bits, whatever the number of workers
            made = estimate(cards, dataset, by=by, cross=False, level=LEVEL)
            kept = made.select(_of_cards(made.table, cards, by))
            table = combine([kept.table])
            sums = unit_sums(kept, places(table))
        if wrong := runnable(kept.table, job.source.file):
            return Outcome(job.dataset, faults=tuple(wrong))
    except Faults as caught:
        return Outcome(job.dataset, faults=caught.faults)
    except ValueError as caught:
        return Outcome(job.dataset, faults=(Fault(job.source.file, "", str(caught)),))
    return Outcome(job.dataset, to_csv(table), len(dataset.table), skipped, findings=findings, sums=sums)


def unexpected(table: pd.DataFrame, expect: Sequence[Expectation], file: str) -> Iterator[tuple[str, Fault]]:
    """Severity and breach of every expectation that the rows do not keep.

    Examples
    --------
    >>> import pandas as pd
    >>> from uncac_metrics.model import Expectation
    >>> table = pd.DataFrame({"age": [34, 7, None]})
    >>> for severity, fault in unexpected(table, [Expectation(column="age", low=15)], "source.toml"):
    ...     print(severity, fault)
    warning source.toml: expect: age: 1 value below 15 (1 row: 2)
    """
    import numpy as np
    import pandas as pd

    for rule in expect:
        if not rule.column:
            few = rule.low is not None and len(table) < rule.low
            many = rule.high is not None and len(table) > rule.high
            if few or many:
                bound = f"at least {rule.low:,g}" if few else f"at most {rule.high:,g}"
                yield rule.severity, Fault(file, "expect", f"{len(table):,} rows; expected {bound}", rule.why)
            continue
        if rule.column not in table:
            yield rule.severity, Fault(file, f"expect: {rule.column}", "the data have no such column", rule.why)
            continue
        column = table[rule.column]
        share = float(column.isna().mean()) if len(column) else 0.0
        if rule.missing is not None and share > rule.missing:
            what = f"{share:.1%} missing; expected at most {rule.missing:.1%}"
            yield rule.severity, Fault(file, f"expect: {rule.column}", what, rule.why)
        if rule.low is None and rule.high is None:
            continue
        values = pd.to_numeric(column, errors="coerce").to_numpy(dtype=float, na_value=np.nan)
        for bound, side, breach in (("below", rule.low, np.less), ("above", rule.high, np.greater)):
            wrong = np.flatnonzero(breach(values, side)) if side is not None else np.empty(0, int)
            if len(wrong):
                what = f"{len(wrong):,} value{'s' if len(wrong) > 1 else ''} {bound} {side:g}"
                rows = tuple(int(i) + 1 for i in wrong[:5])
                yield rule.severity, Fault(file, f"expect: {rule.column}", what, rule.why, rows, len(wrong))


def runnable(table: pd.DataFrame, file: str) -> list[Fault]:
    """Codes from the data that a spreadsheet would run as a formula when it opens the published table.

    Examples
    --------
    >>> import pandas as pd
    >>> for fault in runnable(pd.DataFrame({"area": ["XXA-N", "=HYPERLINK(1)"]}), "source.toml"):
    ...     print(fault)
    source.toml: area: '=HYPERLINK(1)' would be run as a formula by a spreadsheet — recode it to a plain code
    """
    faults = []
    for name in table.columns.intersection([*BREAKDOWNS, "ref_area", "time_period"]):
        for code in table[name].dropna().astype(str).unique():
            if _FORMULA.match(code):
                what = f"{code[:40]!r} would be run as a formula by a spreadsheet"
                faults.append(Fault(file, name, what, "recode it to a plain code"))
    return faults


def places(table: pd.DataFrame) -> np.ndarray:
    """Where each row of a table of estimates stands once the rows are ordered by key."""
    import numpy as np

    order = table.sort_values(list(KEY), kind="stable").index.to_numpy()
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    return place


def unit_sums(estimates: Estimates, place: np.ndarray) -> bytes:
    """A NumPy archive of what the uncertainty of the estimates is made of.

    Parameters
    ----------
    estimates
        Those of one data set.
    place
        Where each of them stands among the rows of its data set in the internal ``estimates.csv``.

    Returns
    -------
    bytes
        ``covariance``, their joint covariance in the order of that file, where they are few; ``unit_k``, ``row_k`` and
        ``value_k``, the linearised sums over sampling units of block k, whose rows are numbered as in that file.
        Empty where there is neither, as for figures published by others.
    """
    import numpy as np

    arrays: dict[str, Any] = {}
    first = 0
    for k, scores in enumerate(estimates.scores):
        built: Any = getattr(scores, "built", scores)
        if all(hasattr(built, name) for name in ("unit", "row", "value")):
            arrays |= {f"unit_{k}": np.asarray(built.unit), f"value_{k}": np.asarray(built.value)}
            arrays[f"row_{k}"] = place[first + np.asarray(built.row)]
        first += scores.n_rows
    if len(estimates) <= FULL:
        with suppress(Faults):  # figures published by others have none
            ordered = np.argsort(place)
            arrays["covariance"] = estimates.covariance().to_numpy()[np.ix_(ordered, ordered)]
    if not arrays:
        return b""
    stream = io.BytesIO()
    np.savez_compressed(stream, **arrays)
    return stream.getvalue()


def each(
    function: Callable[[Task], Result],
    tasks: Sequence[Task],
    names: Sequence[str],
    *,
    jobs: int = 1,
    cluster: str = "",
    tell: Progress = lambda done, total, what: None,
) -> Iterator[Result]:
    """Results of a function in the order of its tasks, told one by one.

    Parameters
    ----------
    function
        Called with each task; it gives the same whoever runs it.
    tasks, names
        Arguments, and what they are called.
    jobs
        Number of processes; -1 for one a processor.
    cluster
        Address of the scheduler of a Dask cluster, whose workers see the same files.
    tell
        Called after every task.

    Yields
    ------
    Result
        In the order of `tasks`.
    """
    with_results = _remote if cluster else _local
    for done, (name, result) in enumerate(zip(names, with_results(function, tasks, jobs, cluster), strict=True), 1):
        tell(done, len(tasks), name)
        yield result


def _local(function: Callable[[Task], Result], tasks: Sequence[Task], jobs: int, cluster: str) -> Iterable[Result]:
    if jobs == 1 or len(tasks) < 2:
        return map(function, tasks)
    from joblib import Parallel, delayed, parallel_config

    with parallel_config(inner_max_num_threads=1, backend="loky"):
        return Parallel(n_jobs=jobs, return_as="generator")(delayed(function)(task) for task in tasks)


def _remote(function: Callable[[Task], Result], tasks: Sequence[Task], jobs: int, cluster: str) -> Iterable[Result]:
    try:
        from distributed import Client
    except ImportError:
        remedy = "pip install 'uncac-metrics[cluster]'"
        raise Faults([Fault("--cluster", cluster, "Dask is not installed", remedy)]) from None
    from joblib import Parallel, delayed, parallel_config

    try:
        client = Client(cluster, timeout="10s")  # type: ignore[no-untyped-call]
    except (OSError, ValueError) as error:
        remedy = "give the address that the scheduler prints, such as tcp://host:8786"
        raise Faults([Fault("--cluster", cluster, f"cannot be reached: {error}", remedy)]) from None
    with client, parallel_config(backend="dask"):
        yield from Parallel(n_jobs=-1)(delayed(function)(task) for task in tasks)


def _breakdowns(job: Job, cards: Sequence[Indicator], dataset: Dataset) -> tuple[str, ...]:
    asked = {name for card in cards for name in card.disaggregations}
    table = dataset.table
    return tuple(name for name in job.breakdowns if name in asked and name in table and table[name].notna().any())


def _of_cards(table: pd.DataFrame, cards: Sequence[Indicator], by: Sequence[str]) -> Any:
    """Without the rows of breakdowns that an indicator's card does not name."""
    kept = table["indicator"].notna()
    for name in by:
        naming = [card.id for card in cards if name in card.disaggregations]
        kept &= (table[name].astype(str) == TOTAL) | table["indicator"].isin(naming)
    return kept.to_numpy(dtype=bool)
