"""Builds: what is written, that it is the same each time, and that it is whole or not there at all."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from pathlib import Path

import pandas as pd
import pytest

import uncac_metrics as um
from uncac_metrics._data import datasets_folder, indicators_folder
from uncac_metrics.builds import build, gather, plan, publish, read_estimates
from uncac_metrics.model import BREAKDOWNS, ESTIMATE_KEY, ESTIMATE_LEADING, ESTIMATE_VALUES, Faults
from uncac_metrics.tables import validate_estimates

EXAMPLE = datasets_folder() / "example"
ONLY = ["BR-01", "BR-11", "BR-26"]


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


@pytest.fixture(scope="module")
def released(tmp_path_factory):
    out = tmp_path_factory.mktemp("out")
    return out, build(out=out, only=ONLY)


@pytest.fixture
def office(tmp_path) -> Path:
    """A small office: the business survey of the example, and no cards of its own."""
    folder = tmp_path / "office"
    shutil.copytree(EXAMPLE / "datasets" / "business_2025", folder / "datasets" / "business_2025")
    shutil.copy(EXAMPLE / "office.toml", folder)
    return folder


def test_a_release_holds_what_it_should(released):
    out, release = released
    current = out / "current"
    assert current.is_symlink() and current.resolve() == release.folder.resolve()
    assert release.new and release.folder == out / "releases" / release.id
    files = set(bytes_of(release.folder))
    assert {"estimates.csv", "manifest.json", "index.html"} <= files
    assert any(f.startswith("plots/BR-01") for f in files)


def test_estimates_are_those_of_the_library_in_the_one_shape(released):
    out, release = released
    table = read_estimates(out / "current" / "estimates.csv")
    assert list(table.columns) == [*ESTIMATE_LEADING, *BREAKDOWNS, *ESTIMATE_VALUES]
    assert not table.duplicated([*ESTIMATE_KEY, *BREAKDOWNS]).any()
    validate_estimates(table)
    direct = um.estimate("BR-01", "population_2025", by=["sex", "area"], cross=False).table
    built = table[(table.indicator == "BR-01") & (table.dataset == "population_2025")]
    both = direct.merge(built, on=["sex", "area"], suffixes=("", "_built"))
    both = both[(both[[b for b in BREAKDOWNS if b in both and b not in ("sex", "area")]] == "_T").all(axis=1)]
    assert len(both) == len(direct) == 9
    for name in ("value", "std_error", "lower", "upper", "df", "n"):
        assert both[name].to_numpy(float) == pytest.approx(both[f"{name}_built"].to_numpy(float), rel=1e-12), name


def test_the_manifest_proves_every_byte(released):
    _, release = released
    manifest = json.loads((release.folder / "manifest.json").read_text(encoding="utf-8"))
    files = bytes_of(release.folder)
    del files["manifest.json"]
    assert manifest["files"] == {k: hashlib.sha256(v).hexdigest() for k, v in files.items()}
    card = (indicators_folder() / "bribery" / "BR-01.toml").read_bytes()
    assert manifest["definitions"]["BR-01"]["sha256"] == hashlib.sha256(card).hexdigest()
    data = (EXAMPLE / "datasets" / "population_2025" / "data.csv.gz").read_bytes()
    assert manifest["datasets"]["population_2025"]["data"]["sha256"] == hashlib.sha256(data).hexdigest()
    assert {"python", "numpy", "pandas", "scipy", "statsmodels"} <= set(manifest["versions"])
    assert manifest["release"] == release.id
    text = json.dumps(manifest)
    assert str(release.folder) not in text and os.uname().nodename not in text


def test_the_same_inputs_give_the_same_bytes_whatever_the_workers(released, tmp_path):
    out, release = released
    again = build(out=tmp_path, only=ONLY, jobs=2)
    assert again.id == release.id
    assert bytes_of(again.folder) == bytes_of(release.folder)
    third = build(out=out, only=ONLY)
    assert not third.new and third.id == release.id


def test_the_page_ties_measures_to_commitments(released):
    _, release = released
    page = (release.folder / "index.html").read_text(encoding="utf-8")
    for text in ("Simulated data.", "Prevalence of bribery in the population", "居民贿赂发生率", "16.5.1", "<caption",
                 'role="img"', "Less corruption and bribery by 2030", "Bribery of national public officials"):  # fmt: skip
        assert text in page, text
    assert "http://" not in page.replace("http://www.w3.org/", "") and "<script src" not in page


def test_a_change_of_data_or_definition_gives_another_release(office, tmp_path):
    first = build(office, tmp_path / "out", only=["BR-22"])
    source = office / "datasets" / "business_2025" / "source.toml"
    source.write_text(source.read_text(encoding="utf-8").replace("title = ", "title = ", 1) + "\n# a remark\n", encoding="utf-8")
    second = build(office, tmp_path / "out", only=["BR-22"])
    assert second.new and second.id != first.id
    assert (tmp_path / "out" / "current").resolve().name == second.id
    assert publish.is_whole(first.folder)  # the former release stays


def test_a_new_indicator_is_one_new_file(office, tmp_path):
    card = (indicators_folder() / "bribery" / "BR-25.toml").read_text(encoding="utf-8")
    (office / "indicators").mkdir()
    new = card.replace('numerator = "forwent_investment"', 'numerator = "refused"')
    new = new.replace("forwent_investment", "refused").split("[[cases]]")[0]
    (office / "indicators" / "XA-01.toml").write_text(new, encoding="utf-8")
    release = build(office, tmp_path / "out", only=["XA-01"])
    row = release.estimates[release.estimates["indicator"] == "XA-01"].iloc[0]
    assert row["n"] > 1000 and 0 < row["value"] < 100


def test_faults_of_all_kinds_come_together_and_nothing_is_written(office, tmp_path):
    out = tmp_path / "out"
    good = build(office, out, only=["BR-22"])
    before = bytes_of(out / "releases")
    (office / "indicators").mkdir()
    (office / "indicators" / "XA-02.toml").write_text('name = "x"\n', encoding="utf-8")
    source = office / "datasets" / "business_2025" / "source.toml"
    source.write_text(source.read_text(encoding="utf-8").replace("[columns]", "[columns]\nsectr = {from = 'X'}"), encoding="utf-8")
    (office / "office.toml").write_text('name = "Office"\nref_area = "XXA"\ncolour = "red"\n', encoding="utf-8")
    with pytest.raises(Faults) as caught:
        build(office, out)
    text = str(caught.value)
    assert "XA-02.toml" in text and "sectr" in text and "colour" in text
    assert bytes_of(out / "releases") == before
    assert (out / "current").resolve().name == good.id


@pytest.mark.parametrize("step", ["replace", "fsync", "write"])
@pytest.mark.parametrize("at", [1, 2, 3])
def test_a_failure_anywhere_leaves_the_last_release(office, tmp_path, monkeypatch, step, at):
    out = tmp_path / "out"
    first = build(office, out, only=["BR-22"])
    before = bytes_of(first.folder)
    calls = 0

    def failing(real):
        def call(*args, **kwargs):
            nonlocal calls
            calls += 1
            if calls == at:
                raise OSError(28, "No space left on device")
            return real(*args, **kwargs)

        return call

    if step == "write":
        monkeypatch.setattr(Path, "write_bytes", failing(Path.write_bytes))
    else:
        monkeypatch.setattr(os, step, failing(getattr(os, step)))
    try:
        build(office, out, only=["BR-23"])
    except OSError:
        monkeypatch.undo()
        assert (out / "current").resolve() == first.folder.resolve()
    monkeypatch.undo()
    assert bytes_of(first.folder) == before
    second = build(office, out, only=["BR-23"])
    assert publish.is_whole(out / "current") and second.folder.resolve() == (out / "current").resolve()
    assert not list(out.rglob(f"{publish.UNFINISHED}*"))


def test_leftovers_and_damage_are_mended(office, tmp_path):
    out = tmp_path / "out"
    first = build(office, out, only=["BR-22"])
    (out / "releases" / f"{publish.UNFINISHED}x").mkdir()
    (first.folder / "estimates.csv").write_bytes(b"damaged")
    again = build(office, out, only=["BR-22"])
    assert again.id == first.id and publish.is_whole(again.folder)
    assert not list(out.rglob(f"{publish.UNFINISHED}*"))


def test_plan_has_a_job_a_data_set():
    inputs = gather()
    jobs = plan(inputs.sources, inputs.catalogue, only=["BR-01", "BR-22"])
    assert {j.dataset: [c.id for c in j.indicators] for j in jobs} == {
        "business_2025": ["BR-22"], "civil_servants_2025": [], "population_2023": ["BR-01"], "population_2025": ["BR-01"],
    }  # fmt: skip
    with pytest.raises(Faults, match="BR-1: no such indicator"):
        plan(inputs.sources, inputs.catalogue, only=["BR-1"])


def test_a_folder_in_the_place_of_the_link_is_left_alone(office, tmp_path):
    (tmp_path / "out" / "current").mkdir(parents=True)
    with pytest.raises(Faults, match="current"):
        build(office, tmp_path / "out")
    assert (tmp_path / "out" / "current").is_dir()


def test_coverage_of_a_release(released):
    out, _ = released
    table = um.coverage(release=out / "current").set_index("paragraph")
    assert len(table) == 86
    assert "BR-01" in table.loc["74", "indicators_with_data"]
    assert table.loc["74", "latest_period"] == "2025" and table.loc["74", "oldest_period"] == "2023"
    assert isinstance(table, pd.DataFrame) and table.loc["35", "n_indicators"] == 0
