"""`/api/v1/transfer/…`: applications for teachers of other schools (4.1 to 4.10), and
`/api/v1/snapshot/…`: what a school keeps of those who left."""

from datetime import date
from typing import Any, ClassVar

from flask_appbuilder.api import expose, protect

from app.access.actor import current_actor
from app.access.fields import may_view_set
from app.access.scope import scoped_get
from app.core.errors import NotFound
from app.extensions import db
from app.indicators.catalog import catalog
from app.models.transfer import FileGrant, Transfer
from app.services import grant, reveal, transfer_proof
from app.services import transfer as transfers
from app.services.register import names_of
from app.views.api.base import Api, body, row_body
from app.views.api.draft import WORDS, ProvedApi, proofs_of, words_of
from app.views.base import BaseModelApi
from app.views.datamodel import Datamodel
from app.views.transfer.look_up import looked_up
from app.workflows.transfer import TRANSFER

NOT_FIELDS = frozenset({"id_no", "name", "version"})


class TransferListApi(BaseModelApi):
    """The transfers in scope, for the filter of a bulk act as well."""

    resource_name = "transfer"
    class_permission_name = "Transfer"
    openapi_spec_tag = "transfer"
    datamodel = Datamodel(Transfer)
    exclude_route_methods: ClassVar[set[str]] = {"info", "get", "post", "put", "delete"}
    list_columns = [
        "id",
        "name",
        "school_id",
        "from_school_id",
        "state",
        "state_since",
        "planned_on",
        "opened_at",
        "version",
    ]
    search_columns = ["school_id", "from_school_id", "state", "planned_on"]
    order_columns = ["state_since", "opened_at", "planned_on", "state"]


class TransferApi(ProvedApi):
    """Transfers: found by exact number and name, opened, moved."""

    resource_name = "transfer"
    class_permission_name = "Transfer"
    openapi_spec_tag = "transfer"
    flow = TRANSFER
    list_api = TransferListApi
    exclude_route_methods: ClassVar[set[str]] = {"delete"}  # Drafts are withdrawn.
    keep_proof = staticmethod(transfer_proof.attach)
    asked = ("id_no", "name")
    altered_by = {
        "planned_on": {"type": "string", "format": "date"},
        "position": {"type": "string", "maxLength": 50},
        **WORDS,
        "document_on": {"type": "string", "format": "date"},
        "rotation_type": {"type": "string", "description": "Of a rotation"},
        "planned_end": {"type": "string", "description": "YYYY-MM"},
        "join_month": {"type": "string"},
        "staff_category": {"type": "string"},
        "post_category": {"type": "string"},
        "post_grade": {"type": "string"},
    }
    made_of = {"id_no": {"type": "string"}, "name": {"type": "string"}, **altered_by}

    def _make(self, given: dict[str, Any]) -> Transfer:
        key = looked_up(words_of(given, "id_no"), words_of(given, "name"))
        session, actor, known = db.session(), current_actor(), catalog(db.session())
        file = transfers.require_open(session, actor, key, catalog=known)
        return transfers.open_transfer(session, actor, file, _fields(given), catalog=known)

    def _alter(self, item: Transfer, given: dict[str, Any], version: int | None) -> None:
        session, known = db.session(), catalog(db.session())
        transfers.edit(
            session, current_actor(), item, _fields(given), version=version, catalog=known
        )

    def _more(self, pk: int) -> dict[str, Any]:
        session, item = db.session(), self._item(pk)
        ids = (item.school_id, item.authority_id, item.from_school_id, item.from_authority_id)
        names = names_of(session, [item])
        to, to_authority, start, start_authority = ({"id": key, "name": names[key]} for key in ids)
        return {
            "name": item.name,
            "id_no": transfers.masked_number(session, item.teacher_id, catalog(session)),
            "to": {"school": to, "authority": to_authority},
            "from": {"school": start, "authority": start_authority},
            **{name: _plain(getattr(item, name)) for name in transfers.FIELDS},
            "evidence": proofs_of(session, current_actor(), item),
            "previous": item.previous_id,
            "state_since": item.state_since.isoformat(),
            "opened_at": item.opened_at.isoformat(),
            "issued_at": item.issued_at.isoformat() if item.issued_at else None,
        }

    @expose("/lookup", methods=["POST"])
    @protect()
    def lookup(self) -> Any:
        """Find a teacher of another school by exact ID number and name (4.1).
        ---
        post:
          requestBody:
            content:
              application/json:
                schema:
                  type: object
                  properties: {id_no: {type: string}, name: {type: string}}
                  required: [id_no, name]
          responses:
            200: {description: "Name, present school and masked ID number"}
            403: {description: Not yours to ask}
            422: {description: "No such person, or no transfer may be opened; then why"}
            429: {description: No look-up left today}
        """
        given = body(required=("id_no", "name"))
        key = looked_up(words_of(given, "id_no"), words_of(given, "name"))
        session, known = db.session(), catalog(db.session())
        transfers.require_open(session, current_actor(), key, catalog=known)
        found = transfers.person(session, key, known)
        session.rollback()
        return self.response(200, name=found.name, school=found.school, id_no=found.masked)


class SnapshotListApi(BaseModelApi):
    """Those who left the school, each with the moment of leaving."""

    resource_name = "snapshot"
    class_permission_name = "Snapshot"
    openapi_spec_tag = "snapshot"
    datamodel = Datamodel(FileGrant)
    exclude_route_methods: ClassVar[set[str]] = {"info", "get", "post", "put", "delete"}
    list_columns = ["id", "name", "teacher_no", "at"]
    search_columns = ["name", "teacher_no", "at"]
    order_columns = ["at", "name"]


class SnapshotApi(Api):
    """The file of somebody who left, as it was then; read only."""

    resource_name = "snapshot"
    class_permission_name = "Snapshot"
    openapi_spec_tag = "snapshot"

    @expose("/<int:pk>/<set_code>", methods=["GET"])
    @protect()
    def rows(self, pk: int, set_code: str) -> Any:
        """Return the rows of one set as they were on leaving.
        ---
        get:
          parameters:
            - {in: path, name: pk, required: true, schema: {type: integer}}
            - {in: path, name: set_code, required: true, schema: {type: string}}
          responses:
            200: {description: The rows}
            404: {description: Outside your scope}
        """
        session, actor = db.session(), current_actor()
        known = catalog(session)
        item = scoped_get(session, FileGrant, pk)
        codes = {entry.code for entry in known.teacher_sets}
        if set_code not in codes or not may_view_set(actor, set_code):
            raise NotFound()
        found = [
            row_body(actor, row, actor.category or "", known)
            for row in grant.records(session, item, set_code)
        ]
        reveal.note_opening(session, actor, item.teacher_id, visiting=True)
        session.commit()
        return self.response(200, result=found, count=len(found))


TRANSFER_APIS = (TransferListApi, TransferApi, SnapshotListApi, SnapshotApi)


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value


def _fields(given: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in given.items() if name not in NOT_FIELDS}
