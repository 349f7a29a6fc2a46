"""Everything that is wrong with an office's folder and the definitions, found in one go."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from uncac_metrics.builds.plan import gather
from uncac_metrics.model import Fault, Faults


@dataclass(frozen=True)
class Checked:
    """What a check found."""

    faults: tuple[Fault, ...]
    counts: Mapping[str, int]
    """What was looked at -> how many of it."""
    methods: Mapping[str, str] = field(default_factory=dict)
    """Indicator -> estimator of the office's own, which runs code that is not the package's."""
    flags: tuple[Fault, ...] = ()
    """Global figures without support that data carry; a flag asks for a look and is no fault."""


def check(office: str | Path | None = None, *, allow_code: bool = False) -> Checked:
    """Check reference tables, cards, worked cases, recipes, translations, the office's file, its sources and its data.

    Parameters
    ----------
    office
        The office's folder; the bundled example office where none is given.
    allow_code
        Whether worked cases of methods of the office's own are run; otherwise these are only listed.

    Returns
    -------
    Checked
        Nothing is raised for what is wrong in files: the faults are in the result.
    """
    from uncac_metrics import reference
    from uncac_metrics.builds.content import check_publication
    from uncac_metrics.catalogue import own_methods
    from uncac_metrics.datasets import load_dataset
    from uncac_metrics.estimators import run_cases
    from uncac_metrics.recipes import read_recipes

    faults = list(reference.check())
    try:
        inputs = gather(office)
    except Faults as caught:
        return Checked((*faults, *caught.faults), {})
    faults += [*inputs.faults, *check_publication(inputs)]
    catalogue = inputs.catalogue
    # the shipped cards were held against their cases when they were shipped
    own = [
        c for c in catalogue.values() if office is None or Path(c.file).resolve().is_relative_to(Path(office).resolve())
    ]
    listed = own_methods(catalogue)
    for card in own:
        if allow_code or card.id not in listed:
            faults += run_cases(card)
    recipes, wrong = read_recipes([] if office is None else [office], catalogue)
    faults += wrong
    rows = 0
    flags: list[Fault] = []
    for source in inputs.sources.values():
        try:
            data = load_dataset(source.file)
            rows += len(data.table)
            flags += data.flags
        except Faults as caught:
            faults += caught.faults
    counts = {
        "reference tables": len(reference.NAMES),
        "indicators": len(catalogue),
        "worked cases": sum(len(card.cases) for card in own),
        "composites": len(recipes),
        "data sets": len(inputs.sources),
        "rows of data": rows,
    }
    return Checked(tuple(dict.fromkeys(faults)), counts, listed, tuple(flags))
