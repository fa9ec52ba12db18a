"""`/api/v1/claim/{id}` and `/api/v1/opinion/{id}`: what stands beside a review; id is the file."""

from typing import Any

from flask_appbuilder.api import expose, protect

from app.access.actor import current_actor
from app.access.scope import scoped_get
from app.core.errors import Malformed
from app.extensions import db
from app.indicators.catalog import catalog
from app.models.teacher import Teacher
from app.services import claim, opinion
from app.views.api.base import Api, body, whole


class ClaimApi(Api):
    """Who of my colleagues looks at a waiting file."""

    resource_name = "claim"
    class_permission_name = "ReviewQueue"
    openapi_spec_tag = "review"

    @expose("/<int:pk>", methods=["GET"])
    @protect()
    def get(self, pk: int) -> Any:
        """Return who looks at a file.
        ---
        get:
          parameters: [{in: path, name: pk, required: true, schema: {type: integer}}]
          responses:
            200: {description: Who looks at it and since when, or null}
            404: {description: Outside your scope}
        """
        session, actor = db.session(), current_actor()
        scoped_get(session, Teacher, pk)
        holder = claim.holders(session, actor, [pk], catalog(session)).get(pk)
        mine = holder is not None and holder.account_id == actor.account_id
        told = {"name": holder.name, "at": holder.at.isoformat(), "mine": mine} if holder else None
        return self.response(200, id=pk, claim=told)

    @expose("/<int:pk>", methods=["POST"])
    @protect()
    def post(self, pk: int) -> Any:
        """Take a file of my queue.
        ---
        post:
          parameters: [{in: path, name: pk, required: true, schema: {type: integer}}]
          responses:
            200: {description: It is taken}
            403: {description: Not yours to do}
            404: {description: Not in your queue}
            422: {description: A colleague has it}
        """
        return self._answer(pk, claim.take)

    @expose("/<int:pk>", methods=["DELETE"])
    @protect()
    def delete(self, pk: int) -> Any:
        """Give a file back.
        ---
        delete:
          parameters: [{in: path, name: pk, required: true, schema: {type: integer}}]
          responses:
            200: {description: It is free}
            403: {description: Not yours to do}
            404: {description: Not in your queue}
            422: {description: You have not taken it}
        """
        return self._answer(pk, claim.give_back)

    def _answer(self, pk: int, act: Any) -> Any:
        session = db.session()
        failed = act(session, current_actor(), [pk], catalog(session))
        if pk in failed:
            raise failed[pk]
        session.commit()
        return self.response(200, message="OK")


class OpinionApi(Api):
    """The opinions of the city's assistants."""

    resource_name = "opinion"
    class_permission_name = "Opinion"
    openapi_spec_tag = "review"

    @expose("/<int:pk>", methods=["GET"])
    @protect()
    def get(self, pk: int) -> Any:
        """Return what was said on a file, the latest first.
        ---
        get:
          parameters: [{in: path, name: pk, required: true, schema: {type: integer}}]
          responses:
            200: {description: The opinions}
            403: {description: Not yours to read}
            404: {description: Outside your scope}
        """
        file = scoped_get(db.session(), Teacher, pk)
        found = [
            {
                "id": each.id,
                "verdict": str(each.verdict),
                "text": each.text,
                "name": each.name,
                "at": each.at.isoformat(),
                "present": each.is_present,
            }
            for each in opinion.on_file(db.session(), file)
        ]
        return self.response(200, result=found, count=len(found))

    @expose("/<int:pk>", methods=["POST"])
    @protect()
    def post(self, pk: int) -> Any:
        """Record an opinion; it decides nothing.
        ---
        post:
          parameters: [{in: path, name: pk, required: true, schema: {type: integer}}]
          requestBody:
            content:
              application/json:
                schema:
                  type: object
                  properties:
                    verdict: {type: string, enum: [agree, objection]}
                    text: {type: string}
                    version: {type: integer}
                  required: [verdict]
          responses:
            201: {description: It is recorded}
            403: {description: Not yours to do}
            404: {description: Outside your scope}
            409: {description: The file does not wait for the city, or is another version}
            422: {description: Refused by a rule}
        """
        given = body(required=("verdict",))
        verdict, text = given["verdict"], given.get("text") or ""
        if not isinstance(verdict, str) or not isinstance(text, str):
            raise Malformed()
        made = opinion.give(
            db.session(),
            current_actor(),
            pk,
            verdict=verdict,
            text=text,
            version=whole(given.get("version"), "version"),
        )
        db.session.commit()
        return self.response(201, id=made.id)
