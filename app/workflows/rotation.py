"""Rotations without change of personnel relation, rows numbered as in the specification of flows
(6.2 to 6.7). 6.1 opens one (services.rotation.create); an extension is a change of the planned end
that the authority confirms again, so its rows are 6.2, 6.5 and 6.4 once more, with an a.
"""

from typing import Any

from flask_babel import lazy_gettext as _l

from app.models.rotation import Rotation, RotationState
from app.services import rotation_effect as effect
from app.services import rotation_step as rule
from app.services.change_step import not_own_work
from app.services.exclusive import holds_files
from app.services.notice import Telling
from app.services.review import pass_fence
from app.workflows import parties as party
from app.workflows.engine import Act, Field, Step, Workflow
from app.workflows.reopening import reopen

DRAFT, PENDING, ACTIVE = RotationState.DRAFT, RotationState.PENDING, RotationState.ACTIVE
ENDED, TERMINATED = RotationState.ENDED, RotationState.TERMINATED


def reopen_files(act: Act, items: list[Any]) -> None:
    """What took effect goes to the Ministry with the next batch (1.13)."""
    reopen(act, [item.teacher_id for item in items])


LAST_DAY = Field("ended_on", "date", _l("Last day, today unless another one is given"))

ROTATION = Workflow(
    name="rotation",
    model=Rotation,
    states=RotationState,
    terminal=frozenset({ENDED, RotationState.REJECTED, RotationState.WITHDRAWN, TERMINATED}),
    label=_l("Rotation"),
    state_table="wf_rotation_state",
    holds=holds_files(Rotation),
    steps=(
        Step(
            "submit",
            "6.2",
            (DRAFT,),
            PENDING,
            by=(party.school_info,),
            label=_l("Submit the rotation"),
            guards=(rule.is_complete, rule.still_serves, rule.rules_hold),
            decides=False,
            tells=(Telling("rotation_submitted", ("authority",)),),
            icon="send",
        ),
        Step(
            "withdraw",
            "6.3",
            (PENDING,),
            RotationState.WITHDRAWN,
            by=(party.school_info,),
            label=_l("Withdraw"),
            effects=(effect.free_place,),
            decides=False,
            bulk=False,
            tone="secondary",
            icon="arrow-back",
        ),
        Step(
            "reject",
            "6.4",
            (PENDING,),
            RotationState.REJECTED,
            by=(party.authority,),
            label=_l("Reject"),
            needs_reason=True,
            effects=(effect.free_place,),
            tells=(Telling("rotation_rejected", ("school_info",)),),
            tone="warning",
            icon="circle-x",
        ),
        Step(
            "confirm",
            "6.5",
            (PENDING,),
            ACTIVE,
            by=(party.authority,),
            label=_l("Confirm the rotation"),
            guards=(
                not_own_work,
                rule.is_complete,
                rule.matrix_allows,
                rule.still_serves,
                rule.rules_hold,
            ),
            prepares=(pass_fence,),
            effects=(effect.take_effect, reopen_files),
            tells=(
                Telling("rotation_confirmed", ("school_info",)),
                Telling("my_rotation_confirmed", ("teacher",)),
                Telling("guest_coming", ("host_info", "host_head", "host_authority")),
            ),
            icon="circle-check",
        ),
        Step(
            "start",
            "6.5",
            (ACTIVE,),
            None,
            by=(party.system,),
            label=_l("Begin"),
            guards=(rule.is_due, rule.still_serves),
            prepares=(pass_fence,),
            effects=(effect.start, reopen_files),
            bulk=False,
            icon="player-play",
        ),
        Step(
            "end",
            "6.6",
            (ACTIVE,),
            ENDED,
            by=(party.school_info, party.system),
            label=_l("End the rotation"),
            guards=(rule.has_started, rule.day_fits, rule.record_is_free),
            prepares=(pass_fence,),
            effects=(effect.finish, reopen_files),
            inputs=(LAST_DAY,),
            decides=False,
            tells=(
                Telling("rotation_ended", ("school_info", "authority")),
                Telling("my_rotation_ended", ("teacher",)),
                Telling("guest_leaves", ("host_info", "host_head")),
            ),
            icon="flag",
        ),
        Step(
            "terminate",
            "6.7",
            (ACTIVE,),
            TERMINATED,
            by=(party.school_info,),
            label=_l("Terminate early"),
            needs_reason=True,
            guards=(rule.day_fits, rule.record_is_free),
            prepares=(pass_fence,),
            effects=(effect.finish, reopen_files),
            inputs=(LAST_DAY,),
            decides=False,
            tells=(
                Telling("rotation_terminated", ("authority",)),
                Telling("my_rotation_ended", ("teacher",)),
                Telling("guest_leaves", ("host_info", "host_head")),
            ),
            bulk=False,
            tone="warning",
            icon="circle-off",
        ),
        Step(
            "extend",
            "6.2a",
            (ACTIVE,),
            None,
            by=(party.school_info,),
            label=_l("Ask for an extension"),
            guards=(rule.is_later,),
            writes=effect.asks,
            inputs=(Field("until", "month", _l("New last month"), required=True),),
            decides=False,
            tells=(Telling("extension_submitted", ("authority",)),),
            bulk=False,
            tone="secondary",
            icon="calendar-plus",
        ),
        Step(
            "confirm_extension",
            "6.5a",
            (ACTIVE,),
            None,
            by=(party.authority,),
            label=_l("Confirm the extension"),
            guards=(rule.is_asked, rule.asked_by_another, rule.record_is_free, rule.asked_end_fits),
            prepares=(pass_fence,),
            effects=(effect.prolong, reopen_files),
            tells=(
                Telling("rotation_extended", ("school_info", "host_info", "host_head")),
                Telling("my_rotation_extended", ("teacher",)),
            ),
            icon="circle-check",
        ),
        Step(
            "reject_extension",
            "6.4a",
            (ACTIVE,),
            None,
            by=(party.authority,),
            label=_l("Reject the extension"),
            needs_reason=True,
            guards=(rule.is_asked,),
            writes=effect.asks_no_more,
            tells=(Telling("extension_rejected", ("school_info",)),),
            tone="warning",
            icon="circle-x",
        ),
    ),
)
