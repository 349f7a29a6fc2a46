"""Builds that are killed: is the published release whole every time, and does the next build complete?

    python benchmarks/kills.py [--moments 200] [--seed 1] [--out benchmarks/results/kills.csv]

A small office has a release; its data then change, and the build of the next release is killed (SIGKILL)
- at random moments of the time that a build takes,
- before each of its operations on files below the output folder, one after the other,
- and it runs once on a full disk (a small tmpfs; mounting it needs the rights to).
After each, all releases must verify, and the next build must complete and give the release that an undisturbed build
gives. At last one byte of every file of a release is flipped in turn: verification must fail each time.
"""

import argparse
import csv
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from uncac_metrics._data import datasets_folder
from uncac_metrics.builds import build, verify
from uncac_metrics.model import Faults

SETS = ("civil_servants_2025", "status_2025")
COMMAND = "import sys; from uncac_metrics.cli import main; sys.exit(main(sys.argv[1:]))"
KILLING = """
import os, signal, sys
out, at, seen = os.path.realpath(sys.argv[1]), int(sys.argv[2]), 0
events = {"open", "os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.symlink", "os.chmod", "os.utime", "os.truncate"}
def hook(event, given):
    global seen
    if event in events and given and isinstance(given[0], (str, bytes, os.PathLike)):
        writes = event != "open" or bool(given[2] & (os.O_WRONLY | os.O_RDWR)) or given[1] in ("w", "wb", "ab", "x")
        if writes and os.fsdecode(given[0]).startswith(out):
            seen += 1
            if seen == at:
                os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(hook)
from uncac_metrics.cli import main
code = main(sys.argv[3:])
print(seen)
sys.exit(code)
"""


@dataclass(frozen=True)
class Setting:
    """An office whose data have changed since its release."""

    office: Path
    published: Path
    """Output folder with the release of the former data."""
    out: Path
    """Where the folder is copied for each trial."""
    former: str
    expected: str
    """Id of the release that an undisturbed build gives."""


def prepare(folder: Path) -> Setting:
    """An office of two data sets, its release, and then other data."""
    office = folder / "office"
    for name in SETS:
        shutil.copytree(datasets_folder() / "example" / "datasets" / name, office / "datasets" / name)
    toml = 'name = "Small office"\nref_area = "XXA"\nlanguages = ["en"]\ndisaggregations = ["sex"]\n'
    (office / "office.toml").write_text(toml)
    former = build(office, folder / "published")
    data = office / "datasets" / SETS[0] / "data.csv.gz"
    pd.read_csv(data, dtype=str, keep_default_na=False).iloc[25:].to_csv(data, index=False)
    source = data.with_name("source.toml")
    lines = source.read_text(encoding="utf-8").splitlines(keepends=True)
    source.write_text("".join(line for line in lines if not line.startswith("sha256")), encoding="utf-8")
    shutil.copytree(folder / "published", folder / "undisturbed", symlinks=True)
    expected = build(office, folder / "undisturbed")
    return Setting(office, folder / "published", folder / "out", former.id, expected.id)


def fresh(setting: Setting) -> None:
    """The output folder as it was before the data changed."""
    shutil.rmtree(setting.out, ignore_errors=True)
    shutil.copytree(setting.published, setting.out, symlinks=True)


def survived(setting: Setting) -> tuple[bool, bool]:
    """Whether the releases verify, and whether the next build completes as an undisturbed one does."""
    try:
        found = verify(setting.out)
        whole = setting.former in found and set(found) <= {setting.former, setting.expected}
    except Faults:
        whole = False
    done = build(setting.office, setting.out)
    complete = done.id == setting.expected and set(verify(setting.out)) == {setting.former, setting.expected}
    return whole, complete and not list(setting.out.rglob(".unfinished*"))


def arguments(setting: Setting) -> list[str]:
    return ["build", str(setting.office), "--out", str(setting.out)]


def at_moments(setting: Setting, number: int, seed: int) -> list[tuple[bool, bool]]:
    """Kills at random moments of the time that the build takes."""
    command = [sys.executable, "-c", COMMAND, *arguments(setting)]
    fresh(setting)
    began = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    length = time.perf_counter() - began
    moments = random.Random(seed)
    results = []
    for _ in range(number):
        fresh(setting)
        running = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(moments.uniform(0.0, length))
        running.send_signal(signal.SIGKILL)
        running.wait()
        results.append(survived(setting))
    return results


def at_writes(setting: Setting, number: int | None = None) -> list[tuple[bool, bool]]:
    """Kills before each operation on a file below the output folder (or before so many, evenly spaced)."""

    def run(at: int) -> subprocess.CompletedProcess[str]:
        fresh(setting)
        command = [sys.executable, "-c", KILLING, str(setting.out), str(at), *arguments(setting)]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    last = int(run(0).stdout.splitlines()[-1])
    results = []
    for at in sorted({1 + round(i * (last - 1) / max(1, (number or last) - 1)) for i in range(number or last)}):
        if run(at).returncode != -signal.SIGKILL:
            raise RuntimeError(f"operation {at} of {last} was not reached")
        results.append(survived(setting))
    return results


def on_a_full_disk(setting: Setting) -> list[tuple[bool, bool]]:
    """A build on a disk without room for a second release; the next one has it."""
    disk = setting.out.with_name("disk")
    disk.mkdir()
    used = sum(
        path.stat().st_size for path in setting.published.rglob("*") if path.is_file() and ".cache" not in str(path)
    )
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={int(used * 1.6) // 1024 + 64}k", "tmpfs", str(disk)],
        check=False, capture_output=True,
    )  # fmt: skip
    if mounted.returncode:
        raise PermissionError("mounting a small disk needs the rights to")
    try:
        small = Setting(setting.office, setting.published, disk / "out", setting.former, setting.expected)
        shutil.copytree(
            setting.published,
            small.out,
            symlinks=True,
            ignore=lambda folder, names: [n for n in names if n == ".cache"],
        )
        done = subprocess.run(
            [sys.executable, "-c", COMMAND, *arguments(small)], capture_output=True, text=True, check=False
        )
        if done.returncode != 1 or "No space left" not in done.stderr:
            raise RuntimeError(f"the disk was not full: {done.returncode} {done.stdout} {done.stderr[-300:]}")
        if verify(small.out) != [setting.former]:
            return [(False, False)]
        subprocess.run(["mount", "-o", "remount,size=64m", str(disk)], check=True)
        return [survived(small)]
    finally:
        subprocess.run(["umount", str(disk)], check=False)


def with_a_flipped_byte(setting: Setting, seed: int, number: int | None = None) -> list[tuple[bool, bool]]:
    """Whether one changed byte is found, of every file of a release but that of the run (or of so many of them)."""
    fresh(setting)
    places = random.Random(seed)
    results = []
    found = sorted((setting.out / "releases" / setting.former).rglob("*"))
    files = [path for path in found if not path.is_dir() and path.name != "run.json"]
    for path in files if number is None else places.sample(files, number):
        data = path.read_bytes()
        at = places.randrange(len(data))
        path.write_bytes(data[:at] + bytes([data[at] ^ (1 << places.randrange(8))]) + data[at + 1 :])
        try:
            verify(setting.out)
            found = False
        except Faults:
            found = True
        path.write_bytes(data)
        results.append((found, verify(setting.out) == [setting.former]))
    return results


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--moments", type=int, default=200)
    parser.add_argument("--writes", type=int, help="operations on files to kill before; all where not given")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/kills.csv"))
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        setting = prepare(Path(folder))
        trials = {
            "killed at a random moment": lambda: at_moments(setting, given.moments, given.seed),
            "killed before an operation on a file": lambda: at_writes(setting, given.writes),
            "full disk": lambda: on_a_full_disk(setting),
            "one byte flipped": lambda: with_a_flipped_byte(setting, given.seed),
        }
        rows = []
        for name, trial in trials.items():
            results = trial()
            good = [sum(result[i] for result in results) for i in (0, 1)]
            rows.append((name, len(results), *good))
            print(*rows[-1], sep=", ", flush=True)
    given.out.parent.mkdir(parents=True, exist_ok=True)
    with given.out.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["trial", "runs", "release_whole_or_damage_found", "next_build_complete"])
        writer.writerows(rows)
    if any(row[1] != row[2] or row[1] != row[3] for row in rows):
        sys.exit("a release was lost, or damage was not found")


if __name__ == "__main__":
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(variable, "1")
    main()
