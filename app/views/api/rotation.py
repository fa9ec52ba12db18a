"""`/api/v1/rotation/…`: rotations without change of personnel relation (6.1 to 6.7), and
`/api/v1/guest/…`: what a school reads of those who are on rotation there."""

from typing import Any, ClassVar

from flask_appbuilder.api import expose, protect

from app.access.actor import current_actor
from app.access.roles import GUEST_SETS
from app.core.errors import Malformed, Problem
from app.extensions import db
from app.indicators.catalog import catalog
from app.models.rotation import Rotation
from app.services import guest, reveal
from app.services import rotation as rotations
from app.services.register import names_of
from app.views.api.base import Api, row_body, whole
from app.views.api.draft import WORDS, ProvedApi, file_of, texts_of, words_of
from app.views.base import BaseModelApi
from app.views.datamodel import Datamodel
from app.views.on_record import on_record
from app.workflows.rotation import ROTATION

SAID = ("type", "direction", "full_time", "start", "planned_end", "to_text", "to_school")
TOLD = (
    "to_text", "type", "direction", "full_time", "start", "planned_end", "asked_end",
    "transfer_personnel",
)  # fmt: skip


class RotationListApi(BaseModelApi):
    """The rotations in scope, for the filter of a bulk act as well."""

    resource_name = "rotation"
    class_permission_name = "Rotation"
    openapi_spec_tag = "rotation"
    datamodel = Datamodel(Rotation)
    exclude_route_methods: ClassVar[set[str]] = {"info", "get", "post", "put", "delete"}
    list_columns = [
        "id", "teacher_id", "teacher.name", "teacher.teacher_no", "school_id", "to_school_id",
        "type", "start", "planned_end", "asked_end", "state", "state_since", "opened_at", "version",
    ]  # fmt: skip
    search_columns = ["teacher_id", "school_id", "to_school_id", "type", "direction", "state"]
    order_columns = ["state_since", "opened_at", "start", "planned_end", "state"]


class RotationApi(ProvedApi):
    """Rotations: drafted by the school that sends (6.1), confirmed by its authority."""

    resource_name = "rotation"
    class_permission_name = "Rotation"
    openapi_spec_tag = "rotation"
    flow = ROTATION
    list_api = RotationListApi
    keep_proof = staticmethod(rotations.attach)
    asked = ("teacher",)
    altered_by = {
        "to_school": {"type": "integer", "description": "A school of the register"},
        "to_text": {"type": "string", "maxLength": 100, "description": "A host outside it"},
        "type": {"type": "string"},
        "direction": {"type": "string"},
        "full_time": {"type": "boolean"},
        "start": {"type": "string", "description": "YYYY-MM"},
        "planned_end": {"type": "string", "description": "YYYY-MM"},
        **WORDS,
    }
    made_of = {"teacher": {"type": "integer"}, **altered_by}

    def _more(self, pk: int) -> dict[str, Any]:
        item = self._item(pk)
        names = names_of(db.session(), [item])
        return self._opened(item) | {
            "from_school": {"id": item.from_school_id, "name": names[item.from_school_id]},
            "to_school": item.to_school_id
            and {"id": item.to_school_id, "name": names[item.to_school_id]},
            **{name: getattr(item, name) for name in TOLD},
            "started_at": item.started_at and item.started_at.isoformat(),
            "ended_on": item.ended_on and item.ended_on.isoformat(),
        }

    def _make(self, given: dict[str, Any]) -> Rotation:
        return rotations.create(
            db.session(),
            current_actor(),
            file_of(given),
            _said(given, "teacher"),
            catalog=catalog(db.session()),
            reason=words_of(given, "reason"),
            document_no=words_of(given, "document_no"),
        )

    def _alter(self, item: Rotation, given: dict[str, Any], version: int | None) -> None:
        rotations.edit(
            db.session(),
            current_actor(),
            item,
            _said(given, "version"),
            version=version,
            catalog=catalog(db.session()),
            **texts_of(given, *WORDS),
        )

    def _discard(self, item: Rotation, version: int | None) -> None:
        rotations.discard(db.session(), current_actor(), item, version=version)


class GuestApi(Api):
    """Those who are on rotation at the own school: three sets, masked as usual, to read only."""

    resource_name = "guest"
    class_permission_name = "Guest"
    openapi_spec_tag = "guest"

    @expose("/", methods=["GET"])
    @protect()
    def get_list(self) -> Any:
        """Return the guests of the school at present.
        ---
        get:
          responses:
            200: {description: "Who is here, from where and until when"}
        """
        found = guest.guests(db.session())
        return self.response(200, count=len(found), result=[_guest(each) for each in found])

    @expose("/<int:pk>", methods=["GET"])
    @protect()
    def get(self, pk: int) -> Any:
        """Return a guest.
        ---
        get:
          parameters: [{in: path, name: pk, required: true, schema: {type: integer}}]
          responses:
            200: {description: "Who is here, from where and until when"}
            404: {description: "No guest of yours, not yet, or no more"}
        """
        return self.response(200, **_guest(guest.find(db.session(), pk)))

    @expose("/<int:pk>/<set_code>", methods=["GET"])
    @protect()
    def rows(self, pk: int, set_code: str) -> Any:
        """Return the present rows of the basic, teaching or contact set of a guest.
        ---
        get:
          parameters:
            - {in: path, name: pk, required: true, schema: {type: integer}}
            - {in: path, name: set_code, required: true, schema: {type: string}}
          responses:
            200: {description: The rows}
            404: {description: "No guest of yours, or another set"}
        """
        session, actor, known = db.session(), current_actor(), catalog(db.session())
        one = guest.find(session, pk)
        found = guest.rows(session, actor, one, set_code)
        result = [row_body(actor, row, one.category, known) for row in found]
        on_record(lambda own: reveal.note_opening(own, actor, pk))
        return self.response(200, result=result, count=len(result))


ROTATION_APIS = (RotationListApi, RotationApi, GuestApi)


def _said(given: dict[str, Any], *others: str) -> dict[str, Any]:
    """What the body says of the rotation. Raises Malformed for names that do not exist."""
    known = {*SAID, *others, "reason", "document_no"}
    unknown = sorted(given.keys() - known)
    if unknown:
        raise Malformed(problems=[Problem("field", unknown[0], field=unknown[0])])
    said = {name: given[name] for name in SAID if name in given}
    if "to_school" in said:
        said["to_school"] = whole(said["to_school"], "to_school")
    return said


def _guest(one: guest.Guest) -> dict[str, Any]:
    teacher, rotation = one.teacher, one.rotation
    return {
        "id": teacher.id,
        "name": teacher.name,
        "teacher_no": teacher.teacher_no,
        "from_school": {"id": teacher.school_id, "name": one.school},
        "type": rotation.type,
        "start": rotation.start,
        "planned_end": rotation.planned_end,
        "sets": list(GUEST_SETS),
    }
