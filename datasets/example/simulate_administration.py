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
    quantity,
    seen,
    share_observed,
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
PARTIES, FILED, AUDITED, IDENTIFIED = 140, 0.84, 0.52, (0.80, 0.99)

STAFF = 5200
# institution: share of women; the rest are shares of all
WOMEN = {"interior": 0.34, "finance": 0.51, "health": 0.68, "education": 0.66, "justice": 0.48, "works": 0.29}
MANAGERS = {"F": 0.10, "M": 0.16}
EXPOSED, ROTATED, TRAINED = 0.23, 0.37, 0.56
APPOINTED, COMPETITIVE = 0.12, {"junior": 0.81, "middle": 0.74, "senior": 0.58}
SANCTIONS, NOTICES = 0.021, 0.034  # a head and year
LEAVING, DECIDED = 0.03, 0.71
LAWYERS = {"judge": 0.35, "prosecutor": 0.25, "other": 0.40}  # types of official in the institution of justice

ASKED_YEARLY, ANSWER, DUE = 420, (16.3, 0.55), 28
ANSWERS = {"granted": 0.57, "partial": 0.19, "refused": 0.16, "not_held": 0.08}
APPEAL, APPEAL_GAP, UPHELD = 0.24, (75.4, 0.5), 0.38

REPORTED_YEARLY, CLOSING = 190, (140.6, 0.9)
CHANNELS = {"internal": 0.52, "external": 0.26, "hotline": 0.20, "public": 0.02}
ANONYMOUS, ACTION, RETALIATION, REMEDIED = 0.41, 0.27, 0.10, 0.44
WITNESS, THREATENED, PROTECTION, PROTECTED = 0.20, 0.12, 0.34, 0.63

STR_YEARLY, SECTORS = 900, {"bank": 0.71, "money_transfer": 0.12, "insurance": 0.04, "real_estate": 0.07, "other": 0.06}
CORRUPTION, PEP, PASSED = 0.07, {True: 0.38, False: 0.025}, {True: 0.44, False: 0.17}  # by typology of corruption
ANALYSIS, KINDS = (38.2, 0.9), {"STR": 0.86, "SAR": 0.14}


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

    own = pd.DataFrame(
        {
            "KIND": "assets_interests",
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
        }
    )
    table = pd.concat([own, _finances(rng)], ignore_index=True)
    table.insert(0, "DECLARATION", np.arange(1, len(table) + 1))
    return table.assign(EXTRACT=CUT_OFF)


def _finances(rng: np.random.Generator) -> pd.DataFrame:
    """Reports of parties and candidates on their finances of 2025."""
    n = PARTIES
    due = np.datetime64("2025-06-30")
    filed = rng.random(n) < FILED
    late = due + 1 + rng.integers(0, 90, n)
    day = np.where(filed, due - rng.integers(0, 40, n), late)
    submitted = filed | (rng.random(n) < 0.6)
    donations = np.ceil(rng.lognormal(10.0, 0.8, n))
    known = np.floor(donations * rng.uniform(*IDENTIFIED, n))
    return pd.DataFrame(
        {
            "KIND": "party_finance",
            "OFFICIAL": 900_000 + np.arange(1, n + 1),
            "YEAR": 2025,
            "DUE": due,
            "SUBMITTED": seen(day, submitted),
            "VERIFIED": np.where(submitted, (rng.random(n) < AUDITED).astype(int).astype(str), ""),
            "DONATIONS": np.where(submitted, donations, np.nan),
            "DONORS_KNOWN": np.where(submitted, known, np.nan),
            "CURRENCY": np.where(submitted, "USD", ""),
        }
    )


def declarations_truth() -> pd.DataFrame:
    """True values of what the register of declarations feeds."""
    verified = sum(share * VERIFIED[g] for g, share in GRADES.items())
    breach = sum(share * VERIFIED[g] * BREACH[g] for g, share in GRADES.items()) / verified
    own, party = ({"kind": [kind]} for kind in ("assets_interests", "party_finance"))
    rows = [
        *(quantity("share", "on_time", "declarations_due", LATENESS["in_time"] + BETTER * (year == 2025),
                   f"Declared in time, {year}", where=own, time_period=str(year)) for year in (2024, 2025)),
        quantity("share", "declarations_verified", "declarations_submitted", verified, "Declarations verified",
                 where=own, time_period="2025"),
        quantity("share", "declarations_in_breach", "declarations_verified", breach, "Breach found by verification",
                 where=own, time_period="2025"),
        quantity("share", "sanctioned", "declarations_in_breach", SANCTIONED, "Breaches sanctioned", where=own,
                 time_period="2025"),
        quantity("share", "published", "declarations_publishable", PUBLISHED, "Publishable part published",
                 where=own, time_period="2025"),
        quantity("share", "on_time", "declarations_due", FILED, "Finances of parties reported in time", where=party,
                 time_period="2025"),
        quantity("share", "declarations_verified", "declarations_submitted", AUDITED, "Finances of parties audited",
                 where=party, time_period="2025"),
        quantity("amount_ratio", "donations_identified", "donations", sum(IDENTIFIED) / 2,
                 "Money given to parties by donors who are known", where=party, time_period="2025"),
    ]  # fmt: skip
    return pd.DataFrame(rows)


def personnel(seed: int) -> pd.DataFrame:
    """Register of personnel at the end of 2025, a row a post holder."""
    rng = np.random.default_rng([seed, 15])
    institution, grade = choose(rng, INSTITUTIONS, STAFF), choose(rng, GRADES, STAFF)
    woman = rng.random(STAFF) < np.array([WOMEN[i] for i in institution])
    exposed, appointed, leaving = (rng.random(STAFF) < share for share in (EXPOSED, APPOINTED, LEAVING))
    competitive = rng.random(STAFF) < np.array([COMPETITIVE[g] for g in grade])
    begun = np.datetime64("2025-01-01") + rng.integers(0, 365, STAFF)
    earlier = np.datetime64("2025-01-01") - 1 - rng.integers(0, 9000, STAFF)

    official = choose(np.random.default_rng([seed, 15, 1]), LAWYERS, STAFF)

    def after(gate: np.ndarray, yes: np.ndarray, empty: float) -> np.ndarray:
        return np.where(gate, filled(rng, yes, empty), "")

    return pd.DataFrame(
        {
            "HOLDER": np.arange(1, STAFF + 1),
            "INSTITUTION": institution,
            "REGION": choose(rng, PEOPLE, STAFF),
            "OFFICIAL": np.where(institution == "justice", official, "other"),
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
    competitive = sum(share * COMPETITIVE[g] for g, share in GRADES.items())
    rows = [
        quantity("share", "competitive", "appointments", competitive, "Appointed by open competition"),
        quantity("share", "rotated", "exposed_posts", ROTATED, "Exposed posts rotated"),
        quantity("share", "women", "post_holders", women, "Women among post holders"),
        quantity("share", "women", "managers", lead[0] / sum(lead), "Women among managers"),
        quantity("share", "trained", "post_holders", TRAINED, "Trained in integrity"),
        quantity("share", "new_post_decided", "new_posts_notified", DECIDED, "New posts decided on"),
        *(quantity("rate", n, "post_holders", 1000 * rate, f"{n.capitalize()} per 1,000 staff", options={"per": 1000})
          for n, rate in (("sanctions", SANCTIONS), ("notifications", NOTICES))),
        quantity("rate", "staff_sanctioned", "post_holders", 1000 * (1 - np.exp(-SANCTIONS)),
                 "Judges and prosecutors sanctioned per 1,000", where={"official": ["judge", "prosecutor"]},
                 options={"per": 1000}),
    ]  # fmt: skip
    return pd.DataFrame(rows)


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
            "UPHELD": np.where(disputed & (settled <= CUT_OFF), (rng.random(n) < UPHELD).astype(int).astype(str), ""),
            "EXTRACT": CUT_OFF,
        }
    )


def information_truth() -> pd.DataFrame:
    """True values of what the register of information requests feeds."""
    gap = gap_chances(*ANSWER)
    granted, decided = (
        sum(ANSWERS[a] for a in some) for some in (("granted", "partial"), ("granted", "partial", "refused"))
    )
    rows = [
        quantity("count", "information_requests", "information_requests", YEARS * ASKED_YEARLY,
                 "Requests in five years"),
        quantity("share", "answered_on_time", "information_requests_due", gap[: DUE + 1].sum(), "Answered in time"),
        quantity("share", "granted", "information_requests_decided", granted / decided, "Granted, in whole or in part"),
        quantity("share", "appeal_upheld", "appeals_decided", UPHELD, "Appeals upheld"),
        quantity("duration", "", "information_requests", quantile(gap), "Median days until the answer",
                 options={"start": "date_received", "end": "date_answered"}),
    ]  # fmt: skip
    return pd.DataFrame(rows)


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
    reporters, witnesses = ({"role": [role]} for role in ("reporter", "witness"))
    number = YEARS * REPORTED_YEARLY
    rows = [
        quantity("count", "reports_received", "reports_received", number * (1 - WITNESS), "Reports in five years",
                 where=reporters),
        quantity("share", "anonymous", "reports_received", ANONYMOUS, "Made anonymously", where=reporters),
        quantity("share", "action", "reports_closed", ACTION, "Led to action", where=reporters),
        quantity("count", "retaliation_complaints", "reports_received", number * (1 - WITNESS) * RETALIATION,
                 "Complaints of retaliation in five years", where=reporters),
        quantity("share", "remedied", "retaliation_complaints", REMEDIED, "Retaliation remedied", where=reporters),
        quantity("share", "protected", "protection_requests", PROTECTED, "Admitted to protection", free=("role",)),
        quantity("share", "threatened", "reports_received", THREATENED, "Witnesses threatened", where=witnesses),
        quantity("duration", "", "reports_received", quantile(gap_chances(*CLOSING)), "Median days until closed",
                 free=("role",), options={"start": "date_received", "end": "date_closed"}),
    ]  # fmt: skip
    return pd.DataFrame(rows)


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
            "KIND": choose(rng, KINDS, n),
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

    passed = mixed(PASSED) * share_observed(gap_chances(*ANALYSIS))
    received = "transaction_reports"
    rows = [
        quantity("count", received, received, YEARS * STR_YEARLY * KINDS["STR"], "Suspicious transactions reported",
                 where={"kind": ["STR"]}),
        quantity("share", "disseminated", received, passed, "Disseminated by the day of the extract", free=("kind",)),
        quantity("share", "corruption_typology", received, CORRUPTION, "Typology of corruption", free=("kind",)),
        quantity("share", "pep", received, mixed(PEP), "Politically exposed persons", free=("kind",)),
    ]  # fmt: skip
    return pd.DataFrame(rows)
