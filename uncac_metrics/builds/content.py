"""The files of a release: what is published, and what is kept for the office alone."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from uncac_metrics import languages
from uncac_metrics.builds import figures as drawing
from uncac_metrics.builds import manifest, publish, site, validation
from uncac_metrics.builds.jobs import Outcome, Progress, each
from uncac_metrics.builds.plan import Inputs
from uncac_metrics.builds.validation import Finding
from uncac_metrics.model import Fault, Faults
from uncac_metrics.results import in_order, read_estimates, to_csv

if TYPE_CHECKING:
    import pandas as pd

ESTIMATES = "estimates.csv"
UNSAID = ("value", "std_error", "lower", "upper", "df", "events", "deff", "cv")
"""Columns of a withheld estimate that are not published."""


@dataclass(frozen=True)
class Made:
    """A release before it is written."""

    public: dict[str, bytes]
    internal: dict[str, bytes]
    estimates: pd.DataFrame
    """As published."""
    findings: tuple[Finding, ...]


def make(
    inputs: Inputs,
    outcomes: Sequence[Outcome],
    raw: pd.DataFrame,
    content: Mapping[str, Any],
    former: publish.Former | None,
    found: Sequence[Finding],
    tell: Progress,
) -> Made:
    """All files of a release from the estimates of its jobs.

    Parameters
    ----------
    inputs
        The office, its sources and definitions.
    outcomes
        What each job gave.
    raw
        All estimates as they were computed.
    content
        What determines the release, its predecessor included.
    former
        The release that this one follows.
    found
        What was found before.
    tell
        Called after every plot.

    Returns
    -------
    Made
    """
    raw = in_order(raw)
    before = None if former is None else read_estimates(former.folder / publish.PUBLIC / ESTIMATES)
    published, internal, control = protected(raw, inputs, content, before)
    expect, file = inputs.office.publication.expect, "office.toml"
    findings = [*found, *control, *validation.of_estimates(raw, expect, inputs.catalogue, file)]
    figures = {lang: drawing.figures(inputs, published, spoken) for lang, spoken in inputs.languages.items()}
    same = list(zip(*figures.values(), strict=True))
    drawn = dict(each(drawing.draw_each, same, [f"plot {plots[0].name}" for plots in same], tell=tell))
    folders = site.prefixes(inputs.office)
    public = {
        f"{folders[lang]}plots/{name}.svg": text.encode() for name, told in drawn.items() for lang, text in told.items()
    }
    public[ESTIMATES] = to_csv(published)
    public |= _parquet(published)
    public["indicators.json"] = _definitions(inputs, published)
    changes = None
    if former is not None and before is not None:
        from uncac_metrics.vintages import causes, compared

        changes = compared(before, published, causes(former.manifest, content))
        findings += validation.of_revisions(changes, former.id)
        kept = changes[changes["status"] != "unchanged"]
        public["revisions.csv"] = kept.to_csv(index=False, lineterminator="\n").encode()
    public |= _exchanged(inputs, published)
    checks = validation.report(findings, {})["types"]
    public |= site.pages(
        inputs, outcomes, published, figures, drawn, content, changes=changes, checks=checks, files=public
    )
    internal[ESTIMATES] = public[ESTIMATES] if published.equals(raw) else to_csv(raw)
    internal |= {f"sums/{outcome.dataset}.npz": outcome.sums for outcome in outcomes if outcome.sums}
    findings = [_placed(finding, Path(inputs.office.folder)) for finding in findings]
    header = {
        "office": inputs.office.name,
        "release": manifest.release_id(content),
        "data_sets": len(outcomes),
        "rows_of_data": sum(outcome.rows for outcome in outcomes),
        "estimates": len(raw),
        "withheld": int((published["display"] == "withheld").sum()),
    }
    internal |= validation.files(validation.report(findings, header))
    return Made(public, internal, published, tuple(findings))


def protected(
    raw: pd.DataFrame, inputs: Inputs, content: Mapping[str, Any], before: pd.DataFrame | None
) -> tuple[pd.DataFrame, dict[str, bytes], list[Finding]]:
    """The estimates as they may be published, the files that tell the office what was done, and what is to be said.

    Presentation standards come first, disclosure control of the confidential data sets second; then what a withheld
    row would tell is blanked.
    """
    from uncac_metrics.disclosure import present
    from uncac_metrics.stats.estimates import Estimates

    publication = inputs.office.publication
    published = raw
    if publication.standards:
        published = present(Estimates(raw), publication.standards).table
    published = hidden(published)
    secret = [key for key, entry in content["datasets"].items() if entry["confidential"]]
    inside = published["dataset"].isin(secret)
    if not publication.minimum or not inside.any():
        return published, {}, []
    return _controlled(published, inside, publication.minimum, raw, before)


def _controlled(
    published: pd.DataFrame, inside: pd.Series, minimum: int, raw: pd.DataFrame, before: pd.DataFrame | None
) -> tuple[pd.DataFrame, dict[str, bytes], list[Finding]]:
    """Disclosure control of the rows `inside`, with the cells and the audit as tables for the office."""
    import pandas as pd

    from uncac_metrics.disclosure import protect

    # numbers of events are judged as they are, whatever a standard withholds
    asked = published[inside].assign(events=raw.loc[inside, "events"])
    done = protect(asked, minimum=minimum, previous=before, withhold_differences=False)
    safe = done.estimates.assign(events=done.estimates["events"].mask(published.loc[inside, "events"].isna()))
    joined = pd.concat([published[~inside], safe.astype(published.dtypes.to_dict())]).sort_index()
    tables = {"cells": done.cells, "audit": done.audit, "differences": done.differences}
    files = {
        f"disclosure/{name}.csv": table.to_csv(index=False, lineterminator="\n").encode()
        for name, table in tables.items()
    }
    found = []
    narrow = done.audit[~done.audit["safe"].astype(bool)]
    # what the last release gave away cannot be taken back; without one, nothing excuses it
    severity = "error" if before is None else "warning"
    for row in narrow.to_dict("records"):
        what = f"{row['cell']} are known to lie between {row['low']:g} and {row['high']:g}"
        place = validation.named({"indicator": row["indicator"] or row["denominator"], **row})
        found.append(Finding(severity, "disclosure", Fault(place, "", what)))
    for row in done.differences.to_dict("records"):
        what = "is withheld now, and was published in the last release with nearly the same number"
        found.append(Finding("note", "disclosure", Fault(validation.named(row), "", what)))
    counts = done.cells["status"].value_counts()
    primary, secondary = (int(counts.get(name, 0)) for name in ("primary", "secondary"))
    what = f"{primary:,} primary and {secondary:,} secondary cells of {int(inside.sum()):,} are withheld"
    found.append(Finding("note", "disclosure", Fault("office.toml", f"publication.minimum = {minimum}", what)))
    return joined, files, found


def hidden(estimates: pd.DataFrame) -> pd.DataFrame:
    """Estimates without the numbers of those that are withheld."""
    import numpy as np
    import pandas as pd

    withheld = estimates["display"] == "withheld"
    blank = {name: estimates[name].mask(withheld, pd.NA if name == "events" else np.nan) for name in UNSAID}
    return estimates.assign(**blank)


def files_of(made: Made, content: Mapping[str, Any]) -> dict[str, bytes]:
    """Path within the release -> content, each part with its manifest."""
    public = {**made.public, publish.MANIFEST: manifest.manifest(content, made.public)}
    about = {
        "release": manifest.release_id(content),
        "public": manifest.digests({"": public[publish.MANIFEST]})[""],
        "files": manifest.digests(made.internal),
    }
    internal = {**made.internal, publish.MANIFEST: manifest.to_json(about)}
    return {f"{publish.PUBLIC}/{name}": data for name, data in public.items()} | {
        f"{publish.INTERNAL}/{name}": data for name, data in internal.items()
    }


def refusal(faults: Sequence[Fault], found: Sequence[Finding], inputs: Inputs) -> dict[str, bytes]:
    """The validation report of a build that was refused."""
    findings = [*found, *(Finding("error", "input", fault) for fault in faults)]
    findings = [_placed(finding, Path(inputs.office.folder)) for finding in dict.fromkeys(findings)]
    return validation.files(validation.report(findings, {"office": inputs.office.name, "release": "refused"}))


def _placed(finding: Finding, folder: Path) -> Finding:
    """A finding that does not depend on where the office's folder lies."""
    prefix, fault = f"{folder}/", finding.fault
    texts = {name: getattr(fault, name).replace(prefix, "") for name in ("file", "where", "what", "remedy")}
    return replace(finding, fault=replace(fault, **texts))


def _parquet(estimates: pd.DataFrame) -> dict[str, bytes]:
    """The same table as Parquet, where pyarrow is installed."""
    try:
        import pyarrow  # noqa: F401
    except ImportError:
        return {}
    stream = io.BytesIO()
    estimates.to_parquet(stream, engine="pyarrow", index=False)
    return {"estimates.parquet": stream.getvalue()}


def _exchanged(inputs: Inputs, published: pd.DataFrame) -> dict[str, bytes]:
    """The formats of others that the office wants."""
    from uncac_metrics.exchange import DEFAULT, release_files

    publication = inputs.office.publication
    wanted = DEFAULT if publication.exchange is None else publication.exchange
    structure = Path(inputs.office.folder) / publication.structure if publication.structure else None
    used = {key: inputs.sources[key] for key in sorted(set(published["dataset"]))}
    return release_files(published, inputs.catalogue, inputs.office, used, formats=wanted, structure=structure)


def _definitions(inputs: Inputs, estimates: pd.DataFrame) -> bytes:
    """The cards of a release as JSON, by id."""
    keys = sorted(set(estimates["indicator"]))
    cards = {key: asdict(inputs.catalogue[key]) for key in keys if key in inputs.catalogue}
    plain = json.loads(json.dumps(cards, default=str, sort_keys=True))
    for card in plain.values():
        del card["file"]
    return manifest.to_json(plain)


def errors(findings: Sequence[Finding]) -> list[Fault]:
    """Faults of the findings that refuse a build."""
    return [finding.fault for finding in findings if finding.severity == "error"]


def check_publication(inputs: Inputs) -> list[Fault]:
    """Names of standards, formats and languages that an office's file gives and nobody knows."""
    from uncac_metrics.disclosure import standard
    from uncac_metrics.exchange.release import check_formats

    file, faults = str(Path(inputs.office.folder) / "office.toml"), []
    for name in inputs.office.publication.standards:
        try:
            standard(name)
        except Faults as caught:
            faults += [Fault(file, "publication.standards", f.what, f.remedy) for f in caught.faults]
    publication = inputs.office.publication
    try:
        check_formats(publication.exchange or ())
    except Faults as caught:
        faults += [Fault(file, "publication.exchange", f"{f.where}: {f.what}", f.remedy) for f in caught.faults]
    if publication.structure:
        place = Path(inputs.office.folder) / publication.structure
        if not place.resolve().is_relative_to(Path(inputs.office.folder).resolve()):
            remedy = "keep the structure in the folder"
            faults.append(Fault(file, "publication.structure", "leads out of the office's folder", remedy))
        elif not place.is_file():
            faults.append(Fault(file, "publication.structure", "there is no such file", "correct the name"))
    codes = inputs.office.languages
    unknown = [code for code in codes if code not in languages.UN and not _translated(inputs, code)]
    remedy = f"choose of {', '.join(languages.UN)}, or translate the texts in languages/<code>.po"
    faults += [Fault(file, "languages", f"no pages can be written in {code!r}", remedy) for code in unknown]
    if not codes or (not unknown and len(set(codes)) < len(codes)):
        faults.append(Fault(file, "languages", "no language, or one named twice", "name each once"))
    return faults


def _translated(inputs: Inputs, code: str) -> bool:
    """Whether an office has its own translations into a language that there is."""
    try:
        languages.language(code)
    except Faults:
        return False
    return (Path(inputs.office.folder) / "languages" / f"{code}.po").is_file()
