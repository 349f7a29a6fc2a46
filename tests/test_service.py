"""The examples of a nightly service are tried: the script, the units, the cron line and the workflow."""

import configparser
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from uncac_metrics._data import datasets_folder
from uncac_metrics.builds import verify

SERVICE = Path(__file__).parent.parent / "docs" / "service"
yaml = pytest.importorskip("yaml")


@pytest.fixture
def place(tmp_path) -> dict[str, str]:
    """An office, and an environment in which `uncac-metrics` is the package that is tested."""
    office = tmp_path / "office"
    shutil.copytree(datasets_folder() / "example" / "datasets" / "status_2025", office / "datasets" / "status_2025")
    (office / "office.toml").write_text('name = "x"\nref_area = "XXA"\n')
    command = tmp_path / "bin" / "uncac-metrics"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m uncac_metrics "$@"\n')
    command.chmod(0o755)
    return {
        **os.environ, "OFFICE": str(office), "OUT": str(tmp_path / "releases"), "NOTICE": str(tmp_path / "notice.txt"),
        "PATH": f"{command.parent}:{os.environ['PATH']}",
    }  # fmt: skip


def unit(name: str) -> configparser.ConfigParser:
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str
    parser.read(SERVICE / name, encoding="utf-8")
    return parser


@pytest.mark.skipif(sys.platform == "win32", reason="a script for POSIX systems")
def test_the_nightly_script_builds_verifies_and_tells(place, tmp_path):
    done = subprocess.run([SERVICE / "nightly.sh"], env=place, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert len(verify(tmp_path / "releases")) == 1
    assert (tmp_path / "notice.txt").read_text().startswith("Release ")
    source = tmp_path / "office" / "datasets" / "status_2025" / "source.toml"
    source.write_text("not TOML")
    failed = subprocess.run([SERVICE / "nightly.sh"], env=place, capture_output=True, text=True, check=False)
    assert failed.returncode == 1 and (tmp_path / "notice.txt").read_text().startswith("The build was refused: 1 fault")
    assert len(verify(tmp_path / "releases")) == 1


def test_the_units_name_the_script_and_pass_partly_built():
    service, timer = unit("uncac-metrics.service"), unit("uncac-metrics.timer")
    assert service["Service"]["ExecStart"].endswith("/nightly.sh") and service["Service"]["SuccessExitStatus"] == "3"
    assert service["Service"]["Type"] == "oneshot" and timer["Install"]["WantedBy"] == "timers.target"
    assert re.fullmatch(r"\*-\*-\* \d\d:\d\d:\d\d", timer["Timer"]["OnCalendar"])
    if shutil.which("systemd-analyze"):
        calendar = ["systemd-analyze", "calendar", timer["Timer"]["OnCalendar"]]
        assert subprocess.run(calendar, capture_output=True, check=False).returncode == 0


@pytest.mark.skipif(sys.platform == "win32", reason="a script for POSIX systems")
def test_the_command_of_the_cron_line_runs(place, tmp_path):
    (line,) = [one for one in (SERVICE / "crontab").read_text().splitlines() if one and not one.startswith("#")]
    fields = line.split(None, 5)
    assert all(re.fullmatch(r"\*|\d+", field) for field in fields[:5])
    assert "%" not in fields[5]  # cron would end the command there
    command = fields[5].replace("/srv/statistics/.venv/bin", place["PATH"].partition(":")[0])
    command = command.replace("/srv/statistics/nightly.sh", str(SERVICE / "nightly.sh")).replace(
        "/srv/statistics", str(tmp_path)
    )
    environment = {"HOME": str(tmp_path), "NOTICE": place["NOTICE"]}
    if "PYTHONPATH" in place:
        environment["PYTHONPATH"] = place["PYTHONPATH"]
    done = subprocess.run(["/bin/sh", "-c", command], env=environment, check=False)
    assert done.returncode == 0 and (tmp_path / "nightly.jsonl").is_file()
    assert (tmp_path / "releases" / "current" / "public" / "index.html").is_file()


@pytest.mark.skipif(sys.platform == "win32", reason="a script for POSIX systems")
def test_the_steps_of_the_workflow_run(place, tmp_path):
    workflow = yaml.safe_load((SERVICE / "workflow.yml").read_text(encoding="utf-8"))
    steps = [step["run"] for step in workflow["jobs"]["build"]["steps"] if "run" in step]
    assert steps[0] == "pip install uncac-metrics" and len(steps) == 4
    for step in steps[1:]:
        done = subprocess.run(
            ["/bin/sh", "-ec", step], env=place, cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, (step, done.stderr)
    upload = workflow["jobs"]["build"]["steps"][-1]["with"]["path"]
    assert (tmp_path / upload / "index.html").is_file() and not (tmp_path / upload / "estimates.parquet").is_symlink()
