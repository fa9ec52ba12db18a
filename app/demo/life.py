"""One made-up life: studies, work, posts and titles in an order that agrees."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property
from random import Random
from typing import Any

from app.access.roles import Role
from app.demo import ids
from app.demo.names import person_name, words
from app.demo.schools import PlannedUnit
from app.indicators.catalog import REGIONS, Catalog
from app.indicators.periods import current_term

Values = dict[str, Any]
Content = dict[str, list[Values]]

TEACHER, HEAD, OFFICE, SUPPORT, WORKER = "teacher", "head", "office", "support", "worker"
ROLES = ((TEACHER, 84), (OFFICE, 6), (SUPPORT, 7), (WORKER, 3))
# Oldest age by sex that is surely below the retirement age; women workers retire first.
OLDEST = {"1": 59, "2": 54}
OLDEST_WOMAN_WORKER = 49
LANGUAGE_LEVEL, USUAL_LEVEL = "3", "4"

# The ladder of titles by level: 4 assistant, 3 intermediate, 2 associate senior, 1 senior.
SCHOOL_LADDER = {4: "BJ-S4", 3: "BJ-S3", 2: "BJ-S2", 1: "BJ-S1"}
LADDERS = {
    "vocational": {4: "BJ-V4", 3: "BJ-V3", 2: "BJ-V2", 1: "BJ-V1"},
    "higher": {4: "014", 3: "013", 2: "012", 1: "011"},
}
BEFORE_REFORM = {4: "054", 3: "053", 2: "052"}
REFORM = 2016 * 12 + 8
GRADES = {1: ("104", "103"), 2: ("107", "106", "105"), 3: ("110", "109", "108"), 4: ("112", "111")}
TRIAL = "998"
OWN_STAFF_CATEGORY = {
    "training_institution": "BJ-T1",
    "extracurricular": "BJ-T2",
    "higher": "BJ-H1",
}
STAFF_CATEGORY = {TEACHER: "11", OFFICE: "13", SUPPORT: "12", WORKER: "14", HEAD: "BJ-P1"}
POST_CATEGORY = {TEACHER: "1", HEAD: "1", OFFICE: "3", SUPPORT: "2", WORKER: "4"}
ESTABLISHMENT = {TEACHER: "10", HEAD: "10", OFFICE: "20", SUPPORT: "30", WORKER: "40"}

PRIMARY = (("13", 30), ("14", 25), ("41", 12), ("22", 9), ("24", 5), ("25", 5), ("15", 4),
           ("11", 5), ("61", 2), ("62", 2), ("BJ-71", 1))  # fmt: skip
JUNIOR = (("13", 18), ("14", 18), ("41", 17), ("16", 8), ("17", 5), ("18", 5), ("20", 5),
          ("21", 5), ("12", 6), ("22", 6), ("24", 2), ("25", 2), ("61", 2))  # fmt: skip
SENIOR = (("13", 17), ("14", 17), ("41", 16), ("16", 9), ("17", 8), ("18", 7), ("20", 6),
          ("21", 6), ("12", 6), ("22", 5), ("26", 2), ("27", 1))  # fmt: skip
SUBJECTS = {
    "1": tuple((f"BJ-8{digit}", 1) for digit in range(1, 6)),
    "2": PRIMARY,
    "3": JUNIOR,
    "4": SENIOR,
    "6": (("13", 3), ("14", 3), ("41", 2), ("22", 1), ("BJ-96", 4), ("BJ-97", 1)),
    "7": (("13", 3), ("14", 3), ("BJ-96", 4)),
    "A": (("13", 4), ("14", 4), ("BJ-91", 2), ("BJ-92", 1)),
    "Z": ((None, 1),),
}
OTHER_SUBJECT = "BJ-99"
STAGE_OF_CATEGORY = {"special": "A", "extracurricular": "Z"}
CERTIFICATE = {"1": "1", "2": "2", "3": "3", "4": "4", "5": "4", "6": "5", "7": "5", "8": "4",
               "A": "2", "Z": "4"}  # fmt: skip
UNIVERSITY_CERTIFICATE = "7"
SCIENCE = frozenset(("14", "15", "16", "17", "18", "26", "27", "61", "BJ-96", "BJ-97"))
DEGREES = {"4": ("404", "405", "407", "408", "406", "412"), "3": ("304", "305", "307", "308"),
           "2": ("204", "205", "207", "208")}  # fmt: skip
BACKBONES = (("32", 40), ("31", 15), ("34", 15), ("33", 10), ("22", 8), ("21", 4), ("23", 3),
             ("41", 15), ("24", 3))  # fmt: skip
ETHNIC = (
    ("01", 930),
    ("02", 5),
    ("03", 22),
    ("11", 30),
    ("05", 3),
    ("15", 2),
    ("08", 2),
    ("10", 6),
)
APPRAISALS = (("2", 80), ("1", 19), ("3", 1))
POLITICAL = (("13", 58), ("01", 38), ("12", 2), ("05", 1), ("07", 1))


def month(number: int) -> str:
    """The month of a number of months since the year 0."""
    return f"{number // 12:04d}-{number % 12 + 1:02d}"


def weighted(rng: Random, shares: Sequence[tuple[Any, float]]) -> Any:
    """One of the values by the share beside it."""
    point = rng.random() * sum(share for _, share in shares)
    for value, share in shares:
        point -= share
        if point < 0:
            return value
    return shares[-1][0]


@dataclass(frozen=True)
class Shape:
    """What a category collects, compiled once: kept codes per set, sets that may be answered."""

    kept: Mapping[str, frozenset[str]]
    multi_row: tuple[str, ...]

    @classmethod
    def of(cls, catalog: Catalog, category: str) -> "Shape":
        """Compile the shape of a category."""
        sets = catalog.category_sets(category)
        return cls(
            kept={each.code: frozenset(item.code for item in each.indicators) for each in sets},
            multi_row=tuple(each.code for each in sets if each.multi_row),
        )


@dataclass
class Setting:
    """What all people share: the day, the catalogue, regions, numbers given out so far."""

    catalog: Catalog
    day: date
    births: dict[tuple[date, str], int] = field(default_factory=dict)
    first_sequence: int = 0

    @cached_property
    def this_month(self) -> int:
        """The present month as a number."""
        return self.day.year * 12 + self.day.month - 1

    @cached_property
    def regions(self) -> tuple[str, ...]:
        """Divisions that may be chosen; those of Beijing come up more often."""
        found = [
            code.code
            for code in self.catalog.codes(REGIONS).values()
            if code.attrs.get("selectable") and code.attrs.get("status") == "current"
        ]
        own = [code for code in found if code.startswith("1101")]
        return tuple(found + own * (len(found) // max(1, len(own))))

    @cached_property
    def shapes(self) -> dict[str, Shape]:
        """The shape of each category."""
        return {each: Shape.of(self.catalog, each) for each in self.catalog.categories}

    @cached_property
    def terms(self) -> tuple[tuple[int, str, int], ...]:
        """The last four terms, latest first: academic year, semester, first month."""
        year, semester = current_term(self.day)
        found = []
        for _ in range(4):
            first = year * 12 + 8 if semester == "1" else (year + 1) * 12 + 2
            found.append((year, semester, first))
            year, semester = (year - 1, "2") if semester == "1" else (year, "1")
        return tuple(found)

    def id_number(self, birth: date, sex: str) -> str:
        """The next identity number of a day of birth."""
        taken = self.births.get((birth, sex), self.first_sequence)
        self.births[birth, sex] = taken + 1
        return ids.id_number(birth, sex, taken)


@dataclass
class Life:
    """The course of a life that the sets are told from; months are numbers."""

    serial: int
    role: str
    sex: str
    name: str
    birth: date
    stage: str | None
    subject: str | None
    studied: int
    began: int
    joined: int
    level: int
    level_since: dict[int, int]
    learning: list[Values]
    in_establishment: bool

    @property
    def teaches(self) -> bool:
        """Whether the person stands before a class."""
        return self.role in (TEACHER, HEAD)


def make_life(rng: Random, unit: PlannedUnit, setting: Setting, serial: int, role: str) -> Life:
    """Draw a life that fits a school and a role; the head's name and sex stand in the plan."""
    sex = "1" if rng.random() < _men(unit, role) else "2"
    if role == HEAD:
        sex = unit.head_sex
    birth = _birth(rng, setting.day, sex, role)
    stage, subject = _teaches(rng, unit, setting)
    learning, studied = _learning(rng, unit, birth, role, subject)
    began = studied
    joined = _joined(rng, began, setting.this_month)
    life = Life(
        serial=serial,
        role=role,
        sex=sex,
        name=unit.people[Role.SCHOOL_HEAD] if role == HEAD else person_name(rng, sex),
        birth=birth,
        stage=stage,
        subject=subject,
        studied=studied,
        began=began,
        joined=joined,
        level=0,
        level_since={},
        learning=learning,
        in_establishment=role == WORKER or (not unit.is_private and rng.random() < 0.86),
    )
    _add_later_study(rng, life, setting.this_month)
    _climb(rng, life, unit, setting.this_month)
    return life


def _men(unit: PlannedUnit, role: str) -> float:
    if role == WORKER:
        return 0.6
    if unit.category == "kindergarten":
        return 0.03
    return 0.45 if unit.category in ("higher", "vocational") else 0.25


def _birth(rng: Random, day: date, sex: str, role: str) -> date:
    oldest = OLDEST_WOMAN_WORKER if role == WORKER and sex == "2" else OLDEST[sex]
    youngest = {HEAD: 42, WORKER: 28}.get(role, 24)
    age = rng.gauss(39, 8.5)
    if not youngest <= age <= oldest:
        age = rng.uniform(youngest, oldest)
    return day - timedelta(days=int(age * 365.25) + 1)


def _teaches(rng: Random, unit: PlannedUnit, setting: Setting) -> tuple[str | None, str | None]:
    if unit.category == "higher":
        return None, None
    stage = STAGE_OF_CATEGORY.get(str(unit.category))
    if stage is None:
        offered = setting.catalog.parameter("stages_by_type").get(unit.type_code)
        if unit.category == "vocational":
            offered = [each for each in offered or ["6"] if each in ("6", "7")]
        stage = rng.choice(offered or ["2", "3", "4"])
    return stage, weighted(rng, SUBJECTS.get(stage, ((OTHER_SUBJECT, 1),)))


def _joined(rng: Random, began: int, now: int) -> int:
    """Half of all people came from elsewhere, after two years or more."""
    if rng.random() < 0.5 or now - began < 36:
        return began
    months = rng.randrange(24, min(240, now - began - 8))
    # Schools take people on in August and September.
    return min(began + months - (began + months) % 12 + rng.choice((7, 8)), now - 3)


def _study(
    rng: Random, education: str, start: int, end: int, level: str, *, mode: str = "1", kind: str
) -> Values:
    phrases = words().phrases
    org = rng.choice(phrases[kind])
    row: Values = {
        "education": education,
        "education_country": "156",
        "education_org": org,
        "major": rng.choice(phrases["major_arts"]),
        "is_normal": False,
        "start": month(start),
        "end": month(end),
        "cert_no": f"{rng.randrange(10**5, 10**6)}{end // 12}{rng.randrange(10**6):06d}",
        "degree_level": level,
        "study_mode": mode,
        "study_org_type": {"university": "1", "normal_school": "B"}.get(kind, "2"),
    }
    if level != "0":
        row |= {
            "degree": rng.choice(DEGREES[level]),
            "degree_country": "156",
            "degree_org": org,
            "degree_date": month(end),
        }
    return row


def _learning(
    rng: Random, unit: PlannedUnit, birth: date, role: str, subject: str | None
) -> tuple[list[Values], int]:
    """The full-time studies, and the month in which work began after them."""
    first = birth.year + (18 if birth.month < 9 else 19)
    entry = first * 12 + 8
    age_now = _years_since(birth, entry)
    way = _way(rng, unit, birth, role, age_now)
    if way == "school":
        start, end = entry - 36, entry - 3
        rows = [_study(rng, "41", start, end, "0", kind="normal_school")]
    elif way == "college":
        rows, end = [_study(rng, "31", entry, entry + 33, "0", kind="university")], entry + 33
    else:
        rows, end = [_study(rng, "21", entry, entry + 45, "4", kind="university")], entry + 45
    if way in ("master", "doctor"):
        rows.append(_study(rng, "14", entry + 48, entry + 81, "3", kind="university"))
        end = entry + 81
    if way == "doctor":
        rows.append(_study(rng, "11", entry + 84, entry + 129, "2", kind="university"))
        end = entry + 129
    _set_major(rng, rows, unit, subject)
    return rows, end + 1


def _years_since(birth: date, entry: int) -> float:
    return entry / 12 - birth.year - (birth.month - 1) / 12


def _way(rng: Random, unit: PlannedUnit, birth: date, role: str, _entry_age: float) -> str:
    """How far the full-time studies went: by generation and kind of school."""
    old = birth.year < 1978
    grown = birth.year < 1992
    point = rng.random()
    if unit.category == "higher" and role in (TEACHER, HEAD):
        if grown and point < 0.45:
            return "doctor"
        return "master" if birth.year < 1996 and point < 0.9 else "bachelor"
    if role == WORKER:
        return "school" if point < 0.7 else "college"
    if old:
        return "school" if point < 0.35 else "college" if point < 0.6 else "bachelor"
    if birth.year < 1996 and point < 0.25:
        return "master"
    if unit.category == "kindergarten" and point > 0.6:
        return "college"
    return "bachelor"


def _set_major(rng: Random, rows: list[Values], unit: PlannedUnit, subject: str | None) -> None:
    kind = "major_science" if subject in SCIENCE else "major_arts"
    major = "学前教育" if unit.category == "kindergarten" else rng.choice(words().phrases[kind])
    normal = rng.random() < 0.7
    for row in rows:
        row["major"], row["is_normal"] = major, normal


def _add_later_study(rng: Random, life: Life, now: int) -> None:
    """A degree beside the work: of those who began without one, and of some others."""
    best = life.learning[-1]["education"]
    start = life.began + rng.randrange(20, 60)
    if best in ("41", "31") and start + 36 < now and rng.random() < 0.9:
        degree = "4" if rng.random() < 0.4 else "0"
        mode, kind = rng.choice((("3", "adult_school"), ("2", "university")))
        row = _study(rng, "21", start, start + 34, degree, mode=mode, kind=kind)
    elif best == "21" and start + 36 < now and rng.random() < 0.1:
        row = _study(rng, "14", start, start + 34, "3", mode="2", kind="university")
        row["degree"] = "342"
    else:
        return
    row["major"] = life.learning[-1]["major"]
    life.learning.append(row)


def _climb(rng: Random, life: Life, unit: PlannedUnit, now: int) -> None:
    """The levels of title that were reached, and since when; 0 in the first year."""
    if life.role in (OFFICE, WORKER):
        return
    high = unit.category == "higher"
    steps = [(4, rng.randrange(12, 15)), (3, rng.randrange(54, 100))]
    steps.append((2, rng.randrange(130 if not high else 100, 230)))
    steps.append((1, rng.randrange(230, 330)))
    chance = {4: 1.0, 3: 0.97, 2: 0.6, 1: 0.25 if high else 0.06}
    if life.role == HEAD:
        chance |= {2: 1.0}
        steps[2] = (2, rng.randrange(120, 150))
    if life.role == SUPPORT:
        steps = steps[:2]
    for level, months in steps:
        since = life.began + months
        since += (8 - since % 12) % 12
        if since > now or rng.random() > chance[level]:
            return
        life.level, life.level_since[level] = level, since
