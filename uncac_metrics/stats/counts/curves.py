"""Probabilities of states over time as estimates: rows for every group, state and time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from uncac_metrics.stats.counts.arguments import incomplete, joined, results
from uncac_metrics.stats.counts.multistate import Curve, Stays, model_variance, remaining, survival_errors
from uncac_metrics.stats.counts.spells import UNKNOWN, Spells, influences, largest_cluster, limits, under_observation
from uncac_metrics.stats.estimates import Estimates

Array = np.ndarray


def curves(
    found: Spells, states: Mapping[int, str | None], times: Sequence[float] | None, interval: str, level: float,
    columns: Mapping[str, Any], *, method: str, variance: str = "jackknife",
) -> Estimates:  # fmt: skip
    """Probabilities of the states at the times, for every group.

    Without times, the first of two states at every move, without scores: they would be as many as moves times clusters.

    Parameters
    ----------
    states : mapping of number to name
        The states to give; the name goes under the breakdown ``stage``, None gives no such column.
    columns : mapping
        Further columns of the results table.
    """
    blocks, labels, parts, place = [], [], [], 0
    chosen = np.array(list(states), dtype=np.intp)
    gone = incomplete(found.group, found.left_out, UNKNOWN)
    for g, curve in found.fitted():
        at = np.asarray(times if times is not None else [] if curve is None else curve.times, dtype=float)
        block, scores = _read(curve, chosen, at, "running" if times is None and variance == "jackknife" else variance)
        size = len(at) * len(chosen)
        label = found.group.labels.iloc[np.full(size, g)].reset_index(drop=True)
        if None not in states.values():
            label["stage"] = np.repeat(list(states.values()), len(at))
        label["category"] = np.tile([f"{v:.15g}" for v in at], len(chosen))
        told = f"{largest_cluster(curve.stays)}" if found.weighted and curve is not None else ""
        blocks.append(block | {"gone": np.full(size, gone[g], object), "quality": np.full(size, told, object)})
        labels.append(label)
        if scores is not None:
            parts.append((place, scores))
        place += size
    whole = {k: np.concatenate([b[k] for b in blocks]) for k in blocks[0]} if blocks else _read(None, chosen, [], "")[0]
    lower, upper, used = limits(interval, whole["value"], whole["std_error"], whole["watched"], level)
    late = (whole["at"] > whole["longest"]) & (whole["still"] > 0)
    return results(
        pd.concat(labels, ignore_index=True) if labels else found.group.labels,
        dict(columns)
        | {k: whole[k] for k in ("value", "std_error", "n", "events", "n_psu")}
        | {
            "lower": lower, "upper": upper, "interval": used, "conf_level": level, "quality": whole.get("quality", ""),
            "reason": joined(
                whole.get("gone", np.empty(0, dtype=object)), np.where(late, "nothing is observed for so long", ""),
                np.where(whole["n"] > 0, "", "no observation"),
            ),
            "display": np.where(late, "flagged", "shown"),
        },
        found.scores(place, parts) if variance == "jackknife" and times is not None else None, method=method,
    )  # fmt: skip


def _read(
    curve: Curve | None, states: Array, at: Array | Sequence[float], variance: str
) -> tuple[dict[str, Array], Array | None]:
    """Columns of one group, states one after the other, and the influences (clusters × rows)."""
    at = np.asarray(at, dtype=float)
    size, k = len(at) * len(states), len(states)
    out = {"at": np.tile(at, k), "value": np.full(size, np.nan), "std_error": np.full(size, np.nan)}
    out |= {name: np.zeros(size) for name in ("n", "events", "n_psu", "watched", "longest", "still")}
    if curve is None or not size:
        return out, None
    stays, reached = curve.stays, curve.occupation(at)
    everyone = np.unique(stays.cluster)
    leaving = curve.hazard.any(axis=(0, 2))  # states that units leave
    out["value"] = reached[:, states].T.ravel()
    out["n"][:] = (stays.start == stays.start.min()).sum() if np.isfinite(stays.start).all() else len(stays.stop)
    out["events"] = np.concatenate([_moved(stays, int(s), at) for s in states])
    out["n_psu"][:] = len(everyone)
    out["watched"] = np.tile(under_observation(stays, at), k).astype(float)
    out["longest"][:] = stays.stop.max()
    out["still"] = np.tile(reached[:, leaving].sum(axis=1), k)
    if variance == "running":
        out["std_error"] = survival_errors(curve)
        return out, None
    if variance != "jackknife":
        spread = model_variance(curve, remaining(curve, at)[0], variance)
        out["std_error"] = np.sqrt(np.maximum(spread[:, states].T.ravel(), 0.0))
        return out, None
    scores = influences(curve, at, states).reshape(-1, len(at), k).transpose(0, 2, 1).reshape(-1, size)
    out["std_error"] = np.sqrt((scores**2).sum(axis=0))
    return out, scores


def _moved(stays: Stays, state: int, at: Array) -> Array:
    """Moves by each time: into a state, or, for the state that all begin in, out of it."""
    moves = (stays.destination >= 0) & (stays.destination != stays.origin)
    into = moves & (stays.destination == state)
    chosen = into if into.any() or state != 0 else moves & (stays.origin == state)
    return np.searchsorted(np.sort(stays.stop[chosen]), at, side="right").astype(float)
