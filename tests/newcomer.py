"""Follow docs/first_ten_minutes.md literally, in an environment with nothing in it: ``python tests/newcomer.py``.

The files of the checkout are copied to a temporary folder. There the page's commands run in a shell, and its cells are
typed into Python, line by line as someone would paste them. The last figure must be there, within ten minutes.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "first_ten_minutes.md"
BLOCK = re.compile(r"^```(sh|\{code-cell\})\n(.*?)^```", re.MULTILINE | re.DOTALL)
FOREIGN = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "UNCAC_METRICS_DATA", "MPLBACKEND")
FIGURE = Path("build", "bribery.png")
MINUTES = 10


def blocks(page: str) -> tuple[str, list[str]]:
    """The commands of a page, and its cells; the cells come after the commands."""
    found = BLOCK.findall(page)
    kinds = [kind for kind, _ in found]
    assert kinds == sorted(kinds, key=lambda kind: kind != "sh"), "commands come before cells"
    return "".join(text for kind, text in found if kind == "sh"), [text for kind, text in found if kind != "sh"]


def ran(command: list[str], typed: str, folder: Path) -> str:
    """What a command prints; the end of it where it goes wrong or Python tells of an error."""
    environment = {key: value for key, value in os.environ.items() if key not in FOREIGN}
    done = subprocess.run(
        command, input=typed, cwd=folder, env=environment, text=True, check=False,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    if done.returncode or "Traceback (most recent call last)" in done.stdout or "Error: " in done.stdout:
        sys.exit(f"{' '.join(command)} went wrong\n{done.stdout[-4000:]}")
    return done.stdout


def main() -> None:
    """Do as the page says."""
    began = time.monotonic()
    commands, cells = blocks(PAGE.read_text(encoding="utf-8"))
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for name in filter(None, tracked.split("\0")):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
        ran(["bash", "-euo", "pipefail"], commands, folder)
        # a blank line ends what is indented, as at a prompt
        told = ran([".venv/bin/python", "-i", "-q"], "".join(f"{cell}\n\n" for cell in cells), folder)
        assert "Prevalence of bribery" in told, told[-2000:]
        assert (folder / "build/example/current/public/index.html").is_file(), "the build wrote no page"
        picture = (folder / FIGURE).read_bytes()
        assert picture.startswith(b"\x89PNG"), "no picture"
        assert len(picture) > 20_000, f"a picture of {len(picture)} bytes"
    minutes = (time.monotonic() - began) / 60
    assert minutes < MINUTES, f"{minutes:.1f} minutes"
    print(f"{PAGE.name}: {len(cells)} cells in a fresh environment, to the last figure in {minutes:.1f} minutes")


if __name__ == "__main__":
    main()
