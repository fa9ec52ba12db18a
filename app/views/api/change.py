"""`/api/v1/addition/…` and `/api/v1/change/…`: what is asked of effective files (2.1 to 3.6)."""

from typing import Any, ClassVar

from app.access.actor import current_actor
from app.access.fields import may_view_set
from app.access.scope import scoped_get
from app.core.errors import Malformed, NotFound, Problem
from app.extensions import db
from app.indicators.catalog import catalog
from app.models.change import Addition, Change
from app.models.record import TEACHER_SETS
from app.models.teacher import Teacher
from app.services import change as changes
from app.views.api.base import row_body, whole
from app.views.api.draft import WORDS, ProvedApi, Schema, file_of, texts_of, words_of
from app.views.base import BaseModelApi
from app.views.datamodel import Datamodel
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


VALUES: Schema = {"values": {"$ref": "#/components/schemas/SetRow"}}
PLACE: Schema = {"teacher": {"type": "integer"}, "set": {"type": "string"}}


class ProcessApi(ProvedApi, abstract=True):
    """What additions and changes share: old and new values of a record."""

    keep_proof = staticmethod(changes.attach)

    def _more(self, pk: int) -> dict[str, Any]:
        session, actor, item = db.session(), current_actor(), self._item(pk)
        teacher, known = scoped_get(session, Teacher, item.teacher_id), catalog(session)

        def told(row: Any) -> dict[str, Any] | None:
            return row and row_body(actor, row, teacher.category, known)

        return self._opened(item) | {
            "set": item.set,
            "record": item.record_uuid,
            "kind": item.kind,
            "fields": item.fields,
            "correction": item.correction_id,
            "before": told(changes.before_row(session, item)),
            "values": told(changes.proposed_row(session, item)),
        }


class AdditionApi(ProcessApi):
    """Additions: a new record, or a value where there was none (2.1, 2.2)."""

    resource_name = "addition"
    class_permission_name = "Addition"
    openapi_spec_tag = "addition"
    flow = ADDITION
    list_api = AdditionListApi
    exclude_route_methods: ClassVar[set[str]] = {"put", "delete"}  # It is handed in as it is made.
    asked = ("teacher", "set", "values")
    made_of = {
        **PLACE,
        "record": {"type": "string", "description": "A record with blanks to be filled in"},
        **VALUES,
        **WORDS,
    }

    def _make(self, given: dict[str, Any]) -> Addition:
        set_code, values = _set_of(given), values_of(given)
        return changes.add(
            db.session(),
            current_actor(),
            file_of(given),
            set_code,
            values,
            catalog=catalog(db.session()),
            record_uuid=words_of(given, "record") or None,
            reason=words_of(given, "reason"),
            document_no=words_of(given, "document_no"),
        )


class ChangeApi(ProcessApi):
    """Changes: a value in force altered, or a record removed (3.1)."""

    resource_name = "change"
    class_permission_name = "Change"
    openapi_spec_tag = "change"
    flow = CHANGE
    list_api = ChangeListApi
    asked = ("teacher", "set", "record", "kind")
    made_of = {
        **PLACE,
        "record": {"type": "string"},
        "kind": {"type": "string", "enum": ["modify", "delete"]},
        **VALUES,
        **WORDS,
        "correction": {"type": "integer", "description": "A correction task it answers"},
    }
    altered_by = {**VALUES, **WORDS}

    def _make(self, given: dict[str, Any]) -> Change:
        set_code, values = _set_of(given), values_of(given)
        return changes.open_change(
            db.session(),
            current_actor(),
            file_of(given),
            set_code,
            words_of(given, "record"),
            kind=words_of(given, "kind"),
            raw=values,
            catalog=catalog(db.session()),
            reason=words_of(given, "reason"),
            document_no=words_of(given, "document_no"),
            correction_id=whole(given.get("correction"), "correction"),
        )

    def _alter(self, item: Change, given: dict[str, Any], version: int | None) -> None:
        changes.edit_change(
            db.session(),
            current_actor(),
            item,
            values_of(given),
            version=version,
            catalog=catalog(db.session()),
            **texts_of(given, *WORDS),
        )

    def _discard(self, item: Change, version: int | None) -> None:
        known = catalog(db.session())
        changes.discard(db.session(), current_actor(), item, version=version, catalog=known)


CHANGE_APIS = (AdditionListApi, AdditionApi, ChangeListApi, ChangeApi)


def values_of(given: dict[str, Any]) -> dict[str, Any]:
    """The values of the body by indicator code. Raises Malformed when they are none."""
    values = given.get("values", {})
    if not isinstance(values, dict):
        raise Malformed(problems=[Problem("values", "values", field="values")])
    return values


def _set_of(given: dict[str, Any]) -> str:
    """The set of the body, when it is in view. Raises Malformed, or NotFound."""
    set_code = given["set"]
    if not isinstance(set_code, str):
        raise Malformed(problems=[Problem("text", "set", field="set")])
    if set_code not in TEACHER_SETS or not may_view_set(current_actor(), set_code):
        raise NotFound()
    return set_code
