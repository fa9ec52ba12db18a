"""Where a file lies: the scope columns of everything that belongs to it, copied from the teacher by
this one function (data-model s2, s5.4)."""

from collections.abc import Collection
from functools import cache
from typing import Any

from flask_appbuilder import Model
from sqlalchemy import inspect, select, update
from sqlalchemy.orm import Session

from app.models.base import Scoped
from app.models.record import Record
from app.models.teacher import Affiliation, Teacher
from app.services.among import among

# Says where a person was; its columns are no scope but what it says.
SAYS_ITSELF = (Affiliation, Teacher)


@cache
def followers() -> tuple[Any, ...]:
    """The mapped classes whose rows lie where their file lies."""
    found = (each for each in Model.registry.mappers if issubclass(each.class_, Scoped))
    return tuple(
        each.class_
        for each in sorted(found, key=lambda each: str(each.local_table))
        if each.inherits is None and each.class_ not in SAYS_ITSELF
    )


def follow(session: Session, ids: Collection[int]) -> None:
    """Have everything of some files lie where their teachers do by now, history and drafts
    included: one statement per table. The caller has asked who may, and holds the files."""
    keys = sorted(set(ids))
    for cls in followers():
        table = cls.__table__
        values: dict[str, Any] = {
            name: select(getattr(Teacher.__table__.c, name))
            .where(Teacher.__table__.c.id == table.c.teacher_id)
            .scalar_subquery()
            for name in ("school_id", "authority_id")
        }
        if issubclass(cls, Record):
            values["version"] = table.c.version + 1
        session.execute(
            update(table).where(among(session, table.c.teacher_id, keys)).values(values)
        )
    forget(session, keys)


def forget(session: Session, ids: Collection[int]) -> None:
    """Read anew, when they are looked at again, what the session has loaded of some files."""
    for row in list(session.identity_map.values()):
        if isinstance(row, Scoped) and _file_of(row) in ids:
            session.expire(row)


def _file_of(row: Any) -> Any:
    loaded = inspect(row).dict
    return loaded.get("id") if isinstance(row, Teacher) else loaded.get("teacher_id")
