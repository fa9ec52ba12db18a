"""Makers of units, accounts and files for tests: valid and complete unless a test differs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cache
from itertools import count
from typing import Any
from uuid import uuid4

from flask_babel import force_locale
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.security import generate_password_hash

from app.access.actor import Actor, make_actor, system
from app.access.roles import CITY, DISTRICT
from app.core.clock import local, now, today
from app.core.crypto import blind_index, seal
from app.core.errors import Problem
from app.demo import ids
from app.demo.store import insert_rows, set_columns
from app.indicators import checks
from app.indicators.catalog import Catalog, catalog
from app.indicators.derive import derive
from app.indicators.file import FileData, Row, SchoolFacts
from app.models.account import Account, Assignment
from app.models.record import SETS, TEACHER_SETS
from app.models.teacher import (
    IN_FORCE_STATES,
    Affiliation,
    FileProblem,
    FileVersion,
    NameGram,
    NoneAnswer,
    ReviewState,
    Teacher,
)
from app.models.unit import Unit, UnitKind
from app.services import check, search
from app.services.number import number_of, take_serials

PASSWORD = "Demo-2026-bj"
LONG_AGO = date(2020, 1, 1)
FIRST_BIRTH = date(1978, 1, 1)

# One type of each category, the stage it teaches, and a title, certificate and subject that fit.
TYPES = {
    "kindergarten": "111",
    "primary_secondary": "211",
    "vocational": "365",
    "special": "512",
    "higher": "411",
    "training_institution": "X01",
    "extracurricular": "X02",
}
TEACHES = {
    "kindergarten": ("1", "BJ-82", "BJ-S3", "1"),
    "primary_secondary": ("2", "14", "BJ-S3", "2"),
    "vocational": ("6", "BJ-96", "BJ-V3", "5"),
    "special": ("A", "BJ-91", "BJ-S3", "2"),
    "higher": (None, None, "013", "7"),
    "training_institution": ("2", "14", "BJ-S3", "2"),
    "extracurricular": ("Z", "BJ-98", "BJ-S3", "4"),
}

# List columns of the teacher and the indicators of the basic set behind them.
LIST_COLUMNS = {
    "id_doc_type": "id_doc_type",
    "sex": "sex",
    "education": "highest_education",
    "degree_level": "highest_degree_level",
    "title": "current_title",
    "post_category": "current_post_category",
    "staff_category": "staff_category",
    "in_establishment": "in_establishment",
}
RETURN_NOTES = {
    "reason": "请核对",
    "fields": {"basic.native_place": "籍贯与档案不符"},
    "step": "return",
}

Content = dict[str, list[dict[str, Any]]]

_serials = count(1)


@cache
def password_hash() -> str:
    """The hash of the one test password, made once per process by the cheapest method."""
    return generate_password_hash(PASSWORD, method="pbkdf2:sha256:1")


def make_unit(
    session: Session,
    *,
    kind: str = UnitKind.DISTRICT,
    code: str | None = None,
    name: str | None = None,
    authority: Unit | None = None,
    **columns: Any,
) -> Unit:
    """Add a unit; a city needs no more than its kind, a district hangs under `authority`."""
    serial = next(_serials)
    code = code or {"city": "110000"}.get(kind, f"1101{serial:04d}")
    unit = Unit(
        code=code,
        name=name or f"测试单位{code}",
        name_en=columns.pop("name_en", f"Test unit {code}"),
        kind=kind,
        authority_id=authority.id if authority else None,
        district_code=columns.pop("district_code", code if kind != UnitKind.SCHOOL else None),
        **columns,
    )
    with system():
        session.add(unit)
        session.flush()
    return unit


def make_school(
    session: Session, *, authority: Unit, category: str = "primary_secondary", **columns: Any
) -> Unit:
    """Add a school of a category under its authority, at an address in the main city."""
    serial = next(_serials)
    columns.setdefault("code", f"3111{serial:06d}")
    columns.setdefault("name", f"测试学校{serial}")
    columns.setdefault("type_code", TYPES[category])
    columns.setdefault("urban_rural", "111")
    columns.setdefault("sponsor_type", "831")
    at = authority.district_code if authority.kind == UnitKind.DISTRICT else "110108"
    columns.setdefault("district_code", at)
    school = make_unit(
        session, kind=UnitKind.SCHOOL, authority=authority, category=category, **columns
    )
    _describe(session, school, authority)
    return school


def _describe(session: Session, school: Unit, authority: Unit) -> None:
    """Put the particulars of a school in force (school_basic)."""
    uuid = uuid4().hex
    values = {
        "school_code": school.code,
        "name": school.name,
        "address": "测试路2号",
        "district": school.district_code,
        "school_type": school.type_code,
        "urban_rural": school.urban_rural,
        "sponsor_name": "测试举办单位",
        "sponsor_type": school.sponsor_type,
        "authority": authority.code,
        "head_name": "测试校长",
        "admin_name": "测试管理员",
        "admin_phone": ids.office_phone(school.id),
        "credit_code": ids.credit_code(school.id),
        "status": "正常",
    }
    stamp = now() - timedelta(days=1)
    row = {"uuid": uuid, "unit_id": school.id, "state": "effective", "valid_from": stamp}
    row |= {"version": 1, "entered_at": stamp} | set_columns("school_basic", uuid, values)
    insert_rows(session, SETS["school_basic"].__table__, [row])


def make_account(
    session: Session,
    *,
    role: str,
    unit: Unit,
    teacher: Teacher | None = None,
    account: Account | int | None = None,
    username: str | None = None,
    valid_from: date = LONG_AGO,
    valid_to: date | None = None,
    delegated_from: int | None = None,
) -> Actor:
    """Add an assignment of a role, with an account unless one is given; returns who acts.

    The password of every test account is `PASSWORD`.
    """
    with system():
        if isinstance(account, int):
            account = session.get(Account, account)
        if account is None:
            account = _new_account(username or f"{role}_{next(_serials)}", teacher)
            session.add(account)
            session.flush()
        elif teacher is not None:
            account.teacher_id = teacher.id
        assignment = Assignment(
            account_id=account.id,
            role=str(role),
            unit_id=unit.id,
            valid_from=valid_from,
            valid_to=valid_to,
            delegated_from=delegated_from,
        )
        session.add(assignment)
        session.flush()
        return make_actor(assignment, unit, account)


def _new_account(username: str, teacher: Teacher | None) -> Account:
    return Account(
        username=username,
        first_name=teacher.name if teacher else username,
        last_name="",
        email=ids.mail(username),
        password=password_hash(),
        active=True,
        teacher_id=teacher.id if teacher else None,
    )


def role_unit(role: str, *, city: Unit, district: Unit, school: Unit) -> Unit:
    """Where a role sits."""
    if role in CITY:
        return city
    return district if role in DISTRICT else school


def make_city(session: Session) -> Unit:
    """Add the city commission."""
    return make_unit(session, kind=UnitKind.CITY, name="测试市教委")


def finding(file: Any, severity: str = "warning", **given: Any) -> FileProblem:
    """A finding of the rules about a file of the world or a teacher; an open warning unless given
    otherwise."""
    usual = {"code": "DQ013", "severity": severity, "set": "basic", "field": "work_start"}
    words = {"message": "不符", "message_en": "wrong"}
    place = {"teacher_id": file.id, "school_id": file.school_id, "authority_id": file.authority_id}
    return FileProblem(**place | usual | words | given)


def make_teacher(
    session: Session,
    *,
    school: Unit | None = None,
    state: str = ReviewState.DRAFT,
    complete: bool = True,
    rows: Mapping[str, list[dict[str, Any]]] | None = None,
    since: datetime | None = None,
    entered_by: int | None = None,
    **basic: Any,
) -> Teacher:
    """Add a file in a state. Complete: every collected set is filled or answered with none, all
    rules hold, and its one warning (the unassigned division) is acknowledged.

    `basic` replaces values of the basic set, `rows` whole sets; `complete=False` keeps the
    basic set alone. In force, the rows are so since `since` (default: an hour ago).
    """
    if school is None:
        school = make_school(session, authority=make_city(session))
    wanted = Wanted(school, state, basic, dict(rows or {}), complete, since, entered_by)
    return make_teachers(session, [wanted])[0]


@dataclass
class Wanted:
    """A file to be made; see make_teacher."""

    school: Unit
    state: str = ReviewState.DRAFT
    basic: Mapping[str, Any] = field(default_factory=dict)
    rows: Mapping[str, list[dict[str, Any]]] = field(default_factory=dict)
    complete: bool = True
    since: datetime | None = None
    entered_by: int | None = None

    def content(self, known: Catalog) -> Content:
        """The plain values of the file by set."""
        found = complete_file(self.school, known, **self.basic)
        found |= {code: [dict(row) for row in given] for code, given in self.rows.items()}
        return found if self.complete else {"basic": found["basic"]}


def make_teachers(session: Session, wanted: Sequence[Wanted]) -> list[Teacher]:
    """Add many files with one statement per table; see make_teacher."""
    with system():
        known = catalog(session)
        contents = [each.content(known) for each in wanted]
        teachers = [
            _new_teacher(each, content, each.since or now() - timedelta(hours=1))
            for each, content in zip(wanted, contents, strict=True)
        ]
        live = [teacher for teacher in teachers if teacher.is_in_force]
        first = take_serials(session, "teacher_no", len(live)) if live else 0
        for offset, teacher in enumerate(live):
            teacher.teacher_no = number_of(first + offset)
        session.add_all(teachers)
        session.flush()
        for set_code, cls in TEACHER_SETS.items():
            rows = [
                _record_row(set_code, teacher, values, each.entered_by)
                for each, content, teacher in zip(wanted, contents, teachers, strict=True)
                for values in content.get(set_code, ())
            ]
            insert_rows(session, cls.__table__, rows)
        _insert_surroundings(session, wanted, contents, teachers, known)
        session.flush()
        return teachers


def fill(session: Session, teacher: Teacher, set_code: str, **values: Any) -> Any:
    """Add one row to a set of a file as it is (draft or in force); returns the record.

    The values are plain ones by indicator code; nothing is checked and no list column moves,
    so that a test can store what the services refuse.
    """
    cls = TEACHER_SETS[set_code]
    record = cls(
        uuid=uuid4().hex,
        teacher_id=teacher.id,
        school_id=teacher.school_id,
        authority_id=teacher.authority_id,
        state="effective" if teacher.is_in_force else "draft",
        valid_from=teacher.effective_at if teacher.is_in_force else None,
    )
    for code, value in values.items():
        record.put(code, value)
    with system():
        session.add(record)
        teacher.content_version += 1
        session.flush()
    return record


def _record_row(
    set_code: str, teacher: Teacher, values: Mapping[str, Any], entered_by: int | None
) -> dict[str, Any]:
    uuid = uuid4().hex
    stamp = teacher.effective_at or teacher.created_at
    place = {
        "uuid": uuid,
        **_place(teacher),
        "state": "effective" if teacher.is_in_force else "draft",
        "valid_from": teacher.effective_at,
        "version": 1,
        "entered_by": entered_by,
        "entered_at": stamp,
    }
    return place | set_columns(set_code, uuid, values)


def _place(teacher: Teacher) -> dict[str, int]:
    return {
        "teacher_id": teacher.id,
        "school_id": teacher.school_id,
        "authority_id": teacher.authority_id,
    }


def complete_file(school: Unit, known: Catalog, **basic: Any) -> Content:
    """A clean file for a school as plain values by set: what the category collects, no more."""
    base = _basic(school, next(_serials), basic)
    whole = {"basic": [base], **_career(school, base), **_yearly(school), **_skills(school, base)}
    content = {
        code: [_narrowed(known, str(school.category), code, row, base) for row in rows]
        for code, rows in whole.items()
    }
    _derive(school, known, content, set(basic))
    return content


def _derive(school: Unit, known: Catalog, content: Content, given: set[str]) -> None:
    """Write the derived values, except those that the test gave itself."""
    facts = SchoolFacts(
        school.id, school.code, school.name, str(school.category), str(school.type_code)
    )
    rows = {
        code: tuple(Row(f"{code}{n}", row) for n, row in enumerate(found))
        for code, found in content.items()
    }
    for key, value in derive(FileData(None, facts, "100", rows), known, today()).items():
        set_code, code = key.split(".")
        if not (set_code == "basic" and code in given):
            content[set_code][0][code] = value


def _narrowed(
    known: Catalog, category: str, set_code: str, row: dict[str, Any], base: dict[str, Any]
) -> dict[str, Any]:
    """Leave out what the category does not collect or what does not apply."""
    own = {"basic": base, set_code: row}

    def applies(code: str) -> bool:
        item = known.indicator(set_code, code)
        return bool(known.applicable(item, lambda asked, name: own.get(asked, {}).get(name)))

    return {
        code: value
        for code, value in row.items()
        if known.collected(set_code, code, category) and applies(code)
    }


def _basic(school: Unit, serial: int, given: Mapping[str, Any]) -> dict[str, Any]:
    birth = given.get("birth_date") or FIRST_BIRTH + timedelta(days=serial * 7 % 6000)
    sex = given.get("sex") or "12"[serial % 2]
    stage_title = TEACHES[school.category][2]
    return {
        "name": f"测试{_letters(serial)}",
        "sex": sex,
        "nationality": "156",
        "id_doc_type": "1",
        "id_no": ids.id_number(birth, sex, serial // 857 % ids.SEQUENCES),
        "birth_date": birth,
        "native_place": "110101",
        "birth_place": "110101",
        "ethnic": "01",
        "political_status": "13",
        "marital": "20",
        "health": "1",
        "highest_education": "21",
        "highest_education_org": "测试师范大学",
        "highest_degree_level": "4",
        "highest_degree": "404",
        "highest_degree_org": "测试师范大学",
        "work_start": f"{birth.year + 23}-07",
        "join_school": f"{birth.year + 25}-09",
        "staff_source": "112" if school.category == "higher" else "11",
        "staff_category": "11",
        "in_establishment": "1",
        "contract_type": "1",
        "current_post_category": "1",
        "current_post_grade": "110",
        "current_title": stage_title,
        "is_normal_grad": True,
        "special_trained": school.category == "special",
        "special_cert": school.category == "special",
        "special_start": f"{birth.year + 25}-09" if school.category == "special" else None,
        "it_ability": "3",
        "free_normal": "0",
        "basic_service": "0",
        "is_special_grade": False,
        "is_county_backbone": False,
        "psych_teacher": "0",
        "is_dual_teacher": False,
        "has_skill_cert": False,
        "enterprise_practice": "0",
        "is_preschool_grad": True,
        "preschool_trained": True,
        "academic_kinship": "2",
        "sub_unit": "测试教研室",
        **given,
    }


def _career(school: Unit, base: Mapping[str, Any]) -> Content:
    """Studies, work, post, title and certificate that agree with the basic set."""
    year = base["birth_date"].year
    stage, subject, title, certificate = TEACHES[school.category]
    return {
        "bj_ext": [{"ce_no": f"CE{next(_serials):08d}", "first_teach_date": base["work_start"]}],
        "learning": [
            {
                "education": "21",
                "education_country": "156",
                "education_org": "测试师范大学",
                "major": "教育学",
                "is_normal": True,
                "start": f"{year + 19}-09",
                "end": f"{year + 23}-06",
                "degree_level": "4",
                "degree": "404",
                "degree_country": "156",
                "degree_org": "测试师范大学",
                "degree_date": f"{year + 23}-06",
                "study_mode": "1",
                "study_org_type": "1",
            }
        ],
        "work": [
            {
                "org_name": "测试第一学校",
                "start": base["work_start"],
                "end": f"{year + 25}-08",
                "unit_nature": "23",
                "position": "教师",
            },
            {
                "org_name": school.name,
                "start": base["join_school"],
                "unit_nature": "22" if school.category == "higher" else "23",
                "position": "教师",
            },
        ],
        "post": [
            {
                "post_category": "1",
                "post_grade": "110",
                "start": base["join_school"],
                "has_concurrent": False,
                "school_post": "00",
                "establishment_type": "10",
            }
        ],
        "title": [
            {
                "title": title,
                "start": f"{max(year + 30, 2017)}-09",
                "org_name": school.name,
                "appointment_status": "11",
            }
        ],
        "qualification": [
            {
                "cert_type": certificate,
                "cert_no": ids.certificate_number(max(year + 24, 1996), next(_serials)),
                "subject": subject or "BJ-99",
                "issue_date": date(max(year + 24, 1996), 6, 30),
                "issue_org": "测试教育委员会",
            }
        ],
        "teaching": [_term(school, stage, subject)],
    }


def _term(school: Unit, stage: str | None, subject: str | None) -> dict[str, Any]:
    return {
        "academic_year": today().year - 1,
        "semester": "1",
        "stage": stage,
        "status": "20",
        "subject": subject,
        "course_name": "测试课程",
        "weekly_hours": 12,
        "other_hours": 2,
        "concurrent_work": "00",
        "mentor_type": "0",
        "discipline": "04",
        "teach_undergrad": True,
    }


def _yearly(school: Unit) -> Content:
    """Pay, appraisal, ethics and training of last year."""
    year = today().year - 1
    rural = Decimal(2000) if (school.urban_rural or "").startswith("2") else Decimal(0)
    return {
        "treatment": [
            {
                "year": year,
                "annual_income": Decimal(12) * (Decimal(10500) + rural),
                "base_salary": Decimal(5000),
                "performance_pay": Decimal(5000),
                "rural_subsidy": rural,
                "other_allowance": Decimal(500),
                "other_income": Decimal(0),
                "insurance": "1,2,3,4,5,6",
            }
        ],
        "appraisal": [{"year": year, "result": "2", "org_name": school.name}],
        "ethics": [
            {
                "assess_date": f"{year}-12",
                "assess_result": "2",
                "assess_org": school.name,
                "honor_level": "0",
                "punish_type": "0",
            }
        ],
        "training": [
            {
                "year": year,
                "type": "02",
                "level": "4",
                "project_name": "校本研修",
                "org_name": school.name,
                "mode": "6",
                "hours": Decimal(20),
                "credit": Decimal(2),
                "result": "2",
            }
        ],
    }


def _skills(school: Unit, base: Mapping[str, Any]) -> Content:
    serial = next(_serials)
    return {
        "skill": [
            {
                "language": "en",
                "mastery": "3",
                "cert_type": "1",
                "cert_name": "普通话水平测试等级证书",
                "issue_ym": base["work_start"],
                "issue_org": "测试语委",
                "mandarin_level": "2",
            }
        ],
        "contact": [
            {
                "address": "测试路1号",
                "phone": ids.office_phone(serial),
                "mobile": ids.mobile(serial),
                "email": ids.mail(f"person{serial}"),
                "emergency_name": "测试联系人",
                "emergency_phone": ids.mobile(serial, ids.EMERGENCY),
            }
        ],
    }


def _letters(serial: int) -> str:
    """A name of Chinese characters that is different for every serial below 100,000."""
    signs = "甲乙丙丁戊己庚辛壬癸"
    return "".join(signs[int(digit)] for digit in str(serial))


def _new_teacher(each: Wanted, content: Content, since: datetime) -> Teacher:
    base = content["basic"][0]
    live = each.state in IN_FORCE_STATES
    uuid = uuid4().hex
    number = base.get("id_no")
    teaching = content.get("teaching") or [{}]
    return Teacher(
        uuid=uuid,
        school_id=each.school.id,
        authority_id=each.school.authority_id,
        state=str(each.state),
        id_no=seal(number, table="teacher", column="id_no", uuid=uuid) if number else None,
        id_no_index=blind_index(number, "idcard") if number else None,
        pinyin=search.initials(base["name"]),
        birth_year=base["birth_date"].year if base.get("birth_date") else None,
        stage=teaching[0].get("stage"),
        subject=teaching[0].get("subject"),
        name=base["name"],
        **{column: base.get(code) for column, code in LIST_COLUMNS.items()},
        complete_percent=100 if each.complete else 10,
        version=1,
        content_version=1,
        file_version=1 if live else 0,
        created_at=since,
        state_since=since,
        submitted_at=None if each.state == ReviewState.DRAFT else since,
        effective_at=since if live else None,
        confirmed_on=local(since).date() if live else None,
        return_notes=RETURN_NOTES if each.state == ReviewState.RETURNED else None,
    )


def _insert_surroundings(
    session: Session,
    wanted: Sequence[Wanted],
    contents: Sequence[Content],
    teachers: Sequence[Teacher],
    known: Catalog,
) -> None:
    """What hangs on files: affiliation, version, grams, none answers, the kept check."""
    affiliations = [
        _place(teacher)
        | {
            "kind": "personnel",
            "status": "100",
            "from_month": content["basic"][0].get("join_school"),
            "valid_from": teacher.effective_at,
        }
        for teacher, content in zip(teachers, contents, strict=True)
    ]
    versions = [
        _place(teacher) | {"number": 1, "at": teacher.effective_at, "cause": "first_effect"}
        for teacher in teachers
        if teacher.is_in_force
    ]
    none = [
        {"teacher_id": teacher.id, "set": entry.code, "at": teacher.created_at}
        for each, content, teacher in zip(wanted, contents, teachers, strict=True)
        if each.complete
        for entry in known.category_sets(str(each.school.category))
        if entry.multi_row and not content.get(entry.code)
    ]
    insert_rows(session, Affiliation.__table__, affiliations)
    insert_rows(session, FileVersion.__table__, versions)
    insert_rows(session, NoneAnswer.__table__, none)
    insert_rows(session, NameGram.__table__, search.gram_rows((t.id, t.name) for t in teachers))
    complete = [t for each, t in zip(wanted, teachers, strict=True) if each.complete]
    numbers = [
        content["basic"][0].get("id_no")
        for each, content in zip(wanted, contents, strict=True)
        if each.complete
    ]
    _keep_checks(session, complete, numbers, known)


def _keep_checks(
    session: Session, teachers: Sequence[Teacher], numbers: Sequence[Any], known: Catalog
) -> None:
    """Keep the result of a check as the services would: one warning, acknowledged."""
    basic = TEACHER_SETS["basic"]
    ids_ = [teacher.id for teacher in teachers]
    uuids = dict(
        session.execute(
            select(basic.teacher_id, basic.uuid).where(basic.teacher_id.in_(ids_))
        ).all()
    )
    school = SchoolFacts(0, "", "", "", "")

    def words(tongue: str) -> str:
        row = Row("", {"id_no": "110199199001011234", "id_doc_type": "1"})
        file = FileData(None, school, "100", {"basic": (row,)})
        with force_locale(tongue):
            return str(checks.run_one("DQ004", file, checks.Context(known, today()))[0].message)

    message, english = (words("zh"), words("en")) if teachers else ("", "")

    def fingerprint(uuid: str, number: Any) -> str:
        warning = Problem("DQ004", message, "basic", "id_no", uuid, "warning")
        basic_row = {"basic": (Row(uuid, {"id_no": number}),)}
        return check.fingerprint(warning, FileData(None, school, "100", basic_row), known)

    found = [
        _place(teacher)
        | {
            "code": "DQ004",
            "severity": "warning",
            "set": "basic",
            "field": "id_no",
            "record": uuids[teacher.id],
            "message": message,
            "message_en": english,
            "fingerprint": fingerprint(uuids[teacher.id], number),
            "acknowledged_at": now(),
        }
        for teacher, number in zip(teachers, numbers, strict=True)
    ]
    insert_rows(session, FileProblem.__table__, found)
    for teacher in teachers:
        teacher.warning_count, teacher.error_count = 1, 0
        teacher.checked_content = teacher.content_version
        teacher.checked_catalog = known.version
        teacher.checked_on = today()
