"""Movements on paper: the approval form and the handover sheet of a transfer, the registration form
of a rotation; each on A4 with the decisions of its history. Nothing sealed is whole on them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask_appbuilder.baseviews import expose
from flask_appbuilder.security.decorators import has_access
from flask_babel import gettext as _

from app.access.actor import Actor, current_actor
from app.access.fields import may_view_set
from app.access.scope import scoped_get
from app.core.clock import now, today
from app.extensions import db
from app.indicators.catalog import Catalog, language
from app.models.rotation import Rotation
from app.models.teacher import Teacher
from app.models.transfer import Transfer
from app.services import handover, reveal, rotation, transfer
from app.services.register import names_of
from app.views.base import BaseView
from app.views.flow_line import decisions
from app.views.labels import COLUMNS, column_label, present_catalog, short_set_name, transfer_state
from app.views.on_record import on_record
from app.views.print import PAIRS, Pair, Section
from app.views.rotation import STATES, WORDS
from app.views.rotation import facts_of as facts_of_rotation
from app.views.transfer.facts import facts_of as facts_of_transfer
from app.views.widgets import badge_of, text_of

# What the form of a rotation says of the person beside name and numbers.
OF_PERSON = ("sex", "education", "title", "subject")


@dataclass(frozen=True)
class Paper:
    """One process on paper: `meta` stands above it, `signs` are the lines for names and seals."""

    title: str
    meta: Sequence[str]
    sections: Sequence[Section]
    signs: Sequence[str]
    state: str


class TransferPrintView(BaseView):
    """Sheets of a transfer, for whoever may see it."""

    class_permission_name = "Transfer"
    route_base = "/print/transfer"

    @expose("/<int:pk>", methods=["GET"])
    @has_access
    def form(self, pk: int) -> Any:
        """Print the approval form; the sending side from the issue on (4.3)."""
        return _printed(self, _item(Transfer, pk), "approval", _approval)

    @expose("/<int:pk>/handover", methods=["GET"])
    @has_access
    def handover(self, pk: int) -> Any:
        """Print what closes and what opens, for both sides once it is ready to be taken (4.5)."""
        return _printed(self, _item(Transfer, pk), "handover", _handover)


class RotationPrintView(BaseView):
    """The sheet of a rotation, for whoever may see it."""

    class_permission_name = "Rotation"
    route_base = "/print/rotation"

    @expose("/<int:pk>", methods=["GET"])
    @has_access
    def form(self, pk: int) -> Any:
        """Print the registration form."""
        return _printed(self, _item(Rotation, pk), "registration", _registration)


def _item(model: Any, pk: int) -> Any:
    return scoped_get(db.session(), model, pk)


def _printed(view: BaseView, item: Any, form: str, paper: Any) -> str:
    """The page, and a row of who printed which form."""
    session, actor = db.session(), current_actor()
    place = (item.flow, item.id, item.teacher_id)
    page: str = view.render_template(
        "print/process.html",
        paper=paper(actor, item, names_of(session, [item]), present_catalog()),
        printed_at=text_of(now()),
        printed_by=f"{actor.name} · {actor.unit_name}",
    )
    on_record(lambda own: reveal.note_process_print(own, actor, place, form))
    return page


def _approval(_actor: Actor, item: Transfer, units: Mapping[int, str], known: Catalog) -> Paper:
    session = db.session()
    person = [
        (column_label("name"), item.name),
        (column_label("id_no"), transfer.masked_number(session, item.teacher_id, known)),
    ]
    return Paper(
        _("Approval form of a transfer"),
        _sides(item, units),
        [
            Section(_("Teacher"), lines=_lines(person)),
            Section(_("The two sides"), lines=_lines(_schools(item, units))),
            Section(_("Application"), lines=_lines(facts_of_transfer(item, known))),
            _history(item, units),
        ],
        _seals(),
        str(transfer_state(item.state).label),
    )


def _handover(actor: Actor, item: Transfer, units: Mapping[int, str], known: Catalog) -> Paper:
    session = db.session()
    told = handover.handover(session, actor, item)
    person = [
        (column_label("name"), item.name),
        (column_label("id_no"), transfer.masked_number(session, item.teacher_id, known)),
        (_("Last month at the school left"), told.last),
        (_("Month of joining"), _("%(month)s (planned)", month=told.first) if told.planned
         else told.first),
    ]  # fmt: skip
    return Paper(
        _("Handover sheet of a transfer"),
        _sides(item, units),
        [
            Section(_("Teacher"), lines=_lines(person)),
            Section(_("Closes at %(school)s", school=units[item.from_school_id]),
                    columns=[_("What"), _("When")], rows=_closing(told, known)),
            Section(_("Opens at %(school)s", school=units[item.school_id]),
                    columns=[_("What"), _("When")], rows=_opening(told, known)),
            _cover(told.cover, item, units, known),
            _history(item, units),
        ],
        _seals(),
        str(transfer_state(item.state).label),
    )  # fmt: skip


def _registration(actor: Actor, item: Rotation, units: Mapping[int, str], known: Catalog) -> Paper:
    teacher, lang = item.teacher, language()
    number = transfer.masked_number(db.session(), item.teacher_id, known)
    person = [
        (column_label("name"), teacher.name),
        (column_label("teacher_no"), teacher.teacher_no),
        (column_label("id_no"), number),
        *(
            (column_label(name), _named(teacher, name, known, lang))
            for name in OF_PERSON
            if may_view_set(actor, COLUMNS[name][0])
        ),
    ]
    return Paper(
        _("Registration form of a rotation"),
        [f"{units[item.from_school_id]} → {rotation.host_name(item, units)}"],
        [
            Section(_("Teacher"), lines=_lines(person)),
            Section(_("Rotation"), lines=_lines(facts_of_rotation(item, units))),
            _history(item, units),
        ],
        [_("Signature of the teacher"), _("Seal of the sending school"),
         _("Seal of the receiving school"), _("Seal of the authority")],
        str(badge_of(item.state, STATES, WORDS[item.state]).label),
    )  # fmt: skip


def _named(teacher: Teacher, name: str, known: Catalog, lang: str) -> str:
    table = known.indicator(*COLUMNS[name]).code_table
    return known.label(table, getattr(teacher, name), lang)


def _closing(told: handover.Handover, known: Catalog) -> list[list[str]]:
    at_once = _("When the file is taken")
    return [
        [_("Personnel relation"), told.last],
        *(
            [_("%(set)s: %(n)s record(s) end", set=short_set_name(known.set(code), known), n=n),
             told.last]
            for code, n in told.records.items()
        ),
        [_("Roles of the person there, and those delegated from them"), at_once],
        [_("Exports not yet fetched and forms half filled about the file"), at_once],
        [_("The school keeps the file to read, as it was at that moment"), at_once],
    ]  # fmt: skip


def _opening(told: handover.Handover, known: Catalog) -> list[list[str]]:
    at_once = _("When the file is taken")
    return [
        [_("Personnel relation"), told.first],
        *(
            [_("%(set)s: a record begins", set=short_set_name(known.set(code), known)), told.first]
            for code in told.records
        ),
        [_("The file, and the account of the teacher with it"), at_once],
    ]


def _cover(
    cover: handover.Cover | None, item: Transfer, units: Mapping[int, str], known: Catalog
) -> Section:
    """How the subject is taught at both schools."""
    if cover is None:
        return Section(_("Teachers of the subject: the file names none"))
    table = known.indicator(*COLUMNS["subject"]).code_table
    subject = known.label(table, cover.subject, language())
    return Section(
        _("Teachers of the subject: %(subject)s, %(day)s", subject=subject, day=text_of(today())),
        columns=[_("School"), _("Before the transfer"), _("After the transfer")],
        rows=[
            [units[item.from_school_id], str(cover.left_before), str(cover.left_after)],
            [units[item.school_id], str(cover.joined_before), str(cover.joined_after)],
        ],
    )


def _sides(item: Transfer, units: Mapping[int, str]) -> list[str]:
    return [f"{units[item.from_school_id]} → {units[item.school_id]}"]


def _schools(item: Transfer, units: Mapping[int, str]) -> list[tuple[str, str]]:
    return [
        (_("School left"), units[item.from_school_id]),
        (_("Its authority"), units[item.from_authority_id]),
        (_("School joined"), units[item.school_id]),
        (_("Its authority"), units[item.authority_id]),
    ]


def _seals() -> list[str]:
    return [
        _("Seal of the school left"), _("Seal of its authority"),
        _("Seal of the school joined"), _("Seal of its authority"),
    ]  # fmt: skip


def _history(item: Any, units: Mapping[int, str]) -> Section:
    """Who decided what when and why, from the history of the process."""
    return Section(
        _("Decisions"),
        columns=[_("Step"), _("Who"), _("Role"), _("Unit"), _("When"), _("Reason")],
        rows=[
            [str(each.title), each.name, each.role, each.unit, each.at, each.reason]
            for each in decisions(db.session(), item, units)
        ],
    )


def _lines(facts: Iterable[tuple[Any, Any]]) -> list[list[Pair]]:
    """Label and value in pairs per line."""
    pairs = [Pair(str(label), text_of(value)) for label, value in facts]
    return [pairs[at : at + PAIRS] for at in range(0, len(pairs), PAIRS)]
