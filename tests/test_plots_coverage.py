"""Coverage matrix: its numbers agree with the catalogue, its cells with its numbers, its words with both."""

from __future__ import annotations

import pandas as pd
import pytest
from matplotlib.collections import PolyCollection
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

import uncac_metrics as um
from uncac_metrics.model import Faults
from uncac_metrics.plots import coverage_matrix, coverage_matrix_alt, coverage_matrix_data
from uncac_metrics.plots.style import BLUE

RELEASE = pd.DataFrame(
    {
        "indicator": ["BR-01", "BR-02", "PR-01"],
        "time_period": ["2025", "2023", "2025"],
        "value": [5.0, 4.0, 20.0],
        "display": ["shown", "withheld", "flagged"],
    }
)


@pytest.mark.parametrize("by", ["paragraph", "section", "article", "target"])
def test_links_are_those_of_the_coverage(by):
    matrix, table = coverage_matrix_data(by=by), um.coverage(by=by)
    assert matrix.index.get_level_values("code").tolist() == table[by].tolist()
    assert (matrix > 0).sum(axis=1).tolist() == table["n_indicators"].tolist()
    assert sorted(matrix.columns.get_level_values("indicator")) == sorted(um.load_catalogue())
    assert matrix.to_numpy().max() == 1


def test_two_where_the_release_has_a_published_value():
    matrix = coverage_matrix_data(release=RELEASE)
    matrix.columns = matrix.columns.get_level_values("indicator")
    card = um.load_catalogue()["PR-01"]
    rows = matrix.droplevel(["group", "tracked"])
    assert rows.loc["74", "BR-01"] == 2 and rows.loc["74", "BR-02"] == 1  # the withheld value is no data
    assert rows.index[rows["PR-01"] == 2].tolist() == [p for p in card.paragraphs if not p.startswith("P")]
    assert set(matrix.columns[(matrix == 2).any()]) == {"BR-01", "PR-01"}


def test_cells_and_numbers_are_drawn_as_they_are():
    matrix = coverage_matrix_data(release=RELEASE)
    ax = coverage_matrix(release=RELEASE, ax=Figure().subplots())
    drawn = {
        to_hex(one.get_facecolor()[0]): len(one.get_paths())
        for one in ax.collections
        if isinstance(one, PolyCollection)
    }
    values = matrix.to_numpy()
    assert drawn == {"#a9c4d9": (values == 1).sum(), BLUE: (values == 2).sum()}
    texts = [text.get_text() for text in ax.texts if text.get_position()[0] == 1.008]
    assert texts[:-1] == [str(n) for n in (matrix > 0).sum(axis=1)]
    assert [patch.get_hatch() for patch in ax.patches if patch.get_hatch()] == ["//////"]  # paragraph 35
    assert ax.get_title(loc="left") == "Indicators of the paragraphs of the declaration"


def test_words_say_the_numbers():
    matrix = coverage_matrix_data(release=RELEASE)
    words = coverage_matrix_alt(matrix)
    links = int((matrix > 0).to_numpy().sum())
    assert f"{links} links in all" in words and "35" in words.split("Without an indicator: ")[1]
    assert f"{int((matrix == 2).any(axis=1).sum())} have an indicator with data" in words
    assert "with data" not in coverage_matrix_alt(coverage_matrix_data())


def test_a_wrong_subject_is_a_fault():
    with pytest.raises(Faults, match="article"):
        coverage_matrix_data(by="articel")
