"""Names and codes of areas -> codes of the table of areas; what is not certain is reported, never guessed."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from uncac_metrics.model import Fault, Faults
from uncac_metrics.reference import load

REPORT = ("written", "rows", "how", "m49", "iso3", "name", "candidates", "note")
"""Columns of the report."""


def harmonise(
    names: Iterable[object], *, decisions: Mapping[str, str] | None = None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """M49 and ISO codes of areas that are written as names or codes of any kind.

    Codes (ISO 3166-1 of two or three letters, M49 with or without zeros in front) are taken as they stand, names
    without regard to capitals, accents, punctuation and the article "the". Other ways of writing are those of the
    reference table ``area_names``. Nothing is matched by likeness.

    Parameters
    ----------
    names : iterable
        Names or codes, a row each; numbers are taken for M49 codes. Missing values stay without code.
    decisions : mapping, optional
        What you say a way of writing stands for, by M49 or ISO code: ``{"Korea": "KOR"}``. It goes before
        everything else. A user-assigned code (``XKX``; ISO 3166 reserves AA, QM to QZ, XA to XZ and ZZ in front)
        is taken as it is and has no M49 code.

    Returns
    -------
    codes : DataFrame
        ``m49`` and ``iso3``, a row a name, in the same order and with the index of `names` if it is a Series;
        the empty text where nothing is certain, ``iso3`` also for the world and regions.
    report : DataFrame
        A row for each way of writing, in order of appearance: ``written``, ``rows`` (how many), ``how``, the codes
        and the standard ``name``, ``candidates`` (ISO or M49 codes, separated by semicolons) and a ``note``.
        ``how`` is one of ``m49``, ``iso3``, ``iso2``, ``name``, ``variant``, ``decision`` (mapped);
        ``ambiguous``, ``historical``, ``part``, ``unlisted``, ``aggregate``, ``unknown`` (not mapped; for an unknown
        name the candidates are those that look alike).

    Raises
    ------
    Faults
        A decision for a code that does not exist.

    Notes
    -----
    "Korea", "Congo", "Virgin Islands" may be one of several areas; USSR, Yugoslavia or the Netherlands Antilles
    were other areas than their successors; England is less than the United Kingdom; Kosovo (XKX, XKV, KSV, 412 …)
    and Taiwan have no code in M49. A file that has mapped "Democratic People's Republic of Korea" to KOR, or a British
    territory to GBR, cannot be put right afterwards: harmonise the names, not somebody's codes.

    Examples
    --------
    >>> codes, report = harmonise(["Kenya", "Korea, Rep.", "ROM", 4, "Korea", "KSV", "Keniya"])
    >>> codes["iso3"].tolist()
    ['KEN', 'KOR', 'ROU', 'AFG', '', '', '']
    >>> report.loc[report["m49"] == "", ["written", "how", "candidates"]].to_numpy().tolist()
    [['Korea', 'ambiguous', 'KOR;PRK'], ['KSV', 'unlisted', ''], ['Keniya', 'unknown', 'KEN']]
    >>> harmonise(["Korea"], decisions={"Korea": "KOR"})[0]["m49"].tolist()
    ['410']
    """
    written = pd.Series(names)
    rows_of, values = pd.factorize(written)
    levels_of, levels = pd.factorize(np.array(["", *map(_text, values)], object))
    index = levels_of[rows_of + 1]  # a missing value is the empty text
    found = _Finder(decisions or {})
    rows = [found.look_up(level) for level in levels]
    report = pd.DataFrame([(n, 0, *row) for n, row in zip(levels, rows, strict=True)], columns=list(REPORT))
    report["rows"] = np.bincount(index, minlength=len(levels))
    codes = report[["m49", "iso3"]].take(index).set_axis(written.index)
    report = report[report["written"] != ""].reset_index(drop=True)
    return codes.astype("str"), report.astype({c: "str" for c in REPORT if c != "rows"})


class _Tables(NamedTuple):
    """The shipped tables, turned so that a way of writing finds its area."""

    area: Mapping[str, tuple[str, str]]
    """M49 -> ISO code and name."""
    code: Mapping[str, Mapping[str, str]]
    """Kind of code -> code -> M49."""
    standard: Mapping[str, str]
    """Plain name -> M49."""
    other: Mapping[str, Any]
    """Plain way of writing -> row of area_names."""


@cache
def _tables() -> _Tables:
    areas = load("areas")
    area = {m49: (iso3, name) for m49, iso3, name in areas[["m49", "iso3", "name"]].to_numpy()}
    code = {kind: {c: m for c, m in zip(areas[kind], areas["m49"], strict=True) if c} for kind in ("iso3", "iso2")}
    standard = {plain(name): m49 for m49, (_, name) in area.items()}
    return _Tables(area, code, standard, {plain(r.written): r for r in load("area_names").itertuples(index=False)})


class _Finder:
    """The tables and the decisions of one call."""

    def __init__(self, decisions: Mapping[str, str]):
        self.area, self.code, self.standard, self.other = _tables()
        padded = {key.zfill(3) if key.isdecimal() else key: code for key, code in decisions.items()}
        self.decided = {plain(key): self._decision(key, code) for key, code in padded.items()}

    def look_up(self, written: str) -> tuple[str, str, str, str, str, str]:
        """how, m49, iso3, name, candidates, note."""
        written = written.zfill(3) if written.isdecimal() else written
        key = plain(written)
        if key in self.decided:
            return self.decided[key]
        other = self.other.get(key)
        if other is not None and other.status == "variant":
            return self._mapped("variant", other.m49, other.note)
        if other is not None:
            named = [self.area[m49][0] or m49 for m49 in other.m49.split(";") if m49]
            return other.status, "", "", "", ";".join(named), other.note
        if written in self.area:
            return self._mapped("m49", written)
        for how, codes in self.code.items():
            if written in codes:
                return self._mapped(how, codes[written])
        if key in self.standard:
            return self._mapped("name", self.standard[key])
        near = difflib.get_close_matches(key, self.standard, n=3, cutoff=0.8) if key else []
        alike = [self.area[self.standard[n]][0] or self.standard[n] for n in near]
        return "unknown", "", "", "", ";".join(alike), ""

    def _mapped(self, how: str, m49: str, note: str = "") -> tuple[str, str, str, str, str, str]:
        iso3, name = self.area[m49]
        return how, m49, iso3, name, "", note

    def _decision(self, key: str, code: str) -> tuple[str, str, str, str, str, str]:
        if re.fullmatch("(AA|Q[M-Z]|X[A-Z]|ZZ)[A-Z]", code):
            return "decision", "", code, "", "", "user-assigned code"
        m49 = code if code in self.area else self.code["iso3"].get(code, "")
        if not m49:
            remedy = "give an M49 or ISO code of three digits or letters, or a user-assigned one such as XKX"
            raise Faults([Fault("decisions", key, f"{code!r} is no code of an area", remedy)])
        return self._mapped("decision", m49)


def plain(name: str) -> str:
    """A name without capitals, accents, punctuation and "the".

    Examples
    --------
    >>> plain("Côte d'Ivoire"), plain("Bahamas, The")
    ('cote d ivoire', 'bahamas')
    """
    letters = (c for c in unicodedata.normalize("NFKD", name) if not unicodedata.combining(c))
    words = re.sub(r"[^\w]+", " ", "".join(letters).casefold().replace("&", " and ")).split()
    return " ".join(w for w in words if w != "the")


def _text(value: object) -> str:
    if isinstance(value, (float, np.floating)) and float(value).is_integer():
        return str(int(value))
    return " ".join(str(value).split())
