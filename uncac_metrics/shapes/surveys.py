"""Shapes of sample surveys: of the population, of enterprises, of civil servants."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from uncac_metrics.model import Column, Shape
from uncac_metrics.shapes.columns import DISABILITY, FIRM_SIZE, SEX, URBANISATION, code, number, yes

MODALITY = {
    "explicit": "Explicit request by the official",
    "implicit": "Implicit request by the official",
    "third_party": "Request through a third party",
    "offered": "Offered by the payer without a request",
}
TIMING = {
    "before": "Before the service",
    "during": "At the same time as the service",
    "after": "After the service",
    "split": "Partly before and partly after the service",
    "unknown": "Not known to the respondent",
}
REASON = {
    "speed_up": "To speed up a procedure",
    "avoid_fine": "To avoid or reduce a fine",
    "avoid_problem": "To avoid a problem with the authority",
    "better_treatment": "To receive better treatment",
    "finalise": "To make it possible to finalise a procedure",
    "gratitude": "To show gratitude",
    "other": "Other reason",
}
PLACE = {
    "office": "At the official's office",
    "home": "At a home",
    "public": "In a street or other public place",
    "vehicle": "In a vehicle",
    "phone_online": "By telephone or online",
    "other": "Elsewhere",
}

INDEPENDENCE = {
    "very_good": "Very good",
    "fairly_good": "Fairly good",
    "fairly_bad": "Fairly bad",
    "very_bad": "Very bad",
}
"""Answers on the independence of courts and judges (as in Eurostat's sdg_16_40)."""

OFFICIALS = "type of public official"
TRANSACTIONS = MappingProxyType(
    {
        "electricity": "Electricity connection",
        "water": "Water connection",
        "construction": "Construction permit",
        "import": "Import licence",
        "operating": "Operating licence",
        "tax": "Visit or inspection by a tax official",
    }
)
"""The six transactions of SDG indicator 16.5.2: items of ``transaction__*`` and ``request__*``."""


_DESIGN = (
    Column("weight", "weight", "Design weight: units of the population that the row stands for", low=0,
           required=True, complete=True, unit="units of the population"),
    Column("stratum", "text", "Stratum of the first stage of sampling"),
    Column("psu", "text", "Primary sampling unit"),
    number("fpc", "Primary sampling units of the stratum in the population, or the fraction sampled"),
    code("area", "Area below the national level"),
    code("urbanisation", "Urban or rural residence or location", URBANISATION),
)  # fmt: skip
_PERSON = (
    Column("respondent", "text", "Identifier of the respondent", complete=True),
    code("sex", "Sex", SEX),
    code("age", "Age group, such as Y18T29 or Y_GE60"),
)
_BRIBERY = (
    yes("contact", "Had contact with a public official in the reference period"),
    yes("paid", "Paid a bribe to a public official"),
    yes("asked", "Was asked for a bribe by a public official at least once, paid or not"),
    yes("paid_or_asked", "Paid a bribe to a public official or was asked for one"),
    yes("refused", "Was asked for a bribe and refused at least once"),
    yes("contact__*", f"Had contact, by {OFFICIALS}"),
    yes("paid__*", f"Paid a bribe, by {OFFICIALS}"),
    yes("asked__*", f"Was asked for a bribe, by {OFFICIALS}"),
    yes("paid_or_asked__*", f"Paid a bribe or was asked for one, by {OFFICIALS}"),
    number("bribes", "Bribes paid in the reference period; 0 for those who paid none", "bribes", "count"),
    yes("cash", "The last bribe was paid in money"),
    number("amount", "Money paid in the last bribe", "local currency"),
    number("cash_value", "Money paid in bribes in the period, taking the last as typical", "local currency"),
    yes("reported", "Reported the last bribe to an official authority"),
)
_BRIBERY_ZEROS = (
    *((f"{c}__*", "contact__*") for c in ("paid", "asked", "paid_or_asked")),
    *((f"{c}__*", "contact") for c in ("contact", "paid", "asked", "paid_or_asked")),
    *((c, "contact") for c in ("paid", "asked", "paid_or_asked", "refused")),
    ("refused", "asked"), ("bribes", "paid"), ("cash_value", "paid"),
)  # fmt: skip
_BRIBERY_WITHIN = (
    *_BRIBERY_ZEROS,
    ("paid", "paid_or_asked"), ("asked", "paid_or_asked"), ("paid__*", "paid_or_asked__*"),
    ("asked__*", "paid_or_asked__*"), ("paid__*", "paid"), ("asked__*", "asked"),
    ("paid_or_asked__*", "paid_or_asked"), ("cash", "paid"), ("amount", "paid"),
    ("reported", "paid"),
)  # fmt: skip
_BRIBERY_DERIVED: Mapping[str, Mapping[str, object]] = {
    "paid_or_asked__*": {"any": ["paid__*", "asked__*"], "missing": "strict"},
    "paid_or_asked": {"any": ["paid", "asked"], "missing": "strict"},
    "cash_value": {"product": ["bribes", "cash", "amount"]},
}

_LAST_BRIBE = ("modality", "form__*", "timing", "reason", "place")

POPULATION = Shape(
    "population_survey",
    "Survey of the population",
    "adult",
    (
        *_DESIGN, *_PERSON,
        code("education", "Highest level of education"),
        code("income", "Income or wealth group"),
        code("citizenship", "Citizenship"),
        code("disability", "Disability status", DISABILITY),
        code("population_group", "Other population group"),
        *_BRIBERY,
        code("modality", "How the last bribe came about", MODALITY),
        yes("form__*", "Form of the last bribe: cash, goods, food, service, sexual, other"),
        code("timing", "When the last bribe was paid", TIMING),
        code("reason", "Purpose of the last bribe", REASON),
        code("place", "Where the last bribe was paid", PLACE),
        number("personal_income", "Monthly personal income", "local currency per month"),
        number("deflator", "Factor from prices of the period to constant prices"),
        number("ppp", "Factor from local currency to international dollars"),
        number("product_share", "One over the gross domestic product of the period, in local currency"),
        number("amount_real", "Money paid in the last bribe, at constant prices", "local currency, constant prices"),
        number("amount_ppp", "Money paid in the last bribe, in international dollars", "international dollars"),
        number("cash_value_product", "Money paid in bribes in the period, as a share of gross domestic product"),
        yes("formal_procedure", "The report led to a formal procedure"),
        yes("consequence", "Suffered negative consequences after refusing"),
        yes("acceptable", "Finds bribery acceptable"),
        yes("vote_offer", "Was offered money or a favour for a vote"),
        yes("justice_contact", "Had contact with a judge or prosecutor in the reference period"),
        yes("justice_paid_or_asked", "Paid a bribe to a judge or prosecutor or was asked for one"),
        code("judicial_independence", "How independent the courts and judges are seen to be", INDEPENDENCE),
        yes("aware_body", "Knows that there is an anti-corruption body"),
        yes("recruited_3y", "Was recruited into public service in the last three years"),
        yes("recruited_unfairly", "Was recruited with the help of a bribe, nepotism or favour"),
        yes("would_report_safely", "Would report corruption and feel safe in doing so"),
        yes("sexual_favour", "The last bribe asked for or paid was a sexual favour"),
        yes("private_contact", "Had contact with an employee of the private sector in the reference period"),
        yes("private_asked", "Was asked for a bribe by an employee of the private sector"),
        yes("private_contact__*", "Had contact, by type of private-sector employee"),
        yes("private_asked__*", "Was asked for a bribe, by type of private-sector employee"),
    ),
    key=("respondent",),
    derived={
        **_BRIBERY_DERIVED,
        "amount_real": {"product": ["amount", "deflator"]},
        "amount_ppp": {"product": ["amount", "ppp"]},
        "cash_value_product": {"product": ["cash_value", "product_share"]},
        "justice_contact": {"any": ["contact__judge", "contact__prosecutor"], "missing": "strict"},
        "justice_paid_or_asked": {"any": ["paid_or_asked__judge", "paid_or_asked__prosecutor"], "missing": "strict"},
    },
    sources=("population_survey",),
    zeros=(
        *_BRIBERY_ZEROS, ("justice_paid_or_asked", "justice_contact"),
        ("private_contact__*", "private_contact"), ("private_asked", "private_contact"),
        ("private_asked__*", "private_contact__*"), ("private_asked__*", "private_contact"),
    ),
    within=(
        *_BRIBERY_WITHIN, *((c, "paid") for c in _LAST_BRIBE), ("formal_procedure", "reported"),
        ("consequence", "refused"), ("justice_paid_or_asked", "justice_contact"),
        ("recruited_unfairly", "recruited_3y"), ("private_contact__*", "private_contact"),
        ("private_asked__*", "private_contact__*"), ("private_asked__*", "private_contact"),
        ("private_asked", "private_contact"), ("private_asked__*", "private_asked"),
    ),
)  # fmt: skip

BUSINESS = Shape(
    "business_survey",
    "Survey of enterprises",
    "enterprise",
    (
        *_DESIGN,
        Column("enterprise", "text", "Identifier of the enterprise", complete=True),
        code("sector", "Economic sector (ISIC)"),
        code("firm_size", "Size class of the enterprise", FIRM_SIZE),
        code("ownership", "Ownership of the enterprise"),
        *_BRIBERY,
        yes("used_intermediary", "Used an intermediary to influence a decision of an authority"),
        yes("bid", "Bid for a public contract in the reference period"),
        yes("kickback_asked", "Was asked for a kickback to win a public contract"),
        yes("above_threshold", "Is of a size that should have an anti-bribery programme"),
        yes("compliance_programme", "Has an anti-bribery programme"),
        yes("forwent_investment", "Gave up an investment for fear of having to pay bribes"),
        yes("transaction__*", f"Took part in the transaction: {', '.join(TRANSACTIONS)}"),
        yes("request__*", "A gift or informal payment was asked for or expected in the transaction"),
        yes("any_transaction", "Took part in at least one of the transactions"),
        yes("any_request", "Was asked or expected to pay in at least one of the transactions"),
        number("transactions", "Transactions that the enterprise took part in", "transactions", "count"),
        number("requests", "Transactions with a payment asked for or expected", "transactions", "count"),
    ),
    key=("enterprise",),
    sources=("business_survey",),
    derived={
        **_BRIBERY_DERIVED,
        "any_transaction": {"any": ["transaction__*"], "missing": "strict"},
        "any_request": {"any": ["request__*"], "missing": "strict"},
        "transactions": {"sum": ["transaction__*"], "missing": "strict"},
        "requests": {"sum": ["request__*"], "missing": "strict"},
    },
    zeros=(*_BRIBERY_ZEROS, ("request__*", "transaction__*"), ("kickback_asked", "bid")),
    within=(
        *_BRIBERY_WITHIN, ("request__*", "transaction__*"), ("transaction__*", "any_transaction"),
        ("request__*", "any_request"), ("any_request", "any_transaction"), ("requests", "any_request"),
        ("kickback_asked", "bid"),
    ),
    ordered=(("requests", "transactions"),),
)  # fmt: skip

CIVIL_SERVANT = Shape(
    "civil_servant_survey",
    "Survey of civil servants",
    "civil servant",
    (
        *_DESIGN, *_PERSON,
        code("grade", "Grade"),
        code("institution", "Institution"),
        yes("public_contact", "Had contact with members of the public at work in the reference period"),
        yes("offered", "Was offered a bribe by a member of the public"),
        yes("offer_reported", "Reported the last offer of a bribe"),
        yes("undue_pressure", "Was put under undue pressure in a decision"),
        yes("aware_misuse", "Is aware of misuse of resources in the own unit"),
        yes("asked_against_rules", "Was asked to act against the rules"),
        yes("recruited_3y", "Was recruited in the last three years"),
        yes("recruited_unfairly", "Was recruited with the help of a bribe, nepotism or favour"),
        yes("knows_code", "Answers questions on the code of conduct correctly"),
        yes("training_2y", "Took part in integrity training in the last two years"),
        yes("would_report_safely", "Could report corruption without fear of consequences"),
    ),
    key=("respondent",),
    sources=("civil_servant_survey",),
    zeros=(("offered", "public_contact"),),
    within=(
        ("offered", "public_contact"), ("offer_reported", "offered"), ("recruited_unfairly", "recruited_3y"),
    ),
)  # fmt: skip
