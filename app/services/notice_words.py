"""What notices say, by event."""

from collections.abc import Mapping
from typing import Any

from flask_babel import lazy_gettext as _l

# Event -> its words; {count} files, {name} the only one's teacher, {unit}, {reason}.
EVENTS: Mapping[str, Any] = {
    "file_created": _l("A file was opened for you. Please fill it in and submit it."),
    "file_submitted": _l("%(count)s file(s) were submitted and wait for your school."),
    "head_file_submitted": _l(
        "%(unit)s submitted the file of its head. Nobody there may confirm it: you confirm it."
    ),
    "my_file_returned": _l("Your file was returned: %(reason)s"),
    "file_returned_to_teacher": _l("%(count)s file(s) were returned to the teacher: %(reason)s"),
    "file_confirmed": _l("%(unit)s reported %(count)s file(s) for review."),
    "report_withdrawn": _l("%(unit)s withdrew the report of %(count)s file(s)."),
    "file_returned": _l("%(count)s file(s) were returned by the authority: %(reason)s"),
    "file_effective": _l("%(count)s file(s) are effective."),
    "my_file_effective": _l("Your file is effective."),
    "file_accepted": _l("The city accepted %(count)s file(s)."),
    "correction_required": _l("The city asks to correct %(count)s file(s): %(reason)s"),
    "correction_closed": _l("The city closed the correction task: %(reason)s"),
    "file_reported": _l("%(count)s file(s) were reported to the Ministry."),
    "urge": _l(
        "Please complete the collection: %(count)s file(s) are not yet reported. %(reason)s"
    ),
    "urge_start": _l("Please begin the collection: no file has been opened yet. %(reason)s"),
    "bulk_done": _l("Your act on many files is finished: %(count)s done, %(refused)s not done."),
    "review_waiting": _l(
        "%(count)s file(s) have waited for your review for more than %(days)s working days."
    ),
    "addition_waiting": _l(
        "%(count)s addition(s) have waited for your decision for more than %(days)s working days."
    ),
    "change_waiting": _l(
        "%(count)s change(s) have waited for your decision for more than %(days)s working days."
    ),
    "process_waiting": _l(
        "%(count)s process(es) have waited for your step for more than %(days)s working days."
    ),
    "decision_due": _l(
        "The last day of the round is near or has passed: %(count)s file(s) wait for your decision."
    ),
    "report_ready": _l("The workbook of batch %(number)s is ready: %(count)s file(s)."),
    "extension_granted": _l("Your deadline was extended to %(until)s: %(reason)s"),
    "import_done": _l("Your import is finished: %(count)s row(s)."),
    "export_ready": _l("Your export is ready."),
    "export_to_approve": _l("An export waits for your approval."),
    "delegation_granted": _l("%(name)s is delegate of %(unit)s until %(until)s."),
    "delegation_ended": _l("%(name)s is no longer delegate of %(unit)s."),
    "addition_opened": _l("%(count)s addition(s) to effective files wait for your school."),
    "head_addition_opened": _l(
        "%(unit)s entered an addition to the file of its head. Nobody there may confirm it: you"
        " confirm it."
    ),
    "addition_confirmed": _l("%(unit)s reported %(count)s addition(s) to effective files."),
    "addition_rejected": _l("%(count)s addition(s) were rejected: %(reason)s"),
    "addition_approved": _l("%(count)s addition(s) are in force."),
    "change_submitted": _l("%(unit)s asks for %(count)s change(s) of effective files."),
    "my_change_submitted": _l("Your school asks for a change of your file."),
    "change_rejected": _l("%(count)s change(s) were rejected: %(reason)s"),
    "my_change_rejected": _l("A change of your file was rejected: %(reason)s"),
    "change_approved": _l("%(count)s change(s) are in force."),
    "my_change_approved": _l("A change of your file is in force."),
    "change_superseded": _l("%(count)s change(s) lapsed, because the file has changed since."),
    "hint_given": _l("A teacher proposes a correction of an effective file."),
    "my_hint_answered": _l("Your school answered your correction hint."),
    "addition_withdrawn": _l("%(count)s addition(s) were withdrawn."),
    "status_effective": _l("%(count)s status change(s) are in effect."),
    "status_submitted": _l("%(unit)s asks for your approval of %(count)s status change(s)."),
    "status_approved": _l("%(count)s status change(s) were approved."),
    "status_rejected": _l("%(count)s status change(s) were rejected: %(reason)s"),
    "status_withdrawn": _l("%(unit)s withdrew %(count)s status change(s)."),
    "status_revoked": _l("%(count)s status change(s) were revoked: %(reason)s"),
    "status_failed": _l(
        "A status change could not take effect on its day and stays registered: %(reason)s"
    ),
    "my_status_effective": _l("A change of your staff status is in effect."),
    "my_status_revoked": _l("A change of your staff status was revoked: %(reason)s"),
    "rotation_submitted": _l("%(unit)s asks to send out %(count)s teacher(s) on rotation."),
    "rotation_rejected": _l("%(count)s rotation(s) were rejected: %(reason)s"),
    "rotation_confirmed": _l("%(count)s rotation(s) are confirmed."),
    "my_rotation_confirmed": _l("Your rotation is confirmed."),
    "guest_coming": _l("%(unit)s confirmed an incoming rotation of %(count)s teacher(s)."),
    "rotation_ended": _l("%(count)s rotation(s) have ended."),
    "rotation_terminated": _l("%(unit)s ended %(count)s rotation(s) early: %(reason)s"),
    "my_rotation_ended": _l("Your rotation has ended."),
    "guest_leaves": _l("The rotation of %(count)s teacher(s) to your school has ended."),
    "rotation_ending": _l("%(count)s rotation(s) reach their planned end. End or extend them."),
    "extension_submitted": _l("%(unit)s asks to extend %(count)s rotation(s)."),
    "extension_rejected": _l("The extension of %(count)s rotation(s) was rejected: %(reason)s"),
    "rotation_extended": _l("%(count)s rotation(s) are extended."),
    "my_rotation_extended": _l("Your rotation is extended."),
    "transfer_submitted": _l("%(unit)s asks for the transfer of %(count)s teacher(s)."),
    "transfer_issued": _l("%(unit)s issued the transfer of %(count)s teacher(s) of your school."),
    "head_transfer_issued": _l(
        "%(unit)s issued the transfer of the head of a school. Nobody there may answer: you do."
    ),
    "transfer_released": _l("%(unit)s agrees to the transfer of %(count)s teacher(s)."),
    "transfer_confirmed": _l("The files of %(count)s teacher(s) are ready to be taken."),
    "transfer_completed": _l("%(unit)s took the files of %(count)s teacher(s)."),
    "my_transfer_completed": _l("Your transfer is completed. %(unit)s keeps your file now."),
    "transfer_rejected": _l("%(unit)s rejected the transfer of %(count)s teacher(s): %(reason)s"),
    "my_transfer_rejected": _l("Your transfer was rejected: %(reason)s"),
    "transfer_withdrawn": _l("%(unit)s withdrew the transfer of %(count)s teacher(s)."),
    "my_transfer_withdrawn": _l("The application for your transfer was withdrawn."),
    "transfer_cancelled": _l("The transfer of %(count)s teacher(s) was cancelled: %(reason)s"),
    "my_transfer_cancelled": _l("Your transfer was cancelled: %(reason)s"),
    "opinion_given": _l("An assistant recorded an opinion on %(count)s file(s)."),
}
