# %% [markdown]
# # Recorded crime is not prevalence
#
# Police statistics count the offences of bribery that became known and were recorded; surveys ask people and firms what happened
# to them. Can the first stand for the second, over countries or over time? This notebook compares the recorded offences of the
# United Nations crime trends survey (UN-CTS) with SDG 16.5.1 and 16.5.2, and then looks at one country whose truth is known.
#
# The published figures are restated with the package (`un_cts_corruption`): for each country the year of UN-CTS that lies nearest to
# one of its surveys, at most three years away.

# %%
import pandas as pd
from matplotlib import pyplot as plt

import uncac_metrics as um
from uncac_metrics.stats import counts
from uncac_metrics.stats.scores.analysis import correlation_test

recorded = um.load_dataset("un_cts_corruption").table
recorded = recorded.pivot_table(index=["ref_area", "time_period"], columns="series", values="value").reset_index()
recorded.columns = [name.removeprefix("CTS_").lower() for name in recorded.columns]
rates = recorded["07031_rate"]
print(
    len(rates),
    "country-years of",
    recorded["ref_area"].nunique(),
    "countries; recorded bribery offences per 100,000 people:",
)
rates.describe()[["min", "25%", "50%", "75%", "max"]].round(2)


# %% [markdown]
# ## Do countries with more bribery record more of it?
#
# Each country gives one pair: the survey and the recorded year that lie nearest to each other. Spearman's rank correlation, with
# the interval of Bonett and Wright (2000).

# %%
def pairs(series: str, crime: str, apart: int = 3) -> pd.DataFrame:
    surveys = um.load_dataset(series).table.query("sex == '_T'")
    both = surveys[["ref_area", "time_period", "value"]].merge(
        recorded.dropna(subset=[f"{crime}_rate"]), on="ref_area", suffixes=("", "_cts")
    )
    both["apart"] = (both["time_period"].astype(int) - both["time_period_cts"].astype(int)).abs()
    both = both[both["apart"] <= apart].sort_values(["ref_area", "apart", "time_period"], ascending=[True, True, False])
    return both.drop_duplicates("ref_area").reset_index(drop=True)


rows = []
for series, whom in {"sdg_16_5_1": "people (16.5.1)", "sdg_16_5_2": "firms (16.5.2)"}.items():
    for crime, what in {"07031": "bribery", "0703": "corruption"}.items():
        for apart in (1, 3):
            found = pairs(series, crime, apart)
            rho = correlation_test(found["value"].to_numpy(), found[f"{crime}_rate"].to_numpy(), "spearman")
            rows.append(
                {
                    "prevalence among": whom,
                    "recorded offences of": what,
                    "years apart, at most": apart,
                    "correlation": rho["estimate"],
                    "lower": rho["lower"],
                    "upper": rho["upper"],
                    "n": rho["n"],
                }
            )
pd.DataFrame(rows).set_index(["prevalence among", "recorded offences of", "years apart, at most"]).round(2)

# %%
figure, axes = plt.subplots(1, 2, figsize=(8, 3.4), layout="constrained", sharey=True)
for ax, (series, whom) in zip(axes, {"sdg_16_5_1": "people", "sdg_16_5_2": "firms"}.items(), strict=True):
    found = pairs(series, "07031")
    ax.plot(found["value"], found["07031_rate"], "o", color="tab:blue", alpha=0.7)
    ax.set_yscale("symlog", linthresh=0.1)
    ax.set_xlim(left=0)
    ax.set_xlabel(f"% of {whom} with contact who paid or were asked")
    ax.set_title(f"{len(found)} countries", loc="left", fontsize=10)
axes[0].set_ylabel("recorded bribery per 100,000 people");

# %% [markdown]
# The answer depends on whom one asks. Among the 9 to 15 countries with a survey of people, those with more bribery tend to record more of
# it; the interval that excludes zero reaches from weak to nearly perfect. Among the 23 to 45 with a survey of firms the sign is the other way
# round. Five of the eight intervals contain zero, and eight were looked at, over countries chosen by who publishes what: none is
# a test that was planned. A measure of prevalence would not change its sign with the survey that it is held against.
#
# ## What share is recorded?
#
# Rank is the weaker question. If recorded crime were prevalence in another unit, the ratio of the two would be about the same
# everywhere. Recorded offences per 1,000 people who paid or were asked, taking all people to have had contact, so that the true ratio is
# higher (fewer have contact, and children are in the population); Garwood's exact limits for the recorded number.

# %%
found = pairs("sdg_16_5_1", "07031")
found = found[(found["07031_count"] > 0) & (found["value"] > 0)]
found["people"] = found["07031_count"] / found["07031_rate"] * 1e5 * found["value"] / 100
ratio = counts.rate(found, "07031_count", "people", by="ref_area", per=1_000, interval="garwood").table
ratio = ratio.merge(
    found[["ref_area", "time_period", "time_period_cts", "value", "07031_rate"]],
    on="ref_area",
    suffixes=("", "_survey"),
)
shown = ratio.sort_values("value").assign(events=ratio["events"].astype(int))
shown = shown.rename(
    columns={
        "value": "recorded per 1,000",
        "value_survey": "16.5.1, %",
        "07031_rate": "recorded per 100,000",
        "time_period_survey": "survey",
        "time_period_cts": "UN-CTS",
        "events": "recorded",
    }
)
order = [
    "ref_area",
    "survey",
    "16.5.1, %",
    "UN-CTS",
    "recorded",
    "recorded per 100,000",
    "recorded per 1,000",
    "lower",
    "upper",
]
shown[order].set_index("ref_area").round(3)

# %%
least, most = ratio["value"].min(), ratio["value"].max()
print(f"from {least:.3f} to {most:.1f} recorded offences per 1,000 people concerned")
print(f"a factor of {most / least:,.0f} among {len(ratio)} countries")

# %% [markdown]
# No error of a survey comes near such a factor, nor does rounding (0.1 % may be 0.05 or 0.15), nor the share of people with contact. What
# differs is what becomes known, what is recorded, and as what: one offence or many, when opened or when charged, bribery in the private
# sector or not.
#
# ## One country over time
#
# In the invented country both are known: a survey in 2023 and 2025 of one master sample, and the counts of recorded offences of 2024 and
# 2025. By its simulation prevalence fell, and the expected number of recorded offences rose by 6 %, for reasons of recording alone.

# %%
before, after = (um.estimate("BR-01", f"population_{year}") for year in (2023, 2025))
fell = um.compare(after, before).table.iloc[0]
offences = um.load_dataset("counts_2025").table.query("quantity == 'offences' and crime == '07031' and area == '_T'")
wide = offences.pivot(index="crime", columns="time_period", values=["count", "denominator"]).droplevel(0, axis=1)
wide.columns = ["count_2024", "count_2025", "people_2024", "people_2025"]
rose = counts.count_ratio(wide, "count_2025", "count_2024", exposures=("people_2025", "people_2024")).table.iloc[0]
pd.DataFrame(
    {
        "prevalence, points, 2023 to 2025": [
            fell["value"],
            fell["lower"],
            fell["upper"],
            f"n = {after.table['n'].iloc[0]:,.0f} in 2025",
        ],
        "recorded offences, ratio 2025 to 2024": [
            rose["value"],
            rose["lower"],
            rose["upper"],
            f"{wide['count_2024'].iloc[0]:.0f} and {wide['count_2025'].iloc[0]:.0f} offences",
        ],
    },
    index=["value", "lower", "upper", "from"],
).T

# %% [markdown]
# By region of the country: the same places, two pictures, each with its intervals.

# %%
catalogue = um.load_catalogue()
figure, axes = plt.subplots(1, 2, figsize=(10, 3.6), layout="constrained")
um.plots.interval(
    um.estimate("BR-01", "population_2025", by="area"),
    indicator=catalogue["BR-01"],
    ax=axes[0],
    source="survey (simulated)",
)
um.plots.interval(
    um.estimate("BR-29", "counts_2025", by="area").select(time_period="2025"),
    indicator=catalogue["BR-29"],
    ax=axes[1],
    source="recorded offences (simulated)",
);

# %% [markdown]
# The survey sets the South (XXA-SO) below the country; counts of 15 to 46 offences a region are too few to tell any region from
# another by itself. On the Island one offence was recorded.
#
# Between the two lies reporting. Of those who paid, few told an authority (BR-18):

# %%
um.estimate("BR-18", "population_2025").table[["value", "std_error", "lower", "upper", "n", "events"]].round(1)

# %% [markdown]
# ## What each is good for
#
# | | recorded offences | surveys |
# | --- | --- | --- |
# | measure | how many cases the justice system dealt with, and at which stage | how many people or firms met with bribery |
# | change when | detection, reporting, law, recording or corruption change | corruption, contact or willingness to answer change |
# | error | none of sampling; an unknown share not recorded | sampling, known; recall and refusal, partly known |
# | good for | workload, attrition from suspicion to conviction, response of the State (articles 15 to 25 and 30) | prevalence, risk by place and group, SDG 16.5 |
#
# ## What cannot be concluded
#
# - A high recorded rate is no sign of more corruption, and a low one none of less. Nor are they signs of the reverse.
# - The correlations above are of countries that have both sources; those without are different. Years differ by up to three.
# - Class 07031 has bribery in the private sector in it, which 16.5.1 has not; 16.5.2 is of firms of a certain size.
#
# ## With the whole export
#
# The crime trends survey is at dataunodc.un.org (corruption and economic crime, `.xlsx`). `readers.read(path, {"reader": "un_cts"})`
# checks its layout and gives all classes, years and parts of States.
