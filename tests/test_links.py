"""The check of links finds what leads nowhere."""

import importlib.util
from pathlib import Path

import pytest

spec = importlib.util.spec_from_file_location("links", Path(__file__).parent / "links.py")
links = importlib.util.module_from_spec(spec)
spec.loader.exec_module(links)


@pytest.fixture
def pages(tmp_path) -> Path:
    (tmp_path / "inner").mkdir()
    (tmp_path / "a b.txt").write_text("text")
    (tmp_path / "inner" / "index.html").write_text('<h1 id="one">One</h1> <a href="../index.html#two">two</a>')
    sound = (
        '<p id="two"></p>', '<a href="inner/">', '<a href="inner/#one">', '<a href="#two">', '<a href="#">',
        '<img src="a%20b.txt">', '<a href="https://example.org/x#y">', '<a href="mailto:office@example.org">',
        '<img src="data:image/png;base64,AA==" srcset="a%20b.txt 2x">',
    )  # fmt: skip
    (tmp_path / "index.html").write_text("\n".join(sound))
    return tmp_path


def test_sound_pages_have_no_faults(pages, capsys):
    assert list(links.faults(pages)) == []
    assert links.main(pages) == 0
    assert "every link leads somewhere" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("link", "wrong"),
    [
        ("absent.html", "leads to no file"),
        ("index.html#two", "leads to no element"),
        ("#three", "leads to no element"),
        ("../index.html", "leads out of the folder"),
        ("http://example.org", "is not an address of https"),
        ("javascript:void(0)", "is not an address of https"),
        ("//example.org/x.js", "is not an address of https"),
        ("https://[x", "is no address"),
        ("mailto:", "is empty"),
    ],
)
def test_a_link_that_leads_nowhere_is_found(pages, link, wrong, capsys):
    (pages / "inner" / "page.html").write_text(f'<h1 id="h">H</h1>\n<a href="{link.replace("..", "../..")}">x</a>')
    (told,) = links.faults(pages)
    assert told.startswith(("inner/page.html, line 2: ", "inner\\page.html, line 2: "))
    assert wrong in told
    assert links.main(pages) == 1
    assert told in capsys.readouterr().out


def test_a_folder_without_pages_is_a_fault(tmp_path):
    assert len(list(links.faults(tmp_path))) == 1
