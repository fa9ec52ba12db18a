"""Notices: mine, unread first, with the place each one speaks of."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from flask import flash, redirect, request, url_for
from flask_appbuilder.baseviews import expose
from flask_appbuilder.security.decorators import has_access
from flask_babel import gettext as _
from sqlalchemy import func, select

from app.access.actor import Actor, current_actor
from app.access.roles import READ, may_open
from app.access.scope import scoped_get
from app.extensions import db
from app.models.change import ChangeState
from app.models.notice import Notice
from app.models.status_change import StatusState
from app.models.teacher import ReviewState
from app.services import notice as service
from app.services.listed import equals, one_of
from app.services.round import NOT_REPORTED
from app.views.base import BaseView
from app.views.listed import MY_FILE, address
from app.views.listing import address_of, link, read_arguments
from app.views.open_process import process_url
from app.views.widgets import text_of

PAGE = 25
ROLLS = equals("active", True)


class Look(NamedTuple):
    """How an event is drawn: icon and tint."""

    icon: str = "bell"
    tint: str = "info"


LOOKS: Mapping[str, Look] = {
    "file_created": Look("file-plus"),
    "file_submitted": Look("send", "wait"),
    "head_file_submitted": Look("send", "wait"),
    "my_file_returned": Look("arrow-back-up", "back"),
    "file_returned_to_teacher": Look("arrow-back-up", "back"),
    "file_returned": Look("arrow-back-up", "back"),
    "file_confirmed": Look("file-check", "wait"),
    "report_withdrawn": Look("arrow-back", "draft"),
    "file_effective": Look("circle-check", "good"),
    "my_file_effective": Look("circle-check", "good"),
    "file_accepted": Look("checks", "good"),
    "correction_required": Look("alert-circle", "back"),
    "correction_closed": Look("circle-check", "good"),
    "file_reported": Look("building-bank", "good"),
    "urge": Look("alarm", "bad"),
    "urge_start": Look("alarm", "bad"),
    "extension_granted": Look("calendar-plus", "good"),
    "import_done": Look("file-import", "good"),
    "export_ready": Look("download", "good"),
    "export_to_approve": Look("file-export", "wait"),
    "bulk_done": Look("checks", "good"),
    "review_waiting": Look("clock-exclamation", "bad"),
    "addition_waiting": Look("clock-exclamation", "bad"),
    "change_waiting": Look("clock-exclamation", "bad"),
    "process_waiting": Look("clock-exclamation", "bad"),
    "decision_due": Look("clock-exclamation", "bad"),
    "report_ready": Look("building-bank", "good"),
    "delegation_granted": Look("user-share", "info"),
    "delegation_ended": Look("user-minus", "draft"),
    "addition_opened": Look("send", "wait"),
    "head_addition_opened": Look("send", "wait"),
    "addition_confirmed": Look("file-check", "wait"),
    "addition_rejected": Look("circle-x", "back"),
    "addition_approved": Look("circle-check", "good"),
    "change_submitted": Look("send", "wait"),
    "my_change_submitted": Look("send", "info"),
    "change_rejected": Look("circle-x", "back"),
    "my_change_rejected": Look("circle-x", "back"),
    "change_approved": Look("circle-check", "good"),
    "my_change_approved": Look("circle-check", "good"),
    "change_superseded": Look("circle-off", "draft"),
    "hint_given": Look("message-2", "wait"),
    "my_hint_answered": Look("message-2", "info"),
    "addition_withdrawn": Look("arrow-back", "draft"),
    "status_effective": Look("user-exclamation", "info"),
    "status_submitted": Look("send", "wait"),
    "status_approved": Look("circle-check", "good"),
    "status_rejected": Look("circle-x", "back"),
    "status_withdrawn": Look("arrow-back", "draft"),
    "status_revoked": Look("arrow-back-up", "back"),
    "status_failed": Look("alert-circle", "bad"),
    "my_status_effective": Look("user-exclamation", "info"),
    "my_status_revoked": Look("arrow-back-up", "info"),
    "rotation_submitted": Look("send", "wait"),
    "rotation_rejected": Look("circle-x", "back"),
    "rotation_confirmed": Look("circle-check", "good"),
    "my_rotation_confirmed": Look("circle-check", "good"),
    "guest_coming": Look("users", "info"),
    "rotation_ended": Look("flag", "info"),
    "rotation_terminated": Look("circle-off", "back"),
    "my_rotation_ended": Look("flag", "info"),
    "guest_leaves": Look("users", "draft"),
    "rotation_ending": Look("clock", "wait"),
    "extension_submitted": Look("calendar-plus", "wait"),
    "extension_rejected": Look("circle-x", "back"),
    "rotation_extended": Look("calendar-plus", "good"),
    "my_rotation_extended": Look("calendar-plus", "good"),
    "transfer_submitted": Look("send", "wait"),
    "transfer_issued": Look("send", "wait"),
    "head_transfer_issued": Look("send", "wait"),
    "transfer_released": Look("file-check", "wait"),
    "transfer_confirmed": Look("file-check", "wait"),
    "transfer_completed": Look("circle-check", "good"),
    "my_transfer_completed": Look("circle-check", "good"),
    "transfer_rejected": Look("circle-x", "back"),
    "my_transfer_rejected": Look("circle-x", "back"),
    "transfer_withdrawn": Look("arrow-back", "draft"),
    "my_transfer_withdrawn": Look("arrow-back", "draft"),
    "transfer_cancelled": Look("circle-off", "draft"),
    "my_transfer_cancelled": Look("circle-off", "draft"),
    "opinion_given": Look("message", "info"),
}
# Event -> the list that it speaks of, where no single file is named, and the resource behind it.
QUEUE, FILES = ("review", "ReviewQueue"), ("teacher", "Teacher")
PROCESSES, MY_TURN = ("process", "Process"), equals("turn", "me")
REJECTED, APPROVED = equals("state", ChangeState.REJECTED), equals("state", ChangeState.APPROVED)
STATUSES = ("status_change", "StatusChange")
LISTS = {
    "status_effective": (*STATUSES, (equals("state", StatusState.EFFECTIVE),)),
    "status_submitted": (*STATUSES, (equals("state", StatusState.PENDING_AUTHORITY),)),
    "status_approved": (*STATUSES, ()),
    "status_rejected": (*STATUSES, (equals("state", StatusState.REJECTED),)),
    "status_withdrawn": (*STATUSES, (equals("state", StatusState.WITHDRAWN),)),
    "status_revoked": (*STATUSES, (equals("state", StatusState.REVOKED),)),
    "file_submitted": (*QUEUE, (equals("state", ReviewState.SUBMITTED),)),
    "file_confirmed": (*QUEUE, (equals("state", ReviewState.SCHOOL_CONFIRMED),)),
    "head_file_submitted": (*QUEUE, (equals("state", ReviewState.SUBMITTED),)),
    "review_waiting": (*QUEUE, ()),
    "decision_due": (*QUEUE, ()),
    "file_returned_to_teacher": (*FILES, (ROLLS, equals("state", ReviewState.RETURNED))),
    "file_returned": (*FILES, (ROLLS, equals("state", ReviewState.RETURNED))),
    "report_withdrawn": (*FILES, (ROLLS, equals("state", ReviewState.SUBMITTED))),
    "file_effective": (*FILES, (ROLLS, equals("state", ReviewState.EFFECTIVE))),
    "file_accepted": (*FILES, (ROLLS, equals("state", ReviewState.CITY_ACCEPTED))),
    "file_reported": (*FILES, (ROLLS, equals("state", ReviewState.REPORTED))),
    "urge": (*FILES, (ROLLS, one_of("state", NOT_REPORTED))),
    "urge_start": (*FILES, (ROLLS,)),
    "addition_opened": (*PROCESSES, (MY_TURN,)),
    "head_addition_opened": (*PROCESSES, (MY_TURN,)),
    "addition_confirmed": (*PROCESSES, (MY_TURN, equals("flow", "addition"))),
    "addition_rejected": (*PROCESSES, (equals("flow", "addition"), REJECTED)),
    "addition_approved": (*PROCESSES, (equals("flow", "addition"), APPROVED)),
    "change_submitted": (*PROCESSES, (MY_TURN, equals("flow", "change"))),
    "change_rejected": (*PROCESSES, (equals("flow", "change"), REJECTED)),
    "change_approved": (*PROCESSES, (equals("flow", "change"), APPROVED)),
    "change_superseded": (*PROCESSES, (equals("state", ChangeState.SUPERSEDED),)),
}
PAGES = {
    "extension_granted": ("MonitorView", "list", "Round"),
    "correction_required": ("CorrectionView", "list", "Correction"),
    "correction_closed": ("CorrectionView", "list", "Correction"),
    "hint_given": ("HintView", "list", "Hint"),
    "rotation_submitted": ("RotationView", "list", "Rotation"),
    "rotation_rejected": ("RotationView", "list", "Rotation"),
    "rotation_confirmed": ("RotationView", "list", "Rotation"),
    "rotation_ended": ("RotationView", "list", "Rotation"),
    "rotation_terminated": ("RotationView", "list", "Rotation"),
    "rotation_ending": ("RotationView", "list", "Rotation"),
    "extension_submitted": ("RotationView", "list", "Rotation"),
    "extension_rejected": ("RotationView", "list", "Rotation"),
    "guest_coming": ("GuestView", "list", "Guest"),
    "guest_leaves": ("GuestView", "list", "Guest"),
    "import_done": ("ImportView", "list", "Import"),
    "export_ready": ("ExportView", "list", "Export"),
    "export_to_approve": ("ExportView", "list", "Export"),
    "report_ready": ("ReportView", "list", "Report"),
    "bulk_done": ("JobView", "list", "Job"),
    "delegation_granted": ("DelegationView", "list", "Delegation"),
    "delegation_ended": ("DelegationView", "list", "Delegation"),
    **dict.fromkeys(
        (
            "transfer_submitted",
            "transfer_issued",
            "head_transfer_issued",
            "transfer_released",
            "transfer_confirmed",
            "transfer_completed",
            "transfer_rejected",
            "transfer_withdrawn",
            "transfer_cancelled",
        ),
        ("TransferView", "list", "Transfer"),
    ),
}


class Line(NamedTuple):
    """One notice as it is read."""

    id: int
    words: str
    at: str
    look: Look
    is_unread: bool
    has_place: bool


def lines(notices: Iterable[Notice], actor: Actor) -> list[Line]:
    """Return notices in words, each with whether it leads somewhere."""
    return [
        Line(
            each.id,
            service.words(each),
            text_of(each.at),
            LOOKS.get(each.event, Look()),
            each.read_at is None,
            bool(place(each, actor)),
        )
        for each in notices
    ]


def place(item: Notice, actor: Actor) -> str:
    """Return the address of what a notice speaks of, if this person may open it."""
    if (key := (item.params or {}).get("process")) is not None:
        flow = str(item.params["flow"])
        return process_url(flow, key) if may_open(actor.role, flow.title(), READ) else ""
    if item.teacher_id is not None and item.teacher_id == actor.teacher_id:
        return address(MY_FILE) if may_open(actor.role, "MyFile", READ) else ""
    if item.event in PAGES:
        view, endpoint, resource = PAGES[item.event]
        return address_of(view, endpoint) if may_open(actor.role, resource, READ) else ""
    if item.teacher_id is not None:
        may = may_open(actor.role, "Teacher", READ)
        return address_of("FileView", "show", pk=item.teacher_id) if may else ""
    if item.event not in LISTS:
        return ""
    name, resource, where = LISTS[item.event]
    return address(name, where) if may_open(actor.role, resource, READ) else ""


class NoticeView(BaseView):
    """My notices; they belong to the account, whatever the role it works in."""

    class_permission_name = "Notice"
    route_base = "/notices"

    default_view = "list"

    @expose("/list/", methods=["GET"])
    @has_access
    def list(self) -> Any:
        """Show my notices, the unread first, 25 to a page."""
        session, actor = db.session(), current_actor()
        asked = read_arguments(request.args, type(self).__name__, PAGE, [])
        only_unread = request.args.get("show") == "unread"
        mine = select(Notice).where(Notice.account_id == actor.account_id)
        if only_unread:
            mine = mine.where(Notice.read_at.is_(None))
        ordered = mine.order_by(Notice.read_at.is_not(None), Notice.id.desc())
        rows = session.scalars(ordered.offset(asked.page * PAGE).limit(PAGE + 1)).all()
        counts = session.execute(
            select(func.count(), func.count(Notice.read_at)).where(
                Notice.account_id == actor.account_id
            )
        ).one()
        name = f"page_{type(self).__name__}"
        return self.render_template(
            "notice/list.html",
            title=_("Notices"),
            notices=lines(rows[:PAGE], actor),
            total=counts[0],
            unread=counts[0] - counts[1],
            only_unread=only_unread,
            here=link(),
            all_url=link(["show", name]),
            unread_url=link([name], show="unread"),
            newer_url=link([name], **{name: asked.page - 1 or None}) if asked.page else "",
            older_url=link([name], **{name: asked.page + 1}) if len(rows) > PAGE else "",
        )

    @expose("/<int:pk>/open", methods=["POST"])
    @has_access
    def open(self, pk: int) -> Any:
        """Mark a notice read and lead to what it speaks of."""
        session, actor = db.session(), current_actor()
        item = scoped_get(session, Notice, pk)
        service.mark_read(session, actor, [item.id])
        where = place(item, actor)
        session.commit()
        return redirect(where or self._back())

    @expose("/<int:pk>/read", methods=["POST"])
    @has_access
    def read(self, pk: int) -> Any:
        """Mark a notice read."""
        session = db.session()
        item = scoped_get(session, Notice, pk)
        service.mark_read(session, current_actor(), [item.id])
        session.commit()
        return redirect(self._back())

    @expose("/read", methods=["POST"])
    @has_access
    def read_all(self) -> Any:
        """Mark all my notices read."""
        session = db.session()
        number = service.mark_read(session, current_actor())
        session.commit()
        flash(_("%(n)s notice(s) marked read.", n=number), "success")
        return redirect(url_for("NoticeView.list"))

    def _back(self) -> str:
        return self.next_url() or url_for("NoticeView.list")
