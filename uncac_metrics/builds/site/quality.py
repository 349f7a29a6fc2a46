"""What the pages say of quality, and the list of all files that can be taken along."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from uncac_metrics.builds.plan import Inputs
from uncac_metrics.model import DISPLAY

if TYPE_CHECKING:
    import pandas as pd

    from uncac_metrics.builds.site.facts import Section

FILES: Mapping[str, str] = {
    "estimates.csv": "All estimates with their uncertainty",
    "estimates.parquet": "The same as Parquet",
    "indicators.json": "All definitions",
    "revisions.csv": "All changes since the last release",
    "manifest.json": "Digests of definitions, data, code and files",
}
"""What can be taken along, in words."""
_SHOWN = {"plots", "data", "site.css", "site.js"}
"""Files and folders, of the release or of one language, that other pages lead to."""


def summary(
    inputs: Inputs, estimates: pd.DataFrame, content: Mapping[str, Any], checks: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """What the page of quality shows: numbers of estimates by how they are shown and why, standards, checks.

    Parameters
    ----------
    inputs
        The office and its rules of publication.
    estimates
        As published.
    content
        What determined the release: which data sets are confidential.
    checks
        Numbers of findings by severity and rule.
    """
    from uncac_metrics.disclosure import standards

    shown = Counter(estimates["display"])
    pairs = zip(estimates["display"], estimates["reason"], strict=True)
    reasons = Counter((display, part) for display, text in pairs for part in parts(text))
    titles = standards().set_index("standard")
    topics = estimates["indicator"].map({key: card.topic for key, card in inputs.catalogue.items()}).fillna("")
    by_topic = {
        str(topic): {name: int((part == name).sum()) for name in DISPLAY}
        for topic, part in estimates["display"].groupby(topics, sort=True)
    }
    return {
        "shown": {name: shown.get(name, 0) for name in DISPLAY},
        "reasons": [
            (display, reason, count)
            for display in ("withheld", "flagged", "shown")
            for (kind, reason), count in sorted(reasons.items(), key=lambda item: (-item[1], item[0]))
            if kind == display
        ],
        "by_topic": by_topic,
        "standards": [(name, *titles.loc[name, ["title", "source"]]) for name in inputs.office.publication.standards],
        "minimum": inputs.office.publication.minimum,
        "checks": checks,
        "confidential": {key for key, entry in content["datasets"].items() if entry["confidential"]},
    }


def parts(reason: object) -> list[str]:
    """The reasons in a cell, without their numbers, so that like ones count together.

    Examples
    --------
    >>> parts("224 of 527 amounts are missing; coefficient of variation grade low")
    ['… of … amounts are missing', 'coefficient of variation grade low']
    """
    text = reason if isinstance(reason, str) else ""
    return list(dict.fromkeys(re.sub(r"\d[\d.,]*(?<!,)", "…", one) for one in text.split("; ") if one))


def downloads(files: Mapping[str, bytes], found: Mapping[str, Section]) -> dict[str, Any]:
    """What the page of downloads lists: name, what it is, size."""
    named = {name: about for name, about in FILES.items() if name in files or name == "manifest.json"}
    others = [name for name in sorted(files) if name not in FILES and not {*name.split("/")[:2]} & _SHOWN]
    folders: dict[str, list[str]] = {}
    for name in others:
        folders.setdefault(name.rpartition("/")[0], []).append(name)
    sizes = {name: len(files[name]) for name in (*named, *others) if name in files}
    return {"named_files": named, "folders": folders, "sizes": sizes}
