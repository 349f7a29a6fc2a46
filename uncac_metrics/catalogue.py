"""The catalogue: the shipped indicator cards and those of offices, and what they cover of the declaration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from uncac_metrics._data import indicators_folder
from uncac_metrics.cards import ESTIMATORS, read_card, suggest
from uncac_metrics.model import Fault, Faults, Indicator

if TYPE_CHECKING:
    import pandas as pd

    from uncac_metrics.stats import Estimates

__all__ = ["ESTIMATORS", "check_catalogue", "coverage", "load_catalogue", "own_methods", "suggest"]


def load_catalogue(*folders: str | Path) -> dict[str, Indicator]:
    """Indicators by id: the shipped ones, then those of the folders given.

    Parameters
    ----------
    *folders
        Offices' folders, whose ``indicators/`` is read, or folders of cards. Cards lie in them or in folders
        by topic.

    Returns
    -------
    dict
        Id -> :class:`uncac_metrics.model.Indicator`, in the order of the folders and of the file names.

    Raises
    ------
    uncac_metrics.model.Faults
        With every fault of every file, an id that is used twice among them.

    Examples
    --------
    >>> catalogue = load_catalogue()
    >>> catalogue["BR-01"].measure.denominator
    'with_contact'
    """
    catalogue, faults = read_folders(folders)
    if faults:
        raise Faults(faults)
    return catalogue


def check_catalogue(*folders: str | Path) -> list[Fault]:
    """Every fault of the shipped cards and of those in the folders given; an empty list if there is none.

    Examples
    --------
    >>> check_catalogue()
    []
    """
    return read_folders(folders)[1]


def own_methods(catalogue: Mapping[str, Indicator]) -> dict[str, str]:
    """Ids of the indicators whose estimator is a function of an office's own, with its name: they run code.

    Examples
    --------
    >>> own_methods(load_catalogue())
    {}
    """
    return {i.id: i.measure.estimator for i in catalogue.values() if ":" in i.measure.estimator}


def coverage(
    catalogue: Mapping[str, Indicator] | None = None,
    release: str | Path | pd.DataFrame | Estimates | None = None,
) -> pd.DataFrame:
    """How the numbered paragraphs of the political declaration are covered by indicators and by data.

    Parameters
    ----------
    catalogue
        Indicators by id; by default the shipped ones.
    release
        A release (its folder or its ``estimates.csv``) or a table of estimates. An indicator has data where a
        value is published; withheld values do not count.

    Returns
    -------
    pandas.DataFrame
        A row for each of the 86 paragraphs: paragraph, section, title, nature, strength, scored, indicators
        (ids of those linked to the paragraph) and n_indicators; with a release also indicators_with_data,
        latest_period and oldest_period (missing where there are no data).

    Raises
    ------
    uncac_metrics.model.Faults
        If the release cannot be read.

    Notes
    -----
    Counting indicators says how much is measured, not how well a commitment is kept. A paragraph that is not
    scored has no indicators.

    Examples
    --------
    >>> table = coverage().set_index("paragraph")
    >>> len(table), "BR-01" in table.loc["74", "indicators"], int(table.loc["35", "n_indicators"])
    (86, True, 0)
    """
    import pandas as pd

    from uncac_metrics import reference

    indicators = (load_catalogue() if catalogue is None else catalogue).values()
    declaration = reference.load("declaration")
    numbered = declaration[declaration["part"] == "operative"]
    table = numbered[["paragraph", "section", "title", "nature", "strength"]].reset_index(drop=True)
    table["scored"] = (numbered["scored"] == "1").to_numpy()
    linked = [[i.id for i in indicators if p in i.paragraphs] for p in table["paragraph"]]
    table["indicators"] = pd.Series(linked, dtype=object)
    table["n_indicators"] = [len(ids) for ids in linked]
    if release is None:
        return table
    periods = _periods(release)
    with_data = [[i for i in ids if i in periods.index] for ids in linked]
    table["indicators_with_data"] = pd.Series(with_data, dtype=object)
    for name, choose in (("latest", max), ("oldest", min)):
        ends = [choose(periods.loc[ids, name]) if ids else None for ids in with_data]
        table[f"{name}_period"] = pd.Series(ends, dtype="str")
    return table


def _periods(release: str | Path | pd.DataFrame | Estimates) -> pd.DataFrame:
    """Latest and oldest period with a published value, by indicator."""
    import pandas as pd

    needed = ["indicator", "time_period", "value"]
    if isinstance(release, str | Path):
        file = Path(release)
        file = file / "estimates.csv" if file.is_dir() else file
        if not file.is_file():
            remedy = "give the folder that a build wrote, or its estimates.csv"
            raise Faults([Fault(str(release), "", "there is no such release", remedy)])
        text = dict.fromkeys(("indicator", "time_period", "display"), "str")
        frame = pd.read_csv(file, dtype=text, usecols=lambda c: c in {*needed, "display"})
    else:
        file = Path("release")
        frame = release if isinstance(release, pd.DataFrame) else release.table
    missing = [c for c in needed if c not in frame.columns]
    if missing:
        remedy = "give a table of estimates"
        raise Faults(Fault(str(file), c, "the column is missing", remedy) for c in missing)
    published = frame["value"].notna()
    if "display" in frame.columns:
        published &= frame["display"] != "withheld"
    period = frame.loc[published, "time_period"].astype("str")
    return period.groupby(frame.loc[published, "indicator"].astype("str")).agg(latest="max", oldest="min")


def read_folders(folders: Sequence[str | Path]) -> tuple[dict[str, Indicator], list[Fault]]:
    """The cards without faults of the shipped folder and of those given, and the faults of the others."""
    catalogue: dict[str, Indicator] = {}
    faults: list[Fault] = []
    files: dict[str, Path] = {}
    seen = set()
    for folder in (indicators_folder(), *map(Path, folders)):
        if not folder.is_dir():
            remedy = "give an office's folder or a folder of indicator cards"
            faults.append(Fault(str(folder), "", "there is no such folder", remedy))
            continue
        root, paths = _cards(folder)
        for path in paths:
            if path.resolve() in seen:
                continue
            seen.add(path.resolve())
            first = files.setdefault(path.stem, path)
            if first is not path:
                what = f"the id {path.stem} is taken by {first}"
                faults.append(Fault(str(path), "", what, "give the file another name: an id is used once"))
            indicator, wrong = read_card(path, "" if path.parent == root else path.parent.name)
            faults += wrong
            if indicator is not None:
                catalogue[indicator.id] = indicator
    return catalogue, faults


def _cards(folder: Path) -> tuple[Path, list[Path]]:
    """The folder that holds the cards, and the cards in it in a fixed order."""
    root = folder / "indicators"
    if not root.is_dir():
        if (folder / "office.toml").is_file():
            return root, []
        root = folder
    recipes = root / "composites"  # of composites, not of indicators: see uncac_metrics.recipes
    found = (p for p in root.rglob("*.toml") if not p.name.startswith(".") and recipes not in p.parents)
    return root, sorted(found)
