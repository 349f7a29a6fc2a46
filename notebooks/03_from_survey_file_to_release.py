# %% [markdown]
# # A national survey, from file to release
#
# A statistics office has the file of its survey. Which steps lead from there to published figures that others can check, and
# what does each of them decide? The country is invented and its survey is simulated, so that at the end the figures can be
# held against the truth. Every step is the same for a real file.

# %%
import json
import shutil
import tempfile
from pathlib import Path

import pandas as pd

import uncac_metrics as um
from uncac_metrics import disclosure
from uncac_metrics.builds import verify
from uncac_metrics.model import Faults

raw = Path(um.load_dataset("population_2025").source.file).parent
folder = Path(tempfile.mkdtemp())
dataset = folder / "office" / "datasets" / "population_2025"
dataset.mkdir(parents=True)
shutil.copy(raw / "data.csv.gz", dataset)
answers = pd.read_csv(dataset / "data.csv.gz")
print(f"{len(answers):,} rows, {answers.shape[1]} columns")
answers[
    ["ID", "REG", "UR", "STRATO", "UPM", "W_FINAL", "Q1_SEX", "Q2_AGE", "Q10_POLICE", "Q11_POLICE", "Q12_POLICE"]
].head(4)

# %% [markdown]
# ## What the columns mean
#
# The file is never edited. A text beside it, `source.toml`, says who made it, how the sample was drawn, and how its columns and
# codes become those that definitions rest on. Here is one for the core of SDG 16.5.1, with two decisions in it:
#
# - a person had *contact* if any of ten questions says so, and *paid or was asked* if any of twenty does;
# - `missing = "strict"`: who refuses one answer and says "no" to all others is not counted as "no". It is unknown.

# %%
officials = ["POLICE", "JUDGE", "DOCTOR", "TEACHER", "TAX", "CUSTOMS", "MUNICIPAL", "LAND", "VEHICLE", "UTILITY"]


regions = ", ".join(f'"{code}" = "XXA-{name}"' for code, name in enumerate(["CA", "NO", "CO", "LA", "SO", "IS"], 1))


def any_of(*questions: str) -> str:
    names = ", ".join(f'"{question}_{official}"' for question in questions for official in officials)
    return f'{{any = [{names}], yes = [1], no = [2, 7], missing = "strict"}}'


source = f"""
title = "Population survey on bribery, 2025 (simulated)"
producer = "Statistical Office of Exampleland (simulated)"
terms = "BSD-3-Clause"
origin = "Simulated"
shape = "population_survey"
path = "data.csv.gz"
ref_area = "XXA"
time_period = "2025"
simulated = true
missing = [8, 9]

[design]
weight = "weight"
stratum = "stratum"
psu = "psu"
singleton = "error"

[columns]
weight = {{from = "W_FINAL"}}
stratum = {{from = "STRATO"}}
psu = {{from = "UPM"}}
sex = {{from = "Q1_SEX", recode = {{"1" = "M", "2" = "F"}}}}
age = {{from = "Q2_AGE", bins = [18, 30, 45, 65, inf], labels = ["Y18T29", "Y30T44", "Y45T64", "Y_GE65"]}}
urbanisation = {{from = "UR", recode = {{"1" = "U", "2" = "R"}}}}
area = {{from = "REG", recode = {{{regions}}}}}
contact = {any_of("Q10")}
asked = {any_of("Q11")}
paid = {any_of("Q12")}
reported = {{from = "Q22_REPORT", yes = [1], no = [2]}}
"""
_ = (dataset / "source.toml").write_text(source)
survey = um.load_dataset(dataset)
survey.table.head(4)

# %% [markdown]
# ## Faults before figures
#
# Nothing is estimated from a source with faults, and all faults of a step are told at once: first those of the text, which
# need no data, then those that the file shows.

# %%
misspelt = source.replace("singleton", "singelton").replace('missing = "strict"', 'missing = "strickt"')
renamed = source.replace("Q22_REPORT", "Q22_REPORTED").replace("W_FINAL", "WEIGHT")
forgotten = source.replace(', "2" = "F"}', "}")
for wrong in (misspelt, renamed, forgotten):
    _ = (dataset / "source.toml").write_text(wrong)
    try:
        um.load_dataset(dataset)
    except Faults as found:
        for fault in found.faults:
            print(f"{fault.where}: {fault.what}\n    → {fault.remedy}")
_ = (dataset / "source.toml").write_text(source)

# %% [markdown]
# ## The estimate
#
# SDG 16.5.1 is the card BR-01: the ratio of two weighted totals, $\hat R = \sum w\,y / \sum w\,c$, over people with contact ($c$). Its
# variance is that of the linearised total $\sum w (y - \hat R c)/\sum w c$, from the spread of the sampling units within strata
# (Taylor linearisation; Särndal, Swensson and Wretman 1992, section 5.6). The interval is Korn and Graubard's (1998) with
# the degrees of freedom of the design.

# %%
columns = ["value", "std_error", "lower", "upper", "df", "n", "events", "deff"]
bribery = um.estimate("BR-01", survey, by=["sex", "age", "urbanisation", "area"], cross=False)
bribery.table[["sex", "age", "urbanisation", "area", *columns]].round(2)

# %%
catalogue = um.load_catalogue()
um.plots.interval(bribery, indicator=catalogue["BR-01"], source="population survey 2025 (simulated)");

# %% [markdown]
# `n` is smaller than the number of interviews: it counts those with contact whose answer is known. `deff` is how much larger the
# variance is than that of a simple random sample of the same size. An analysis without the design would be too sure of
# itself by the square root of that.

# %% [markdown]
# ## What unknown answers could do
#
# The rule for missing answers is a choice. `ignore` counts a person by the answers that were given. The difference of the two
# is no sampling error, and no interval contains it:

# %%
lenient = folder / "lenient"
lenient.mkdir()
shutil.copy(dataset / "data.csv.gz", lenient)
_ = (lenient / "source.toml").write_text(source.replace('missing = "strict"', 'missing = "ignore"'))
both = {"strict": survey, "ignore": um.load_dataset(lenient)}
rules = pd.concat({name: um.estimate("BR-01", data).table for name, data in both.items()}).droplevel(1)
rules[["value", "std_error", "lower", "upper", "n", "n_eligible"]].round(2)

# %% [markdown]
# ## Is it precise enough, does it tell of somebody?
#
# Presentation standards answer the first question, disclosure control the second. `office.toml` names the office's choice:
# the rules of the US National Center for Health Statistics for proportions (Parker et al. 2017), and no figure on fewer
# than five answers; figures from which a small one could be subtracted are withheld with it. By area and sex at once,
# little of the reporting of bribes (BR-18, over those who paid) can be shown.

# %%
_ = (folder / "office" / "office.toml").write_text("""
id = "xxa"
name = "Statistical Office of Exampleland (simulated)"
ref_area = "XXA"
disaggregations = ["sex", "age", "urbanisation", "area"]

[publication]
standards = ["nchs_proportions"]
minimum = 5
""")
crossed = um.estimate(["BR-01", "BR-18"], survey, by=["area", "sex"])
judged = disclosure.present(crossed, "nchs_proportions").table
print(judged.groupby(["indicator", "display"]).size().to_dict())
withheld = judged[(judged["indicator"] == "BR-01") & (judged["display"] == "withheld")]
print(withheld["reason"].iloc[0])
withheld[["area", "sex", "value", "lower", "upper", "n", "display"]].round(1)

# %% [markdown]
# ## The release
#
# A build computes every indicator that the data allow, or writes nothing. The public part has the estimates, a page and a
# manifest with the digest of each input; what is confidential stays in the internal part.

# %%
release = um.build(folder / "office", folder / "out")
shown = release.estimates["display"].value_counts()
print(f"{release.estimates['indicator'].nunique()} indicators, {len(release.estimates)} rows:", shown.to_dict())
sorted(json.loads((release.folder / "public" / "manifest.json").read_text(encoding="utf-8")))

# %%
um.plots.table_figure(
    release.estimates[release.estimates["area"] == "_T"],
    indicator=catalogue["BR-18"],
    source="population survey 2025 (simulated)",
);

# %% [markdown]
# Anybody who has the files can prove that they are those that were built; a changed byte is named. The same input gives the
# same release, byte for byte.

# %%
print("whole and unchanged:", verify(folder / "out") == [release.id])

# %% [markdown]
# ## A revision
#
# The office learns that the interviews of three sampling units were invented by an interviewer, and removes them. What changed,
# in units of the error that users were told?

# %%
units = answers["UPM"].drop_duplicates().iloc[[10, 210, 410]]
answers[~answers["UPM"].isin(units)].to_csv(dataset / "data.csv.gz", index=False)
revised = um.build(folder / "office", folder / "out")
changes = um.revisions(release, revised)
largest = changes.sort_values("in_std_errors", key=abs, ascending=False, kind="stable").head(4)
print(changes["status"].value_counts().to_dict())
largest[["indicator", "sex", "age", "area", "value_before", "value_after", "in_std_errors", "reason"]].round(2)

# %% [markdown]
# ## Against the truth
#
# The population was simulated before the sample was drawn, and the true values were counted over all of it.

# %%
truth = pd.read_csv(raw / "truth.csv", keep_default_na=False).query("indicator == 'BR-01'")
keys = ["sex", "age", "urbanisation", "area"]
beside = bribery.table.merge(truth[[*keys, "value"]].astype({"value": float}), on=keys, suffixes=("", "_true"))
inside = (beside["lower"] <= beside["value_true"]) & (beside["value_true"] <= beside["upper"])
print(f"{inside.sum()} of {len(inside)} intervals of 95 % contain the true value")
beside.loc[:5, [*keys, "value", "lower", "upper", "value_true"]].round(2)

# %%
shutil.rmtree(folder)

# %% [markdown]
# ## What cannot be concluded
#
# - The interval is about the sample, and only about it. Whether people remember, dare to say, or understand a question as it
#   was meant is outside it; refusals here are more frequent among those who paid, as they are in real surveys.
# - Prevalence is the share of people with contact who paid or were asked *at least once*. It says nothing of how often, how
#   much, or what for, and nothing of corruption that has no single victim.
# - A difference between groups that chance does not explain is still no cause.
#
# ## With an office's own file
#
# The same steps with the answers of a real survey: an SPSS or Stata file is read with its labels, and common designs have
# readers of their own (Afrobarometer, AmericasBarometer, surveys of INEGI; see *International files*). Micro-data of
# Afrobarometer are at afrobarometer.org/data, of the AmericasBarometer at www.vanderbilt.edu/lapop, and of the
# surveys ENCIG and ENCUCI of Mexico at www.inegi.org.mx; each has terms of its own, and none is part of this package.
