"""The civil servants of Exampleland and the sample of them in the simulated survey of the civil service."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from simulate import Measure, answer, expit, systematic

# level of government: institutions in the country and in the sample, median staff, effect on irregularities
LEVELS = {"central": (110, 34, 70, -0.1), "regional": (180, 34, 50, 0.0), "local": (420, 44, 32, 0.2)}
TAKE = 19  # civil servants chosen in a sampled institution
ANSWERING = 0.93
SEXES, AGES, GRADES = ["F", "M"], ["Y18T29", "Y30T44", "Y45T64"], ["junior", "middle", "senior"]


def civil_servants(seed: int) -> pd.DataFrame:
    """Every civil servant of the country with the answers they would give, ordered by institution."""
    rng = np.random.default_rng([seed, 3])
    level = np.repeat(np.arange(len(LEVELS)), [rule[0] for rule in LEVELS.values()])
    median, effect = (np.array([rule[i] for rule in LEVELS.values()]) for i in (2, 3))
    staff = np.rint(median[level] * rng.lognormal(0, 0.4, len(level))).astype(int).clip(20, 3 * median[level])
    climate = rng.normal(0, 0.5, len(level))
    psu = np.repeat(np.arange(len(level)), staff)
    n, male = len(psu), rng.random(len(psu)) < 0.46
    age = np.searchsorted([0.18, 0.62], rng.random(n))
    grade = np.searchsorted([0.45, 0.84], rng.random(n))
    tone = climate[psu] + effect[level[psu]] + rng.normal(0, 0.5, n)
    public = rng.random(n) < np.array([0.42, 0.55, 0.70])[level[psu]]
    offered = public & (rng.random(n) < expit(-2.35 + tone + 0.3 * male))
    recruited = rng.random(n) < np.array([0.45, 0.10, 0.04])[age]
    out = {
        "public_contact": public,
        "offered": offered,
        "undue_pressure": rng.random(n) < expit(-2.3 + tone + 0.3 * grade),
        "aware_misuse": rng.random(n) < expit(-1.9 + tone),
        "asked_against_rules": rng.random(n) < expit(-2.2 + tone),
        "recruited_3y": recruited,
        "training_2y": rng.random(n) < expit(-0.2 - 0.5 * climate[psu] + 0.2 * grade),
        "would_report_safely": rng.random(n) < expit(0.3 - 0.8 * tone),
        "knows_code": np.random.default_rng([seed, 3, 2]).random(n) < expit(0.1 - 0.4 * climate[psu] + 0.4 * grade),
    }
    table = pd.DataFrame({name: values.astype(np.int8) for name, values in out.items()})
    named = pd.Categorical.from_codes
    return table.assign(
        offer_reported=np.where(offered, rng.random(n) < 0.16, np.nan),
        recruited_unfairly=np.where(recruited, rng.random(n) < expit(-1.1 + tone), np.nan),
        stratum=level[psu] + 1,
        psu=(level[psu] + 1) * 1000 + psu,
        psu_size=staff[psu],
        sex=named(male.astype(int), SEXES),
        age=named(age, AGES),
        grade=named(grade, GRADES),
        institution=named(level[psu], list(LEVELS)),
    )


def draw(units: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Institutions with probability proportional to staff, 19 staff of each; weighted for non-response."""
    first = units.drop_duplicates("psu")
    wanted = first.stratum.map(dict(enumerate([rule[1] for rule in LEVELS.values()], 1)))
    chance = wanted * first.psu_size / first.groupby("stratum").psu_size.transform("sum")
    taken = systematic(first.stratum.to_numpy(), chance.to_numpy(), rng)
    chance = pd.Series(chance.to_numpy(), index=first.psu.to_numpy())
    inside = units[units.psu.isin(first.psu.to_numpy()[taken])]
    inside = inside.iloc[np.lexsort((rng.random(len(inside)), inside.psu))]
    chosen = inside[inside.groupby("psu").cumcount() < TAKE].sort_index()
    chosen = chosen.assign(weight=chosen.psu_size / TAKE / chosen.psu.map(chance))
    answers = rng.random(len(chosen)) < ANSWERING
    whole = chosen.groupby("stratum").weight.sum()
    sample = chosen[answers]
    scale = sample.stratum.map(whole / sample.groupby("stratum").weight.sum())
    return sample.assign(weight=sample.weight * scale).reset_index(drop=True)


def questionnaire(sample: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """The office's own file: 1 yes, 2 no, 8 does not know, 9 refuses; skipped questions are empty."""
    raw = pd.DataFrame(
        {
            "FOLIO": np.arange(1, len(sample) + 1),
            "NIVEL": sample.stratum,
            "INSTIT": sample.psu,
            "PESO": sample.weight.round(3),
            "SEXO": 2 - sample.sex.cat.codes,
            "EDAD_G": sample.age.cat.codes + 1,
            "GRADO": sample.grade.cat.codes + 1,
        }
    )
    asked_of_all = {
        "P1_PUBLIC": "public_contact", "P4_PRESSURE": "undue_pressure", "P5_MISUSE": "aware_misuse",
        "P6_RULES": "asked_against_rules", "P7_RECENT": "recruited_3y", "P9_TRAINING": "training_2y",
        "P10_SAFE": "would_report_safely",
    }  # fmt: skip
    for name, column in asked_of_all.items():
        raw[name] = answer(2 - sample[column], rng, know=0.01, refuse=0.015)
    for name, column, gate in (
        ("P2_OFFERED", "offered", "P1_PUBLIC"),
        ("P3_REPORTED", "offer_reported", "P2_OFFERED"),
        ("P8_UNFAIR", "recruited_unfairly", "P7_RECENT"),
    ):
        raw[name] = np.where(raw[gate] == 1, answer(2 - sample[column], rng, know=0.01, refuse=0.02), np.nan)
    raw["P11_CODE"] = answer(2 - sample.knows_code, rng, refuse=0.02)
    return raw


def measures(units: pd.DataFrame) -> Iterator[Measure]:
    """What the indicators count among the civil servants."""
    p = {name: units[name].to_numpy() for name in units}
    yield "BR-26", {}, p["offered"], p["public_contact"], "%"
    yield "BR-34", {}, p["offer_reported"], p["offered"], "%"
    for indicator, column in {
        "EM-04": "aware_misuse", "TI-01": "undue_pressure", "AF-03": "asked_against_rules",
    }.items():  # fmt: skip
        yield indicator, {}, p[column], np.ones(len(units)), "%"
    yield "CC-01", {}, p["knows_code"], np.ones(len(units)), "%"
    yield "HR-02b", {}, p["recruited_unfairly"], p["recruited_3y"], "%"
    yield "WB-05a", {}, p["would_report_safely"], np.ones(len(units)), "%"
