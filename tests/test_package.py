"""The package as a whole: what imports what, what the face offers, what the files beside it say."""

import ast
import importlib
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import uncac_metrics

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "uncac_metrics"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
HEAVY = {"numpy", "pandas", "scipy", "statsmodels", "pandera", "matplotlib", "narwhals", "joblib", "jinja2"}


def rooms() -> list[str]:
    """Modules and subpackages in the order in which the architecture page lists them, lowest floor first."""
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    diagram = page.split("<!-- rooms -->")[1].split("```")[1]
    return re.findall(r"^  (\w+)(?:\.py|/)", diagram, flags=re.MULTILINE)


ROOMS = rooms()


def room_of(module: str) -> str:
    return module.split(".")[1]


def imports(path: Path) -> set[str]:
    """Modules of the package that a file imports, wherever in the file the statement stands."""
    module = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            parent = package.rsplit(".", node.level - 1)[0] if node.level else ""
            base = ".".join(part for part in (parent, node.module) if part)
            found |= {f"{base}.{alias.name}" if base == "uncac_metrics" else base for alias in node.names}
    return {name for name in found if name.startswith("uncac_metrics.")} - {"uncac_metrics.__version__"}


FILES = sorted(path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py")


def test_architecture_page_lists_every_room():
    present = {path.relative_to(PACKAGE).parts[0].removesuffix(".py") for path in FILES}
    assert set(ROOMS) == present
    assert len(ROOMS) == len(set(ROOMS))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_modules_import_only_from_rooms_above(path):
    own = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    allowed = set(ROOMS[: ROOMS.index(own) + 1])
    wrong = {name for name in imports(path) if room_of(name) not in allowed}
    assert not wrong, f"{own} imports from a room below it in docs/architecture.md: {sorted(wrong)}"


def test_statistics_know_nothing_of_indicators():
    for path in FILES:
        if path.relative_to(PACKAGE).parts[0] == "stats":
            assert {room_of(name) for name in imports(path)} <= {"model", "stats"}, path


def loaded_by(code: str) -> set[str]:
    """Heavy libraries that a fresh interpreter has loaded after running the code."""
    tail = "\nimport sys; print('loaded:', *{name.partition('.')[0] for name in sys.modules})"
    done = subprocess.run([sys.executable, "-c", code + tail], check=True, capture_output=True, text=True, cwd=ROOT)
    return HEAVY & set(done.stdout.rpartition("loaded:")[2].split())


def test_import_loads_no_library():
    assert loaded_by("import uncac_metrics") == set()


def test_help_loads_no_library():
    code = "from uncac_metrics.cli import main\ntry:\n    main(['--help'])\nexcept SystemExit:\n    pass"
    assert loaded_by(code) == set()


def test_a_loaded_library_is_seen():
    assert "numpy" in loaded_by("import numpy")


@pytest.mark.parametrize("name", uncac_metrics.__all__)
def test_face_resolves(name):
    assert getattr(uncac_metrics, name) is not None
    assert name in dir(uncac_metrics)


def test_face_refuses_unknown_names():
    with pytest.raises(AttributeError, match="estmate"):
        uncac_metrics.estmate  # noqa: B018


def test_version_is_said_once():
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert re.search(r"^version: (.+)$", citation, flags=re.MULTILINE)[1] == uncac_metrics.__version__
    assert "version" in PROJECT["dynamic"]


def test_command_exists():
    module, _, function = PROJECT["scripts"]["uncac-metrics"].partition(":")
    assert callable(getattr(importlib.import_module(module), function))


def test_folders_of_data_are_not_packages():
    assert not [path for folder in ("indicators", "datasets") for path in (ROOT / folder).rglob("__init__.py")]


def test_every_dependency_has_its_reason():
    page = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8")
    reasons = set(re.findall(r"^\| `([\w-]+)`", page, flags=re.MULTILINE))
    extras = PROJECT["optional-dependencies"]
    wanted = PROJECT["dependencies"] + [one for group in extras.values() for one in group]
    names = {re.match(r"[\w-]+", one)[0] for one in wanted} - {"uncac-metrics"}
    assert names == reasons


def test_extra_all_gathers_what_an_installation_can_do():
    extras = PROJECT["optional-dependencies"]
    gathered = set(re.search(r"\[(.+)\]", extras["all"][0])[1].split(","))
    assert gathered == set(extras) - {"all", "test", "docs", "lint"}


def test_readme_opens_with_two_commands():
    page = (ROOT / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```sh\n(.*?)^```", page, flags=re.MULTILINE | re.DOTALL)
    build, tests = (block.strip() for block in blocks[:2])
    assert "\n" not in build
    assert "\n" not in tests
    assert "uncac-metrics build" in build
    assert "pytest" in tests


def test_every_survey_function_is_on_the_page_of_the_api():
    page = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    section = page.partition("## Survey statistics")[2].partition("\n## ")[0]
    listed = re.findall(r"^   (\w+)$", section, flags=re.MULTILINE)
    assert sorted(listed) == sorted(importlib.import_module("uncac_metrics.stats.survey").__all__)
