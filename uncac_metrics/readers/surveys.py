"""Micro-data of international and national surveys: the bribery questions and the design, checked and named.

Every reader gives the columns of an input shape (1, 0 and missing), so that a source needs no rules of its own. Codes
that are neither a known answer nor a known missing code are faults. Refusals and "don't know" are missing unless
the caller states another policy: ``"no"`` and ``"yes"`` give the bounds of what they could hide.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from uncac_metrics.model import Fault, Faults
from uncac_metrics.readers import files, layout
from uncac_metrics.values import levels, yes_no

POLICIES = {"missing": -1, "no": 0, "yes": 1}
"""What a refusal or a "don't know" may count as."""

ENTERPRISE = {
    "electricity": ("c3", "c5"), "water": ("c12", "c14"), "construction": ("g2", "g4"), "import": ("j10", "j12"),
    "operating": ("j13", "j15"), "tax": ("j3", "j5"),
}  # fmt: skip
"""Transaction -> gate (took part) and item (a gift or informal payment was expected or requested)."""

AFROBAROMETER_7 = {
    "teacher": ("Q49C", "public school"), "doctor": ("Q49G", "medical care"), "document": ("Q49K", "identity document"),
    "utility": ("Q49N", "household services"), "police": ("Q49R", "police assistance"),
    "police_problem": ("Q49T", "problem with police"),
}  # fmt: skip
"""Official -> question of round 7, and what its label must say."""

AMERICAS_USERS = {
    "municipal": ("exc11a", "exc11"), "judge": ("exc14a", "exc14"), "doctor": ("exc15a", "exc15"),
    "teacher": ("exc16a", "exc16"),
}  # fmt: skip
"""Official -> question on contact and question on a bribe, put to users only (99: not a user)."""
AMERICAS_ALL = {"police": "exc2", "employee": "exc6"}
"""Official -> question on being asked for a bribe, put to everybody."""


def enterprise_survey(
    path: str | Path,
    *,
    weight: str = "wmedian",
    stratum: str = "strata",
    enterprise: str = "idstd",
    refused: str = "missing",
    dont_know: str = "missing",
    keep: Sequence[str] = (),
) -> pd.DataFrame:
    """Read a World Bank Enterprise Survey (``.dta``, ``.sav`` or ``.csv``).

    Parameters
    ----------
    path : path
        The file: the six gates and six items of :data:`ENTERPRISE` (1 yes, 2 no, −7 does not apply, −8 refused,
        −9 does not know, empty not asked), weight, stratum and identifier.
    weight, stratum, enterprise : str
        Columns of the design weight, the stratum and the identifier; an empty text leaves the stratum or the
        identifier out.
    refused, dont_know : {"missing", "no", "yes"}
        What −8 and −9 to one of the six items count as. A gate that was refused or not known is always missing.
    keep : sequence of str
        Further columns to carry along unchanged.

    Returns
    -------
    DataFrame
        Columns of the shape ``business_survey``: ``weight``, ``stratum``, ``enterprise``, ``transaction__*`` and
        ``request__*`` for the six transactions; then `keep`. A request is empty where the gate is closed.

    Raises
    ------
    Faults
        Missing columns (all at once), unknown codes, a yes behind a closed gate.

    Notes
    -----
    SDG 16.5.2 is ``any_request`` over ``any_transaction``, which the shape derives: an enterprise with a missing answer
    counts only if another answer settles it. How the World Bank treats −8 could not be verified; in Kenya 2025
    16.5.2 is 33.12 % without refusals and 33.19 % with refusals as yes. Enterprises have five employees or more.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> names = [n for pair in ENTERPRISE.values() for n in pair]
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "kenya.csv")
    ...     _ = path.write_text(f"idstd,wmedian,strata,{','.join(names)}\\n7,1.5,3,1,-8" + ",2," * 5)
    ...     table = enterprise_survey(path, refused="yes")
    >>> table[["transaction__electricity", "request__electricity", "transaction__tax"]].iloc[0].tolist()
    [1, 1, 0]
    """
    path = Path(path)
    _policies(path, refused=refused, dont_know=dont_know)
    questions = [name for pair in ENTERPRISE.values() for name in pair]
    design = [name for name in (weight, stratum, enterprise) if name]
    raw = _columns(path, [*design, *questions, *keep])
    table = _design(raw, path, weight=weight, stratum=stratum)
    if enterprise:
        table["enterprise"] = layout.texts(raw[enterprise])
    said = {"-8": refused, "-9": dont_know}
    for item, (gate, question) in ENTERPRISE.items():
        table[f"transaction__{item}"] = _answers(raw[gate], path, yes="1", no="2", missing=("-7", "-8", "-9"))
        table[f"request__{item}"] = _answers(raw[question], path, yes="1", no="2", missing=("-7",), policy=said)
        _closed(table[f"request__{item}"], table[f"transaction__{item}"], question, gate, path)
    return _with(table, raw, keep)


def afrobarometer(
    path: str | Path,
    *,
    items: Mapping[str, str] | None = None,
    weight: str = "withinwt",
    refused: str = "missing",
    dont_know: str = "missing",
    keep: Sequence[str] = (),
) -> pd.DataFrame:
    """Read the bribery battery of the Afrobarometer (``.sav``).

    Parameters
    ----------
    path : path
        The file of a country or merged. The questions of round 7 (:data:`AFROBAROMETER_7`) are known by name and label;
        they have other numbers in other rounds.
    items : mapping of official to question, optional
        The questions of another round: ``{"teacher": "Q44C", …}``. Their labels must speak of a bribe.
    weight : str
        Column of the weight within the country.
    refused, dont_know : {"missing", "no", "yes"}
        What 8 and 9 count as for having paid; contact is missing then unless they count as an answer.
    keep : sequence of str
        Further columns to carry along unchanged.

    Returns
    -------
    DataFrame
        Columns of the shape ``population_survey``: ``respondent``, ``weight``, ``contact__*`` and ``paid__*`` an
        official, ``contact`` and ``paid``; then `keep`. Answers 0 (never) to 3 (often) are contact, 1 to 3 a bribe,
        7 (no contact) neither; −1 (missing), 8 (refused) and 9 (does not know) are missing. Contact and bribe over
        all officials are missing where a missing answer leaves them open.

    Raises
    ------
    Faults
        Missing columns (all at once), labels of other questions, unknown codes.

    Notes
    -----
    Users count by the question on the bribe, as in the survey's own tables. The file of a country holds no sampling
    units: standard errors without them are too small.
    """
    path = Path(path)
    _policies(path, refused=refused, dont_know=dont_know)
    wanted = {k: (q, "") for k, q in items.items()} if items is not None else dict(AFROBAROMETER_7)
    raw = _columns(path, ["RESPNO", weight, *(q for q, _ in wanted.values()), *keep])
    _labelled(path, wanted, "bribe")
    table = _design(raw, path, weight=weight)
    table.insert(0, "respondent", layout.texts(raw["RESPNO"]))
    said = {"8": refused, "9": dont_know}
    met = {code: "missing" if as_ == "missing" else "yes" for code, as_ in said.items()}
    for item, (question, _) in wanted.items():
        cells = raw[question]
        table[f"contact__{item}"] = _answers(cells, path, yes=("0", "1", "2", "3"), no="7", missing=("-1",), policy=met)
        table[f"paid__{item}"] = _answers(cells, path, yes=("1", "2", "3"), no=("0", "7"), missing=("-1",), policy=said)
    for stem in ("contact", "paid"):
        table[stem] = _any([table[f"{stem}__{item}"] for item in wanted], strict=True)
    return _with(table, raw, keep)


def americasbarometer(
    path: str | Path,
    *,
    weight: str = "wt",
    stratum: str = "estratopri",
    psu: str = "upm",
    open_answers: str = "ignore",
    keep: Sequence[str] = (),
) -> pd.DataFrame:
    """Read the corruption battery of the AmericasBarometer (``.sav`` or ``.dta``).

    Parameters
    ----------
    path : path
        The file of a country and year with the questions of :data:`AMERICAS_USERS` and :data:`AMERICAS_ALL` and
        ``exc13`` (at work): 1 yes, 0 no, 88 does not know, 98 no answer, 99 not a user.
    weight, stratum, psu : str
        Columns of the design; an empty text leaves stratum or unit out. Units are nested in strata by the shape's
        design (``nest = true``): their numbers are used again in other strata.
    open_answers : {"ignore", "strict"}
        How missing answers count in ``paid_or_asked``. Ignore, as in the survey's own series: the other answers decide,
        among those who answered ``exc2`` or ``exc6``. Strict: missing unless a yes, or a no to every question on public
        officials, settles it; the question on work can add a yes only.
    keep : sequence of str
        Further columns to carry along unchanged.

    Returns
    -------
    DataFrame
        Columns of the shape ``population_survey``: ``weight``, ``stratum``, ``psu``, ``contact__*`` and ``paid__*`` an
        official, ``asked__police`` and ``asked__employee`` (put to everybody), ``paid_or_asked``; then `keep`.

    Raises
    ------
    Faults
        Missing columns (all at once), unknown codes.

    Notes
    -----
    There is no question on contact with any public official: ``paid_or_asked`` is over all adults, so never set it
    against SDG 16.5.1.
    """
    path = Path(path)
    if open_answers not in ("ignore", "strict"):
        raise Faults([Fault(str(path), "open_answers", f"is {open_answers!r}", "give ignore or strict")])
    questions = [*AMERICAS_ALL.values(), *(q for pair in AMERICAS_USERS.values() for q in pair), "exc13"]
    raw = _columns(path, [*(n for n in (weight, stratum, psu) if n), *questions, *keep])
    table = _design(raw, path, weight=weight, stratum=stratum, psu=psu)
    for item, (gate, question) in AMERICAS_USERS.items():
        table[f"contact__{item}"] = _answers(raw[gate], path, yes="1", no="0", missing=("88", "98"))
        paid = _answers(raw[question], path, yes="1", no="0", missing=("88", "98", "99"))
        table[f"paid__{item}"] = paid.mask((paid.isna() & (table[f"contact__{item}"] == 0)).fillna(False), 0)
    for item, question in AMERICAS_ALL.items():
        table[f"asked__{item}"] = _answers(raw[question], path, yes="1", no="0", missing=("88", "98"))
    asked = [table[f"asked__{item}"] for item in AMERICAS_ALL]
    if open_answers == "strict":
        work = _answers(raw["exc13"], path, yes="1", no=("0", "88", "98", "99")).fillna(0)
        table["paid_or_asked"] = _any([*asked, *(table[f"paid__{i}"] for i in AMERICAS_USERS), work], strict=True)
    else:
        users = [_answers(raw[q], path, yes="1", no=("0", "99"), missing=("88", "98"))
                 for q in (*(q for _, q in AMERICAS_USERS.values()), "exc13")]  # fmt: skip
        counted = asked[0].notna() | asked[1].notna()
        table["paid_or_asked"] = _any([*asked, *users], strict=False).where(counted)
    return _with(table, raw, keep)


def inegi(path: str | Path, *, weight: str = "FAC_SEL", stratum: str = "EST_DIS", psu: str = "UPM_DIS") -> pd.DataFrame:
    """Read a survey of Mexico's statistics office with its design (``.csv``, ``.csv.gz``, ``.dta`` or ``.sav``).

    Parameters
    ----------
    path : path
        A table of a survey such as ENCUCI (weight ``FAC_SEL``) or ENCIG (``FAC_P18``).
    weight, stratum, psu : str
        Columns of the expansion factor, the design stratum and the design unit.

    Returns
    -------
    DataFrame
        ``weight``, ``stratum`` and ``psu``, then all columns of the file unchanged: a source maps the questions.
        Codes of strata and units keep their zeros in front.

    Raises
    ------
    Faults
        Missing columns, factors that are not above 0, rows without stratum or unit, units in more than one stratum.

    Notes
    -----
    ``ESTRATO`` (social stratum) and ``UPM`` (control number) are not the design: it is ``EST_DIS`` and ``UPM_DIS``.
    """
    path = Path(path)
    layout.must_have(files.file_header(path), (weight, stratum, psu), path)
    raw = files.read_file(path)
    table = _design(raw, path, weight=weight, stratum=stratum, psu=psu)
    faults = []
    for name, column in (("stratum", stratum), ("psu", psu)):
        empty = (table[name] == "").to_numpy()
        if empty.any():
            faults.append(layout.at_rows(path, column, "is empty", empty, "give every row its stratum and unit"))
    spread = table.groupby("psu")["stratum"].nunique()
    if (spread > 1).any():
        wrong = table["psu"].isin(spread.index[spread > 1]).to_numpy()
        faults.append(layout.at_rows(path, psu, "units lie in more than one stratum", wrong,
                                     "give the columns of the design, not the control numbers"))  # fmt: skip
    if faults:
        raise Faults(faults)
    return pd.concat([table, raw[[c for c in raw.columns if c not in table]]], axis=1)


# --- parts


def _columns(path: Path, wanted: Sequence[str]) -> pd.DataFrame:
    wanted = list(dict.fromkeys(wanted))
    layout.must_have(files.file_header(path), wanted, path)
    return files.read_file(path, columns=wanted)


def _design(raw: pd.DataFrame, path: Path, *, weight: str, stratum: str = "", psu: str = "") -> pd.DataFrame:
    numbers = layout.numbers(raw[weight], path)
    wrong = ~(numbers > 0)
    if wrong.any():
        raise Faults([layout.at_rows(path, weight, "is not above 0", wrong, "give every row its weight")])
    table = pd.DataFrame({"weight": numbers}, index=raw.index)
    for name, column in (("stratum", stratum), ("psu", psu)):
        if column:
            table[name] = layout.texts(raw[column])
    return table


def _answers(
    cells: pd.Series, path: Path, *, yes: str | Collection[str], no: str | Collection[str],
    missing: Collection[str] = (), policy: Mapping[str, str] | None = None,
) -> pd.Series:  # fmt: skip
    """1, 0 and missing; codes under a policy count as it says, unknown codes are a fault with their rows."""
    codes, texts = levels(cells)
    value = dict.fromkeys(missing, -1)
    value |= {code: POLICIES[as_] for code, as_ in (policy or {}).items()}
    for answer, given in ((1, yes), (0, no)):
        value |= dict.fromkeys((given,) if isinstance(given, str) else given, answer)
    unknown = [text for text in texts if text not in value]
    if unknown:
        rows = np.isin(codes, [texts.index(text) for text in unknown])
        remedy = f"codes are {layout.listed(value)}"
        raise Faults([layout.at_rows(path, str(cells.name), f"{layout.listed(unknown)}: unknown", rows, remedy)])
    return yes_no(np.array([value[text] for text in texts] + [-1], np.int8)[codes], cells.index)


def _any(answers: Sequence[pd.Series], *, strict: bool) -> pd.Series:
    """1 if any is yes; 0 if all (strict) or the answered ones are no; else missing."""
    table = np.stack([a.to_numpy(np.int8, na_value=-1) for a in answers])
    no = (table == 0).all(axis=0) if strict else (table == 0).any(axis=0)
    made = np.where((table == 1).any(axis=0), 1, np.where(no, 0, -1)).astype(np.int8)
    return yes_no(made, answers[0].index)


def _closed(request: pd.Series, gate: pd.Series, question: str, of: str, path: Path) -> None:
    wrong = ((request == 1) & (gate == 0)).fillna(False).to_numpy(bool)
    if wrong.any():
        what = f"is yes where {of} is no"
        raise Faults([layout.at_rows(path, question, what, wrong, "give the file as it was published")])


def _labelled(path: Path, wanted: Mapping[str, tuple[str, str]], word: str) -> None:
    """A fault for each question whose label speaks of something else."""
    named = files.variable_labels(path)
    faults = [
        Fault(str(path), question, f"the label is {named[question]!r}, where {due!r} and {word!r} are due",
              "name the questions of the round in items")
        for question, due in wanted.values()
        if named.get(question) and not all(part in named[question].lower() for part in (due.lower(), word))
    ]  # fmt: skip
    if faults:
        raise Faults(faults)


def _policies(path: Path, **given: str) -> None:
    faults = [
        Fault(str(path), name, f"is {value!r}", f"give one of {layout.listed(POLICIES)}")
        for name, value in given.items()
        if value not in POLICIES
    ]
    if faults:
        raise Faults(faults)


def _with(table: pd.DataFrame, raw: pd.DataFrame, keep: Sequence[str]) -> pd.DataFrame:
    return pd.concat([table, raw[list(keep)]], axis=1) if keep else table
