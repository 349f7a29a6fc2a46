r"""What changed between releases: new, dropped and revised estimates, by how much, and why.

A revision is measured against the standard error that the earlier release published,
:math:`(\hat\theta_{\text{after}} - \hat\theta_{\text{before}}) / s_{\text{before}}`: below about one, users had been
told of an uncertainty as large as the change.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from uncac_metrics.model import BREAKDOWNS, ESTIMATE_KEY, TOTAL, Fault, Faults
from uncac_metrics.results import KEY, estimates_file, read_estimates

if TYPE_CHECKING:
    import pandas as pd

Published = Any
"""A release, its folder, the path of a table of estimates, or such a table."""
STATUSES = ("new", "dropped", "revised", "unchanged")
COMPARED = ("value", "std_error", "lower", "upper", "n", "obs_status", "display")
"""Columns whose change makes a revision."""


def revisions(before: Published, after: Published) -> pd.DataFrame:
    r"""Compare two releases, estimate by estimate.

    Parameters
    ----------
    before, after : Release, path or DataFrame
        A release, its folder, an ``estimates.csv``, or a table of estimates in the one shape.

    Returns
    -------
    DataFrame
        A row an estimate of either, ordered by key: the key and the breakdowns, ``status`` (``new``, ``dropped``,
        ``revised``, ``unchanged``), ``value_before``, ``value_after``, ``std_error_before``, ``std_error_after``,
        ``difference``, ``in_std_errors`` (the difference over the earlier standard error; missing where that is zero or
        missing), ``changed`` (the columns that differ) and ``reason``: which of the estimate's inputs differ by
        the two manifests (data, definition, code, libraries, settings, reference tables); empty where one of the two
        is a mere table.

    Raises
    ------
    Faults
        A file that cannot be read, columns that are missing, two rows of one key.

    Examples
    --------
    >>> import uncac_metrics as um
    >>> first = um.estimate("BR-01", "population_2025").table
    >>> second = first.assign(value=first["value"] + 0.5)
    >>> um.revisions(first, second)[["indicator", "status", "difference", "changed"]]
      indicator   status  difference changed
    0     BR-01  revised         0.5   value
    """
    return compared(before, after, causes(_manifest(before), _manifest(after)))


def compared(before: Published, after: Published, causes: Callable[[str, str], str]) -> pd.DataFrame:
    """The rows of :func:`revisions`; `causes` names what differs in the inputs of a data set's indicator."""
    import pandas as pd

    old, new = (_table(place) for place in (before, after))
    both = old.merge(new, on=list(KEY), how="outer", suffixes=("_before", "_after"), indicator="_side", sort=True)
    differs = {name: _differs(both[f"{name}_before"], both[f"{name}_after"]) for name in COMPARED}
    common = (both["_side"] == "both").to_numpy()
    revised = common & np.any(list(differs.values()), axis=0)
    status = np.select(
        [both["_side"] == "right_only", both["_side"] == "left_only", revised], STATUSES[:3], STATUSES[3]
    )
    difference = (both["value_after"] - both["value_before"]).to_numpy(dtype=float)
    error = both["std_error_before"].to_numpy(dtype=float)
    names = np.array(COMPARED, dtype=object)
    changed = [", ".join(names[list(row)]) for row in zip(*differs.values(), strict=True)]
    out = both[list(KEY)].assign(
        status=status,
        value_before=both["value_before"], value_after=both["value_after"],
        std_error_before=both["std_error_before"], std_error_after=both["std_error_after"],
        difference=difference,
        in_std_errors=np.divide(difference, error, out=np.full(len(both), np.nan), where=error > 0),
        changed=np.where(revised, np.array(changed, dtype=object), ""),
    )  # fmt: skip
    return out.assign(
        reason=pd.array(
            [
                causes(dataset, indicator) if told != "unchanged" else ""
                for dataset, indicator, told in zip(out["dataset"], out["indicator"], status, strict=True)
            ],
            dtype="str",
        )
    )


def revision_triangle(releases: Mapping[str, Published], *, column: str = "value", **series: str) -> pd.DataFrame:
    """How the figures of one series were published and revised, release by release.

    Parameters
    ----------
    releases : dict of name -> release
        In the order in which they were published; see :func:`revisions` for what a release may be.
    column : str
        What to show: ``value`` or any other number of the table of estimates.
    **series : str
        What identifies the series: ``indicator`` at least; a breakdown that is not named is the total (``_T``).

    Returns
    -------
    DataFrame
        A row a period, a column a release; missing where a release does not have the period.

    Raises
    ------
    Faults
        Names that are no column, or a series that a period has several figures of.

    Examples
    --------
    >>> import uncac_metrics as um
    >>> first = um.estimate("BR-01", "population_2025").table
    >>> second = first.assign(value=first["value"] + 0.5)
    >>> triangle = um.revision_triangle({"May": first, "June": second}, indicator="BR-01")
    >>> (triangle["June"] - triangle["May"]).round(6).to_dict()
    {'2025': 0.5}
    """
    import pandas as pd

    unknown = [name for name in series if name not in KEY]
    if unknown:
        remedy = f"name some of {', '.join(KEY)}"
        raise Faults([Fault("revision_triangle", name, "identifies no series", remedy) for name in unknown])
    columns, faults = {}, []
    for name, place in releases.items():
        table = _table(place, (*COMPARED, column))
        wanted = dict.fromkeys(BREAKDOWNS, TOTAL) | series
        rows = table[np.all([table[key].astype(str) == str(value) for key, value in wanted.items()], axis=0)]
        twice = rows["time_period"].duplicated(keep=False)
        if twice.any():
            apart = [key for key in ESTIMATE_KEY if key != "time_period" and rows[key].nunique() > 1]
            faults.append(Fault(str(name), "", f"several figures of {rows['time_period'][twice].iloc[0]}",
                                f"name the {' and the '.join(apart)} too"))  # fmt: skip
        else:
            columns[name] = rows.set_index("time_period")[column]
    if faults:
        raise Faults(faults)
    return pd.DataFrame(columns).sort_index().rename_axis("time_period")


def _table(place: Any, wanted: Sequence[str] = COMPARED) -> pd.DataFrame:
    """Key and compared columns of a release's estimates."""
    import pandas as pd

    where = "estimates"
    if isinstance(place, pd.DataFrame):
        table = place
    elif hasattr(place, "estimates"):
        table = place.estimates
    else:
        path = estimates_file(place)
        where = str(path)
        if not path.is_file():
            raise Faults([Fault(where, "", "is not there", "name a release's folder or its estimates.csv")])
        table = read_estimates(path)
    lacking = [name for name in (*ESTIMATE_KEY, *wanted) if name not in table.columns]
    if lacking:
        raise Faults([Fault(where, name, "is missing", "give a table of estimates") for name in lacking])
    table = table.assign(**{b: TOTAL for b in BREAKDOWNS if b not in table.columns})
    table = table[list(dict.fromkeys([*KEY, *wanted]))].astype(dict.fromkeys(KEY, "str"))
    twice = table.duplicated(list(KEY))
    if twice.any():
        rows = tuple(int(i) + 1 for i in np.flatnonzero(twice)[:5])
        what = "rows of a key that stands there before"
        raise Faults([Fault(where, "", what, "one row an estimate", rows=rows, count=int(twice.sum()))])
    return table


def _differs(before: pd.Series, after: pd.Series) -> np.ndarray:
    """Where two columns differ; missing is equal to missing."""
    same = (before == after).fillna(False) | (before.isna() & after.isna())
    return ~same.to_numpy(dtype=bool)


def _manifest(place: Any) -> dict[str, Any] | None:
    folder = getattr(place, "folder", place)
    if not isinstance(folder, (str, Path)):
        return None
    file = estimates_file(folder).parent / "manifest.json"
    return dict(json.loads(file.read_text(encoding="utf-8"))) if file.is_file() else None


def causes(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> Callable[[str, str], str]:
    """A function that names what differs between two manifests in the inputs of an estimate."""
    if before is None or after is None:
        return lambda dataset, indicator: ""
    general = [
        word
        for word, key in (
            ("code", "code"), ("own code", "own_code"), ("libraries", "versions"), ("settings", "settings"),
            ("reference tables", "reference"),
        )
        if before.get(key) != after.get(key)
    ]  # fmt: skip
    if before.get("office", {}).get("publication") != after.get("office", {}).get("publication"):
        general.append("presentation")
    inputs = ("source", "data", "beside")

    def named(dataset: str, indicator: str) -> str:
        one, two = (m["datasets"].get(dataset, {}) for m in (before, after))
        own = ["data"] if any(one.get(key) != two.get(key) for key in inputs) else []
        if before["definitions"].get(indicator) != after["definitions"].get(indicator):
            own.append("definition")
        return ", ".join([*own, *general])

    return named
