# %% [markdown]
# # A national profile against the declaration
#
# The political declaration of 2021 (General Assembly resolution S-32/1) has 86 paragraphs. Which of them can be measured, for which does an
# office have data, and what do the numbers say, commitment by commitment? A profile answers side by side and adds nothing up:
# there is no total, and no country to compare with.
#
# The office is invented and its data are simulated. Every indicator is a card that names the paragraphs of the declaration, the articles of
# the Convention and the targets of the goals it speaks to; the cards are this project's own (see *Catalogue*).

# %%
import pandas as pd
from scipy.stats import t
from statsmodels.stats.multitest import multipletests

import uncac_metrics as um
from uncac_metrics.stats import concat

catalogue = um.load_catalogue()
sections = um.coverage(by="section").set_index("section")
sections[["title", "paragraphs", "measurable", "covered", "n_indicators"]]

# %% [markdown]
# *Measurable* paragraphs undertake something that can be counted, or a law or an institution; *covered* ones have an indicator. What is not
# covered, and why:

# %%
paragraphs = um.coverage().set_index("paragraph")
without = paragraphs[(paragraphs["n_indicators"] == 0) | (paragraphs["tracked"] != "indicators")]
print(
    f"{len(without)} of {len(paragraphs)} paragraphs are not followed by indicators:",
    without["tracked"].value_counts().to_dict(),
)
without[["title", "nature", "tracked"]].head(8)

# %% [markdown]
# ## What the office has
#
# One data set for each kind of source: surveys of the population, of firms and of civil servants, registers of courts, assets, contracts,
# declarations, and tables of counts. All indicators that rest on a data set are estimated in one pass over it. (A build does the same for a whole
# office, with breakdowns and disclosure control: notebook *A national survey, from file to release*.)

# %%
names = [
    "population_2025",
    "business_2025",
    "civil_servants_2025",
    "asset_recovery_2025",
    "bids_2025",
    "contracts_2025",
    "cooperation_requests_2025",
    "counts_2025",
    "declarations_2025",
    "information_requests_2025",
    "justice_cases_2025",
    "personnel_2025",
    "ratings_2025",
    "reports_2025",
    "transaction_reports_2025",
]
datasets, found = {name: um.load_dataset(name) for name in names}, []
for data in datasets.values():
    cards = [card.id for card in catalogue.values() if card.measure.shape == data.shape.id]
    found.append(um.estimate(cards, data))
estimates = concat(found).table
by_source = estimates.groupby("dataset", sort=False).agg(
    indicators=("indicator", "nunique"), figures=("value", "size"), with_interval=("lower", "count")
)
print(f"{estimates['indicator'].nunique()} of {len(catalogue)} indicators")
by_source

# %%
um.plots.coverage_matrix(release=estimates);

# %%
print(um.plots.coverage_matrix_alt(um.plots.coverage_matrix_data(release=estimates)))

# %% [markdown]
# A dark cell has data, a light one is defined only. Counting cells says how much is measured, not how well a commitment is kept.
#
# ## Paragraph 74: less corruption and bribery by 2030
#
# Experience, records, perceptions and ratings are different kinds of measure. They stand under headings of their own, each with its interval.

# %%
um.plots.commitment(estimates, "74", source="Statistical Office of Exampleland (simulated)");

# %% [markdown]
# The paragraph speaks of *reducing*: a level is not an answer. Of what two waves of the survey of the population measured, what changed?
# The differences take into account that half of the sampling units are in both waves. With several indicators some differences would
# be found by chance; Holm's procedure (1979) holds the probability of any such finding at 5 %.

# %%
followed = ["BR-01", "BR-02", "BR-03", "BR-04", "BR-18", "BR-31", "BR-32"]
before, after = um.estimate(followed, "population_2023"), um.estimate(followed, datasets["population_2025"])
change = um.compare(after, before).table.set_index("indicator")
p = 2 * t.sf((change["value"] / change["std_error"]).abs(), change["df"])
holm = multipletests(p, method="holm")[1]
shown = (
    change[["value", "std_error", "lower", "upper"]].assign(n=after.table["n"].to_numpy(), p=p, p_holm=holm).round(2)
)
shown.set_index(pd.Index([catalogue[card].name for card in change.index], name="change 2023 to 2025, points"))

# %%
um.plots.change(after, before, catalogue=catalogue, source="surveys of 2023 and 2025 (simulated)");

# %% [markdown]
# Fewer people paid or were asked: BR-01 and BR-02 differ by more than chance explains, if they are the ones that were to be tested. As
# two of seven that were looked at, they don't quite. The survey was planned for BR-01 (SDG 16.5.1), so that is the one
# to report; the others are read with it.
#
# ## Asset recovery and gender
#
# Paragraph 42 (better use of the rules on asset recovery), then all indicators of two topics, each in its own place.

# %%
um.plots.commitment(estimates, "42", source="Statistical Office of Exampleland (simulated)");

# %%
um.plots.profile(estimates, topics=["gender", "participation"], source="Statistical Office of Exampleland (simulated)");

# %% [markdown]
# ## The Convention and the goals
#
# The same indicators by article of the Convention and by target of the 2030 Agenda: how many there are, and how many have data here.

# %%
rows = []
for by, what in {
    "article": "articles of the Convention",
    "target": "targets of the goals",
    "paragraph": "paragraphs",
}.items():
    table = um.coverage(release=estimates, by=by)
    with_data = table["indicators_with_data"].str.len() > 0
    rows.append(
        {
            "what": what,
            "number": len(table),
            "with an indicator": int((table["n_indicators"] > 0).sum()),
            "with data": int(with_data.sum()),
        }
    )
pd.DataFrame(rows).set_index("what")

# %%
release = um.coverage(release=estimates).set_index("paragraph")
gap = release[
    (release["tracked"] == "indicators")
    & (release["n_indicators"] > 0)
    & (release["indicators_with_data"].str.len() == 0)
]
print("measurable and without data here:", ", ".join(f"{number} ({row.title})" for number, row in gap.iterrows()))

# %% [markdown]
# ## What cannot be concluded
#
# - Nothing is added up: an average over indicators of different kinds, units and errors would have no meaning.
# - The intervals of records speak of the process behind them, not of what a register misses; those of surveys not of what
#   people didn't say.
# - Many figures without a change say where a country stands by its own measures, not whether commitments are kept. A second wave does.
# - No comparison with other countries: the framework is for national systems.
#
# ## With an office's own data
#
# `um.build("my_office")` computes all this from a folder with the office's data sets, with breakdowns, confidentiality, and a page for
# every paragraph that its data speak to (*An office's folder*). `um.coverage(release=…)` and the plots take its release.
