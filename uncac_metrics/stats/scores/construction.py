"""The steps of a composite as one function of an array: impute, treat, normalise, aggregate up the tree.

A construction is data; replaying it with another choice is giving another one. Rows are units, or units in periods.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from uncac_metrics.model import Fault, Faults
from uncac_metrics.stats.scores import impute, normalise, treat
from uncac_metrics.stats.scores.aggregate import COMPARING, METHODS, standard_error
from uncac_metrics.stats.scores.hierarchy import Node, climber

Array = np.ndarray
Score = Callable[..., Array]
"""``(values (..., rows, columns), weights=None, given=None) -> scores (..., rows, nodes)``."""

TREATMENTS = ("none", "winsorise", "two_stage", "log", *treat.TRANSFORMS)
"""What can be done to the values of a leaf before they are normalised; ``log`` is the natural logarithm."""
IMPUTATIONS = (
    "none", "mean", "median", "group_mean", "group_median", "row_mean", "row_median", "latest", "constant", "linear",
    "em", "multiple",
)  # fmt: skip
OF_LEAF = ("lower", "upper", "target", "centre", "spread")
"""Parameters of normalisation that each leaf has its own of; all others are shared by the leaves of a method."""


@dataclass(frozen=True)
class Leaf:
    """What is done to one indicator before it is aggregated."""

    id: str
    direction: int = 1
    """−1 where a lower value is better."""
    normalise: str = "minmax"
    parameters: Mapping[str, float] = field(default_factory=dict)
    """In the indicator's own units."""
    treat: str = "none"
    column: str = ""
    """Column of the data; that of its own name where empty. Leaves that share one share its errors."""
    constant: float | None = None
    """The same number for all units, a standard, in place of a column."""
    least: float = -np.inf
    """Values below it count as this much, before anything else is done."""
    most: float = np.inf


@dataclass(frozen=True)
class Construction:
    """How scores are made from values."""

    leaves: tuple[Leaf, ...]
    nodes: tuple[Node, ...]
    """Every node after its children."""
    impute: str = "none"
    options: Mapping[str, float] = field(default_factory=dict)
    """Of the imputation (`most`, `imputations`) and of outlier treatment (`points`, `skewness`, `kurtosis`)."""
    together: bool = True
    """What normalisation takes from the data is taken from all periods together, so that change shows."""

    @property
    def columns(self) -> list[str]:
        """Columns of the data that the leaves rest on: those of the values that scores are made of."""
        return list(dict.fromkeys(leaf.column or leaf.id for leaf in self.leaves if leaf.constant is None))

    @property
    def places(self) -> list[int]:
        """Column of each leaf, −1 for a constant."""
        at = {name: j for j, name in enumerate(self.columns)}
        return [at[leaf.column or leaf.id] if leaf.constant is None else -1 for leaf in self.leaves]


@dataclass(frozen=True, eq=False)
class Layout:
    """What the rows are."""

    unit: Array
    """Code of the unit of each row, 0, 1, …"""
    period: Array
    """Code of its period, 0, 1, …, in the order of time."""
    times: Array
    """When each period is."""
    group: Array | None = None
    """Group of each row, for imputation by group."""

    @staticmethod
    def single(n: int) -> Layout:
        """n units in one period."""
        return Layout(np.arange(n), np.zeros(n, dtype=int), np.zeros(1))


def scorer(construction: Construction, layout: Layout) -> Score:
    """The function that scores values by a construction.

    Parameters
    ----------
    construction : Construction
    layout : Layout

    Returns
    -------
    callable
        ``(values, weights=None, given=None) -> scores``: values of shape (..., rows, columns), scores of shape
        (..., rows, nodes); `weights` and `given` as in :func:`~uncac_metrics.stats.scores.hierarchy.climber`.

    Examples
    --------
    >>> leaves = (Leaf("a"), Leaf("b", direction=-1))
    >>> score = scorer(Construction(leaves, (Node("top", ("a", "b")),)), Layout.single(3))
    >>> score(np.array([[1.0, 9.0], [2.0, 5.0], [3.0, 1.0]])).ravel()
    array([  0.,  50., 100.])
    """
    prepare = normaliser(construction, layout)
    up = climber([leaf.id for leaf in construction.leaves], construction.nodes)
    compares = any(node.aggregation in COMPARING for node in construction.nodes)
    periods = _periods(layout)

    def score(
        values: Array, weights: Mapping[str, Array] | None = None, given: Mapping[str, Array] | None = None
    ) -> Array:
        leaves = prepare(values)
        if not compares or len(periods) == 1:
            return up(leaves, weights, given)
        out = np.empty((*leaves.shape[:-1], len(construction.nodes)))
        for rows in periods:  # units are compared with those of their own period
            known = {name: s[..., rows] for name, s in given.items()} if given else None
            out[..., rows, :] = up(leaves[..., rows, :], weights, known)
        return out

    return score


def _periods(layout: Layout) -> list[Array]:
    return [np.flatnonzero(layout.period == t) for t in range(len(layout.times))]


def inference_errors(construction: Construction, layout: Layout, values: Array) -> dict[int, Array]:
    """Standard errors (rows,) of the nodes that infer their scores, by place, for values of shape (rows, columns)."""
    leaves = normaliser(construction, layout)(values)
    at = {leaf.id: j for j, leaf in enumerate(construction.leaves)}
    out: dict[int, Array] = {}
    for k, node in enumerate(construction.nodes):
        columns = [at.get(c, -1) for c in node.children]
        if -1 in columns:
            continue
        parts = [(r, standard_error(leaves[r][:, columns], node.aggregation, **node.parameters))
                 for r in _periods(layout)]  # fmt: skip
        for rows, error in parts:
            if error is not None:
                out.setdefault(k, np.full(len(leaves), np.nan))[rows] = error
    return out


def normaliser(construction: Construction, layout: Layout) -> Callable[[Array], Array]:
    """The function up to and with normalisation: (..., rows, columns) in, (..., rows, leaves) out."""
    _refuse_unknown(construction)
    fill = _filler(construction, layout)
    spread = _spreader(construction)
    steps = [_step(construction, members) for members in _alike(construction.leaves)]
    together = construction.together or len(layout.times) == 1
    periods = _periods(layout)

    def prepare(values: Array) -> Array:
        filled = fill(spread(values))
        if together:
            return _apply(steps, filled)
        out = np.empty(filled.shape)
        for rows in periods:
            out[..., rows, :] = _apply(steps, filled[..., rows, :])
        return out

    return prepare


def _spreader(construction: Construction) -> Callable[[Array], Array]:
    """The function from columns to leaves."""
    places = construction.places
    if places == list(range(len(places))):
        return lambda values: values
    fixed = {j: leaf.constant for j, leaf in enumerate(construction.leaves) if leaf.constant is not None}

    def spread(values: Array) -> Array:
        out = values[..., places]
        for j, constant in fixed.items():
            out[..., j] = constant
        return out

    return spread


def _refuse_unknown(construction: Construction) -> None:
    named: list[tuple[str, str, tuple[str, ...]]] = [("impute", construction.impute, IMPUTATIONS)]
    named += [(f"{leaf.id}: treat", leaf.treat, TREATMENTS) for leaf in construction.leaves]
    named += [(f"{leaf.id}: normalise", leaf.normalise, tuple(normalise.METHODS)) for leaf in construction.leaves]
    named += [(f"{node.id}: aggregation", node.aggregation, METHODS) for node in construction.nodes]
    faults = [
        Fault("construction", where, f'there is no method "{name}"', f"one of {', '.join(known)}")
        for where, name, known in named
        if name not in known
    ]
    ids = {leaf.id for leaf in construction.leaves}
    for node in construction.nodes:
        infers = node.aggregation == "unobserved_components" or "population" in node.options
        if infers and not ids.issuperset(node.children):
            what = "only leaves can be sources of it"
            faults.append(Fault("construction", f"{node.id}: children", what, "aggregate nodes by a mean"))
    if faults:
        raise Faults(faults)


Step = tuple[list[int], Callable[[Array], Array]]


def _apply(steps: list[Step], values: Array) -> Array:
    if len(steps) == 1:
        return steps[0][1](values)
    out = np.empty(values.shape)
    for columns, step in steps:
        out[..., columns] = step(values[..., columns])
    return out


def _alike(leaves: tuple[Leaf, ...]) -> list[list[tuple[int, Leaf]]]:
    """Leaves that one call can normalise together."""
    kinds: dict[Any, list[tuple[int, Leaf]]] = {}
    for j, leaf in enumerate(leaves):
        shared = tuple(sorted((k, v) for k, v in leaf.parameters.items() if k not in OF_LEAF))
        own = frozenset(leaf.parameters) & frozenset(OF_LEAF)
        bounded = leaf.least > -np.inf or leaf.most < np.inf
        kinds.setdefault((leaf.treat, leaf.normalise, shared, own, bounded), []).append((j, leaf))
    return list(kinds.values())


def _step(construction: Construction, members: list[tuple[int, Leaf]]) -> Step:
    """Columns, and the function that treats and normalises them."""
    first = members[0][1]
    direction = np.array([leaf.direction for _, leaf in members], dtype=float)
    parameters: dict[str, Any] = dict(first.parameters)
    for name in OF_LEAF:
        if name in parameters:
            own = np.array([leaf.parameters[name] for _, leaf in members], dtype=float)
            parameters[name] = np.log(own) if first.treat == "log" else own
    turned = normalise.turn(parameters, direction)
    kernel = normalise.METHODS[first.normalise]
    around = None if (direction > 0).all() else direction
    treated = _treatment(first.treat, construction.options)
    bounds = np.array([[leaf.least for _, leaf in members], [leaf.most for _, leaf in members]])
    bounded = bool(np.isfinite(bounds).any())

    def step(values: Array) -> Array:
        within = np.clip(values, *bounds) if bounded else values
        x = within if treated is None else treated(within)
        return kernel(x if around is None else x * around, **turned)

    return [j for j, _ in members], step


def _treatment(name: str, options: Mapping[str, float]) -> Callable[[Array], Array] | None:
    g1, g2 = options.get("skewness", 2.0), options.get("kurtosis", 3.5)
    points = int(options.get("points", 5))
    if name == "none":
        return None
    if name == "winsorise":
        return lambda x: treat.winsorise(x, points, g1, g2)[0]
    if name == "two_stage":
        return lambda x: treat.treat(x, most=points, skewness=g1, kurtosis=g2).values
    if name == "log":
        return _logarithm
    return treat.TRANSFORMS[name]


def _logarithm(x: Array) -> Array:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(x > 0, np.log(x), np.nan)


def _filler(construction: Construction, layout: Layout) -> Callable[[Array], Array]:
    """The function that imputes; those by a normal distribution are made beforehand (:func:`fill_by_model`)."""
    method = construction.impute
    kind, _, statistic = method.partition("_")
    if method in ("none", "em", "multiple"):
        return lambda x: x
    if method in ("mean", "median"):
        return lambda x: impute.column(x, method, layout.period)
    if kind == "group":
        if layout.group is None:
            raise Faults([Fault("impute", "group", "no groups are named", "name the column of groups")])
        cells = np.unique(np.column_stack([layout.period, layout.group]), axis=0, return_inverse=True)[1].ravel()
        return lambda x: impute.column(x, statistic, cells)
    if kind == "row":
        parents = {child: k for k, node in enumerate(construction.nodes) for child in node.children}
        groups = np.array([parents.get(leaf.id, -1) for leaf in construction.leaves])
        direction = np.array([leaf.direction for leaf in construction.leaves], dtype=float)
        return lambda x: impute.row(x * direction, statistic, groups) * direction
    place = layout.period, layout.unit
    shape = len(layout.times), int(layout.unit.max(initial=-1)) + 1

    def through_time(x: Array) -> Array:
        cube = np.full((*shape, *x.shape[:-2], x.shape[-1]), np.nan)
        cube[place] = np.moveaxis(x, -2, 0)
        if method == "latest":
            filled = impute.latest(cube, layout.times, construction.options.get("most"))
        else:
            filled = impute.linear(cube, layout.times, method)
        return np.moveaxis(filled[place], 0, -2)

    return through_time


def fill_by_model(values: Array, construction: Construction, seed: int = 0) -> Array:
    """Values filled by a multivariate normal of the leaves: (imputations, rows, leaves), one imputation but for MI."""
    if construction.impute == "em":
        return impute.conditional_mean(values, impute.em(values))[None]
    if construction.impute == "multiple":
        return impute.multiple(values, int(construction.options.get("imputations", 20)), seed=seed)
    return values[None]


def vary(
    construction: Construction,
    *,
    normalise: str | tuple[str, Mapping[str, float]] | None = None,
    aggregation: str | Mapping[str, str] | None = None,
    weights: str | Mapping[str, tuple[float, ...]] | None = None,
    treat: str | None = None,
    impute: str | None = None,
    threshold: float | None = None,
    together: bool | None = None,
) -> Construction:
    """The construction with other choices; what is not named stays.

    Parameters
    ----------
    construction : Construction
    normalise : str or (str, parameters), optional
        For all leaves. Goalposts and targets that a leaf has are kept where the method takes them.
    aggregation : str or mapping, optional
        For all nodes, or by node.
    weights : 'equal' or mapping of tuples, optional
        For all nodes, or by node.
    treat, impute, threshold, together
        For all leaves, for the construction, for all nodes, for the construction.

    Returns
    -------
    Construction

    Examples
    --------
    >>> base = Construction((Leaf("a"), Leaf("b")), (Node("top", ("a", "b"), (2.0, 1.0)),))
    >>> vary(base, weights="equal", aggregation="geometric").nodes[0].aggregation
    'geometric'
    """
    leaves, nodes = construction.leaves, construction.nodes
    if normalise is not None:
        name, given = (normalise, {}) if isinstance(normalise, str) else normalise
        takes = {"goalposts": ("lower", "upper"), "scaled": ("lower", "upper"), "dist2targ": ("target",)}
        keep = (*takes.get(name, ()), *(("centre",) if name == "ampi" else ()))
        leaves = tuple(
            replace(
                leaf, normalise=name, parameters={**{k: v for k, v in leaf.parameters.items() if k in keep}, **given}
            )
            for leaf in leaves
        )  # fmt: skip
    if treat is not None:
        leaves = tuple(replace(leaf, treat=treat) for leaf in leaves)
    if aggregation is not None:
        by = dict.fromkeys((n.id for n in nodes), aggregation) if isinstance(aggregation, str) else aggregation
        nodes = tuple(
            replace(n, aggregation=by[n.id], options={} if by[n.id] != n.aggregation else n.options)
            if n.id in by else n
            for n in nodes
        )  # fmt: skip
    if weights is not None:
        new = dict.fromkeys((n.id for n in nodes), ()) if isinstance(weights, str) else weights
        nodes = tuple(replace(n, weights=tuple(new[n.id])) if n.id in new else n for n in nodes)
    if threshold is not None:
        nodes = tuple(replace(n, threshold=threshold) for n in nodes)
    return replace(
        construction,
        leaves=leaves,
        nodes=nodes,
        impute=construction.impute if impute is None else impute,
        together=construction.together if together is None else together,
    )
