"""Pages of what indicators are linked to: each paragraph of the declaration, the articles, the SDG targets."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import pandas as pd
from markup import article_link, card_link, filled, paragraph_link, table, target_link, text

from uncac_metrics import coverage, reference
from uncac_metrics.builds.figures import Plot, ends, number
from uncac_metrics.builds.links import linked
from uncac_metrics.model import MEASURES, TOTAL, Indicator
from uncac_metrics.plots import commitment_alt, commitment_data, commitment_svg
from uncac_metrics.shapes import SHAPES

DECLARATION = """
The political declaration of 2021 (General Assembly resolution S-32/1) has 14 preambular paragraphs, which it
does not number and which are P1 to P14 here, and 86 numbered ones. The summaries are this project's own,
and so is the judgement of what kind of undertaking a paragraph holds, how strong it is, and what measures it.
A dash says that no indicator of the catalogue measures the paragraph.
"""
ARTICLES = """
The articles of the United Nations Convention against Corruption, with the indicators and the paragraphs of the
declaration that speak to each. Unless the paragraph cites the article, the link is this project's reading.
"""
TARGETS = """
The Sustainable Development Goals, targets and indicators that bear on corruption and its prevention, with the
indicators of the catalogue and the paragraphs of the declaration that speak to each.
The links are this project's reading.
"""
SOURCE = "the example office, whose data are simulated"
NATURE = {
    "quantifiable": "can be measured",
    "legal": "law or institution",
    "un_addressed": "addressed to the United Nations",
    "none": "nothing to measure",
}
STRENGTH = {
    "commit": "States commit themselves",
    "encourage": "States consider or encourage",
    "recognise": "States recognise",
    "request": "States ask a body of the United Nations",
}
MEASURED = {
    "indicators": "What the paragraph undertakes can be measured.",
    "milestones": "The paragraph is addressed to the United Nations. It is tracked by milestones, which are events: "
    "no State is measured by them.",
    "not scored": "The paragraph is left out of every measure and every score.",
    "nothing to measure": "The paragraph recognises something or is about procedure: there is nothing to count.",
}


def index(path: Path, catalogue: Mapping[str, Indicator]) -> dict[Path, str]:
    """The paragraphs of the declaration, with the indicators that measure each."""
    parts = ["# The declaration, paragraph by paragraph\n", DECLARATION]
    paragraphs = reference.load("declaration")
    for section, rows in paragraphs.groupby("section", sort=False):
        title = text(rows["section_title"].iloc[0])
        heading = title if section == "0" else f"Section {section}. {title}"
        lines = []
        for one in rows.to_dict("records"):
            code = one["paragraph"]
            anchor = f"[{code}]{{#paragraph-{code.lower()}}}" if code.startswith("P") else paragraph_link(code)
            lines.append(
                (
                    anchor,
                    (
                        f"**{text(one['title'])}**. {text(one['summary'])} {text(one['note'])}<br>"
                        f"**{text(one['title_zh'])}**。{text(one['summary_zh'])}"
                    ),
                    text(f"{one['strength']}{when(one)}: {natures(one)}"),
                    ", ".join(map(card_link, linked("paragraph", code, catalogue))) or "–",
                )
            )
        parts.append(f"## {heading}\n\n" + table(("", "paragraph", "undertaking", "indicators"), lines))
    numbered = "\n".join(f"paragraphs/{code}" for code in paragraphs["paragraph"] if not code.startswith("P"))
    parts.append(f"```{{toctree}}\n:hidden:\n\n{numbered}\n```\n")
    return {path: "\n".join(parts)}


def when(one: Mapping[str, str]) -> str:
    deadline = one["deadline"]
    return f", by {deadline}" if deadline.isdigit() else f", {deadline}" if deadline else ""


def natures(one: Mapping[str, str]) -> str:
    return "; ".join(NATURE[kind] for kind in one["nature_all"].split(";"))


def measured_by(cards: Iterable[Indicator], plots: Mapping[str, list[Plot]]) -> str:
    """A table of indicators, with the overall value of the newest data set of the example office."""
    rows = []
    for card in cards:
        totals = [row for plot in plots.get(card.id, [])[:1] for row in plot.rows if row["code"] == TOTAL]
        first = totals[0] if totals else None
        if first is None:
            value = "by category" if plots.get(card.id) else "–"
        elif first["display"] == "withheld":
            value = "withheld"
        else:
            interval = ends(first["lower"], first["upper"], card.decimals) or "–"
            value = f"{number(first['value'], card.decimals)} ({interval})"
        shape = f"[{text(SHAPES[card.measure.shape].label)}](#shape-{card.measure.shape})"
        rows.append((card_link(card), text(card.name), text(MEASURES[card.type]), shape, text(card.unit), value))
    header = ("id", "indicator", "kind of measure", "from", "unit", "example (95 % interval)")
    return table(header, rows)


def paragraph(one: Mapping[str, str], cards: list[Indicator], plots: Mapping[str, list[Plot]], drawn: str) -> str:
    """The page of one numbered paragraph: what can be measured, and by which cards."""
    code = one["paragraph"]
    links = reference.load("paragraph_links")
    links = links[links["paragraph"] == code]

    def to(kind: str, link) -> str:
        rows = links[links["kind"] == kind].drop_duplicates(["code", "named"])
        cited, read = (
            "; ".join(link(c, title=True) for c in rows.loc[rows["named"].astype(str) == named, "code"])
            for named in ("1", "0")
        )
        return "<br>".join(
            f"{who}: {what}" for who, what in (("named in the text", cited), ("our reading", read)) if what
        )

    about = [
        ("Section", text(f"{one['section']}. {one['section_title']}")),
        ("Says", f"{text(one['summary'])}<br>{text(one['summary_zh'])}"),
        ("Undertaking", f"{text(STRENGTH[one['strength']])}{text(when(one))}"),
        ("Nature", text(natures(one))),
        ("Milestone", text(f"{one['title']}{when(one)}") if one["tracked"] == "milestones" else ""),
        ("Articles of the Convention", to("article", article_link)),
        ("SDG targets", to("target", target_link)),
    ]
    parts = [
        f"# Paragraph {code}. {text(one['title'])}\n\n{text(one['title_zh'])}\n",
        table(("", ""), filled(about)),
        f"## What can be measured\n\n{MEASURED[one['tracked']]} {text(one['note'])}\n",
    ]
    if cards:
        parts += ["Indicators of the catalogue that speak to it:\n", measured_by(cards, plots), drawn]
    elif one["tracked"] in ("indicators", "milestones"):
        parts.append("No indicator of the catalogue measures it yet.\n")
    parts.append("The summary is this project's own; only the resolution itself is authoritative.\n")
    return "\n".join(parts)


def paragraph_pages(
    folder: Path, catalogue: Mapping[str, Indicator], plots: Mapping[str, list[Plot]], estimates: pd.DataFrame
) -> dict[Path, str]:
    """A page for each numbered paragraph, and its plot where the release has data for it."""
    tracked = coverage(catalogue).set_index("paragraph")["tracked"]
    declaration = reference.load("declaration").set_index("paragraph", drop=False)
    made = {}
    for code, how in tracked.items():
        one = dict(declaration.loc[code]) | {"tracked": how}
        cards = linked("paragraph", code, catalogue)
        drawn = ""
        if cards:
            numbers = commitment_data(estimates, code, catalogue=catalogue)
            name = f"paragraph-{code}.svg"
            made[folder.parent / "plots" / name] = commitment_svg(numbers, code, source=SOURCE)
            drawn = (
                f"```{{image}} /_generated/plots/{name}\n:alt: {commitment_alt(numbers, code)}\n:width: 580px\n```\n"
            )
        made[folder / f"{code}.md"] = paragraph(one, cards, plots, drawn)
    return made


def articles(path: Path, catalogue: Mapping[str, Indicator]) -> dict[Path, str]:
    """The articles of the Convention, with the indicators and paragraphs that speak to each."""
    links = reference.load("paragraph_links")
    links = links[links["kind"] == "article"]
    targets = reference.load("article_targets")
    parts = ["# The Convention, article by article\n", ARTICLES]
    for chapter, rows in reference.load("articles").groupby("chapter", sort=False):
        lines = []
        for one in rows.to_dict("records"):
            code = one["article"]
            lines.append(
                (
                    f"[{code}]{{#article-{code}}}",
                    f"**{text(one['title'])}**<br>{text(one['title_zh'])}",
                    one["mandatory"] or "–",
                    ", ".join(map(card_link, linked("article", code, catalogue))) or "–",
                    ", ".join(map(paragraph_link, dict.fromkeys(links.loc[links["code"] == code, "paragraph"]))) or "–",
                    ", ".join(map(target_link, targets.loc[targets["article"] == code, "target"])) or "–",
                )
            )
        title = text(rows["chapter_title"].iloc[0])
        header = ("", "article", "duty", "indicators", "paragraphs", "SDG targets")
        parts.append(f"## Chapter {chapter}. {title}\n\n" + table(header, lines))
    return {path: "\n".join(parts)}


def targets(path: Path, catalogue: Mapping[str, Indicator]) -> dict[Path, str]:
    """Goals, targets and indicators of the 2030 Agenda, with the indicators and paragraphs that speak to each."""
    links = reference.load("paragraph_links")
    links = links[links["kind"] == "target"]
    lines = []
    for one in reference.load("sdg").to_dict("records"):
        code = one["code"]
        bold = "" if one["level"] == "indicator" else "**"
        lines.append(
            (
                f"[{code}]{{#sdg-{code.replace('.', '-')}}}",
                f"{bold}{text(one['title'])}{bold}<br>{text(one['title_zh'])}",
                one["level"],
                text(one["series"].replace(";", ", ")) or "–",
                ", ".join(card_link(c) for c in catalogue.values() if code in c.targets) or "–",
                ", ".join(map(paragraph_link, dict.fromkeys(links.loc[links["code"] == code, "paragraph"]))) or "–",
            )
        )
    header = ("", "title", "level", "UN series", "indicators", "paragraphs")
    return {path: "\n".join(["# Sustainable Development Goals\n", TARGETS, table(header, lines)])}
