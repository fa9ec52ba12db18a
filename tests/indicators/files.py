"""A teacher's file that no check objects to, and a way to alter it."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from functools import cache
from types import MappingProxyType
from typing import Any

from app.core.reference import structure
from app.indicators.catalog import Catalog
from app.indicators.checks import Context
from app.indicators.file import Facts, FileData, Row, SchoolFacts

TODAY = date(2026, 10, 15)
SCHOOL = SchoolFacts(
    id=1,
    code="3111000001",
    name="示范小学",
    category="primary_secondary",
    type_code="211",
    urban_rural="111",
    district="110101",
    authority="110101",
)
RECORDS: MappingProxyType[str, dict[str, Any]] = MappingProxyType(
    {
        "basic": {
            "name": "王小明",
            "sex": "1",
            "nationality": "156",
            "id_doc_type": "1",
            "id_no": "110199198503150131",
            "birth_date": date(1985, 3, 15),
            "ethnic": "01",
            "political_status": "13",
            "work_start": "2007-07",
            "join_school": "2007-07",
            "staff_source": "11",
            "staff_category": "11",
            "in_establishment": "1",
            "contract_type": "1",
            "is_normal_grad": True,
            "special_trained": False,
            "special_cert": False,
            "it_ability": "3",
            "free_normal": "0",
            "basic_service": "0",
            "is_special_grade": False,
            "is_county_backbone": False,
            "psych_teacher": "0",
        },
        "bj_ext": {"ce_no": "CE0001"},
        "learning": {
            "education": "21",
            "education_country": "156",
            "education_org": "示范师范大学",
            "major": "数学与应用数学",
            "is_normal": True,
            "start": "2003-09",
            "end": "2007-07",
            "degree_level": "4",
            "degree": "407",
            "degree_country": "156",
            "degree_org": "示范师范大学",
            "degree_date": "2007-07",
            "study_mode": "1",
            "study_org_type": "1",
        },
        "work": {
            "org_name": "示范小学",
            "start": "2007-07",
            "unit_nature": "23",
            "position": "教师",
        },
        "post": {
            "post_category": "1",
            "post_grade": "110",
            "start": "2012-09",
            "has_concurrent": False,
            "school_post": "00",
        },
        "title": {"title": "BJ-S3", "start": "2012-09", "appointment_status": "11"},
        "treatment": {
            "year": 2025,
            "annual_income": Decimal("120000.00"),
            "base_salary": Decimal("5000.00"),
            "performance_pay": Decimal("4000.00"),
            "rural_subsidy": Decimal("0.00"),
            "other_allowance": Decimal("1000.00"),
            "other_income": Decimal("0.00"),
            "insurance": "1,2,3,4,5,6",
        },
        "appraisal": {"year": 2025, "result": "2"},
        "ethics": {
            "assess_date": "2025-12",
            "assess_result": "2",
            "honor_level": "0",
            "punish_type": "0",
        },
        "qualification": {
            "cert_type": "2",
            "cert_no": "20071101212345678",
            "issue_date": date(2007, 6, 30),
        },
        "teaching": {
            "academic_year": 2026,
            "semester": "1",
            "stage": "2",
            "status": "20",
            "subject": "14",
            "weekly_hours": 14,
            "other_hours": 2,
            "concurrent_work": "00",
        },
        "skill": {
            "language": "en",
            "mastery": "3",
            "cert_type": "1",
            "cert_name": "普通话水平测试等级证书",
            "mandarin_level": "3",
        },
        "contact": {"mobile": "13800138000"},
    }
)
# Records of sets that the file above answers with "none to report".
MORE_RECORDS: MappingProxyType[str, dict[str, Any]] = MappingProxyType(
    {
        "rotation": {
            "type": "1",
            "transfer_personnel": False,
            "start": "2022-09",
            "end": "2023-07",
            "from_org": "示范小学",
            "to_org": "乡村小学",
        },
        "training": {
            "year": 2025,
            "type": "02",
            "level": "2",
            "project_name": "暑期研修",
            "mode": "1",
            "start_date": date(2025, 7, 1),
            "end_date": date(2025, 7, 10),
            "hours": Decimal("40.00"),
            "credit": Decimal("4.00"),
        },
        "overseas": {
            "has_overseas": True,
            "start_date": date(2019, 9, 1),
            "end_date": date(2020, 7, 1),
            "country": "826",
        },
        "backbone": {
            "type": "32",
            "level": "3",
            "start": "2024-09",
            "end": "2027-08",
            "org_name": "东城区教育委员会",
        },
        "ach_writing": {"type": "11", "name": "数学课堂", "words": 90000, "own_words": 30000},
        "ach_project": {"type": "3", "name": "计算教学", "start": "2020-01", "end": "2021-12"},
        "talent": {"project": "00"},
        "school_basic": {
            "school_type": "211",
            "district": "110101",
            "authority": "110101",
        },
    }
)


@cache
def reference_catalog() -> Catalog:
    """The catalogue of the shipped files."""
    return Catalog.from_reference(structure())


def context(**kwargs: Any) -> Context:
    """The context of a check on the day of these tests."""
    return Context(**{"catalog": reference_catalog(), "today": TODAY} | kwargs)


def _record(set_code: str, number: int, changes: dict[str, Any]) -> Row:
    changes = dict(changes)
    school = changes.pop("entered_at_school", None)
    values = {**(RECORDS.get(set_code) or MORE_RECORDS.get(set_code) or {}), **changes}
    return Row(f"{set_code}{number}", values, school)


def make_file(
    *,
    school: dict[str, Any] | None = None,
    facts: dict[str, Any] | None = None,
    status: str = "100",
    none_sets: frozenset[str] | None = None,
    **sets: Any,
) -> FileData:
    """The file with changes: a mapping alters the record of a set, a list gives its records.

    Records of a list start from the shipped one; an empty list removes all.
    """
    rows = {code: (_record(code, 1, {}),) for code in RECORDS}
    for code, given in sets.items():
        records = given if isinstance(given, list) else [given]
        rows[code] = tuple(_record(code, n, each) for n, each in enumerate(records, start=1))
    empty = frozenset(
        each.code
        for each in reference_catalog().teacher_sets
        if each.multi_row and not rows.get(each.code)
    )
    return FileData(
        teacher_id=1,
        school=replace(SCHOOL, **(school or {})),
        status=status,
        rows=rows,
        none_sets=empty if none_sets is None else none_sets,
        facts=Facts(**(facts or {})),
    )
