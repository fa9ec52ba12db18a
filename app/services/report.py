"""Reports to the Ministry (1.12): what may go, its frozen content, numbers and digests.

A file goes when the city has accepted it, no correction is open, its rules show no error and all
of its codes can be said in the Ministry's codes. What goes is frozen file by file, sealed, while
the file is locked by the step that reports it: nothing can change between the content and the
state. An approved change reopens the file (1.13), so that the next batch holds only changed and
new files.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from flask_babel import gettext as _
from sqlalchemy import exists, func, insert, select, true
from sqlalchemy.orm import Session

from app.access.actor import Actor
from app.access.roles import Role
from app.core.clock import now, today
from app.core.crypto import seal, unseal
from app.core.errors import Forbidden, NotFound, Problem, Refused, Stale
from app.core.reference import Code, Indicator
from app.core.sealed import REMEDY, UNREADABLE
from app.indicators.catalog import Catalog, language
from app.indicators.file import FileData
from app.indicators.rules import codes_of
from app.indicators.values import as_text
from app.models.correction import Correction
from app.models.report import ReportBatch, ReportItem
from app.models.teacher import ReviewState, Teacher
from app.models.unit import Unit
from app.services import audit, job, notice
from app.services.among import among
from app.services.among import checksum as set_checksum
from app.services.contents import file_data
from app.services.fence import freeze
from app.services.number import take_serials

TABLE, COLUMN = ReportItem.__tablename__, "payload"
JOB, TRIAL_JOB, WRITE_JOB = "report_batch", "report_trial", "write_report"
JOBS = (JOB, TRIAL_JOB, WRITE_JOB)
NOTE_LENGTH = 500
BUILDING, READY = "building", "ready"
BATCH_OF_CALL = "report_batch"
# A code of the city's own without a counterpart cannot be sent; codes of its own lists can.
OWN_PREFIX, OWN_STANDARD = "BJ-", "OWN"
IDENTITY = ("teacher_no", "national_no", "edu_id", "staff_status")


@dataclass(frozen=True)
class Forecast:
    """What a report of today would hold. `checksum` fixes the set that was confirmed."""

    count: int
    first: int
    corrections: int
    errors: int
    checksum: str

    @property
    def again(self) -> int:
        """How many were reported before and have changed since."""
        return self.count - self.first


def candidates(moment: Any = None) -> Any:
    """The condition on the files that may go: accepted by the city, until a moment."""
    ready = Teacher.state == ReviewState.CITY_ACCEPTED
    return ready if moment is None else ready & (Teacher.state_since <= moment)


def forecast(session: Session) -> Forecast:
    """Count what would go, and what would stay behind for reasons known already."""
    total, checksum = session.execute(
        select(func.count(), set_checksum(Teacher.id, Teacher.version)).where(candidates())
    ).one()
    before = exists().where(ReportItem.teacher_id == Teacher.id)
    open_task = exists().where(Correction.teacher_id == Teacher.id, Correction.closed_at.is_(None))
    return Forecast(
        count=total,
        first=_count(session, ~before),
        corrections=_count(session, open_task),
        errors=_count(session, Teacher.error_count > 0),
        checksum=checksum,
    )


def _count(session: Session, condition: Any) -> int:
    statement = select(func.count()).select_from(Teacher).where(candidates(), condition)
    return session.scalar(statement) or 0


def order(
    session: Session, actor: Actor, *, count: int, checksum: str, note: str = "", lang: str = "zh"
) -> Any:
    """Order the report of everything that may go; it is made by a job, refusals in `lang`.

    The files are those accepted until now; `note` says what there is to say of acknowledged
    warnings and goes with the batch (K2). Raises Forbidden, Refused when there are none, Stale
    when they are no longer those that were shown.
    """
    if actor.role != Role.CITY_INFO:
        raise Forbidden()
    present = forecast(session)
    if not present.count:
        raise Refused(_("No file is accepted and not yet reported."))
    if (present.count, present.checksum) != (count, checksum):
        raise Stale(_("The files to report have changed since you opened the page."))
    if job.is_running(session, actor.account_id, JOB):
        raise Refused(_("A report is being made. Please wait until it is finished."))
    note = note.strip()
    if len(note) > NOTE_LENGTH:
        text = _("The note is too long: %(n)s characters at most.", n=NOTE_LENGTH)
        raise Refused(problems=[Problem("note", text, field="note")])
    args = {"until": now().isoformat(), "count": count, "lang": lang, "note": note}
    made = job.enqueue(session, JOB, args, owner=actor)
    audit.record(session, "report", actor=actor, object=made, detail={"count": count})
    return made


def order_trial(session: Session, actor: Actor, *, lang: str = "zh") -> Any:
    """Order a dry run: which files would stay behind today, and why; nothing is reported.

    Raises Forbidden, Refused when nothing is accepted or a dry run of the actor is under way.
    """
    if actor.role != Role.CITY_INFO:
        raise Forbidden()
    count = _count(session, true())
    if not count:
        raise Refused(_("No file is accepted and not yet reported."))
    if job.is_running(session, actor.account_id, TRIAL_JOB):
        raise Refused(_("A dry run is under way. Please wait until it is finished."))
    args = {"until": now().isoformat(), "count": count, "lang": lang}
    made = job.enqueue(session, TRIAL_JOB, args, owner=actor)
    audit.record(session, "report", actor=actor, object=made, detail={"trial": count})
    return made


# Guards and effects of the step "report".


def wait_for_effects(act: Any) -> None:
    """Pass the fence: no file is read half-way through an act that takes effect."""
    freeze(act.session)


def codes_mapped(act: Any, files: list[Teacher]) -> dict[int, list[Problem]]:
    """Every code of the city's own has a counterpart of the Ministry's (`report_as`)."""
    known = act.known
    found: dict[int, list[Problem]] = {}
    for key, file in _content(act, files).items():
        missing = list(_unmapped(file, known))
        if missing:
            found[key] = missing
    return found


def _content(act: Any, files: Sequence[Teacher]) -> Mapping[int, FileData]:
    """The content of the files, read once for guard and effect: they are locked meanwhile."""
    if "content" not in act.notes:
        act.notes["content"] = file_data(act.session, files, act.known, with_facts=False)
    content: Mapping[int, FileData] = act.notes["content"]
    return content


def reported_sets(known: Catalog) -> Iterator[tuple[str, list[Indicator]]]:
    """The sets and indicators that go to the Ministry: all but the city's own ones."""
    for entry in known.teacher_sets:
        items = [
            item
            for item in entry.indicators
            if not item.beijing_extension and item.code not in IDENTITY and item.code != "photo"
        ]
        if items:
            yield entry.code, items


def counterpart(code: Code | None) -> str | None:
    """What is sent for a code: itself where a standard defines it, else its `report_as`, else the
    standard code above it."""
    if code is None:
        return None
    if code.attrs.get("report_as"):
        return str(code.attrs["report_as"])
    own = code.code.startswith(OWN_PREFIX) and code.standard.startswith(OWN_STANDARD)
    if not own:
        return code.code
    above = code.parent
    return above if above and not above.startswith(OWN_PREFIX) else None


def _unmapped(file: FileData, known: Catalog) -> Iterator[Problem]:
    for set_code, items in reported_sets(known):
        for item in items:
            if item.data_type != "code":
                continue
            table = known.table_of(item, file.school.category)
            given = {code for row in file.all(set_code) for code in codes_of(row.get(item.code))}
            for code in sorted(given):
                found = known.code(table, code)
                if counterpart(found) is None:
                    name = known.label(table, code, language())
                    message = _(
                        "The code %(code)s (%(name)s) has no code of the Ministry. Enter one in"
                        " the code table under “report as”.",
                        code=code,
                        name=name,
                    )
                    yield Problem("report_as", message, set=set_code, field=item.code)


def freeze_items(act: Any, files: list[Teacher]) -> None:
    """Seal what is reported of each file into the batch of this act (1.12)."""
    batch = _batch_of(act)
    known, content = act.known, _content(act, files)
    before = set(
        act.session.scalars(
            select(ReportItem.teacher_id).where(
                among(act.session, ReportItem.teacher_id, [file.id for file in files]),
                ReportItem.batch_id != batch.id,
            )
        )
    )
    rows = [
        {
            "batch_id": batch.id,
            "teacher_id": file.id,
            "school_id": file.school_id,
            "authority_id": file.authority_id,
            "file_version": file.file_version,
            "payload": _sealed(batch, file.id, payload(file, content[file.id], known)),
        }
        for file in files
    ]
    act.session.execute(insert(ReportItem), rows)
    batch.count += len(files)
    batch.first_count += sum(file.id not in before for file in files)
    act.session.flush()


def _batch_of(act: Any) -> ReportBatch:
    """The batch that this act belongs to: that of its job, else one for all parts of the call."""
    job_id = int(act.batch.partition("-")[2]) if act.batch else None
    if job_id is None and BATCH_OF_CALL in act.shared:
        return act.session.get_one(ReportBatch, act.shared[BATCH_OF_CALL])
    if job_id is not None:
        same = select(ReportBatch).where(ReportBatch.job_id == job_id).with_for_update()
        found: ReportBatch | None = act.session.scalar(same)
        if found is not None:
            return found
    batch = ReportBatch(
        number=next_number(act.session),
        at=now(),
        account_id=act.actor.account_id,
        count=0,
        first_count=0,
        state=BUILDING,
        job_id=job_id,
        note=act.data.get("note") or None,
    )
    act.session.add(batch)
    act.session.flush()
    if job_id is None:
        act.shared[BATCH_OF_CALL] = batch.id
        made = job.enqueue(act.session, WRITE_JOB, {"batch": batch.id}, owner=act.actor)
        batch.job_id = made.id
    audit.record(act.session, "report", actor=act.actor, object=batch)
    return batch


def next_number(session: Session) -> str:
    """The next number of a batch: BJ-<year>-<serial>, counted anew every year."""
    year = today().year
    return f"BJ-{year}-{take_serials(session, f'report-{year}', 1):04d}"


def payload(teacher: Teacher, file: FileData, known: Catalog) -> dict[str, Any]:
    """What is sent of a file: identity, school, and the rows in force with mapped codes."""
    status = known.code("on_duty_status", teacher.staff_status)
    body: dict[str, Any] = {
        "school_code": file.school.code,
        "school": file.school.name,
        "teacher_no": teacher.teacher_no or "",
        "national_no": teacher.national_no or "",
        "edu_id": teacher.edu_id or "",
        "staff_status": counterpart(status) or "",
        "file_version": teacher.file_version,
        "sets": {},
    }
    for set_code, items in reported_sets(known):
        rows = [
            {item.code: _sent(item, row.get(item.code), file, known) for item in items}
            for row in file.all(set_code)
        ]
        if rows:
            body["sets"][set_code] = rows
    return body


def _sent(item: Indicator, value: Any, file: FileData, known: Catalog) -> str:
    if value is UNREADABLE:
        raise Refused(REMEDY, [Problem("unreadable", REMEDY, set=item.set, field=item.code)])
    if item.data_type != "code" or value is None:
        return as_text(item, value)
    table = known.table_of(item, file.school.category)
    return ",".join(counterpart(known.code(table, code)) or "" for code in codes_of(value))


def _sealed(batch: ReportBatch, teacher_id: int, body: Mapping[str, Any]) -> bytes:
    text = json.dumps(body, ensure_ascii=False, sort_keys=True)
    return seal(text, table=TABLE, column=COLUMN, uuid=place_of(batch.number, teacher_id))


def place_of(number: str, teacher_id: int) -> UUID:
    """The identity of an item: content moved to another batch or file is noticed."""
    return uuid5(NAMESPACE_URL, f"{number}/{teacher_id}")


def contents(session: Session, batch: ReportBatch) -> Iterator[dict[str, Any]]:
    """The frozen content of a batch, file by file in the order of schools and files.

    Raises SealBroken where one cannot be read: a report with a gap is none.
    """
    rows = session.execute(
        select(ReportItem.teacher_id, ReportItem.payload)
        .join(Unit, Unit.id == ReportItem.school_id)
        .where(ReportItem.batch_id == batch.id)
        .order_by(Unit.code, ReportItem.teacher_id)
        .execution_options(yield_per=200)
    )
    try:
        for teacher_id, sealed in rows:
            place = place_of(batch.number, teacher_id)
            yield json.loads(unseal(sealed or b"", table=TABLE, column=COLUMN, uuid=place))
    finally:
        rows.close()


def order_workbook(session: Session, actor: Actor, job_id: int) -> int | None:
    """Order the workbook of the batch that the parts of a job have filled; returns its id, None
    when they have filled none."""
    batch = session.scalar(select(ReportBatch).where(ReportBatch.job_id == job_id))
    if batch is None:
        return None
    if batch.state == BUILDING:
        key = f"{WRITE_JOB}:{batch.id}"
        job.enqueue(session, WRITE_JOB, {"batch": batch.id}, owner=actor, key=key)
    return batch.id


def freeze_workbook(
    session: Session, actor: Actor, batch: ReportBatch, stored_name: str, digest: str
) -> None:
    """Freeze the workbook that was written of a batch, by name and digest, and tell its maker."""
    batch.stored_name, batch.digest, batch.state = stored_name, digest, READY
    session.flush()
    detail = {"number": batch.number, "count": batch.count, "digest": digest}
    audit.record(session, "report", actor=actor, object=batch, detail=detail)
    notice.send(session, "report_ready", [batch.account_id], number=batch.number, count=batch.count)


def download(session: Session, actor: Actor, batch: ReportBatch) -> None:
    """Put the download of a frozen workbook on record; it holds whole values of everybody.

    Raises Forbidden for all but the city, Refused while the workbook is being made.
    """
    if actor.role != Role.CITY_INFO:
        raise Forbidden()
    if batch.state != READY or not batch.stored_name:
        raise Refused(_("The workbook of this batch is being made."))
    detail = {"number": batch.number, "count": batch.count}
    audit.record(session, "download", actor=actor, object=batch, detail=detail)


def find(session: Session, actor: Actor, key: int) -> ReportBatch:
    """A batch that an actor reads about: the city all, a district those with files of its own.

    Raises NotFound.
    """
    found = session.scalar(select(ReportBatch).where(ReportBatch.id == key))
    if found is None:
        raise NotFound()
    if actor.role != Role.CITY_INFO and not own_counts(session, [key]).get(key):
        raise NotFound()
    return found


def own_counts(session: Session, batches: Sequence[int]) -> dict[int, int]:
    """How many files in the actor's scope each batch holds."""
    rows = session.execute(
        select(ReportItem.batch_id, func.count())
        .where(ReportItem.batch_id.in_(batches))
        .group_by(ReportItem.batch_id)
    )
    return dict(rows.all())
