"""Status changes of teachers, rows numbered as in the specification of flows (5.2, 5.3).

5.1 registers one (services.status_change.register). The letters after 5.2 are the steps of the
authority where it is asked: about who is taken on again, and about every change while the switch
`status_change_needs_authority` is on.
"""

from typing import Any

from flask_babel import lazy_gettext as _l

from app.core.clock import today
from app.models.status_change import StatusChange, StatusState
from app.services import status_step as rule
from app.services.exclusive import holds_files
from app.services.notice import Telling
from app.services.review import pass_fence
from app.workflows import parties as party
from app.workflows.engine import Act, Step, Workflow, leads_to
from app.workflows.lapsing import lapse_open
from app.workflows.reopening import reopen_reported

DRAFT = StatusState.DRAFT
PENDING = StatusState.PENDING_AUTHORITY
SCHEDULED = StatusState.SCHEDULED
EFFECTIVE = StatusState.EFFECTIVE
REJECTED = StatusState.REJECTED
WITHDRAWN = StatusState.WITHDRAWN
REVOKED = StatusState.REVOKED

ASKED = (rule.is_free, rule.still_stands, rule.number_is_free, rule.rules_hold)
EFFECTS = (rule.take_effect, lapse_open, reopen_reported)
IN_FORCE = Telling("my_status_effective", ("teacher",), state=EFFECTIVE)


@leads_to(EFFECTIVE, PENDING)
def effective_or_asked(act: Act, item: Any) -> str:
    """In force at once, or before the authority (5.2)."""
    return PENDING if rule.asks_authority(act, item) else EFFECTIVE


@leads_to(EFFECTIVE, SCHEDULED)
def effective_or_scheduled(_act: Act, item: Any) -> str:
    """What is approved takes effect on its day."""
    return SCHEDULED if item.effective_date > today() else EFFECTIVE


STATUS_CHANGE = Workflow(
    name="status_change",
    model=StatusChange,
    states=StatusState,
    terminal=frozenset({REJECTED, WITHDRAWN, REVOKED}),
    label=_l("Status change"),
    state_table="wf_status_state",
    holds=holds_files(StatusChange),
    steps=(
        Step(
            "make_effective",
            "5.2",
            (DRAFT, SCHEDULED),
            effective_or_asked,
            by=(party.school_info, party.system),
            label=_l("Put into effect"),
            guards=(*ASKED, rule.day_has_come),
            prepares=(pass_fence,),
            effects=EFFECTS,
            tells=(
                Telling("status_effective", ("authority", "school_info"), state=EFFECTIVE),
                Telling("status_submitted", ("authority",), state=PENDING),
                IN_FORCE,
            ),
            at_leisure=True,
            icon="circle-check",
        ),
        Step(
            "approve",
            "5.2a",
            (PENDING,),
            effective_or_scheduled,
            by=(party.authority,),
            label=_l("Approve status change"),
            guards=(rule.not_own_work, *ASKED),
            writes=rule.approved_by,
            prepares=(pass_fence,),
            effects=EFFECTS,
            tells=(Telling("status_approved", ("school_info",)), IN_FORCE),
            icon="circle-check",
        ),
        Step(
            "reject",
            "5.2b",
            (PENDING,),
            REJECTED,
            by=(party.authority,),
            label=_l("Reject"),
            needs_reason=True,
            tells=(Telling("status_rejected", ("school_info",)),),
            tone="warning",
            icon="circle-x",
        ),
        Step(
            "withdraw",
            "5.2c",
            (PENDING, SCHEDULED),
            WITHDRAWN,
            by=(party.school_info,),
            label=_l("Withdraw"),
            tells=(Telling("status_withdrawn", ("authority",)),),
            decides=False,
            bulk=False,
            tone="secondary",
            icon="arrow-back",
        ),
        Step(
            "revoke",
            "5.3",
            (EFFECTIVE,),
            REVOKED,
            by=(party.school_info, party.authority),
            label=_l("Revoke"),
            needs_reason=True,
            guards=(rule.is_free, rule.nothing_followed, rule.in_time, rule.number_is_free),
            prepares=(pass_fence,),
            effects=(rule.restore, lapse_open, reopen_reported),
            tells=(
                Telling("status_revoked", ("school_info", "authority")),
                Telling("my_status_revoked", ("teacher",)),
            ),
            bulk=False,
            tone="warning",
            icon="arrow-back-up",
        ),
    ),
)
