r"""Totals, means, ratios and proportions of a complex sample, by domain, with Taylor linearisation.

For a ratio of weighted sums :math:`\hat R = \sum w y / \sum w x` the linearised value of a row is
:math:`w (y - \hat R x) / \sum w x`; a mean is a ratio to the number of units, a total is its own linearisation. Rows
outside a domain stay in the design with value zero (Woodruff 1971; Binder 1983; Lumley 2004).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations

import numpy as np
import pandas as pd

from uncac_metrics.model import Fault, Faults
from uncac_metrics.stats import intervals
from uncac_metrics.stats.estimates import Estimates, empty_table, make_table
from uncac_metrics.stats.survey.design import Design, column
from uncac_metrics.stats.survey.margins import Margin
from uncac_metrics.stats.survey.passes import CellPass, Pass
from uncac_metrics.stats.survey.stages import rows_of
from uncac_metrics.stats.survey.sums import Domains, Pair, finest, groups, n_combinations
from uncac_metrics.stats.survey.variance import AnyScores, ReplicateScores, Stacked, is_plain

Array = np.ndarray
TOGETHER = 16_000_000  # sums by cell of several variables that are kept at once: 128 MB
EFFECTIVE_EVENTS = 10
"""Events (or non-events, if fewer) over the design effect below which a share is flagged."""


def level_pairs(name: str, values: pd.Series, base: Array | None, base_name: str) -> list[Pair]:
    """One pair a level of a coded variable, labelled under ``category``."""
    if isinstance(values.dtype, pd.CategoricalDtype):
        codes, levels = values.cat.codes.to_numpy(), list(values.cat.categories)
    else:
        codes, found = pd.factorize(values, sort=True)
        levels = list(found)
    absent = codes < 0
    return [
        Pair(
            name, np.where(absent, np.nan, codes == i), base, "proportion", base_name, True,
            {"category": str(label)}, True,
        )
        for i, label in enumerate(levels)
    ]  # fmt: skip


def linear(
    design: Design,
    pairs: Sequence[Pair],
    groupings: Sequence[tuple[str, ...]],
    *,
    level: float = 0.95,
    interval: str | None = None,
    df: str | int = "answered",
    deff: str = "wr",
    missing: str = "omit",
) -> Estimates:
    """Estimates of many numerator–denominator pairs over many groupings in one pass over the rows.

    Parameters
    ----------
    design : Design
    pairs : sequence of Pair
    groupings : sequence of tuples of column names
        ``()`` is the whole population.

    Returns
    -------
    Estimates
        Ordered by pair, then grouping, then group.
    """
    by = tuple(dict.fromkeys(b for g in groupings for b in g))
    _check_options(level, interval, df, deff, missing)
    for b in by:
        column(design.data, b, "by")
    own = tuple(dict.fromkeys(b for p in pairs for b in p.labels))
    if not pairs:
        return Estimates(empty_table((*own, *by)))
    keep = design.kept
    if missing == "error":
        _refuse_missing(pairs, design.weight > 0)
    place, levels = finest(design.data, by, keep)
    whole = Pass(design, place, n_combinations(levels), keep, every=df != "domain" and is_plain(design))
    domains = [groups(by, levels, g, whole.n_finest) for g in groupings]
    method = f"{design.method}; df: {df}; deff: {deff}; missing: {missing}"
    return from_pass(whole, pairs, domains, level=level, interval=interval, df=df, deff=deff, method=method)


def from_pass(
    whole: Pass | CellPass,
    pairs: Sequence[Pair],
    domains: Sequence[Domains],
    *,
    level: float,
    interval: str | None,
    df: str | int,
    deff: str,
    method: str | None = None,
) -> Estimates:
    """Estimates from the sums of a pass: everything that comes after the rows have been read."""
    design = whole.design
    by = list(domains[0].labels.columns)
    own = tuple(dict.fromkeys(b for p in pairs for b in p.labels))
    margins = [Margin(whole, d, df) for d in domains]
    parts, blocks, variances = [], [], []
    # the sums of several pairs are made together, as far as memory allows
    together = max(1, TOGETHER // max(1, whole.cell_unit.size))
    for start in range(0, len(pairs), together):
        batch = pairs[start : start + together]
        made = whole.pairs(batch)
        if design.replicates is not None:
            for margin in margins:
                margin.replicate(batch, made)
        for pair, sums in zip(batch, made, strict=True):
            for margin in margins:
                base = margin.base(pair)
                columns = _estimate(pair, dict(base.total) | margin.cells.totals(sums.total), deff)
                d = margin.cells.domains
                labels = {b: d.labels[b].to_numpy() for b in by} | {b: pair.labels.get(b, "_T") for b in own}
                named = {"indicator": pair.name, "denominator": pair.base or "_T", "df": base.df, "n_psu": base.units}
                parts.append(columns | labels | named)
                scores, variance = margin.scores(pair, base, sums, columns["value"])
                blocks.append(scores)
                variances.append(variance)
    whole_scores = Stacked(tuple(blocks))
    lengths = [len(p["value"]) for p in parts]
    columns = {
        name: np.concatenate([_column(p[name], n) for p, n in zip(parts, lengths, strict=True)]) for name in parts[0]
    }
    within = np.repeat([pairs[i // len(margins)].within for i in range(len(parts))], lengths)
    floor = np.repeat([0.0 if pairs[i // len(margins)].nonnegative else -np.inf for i in range(len(parts))], lengths)

    def weight_effect() -> Array:
        """Kish's design effect of the weights; asked for where an estimate shows no spread."""
        squares = [m.cells.totals({"ww": whole.squares(p)})["ww"] for p in pairs for m in margins]
        with np.errstate(divide="ignore", invalid="ignore"):
            return columns["n"] * np.concatenate(squares) / columns["counted_weight"] ** 2

    _finish(columns, np.concatenate(variances), within, floor, level, interval, weight_effect)
    if design.replicates is not None:
        _tell_undefined(columns, design.replicates.n, np.concatenate([_undefined(b) for b in blocks]))
    columns["method"] = method or f"{design.method}; df: {df}; deff: {deff}"
    return Estimates(make_table(columns, [*own, *(b for b in by if b not in own)]), (whole_scores,))


def _undefined(scores: AnyScores) -> Array:
    found = scores.undefined if isinstance(scores, ReplicateScores) else None
    return np.zeros(scores.n_rows) if found is None else found


def _tell_undefined(columns: dict, n_replicates: int, undefined: Array) -> None:
    """Say of each estimate how many replicates it rests on where that is not all of them, in place."""
    for i in np.flatnonzero((undefined > 0) & ~np.isnan(columns["value"])):
        told = f"{int(undefined[i]):,} of {n_replicates:,} replicates have no estimate and are left out"
        columns["reason"][i] = "; ".join(filter(None, [columns["reason"][i], told]))
        columns["obs_status"][i], columns["display"][i] = "U", "flagged"


def _column(value: Array | str, n: int) -> Array:
    return np.full(n, value, dtype=object) if isinstance(value, str) else value


def _estimate(pair: Pair, t: dict[str, Array], deff: str) -> dict:
    """Point estimates of one pair by group, and what goes with them."""
    is_total = pair.kind == "total"
    with np.errstate(divide="ignore", invalid="ignore"):
        if is_total:
            value = np.where(t["n"] > 0, t["y"], np.nan)
        else:
            value = np.where(t["x"] != 0, t["y"] / t["x"], np.nan)
        # variance of a simple random sample of the same size
        n = t["n_rows"]
        if is_total:
            spread = t["yy"] - t["y"] ** 2 / t["w"]
            srs = t["w"] * spread / (n - 1)
        else:
            spread = t["yy"] - 2 * value * t["xy"] + value**2 * t["xx"]
            srs = t["w"] * spread / (n - 1) / t["x"] ** 2
        if deff == "wor":
            srs = srs * (1 - n / t["w"])
    # residue of rounding is no spread
    srs = np.where((n > 1) & (spread > 1e-13 * t["yy"]), srs, np.nan)
    return {
        "statistic": pair.kind, "value": value, "n": t["n"], "n_eligible": t["n_eligible"], "events": t["events"],
        "srs": srs, "counted_weight": t["wc"],
    }  # fmt: skip


def _finish(
    columns: dict, variance: Array, within: Array, floor: Array, level: float, interval: str | None,
    weight_effect: Callable[[], Array],
) -> None:  # fmt: skip
    """Standard errors, limits, design effect, cv and status, in place."""
    value, n, df = columns["value"], columns["n"].astype(float), columns["df"].astype(float)
    defined = ~np.isnan(value)
    # forms with joint probabilities can be negative; next to nothing below zero is rounding
    negative = variance < -1e-20 * np.nan_to_num(value) ** 2
    se = np.where(defined & ~negative, np.sqrt(np.maximum(variance, 0.0)), np.nan)
    # what rounding leaves of a variance of zero (all values equal) is zero
    se = np.where(se <= 1e-13 * np.abs(value), 0.0, se)
    lower, upper = intervals.wald(value, se, df, level)
    lower = np.maximum(lower, floor)  # what cannot be negative is not said to be
    used = np.full(value.shape, "wald", dtype=object)
    with np.errstate(divide="ignore", invalid="ignore"):
        cv = np.where(value != 0, se / np.abs(value), np.nan)
        effect = np.where(se > 0, se**2 / columns["srs"], np.nan)
    flat = within & np.isnan(effect) & (n > 0)
    by_weights = weight_effect() if flat.any() else np.ones(value.shape)
    if within.any():
        low, high, name = intervals.proportion(
            interval or "korn_graubard", p=np.clip(value[within], 0, 1), std_error=se[within], n=n[within],
            df=df[within], weight_deff=by_weights[within], level=level,
        )  # fmt: skip
        lower[within], upper[within], used[within] = low, high, name
    with np.errstate(invalid="ignore"):
        worth = np.maximum(np.where(np.isnan(effect), by_weights, effect), 1)
        few = within & (n * np.minimum(value, 1 - value) / worth < EFFECTIVE_EVENTS)
    reason = np.full(value.shape, "", dtype=object)
    reason[few] = f"fewer than {EFFECTIVE_EVENTS} effective events: the interval may be too short"
    reason[negative] = "the variance estimate is negative"
    reason[~(df > 0)] = "one sampling unit a stratum: no degrees of freedom"
    reason[~defined] = "the denominator is zero"
    reason[n == 0] = "no observation"
    absent = ~defined
    columns.update(
        std_error=se, lower=np.where(absent, np.nan, lower), upper=np.where(absent, np.nan, upper), conf_level=level,
        interval=np.where(absent, "", used), deff=effect, cv=cv, reason=reason,
        obs_status=np.where(absent, "O", np.where(few, "U", "A")),
        display=np.where(absent, "withheld", np.where(few, "flagged", "shown")),
    )  # fmt: skip
    columns["events"] = np.where(n == 0, np.nan, columns["events"].astype(float))


def cube(by: Sequence[str]) -> list[tuple[str, ...]]:
    """Every subset of the breakdowns, the total first: a cross and all its margins."""
    return [g for size in range(len(by) + 1) for g in combinations(by, size)]


def _refuse_missing(pairs: Sequence[Pair], keep: Array) -> None:
    faults = []
    for pair in pairs:
        if pair.absent is None:
            continue
        absent = pair.absent & keep
        if pair.denominator is not None:
            absent &= pair.denominator != 0
        if absent.any():
            remedy = 'impute them, or say missing="omit" (answers only)'
            faults.append(Fault(pair.kind, pair.name, "missing answers", remedy, **rows_of(absent)))
    if faults:
        raise Faults(faults)


def _check_options(level: float, interval: str | None, df: str | int, deff: str, missing: str) -> None:
    faults = []
    if not 0 < level < 1:
        faults.append(Fault("options", "level", f"{level} is no confidence level", "a number between 0 and 1, as 0.95"))
    names = sorted(intervals.PROPORTION)
    if interval is not None and interval not in names:
        faults.append(Fault("options", "interval", f"unknown interval {interval!r}", f"one of {', '.join(names)}"))
    if isinstance(df, str) and df not in ("answered", "domain", "design"):
        faults.append(Fault("options", "df", f"unknown rule {df!r}", "answered, domain, design or a number"))
    if deff not in ("wr", "wor"):
        faults.append(Fault("options", "deff", f"unknown comparison {deff!r}", "wr or wor"))
    if missing not in ("omit", "error"):
        faults.append(Fault("options", "missing", f"unknown policy {missing!r}", "omit or error"))
    if faults:
        raise Faults(faults)
