"""The command, as its users run it: in a process of its own."""

from __future__ import annotations

import os
import pty
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from uncac_metrics._data import datasets_folder, indicators_folder

EXAMPLE = datasets_folder() / "example"


def run(*arguments: str, **options) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "uncac_metrics", *arguments]
    return subprocess.run(command, capture_output=True, text=True, encoding="utf-8", **options)


def test_help_documents_the_exit_codes():
    done = run("--help")
    assert done.returncode == 0
    assert "exit codes:" in done.stdout and all(f"\n  {code}  " in done.stdout for code in (0, 1, 2, 3))


def test_usage_errors_are_2():
    assert run().returncode == 2
    assert run("biuld").returncode == 2
    assert run("build").returncode == 2
    assert run("show", "BR-99").returncode == 2
    assert "did you mean 'BR-08a'" in run("show", "BR-08").stderr
    assert run("new", "indicator", "lower case").returncode == 2


def test_check_of_the_shipped_definitions():
    done = run("check")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("nothing wrong: ")


def test_build_writes_a_release_and_tells_its_steps(tmp_path):
    done = run("build", "--out", str(tmp_path), "--only", "BR-26", "--jobs", "2")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "current" / "estimates.csv").is_file()
    assert "1/4 data set business_2025" in done.stderr and "\r" not in done.stderr
    again = run("build", "--out", str(tmp_path), "--only", "BR-26")
    assert again.returncode == 0 and again.stdout.startswith("nothing new")


def test_progress_is_a_bar_on_a_terminal(tmp_path):
    main, side = pty.openpty()
    command = [sys.executable, "-m", "uncac_metrics", "build", "--out", str(tmp_path), "--only", "BR-26"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=side) as process:
        os.close(side)
        process.communicate(timeout=120)
    shown = os.read(main, 100_000).decode()
    os.close(main)
    assert process.returncode == 0 and "\r[" in shown and "█" in shown


def test_show():
    card = run("show", "BR-01")
    assert card.returncode == 0
    for text in ("Prevalence of bribery in the population", "74", "16.5.1", "07031", "not a card of UNODC"):
        assert text in " ".join(card.stdout.split()), text
    assert "居民贿赂发生率" in run("show", "BR-01", "--lang", "zh").stdout
    paragraph = run("show", "paragraph", "74").stdout
    assert "BR-01" in paragraph and "2030" in paragraph
    assert "BR-01" in run("show", "target", "16.5.1").stdout
    assert run("show", "paragraph", "35").returncode == 0
    assert run("show", "paragraph", "87").returncode == 2


def test_new_indicator(tmp_path):
    done = run("new", "indicator", "XX-01", "--folder", str(tmp_path))
    assert done.returncode == 0
    written = (tmp_path / "XX-01.toml").read_text(encoding="utf-8")
    assert "[measure]" in written and "[links]" in written
    again = run("new", "indicator", "XX-01", "--folder", str(tmp_path))
    assert again.returncode == 1 and "already" in again.stderr
    assert run("new", "indicator", "BR-01", "--folder", str(tmp_path)).returncode == 1


CARD = (indicators_folder() / "bribery" / "BR-25.toml").read_text(encoding="utf-8")
PLANTED = {
    "indicators/XB-01.toml": (CARD.replace('direction = "', 'diretion = "'), "diretion"),
    "indicators/XB-02.toml": (CARD.replace('paragraphs = ["', 'paragraphs = ["87", "'), "links.paragraphs"),
    "indicators/XB-03.toml": (CARD.replace('estimator = "proportion"', 'estimator = "propotion"'), "measure.estimator"),
    "indicators/XB-04.toml": (CARD.replace("value = ", "value = 9", 1), "expected 9"),
    "indicators/XB-05.toml": (CARD + "[", "end of file"),
    "indicators/XB-06.toml": (CARD.replace('denominator = "enterprises"', 'denominator = "entreprises"'), "measure.denominator"),
    "indicators/BR-01.toml": (CARD, "taken"),
    "office.toml": ('name = "Office"\nref_area = "XXA"\ndisaggregations = ["sx"]\n', "'sx' is no breakdown"),
    "datasets/one/source.toml": ('shape = "population_survy"\n', "population_survy"),
    "datasets/two/note.txt": ("no source here", "has no source.toml"),
}


@pytest.fixture
def planted(tmp_path) -> Path:
    folder = tmp_path / "office"
    shutil.copytree(EXAMPLE / "datasets" / "business_2025", folder / "datasets" / "business_2025")
    for name, (text, _) in PLANTED.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def test_check_names_ten_planted_faults_at_once(planted):
    done = run("check", str(planted))
    assert done.returncode == 1
    for name, (_, where) in PLANTED.items():
        place = name.rsplit("/", 1)[0] if name.endswith(".txt") else name
        lines = [line for line in done.stderr.splitlines() if place in line and where in line]
        assert lines, f"{name}: {where} is not named in\n{done.stderr}"
    assert "Traceback" not in done.stdout + done.stderr


def test_faults_of_the_data_name_rows_and_remedy(tmp_path):
    folder = tmp_path / "office"
    (folder / "datasets" / "people").mkdir(parents=True)
    (folder / "office.toml").write_text('name = "O"\nref_area = "XXA"\n', encoding="utf-8")
    (folder / "datasets" / "people" / "data.csv").write_text("w,s,p\n1,1,1\n-2,2,3\n1,9,2\n", encoding="utf-8")
    (folder / "datasets" / "people" / "source.toml").write_text(
        'title = "t"\nproducer = "p"\nterms = "t"\norigin = "o"\nshape = "population_survey"\npath = "data.csv"\n'
        'ref_area = "XXA"\ntime_period = "2025"\n[columns]\nweight = {from = "w"}\n'
        'sex = {from = "s", recode = {1 = "M", 2 = "F"}}\npaid = {from = "p", yes = [1], no = [2]}\n',
        encoding="utf-8",
    )
    done = run("check", str(folder))
    assert done.returncode == 1
    assert "'9' (1)" in done.stderr and "(1 row: 3)" in done.stderr
    assert "'3' (1)" in done.stderr and "(1 row: 2)" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_missing_folder_is_a_clear_fault():
    done = run("build", "no/such/office", "--out", "never")
    assert done.returncode == 1 and "there is no such folder" in done.stderr and not Path("never").exists()
