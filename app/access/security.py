"""Sign-in and the question "may this role open this page"; stock FAB security views are off."""

import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeGuard

from flask import current_app, flash, g, has_request_context, redirect, request, session, url_for
from flask_appbuilder.baseviews import expose
from flask_appbuilder.security.api import SecurityApi
from flask_appbuilder.security.decorators import no_cache
from flask_appbuilder.security.forms import LoginForm_db
from flask_appbuilder.security.sqla.manager import SecurityManager as StockSecurityManager
from flask_appbuilder.security.views import AuthDBView
from flask_babel import gettext as _
from flask_login import current_user, login_user
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from app.access.actor import Actor, actor_or_none, choose_actor, held_assignments
from app.access.modules import Module, is_on
from app.access.roles import READ, may_open
from app.core.address import local_path
from app.core.clock import local, now, today
from app.core.database import reads_only
from app.core.errors import Malformed
from app.indicators.catalog import catalog
from app.models.account import Account, Assignment
from app.models.unit import Unit

FAILURES = 5
LOCK = timedelta(minutes=15)
ASSIGNMENT = "assignment"

log = logging.getLogger(__name__)


class DemoData(RuntimeError):
    """Something of the demonstration was found where real data are kept."""


class SignInView(AuthDBView):
    """The sign-in page; its looks are a template of ours."""

    login_template = "appbuilder/general/security/login_db.html"

    @expose("/login/", methods=["GET", "POST"])
    @no_cache
    def login(self) -> Any:
        """Show the page, or check name and password and lead to `next` on this site (SEC-31)."""
        target = local_path(request.args.get("next", ""))
        if current_user.is_authenticated:
            return redirect(target or self.appbuilder.get_url_for_index)
        form = LoginForm_db()
        if not form.validate_on_submit():
            return self.render_template(
                self.login_template, title=self.title, form=form, appbuilder=self.appbuilder
            )
        account = self.appbuilder.sm.auth_user_db(form.username.data, form.password.data)
        if account is None:
            flash(str(self.invalid_login_message), "warning")
            return redirect(self.appbuilder.get_url_for_login_with(target or None))
        login_user(account, remember=False)
        return redirect(target or self.appbuilder.get_url_for_index)

    @expose("/logout/", methods=["GET", "POST"])
    def logout(self) -> Any:
        """End the session by POST; a link asks first, so that no foreign page can (SEC-28)."""
        if request.method == "POST":
            account = self._get_authenticated_user()
            if account is not None:
                self.appbuilder.sm.note_sign_out(account)
            return super().logout()
        if not current_user.is_authenticated:
            return redirect(url_for(f"{self.endpoint}.login"))
        return self.render_template("tm/logout.html", title=_("Log out"))


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
        # Menu item -> the resource it opens, the module it belongs to; group -> its items; filled
        # by views.menu.
        self.menu_resources: dict[str, str] = {}
        self.menu_modules: dict[str, Module] = {}
        self.menu_groups: dict[str, list[str]] = {}
        # Called with session, act, account and the name as typed, in the transaction of the act.
        self.on_sign_in: list[Callable[[Any, str, Account | None, str], None]] = []

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
        names = [*self.menu_resources, *self.menu_groups] if menu_names is None else menu_names
        return {
            name
            for name in names
            if any(self._is_offered(actor, item) for item in self.menu_groups.get(name, [name]))
        }

    def _is_offered(self, actor: Actor, item: str) -> bool:
        """Whether a menu item is there for an actor: by role, and by the module of the unit."""
        if not may_open(actor.role, self.menu_resources.get(item, ""), READ):
            return False
        module = self.menu_modules.get(item)
        return module is None or is_on(module, actor, catalog(self.session))

    def auth_user_db(self, username: str, password: str) -> Account | None:
        """Check a password; five failures lock the account for a quarter of an hour.

        What is counted and its audit row are written in one transaction (SEC-43).
        """
        account = self.find_user(username=username) or self.find_user(email=username)
        locked = account is not None and account.locked_until and account.locked_until > now()
        found = None if locked else super().auth_user_db(username, password)
        found = found if _is_allowed(found) else None
        self._note("sign_in" if found else "sign_in_failed", account, username)
        if account is not None and found is None and not locked:
            account.locked_until = None
            if (account.fail_login_count or 0) >= FAILURES:
                account.locked_until = now() + LOCK
                self._note("locked", account, username)
        self.session.commit()
        return found

    def update_user_auth_stat(self, user: Account, success: bool = True) -> None:
        """Count an attempt; auth_user_db() commits it."""
        if success:
            user.login_count = (user.login_count or 0) + 1
            user.last_login = local(now()).replace(tzinfo=None)
            user.fail_login_count = 0
        else:
            user.fail_login_count = (user.fail_login_count or 0) + 1

    def noop_user_update(self, user: Account) -> None:
        """Nothing to balance: every attempt writes one row of the audit log."""

    def note_sign_out(self, account: Account) -> None:
        """Write that somebody signs out, in a transaction of its own."""
        token = reads_only.set(False)
        try:
            self.session.rollback()
            self._note("sign_out", account, account.username)
            self.session.commit()
        finally:
            reads_only.reset(token)

    def _note(self, act: str, account: Account | None, name: str) -> None:
        for hook in self.on_sign_in:
            hook(self.session(), act, account, name or "")

    def get_first_user(self) -> Account | None:
        """Balances the time of failures; any row will do."""
        return self.session.scalars(select(Account).limit(1)).first()

    def load_user(self, pk: Any) -> Account | None:
        """The account of a session or token; None when it is gone, disabled, or of a demo."""
        found = self.session.get(Account, int(pk))
        return found if _is_allowed(found) and found.is_active else None

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


def _is_allowed(account: Account | None) -> TypeGuard[Account]:
    """Whether there is such an account here; those of the demo are known to everybody (SEC-23)."""
    return account is not None and (is_demo() or not account.is_demo)


def refuse_demo_accounts(session: Session) -> None:
    """Stop the start on the database of a demonstration (SEC-23). Raises DemoData.

    A database that is not there or not migrated yet has no accounts to refuse.
    """
    try:
        found = session.scalar(select(Account.id).where(Account.is_demo).limit(1))
    except DBAPIError:
        return
    finally:
        session.rollback()
    if found is not None:
        raise DemoData("DATABASE_URL names the database of a demonstration: it has demo accounts.")
