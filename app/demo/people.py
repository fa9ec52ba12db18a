"""A made-up life told as a teacher's file: plain values by set, as the services read them.

What a category does not collect is left out, and without a blemish every check holds except
DQ004, which speaks of the unassigned division.
"""

from datetime import date, timedelta
from decimal import Decimal
from random import Random

from app.demo import ids
from app.demo.honours import make_honours
from app.demo.life import (
    BEFORE_REFORM,
    CERTIFICATE,
    ESTABLISHMENT,
    ETHNIC,
    GRADES,
    HEAD,
    LADDERS,
    OFFICE,
    OWN_STAFF_CATEGORY,
    POLITICAL,
    POST_CATEGORY,
    REFORM,
    SCHOOL_LADDER,
    STAFF_CATEGORY,
    SUPPORT,
    TEACHER,
    TRIAL,
    UNIVERSITY_CERTIFICATE,
    WORKER,
    Content,
    Life,
    Setting,
    Shape,
    Values,
    month,
    weighted,
)
from app.demo.names import person_name, words
from app.demo.schools import PlannedUnit


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
        **make_honours(rng, life, unit, setting),
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


def _mark_backbone(content: Content, setting: Setting) -> None:
    """The marks of the basic set follow from a term in force."""
    for row in content.get("backbone", ()):
        basic = content["basic"][0]
        basic["is_county_backbone"] = row["level"] in ("1", "2", "3")
        basic["is_special_grade"] = row["type"] == "23"
