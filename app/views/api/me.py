"""`/api/v1/me` and `/api/v1/job/{id}`."""

from typing import Any

from flask_appbuilder.api import expose, protect

from app.access.actor import current_actor
from app.access.scope import scoped_get
from app.extensions import db
from app.models.job import Job
from app.services import job as queue
from app.views.api.base import Api


class MeApi(Api):
    """Who I am, with the assignments that `X-Assignment` may name."""

    resource_name = "me"
    class_permission_name = "Me"
    openapi_spec_tag = "Me"

    @expose("", methods=["GET"])
    @protect()
    def get(self) -> Any:
        """Return account, present assignment, and all valid assignments.
        ---
        get:
          responses:
            200: {description: The present account and its assignments}
            401: {description: Not signed in}
        """
        actor = current_actor()
        return self.response(
            200,
            account={"id": actor.account_id, "name": actor.name, "teacher_id": actor.teacher_id},
            assignment={
                "id": actor.assignment_id,
                "role": actor.role,
                "unit_id": actor.unit_id,
                "unit": actor.unit_name,
            },
            assignments=[
                {"id": each.id, "role": each.role, "unit_id": unit.id, "unit": unit.name}
                for each, unit in self.appbuilder.sm.assignments()
            ],
        )


class JobApi(Api):
    """A long act that goes on after 202."""

    resource_name = "job"
    class_permission_name = "Job"
    openapi_spec_tag = "Job"

    @expose("/<int:pk>", methods=["GET"])
    @protect()
    def get(self, pk: int) -> Any:
        """Return state and progress of one of my jobs.
        ---
        get:
          parameters: [{in: path, name: pk, required: true, schema: {type: integer}}]
          responses:
            200: {description: State and progress}
            404: {description: Not mine or not there}
        """
        return self.response(200, **job_body(scoped_get(db.session(), Job, pk)))

    @expose("/<int:pk>/cancel", methods=["POST"])
    @protect()
    def cancel(self, pk: int) -> Any:
        """Ask one of my jobs to stop after its present batch.
        ---
        post:
          parameters: [{in: path, name: pk, required: true, schema: {type: integer}}]
          responses:
            200: {description: It will stop}
            404: {description: Not mine or not there}
        """
        job = scoped_get(db.session(), Job, pk)
        queue.stop(db.session(), current_actor(), job)
        db.session.commit()
        db.session.refresh(job)
        return self.response(200, **job_body(job))


def job_body(job: Job) -> dict[str, Any]:
    """State and progress of a job; what it found is its owner's alone (SEC-07)."""
    mine = job.account_id == current_actor().account_id
    return {
        "id": job.id,
        "name": job.name,
        "state": job.state,
        "done": job.done,
        "total": job.total,
        "error": job.error,
        "result": job.result if mine else None,
    }
