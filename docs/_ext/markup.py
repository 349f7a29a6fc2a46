"""Markdown of the generated pages."""

from collections.abc import Iterable
from functools import cache

from uncac_metrics import reference
from uncac_metrics.model import Indicator

SPECIAL = str.maketrans({c: f"\\{c}" for c in "\\`*_{}[]<>|$#"} | {"\n": " "})


def text(value: object) -> str:
    """A value as Markdown that shows just its characters."""
    return str(value).translate(SPECIAL).strip()


def table(header: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    lines = [list(header)]
    lines.append(["---"] * len(lines[0]))
    lines += [list(row) for row in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def filled(rows: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    return [row for row in rows if row[1]]


def card_link(card: Indicator) -> str:
    return f"[{card.id}](/_generated/catalogue/{card.id}.md)"


def paragraph_link(number: str) -> str:
    """To the page of a numbered paragraph; preambular ones have a line in the list."""
    if number.startswith("P"):
        return f"[{number}](#paragraph-{number.lower()})"
    return f"[{number}](/_generated/paragraphs/{number}.md)"


@cache
def titles(name: str, key: str) -> dict[str, str]:
    """Code -> title, of a reference table."""
    rows = reference.load(name)
    return dict(zip(rows[key], rows["title"], strict=True))


def article_link(number: str, title: bool = False) -> str:
    words = f"{number} {text(titles('articles', 'article')[number])}" if title else number
    return f"[{words}](#article-{number})"


def target_link(code: str, title: bool = False) -> str:
    words = f"{code} {text(titles('sdg', 'code')[code])}" if title else code
    return f"[{words}](#sdg-{code.replace('.', '-')})"
