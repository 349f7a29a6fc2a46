"""The declared design of a data set: what it takes beside the columns of the shape, and how it is made.

Order of the steps: the sample as drawn (strata and units, replicate weights of the file, or two phases), replicates
made here, trimming, calibration.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from uncac_metrics import readers
from uncac_metrics.declared import PARTS, listed, operands
from uncac_metrics.model import BREAKDOWNS, Column, Fault, Faults, Shape, Source
from uncac_metrics.stats import survey
from uncac_metrics.stats.survey.stages import rows_of
from uncac_metrics.tables import nearest
from uncac_metrics.values import build, canonical, levels

Array = np.ndarray
COUNT = "population"
"""Column of a file of margins that holds the number of units."""


@dataclass(frozen=True, eq=False)
class Extras:
    """What a declared design takes beside the columns of the shape."""

    columns: pd.DataFrame = field(default_factory=pd.DataFrame)
    """Columns of the file that are not mapped, a row a row of the table."""
    replicates: tuple[str, ...] = ()
    """Those of them that are replicate weights."""
    margins: tuple[Any, ...] = ()
    """Population totals of each margin, in the order of the source."""


def side_files(source: Source) -> list[tuple[str, Path, str]]:
    """Files that a source takes beside its data: key, path, and the hash that is stated (or empty)."""
    folder, found = Path(source.file).parent, []
    for i, margin in enumerate(_part(source, "calibration").get("margins", ()), start=1):
        if "file" in margin:
            where = f"design.calibration.margins[{i}]"
            found.append((where, folder / margin["file"], margin.get("sha256", "")))
    paths: Sequence[str] = source.imputation.get("paths", ())  # type: ignore[assignment]
    hashes: Sequence[str] = source.imputation.get("sha256", [""] * len(paths))  # type: ignore[assignment]
    for i, (path, digest) in enumerate(zip(paths, hashes, strict=True), start=1):
        found.append((f"imputation.paths[{i}]", folder / path, digest))
    return found


def file_columns(source: Source, shape: Shape, present: Iterable[str]) -> tuple[list[str], tuple[str, ...]]:
    """Columns of the file that the design takes beside the mapped ones, and those that are replicate weights.

    Raises
    ------
    Faults
        Names that are neither mapped nor in the file, and patterns that find nothing, with the key and the nearest
        name.
    """
    present = list(present)
    mapped = [c for c in source.columns if not c.startswith("_")]
    if not source.columns:  # the file bears the names of the shape
        mapped = [name for name in present if shape.column(name)]
    faults, taken, replicates = [], [], []
    wanted = [(where, name) for where, name, _ in operands(source.design)]
    if "column" in source.imputation:
        wanted.append(("imputation.column", str(source.imputation["column"])))
    for where, name in wanted:
        if name in present:
            taken += [name] if name not in mapped else []
        elif name not in mapped:
            close = nearest(name, (*mapped, *present)) or "correct the name"
            faults.append(Fault(source.file, where, f"{name!r} is neither a mapped column nor one of the file", close))
    for pattern in _part(source, "replicates").get("columns", ()):
        names = fnmatch.filter(present, pattern)
        if not names:
            close = nearest(pattern, present) or "correct the name"
            what = f"the file has no column {pattern!r}"
            faults.append(Fault(source.file, "design.replicates.columns", what, close))
        replicates += names
    if faults:
        raise Faults(faults)
    return list(dict.fromkeys([*taken, *replicates])), tuple(dict.fromkeys(replicates))


def extras(raw: pd.DataFrame, source: Source, names: Sequence[str], replicates: tuple[str, ...]) -> Extras:
    """Read the columns that the design takes beside the mapped ones, each as what its key says.

    Raises
    ------
    Faults
        Values that are no numbers, or neither yes nor no, with the rows.
    """
    kinds = {name: (where, kind) for where, name, kind in operands(source.design)}
    columns: dict[str, pd.Series] = {}
    faults: list[Fault] = []
    for name in names:
        where, kind = kinds.get(name, ("design.replicates.columns", "number"))
        if name not in kinds and name not in replicates:
            continue
        if kind == "number":
            columns[name] = _numbers(raw[name], name, where, source.file, faults)
        elif kind == "yes_no":
            columns[name] = _yes_no(raw[name], name, _part(source, "two_phase"), where, source.file, faults)
        else:
            codes, texts = levels(raw[name])
            columns[name] = build(codes, texts, Column(name, "text", ""), raw.index)
    if faults:
        raise Faults(faults)
    return Extras(pd.DataFrame(columns, index=raw.index), replicates)


def margins(source: Source) -> tuple[Any, ...]:
    """Population totals of each margin: by level, or of a number; those of files are read.

    Raises
    ------
    Faults
        Files that cannot be read, that lack a column or hold a level twice, and counts that are no numbers.
    """
    found: list[Any] = []
    faults: list[Fault] = []
    for i, margin in enumerate(_part(source, "calibration").get("margins", ()), start=1):
        if "file" not in margin:
            found.append(margin.get("totals", margin.get("total")))
            continue
        names, path = listed(margin["columns"]), Path(source.file).parent / margin["file"]
        try:
            raw = readers.read(path, {}, columns=[*names, COUNT])
        except Faults as error:
            faults += error.faults
            continue
        counts = _numbers(raw[COUNT], COUNT, f"design.calibration.margins[{i}].file", str(path), faults)
        keys = pd.MultiIndex.from_frame(raw[names].map(canonical)) if len(names) > 1 else raw[names[0]].map(canonical)
        totals = pd.Series(counts.to_numpy(), index=pd.Index(keys))
        twice = totals.index.duplicated()
        if twice.any():
            faults.append(Fault(str(path), ", ".join(names), "a level stands twice", "keep one row", **rows_of(twice)))
        found.append(totals)
    if faults:
        raise Faults(faults)
    return tuple(found)


def by_imputation(raw: pd.DataFrame, source: Source) -> tuple[list[pd.DataFrame], bool]:
    """The tables of a file that holds all imputations under each other, and whether the first is the data as collected.

    Raises
    ------
    Faults
        Numbers that are none, fewer than two imputations, imputations of different sizes.
    """
    name = str(source.imputation["column"])
    number = pd.Series(pd.to_numeric(raw[name], errors="coerce"), raw.index)

    def fault(what: str, remedy: str, **rows: Any) -> Faults:
        return Faults([Fault(source.file, "imputation.column", f"column {name!r} {what}", remedy, **rows)])

    bad = (number.isna() | (number < 0) | (number % 1 != 0)).to_numpy()
    if bad.any():
        raise fault(
            "holds values that number no imputation", "0 is the data as collected, then 1, 2, …", **rows_of(bad)
        )
    sizes = number.value_counts().sort_index()
    if (sizes.index > 0).sum() < 2:
        raise fault("numbers fewer than two imputations", "impute at least twice, better 20 times")
    if sizes.nunique() > 1:
        found = ", ".join(f"{int(i)}: {n:,}" for i, n in sizes.items())
        raise fault(f"numbers imputations of different sizes ({found} rows)", "every imputation holds all rows")
    return [raw[number == i].reset_index(drop=True) for i in sizes.index], bool(sizes.index[0] == 0)


def make(source: Source, table: pd.DataFrame, given: Extras) -> survey.Design:
    """The design that a source declares, of the rows of a table (of two phases: those of the second).

    Raises
    ------
    Faults
        What is wrong with the columns, and totals that cannot be met, with the file and the key.
    """
    plain: dict[str, Any] = {"weight": "weight"} | {k: v for k, v in source.design.items() if k not in PARTS}
    used = [b for b in BREAKDOWNS if b in table.columns and isinstance(table[b].dtype, pd.CategoricalDtype)]
    table = table.assign(**{b: table[b].cat.remove_unused_categories() for b in used})
    own = given.columns.columns.difference([*table.columns, *given.replicates], sort=False)
    frame = pd.concat([table, given.columns[own]], axis=1) if len(own) else table
    made, second = dict(_part(source, "replicates")), dict(_part(source, "two_phase"))
    if "columns" in made:
        supplied = given.columns[list(given.replicates)].to_numpy()
        options = {k: v for k, v in made.items() if k != "columns"}
        with _of(source, "design.replicates"):
            design = survey.replicate_design(
                frame, weight=plain["weight"], psu=plain.get("psu"), replicates=supplied, **options
            )
    elif second:
        phases = {f"{k}2": v for k, v in second.items() if k in ("weight", "stratum", "psu", "fpc")}
        options = {k: second[k] for k in ("subset", "variance", "first_phase") if k in second}
        with _of(source, "design.two_phase"):
            design = survey.two_phase(frame, **plain, **phases, **options)
    else:
        with _of(source, "design"):
            design = survey.Design(frame, **plain)
    if made and "columns" not in made:
        options = {k: v for k, v in made.items() if k not in ("kind", "number")}
        with _of(source, "design.replicates"):
            design = survey.with_replicates(design, made["kind"], replicates=made.get("number"), **options)
    if trimming := _part(source, "trimming"):
        with _of(source, "design.trimming"):
            design = survey.trim(design, **trimming)
    if calibration := _part(source, "calibration"):
        with _of(source, "design.calibration"):
            design = _calibrated(design, calibration, given.margins)
    return design.changed(data=design.data[list(table.columns)])


def _calibrated(design: survey.Design, part: Mapping[str, Any], totals: Sequence[Any]) -> survey.Design:
    options: dict[str, Any] = {k: v for k, v in part.items() if k not in ("method", "margins")}
    if "bounds" in options:
        options["bounds"] = tuple(options["bounds"])
    names = [tuple(listed(margin["columns"])) for margin in part["margins"]]
    keyed: dict[Any, Any] = {n[0] if len(n) == 1 else n: t for n, t in zip(names, totals, strict=True)}
    if part["method"] == "poststratify":
        return survey.poststratify(design, list(names[0]), totals[0])
    if part["method"] == "raking":
        return survey.rake(design, keyed, **options)
    return survey.calibrate(design, keyed, method=part["method"], **options)


def _part(source: Source, name: str) -> Mapping[str, Any]:
    return source.design.get(name, {})  # type: ignore[return-value]


@contextmanager
def _of(source: Source, key: str) -> Iterator[None]:
    """Faults under the file and key that declare the step."""
    try:
        yield
    except Faults as found:
        raise Faults(
            Fault(source.file or source.id, f"{key}: {f.where}" if f.where else key, f.what, f.remedy, f.rows, f.count)
            for f in found.faults
        ) from None


def _numbers(series: pd.Series, name: str, where: str, file: str, faults: list[Fault]) -> pd.Series:
    """Numbers as they stand in the file; empty cells are missing."""
    if pd.api.types.is_numeric_dtype(series.dtype) and not pd.api.types.is_bool_dtype(series.dtype):
        return pd.Series(series.to_numpy(np.float64, na_value=np.nan), series.index)
    empty = series.isna() | series.astype(str).str.strip().eq("")
    values = pd.to_numeric(series.mask(empty), errors="coerce").astype(np.float64)
    bad = (values.isna() & ~empty).to_numpy()
    if bad.any():
        what = f"column {name!r} holds {str(series[bad].iloc[0])!r}, which is no number"
        faults.append(Fault(file, where, what, "correct the value", **rows_of(bad)))
    return values


def _yes_no(
    series: pd.Series, name: str, part: Mapping[str, Any], where: str, file: str, faults: list[Fault]
) -> pd.Series:
    """1 and 0 by the codes that mean yes and no."""
    yes, no = ({canonical(c) for c in part.get(key, default)} for key, default in (("yes", [1]), ("no", [0])))
    codes, texts = levels(series)
    targets = [1 if t in yes else 0 if t in no else -1 for t in texts]
    values = np.array([*targets, -1])[codes]
    bad = values < 0
    if bad.any():
        found = sorted({texts[c] if c >= 0 else "an empty cell" for c in np.unique(codes[bad])})
        what = f"column {name!r} holds {', '.join(found[:5])}"
        faults.append(Fault(file, where, what, "say by yes and no which codes mean what", **rows_of(bad)))
    return pd.Series(np.where(bad, 0, values), series.index)
