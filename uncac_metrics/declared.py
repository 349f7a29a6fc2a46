"""The design of a sample as ``source.toml`` declares it, checked without the data.

``[design]`` names the columns of strata and units. Under it stand, where the sample has them,

``[design.replicates]``   replicate weights, of the file or made here,
``[design.two_phase]``    a second sample that was drawn from the first,
``[design.trimming]``     bounds of the weights,
``[design.calibration]``  population totals that the weights are made to meet,

and beside it ``[imputation]``, completed data sets. A column named there is a mapped column or else one of the file.
Nothing is evaluated as code.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

from uncac_metrics.model import SINGLETON_RULES, Column, Fault, Shape
from uncac_metrics.stats.survey.replicates import KINDS
from uncac_metrics.tables import NUMBERS, nearest

Table = Mapping[str, Any]
Where = tuple[str, str, str]
"""Key that names a column, its name, and what the column holds: ``number``, ``text`` or ``yes_no``."""

PARTS = ("replicates", "two_phase", "trimming", "calibration")
METHODS = ("poststratify", "raking", "linear", "logit")


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _is_text(value: object) -> bool:
    return isinstance(value, str) and value != ""


def _is_texts(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(map(_is_text, value))


def _one_of(*names: str) -> str:
    return f"one of {', '.join(names)}"


_KINDS: dict[str, Callable[[Any], bool]] = {
    "a column": _is_text,
    "a text": lambda v: isinstance(v, str),
    "a column or a list of columns": lambda v: _is_text(v) or _is_texts(v),
    "a list of columns, * standing for anything": _is_texts,
    "a list of codes": lambda v: isinstance(v, list) and bool(v) and all(_is_text(c) or _is_number(c) for c in v),
    "a list of tables": lambda v: isinstance(v, list) and bool(v) and all(isinstance(t, dict) for t in v),
    "true or false": lambda v: isinstance(v, bool),
    "a number": _is_number,
    "a positive number": lambda v: _is_number(v) and v > 0,
    "a number in [0, 1)": lambda v: _is_number(v) and 0 <= v < 1,
    "a whole number": lambda v: isinstance(v, int) and not isinstance(v, bool) and v >= 0,
    "a whole number above 1": lambda v: isinstance(v, int) and not isinstance(v, bool) and v > 1,
    "a list of numbers": lambda v: isinstance(v, list) and bool(v) and all(map(_is_number, v)),
    "bounds, as [0.5, 2]": lambda v: (
        isinstance(v, list) and len(v) == 2 and all(map(_is_number, v)) and v[0] < 1 < v[1]
    ),
    "a table of numbers": lambda v: (
        isinstance(v, dict) and bool(v) and all(_is_number(n) and n >= 0 for n in v.values())
    ),
    "a SHA-256 in 64 hexadecimal digits": lambda v: _is_digest(v),  # noqa: PLW0108 - it stands below
    "a list of files in the folder of source.toml": lambda v: _is_texts(v) and all(map(_is_inside, v)),
    "a list of SHA-256 in 64 hexadecimal digits": lambda v: isinstance(v, list) and all(map(_is_digest, v)),
    "a file in the folder of source.toml": lambda v: _is_text(v) and _is_inside(v),
}
_DESIGN = {
    "weight": "a column", "stratum": "a column", "psu": "a column or a list of columns",
    "fpc": "a column or a list of columns", "nest": "true or false", "singleton": _one_of(*SINGLETON_RULES),
    "singleton_domain": "true or false", "frame": "a text",
}  # fmt: skip
_REPLICATES = {
    "kind": _one_of(*KINDS), "fay": "a number in [0, 1)", "mse": "true or false",
    "columns": "a list of columns, * standing for anything", "scale": "a positive number",
    "rscales": "a list of numbers", "combined": "true or false", "df": "a positive number",
    "number": "a whole number above 1", "seed": "a whole number", "order": "a column",
}  # fmt: skip
_SUPPLIED, _MADE = ("scale", "rscales", "combined", "df"), ("number", "seed", "order")
_TWO_PHASE = {
    "subset": "a column", "yes": "a list of codes", "no": "a list of codes", "weight": "a column",
    "stratum": "a column", "psu": "a column or a list of columns", "fpc": "a column or a list of columns",
    "variance": _one_of("full", "approx"), "first_phase": _one_of("fixed", "random"),
}  # fmt: skip
_SECOND = {"subset": "yes_no", "weight": "number", "stratum": "text", "psu": "text", "fpc": "number"}
"""Columns of a second phase and what they hold."""
_TRIMMING = {"lower": "a number", "upper": "a positive number", "strict": "true or false"}
_CALIBRATION = {
    "method": _one_of(*METHODS), "margins": "a list of tables", "bounds": "bounds, as [0.5, 2]",
    "population": "a positive number", "scale_variance": "a column", "residuals": _one_of("weighted", "unweighted"),
    "max_steps": "a whole number above 1", "tolerance": "a positive number",
}  # fmt: skip
_TAKES = {
    "poststratify": (), "raking": ("bounds", "residuals", "max_steps", "tolerance"),
    "linear": tuple(_CALIBRATION)[2:], "logit": tuple(_CALIBRATION)[2:],
}  # fmt: skip
_MARGIN = {
    "columns": "a column or a list of columns", "totals": "a table of numbers", "total": "a number",
    "file": "a file in the folder of source.toml", "sha256": "a SHA-256 in 64 hexadecimal digits",
}  # fmt: skip
_IMPUTATION = {
    "column": "a column", "paths": "a list of files in the folder of source.toml",
    "sha256": "a list of SHA-256 in 64 hexadecimal digits",
}  # fmt: skip
KEYS = {
    "design": _DESIGN, "design.replicates": _REPLICATES, "design.two_phase": _TWO_PHASE,
    "design.trimming": _TRIMMING, "design.calibration": _CALIBRATION, "design.calibration.margins": _MARGIN,
    "imputation": _IMPUTATION,
}  # fmt: skip
"""Keys of each table and what they hold."""
_DUE = {
    "design.replicates": ("kind",), "design.two_phase": ("subset",), "design.calibration": ("method", "margins"),
    "design.calibration.margins": ("columns",),
}  # fmt: skip


def listed(value: Any) -> list[Any]:
    """A name or a list of names as a list; nothing as an empty one."""
    return [] if value is None else list(value) if isinstance(value, (list, tuple)) else [value]


def check(design: Table, imputation: Table, columns: Table, shape: Shape, *, file: str) -> list[Fault]:
    """Everything that is wrong with a declared design, as far as it shows without the data.

    Parameters
    ----------
    design, imputation : mapping
        The tables ``[design]`` and ``[imputation]``.
    columns : mapping
        The rules of the mapping.
    shape : Shape
        What the data become.
    file : str
        The ``source.toml``.

    Examples
    --------
    >>> from uncac_metrics.shapes import SHAPES
    >>> design = {"weight": "weight", "replicates": {"kind": "fey", "colums": ["rw*"]}}
    >>> for fault in check(design, {}, {}, SHAPES["population_survey"], file="source.toml"):
    ...     print(fault)
    source.toml: design.replicates.kind: is 'fey' — did you mean 'fay'?
    source.toml: design.replicates.colums: is not a key of this table — did you mean 'columns'?
    """
    plain = {key: value for key, value in design.items() if key not in PARTS}
    faults = _in_design(plain, columns, shape, file)
    whole: dict[str, Table] = {}
    for part in PARTS:
        if part not in design:
            continue
        if not isinstance(design[part], Mapping):
            faults.append(Fault(file, f"design.{part}", f"is {design[part]!r}", f"write [design.{part}]"))
        elif found := _keys(design[part], f"design.{part}", file):
            faults += found
        else:
            whole[part] = design[part]
    for part, rules in (
        ("replicates", _replicates), ("two_phase", _two_phase), ("trimming", _trimming), ("calibration", _calibration),
    ):  # fmt: skip
        if part in whole:
            for key, what, remedy in rules(whole[part], plain, design):
                faults.append(Fault(file, f"design.{part}{key}", what, remedy))
    calibration = design.get("calibration")
    margins = calibration.get("margins") if isinstance(calibration, Mapping) else None
    for i, margin in enumerate(margins if _KINDS["a list of tables"](margins) else (), start=1):  # type: ignore[arg-type]
        faults += _margin(margin, columns, shape, f"design.calibration.margins[{i}]", file)
    faults += _keys(imputation, "imputation", file) or _imputation(imputation, file)
    if imputation and "two_phase" in design:
        faults.append(Fault(file, "imputation", "does not go with design.two_phase", "leave out one of the two"))
    return faults


def operands(design: Table) -> list[Where]:
    """The columns that the parts of a design name, which may be mapped ones or those of the file."""
    found: list[Where] = []
    made = design.get("replicates", {})
    if "order" in made:
        found.append(("design.replicates.order", made["order"], "number"))
    second = design.get("two_phase", {})
    for key, kind in {
        "subset": "yes_no",
        "weight": "number",
        "stratum": "text",
        "psu": "text",
        "fpc": "number",
    }.items():
        found += [(f"design.two_phase.{key}", name, kind) for name in listed(second.get(key))]
    calibration = design.get("calibration", {})
    for i, margin in enumerate(calibration.get("margins", ()), start=1):
        where, kind = f"design.calibration.margins[{i}].columns", "number" if "total" in margin else "text"
        found += [(where, name, kind) for name in listed(margin["columns"])]
    if "scale_variance" in calibration:
        found.append(("design.calibration.scale_variance", calibration["scale_variance"], "number"))
    return found


def _is_digest(value: object) -> bool:
    return isinstance(value, str) and len(value) == 64 and set(value) <= set("0123456789abcdef")


def _is_inside(name: str) -> bool:
    path = PurePosixPath(name)
    return not path.is_absolute() and ".." not in path.parts and "\\" not in name


def _keys(table: Table, where: str, file: str) -> list[Fault]:
    """Unknown and missing keys, and values that are not what the key holds."""
    keys = KEYS[where.partition("[")[0]]
    faults, meant = [], set()
    for key, value in table.items():
        if key not in keys:
            close = nearest(key, keys)
            meant |= {k for k in keys if repr(k) in close}
            faults.append(Fault(file, f"{where}.{key}", "is not a key of this table", close or _one_of(*keys)))
            continue
        kind = keys[key]
        names = kind.removeprefix("one of ").split(", ") if kind.startswith("one of ") else []
        if names and value not in names:
            close = nearest(value, names) if isinstance(value, str) else ""
            faults.append(Fault(file, f"{where}.{key}", f"is {value!r}", close or f"give {kind}"))
        elif not names and not _KINDS[kind](value):
            faults.append(Fault(file, f"{where}.{key}", f"is {value!r}", f"give {kind}"))
    for key in _DUE.get(where.partition("[")[0], ()):
        if key not in table and key not in meant:
            faults.append(Fault(file, f"{where}.{key}", "is missing", f"give {keys[key]}"))
    return faults


def _in_design(design: Table, columns: Table, shape: Shape, file: str) -> list[Fault]:
    """The columns of strata and units, which must be those of the shape, and mapped."""
    faults = []
    for key, value in design.items():
        where = f"design.{key}"
        if key not in _DESIGN:
            close = nearest(key, (*_DESIGN, *PARTS))
            faults.append(Fault(file, where, "is not an argument of a design", close))
        elif key in ("weight", "stratum", "psu", "fpc"):
            for name in value if isinstance(value, list) and key in ("psu", "fpc") else [value]:
                if not isinstance(name, str) or shape.column(name) is None:
                    what = f"{name!r} is not a column of {shape.id}"
                    close = nearest(str(name), [c.name for c in shape.columns])
                    faults.append(Fault(file, where, what, close or f"give {_DESIGN[key]}"))
                elif columns and name not in columns:
                    faults.append(Fault(file, where, f"{name!r} is not mapped", f"add columns.{name}"))
        elif key == "singleton" and value not in SINGLETON_RULES:
            faults.append(Fault(file, where, f"{value!r} is not a rule", f"rules: {', '.join(SINGLETON_RULES)}"))
        elif key != "singleton" and not _KINDS[_DESIGN[key]](value):
            faults.append(Fault(file, where, f"is {value!r}", f"give {_DESIGN[key]}"))
    return faults


Said = Iterator[tuple[str, str, str]]
"""Key below the part, what is wrong, the remedy."""


def _replicates(part: Table, design: Table, whole: Table) -> Said:
    kind, supplied = part["kind"], "columns" in part
    for key in _MADE if supplied else _SUPPLIED:
        if key in part:
            other = (
                "made here, but columns names those of the file"
                if supplied
                else "of the file, but no columns are named"
            )
            yield f".{key}", f"is for replicates {other}", "leave out one of the two"
    if supplied:
        for key in design:
            if key not in ("weight", "psu"):
                yield "", f"does not go with design.{key}", f"the replicates carry the design: leave out {key}"
        if kind == "other" and "scale" not in part:
            yield ".scale", "is missing", "the documentation of the data states it"
        if kind == "JKn" and "rscales" not in part:
            yield (
                ".rscales",
                "is missing",
                "(n_h − 1)/n_h for each replicate, or as the documentation of the data states",
            )
    else:
        if kind == "other":
            yield ".kind", "'other' cannot be made here", "name the columns of the file, or another kind"
        if "number" in part and kind in ("JK1", "JKn", "JK2"):
            yield ".number", f"that of {kind} follows from the design", "leave it out"
        if "order" in part and kind != "sdr":
            yield ".order", f"is not used by {kind}", 'kind = "sdr"'
    if kind == "fay" and not supplied and not part.get("fay"):
        yield ".fay", "is missing", "Fay's coefficient, as 0.5"
    if part.get("fay") and kind != "fay":
        yield ".fay", f"is not used by {kind}", 'kind = "fay"'
    if "two_phase" in whole:
        yield (
            "",
            "does not go with design.two_phase",
            "replicates cannot stand for two phases: leave out one of the two",
        )


def _two_phase(part: Table, design: Table, whole: Table) -> Said:
    if ("yes" in part) != ("no" in part):
        yield ".yes" if "no" in part else ".no", "is missing", "give the codes of both, or of neither for 1 and 0"
    if both := {str(c) for c in part.get("yes", ())} & {str(c) for c in part.get("no", ())}:
        yield ".no", f"{', '.join(sorted(both))} stands in yes too", "keep it in one of the two"
    if design.get("singleton") in ("adjust", "average", "collapse"):
        yield "", f"does not go with design.singleton = {design['singleton']!r}", 'singleton = "error" or "certainty"'
    for key in ("singleton_domain", "frame"):
        if key in design:
            yield "", f"does not go with design.{key}", f"leave out {key}"


def _trimming(part: Table, design: Table, whole: Table) -> Said:
    if "lower" not in part and "upper" not in part:
        yield "", "has no bounds", "give lower, upper or both"
    elif not part.get("lower", 0) < part.get("upper", math.inf):
        yield ".lower", f"{part['lower']} is not below upper, {part['upper']}", "swap them"


def _calibration(part: Table, design: Table, whole: Table) -> Said:
    method, margins = part["method"], part["margins"]
    for key in part:
        if key not in ("method", "margins", *_TAKES[method]):
            takers = [name for name, keys in _TAKES.items() if key in keys]
            yield f".{key}", f"is not used by {method}", f"it goes with {' and '.join(takers)}"
    if method == "logit" and "bounds" not in part:
        yield ".bounds", "is missing", "logit calibration lies between bounds, as [0.5, 2]"
    if method == "poststratify" and len(margins) > 1:
        yield ".margins", f"{len(margins)} margins", 'one (its columns are crossed), or method = "raking"'
    numbers = [i for i, m in enumerate(margins, start=1) if "total" in m]
    if numbers and method in ("poststratify", "raking"):
        yield f".margins[{numbers[0]}].total", f"{method} takes levels", 'method = "linear" or "logit"'
    elif numbers and len(numbers) == len(margins) and "population" not in part and "scale_variance" not in part:
        yield ".population", "is missing", "totals of numbers alone do not say how many units there are"


def _margin(margin: Table, columns: Table, shape: Shape, where: str, file: str) -> list[Fault]:
    faults = _keys(margin, where, file)
    if faults:
        return faults
    makers = [key for key in ("totals", "total", "file") if key in margin]
    if len(makers) != 1:
        what = f"has {' and '.join(makers)}" if makers else "has no population totals"
        return [Fault(file, where, what, "give one of totals (by level), total (of a number) and file")]
    names = listed(margin["columns"])
    if len(names) > 1 and makers != ["file"]:
        return [Fault(file, f"{where}.{makers[0]}", "cannot tell crossed columns apart", "give them in a file")]
    if "sha256" in margin and makers != ["file"]:
        faults.append(Fault(file, f"{where}.sha256", "is for a file", "leave it out"))
    column = shape.column(names[0]) if len(names) == 1 else None
    if column is None or (columns and names[0] not in columns):
        return faults
    if "total" in margin and column.kind not in NUMBERS:
        remedy = "totals = {…}, a number of units for each level"
        faults.append(Fault(file, f"{where}.total", f"{column.name} is not a number", remedy))
    return faults + _levels(margin.get("totals", {}), column, f"{where}.totals", file)


def _levels(totals: Table, column: Column, where: str, file: str) -> list[Fault]:
    codes = {"1": "", "0": ""} if column.kind == "yes_no" else column.codes
    if codes is None:
        return []
    return [
        Fault(file, f"{where}.{level}", f"is not a code of {column.name}",
              nearest(level, codes) or f"codes: {', '.join(codes)}")
        for level in totals if level not in codes
    ]  # fmt: skip


def _imputation(part: Table, file: str) -> list[Fault]:
    makers = [key for key in ("column", "paths") if key in part]
    if part and len(makers) != 1:
        what = "has column and paths" if makers else "does not say where the completed data are"
        remedy = "column: number of the imputation in a file of all; paths: the files"
        return [Fault(file, "imputation", what, remedy)]
    if makers == ["paths"] and len(part["paths"]) < 2:
        return [Fault(file, "imputation.paths", "one completed data set", "impute at least twice, better 20 times")]
    if "sha256" in part and (makers != ["paths"] or len(part["sha256"]) != len(part["paths"])):
        return [Fault(file, "imputation.sha256", "is not one for each of paths", "give as many, or leave it out")]
    return []
