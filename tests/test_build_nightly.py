"""Builds night after night: what is computed again, what is taken over, what is refused, what is told."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import uncac_metrics as um
from uncac_metrics import cli
from uncac_metrics._data import datasets_folder
from uncac_metrics.builds import build, prepare, verify
from uncac_metrics.builds.cache import fingerprint
from uncac_metrics.builds.notice import notice
from uncac_metrics.builds.validation import CAP, Finding, report
from uncac_metrics.model import Fault, Faults

EXAMPLE = datasets_folder() / "example"
SETS = ("civil_servants_2025", "status_2025", "information_requests_2025")
OWN = """
name = "Own"
name_zh = "自有"
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
estimator = "offices_own:share"
numerator = "training_2y"
denominator = "civil_servants"
[links]
paragraphs = ["74"]
articles = ["7"]
"""


@pytest.fixture
def office(tmp_path) -> Path:
    """An office with three small data sets of the example."""
    folder = tmp_path / "office"
    for name in SETS:
        shutil.copytree(EXAMPLE / "datasets" / name, folder / "datasets" / name)
    (folder / "office.toml").write_text(
        'id = "tests"\nname = "Office of the tests"\nref_area = "XXA"\ndisaggregations = ["sex", "age", "grade"]\n',
        encoding="utf-8",
    )
    return folder


def content(folder: Path) -> dict[str, bytes]:
    files = {p.relative_to(folder).as_posix(): p for p in folder.rglob("*") if p.is_file()}
    return {name: path.read_bytes() for name, path in files.items() if path.name not in ("run.json", ".lock")}


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def computed(out: Path) -> list[str]:
    """Data sets that the last build computed."""
    return json.loads((out / "current" / "run.json").read_text(encoding="utf-8"))["computed"]


def drop_rows(office: Path, rows: int, name: str = "civil_servants_2025") -> None:
    import hashlib

    path = next((office / "datasets" / name).glob("data.csv*"))
    pd.read_csv(path, dtype=str, keep_default_na=False).iloc[rows:].to_csv(path, index=False)
    source = path.with_name("source.toml")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    source.write_text(re.sub(r"(?m)^sha256 = .*$", f'sha256 = "{digest}"', source.read_text(encoding="utf-8")))


def publication(office: Path, text: str) -> None:
    with (office / "office.toml").open("a", encoding="utf-8") as stream:
        stream.write(text)


# --- what is computed again


def test_only_what_changed_is_computed_again(office, tmp_path):
    out = tmp_path / "out"
    first = build(office, out)
    assert computed(out) == sorted(SETS)
    drop_rows(office, 10)
    plan = prepare(office, out)
    assert sorted(plan.known) == ["information_requests_2025", "status_2025"] and not plan.nothing_new
    second = build(office, out)
    assert computed(out) == ["civil_servants_2025"]
    fresh = build(office, tmp_path / "fresh")
    pd.testing.assert_frame_equal(second.estimates, fresh.estimates)
    assert not second.estimates.equals(first.estimates)
    assert set(verify(out)) == {first.id, second.id}


def test_a_comment_computes_nothing_and_makes_no_release(office, tmp_path):
    first = build(office, tmp_path / "out")
    publication(office, "\n# a comment\n")
    with (office / "datasets" / "status_2025" / "source.toml").open("a") as stream:
        stream.write("\n# another\n")
    assert not build(office, tmp_path / "out").new and build(office, tmp_path / "other").id == first.id


def test_the_fingerprint_changes_with_each_input_and_with_nothing_else(office, tmp_path):
    plan = prepare(office, tmp_path / "out")
    job = plan.jobs[0]
    made = json.loads(json.dumps(plan.content))
    first = fingerprint(made, job)
    assert fingerprint(prepare(office, tmp_path / "elsewhere").content, job) == first
    card = job.indicators[0].id
    others = [
        (("definitions", card, "sha256"), "0"), (("datasets", job.dataset, "data", "sha256"), "0"),
        (("datasets", job.dataset, "source", "sha256"), "0"), (("code", "sha256"), "0"),
        (("versions", "numpy"), "0"), (("seed",), 1), (("settings", "level"), 0.9),
        (("reference", "areas.csv"), "0"),
    ]  # fmt: skip
    prints = set()
    for path, value in others:
        changed = json.loads(json.dumps(made))
        place = changed
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = value
        prints.add(fingerprint(changed, job))
    assert len(prints) == len(others) and first not in prints
    for unrelated in ("office", "writers"):
        assert fingerprint({**made, unrelated: {}}, job) == first


def test_a_damaged_outcome_is_computed_again(office, tmp_path):
    out = tmp_path / "out"
    first = build(office, out)
    for path in (out / ".cache").rglob("estimates.csv"):
        path.write_bytes(path.read_bytes()[:-2] + b"9\n")
    drop_rows(office, 10)
    build(office, out)
    assert computed(out) == sorted(SETS)
    assert first.id in verify(out)


def test_force_computes_all_again_and_it_comes_out_the_same(office, tmp_path):
    out = tmp_path / "out"
    first = build(office, out)
    told = []
    again = build(office, out, force=True, progress=lambda done, total, what: told.append(what))
    assert not again.new and again.id == first.id
    assert {f"data set {name}" for name in SETS} <= set(told)


def test_force_tells_what_does_not_come_out_the_same(office, tmp_path, monkeypatch):
    out = tmp_path / "out"
    build(office, out)
    from uncac_metrics.builds import content as parts

    original = parts._definitions
    monkeypatch.setattr(parts, "_definitions", lambda *given: original(*given) + b" ")
    with pytest.raises(Faults, match=r"indicators\.json: does not come out the same"):
        build(office, out, force=True)


# --- what is taken over


def test_since_takes_earlier_periods_from_the_last_release(office, tmp_path):
    out = tmp_path / "out"
    with pytest.raises(Faults, match="no release to take earlier periods from"):
        build(office, out, since="2026")
    first = build(office, out)
    earlier = office / "datasets" / "status_2025"
    next(earlier.glob("data.csv*")).write_bytes(b"not a table")
    change(office / "datasets" / "civil_servants_2025" / "source.toml", 'time_period = "2025"', 'time_period = "2026"')
    second = build(office, out, since="2026")
    kept = second.estimates[second.estimates["dataset"] == "status_2025"].reset_index(drop=True)
    was = first.estimates[first.estimates["dataset"] == "status_2025"].reset_index(drop=True)
    pd.testing.assert_frame_equal(kept, was)
    manifest = json.loads((second.public / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["datasets"]["status_2025"]["carried_from"] == first.id == manifest["predecessor"]
    assert not build(office, out, since="2026").new
    assert "status_2025" in (second.internal / "validation.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("where", ["source.toml", "data"])
def test_what_has_faults_is_taken_over_where_that_is_allowed(office, tmp_path, where):
    out = tmp_path / "out"
    first = build(office, out)
    folder = office / "datasets" / "status_2025"
    if where == "data":
        next(folder.glob("data.csv*")).write_bytes(b"not a table")
    else:
        change(folder / "source.toml", "title =", "titel =")
    drop_rows(office, 10)
    with pytest.raises(Faults, match="status_2025"):
        build(office, out)
    assert (out / "failed" / "validation.html").is_file()
    assert (out / "current").resolve() == first.folder.resolve()
    second = build(office, out, continue_on_failure=True)
    assert second.new and second.faults and not (out / "failed").exists()
    assert set(second.estimates["dataset"]) == set(SETS)
    again = build(office, out, continue_on_failure=True)
    assert not again.new and again.faults
    assert cli.main(["build", str(office), "--out", str(out), "--continue-on-failure"]) == 3
    fresh = build(office, tmp_path / "fresh", continue_on_failure=True)  # nothing to take over: left out
    assert set(fresh.estimates["dataset"]) == set(SETS) - {"status_2025"}


def test_an_unreadable_office_is_refused_even_so(office, tmp_path):
    change(office / "office.toml", "name =", "nome =")
    with pytest.raises(Faults, match="nome"):
        build(office, tmp_path / "out", continue_on_failure=True)


def test_an_earlier_state_of_the_inputs_is_a_release_of_its_own(office, tmp_path):
    out, kept = tmp_path / "out", tmp_path / "kept"
    first = build(office, out)
    shutil.copytree(office, kept)
    drop_rows(office, 10)
    second = build(office, out)
    third = build(kept, out)
    pd.testing.assert_frame_equal(third.estimates, first.estimates)
    assert third.new and len({first.id, second.id, third.id}) == 3
    back = pd.read_csv(third.public / "revisions.csv", dtype=str)
    forth = pd.read_csv(second.public / "revisions.csv", dtype=str)
    assert len(back) == len(forth) and set(back["reason"]) == {"data"}
    triangle = um.revision_triangle(
        {"1": first, "2": second, "3": third}, indicator=back["indicator"][0], dataset="civil_servants_2025"
    )
    assert (triangle["1"] == triangle["3"]).all() and (triangle["1"] != triangle["2"]).all()


def test_a_damaged_last_release_is_passed_over(office, tmp_path):
    out = tmp_path / "out"
    first = build(office, out)
    drop_rows(office, 10)
    second = build(office, out)
    page = second.public / "index.html"
    page.write_bytes(page.read_bytes()[:-1])
    drop_rows(office, 10)
    third = build(office, out)
    manifest = json.loads((third.public / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["predecessor"] == first.id
    found = json.loads((third.internal / "validation.json").read_text(encoding="utf-8"))
    assert any(row["rule"] == "release" and second.id in row["what"] for row in found["details"])


# --- what is refused


def test_methods_of_the_offices_own_run_only_where_allowed(office, tmp_path, monkeypatch):
    (office / "indicators").mkdir()
    (office / "indicators" / "XX-01.toml").write_text(OWN, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "offices_own.py").write_text(
        "from pathlib import Path\n"
        f"Path({str(tmp_path / 'ran')!r}).write_text('')\n"
        "from uncac_metrics.estimators import ESTIMATORS\n"
        "share = ESTIMATORS['proportion']\n"
    )
    assert cli.main(["check", str(office)]) == 0 and not (tmp_path / "ran").exists()
    with pytest.raises(Faults, match=r"offices_own:share .* --allow-code"):
        build(office, tmp_path / "out")
    partly = build(office, tmp_path / "out", continue_on_failure=True)
    assert not (tmp_path / "ran").exists() and "XX-01" not in set(partly.estimates["indicator"])
    release = build(office, tmp_path / "out", allow_code=True)
    assert (tmp_path / "ran").exists() and "XX-01" in set(release.estimates["indicator"])
    (tmp_path / "offices_own.py").write_text((tmp_path / "offices_own.py").read_text() + "# changed\n")
    assert prepare(office, tmp_path / "out", allow_code=True).known.keys() == {*SETS[1:]}
    del sys.modules["offices_own"]


def test_expectations_of_rows_and_estimates_refuse_warn_or_note(office, tmp_path):
    out = tmp_path / "out"
    with (office / "datasets" / "civil_servants_2025" / "source.toml").open("a", encoding="utf-8") as stream:
        stream.write('\n[[expect]]\nlow = 1e6\nwhy = "a census"\n')
    publication(office, '\n[[expect]]\nindicator = "BR-26"\nhigh = -1\nseverity = "note"\n')
    found = json.loads((build(office, out).internal / "validation.json").read_text(encoding="utf-8"))
    told = {(row["severity"], row["rule"]) for row in found["details"]}
    assert {("warning", "rows"), ("note", "range")} <= told
    change(office / "office.toml", 'severity = "note"', 'severity = "error"')
    with pytest.raises(Faults, match="is above -1"):
        build(office, out)
    report = json.loads((out / "failed" / "validation.json").read_text(encoding="utf-8"))
    assert report["severities"]["error"] >= 1 and report["severities"]["warning"] >= 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[publication]\nstandards = ["nchs"]', "no standard 'nchs'"),
        ("[publication]\nminimum = -1", "is below 0"),
        ("[publication]\nminimal = 3", "did you mean 'minimum'"),
        ("[[expect]]\nhi = 3", "is not a key of this table"),
        ('[[expect]]\nwhy = "so"', "says no bound"),
        ('[[expect]]\nlow = 1\nseverity = "grave"', "no severity"),
        ("expect = 3", "expect"),
    ],
)
def test_what_an_office_says_of_publishing_is_read_strictly(office, tmp_path, text, said):
    toml = office / "office.toml"
    body = toml.read_text(encoding="utf-8")
    toml.write_text(f"{text}\n{body}" if text.startswith("expect") else f"{body}\n{text}\n", encoding="utf-8")
    with pytest.raises(Faults, match=said):
        build(office, tmp_path / "out")


# --- what is shown


def test_standards_withhold_in_the_public_part_and_not_in_the_internal_one(office, tmp_path):
    publication(office, '\n[publication]\nstandards = ["nchs_proportions"]\n')
    release = build(office, tmp_path / "out")
    inside = um.builds.read_estimates(release.internal / "estimates.csv")
    outside = release.estimates
    withheld = outside["display"] == "withheld"
    more = withheld & (inside["display"] != "withheld")
    assert more.any() and outside.loc[withheld, ["value", "std_error", "lower", "upper", "cv"]].isna().all().all()
    assert inside.loc[more, "value"].notna().all() and (outside.loc[more, "reason"] != "").all()
    shown = ~withheld
    pd.testing.assert_series_equal(outside.loc[shown, "value"], inside.loc[shown, "value"])


def test_numbers_of_few_are_withheld_with_what_gives_them_away(office, tmp_path):
    publication(office, "\n[publication]\nminimum = 15\n")
    release = build(office, tmp_path / "out")
    inside = um.builds.read_estimates(release.internal / "estimates.csv")
    secret = inside["dataset"] == "civil_servants_2025"
    few = secret & inside["events"].gt(0) & inside["events"].lt(15)
    table = release.estimates
    assert few.any() and (table.loc[few, "display"] == "withheld").all()
    assert {"C", "D"} <= set(table.loc[secret, "conf_status"])
    hidden = table["conf_status"] != "F"
    assert table.loc[hidden, ["value", "n", "events", "std_error", "deff", "cv"]].isna().all(axis=None)
    assert (table.loc[~secret, "conf_status"] == "F").all()
    audit = pd.read_csv(release.internal / "disclosure" / "audit.csv")
    assert len(audit) and audit["safe"].all()
    # the next night withholds the same, though ten records are gone
    drop_rows(office, 10)
    again = build(office, tmp_path / "out").estimates
    assert (again["display"] == "withheld").sum() < 1.5 * (table["display"] == "withheld").sum()


def test_internal_sums_give_the_covariance_of_the_estimates(office, tmp_path):
    release = build(office, tmp_path / "out")
    inside = um.builds.read_estimates(release.internal / "estimates.csv")
    rows = inside[inside["dataset"] == "civil_servants_2025"]
    with np.load(release.internal / "sums" / "civil_servants_2025.npz") as archive:
        covariance = archive["covariance"]
        sums = {name: archive[name] for name in archive.files}
    errors = rows["std_error"].to_numpy()
    known = np.isfinite(errors) & (errors > 0)
    assert known.sum() > 30 and len(covariance) == len(rows)
    np.testing.assert_allclose(np.sqrt(np.diag(covariance))[known], errors[known], rtol=1e-9)
    whole = (rows["indicator"] == "BR-26") & (rows[["age", "grade"]] == "_T").all(axis=1)
    total, women = (np.flatnonzero(whole & (rows["sex"] == sex))[0] for sex in ("_T", "F"))
    expected = um.estimate("BR-26", "civil_servants_2025", by="sex")
    pair = expected.table["sex"].isin(["_T", "F"]).to_numpy()
    theirs = expected.covariance().to_numpy()[np.ix_(pair, pair)]
    assert covariance[total, women] == pytest.approx(theirs[0, 1], rel=1e-9)
    assert {"unit_0", "row_0", "value_0"} <= set(sums) and sums["row_0"].max() < len(rows)


# --- what is told


def test_a_report_is_capped_and_counts_everything():
    many = [Finding("warning", "range", Fault(f"row {i}", "", "is odd")) for i in range(CAP + 7)]
    made = report([*many, Finding("error", "input", Fault("a", "", "is wrong"))], {"office": "x"})
    assert made["severities"] == {"error": 1, "warning": CAP + 7, "note": 0}
    assert len(made["details"]) == CAP and made["not_listed"] == 8
    assert made["details"][0]["severity"] == "error"


def test_a_dry_run_writes_nothing(office, tmp_path, capsys):
    out = tmp_path / "out"
    assert cli.main(["build", str(office), "--out", str(out), "--dry-run"]) == 0
    assert not out.exists() and capsys.readouterr().out.count("to be computed") == 3
    build(office, out)
    before = content(out)
    assert cli.main(["build", str(office), "--out", str(out), "--dry-run"]) == 0
    assert content(out) == before and "nothing new to build" in capsys.readouterr().out


def test_a_notice_holds_a_link_and_no_data(office, tmp_path):
    out, note = tmp_path / "out", tmp_path / "notice.txt"
    link = "https://statistics.example/corruption"
    assert cli.main(["build", str(office), "--out", str(out), "--notify", str(note), "--link", link]) == 0
    text = note.read_text(encoding="utf-8")
    assert link in text and re.match("Release [0-9a-f]{12} is published\n", text)
    fault = Fault("data.csv", "name", "is 'Jane Doe'")
    assert "Jane" not in notice(None, [fault], out) and "1 fault" in notice(None, [fault], out)


# --- who runs it, and where


def test_a_cluster_gives_the_same_bytes(office, tmp_path):
    distributed = pytest.importorskip("distributed")
    here = build(office, tmp_path / "here")
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as cluster:
        there = build(office, tmp_path / "there", cluster=cluster.scheduler_address)
    assert there.new and content(there.folder) == content(here.folder)


def test_no_cluster_at_the_address_is_a_fault(office, tmp_path):
    pytest.importorskip("distributed")
    with pytest.raises(Faults, match="cannot be reached"):
        build(office, tmp_path / "out", cluster="nowhere:1")


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX locales and time zones")
def test_time_zone_locale_hash_seed_and_order_of_files_change_nothing(office, tmp_path):
    def built(name: str, folder: Path, **environment: str) -> dict[str, bytes]:
        command = [sys.executable, "-m", "uncac_metrics", "build", str(folder), "--out", str(tmp_path / name)]
        done = subprocess.run(
            command, env={**os.environ, **environment}, capture_output=True, text=True, check=False, cwd=tmp_path
        )
        assert done.returncode == 0, done.stderr
        return content(tmp_path / name / "releases")

    first = built("a", office, TZ="Pacific/Kiritimati", LC_ALL="C", PYTHONHASHSEED="1")
    # copied in another order, so that a folder lists its files in another one
    other = tmp_path / "other"
    for path in sorted(office.rglob("*"), reverse=True):
        if path.is_file():
            place = other / path.relative_to(office)
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, place)
    second = built("b", other, TZ="America/Los_Angeles", LC_ALL="C.UTF-8", PYTHONHASHSEED="2", LANGUAGE="ar")
    assert first == second


def test_two_builds_at_once_leave_one_whole_release(office, tmp_path):
    out = tmp_path / "out"
    command = [sys.executable, "-m", "uncac_metrics", "build", str(office), "--out", str(out)]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(2)]
    assert [one.wait(120) for one in running] == [0, 0], [one.stderr.read() for one in running]
    for one in running:
        one.stdout.close()
        one.stderr.close()
    assert len(verify(out)) == 1
