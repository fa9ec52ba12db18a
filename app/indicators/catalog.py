"""The catalogue in force: sets, indicators, rules, code tables, working calendar; read once per
version."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from threading import Lock
from time import monotonic
from types import MappingProxyType
from typing import Any
from weakref import WeakKeyDictionary

from flask_babel import get_locale
from sqlalchemy import Engine, event, select, update
from sqlalchemy.orm import Session, scoped_session

from app.core.reference import (
    CheckRule,
    Code,
    District,
    Indicator,
    IndicatorSet,
    Reference,
    Region,
    Rule,
    SchoolType,
    structure,
)
from app.indicators.rules import Condition, ValuesOf, condition_of
from app.indicators.stored import AnySession, read_reference_rows, read_retired_codes
from app.models.calendar import Calendar, SpecialDay, read_shipped
from app.models.parameter import CATALOG_VERSION, Parameter, read_settings

DISTRICTS, REGIONS, SCHOOL_TYPES = "@districts", "@regions", "@school_types"
RECHECK_SECONDS = 2.0

Codes = Mapping[str, Code]
NO_CODES: Codes = MappingProxyType({})


def language() -> str:
    """The reader's language, "zh" or "en"; Chinese where nobody is asking."""
    locale = get_locale()
    return "en" if locale is not None and locale.language == "en" else "zh"


@cache
def shipped_calendar() -> Calendar:
    """Return the working calendar of the shipped files."""
    return Calendar.of({row["day"]: row["kind"] for row in read_shipped()})


@dataclass(frozen=True, eq=False)
class Catalog:
    """The reference data of one version with the look-ups that everything asks for.

    Unknown sets, indicators and rules raise KeyError. `parameters` are the typed settings.
    """

    version: int
    sets: Mapping[str, IndicatorSet]
    rules: Mapping[tuple[str, str, str], Rule]
    tables: Mapping[str, Codes]
    checks: Mapping[str, CheckRule]
    school_types: Mapping[str, SchoolType]
    parameters: Mapping[str, Any]
    retired: Mapping[str, Codes] = field(default_factory=dict)
    calendar: Calendar = field(default_factory=shipped_calendar)

    @classmethod
    def from_reference(
        cls, ref: Reference, *, version: int = 0, parameters: Mapping[str, Any] | None = None
    ) -> "Catalog":
        """Build a catalogue from CSV rows; missing parameters have their shipped values."""
        shipped = {key: each.typed for key, each in read_settings().items()}
        return cls(
            version=version,
            sets=ref.sets,
            rules=ref.rules,
            tables={
                **ref.codes,
                DISTRICTS: {code: district_code(each) for code, each in ref.districts.items()},
                REGIONS: _regions(ref.regions),
                SCHOOL_TYPES: {code: _school_type(each) for code, each in ref.school_types.items()},
            },
            checks=ref.checks,
            school_types=ref.school_types,
            parameters=MappingProxyType(shipped | dict(parameters or {})),
        )

    def set(self, code: str) -> IndicatorSet:
        """Return a set."""
        return self.sets[code]

    def indicators(self, set_code: str) -> tuple[Indicator, ...]:
        """Return the indicators of a set in display order."""
        return self.sets[set_code].indicators

    def indicator(self, set_code: str, code: str) -> Indicator:
        """Return one indicator."""
        return self.by_key[f"{set_code}.{code}"]

    @cached_property
    def by_key(self) -> Mapping[str, Indicator]:
        """All indicators by "<set>.<code>"."""
        return {item.key: item for each in self.sets.values() for item in each.indicators}

    @cached_property
    def teacher_sets(self) -> tuple[IndicatorSet, ...]:
        """The sets of a teacher's file in display order."""
        return tuple(each for each in self.sets.values() if each.entity == "teacher")

    @property
    def categories(self) -> tuple[str, ...]:
        """The school categories in display order."""
        return tuple(self.tables["school_category"])

    def rule(self, set_code: str, code: str, category: str) -> Rule:
        """Return how a school category treats an indicator."""
        return self.rules[set_code, code, category]

    def collected(self, set_code: str, code: str, category: str) -> bool:
        """Tell whether a category collects the indicator."""
        return self.rules[set_code, code, category].collected

    def required(self, set_code: str, code: str, category: str) -> bool:
        """Tell whether a category requires the indicator, where its condition holds.

        Derived and written-back indicators are never required: nobody can fill them in.
        """
        rule = self.rules[set_code, code, category]
        return rule.collected and rule.required and not self.indicator(set_code, code).computed

    def category_sets(self, category: str) -> tuple[IndicatorSet, ...]:
        """Return the teacher's sets with those indicators that the category collects."""
        return self._category_sets[category]

    @cached_property
    def _category_sets(self) -> Mapping[str, tuple[IndicatorSet, ...]]:
        return {category: self._narrowed(category) for category in self.categories}

    def _narrowed(self, category: str) -> tuple[IndicatorSet, ...]:
        narrowed = (
            replace(
                each,
                indicators=tuple(
                    item
                    for item in each.indicators
                    if self.collected(each.code, item.code, category)
                ),
            )
            for each in self.teacher_sets
        )
        return tuple(each for each in narrowed if each.indicators)

    def condition(self, indicator: Indicator) -> Condition | None:
        """Return the condition under which the indicator applies; None means always."""
        return self._conditions[indicator.key]

    @cached_property
    def _conditions(self) -> Mapping[str, Condition | None]:
        return {
            key: condition_of(item.set, item.applicable_when) for key, item in self.by_key.items()
        }

    def applicable(self, indicator: Indicator, values_of: ValuesOf) -> bool | None:
        """Tell whether the indicator applies; None while its condition cannot be decided.

        `values_of(set, code)` gives the value of another indicator.
        """
        condition = self._conditions[indicator.key]
        return True if condition is None else condition.holds(values_of)

    def table_of(self, indicator: Indicator, category: str | None = None) -> str:
        """Return the code table; a category may have its own, named <table>_<category>."""
        own = f"{indicator.code_table}_{category}"
        return own if own in self.tables else indicator.code_table

    def codes(self, table: str) -> Codes:
        """Return the codes of a table in force; also "@districts", "@regions", "@school_types"."""
        return self.tables.get(table, NO_CODES)

    def code(self, table: str, code: str | None) -> Code | None:
        """Return a code, one no longer in force included."""
        if code is None:
            return None
        return self.codes(table).get(code) or self.retired.get(table, NO_CODES).get(code)

    def label(self, table: str, code: str | None, lang: str = "zh") -> str:
        """Return the name of a code, a region with those above it; an unknown code as it is."""
        found = self.code(table, code)
        if found is None:
            return code or ""
        return str(found.attrs.get("path") or self.name(found, lang))

    def name(self, thing: Any, lang: str = "zh") -> str:
        """Return the name of a set, indicator, code or type; the Chinese one where no other is."""
        return (thing.name_en if lang == "en" else "") or thing.name_zh

    def parameter(self, key: str) -> Any:
        """Return a setting in its own type; KeyError when there is none."""
        return self.parameters[key]


def district_code(each: District) -> Code:
    attrs = {
        "level": each.level,
        "authority_zh": each.authority_zh,
        "authority_en": each.authority_en,
    }
    return _code(DISTRICTS, each, parent=each.parent, attrs=attrs)


def _school_type(each: SchoolType) -> Code:
    attrs = {"stage": each.stage, "category": each.category, "attached": each.attached}
    return _code(SCHOOL_TYPES, each, attrs=attrs)


def _regions(regions: Mapping[str, Region]) -> dict[str, Code]:
    """Regions as codes; one that has others below it is a heading and not selectable."""
    parents = {each.parent for each in regions.values() if each.status == "current"}
    found: dict[str, Code] = {}
    for each in regions.values():
        above = regions.get(each.parent)
        path = each.name_zh
        while above is not None:
            path = above.name_zh + path
            above = regions.get(above.parent)
        attrs = {
            "level": each.level,
            "status": each.status,
            "path": path,
            "selectable": 0 if each.code in parents else 1,
        }
        found[each.code] = _code(REGIONS, each, parent=each.parent, attrs=attrs)
    return found


def _code(table: str, each: Any, *, parent: str = "", attrs: Mapping[str, Any]) -> Code:
    return Code(
        table=table,
        code=each.code,
        name_zh=each.name_zh,
        name_en=getattr(each, "name_en", ""),
        sort=getattr(each, "sort", 0),
        standard="",
        parent=parent,
        active=None,
        verified="",
        attrs=MappingProxyType(dict(attrs)),
    )


@dataclass(frozen=True)
class _Kept:
    checked: float
    catalog: Catalog


_kept: "WeakKeyDictionary[Engine, _Kept]" = WeakKeyDictionary()
_lock = Lock()


def catalog(session: AnySession) -> Catalog:
    """Return the catalogue in force, from the database of the session.

    One copy per process and database is kept; its version is read again at most every two
    seconds. A database without reference data answers with the shipped files, version 0.
    """
    engine = session.get_bind().engine
    kept = _kept.get(engine)
    if kept is not None and monotonic() - kept.checked < RECHECK_SECONDS:
        return kept.catalog
    # Asked outside the lock: on SQLite the first statement waits for whoever is writing, and that
    # writer may be about to ask for the lock.
    version = _version(session)
    with _lock:
        kept = _kept.get(engine)
        if kept is None or kept.catalog.version < version:
            found = read_catalog(session, version)
        else:
            found = kept.catalog
        _kept[engine] = _Kept(monotonic(), found)
    return found


def forget() -> None:
    """Drop the kept catalogues: after an edit, and between tests."""
    with _lock:
        _kept.clear()


def touch(session: AnySession) -> None:
    """Give the catalogue its next version, in the transaction of the edit.

    This process looks anew when the transaction ends; the others within two seconds.
    """
    inner = session() if isinstance(session, scoped_session) else session
    statement = update(Parameter).where(Parameter.key == CATALOG_VERSION)
    inner.execute(statement.values(value=str(_version(inner) + 1)))
    forget()
    for ending in ("after_commit", "after_rollback"):
        event.listen(inner, ending, _forget_after, once=True)


def _forget_after(_session: Session) -> None:
    forget()


def _version(session: AnySession) -> int:
    text = session.scalar(select(Parameter.value).where(Parameter.key == CATALOG_VERSION))
    return int(text or 0)


def read_catalog(session: AnySession, version: int) -> Catalog:
    """Read the rows in force (and retired codes, for names) into a catalogue."""
    if version == 0:
        return Catalog.from_reference(structure())
    parameters = {each.key: each.typed for each in session.scalars(select(Parameter))}
    ref = read_reference_rows(session)
    built = Catalog.from_reference(ref, version=version, parameters=parameters)
    districts = {DISTRICTS: ref.codes.get(DISTRICTS, {})}
    days = dict(session.execute(select(SpecialDay.day, SpecialDay.kind)).all())
    return replace(
        built,
        tables={**built.tables, **districts},
        retired=read_retired_codes(session),
        calendar=Calendar.of(days),
    )
