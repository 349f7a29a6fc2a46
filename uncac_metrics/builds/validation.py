"""The validation report of a build: what is wrong, doubtful or worth knowing, by type and in detail."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from uncac_metrics.builds.manifest import to_json
from uncac_metrics.model import BREAKDOWNS, SEVERITIES, TOTAL, Expectation, Fault, Indicator
from uncac_metrics.results import KEY

if TYPE_CHECKING:
    import pandas as pd

CAP = 2_000
"""Details that a report holds at most; all are counted."""
CHANGE = 3.0
"""Standard errors that a change against the last period may have before a note is made, unless an office says."""
_RULES = {
    "input": "Inputs: files, schema, codes",
    "rows": "Rows: what a source expects of its data",
    "identity": "Identities between figures",
    "range": "Estimates outside their expected range",
    "change": "Change against the last period",
    "revision": "Revision against the last release",
    "disclosure": "Disclosure control and its audit",
    "carried": "Estimates taken over from an earlier release",
    "release": "The last release",
}


@dataclass(frozen=True)
class Finding:
    """One thing that a rule found."""

    severity: str
    """One of :data:`uncac_metrics.model.SEVERITIES`."""
    rule: str
    fault: Fault


def of_estimates(
    estimates: pd.DataFrame, expect: Sequence[Expectation], catalogue: Mapping[str, Indicator], file: str
) -> list[Finding]:
    """What identities, expected ranges and the last period say against the estimates of a release.

    Parameters
    ----------
    estimates
        All estimates, before anything is withheld.
    expect
        An office's own expectations; those that name an indicator hold for it besides those that name none.
    catalogue
        Definitions by id.
    file
        Where the expectations stand, for faults.

    Returns
    -------
    list of Finding
    """
    return [*_identities(estimates), *_ranges(estimates, expect, file), *_changes(estimates, expect, catalogue, file)]


def of_revisions(changes: pd.DataFrame, before: str) -> list[Finding]:
    """A warning for every published figure that was revised by more than twice its standard error, or dropped."""
    found = []
    large = changes[(changes["status"] == "revised") & (changes["in_std_errors"].abs() > 2)]
    for row in large.to_dict("records"):
        what = (
            f"revised from {row['value_before']:g} to {row['value_after']:g}, {row['in_std_errors']:+.1f} std. errors"
        )
        found.append(
            Finding("warning", "revision", Fault(named(row), row["reason"], what, f"against release {before}"))
        )
    dropped = changes[changes["status"] == "dropped"]
    for (dataset, indicator), rows in dropped.groupby(["dataset", "indicator"]):
        what = f"{len(rows):,} estimate{'s are' if len(rows) > 1 else ' is'} no longer published"
        found.append(Finding("warning", "revision", Fault(f"{indicator} from {dataset}", rows["reason"].iloc[0], what)))
    return found


def named(row: Mapping[str, Any]) -> str:
    """An estimate as a reader would name it.

    Examples
    --------
    >>> named({"indicator": "BR-01", "dataset": "survey", "time_period": "2025", "ref_area": "XXA", "sex": "F"})
    'BR-01 from survey, XXA 2025, sex F'
    """
    parts = [f"{name} {row[name]}" for name in BREAKDOWNS if row.get(name, TOTAL) != TOTAL]
    place = f"{row['ref_area']} {row['time_period']}"
    return ", ".join([f"{row['indicator']} from {row['dataset']}", place, *parts])


def report(findings: Iterable[Finding], header: Mapping[str, Any]) -> dict[str, Any]:
    """A report as plain values: header, numbers by severity and by rule, details up to a cap.

    Parameters
    ----------
    findings
        In any order: errors come first, then warnings, then notes.
    header
        What was validated.

    Returns
    -------
    dict
    """
    rank = {name: i for i, name in enumerate(SEVERITIES)}
    ordered = sorted(set(findings), key=lambda f: (rank[f.severity], list(_RULES).index(f.rule), str(f.fault)))
    severities = Counter(f.severity for f in ordered)
    types = Counter((f.severity, f.rule) for f in ordered)
    return {
        "header": dict(header),
        "severities": {name: severities[name] for name in SEVERITIES},
        "types": [
            {"severity": severity, "rule": rule, "label": _RULES[rule], "count": count}
            for (severity, rule), count in sorted(types.items(), key=lambda item: (rank[item[0][0]], item[0][1]))
        ],
        "cap": CAP,
        "details": [{"severity": f.severity, "rule": f.rule, **asdict(f.fault)} for f in ordered[:CAP]],
        "not_listed": max(0, len(ordered) - CAP),
    }


def files(made: Mapping[str, Any]) -> dict[str, bytes]:
    """A report as ``validation.json`` and ``validation.html``."""
    from uncac_metrics.builds.site.frame import environment

    page = environment().get_template("validation.html").render(report=made, severities=SEVERITIES, labels=_RULES)
    return {"validation.json": to_json(made), "validation.html": page.encode()}


def _identities(estimates: pd.DataFrame) -> Iterator[Finding]:
    from uncac_metrics.identities import check_release

    found = check_release(estimates)
    for row in found[~found["holds"].astype(bool)].to_dict("records"):
        what = f"published {row['published']:g}, implied {row['implied']:g} ({row['lower']:g} to {row['upper']:g})"
        yield Finding("warning", "identity", Fault(str(row["row"]), row["identity"], what))


def _ranges(estimates: pd.DataFrame, expect: Sequence[Expectation], file: str) -> Iterator[Finding]:
    for i, rule in enumerate(expect, 1):
        rows = estimates if not rule.indicator else estimates[estimates["indicator"] == rule.indicator]
        if rule.indicator and rows.empty:
            what = "no such indicator in the release"
            yield Finding("note", "range", Fault(file, f"expect[{i}].indicator", f"{rule.indicator!r}: {what}"))
        for bound, side, breach in (("below", rule.low, rows["value"].lt), ("above", rule.high, rows["value"].gt)):
            if side is not None:
                for row in rows[breach(side)].to_dict("records"):
                    what = f"{row['value']:g} is {bound} {side:g}"
                    yield Finding(rule.severity, "range", Fault(named(row), f"expect[{i}]", what, rule.why))


def _changes(
    estimates: pd.DataFrame, expect: Sequence[Expectation], catalogue: Mapping[str, Indicator], file: str
) -> Iterator[Finding]:
    """Changes between consecutive periods of one series, as if the periods' samples were independent."""
    import numpy as np

    shape = {key: card.measure.shape for key, card in catalogue.items()}
    series = [name for name in KEY if name not in ("dataset", "time_period")]
    table = estimates[estimates["value"].notna() & (estimates["std_error"] > 0)]
    table = table[table["indicator"].isin(list(shape))]
    # a period that several data sets tell of is no series
    table = table[~table.duplicated([*series, "time_period"], keep=False)]
    table = table.sort_values([*series, "time_period"], kind="stable")
    earlier = table.groupby(series, sort=False)[["value", "std_error", "time_period"]].shift()
    with np.errstate(invalid="ignore", divide="ignore"):
        z = (table["value"] - earlier["value"]) / np.hypot(table["std_error"], earlier["std_error"])
    limits = {rule.indicator: rule for rule in expect if rule.change is not None}
    usual = limits.get("", Expectation("note", change=CHANGE))
    for key, rows in table.assign(z=z, value_before=earlier["value"], before=earlier["time_period"]).groupby(
        "indicator"
    ):
        rule = limits.get(str(key), usual)
        for row in rows[rows["z"].abs() > rule.change].to_dict("records"):
            what = f"{row['value_before']:g} in {row['before']}, now {row['value']:g}: {row['z']:+.1f} std. errors"
            yield Finding(rule.severity, "change", Fault(named(row), "", what, rule.why))
