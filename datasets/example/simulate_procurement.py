"""The tenders of Exampleland, the contracts that came of them, and the bids."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd
from scipy.optimize import brentq
from scipy.special import ndtr
from scipy.stats import binom
from simulate_records import CUT_OFF, PEOPLE, choose, filled, gap_chances, gaps, quantity, seen

TENDERS = 1500
METHODS = {"open": 0.60, "selective": 0.15, "limited": 0.15, "direct": 0.10}
COMPETITIVE = ("open", "selective")
BIDS = {1: 0.22, 2: 0.25, 3: 0.24, 4: 0.16, 5: 0.13}  # in open and selective procedures; one in the others
NO_NOTICE = {"open": 0.03, "selective": 0.12, "limited": 0.45, "direct": 1.0}
PERIOD = (31.3, 0.45)  # days between call and deadline: median, sigma of the logarithm
LEVEL = {"open": 11.6, "selective": 11.9, "limited": 11.1, "direct": 10.4}  # mean of the logarithm of the value
SPREAD = 0.9
SECTORS = {"45": 0.36, "33": 0.22, "72": 0.14, "79": 0.16, "09": 0.12}  # divisions of the CPV
BUYERS, SUPPLIERS = 36, 240
MODIFIED, GROWTH = 0.21, (0.02, 0.40)  # share of the contracts, range of the growth of their value
OWNER_KNOWN, SECRECY, DISCLOSED = 0.83, 0.05, 0.56
EMERGENCY, PUBLISHED = 0.08, {True: 0.58, False: 0.86}  # contracts published, by emergency
COMPLAINT, DECIDED, UPHELD = 0.14, 0.81, 0.29
DEBARRED, CLAUSE, ELECTRONIC = 0.012, 0.47, 0.64
FIELDS, FIELD_FILLED = 24, 0.88

PRICES = 0.12  # sigma of the logarithm of the prices bid for one tender
STEERED = 0.06  # tenders of two bids or more in which all but a chosen bid are disqualified
DISQUALIFIED = 0.07  # other bids, except one
JUDGED = 10  # tenders that a supplier needs to be judged by its classes
EQUAL, LATE = 0.04, 0.02  # tenders with two equal prices; winning bids received after the deadline


def tenders(seed: int) -> pd.DataFrame:
    """What contracts and bids have in common, a row a tender."""
    rng = np.random.default_rng([seed, 19])
    n = rng.poisson(TENDERS)
    method = choose(rng, METHODS, n)
    competitive = np.isin(method, COMPETITIVE)
    call = np.sort(np.datetime64("2024-01-01") + rng.integers(0, 620, n))
    buyer = rng.integers(0, BUYERS, n)
    supplier = (preferences().cumsum(axis=1)[buyer, :-1] < rng.random(n)[:, None]).sum(axis=1)
    deadline = call + gaps(rng, *PERIOD, n)
    return pd.DataFrame(
        {
            "TENDER": np.arange(1, n + 1),
            "BUYER": buyer + 1,
            "REGION": choose(rng, PEOPLE, n),
            "METHOD": method,
            "CPV": choose(rng, SECTORS, n),
            "SUPPLIER": supplier + 1,
            "BIDS": np.where(competitive, choose(rng, {str(k): p for k, p in BIDS.items()}, n).astype(int), 1),
            "NOTICE": rng.random(n) >= np.array([NO_NOTICE[m] for m in method]),
            "CALL": call,
            "DEADLINE": deadline,
            "AWARD": deadline + gaps(rng, 24.0, 0.5, n),
            "VALUE": np.ceil(rng.lognormal(np.array([LEVEL[m] for m in method]), SPREAD)),
        }
    )


def preferences() -> np.ndarray:
    """Chance that a contract of a buyer (row) goes to a supplier (column): each buyer favours some of them."""
    return np.random.default_rng(22).dirichlet(np.full(SUPPLIERS, 0.15), BUYERS)


def contracts(seed: int) -> pd.DataFrame:
    """Register of contracts, a row a contract, of which each tender gave one."""
    rng = np.random.default_rng([seed, 20])
    base = tenders(seed)
    n, value = len(base), base.pop("VALUE").to_numpy()
    modified, known, emergency = (rng.random(n) < share for share in (MODIFIED, OWNER_KNOWN, EMERGENCY))
    complaint = rng.random(n) < COMPLAINT
    decided = complaint & (rng.random(n) < DECIDED)

    def after(gate: np.ndarray, share: float, empty: float = 0.0) -> np.ndarray:
        return np.where(gate, filled(rng, rng.random(n) < share, empty), "")

    award = base.AWARD.to_numpy("datetime64[D]")
    out = base.assign(
        NOTICE=base.NOTICE.astype(int),
        AWARD=seen(award),
        SIGNED=seen(award + gaps(rng, 9.0, 0.5, n)),
        VALUE=value,
        FINAL=np.where(modified, np.ceil(value * (1 + rng.uniform(*GROWTH, n))), np.nan),
        CURRENCY="USD",
        MODIFIED=filled(rng, modified, 0.02),
        KNOWN=known.astype(int),
        SECRECY=after(known, SECRECY),
        OWNER=filled(rng, rng.random(n) < DISCLOSED, 0.02),
        EMERGENCY=emergency.astype(int),
        PUBLISHED=(rng.random(n) < np.where(emergency, PUBLISHED[True], PUBLISHED[False])).astype(int),
        COMPLAINT=complaint.astype(int),
        COMPLAINT_DECIDED=np.where(complaint, decided.astype(int).astype(str), ""),
        UPHELD=after(decided, UPHELD),
        DEBARRED=(rng.random(n) < DEBARRED).astype(int),
        CLAUSE=filled(rng, rng.random(n) < CLAUSE, 0.03),
        ONLINE=filled(rng, rng.random(n) < ELECTRONIC, 0.01),
        FIELDS=FIELDS,
        FILLED=rng.binomial(FIELDS, FIELD_FILLED, n),
        EXTRACT=CUT_OFF,
    )
    out["FINAL"] = out.FINAL.where(out.MODIFIED == "1")
    out.insert(0, "CONTRACT", np.arange(1, n + 1))
    return out


def contracts_truth() -> pd.DataFrame:
    """True values of what the register of contracts feeds."""
    notice = sum(share * NO_NOTICE[m] for m, share in METHODS.items())
    shares = [
        ("single_bid", "contracts_competitive", BIDS[1], "Contracts with a single bid, after competition"),
        ("non_open", "contracts", 1 - METHODS["open"], "Awarded by another than an open procedure"),
        ("no_notice", "contracts", notice, "Awarded without a call for tenders"),
        ("modified", "contracts", MODIFIED, "Modified after signature"),
        ("secrecy_jurisdiction", "contracts_owner_known", SECRECY, "Supplier in a secrecy jurisdiction"),
        ("owner_disclosed", "contracts", DISCLOSED, "Beneficial owner disclosed"),
        ("complaint_upheld", "complaints_decided", UPHELD, "Complaints upheld"),
        ("debarred", "contracts", DEBARRED, "Awarded to a debarred supplier"),
        ("clause", "contracts", CLAUSE, "With an anti-corruption clause"),
        ("electronic_procurement", "contracts", ELECTRONIC, "Procured electronically"),
        ("fields_filled", "fields_required", FIELD_FILLED, "Required fields filled in"),
    ]
    rows = [quantity("share", over, base, value, label) for over, base, value, label in shares]
    mean = {m: np.exp(level + SPREAD**2 / 2) + 0.5 for m, level in LEVEL.items()}  # rounded up to whole dollars
    value = sum(share * mean[m] for m, share in METHODS.items())
    chances = preferences().mean(axis=0)
    rows += [
        quantity("amount", "contract_value", "contracts", TENDERS * value, "Value of all contracts"),
        quantity("mean_amount", "contract_value", "contracts", value, "Mean value of a contract"),
        quantity("amount_ratio", "value_non_open", "contract_value", 1 - METHODS["open"] * mean["open"] / value,
                 "Share of the value awarded by another than an open procedure"),
        quantity("amount_ratio", "final_value_modified", "value_modified", 1 + np.mean(GROWTH),
                 "Final value to value at award of modified contracts"),
        quantity("amount_ratio", "value_emergency", "contract_value", EMERGENCY, "Share of the value in emergencies"),
        quantity("amount_ratio", "value_published", "value_emergency", PUBLISHED[True],
                 "Published of the value in emergencies", where={"emergency": ["1"]}),
        *(quantity("hhi", "", "contracts", float(chances @ chances), f"Concentration of {what} on suppliers",
                   options={"receiver": "supplier", "corrected": True} | amount)
          for what, amount in (("contracts", {}), ("contract value", {"amount": "value"}))),
    ]  # fmt: skip
    rows += [
        quantity("first_digits", "contract_value", "contracts", chance, f"Contract values that begin with {digit}",
                 category=str(digit))
        for digit, chance in enumerate(first_digits(), start=1)
    ]  # fmt: skip
    return pd.DataFrame(rows)


def first_digits() -> np.ndarray:
    """Chance of each first digit, 1 to 9, of the value of a contract, rounded up to whole dollars."""
    tens = 10.0 ** np.arange(12)[:, None]
    bounds = np.log(np.maximum(np.arange(1, 11) * tens - 1, 1e-300))
    return sum(
        share * np.diff(ndtr((bounds - LEVEL[method]) / SPREAD), axis=1).sum(axis=0)
        for method, share in METHODS.items()
    )


def bids(seed: int) -> pd.DataFrame:
    """Register of bids in open and selective procedures, a row a bid."""
    rng = np.random.default_rng([seed, 21])
    base = tenders(seed).query("METHOD in @COMPETITIVE").reset_index(drop=True)
    of = np.repeat(np.arange(len(base)), base.BIDS)
    n, rows = len(of), base.iloc[of].reset_index(drop=True)
    first = np.r_[0, np.cumsum(base.BIDS)[:-1]]
    several = base.BIDS.to_numpy() > 1
    price = np.ceil(rows.VALUE.to_numpy() * rng.lognormal(0, PRICES, n))
    equal = several & (rng.random(len(base)) < EQUAL)
    price[first[equal] + 1] = price[first[equal]]
    # in every tender one bid, drawn by lot, is never disqualified; in a steered one all others are
    safe = first + np.floor(rng.random(len(base)) * base.BIDS).astype(int)
    steered = several & (rng.random(len(base)) < STEERED)
    out = (rng.random(n) < DISQUALIFIED) | steered[of]
    out[safe] = False
    order = np.lexsort((price, out, of))  # valid bids first, from the lowest price
    winner = np.zeros(n, dtype=bool)
    winner[order[first]] = True
    late = winner & (rng.random(n) < LATE)
    ahead = rng.integers(1, 40, n).cumsum()  # no supplier bids twice for a tender
    bidder = 1 + (rows.SUPPLIER.to_numpy() - 1 + ahead - (ahead[first] - 1)[of]) % SUPPLIERS
    return pd.DataFrame(
        {
            "BID": np.arange(1, n + 1),
            "TENDER": rows.TENDER,
            "BUYER": rows.BUYER,
            "METHOD": rows.METHOD,
            "CPV": rows.CPV,
            "BIDDER": np.where(winner, rows.SUPPLIER, bidder),
            "STATUS": np.where(out, "disqualified", "valid"),
            "WINNER": winner.astype(int),
            "PRICE": price,
            "CURRENCY": "USD",
            "OPENED": rows.CALL,
            "DEADLINE": rows.DEADLINE,
            "RECEIVED": rows.DEADLINE.to_numpy("datetime64[D]") + np.where(late, 1, -1) * (1 + rng.integers(0, 4, n)),
            "AWARD": seen(rows.AWARD.to_numpy()),
        }
    )


def bids_truth() -> pd.DataFrame:
    """True values of what the bids feed.

    Where a fence drawn from the register decides, it is that of a register without end (R024, R025, R058), or the value
    is the mean of further registers, because it depends on how many buyers or suppliers there are (R038, R048).
    """
    several = {m: p for m, p in BIDS.items() if m > 1}
    share = sum(several.values())
    won = 1 / sum(m * p for m, p in BIDS.items())
    spared = sum(p * (1 - STEERED) * (m - 1) * DISQUALIFIED for m, p in several.items())
    steered = sum(p * STEERED * (m - 1) for m, p in several.items())
    lone = sum(p * (STEERED + (1 - STEERED) * DISQUALIFIED ** (m - 1)) for m, p in several.items())
    lowest = sum(p * _lowest_out(m) for m, p in several.items())
    rows = [
        quantity("share", "bid_winner", "bids", won, "Bids that won", options={"cluster": "tender"}),
        quantity("share", "bid_disqualified", "bids", (spared + steered) * won, "Bids disqualified",
                 options={"cluster": "tender"}),
    ]  # fmt: skip
    rows += [
        quantity("flag", "", "bids", value, label, options={"flag": flag})
        for flag, value, label in (
            ("R003", gap_chances(*PERIOD)[:15].sum(), "Tenders open for less than 15 days (R003)"),
            ("R018", BIDS[1], "Tenders with a single bid (R018)"),
            ("R028", EQUAL, "Tenders with equal prices (R028)"),
            ("R030", LATE, "Tenders won by a late bid (R030)"),
            ("R035", lone / share, "Tenders with all but the winner disqualified (R035)"),
            ("R036", lowest / share, "Tenders with the lowest bid disqualified (R036)"),
            ("R024", 0.0, "Tenders with a price close to the winner's (R024)"),  # the fence is below zero
            ("R058", far_below(), "Tenders won far below the second price (R058)"),
        )
    ]
    buyers, suppliers = beyond_fences()
    rows += [
        quantity("flag", "", "bids", value, label,
                 options={"flag": flag, "units": units, "interval": "clopper_pearson"} | more)
        for flag, units, value, label, more in (
            ("R025", "tenderer", 0.0, "Bidders who often bid and hardly win (R025)", {}),  # the fence is below zero
            ("R038", "buyer", buyers, "Buyers who disqualify many bids (R038)", {}),
            ("R048", "tenderer", suppliers, "Suppliers of many classes (R048)", {"minimum_processes": JUDGED}),
        )
    ]  # fmt: skip
    return pd.DataFrame(rows)


def far_below() -> float:
    """Chance that the second price lies above the winning one by the upper fence of this distance or more."""
    z, weights = np.polynomial.hermite_e.hermegauss(80)
    parts = [(0.0, 0)]  # chance, and distinct prices of valid bids; 0 where the two lowest are equal
    for m, share in BIDS.items():
        for v in range(2, m + 1):
            valid = share * (1 - STEERED) * binom.pmf(v - 1, m - 1, 1 - DISQUALIFIED)
            tied = valid * EQUAL * v * (v - 1) / (m * (m - 1))  # both of the two equal bids are valid
            parts += [(valid - tied, v), (tied / (v - 1), 0), (tied * (v - 2) / (v - 1), v - 1)]
    whole = sum(chance for chance, _ in parts)

    def above(distance: float) -> float:
        gap = ndtr(-z - np.log1p(distance) / PRICES)
        return sum(c * k * (weights @ gap ** (k - 1)) / np.sqrt(2 * np.pi) for c, k in parts if k) / whole

    low, high = (brentq(lambda d, left=left: above(d) - left, 0, 3) for left in (0.75, 0.25))
    return above(high + 1.5 * (high - low))


@cache
def beyond_fences(registers: int = 1000) -> tuple[float, float]:
    """Mean share of buyers who disqualify, and of suppliers of classes, at or beyond the upper fence of a register."""
    rng = np.random.default_rng(31)
    favoured, found = preferences().cumsum(axis=1), np.zeros((registers, 2))
    sizes, shares = np.array(list(BIDS)), np.array(list(BIDS.values()))
    competitive = sum(share for method, share in METHODS.items() if method in COMPETITIVE)
    for register in found:
        n = rng.poisson(TENDERS * competitive)
        buyer, m = rng.integers(0, BUYERS, n), rng.choice(sizes, n, p=shares)
        out = np.where(rng.random(n) < STEERED, m - 1, rng.binomial(m - 1, DISQUALIFIED))
        of_buyer = np.bincount(buyer, out, BUYERS) / np.bincount(buyer, m, BUYERS)
        supplier = (favoured[buyer, :-1] < rng.random(n)[:, None]).sum(axis=1)
        class_ = rng.choice(len(SECTORS), n, p=list(SECTORS.values()))
        held = np.bincount(supplier * len(SECTORS) + class_, minlength=SUPPLIERS * len(SECTORS)).reshape(SUPPLIERS, -1)
        register[:] = [_beyond(of_buyer), _beyond((held[held.sum(axis=1) >= JUDGED] > 0).sum(axis=1))]
    buyers, suppliers = found.mean(axis=0)
    return float(buyers), float(suppliers)


def _beyond(values: np.ndarray) -> float:
    """Share of the values at or beyond their upper fence; none where the quartiles are equal, unless beyond them."""
    low, high = np.quantile(values, [0.25, 0.75], method="median_unbiased")
    return float((values > high).mean() if low == high else (values >= high + 1.5 * (high - low)).mean())


def _lowest_out(m: int) -> float:
    """Chance that a lowest of `m` bids is disqualified; with equal prices, two may be the lowest."""
    spared = 1 - DISQUALIFIED
    one = (m - 1) / m * (STEERED + (1 - STEERED) * DISQUALIFIED)
    both = STEERED + (1 - STEERED) * (1 - 2 / m * spared - (1 - 2 / m) * spared**2)
    return (1 - EQUAL) * one + EQUAL * (both / (m - 1) + (m - 2) / (m - 1) * one)
