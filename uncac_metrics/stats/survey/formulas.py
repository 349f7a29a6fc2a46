"""From a formula and a design to numbers: the rows that take part, the outcome and the model matrix.

Formulas are those of `formulaic <https://matthewwardrop.github.io/formulaic/>`_, which statsmodels uses too:
``y ~ x + C(g) + x:C(g)``. A name that is no Python name stands in backticks. A formula is code of the caller, as any
argument of a function is: do not take one from a file that you have not read.
"""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from uncac_metrics.model import Fault, Faults
from uncac_metrics.stats.survey.arguments import Variable, base_of
from uncac_metrics.stats.survey.design import Design, column
from uncac_metrics.stats.survey.stages import rows_of

Array = np.ndarray
QUOTED = re.compile(r"`([^`]*)`")


@dataclass(frozen=True, eq=False, repr=False)
class ModelFrame:
    """What a formula makes of a design's rows."""

    formula: str
    outcome: str
    y: pd.Series
    """Outcome of the rows that take part, as it is."""
    x: Array
    """Model matrix, shape (rows that take part, columns); free to be changed in place."""
    rows: Array
    """Rows of the design that take part."""
    n_eligible: int
    """Rows with a weight within the denominator, answered or not."""
    names: tuple[str, ...]
    terms: dict[str, list[int]]
    """Columns of each term of the formula."""
    spec: Any
    quoted: dict[str, str]
    """Python name -> name of the column, for names in backticks."""
    dropped: tuple[int, ...] = ()
    """Columns of the formula that `x` is without: the intercept of a model with thresholds."""

    def matrix(self, data: pd.DataFrame, what: str = "predict") -> Array:
        """Model matrix of other rows, which need the columns on the right-hand side."""
        return _matrix(self.spec, data, self.quoted, what)

    def columns_of(self, terms: str | list[str] | tuple[str, ...], what: str) -> list[int]:
        """Columns of the terms, whose factors may stand in any order; ``"1"`` is the intercept."""
        known = {_canonical(name): places for name, places in self.terms.items()}
        places: list[int] = []
        faults = []
        for name in [terms] if isinstance(terms, str) else list(terms):
            own = known.get(_canonical(name.replace("`", "")))
            if own is None:
                faults.append(Fault(what, "terms", f"no term {name!r} in the model", f"one of {', '.join(self.terms)}"))
            else:
                places += [p for p in own if p not in places]
        if not places and not faults:
            faults.append(Fault(what, "terms", "none is named", f"one of {', '.join(self.terms)}"))
        if faults:
            raise Faults(faults)
        return places


def _canonical(term: str) -> tuple[str, ...]:
    return tuple(sorted(part.strip().replace(" ", "") for part in term.split(":")))


def model_frame(
    design: Design, formula: str, denominator: Variable | None, missing: str, what: str, *, intercept: bool = True
) -> ModelFrame:
    """Outcome and model matrix of the rows that have a weight, are in the denominator and have no missing value.

    Parameters
    ----------
    design : Design
    formula : str
    denominator : str, Series or array, optional
        Yes/no: the units that the model is of.
    missing : {"omit", "error"}
    what : str
        Name of the function, for faults.
    intercept : bool
        Keep the column of ones.
    """
    from formulaic import Formula  # type: ignore[import-untyped]
    from formulaic.errors import FormulaicError  # type: ignore[import-untyped]

    if missing not in ("omit", "error"):
        raise Faults([Fault(what, "missing", f"unknown policy {missing!r}", "omit or error")])
    text, quoted = _plain(formula)
    try:
        parsed = Formula(text)
        left, right = parsed.lhs, parsed.rhs
    except (FormulaicError, SyntaxError, AttributeError) as error:
        reason = str(error).splitlines()[0] if not isinstance(error, AttributeError) else "no outcome"
        raise Faults([Fault(what, "formula", f"{formula!r}: {reason}", 'as "paid ~ age + C(sex)"')]) from None
    if len(left) != 1:
        raise Faults([Fault(what, "formula", f"{len(left)} outcomes in {formula!r}", "one to the left of ~")])
    faults: list[Fault] = []
    needed = {str(v): quoted.get(str(v), str(v)) for v in parsed.required_variables}
    for name in sorted(needed.values()):
        try:
            column(design.data, name, "formula")
        except Faults as unknown:
            faults += unknown.faults
    if faults:
        raise Faults(faults)
    data = design.data[list(needed.values())].set_axis(list(needed), axis=1)
    base, _ = base_of(design, denominator)
    eligible = design.weight > 0 if base is None else (design.weight > 0) & (base == 1)
    absent = data.isna().any(axis=1).to_numpy() & eligible
    if missing == "error" and absent.any():
        remedy = 'impute them, or say missing="omit" (complete rows only)'
        raise Faults([Fault(what, "formula", "missing values in its variables", remedy, **rows_of(absent))])
    use = eligible & ~absent
    rows = np.flatnonzero(use)
    if not rows.size:
        reason = "no row has a value of every variable" if eligible.any() else "no row is in the denominator"
        raise Faults([Fault(what, "formula", reason, "see which variables are missing together")])
    data = data.reset_index(drop=True)
    if rows.size < design.n:
        data = data.iloc[rows].reset_index(drop=True)
    for name, values in data.items():
        if isinstance(values.dtype, pd.CategoricalDtype):
            data[name] = values.cat.remove_unused_categories()
    name = str(left[0])
    y = data[name] if name in data.columns else _left(Formula(f"0 + {name}"), data, what)
    spec = _first_matrix(right, data, what)
    x = _dense(spec)
    spec = spec.model_spec
    names = [_restored(str(c), quoted) for c in spec.column_names]
    terms = {_restored(str(term), quoted): list(places) for term, places in spec.term_indices.items()}
    dropped: tuple[int, ...] = ()
    if not intercept and "1" in terms:
        dropped = tuple(terms["1"])
        keep = [i for i in range(len(names)) if i not in terms["1"]]
        x, names = x[:, keep], [names[i] for i in keep]
        terms = {t: [keep.index(i) for i in places] for t, places in terms.items() if t != "1"}
    if not np.isfinite(x).all():
        bad = np.zeros(design.n, dtype=bool)
        bad[rows] = ~np.isfinite(x).all(axis=1)
        remedy = "a function in the formula has no value there: leave the rows out or change it"
        raise Faults([Fault(what, "formula", "values that are not finite", remedy, **rows_of(bad))])
    shown = _restored(name, quoted)
    return ModelFrame(formula, shown, y, x, rows, int(eligible.sum()), tuple(names), terms, spec, quoted, dropped)


def _plain(formula: str) -> tuple[str, dict[str, str]]:
    """The formula with Python names in the place of those in backticks, and what they stand for."""
    names = list(dict.fromkeys(QUOTED.findall(formula)))
    quoted = {f"quoted_{i}_": name for i, name in enumerate(names)}
    back = {name: key for key, name in quoted.items()}
    return QUOTED.sub(lambda m: back[m[1]], formula), quoted


def _restored(text: str, quoted: dict[str, str]) -> str:
    for key, name in quoted.items():
        text = text.replace(key, name)
    return text


def _first_matrix(right: Any, data: pd.DataFrame, what: str) -> Any:
    try:
        with np.errstate(all="ignore"):  # values without a logarithm are a fault further on
            return right.get_model_matrix(data, na_action="ignore", context={}, output="numpy")
    except Exception as error:  # whatever a function in the formula raises
        raise Faults([Fault(what, "formula", str(error).splitlines()[-1], "see its functions and columns")]) from error


def _left(formula: Any, data: pd.DataFrame, what: str) -> pd.Series:
    matrix = _dense(_first_matrix(formula, data, what))
    if matrix.shape[1] != 1:
        raise Faults([Fault(what, "formula", "the outcome gives several columns", "a number, or yes/no")])
    return pd.Series(matrix[:, 0])


def _dense(matrix: Any) -> Array:
    """The numbers of a model matrix, row by row."""
    return np.ascontiguousarray(getattr(matrix, "__wrapped__", matrix), dtype=float)


def _matrix(spec: Any, data: pd.DataFrame, quoted: dict[str, str], what: str) -> Array:
    from formulaic.errors import DataMismatchWarning, FormulaicError

    faults = []
    needed = {str(v): quoted.get(str(v), str(v)) for v in spec.required_variables}
    for name in needed.values():
        if name not in data.columns:
            faults.append(Fault(what, "new", f"no column {name!r}", f"give {', '.join(needed.values())}"))
        elif data[name].isna().any():
            missing = rows_of(data[name].isna().to_numpy())
            faults.append(Fault(what, f"new {name!r}", "missing values", "give a value for every row", **missing))
    if faults:
        raise Faults(faults)
    frame = data[list(needed.values())].set_axis(list(needed), axis=1).reset_index(drop=True)
    if not needed:
        frame = pd.DataFrame({"rows": np.zeros(len(data))})
    with warnings.catch_warnings():
        warnings.simplefilter("error", DataMismatchWarning)
        try:
            return _dense(spec.get_model_matrix(frame, na_action="ignore", context={}, output="numpy"))
        except DataMismatchWarning as error:
            text = str(error).split("original dataset): ")[-1].split("}")[0] + "}"
            raise Faults(
                [Fault(what, "new", f"levels that the model has not seen: {text}", "leave them out")]
            ) from None
        except FormulaicError as error:
            raise Faults([Fault(what, "new", str(error).splitlines()[0], "give columns of the same kinds")]) from None
