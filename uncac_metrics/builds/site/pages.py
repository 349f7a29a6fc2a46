"""All files of the site: every page in every language, its style, its script, and the data of each indicator."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib.resources import files as within
from typing import TYPE_CHECKING, Any

from uncac_metrics.builds.figures import Plot
from uncac_metrics.builds.links import KINDS, rows
from uncac_metrics.builds.manifest import release_id, to_json
from uncac_metrics.builds.plan import Inputs
from uncac_metrics.builds.site import facts, quality
from uncac_metrics.builds.site.facts import FOLDERS, Section
from uncac_metrics.builds.site.frame import Place, environment, prefixes, words
from uncac_metrics.languages import Language
from uncac_metrics.model import DIRECTIONS, MEASURES, PROVENANCE, Indicator
from uncac_metrics.results import csv_records, in_order

if TYPE_CHECKING:
    import pandas as pd

    from uncac_metrics.builds.jobs import Outcome

OWN = "The card is this project's own, not one of UNODC's framework."
Page = tuple[str, str, dict[str, Any]]
"""Path within the folder of a language, template, and what the template takes."""


def pages(
    inputs: Inputs,
    outcomes: Sequence[Outcome],
    estimates: pd.DataFrame,
    plots: Mapping[str, Sequence[Plot]],
    drawn: Mapping[str, Mapping[str, str]],
    content: Mapping[str, Any],
    *,
    changes: pd.DataFrame | None = None,
    checks: Sequence[Mapping[str, Any]] = (),
    files: Mapping[str, bytes] | None = None,
) -> dict[str, bytes]:
    """The pages of a release and what they need; the same inputs give the same bytes.

    Parameters
    ----------
    inputs
        The office, its sources and definitions.
    outcomes
        What each job gave.
    estimates
        All estimates as published.
    plots, drawn
        The plots by language, and the text of each by name and language.
    content
        What determined the release, of :func:`uncac_metrics.builds.manifest.describe`.
    changes
        Of :func:`uncac_metrics.revisions` against the last release; None where there is none.
    checks
        ``types`` of the validation report: numbers of findings, nothing of what was found.
    files
        What else is published, for the page of downloads.

    Returns
    -------
    dict of str to bytes
        Path within the public part of the release -> content.
    """
    from uncac_metrics.plots.coverage import coverage_matrix_data
    from uncac_metrics.plots.matrix import matrix_svg

    spoken = inputs.languages
    told = {lang: facts.sections(inputs, some, drawn, changes, spoken[lang]) for lang, some in plots.items()}
    sources = [(inputs.sources[outcome.dataset], outcome) for outcome in outcomes]
    common = {
        "office": inputs.office,
        "release": release_id(content),
        "content": content,
        "sources": sources,
        "simulated": [source for source, _ in sources if source.simulated],
        "rows": len(estimates),
        "revised": facts.revised(changes),
    }
    published = {**_of_indicators(next(iter(told.values())), estimates, content), **_assets()}
    listed = {**(files or {}), **published}
    matrices = {kind: coverage_matrix_data(inputs.catalogue, estimates, by=kind) for kind in FOLDERS}
    summary = quality.summary(inputs, estimates, content, checks)
    for lang, prefix in prefixes(inputs.office).items():
        found, about = told[lang], spoken[lang]
        given = {**common, "found": found, "topics": _topics(found)}
        covered = {kind: matrix_svg(data, by=kind, with_data=True, lang=about) for kind, data in matrices.items()}
        every = _pages(found, outcomes, inputs, listed, summary, covered)
        published |= {f"{prefix}plots/coverage-{kind}.svg": text.encode() for kind, text in covered.items()}
        published |= _rendered(every, given, inputs, about, prefix)
    return published


def _pages(
    found: Mapping[str, Section],
    outcomes: Sequence[Outcome],
    inputs: Inputs,
    listed: Mapping[str, bytes],
    summary: dict[str, Any],
    matrices: Mapping[str, str],
) -> list[Page]:
    """Every page of a language."""
    return [
        ("index.html", "home.html", {"headlines": facts.headlines(found), "most": _most_revised(found)}),
        ("indicators/index.html", "indicators.html", {"missing": _missing(outcomes, inputs, found)}),
        *((f"indicators/{key}.html", "indicator.html", _indicator(section, listed)) for key, section in found.items()),
        *_commitments(inputs.catalogue, found, matrices),
        ("quality.html", "quality.html", summary),
        ("data.html", "data.html", quality.downloads(listed, found)),
    ]


def _rendered(
    every: Sequence[Page], common: Mapping[str, Any], inputs: Inputs, language: Language, prefix: str
) -> dict[str, bytes]:
    """Every page in a language, and its search index."""
    told = words(language)
    shared = {
        **common,
        **told,
        "language": language,
        "languages": [(inputs.languages[other], folder) for other, folder in prefixes(inputs.office).items()],
        "FOLDERS": FOLDERS,
        "KINDS": KINDS,
        "topic_name": facts.topic_name,
    }
    made = {}
    for path, template, given in every:
        place = Place(path, language, prefix)
        made[place.file] = environment().get_template(template).render(**shared, **given, place=place).encode()
    index = json.dumps(_index(common["found"], told), ensure_ascii=False, separators=(",", ":"))
    return made | {f"{prefix}search.js": f"window.SEARCH={index};\n".encode()}


def _index(found: Mapping[str, Section], told: Mapping[str, Any]) -> list[list[str]]:
    """What the search looks through: kind, code, name, the name in the other language, page."""
    entries = []
    for key, section in found.items():
        card = section.card
        name = told["plain"](card.name, card.name_zh)
        besides = " ".join(text for text in (card.name, card.name_zh) if text and text != name)
        entries.append([told["_"]("Indicator"), key, name, besides, f"indicators/{key}.html"])
    for kind, folder in FOLDERS.items():
        label = told["_"](kind.capitalize())
        for code, row in rows(kind).items():
            name = told["plain"](row["title"], row["title_zh"])
            besides = row["title"] if name != row["title"] else row["title_zh"]
            entries.append([label, code, name, besides, f"{folder}/{code}.html"])
    return entries


def _topics(found: Mapping[str, Section]) -> dict[str, list[Section]]:
    topics: dict[str, list[Section]] = {}
    for section in found.values():
        topics.setdefault(section.card.topic, []).append(section)
    return topics


def _indicator(section: Section, listed: Mapping[str, bytes]) -> dict[str, Any]:
    card = section.card
    numerator, denominator = facts.basis(card)
    return {
        "section": section,
        "card": card,
        "numerator": numerator,
        "denominator": denominator,
        "type": MEASURES[card.type],
        "direction": DIRECTIONS[card.direction],
        "provenance": PROVENANCE[card.provenance].capitalize(),
        "own": OWN,
        "reports": [name for end in ("md", "json") if (name := f"quality/{card.id}.{end}") in listed],
    }


def _missing(
    outcomes: Sequence[Outcome], inputs: Inputs, found: Mapping[str, Section]
) -> list[tuple[Indicator, dict[str, str]]]:
    """Indicators that are defined and not computed, with the reason for each data set of their shape."""
    missing: dict[str, dict[str, str]] = {}
    for outcome in outcomes:
        for key, reason in outcome.skipped.items():
            if key not in found:
                missing.setdefault(key, {})[outcome.dataset] = reason
    return [(inputs.catalogue[key], reasons) for key, reasons in sorted(missing.items())]


def _most_revised(found: Mapping[str, Section]) -> list[Section]:
    """Indicators with most changed estimates."""
    told = [section for section in found.values() if section.changes and section.changes["counts"]]
    told.sort(key=lambda s: (-sum(s.changes["counts"].values()) if s.changes else 0, s.card.id))
    return told[:12]


def _commitments(
    catalogue: Mapping[str, Indicator], found: Mapping[str, Section], drawn: Mapping[str, str]
) -> list[Page]:
    """Pages of every paragraph, article and target, of each kind together, and of what is covered."""
    from markupsafe import Markup

    made: list[Page] = []
    matrix = {}
    for kind, folder in FOLDERS.items():
        linked = facts.linked_to(kind, catalogue)
        table, codes = rows(kind), list(linked)
        matrix[kind] = {code: _states(ids, catalogue, found) for code, ids in linked.items()}
        lists = {"kind": kind, "table": table, "linked": linked}
        made.append((f"{folder}/index.html", "commitments.html", lists))
        for place, code in enumerate(codes):
            near = facts.neighbours().get((kind, code), {})
            given = {
                "kind": kind,
                "code": code,
                "row": table[code],
                "with_data": [found[key] for key in linked[code] if key in found],
                "defined": [catalogue[key] for key in linked[code] if key not in found],
                "near": {other: [(c, rows(other)[c]) for c in near[other]] for other in FOLDERS if near.get(other)},
                "around": [(c, table[c]) for c in codes[max(0, place - 3) : place + 4] if c != code],
                "before": codes[place - 1] if place else "",
                "after": codes[place + 1] if place + 1 < len(codes) else "",
            }
            made.append((f"{folder}/{code}.html", "commitment.html", given))
    titles = {kind: rows(kind) for kind in FOLDERS}
    marked = {kind: Markup(text) for kind, text in drawn.items()}
    made.append(("coverage.html", "coverage.html", {"matrix": matrix, "titles": titles, "drawn": marked}))
    return made


def _states(
    ids: Sequence[str], catalogue: Mapping[str, Indicator], found: Mapping[str, Section]
) -> dict[str, list[tuple[str, bool]]]:
    """Topic -> indicators of it with whether they have results, of those linked to one commitment."""
    topics: dict[str, list[tuple[str, bool]]] = {}
    for key in ids:
        topics.setdefault(catalogue[key].topic, []).append((key, key in found))
    return topics


def _of_indicators(
    found: Mapping[str, Section], estimates: pd.DataFrame, content: Mapping[str, Any]
) -> dict[str, bytes]:
    """The estimates and the definition of each indicator as files of their own."""
    table = in_order(estimates)
    header, *records = csv_records(table)
    together: dict[str, list[str]] = {}
    for key, record in zip(table["indicator"], records, strict=True):
        together.setdefault(key, [header]).append(record)
    made = {}
    for key, section in found.items():
        card = json.loads(json.dumps(asdict(section.card), default=str))
        del card["file"]
        sources = [
            {name: getattr(result["source"], name) for name in _SOURCE} for result in section.results
        ]  # fmt: skip
        links = {kind: [dict(zip(_TITLES, one, strict=True)) for one in some] for kind, some in section.links.items()}
        about = {"release": release_id(content), "own": OWN, "definition": card, "sources": sources, "linked": links}
        made[f"data/{key}.csv"] = "\n".join([*together[key], ""]).encode()
        made[f"data/{key}.json"] = to_json(about)
    return made


_SOURCE = ("id", "title", "title_zh", "producer", "terms", "origin", "ref_area", "time_period", "simulated", "notes")
_TITLES = ("code", "title", "title_zh")


def _assets() -> dict[str, bytes]:
    folder = within(__package__) / "templates"
    return {name: (folder / name).read_bytes() for name in ("site.css", "site.js")}
