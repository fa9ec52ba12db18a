"""Additions to effective files, rows numbered as in the specification of flows (2.3 to 2.6).

2.1 and 2.2 open one (services.change.add).
"""

from flask_babel import lazy_gettext as _l

from app.models.change import Addition, AdditionState
from app.services import change_step as rule
from app.services.exclusive import holds_files
from app.services.notice import Telling
from app.services.review import pass_fence
from app.workflows import parties as party
from app.workflows.engine import Step, Workflow
from app.workflows.reopening import reopen_reported

SCHOOL = AdditionState.PENDING_SCHOOL
AUTHORITY = AdditionState.PENDING_AUTHORITY
REJECTED = AdditionState.REJECTED
WITHDRAWN = AdditionState.WITHDRAWN

WITHDRAWAL = (Telling("addition_withdrawn", ("submitter",)),)
REJECTION = (Telling("addition_rejected", ("submitter",)),)

ADDITION = Workflow(
    name="addition",
    model=Addition,
    states=AdditionState,
    terminal=frozenset({AdditionState.APPROVED, REJECTED, WITHDRAWN}),
    label=_l("Addition"),
    state_table="wf_addition_state",
    holds=holds_files(Addition),
    steps=(
        Step(
            "confirm",
            "2.3",
            (SCHOOL,),
            AUTHORITY,
            by=(party.school_head, party.authority_for_head),
            label=_l("Confirm and report"),
            guards=(rule.not_own_work, rule.still_fits, rule.number_is_free, rule.rules_hold),
            tells=(Telling("addition_confirmed", ("authority",)),),
            icon="circle-check",
        ),
        Step(
            "reject",
            "2.4",
            (SCHOOL,),
            REJECTED,
            by=(party.school_head, party.authority_for_head),
            label=_l("Reject"),
            needs_reason=True,
            effects=(rule.lay_aside,),
            tells=REJECTION,
            tone="warning",
            icon="circle-x",
        ),
        Step(
            "reject",
            "2.4",
            (AUTHORITY,),
            REJECTED,
            by=(party.authority,),
            label=_l("Reject"),
            needs_reason=True,
            effects=(rule.lay_aside,),
            tells=REJECTION,
            tone="warning",
            icon="circle-x",
        ),
        Step(
            "withdraw",
            "2.5",
            (SCHOOL,),
            WITHDRAWN,
            by=(party.submitter, party.system),
            label=_l("Withdraw"),
            effects=(rule.lay_aside,),
            tells=WITHDRAWAL,
            decides=False,
            bulk=False,
            tone="secondary",
            icon="arrow-back",
        ),
        Step(
            "withdraw",
            "2.5",
            (AUTHORITY,),
            WITHDRAWN,
            by=(party.school_info, party.system),
            label=_l("Withdraw"),
            effects=(rule.lay_aside,),
            tells=WITHDRAWAL,
            decides=False,
            bulk=False,
            tone="secondary",
            icon="arrow-back",
        ),
        Step(
            "approve",
            "2.6",
            (AUTHORITY,),
            AdditionState.APPROVED,
            by=(party.authority,),
            label=_l("Approve addition"),
            guards=(rule.not_own_work, rule.still_fits, rule.number_is_free, rule.rules_hold),
            prepares=(pass_fence,),
            effects=(rule.take_effect, reopen_reported),
            tells=(Telling("addition_approved", ("teacher", "submitter")),),
            icon="circle-check",
        ),
    ),
)
