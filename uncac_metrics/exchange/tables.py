"""``estimates.csv`` described for others: CSV on the Web, Data Package, RO-Crate."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from uncac_metrics.model import Column, Office, Source
from uncac_metrics.results import KEY
from uncac_metrics.shapes import ESTIMATES

ESTIMATES_CSV = "estimates.csv"
INTEGERS = ("n", "n_eligible", "n_psu", "events")
_MAYBE_INFINITE = r"-?(inf|\d+(\.\d+)?(e[-+]?\d+)?)"


def csvw(table: pd.DataFrame, office: Office, sources: Mapping[str, Source]) -> bytes:
    """Metadata of ``estimates.csv`` by CSV on the Web [1]_.

    Parameters
    ----------
    table : DataFrame
        The results frame.
    office, sources
        Whose release it is, and data sets by id.

    Returns
    -------
    bytes
        ``estimates.csv-metadata.json``. Columns that hold infinite numbers are text with a format, since ``inf`` is
        no number there.

    References
    ----------
    .. [1] W3C (2015), Metadata Vocabulary for Tabular Data.
    """
    columns = []
    for one, endless in _columns(table):
        entry: dict[str, Any] = {"name": one.name, "titles": one.name, "dc:description": one.label}
        if one.name in INTEGERS:
            entry["datatype"] = {"base": "integer", "minimum": "0"}
        elif one.kind == "number":
            entry["datatype"] = {"base": "string", "format": _MAYBE_INFINITE} if endless else "number"
        elif one.codes:
            entry["datatype"] = {"base": "string", "format": "|".join(one.codes)}
        else:
            entry["datatype"] = "string"
        if one.complete:
            entry["required"] = True
        else:
            entry["null"] = ""
        columns.append(entry)
    content = {
        "@context": ["http://www.w3.org/ns/csvw", {"@language": "en"}],
        "url": ESTIMATES_CSV,
        "dc:title": _title(office),
        "dc:publisher": office.name,
        "dc:source": [one.title for one in _used(table, sources)],
        "dc:license": _terms(table, sources),
        "dialect": {"encoding": "utf-8", "lineTerminators": ["\n"], "header": True},
        "tableSchema": {"columns": columns, "primaryKey": list(KEY)},
    }
    return _json(content)


def datapackage(table: pd.DataFrame, office: Office, sources: Mapping[str, Source]) -> bytes:
    """``datapackage.json`` for ``estimates.csv``: table schema, constraints, primary key, sources and terms [1]_.

    Parameters
    ----------
    table, office, sources
        As for :func:`csvw`.

    Returns
    -------
    bytes
        The descriptor.

    References
    ----------
    .. [1] Frictionless Data, Data Package and Table Schema, version 1.
    """
    fields = []
    for one, endless in _columns(table):
        entry: dict[str, Any] = {"name": one.name, "title": one.label, "type": "string"}
        limits: dict[str, Any] = {"required": True} if one.complete else {}
        if one.name in INTEGERS:
            entry["type"] = "integer"
            limits["minimum"] = 0
        elif one.kind == "number" and endless:
            limits["pattern"] = _MAYBE_INFINITE
        elif one.kind == "number":
            entry["type"] = "number"
            if one.low is not None:
                limits["minimum"] = one.low
            if one.high is not None:
                limits["maximum"] = one.high
        elif one.codes:
            limits["enum"] = list(one.codes)
        fields.append(entry | ({"constraints": limits} if limits else {}))
    resource = {
        "name": "estimates",
        "path": ESTIMATES_CSV,
        "profile": "tabular-data-resource",
        "title": "Estimates with their uncertainty",
        "format": "csv",
        "mediatype": "text/csv",
        "encoding": "utf-8",
        "schema": {"fields": fields, "primaryKey": list(KEY), "missingValues": [""]},
    }
    content = {
        "name": re.sub(r"[^a-z0-9._/-]+", "-", f"uncac-metrics-{office.id}".lower()),
        "title": _title(office),
        "profile": "tabular-data-package",
        "resources": [resource],
        "contributors": [{"title": office.name, "role": "publisher"}],
        "sources": [{"title": f"{one.title} ({one.producer})"} for one in _used(table, sources)],
        "licenses": [{"name": _slug(terms), "title": terms} for terms in _terms(table, sources)],
    }
    return _json({k: v for k, v in content.items() if v})


def ro_crate(
    files: Iterable[str], table: pd.DataFrame, office: Office, sources: Mapping[str, Source], day: str
) -> bytes:
    """``ro-crate-metadata.json``: what the files of a release are, in the words of RO-Crate 1.1 [1]_.

    Parameters
    ----------
    files : iterable of str
        Paths within the release.
    table, office, sources
        As for :func:`csvw`.
    day : str
        Day given as that of publication.

    Returns
    -------
    bytes
        JSON-LD.

    References
    ----------
    .. [1] Sefton et al. (2020), RO-Crate Metadata Specification 1.1, https://w3id.org/ro/crate/1.1.
    """
    names = sorted({ESTIMATES_CSV, *files})
    parts = [{"@id": name} for name in names]
    used = _used(table, sources)
    graph: list[dict[str, Any]] = [
        {
            "@id": "ro-crate-metadata.json",
            "@type": "CreativeWork",
            "conformsTo": {"@id": "https://w3id.org/ro/crate/1.1"},
            "about": {"@id": "./"},
        },
        {
            "@id": "./",
            "@type": "Dataset",
            "name": _title(office),
            "description": f"{len(table)} estimates of {table['indicator'].nunique()} indicators",
            "datePublished": day,
            "license": "; ".join(_terms(table, sources)) or "not stated",
            "publisher": {"@id": "#office"},
            "isBasedOn": [{"@id": f"#source-{one.id}"} for one in used],
            "hasPart": parts,
        },
        {"@id": "#office", "@type": "Organization", "name": office.name},
    ]
    graph += [{"@id": f"#source-{one.id}", "@type": "Dataset", "name": one.title, "license": one.terms,
               "creator": one.producer} for one in used]  # fmt: skip
    graph += [{"@id": name, "@type": "File", "name": name, "encodingFormat": _media(name)} for name in names]
    return _json({"@context": "https://w3id.org/ro/crate/1.1/context", "@graph": graph})


def _columns(table: pd.DataFrame) -> list[tuple[Column, bool]]:
    """Columns of the results in their order, and whether each holds an infinite number."""
    shape = ESTIMATES
    found = []
    for name in table.columns:
        column = shape.column(str(name))
        if column is not None:
            number = column.kind == "number" and name not in INTEGERS
            found.append((column, number and bool(np.isinf(table[name].to_numpy(float, na_value=np.nan)).any())))
    return found


def _used(table: pd.DataFrame, sources: Mapping[str, Source]) -> list[Source]:
    return [sources[key] for key in sorted(table["dataset"].unique()) if key in sources]


def _terms(table: pd.DataFrame, sources: Mapping[str, Source]) -> list[str]:
    return sorted({one.terms for one in _used(table, sources) if one.terms})


def _title(office: Office) -> str:
    return f"Indicators of corruption and of what is done against it: {office.name}"


def _slug(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip("-")


def _media(name: str) -> str:
    own = {".yml": "application/yaml", ".md": "text/markdown", ".json": "application/json", ".csv": "text/csv",
           ".xml": "application/xml"}  # fmt: skip
    return next((media for end, media in own.items() if name.endswith(end)), "text/plain")


def _json(content: Mapping[str, Any]) -> bytes:
    return (json.dumps(content, ensure_ascii=False, indent=2) + "\n").encode()
