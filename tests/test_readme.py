"""What the README shows runs as it stands there: its Python, then its commands, over a small office."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from uncac_metrics._data import datasets_folder

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.DOTALL | re.MULTILINE)


def test_python_of_the_readme_runs(capsys):
    found = blocks("python")
    assert len(found) == 2
    names: dict[str, object] = {}
    for block in found:
        *lines, last = block.strip().splitlines()
        exec("\n".join(lines), names)  # noqa: S102 (the project's own text)
        value = eval(last.partition("#")[0], names)  # noqa: S307
        assert len(getattr(value, "table", value)) > 0, last


@pytest.mark.skipif(os.name == "nt", reason="the README's commands are for a POSIX shell")
def test_commands_of_the_readme_run(tmp_path):
    example = datasets_folder() / "example"
    place = tmp_path / "my_office" / "datasets" / "civil_servants_2025"
    shutil.copytree(example / "datasets" / place.name, place)
    (tmp_path / "my_office" / "office.toml").write_text('name = "Office"\nref_area = "XXA"\nlanguages = ["en"]\n')
    lines = next(block for block in blocks("sh") if block.startswith("uncac-metrics")).splitlines()
    assert len(lines) == 6
    for line in lines:
        command = line.partition("#")[0].split()[1:]
        done = subprocess.run(
            [sys.executable, "-m", "uncac_metrics", *command], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
        assert done.stdout.strip(), line
    assert (tmp_path / "results/current/public/index.html").is_file()
    assert (tmp_path / "indicators/XX-01.toml").is_file()
