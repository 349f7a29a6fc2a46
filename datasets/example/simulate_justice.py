"""The corruption cases of Exampleland's justice system, and its requests for legal assistance and extradition."""

from __future__ import annotations

import numpy as np
import pandas as pd
from simulate_records import (
    CUT_OFF,
    PARTNERS,
    PEOPLE,
    YEARS,
    arrivals,
    choose,
    filled,
    gap_chances,
    gaps,
    quantile,
    seen,
    share_observed,
    truths,
)

# crime class (ICCS): suspects a year per 100,000 people, chance of being charged
OFFENCES = {
    "07031": (26.0, 0.58), "07032": (21.0, 0.64), "07033": (13.0, 0.42), "07034": (5.0, 0.45),
    "07035": (3.0, 0.35), "07041": (11.0, 0.60), "08061": (4.0, 0.55),
}  # fmt: skip
# days from one stage to the next: median, and sigma of the logarithm
ORDINARY, HIGH = (209.6, 0.85), (388.4, 0.7)  # from suspicion to charge or discontinuance
COURT, TRIAL, APPEAL = (45.2, 0.5), (240.5, 0.6), (121.3, 0.7)
HIGH_LEVEL, WOMEN, LEGAL = 0.07, 0.19, 0.08
DROPPED = {"discontinued": 0.78, "limitation": 0.11, "transferred": 0.06, "other": 0.05}
VERDICTS = {"convicted": 0.71, "acquitted": 0.21, "settled": 0.08}
SANCTIONS = {"custodial": 0.34, "suspended": 0.31, "fine": 0.22, "community": 0.08, "disqualification": 0.05}
FINE = (9.6, 0.7)  # mean and sigma of the logarithm, local currency
ESTABLISHED = (10.4, 0.8)  # gain established by final judgment, likewise
ASKED, LIFTED = 0.55, 0.62  # immunity of high officials: lifting requested, and lifted if requested
FLAGS = {
    "ORGANISED": 0.12, "JOINT": 0.30, "RANDOM": 0.83, "PRIVATE": 0.09, "ELECTORAL": 0.04, "SPORT": 0.03,
    "FOREIGN": 0.02, "BOOKS": 0.06,
}  # fmt: skip
EMPTY = 0.03
"""Share of the flags that the clerks did not fill in."""

# kind of request: expected number a year, shares of the final answers
REQUESTS = {
    "mla": (150, {"executed": 0.70, "partial": 0.06, "refused": 0.16, "withdrawn": 0.08}),
    "extradition": (48, {"executed": 0.55, "refused": 0.36, "withdrawn": 0.09}),
    "confiscation_order": (26, {"executed": 0.64, "partial": 0.12, "refused": 0.18, "withdrawn": 0.06}),
    "spontaneous": (30, {"executed": 1.0}),
    "joint_team": (6, {"executed": 1.0}),
}
ANSWER = (171.4, 0.8)
RECEIVED = 0.58
GROUNDS = {
    "dual_criminality": 0.22, "form": 0.36, "sovereignty": 0.08, "proportionality": 0.15, "rights": 0.07,
    "other": 0.12,
}  # fmt: skip
PROCEEDINGS = {"criminal": 0.86, "civil": 0.06, "administrative": 0.03, "nonconviction": 0.05}
ELECTRONIC = 0.46


def cases(seed: int) -> pd.DataFrame:
    """Register of corruption cases, a row a defendant; the stages that had not come by the extract are empty."""
    rng = np.random.default_rng([seed, 11])
    begun = arrivals(rng, YEARS * sum(PEOPLE.values()) / 1e5 * sum(rate for rate, _ in OFFENCES.values()))
    n = len(begun)
    crime = choose(rng, {c: rate for c, (rate, _) in OFFENCES.items()}, n)
    legal = rng.random(n) < LEGAL
    high = ~legal & (rng.random(n) < HIGH_LEVEL)
    prosecuted = rng.random(n) < np.array([OFFENCES[c][1] for c in crime])
    charged = begun + np.where(high, gaps(rng, *HIGH, n), gaps(rng, *ORDINARY, n))
    court = charged + gaps(rng, *COURT, n)
    decided = court + gaps(rng, *TRIAL, n)
    final = decided + gaps(rng, *APPEAL, n)
    over = np.where(prosecuted, decided, charged) <= CUT_OFF
    outcome = np.where(over, np.where(prosecuted, choose(rng, VERDICTS, n), choose(rng, DROPPED, n)), "")
    guilty = (outcome == "convicted") | (outcome == "settled")
    sanction = choose(rng, SANCTIONS, n)
    sanction = np.where(legal | (outcome == "settled"), "fine", sanction)
    asked = high & (rng.random(n) < ASKED)
    table = pd.DataFrame(
        {
            "RECORD": np.arange(1, n + 1),
            "REGION": choose(rng, PEOPLE, n),
            "ICCS": crime,
            "PERSON": np.where(legal, "legal", "natural"),
            "SEX": filled(rng, np.where(legal, "", np.where(rng.random(n) < WOMEN, "F", "M")), 0.01),
            "HIGH": high.astype(int),
            "SUSPECTED": begun,
            "CHARGED": seen(charged, prosecuted),
            "COURT": seen(court, prosecuted),
            "DECIDED": seen(decided, prosecuted),
            "FINAL": seen(final, guilty),
            "CLOSED": seen(np.where(prosecuted, decided, charged)),
            "OUTCOME": outcome,
            "SANCTION": np.where(guilty, sanction, ""),
            "SANCTIONED": np.where(over, guilty.astype(int).astype(str), ""),
            "FINE": np.where(guilty & (sanction == "fine"), np.ceil(rng.lognormal(*FINE, n)), np.nan),
            "GAIN": np.where(guilty & (final <= CUT_OFF), np.ceil(rng.lognormal(*ESTABLISHED, n)), np.nan),
            "ASKED": asked.astype(int),
            "LIFTED": np.where(asked, (rng.random(n) < LIFTED).astype(int).astype(str), ""),
        }
    )
    flags = {name: filled(rng, rng.random(n) < share, EMPTY) for name, share in FLAGS.items()}
    return table.assign(**flags, EXTRACT=CUT_OFF)


def cases_truth() -> pd.DataFrame:
    """True values of what the register of cases feeds."""
    rates = {c: r for c, (r, _) in OFFENCES.items()}
    charged = sum(r * p for r, p in OFFENCES.values()) / sum(rates.values())
    high = (1 - LEGAL) * HIGH_LEVEL
    first = (1 - high) * gap_chances(*ORDINARY) + high * gap_chances(*HIGH)
    trial = np.convolve(gap_chances(*COURT), gap_chances(*TRIAL))[: len(first)]
    whole = np.convolve(first, trial)[: len(first)]
    # high officials wait longer, so that fewer of their cases are closed by the day of the extract
    closed = {k: share_observed(np.convolve(gap_chances(*k), trial)[: len(first)]) for k in (ORDINARY, HIGH)}
    high_closed = high * closed[HIGH] / (high * closed[HIGH] + (1 - high) * closed[ORDINARY])
    legal_closed = LEGAL * closed[ORDINARY] / (high * closed[HIGH] + (1 - high) * closed[ORDINARY])
    sentenced = VERDICTS["convicted"] * (1 - legal_closed) / (VERDICTS["convicted"] + VERDICTS["settled"])
    sanctions = {s: sentenced * share + (1 - sentenced) * (s == "fine") for s, share in SANCTIONS.items()}
    rows = [("CJ-01", {"crime": c}, r, "per 100,000") for c, r in rates.items()]
    rows += [
        ("CJ-01", {}, sum(rates.values()), "per 100,000"),
        ("CJ-02a", {}, 100 * charged, "%"),
        ("CJ-02b", {}, 100 * VERDICTS["convicted"], "%"),
        ("CJ-02c", {}, 100 * charged * VERDICTS["convicted"] * whole[: 2 * 365 + 1].sum(), "%"),
        ("CJ-03", {"stage": "investigation"}, quantile(first), "days"),
        ("CJ-03", {"stage": "trial"}, quantile(trial), "days"),
        *(("CJ-04", {"category": s}, 100 * share, "%") for s, share in sanctions.items()),
        ("CJ-05", {}, 100 * high_closed, "%"),
        ("CJ-05b", {}, 100 * LIFTED, "%"),
        ("CJ-07", {}, 100 * DROPPED["limitation"], "%"),
        ("CJ-08", {}, 100 * FLAGS["JOINT"], "%"),
        ("JU-02", {}, 100 * FLAGS["RANDOM"], "%"),
        ("OC-01", {}, 100 * FLAGS["ORGANISED"], "%"),
        ("LP-01", {}, _ceiled_mean(*FINE), "local currency"),
        ("GE-01", {}, 100 * WOMEN, "%"),
    ]
    return truths(rows)


def _ceiled_mean(mean: float, sigma: float) -> float:
    """Mean of a log-normal amount rounded up to whole units of money."""
    return float(np.exp(mean + sigma**2 / 2) + 0.5)


def requests(seed: int) -> pd.DataFrame:
    """Register of the central authority, a row a request received or sent."""
    rng = np.random.default_rng([seed, 12])
    parts = []
    for kind, (yearly, outcomes) in REQUESTS.items():
        begun = arrivals(rng, YEARS * yearly)
        n = len(begun)
        ended = begun + gaps(rng, *ANSWER, n)
        outcome = np.where(ended <= CUT_OFF, choose(rng, outcomes, n), "")
        columns = {
            "KIND": kind,
            "DIRECTION": np.where(rng.random(n) < RECEIVED, "received", "sent"),
            "PARTNER": choose(rng, PARTNERS, n),
            "PROCEEDING": filled(rng, choose(rng, PROCEEDINGS, n), 0.02),
            "ICCS": choose(rng, {c: r for c, (r, _) in OFFENCES.items()}, n),
            "BEGUN": begun,
            "ENDED": seen(ended),
            "OUTCOME": outcome,
            "GROUND": np.where(outcome == "refused", choose(rng, GROUNDS, n), ""),
            "SECURE": filled(rng, rng.random(n) < ELECTRONIC, EMPTY),
        }
        parts.append(pd.DataFrame(columns))
    table = pd.concat(parts).sort_values(["BEGUN", "KIND"], kind="stable", ignore_index=True)
    table.insert(0, "REQUEST", np.arange(1, len(table) + 1))
    return table.assign(EXTRACT=CUT_OFF)


def requests_truth() -> pd.DataFrame:
    """True values of what the register of requests feeds."""
    gap = gap_chances(*ANSWER)
    mla, extradition, orders = (REQUESTS[k][1] for k in ("mla", "extradition", "confiscation_order"))
    done = mla["executed"] + mla["partial"]
    observed = share_observed(gap)
    rows = [
        ("IC-01a", {}, REQUESTS["mla"][0] * YEARS, "requests"),
        ("IC-01b", {}, 100 * done * gap[: 182 + 1].sum(), "%"),
        ("IC-01c", {}, 100 * done * gap[: 365 + 1].sum(), "%"),
        ("IC-01d", {}, 100 * mla["refused"], "%"),
        *(("IC-01e", {"category": g}, 100 * share, "%") for g, share in GROUNDS.items()),
        ("IC-02", {}, quantile(gap), "days"),
        ("IC-03", {}, 100 * extradition["executed"], "%"),
        ("IC-04", {}, REQUESTS["spontaneous"][0] * YEARS * observed, "transmissions"),
        ("AR-06", {}, 100 * (orders["executed"] + orders["partial"]), "%"),
    ]
    return truths(rows)
