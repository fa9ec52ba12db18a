"""The registry of checks and the run over one file."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from types import MappingProxyType
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

from app.core.errors import Problem
from app.core.reference import CheckRule, structure
from app.indicators.catalog import Catalog, language
from app.indicators.file import FileData

# What each act runs: to submit is to save as well.
TRIGGERS = MappingProxyType(
    {
        "save": frozenset(("save",)),
        "submit": frozenset(("save", "submit")),
        "nightly": frozenset(("nightly",)),
        "all": frozenset(("save", "submit", "nightly")),
    }
)
EVERY_SET = "all"
SINGLE_ROW = frozenset(each.code for each in structure().sets.values() if not each.multi_row)


@dataclass(frozen=True)
class Context:
    """What a check knows besides the file; `parameters` are those of the catalogue.

    `side` is "teacher" when a teacher submits: only what a teacher may fill in can be missing
    then; None checks everything. `starting` names the personnel process that is to be opened
    ("transfer", "rotation"). `only_sets` is set by run().
    """

    catalog: Catalog
    today: date
    parameters: Mapping[str, Any] = field(default_factory=dict)
    side: str | None = None
    starting: str | None = None
    only_sets: frozenset[str] | None = None

    def __post_init__(self) -> None:
        if not self.parameters:
            object.__setattr__(self, "parameters", self.catalog.parameters)

    def wants(self, set_code: str) -> bool:
        """Whether a set is looked at in this run."""
        return self.only_sets is None or set_code in self.only_sets


class Hit(NamedTuple):
    """What a check found: where, what helps, and how grave if not as the rule says.

    `field` is an indicator of the rule's set, "set.indicator", or "set." for a set as a whole;
    `message` replaces the rule's; a `weak` hit gives way to other findings about its field.
    """

    field: str | None = None
    record: str | None = None
    remedy: str = ""
    severity: str | None = None
    message: str = ""
    weak: bool = False


Function = Callable[[FileData, Context], Iterable[Hit]]
CHECKS: dict[str, Function] = {}


def check(code: str) -> Callable[[Function], Function]:
    """Register the function that performs a rule of validation_rules.csv."""

    def register(function: Function) -> Function:
        if code in CHECKS:
            raise ValueError(f"{code} is performed twice")
        CHECKS[code] = function
        return function

    return register


def run(
    file: FileData,
    ctx: Context,
    trigger: str = "save",
    only_sets: Iterable[str] | None = None,
) -> list[Problem]:
    """Return the findings about a file, in the order of the rules.

    `trigger` is save, submit (which includes save), nightly or all. With `only_sets` only rules
    about these sets run. Rules that the city switched off are not in the catalogue.
    """
    if only_sets is not None:
        ctx = replace(ctx, only_sets=frozenset(only_sets))
    lang = language()
    found: list[Problem] = []
    weak: list[Problem] = []
    for rule in _rules(ctx.catalog, trigger, ctx.only_sets):
        for hit in CHECKS[rule.code](file, ctx):
            (weak if hit.weak else found).append(_problem(rule, hit, file, lang))
    return [*found, *_unheard(weak, found)] if weak else found


def run_one(code: str, file: FileData, ctx: Context) -> list[Problem]:
    """Return the findings of one rule, whatever its trigger."""
    rule, lang = ctx.catalog.checks[code], language()
    return [_problem(rule, hit, file, lang) for hit in CHECKS[code](file, ctx)]


def sets_of(rule: CheckRule) -> Iterator[str]:
    """The sets that a rule looks at."""
    yield rule.set
    for name in rule.fields:
        yield name.partition(".")[0]


_chosen: "WeakKeyDictionary[Catalog, dict[tuple[str, frozenset[str] | None], list[CheckRule]]]" = (
    WeakKeyDictionary()
)


def _rules(catalog: Catalog, trigger: str, only_sets: frozenset[str] | None) -> list[CheckRule]:
    """The rules of a run; thousands of files ask for the same ones."""
    kept = _chosen.setdefault(catalog, {})
    key = (trigger, only_sets)
    if key not in kept:
        wanted = TRIGGERS[trigger]
        kept[key] = [
            rule
            for rule in catalog.checks.values()
            if rule.trigger in wanted and _concerns(rule, only_sets)
        ]
    return kept[key]


def _concerns(rule: CheckRule, only_sets: frozenset[str] | None) -> bool:
    if only_sets is None or rule.set == EVERY_SET:
        return True
    return any(each in only_sets for each in sets_of(rule))


def _unheard(weak: list[Problem], found: list[Problem]) -> list[Problem]:
    heard = {(each.set, each.field, each.record) for each in found}
    return [each for each in weak if (each.set, each.field, each.record) not in heard]


def _problem(rule: CheckRule, hit: Hit, file: FileData, lang: str) -> Problem:
    message = hit.message or (rule.message_en if lang == "en" else rule.message_zh)
    if hit.remedy:
        message = f"{message}. {hit.remedy}" if lang == "en" else f"{message}。{hit.remedy}"
    set_code, code = rule.set, hit.field
    if code and "." in code:
        set_code, code = code.split(".", 1)
    severity = hit.severity or rule.severity
    record = hit.record or _only_record(set_code, file)
    return Problem(rule.code, message, set_code, code or None, record, severity)


def _only_record(set_code: str, file: FileData) -> str | None:
    """The record of a single-row set: findings about it need not name it."""
    row = file.first(set_code) if set_code in SINGLE_ROW else None
    return row.uuid if row else None
