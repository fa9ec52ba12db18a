"""The teacher: identity, place, list columns and what hangs on the file as a whole."""

from collections.abc import Sequence
from datetime import date, datetime
from enum import StrEnum
from uuid import uuid4

from flask_appbuilder import Model
from sqlalchemy import (
    JSON,
    Boolean,
    CheckConstraint,
    ColumnElement,
    Date,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    UniqueConstraint,
    or_,
)
from sqlalchemy.orm import Mapped, deferred, mapped_column, relationship, synonym

from app.models.base import Scoped, UtcDateTime, partial
from app.models.unit import Unit


class ReviewState(StrEnum):
    """States of the file review; codes equal the table wf_review_state."""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    RETURNED = "returned"
    SCHOOL_CONFIRMED = "school_confirmed"
    EFFECTIVE = "effective"
    CITY_ACCEPTED = "city_accepted"
    REPORTED = "reported"


OPEN_STATES = (ReviewState.DRAFT, ReviewState.RETURNED)
IN_FORCE_STATES = (ReviewState.EFFECTIVE, ReviewState.CITY_ACCEPTED, ReviewState.REPORTED)


class Teacher(Scoped, Model):
    """One person's file. The columns after `content_version` are written by one function
    (services.record.project) from the set rows, so that lists need no join."""

    __tablename__ = "teacher"
    __table_args__ = (
        CheckConstraint(
            "state NOT IN ('effective','city_accepted','reported') OR teacher_no IS NOT NULL",
            name="number_if_in_force",
        ),
        partial("uq_teacher_id_no_active", "id_no_index", where="active", unique=True),
        partial("uq_teacher_id_no_active2", "id_no_index2", where="active", unique=True),
        Index("ix_teacher_school_state", "school_id", "state"),
        Index("ix_teacher_authority_state", "authority_id", "state"),
        Index("ix_teacher_name", "name", "id"),
        Index("ix_teacher_school_name", "school_id", "name", "id"),
        Index("ix_teacher_authority_name", "authority_id", "name", "id"),
        Index("ix_teacher_submitted", "submitted_at"),
        Index("ix_teacher_authority_submitted", "authority_id", "submitted_at"),
        Index("ix_teacher_pinyin", "pinyin"),
        # The standard charts read these columns of files in force and nothing else.
        partial(
            "ix_teacher_figures",
            "authority_id",
            "school_id",
            "sex",
            "birth_year",
            "education",
            "degree_level",
            "title",
            "post_category",
            "in_establishment",
            "stage",
            "subject",
            "backbone",
            "staff_category",
            where="active AND state IN ('effective','city_accepted','reported')",
        ),
        partial("ix_teacher_progress", "authority_id", "school_id", "state", where="active"),
        Index("ix_teacher_title", "authority_id", "title"),
        Index("ix_teacher_education", "authority_id", "education"),
    )

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    uuid: Mapped[str] = mapped_column(String(32), unique=True, default=lambda: uuid4().hex)
    teacher_no: Mapped[str | None] = mapped_column(String(10), unique=True)
    national_no: Mapped[str | None] = mapped_column(String(20), unique=True)
    edu_id: Mapped[str | None] = mapped_column(String(50), unique=True)
    school_id: Mapped[int] = mapped_column(ForeignKey("unit.id"))
    authority_id: Mapped[int] = mapped_column(ForeignKey("unit.id"))
    state: Mapped[str] = mapped_column(String(20), default=ReviewState.DRAFT)
    staff_status: Mapped[str] = mapped_column(String(6), default="100")
    active: Mapped[bool] = mapped_column(Boolean, default=True)
    version: Mapped[int] = mapped_column(Integer, default=1)
    file_version: Mapped[int] = mapped_column(Integer, default=0)
    content_version: Mapped[int] = mapped_column(Integer, default=1)
    id_no: Mapped[bytes | None] = deferred(mapped_column(LargeBinary), group="sealed")
    # Two, so that the key of the index can be changed while both are searched (SEC-41).
    id_no_index: Mapped[bytes | None] = mapped_column(LargeBinary(32), index=True)
    id_no_index2: Mapped[bytes | None] = mapped_column(LargeBinary(32), index=True)
    id_doc_type: Mapped[str | None] = mapped_column(String(5))
    name: Mapped[str] = mapped_column(String(50))
    pinyin: Mapped[str] = mapped_column(String(50), default="")
    sex: Mapped[str | None] = mapped_column(String(1))
    birth_year: Mapped[int | None] = mapped_column(Integer)
    education: Mapped[str | None] = mapped_column(String(5))
    degree_level: Mapped[str | None] = mapped_column(String(1))
    title: Mapped[str | None] = mapped_column(String(6))
    post_category: Mapped[str | None] = mapped_column(String(1))
    staff_category: Mapped[str | None] = mapped_column(String(5))
    in_establishment: Mapped[str | None] = mapped_column(String(1))
    stage: Mapped[str | None] = mapped_column(String(5))
    subject: Mapped[str | None] = mapped_column(String(6))
    backbone: Mapped[str | None] = mapped_column(String(2))
    complete_percent: Mapped[int] = mapped_column(Integer, default=0)
    error_count: Mapped[int] = mapped_column(Integer, default=0)
    warning_count: Mapped[int] = mapped_column(Integer, default=0)
    # The check result above holds for this content and this catalogue only.
    checked_content: Mapped[int | None] = mapped_column(Integer)
    checked_catalog: Mapped[int | None] = mapped_column(Integer)
    checked_on: Mapped[date | None] = mapped_column(Date)
    submitted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    state_since: Mapped[datetime | None] = mapped_column(UtcDateTime)
    effective_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    confirmed_on: Mapped[date | None] = mapped_column(Date)
    # Reported by the school after its last day; decided after the authority's or the city's.
    late: Mapped[bool] = mapped_column(Boolean, default=False)
    decision_late: Mapped[bool] = mapped_column(Boolean, default=False)
    # Findings of the nightly checks; they hold nothing up.
    nightly_count: Mapped[int] = mapped_column(Integer, default=0)
    return_notes: Mapped[dict | None] = mapped_column(JSON)
    created_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    school: Mapped[Unit] = relationship(foreign_keys=[school_id])
    # The scope predicate of a teacher's rows holds for the teacher's own row as well.
    teacher_id = synonym("id")

    @classmethod
    def has_number(cls, indexes: Sequence[bytes]) -> ColumnElement[bool]:
        """The condition that the ID number stands under one of some blind indexes."""
        return or_(cls.id_no_index.in_(indexes), cls.id_no_index2.in_(indexes))

    @property
    def number_indexes(self) -> list[bytes]:
        """The blind indexes under which the ID number of a file stands."""
        return [bytes(each) for each in (self.id_no_index, self.id_no_index2) if each]

    @property
    def category(self) -> str:
        """The category of the school, which chooses form and rules."""
        return self.school.category or ""

    @property
    def is_open(self) -> bool:
        """Whether the file may be filled in (1.2)."""
        return self.state in OPEN_STATES

    @property
    def is_in_force(self) -> bool:
        """Whether the file is effective or later."""
        return self.state in IN_FORCE_STATES

    def __repr__(self) -> str:
        return self.name or ""


class NameGram(Model):
    """Search index: every one and two character piece of a name (and its pinyin initials)."""

    __tablename__ = "name_gram"

    gram: Mapped[str] = mapped_column(String(8), primary_key=True)
    teacher_id: Mapped[int] = mapped_column(
        ForeignKey("teacher.id", ondelete="CASCADE"), primary_key=True, index=True
    )


PERSONNEL = "personnel"  # The kind of affiliation that everybody has once.


class Affiliation(Scoped, Model):
    """Where a person belongs and since when, as the world has it (from/to) and as the
    system knew it (valid_from/valid_to); counts of a past day stand on the latter."""

    __tablename__ = "affiliation"
    __table_args__ = (
        partial(
            "uq_affiliation_personnel",
            "teacher_id",
            where="kind = 'personnel' AND valid_from IS NOT NULL AND valid_to IS NULL",
            unique=True,
        ),
        partial(
            "uq_affiliation_guest",
            "teacher_id",
            where="kind = 'guest' AND valid_from IS NOT NULL AND valid_to IS NULL",
            unique=True,
        ),
        Index("ix_affiliation_school", "school_id", "valid_from", "valid_to"),
        Index("ix_affiliation_authority", "authority_id", "valid_from", "valid_to"),
    )

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    teacher_id: Mapped[int] = mapped_column(ForeignKey("teacher.id"), index=True)
    school_id: Mapped[int] = mapped_column(ForeignKey("unit.id"))
    authority_id: Mapped[int] = mapped_column(ForeignKey("unit.id"))
    kind: Mapped[str] = mapped_column(String(10), default=PERSONNEL)
    status: Mapped[str] = mapped_column(String(6), default="100")
    from_month: Mapped[str | None] = mapped_column(String(7))
    to_month: Mapped[str | None] = mapped_column(String(7))
    valid_from: Mapped[datetime | None] = mapped_column(UtcDateTime)
    valid_to: Mapped[datetime | None] = mapped_column(UtcDateTime)


class FileVersion(Scoped, Model):
    """One effective state of a file; the digest proves what it said (data-model s2)."""

    __tablename__ = "file_version"
    __table_args__ = (UniqueConstraint("teacher_id", "number"),)

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    number: Mapped[int] = mapped_column(Integer)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    cause: Mapped[str] = mapped_column(String(20))
    digest: Mapped[str | None] = mapped_column(String(64))


class Contributor(Model):
    """Who entered something into a file or submitted it: these never approve it (S31, D2)."""

    __tablename__ = "contributor"

    teacher_id: Mapped[int] = mapped_column(
        ForeignKey("teacher.id", ondelete="CASCADE"), primary_key=True
    )
    account_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id"), primary_key=True)


class NoneAnswer(Model):
    """“None to report” as the answer for a multi-row set."""

    __tablename__ = "none_answer"

    teacher_id: Mapped[int] = mapped_column(
        ForeignKey("teacher.id", ondelete="CASCADE"), primary_key=True
    )
    set: Mapped[str] = mapped_column(String(20), primary_key=True)
    answered_by: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id"))
    at: Mapped[datetime] = mapped_column(UtcDateTime)


class FileProblem(Scoped, Model):
    """A finding of the last check of a file; warnings may be acknowledged by name and time."""

    __tablename__ = "file_problem"
    __table_args__ = (
        Index("ix_file_problem_teacher", "teacher_id"),
        Index("ix_file_problem_school", "school_id", "severity"),
        Index("ix_file_problem_authority", "authority_id", "severity"),
    )

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    teacher_id: Mapped[int] = mapped_column(ForeignKey("teacher.id", ondelete="CASCADE"))
    school_id: Mapped[int] = mapped_column(ForeignKey("unit.id"))
    authority_id: Mapped[int] = mapped_column(ForeignKey("unit.id"))
    code: Mapped[str] = mapped_column(String(5))
    severity: Mapped[str] = mapped_column(String(7))
    set: Mapped[str | None] = mapped_column(String(20))
    field: Mapped[str | None] = mapped_column(String(40))
    record: Mapped[str | None] = mapped_column(String(32))
    message: Mapped[str] = mapped_column(String(500))
    message_en: Mapped[str] = mapped_column(String(500), default="")
    # What the values were that the finding is about: an acknowledgement holds for these only.
    fingerprint: Mapped[str] = mapped_column(String(64), default="")
    nightly: Mapped[bool] = mapped_column(Boolean, default=False)
    acknowledged_by: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id"))
    acknowledged_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    teacher: Mapped[Teacher] = relationship(foreign_keys=[teacher_id])
    school: Mapped[Unit] = relationship(foreign_keys=[school_id])


class OpenProcess(Model):
    """The row exists while an exclusive personnel process is open (data-model s3)."""

    __tablename__ = "open_process"

    teacher_id: Mapped[int] = mapped_column(ForeignKey("teacher.id"), primary_key=True)
    kind: Mapped[str] = mapped_column(String(20))
    process_id: Mapped[int] = mapped_column(Integer)


class NumberSequence(Model):
    """The next serial of a numbering; numbers are taken in blocks and never given twice."""

    __tablename__ = "number_sequence"

    name: Mapped[str] = mapped_column(String(20), primary_key=True)
    next_value: Mapped[int] = mapped_column(Integer, default=1)
