"""A release made safe: rows of the results table withheld so that no small number can be calculated from the others.

For one data set, area and period, indicators with the same base and the same numbers of answers share one table of
answers by breakdown; each indicator with events adds a table of events and of answers without the event. All of them
are protected together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from uncac_metrics.disclosure import attack
from uncac_metrics.disclosure.rounding import round_conventional
from uncac_metrics.disclosure.suppression import pattern
from uncac_metrics.disclosure.tables import Table
from uncac_metrics.model import BREAKDOWNS, ESTIMATE_KEY, TOTAL, Fault, Faults

Array = np.ndarray
_BASE = ("dataset", "denominator", "ref_area", "time_period")
_BLANK = ("value", "std_error", "lower", "upper", "df", "n", "n_eligible", "n_psu", "events", "deff", "cv")
_REASON = {"C": "confidential: too few answers or events", "D": "withheld so that confidential figures stay so"}
_KINDS = ("answers", "events", "others")
_NODES = 200


@dataclass(frozen=True, eq=False)
class Protected:
    """A release after disclosure control.

    Attributes
    ----------
    estimates : DataFrame
        The rows given, in their order; what is withheld is blank, with ``display``, ``conf_status`` and ``reason``.
    cells : DataFrame
        The rows that are withheld, for the office only, with ``status`` (``primary``, ``secondary``) and ``rule``.
    audit : DataFrame
        What an attacker can find out about primary ``answers``, ``events`` and ``others`` (answers without the event).
    differences : DataFrame
        Rows withheld now that the last release gave with numbers so near to those of now that they are known.
    """

    estimates: pd.DataFrame
    cells: pd.DataFrame = field(repr=False)
    audit: pd.DataFrame = field(repr=False)
    differences: pd.DataFrame = field(repr=False)


def protect(
    estimates: pd.DataFrame,
    *,
    minimum: int = 5,
    protection: float = 1.0,
    extremes: int = 0,
    previous: pd.DataFrame | None = None,
    withhold_differences: bool = True,
    rounding: int | None = None,
    public: Sequence[str] = ("figures",),
) -> Protected:
    """Withhold what is confidential in a release, and what it could be calculated from.

    Primary are rows where the answers, the events, or the answers without the event are above 0 and under the
    minimum. A breakdown is a relation only where its categories add up to the total exactly: items of which one
    person may have several (types of official, of transaction) are no parts of a sum, and nothing can be subtracted.

    Parameters
    ----------
    estimates : DataFrame
        Rows of the results table (``Estimates.table``, or ``estimates.csv`` of a release).
    minimum : int, default 5
        Fewest answers, and fewest events and non-events.
    protection : float, default 1
        How far above and below its number the interval must reach that can be calculated for a primary cell.
    extremes : int, default 0
        Rows with fewer answers than this where nobody or everybody had the event are primary too: they tell the
        answer of each.
    previous : DataFrame, optional
        The last release, in the same form. Numbers that it gave and that have not changed protect nothing.
    withhold_differences : bool, default True
        Whether rows whose answers differ from the last release by less than the minimum are primary, as the difference
        tells of the few. Where data are corrected or added to every night that is nearly every row.
    rounding : int, optional
        Round counts (answers, eligible, events) of the published rows to this base. It does not replace suppression.
    public : sequence of str, default ``("figures",)``
        Bases (column ``denominator``) that count published figures, not persons, firms or files: never confidential.

    Returns
    -------
    Protected

    Raises
    ------
    Faults
        Columns are missing, or rows have the same key.

    Notes
    -----
    Sampling units, errors and limits are blank in withheld rows, as they tell the size. Indicators whose answers
    differ by item nonresponse have tables of their own: someone who knows that few did not answer can carry a number
    from one to the other roughly. A column that holds categories of two levels at once (sections and divisions of
    a classification) adds up to no total, and is not protected against sums: give each level by itself. Zero events
    are taken to be known, and used for protection only where nothing else protects.

    Examples
    --------
    >>> rows = pd.DataFrame({
    ...     "indicator": "BR-01", "dataset": "s", "statistic": "proportion", "ref_area": "XXA", "time_period": "2025",
    ...     "sex": ["_T", "F", "M"], "area": "_T", "value": [9.0, 2.0, 16.0], "n": [200, 100, 100],
    ...     "events": [18, 2, 16], "denominator": "adults", "display": "shown", "conf_status": "F", "reason": ""})
    >>> protect(rows).estimates[["sex", "value", "n", "display", "conf_status"]]
      sex  value      n   display conf_status
    0  _T    9.0  200.0     shown           F
    1   F    NaN    NaN  withheld           C
    2   M    NaN    NaN  withheld           D
    """
    rows, by = _rows(estimates)
    status = np.full(len(rows), "", dtype=object)
    before = _before(rows, by, previous)
    rules = _primary(rows, before if withhold_differences else before * np.nan, minimum, extremes, public)
    status[rules != ""] = "primary"
    audits = []
    arrays = {c: rows[c].to_numpy() for c in ("n", "events", "_others", "_share", "_group", "_cell")}
    last = (before["n"].to_numpy(dtype=float), before["events"].to_numpy(dtype=float))
    codes = np.column_stack([np.zeros((len(rows), 0), dtype=int), *[_codes(rows[c]) for c in by]])
    for base in _bases(rows, by):
        if (status[base] == "primary").any():
            audits.append(_protect_base(arrays, codes, base, status, rules, last, minimum, protection))
    back = np.argsort(rows["_row"].to_numpy())
    held = rows[status != ""].assign(status=status[status != ""], rule=rules[status != ""])
    keys = [*ESTIMATE_KEY, "denominator", *by]
    cells = held[[*keys, "n", "events", "status", "rule"]].reset_index(drop=True)
    columns = [*_BASE, "indicator", "statistic", *by, "cell", "value", "low", "high", "lower", "upper", "safe"]
    audit = _described(pd.concat(audits, ignore_index=True), rows)[columns] if audits else pd.DataFrame(columns=columns)
    return Protected(
        _blanked(estimates, status[back], rounding), cells, audit,
        _differences(rows, by, status, before, minimum),
    )  # fmt: skip


def _rows(estimates: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """The rows sorted by key, so that their order says nothing, and the breakdowns in use."""
    wanted = [*ESTIMATE_KEY, "denominator", "n", "display", "conf_status", "reason"]
    missing = [c for c in wanted if c not in estimates.columns]
    if missing:
        raise Faults([Fault("estimates", c, "no such column", "rows of the results table") for c in missing])
    by = [c for c in BREAKDOWNS if c in estimates.columns and (estimates[c].astype(str) != TOTAL).any()]
    keys = [*ESTIMATE_KEY, *by]
    rows = pd.DataFrame({c: estimates[c].fillna("").astype(str).to_numpy(dtype=object) for c in [*keys, "denominator"]})
    for c in ("n", "events"):
        rows[c] = estimates[c].to_numpy(dtype=float, na_value=np.nan) if c in estimates.columns else np.nan
    rows["_row"] = np.arange(len(rows))
    double = rows.duplicated(keys)
    if double.any():
        first = tuple(int(i) + 1 for i in np.flatnonzero(double)[:5])
        raise Faults([Fault("estimates", ", ".join(ESTIMATE_KEY), "rows have the same key", "one row a key", first,
                            int(double.sum()))])  # fmt: skip
    rows = rows.sort_values(keys, kind="stable", ignore_index=True)
    rows["_group"] = rows.groupby(list(ESTIMATE_KEY), sort=True).ngroup()
    rows["_cell"] = rows.groupby(by, sort=True).ngroup() if by else 0
    # events beyond answers (bribes of one person, say) are no share of them
    over = rows["events"] > rows["n"]
    rows["_share"] = ~over.groupby(rows["_group"]).transform("any") & rows["events"].notna()
    rows["_others"] = (rows["n"] - rows["events"]).where(rows["_share"])
    return rows, by


def _codes(column: pd.Series) -> Array:
    """Categories as numbers, 0 for the total."""
    names = column.to_numpy(dtype=object)
    return np.where(names == TOTAL, 0, 1 + pd.factorize(names, sort=True)[0])


def _described(audit: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    """With the key of the row that each number is shown in; answers belong to the base, not to one indicator."""
    own = [c for c in audit.columns if not c.startswith("_")]
    found = pd.concat(
        [rows.loc[audit["_row"]].drop(columns=["n", "events"]).reset_index(drop=True), audit[own]], axis=1
    )
    found.loc[found["cell"] == "answers", ["indicator", "statistic"]] = ""
    return found


def _few(values: pd.Series, minimum: float) -> Array:
    return ((values > 0) & (values < minimum)).to_numpy()


def _before(rows: pd.DataFrame, by: list[str], previous: pd.DataFrame | None) -> pd.DataFrame:
    """Numbers of answers and events that the last release gave for each row, NaN where it did not."""
    if previous is None:
        return pd.DataFrame({"n": np.nan, "events": np.nan}, index=rows.index)
    last, used = _rows(previous)
    extra = [c for c in used if c not in by]
    last = last[(last[extra] == TOTAL).all(axis=1)] if extra else last
    last = last.assign(**dict.fromkeys([c for c in by if c not in last.columns], TOTAL))
    shown = last[(previous["display"] != "withheld").to_numpy()[last["_row"].to_numpy()]]
    keys = [*ESTIMATE_KEY, *by]
    found = rows[keys].merge(shown[[*keys, "n", "events"]], on=keys, how="left")
    return found[["n", "events"]]


def _primary(rows: pd.DataFrame, before: pd.DataFrame, minimum: int, extremes: int, public: Sequence[str]) -> Array:
    """The rule that each row breaks, empty where none."""
    rules = np.full(len(rows), "", dtype=object)
    if extremes:
        same = (rows["events"] == 0) | (rows["_others"] == 0)
        rules[(same & (rows["n"] > 0) & (rows["n"] < extremes)).to_numpy()] = "extreme"
    rules[_few(rows["_others"], minimum)] = "others"
    rules[_few(rows["events"], minimum)] = "events"
    rules[_few((rows["n"] - before["n"]).abs(), minimum)] = "difference"
    rules[_few(rows["n"], minimum)] = "answers"
    rules[rows["denominator"].isin(list(public)).to_numpy()] = ""
    return rules


def _bases(rows: pd.DataFrame, by: list[str]) -> list[Array]:
    """Rows of the indicators that have the same base and, wherever both have a row, the same number of answers."""
    found: list[Array] = []
    width = int(rows["_cell"].max()) + 1 if len(rows) else 0
    n, cell = rows["n"].to_numpy(), rows["_cell"].to_numpy()
    for _, part in rows.groupby(list(_BASE), sort=True):
        known: list[tuple[Array, list[Array]]] = []
        for _, group in part.groupby("_group", sort=True):
            at = group.index.to_numpy()
            numbers = np.full(width, np.nan)
            numbers[cell[at]] = n[at]
            for base, members in known:
                both = ~np.isnan(base) & ~np.isnan(numbers)
                if both.any() and (base[both] == numbers[both]).all():
                    base[np.isnan(base)] = numbers[np.isnan(base)]
                    members.append(at)
                    break
            else:
                known.append((numbers, [at]))
        found += [np.concatenate(members) for _, members in known]
    return found


def _sums(codes: Array, of: Array, values: Array) -> tuple[Array, Array, Array]:
    """Every breakdown that adds up exactly, in each of its contexts: numbers of sums, cells in them, and signs."""
    sums, at, signs, count = [], [], [], 0
    for j in range(codes.shape[1]):
        total = codes[:, j] == 0
        context = np.unique(of, return_inverse=True)[1]
        for i in range(codes.shape[1]):
            if i != j:
                pair = context * (int(codes[:, i].max()) + 1) + codes[:, i]
                context = np.unique(pair, return_inverse=True)[1]
        size = int(context.max()) + 1
        whole = np.full(size, -1)
        whole[context[total]] = np.flatnonzero(total)
        parts = np.bincount(context[~total], values[~total], size)
        adds = (
            (whole >= 0)
            & (np.bincount(context[~total], minlength=size) > 0)
            & np.isclose(parts, values[whole], rtol=1e-12, atol=0)
        )
        number = count + np.cumsum(adds) - 1
        members = np.flatnonzero(~total & adds[context])
        sums += [number[context[members]], number[adds]]
        at += [members, whole[adds]]
        signs += [np.ones(len(members)), -np.ones(int(adds.sum()))]
        count += int(adds.sum())
    none = np.zeros(0, dtype=int)
    return np.concatenate([none, *sums]), np.concatenate([none, *at]), np.concatenate([none, *signs])


def _cells(rows: dict[str, Array], base: Array) -> pd.DataFrame:
    """Answers of the base, then events and others of each indicator: a row a cell, with the row it is shown in."""
    n, events, group, cell = (rows[c][base] for c in ("n", "events", "_group", "_cell"))
    here = np.flatnonzero(~np.isnan(n))
    answers = here[np.unique(cell[here], return_index=True)[1]]
    some = np.flatnonzero(~np.isnan(events))
    both = np.flatnonzero(rows["_share"][base] & ~np.isnan(n))
    index = np.concatenate([answers, some, both])
    sizes = [len(answers), len(some), len(both)]
    return pd.DataFrame({
        "_cell": cell[index], "_row": base[index],
        "_at": np.where(np.arange(len(index)) < len(answers), -1, base[index]),
        "_of": np.concatenate([np.full(len(answers), -1), 2 * group[some], 2 * group[both] + 1]),
        "cell": np.repeat(np.array(_KINDS, dtype=object), sizes),
        "value": np.concatenate([n[answers], events[some], rows["_others"][base[both]]]),
    })  # fmt: skip


def _table(cells: pd.DataFrame, codes: Array) -> Table:
    """All cells of a base with their sums, and with events and others adding up to answers."""
    from scipy import sparse

    kind, row, cell = (cells[c].to_numpy() for c in ("cell", "_row", "_cell"))
    sums, at, signs = _sums(codes[row], cells["_of"].to_numpy(), cells["value"].to_numpy())
    count = int(sums.max()) + 1 if len(sums) else 0
    answers, events, others = (np.flatnonzero(kind == k) for k in _KINDS)
    if len(others):
        order = np.argsort(row[events])
        own = events[order][np.searchsorted(row[events][order], row[others])]
        whole = answers[np.searchsorted(cell[answers], cell[others])]
        number = count + np.arange(len(others))
        sums = np.concatenate([sums, number, number, number])
        at = np.concatenate([at, own, others, whole])
        signs = np.concatenate([signs, np.ones(2 * len(others)), -np.ones(len(others))])
        count += len(others)
    return Table(cells, ("cell", "_row"), "value", sparse.csr_matrix((signs, (sums, at)), shape=(count, len(cells))))


def _covered(table: Table, primary: Array, protection: float, cost: Array, held: Array, known: Array) -> Array:
    """Cells to withhold; what is 0, and then what is known from before, is let go where nothing else protects."""
    levels = np.where(primary, protection, 0.0)
    for zeros, fixed in ((True, held | known), (False, held | known), (False, known), (False, known & False)):
        try:
            return pattern(table, primary, levels, cost, zeros=zeros, fixed=fixed, nodes=_NODES)
        except Faults:
            continue
    return np.ones(len(table), dtype=bool)


def _protect_base(
    rows: dict[str, Array], codes: Array, base: Array, status: Array, rules: Array, before: tuple[Array, Array],
    minimum: int, protection: float,
) -> pd.DataFrame:  # fmt: skip
    """Set the status of further rows of a base; what an attacker can then find out about its primary cells."""
    cells = _cells(rows, base)
    table = _table(cells, codes[:, codes[base].any(axis=0)])
    at, cell, value = cells["_at"].to_numpy(), cells["_cell"].to_numpy(), table.values
    answers = at < 0
    place, why = rows["_cell"], np.where(at >= 0, rules[at], "")
    known = _last(cells, before, base, place) == value
    # with the answers of a cell, every row goes that would show them
    shown = np.bincount(place[base])
    cost = (1 + value) * np.where(answers, shown[cell], 1)
    first = answers & np.isin(cell, place[base[np.isin(rules[base], ["answers", "difference"])]])
    gone = np.zeros(0, dtype=int)
    if first.any():
        part = _only(table, answers)
        gone = cell[answers][_covered(part, first[answers], protection, cost[answers], known[answers] & False,
                                      known[answers])]  # fmt: skip
    own = ~answers & (why != "") & (((value > 0) & (value < minimum)) | (why == "extreme"))
    free = np.isin(cell, gone)
    hidden = _covered(table, own | first, protection, np.where(free, 0.0, cost), answers & ~free, known)
    gone = np.union1d(gone, cell[answers & hidden])
    withheld = base[np.isin(place[base], gone) | np.isin(base, at[~answers & hidden])]
    status[withheld[status[withheld] == ""]] = "secondary"

    # answers are known as long as one row shows them
    open_cells = place[base[status[base] == ""]]
    unknown = np.where(answers, ~np.isin(cell, open_cells), status[at] != "")
    low, high = np.where(known, value, 0.0), np.where(known, value, np.inf)
    asked = np.flatnonzero((own | first) & unknown)
    lows, highs = attack.intervals(table, unknown, asked, low, high)
    found = cells.loc[asked].reset_index(drop=True)
    true = value[asked]
    lower = np.minimum(protection, true)
    slack = 1e-6 * np.maximum(1, true)
    safe = (true - lows >= lower - slack) & (highs - true >= protection - slack)
    return found.assign(low=np.round(lows, 6), high=np.round(highs, 6), lower=lower, upper=protection, safe=safe)


def _last(cells: pd.DataFrame, before: tuple[Array, Array], base: Array, place: Array) -> Array:
    """What the last release gave for each cell, NaN where nothing."""
    was = np.full(len(cells), np.nan)
    at, kind = cells["_at"].to_numpy(), cells["cell"].to_numpy()
    n, events = before
    given = np.full(int(place[base].max()) + 1, -np.inf)
    np.fmax.at(given, place[base], n[base])
    was[kind == "answers"] = given[cells["_cell"].to_numpy()[kind == "answers"]]
    was[kind == "events"] = events[at[kind == "events"]]
    was[kind == "others"] = (n - events)[at[kind == "others"]]
    return was


def _only(table: Table, keep: Array) -> Table:
    """The relations of some cells among themselves."""
    inside = abs(table.relations) @ (~keep).astype(float) == 0
    matrix = table.relations[inside][:, np.flatnonzero(keep)]
    return Table(table.cells[keep].reset_index(drop=True), table.by, table.value, matrix)


def _differences(rows: pd.DataFrame, by: list[str], status: Array, before: pd.DataFrame, minimum: int) -> pd.DataFrame:
    near = (status != "") & ((rows["n"] - before["n"]).abs() < minimum).to_numpy()
    found = rows.loc[near, [*ESTIMATE_KEY, *by, "n", "events"]].assign(
        n_before=before.loc[near, "n"], events_before=before.loc[near, "events"], status=status[near]
    )
    return found.reset_index(drop=True)


def _blanked(estimates: pd.DataFrame, status: Array, rounding: int | None) -> pd.DataFrame:
    made = estimates.copy()
    held = status != ""
    for name in _BLANK:
        if name in made.columns:
            column = made[name].astype(float)
            if rounding and name in ("n", "n_eligible", "events"):
                column = column.where(column.isna(), round_conventional(column.fillna(0), rounding).astype(float))
            made[name] = column.mask(held)
    if "quality" in made.columns:
        made["quality"] = made["quality"].mask(held, "")
    codes = np.where(status == "primary", "C", "D")
    for name, text in (("display", "withheld"), ("conf_status", codes), ("reason", [_REASON[c] for c in codes])):
        values = np.where(held, np.asarray(text, dtype=object), made[name].to_numpy(dtype=object))
        made[name] = pd.array(values, dtype=made[name].dtype)
    return made
