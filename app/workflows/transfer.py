"""Transfers, rows numbered as in the specification of flows (4.2 to 4.10).

4.1 opens one (services.transfer.open_transfer). The receiving side is that of the object.
"""

from collections.abc import Iterable
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from app.access.actor import SYSTEM_ACTOR, system
from app.models.transfer import CLOSED, Transfer, TransferState
from app.services import transfer_step as rule
from app.services import transfer_take as take
from app.services.among import among
from app.services.exclusive import holds_files
from app.services.notice import Telling
from app.services.review import pass_fence
from app.services.transfer_rotation import period_is_free, rotation_is_complete
from app.workflows import parties as party
from app.workflows.engine import Act, Field, Step, Workflow
from app.workflows.reopening import reopen_reported

DRAFT = TransferState.DRAFT
IN_AUTHORITY = TransferState.PENDING_IN_AUTHORITY
OUT_SCHOOL = TransferState.PENDING_OUT_SCHOOL
OUT_AUTHORITY = TransferState.PENDING_OUT_AUTHORITY
READY = TransferState.READY_TO_TAKE
COMPLETED, REJECTED = TransferState.COMPLETED, TransferState.REJECTED
WITHDRAWN, CANCELLED = TransferState.WITHDRAWN, TransferState.CANCELLED

SENDING_SCHOOL = ("sending_info", "sending_head")
SENDING = (*SENDING_SCHOOL, "sending_authority")
SAME_AUTHORITY = "same_authority_auto_confirm"


def confirm_by_itself(act: Act, items: list[Any]) -> None:
    """Take the second decision of the one authority, as the system, where it has it so (s4.3)."""
    chosen = dict.fromkeys(item.id for item in items if rule.confirms_itself(act, item))
    if chosen:
        TRANSFER.perform_many(
            act.session, chosen, "confirm", SYSTEM_ACTOR, reason=SAME_AUTHORITY, catalog=act.catalog
        )


def _reject(state: str, by: tuple[party.Party, ...], to: tuple[str, ...], *more: Telling) -> Step:
    """The party whose turn it is does not agree; all before it hear of that (4.7)."""
    return Step(
        "reject",
        "4.7",
        (state,),
        REJECTED,
        by=by,
        label=_l("Reject"),
        guards=(rule.not_own_work,),
        effects=(rule.give_place_back,),
        needs_reason=True,
        tells=(Telling("transfer_rejected", to), *more),
        tone="warning",
        icon="circle-x",
    )


def _withdraw(state: str, to: tuple[str, ...], *more: Telling) -> Step:
    """The receiving school takes it back; who has seen it hears of that (4.8)."""
    return Step(
        "withdraw",
        "4.8",
        (state,),
        WITHDRAWN,
        by=(party.school_info,),
        label=_l("Withdraw"),
        effects=(rule.give_place_back,),
        tells=(Telling("transfer_withdrawn", to), *more),
        decides=False,
        bulk=False,
        tone="secondary",
        icon="arrow-back",
    )


def _void(states: tuple[str, ...], to: tuple[str, ...], *more: Telling) -> Step:
    """It has lost its sense, or the city ends it; who has seen it hears of that (4.10)."""
    return Step(
        "void",
        "4.10",
        states,
        CANCELLED,
        by=(party.system, party.city),
        label=_l("Declare void"),
        effects=(rule.give_place_back,),
        needs_reason=True,
        tells=(Telling("transfer_cancelled", to), *more),
        bulk=False,
        tone="warning",
        icon="circle-off",
    )


TRANSFER = Workflow(
    name="transfer",
    model=Transfer,
    states=TransferState,
    terminal=frozenset(CLOSED),
    label=_l("Transfer"),
    state_table="wf_transfer_state",
    holds=holds_files(Transfer),
    steps=(
        Step(
            "submit",
            "4.2",
            (DRAFT,),
            IN_AUTHORITY,
            by=(party.school_info,),
            label=_l("Submit the application"),
            guards=(
                rule.is_complete,
                rotation_is_complete,
                rule.modules_on,
                rule.is_at_school,
                rule.is_free,
            ),
            effects=(rule.take_place,),
            tells=(Telling("transfer_submitted", ("authority",)),),
            decides=False,
            bulk=False,
            icon="send",
        ),
        Step(
            "issue",
            "4.3",
            (IN_AUTHORITY,),
            OUT_SCHOOL,
            by=(party.authority,),
            label=_l("Confirm and issue"),
            guards=(rule.not_own_work, rule.modules_on, rule.is_at_school, rule.is_free),
            writes=rule.issued,
            tells=(
                Telling("transfer_issued", SENDING_SCHOOL),
                Telling("head_transfer_issued", ("sending_stand_in",)),
            ),
            icon="send",
        ),
        Step(
            "release",
            "4.4",
            (OUT_SCHOOL,),
            OUT_AUTHORITY,
            by=(party.sending_head, party.sending_authority_for_head),
            label=_l("Agree to the transfer"),
            guards=(
                rule.not_own_work,
                rule.is_at_school,
                rule.nothing_is_open,
                period_is_free,
            ),
            effects=(confirm_by_itself,),
            tells=(Telling("transfer_released", ("sending_authority",), state=OUT_AUTHORITY),),
            icon="circle-check",
        ),
        Step(
            "confirm",
            "4.5",
            (OUT_AUTHORITY,),
            READY,
            by=(party.sending_authority, party.system),
            label=_l("Confirm the transfer"),
            guards=(rule.not_own_work, rule.is_at_school),
            tells=(Telling("transfer_confirmed", ("school_info",)),),
            icon="circle-check",
        ),
        Step(
            "take",
            "4.6",
            (READY,),
            COMPLETED,
            by=(party.school_info,),
            label=_l("Take the file"),
            guards=(
                rule.is_placed,
                rule.post_is_sound,
                rule.joins_later,
                rule.is_at_school,
                rule.is_free,
                rule.nothing_is_open,
                period_is_free,
            ),
            prepares=(pass_fence,),
            writes=rule.placed,
            effects=(
                rule.give_place_back,
                take.move_files,
                take.write_files,
                take.move_rights,
                reopen_reported,
            ),
            inputs=(
                Field("join_month", "text", _l("Month of joining"), required=True),
                Field("staff_category", "text", _l("Staff category"), required=True),
                Field("post_category", "text", _l("Post category"), required=True),
                Field("post_grade", "text", _l("Post grade"), required=True),
            ),
            tells=(
                Telling("transfer_completed", ("authority", *SENDING)),
                Telling("my_transfer_completed", ("teacher",)),
            ),
            bulk=False,
            icon="archive",
        ),
        _reject(IN_AUTHORITY, (party.authority,), ("school_info",)),
        _reject(
            OUT_SCHOOL,
            (party.sending_head, party.sending_authority_for_head),
            ("school_info", "authority", *SENDING_SCHOOL),
            Telling("my_transfer_rejected", ("teacher",)),
        ),
        _reject(
            OUT_AUTHORITY,
            (party.sending_authority,),
            ("school_info", "authority", *SENDING_SCHOOL),
            Telling("my_transfer_rejected", ("teacher",)),
        ),
        _withdraw(DRAFT, ()),
        _withdraw(IN_AUTHORITY, ("authority",)),
        _withdraw(
            OUT_SCHOOL,
            ("authority", *SENDING_SCHOOL),
            Telling("my_transfer_withdrawn", ("teacher",)),
        ),
        _withdraw(
            OUT_AUTHORITY,
            ("authority", *SENDING),
            Telling("my_transfer_withdrawn", ("teacher",)),
        ),
        Step(
            "cancel",
            "4.9",
            (READY,),
            CANCELLED,
            by=(party.school_info, party.city),
            label=_l("Cancel the transfer"),
            effects=(rule.give_place_back,),
            needs_reason=True,
            tells=(
                Telling("transfer_cancelled", ("school_info", "authority", *SENDING)),
                Telling("my_transfer_cancelled", ("teacher",)),
            ),
            bulk=False,
            tone="warning",
            icon="circle-off",
        ),
        _void((DRAFT,), ("school_info",)),
        _void((IN_AUTHORITY,), ("school_info", "authority")),
        _void(
            (OUT_SCHOOL, OUT_AUTHORITY, READY),
            ("school_info", "authority", *SENDING),
            Telling("my_transfer_cancelled", ("teacher",)),
        ),
    ),
)


def void_of_files(
    session: Session, teacher_ids: Iterable[int], *, reason: str, catalog: Any = None
) -> list[int]:
    """Void the open transfers of some persons whose service has ended (4.10); returns which. The
    caller holds the files, and may be of the sending school, which does not know of them."""
    return _void_all(session, among(session, Transfer.teacher_id, teacher_ids), reason, catalog)


def void_of_school(session: Session, school_id: int, *, reason: str, catalog: Any = None) -> int:
    """Void the open transfers to a school that is closed (4.10); returns how many."""
    return len(_void_all(session, Transfer.school_id == school_id, reason, catalog))


def _void_all(
    session: Session, condition: ColumnElement[bool], reason: str, catalog: Any
) -> list[int]:
    with system():
        mine = select(Transfer.id).where(condition, Transfer.state.not_in(CLOSED))
        keys = list(session.scalars(mine.order_by(Transfer.id)))
        if keys:
            TRANSFER.perform_many(
                session, dict.fromkeys(keys), "void", SYSTEM_ACTOR, reason=reason, catalog=catalog
            )
        return keys
