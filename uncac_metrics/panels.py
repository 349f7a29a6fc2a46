"""Data of a composite: frames or estimates become one array of units and periods, checked, with its errors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from uncac_metrics.model import BREAKDOWNS, TOTAL, Fault, Faults
from uncac_metrics.recipes import Recipe
from uncac_metrics.stats.estimates import Estimates
from uncac_metrics.stats.scores.construction import Layout
from uncac_metrics.stats.scores.denominate import denominate

Array = np.ndarray
MOST_JOINT = 4_000
"""Estimates whose covariance matrix is used whole at most."""


@dataclass(frozen=True, eq=False)
class Panel:
    """Units in periods, in an order that depends on their values alone."""

    rows: pd.DataFrame
    """``ref_area`` and ``time_period`` as they were given."""
    back: Array
    """Row of the arrays for each row as given."""
    values: Array
    """Rows × columns, denominated."""
    layout: Layout
    std_error: Array | None
    """Rows × columns, zero where there is none."""
    root: Array | None
    """Square root of the covariance matrix of all values."""
    draws: Array | None

    @property
    def uncertain(self) -> bool:
        """Whether anything is known of errors."""
        moving = self.std_error is not None and bool(self.std_error.any())
        return moving or self.root is not None or self.draws is not None


def read_panel(
    recipe: Recipe,
    data: pd.DataFrame | Estimates,
    std_error: pd.DataFrame | None,
    draws: Array | None,
    group: str | None,
) -> Panel:
    """The array that a recipe is applied to.

    Raises
    ------
    Faults
        Columns that are missing or hold no numbers, rows that are there twice, errors that do not fit.
    """
    leaves = recipe.construction.columns
    root = None
    if isinstance(data, Estimates):
        if std_error is not None:
            remedy = "leave out std_error"
            raise Faults([Fault("compose", "std_error", "estimates have standard errors of their own", remedy)])
        data, std_error, root = _of_estimates(data, [*leaves, *(d for d, _ in recipe.denominators.values())], leaves)
    frame = data if "time_period" in data.columns else data.assign(time_period="")
    _check(recipe, frame, std_error, draws, group, leaves)
    values = frame[leaves].to_numpy(dtype=float)
    sigma = None if std_error is None else np.zeros(values.shape)
    if std_error is not None and sigma is not None:
        for j, name in enumerate(leaves):
            if name in std_error.columns:
                sigma[:, j] = np.nan_to_num(std_error[name].to_numpy(dtype=float))
    drawn = None if draws is None else np.asarray(draws, dtype=float)
    factor = np.ones(values.shape)
    for name, (column, per) in recipe.denominators.items():
        if name in leaves:
            below = frame[column].to_numpy(dtype=float)
            factor[:, leaves.index(name)] = denominate(np.ones(len(frame)), below, per)
    values = values * factor
    sigma = None if sigma is None else np.where(np.isnan(values), 0.0, np.nan_to_num(sigma * factor))
    drawn = None if drawn is None else drawn * factor
    unit = np.unique(frame["ref_area"].astype("str").to_numpy(), return_inverse=True)[1]
    times, period = np.unique(frame["time_period"].astype("str").to_numpy(), return_inverse=True)
    order = _order(values, sigma, unit, period)
    groups = None if group is None else np.unique(frame[group].astype("str").to_numpy(), return_inverse=True)[1]
    layout = Layout(unit[order], period[order], _when(times), None if groups is None else groups[order])
    if root is not None:
        k = len(leaves)
        places = (order[:, None] * k + np.arange(k)).ravel()
        root = (root * factor.ravel()[:, None])[places]
        root = np.where(np.isnan(root), 0.0, root)
    back = np.empty(len(order), dtype=np.int64)
    back[order] = np.arange(len(order))
    rows = frame[["ref_area", "time_period"]].astype("str").reset_index(drop=True)
    return Panel(
        rows, back, values[order], layout, None if sigma is None or root is not None else sigma[order], root,
        None if drawn is None else drawn[:, order],
    )  # fmt: skip


def _order(values: Array, sigma: Array | None, unit: Array, period: Array) -> Array:
    """Order of rows by their values: random numbers then go with the data, not with names or the order of rows.

    Names decide only between rows that are equal in everything.
    """
    keys = np.column_stack([values, *([] if sigma is None else [sigma]), period, unit])
    return np.lexsort(np.nan_to_num(keys, nan=np.inf).T[::-1])


def _when(times: Array) -> Array:
    """Periods as numbers where they are years, else by their order."""
    try:
        return times.astype(float)
    except ValueError:
        return np.arange(len(times), dtype=float)


def _check(
    recipe: Recipe,
    frame: pd.DataFrame,
    std_error: pd.DataFrame | None,
    draws: Array | None,
    group: str | None,
    leaves: list[str],
) -> None:
    faults = []
    below = [column for name, (column, _) in recipe.denominators.items() if name in leaves]
    wanted = ["ref_area", *leaves, *below, *([group] if group else [])]
    for name in dict.fromkeys(wanted):
        if name not in frame.columns:
            faults.append(Fault("data", name, "the column is missing", "add it, empty where nothing is known"))
        elif name in (*leaves, *below):
            faults += _numbers("data", frame[name], name)
    if not len(frame):
        faults.append(Fault("data", "", "there are no rows", "give a row a unit"))
    if "ref_area" in frame.columns:
        for name in ("ref_area", "time_period"):
            missing = np.flatnonzero(frame[name].isna())
            if len(missing):
                shown = tuple(int(i) + 1 for i in missing[:5])
                faults.append(Fault("data", name, "is missing", "name every unit and period", shown, len(missing)))
        twice = np.flatnonzero(frame.duplicated(["ref_area", "time_period"], keep=False))
        if len(twice):
            shown = tuple(int(i) + 1 for i in twice[:5])
            remedy = "keep one row a unit and period"
            faults.append(Fault("data", "ref_area", "a unit is there twice in a period", remedy, shown, len(twice)))
    if std_error is not None and draws is not None:
        faults.append(Fault("compose", "draws", "cannot stand beside std_error", "leave out one of the two"))
    if std_error is not None:
        if not std_error.index.equals(frame.index):
            remedy = "give a frame with the index of the data"
            faults.append(Fault("std_error", "", "its rows are not those of the data", remedy))
        for name in std_error.columns.intersection(leaves):
            faults += _numbers("std_error", std_error[name], name, least=0.0)
    if draws is not None and np.shape(draws)[1:] != (len(frame), len(leaves)):
        what = f"shape {np.shape(draws)} is not (draws, {len(frame)}, {len(leaves)})"
        faults.append(Fault("draws", "", what, "one column for each of recipe.construction.columns"))
    if faults:
        raise Faults(faults)


def _numbers(file: str, column: pd.Series, name: str, least: float = -np.inf) -> list[Fault]:
    """Faults of a column that should hold finite numbers or nothing."""
    try:
        values = column.to_numpy(dtype=float)
    except (TypeError, ValueError):
        return [Fault(file, name, "holds something that is not a number", "write numbers, and nothing where unknown")]
    bad = np.flatnonzero(np.isinf(values) | (values < least))
    if not len(bad):
        return []
    what = "is infinite" if least < 0 else "is negative or infinite"
    return [Fault(file, name, what, "put it right", tuple(int(i) + 1 for i in bad[:5]), len(bad))]


def _of_estimates(
    estimates: Estimates, names: list[str], leaves: list[str]
) -> tuple[pd.DataFrame, pd.DataFrame, Array | None]:
    """Values, standard errors and the root of the covariance matrix of the rows without breakdown."""
    table = estimates.table
    whole = table["indicator"].isin(names).to_numpy()
    for name in estimates.breakdowns:
        if name in BREAKDOWNS:
            whole &= (table[name] == TOTAL).to_numpy()
    kept = estimates.select(whole)
    key = ["ref_area", "time_period"]
    twice = kept.table.duplicated([*key, "indicator"], keep=False)
    if twice.any():
        named = ", ".join(sorted(set(kept.table.loc[twice, "indicator"])))
        remedy = "select one data set and statistic of each"
        raise Faults([Fault("estimates", "indicator", f"several values of {named} for a unit and period", remedy)])
    wide = kept.table.pivot(index=key, columns="indicator", values=["value", "std_error"])
    values = wide["value"].reindex(columns=names).reset_index()
    sigma = wide["std_error"].reindex(columns=leaves).reset_index(drop=True)
    values.columns.name = sigma.columns.name = None
    if not kept.scores and kept.draws is None:
        return values, sigma, None
    if len(kept) > MOST_JOINT:
        what = f"{len(kept):,} estimates that covary are too many"
        raise Faults([Fault("estimates", "", what, "give frames of values and standard errors")])
    covariance = np.nan_to_num(kept.covariance().to_numpy())
    found, vectors = np.linalg.eigh(covariance)
    small = vectors * np.sqrt(np.maximum(found, 0))
    row = pd.MultiIndex.from_frame(values[key]).get_indexer(pd.MultiIndex.from_frame(kept.table[key]))
    column = pd.Index(leaves).get_indexer(kept.table["indicator"])
    root = np.zeros((len(values) * len(leaves), len(kept)))
    used = column >= 0
    root[row[used] * len(leaves) + column[used]] = small[used]
    return values, sigma, root
