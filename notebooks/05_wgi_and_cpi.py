# %% [markdown]
# # WGI and CPI, and what their tables do not show
#
# Two indices of perceived corruption are quoted more than any other: Control of Corruption of the Worldwide Governance
# Indicators (WGI, World Bank) and the Corruption Perceptions Index (CPI, Transparency International). Both publish a score
# and its error. Can both be reproduced, and what follows from the errors that neither table shows: which ranks a country may have,
# and which differences and changes are more than noise?
#
# The statistical framework is for national systems, **not for ranking States**. This notebook ranks only to show how little
# a rank says. Perceptions and expert ratings are one kind of measure; they are not blended with experience or records.
#
# The published figures of twelve countries that were chosen to be far apart are restated with the package (`cpi`,
# `wgi_control_of_corruption`).

# %%
import numpy as np
import pandas as pd
from matplotlib import pyplot as plt

import uncac_metrics as um
from uncac_metrics.recipes import load_recipe
from uncac_metrics.stats import Estimates, scores
from uncac_metrics.stats.estimates import make_table


def published(name: str) -> Estimates:
    """Scores with their errors, taken as independent: no covariance is published."""
    table = um.load_dataset(name).table.rename(columns={"scheme": "indicator", "score": "value", "n_sources": "n"})
    return scores.independent(
        Estimates(make_table(table[["indicator", "ref_area", "time_period", "value", "std_error", "n"]]))
    )


cpi, wgi = published("cpi"), published("wgi_control_of_corruption")
both = {"CPI 2023": cpi.select(time_period="2023"), "WGI 2023": wgi.select(time_period="2023")}
pd.concat({name: e.table.set_index("ref_area")[["value", "std_error", "n"]] for name, e in both.items()}, axis=1).round(
    2
)

# %% [markdown]
# ## Reproducing the numbers
#
# **CPI.** The score is the mean of a country's standardised sources, rounded; its error $s/\sqrt n \cdot \sqrt{(N-n)/(N-1)}$ with $N = 13$ sources;
# its interval the rounded score and 1.64 errors to either side (methodology note of 2022). Denmark's eight sources of 2023, as
# published:

# %%
denmark = pd.DataFrame(
    {
        "source": [
            "Bertelsmann SGI",
            "Economist Intelligence Unit",
            "Global Insights",
            "IMD",
            "PRS",
            "Varieties of Democracy",
            "World Economic Forum",
            "World Justice Project",
        ],
        "value": [96.99364, 89.67447, 83.25637, 97.89119, 100.0, 78.89152, 82.20667, 87.68097],
    }
).assign(ref_area="DNK")
again = scores.corruption_perceptions_index(denmark).table
again[["ref_area", "value", "std_error", "lower", "upper", "n"]].round(4)

# %%
printed = both["CPI 2023"].select(ref_area="DNK").table.iloc[0]
assert again["value"].iloc[0] == printed["value"] == 90
assert abs(again["std_error"].iloc[0] - printed["std_error"]) < 1e-5
assert again[["lower", "upper"]].round(1).iloc[0].to_list() == [87.0, 93.0]

# %% [markdown]
# The factor takes the thirteen sources for the whole population of sources. An error that is meant for *any* sources, as those before 2021
# were, is larger by $\sqrt{12/(13-n)}$: 55 % for a country with eight.
#
# **WGI.** Sources $y_j = \alpha_j + \beta_j(g + \varepsilon_j)$ with $\varepsilon_j \sim N(0, \sigma_j^2)$ give a score with the error
# $(1 + \sum_j \sigma_j^{-2})^{-1/2}$ over the standard deviation of all scores (Kaufmann, Kraay and Mastruzzi 2011). The source variances of
# 1996, as they follow from the release of 2020, and the published errors of three countries (same release):

# %%
variances = {
    "EIU": 0.193191,
    "GCS": 0.415040,
    "PRC": 0.159411,
    "PRS": 0.628629,
    "VDM": 0.203927,
    "WCY": 0.147810,
    "WMO": 0.254404,
}
spread = 0.936480
sources = {
    "DNK": ["EIU", "GCS", "PRS", "VDM", "WCY", "WMO"],
    "KEN": ["EIU", "PRS", "VDM", "WMO"],
    "AFG": ["VDM", "WMO"],
    "AND": ["WMO"],
}
table = pd.DataFrame(
    {
        "sources": {area: len(names) for area, names in sources.items()},
        "computed": {
            area: (1 + sum(1 / variances[s] for s in names)) ** -0.5 / spread for area, names in sources.items()
        },
        "published": {"DNK": 0.210325, "KEN": 0.262077, "AFG": 0.340507, "AND": 0.480889},
    }
)
assert (table["computed"] - table["published"]).abs().max() < 1e-6
table.round(6)

# %% [markdown]
# The error depends on *which* sources rate a country and on nothing else: neither on how well they agree about it, nor on the country.
# `scores.scores_given` gives the scores as well, for whoever has the ratings; those of 187 countries in 1996 come out to 3·10⁻⁷.
#
# ## Which ranks are possible?
#
# No table shows intervals of *ranks* for the CPI, and those of the WGI move one country and leave all others where they are. `rank_sets`
# (Mogstad, Romano, Shaikh and Wilhelm 2024) compares all pairs: one set holds with 90 % for a country chosen beforehand, the other
# for all twelve together.

# %%
columns = {}
for name, index in both.items():
    one, together = scores.rank_sets(index), scores.rank_sets(index, simultaneous=True)
    columns[name] = pd.DataFrame(
        {
            "score": one["value"],
            "rank": one["rank"].astype(int),
            "one": one["lower"].astype(str) + "–" + one["upper"].astype(str),
            "all": together["lower"].astype(str) + "–" + together["upper"].astype(str),
        }
    ).set_index(one["ref_area"])
pd.concat(columns, axis=1).sort_values(("CPI 2023", "rank")).round(2)

# %%
um.plots.rank_intervals(
    scores.rank_sets(both["CPI 2023"], simultaneous=True),
    level=0.9,
    decimals=0,
    title="Ranks among twelve countries, all together",
    source="Transparency International, CPI 2023, published errors",
);

# %% [markdown]
# Twelve countries that were chosen to be far apart, and still most can't be told from their neighbours. Among all
# 180 the mean width of a 90 % interval (CPI 2022) is 21 places by draws of the scores, 55 for a confidence set of one country, 73 for all
# together.
#
# ## Which pairs differ?
#
# With twelve countries there are 66 pairs; at 10 % six or seven would differ by chance if none did. `stepwise` (Romano and Wolf 2005)
# holds the probability of any false finding, `fdr_bh` (Benjamini and Hochberg 1995) the share of false findings.

# %%
rows = []
for name, index in both.items():
    for adjust in ("none", "fdr_bh", "stepwise", "holm"):
        pairs = scores.significant_differences(index, adjust=adjust)
        rows.append(
            {"index": name, "adjusted by": adjust, "pairs": len(pairs), "different": int(pairs["significant"].sum())}
        )
pd.DataFrame(rows).pivot(index="index", columns="adjusted by", values="different").assign(pairs=66)

# %% [markdown]
# ## Did anything change?
#
# Errors of two years are taken as independent. They are not: the years share sources, whose errors stay, so that the error of a change is
# smaller than it seems here. How much smaller isn't published; what is found is therefore too little rather than too much. For the CPI
# the errors of 2023 are put on the basis of those before 2021, without the finite factor, so that both years are measured alike.

# %%
alike = cpi.table.copy()
new = alike["time_period"] == "2023"
alike.loc[new, "std_error"] *= np.sqrt(12 / (13 - alike.loc[new, "n"].astype(float)))
series = {"CPI": scores.independent(Estimates(alike)), "WGI": wgi}
rows, ten = [], {}
for name, start in (("CPI", "2013"), ("CPI", "2018"), ("WGI", "2013"), ("WGI", "2018"), ("WGI", "2022")):
    counted = {}
    for adjust in ("none", "fdr_bh", "stepwise"):
        found = scores.significant_changes(series[name], start, "2023", adjust=adjust)
        counted[adjust] = ", ".join(found.loc[found["significant"], "unit"]) or "–"
    ten.setdefault(name, found)
    rows.append({"index": name, "years": f"{start} to 2023", "n": len(found)} | counted)
pd.DataFrame(rows).set_index(["index", "years"])

# %%
figure, axes = plt.subplots(1, 2, figsize=(8.4, 3.8), layout="constrained", sharey=True)
for ax, (name, found) in zip(axes, ten.items(), strict=True):
    place = np.arange(len(found))
    ax.axvline(0, color="grey", linewidth=0.8)
    ax.hlines(place, found["lower"], found["upper"], color="tab:blue")
    filled = found["significant"].to_numpy()
    ax.plot(found["difference"], place, "o", color="tab:blue", markerfacecolor="white")
    ax.plot(found["difference"][filled], place[filled], "D", color="tab:blue")
    ax.set_yticks(place, found["unit"])
    ax.set_xlabel(f"{name}, change from 2013 to 2023 (90 %)")
    ax.spines[["top", "right"]].set_visible(False)
axes[0].invert_yaxis();

# %%
ten["CPI"].loc[
    ten["CPI"]["p_value"] < 0.1,
    ["unit", "start", "end", "difference", "std_error", "lower", "upper", "p_value", "p_adjusted"],
].round(3)

# %% [markdown]
# A diamond is a change that remains when all twelve are looked at. One country in ten years, in one index of two; from one year to the next
# nothing at all. The yearly headlines about places won and lost are about noise. (Of all countries 22 % changed significantly between
# 2011 and 2021 by Control of Corruption, at 90 % and without adjustment; of the twelve here, at most three.)
#
# A change of the WGI is besides relative: every year has mean 0 and standard deviation 1 over the world, so that a world which became better as a
# whole would show no change.
#
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
# ## What cannot be concluded
#
# - An error of the CPI or the WGI is about agreement of sources, not about corruption. Sources that read each other agree too well.
# - Neither index says how many people meet with corruption; SDG 16.5.1 and 16.5.2 do.
# - Twelve countries are an example: ranks among twelve say nothing of ranks among 180.
#
# ## With the real sources
#
# The full tables are at www.transparency.org/en/cpi/2023 and www.worldbank.org/en/publication/worldwide-governance-indicators; the readers
# `cpi` and `wgi` read the workbooks as they are (`readers.read(path, {"reader": "cpi", "part": "series"})`).
#
# The World Bank publishes most of its source data with each release (info.worldbank.org/governance/wgi), Transparency
# International the standardised sources of each year (transparency.org/en/cpi, sheet "CPI" of the full data set). Give the
# columns the names that `recipe.construction.columns` lists, one row a country (and year), and pass the frame to
# `um.compose("WGI-CC-01", …)` or `um.compose("CPI-01", …)`: the published numbers come out, and the ranks with their intervals.
