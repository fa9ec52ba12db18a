"""Attachments and photos: checked, stored sealed, read as their row is (SEC-34)."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any, NamedTuple
from uuid import uuid4

from flask_babel import gettext as _
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from app.access.actor import Actor
from app.access.fields import INSPECTORS, View, may_add, may_edit, view_on_file
from app.core.clock import now
from app.core.errors import Forbidden, NotFound, Problem, Refused
from app.core.images import CleanFile, check_file
from app.core.logs import redact
from app.core.reference import Indicator
from app.indicators.catalog import Catalog
from app.models.attachment import Attachment
from app.models.change import RecordChange
from app.models.record import PENDING, TEACHER_SETS
from app.models.rotation import Rotation
from app.models.status_change import StatusChange
from app.models.teacher import Teacher
from app.models.transfer import Transfer
from app.services import audit
from app.services.filling import hold, require_open
from app.services.storage import Storage

MAX_FILES = 20  # Of a file, and of a process each.
MAX_NAME = 120
KEPT_UNLINKED = timedelta(hours=24)
PICTURE = "photo"
# In the place of set and indicator: what proves a process, by the name of its table.
PROVED: dict[str, Any] = {
    cls.__tablename__: cls for cls in (RecordChange, Rotation, StatusChange, Transfer)
}
ELSEWHERE = {"unscoped": True}  # Evidence may lie at the other side of a process that is in scope.
EVIDENCE, EVIDENCE_FIELD = RecordChange.__tablename__, "evidence"
# Text indicators that hold the uuid of an attachment instead of words.
FILE_CODES = frozenset({PICTURE, "attachment"})


class Upload(NamedTuple):
    """What came in: the name it had and its bytes, both unchecked."""

    name: str
    content: bytes


def is_file(indicator: Indicator) -> bool:
    """Whether the value of the indicator is an uploaded file."""
    return indicator.code in FILE_CODES


def is_photo(kept: Attachment) -> bool:
    """Whether an attachment is the photo of a person, which pages show beside the name."""
    return kept.field == PICTURE


def is_picture(indicator: Indicator) -> bool:
    """Whether only a picture will do."""
    return indicator.code == PICTURE


def may_see_picture(actor: Actor, catalog: Catalog) -> bool:
    """Whether the photo of a file in scope is shown to the actor."""
    return _is_shown(actor, "basic", PICTURE, catalog)


def _is_shown(actor: Actor, set_code: str, code: str, catalog: Catalog) -> bool:
    """Whether uploads for an indicator are shown to the actor: whole or not at all (SEC-34)."""
    item = catalog.by_key.get(f"{set_code}.{code}")
    return item is not None and view_on_file(actor, item) is View.WHOLE


def store(
    session: Session,
    actor: Actor,
    teacher: Teacher,
    indicator: Indicator,
    upload: Upload,
    *,
    storage: Storage,
    catalog: Catalog,
    proposing: bool = False,
) -> Attachment:
    """Keep an upload for an indicator of an open file, or, `proposing`, for an addition to or
    change of one in force; it is not yet linked to anything.

    Raises Forbidden without the field right, Stale when the file is locked, Refused for a file
    that is not taken or when the file holds MAX_FILES already, Busy when the disk does not take it.
    """
    right = may_add if proposing else may_edit
    if not (is_file(indicator) and right(actor, teacher, indicator, catalog)):
        raise Forbidden()
    if proposing:
        hold(session, teacher)
    else:
        require_open(session, actor, teacher)
    if not right(actor, teacher, indicator, catalog):
        raise Forbidden()
    mine = select(func.count()).where(
        Attachment.teacher_id == teacher.id, Attachment.set.not_in(PROVED)
    )
    if (session.scalar(mine) or 0) >= MAX_FILES:
        text = _("A file holds at most %(n)s attachments. Delete one first.", n=MAX_FILES)
        raise Refused(text, [_problem(indicator, "file_count", text)])
    clean = check_file(upload.name, upload.content)
    if is_picture(indicator) and not clean.mime.startswith("image/"):
        text = _("The photo must be a jpg or png picture.")
        raise Refused(text, [_problem(indicator, "file_type", text)])
    place = {"teacher_id": teacher.id, "school_id": teacher.school_id}
    place |= {"authority_id": teacher.authority_id}
    kept = Attachment(set=indicator.set, field=indicator.code, **place)
    return _keep(session, actor, kept, name=upload.name, clean=clean, storage=storage)


def keep_evidence(
    session: Session,
    actor: Actor,
    item: Any,
    upload: Upload,
    *,
    storage: Storage,
    place: dict[str, int] | None = None,
) -> Attachment:
    """Keep an upload as evidence of a process (one of PROVED) that the caller holds; `place` is the
    side that it comes from, for a process of two.

    Raises Refused for a file that is not taken or when there are MAX_FILES already, Busy when the
    disk does not take it.
    """
    if len(evidence(session, item)) >= MAX_FILES:
        text = _("At most %(n)s files prove one request.", n=MAX_FILES)
        raise Refused(text, [Problem("file_count", text, field=EVIDENCE_FIELD)])
    clean = check_file(upload.name, upload.content)
    place = place or {"school_id": item.school_id, "authority_id": item.authority_id}
    kept = Attachment(teacher_id=item.teacher_id, record_uuid=item.uuid, **place)
    kept.set, kept.field = item.__tablename__, EVIDENCE_FIELD
    return _keep(session, actor, kept, name=upload.name, clean=clean, storage=storage)


def _keep(
    session: Session,
    actor: Actor,
    kept: Attachment,
    *,
    name: str,
    clean: CleanFile,
    storage: Storage,
) -> Attachment:
    """Store the content of an attachment whose place is known, and put it on record."""
    stored = storage.keep(session, clean.content)
    kept.uuid, kept.name, kept.mime = uuid4().hex, redact(name)[-MAX_NAME:], clean.mime
    kept.size, kept.digest, kept.stored_name = stored.size, stored.digest, stored.name
    kept.uploaded_by, kept.at = actor.account_id, now()
    session.add(kept)
    session.flush()
    audit.record(
        session,
        "attachment",
        actor=actor,
        object=kept,
        detail={"set": kept.set, "field": kept.field, "size": kept.size},
    )
    return kept


def evidence(session: Session, item: Any) -> list[Attachment]:
    """What proves a process in scope, in order of upload."""
    mine = select(Attachment).where(
        Attachment.teacher_id == item.teacher_id,
        Attachment.set == item.__tablename__,
        Attachment.record_uuid == item.uuid,
    )
    return list(session.scalars(mine.order_by(Attachment.id), execution_options=ELSEWHERE))


def let_go(session: Session, item: Any) -> None:
    """Let go of the evidence of a draft that is discarded, and of the files it proposed."""
    mine = (Attachment.teacher_id == item.teacher_id, Attachment.record_uuid == item.uuid)
    _set_record(session, None, *mine)


def link_proposed(session: Session, item: RecordChange, made: Any) -> None:
    """Tie the uploads that a proposed row names to its process, and let go of those it names no
    more. They belong to the record once that is in force (`take_over`)."""
    codes = [each.code for each in made.indicator_set.indicators if is_file(each)]
    if not codes:
        return
    named = [value for code in codes if (value := made.value(code)) is not None]
    mine = (Attachment.teacher_id == item.teacher_id, Attachment.set == item.set)
    free = (Attachment.record_uuid.is_(None), Attachment.uuid.in_(named))
    _set_record(session, item.uuid, *mine, *free)
    gone = (Attachment.record_uuid == item.uuid, Attachment.uuid.not_in(named))
    _set_record(session, None, *mine, *gone)


def take_over(session: Session, items: Iterable[RecordChange]) -> None:
    """Tie the uploads of processes that took effect to their records. Those before them stay:
    earlier versions of the file still show them."""
    record = (
        select(RecordChange.record_uuid)
        .where(RecordChange.uuid == Attachment.record_uuid)
        .scalar_subquery()
    )
    session.execute(
        update(Attachment)
        .where(
            Attachment.record_uuid.in_([item.uuid for item in items]), Attachment.set != EVIDENCE
        )
        .values(record_uuid=record)
        .execution_options(synchronize_session=False)
    )


def may_read_evidence(actor: Actor) -> bool:
    """Whether what proves a process in scope is shown: documents cannot be masked, so it is for the
    parties alone, never for those who see masks only."""
    return actor.role not in INSPECTORS


def find(session: Session, actor: Actor, uuid: str, *, catalog: Catalog) -> Attachment:
    """Return an attachment the actor may read: its row in scope, its indicator shown whole.

    Evidence is read where its process is. Raises NotFound otherwise. One that is not
    linked yet is read by its uploader only.
    """
    named = select(Attachment).where(Attachment.uuid == uuid)
    proof = session.scalars(
        named.where(Attachment.set.in_(PROVED)), execution_options=ELSEWHERE
    ).first()
    if proof is not None:
        cls = PROVED[proof.set]
        of = select(cls.id).where(cls.uuid == proof.record_uuid)
        if not may_read_evidence(actor) or session.scalars(of).first() is None:
            raise NotFound()
        return proof
    kept = session.scalars(named).first()
    if kept is None:
        raise NotFound()
    if not _is_shown(actor, kept.set, kept.field, catalog):
        raise NotFound()
    if kept.record_uuid is None and kept.uploaded_by != actor.account_id:
        raise NotFound()
    return kept


def names(session: Session, teacher: Teacher, set_code: str) -> dict[str, Attachment]:
    """The attachments of one set of a file by uuid."""
    found = session.scalars(
        select(Attachment).where(Attachment.teacher_id == teacher.id, Attachment.set == set_code)
    )
    return {each.uuid: each for each in found}


def all_names(session: Session, teacher: Teacher) -> dict[str, str]:
    """How the attachments of all sets of a file are called, by uuid."""
    mine = select(Attachment.uuid, Attachment.name).where(Attachment.teacher_id == teacher.id)
    rows = session.execute(mine).all()
    return dict(rows)


def _is_named() -> Any:
    """Whether the present row of the file names a photo: one that is only proposed, or that a
    change has taken away, is not shown beside the name."""
    cls: Any = TEACHER_SETS["basic"]
    return (
        select(cls.id)
        .where(
            cls.teacher_id == Attachment.teacher_id,
            cls.photo == Attachment.uuid,
            cls.valid_to.is_(None),
            cls.state != PENDING,
        )
        .exists()
    )


def picture_of(teacher_id: Any) -> Any:
    """The uuid of the latest photo of a file, as a column of another query."""
    return (
        select(Attachment.uuid)
        .where(
            Attachment.teacher_id == teacher_id,
            Attachment.field == PICTURE,
            Attachment.record_uuid.is_not(None),
            _is_named(),
        )
        .order_by(Attachment.id.desc())
        .limit(1)
        .scalar_subquery()
    )


def pictures(session: Session, teachers: Iterable[int]) -> dict[int, str]:
    """The uuid of the latest photo of some files, by file."""
    rows = session.execute(
        select(Attachment.teacher_id, Attachment.uuid)
        .where(
            Attachment.teacher_id.in_(list(teachers)),
            Attachment.field == PICTURE,
            Attachment.record_uuid.is_not(None),
            _is_named(),
        )
        .order_by(Attachment.id)
    )
    return {row[0]: row[1] for row in rows}


def unknown_problems(
    session: Session, teacher: Teacher, set_code: str, values: dict[str, object], catalog: Catalog
) -> list[Problem]:
    """Refuse values of file indicators that name no attachment of this file and indicator."""
    given = [
        (item, str(values[item.code]))
        for item in catalog.set(set_code).indicators
        if is_file(item) and values.get(item.code)
    ]
    if not given:
        return []
    known = names(session, teacher, set_code)
    text = _("This is not an uploaded file. Please upload it again.")
    return [
        _problem(item, "file_unknown", text)
        for item, uuid in given
        if uuid not in known or known[uuid].field != item.code
    ]


def link(session: Session, teacher: Teacher, record: Any) -> None:
    """Tie the attachments that a saved record names to it, and let go of those it names no more."""
    cls: Any = type(record)
    entry = record.indicator_set
    for item in entry.indicators:
        if not is_file(item):
            continue
        mine = (
            Attachment.teacher_id == teacher.id,
            Attachment.set == entry.code,
            Attachment.field == item.code,
        )
        value = getattr(cls, item.code)
        named = select(value).where(
            cls.teacher_id == teacher.id, cls.uuid == record.uuid, value.is_not(None)
        )
        _set_record(session, record.uuid, *mine, Attachment.uuid.in_(named))
        gone = (Attachment.record_uuid == record.uuid, Attachment.uuid.not_in(named))
        _set_record(session, None, *mine, *gone)


def _set_record(session: Session, uuid: str | None, *where: Any) -> None:
    session.execute(update(Attachment).where(*where).values(record_uuid=uuid))


def release(session: Session, teacher: Teacher, set_code: str, record_uuid: str) -> None:
    """Let go of the attachments of a deleted record."""
    _set_record(
        session,
        None,
        Attachment.teacher_id == teacher.id,
        Attachment.set == set_code,
        Attachment.record_uuid == record_uuid,
    )


def sweep(session: Session, storage: Storage) -> int:
    """Delete the uploads that no record took within a day (REL-22); returns how many.

    Runs as the system; the caller commits.
    """
    left = session.scalars(
        select(Attachment).where(
            Attachment.record_uuid.is_(None), Attachment.at < now() - KEPT_UNLINKED
        )
    ).all()
    for kept in left:
        storage.drop(session, kept.stored_name)
        session.delete(kept)
    if left:
        audit.record(session, "purge", actor=None, detail={"attachments": len(left)})
    return len(left)


def _problem(indicator: Indicator, code: str, text: str) -> Problem:
    return Problem(code, text, set=indicator.set, field=indicator.code)
