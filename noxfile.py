#!/usr/bin/env -S uv run --script
# /// script
# dependencies = ["nox>=2025.2.9"]
# ///
"""Sessions of the project: ``nox -s tests`` and the rest; ``nox -l`` lists them.

``UNCAC_METRICS_DATA``, a folder with ``data/`` and ``oracles/`` in it, is passed through where it is set:
the tests and the evidence that need published files or reference numbers then run too.
"""

import os
import shutil
from pathlib import Path

import nox

nox.needs_version = ">=2025.2.9"
nox.options.default_venv_backend = "uv|venv"
nox.options.reuse_existing_virtualenvs = True

ROOT = Path(__file__).parent


@nox.session(python=["3.11", "3.12", "3.13"])
def tests(session: nox.Session) -> None:
    """Run the tests and the examples of every docstring."""
    session.install("-e", ".[test]")
    session.run("python", "-m", "pytest", *(session.posargs or ["-n", "2"]))


@nox.session
def lint(session: nox.Session) -> None:
    """Look for errors of style and substance, and at the format."""
    session.install("ruff>=0.17")
    session.run("ruff", "check", *session.posargs)
    session.run("ruff", "format", "--check")


@nox.session
def types(session: nox.Session) -> None:
    """Check the type hints."""
    session.install("-e", ".[lint]")
    session.run("mypy", *session.posargs)


@nox.session
def docs(session: nox.Session) -> None:
    """Build the documentation, executing its examples; a warning is an error."""
    session.install("-e", ".[docs]")
    session.run("sphinx-build", "-W", "--keep-going", "-b", "html", "docs", "build/docs", *session.posargs)


@nox.session
def links(session: nox.Session) -> None:
    """Follow every link of the documentation, without a network; builds it where `docs` has not."""
    pages = ROOT / "build" / "docs"
    if not pages.is_dir():
        session.install("-e", ".[docs]")
        session.run("sphinx-build", "-q", "-b", "html", "docs", str(pages))
    session.run("python", "tests/links.py", str(pages))


@nox.session
def docs_coverage(session: nox.Session) -> None:
    """Find public names without a docstring, arguments that are not described, exports that the API page lacks."""
    session.install("-e", ".[test]")
    session.run("python", "-m", "pytest", "-q", "tests/test_docs_coverage.py", *session.posargs)


@nox.session
def spelling(session: nox.Session) -> None:
    """Find misspelt words in texts and code, and faults of Markdown."""
    session.install("codespell>=2.4", "rumdl>=0.3")
    session.run("codespell", *session.posargs)
    session.run("rumdl", "check", ".")


@nox.session
def repo_review(session: nox.Session) -> None:
    """Hold the repository against the guidelines of Scientific Python, and its workflows against zizmor."""
    session.install("sp-repo-review[cli]>=2026.8", "zizmor>=1.32")
    session.run("repo-review", *(session.posargs or ["."]))
    session.run("zizmor", "--offline", ".github")


@nox.session
def notebooks(session: nox.Session) -> None:
    """Execute the notebooks and compare with what is stored; ``-- --update`` stores what comes out."""
    session.install("-e", ".[docs,test]")
    session.run("python", "tests/notebooks.py", *session.posargs)
    session.run("python", "-m", "pytest", "-q", "tests/test_notebooks.py")


@nox.session(default=False)
def images(session: nox.Session) -> None:
    """Compare pictures of every plot with stored ones; ``-- --update`` draws the stored ones anew."""
    session.install("-e", ".[test]")
    if "--update" in session.posargs:
        session.run("python", "tests/test_plots_images.py")
    else:
        session.run("python", "-m", "pytest", "-m", "images", "tests/test_plots_images.py", *session.posargs)


@nox.session(default=False)
def benchmarks(session: nox.Session) -> None:
    """Run every script of benchmarks/, or those that are named."""
    session.install("-e", ".[test]")
    names = session.posargs or sorted(path.stem for path in (ROOT / "benchmarks").glob("*.py"))
    for name in names:
        session.run("python", f"benchmarks/{name}.py")


@nox.session
def wheel(session: nox.Session) -> None:
    """Build the wheel by way of the source archive, and use it outside the checkout."""
    session.install("build")
    dist = Path(session.create_tmp()) / "dist"
    shutil.rmtree(dist, ignore_errors=True)
    session.run("python", "-m", "build", "--outdir", str(dist), str(ROOT))
    (built,) = dist.glob("*.whl")
    session.run("python", "tests/wheel.py", str(built))


@nox.session
def newcomer(session: nox.Session) -> None:
    """Follow the first page of the documentation literally, in an environment with nothing in it."""
    session.run("python", "tests/newcomer.py")


@nox.session(default=False)
def evidence(session: nox.Session) -> None:
    """Compare with reference numbers, run the slow tests, kill builds, fuzz, build the offices of published files."""
    data = os.environ.get("UNCAC_METRICS_DATA")
    if not data:
        session.error("set UNCAC_METRICS_DATA to the folder that holds data/ and oracles/")
    session.install("-e", ".[test]")
    cases = Path(data) / "oracles" / "survey"
    session.run(
        "python",
        "tests/oracles/survey.py",
        "--cases",
        str(cases / "cases.json"),
        "--data",
        str(cases / "data"),
    )
    for case in ("f8_counts", "f8_flows"):
        session.run("python", "tests/oracles/counts.py", "--cases", f"{data}/oracles/indirect_admin/{case}.json")
    session.run("python", "tests/oracles/composite.py", "--root", str(Path(data) / "oracles" / "composite"))
    session.run("python", "-m", "pytest", "-m", "slow", "-n", "2")
    session.run("python", "benchmarks/agreement.py")
    session.run("python", "benchmarks/kills.py", "--moments", "200")
    session.run("python", "benchmarks/fuzz.py", "--seconds", "600")
    session.install("atheris")
    session.run("python", "benchmarks/fuzz_guided.py", "--seconds", "200")
    for office in sorted((ROOT / "tests" / "offices").glob("*/office.toml")):
        session.run("uncac-metrics", "build", str(office.parent), "--out", f"build/{office.parent.name}")


if __name__ == "__main__":
    nox.main()
