"""One file of the queue: what changed, what the rules find, who is in scope, and the decision."""

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from flask import url_for
from flask_babel import gettext as _
from sqlalchemy import and_, case, func, or_, select
from sqlalchemy.orm import Query, Session

from app.access.actor import Actor, current_actor
from app.access.fields import View, may_view_set, view_on_file
from app.extensions import db
from app.indicators.catalog import Catalog, language
from app.models.attachment import Attachment
from app.models.history import Transition
from app.models.teacher import Teacher
from app.services import claim, compare, contents, queue, reveal
from app.services.check import as_problem, may_acknowledge
from app.services.collection_scope import ScopeFact, scope_facts
from app.services.compare import Comparison, RecordChange
from app.views.flow_actions import place_name, step_actions
from app.views.labels import present_catalog, review_state
from app.views.listing import address_of
from app.views.on_record import on_record
from app.views.record_form import shown_value
from app.views.review.opinions import Panel
from app.views.school_filters import run_by_badge
from app.views.teacher.content import findings, set_tabs
from app.views.teacher.file import header_facts, load_teacher
from app.views.widgets import text_of
from app.workflows.review import REVIEW

RETURNS = ("return", "return_to_teacher")


class Place(NamedTuple):
    """Where a file stands in a queue: its number, how many there are, the ones beside it."""

    number: int
    total: int
    previous: str
    next: str


def place_of(rows: Query, item: Teacher, address: Callable[[int], str]) -> Place:
    """Return the place of a file among the rows of a queue, which is ordered by waiting time."""
    before = or_(
        Teacher.state_since < item.state_since,
        and_(Teacher.state_since == item.state_since, Teacher.id < item.id),
    )
    after = or_(
        Teacher.state_since > item.state_since,
        and_(Teacher.state_since == item.state_since, Teacher.id > item.id),
    )
    is_before = case((before, 1), else_=0)
    older, count = rows.with_entities(func.sum(is_before), func.count(Teacher.id)).one()
    keys = rows.with_entities(Teacher.id)
    upwards = (Teacher.state_since.desc(), Teacher.id.desc())
    previous = keys.filter(before).order_by(*upwards).limit(1).scalar()
    following = keys.filter(after).order_by(Teacher.state_since, Teacher.id).limit(1).scalar()
    return Place(
        int(older) + 1,
        count,
        address(previous) if previous else "",
        address(following) if following else "",
    )


class Line(NamedTuple):
    """One value that changed, as it is printed."""

    label: str
    before: str
    after: str


class Change(NamedTuple):
    """One record that changed: its place, how, and the values."""

    place: str
    tab: str
    kind: str
    words: str
    lines: list[Line]


class Fact(NamedTuple):
    """A fact of the scope of collection; `fits` None where it decides nothing alone."""

    label: str
    value: str
    fits: bool | None


class LastReturn(NamedTuple):
    """Why the file went back last time."""

    when: str
    reason: str
    places: list[tuple[str, str]]


def answer(view: Any, pk: int, text: str) -> Any:
    """Answer with the page of a file; the reading is on record."""
    session, actor, known = db.session(), current_actor(), present_catalog()
    teacher, photo = load_teacher(pk)
    place = view.neighbours(teacher, text)
    found = [each for each in findings(session, actor, teacher) if not each.acknowledged_at]
    back = view.list_url() + (f"?{text}" if text else "")
    holder = claim.holders(session, actor, [pk], known).get(pk)
    compared = compare.since_submission(session, teacher, known)
    page = view.render_template(
        "review/show.html",
        title=teacher.name,
        teacher=teacher,
        photo=url_for("AttachmentView.download", uuid=photo) if photo else "",
        state=review_state(teacher.state),
        facts=header_facts(teacher, known),
        age=queue.age_of(teacher.state_since, known),
        overdue=queue.is_overdue(teacher.state_since, known),
        place=place,
        back_url=back,
        next_url=place.next or back,
        compared=compared,
        changes=shown_changes(actor, teacher, compared, known),
        since=text_of(compared.since) if compared else "",
        returned=last_return(session, teacher, known),
        found=[(place_name(f.set, f.field, known), f"set-{f.set}", f) for f in found],
        scope=shown_scope(session, actor, teacher, known),
        attachments=attachments(session, actor, teacher, known),
        steps=step_actions(REVIEW, teacher, actor),
        shortcuts=dict.fromkeys(RETURNS, "r"),
        tabs=set_tabs(actor, teacher, contents.counts(session, teacher), found, known),
        urls={
            "acknowledge": url_for("FileView.acknowledge", pk=pk)
            if may_acknowledge(actor, teacher)
            else "",
            "history": url_for("FileView.history", pk=pk),
            "places": url_for("FileView.places", pk=pk),
            "file": address_of("FileView", "show", pk=pk),
            "reveal": url_for("FileView.reveal", pk=pk),
            "claim": claim_url(view, teacher, actor, holder, review_url(pk, text)),
        },
        holder=claim.held_words(holder) if holder else "",
        is_mine=holder is not None and holder.account_id == actor.account_id,
        opinions=Panel(session, actor, teacher),
        purposes=reveal.PURPOSES,
    )
    on_record(lambda own: reveal.note_opening(own, actor, pk))
    return page


def review_url(pk: int, text: str = "") -> str:
    """Return the page of a file in a queue."""
    return url_for("ReviewView.show", pk=pk, queue=text or None)


def claim_url(
    view: Any, teacher: Teacher, actor: Actor, holder: claim.Holder | None, back: str
) -> str:
    """Return the address that takes a file of the queue, or gives it back; "" offers neither."""
    is_mine = holder is not None and holder.account_id == actor.account_id
    waits = teacher.active and teacher.state in queue.states_of(actor.role)
    if not (view.may("write") and waits and (holder is None or is_mine)):
        return ""
    name = "give_back" if is_mine else "claim"
    return url_for("ReviewView.action", name=name, pk=teacher.id, next=back)


def shown_changes(
    actor: Actor, teacher: Teacher, compared: Comparison | None, known: Catalog
) -> list[Change]:
    """Return what changed as far as the actor may see it, masked like on the file page."""
    if compared is None:
        return []
    kinds = {"added": _("Added"), "removed": _("Removed"), "changed": _("Changed")}
    return [
        Change(
            place_name(each.set, None, known),
            f"set-{each.set}",
            each.kind,
            _("None to report") if each.none else kinds[each.kind],
            list(_lines(actor, teacher, each, known)),
        )
        for each in compared.records
        if may_view_set(actor, each.set)
    ]


def _lines(actor: Actor, teacher: Teacher, change: RecordChange, known: Catalog) -> Iterable[Line]:
    category = teacher.school.category
    for each in change.fields:
        item = each.indicator
        if view_on_file(actor, item) is View.HIDDEN:
            continue
        before, after = (
            shown_value(actor, item, value, known, category) if value is not None else ""
            for value in (each.old, each.new)
        )
        yield Line(known.name(item, language()), before, after)


def last_return(session: Session, teacher: Teacher, known: Catalog) -> LastReturn | None:
    """Return the reasons of the last return, for the one who checks whether they were met."""
    last = session.scalar(
        select(Transition)
        .where(
            Transition.flow == REVIEW.name,
            Transition.object_id == teacher.id,
            Transition.step.in_(RETURNS),
        )
        .order_by(Transition.id.desc())
        .limit(1)
    )
    if last is None:
        return None
    places = [
        (place_name(*_split(place), known) or place, words)
        for place, words in (last.field_reasons or {}).items()
    ]
    return LastReturn(text_of(last.at), last.reason or "", places)


def _split(place: str) -> tuple[str, str | None]:
    set_code, _dot, code = place.partition("@")[0].partition(".")
    return set_code, code or None


class Scope(NamedTuple):
    """What stands beside the tick."""

    facts: list[Fact]
    findings: list[str]
    fits: bool


def shown_scope(session: Session, actor: Actor, teacher: Teacher, known: Catalog) -> Scope:
    """Return the facts of the scope of collection in words."""
    found = scope_facts(session, teacher, known)
    lang = language()
    facts = [
        Fact(known.name(each.indicator, lang), _fact_value(actor, teacher, each, known), each.fits)
        for each in found.facts
    ]
    flag = run_by_badge(teacher.school)
    if flag is not None:
        facts.append(Fact(_("Run by"), str(flag.label), None))
    return Scope(facts, [str(as_problem(row).message) for row in found.findings], found.fits)


def _fact_value(actor: Actor, teacher: Teacher, fact: ScopeFact, known: Catalog) -> str:
    if fact.value is None:
        return "—"
    words = shown_value(actor, fact.indicator, fact.value, known, teacher.school.category)
    if fact.months is None:
        return words
    return _("%(day)s (%(n)s months)", day=words, n=fact.months)


def attachments(
    session: Session, actor: Actor, teacher: Teacher, known: Catalog
) -> list[tuple[str, str, str]]:
    """Return the evidence of the file: place, name, address."""
    rows = session.scalars(
        select(Attachment).where(Attachment.teacher_id == teacher.id).order_by(Attachment.id)
    )
    return [
        (
            place_name(row.set, row.field, known),
            row.name,
            url_for("AttachmentView.download", uuid=row.uuid),
        )
        for row in rows
        if may_view_set(actor, row.set)
    ]
