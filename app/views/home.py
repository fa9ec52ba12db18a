"""Home: what waits for me, how far my unit is, deadlines and notices, charts below."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

from flask import redirect, url_for
from flask_appbuilder import IndexView
from flask_appbuilder.baseviews import expose
from flask_appbuilder.security.decorators import has_access
from flask_babel import format_date
from flask_babel import gettext as _

from app.access.actor import Actor, actor_or_none, current_actor
from app.core import clock
from app.extensions import db
from app.models.teacher import ReviewState, Teacher
from app.services.home import Home
from app.services.home_parts import Figure, RoundLine, TodoItem
from app.services.listed import equals
from app.views import my_file
from app.views.charts import home_charts
from app.views.declared import Declared
from app.views.labels import REVIEW_WORDS, review_state
from app.views.listed import MONITOR, address
from app.views.listing import address_of
from app.views.notice import lines as notice_lines
from app.views.teacher.content import findings
from app.views.widgets import Badge, number_of

BAR = 1000  # The width of the bar of states, in its own units.
GAP = 3
SOON = 7  # Days before a deadline from which it stands out.


class Tile(NamedTuple):
    """A figure at the top, as a link to its list."""

    label: Any
    value: str
    href: str
    note: Any = ""
    tone: str = ""
    about: Any = ""


@dataclass(frozen=True)
class Waiting:
    """One line of what waits, as a link to its list."""

    icon: str
    title: Any
    note: str
    count: str
    href: str
    late: bool


@dataclass(frozen=True)
class Part:
    """One state in the bar: where it starts, how wide it is, and its list."""

    state: str
    label: Any
    count: int
    href: str
    x: int
    width: int
    percent: str


class Deadline(NamedTuple):
    """A round with the last day of the own stage and what it asks for."""

    name: str
    due: str
    stage: Any
    left: Badge
    note: Any
    href: str


class HomeView(Declared, IndexView):
    """The page after sign-in."""

    class_permission_name = "Home"

    @expose("/")
    def index(self) -> Any:
        """Show the home page of the role."""
        actor = actor_or_none()
        if actor is None:
            return redirect(url_for("SignInView.login"))
        page = Home(db.session(), actor)
        return self.render_template(
            "home/page.html",
            title=_("Home"),
            appbuilder=self.appbuilder,
            greeting=_("Hello, %(name)s", name=actor.name),
            day=long_date(clock.today()),
            place=actor.unit_name,
            role=actor.role,
            tiles=tiles(page.figures()),
            todo=waiting(page.todo()),
            parts_of_bar=parts(page.progress()),
            deadlines=deadlines(page.rounds, actor),
            notices=notice_lines(page.notices(), actor),
            notices_url=address_of("NoticeView", "list"),
            charts_url=charts_url(actor),
            mine=own_file(page, page.own_file) if page.own_file is not None else None,
        )

    @expose("/home/charts", methods=["GET"])
    @has_access
    def charts(self) -> Any:
        """Answer with the charts below the page, which are drawn after it."""
        return self.render_template(
            "home/charts_part.html",
            appbuilder=self.appbuilder,
            charts=home_charts(db.session(), current_actor()),
        )


def charts_url(actor: Actor) -> str:
    """Return where the charts come from, for those who have any."""
    has_charts = actor.works_with_files and actor.tier != "teacher"
    return url_for("HomeView.charts") if has_charts else ""


def long_date(day: date) -> str:
    """Write a day with its weekday in the reader's language."""
    return f"{day.isoformat()} {format_date(day, 'EEEE')}"


def tiles(figures: Iterable[Figure]) -> list[Tile]:
    """Return the figures whose list this person may open."""
    return [
        Tile(each.label, number_of(each.count), href, each.note, each.tone, each.about)
        for each in figures
        if (href := address(each.list, each.where))
    ]


def waiting(items: Iterable[TodoItem]) -> list[Waiting]:
    """Return what waits, with its age in words."""
    return [
        Waiting(each.icon, each.label, _note(each), number_of(each.count), href, each.overdue)
        for each in items
        if (href := address(each.list, each.where))
    ]


def _note(item: TodoItem) -> str:
    age = _("oldest since %(day)s", day=clock.local(item.oldest).date()) if item.oldest else ""
    return " · ".join(text for text in (str(item.note), age) if text)


def parts(figures: Sequence[Figure]) -> list[Part]:
    """Return the states as parts of one bar whose widths add up to its whole width."""
    total = sum(each.count for each in figures)
    made, x, passed = [], 0, 0
    for each in figures:
        passed += each.count
        end = round(BAR * passed / total) if total else 0
        width = max(end - x - GAP, 1) if each.count else 0
        made.append(
            Part(
                each.key,
                REVIEW_WORDS[ReviewState(each.key)],
                each.count,
                address(each.list, each.where),
                x,
                width,
                f"{100 * each.count / total:.0f}%" if total else "",
            )
        )
        x = end
    return made if total else []


def deadlines(lines: Iterable[RoundLine], actor: Actor) -> list[Deadline]:
    """Return the rounds with what is left of their time, and the schools behind."""
    may_look = actor.tier != "teacher"
    return [
        Deadline(
            each.name,
            each.due.isoformat(),
            each.stage,
            time_left(each.days_left),
            _schools_note(each),
            address(MONITOR, _round_where(each)) if may_look else "",
        )
        for each in lines
    ]


def _round_where(each: RoundLine) -> Any:
    show = (equals("show", "behind"),) if each.behind else ()
    return (equals("round", each.id), *show)


def _schools_note(each: RoundLine) -> str:
    if each.behind is None:
        return _("Extended for your school") if each.is_extended else ""
    return _("%(n)s of %(all)s schools are behind", n=each.behind, all=each.schools)


def time_left(days: int) -> Badge:
    """Return how much time is left, as a badge."""
    if days < 0:
        words = _("%(n)s day(s) past", n=-days)
        return Badge(words, "alert-circle", "bad")
    if days == 0:
        return Badge(_("Ends today"), "clock", "back")
    words = _("%(n)s day(s) left", n=days)
    return Badge(words, "clock", "wait" if days <= SOON else "info")


class OwnFile(NamedTuple):
    """The own file of a teacher: where it is and what is left to do."""

    state: Badge
    stages: Sequence[Any]
    percent: int
    is_open: bool
    left: Sequence[Any]
    returned: str
    href: str


def own_file(page: Home, file: Teacher) -> OwnFile:
    """Return what a teacher's home shows of the own file."""
    session, actor, known = page.session, page.actor, page.known
    found = findings(session, actor, file)
    sets = my_file.tasks(actor, file, {}, found, known)
    notes = file.return_notes or {}
    return OwnFile(
        review_state(file.state),
        my_file.stages(file),
        file.complete_percent,
        file.is_open,
        [each for each in sets if each.is_left] if file.is_open else [],
        str(notes.get("reason", "")) if file.state == ReviewState.RETURNED else "",
        url_for("MyFileView.show"),
    )
