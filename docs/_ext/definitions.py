"""Pages of the catalogue and of the declaration, written from the definitions at each build."""

from collections.abc import Iterable
from pathlib import Path

from uncac_metrics import load_catalogue, reference
from uncac_metrics.methods import METHODS
from uncac_metrics.model import BREAKDOWNS, DIRECTIONS, MEASURES, PROVENANCE, Column, Indicator, Measure
from uncac_metrics.shapes import SHAPES

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
SHAPES_INTRO = """
A data set takes one of these shapes: a sample survey, a register with a row a unit, or figures that others have
counted, rated or published. A table needs no more columns than its indicators take; those marked *required* it must
have, and those marked *complete* may not be missing where the table has them. Columns that end in `__*` stand for one
column an item (`contact__police`, `contact__judge`).

Kinds: `yes_no` is 1, 0 or missing, and missing is not "no"; `date` is a day (2025-03-01 unless the rule of the source
says otherwise); `amount` is money in the `currency` (ISO 4217) of its row; `code` is a text from a list. An empty date
says that the event had not happened by `date_observed`.
"""
ESTIMATORS_INTRO = """
What the measure of a card may name. *Above the line* is the numerator, *below the line* the denominator: rows that are
counted, or a kind of number that is summed. Nothing in a card is evaluated as code.

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


def estimator(measure: Measure) -> str:
    known = METHODS.get(measure.estimator)
    return f"`{measure.estimator}`" + (f": {text(known.label)}" if known else "")


def said(value: object) -> str:
    """The value of an option in words."""
    if isinstance(value, dict):
        return ", ".join(f"{k} {v}" for k, v in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def card(one: Indicator) -> str:
    """The page of one indicator: card fields, computation, links, cases."""
    measure = one.measure
    computed = [
        ("Estimator", estimator(measure)),
        ("Input", f"[{text(SHAPES[measure.shape].label)}](#shape-{measure.shape})"),
        ("Numerator", base_label(measure.numerator, measure.shape) if measure.numerator else ""),
        ("Denominator", base_label(measure.denominator, measure.shape)),
        ("Rows taken", "; ".join(f"`{name}` {text(', '.join(codes))}" for name, codes in measure.where.items())),
        ("Options", "; ".join(f"`{name}` {text(said(value))}" for name, value in measure.options.items())),
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


def column_codes(column: Column) -> str:
    """The codes of a column with their labels: of a closed list, or the usual ones."""
    codes = column.codes or column.usual or {}
    listed = "; ".join(f"`{code}` {text(label)}" for code, label in codes.items())
    return f"usually {listed}" if column.usual else listed


def rule(how: str, taken: object, codes: object) -> str:
    """How a shape derives a column, in words."""
    columns = ", ".join(f"`{c}`" for c in taken)
    words = {
        "any": f"any of {columns} is yes", "all": f"all of {columns} are yes", "sum": f"sum of {columns}",
        "product": f"product of {columns}", "positive": f"{columns} is above 0", "present": f"{columns} is given",
        "equals": f"{columns} is {text(', '.join(codes or ()))}", "by": f"done, due, observed: {columns}",
    }  # fmt: skip
    return words[how]


def shapes_page(path: Path) -> dict[Path, str]:
    """The dictionaries of all input shapes, and what the estimators take."""
    parts = ["# Input shapes\n", SHAPES_INTRO]
    rows = [
        (f"[{text(s.label)}](#shape-{s.id})", f"`{s.id}`", text(s.row), text(", ".join(s.sources).replace("_", " ")))
        for s in SHAPES.values()
    ]
    parts.append(table(("input", "name", "a row is a", "from"), rows))
    for s in SHAPES.values():
        parts.append(f"(shape-{s.id})=\n## {text(s.label)}\n")
        parts.append(
            f"`{s.id}`: a row is one {text(s.row)}. Rows are told apart by {', '.join(f'`{k}`' for k in s.key)}.\n"
        )
        lines = []
        for c in s.columns:
            must = "required" if c.required else "complete" if c.complete else ""
            unit = f" ({text(c.unit)})" if c.unit else ""
            lines.append((f"`{c.name}`", c.kind, must, f"{text(c.label)}{unit}", column_codes(c)))
        parts.append(table(("column", "kind", "", "meaning", "codes"), lines))
        made = [
            (f"`{name}`", rule(how := next(k for k in r if k not in ("missing", "codes")), r[how], r.get("codes")))
            for name, r in s.derived.items()
        ]
        if made:
            parts.append("Made where the table lacks it:\n\n" + table(("column", "is"), made))
        held = [(f"`{a}`", f"holds nothing where `{b}` is 0") for a, b in s.within]
        held += [(f"`{a}`", f"is never above or after `{b}`") for a, b in s.ordered]
        held += [(f"`{a}`", f"has a value only where `{b}` has one") for a, b in s.needs]
        if held:
            parts.append("Checked between columns:\n\n" + table(("column", "rule"), held))
    parts.append("## Estimators\n\n" + ESTIMATORS_INTRO)
    lines = []
    for name, m in METHODS.items():
        options = "; ".join(f"`{k}`{' (required)' if o.required else ''}" for k, o in m.options.items())
        takes = "surveys" if m.sampled else ", ".join(f"`{x}`" for x in m.shapes) or "records and counts"
        lines.append((f"`{name}`", text(m.label), takes, ", ".join(m.above) or "–", ", ".join(m.below), options))
    parts.append(table(("estimator", "gives", "takes", "above the line", "below the line", "options"), lines))
    return {path: "\n".join(parts)}


def write(app) -> None:
    folder = Path(app.srcdir) / "_generated"
    pages = catalogue_pages(folder / "catalogue") | declaration_page(folder / "declaration.md")
    pages |= shapes_page(folder / "input_shapes.md")
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
