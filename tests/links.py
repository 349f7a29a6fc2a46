"""Follow every link of a folder of pages, without a network: ``python tests/links.py build/docs``.

A link to a file must lead to one within the folder, its fragment to an element of that page; an address elsewhere must
be one of https (or of mail), with a host. Every link that does not is printed, and the exit code is 1.
"""

import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

NAMES = {"href", "src", "xlink:href", "data", "poster"}


class Page(HTMLParser):
    """Links of a page, with their lines, and what can be linked to in it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[tuple[int, str]] = []
        self.ids: set[str] = {"", "top"}
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name == "id" or (name == "name" and tag == "a"):
                self.ids.add(value or "")
            elif name in NAMES and tag != "object":
                self.links.append((self.getpos()[0], value or ""))
            elif name == "srcset":
                self.links += [(self.getpos()[0], part.split()[0]) for part in (value or "").split(",")]


def faults(folder: Path) -> Iterator[str]:
    """Links that lead nowhere, each with its page and line."""
    folder = folder.resolve()
    paths = [path for path in sorted(folder.rglob("*.html")) if "_static" not in path.relative_to(folder).parts]
    pages = {path: Page(path.read_text(encoding="utf-8")) for path in paths}  # what a theme brings along is no page
    if not pages:
        yield f"{folder}: no pages"
    for path, page in pages.items():
        for line, link in page.links:
            if (wrong := fault(path, link, folder, pages)) is not None:
                yield f"{path.relative_to(folder)}, line {line}: {link!r} {wrong}"


def fault(path: Path, link: str, folder: Path, pages: dict[Path, Page]) -> str | None:
    """What is wrong with a link of a page."""
    try:
        parts = urlsplit(link)
    except ValueError as error:
        return f"is no address: {error}"
    if parts.scheme in ("data", "mailto"):
        return None if parts.path else "is empty"
    if parts.scheme or parts.netloc:
        return None if parts.scheme == "https" and parts.hostname else "is not an address of https"
    target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
    if not target.is_relative_to(folder):
        return "leads out of the folder"
    target = target / "index.html" if target.is_dir() else target
    if not target.is_file():
        return "leads to no file"
    if target in pages and unquote(parts.fragment) not in pages[target].ids:
        return "leads to no element of its page"
    return None


def main(folder: Path) -> int:
    """Print what is wrong; 0 where nothing is."""
    found = list(faults(folder))
    print("\n".join(found) or f"{folder}: every link leads somewhere")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
