"""`/api/v1/todo`."""

from typing import Any

from flask_appbuilder.api import expose, protect

from app.access.actor import current_actor
from app.extensions import db
from app.services import home
from app.views.api.base import Api


class TodoApi(Api):
    """What waits for me."""

    resource_name = "todo"
    class_permission_name = "Home"
    openapi_spec_tag = "To-do"

    @expose("", methods=["GET"])
    @protect()
    def get(self) -> Any:
        """Return the to-do list: a row per kind with count and the oldest.
        ---
        get:
          responses:
            200: {description: The to-do list}
            401: {description: Not signed in}
        """
        items = home.todo(db.session(), current_actor())
        return self.response(
            200,
            result=[
                {
                    "key": item.key,
                    "label": str(item.label),
                    "count": item.count,
                    "oldest": item.oldest.isoformat() if item.oldest else None,
                    "overdue": item.overdue,
                }
                for item in items
            ],
        )
