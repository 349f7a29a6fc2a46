# %% [markdown]
# # Planning a survey of bribery
#
# How many people have to be selected, in how many sampling units, so that SDG 16.5.1 can be published by sex and region, and a change
# between two waves would be found? The answer depends on four numbers that an office knows from an earlier survey or has to
# assume: prevalence, the share of people with contact, response, and the design effect. All are taken here from the
# simulated survey of 2025 of an invented country, as an office would take them from its last one, and at the end the
# plan is tried on fresh samples.
#
# Methods: Cochran (1977), *Sampling Techniques*, section 4.4; Kish (1965), *Survey Sampling*, on design effects; Korn and
# Graubard (1998) for intervals of rare events.

# %%
import numpy as np
import pandas as pd
from matplotlib import pyplot as plt

import uncac_metrics as um
from uncac_metrics.stats import survey

last = um.load_dataset("population_2025")
bribery = um.estimate("BR-01", last, by=["sex", "area"], cross=False).table
total = bribery.iloc[0]
people = last.table
contact = survey.mean(survey.Design(people, weight="weight", stratum="stratum", psu="psu"), "contact").table.iloc[0]
by_psu = people.groupby("psu").size()
reported = um.estimate("BR-18", last).table.iloc[0]
pd.DataFrame(
    {
        "prevalence, %": [total["value"], total["lower"], total["upper"], total["n"]],
        "people with contact, %": [
            100 * contact["value"],
            100 * contact["lower"],
            100 * contact["upper"],
            contact["n"],
        ],
        "payers who reported, %": [reported["value"], reported["lower"], reported["upper"], reported["n"]],
    },
    index=["value", "lower", "upper", "n"],
).T.astype({"n": int}).round(1)

# %% [markdown]
# ## The design effect, taken apart
#
# People of one village are alike, and so each further interview there tells less. With $b$ respondents with contact in a unit and
# intraclass correlation $\rho$ the design effect is about $(1 + (b - 1)\rho)$ times that of unequal weights, $1 + \mathrm{cv}^2(w)$
# (Kish). Turning the observed design effect round gives $\rho$, which is what can be carried over to another design.

# %%
having = people[people["contact"] == 1]
weights = 1 + (having["weight"].std(ddof=0) / having["weight"].mean()) ** 2
taken = len(having) / having["psu"].nunique()
clusters = total["deff"] / weights
rho = (clusters - 1) / (taken - 1)
print(f"design effect {total['deff']:.2f} = {weights:.2f} (weights) × {clusters:.2f} (clusters of {taken:.1f})")
print(f"intraclass correlation {rho:.3f}")

# %% [markdown]
# ## How many people?
#
# Half widths of the 95 % interval for the country and for a region that has a sixth of the sample, at this design effect and a response
# of 80 %. `contact` is what makes the sample so large: the rate rests only on those who had contact.

# %%
share, answer = float(contact["value"]), 0.8
common = {"deff": float(total["deff"]), "contact": share, "response": answer}
sizes = pd.DataFrame(
    {
        f"± {margin} points": [survey.sample_size(p / 100, margin / 100, **common) for p in (5, 10, 17.6, 30)]
        for margin in (1, 1.5, 2, 3)
    },
    index=pd.Index(["5 %", "10 %", "17.6 %", "30 %"], name="prevalence"),
)
sizes

# %%
figure, ax = plt.subplots(figsize=(6.4, 3.4), layout="constrained")
n = np.arange(1_000, 20_001, 500)
for label, part, style in (("country", 1.0, "-"), ("one sex", 0.5, "--"), ("one of six regions", 1 / 6, ":")):
    widths = [
        np.subtract(
            *survey.expected_interval(0.176, part * answer * k, deff=common["deff"], contact=share, df=200)[::-1]
        )
        / 2
        for k in n
    ]
    ax.plot(n, 100 * np.array(widths), style, label=label)
ax.set_ylim(bottom=0)
ax.set_xlabel("people selected")
ax.set_ylabel("half width of the interval, points")
ax.legend(frameon=False)
ax.spines[["top", "right"]].set_visible(False);

# %% [markdown]
# ## How many villages?
#
# The same number of interviews in more villages is worth more and costs more. What a design with $m$ people selected in each unit gives,
# with $\rho$ from above, for 9,600 selected people:

# %%
rows = []
for m in (6, 12, 20, 32, 48):
    b = m * answer * share
    deff = weights * (1 + (b - 1) * rho)
    lower, upper = survey.expected_interval(0.176, 9_600 * answer, deff=deff, contact=share, df=9_600 // m - 12)
    rows.append(
        {
            "people a unit": m,
            "units": 9_600 // m,
            "design effect": deff,
            "half width, points": 50 * (upper - lower),
            "worth as many people at 20 a unit": 9_600 * weights * (1 + (20 * answer * share - 1) * rho) / deff,
        }
    )
pd.DataFrame(rows).set_index("people a unit").round(
    {"design effect": 2, "half width, points": 2, "worth as many people at 20 a unit": 0}
)

# %% [markdown]
# ## Rare events
#
# Reporting of bribes rests on those who paid, a few per cent of the people selected. What would be published of it, whatever it is?
# The interval is Korn and Graubard's, which is honest with few events.

# %%
payers = float(um.estimate("BR-02", last).table["value"].iloc[0]) / 100 * share
rows = []
for selected in (2_400, 4_800, 9_600, 19_200):
    for p in (0.02, 0.07):
        lower, upper = survey.expected_interval(p, selected * answer, deff=1.2, contact=payers, df=200)
        rows.append(
            {
                "selected": selected,
                "payers": round(selected * answer * payers),
                "reported, %": 100 * p,
                "lower": 100 * lower,
                "upper": 100 * upper,
            }
        )
pd.DataFrame(rows).set_index(["selected", "payers", "reported, %"]).round(1)

# %% [markdown]
# ## A change between two waves
#
# Target 16.5 is about change. The probability of finding a fall from 17.6 % (two-sided test at 5 %), and the people needed for 80 %; half of the
# sampling units kept from wave to wave helps as far as their estimates are correlated. The correlation can be taken from the last
# two waves:

# %%
before, after = (um.estimate("BR-01", f"population_{year}") for year in (2023, 2025))
change = um.compare(after, before).table.iloc[0]
errors = [float(wave.table["std_error"].iloc[0]) for wave in (before, after)]
kept = (errors[0] ** 2 + errors[1] ** 2 - change["std_error"] ** 2) / (2 * errors[0] * errors[1])
correlation = kept / 0.5
print(
    f"change {change['value']:.1f} points ({change['lower']:.1f} to {change['upper']:.1f}); "
    f"correlation of the waves {kept:.2f}, within the half that is kept {correlation:.2f}"
)

# %%
wave = {"deff": common["deff"], "contact": share}
rows = []
for now in (0.166, 0.156, 0.146, 0.126):
    rows.append(
        {
            "a fall from 17.6 to, %": 100 * now,
            "power with 8,000 answering": survey.power(0.176, now, 8_000, **wave),
            "the same, half of the units kept": survey.power(
                0.176, now, 8_000, **wave, overlap=0.5, correlation=correlation
            ),
            "selected for a power of 80 %": survey.sample_size_difference(0.176, now, **common),
            "the same, half kept": survey.sample_size_difference(
                0.176, now, **common, overlap=0.5, correlation=correlation
            ),
        }
    )
pd.DataFrame(rows).set_index("a fall from 17.6 to, %").round(2)

# %% [markdown]
# A survey that is large enough for a level may be far too small for a change: to find a fall by one point takes four times the sample that
# gives a level to within one point. The correlation is itself read off two samples, and without an interval: plan as if it were lower.
#
# ## Is the plan right?
#
# A plan can be tried before anybody is interviewed. A population with these parameters is drawn (villages with their own prevalence,
# beta-distributed with $\rho$), and 300 samples of 9,600 people in 480 villages are taken from it. Each is analysed as the survey would be.

# %%
rng = np.random.default_rng(16)
villages, selected = 480, 20
concentration = 1 / rho - 1
widths, inside = [], 0
for _ in range(300):
    level = rng.beta(0.176 * concentration, (1 - 0.176) * concentration, villages)
    answering = rng.binomial(selected, answer * share, villages)
    paid = rng.binomial(answering, level)
    frame = pd.DataFrame(
        {
            "village": np.repeat(np.arange(villages), 2),
            "paid": np.tile([1, 0], villages),
            "people": np.column_stack([paid, answering - paid]).ravel().astype(float),
        }
    )
    row = survey.mean(survey.Design(frame[frame["people"] > 0], weight="people", psu="village"), "paid").table.iloc[0]
    widths.append((row["upper"] - row["lower"]) / 2)
    inside += row["lower"] <= 0.176 <= row["upper"]
deff = 1 + (selected * answer * share - 1) * rho
lower, upper = survey.expected_interval(0.176, villages * selected * answer, deff=deff, contact=share, df=villages - 1)
low, high = um.stats.counts.share(pd.DataFrame({"in": [inside], "of": [300]}), "in", "of").table.loc[
    0, ["lower", "upper"]
]
print(
    f"half width planned {50 * (upper - lower):.2f} points, found {100 * np.mean(widths):.2f} on average "
    f"(90 % of samples: {100 * np.quantile(widths, 0.05):.2f} to {100 * np.quantile(widths, 0.95):.2f})"
)
print(
    f"intervals that contain the truth: {100 * inside / 300:.1f} % ({100 * low:.1f} to {100 * high:.1f} %, 300 samples)"
)

# %% [markdown]
# ## What cannot be concluded
#
# - A sample size is a statement about sampling error. It does not make refusals, recall errors or fear smaller, and a large sample
#   makes people believe a biased figure.
# - Design effects and correlations are estimates themselves and differ between questions: plan with the larger ones.
# - Half widths are expectations; half of the samples will do worse.
#
# ## With an office's own last survey
#
# Only the first cell changes: `last` is the office's data set, and `deff`, `n` and `df` are columns of every estimate. What published
# surveys of other countries show can serve where there is none: the design effect of bribery in AmericasBarometer's survey of Ecuador in 2010 was
# 2.4 (www.vanderbilt.edu/lapop, file of 2010; 3,000 interviews, computed with this package).
