"""The daily digest by e-mail: who wants it, and what it says. Counts only: no name, no unit, no
value of anybody leaves the system by mail."""

from collections.abc import Sequence
from typing import NamedTuple

from email_validator import EmailNotValidError, validate_email
from flask_babel import gettext as _
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.access.actor import Actor, acting_as, held_assignments, make_actor
from app.core.clock import today
from app.core.errors import Problem, Refused
from app.models.account import Account
from app.models.digest import Digest
from app.models.notice import Notice
from app.services import audit, home


class Line(NamedTuple):
    """What waits, in words of the reader's language, and how much of it."""

    label: str
    number: int


def wish_of(session: Session, actor: Actor) -> Digest | None:
    """The wish of the actor's own account."""
    return session.scalars(select(Digest).where(Digest.account_id == actor.account_id)).first()


def subscribe(session: Session, actor: Actor, address: str, language: str) -> None:
    """Send the digest to an address from the next night on. Raises Refused."""
    found = wish_of(session, actor)
    if found is None:
        found = Digest(account_id=actor.account_id)
        session.add(found)
    found.address, found.language = valid_address(address), language
    _put_on_record(session, actor, "subscribe")


def cancel(session: Session, actor: Actor) -> None:
    """Send no digest any more, and forget the address."""
    found = wish_of(session, actor)
    if found is not None:
        session.delete(found)
        _put_on_record(session, actor, "cancel")


def valid_address(text: str) -> str:
    """An e-mail address in its normal form. Raises Refused with the remedy."""
    try:
        found = validate_email(text.strip(), check_deliverability=False, allow_smtputf8=False)
        return str(found.normalized)
    except EmailNotValidError:
        words = _("Write an e-mail address, like name@school.edu.cn.")
        raise Refused(problems=[Problem("address", words, field="address")]) from None


def lines(session: Session, account: Account) -> list[Line]:
    """What waits for an account under all of its assignments of today, and its unread notices."""
    found: dict[str, int] = {}
    held = held_assignments(session, account.id, today()) if account.active else []
    for each in held:
        actor = make_actor(*each)
        with acting_as(actor):
            for item in home.todo(session, actor):
                label = str(item.label)
                found[label] = found.get(label, 0) + item.count
    unread = session.scalar(
        select(func.count()).where(Notice.account_id == account.id, Notice.read_at.is_(None))
    )
    if held and unread:
        found[_("Unread notices")] = unread
    return [Line(label, number) for label, number in found.items()]


def text_of(found: Sequence[Line], url: str) -> str:
    """The words of a mail, with one link."""
    parts = [f"- {line.label}{_(': ')}{line.number}" for line in found]
    return "\n".join(
        (
            _("This waits for you today:"),
            "",
            *parts,
            "",
            url.rstrip("/") + "/",
            "",
            _("You asked for this digest; you can end it in the menu of your name."),
            "",
        )
    )


def _put_on_record(session: Session, actor: Actor, act: str) -> None:
    place = ("account", actor.account_id)
    audit.record(session, "account", actor=actor, object=place, detail={"digest": act})
