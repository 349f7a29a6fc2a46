# %% [markdown]
# # WGI and CPI, and what their tables do not show
#
# Two indices of perceived corruption are quoted more than any other: Control of Corruption of the Worldwide Governance
# Indicators (WGI, World Bank) and the Corruption Perceptions Index (CPI, Transparency International). Both publish a score
# and its error. Neither publishes what follows from the error: which ranks a country may have, and which differences and
# changes are more than noise.
#
# The statistical framework is for national systems, **not for ranking States**. This notebook ranks only to show how little
# a rank says. Perceptions and expert ratings are one kind of measure; they are not blended with experience or records.

# %%
import numpy as np
import pandas as pd

import uncac_metrics as um
from uncac_metrics.recipes import load_recipe
from uncac_metrics.stats import Estimates, scores
from uncac_metrics.stats.estimates import make_table

# %% [markdown]
# ## Published figures of twelve countries
#
# Restated from the published tables: CPI 2023 (score, standard error, number of sources) and WGI Control of Corruption, release
# of 2024 (estimate and standard error, 2022 and 2023).

# %%
published = pd.DataFrame(
    [
        ("DNK", 90, 1.8193, 8, 2.4026, 0.1630, 2.3761, 0.1669),
        ("FIN", 87, 1.0580, 8, 2.2469, 0.1630, 2.2215, 0.1669),
        ("NZL", 85, 1.9161, 8, 2.1632, 0.1728, 2.0841, 0.1760),
        ("USA", 69, 2.1427, 9, 1.1041, 0.1599, 1.1234, 0.1710),
        ("TUN", 40, 1.7026, 7, -0.2998, 0.1593, -0.3419, 0.1617),
        ("IND", 39, 1.2564, 9, -0.3222, 0.1471, -0.3660, 0.1524),
        ("BRA", 36, 1.4662, 8, -0.5664, 0.1582, -0.5036, 0.1655),
        ("UKR", 36, 1.9333, 8, -0.6340, 0.1581, -0.6861, 0.1588),
        ("KEN", 31, 1.5447, 9, -0.7595, 0.1476, -0.7709, 0.1520),
        ("MEX", 31, 1.5605, 9, -1.0121, 0.1582, -1.0206, 0.1632),
        ("NGA", 25, 1.6390, 8, -1.1297, 0.1517, -1.0410, 0.1511),
        ("SOM", 11, 2.0771, 6, -1.7926, 0.1804, -1.7328, 0.1844),
    ],
    columns=["ref_area", "cpi", "cpi_se", "cpi_n", "wgi_2022", "se_2022", "wgi_2023", "se_2023"],
)
cpi = scores.independent(
    Estimates(
        make_table(
            {
                "indicator": "CPI",
                "ref_area": published["ref_area"],
                "time_period": "2023",
                "value": published["cpi"],
                "std_error": published["cpi_se"],
                "n": published["cpi_n"],
            }
        )
    )
)
both = pd.concat(
    [
        pd.DataFrame(
            {
                "indicator": "WGI control of corruption",
                "ref_area": published["ref_area"],
                "time_period": year,
                "value": published[f"wgi_{year}"],
                "std_error": published[f"se_{year}"],
            }
        )
        for year in ("2022", "2023")
    ],
    ignore_index=True,
)
wgi = scores.independent(Estimates(make_table(both)))

# %% [markdown]
# The interval that Transparency International prints is the score and 1.64 standard errors to either side; Denmark's is 87.0
# to 93.0. The intervals of the *ranks* are not printed. `rank_sets` gives them: one rank that holds with 90 % for a country
# chosen beforehand, and all ranks together.

# %%
one, together = scores.rank_sets(cpi), scores.rank_sets(cpi, simultaneous=True)
shown = published[["ref_area", "cpi"]].assign(
    lower=(published["cpi"] - 1.64 * published["cpi_se"]).round(1),
    upper=(published["cpi"] + 1.64 * published["cpi_se"]).round(1),
    rank=one["rank"].astype(int),
    one_from=one["lower"],
    one_to=one["upper"],
    all_from=together["lower"],
    all_to=together["upper"],
)
assert shown.loc[0, ["lower", "upper"]].to_list() == [87.0, 93.0]
shown

# %% [markdown]
# Twelve countries that were chosen to be far apart, and still the ranks of most can't be told from their neighbours'. Among all
# 180 the mean width of a 90 % interval is 21 places by draws of the scores, 55 for a confidence set of one country, 73 for all
# together. Which pairs differ, with the probability of *any* false finding held at 10 %?

# %%
pairs = scores.significant_differences(cpi)
assert 0 < (~pairs["significant"]).sum() < len(pairs)
pairs.loc[~pairs["significant"], ["unit", "other", "difference", "std_error", "p_adjusted"]].round(3)

# %% [markdown]
# ## Did anything change?
#
# Each year of the WGI is standardised by itself, and the two years share sources, so that the error of a change is smaller than
# that of two independent estimates; how much smaller is not published. Taken as independent, which finds too few changes
# rather than too many:

# %%
changes = scores.significant_changes(wgi, "2022", "2023")
print(f"{changes['significant'].sum()} of {len(changes)} changed significantly")
changes[["unit", "difference", "std_error", "p_value", "p_adjusted"]].round(3)

# %% [markdown]
# ## The published procedures as recipes
#
# Both procedures are shipped as recipes. Their source scores are not ours to bundle; a world that is made up shows what they do.
# A hundred and eighty countries, the sources of the CPI, each covering some of them:

# %%
rng = np.random.default_rng(7)
countries = [f"C{k:03d}" for k in range(180)]
truth = rng.normal(size=180)
recipe = load_recipe("CPI-01")
names = recipe.construction.columns
rated = pd.DataFrame({name: np.clip(45 + 20 * truth + rng.normal(0, 9, 180), 0, 100).round() for name in names}).where(
    rng.random((180, len(names))) < 0.6
)
index = um.compose(recipe, rated.assign(ref_area=countries), level=0.9)
index.node().table[["ref_area", "value", "std_error", "lower", "upper", "n"]].head(4).round(1)

# %%
ranks = index.ranks(level=0.9, top=10)
width = ranks["upper"] - ranks["lower"]
print(f"90 % of draws of a rank span {width.mean():.0f} places of {len(ranks)}, up to {width.max()}")
ranks.head(4).round(2)

# %% [markdown]
# Control of Corruption weighs sources by how well they agree. The recipe names its representative sources; the others are fitted
# to what those say.

# %%
recipe = load_recipe("WGI-CC-01")
names = recipe.construction.columns
noise = dict(zip(names, rng.uniform(0.3, 1.2, len(names)), strict=True))
coverage = {name: 1.0 if name in ("eiu", "prs", "vdm", "wmo") else 0.35 for name in names}
rated = pd.DataFrame({s: truth + noise[s] * rng.normal(size=180) for s in names})
rated = rated.where(rng.random(rated.shape) < np.array(list(coverage.values())))
control = um.compose(recipe, rated.assign(ref_area=countries), level=0.9)
table = control.node().table
standard = (truth - truth.mean()) / truth.std(ddof=1)
inside = ((table["lower"] <= standard) & (standard <= table["upper"])).mean()
print(f"{100 * inside:.0f} % of the published kind of interval hold the truth")

# %% [markdown]
# That error takes what each source is worth as known. Full maximum likelihood says what not knowing it costs, and what one source
# more or less does to a score.

# %%
long = rated.assign(ref_area=countries).melt("ref_area", var_name="source").dropna(subset=["value"])
full = scores.unobserved_components_ml(long, indicator="control of corruption").estimates.table
wider = full.set_index("ref_area")["std_error"] / table.set_index("ref_area")["std_error"]
without = scores.leave_one_source_out(long)
print(f"standard errors with parameter uncertainty: {100 * (wider.mean() - 1):+.0f} %")
without.groupby("source")["change"].agg(greatest=lambda c: c.abs().max()).sort_values("greatest").tail(3).round(2)

# %% [markdown]
# ## With the real sources
#
# The World Bank publishes most of its source data with each release (info.worldbank.org/governance/wgi), Transparency
# International the standardised sources of each year (transparency.org/en/cpi, sheet "CPI" of the full data set). Give the
# columns the names that `recipe.construction.columns` lists, one row a country (and year), and pass the frame to
# `um.compose("WGI-CC-01", …)` or `um.compose("CPI-01", …)`: the published numbers come out, and the ranks with their intervals.
