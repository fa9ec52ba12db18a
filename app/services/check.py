"""Checks of files against the rules: facts from the database, kept results, acknowledgements.

The result of a file's check is kept with the version of its content and of the catalogue, so
that an approval runs again only what moved since.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from flask_babel import force_locale
from flask_babel import gettext as _
from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.orm import Session, aliased

from app.access.scope import Actor
from app.core.clock import now, today
from app.core.crypto import search_indexes
from app.core.errors import Forbidden, Problem, Refused
from app.indicators import checks
from app.indicators.catalog import Catalog, language
from app.indicators.file import Facts, FileData, Row
from app.models.record import TEACHER_SETS
from app.models.teacher import FileProblem, OpenProcess, Teacher
from app.models.unit import Unit

SCOPE = "DQ018"
RETIRED = frozenset({"301", "302"})


def facts(session: Session, teachers: Sequence[Teacher]) -> dict[int, Facts]:
    """What only the database knows about some files, in a constant number of statements.

    Runs outside the scope: a duplicate counts wherever it lies; only a school's name and yes or
    no come out of it (DQ007, DQ008, DQ009, DQ043, DQ065, DQ068).
    """
    ids = [teacher.id for teacher in teachers]
    same, elsewhere = _same_number(session, ids)
    near = _near_duplicates(session, ids)
    mobiles = _shared(session, ids, TEACHER_SETS["contact"], "mobile_index")
    certs = _shared_certificates(session, ids)
    processes = dict(
        session.execute(
            select(OpenProcess.teacher_id, OpenProcess.kind).where(OpenProcess.teacher_id.in_(ids))
        ).all()
    )
    return {
        teacher.id: Facts(
            same_school_active=same.get((teacher.id, True), False),
            same_school_inactive=same.get((teacher.id, False), False),
            other_school_name=elsewhere.get(teacher.id),
            near_duplicate=teacher.id in near,
            mobile_shared=teacher.id in mobiles,
            shared_cert_nos=frozenset(certs.get(teacher.id, ())),
            open_process=processes.get(teacher.id),
            in_force=teacher.is_in_force,
        )
        for teacher in teachers
    }


def _unscoped(statement: Any) -> Any:
    return statement.execution_options(unscoped=True)


def _same_number(
    session: Session, ids: list[int]
) -> tuple[dict[tuple[int, bool], bool], dict[int, str]]:
    mine, other = aliased(Teacher), aliased(Teacher)
    rows = session.execute(
        _unscoped(
            select(mine.id, mine.school_id, other.school_id, other.active, Unit.name)
            .join(other, other.id_no_index == mine.id_no_index)
            .join(Unit, Unit.id == other.school_id)
            .where(mine.id.in_(ids), other.id != mine.id)
        )
    )
    same: dict[tuple[int, bool], bool] = {}
    elsewhere: dict[int, str] = {}
    for key, school, other_school, active, name in rows:
        if school == other_school:
            same[key, bool(active)] = True
        elif active:
            elsewhere[key] = name
    return same, elsewhere


def _near_duplicates(session: Session, ids: list[int]) -> set[int]:
    mine, other = aliased(TEACHER_SETS["basic"]), aliased(TEACHER_SETS["basic"])
    who, them = aliased(Teacher), aliased(Teacher)
    return set(
        session.scalars(
            _unscoped(
                select(who.id)
                .join(mine, mine.teacher_id == who.id)
                .join(them, (them.name == who.name) & (them.sex == who.sex) & (them.id != who.id))
                .join(other, (other.teacher_id == them.id) & (other.birth_date == mine.birth_date))
                .where(
                    who.id.in_(ids),
                    mine.valid_to.is_(None),
                    other.valid_to.is_(None),
                    them.active,
                    them.birth_year == who.birth_year,
                )
            )
        )
    )


def _shared(session: Session, ids: list[int], cls: Any, column: str) -> set[int]:
    mine, other = aliased(cls), aliased(cls)
    return set(
        session.scalars(
            _unscoped(
                select(mine.teacher_id)
                .join(other, getattr(other, column) == getattr(mine, column))
                .join(Teacher, Teacher.id == other.teacher_id)
                .where(
                    mine.teacher_id.in_(ids),
                    other.teacher_id != mine.teacher_id,
                    mine.valid_to.is_(None),
                    other.valid_to.is_(None),
                    Teacher.active,
                )
            )
        )
    )


def _shared_certificates(session: Session, ids: list[int]) -> dict[int, set[str]]:
    cls = TEACHER_SETS["qualification"]
    mine, other = aliased(cls), aliased(cls)
    rows = session.execute(
        _unscoped(
            select(mine.teacher_id, mine.cert_no)
            .join(other, other.cert_no == mine.cert_no)
            .where(
                mine.teacher_id.in_(ids),
                other.teacher_id != mine.teacher_id,
                mine.valid_to.is_(None),
                other.valid_to.is_(None),
            )
        )
    )
    found: dict[int, set[str]] = {}
    for key, number in rows:
        found.setdefault(key, set()).add(number)
    return found


@dataclass(frozen=True)
class KnownIdentity:
    """A file that an ID number has already: active in the own school or in another, or closed."""

    active: bool
    own: bool
    school: str


def identity_problems(
    session: Session, actor: Actor, values: Mapping[str, Any], catalog: Catalog
) -> list[Problem]:
    """Whether the ID number of a file to be opened belongs to another file (DQ007, DQ008)."""
    indexes = search_indexes(values["id_no"], "idcard")
    known = known_identities(session, actor.unit_id, indexes)
    return [identity_problem(known[index]) for index in indexes if index in known][:1]


def known_identities(
    session: Session, school_id: int, indexes: Sequence[bytes]
) -> dict[bytes, KnownIdentity]:
    """The files that ID numbers have already, by blind index, wherever they lie; active ones first.

    Only the school's name and yes or no come out of it.
    """
    rows = session.execute(
        _unscoped(
            select(Teacher.id_no_index, Teacher.school_id, Teacher.active, Unit.name)
            .join(Unit, Unit.id == Teacher.school_id)
            .where(Teacher.id_no_index.in_(indexes))
            .order_by(Teacher.active.desc(), Teacher.id)
        )
    )
    found: dict[bytes, KnownIdentity] = {}
    for index, school, active, name in rows:
        found.setdefault(index, KnownIdentity(bool(active), school == school_id, name))
    return found


def identity_problem(known: KnownIdentity) -> Problem:
    """Why no second file is opened for the person."""
    place: dict[str, Any] = {"set": "basic", "field": "id_no"}
    if known.active and known.own:
        return Problem("DQ007", _("This ID number has a file in your school already."), **place)
    if known.active:
        text = _(
            "This ID number has an active file at %(school)s. Use a transfer instead of a second"
            " file.",
            school=known.school,
        )
        return Problem("DQ008", text, **place)
    text = _(
        "A file of a former employee has this ID number. It is taken up again instead of opening"
        " a second one; please ask your authority."
    )
    return Problem("DQ007", text, **place)


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

    Acknowledgements of warnings that still stand are kept too.
    """
    ids = [teacher.id for teacher in teachers]
    acknowledged = {
        (p.teacher_id, p.code, p.field, p.record): (p.acknowledged_by, p.acknowledged_at)
        for p in session.scalars(
            select(FileProblem).where(
                FileProblem.teacher_id.in_(ids), FileProblem.acknowledged_at.is_not(None)
            )
        )
    }
    session.execute(delete(FileProblem).where(FileProblem.teacher_id.in_(ids)))
    rows: list[dict[str, Any]] = []
    ctx, day = context(catalog), today()
    known: dict[tuple[str, str], str] = {}
    for teacher in teachers:
        found = _in_both_languages(files[teacher.id], ctx, known)
        for problem, english in found:
            record = None if problem.record is None else str(problem.record)
            place = (teacher.id, problem.code, problem.field, record)
            by, at = acknowledged.get(place, (None, None))
            rows.append(
                {
                    "teacher_id": teacher.id,
                    "school_id": teacher.school_id,
                    "authority_id": teacher.authority_id,
                    "code": problem.code,
                    "severity": problem.severity,
                    "set": problem.set,
                    "field": problem.field,
                    "record": record,
                    "message": str(problem.message)[:500],
                    "message_en": english[:500],
                    "acknowledged_by": by,
                    "acknowledged_at": at,
                }
            )
        teacher.error_count = sum(p.is_error for p, _e in found)
        teacher.warning_count = len(found) - teacher.error_count
        teacher.checked_content = teacher.content_version
        teacher.checked_catalog = catalog.version
        teacher.checked_on = day
    if rows:
        # Without the nulls, each change of the columns that are set would be a statement.
        session.execute(insert(FileProblem), rows, execution_options={"render_nulls": True})


def _in_both_languages(
    file: FileData, ctx: Any, known: dict[tuple[str, str], str]
) -> list[tuple[Problem, str]]:
    """The findings in Chinese, each with its English words.

    `known` remembers them: of many files most have the same findings, and the second run of all
    rules is needed only for words that were not met before.
    """
    with force_locale("zh"):
        chinese = [
            replace(p, message=str(p.message)) for p in checks.run(file, ctx, trigger="submit")
        ]
    if any((p.code, p.message) not in known for p in chinese):
        with force_locale("en"):
            english = checks.run(file, ctx, trigger="submit")
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
    """The kept errors, and the warnings nobody has acknowledged, of some files."""
    found: dict[int, list[Problem]] = {}
    for row in session.scalars(
        select(FileProblem)
        .where(FileProblem.teacher_id.in_([t.id for t in teachers]))
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


def acknowledge(session: Session, actor: Actor, teacher: Teacher) -> int:
    """Acknowledge the open warnings of a file with name and time; returns how many."""
    if not teacher.is_open:
        raise Refused(_("Warnings are acknowledged while the file is filled in."))
    mine = actor.teacher_id == teacher.id or teacher.school_id == actor.unit_id
    if not mine:
        raise Forbidden()
    result = session.execute(
        update(FileProblem)
        .where(
            FileProblem.teacher_id == teacher.id,
            FileProblem.severity == "warning",
            FileProblem.acknowledged_at.is_(None),
        )
        .values(acknowledged_by=actor.account_id, acknowledged_at=now())
        .execution_options(synchronize_session=False)
    )
    return int(getattr(result, "rowcount", 0))


def open_counts(session: Session) -> dict[str, int]:
    """Open findings in scope by severity."""
    rows = session.execute(
        select(FileProblem.severity, func.count()).group_by(FileProblem.severity)
    )
    return {row[0]: row[1] for row in rows}
