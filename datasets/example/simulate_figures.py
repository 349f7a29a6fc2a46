"""Figures that offices of Exampleland count or publish, and ratings that others give."""

from __future__ import annotations

import numpy as np
import pandas as pd
from simulate_justice import OFFENCES
from simulate_records import COUNTRIES, PEOPLE, choose, quantity

PERIODS = ("2024", "2025")
GROWTH = 1.06
"""Ratio of the rates of 2025 to those of 2024."""
POPULATION = sum(PEOPLE.values())
# quantity: what it is set against, how many of those, rate (Poisson) for one of them in 2025
RATES = {
    "cases": ("population", POPULATION, 5.9e-4),
    "specialised_staff": ("cases", 305, 0.21),
    "illicit_enrichment_cases": ("declarations_verified", 690, 0.018),
    "judges_sanctioned": ("judges", 1180, 0.016),
    "disciplinary_sanctions": ("staff", 5200, 0.021),
    "conflict_notices": ("officials", 2600, 0.034),
    "reports": ("population", POPULATION, 2.9e-4),
    "information_requests": ("population", POPULATION, 7.9e-4),
    "electoral_offences": ("voters", 391_000, 9.0e-5),
    "sport_cases": ("bodies", 64, 0.20),
}  # fmt: skip
# quantity: what it is a part of, how many of those, share
PARTS = {
    "audit_findings_referred": ("audit_findings", 212, 0.17),
    "decisions_annulled": ("decisions_challenged", 640, 0.13),
    "lobby_contacts_registered": ("meetings", 930, 0.61),
    "students_with_curriculum": ("students", 4200, 0.44),
    "licences_published": ("licences", 1260, 0.72),
    "companies_with_programme": ("companies", 520, 0.38),
    "legal_persons_verified": ("legal_persons", 3800, 0.66),
    "sport_bodies_with_integrity_unit": ("bodies", 64, 0.36),
}  # fmt: skip
# quantity: expected number
NUMBERS = {
    "transaction_reports": 900, "debarments": 27, "attacks_on_journalists": 11, "investor_residence_refused": 19,
    "joint_teams": 6, "spontaneous_transmissions": 30,
}  # fmt: skip
# quantity: amount and what it is set against in 2024 and 2025, dollars: sums of accounts, which no chance has made
ACCOUNTS = {
    "budget_outturn": ((1_893_400_000, 1_985_000_000), (2_064_100_000, 2_102_000_000)),
    "audited_expenditure": ((1_173_900_000, 1_893_400_000), (1_424_200_000, 2_064_100_000)),
    "budget_executed": ((2_914_000, 3_300_000), (3_362_000, 3_650_000)),
    "development_aid": ((2_450_000, None), (3_120_000, None)),
}
CRIMES = ("07031", "07032", "07033", "07034", "07035", "07041")
PER = {"population": 1e5, "voters": 1e5, "cases": 1e3, "declarations_verified": 1e3, "judges": 1e3, "staff": 1e3,
       "officials": 1e3, "bodies": 1e3}  # fmt: skip
WOMEN = 0.19
# age group: share of the people, share of the persons suspected, prosecuted and convicted
AGES = {"Y_LT30": (0.38, 0.16), "Y30T44": (0.22, 0.41), "Y45T64": (0.24, 0.37), "Y_GE65": (0.16, 0.06)}
STANDARD = {"Y_LT30": 0.52, "Y30T44": 0.21, "Y45T64": 0.18, "Y_GE65": 0.09}
"""Shares of the age groups in the population by whose ages rates are standardised."""
# persons suspected, prosecuted and convicted of bribery in a year per 100,000: other cases at each stage
STAGES = {"suspects": 26.0, "prosecuted": 17.5, "convicted": 11.8}
OTHER_STAGES = {"suspects": 42.0, "prosecuted": 29.5, "convicted": 19.2}
"""The same of corruption other than bribery: with bribery it makes class 0703."""
# quantity: crime class, expected amount in a year, what it is set against (public expenditure, product), in dollars
MONEY = {"embezzled_value": ("07032", 2.4e6, 1_310_000_000), "illicit_flows": ("_T", 5.2e6, 4_180_000_000)}
MONEY_SPREAD = 0.2  # sigma of the logarithm

LEVELS = {"LE": 0.14, "ME": 0.42, "SE": 0.34, "HE": 0.10}  # effectiveness, from low to high
OUTCOMES = [f"IO.{i}" for i in range(3, 8)]
COMPLIANCE = {"NC": 0.06, "PC": 0.26, "LC": 0.44, "C": 0.24}
RECOMMENDATIONS = [f"R.{i}" for i in (10, 12, 20, 22, 23, 24, 25, 29)]


def counts(seed: int) -> pd.DataFrame:
    """Counts of two years by region, crime class and sex, totals among them, with what they are set against."""
    rng, more = np.random.default_rng([seed, 23]), np.random.default_rng([seed, 27])
    rows: list[dict[str, object]] = []
    for year in PERIODS:
        scale = 1.0 if year == PERIODS[-1] else 1 / GROWTH
        found = pd.DataFrame(
            [
                {
                    "area": area,
                    "crime": crime,
                    "count": rng.poisson(scale * OFFENCES[crime][0] * people / 1e5),
                    "denominator": people,
                }
                for area, people in PEOPLE.items()
                for crime in CRIMES
            ]
        )
        for part in ([], ["area"], ["crime"], ["area", "crime"]):
            rows += _summed(found, part, {"time_period": year, "quantity": "offences", "at_risk": "population"})
        for counted, rate in STAGES.items():
            expected = scale * rate * POPULATION / 1e5
            key = {"time_period": year, "quantity": counted, "crime": "07031", "at_risk": "population"}
            women = [WOMEN, 1 - WOMEN]
            number = rng.poisson(expected * np.outer([share for _, share in AGES.values()], women))
            people = np.rint(POPULATION * np.outer([people for people, _ in AGES.values()], [0.5, 0.5])).astype(int)
            rows.append(key | {"count": number.sum(), "denominator": people.sum()})
            for i, sex in enumerate("FM"):
                rows.append(key | {"sex": sex, "count": number[:, i].sum(), "denominator": people[:, i].sum()})
            for i, age in enumerate(AGES):
                rows.append(key | {"age": age, "count": number[i].sum(), "denominator": people[i].sum()})
            others = scale * OTHER_STAGES[counted] * POPULATION / 1e5
            number, people = number.sum(axis=0) + more.poisson(others * np.array(women)), people.sum(axis=0)
            key |= {"crime": "0703"}
            rows.append(key | {"count": number.sum(), "denominator": people.sum()})
            for i, sex in enumerate("FM"):
                rows.append(key | {"sex": sex, "count": number[i], "denominator": people[i]})
        for counted, (what, number, rate) in RATES.items():
            key = {"time_period": year, "quantity": counted, "at_risk": what, "denominator": number}
            rows.append(key | {"count": rng.poisson(scale * rate * number)})
        for counted, (what, number, share) in PARTS.items():
            key = {"time_period": year, "quantity": counted, "at_risk": what, "denominator": number}
            rows.append(key | {"count": rng.binomial(number, share)})
        rows += [
            {"time_period": year, "quantity": q, "count": rng.poisson(scale * number)} for q, number in NUMBERS.items()
        ]
        for name, (crime, mean, base) in MONEY.items():
            key = {"time_period": year, "quantity": name, "crime": crime, "currency": "USD"}
            rows.append(key | {"amount": round(mean * more.lognormal(0, MONEY_SPREAD), -3), "base_amount": base})
        for of, years in ACCOUNTS.items():
            amount, base = years[PERIODS.index(year)]
            people = {"at_risk": "population", "denominator": POPULATION} if of == "budget_executed" else {}
            money = {"amount": amount, "base_amount": base, "currency": "USD"}
            rows.append({"time_period": year, "quantity": of, **people, **money})
    table = pd.DataFrame(rows)
    breakdowns = ["sex", "age", "area", "crime"]
    table[breakdowns] = table[breakdowns].fillna("_T")
    numbers = ["count", "denominator", "amount", "base_amount"]
    columns = ["time_period", "quantity", *breakdowns, "count", "at_risk", "denominator", "amount", "base_amount"]
    return table[[*columns, "currency"]].astype(dict.fromkeys(numbers, "Int64"))


def _summed(found: pd.DataFrame, part: list[str], key: dict[str, object]) -> list[dict[str, object]]:
    """Sums of the counts by `part`; the people of an area are counted once."""
    groups = found.groupby(part) if part else [((), found)]
    rows = []
    for label, rest in groups:
        named = dict(zip(part, np.atleast_1d(label), strict=False))
        people = rest.drop_duplicates("area").denominator.sum()
        rows.append(key | named | {"count": rest["count"].sum(), "denominator": people})
    return rows


def counts_truth() -> pd.DataFrame:
    """True values of what the counts feed, by year."""
    rows = []
    for year in PERIODS:
        scale = 1.0 if year == PERIODS[-1] else 1 / GROWTH
        rows += [
            quantity("rate", "counted", "at_risk", scale * OFFENCES[c][0], f"Offences of class {c} per 100,000, {year}",
                     where={"quantity": ["offences"], "crime": [c]}, free=("at_risk",), options={"per": 1e5},
                     time_period=year)
            for c in CRIMES
        ]  # fmt: skip
        rows += [
            quantity("rate", "counted", "at_risk", scale * rate, f"{q.capitalize()} per 100,000, {year}",
                     where={"quantity": [q], "crime": ["07031"]}, free=("at_risk",), options={"per": 1e5},
                     time_period=year)
            for q, rate in STAGES.items()
        ]  # fmt: skip
        rows += [
            quantity("standardised_rate", "counted", "at_risk",
                     scale * rate * sum(STANDARD[a] * of / people for a, (people, of) in AGES.items()),
                     f"{q.capitalize()} per 100,000, standardised by age, {year}",
                     where={"quantity": [q], "crime": ["07031"]}, time_period=year,
                     options={"strata": "age", "standard": STANDARD, "per": 1e5})
            for q, rate in STAGES.items()
        ]  # fmt: skip
        rows += [
            quantity("count_ratio", f"counted_{a}", f"counted_{b}", every[a] / every[b], f"{a} to {b}{of}, {year}",
                     where={"crime": [crime]}, time_period=year)
            for crime, of, every in (
                ("07031", "", STAGES),
                ("0703", " of any corruption", {q: rate + OTHER_STAGES[q] for q, rate in STAGES.items()}),
            )
            for a, b in (("prosecuted", "suspects"), ("convicted", "prosecuted"))
        ]  # fmt: skip
        rows += [
            quantity("rate", "counted", "at_risk", scale * (rate + OTHER_STAGES[q]),
                     f"{q.capitalize()} of any corruption per 100,000, {year}",
                     where={"quantity": [q], "crime": ["0703"]}, free=("at_risk",), options={"per": 1e5},
                     time_period=year)
            for q, rate in STAGES.items()
        ]  # fmt: skip
        rows += [
            quantity("rate", "counted", "at_risk", scale * PER[what] * rate,
                     f"{q.replace('_', ' ').capitalize()} per {PER[what]:,.0f} {what}, {year}",
                     where={"quantity": [q]}, free=("at_risk",), options={"per": PER[what]}, time_period=year)
            for q, (what, _, rate) in RATES.items()
        ]  # fmt: skip
        rows += [
            quantity("share", "counted", "at_risk", share, f"{q.replace('_', ' ').capitalize()}, {year}",
                     where={"quantity": [q]}, free=("at_risk",), time_period=year)
            for q, (_, _, share) in PARTS.items()
        ]  # fmt: skip
        rows += [
            quantity("count", "counted", "figures", scale * number, f"{q.replace('_', ' ').capitalize()}, {year}",
                     where={"quantity": [q]}, free=("at_risk",), time_period=year)
            for q, number in NUMBERS.items()
        ]  # fmt: skip
        rows += [
            quantity("amount_ratio", "money", "base_money", np.exp(MONEY_SPREAD**2 / 2) * mean / base,
                     f"{q.replace('_', ' ').capitalize()} to what it is set against, {year}",
                     where={"quantity": [q]} | ({} if crime == "_T" else {"crime": [crime]}), time_period=year)
            for q, (crime, mean, base) in MONEY.items()
        ]  # fmt: skip
        known = {q: years[PERIODS.index(year)] for q, years in ACCOUNTS.items()}
        rows += [
            quantity("amount_ratio", "money", "base_money", amount / base,
                     f"{q.replace('_', ' ').capitalize()} to what it is set against, {year}",
                     where={"quantity": [q]}, time_period=year)
            for q, (amount, base) in known.items() if base
        ]  # fmt: skip
        rows += [
            quantity("mean_amount", "money", "at_risk", known["budget_executed"][0] / POPULATION,
                     f"Budget executed a head, {year}", where={"quantity": ["budget_executed"]}, free=("at_risk",),
                     time_period=year),
            quantity("amount", "money", "figures", known["development_aid"][0], f"Development aid, {year}",
                     where={"quantity": ["development_aid"]}, options={"complete": True}, time_period=year),
        ]  # fmt: skip
    return pd.DataFrame(rows)


def standing(country: str) -> float:
    """True score of a country on the invented scale of 0 to 100."""
    return 25.0 + 50.0 * ((7 * COUNTRIES.index(country)) % 26) / 25


def ratings(seed: int) -> pd.DataFrame:
    """Ratings of 26 countries: ordinal ones by peers, and a score with its standard error."""
    rng = np.random.default_rng([seed, 24])
    parts = []
    for items, shares in ((OUTCOMES, LEVELS), (RECOMMENDATIONS, COMPLIANCE)):
        area, item = (c.ravel() for c in np.meshgrid(COUNTRIES, items, indexing="ij"))
        part = {"ref_area": area, "time_period": "2025", "scheme": "FATF", "item": item, "round": "4"}
        parts.append(pd.DataFrame(part | {"rating": choose(rng, shares, len(area))}))
    error = np.round(rng.uniform(1.5, 4.0, len(COUNTRIES)), 2)
    score = np.array([standing(c) for c in COUNTRIES]) + error * rng.standard_normal(len(COUNTRIES))
    part = {"ref_area": COUNTRIES, "time_period": "2025", "scheme": "integrity", "item": "overall", "round": "2025"}
    known = {"score": score.round(2), "std_error": error, "n_sources": rng.integers(3, 12, len(COUNTRIES))}
    limits = {"lower": (score - 1.96 * error).round(2), "upper": (score + 1.96 * error).round(2)}
    parts.append(pd.DataFrame(part | known | limits | {"scale_low": 0, "scale_high": 100}))
    return pd.concat(parts, ignore_index=True)


def ratings_truth() -> pd.DataFrame:
    """True shares of the ordinal ratings over countries and items, and true scores by country."""
    rows = []
    for name, items, shares in (
        ("Effectiveness", OUTCOMES, LEVELS),
        ("Compliance", RECOMMENDATIONS, COMPLIANCE),
    ):
        where, levels = {"scheme": ["FATF"], "item": items}, {"rating": "rating", "levels": list(shares)}
        rows += [
            quantity("ordinal", "", "ratings", share, f"{name} rated {code}", where=where,
                     options=levels | {"across": "areas"}, category=code)
            for code, share in shares.items()
        ]  # fmt: skip
        rows += [
            quantity("ordinal", "", "ratings", sum(list(shares.values())[i:]), f"{name} rated {code} or higher",
                     where=where, options=levels | {"across": "areas", "cumulative": True}, category=f"≥ {code}")
            for i, code in enumerate(shares)
            if i > 0  # all ratings are at least the lowest
        ]  # fmt: skip
    rows += [
        quantity("published", "rating_score", "ratings", standing(country), f"Score of {country}",
                 where={"scheme": ["integrity"]}, free=("item",), ref_area=country)
        for country in COUNTRIES
    ]  # fmt: skip
    return pd.DataFrame(rows)


def series(seed: int) -> pd.DataFrame:
    """Published figures of five years with standard errors, by sex."""
    rng = np.random.default_rng([seed, 26])
    rows = []
    for year in range(2021, 2026):
        for sex, value in figure(year).items():
            error = round(float(rng.uniform(0.6, 1.1)) * (1.0 if sex == "_T" else 1.4), 2)
            seen_value = round(value + error * rng.standard_normal(), 2)
            limits = {"lower": round(seen_value - 1.96 * error, 2), "upper": round(seen_value + 1.96 * error, 2)}
            key = {"series": "XX_COR_BRIB", "ref_area": "XXA", "time_period": str(year), "sex": sex}
            more = {"value": seen_value, "std_error": error, **limits, "n": int(rng.integers(5000, 12000))}
            rows.append(key | more | {"unit": "%", "nature": "C"})
    return pd.DataFrame(rows)


def figure(year: int) -> dict[str, float]:
    """True value of the published figure by sex: it falls by a point a year."""
    level = 22.0 - (year - 2021)
    return {"_T": level, "F": level - 2.0, "M": level + 2.0}


def series_truth() -> pd.DataFrame:
    """True values of the published figures."""
    rows = [
        quantity("published", "published_value", "published_figures", value, f"Published figure of {year}, {sex}",
                 time_period=str(year), sex=sex)
        for year in range(2021, 2026)
        for sex, value in figure(year).items()
    ]  # fmt: skip
    return pd.DataFrame(rows)
