"""The working calendar: holidays and make-up days, entered by the city."""

from typing import Any

from flask import flash
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.access.actor import current_actor
from app.extensions import db
from app.models.calendar import DayKind, SpecialDay
from app.services import special_day as service
from app.views.base import BaseModelView, Selection, row_action
from app.views.datamodel import Datamodel
from app.views.widgets import Badge

KINDS = (
    (DayKind.HOLIDAY, _l("Day off")),
    (DayKind.MAKE_UP, _l("Make-up working day")),
)
LOOKS = {DayKind.HOLIDAY: ("calendar-off", "draft"), DayKind.MAKE_UP: ("calendar-event", "wait")}
# The names of the days of the week, Monday first.
WEEKDAYS = (
    _l("Monday"),
    _l("Tuesday"),
    _l("Wednesday"),
    _l("Thursday"),
    _l("Friday"),
    _l("Saturday"),
    _l("Sunday"),
)


class CalendarView(BaseModelView):
    """Days that do not follow the week; terms in working days are counted with them."""

    route_base = "/calendar"
    datamodel = Datamodel(SpecialDay)
    class_permission_name = "Calendar"
    list_title = _l("Working calendar")
    show_title = _l("Day of the calendar")
    add_title = _l("Enter a day")
    edit_title = _l("Change a day")
    list_columns = ["day", "weekday", "kind", "name_zh", "name_en", "source"]
    list_kinds = {"kind": "badge"}
    show_columns = ["day", "weekday", "kind", "name_zh", "name_en", "source"]
    add_columns = ["day", "kind", "name_zh", "name_en", "source"]
    edit_columns = add_columns
    search_columns = ["day", "kind", "name_zh", "name_en"]
    order_columns = ["day", "kind"]
    base_order = ("day", "desc")
    segment_column = "kind"
    quick_columns = ("name_zh", "name_en")
    quick_hint = _l("Name of a holiday")
    empty_hint = _l("No day has been entered: Monday to Friday are working days.")
    exports = ()
    label_columns = {
        "day": _l("Day"),
        "weekday": _l("Day of the week"),
        "kind": _l("Kind of day"),
        "name_zh": _l("Name"),
        "name_en": _l("English name"),
        "source": _l("Announced by"),
    }
    description_columns = {
        "day": _l("Today or later; a day that has passed stays as it is."),
        "kind": _l("A make-up working day is a Saturday or Sunday."),
        "source": _l("The notice that announces the day."),
    }
    code_columns = {"kind": lambda: list(KINDS)}

    def cell(self, item: SpecialDay, column: str) -> Any:
        if column == "weekday":
            return str(WEEKDAYS[item.day.weekday()])
        if column == "kind":
            return Badge(str(dict(KINDS)[DayKind(item.kind)]), *LOOKS[DayKind(item.kind)])
        return super().cell(item, column)

    def row_name(self, item: SpecialDay) -> str:
        return f"{item.day.isoformat()} {item.name_zh}"

    def page_title(self, item: SpecialDay) -> str:
        return self.row_name(item)

    def may_edit_row(self, item: SpecialDay) -> bool:
        return service.may_alter(item)

    def pre_add(self, item: SpecialDay) -> None:
        service.check(db.session(), current_actor(), item)

    def pre_update(self, item: SpecialDay) -> None:
        service.check(db.session(), current_actor(), item)

    def page_acts(self, item: SpecialDay) -> Any:
        return super().page_acts(item) if service.may_alter(item) else []

    @row_action(
        "remove",
        _l("Take out of the calendar"),
        icon="trash",
        multiple=False,
        danger=True,
        confirmation=_l("Take this day out? It is then counted as its day of the week says."),
    )
    def remove(self, selection: Selection) -> None:
        """Take a day out; the day of the week counts again."""
        service.remove(db.session(), current_actor(), selection.one())
        db.session.commit()
        flash(_("The day is no longer in the calendar."), "success")

    def post_add(self, item: SpecialDay) -> None:
        self._put_on_record(item, "add")

    def post_update(self, item: SpecialDay) -> None:
        self._put_on_record(item, "change")

    def _put_on_record(self, item: SpecialDay, act: str) -> None:
        service.put_on_record(db.session(), current_actor(), item, act)
        if service.is_needless(item):
            flash(_("This day is a weekend: the entry changes nothing."), "info")
