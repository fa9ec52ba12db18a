"""The file of a teacher: open, fill in, delete, answer "none" (1.1, 1.2)."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import uuid4

from flask_babel import gettext as _
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from app.access.actor import Actor
from app.access.fields import may_edit
from app.access.roles import Role
from app.access.scope import scoped_get
from app.core.clock import now
from app.core.errors import Forbidden, Malformed, NotFound, Problem, Refused, Stale
from app.core.reference import Indicator
from app.core.sealed import UNREADABLE
from app.indicators.catalog import Catalog
from app.indicators.file import FileData, Row
from app.indicators.values import mask
from app.models.record import TEACHER_SETS
from app.models.teacher import (
    Affiliation,
    Contributor,
    NoneAnswer,
    ReviewState,
    Teacher,
)
from app.models.unit import Unit
from app.services import attachment, audit, check, filling, identity
from app.services.contents import file_data, find_record, records, schools_of
from app.services.filling import require_open
from app.services.projection import refresh
from app.services.raw_values import (
    clear_inapplicable,
    default_values,
    missing_identity,
    parse_values,
)

# Whether somebody may say a value of a file: a function of access.fields.
Right = Callable[[Actor, Teacher, Indicator, Catalog], bool]


def create_file(
    session: Session, actor: Actor, basic: Mapping[str, Any], *, catalog: Catalog
) -> Teacher:
    """Open a file in the actor's school (1.1). `basic` holds raw values by indicator code.

    Raises Forbidden for other roles, Malformed for unknown fields, Refused with the problems
    of the values, of uniqueness (DQ007, DQ008) and of the scope of collection (DQ018, DQ019).
    """
    if actor.role != Role.SCHOOL_INFO:
        raise Forbidden()
    school = scoped_get(session, Unit, actor.unit_id)
    if filling.is_round_closed(school):
        raise Refused(filling.round_closed())
    status = str(basic.get("staff_status") or "100")
    given = {k: v for k, v in basic.items() if k != "staff_status"}
    values, problems = parse_values(catalog, "basic", given, school.category)
    problems += missing_identity(values, catalog)
    if status != "100":
        problems += check.refused_status(status, catalog)
    if problems:
        raise Refused(problems=problems)
    problems += identity.identity_problems(session, actor, values)
    if problems:
        raise Refused(problems=problems)
    teacher = new_file(school, values)
    defaults = default_values(catalog, "basic", school.category)
    found = _entry_problems(session, teacher, {**defaults, **values}, catalog)
    # What was not asked for yet is filled in later; it is missing until then, not wrong.
    problems += [p for p in found if p.code == check.SCOPE or values.get(p.field or "") is not None]
    if problems:
        raise Refused(problems=problems)
    session.add(teacher)
    identity.flush_identity(session)
    record = new_record(teacher, "basic", actor)
    for code, value in {**defaults, **values}.items():
        record.put(code, value)
    session.add(record)
    session.add(first_affiliation(teacher, values))
    contribute(session, actor, [teacher.id])
    refresh(session, [teacher], catalog)
    audit.record(session, "create", actor=actor, object=teacher)
    return teacher


def _entry_problems(
    session: Session, teacher: Teacher, values: Mapping[str, Any], catalog: Catalog
) -> list[Problem]:
    """The errors that a file to be opened begins with, the scope of collection included (DQ018)."""
    row = Row(teacher.uuid or "", values)
    school = schools_of(session, [teacher])[teacher.school_id]
    file = FileData(None, school, teacher.staff_status or "100", {"basic": (row,)})
    found = check.save_problems(file, "basic", row.uuid, values, catalog)
    found += check.scope_problems(file, catalog)
    return [problem for problem in found if problem.is_error]


def new_file(school: Unit, values: Mapping[str, Any]) -> Teacher:
    """A draft file in a school with the name and identity that the values of its basic set give."""
    stamp = now()
    teacher = Teacher(
        uuid=uuid4().hex,
        school_id=school.id,
        authority_id=school.authority_id,
        school=school,
        state=ReviewState.DRAFT,
        name=values["name"],
        version=1,
        content_version=1,
        created_at=stamp,
        state_since=stamp,
    )
    identity.identify(teacher, values)
    return teacher


def first_affiliation(teacher: Teacher, values: Mapping[str, Any]) -> Affiliation:
    """Where the person of a draft file belongs; it counts once the file takes effect."""
    return Affiliation(
        teacher_id=teacher.id,
        school_id=teacher.school_id,
        authority_id=teacher.authority_id,
        kind="personnel",
        status="100",
        from_month=values.get("join_school"),
    )


def save_record(
    session: Session,
    actor: Actor,
    teacher: Teacher,
    set_code: str,
    raw: Mapping[str, Any],
    *,
    catalog: Catalog,
    record_uuid: str | None = None,
    version: int | None = None,
) -> Any:
    """Add or change one row of a set while the file is open (1.2); returns the row.

    `raw` holds raw values by indicator code; fields left out keep their value. What cannot be
    read is replaced by a value, never by a blank. Raises NotFound, Forbidden (with the fields
    that are not the actor's), Stale, Refused.
    """
    require_open(session, actor, teacher)
    if set_code not in TEACHER_SETS:
        raise NotFound()
    require_rights(actor, teacher, set_code, raw, right=may_edit, catalog=catalog)
    record = _find_or_new(
        session,
        actor,
        teacher,
        set_code,
        record_uuid=record_uuid,
        version=version,
        catalog=catalog,
    )
    values, problems = parse_values(catalog, set_code, raw, teacher.category)
    problems += attachment.unknown_problems(session, teacher, set_code, values, catalog)
    old = record.values()
    put_values(record, values, old)
    clear_inapplicable(record, catalog)
    merged = record.values()
    with session.no_autoflush:
        file = file_data(session, [teacher], catalog)[teacher.id]
    found = check.save_problems(file, set_code, record.uuid, merged, catalog)
    problems += [
        p for p in found if p.is_error and _can_be_mended(p, problems, actor, teacher, catalog)
    ]
    if set_code == "basic" and not merged.get("name"):
        words = _("A file keeps its name. Please enter one.")
        problems.append(Problem("required", words, set=set_code, field="name"))
    if problems:
        if record.id is not None:
            session.expire(record)
        raise Refused(problems=problems)
    if record.id is None:
        session.add(record)
    record.entered_by, record.entered_at = actor.account_id, now()
    if set_code == "basic":
        teacher.name = merged["name"]
        identity.identify(teacher, merged)
    identity.flush_identity(session)  # Before any query that would flush by itself.
    session.execute(
        delete(NoneAnswer).where(NoneAnswer.teacher_id == teacher.id, NoneAnswer.set == set_code)
    )
    contribute(session, actor, [teacher.id])
    attachment.link(session, teacher, record)
    refresh(session, [teacher], catalog)
    audit.record(
        session,
        "change" if record_uuid else "create",
        actor=actor,
        object=record,
        detail={"set": set_code, "values": masked_changes(set_code, old, merged, catalog)},
    )
    return record


def put_values(record: Any, values: Mapping[str, Any], old: Mapping[str, Any]) -> None:
    """Write plain values into a row that said the old ones."""
    for code, value in values.items():
        # A blank for what cannot be read only says that the form or the caller saw nothing.
        if value is not None or old[code] is not UNREADABLE:
            record.put(code, value)


def masked_changes(
    set_code: str, old: Mapping[str, Any], new: Mapping[str, Any], catalog: Catalog
) -> dict[str, list[str]]:
    """What a row said before and says now, by indicator code; personal values are masked."""
    return {
        item.code: [mask(item, old.get(item.code), keep=1), mask(item, new.get(item.code), keep=1)]
        for item in catalog.set(set_code).indicators
        if old.get(item.code) != new.get(item.code)
    }


def _can_be_mended(
    problem: Problem,
    unread: Sequence[Problem],
    actor: Actor,
    teacher: Teacher,
    catalog: Catalog,
) -> bool:
    """Whether an error stands in the way of this person's saving.

    A field that could not be read keeps its old value, and what is said of that would mislead. An
    error in a field of somebody else's is theirs to mend: it is kept and shown, it blocks nobody
    else.
    """
    if problem.field in {each.field for each in unread}:
        return False
    item = catalog.by_key.get(f"{problem.set}.{problem.field}")
    return item is None or may_edit(actor, teacher, item, catalog)


def delete_record(
    session: Session,
    actor: Actor,
    teacher: Teacher,
    set_code: str,
    record_uuid: str,
    *,
    version: int | None = None,
    catalog: Catalog,
) -> None:
    """Delete a draft row of a multi-row set; NotFound, Forbidden, Stale."""
    require_open(session, actor, teacher)
    entry = catalog.set(set_code)
    if not entry.multi_row:
        raise Refused(_("A single-row set can be emptied but not deleted."))
    if not any(may_edit(actor, teacher, item, catalog) for item in entry.indicators):
        raise Forbidden()
    record = find_record(session, teacher, set_code, record_uuid)
    if version is not None and record.version != version:
        raise Stale()
    values = record.values()
    if any(
        values.get(item.code) is not None
        and not item.read_only
        and not may_edit(actor, teacher, item, catalog)
        for item in entry.indicators
    ):
        raise Forbidden(_("This record holds values that are not yours to delete."))
    session.delete(record)
    attachment.release(session, teacher, set_code, record_uuid)
    contribute(session, actor, [teacher.id])
    session.flush()
    refresh(session, [teacher], catalog)
    audit.record(session, "delete", actor=actor, object=record, detail={"set": set_code})


def answer_none(
    session: Session, actor: Actor, teacher: Teacher, set_code: str, none: bool, *, catalog: Catalog
) -> None:
    """Answer that there is nothing to report in a multi-row set, or take the answer back."""
    require_open(session, actor, teacher)
    entry = catalog.set(set_code)
    if not entry.multi_row:
        raise Malformed()
    if not any(may_edit(actor, teacher, item, catalog) for item in entry.indicators):
        raise Forbidden()
    cls = TEACHER_SETS[set_code]
    if none and session.scalar(
        select(cls.id).where(cls.teacher_id == teacher.id, cls.valid_from.is_(None)).limit(1)
    ):
        raise Refused(_("There are rows in this set. Delete them before you answer “none”."))
    session.execute(
        delete(NoneAnswer).where(NoneAnswer.teacher_id == teacher.id, NoneAnswer.set == set_code)
    )
    if none:
        session.add(
            NoneAnswer(teacher_id=teacher.id, set=set_code, answered_by=actor.account_id, at=now())
        )
    contribute(session, actor, [teacher.id])
    session.flush()
    refresh(session, [teacher], catalog)
    audit.record(
        session, "change", actor=actor, object=teacher, detail={"set": set_code, "none": none}
    )


def new_record(teacher: Teacher, set_code: str, actor: Actor) -> Any:
    """A draft row of a set with its scope copied from the teacher."""
    cls = TEACHER_SETS[set_code]
    return cls(
        uuid=uuid4().hex,
        teacher_id=teacher.id,
        school_id=teacher.school_id,
        authority_id=teacher.authority_id,
        state="draft",
        entered_by=actor.account_id or None,
        entered_at=now(),
    )


def require_rights(
    actor: Actor,
    teacher: Teacher,
    set_code: str,
    raw: Mapping[str, Any],
    *,
    right: Right,
    catalog: Catalog,
) -> None:
    """Ask a right for every value that is given. Raise Forbidden with those that are not the
    actor's, or when nothing of the set is."""
    known = {item.code: item for item in catalog.set(set_code).indicators}
    mine = {code for code, item in known.items() if right(actor, teacher, item, catalog)}
    if not mine:
        raise Forbidden()
    refused = [code for code in raw if code in known and code not in mine]
    if refused:
        raise Forbidden(
            problems=[
                Problem(
                    "not_editable",
                    _("%(name)s is not yours to fill in.", name=catalog.name(known[code])),
                    set=set_code,
                    field=code,
                )
                for code in refused
            ]
        )


def _find_or_new(
    session: Session,
    actor: Actor,
    teacher: Teacher,
    set_code: str,
    *,
    record_uuid: str | None,
    version: int | None,
    catalog: Catalog,
) -> Any:
    if record_uuid is None and not catalog.set(set_code).multi_row:
        rows = records(session, teacher, set_code)
        record_uuid = rows[0].uuid if rows else None
    if record_uuid is None:
        record = new_record(teacher, set_code, actor)
        for code, value in default_values(catalog, set_code, teacher.category).items():
            record.put(code, value)
        return record
    record = find_record(session, teacher, set_code, record_uuid)
    if version is not None and record.version != version:
        raise Stale()
    return record


def contribute(session: Session, actor: Actor, teachers: Sequence[int]) -> None:
    """Remember who entered something, so that the person never approves it."""
    known = set(
        session.scalars(
            select(Contributor.teacher_id).where(
                Contributor.teacher_id.in_(teachers), Contributor.account_id == actor.account_id
            )
        )
    )
    for key in teachers:
        if key not in known:
            session.add(Contributor(teacher_id=key, account_id=actor.account_id))
