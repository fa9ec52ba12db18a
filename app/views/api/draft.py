"""What the REST modules of flows share that begin with a draft: it is made, altered, discarded and
proved; a class says what a draft holds and which service acts do it."""

from collections.abc import Callable
from typing import Any, ClassVar

from flask import request
from flask_appbuilder.api import expose, protect
from sqlalchemy.orm import Session

from app.access.actor import Actor, current_actor
from app.access.scope import scoped_get
from app.core.errors import Malformed, NotFound, Problem
from app.core.whole import whole_number
from app.extensions import db
from app.indicators.catalog import catalog
from app.models.attachment import Attachment
from app.models.teacher import Teacher
from app.services import attachment
from app.views.api.base import body, whole
from app.views.api.flow import FlowApi
from app.views.attachment import sent, storage
from app.views.evidence import uploaded

Schema = dict[str, Any]

# What every draft may say, as OpenAPI describes it.
WORDS: Schema = {
    "reason": {"type": "string", "maxLength": 500},
    "document_no": {"type": "string", "maxLength": 60},
}
VERSION: Schema = {"version": {"type": "integer"}}


class DraftApi(FlowApi, abstract=True):
    """A flow whose objects are made as drafts over REST."""

    # What a draft may say when it is made and when it is altered, and what must be said of it.
    made_of: ClassVar[Schema]
    altered_by: ClassVar[Schema] = {}
    asked: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(cls, **options: Any) -> None:
        """Describe the bodies of the requests for OpenAPI. Beside FAB's own hook."""
        super().__init_subclass__(**options)
        if "made_of" in vars(cls):
            altered = VERSION | cls.altered_by
            cls.openapi_spec_methods = {
                "post": {"post": {"requestBody": _json(cls.made_of, cls.asked)}},
                "put": {"put": {"requestBody": _json(altered, tuple(VERSION))}},
            }

    def _make(self, given: dict[str, Any]) -> Any:
        """Make a draft of what the body says."""
        raise NotImplementedError

    def _alter(self, item: Any, given: dict[str, Any], version: int | None) -> None:
        """Alter a draft; what the body leaves out stays."""
        raise NotImplementedError

    def _discard(self, item: Any, version: int | None) -> None:
        """Discard a draft."""
        raise NotImplementedError

    def _item(self, pk: int) -> Any:
        return scoped_get(db.session(), self.flow.model, pk)

    @expose("/", methods=["POST"])
    @protect()
    def post(self) -> Any:
        """Make a draft.
        ---
        post:
          responses:
            201: {description: The draft}
            403: {description: Not yours to make}
            404: {description: Outside your scope}
            409: {description: The file is not effective}
            422: {description: Refused by a rule}
            429: {description: No look-up left today}
        """
        made = self._make(body(required=self.asked)).id
        db.session.commit()
        return self.response(201, **self._state(made), **self._more(made))

    @expose("/<int:pk>", methods=["PUT"])
    @protect()
    def put(self, pk: int) -> Any:
        """Alter a draft; what is left out stays. `version` guards against a stale form.
        ---
        put:
          parameters: [{in: path, name: pk, required: true, schema: {type: integer}}]
          responses:
            200: {description: The draft as it is now}
            403: {description: Not yours to change}
            404: {description: Outside your scope}
            409: {description: "Stale version, or no draft any more"}
            422: {description: Refused by a rule}
        """
        item, given = self._item(pk), body(required=("version",))
        self._alter(item, given, whole(given["version"], "version"))
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
        self._discard(item, version)
        db.session.commit()
        return self.response(200, message="OK")


class ProvedApi(DraftApi, abstract=True):
    """A flow whose drafts carry documents that prove what is asked for."""

    # Keeps a document: the service function of the flow.
    keep_proof: ClassVar[Callable[..., Attachment]]

    def _opened(self, item: Any) -> dict[str, Any]:
        """What every such draft tells: its words, who opened it, its documents."""
        session, actor = db.session(), current_actor()
        return {
            "teacher": item.teacher_id,
            "reason": item.reason,
            "document_no": item.document_no,
            "opened": {"at": item.opened_at.isoformat(), "role": item.opened_role},
            "evidence": proofs_of(session, actor, item),
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
        answer = _proof(kept)
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


def file_of(given: dict[str, Any]) -> Teacher:
    """The file that the body names. Raises Malformed for what is no number, NotFound for a file
    outside the scope."""
    key = whole(given["teacher"], "teacher")
    if key is None:
        raise Malformed(problems=[Problem("number", "teacher", field="teacher")])
    found: Teacher = scoped_get(db.session(), Teacher, key)
    return found


def words_of(given: dict[str, Any], name: str) -> str:
    """A text of the body, empty when it is not there. Raises Malformed naming the field."""
    value = given.get(name) or ""
    if not isinstance(value, str):
        raise Malformed(problems=[Problem("text", name, field=name)])
    return value


def texts_of(given: dict[str, Any], *names: str) -> dict[str, str | None]:
    """The texts of a body that alters a draft; None for what it leaves out. Raises Malformed."""
    return {name: words_of(given, name) if name in given else None for name in names}


def _json(properties: Schema, required: tuple[str, ...]) -> dict[str, Any]:
    schema = {"type": "object", "properties": dict(properties), "required": list(required)}
    return {"content": {"application/json": {"schema": schema}}}


def proofs_of(session: Session, actor: Actor, item: Any) -> list[dict[str, Any]]:
    """The documents of a draft, for those who may read evidence."""
    if not attachment.may_read_evidence(actor):
        return []
    return [_proof(each) for each in attachment.evidence(session, item)]


def _proof(kept: Attachment) -> dict[str, Any]:
    return {"id": kept.uuid, "name": kept.name, "mime": kept.mime, "size": kept.size}
