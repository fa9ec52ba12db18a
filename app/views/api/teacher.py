"""`/api/v1/teacher/`: the list, one file, and the rows of its indicator sets."""

from typing import Any

from flask_appbuilder.api import expose, protect
from sqlalchemy import select

from app.access.fields import may_view_set
from app.access.scope import current_actor, scoped_get
from app.core.errors import NotFound
from app.extensions import db
from app.indicators.catalog import Catalog, catalog
from app.models.teacher import FileProblem, NoneAnswer, Teacher
from app.services import check
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
    include_route_methods = {"get_list", "get"}
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

    @property
    def db(self) -> Any:
        """The session of the request."""
        return db.session()

    @property
    def catalog(self) -> Catalog:
        """The catalogue in force."""
        return catalog(self.db)

    def _file(self, pk: int, set_code: str | None = None) -> Teacher:
        """A file in scope; a set that is unknown or not the actor's to see does not exist."""
        if set_code is not None:
            known = {entry.code for entry in self.catalog.teacher_sets}
            if set_code not in known or not may_view_set(current_actor(), set_code):
                raise NotFound()
        return scoped_get(self.db, Teacher, pk)

    def _rows(self, teacher: Teacher, set_code: str) -> list[dict[str, Any]]:
        actor, kept = current_actor(), self.catalog
        return [
            row_body(actor, record, teacher.school.category, kept)
            for record in files.records(self.db, teacher, set_code)
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
                schema: {type: object, properties: {basic: {type: object}}, required: [basic]}
          responses:
            201: {description: The file is open}
            403: {description: Not yours to do}
            422: {description: Refused by a rule}
        """
        given = body(required=("basic",))
        if not isinstance(given["basic"], dict):
            body(required=("basic.name",))
        teacher = files.create_file(
            self.db, current_actor(), given["basic"], catalog=self.catalog
        )
        self.db.commit()
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
            200: {description: The rows}
            404: {description: Outside your scope}
        """
        teacher = self._file(pk, set_code)
        rows = self._rows(teacher, set_code)
        none = self.db.get(NoneAnswer, (teacher.id, set_code)) is not None
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
                schema: {type: object}
          responses:
            201: {description: The row}
            403: {description: Not yours to fill in}
            404: {description: Outside your scope}
            409: {description: The file is not open}
            422: {description: Refused by a rule}
        """
        teacher, given = self._file(pk, set_code), body()
        actor, kept = current_actor(), self.catalog
        if set(given) == {"none"}:
            files.answer_none(
                self.db, actor, teacher, set_code, given["none"] is True, catalog=kept
            )
            self.db.commit()
            return self.response(200, none=given["none"] is True)
        record = files.save_record(self.db, actor, teacher, set_code, given, catalog=kept)
        answer = row_body(actor, record, teacher.school.category, kept)
        self.db.commit()
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
                schema: {type: object}
          responses:
            200: {description: The row}
            403: {description: Not yours to fill in}
            404: {description: Outside your scope}
            409: {description: Stale version, or the file is not open}
            422: {description: Refused by a rule}
        """
        teacher, given = self._file(pk, set_code), body()
        version = whole(given.pop("version", None), "version")
        actor, kept = current_actor(), self.catalog
        record = files.save_record(
            self.db,
            actor,
            teacher,
            set_code,
            given,
            catalog=kept,
            record_uuid=record_id,
            version=version,
        )
        self.db.flush()
        answer = row_body(actor, record, teacher.school.category, kept)
        self.db.commit()
        return self.response(200, **answer)

    @expose("/<int:pk>/<set_code>/<record_id>", methods=["DELETE"])
    @protect()
    def delete_row(self, pk: int, set_code: str, record_id: str) -> Any:
        """Delete a draft row.
        ---
        delete:
          parameters:
            - {in: path, name: pk, required: true, schema: {type: integer}}
            - {in: path, name: set_code, required: true, schema: {type: string}}
            - {in: path, name: record_id, required: true, schema: {type: string}}
          responses:
            200: {description: It is gone}
            403: {description: Not yours to fill in}
            404: {description: Outside your scope}
            409: {description: The file is not open}
        """
        teacher = self._file(pk, set_code)
        files.delete_record(
            self.db, current_actor(), teacher, set_code, record_id, catalog=self.catalog
        )
        self.db.commit()
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
        rows = self.db.scalars(
            select(FileProblem).where(FileProblem.teacher_id == teacher.id).order_by(FileProblem.id)
        )
        found = [
            {**check.as_problem(row).as_dict(), "acknowledged": row.acknowledged_at is not None}
            for row in rows
        ]
        return self.response(200, result=found, count=len(found))

    @expose("/<int:pk>/problem", methods=["POST"])
    @protect()
    def acknowledge(self, pk: int) -> Any:
        """Acknowledge the open warnings of a file with name and time.
        ---
        post:
          parameters: [{in: path, name: pk, required: true, schema: {type: integer}}]
          responses:
            200: {description: How many were acknowledged}
            404: {description: Outside your scope}
        """
        teacher = self._file(pk)
        count = check.acknowledge(self.db, current_actor(), teacher)
        self.db.commit()
        return self.response(200, acknowledged=count)
