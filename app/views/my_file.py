"""My file: what is left to do, my own fields, submission, where it is, who read it; phone first."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from flask import flash, redirect, request, url_for
from flask_appbuilder.baseviews import expose
from flask_appbuilder.security.decorators import has_access
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from app.access.actor import Actor, current_actor
from app.access.fields import may_add, may_edit_set
from app.core.errors import Problem
from app.extensions import db
from app.indicators.catalog import Catalog, language
from app.models.notice import Notice
from app.models.teacher import NoneAnswer, ReviewState, Teacher
from app.services import confirmation, contents, filling, hint, notice, reveal
from app.services.review import is_the_teachers
from app.views.base import BaseView
from app.views.flow_actions import place_name, step_actions
from app.views.hint import said
from app.views.labels import present_catalog, review_state
from app.views.listing import address_of
from app.views.once import once
from app.views.open_process import may_ask, open_of
from app.views.teacher.content import Finding, SetPart, SetReader, findings, return_notes
from app.views.teacher.file import header_facts, load_teacher, lock_note, require_set
from app.views.teacher.history import timeline
from app.views.teacher.version import difference_parts, versions
from app.views.widgets import text_of
from app.workflows.review import REVIEW

SHOWN_NOTICES = 5
# The way of a file, as its owner sees it: the states that belong to each stage.
STAGES: Sequence[tuple[Any, tuple[str, ...]]] = (
    (_l("Fill in"), (ReviewState.DRAFT, ReviewState.RETURNED)),
    (_l("School"), (ReviewState.SUBMITTED,)),
    (_l("Authority"), (ReviewState.SCHOOL_CONFIRMED,)),
    (
        _l("Effective"),
        (ReviewState.EFFECTIVE, ReviewState.CITY_ACCEPTED, ReviewState.REPORTED),
    ),
)


class Stage(NamedTuple):
    """One stage of the way: done, now or later."""

    title: Any
    state: str
    note: str = ""


@dataclass(frozen=True)
class Task:
    """One set, with what is left to do in it."""

    code: str
    name: str
    href: str
    count: int
    gaps: int
    errors: int
    is_mine: bool
    is_none: bool
    is_returned: bool

    @property
    def is_left(self) -> bool:
        """Whether the teacher has something to do here."""
        return self.is_mine and bool(self.gaps or self.errors or self.is_returned)


def stages(teacher: Teacher) -> list[Stage]:
    """Return the line of stages with the one where the file is."""
    here = next(n for n, (_title, states) in enumerate(STAGES) if teacher.state in states)
    is_final = here == len(STAGES) - 1
    found = []
    for number, (title, _states) in enumerate(STAGES):
        state = "done" if number < here or is_final else "now" if number == here else "later"
        note = text_of(teacher.state_since) if number == here and teacher.state_since else ""
        found.append(Stage(title, state, note))
    return found


def tasks(
    actor: Actor,
    teacher: Teacher,
    counts: Mapping[str, int],
    found: Sequence[Finding],
    catalog: Catalog,
) -> list[Task]:
    """Return the sets of the own file in order; findings count where the teacher can mend them."""
    none = set(
        db.session().scalars(select(NoneAnswer.set).where(NoneAnswer.teacher_id == teacher.id))
    )
    returned = {place.partition("@")[0].partition(".")[0] for place in return_notes(teacher)}
    category = teacher.school.category or ""
    lang = language()
    made = []
    for entry in catalog.category_sets(category):
        mine = [
            each for each in found if each.set == entry.code and _mends(each, category, catalog)
        ]
        made.append(
            Task(
                entry.code,
                catalog.name(entry, lang),
                url_for("MyFileView.set_page", set_code=entry.code),
                counts.get(entry.code, 0),
                sum(each.is_gap for each in mine),
                sum(not each.is_gap and each.severity == "error" for each in mine),
                may_edit_set(actor, teacher, entry.code, catalog),
                entry.code in none,
                entry.code in returned,
            )
        )
    return made


def _mends(finding: Finding, category: str, catalog: Catalog) -> bool:
    problem = Problem(finding.code, finding.message, finding.set, finding.field)
    return is_the_teachers(problem, category, catalog)


class MyFileView(BaseView):
    """The own file of the teacher who is signed in; no address names a person."""

    class_permission_name = "MyFile"
    default_view = "show"
    route_base = "/my-file"

    @expose("/", methods=["GET"])
    @has_access
    def show(self) -> Any:
        """Show where the file is and what is left to do."""
        session, actor, known = db.session(), current_actor(), present_catalog()
        if actor.teacher_id is None:
            return self.render_template("my_file/none.html", title=_("My file"))
        teacher, photo = load_teacher(actor.teacher_id)
        category = teacher.school.category or ""
        found = findings(session, actor, teacher)
        sets = tasks(actor, teacher, contents.counts(session, teacher), found, known)
        warnings = [
            (place_name(each.set, each.field, known), "", each)
            for each in found
            if each.is_open_warning and _mends(each, category, known)
        ]
        left = [each for each in found if _mends(each, category, known)]
        return self.render_template(
            "my_file/show.html",
            title=_("My file"),
            teacher=teacher,
            photo=url_for("AttachmentView.download", uuid=photo) if photo else "",
            state=review_state(teacher.state),
            facts=header_facts(teacher, known),
            stages=stages(teacher),
            steps=step_actions(REVIEW, teacher, actor),
            sets=sets,
            left=[each for each in sets if each.is_left],
            warnings=warnings,
            is_ready=not any(e.severity == "error" or e.is_open_warning for e in left),
            notes=[
                (place_name(*_parts_of(place), known), words, _parts_of(place)[0])
                for place, words in return_notes(teacher).items()
            ],
            lock=lock_note(actor, teacher),
            hints=said(hint.of_file(session, teacher), actor, known) if teacher.is_in_force else [],
            may_confirm=confirmation.is_due(actor, teacher),
            waiting=open_of(session, teacher, known),
            notices=_notices(),
            urls=_urls(teacher),
        )

    @expose("/set/<set_code>", methods=["GET"])
    @has_access
    def set_page(self, set_code: str) -> Any:
        """Show one set of the own file, with the way to the ones before and after it."""
        session, actor, known = db.session(), current_actor(), present_catalog()
        teacher, _photo = load_teacher(actor.teacher_id or 0)
        require_set(actor, teacher, set_code, known)
        order = [entry.code for entry in known.category_sets(teacher.school.category or "")]
        place = order.index(set_code)
        part = SetReader(session, actor, teacher, set_code, catalog=known).read()
        hints = hint.of_file(session, teacher, set_code) if teacher.is_in_force else []
        return self.render_template(
            "my_file/set.html",
            title=part.name,
            part=part,
            previous=_neighbour(order, place - 1, known),
            next=_neighbour(order, place + 1, known),
            lock=_set_lock(actor, teacher, set_code, known),
            places=_hint_places(part) if hint.may_give(actor, teacher) else [],
            hints=said(hints, actor, known),
            longest=hint.TEXT_LENGTH,
            hint_url=url_for("MyFileView.give_hint", set_code=set_code),
            back_url=url_for("MyFileView.show"),
        )

    @expose("/set/<set_code>/hint", methods=["POST"])
    @has_access
    @once
    def give_hint(self, set_code: str) -> Any:
        """Tell the school what should stand in a field of the own effective file."""
        session, actor, known = db.session(), current_actor(), present_catalog()
        teacher, _photo = load_teacher(actor.teacher_id or 0)
        require_set(actor, teacher, set_code, known)
        record, _bar, field = request.form.get("place", "").partition("|")
        about = hint.About(set_code, field, record)
        hint.give(session, actor, teacher, about, request.form.get("text", ""), catalog=known)
        session.commit()
        flash(_("Your school has your hint. You see its answer here."), "success")
        return redirect(url_for("MyFileView.set_page", set_code=set_code))

    @expose("/history", methods=["GET"])
    @has_access
    def history(self) -> Any:
        """Show the timeline of the own file, and its versions."""
        session, actor, known = db.session(), current_actor(), present_catalog()
        teacher, _photo = load_teacher(actor.teacher_id or 0)
        return self.render_template(
            "my_file/history.html",
            title=_("What happened"),
            events=timeline(session, teacher, known, actor),
            versions=versions(session, teacher, known, is_mine=True),
            urls={"self": url_for("FileView.show", pk=teacher.id)},
            back_url=url_for("MyFileView.show"),
        )

    @expose("/difference", methods=["GET"])
    @has_access
    def difference(self) -> Any:
        """Show how any two versions of the own file differ."""
        session, actor, known = db.session(), current_actor(), present_catalog()
        teacher, _photo = load_teacher(actor.teacher_id or 0)
        return self.render_template(
            "teacher/difference.html",
            title=_("Difference of versions"),
            trail=[(_("My file"), url_for("MyFileView.show"))],
            teacher=teacher,
            **difference_parts(session, actor, teacher, request.args, known),
        )

    @expose("/readers", methods=["GET"])
    @has_access
    def readers(self) -> Any:
        """Show which organisations read the own file (SEC-16)."""
        return self.render_template(
            "my_file/readers.html",
            title=_("Who read my file"),
            readings=reveal.readings(db.session(), current_actor()),
            back_url=url_for("MyFileView.show"),
        )


def _hint_places(part: SetPart) -> list[tuple[str, str]]:
    """Return the fields of the records of a set, of which a hint may speak."""
    return [
        (f"{row.uuid}|{fact.code}", f"{row.title} · {fact.label}" if named else fact.label)
        for named in [part.entry.multi_row and len(part.rows) > 1]
        for row in part.rows
        if row.uuid
        for fact in row.facts
    ]


def _parts_of(place: str) -> tuple[str, str | None]:
    set_code, _dot, code = place.partition("@")[0].partition(".")
    return set_code, code or None


def _urls(teacher: Teacher) -> dict[str, str]:
    return {
        "history": url_for("MyFileView.history"),
        "readers": url_for("MyFileView.readers"),
        "acknowledge": url_for("FileView.acknowledge", pk=teacher.id),
        "confirm": url_for("FileView.confirm", pk=teacher.id),
        "print": address_of("PrintView", "sheet"),
        "notices": address_of("NoticeView", "list"),
        "self": url_for("MyFileView.show"),
    }


def _neighbour(order: Sequence[str], place: int, catalog: Catalog) -> tuple[str, str] | None:
    if not 0 <= place < len(order):
        return None
    code = order[place]
    name = catalog.name(catalog.set(code), language())
    return name, url_for("MyFileView.set_page", set_code=code)


def _set_lock(actor: Actor, teacher: Teacher, set_code: str, catalog: Catalog) -> str:
    if teacher.is_in_force:
        if may_ask(actor, teacher, set_code, may_add, catalog):
            return _("The file is in force. What you add waits for your school and the authority.")
        return _("Filled in by the school. Ask the information administrator of your school.")
    if not filling.is_open_to(actor, teacher):
        return filling.locked_reason(teacher)
    if not may_edit_set(actor, teacher, set_code, catalog):
        return _("Filled in by the school. Ask the information administrator of your school.")
    return ""


def _notices() -> list[tuple[str, str, bool]]:
    """Return the latest notices: words, time, whether it is unread."""
    rows = db.session().scalars(
        select(Notice)
        .where(Notice.account_id == current_actor().account_id)
        .order_by(Notice.id.desc())
        .limit(SHOWN_NOTICES)
    )
    return [(notice.words(row), text_of(row.at), row.read_at is None) for row in rows]
