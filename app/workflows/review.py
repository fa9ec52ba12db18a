"""The file review, rows numbered as in the specification of flows (1.1 to 1.13)."""

from typing import Any

from flask_babel import lazy_gettext as _l

from app.models.teacher import ReviewState, Teacher
from app.models.unit import UnitKind
from app.services import report
from app.services import review as rule
from app.services.notice import Telling
from app.workflows import parties as party
from app.workflows.engine import Act, Field, Step, Workflow, leads_to

DRAFT = ReviewState.DRAFT
RETURNED = ReviewState.RETURNED
SUBMITTED = ReviewState.SUBMITTED
CONFIRMED = ReviewState.SCHOOL_CONFIRMED
EFFECTIVE = ReviewState.EFFECTIVE
ACCEPTED = ReviewState.CITY_ACCEPTED
REPORTED = ReviewState.REPORTED

DECLARED = Field("declared", "check", _l("I declare that the data are true and complete."), True)
IN_SCOPE = Field(
    "scope_checked",
    "check",
    _l("I have checked that the persons are within the scope of collection."),
    True,
)

NOTE = Field("note", "text", _l("Note on acknowledged warnings"))


@leads_to(EFFECTIVE, ACCEPTED)
def effective_or_accepted(act: Act, _file: Any) -> str:
    """市属高校 and direct units: 1.9 and 1.10 are one act of the city."""
    return ACCEPTED if act.actor.unit_kind == UnitKind.CITY else EFFECTIVE


REVIEW = Workflow(
    name="review",
    model=Teacher,
    states=ReviewState,
    terminal=frozenset(),
    label=_l("File review"),
    state_table="wf_review_state",
    steps=(
        Step(
            "submit",
            "1.3",
            (DRAFT, RETURNED),
            SUBMITTED,
            by=(party.teacher_self, party.school_info),
            label=_l("Submit to the school"),
            guards=(rule.truth_declared, rule.round_is_open, rule.rules_hold),
            writes=rule.submission,
            effects=(rule.note_submission,),
            inputs=(DECLARED,),
            decides=False,
            tells=(
                Telling("file_submitted", ("school_info", "school_head")),
                Telling("head_file_submitted", ("stand_in",)),
            ),
            icon="send",
        ),
        Step(
            "return_to_teacher",
            "1.4",
            (SUBMITTED,),
            RETURNED,
            by=(party.school_info, party.school_head),
            label=_l("Return to the teacher"),
            needs_reason=True,
            guards=(rule.places_exist,),
            prepares=(rule.keep_submitted,),
            effects=(rule.settle_first_round,),
            writes=rule.return_notes,
            tells=(
                Telling("my_file_returned", ("teacher",)),
                Telling("file_returned_to_teacher", ("submitter",)),
            ),
            tone="warning",
            icon="arrow-back-up",
        ),
        Step(
            "withdraw",
            "1.5",
            (SUBMITTED,),
            DRAFT,
            by=(party.teacher_self, party.school_info),
            label=_l("Withdraw"),
            guards=(rule.is_submitter,),
            decides=False,
            prepares=(rule.keep_submitted,),
            effects=(rule.settle_first_round,),
            bulk=False,
            tone="secondary",
            icon="arrow-back",
        ),
        Step(
            "confirm",
            "1.6",
            (SUBMITTED,),
            CONFIRMED,
            by=(party.school_head, party.authority_for_head),
            label=_l("Confirm and report"),
            guards=(rule.not_own_work, rule.round_is_open, rule.rules_hold),
            writes=rule.to_be_decided,
            effects=(rule.count_changes,),
            tells=(Telling("file_confirmed", ("authority",)),),
            icon="circle-check",
        ),
        Step(
            "withdraw_report",
            "1.7",
            (CONFIRMED,),
            SUBMITTED,
            by=(party.school_head,),
            label=_l("Withdraw the report"),
            at_leisure=True,
            prepares=(rule.keep_submitted,),
            writes=rule.in_time,
            tells=(Telling("report_withdrawn", ("authority",)),),
            tone="secondary",
            icon="arrow-back",
        ),
        Step(
            "return",
            "1.8",
            (CONFIRMED,),
            RETURNED,
            by=(party.authority,),
            label=_l("Return to the school"),
            needs_reason=True,
            guards=(rule.places_exist,),
            prepares=(rule.keep_submitted,),
            effects=(rule.settle_first_round,),
            writes=rule.return_notes,
            tells=(Telling("file_returned", ("school_head", "school_info")),),
            tone="warning",
            icon="arrow-back-up",
        ),
        Step(
            "approve",
            "1.9",
            (CONFIRMED,),
            effective_or_accepted,
            by=(party.authority,),
            label=_l("Approve file"),
            guards=(rule.scope_ticked, rule.not_own_work, rule.rules_hold),
            prepares=(rule.pass_fence,),
            writes=rule.effect,
            effects=(rule.take_effect, rule.settle_first_round),
            inputs=(IN_SCOPE,),
            tells=(
                Telling("file_effective", ("school_info", "school_head")),
                Telling("my_file_effective", ("teacher",)),
            ),
            icon="circle-check",
        ),
        Step(
            "accept",
            "1.10",
            (EFFECTIVE,),
            ACCEPTED,
            by=(party.city_for_district_file,),
            label=_l("Accept"),
            writes=rule.in_time,
            tells=(Telling("file_accepted", ("authority",)),),
            icon="checks",
        ),
        Step(
            "require_correction",
            "1.11",
            (EFFECTIVE, ACCEPTED),
            None,
            by=(party.city,),
            label=_l("Require a correction"),
            needs_reason=True,
            guards=(rule.no_second_correction,),
            effects=(rule.open_correction,),
            tells=(Telling("correction_required", ("authority", "school_info", "school_head")),),
            tone="warning",
            icon="alert-circle",
        ),
        Step(
            "report",
            "1.12",
            (ACCEPTED,),
            REPORTED,
            by=(party.city,),
            label=_l("Report to the Ministry"),
            bulk=False,
            at_leisure=True,
            inputs=(NOTE,),
            opens=(report.wait_for_effects,),
            guards=(rule.no_open_correction, rule.no_error, report.codes_mapped),
            prepares=(report.freeze_items,),
            tells=(Telling("file_reported", ("authority",)),),
            tone="secondary",
            icon="building-bank",
        ),
        Step(
            "reopen",
            "1.13",
            (REPORTED,),
            ACCEPTED,
            by=(party.system,),
            label=_l("Reopen for the next batch"),
            bulk=False,
            tone="secondary",
            icon="refresh",
        ),
    ),
)
