"""The files of the simulated office: codes of its questionnaire, true values, and how they are written."""

from __future__ import annotations

import gzip
import hashlib
import io
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import simulate_administration as administration
import simulate_assets as assets
import simulate_business as business
import simulate_civil_servants as civil_servants
import simulate_designs as designs
import simulate_figures as figures
import simulate_justice as justice
import simulate_procurement as procurement
import simulate_status as provisions
from simulate import EMPLOYEES, FORMS, OFFICIALS, SEED, Measure, answer, draw, population, two_waves

RECORDS: dict[str, tuple[Callable[[int], pd.DataFrame], Callable[[], pd.DataFrame]]] = {
    "justice_cases": (justice.cases, justice.cases_truth),
    "cooperation_requests": (justice.requests, justice.requests_truth),
    "asset_recovery": (assets.assets, assets.assets_truth),
    "declarations": (administration.declarations, administration.declarations_truth),
    "personnel": (administration.personnel, administration.personnel_truth),
    "information_requests": (administration.information, administration.information_truth),
    "reports": (administration.reports, administration.reports_truth),
    "transaction_reports": (administration.transactions, administration.transactions_truth),
    "contracts": (procurement.contracts, procurement.contracts_truth),
    "bids": (procurement.bids, procurement.bids_truth),
    "counts": (figures.counts, figures.counts_truth),
    "ratings": (figures.ratings, figures.ratings_truth),
    "status": (provisions.status, provisions.status_truth),
    "reviews": (provisions.reviews, provisions.reviews_truth),
    "published_series": (figures.series, figures.series_truth),
}
"""What makes the records and figures of a data set ``<name>_2025`` from a seed, and what states their true values."""
DEFLATOR, PARITY, PRODUCT_SHARE = 0.87, 0.31, 2.5e-10
"""Of 2025, as ``population_2025/source.toml`` has them: to prices of 2018, to international dollars, of the product."""


def questionnaire(sample: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """The office's own file: its column names and codes, questions skipped, and answers refused or not known.

    Codes: 1 yes, 2 no, 7 not applicable, 8 (98, 999998) does not know, 9 (99, 999999) refuses. Persons who
    paid or were asked refuse to say so more often than others.
    """
    n = len(sample)
    raw = pd.DataFrame(
        {
            "ID": np.arange(1, n + 1),
            "REG": sample.stratum // 10,
            "UR": sample.stratum % 10,
            "STRATO": sample.stratum,
            "UPM": sample.psu,
            "W_FINAL": sample.weight.round(2),
            "Q1_SEX": 2 - sample.sex.cat.codes.to_numpy(),
            "Q2_AGE": sample.years,
            "Q3_EDU": answer(sample.education.cat.codes + 1, rng, know=0.002, refuse=0.003),
            "Q4_INC": answer(sample.income.cat.codes + 1, rng, know=0.02, refuse=0.05),
            "Q5_DISAB": answer(2 - sample.disability.cat.codes, rng, refuse=0.01),
            "Q6_CIT": sample.citizenship.cat.codes + 1,
        }
    )
    for k in OFFICIALS:
        raw[f"Q10_{k.upper()}"] = answer(2 - sample[f"contact__{k}"], rng, know=0.0015, refuse=0.0005)
    for number, stem in ((11, "asked"), (12, "paid")):
        for k in OFFICIALS:
            met, yes = raw[f"Q10_{k.upper()}"], sample[f"{stem}__{k}"].to_numpy()
            said = answer(2 - yes, rng, know=0.001, refuse=0.002 + 0.018 * yes)
            raw[f"Q{number}_{k.upper()}"] = np.select([met == 1, met == 2], [said, 7.0], np.nan)
    asked = (raw[[f"Q11_{k.upper()}" for k in OFFICIALS]] == 1).any(axis=1)
    never = raw[[f"Q11_{k.upper()}" for k in OFFICIALS]].isin([2, 7]).all(axis=1)
    said = answer(2 - sample.refused, rng, know=0.01, refuse=0.01)
    raw["Q13_REFUSED"] = np.select([asked, never], [said, 7.0], np.nan)
    refused = raw["Q13_REFUSED"] == 1
    raw["Q14_CONSEQ"] = np.where(refused, answer(2 - sample.consequence, rng, know=0.03, refuse=0.02), np.nan)

    paid = (raw[[f"Q12_{k.upper()}" for k in OFFICIALS]] == 1).any(axis=1).to_numpy()
    details = {"Q15_TIMES": answer(sample.bribes, rng, 0.01, 0.01, codes=(98, 99))}
    details["Q16_MODAL"] = answer(sample.modality.cat.codes + 1, rng, 0.01, 0.015)
    silent = rng.random(n) < 0.015  # refuses the whole card of forms
    for form in FORMS:
        details[f"Q17_{form.upper()}"] = np.where(silent, 9, 2 - sample[f"form__{form}"])
    details["Q18_AMOUNT"] = answer(sample.amount, rng, 0.03, 0.02, codes=(999998, 999999))
    details["Q18_AMOUNT"] = np.where(silent, 999999, details["Q18_AMOUNT"])
    for name, column in {"Q19_TIMING": "timing", "Q20_REASON": "reason", "Q21_PLACE": "place"}.items():
        details[name] = answer(sample[column].cat.codes + 1, rng, 0.01, 0.01)
    details["Q22_REPORT"] = answer(2 - sample.reported, rng, 0.004, 0.01)
    raw = raw.assign(**{name: np.where(paid, values, np.nan) for name, values in details.items()})
    said = answer(2 - sample.formal_procedure, rng, know=0.04)
    raw["Q23_PROC"] = np.where(raw.Q22_REPORT == 1, said, np.nan)
    raw["Q30_ACCEPT"] = answer(2 - sample.acceptable, rng, 0.03, 0.01)
    raw["Q31_VOTE"] = answer(2 - sample.vote_offer, rng, 0.005, 0.015)
    raw["Q32_PINCOME"] = answer(sample.personal_income, rng, 0.03, 0.09, codes=(999998, 999999))
    for k in EMPLOYEES:
        met = answer(2 - sample[f"private_contact__{k}"], rng, 0.003, 0.002)
        said = answer(2 - sample[f"private_asked__{k}"], rng, 0.005, 0.01)
        raw[f"Q40_{k.upper()}"] = met
        raw[f"Q41_{k.upper()}"] = np.select([met == 1, met == 2], [said, 7.0], np.nan)
    said = answer(2 - sample.sexual_favour, rng, know=0.01, refuse=0.02 + 0.1 * sample.sexual_favour.eq(1))
    raw["Q24_FAVOUR"] = np.where(asked | paid, np.nan_to_num(said, nan=2.0), np.nan)
    raw["Q33_RECENT"] = answer(2 - sample.recruited_3y, rng, know=0.002, refuse=0.004)
    said = answer(2 - sample.recruited_unfairly, rng, know=0.02, refuse=0.04)
    raw["Q34_UNFAIR"] = np.where(raw.Q33_RECENT == 1, said, np.nan)
    opinion = sample.judicial_independence.cat.codes.to_numpy()
    raw["Q50_JUDGES"] = np.where(opinion < 0, 8, answer(opinion + 1, rng, refuse=0.01))
    raw["Q51_BODY"] = answer(2 - sample.aware_body, rng, know=0.02, refuse=0.005)
    raw["Q52_SPEAK"] = answer(2 - sample.would_report_safely, rng, know=0.04, refuse=0.02)
    return raw


def measures(adults: pd.DataFrame) -> Iterator[Measure]:
    """What the indicators count in the population."""
    p = {name: adults[name].to_numpy() for name in adults}
    everyone = np.ones(len(adults))
    yield "BR-01", {}, p["paid_or_asked"], p["contact"], "%"
    yield "BR-02", {}, p["paid"], p["contact"], "%"
    yield "BR-03", {}, p["refused"], p["asked"], "%"
    yield "BR-04", {}, p["contact"], everyone, "%"
    yield "BR-05", {}, p["bribes"], p["paid"], "bribes per payer"
    yield "BR-06", {}, p["bribes"], everyone, "bribes per adult"
    yield "BR-07", {}, p["bribes"], None, "bribes"
    yield "BR-08a", {}, p["amount"], p["cash"], "local currency"
    yield "BR-09a", {}, p["bribes"] * p["amount"], None, "local currency"
    yield "BR-10", {}, p["amount"], p["cash"] * p["personal_income"], "%"
    for k in OFFICIALS:
        yield "BR-11", {"official": k}, p[f"paid__{k}"] | p[f"asked__{k}"], p[f"contact__{k}"], "%"
        yield "BR-12", {"official": k}, p[f"paid__{k}"], p["paid"], "%"
    for number, column in {"13": "modality", "15": "timing", "16": "reason", "17": "place"}.items():
        for code in adults[column].cat.categories:
            yield f"BR-{number}", {"category": code}, (adults[column] == code).to_numpy(), p["paid"], "%"
    for form in FORMS:
        yield "BR-14", {"category": form}, p[f"form__{form}"], p["paid"], "%"
    yield "BR-18", {}, p["reported"], p["paid"], "%"
    yield "BR-19", {}, p["formal_procedure"], p["reported"], "%"
    yield "BR-20", {}, p["consequence"], p["refused"], "%"
    yield "BR-21", {}, p["acceptable"], everyone, "%"
    for k in EMPLOYEES:
        yield "BR-27", {"category": k}, p[f"private_asked__{k}"], p[f"private_contact__{k}"], "%"
    yield "BR-30", {}, p["vote_offer"], everyone, "%"
    yield "BR-31", {}, p["paid_or_asked"], everyone, "%"
    yield "BR-32", {}, p["paid"], everyone, "%"
    yield "GE-01b", {}, p["sexual_favour"], p["paid_or_asked"], "%"
    yield "HR-02a", {}, p["recruited_unfairly"], p["recruited_3y"], "%"
    yield "JU-03", {}, p["paid__judge"] | p["asked__judge"], p["contact__judge"], "%"
    opinion = adults["judicial_independence"]
    yield "JU-04", {}, opinion.isin(["very_good", "fairly_good"]).to_numpy(), opinion.notna().to_numpy(), "%"
    yield "CS-01", {}, p["aware_body"], everyone, "%"
    yield "WB-05b", {}, p["would_report_safely"], everyone, "%"


def priced(adults: pd.DataFrame) -> Iterator[Measure]:
    """What the indicators of money in other units count in the population of 2025."""
    bribes, amount, cash = (adults[name].to_numpy() for name in ("bribes", "amount", "cash"))
    yield "BR-08c", {}, amount * DEFLATOR, cash, "local currency at constant prices"
    yield "BR-08d", {}, amount * PARITY, cash, "international dollars"
    yield "BR-09b", {}, bribes * amount * PRODUCT_SHARE, None, "%"


def women_to_men(adults: pd.DataFrame, breakdowns: list[str], items: list[str]) -> pd.DataFrame:
    """True ratio of women's prevalence of bribery to men's, in all and by one other breakdown at a time."""
    others = [name for name in breakdowns if name != "sex"]
    met = adults[adults.contact == 1]

    def ratio(rows: pd.DataFrame) -> float:
        shares = rows.groupby("sex", observed=False).paid_or_asked.mean()
        return round(float(shares["F"] / shares["M"]), 6)

    key = {"indicator": "GE-01a"} | dict.fromkeys([*breakdowns, *items], "_T")
    groups = [({}, met)] + [({b: v}, rows) for b in others for v, rows in met.groupby(b, observed=False)]
    return pd.DataFrame([key | own | {"value": ratio(rows), "unit": "ratio"} for own, rows in groups])


def truth(units: pd.DataFrame, found: Iterable[Measure], breakdowns: list[str], items: list[str]) -> pd.DataFrame:
    """True values of what was `found`, in all (``_T``) and by one breakdown at a time; empty if undefined."""
    codes = {name: units[name].cat.codes.to_numpy() for name in breakdowns}
    rows = []
    for indicator, item, top, bottom, unit in found:
        key = {"indicator": indicator} | dict.fromkeys([*breakdowns, *items], "_T") | item
        above, below = np.nan_to_num(top), None if bottom is None else np.nan_to_num(bottom)
        groups = [("indicator", [indicator], np.zeros(len(units), dtype=int))]
        groups += [(name, units[name].cat.categories, codes[name]) for name in breakdowns]
        for name, labels, code in groups:
            values = np.bincount(code, above, len(labels)) * (100 if unit == "%" else 1)
            if below is not None:
                counts = np.bincount(code, below, len(labels))
                values = np.divide(values, counts, out=np.full(len(labels), np.nan), where=counts > 0)
            rows += [
                key | {name: label, "value": round(value, 6), "unit": unit}
                for label, value in zip(labels, values, strict=True)
            ]
    return pd.DataFrame(rows)


def packed(raw: pd.DataFrame) -> bytes:
    """The table as compressed text, the same bytes each time; whole numbers have no decimal point."""
    text = raw.convert_dtypes().to_csv(index=False, lineterminator="\n")
    buffer = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", fileobj=buffer, mtime=0) as file:
        file.write(text.encode())
    return buffer.getvalue()


def files() -> Iterator[tuple[str, pd.DataFrame, pd.DataFrame]]:
    """Folder, raw data and true values of each data set."""
    for year, psus in two_waves().items():
        adults = population(year=year)
        rng = np.random.default_rng([SEED, 5, year])
        raw = questionnaire(draw(adults, rng, psus), rng)
        keys = ["sex", "age", "urbanisation", "area"], ["official", "category"]
        money = priced(adults) if year == 2025 else ()
        true = truth(adults, [*measures(adults), *money], *keys)
        more = designs.median(adults, *keys), women_to_men(adults, *keys)
        yield f"population_{year}", raw, pd.concat([true, *more])
    yield from of_designs(adults)
    rng = np.random.default_rng([SEED, 2, 1])
    units = business.enterprises(SEED)
    raw = business.questionnaire(business.draw(units, rng), rng)
    found = business.measures(units)
    yield "business_2025", raw, truth(units, found, ["sector", "firm_size", "ownership"], ["transaction"])
    rng = np.random.default_rng([SEED, 3, 1])
    units = civil_servants.civil_servants(SEED)
    raw = civil_servants.questionnaire(civil_servants.draw(units, rng), rng)
    found = civil_servants.measures(units)
    yield "civil_servants_2025", raw, truth(units, found, ["sex", "age", "grade", "institution"], [])
    rng = np.random.default_rng([SEED, 6, 4])
    raw = designs.imputed(civil_servants.draw(units, rng), rng)
    found = (measure for measure in civil_servants.measures(units) if measure[0] == "BR-26")
    yield "civil_servants_2025_imputed", raw, truth(units, found, ["sex"], [])
    for name, (simulate, true) in RECORDS.items():
        yield f"{name}_2025", simulate(SEED), true()


def of_designs(adults: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame, pd.DataFrame]]:
    """The samples of adults whose designs take more than strata and units."""
    makers = {"replicates": designs.replicated, "panel": designs.panel, "two_phase": designs.two_phases}
    true = truth(adults, designs.basics(measures(adults)), ["sex", "urbanisation"], [])
    for i, (name, maker) in enumerate(makers.items()):
        yield f"population_2025_{name}", maker(adults, np.random.default_rng([SEED, 6, i])), true
    raw = designs.payments(adults, np.random.default_rng([SEED, 6, 3]))
    found = (m for m in measures(adults) if m[0] in ("BR-08a", "BR-10", "BR-32"))
    keys = ["sex", "urbanisation"], []
    yield "payments_2025", raw, pd.concat([truth(adults, found, *keys), designs.median(adults, *keys)])


def write() -> None:
    """Write the data and true values of every data set, and print the hashes of the data."""
    for name, raw, true in files():
        folder = Path(__file__).parent / "datasets" / name
        data = packed(raw)
        folder.mkdir(exist_ok=True)
        (folder / "data.csv.gz").write_bytes(data)
        true.to_csv(folder / "truth.csv", index=False, lineterminator="\n")
        if name == "population_2025_panel":
            designs.census(population()).to_csv(folder / "census.csv", index=False, lineterminator="\n")
        print(f"{name}: {len(raw):,} rows, {len(data):,} bytes, sha256 {hashlib.sha256(data).hexdigest()}")
