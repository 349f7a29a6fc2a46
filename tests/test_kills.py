"""Builds that are killed, as `nox -s evidence` does it, in a small number."""

import importlib.util
import signal
import sys
from pathlib import Path

import pytest

FILE = Path(__file__).parent.parent / "benchmarks" / "kills.py"
pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="the system has no SIGKILL")


@pytest.fixture(scope="module")
def kills():
    spec = importlib.util.spec_from_file_location("kills", FILE)
    module = importlib.util.module_from_spec(spec)
    sys.modules["kills"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def setting(kills, tmp_path_factory):
    return kills.prepare(tmp_path_factory.mktemp("kills"))


def test_a_release_survives_ten_kills_at_random_moments(kills, setting):
    assert kills.at_moments(setting, 10, 7) == [(True, True)] * 10


def test_a_release_survives_kills_before_operations_on_files(kills, setting):
    results = kills.at_writes(setting, 10)
    assert len(results) == 10 and set(results) == {(True, True)}


def test_a_flipped_byte_of_any_file_is_found(kills, setting):
    results = kills.with_a_flipped_byte(setting, 7, 25)
    assert len(results) == 25 and set(results) == {(True, True)}


def test_a_full_disk_leaves_the_release(kills, setting):
    try:
        assert kills.on_a_full_disk(setting) == [(True, True)]
    except PermissionError as needed:
        pytest.skip(str(needed))
