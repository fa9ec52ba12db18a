"""Sign-in and the question "may this role open this page"; stock FAB security views are off."""

import logging
from datetime import timedelta
from typing import Any

from flask import current_app, g, has_request_context, request, session
from flask_appbuilder.security.api import SecurityApi
from flask_appbuilder.security.sqla.manager import SecurityManager as StockSecurityManager
from flask_appbuilder.security.views import AuthDBView
from flask_login import current_user
from sqlalchemy import select

from app.access.roles import READ, may_open
from app.access.scope import Actor, actor_or_none, choose_actor, held_assignments
from app.core.clock import now, today
from app.core.errors import Malformed
from app.models.account import Account, Assignment
from app.models.unit import Unit

FAILURES = 5
LOCK = timedelta(minutes=15)
ASSIGNMENT = "assignment"

log = logging.getLogger(__name__)


class SignInView(AuthDBView):
    """The sign-in page; its looks are a template of ours."""

    login_template = "appbuilder/general/security/login_db.html"


class SignInApi(SecurityApi):
    """`POST /api/v1/security/login` and `/refresh`."""

    resource_name = "security"


class SecurityManager(StockSecurityManager):
    """Roles come from the present assignment and the table in access.roles, without a query.

    The stock pages for users, roles and permissions are not registered: they let an
    administrator of a district take over the whole system (SEC-07, SEC-37).
    """

    user_model = Account
    authdbview = SignInView
    security_api = SignInApi
    userstatschartview = None

    def __init__(self, appbuilder: Any) -> None:
        super().__init__(appbuilder)
        # Menu item -> the resource it opens; filled by views.menu.
        self.menu_resources: dict[str, str] = {}
        self.on_sign_in: list[Any] = []

    def register_views(self) -> None:
        """Register the sign-in page and its API, nothing else."""
        self.auth_view = self.appbuilder.add_view_no_menu(self.authdbview)
        self.appbuilder.add_api(self.security_api)

    def create_db(self) -> None:
        """Tables come from migrations, rights from code: nothing to create."""

    def add_permissions_view(self, base_permissions: Any, view_menu: Any) -> None:
        """Permissions are code (access.roles), not rows."""

    def add_permissions_menu(self, view_menu_name: Any) -> None:
        """Menu rights follow from the resource behind the item."""

    def has_access(self, permission_name: str, view_name: str) -> bool:
        """Whether the present actor may read or write a resource."""
        actor = actor_or_none()
        if actor is None:
            return False
        if permission_name == "menu_access":
            return view_name in self.get_user_menu_access([view_name])
        return may_open(actor.role, view_name, permission_name)

    def is_item_public(self, permission_name: str, view_name: str) -> bool:
        """No view is public by permission; public addresses ask for none."""
        return False

    def get_user_menu_access(self, menu_names: list[str] | None = None) -> set[str]:
        """The menu items the present actor may open; a group shows when one of its items does."""
        actor = actor_or_none()
        if actor is None:
            return set()
        wanted = self.menu_resources if menu_names is None else menu_names
        return {
            name
            for name in wanted
            if any(
                may_open(actor.role, resource, READ)
                for resource in self.menu_resources.get(name, "").split("|")
            )
        }

    def auth_user_db(self, username: str, password: str) -> Account | None:
        """Check a password; five failures lock the account for a quarter of an hour."""
        account = self.find_user(username=username)
        locked = account is not None and account.locked_until and account.locked_until > now()
        found = None if locked else super().auth_user_db(username, password)
        if account is not None and found is None and not locked:
            account.locked_until = (
                now() + LOCK if (account.fail_login_count or 0) >= FAILURES else None
            )
            self.session.commit()
        for hook in self.on_sign_in:
            hook(account, found)
        return found

    def get_first_user(self) -> Account | None:
        """Balances the time of failures; any row will do."""
        return self.session.scalars(select(Account).limit(1)).first()

    def load_user(self, pk: Any) -> Account | None:
        """The account of a session or token; None when it is gone or disabled."""
        found = self.session.get(Account, int(pk))
        return found if found is not None and found.is_active else None

    @property
    def current_user(self) -> Any:
        """The signed-in account, for a request too that is refused before Flask-AppBuilder has
        looked (a form without a valid token)."""
        if "user" not in g:
            g.user = current_user
        return super().current_user

    def resolve(self) -> Actor | None:
        """The actor of this request: its account under the assignment that was chosen."""
        account = self.current_user
        if account is None or not getattr(account, "id", None):
            return None
        g.held = held_assignments(self.session(), account.id, today())
        return choose_actor(g.held, _wanted())

    def assignments(self) -> list[tuple[Assignment, Unit]]:
        """The present account's valid assignments with their units, for the switcher."""
        if not has_request_context() or actor_or_none() is None:
            return []
        return [(assignment, unit) for assignment, unit, _account in g.get("held", ())]


def _wanted() -> int | None:
    """The assignment named by the header (API) or chosen in the top bar (pages)."""
    header = request.headers.get("X-Assignment")
    if header is not None:
        if not header.isdigit():
            raise Malformed()
        return int(header)
    return session.get(ASSIGNMENT)


def is_demo() -> bool:
    """Whether demo accounts are allowed."""
    return bool(current_app.config["DEMO"] or current_app.config["TESTING"])
