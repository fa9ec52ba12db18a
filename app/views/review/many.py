"""Acts on many objects at once, with the page of their result; for the lists of flows."""

from typing import Any, ClassVar

from flask import redirect, request, url_for
from flask_appbuilder.baseviews import expose
from flask_appbuilder.security.decorators import has_access

from app.access.actor import current_actor
from app.extensions import db
from app.indicators.catalog import language
from app.jobs import review as bulk
from app.views.base import Selection
from app.views.once import first_result, once, remember
from app.views.review import outcome
from app.workflows.engine import Field

BULK_LIMIT = 1_000_000  # More than the city has: a worker decides what is much.


class ManyActs:
    """The steps of flows over many rows of a list; a subclass names what they are about."""

    subject: ClassVar[bulk.Subject]
    bulk_limit = BULK_LIMIT

    @expose("/outcome/<int:pk>", methods=["GET"])
    @has_access
    def outcome(self, pk: int) -> Any:
        """Show what became of each object of an act, and how far it is."""
        return outcome.answer(self, pk)

    @expose("/outcome/<int:pk>/cancel", methods=["POST"])
    @has_access
    @once
    def cancel(self, pk: int) -> Any:
        """Stop an act after the batch under way; what is decided stays decided."""
        return outcome.cancel(self, pk)

    @expose("/outcome/<int:pk>/resume", methods=["POST"])
    @has_access
    @once
    def resume(self, pk: int) -> Any:
        """Go on with an act that was stopped or failed."""
        return outcome.resume(self, pk)

    def decide(self: Any, step: str, inputs: tuple[Field, ...], selection: Selection) -> Any:
        """Take a step of all that is selected; leads to the page of the result."""
        session, actor = db.session(), current_actor()
        if (answer := first_result(session)) is not None:
            return answer
        made = bulk.start(
            session,
            actor,
            step,
            selection.seen(),
            reason=selection.reason,
            data={each.name: bool(selection.form.get(f"{step}-{each.name}")) for each in inputs},
            lang=language(),
            subject=self.subject,
        )
        location = url_for(
            f"{self.endpoint}.outcome", pk=made.id, queue=request.form.get("filter") or None
        )
        remember(session, location)
        session.commit()
        return redirect(location)
