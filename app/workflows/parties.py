"""Who may take a step: one small question each about an actor and some objects."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from app.access.actor import SYSTEM_ACTOR, Actor
from app.access.roles import Role
from app.services.queue import sole_heads


@dataclass(frozen=True)
class Party:
    """A party to a flow: tells of which objects the actor is one, for many objects at once.

    `roles` are those that may be it at all, for the buttons of a list. `stands_in` is kept in the
    history of a step taken in this capacity; `is_system` marks what only the system itself does,
    never a signed-in person.
    """

    name: str
    ask: Callable[[Session, Actor, Sequence[Any]], set[int]]
    roles: frozenset[str] = frozenset()
    stands_in: str = ""
    is_system: bool = False

    def of(self, session: Session, actor: Actor, items: Sequence[Any]) -> set[int]:
        """The ids of those objects to which the actor is this party."""
        if (actor is SYSTEM_ACTOR) is not self.is_system:
            return set()
        if not self.is_system and actor.role not in self.roles:
            return set()
        return self.ask(session, actor, items)


def party(*roles: Role) -> Callable[[Callable[[Actor, Any], bool]], Party]:
    """Make a party of a question about one object that needs no database."""

    def make(question: Callable[[Actor, Any], bool]) -> Party:
        def ask(_session: Session, actor: Actor, items: Sequence[Any]) -> set[int]:
            return {item.id for item in items if question(actor, item)}

        return Party(question.__name__, ask, frozenset(roles))

    return make


@party(Role.TEACHER)
def teacher_self(actor: Actor, file: Any) -> bool:
    """The teacher whose file it is."""
    return actor.teacher_id == file.teacher_id


@party(Role.SCHOOL_INFO)
def school_info(actor: Actor, file: Any) -> bool:
    """The information administrator of the school."""
    return actor.unit_id == file.school_id


@party(Role.TEACHER, Role.SCHOOL_INFO)
def submitter(actor: Actor, item: Any) -> bool:
    """Who opened an addition."""
    return actor.account_id == item.opened_by


@party(Role.SCHOOL_HEAD)
def school_head(actor: Actor, file: Any) -> bool:
    """The head of the school, or the delegate of the head."""
    return actor.unit_id == file.school_id


def _decides(actor: Actor, file: Any) -> bool:
    return actor.unit_id == file.authority_id


@party(Role.DISTRICT_INFO, Role.CITY_INFO)
def authority(actor: Actor, file: Any) -> bool:
    """The information administrator of the authority: 区教委, for 市属高校 the 市教委."""
    return _decides(actor, file)


@party(Role.CITY_INFO)
def city(_actor: Actor, _file: Any) -> bool:
    """The information administrator of the city commission."""
    return True


@party(Role.CITY_INFO)
def city_for_district_file(actor: Actor, file: Any) -> bool:
    """The city, for files that a district decided (1.10)."""
    return not _decides(actor, file)


@party(Role.SCHOOL_HEAD)
def sending_head(actor: Actor, item: Any) -> bool:
    """The head of the school that a person leaves, or the delegate of the head."""
    return actor.unit_id == item.from_school_id


def _decides_on_leaving(actor: Actor, item: Any) -> bool:
    return actor.unit_id == item.from_authority_id


@party(Role.DISTRICT_INFO, Role.CITY_INFO)
def sending_authority(actor: Actor, item: Any) -> bool:
    """The information administrator of the authority over the school that a person leaves."""
    return _decides_on_leaving(actor, item)


def _for_sole_head(session: Session, actor: Actor, files: Sequence[Any]) -> set[int]:
    return sole_heads(session, [file for file in files if _decides(actor, file)])


def _for_sole_sending_head(session: Session, actor: Actor, items: Sequence[Any]) -> set[int]:
    return sole_heads(session, [item for item in items if _decides_on_leaving(actor, item)])


authority_for_head = Party(
    "authority_for_head", _for_sole_head, authority.roles, stands_in=str(Role.SCHOOL_HEAD)
)
"""The authority in the place of a head for whom nobody else acts, for the head's own file (s0)."""

sending_authority_for_head = Party(
    "sending_authority_for_head",
    _for_sole_sending_head,
    authority.roles,
    stands_in=str(Role.SCHOOL_HEAD),
)
"""The same for a head who wants to leave."""


def _always(_session: Session, _actor: Actor, items: Sequence[Any]) -> set[int]:
    return {item.id for item in items}


system = Party("system", _always, is_system=True)
"""The system itself; never a signed-in person."""
