"""`/api/v1/confirmation/{id}`: nothing has changed in a file in force; id is the file."""

from typing import Any

from flask_appbuilder.api import expose, protect

from app.access.actor import current_actor
from app.extensions import db
from app.indicators.catalog import catalog
from app.models.teacher import Teacher
from app.services import confirmation
from app.views.api.base import Api


class ConfirmationApi(Api):
    """The yearly answer that a file is right as it stands."""

    resource_name = "confirmation"
    class_permission_name = "File"
    openapi_spec_tag = "Teacher"

    @expose("/<int:pk>", methods=["POST"])
    @protect()
    def post(self, pk: int) -> Any:
        """Confirm that nothing has changed; what was confirmed today stays as it is.
        ---
        post:
          parameters: [{in: path, name: pk, required: true, schema: {type: integer}}]
          responses:
            200: {description: The day that is on record}
            403: {description: Not yours to do}
            404: {description: Outside your scope}
            409: {description: The file is not in force}
            422: {description: An addition or change of the file is open}
        """
        session = db.session()
        confirmation.confirm_one(session, current_actor(), pk, catalog(session))
        session.commit()
        day = session.get_one(Teacher, pk).confirmed_on
        return self.response(200, id=pk, confirmed_on=day.isoformat() if day else None)
