"""Install a built wheel into an environment of its own, outside any checkout, and use it there.

Run as ``python tests/wheel.py WHEEL``. The environment, the working folder and the output are temporary.
What is shown: the definitions and data files travel in the wheel, the dependencies that it names are enough,
the command is installed, and the bundled example office builds.
"""

import os
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ASK = """
import uncac_metrics
from pathlib import Path
home = Path(uncac_metrics.__file__).parent
assert "site-packages" in home.parts, home
catalogue = uncac_metrics.load_catalogue()
assert len(catalogue) >= 20, len(catalogue)
assert all(Path(card.file).is_relative_to(home) for card in catalogue.values())
dataset = uncac_metrics.load_dataset("sdg_16_5_1")
print(f"{len(catalogue)} definitions; {dataset.source.title!r} has {len(dataset.table)} rows")
"""


def main(wheel: Path) -> None:
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        venv.create(folder / "venv", with_pip=True)
        scripts = folder / "venv" / ("Scripts" if os.name == "nt" else "bin")
        environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "UNCAC_METRICS_DATA")}

        def run(*command: str) -> None:
            done = subprocess.run(
                [scripts / command[0], *command[1:]],
                check=False, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            )  # fmt: skip
            if done.returncode:
                sys.exit(f"{' '.join(command)} ended with code {done.returncode}\n{done.stdout}")
            print("\n".join(done.stdout.splitlines()[-1:]))

        run("python", "-m", "pip", "install", "-q", str(wheel.resolve()))
        run("python", "-c", ASK)
        run("uncac-metrics", "check")
        run("uncac-metrics", "build", "--out", "out", "--only", "BR-01", "CC-02")
        for name in ("estimates.csv", "manifest.json", "index.html", "site.css", "BR-01.html"):
            found = list((folder / "out" / "current" / "public").rglob(name))
            assert found, f"the build wrote no {name}"
            assert all(path.stat().st_size for path in found), found
        print(f"{wheel.name}: installed, checked and built outside the checkout")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
