"""`/api/v1/status_change/…`: changes of the staff status of effective files (5.1 to 5.3)."""

from datetime import date
from typing import Any, ClassVar

from flask import request
from flask_appbuilder.api import expose, protect

from app.access.scope import current_actor, scoped_get
from app.core.errors import Malformed, Problem
from app.core.whole import whole_number
from app.extensions import db
from app.indicators.catalog import catalog
from app.models.status_change import StatusChange
from app.models.teacher import Teacher
from app.services import attachment
from app.services import status_change as changes
from app.views.api.base import body, whole
from app.views.api.change import ProcessApi, proof, words_of
from app.views.base import BaseModelApi
from app.views.datamodel import Datamodel
from app.workflows.status_change import STATUS_CHANGE

RESOURCE = "status_change"


class StatusChangeListApi(BaseModelApi):
    """The status changes in scope, for the filter of a bulk act as well."""

    resource_name = RESOURCE
    class_permission_name = "StatusChange"
    openapi_spec_tag = RESOURCE
    datamodel = Datamodel(StatusChange)
    exclude_route_methods: ClassVar[set[str]] = {"info", "get", "post", "put", "delete"}
    list_columns = [
        "id",
        "teacher_id",
        "teacher.name",
        "teacher.teacher_no",
        "school_id",
        "from_status",
        "to_status",
        "effective_date",
        "state",
        "state_since",
        "opened_at",
        "version",
    ]
    search_columns = [
        "teacher_id", "school_id", "from_status", "to_status", "effective_date", "state",
    ]  # fmt: skip
    order_columns = ["state_since", "opened_at", "effective_date", "state", "to_status"]


class StatusChangeApi(ProcessApi):
    """Status changes: registered, edited and discarded by the school; their steps."""

    resource_name = RESOURCE
    class_permission_name = "StatusChange"
    openapi_spec_tag = RESOURCE
    flow = STATUS_CHANGE
    list_api = StatusChangeListApi
    keep_proof = staticmethod(changes.attach)

    def _more(self, pk: int) -> dict[str, Any]:
        session, actor, item = db.session(), current_actor(), self._item(pk)
        proofs = attachment.evidence(session, item) if attachment.may_read_evidence(actor) else []
        return {
            "teacher": item.teacher_id,
            "from_status": item.from_status,
            "to_status": item.to_status,
            "effective_date": item.effective_date.isoformat(),
            "reason": item.reason,
            "document_no": item.document_no,
            "opened": {"at": item.opened_at.isoformat(), "role": item.opened_role},
            "evidence": [proof(each) for each in proofs],
        }

    @expose("/", methods=["POST"])
    @protect()
    def post(self) -> Any:
        """Register a status change (5.1).
        ---
        post:
          requestBody:
            content:
              application/json:
                schema:
                  type: object
                  properties:
                    teacher: {type: integer}
                    to_status: {type: string}
                    effective_date: {type: string, format: date}
                    reason: {type: string, maxLength: 500}
                    document_no: {type: string, maxLength: 60}
                  required: [teacher, to_status, effective_date]
          responses:
            201: {description: It is registered}
            403: {description: Not yours to register}
            404: {description: Outside your scope}
            409: {description: The file is not effective}
            422: {description: Refused by a rule}
        """
        given = body(required=("teacher", "to_status", "effective_date"))
        key = whole(given["teacher"], "teacher")
        if key is None:
            raise Malformed(problems=[Problem("number", "teacher", field="teacher")])
        wanted, day = words_of(given, "to_status"), _day(given)
        item = changes.register(
            db.session(),
            current_actor(),
            scoped_get(db.session(), Teacher, key),
            to_status=wanted,
            effective_date=day,
            reason=words_of(given, "reason"),
            document_no=words_of(given, "document_no"),
            catalog=catalog(db.session()),
        )
        made = item.id
        db.session.commit()
        return self.response(201, **self._state(made), **self._more(made))

    @expose("/<int:pk>", methods=["PUT"])
    @protect()
    def put(self, pk: int) -> Any:
        """Alter a draft; what is left out stays.
        ---
        put:
          parameters: [{in: path, name: pk, required: true, schema: {type: integer}}]
          requestBody:
            content:
              application/json:
                schema:
                  type: object
                  properties:
                    version: {type: integer}
                    to_status: {type: string}
                    effective_date: {type: string, format: date}
                    reason: {type: string, maxLength: 500}
                    document_no: {type: string, maxLength: 60}
                  required: [version]
          responses:
            200: {description: The draft as it is now}
            403: {description: Not yours to change}
            404: {description: Outside your scope}
            409: {description: "Stale version, or no draft any more"}
            422: {description: Refused by a rule}
        """
        item, given = self._item(pk), body(required=("version",))
        texts = ("to_status", "reason", "document_no")
        changes.edit(
            db.session(),
            current_actor(),
            item,
            version=whole(given["version"], "version"),
            catalog=catalog(db.session()),
            effective_date=_day(given) if "effective_date" in given else None,
            **{name: words_of(given, name) for name in texts if name in given},
        )
        db.session.commit()
        return self.response(200, **self._state(pk), **self._more(pk))

    @expose("/<int:pk>", methods=["DELETE"])
    @protect()
    def delete(self, pk: int) -> Any:
        """Discard a draft; `version` guards against discarding what somebody has changed.
        ---
        delete:
          parameters:
            - {in: path, name: pk, required: true, schema: {type: integer}}
            - {in: query, name: version, schema: {type: integer}}
          responses:
            200: {description: It is gone}
            403: {description: Not yours to change}
            404: {description: Outside your scope}
            409: {description: "Stale version, or no draft any more"}
        """
        item, version = self._item(pk), None
        if "version" in request.args:
            version = whole(whole_number(request.args["version"]) or "", "version")
        changes.discard(db.session(), current_actor(), item, version=version)
        db.session.commit()
        return self.response(200, message="OK")


def _day(given: dict[str, Any]) -> date:
    """The day of the body, as YYYY-MM-DD. Raises Malformed naming the field."""
    try:
        return date.fromisoformat(words_of(given, "effective_date"))
    except ValueError:
        problem = Problem("date", "effective_date", field="effective_date")
        raise Malformed(problems=[problem]) from None


STATUS_CHANGE_APIS = (StatusChangeListApi, StatusChangeApi)
