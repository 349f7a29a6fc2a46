"""The one form of every result: a table of estimates, and what it takes to combine them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd

from uncac_metrics.model import BREAKDOWNS, ESTIMATE_LEADING, ESTIMATE_VALUES, TOTAL, Fault, Faults
from uncac_metrics.stats.joint import Combined, Scores, cross, weighted

Array = np.ndarray


@dataclass(frozen=True, eq=False)
class Estimates:
    """Estimates with their uncertainty: a table, and the joint covariance of its rows on demand.

    Attributes
    ----------
    table : DataFrame
        A row an estimate: the leading columns, the breakdown columns in use (``_T`` = total), the value columns;
        see :data:`uncac_metrics.model.ESTIMATE_VALUES`. Values are at full precision in the row's `unit`.
    scores : tuple of Scores
        Sampling-unit sums of the linearised values behind the rows, in the order of the rows.
    draws : array of shape (draws, rows), optional
        Draws from the distribution of the estimates, where the method makes them.

    Examples
    --------
    >>> import pandas as pd
    >>> from uncac_metrics.stats import survey
    >>> frame = pd.DataFrame({"w": 1.0, "sex": ["F", "F", "F", "M", "M", "M"], "paid": [0, 0, 1, 0, 1, 1]})
    >>> result = survey.mean(survey.Design(frame, weight="w"), "paid", by="sex")
    >>> result.table[["sex", "value", "std_error", "n"]].round(4)
      sex   value  std_error  n
    0   F  0.3333     0.2981  3
    1   M  0.6667     0.2981  3
    """

    table: pd.DataFrame
    scores: tuple[Scores, ...] = ()
    draws: Array | None = None

    def __len__(self) -> int:
        return len(self.table)

    @property
    def breakdowns(self) -> tuple[str, ...]:
        """The breakdown columns in use."""
        known = {*ESTIMATE_LEADING, *ESTIMATE_VALUES}
        return tuple(c for c in self.table.columns if c not in known)

    def covariance(self) -> pd.DataFrame:
        """Joint covariance matrix of all rows, in squared units of the values.

        Rows from one design, or from designs with the same ``frame``, covary through the sampling units that they
        share; all others are independent. The matrix is positive semi-definite by construction.

        Returns
        -------
        DataFrame of shape (rows, rows)

        Raises
        ------
        Faults
            The estimates came without scores (a published table, say).
        """
        if self.scores:
            parts = [[cross(a, b) for b in self.scores] for a in self.scores]
            matrix = np.block(parts)
        elif self.draws is not None:
            matrix = np.cov(self.draws, rowvar=False).reshape(len(self), len(self))
        else:
            raise Faults(
                [Fault("Estimates", "covariance", "neither scores nor draws are held", "estimate from data")]
            )  # fmt: skip
        return pd.DataFrame(matrix, index=self.table.index, columns=self.table.index)

    def select(self, rows: Any = None, **where: Any) -> Estimates:
        """The rows where every named column equals the value (or is among the values) given.

        Parameters
        ----------
        rows : boolean or integer array, optional
            Rows to keep, instead of or besides the conditions.
        **where
            Column name = value or list of values, e.g. ``sex="F"``.

        Returns
        -------
        Estimates
        """
        keep = np.ones(len(self), dtype=bool)
        for name, wanted in where.items():
            if name not in self.table.columns:
                if wanted == TOTAL and name in BREAKDOWNS:
                    continue
                raise Faults([Fault("Estimates", name, "no such column", f"one of {', '.join(self.table.columns)}")])
            values = [wanted] if isinstance(wanted, str) or not isinstance(wanted, Iterable) else list(wanted)
            keep &= self.table[name].isin(values).to_numpy()
        positions = np.flatnonzero(keep)
        if rows is not None:
            chosen = np.asarray(rows)
            chosen = np.flatnonzero(chosen) if chosen.dtype == bool else chosen
            positions = chosen[keep[chosen]]
        scores, start = [], 0
        if self.scores and not (np.diff(positions) > 0).all():
            positions = np.sort(positions)
        for block in self.scores:
            inside = positions[(positions >= start) & (positions < start + block.n_rows)] - start
            if inside.size:
                scores.append(block.take(inside))
            start += block.n_rows
        return Estimates(
            self.table.iloc[positions].reset_index(drop=True),
            tuple(scores),
            None if self.draws is None else self.draws[:, positions],
        )

    def combine(self, weights: Array, table: pd.DataFrame) -> Estimates:
        """Linear combinations of the rows, as `table` describes them.

        Parameters
        ----------
        weights : array of shape (combinations, rows)
        table : DataFrame of that many rows in the one shape
            ``value`` and ``std_error`` are set here; everything else stays.

        Returns
        -------
        Estimates
        """
        weights = np.asarray(weights, dtype=float)
        if not self.scores:
            return self._combined_draws(weights, table)
        if not len(weights):
            return Estimates(table)
        value = np.where(weights != 0, self.table["value"].to_numpy(), 0.0)
        scores = (Combined(self.weighted_scores(weights)),)
        variance = np.diag(cross(scores[0], scores[0]))
        combined = (weights * value).sum(axis=1)
        error = np.where(np.isnan(combined), np.nan, np.sqrt(np.maximum(variance, 0)))
        table = table.assign(value=combined, std_error=error)
        return Estimates(table, scores)

    def weighted_scores(self, weights: Array) -> tuple[tuple[Scores, Array], ...]:
        """The scores that linear combinations rest on, with the weights (combinations × rows) they enter with."""
        parts, start = [], 0
        for block in self.scores:
            share = weights[:, start : start + block.n_rows]
            used = np.flatnonzero((share != 0).any(axis=0))
            if used.size:
                parts.append((block.take(used), share[:, used]))
            start += block.n_rows
        return tuple(parts)

    def _combined_draws(self, weights: Array, table: pd.DataFrame) -> Estimates:
        if self.draws is None:
            self.covariance()  # says what is missing
        value = weighted(weights, self.table[["value"]].to_numpy(dtype=float))[:, 0]
        draws = weighted(weights, np.asarray(self.draws).T).T
        return Estimates(table.assign(value=value, std_error=draws.std(axis=0, ddof=1)), (), draws)

    def with_columns(self, **columns: Any) -> Estimates:
        """A copy whose table has these columns set."""
        return replace(self, table=self.table.assign(**columns))

    def scaled(self, factor: float | Array) -> Estimates:
        """A copy in another unit: values, errors, limits and scores times `factor`."""
        factor = np.broadcast_to(np.asarray(factor, dtype=float), (len(self),))
        if (factor == 1).all():
            return self
        table = self.table.copy()
        for name in ("value", "std_error", "lower", "upper"):
            table[name] = table[name].to_numpy() * factor
        scores, start = [], 0
        for block in self.scores:
            scores.append(block.scaled(factor[start : start + block.n_rows]))
            start += block.n_rows
        return Estimates(table, tuple(scores), None if self.draws is None else self.draws * factor)

    def _repr_html_(self) -> str:
        return self.summary().to_html(index=False, na_rep="–", float_format=lambda v: f"{v:,.4g}")

    def __repr__(self) -> str:
        return self.summary().to_string(index=False, na_rep="–", float_format=lambda v: f"{v:,.4g}")

    def summary(self) -> pd.DataFrame:
        """The columns that differ between rows or that a reader needs first."""
        always = ["indicator", *self.breakdowns, "value", "std_error", "lower", "upper", "n", "events"]
        varying = [c for c in ("dataset", "statistic", "ref_area", "time_period") if self.table[c].nunique() > 1]
        after = ["unit", "display"] if len(self) else []
        return self.table[[*varying, *always, *after]]


def concat(estimates: Iterable[Estimates]) -> Estimates:
    """Put several results under each other; breakdown columns that a part lacks are ``_T``.

    Parameters
    ----------
    estimates : iterable of Estimates

    Returns
    -------
    Estimates
        With the joint covariance of all rows, where every part has scores.
    """
    parts = [e for e in estimates if len(e)]
    if not parts:
        return Estimates(empty_table())
    used = list(dict.fromkeys(b for e in parts for b in e.breakdowns))
    names = arranged(used)
    tables = [e.table.assign(**{b: TOTAL for b in used if b not in e.table.columns})[names] for e in parts]
    scores = tuple(s for e in parts for s in e.scores) if all(e.scores for e in parts) else ()
    return Estimates(pd.concat(tables, ignore_index=True), scores)


def arranged(breakdowns: Sequence[str]) -> list[str]:
    """All columns of a results table in order: leading, breakdowns (vocabulary first), values."""
    known = [b for b in BREAKDOWNS if b in breakdowns]
    return [*ESTIMATE_LEADING, *known, *(b for b in breakdowns if b not in known), *ESTIMATE_VALUES]


TEXT = (
    "interval",
    "denominator",
    "unit",
    "obs_status",
    "conf_status",
    "display",
    "reason",
    "quality",
    "method",
)
_TEXT = pd.StringDtype(na_value=np.nan)  # what "str" stands for, found once
COUNTS = ("n", "n_eligible", "n_psu")


def make_table(columns: dict[str, Any], breakdowns: Sequence[str] = ()) -> pd.DataFrame:
    """A table in the one shape from columns; what is not given takes its neutral value.

    Parameters
    ----------
    columns : dict of arrays or scalars
        ``value`` at least, an array with one entry a row.
    breakdowns : sequence of str
        Names of the breakdown columns among `columns`.

    Returns
    -------
    DataFrame
    """
    n = len(columns["value"])
    out: dict[str, Any] = {}
    for name in arranged(list(breakdowns)):
        value = columns.get(name)
        if name in ESTIMATE_LEADING or name in breakdowns or name in TEXT:
            default = {"obs_status": "A", "conf_status": "F", "display": "shown"}.get(name, "")
            out[name] = _texts(default if value is None else value, n)
        elif name in COUNTS or name == "events":
            filled = np.broadcast_to(np.asarray(np.nan if value is None else value, dtype=float), n)
            missing = np.isnan(filled)
            out[name] = pd.arrays.IntegerArray(np.where(missing, 0, filled).astype(np.int64), missing)
        else:
            out[name] = np.broadcast_to(np.asarray(np.nan if value is None else value, dtype=float), n).copy()
    return pd.DataFrame(out)


def _texts(value: Any, n: int) -> pd.api.extensions.ExtensionArray:
    """A text for each of n rows, from one or from n."""
    if isinstance(value, str):
        return _repeated(value, n).copy()
    return pd.array(np.broadcast_to(np.asarray(value, dtype=object), n), dtype=_TEXT)


@lru_cache(maxsize=128)
def _repeated(value: str, n: int) -> pd.api.extensions.ExtensionArray:
    return pd.array([value], dtype=_TEXT).take(np.zeros(n, dtype=np.intp))


def empty_table(breakdowns: Sequence[str] = ()) -> pd.DataFrame:
    """A table in the one shape without rows."""
    return make_table({"value": np.empty(0)}, breakdowns)
