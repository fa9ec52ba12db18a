"""A made-up file with all that is stored about it, and the moments at which its rows were known."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from random import Random

from flask_babel import force_locale

from app.core.errors import Problem
from app.demo import course as ways
from app.demo.course import Course
from app.demo.life import Content, Life, Values
from app.demo.schools import PlannedUnit
from app.indicators import checks, completeness
from app.indicators.catalog import Catalog
from app.indicators.file import Facts, FileData, Row, SchoolFacts

HARMLESS = "DQ004"  # Everybody has the division that nobody has.
LEFT = ("301", "306", "BJ-310")
# When a row can first have been known: the rows of a set that tell of a year or a month.
DATED = {
    "teaching": None, "treatment": None, "appraisal": None, "training": "end_date",
    "ethics": "assess_date", "title": "start", "post": "start", "learning": "end",
    "ach_paper": "publish_ym", "ach_award": "award_ym", "ach_student": "award_ym",
    "ach_project": "start", "ach_writing": "publish_date", "ach_literary": "finish_date",
    "ach_patent": "approve_date", "ach_report": "report_date", "ach_standard": "publish_date",
    "ach_medical": "approve_date", "overseas": "end_date", "rotation": "start",
}  # fmt: skip
FEEDS_BASIC = frozenset(("title", "post", "learning"))


@dataclass
class Version:
    """One row of a set as it is stored: its identity, values, and when it was in force."""

    set: str
    uuid: str
    values: Values
    valid_from: datetime | None
    valid_to: datetime | None = None

    def is_in_force_at(self, moment: datetime) -> bool:
        """Whether the row was in force at a moment."""
        begun = self.valid_from is not None and self.valid_from <= moment
        return begun and (self.valid_to is None or self.valid_to > moment)


@dataclass
class File:
    """A person's file with everything that is stored about it."""

    id: int
    uuid: str
    life: Life
    unit: PlannedUnit
    content: Content
    course: Course
    number: str | None = None
    account: int | None = None
    status: str = "100"
    status_since: datetime | None = None
    none_sets: frozenset[str] = frozenset()
    blemish: str | None = None
    unfinished: bool = False
    versions: list[Version] = field(default_factory=list)
    problems: list[tuple[Problem, str]] = field(default_factory=list)

    @property
    def is_active(self) -> bool:
        """Whether the person is still on the rolls."""
        return self.status not in LEFT


def new_uuid(rng: Random) -> str:
    return f"{rng.getrandbits(128):032x}"


def as_data(file: File, content: Content) -> FileData:
    unit = file.unit
    facts = SchoolFacts(
        id=unit.id,
        code=unit.code,
        name=unit.name,
        category=str(unit.category),
        type_code=str(unit.type_code),
        urban_rural=unit.urban_rural or "",
        district=unit.district_code or "",
    )
    rows = {
        code: tuple(Row(f"{code}:{n}", row) for n, row in enumerate(found))
        for code, found in content.items()
    }
    return FileData(
        file.id,
        facts,
        file.status,
        rows,
        none_sets=file.none_sets,
        facts=Facts(in_force=file.course.effect is not None),
    )


def spread_rows(
    rng: Random, content: Content, effect: datetime, updates: Sequence[datetime]
) -> tuple[list[Version], list[datetime]]:
    """Give each row the moment at which the system learned of it; returns the versions, and the
    moments at which a title, post or degree was added to an earlier one."""
    found: list[Version] = []
    moved: set[datetime] = set()
    for code, rows in content.items():
        own = [Version(code, new_uuid(rng), row, effect) for row in rows]
        found += own
        if code not in DATED or not updates:
            continue
        if code == "title" and len(own) == 1:
            # The first title of a life: until then the record said that there is none.
            found += _untitled_until(own[0], effect, updates, moved)
        for version in own[1:] if code in FEEDS_BASIC else own:
            moment = _known_from(code, version.values, effect, updates)
            version.valid_from = moment
            if moment > effect and code in FEEDS_BASIC:
                moved.add(moment)
                found += _ended_by(own, version, moment)
    return found, sorted(moved)


def _untitled_until(
    row: Version, effect: datetime, updates: Sequence[datetime], moved: set[datetime]
) -> list[Version]:
    moment = _known_from("title", row.values, effect, updates)
    if moment == effect:
        return []
    moved.add(moment)
    former = replace(row, values={"title": "0"}, valid_to=moment)
    row.valid_from = moment
    return [former]


def _ended_by(own: list[Version], later: Version, moment: datetime) -> list[Version]:
    """The row that a later title or post ended was open until then: its closed version."""
    before = own[own.index(later) - 1]
    if "end" not in before.values or later.set == "learning":
        return []
    open_ended = {name: value for name, value in before.values.items() if name != "end"}
    former = replace(before, values=open_ended, valid_to=moment)
    before.valid_from = moment
    return [former]


def _known_from(
    code: str, values: Values, effect: datetime, updates: Sequence[datetime]
) -> datetime:
    about = _about(code, values)
    if about is None:
        return effect
    moment = ways.at(about, 8)
    if moment <= effect:
        return effect
    place = bisect_left(updates, moment)
    return updates[place] if place < len(updates) else updates[-1]


def _about(code: str, values: Values) -> date | None:
    """The day of which a row tells."""
    if code == "teaching":
        year, autumn = values["academic_year"], values["semester"] == "1"
        return date(year, 9, 1) if autumn else date(year + 1, 3, 1)
    if code in ("treatment", "appraisal"):
        return date(values["year"] + 1, 1, 1)
    value = values.get(DATED[code] or "")
    if isinstance(value, str):
        return date(int(value[:4]), int(value[5:7]), 1)
    found: date | None = value
    return found


class Checker:
    """Runs the checks on files before they are stored; the results are kept as the services do."""

    def __init__(self, known: Catalog, day: date, *, everybody: bool) -> None:
        self._catalog, self._everybody = known, everybody
        self._context = checks.Context(known, day)
        self._usual: list[tuple[Problem, str]] | None = None

    def check(self, file: File) -> list[tuple[Problem, str]]:
        """The findings at submission, with their English message."""
        spoiled = file.unfinished or file.blemish
        if not spoiled and not self._everybody and self._usual is not None:
            return self._usual
        data = as_data(file, file.content)
        with force_locale("zh"):
            chinese = checks.run(data, self._context, trigger="submit")
        if self._usual is not None and [each.code for each in chinese] == [HARMLESS]:
            return self._usual
        with force_locale("en"):
            english = checks.run(data, self._context, trigger="submit")
        found = [(one, str(other.message)) for one, other in zip(chinese, english, strict=True)]
        if [each.code for each in chinese] == [HARMLESS]:
            self._usual = found
        return found

    def percent(self, file: File) -> int:
        """How complete a file is."""
        if not (file.unfinished or file.blemish):
            return 100
        return completeness.percent(as_data(file, file.content), self._catalog)
