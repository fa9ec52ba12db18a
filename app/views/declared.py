"""What every view declares and shares: permissions, filters of its own, the way back."""

import copy
from typing import Any, ClassVar

from flask import has_request_context, request
from flask_appbuilder.utils.base import get_safe_redirect

READ, WRITE = "read", "write"
# Two permissions per resource, shared by its page and its API.
METHOD_PERMISSIONS: dict[str, str] = {
    "list": READ,
    "show": READ,
    "tab": READ,
    "panel": READ,
    "export": READ,
    "choices": READ,
    "chart": READ,
    "data": READ,
    "save_view": READ,
    "drop_view": READ,
    "choose_columns": READ,
    "add": WRITE,
    "edit": WRITE,
    "delete": WRITE,
    "get": READ,
    "get_list": READ,
    "info": READ,
    "post": WRITE,
    "put": WRITE,
}


def _unsafe(method: Any) -> bool:
    verbs = {verb for _url, verbs in getattr(method, "_urls", ()) for verb in verbs}
    return bool(verbs - {"GET", "HEAD", "OPTIONS"})


class Declared:
    """Refuse a view class that leaves something to the guesses of Flask-AppBuilder.

    A class without addresses of its own passes `abstract=True`.
    """

    must_declare: ClassVar[tuple[str, ...]] = ("class_permission_name",)

    def __init_subclass__(cls, abstract: bool = False, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if abstract:
            return
        missing = [name for name in cls.must_declare if getattr(cls, name, None) is None]
        if missing:
            raise TypeError(f"{cls.__name__} must declare {', '.join(missing)}")

    def __init__(self, **kwargs: Any) -> None:
        self.method_permission_name = self._permission_names()
        super().__init__(**kwargs)

    def _permission_names(self) -> dict[str, str]:
        """Return read or write for every method; one that can change data is a write."""
        names = dict(METHOD_PERMISSIONS)
        for name in dir(type(self)):
            method = getattr(type(self), name, None)
            if hasattr(method, "_action"):
                names[name] = getattr(method, "_row_action", {}).get("permission", WRITE)
            elif hasattr(method, "_permission_name"):
                names.setdefault(name, WRITE if _unsafe(method) else READ)
        return names | (type(self).method_permission_name or {})

    def may(self, permission: str) -> bool:
        """Whether the person signed in may read or write this resource."""
        return self.appbuilder.sm.has_access(f"can_{permission}", self.class_permission_name)

    def update_redirect(self) -> None:
        """Keep no history in the cookie: addresses hold what people searched for (SEC-17)."""

    def get_redirect(self) -> str:
        """Return the address asked for by `next`, else the home page."""
        return self.next_url() or self.appbuilder.get_url_for_index

    def next_url(self) -> str:
        """Return the `next` of the form or the address if it lies on this site, else nothing."""
        wanted = request.form.get("next") or request.args.get("next") or ""
        return get_safe_redirect(wanted) if wanted else ""


class OwnFilters:
    """Filters belong to the request: the view object is one for all threads."""

    @property
    def _filters(self) -> Any:
        template = self.__dict__.get("filters_template")
        if template is None or not has_request_context():
            return template
        kept = request.environ.setdefault("tm.filters", {})
        if id(self) not in kept:
            kept[id(self)] = copy.copy(template)
            kept[id(self)].clear_filters()
        return kept[id(self)]

    @_filters.setter
    def _filters(self, template: Any) -> None:
        self.__dict__["filters_template"] = template
