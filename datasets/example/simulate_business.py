"""The enterprises of Exampleland and the sample of them in the simulated business survey."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from simulate import Measure, answer, expit

SECTORS = {"C": -0.05, "F": 0.45, "G": 0.0, "I": 0.15, "J": -0.4}  # ISIC sections, effect on bribery
SIZES = {"micro": -0.1, "small": 0.15, "medium": 0.05, "large": -0.3}
# enterprises in the country and in the sample, a row a sector, a column a size class
ENTERPRISES = np.array(
    [
        [2600, 1450, 420, 95],
        [2100, 980, 260, 48],
        [7400, 2300, 390, 72],
        [3300, 1150, 180, 26],
        [1900, 620, 150, 30],
    ]
)
SAMPLED = np.array(
    [[150, 170, 160, 60], [150, 160, 120, 32], [280, 210, 150, 45], [180, 160, 90, 18], [140, 120, 80, 20]]
)
# type of official: log-odds of contact, and of a request outside the six transactions
TYPES = {
    "tax": (-0.2, -2.6), "municipal": (-0.6, -2.3), "customs": (-2.4, -1.8), "police": (-1.9, -1.9),
    "utility": (-1.4, -2.6),
}  # fmt: skip
# transaction: type of official, share of those in contact who take part, log-odds of a request
TRANSACTIONS = {
    "electricity": ("utility", 0.30, -2.5), "water": ("utility", 0.20, -2.7),
    "construction": ("municipal", 0.15, -1.7), "import": ("customs", 0.40, -2.1),
    "operating": ("municipal", 0.45, -2.3), "tax": ("tax", 0.65, -2.6),
}  # fmt: skip


def enterprises(seed: int) -> pd.DataFrame:
    """Every enterprise of the country with the answers it would give; columns as in ``business_survey``."""
    rng = np.random.default_rng([seed, 2])
    stratum = np.repeat(np.arange(ENTERPRISES.size), ENTERPRISES.ravel())
    n, sector, size = len(stratum), stratum // len(SIZES), stratum % len(SIZES)
    foreign = rng.random(n) < np.array([0.02, 0.05, 0.14, 0.33])[size]
    out: dict[str, np.ndarray] = {}
    exposure = np.array(list(SECTORS.values()))[sector] + np.array(list(SIZES.values()))[size]
    exposure = exposure + rng.normal(0, 0.8, n) - 0.2 * foreign
    busy = 0.35 * size + rng.normal(0, 0.7, n)
    for k, (contact, _) in TYPES.items():
        out[f"contact__{k}"] = rng.random(n) < expit(contact + busy)
    for t, (k, share, request) in TRANSACTIONS.items():
        out[f"transaction__{t}"] = out[f"contact__{k}"] & (rng.random(n) < share)
        out[f"request__{t}"] = out[f"transaction__{t}"] & (rng.random(n) < expit(request + exposure))
    for k, (_, bribery) in TYPES.items():
        requested = np.zeros(n, dtype=bool)
        for t in (t for t, rule in TRANSACTIONS.items() if rule[0] == k):
            requested |= out[f"request__{t}"]
        elsewhere = out[f"contact__{k}"] & (rng.random(n) < 0.4 * expit(bribery + exposure))
        out[f"asked__{k}"] = requested | elsewhere
        gives = rng.random(n) < np.where(out[f"asked__{k}"], 0.58, 0.15 * expit(bribery + exposure))
        out[f"paid__{k}"] = out[f"contact__{k}"] & gives
    for stem in ("contact", "asked", "paid"):
        out[stem] = np.any([out[f"{stem}__{k}"] for k in TYPES], axis=0)
    out["paid_or_asked"] = out["paid"] | out["asked"]
    out["refused"] = np.any([out[f"asked__{k}"] & ~out[f"paid__{k}"] for k in TYPES], axis=0)
    for name, stem in {"transactions": "transaction", "requests": "request"}.items():
        out[name] = np.sum([out[f"{stem}__{t}"] for t in TRANSACTIONS], axis=0)
        out[f"any_{stem}"] = out[name] > 0
    out["bribes"] = out["paid"] * (1 + rng.negative_binomial(1, 0.3, n))
    cash = rng.random(n) < 0.72
    amount = 10 * np.ceil(rng.lognormal(5.6 + 0.35 * size, 1.0, n) / 10)
    for name, values in {"cash": cash, "amount": amount * cash, "reported": rng.random(n) < 0.03}.items():
        out[name] = np.where(out["paid"], values, np.nan)
    out["forwent_investment"] = rng.random(n) < 0.04 + 0.07 * out["asked"]
    out["used_intermediary"] = rng.random(n) < expit(-2.4 + 0.4 * size)
    out["above_threshold"] = size >= 2
    later = np.random.default_rng([seed, 2, 2])
    programme = later.random(n) < expit(-0.9 + 1.1 * (size == 3) + 0.6 * foreign)
    out["compliance_programme"] = np.where(out["above_threshold"], programme, np.nan)
    own = np.random.default_rng([seed, 2, 3])
    out["bid"] = own.random(n) < expit(-1.5 + 0.5 * size)
    out["kickback_asked"] = out["bid"] & (own.random(n) < expit(-2.1 + exposure))
    table = pd.DataFrame({name: v.astype(np.int8) if v.dtype.kind in "bi" else v for name, v in out.items()})
    named = pd.Categorical.from_codes
    return table.assign(
        stratum=(sector + 1) * 10 + size + 1,
        fpc=ENTERPRISES.ravel()[stratum],
        sector=named(sector, list(SECTORS)),
        firm_size=named(size, list(SIZES)),
        ownership=named(foreign.astype(int), ["domestic", "foreign"]),
    )


def draw(units: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """A simple random sample of each stratum, with ``weight``; every enterprise chosen takes part."""
    order = np.lexsort((rng.random(len(units)), units.stratum))
    begin = np.r_[0, np.cumsum(ENTERPRISES.ravel())[:-1]]
    rank = np.arange(len(units)) - np.repeat(begin, ENTERPRISES.ravel())
    rows = np.sort(order[rank < np.repeat(SAMPLED.ravel(), ENTERPRISES.ravel())])
    sample = units.iloc[rows].reset_index(drop=True)
    return sample.assign(weight=sample.fpc / sample.groupby("stratum").fpc.transform("size"))


def questionnaire(sample: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Office's file: 1 yes, 2 no, 7 not applicable, 8 (98, 9999998) not known, 9 (99, 9999999) refuses."""
    n = len(sample)
    raw = pd.DataFrame(
        {
            "EMP_ID": np.arange(50001, 50001 + n),
            "ESTRATO": sample.stratum,
            "FACTOR": sample.weight.round(4),
            "POBL_ESTRATO": sample.fpc,
            "SECTOR": sample.sector.astype(str),
            "TAMANO": sample.firm_size.cat.codes + 1,
            "CAPITAL": sample.ownership.cat.codes + 1,
        }
    )
    for k in TYPES:
        raw[f"B1_{k.upper()}"] = answer(2 - sample[f"contact__{k}"], rng, know=0.002, refuse=0.001)
    for number, stem in ((2, "asked"), (3, "paid")):
        for k in TYPES:
            met, yes = raw[f"B1_{k.upper()}"], sample[f"{stem}__{k}"].to_numpy()
            said = answer(2 - yes, rng, know=0.002, refuse=0.003 + 0.02 * yes)
            raw[f"B{number}_{k.upper()}"] = np.select([met == 1, met == 2], [said, 7.0], np.nan)
    for t in TRANSACTIONS:
        part = answer(2 - sample[f"transaction__{t}"], rng, know=0.002)
        said = answer(2 - sample[f"request__{t}"], rng, know=0.003, refuse=0.004)
        raw[f"C1_{t.upper()}"] = part
        raw[f"C2_{t.upper()}"] = np.select([part == 1, part == 2], [said, 7.0], np.nan)
    asked = raw[[f"B2_{k.upper()}" for k in TYPES]]
    said = answer(2 - sample.refused, rng, know=0.01, refuse=0.01)
    once, never = (asked == 1).any(axis=1), asked.isin([2, 7]).all(axis=1)
    raw["B4_REFUSED"] = np.select([once, never], [said, 7.0], np.nan)
    paid = (raw[[f"B3_{k.upper()}" for k in TYPES]] == 1).any(axis=1)
    details = {
        "B5_TIMES": answer(sample.bribes, rng, 0.03, 0.02, codes=(98, 99)),
        "B6_CASH": answer(2 - sample.cash, rng, 0.01, 0.02),
        "B7_AMOUNT": answer(sample.amount, rng, 0.05, 0.06, codes=(9999998, 9999999)),
        "B8_REPORT": answer(2 - sample.reported, rng, 0.01, 0.01),
    }
    raw = raw.assign(**{name: np.where(paid, values, np.nan) for name, values in details.items()})
    raw["D1_INVEST"] = answer(2 - sample.forwent_investment, rng, know=0.02, refuse=0.01)
    raw["D2_INTERMED"] = answer(2 - sample.used_intermediary, rng, know=0.01, refuse=0.02)
    said = answer(2 - sample.compliance_programme, rng, know=0.02, refuse=0.01)
    raw["E1_PROGRAM"] = np.where(sample.above_threshold == 1, said, np.nan)
    raw["F1_BID"] = answer(2 - sample.bid, rng, know=0.005)
    said = answer(2 - sample.kickback_asked, rng, know=0.01, refuse=0.02)
    raw["F2_KICKBACK"] = np.where(raw.F1_BID == 1, said, np.nan)
    return raw


def measures(units: pd.DataFrame) -> Iterator[Measure]:
    """What the indicators count among the enterprises."""
    p = {name: units[name].to_numpy() for name in units}
    yield "BR-22", {}, p["paid_or_asked"], p["contact"], "%"
    yield "BR-23", {}, p["any_request"], p["any_transaction"], "%"
    yield "BR-24", {}, p["requests"], p["transactions"], "%"
    yield "BR-25", {}, p["forwent_investment"], np.ones(len(units)), "%"
    yield "PS-01", {}, p["compliance_programme"], p["above_threshold"], "%"
    for t in TRANSACTIONS:
        yield "BR-33", {"transaction": t}, p[f"request__{t}"], p[f"transaction__{t}"], "%"
    yield "TI-03", {}, p["used_intermediary"], np.ones(len(units)), "%"
    yield "PR-12", {}, p["kickback_asked"], p["bid"], "%"
