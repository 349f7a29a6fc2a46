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
    quantity,
    seen,
    share_observed,
)

# crime class (ICCS): suspects a year per 100,000 people, chance of being charged
OFFENCES = {
    "07031": (26.0, 0.72), "07032": (21.0, 0.78), "07033": (13.0, 0.60), "07034": (5.0, 0.62),
    "07035": (3.0, 0.55), "07041": (11.0, 0.74), "08061": (4.0, 0.70),
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
UNEXPLAINED = (11.6, 0.4)  # unexplained wealth established in cases of illicit enrichment, likewise
ASKED, LIFTED = 0.55, 0.62  # immunity of high officials: lifting requested, and lifted if requested
PREDICATE = 0.31  # corruption as the predicate offence of laundering
FLAGS = {
    "ORGANISED": 0.12, "JOINT": 0.30, "RANDOM": 0.83, "PRIVATE": 0.09, "ELECTORAL": 0.04, "SPORT": 0.03,
    "FOREIGN": 0.02, "BOOKS": 0.06,
}  # fmt: skip
JOURNALISTS = 0.25  # cases of obstruction (08061) that are attacks on journalists who cover corruption
EMPTY = 0.03
"""Share of the flags that the clerks did not fill in."""

# kind of request: expected number a year, shares of the final answers
REQUESTS = {
    "mla": (150, {"executed": 0.70, "partial": 0.06, "refused": 0.16, "withdrawn": 0.08}),
    "extradition": (48, {"executed": 0.55, "refused": 0.36, "withdrawn": 0.09}),
    "confiscation_order": (26, {"executed": 0.64, "partial": 0.12, "refused": 0.18, "withdrawn": 0.06}),
    "spontaneous": (30, {"executed": 1.0}),
    "joint_team": (6, {"executed": 1.0}),
    "information": (64, {"executed": 0.83, "partial": 0.09, "refused": 0.08}),
}
ANSWER, INFORMED = (171.4, 0.8), (23.5, 0.7)  # requests for information are answered sooner
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
            "CURRENCY": "USD",
            "ASKED": asked.astype(int),
            "LIFTED": np.where(asked, (rng.random(n) < LIFTED).astype(int).astype(str), ""),
        }
    )
    flags = {name: filled(rng, rng.random(n) < share, EMPTY) for name, share in FLAGS.items()}
    flags["PREDICATE"] = np.where(crime == "07041", filled(rng, rng.random(n) < PREDICATE, EMPTY), "")
    enriched = (crime == "07035") & guilty & (final <= CUT_OFF)
    flags["UNEXPLAINED"] = np.where(enriched, np.ceil(rng.lognormal(*UNEXPLAINED, n)), np.nan)
    own = np.random.default_rng([seed, 11, 1])
    attack = (crime == "08061") & (own.random(n) < JOURNALISTS)
    return table.assign(**flags, ATTACK=filled(own, attack, EMPTY), EXTRACT=CUT_OFF)


def cases_truth() -> pd.DataFrame:
    """True values of what the register of cases feeds."""
    trial = np.convolve(gap_chances(*COURT), gap_chances(*TRIAL))
    high = (1 - LEGAL) * HIGH_LEVEL
    # high officials wait longer, so that fewer of their cases are closed by the day of the extract
    closed = {k: share_observed(np.convolve(gap_chances(*k), trial)) for k in (ORDINARY, HIGH)}
    whole = high * closed[HIGH] + (1 - high) * closed[ORDINARY]
    guilty = VERDICTS["convicted"]
    legal = LEGAL * closed[ORDINARY] / whole
    free = ("crime", "area")
    rows = [
        quantity("count", "defendants", "defendants", YEARS * rate * sum(PEOPLE.values()) / 1e5,
                 f"Suspects of class {crime} in five years", where={"crime": [crime]})
        for crime, (rate, _) in OFFENCES.items()
    ]  # fmt: skip
    rows += [
        quantity("share", "high_level", "convicted", high * closed[HIGH] / whole, "High officials among convicted",
                 free=free),
        quantity("share", "immunity_lifted", "immunity_requests", LIFTED, "Immunity lifted", free=free),
        quantity("share", "joint", "defendants", FLAGS["JOINT"], "Cases handled jointly", free=free),
        quantity("share", "organised_crime", "defendants", FLAGS["ORGANISED"], "Linked with organised crime",
                 free=free),
        quantity("share", "random_allocation", "brought_to_court", FLAGS["RANDOM"], "Allocated at random", free=free),
        quantity("share", "women_suspected", "suspected", WOMEN, "Women among natural persons suspected",
                 where={"person": ["natural"]}, free=free),
        quantity("share", "corruption_predicate", "defendants", PREDICATE, "Laundering of proceeds of corruption",
                 where={"crime": ["07041"]}, free=("area",)),
    ]  # fmt: skip
    rate, charged = OFFENCES["08061"]
    attack = {"attack_on_journalist": ["1"]}
    dropped = {k: share_observed(gap_chances(*k)) for k in (ORDINARY, HIGH)}
    tried = charged * whole
    ended = tried + (1 - charged) * (high * dropped[HIGH] + (1 - high) * dropped[ORDINARY])
    rows += [
        quantity("count", "suspected", "defendants",
                 YEARS * rate * sum(PEOPLE.values()) / 1e5 * JOURNALISTS * (1 - EMPTY),
                 "Suspects of attacks on journalists in five years", where=attack),
        quantity("share", "convicted", "cases_ended", guilty * tried / ended, "Convicted of attacks on journalists",
                 where=attack, free=("area",)),
    ]  # fmt: skip
    number = YEARS * sum(PEOPLE.values()) / 1e5
    picked = [rule for crime, rule in OFFENCES.items() if crime.startswith("0703")]
    every, corrupt = (sum(r for r, _ in rules) for rules in (OFFENCES.values(), picked))
    tried_all, tried_corrupt = (sum(r * p for r, p in rules) for rules in (OFFENCES.values(), picked))
    punished = VERDICTS["convicted"] + VERDICTS["settled"]
    begun = high * dropped[HIGH] + (1 - high) * dropped[ORDINARY]
    reached = (
        ("suspected", every, "Suspects"), ("prosecuted", tried_all * begun, "Persons charged"),
        ("sanctioned_persons", tried_all * whole * punished, "Persons sanctioned"),
    )  # fmt: skip
    rows += [
        quantity("count", base, "defendants", number * found * FLAGS[flag] * (1 - EMPTY), f"{label}: {what}",
                 where={column: ["1"]})
        for flag, column, what in (
            ("FOREIGN", "foreign_official", "bribery of foreign officials"),
            ("SPORT", "sport", "corruption in sport"),
            ("BOOKS", "books_records", "false books and records"),
        )
        for base, found, label in reached
    ]  # fmt: skip
    corruption = {"crime": ["0703*"]}
    rows += [
        quantity("count", "sanctioned_persons", "defendants",
                 number * tried_corrupt * LEGAL * closed[ORDINARY] * punished,
                 "Legal persons sanctioned for corruption", where=corruption | {"person": ["legal"]}),
        quantity("share", "limitation", "closed_before_court", DROPPED["limitation"],
                 "Discontinued because of limitation periods", free=free),
        quantity("share", "obstruction", "defendants", rate / (rate + corrupt), "Obstruction among corruption cases",
                 where={"crime": ["0703*", "08061"]}, free=("area",)),
        *(quantity("share", name, "convicted", SANCTIONS[name], f"Natural persons convicted with the sanction {name}",
                   where={"person": ["natural"]}, free=free)
          for name in ("custodial", "suspended")),
    ]  # fmt: skip
    for sanction, share in SANCTIONS.items():
        value = (1 - legal) * share + legal * (sanction == "fine")
        rows.append(quantity("share", "", "convicted", value, f"Main sanction of the convicted: {sanction}",
                             levels="sanction", free=free, category=sanction))  # fmt: skip
    rows += [
        quantity("share", name, "convicted", (1 - legal) * SANCTIONS[name], f"Convicted with the sanction {name}",
                 free=free)
        for name in ("custodial", "suspended")
    ]  # fmt: skip
    rows += [
        quantity("mean_amount", "fine", "fined", _ceiled_mean(*FINE), "Mean fine of legal persons",
                 where={"person": ["legal"]}, free=free),
        quantity("mean_amount", "established_value", "convicted", _ceiled_mean(*ESTABLISHED),
                 "Mean gain established by final judgment", free=free),
        quantity("mean_amount", "unexplained_wealth", "convicted", _ceiled_mean(*UNEXPLAINED),
                 "Mean unexplained wealth established", where={"crime": ["07035"]}, free=("area",)),
    ]  # fmt: skip
    first = {k: gap_chances(*k) for k in (ORDINARY, HIGH)}
    mixed = (1 - high) * first[ORDINARY] + high * first[HIGH]
    until_verdict = np.convolve(mixed, trial)
    charged = tried_corrupt / corrupt
    closing = charged * _padded(until_verdict) + (1 - charged) * _padded(mixed)
    start, stages = {"start": "date_suspected"}, ["date_suspected", "date_prosecuted", "date_court", "date_decided"]
    until_final = np.convolve(until_verdict, gap_chances(*APPEAL))
    wealthy, tried_wealthy = OFFENCES["07035"]
    rows += [
        *(quantity("progression", "", "suspected", share, label, where=corruption, free=("area",),
                   options={"stages": stages, "closed": "date_closed"}, stage=stage)
          for stage, share, label in (
              ("prosecuted", charged, "Charged among suspects whose case moved on"),
              ("court", 1.0, "Brought to court among those charged"),
              ("decided", 1.0, "Decided among the cases in court that ended"))),
        quantity("amount", "unexplained_wealth", "defendants",
                 number * wealthy * tried_wealthy * punished * share_observed(until_final) * _ceiled_mean(*UNEXPLAINED),
                 "Unexplained wealth established in five years", where={"crime": ["07035"]}),
        quantity("duration", "", "brought_to_court",
                 quantile(np.convolve(gap_chances(*TRIAL), gap_chances(*APPEAL)), 0.5 / punished),
                 "Days from court until half of the judgments are final", where=corruption, free=("area",),
                 options={"start": "date_court", "end": "date_final"}),
        quantity("duration", "", "suspected", quantile(closing), "Median days until a case is closed",
                 where=corruption, free=("area",), options=start | {"end": "date_closed"}),
        quantity("duration", "", "suspected", quantile(until_verdict, 0.5 / charged),
                 "Days until half of the suspects have a verdict",
                 where=corruption, free=("area",), options=start | {"end": "date_decided"}),
        quantity("done_within", "convicted", "suspected", charged * guilty * until_verdict[: 1096 + 1].sum(),
                 "Convicted within 1,096 days of suspicion", where=corruption, free=("area",),
                 options=start | {"end": "date_closed", "within": 1096}),
        quantity("duration", "", "prosecuted", quantile(trial), "Median days from charge to verdict",
                 free=free, options={"start": "date_prosecuted", "end": "date_decided"}),
    ]  # fmt: skip
    return pd.DataFrame(rows)


def _padded(chances: np.ndarray, length: int = 20_000) -> np.ndarray:
    return np.pad(chances, (0, length - len(chances)))


def _ceiled_mean(mean: float, sigma: float) -> float:
    """Mean of a log-normal amount rounded up to whole dollars."""
    return float(np.exp(mean + sigma**2 / 2) + 0.5)


def requests(seed: int) -> pd.DataFrame:
    """Register of the central authority, a row a request received or sent."""
    rng = np.random.default_rng([seed, 12])
    parts = []
    for kind, (yearly, outcomes) in REQUESTS.items():
        begun = arrivals(rng, YEARS * yearly)
        n = len(begun)
        ended = begun + gaps(rng, *(INFORMED if kind == "information" else ANSWER), n)
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
    free = ("direction", "crime", "counterpart", "proceeding")
    spell = {"start": "date_received", "end": "date_completed"}
    rows = [
        quantity("count", "cooperation_requests", "cooperation_requests", YEARS * yearly, f"Requests: {kind}",
                 where={"kind": [kind]})
        for kind, (yearly, _) in REQUESTS.items()
    ]  # fmt: skip
    corrupt = sum(r for c, (r, _) in OFFENCES.items() if c.startswith("0703")) / sum(r for r, _ in OFFENCES.values())
    for direction, share in (("received", RECEIVED), ("sent", 1 - RECEIVED)):
        for kind, where, some in (("mla", {"crime": ["0703*"]}, corrupt), ("spontaneous", {}, 1.0)):
            rows.append(
                quantity("count", "cooperation_requests", "cooperation_requests",
                         YEARS * REQUESTS[kind][0] * share * some, f"Requests {direction}: {kind}",
                         where={"kind": [kind], "direction": [direction]} | where)
            )  # fmt: skip
    rows.append(
        quantity("duration", "", "cooperation_requests", quantile(gap_chances(*INFORMED)),
                 "Median days until information is given", where={"kind": ["information"]}, free=free, options=spell)
    )  # fmt: skip
    for kind in ("mla", "extradition", "confiscation_order"):
        outcomes, where = REQUESTS[kind][1], {"kind": [kind]}
        done = outcomes["executed"] + outcomes.get("partial", 0.0)
        rows += [
            quantity("share", "executed", "requests_completed", done, f"Executed among answered: {kind}",
                     where=where, free=free),
            quantity("duration", "", "cooperation_requests", quantile(gap), f"Median days until the answer: {kind}",
                     where=where, free=free, options=spell),
        ]  # fmt: skip
        rows += [
            quantity("done_within", "executed", "cooperation_requests", done * gap[: days + 1].sum(),
                     f"Executed within {days} days: {kind}", where=where, free=free, options=spell | {"within": days})
            for days in (183, 365)
        ]  # fmt: skip
    rows += [
        quantity("share", "", "requests_refused", share, f"Ground of refusal: {ground}", levels="refusal_ground",
                 where={"kind": ["mla"]}, free=free, category=ground)
        for ground, share in GROUNDS.items()
    ]  # fmt: skip
    return pd.DataFrame(rows)
