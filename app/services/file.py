"""The file of a teacher: open, fill, delete, answer "none"; check and project it (1.1, 1.2)."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import uuid4
from weakref import WeakKeyDictionary

from flask_babel import gettext as _
from sqlalchemy import delete, func, literal, select, union_all
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, aliased, undefer
from sqlalchemy.orm.attributes import flag_modified

from app.access.fields import SET_BY_FLOWS, may_edit, may_edit_set
from app.access.roles import Role
from app.access.scope import Actor, scoped_get
from app.core.clock import now, today
from app.core.crypto import index_columns, seal
from app.core.errors import Forbidden, Malformed, NotFound, Problem, Refused, Stale
from app.core.reference import IndicatorSet
from app.core.sealed import UNREADABLE
from app.indicators import completeness, derive
from app.indicators.catalog import Catalog
from app.indicators.file import FileData, Row, SchoolFacts
from app.indicators.rules import Condition
from app.indicators.values import BadValue, mask, parse
from app.models.record import TEACHER_SETS
from app.models.teacher import (
    Affiliation,
    Contributor,
    NoneAnswer,
    ReviewState,
    Teacher,
)
from app.models.unit import Unit
from app.services import attachment, audit, check, filling, search
from app.services.facts import facts as facts_of
from app.services.filling import require_open
from app.services.record import Change, update_rows

is_open_to, locked_reason = filling.is_open_to, filling.locked_reason

# Derived values and list columns, written by one function after each act.
LIST_COLUMNS = {
    "education": ("basic", "highest_education"),
    "degree_level": ("basic", "highest_degree_level"),
    "title": ("basic", "current_title"),
    "post_category": ("basic", "current_post_category"),
    "staff_category": ("basic", "staff_category"),
    "in_establishment": ("basic", "in_establishment"),
    "sex": ("basic", "sex"),
    "id_doc_type": ("basic", "id_doc_type"),
}

# Without these values of the basic set no file is opened.
IDENTITY = ("name", "id_doc_type", "id_no", "sex", "birth_date")

# The set whose records hold values that follow from the record itself.
DERIVED_ROWS = "backbone"

# What refresh() writes to the teacher, whatever has changed.
PROJECTED = (
    *LIST_COLUMNS, "birth_year", "backbone", "stage", "subject", "complete_percent",
    "content_version", "error_count", "warning_count", "checked_content", "checked_catalog",
    "checked_on",
)  # fmt: skip


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
    problems += check.identity_problems(session, actor, values, catalog)
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
    _flush_identity(session)
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
    school = _schools(session, [teacher])[teacher.school_id]
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
    identify(teacher, values)
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
    _check_rights(actor, teacher, set_code, raw, catalog)
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
    _put_values(record, values, old)
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
        identify(teacher, merged)
    session.execute(
        delete(NoneAnswer).where(NoneAnswer.teacher_id == teacher.id, NoneAnswer.set == set_code)
    )
    contribute(session, actor, [teacher.id])
    _flush_identity(session)
    attachment.link(session, teacher, record)
    refresh(session, [teacher], catalog)
    audit.record(
        session,
        "change" if record_uuid else "create",
        actor=actor,
        object=record,
        detail={"set": set_code, "values": _changes(set_code, old, merged, catalog)},
    )
    return record


def _put_values(record: Any, values: Mapping[str, Any], old: Mapping[str, Any]) -> None:
    for code, value in values.items():
        # A blank for what cannot be read only says that the form or the caller saw nothing.
        if value is not None or old[code] is not UNREADABLE:
            record.put(code, value)


def _changes(
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


def find_record(session: Session, teacher: Teacher, set_code: str, record_uuid: str) -> Any:
    """The present row of that identity in a file; NotFound when there is none."""
    cls = TEACHER_SETS.get(set_code)
    if cls is None:
        raise NotFound()
    found = session.scalars(
        select(cls).where(
            cls.teacher_id == teacher.id, cls.uuid == record_uuid, present(cls, teacher)
        )
    ).first()
    if found is None:
        raise NotFound()
    return found


def records(session: Session, teacher: Teacher, set_code: str, moment: Any = None) -> list[Any]:
    """The rows of one set of one file, now or as of a moment, in order of entry."""
    cls = TEACHER_SETS.get(set_code)
    if cls is None:
        raise NotFound()
    when = present(cls, teacher) if moment is None else cls.as_of(moment)
    return list(
        session.scalars(select(cls).where(cls.teacher_id == teacher.id, when).order_by(cls.id))
    )


def present(cls: Any, teacher: Teacher) -> Any:
    """The rows that make up a file at present: its drafts while open, else those in force."""
    return cls.as_of() if teacher.is_in_force else cls.valid_from.is_(None)


def counts(session: Session, teacher: Teacher, moment: Any = None) -> dict[str, int]:
    """Rows per set, now or as of a moment, in one statement."""
    parts = [
        select(literal(code).label("set"), func.count().label("n"))
        .select_from(cls)
        .where(
            cls.teacher_id == teacher.id,
            present(cls, teacher) if moment is None else cls.as_of(moment),
        )
        for code, cls in TEACHER_SETS.items()
    ]
    return {row.set: row.n for row in session.execute(union_all(*parts))}


def file_data(
    session: Session,
    teachers: Sequence[Teacher],
    catalog: Catalog,
    *,
    with_facts: bool = True,
    moment: Any = None,
) -> dict[int, FileData]:
    """The whole present content of some files as plain values: a statement per set."""
    ids = [teacher.id for teacher in teachers]
    open_ids = [t.id for t in teachers if not t.is_in_force]
    live_ids = [t.id for t in teachers if t.is_in_force]
    rows: dict[int, dict[str, list[Row]]] = {key: {} for key in ids}
    for code, cls in TEACHER_SETS.items():
        for record in session.scalars(
            select(cls).where(_content(cls, ids, open_ids, live_ids, moment)).order_by(cls.id)
        ):
            rows[record.teacher_id].setdefault(code, []).append(Row(record.uuid, record.values()))
    none: dict[int, set[str]] = {}
    for teacher_id, code in session.execute(
        select(NoneAnswer.teacher_id, NoneAnswer.set).where(NoneAnswer.teacher_id.in_(ids))
    ):
        none.setdefault(teacher_id, set()).add(code)
    facts = facts_of(session, teachers) if with_facts else {}
    schools = _schools(session, teachers)
    return {
        t.id: FileData(
            teacher_id=t.id,
            school=schools[t.school_id],
            status=t.staff_status,
            rows={code: tuple(found) for code, found in rows[t.id].items()},
            none_sets=frozenset(none.get(t.id, ())),
            **({"facts": facts[t.id]} if t.id in facts else {}),
        )
        for t in teachers
    }


def _content(
    cls: Any, ids: list[int], open_ids: list[int], live_ids: list[int], moment: Any
) -> Any:
    if moment is not None:
        return cls.teacher_id.in_(ids) & cls.as_of(moment)
    if not live_ids:
        return cls.teacher_id.in_(open_ids) & cls.valid_from.is_(None)
    if not open_ids:
        return cls.teacher_id.in_(live_ids) & cls.as_of()
    drafts = cls.teacher_id.in_(open_ids) & cls.valid_from.is_(None)
    return drafts | (cls.teacher_id.in_(live_ids) & cls.as_of())


def _schools(session: Session, teachers: Sequence[Teacher]) -> dict[int, SchoolFacts]:
    above = aliased(Unit)
    rows = session.execute(
        select(Unit, above.code)
        .outerjoin(above, above.id == Unit.authority_id)
        .where(Unit.id.in_({t.school_id for t in teachers}))
        .execution_options(unscoped=True)
    )
    return {unit.id: school_facts(unit, authority) for unit, authority in rows}


def school_facts(unit: Unit, authority: str | None) -> SchoolFacts:
    """What the rules ask about a school; `authority` is the code of who decides."""
    return SchoolFacts(
        id=unit.id,
        code=unit.code,
        name=unit.name,
        category=unit.category or "",
        type_code=unit.type_code or "",
        urban_rural=unit.urban_rural or "",
        district=unit.district_code or "",
        authority=authority or "",
        main_school=unit.parent_id is not None,
    )


def parse_values(
    catalog: Catalog, set_code: str, raw: Mapping[str, Any], category: str | None = None
) -> tuple[dict[str, Any], list[Problem]]:
    """Read raw values by indicator code; returns the values and a problem per bad one."""
    values: dict[str, Any] = {}
    problems: list[Problem] = []
    known = {item.code: item for item in catalog.set(set_code).indicators}
    for code, given in raw.items():
        if code not in known:
            raise Malformed(
                problems=[Problem("field", _("There is no such field."), set=set_code, field=code)]
            )
        try:
            values[code] = parse(known[code], given, catalog, category=category)
        except BadValue as bad:
            problems.append(bad.problem(known[code]))
    return values, problems


def default_values(catalog: Catalog, set_code: str, category: str) -> dict[str, Any]:
    """The default values of the collected indicators of a set."""
    return {
        item.code: parse(item, item.default, catalog)
        for item in catalog.set(set_code).indicators
        if item.default
        and not item.read_only
        and item.key not in SET_BY_FLOWS
        and catalog.rule(set_code, item.code, category).collected
        and not item.applicable_when
    }


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


def clear_inapplicable(record: Any, catalog: Catalog) -> None:
    """Empty what does not apply any more after an answer of the same row changed."""
    for code in inapplicable(record.indicator_set, record.values(), catalog):
        record.put(code, None)


def inapplicable(entry: IndicatorSet, values: Mapping[str, Any], catalog: Catalog) -> list[str]:
    """The filled indicators of a row that do not apply by the answers of the same row."""
    conditions = _own_conditions(entry.code, catalog)
    left, found = dict(values), []

    def read(_set: str, asked: str) -> Any:
        return left.get(asked)

    # Once more after each round: an answer that goes may have been what another one hung on.
    while idle := [
        code
        for code, condition in conditions.items()
        if left.get(code) is not None and not condition.holds(read)
    ]:
        found += idle
        left |= dict.fromkeys(idle)
    return found


_conditions: "WeakKeyDictionary[Catalog, dict[str, dict[str, Condition]]]" = WeakKeyDictionary()


def _own_conditions(set_code: str, catalog: Catalog) -> dict[str, Condition]:
    """The conditions that ask for an answer of the same set, by indicator code."""
    kept = _conditions.setdefault(catalog, {})
    if set_code not in kept:
        kept[set_code] = {
            item.code: condition
            for item in catalog.set(set_code).indicators
            if (condition := catalog.condition(item)) is not None and condition.set == set_code
        }
    return kept[set_code]


def refresh(session: Session, teachers: Sequence[Teacher], catalog: Catalog) -> None:
    """After content changed: derive, project the list columns, check, keep the result.

    The number of statements does not depend on the number of files; batches of 500 are meant.
    """
    session.flush()
    _write_derived(session, teachers, file_data(session, teachers, catalog), catalog)
    session.flush()
    files = file_data(session, teachers, catalog)
    with session.no_autoflush:
        for teacher in teachers:
            teacher.content_version = (teacher.content_version or 0) + 1
            project(teacher, files[teacher.id])
            teacher.complete_percent = completeness.percent(files[teacher.id], catalog)
        check.keep(session, teachers, files, catalog)
        for teacher in teachers:
            _write_alike(teacher, PROJECTED)
    search.index(session, teachers)
    session.flush()


def project(teacher: Teacher, file: FileData) -> None:
    """Write the list columns of the teacher from the rows of the file."""
    first = {code: rows[0].values for code, rows in file.rows.items() if rows}
    for column, (set_code, code) in LIST_COLUMNS.items():
        setattr(teacher, column, first.get(set_code, {}).get(code))
    basic = first.get("basic", {})
    birth = basic.get("birth_date")
    teacher.birth_year = birth.year if birth else None
    teacher.backbone = first.get("bj_ext", {}).get("backbone_highest")
    teacher.stage, teacher.subject = main_teaching(file)


def main_teaching(file: FileData) -> tuple[str | None, str | None]:
    """Stage and main subject of the latest term taught."""
    terms = sorted(
        file.rows.get("teaching", ()),
        key=lambda row: (row.values.get("academic_year") or 0, row.values.get("semester") or ""),
    )
    for row in reversed(terms):
        stage = (row.values.get("stage") or "").split(",")[0] or None
        subject = (row.values.get("subject") or "").split(",")[0] or None
        if stage or subject:
            return stage, subject
    return None, None


def _write_derived(
    session: Session, teachers: Sequence[Teacher], files: Mapping[int, FileData], catalog: Catalog
) -> None:
    """Write what follows from the records, with one statement per set that holds such values."""
    day = today()
    by_set: dict[str, dict[int, dict[str, Any]]] = {}
    by_uuid: dict[str, dict[str, Any]] = {}
    for teacher in teachers:
        for key, value in derive.derive(files[teacher.id], catalog, day).items():
            set_code, code = key.split(".", 1)
            by_set.setdefault(set_code, {}).setdefault(teacher.id, {})[code] = value
        by_uuid |= derive.derive_rows(files[teacher.id], catalog)
    for set_code, wanted in by_set.items():
        found = {each.teacher_id: each for each in _present_records(session, set_code, teachers)}
        missing = [teacher for teacher in teachers if teacher.id not in found]
        _add_derived(session, set_code, missing, wanted)
        changes = [(each, wanted.get(key, {})) for key, each in found.items()]
        update_rows(session, TEACHER_SETS[set_code], _differing(changes))
    if by_uuid:
        rows = _present_records(session, DERIVED_ROWS, teachers)
        changes = [(row, by_uuid.get(row.uuid, {})) for row in rows]
        update_rows(session, TEACHER_SETS[DERIVED_ROWS], _differing(changes))


def _present_records(session: Session, set_code: str, teachers: Sequence[Teacher]) -> list[Any]:
    cls = TEACHER_SETS[set_code]
    ids = [t.id for t in teachers]
    open_ids = [t.id for t in teachers if not t.is_in_force]
    live_ids = [t.id for t in teachers if t.is_in_force]
    return list(session.scalars(select(cls).where(_content(cls, ids, open_ids, live_ids, None))))


def _add_derived(
    session: Session,
    set_code: str,
    teachers: Sequence[Teacher],
    wanted: Mapping[int, Mapping[str, Any]],
) -> None:
    """Add a row for derived values to files that have none in the set, where there are any."""
    for teacher in teachers:
        values = wanted.get(teacher.id, {})
        if any(value not in (None, "", 0) for value in values.values()):
            place = {
                "uuid": uuid4().hex,
                "teacher_id": teacher.id,
                "school_id": teacher.school_id,
                "authority_id": teacher.authority_id,
                "state": "draft",
            }
            session.add(TEACHER_SETS[set_code](**place, **values))


def _differing(changes: Iterable[Change]) -> list[Change]:
    return [
        (row, values)
        for row, values in changes
        if any(getattr(row, code) != value for code, value in values.items())
    ]


def _write_alike(row: Any, names: Iterable[str]) -> None:
    """Have the rows of a batch write the same columns, so that one statement updates them all."""
    for name in names:
        flag_modified(row, name)


def identify(teacher: Teacher, values: Mapping[str, Any]) -> None:
    """Keep number and document type of the basic set with the file, sealed and indexed."""
    number = values.get("id_no")
    teacher.id_doc_type = values.get("id_doc_type")
    if number is UNREADABLE:
        return
    if not number:
        teacher.id_no = teacher.id_no_index = teacher.id_no_index2 = None
        return
    indexes = index_columns("id_no", number, "idcard")
    if any(getattr(teacher, name) != index for name, index in indexes.items()):
        teacher.id_no_index, teacher.id_no_index2 = indexes.values()
        teacher.id_no = seal(number, table="teacher", column="id_no", uuid=teacher.uuid)


def _flush_identity(session: Session) -> None:
    try:
        session.flush()
    except IntegrityError as clash:
        if "id_no" not in str(clash.orig):
            raise
        session.rollback()
        raise Refused(
            problems=[
                Problem(
                    "DQ007",
                    _("A file with this ID number exists already."),
                    set="basic",
                    field="id_no",
                )
            ]
        ) from clash


def _check_rights(
    actor: Actor, teacher: Teacher, set_code: str, raw: Mapping[str, Any], catalog: Catalog
) -> None:
    if not may_edit_set(actor, teacher, set_code, catalog):
        raise Forbidden()
    known = {item.code: item for item in catalog.set(set_code).indicators}
    refused = [
        code for code in raw if code in known and not may_edit(actor, teacher, known[code], catalog)
    ]
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


def missing_identity(values: Mapping[str, Any], catalog: Catalog) -> list[Problem]:
    """A problem for each value without which no file can be opened."""
    return [
        Problem(
            "DQ075",
            _(
                "%(name)s is needed to open a file.",
                name=catalog.name(catalog.indicator("basic", c)),
            ),
            set="basic",
            field=c,
        )
        for c in IDENTITY
        if values.get(c) in (None, "")
    ]


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


def sealed_id(session: Session, teacher: Teacher) -> Teacher:
    """The teacher with the sealed ID number loaded."""
    return session.scalars(
        select(Teacher).where(Teacher.id == teacher.id).options(undefer(Teacher.id_no))
    ).one()
