"""A second engine for tables of sums: τ-ARGUS through pytauargus, where it is installed."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Sequence

import pandas as pd

from uncac_metrics.model import TOTAL, Fault, Faults

_STATUS = {"U": "primary", "M": "secondary", "S": "", "E": ""}


def suppress_argus(
    records: pd.DataFrame, by: Sequence[str], value: str, rule: str, *, holding: str = "", method: str = "OPT(1)"
) -> pd.DataFrame:
    """Protect a table of sums with τ-ARGUS, to compare with :func:`uncac_metrics.disclosure.suppress`.

    Contributions of one holding to a cell of the finest level are added before they are handed over.

    Parameters
    ----------
    records : DataFrame
        A row a contribution.
    by : sequence of str
        Breakdown columns of the table.
    value : str
        Column of the contributions.
    rule : str
        Rules in the notation of τ-ARGUS, e.g. ``P(10,1)`` or ``NK(2,95)``.
    holding : str, optional
        Column that names who contributes.
    method : str, default ``OPT(1)``
        Secondary suppression in the notation of τ-ARGUS.

    Returns
    -------
    DataFrame
        Breakdown columns (``_T`` for totals), the sum, ``n`` contributions and ``status``.

    Raises
    ------
    Faults
        pytauargus is not installed.

    References
    ----------
    de Wolf, Hundepool, Giessing, Salazar & Castro, τ-ARGUS user's manual.

    Examples
    --------
    >>> bribes = pd.DataFrame({"region": list("NNNSSS"), "kind": list("aabaab"), "paid": [90, 8, 9, 40, 35, 25]})
    >>> suppress_argus(bribes, ["region", "kind"], "paid", "P(10,1)")["status"].tolist()  # doctest: +SKIP
    ['primary', 'primary', 'primary', 'secondary', 'primary', 'primary', '', 'secondary', 'primary']
    """
    try:
        import pytauargus
    except ImportError:
        remedy = "pip install 'uncac-metrics[argus]'"
        raise Faults([Fault("suppress_argus", "", "pytauargus is not installed", remedy)]) from None
    by = list(by)
    keys = [*by, holding] if holding else by
    rows = records.groupby(keys, as_index=False)[value].sum() if holding else records[[*by, value]]
    # codes of one width: the engine reads files of fixed width
    names = {c: sorted(rows[c].astype(str).unique()) for c in by}
    width = {c: len(str(len(names[c]))) for c in by}
    codes = {c: {name: str(i + 1).zfill(width[c]) for i, name in enumerate(names[c])} for c in by}
    coded = pd.DataFrame({f"v{i}": rows[c].astype(str).map(codes[c]) for i, c in enumerate(by)})
    # the engine leaves its logs in the working directory
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        done = pytauargus.protect(
            coded.assign(amount=rows[value].to_numpy()), tables=list(coded.columns), response="amount",
            safety_rules=rule, suppress=method, workdir=folder,
        )  # fmt: skip
        found = pd.DataFrame(done.tables[0].dataframe())
    back = {c: {code: name for name, code in codes[c].items()} for c in by}
    made = {c: [back[c].get(str(v).strip(), TOTAL) for v in found[f"v{i}"]] for i, c in enumerate(by)}
    result = pd.DataFrame(made | {
        value: found["amount"].astype(float), "n": found["freq"].astype(int),
        "status": pd.array(found["status"].map(_STATUS), dtype="str"),
    })  # fmt: skip
    return result.sort_values(by, ignore_index=True)
