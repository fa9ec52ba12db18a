"""`/api/v1/{flow}/…`: the steps of every flow, single and in bulk, from the flows' own tables."""

from collections.abc import Mapping
from typing import Any

import prison
from flask_appbuilder.api import expose, protect
from sqlalchemy import select

from app.access.actor import current_actor
from app.access.scope import scoped_get
from app.core.errors import AppError, Malformed, Stale
from app.core.whole import is_whole
from app.extensions import db
from app.indicators.catalog import catalog, language
from app.jobs import review as bulk
from app.models.history import Transition
from app.views.api.base import Api, body, whole
from app.views.api.me import job_body
from app.views.api.teacher import TeacherApi
from app.views.base import read_rison
from app.workflows.engine import LIMIT, Outcome, Workflow
from app.workflows.review import REVIEW

NOT_INPUTS = frozenset({"version", "versions", "reason", "ids", "filter", "count"})
MAX_IDS = 10_000  # Posted one by one; a filter may match any number.
SHOWN_STEPS = 100
BY_JOB = frozenset({"report"})  # What a worker finishes, however few files it is about.


class FlowApi(Api, abstract=True):
    """The steps of one flow; a subclass names the flow and the list its bulk filter speaks."""

    flow: Workflow
    list_api: type

    @expose("/<int:pk>", methods=["GET"])
    @protect()
    def get(self, pk: int) -> Any:
        """Return state, version, the steps that are mine to take, and those taken so far.
        ---
        get:
          parameters: [{in: path, name: pk, required: true, schema: {type: integer}}]
          responses:
            200: {description: "State, version, available steps and history"}
            404: {description: Outside your scope}
        """
        return self.response(200, **self._state(pk), **self._more(pk), history=self._history(pk))

    def _more(self, pk: int) -> dict[str, Any]:
        """What a flow tells of its object beside the state."""
        return {}

    def _history(self, pk: int) -> list[dict[str, Any]]:
        rows = db.session.scalars(
            select(Transition)
            .where(Transition.flow == self.flow.name, Transition.object_id == pk)
            .order_by(Transition.id.desc())
            .limit(SHOWN_STEPS)
        )
        return [_taken(row) for row in rows]

    def _state(self, pk: int) -> dict[str, Any]:
        item = scoped_get(db.session(), self.flow.model, pk)
        steps = self.flow.available(db.session(), item, current_actor())
        return {
            "id": item.id,
            "state": item.state,
            "version": item.version,
            "available": [
                {
                    "step": step.name,
                    "label": str(step.label),
                    "needs_reason": step.needs_reason,
                    "inputs": [each.name for each in step.inputs],
                }
                for step in steps
            ],
        }

    @expose("/<int:pk>/<step>", methods=["POST"])
    @protect()
    def act(self, pk: int, step: str) -> Any:
        """Take a step.
        ---
        post:
          parameters:
            - {in: path, name: pk, required: true, schema: {type: integer}}
            - {in: path, name: step, required: true, schema: {type: string}}
          requestBody:
            content:
              application/json:
                schema:
                  type: object
                  properties:
                    version: {type: integer}
                    reason: {type: string}
                    fields: {type: object}
                  required: [version]
          responses:
            200: {description: Done}
            403: {description: Not yours to do}
            404: {description: Outside your scope}
            409: {description: Stale version or wrong state}
            422: {description: Refused by a rule}
        """
        given = body(required=("version",))
        version = whole(given["version"], "version")
        scoped_get(db.session(), self.flow.model, pk)
        self.flow.perform(
            db.session(),
            pk,
            step,
            current_actor(),
            version=version,
            reason=_reason(given),
            catalog=catalog(db.session()),
            **_inputs(given),
        )
        db.session.commit()
        return self.response(200, **self._state(pk))

    @expose("/bulk/<step>", methods=["POST"])
    @protect()
    def bulk(self, step: str) -> Any:
        """Take a step of many objects, by ids or by a list filter; each is decided by itself.
        ---
        post:
          parameters: [{in: path, name: step, required: true, schema: {type: string}}]
          requestBody:
            content:
              application/json:
                schema:
                  type: object
                  properties:
                    ids: {type: array, items: {type: integer}}
                    versions: {type: object, additionalProperties: {type: integer}}
                    filter: {type: string}
                    count: {type: integer}
                    reason: {type: string}
          responses:
            200: {description: A result per object}
            202: {description: Goes on as a job}
            409: {description: The filter matches another number of objects}
        """
        given = body()
        keys = self._selected(given)
        actor, kept = current_actor(), catalog(db.session())
        seen = _versions(given, keys)
        if len(keys) > LIMIT or step in BY_JOB:
            return self._as_job(step, seen, given)
        outcome = self.flow.perform_many(
            db.session(),
            seen,
            step,
            actor,
            reason=_reason(given),
            catalog=kept,
            **_inputs(given),
        )
        db.session.commit()
        return self.response(200, results=[_result(key, outcome) for key in keys])

    def _as_job(self, step: str, keys: Mapping[int, int | None], given: dict[str, Any]) -> Any:
        """Let a worker decide what is too much for one request; the job tells the result."""
        made = bulk.start(
            db.session(),
            current_actor(),
            step,
            keys,
            reason=_reason(given),
            data=_inputs(given),
            lang=language(),
            at_once=False,
            subject=bulk.subject_of(self.flow),
        )
        db.session.commit()
        return self.response(202, **job_body(made))

    def _selected(self, given: dict[str, Any]) -> list[int]:
        """The ids meant by the request: given ones, or those that match a filter re-counted."""
        if "ids" in given:
            ids = given["ids"]
            if not isinstance(ids, list) or not all(map(is_whole, ids)):
                raise Malformed()
            if len(ids) > MAX_IDS:
                raise Malformed()
            return list(dict.fromkeys(ids))
        if "filter" not in given or whole(given.get("count"), "count") is None:
            raise Malformed()
        keys = self._matching(given["filter"])
        if len(keys) != given["count"]:
            raise Stale()
        return keys

    def _matching(self, text: Any) -> list[int]:
        try:
            arguments = read_rison(text) if isinstance(text, str) else {}
        except prison.decoder.ParserException:
            raise Malformed() from None
        if not isinstance(arguments, dict):
            raise Malformed()
        api = next(v for v in self.appbuilder.baseviews if isinstance(v, self.list_api))
        filters = api._handle_filters_args(arguments)  # noqa: SLF001
        key = self.flow.model.id
        query = api.datamodel.rows(filters).with_entities(key).order_by(key)
        return [row[0] for row in query]


def _taken(row: Transition) -> dict[str, Any]:
    return {
        "step": row.step,
        "from": row.from_state,
        "to": row.to_state,
        "at": row.at.isoformat(),
        "role": row.role,
        "unit_id": row.unit_id,
        "reason": row.reason,
        "fields": row.field_reasons,
    }


def _reason(given: dict[str, Any]) -> str:
    reason = given.get("reason") or ""
    if not isinstance(reason, str):
        raise Malformed()
    return reason


def _versions(given: dict[str, Any], keys: list[int]) -> dict[int, int | None]:
    """The versions that the caller has seen, by id: what moved since is refused as stale."""
    sent = given.get("versions") or {}
    if not isinstance(sent, dict) or not all(map(is_whole, sent.values())):
        raise Malformed()
    return {key: sent.get(str(key)) for key in keys}


def _inputs(given: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in given.items() if name not in NOT_INPUTS}


def _result(key: int, outcome: Outcome) -> dict[str, Any]:
    if key not in outcome.failed:
        return {"id": key, "status": 200}
    error: AppError = outcome.failed[key]
    problems = [
        {k: v for k, v in p.as_dict().items() if k in ("code", "set", "field", "message") and v}
        for p in error.problems
    ]
    return {"id": key, "status": error.status, "message": str(error), "errors": problems}


class ReviewApi(FlowApi):
    """The steps of the file review; its objects are the files."""

    resource_name = "review"
    class_permission_name = "Review"
    openapi_spec_tag = "review"
    flow = REVIEW
    list_api = TeacherApi
