"""Readers, mappings and definitions under random and mangled input: only the package's own faults may come out.

    python benchmarks/fuzz.py [--seconds 600] [--seed 1] [--out benchmarks/results/fuzz.csv]

Each example is drawn by hypothesis: bytes of a real file that are flipped, cut, doubled or moved; JSON of a known
layout with one part replaced by another kind of value; a definition in which one value is so replaced, or one line is
mangled; a mapping whose rules are mangled, applied to data.
An example that ends in anything but a result or `Faults` is shrunk, printed, and fails the run.
"""

import argparse
import csv
import gzip
import json
import sys
import tempfile
import time
import tomllib
import warnings
import zipfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from uncac_metrics import readers
from uncac_metrics._data import datasets_folder, indicators_folder
from uncac_metrics.cards import read_card
from uncac_metrics.catalogue import load_catalogue
from uncac_metrics.datasets import load_dataset, load_office, load_source
from uncac_metrics.model import Faults
from uncac_metrics.recipes import read_recipe

EXAMPLE = datasets_folder() / "example"
WORK = Path(tempfile.mkdtemp(prefix="fuzz-"))
ROWS = 40

SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-(10**20), 10**20), st.floats(), st.text(max_size=30), st.dates(),
    st.sampled_from(["", "from", "*", "__*", "..", "/", "\0", "=1+1", "1e400", "nan", "_T", "😀", "a" * 5000, "${X}"]),
)  # fmt: skip
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=8,
)
PLACES = st.lists(st.integers(0, 2**31), min_size=1, max_size=6)


# --- what is mangled


@cache
def files() -> dict[str, bytes]:
    """Small true files of every format, by name."""
    table = pd.read_csv(
        EXAMPLE / "datasets" / "civil_servants_2025" / "data.csv.gz", dtype=str, keep_default_na=False, nrows=ROWS
    )
    made = {"table.csv": table.to_csv(index=False).encode()}
    made["table.csv.gz"] = gzip.compress(made["table.csv"])
    numbers = table.apply(pd.to_numeric, errors="coerce")
    path = WORK / "seed"
    for ending, write in {
        "parquet": table.to_parquet,
        "xlsx": lambda p: numbers.to_excel(p, index=False),
        "sav": lambda p: __import__("pyreadstat").write_sav(numbers, str(p)),
        "dta": lambda p: __import__("pyreadstat").write_dta(numbers, str(p)),
    }.items():
        place = path.with_suffix(f".{ending}")
        write(place)
        made[f"table.{ending}"] = place.read_bytes()
    release = {
        "ocid": "ocds-1", "id": "1", "date": "2025-01-01T00:00:00Z", "tag": ["tender"], "initiationType": "tender",
        "tender": {"id": "1", "value": {"amount": 10, "currency": "USD"}, "tenderPeriod": {"startDate": "2025-01-01"}},
        "awards": [{"id": "a", "suppliers": [{"id": "s", "name": "S"}], "value": {"amount": 9, "currency": "USD"}}],
        "contracts": [{"id": "c", "awardID": "a", "dateSigned": "2025-02-01", "amendments": [{"id": "m"}]}],
        "parties": [{"id": "s", "address": {"countryName": "X"}}], "buyer": {"id": "b"},
    }  # fmt: skip
    made["releases.json"] = json.dumps({"releases": [release], "version": "1.1"}).encode()
    made["release.json"] = json.dumps(release).encode()
    record = {"ocid": "ocds-1", "releases": [release, release | {"id": "2", "tag": ["award"]}]}
    compiled = {"ocid": "ocds-1", "compiledRelease": release, "releases": [release]}
    made["records.json"] = json.dumps({"records": [record], "version": "1.1"}).encode()
    made["compiled.json"] = json.dumps({"records": [compiled], "version": "1.1"}).encode()
    answer = {"indicator": ["16.5.1"], "series": "SG", "geoAreaCode": "4", "geoAreaName": "Afghanistan",
              "timePeriodStart": 2020.0, "value": "3", "attributes": {}, "dimensions": {"Sex": "BOTHSEX"}}  # fmt: skip
    made["answer.json"] = json.dumps({"data": [answer], "totalElements": 1}).encode()
    return made


@cache
def definitions() -> tuple[Path, ...]:
    cards = sorted(path for path in indicators_folder().rglob("*.toml"))
    return (*cards, *sorted(EXAMPLE.glob("datasets/*/source.toml")), EXAMPLE / "office.toml")


@cache
def contents(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text(encoding="utf-8"))


def mangled(data: bytes, places: list[int], junk: bytes, how: int) -> bytes:
    """Bytes with something flipped, cut, doubled, moved or put in at the places given."""
    made = bytearray(data)
    for place in places:
        at = place % max(1, len(made))
        length = 1 + place % 37
        if how == 0 and made:
            made[at] ^= 1 << (place % 8)
        elif how == 1:
            del made[at : at + length]
        elif how == 2:
            made[at:at] = made[max(0, at - length) : at]
        elif how == 3:
            made[at:at] = junk
        elif how == 4:
            del made[at:]
        else:
            made[at : at + len(junk)] = junk
    return bytes(made)


def replaced(value: Any, places: list[int], new: Any) -> Any:
    """A nested value with one part replaced, added or removed; `places` choose which."""
    if not places or not isinstance(value, dict | list) or not value:
        return new
    at, rest = places[0], places[1:]
    if isinstance(value, dict):
        keys = list(value)
        key = keys[at % len(keys)]
        if at % 11 == 0:
            return {k: v for k, v in value.items() if k != key}
        if at % 11 == 1:
            return {**value, "unknown": new}
        return {**value, key: replaced(value[key], rest, new)}
    spot = at % len(value)
    return [replaced(one, rest, new) if i == spot else one for i, one in enumerate(value)]


def toml(value: Any) -> str:
    """A value as inline TOML; null is left out by its table."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return str(value) if abs(value) < 2**63 else f"{value}.0"
    if isinstance(value, float):
        return {"inf": "inf", "-inf": "-inf", "nan": "nan"}.get(str(value), repr(value))
    if isinstance(value, dict):
        inner = ", ".join(f"{quoted(str(k))} = {toml(v)}" for k, v in value.items() if v is not None)
        return "{" + inner + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(toml(v) for v in value if v is not None) + "]"
    return value.isoformat() if hasattr(value, "isoformat") else quoted(str(value))


def quoted(text: str) -> str:
    return '"' + "".join(c if 32 <= ord(c) < 127 and c not in '"\\' else f"\\U{ord(c):08X}" for c in text) + '"'


def document(content: dict[str, Any]) -> str:
    lines = [f"{quoted(str(k))} = {toml(v)}" for k, v in content.items() if v is not None]
    return "\n".join(lines) + "\n"


# --- targets: each takes an example and must end in a result or in Faults


def ours(call: Callable[..., object], *given: Any, **more: Any) -> None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            call(*given, **more)
    except Faults as caught:
        if not (caught.faults and all(str(fault) for fault in caught.faults)):
            raise AssertionError("a fault says nothing") from caught


NAMED = {name: ["ocds"] for name in ("release.json", "releases.json", "records.json", "compiled.json")}
NAMED |= {"answer.json": ["un_sdg"]}


def file_of_a_format(name: str, places: list[int], junk: bytes, how: int, inside: bool, reader: str) -> None:
    data = files()[name]
    path = WORK / name
    if inside and name.endswith(".gz"):
        data = gzip.compress(mangled(gzip.decompress(data), places, junk, how))
    elif inside and name.endswith(".xlsx"):
        whole = zipfile.ZipFile(__import__("io").BytesIO(data))
        with zipfile.ZipFile(path, "w") as book:
            for i, entry in enumerate(whole.namelist()):
                part = whole.read(entry)
                book.writestr(
                    entry, mangled(part, places, junk, how) if places[0] % len(whole.namelist()) == i else part
                )
        data = path.read_bytes()
    else:
        data = mangled(data, places, junk, how)
    path.write_bytes(data)
    known = NAMED.get(name, ["", reader])
    ours(readers.read, path, {"reader": known[places[-1] % len(known)]} if known[places[-1] % len(known)] else {})


def answer(name: str, places: list[int], new: Any) -> None:
    """A JSON file of a known layout with one part replaced: what parses, and is not what was expected."""
    path = WORK / name
    path.write_text(json.dumps(replaced(json.loads(files()[name]), places, new), default=str), encoding="utf-8")
    ours(readers.read, path, {"reader": NAMED[name][0]})


def definition(which: int, places: list[int], new: Any, line: int, junk: str, whole: bool) -> None:
    path = definitions()[which % len(definitions())]
    if whole:
        text = document(replaced(contents(path), places, new))
    else:
        lines = path.read_text(encoding="utf-8").splitlines()
        at = line % len(lines)
        lines[at] = (lines[at][: places[0] % (len(lines[at]) + 1)] + junk) if places[0] % 3 else junk
        text = "\n".join(lines)
    folder = WORK / "definitions" / path.parent.name
    folder.mkdir(parents=True, exist_ok=True)
    place = folder / path.name
    place.write_text(text, encoding="utf-8", errors="replace")
    if path.name == "source.toml":
        ours(load_source, place)
    elif path.name == "office.toml":
        ours(load_office, folder)
    elif path.parent.name == "composites":
        ours(read_recipe, place, catalogue())
    else:
        ours(read_card, place, "topic")


@cache
def catalogue() -> Any:
    return load_catalogue()


def mapping(which: int, places: list[int], new: Any) -> None:
    sources = sorted(EXAMPLE.glob("datasets/*/source.toml"))
    path = sources[which % len(sources)]
    content = {k: v for k, v in contents(path).items() if k not in ("sha256", "imputation")}
    content["columns"] = replaced(contents(path).get("columns", {}), places, new)
    folder = WORK / "mappings" / path.parent.name
    folder.mkdir(parents=True, exist_ok=True)
    for data in path.parent.glob("*.csv*"):
        if not (folder / data.name).exists() and data.name != "truth.csv":
            pd.read_csv(data, dtype=str, keep_default_na=False, nrows=ROWS).to_csv(folder / data.name, index=False)
    (folder / "source.toml").write_text(document(content), encoding="utf-8")
    ours(load_dataset, folder / "source.toml")


def targets() -> dict[str, Callable[[Callable[..., None]], Callable[[], None]]]:
    """Name of a target -> its strategies, given to it."""
    return {
        "files": given(
            st.sampled_from(sorted(files())), PLACES, st.binary(min_size=1, max_size=40), st.integers(0, 5),
            st.booleans(), st.sampled_from(sorted(readers.READERS)),
        )(file_of_a_format),
        "answers": given(
            st.sampled_from(sorted(NAMED)), st.lists(st.integers(0, 120), min_size=1, max_size=8), VALUES
        )(answer),
        "definitions": given(
            st.integers(0, 10**6), PLACES, VALUES, st.integers(0, 10**6), st.text(max_size=40), st.booleans()
        )(definition),
        "mappings": given(st.integers(0, 10**6), PLACES, VALUES)(mapping),
    }  # fmt: skip


def fuzz(seconds: float, start: int, size: int = 100) -> dict[str, int]:
    """Run the targets in turn until the time is over; the number of examples of each.

    Raises
    ------
    Exception
        What an example ended in, after it was shrunk.
    """
    counts = dict.fromkeys(targets(), 0)
    end, turn = time.monotonic() + seconds, start
    profile = settings(
        max_examples=size, deadline=None, database=None, suppress_health_check=list(HealthCheck),
        phases=[Phase.generate, Phase.shrink],
    )  # fmt: skip
    while time.monotonic() < end:
        for name, target in targets().items():
            turn += 1
            seed(turn)(profile(target))()
            counts[name] += size
    return counts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/fuzz.csv"))
    told = parser.parse_args()
    counts = fuzz(told.seconds, told.seed)
    told.out.parent.mkdir(parents=True, exist_ok=True)
    with told.out.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["target", "seconds", "examples", "other_than_faults"])
        writer.writerows([name, round(told.seconds / len(counts)), count, 0] for name, count in counts.items())
    print(*(f"{name}: {count:,} examples" for name, count in counts.items()), sep="\n")


if __name__ == "__main__":
    sys.exit(main())
