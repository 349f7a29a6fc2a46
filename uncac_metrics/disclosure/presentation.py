r"""Presentation standards: whether an estimate is precise enough to be shown, as named sets of rules.

For a proportion :math:`p` with standard error :math:`s` from :math:`n` answers, the effective size is
:math:`n^* = \min(n, p(1-p)/s^2)`, and :math:`[L, U]` the 95 % Korn–Graubard interval, whatever interval the row has.
The NCHS standard withholds where :math:`n^* < 30`; shows where :math:`U - L \le 0.05`; withholds where
:math:`U - L \ge 0.30`; withholds where :math:`(U - L) / p > 1.30`; and shows the rest. Shown estimates are flagged for
review where :math:`(U-L)/(1-p) > 1.30`, with fewer than 8 degrees of freedom, and at 0 and 100 %.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd

from uncac_metrics.model import DISPLAY, Fault, Faults
from uncac_metrics.stats import intervals
from uncac_metrics.stats.estimates import Estimates

Array = np.ndarray
Verdict = tuple[Array, str, str]
"""Rows, what becomes of them (``flagged`` or ``withheld``), and why."""
_LEVEL = 0.95
_RANK = {name: rank for rank, name in enumerate(DISPLAY)}


@dataclass(frozen=True)
class Standard:
    """A set of rules of presentation; a rule that is not given does not apply."""

    id: str
    title: str = ""
    source: str = ""
    verified: bool = True
    """All cut-offs are stated by the source, or by an office that restates it."""
    unverified: str = ""
    """What was not verified."""
    statistics: tuple[str, ...] = ()
    """Kinds of statistic that it is for; empty: all."""
    n: int = 0
    """Withheld with fewer answers."""
    n_effective: float = 0.0
    """Withheld with a smaller effective size (proportions)."""
    events: int = 0
    """Withheld with fewer events, where they are known."""
    width: tuple[float, float] = (0.0, np.inf)
    """Width of the interval up to which an estimate is shown and from which it is withheld (proportions)."""
    relative_width: float = np.inf
    """Withheld with a wider interval relative to the estimate."""
    complement: bool = False
    """Flagged where the interval is too wide relative to the complement (proportions)."""
    df: float = 0.0
    """Flagged with fewer degrees of freedom."""
    extremes: bool = False
    """Flagged at 0 and 100 % (proportions); no interval is judged there."""
    cuts: tuple[float, ...] = ()
    """Rising coefficients of variation from which the next grade holds."""
    grades: tuple[str, ...] = ()
    displays: tuple[str, ...] = ()
    """What becomes of each grade."""
    digits: int | None = None
    """Decimals to which a coefficient of variation is rounded before it is graded."""


@cache
def _read() -> Mapping[str, Standard]:
    file = resources.files("uncac_metrics.disclosure") / "standards.toml"
    entries = tomllib.loads(file.read_text(encoding="utf-8"))
    made = {}
    for key, entry in entries.items():
        given: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in entry.items()}
        made[key] = Standard(key, **given)
    return MappingProxyType(made)


@cache
def grades() -> frozenset[str]:
    """Grades of coefficients of variation of all standards."""
    return frozenset(grade for rule in _read().values() for grade in rule.grades)


def standard(name: str) -> Standard:
    """The standard called `name`.

    Parameters
    ----------
    name : str
        A name of :func:`standards`.

    Returns
    -------
    Standard

    Raises
    ------
    Faults
        There is none of this name.

    Examples
    --------
    >>> standard("inegi").cuts
    (0.15, 0.3)
    """
    if name not in _read():
        raise Faults([Fault("present", "standard", f"no standard {name!r}", f"one of {', '.join(_read())}")])
    return _read()[name]


def standards() -> pd.DataFrame:
    """All named standards: title, the statistics that they are for, source and what is unverified.

    Returns
    -------
    DataFrame

    Examples
    --------
    >>> standards()["standard"].tolist()[:2]
    ['nchs_proportions', 'nchs_counts']
    """
    columns = ("title", "statistics", "source", "verified", "unverified")
    return pd.DataFrame([{"standard": key} | {c: getattr(s, c) for c in columns} for key, s in _read().items()])


def present(estimates: Estimates, by: str | Standard | Sequence[str | Standard]) -> Estimates:
    """Judge every estimate by presentation standards: shown, flagged or withheld, with the reason in the row.

    A row never becomes better than it was; reasons and grades are added to what the row says already. Values stay.

    Parameters
    ----------
    estimates : Estimates
        Judged row by row. A unit of ``%`` or ``per 1,000 …`` is understood.
    by : str, Standard or sequence of them
        Names of :func:`standards`, or rules of one's own.

    Returns
    -------
    Estimates
        ``display``, ``reason``, ``quality`` (the grade), ``obs_status`` (``U`` where flagged or withheld) are set.

    Raises
    ------
    Faults
        There is no standard of this name.

    References
    ----------
    Parker, Talih, Malec et al. (2017), Vital and Health Statistics 2(175). Parker et al. (2023), ibid. 2(200).

    Examples
    --------
    >>> from uncac_metrics.stats import published
    >>> import pandas as pd
    >>> rows = pd.DataFrame({"value": [20.0, 20.0, 20.0], "std_error": [2.0, 4.0, 12.0]})
    >>> present(published(rows), "statcan_letters").table[["display", "quality", "reason"]]
        display quality                            reason
    0     shown       C
    1     shown       D
    2  withheld       F  coefficient of variation grade F
    """
    rules = [standard(s) if isinstance(s, str) else s for s in ([by] if isinstance(by, (str, Standard)) else by)]
    table = estimates.table
    display = table["display"].map(_RANK).to_numpy(dtype=int).copy()
    reasons, grades = [table[c].fillna("").to_numpy(dtype=object).copy() for c in ("reason", "quality")]
    judged = table["value"].notna().to_numpy()
    for rule in rules:
        within = judged & (table["statistic"].isin(rule.statistics).to_numpy() if rule.statistics else True)
        if not within.any():
            continue
        rows = _numbers(table[within])
        where = np.flatnonzero(within)
        for found, becomes, why in _verdicts(rule, rows):
            at = where[found]
            display[at] = np.maximum(display[at], _RANK[becomes])
            reasons[at] = [_added(text, why) for text in reasons[at]]
        if rule.cuts:
            grade, known = _grade(rule, rows)
            marks = np.where(known, np.array(rule.grades, dtype=object)[grade], "")
            grades[where] = [_added(g, m) for g, m in zip(grades[where], marks, strict=True)]
    names = np.array(list(_RANK), dtype=object)
    doubtful = judged & (display > 0) & (table["obs_status"] == "A").to_numpy()
    return estimates.with_columns(
        display=pd.array(names[display], dtype="str"),
        reason=pd.array(reasons, dtype="str"), quality=pd.array(grades, dtype="str"),
        obs_status=pd.array(np.where(doubtful, "U", table["obs_status"]), dtype="str"),
    )  # fmt: skip


def _added(text: str, more: str) -> str:
    return text if more in text.split("; ") else "; ".join(filter(None, [text, more]))


def unit_factor(unit: str) -> float:
    """What a proportion is multiplied by in this unit.

    Examples
    --------
    >>> unit_factor("%"), unit_factor("per 100,000 people"), unit_factor("")
    (100.0, 100000.0, 1.0)
    """
    if unit.strip() in ("%", "percent"):
        return 100.0
    found = re.match(r"per ([\d,]+)\b", unit.strip())
    return float(found[1].replace(",", "")) if found else 1.0


def _numbers(table: pd.DataFrame) -> dict[str, Array]:
    columns = ("value", "std_error", "lower", "upper", "n", "events", "df", "conf_level")
    rows = {c: table[c].astype(float).to_numpy(dtype=float, na_value=np.nan) for c in columns}
    factors = {unit: unit_factor(unit) for unit in table["unit"].fillna("").unique()}
    rows["factor"] = table["unit"].fillna("").map(factors).to_numpy(dtype=float)
    rows["exact"] = (table["interval"] == "none").to_numpy() & (rows["std_error"] == 0)
    rows["share"] = (table["statistic"] == "proportion").to_numpy()
    return rows


def _verdicts(rule: Standard, rows: dict[str, Array]) -> Iterator[Verdict]:
    """What the rules say of the rows; a comparison with an unknown number is no verdict."""
    with np.errstate(invalid="ignore", divide="ignore"):
        if rule.n:
            yield rows["n"] < rule.n, "withheld", f"fewer than {rule.n} answers"
        if rule.events:
            yield rows["events"] < rule.events, "withheld", f"fewer than {rule.events} events"
        if rule.n or rule.n_effective:
            yield np.isnan(rows["n"]), "flagged", "not judged: the number of answers is unknown"
        settled = np.zeros(len(rows["n"]), bool)
        share = rows["share"]
        width, p, n_effective = _widths(rows)
        extreme = share & ((p <= 0) | (p >= 1))
        if rule.n_effective:
            few = share & (n_effective < rule.n_effective)
            yield few, "withheld", f"effective sample size below {rule.n_effective:g}"
            settled |= few
        if rule.extremes:
            yield extreme & ~settled, "flagged", "0 or 100 %: to be reviewed"
            settled |= extreme
        narrow, wide = rule.width
        if np.isfinite(wide):
            settled |= share & (width <= narrow)
            broad = share & ~settled & (width >= wide)
            yield broad, "withheld", f"interval of {wide:g} or wider"
            settled |= broad
        if np.isfinite(rule.relative_width):
            said = f"interval wider than {rule.relative_width:.0%}"
            loose = ~settled & ~rows["exact"] & (width / np.abs(p) > rule.relative_width)
            yield loose, "withheld", f"{said} of the estimate"
            if rule.complement:
                other = share & ~settled & ~loose & (width / (1 - p) > rule.relative_width)
                yield other, "flagged", f"{said} of the complement"
        if rule.df:
            yield rows["df"] < rule.df, "flagged", f"fewer than {rule.df:g} degrees of freedom"
        if rule.cuts:
            grade, known = _grade(rule, rows)
            yield ~known, "flagged", "not graded: the coefficient of variation is not defined"
            for i, becomes in enumerate(rule.displays):
                if becomes != "shown":
                    yield known & (grade == i), becomes, f"coefficient of variation grade {rule.grades[i]}"


def _widths(rows: dict[str, Array]) -> tuple[Array, Array, Array]:
    """Width of the 95 % interval, estimate and effective size: Korn–Graubard for proportions, else the row's own."""
    share = rows["share"]
    p = np.where(share, rows["value"] / rows["factor"], rows["value"])
    own = rows["upper"] - rows["lower"]
    half = intervals.wald(np.zeros(len(p)), rows["std_error"], np.where(rows["df"] > 0, rows["df"], np.inf), _LEVEL)[1]
    width = np.where((rows["conf_level"] == _LEVEL) & ~np.isnan(own), own, 2 * half)
    inside = np.where(share, np.clip(p, 0, 1), 0.5)
    n_effective = intervals.effective_n(inside, (rows["std_error"] / rows["factor"]) ** 2, rows["n"])
    df = np.where(rows["df"] > 0, rows["df"], 1.0)
    lower, upper = intervals.korn_graubard(inside, np.minimum(n_effective, rows["n"]), rows["n"], df, _LEVEL)
    return np.where(share, upper - lower, width), p, np.minimum(n_effective, rows["n"])


def _grade(rule: Standard, rows: dict[str, Array]) -> tuple[Array, Array]:
    """Number of each row's grade, and whether it has one: an error of zero is known only of complete counts."""
    with np.errstate(invalid="ignore", divide="ignore"):
        cv = np.where(rows["exact"], 0.0, rows["std_error"] / np.abs(rows["value"]))
    known = np.isfinite(cv) & (rows["exact"] | (rows["std_error"] > 0))
    cv = np.where(known, cv, 0.0)
    # a little more than rounding of floating point, so that 0.15 is 0.15
    cv = np.round(cv, 12 if rule.digits is None else rule.digits)
    return np.searchsorted(np.array(rule.cuts), cv, side="right"), known
