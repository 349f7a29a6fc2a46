"""Proof that releases are whole, and what changed between them."""

import hashlib
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import uncac_metrics as um
from uncac_metrics import cli
from uncac_metrics._data import datasets_folder
from uncac_metrics.builds import build, verify
from uncac_metrics.model import Faults

EXAMPLE = datasets_folder() / "example"


def office_of(folder: Path) -> Path:
    """A small office: one data set of the example."""
    source = folder / "datasets" / "civil_servants_2025"
    source.mkdir(parents=True)
    (folder / "office.toml").write_text(
        'id = "tests"\nname = "Office"\nref_area = "XXA"\ndisaggregations = ["sex", "grade"]\n'
    )
    for name in ("source.toml", "data.csv.gz"):
        shutil.copy(EXAMPLE / "datasets" / source.name / name, source)
    return folder


@pytest.fixture(scope="module")
def releases(tmp_path_factory):
    """Two releases of an office; before the second, ten rows of its data were dropped."""
    folder = tmp_path_factory.mktemp("vintages")
    office, out = office_of(folder / "office"), folder / "out"
    first = build(office, out)
    path = office / "datasets" / "civil_servants_2025" / "data.csv.gz"
    pd.read_csv(path, dtype=str, keep_default_na=False).iloc[10:].to_csv(path, index=False)
    source = path.with_name("source.toml")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    source.write_text(re.sub(r"(?m)^sha256 = .*$", f'sha256 = "{digest}"', source.read_text()))
    return out, first, build(office, out)


# --- verify


def test_an_output_folder_and_each_release_in_it_are_proved(releases, capsys):
    out, first, second = releases
    assert verify(out) == sorted([first.id, second.id])
    assert verify(first.folder) == [first.id]
    assert verify(out / "current") == [second.id]
    assert cli.main(["verify", str(out)]) == 0
    assert capsys.readouterr().out.count(": whole\n") == 2


def flipped(path: Path, at: int) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(bytes(data))


@pytest.mark.parametrize(
    "name",
    ["public/estimates.csv", "public/index.html", "public/manifest.json", "internal/estimates.csv",
     "internal/sums/civil_servants_2025.npz", "internal/manifest.json"],
)  # fmt: skip
@pytest.mark.parametrize("share", [0, 0.3, 0.77, 1])
def test_one_flipped_bit_is_found(releases, tmp_path, name, share):
    folder = shutil.copytree(releases[1].folder, tmp_path / releases[1].id)
    assert verify(folder) == [releases[1].id]
    path = folder / name
    flipped(path, int(share * (path.stat().st_size - 1)))
    # a flipped digest in a manifest is told as the fault of its file
    with pytest.raises(Faults, match=None if name.endswith("manifest.json") else re.escape(name)):
        verify(folder)


def test_all_that_is_wrong_is_said_together(releases, tmp_path, capsys):
    out = shutil.copytree(releases[0], tmp_path / "out", symlinks=True)
    first, second = (out / "releases" / release.id for release in releases[1:])
    (first / "public" / "index.html").unlink()
    (first / "public" / "extra.txt").write_text("x")
    (first / "beside.txt").write_text("x")
    (second / "public" / "index.html").unlink()
    (second / "public" / "index.html").symlink_to(first / "public" / "estimates.csv")
    (out / "current").unlink()
    assert cli.main(["verify", str(out)]) == 1
    said = capsys.readouterr().err
    for text in (
        "is missing",
        "is not listed",
        "is a link",
        "is not part of",
        "does not lead to a release",
        "5 faults",
    ):
        assert text in said


def test_a_copy_of_the_public_part_proves_itself(releases, tmp_path):
    copy = shutil.copytree(releases[1].public, tmp_path / "website")
    assert verify(copy) == [releases[1].id]
    flipped(copy / "estimates.csv", 5)
    with pytest.raises(Faults, match="its digest differs"):
        verify(copy)


def test_an_internal_part_of_another_release_is_found(releases, tmp_path):
    folder = shutil.copytree(releases[1].folder, tmp_path / releases[1].id)
    shutil.rmtree(folder / "internal")
    shutil.copytree(releases[2].internal, folder / "internal")
    with pytest.raises(Faults, match="belongs to another public part"):
        verify(folder)


def test_a_manifest_of_another_release_is_found(releases, tmp_path):
    folder = shutil.copytree(releases[1].folder, tmp_path / releases[2].id)
    with pytest.raises(Faults, match="does not describe this release"):
        verify(folder)


def test_no_release_is_a_fault(tmp_path):
    with pytest.raises(Faults, match="holds no release"):
        verify(tmp_path)


# --- revisions


def test_revisions_are_the_differences_over_the_earlier_errors(releases):
    _, first, second = releases
    found = um.revisions(first, second)
    assert len(found) == len(first.estimates) and set(found["status"]) <= {"revised", "unchanged"}
    assert (found["status"] == "revised").mean() > 0.8
    both = first.estimates.merge(second.estimates, on=[*um.vintages.KEY], suffixes=("_a", "_b"))
    expected = (both["value_b"] - both["value_a"]) / both["std_error_a"].where(both["std_error_a"] > 0)
    ours = found.merge(both[list(um.vintages.KEY)].assign(expected=expected), on=list(um.vintages.KEY))
    np.testing.assert_allclose(ours["in_std_errors"], ours["expected"], rtol=1e-12)
    assert set(found.loc[found["status"] == "revised", "reason"]) == {"data"}
    pd.testing.assert_frame_equal(um.revisions(first.folder, second.folder), found)


def test_new_and_dropped_estimates(releases):
    table = releases[1].estimates
    found = um.revisions(table.iloc[3:], table.iloc[:-2])
    assert found["status"].value_counts().to_dict() == {"unchanged": len(table) - 5, "new": 3, "dropped": 2}
    assert found.loc[found["status"] == "new", "value_before"].isna().all()
    assert (found["reason"] == "").all()  # mere tables say nothing of inputs


def test_what_is_missing_on_both_sides_is_unchanged():
    table = um.estimate("BR-01", "population_2025").table
    blank = table.assign(value=np.nan, std_error=np.nan, display="withheld")
    assert um.revisions(blank, blank)["status"].tolist() == ["unchanged"]
    found = um.revisions(table, blank).iloc[0]
    assert (found["status"], found["changed"]) == ("revised", "value, std_error, display")


def test_a_changed_definition_and_changed_code_are_reasons(releases, tmp_path):
    _, first, _ = releases
    copy = shutil.copytree(first.folder, tmp_path / "copy")
    manifest = json.loads((copy / "public" / "manifest.json").read_text())
    card = min(manifest["definitions"])
    manifest["definitions"][card]["sha256"] = "0" * 64
    manifest["code"]["sha256"] = "0" * 64
    (copy / "public" / "manifest.json").write_text(json.dumps(manifest))
    table = first.estimates.assign(value=first.estimates["value"] + 1)
    table.to_csv(copy / "public" / "estimates.csv", index=False)
    found = um.revisions(first, copy).set_index("indicator")
    assert set(found.loc[[card], "reason"]) == {"definition, code"}
    assert set(found.drop(card)["reason"]) == {"code"}


def test_a_triangle_has_a_column_a_release():
    a = um.estimate("BR-01", "population_2023").table
    b = um.estimate("BR-01", "population_2025").table
    triangle = um.revision_triangle(
        {"first": a, "second": pd.concat([a.assign(value=a["value"] + 1), b])},
        indicator="BR-01",
        dataset="population_2023",
    )
    assert triangle.index.tolist() == ["2023"] and triangle.columns.tolist() == ["first", "second"]
    assert triangle.loc["2023", "second"] - triangle.loc["2023", "first"] == pytest.approx(1, abs=1e-12)
    both = um.revision_triangle({"first": a, "second": pd.concat([a, b])}, indicator="BR-01")
    assert both.index.tolist() == ["2023", "2025"] and both["first"].isna().tolist() == [False, True]


def test_bad_input_is_said():
    table = um.estimate("BR-01", "population_2025", by="sex").table
    with pytest.raises(Faults, match="rows of a key"):
        um.revisions(table, pd.concat([table, table]))
    with pytest.raises(Faults, match="std_error: is missing"):
        um.revisions(table.drop(columns="std_error"), table)
    with pytest.raises(Faults, match="colour: identifies no series"):
        um.revision_triangle({"a": table}, colour="red")
    twice = pd.concat([table, table.assign(dataset="other")])
    with pytest.raises(Faults, match="name the dataset too"):
        um.revision_triangle({"a": twice}, indicator="BR-01")
    with pytest.raises(Faults, match="is not there"):
        um.revisions("nowhere", table)
