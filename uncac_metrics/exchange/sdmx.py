"""SDMX-ML by pysdmx: structures and data written, structures of others read."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from uncac_metrics.exchange.frames import as_text
from uncac_metrics.exchange.structures import CODE, INTEGER, NUMBER, PERIOD, TEXT, Component, Structure
from uncac_metrics.model import Fault, Faults, Source
from uncac_metrics.readers.files import as_fault, need
from uncac_metrics.readers.sdmx_data import safe_text

if TYPE_CHECKING:
    from pysdmx.model.dataflow import DataStructureDefinition

EPOCH = "1970-01-01"
VERSIONS = ("2.1", "3.0")
"""Versions of SDMX-ML that are written."""
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&apos;", "\\": "\\"}
_SPECIAL = re.compile(r"""[&<>"'\\]""")
_DTYPES = {NUMBER: "Double", INTEGER: "Integer", TEXT: "String", PERIOD: "ObservationalTimePeriod"}
_KINDS = {
    **dict.fromkeys(("BigInteger", "Count", "Integer", "Long", "Short", "Incremental"), INTEGER),
    **dict.fromkeys(("Decimal", "Double", "Float"), NUMBER),
    **dict.fromkeys(("ObservationalTimePeriod", "StandardTimePeriod", "GregorianYear", "ReportingTimePeriod",
                     "BasicTimePeriod", "GregorianTimePeriod"), PERIOD),
}  # fmt: skip


def prepared(sources: Iterable[Source]) -> str:
    """The day that headers give as the one on which a file was prepared: the last on which a source was obtained.

    It follows from the release alone, as every byte does; 1970-01-01 where no source says a day.
    """
    days = [one.accessed for one in sources if len(one.accessed) == len(EPOCH)]
    return max(days, default=EPOCH)


def structure_xml(structure: Structure, version: str, *, sender: str, day: str) -> bytes:
    """A structure message: concepts, code lists, data structure and data flow in SDMX-ML.

    Parameters
    ----------
    structure : Structure
        What is described.
    version : str
        ``2.1`` or ``3.0``.
    sender : str
        Id of the sender.
    day : str
        Day that the header gives, such as 2026-11-01.

    Returns
    -------
    bytes
        The file, UTF-8.

    Raises
    ------
    Faults
        ``pysdmx`` is not installed.
    """
    _need()
    from pysdmx.io import write_sdmx
    from pysdmx.io.format import Format
    from pysdmx.model import Dataflow

    form = {"2.1": Format.STRUCTURE_SDMX_ML_2_1, "3.0": Format.STRUCTURE_SDMX_ML_3_0}[version]
    tokens = _tokens(structure.name, *(text for one in structure.components
                                       for text in (one.label, *(one.codes or {}).values())))  # fmt: skip
    definition, concepts, lists = _definition(structure, tokens=tokens)
    flow = Dataflow(structure.dataflow, name=definition.name, agency=structure.agency, version=structure.version,
                    structure=definition)  # fmt: skip
    text = write_sdmx([*lists, concepts, definition, flow], form, header=_header(structure, sender, day))
    return _labelled(_restored(str(text), tokens), structure)


def data_xml(frame: pd.DataFrame, structure: Structure, version: str, *, sender: str, day: str) -> bytes:
    """A data message in structure-specific SDMX-ML, every observation with its whole key.

    Parameters
    ----------
    frame : DataFrame
        Cells by component, as :func:`uncac_metrics.exchange.frames.cells` gives them.
    structure : Structure
        Their structure.
    version, sender, day : str
        As for :func:`structure_xml`.

    Returns
    -------
    bytes
        The file, UTF-8.

    Raises
    ------
    Faults
        ``pysdmx`` is not installed.
    """
    _need()
    from pysdmx.io import write_sdmx
    from pysdmx.io.format import Format
    from pysdmx.io.pd import PandasDataset

    form = {"2.1": Format.DATA_SDMX_ML_2_1_STR, "3.0": Format.DATA_SDMX_ML_3_0}[version]
    definition, _, _ = _definition(structure, plain=True)
    cells = as_text(frame)
    texts = [name for name in cells if cells[name].str.contains(_SPECIAL).any()]
    tokens = _tokens(*(text for name in texts for text in cells[name].unique()))
    for name in texts:
        cells[name] = cells[name].map(lambda text: _held(text, tokens))
    data = PandasDataset(structure=definition.to_schema(), data=cells)
    text = write_sdmx(data, form, header=_header(structure, sender, day))
    return _labelled(_restored(str(text), tokens), structure)


def read_structure(path: str | Path) -> Structure:
    """A data structure definition from an SDMX-ML structure file, with the code lists that the file holds.

    Parameters
    ----------
    path : path
        SDMX-ML 2.1, 3.0 or 3.1, such as the answer of a registry with ``references=children``.

    Returns
    -------
    Structure
        The only data structure of the file.

    Raises
    ------
    Faults
        A hostile, oversized or broken file, one without or with several data structures; ``pysdmx`` not installed.
    """
    path = Path(path)
    text = safe_text(path)
    need("pysdmx", path)
    from pysdmx.io import read_sdmx
    from pysdmx.model.dataflow import DataStructureDefinition

    with as_fault(path), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of parts of the header that it does not keep
        message = read_sdmx(BytesIO(text.encode()), validate=True)
    held: list[Any] = list(message.structures or ())
    found = [one for one in held if isinstance(one, DataStructureDefinition)]
    if len(found) != 1:
        what = f"holds {len(found) or 'no'} data structure{'s' if len(found) > 1 else ''} where one is due"
        raise Faults([Fault(str(path), "", what, "give a structure file with one DataStructure")])
    flows = sorted(str(one.id) for one in held if type(one).__name__ == "Dataflow")
    return _structure(found[0], flows[0] if flows else "")


def _need() -> None:
    need("pysdmx", Path("SDMX-ML"))


def _tokens(*texts: str) -> dict[str, str]:
    """Characters that have a meaning in XML -> words that no text holds.

    pysdmx writes attributes as Python would and turns every single quote into a double one, which breaks texts with
    quotes, backslashes and entities; it gets these words instead, and :func:`_restored` puts the characters back.
    """
    whole = "\n".join(texts)
    mark = next(word for at in range(len(whole) + 1) if (word := f"Q{at}Q") not in whole)
    return {character: f"{mark}{at}Q" for at, character in enumerate(_ENTITIES)}


def _held(text: str, tokens: Mapping[str, str]) -> str:
    return _SPECIAL.sub(lambda found: tokens[found[0]], text)


def _restored(text: str, tokens: Mapping[str, str]) -> str:
    for character, token in tokens.items():
        text = text.replace(token, _ENTITIES[character])
    return text


def _definition(
    structure: Structure, *, plain: bool = False, tokens: Mapping[str, str] | None = None
) -> tuple[DataStructureDefinition, Any, list[Any]]:
    """pysdmx's objects: the definition, the concept scheme and the code lists.

    `plain`: every component is text without a code list, so that cells are written as they stand.
    """
    from pysdmx.model import Code, Codelist, Concept, ConceptScheme, DataType, ItemReference
    from pysdmx.model import Component as Part
    from pysdmx.model.dataflow import Components, DataStructureDefinition, Role

    roles = {"dimension": Role.DIMENSION, "time": Role.DIMENSION, "measure": Role.MEASURE, "attribute": Role.ATTRIBUTE}
    own: dict[str, Any] = {"agency": structure.agency, "version": structure.version}
    words = tokens or {character: character for character in _ENTITIES}
    lists: dict[str, Any] = {}
    parts, concepts = [], []
    keys = ",".join(structure.dimensions[:-1])
    for name in structure.ids:
        one = structure.component(name)
        assert one is not None
        concepts.append(Concept(one.id, name=_held(one.label, words)))
        codes = None
        if one.kind == CODE and one.codes is not None and not plain:
            items = [Code(code, name=_held(label, words)) for code, label in one.codes.items()]
            codes = lists.setdefault(
                one.codelist, Codelist(one.codelist, name=_held(one.label, words), items=items, **own)
            )
        reference = ItemReference(sdmx_type="Concept", agency=structure.agency, id=f"CS_{structure.id}",
                                  version=structure.version, item_id=one.id)  # fmt: skip
        level = (keys if one.series else "O") if one.role == "attribute" else None
        urn = None if codes is None else (
            f"urn:sdmx:org.sdmx.infomodel.codelist.Codelist={structure.agency}:{one.codelist}({structure.version})"
        )  # fmt: skip
        dtype = None if codes is not None else DataType("String" if plain else _DTYPES.get(one.kind, "String"))
        due = one.required or one.role in ("dimension", "time")
        parts.append(Part(one.id, required=due, role=roles[one.role], concept=reference, local_dtype=dtype,
                          local_codes=codes, local_enum_ref=urn, attachment_level=level))  # fmt: skip
    name = _held(structure.name, words)
    scheme = ConceptScheme(f"CS_{structure.id}", name=f"Concepts: {name}", items=concepts, **own)
    definition = DataStructureDefinition(id=structure.id, name=name, components=Components(parts), **own)
    return definition, scheme, list(lists.values())


def _structure(found: DataStructureDefinition, flow: str) -> Structure:
    """Our description of a definition that pysdmx has read."""
    from pysdmx.model.dataflow import Role

    parts = []
    for one in found.components:
        codes = one.enumeration
        kind = CODE if codes is not None or one.enum_ref else _KINDS.get(str(one.dtype), TEXT)
        role = "time" if one.id == "TIME_PERIOD" else {Role.DIMENSION: "dimension", Role.MEASURE: "measure"}.get(
            one.role, "attribute"
        )  # fmt: skip
        listed = None if codes is None else {str(c.id): str(c.name or c.id) for c in codes}
        if role == "time":
            kind, listed = PERIOD, None
        if role == "measure" and kind == TEXT:
            kind = NUMBER
        name = getattr(one.concept, "name", None) or one.name or one.id
        codelist = str(getattr(codes, "id", "") or "")
        level = one.attachment_level
        due = role == "attribute" and bool(one.required)
        parts.append(Component(one.id, role, kind, str(name), codelist, listed, due,
                               level is not None and level not in ("O", "D")))  # fmt: skip
    agency = found.agency if isinstance(found.agency, str) else str(getattr(found.agency, "id", found.agency))
    return Structure(agency, found.id, str(found.version), str(found.name or found.id), tuple(parts), True,
                     flow or f"DF_{found.id}")  # fmt: skip


def _header(structure: Structure, sender: str, day: str) -> Any:
    """A header that follows from the release alone."""
    from pysdmx.model import Organisation
    from pysdmx.model.message import Header

    when = datetime.fromisoformat(day).replace(tzinfo=UTC)
    return Header(id=structure.id, prepared=when, sender=Organisation(sender))


def _labelled(text: str, structure: Structure) -> bytes:
    """The text with a comment below its first line, where the structure is not the official one."""
    if structure.official:
        return text.encode()
    first, _, rest = text.partition("?>")
    return f"{first}?>\n<!-- {structure.name} -->{rest}".encode()
