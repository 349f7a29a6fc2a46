"""Execute the notebooks and hold them against what is stored: ``python tests/notebooks.py [--update] [NAME …]``.

A notebook is a pair: ``notebooks/NAME.py`` is its text (percent format of jupytext), which people edit and review;
``notebooks/NAME.ipynb`` is the same with the outputs of an execution, which the documentation shows. Without
``--update`` it is an error if the cells of a pair differ, if an execution gives other outputs than the stored ones, or
if an output holds what another execution or another computer would not give. Texts and tables must be equal to the last
character; pictures must have about the same size and colours, since fonts are drawn a little differently elsewhere.
"""

import argparse
import base64
import difflib
import hashlib
import io
import os
import re
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import jupytext
import nbformat
import numpy as np
from matplotlib.image import imread
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

FOLDER = Path(__file__).parent.parent / "notebooks"
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
VOLATILE = re.compile(r"\bat 0x[0-9a-f]+|/(?:root|home|tmp|usr|Users)/|\b[A-Z]:\\\\|site-packages")
SECONDS = 60
"""How long a notebook may take beside other work; by itself, on two processors, none takes 20 seconds."""


def text_of(path: Path) -> nbformat.NotebookNode:
    """The cells of the text, without outputs; identifiers follow from what the cells say."""
    book = jupytext.read(path, fmt="py:percent")
    book.metadata, book.nbformat, book.nbformat_minor = METADATA, 4, 5
    seen: dict[str, int] = {}
    for cell in book.cells:
        cell.metadata = {}
        again = seen[cell.source] = seen.get(cell.source, -1) + 1
        cell.id = hashlib.sha256(f"{again}{cell.cell_type}{cell.source}".encode()).hexdigest()[:8]
    return book


def executed(path: Path) -> tuple[nbformat.NotebookNode, float]:
    """The notebook with its outputs, cleared of what changes from one execution to the next, and the seconds taken."""
    book, start = text_of(path), time.perf_counter()
    quiet = ["--IPKernelApp.log_level=ERROR"]  # else it warns that kernel and client talk by way of local ports
    where = {"metadata": {"path": str(path.parent)}}
    NotebookClient(book, timeout=300, resources=where, extra_arguments=quiet, coalesce_streams=True).execute()
    book.metadata = METADATA
    for cell in book.cells:
        cell.metadata = {}
        if cell.cell_type == "code":
            cell.execution_count = None
            for output in cell.outputs:
                if output.output_type == "execute_result":
                    output.execution_count = None
                if "metadata" in output:
                    output.metadata = {}
    return book, time.perf_counter() - start


def words(output: nbformat.NotebookNode) -> str:
    """An output without its pictures, as text that can be compared."""
    texts = [output.get("name", ""), output.get("text", "")]
    for kind, content in sorted(output.get("data", {}).items()):
        texts += [kind] if kind.startswith("image/") else [kind, content]
    return "\n".join([output.output_type, *texts])


def pictures(cell: nbformat.NotebookNode) -> list[np.ndarray]:
    found = [output.data["image/png"] for output in cell.get("outputs", []) if "image/png" in output.get("data", {})]
    return [imread(io.BytesIO(base64.b64decode(picture)), format="png")[..., :3] for picture in found]


def alike(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether two pictures differ by no more than the drawing of letters: in size, and in means over a coarse grid."""
    if any(abs(a - b) > max(6, 0.03 * b) for a, b in zip(one.shape[:2], other.shape[:2], strict=True)):
        return False
    coarse = []
    for picture in (one, other):
        grid = np.array_split(picture, 12, axis=0)
        coarse.append(np.array([[tile.mean((0, 1)) for tile in np.array_split(row, 12, axis=1)] for row in grid]))
    return float(np.abs(coarse[0] - coarse[1]).max()) < 0.08


def faults(stored: nbformat.NotebookNode | None, book: nbformat.NotebookNode) -> list[str]:
    """What is wrong with an execution by itself, and with the stored one beside it."""
    found = []
    for number, cell in enumerate(book.cells, 1):
        for output in cell.get("outputs", []):
            if output.get("name") == "stderr":
                found.append(f"cell {number} warns: {output.text.strip()}")
            if seen := VOLATILE.search(words(output)):
                found.append(f"cell {number} shows {seen.group()!r}, which is not the same elsewhere")
    if stored is None:
        return [*found, "there is no .ipynb"]
    if [(c.cell_type, c.source) for c in stored.cells] != [(c.cell_type, c.source) for c in book.cells]:
        return [*found, "the cells of the .py and of the .ipynb differ"]
    bare = [[c.get("id"), c.metadata, c.get("execution_count")] for c in stored.cells]
    if stored.metadata != METADATA or bare != [[c.id, {}, None] for c in book.cells]:
        found.append("the .ipynb has identifiers, counts of executions or metadata of its own")
    for number, (old, new) in enumerate(zip(stored.cells, book.cells, strict=True), 1):
        before, after = ("\n".join(map(words, cell.get("outputs", []))) for cell in (old, new))
        if before != after:
            lines = difflib.unified_diff(before.splitlines(), after.splitlines(), "stored", "executed", "", "", 0, "")
            found.append("\n".join([f"cell {number} gives another output:", *list(lines)[:40]]))
        elif not all(map(alike, pictures(old), pictures(new))):
            found.append(f"cell {number} draws another picture")
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("names", nargs="*", help="notebooks by the beginnings of their names; all by default")
    parser.add_argument("--update", action="store_true", help="write what the executions give")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where they lie")
    asked = parser.parse_args()
    folder = asked.folder
    os.environ.pop("MPLBACKEND", None)  # figures are stored, whatever the caller draws with
    os.environ.pop("UNCAC_METRICS_DATA", None)  # notebooks rest on what is bundled
    paths = [p for p in sorted(folder.glob("*.py")) if p.name.startswith(tuple(asked.names) or "")]
    if lonely := {p.stem for p in folder.glob("*.ipynb")} - {p.stem for p in folder.glob("*.py")}:
        print(f"without a text beside them: {', '.join(sorted(lonely))}")
    failed = len(lonely)
    with ThreadPoolExecutor(2) as pool:
        for path, running in [(path, pool.submit(executed, path)) for path in paths]:
            target = path.with_suffix(".ipynb")
            try:
                book, seconds = running.result()
            except CellExecutionError as error:
                print(f"{path.stem}: fails\n{error}", flush=True)
                failed += 1
                continue
            if asked.update:
                nbformat.write(book, target)
            found = faults(nbformat.read(target, as_version=4) if target.exists() else None, book)
            if seconds > SECONDS:
                found.append(f"takes more than {SECONDS} seconds")
            print(f"{path.stem}: {seconds:.1f} s{'' if not found else ', wrong'}", *found, sep="\n  ", flush=True)
            failed += bool(found)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
