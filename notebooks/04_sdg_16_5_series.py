# %% [markdown]
# # The published series of SDG 16.5.1 and 16.5.2
#
# Target 16.5 asks to *substantially reduce corruption and bribery in all their forms*. Two indicators follow it: the share of
# people (16.5.1) and of firms (16.5.2) that had contact with a public official and paid a bribe or were asked for one. What
# do the published series say about change, about women and men, about regions, and what do they not say?
#
# The figures are those of the United Nations Global SDG Database, release of October 2020, restated with the package.

# %%
import numpy as np
import pandas as pd

import uncac_metrics as um
from uncac_metrics import reference
from uncac_metrics.stats import areas, counts, survey, trends
from uncac_metrics.stats.scores.analysis import correlation_test

people = um.load_dataset("sdg_16_5_1").table
firms = um.load_dataset("sdg_16_5_2").table
both_sexes = people[people["sex"] == "_T"]
rows = []
for name, table in {"16.5.1 people": both_sexes, "16.5.2 firms": firms}.items():
    surveys = table.groupby("ref_area", observed=True).size()
    rows.append(
        {
            "series": name,
            "figures": len(table),
            "countries": len(surveys),
            "with two or more": int((surveys > 1).sum()),
            "with three or more": int((surveys > 2).sum()),
            "from": table["time_period"].min(),
            "to": table["time_period"].max(),
            "median": table["value"].median(),
            "least": table["value"].min(),
            "greatest": table["value"].max(),
            "standard errors": int(table["std_error"].notna().sum()) if "std_error" in table else 0,
        }
    )
pd.DataFrame(rows).set_index("series").T

# %% [markdown]
# Every number is an estimate from a sample, and **none is published with an error or a sample size**. Nothing below can be better
# than that: an interval needs an assumption, and each assumption is named.
#
# ## Are they the figures of the surveys?
#
# Mexico's ENCIG of 2017 found 14,635 victims per 100,000 adults with contact (INEGI, national table). The database says:

# %%
mexico = both_sexes[both_sexes["ref_area"] == "MEX"].set_index("time_period")["value"]
assert mexico["2017"] == round(14_635 / 1000, 1)
mexico.to_dict()

# %% [markdown]
# They are. But 2018 has the value of 2017: ENCIG is held in odd years, and a figure carried forward is no observation. A trend would
# count it as evidence of standing still. All figures equal to those of the year before; near zero, and in a yearly survey
# such as Peru's, rounding explains it as well:

# %%
ordered = both_sexes.sort_values(["ref_area", "time_period"])
last = ordered.groupby("ref_area")[["time_period", "value"]].shift()
same = (ordered["value"] == last["value"]) & (
    ordered["time_period"].astype(int) == last["time_period"].astype(float) + 1
)
ordered.loc[same, ["ref_area", "time_period", "value"]].groupby("ref_area").agg({"time_period": list, "value": "first"})

# %% [markdown]
# ## Women and men
#
# Sex is the one breakdown that is published. A pair is a survey with a figure for either sex. Two statements need no errors of
# single figures: in how many of the surveys men report more (exact interval of a share, Clopper and Pearson 1934), and the
# ratio of men to women, as the mean of logarithms over surveys with countries as clusters.

# %%
pairs = people[people["sex"] != "_T"].pivot_table(index=["ref_area", "time_period"], columns="sex", values="value")
pairs = pairs.dropna().reset_index()
pairs = pairs.assign(more=(pairs["M"] > pairs["F"]).astype(int), log_ratio=np.log(pairs["M"] / pairs["F"]), one=1.0)
more = counts.share(pairs, "more", interval="clopper_pearson").table.iloc[0]
ratio = survey.mean(survey.Design(pairs, weight="one", psu="ref_area"), "log_ratio").table.iloc[0]
pd.DataFrame(
    {
        "men report more, % of surveys": [100 * more["value"], 100 * more["lower"], 100 * more["upper"], len(pairs)],
        "men to women, ratio": [*np.exp(ratio[["value", "lower", "upper"]].astype(float)), len(pairs)],
    },
    index=["value", "lower", "upper", "n"],
).T.astype({"n": int}).round(2)

# %% [markdown]
# The surveys are not a sample of all countries: the interval speaks of surveys like these. Part of the difference may be contact:
# men may deal more often, or with other officials. The series can't tell.
#
# ## Change
#
# Three countries have seven or more figures that vary. Slopes of the logarithm, in per cent a year: the points are taken
# as draws about a line, since their own errors are unknown (`trends.slope`; n − 2 degrees of freedom).

# %%
long = both_sexes[both_sexes["ref_area"].isin(["CHL", "LTU", "PER"])]
slopes = trends.slope(long, scale="log").table
slopes[["ref_area", "time_period", "n", "value", "lower", "upper", "unit"]].round(1)

# %%
um.plots.trend(
    long.assign(indicator="BR-01", area=long["ref_area"]),
    indicator=um.load_catalogue()["BR-01"],
    over="area",
    source="UN Global SDG Database, October 2020",
);

# %% [markdown]
# A line is a poor summary of Peru, which rose until 2008 and fell after it: the slope is an average of both. Chile's figures are a few
# tenths of a per cent, given with one digit: their rate of change is mostly rounding and a few answers. No line is drawn to 2030,
# because none of them is a projection.
#
# ## Progress, and how sure one can be of it
#
# The progress chart of the United Nations (technical note of 2023) sorts series without a numeric target by their compound yearly
# rate from about 2015 to the last point: 2 % or more in the better direction is on track, less than 0.5 % stagnation. **The assumption
# here is a coefficient of variation** (the error of each figure in per cent of it). Is 10 % plausible? It is what about
# this many interviewed people with contact give, at a design effect of 2:

# %%
pd.Series(
    {f"prevalence {p} %": survey.sample_size(p / 100, 1.96 * 0.1 * p / 100, deff=2) for p in (3, 10, 25)},
    name="people with contact",
)

# %%
recent = both_sexes[both_sexes["time_period"].astype(int) >= 2012]
recent = recent[(recent["ref_area"] != "MEX") | (recent["time_period"] != "2018")]
series = recent.groupby("ref_area")
recent = recent[(series["time_period"].transform("nunique") >= 2) & (series["value"].transform("min") >= 1)]
verdicts = {
    cv: trends.progress(recent.assign(std_error=cv / 100 * recent["value"]), direction="lower") for cv in (5, 10, 20)
}
judged = {cv: found.table.set_index("ref_area") for cv, found in verdicts.items()}
rates = 100 * judged[10][["value", "lower", "upper"]]
columns = {
    "points": judged[10]["n"].astype(int),
    "rate": rates["value"],
    "lower": rates["lower"],
    "upper": rates["upper"],
}
shown = pd.DataFrame(columns).round(1).assign(category=judged[10]["category"])
for cv, table in judged.items():
    shown[f"p, CV {cv} %"] = table["p_category"].round(2)
shown

# %% [markdown]
# `rate` is the compound rate in per cent a year towards the better, with its interval at a CV of 10 %. The verdict looks at the points
# only; `p` is how probable it is, given their errors, and depends on what was not published. Peru's category is so narrow that
# the chance of it is small whatever the error is: either neighbour is more probable. A colour in a chart says none of that.
#
# ## Regions
#
# Regional figures of 16.5.2 are simple means of all surveys of a region since 2006. Here they are computed from the figures of
# countries, and beside them what the database published for 2018 (restated):

# %%
regions = reference.members("sdg_region")
simple = areas.aggregate(firms, regions, rule="sdg_16_5_2").table
names = regions.drop_duplicates("region").set_index("region")["name"]
by_region = pd.DataFrame(
    {
        "region": simple["ref_area"].map(names),
        "computed": simple["value"].round(2),
        "countries with a survey": simple["n"].astype(int),
        "countries": simple["n_eligible"].astype(int),
    }
).sort_values("region", ignore_index=True)
differs = {"Europe and Northern America": 11.22, "Sub-Saharan Africa": 23.59}
by_region["database"] = by_region["region"].map(differs).fillna(by_region["computed"])
by_region

# %% [markdown]
# Five of seven agree to the last digit that is published; two rest on surveys for which the release has no rows. What the figures don't show is
# what the mean would be with the missing countries. If nothing is assumed but that a share lies between 0 and 100 %, and every
# survey has a coefficient of variation of 15 % (an assumption again), the mean over *all* countries lies within:

# %%
latest = areas.Rule("latest", "simple mean of the latest values", weighted=False, periods="latest")
bounds = areas.aggregate(firms.assign(std_error=0.15 * firms["value"]), regions, rule=latest, missing="bounds").table
pd.DataFrame(
    {
        "region": bounds["ref_area"].map(names),
        "lower": bounds["lower"],
        "upper": bounds["upper"],
        "n": bounds["n"].astype(int),
        "of": bounds["n_eligible"].astype(int),
    }
).sort_values("region", ignore_index=True).round(0)

# %% [markdown]
# ## People and firms
#
# Do countries where many people report bribes have many firms that do? Latest figures, countries with both, with the interval of Bonett
# and Wright (2000) for Spearman's correlation.

# %%
newest = [t.sort_values("time_period").groupby("ref_area")["value"].last() for t in (both_sexes, firms)]
both = pd.concat(newest, axis=1, keys=["people", "firms"]).dropna()
rho = correlation_test(both["people"].to_numpy(), both["firms"].to_numpy(), "spearman")
print(
    f"Spearman's correlation {rho['estimate']:.2f} ({rho['lower']:.2f} to {rho['upper']:.2f}), n = {rho['n']} countries"
)

# %% [markdown]
# They go together, but loosely enough that one cannot stand for the other: other people answer, about other officials and other years.
#
# ## What cannot be concluded
#
# - **No ranking.** Officials that are asked about, recall periods and modes differ between countries; some early surveys left out
#   persons who were asked and refused.
# - **No trend across a change of definition.** Until 2017 the metadata of 16.5.2 counted meetings with tax officials; now six
#   transactions. The release does not say which a figure follows.
# - **No significance.** No test above uses a published error, since there is none. Offices that publish `std_error` and `n` beside the value
#   make all of this possible; the [SDMX structure of the goals](https://unstats.un.org/sdgs/) has attributes for bounds.
#
# ## With the current release
#
# Series IU_COR_BRIB and IC_FRM_BRIB are at unstats.un.org/sdgs/dataportal (CSV or API). `readers.read(path, {"reader": "un_sdg"})`
# reads both; replace `um.load_dataset(…)` above by it and run the notebook again. Do not join two releases.
