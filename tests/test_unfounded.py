"""Global figures without support are flagged where a table or a text carries them, and only there."""

import pandas as pd
import pytest

from uncac_metrics import reference
from uncac_metrics.cli import main
from uncac_metrics.datasets import load_dataset
from uncac_metrics.reference.unfounded import flag_unfounded

FIGURES = reference.load("unfounded_figures").set_index("figure")


def table(value, unit, area="WLD", **more):
    return pd.DataFrame({"ref_area": [area], "value": [float(value)], "unit": [unit], **more})


def claims(flags):
    return [f.what.partition(":")[0] for f in flags]


@pytest.mark.parametrize(
    ("value", "unit", "figure"),
    [(1e12, "USD", "bribes_1_trillion"), (1, "trillion USD", "bribes_1_trillion"),
     (2600, "billion US$", "stolen_2_6_trillion"), (2.6, "trillion US dollars", "stolen_2_6_trillion"),
     (2_600_000, "million USD", "stolen_2_6_trillion"), (1.26e12, "USD", "developing_1_26_trillion"),
     (30, "% of aid", "aid_30_percent")],
)  # fmt: skip
def test_numbers_for_the_world(value, unit, figure):
    (flag,) = flag_unfounded(table(value, unit), file="data")
    said = FIGURES.loc[figure]
    assert claims([flag])[0].lower() == said["claim"].lower()
    assert (flag.file, flag.where, flag.rows, flag.count) == ("data", "value", (1,), 1)
    assert flag.what.endswith(said["verdict"]) and said["source"] in flag.remedy


def test_five_percent_of_the_product_is_two_claims():
    assert len(flag_unfounded(table(5, "% of GDP"))) == 2
    assert flag_unfounded(table(5, "%")) == []


@pytest.mark.parametrize(
    ("value", "unit", "area"),
    [(1e12, "USD", "USA"), (2.6, "trillion EUR", "WLD"), (2.6, "billion USD", "WLD"), (2.7e12, "USD", "WLD"),
     (1e12, "bribes", "WLD"), (float("nan"), "USD", "WLD")],
)  # fmt: skip
def test_other_numbers_pass(value, unit, area):
    assert flag_unfounded(table(value, unit, area)) == []


@pytest.mark.parametrize(
    ("text", "figure"),
    [("Every year $1 trillion is paid in bribes", "bribes_1_trillion"),
     ("one trillion dollars in bribes", "bribes_1_trillion"), ("US$ 2.6tn are stolen", "stolen_2_6_trillion"),
     ("corruption costs 5 per cent of global GDP", "gdp_5_percent"), ("5% of the world's", None),
     ("between 2 and 5 percent of global GDP", "gdp_2_to_5_percent"), ("2–5% of global GDP", "gdp_2_to_5_percent"),
     ("10-25 % of public procurement", "procurement_10_to_25_percent"),
     ("20 to 40 per cent of spending on water", "water_20_to_40_percent"),
     ("30% of development assistance", "aid_30_percent"), ("130% of development assistance", None),
     ("12.6 trillion", None), ("1 trillion shillings of exports", None), ("15 % of global GDP", None)],
)  # fmt: skip
def test_texts(text, figure):
    flags = flag_unfounded(pd.DataFrame(), texts={"notes": text})
    assert claims(flags) == (
        [] if figure is None else [FIGURES.loc[figure, "claim"][0].lower() + FIGURES.loc[figure, "claim"][1:]]
    )
    assert all(f.where == "notes" and f.count == 0 for f in flags)


def test_texts_in_a_table_give_their_rows():
    frame = table(3, "%", note=["cf. 2.6 trillion USD"])
    frame = pd.concat([frame.assign(note=""), frame, frame], ignore_index=True)
    (flag,) = flag_unfounded(frame)
    assert (flag.where, flag.rows, flag.count) == ("note", (2, 3), 2)


def planted(folder):
    folder.mkdir(parents=True)
    (folder / "data.csv").write_text(
        "series,ref_area,time_period,value,unit\nC,KEN,2018,2.6,trillion USD\nC,001,2018,2.6,trillion USD\n"
    )
    keys = 'title = "t"\nproducer = "p"\nterms = "t"\norigin = "o"\nshape = "official_series"\npath = "data.csv"\n'
    (folder / "source.toml").write_text(keys + 'ref_area = "_T"\ntime_period = "2018"\n')
    return folder


def test_a_data_set_that_carries_one_is_flagged(tmp_path):
    (flag,) = load_dataset(planted(tmp_path / "cost")).flags
    assert (flag.where, flag.rows) == ("value", (2,)) and "unfounded" in flag.what


def test_a_check_tells_of_it_and_does_not_fail(tmp_path, capsys):
    planted(tmp_path / "datasets" / "cost")
    (tmp_path / "office.toml").write_text('name = "Office"\nref_area = "KEN"\n')
    assert main(["check", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert "flagged: data.csv: value: 2.6 trillion US dollars" in said and "nothing wrong" in said


@pytest.mark.parametrize("name", ["sdg_16_5_1", "sdg_16_5_2"])
def test_shipped_data_sets_carry_none(name):
    assert load_dataset(name).flags == ()


def test_every_figure_says_why():
    assert set(FIGURES["verdict"]) == {"problematic", "unfounded"}
    assert (FIGURES["reason"].str.len() > 20).all()
    for figure, row in FIGURES.iterrows():
        scale = row["unit"]
        found = flag_unfounded(table(row["low"], scale))
        assert FIGURES.loc[figure, "claim"].lower() in [c.lower() for c in claims(found)]
