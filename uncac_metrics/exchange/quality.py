"""Reference metadata: a quality report for each indicator, made of its card and of the results.

The concepts and their numbers are those of the Single Integrated Metadata Structure (SIMS 2.0) of the European
Statistical System, which takes in the prerequisites and dimensions of the IMF's framework (DQAF).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from uncac_metrics.exchange.frames import plain
from uncac_metrics.model import (
    BREAKDOWNS,
    CONF_STATUS,
    DIRECTIONS,
    DISPLAY,
    MEASURES,
    OBS_STATUS,
    PROVENANCE,
    TOTAL,
    Indicator,
    Office,
    Source,
)
from uncac_metrics.shapes import SHAPES

CONCEPTS = {
    "S.1": "Contact",
    "S.3.1": "Data description",
    "S.3.2": "Classification system",
    "S.3.4": "Statistical concepts and definitions",
    "S.3.5": "Statistical unit",
    "S.3.6": "Statistical population",
    "S.3.7": "Reference area",
    "S.3.8": "Time coverage",
    "S.4": "Unit of measure",
    "S.5": "Reference period",
    "S.7": "Confidentiality",
    "S.9": "Frequency of dissemination",
    "S.12": "Relevance",
    "S.13.1": "Overall accuracy",
    "S.13.2": "Sampling error",
    "S.13.3": "Non-sampling error",
    "S.14": "Timeliness",
    "S.15": "Coherence and comparability",
    "S.17": "Data revision",
    "S.18.1": "Source data",
    "S.18.5": "Data compilation",
    "S.19": "Comment",
}
"""Concept by its number in SIMS, in the order of the report."""


def quality_report(
    card: Indicator,
    rows: pd.DataFrame,
    catalogue: Mapping[str, Indicator],
    office: Office,
    sources: Mapping[str, Source],
) -> dict[str, Any]:
    """What a user should know of an indicator's figures in a release, by concept.

    Parameters
    ----------
    card : Indicator
        Its definition.
    rows : DataFrame
        Its rows, as :func:`uncac_metrics.exchange.structures.publishable` gives them.
    catalogue, office, sources
        All definitions, whose release it is, and data sets by id.

    Returns
    -------
    dict
        ``id``, ``name``, ``concepts`` (number -> ``name`` and ``text`` or ``figures``). Under S.13.2 a line for each
        data set and statistic: rows, range of n, standard error and coefficient of variation; under S.13.3 how many
        of the base answered; under S.14 days from the end of the period to that on which the source was obtained.
    """
    used = [sources[key] for key in sorted(rows["dataset"].unique()) if key in sources]
    groups = [name for name in BREAKDOWNS if (rows[name] != TOTAL).any()]
    areas = sorted(rows["ref_area"].unique())
    periods = sorted(rows["time_period"].unique())
    said: dict[str, Any] = {
        "S.1": " ".join(text for text in (office.name, office.contact) if text),
        "S.3.1": card.objective,
        "S.3.2": "; ".join(f"{name}: {BREAKDOWNS[name]}" for name in groups) or "No breakdown is published",
        "S.3.4": f"{card.description} Formula: {card.formula}",
        "S.3.5": SHAPES[card.measure.shape].row if card.measure.shape in SHAPES else "",
        "S.3.6": card.universe,
        "S.3.7": f"{len(areas)} areas" if len(areas) > 5 else ", ".join(areas),
        "S.3.8": periods[0] if len(periods) == 1 else f"{periods[0]} to {periods[-1]} ({len(periods)} periods)",
        "S.4": f"{card.unit}. {DIRECTIONS.get(card.direction, '')}",
        "S.5": card.reference_period,
        "S.7": _confidentiality(rows),
        "S.9": card.frequency,
        "S.12": _relevance(card),
        "S.13.1": f"{MEASURES.get(card.type, card.type)}. {_counted(rows, 'obs_status', OBS_STATUS)}. "
                  f"{_counted(rows, 'display', DISPLAY)}.",
        "S.13.2": _sampling(rows),
        "S.13.3": _answered(rows),
        "S.14": _timeliness(rows, sources),
        "S.15": _coherence(card, catalogue),
        "S.17": _revision(rows),
        "S.18.1": "; ".join(f"{s.title} ({s.producer}; {s.terms}{'; simulated' if s.simulated else ''})" for s in used),
        "S.18.5": "; ".join(sorted(m for m in rows["method"].unique() if m)),
        "S.19": f"{card.notes} {PROVENANCE.get(card.provenance, '')}",
    }  # fmt: skip
    concepts = {}
    for number, name in CONCEPTS.items():
        found = said[number]
        if isinstance(found, str):
            if plain(found):
                concepts[number] = {"name": name, "text": plain(found)}
        elif found:
            concepts[number] = {"name": name, "figures": found}
    return {"id": card.id, "name": card.name, "concepts": concepts}


def quality_files(
    table: pd.DataFrame, catalogue: Mapping[str, Indicator], office: Office, sources: Mapping[str, Source]
) -> dict[str, bytes]:
    """``quality/<id>.json`` and ``quality/<id>.md`` of every indicator of a release that has a card."""
    files = {}
    for key, rows in table.groupby("indicator", sort=True):
        card = catalogue.get(str(key))
        if card is None:
            continue
        report = quality_report(card, rows, catalogue, office, sources)
        text = json.dumps(report, ensure_ascii=False, indent=2) + "\n"
        files[f"quality/{card.id}.json"] = text.encode()
        files[f"quality/{card.id}.md"] = _markdown(report).encode()
    return files


def _counted(rows: pd.DataFrame, column: str, labels: Mapping[str, str]) -> str:
    counts = rows[column].value_counts()
    return ", ".join(f"{label.lower()}: {counts[code]}" for code, label in labels.items() if code in counts)


def _confidentiality(rows: pd.DataFrame) -> str:
    held = rows[rows["display"] == "withheld"]
    rule = "Figures that are withheld carry no value, error or bounds; confidential ones no counts either."
    why = sorted({str(reason) for reason in held["reason"] if reason})
    told = f" Withheld here: {len(held)} of {len(rows)} ({'; '.join(why[:10])})." if len(held) else ""
    return f"{rule} {_counted(rows, 'conf_status', CONF_STATUS)}.{told}"


def _relevance(card: Indicator) -> str:
    parts = {
        "Paragraphs of the declaration": card.paragraphs,
        "Articles of the Convention": card.articles,
        "Targets and indicators of the 2030 Agenda": card.targets,
        "SDG series": card.series,
    }
    return "; ".join(f"{name}: {', '.join(codes)}" for name, codes in parts.items() if codes)


def _sampling(rows: pd.DataFrame) -> list[dict[str, Any]]:
    """A line for each data set and statistic."""
    found = []
    for (dataset, statistic), group in rows.groupby(["dataset", "statistic"], sort=True):
        line: dict[str, Any] = {"dataset": str(dataset), "statistic": str(statistic), "rows": len(group)}
        for name in ("n", "std_error", "cv"):
            values = group[name].to_numpy(float, na_value=np.nan)
            values = values[np.isfinite(values)]
            if values.size:
                line[name] = [_number(values.min()), _number(values.max())]
        bounded = int((group["lower"].notna() & group["upper"].notna()).sum())
        line["with_interval"] = bounded
        line["interval"] = sorted(text for text in group["interval"].unique() if text)
        found.append(line)
    return found


def _answered(rows: pd.DataFrame) -> str:
    """Answers among the base, in the rows without breakdown."""
    total = rows[(rows[list(BREAKDOWNS)] == TOTAL).all(axis=1)]
    parts = []
    for dataset, group in total.groupby("dataset", sort=True):
        n, base = group["n"].to_numpy(float, na_value=np.nan), group["n_eligible"].to_numpy(float, na_value=np.nan)
        held = np.isfinite(n) & np.isfinite(base) & (base > 0)
        if held.any():
            share = 100 * n[held].sum() / base[held].sum()
            parts.append(f"{dataset}: {n[held].sum():,.0f} of {base[held].sum():,.0f} in the base ({share:.1f} %)")
    return "; ".join(parts)


def _timeliness(rows: pd.DataFrame, sources: Mapping[str, Source]) -> list[dict[str, Any]]:
    found = []
    for dataset, group in rows.groupby("dataset", sort=True):
        source = sources.get(str(dataset))
        year = str(group["time_period"].max())[:4]
        if source is None or len(source.accessed) != 10 or not year.isdigit():
            continue
        days = (date.fromisoformat(source.accessed) - date(int(year), 12, 31)).days
        found.append({"dataset": str(dataset), "last_period": str(group["time_period"].max()),
                      "source_obtained": source.accessed, "days_after_end_of_year": days})  # fmt: skip
    return found


def _coherence(card: Indicator, catalogue: Mapping[str, Indicator]) -> str:
    same = sorted(key for key, other in catalogue.items() if key != card.id
                  and other.measure.denominator == card.measure.denominator
                  and other.measure.shape == card.measure.shape)  # fmt: skip
    text = f"Denominator: {card.measure.denominator}. Figures with other denominators are not compared."
    return f"{text} With the same denominator: {', '.join(same[:20])}." if same else text


def _revision(rows: pd.DataFrame) -> str:
    provisional, broken = (int((rows["obs_status"] == code).sum()) for code in "PB")
    text = (
        "A release is not changed: a revised figure is in a later one, and the revision is the difference of the two."
    )
    return f"{text} Provisional here: {provisional}; breaks in series: {broken}."


def _number(value: float) -> float | int:
    """A figure for reading: four significant digits, whole where it is whole."""
    short = float(f"{value:.4g}")
    return int(short) if short.is_integer() else short


def _markdown(report: Mapping[str, Any]) -> str:
    lines = [f"# {report['id']}: {report['name']}", ""]
    for number, concept in report["concepts"].items():
        lines += [f"## {number} {concept['name']}", ""]
        if "text" in concept:
            lines += [concept["text"], ""]
            continue
        names = list(dict.fromkeys(name for line in concept["figures"] for name in line))
        lines += [f"| {' | '.join(n.replace('_', ' ') for n in names)} |", f"|{' --- |' * len(names)}"]
        lines += [f"| {' | '.join(_cell(line.get(name, '')) for name in names)} |" for line in concept["figures"]]
        lines.append("")
    return "\n".join(lines)


def _cell(value: Any) -> str:
    if isinstance(value, list):
        numbers = all(isinstance(v, int | float) for v in value)
        return " to ".join(f"{v:,}" for v in value) if numbers and value else ", ".join(map(str, value))
    return str(value).replace("|", "\\|")
