"""Composites: scores by a recipe, with the uncertainty of the data and of the construction carried to the top.

The default is a profile of indicators, each with its own interval; a composite is a choice. The framework is not for
ranking States: there are no ranks here without the intervals of the ranks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from uncac_metrics.model import Fault, Faults
from uncac_metrics.panels import Panel, read_panel
from uncac_metrics.recipes import Recipe, load_recipe
from uncac_metrics.stats.estimates import Estimates, make_table
from uncac_metrics.stats.intervals import wald
from uncac_metrics.stats.scores.construction import Construction, fill_by_model, inference_errors, normaliser, scorer
from uncac_metrics.stats.scores.normalise import SPREADING
from uncac_metrics.stats.scores.rank_kernels import rank_from_top
from uncac_metrics.stats.scores.simulate import Simulation, errors, simulate
from uncac_metrics.stats.survey.imputation import pool
from uncac_metrics.variants import Choices, base_weights, combinations, weighty, with_data_weights

Array = np.ndarray


@dataclass(frozen=True, eq=False)
class Composition:
    """A composite, computed."""

    recipe: Recipe
    estimates: Estimates
    """A row for each node, unit and period; `draws` where there is uncertainty."""
    profile: pd.DataFrame
    """Normalised score of every leaf: ``ref_area``, ``time_period``, a column a leaf; higher is better."""
    simulation: Simulation | None = None

    def node(self, name: str | None = None) -> Estimates:
        """The rows of one node; of the composite itself where none is named."""
        return self.estimates.select(indicator=self._known(name))

    def _known(self, name: str | None) -> str:
        ids = [node.id for node in self.recipe.construction.nodes]
        if name is not None and name not in ids:
            raise Faults([Fault("composite", "node", f'there is no node "{name}"', f"one of {', '.join(ids)}")])
        return name or self.recipe.top

    def ranks(self, node: str | None = None, level: float = 0.95, top: int | None = None) -> pd.DataFrame:
        """Ranks of the units within each period, each with its interval from the draws.

        Parameters
        ----------
        node : str, optional
            The composite itself where not given.
        level : float
        top : int, optional
            Adds the probability of one of the first `top` ranks.

        Returns
        -------
        DataFrame
            ref_area, time_period, value, rank (1 = greatest score), lower, upper, mean_rank, and n_ranked.

        Raises
        ------
        Faults
            Nothing is known of the uncertainty: a rank without an interval is not given.

        Notes
        -----
        The intervals describe each unit by itself; they are not a confidence set for all ranks together.
        """
        of = self.node(node)
        if of.draws is None:
            remedy = "give standard errors, draws, or alternatives of construction"
            raise Faults([Fault("composite", "ranks", "no uncertainty is known, and so no interval of a rank", remedy)])
        table = of.table
        parts = []
        for period, rows in table.groupby("time_period", sort=False).indices.items():
            ranks = rank_from_top(of.draws[:, rows])
            value = table["value"].to_numpy()[rows]
            tail = (1 - level) / 2
            seen = ~np.isnan(value)
            part = pd.DataFrame({"ref_area": table["ref_area"].to_numpy()[rows], "time_period": period, "value": value})
            part["rank"] = rank_from_top(value)
            part["lower"] = np.quantile(ranks, tail, axis=0, method="inverted_cdf")
            part["upper"] = np.quantile(ranks, 1 - tail, axis=0, method="inverted_cdf")
            part["mean_rank"] = ranks.mean(axis=0)
            part["n_ranked"] = int(seen.sum())
            if top is not None:
                part["p_top"] = (ranks <= top).mean(axis=0)
            parts.append(part[seen])
        return pd.concat(parts, ignore_index=True)

    def above(self, node: str | None = None) -> pd.DataFrame:
        """Probability that the row's score is above the column's, for the units (and periods) of a node."""
        of = self.node(node)
        if of.draws is None:
            raise Faults([Fault("composite", "above", "no uncertainty is known", "give standard errors")])
        pairs = zip(of.table["ref_area"], of.table["time_period"], strict=True)
        label = [" ".join(text for text in pair if text) for pair in pairs]
        share = np.array([(of.draws[:, [j]] > of.draws).mean(axis=0) for j in range(len(label))])
        return pd.DataFrame(share, index=label, columns=label)

    def compare(self, other: Composition) -> pd.DataFrame:
        """This construction and another, unit by unit: scores, their difference, ranks with their intervals."""
        on = ["ref_area", "time_period"]
        both = self.ranks().merge(other.ranks(), on=on, suffixes=("_first", "_second"))
        both["difference"] = both["value_second"] - both["value_first"]
        return both


def compose(
    recipe: Recipe | str | Path,
    data: pd.DataFrame | Estimates,
    *,
    std_error: pd.DataFrame | None = None,
    draws: Array | None = None,
    alternatives: Choices | None = None,
    weight_noise: float = 0.0,
    n: int = 2_000,
    keep: int = 2_000,
    group: str | None = None,
    level: float = 0.95,
    seed: int = 0,
    workers: int = 1,
) -> Composition:
    """Compute a composite from indicators of units, or of units in periods.

    Parameters
    ----------
    recipe : Recipe, id or path
    data : DataFrame or Estimates
        A row a unit and period: ``ref_area``, ``time_period`` (optional), a column a leaf, and whatever denominators
        and groups the recipe names. Or estimates, whose rows without breakdown are taken with their standard errors
        and covariance.
    std_error : DataFrame, optional
        Standard errors: the same index, and columns for the leaves that have errors. Errors are independent.
    draws : array of shape (draws, rows, columns), optional
        Values from the joint distribution of the data, in the order of the rows and of the recipe's leaves (of their
        columns, ``recipe.construction.columns``); in place of `std_error`.
    alternatives : mapping, optional
        Choices of construction to average over, such as ``{"normalise": ["minmax", "zscore"], "aggregation":
        ["arithmetic", "geometric"]}``: keys are arguments of
        :func:`uncac_metrics.stats.scores.construction.vary`. The value stays that of the recipe; draws and intervals
        are of all combinations.
    weight_noise : float
        Weights of every node are drawn within ``w (1 ± weight_noise)``.
    n : int
        Replications. Memory does not grow with it.
    keep : int
        Draws to keep for intervals of scores.
    group : str, optional
        Column of groups, for imputation by group.
    level : float
    seed : int
    workers : int
        Threads; results do not depend on it.

    Returns
    -------
    Composition

    Raises
    ------
    Faults
        Everything that is wrong with the data; a replication without a number where the recipe itself has one.

    Notes
    -----
    Every replication runs all steps anew (treatment, column imputation, normalisation, aggregation). A node that infers
    its score from sources (unobserved components, a mean of sources of a `population`) adds the error of that; where
    nothing else is uncertain, its standard error is the closed form. Weights from the
    data, and imputation by a normal distribution, are found once. Under multiple imputation the intervals are by
    Rubin's rules (percentiles where there are alternatives too), and the draws, and so the ranks, are pooled over the
    imputations. Neither the order of rows, nor the names of units, nor a leaf of weight zero changes any number.

    Examples
    --------
    >>> data = pd.DataFrame({"ref_area": ["A", "B"], "life_expectancy": [84.0, 61.6], "expected_schooling": [16.5, 12.2],
    ...                      "mean_schooling": [13.9, 5.4], "income": [66_933.0, 5_466.0]})
    >>> compose("HDI-01", data).node().table["value"].round(3).to_list()
    [0.963, 0.585]
    """  # noqa: E501
    recipe = recipe if isinstance(recipe, Recipe) else load_recipe(recipe)
    recipe = weighty(recipe)
    panel = read_panel(recipe, data, std_error, draws, group)
    _refuse_equal(recipe, panel)
    filled = fill_by_model(panel.values, recipe.construction, seed)
    recipe = with_data_weights(recipe, panel, filled)
    constructions = combinations(recipe.construction, alternatives or {})
    scores = scorer(recipe.construction, panel.layout)(filled)
    nominal = scores.mean(axis=0)
    if np.isnan(nominal[:, -1]).all():
        remedy = "lower the thresholds, impute, or look for scores that are not positive"
        raise Faults([Fault("compose", recipe.top, "no unit has a score", remedy)])
    inferred = _inferred(recipe, panel, filled[0])
    varied = panel.uncertain or bool(alternatives) or weight_noise > 0 or len(filled) > 1
    run = None
    if varied or inferred:
        options = {"n": n, "keep": keep, "seed": seed, "workers": workers}
        run = _simulate(panel, constructions or [recipe.construction], weight_noise, nominal, options)
    estimates = _estimates(recipe, panel, nominal, run, {} if varied else inferred, level)
    if run is not None and len(filled) > 1 and not alternatives:
        estimates = _rubin(estimates, scores, run, panel, level)
    prepared = normaliser(recipe.construction, panel.layout)(filled).mean(axis=0)
    names = [leaf.id for leaf in recipe.construction.leaves]
    profile = pd.concat([panel.rows, pd.DataFrame(prepared[panel.back], columns=names)], axis=1)
    return Composition(recipe, estimates, profile, run)


def _refuse_equal(recipe: Recipe, panel: Panel) -> None:
    """An indicator without two different values tells no units apart, whatever the method that spreads them out."""
    faults = []
    for leaf, j in zip(recipe.construction.leaves, recipe.construction.places, strict=True):
        column = panel.values[:, j]
        if leaf.normalise in SPREADING and len(set(column[~np.isnan(column)])) < 2:
            what = f"{leaf.normalise} cannot tell units apart by it: there are not two different values"
            faults.append(Fault("compose", leaf.id, what, "fix goalposts, or leave it out"))
    if faults:
        raise Faults(faults)


def _inferred(recipe: Recipe, panel: Panel, values: Array) -> dict[int, Array]:
    """Standard errors of the nodes that infer their scores from sources, by place."""
    found = inference_errors(recipe.construction, panel.layout, values)
    nominal = scorer(recipe.construction, panel.layout)(values) if found else values
    faults = []
    for k, error in found.items():
        alone = np.flatnonzero(np.isnan(error) & ~np.isnan(nominal[:, k]))
        if len(alone):
            what = "one source tells nothing of the error of the score"
            remedy = "raise the threshold: two sources at least"
            rows = np.argsort(panel.back)[alone]
            shown = tuple(int(i) + 1 for i in sorted(rows)[:5])
            faults.append(Fault("compose", recipe.construction.nodes[k].id, what, remedy, shown, len(rows)))
    if faults:
        raise Faults(faults)
    return found


def _simulate(
    panel: Panel,
    constructions: Sequence[Construction],
    weight_noise: float,
    nominal: Array,
    options: Mapping[str, Any],
) -> Simulation:
    """Replications under errors of the data and of inference, imputations, constructions and noise of the weights."""
    variants, share = [], []
    moving = panel.uncertain or weight_noise > 0
    for construction in constructions:
        fills = fill_by_model(panel.values, construction, options["seed"])
        score, base = scorer(construction, panel.layout), base_weights(construction)
        for filled in fills:
            still = None if moving else score(filled)
            variants.append((score, filled, base, still, inference_errors(construction, panel.layout, filled)))
        share += [1 / len(fills)] * len(fills)

    def replicate(rng: np.random.Generator, size: int, k: int) -> Array:
        score, filled, base, still, inferred = variants[k]
        x = errors(rng, size, filled, panel.std_error, panel.root, panel.draws)
        drawn = None
        if weight_noise:
            drawn = {
                name: w * (1 + weight_noise * rng.uniform(-1, 1, (size, 1, len(w)))) for name, w in base.items()
            }  # fmt: skip
        found = score(x, drawn) if still is None else still[None].repeat(size, axis=0)
        for node, error in inferred.items():
            found[..., node] += error * rng.standard_normal((size, len(error)))
        if inferred and max(inferred) < found.shape[-1] - 1:
            names = [node.id for node in constructions[0].nodes]
            found = score(x, drawn, {names[node]: found[..., node] for node in inferred})
        return np.swapaxes(found, -1, -2).reshape(size, -1)

    rows, nodes = nominal.shape
    top = np.arange(rows) + (nodes - 1) * rows
    groups = [top[panel.layout.period == t] for t in range(len(panel.layout.times))]
    return simulate(
        replicate,
        options["n"],
        constructions=len(variants),
        probabilities=share,
        groups=groups if rows > len(panel.layout.times) else (),
        expected=~np.isnan(nominal.T.ravel()),
        seed=options["seed"],
        workers=options["workers"],
        keep=options["keep"],
    )


def _estimates(
    recipe: Recipe, panel: Panel, nominal: Array, run: Simulation | None, exact: Mapping[int, Array], level: float
) -> Estimates:
    """Nodes × rows in the one shape, in the order in which the rows were given; `exact` errors need no simulation."""
    construction = recipe.construction
    rows = len(nominal)
    place = (np.arange(len(construction.nodes))[:, None] * rows + panel.back).ravel()
    places = zip(construction.leaves, construction.places, strict=True)
    below = {leaf.id: {j} if j >= 0 else set() for leaf, j in places}
    for node in construction.nodes:
        below[node.id] = set().union(*(below[c] for c in node.children))
    seen = ~np.isnan(panel.values)
    n = np.concatenate([seen[panel.back][:, sorted(below[node.id])].sum(axis=1) for node in construction.nodes])
    value = nominal.T.ravel()[place]
    columns: dict[str, Any] = {
        "indicator": np.repeat([node.id for node in construction.nodes], rows),
        "dataset": recipe.id,
        "statistic": "composite",
        "ref_area": np.tile(panel.rows["ref_area"].to_numpy(), len(construction.nodes)),
        "time_period": np.tile(panel.rows["time_period"].to_numpy(), len(construction.nodes)),
        "value": value,
        "n": n,
        "n_eligible": np.repeat([len(below[node.id]) for node in construction.nodes], rows),
        "unit": recipe.unit,
        "obs_status": np.where(np.isnan(value), "O", "A"),
        "reason": np.where(np.isnan(value), "too few indicators", ""),
        "method": "; ".join(f"{node.id}: {node.aggregation}" for node in construction.nodes),
    }
    if run is None:
        return Estimates(make_table(columns))
    draws = run.draws.T[place]
    tail = (1 - level) / 2
    limits = np.quantile(draws, [tail, 1 - tail], axis=1)
    error = np.where(np.isnan(value), np.nan, run.std_error[place])
    interval = np.full(len(value), "simulation percentiles", dtype=object)
    for k, known in exact.items():
        own = slice(k * rows, (k + 1) * rows)
        error[own], interval[own] = known[panel.back], "wald"
        limits[:, own] = wald(value[own], error[own], np.array(np.inf), level)
    columns |= {"std_error": error, "lower": limits[0], "upper": limits[1], "conf_level": level, "df": np.inf}
    columns["interval"] = interval
    columns["method"] += f"; {run.n:,} replications"
    return Estimates(make_table(columns), draws=draws.T)


def _rubin(estimates: Estimates, scores: Array, run: Simulation, panel: Panel, level: float) -> Estimates:
    """Estimates pooled over the imputations by Rubin's rules; the draws of all of them are kept."""
    assert estimates.draws is not None
    rows = len(panel.values)
    completed = []
    for k, one in enumerate(scores):
        mine = estimates.draws[run.construction == k]
        value = one[panel.back].T.ravel()
        # without errors of the data an imputation has no variance of its own
        mine = mine if len(mine) > 1 else np.repeat(value[None], 2, axis=0)
        table = estimates.table.assign(value=value, interval="wald", df=np.inf)
        table["interval"] = table["interval"].astype("str")
        completed.append(Estimates(table, draws=mine))
    assert len(estimates) == rows * scores.shape[-1]
    return replace(pool(completed, level=level), draws=estimates.draws)
