"""The working calendar as the city keeps it: which days may be entered, altered and taken out."""

from datetime import date

from flask_babel import gettext as _
from sqlalchemy import inspect, select
from sqlalchemy.orm import Session

from app.access.actor import Actor
from app.core.clock import today
from app.core.errors import Problem, Refused
from app.indicators.catalog import touch
from app.models.calendar import DayKind, SpecialDay, is_weekend
from app.services import audit
from app.services.versioned import require_right

RESOURCE = "Calendar"


def check(session: Session, actor: Actor, item: SpecialDay) -> None:
    """Refuse a day that may not be entered or altered as it stands. Forbidden, Refused."""
    require_right(actor, RESOURCE)
    _refuse_past(item)
    problems = []
    if item.kind == DayKind.MAKE_UP and not is_weekend(item.day):
        text = _("This is a weekday: people work on it anyway. Choose a Saturday or Sunday.")
        problems.append(Problem("weekday", text, field="day"))
    if _is_taken(session, item):
        text = _("This day is in the calendar already. Change its entry instead.")
        problems.append(Problem("taken", text, field="day"))
    if problems:
        raise Refused(problems=problems)


def is_needless(item: SpecialDay) -> bool:
    """Whether the week alone says the same: a holiday on a weekend."""
    return item.kind == DayKind.HOLIDAY and is_weekend(item.day)


def may_alter(item: SpecialDay) -> bool:
    """Whether the day has not passed; what was counted with it stays as it was counted."""
    return item.day >= today()


def put_on_record(session: Session, actor: Actor, item: SpecialDay, act: str) -> None:
    """Note an act on a day and give the catalogue, which holds the calendar, its next version."""
    detail = {"calendar": act, "kind": item.kind, "name": item.name_zh}
    place = ("special_day", item.day.isoformat())
    audit.record(session, "setting", actor=actor, object=place, detail=detail)
    touch(session)


def remove(session: Session, actor: Actor, item: SpecialDay) -> None:
    """Take out a day that has not passed. Forbidden, Refused."""
    require_right(actor, RESOURCE)
    _refuse_past(item)
    session.delete(item)
    put_on_record(session, actor, item, "delete")


def _refuse_past(item: SpecialDay) -> None:
    """Neither the day that stands in the row nor the one that it is to become may have passed."""
    days: list[date] = [item.day, *(inspect(item).attrs.day.history.deleted or ())]
    if any(each is not None and each < today() for each in days):
        text = _("A day that has passed stays as it is: terms have been counted with it.")
        raise Refused(problems=[Problem("past", text, field="day")])


def _is_taken(session: Session, item: SpecialDay) -> bool:
    found = session.scalar(select(SpecialDay.id).where(SpecialDay.day == item.day))
    return found is not None and found != item.id
