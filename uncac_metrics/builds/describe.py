"""A card, or a commitment and what measures it, as text for a terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping

from uncac_metrics.builds.links import KINDS, linked, links, rows
from uncac_metrics.model import BREAKDOWNS, DIRECTIONS, MEASURES, PROVENANCE, Indicator

LABELS_ZH = {
    "Name": "名称", "Type": "测量类型", "Objective": "目标", "Description": "说明", "Formula": "公式",
    "Responsible": "负责机构", "Sources": "数据来源", "Frequency": "频率", "Disaggregations": "分类",
    "Notes": "备注", "Unit": "单位", "Direction": "方向", "Universe": "总体", "Reference period": "参考期",
    "Estimator": "估计方法", "Provenance": "定义出处", "Series": "数据序列", "File": "文件", "Title": "标题",
    "Summary": "摘要", "Indicators": "指标", "Section": "部分", "Chapter": "章",
    "No indicator is linked to it.": "没有与之相关联的指标。",
}  # fmt: skip
OWN = {
    "en": "The card is this project's own, not one of UNODC's framework.",
    "zh": "本指标卡由本项目编写，并非联合国毒品和犯罪问题办公室框架中的指标卡。",
}


def describe_indicator(card: Indicator, *, lang: str = "en", width: int = 96) -> str:
    """A card's fields and links.

    Parameters
    ----------
    card
        The definition.
    lang
        ``en`` or ``zh``: language of names, titles and labels. The texts themselves are as in the card.
    width
        Columns of the terminal.

    Returns
    -------
    str
    """
    other = card.name if lang == "zh" else card.name_zh
    measure = card.measure
    parts = [
        measure.estimator,
        " / ".join(filter(None, (measure.numerator or measure.levels, measure.denominator))),
        measure.shape,
    ]
    if measure.items:
        parts.append(f"by {measure.items}")
    parts += [f"{name} {', '.join(codes)}" for name, codes in measure.where.items()]
    fields = [
        ("Name", other),
        ("Type", f"{card.type}: {MEASURES[card.type]}"),
        ("Objective", card.objective),
        ("Description", card.description),
        ("Formula", card.formula),
        ("Responsible", card.responsible),
        ("Sources", ", ".join(card.sources)),
        ("Frequency", card.frequency),
        (
            "Disaggregations",
            "; ".join(f"{name} ({BREAKDOWNS[name].lower()})" for name in card.disaggregations),
        ),
        ("Notes", card.notes),
        ("Unit", card.unit),
        ("Direction", DIRECTIONS[card.direction]),
        ("Universe", card.universe),
        ("Reference period", card.reference_period),
        ("Estimator", ", ".join(parts)),
        ("Provenance", f"{card.provenance}: {PROVENANCE[card.provenance]}. {card.provenance_note}"),
        ("", OWN[lang]),
        ("Series", ", ".join(card.series)),
    ]
    lines = [_head(card.id, _in(lang, card.name, card.name_zh)), *_fields(fields, lang, width)]
    for kind, named in links(card).items():
        lines += ["", _in(lang, KINDS[kind].label, KINDS[kind].label_zh)]
        lines += _fields([(code, _in(lang, title, title_zh)) for code, title, title_zh in named], lang, width)
    return "\n".join(lines) + "\n"


def describe_commitment(
    kind: str, code: str, catalogue: Mapping[str, Indicator], *, lang: str = "en", width: int = 96
) -> str:
    """A paragraph, article, target or crime class, and the indicators linked to it.

    Parameters
    ----------
    kind
        Name in :data:`uncac_metrics.builds.links.KINDS`.
    code
        Its number.
    catalogue
        Definitions by id.
    lang, width
        As in :func:`describe_indicator`.

    Returns
    -------
    str

    Raises
    ------
    KeyError
        Where there is no such row.
    """
    row = rows(kind)[code]
    about = KINDS[kind]
    fields = [
        ("Section", _in(lang, row.get("section_title", ""), row.get("section_title_zh", ""))),
        ("Chapter", _in(lang, row.get("chapter_title", ""), row.get("chapter_title_zh", ""))),
        ("Summary", _in(lang, row.get("summary", ""), row.get("summary_zh", ""))),
    ]
    title = _in(lang, row["title"], row.get("title_zh", ""))
    head = _head(f"{_in(lang, about.label, about.label_zh)} {code}", title)
    lines = [head, *_fields(fields, lang, width), "", _label("Indicators", lang)]
    found = linked(kind, code, catalogue)
    lines += _fields([(card.id, _in(lang, card.name, card.name_zh)) for card in found], lang, width)
    if not found:
        lines.append("  " + _label("No indicator is linked to it.", lang))
    return "\n".join(lines) + "\n"


def _in(lang: str, english: str, chinese: str) -> str:
    return (chinese if lang == "zh" else english) or english


def _label(name: str, lang: str) -> str:
    return LABELS_ZH.get(name, name) if lang == "zh" else name


def _head(code: str, title: str) -> str:
    return f"{code}  {title}"


def _fields(fields: Iterable[tuple[str, str]], lang: str, width: int) -> list[str]:
    """Label and text side by side, the text wrapped; fields without text are left out."""
    lines = []
    for name, text in fields:
        if not text:
            continue
        label = _label(name, lang)
        first = f"  {label}{' ' * max(1, 18 - _columns(label))}"
        wide = _columns(text) > 1.5 * len(text)
        room = max(20, (width - 20) // (2 if wide else 1))
        wrapped = textwrap.wrap(" ".join(text.split()), room)
        lines += [(first if place == 0 else " " * 20) + line for place, line in enumerate(wrapped)]
    return lines


def _columns(text: str) -> int:
    """Columns of a terminal that a text takes: Chinese characters take two."""
    from unicodedata import east_asian_width

    return sum(2 if east_asian_width(letter) in "WF" else 1 for letter in text)
