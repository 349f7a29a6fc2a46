"""Calibrated, trimmed and standardised designs."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
from common import DESIGNS, Unsupported

from uncac_metrics.stats import survey


def calibrated(spec: dict, document: dict, folder: Path, options: dict) -> survey.Design:
    """The base design with the weights that the specification asks for."""
    base = document["designs"][spec["base"]]
    if base["method"] not in DESIGNS:
        raise Unsupported(f"design method {base['method']}")
    design = DESIGNS[base["method"]](base, document, folder, options)
    kind = spec["calibration"]
    if kind == "trimWeights":
        return survey.trim(design, spec["lower"], spec["upper"], strict=spec["strict"])
    if kind.startswith("poststratify"):
        return survey.poststratify(design, spec["by"], _levels(spec, "totals", document))
    if kind.startswith("rake"):
        # the raking of R takes the residuals of an unweighted regression
        return survey.rake(design, _levels(spec, "margins", document), residuals="unweighted")
    totals, population = _totals(spec, design.data)
    method = next((m for m in ("logit", "raking") if kind.startswith(m)), "linear")
    bounds = tuple(spec["bounds"]) if "bounds" in spec else None
    scale = next(iter(totals)) if "variance" in spec else None
    return survey.calibrate(design, totals, population=population, method=method, bounds=bounds, scale_variance=scale)


def standardised(spec: dict, document: dict, folder: Path, options: dict) -> survey.Design:
    """Domains standardised; classes in the order of their labels."""
    base = document["designs"][spec["base"]]
    design = DESIGNS[base["method"]](base, document, folder, options)
    classes = np.sort(design.data[spec["by"]].dropna().unique())
    return survey.standardise(
        design, spec["by"], dict(zip(classes, spec["population"], strict=True)), over=spec["over"].split("+"),
        excluding_missing=spec["excluding_missing"], partial=True,
    )  # fmt: skip


DESIGNS["calibrated"] = calibrated
DESIGNS["standardised"] = standardised


def _levels(spec: dict, key: str, document: dict) -> dict:
    """Totals by level as given, or read off the R call where the specification only names the columns."""
    if isinstance(spec.get(key), dict):
        return spec[key]
    found = {}
    for frame in re.findall(r"data\.frame\((.*?\))\s*,\s*Freq=c\((.*?)\)", spec["r"]):
        column, levels = re.match(r"([\w.]+)=c\((.*)\)", frame[0]).groups()  # type: ignore[union-attr]
        found[column] = dict(zip(re.findall(r"'([^']*)'", levels), map(float, frame[1].split(",")), strict=True))
    return found if key == "margins" else found[spec["by"]]


def _totals(spec: dict, data: pd.DataFrame) -> tuple[dict, float | None]:
    """Totals of an R formula: the level without a coefficient is what the others leave of the population."""
    given = dict(spec.get("totals") or {})
    if not given:
        inner = re.search(r"c\((`\(Intercept\)`=.*?)\)", spec["r"])
        if inner is None:
            raise Unsupported(f"totals of {spec['r']}")
        given = {k.strip("`() "): float(v) for k, v in (p.rsplit("=", 1) for p in inner[1].split(","))}
    population = given.get("Intercept")
    totals: dict = {}
    for name in spec["formula"].lstrip("~").replace("-1", "").split("+"):
        if pd.api.types.is_numeric_dtype(data[name]):
            totals[name] = given[name]
            continue
        levels = sorted(data[name].unique())
        own = {level: given[name + level] for level in levels if name + level in given}
        totals[name] = {levels[0]: population - sum(own.values())} | own
    return totals, population
