"""What lies around the files: rounds, an extension, a delegate, reports, notices, corrections."""

from collections.abc import Mapping
from datetime import date, timedelta
from random import Random
from typing import Any

from sqlalchemy import func, insert, select, update
from sqlalchemy.orm import Session

from app.access.actor import Actor
from app.access.roles import Role
from app.core.clock import BEIJING
from app.demo.accounts import Register
from app.demo.course import BUSY, LATE, PACES, Calendar, Taken, at
from app.demo.file import File
from app.demo.life import weighted
from app.demo.schools import Plan, PlannedUnit
from app.demo.store import Writer
from app.indicators.catalog import Catalog
from app.models.correction import Correction
from app.models.history import Audit
from app.models.notice import Notice
from app.models.record import TEACHER_SETS
from app.models.report import ReportBatch, ReportItem
from app.models.round import Extension, Round
from app.models.snapshot import FileSnapshot
from app.models.teacher import ReviewState, Teacher
from app.models.unit import Unit, UnitKind
from app.services import compare, job, report
from app.services.number import take_serials

SHOWN_SCHOOLS = 4  # Schools in which everybody has an account.
REASON_EXTENSION = "学校搬迁，申请延期上报"
REASON_CORRECTION = "职称信息与评审结果不一致，请通过信息变更更正"
REASON_CLOSED = "已核实，无需变更"
REASON_URGE = "请于本周内完成"
SUBMISSIONS_KEPT = 400
AUDIT_DAYS, AUDIT_LIMIT = 10, 5000


class Surroundings:
    """Everything of the demo that is no file; told of each file as it is made."""

    def __init__(
        self,
        session: Session,
        writer: Writer,
        register: Register,
        calendar: Calendar,
        plan: Plan,
    ) -> None:
        self._session, self._writer, self._register = session, writer, register
        self._calendar, self._plan = calendar, plan
        self._shown = _shown(plan)
        self._late: list[PlannedUnit] = []
        self._round: Round | None = None
        self._extended: PlannedUnit | None = None
        self._counts: dict[int, dict[str, int]] = {}
        self._effective: set[int] = set()
        self._first_reports: dict[int, int] = {}
        self._audited = 0
        self._head_done = False
        self._deputy_at: int | None = None
        self._sent_back: dict[int, Taken] = {}
        self._sent_again: list[int] = []
        self.batches: list[tuple[int, str]] = []

    def is_shown(self, unit: PlannedUnit) -> bool:
        """Whether everybody in the school has an account."""
        return unit.id in self._shown

    def is_head_with_file(self, file: File) -> bool:
        """Whether this is the head who signs in with one account and holds a file as well."""
        if self._head_done or file.life.role != "head" or not self.is_shown(file.unit):
            return False
        self._head_done = True
        account = self._register.holder(file.unit.id, Role.SCHOOL_HEAD)[0]
        self._register.link(account, file.id)
        return True

    def delegate(self, rng: Random) -> None:
        """A head of a shown school has handed the office to a deputy for some weeks."""
        unit = next((each for each in self._plan.schools if self.is_shown(each)), None)
        if unit is None:
            return
        day = self._calendar.day
        until = day + timedelta(days=rng.randrange(30, 60))
        self._register.add_deputy(unit, self._calendar.opens, until)
        self._deputy_at = unit.id

    def state_of_head(self, unit: PlannedUnit) -> str | None:
        """The head with a deputy has submitted a file, and the deputy is to confirm it."""
        return ReviewState.SUBMITTED if unit.id == self._deputy_at else None

    def open_batches(self) -> None:
        """The rounds, and the two reports whose items follow with the files."""
        calendar = self._calendar
        former = Round(
            name=f"{calendar.former_ends.year}年教师信息采集",
            opens_on=calendar.former_opens,
            school_deadline=calendar.former_ends - timedelta(days=60),
            authority_deadline=calendar.former_ends - timedelta(days=30),
            city_deadline=calendar.former_ends,
            closed=True,
            closed_at=at(calendar.former_ends, 18),
        )
        self._round = Round(
            name=f"{calendar.day.year}年教师信息采集",
            opens_on=calendar.opens,
            school_deadline=calendar.school_deadline,
            authority_deadline=calendar.day + timedelta(days=16),
            city_deadline=calendar.day + timedelta(days=37),
        )
        if former.name == self._round.name:
            former.name = f"{former.name}（首次）"
        self._session.add(former)
        self._session.flush()
        self._session.add(self._round)
        self._session.flush()
        self._batches()

    def _batches(self) -> None:
        account = self._register.holder(self._plan.city.id, Role.CITY_INFO)[0]
        for moment in self._calendar.reports:
            year = moment.astimezone(BEIJING).year
            batch = ReportBatch(
                number=f"BJ-{year}-{take_serials(self._session, f'report-{year}', 1):04d}",
                at=moment,
                account_id=account,
                count=0,
                first_count=0,
                state=report.BUILDING,
            )
            self._session.add(batch)
            self._session.flush()
            self.batches.append((batch.id, batch.number))

    def pace(self, unit: PlannedUnit, rng: Random) -> str:
        """How far a school has come; the first late one has an extension, shown ones have all."""
        found: str = weighted(rng, PACES)
        if self.is_shown(unit):
            return BUSY
        if found == LATE:
            self._late.append(unit)
            if self._extended is None:
                self._extended = unit
        return found

    def deadline(self, unit: PlannedUnit) -> date:
        """The day by which a school must have reported."""
        calendar = self._calendar
        return calendar.extended_until if unit is self._extended else calendar.school_deadline

    def note(self, file: File) -> None:
        """Count what the notices tell, and keep corrections and the log of the last days."""
        counts = self._counts.setdefault(file.unit.id, {})
        state = str(file.course.state)
        counts[state] = counts.get(state, 0) + 1
        if file.course.effect is not None:
            self._effective.add(file.unit.id)
            if file.course.batches:
                first = file.course.batches[0]
                self._first_reports[first] = self._first_reports.get(first, 0) + 1
        self._correct(file)
        self._remember_return(file)
        self._log(file)
        self._tell_teacher(file)

    def _remember_return(self, file: File) -> None:
        """Files that went back and are not in force keep what was submitted before."""
        steps = file.course.steps
        back = [each for each in steps if each.after == ReviewState.RETURNED]
        if file.course.effect is None and back and len(self._sent_back) < SUBMISSIONS_KEPT:
            self._sent_back[file.id] = back[-1]
            if file.course.state != ReviewState.RETURNED:
                self._sent_again.append(file.id)

    def keep_submissions(self, catalog: Catalog) -> None:
        """Keep the submissions that went back, then correct those that came again, so that a
        reviewer has something to compare."""
        files = {
            each.id: each
            for each in self._session.scalars(
                select(Teacher).where(Teacher.id.in_(list(self._sent_back)))
            )
        }
        for step in sorted({each.step for each in self._sent_back.values()}):
            own = [files[key] for key, each in self._sent_back.items() if each.step == step]
            compare.keep(self._session, own, step, catalog)
        for kept in self._session.scalars(select(FileSnapshot)):
            kept.at = self._sent_back[kept.teacher_id].at
        contact = TEACHER_SETS["contact"]
        again = contact.teacher_id.in_(self._sent_again) & contact.valid_from.is_(None)
        for row in self._session.scalars(select(contact).where(again)):
            if row.address:
                row.address = f"{row.address}（更正）"
        self._session.flush()
        compare.count(self._session, [files[key] for key in self._sent_again], catalog)
        self._session.flush()

    def _correct(self, file: File) -> None:
        for step in file.course.steps:
            if step.step != "require_correction":
                continue
            by = self._register.holder(self._plan.city.id, Role.CITY_INFO)[0]
            closed = file.id % 2 == 0
            self._writer.add(
                Correction.__table__,
                {
                    **_place(file),
                    "reason": step.reason,
                    "opened_by": by,
                    "opened_at": step.at,
                    "closed_by": by if closed else None,
                    "closed_at": step.at + (self._calendar.now - step.at) / 2 if closed else None,
                    "close_reason": REASON_CLOSED if closed else None,
                },
            )

    def _log(self, file: File) -> None:
        since = self._calendar.now - timedelta(days=AUDIT_DAYS)
        for step in file.course.steps:
            if step.at < since or step.party == "system" or self._audited >= AUDIT_LIMIT:
                continue
            self._audited += 1
            self._writer.add(Audit.__table__, self._audit(file, step))

    def _audit(self, file: File, step: Taken) -> dict[str, Any]:
        unit, role, account, assignment = self._register.party(file, step.party)
        return {
            "at": step.at,
            "account_id": account,
            "assignment_id": assignment,
            "role": role,
            "unit_id": unit,
            "address": "192.0.2.10",
            "act": "transition",
            "object_type": "review",
            "object_id": str(file.id),
            "teacher_id": file.id,
            "outcome": "done",
            "reason": step.reason,
            "detail": {"step": step.step},
        }

    def _tell_teacher(self, file: File) -> None:
        if not file.account:
            return
        steps = file.course.steps
        reason = steps[-1].reason if steps else None
        event = {
            ReviewState.RETURNED: "file_returned_to_teacher",
            ReviewState.DRAFT: "file_created",
        }.get(ReviewState(file.course.state), "my_file_effective")
        if event == "my_file_effective" and file.course.effect is None:
            return
        moment = file.course.effect or file.course.state_since
        old = self._calendar.now - moment > timedelta(days=20)
        self._notice(
            file.account,
            event,
            {"count": 1, "reason": reason or ""},
            moment,
            teacher_id=file.id,
            read=old,
        )

    def _notice(
        self, account: int, event: str, params: Mapping[str, Any], moment: Any, **rest: Any
    ) -> None:
        read = rest.pop("read", False)
        row = {"account_id": account, "event": event, "params": dict(params), "at": moment}
        row |= {"teacher_id": None, "unit_id": None, **rest}
        row["read_at"] = moment + timedelta(hours=5) if read else None
        self._writer.add(Notice.__table__, row)

    def write_workbooks(self) -> None:
        """Let the worker write the workbooks of the reports from their frozen content."""
        account, assignment = self._register.holder(self._plan.city.id, Role.CITY_INFO)
        city = self._plan.city
        owner = Actor(account, assignment, "", Role.CITY_INFO, city.id, city.name, UnitKind.CITY)
        for batch, _number in self.batches:
            made = job.enqueue(self._session, report.WRITE_JOB, {"batch": batch}, owner=owner)
            self._session.execute(
                update(ReportBatch).where(ReportBatch.id == batch).values(job_id=made.id)
            )

    def close(self) -> None:
        """After all files: the extension, notices to schools and authorities, report counts."""
        self._grant_extension()
        for unit in self._plan.schools:
            self._tell_school(unit, self._counts.get(unit.id, {}))
        for unit in self._late[:50]:
            self._urge(unit)
        self._close_batches()
        keys = sorted(self._effective)
        for start in range(0, len(keys), 500):
            self._session.execute(
                update(Unit)
                .where(Unit.id.in_(keys[start : start + 500]))
                .values(first_effective=True)
                .execution_options(synchronize_session=False)
            )

    def _grant_extension(self) -> None:
        unit = self._extended
        if unit is None or self._round is None:
            return
        until = self._calendar.extended_until
        by = self._authority(unit)[0]
        self._session.execute(
            insert(Extension),
            [
                {
                    "round_id": self._round.id,
                    "unit_id": unit.id,
                    "until": until,
                    "reason": REASON_EXTENSION,
                    "granted_by": by,
                }
            ],
        )
        moment = self._calendar.now - timedelta(days=6)
        params = {"until": until.isoformat(), "reason": REASON_EXTENSION, "count": 1}
        for role in (Role.SCHOOL_INFO, Role.SCHOOL_HEAD):
            account = self._register.holder(unit.id, role)[0]
            self._notice(account, "extension_granted", params, moment, unit_id=unit.id)

    def _authority(self, unit: PlannedUnit) -> tuple[int, int]:
        city = unit.authority_id == self._plan.city.id
        role = Role.CITY_INFO if city else Role.DISTRICT_INFO
        return self._register.holder(int(unit.authority_id or 0), role)

    def _tell_school(self, unit: PlannedUnit, counts: Mapping[str, int]) -> None:
        info = self._register.holder(unit.id, Role.SCHOOL_INFO)[0]
        head = self._register.holder(unit.id, Role.SCHOOL_HEAD)[0]
        now = self._calendar.now
        here = {"unit_id": unit.id}
        if counts.get("submitted"):
            params = {"count": counts["submitted"], "unit": unit.name, "reason": ""}
            for account in (info, head):
                self._notice(account, "file_submitted", params, now - timedelta(days=2), **here)
        if counts.get("returned"):
            params = {"count": counts["returned"], "unit": unit.name, "reason": "请核对标注字段"}
            self._notice(info, "file_returned", params, now - timedelta(days=3), **here)
        if counts.get("school_confirmed"):
            params = {"count": counts["school_confirmed"], "unit": unit.name, "reason": ""}
            account = self._authority(unit)[0]
            self._notice(account, "file_confirmed", params, now - timedelta(days=1), **here)
        if counts.get("reported"):
            params = {"count": counts["reported"], "unit": "", "reason": ""}
            moment = self._calendar.reports[1]
            self._notice(info, "file_reported", params, moment, read=True, **here)

    def _urge(self, unit: PlannedUnit) -> None:
        counts = self._counts.get(unit.id, {})
        waiting = sum(counts.get(state, 0) for state in ("draft", "returned", "submitted"))
        if not waiting or unit is self._extended:
            return
        params = {"count": waiting, "unit": "", "reason": REASON_URGE}
        moment = self._calendar.now - timedelta(days=1, hours=3)
        for role in (Role.SCHOOL_INFO, Role.SCHOOL_HEAD):
            account = self._register.holder(unit.id, role)[0]
            self._notice(account, "urge", params, moment, unit_id=unit.id)

    def _close_batches(self) -> None:
        self._writer.flush()
        rows = self._session.execute(
            select(ReportItem.batch_id, func.count()).group_by(ReportItem.batch_id)
        ).all()
        counts = {row[0]: row[1] for row in rows}
        for number, (batch, _name) in enumerate(self.batches):
            self._session.execute(
                update(ReportBatch)
                .where(ReportBatch.id == batch)
                .values(count=counts.get(batch, 0), first_count=self._first_reports.get(number, 0))
            )


def _place(file: File) -> dict[str, Any]:
    return {
        "teacher_id": file.id,
        "school_id": file.unit.id,
        "authority_id": file.unit.authority_id,
    }


def _shown(plan: Plan) -> frozenset[int]:
    """The first schools of different categories: small ones, so that a list stays readable."""
    found: dict[str, int] = {}
    for unit in plan.schools:
        if len(found) < SHOWN_SCHOOLS and 3 <= unit.teachers <= 200:
            found.setdefault(str(unit.category), unit.id)
    return frozenset(found.values())
