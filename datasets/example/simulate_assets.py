"""The asset-recovery cases of Exampleland: assets go from frozen to returned, in clusters of linked cases."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.linalg import expm
from scipy.optimize import brentq
from simulate_records import CUT_OFF, PARTNERS, choose, filled, quantity, seen

OPENED = (np.datetime64("2012-01-01"), np.datetime64("2024-12-31"))
CLUSTERS = 190
FURTHER = 1.9
"""Further assets of a cluster, on average."""
STATES = ("frozen", "seized", "confiscated", "returned", "released")
# kind of cluster: share, yearly rates (frozen to seized, seized to confiscated, confiscated to returned, frozen or
# seized to released), mean of the logarithm of the value in dollars
KINDS = {"solid": (0.55, (0.9, 0.55, 0.40, 0.06), 12.6), "contested": (0.45, (0.45, 0.24, 0.2, 0.12), 13.0)}
SPREAD = 0.8
# currency: share, dollars for one unit, at which the register states all values in dollars too
CURRENCIES = {"USD": (0.46, 1.0), "EUR": (0.30, 1.10), "CHF": (0.14, 1.13), "GBP": (0.10, 1.27)}
TYPES = {"bank_account": 0.52, "real_estate": 0.22, "company": 0.12, "vehicle": 0.06, "virtual": 0.03, "other": 0.05}
AVENUES = {"conviction": 0.44, "nonconviction": 0.24, "settlement": 0.18, "civil": 0.08, "administrative": 0.06}
AGREEMENT, MONITORED, ABROAD, COSTS, REALISED = 0.62, 0.48, 0.71, (0.02, 0.08), (0.45, 1.0)


def generator(kind: str) -> np.ndarray:
    """Yearly rates between `STATES`, as a matrix whose rows add to 0."""
    seize, confiscate, give_back, release = KINDS[kind][1]
    rates = np.zeros((5, 5))
    rates[0, 1], rates[1, 2], rates[2, 3] = seize, confiscate, give_back
    rates[:2, 4] = release
    return rates - np.diag(rates.sum(axis=1))


def assets(seed: int) -> pd.DataFrame:
    """Register of assets, a row an asset; those of a cluster share its kind, its avenue and, roughly, its date."""
    rng = np.random.default_rng([seed, 13])
    clusters = rng.poisson(CLUSTERS)
    of = np.repeat(np.arange(clusters), 1 + rng.poisson(FURTHER, clusters))
    n = len(of)
    shares, rates, levels = zip(*KINDS.values(), strict=True)
    kind = np.searchsorted(np.cumsum(shares)[:-1], rng.random(clusters), side="right")[of]
    seize, confiscate, give_back, release = np.array(rates)[kind].T
    opened = OPENED[0] + rng.integers(0, (OPENED[1] - OPENED[0]).astype(int) + 1, clusters)
    frozen = opened[of] + rng.integers(0, 120, n)
    seized = frozen + _days(rng, seize)
    confiscated = seized + _days(rng, confiscate)
    returned = confiscated + _days(rng, give_back)
    released = frozen + _days(rng, release)
    kept = confiscated <= released
    value = rng.lognormal(np.array(levels)[kind], SPREAD)
    currency = choose(rng, {c: share for c, (share, _) in CURRENCIES.items()}, n)
    rate = np.array([CURRENCIES[c][1] for c in currency])
    amount = np.ceil(value)
    taken, back = kept & (confiscated <= CUT_OFF), kept & (returned <= CUT_OFF)
    managed = taken & (rng.random(n) < 0.6)
    return pd.DataFrame(
        {
            "ASSET": np.arange(1, n + 1),
            "CLUSTER": of + 1,
            "LOCATION": choose(rng, PARTNERS, n),
            "TYPE": filled(rng, choose(rng, TYPES, n), 0.02),
            "AVENUE": choose(rng, AVENUES, clusters)[of],
            "ABROAD": filled(rng, rng.random(n) < ABROAD, 0.01),
            "FROZEN": seen(frozen),
            "SEIZED": seen(seized, seized <= released),
            "CONFISCATED": seen(confiscated, kept),
            "RETURNED": seen(returned, kept),
            "RELEASED": seen(released, ~kept),
            "VALUE": amount,
            "VAL_CONF": np.where(taken, amount, np.nan),
            "VAL_RET": np.where(back, amount, np.nan),
            "COSTS": np.where(back, np.ceil(amount * rng.uniform(*COSTS, n)), np.nan),
            "APPRAISED": np.where(managed, amount, np.nan),
            "REALISED": np.where(managed, np.ceil(amount * rng.uniform(*REALISED, n)), np.nan),
            "CURRENCY": "USD",
            "OWN_CURRENCY": currency,
            "OWN_VALUE": np.ceil(value / rate),
            "AGREED": np.where(back, filled(rng, rng.random(n) < AGREEMENT, 0.03), ""),
            "MONITORED": np.where(back, filled(rng, rng.random(n) < MONITORED, 0.03), ""),
            "EXTRACT": CUT_OFF,
        }
    )


def _days(rng: np.random.Generator, rate: np.ndarray) -> np.ndarray:
    return np.ceil(365.25 * rng.exponential(1 / rate)).astype(int)


def occupation(years: float, by_value: bool = False) -> np.ndarray:
    """Share of the assets, or of their value, in each of `STATES` some years after the freeze."""
    found, whole = np.zeros(5), 0.0
    for kind, (share, _, level) in KINDS.items():
        weight = share * (np.exp(level + SPREAD**2 / 2) if by_value else 1.0)
        found += weight * expm(generator(kind) * years)[0]
        whole += weight
    return found / whole


def reached(years: float) -> np.ndarray:
    """Share of the value that was seized, confiscated and returned some years after the freeze, whatever came later."""
    found, whole = np.zeros(3), 0.0
    for kind, (share, (seize, _, _, release), level) in KINDS.items():
        weight, of = share * np.exp(level + SPREAD**2 / 2), expm(generator(kind) * years)[0]
        seized = seize / (seize + release) * -np.expm1(-(seize + release) * years)
        found += weight * np.array([seized, of[2] + of[3], of[3]])
        whole += weight
    return found / whole


def values_by_extract() -> dict[str, float]:
    """Expected value in dollars of what was seized, confiscated and returned by the day of the extract."""
    opened = (CUT_OFF - OPENED[0]).astype(int) - np.arange((OPENED[1] - OPENED[0]).astype(int) + 1)
    exposure = np.maximum(opened[:, None] - np.arange(120), 0) / 365.25  # years since the freeze
    years = np.linspace(0, exposure.max(), 400)
    shares = (np.interp(exposure, years, curve).mean() for curve in np.transpose([reached(t) for t in years]))
    return {
        state: CLUSTERS * (1 + FURTHER) * mean_value() * float(share)
        for state, share in zip(STATES[1:4], shares, strict=True)
    }


def mean_value() -> float:
    """Mean value of an asset in dollars, rounded up."""
    return float(sum(share * (np.exp(level + SPREAD**2 / 2) + 0.5) for share, _, level in KINDS.values()))


def assets_truth() -> pd.DataFrame:
    """True values of what the register of assets feeds."""
    stages = [f"date_{state}" for state in STATES]
    mean, sums = mean_value(), values_by_extract()
    returned = STATES.index("returned")
    rows = [
        quantity("flow", "", "assets_frozen", chance, f"{name} {state} after {years} years",
                 options={"stages": stages, "at": years, "unit": "years", "cluster": "case_cluster"} | weights,
                 stage=state)
        for years in (3, 5)
        for name, by_value, weights in (("Assets", False, {}), ("Value", True, {"weights": "value"}))
        for state, chance in zip(STATES, occupation(years, by_value), strict=True)
    ]  # fmt: skip
    rows += [
        quantity("share", "agreement", "assets_returned", AGREEMENT, "Returned under an agreement"),
        quantity("share", "monitored", "assets_returned", MONITORED, "Returned with the use monitored"),
        quantity("amount", "value_frozen", "assets", CLUSTERS * (1 + FURTHER) * mean, "Value frozen in all",
                 options={"cluster": "case_cluster"}),
        quantity("amount", "value_where_seized", "assets", sums["seized"], "Value seized in all",
                 options={"cluster": "case_cluster"}),
        quantity("amount", "value_confiscated", "assets", sums["confiscated"], "Value confiscated in all",
                 options={"cluster": "case_cluster"}),
        quantity("amount", "value_returned", "assets", sums["returned"], "Value returned in all",
                 options={"cluster": "case_cluster", "exchange": "exchange_rate"}),
        quantity("amount_ratio", "value_where_returned", "value_where_confiscated",
                 sums["returned"] / sums["confiscated"], "Value returned to value confiscated",
                 options={"cluster": "case_cluster"}),
        quantity("duration", "", "assets_frozen", brentq(lambda t: occupation(t)[returned] - 0.5, 1, 40),
                 "Years until half of the assets are returned",
                 options={"start": "date_frozen", "end": "date_returned", "unit": "years", "cluster": "case_cluster"}),
        *(quantity("share", "", "assets_confiscated", share, f"Avenue of confiscation: {avenue}", levels="avenue",
                   options={"cluster": "case_cluster"}, category=avenue)
          for avenue, share in AVENUES.items()),
        quantity("mean_amount", "value_frozen", "assets_frozen", mean, "Mean value of an asset frozen",
                 options={"cluster": "case_cluster"}),
        quantity("amount_ratio", "costs", "value_returned", np.mean(COSTS), "Costs deducted of the value returned",
                 options={"cluster": "case_cluster"}),
        quantity("amount_ratio", "realised", "appraised", np.mean(REALISED), "Value realised of the value appraised",
                 options={"cluster": "case_cluster"}),
    ]  # fmt: skip
    return pd.DataFrame(rows)
