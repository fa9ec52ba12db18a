"""No commit of business data without its audit row (SEC-43): asked at every commit of a request
and of a job, so that no page can forget it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import UpdateBase, event, inspect
from sqlalchemy.orm import ORMExecuteState, Session, SessionTransaction

from app.core.logs import context

# Tables whose writing needs no row of its own, and why. Everything else is business data.
EXEMPT = {
    "audit": "the log itself",
    "audit_seal": "its seals",
    "job": "progress of the queue; ordering, ending and stopping a job write rows",
    "notice": "follows from an act that wrote its row; reading one is the reader's own affair",
    "saved_view": "how a person likes a list",
    "form_draft": "typed but not saved; no part of a file",
    "submit_key": "recognises the repeat of a form",
    "name_gram": "search index, follows the name",
    "import_row": "staging of a workbook; its upload, check and commit write rows",
}


class Unaudited(RuntimeError):
    """A transaction wrote business data without an audit row; it must not be committed."""


def is_acting() -> bool:
    """Whether a request or a job is under way; what prepares data outside of both is not asked."""
    return context.get().request_id is not None


def watch_writes(
    target: Any, *, exempt: Iterable[str] = EXEMPT, when: Callable[[], bool] = is_acting
) -> None:
    """Refuse a commit of `target` (session class or maker) that changes data without audit row.

    `exempt` are the tables that are no business data; `when` tells whether to look at all. The
    commit raises Unaudited and nothing of the transaction is kept.
    """
    watch = _Watch(frozenset(exempt) | {"audit", "audit_seal"}, when)
    event.listen(target, "after_flush", watch.flushed)
    event.listen(target, "do_orm_execute", watch.executed)
    event.listen(target, "before_commit", watch.committing)
    event.listen(target, "after_soft_rollback", watch.rolled_back)
    event.listen(target, "after_transaction_end", watch.ended)


@dataclass(frozen=True)
class _Watch:
    exempt: frozenset[str]
    when: Callable[[], bool]

    def flushed(self, session: Session, _flush: Any) -> None:
        # An attribute may be set to what it was: that is no change.
        changed = (row for row in session.dirty if session.is_modified(row))
        for each in (*session.new, *changed, *session.deleted):
            self._note(session, inspect(each).mapper.local_table.name)

    def executed(self, state: ORMExecuteState) -> None:
        if isinstance(state.statement, UpdateBase):
            self._note(state.session, str(state.statement.table))

    def committing(self, session: Session) -> None:
        if session.in_nested_transaction():
            return
        session.flush()
        written = session.info.get("written")
        if written and "audited" not in session.info and self.when():
            raise Unaudited(", ".join(sorted(written)))

    def rolled_back(self, session: Session, transaction: SessionTransaction) -> None:
        # The row went with the savepoint it was written in, and so did what was changed there.
        if session.info.get("audited") is transaction:
            session.info.pop("audited")
        written = session.info.get("written", {})
        for table in [name for name, where in written.items() if _lies_in(where, transaction)]:
            del written[table]

    def ended(self, session: Session, transaction: SessionTransaction) -> None:
        if transaction.parent is None:
            session.info.pop("written", None)
            session.info.pop("audited", None)

    def _note(self, session: Session, table: str) -> None:
        if table not in self.exempt:
            where = session.get_nested_transaction() or session.get_transaction()
            session.info.setdefault("written", {}).setdefault(table, where)


def _lies_in(inner: SessionTransaction | None, outer: SessionTransaction) -> bool:
    """Whether a savepoint is another one, or was taken inside it."""
    while inner is not None and inner is not outer:
        inner = inner.parent
    return inner is outer
