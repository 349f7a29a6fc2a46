"""Pages of the catalogue and of the declaration, written from the definitions at each build."""

from collections.abc import Iterable
from pathlib import Path

from uncac_metrics import load_catalogue, reference
from uncac_metrics.model import BREAKDOWNS, DIRECTIONS, MEASURES, PROVENANCE, Indicator

SPECIAL = str.maketrans({c: f"\\{c}" for c in "\\`*_{}[]<>|$#"} | {"\n": " "})

CATALOGUE = """
{} definitions. They are this project's own: they follow the published structure of the United Nations
statistical framework to measure corruption, and are neither its list nor its numbering.
Each page says under *Provenance* what it rests on.
"""
DECLARATION = """
The political declaration of 2021 (General Assembly resolution S-32/1) has 14 preambular paragraphs, which it
does not number and which are P1 to P14 here, and 86 numbered ones. The summaries are this project's own,
and so is the judgement of what kind of undertaking a paragraph holds, how strong it is, and what measures it.
A dash says that no indicator of the catalogue measures the paragraph.
"""
NATURE = {
    "quantifiable": "can be measured",
    "legal": "law or institution",
    "un_addressed": "addressed to the United Nations",
    "none": "nothing to measure",
}


def text(value: object) -> str:
    """A value as Markdown that shows just its characters."""
    return str(value).translate(SPECIAL).strip()


def table(header: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    lines = [list(header)]
    lines.append(["---"] * len(lines[0]))
    lines += [list(row) for row in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def paragraph_link(number: str) -> str:
    return f"[{number}](#paragraph-{number.lower()})"


def base_label(name: str, shape: str) -> str:
    bases = reference.load("bases")
    rows = bases[(bases["base"] == name) & (bases["shape"] == shape)]
    return f"{text(rows['label'].iloc[0])} (`{name}`)" if len(rows) else f"`{name}`"


def titled(codes: Iterable[str], name: str, key: str) -> str:
    titles = reference.load(name).set_index(key)["title"]
    return text("; ".join(f"{code} {titles[code]}" for code in codes))


def card(one: Indicator) -> str:
    """The page of one indicator: card fields, computation, links, cases."""
    measure = one.measure
    computed = [
        ("Estimator", f"`{measure.estimator}` on `{measure.shape}`"),
        ("Numerator", base_label(measure.numerator, measure.shape) if measure.numerator else ""),
        ("Denominator", base_label(measure.denominator, measure.shape)),
        ("A row for each", text(BREAKDOWNS[measure.items]) if measure.items else ""),
        ("A row for each level of", f"`{measure.levels}`" if measure.levels else ""),
        ("Unit", f"{text(one.unit)}, shown to {one.decimals} decimal{'s' if one.decimals != 1 else ''}"),
        ("Direction", text(DIRECTIONS[one.direction])),
        ("Universe", text(one.universe)),
        ("Reference period", text(one.reference_period)),
    ]
    fields = [
        ("Name", text(one.name)),
        ("Type of measure", text(MEASURES[one.type])),
        ("Objective", text(one.objective)),
        ("Description", text(one.description)),
        ("Formula", text(one.formula)),
        ("Responsible", text(one.responsible)),
        ("Sources", text(", ".join(source.replace("_", " ") for source in one.sources))),
        ("Frequency", text(one.frequency)),
        ("Disaggregations", text("; ".join(BREAKDOWNS[name].lower() for name in one.disaggregations))),
        ("Additional information", text(one.notes)),
    ]
    links = [
        ("Paragraphs of the declaration", ", ".join(paragraph_link(p) for p in one.paragraphs)),
        ("Articles of the Convention", titled(one.articles, "articles", "article")),
        ("SDG targets and indicators", titled(one.targets, "sdg", "code")),
        ("UN series", text(", ".join(one.series))),
        ("Crime classes (ICCS)", titled(one.crimes, "crimes", "code")),
        ("Provenance", f"{one.provenance}: {text(PROVENANCE[one.provenance])}. {text(one.provenance_note)}"),
    ]

    def filled(rows: list[tuple[str, str]]) -> list[tuple[str, str]]:
        return [row for row in rows if row[1]]

    parts = [
        f"# {one.id} {text(one.name)}\n\n{text(one.name_zh)}\n",
        "## Card\n\n" + table(("field", "content"), fields),
        "## Computation\n\n" + table(("", ""), filled(computed)),
        "## Links\n\n" + table(("", ""), filled(links)),
        "## Worked cases\n",
    ]
    for case in one.cases:
        columns = list(dict.fromkeys(name for row in case.rows for name in row))
        rows = [[text(row.get(name, "")) for name in columns] for row in case.rows]
        expected = ", ".join(f"{text(name)} {text(value)}" for name, value in case.expect.items())
        item = f" for {text(case.item)}" if case.item else ""
        parts.append(f"{text(case.name)[:1].upper()}{text(case.name)[1:]}:\n\n{table(map(text, columns), rows)}")
        parts.append(f"gives {expected}{item}. Columns that are not shown are missing; every weight is 1.\n")
    return "\n".join(parts)


def catalogue_pages(folder: Path) -> dict[Path, str]:
    """An index of the catalogue and a page for each indicator."""
    catalogue = load_catalogue()
    topics = dict.fromkeys(one.topic for one in catalogue.values())
    parts = [
        "# Catalogue of indicators\n",
        CATALOGUE.format(len(catalogue)),
    ]
    for topic in topics:
        rows = [
            (f"[{one.id}]({one.id}.md)", text(one.name), text(one.name_zh), text(one.unit), one.provenance)
            for one in catalogue.values()
            if one.topic == topic
        ]
        title = topic.replace("_", " ").capitalize()
        parts.append(f"## {title}\n\n" + table(("id", "name", "名称", "unit", "provenance"), rows))
    parts.append("Provenance: " + "; ".join(f"{tag} = {text(words)}" for tag, words in PROVENANCE.items()) + ".\n")
    entries = "\n".join(catalogue)
    parts.append(f"```{{toctree}}\n:hidden:\n\n{entries}\n```\n")
    pages = {folder / f"{one.id}.md": card(one) for one in catalogue.values()}
    return pages | {folder / "index.md": "\n".join(parts)}


def declaration_page(path: Path) -> dict[Path, str]:
    """The paragraphs of the declaration, with the indicators that measure each."""
    catalogue = load_catalogue()
    paragraphs = reference.load("declaration")
    parts = [
        "# The declaration, paragraph by paragraph\n",
        DECLARATION,
    ]
    for section, rows in paragraphs.groupby("section", sort=False):
        title = text(rows["section_title"].iloc[0])
        heading = title if section == "0" else f"Section {section}. {title}"
        lines = []
        for one in rows.to_dict("records"):
            number = one["paragraph"]
            measured = [card for card in catalogue.values() if number in card.paragraphs]
            kinds = "; ".join(NATURE[kind] for kind in one["nature_all"].split(";"))
            deadline = f", by {one['deadline']}" if one["deadline"].isdigit() else f", {one['deadline']}"
            when = deadline if one["deadline"] else ""
            lines.append(
                (
                    f"[{number}]{{#paragraph-{number.lower()}}}",
                    f"**{text(one['title'])}**. {text(one['summary'])} {text(one['note'])}<br>"
                    f"**{text(one['title_zh'])}**。{text(one['summary_zh'])}",
                    text(f"{one['strength']}{when}: {kinds}"),
                    ", ".join(f"[{card.id}](catalogue/{card.id}.md)" for card in measured) or "–",
                )
            )
        parts.append(f"## {heading}\n\n" + table(("", "paragraph", "undertaking", "indicators"), lines))
    return {path: "\n".join(parts)}


def write(app) -> None:
    folder = Path(app.srcdir) / "_generated"
    pages = catalogue_pages(folder / "catalogue") | declaration_page(folder / "declaration.md")
    for path, page in pages.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_text(encoding="utf-8") != page:
            path.write_text(page, encoding="utf-8")
    for path in (folder / "catalogue").glob("*.md"):
        if path not in pages:
            path.unlink()


def setup(app) -> dict[str, bool]:
    app.connect("builder-inited", write)
    return {"parallel_read_safe": True}
