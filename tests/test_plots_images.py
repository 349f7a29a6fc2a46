"""Pictures of every plot against small stored ones.

``nox -s images`` compares them, ``nox -s images -- --update`` draws the stored ones anew.
Each picture has a withheld and a flagged value where the plot knows them. The letters are matplotlib's own, so that
pictures differ between machines by little; the tolerance (root mean square of the pixels, 0 to 255) is far below what a
mark, a label or a hatch more or less makes.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd
import pytest

import uncac_metrics as um
from uncac_metrics import plots
from uncac_metrics.languages import UN
from uncac_metrics.model import Faults
from uncac_metrics.plots.style import chinese_font
from uncac_metrics.stats import counts, survey

BASELINE = Path(__file__).parent / "baseline"
TOLERANCE = 6.0
DPI = 60
CARD = replace(
    um.load_catalogue()["BR-01"], name="Prevalence of bribery", unit="%", decimals=1, direction="lower", id="BR-01",
    topic="bribery", paragraphs=("69",),
)  # fmt: skip
CARDS = {
    "BR-01": CARD,
    "BR-21": replace(CARD, id="BR-21", name="Acceptability of bribery", type="perception"),
    "CJ-01a": replace(CARD, id="CJ-01a", name="Persons suspected", type="administrative", topic="enforcement"),
    "GE-01c": replace(CARD, id="GE-01c", name="Women among managers", type="administrative", topic="gender"),
}
DISPLAY = ["shown", "withheld", "flagged", "shown"]


def groups(**columns) -> pd.DataFrame:
    base = {
        "indicator": "BR-01", "dataset": "d", "time_period": "2025", "sex": ["_T", "F", "M", "X"],
        "value": [18.0, 16.0, 20.0, 11.0], "lower": [16.5, 14.0, 18.0, 4.0], "upper": [19.5, 18.0, 22.0, 19.0],
        "n": [720, 390, 330, 40], "display": DISPLAY, "unit": "%",
    }  # fmt: skip
    return pd.DataFrame(base | columns)


def areas() -> pd.DataFrame:
    return groups(sex="_T", area=["N", "S", "E", "W"])


def release() -> pd.DataFrame:
    return groups(sex="_T", indicator=list(CARDS))


def trend(**how) -> None:
    frame = groups(sex="_T", time_period=["2017", "2019", "2021", "2025"])
    triangle = pd.DataFrame({"a": [19.5, 17.0], "b": [18.5, 16.0]}, index=["2017", "2019"])
    plots.trend(frame, indicator=CARD, breaks=["2021"], revised=triangle, target=8.0, **how)


def change(**how) -> None:
    rng = np.random.default_rng(1)
    waves = []
    for share, period in ((0.18, "2025"), (0.32, "2023")):
        sample = pd.DataFrame({"w": 1.0, "sex": rng.choice(["F", "M", "X"], 300), "paid": rng.random(300) < share})
        found = survey.proportion(survey.Design(sample.astype({"paid": int}), weight="w"), "paid", by="sex")
        waves.append(found.with_columns(time_period=period, display=["shown", "withheld", "flagged"]))
    plots.change(*waves, level=0.95, **how)


def composition(**options):
    first, second = [10.0, 30, 5, 22, 14, 41], [20.0, 5, 9, 30, 12, 8]
    rates = pd.DataFrame({"ref_area": list("ABCDEF"), "BR-01": first, "BR-22": second})
    errors = rates[["BR-01", "BR-22"]] * 0.1
    return um.compose("CO-01", rates, std_error=errors, n=400)


def sensitivity(**how) -> None:
    names = ["normalise", "aggregation", "errors of the data"]
    found = pd.DataFrame({"factor": names, "output": "rank shift", "ref_area": "", "time_period": "",
                          "first": [0.1, 0.5, 0.2], "total": [0.2, 0.7, 0.3]})  # fmt: skip
    for name in ("first", "total"):
        found[f"{name}_lower"], found[f"{name}_upper"] = found[name] - 0.1, found[name] + 0.1
    plots.sensitivity(found, **how)


def progression(**how) -> None:
    cohort = pd.DataFrame({"reported": [1240], "prosecuted": [301], "convicted": [148], "final": [90]})
    found = counts.progression(cohort, list(cohort))
    plots.progression(found.with_columns(display=["shown", "flagged", "withheld"]), **how)


def funnel(**how) -> None:
    n = np.arange(20, 200, 12)
    buyers = pd.DataFrame({"buyer": [f"B{i}" for i in n], "single": n // 4, "awarded": n})
    buyers.loc[8, "single"] = 80
    plots.funnel(counts.funnel(buyers, "buyer", "single", "awarded"), unit="buyer", **how)


def recovery_flow(**how) -> None:
    stays = pd.DataFrame(
        {"asset": [1, 1, 2, 3, 4, 4], "state": ["frozen", "confiscated", "frozen", "frozen", "frozen", "confiscated"],
         "moved_to": ["confiscated", "returned", "released", None, "confiscated", None],
         "usd": [5e6, 5e6, 3e6, 2e6, 1e6, 1e6]}
    )  # fmt: skip
    plots.recovery_flow(
        stays, unit="asset", origin="state", destination="moved_to", amount="usd", currency="USD", **how
    )


def lorenz(**how) -> None:
    share = [0.2, 0.4, 0.6, 0.8]
    points = groups(sex="_T", category=[str(p) for p in share], statistic="lorenz curve", value=[p**2 for p in share],
                    lower=[p**2 * 0.8 for p in share], upper=[p**2 * 1.1 for p in share])  # fmt: skip
    plots.lorenz(points, **how)


def flag_table() -> pd.DataFrame:
    ids = [f"t{i}" for i in range(60)]
    parts = [pd.DataFrame({"flag": flag, "level": "process", "id": ids, "value": 1.0,
                           "flagged": [int(i % step == 0) for i in range(60)]})
             for flag, step in (("R003", 12), ("R018", 3), ("R035", 6))]  # fmt: skip
    return pd.concat(parts, ignore_index=True)


def red_flags(**how) -> None:
    plots.red_flags(counts.flag_rates(flag_table()).with_columns(display=["shown", "withheld", "flagged"]), **how)


def benford(**how) -> None:
    payments = pd.DataFrame({"amount": np.append(10 ** np.linspace(0, 4, 300), np.full(60, 990.0))})
    plots.benford(payments, "amount", **how)


TILES = pd.DataFrame({"code": list("NSEWK"), "row": [0, 2, 1, 1, 2], "column": [1, 1, 2, 0, 2]})


def square(code: str, x: float, y: float) -> dict:
    ring = [[x, y], [x + 1, y], [x + 1, y + 1], [x, y + 1], [x, y]]
    return {"type": "Feature", "properties": {"code": code}, "geometry": {"type": "Polygon", "coordinates": [ring]}}


def choropleth(**how) -> None:
    places = {"N": (0, 1), "S": (0, 0), "E": (1, 1), "W": (1, 0)}
    boundaries = {"type": "FeatureCollection", "features": [square(code, *at) for code, at in places.items()]}
    plots.choropleth(areas(), boundaries, indicator=CARD, **how)


PICTURES: dict[str, Callable[..., object]] = {
    "interval": lambda **how: plots.interval(groups(), indicator=CARD, **how),
    "trend": trend,
    "dumbbell": lambda **how: plots.dumbbell(groups(), codes=("F", "M"), catalogue=CARDS, **how),
    "commitment": lambda **how: plots.commitment(release(), "69", catalogue=CARDS, **how),
    "coverage_matrix": lambda **how: plots.coverage_matrix(CARDS, by="section", **how),
    "change": change,
    "profile": lambda **how: plots.profile(release(), catalogue=CARDS, **how),
    "rank_intervals": lambda **how: plots.rank_intervals(composition().ranks(), **how),
    "decomposition": lambda **how: plots.decomposition(composition(), of="shortfall", **how),
    "sensitivity": sensitivity,
    "progression": progression,
    "funnel": funnel,
    "recovery_flow": recovery_flow,
    "lorenz": lorenz,
    "tile_map": lambda **how: plots.tile_map(areas(), TILES, indicator=CARD, **how),
    "choropleth": choropleth,
    "red_flags": red_flags,
    "flags_together": lambda **how: plots.flags_together(flag_table(), **how),
    "benford": benford,
    "table_figure": lambda **how: plots.table_figure(groups(), indicator=CARD, **how),
}


def picture(name: str, folder: Path) -> Path:
    """Draw one picture into a folder."""
    import matplotlib.pyplot as plt

    matplotlib.use("agg")
    with plt.style.context("default"):
        plt.close("all")
        PICTURES[name]()
        path = folder / f"{name}.png"
        plt.gcf().savefig(path, dpi=DPI, metadata={"Software": None})
        plt.close("all")
    return path


@pytest.mark.images
@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_looks_as_it_did(name, tmp_path):
    from matplotlib.testing.compare import compare_images

    difference = compare_images(str(BASELINE / f"{name}.png"), str(picture(name, tmp_path)), TOLERANCE)
    assert difference is None, difference


@pytest.mark.parametrize("width", [85, 170])
@pytest.mark.parametrize("name", [name for name in PICTURES if name != "coverage_matrix"])
def test_a_picture_fits_a_column_of_print(name, width):
    """Nothing is cut off, letters are 6.5 points or more, and the figure can be written as SVG."""
    import matplotlib.pyplot as plt

    with plt.style.context("default"):
        plt.close("all")
        PICTURES[name](width=width)
        figure = plt.gcf()
        figure.draw_without_rendering()
        assert figure.get_figwidth() * 25.4 == pytest.approx(width)
        box = figure.get_tightbbox()
        assert box.x0 > -0.03 and box.x1 < figure.get_figwidth() + 0.03
        assert box.y0 > -0.03 and box.y1 < figure.get_figheight() + 0.03
        words = [text for ax in figure.axes for text in [*ax.texts, ax.title, ax.xaxis.label] if text.get_text()]
        assert min(text.get_fontsize() for text in words) >= 6.5
        drawn = plots.svg(figure)
        assert drawn.startswith("<svg") and "<image" not in drawn
        plt.close("all")


NAMES = re.compile(
    r"Prevalence of bribery[\w ]*|Acceptability of bribery|Persons suspected|Women among managers|Paid|USD|R0\d\d|"
    r"Gender and corruption|Experience of bribery: an example of a composite"
)
"""What test data and cards say in English: names that have no translation."""


def texts(name: str, lang: str) -> set[str]:
    """The texts of a picture, drawn: a missing glyph is a warning, and an error here."""
    import matplotlib.pyplot as plt
    from matplotlib.text import Text

    matplotlib.use("agg")
    plt.close("all")
    PICTURES[name](lang=lang)
    figure = plt.gcf()
    figure.canvas.draw()
    found = {text.get_text().strip() for text in figure.findobj(Text) if text.get_visible()}
    plt.close("all")
    return {text for text in found if re.search(r"\w", text)}


@pytest.mark.parametrize("lang", [lang for lang in UN if lang != "en"])
@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_is_in_its_language(name, lang):
    """No text of ours is left in English, nothing is drawn as a box, and there are as many texts as in English."""
    if lang == "zh" and "CI_REQUIRES_BROWSER" not in os.environ:
        try:
            chinese_font()
        except Faults:
            pytest.skip("no font with Chinese letters is installed: fonts-noto-cjk")
    english, drawn = texts(name, "en"), texts(name, lang)
    same = {text for text in drawn & english if re.search("[A-Za-z]{3}", NAMES.sub("", text))}
    assert same - {"Total"} == set()
    if lang in ("ar", "ru", "zh"):
        assert [text for text in drawn if re.search("[A-Za-z]{4}", NAMES.sub("", text))] == []
    assert len(drawn) >= 0.8 * len(english)


def test_every_plot_has_a_picture():
    drawing = {name for name in plots.__all__ if f"{name}_data" in plots.__all__}
    assert drawing == set(PICTURES)
    assert {path.stem for path in BASELINE.glob("*.png")} == set(PICTURES)
    assert max(path.stat().st_size for path in BASELINE.glob("*.png")) < 40_000


@pytest.mark.images
def test_a_lost_mark_or_hatch_is_seen(tmp_path):
    """The tolerance tells: a shown value in place of the withheld one, and a colour for another, are differences."""
    import matplotlib.pyplot as plt
    from matplotlib.testing.compare import compare_images

    with plt.style.context("default"):
        plots.interval(groups(display="shown"), indicator=CARD)
        plt.gcf().savefig(tmp_path / "other.png", dpi=DPI)
        plt.close("all")
    assert compare_images(str(BASELINE / "interval.png"), str(tmp_path / "other.png"), TOLERANCE) is not None


if __name__ == "__main__":
    BASELINE.mkdir(exist_ok=True)
    for one in PICTURES:
        print(picture(one, BASELINE))
