"""Breaks sealed values at rest as an attacker or a failing disk would (SEC-39)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select, update

from app.access.actor import system
from app.models.record import TEACHER_SETS
from app.models.teacher import Teacher
from tests.views.api_caller import Caller
from tests.views.pages import sign_in

WORDS = "无法读取"
REMEDY = "该内容无法读取，请联系系统管理员。"
OF_TEACHER = "teacher"
# Another sealed column of the same file.
BESIDE = {"basic.id_no": "teacher.id_no", "contact.mobile": "contact.emergency_phone"}


def flipped(blob: bytes) -> bytes:
    """The value with one bit of its tag changed."""
    return blob[:-1] + bytes([blob[-1] ^ 1])


# What becomes of a value, from itself, that of another row, and that of another column.
DAMAGE: Mapping[str, Callable[[bytes, bytes, bytes], bytes]] = {
    "of another row": lambda _own, row, _column: row,
    "of another column": lambda _own, _row, column: column,
    "a bit of the tag": lambda own, _row, _column: flipped(own),
    "a bit of the text": lambda own, _row, _column: own[:14] + bytes([own[14] ^ 4]) + own[15:],
    "another key": lambda own, _row, _column: own[:1] + b"\xc8" + own[2:],
    "another suite": lambda own, _row, _column: b"\x02" + own[1:],
    "cut short": lambda own, _row, _column: own[:9],
    "empty": lambda _own, _row, _column: b"",
}


def column_of(place: str) -> tuple[Any, Any]:
    """Table and column of a place such as "contact.mobile" or "teacher.id_no"."""
    set_code, _dot, code = place.partition(".")
    cls = Teacher if set_code == OF_TEACHER else TEACHER_SETS[set_code]
    return cls.__table__, cls.__table__.c[code]


def stored(session: Any, ref: Any, place: str) -> bytes:
    """The bytes that stand in the database."""
    table, column = column_of(place)
    owner = table.c.id if place.startswith(f"{OF_TEACHER}.") else table.c.teacher_id
    with system():
        return bytes(session.execute(select(column).where(owner == ref.id)).scalar_one())


def put(session: Any, ref: Any, place: str, blob: bytes) -> None:
    """Write bytes where a sealed value stands."""
    table, column = column_of(place)
    owner = table.c.id if place.startswith(f"{OF_TEACHER}.") else table.c.teacher_id
    with system():
        session.execute(update(table).where(owner == ref.id).values({column: blob}))
        session.commit()
    session.expire_all()


@dataclass(frozen=True)
class Bench:
    """The open file of the teacher who has an account, and who looks at it."""

    app: Any
    session: Any
    world: Any

    @property
    def ref(self) -> Any:
        return self.world.teachers["A1_draft_1"]

    @property
    def other(self) -> Any:
        """The file from which a value is moved here."""
        return self.world.teacher("A1", "submitted")

    def client(self, key: str = "school_info_A1") -> Any:
        """A signed-in client."""
        return sign_in(self.app, self.world, key)

    def caller(self, key: str = "school_info_A1") -> Caller:
        """A signed-in program."""
        return Caller(self.app.test_client(), self.world.usernames[key])

    def hurt(self, place: str, how: str = "of another row") -> bytes:
        """Break a value past everything that guards it; returns what stands there now."""
        own, row = self.stored(place), stored(self.session, self.other, place)
        column = self.stored(BESIDE.get(place, "basic.id_no"))
        broken = DAMAGE[how](own, row, column)
        assert broken != own
        put(self.session, self.ref, place, broken)
        return broken

    def stored(self, place: str) -> bytes:
        """The bytes that stand in the database."""
        return stored(self.session, self.ref, place)

    def row(self, set_code: str, ref: Any = None) -> Any:
        """The row of a single-row set of the file, or of another."""
        cls = TEACHER_SETS[set_code]
        self.session.expire_all()
        with system():
            return self.session.scalars(
                select(cls).where(cls.teacher_id == (ref or self.ref).id)
            ).one()
