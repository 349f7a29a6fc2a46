"""Recipes of composites: one TOML file each, read strictly, over a tree of any depth.

They lie in ``indicators/composites/``, shipped or an office's own. A composite is a choice: the default is a profile
of indicators, each with its own interval.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from uncac_metrics import strict
from uncac_metrics._data import indicators_folder
from uncac_metrics.cards import ID
from uncac_metrics.model import DIRECTIONS, PROVENANCE, Fault, Faults, Indicator
from uncac_metrics.stats.scores.construction import Construction, Leaf
from uncac_metrics.stats.scores.hierarchy import Node, order
from uncac_metrics.strict import Key, suggest

WEIGHTINGS = ("equal", "pca", "factor", "balance", "infomax", "entropy", "critic")
"""Ways to take the weights of a node from the data; they are found once and then held."""
NEEDS: Mapping[str, tuple[str, ...]] = {
    "minmax": (), "zscore": (), "dist2max": (), "fracmax": (), "rank": (), "prank": (), "borda": (), "none": (),
    "goalposts": ("lower", "upper"), "scaled": ("lower", "upper"), "dist2targ": ("target",), "ampi": ("centre",),
    "baseline": ("centre", "spread"), "reciprocal": (),
}  # fmt: skip
"""Methods of normalisation -> what a leaf must say for them."""
_MAY: Mapping[str, tuple[str, ...]] = {
    "minmax": ("low", "high"), "zscore": ("mean", "sd"), "goalposts": ("scale",), "scaled": ("factor",),
    "baseline": ("mean", "sd", "low", "high"), "reciprocal": ("scale",),
}  # fmt: skip
AGGREGATIONS: Mapping[str, tuple[str, ...]] = {
    "arithmetic": ("population",), "geometric": (), "harmonic": (), "generalised": ("power",),
    "mazziotta_pareto": ("penalty",), "mean_min": ("alpha", "beta"), "copeland": (), "product": (),
    "group_inequality": ("groups",), "unobserved_components": ("representative",),
}  # fmt: skip
"""Methods of aggregation -> the parameters that a node may give."""
_UNWEIGHTED = ("product", "group_inequality", "unobserved_components")
_OPTIONS = tuple(dict.fromkeys(key for keys in AGGREGATIONS.values() for key in keys))
# log_gii is left out: it turns an indicator round whose greatest value is below one
TREATMENTS = (
    "none", "winsorise", "two_stage", "log", "log_ct", "log_ct_plus", "log_ct_original", "box_cox",
)  # fmt: skip
IMPUTATIONS: Mapping[str, tuple[str, ...]] = {
    "none": (), "mean": (), "median": (), "group_mean": (), "group_median": (), "row_mean": (), "row_median": (),
    "latest": ("most",), "constant": (), "linear": (), "em": (), "multiple": ("imputations",),
}  # fmt: skip
KINDS = {
    "experience": "experience", "administrative": "records", "legal": "records", "perception": "opinion",
    "rating": "opinion",
}  # fmt: skip
"""Type of an indicator -> kind of measure; kinds are never blended."""

_TEXT, _OPTIONAL, _NUMBER = Key("text"), Key("text", required=False), Key("number", required=False)
_RECIPE = {
    "name": _TEXT,
    "name_zh": _OPTIONAL,
    "purpose": _TEXT,
    "notes": _OPTIONAL,
    "unit": _TEXT,
    "decimals": Key("whole"),
    "periods": Key("text", ("together", "each"), required=False),
    "provenance": Key("text", PROVENANCE),
    "provenance_note": _TEXT,
    "impute": Key("table", required=False),
    "outliers": Key("table", required=False),
    "leaves": Key("tables"),
    "nodes": Key("tables"),
}
_LEAF_NUMBERS = ("lower", "upper", "target", "centre", "low", "high", "mean", "sd", "scale", "factor", "spread")
_LEAF = {
    "id": _TEXT,
    "name": _OPTIONAL,
    "direction": Key("text", ("higher", "lower")),
    "normalise": Key("text", NEEDS),
    "treat": Key("text", TREATMENTS, required=False),
    "denominator": _OPTIONAL,
    "per": _NUMBER,
    "column": _OPTIONAL,
    **dict.fromkeys(("constant", "least", "most"), _NUMBER),
    **dict.fromkeys(_LEAF_NUMBERS, _NUMBER),
}
_NODE = {
    "id": _TEXT,
    "name": _TEXT,
    "children": Key("texts"),
    "weights": Key("numbers", required=False),
    "weighting": Key("text", WEIGHTINGS, required=False),
    "aggregation": Key("text", AGGREGATIONS, required=False),
    "threshold": _NUMBER,
    **dict.fromkeys(_OPTIONS, _NUMBER),
    "representative": Key("texts", required=False),
}
_OF_LEAF = ("id", "direction", "normalise", "parameters", "treat", "column", "constant", "least", "most")
_OF_NODE = ("id", "children", "weights", "aggregation", "threshold", "options")
_IMPUTE = {"method": Key("text", IMPUTATIONS), "most": _NUMBER, "imputations": Key("whole", required=False)}
_OUTLIERS = {"points": Key("whole", required=False), "skewness": _NUMBER, "kurtosis": _NUMBER}


@dataclass(frozen=True)
class Recipe:
    """How a composite is made."""

    id: str
    name: str
    purpose: str
    unit: str
    decimals: int
    provenance: str
    provenance_note: str
    construction: Construction
    """Leaves and nodes; the last node is the composite."""
    names: Mapping[str, str] = field(default_factory=dict)
    """Leaf or node -> its name."""
    denominators: Mapping[str, tuple[str, float]] = field(default_factory=dict)
    """Leaf -> column that it is divided by, and the multiple of it (100 000 for a rate per 100 000)."""
    weightings: Mapping[str, str] = field(default_factory=dict)
    """Node -> how its weights are taken from the data."""
    name_zh: str = ""
    notes: str = ""
    file: str = ""

    @property
    def top(self) -> str:
        """Id of the node that is the composite."""
        return self.construction.nodes[-1].id


def read_recipe(path: Path, catalogue: Mapping[str, Indicator] | None = None) -> tuple[Recipe | None, list[Fault]]:
    """The composite that a file defines, and what is wrong with the file.

    Parameters
    ----------
    path
        The file; its name without ``.toml`` is the id.
    catalogue
        Indicators by id: leaves that are among them must be of one kind of measure.

    Returns
    -------
    tuple
        The recipe, or None if there is any fault; and the faults.

    Examples
    --------
    >>> recipe, faults = read_recipe(indicators_folder() / "composites" / "HDI-01.toml")
    >>> recipe.construction.nodes[-1].aggregation, faults
    ('geometric', [])
    """
    reader = _Reader(path, catalogue or {})
    return reader.read(), reader.file.faults


class _Reader:
    """One file while it is read."""

    def __init__(self, path: Path, catalogue: Mapping[str, Indicator]) -> None:
        self.path, self.catalogue = path, catalogue
        self.file = strict.File(path)
        self.fault = self.file.fault

    def read(self) -> Recipe | None:
        if not ID.fullmatch(self.path.stem):
            remedy = "capitals and digits joined by hyphens, a number last, as in CO-01"
            self.fault("", f"the file name {self.path.stem!r} cannot be an id", remedy)
        raw = self.file.toml()
        if raw is None:
            return None
        recipe = self.file.table(raw, _RECIPE, "")
        if not 0 <= recipe.get("decimals", 0) <= 9:
            self.fault("decimals", f"{recipe['decimals']} is out of range", "give a number from 0 to 9")
        leaves = [self.leaf(one, f"leaves[{k}]") for k, one in enumerate(recipe.pop("leaves", []), 1)]
        nodes = [self.node(one, f"nodes[{k}]") for k, one in enumerate(recipe.pop("nodes", []), 1)]
        impute, options = self.steps(recipe.pop("impute", {"method": "none"}), recipe.pop("outliers", {}))
        if leaves and nodes:
            self.tree([leaf.get("id", "") for leaf in leaves], nodes)
            self.one_kind(leaves)
        if self.file.faults:
            return None
        divided = [leaf for leaf in leaves if "denominator" in leaf]
        return Recipe(
            id=self.path.stem,
            construction=Construction(
                leaves=tuple(Leaf(**{k: leaf[k] for k in _OF_LEAF if k in leaf}) for leaf in leaves),
                nodes=order([Node(**{k: node[k] for k in _OF_NODE if k in node}) for node in nodes]),
                impute=impute,
                options=options,
                together=recipe.pop("periods", "together") == "together",
            ),
            names={one["id"]: one.get("name", one["id"]) for one in [*leaves, *nodes]},
            denominators={leaf["id"]: (leaf["denominator"], float(leaf.get("per", 1))) for leaf in divided},
            weightings={node["id"]: node["weighting"] for node in nodes if node.get("weighting", "equal") != "equal"},
            file=str(self.path),
            **recipe,
        )

    def leaf(self, raw: Any, where: str) -> dict[str, Any]:
        leaf = self.file.table(raw, _LEAF, where)
        given = {k: leaf.pop(k) for k in _LEAF_NUMBERS if k in leaf}
        method = leaf.get("normalise")
        if method is not None:
            for key in NEEDS[method]:
                if key not in given and key not in raw:
                    self.fault(f"{where}.{key}", f"{method} needs it", f"add {key} = 0 in the indicator's unit")
            for key in given:
                if key not in (*NEEDS[method], *_MAY.get(method, ())):
                    self.fault(f"{where}.{key}", f"{method} does not take it", "leave it out")
        stated: dict[str, Any] = given | {k: leaf[k] for k in ("least", "most") if k in leaf}
        for low, high in (("lower", "upper"), ("low", "high"), ("least", "most")):
            if low in stated and high in stated and not stated[low] < stated[high]:
                self.fault(f"{where}.{low}", f"{stated[low]} is not below {high} = {stated[high]}", "exchange them")
        if "constant" in leaf and (method != "none" or leaf.keys() & {"column", "denominator", "treat"}):
            self.fault(f"{where}.constant", "is a score already", 'say normalise = "none", and no column or treatment')
        if {"column", "denominator"} <= leaf.keys():
            self.fault(f"{where}.denominator", "cannot stand beside column", "divide the column beforehand")
        if method == "baseline" and leaf.get("treat") == "log":
            self.fault(f"{where}.treat", "a baseline is stated in the unit of the data", "leave the logarithm out")
        if leaf.get("treat") == "log" and any(v <= 0 for k, v in given.items() if k in ("lower", "upper", "target")):
            self.fault(f"{where}.treat", "bounds of a logarithm must be above zero", "raise the bounds")
        if "per" in leaf and "denominator" not in leaf:
            self.fault(f"{where}.per", "there is no denominator", "name the denominator, or leave out per")
        for key, value in {**given, "per": leaf.get("per", 1.0)}.items():
            if not math.isfinite(value) or (key in ("sd", "spread", "scale", "factor", "per") and value <= 0):
                self.fault(f"{where}.{key}", f"{value} is out of range", "give a number above 0")
        leaf["direction"] = -1 if leaf.get("direction") == "lower" else 1
        return {**leaf, "parameters": {k: float(v) for k, v in given.items()}}

    def node(self, raw: Any, where: str) -> dict[str, Any]:
        node = self.file.table(raw, _NODE, where)
        options = {k: node.pop(k) for k in _OPTIONS if k in node}
        method = node.get("aggregation", "arithmetic")
        for key in options:
            if key not in AGGREGATIONS[method]:
                self.fault(f"{where}.{key}", f"{method} does not take it", "leave it out")
        if method == "generalised" and "power" not in raw:
            self.fault(f"{where}.power", "generalised needs it", "add power = 0.5")
        children, weights = node.get("children"), node.get("weights")
        self.sources(node, options, where)
        if children is not None and not children:
            self.fault(f"{where}.children", "the list is empty", "name at least one leaf or node")
        if weights is not None:
            if "weighting" in node:
                self.fault(f"{where}.weighting", "cannot stand beside weights", "leave out one of the two")
            if children is not None and len(weights) != len(children):
                what = f"{len(weights)} weights for {len(children)} children"
                self.fault(f"{where}.weights", what, "give one a child, in their order")
            if any(w < 0 or not math.isfinite(w) for w in weights) or not sum(weights) > 0:
                self.fault(f"{where}.weights", "weights must not be negative, and not all zero", "change them")
        if not 0 <= node.get("threshold", 0) <= 1:
            self.fault(f"{where}.threshold", f"{node['threshold']} is out of range", "give a share from 0 to 1")
        fields = {k: tuple(v) if isinstance(v, list) else v for k, v in node.items()}
        return {**fields, "options": options}

    def sources(self, node: Mapping[str, Any], options: Mapping[str, Any], where: str) -> None:
        """Whether what is said of children as sources, or as groups, fits them."""
        method, children = node.get("aggregation", "arithmetic"), node.get("children", ())
        if method in _UNWEIGHTED or "population" in options:
            for key in {"weights", "weighting"} & node.keys():
                self.fault(f"{where}.{key}", "the children have no weights of their own here", "leave it out")
        if method == "unobserved_components" and len(options.get("representative", ())) < 3:
            self.fault(f"{where}.representative", "fewer than three", "name three at least that rate all units")
        for name in options.get("representative", ()):
            if name not in children:
                self.fault(f"{where}.representative", f'"{name}" is not a child', suggest(name, children))
        if "population" in options and not options["population"] >= max(len(children), 2):
            self.fault(f"{where}.population", "is less than the number of children", "give the number of all sources")
        n, groups = len(children), options.get("groups", 2)
        if method == "group_inequality" and (groups < 2 or n % groups):
            self.fault(f"{where}.groups", f"{n} children cannot be {groups} groups", "name them group by group")

    def steps(self, impute: Mapping[str, Any], outliers: Mapping[str, Any]) -> tuple[str, dict[str, float]]:
        filled = self.file.table(impute, _IMPUTE, "impute")
        method = filled.pop("method", "none")
        for key in filled:
            if key not in IMPUTATIONS[method]:
                self.fault(f"impute.{key}", f"{method} does not take it", "leave it out")
        if not filled.get("imputations", 2) >= 2:
            self.fault("impute.imputations", "fewer than two", "impute at least twice, better 20 times")
        limits = self.file.table(outliers, _OUTLIERS, "outliers")
        for key, value in limits.items():
            if value < 0:
                self.fault(f"outliers.{key}", f"{value} is out of range", "give a number from 0 up")
        return method, {**filled, **limits}

    def tree(self, leaves: Sequence[str], nodes: Sequence[Mapping[str, Any]]) -> None:
        """Whether the nodes make one tree that holds every leaf."""
        ids = [*leaves, *(node.get("id", "") for node in nodes)]
        for name in sorted({i for i in ids if i and ids.count(i) > 1}):
            self.fault("", f'the id "{name}" is used more than once', "give each leaf and node an id of its own")
        used: dict[str, str] = {}
        for k, node in enumerate(nodes, 1):
            for child in node.get("children", ()):
                if child not in ids:
                    self.fault(f"nodes[{k}].children", f'there is no leaf or node "{child}"', suggest(child, ids))
                elif child in used:
                    what = f'"{child}" stands under {used[child]} already'
                    self.fault(f"nodes[{k}].children", what, "a leaf or node has one parent")
                used.setdefault(child, node.get("id", ""))
        for leaf in leaves:
            if leaf and leaf not in used:
                self.fault("leaves", f'"{leaf}" is under no node', "name it among the children of one")
        tops = [node["id"] for node in nodes if "id" in node and node["id"] not in used]
        if len(tops) > 1:
            self.fault("nodes", f"{', '.join(tops)} have no parent", "leave one node at the top")
        complete = not self.file.faults
        if complete and (not tops or len(_reach(tops[0], nodes)) < len(nodes)):
            self.fault("nodes", "nodes are made of each other in a circle", "let every node stand above its children")

    def one_kind(self, leaves: Sequence[Mapping[str, Any]]) -> None:
        """Experience, records and opinions are three kinds of measure and are not blended."""
        kinds: dict[str, str] = {}
        for leaf in leaves:
            card = self.catalogue.get(leaf.get("id", ""))
            if card is None:
                continue
            kinds.setdefault(KINDS[card.type], card.id)
            stated = {"lower": -1, "higher": 1}.get(card.direction)
            if stated is None:
                what = f"{card.id} has {DIRECTIONS['none'].lower()}"
                self.fault("leaves", what, "leave it out: no score can say which value is better")
            elif stated != leaf["direction"]:
                self.fault("leaves", f"the card of {card.id} says {card.direction} is better", "follow the card")
        if len(kinds) > 1:
            what = f"{' and '.join(f'{c} ({k})' for k, c in kinds.items())} are different kinds of measure"
            self.fault("leaves", what, "make a composite of each kind; they are not blended")


def _reach(top: str, nodes: Sequence[Mapping[str, Any]]) -> set[str]:
    children = {node["id"]: node["children"] for node in nodes}
    seen: set[str] = set()
    waiting = [top]
    while waiting:
        name = waiting.pop()
        if name in children and name not in seen:
            seen.add(name)
            waiting += children[name]
    return seen


def load_recipe(id_or_path: str | Path, *folders: str | Path) -> Recipe:
    """A recipe by its id, among those shipped and those of the folders, or by its file.

    Parameters
    ----------
    id_or_path
        Id of a recipe, or the path of its file.
    *folders
        Folders in which it is looked for beside the shipped one.

    Returns
    -------
    Recipe

    Raises
    ------
    uncac_metrics.model.Faults
        With every fault of the file, or if there is none.

    Examples
    --------
    >>> load_recipe("HDI-01").unit
    'index, 0 to 1'
    """
    from uncac_metrics.catalogue import load_catalogue

    path = Path(id_or_path)
    if path.suffix != ".toml":
        files = {p.stem: p for p in _files(folders)}
        if str(id_or_path) not in files:
            raise Faults([Fault(str(id_or_path), "", "there is no such recipe", suggest(str(id_or_path), files))])
        path = files[str(id_or_path)]
    recipe, faults = read_recipe(path, load_catalogue(*folders))
    if recipe is None:
        raise Faults(faults)
    return recipe


def read_recipes(
    folders: Sequence[str | Path] = (), catalogue: Mapping[str, Indicator] | None = None
) -> tuple[dict[str, Recipe], list[Fault]]:
    """The recipes without faults of the shipped folder and of those given, and the faults of the others.

    Parameters
    ----------
    folders
        Folders of recipes beside the shipped one.
    catalogue
        Definitions that leaves may name; the shipped ones where not given.

    Returns
    -------
    dict of str to Recipe, list of Fault
        The recipes by id, and the faults.

    Examples
    --------
    >>> recipes, faults = read_recipes()
    >>> "HDI-01" in recipes, faults
    (True, [])
    """
    recipes: dict[str, Recipe] = {}
    faults: list[Fault] = []
    taken: dict[str, Path] = {}
    for path in _files(folders):
        first = taken.setdefault(path.stem, path)
        if first is not path:
            what = f"the id {path.stem} is taken by {first}"
            faults.append(Fault(str(path), "", what, "give the file another name: an id is used once"))
        recipe, wrong = read_recipe(path, catalogue)
        faults += wrong
        if recipe is not None:
            recipes[recipe.id] = recipe
    return recipes, faults


def _files(folders: Sequence[str | Path]) -> list[Path]:
    roots = [indicators_folder(), *(Path(f) / "indicators" for f in folders)]
    found = [p for root in roots for p in sorted((root / "composites").glob("*.toml")) if not p.name.startswith(".")]
    return list({p.resolve(): p for p in found}.values())
