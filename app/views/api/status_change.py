"""`/api/v1/status_change/…`: changes of the staff status of effective files (5.1 to 5.3)."""

from datetime import date
from typing import Any, ClassVar

from app.access.actor import current_actor
from app.core.errors import Malformed, Problem
from app.extensions import db
from app.indicators.catalog import catalog
from app.models.status_change import StatusChange
from app.services import status_change as changes
from app.views.api.draft import WORDS, ProvedApi, file_of, texts_of, words_of
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


class StatusChangeApi(ProvedApi):
    """Status changes: registered (5.1), edited and discarded by the school; their steps."""

    resource_name = RESOURCE
    class_permission_name = "StatusChange"
    openapi_spec_tag = RESOURCE
    flow = STATUS_CHANGE
    list_api = StatusChangeListApi
    keep_proof = staticmethod(changes.attach)
    asked = ("teacher", "to_status", "effective_date")
    altered_by = {
        "to_status": {"type": "string"},
        "effective_date": {"type": "string", "format": "date"},
        **WORDS,
    }
    made_of = {"teacher": {"type": "integer"}, **altered_by}

    def _more(self, pk: int) -> dict[str, Any]:
        item = self._item(pk)
        return self._opened(item) | {
            "from_status": item.from_status,
            "to_status": item.to_status,
            "effective_date": item.effective_date.isoformat(),
        }

    def _make(self, given: dict[str, Any]) -> StatusChange:
        wanted, day = words_of(given, "to_status"), _day(given)
        return changes.register(
            db.session(),
            current_actor(),
            file_of(given),
            to_status=wanted,
            effective_date=day,
            reason=words_of(given, "reason"),
            document_no=words_of(given, "document_no"),
            catalog=catalog(db.session()),
        )

    def _alter(self, item: StatusChange, given: dict[str, Any], version: int | None) -> None:
        changes.edit(
            db.session(),
            current_actor(),
            item,
            version=version,
            catalog=catalog(db.session()),
            effective_date=_day(given) if "effective_date" in given else None,
            **texts_of(given, "to_status", *WORDS),
        )

    def _discard(self, item: StatusChange, version: int | None) -> None:
        changes.discard(db.session(), current_actor(), item, version=version)


def _day(given: dict[str, Any]) -> date:
    """The day of the body, as YYYY-MM-DD. Raises Malformed naming the field."""
    try:
        return date.fromisoformat(words_of(given, "effective_date"))
    except ValueError:
        problem = Problem("date", "effective_date", field="effective_date")
        raise Malformed(problems=[problem]) from None


STATUS_CHANGE_APIS = (StatusChangeListApi, StatusChangeApi)
