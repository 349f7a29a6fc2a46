"""Maps and printed tables: their numbers, what is withheld or uncertain, and that all of it stands in the figure."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

import uncac_metrics as um
from uncac_metrics import plots
from uncac_metrics.plots.classes import SHADES, breaks_of

CARD = um.load_catalogue()["BR-01"]
TILES = pd.DataFrame({"code": ["N", "S", "E", "W"], "row": [0, 2, 1, 1], "column": [1, 1, 2, 0]})


def areas(**columns) -> pd.DataFrame:
    base = {
        "indicator": "BR-01", "area": ["_T", "N", "S", "E"], "value": [10.0, 4.0, 16.0, 9.0],
        "lower": [9.0, 3.6, 8.0, 6.3], "upper": [11.0, 4.4, 24.0, 11.7], "n": [900, 400, 50, 450],
        "display": ["shown", "shown", "shown", "flagged"],
    }  # fmt: skip
    return pd.DataFrame(base | columns)


HIDDEN = {"display": ["shown", "withheld", "shown", "flagged"]}


def square(code: str, x: float, *holes) -> dict:
    ring = [[x, 0], [x + 1, 0], [x + 1, 1], [x, 1], [x, 0]]
    geometry = {"type": "Polygon", "coordinates": [ring, *holes]}
    return {"type": "Feature", "id": code, "properties": {"code": code, "name": f"Area {code}"}, "geometry": geometry}


MAP = {"type": "FeatureCollection", "features": [square(code, x) for x, code in enumerate("NSEW")]}


def lightness(colour: str) -> float:
    return sum(w * int(colour[i : i + 2], 16) for w, i in ((0.299, 1), (0.587, 3), (0.114, 5)))


def test_shades_keep_their_order_without_colour():
    steps = np.diff([lightness(shade) for shade in SHADES])
    assert (steps < -15).all()


def test_classes_are_of_equal_width():
    assert breaks_of([0.0, 10.0, math.nan], 4) == [2.5, 5.0, 7.5]
    assert breaks_of([5.0, 5.0], 3) == [] == breaks_of([], 3)


def test_a_tile_has_its_value_and_the_width_of_its_interval():
    data = plots.tile_map_data(areas(), TILES).set_index("code")
    assert data.loc["N":"E", "value"].tolist() == [4.0, 16.0, 9.0]
    assert data.loc["S", "width"] == 16.0 and data.loc["W", "display"] == "no data"
    assert data["place"].tolist()[:3] == [0.0, 3.0, 1.0]
    ax = plots.tile_map(areas(), TILES, indicator=CARD, ax=Figure().subplots())
    bars = sorted(float(np.ptp(line.get_xdata())) for line in ax.lines)
    assert bars == pytest.approx([0.8 * 0.8 / 16, 0.8 * 5.4 / 16, 0.8])
    texts = [text.get_text() for text in ax.texts]
    assert {"4.0", "16.0", "9.0", "no data"} <= set(texts)
    assert [patch.get_linestyle() for patch in ax.patches].count("--") == 1


def test_a_withheld_tile_is_hatched_and_has_no_number():
    ax = plots.tile_map(areas(**HIDDEN), TILES, ax=Figure().subplots())
    assert [patch.get_hatch() for patch in ax.patches].count("//////") == 1
    texts = [text.get_text() for text in ax.texts]
    assert "withheld" in texts and "4.0" not in texts and len(ax.lines) == 2
    words = plots.tile_map_alt(plots.tile_map_data(areas(**HIDDEN), TILES))
    assert "N withheld" in words and "3.6" not in words and "W no data" in words


def test_tiles_must_fit_the_areas():
    with pytest.raises(ValueError, match="no tile for N"):
        plots.tile_map_data(areas(), TILES[TILES["code"] != "N"])
    with pytest.raises(ValueError, match="one tile"):
        plots.tile_map_data(areas(), TILES.assign(row=0, column=0))
    with pytest.raises(ValueError, match="several rows of N"):
        plots.tile_map_data(pd.concat([areas(), areas()]), TILES)


def test_a_choropleth_has_classes_of_values_and_of_uncertainty():
    data = plots.choropleth_data(areas(), MAP, label="name").set_index("code")
    assert data["label"].tolist() == [f"Area {code}" for code in "NSEW"]
    assert data.loc["N":"E", "relative"].tolist() == pytest.approx([0.1, 0.5, 0.3])
    assert data.loc["N":"E", "unsure"].tolist() == [0.0, 2.0, 1.0]
    assert data.loc["W", "display"] == "no data" and math.isnan(data.loc["W", "unsure"])
    ax = plots.choropleth(areas(), MAP, ax=Figure().subplots())
    assert [patch.get_hatch() or "" for patch in ax.patches[:6:2]] == ["", "xxxx", "...."]
    assert "they express no opinion" in ax.get_xlabel().replace("\n", " ")


def test_a_withheld_area_is_hatched_and_has_no_shade():
    ax = plots.choropleth(areas(**HIDDEN), MAP, ax=Figure().subplots())
    first = ax.patches[0]
    assert first.get_hatch() == "//////" and first.get_facecolor() == (1.0, 1.0, 1.0, 1.0)
    assert "N withheld" in plots.choropleth_alt(plots.choropleth_data(areas(**HIDDEN), MAP))


@pytest.mark.parametrize("backwards", [False, True])
def test_a_hole_stays_open_whichever_way_its_ring_runs(backwards):
    hole = [[0.3, 0.3], [0.3, 0.7], [0.7, 0.7], [0.7, 0.3], [0.3, 0.3]]
    one = {"type": "FeatureCollection", "features": [square("N", 0, hole[::-1] if backwards else hole)]}
    figure = Figure(figsize=(2, 2), dpi=50)
    ax = plots.choropleth(areas()[:2], one, ax=figure.subplots(), planar=True)
    path = ax.patches[0].get_path()
    rings = np.split(path.vertices, np.flatnonzero(path.codes == path.MOVETO)[1:])
    turns = [np.sign((r[:-1, 0] * r[1:, 1] - r[1:, 0] * r[:-1, 1]).sum()) for r in rings]
    assert turns[0] == -turns[1]


def test_boundaries_may_be_an_object_with_a_geo_interface_and_must_fit():
    class Frame:
        __geo_interface__ = MAP

    assert plots.choropleth_data(areas(), Frame(), key="id")["value"].tolist()[:3] == [4.0, 16.0, 9.0]
    with pytest.raises(ValueError, match="4 features have no property 'id_1'"):
        plots.choropleth_data(areas(), MAP, key="id_1")
    with pytest.raises(ValueError, match="no boundaries of N"):
        plots.choropleth_data(areas(), {"type": "FeatureCollection", "features": MAP["features"][1:]})
    with pytest.raises(ValueError, match="FeatureCollection"):
        plots.choropleth_data(areas(), {"type": "Polygon"})


def test_a_table_prints_numbers_marks_and_what_is_withheld():
    frame = areas(area=["_T", "N", "S", "E"], **HIDDEN)
    data = plots.table_figure_data(frame, indicator=CARD)
    assert data["value_text"].tolist() == ["10.0", "withheld", "16.0", "9.0†"]
    assert data["interval_text"].tolist() == ["9.0–11.0", "", "8.0–24.0", "6.3–11.7"]
    assert data["n_text"].tolist() == ["900", "", "50", "450"]
    ax = plots.table_figure(frame, indicator=CARD, ax=Figure().subplots())
    texts = [text.get_text() for text in ax.texts]
    assert "withheld" in texts and "4.0" not in texts and [p.get_hatch() for p in ax.patches] == ["//////"]
    assert "† Low reliability." in ax.get_xlabel()
    assert "flagged as uncertain" in plots.table_figure_alt(data, CARD)


PLOTS = {
    "tile_map": lambda width: plots.tile_map(areas(**HIDDEN), TILES, indicator=CARD, source="A survey", width=width),
    "choropleth": lambda width: plots.choropleth(areas(**HIDDEN), MAP, indicator=CARD, source="A survey", width=width),
    "table_figure": lambda width: plots.table_figure(areas(**HIDDEN), indicator=CARD, source="A survey", width=width),
}


@pytest.mark.parametrize("width", [85, 170])
@pytest.mark.parametrize("name", PLOTS)
def test_nothing_is_cut_off_and_letters_can_be_read(name, width):
    import matplotlib.pyplot as plt

    figure = PLOTS[name](width).get_figure()
    figure.draw_without_rendering()
    assert figure.get_figwidth() * 25.4 == pytest.approx(width)
    box = figure.get_tightbbox()
    assert box.x0 > -0.03 and box.x1 < figure.get_figwidth() + 0.03
    assert box.y0 > -0.03 and box.y1 < figure.get_figheight() + 0.03
    every = [text for ax in figure.axes for text in [*ax.texts, ax.title, ax.xaxis.label] if text.get_text()]
    assert min(text.get_fontsize() for text in every) >= 6.5
    plt.close(figure)
