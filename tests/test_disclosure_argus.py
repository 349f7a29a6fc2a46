"""Our suppression against another engine, where it is installed."""

import pandas as pd
import pytest

from uncac_metrics import disclosure as sdc
from uncac_metrics.disclosure.argus import suppress_argus


@pytest.fixture(scope="module")
def records(data_folder) -> pd.DataFrame:
    pytest.importorskip("pytauargus", reason="pytauargus is not installed")
    path = data_folder / "oracles" / "indirect_admin" / "f9_micro.csv"
    if not path.exists():
        pytest.skip("no oracles of disclosure control in the folder of UNCAC_METRICS_DATA")
    return pd.read_csv(path, dtype={"fylke": str})


@pytest.mark.parametrize(("rule", "ours"), [("P(10,1)", {"p": 10}), ("NK(2,95)", {"dominance": [(2, 95)]})])
def test_same_cells_as_tau_argus(records, rule, ours):
    by = ["fylke", "hovedint"]
    theirs = suppress_argus(records, by, "value", rule, holding="char")
    cells = sdc.primary(records, by, "value", holding="char", **ours)
    table = sdc.table(cells, by, "value")
    levels = {"lower": cells["lower"], "upper": cells["upper"]}
    done = sdc.suppress(table, "primary", single=cells["n"] == 1, cost="value", **levels)
    both = done.table.merge(theirs, on=by, suffixes=("", "_theirs"))
    assert len(both) == len(cells) == len(theirs)
    assert (both["value"] == both["value_theirs"]).all()
    first, second = both["status_theirs"].eq("primary"), both["status_theirs"].eq("secondary")
    assert (both["primary"] == first).all()
    # as published of this engine: 3 primary and 4 secondary cells, 76,484 together
    assert (first.sum(), second.sum()) == (3, 4)
    assert both.loc[first | second, "value"].sum() == 76_484
    # its pattern is safe by our audit, against the only contributor of one cell too; ours loses less
    hidden = (first | second).to_numpy()
    assert sdc.audit(table, hidden, **levels)["safe"].all()
    known = hidden & ~(cells["n"] == 1).to_numpy()
    assert sdc.audit(table, known, **levels)["safe"].all()
    assert done.optimal
    assert (done.table["status"] == "secondary").sum() == 4
    assert done.cost == 62_252 < both.loc[second, "value"].sum()


def test_someone_alone_in_a_cell_learns_nothing_of_the_others(records):
    by = ["fylke", "hovedint"]
    cells = sdc.primary(records, by, "value", holding="char", p=10)
    table = sdc.table(cells, by, "value")
    alone = (cells["n"] == 1).to_numpy()
    levels = {"lower": cells["lower"], "upper": cells["upper"]}
    for guarded in (False, True):
        done = sdc.suppress(table, "primary", single=alone if guarded else None, cost="value", **levels)
        known = (done.table["status"] != "").to_numpy() & ~alone
        assert sdc.audit(table, known, **levels)["safe"].all() == guarded
