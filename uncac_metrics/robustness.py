"""What a composite rests on: its parts, and the choices of its construction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from uncac_metrics.model import Fault, Faults
from uncac_metrics.panels import Panel, read_panel
from uncac_metrics.recipes import Recipe, load_recipe
from uncac_metrics.stats.estimates import Estimates
from uncac_metrics.stats.scores import sobol
from uncac_metrics.stats.scores.analysis import correlate
from uncac_metrics.stats.scores.construction import Construction, fill_by_model, normaliser, scorer
from uncac_metrics.stats.scores.hierarchy import effective_weights, without
from uncac_metrics.stats.scores.rank_kernels import rank_from_top
from uncac_metrics.stats.scores.simulate import errors
from uncac_metrics.variants import Choices, base_weights, combinations, weighty, with_data_weights

Array = np.ndarray
DATA, WEIGHTS = "errors of the data", "noise of the weights"
"""Names of the factors that are not choices."""


def influence(recipe: Recipe | str | Path, data: pd.DataFrame | Estimates, *, group: str | None = None) -> pd.DataFrame:
    """What each leaf and node matters: the composite without it, beside the composite with it.

    Parameters
    ----------
    recipe, data, group
        As for :func:`compose`.

    Returns
    -------
    DataFrame
        A row for each leaf and node but the top: ``left_out``, ``weight`` (effective), ``correlation`` of its score
        with the composite, ``mean_change`` and ``max_change`` of the score, ``mean_rank_shift`` over all units.

    Notes
    -----
    A correlation that is far from the weight says that the weight is not the importance. Rank shifts are of all units
    together; no unit is ranked.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> data = pd.DataFrame(rng.uniform(20, 60, (20, 4)), columns=["life_expectancy", "expected_schooling",
    ...                     "mean_schooling", "income"]).assign(ref_area=[f"C{i}" for i in range(20)])
    >>> data[["expected_schooling", "mean_schooling"]] /= 5
    >>> influence("HDI-01", data.assign(income=data["income"] * 200)).round(2)[["left_out", "weight"]].head(3)
              left_out  weight
    0  life_expectancy    0.33
    1        education    0.33
    2           income    0.33
    """
    recipe = weighty(recipe if isinstance(recipe, Recipe) else load_recipe(recipe))
    panel = read_panel(recipe, data, None, None, group)
    filled = fill_by_model(panel.values, recipe.construction)
    construction = with_data_weights(recipe, panel, filled).construction
    names = [leaf.id for leaf in construction.leaves]
    whole = scorer(construction, panel.layout)(filled).mean(axis=0)
    prepared = normaliser(construction, panel.layout)(filled).mean(axis=0)
    own = dict(zip(names, prepared.T, strict=True)) | {n.id: whole[:, k] for k, n in enumerate(construction.nodes)}
    share = effective_weights(names, construction.nodes)
    full = whole[:, -1]
    rows = []
    for name in dict.fromkeys(c for n in reversed(construction.nodes) for c in n.children):
        nodes = without(construction.nodes, name)
        if not nodes:
            continue
        part = scorer(replace(construction, nodes=nodes), panel.layout)(filled).mean(axis=0)[:, -1]
        change = np.abs(part - full)
        shift = [
            np.abs(rank_from_top(part[rows_]) - rank_from_top(full[rows_]))
            for rows_ in (panel.layout.period == t for t in range(len(panel.layout.times)))
        ]
        rows.append(
            {
                "left_out": name, "weight": share[name],
                "correlation": correlate(own[name][:, None], full[:, None])[0, 0],
                "mean_change": np.nanmean(change), "max_change": np.nanmax(change),
                "mean_rank_shift": np.concatenate(shift).mean(),
            }
        )  # fmt: skip
    return pd.DataFrame(rows)


def sensitivity(
    recipe: Recipe | str | Path,
    data: pd.DataFrame | Estimates,
    alternatives: Choices,
    *,
    std_error: pd.DataFrame | None = None,
    draws: Array | None = None,
    weight_noise: float = 0.0,
    group: str | None = None,
    n: int = 512,
    bootstrap: int = 100,
    level: float = 0.95,
    sets: int = 256,
    seed: int = 0,
) -> pd.DataFrame:
    """Sobol' indices of every unit's score: which choice, or which error, its uncertainty comes from.

    Parameters
    ----------
    recipe, data, alternatives, std_error, draws, weight_noise, group
        As for :func:`uncac_metrics.compose`. Each kind of choice is a factor, all errors of the data together are
        one, and so is the noise of the weights.
    n : int
        Size of the scrambled Sobol' design, a power of two; ``n (factors + 2)`` composites are computed.
    bootstrap : int
        Resamples for the intervals.
    level : float
    sets : int
        Prepared sets of errors and of weights, of which the design picks one.
    seed : int

    Returns
    -------
    DataFrame
        A row for each factor and output: ``factor``, ``output`` (``score``, or ``rank shift``: mean over the units of
        how far ranks are from those of the recipe), ``ref_area``, ``time_period``, ``first``, ``first_lower``,
        ``first_upper``, ``total``, ``total_lower``, ``total_upper``.

    Raises
    ------
    Faults
        A combination gives no number for a unit that the recipe scores: no index can be had without it.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> data = pd.DataFrame(rng.uniform(20, 60, (20, 4)), columns=["life_expectancy", "expected_schooling",
    ...                     "mean_schooling", "income"]).assign(ref_area=[f"C{i}" for i in range(20)])
    >>> data[["expected_schooling", "mean_schooling"]] /= 5
    >>> found = sensitivity("HDI-01", data.assign(income=data["income"] * 200), weight_noise=0.2, n=64,
    ...                     alternatives={"aggregation": ["arithmetic", "geometric"]})
    >>> found.loc[found["output"] == "rank shift", "factor"].to_list()
    ['aggregation', 'noise of the weights']
    """
    recipe = weighty(recipe if isinstance(recipe, Recipe) else load_recipe(recipe))
    panel = read_panel(recipe, data, std_error, draws, group)
    factors = [sobol.Factor(name, len(list(options))) for name, options in alternatives.items()]
    factors += [sobol.Factor(DATA, sets)] * panel.uncertain + [sobol.Factor(WEIGHTS, sets)] * (weight_noise > 0)
    if len(factors) < 2:
        remedy = "give alternatives of at least two kinds, standard errors, or weight_noise"
        raise Faults([Fault("sensitivity", "alternatives", "fewer than two factors vary", remedy)])
    levels = sobol.translate(sobol.design(n, len(factors), seed=seed), factors)
    filled = fill_by_model(panel.values, recipe.construction, seed)
    recipe = with_data_weights(recipe, panel, filled)
    constructions = combinations(recipe.construction, alternatives) or [recipe.construction]
    of = np.zeros(len(next(iter(levels.values()))), dtype=int)
    for name, options in alternatives.items():
        of = of * len(list(options)) + levels[name]
    nominal = scorer(recipe.construction, panel.layout)(filled).mean(axis=0)[:, -1]
    scores = np.empty((len(of), len(nominal)))
    for k, construction in enumerate(constructions):
        rows = np.flatnonzero(of == k)
        scores[rows] = _evaluate(construction, panel, levels, rows, weight_noise, sets, seed)
    seen = ~np.isnan(nominal)
    shift = _rank_shift(scores[:, seen], nominal[seen], panel.layout.period[seen])
    found = sobol.indices(
        np.column_stack([scores[:, seen], shift]), n, len(factors), bootstrap=bootstrap, level=level, seed=seed
    )
    given = panel.rows.iloc[np.argsort(panel.back)].reset_index(drop=True)[seen]
    labels = pd.concat([given, pd.DataFrame({"ref_area": [""], "time_period": [""]})], ignore_index=True)
    labels.insert(0, "output", ["score"] * int(seen.sum()) + ["rank shift"])
    parts = []
    for i, factor in enumerate(factors):
        part = labels.copy()
        part.insert(0, "factor", factor.name)
        for name, value, limits in (
            ("first", found.first, found.first_interval), ("total", found.total, found.total_interval)
        ):  # fmt: skip
            part[name] = value[i]
            part[f"{name}_lower"], part[f"{name}_upper"] = limits[:, i] if bootstrap else (np.nan, np.nan)
        parts.append(part)
    return pd.concat(parts, ignore_index=True)


def _evaluate(
    construction: Construction,
    panel: Panel,
    levels: Mapping[str, Array],
    rows: Array,
    weight_noise: float,
    sets: int,
    seed: int,
) -> Array:
    """Scores of the composite at points of the design that share a construction."""
    score = scorer(construction, panel.layout)
    filled = fill_by_model(panel.values, construction, seed).mean(axis=0)
    base = base_weights(construction)
    drawn = {
        name: w * (1 + weight_noise * np.random.default_rng([seed, 1, k]).uniform(-1, 1, (sets, 1, len(w))))
        for k, (name, w) in enumerate(base.items())
    }
    out = np.empty((len(rows), len(filled)))
    moved: Any = None
    if DATA in levels:
        rng = np.random.default_rng([seed, 2])
        moved = errors(rng, sets, np.zeros(filled.shape), panel.std_error, panel.root, None)
        moved = panel.draws[rng.integers(0, len(panel.draws), sets)] if panel.draws is not None else filled + moved
    for begin in range(0, len(rows), 32):
        some = rows[begin : begin + 32]
        x = filled[None].repeat(len(some), axis=0) if moved is None else moved[levels[DATA][some]]
        w = {name: d[levels[WEIGHTS][some]] for name, d in drawn.items()} if WEIGHTS in levels else None
        out[begin : begin + len(some)] = score(x, w)[..., -1]
    return out


def _rank_shift(scores: Array, nominal: Array, period: Array) -> Array:
    """Mean distance of the ranks from those of the nominal scores, within periods."""
    total = np.zeros(len(scores))
    for t in np.unique(period):
        own = period == t
        total += np.abs(rank_from_top(scores[:, own]) - rank_from_top(nominal[own])).sum(axis=1)
    return total / len(nominal)
