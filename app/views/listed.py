"""Addresses of lists: turns the conditions of a figure into what the list reads from its URL."""

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlencode

from flask import current_app, url_for

from app.services.listed import Where
from app.views.datamodel import EQUAL, AtLeast, AtMost, OneOf
from app.views.listing import address_of

OPERATORS: Mapping[str, type] = {"one_of": OneOf, "from": AtLeast, "to": AtMost}
# Name of a list in the services -> the view that shows it.
VIEWS: Mapping[str, str] = {
    "teacher": "TeacherView",
    "review": "ReviewView",
    "process": "ProcessListView",
    "unit": "UnitView",
    "account": "AccountView",
    "correction": "CorrectionView",
    "duplicate": "DuplicateView",
    "hint": "HintView",
    "problem": "ProblemView",
    "status_change": "StatusChangeView",
    "rotation": "RotationView",
    "job": "JobView",
    "audit": "AuditView",
    "transfer": "TransferView",
}
MONITOR, MY_FILE, EXPORT, GUEST = "monitor", "my_file", "export", "guest"

_places: dict[tuple[str, str, str], str] = {}


def address(name: str, where: Iterable[Where] = ()) -> str:
    """Return the address of a list narrowed to the conditions; nothing where it does not exist."""
    if name == MY_FILE:
        return address_of("MyFileView", "show")
    if name == GUEST:
        return address_of("GuestView", "list")
    if name == EXPORT:
        return address_of("ExportView", "list", **{each.column: each.values[0] for each in where})
    if name == MONITOR:
        return address_of("MonitorView", "list", **{each.column: each.values[0] for each in where})
    view = _view(VIEWS[name])
    if view is None:
        return ""
    pairs = [(argument(view, each), value) for each in where for value in each.values]
    query = urlencode(pairs)
    return url_for(f"{view.endpoint}.list") + (f"?{query}" if query else "")


def argument(view: Any, condition: Where) -> str:
    """Return the name of the URL argument of a condition on a list of this view."""
    key = (type(view).__name__, condition.column, condition.operator)
    if key not in _places:
        place = EQUAL
        if condition.operator != "equals":
            column, wanted = condition.column, OPERATORS[condition.operator]
            known = view.datamodel.get_filters([column]).get_search_filters()[column]
            place = [isinstance(each, wanted) for each in known].index(True)
        _places[key] = f"_flt_{place}_{condition.column}"
    return _places[key]


def _view(name: str) -> Any:
    views = current_app.appbuilder.baseviews
    return next((view for view in views if type(view).__name__ == name), None)
