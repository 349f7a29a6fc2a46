"""Registers of Exampleland's administration: declarations, personnel, information requests, reports received."""

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

INSTITUTIONS = {"interior": 0.24, "finance": 0.16, "health": 0.21, "education": 0.17, "justice": 0.12, "works": 0.10}
GRADES = {"junior": 0.46, "middle": 0.38, "senior": 0.16}

OFFICIALS = 2600
"""Officials who must declare; they do so by 31 March of each year."""
LATENESS = {"in_time": 0.88, "late": 0.08, "never": 0.04}  # in 2024; in 2025 six points more are in time
BETTER = 0.06
VERIFIED = {"junior": 0.18, "middle": 0.26, "senior": 0.55}  # share of the declarations submitted
BREACH = {"junior": 0.09, "middle": 0.12, "senior": 0.17}  # share of those verified
SANCTIONED, REFERRED = 0.46, 0.12  # shares of the breaches
PUBLISHABLE, PUBLISHED = 0.55, 0.91
PARTIES = {"filed": 0.84, "audited": 0.52, "identified": (0.80, 0.99)}

STAFF = 5200
# institution: share of women; the rest are shares of all
WOMEN = {"interior": 0.34, "finance": 0.51, "health": 0.68, "education": 0.66, "justice": 0.48, "works": 0.29}
MANAGERS = {"F": 0.10, "M": 0.16}
EXPOSED, ROTATED, TRAINED = 0.23, 0.37, 0.56
APPOINTED, COMPETITIVE = 0.12, {"junior": 0.81, "middle": 0.74, "senior": 0.58}
SANCTIONS, NOTICES = 0.021, 0.034  # a head and year
LEAVING, DECIDED = 0.03, 0.71

ASKED_YEARLY, ANSWER, DUE = 420, (16.3, 0.55), 28
ANSWERS = {"granted": 0.57, "partial": 0.19, "refused": 0.16, "not_held": 0.08}
APPEAL, APPEAL_GAP, UPHELD = 0.24, (75.4, 0.5), 0.38

REPORTED_YEARLY, CLOSING = 190, (140.6, 0.9)
CHANNELS = {"internal": 0.52, "external": 0.26, "hotline": 0.20, "public": 0.02}
ANONYMOUS, ACTION, RETALIATION, REMEDIED = 0.41, 0.27, 0.10, 0.44
WITNESS, THREATENED, PROTECTION, PROTECTED = 0.20, 0.12, 0.34, 0.63

STR_YEARLY, SECTORS = 900, {"bank": 0.71, "money_transfer": 0.12, "insurance": 0.04, "real_estate": 0.07, "other": 0.06}
CORRUPTION, PEP, PASSED = 0.07, {True: 0.38, False: 0.025}, {True: 0.44, False: 0.17}  # by typology of corruption
ANALYSIS = (38.2, 0.9)


def declarations(seed: int) -> pd.DataFrame:
    """Register of declarations of assets and interests of two years, a row a declaration due."""
    rng = np.random.default_rng([seed, 14])
    of = np.tile(np.arange(OFFICIALS), 2)
    n, year = len(of), np.repeat([2024, 2025], OFFICIALS)
    grade = choose(rng, GRADES, OFFICIALS)[of]
    due = np.array([f"{y}-03-31" for y in year], dtype="datetime64[D]")
    luck = rng.random(n)
    in_time = luck < LATENESS["in_time"] + BETTER * (year == 2025)
    never = luck > 1 - LATENESS["never"]
    day = due + np.where(in_time, -rng.integers(0, 60, n), 1 + rng.integers(0, 60, n))
    verified = ~never & (rng.random(n) < np.array([VERIFIED[g] for g in grade]))
    breach = verified & (rng.random(n) < np.array([BREACH[g] for g in grade]))
    publishable = rng.random(n) < PUBLISHABLE
    sanctioned, referred = (breach & (rng.random(n) < share) for share in (SANCTIONED, REFERRED))

    def after(gate: np.ndarray, yes: np.ndarray) -> np.ndarray:
        return np.where(gate, yes.astype(int).astype(str), "")

    return pd.DataFrame(
        {
            "DECLARATION": np.arange(1, n + 1),
            "OFFICIAL": of + 1,
            "YEAR": year,
            "INSTITUTION": choose(rng, INSTITUTIONS, OFFICIALS)[of],
            "GRADE": grade,
            "SEX": np.where(rng.random(OFFICIALS) < 0.43, "F", "M")[of],
            "DUE": due,
            "SUBMITTED": seen(day, ~never),
            "VERIFIED": after(~never, verified),
            "BREACH": after(verified, breach),
            "SANCTIONED": after(breach, sanctioned),
            "REFERRED": after(breach, referred),
            "PUBLISHABLE": filled(rng, publishable, 0.01),
            "PUBLISHED": after(publishable, rng.random(n) < PUBLISHED),
            "EXTRACT": CUT_OFF,
        }
    )


def declarations_truth() -> pd.DataFrame:
    """True values of what the register of declarations feeds."""
    verified = sum(share * VERIFIED[g] for g, share in GRADES.items())
    breach = sum(share * VERIFIED[g] * BREACH[g] for g, share in GRADES.items()) / verified
    in_time = LATENESS["in_time"] + BETTER / 2
    rows = [
        ("CI-01", {}, 100 * in_time, "%"),
        ("CI-02", {}, 100 * verified, "%"),
        ("CI-03a", {}, 100 * breach, "%"),
        ("CI-03b", {}, 100 * SANCTIONED, "%"),
        ("CI-04", {}, 100 * PUBLISHED, "%"),
        ("IE-01", {}, 1000 * breach * REFERRED, "per 1,000"),
    ]
    return truths(rows)


def personnel(seed: int) -> pd.DataFrame:
    """Register of personnel at the end of 2025, a row a post holder."""
    rng = np.random.default_rng([seed, 15])
    institution, grade = choose(rng, INSTITUTIONS, STAFF), choose(rng, GRADES, STAFF)
    woman = rng.random(STAFF) < np.array([WOMEN[i] for i in institution])
    exposed, appointed, leaving = (rng.random(STAFF) < share for share in (EXPOSED, APPOINTED, LEAVING))
    competitive = rng.random(STAFF) < np.array([COMPETITIVE[g] for g in grade])
    begun = np.datetime64("2025-01-01") + rng.integers(0, 365, STAFF)
    earlier = np.datetime64("2025-01-01") - 1 - rng.integers(0, 9000, STAFF)

    def after(gate: np.ndarray, yes: np.ndarray, empty: float) -> np.ndarray:
        return np.where(gate, filled(rng, yes, empty), "")

    return pd.DataFrame(
        {
            "HOLDER": np.arange(1, STAFF + 1),
            "INSTITUTION": institution,
            "REGION": choose(rng, PEOPLE, STAFF),
            "GRADE": grade,
            "SEX": filled(rng, np.where(woman, "F", "M"), 0.005),
            "MANAGER": (rng.random(STAFF) < np.where(woman, MANAGERS["F"], MANAGERS["M"])).astype(int),
            "SINCE": np.where(appointed, begun, earlier),
            "APPOINTED": appointed.astype(int),
            "OPEN": after(appointed, competitive, 0.04),
            "EXPOSED": filled(rng, exposed, 0.02),
            "ROTATED": after(exposed, rng.random(STAFF) < ROTATED, 0.02),
            "TRAINED": filled(rng, rng.random(STAFF) < TRAINED, 0.05),
            "SANCTIONS": rng.poisson(SANCTIONS, STAFF),
            "NOTICES": rng.poisson(NOTICES, STAFF),
            "NEW_POST": leaving.astype(int),
            "NEW_POST_DECIDED": after(leaving, rng.random(STAFF) < DECIDED, 0.0),
            "EXTRACT": CUT_OFF,
        }
    )


def personnel_truth() -> pd.DataFrame:
    """True values of what the register of personnel feeds."""
    women = sum(share * WOMEN[i] for i, share in INSTITUTIONS.items())
    lead = women * MANAGERS["F"], (1 - women) * MANAGERS["M"]
    rows = [
        ("HR-01", {}, 100 * sum(share * COMPETITIVE[g] for g, share in GRADES.items()), "%"),
        ("HR-03", {}, 100 * ROTATED, "%"),
        ("HR-04a", {}, 100 * women, "%"),
        ("HR-04b", {}, 100 * lead[0] / sum(lead), "%"),
        ("HR-05", {}, 100 * TRAINED, "%"),
        ("CC-02", {}, 1000 * SANCTIONS, "per 1,000"),
        ("CI-05", {}, 1000 * NOTICES, "per 1,000"),
        ("CI-06", {}, 100 * DECIDED, "%"),
    ]
    return truths(rows)


def information(seed: int) -> pd.DataFrame:
    """Register of requests for access to information, a row a request."""
    rng = np.random.default_rng([seed, 16])
    begun = arrivals(rng, YEARS * ASKED_YEARLY)
    n = len(begun)
    ended = begun + gaps(rng, *ANSWER, n)
    outcome = choose(rng, ANSWERS, n)
    disputed = np.isin(outcome, ["refused", "partial"]) & (rng.random(n) < APPEAL)
    appealed = ended + 1 + rng.integers(0, 30, n)
    settled = appealed + gaps(rng, *APPEAL_GAP, n)
    return pd.DataFrame(
        {
            "REQUEST": np.arange(1, n + 1),
            "INSTITUTION": choose(rng, INSTITUTIONS, n),
            "RECEIVED": begun,
            "DUE": begun + DUE,
            "ANSWERED": seen(ended),
            "ANSWER": np.where(ended <= CUT_OFF, outcome, ""),
            "ONLINE": filled(rng, rng.random(n) < 0.77, 0.02),
            "APPEALED": seen(appealed, disputed),
            "APPEAL_DECIDED": seen(settled, disputed),
            "UPHELD": np.where(
                disputed & (settled <= CUT_OFF), (rng.random(n) < UPHELD).astype(int).astype(str), ""
            ),
            "EXTRACT": CUT_OFF,
        }
    )


def information_truth() -> pd.DataFrame:
    """True values of what the register of information requests feeds."""
    gap = gap_chances(*ANSWER)
    rows = [
        ("TR-02a", {}, 100 * gap[: DUE + 1].sum(), "%"),
        ("TR-02b", {}, 100 * (ANSWERS["granted"] + ANSWERS["partial"]), "%"),
        ("TR-02c", {}, quantile(gap), "days"),
        ("TR-03", {}, 100 * UPHELD, "%"),
    ]
    return truths(rows)


def reports(seed: int) -> pd.DataFrame:
    """Register of reports by whistle-blowers and of witnesses, a row a person in a matter."""
    rng = np.random.default_rng([seed, 17])
    begun = arrivals(rng, YEARS * REPORTED_YEARLY)
    n = len(begun)
    ended = begun + gaps(rng, *CLOSING, n)
    witness = rng.random(n) < WITNESS
    closed = ended <= CUT_OFF
    suffered = ~witness & (rng.random(n) < RETALIATION)
    asked = witness & (rng.random(n) < PROTECTION)

    def after(gate: np.ndarray, share: float) -> np.ndarray:
        return np.where(gate, (rng.random(n) < share).astype(int).astype(str), "")

    return pd.DataFrame(
        {
            "REPORT": np.arange(1, n + 1),
            "REGION": choose(rng, PEOPLE, n),
            "ROLE": np.where(witness, "witness", "reporter"),
            "CHANNEL": np.where(witness, "court", choose(rng, CHANNELS, n)),
            "SEX": filled(rng, np.where(rng.random(n) < 0.48, "F", "M"), 0.28),
            "ANONYMOUS": after(~witness, ANONYMOUS),
            "RECEIVED": begun,
            "CLOSED": seen(ended),
            "ACTION": np.where(closed & ~witness, filled(rng, rng.random(n) < ACTION, 0.02), ""),
            "RETALIATION": np.where(witness, "", suffered.astype(int).astype(str)),
            "REMEDIED": after(suffered, REMEDIED),
            "THREATENED": np.where(witness, filled(rng, rng.random(n) < THREATENED, 0.06), ""),
            "PROTECTION": np.where(witness, asked.astype(int).astype(str), ""),
            "PROTECTED": after(asked, PROTECTED),
            "EXTRACT": CUT_OFF,
        }
    )


def reports_truth() -> pd.DataFrame:
    """True values of what the register of reports feeds."""
    people = sum(PEOPLE.values())
    rows = [
        ("WB-01a", {}, 1e5 * REPORTED_YEARLY * (1 - WITNESS) / people, "per 100,000"),
        ("WB-01b", {}, 100 * ANONYMOUS, "%"),
        ("WB-02", {}, 100 * ACTION, "%"),
        ("WB-03a", {}, YEARS * REPORTED_YEARLY * (1 - WITNESS) * RETALIATION, "complaints"),
        ("WB-03b", {}, 100 * REMEDIED, "%"),
        ("WB-04", {}, 100 * PROTECTED, "%"),
        ("OJ-02", {}, 100 * THREATENED, "%"),
    ]
    return truths(rows)


def transactions(seed: int) -> pd.DataFrame:
    """Register of suspicious transaction reports, a row a report."""
    rng = np.random.default_rng([seed, 18])
    begun = arrivals(rng, YEARS * STR_YEARLY)
    n = len(begun)
    corruption = rng.random(n) < CORRUPTION
    passed = rng.random(n) < np.where(corruption, PASSED[True], PASSED[False])
    return pd.DataFrame(
        {
            "REPORT": np.arange(1, n + 1),
            "SECTOR": choose(rng, SECTORS, n),
            "PERSON": np.where(rng.random(n) < 0.31, "legal", "natural"),
            "PARTNER": np.where(rng.random(n) < 0.4, choose(rng, PARTNERS, n), ""),
            "RECEIVED": begun,
            "PASSED": seen(begun + gaps(rng, *ANALYSIS, n), passed),
            "CORRUPTION": corruption.astype(int),
            "PEP": filled(rng, rng.random(n) < np.where(corruption, PEP[True], PEP[False]), 0.03),
            "AMOUNT": np.ceil(rng.lognormal(9.6 + 0.8 * corruption, 1.3)),
            "CURRENCY": choose(rng, {"USD": 0.42, "EUR": 0.38, "GBP": 0.2}, n),
            "EXTRACT": CUT_OFF,
        }
    )


def transactions_truth() -> pd.DataFrame:
    """True values of what the register of suspicious transaction reports feeds."""

    def mixed(shares: dict[bool, float]) -> float:
        return CORRUPTION * shares[True] + (1 - CORRUPTION) * shares[False]

    rows = [
        ("AM-01a", {}, YEARS * STR_YEARLY, "reports"),
        ("AM-01b", {}, 100 * mixed(PASSED) * share_observed(gap_chances(*ANALYSIS)), "%"),
        ("AM-01c", {}, 100 * CORRUPTION, "%"),
        ("AM-03", {}, 100 * mixed(PEP), "%"),
    ]
    return truths(rows)
