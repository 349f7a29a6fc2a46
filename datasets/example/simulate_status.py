"""The status of provisions, measures, treaties and recommendations of Exampleland, and of reviews of 26 countries."""

from __future__ import annotations

import numpy as np
import pandas as pd
from simulate_records import COUNTRIES, CUT_OFF, FIRST, choose, gap_chances, gaps, quantity, seen

ARTICLES = ["15", "16", "17", "18", "19", "20", "21", "22", "23", "24", "25", "26", "27", "53", "54", "55", "57"]
PROVISIONS, MET = 130, {"none": 0.18, "partial": 0.25, "full": 0.57}
FORMS = {"none": 0.1, "administrative": 0.1, "civil": 0.25, "criminal": 0.55}  # of provisions on illicit enrichment
MEASURES, DONE = 190, 0.63  # measures of the strategy that are due: done in time
LATE = 0.8  # the others that are done late
ADVICE, IMPLEMENTED = 120, 0.58  # recommendations of reviews and of auditors, each
INSTITUTIONS, ASSESSED = 150, 0.49  # institutions with a recent assessment of risks
NEEDS, SERVED = 72, 0.54
MILESTONES = {
    "framework": "full", "review_report": "in_progress", "gaps_study": "full", "special_session": "none",
    "good_practices": "in_progress",
}  # fmt: skip
"""What the declaration asks of the United Nations, by an invented account of it."""
REJECTED, FOLLOWED = 0.14, (390.5, 0.6)  # advice of auditors that is turned down; days until either, median and sigma
MONTHS_24 = 730  # whole days in 24 months
AUDIT_REPORTS, HEARD = 46, 0.57
IN_FORCE = {"XXB": 1, "XXC": 1, "XXD": 0, "XXE": 1, "XXF": 0}  # treaties on extradition
HELP = {"XXB": 1, "XXC": 1, "XXD": 1, "XXE": 1, "XXF": 0}  # treaties on legal assistance
LISTS = {
    ("strategy", "anti_corruption_strategy"): {"adopted": 1, "costed": 1, "monitored": 1, "review_published": 0},
    ("criterion", "body_independence"): {"appointment": 1, "tenure": 1, "budget": 0, "removal": 1},
    ("criterion", "sai_independence"): {
        "legal_framework": 1, "head": 1, "mandate": 1, "access": 1, "reporting": 1, "content": 1, "follow_up": 0,
        "resources": 0,
    },
    ("provision", "access_to_information"): {
        "no_reason_asked": 1, "time_limit": 1, "narrow_exceptions": 0, "independent_appeal": 1, "duty_to_publish": 1,
        "fees_limited": 1, "private_bodies": 0,
    },
    ("criterion", "civil_society"): {
        "consulted": 1, "monitoring_seat": 0, "self_assessment_shared": 1, "met_reviewers": 1,
        "contributions_published": 0,
    },
    ("membership", "networks"): {"GlobE": 1, "Egmont": 1, "ARIN": 0, "INTERPOL_StAR": 1},
    ("treaty", "extradition"): IN_FORCE,
    ("treaty", "legal_assistance"): HELP,
}  # fmt: skip
"""What is in place or met (1) of lists that no chance has made."""
STEPS = ["none", "in_progress", "full"]
NOT_DUE = "not_applicable"
# milestone of a country's review: shares of `STEPS`
REVIEWS = {
    "completed": (0.15, 0.30, 0.55), "full_report_published": (0.40, 0.15, 0.45),
    "self_assessment_published": (0.60, 0.10, 0.30), "civil_society_in_visit": (0.20, 0.10, 0.70),
}  # fmt: skip


def status(seed: int) -> pd.DataFrame:
    """Status of provisions of law, measures, recommendations, assessments and needs of Exampleland."""
    rng = np.random.default_rng([seed, 25])
    parts = []

    def add(kind: str, scheme: str, n: int, **columns: object) -> None:
        names = [f"{scheme}-{i}" for i in range(1, n + 1)]
        part = {"ref_area": "XXA", "time_period": "2025", "kind": kind, "scheme": scheme, "provision": names}
        parts.append(pd.DataFrame(part | columns))

    found = choose(rng, MET, PROVISIONS)
    article = np.array(ARTICLES)[rng.integers(0, len(ARTICLES), PROVISIONS)]
    add("provision", "convention", PROVISIONS, article=article, status=found, met=(found == "full").astype(int))
    due = np.datetime64("2025-01-01") + rng.integers(0, 360, MEASURES)
    in_time, ever = rng.random(MEASURES) < DONE, rng.random(MEASURES) < LATE
    delay = np.where(in_time, -rng.integers(0, 90, MEASURES), 1 + rng.integers(0, 200, MEASURES))
    done = seen(due + delay, in_time | ever)
    dates = {"date_due": due, "date_done": done, "date_observed": CUT_OFF}
    add("measure", "anti_corruption_strategy", MEASURES, met=(~np.isnat(done)).astype(int), **dates)
    add("recommendation", "IRM", ADVICE, met=(rng.random(ADVICE) < IMPLEMENTED).astype(int))
    luck = rng.random(ADVICE)
    add("institution", "risk_assessment", INSTITUTIONS, met=(rng.random(INSTITUTIONS) < ASSESSED).astype(int))
    add("need", "technical_assistance", NEEDS, met=(rng.random(NEEDS) < SERVED).astype(int))
    made = FIRST + rng.integers(0, 1826, ADVICE)
    done = seen(made + gaps(rng, *FOLLOWED, ADVICE), luck < IMPLEMENTED + REJECTED)
    met = ((luck < IMPLEMENTED) & ~np.isnat(done)).astype(int)
    add("recommendation", "audit", ADVICE, met=met, date_made=made, date_done=done, date_observed=CUT_OFF)
    add("report", "audit", AUDIT_REPORTS, met=(rng.random(AUDIT_REPORTS) < HEARD).astype(int))
    add("milestone", "declaration", len(MILESTONES), status=list(MILESTONES.values()))
    parts[-1]["provision"] = list(MILESTONES)
    for (kind, scheme), known in LISTS.items():
        add(kind, scheme, len(known), met=list(known.values()))
        parts[-1]["provision"] = list(known)
    parts[0]["form"] = np.where(article == "20", choose(rng, FORMS, PROVISIONS), "")
    return pd.concat(parts, ignore_index=True).astype({"met": "Int64"})


def status_truth() -> pd.DataFrame:
    """True values of what the register of provisions feeds."""
    treaties = sum(sum(known.values()) for (kind, _), known in LISTS.items() if kind == "treaty")
    order = list(FORMS)
    rows = [
        *(quantity("status", "", "provisions", share, f"Provisions of the Convention in place: {code}",
                   where={"kind": ["provision"]}, free=("article", "scheme"),
                   options={"status": "status", "levels": list(MET)}, category=code)
          for code, share in MET.items()),
        quantity("share", "done_on_time", "provisions_due", DONE, "Measures done in time", where={"kind": ["measure"]},
                 free=("scheme",)),
        *(quantity("share", "met", "provisions", share, label, where={"kind": [kind]}, free=("scheme",))
          for kind, share, label in (
              ("institution", ASSESSED, "Institutions with a recent assessment of risks"),
              ("need", SERVED, "Needs for technical assistance met"),
              ("report", HEARD, "Reports of auditors heard by the legislature"))),
        quantity("share", "met", "provisions", IMPLEMENTED, "Recommendations of reviews implemented",
                 where={"kind": ["recommendation"], "scheme": ["IRM"]}),
        quantity("done_within", "met", "provisions", IMPLEMENTED * gap_chances(*FOLLOWED)[: MONTHS_24 + 1].sum(),
                 "Recommendations of auditors implemented within 24 months",
                 where={"kind": ["recommendation"], "scheme": ["audit"]},
                 options={"start": "date_made", "end": "date_done", "within": 24, "unit": "months"}),
        *(quantity("share", "met", "provisions", sum(known.values()) / len(known),
                   f"{kind.capitalize()} {scheme.replace('_', ' ')}: in place or met",
                   where={"kind": [kind], "scheme": [scheme]})
          for (kind, scheme), known in LISTS.items() if kind != "treaty"),
        quantity("count", "met", "provisions", treaties, "Treaties in force", where={"kind": ["treaty"]}),
        *(quantity("status", "", "provisions", FORMS[form], f"Provisions on illicit enrichment: {form}",
                   where={"kind": ["provision"], "article": ["20"]},
                   options={"status": "form", "levels": order, "complete": True}, category=form)
          for form in order),
        *(quantity("status", "", "provisions", list(MILESTONES.values()).count(step) / len(MILESTONES),
                   f"Milestones of the declaration: {step}", where={"kind": ["milestone"], "scheme": ["declaration"]},
                   options={"status": "status", "levels": STEPS, "complete": True}, category=step)
          for step in STEPS),
    ]  # fmt: skip
    return pd.DataFrame(rows)


def reviews(seed: int) -> pd.DataFrame:
    """Where the reviews of implementation of 26 countries stand, a row a country and milestone."""
    rng = np.random.default_rng([seed, 29])
    n = len(COUNTRIES)
    found = {name: choose(rng, dict(zip(STEPS, shares, strict=True)), n) for name, shares in REVIEWS.items()}
    done = found["completed"]
    found["full_report_published"] = np.where(done == "full", found["full_report_published"], NOT_DUE)
    found["civil_society_in_visit"] = np.where(done == "none", NOT_DUE, found["civil_society_in_visit"])
    part = {"time_period": "2025", "kind": "milestone", "scheme": "IRM"}
    return pd.concat(
        [pd.DataFrame({"ref_area": COUNTRIES, **part, "provision": n, "status": s}) for n, s in found.items()],
        ignore_index=True,
    )


def reviews_truth() -> pd.DataFrame:
    """True shares of the countries by where they stand, of those to which the milestone applies."""
    options = {"status": "status", "levels": STEPS, "exclude": [NOT_DUE]}
    rows = [
        quantity("status", "", "provisions", share, f"Reviews, {name.replace('_', ' ')}: {step}",
                 where={"kind": ["milestone"], "scheme": ["IRM"], "provision": [name]},
                 options=options | {"across": "areas"}, category=step)
        for name, shares in REVIEWS.items()
        for step, share in zip(STEPS, shares, strict=True)
    ]  # fmt: skip
    return pd.DataFrame(rows)
