"""Identities between published figures: which hold, and which must be flagged.

Figures of Nigeria and Ghana as national reports and the press gave them (collected in the project's facts); those of
the crime trends survey from the file of May 2024, in which 28 of 517 complete country-years do not add up.
"""

import os
from pathlib import Path

import pandas as pd
import pytest

import uncac_metrics as um
from uncac_metrics.identities import check, check_release
from uncac_metrics.model import Faults

HALF = {
    "adults": 0.5e6, "bribes": 0.5e6, "contact": 0.005, "prevalence": 0.005, "frequency": 0.05,
    "bribes_per_adult": 0.05, "value": 0.5e9, "mean_bribe": 0.5, "cash_share": 0.005,
}  # fmt: skip


def holds(identity, rounding=HALF, **figures):
    found = check(pd.DataFrame([figures]), rounding=rounding)
    return found.set_index("identity").loc[identity, "holds"]


def test_nigeria_2023_holds():
    rates = {"contact": 0.56, "prevalence": 0.27, "frequency": 5.1}
    assert holds("bribes_per_adult", bribes_per_adult=0.8, **rates)
    assert holds("bribes", bribes=87e6, adults=113e6, **rates)
    assert holds("value", value=721e9, bribes=87e6, cash_share=1.0, mean_bribe=8284)


def test_nigeria_2019_must_not_be_mixed_with_the_later_base():
    # 113 million is what 2023 implies; there were not more adults four years earlier
    old = {"contact": 0.63, "prevalence": 0.302, "frequency": 6.0}
    new = {"contact": 0.63, "prevalence": 0.29, "frequency": 5.4}
    half = HALF | {"prevalence": 0.0005}
    assert holds("bribes", half | {"frequency": 0.5}, bribes=117e6, adults=113e6, **old)
    assert not holds("bribes", bribes=117e6, adults=113e6, **new)


def test_ghana_2021_holds_with_four_fifths_in_cash_only():
    half = HALF | {"bribes": 0.05e6}
    assert not holds("value", half, value=5e9, bribes=17.4e6, cash_share=1.0, mean_bribe=348)
    assert holds("value", half, value=5e9, bribes=17.4e6, cash_share=0.82, mean_bribe=348)
    # a news item's mean of 82 cedis goes with its own total of 1.4 billion, but not with the report's
    assert holds("value", half | {"value": 0.05e9}, value=1.4e9, bribes=17.4e6, cash_share=1.0, mean_bribe=82)
    assert not holds("value", half, value=5e9, bribes=17.4e6, cash_share=1.0, mean_bribe=82)


def test_exact_figures_must_add_to_the_unit():
    figures = pd.DataFrame({"total": [10, 10, 10], "women": [3, 3, None], "men": [7, 6, 7]}, index=["a", "b", "c"])
    found = check(figures)
    assert found[["row", "holds"]].to_numpy().tolist() == [["a", True], ["b", False]]
    assert check(pd.DataFrame({"women": [1]})).empty


def test_crime_trends_survey_of_may_2024():
    folder = os.environ.get("UNCAC_METRICS_DATA")
    if not folder:
        pytest.skip("UNCAC_METRICS_DATA is not set: the crime trends survey is not there")
    file = Path(folder) / "data" / "unodc" / "data_cts_corruption_and_economic_crime.xlsx"
    raw = pd.read_excel(file, header=None, engine="openpyxl")
    head = int(raw.index[raw.iloc[:, 0] == "Iso3_code"][0])
    table = raw.iloc[head + 1 :].set_axis(raw.iloc[head], axis=1)
    names = {
        "Corruption": "corruption", "Corruption: Bribery": "bribery",
        "Corruption: Other acts of corruption": "other",
    }  # fmt: skip
    counts = table[(table["Unit of measurement"] == "Counts") & table["Category"].isin(names)]
    wide = counts.pivot_table("VALUE", ["Iso3_code", "Year"], "Category", aggfunc="first").rename(columns=names)
    assert wide["corruption"].notna().sum() == 637
    found = check(wide.astype(float))
    assert (len(found), (~found["holds"]).sum()) == (517, 28)


def test_a_release_keeps_its_identities():
    rates = um.estimate(["BR-02", "BR-04", "BR-05", "BR-06", "BR-07"], "population_2025", by="sex")
    found = check_release(rates)
    assert set(found["identity"]) == {"bribes_per_adult", "sexes"}
    assert found["holds"].all() and len(found) == 4
    table = rates.table.copy()
    table.loc[(table["indicator"] == "BR-07") & (table["sex"] == "F"), "value"] += 1e6
    table.loc[(table["indicator"] == "BR-05") & (table["sex"] == "M"), "value"] *= 2
    wrong = check_release(table).query("~holds")
    assert wrong["row"].tolist() == ["population_2025, XXA, 2025, M", "BR-07, population_2025, XXA, 2025"]


def test_something_that_is_no_release(tmp_path):
    with pytest.raises(Faults, match="no such release"):
        check_release(tmp_path)
    with pytest.raises(Faults, match="statistic"):
        check_release(pd.DataFrame({"indicator": []}))
