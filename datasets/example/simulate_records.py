"""What the simulated records have in common: arrivals, gaps in days with their exact distribution, true values.

Records are made by a process, not sampled from a population: the true values are those of the process, worked out
from its parameters and never counted in the records.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

import numpy as np
from scipy.special import ndtr

Array = np.ndarray
FIRST, CUT_OFF, YEARS = np.datetime64("2021-01-01"), np.datetime64("2025-12-31"), 5
"""First day of the registers, and the day on which they were copied: what had not happened by then is empty."""
PEOPLE = {
    "XXA-CA": 148_000, "XXA-NO": 104_000, "XXA-CO": 98_000, "XXA-LA": 87_000, "XXA-SO": 85_000, "XXA-IS": 8_000,
}  # fmt: skip
"""Resident population by region, 2025."""
PARTNERS = {"XXB": 0.34, "XXC": 0.24, "XXD": 0.16, "XXE": 0.14, "XXF": 0.12}
"""Other jurisdictions, as invented as Exampleland, and their shares in its dealings with others."""
COUNTRIES = [f"XX{letter}" for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"]
"""All invented countries."""


def arrivals(rng: np.random.Generator, expected: float, first: object = FIRST, last: object = CUT_OFF) -> Array:
    """Days, in order, on which a Poisson number of records arrives between two days, both of them included."""
    first, last = np.datetime64(first), np.datetime64(last)
    span = (last - first).astype(int) + 1
    return first + np.sort(rng.integers(0, span, rng.poisson(expected)))


def gaps(rng: np.random.Generator, median: Array | float, sigma: float, n: int) -> Array:
    """Whole days from one event to the next: log-normal, rounded up."""
    return np.ceil(median * rng.lognormal(0, sigma, n)).astype(int)


def gap_chances(median: float, sigma: float, days: int = 6000) -> Array:
    """Probability of a gap of 0, 1, …, `days` days as `gaps` makes them."""
    with np.errstate(divide="ignore"):
        return np.diff(ndtr(np.log(np.arange(days + 1) / median) / sigma), prepend=0.0)


def quantile(chances: Array, share: float = 0.5) -> int:
    """First day by which the share of the gaps has ended."""
    return int(np.searchsorted(np.cumsum(chances), share))


def share_observed(chances: Array) -> float:
    """Share of all that began evenly between the first day and the day of the extract that has ended by then."""
    return float(np.cumsum(chances)[: (CUT_OFF - FIRST).astype(int) + 1].mean())


def seen(dates: Array, happens: Array | bool = True) -> Array:
    """The dates that are in a copy of the register: not those of what never happens or had not yet happened."""
    return np.where(happens & (dates <= CUT_OFF), dates, np.datetime64("NaT"))


def choose(rng: np.random.Generator, shares: dict[str, float], n: int) -> Array:
    """`n` codes with the given shares (made to add to 1)."""
    limits = np.cumsum(list(shares.values()))
    return np.array(list(shares))[np.searchsorted(limits[:-1] / limits[-1], rng.random(n), side="right")]


def filled(rng: np.random.Generator, values: Array, empty: float) -> Array:
    """`values` (yes and no, or codes) as they stand in the register, where a share of the fields is empty."""
    values = np.asarray(values)
    text = np.where(values, "1", "0") if values.dtype.kind == "b" else values.astype(str)
    return np.where(rng.random(len(values)) < empty, "", text)


def quantity(
    estimator: str,
    numerator: str,
    denominator: str,
    value: float,
    label: str,
    *,
    levels: str = "",
    where: Mapping[str, list[str]] | None = None,
    free: tuple[str, ...] = (),
    options: Mapping[str, object] | None = None,
    **item: str,
) -> dict[str, object]:
    """A true value, and the measure that it is the value of, in the words of a definition.

    `value` is in the estimator's own unit (a share is not per cent). `item` names the row of the result: a category,
    a stage, a period. Choosing rows by a column of `free` does not change the value.
    """
    return {
        "label": label, "estimator": estimator, "numerator": numerator, "denominator": denominator,
        "levels": levels, "where": json.dumps(where or {}), "options": json.dumps(options or {}),
        "item": json.dumps(item), "free": " ".join(free), "value": float(f"{value:.10g}"),
    }  # fmt: skip
