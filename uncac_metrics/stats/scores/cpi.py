r"""The procedure of Transparency International's Corruption Perceptions Index, as published since 2012.

Each source is put on the scale of the index by parameters fixed in the baseline year; a country's score is the mean of
its sources, rounded; the standard error is that of the mean, since 2021 with a factor for the finite number of sources.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from uncac_metrics.model import Fault, Faults
from uncac_metrics.stats.estimates import Estimates, make_table
from uncac_metrics.stats.scores.covariances import factor_scores
from uncac_metrics.stats.scores.ratings import arrange

Array = np.ndarray

MEAN, SD, Z = 45.0, 20.0, 1.64
"""Mean and standard deviation of a source in the baseline, and the standard errors to either side of an interval."""


def corruption_perceptions_index(
    ratings: pd.DataFrame,
    *,
    sources: int = 13,
    finite_from: str = "2021",
    least: int = 3,
    unit: str = "ref_area",
    period: str = "time_period",
    source: str = "source",
    value: str = "value",
    indicator: str = "",
) -> Estimates:
    r"""Scores of the Corruption Perceptions Index from standardised ratings.

    .. math:: \bar x_i = \frac{1}{n_i} \sum_j x_{ij}, \qquad
              \mathrm{se}_i = \frac{s_i}{\sqrt{n_i}} \sqrt{\frac{N - n_i}{N - 1}}, \qquad
              \text{interval: } [\bar x_i] \pm 1.64\,\mathrm{se}_i

    with :math:`[\cdot]` rounded half up and N the number of sources of the index.

    Parameters
    ----------
    ratings : DataFrame
        One row a rating on the scale of the index, 0 (highly corrupt) to 100 (:func:`cpi_standardise`).
    sources : int
        N.
    finite_from : str
        First period with the factor for a finite population; before it the factor is 1. Without a column of
        periods, it applies.
    least : int
        Sources that a unit needs; others have no score.
    unit, period, source, value : str
        Columns of `ratings`.
    indicator : str
        Written into the column ``indicator`` of the result.

    Returns
    -------
    Estimates
        Rounded scores, 90 % intervals, ``n`` sources.

    Notes
    -----
    The interval reads the sources as a random sample of the N: all of a country's sources agreeing gives an error of 0.
    With three sources :math:`s_i` has two degrees of freedom, and 1.64 covers less than 90 %.

    References
    ----------
    Transparency International (2022, 2024), Corruption Perceptions Index: technical methodology note.

    Examples
    --------
    >>> frame = pd.DataFrame({"ref_area": "A", "source": list("wxyz"), "value": [40.0, 44.0, 47.0, 55.0]})
    >>> corruption_perceptions_index(frame).table[["value", "std_error", "lower", "upper", "n"]].round(3)
       value  std_error  lower  upper  n
    0   47.0       2.75  42.49  51.51  4
    """
    laid = arrange(ratings, unit=unit, period=period, source=source, value=value)
    outside = (laid.values < 0) | (laid.values > 100)
    faults = [Fault("ratings", value, f"{outside.sum()} outside 0 to 100", "cpi_standardise() first")] * bool(
        outside.any()
    )
    if laid.seen.max() > sources:
        remedy = "give their number as `sources`"
        faults.append(Fault("ratings", source, f"{laid.seen.max()} sources of a unit, {sources} in the index", remedy))
    if faults:
        raise Faults(faults)
    t, i = np.nonzero(laid.seen >= least)
    y = laid.values[t, i]
    n = laid.seen[t, i]
    mean = np.nanmean(y, axis=1)
    spread = np.sqrt(np.nansum((y - mean[:, None]) ** 2, axis=1) / (n - 1))
    when = np.array(laid.periods, dtype=object)[t]
    finite = np.array([p == "" or p >= finite_from for p in when])
    std_error = spread / np.sqrt(n) * np.where(finite, np.sqrt((sources - n) / max(sources - 1, 1)), 1.0)
    score = np.floor(mean + 0.5)
    table = make_table(
        {
            "indicator": indicator, "statistic": "score", "ref_area": np.array(laid.units, dtype=object)[i],
            "time_period": when, "value": score, "std_error": std_error,
            "lower": score - Z * std_error, "upper": score + Z * std_error, "conf_level": 0.9, "interval": "wald",
            "df": np.inf, "n": n, "unit": "points", "method": "mean of standardised sources, CPI procedure",
        }
    )  # fmt: skip
    return Estimates(table, (factor_scores(std_error),))


def cpi_baseline(
    ratings: pd.DataFrame,
    broad: Sequence[str],
    *,
    unit: str = "ref_area",
    source: str = "source",
    value: str = "value",
) -> pd.DataFrame:
    """Parameters of the sources in the baseline year: mean and standard deviation once missing units are filled in.

    A unit that a source does not rate takes the prediction of a linear regression of the source on those of the broad
    sources that rate the unit. The filled-in values serve for the parameters alone.

    Parameters
    ----------
    ratings : DataFrame
        One row a rating of the baseline year, higher is cleaner.
    broad : sequence of str
        Sources that cover most units, on which the others are regressed.
    unit, source, value : str
        Columns of `ratings`.

    Returns
    -------
    DataFrame
        ``source``, ``mean``, ``sd``, ``n`` (rated), ``filled``.

    Notes
    -----
    Unverified: the step is known from descriptions, its inputs are not published. A unit for which no regression with
    more observations than coefficients exists stays missing.

    Examples
    --------
    >>> frame = pd.DataFrame({"ref_area": list("ABCDE") + list("ABCD"), "source": ["x"] * 5 + ["y"] * 4,
    ...                       "value": [1.0, 2, 3, 4, 5, 2, 4, 6, 8]})
    >>> cpi_baseline(frame, broad=["x"]).round(3)
      source  mean     sd  n  filled
    0      x   3.0  1.581  5       0
    1      y   6.0  3.162  4       1
    """
    laid = arrange(ratings, unit=unit, period="", source=source, value=value)
    unknown = [s for s in broad if s not in laid.sources]
    if unknown:
        remedy = f"one of {', '.join(laid.sources)}"
        raise Faults([Fault("cpi_baseline", "broad", f"no rating by {s}", remedy) for s in unknown])
    y = laid.values[0]
    rated = ~np.isnan(y)
    columns = [laid.sources.index(s) for s in broad]
    rows = []
    for j, name in enumerate(laid.sources):
        filled = y[:, j].copy()
        others = [c for c in columns if c != j]
        lacking = ~rated[:, j]
        patterns = np.unique(rated[np.ix_(lacking, others)], axis=0) if others else np.zeros((0, 0), dtype=bool)
        for pattern in patterns[patterns.any(axis=1)]:
            used = np.array(others)[pattern]
            x = np.column_stack([np.ones(len(y)), y[:, used]])
            known = rated[:, j] & rated[:, used].all(axis=1)
            here = lacking & (rated[:, others] == pattern).all(axis=1)
            if known.sum() > x.shape[1]:
                filled[here] = x[here] @ np.linalg.lstsq(x[known], y[known, j], rcond=None)[0]
        added = (lacking & ~np.isnan(filled)).sum()
        rows.append((name, np.nanmean(filled), np.nanstd(filled, ddof=1), rated[:, j].sum(), added))
    return pd.DataFrame(rows, columns=["source", "mean", "sd", "n", "filled"])


def cpi_entry(ratings: pd.DataFrame, index: Estimates, *, unit: str = "ref_area", value: str = "value") -> pd.Series:
    """Parameters of a source that enters later: its units get the mean and standard deviation that the index has there.

    Parameters
    ----------
    ratings : DataFrame
        Ratings of the new source in its first year, higher is cleaner.
    index : Estimates
        The index of that year without the source.
    unit, value : str
        Columns of `ratings`.

    Returns
    -------
    Series
        ``mean`` and ``sd`` to pass on to :func:`cpi_standardise`.

    Examples
    --------
    >>> table = make_table({"ref_area": ["A", "B", "C"], "value": [25.0, 45.0, 65.0], "std_error": 1.0})
    >>> frame = pd.DataFrame({"ref_area": ["A", "B", "C"], "value": [1.0, 2.0, 3.0]})
    >>> cpi_entry(frame, Estimates(table)).round(3).to_dict()
    {'mean': 2.0, 'sd': 1.0}
    """
    scores = index.table.set_index("ref_area")["value"]
    both = ratings.dropna(subset=[value]).set_index(unit)[value].to_frame("x").join(scores.rename("cpi"), how="inner")
    if len(both) < 3 or both["x"].std() == 0 or both["cpi"].std() == 0:
        remedy = "a new source needs three units with a score, not all alike"
        raise Faults([Fault("cpi_entry", "ratings", f"{len(both)} units in common with the index", remedy)])
    sd = both["x"].std() / both["cpi"].std() * SD
    return pd.Series({"mean": both["x"].mean() - (both["cpi"].mean() - MEAN) / SD * sd, "sd": sd})


def cpi_standardise(
    ratings: pd.DataFrame, parameters: pd.DataFrame, *, source: str = "source", value: str = "value"
) -> pd.DataFrame:
    r"""Ratings on the scale of the index: :math:`45 + 20 (x - \bar x_{2012}) / s_{2012}`, held within 0 to 100.

    Parameters
    ----------
    ratings : DataFrame
        One row a rating, higher is cleaner.
    parameters : DataFrame
        ``source``, ``mean`` and ``sd`` of each, fixed once (:func:`cpi_baseline`, :func:`cpi_entry`).
    source, value : str
        Columns of `ratings`.

    Returns
    -------
    DataFrame
        `ratings` with the column `value` replaced.

    Examples
    --------
    >>> frame = pd.DataFrame({"ref_area": ["A", "B"], "source": "x", "value": [3.0, 7.0]})
    >>> cpi_standardise(frame, pd.DataFrame({"source": ["x"], "mean": 2.0, "sd": 1.0}))
      ref_area source  value
    0        A      x   65.0
    1        B      x  100.0
    """
    fixed = parameters.set_index("source")
    unknown = sorted(set(ratings[source]) - set(fixed.index))
    if unknown:
        remedy = "give its mean and standard deviation"
        raise Faults([Fault("cpi_standardise", "parameters", f"none for {s}", remedy) for s in unknown])
    mean, sd = (ratings[source].map(fixed[name]).to_numpy(dtype=float) for name in ("mean", "sd"))
    z = (ratings[value].to_numpy(dtype=float, na_value=np.nan) - mean) / sd
    return ratings.assign(**{value: np.clip(MEAN + SD * z, 0, 100)})
