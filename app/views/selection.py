"""Acts on one row or many: what is selected is a query inside the scope, never a posted list."""

from collections.abc import Callable, Container, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

from flask import request
from flask_appbuilder.actions import ActionItem
from flask_appbuilder.baseviews import expose
from flask_appbuilder.const import PERMISSION_PREFIX
from flask_babel import gettext as _
from sqlalchemy.orm import Query
from werkzeug.datastructures import MultiDict

from app.core.errors import Forbidden, LimitReached, Malformed, NotFound, Refused, Stale
from app.core.whole import whole_number
from app.views.declared import asks_itself
from app.views.once import once

BATCH = 500
BULK_LIMIT = 10_000  # Rows of one act in one request; a view whose acts go on as jobs sets more.


class RowAction(ActionItem):
    """An act offered on rows.

    `reason` is None (not asked), "optional" or "required". `primary` stands first in the bar,
    `danger` is drawn red and asks before it is sent. `permission` is "read" or "write",
    `shortcut` a key that presses the button. `inputs` are check boxes of its dialog (name, label,
    required), sent as <act>-<name>.
    """

    def __init__(
        self,
        name: str,
        text: Any,
        func: Callable[..., Any],
        *,
        icon: str = "check",
        confirmation: Any = None,
        reason: str | None = None,
        primary: bool = False,
        danger: bool = False,
        multiple: bool = True,
        single: bool = True,
        permission: str = "write",
        shortcut: str | None = None,
        inputs: tuple[Any, ...] = (),
    ) -> None:
        super().__init__(name, text, confirmation, icon, multiple, single, func)
        self.reason = reason
        self.primary = primary
        self.danger = danger
        self.permission = permission
        self.shortcut = shortcut
        self.inputs = inputs

    @property
    def asks(self) -> bool:
        """Whether a dialog of its own asks for something before it is sent."""
        return bool(self.reason or self.inputs)

    @classmethod
    def of(cls, item: ActionItem) -> "RowAction":
        """Return the act of a decorated method, with what `row_action` was told."""
        more = getattr(item.func, "_row_action", {})
        return cls(
            item.name,
            item.text,
            item.func,
            icon=item.icon or "check",
            confirmation=item.confirmation,
            multiple=item.multiple,
            single=item.single,
            **more,
        )


def row_action(name: str, text: Any, **options: Any) -> Callable[[Callable], Callable]:
    """Offer a method of a view as an act on rows; options as in `RowAction`.

    The method takes a `Selection` and returns a response, or None to go back to the list.
    """

    def mark(method: Callable) -> Callable:
        plain = {key: options.pop(key, None) for key in ("confirmation", "icon")}
        shown = {key: options.pop(key, True) for key in ("multiple", "single")}
        method._action = (name, text, plain["confirmation"], plain["icon"], *shown.values())
        method._row_action = options
        return method

    return mark


@dataclass(frozen=True)
class Selection:
    """The rows of one act: a query inside the scope, how many they are, and what was said."""

    query: Query
    key: Any
    count: int
    reason: str
    form: Mapping[str, Any]
    single: bool = False

    def ids(self) -> list[Any]:
        """Return the keys, in the order of the key."""
        rows = self.query.order_by(None).order_by(self.key).with_entities(self.key)
        return [key for (key,) in rows]

    def seen(self) -> dict[Any, int | None]:
        """Return the keys with the versions that the list showed of them, else with the present
        ones: where everything is meant, the checksum has told that they are the same."""
        model = self.key.class_
        rows = self.query.order_by(None).order_by(self.key)
        present = dict(rows.with_entities(self.key, model.version).all())
        return present | _seen_versions(self.form, present)

    def items(self) -> Iterator[Any]:
        """Yield the rows in batches, so that thousands never stand in memory together."""
        keys = self.ids()
        for start in range(0, len(keys), BATCH):
            batch = keys[start : start + BATCH]
            yield from self.query.order_by(None).filter(self.key.in_(batch)).order_by(self.key)

    def one(self) -> Any:
        """Return the only row."""
        return self.query.one()


def _seen_versions(form: Any, keys: Container[Any]) -> dict[Any, int]:
    """The versions of the rows of a list as it was drawn: "key:version" of each."""
    pairs = (each.partition(":") for each in form.getlist("seen"))
    numbers = ((whole_number(key), whole_number(version)) for key, _colon, version in pairs)
    return {k: v for k, v in numbers if k is not None and v is not None and k in keys}


class Outcome(NamedTuple):
    """What became of one row of a bulk act."""

    label: str
    href: str
    ok: bool
    message: Any = ""


class RowActions:
    """The two addresses of acts, for BaseModelView."""

    bulk_limit = BULK_LIMIT

    def get_action_permission_name(self, name: str) -> str:
        if name not in self.actions:
            raise NotFound()
        return PERMISSION_PREFIX + self.actions[name].permission

    @expose("/action/<string:name>/<pk>", methods=["POST"])
    @asks_itself
    @once
    def action(self, name: str, pk: Any) -> Any:
        """Perform an act on one row."""
        act = self._permitted(name)
        item = self.one(pk)
        query = self.datamodel.rows().filter(self._key == self.datamodel.get_pk_value(item))
        chosen = self._selection(act, query, 1, single=True)
        return act.func(chosen) or self.back_to(item)

    @expose("/action_post", methods=["POST"])
    @asks_itself
    @once
    def action_post(self) -> Any:
        """Perform an act on the marked rows, or on all that the list's filter matches."""
        act = self._permitted(request.form.get("action", ""))
        if request.form.get("select_all"):
            query, count = self._all_matching()
        else:
            query, count = self._marked()
        return act.func(self._selection(act, query, count)) or self.back_to_list()

    def outcome_page(self, title: Any, outcomes: list[Outcome]) -> Any:
        """Show what became of each row."""
        back = self.next_url() or self.filtered_url(request.form.get("filter", ""))
        return self.render_template(
            "tm/outcome.html", title=title, outcomes=outcomes, back_url=back
        )

    @property
    def _key(self) -> Any:
        return self.datamodel.get_pk()

    def _permitted(self, name: str) -> RowAction:
        permission = self.get_action_permission_name(name)
        if not self.appbuilder.sm.has_access(permission, self.class_permission_name):
            raise Forbidden()
        return self.actions[name]

    def _selection(self, act: RowAction, query: Query, count: int, **more: Any) -> Selection:
        own = request.form.get(f"reason-{act.name}", "")
        reason = (own or request.form.get("reason", "")).strip()
        if act.reason == "required" and not reason:
            raise Refused(_("Please give a reason."))
        return Selection(query, self._key, count, reason, request.form, **more)

    def _marked(self) -> tuple[Query, int]:
        ids = list(dict.fromkeys(request.form.getlist("rowid")))
        if not ids:
            raise Malformed(_("Nothing is selected."))
        if len(ids) > BULK_LIMIT:
            raise LimitReached(_("Too many rows are selected."))
        keys = [key for each in ids if (key := self._typed_key(each)) is not None]
        query = self.datamodel.rows(self._base_filters).filter(self._key.in_(keys))
        count = self.datamodel.count(query, cap=None).number
        if not count:
            raise NotFound()
        return query, count

    def _all_matching(self) -> tuple[Query, int]:
        arguments = MultiDict(parse_qsl(request.form.get("filter", "")))
        query = self.matching(arguments)
        count = self.datamodel.count(query, cap=self.bulk_limit)
        if not count.exact:
            most = f"{self.bulk_limit:,}"
            raise LimitReached(_("More than %(n)s rows match. Please narrow the filter.", n=most))
        shown = (request.form.get("count"), request.form.get("checksum", count.checksum))
        if (str(count.number), count.checksum) != shown:
            raise Stale(_("The list has changed since you opened it. Please check it again."))
        return query, count.number
