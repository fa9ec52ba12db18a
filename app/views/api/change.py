"""`/api/v1/addition/…` and `/api/v1/change/…`: what is asked of effective files (2.1 to 3.6)."""

from typing import Any, ClassVar

from flask import request
from flask_appbuilder.api import expose, protect

from app.access.fields import may_view_set
from app.access.scope import current_actor, scoped_get
from app.core.errors import Malformed, NotFound, Problem
from app.core.whole import whole_number
from app.extensions import db
from app.indicators.catalog import catalog
from app.models.attachment import Attachment
from app.models.change import Addition, Change
from app.models.record import TEACHER_SETS
from app.models.teacher import Teacher
from app.services import attachment
from app.services import change as changes
from app.views.api.base import body, row_body, whole
from app.views.api.flow import FlowApi
from app.views.attachment import sent, storage
from app.views.base import BaseModelApi
from app.views.datamodel import Datamodel
from app.views.evidence import uploaded
from app.workflows.addition import ADDITION
from app.workflows.change import CHANGE

LISTED = [
    "id",
    "teacher_id",
    "teacher.name",
    "teacher.teacher_no",
    "school_id",
    "set",
    "kind",
    "state",
    "state_since",
    "opened_at",
    "version",
]
SEARCHED = ["teacher_id", "school_id", "set", "kind", "state"]
ORDERED = ["state_since", "opened_at", "state", "set"]


class AdditionListApi(BaseModelApi):
    """The additions in scope, for the filter of a bulk act as well."""

    resource_name = "addition"
    class_permission_name = "Addition"
    openapi_spec_tag = "addition"
    datamodel = Datamodel(Addition)
    exclude_route_methods: ClassVar[set[str]] = {"info", "get", "post", "put", "delete"}
    list_columns, search_columns, order_columns = LISTED, SEARCHED, ORDERED


class ChangeListApi(BaseModelApi):
    """The changes in scope, for the filter of a bulk act as well."""

    resource_name = "change"
    class_permission_name = "Change"
    openapi_spec_tag = "change"
    datamodel = Datamodel(Change)
    exclude_route_methods: ClassVar[set[str]] = {"info", "get", "post", "put", "delete"}
    list_columns, search_columns, order_columns = LISTED, SEARCHED, ORDERED


class ProcessApi(FlowApi, abstract=True):
    """What additions and changes share: old and new values, and their evidence."""

    keep_proof = staticmethod(changes.attach)

    def _item(self, pk: int) -> Any:
        return scoped_get(db.session(), self.flow.model, pk)

    def _more(self, pk: int) -> dict[str, Any]:
        session, actor, item = db.session(), current_actor(), self._item(pk)
        teacher, known = scoped_get(session, Teacher, item.teacher_id), catalog(session)

        def told(row: Any) -> dict[str, Any] | None:
            return row and row_body(actor, row, teacher.category, known)

        proofs = attachment.evidence(session, item) if attachment.may_read_evidence(actor) else []
        return {
            "teacher": item.teacher_id,
            "set": item.set,
            "record": item.record_uuid,
            "kind": item.kind,
            "fields": item.fields,
            "reason": item.reason,
            "document_no": item.document_no,
            "correction": item.correction_id,
            "opened": {"at": item.opened_at.isoformat(), "role": item.opened_role},
            "before": told(changes.before_row(session, item)),
            "values": told(changes.proposed_row(session, item)),
            "evidence": [proof(each) for each in proofs],
        }

    @expose("/<int:pk>/evidence", methods=["POST"])
    @protect()
    def add_evidence(self, pk: int) -> Any:
        """Attach a document that proves what is asked for.
        ---
        post:
          parameters: [{in: path, name: pk, required: true, schema: {type: integer}}]
          requestBody:
            content:
              multipart/form-data:
                schema:
                  type: object
                  properties: {file: {type: string, format: binary}}
                  required: [file]
          responses:
            201: {description: It is kept}
            403: {description: Not yours to do}
            404: {description: Outside your scope}
            409: {description: It is no longer prepared}
            422: {description: The file is not taken}
        """
        item = self._item(pk)
        kept = self.keep_proof(db.session(), current_actor(), item, uploaded(), storage=storage())
        answer = proof(kept)
        db.session.commit()
        return self.response(201, **answer)

    @expose("/<int:pk>/evidence/<uuid>", methods=["GET"])
    @protect()
    def get_evidence(self, pk: int, uuid: str) -> Any:
        """Send a document that proves what is asked for.
        ---
        get:
          parameters:
            - {in: path, name: pk, required: true, schema: {type: integer}}
            - {in: path, name: uuid, required: true, schema: {type: string}}
          responses:
            200: {description: The file}
            404: {description: Outside your scope}
        """
        session, item = db.session(), self._item(pk)
        kept = attachment.find(session, current_actor(), uuid, catalog=catalog(session))
        if kept.record_uuid != item.uuid:
            raise NotFound()
        return sent(kept)

    def _asked(self, *names: str) -> tuple[dict[str, Any], Teacher, str]:
        """The body of a request that opens a process, its file and its set, both in view."""
        given = body(required=("teacher", "set", *names))
        set_code = given["set"]
        if not isinstance(set_code, str):
            raise Malformed(problems=[Problem("text", "set", field="set")])
        values_of(given)
        if set_code not in TEACHER_SETS or not may_view_set(current_actor(), set_code):
            raise NotFound()
        key = whole(given["teacher"], "teacher")
        if key is None:
            raise Malformed(problems=[Problem("number", "teacher", field="teacher")])
        return given, scoped_get(db.session(), Teacher, key), set_code


class AdditionApi(ProcessApi):
    """Additions: a new record, or a value where there was none."""

    resource_name = "addition"
    class_permission_name = "Addition"
    openapi_spec_tag = "addition"
    flow = ADDITION
    list_api = AdditionListApi

    @expose("/", methods=["POST"])
    @protect()
    def post(self) -> Any:
        """Add to an effective file (2.1, 2.2).
        ---
        post:
          requestBody:
            content:
              application/json:
                schema:
                  type: object
                  properties:
                    teacher: {type: integer}
                    set: {type: string}
                    record: {type: string, description: "A record with blanks to be filled in"}
                    values: {$ref: "#/components/schemas/SetRow"}
                    reason: {type: string, maxLength: 500}
                    document_no: {type: string, maxLength: 60}
                  required: [teacher, set, values]
          responses:
            201: {description: It waits for the school}
            403: {description: Not yours to say}
            404: {description: Outside your scope}
            409: {description: The file is not effective}
            422: {description: Refused by a rule}
        """
        given, teacher, set_code = self._asked("values")
        item = changes.add(
            db.session(),
            current_actor(),
            teacher,
            set_code,
            values_of(given),
            catalog=catalog(db.session()),
            record_uuid=words_of(given, "record") or None,
            reason=words_of(given, "reason"),
            document_no=words_of(given, "document_no"),
        )
        key = item.id
        db.session.commit()
        return self.response(201, **self._state(key), **self._more(key))


class ChangeApi(ProcessApi):
    """Changes: a value in force altered, or a record removed."""

    resource_name = "change"
    class_permission_name = "Change"
    openapi_spec_tag = "change"
    flow = CHANGE
    list_api = ChangeListApi

    @expose("/", methods=["POST"])
    @protect()
    def post(self) -> Any:
        """Draft a change of an effective file (3.1).
        ---
        post:
          requestBody:
            content:
              application/json:
                schema:
                  type: object
                  properties:
                    teacher: {type: integer}
                    set: {type: string}
                    record: {type: string}
                    kind: {type: string, enum: [modify, delete]}
                    values: {$ref: "#/components/schemas/SetRow"}
                    reason: {type: string, maxLength: 500}
                    document_no: {type: string, maxLength: 60}
                    correction: {type: integer, description: "A correction task it answers"}
                  required: [teacher, set, record, kind]
          responses:
            201: {description: The draft}
            403: {description: Not yours to change}
            404: {description: Outside your scope}
            409: {description: The file is not effective}
            422: {description: Refused by a rule}
        """
        given, teacher, set_code = self._asked("record", "kind")
        item = changes.open_change(
            db.session(),
            current_actor(),
            teacher,
            set_code,
            words_of(given, "record"),
            kind=words_of(given, "kind"),
            raw=values_of(given),
            catalog=catalog(db.session()),
            reason=words_of(given, "reason"),
            document_no=words_of(given, "document_no"),
            correction_id=whole(given.get("correction"), "correction"),
        )
        key = item.id
        db.session.commit()
        return self.response(201, **self._state(key), **self._more(key))

    @expose("/<int:pk>", methods=["PUT"])
    @protect()
    def put(self, pk: int) -> Any:
        """Alter a draft; what is left out stays. `version` guards against a stale form.
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
                    values: {$ref: "#/components/schemas/SetRow"}
                    reason: {type: string, maxLength: 500}
                    document_no: {type: string, maxLength: 60}
                  required: [version]
          responses:
            200: {description: The draft}
            403: {description: Not yours to change}
            404: {description: Outside your scope}
            409: {description: "Stale version, or no draft any more"}
            422: {description: Refused by a rule}
        """
        item, given = self._item(pk), body(required=("version",))
        changes.edit_change(
            db.session(),
            current_actor(),
            item,
            values_of(given),
            version=whole(given["version"], "version"),
            catalog=catalog(db.session()),
            reason=words_of(given, "reason") if "reason" in given else None,
            document_no=words_of(given, "document_no") if "document_no" in given else None,
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
        changes.discard(
            db.session(), current_actor(), item, version=version, catalog=catalog(db.session())
        )
        db.session.commit()
        return self.response(200, message="OK")


CHANGE_APIS = (AdditionListApi, AdditionApi, ChangeListApi, ChangeApi)


def words_of(given: dict[str, Any], name: str) -> str:
    """A text of the body, empty when it is not there. Raises Malformed naming the field."""
    value = given.get(name) or ""
    if not isinstance(value, str):
        raise Malformed(problems=[Problem("text", name, field=name)])
    return value


def values_of(given: dict[str, Any]) -> dict[str, Any]:
    """The values of the body by indicator code. Raises Malformed when they are none."""
    values = given.get("values", {})
    if not isinstance(values, dict):
        raise Malformed(problems=[Problem("values", "values", field="values")])
    return values


def proof(kept: Attachment) -> dict[str, Any]:
    """A document as the API tells of it."""
    return {"id": kept.uuid, "name": kept.name, "mime": kept.mime, "size": kept.size}
