"""`/api/v1/teacher/`: the list, one file, and the rows of its indicator sets."""

from typing import Any, ClassVar

from flask import request
from flask_appbuilder.api import expose, protect
from sqlalchemy import select

from app.access.actor import current_actor
from app.access.fields import may_view_set
from app.access.scope import scoped_get
from app.core.errors import Malformed, NotFound
from app.core.whole import is_whole, whole_number
from app.extensions import db
from app.indicators.catalog import catalog
from app.models.teacher import FileProblem, NoneAnswer, Teacher
from app.services import check, contents
from app.services import file as files
from app.views.api.base import body, row_body, whole
from app.views.base import BaseModelApi
from app.views.datamodel import Datamodel


class TeacherApi(BaseModelApi):
    """Teachers' files. Lists are masked; rows of sets follow the field rights."""

    resource_name = "teacher"
    class_permission_name = "File"
    openapi_spec_tag = "Teacher"
    datamodel = Datamodel(Teacher)
    # A file is changed through its sets, never as one row.
    exclude_route_methods: ClassVar[set[str]] = {"info", "put", "delete"}
    list_columns = [
        "id",
        "teacher_no",
        "name",
        "sex",
        "school_id",
        "school.name",
        "state",
        "staff_status",
        "education",
        "title",
        "subject",
        "post_category",
        "complete_percent",
        "error_count",
        "warning_count",
        "version",
        "file_version",
    ]
    show_columns = list_columns
    search_columns = [
        "teacher_no",
        "name",
        "sex",
        "school_id",
        "state",
        "staff_status",
        "education",
        "title",
        "subject",
        "post_category",
    ]
    order_columns = ["name", "teacher_no", "state", "submitted_at", "complete_percent"]

    def _file(self, pk: int, set_code: str | None = None) -> Teacher:
        """A file in scope; a set that is unknown or not the actor's to see does not exist."""
        if set_code is not None:
            known = {entry.code for entry in catalog(db.session()).teacher_sets}
            if set_code not in known or not may_view_set(current_actor(), set_code):
                raise NotFound()
        return scoped_get(db.session(), Teacher, pk)

    def _rows(self, teacher: Teacher, set_code: str) -> list[dict[str, Any]]:
        actor, kept = current_actor(), catalog(db.session())
        return [
            row_body(actor, record, teacher.category, kept)
            for record in contents.records(db.session(), teacher, set_code)
        ]

    @expose("/", methods=["POST"])
    @protect()
    def post(self) -> Any:
        """Open a file (1.1).
        ---
        post:
          requestBody:
            content:
              application/json:
                schema:
                  type: object
                  properties: {basic: {$ref: "#/components/schemas/BasicRow"}}
                  required: [basic]
          responses:
            201: {description: The file is open}
            403: {description: Not yours to do}
            422: {description: Refused by a rule}
        """
        given = body(required=("basic",))
        if not isinstance(given["basic"], dict):
            body(required=("basic.name",))
        teacher = files.create_file(
            db.session(), current_actor(), given["basic"], catalog=catalog(db.session())
        )
        db.session.commit()
        return self.response(201, id=teacher.id, version=teacher.version, state=teacher.state)

    @expose("/<int:pk>/<set_code>", methods=["GET"])
    @protect()
    def rows(self, pk: int, set_code: str) -> Any:
        """Return the present rows of one set of a file.
        ---
        get:
          parameters:
            - {in: path, name: pk, required: true, schema: {type: integer}}
            - {in: path, name: set_code, required: true, schema: {type: string}}
          responses:
            200:
              description: The rows
              content:
                application/json:
                  schema:
                    type: object
                    properties:
                      result: {type: array, items: {$ref: "#/components/schemas/SetRow"}}
                      count: {type: integer}
                      none: {type: boolean}
            404: {description: Outside your scope}
        """
        teacher = self._file(pk, set_code)
        rows = self._rows(teacher, set_code)
        none = db.session.get(NoneAnswer, (teacher.id, set_code)) is not None
        return self.response(200, result=rows, count=len(rows), none=none)

    @expose("/<int:pk>/<set_code>", methods=["POST"])
    @protect()
    def add_row(self, pk: int, set_code: str) -> Any:
        """Add a row, or answer `{"none": true}` where there is nothing to report (1.2).
        ---
        post:
          parameters:
            - {in: path, name: pk, required: true, schema: {type: integer}}
            - {in: path, name: set_code, required: true, schema: {type: string}}
          requestBody:
            content:
              application/json:
                schema: {$ref: "#/components/schemas/SetRow"}
          responses:
            201:
              description: The row
              content: {application/json: {schema: {$ref: "#/components/schemas/SetRow"}}}
            403: {description: Not yours to fill in}
            404: {description: Outside your scope}
            409: {description: The file is not open}
            422: {description: Refused by a rule}
        """
        teacher, given = self._file(pk, set_code), body()
        actor, kept = current_actor(), catalog(db.session())
        if set(given) == {"none"}:
            files.answer_none(
                db.session(), actor, teacher, set_code, given["none"] is True, catalog=kept
            )
            db.session.commit()
            return self.response(200, none=given["none"] is True)
        record = files.save_record(db.session(), actor, teacher, set_code, given, catalog=kept)
        answer = row_body(actor, record, teacher.category, kept)
        db.session.commit()
        return self.response(201, **answer)

    @expose("/<int:pk>/<set_code>/<record_id>", methods=["PUT"])
    @protect()
    def change_row(self, pk: int, set_code: str, record_id: str) -> Any:
        """Change a row; fields left out keep their value. `version` guards against a stale form.
        ---
        put:
          parameters:
            - {in: path, name: pk, required: true, schema: {type: integer}}
            - {in: path, name: set_code, required: true, schema: {type: string}}
            - {in: path, name: record_id, required: true, schema: {type: string}}
          requestBody:
            content:
              application/json:
                schema: {$ref: "#/components/schemas/SetRow"}
          responses:
            200:
              description: The row
              content: {application/json: {schema: {$ref: "#/components/schemas/SetRow"}}}
            403: {description: Not yours to fill in}
            404: {description: Outside your scope}
            409: {description: Stale version, or the file is not open}
            422: {description: Refused by a rule}
        """
        teacher, given = self._file(pk, set_code), body()
        version = whole(given.pop("version", None), "version")
        actor, kept = current_actor(), catalog(db.session())
        record = files.save_record(
            db.session(),
            actor,
            teacher,
            set_code,
            given,
            catalog=kept,
            record_uuid=record_id,
            version=version,
        )
        db.session.flush()
        answer = row_body(actor, record, teacher.category, kept)
        db.session.commit()
        return self.response(200, **answer)

    @expose("/<int:pk>/<set_code>/<record_id>", methods=["DELETE"])
    @protect()
    def delete_row(self, pk: int, set_code: str, record_id: str) -> Any:
        """Delete a draft row; `version` guards against deleting what somebody has changed.
        ---
        delete:
          parameters:
            - {in: path, name: pk, required: true, schema: {type: integer}}
            - {in: path, name: set_code, required: true, schema: {type: string}}
            - {in: path, name: record_id, required: true, schema: {type: string}}
            - {in: query, name: version, schema: {type: integer}}
          responses:
            200: {description: It is gone}
            403: {description: Not yours to fill in}
            404: {description: Outside your scope}
            409: {description: "Stale version, or the file is not open"}
        """
        teacher, version = self._file(pk, set_code), None
        if "version" in request.args:
            version = whole(whole_number(request.args["version"]) or "", "version")
        files.delete_record(
            db.session(),
            current_actor(),
            teacher,
            set_code,
            record_id,
            version=version,
            catalog=catalog(db.session()),
        )
        db.session.commit()
        return self.response(200, message="OK")

    @expose("/<int:pk>/problem", methods=["GET"])
    @protect()
    def problems(self, pk: int) -> Any:
        """Return the kept findings of a file.
        ---
        get:
          parameters: [{in: path, name: pk, required: true, schema: {type: integer}}]
          responses:
            200: {description: The findings}
            404: {description: Outside your scope}
        """
        teacher = self._file(pk)
        rows = db.session.scalars(
            select(FileProblem).where(FileProblem.teacher_id == teacher.id).order_by(FileProblem.id)
        )
        found = [
            {
                "id": row.id,
                **check.as_problem(row).as_dict(),
                "acknowledged": row.acknowledged_at is not None,
                "nightly": row.nightly,
            }
            for row in rows
        ]
        return self.response(200, result=found, count=len(found))

    @expose("/<int:pk>/problem", methods=["POST"])
    @protect()
    def acknowledge(self, pk: int) -> Any:
        """Acknowledge warnings of a file with name and time: those named, else all open ones.
        ---
        post:
          parameters: [{in: path, name: pk, required: true, schema: {type: integer}}]
          requestBody:
            content:
              application/json:
                schema:
                  type: object
                  properties: {ids: {type: array, items: {type: integer}}}
          responses:
            200: {description: How many were acknowledged}
            404: {description: Outside your scope}
        """
        teacher = self._file(pk)
        keys = body().get("ids") if request.data else None
        if keys is not None and not (isinstance(keys, list) and all(map(is_whole, keys))):
            raise Malformed()
        known = catalog(db.session())
        count = check.acknowledge(db.session(), current_actor(), teacher, keys, catalog=known)
        db.session.commit()
        return self.response(200, acknowledged=count)
