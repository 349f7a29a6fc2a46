"""Indicators computed from data sets: a card names an estimator and a base, here they become numbers.

All indicators of one survey that are made of sums are computed in one pass over its rows; those of completed data
sets are pooled.
A new estimator is one function, in :mod:`uncac_metrics.estimators.survey` or
:mod:`uncac_metrics.estimators.records`, and one name, in :data:`ESTIMATORS` and with its options in
:data:`uncac_metrics.methods.METHODS`.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from uncac_metrics import catalogue, datasets, mapping
from uncac_metrics.datasets import Dataset
from uncac_metrics.estimators import domains, figures, money, records, survey, tenders, times
from uncac_metrics.estimators.money import CURRENCY
from uncac_metrics.estimators.records import DENOMINATOR, NUMERATOR
from uncac_metrics.estimators.survey import Grouping, design
from uncac_metrics.methods import METHODS
from uncac_metrics.model import BREAKDOWNS, TOTAL, Fault, Faults, Indicator, Source
from uncac_metrics.shapes import SHAPES
from uncac_metrics.stats import counts
from uncac_metrics.stats.estimates import Estimates, concat
from uncac_metrics.stats.survey.imputation import pool
from uncac_metrics.stats.survey.linear import cube

__all__ = ["ESTIMATORS", "applicable", "design", "estimate", "run", "run_cases"]


def estimate(
    indicators: Indicator | str | Iterable[Indicator | str],
    dataset: Dataset | str | Path,
    *,
    by: str | Sequence[str] = (),
    cross: bool = True,
    level: float = 0.95,
    interval: str | None = None,
) -> Estimates:
    """Estimate indicators from a data set, in one pass over its rows.

    Parameters
    ----------
    indicators : Indicator, id, or several of them
    dataset : Dataset, id of a shipped data set, or path of a ``source.toml`` or its folder
    by : str or list of str
        Breakdowns. Besides the total, all their combinations with the margins (``_T``) are given.
    cross : bool
        False gives each breakdown by itself only.
    level : float
        Confidence level.
    interval : str, optional
        Interval for shares; Korn–Graubard for surveys unless named, for records that of the estimator. See
        :mod:`uncac_metrics.stats.intervals`.

    Returns
    -------
    Estimates
        By indicator (those whose cards set options of their own last), then item or level, then breakdown; the first
        row of each is the total. Values in the unit of the card, at full precision.

    Raises
    ------
    Faults
        An indicator that cannot be computed from the data set, a breakdown that it lacks: all of them together.

    Examples
    --------
    >>> import uncac_metrics as um
    >>> result = um.estimate("BR-01", "population_2025", by="sex")
    >>> result.table[["indicator", "sex", "unit", "denominator"]]
      indicator sex unit   denominator
    0     BR-01  _T    %  with_contact
    1     BR-01   F    %  with_contact
    2     BR-01   M    %  with_contact
    """
    cards = _cards(indicators)
    data = dataset if isinstance(dataset, Dataset) else datasets.load_dataset(dataset)
    names = (by,) if isinstance(by, str) else tuple(by)
    faults = [
        Fault(data.source.id, "by", f"no breakdown {b!r} in the data", _known_breakdowns(data))
        for b in names
        if b not in data.table.columns or b not in BREAKDOWNS
    ]
    reasons = {card.id: applicable(card, data) for card in cards}
    faults += [Fault(data.source.id, card, reason) for card, reason in reasons.items() if reason]
    faults += [
        Fault("estimate", "interval", f"{card.id} is a {card.measure.estimator}, which makes no interval {interval!r}")
        for card in cards
        if interval and not _makes(card.measure.estimator, interval)
    ]
    if faults:
        raise Faults(faults)
    groupings = cube(names) if cross else [(), *((b,) for b in names)]
    return run(cards, data, groupings, level=level, interval=interval)


def run(
    cards: Sequence[Indicator],
    data: Dataset,
    groupings: Sequence[Grouping],
    *,
    level: float = 0.95,
    interval: str | None = None,
) -> Estimates:
    """Estimates of applicable cards over the groupings given; see :func:`estimate`.

    Parameters
    ----------
    cards
        Definitions that apply to the data, as :func:`applicable` says.
    data
        The data set.
    groupings
        Breakdowns that are crossed, a tuple a grouping; the empty one is the total.
    level
        Coverage of the intervals.
    interval
        Kind of interval of proportions; that of the card where not given.

    Returns
    -------
    Estimates
        The rows of every card and grouping.
    """
    by_id = {card.id: card for card in cards}
    if not data.completed:
        return _finished(_estimates(cards, data, groupings, level, interval), by_id, data)
    parts = [_estimates(cards, one, groupings, level, interval) for one in survey.alike(data.completed)]
    pooled = _finished(pool(parts, level=level), by_id, data)
    return survey.counted(pooled, cards, data, groupings)


def _estimates(
    cards: Sequence[Indicator], data: Dataset, groupings: Sequence[Grouping], level: float, interval: str | None
) -> Estimates:
    """Estimates from one complete table, in the units of the estimators."""
    sample = survey.design(data) if data.shape.sampled else None
    if sample is not None:
        data = replace(data, table=sample.data)  # of two phases, the rows of the second
    # cards with options of their own take another pass
    batches: dict[tuple[str, Estimator], list[Indicator]] = {}
    for card in cards:
        batches.setdefault((repr(card.measure.options), _function(card.measure.estimator)), []).append(card)
    parts = []
    for (_, function), batch in batches.items():
        options = {"level": level} | ({"interval": interval} if interval else {}) | dict(batch[0].measure.options)
        parts.append(function(batch, data, sample, groupings, **options))
    return parts[0] if len(parts) == 1 else concat(parts)


def applicable(card: Indicator, data: Dataset) -> str:
    """Why an indicator cannot be computed from a data set; empty where it can.

    Parameters
    ----------
    card
        The definition.
    data
        The data set.
    """
    m = card.measure
    if m.shape != data.source.shape:
        return f"takes a {SHAPES[m.shape].label.lower()}, not {data.source.shape}"
    if m.estimator not in ESTIMATORS:
        return ""
    return survey.missing_for(card, data) if data.shape.sampled else records.missing_for(card, data)


def run_cases(card: Indicator) -> list[Fault]:
    """Compute the worked examples of a card and name every number that differs from what it expects.

    Parameters
    ----------
    card
        The definition; its `cases` are tables with the numbers that they must give.

    Returns
    -------
    list of Fault
        Empty where every number is as expected.

    Examples
    --------
    >>> import uncac_metrics as um
    >>> from uncac_metrics.estimators import run_cases
    >>> run_cases(um.load_catalogue()["BR-01"])
    []
    """
    faults: list[Fault] = []
    for i, case in enumerate(card.cases, start=1):
        where = f"cases[{i}] {case.name!r}"
        try:
            result = _of_rows(card, case.rows, f"{card.file or card.id}: {where}")
        except Faults as found:
            faults += found.faults
            continue
        table = result.table
        if case.item:
            table = table[(table[list(result.breakdowns)] == case.item).any(axis=1)]
        if len(table) != 1:
            remedy = "name one of the items" if result.breakdowns else ""
            faults.append(Fault(card.file or card.id, where, f"{len(table)} results for item {case.item!r}", remedy))
            continue
        for name, expected in case.expect.items():
            got = table[name].iloc[0]
            if not _agrees(got, expected):
                faults.append(
                    Fault(card.file or card.id, f"{where}: {name}", f"gives {got}, expected {expected}",
                          "correct the example or the measure")
                )  # fmt: skip
    return faults


def _agrees(got: Any, expected: Any) -> bool:
    if isinstance(expected, str):
        return bool(got == expected)
    if pd.isna(got):
        return bool(pd.isna(expected))
    return bool(abs(float(got) - float(expected)) <= 1e-9 * max(1.0, abs(float(expected))))


def _of_rows(card: Indicator, rows: Sequence[Mapping[str, object]], file: str) -> Estimates:
    shape = SHAPES[card.measure.shape]
    usual = {"weight": 1.0} if shape.sampled else {}
    table = mapping.from_rows([usual | dict(row) for row in rows], shape, file=file)
    source = Source(card.id, "", "", "", "", shape.id, "", "", "", file=file)
    data = Dataset(source, shape, table)
    reason = applicable(card, data)
    if reason:
        raise Faults([Fault(file, "rows", reason, "give the columns that the measure takes")])
    return run([card], data, [()])


Estimator = Callable[..., Estimates]
ESTIMATORS: dict[str, Estimator] = {
    **dict.fromkeys(survey.SUMS, survey.linear),
    "amount": records.of(money.total, prepare=money.amounts),
    "amount_ratio": records.of(counts.amount_ratio, NUMERATOR, DENOMINATOR, prepare=money.amounts),
    "availability": records.of(counts.availability, prepare=records.counted),
    "concentration": survey.concentration,
    "count": records.of(counts.number, NUMERATOR),
    "count_ratio": records.of(counts.count_ratio, NUMERATOR, DENOMINATOR),
    "domain_ratio": domains.domain_ratio,
    "done_within": records.of(times.done_within, prepare=times.spells),
    "duration": records.of(counts.duration_quantile, "duration", "event", prepare=times.spells),
    "first_digits": records.of(counts.first_digits, NUMERATOR),
    "flag": records.of(counts.share, "flagged", prepare=tenders.flagged),
    "flow": records.of(times.occupation, prepare=times.stays),
    "gini": survey.gini,
    "hhi": records.of(counts.hhi, prepare=records.counted),
    "mean_amount": records.of(money.mean, prepare=money.means),
    "ordinal": records.of(counts.distribution, prepare=records.counted),
    "progression": records.of(counts.progression, prepare=times.reached),
    "published": records.of(figures.published, NUMERATOR),
    "quantile": survey.quantile,
    "rate": records.of(counts.rate, NUMERATOR, DENOMINATOR),
    "share": records.of(counts.share, NUMERATOR, DENOMINATOR, within=True),
    "standardised_rate": records.of(
        counts.standardised_rate, NUMERATOR, DENOMINATOR, "standard", prepare=records.standardised
    ),
    "status": records.of(counts.status_shares, prepare=records.counted),
}
"""Estimators by name: ``(cards, data, design, groupings, **options) -> Estimates``; the design is None for records."""


def _makes(name: str, interval: str) -> bool:
    """Whether an estimator takes that interval; surveys name theirs themselves, and so does an office's own."""
    method = METHODS.get(name)
    if method is None or method.sampled:
        return True
    return "interval" in method.options and interval in method.options["interval"].choices


def _function(name: str) -> Estimator:
    """The estimator of that name, or an office's own ``package.module:function``."""
    if name in ESTIMATORS:
        return ESTIMATORS[name]
    module, _, function = name.partition(":")
    try:
        return getattr(importlib.import_module(module), function)
    except (ImportError, AttributeError) as error:
        raise Faults(
            [Fault("measure", "estimator", f"{name}: {error}", "make the module importable, or name a known estimator")]
        ) from error


def _finished(result: Estimates, cards: Mapping[str, Indicator], data: Dataset) -> Estimates:
    """Units, names and warnings of the cards."""
    ids = result.table["indicator"]
    result = result.scaled(ids.map({k: c.scale for k, c in cards.items()}).to_numpy(dtype=float))
    table = result.table
    short = (table["statistic"] == "total") & (table["n"] < table["n_eligible"]) & (table["display"] == "shown")
    reason = table["reason"].mask(short, "part of the eligible did not answer: the total counts answers only")
    units = ids.map({k: c.unit for k, c in cards.items()}).astype("str")
    return result.with_columns(
        unit=units.mask(units == CURRENCY, table["unit"]),
        dataset=data.source.id,
        ref_area=table["ref_area"].mask(table["ref_area"] == "", data.source.ref_area),
        time_period=table["time_period"].mask(table["time_period"] == "", data.source.time_period),
        display=table["display"].mask(short, "flagged"),
        reason=reason,
    )


def _cards(indicators: Indicator | str | Iterable[Indicator | str]) -> list[Indicator]:
    wanted = [indicators] if isinstance(indicators, (Indicator, str)) else list(indicators)
    known: dict[str, Indicator] = {}
    out, faults = [], []
    for one in wanted:
        if isinstance(one, Indicator):
            out.append(one)
            continue
        known = known or catalogue.load_catalogue()
        if one in known:
            out.append(known[one])
        else:
            faults.append(Fault("estimate", "indicators", f"no indicator {one!r}", catalogue.suggest(one, known)))
    if faults:
        raise Faults(faults)
    return out


def _known_breakdowns(data: Dataset) -> str:
    have = [b for b in BREAKDOWNS if b in data.table.columns]
    return f"one of {', '.join(have)}" if have else f"the data have no breakdown; every row is {TOTAL}"
