"""The oracle script of counts and flows: reference numbers of R pass, shifted ones do not, blocks that R did not write.

The numbers of weighted and clustered flows are made here in another way than in the library: the curve is a function of
the weights of the clusters, and its derivatives are taken by a complex step, which is exact to rounding.
"""

from __future__ import annotations

import contextlib
import importlib.util
import io
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pytest

HERE = Path(__file__).parent
TIMES = [90, 180, 365, 730, 1095, 1460, 1825]
STATES = ["frozen", "confiscated", "released", "returned"]
INPUTS = {"x", "k", "n", "t", "count", "pop", "stdpop", "stdcount", "ref_pop", "obs", "Population", "baseline", "times"}
KEPT = {"total_count", "total_pop"}  # name the strata of a row


def script() -> ModuleType:
    """The oracle script as a module."""
    folder = HERE / "oracles"
    spec = importlib.util.spec_from_file_location("oracles_counts", folder / "counts.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(folder))
    try:
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(folder))
    return module


SCRIPT = script()


def run(path: Path, data: Path | None = None) -> tuple[list[str], tuple[int, int, int]]:
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        status = SCRIPT.main(["--cases", str(path), *([] if data is None else ["--data", str(data)])])
    lines = out.getvalue().splitlines()
    passed, differ, unsupported = (int(part.split()[0]) for part in lines[-1].split(", "))
    assert status == (1 if differ else 0)
    return lines, (passed, differ, unsupported)


def shifted(value: object, key: str = "") -> object:
    """All numbers that are results, a millionth larger."""
    if key in INPUTS | KEPT:
        return value
    if isinstance(value, dict):
        return {k: shifted(v, k) for k, v in value.items()}
    if isinstance(value, list):
        return [shifted(v) for v in value]
    return value * (1 + 1e-6) if isinstance(value, (int, float)) else value


@pytest.mark.parametrize(("name", "cases"), [("f8_counts.json", 37), ("f8_flows.json", 13)])
def test_reference_numbers_pass_and_shifted_ones_do_not(
    name: str, cases: int, data_folder: Path, tmp_path: Path
) -> None:
    folder = data_folder / "oracles" / "indirect_admin"
    lines, outcome = run(folder / name)
    assert outcome == (cases, 0, 0), lines
    document = json.loads((folder / name).read_text())
    # what epitools finds by a search is not good to more than a millionth
    for key in [k for k in document.get("poisson", {}) if k.startswith("epitools_exact")]:
        del document["poisson"][key]
    # lower limits of no event, and survival after the last event, are zero: the other numbers of the case are shifted
    wrong = tmp_path / name
    wrong.write_text(json.dumps(shifted(document)))
    lines, (passed, differ, unsupported) = run(wrong, folder)
    # a row that is withheld has no number to shift
    assert [line for line in lines if "phe_dsr.B" in line] == []
    assert (passed, unsupported) == (1 if "poisson" in document else 0, 0), lines
    assert differ >= cases - 3


def test_the_command(data_folder: Path) -> None:
    path = data_folder / "oracles" / "indirect_admin" / "f8_flows.json"
    command = [sys.executable, str(HERE / "oracles" / "counts.py"), "--cases", str(path)]
    out = subprocess.run(command, check=False, capture_output=True, text=True)
    assert (out.returncode, out.stdout) == (0, "13 passed, 0 differ, 0 unsupported\n"), out.stderr


def test_any_subset_of_blocks(data_folder: Path, tmp_path: Path) -> None:
    folder = data_folder / "oracles" / "indirect_admin"
    for name in ("f8_counts.json", "f8_flows.json"):
        document = json.loads((folder / name).read_text())
        meta = {k: v for k, v in document.items() if k in ("source", "data", "times")}
        for block in set(document) - set(meta):
            path = tmp_path / f"{block}.json"
            path.write_text(json.dumps(meta | {block: document[block]}))
            lines, (passed, differ, unsupported) = run(path, folder)
            assert passed > 0 and differ == 0 and unsupported == 0, lines


def test_what_is_not_known_is_said(data_folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "other.json"
    path.write_text(json.dumps({"source": "R", "binom": {"k": [1], "n": [2], "blaker_lo": [0.1]}, "nothing": {"a": 1}}))
    lines, outcome = run(path)
    assert outcome == (0, 0, 2)
    assert lines[:2] == ["unsupported binom.blaker_lo: no such interval", "unsupported nothing: no such block"]


def occupation(data: pd.DataFrame, weight: np.ndarray, times: list[int]) -> np.ndarray:
    """Aalen–Johansen, move by move, for many sets of weights (sets × rows) of whatever numbers."""
    origin = data["from"].map(STATES.index).to_numpy()
    destination = data["event"].map(lambda e: STATES.index(e) if e in STATES else -1).to_numpy()
    start, stop = data["start"].to_numpy(), data["stop"].to_numpy()
    p = np.zeros((len(weight), 4), dtype=weight.dtype)
    p[:, 0] = 1
    out, last = [], -1
    for t in times:
        for u in np.unique(stop[(destination >= 0) & (stop <= t) & (stop > last)]):
            before = p.copy()
            for h, j in {(h, j) for h, j in zip(origin[stop == u], destination[stop == u], strict=True) if j >= 0}:
                risk = weight[:, (origin == h) & (start < u) & (stop >= u)].sum(axis=1)
                moved = weight[:, (origin == h) & (destination == j) & (stop == u)].sum(axis=1)
                p[:, j] += before[:, h] * moved / risk
                p[:, h] -= before[:, h] * moved / risk
        out.append(p.copy())
        last = t
    return np.array(out)


def by_complex_step(data: pd.DataFrame, weight: np.ndarray, cluster: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Curve (times × states) and its jackknife error over clusters."""
    own = np.unique(cluster)[:, None] == cluster
    derivatives = occupation(data, weight * (1 + 1e-30j * own), TIMES).imag / 1e-30
    return occupation(data, weight[None], TIMES)[:, 0], np.sqrt((derivatives**2).sum(axis=1))


def test_weighted_and_clustered_flows_and_cumulative_incidence(data_folder: Path, tmp_path: Path) -> None:
    folder = data_folder / "oracles" / "indirect_admin"
    data = pd.read_csv(folder / "f8_flows_data.csv")
    money, one = data["amount_usd"].to_numpy(), np.ones(len(data))
    case, asset = data["case"].to_numpy(), data["id"].to_numpy()
    weighted, weighted_error = by_complex_step(data, money, asset)
    clustered, clustered_error = by_complex_step(data, one, case)
    both, both_error = by_complex_step(data, money, case)
    first = data[data["from"] == "frozen"]
    end = first["event"].where(first["event"].isin(["confiscated", "released"]))
    ended, ended_error = by_complex_step(first.assign(event=end), one[: len(first)], first["id"].to_numpy())
    gray = gray_variance(first["stop"].to_numpy(), end.to_numpy(), "confiscated", TIMES)
    document = {
        "source": "survival", "data": "f8_flows_data.csv (start,stop] rows", "times": TIMES,
        "aj_weighted_by_value": {"states": STATES, "pstate": weighted.tolist(), "se": weighted_error.tolist()},
        "aj_cluster_case": {"states": STATES, "pstate": clustered.T.tolist(), "std.err": clustered_error.T.tolist()},
        "aj_value_case": {"pstate": dict(zip(STATES, both.T.tolist(), strict=True)), "se": both_error.tolist()},
        "cif_survfit": {
            "states": ["(s0)", "confiscated", "released"], "pstate": ended[:, :3].tolist(),
            "se": ended_error[:, :3].tolist(),
        },
        "cmprsk": {"est": {"1 confiscated": ended[:, 1].tolist()}, "var": {"1 confiscated": gray}},
    }  # fmt: skip
    path = tmp_path / "flows.json"
    path.write_text(json.dumps(document))
    lines, outcome = run(path, folder)
    assert outcome == (10, 0, 0), lines
    path.write_text(json.dumps(shifted(document)))
    lines, outcome = run(path, folder)
    assert outcome == (0, 10, 0), lines


def gray_variance(stop: np.ndarray, end: np.ndarray, cause: str, times: list[int]) -> list[float]:
    """Variance of a cumulative incidence by one forward recursion over three sums, as R's ``cmprsk`` describes it.

    With S after and before a time, F the incidence by then, and the variance of a hazard r'd/(r²(r−1)) for d events of
    r at risk, r' = r − d: v = Σ (a − F(t) b)² w with a and b the slopes of both kinds of event.
    """
    out = []
    for t in times:
        survival, incidence, rest, terms = 1.0, 0.0, len(stop), []
        for u in np.unique(stop[stop <= t]):
            here = stop == u
            own, other = int((end[here] == cause).sum()), int((pd.notna(end[here]) & (end[here] != cause)).sum())
            before, survival = survival, survival * (rest - own - other) / rest
            incidence += before * own / rest
            for d, mine in ((own, 1.0), (other, 0.0)):
                if d and survival > 0:
                    ties = 1.0 if d == 1 else 1 - (d - 1) / (rest - 1)
                    terms.append((before**2 * ties * d / rest**2, mine + incidence / survival, 1 / survival))
            rest -= int(here.sum())
        out.append(float(sum(w * (a - incidence * b) ** 2 for w, a, b in terms)))
    return out
