"""Measurement model of expert ratings: latent traits of units, from ordinal ratings by raters who read a scale each in
their own way."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import special

from uncac_metrics.model import Fault, Faults
from uncac_metrics.stats.estimates import Estimates, make_table
from uncac_metrics.stats.scores import irt_sampler, mcmc
from uncac_metrics.stats.survey.stages import rows_of

Array = np.ndarray


@dataclass(frozen=True, eq=False)
class RatingModel:
    """What expert ratings say of units, raters and the scale."""

    estimates: Estimates
    """Latent traits: posterior mean and standard deviation, equal-tailed interval, ``n`` ratings; with draws."""
    on_scale: pd.DataFrame
    """The traits on the scale of the questionnaire, by the thresholds of all raters: expected category (``value``),
    ``std_error`` and interval."""
    raters: pd.DataFrame
    """``rater``, ``group``, ``n``, and the discrimination β: ``beta``, ``beta_sd``."""
    thresholds: pd.DataFrame
    """``threshold`` between a category and the next, ``value``, ``std_error``."""
    diagnostics: pd.DataFrame
    """``parameter``, ``mean``, ``sd``, ``rhat``, ``ess``, ``mcse`` of all traits, discriminations and thresholds."""

    @property
    def converged(self) -> bool:
        """Whether no more than 5 % of the parameters have a scale reduction above 1.01."""
        return bool((self.diagnostics["rhat"] > 1.01).mean() <= 0.05)


def rating_model(
    ratings: pd.DataFrame,
    *,
    unit: str = "ref_area",
    rater: str = "rater",
    value: str = "value",
    group: str | None = None,
    level: float = 0.9,
    chains: int = 4,
    warm_up: int = 1000,
    draws: int = 2000,
    thin: int = 1,
    seed: int = 1,
    indicator: str = "",
) -> RatingModel:
    r"""Fit an ordinal item response model to expert ratings, by Markov chain Monte Carlo.

    .. math:: P(y_{ij} \le k) = \Phi(\gamma_{jk} - \beta_j Z_i)

    Rater j reads the scale by thresholds :math:`\gamma_{jk}` of their own and tells units apart with discrimination
    :math:`\beta_j > 0`. Priors: :math:`Z_i \sim N(0, 1)`; :math:`\beta_j \sim N(1, 1)` above 0;
    :math:`\gamma_{jk} \sim N(\gamma_{c(j)k}, 0.2^2)` in order, about the thresholds of the raters of a group c (their
    country, say), those :math:`\sim N(\gamma_k, 0.2^2)`, and :math:`\gamma_k \sim N(0, 6^2)`.

    Parameters
    ----------
    ratings : DataFrame
        One row a rating; a unit is whatever is rated (a country in a year, say).
    unit, rater, value : str
        Columns; `value` holds whole numbers from the least category up, without gaps, higher is more of the trait.
    group : str, optional
        Column of the raters' groups; without it all raters are one.
    level : float
        Level of the intervals.
    chains, warm_up, draws, thin : int
        Chains, turns of each that are dropped, draws of each that are kept, turns for a draw.
    seed : int
    indicator : str
        Written into the column ``indicator`` of the result.

    Returns
    -------
    RatingModel
        Where the chains have not converged (:attr:`RatingModel.converged`), the estimates are flagged and say so.

    Raises
    ------
    Faults
        Absent columns, values that are not whole numbers, categories that nobody used, a rater in two groups, two
        ratings of a unit by one rater.

    Notes
    -----
    The model of V-Dem, with traits independent between units; scale and origin of Z are those of its prior. Most
    information on scale differences comes from raters who rate units of several groups.

    References
    ----------
    Pemstein et al. (2023), The V-Dem measurement model: latent variable analysis for cross-national and cross-temporal
    expert-coded data, V-Dem Working Paper 21, eighth edition.

    Examples
    --------
    >>> rng = np.random.default_rng(3)
    >>> trait = np.linspace(-2, 2, 15)
    >>> frame = pd.DataFrame([
    ...     {"ref_area": f"U{i:02}", "rater": r, "value": np.digitize(trait[i] + 0.5 * rng.normal(), [-1, 0, 1])}
    ...     for i in range(15) for r in "abcdef"
    ... ])
    >>> model = rating_model(frame, warm_up=300, draws=300)
    >>> bool(np.corrcoef(model.estimates.table["value"], trait)[0, 1] > 0.95)
    True
    """
    frame, lowest = _checked(ratings, unit, rater, value, group)
    (unit_code, units), (rater_code, raters) = (_codes(frame[c]) for c in (unit, rater))
    group_code, groups = _codes(frame[group]) if group else (np.zeros(len(frame), dtype=int), ("",))
    of_rater = np.zeros(len(raters), dtype=int)
    of_rater[rater_code] = group_code
    score = (frame[value].to_numpy(dtype=int) - lowest).astype(int)
    categories = int(score.max()) + 1
    data = irt_sampler.Ordinal(unit_code, rater_code, of_rater, score, len(units), categories)
    sizes = (len(units), len(raters), categories - 1)
    kept = np.empty((chains, draws, sum(sizes)))
    for turn, state in enumerate(irt_sampler.sample(data, chains, warm_up, draws * thin, seed)):
        if turn % thin == thin - 1:
            kept[:, turn // thin] = np.concatenate([state.z, state.beta, state.of_all]).T
    names = [f"{k}[{n}]" for k, of in (("trait", units), ("beta", raters)) for n in of]
    names += [f"threshold[{lowest + k}|{lowest + k + 1}]" for k in range(categories - 1)]
    flat = kept.reshape(chains * draws, -1)
    mean, sd = flat.mean(axis=0), flat.std(axis=0, ddof=1)
    ess = mcmc.effective_size(kept)
    diagnostics = pd.DataFrame(
        {
            "parameter": names,
            "mean": mean,
            "sd": sd,
            "rhat": mcmc.split_rhat(kept),
            "ess": ess,
            "mcse": sd / np.sqrt(ess),
        }
    )  # fmt: skip
    traits, betas, cuts = np.split(np.arange(len(names)), np.cumsum(sizes)[:-1])
    tails = [0.5 - level / 2, 0.5 + level / 2]
    drawn = flat[:, traits]
    lower, upper = np.quantile(drawn, tails, axis=0)
    far = float((diagnostics["rhat"] > 1.01).mean())
    quality = f"R-hat at most {diagnostics['rhat'].max():.3f}, effective draws at least {ess.min():.0f}"
    table = make_table(
        {
            "indicator": indicator, "statistic": "latent_score", "ref_area": np.array(units, dtype=object),
            "value": mean[traits], "std_error": sd[traits], "lower": lower, "upper": upper, "conf_level": level,
            "interval": "posterior_quantiles", "df": np.inf, "n": np.bincount(unit_code), "unit": "standard deviations",
            "quality": quality, "method": f"ordinal item response model, {chains} chains of {draws} draws",
            **({"display": "flagged", "reason": "chains have not converged"} if far > 0.05 else {}),
        }
    )  # fmt: skip
    expected = lowest + _expected_category(drawn, flat[:, cuts])
    low, high = np.quantile(expected, tails, axis=0)
    return RatingModel(
        Estimates(table, (), drawn),
        pd.DataFrame({unit: units, "value": expected.mean(axis=0), "std_error": expected.std(axis=0, ddof=1),
                      "lower": low, "upper": high}),
        pd.DataFrame({"rater": raters, "group": np.array(groups, dtype=object)[of_rater],
                      "n": np.bincount(rater_code), "beta": mean[betas], "beta_sd": sd[betas]}),
        pd.DataFrame({"threshold": [n[10:-1] for n in names[-sizes[2] :]], "value": mean[cuts], "std_error": sd[cuts]}),
        diagnostics,
    )  # fmt: skip


def _expected_category(traits: Array, thresholds: Array) -> Array:
    """Σ P(above threshold k) for each draw (rows) and unit, by a rater of discrimination 1."""
    return np.array([special.ndtr(traits - thresholds[:, [k]]) for k in range(thresholds.shape[1])]).sum(axis=0)


def _codes(labels: pd.Series) -> tuple[Array, tuple[str, ...]]:
    codes, names = pd.factorize(labels.astype(str), sort=True)
    return codes, tuple(str(n) for n in names)


def _checked(ratings: pd.DataFrame, unit: str, rater: str, value: str, group: str | None) -> tuple[pd.DataFrame, int]:
    wanted = [unit, rater, value, *([group] if group else [])]
    missing = [c for c in wanted if c not in ratings.columns]
    if missing:
        raise Faults([Fault("ratings", c, "no such column", f"one of {', '.join(ratings.columns)}") for c in missing])
    rated = ratings[value].notna().to_numpy()
    numbers = ratings[value].to_numpy(dtype=float, na_value=np.nan)
    faults = []
    for name in wanted:
        if name != value and (bare := rated & ratings[name].isna().to_numpy()).any():
            faults.append(Fault("ratings", name, "rows without a label", "name them", **rows_of(bare)))
    broken = rated & (numbers != np.floor(numbers))
    if broken.any():
        faults.append(Fault("ratings", value, "not whole numbers", "give categories 0, 1, 2, …", **rows_of(broken)))
    again = rated & ratings.duplicated([unit, rater], keep=False).to_numpy()
    if again.any():
        faults.append(Fault("ratings", rater, "rates a unit more than once", "keep one rating", **rows_of(again)))
    seen = np.unique(numbers[rated])
    if len(seen) < 2:
        faults.append(Fault("ratings", value, f"{len(seen)} categories in use", "two at least"))
    elif not broken.any() and len(seen) != seen[-1] - seen[0] + 1:
        faults.append(Fault("ratings", value, "categories that nobody used", "join them with their neighbours"))
    if group and (ratings[rated].groupby(rater)[group].nunique() > 1).any():
        faults.append(Fault("ratings", group, "a rater in two groups", "give each rater one"))
    if faults:
        raise Faults(faults)
    # an order that is not that of the rows
    return ratings[rated].sort_values([unit, rater], kind="stable"), int(seen[0])
