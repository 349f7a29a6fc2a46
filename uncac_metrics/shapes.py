"""Shapes: the data dictionary of every kind of table that the package takes or gives, as plain data.

A shape says what a row is, which columns it may have, what they mean, which codes they take, and which
columns follow from others. :mod:`uncac_metrics.tables` checks tables against it, :mod:`uncac_metrics.mapping`
fills them by it.

Names with ``__*`` stand for one column an item: ``contact__*`` for ``contact__police``, ``contact__judge``, …
In pairs of columns ``__*`` on both sides means the same item, on one side every item.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from uncac_metrics.model import (
    BREAKDOWNS,
    CONF_STATUS,
    DISPLAY,
    ESTIMATE_KEY,
    ESTIMATE_LEADING,
    OBS_STATUS,
    Column,
    Shape,
)

SEX = {"F": "Female", "M": "Male", "O": "Other"}
URBANISATION = {"U": "Urban", "R": "Rural"}
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
FIRM_SIZE = {"micro": "Micro", "small": "Small", "medium": "Medium", "large": "Large"}
NATURE = {
    "C": "Country data",
    "CA": "Country data, adjusted",
    "E": "Estimated",
    "G": "Global monitoring data",
    "M": "Modelled",
    "N": "Non-relevant",
    "NA": "Nature not available",
    "_X": "Not stated",
}
"""Nature of a published figure (codes of the SDG data structure)."""

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


def _yes(name: str, label: str) -> Column:
    return Column(name, "yes_no", label)


def _code(name: str, label: str, codes: Mapping[str, str] | None = None) -> Column:
    return Column(name, "code", label, codes)


def _number(name: str, label: str, unit: str = "", kind: str = "number") -> Column:
    return Column(name, kind, label, low=0, unit=unit)


_DESIGN = (
    Column("weight", "weight", "Design weight: units of the population that the row stands for", low=0,
           required=True, complete=True, unit="units of the population"),
    Column("stratum", "text", "Stratum of the first stage of sampling"),
    Column("psu", "text", "Primary sampling unit"),
    _number("fpc", "Primary sampling units of the stratum in the population, or the fraction sampled"),
    _code("area", "Area below the national level"),
    _code("urbanisation", "Urban or rural residence or location", URBANISATION),
)  # fmt: skip
_PERSON = (
    Column("respondent", "text", "Identifier of the respondent", complete=True),
    _code("sex", "Sex", SEX),
    _code("age", "Age group, such as Y18T29 or Y_GE60"),
)
_BRIBERY = (
    _yes("contact", "Had contact with a public official in the reference period"),
    _yes("paid", "Paid a bribe to a public official"),
    _yes("asked", "Was asked for a bribe by a public official at least once, paid or not"),
    _yes("paid_or_asked", "Paid a bribe to a public official or was asked for one"),
    _yes("refused", "Was asked for a bribe and refused at least once"),
    _yes("contact__*", f"Had contact, by {OFFICIALS}"),
    _yes("paid__*", f"Paid a bribe, by {OFFICIALS}"),
    _yes("asked__*", f"Was asked for a bribe, by {OFFICIALS}"),
    _yes("paid_or_asked__*", f"Paid a bribe or was asked for one, by {OFFICIALS}"),
    _number("bribes", "Bribes paid in the reference period; 0 for those who paid none", "bribes", "count"),
    _yes("cash", "The last bribe was paid in money"),
    _number("amount", "Money paid in the last bribe", "local currency"),
    _number("cash_value", "Money paid in bribes in the period, taking the last as typical", "local currency"),
    _yes("reported", "Reported the last bribe to an official authority"),
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
        _code("education", "Highest level of education"),
        _code("income", "Income or wealth group"),
        _code("citizenship", "Citizenship"),
        _code("disability", "Disability status", {"Y": "With disability", "N": "Without disability"}),
        _code("population_group", "Other population group"),
        *_BRIBERY,
        _code("modality", "How the last bribe came about", MODALITY),
        _yes("form__*", "Form of the last bribe: cash, goods, food, service, sexual, other"),
        _code("timing", "When the last bribe was paid", TIMING),
        _code("reason", "Purpose of the last bribe", REASON),
        _code("place", "Where the last bribe was paid", PLACE),
        _number("personal_income", "Monthly personal income", "local currency per month"),
        _yes("formal_procedure", "The report led to a formal procedure"),
        _yes("consequence", "Suffered negative consequences after refusing"),
        _yes("acceptable", "Finds bribery acceptable"),
        _yes("vote_offer", "Was offered money or a favour for a vote"),
        _yes("private_contact", "Had contact with an employee of the private sector in the reference period"),
        _yes("private_asked", "Was asked for a bribe by an employee of the private sector"),
        _yes("private_contact__*", "Had contact, by type of private-sector employee"),
        _yes("private_asked__*", "Was asked for a bribe, by type of private-sector employee"),
    ),
    key=("respondent",),
    derived=_BRIBERY_DERIVED,
    zeros=(
        *_BRIBERY_ZEROS, ("private_contact__*", "private_contact"), ("private_asked", "private_contact"),
        ("private_asked__*", "private_contact__*"), ("private_asked__*", "private_contact"),
    ),
    within=(
        *_BRIBERY_WITHIN, *((c, "paid") for c in _LAST_BRIBE), ("formal_procedure", "reported"),
        ("consequence", "refused"), ("private_contact__*", "private_contact"),
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
        _code("sector", "Economic sector (ISIC)"),
        _code("firm_size", "Size class of the enterprise", FIRM_SIZE),
        _code("ownership", "Ownership of the enterprise"),
        *_BRIBERY,
        _yes("forwent_investment", "Gave up an investment for fear of having to pay bribes"),
        _yes("transaction__*", f"Took part in the transaction: {', '.join(TRANSACTIONS)}"),
        _yes("request__*", "A gift or informal payment was asked for or expected in the transaction"),
        _yes("any_transaction", "Took part in at least one of the transactions"),
        _yes("any_request", "Was asked or expected to pay in at least one of the transactions"),
        _number("transactions", "Transactions that the enterprise took part in", "transactions", "count"),
        _number("requests", "Transactions with a payment asked for or expected", "transactions", "count"),
    ),
    key=("enterprise",),
    derived={
        **_BRIBERY_DERIVED,
        "any_transaction": {"any": ["transaction__*"], "missing": "strict"},
        "any_request": {"any": ["request__*"], "missing": "strict"},
        "transactions": {"sum": ["transaction__*"], "missing": "strict"},
        "requests": {"sum": ["request__*"], "missing": "strict"},
    },
    zeros=(*_BRIBERY_ZEROS, ("request__*", "transaction__*")),
    within=(
        *_BRIBERY_WITHIN, ("request__*", "transaction__*"), ("transaction__*", "any_transaction"),
        ("request__*", "any_request"), ("any_request", "any_transaction"), ("requests", "any_request"),
    ),
    ordered=(("requests", "transactions"),),
)  # fmt: skip

CIVIL_SERVANT = Shape(
    "civil_servant_survey",
    "Survey of civil servants",
    "civil servant",
    (
        *_DESIGN, *_PERSON,
        _code("grade", "Grade"),
        _code("institution", "Institution"),
        _yes("public_contact", "Had contact with members of the public at work in the reference period"),
        _yes("offered", "Was offered a bribe by a member of the public"),
        _yes("offer_reported", "Reported the last offer of a bribe"),
        _yes("undue_pressure", "Was put under undue pressure in a decision"),
        _yes("aware_misuse", "Is aware of misuse of resources in the own unit"),
        _yes("asked_against_rules", "Was asked to act against the rules"),
        _yes("recruited_3y", "Was recruited in the last three years"),
        _yes("recruited_unfairly", "Was recruited with the help of a bribe, nepotism or favour"),
        _yes("training_2y", "Took part in integrity training in the last two years"),
        _yes("would_report_safely", "Could report corruption without fear of consequences"),
    ),
    key=("respondent",),
    zeros=(("offered", "public_contact"),),
    within=(
        ("offered", "public_contact"), ("offer_reported", "offered"), ("recruited_unfairly", "recruited_3y"),
    ),
)  # fmt: skip

SERIES = Shape(
    "official_series",
    "Series of published figures",
    "published figure",
    (
        Column("series", "text", "Code of the series", required=True, complete=True),
        Column("ref_area", "text", "Country or region", required=True, complete=True),
        Column("time_period", "text", "Period that the figure is for", required=True, complete=True),
        Column("indicator", "text", "SDG indicator or other name of the measure"),
        Column("m49", "text", "Country or region, code of the United Nations (M49)"),
        *(Column(name, "text", label, complete=True) for name, label in BREAKDOWNS.items()),
        Column("value", "number", "Published figure", required=True),
        Column("lower", "number", "Lower bound of the published interval"),
        Column("upper", "number", "Upper bound of the published interval"),
        _number("n", "Size of the sample", "respondents", "count"),
        Column("unit", "text", "Unit of the figure"),
        Column("nature", "code", "Nature of the figure", NATURE),
        Column("obs_status", "code", "Status of the observation", OBS_STATUS),
        Column("source", "text", "Publication that the figure is restated from"),
        Column("vintage", "text", "Release that the figure is restated from"),
        Column("note", "text", "Remark"),
    ),
    key=("series", "ref_area", "time_period", *BREAKDOWNS),
    ordered=(("lower", "value"), ("value", "upper")),
)

_LABELS = {
    "indicator": "Indicator",
    "dataset": "Data set",
    "statistic": "What is estimated",
    "ref_area": "Country or region",
    "time_period": "Period",
}


def _estimated(name: str, label: str, **more: Any) -> Column:
    return Column(name, "number", label, required=True, **more)


def _said(name: str, label: str, codes: Any = None) -> Column:
    return Column(name, "code" if codes else "text", label, codes, required=True, complete=codes is not None)


ESTIMATES = Shape(
    "estimates",
    "Results",
    "estimate",
    (
        *(Column(n, "text", _LABELS[n], required=True, complete=True) for n in ESTIMATE_LEADING),
        *(Column(name, "text", label, complete=True) for name, label in BREAKDOWNS.items()),
        _estimated("value", "Estimate, in the unit of the card"),
        _estimated("std_error", "Standard error", low=0),
        _estimated("lower", "Lower bound of the interval"),
        _estimated("upper", "Upper bound of the interval"),
        _estimated("conf_level", "Confidence level of the interval", low=0, high=1, open=True),
        _said("interval", "Method of the interval"),
        _estimated("df", "Degrees of freedom", low=0),
        _estimated("n", "Rows that the estimate rests on", low=0),
        _estimated("n_eligible", "Rows of the base, answered or not", low=0),
        _estimated("n_psu", "Primary sampling units with rows of the base", low=0),
        _estimated("events", "Rows that hold what is counted", low=0),
        _said("denominator", "Name of the base: who or what is counted below the line"),
        _estimated("deff", "Design effect against simple random sampling with replacement", low=0),
        _estimated("cv", "Coefficient of variation"),
        _said("unit", "Unit"),
        _said("obs_status", "Status of the observation", OBS_STATUS),
        _said("conf_status", "Confidentiality", CONF_STATUS),
        _said("display", "Whether it is published", DISPLAY),
        _said("reason", "Why it is flagged or withheld"),
        _said("quality", "Grade of reliability"),
        _said("method", "Estimator and variance"),
    ),
    key=(*ESTIMATE_KEY, *BREAKDOWNS),
    ordered=(("lower", "value"), ("value", "upper"), ("n", "n_eligible"), ("events", "n")),
)  # fmt: skip
"""The one shape of results. Breakdown columns are there as far as they are in use."""

_ALL = (POPULATION, BUSINESS, CIVIL_SERVANT, SERIES)
SHAPES: Mapping[str, Shape] = MappingProxyType({shape.id: shape for shape in _ALL})
"""The input shapes by their id."""


def matching(pattern: str, names: Iterable[str]) -> list[str]:
    """Names that a column name or ``stem__*`` stands for.

    Examples
    --------
    >>> matching("paid__*", ["paid", "paid__judge", "paid__police"])
    ['paid__judge', 'paid__police']
    """
    if not pattern.endswith("__*"):
        return [pattern] if pattern in names else []
    return [n for n in names if n.startswith(pattern[:-1]) and len(n) > len(pattern) - 1]


def paired(pairs: Iterable[tuple[str, str]], names: Iterable[str]) -> list[tuple[str, str]]:
    """The pairs of a shape written out for the columns that a table has.

    Examples
    --------
    >>> paired([("paid__*", "contact__*"), ("paid__*", "paid")], ["paid", "contact__police", "paid__police"])
    [('paid__police', 'contact__police'), ('paid__police', 'paid')]
    """
    names = list(names)
    found = []
    for left, right in pairs:
        for name in matching(left, names):
            other = right[:-1] + name.partition("__")[2] if right.endswith("__*") else right
            if other in names:
                found.append((name, other))
    return found
