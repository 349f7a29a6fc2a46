"""The command line, as a process: exit codes, what is told where, and that no fault shows a traceback."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import uncac_metrics as um
from uncac_metrics._data import datasets_folder, indicators_folder

EXAMPLE = datasets_folder() / "example"


def run(*arguments: object, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "uncac_metrics", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", cwd=folder, check=False)
    assert "Traceback" not in done.stdout + done.stderr
    return done


@pytest.fixture
def office(tmp_path) -> Path:
    """A small office: one data set of the example."""
    folder = tmp_path / "office"
    source = folder / "datasets" / "civil_servants_2025"
    source.mkdir(parents=True)
    shutil.copy(EXAMPLE / "office.toml", folder)
    for name in ("source.toml", "data.csv.gz"):
        shutil.copy(EXAMPLE / "datasets" / source.name / name, source)
    return folder


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text, (path, old)
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_help_documents_the_exit_codes():
    for arguments in (["--help"], ["build", "--help"]):
        done = run(*arguments)
        assert done.returncode == 0
        for code in ("0  built", "1  faults", "2  the command", "3  partly"):
            assert code in done.stdout


def test_help_imports_nothing_heavy():
    script = (
        "import sys, uncac_metrics.cli as c\n"
        "try: c.main(['--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'pandas', 'numpy', 'matplotlib', 'jinja2', 'joblib', 'pandera', 'scipy'} & set(sys.modules)\n"
        "sys.exit(str(heavy) if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_version():
    done = run("--version")
    assert (done.returncode, done.stdout) == (0, f"uncac-metrics {um.__version__}\n")


@pytest.mark.parametrize(
    "arguments",
    [[], ["buidl"], ["build"], ["build", "--out", "x", "--jobs", "0"], ["new", "thing", "X-1"], ["show", "BR-001"],
     ["show", "paragraph", "99"], ["new", "indicator", "../x"]],
)  # fmt: skip
def test_what_is_not_understood_gives_2(arguments, tmp_path):
    done = run(*arguments, folder=tmp_path)
    assert done.returncode == 2 and done.stderr
    assert not list(tmp_path.iterdir())


def test_check_of_a_good_office(office):
    done = run("check", office)
    assert done.returncode == 0 and done.stderr == ""
    assert re.search(
        r"nothing wrong: 11 reference tables, \d+ indicators, \d+ worked cases, \d+ composites, 1 data sets",
        done.stdout,
    )


def test_check_names_ten_planted_faults_at_once(tmp_path):
    office = tmp_path / "office"
    shutil.copytree(EXAMPLE, office, ignore=shutil.ignore_patterns("truth.csv", "simulate.py"))
    cards = office / "indicators" / "planted"
    cards.mkdir(parents=True)
    good = (indicators_folder() / "bribery" / "BR-26.toml").read_text(encoding="utf-8")

    def card(name: str, old: str, new: str) -> None:
        path = cards / f"{name}.toml"
        path.write_text(good, encoding="utf-8")
        change(path, old, new)

    datasets = office / "datasets"
    card("PL-01", 'direction = "', 'direction = "side')  # 1 a word outside its vocabulary
    card("PL-02", "decimals = ", "decimal = ")  # 2 a key that does not exist
    card("PL-03", "paragraphs = [", 'paragraphs = ["87", ')  # 3 a paragraph that does not exist
    card("PL-04", 'numerator = "', 'numerator = "un')  # 4 a numerator that does not exist
    card("PL-05", "value = ", "value = 1")  # 5 a worked case that gives another number
    card("PL-06", "\nunit", "\nunit = = 1\nunit")  # 6 not TOML
    change(office / "office.toml", '"urbanisation"', '"urbanization"')  # 7 an unknown breakdown
    change(datasets / "business_2025" / "source.toml", "title =", "titel =")  # 8 a misspelt key
    change(datasets / "population_2023" / "source.toml", '"UPM"', '"UMP"')  # 9 a column that the file lacks
    with (datasets / "civil_servants_2025" / "data.csv.gz").open("ab") as stream:
        stream.write(b"\0")  # 10 a file that is not the one described

    done = run("check", office)
    assert done.returncode == 1 and done.stdout == ""
    faults = done.stderr.splitlines()
    for place, what in [
        ("PL-01.toml", "direction"), ("PL-02.toml", "decimal"), ("PL-03.toml", "87"), ("PL-04.toml", "numerator"),
        ("PL-05.toml", "expected"), ("PL-06.toml", "TOML"), ("office.toml", "urbanization"),
        ("business_2025", "titel"), ("population_2023", "UMP"), ("civil_servants_2025", "sha256"),
    ]:  # fmt: skip
        assert any(place in line and what in line for line in faults), (place, what, done.stderr)
    assert faults[-1] == f"{len(faults) - 1} faults"

    built = run("build", office, "--out", tmp_path / "out")
    assert built.returncode == 1 and [path.name for path in (tmp_path / "out").glob("[!.]*")] == ["failed"]
    report = json.loads((tmp_path / "out" / "failed" / "validation.json").read_text(encoding="utf-8"))
    assert report["severities"] == {"error": len(faults) - 2, "warning": 0, "note": 0}  # no cases are run
    assert not any(str(office) in json.dumps(fault) for fault in report["details"])


def test_build_tells_lines_and_the_page(office, tmp_path):
    done = run("build", office, "--out", tmp_path / "out", "--only", "BR-26")
    assert done.returncode == 0
    events = [json.loads(line) for line in done.stderr.splitlines()]
    assert [event["what"] for event in events] == ["data set civil_servants_2025", "plot BR-26-civil_servants_2025"]
    assert all(event["level"] == "info" and event["done"] == event["total"] == 1 for event in events)
    assert re.match(r"release [0-9a-f]{12}: \d+ estimates of 1 indicators: .*current/public/index.html\n", done.stdout)
    assert (tmp_path / "out" / "current" / "public" / "index.html").is_file()
    again = run("build", office, "--out", tmp_path / "out", "--only", "BR-26")
    assert again.returncode == 0 and again.stdout.startswith("nothing new") and again.stderr == ""


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_build_shows_a_bar_on_a_terminal(office, tmp_path):
    import pty

    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "uncac_metrics", "build", str(office), "--out", str(tmp_path / "out")]
    done = subprocess.run(command, stderr=theirs, stdout=subprocess.PIPE, check=False)
    os.close(theirs)
    told = os.read(ours, 65536).decode()
    os.close(ours)
    assert done.returncode == 0
    (last,) = set(re.findall(r"/(\d+) plot", told))  # the bar reaches its end
    assert "\r[" in told and f"{last}/{last} plot" in told


@pytest.mark.parametrize("command", [["check"], ["build", "--out", "out"]])
def test_a_missing_office_is_a_fault(command, tmp_path):
    done = run(*command, "nowhere", folder=tmp_path)
    assert done.returncode == 1 and "nowhere: there is no such folder" in done.stderr
    assert not (tmp_path / "out").exists()


def test_an_output_folder_that_cannot_be_made(office, tmp_path):
    (tmp_path / "file").write_text("")
    done = run("build", office, "--out", tmp_path / "file" / "out")
    assert done.returncode == 1 and str(tmp_path / "file") in done.stderr


def test_show_a_card():
    card = um.load_catalogue()["BR-01"]
    done = run("show", "br-01")
    assert done.returncode == 0 and done.stdout.startswith(f"BR-01  {card.name}\n")
    flat = " ".join(done.stdout.split())
    for text in (card.objective, card.description, card.formula, card.universe, "paid_or_asked / with_contact"):
        assert " ".join(text.split()).replace("- ", "-")[:60] in flat.replace("- ", "-")
    for text in ("paragraph", "74", "article", "15", "16.5.1", "not one of UNODC's framework"):
        assert text in flat


def test_show_in_chinese():
    card = um.load_catalogue()["BR-01"]
    done = run("show", "BR-01", "--lang", "zh")
    assert done.stdout.startswith(f"BR-01  {card.name_zh}\n") and "政治宣言" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "title", "held", "left_out"),
    [
        (["paragraph", "74"], "Less corruption and bribery by 2030", "BR-01 ", None),
        (["article", "15"], "Bribery of national public officials", "BR-01 ", None),
        (["target", "16.5"], "Substantially less corruption", "BR-22 ", None),
        (["target", "16.5.2"], "16.5.2", "BR-22 ", "BR-01 "),
        (["paragraph", "p9"], "Harm to services", "BR-01 ", None),
        (["article", "2"], "Use of terms", "No indicator is linked to it.", "BR-"),
    ],
)
def test_show_a_commitment(arguments, title, held, left_out):
    done = run("show", *arguments)
    assert done.returncode == 0 and title in done.stdout.splitlines()[0] + done.stdout
    assert held in done.stdout
    assert left_out is None or left_out not in done.stdout


def test_show_gives_the_nearest_name():
    assert "did you mean 'BR-01'?" in run("show", "BR-001").stderr


def test_show_takes_an_offices_cards(office):
    (office / "indicators").mkdir()
    card = (indicators_folder() / "bribery" / "BR-26.toml").read_text(encoding="utf-8")
    (office / "indicators" / "OF-01.toml").write_text(card, encoding="utf-8")
    assert run("show", "OF-01").returncode == 2
    assert run("show", "OF-01", "--office", office).stdout.startswith("OF-01  ")


def test_new_indicator_is_accepted_once_filled_in(office):
    folder = office / "indicators" / "mine"
    done = run("new", "indicator", "XX-01", "--folder", folder)
    path = folder / "XX-01.toml"
    assert done.returncode == 0 and str(path) in done.stdout
    empty = run("check", office)
    assert empty.returncode == 1
    left = set(re.findall(r"XX-01\.toml: (\w+):", empty.stderr))
    assert {"name", "objective", "description", "universe", "provenance_note"} <= left
    text = path.read_text(encoding="utf-8")
    path.write_text(re.sub(r'(?m)^(\w+ = )""', r'\1"filled in"', text), encoding="utf-8")
    filled = run("check", office)
    assert filled.returncode == 0, filled.stderr


def test_new_indicator_overwrites_nothing(tmp_path):
    assert run("new", "indicator", "XX-01", folder=tmp_path).returncode == 0
    path = tmp_path / "indicators" / "XX-01.toml"
    path.write_text("mine", encoding="utf-8")
    again = run("new", "indicator", "XX-01", folder=tmp_path)
    assert again.returncode == 1 and "is there already" in again.stderr
    assert path.read_text(encoding="utf-8") == "mine"
    taken = run("new", "indicator", "BR-01", folder=tmp_path)
    assert taken.returncode == 1 and "the id is taken" in taken.stderr
