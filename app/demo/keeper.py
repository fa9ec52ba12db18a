"""The rows of a made-up file, table by table, handed to the writer."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from random import Random
from types import SimpleNamespace
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from sqlalchemy import Table

from app.access.roles import Role
from app.core.clock import BEIJING
from app.core.crypto import index_columns, seal
from app.demo import ids
from app.demo.accounts import Register
from app.demo.course import Calendar, Taken
from app.demo.file import Checker, File, Version, as_data, new_uuid
from app.demo.life import Content, month
from app.demo.names import initials
from app.demo.schools import Plan, PlannedUnit
from app.demo.store import Columns, Writer
from app.indicators.catalog import Catalog
from app.models.history import Transition
from app.models.record import SETS, index_kind
from app.models.report import ReportItem
from app.models.teacher import (
    Affiliation,
    Contributor,
    FileProblem,
    FileVersion,
    NameGram,
    NoneAnswer,
    ReviewState,
    Teacher,
)
from app.services import check, report, search
from app.services.projection import LIST_COLUMNS

REVIEW, PERSONNEL = "review", "personnel"
IN_FORCE, DRAFT = "effective", "draft"


def table_of(cls: Any) -> Table:
    """The table behind a mapped class."""
    table: Table = cls.__table__
    return table


TABLES = {code: table_of(cls) for code, cls in SETS.items()}
SEALED = {
    code: tuple(
        (item.code, index_kind(item)) for item in cls.indicator_set.indicators if item.sealed
    )
    for code, cls in SETS.items()
}
TEACHER, AFFILIATION = table_of(Teacher), table_of(Affiliation)
TRANSITION, PROBLEM = table_of(Transition), table_of(FileProblem)
FILE_VERSION, NONE, GRAM = table_of(FileVersion), table_of(NoneAnswer), table_of(NameGram)
CONTRIBUTOR, ITEM = table_of(Contributor), table_of(ReportItem)


class Keeper:
    """Writes files; `batches` are id and number of the reports in the database.

    `freezes` keeps with each report what it said of a file: some kilobytes a file.
    """

    def __init__(
        self,
        writer: Writer,
        register: Register,
        calendar: Calendar,
        catalog: Catalog,
        *,
        freezes: bool,
    ) -> None:
        self._writer, self._register = writer, register
        self._calendar, self._catalog = calendar, catalog
        self._freezes = freezes
        self.batches: list[tuple[int, str]] = []

    def describe(self, unit: PlannedUnit, plan: Plan, rng: Random) -> None:
        """The particulars of a school (school_basic), in force for longer than any file."""
        uuid = new_uuid(rng)
        since = self._calendar.now - timedelta(days=800)
        authority = plan.city if unit.authority_id == plan.city.id else plan.authority(unit)
        row: Columns = {
            "uuid": uuid,
            "unit_id": unit.id,
            "state": IN_FORCE,
            "valid_from": since,
            "version": 1,
            "entered_at": since,
            "school_code": unit.code,
            "name": unit.name,
            "address": f"北京市{unit.district_name}演示路{unit.id}号",
            "district": unit.district_code,
            "school_type": unit.type_code,
            "urban_rural": unit.urban_rural,
            "sponsor_name": "民办学校举办者" if unit.is_private else authority.name,
            "sponsor_type": unit.sponsor_type,
            "authority": authority.code,
            "head_name": unit.people[Role.SCHOOL_HEAD],
            "admin_name": unit.people[Role.SCHOOL_INFO],
            "admin_phone": ids.office_phone(unit.id),
            "credit_code": ids.credit_code(unit.id),
            "status": "正常",
        }
        self._writer.add(TABLES["school_basic"], row)

    def keep(self, file: File, checker: Checker) -> None:
        """Write a file with its surroundings."""
        place = {
            "teacher_id": file.id,
            "school_id": file.unit.id,
            "authority_id": file.unit.authority_id,
        }
        self._writer.add(TEACHER, self._teacher(file, checker))
        for version in file.versions:
            self._writer.add(TABLES[version.set], self._record(file, version, place))
        for row in _affiliations(file):
            self._writer.add(AFFILIATION, place | row)
        self._history(file, place)
        self._none(file)
        self._problems(file, place)
        for gram in search.grams(file.life.name):
            self._writer.add(GRAM, {"gram": gram, "teacher_id": file.id})

    def _teacher(self, file: File, checker: Checker) -> Columns:
        course, basic = file.course, file.content["basic"][0]
        number = basic["id_no"]
        teaching = file.content.get("teaching", ())
        latest = next((row for row in reversed(teaching) if row.get("stage")), {})
        errors = sum(problem.is_error for problem, _english in file.problems)
        row: Columns = {
            "id": file.id,
            "uuid": file.uuid,
            "teacher_no": file.number,
            "national_no": f"99{file.number}" if course.batches else None,
            "edu_id": f"edu{file.id:09d}" if file.account else None,
            "school_id": file.unit.id,
            "authority_id": file.unit.authority_id,
            "state": str(course.state),
            "staff_status": file.status,
            "active": file.is_active,
            "version": len(course.steps) + 1,
            "file_version": len(course.versions),
            "content_version": 3,
            "id_no": seal(number, table="teacher", column="id_no", uuid=file.uuid),
            **index_columns("id_no", number, "idcard"),
            "name": file.life.name,
            "pinyin": initials(file.life.name),
            "birth_year": file.life.birth.year,
            "stage": (latest.get("stage") or "").split(",")[0] or None,
            "subject": (latest.get("subject") or "").split(",")[0] or None,
            "backbone": (file.content.get("bj_ext") or [{}])[0].get("backbone_highest"),
            "complete_percent": checker.percent(file),
            "error_count": errors,
            "warning_count": len(file.problems) - errors,
            "checked_content": 3,
            "checked_catalog": self._catalog.version,
            "checked_on": self._calendar.day,
            "submitted_at": course.submitted_at,
            "state_since": course.state_since,
            "effective_at": course.effect,
            "confirmed_on": course.effect.astimezone(BEIJING).date() if course.effect else None,
            "late": course.late,
            "decision_late": False,
            "nightly_count": 0,
            "return_notes": course.return_notes,
            "created_at": course.created,
        }
        for column, (_set, code) in LIST_COLUMNS.items():
            row[column] = basic.get(code)
        return row

    def _record(self, file: File, version: Version, place: Columns) -> Columns:
        entered = version.valid_from or file.course.created
        row: Columns = {
            "uuid": version.uuid,
            **place,
            "state": IN_FORCE if version.valid_from else DRAFT,
            "valid_from": version.valid_from,
            "valid_to": version.valid_to,
            "version": 2 if version.valid_from else 1,
            "entered_at": entered - timedelta(days=6) if version.valid_from else entered,
            "entered_by": self._register.holder(file.unit.id, Role.SCHOOL_INFO)[0],
            **version.values,
        }
        for code, kind in SEALED[version.set]:
            value = row.get(code)
            if value is not None:
                table = f"rec_{version.set}"
                row[code] = seal(value, table=table, column=code, uuid=version.uuid)
                row |= index_columns(code, value, kind)
        return row

    def _history(self, file: File, place: Columns) -> None:
        for number, step in enumerate(file.course.steps, start=2):
            self._writer.add(TRANSITION, self._transition(file, step, number, place))
        for number, (moment, cause) in enumerate(file.course.versions, start=1):
            row = {"number": number, "at": moment, "cause": cause}
            self._writer.add(FILE_VERSION, place | row)
        for batch in file.course.batches:
            version = file.course.version_at(self._calendar.reports[batch])
            row = {"batch_id": self.batches[batch][0], "file_version": version, "payload": None}
            if self._freezes:
                row["payload"] = self._frozen(file, batch, version)
            self._writer.add(ITEM, place | row)
        if file.course.effect is None:
            info = self._register.holder(file.unit.id, Role.SCHOOL_INFO)[0]
            for account in {info, file.account} - {None}:
                row = {"teacher_id": file.id, "account_id": account}
                self._writer.add(CONTRIBUTOR, row)

    def _frozen(self, file: File, batch: int, version: int) -> bytes:
        """What a report said of a file, sealed as services.report does and reads."""
        moment, number = self._calendar.reports[batch], self.batches[batch][1]
        content: Content = {}
        for each in file.versions:
            if each.is_in_force_at(moment):
                content.setdefault(each.set, []).append(each.values)
        status = file.status if file.status_since and file.status_since <= moment else "100"
        teacher: Any = SimpleNamespace(
            teacher_no=file.number,
            national_no=f"99{file.number}",
            edu_id=None,
            staff_status=status,
            file_version=version,
        )
        body = report.payload(teacher, as_data(file, content), self._catalog)
        text = json.dumps(body, ensure_ascii=False, sort_keys=True)
        place = uuid5(NAMESPACE_URL, f"{number}/{file.id}")
        return seal(text, table=report.TABLE, column=report.COLUMN, uuid=place)

    def _transition(self, file: File, step: Taken, version: int, place: Columns) -> Columns:
        unit, role, account, assignment = self._register.party(file, step.party)
        return {
            "flow": REVIEW,
            "object_id": file.id,
            **place,
            "step": step.step,
            "from_state": str(step.before),
            "to_state": str(step.after),
            "account_id": account,
            "assignment_id": assignment,
            "role": role,
            "unit_id": unit,
            "at": step.at,
            "reason": step.reason,
            "field_reasons": step.fields,
            "object_version": version,
            "data": step.data,
        }

    def _none(self, file: File) -> None:
        by = self._register.holder(file.unit.id, Role.SCHOOL_INFO)[0]
        for code in sorted(file.none_sets):
            self._writer.add(
                NONE,
                {
                    "teacher_id": file.id,
                    "set": code,
                    "answered_by": by,
                    "at": file.course.created,
                },
            )

    def _problems(self, file: File, place: Columns) -> None:
        seen = file.course.state != ReviewState.DRAFT
        by = self._register.holder(file.unit.id, Role.SCHOOL_INFO)[0]
        uuids = _record_uuids(file)
        data = as_data(file, file.content)
        for problem, english in file.problems:
            known = seen and not problem.is_error
            self._writer.add(
                PROBLEM,
                {
                    **place,
                    "code": problem.code,
                    "severity": problem.severity,
                    "set": problem.set,
                    "field": problem.field,
                    "record": uuids.get(str(problem.record)) if problem.record else None,
                    "message": str(problem.message)[:500],
                    "message_en": english[:500],
                    "fingerprint": check.fingerprint(problem, data, self._catalog),
                    "nightly": False,
                    "acknowledged_by": by if known else None,
                    "acknowledged_at": file.course.submitted_at if known else None,
                },
            )


def _record_uuids(file: File) -> dict[str, str]:
    """The stored rows behind the names that the checks were given: "<set>:<place>"."""
    found: dict[str, str] = {}
    places: dict[str, int] = {}
    for version in file.versions:
        if version.valid_to is None:
            place = places.get(version.set, 0)
            places[version.set] = place + 1
            found[f"{version.set}:{place}"] = version.uuid
    return found


def _affiliations(file: File) -> Iterator[Columns]:
    """Where the person belonged: anew with each staff status, closed for those who left."""
    first: Columns = {
        "kind": PERSONNEL,
        "status": "100",
        "from_month": month(file.life.joined),
        "to_month": None,
        "valid_from": file.course.effect,
        "valid_to": file.status_since,
    }
    if file.status_since is None:
        yield first
        return
    since = _month_of(file.status_since)
    yield first | {"to_month": since}
    if file.is_active:
        yield first | {
            "status": file.status,
            "from_month": since,
            "valid_from": file.status_since,
            "valid_to": None,
        }


def _month_of(moment: datetime) -> str:
    return f"{moment.astimezone(BEIJING):%Y-%m}"


def unit_row(unit: PlannedUnit) -> Columns:
    """The row of a unit."""
    return {
        "id": unit.id,
        "code": unit.code,
        "name": unit.name,
        "name_en": unit.name_en,
        "kind": str(unit.kind),
        "type_code": unit.type_code,
        "category": unit.category,
        "district_code": unit.district_code,
        "urban_rural": unit.urban_rural,
        "sponsor_type": unit.sponsor_type,
        "authority_id": unit.authority_id,
        "parent_id": unit.parent_id,
        "active": True,
        "first_effective": False,
    }
