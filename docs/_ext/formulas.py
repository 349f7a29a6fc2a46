"""Formulas of cards, which are plain text, as TeX."""

import re

TOKENS = re.compile(
    r"(?P<ones>1\()|(?P<function>[A-Z]\([a-z0-9]+\))|(?P<symbol>[Σ·×≤≥−+()])|(?P<number>\d[\d.,/]*\d|\d)"
    r"|(?P<letter>\bw\b)|(?P<words>\s+|[^\sΣ·×≤≥−+()0-9]+)"
)
SYMBOLS = {"Σ": r"\sum ", "·": r"\cdot ", "×": r"\times ", "≤": r"\leq ", "≥": r"\geq ", "−": "-", "+": "+"}
SPECIAL = str.maketrans({c: f"\\{c}" for c in "%$&#_{}"})


def latex(formula: str) -> str:
    """TeX of a formula: `` / `` outside parentheses is a fraction, words are text.

    >>> latex("100 × staff trained / staff")
    '100\\\\times \\\\frac{\\\\text{staff trained}}{\\\\text{staff}}'
    """
    whole = " ".join(formula.split())
    said = re.search(r", (?=[A-Z] the )", whole)  # what a letter means comes after the formula
    if said:
        return expression(whole[: said.start()]) + rf",\quad {terms(whole[said.end() :])}"
    return expression(whole)


def expression(part: str) -> str:
    for sign in (" ≥ ", " ≤ "):
        sides = split(part, sign)
        if len(sides) == 2 and split(part, " / ")[1:]:
            start, _, rest = sides[0].rpartition(" with ")
            return (
                (terms(f"{start} with ") if start else "") + expression(rest) + SYMBOLS[sign.strip()] + terms(sides[1])
            )
    parts = split(part, " / ")
    if len(parts) == 2:
        factor = re.match(r"([\d,]+) × (?!.*×)", parts[0])
        above = parts[0][factor.end() :] if factor else parts[0]
        before = rf"{number(factor[1])}\times " if factor else ""
        return rf"{before}\frac{{{inside(above)}}}{{{inside(parts[1])}}}"
    return terms(part)


def inside(part: str) -> str:
    """A term; one that is wholly in parentheses may be a fraction itself."""
    bare = part[1:-1] if part.startswith("(") and part.endswith(")") else ""
    return expression(bare) if bare and bare.count("(") == bare.count(")") else terms(part)


def split(text: str, sign: str) -> list[str]:
    """The parts of a text between signs that stand outside parentheses."""
    parts, depth, start = [], 0, 0
    for i, letter in enumerate(text):
        depth += (letter == "(") - (letter == ")")
        if depth == 0 and text.startswith(sign, i):
            parts.append(text[start:i])
            start = i + len(sign)
    return [*parts, text[start:]]


def number(digits: str) -> str:
    return digits.replace(",", "{,}")


def terms(part: str) -> str:
    out, place, plain = [], 0, ""

    def flush() -> None:
        nonlocal plain
        if plain.strip():
            out.append(rf"\text{{{plain.translate(SPECIAL)}}}")
        plain = ""

    while place < len(part):
        found = TOKENS.match(part, place)
        place = found.end()
        kind, token = found.lastgroup, found.group()
        if kind == "ones":  # 1(words): words up to the closing parenthesis
            flush()
            depth, start = 1, place
            while depth:
                depth += {"(": 1, ")": -1}.get(part[place], 0)
                place += 1
            out.append(rf"1(\text{{{part[start : place - 1].translate(SPECIAL)}}})")
        elif kind == "symbol" and (token in SYMBOLS or not plain.strip()):
            flush()
            out.append(SYMBOLS.get(token, token))
        elif kind == "number" and not plain.strip():
            flush()
            out.append(number(token))
        elif kind in ("letter", "function"):
            flush()
            out.append(token)
        else:
            plain += token
    flush()
    return "".join(out)
