"""The audit log, read by the audit administrator: who did what, when, with which outcome."""

from collections.abc import Iterable
from typing import Any

from flask import request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import or_, select
from sqlalchemy.orm import Query

from app.access.roles import ROLE_LABELS
from app.core.logs import redact
from app.indicators.catalog import language
from app.models.account import Account
from app.models.history import Audit
from app.models.unit import Unit
from app.services import delegation
from app.services.audit import ACTS
from app.views.base import BaseModelView
from app.views.datamodel import Datamodel, escaped
from app.views.labels import present_catalog
from app.views.widgets import text_of

OUTCOMES = {
    "done": (_l("Done"), "circle-check", "good"),
    "failed": (_l("Failed"), "circle-x", "bad"),
    "refused": (_l("Refused"), "ban", "back"),
}
KEPT = "tm.audit_names"


def act_choices() -> list[tuple[str, str]]:
    """Return codes and names of the acts."""
    english = language() == "en"
    return [(act.code, act.name_en if english else act.name_zh) for act in ACTS.values()]


class AuditView(BaseModelView):
    """The log as it stands; it is never exported, and holds masked values only (SEC-43)."""

    route_base = "/audit"
    datamodel = Datamodel(Audit)
    class_permission_name = "Audit"
    list_title = _l("Audit log")
    show_title = _l("Audit entry")
    list_columns = ["at", "act", "outcome", "account_id", "role", "unit_id", "object", "address"]
    optional_columns = ("reason", "request_id")
    show_columns = [
        "at",
        "act",
        "outcome",
        "account_id",
        "role",
        "unit_id",
        "object",
        "address",
        "request_id",
        "reason",
        "detail",
    ]
    search_columns = ["at", "act", "outcome", "role", "object_type", "address", "request_id"]
    order_columns = ["at"]
    base_order = ("id", "desc")
    quick_hint = _l("Name or user name of who acted")
    empty_hint = _l("Nothing has been recorded yet.")
    exports = ()
    exclude_route_methods = {"export", "choices"}
    label_columns = {
        "at": _l("Time"),
        "act": _l("Act"),
        "outcome": _l("Outcome"),
        "account_id": _l("Account"),
        "role": _l("Role"),
        "unit_id": _l("Unit"),
        "object": _l("Object"),
        "object_type": _l("Kind of object"),
        "address": _l("Network address"),
        "request_id": _l("Number of the request"),
        "reason": _l("Reason"),
        "detail": _l("Details"),
    }
    code_columns = {
        "act": act_choices,
        "outcome": lambda: [(code, words[0]) for code, words in OUTCOMES.items()],
        "role": lambda: [(role.value, label) for role, label in ROLE_LABELS.items()],
    }
    badges = {"outcome": {code: words[1:] for code, words in OUTCOMES.items()}}

    def quick_filter(self, query: Query, text: str) -> Query:
        pattern = f"%{escaped(text)}%"
        whole = Account.last_name + Account.first_name
        tests = [each.ilike(pattern, escape="/") for each in (Account.username, whole)]
        return query.filter(Audit.account_id.in_(select(Account.id).where(or_(*tests))))

    def one(self, pk: Any) -> Audit:
        item = super().one(pk)
        self._keep_names([item])
        return item

    def page_title(self, item: Audit) -> str:
        return f"{self.code_name('act', item.act)} {text_of(item.at)}"

    def row_name(self, item: Audit) -> str:
        return self.page_title(item)

    def cell(self, item: Audit, column: str) -> Any:
        names = request.environ.get(KEPT, {})
        if column == "account_id":
            name = names.get(("account", item.account_id)) or self._nobody(item)
            head = names.get(("delegator", item.assignment_id))
            return _("%(name)s, delegate of %(head)s", name=name, head=head) if head else name
        if column == "unit_id":
            return names.get(("unit", item.unit_id), "")
        if column == "object":
            return self._object(item)
        if column == "reason":
            return redact(item.reason or "")
        if column == "detail":
            return _flat(item.detail)
        return super().cell(item, column)

    @staticmethod
    def _nobody(item: Audit) -> str:
        return _("Account %(id)s", id=item.account_id) if item.account_id else _("The system")

    @staticmethod
    def _object(item: Audit) -> str:
        kind = item.object_type or ""
        known = present_catalog()
        entry = known.sets.get(kind.removeprefix("rec_"))
        name = known.name(entry, language()) if entry is not None else kind
        return f"{name} {item.object_id or ''}".strip()

    def _page(self, query: Query, arguments: Any, columns: Any) -> Any:
        rows = super()._page(query, arguments, columns)
        self._keep_names(rows)
        return rows

    def _keep_names(self, rows: Iterable[Audit]) -> None:
        """Read the names of accounts and units once; the log itself keeps ids only."""
        session, names = self.datamodel.session, {}
        accounts = {row.account_id for row in rows if row.account_id}
        units = {row.unit_id for row in rows if row.unit_id}
        found, instead = delegation.people(session, accounts, [row.assignment_id for row in rows])
        for key, account in found.items():
            names["account", key] = f"{account.display_name} ({account.username})"
        places = select(Unit.id, Unit.name).where(Unit.id.in_(units))
        names |= {("unit", key): name for key, name in session.execute(places)}
        names |= {("delegator", key): name for key, name in instead.items()}
        request.environ[KEPT] = names


def _flat(detail: Any) -> str:
    """Write the details of an act as one text: names and masked values."""
    if isinstance(detail, dict):
        return _("; ").join(f"{key}{_(': ')}{_flat(value)}" for key, value in detail.items())
    if isinstance(detail, list):
        return _(", ").join(_flat(each) for each in detail)
    return redact(text_of(detail))
