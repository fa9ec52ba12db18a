"""What every request and answer has: an id, limits, headers, error pages, template globals."""

import logging
import os
import secrets
from collections.abc import Iterable, Mapping, Sequence
from mimetypes import guess_type
from pathlib import Path
from typing import Any
from uuid import uuid4

from flask import (
    Flask,
    Response,
    abort,
    current_app,
    g,
    has_request_context,
    jsonify,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from flask_appbuilder import AppBuilder
from flask_babel import get_locale
from flask_babel import gettext as _
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm.exc import StaleDataError
from werkzeug.exceptions import HTTPException
from werkzeug.routing import IntegerConverter, Map

from app.access.actor import Actor, actor_or_none
from app.access.roles import ROLE_LABELS
from app.core import logs
from app.core.address import local_path, names_a_person
from app.core.crypto import SealBroken
from app.core.database import reads_only, statement_seconds
from app.core.errors import AppError, Busy, Malformed, Problem, Refused, Stale
from app.core.sealed import REMEDY
from app.core.whole import LARGEST
from app.extensions import db
from app.services import audit, audit_watch, delegation, notice, sign_in
from app.views.assets import register_assets
from app.views.declared import next_url, takes_long
from app.views.listing import register_listing
from app.views.once import submit_key
from app.views.widgets import register_widgets
from config import DEMO_SECRET

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
REFUSALS = (403, 404)
UNEXPECTED = 500
MAX_QUERY = 8 * 1024
TAKEN = frozenset({"23505", "SQLITE_CONSTRAINT_UNIQUE", "SQLITE_CONSTRAINT_PRIMARYKEY"})
# Answers a number in its address, typed where no script ran, with a redirect to the file.
TAKES_NUMBERS = frozenset({"TeacherView.list"})
CSP = (
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "font-src 'self'; connect-src 'self'; object-src 'none'; base-uri 'none'; "
    "frame-ancestors 'none'; form-action 'self'"
)
HEADERS = {
    "Content-Security-Policy": CSP,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}

log = logging.getLogger(__name__)
audit_watch.watch_writes(db.session.session_factory)


class Key(IntegerConverter):
    """The <int:...> of an address; with a number that no key can have the address is not there."""

    def __init__(self, map: Map, **kwargs: Any) -> None:
        super().__init__(map, **{"max": LARGEST} | kwargs)


class Application(Flask):
    """Flask, with built files sent compressed to those who take them."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.url_map.converters["int"] = Key

    def send_static_file(self, filename: str) -> Response:
        """Send a static file; of a built one the `.gz` beside it where there is one."""
        packed = Path(str(self.static_folder)) / f"{filename}.gz"
        takes_gzip = "gzip" in request.headers.get("Accept-Encoding", "")
        if not (filename.startswith("dist/") and takes_gzip and packed.is_file()):
            return super().send_static_file(filename)
        response = super().send_static_file(f"{filename}.gz")
        response.mimetype = guess_type(filename)[0] or "application/octet-stream"
        response.headers["Content-Encoding"] = "gzip"
        response.headers["Vary"] = "Accept-Encoding"
        return response


def register(app: Flask, appbuilder: AppBuilder) -> None:
    """Hang hooks, error handlers and template globals on the application."""
    app.before_request(_begin)
    app.teardown_request(_end)
    app.after_request(_finish)
    app.url_defaults(_shorten_next)
    # The stock views of these keep a history of addresses in the cookie and follow it.
    app.view_functions |= {"UtilView.back": _back, "LocaleView.index": _change_language}
    app.register_error_handler(AppError, lambda error: answer(app, error))
    app.register_error_handler(SealBroken, lambda error: _broken_seal(app, error))
    app.register_error_handler(HTTPException, lambda error: _http_error(app, error))
    app.register_error_handler(CSRFError, lambda error: _csrf_error(app, error))
    app.register_error_handler(StaleDataError, lambda _error: answer(app, Stale()))
    app.register_error_handler(DBAPIError, lambda error: _database_error(app, error))
    app.register_error_handler(PoolTimeout, lambda _error: answer(app, Busy()))
    app.register_error_handler(Exception, lambda error: _unexpected(app, error))
    # Pages are read by machines: the lines that only hold a block need not be sent.
    appbuilder.sm.on_sign_in.append(sign_in.note)
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    register_assets(app)
    register_widgets(app)
    register_listing(app)
    app.jinja_env.globals.update(
        current_actor=actor_or_none,
        my_assignments=appbuilder.sm.assignments,
        my_delegators=lambda: my_delegators(appbuilder.sm.assignments()),
        unread_notices=unread_notices,
        role_label=role_label,
        submit_key=submit_key,
        next_url=next_url,
        language=language,
        is_demo=lambda: bool(app.config["DEMO"]),
        request_id=request_id,
    )


def language() -> str:
    """The page's language: zh or en."""
    locale = get_locale()
    return "en" if locale is not None and locale.language == "en" else "zh"


def role_label(role: str) -> str:
    """The name of a role in the reader's language."""
    return str(ROLE_LABELS.get(role, role))  # type: ignore[call-overload]


def my_delegators(held: Iterable[tuple[Any, Any]]) -> Mapping[int, str]:
    """Assignment -> in whose place it acts, of one's own; without delegation no statement."""
    if "delegators" not in g:
        wanted = [assignment.id for assignment, _unit in held if assignment.delegated_from]
        g.delegators = delegation.delegators(db.session(), wanted)
    return g.delegators


def unread_notices() -> int:
    """Unread notices of the present account, counted to 100; once per request."""
    if "unread" not in g:
        actor = actor_or_none()
        g.unread = 0 if actor is None else notice.unread_count(db.session(), actor)
    return g.unread


def request_id() -> str:
    """The id under which this request stands in log and audit."""
    return g.get("request_id", "")


def _begin() -> None:
    g.request_id = uuid4().hex[:16]
    is_report = takes_long(current_app, request.endpoint)
    g.tokens = (
        logs.context.set(logs.Context(g.request_id, request.remote_addr)),
        reads_only.set(request.method in SAFE),
        statement_seconds.set(current_app.config["REPORT_TIMEOUT"] if is_report else None),
    )
    if len(request.query_string) > MAX_QUERY:
        abort(400)
    # Werkzeug counts the parts of a multipart form only.
    if sum(map(len, request.form.listvalues())) > current_app.config["MAX_FORM_PARTS"]:
        abort(413)
    if request.endpoint not in TAKES_NUMBERS and any(
        names_a_person(value) for values in request.args.listvalues() for value in values
    ):
        raise Malformed(
            _("A number of a person must not stand in an address. Type it into the search box.")
        )


def _end(_error: BaseException | None) -> None:
    context, reading, seconds = g.pop("tokens", (None, None, None))
    if context is not None:
        logs.context.reset(context)
        reads_only.reset(reading)
        statement_seconds.reset(seconds)


def _shorten_next(endpoint: str, values: dict[str, Any]) -> None:
    """The way back from the sign-in page is a path: Flask-AppBuilder passes whole addresses."""
    wanted = values.get("next") if endpoint == "SignInView.login" else None
    if wanted and has_request_context() and wanted.startswith(request.host_url):
        path = local_path("/" + wanted.removeprefix(request.host_url))
        values["next"] = None if names_a_person(path) else path or None


def _back() -> Any:
    return redirect(next_url() or url_for("HomeView.index"))


def _change_language(locale: str) -> Any:
    if locale not in current_app.config["LANGUAGES"]:
        abort(404)
    session["locale"] = locale
    return _back()


def _finish(response: Response) -> Response:
    if response.status_code in REFUSALS:
        # Here and not where errors are answered: Flask-AppBuilder's API answers some by itself.
        _note_refusal(response.status_code)
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    if request.endpoint != "static":
        response.headers["Cache-Control"] = "no-store"
    if request.is_secure:
        response.headers.setdefault("Strict-Transport-Security", "max-age=31536000")
    return response


def wants_json() -> bool:
    """Whether the answer goes to a program."""
    if request.path.startswith("/api/"):
        return True
    best = request.accept_mimetypes.best_match(["text/html", "application/json"])
    return best == "application/json"


def answer(app: Flask, error: AppError) -> Response:
    """Turn a refusal into its page or JSON body; whatever it had begun is rolled back."""
    response = _say(app, error.status, str(error), error.problems)
    if error.retry_after:
        response.headers["Retry-After"] = str(error.retry_after)
    return response


def _broken_seal(app: Flask, error: SealBroken) -> Response:
    """What has no cell of its own, such as an attachment, is refused as a whole (SEC-39)."""
    app.logger.error("What was sealed is unreadable: %s", error)
    return answer(app, Refused(REMEDY))


def _say(app: Flask, status: int, message: str, problems: Sequence[Problem] = ()) -> Response:
    db.session.rollback()
    if wants_json():
        body: dict[str, Any] = {"message": message, "errors": [_plain(p) for p in problems]}
        if status == UNEXPECTED:
            body["request_id"] = request_id()  # The number that the message speaks of.
        response = jsonify(body)
    else:
        response = Response(_page(app, status, message, problems))
    response.status_code = status
    return response


def _plain(problem: Problem) -> Mapping[str, Any]:
    body = problem.as_dict()
    return {k: v for k, v in body.items() if v not in (None, {}, "")}


def _note_refusal(status: int) -> None:
    """A refusal by scope or right is on record (SEC-43); in a transaction of its own."""
    db.session.rollback()
    actor = actor_or_none() or _without_assignment()
    if actor is None:
        return
    token = reads_only.set(False)
    try:
        db.session.rollback()
        audit.record(
            db.session(),
            "refused",
            actor=actor,
            object=(request.endpoint or "unknown", None),
            outcome="refused",
            detail={"status": status, "method": request.method},
        )
        db.session.commit()
    finally:
        reads_only.reset(token)


def _without_assignment() -> Actor | None:
    """The signed-in account that holds no assignment and is therefore nobody."""
    account = current_app.appbuilder.sm.current_user  # type: ignore[attr-defined]
    if account is None or not getattr(account, "id", None):
        return None
    return sign_in.actor_of(db.session(), account)


def _page(app: Flask, status: int, message: str, problems: Any = ()) -> str:
    builder = app.appbuilder  # type: ignore[attr-defined]
    return render_template(
        "tm/error.html",
        appbuilder=builder,
        base_template=builder.base_template,
        status=status,
        message=message,
        problems=problems,
        request_id=request_id(),
    )


MESSAGES = {
    400: lambda: _("The request is not valid."),
    401: lambda: _("Please sign in."),
    403: lambda: _("You are not allowed to do this."),
    404: lambda: _("This page or record does not exist."),
    405: lambda: _("This address does not take such a request."),
    413: lambda: _("What you sent is too large."),
    429: lambda: _("You have reached the limit. Please try again later."),
}


def _http_error(app: Flask, error: HTTPException) -> Any:
    status = error.code or 500
    if error.response is not None or status < 400:
        return error
    words = MESSAGES.get(status, lambda: _("The request could not be carried out."))
    return _say(app, status, words())


def _csrf_error(app: Flask, _error: CSRFError) -> Any:
    return _say(app, 400, _("This form has expired. Go back, load the page again and send it."))


def _database_error(app: Flask, error: DBAPIError) -> Any:
    """No SQL and no values on the screen: a number that stands in the log (SEC-17)."""
    db.session.rollback()
    if isinstance(error, OperationalError) or error.connection_invalidated:
        log.error("database is not available: %s", type(error.orig).__name__)
        return answer(app, Busy(retry_after=5))
    if isinstance(error, IntegrityError) and _is_taken(error):
        # Two wrote the same at once: one was faster, and the other is told so (REL-02).
        log.warning("somebody was faster", exc_info=error)
        return answer(app, Stale())
    return _unexpected(app, error)


def _is_taken(error: IntegrityError) -> bool:
    """Whether a unique key was taken already; any other constraint is a fault of ours."""
    code = getattr(error.orig, "sqlstate", None) or getattr(error.orig, "sqlite_errorname", "")
    return code in TAKEN


def _unexpected(app: Flask, error: Exception) -> Any:
    log.error("unexpected error", exc_info=error)
    try:
        words = _("Something went wrong. Please tell the support this number.")
        return _say(app, UNEXPECTED, words)
    except Exception:  # noqa: BLE001  (the error page itself failed; the process stays up)
        log.exception("the error page failed")
        return Response(f"500 {request_id()}", status=UNEXPECTED, mimetype="text/plain")


def secret_from(path: Path) -> str:
    """The key of signed cookies from a file of mode 600, made when missing (demo only).

    Production knows it by its beginning and refuses it.
    """
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as stream:
            stream.write(DEMO_SECRET + secrets.token_hex(32))
    return path.read_text().strip()


def forget_session() -> None:
    """Drop everything the cookie holds."""
    session.clear()
