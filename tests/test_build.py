"""Builds: what comes out, that it is the same every time, and that it is published whole or not at all."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

import uncac_metrics as um
from uncac_metrics._data import datasets_folder
from uncac_metrics.builds import build, gather, plan, publish, read_estimates
from uncac_metrics.builds.check import check
from uncac_metrics.methods import METHODS
from uncac_metrics.model import BREAKDOWNS, ESTIMATE_KEY, ESTIMATE_LEADING, ESTIMATE_VALUES, Faults

EXAMPLE = datasets_folder() / "example"
CARD = """
name = "Civil servants with integrity training"
name_zh = "接受廉政培训的公务员"
type = "experience"
objective = "To know who is trained."
description = "Share of civil servants with training."
formula = "Σ w·trained / Σ w"
responsible = "Statistical office"
sources = ["civil_servant_survey"]
frequency = "Every two years"
disaggregations = ["sex"]
notes = "A card of a test."
unit = "%"
scale = 100
decimals = 1
direction = "none"
universe = "Civil servants"
reference_period = "Last 12 months"
provenance = "D"
provenance_note = "Made for a test."
[measure]
shape = "civil_servant_survey"
estimator = "proportion"
numerator = "training_2y"
denominator = "civil_servants"
[links]
paragraphs = ["74"]
articles = ["7"]
targets = ["16.5"]
[[cases]]
name = "one of two"
rows = [{training_2y = 1}, {training_2y = 0}]
expect = {value = 50.0, n = 2, events = 1}
"""


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The bundled example office, built once."""
    out = tmp_path_factory.mktemp("whole")
    return out, build(out=out)


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


def computed():
    """Shipped cards on the shapes of the example's data sets: it has the columns of each."""
    shapes = {source.shape for source in gather().sources.values()}
    return {key: card for key, card in um.load_catalogue().items() if card.measure.shape in shapes}


def content(folder: Path) -> dict[str, bytes]:
    """All files of a release (or an output folder) but those of the run, by path."""
    files = {p.relative_to(folder).as_posix(): p for p in folder.rglob("*") if p.is_file()}
    return {name: path.read_bytes() for name, path in files.items() if path.name not in ("run.json", ".lock")}


# --- what comes out


def test_example_office_gives_a_release(whole):
    out, release = whole
    assert release.new and re.fullmatch("[0-9a-f]{12}", release.id)
    assert (out / "current").is_symlink() and (out / "current").readlink() == Path("releases", release.id)
    assert {"estimates.csv", "manifest.json", "index.html"} <= {p.name for p in release.public.iterdir()}
    plots = {p.stem for p in (release.public / "plots").iterdir()}
    made = release.estimates[["indicator", "dataset"]].drop_duplicates()
    coverage = {f"coverage-{kind}" for kind in ("paragraph", "article", "target")}
    assert plots == coverage | {f"{row.indicator}-{row.dataset}" for row in made.itertuples()}
    assert set(made["indicator"]) == set(computed())
    assert publish.is_whole(release.folder)


def test_estimates_file_has_the_one_shape_in_key_order(whole):
    release = whole[1]
    text = (release.public / "estimates.csv").read_bytes()
    assert b"\r" not in text and text.endswith(b"\n")
    table = release.estimates
    assert table.columns.tolist() == [*ESTIMATE_LEADING, *BREAKDOWNS, *ESTIMATE_VALUES]
    key = [*ESTIMATE_KEY, *BREAKDOWNS]
    assert not table.duplicated(key).any()
    keys = list(table[key].itertuples(index=False, name=None))
    assert keys == sorted(keys)


def test_estimates_are_those_of_estimate_at_full_precision(whole):
    table = whole[1].estimates
    expected = um.estimate("BR-01", "population_2025", by="sex").table.set_index("sex")
    rows = table[(table["indicator"] == "BR-01") & (table["dataset"] == "population_2025")]
    others = [name for name in BREAKDOWNS if name != "sex"]
    rows = rows[(rows[others] == "_T").all(axis=1)].set_index("sex")
    assert set(rows.index) == {"_T", "F", "M"}
    for name in ("value", "std_error", "lower", "upper", "n", "deff"):
        assert rows[name].to_dict() == pytest.approx(expected[name].to_dict(), rel=1e-12)  # order of sums


def test_breakdowns_are_the_cards_own_and_the_offices_choice(whole):
    table = whole[1].estimates
    catalogue = um.load_catalogue()
    choice = gather().office.disaggregations
    for key, rows in table.groupby("indicator"):
        used = {name for name in BREAKDOWNS if (rows[name] != "_T").any()}
        measure = catalogue[key].measure
        several = METHODS[measure.estimator].several
        own = {name for name in (measure.items, "category" if measure.levels else "") if name}
        own |= {"category", "stage"} if several else set()
        assert used <= {*catalogue[key].disaggregations, *own}, key
        assert used <= {*choice, *own}, key


def test_manifest_says_what_determined_the_release_and_nothing_else(whole):
    out, release = whole
    text = (release.public / "manifest.json").read_text(encoding="utf-8")
    manifest = json.loads(text)
    assert json.dumps(manifest, ensure_ascii=False, indent=2, sort_keys=True) + "\n" == text
    assert manifest["release"] == release.id
    assert set(manifest["definitions"]) == set(computed())
    assert manifest["definitions"]["BR-01"]["file"] == "uncac_metrics/indicators/bribery/BR-01.toml"
    assert {"python", "numpy", "pandas", "scipy", "statsmodels"} <= set(manifest["versions"])
    assert set(manifest["files"]) == set(content(release.public)) - {"manifest.json"}
    assert manifest["datasets"]["population_2025"]["simulated"] is True
    for told in (str(out), str(Path.home()), str(EXAMPLE)):
        assert told not in text


def test_same_inputs_same_bytes_whatever_the_number_of_processes(tmp_path):
    # of every kind of estimator and design some
    only = ["BR-01", "BR-08b", "GE-01a", "AR-01d", "AR-08", "CJ-03a", "CC-02", "PR-13b", "IC-01c", "UN-02", "PO-01"]
    release = build(out=tmp_path / "here", jobs=1, only=only)
    again = build(out=tmp_path / "elsewhere", jobs=2, only=only)
    assert again.new and again.id == release.id
    assert content(again.folder) == content(release.folder)
    pd.testing.assert_frame_equal(again.estimates, release.estimates)


@pytest.mark.slow
def test_the_whole_example_has_the_same_bytes_whatever_the_number_of_processes(whole, tmp_path):
    release = whole[1]
    again = build(out=tmp_path / "elsewhere", jobs=2)
    assert again.new and again.id == release.id
    assert content(again.folder) == content(release.folder)


def test_nothing_new(whole):
    out, release = whole
    before = {path: path.stat().st_mtime_ns for path in release.folder.rglob("*")}
    again = build(out=out)
    assert not again.new and again.id == release.id
    assert {path: path.stat().st_mtime_ns for path in release.folder.rglob("*")} == before
    pd.testing.assert_frame_equal(again.estimates, release.estimates)


def test_where_the_office_lies_changes_nothing(office, tmp_path):
    first = build(office, tmp_path / "a")
    moved = office.rename(tmp_path / "moved")
    assert content(build(moved, tmp_path / "b").folder) == content(first.folder)


def test_only_some(office, tmp_path):
    release = build(office, tmp_path / "out", only=["BR-26"])
    assert set(release.estimates["indicator"]) == {"BR-26"}
    assert release.id != build(office, tmp_path / "out").id


def test_progress_is_told_step_by_step(office, tmp_path):
    told = []
    build(office, tmp_path / "out", progress=lambda *step: told.append(step))
    assert told[0] == (1, 1, "data set civil_servants_2025")
    plots = [what for _, _, what in told[1:]]
    assert [step[:2] for step in told[1:]] == [(i + 1, len(plots)) for i in range(len(plots))]
    assert {"plot BR-26-civil_servants_2025", "plot BR-34-civil_servants_2025"} <= set(plots)


def test_plan_has_a_job_a_data_set():
    inputs = gather()
    jobs = plan(inputs.sources, inputs.catalogue, choice=("sex", "sector"))
    assert [job.dataset for job in jobs] == sorted(inputs.sources)
    for job in jobs:
        assert {card.measure.shape for card in job.indicators} == {job.source.shape}
        assert set(job.breakdowns) <= {"sex", "sector"}


# --- a new indicator is one new file


def test_new_indicator_is_one_new_file(office, tmp_path):
    before = build(office, tmp_path / "out")
    (office / "indicators").mkdir()
    (office / "indicators" / "XX-01.toml").write_text(CARD, encoding="utf-8")
    assert check(office).faults == ()
    release = build(office, tmp_path / "out")
    assert set(release.estimates["indicator"]) - set(before.estimates["indicator"]) == {"XX-01"}
    rows = release.estimates.query("indicator == 'XX-01'")
    assert set(rows["sex"]) == {"_T", "F", "M"} and rows["value"].between(0, 100).all()
    assert 'id="XX-01"' in (release.public / "indicators" / "XX-01.html").read_text(encoding="utf-8")
    assert "indicators/XX-01.html" in (release.public / "indicators" / "index.html").read_text(
        encoding="utf-8"
    ).replace("../", "")
    assert (release.public / "plots" / "XX-01-civil_servants_2025.svg").is_file()
    manifest = json.loads((release.public / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["definitions"]["XX-01"]["file"] == "indicators/XX-01.toml"


# --- whole or not at all


def test_all_faults_together_and_nothing_is_written(office, tmp_path):
    out = tmp_path / "out"
    former = build(office, out)
    before = content(out / "releases")
    (office / "indicators").mkdir()
    (office / "indicators" / "XX-01.toml").write_text(CARD.replace('"%"', '""'), encoding="utf-8")
    second = office / "datasets" / "second"
    shutil.copytree(office / "datasets" / "civil_servants_2025", second)
    (second / "data.csv.gz").write_bytes((second / "data.csv.gz").read_bytes() + b"\0")
    with pytest.raises(Faults) as caught:
        build(office, out)
    told = str(caught.value)
    assert "XX-01.toml: unit" in told and "second" in told and len(caught.value.faults) >= 2
    assert content(out / "releases") == before and (out / "current").resolve() == former.folder.resolve()


def test_nothing_to_publish_is_a_fault(office, tmp_path):
    with pytest.raises(Faults, match="no indicator can be computed"):
        build(office, tmp_path / "out", only=["BR-01"])
    assert not (tmp_path / "out" / "releases").exists() and not (tmp_path / "out" / "current").exists()


def test_unknown_indicator_gives_the_nearest(office, tmp_path):
    with pytest.raises(Faults, match="did you mean 'BR-26'"):
        build(office, tmp_path / "out", only=["BR-266"])


def test_places_that_cannot_be_published_into(office, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(Faults, match="is not a folder"):
        build(office, tmp_path / "file")
    (tmp_path / "out" / "current").mkdir(parents=True)
    with pytest.raises(Faults, match="is not the link"):
        build(office, tmp_path / "out")


def test_a_file_that_changes_meanwhile_is_a_fault(office, tmp_path):
    def touch(done, total, what):
        with (office / "datasets" / "civil_servants_2025" / "data.csv.gz").open("ab") as stream:
            stream.write(b"later")

    with pytest.raises(Faults, match="changed while it was being read"):
        build(office, tmp_path / "out", progress=touch)
    assert not (tmp_path / "out" / "releases").exists()


FILES = {"a.txt": b"1", "b/c.txt": b"2"}


def release_of(files: dict[str, bytes]) -> dict[str, bytes]:
    import hashlib

    listed = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
    return {**files, "manifest.json": json.dumps({"files": listed}).encode()}


@pytest.mark.parametrize(
    ("owner", "name", "call"),
    [*((os, "fsync", n) for n in range(1, 9)), (Path, "mkdir", 2), (Path, "mkdir", 3), (Path, "replace", 1),
     (Path, "replace", 2), (Path, "symlink_to", 1)],
)  # fmt: skip
def test_a_failure_anywhere_leaves_the_former_release(tmp_path, monkeypatch, owner, name, call):
    publish.publish(tmp_path, "old", release_of(FILES))
    original, calls = getattr(owner, name), []

    def failing(*args, **kwargs):
        calls.append(args)
        if len(calls) == call:
            raise OSError(28, "No space left on device")
        return original(*args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(owner, name, failing)
        with pytest.raises(OSError, match="No space"):
            publish.publish(tmp_path, "new", release_of({**FILES, "d.txt": b"3"}))
    current = (tmp_path / "current").resolve()
    switched = name == "fsync" and call == 8  # the last flush comes after the switch
    assert current.name == ("new" if switched else "old") and publish.is_whole(current)
    assert not list(tmp_path.rglob(".unfinished*"))
    publish.publish(tmp_path, "new", release_of({**FILES, "d.txt": b"3"}))
    assert (tmp_path / "current").resolve().name == "new" and publish.is_whole(tmp_path / "current")


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="the system has no SIGKILL")
@pytest.mark.parametrize("call", [1, 3, 5, 6])
def test_a_kill_anywhere_leaves_the_former_release(tmp_path, call):
    publish.publish(tmp_path, "old", release_of(FILES))
    script = f"""
import os, signal
from pathlib import Path
from uncac_metrics.builds import publish
calls, original = [], os.fsync
def fsync(handle):
    calls.append(handle)
    if len(calls) == {call}:
        os.kill(os.getpid(), signal.SIGKILL)
    original(handle)
os.fsync = fsync
publish.publish(Path({str(tmp_path)!r}), "new", {release_of({**FILES, "d.txt": b"3"})!r})
"""
    killed = subprocess.run([sys.executable, "-c", script], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert (tmp_path / "current").resolve().name == "old" and publish.is_whole(tmp_path / "current")
    publish.publish(tmp_path, "new", release_of({**FILES, "d.txt": b"3"}))
    assert (tmp_path / "current").resolve().name == "new" and publish.is_whole(tmp_path / "current")
    assert not list(tmp_path.rglob(".unfinished*"))


def test_a_damaged_release_is_made_again(office, tmp_path):
    release = build(office, tmp_path / "out")
    before = content(release.folder)
    page = release.public / "index.html"
    page.write_bytes(page.read_bytes()[:-1] + b"?")
    assert not publish.is_whole(release.folder)
    again = build(office, tmp_path / "out")
    assert again.new and content(again.folder) == before


@pytest.mark.parametrize("damage", ["missing", "extra", "manifest", "none"])
def test_is_whole(tmp_path, damage):
    folder = publish.publish(tmp_path, "x", release_of(FILES))
    if damage == "missing":
        (folder / "a.txt").unlink()
    elif damage == "extra":
        (folder / "z.txt").write_text("")
    elif damage == "manifest":
        (folder / "manifest.json").write_text("[]")
    assert publish.is_whole(folder) is (damage == "none")


def test_read_estimates_gives_back_what_was_written(whole, tmp_path):
    from uncac_metrics.results import to_csv

    table = whole[1].estimates
    (tmp_path / "again.csv").write_bytes(to_csv(table))
    pd.testing.assert_frame_equal(read_estimates(tmp_path / "again.csv"), table)


# --- check


def test_check_of_the_example_finds_nothing():
    found = check()
    assert found.faults == () and found.methods == {}
    assert found.counts["indicators"] == len(um.load_catalogue()) and found.counts["data sets"] == len(
        list((EXAMPLE / "datasets").iterdir())
    )


def test_check_names_methods_that_run_code(office):
    (office / "indicators").mkdir()
    card = CARD.replace('estimator = "proportion"', 'estimator = "offices_own.methods:share"')
    (office / "indicators" / "XX-01.toml").write_text(card.partition("[[cases]]")[0], encoding="utf-8")
    assert check(office).methods == {"XX-01": "offices_own.methods:share"}


def test_the_csv_is_that_of_pandas(whole):
    from uncac_metrics.results import in_order, to_csv

    table = whole[1].estimates.head(400).copy()
    table.loc[3, "reason"] = 'a "word", and\nanother line'
    table.loc[4, "value"] = 1e-300
    table.loc[5, "value"] = -0.0
    table.loc[6, "df"] = float("inf")
    expected = in_order(table).to_csv(index=False, lineterminator="\n").encode()
    assert to_csv(table) == expected
