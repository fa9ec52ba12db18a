"""Accounts and their assignments, read by the system administrators of each tier."""

from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import or_, select
from sqlalchemy.orm import Query

from app.access.roles import ROLE_LABELS
from app.core import clock
from app.models.account import Account, Assignment
from app.models.unit import Unit
from app.views.base import BaseModelView
from app.views.datamodel import Datamodel, escaped
from app.views.widgets import Badge, RemoteSelectField


class AccountView(BaseModelView):
    """One row per assignment: a person, a role, a unit, a period. Of a person only the name and
    the user name are shown (product.md s1)."""

    route_base = "/accounts"
    datamodel = Datamodel(Assignment)
    class_permission_name = "Account"
    list_title = _l("Accounts")
    show_title = _l("Account")
    list_columns = ["account", "username", "role", "unit", "valid_from", "valid_to", "standing"]
    show_columns = list_columns
    search_columns = ["role", "unit", "valid_from", "valid_to"]
    order_columns = ["role", "valid_from", "valid_to"]
    base_order = ("id", "asc")
    list_relations = ("account", "unit")
    quick_hint = _l("Name or user name")
    empty_hint = _l("No account belongs to the units in your scope.")
    parent_column = "unit"
    label_columns = {
        "account": _l("Full name"),
        "username": _l("User name"),
        "role": _l("Role"),
        "unit": _l("Unit"),
        "valid_from": _l("Valid from"),
        "valid_to": _l("Valid to"),
        "standing": _l("Standing"),
    }
    code_columns = {"role": lambda: [(role.value, label) for role, label in ROLE_LABELS.items()]}
    search_form_extra_fields = {
        "unit": RemoteSelectField(
            _l("Unit"), datamodel=Datamodel(Unit), endpoint="UnitView.any_unit"
        )
    }

    def cell(self, item: Assignment, column: str) -> Any:
        if column == "username":
            return item.account.username
        if column == "standing":
            return _standing(item)
        return super().cell(item, column)

    def page_title(self, item: Assignment) -> str:
        return str(item.account)

    def row_name(self, item: Assignment) -> str:
        return str(item.account)

    def quick_filter(self, query: Query, text: str) -> Query:
        pattern = f"%{escaped(text)}%"
        names = (Account.username, Account.last_name, Account.first_name)
        whole = Account.last_name + Account.first_name
        tests = [each.ilike(pattern, escape="/") for each in (*names, whole)]
        return query.filter(Assignment.account_id.in_(select(Account.id).where(or_(*tests))))


def _standing(item: Assignment) -> Badge:
    """Whether the assignment can be used today."""
    day, locked = clock.today(), item.account.locked_until
    if not item.account.active:
        return Badge(_("Account disabled"), "ban", "bad")
    if locked is not None and locked > clock.now():
        return Badge(_("Locked"), "lock", "back")
    if day < item.valid_from:
        return Badge(_("Not yet valid"), "clock", "wait")
    if not item.is_valid_on(day):
        return Badge(_("Ended"), "history", "draft")
    return Badge(_("Valid"), "circle-check", "good")
