"""`/api/v1/hint/{id}`: the correction hints of a file; id is the file."""

from typing import Any

from flask_appbuilder.api import expose, protect

from app.access.actor import current_actor
from app.access.scope import scoped_get
from app.core.errors import Malformed
from app.extensions import db
from app.indicators.catalog import catalog
from app.models.hint import CorrectionHint, HintState
from app.models.teacher import Teacher
from app.services import hint
from app.views.api.base import Api, body
from app.views.hint import said


class HintApi(Api):
    """What teachers propose for their effective files."""

    resource_name = "hint"
    class_permission_name = "File"
    openapi_spec_tag = "Teacher"

    @expose("/<int:pk>", methods=["GET"])
    @protect()
    def get(self, pk: int) -> Any:
        """Return the hints of a file, the last one first; masked where the value would be.
        ---
        get:
          parameters: [{in: path, name: pk, required: true, schema: {type: integer}}]
          responses:
            200: {description: The hints}
            404: {description: Outside your scope}
        """
        session, actor = db.session(), current_actor()
        rows = hint.of_file(session, scoped_get(session, Teacher, pk))
        found = [
            {
                "id": row.id,
                "set": row.set,
                "field": row.field,
                "record": row.record_uuid,
                "text": str(each.text),
                "state": str(row.state),
                "reason": row.reason,
                "given_at": row.given_at.isoformat(),
            }
            for row, each in zip(rows, said(rows, actor, catalog(session)), strict=True)
        ]
        return self.response(200, result=found, count=len(found))

    @expose("/<int:pk>", methods=["POST"])
    @protect()
    def post(self, pk: int) -> Any:
        """Send the school a hint about a field of the own file.
        ---
        post:
          parameters: [{in: path, name: pk, required: true, schema: {type: integer}}]
          requestBody:
            content:
              application/json:
                schema:
                  type: object
                  properties:
                    set: {type: string}
                    field: {type: string}
                    record: {type: string}
                    text: {type: string}
                  required: [set, field, record, text]
          responses:
            201: {description: It is sent}
            403: {description: Not your file}
            404: {description: "Outside your scope, or no such field or record"}
            409: {description: The file is not effective}
            422: {description: Refused by a rule}
        """
        session = db.session()
        file = scoped_get(session, Teacher, pk)
        names = ("set", "field", "record", "text")
        given = body(required=names)
        if not all(isinstance(given[name], str) for name in names):
            raise Malformed()
        made = hint.give(
            session,
            current_actor(),
            file,
            hint.About(given["set"], given["field"], given["record"]),
            given["text"],
            catalog=catalog(session),
        )
        session.commit()
        return self.response(201, id=made.id)

    @expose("/answer/<int:pk>", methods=["POST"])
    @protect()
    def answer(self, pk: int) -> Any:
        """Answer a hint: taken_up, or set_aside with a reason; id is the hint.
        ---
        post:
          parameters: [{in: path, name: pk, required: true, schema: {type: integer}}]
          requestBody:
            content:
              application/json:
                schema:
                  type: object
                  properties:
                    state: {type: string, enum: [taken_up, set_aside]}
                    reason: {type: string}
                  required: [state]
          responses:
            200: {description: It is answered}
            403: {description: Not yours to answer}
            404: {description: Outside your scope}
            409: {description: It is answered already}
            422: {description: A reason is missing}
        """
        session = db.session()
        item = scoped_get(session, CorrectionHint, pk)
        given = body(required=("state",))
        state, reason = given["state"], given.get("reason") or ""
        if state not in (HintState.TAKEN_UP, HintState.SET_ASIDE) or not isinstance(reason, str):
            raise Malformed()
        hint.settle(session, current_actor(), item, state, reason)
        session.commit()
        return self.response(200, id=item.id, state=str(item.state))
