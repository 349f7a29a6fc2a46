"""Five more samples of Exampleland, each with a design that takes more than strata and units.

Replicate weights, weights raked to the census, two phases, imputed answers, and amounts whose median is of interest.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from scipy.linalg import hadamard
from simulate import STRATA, Measure, answer, expit, systematic

REPLICATES, FAY = 32, 0.3
IMPUTATIONS = 5
BASICS = ("BR-01", "BR-02", "BR-04", "BR-31", "BR-32")
SCREENED = {1: 0.6, 0: 0.15}
"""Share of those with and without contact who are interviewed in the second phase."""


def clusters(adults: pd.DataFrame, strata: dict[int, int], take: int, rng: np.random.Generator) -> pd.DataFrame:
    """PSUs by size, systematically in each stratum (as many as `strata` says), and `take` adults of each at random."""
    first = adults.drop_duplicates("psu")
    stratum, size = first.stratum.to_numpy(), adults.groupby("psu", sort=False).size().to_numpy()
    wanted = np.array([strata.get(s, 0) for s in range(max(strata) + 1)])
    chance = wanted[stratum] * size / np.bincount(stratum, size)[stratum]
    taken = systematic(stratum, chance, rng)
    inside = adults[adults.psu.isin(first.psu.to_numpy()[taken])]
    inside = inside.iloc[np.lexsort((rng.random(len(inside)), inside.psu))]
    chosen = inside[inside.groupby("psu").cumcount() < take].sort_index()
    known = pd.DataFrame({"size": size, "chance": chance}, index=first.psu.to_numpy()).loc[chosen.psu]
    weight = known["size"].to_numpy() / np.minimum(known["size"], take).to_numpy() / known["chance"].to_numpy()
    return chosen.assign(weight=weight.round(2)).reset_index(drop=True)


def _person(sample: pd.DataFrame, rng: np.random.Generator) -> dict[str, object]:
    """Columns that the files of persons share; 1 yes, 2 no, 8 does not know, 9 refuses."""
    contact = sample.contact.to_numpy()
    asked = {
        name: np.where(contact == 1, answer(2 - sample[column], rng, 0.004, 0.004 + 0.02 * sample[column]), np.nan)
        for name, column in {"ASKED": "asked", "PAID": "paid"}.items()
    }
    return {"SEX": 2 - sample.sex.cat.codes, "UR": 2 - sample.urbanisation.eq("U"), "CONTACT": 2 - contact} | asked


def replicated(adults: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Two PSUs in each of 29 strata, which the file does not tell; Fay's replicate weights in their place."""
    per = {s: max(1, round(n / 22)) for s, (_, n) in STRATA.items()}
    first = adults.drop_duplicates("psu")
    size = first.stratum.map(first.stratum.value_counts())
    place = first.groupby("stratum").cumcount() * first.stratum.map(per) // size
    finer = (first.stratum * 10 + place).set_axis(first.psu)
    sample = clusters(adults.assign(stratum=adults.psu.map(finer)), dict.fromkeys(sorted(set(finer)), 2), 22, rng)
    half = sample.drop_duplicates("psu").groupby("stratum").cumcount()
    half = half.set_axis(sample.psu.drop_duplicates())
    stratum = np.unique(sample.stratum, return_inverse=True)[1] + 1
    signs = hadamard(REPLICATES)[stratum % REPLICATES] * (1 - 2 * sample.psu.map(half).to_numpy())[:, None]
    weights = (sample.weight.to_numpy()[:, None] * (1 + (1 - FAY) * signs)).round(3)
    table = pd.DataFrame({"ID": np.arange(1, len(sample) + 1), "W": sample.weight, **_person(sample, rng)})
    return table.assign(**{f"RW_{r:02d}": w for r, w in enumerate(weights.T, start=1)})


def panel(adults: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """A panel that the young, the urban and women join more readily; the weight is the same for all of a region."""
    rank = adults.age.cat.codes.to_numpy()
    joins = expit(-4.6 - 0.45 * rank + 0.5 * adults.urbanisation.eq("U") + 0.35 * adults.sex.eq("F"))
    sample = adults[rng.random(len(adults)) < joins]
    sizes = adults.area.value_counts() / sample.area.value_counts()
    table = {"ID": np.arange(1, len(sample) + 1), "W": sample.area.map(sizes).astype(float).round(3)}
    table["REGION"] = sample.area.cat.codes + 1
    table["AGE"] = sample.age.cat.codes + 1
    return pd.DataFrame({**table, **_person(sample, rng)}).reset_index(drop=True)


def census(adults: pd.DataFrame) -> pd.DataFrame:
    """Adults of the country by sex and age: what the panel is raked to, beside the number in towns."""
    counts = adults.groupby(["sex", "age"], observed=True).size().rename("population")
    return counts.reset_index()


def two_phases(adults: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """A screening by telephone, and an interview of most of those with contact and a few of the others."""
    sample = clusters(adults, {s: max(2, round(n / 6)) for s, (_, n) in STRATA.items()}, 24, rng)
    order = np.lexsort((rng.random(len(sample)), sample.contact))
    inside = np.zeros(len(sample), dtype=bool)
    for contact, share in SCREENED.items():
        own = order[sample.contact.to_numpy()[order] == contact]
        inside[own[: round(share * len(own))]] = True
    table = pd.DataFrame(
        {"ID": np.arange(1, len(sample) + 1), "STRATUM": sample.stratum, "PSU": sample.psu, "W1": sample.weight,
         "INTERVIEW": 2 - inside, **_person(sample, rng)}
    )  # fmt: skip
    sensitive = ["ASKED", "PAID"]
    return table.assign(**{name: table[name].where(inside) for name in sensitive})


def payments(adults: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """What was paid last, and the income of those who paid."""
    sample = clusters(adults, {s: max(2, round(n / 3.5)) for s, (_, n) in STRATA.items()}, 28, rng)
    paid, cash = sample.paid.to_numpy() == 1, sample.cash.to_numpy() == 1
    amount = answer(sample.amount, rng, 0.02, 0.02, codes=(99998, 99999))
    income = answer(sample.personal_income, rng, 0.02, 0.05, codes=(99998, 99999))
    return pd.DataFrame(
        {
            "ID": np.arange(1, len(sample) + 1),
            "STRATUM": sample.stratum,
            "PSU": sample.psu,
            "W": sample.weight,
            "SEX": 2 - sample.sex.cat.codes,
            "UR": 2 - sample.urbanisation.eq("U"),
            "PAID": 2 - paid,
            "CASH": np.where(paid, 2 - cash, np.nan),
            "AMOUNT": np.where(paid & cash, amount, np.nan),
            "INCOME": np.where(paid & cash, income, np.nan),
        }
    )


def imputed(sample: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Civil servants of whom many do not say whether they were offered a bribe, and completed data sets below them.

    Those who were offered one and those who know of misuse are silent more often. An answer is imputed from a donor of
    the same sex and knowledge, out of a bootstrap of such donors.
    """
    public, offered, aware = (sample[c].to_numpy() for c in ("public_contact", "offered", "aware_misuse"))
    silent = (public == 1) & (rng.random(len(sample)) < expit(-2.0 + 1.6 * aware + 0.3 * sample.sex.eq("M")))
    base = pd.DataFrame(
        {"IMPUTATION": 0, "ID": np.arange(1, len(sample) + 1), "LEVEL": sample.stratum, "UNIT": sample.psu,
         "W": sample.weight.round(2), "SEX": 2 - sample.sex.cat.codes, "PUBLIC": 2 - public,
         "OFFERED": np.select([silent, public == 1], [9.0, 2.0 - offered], np.nan)}
    )  # fmt: skip
    cell = 2 * aware + sample.sex.eq("M").to_numpy()
    tables = [base]
    for m in range(1, IMPUTATIONS + 1):
        said = base.OFFERED.to_numpy().copy()
        for c in range(4):
            donors = np.flatnonzero((cell == c) & (public == 1) & ~silent)
            open_ = np.flatnonzero((cell == c) & silent)
            said[open_] = said[rng.choice(rng.choice(donors, donors.size), open_.size)]
        tables.append(base.assign(IMPUTATION=m, OFFERED=said))
    return pd.concat(tables, ignore_index=True)


def basics(found: Iterator[Measure]) -> Iterator[Measure]:
    """The measures of contact and bribery, without items."""
    return (measure for measure in found if measure[0] in BASICS)


def median(adults: pd.DataFrame, breakdowns: list[str], items: list[str]) -> pd.DataFrame:
    """True median of the last payment in cash, in all and by one breakdown at a time."""
    paid = adults[adults.cash == 1]
    key = {"indicator": "BR-08b"} | dict.fromkeys([*breakdowns, *items], "_T")
    groups = [({}, paid.amount)]
    groups += [({b: level}, rows) for b in breakdowns for level, rows in paid.groupby(b, observed=False).amount]
    return pd.DataFrame([key | own | {"value": float(_lower_median(v)), "unit": "local currency"} for own, v in groups])


def _lower_median(values: pd.Series) -> float:
    """The least value with half of the units at or below it."""
    ordered = np.sort(values.to_numpy())
    return ordered[(len(ordered) + 1) // 2 - 1] if len(ordered) else np.nan
