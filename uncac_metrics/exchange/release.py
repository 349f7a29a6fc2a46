"""All files of a release in the formats of others, by one call."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from uncac_metrics.model import Fault, Faults, Indicator, Office, Source

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Format:
    """A format that a release can be written in."""

    label: str
    files: tuple[str, ...]
    """Paths of what it makes; ``*`` stands for an indicator."""
    library: str = ""
    """Library that must be installed; empty: none."""
    extra: str = ""
    """Extra of the package that installs it."""


FORMATS: Mapping[str, Format] = MappingProxyType(
    {
        "sdmx-csv": Format("SDMX-CSV 2.0, our structure", ("sdmx/estimates.csv",)),
        "sdmx-ml-3.0": Format(
            "SDMX-ML 3.0, our structure", ("sdmx/3.0/structure.xml", "sdmx/3.0/estimates.xml"), "pysdmx", "sdmx"
        ),
        "sdmx-ml-2.1": Format(
            "SDMX-ML 2.1, our structure", ("sdmx/2.1/structure.xml", "sdmx/2.1/estimates.xml"), "pysdmx", "sdmx"
        ),
        "sdg": Format(
            "Figures of SDG series in the SDG structure: SDMX-CSV 2.0, SDMX-ML 2.1",
            ("sdg/estimates.csv", "sdg/structure.xml", "sdg/estimates.xml", "sdg/left_out.csv"), "pysdmx", "sdmx",
        ),
        "open-sdg": Format(
            "Open SDG: data, bounds and metadata of each indicator",
            ("open_sdg/data/indicator_*.csv", "open_sdg/uncertainty/indicator_*.csv", "open_sdg/meta/*.yml"),
            "yaml", "opensdg",
        ),
        "csvw": Format("CSV on the Web", ("estimates.csv-metadata.json",)),
        "datapackage": Format("Data Package", ("datapackage.json",)),
        "quality": Format("Quality report of each indicator", ("quality/*.json", "quality/*.md")),
        "ro-crate": Format("RO-Crate 1.1", ("ro-crate-metadata.json",)),
    }
)  # fmt: skip
"""Format by name: what it is, the files that it makes, and the extra that it needs."""

DEFAULT = tuple(name for name, one in FORMATS.items() if not one.extra)
"""The formats that need no extra."""


def release_files(
    estimates: pd.DataFrame,
    catalogue: Mapping[str, Indicator],
    office: Office,
    sources: Mapping[str, Source],
    *,
    formats: Iterable[str] = DEFAULT,
    structure: str | Path | None = None,
) -> dict[str, bytes]:
    """The files of a release in the wanted formats.

    They follow from the arguments alone: no clock, no chance, no machine. Headers of SDMX give as the day of
    preparation the last one on which a source was obtained. Figures that are withheld are in none of them.

    Parameters
    ----------
    estimates : DataFrame
        The results frame; the order of its rows does not matter.
    catalogue : mapping
        Definitions by id, those of composites left aside.
    office : Office
        Whose release it is.
    sources : mapping
        Data sets by id.
    formats : iterable of str
        Names of :data:`FORMATS`; by default those that need no extra.
    structure : path, optional
        SDMX-ML file with the official SDG structure, for the format ``sdg``; by default it is the rebuilt one.

    Returns
    -------
    dict
        Path within the release -> content. ``estimates.csv`` itself, which ``csvw``, ``datapackage`` and ``ro-crate``
        describe, is not among them.

    Raises
    ------
    Faults
        Unknown formats, formats whose library is missing (with the extra to install), and what
        :func:`uncac_metrics.exchange.publishable` refuses.
    """
    wanted = tuple(dict.fromkeys(formats))
    check_formats(wanted)
    from uncac_metrics.exchange import quality, sdmx, tables
    from uncac_metrics.exchange.frames import cells, to_sdmx_csv
    from uncac_metrics.exchange.structures import own_structure, publishable
    from uncac_metrics.readers.sdmx_data import to_code

    table = publishable(estimates)
    day, sender = sdmx.prepared(sources.values()), to_code(office.id).upper() or "OFFICE"
    files: dict[str, bytes] = {}
    if any(name.startswith("sdmx") for name in wanted):
        own = own_structure(table, catalogue, office, sources)
        frame = cells(table, own, catalogue)
        if "sdmx-csv" in wanted:
            files["sdmx/estimates.csv"] = to_sdmx_csv(frame, own)
        for version in (v for v in sdmx.VERSIONS if f"sdmx-ml-{v}" in wanted):
            files[f"sdmx/{version}/structure.xml"] = sdmx.structure_xml(own, version, sender=sender, day=day)
            files[f"sdmx/{version}/estimates.xml"] = sdmx.data_xml(frame, own, version, sender=sender, day=day)
    if "sdg" in wanted:
        files |= _sdg(table, catalogue, sources, structure, sender, day)
    if "open-sdg" in wanted:
        from uncac_metrics.exchange.open_sdg import open_sdg_files

        made = open_sdg_files(table, catalogue, office, sources)
        files |= {f"open_sdg/{name}": content for name, content in made.items()}
    if "csvw" in wanted:
        files["estimates.csv-metadata.json"] = tables.csvw(table, office, sources)
    if "datapackage" in wanted:
        files["datapackage.json"] = tables.datapackage(table, office, sources)
    if "quality" in wanted:
        files |= quality.quality_files(table, catalogue, office, sources)
    if "ro-crate" in wanted:
        files["ro-crate-metadata.json"] = tables.ro_crate(files, table, office, sources, day)
    return dict(sorted(files.items()))


def check_formats(wanted: Iterable[str]) -> None:
    """Refuse unknown formats, and those whose library is missing.

    Raises
    ------
    Faults
        One a format that is unknown, one an extra that has to be installed.
    """
    wanted = tuple(wanted)
    faults = [Fault("formats", name, "is not a format", f"formats: {', '.join(FORMATS)}")
              for name in wanted if name not in FORMATS]  # fmt: skip
    missing: dict[str, list[str]] = {}
    for name in wanted:
        one = FORMATS.get(name)
        if one is not None and one.library and importlib.util.find_spec(one.library) is None:
            missing.setdefault(one.extra, []).append(name)
    faults += [Fault("formats", ", ".join(names), "a library is not installed", f'pip install "uncac-metrics[{extra}]"')
               for extra, names in missing.items()]  # fmt: skip
    if faults:
        raise Faults(faults)


def _sdg(
    table: pd.DataFrame, catalogue: Mapping[str, Indicator], sources: Mapping[str, Source],
    structure: str | Path | None, sender: str, day: str,
) -> dict[str, bytes]:  # fmt: skip
    """The figures of SDG series; none where the release has none."""
    from uncac_metrics.exchange.frames import to_sdmx_csv
    from uncac_metrics.exchange.sdg import sdg_cells, sdg_structure
    from uncac_metrics.exchange.sdmx import data_xml, read_structure, structure_xml

    given = sdg_structure() if structure is None else read_structure(structure)
    mapped = sdg_cells(table, catalogue, sources, given)
    if mapped.frame.empty:
        return {}
    files = {
        "sdg/estimates.csv": to_sdmx_csv(mapped.frame, given),
        "sdg/estimates.xml": data_xml(mapped.frame, given, "2.1", sender=sender, day=day),
        "sdg/left_out.csv": mapped.left_out.to_csv(index=False, lineterminator="\n").encode(),
    }
    if not given.official:  # the official structure has its own file
        files["sdg/structure.xml"] = structure_xml(given, "2.1", sender=sender, day=day)
    return files
