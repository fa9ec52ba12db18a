"""One made-up life as a teacher's file: studies, work, posts, titles and years that agree.

A file is plain values by set, as the services read it. What a category does not collect is left
out, and without a blemish every check holds except DQ004, which speaks of the unassigned division.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
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


def make_content(rng: Random, life: Life, unit: PlannedUnit, setting: Setting) -> Content:
    """Tell a life as a file: every set of the category that has something to say."""
    title = _titles(rng, life, unit)
    post = _posts(rng, life)
    content: Content = {
        "basic": [_basic(rng, life, unit, setting)],
        "bj_ext": [_extension(rng, life)],
        "learning": life.learning,
        "work": _work(rng, life, unit),
        "post": post,
        "title": title,
        **_years(rng, life, unit, setting),
        "qualification": _qualification(rng, life, setting),
        "teaching": _teaching(rng, life, setting),
        "training": _training(rng, life, unit, setting),
        "skill": _skills(rng, life),
        "contact": [_contact(rng, life, unit)],
        **_honours(rng, life, unit, setting),
    }
    _mark_backbone(content, setting)
    return narrow(content, setting.shapes[str(unit.category)])


def narrow(content: Content, shape: Shape) -> Content:
    """Leave out the sets and indicators that a category does not collect, and blank values."""
    found: Content = {}
    for code, rows in content.items():
        kept = shape.kept.get(code)
        if kept and rows:
            found[code] = [
                {name: value for name, value in row.items() if value is not None and name in kept}
                for row in rows
            ]
    return found


def _basic(rng: Random, life: Life, unit: PlannedUnit, setting: Setting) -> Values:
    politics = weighted(rng, POLITICAL)
    native = rng.choice(setting.regions)
    special = unit.category == "special"
    normal = bool(life.learning[0]["is_normal"])
    row: Values = {
        "name": life.name,
        "sex": life.sex,
        "staff_no": f"{life.serial % 10000:04d}",
        "nationality": "156",
        "id_doc_type": "1",
        "id_no": setting.id_number(life.birth, life.sex),
        "birth_date": life.birth,
        "native_place": native,
        "birth_place": native if rng.random() < 0.7 else rng.choice(setting.regions),
        "ethnic": weighted(rng, ETHNIC),
        "political_status": politics,
        "party_date": month(life.studied - rng.randrange(2, 40)) if politics == "01" else None,
        "marital": "10" if life.birth.year > setting.day.year - 29 else "20",
        "health": "1" if rng.random() < 0.97 else "2",
        "work_start": month(life.began),
        "join_school": month(life.joined),
        "staff_source": _source(rng, life, unit),
        "staff_category": _staff_category(rng, life, unit),
        "in_establishment": "1" if life.in_establishment else "0",
        "is_normal_grad": normal,
        "special_trained": special or rng.random() < 0.05,
        "special_cert": special and rng.random() < 0.8,
        "special_start": month(life.joined) if special else None,
        "it_ability": rng.choice("22333345"),
        "free_normal": "2" if normal and rng.random() < 0.06 else "0",
        "basic_service": "0",
        "is_special_grade": False,
        "is_county_backbone": False,
        "psych_teacher": "1" if life.subject == "BJ-71" else "0",
        "is_dual_teacher": rng.random() < 0.35,
        "has_skill_cert": rng.random() < 0.4,
        "enterprise_practice": rng.choice("00123345"),
        "is_preschool_grad": rng.random() < 0.7,
        "preschool_trained": True,
        "academic_kinship": "1" if rng.random() < 0.1 else "2",
        "sub_unit": rng.choice(("教务处", "语言组", "理科组", "综合组", "实训部", "办公室")),
    }
    row |= _contract(rng, life, setting)
    if rng.random() < 0.015:
        row |= {
            "basic_service": rng.choice("23"),
            "basic_service_start": month(life.began),
            "basic_service_end": month(min(life.began + 24, setting.this_month)),
        }
    return row


def _source(rng: Random, life: Life, unit: PlannedUnit) -> str:
    moved = life.joined > life.began
    if unit.category == "higher":
        return rng.choice(("31", "332", "321") if moved else ("112", "122", "132"))
    return rng.choice(("31", "32", "32") if moved else ("11", "11", "12", "13"))


def _staff_category(rng: Random, life: Life, unit: PlannedUnit) -> str:
    kindergarten = unit.category == "kindergarten"
    if life.role == HEAD:
        return "13" if rng.random() < 0.7 else "BJ-K1" if kindergarten else "BJ-P1"
    if life.role == SUPPORT and kindergarten:
        return rng.choice(("12", "12", "BJ-K2", "BJ-K3"))
    special = OWN_STAFF_CATEGORY.get(str(unit.category))
    if life.role == TEACHER and special and rng.random() < 0.1:
        return special
    return STAFF_CATEGORY[life.role]


def _contract(rng: Random, life: Life, setting: Setting) -> Values:
    """In the establishment an appointment; outside of it a contract of a year or more."""
    begin = date(life.joined // 12, life.joined % 12 + 1, 1)
    if life.in_establishment:
        return {"contract_type": "1", "contract_start": begin if rng.random() < 0.3 else None}
    years = 3
    while begin.year + years <= setting.day.year:
        years += 3
    end = date(begin.year + years, begin.month, 1) - timedelta(days=1)
    return {
        "employ_form": rng.choice("1223"),
        "contract_type": "2",
        "contract_start": begin,
        "contract_end": None if rng.random() < 0.3 else end,
    }


def _extension(rng: Random, life: Life) -> Values:
    return {
        "ce_no": f"JX{life.serial:08d}",
        "head_teacher_years": rng.randrange(0, 12) if life.teaches else None,
        "first_teach_date": month(life.began) if life.teaches else None,
    }


def _work(rng: Random, life: Life, unit: PlannedUnit) -> list[Values]:
    phrases = words().phrases
    nature = "22" if unit.category == "higher" else "23"
    rows = []
    if life.joined > life.began:
        rows.append(
            {
                "org_name": rng.choice(phrases["employer"]),
                "start": month(life.began),
                "end": month(life.joined),
                "unit_nature": "23",
                "position": "教师",
                "reference": person_name(rng, "2"),
            }
        )
    position = {OFFICE: "干事", SUPPORT: "教辅", WORKER: "后勤", HEAD: "校长"}.get(life.role)
    rows.append(
        {
            "org_name": unit.name,
            "start": month(life.joined),
            "unit_nature": nature,
            "position": position or rng.choice(phrases["position"]),
            "reference": person_name(rng, "1"),
        }
    )
    return rows


def _titles(rng: Random, life: Life, unit: PlannedUnit) -> list[Values]:
    """The present title and the one before; a row that says none for those without."""
    if not life.level:
        return [{"title": "0"}]
    ladder = LADDERS.get(str(unit.category), SCHOOL_LADDER)
    if life.role == SUPPORT:
        ladder = {4: "074", 3: "073"}
    levels = sorted(life.level_since, reverse=True)[-2:]
    rows = []
    for level, above in zip(levels, [*levels[1:], None], strict=True):
        since = life.level_since[level]
        end = life.level_since[above] if above else None
        old = end is not None and end <= REFORM and ladder is SCHOOL_LADDER
        rows.append(
            {
                "title": BEFORE_REFORM.get(level, ladder[level]) if old else ladder[level],
                "start": month(since),
                "end": month(end) if end else None,
                "org_name": unit.name if since >= life.joined else "原任职单位",
                "qualification_date": month(since - 2),
                "cert_no": f"ZC{since // 12}{rng.randrange(10**8):08d}",
                "appointment_status": "11",
            }
        )
    return rows


def _posts(rng: Random, life: Life) -> list[Values]:
    """Appointments at this school: a new grade with each new level of title."""
    category = POST_CATEGORY[life.role]
    if category in ("3", "4"):
        grade = rng.choice(("207", "208", "208", "209") if category == "3" else ("303", "304"))
        return [_post(rng, life, life.joined, None, grade)]
    levels = sorted(life.level_since, reverse=True)
    before = [level for level in levels if life.level_since[level] <= life.joined]
    after = [level for level in levels if life.level_since[level] > life.joined]
    begins = [(before[-1] if before else 0, life.joined)]
    begins += [(level, life.level_since[level]) for level in after]
    begins = begins[-2:]
    ends: list[int | None] = [*(since for _, since in begins[1:]), None]
    return [
        _post(rng, life, since, end, _grade(rng, level))
        for (level, since), end in zip(begins, ends, strict=True)
    ]


def _grade(rng: Random, level: int) -> str:
    return rng.choice(GRADES[level]) if level else TRIAL


def _post(rng: Random, life: Life, start: int, end: int | None, grade: str) -> Values:
    head = life.role == HEAD and end is None
    second = life.role == TEACHER and end is None and rng.random() < 0.03
    return {
        "post_category": POST_CATEGORY[life.role],
        "post_grade": grade,
        "start": month(start),
        "end": month(end) if end else None,
        "has_concurrent": second,
        "concurrent_category": "3" if second else None,
        "concurrent_grade": "208" if second else None,
        "school_post": "21" if head else "00",
        "school_post_start": month(start) if head else None,
        "establishment_type": ESTABLISHMENT[life.role] if life.in_establishment else None,
    }


def _years(rng: Random, life: Life, unit: PlannedUnit, setting: Setting) -> Content:
    """Pay, appraisal and ethics of the last two full years at the school."""
    joined = life.joined // 12
    years = [year for year in (setting.day.year - 2, setting.day.year - 1) if year >= joined]
    return {
        "treatment": [_pay(rng, life, unit, year) for year in years if year > joined],
        "appraisal": [
            {
                "year": year,
                "result": "5"
                if year == joined
                else weighted(rng, (("2", 80), ("1", 19), ("3", 1))),
                "org_name": unit.name,
            }
            for year in years
        ],
        "ethics": [_ethics(rng, unit, year) for year in years],
    }


def _pay(rng: Random, life: Life, unit: PlannedUnit, year: int) -> Values:
    rank = {1: 5200, 2: 3600, 3: 2200, 4: 1100}.get(life.level, 600)
    base = 3200 + rank + (year * 12 - life.began) // 12 * 60
    performance = 4200 + rank * 3 // 2 + rng.randrange(0, 1200)
    rural = 2400 if unit.is_rural and unit.category != "higher" else 0
    allowance, other = rng.randrange(3, 12) * 100, 0
    total = base + performance + rural + allowance + other
    return {
        "year": year,
        "annual_income": Decimal(total * 12 + rng.randrange(0, 9000)),
        "base_salary": Decimal(base),
        "performance_pay": Decimal(performance),
        "rural_subsidy": Decimal(rural),
        "other_allowance": Decimal(allowance),
        "other_income": Decimal(other),
        "insurance": "1,2,3,4,5,6",
    }


def _ethics(rng: Random, unit: PlannedUnit, year: int) -> Values:
    row: Values = {
        "assess_date": f"{year}-12",
        "assess_result": "1" if rng.random() < 0.2 else "2",
        "assess_org": unit.name,
        "honor_level": "0",
        "punish_type": "0",
    }
    point = rng.random()
    if point < 0.07:
        level, kind = rng.choice((("5", "99"), ("4", "12"), ("3", "10"), ("2", "07")))
        row |= {
            "honor_level": level,
            "honor_type": kind,
            "honor_date": date(year, 9, 8),
            "honor_desc": rng.choice(words().phrases["honour"]),
            "honor_org": unit.name if level == "5" else "主管教育行政部门",
        }
    elif point < 0.072:
        row |= {
            "punish_type": "31",
            "punish_reason": "10",
            "punish_happen_date": date(year, 3, 12),
            "punish_date": date(year, 4, 2),
            "punish_desc": "违反工作纪律，已进行批评教育。",
            "punish_org": unit.name,
        }
    return row


def _qualification(rng: Random, life: Life, setting: Setting) -> list[Values]:
    if not life.teaches:
        return []
    issued = max(life.began // 12, 1996)
    day = min(date(issued, 6, 1) + timedelta(days=rng.randrange(0, 40)), setting.day)
    row: Values = {
        "cert_type": CERTIFICATE.get(life.stage or "", UNIVERSITY_CERTIFICATE),
        "cert_no": ids.certificate_number(issued, life.serial),
        "subject": life.subject,
        "issue_date": day,
        "issue_org": "原发证教育行政部门",
    }
    if issued + 6 < setting.day.year and rng.random() < 0.6:
        first = date(max(issued + 1, 2016), 10, 20)
        row |= {"first_reg_date": first, "first_reg_result": "1"}
        again = date(first.year + 5, 10, 20)
        if again < setting.day:
            row |= {"periodic_reg_date": again, "periodic_reg_result": "1"}
    return [row]


def _teaching(rng: Random, life: Life, setting: Setting) -> list[Values]:
    """The terms since joining, at most four; the earliest comes first."""
    terms = [term for term in setting.terms if term[2] + 1 >= life.joined] or [setting.terms[0]]
    course = rng.choice(words().phrases["course"])
    work = rng.choice(("00", "00", "00", "01", "04", "11"))
    hours = rng.randrange(10, 17)
    rows = []
    for year, semester, _first in reversed(terms):
        row: Values = {"academic_year": year, "semester": semester, "concurrent_work": "00"}
        if life.teaches:
            row |= {
                "stage": life.stage,
                "status": "20",
                "subject": life.subject,
                "course_name": course,
                "weekly_hours": hours + rng.randrange(-2, 3),
                "other_hours": rng.randrange(0, 6),
                "concurrent_work": work,
                "mentor_type": "2" if life.level in (1, 2) and life.stage is None else "0",
                "discipline": "04",
                "teach_undergrad": life.stage is None,
            }
        else:
            row |= {"stage": "0", "status": "10", "mentor_type": "0", "discipline": "04"}
            row |= {"teach_undergrad": False}
        rows.append(row)
    return rows


def _training(rng: Random, life: Life, unit: PlannedUnit, setting: Setting) -> list[Values]:
    phrases = words().phrases
    rows = []
    for year in (setting.day.year - 2, setting.day.year - 1, setting.day.year):
        if year * 12 + 6 < life.joined:
            continue
        hours = rng.choice((12, 16, 20, 24, 36, 40))
        begin = date(year, 3, 1) + timedelta(days=rng.randrange(0, 180))
        level, kind, mode = rng.choice((("4", "02", "6"), ("3", "02", "3"), ("2", "08", "2")))
        rows.append(
            {
                "year": year,
                "type": kind,
                "level": level,
                "project_name": f"{year}年{rng.choice(phrases['training'])}",
                "org_name": unit.name if level == "4" else rng.choice(phrases["trainer"]),
                "mode": mode,
                "start_date": begin,
                "end_date": begin + timedelta(days=rng.randrange(2, 40)),
                "hours": Decimal(hours),
                "credit": Decimal(hours) / 8,
                "result": rng.choice("2221"),
                "confirm_status": "confirmed" if year < setting.day.year else "none",
            }
        )
    return rows


def _skills(rng: Random, life: Life) -> list[Values]:
    strict = life.stage == "1" or life.subject == "13"
    rows: list[Values] = [
        {
            "language": "en",
            "mastery": rng.choice("23344"),
            "cert_type": "1",
            "cert_name": "普通话水平测试等级证书",
            "issue_ym": month(life.studied - 3),
            "issue_org": "语言文字工作委员会",
            "cert_no": f"PTH{life.serial:09d}",
            "mandarin_level": rng.choice("233" if strict else "234"),
        }
    ]
    if rng.random() < 0.35:
        rows.append(
            {
                "language": "en",
                "mastery": "3",
                "cert_type": "2",
                "lang_cert": rng.choice("12"),
                "cert_name": "大学英语等级考试成绩单",
                "issue_ym": month(life.studied - 14),
                "issue_org": "考试委员会",
                "cert_no": f"CET{life.serial:09d}",
            }
        )
    return rows


def _contact(rng: Random, life: Life, unit: PlannedUnit) -> Values:
    return {
        "address": f"北京市{unit.district_name}{rng.choice(words().phrases['road'])}"
        f"{rng.randrange(1, 200)}号院{rng.randrange(1, 30)}号楼{rng.randrange(1, 7)}0"
        f"{rng.randrange(1, 5)}室",
        "phone": ids.office_phone(unit.id),
        "mobile": ids.mobile(life.serial),
        "email": ids.mail(f"t{life.serial:07d}"),
        "emergency_name": person_name(rng, "1" if life.sex == "2" else "2"),
        "emergency_phone": ids.mobile(life.serial, ids.EMERGENCY),
    }


def _honours(rng: Random, life: Life, unit: PlannedUnit, setting: Setting) -> Content:
    """What some have to tell: achievements, programmes, backbone terms, stays elsewhere."""
    found: Content = {}
    likely = 1.6 if unit.category == "higher" else 1.0
    if not life.teaches:
        return found
    if life.level in (1, 2, 3) and rng.random() < 0.16:
        found["backbone"] = [_backbone(rng, life, unit, setting)]
    for code, share, make in _OCCASIONAL:
        if rng.random() < share * likely:
            found[code] = [make(rng, life, unit, setting)]
    return found


def _past(rng: Random, life: Life, setting: Setting, years: int = 6) -> int:
    """A month since joining, not further back than some years, and before this one."""
    first = max(life.joined + 1, setting.this_month - years * 12)
    return min(first + rng.randrange(0, years * 12), setting.this_month - 1)


def _backbone(rng: Random, life: Life, unit: PlannedUnit, setting: Setting) -> Values:
    kind = weighted(rng, BACKBONES)
    start = setting.this_month - rng.randrange(2, 30)
    return {
        "type": kind,
        "level": setting.catalog.codes("backbone_type")[kind].attrs.get("backbone_level"),
        "subject": life.subject,
        "start": month(start),
        "end": month(start + 35),
        "org_name": unit.name if kind == "41" else "主管教育行政部门",
        "doc_no": f"京教演示〔{start // 12}〕{rng.randrange(1, 90)}号",
    }


def _mark_backbone(content: Content, setting: Setting) -> None:
    """The marks of the basic set follow from a term in force."""
    for row in content.get("backbone", ()):
        basic = content["basic"][0]
        basic["is_county_backbone"] = row["level"] in ("1", "2", "3")
        basic["is_special_grade"] = row["type"] == "23"


def _project(rng: Random, life: Life, unit: PlannedUnit, setting: Setting) -> Values:
    start = _past(rng, life, setting)
    return {
        "type": "3",
        "is_representative": rng.random() < 0.5,
        "name": f"{rng.choice(words().phrases['topic'])}研究",
        "approve_no": f"YS{start // 12}{rng.randrange(1000):03d}",
        "area": "教育学",
        "funding": Decimal(rng.randrange(0, 20)),
        "start": month(start),
        "end": month(start + 24),
        "role": rng.choice(("110", "120", "130")),
        "rank": rng.choice("1123"),
        "source": rng.choice(("13", "18", "19")),
        "level": rng.choice(("23", "43", "60")),
    }


def _paper(rng: Random, life: Life, _unit: PlannedUnit, setting: Setting) -> Values:
    first = rng.randrange(1, 90)
    return {
        "name": f"{rng.choice(words().phrases['topic'])}的思考与实践",
        "is_representative": rng.random() < 0.5,
        "journal": rng.choice(words().phrases["journal"]),
        "publish_ym": month(_past(rng, life, setting)),
        "issue": str(rng.randrange(1, 13)),
        "start_page": first,
        "end_page": first + rng.randrange(2, 6),
        "role": rng.choice(("10", "11")),
        "area": "教育学",
        "indexed": rng.choice("0000679"),
    }


def _award(rng: Random, life: Life, _unit: PlannedUnit, setting: Setting) -> Values:
    return {
        "type": "1",
        "is_representative": rng.random() < 0.5,
        "award_ym": month(_past(rng, life, setting)),
        "name": rng.choice(words().phrases["award"]),
        "level": rng.choice(("43", "51", "60", "31")),
        "grade": rng.choice("2334"),
        "rank": "1",
        "country": "156",
        "org_name": "主管教育行政部门",
    }


def _student_award(rng: Random, life: Life, _unit: PlannedUnit, setting: Setting) -> Values:
    return {
        "name": f"学生{rng.choice(words().phrases['student_award'])}",
        "is_representative": False,
        "role": rng.choice("12"),
        "grade": rng.choice(("一等奖", "二等奖", "三等奖")),
        "level": rng.choice(("43", "51", "31")),
        "award_ym": month(_past(rng, life, setting)),
        "work_desc": "承担赛前辅导与组织工作。",
    }


def _writing(rng: Random, life: Life, _unit: PlannedUnit, setting: Setting) -> Values:
    words_ = rng.randrange(80, 300) * 1000
    when = _past(rng, life, setting)
    return {
        "type": rng.choice(("12", "14", "15")),
        "is_representative": True,
        "name": f"《{rng.choice(words().phrases['topic'])}》",
        "area": "教育学",
        "publish_date": date(when // 12, when % 12 + 1, 15),
        "publisher": rng.choice(words().phrases["publisher"]),
        "isbn": f"979-0-0000-{rng.randrange(10000):04d}-0",
        "role": rng.choice(("220", "230", "240")),
        "words": words_,
        "own_words": words_ // rng.randrange(2, 8),
    }


def _literary(rng: Random, life: Life, _unit: PlannedUnit, setting: Setting) -> Values:
    when = _past(rng, life, setting)
    return {
        "type": rng.choice(("41", "42", "43", "44")),
        "is_representative": False,
        "name": rng.choice(words().phrases["work"]),
        "role": "1",
        "finish_date": date(when // 12, when % 12 + 1, 20),
        "finish_place": "北京",
        "work_desc": "独立创作。",
    }


def _patent(rng: Random, life: Life, _unit: PlannedUnit, setting: Setting) -> Values:
    when = _past(rng, life, setting)
    return {
        "type": rng.choice(("2", "3")),
        "is_representative": False,
        "name": "一种可调节的教学演示装置",
        "area": "教育技术",
        "approve_date": date(when // 12, when % 12 + 1, 10),
        "role": rng.choice("123"),
        "number": f"YS{when // 12}{rng.randrange(10**7):07d}",
    }


def _report(rng: Random, life: Life, _unit: PlannedUnit, setting: Setting) -> Values:
    when = _past(rng, life, setting)
    return {
        "topic": f"{rng.choice(words().phrases['topic'])}调研报告",
        "is_representative": False,
        "role": rng.choice("23"),
        "report_date": date(when // 12, when % 12 + 1, 5),
        "client": "主管教育行政部门",
    }


def _standard(rng: Random, life: Life, _unit: PlannedUnit, setting: Setting) -> Values:
    when = _past(rng, life, setting)
    return {
        "standard_no": f"YS/T {rng.randrange(100, 999)}-{when // 12}",
        "standard_name": rng.choice(words().phrases["standard"]),
        "is_representative": False,
        "role": "3",
        "publish_date": date(when // 12, when % 12 + 1, 1),
        "publish_org": "标准化演示机构",
    }


def _medical(rng: Random, life: Life, _unit: PlannedUnit, setting: Setting) -> Values:
    when = _past(rng, life, setting)
    return {
        "name": "演示用医药证书",
        "is_representative": False,
        "cert_no": f"YSYZ{rng.randrange(10**6):06d}",
        "role": "3",
        "approve_date": date(when // 12, when % 12 + 1, 1),
        "valid_period": "5年",
    }


def _talent(rng: Random, life: Life, _unit: PlannedUnit, setting: Setting) -> Values:
    return {
        "project": rng.choice(("12", "14", "15", "21")),
        "year": setting.day.year - rng.randrange(0, 5),
    }


def _overseas(rng: Random, life: Life, _unit: PlannedUnit, setting: Setting) -> Values:
    when = _past(rng, life, setting)
    begin = date(when // 12, when % 12 + 1, 1)
    return {
        "has_overseas": True,
        "start_date": begin,
        "end_date": min(begin + timedelta(days=rng.randrange(20, 200)), setting.day),
        "country": rng.choice(("826", "840", "036", "276", "392", "702")),
        "org_name": rng.choice(words().phrases["country_org"]),
        "project_name": "教师海外研修项目",
        "project_org": "主管教育行政部门",
        "type": rng.choice("23"),
    }


def _rotation(rng: Random, life: Life, unit: PlannedUnit, setting: Setting) -> Values:
    start = _past(rng, life, setting, years=4)
    return {
        "type": rng.choice("1367"),
        "transfer_personnel": False,
        "start": month(start),
        "end": month(min(start + 12, setting.this_month)),
        "from_org": unit.name,
        "to_org": rng.choice(words().phrases["employer"]),
        "direction": rng.choice("239"),
        "is_full_rotation": rng.random() < 0.6,
    }


_OCCASIONAL = (
    ("ach_project", 0.08, _project),
    ("ach_paper", 0.16, _paper),
    ("ach_award", 0.14, _award),
    ("ach_student", 0.09, _student_award),
    ("ach_writing", 0.03, _writing),
    ("ach_literary", 0.01, _literary),
    ("ach_patent", 0.012, _patent),
    ("ach_report", 0.02, _report),
    ("ach_standard", 0.01, _standard),
    ("ach_medical", 0.004, _medical),
    ("talent", 0.006, _talent),
    ("overseas", 0.025, _overseas),
    ("rotation", 0.035, _rotation),
)
