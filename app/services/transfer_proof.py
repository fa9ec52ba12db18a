"""The documents of the decision that a transfer goes by, as scans (4.2 to 4.5)."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.access.actor import Actor
from app.core.errors import Forbidden, NotFound, Stale
from app.models.attachment import Attachment
from app.models.transfer import Transfer, TransferState
from app.services import attachment
from app.services.attachment import Upload
from app.services.exclusive import hold
from app.services.storage import Storage
from app.services.transfer_queue import TURNS

# While it is prepared, and while an authority decides on it.
PROVED_IN = frozenset(
    {
        TransferState.DRAFT,
        TransferState.PENDING_IN_AUTHORITY,
        TransferState.PENDING_OUT_AUTHORITY,
    }
)


def may_attach(actor: Actor, item: Transfer) -> bool:
    """Whether a document is the actor's to attach now: the receiving clerk's to a draft, and that
    of the authority whose turn it is."""
    return item.state in _turns(actor, item)


def _turns(actor: Actor, item: Transfer) -> set[TransferState]:
    """The states in which the actor attaches documents to a transfer."""
    return {
        state
        for state in PROVED_IN
        if getattr(item, TURNS[state][0]) == actor.unit_id and actor.role in TURNS[state][1]
    }


def attach(
    session: Session, actor: Actor, item: Transfer, upload: Upload, *, storage: Storage
) -> Attachment:
    """Keep a scan of a document of a transfer. It lies at the side that attaches it, and is read
    where the transfer is.

    Raises Forbidden for those who never attach one, Stale when it is not their turn, Refused for a
    file that is not taken, Busy.
    """
    if not _turns(actor, item):
        raise Forbidden()
    hold(session, [item.teacher_id])
    again = select(Transfer).where(Transfer.id == item.id).with_for_update()
    found = session.scalars(again.execution_options(populate_existing=True)).first()
    if found is None:
        raise NotFound()
    if not may_attach(actor, found):
        raise Stale()
    of_sender = found.state == TransferState.PENDING_OUT_AUTHORITY
    school, authority = (
        (found.from_school_id, found.from_authority_id)
        if of_sender
        else (found.school_id, found.authority_id)
    )
    place = {"school_id": school, "authority_id": authority}
    return attachment.keep_evidence(session, actor, found, upload, storage=storage, place=place)
