"""What every view declares and shares: permissions, filters of its own, the way back."""

import copy
from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any, ClassVar

from flask import Flask, has_request_context, redirect, request, url_for
from flask_appbuilder.security import decorators

from app.access.actor import actor_or_none
from app.access.roles import PERMISSIONS
from app.core.address import local_path, names_a_person

READ, WRITE = "read", "write"
# The endpoints that ask for no right: home leads to the sign-in page by itself, the others serve
# whoever is not signed in yet, or a machine that watches.
PUBLIC = frozenset(
    {
        "HomeView.index",
        "LocaleView.index",
        "SignInApi.login",
        "SignInApi.refresh",
        "SignInView.login",
        "SignInView.logout",
        "UtilView.back",
        "appbuilder.static",
        "healthz",
        "readyz",
        "static",
    }
)
# Endpoints of Flask-AppBuilder that ask for a right which access.roles gives to nobody.
STOCK = frozenset({"MenuApi.get_menu_data", "OpenApi.get", "SwaggerView.show"})
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


class OpenEndpoint(RuntimeError):
    """An address would be served without asking for a right; names the endpoints (SEC-01)."""


def asks_itself(method: Callable) -> Callable:
    """Mark a method of a view that asks for its right inside, by what is sent to it; whoever is
    not signed in is led to the sign-in page before."""

    @wraps(method)
    def answer(self: Any, *args: Any, **kwargs: Any) -> Any:
        if actor_or_none() is None:
            return redirect(url_for("SignInView.login"))
        return method(self, *args, **kwargs)

    answer._asks_itself = True
    return answer


def counts(method: Callable) -> Callable:
    """Mark a method of a view that counts over many rows: its statements may take as long as those
    of a report (SEC-35). To be put on the method itself, below @has_access."""
    method._counts = True
    return method


def takes_long(app: Flask, endpoint: str | None) -> bool:
    """Tell whether the view of an endpoint is marked by @counts."""
    return bool(getattr(app.view_functions.get(endpoint or ""), "_counts", False))


def refuse_open_endpoints(app: Flask) -> None:
    """Raise OpenEndpoint when an address states no permission and is not listed as public."""
    names = {rule.endpoint for rule in app.url_map.iter_rules()} - PUBLIC
    still_open = sorted(name for name in names if not _is_closed(name, app.view_functions[name]))
    if still_open:
        raise OpenEndpoint(f"no permission is asked at {', '.join(still_open)}")


def _is_closed(endpoint: str, function: Any) -> bool:
    view = getattr(function, "__self__", None)
    known = isinstance(view, Declared) and view.class_permission_name in PERMISSIONS
    return (known or endpoint in STOCK) and any(map(_asks, _layers(function)))


def _layers(function: Any) -> Iterator[Any]:
    """Yield a method and what its decorators wrap."""
    while function is not None:
        yield getattr(function, "__func__", function)
        function = getattr(function, "__wrapped__", None)


def _asks(function: Any) -> bool:
    """Whether this layer of a method asks for the right: @has_access, @protect, @asks_itself."""
    if getattr(function, "_asks_itself", False):
        return True
    # A wrapper takes the names of the method over; its code still says where it was made.
    code = getattr(function, "__code__", None)
    if code is None or function.__globals__ is not vars(decorators):
        return False
    return code.co_qualname.partition(".")[0] in ("has_access", "protect")


def next_url() -> str:
    """Return the `next` of the form or the address if it lies on this site, else nothing."""
    wanted = local_path(request.form.get("next") or request.args.get("next") or "")
    return "" if names_a_person(wanted) else wanted


def _unsafe(method: Any) -> bool:
    verbs = {verb for _url, verbs in getattr(method, "_urls", ()) for verb in verbs}
    return bool(verbs - {"GET", "HEAD", "OPTIONS"})


class Declared:
    """Refuse a view class that leaves something to the guesses of Flask-AppBuilder.

    A class without addresses of its own passes `abstract=True`.
    """

    must_declare: ClassVar[tuple[str, ...]] = ("class_permission_name",)
    class_permission_name: str

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
        return next_url()


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
