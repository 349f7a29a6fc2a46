"""The diagram of the architecture page: its boxes are the modules, its arrows the imports, nothing sticks out."""

import importlib.util
from itertools import combinations
from pathlib import Path
from xml.etree import ElementTree

import pytest

HERE = Path(__file__).parent
DOCS = HERE.parent / "docs"


def module(path: Path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


package, layers = module(HERE / "test_package.py"), module(DOCS / "_ext" / "layers.py")
FLOORS = layers.floors(DOCS)
FLOOR_OF = {room: name for name, floor in FLOORS.items() for room in floor["rooms"]}


def imported() -> dict[str, set[str]]:
    """The other floors that each floor imports from."""
    found = {name: set() for name in FLOORS}
    for path in package.FILES:
        own = FLOOR_OF[path.relative_to(package.PACKAGE).parts[0].removesuffix(".py")]
        found[own] |= {FLOOR_OF[package.room_of(name)] for name in package.imports(path)} - {own}
    return found


def below(name: str, edges: dict[str, set[str]]) -> set[str]:
    """All floors that one reaches."""
    return edges[name].union(*(below(other, edges) for other in edges[name]))


def direct(edges: dict[str, set[str]]) -> dict[str, set[str]]:
    """The edges without those that go by way of others too."""
    return {
        name: {to for to in ends if not any(to in below(via, edges) for via in ends - {to})}
        for name, ends in edges.items()
    }


def test_every_room_has_one_floor():
    assert sorted(FLOOR_OF) == sorted(package.ROOMS)
    assert sum(len(floor["rooms"]) for floor in FLOORS.values()) == len(package.ROOMS)


def test_arrows_are_the_imports():
    assert {name: set(floor["on"]) for name, floor in FLOORS.items()} == direct(imported())


def test_ways_by_others_are_left_out():
    assert direct({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == {"a": {"b"}, "b": {"c"}, "c": set()}


@pytest.fixture(scope="module")
def drawing() -> ElementTree.Element:
    return ElementTree.fromstring(layers.svg(FLOORS, {"stats", "plots", "builds"}))


def test_the_drawing_has_every_arrow_and_every_room(drawing):
    titles = [element.text for element in drawing.iter("{http://www.w3.org/2000/svg}title")]
    assert sorted(titles) == sorted(f"{name} on {to}" for name, floor in FLOORS.items() for to in floor["on"])
    said = " ".join(element.text for element in drawing.iter("{http://www.w3.org/2000/svg}text")).split()
    assert {word.strip("/,") for word in said} >= set(FLOOR_OF)


def test_arrows_lead_down_and_boxes_do_not_meet(drawing):
    for name, floor in FLOORS.items():
        for other in floor["on"]:
            _, begin, _, end = layers.arrow(floor, FLOORS[other])
            assert end - begin >= layers.GAP, (name, other)
    for one, other in combinations(FLOORS.values(), 2):
        a, b = layers.frame(one), layers.frame(other)
        assert a[1] <= b[0] or b[1] <= a[0] or a[3] <= b[2] or b[3] <= a[2]
    boxes = [layers.frame(floor) for floor in FLOORS.values()]
    for line in drawing.iter("{http://www.w3.org/2000/svg}text"):
        x, y, half = float(line.get("x")), float(line.get("y")), layers.LETTER * len(line.text) / 2
        assert any(
            left < x - half and x + half < right and top < y - 10 and y + 4 < bottom
            for left, right, top, bottom in boxes
        ), line.text
