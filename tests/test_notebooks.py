"""The check of the notebooks finds what it is there for; ``nox -s notebooks`` applies it to the notebooks."""

from __future__ import annotations

import copy
import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("jupytext")
pytest.importorskip("nbclient")
pytest.importorskip("ipykernel")
nbformat = pytest.importorskip("nbformat")

HERE = Path(__file__).parent
spec = importlib.util.spec_from_file_location("notebook_check", HERE / "notebooks.py")
check = importlib.util.module_from_spec(spec)
spec.loader.exec_module(check)

TEXT = """# %% [markdown]
# # A small one

# %%
value = 2
print("value", value)

# %%
from matplotlib import pyplot as plt

plt.figure(figsize=(2, 2))
plt.plot([0, 1], [0, value], linewidth=6);
"""


def run(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(HERE / "notebooks.py"), "--folder", str(folder), *options]
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=300)


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    folder = tmp_path_factory.mktemp("notebooks")
    (folder / "01_small.py").write_text(TEXT, encoding="utf-8")
    assert run(folder, "--update").returncode == 0
    return folder, nbformat.read(folder / "01_small.ipynb", as_version=4)


def test_what_is_stored_is_what_is_executed(pair):
    folder, stored = pair
    assert [cell.cell_type for cell in stored.cells] == ["markdown", "code", "code"]
    assert stored.cells[1].outputs[0].text == "value 2\n" and stored.cells[1].execution_count is None
    assert "image/png" in stored.cells[2].outputs[0].data
    again = run(folder)
    assert again.returncode == 0 and again.stdout.startswith("01_small: ") and "wrong" not in again.stdout


def test_a_pair_out_of_step_and_a_notebook_that_fails_are_errors(pair):
    folder, _ = pair
    try:
        (folder / "01_small.py").write_text(TEXT.replace("# # A small", "# # Another small"), encoding="utf-8")
        (folder / "02_fails.py").write_text("# %%\n1 / 0\n", encoding="utf-8")
        done = run(folder)
        said = done.stdout
        assert done.returncode == 1
        assert "the cells of the .py and of the .ipynb differ" in said and "ZeroDivisionError" in said
    finally:
        (folder / "01_small.py").write_text(TEXT, encoding="utf-8")
        (folder / "02_fails.py").unlink()


def test_another_output_is_named(pair):
    _, stored = pair
    other = copy.deepcopy(stored)
    other.cells[1].outputs[0].text = "value 3\n"
    (said,) = check.faults(other, stored)
    assert said.startswith("cell 2 gives another output") and "-value 3" in said and "+value 2" in said


def test_another_picture_is_named_and_another_pixel_is_not(pair):
    _, stored = pair
    (picture,) = check.pictures(stored.cells[2])
    assert check.alike(picture, picture)
    dot, turned = picture.copy(), picture[::-1]
    dot[3:5, 3:5] = 0
    assert check.alike(picture, dot)
    assert not check.alike(picture, turned) and not check.alike(picture, picture[: len(picture) // 2])


@pytest.mark.parametrize(
    ("text", "word"),
    [("<object object at 0x7f12ab>", "at 0x7f12ab"), ("written to /tmp/a.csv", "/tmp/"), ("/home/me/x", "/home/")],
)
def test_what_changes_from_place_to_place_is_refused(pair, text, word):
    _, stored = pair
    book = copy.deepcopy(stored)
    book.cells[1].outputs[0].text = text
    (said,) = check.faults(book, book)
    assert word in said and "not the same elsewhere" in said


def test_a_warning_and_counts_of_executions_are_refused(pair):
    _, stored = pair
    book = copy.deepcopy(stored)
    book.cells[1].outputs[0].name = "stderr"
    counted = copy.deepcopy(book)
    counted.cells[1].execution_count = 7
    warned, numbered = check.faults(counted, book)
    assert "cell 2 warns" in warned and "counts of executions" in numbered
