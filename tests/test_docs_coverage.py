"""Public names have docstrings; exported ones are on the page of the API, and their arguments are described."""

import ast
import importlib
import inspect
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from numpydoc.docscrape import NumpyDocString
from numpydoc.validate import validate

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "uncac_metrics"
PAGE = ROOT / "docs" / "api.md"
FILES = sorted(PACKAGE.rglob("*.py"))
CODES = {
    "GL07": "sections stand in their usual order",
    "GL08": "there is a docstring",
    "PR01": "every argument is described",
    "PR02": "no argument is described that is not taken",
    "RT01": "what is returned is said",
}
PLAIN = {"str", "bool", "int", "float", "None"}  # what such a function gives is said in its first line


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def public(node: ast.Module | ast.ClassDef, name: str) -> dict[str, str | None]:
    """Public modules, classes and functions, and the public methods of public classes, with their docstrings."""
    found = {name: ast.get_docstring(node)}
    for child in node.body:
        if isinstance(child, ast.ClassDef) and not child.name.startswith("_"):
            found |= public(child, f"{name}.{child.name}")
        elif isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef) and not child.name.startswith("_"):
            found[f"{name}.{child.name}"] = ast.get_docstring(child)
    return found


def without(docstrings: dict[str, str | None]) -> list[str]:
    return [name for name, text in docstrings.items() if not (text or "").strip()]


def test_every_public_name_has_a_docstring() -> None:
    names: dict[str, str | None] = {}
    for path in FILES:
        names |= public(ast.parse(path.read_text(encoding="utf-8")), module_of(path))
    assert len(names) > 1000
    assert without(names) == []


def test_names_without_a_docstring_are_found() -> None:
    code = "def one(): ...\ndef _own(): ...\nclass Two:\n    'A class.'\n    def three(self): ' '\n"
    assert without(public(ast.parse(code), "m")) == ["m", "m.one", "m.Two.three"]


def resolve(name: str) -> Any:
    """The object of a dotted name; a function goes before the module whose name it has."""
    first, *rest = name.split(".")
    found: Any = importlib.import_module(first)
    for end, part in enumerate(rest, start=2):
        try:
            found = getattr(found, part)
        except AttributeError:
            found = importlib.import_module(".".join(name.split(".")[:end]))
    return found


@cache
def listed() -> dict[str, Any]:
    """Names that the page of the API lists, with their objects."""
    found, module = {}, "uncac_metrics"
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        if moved := re.fullmatch(r"\.\. currentmodule:: (\S+)", line):
            module = moved[1]
        elif one := re.fullmatch(r"   ([A-Za-z][\w.]*)", line):
            found[f"{module}.{one[1]}"] = resolve(f"{module}.{one[1]}")
    return found


@cache
def exported() -> dict[str, Any]:
    """Names in `__all__` of any module, with their objects; modules apart."""
    found = {}
    for path in FILES:
        module = importlib.import_module(module_of(path)) if "__all__ = " in path.read_text(encoding="utf-8") else None
        for name in getattr(module, "__all__", ()):
            if name != "__version__" and not inspect.ismodule(getattr(module, name)):
                found[f"{module.__name__}.{name}"] = getattr(module, name)
    return found


def test_every_exported_name_is_on_the_page_of_the_api() -> None:
    on_page = {id(thing) for thing in listed().values()}
    page = PAGE.read_text(encoding="utf-8")
    assert len(exported()) > 300
    absent = [
        name
        for name, thing in exported().items()
        if id(thing) not in on_page and f"`{name.removeprefix('uncac_metrics.')}`" not in page
    ]
    assert absent == []


def functions() -> dict[str, Any]:
    found = [thing for thing in (listed() | exported()).values() if inspect.isfunction(inspect.unwrap(thing))]
    return {f"{thing.__module__}.{thing.__qualname__}": thing for thing in found}


def faults(name: str, thing: Any) -> list[str]:
    """What numpydoc finds lacking, of the chosen codes."""
    plain = inspect.unwrap(thing).__annotations__.get("return") in PLAIN
    wanted = set(CODES) - ({"RT01"} if plain else set())
    return [f"{name}: {code} {said}" for code, said in validate(name)["errors"] if code in wanted]


def test_arguments_and_results_of_functions_are_described() -> None:
    assert len(functions()) > 300
    assert [fault for name, thing in functions().items() for fault in faults(name, thing)] == []


def one_without_its_argument(x: int) -> list[int]:
    """A list.

    Parameters
    ----------
    y
        Not an argument.
    """
    return [x]


def test_arguments_that_are_not_described_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "undescribed", inspect.getmodule(one_without_its_argument))
    codes = {line.split()[1] for line in faults("undescribed.one_without_its_argument", one_without_its_argument)}
    assert codes == {"PR01", "PR02", "RT01"}


def test_attributes_of_classes_are_those_that_they_have() -> None:
    """Where a docstring has a section of attributes, it holds every field and nothing else."""
    wrong = []
    for name, thing in (listed() | exported()).items():
        if not inspect.isclass(thing):
            continue
        said = NumpyDocString(inspect.getdoc(thing) or "")["Attributes"]
        told = {part.strip() for one in said for part in one.name.split(",")}
        fields = {field for field in getattr(thing, "__dataclass_fields__", {}) if not field.startswith("_")}
        if told and (lacking := fields - told):
            wrong.append(f"{name}: {sorted(lacking)} is not described")
        wrong += [f"{name}: there is no {one}" for one in told if not hasattr(thing, one) and one not in fields]
    assert wrong == []
