"""Changes of effective files, rows numbered as in the specification of flows (3.2 to 3.6).

3.1 opens one (services.change.open_change).
"""

from typing import Any

from flask_babel import lazy_gettext as _l

from app.models.change import Change, ChangeState
from app.services import change_step as rule
from app.services.exclusive import holds_files
from app.services.notice import Telling
from app.services.review import pass_fence
from app.workflows import parties as party
from app.workflows.engine import Act, Step, Workflow, leads_to
from app.workflows.reopening import reopen_reported

DRAFT = ChangeState.DRAFT
PENDING = ChangeState.PENDING_AUTHORITY
APPROVED = ChangeState.APPROVED
SUPERSEDED = ChangeState.SUPERSEDED


@leads_to(APPROVED, SUPERSEDED)
def approved_or_superseded(act: Act, item: Any) -> str:
    """A change whose record says something else by now has lapsed (3.5)."""
    return SUPERSEDED if rule.has_lapsed(act, item) else APPROVED


CHANGE = Workflow(
    name="change",
    model=Change,
    states=ChangeState,
    terminal=frozenset({APPROVED, ChangeState.REJECTED, ChangeState.WITHDRAWN, SUPERSEDED}),
    label=_l("Change"),
    state_table="wf_change_state",
    holds=holds_files(Change),
    steps=(
        Step(
            "submit",
            "3.2",
            (DRAFT,),
            PENDING,
            by=(party.school_info,),
            label=_l("Submit the change"),
            guards=(
                rule.differs,
                rule.has_reason,
                rule.has_evidence,
                rule.number_is_free,
                rule.rules_hold,
            ),
            writes=rule.with_reason,
            effects=(rule.take_up_hints,),
            decides=False,
            tells=(
                Telling("change_submitted", ("authority",)),
                Telling("my_change_submitted", ("teacher",)),
            ),
            icon="send",
        ),
        Step(
            "withdraw",
            "3.3",
            (PENDING,),
            ChangeState.WITHDRAWN,
            by=(party.school_info,),
            label=_l("Withdraw"),
            effects=(rule.lay_aside,),
            decides=False,
            bulk=False,
            tone="secondary",
            icon="arrow-back",
        ),
        Step(
            "reject",
            "3.4",
            (PENDING,),
            ChangeState.REJECTED,
            by=(party.authority,),
            label=_l("Reject"),
            needs_reason=True,
            effects=(rule.lay_aside,),
            tells=(
                Telling("change_rejected", ("school_info",)),
                Telling("my_change_rejected", ("teacher",)),
            ),
            tone="warning",
            icon="circle-x",
        ),
        Step(
            "approve",
            "3.5",
            (PENDING,),
            approved_or_superseded,
            by=(party.authority,),
            label=_l("Approve change"),
            guards=(rule.not_own_work, rule.number_is_free, rule.rules_hold),
            prepares=(pass_fence,),
            effects=(rule.take_effect, rule.lay_aside, reopen_reported),
            tells=(
                Telling("change_approved", ("school_info",), state=APPROVED),
                Telling("my_change_approved", ("teacher",), state=APPROVED),
                Telling("change_superseded", ("school_info",), state=SUPERSEDED),
            ),
            icon="circle-check",
        ),
        Step(
            "supersede",
            "3.6",
            (DRAFT, PENDING),
            SUPERSEDED,
            by=(party.system,),
            label=_l("Lapse"),
            effects=(rule.lay_aside,),
            tells=(Telling("change_superseded", ("school_info",)),),
            bulk=False,
            tone="secondary",
            icon="circle-off",
        ),
    ),
)
