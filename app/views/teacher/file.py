"""The file of one teacher: header card, sets loaded on demand, findings, timeline, reveal."""

from typing import Any

from flask import flash, jsonify, redirect, request, url_for
from flask_appbuilder.baseviews import expose
from flask_appbuilder.security.decorators import has_access
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from app.access.actor import Actor, current_actor
from app.access.fields import is_collected, may_view_set
from app.access.roles import Role, may_open
from app.core.errors import LimitReached, Malformed, NotFound
from app.core.whole import whole_number
from app.extensions import db
from app.indicators.catalog import Catalog, language
from app.indicators.checks.reading import is_none
from app.models.teacher import Teacher
from app.services import (
    attachment,
    check,
    confirmation,
    contents,
    filling,
    hint,
    projection,
    reveal,
    rotation,
)
from app.views.base import BaseView
from app.views.declared import READ
from app.views.flow_actions import place_name, step_actions
from app.views.labels import present_catalog, review_state
from app.views.listing import address_of
from app.views.on_record import on_record
from app.views.once import once
from app.views.open_process import open_of
from app.views.status_history import register_url, status_label, status_lines
from app.views.teacher.content import (
    Finding,
    SetReader,
    findings,
    return_notes,
    set_tabs,
)
from app.views.teacher.history import asked_moment, timeline
from app.views.teacher.places import places_of
from app.views.teacher.version import difference_parts, versions
from app.views.widgets import text_of
from app.workflows.review import REVIEW

FRAGMENT = "fragment"
PLACES_SHOWN = 50
HEADER = ("sex", "post_category", "title", "subject")


def load_teacher(pk: int) -> tuple[Teacher, str | None]:
    """Return a file in scope with its school, and the uuid of its photo where the person who asks
    may see it. Raises NotFound."""
    row = (
        db.session()
        .execute(
            select(Teacher, attachment.picture_of(Teacher.id))
            .options(joinedload(Teacher.school))
            .where(Teacher.id == pk)
        )
        .first()
    )
    if row is None or row[0].school is None:
        raise NotFound()
    may_see = attachment.may_see_picture(current_actor(), present_catalog())
    return row[0], row[1] if may_see else None


def is_fragment() -> bool:
    """Whether a part of a page asks, not a person who opened an address."""
    return request.headers.get("X-Requested-With") == FRAGMENT


def header_facts(teacher: Teacher, catalog: Catalog) -> list[str]:
    """Return the line under the name: school and the list columns that place a person, without
    what somebody has none of."""
    lang = language()
    found = [teacher.school.name]
    for column in HEADER:
        if is_none(getattr(teacher, column)):
            continue
        set_code, code = projection.LIST_COLUMNS.get(column, ("", ""))
        table = "subject" if not set_code else catalog.indicator(set_code, code).code_table
        found.append(catalog.label(table, getattr(teacher, column), lang))
    return [each for each in found if each]


def lock_note(actor: Actor, teacher: Teacher) -> str:
    """Return why a person who fills in files cannot do so in this one, and who can change it."""
    fills_in = actor.role in (Role.SCHOOL_INFO, Role.TEACHER)
    if not fills_in or teacher.is_open:
        return ""
    if filling.is_open_to(actor, teacher):
        return _("The file is submitted. You can still fill in what the school is to fill in.")
    return filling.locked_reason(teacher)


class FileView(BaseView):
    """One file; every part of it asks scope and field rights anew."""

    class_permission_name = "File"
    method_permission_name = {"reveal": READ}
    route_base = "/teacher"

    @expose("/<int:pk>", methods=["GET"])
    @has_access
    def show(self, pk: int) -> Any:
        """Show the file, at present or on a past day."""
        session, actor, known = db.session(), current_actor(), present_catalog()
        teacher, photo = load_teacher(pk)
        moment = asked_moment(session, teacher, request.args)
        found = findings(session, actor, teacher) if moment is None else []
        counts = contents.counts(session, teacher, moment)
        asked = {key: request.args[key] for key in ("on", "v") if key in request.args}
        page = self.render_template(
            "teacher/file.html",
            title=teacher.name,
            teacher=teacher,
            photo=url_for("AttachmentView.download", uuid=photo) if photo else "",
            state=review_state(teacher.state),
            facts=header_facts(teacher, known),
            tabs=set_tabs(actor, teacher, counts, found, known, **asked),
            found=_placed(found, teacher, known),
            notes=_named_notes(teacher, known),
            lock=lock_note(actor, teacher) if moment is None else "",
            steps=step_actions(REVIEW, teacher, actor) if moment is None else [],
            urls=self._addresses(actor, teacher)
            | {"status": register_url(actor, teacher, known) if moment is None else ""},
            status=status_label(teacher, known) if teacher.is_in_force and not moment else "",
            moment=text_of(moment) if moment else "",
            waiting=open_of(session, teacher, known) if moment is None else [],
            is_mine=actor.teacher_id == teacher.id,
            may_confirm=moment is None and confirmation.is_due(actor, teacher),
            may_acknowledge=check.may_acknowledge(actor, teacher),
            purposes=reveal.PURPOSES,
        )
        on_record(lambda own: reveal.note_opening(own, actor, pk))
        return page

    def _addresses(self, actor: Actor, teacher: Teacher) -> dict[str, str]:
        urls = {
            "self": url_for("FileView.show", pk=teacher.id),
            "history": url_for("FileView.history", pk=teacher.id),
            "places": url_for("FileView.places", pk=teacher.id),
            "reveal": url_for("FileView.reveal", pk=teacher.id),
            "acknowledge": url_for("FileView.acknowledge", pk=teacher.id),
            "confirm": url_for("FileView.confirm", pk=teacher.id),
            "print": address_of("PrintView", "sheet"),
            "rotate": url_for("RotationFormView.draft", pk=teacher.id)
            if rotation.may_send(actor, teacher, present_catalog())
            else "",
        }
        list_allowed = may_open(actor.role, "Teacher", "can_read")
        home = "TeacherView.list" if list_allowed else "MyFileView.show"
        return urls | {"back": address_of(*home.split("."))}

    @expose("/<int:pk>/set/<set_code>", methods=["GET"])
    @has_access
    def set_part(self, pk: int, set_code: str) -> Any:
        """Show one set: as a part of the file page, or as a page of its own."""
        session, actor, known = db.session(), current_actor(), present_catalog()
        teacher, _photo = load_teacher(pk)
        require_set(actor, teacher, set_code, known)
        moment = asked_moment(session, teacher, request.args)
        part = SetReader(session, actor, teacher, set_code, catalog=known, moment=moment).read()
        template = "teacher/set_part.html" if is_fragment() else "teacher/set_page.html"
        page = self.render_template(
            template,
            title=f"{part.name} · {teacher.name}",
            part=part,
            teacher=teacher,
            moment=moment,
            urls=self._addresses(actor, teacher),
            purposes=reveal.PURPOSES,
        )
        on_record(lambda own: reveal.note_opening(own, actor, pk, visiting=True))
        return page

    @expose("/<int:pk>/history", methods=["GET"])
    @has_access
    def history(self, pk: int) -> Any:
        """Show what happened to the file, and its versions."""
        session, actor, known = db.session(), current_actor(), present_catalog()
        teacher, _photo = load_teacher(pk)
        page = self.render_template(
            "teacher/history.html",
            teacher=teacher,
            events=timeline(session, teacher, known, actor),
            versions=versions(session, teacher, known),
            statuses=status_lines(session, teacher, known),
            urls=self._addresses(actor, teacher),
        )
        on_record(lambda own: reveal.note_opening(own, actor, pk, visiting=True))
        return page

    @expose("/<int:pk>/difference", methods=["GET"])
    @has_access
    def difference(self, pk: int) -> Any:
        """Show how any two versions of the file differ."""
        session, actor, known = db.session(), current_actor(), present_catalog()
        teacher, _photo = load_teacher(pk)
        urls = self._addresses(actor, teacher)
        page = self.render_template(
            "teacher/difference.html",
            title=_("Difference of versions"),
            trail=[(_("Teacher files"), urls["back"]), (teacher.name, urls["self"])],
            teacher=teacher,
            **difference_parts(session, actor, teacher, request.args, known),
        )
        on_record(lambda own: reveal.note_opening(own, actor, pk, visiting=True))
        return page

    @expose("/<int:pk>/places", methods=["GET"])
    @has_access
    def places(self, pk: int) -> Any:
        """Answer a remote select with the parts, rows and fields that a reason may be about."""
        teacher, _photo = load_teacher(pk)
        text = "".join(request.args.get("q", "").lower().split())[:50]
        found = places_of(db.session(), current_actor(), teacher, present_catalog())
        items = [
            {"id": each.key, "text": each.text, "hint": each.hint}
            for each in found
            if text in "".join(f"{each.hint}{each.text}".lower().split())
        ]
        return jsonify(items=items[:PLACES_SHOWN])

    @expose("/<int:pk>/acknowledge", methods=["POST"])
    @has_access
    @once
    def acknowledge(self, pk: int) -> Any:
        """Acknowledge the warnings that are named, else all open ones, with name and time."""
        session = db.session()
        teacher, _photo = load_teacher(pk)
        keys = [whole_number(each) for each in request.form.getlist("problem")]
        if None in keys:
            raise Malformed()
        count = check.acknowledge(
            session,
            current_actor(),
            teacher,
            [key for key in keys if key is not None] or None,
            catalog=present_catalog(),
        )
        session.commit()
        flash(_("%(n)s warnings are acknowledged under your name.", n=count), "success")
        return redirect(self.next_url() or url_for("FileView.show", pk=pk))

    @expose("/<int:pk>/confirm", methods=["POST"])
    @has_access
    @once
    def confirm(self, pk: int) -> Any:
        """Keep that nothing has changed in an effective file (S06)."""
        session = db.session()
        confirmation.confirm_one(session, current_actor(), pk, present_catalog())
        session.commit()
        flash(_("It is on record that nothing has changed."), "success")
        return redirect(self.next_url() or url_for("FileView.show", pk=pk))

    @expose("/<int:pk>/reveal", methods=["POST"])
    @has_access
    def reveal(self, pk: int) -> Any:
        """Show a sealed value whole, for a purpose that is kept (SEC-10)."""
        session, actor, known = db.session(), current_actor(), present_catalog()
        teacher, _photo = load_teacher(pk)
        limit = known.parameter("reveals_per_day")
        form = request.form
        purpose = reveal.purpose_of(form.get("purpose", ""), form.get("note", ""))
        key, record = form.get("key", ""), form.get("record", "")
        try:
            if key == hint.KEY:
                value = hint.reveal_text(
                    session, actor, teacher, record, purpose=purpose, limit=limit
                )
            else:
                value = reveal.reveal(
                    session,
                    actor,
                    teacher,
                    key=key,
                    record_uuid=record,
                    purpose=purpose,
                    catalog=known,
                    limit=limit,
                )
            session.commit()
        except LimitReached:
            session.rollback()
            reveal.alert_limit(session, actor, limit)
            session.commit()
            raise
        if request.accept_mimetypes.best_match(["text/html", "application/json"]) != "text/html":
            return jsonify(value=value)
        return self.render_template(
            "teacher/revealed.html", value=value, back_url=url_for("FileView.show", pk=pk)
        )


def require_set(actor: Actor, teacher: Teacher, set_code: str, catalog: Catalog) -> None:
    """Raise NotFound for a set that is unknown, not collected here, or not the actor's to see."""
    entry = catalog.sets.get(set_code)
    if entry is None or entry.entity != "teacher" or not may_view_set(actor, set_code):
        raise NotFound()
    category = teacher.school.category or ""
    if not any(is_collected(item, category, catalog) for item in entry.indicators):
        raise NotFound()


def _placed(found: list[Finding], teacher: Teacher, catalog: Catalog) -> dict[str, list[Any]]:
    """Return the findings by kind, each with the name of its place and the tab that shows it."""
    kinds: dict[str, list[Any]] = {
        "errors": [], "gaps": [], "warnings": [], "settled": [], "nightly": [],
    }  # fmt: skip
    for each in found:
        kind = "gaps" if each.is_gap else "errors"
        if each.severity == "warning":
            kind = "warnings" if each.is_open_warning else "settled"
        if each.nightly:
            kind = "nightly"
        kinds[kind].append((place_name(each.set, each.field, catalog), f"set-{each.set}", each))
    return kinds


def _named_notes(teacher: Teacher, catalog: Catalog) -> list[tuple[str, str, str]]:
    """Return the reasons of a return per place: name, tab, words."""
    named = []
    for place, words in return_notes(teacher).items():
        set_code, _dot, code = place.partition("@")[0].partition(".")
        named.append((place_name(set_code, code or None, catalog), f"set-{set_code}", words))
    return named
