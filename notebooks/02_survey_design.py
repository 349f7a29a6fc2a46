# %% [markdown]
# # A survey design of your own
#
# What does the design of a sample change about a figure? The survey statistics need no indicators: a frame, a design, and the statistics `total`,
# `mean`, `ratio`, `proportion`. Variances are by Taylor linearisation over sampling units within strata (Särndal, Swensson
# and Wretman 1992; Lumley 2010), the limits of shares Korn and Graubard's (1998).

# %%
import matplotlib.pyplot as plt
import pandas as pd

import uncac_metrics as um
from uncac_metrics.stats.survey import Design, mean, proportion, ratio, total

# %%
people = um.load_dataset("population_2025").table
people = people.assign(sex=people["sex"].cat.remove_unused_categories())  # nobody gave the third code, O
design = Design(people, weight="weight", stratum="stratum", psu="psu")
design

# %% [markdown]
# ## Domains
#
# Bribery among those who had contact with a public official, by area. `n` counts the people with contact who answered; `df` the sampling units that they come from, less the strata.

# %%
areas = ratio(design, "paid_or_asked", "contact", by="area")
areas.table[["area", "value", "std_error", "lower", "upper", "df", "n", "events", "deff"]].round(3)

# %% [markdown]
# The same as if the people had been drawn one by one, all over the country: too sure of itself.

# %%
naive = ratio(Design(people, weight="weight"), "paid_or_asked", "contact", by="area")
factor = areas.table["std_error"] / naive.table["std_error"]
factor.set_axis(areas.table["area"]).rename("too small by a factor of").round(2)

# %% [markdown]
# ## Other statistics
#
# The total counts those who answered; `n_eligible − n` people did not say whether they had contact, which `missing="omit"` has to admit.

# %%
mean(design, "bribes", denominator="paid", by="sex").table[["sex", "value", "std_error", "n"]].round(3)

# %%
proportion(design, "modality", by="sex").table[["category", "sex", "value", "lower", "upper", "n"]].round(3)

# %%
total(design, "contact", missing="omit").table[["value", "std_error", "cv", "n", "n_eligible"]].round(4)

# %% [markdown]
# ## Differences
#
# All rows of a result have one joint covariance matrix. Women and men come from the same sampling units, so their estimates covary; areas are strata, so theirs do not.

# %%
by_sex = ratio(design, "paid_or_asked", "contact", by="sex")
by_sex.covariance()

# %%
columns = ["value", "std_error", "lower", "upper", "quality"]
um.compare(by_sex, over="sex").table[["sex", *columns]].round(3)

# %%
um.compare(areas, over="area", reference="XXA-CA").table[["area", *columns]].round(3)

# %% [markdown]
# ## A design that a source declares
#
# A panel that the young and the urban join more readily. Its `source.toml` declares that the weights are raked to the census; `design` makes the design that it declares, and everything on this page takes it.

# %%
from uncac_metrics.estimators import design as declared

panel = declared(um.load_dataset("population_2025_panel"))
panel.calibration.totals.round(0)

# %%
by_age = mean(panel, "contact", by="age")
print(by_age.table["method"].iloc[0])
by_age.table[["age", "value", "std_error", "lower", "upper", "n"]].round(3)

# %% [markdown]
# ## A plot of your own
#
# A result's table is a pandas frame like any other.

# %%
table = areas.table.sort_values("value").reset_index(drop=True)
figure, axes = plt.subplots(figsize=(6, 2.8), layout="constrained")
axes.hlines(table.index, 100 * table["lower"], 100 * table["upper"], color="tab:blue")
axes.plot(100 * table["value"], table.index, "o", color="tab:blue")
axes.set_yticks(table.index, table["area"])
axes.set_xlim(left=0)
axes.set_xlabel("% of adults with contact who paid a bribe or were asked for one, 95 % intervals");

# %% [markdown]
# ## Zero is not certainty
#
# Nobody among a few interviewed paid: the interval says what that is worth.

# %%
few = pd.DataFrame({"village": [1, 1, 2, 2, 3, 3, 4, 4], "w": [1.0, 2, 1, 1, 2, 1, 1, 1]})
few = few.assign(paid=0, contact=1)
nobody = ratio(Design(few, weight="w", psu="village"), "paid", "contact")
nobody.table[["value", "lower", "upper", "n", "events", "interval"]]

# %% [markdown]
# ## What cannot be concluded
#
# - A variance knows the design that it was told. Strata or sampling units that a file leaves out make every interval too short, and
#   nothing in the numbers shows it.
# - Weights repair who was drawn and, in part, who answered. They don't repair what was answered.
# - Eight people of whom nobody paid do not say that nobody does: the upper limit is the finding.
