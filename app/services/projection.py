"""What follows from the content of a file: derived values, list columns, kept checks (1.2)."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import uuid4

from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import flag_modified

from app.core.clock import today
from app.indicators import completeness, derive
from app.indicators.catalog import Catalog
from app.indicators.file import FileData
from app.models.record import TEACHER_SETS
from app.models.teacher import Teacher
from app.services import check, search
from app.services.contents import file_data, present_records
from app.services.record import Change, update_rows

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


# The set whose records hold values that follow from the record itself.
DERIVED_ROWS = "backbone"


# What refresh() writes to the teacher, whatever has changed.
PROJECTED = (
    *LIST_COLUMNS, "birth_year", "backbone", "stage", "subject", "complete_percent",
    "content_version", "error_count", "warning_count", "checked_content", "checked_catalog",
    "checked_on",
)  # fmt: skip


def refresh(session: Session, teachers: Sequence[Teacher], catalog: Catalog) -> None:
    """After content changed: derive, project the list columns, check, keep the result.

    The number of statements does not depend on the number of files; batches of 500 are meant.
    """
    session.flush()
    _write_derived(session, teachers, file_data(session, teachers, catalog), catalog)
    session.flush()
    renew(session, teachers, catalog)


def renew(
    session: Session,
    teachers: Sequence[Teacher],
    catalog: Catalog,
    files: Mapping[int, FileData] | None = None,
) -> None:
    """Write the list columns and the kept checks of some files from their present content, which
    is read unless the caller knows it."""
    if files is None:
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
        found = {each.teacher_id: each for each in present_records(session, set_code, teachers)}
        missing = [teacher for teacher in teachers if teacher.id not in found]
        _add_derived(session, set_code, missing, wanted)
        changes = [(each, wanted.get(key, {})) for key, each in found.items()]
        update_rows(session, TEACHER_SETS[set_code], _differing(changes))
    if by_uuid:
        rows = present_records(session, DERIVED_ROWS, teachers)
        changes = [(row, by_uuid.get(row.uuid, {})) for row in rows]
        update_rows(session, TEACHER_SETS[DERIVED_ROWS], _differing(changes))


def _add_derived(
    session: Session,
    set_code: str,
    teachers: Sequence[Teacher],
    wanted: Mapping[int, Mapping[str, Any]],
) -> None:
    """Add a row for derived values to files that have none in the set, where there are any."""
    for teacher in teachers:
        values = wanted.get(teacher.id, {})
        if is_worth_a_row(values):
            place = {
                "uuid": uuid4().hex,
                "teacher_id": teacher.id,
                "school_id": teacher.school_id,
                "authority_id": teacher.authority_id,
                "state": "draft",
            }
            session.add(TEACHER_SETS[set_code](**place, **values))


def is_worth_a_row(values: Mapping[str, Any]) -> bool:
    """Whether derived values say enough to have a row where a file has none in their set."""
    return any(value not in (None, "", 0) for value in values.values())


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
