"""Claims in the queue: who looks at which file, taking and giving back, all, mine and free (D7)."""

from collections.abc import Mapping
from typing import Any

from flask import request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import case, func
from sqlalchemy.orm import Query

from app.access.actor import current_actor
from app.core.errors import Malformed
from app.extensions import db
from app.models.teacher import Teacher
from app.services import claim
from app.views.base import RowAction, Selection
from app.views.datamodel import Condition, Datamodel
from app.views.labels import present_catalog
from app.views.listing import Segment, link
from app.views.review import outcome
from app.views.selection import Outcome
from app.views.widgets import Badge

COLUMN, STATE = "claim", "state"
ARGUMENT = f"_flt_0_{COLUMN}"
HOLDERS, COUNTED = "tm.review_holders", "tm.review_counted"
WORDS: Mapping[str, Any] = {claim.MINE: _l("Claimed by me"), claim.FREE: _l("Free")}
MOST = 1000  # Files that are taken at once: a claim is about what one person looks at now.


class ClaimIs(Condition):
    """Taken by oneself, or free; it is no column of the file."""

    name = _l("is")
    arg_name = "eq"

    def apply(self, query: Query, value: Any) -> Query:
        tests = {claim.MINE: claim.is_mine, claim.FREE: claim.is_free}
        if value not in tests:
            raise Malformed(_("This filter value is not valid."))
        return query.filter(tests[value](current_actor(), present_catalog()))


def with_claims(model: Datamodel) -> Datamodel:
    """Return the data model, which can now be filtered by `claim` like by a column."""
    model.condition_cache[COLUMN] = [ClaimIs(COLUMN, model)]
    return model


class Claims:
    """What the queue knows of claims, for ReviewView."""

    def claim_acts(self) -> dict[str, RowAction]:
        """Return the two acts of claims, which stand behind the decisions."""
        return {
            "claim": RowAction("claim", _l("Claim"), self._take, icon="user-check"),
            "give_back": RowAction(
                "give_back", _l("Give back"), self._give_back, icon="user-minus"
            ),
        }

    def _take(self, selection: Selection) -> Any:
        return self._claimed(selection, claim.take, _("Claim"))

    def _give_back(self, selection: Selection) -> Any:
        return self._claimed(selection, claim.give_back, _("Give back"))

    def _claimed(self: Any, selection: Selection, act: Any, title: str) -> Any:
        session, actor = db.session(), current_actor()
        ids = selection.ids()
        if len(ids) > MOST:
            raise Malformed(_("Claim at most %(n)s files at once.", n=f"{MOST:,}"))
        failed = act(session, actor, ids, present_catalog())
        session.commit()
        if not failed:
            return None
        names = outcome.names_of(session, ids)
        return self.outcome_page(title, [_line(key, names, failed.get(key)) for key in ids])

    def count_segments(self: Any, filters: Any) -> None:
        """Count the queue by state and claim with one statement, under the other filters."""
        others = filters.copy()
        pairs = [
            (f, v) for f, v in filters.get_filters_values() if f.column_name not in (STATE, COLUMN)
        ]
        others.filters, others.values = [f for f, _v in pairs], [v for _f, v in pairs]
        query = self._matching(others, request.args.get("q", "").strip()).order_by(None)
        actor, known = current_actor(), present_catalog()
        mine = case((claim.is_mine(actor, known), 1), else_=0)
        free = case((claim.is_free(actor, known), 1), else_=0)
        rows = query.with_entities(
            Teacher.state, func.count(), func.sum(mine), func.sum(free)
        ).group_by(Teacher.state)
        request.environ[COUNTED] = {
            str(state): {"": total, claim.MINE: int(own), claim.FREE: int(left)}
            for state, total, own, left in rows
        }

    def state_counts(self) -> dict[str, int]:
        """Return the files by state under the present filter of claims."""
        active = request.args.get(ARGUMENT, "")
        counted = request.environ.get(COUNTED, {})
        return {state: each.get(active, 0) for state, each in counted.items()}

    def claim_segments(self: Any) -> list[Segment]:
        """Return the tabs all, mine and free, under the states that are shown."""
        shown = {str(state) for state in self._states_shown()}
        kept = [each for state, each in request.environ.get(COUNTED, {}).items() if state in shown]
        active = request.args.get(ARGUMENT, "")
        drop = [ARGUMENT, f"page_{type(self).__name__}", "view"]
        words = {"": _("Everybody's"), **WORDS}
        return [
            Segment(
                label,
                sum(each[key] for each in kept),
                link(drop, **{ARGUMENT: key}),
                active == key,
            )
            for key, label in words.items()
        ]


def keep_holders(ids: list[int]) -> None:
    """Read who looks at the files of a page of the queue, once."""
    found = claim.holders(db.session(), current_actor(), ids, present_catalog()) if ids else {}
    request.environ[HOLDERS] = found


def claim_badge(item: Teacher) -> Badge | None:
    """Who looks at a file of the page."""
    holder = request.environ.get(HOLDERS, {}).get(item.id)
    if holder is None:
        return None
    if holder.account_id == current_actor().account_id:
        return Badge(_("Me"), "user-check", "info")
    return Badge(holder.name, "user", "wait")


def _line(key: int, names: Mapping[int, outcome.Named], refusal: Any) -> Outcome:
    found = outcome.line_of(key, names, None, present_catalog())
    words = "" if refusal is None else str(refusal)
    return Outcome(found.name or _("A file outside your scope"), found.href, refusal is None, words)
