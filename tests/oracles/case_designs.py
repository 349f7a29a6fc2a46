"""Replicate weights, unequal probabilities and two phases; degrees of freedom and weights of a design."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
from common import CLOSED, DESIGNS, ITERATIVE, KINDS, Comparison, Unsupported, condition, read

from uncac_metrics.stats import survey

REPLICATE_KINDS = {
    "JK1": "JK1", "JKn": "JKn", "JK2": "JK2", "BRR": "BRR", "Fay": "fay", "successive": "sdr", "ACS": "sdr",
    "other": "other", "bootstrap": "bootstrap", "Rao": "bootstrap", "subbootstrap": "bootstrap",
    "multistage": "bootstrap",
}  # fmt: skip


def replication(spec: dict, document: dict, folder: Path, options: dict) -> survey.Design:
    """Replicate weights as supplied, with the scale that goes with them."""
    data = read(spec, folder)
    weights = pd.read_csv(folder / Path(spec["replicate_weights"]).name)
    data["pw.full"] = weights.pop("pw").to_numpy()
    kind = REPLICATE_KINDS.get(re.match(r"\w+", spec["type"])[0])  # type: ignore[index]
    if kind is None:
        raise Unsupported(f"replicates {spec['type']}")
    return survey.replicate_design(
        data, weight="pw.full", replicates=weights.to_numpy(), kind=kind, scale=spec["scale"],
        rscales=spec["rscales"], combined=spec.get("combined_weights", True), mse=spec.get("mse", False),
        fay=spec.get("fay_rho", 0.0),
    )  # fmt: skip


def pps(spec: dict, document: dict, folder: Path, options: dict) -> survey.Design:
    """Unequal probabilities; the joint ones by approximation or as a matrix."""
    data = read(spec, folder)
    text = spec["pps"]
    variance = "yg" if text.lower().endswith("yg") else "ht"
    psum = joint = None
    if spec.get("joint"):
        method, joint = "joint", pd.read_csv(folder / Path(spec["joint"]).name).to_numpy()
    else:
        method = next(m for m in ("brewer", "overton", "hartley_rao", "poisson") if text.startswith(m))
    if "p2bar" in text:
        p = data[spec["fpc"]]
        psum = float((p**2).sum() / len(p))
    return survey.pps_design(
        data, probability=spec["fpc"], weight=spec.get("weights"), stratum=spec.get("strata"), psu=spec.get("ids"),
        method=method, variance=variance, psum=psum, joint=joint,
    )  # fmt: skip


def twophase(spec: dict, document: dict, folder: Path, options: dict) -> survey.Design:
    """Two phases. Without an fpc R takes the units of the first phase as drawn independently under "full"."""
    ids, strata = (spec.get(key) or [None, None] for key in ("ids", "strata"))
    variance = spec["variance"]
    return survey.two_phase(
        read(spec, folder), subset=spec["phase2_subset"], psu=ids[0], psu2=ids[1], stratum=strata[0],
        stratum2=strata[1], variance=variance, first_phase="random" if variance == "full" else "fixed",
    )  # fmt: skip


DESIGNS.update(replication=replication, pps=pps, twophase=twophase)


def degf(case: dict, design: survey.Design, result: Comparison) -> None:
    """Degrees of freedom of the design and of its domains: ``name=degf(d)`` or ``name=degf(subset(d, condition))``."""
    want = {row["term"]: row["estimate"] for row in case["expected"]["rows"]}
    call = case["r_call"]
    found = dict(re.findall(r"(\w+)=degf\((d\b|subset\(d, .*?\))\)(?=[,)]|$)", call))
    if not found and re.fullmatch(r"degf\(d\)", call):
        found = dict.fromkeys(want, "d")
    if set(found) != set(want):
        raise Unsupported(f"call {call}")
    data = design.data
    for term, expression in found.items():
        if expression == "d":
            got = float(design.df)
        else:
            inside = condition(expression.removeprefix("subset(d, ").removesuffix(")"), data) == 1
            data["in.domain"] = pd.Series(np.where(inside, "in", None), dtype=object)
            got = survey.mean(design, np.ones(design.n), by="in.domain", df="domain").table["df"].iloc[0]
        result.number(f"{term} df", got, want[term])


def weights_summary(case: dict, design: survey.Design, result: Comparison) -> None:
    """Sum, smallest, largest, sum of squares, first and last of the weights."""
    w = design.weight
    got = {"sum": w.sum(), "min": w.min(), "max": w.max(), "ss": (w**2).sum(), "first": w[0], "last": w[-1]}
    exact = re.search(r"linear\(|\.linb|rak|logit|bound|trim", case["design"] + case["r_call"]) is None
    for row in case["expected"]["rows"]:
        if row["term"] not in got:
            raise Unsupported(f"summary {row['term']}")
        # bounded and raked weights are the end of an iteration
        result.number(row["term"], got[row["term"]], row["estimate"], CLOSED if exact else ITERATIVE)


KINDS.update(degf=degf, weights_summary=weights_summary)
