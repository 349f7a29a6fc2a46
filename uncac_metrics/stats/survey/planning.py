"""Planning a survey: sample sizes, power and the width to expect, under clustering, non-response and contact filters.

Sizes are numbers of people to interview (or to select, where `response` is given). The people that a rate among those
with contact rests on are fewer: `contact` is the share of interviewed people who pass the filter. The design effect
`deff` is that of the estimate, against a simple random sample drawn with replacement.
"""

from __future__ import annotations

import math

import numpy as np
from scipy import special

from uncac_metrics.model import Fault, Faults
from uncac_metrics.stats import intervals


def sample_size(
    prevalence: float, margin: float, *, deff: float = 1.0, contact: float = 1.0, response: float = 1.0,
    population: float = math.inf, level: float = 0.95,
) -> int:  # fmt: skip
    r"""People to select so that the interval of a prevalence is expected to be `margin` either way.

    :math:`n_0 = z^2 p (1 - p) d / m^2`, reduced to :math:`n_0 / (1 + n_0 / N)` in a population of N people with
    contact, divided by the contact rate and by the response rate.

    Parameters
    ----------
    prevalence : float
        Expected share, between 0 and 1.
    margin : float
        Half width of the interval, as a share.
    deff, contact, response : float
        Design effect; share of interviewed people with contact; share of selected people who answer.
    population : float
        People in the population (all, not those with contact only).
    level : float

    Returns
    -------
    int

    Raises
    ------
    Faults
        Arguments out of range, all at once.

    References
    ----------
    Cochran (1977), *Sampling Techniques*, 3rd ed., section 4.4; Kish (1965), *Survey Sampling*.

    Examples
    --------
    A prevalence of 15 % among people with contact (60 %), to within 2 points, at a design effect of 2:

    >>> sample_size(0.15, 0.02, deff=2, contact=0.6, response=0.8)
    5102
    """
    _check(prevalence=prevalence, margin=margin, contact=contact, response=response, level=level, deff=deff)
    needed = _z(level) ** 2 * prevalence * (1 - prevalence) * deff / margin**2
    in_population = population * contact
    if math.isfinite(in_population):
        needed = needed / (1 + needed / in_population)
    return math.ceil(round(needed / contact / response, 9))


def expected_interval(
    prevalence: float, n: float, *, deff: float = 1.0, contact: float = 1.0, df: float = math.inf, level: float = 0.95
) -> tuple[float, float]:
    """The Korn–Graubard interval to expect of a prevalence if `n` people are interviewed.

    Parameters
    ----------
    prevalence : float
    n : float
        People interviewed.
    deff, contact, level : float
        As in :func:`sample_size`.
    df : float
        Degrees of freedom: PSUs less strata.

    Returns
    -------
    lower, upper : float

    Examples
    --------
    >>> lower, upper = expected_interval(0.02, 1000, deff=1.5, contact=0.5, df=60)
    >>> round(lower, 4), round(upper, 4)
    (0.0077, 0.042)
    """
    _check(prevalence=prevalence, contact=contact, level=level, deff=deff)
    counted = n * contact
    p, size = np.array([prevalence]), np.array([counted / deff])
    lower, upper = intervals.korn_graubard(p, size, np.array([counted]), np.array([df]), level)
    return float(lower[0]), float(upper[0])


def power(
    first: float, second: float, n: float, *, ratio: float = 1.0, deff: float = 1.0, contact: float = 1.0,
    overlap: float = 0.0, correlation: float = 0.0, level: float = 0.95,
) -> float:  # fmt: skip
    r"""Probability that a two-sided test finds the difference between two prevalences.

    :math:`v = p_1 q_1 d / n_1 + p_2 q_2 d / n_2 - 2 o \rho \sqrt{\cdot\,\cdot}`, and the power is
    :math:`\Phi(|p_1 - p_2| / \sqrt v - z) + \Phi(-|p_1 - p_2| / \sqrt v - z)`. With `overlap` and `correlation` it is
    the power for a change between two waves that share part of their PSUs or people.

    Parameters
    ----------
    first, second : float
        The two prevalences.
    n : float
        People interviewed for the first.
    ratio : float
        People interviewed for the second, per one for the first.
    deff, contact, level : float
        As in :func:`sample_size`.
    overlap, correlation : float
        Share of the sample that both waves have in common, and the correlation of the estimates within it.

    Returns
    -------
    float

    Examples
    --------
    >>> round(power(0.20, 0.17, 4000, deff=1.8, contact=0.6), 3)
    0.515
    >>> round(power(0.2, 0.2, 4000), 12)
    0.05
    """
    _check(prevalence=first, second=second, contact=contact, level=level, deff=deff)
    shift = abs(first - second) / math.sqrt(_variance(first, second, n, ratio, deff, contact, overlap * correlation))
    z = _z(level)
    return float(special.ndtr(shift - z) + special.ndtr(-shift - z))


def sample_size_difference(
    first: float, second: float, *, power: float = 0.8, ratio: float = 1.0, deff: float = 1.0, contact: float = 1.0,
    response: float = 1.0, overlap: float = 0.0, correlation: float = 0.0, level: float = 0.95,
) -> int:  # fmt: skip
    r"""People to select for the first of two groups or waves so that their difference is found with a given power.

    :math:`n = (z_{1-\alpha/2} + z_{power})^2\, v_1 / (p_1 - p_2)^2`, with :math:`v_1` the variance of the difference at
    n = 1.

    Parameters
    ----------
    first, second, ratio, deff, contact, overlap, correlation, level
        As in :func:`power`.
    power, response : float

    Returns
    -------
    int

    Examples
    --------
    >>> sample_size_difference(0.20, 0.17, deff=1.8, contact=0.6)
    7878
    >>> sample_size_difference(0.20, 0.17, deff=1.8, contact=0.6, overlap=0.5, correlation=0.4)
    6306
    """
    _check(prevalence=first, second=second, contact=contact, response=response, level=level, deff=deff, power=power)
    if first == second:
        remedy = "name the smallest difference that matters"
        raise Faults([Fault("planning", "second", "there is no difference to find", remedy)])
    unit = _variance(first, second, 1.0, ratio, deff, contact, overlap * correlation)
    needed = (_z(level) + float(special.ndtri(power))) ** 2 * unit / (first - second) ** 2
    return math.ceil(round(needed / response, 9))


def _variance(p: float, q: float, n: float, ratio: float, deff: float, contact: float, shared: float) -> float:
    a = p * (1 - p) * deff / (n * contact)
    b = q * (1 - q) * deff / (n * ratio * contact)
    return a + b - 2 * shared * math.sqrt(a * b)


def _z(level: float) -> float:
    return float(special.ndtri(0.5 + level / 2))


def _check(**given: float) -> None:
    faults = []
    for name, value in given.items():
        ok = value > 0 if name == "deff" else 0 < value <= 1 if name in ("contact", "response") else 0 < value < 1
        if not ok:
            remedy = "give a number above 0" if name == "deff" else "give a share between 0 and 1"
            faults.append(Fault("planning", name, f"{value} is out of range", remedy))
    if faults:
        raise Faults(faults)
