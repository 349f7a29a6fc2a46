# %% [markdown]
# # Flows of assets: frozen, confiscated, returned
#
# The declaration asks for the return of assets without undue delay (paragraphs 42 to 52; chapter V of the Convention). How much of what is frozen
# comes back, and how long does it take? Most figures that are quoted divide numbers that belong to different assets. A register of
# assets with dates allows better: each asset is followed from its freeze, and what has not happened yet is not taken for
# something that will not happen.
#
# The register here is simulated, so that methods can be held against the truth: 527 assets of 194 clusters of linked cases, frozen from
# 2012 on, as they stood at the end of 2025.

# %%
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt

import uncac_metrics as um
from uncac_metrics.stats import compare, concat, counts

register = um.load_dataset("asset_recovery_2025")
assets = register.table.assign(usd=register.table["value"] * register.table["exchange_rate"])
states = ["frozen", "seized", "confiscated", "returned", "released"]
dates = [f"date_{state}" for state in states]
assets[["asset", "case_cluster", *dates, "usd"]].head(4)

# %% [markdown]
# ## Ratios of a year
#
# What was returned in a year over what was frozen in it is a ratio of different assets. It has no upper limit, and it moves with the number of
# freezes as much as with the returns:

# %%
by_year = pd.DataFrame(
    {state: assets.groupby(assets[f"date_{state}"].dt.year)["usd"].sum() / 1e6 for state in ("frozen", "returned")}
)
by_year = by_year.set_axis(by_year.index.astype(int)).loc[2018:2025].assign(ratio=lambda y: y["returned"] / y["frozen"])
by_year.rename_axis("year").round(2)

# %% [markdown]
# Another such figure is the share of all assets that has been returned by now. It counts assets that were frozen last year as if they had
# had their time.
#
# ## Stays, and where assets are
#
# A row for each stay of an asset in a state, with the days since its freeze. An asset that is still there at the day of the extract is
# censored.

# %%
moves = assets.set_index("asset")[dates].set_axis(states, axis=1)
stays = moves.melt(ignore_index=False, var_name="state", value_name="since").dropna().reset_index()
stays = stays.sort_values(["since", "asset"], kind="stable")
stays["moved_to"] = stays.groupby("asset")["state"].shift(-1)
stays["until"] = stays.groupby("asset")["since"].shift(-1)
stays = stays[~stays["state"].isin(["returned", "released"])].merge(assets, on="asset")
stays["start"] = (stays["since"] - stays["date_frozen"]).dt.days / 365.25
stays["stop"] = (stays["until"].fillna(stays["date_observed"]) - stays["date_frozen"]).dt.days / 365.25
stays = stays[stays["stop"] > stays["start"]]
stays[["asset", "case_cluster", "state", "moved_to", "start", "stop", "usd"]].head(4).round(2)

# %% [markdown]
# The share of assets in each state $t$ years after the freeze is Aalen and Johansen's estimator,
# $\hat p(t) = \hat p(0)\prod_{u \le t}(I + d\hat A(u))$ (Scandinavian Journal of Statistics 5, 1978), with the infinitesimal jackknife by
# cluster of cases as its error. By value it weights each asset by its amount. The truth of the simulation is beside it.

# %%
flow = (stays, "asset", "start", "stop", "state", "moved_to")
number = counts.state_occupation(*flow, times=[3, 5], states=states, cluster="case_cluster").table
value = counts.state_occupation(*flow, times=[3, 5], states=states, cluster="case_cluster", weights="usd").table
truth = pd.read_csv(Path(register.source.file).parent / "truth.csv").set_index("label")["value"]


def shown(table: pd.DataFrame, what: str) -> pd.DataFrame:
    table = table.assign(years=table["category"].astype(float).astype(int))
    table["truth"] = [
        truth[f"{what} {state} after {years} years"]
        for state, years in zip(table["stage"], table["years"], strict=True)
    ]
    percent = ["value", "std_error", "lower", "upper", "truth"]
    return (
        table.assign(**{c: 100 * table[c] for c in percent})
        .set_index(["years", "stage"])[[*percent, "n", "n_psu"]]
        .round(1)
    )


beside = pd.concat({"% of assets": shown(number, "Assets"), "% of value": shown(value, "Value")}, axis=0)
inside = (beside["lower"] <= beside["truth"]) & (beside["truth"] <= beside["upper"])
print(f"{inside.sum()} of {len(inside)} intervals contain the truth")
beside

# %% [markdown]
# The intervals of one register are not independent of each other: states add up to 100 %, and an unlucky sample misses several at
# once. How often they contain the truth over many registers is on the page *Data of the example office*.

# %%
grid = np.arange(0.25, 10.01, 0.25)
curves = counts.state_occupation(*flow, times=grid, states=states, cluster="case_cluster").table
figure, ax = plt.subplots(figsize=(6.8, 3.6), layout="constrained")
for state, style in (("confiscated", "--"), ("returned", "-"), ("released", ":")):
    one = curves[curves["stage"] == state]
    ax.plot(grid, 100 * one["value"], style, label=state)
    ax.fill_between(grid, 100 * one["lower"].astype(float), 100 * one["upper"].astype(float), alpha=0.15)
ax.set_xlabel("years since the freeze")
ax.set_ylabel("% of assets, 95 % intervals")
ax.set_ylim(bottom=0)
ax.legend(frameon=False)
ax.spines[["top", "right"]].set_visible(False);

# %% [markdown]
# ## Assets of one cluster are not so many assets
#
# Linked cases fare alike. Taken as independent, assets say more than they know. Standard errors five years after the freeze, in points:

# %%
errors = {}
for what, weights in {"of assets": None, "of value": "usd"}.items():
    for how, cluster in {"assets": None, "clusters": "case_cluster"}.items():
        found = counts.state_occupation(
            *flow, times=[5], states=states, cluster=cluster, weights=weights
        ).table.set_index("stage")
        errors[f"{what}, {how} independent"] = 100 * found["std_error"]
pd.DataFrame(errors).round(2)

# %% [markdown]
# What is final for a whole cluster, a return or a release, has an error that is about a tenth larger than it seems; states that the assets of
# a cluster pass through at different times hardly change. Which it will be can't be known without doing it.
#
# ## How long?
#
# The time of the assets that have been returned is short, because the slow ones are still to come. Kaplan and Meier's median counts those
# too, for as long as they were followed.

# %%
waited = ((assets["date_returned"] - assets["date_frozen"]).dt.days / 365.25).dropna()
median = um.estimate("AR-03", register).table.iloc[0]
print(f"median of the {len(waited)} returned: {waited.median():.1f} years")
print(
    f"median of all {median['n']:.0f}: {median['value']:.1f} years ({median['lower']:.1f} to {median['upper']:.1f}); "
    f"truth {truth['Years until half of the assets are returned']:.1f}"
)
spent = counts.time_in_state(*flow, until=8, states=states, cluster="case_cluster").table
spent.set_index("stage")[["value", "std_error", "lower", "upper", "n"]].rename_axis(
    "years of the first eight spent"
).round(2)

# %% [markdown]
# ## Amounts
#
# The bands are amounts; what is hatched is still on its way. Totals are of a compound Poisson process with linked cases as its
# units, since few large cases make most of a total: the interval says what another such period could have brought.

# %%
um.plots.recovery_flow(
    stays,
    unit="asset",
    origin="state",
    destination="moved_to",
    amount="usd",
    cluster="case_cluster",
    states=states,
    currency="USD",
    source="register of assets (simulated)",
);

# %%
cards = {
    "AR-01a": "frozen, million USD",
    "AR-01c": "confiscated, million USD",
    "AR-01d": "returned, million USD",
    "AR-02": "returned of confiscated, %",
    "AR-05c": "costs of returned, %",
}
sums = um.estimate(list(cards), register).table.set_index("indicator")
scale = pd.Series({card: 1e6 if "USD" in name else 1 for card, name in cards.items()})
sums[["value", "lower", "upper"]].div(scale, axis=0).assign(n=sums["n"], quality=sums["quality"]).rename(cards).round(1)

# %% [markdown]
# `AR-02` looks high, and it is right: of what is *confiscated*, most is returned in the end. Of what is *frozen*, about a quarter
# is released. The denominator is the message.
#
# ## At home and abroad
#
# A difference of two groups of assets three and five years after the freeze, with clusters that may lie in both.

# %%
where = stays[stays["abroad"].notna()].assign(place=lambda s: np.where(s["abroad"] == 1, "abroad", "at home"))
groups = counts.state_occupation(where, *flow[1:], times=[3, 5], states=states, cluster="case_cluster", by="place")
returned = groups.select(stage="returned")
differ = compare(returned, over="place")
both = concat([returned, differ]).table
both.assign(**{c: 100 * both[c] for c in ("value", "std_error", "lower", "upper")}).set_index(["category", "place"])[
    ["statistic", "value", "std_error", "lower", "upper", "n"]
].round(1)

# %% [markdown]
# ## What cannot be concluded
#
# - Assets that were never found are in no register: nothing here says what share of stolen assets is recovered.
# - A release may be right: the freeze was wrong, or a settlement was made. It is no failure by itself.
# - Three published totals are not one quantity: the StAR Initiative (star.worldbank.org) speaks of more than 10 billion dollars *returned*
#   from 1997 to 2023, and of about 17 billion dollars *frozen, confiscated or returned*. Their ratio is no rate of return: an asset can be
#   in both, the years differ, and so do prices and exchange rates.
# - That the curves go on as they did is an assumption: assets that will be frozen tomorrow are others.
#
# ## With a register of one's own
#
# A row an asset, with the dates of the shape `asset_recovery` (*Input shapes*). The Asset Recovery Watch database of StAR
# (star.worldbank.org) has cases by jurisdiction, with their clusters, year of freeze, confiscation and return, and amounts; it gives
# years, not days, and can be brought into that shape by a `source.toml`.
