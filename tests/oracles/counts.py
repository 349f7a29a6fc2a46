"""Run reference numbers of counts, durations and flows against this library.

    python tests/oracles/counts.py --cases FILE [--data DIR]

FILE is JSON in one of two layouts, with all or some of their blocks. Counts: ``poisson``, ``binom``, ``standardised``,
``rate_ratio``, ``phe_dsr``, ``phe_rate``, ``phe_prop``, ``phe_funnel``, ``attrition`` (R ``epitools`` and
``PHEindicatormethods``). Flows: Aalen–Johansen and Kaplan–Meier curves, restricted means, cumulative incidence (R
``survival``, ``mstate``, ``etm``, ``cmprsk``) of the CSV file that ``data`` names, in DIR or beside FILE.

Printed: a line for each case that differs or is not supported, with the reason, then
``N passed, M differ, K unsupported``. The exit status is 1 where a case differs.

Tolerances: 1e-9 relative, with numerical zeros below 1e-13. The ``epitools_exact`` limits are found by a search that
stops early: 1e-6 relative; the lower limits of at most three events are off by up to 3e-5 and are compared to that.
``byar`` of ``epitools`` takes x + 1/2 in both limits, which is not Byar's: the numbers are checked to be that, and the
library to be the standard, as in ``phe_rate``.

How blocks of flows are read: by their name and their keys. ``km``, ``rmst``, ``cuminc``/``cif``/``incidence`` and
``cmprsk`` name the estimator, else it is Aalen–Johansen; ``weight``, ``value`` or ``amount`` in the name (or a key
``weights``) means weighted by value; ``cluster`` or ``case`` in the name (or a key ``cluster``) clusters of cases;
``greenwood`` or ``aalen`` in the name of the block or of the key, or the packages ``etm`` (Greenwood's), ``mstate``
(Aalen's) and ``cmprsk`` (Gray's), the variance, else it is the infinitesimal jackknife.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from common import Comparison, Unsupported
from scipy import stats

from uncac_metrics.stats import counts, intervals
from uncac_metrics.stats.counts.rates import conditional_p

FLOOR = 1e-13
Case = tuple[str, Comparison | Unsupported]


def floats(values: object) -> np.ndarray:
    """Numbers of any nesting; null and "NA" are NaN."""
    return np.array(pd.to_numeric(pd.Series(np.ravel(np.array(values, dtype=object))), errors="coerce"), dtype=float)


def compared(what: str, got: object, want: object, tolerance: float = 1e-9, floor: float = FLOOR) -> Comparison:
    """Comparison of two arrays, number by number."""
    result = Comparison()
    mine, theirs = np.ravel(np.asarray(got, dtype=float)), floats(want)
    if len(mine) != len(theirs) or not len(theirs):
        result.differences.append(f"{len(mine)} numbers, expected {len(theirs)}")
        return result
    for i, (a, b) in enumerate(zip(mine, theirs, strict=True)):
        result.number(f"{what}[{i}]", a, b, tolerance, floor)
        if np.isnan(a) != np.isnan(b):
            result.differences.append(f"{what}[{i}] {a!r} expected {b!r}")
    return result


def merged(*parts: Comparison) -> Comparison:
    return Comparison([d for p in parts for d in p.differences], sum(p.compared for p in parts))


def fields(block: dict, known: dict[str, object], what: str) -> Comparison | Unsupported:
    """All numbers of a block compared, if each is known."""
    parts = [compared(key, known[key], value) for key, value in block.items() if key in known]
    unknown = [key for key, value in block.items() if key not in known and not isinstance(value, str)]
    if unknown or not parts:
        return Unsupported(f"{what}: {', '.join(unknown) or 'no number'}")
    return merged(*parts)


# ---- counts


def poisson(block: dict, document: dict) -> Iterator[Case]:
    x = floats(block["x"])
    methods = {"garwood": intervals.garwood, "midp": intervals.poisson_mid_p, "epitools_exact": intervals.garwood}
    for key, want in block.items():
        if key == "x":
            continue
        name, _, side = key.rpartition("_")
        place = {"lo": 0, "hi": 1}.get(side)
        if place is None or name not in (*methods, "byar"):
            yield f"poisson.{key}", Unsupported("no such interval")
        elif name == "byar":
            yield f"poisson.{key}", byar(x, floats(want), place, document)
        elif name == "epitools_exact":
            got, theirs = methods[name](x)[place], floats(want)
            loose = (x <= 3) & (place == 0) & (x > 0)
            parts = [compared(key, got[~loose], theirs[~loose], 1e-6)] if (~loose).any() else []
            parts += [compared(key, got[loose], theirs[loose], 0.0, 3e-5)] if loose.any() else []
            yield f"poisson.{key}", merged(*parts)
        else:
            yield f"poisson.{key}", compared(key, methods[name](x)[place], want)


def byar(x: np.ndarray, theirs: np.ndarray, side: int, document: dict) -> Comparison:
    """The numbers are epitools'; the library's are the standard ones."""
    z, sign = stats.norm.ppf(0.975), (-1, 1)[side]
    y = x + 0.5
    source = y * (1 - 1 / (9 * y) + sign * (z / 3) * np.sqrt(1 / y)) ** 3
    n = x + side
    with np.errstate(divide="ignore", invalid="ignore"):
        standard = n * (1 - 1 / (9 * n) + sign * z / (3 * np.sqrt(n))) ** 3
    mine = intervals.byar(x)[side]
    some = x > 0 if side == 0 else x >= 0
    # below two events the cube of Byar's lower limit is of a negative number
    some &= standard > 0
    parts = [compared("epitools' byar", source, theirs), compared("byar", mine[some], standard[some])]
    for row in document.get("phe_rate", []):
        if row["method"] == "Byars":
            limit = intervals.byar(np.array([row["obs"]]))[side] * multiplier(row) / row["pop"]
            parts.append(compared("phe_rate", limit, [row[("lower95_0cl", "upper95_0cl")[side]]]))
    return merged(*parts)


def multiplier(row: dict) -> float:
    found = re.search(r"(\d+)", row.get("statistic", ""))
    return float(found[1]) if found else 1.0


def binom(block: dict, document: dict) -> Iterator[Case]:
    k, n = floats(block["k"]), floats(block["n"])
    table = pd.DataFrame({"row": np.arange(len(k)), "k": k, "n": n})
    names = {"wilson": "wilson", "cp": "clopper_pearson", "jeffreys": "jeffreys", "midp": "mid_p"}
    for key, want in block.items():
        if key in ("k", "n"):
            continue
        name, _, side = key.rpartition("_")
        if name not in names or side not in ("lo", "hi"):
            yield f"binom.{key}", Unsupported("no such interval")
            continue
        found = counts.share(table, "k", "n", by="row", interval=names[name]).table
        order = found["row"].astype(int).to_numpy()
        yield f"binom.{key}", compared(key, found["lower" if side == "lo" else "upper"], floats(want)[order])


def standardised(block: dict, document: dict) -> Iterator[Case]:
    table = strata(block)
    for key, want in block.items():
        if not isinstance(want, dict):
            continue
        if key == "direct":
            row = counts.standardised_rate(table, "count", "pop", "stdpop", interval="fay_feuer").table.iloc[0]
            crude = counts.rate(table, "count", "pop").table["value"][0]
            known = {"crude.rate": crude, "adj.rate": row["value"], "lci": row["lower"], "uci": row["upper"]}
        elif key in ("indirect_sir", "indirect_rate"):
            arguments = (table, "count", "pop", "stdcount", "ref_pop")
            per = None if key == "indirect_sir" else 1.0
            row = counts.standardised_ratio(*arguments, per=per, interval="log").table.iloc[0]
            known = {"lci": row["lower"], "uci": row["upper"]}
            if per is None:
                known |= {"observed": row["events"], "exp": row["events"] / row["value"], "sir": row["value"]}
            else:
                known |= {"crude.rate": counts.rate(table, "count", "pop").table["value"][0], "adj.rate": row["value"]}
        else:
            yield f"standardised.{key}", Unsupported("no such standardisation")
            continue
        yield f"standardised.{key}", fields(want, known, key)


STRATA = {
    "count": [4, 11, 18, 22, 9, 2], "pop": [120000, 250000, 310000, 280000, 190000, 90000],
    "stdpop": [180000, 220000, 200000, 170000, 130000, 100000],
}  # fmt: skip
"""Strata of ``phe_dsr``, for files that have that block without ``standardised``, which holds them."""


def strata(block: dict) -> pd.DataFrame:
    return pd.DataFrame({key: value for key, value in block.items() if isinstance(value, list)})


def rate_ratio(block: dict, document: dict) -> Iterator[Case]:
    (a, b), (t, u) = floats(block["x"]), floats(block["t"])
    table = pd.DataFrame({"a": [a], "b": [b], "t": [t], "u": [u]})
    row = counts.count_ratio(table, "a", "b", exposures=("t", "u")).table.iloc[0]
    p = conditional_p(*(np.array([v]) for v in (a, b, t, u)))[0]
    rest = {key: value for key, value in block.items() if key not in ("x", "t")}
    known = {"est": row["value"], "lo": row["lower"], "hi": row["upper"], "p": p}
    yield "rate_ratio", fields(rest, known, "rate_ratio")


def phe_dsr(block: list, document: dict) -> Iterator[Case]:
    table = strata(document.get("standardised", STRATA))
    for row in block:
        name = f"phe_dsr.{row.get('area', '')}"
        if np.isnan(floats(row["value"])[0]):
            # withheld: any strata with so few events will do
            few = pd.DataFrame({"count": [row["total_count"]], "pop": [row["total_pop"]], "stdpop": [1]})
            found = counts.standardised_rate(few, "count", "pop", "stdpop", per=multiplier(row)).table.iloc[0]
        elif (table["count"].sum(), table["pop"].sum()) != (row["total_count"], row["total_pop"]):
            yield name, Unsupported("its strata are not in the file")
            continue
        else:
            arguments = (table, "count", "pop", "stdpop")
            byar = counts.standardised_rate(*arguments, per=multiplier(row), interval="dobson_byar")
            found = byar.table.iloc[0]
        known = {"value": found["value"], "lowercl": found["lower"], "uppercl": found["upper"]}
        known |= {"total_count": found["events"], "total_pop": found["n"]}
        yield name, fields(row, known, name)


def phe_rate(block: list, document: dict) -> Iterator[Case]:
    for i, row in enumerate(block):
        table = pd.DataFrame([{"obs": row["obs"], "pop": row["pop"]}])

        def limits(level: float, table: pd.DataFrame = table, per: float = multiplier(row)) -> pd.Series:
            return counts.rate(table, "obs", "pop", per=per, level=level, interval="byar_or_exact").table.iloc[0]

        yield f"phe_rate[{i}]", levelled(row, limits, {"obs", "pop"})


def phe_prop(block: list, document: dict) -> Iterator[Case]:
    for i, row in enumerate(block):
        table = pd.DataFrame([{"k": row["k"], "n": row["n"]}])

        def limits(level: float, table: pd.DataFrame = table) -> pd.Series:
            return counts.share(table, "k", "n", level=level).table.iloc[0]

        yield f"phe_prop[{i}]", levelled(row, limits, {"k", "n"})


def levelled(row: dict, limits: Callable[[float], pd.Series], inputs: set[str]) -> Comparison | Unsupported:
    """Value and limits at all the levels that the keys name (``lower99_8cl``)."""
    known = {"value": limits(0.95)["value"]}
    for key in row:
        found = re.fullmatch(r"(lower|upper)(\d+)_(\d+)cl", key)
        if found:
            known[key] = limits(float(f"{found[2]}.{found[3]}") / 100)[found[1]]
    return fields({k: v for k, v in row.items() if k not in inputs}, known, "row")


def phe_funnel(block: list, document: dict) -> Iterator[Case]:
    size = floats([row["Population"] for row in block])
    centre = floats([row["baseline"] for row in block])
    levels = {"2s": 0.95, "3s": 0.998}
    for key in block[0]:
        found = re.fullmatch(r"(lower|upper)_(\ds)_limit", key)
        if not found or found[2] not in levels:
            if not isinstance(block[0][key], str) and key not in ("Population", "baseline"):
                yield f"phe_funnel.{key}", Unsupported("no such limit")
            continue
        side = ("lower", "upper").index(found[1])
        got = [
            100 * counts.funnel_limits(np.array([n]), c / 100, level=levels[found[2]])[side][0]
            for n, c in zip(size, centre, strict=True)
        ]
        yield f"phe_funnel.{key}", compared(key, got, [row[key] for row in block])


def attrition(block: dict, document: dict) -> Iterator[Case]:
    stages = list(block["n"])
    table = pd.DataFrame([block["n"]])
    for key, want in block.items():
        if key == "n":
            continue
        of = "first" if key.startswith("cum") else "previous"
        found = counts.progression(table, stages, of=of).table
        if key in ("conditional", "cumulative"):
            got = found["value"].to_numpy()
            yield f"attrition.{key}", compared(key, got if of == "previous" else [1.0, *got], want)
        elif key in ("cond_wilson", "cum_wilson"):
            yield f"attrition.{key}", compared(key, found[["lower", "upper"]], want)
        elif key == "unlinked_ratio_exact":
            for name, numbers in want.items():
                above, below = name.split("_over_")
                row = counts.count_ratio(table, above, below).table.iloc[0]
                yield f"attrition.{name}", compared(name, [row["value"], row["lower"], row["upper"]], numbers)
        else:
            yield f"attrition.{key}", Unsupported("no such part")


COUNTS = {
    "poisson": poisson, "binom": binom, "standardised": standardised, "rate_ratio": rate_ratio, "phe_dsr": phe_dsr,
    "phe_rate": phe_rate, "phe_prop": phe_prop, "phe_funnel": phe_funnel, "attrition": attrition,
}  # fmt: skip


# ---- flows

STATES = ("frozen", "confiscated", "released", "returned")
CENSORED = ("cens", "censor", "censored", "0", "none")


def stays(document: dict, folder: Path) -> pd.DataFrame:
    """The data that the file names; the destination is empty where the stay is censored."""
    path = folder / document["data"].split()[0]
    if not path.exists():
        raise Unsupported(f"no file {path.name} in {folder.name!r}")
    data = pd.read_csv(path)
    return data.assign(event=data["event"].where(~data["event"].astype(str).isin(CENSORED)))


def options(name: str, block: dict) -> tuple[str | None, str | None]:
    """Columns of weights and clusters that a block asks for."""
    low = name.lower()
    weighted = block.get("weights") or re.search(r"weight|value|amount|wt", low)
    clustered = block.get("cluster") or re.search(r"cluster|case", low)
    weights = block["weights"] if isinstance(block.get("weights"), str) else "amount_usd" if weighted else None
    cluster = block["cluster"] if isinstance(block.get("cluster"), str) else "case" if clustered else None
    return weights, cluster


def variance_of(name: str, key: str) -> str:
    for text in (key.lower(), name.lower()):
        for word, kind in (
            ("jackknife", "jackknife"), ("infinitesimal", "jackknife"), ("robust", "jackknife"), ("_ij", "jackknife"),
            ("greenwood", "greenwood"), ("gray", "gray"), ("cmprsk", "gray"), ("aalen", "aalen"), ("etm", "greenwood"),
            ("mstate", "aalen"),
        ):  # fmt: skip
            if word in text:
                return kind
    return "jackknife"


def names_of(block: dict, document: dict, default: tuple[str, ...]) -> list[str]:
    for key in ("states", "causes", "cols", "columns"):
        if isinstance(block.get(key), list) and all(isinstance(v, str) for v in block[key]):
            return block[key]
    return list(default)


def grid(value: dict | list, names: list[str], n_times: int) -> tuple[np.ndarray, list[str]]:
    """A matrix (times × columns) and the names of its columns from nested lists or a mapping of lists."""
    if isinstance(value, dict):
        return np.array([floats(v) for v in value.values()]).T, list(value)
    rows = np.array([floats(v) for v in value] if isinstance(value[0], list) else [floats(value)])
    if rows.shape[0] != n_times and rows.shape[1] == n_times:
        rows = rows.T
    if rows.shape[1] != len(names):
        raise Unsupported(f"{rows.shape[1]} columns for the states {', '.join(names)}")
    return rows, names


def state(name: str) -> str:
    """Name of a state as the data write it; also read: ``1 released`` (cmprsk), ``frozen released`` (etm)."""
    plain = name.strip()
    if plain in ("(s0)", "(S0)", "s0", "start"):
        return STATES[0]
    return re.split(r"\s*->\s*|[\s:]+", plain)[-1]


ESTIMATE = re.compile(r"^(pstate|prob|est|estimate|cif|p|surv|value)$|pstate")
ERROR = re.compile(r"(^|_|\.)(se|std)|std")
VARIANCE = re.compile(r"(^|_|\.)(var|variance|cov)")
DESCRIPTIVE = {
    "times",
    "time",
    "states",
    "causes",
    "cols",
    "rows",
    "columns",
    "weights",
    "cluster",
    "n",
    "call",
    "note",
}


def curves(name: str, block: dict, document: dict, data: pd.DataFrame, competing: bool) -> Iterator[Case]:
    """Occupation of states, or cumulative incidence of what ends the first one."""
    times = floats(block.get("times", block.get("time", document.get("times", []))))
    weights, cluster = options(name, block)
    start = data[data["from"] == STATES[0]]
    default = tuple(sorted(start["event"].dropna().unique())) if competing else STATES
    names = names_of(block, document, default)
    done = 0
    for key, want in block.items():
        if key in DESCRIPTIVE or isinstance(want, str):
            continue
        label = f"{name}.{key}"
        kind = "est" if ESTIMATE.search(key) else "var" if VARIANCE.search(key) else "se" if ERROR.search(key) else ""
        if not kind or not isinstance(want, (list, dict)):
            yield label, Unsupported("a key that is neither an estimate nor its error")
            continue
        try:
            theirs, columns = grid(want, names, len(times))
            n = min(len(times), len(theirs))
            plain = weights is None and cluster is None
            variance = variance_of(name, key) if kind != "est" and plain else "jackknife"
            if competing:
                arguments = {"weights": weights, "cluster": cluster, "variance": variance, "times": times[:n]}
                found = counts.cumulative_incidence(start, "stop", "event", **arguments).table
                ended = start.assign(ended=start["event"].notna().astype(int))
                rest = counts.survival(ended, "stop", "ended", times=times[:n], weights=weights, cluster=cluster).table
                found = pd.concat([found, rest.assign(stage=STATES[0])])
            else:
                found = counts.state_occupation(
                    data, "id", "start", "stop", "from", "event", times=times[:n], states=STATES, weights=weights,
                    cluster=cluster, variance=variance,
                ).table  # fmt: skip
            wanted = [state(c) for c in columns]
            unknown = sorted(set(wanted) - set(found["stage"]))
            if unknown:
                raise Unsupported(f"unknown states {', '.join(unknown)}")
            column = "value" if kind == "est" else "std_error"
            mine = np.array([found.loc[found["stage"] == s, column] for s in wanted]).T
            yield label, compared(key, mine**2 if kind == "var" else mine, theirs[:n] if n < len(theirs) else theirs)
            done += 1
        except Unsupported as reason:
            yield label, reason
    if not done and not any(k not in DESCRIPTIVE for k in block):
        yield name, Unsupported("an empty block")


def kaplan_meier(name: str, block: dict, document: dict, data: pd.DataFrame) -> Iterator[Case]:
    start = data[data["from"] == STATES[0]]
    start = start.assign(ended=start["event"].notna().astype(int))
    weights, cluster = options(name, block)
    times = floats(block.get("times", document.get("times", [])))
    for key, want in block.items():
        label = f"{name}.{key}"
        if key in DESCRIPTIVE or isinstance(want, str):
            continue
        if key == "quantiles":
            shares = floats(want.get("probs", [0.25, 0.5, 0.75]))
            named = {"weights": weights, "cluster": cluster}
            found = [
                counts.duration_quantile(start, "stop", "ended", probability=p, **named).table.iloc[0] for p in shares
            ]
            names = {"quantile": "value", "lower": "lower", "upper": "upper"}
            for part, numbers in want.items():
                if part in names:
                    got = np.array([row[names[part]] for row in found])
                    yield f"{label}.{part}", compared(part, np.where(np.isinf(got), np.nan, got), numbers)
                elif part != "probs":
                    yield f"{label}.{part}", Unsupported("no such part")
            continue
        names = {"surv": "value", "se": "std_error", "std.err": "std_error", "lower": "lower", "upper": "upper"}
        column = names.get(key)
        if column is None:
            yield label, Unsupported("no such part")
            continue
        theirs = floats(want)
        found = counts.survival(
            start, "stop", "ended", times=times[: len(theirs)], weights=weights, cluster=cluster
        ).table  # fmt: skip
        yield label, compared(key, found[column], theirs)


def restricted(name: str, block: dict, document: dict, data: pd.DataFrame) -> Iterator[Case]:
    horizon = re.search(r"(\d+)", name)
    if "table" not in block or (not horizon and "until" not in block):
        yield name, Unsupported("no table, or no horizon")
        return
    until = float(block["until"]) if "until" in block else float(horizon[1])  # type: ignore[index]
    weights, cluster = options(name, block)
    found = counts.time_in_state(
        data, "id", "start", "stop", "from", "event", until=until, states=STATES, weights=weights, cluster=cluster
    ).table.set_index("stage")
    rows = [state(r) for r in block.get("rows", STATES)]
    numbers = np.array([floats(r) for r in block["table"]])
    moves = data["event"].value_counts()
    for i, column in enumerate(block.get("cols", ["n", "nevent", "rmean", "se(rmean)"])):
        if column == "n":
            got = np.full(len(rows), float(len(data)))
        elif column == "nevent":
            got = moves.reindex(rows, fill_value=0).to_numpy(dtype=float)
        elif column in ("rmean", "se(rmean)", "se"):
            got = found.loc[rows, "value" if column == "rmean" else "std_error"].to_numpy()
        else:
            yield f"{name}.{column}", Unsupported("no such column")
            continue
        yield f"{name}.{column}", compared(column, got, numbers[:, i])


def flows(name: str, block: object, document: dict, data: pd.DataFrame) -> Iterator[Case]:
    low = name.lower()
    if not isinstance(block, dict):
        yield name, Unsupported("not a block of numbers by name")
    elif "rmst" in low or "rmean" in low:
        yield from restricted(name, block, document, data)
    elif low.startswith("km") or "kaplan" in low:
        yield from kaplan_meier(name, block, document, data)
    else:
        competing = re.search(r"cuminc|cif|incidence|cmprsk|compet", low) is not None
        yield from curves(name, block, document, data, competing)


# ---- all


def run(document: dict, folder: Path) -> Iterator[Case]:
    """Every case of the file with what came of it."""
    data = None
    for name, block in document.items():
        if name in ("source", "data", "times", "note"):
            continue
        try:
            if name in COUNTS:
                yield from COUNTS[name](block, document)
            elif "data" in document:
                data = stays(document, folder) if data is None else data
                yield from flows(name, block, document, data)
            else:
                raise Unsupported("no such block")
        except Unsupported as reason:
            yield name, reason
        except Exception as error:  # noqa: BLE001 - a crash is a difference, and is named
            lines = str(error).splitlines() or [""]
            yield name, Comparison([f"{type(error).__name__}: {lines[0]}"])


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", required=True, type=Path)
    parser.add_argument("--data", type=Path, help="folder of the data that FILE names; by default that of FILE")
    given = parser.parse_args(arguments)
    document = json.loads(given.cases.read_text(encoding="utf-8"))
    passed = differ = unsupported = 0
    for name, outcome in run(document, given.data or given.cases.parent):
        if isinstance(outcome, Unsupported):
            unsupported += 1
            print(f"unsupported {name}: {outcome}")
        elif outcome.differences:
            differ += 1
            print(f"differs {name}: {outcome.differences[0]} ({len(outcome.differences)} of {outcome.compared})")
        else:
            passed += 1
    print(f"{passed} passed, {differ} differ, {unsupported} unsupported")
    return 1 if differ else 0


if __name__ == "__main__":
    sys.exit(main())
