r"""Indices of the Human Development Report by their official formulas: HDI, IHDI, GII.

Each is a function of a frame with one row a unit and period. A column of the same name with ``_se`` behind it is the
standard error of an input; where there is one, the index gets a standard error by the delta method.

References
----------
United Nations Development Programme (2022), Human Development Report 2021/2022, technical notes 1, 2 and 4.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from uncac_metrics.model import Fault, Faults
from uncac_metrics.stats import intervals
from uncac_metrics.stats.estimates import Estimates, make_table
from uncac_metrics.stats.scores.covariances import factor_scores

Array = np.ndarray

HDI = ("life_expectancy", "expected_schooling", "mean_schooling", "income")
IHDI = (*HDI, "inequality_life", "inequality_education", "inequality_income")
GII = (
    "maternal_mortality", "adolescent_births", "seats_women", "education_women", "education_men",
    "participation_women", "participation_men",
)  # fmt: skip


def human_development_index(frame: pd.DataFrame, *, level: float = 0.95) -> Estimates:
    r"""Human Development Index: geometric mean of health, education and income.

    Life expectancy between 20 and 85 years; expected years of schooling up to 18 and mean years up to 15, averaged;
    logarithm of income a head between 100 and 75,000.

    Parameters
    ----------
    frame : DataFrame
        ``life_expectancy`` (years), ``expected_schooling``, ``mean_schooling`` (years), ``income`` (gross national
        income a head, 2017 PPP dollars); ``ref_area`` and ``time_period`` as labels.
    level : float
        Confidence level of the intervals, where standard errors are given.

    Returns
    -------
    Estimates
        One row a row of the frame with all inputs, at full precision; the report rounds to three decimals.

    Examples
    --------
    >>> frame = pd.DataFrame({"ref_area": ["A"], "life_expectancy": 75.0, "expected_schooling": 15.0,
    ...                       "mean_schooling": 9.0, "income": 12000.0, "life_expectancy_se": 0.5})
    >>> human_development_index(frame).table[["ref_area", "value", "std_error"]].round(4)
      ref_area   value  std_error
    0        A  0.7597     0.0023
    """
    return _index(frame, HDI, lambda *x: _third(np.prod(_dimensions(*x), axis=0)), "HDI", level)


def inequality_adjusted_hdi(frame: pd.DataFrame, *, level: float = 0.95) -> Estimates:
    r"""Inequality-adjusted HDI: each dimension less the share that inequality (Atkinson) takes away.

    :math:`\mathrm{IHDI} = \mathrm{HDI} \cdot (\prod_d (1 - A_d))^{1/3}`.

    Parameters
    ----------
    frame : DataFrame
        As for :func:`human_development_index`, with ``inequality_life``, ``inequality_education`` and
        ``inequality_income`` (per cent).
    level : float

    Returns
    -------
    Estimates

    Examples
    --------
    >>> frame = pd.DataFrame({"ref_area": ["A"], "life_expectancy": 75.0, "expected_schooling": 15.0,
    ...                       "mean_schooling": 9.0, "income": 12000.0, "inequality_life": 10.0,
    ...                       "inequality_education": 20.0, "inequality_income": 30.0})
    >>> inequality_adjusted_hdi(frame).table["value"].round(4).item()
    0.6046
    """

    def formula(*x: Array) -> Array:
        lost = np.prod([1 - share / 100 for share in x[4:]], axis=0)
        return _third(np.prod(_dimensions(*x[:4]), axis=0) * lost)

    return _index(frame, IHDI, formula, "IHDI", level)


def gender_inequality_index(frame: pd.DataFrame, *, level: float = 0.95) -> Estimates:
    r"""Gender Inequality Index: loss in health, empowerment and labour that inequality between women and men makes.

    .. math:: 1 - \frac{2 / (1/G_F + 1/G_M)}{(\bar H \bar E \bar L)^{1/3}},\quad
              G_F = (\sqrt{\tfrac{10}{\mathrm{MMR}} \tfrac{1}{\mathrm{ABR}}}\,\sqrt{S_F E_F}\,L_F)^{1/3},\quad
              G_M = (1 \cdot \sqrt{S_M E_M}\,L_M)^{1/3}

    with bars for the mean of the women's and men's components. MMR is held between 10 and 1,000; women's
    share of seats is at least 0.1 %, and men's is the rest.

    Parameters
    ----------
    frame : DataFrame
        ``maternal_mortality`` (deaths per 100,000 live births), ``adolescent_births`` (births per 1,000 women of 15 to
        19), ``seats_women`` (per cent of seats in parliament), ``education_women``, ``education_men`` (per cent with
        some secondary education), ``participation_women``, ``participation_men`` (per cent in the labour force).
    level : float

    Returns
    -------
    Estimates

    Examples
    --------
    >>> frame = pd.DataFrame({"ref_area": ["A"], "maternal_mortality": 50.0, "adolescent_births": 30.0,
    ...                       "seats_women": 25.0, "education_women": 70.0, "education_men": 80.0,
    ...                       "participation_women": 50.0, "participation_men": 70.0})
    >>> gender_inequality_index(frame).table["value"].round(4).item()
    0.3233
    """

    def formula(*x: Array) -> Array:
        deaths, births, seats, school_w, school_m, work_w, work_m = x
        health = np.sqrt(10 / _within(deaths, 10, 1000) / births)
        women = _within(seats, 0.1, 100)
        power_w, power_m = np.sqrt(women * school_w) / 100, np.sqrt((100 - women) * school_m) / 100
        g_w, g_m = _third(health * power_w * work_w / 100), _third(power_m * work_m / 100)
        equal = _third((health + 1) / 2 * (power_w + power_m) / 2 * (work_w + work_m) / 200)
        return 1 - 2 * g_w * g_m / (g_w + g_m) / equal

    return _index(frame, GII, formula, "GII", level)


def _dimensions(life: Array, expected: Array, mean: Array, income: Array) -> tuple[Array, Array, Array]:
    health = (_within(life, 20, 85) - 20) / 65
    education = (_within(expected, 0, 18) / 18 + _within(mean, 0, 15) / 15) / 2
    means = np.log(_within(income, 100, 75_000) / 100) / np.log(750)
    return health, education, means


def _within(x: Array, low: float, high: float) -> Array:
    """x held within bounds, by its real part: derivatives are taken by a complex step."""
    return np.where(x.real < low, low, np.where(x.real > high, high, x))


def _third(x: Array) -> Array:
    return x ** (1 / 3)


def _index(
    frame: pd.DataFrame, inputs: Sequence[str], formula: Callable[..., Array], name: str, level: float
) -> Estimates:
    missing = [c for c in inputs if c not in frame.columns]
    if missing:
        remedy = f"{name} takes {', '.join(inputs)}"
        raise Faults([Fault("frame", c, "no such column", remedy) for c in missing])
    x = np.array([frame[c].to_numpy(dtype=float, na_value=np.nan) for c in inputs])
    faults = [
        Fault("frame", c, "negative values", "correct or blank them", count=int((v < 0).sum()))
        for c, v in zip(inputs, x, strict=True) if (v < 0).any()
    ]  # fmt: skip
    if faults:
        raise Faults(faults)
    rows = ~np.isnan(x).any(axis=0)
    x = x[:, rows]
    value = formula(*x)
    given = [k for k, c in enumerate(inputs) if f"{c}_se" in frame.columns]
    variance = np.full(x.shape[1], 0.0 if given else np.nan)
    for k in given:
        stepped = x.astype(complex)
        stepped[k] += 1e-20j
        slope = formula(*stepped).imag / 1e-20
        variance += (slope * frame[f"{inputs[k]}_se"].to_numpy(dtype=float)[rows]) ** 2
    std_error = np.sqrt(variance)
    lower, upper = intervals.wald(value, std_error, np.array(np.inf), level)
    labels = {c: frame[c].astype(str).to_numpy()[rows] for c in ("ref_area", "time_period") if c in frame.columns}
    table = make_table(
        {
            **labels, "indicator": name, "statistic": "index", "value": value, "std_error": std_error, "lower": lower,
            "upper": upper, "conf_level": level, "interval": "wald" if given else "", "df": np.inf, "n": 1, "unit": "1",
            "method": f"{name}, official formula" + (", delta method" if given else ""),
        }
    )  # fmt: skip
    return Estimates(table, (factor_scores(std_error),) if given else ())
