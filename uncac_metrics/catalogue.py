"""The catalogue: the shipped indicator cards and those of offices, and what they cover of the declaration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from uncac_metrics._data import indicators_folder
from uncac_metrics.cards import ESTIMATORS, read_card, suggest
from uncac_metrics.model import Fault, Faults, Indicator
from uncac_metrics.results import estimates_file

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

    Parameters
    ----------
    *folders
        Folders of cards beside the shipped one.

    Returns
    -------
    list of Fault

    Examples
    --------
    >>> check_catalogue()
    []
    """
    return read_folders(folders)[1]


def own_methods(catalogue: Mapping[str, Indicator]) -> dict[str, str]:
    """Ids of the indicators whose estimator is a function of an office's own, with its name: they run code.

    Parameters
    ----------
    catalogue
        Definitions by id.

    Returns
    -------
    dict of str to str
        Id -> name of the function, as ``module:function``.

    Examples
    --------
    >>> own_methods(load_catalogue())
    {}
    """
    return {i.id: i.measure.estimator for i in catalogue.values() if ":" in i.measure.estimator}


COVERED = ("paragraph", "section", "article", "target")
"""What coverage can be told of."""


def coverage(
    catalogue: Mapping[str, Indicator] | None = None,
    release: str | Path | pd.DataFrame | Estimates | None = None,
    *,
    by: str = "paragraph",
) -> pd.DataFrame:
    """How the political declaration, the Convention and the targets are covered by indicators and by data.

    Parameters
    ----------
    catalogue
        Indicators by id; by default the shipped ones.
    release
        A release (its folder or its ``estimates.csv``) or a table of estimates. An indicator has data where a
        value is published; withheld values do not count.
    by : {"paragraph", "section", "article", "target"}
        What has a row: the 86 numbered paragraphs of the declaration, its seven sections, the 71 articles of the
        Convention, or the SDG targets that indicators may be linked to.

    Returns
    -------
    pandas.DataFrame
        Always ``title``, ``indicators`` (ids of those linked to it) and ``n_indicators``; with a release also
        ``indicators_with_data``, ``latest_period`` and ``oldest_period`` (missing where there are no data).

        For paragraphs besides: paragraph, section, nature, strength, scored, ``tracked`` (``indicators``,
        ``milestones`` where it is addressed to the United Nations, ``not scored``, ``nothing to measure``) and
        ``note``, which says why a paragraph is not scored. For sections: section, ``paragraphs`` in it,
        ``measurable`` ones (of nature quantifiable or legal) and how many of them are ``covered`` by an indicator.

    Raises
    ------
    uncac_metrics.model.Faults
        If the release cannot be read, or `by` is none of the four.

    Notes
    -----
    Counting indicators says how much is measured, not how well a commitment is kept. A paragraph that is not
    scored has no indicators.

    Examples
    --------
    >>> table = coverage().set_index("paragraph")
    >>> len(table), "BR-01" in table.loc["74", "indicators"], int(table.loc["35", "n_indicators"])
    (86, True, 0)
    >>> table.loc["35", "tracked"], table.loc["80", "tracked"]
    ('not scored', 'milestones')
    """
    from uncac_metrics import reference

    if by not in COVERED:
        raise Faults([Fault("coverage", "by", f"no coverage by {by!r}", suggest(by, COVERED))])
    indicators = list((load_catalogue() if catalogue is None else catalogue).values())
    declaration = reference.load("declaration")
    numbered = declaration[declaration["part"] == "operative"].reset_index(drop=True)
    if by == "article":
        table = reference.load("articles")[["article", "chapter", "title"]]
        return _covered(table, [[i.id for i in indicators if a in i.articles] for a in table["article"]], release)
    if by == "target":
        targets = reference.load("sdg")
        table = targets.loc[targets["level"] == "target", ["code", "title"]].reset_index(drop=True)
        table = table.rename(columns={"code": "target"})
        linked = [[i.id for i in indicators if any(_below(c, t) for c in i.targets)] for t in table["target"]]
        return _covered(table, linked, release)
    linked = [[i.id for i in indicators if p in i.paragraphs] for p in numbered["paragraph"]]
    if by == "section":
        return _covered(*_sections(numbered, linked), release)
    table = numbered[["paragraph", "section", "title", "nature", "strength"]].copy()
    table["scored"] = numbered["scored"] == "1"
    table["tracked"] = "indicators"
    table.loc[table["nature"] == "un_addressed", "tracked"] = "milestones"
    table.loc[table["nature"] == "none", "tracked"] = "nothing to measure"
    table.loc[~table["scored"], "tracked"] = "not scored"
    table["note"] = numbered["note"]
    return _covered(table, linked, release)


def _below(code: str, target: str) -> bool:
    """Whether an SDG code is a target or an indicator of it."""
    return code == target or code.startswith(f"{target}.")


def _sections(numbered: pd.DataFrame, linked: list[list[str]]) -> tuple[pd.DataFrame, list[list[str]]]:
    """The sections of the declaration, and the indicators of the paragraphs in each, once."""
    import pandas as pd

    rows, together = [], []
    for section, part in numbered.groupby("section", sort=False):
        ids = [linked[i] for i in part.index]
        measurable = part["nature"].isin(["quantifiable", "legal"])
        covered = sum(bool(i) and m for i, m in zip(ids, measurable, strict=True))
        title = part["section_title"].iloc[0]
        rows.append((section, title, len(part), int(measurable.sum()), covered))
        together.append(list(dict.fromkeys(i for one in ids for i in one)))
    return pd.DataFrame(rows, columns=["section", "title", "paragraphs", "measurable", "covered"]), together


def _covered(
    table: pd.DataFrame, linked: list[list[str]], release: str | Path | pd.DataFrame | Estimates | None
) -> pd.DataFrame:
    """The table with the indicators linked to each row and, with a release, their data."""
    import pandas as pd

    table = table.assign(indicators=pd.Series(linked, dtype=object), n_indicators=[len(ids) for ids in linked])
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
        file = estimates_file(release)
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
