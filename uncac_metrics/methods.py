"""What a card may ask for: the estimators by name, what each takes above and below the line, and its options.

Plain data, so that cards are read and checked without the libraries that compute them. The function of an estimator
is found under the same name in :data:`uncac_metrics.estimators.ESTIMATORS`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from uncac_metrics.model import Shape

NUMBERS = ("number", "count", "amount")


@dataclass(frozen=True)
class Option:
    """An option of an estimator: what a card may write for it."""

    kind: str
    """``column``, ``columns`` (a list of two or more), ``number``, ``numbers``, ``text``, ``choice``,
    ``codes`` (a list of texts), ``weights`` (a table code → number above 0) or ``flag``."""
    label: str
    columns: tuple[str, ...] = ()
    """Kinds of column that are allowed."""
    choices: tuple[str, ...] = ()
    low: float = 0.0
    """Numbers are above it."""
    high: float = float("inf")
    """Numbers are below it."""
    whole: bool = False
    """A choice may also be a whole number above 0."""
    required: bool = False


@dataclass(frozen=True)
class Method:
    """An estimator: what it is, what it takes, what it allows."""

    label: str
    sampled: bool = False
    """It takes surveys, with their design; otherwise records and figures of others."""
    above: tuple[str, ...] = ()
    """What the numerator may be: ``rows`` (rows are counted) or kinds of number; empty: there is none."""
    below: tuple[str, ...] = ("rows",)
    """What the denominator may be."""
    levels: str = "no"
    """Whether ``levels`` may stand in place of the numerator: ``no``, ``yes`` or ``must``."""
    several: bool = False
    """It gives several rows by itself: one a stage, a category."""
    restates: bool = False
    """It gives figures of others in their own unit, which is the card's."""
    shapes: tuple[str, ...] = ()
    """Shapes that it takes, where not all."""
    options: Mapping[str, Option] = field(default_factory=dict)


_PRICES = ("status", "bidder", "winner", "amount")
FLAGS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "R003": ("date_opened", "date_deadline"), "R018": ("procurement_method", "bidder", "status"),
        "R024": _PRICES, "R025": ("status", "bidder", "winner"), "R028": ("status", "bidder", "amount"),
        "R030": ("status", "bidder", "winner", "date_submitted", "date_deadline"),
        "R035": ("status", "bidder", "winner"), "R036": ("status", "winner", "amount"),
        "R038": ("status", "bidder"), "R048": ("bidder", "winner", "item"), "R058": _PRICES,
    }
)  # fmt: skip
"""Rules of red flags, by their codes in the Open Contracting Partnership's Cardinal, and columns of bids they read."""
UNITS: Mapping[str, str] = MappingProxyType(
    {"process": "tender", "tenderer": "bidder", "buyer": "buyer", "entity": "institution"}
)
"""Units that rules flag, and the column of bids that names them."""
_PROPORTION_LIMITS = (
    "korn_graubard", "beta", "clopper_pearson", "jeffreys", "mid_p", "wilson", "likelihood", "logit",
    "arcsine", "wald",
)  # fmt: skip
_QUANTILE_RULES = ("math", "school", "shahvaish", *(f"hf{i}" for i in range(1, 10)))
_QUANTILE_LIMITS = ("mean", "beta", "xlogit", "arcsine", "score", "quantile")
_LIMITS = ("garwood", "byar", "byar_or_exact", "mid_p", "log")
_SHARE_LIMITS = ("wilson", "clopper_pearson", "mid_p", "jeffreys")
_CLUSTER = Option("column", "rows with the same value are not independent", ("text", "code"))
_DF = {"df": Option("choice", "degrees of freedom", choices=("answered", "domain", "design"), whole=True)}
_SURVEY_OPTIONS = {
    **_DF,
    "deff": Option("choice", "design effect against sampling with or without replacement", choices=("wr", "wor")),
}
_ACROSS = Option("choice", "countries are taken together", choices=("areas",))
_ORDER = Option("codes", "codes of the column are, from the lowest to the highest", required=True)
_MONEY = {
    "exchange": Option("column", "rate of exchange to the common currency", ("number",)),
    "prices": Option("column", "price index", ("number",)),
    "cluster": _CLUSTER,
}
_START_END = {
    "start": Option("column", "day on which the time begins", ("date",), required=True),
    "end": Option("column", "day on which it ends; empty where it had not ended", ("date",), required=True),
    "observed": Option("column", "day up to which the state is known", ("date",)),
    "unit": Option("choice", "unit of time", choices=("days", "months", "years")),
}

METHODS: Mapping[str, Method] = MappingProxyType(
    {
        "proportion": Method(
            "Weighted share of the units below the line", sampled=True, above=("rows",), levels="yes",
            options={**_SURVEY_OPTIONS, "interval": Option("choice", "interval", choices=_PROPORTION_LIMITS)},
        ),
        "mean": Method(
            "Weighted mean over the units below the line", sampled=True, above=NUMBERS, options=_SURVEY_OPTIONS
        ),
        "ratio": Method(
            "Ratio of weighted totals", sampled=True, above=("rows", *NUMBERS), below=NUMBERS, options=_SURVEY_OPTIONS
        ),
        "total": Method("Weighted total", sampled=True, above=("rows", *NUMBERS), options=_SURVEY_OPTIONS),
        "quantile": Method(
            "Weighted quantile", sampled=True, above=NUMBERS,
            options={
                **_DF,
                "p": Option("number", "share lies below: 0.5 for the median", high=1, required=True),
                "rule": Option("choice", "rule", choices=_QUANTILE_RULES),
                "interval": Option("choice", "interval", choices=_QUANTILE_LIMITS),
            },
        ),
        "gini": Method("Gini coefficient", sampled=True, above=NUMBERS, options=_DF),
        "concentration": Method(
            "Concentration over the ranks of another variable", sampled=True, above=NUMBERS,
            options={**_DF, "over": Option("column", "column of numbers that ranks the rows", NUMBERS, required=True)},
        ),
        "domain_ratio": Method(
            "Share or mean of one group over that of another", sampled=True, above=("rows", *NUMBERS),
            options={
                "column": Option("column", "breakdown of the groups", ("code",), required=True),
                "above": Option("text", "group stands above the line", required=True),
                "below": Option("text", "group stands below the line", required=True),
            },
        ),
        "count": Method(
            "Number, with the interval of a Poisson count", above=("rows", "count"),
            options={"interval": Option("choice", "interval", choices=_LIMITS)},
        ),
        "rate": Method(
            "Count per so many below the line, with the interval of a Poisson count",
            above=("rows", "count"), below=("rows", *NUMBERS),
            options={
                "per": Option("number", "the rate is per so many below the line"),
                "interval": Option("choice", "interval", choices=_LIMITS),
            },
        ),
        "share": Method(
            "Share of what is below the line", above=("rows", "count"), below=("rows", "count", "number"), levels="yes",
            options={
                "interval": Option("choice", "interval", choices=_SHARE_LIMITS), "across": _ACROSS, "cluster": _CLUSTER,
            },
        ),
        "standardised_rate": Method(
            "Rate with the strata weighted as in a standard population", above=("count",), below=NUMBERS,
            shapes=("counts",),
            options={
                "strata": Option("column", "breakdown that is standardised", ("code",), required=True),
                "standard": Option("weights", "the standard population has in each stratum", required=True),
                "per": Option("number", "the rate is per so many below the line"),
                "minimum": Option("number", "number of events is needed", low=-1),
                "interval": Option("choice", "interval", choices=("dobson", "dobson_byar", "fay_feuer")),
            },
        ),
        "amount": Method(
            "Total of amounts in one currency", above=("amount",),
            options={**_MONEY, "complete": Option("flag", "amounts are all there is, as in accounts: no interval")},
        ),
        "mean_amount": Method(
            "Mean amount for each below the line", above=("amount",), below=("rows", "number", "count"),
            options=_MONEY,
        ),
        "amount_ratio": Method("Ratio of two sums of amounts", above=("amount",), below=("amount",), options=_MONEY),
        "hhi": Method(
            "Concentration of awards on receivers: Herfindahl and Hirschman's index",
            options={
                "receiver": Option("column", "receiver of the award", ("code", "text"), required=True),
                "amount": Option("column", "amount of the award; each counts one unless named", ("amount",)),
                "corrected": Option("flag", "the bias of few awards is subtracted"),
                "cluster": _CLUSTER,
            },
        ),
        "first_digits": Method("Shares of first digits, to be held against Benford's law", above=("amount",),
            several=True, options={"digits": Option("number", "digits are taken together", high=3)},
        ),
        "ordinal": Method(
            "Shares of the levels of a rating, or of a level and those above it", several=True,
            options={
                "rating": Option("column", "rating", ("code",), required=True),
                "levels": _ORDER,
                "cumulative": Option("flag", "shares are of a level and those above"),
                "across": _ACROSS,
                "interval": Option("choice", "interval", choices=_SHARE_LIMITS),
            },
        ),
        "status": Method(
            "Shares of the statuses of provisions", several=True,
            options={
                "status": Option("column", "status", ("code",), required=True),
                "levels": _ORDER,
                "exclude": Option("codes", "statuses are not below the line"),
                "complete": Option("flag", "all provisions there are have been assessed: no interval"),
                "across": _ACROSS,
                "interval": Option("choice", "interval", choices=_SHARE_LIMITS),
            },
        ),
        "availability": Method(
            "Share of records that hold a value, by field and in all", several=True,
            options={
                "fields": Option("columns", "fields that should be filled in", (*NUMBERS, "code", "text", "date",
                                 "yes_no", "currency"), required=True),
                "interval": Option("choice", "interval", choices=_SHARE_LIMITS),
            },
        ),
        "published": Method(
            "Figure of others as published, with the uncertainty that they give", above=NUMBERS,
            restates=True, shapes=("official_series", "ratings"),
        ),
        "progression": Method(
            "Share of a linked cohort that reaches each stage, of those at the stage before", several=True,
            options={
                "stages": Option("columns", "days on which stages were reached, in order", ("date",), required=True),
                "closed": Option("column", "day on which the case ended", ("date",)),
                "of": Option("choice", "shares are of", choices=("previous", "first")),
                "interval": Option("choice", "interval", choices=_SHARE_LIMITS),
            },
        ),
        "duration": Method(
            "Time by which a share of spells has ended, from Kaplan and Meier's curve",
            options={
                **_START_END, "cluster": _CLUSTER,
                "probability": Option("number", "share has ended: 0.5 for the median", high=1),
            },
        ),
        "done_within": Method(
            "Share of spells that end by a time with what is counted, other endings competing", above=("rows",),
            options={**_START_END, "cluster": _CLUSTER, "within": Option("number", "time is counted", required=True)},
        ),
        "flow": Method(
            "Share in each stage at a time since the first, by Aalen and Johansen's estimator", several=True,
            options={
                "stages": Option("columns", "days on which stages were reached, in order", ("date",), required=True),
                "observed": _START_END["observed"], "unit": _START_END["unit"],
                "at": Option("number", "time since the first stage is read", required=True),
                "weights": Option("column", "amount by which units are weighted", ("amount", "number")),
                "cluster": _CLUSTER,
            },
        ),
        "flag": Method(
            "Share flagged by a rule of the units that it applies to: a reason to look, no finding", shapes=("bids",),
            options={
                "flag": Option("choice", "rule", choices=tuple(FLAGS), required=True),
                "units": Option("choice", "units are", choices=tuple(UNITS)),
                "days": Option("number", "days the tender should be open (R003)"),
                "threshold": Option("number", "values are flagged from (R024, R025, R035, R038, R048, R058)", low=-1),
                "minimum_processes": Option("number", "tenders a unit needs to be judged (R038, R048)"),
                "interval": Option("choice", "interval", choices=_SHARE_LIMITS),
            },
        ),
        "count_ratio": Method(
            "Ratio of two independent counts: no proportion, and may exceed one",
            above=("rows", "count"), below=("rows", "count"),
        ),
    }
)  # fmt: skip
"""The estimators by name; an office's own is named ``package.module:function`` and takes any options."""


def wrong_option(option: Option, value: object, shape: Shape) -> tuple[str, str]:
    """What is wrong with the value of an option, and the remedy; two empty texts where nothing is.

    Examples
    --------
    >>> from uncac_metrics.shapes import SHAPES
    >>> wrong_option(METHODS["rate"].options["per"], 0, SHAPES["counts"])
    ('0 is not a number above 0', 'it is what the rate is per so many below the line')
    """
    said = f"it is the {option.label}" if option.kind.startswith("column") else f"it is what {option.label}"
    if option.kind in ("column", "columns"):
        names = [value] if option.kind == "column" else value
        if not isinstance(names, list) or not all(isinstance(n, str) for n in names) or len(names) < 1:
            return f"{value!r} is not {'a column' if option.kind == 'column' else 'a list of columns'}", said
        fitting = [c.name for c in shape.columns if c.kind in option.columns]
        for name in names:
            column = shape.column(name)
            if column is None or column.kind not in option.columns:
                kinds = " or ".join(option.columns)
                return f'{shape.id} has no column "{name}" of kind {kinds}', f"one of: {', '.join(fitting)}"
        return "", ""
    if option.kind in ("number", "numbers"):
        numbers = [value] if option.kind == "number" else value
        if not isinstance(numbers, list) or not numbers or not all(_between(n, option) for n in numbers):
            top = "" if option.high == float("inf") else f" and below {option.high:g}"
            what = "a number" if option.kind == "number" else "a list of numbers"
            return f"{value!r} is not {what} above {option.low:g}{top}", said
        return "", ""
    if option.kind == "choice":
        if value in option.choices or (option.whole and type(value) is int and value > 0):
            return "", ""
        return f"{value!r} is not allowed", f"one of: {', '.join(option.choices)}"
    if option.kind == "text":
        return ("", "") if isinstance(value, str) and value else (f"{value!r} is not a text", said)
    if option.kind == "codes":
        good = isinstance(value, list) and bool(value) and all(isinstance(v, str) for v in value)
        return ("", "") if good else (f"{value!r} is not a list of codes", said)
    if option.kind == "weights":
        good = isinstance(value, dict) and bool(value) and all(_between(v, option) for v in value.values())
        return ("", "") if good else (f"{value!r} is not a table of code = number above 0", said)
    return ("", "") if isinstance(value, bool) else (f"{value!r} is neither true nor false", said)


def _between(value: object, option: Option) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and option.low < value < option.high
