"""What the tests share."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """Folder of the real survey files; tests that need it are skipped where it is not named."""
    folder = os.environ.get("UNCAC_METRICS_DATA")
    if not folder:
        pytest.skip("UNCAC_METRICS_DATA does not name the folder of the real survey files")
    return Path(folder)


@pytest.fixture(scope="session")
def example_release(tmp_path_factory):
    """A release of the bundled example office."""
    from uncac_metrics.builds import build

    return build(out=tmp_path_factory.mktemp("example"))
