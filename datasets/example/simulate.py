"""Exampleland: a simulated population, and the samples of it that its simulated statistical office drew.

Everything here is invented. `population` makes every adult of the country and `draw` interviews a sample of
them, so that estimates can be held against the true values of what they estimate.

Run as a script, it writes the data files and ``truth.csv`` of the folders in ``datasets/`` and prints the
hashes that the ``source.toml`` files must hold.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

Measure = tuple[str, dict[str, str], np.ndarray, np.ndarray | None, str]
"""Indicator, item, numerator, denominator (None: a total) and unit of a value to count in a population."""

SEED = 1651
TAKE = 26
"""Households chosen in a sampled PSU; about 20 answer."""
AREAS = ["XXA-CA", "XXA-NO", "XXA-CO", "XXA-LA", "XXA-SO", "XXA-IS"]
"""Codes of the regions: Capital, North, Coast, Lakes, South and (with 1.5 % of the people) Island."""
# stratum (area, urban 1 or rural 2): PSUs in the country, PSUs in a sample
STRATA = {
    11: (920, 120), 12: (120, 20), 21: (360, 56), 22: (440, 64), 31: (460, 70), 32: (300, 46),
    41: (240, 40), 42: (440, 68), 51: (200, 36), 52: (460, 70), 61: (24, 4), 62: (36, 6),
}  # fmt: skip
# type of official: log-odds of contact, and of a bribe being asked or paid given contact
OFFICIALS = {
    "police": (-1.85, -1.50), "judge": (-4.60, -1.75), "doctor": (-1.10, -2.95), "teacher": (-2.50, -3.60),
    "tax": (-2.90, -2.90), "customs": (-4.20, -1.65), "municipal": (-1.85, -3.15), "land": (-3.75, -2.10),
    "vehicle": (-2.80, -2.25), "utility": (-2.45, -3.45),
}  # fmt: skip
INDEPENDENCE = {"very_good": 0.11, "fairly_good": 0.36, "fairly_bad": 0.27, "very_bad": 0.15, "": 0.11}
"""Opinions on courts and judges; some have none."""
EMPLOYEES = {"doctor": (0.18, 0.07), "teacher": (0.08, 0.05), "bank": (0.35, 0.02), "insurance": (0.12, 0.03)}
AGES = ["Y18T29", "Y30T44", "Y45T64", "Y_GE65"]
EDUCATION = ["ISCED11_0T1", "ISCED11_2", "ISCED11_3", "ISCED11_5T8"]
MODALITY = ["explicit", "implicit", "third_party", "offered"]
FORMS = {"cash": 0.84, "goods": 0.10, "food": 0.12, "service": 0.05, "sexual": 0.012, "other": 0.02}
TIMING = {"before": 0.55, "during": 0.22, "after": 0.12, "split": 0.08, "unknown": 0.03}
REASON = {
    "speed_up": 0.34, "avoid_fine": 0.22, "avoid_problem": 0.12, "better_treatment": 0.12, "finalise": 0.10,
    "gratitude": 0.07, "other": 0.03,
}  # fmt: skip
PLACE = {"office": 0.46, "home": 0.06, "public": 0.25, "vehicle": 0.14, "phone_online": 0.06, "other": 0.03}


def population(seed: int = SEED, year: int = 2025) -> pd.DataFrame:
    """Every adult of Exampleland with the answers that he or she would give in one wave.

    Parameters
    ----------
    seed : int
        Seed of the country. The PSUs, the households and their members are the same in both waves.
    year : {2023, 2025}
        Wave. Bribery was somewhat more frequent in 2023.

    Returns
    -------
    DataFrame
        About 400,000 rows ordered by stratum, PSU and household; columns named as in the shape
        ``population_survey``, and ``psu_size`` (households at the last census, by which PSUs are chosen),
        ``household`` and ``years`` (age). Questions that were not put to a person are missing.
    """
    adults = _frame(seed)
    rng = np.random.default_rng([seed, year])
    n, earlier = len(adults), year < 2025
    male, urban = adults.sex.eq("M").to_numpy(), adults.urbanisation.eq("U").to_numpy()
    years, area = adults.years.to_numpy(), adults.area.cat.codes.to_numpy()
    out: dict[str, np.ndarray] = {}

    busy = adults.pop("psu_contact").to_numpy() + rng.normal(0, 0.8, n)
    busy += 0.15 * urban + 0.1 * male - 0.1 * earlier
    region = np.array([-0.25, 0.25, 0.0, 0.1, -0.15, 0.1])[area]
    exposure = adults.pop("psu_bribery").to_numpy() + rng.normal(0, 0.7, n) + region + 0.17 * earlier
    exposure += 0.1 * urban + 0.28 * male + 0.15 * (years < 45) - 0.4 * (years >= 65)
    cut_off = np.zeros(n, dtype=bool)
    for k, (contact, bribery) in OFFICIALS.items():
        met = rng.random(n) < expit(contact + busy)
        tempted = met & (rng.random(n) < expit(bribery + exposure))
        how = rng.random(n)  # below 0.60 asked and paid, below 0.75 paid unasked, otherwise asked and refused
        out[f"contact__{k}"], out[f"asked__{k}"] = met, tempted & ((how < 0.60) | (how >= 0.75))
        out[f"paid__{k}"] = tempted & (how < 0.75)
        cut_off |= tempted & (how >= 0.75)
    for stem in ("contact", "asked", "paid"):
        out[stem] = np.any([out[f"{stem}__{k}"] for k in OFFICIALS], axis=0)
    out["paid_or_asked"] = out["paid"] | out["asked"]
    out["refused"] = cut_off | (out["asked"] & (rng.random(n) < 0.12))
    payers, asked = out["paid"], out["asked"]

    def last_bribe(codes: np.ndarray, labels: list[str]) -> pd.Categorical:
        return pd.Categorical.from_codes(np.where(payers, codes, -1), labels)

    types_paid = np.sum([out[f"paid__{k}"] for k in OFFICIALS], axis=0)
    out["bribes"] = (types_paid + rng.negative_binomial(1, 0.36, n)) * payers
    requested, unasked = pick(rng, n, [0.55, 0.25, 0.12, 0.08]), pick(rng, n, [0, 0, 0.15, 0.85])
    adults["modality"] = last_bribe(np.where(asked, requested, unasked), MODALITY)
    for name, shares in {"timing": TIMING, "reason": REASON, "place": PLACE}.items():
        adults[name] = last_bribe(pick(rng, n, list(shares.values())), list(shares))
    forms = {f"form__{f}": rng.random(n) < share for f, share in FORMS.items()}
    forms["form__cash"] |= ~np.any(list(forms.values()), axis=0)
    amount = 5 * np.ceil(rng.lognormal(4.3, 0.95, n) * np.where(urban, 1.2, 1.0) / 5)
    given = forms | {"cash": forms["form__cash"], "amount": amount * forms["form__cash"]}
    given["reported"] = rng.random(n) < 0.07
    for name, values in given.items():
        out[name] = np.where(payers, values, np.nan).astype(np.float32)
    out["formal_procedure"] = np.where(out["reported"] == 1, rng.random(n) < 0.35, np.nan).astype(np.float32)
    out["consequence"] = np.where(out["refused"], rng.random(n) < 0.35, np.nan).astype(np.float32)
    out["acceptable"] = rng.random(n) < 0.22 + 0.12 * payers + 0.03 * earlier
    out["vote_offer"] = rng.random(n) < expit(-2.45 + 0.5 * exposure)
    for k, (contact, bribery) in EMPLOYEES.items():
        out[f"private_contact__{k}"] = rng.random(n) < contact
        out[f"private_asked__{k}"] = out[f"private_contact__{k}"] & (rng.random(n) < bribery)
    for stem in ("private_contact", "private_asked"):
        out[stem] = np.any([out[f"{stem}__{k}"] for k in EMPLOYEES], axis=0)
    rng = np.random.default_rng([seed, year, 1])  # questions added later: what was drawn before stays as it is
    approached = rng.random(n) < np.where(male, 0.004, 0.03)
    favour = np.where(payers, forms["form__sexual"], approached)
    out["sexual_favour"] = np.where(out["paid_or_asked"], favour, np.nan).astype(np.float32)
    out["recruited_3y"] = rng.random(n) < np.where(years < 35, 0.045, 0.008)
    unfair = rng.random(n) < expit(-0.9 + exposure)
    out["recruited_unfairly"] = np.where(out["recruited_3y"], unfair, np.nan).astype(np.float32)
    own = np.random.default_rng([seed, year, 2])
    opinion = pick(own, n, list(INDEPENDENCE.values()))
    labels = list(INDEPENDENCE)[:-1]
    adults["judicial_independence"] = pd.Categorical.from_codes(np.where(opinion < len(labels), opinion, -1), labels)
    out["aware_body"] = own.random(n) < expit(-0.6 + 0.35 * adults.education.cat.codes.to_numpy())
    out["would_report_safely"] = own.random(n) < expit(-0.8 - 0.4 * exposure)

    table = pd.DataFrame({name: v.astype(np.int8) if v.dtype.kind in "bi" else v for name, v in out.items()})
    return pd.concat([adults, table], axis=1)


def draw(adults: pd.DataFrame, seed: int | np.random.Generator, psus: np.ndarray | None = None) -> pd.DataFrame:
    """Interview one sample of `population`: the same rows with ``weight``, in the order of the population.

    PSUs are chosen in each stratum with probability proportional to ``psu_size`` (systematically, in random
    order), then 26 households at random, then one adult of each. Some refuse the interview, men and
    town-dwellers more often; the weight is 1 over the product of the inclusion probability and the response
    rate of the stratum and sex.

    Parameters
    ----------
    adults : DataFrame
        From `population`.
    seed : int or numpy Generator
        Seed of the sample.
    psus : array, optional
        PSUs chosen before, as many in each stratum as a sample has.

    Returns
    -------
    DataFrame
        About 12,000 adults in 600 PSUs.
    """
    rng = np.random.default_rng(seed)
    psu, household = adults.psu.to_numpy(), adults.household.to_numpy()
    house = np.flatnonzero(np.r_[True, household[1:] != household[:-1]])  # first row of every household
    members = np.diff(np.r_[house, len(adults)])
    first = np.flatnonzero(np.r_[True, psu[house][1:] != psu[house][:-1]])  # first household of every PSU
    houses = np.diff(np.r_[first, len(house)])
    stratum, chance = _chances(adults.iloc[house[first]])
    label = psu[house[first]]
    taken = systematic(stratum, chance, rng) if psus is None else np.flatnonzero(np.isin(label, psus))

    # households of the sampled PSUs in random order; the first 26 of each PSU are visited
    of = np.repeat(taken, houses[taken])
    start = np.repeat(np.cumsum(houses[taken]) - houses[taken], houses[taken])
    rank = np.arange(len(of)) - start
    order = np.lexsort((rng.random(len(of)), of))
    visited = order[rank < TAKE]
    of = of[visited]
    home = np.sort(first[of] + rank[visited])
    row = house[home] + np.floor(rng.random(len(home)) * members[home]).astype(int)
    base = members[home] * houses[of] / (TAKE * chance[of])

    chosen = adults.iloc[row]
    cell = chosen.stratum.to_numpy() * 2 + chosen.sex.cat.codes.to_numpy()
    willing = np.where(chosen.urbanisation.eq("U"), 0.76, 0.85) - 0.06 * chosen.sex.eq("M")
    answers = rng.random(len(row)) < willing
    rate = np.bincount(cell, base * answers) / np.maximum(np.bincount(cell, base), 1e-9)
    return chosen[answers].assign(weight=(base / rate[cell])[answers]).reset_index(drop=True)


def two_waves(seed: int = SEED) -> dict[int, np.ndarray]:
    """PSUs of the samples of 2023 and 2025, half of them in both: thirds A+B and B+C of one draw."""
    rng = np.random.default_rng([seed, 1])
    frame = _frame(seed).drop_duplicates("psu")
    stratum, chance = _chances(frame)
    master = systematic(stratum, 1.5 * chance, rng)
    master = master[np.lexsort((rng.random(len(master)), stratum[master]))]
    third = np.concatenate([np.repeat([0, 1, 2], size // 2) for _, size in STRATA.values()])
    label = frame.psu.to_numpy()[master]
    return {2023: label[third < 2], 2025: label[third > 0]}


def _frame(seed: int) -> pd.DataFrame:
    """PSUs, households and adults with what does not change between waves."""
    rng = np.random.default_rng([seed, 0])
    psu_stratum = np.repeat(list(STRATA), [n for n, _ in STRATA.values()])
    psu = np.concatenate([s * 1000 + np.arange(1, n + 1) for s, (n, _) in STRATA.items()])
    houses = np.clip(np.rint(rng.lognormal(np.log(42), 0.32, len(psu))), 28, 110).astype(int)
    size = np.maximum(np.rint(houses * rng.lognormal(0, 0.12, len(psu))), 20).astype(int)
    psu_contact, psu_bribery = rng.normal(0, 0.35, len(psu)), rng.normal(0, 0.55, len(psu))
    home = np.repeat(np.arange(len(psu)), houses)
    urban_home = psu_stratum[home] % 10 == 1
    members = 1 + np.where(
        urban_home,
        pick(rng, len(home), [0.36, 0.36, 0.14, 0.08, 0.04, 0.02]),
        pick(rng, len(home), [0.26, 0.40, 0.17, 0.10, 0.05, 0.02]),
    )
    of = np.repeat(home, members)
    n, urban, stratum = len(of), psu_stratum[of] % 10 == 1, psu_stratum[of]
    assigned = pd.Categorical.from_codes
    male = rng.random(n) < 0.485
    years = 18 + np.floor(72 * rng.beta(1.15, 1.9, n)).astype(int)
    school = rng.normal(0, 1, n) + 0.5 * urban - 0.012 * (years - 40)
    income = rng.lognormal(7.3 + 0.22 * school + 0.12 * male + 0.1 * urban, 0.55, n)
    wealth = np.argsort(np.argsort(np.log(income) + rng.normal(0, 0.4, n))) * 5 // n
    return pd.DataFrame(
        {
            "stratum": stratum,
            "psu": psu[of],
            "psu_size": size[of],
            "household": np.repeat(np.arange(len(home)), members),
            "area": assigned(stratum // 10 - 1, AREAS),
            "urbanisation": assigned(stratum % 10 - 1, ["U", "R"]),
            "sex": assigned(male.astype(int), ["F", "M"]),
            "years": years,
            "age": assigned(np.digitize(years, [30, 45, 65]), AGES),
            "education": assigned(np.digitize(school, [-0.8, 0.1, 0.9]), EDUCATION),
            "income": assigned(wealth, ["Q1", "Q2", "Q3", "Q4", "Q5"]),
            "disability": assigned((rng.random(n) < 0.002 * years).astype(int), ["N", "Y"]),
            "citizenship": assigned((rng.random(n) < 0.035).astype(int), ["national", "foreign"]),
            "personal_income": 10 * np.rint(income / 10),
            "psu_contact": psu_contact[of],
            "psu_bribery": psu_bribery[of],
        }
    )


def _chances(psus: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Stratum and inclusion probability of every PSU."""
    stratum, size = psus.stratum.to_numpy(), psus.psu_size.to_numpy()
    wanted = np.array([STRATA.get(s, (0, 0))[1] for s in range(max(STRATA) + 1)])
    return stratum, wanted[stratum] * size / np.bincount(stratum, size)[stratum]


def systematic(stratum: np.ndarray, chance: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Sample with the given inclusion probabilities (below 1): systematic in random order, by stratum."""
    order = np.lexsort((rng.random(len(stratum)), stratum))
    strata, code = np.unique(stratum[order], return_inverse=True)
    upper = np.cumsum(chance[order])  # a whole number at the end of each stratum
    shift = rng.random(len(strata))[code]
    return np.sort(order[np.floor(upper - shift) > np.floor(np.r_[0, upper[:-1]] - shift)])


def expit(x: np.ndarray) -> np.ndarray:
    """Probability of the log-odds `x`."""
    return 1 / (1 + np.exp(-x))


def pick(rng: np.random.Generator, n: int, shares: list[float]) -> np.ndarray:
    """`n` codes 0, 1, … with the given shares."""
    return np.searchsorted(np.cumsum(shares)[:-1], rng.random(n), side="right")


def answer(
    values: pd.Series | np.ndarray,
    rng: np.random.Generator,
    know: float = 0.0,
    refuse: float | np.ndarray = 0.0,
    codes: tuple[int, int] = (8, 9),
) -> np.ndarray:
    """`values` with a share `know` of "does not know" and a share `refuse` (may vary by row) of refusals."""
    luck = rng.random(len(values))
    return np.select([luck < know, luck < know + refuse], list(codes), np.asarray(values, dtype=float))


if __name__ == "__main__":
    from simulate_files import write

    write()
