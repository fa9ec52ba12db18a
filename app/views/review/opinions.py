"""Opinions of the city's assistants: on the page of a file, in the queue, and the post (S100)."""

from collections.abc import Mapping
from typing import Any

from flask import flash, redirect, request
from flask_appbuilder.baseviews import expose
from flask_appbuilder.security.decorators import has_access
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Query, Session

from app.access.actor import Actor, current_actor
from app.access.roles import WRITE, may_open
from app.core.errors import Malformed, Refused
from app.core.whole import whole_number
from app.extensions import db
from app.models.teacher import Teacher
from app.services import opinion
from app.views.base import BaseView
from app.views.datamodel import Condition, Datamodel
from app.views.listing import address_of
from app.views.once import first_result, remember
from app.views.opinion import RESOURCE, badge_of, may_read
from app.views.widgets import Badge, text_of

COLUMN, SAID = "opinion", "tm.review_opinions"
MISSING, GIVEN = "missing", "given"
WORDS: Mapping[str, Any] = {MISSING: _l("No opinion yet"), GIVEN: _l("Opinion recorded")}


class OpinionIs(Condition):
    """Whether an assistant has said something since the file began to wait."""

    name = _l("is")
    arg_name = "eq"

    def apply(self, query: Query, value: Any) -> Query:
        if value not in WORDS or not may_read(current_actor()):
            raise Malformed(_("This filter value is not valid."))
        missing = opinion.is_missing()
        return query.filter(missing if value == MISSING else ~missing)


def with_opinions(model: Datamodel) -> Datamodel:
    """Return the data model, which can now be filtered by `opinion` like by a column."""
    model.condition_cache[COLUMN] = [OpinionIs(COLUMN, model)]
    return model


def keep_opinions(ids: list[int]) -> None:
    """Read the opinions on the files of a page of the queue, once."""
    request.environ[SAID] = opinion.latest(db.session(), ids)


def opinion_badge(item: Teacher) -> Badge | None:
    """The present opinion on a file of the page."""
    said = request.environ.get(SAID, {}).get(item.id)
    return badge_of(said.verdict) if said is not None else None


class Panel:
    """What the page of a file prints of opinions."""

    def __init__(self, session: Session, actor: Actor, file: Teacher) -> None:
        reads = may_read(actor)
        self.shown = reads and (opinion.waits(actor, file) or bool(_said(session, file)))
        self.said = _said(session, file) if self.shown else []
        may = may_open(actor.role, RESOURCE, WRITE) and opinion.waits(actor, file)
        self.url = address_of("OpinionView", "give", pk=file.id) if may else ""
        self.version = file.version


def _said(session: Session, file: Teacher) -> list[Any]:
    """Verdict, words, who, when and whether it is about what waits now."""
    if SAID not in request.environ:
        request.environ[SAID] = [
            (badge_of(each.verdict), each.text, each.name, text_of(each.at), each.is_present)
            for each in opinion.on_file(session, file)
        ]
    return request.environ[SAID]


class OpinionView(BaseView):
    """The post behind the form of an opinion."""

    class_permission_name = RESOURCE
    route_base = "/opinion"

    @expose("/<int:pk>", methods=["POST"])
    @has_access
    def give(self, pk: int) -> Any:
        """Record what the assistant thinks of a file."""
        session, form = db.session(), request.form
        if (answer := first_result(session)) is not None:
            return answer
        back = self.next_url() or address_of("ReviewView", "show", pk=pk)
        try:
            opinion.give(
                session,
                current_actor(),
                pk,
                verdict=form.get("verdict", ""),
                text=form.get("text", ""),
                version=whole_number(form.get("_version", "")),
            )
            remember(session, back)
            session.commit()
        except Refused as refusal:
            session.rollback()
            flash(str(refusal.problems[0].message), "warning")
            return redirect(back)
        flash(_("Your opinion is recorded."), "success")
        return redirect(back)
