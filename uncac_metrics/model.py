"""Frozen dataclasses and vocabularies: what an indicator, a source and a fault are.

Standard library only. Everything else in the package may import this module; it imports nothing of the package.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

TOTAL = "_T"
"""Code of "all categories" in a breakdown column (SDMX convention)."""

BREAKDOWNS: Mapping[str, str] = MappingProxyType(
    {
        "sex": "Sex of the person",
        "age": "Age group",
        "education": "Highest level of education",
        "income": "Income or wealth group",
        "urbanisation": "Urban or rural residence",
        "area": "Area below the national level",
        "citizenship": "Citizenship",
        "disability": "Disability status",
        "population_group": "Other population group",
        "official": "Type of public official",
        "transaction": "Type of transaction with an authority",
        "sector": "Economic sector (ISIC)",
        "firm_size": "Size class of the enterprise",
        "ownership": "Ownership of the enterprise",
        "institution": "Institution",
        "grade": "Grade of the official",
        "procurement_method": "Procurement method",
        "contract_value": "Band of contract value",
        "crime": "Crime class (ICCS)",
        "person": "Natural or legal person",
        "stage": "Stage of the procedure",
        "counterpart": "Counterpart jurisdiction",
        "category": "Category of the measured variable",
    }
)
"""The one vocabulary of breakdown columns, in the order in which releases write them."""

ESTIMATE_KEY = ("dataset", "indicator", "statistic", "ref_area", "time_period")
"""With the breakdown columns, what identifies a row of the results table."""

ESTIMATE_LEADING = ("indicator", "dataset", "statistic", "ref_area", "time_period")
ESTIMATE_VALUES = (
    "value", "std_error", "lower", "upper", "conf_level", "interval", "df", "n", "n_eligible", "n_psu",
    "events", "denominator", "deff", "cv", "unit", "obs_status", "conf_status", "display", "reason",
    "quality", "method",
)  # fmt: skip
"""Columns of the results table before and after the breakdown columns."""

OBS_STATUS = MappingProxyType(
    {
        "A": "Normal value",
        "B": "Time series break",
        "E": "Estimated value",
        "I": "Imputed value",
        "M": "Missing value; data cannot exist",
        "O": "Missing value",
        "P": "Provisional value",
        "U": "Low reliability",
    }
)
CONF_STATUS = MappingProxyType({"F": "Free for publication", "C": "Confidential", "D": "Secondary suppression"})
DISPLAY = MappingProxyType({"shown": "Published", "flagged": "Published with a warning", "withheld": "Not published"})
DIRECTIONS = MappingProxyType(
    {"lower": "Lower is better", "higher": "Higher is better", "none": "No agreed better direction"}
)
MEASURES = MappingProxyType(
    {
        "experience": "Direct experience reported in a survey",
        "administrative": "Administrative record or formal official statistic",
        "perception": "Perception or attitude reported in a survey",
        "rating": "Expert rating or peer review",
        "legal": "Legal or institutional status",
    }
)
PROVENANCE = MappingProxyType(
    {
        "V": "the quantity is published in a public source that was read",
        "V-data": "computed from a public data file",
        "R": "recollection of a published document, not re-read",
        "D": "derived or proposed by this project; not an indicator of UNODC",
    }
)
SOURCE_KINDS = (
    "population_survey", "business_survey", "civil_servant_survey", "cjs_admin_record", "procurement_record",
    "audit_record", "hr_admin_record", "declaration_record", "election_admin_record", "fiu_record",
    "mla_record", "asset_record", "legal_institutional_record", "expert_assessment",
    "international_peer_review", "official_statistics",
)  # fmt: skip
SEVERITIES = MappingProxyType(
    {"error": "Refuses the build", "warning": "To be looked at before the figures are used", "note": "For information"}
)
SINGLETON_RULES = ("error", "certainty", "adjust", "average", "collapse")


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong with an input, said so that its author can put it right."""

    file: str
    """File (or data set, or argument) that holds the fault."""
    where: str
    """Key, column or line within it; empty where the whole file is meant."""
    what: str
    """What is wrong."""
    remedy: str = ""
    """What to do about it."""
    rows: tuple[int, ...] = ()
    """First offending rows of a data file, counted from 1 below the header; at most five."""
    count: int = 0
    """How many rows offend in all."""

    def __str__(self) -> str:
        place = f"{self.file}: {self.where}: " if self.where else f"{self.file}: "
        rows = ""
        if self.count:
            shown = ", ".join(str(r) for r in self.rows)
            rows = f" ({self.count:,} row{'s' if self.count > 1 else ''}"
            rows += f": {shown}{', …' if self.count > len(self.rows) else ''})" if shown else ")"
        remedy = f" — {self.remedy}" if self.remedy else ""
        return f"{place}{self.what}{rows}{remedy}"


class Faults(ValueError):
    """All faults of one input together; ``.faults`` holds them."""

    def __init__(self, faults: Iterable[Fault]):
        self.faults = tuple(faults)
        super().__init__("\n".join(str(f) for f in self.faults))

    def __reduce__(self) -> tuple[type, tuple[tuple[Fault, ...]]]:
        return type(self), (self.faults,)


@dataclass(frozen=True)
class Column:
    """A column of an input shape, as its dictionary describes it."""

    name: str
    """Name; ``contact__*`` stands for one column an item (``contact__police``, …)."""
    kind: str
    """``yes_no`` (1, 0, missing), ``number``, ``count``, ``amount`` (of money), ``weight``, ``date``, ``code``,
    ``currency`` (ISO 4217) or ``text``."""
    label: str
    codes: Mapping[str, str] | None = None
    """Allowed codes and their labels, for ``code`` columns with a closed list."""
    low: float | None = None
    high: float | None = None
    open: bool = False
    """The bounds themselves are not allowed."""
    required: bool = False
    """The table must have the column."""
    complete: bool = False
    """The column, where the table has it, may not be missing in any row."""
    unit: str = ""
    usual: Mapping[str, str] | None = None
    """Codes that definitions use, and their labels, where the list is not closed."""


@dataclass(frozen=True)
class Shape:
    """An input shape: the columns that a table of one kind of data may have, and what a row is."""

    id: str
    label: str
    row: str
    """What one row is, in the singular: ``adult``, ``enterprise``, ``civil servant``."""
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()
    """Columns that together (as far as the table has them) name a row."""
    derived: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    """Column -> mapping rule that makes it where the table lacks it and has all that the rule takes."""
    zeros: tuple[tuple[str, str], ...] = ()
    """Pairs (column, gate): where the gate is 0, a missing value of the column is 0."""
    within: tuple[tuple[str, str], ...] = ()
    """Pairs (column, gate): where the gate is 0, the column holds nothing (no yes, number above 0 or code)."""
    ordered: tuple[tuple[str, str], ...] = ()
    """Pairs of columns of numbers or of dates, the first never above the second."""
    needs: tuple[tuple[str, str], ...] = ()
    """Pairs of columns: where the first has a value, so has the second."""
    sources: tuple[str, ...] = ()
    """Kinds of source (of :data:`SOURCE_KINDS`) that give such rows."""

    @property
    def sampled(self) -> bool:
        """Whether rows are a sample with design weights; otherwise they are all units, or figures of others."""
        return self.column("weight") is not None

    def column(self, name: str) -> Column | None:
        """The column called `name`, items (``contact__police``) included; None where the shape has no such column."""
        stem, _, item = name.partition("__")
        wanted = f"{stem}__*" if item else name
        return next((c for c in self.columns if c.name == wanted), None)


@dataclass(frozen=True)
class Measure:
    """How an indicator's number is made: an estimator by name and the columns it takes."""

    shape: str
    estimator: str
    """Name in :data:`uncac_metrics.estimators.ESTIMATORS`."""
    denominator: str
    """Name of the base (a row of the reference table ``bases``): who or what is counted below the line."""
    numerator: str = ""
    """Name of the numerator (a row of ``bases``)."""
    items: str = ""
    """Breakdown whose items each have columns of their own (``paid__police``, ``paid__judge``, …): a row an item."""
    levels: str = ""
    """Coded column whose every level gives a row, under the breakdown ``category``."""
    options: Mapping[str, object] = field(default_factory=dict)
    """Further keyword arguments of the estimator."""
    where: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Coded column -> codes: only rows with one of them are taken; ``0703*`` is every code that begins so."""


@dataclass(frozen=True)
class Case:
    """A worked example that a person can check by hand."""

    name: str
    rows: tuple[Mapping[str, object], ...]
    """Input rows; columns of the shape that are not given are missing, weight is 1."""
    expect: Mapping[str, object]
    """``value`` (in the card's unit) and other columns of the result, for the row without breakdown or for `item`."""
    item: str = ""


@dataclass(frozen=True)
class Indicator:
    """The definition of a measure: the ten card fields, how it is computed, and what it is linked to."""

    id: str
    name: str
    name_zh: str
    # the ten card fields (name is the first)
    type: str
    objective: str
    description: str
    formula: str
    responsible: str
    sources: tuple[str, ...]
    frequency: str
    disaggregations: tuple[str, ...]
    notes: str
    # how it is computed and shown
    measure: Measure
    unit: str
    decimals: int
    direction: str
    universe: str
    reference_period: str
    # links
    paragraphs: tuple[str, ...]
    articles: tuple[str, ...]
    provenance: str
    provenance_note: str
    targets: tuple[str, ...] = ()
    series: tuple[str, ...] = ()
    crimes: tuple[str, ...] = ()
    cases: tuple[Case, ...] = ()
    scale: float = 1.0
    """Multiplier from the estimator's own unit to the card's (100 for per cent)."""
    topic: str = ""
    """Folder that holds the card."""
    file: str = ""
    """File that the card was read from."""


@dataclass(frozen=True)
class Expectation:
    """What a data set's rows or an office's estimates are expected to keep; a breach is told, or refuses the build."""

    severity: str = "warning"
    """One of :data:`SEVERITIES`; ``error`` refuses the build."""
    column: str = ""
    """Of a data set: the column that is meant; empty: the number of rows."""
    indicator: str = ""
    """Of an office: the indicator that is meant; empty: all."""
    low: float | None = None
    high: float | None = None
    missing: float | None = None
    """Of a column: the largest share of missing values."""
    change: float | None = None
    """Of an indicator: the largest change against the last period, in its standard errors."""
    why: str = ""
    """What the expectation rests on."""


@dataclass(frozen=True)
class Publication:
    """How an office publishes: what is shown, what is protected, and in which formats."""

    standards: tuple[str, ...] = ()
    """Presentation standards applied to every estimate, by name."""
    minimum: int = 0
    """Fewest unweighted contributors of a published cell of confidential data; 0: no disclosure control."""
    exchange: tuple[str, ...] | None = None
    """Formats written beside the tables, by name; not said: those that need no further library."""
    structure: str = ""
    """File of the SDMX structure that the data of SDG series take; empty: the one rebuilt here."""
    expect: tuple[Expectation, ...] = ()


@dataclass(frozen=True)
class Source:
    """Where data come from and how their columns become ours."""

    id: str
    title: str
    producer: str
    terms: str
    origin: str
    shape: str
    path: str
    """The data file; ``${UNCAC_METRICS_DATA}`` at its beginning is replaced by that folder."""
    ref_area: str
    time_period: str
    columns: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    """Our column -> rule (``from``, ``recode``, ``any``, ``all``, ``sum``, ``bins``, ``value``, ``missing`` …)."""
    design: Mapping[str, object] = field(default_factory=dict)
    """Arguments of :class:`uncac_metrics.stats.survey.Design`; replicates, two phases, trimming and calibration."""
    imputation: Mapping[str, object] = field(default_factory=dict)
    """Where completed data sets are: ``column`` or ``paths``."""
    sha256: str = ""
    accessed: str = ""
    simulated: bool = False
    title_zh: str = ""
    notes: str = ""
    read: Mapping[str, object] = field(default_factory=dict)
    """Options of the file reader (``sheet``, ``separator``, ``encoding``, ``skip_rows``), or ``reader``, a reader of
    :data:`uncac_metrics.readers.READERS` by name, with its options; ``rows``, which rows to keep."""
    missing: tuple[object, ...] = ()
    """Codes that mean missing in every mapped column, besides empty cells."""
    confidential: bool | None = None
    """Whether rows are of respondents whose answers must not be found out; surveys are, where it is not said."""
    expect: tuple[Expectation, ...] = ()
    """What the rows are expected to keep besides their shape."""
    file: str = ""
    """The ``source.toml`` itself."""


@dataclass(frozen=True)
class Office:
    """A statistics office's folder: what it is called and which data and definitions it holds."""

    id: str
    name: str
    ref_area: str
    folder: str
    name_zh: str = ""
    contact: str = ""
    disaggregations: tuple[str, ...] = ()
    """Breakdowns to publish where the data have them; empty: those of each card."""
    languages: tuple[str, ...] = ("en", "zh")
    """Languages of the pages; those of the first are what a visitor of the site meets first."""
    publication: Publication = Publication()
