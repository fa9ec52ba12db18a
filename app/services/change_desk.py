"""Who prepares an addition or change, of which file: what both ask, fill in and write down."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.access.actor import Actor
from app.access.fields import may_change
from app.access.roles import Role
from app.core.clock import now
from app.core.errors import Forbidden, NotFound, Problem, Refused, Stale
from app.indicators import checks
from app.indicators.catalog import Catalog
from app.indicators.file import FileData
from app.models.change import OPEN, Change, ChangeState
from app.models.change import RecordChange as Process
from app.models.correction import Correction
from app.models.record import PENDING, TEACHER_SETS
from app.models.teacher import Teacher
from app.services import attachment, audit, check, transition
from app.services.contents import file_data, find_record, records
from app.services.effect import ENTRY, Coming, applied, copied
from app.services.exclusive import Kind, require_free
from app.services.file import Right, masked_changes, new_record, put_values, require_rights
from app.services.filling import hold
from app.services.raw_values import clear_inapplicable, default_values, parse_values

ADD, OPENED, EDITED = "add", "open", "edit"  # Beside the steps of the flows in their history.
TYPED_IN = (ADD, OPENED, EDITED)
Values = Mapping[str, Any]


@dataclass(frozen=True)
class Desk:
    """Who prepares an addition or change of which file."""

    session: Session
    actor: Actor
    teacher: Teacher
    catalog: Catalog

    def hold(self, kind: Kind = Kind.CHANGE) -> None:
        """Lock the file, so that nothing of it moves meanwhile; Stale while it is not effective,
        Refused while it is on its way to another school (s0)."""
        hold(self.session, self.teacher)
        if not self.teacher.is_in_force:
            raise Stale(_("The file is not yet effective. It is filled in directly."))
        if not self.teacher.active:
            raise Stale(_("The person has left. The file is read only."))
        require_free(self.session, kind, self.teacher.id)

    def hold_draft(self, item: Change, version: int | None) -> None:
        """Lock the file and a draft of its school at the version that was seen."""
        self.hold()
        hold_item(self.session, item)  # After its file, as the steps of the flow do.
        if not is_school(self.actor, item):
            raise Forbidden()
        if item.state != ChangeState.DRAFT or version not in (None, item.version):
            raise Stale()

    def require(self, set_code: str, raw: Values, right: Right) -> None:
        """Ask a right for all values that are given."""
        if set_code not in TEACHER_SETS:
            raise NotFound()
        require_rights(self.actor, self.teacher, set_code, raw, right=right, catalog=self.catalog)

    def record_of(self, set_code: str, uuid: str | None) -> Any:
        """The row in force that is meant: the one named, that of a single-row set, or none."""
        if uuid is not None:
            return find_record(self.session, self.teacher, set_code, uuid)
        if self.catalog.set(set_code).multi_row:
            return None
        return next(iter(records(self.session, self.teacher, set_code)), None)

    def refuse_second(self, set_code: str, before: Any) -> None:
        """One addition or change of a record is open at a time (s0)."""
        same = Process.set == set_code
        if before is not None:
            same &= Process.record_uuid == before.uuid
        elif self.catalog.set(set_code).multi_row:
            return
        mine = (Process.teacher_id == self.teacher.id, Process.state.in_(OPEN), same)
        found = self.session.scalars(select(Process.flow).where(*mine)).first()
        if found is None:
            return
        text = (
            _("An addition to this record is open already.")
            if found == "addition"
            else _("A change of this record is open already.")
        )
        raise Refused(problems=[Problem("open_process", text, set=set_code)])

    def proposed(self, set_code: str, before: Any, raw: Values) -> tuple[Any, list[Problem]]:
        """A pending row that says what the one before says, but for the values that are given."""
        made = new_record(self.teacher, set_code, self.actor)
        made.state = PENDING
        if before is None:
            for code, value in default_values(
                self.catalog, set_code, self.teacher.category
            ).items():
                made.put(code, value)
        else:
            for name, value in copied(before).items():
                if name not in ENTRY:
                    setattr(made, name, value)
        problems = self.fill(made, raw)
        return made, problems + self.save_problems(before, made)

    def fill(self, made: Any, raw: Values) -> list[Problem]:
        """Write raw values into a pending row; returns a problem per bad one."""
        code = made.indicator_set.code
        values, problems = parse_values(self.catalog, code, raw, self.teacher.category)
        problems += attachment.unknown_problems(
            self.session, self.teacher, code, values, self.catalog
        )
        put_values(made, values, made.values())
        clear_inapplicable(made, self.catalog)
        return problems

    def save_problems(self, before: Any, made: Any) -> list[Problem]:
        """The errors that the row would bring, of the rules that are asked on saving."""
        coming = Coming(before, made, tuple(differing(before, made)))
        with self.session.no_autoflush:
            file = file_data(self.session, [self.teacher], self.catalog)[self.teacher.id]
        return brought(file, coming, self.catalog, trigger="save", only_sets={coming.set})

    def not_removable(self, before: Any) -> list[Problem]:
        """Why a record cannot be removed; Forbidden when it holds what is not the school's."""
        entry = before.indicator_set
        if not entry.multi_row:
            text = _("A single-row set can be emptied but not deleted.")
            return [Problem("single_row", text, set=entry.code)]
        for item in entry.indicators:
            filled = not item.computed and before.value(item.code) is not None
            mine = may_change(
                self.actor,
                self.teacher,
                self.catalog.indicator(entry.code, item.code),
                self.catalog,
            )
            if filled and not mine:
                raise Forbidden(_("This record holds values that are not yours to delete."))
        return []

    def open_correction(self, key: int | None) -> int | None:
        """The correction task that a change answers: one of the file, and open (1.11)."""
        if key is None:
            return None
        mine = (Correction.id == key, Correction.teacher_id == self.teacher.id)
        task = self.session.scalars(select(Correction).where(*mine)).first()
        if task is None:
            raise NotFound()
        if task.closed_at is not None:
            text = _("This correction task is closed already.")
            raise Refused(problems=[Problem("correction", text, field="correction")])
        return task.id

    def open(self, item: Process, made: Any, before: Any) -> None:
        """Write a new process with the row that it proposes."""
        row, teacher, actor = made if made is not None else before, self.teacher, self.actor
        item.uuid, item.version = uuid4().hex, 1
        item.teacher_id, item.school_id = teacher.id, teacher.school_id
        item.authority_id = teacher.authority_id
        item.set, item.record_uuid = row.indicator_set.code, row.uuid
        item.before_id = None if before is None else before.id
        item.state_since = item.opened_at = now()
        item.opened_by, item.opened_role = actor.account_id, str(actor.role)
        self.session.add_all(filter(None, (made, item)))
        self.session.flush()
        if made is not None:
            attachment.link_proposed(self.session, item, made)

    def note(self, item: Process, before: Any, made: Any, *, step: str) -> None:
        """Put what was typed into the history of the process, and masked into the audit log."""
        self.session.flush()
        is_new = step != EDITED
        transition.note(
            self.session,
            self.actor,
            item,
            flow=item.flow,
            step=step,
            from_state=None if is_new else item.state,
        )
        old = {} if before is None else before.values()
        new = {} if made is None else made.values()
        values = masked_changes(item.set, old, new, self.catalog)
        audit.record(
            self.session,
            "create" if is_new else "change",
            actor=self.actor,
            object=(item.flow, item.id, item.teacher_id),
            detail={"set": item.set, "kind": str(item.kind), "values": values},
        )


def brought(
    file: FileData,
    coming: Coming,
    catalog: Catalog,
    *,
    trigger: str = "submit",
    only_sets: Collection[str] | None = None,
) -> list[Problem]:
    """The errors of the rules that a file has only with a row in force.

    Those it has already hold nothing up, but for those in the values that the row puts right.
    """

    def errors(of: FileData) -> list[Problem]:
        found = checks.run(of, check.context(catalog), trigger=trigger, only_sets=only_sets)
        return [problem for problem in found if problem.is_error]

    def place(problem: Problem) -> tuple[Any, ...]:
        return problem.code, problem.set, problem.field, str(problem.record)

    def touched(problem: Problem) -> bool:
        here = problem.set == coming.set and str(problem.record) == coming.uuid
        return here and problem.field in coming.fields

    known = {place(problem) for problem in errors(file) if not touched(problem)}
    new = errors(applied(file, [coming], catalog))
    return [problem for problem in new if place(problem) not in known]


def hold_item(session: Session, item: Process) -> None:
    """Lock a process and read it anew; NotFound when it has gone."""
    again = select(Process).where(Process.id == item.id).with_for_update()
    if session.scalars(again.execution_options(populate_existing=True)).first() is None:
        raise NotFound()


def is_school(actor: Actor, item: Process) -> bool:
    return actor.role == Role.SCHOOL_INFO and actor.unit_id == item.school_id


def differing(before: Any, made: Any) -> list[str]:
    """The codes of the entered indicators that would say something else."""
    return [
        item.code
        for item in made.indicator_set.indicators
        if not item.computed
        and made.value(item.code) != (None if before is None else before.value(item.code))
    ]
