"""The parts of the list of transfers, seen from who asks."""

from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Query

from app.access.actor import current_actor
from app.models.transfer import Transfer
from app.services import transfer_queue
from app.views.datamodel import Condition, Datamodel, OneOf
from app.views.labels import present_catalog

SHOW = "show"
SHOWN: dict[str, Any] = {
    "mine": _l("Waiting for me"),
    "in": _l("Coming in"),
    "out": _l("Going out"),
    "overdue": _l("Overdue"),
}


class Shows(Condition):
    """A part of the transfers, seen from who asks; no column of them."""

    name = _l("is")
    arg_name = "eq"

    def apply(self, query: Query, value: Any) -> Query:
        return query.filter(condition(value))


class ShowsOneOf(OneOf):
    def apply(self, query: Query, value: Any) -> Query:
        values = list(value) if isinstance(value, list | tuple | set) else [value]
        for each in values:
            query = query.filter(condition(each))
        return query


def condition(value: str) -> Any:
    """The transfers of a part of SHOWN, for the present actor."""
    actor = current_actor()
    if value == "mine":
        return transfer_queue.waiting(actor)
    if value == "overdue":
        return transfer_queue.overdue(present_catalog())
    ways = {"in": transfer_queue.coming_in, "out": transfer_queue.going_out}
    return ways.get(value, transfer_queue.waiting)(actor)


def transfers_model() -> Datamodel:
    """Return the data model of transfers, which can be filtered by `show` like by a column."""
    model = Datamodel(Transfer)
    model.condition_cache[SHOW] = [
        *(Shows(SHOW, model) for _place in range(4)),
        ShowsOneOf(SHOW, model),
    ]
    return model
