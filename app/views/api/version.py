"""`/api/v1/version/{id}`: the versions of a file and how two of them differ; id is the file."""

from typing import Any

from flask import request
from flask_appbuilder.api import expose, protect

from app.access.actor import Actor, current_actor
from app.access.scope import scoped_get
from app.core.errors import Problem
from app.core.sealed import REMEDY, UNREADABLE
from app.extensions import db
from app.indicators.catalog import catalog
from app.models.teacher import Teacher
from app.services import version
from app.services.version import Difference
from app.views.api.base import Api, shown
from app.views.teacher.version import asked_pair


class VersionApi(Api):
    """The states that a file in force has had."""

    resource_name = "version"
    class_permission_name = "File"
    openapi_spec_tag = "Teacher"

    @expose("/<int:pk>", methods=["GET"])
    @protect()
    def get(self, pk: int) -> Any:
        """Return the versions of a file, the last one first.
        ---
        get:
          parameters: [{in: path, name: pk, required: true, schema: {type: integer}}]
          responses:
            200: {description: "Number, moment, cause and the processes behind it"}
            404: {description: Outside your scope}
        """
        file = scoped_get(db.session(), Teacher, pk)
        found = [
            {
                "number": each.number,
                "at": each.at.isoformat(),
                "cause": each.cause,
                "processes": [
                    {"id": item.id, "flow": item.flow, "kind": item.kind, "set": item.set}
                    for item in each.processes
                ],
            }
            for each in version.known(db.session(), file)
        ]
        return self.response(200, result=found, count=len(found))

    @expose("/<int:pk>/difference", methods=["GET"])
    @protect()
    def difference(self, pk: int) -> Any:
        """Return how two versions of a file differ; by default the last and the one before.
        ---
        get:
          parameters:
            - {in: path, name: pk, required: true, schema: {type: integer}}
            - {in: query, name: old, schema: {type: integer}}
            - {in: query, name: new, schema: {type: integer}}
          responses:
            200: {description: "The records that differ, with old and new values"}
            400: {description: Not a number}
            404: {description: "Outside your scope, or no such version"}
        """
        session, actor = db.session(), current_actor()
        file = scoped_get(session, Teacher, pk)
        pair = version.pair(session, file, *asked_pair(request.args))
        if pair is None:
            return self.response(200, old=None, new=None, result=[], count=0)
        old, new = pair
        found = version.differences(session, actor, file, old.at, new.at, catalog=catalog(session))
        result = [_body(actor, each) for each in found]
        return self.response(200, old=old.number, new=new.number, result=result, count=len(result))


def _body(actor: Actor, each: Difference) -> dict[str, Any]:
    """One record that differs; a value that cannot be read is null, and `problems` says so."""
    fields = [
        {
            "field": field.indicator.code,
            "old": shown(actor, field.indicator, field.old),
            "new": shown(actor, field.indicator, field.new),
        }
        for field in each.fields
    ]
    lost = [
        Problem(
            "unreadable", REMEDY, set=each.set, field=field.indicator.code, record=each.record
        ).as_dict()
        for field in each.fields
        if UNREADABLE in (field.old, field.new)
    ]
    body = {"set": each.set, "id": each.record, "kind": each.kind, "fields": fields}
    return body | ({"problems": lost} if lost else {})
