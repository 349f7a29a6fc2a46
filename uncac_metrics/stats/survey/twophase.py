"""Two-phase samples: a first sample, and a second drawn from it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from uncac_metrics.model import Fault, Faults
from uncac_metrics.stats.survey.design import Design, column
from uncac_metrics.stats.survey.forms import Block, Form, levels, product
from uncac_metrics.stats.survey.stages import Stage, rows_of

Array = np.ndarray
Names = str | Sequence[str] | None
SIZE = "units of the first phase"


def two_phase(
    data: pd.DataFrame,
    *,
    subset: str | pd.Series | Array,
    weight: str | None = None,
    stratum: str | None = None,
    psu: Names = None,
    fpc: Names = None,
    weight2: str | None = None,
    stratum2: str | None = None,
    psu2: Names = None,
    fpc2: Names = None,
    nest: bool = False,
    variance: str = "full",
    first_phase: str = "fixed",
    singleton: str = "error",
) -> Design:
    r"""A design of two phases: all rows of `data` are the first sample, those in `subset` the second.

    The result is a design of the second phase's rows, in their order, with weights :math:`w_1 w_2`. With
    :math:`D_{1,ij} = 1 - \pi_{1i} \pi_{1j} / \pi_{1,ij}` of the first phase and :math:`D_2` of the second, given the
    first, the variance of a sum of weighted (linearised) values is

    .. math:: z^\top (D_1 + D_2 - D_1 \circ D_2)\, z,

    which is made from sums over strata and units, not pair by pair.

    Parameters
    ----------
    data : DataFrame
        The first phase.
    subset : str, Series or array
        Yes/no: the row is in the second phase.
    weight, stratum, psu, fpc
        The first phase, as in :class:`Design`; without weight and `fpc` each row weighs 1.
    weight2, stratum2, psu2, fpc2
        The second phase. Without `fpc2` its population is the first phase: units of the row's `stratum2` there.
        `weight2` is the inverse chance of the second phase alone; without it, what the sizes imply.
    nest : bool
        PSU labels are used again in other strata, in both phases.
    variance : {"full", "approx"}
        "approx" adds the two phases' variances as of one-phase samples, the first with squared deviations weighted by
        the second's probabilities; where the first phase drew elements, not clusters.
    first_phase : {"fixed", "random"}
        Without `fpc`: the first phase has a fixed number of units in each stratum, or they came independently of one
        another and their number is random. It matters to totals, and next to nothing to means and ratios.
    singleton : {"error", "certainty"}
        Strata with one unit, in either phase.

    Returns
    -------
    Design
        Degrees of freedom are those of the phase that has fewer.

    Raises
    ------
    Faults
        A subset with missing values or without rows, options that do not go together, and what is wrong with the
        columns of either phase.

    References
    ----------
    Särndal, Swensson and Wretman (1992), Model Assisted Survey Sampling, §9.3; Lumley (2010), Complex Surveys, §8.

    Examples
    --------
    A screening of 8 households, and an interview of half of those with contact and half of those without:

    >>> import pandas as pd
    >>> from uncac_metrics.stats import survey
    >>> homes = pd.DataFrame({"contact": [1, 1, 1, 1, 0, 0, 0, 0], "paid": [1, None, 0, None, 0, None, 0, None]})
    >>> homes = homes.assign(N=800, interviewed=homes["paid"].notna())
    >>> design = survey.two_phase(homes, subset="interviewed", fpc="N", stratum2="contact")
    >>> survey.mean(design, "paid").table[["value", "std_error"]].round(3)
       value  std_error
    0   0.25      0.249
    """
    _check_options(variance, first_phase, singleton)
    inside = _inside(data, subset)
    first = Design(data, weight=weight, stratum=stratum, psu=psu, fpc=fpc, nest=nest, singleton=singleton)
    rows = data.loc[inside].reset_index(drop=True)
    sized = rows
    if fpc2 is None:
        whole = Design(data, weight=None, stratum=stratum2, psu=psu2, nest=nest, singleton="certainty")
        stage = whole.stages[0]
        sized = rows.assign(**{SIZE: stage.size[stage.stratum[stage.unit[whole.unit]]][inside]})
        fpc2 = SIZE
    second = Design(sized, weight=weight2, stratum=stratum2, psu=psu2, fpc=fpc2, nest=nest, singleton=singleton)
    chance = np.where(second.weight > 0, 1 / np.where(second.weight > 0, second.weight, 1), 0.0)
    # final units: rows that no stage of either phase tells apart
    pair = first.unit[inside].astype(np.int64) * second.n_units + second.unit
    _, example, unit = np.unique(pair, return_index=True, return_inverse=True)
    unit1, unit2 = first.unit[inside][example], second.unit[example]
    if variance == "full":
        form = product(
            "two phases",
            [*levels(first.stages, unit1, independent=first_phase == "random"), *levels(second.stages, unit2)],
        )
    else:
        if first.n_units < first.n:
            what = "the approximation is too small where the first phase drew clusters"
            raise Faults([Fault("two_phase", "variance", what, 'variance="full"')])
        form = _approximate(first, second, unit1, unit2, chance[example])
    stages1, stages2 = _seen(first.stages, unit1), _seen(second.stages, unit2)
    stages = min((stages2, stages1), key=lambda s: s[0].stratum.size - np.unique(s[0].stratum).size)
    weights = first.weight[inside] * second.weight
    live = np.zeros(stages[0].stratum.size, dtype=bool)
    live[stages[0].unit[unit[weights > 0]]] = True
    return second.changed(
        data=rows, weight=weights, unit=unit.astype(np.intp), stages=stages, n_units=int(example.size),
        n_psu=int(live.sum()), n_strata=int(np.unique(stages[0].stratum[live]).size), quadratic=form,
    )  # fmt: skip


def _approximate(first: Design, second: Design, unit1: Array, unit2: Array, chance: Array) -> Form:
    """Variances of both phases added, each as if it were the only one."""
    share = np.sqrt(chance)
    [stage] = first.stages[:1]
    own = stage.unit[unit1]
    parent = stage.stratum[own]
    factor = stage.factor[parent]
    present = np.bincount(parent, minlength=stage.size.size)[parent]
    within = product("two phases, approximate", levels(second.stages, unit2))
    return Form(
        within.name,
        within.diagonal + factor * chance,
        (*within.blocks, Block(parent, -factor / present * share, share)),
    )


def _seen(stages: tuple[Stage, ...], unit: Array) -> tuple[Stage, ...]:
    """The first stage as met by the second phase's units: what degrees of freedom are counted from."""
    stage = stages[0]
    occupied, own = np.unique(stage.unit[unit], return_inverse=True)
    strata, stratum = np.unique(stage.stratum[occupied], return_inverse=True)
    size = np.bincount(stratum)
    lonely = np.zeros(strata.size, dtype=bool)
    return (Stage(own.astype(np.intp), stratum.astype(np.intp), size, stage.factor[strata], lonely),)


def _inside(data: pd.DataFrame, subset: str | pd.Series | Array) -> Array:
    values = column(data, subset, "subset") if isinstance(subset, str) else pd.Series(np.asarray(subset))
    where = f"subset {subset!r}" if isinstance(subset, str) else "subset"
    if len(values) != len(data):
        what = f"{len(values):,} values for {len(data):,} rows"
        raise Faults([Fault("two_phase", where, what, "one a row of the first phase")])
    missing = values.isna().to_numpy()
    if missing.any():
        remedy = "say of every row whether it is in the second phase"
        raise Faults([Fault("two_phase", where, "missing values", remedy, **rows_of(missing))])
    if not pd.api.types.is_numeric_dtype(values.dtype) and not pd.api.types.is_bool_dtype(values.dtype):
        raise Faults([Fault("two_phase", where, f"holds {values.dtype}", "recode to 1 = in the second phase, 0 = not")])
    numbers = values.to_numpy(dtype=float)
    other = (numbers != 0) & (numbers != 1)
    if other.any():
        raise Faults([Fault("two_phase", where, "values other than 0 and 1", "recode them", **rows_of(other))])
    if not numbers.any():
        raise Faults([Fault("two_phase", where, "no row is in the second phase", "name the rows that are")])
    return numbers == 1


def _check_options(variance: str, first_phase: str, singleton: str) -> None:
    faults = []

    def fault(where: str, what: str, remedy: str) -> None:
        faults.append(Fault("two_phase", where, what, remedy))

    if variance not in ("full", "approx"):
        fault("variance", f"unknown form {variance!r}", "full or approx")
    if first_phase not in ("fixed", "random"):
        fault("first_phase", f"unknown kind {first_phase!r}", "fixed or random")
    if singleton not in ("error", "certainty"):
        fault("singleton", f"{singleton!r} is not defined for two phases", "error or certainty")
    if faults:
        raise Faults(faults)
