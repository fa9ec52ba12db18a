"""Every resource of the table of rights is behind a view, and every view behind a resource."""

from typing import Any

from app.access.roles import PERMISSIONS
from app.access.security import SignInApi, SignInView


def test_every_resource_has_a_view_and_every_view_a_resource(app: Any) -> None:
    ours = [
        view
        for view in app.appbuilder.baseviews
        if type(view).__module__.startswith("app.")
        and not isinstance(view, (SignInView, SignInApi))
    ]

    assert {view.class_permission_name for view in ours} == set(PERMISSIONS)
