# %% [markdown]
# # A profile against the declaration
#
# What of the political declaration of 2021 can be measured, what an office has data for, and what the numbers of one
# paragraph say. The office is invented and its data are simulated.

# %%
import uncac_metrics as um

catalogue = um.load_catalogue()
coverage = um.coverage().set_index("paragraph")
coverage[["title", "nature", "tracked", "n_indicators"]].head(10)

# %% [markdown]
# ## By section
#
# *Measurable* paragraphs undertake something that can be counted, or a law or an institution.

# %%
um.coverage(by="section").set_index("section")[["title", "paragraphs", "measurable", "covered", "n_indicators"]]

# %% [markdown]
# ## One commitment
#
# Paragraph 74 speaks of less corruption and bribery by 2030. A survey of the population measures it by these indicators.

# %%
cards = [name for name in coverage.loc["74", "indicators"] if catalogue[name].measure.shape == "population_survey"]
estimates = um.estimate(cards, "population_2025", by="sex")
print(coverage.loc["74", "title"], len(cards), "indicators")
estimates.table.loc[estimates.table["sex"] == "F", ["indicator", "value", "lower", "upper", "n"]].head(8)

# %% [markdown]
# ## What is covered
#
# A dark cell has data in the release, a light one is defined only.

# %%
um.plots.coverage_matrix(release=estimates);

# %%
matrix = um.plots.coverage_matrix_data(release=estimates)
print(um.plots.coverage_matrix_alt(matrix))

# %% [markdown]
# ## The Convention and the goals

# %%
um.plots.coverage_matrix(release=estimates, by="article");

# %%
um.plots.coverage_matrix(release=estimates, by="target");
