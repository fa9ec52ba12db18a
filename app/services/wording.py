"""The words that every application carries beside its contents: its reason and the number of the
document that it goes by."""

from flask_babel import gettext as _

from app.core.errors import Problem, Refused
from app.services.notice import REASON_LENGTH, reason_problem

DOCUMENT_LENGTH = 60


def checked_words(reason: str, document_no: str) -> tuple[dict[str, str | None], list[Problem]]:
    """Reason and document number as they are kept, with what is wrong with them."""
    reason, document_no = reason.strip(), document_no.strip()
    problems = [] if len(reason) <= REASON_LENGTH else [reason_problem()]
    if len(document_no) > DOCUMENT_LENGTH:
        text = _("At most %(n)s characters.", n=DOCUMENT_LENGTH)
        problems.append(Problem("document_no", text, field="document_no"))
    return {"reason": reason or None, "document_no": document_no or None}, problems


def kept_words(reason: str, document_no: str) -> dict[str, str | None]:
    """Reason and document number as they are kept. Raises Refused when they are too long."""
    kept, problems = checked_words(reason, document_no)
    if problems:
        raise Refused(problems=problems)
    return kept
