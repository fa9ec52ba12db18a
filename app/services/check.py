"""Checks of files against the rules: facts from the database, kept results, acknowledgements.

The result of a file's check is kept with the version of its content and of the catalogue, so
that an approval runs again only what moved since.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from flask_babel import force_locale
from flask_babel import gettext as _
from sqlalchemy import delete, func, insert, select
from sqlalchemy.orm import Session

from app.access.actor import Actor
from app.access.roles import Role
from app.core.clock import now, today
from app.core.crypto import blind_index
from app.core.errors import Forbidden, NotFound, Problem, Refused
from app.indicators import checks
from app.indicators.catalog import Catalog, language
from app.indicators.file import FileData, Row
from app.indicators.rules import may_fill
from app.indicators.values import as_text
from app.models.teacher import FileProblem, Teacher
from app.services import audit, transition
from app.services.filling import FILLED_IN, hold

SCOPE = "DQ018"
ACKNOWLEDGE = "acknowledge"  # Beside the steps of the review in the history of a file.
RETIRED = frozenset({"301", "302"})


def refused_status(status: str, catalog: Catalog) -> list[Problem]:
    """Retired staff are not collected (DQ019, S18); other states come from their own flow."""
    if status in RETIRED:
        rule = catalog.checks["DQ019"]
        text = rule.message_en if language() == "en" else rule.message_zh
        return [Problem("DQ019", text, set="basic", field="staff_status")]
    return [
        Problem(
            "not_editable",
            _("The staff status of a file to be opened is “serving”."),
            set="basic",
            field="staff_status",
        )
    ]


def context(catalog: Catalog) -> Any:
    """The context the rules run in today."""
    return checks.Context(catalog=catalog, today=today(), parameters=catalog.parameters)


def save_problems(
    file: FileData, set_code: str, record_uuid: str, values: Mapping[str, Any], catalog: Catalog
) -> list[Problem]:
    """What the rules say about one row as it would be saved, the rest of the file beside it."""
    row = Row(record_uuid, values)
    others = tuple(each for each in file.all(set_code) if each.uuid != record_uuid)
    changed = replace(file, rows={**file.rows, set_code: (*others, row)})
    found = checks.run(changed, context(catalog), trigger="save", only_sets={set_code})
    return [problem for problem in found if problem.record in (None, record_uuid)]


def scope_problems(file: FileData, catalog: Catalog) -> list[Problem]:
    """What keeps a person out of the scope of collection, naming the condition (DQ018)."""
    return checks.run_one(SCOPE, file, context(catalog)) if SCOPE in catalog.checks else []


def keep(
    session: Session, teachers: Sequence[Teacher], files: Mapping[int, FileData], catalog: Catalog
) -> None:
    """Run all rules that apply at submission and keep what they found.

    An acknowledgement of a warning is kept as long as the warning says the same of the same
    values. What the nightly checks found stays beside.
    """
    acknowledged = _acknowledged(session, [teacher.id for teacher in teachers])
    _forget(session, teachers, nightly=False)
    rows: list[dict[str, Any]] = []
    day = today()
    known: dict[tuple[str, str], str] = {}
    for teacher in teachers:
        found = _in_both_languages(files[teacher.id], "submit", catalog, known)
        for problem, english in found:
            row = _row(teacher, problem, english, files[teacher.id], catalog)
            place = (teacher.id, row["code"], row["field"], row["record"], row["fingerprint"])
            by, at = acknowledged.get(place, (None, None))
            rows.append(row | {"acknowledged_by": by, "acknowledged_at": at})
        teacher.error_count = sum(p.is_error for p, _e in found)
        teacher.warning_count = len(found) - teacher.error_count
        teacher.checked_content = teacher.content_version
        teacher.checked_catalog = catalog.version
        teacher.checked_on = day
    _insert(session, rows)


def keep_nightly(
    session: Session, teachers: Sequence[Teacher], files: Mapping[int, FileData], catalog: Catalog
) -> None:
    """Run the rules of the night and keep what they found beside the other findings.

    They are warnings about what has become of a file by itself, in whatever state it is; nothing
    is held up by them, and they go when they hold no more.
    """
    _forget(session, teachers, nightly=True)
    rows: list[dict[str, Any]] = []
    known: dict[tuple[str, str], str] = {}
    for teacher in teachers:
        found = _in_both_languages(files[teacher.id], "nightly", catalog, known)
        for problem, english in found:
            row = _row(teacher, problem, english, files[teacher.id], catalog)
            rows.append(row | {"severity": "warning", "nightly": True})
        if teacher.nightly_count != len(found):
            teacher.nightly_count = len(found)
    _insert(session, rows)


def _acknowledged(session: Session, ids: Sequence[int]) -> dict[tuple[Any, ...], tuple[Any, Any]]:
    return {
        (p.teacher_id, p.code, p.field, p.record, p.fingerprint): (
            p.acknowledged_by,
            p.acknowledged_at,
        )
        for p in session.scalars(
            select(FileProblem).where(
                FileProblem.teacher_id.in_(ids), FileProblem.acknowledged_at.is_not(None)
            )
        )
    }


def _forget(session: Session, teachers: Sequence[Teacher], *, nightly: bool) -> None:
    mine = FileProblem.teacher_id.in_([teacher.id for teacher in teachers])
    session.execute(delete(FileProblem).where(mine, FileProblem.nightly.is_(nightly)))


def _row(
    teacher: Teacher, problem: Problem, english: str, file: FileData, catalog: Catalog
) -> dict[str, Any]:
    return {
        "teacher_id": teacher.id,
        "school_id": teacher.school_id,
        "authority_id": teacher.authority_id,
        "code": problem.code,
        "severity": problem.severity,
        "set": problem.set,
        "field": problem.field,
        "record": None if problem.record is None else str(problem.record),
        "message": str(problem.message)[:500],
        "message_en": english[:500],
        "fingerprint": fingerprint(problem, file, catalog),
        "nightly": False,
        "acknowledged_by": None,
        "acknowledged_at": None,
    }


def _insert(session: Session, rows: list[dict[str, Any]]) -> None:
    if rows:
        # Without the nulls, each change of the columns that are set would be a statement.
        session.execute(insert(FileProblem), rows, execution_options={"render_nulls": True})


def fingerprint(problem: Problem, file: FileData, catalog: Catalog) -> str:
    """What a warning says of which values, as a digest under the index key; blank for an error.

    The values are those of the rule's indicators: of the record that the finding names where it
    names one, else of all records. Message in Chinese, as it is kept.
    """
    if problem.is_error:
        return ""
    rule = catalog.checks.get(problem.code)
    keys = {f"{problem.set}.{problem.field}", *(rule.fields if rule else ())}
    parts = [str(problem.message)]
    for key in sorted(keys & catalog.by_key.keys()):
        item = catalog.by_key[key]
        rows = file.all(item.set)
        own = [row for row in rows if row.uuid == str(problem.record)]
        parts += [f"{key}={as_text(item, row.get(item.code))}" for row in own or rows]
    return blind_index("\n".join(parts), "text").hex()


def _in_both_languages(
    file: FileData, trigger: str, catalog: Catalog, known: dict[tuple[str, str], str]
) -> list[tuple[Problem, str]]:
    """The findings in Chinese, each with its English words.

    `known` remembers them: of many files most have the same findings, and the second run of all
    rules is needed only for words that were not met before.
    """
    ctx = context(catalog)
    with force_locale("zh"):
        chinese = [
            replace(p, message=str(p.message)) for p in checks.run(file, ctx, trigger=trigger)
        ]
    if any((p.code, p.message) not in known for p in chinese):
        with force_locale("en"):
            english = checks.run(file, ctx, trigger=trigger)
        for problem, same in zip(chinese, english, strict=True):
            known[problem.code, problem.message] = str(same.message)
    return [(problem, known[problem.code, problem.message]) for problem in chinese]


def outdated(teachers: Iterable[Teacher], catalog: Catalog) -> list[Teacher]:
    """The files whose kept result no longer holds: content, catalogue or day moved."""
    day = today()
    return [
        t
        for t in teachers
        if t.checked_content != t.content_version
        or t.checked_catalog != catalog.version
        or t.checked_on != day
    ]


def blocking(session: Session, teachers: Sequence[Teacher]) -> dict[int, list[Problem]]:
    """The kept errors, and the warnings nobody has acknowledged, of some files; what the nightly
    checks found holds nothing up."""
    found: dict[int, list[Problem]] = {}
    for row in session.scalars(
        select(FileProblem)
        .where(FileProblem.teacher_id.in_([t.id for t in teachers]), FileProblem.nightly.is_(False))
        .order_by(FileProblem.id)
    ):
        if row.severity == "warning" and row.acknowledged_at is not None:
            continue
        found.setdefault(row.teacher_id, []).append(as_problem(row))
    return found


def as_problem(row: FileProblem) -> Problem:
    """A kept finding as a problem, worded in the reader's language."""
    return Problem(
        row.code,
        (row.message_en if language() == "en" else "") or row.message,
        set=row.set,
        field=row.field,
        record=row.record,
        severity=row.severity,
    )


def is_the_teachers(problem: Problem, category: str, known: Catalog) -> bool:
    """Whether a teacher can mend what a problem names.

    The teacher answers for what a teacher may fill in, the school for the rest before its head
    confirms (1.3, 1.6); a problem without a place is the teacher's too.
    """
    if problem.set is None or problem.set not in known.sets:
        return True
    items = known.indicators(problem.set)
    if problem.field is not None:
        items = tuple(item for item in items if item.code == problem.field) or items
    return any(
        not item.core and may_fill(known.rule(item.set, item.code, category), "teacher")
        for item in items
    )


def may_acknowledge(actor: Actor, teacher: Teacher) -> bool:
    """Whether the actor answers for warnings of a file at present: the teacher until submission,
    the school until its head has confirmed (1.3, 1.6)."""
    if actor.role == Role.TEACHER:
        return actor.teacher_id == teacher.id and teacher.is_open
    in_school = actor.role in (Role.SCHOOL_INFO, Role.SCHOOL_HEAD)
    return in_school and actor.unit_id == teacher.school_id and teacher.state in FILLED_IN


def acknowledge(
    session: Session,
    actor: Actor,
    teacher: Teacher,
    keys: Collection[int] | None = None,
    *,
    catalog: Catalog,
) -> int:
    """Acknowledge warnings of a file with name and time: those of the keys, or all that are open
    and the actor's to answer for. Returns how many.

    Raises Refused when the file is decided on, Forbidden for anybody but the teacher and the
    school, NotFound for a key that names no open warning of theirs.
    """
    hold(session, teacher)
    if teacher.state not in FILLED_IN:
        raise Refused(_("Warnings are acknowledged until the head confirms the file."))
    if not may_acknowledge(actor, teacher):
        raise Forbidden()
    open_ = select(FileProblem).where(
        FileProblem.teacher_id == teacher.id,
        FileProblem.severity == "warning",
        FileProblem.nightly.is_(False),
        FileProblem.acknowledged_at.is_(None),
    )
    mine = [
        row
        for row in session.scalars(open_.order_by(FileProblem.id))
        if actor.role != Role.TEACHER or is_the_teachers(as_problem(row), teacher.category, catalog)
    ]
    if keys is not None:
        mine = [row for row in mine if row.id in set(keys)]
        if len(mine) != len(set(keys)):
            raise NotFound()
    for row in mine:
        row.acknowledged_by, row.acknowledged_at = actor.account_id, now()
    if mine:
        _note_acknowledgement(session, actor, teacher, mine)
    return len(mine)


def _note_acknowledgement(
    session: Session, actor: Actor, teacher: Teacher, rows: Sequence[FileProblem]
) -> None:
    """Put an acknowledgement into the history of the file and into the audit log."""
    found = [{"code": row.code, "set": row.set, "field": row.field} for row in rows]
    transition.note(
        session,
        actor,
        teacher,
        flow="review",
        step=ACKNOWLEDGE,
        from_state=teacher.state,
        data={"warnings": found},
    )
    audit.record(session, "change", actor=actor, object=teacher, detail={ACKNOWLEDGE: found})


def open_counts(session: Session) -> dict[str, int]:
    """Open findings in scope by severity."""
    rows = session.execute(
        select(FileProblem.severity, func.count()).group_by(FileProblem.severity)
    )
    return {row[0]: row[1] for row in rows}
