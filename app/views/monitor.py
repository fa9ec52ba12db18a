"""Monitoring: a round by district and school, who is behind, and urging them (S62)."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlencode

from flask import flash, redirect, request, url_for
from flask_appbuilder.baseviews import expose
from flask_appbuilder.security.decorators import has_access
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from werkzeug.datastructures import MultiDict

from app.access.actor import Actor, current_actor
from app.core import clock
from app.core.errors import Malformed, NotFound, Stale
from app.core.whole import whole_number
from app.extensions import db
from app.models.round import Round
from app.models.teacher import Teacher
from app.services import monitor as service
from app.services import round as terms
from app.services.home import Home
from app.services.listed import equals, one_of
from app.services.round import NOT_REPORTED
from app.views import monitor_table as tables
from app.views.base import BaseView, RowAction
from app.views.datamodel import Count
from app.views.declared import counts
from app.views.home import parts, time_left
from app.views.labels import code_choices, review_state
from app.views.listed import address
from app.views.listing import Arguments, Segment, address_of, link, read_arguments
from app.views.monitor_table import NAME
from app.views.once import first_result, remember
from app.views.school_filters import authority_choices
from app.views.widgets import text_of

PAGE = 25
MISSING = 25  # Files that the page of a school names.
FORMATS = ("csv", "xlsx")
OF_AUTHORITIES = ("schools", "behind")
SHOWN = (
    ("all", _l("All")),
    ("behind", _l("Behind")),
    ("overdue", _l("Past their deadline")),
    ("nothing", _l("Nothing reported")),
    ("done", _l("All reported")),
)


class Asked(NamedTuple):
    """What an address asks for; `by_authority` when the city looks at its authorities."""

    round: Round
    authority: int | None
    category: str
    show: str
    arguments: Arguments
    by_authority: bool


class Stage(NamedTuple):
    """A stage of a round on its line: done, now or later."""

    title: Any
    note: str
    state: str


class MonitorView(BaseView):
    """A round as each tier looks at it: authorities, schools, or the own school."""

    class_permission_name = "Round"
    route_base = "/monitor"
    default_view = "list"

    @expose("/list/", methods=["GET"])
    @has_access
    @counts
    def list(self) -> Any:
        """Show a round: the first one under way, unless another one is asked for."""
        session, actor = db.session(), current_actor()
        found = service.rounds(session, actor)
        each = service.chosen_round(found, _key(request.args, "round"))
        if each is None:
            add = address_of("RoundView", "add") if terms.may_manage(actor) else ""
            return self.render_template("monitor/none.html", title=_("Monitoring"), add_url=add)
        page = {
            "title": _("Monitoring"),
            "round": each,
            "rounds": [
                (_round_name(other), url_for("MonitorView.list", round=other.id), other is each)
                for other in found
            ],
            "stages": stages(each),
        }
        if actor.tier == "school":
            return self.render_template("monitor/school.html", **page, **_own(each, actor))
        asked = _asked(request.args, each, actor)
        return self.render_template("monitor/list.html", **page, **self._table(asked, actor))

    @expose("/export", methods=["GET"])
    @has_access
    @counts
    def export(self) -> Any:
        """Send the schools that the page shows, all of them, as CSV or xlsx."""
        session, actor = db.session(), current_actor()
        kind = request.args.get("format", FORMATS[0])
        if kind not in FORMATS or actor.tier == "school":
            raise Malformed(_("This format is not offered."))
        asked = _asked(request.args, _round(request.args, actor), actor)
        found = service.lines(session, _ordered(asked))
        names = dict(authority_choices())
        urged = service.urged_at(session, [line.id for line in found])
        rows = (tables.file_row(line, names, urged.get(line.id)) for line in found)
        # The writers of files are loaded when the first file is asked for.
        from app.exchange import export  # noqa: PLC0415

        send = {"csv": export.stream_csv, "xlsx": export.write_xlsx}[kind]
        return send(tables.file_headings(), rows, name=f"{_('Monitoring')} {asked.round.name}")

    @expose("/urge", methods=["POST"])
    @has_access
    def urge(self) -> Any:
        """Urge the marked units, or all that a filter matches, as far as they are behind."""
        session, actor = db.session(), current_actor()
        if (answer := first_result(session)) is not None:
            return answer
        arguments = MultiDict(parse_qsl(request.form.get("filter", "")))
        asked = _asked(arguments, _round(arguments, actor), actor)
        became = service.urge(
            session,
            actor,
            asked.round,
            _everything(asked) if request.form.get("select_all") else _marked(asked),
            words=request.form.get("reason-urge", ""),
        )
        back = url_for("MonitorView.list") + "?" + urlencode(list(arguments.items(multi=True)))
        remember(session, back)
        session.commit()
        flash(outcome(became), "success" if became.told else "warning")
        return redirect(back)

    def _table(self, asked: Asked, actor: Actor) -> dict[str, Any]:
        """Return the table with what stands above it: filters, segments, who may be urged."""
        session, each = db.session(), asked.round
        sums = service.sums(session, _matching(asked._replace(show="all")))
        may_urge = service.may_urge(actor, each)
        more: dict[str, Any] = {
            "actions": [URGE] if may_urge else [],
            "segments": [
                Segment(
                    label,
                    getattr(sums, name),
                    link([f"page_{NAME}"], round=each.id, show="" if name == "all" else name),
                    asked.show == name,
                )
                for name, label in SHOWN
            ],
            "filtered": not asked.by_authority,
        }
        names = dict(authority_choices())
        if asked.by_authority:
            found = _sorted(service.authorities(session, each), asked.arguments)
            listing = tables.authorities(found, each, names, asked.arguments, **more)
            total = tables.total(found, each)
        else:
            listing, total = _school_table(asked, getattr(sums, asked.show), more), []
        return {
            "ls": listing,
            "total": total,
            "asked": asked,
            "sums": sums,
            "urge": URGE if may_urge else None,
            "filter": urlencode(_conditions(asked)),
            "behind_filter": urlencode(_conditions(asked._replace(show="behind"))),
            "authorities": names if actor.tier == "city" else {},
            "categories": _categories(each),
            "exports": [
                (kind, url_for("MonitorView.export", **dict(_conditions(asked)), format=kind))
                for kind in FORMATS
            ],
            "clear_url": url_for("MonitorView.list", round=each.id),
            "urge_url": url_for("MonitorView.urge"),
        }


URGE = RowAction(
    "urge",
    _l("Urge"),
    MonitorView.urge,
    icon="bell-ringing",
    confirmation=_l(
        "Schools that are behind get a notice to their information administrator and their head, "
        "at most once a day. You may add a sentence."
    ),
    reason="optional",
    primary=True,
)


def _school_table(asked: Asked, count: int, more: dict[str, Any]) -> Any:
    session, arguments = db.session(), asked.arguments
    statement = _ordered(asked).offset(arguments.page * arguments.size)
    found = service.lines(session, statement.limit(arguments.size + 1))
    shown = found[: arguments.size]
    urged = service.urged_at(session, [line.id for line in shown])
    counted = {"count": Count(count, True), "more": len(found) > len(shown)}
    return tables.schools(shown, asked.round, urged, arguments, **counted, **more)


def _round_name(each: Round) -> str:
    return _("%(name)s (closed)", name=each.name) if each.closed else each.name


def _key(arguments: MultiDict, name: str) -> int | None:
    """Return a key of the address. Raise Malformed for something else than a number."""
    text = arguments.get(name, "")
    number = whole_number(text)
    if text and number is None:
        raise Malformed()
    return number


def _round(arguments: MultiDict, actor: Actor) -> Round:
    """Return the round an address names, else the first one. Raise NotFound without any."""
    found = service.rounds(db.session(), actor)
    each = service.chosen_round(found, _key(arguments, "round"))
    if each is None:
        raise NotFound()
    return each


def _asked(arguments: MultiDict, each: Round, actor: Actor) -> Asked:
    """Read an address. Raise Malformed for what the page does not offer, NotFound for an
    authority outside the scope."""
    read = read_arguments(arguments, NAME, PAGE, [*service.SORTED_BY, *OF_AUTHORITIES])
    authority, show = _key(arguments, "authority"), arguments.get("show", "") or "all"
    category = arguments.get("category", "")
    known = dict(code_choices("school_category")())
    if show not in service.CHOICES or (category and category not in known):
        raise Malformed(_("This list cannot be filtered like that."))
    reach = dict(authority_choices()) if actor.tier == "city" else {actor.unit_id: ""}
    if authority is not None and authority not in reach:
        raise NotFound()
    is_narrowed = authority is not None or bool(category or read.text or show != "all")
    by_authority = actor.tier == "city" and not is_narrowed
    if read.order in OF_AUTHORITIES and not by_authority:
        read = read._replace(order="")
    return Asked(each, authority, category, show, read, by_authority)


def _conditions(asked: Asked) -> Sequence[tuple[str, Any]]:
    """Return what an address must say to find the same schools again."""
    pairs = {
        "round": asked.round.id,
        "authority": asked.authority,
        "category": asked.category,
        "show": "" if asked.show == "all" else asked.show,
        "q": asked.arguments.text,
    }
    return [(key, value) for key, value in pairs.items() if value]


def _matching(asked: Asked) -> Any:
    table = service.schools(asked.round, authority=asked.authority)
    return service.narrowed(
        table, text=asked.arguments.text, category=asked.category, show=asked.show
    )


def _ordered(asked: Asked) -> Any:
    return service.ordered(_matching(asked), asked.arguments.order, asked.arguments.direction)


def _sorted(found: list[service.Line], arguments: Arguments) -> list[service.Line]:
    """Sort authorities; those furthest behind come first unless asked otherwise."""
    key = {"": "percent", "name": "code"}.get(arguments.order, arguments.order)
    is_falling = arguments.direction == "desc"
    return sorted(found, key=lambda line: (getattr(line, key), line.code), reverse=is_falling)


def _everything(asked: Asked) -> Any:
    """Return all that match. Raise Stale when they are others than the page showed."""
    statement = _matching(asked)
    sums = service.sums(db.session(), statement)
    if request.form.get("count") not in (str(sums.all), None):
        raise Stale(_("The list has changed since you opened it. Please check it again."))
    return statement


def _marked(asked: Asked) -> Any:
    """Return the schools of the marked rows. Raise NotFound for a row outside the scope, which is
    answered like one that does not exist (SEC-02, SEC-03)."""
    sent = request.form.getlist("rowid")
    marked = {key for each in sent if (key := whole_number(each)) is not None}
    if not sent:
        raise Malformed(_("Nothing is selected."))
    table = service.schools(asked.round)
    column = table.c.authority_id if asked.by_authority else table.c.id
    found = set(db.session().scalars(select(column).where(column.in_(marked)).distinct()))
    if len(found) != len(set(sent)):
        raise NotFound()
    return select(table).where(column.in_(marked))


def _categories(each: Round) -> Sequence[tuple[str, str]]:
    wanted = [code for code in each.categories.split(",") if code]
    return [pair for pair in code_choices("school_category")() if not wanted or pair[0] in wanted]


def stages(each: Round) -> Sequence[Stage]:
    """Return the three deadlines of a round as a line; the stage of the day is the present one."""
    day = clock.today()
    days = (
        (_l("Schools report"), each.school_deadline),
        (_l("Authorities review"), each.authority_deadline),
        (_l("City accepts"), each.city_deadline),
    )
    now = next((n for n, (_title, due) in enumerate(days) if day <= due), len(days))
    made = []
    for number, (title, due) in enumerate(days):
        is_past = number < now or each.closed
        state = "done" if is_past else "now" if number == now else "later"
        left = f" · {time_left((due - day) // timedelta(days=1)).label}" if state == "now" else ""
        made.append(Stage(title, f"{due.isoformat()}{left}", state))
    return made


def outcome(became: service.Urged) -> str:
    """Say what became of an urging."""
    sentences = [_("%(n)s school(s) urged.", n=became.told)]
    if became.today:
        sentences.append(_("%(n)s had been urged today already.", n=became.today))
    if became.nobody:
        sentences.append(_("%(n)s have nobody in charge who could be told.", n=became.nobody))
    return " ".join(sentences)


def _own(each: Round, actor: Actor) -> dict[str, Any]:
    """Return how far the own school is, and whose files are missing."""
    session = db.session()
    found = service.lines(session, select(service.schools(each, school=actor.unit_id)))
    line = found[0] if found else None
    missing = session.scalars(
        select(Teacher)
        .where(Teacher.active, Teacher.state.in_(NOT_REPORTED))
        .order_by(Teacher.complete_percent, Teacher.name, Teacher.id)
        .limit(MISSING)
    ).all()
    urged = service.urged_at(session, [actor.unit_id]).get(actor.unit_id)
    return {
        "line": line,
        "left": time_left((line.due - clock.today()).days) if line is not None else None,
        "parts_of_bar": parts(Home(session, actor).progress()),
        "missing": [(file, review_state(file.state)) for file in missing],
        "missing_count": line.open if line is not None else 0,
        "missing_url": address("teacher", (equals("active", True), one_of("state", NOT_REPORTED))),
        "urged": text_of(urged) if urged else "",
    }
