"""Working under another of one's own assignments: the switch in the top bar."""

from typing import Any

from flask import flash, redirect, request, session
from flask_appbuilder.baseviews import expose
from flask_appbuilder.security.decorators import has_access
from flask_babel import gettext as _

from app.access.actor import current_actor
from app.access.security import ASSIGNMENT
from app.core.errors import NotFound
from app.core.whole import whole_number
from app.extensions import db
from app.services import audit
from app.views.base import BaseView


class AssignmentView(BaseView):
    """One assignment at a time; rights and scope follow at once (SEC-06)."""

    class_permission_name = "Me"
    route_base = "/assignment"

    @expose("/switch", methods=["POST"])
    @has_access
    def switch(self) -> Any:
        """Go on under another assignment; one that is not held does not exist."""
        wanted = whole_number(request.form.get("assignment", ""))
        held = {assignment.id: unit for assignment, unit in self.appbuilder.sm.assignments()}
        if wanted not in held:
            raise NotFound()
        audit.record(db.session(), "session_end", actor=current_actor(), detail={"to": wanted})
        db.session.commit()
        session[ASSIGNMENT] = wanted
        flash(_("You are now working for %(unit)s.", unit=held[wanted].name), "success")
        return redirect(self.appbuilder.get_url_for_index)
