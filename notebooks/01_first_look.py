# %% [markdown]
# # A first look
#
# How many people met with bribery, how sure is that, and do women and men differ? From a data set to a figure with its uncertainty,
# a comparison, a picture, and the truth.
#
# The survey is simulated: an invented country, whose true values are known. `pip install uncac-metrics` is all that is needed.

# %%
import uncac_metrics as um

catalogue = um.load_catalogue()
{name: card.name for name, card in catalogue.items()}

# %% [markdown]
# ## A definition
#
# A card says who is counted, over whom, and which commitments the number speaks to.

# %%
card = catalogue["BR-01"]
print(card.name, card.name_zh, card.formula, card.universe, sep="\n")
print("Paragraphs of the declaration:", ", ".join(card.paragraphs))
print("Provenance:", card.provenance, "·", card.provenance_note)

# %% [markdown]
# ## The data

# %%
survey = um.load_dataset("population_2025")
print(survey.source.title)
survey.table.iloc[:5, :12]

# %% [markdown]
# ## Estimates
#
# One row an estimate. `_T` is the total; values are in the unit of the card. The rate is the ratio of two weighted totals over people with contact,
# its error that of the linearised ratio under the sample design (Särndal, Swensson and Wretman 1992, section 5.6), its interval
# Korn and Graubard's (1998), which is honest for rare events too.

# %%
bribery = um.estimate("BR-01", survey, by=["sex", "urbanisation"])
bribery

# %% [markdown]
# Several indicators at once, in one pass over the rows:

# %%
um.estimate(["BR-01", "BR-02", "BR-03", "BR-04", "BR-18"], survey).table[
    ["indicator", "value", "std_error", "lower", "upper", "n", "events", "denominator"]
].round(2)

# %% [markdown]
# ## Do men and women differ?
#
# Both were interviewed in the same places. The comparison uses their joint covariance.

# %%
by_sex = um.estimate("BR-01", survey, by=["sex"])
um.compare(by_sex, over="sex")

# %% [markdown]
# ## A picture
#
# Title, unit and direction come from the definition.

# %%
groups = um.estimate("BR-01", survey, by=["sex", "age", "urbanisation"], cross=False)
um.plots.interval(groups, indicator=card);

# %% [markdown]
# ## Against the truth
#
# The population was simulated, so the true values are known; they lie beside the data.

# %%
from pathlib import Path

import pandas as pd

truth = pd.read_csv(Path(survey.source.file).parent / "truth.csv", keep_default_na=False)
true = truth[(truth["indicator"] == "BR-01") & (truth["sex"] != "_T")].set_index("sex")["value"].astype(float)
by_sex.select(sex=["F", "M"]).table.set_index("sex")[["value", "lower", "upper"]].assign(true=true).round(2)

# %% [markdown]
# ## What cannot be concluded
#
# - Two intervals that contain the truth prove nothing about intervals: how often they do is on the page *How often intervals
#   contain the truth*.
# - The interval is about the sample, not about what people don't remember or don't say.
# - A difference between women and men that chance does not explain may be one of contact, place or age. It is no cause.
#
# Next: a design of one's own ([02](02_survey_design.ipynb)), or an office's survey from its file to a release
# ([03](03_from_survey_file_to_release.ipynb)).
