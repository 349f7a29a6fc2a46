"""A page for each indicator: card, formula, computation, worked cases, links, and its figures in the example office."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from formulas import latex
from markup import article_link, filled, paragraph_link, table, target_link, text

from uncac_metrics import reference
from uncac_metrics.builds.figures import Plot, table_of
from uncac_metrics.methods import METHODS
from uncac_metrics.model import BREAKDOWNS, DIRECTIONS, MEASURES, PROVENANCE, Case, Indicator, Measure, Source
from uncac_metrics.plots.alt import words_of
from uncac_metrics.shapes import SHAPES

CATALOGUE = """
{} definitions. They are this project's own: they follow the published structure of the United Nations
statistical framework to measure corruption, and are neither its list nor its numbering.
Each page says under *Provenance* what it rests on.
"""
EXAMPLE = """
Computed from the simulated data of the [example office](/example_data.md); they describe no country.
"""


def base_label(name: str, shape: str) -> str:
    bases = reference.load("bases")
    rows = bases[(bases["base"] == name) & (bases["shape"] == shape)]
    return f"{text(rows['label'].iloc[0])} (`{name}`)" if len(rows) else f"`{name}`"


def estimator(measure: Measure) -> str:
    known = METHODS.get(measure.estimator)
    return f"`{measure.estimator}`" + (f": {text(known.label)}" if known else "")


def said(value: object) -> str:
    """The value of an option in words."""
    if isinstance(value, dict):
        return ", ".join(f"{k} {v}" for k, v in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def crime(code: str) -> str:
    titles = reference.load("crimes").set_index("code")["title"]
    return text(f"{code} {titles[code]}")


def page(one: Indicator, plots: Iterable[Plot], sources: Mapping[str, Source], same_topic: str) -> str:
    """The page of one indicator."""
    measure = one.measure
    fields = [
        ("Name", text(one.name)),
        ("Type of measure", text(MEASURES[one.type])),
        ("Objective", text(one.objective)),
        ("Description", text(one.description)),
        ("Formula", text(one.formula)),
        ("Responsible", text(one.responsible)),
        ("Sources", text(", ".join(source.replace("_", " ") for source in one.sources))),
        ("Frequency", text(one.frequency)),
        ("Disaggregations", text("; ".join(BREAKDOWNS[name].lower() for name in one.disaggregations)) or "none"),
        ("Additional information", text(one.notes)),
    ]
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
    links = [
        ("Paragraphs of the declaration", ", ".join(map(paragraph_link, one.paragraphs))),
        ("Articles of the Convention", "; ".join(article_link(a, title=True) for a in one.articles)),
        ("SDG targets and indicators", "; ".join(target_link(t, title=True) for t in one.targets)),
        ("UN series", text(", ".join(one.series))),
        ("Crime classes (ICCS)", "; ".join(map(crime, one.crimes))),
        ("Provenance", f"{one.provenance}: {text(PROVENANCE[one.provenance])}. {text(one.provenance_note)}"),
    ]
    parts = [
        f"# {one.id} {text(one.name)}\n\n{text(one.name_zh)}\n",
        "## Card\n\n" + table(("field", "content"), fields),
        f"## Formula\n\n$$\n{latex(one.formula)}\n$$\n",
        "## Computation\n\n" + table(("", ""), filled(computed)),
        "## Worked cases\n",
        *(worked(case) for case in one.cases),
        "## Links\n\n" + table(("", ""), filled(links)),
        "## In the example office\n",
    ]
    found = [shown(plot, sources[plot.dataset]) for plot in plots]
    parts += [EXAMPLE, *found] if found else ["No data set of the example office feeds it.\n"]
    parts.append(f"Same topic: {same_topic}.\n")
    return "\n".join(parts)


def number(value: object) -> str:
    """A number to ten digits, anything else as text."""
    return f"{value:.10g}" if isinstance(value, float) else text(value)


def worked(case: Case) -> str:
    """A worked case: what goes in, and what has to come out."""
    columns = list(dict.fromkeys(name for row in case.rows for name in row))
    rows = [[text(row.get(name, "")) for name in columns] for row in case.rows]
    expected = ", ".join(f"{text(name)} **{number(value)}**" for name, value in case.expect.items())
    item = f" for {text(case.item)}" if case.item else ""
    title = text(case.name)
    gives = f"gives {expected}{item}. Columns that are not shown are missing; every weight not shown is 1.\n"
    return f"{title[:1].upper()}{title[1:]}:\n\n{table(map(text, columns), rows)}\n{gives}"


def shown(plot: Plot, source: Source) -> str:
    """The plot of one data set and its table."""
    numbers = table_of(plot.rows, plot.indicator.decimals)
    lines = []
    for group in numbers["groups"]:
        if group["heading"]:
            lines.append((f"**{text(' × '.join(group['heading']))}**", "", "", "", "", ""))
        for row in group["rows"]:
            flag = ("uncertain " if row["display"] == "flagged" else "") + " ".join(row["remarks"])
            value = "withheld" if row["display"] == "withheld" else row["value"] or "–"
            interval = row["ends"] or "–"
            figures = (value, interval, row["std_error"] or "–", row["n"] or "–", flag)
            lines.append((text(row["label"]), *figures))
    alt = " ".join(words_of(plot.rows, plot.indicator).split())
    parts = [
        f"### {text(plot.source)}\n\nPeriod {text(source.time_period)}; unit: {text(plot.indicator.unit)}.\n",
        f"```{{image}} /_generated/plots/{plot.name}.svg\n:alt: {alt}\n:width: 420px\n```\n",
        table(("", "value", "95 % interval", "std. error", "n", "remarks"), lines),
    ]
    parts += [f"{letter}: {text(words)}\n" for words, letter in numbers["remarks"].items()]
    if plot.crossed:
        parts.append(f"{len(plot.crossed)} more estimates, by several breakdowns at once, are in the release.\n")
    return "\n".join(parts)


def pages(
    folder: Path, catalogue: Mapping[str, Indicator], plots: Iterable[Plot], sources: Mapping[str, Source]
) -> dict[Path, str]:
    """An index of the catalogue and a page for each indicator."""
    topics: dict[str, list[Indicator]] = {}
    for one in catalogue.values():
        topics.setdefault(one.topic, []).append(one)
    parts = ["# Catalogue of indicators\n", CATALOGUE.format(len(catalogue))]
    for topic, cards in topics.items():
        rows = [
            (f"[{one.id}]({one.id}.md)", text(one.name), text(one.name_zh), text(one.unit), one.provenance)
            for one in cards
        ]
        title = topic.replace("_", " ").capitalize()
        parts.append(f"## {title}\n\n" + table(("id", "name", "名称", "unit", "provenance"), rows))
    parts.append("Provenance: " + "; ".join(f"{tag} = {text(words)}" for tag, words in PROVENANCE.items()) + ".\n")
    entries = "\n".join(catalogue)
    parts.append(f"```{{toctree}}\n:hidden:\n\n{entries}\n```\n")
    drawn: dict[str, list[Plot]] = {}
    for plot in plots:
        drawn.setdefault(plot.indicator.id, []).append(plot)
    made = {folder / "index.md": "\n".join(parts)}
    for one in catalogue.values():
        near = ", ".join(f"[{card.id}]({card.id}.md)" for card in topics[one.topic] if card is not one)
        made[folder / f"{one.id}.md"] = page(one, drawn.get(one.id, []), sources, near or "none")
    return made
