"""`/api/v1/duplicate/…`: pairs of files that may describe one person (DQ008, DQ009)."""

from typing import Any, ClassVar

from flask_appbuilder.api import expose, protect

from app.access.actor import current_actor
from app.access.scope import scoped_get
from app.core.errors import Malformed
from app.extensions import db
from app.models.duplicate import DuplicateCase
from app.services import duplicate
from app.views.api.base import body
from app.views.base import BaseModelApi
from app.views.datamodel import Datamodel

LISTED = [
    "id",
    "first_id",
    "second_id",
    "kind",
    "state",
    "found_at",
    "decided_at",
    "reason",
]


class DuplicateApi(BaseModelApi):
    """The pairs, for the city; the files themselves are read as files."""

    resource_name = "duplicate"
    class_permission_name = "Duplicate"
    openapi_spec_tag = "duplicate"
    datamodel = Datamodel(DuplicateCase)
    exclude_route_methods: ClassVar[set[str]] = {"info", "post", "put", "delete"}
    list_columns, show_columns = LISTED, LISTED
    search_columns: ClassVar[list[str]] = ["first_id", "second_id", "kind", "state", "found_at"]
    order_columns: ClassVar[list[str]] = ["found_at", "state"]

    @expose("/<int:pk>/dismiss", methods=["POST"])
    @protect()
    def dismiss(self, pk: int) -> Any:
        """Say that the two files describe different persons.
        ---
        post:
          parameters: [{in: path, name: pk, required: true, schema: {type: integer}}]
          requestBody:
            content:
              application/json:
                schema:
                  type: object
                  properties:
                    reason: {type: string}
                  required: [reason]
          responses:
            200: {description: It is decided}
            403: {description: Not yours to decide}
            404: {description: Outside your scope}
            409: {description: It is decided already}
            422: {description: A reason is missing, or both have one ID number}
        """
        session = db.session()
        case = scoped_get(session, DuplicateCase, pk)
        reason = body(required=("reason",))["reason"]
        if not isinstance(reason, str):
            raise Malformed()
        duplicate.dismiss(session, current_actor(), case, reason)
        session.commit()
        return self.response(200, id=case.id, state=str(case.state))
