"""One mapped class and table per indicator set, generated from the catalogue (data-model s2)."""

from typing import Any, ClassVar
from uuid import uuid4

from flask_appbuilder import Model
from sqlalchemy import (
    JSON,
    Boolean,
    ColumnElement,
    Date,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Numeric,
    String,
    literal_column,
)
from sqlalchemy.orm import Mapped, declared_attr, mapped_column, relationship

from app.core.clock import now
from app.core.crypto import INDEX_SUFFIXES, index_columns, seal
from app.core.reference import Indicator, IndicatorSet, structure
from app.core.sealed import UNREADABLE, readable
from app.models.base import Scoped, UtcDateTime, partial
from app.models.teacher import Teacher

LIVE = "valid_from IS NOT NULL AND valid_to IS NULL"
DRAFT = "valid_from IS NULL"

# The state of a row that an addition or a change proposes; nothing that reads a file reads it.
PENDING = "pending"

# What an effective row says never changes; only these columns move afterwards.
MOVABLE = ("school_id", "authority_id", "state", "valid_to", "version")


class Record:
    """Columns and behaviour that every set table shares, a teacher's or a unit's."""

    __abstract__ = True
    __tablename__: ClassVar[str]
    indicator_set: ClassVar[IndicatorSet]

    id = mapped_column(Integer, primary_key=True, sort_order=-9)
    uuid = mapped_column(String(32), nullable=False, default=lambda: uuid4().hex, sort_order=-8)
    state = mapped_column(String(10), nullable=False, default="draft", sort_order=-4)
    valid_from = mapped_column(UtcDateTime, sort_order=-3)
    valid_to = mapped_column(UtcDateTime, sort_order=-2)
    version = mapped_column(Integer, nullable=False, default=1, sort_order=-1)
    extra = mapped_column(JSON(none_as_null=True), sort_order=90)
    entered_at = mapped_column(UtcDateTime, default=now, sort_order=91)

    @declared_attr
    def entered_by(cls) -> Mapped[int | None]:
        return mapped_column(ForeignKey("ab_user.id"), sort_order=92)

    @declared_attr.directive
    def __mapper_args__(cls) -> dict[str, Any]:
        return {"version_id_col": cls.version}

    @classmethod
    def as_of(cls, moment: Any = None) -> ColumnElement[bool]:
        """The rows in force at a moment (what the system knew then); None means in force now."""
        if moment is None:
            return cls.valid_from.is_not(None) & cls.valid_to.is_(None)
        return (cls.valid_from <= moment) & (cls.valid_to.is_(None) | (cls.valid_to > moment))

    @classmethod
    def right_before(cls, moment: Any) -> ColumnElement[bool]:
        """The rows that were in force until a moment: what an act of that moment ended is there,
        what it began is not."""
        return (cls.valid_from < moment) & (cls.valid_to.is_(None) | (cls.valid_to >= moment))

    @classmethod
    def standing(cls) -> ColumnElement[bool]:
        """The rows that files are made of at present: drafts of open ones, rows in force of others,
        nothing of history and nothing pending."""
        return cls.valid_to.is_(None) & (cls.state != PENDING)

    def value(self, code: str) -> Any:
        """Return the plain value of one indicator, unsealed where it is ciphertext at rest;
        UNREADABLE where that is broken."""
        item = self.indicator_set.indicator(code)
        stored = getattr(self, code)
        if item.sealed and stored is not None:
            return readable(stored, table=self.__tablename__, column=code, uuid=self.uuid)
        return stored

    def put(self, code: str, value: Any) -> None:
        """Store a plain value; sealed indicators get ciphertext and a blind index (SEC-39, 40).

        UNREADABLE leaves what is stored as it is.
        """
        if value is UNREADABLE:
            return
        item = self.indicator_set.indicator(code)
        if not item.sealed:
            setattr(self, code, value)
            return
        if self.uuid is None:
            self.uuid = uuid4().hex
        blank = value in (None, "")
        place = {"table": self.__tablename__, "column": code, "uuid": self.uuid}
        setattr(self, code, None if blank else seal(value, **place))
        for name, index in index_columns(code, value, index_kind(item)).items():
            setattr(self, name, index)

    def values(self) -> dict[str, Any]:
        """All plain values by indicator code."""
        return {item.code: self.value(item.code) for item in self.indicator_set.indicators}


class TeacherRecord(Record, Scoped):
    """A row of one of the 28 teacher sets."""

    __abstract__ = True

    # For lists across files; a list names it, nothing loads it row by row.
    @declared_attr
    def teacher(cls) -> Mapped[Teacher]:
        own: Any = cls.teacher_id
        return relationship(foreign_keys=[own], viewonly=True, lazy="raise_on_sql")

    @declared_attr.directive
    def __table_args__(cls) -> tuple[Any, ...]:
        table = cls.__tablename__
        single = not cls.indicator_set.multi_row
        one = (
            (
                partial(f"uq_{table}_one", "teacher_id", where=LIVE, unique=True),
                partial(f"uq_{table}_one_draft", "teacher_id", where=DRAFT, unique=True),
            )
            if single
            else ()
        )
        return (
            partial(f"uq_{table}_live", "uuid", where=LIVE, unique=True),
            partial(f"uq_{table}_pending", "uuid", where=DRAFT, unique=True),
            Index(f"ix_{table}_teacher", "teacher_id", "valid_from"),
            partial(f"ix_{table}_draft", "teacher_id", where=DRAFT),
            partial(f"ix_{table}_school", "school_id", where=LIVE),
            partial(f"ix_{table}_authority", "authority_id", where=LIVE),
            *one,
            *(Index(f"ix_{table}_{i.code}", f"{i.code}_index") for i in _sealed(cls.indicator_set)),
            *(
                Index(f"ix_{table}_{i.code}2", f"{i.code}_index2")
                for i in _sealed(cls.indicator_set)
            ),
        )


class UnitRecord(Record):
    """A row of the set that describes a unit (school_basic)."""

    __abstract__ = True

    @declared_attr
    def unit_id(cls) -> Mapped[int]:
        return mapped_column(ForeignKey("unit.id"), nullable=False, sort_order=-7)

    @declared_attr.directive
    def __table_args__(cls) -> tuple[Any, ...]:
        table = cls.__tablename__
        return (
            partial(f"uq_{table}_one", "unit_id", where=LIVE, unique=True),
            Index(f"ix_{table}_unit", "unit_id", "valid_from"),
        )


def index_kind(item: Indicator) -> str:
    """How a sealed value is normalised before it is indexed."""
    return "idcard" if item.data_type == "idcard" else "phone"


def _sealed(entry: IndicatorSet) -> list[Indicator]:
    return [item for item in entry.indicators if item.sealed]


def _column(item: Indicator) -> Any:
    info = {"indicator": item}
    if item.sealed:
        return mapped_column(LargeBinary, info=info, sort_order=item.sort)
    if item.multi_value:
        return mapped_column(String(200), info=info, sort_order=item.sort)
    kinds: dict[str, Any] = {
        "int": Integer(),
        "decimal": Numeric(12, 2),
        "date": Date(),
        "bool": Boolean(),
        "year_month": String(7),
    }
    kind = kinds.get(item.data_type) or String(item.max_length or 200)
    return mapped_column(kind, info=info, sort_order=item.sort)


# The teacher's own row holds these; they would be a second truth in the basic set.
KEPT_ON_TEACHER = {"basic": frozenset({"teacher_no", "staff_status", "edu_id"})}


def stored_indicators(entry: IndicatorSet) -> list[Indicator]:
    """The indicators of a set that have a column of their own in its table."""
    kept = KEPT_ON_TEACHER.get(entry.code, frozenset())
    return [item for item in entry.indicators if item.code not in kept]


def _build(entry: IndicatorSet) -> type:
    columns: dict[str, Any] = {}
    stored = stored_indicators(entry)
    shown = IndicatorSet(**{**vars(entry), "indicators": tuple(stored)})
    for item in stored:
        columns[item.code] = _column(item)
        if item.sealed:
            for suffix in INDEX_SUFFIXES:
                columns[item.code + suffix] = mapped_column(LargeBinary(32), sort_order=80)
    base = TeacherRecord if entry.entity == "teacher" else UnitRecord
    name = "Rec" + "".join(part.title() for part in entry.code.split("_"))
    body = {
        "__tablename__": f"rec_{entry.code}",
        "__module__": __name__,
        "__doc__": f"{entry.name_en} ({entry.name_zh}).",
        "indicator_set": shown,
        **columns,
    }
    return type(name, (base, Model), body)


SETS: dict[str, Any] = {code: _build(entry) for code, entry in structure().sets.items()}
TEACHER_SETS: dict[str, Any] = {
    code: cls for code, cls in SETS.items() if issubclass(cls, TeacherRecord)
}


def extra_text(cls: Any, key: str) -> ColumnElement[str]:
    """The value of an online indicator as text; the same SQL text in query and index."""
    if not (key.isidentifier() and key.isascii()):
        raise ValueError(key)
    return cls.extra.op("->>", return_type=String())(literal_column(f"'{key}'"))
