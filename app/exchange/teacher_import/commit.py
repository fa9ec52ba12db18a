"""Carries out what a checked batch says, in batches of persons or all at once (C5, REL-08).

Good rows are taken in transactions of 500 persons, each with its progress; all rows in one. A
worker that is killed leaves whole batches or nothing, and another one goes on.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.access.actor import Actor
from app.core.clock import now
from app.core.errors import Refused, Stale
from app.exchange.teacher_import.batch import ALL, COMMITTING, DONE
from app.exchange.teacher_import.checking import Progress, count, open_workbook
from app.exchange.teacher_import.heading import column_letters
from app.exchange.teacher_import.plan import BASIC, PersonPlan, Planner, Step
from app.exchange.teacher_import.staging import (
    REFUSED,
    StagedRow,
    in_batches,
    persons_of,
    persons_waiting,
    put_back,
    rows_of,
    seal_json,
    texts,
)
from app.indicators.catalog import Catalog, catalog
from app.models.exchange import ImportBatch
from app.models.record import TEACHER_SETS
from app.models.teacher import NoneAnswer, Teacher
from app.models.unit import Unit
from app.services import audit, identity, notice, projection, record
from app.services import file as files
from app.services.storage import Storage

ATTEMPTS = 3


class NotAll(Refused):
    """All rows were to be taken, and one of them has an error since the check."""


def commit_batch(
    session: Session,
    actor: Actor,
    batch: ImportBatch,
    storage: Storage,
    progress: Progress,
    *,
    report: Progress | None = None,
) -> None:
    """Bring the good rows of a checked batch into the files of the school.

    `progress(done, total)` commits after each batch of persons; for all-or-nothing it is called
    once, at the end, and `report(done, total)` in between, which must not commit the session.
    Raise NotAll when all were to be taken and a row has an error meanwhile: nothing may be kept
    then.
    """
    if batch.state != COMMITTING:
        raise Stale()
    work = _Commit(session, actor, batch, storage)
    persons = persons_waiting(session, batch.id)
    total = len(persons_of(session, batch.id))
    done = total - len(persons)
    between = report if batch.take == ALL else progress
    for part in in_batches(persons):
        work.carry_out(part)
        done += len(part)
        if between is not None:
            between(done, total)
    count(session, batch)
    batch.state = DONE
    changed = batch.inserted + batch.updated
    notice.send(session, "import_done", [batch.account_id], count=changed)
    detail = {"step": "done", "inserted": batch.inserted, "updated": batch.updated}
    audit.record(session, "import", actor=actor, object=batch, detail=detail | {"bad": batch.bad})
    progress(total, total)


class _Commit:
    """The work on one batch."""

    def __init__(
        self, session: Session, actor: Actor, batch: ImportBatch, storage: Storage
    ) -> None:
        self.session, self.actor, self.batch, self.storage = session, actor, batch, storage
        self.catalog: Catalog = catalog(session)
        self.school = session.get_one(Unit, batch.school_id)
        self._letters: Mapping[tuple[str, str], str] | None = None

    def carry_out(self, persons: Sequence[bytes]) -> None:
        """Plan anew and write the rows of some persons; files may have moved since the check.

        Somebody else may open a file for one of the persons at the same moment, or edit a record:
        the database refuses ours then, and the next plan sees theirs.
        """
        for attempt in range(ATTEMPTS):
            plans = self._plan(persons)
            savepoint = self.session.begin_nested()
            try:
                self._write(plans)
            except (IntegrityError, Stale):
                savepoint.rollback()
                if attempt == ATTEMPTS - 1:
                    raise
            else:
                savepoint.commit()
                return

    def _plan(self, persons: Sequence[bytes]) -> list[PersonPlan]:
        waiting = rows_of(self.session, self.batch.id, persons, self.catalog)
        rows = [row for row in waiting if not row.is_bad]
        lost = [row for row in waiting if row.is_lost]
        put_back(
            self.session,
            [{"id": row.id, "outcome": REFUSED, "problems": row.findings} for row in lost],
        )
        for row in rows:
            row.findings = []
        planner = Planner(
            self.session,
            self.actor,
            self.school,
            self.catalog,
            self.batch.mode,
            letters=self._column_letters(),
            locks=True,
        )
        plans = planner.plan(rows)
        bad = lost or any(row.is_bad for plan in plans for row in plan.rows)
        if self.batch.take == ALL and bad:
            raise NotAll(
                _l(
                    "Nothing was imported: the files were changed since the check and rows have"
                    " errors now. The preview shows them."
                )
            )
        return plans

    def _column_letters(self) -> Mapping[tuple[str, str], str]:
        if self._letters is None:
            category = self.school.category or ""
            book, opened, _notes = open_workbook(self.batch, self.storage, self.catalog, category)
            book.close()
            self._letters = column_letters(opened)
        return self._letters

    def _write(self, plans: Sequence[PersonPlan]) -> None:
        changing = [plan for plan in plans if plan.changes]
        self._open_files(changing)
        touched = [plan.teacher for plan in changing if plan.teacher is not None]
        answers = self._take_answers(changing)
        self._write_records(changing)
        self._rename(changing)
        if touched:
            files.contribute(self.session, self.actor, [teacher.id for teacher in touched])
            projection.refresh(self.session, touched, self.catalog)
            objects = [("teacher", teacher.id, teacher.id) for teacher in touched]
            detail = {"step": "rows", "batch": self.batch.uuid, "file": self.batch.file_name}
            audit.record_many(
                self.session, "import", actor=self.actor, objects=objects, detail=detail
            )
        put_back(self.session, self._results(plans, answers))

    def _open_files(self, plans: Sequence[PersonPlan]) -> None:
        """Open the files of those who have none, in two statements."""
        for plan in plans:
            if plan.teacher is None:
                plan.opens = True
                plan.teacher = files.new_file(self.school, _basic(plan).values)
                self.session.add(plan.teacher)
        self.session.flush()
        self.session.add_all(
            files.first_affiliation(plan.teacher, _basic(plan).values)
            for plan in plans
            if plan.opens and plan.teacher is not None
        )

    def _write_records(self, plans: Sequence[PersonPlan]) -> None:
        """Insert and update the records, two statements per set and one to load them."""
        by_set: dict[str, list[tuple[Teacher, Step]]] = {}
        for plan in plans:
            assert plan.teacher is not None  # noqa: S101 - _open_files() saw to it.
            for step in plan.changes:
                by_set.setdefault(step.row.set, []).append((plan.teacher, step))
        for set_code, steps in by_set.items():
            cls = TEACHER_SETS[set_code]
            fresh = [self._new_row(cls, *each) for each in steps if each[1].is_new]
            record.insert_rows(self.session, cls, fresh)
            changed = {step.uuid: step for _teacher, step in steps if not step.is_new}
            self._update(cls, changed)

    def _new_row(self, cls: Any, teacher: Teacher, step: Step) -> dict[str, Any]:
        return {
            "uuid": step.uuid,
            "teacher_id": teacher.id,
            "school_id": teacher.school_id,
            "authority_id": teacher.authority_id,
            "state": "draft",
            "version": 1,
            **self._entered(),
            **record.stored(cls, step.uuid, step.values),
        }

    def _update(self, cls: Any, steps: Mapping[str, Step]) -> None:
        if not steps:
            return
        query = select(cls).where(cls.uuid.in_(list(steps)), cls.valid_from.is_(None))
        rows = self.session.scalars(query).all()
        record.update_rows(
            self.session,
            cls,
            [
                (row, record.stored(cls, row.uuid, steps[row.uuid].changed) | self._entered())
                for row in rows
            ],
        )

    def _entered(self) -> dict[str, Any]:
        return {"entered_by": self.actor.account_id, "entered_at": now()}

    def _rename(self, plans: Sequence[PersonPlan]) -> None:
        """Name and document of the file follow its basic set."""
        for plan in plans:
            basic = [step for step in plan.changes if step.row.set == BASIC]
            if basic and not plan.opens and plan.teacher is not None:
                plan.teacher.name = basic[0].values["name"]
                identity.identify(plan.teacher, basic[0].values)

    def _take_answers(self, plans: Sequence[PersonPlan]) -> dict[tuple[int, str], dict[str, Any]]:
        """Take back “none to report” where records come in; what it was is kept for the undoing."""
        ids = [plan.teacher.id for plan in plans if plan.teacher is not None and not plan.opens]
        sets = {step.row.set for plan in plans for step in plan.changes if step.is_new}
        if not ids or not sets:
            return {}
        gained = {
            (plan.teacher.id, step.row.set)
            for plan in plans
            for step in plan.changes
            if plan.teacher is not None and step.is_new
        }
        query = select(NoneAnswer).where(NoneAnswer.teacher_id.in_(ids), NoneAnswer.set.in_(sets))
        found = {}
        for answer in self.session.scalars(query):
            if (answer.teacher_id, answer.set) in gained:
                found[answer.teacher_id, answer.set] = {
                    "by": answer.answered_by,
                    "at": answer.at.isoformat(),
                }
                self.session.expunge(answer)
        for set_code in {key[1] for key in found}:
            teachers = [teacher for teacher, code in found if code == set_code]
            self.session.execute(
                delete(NoneAnswer).where(
                    NoneAnswer.teacher_id.in_(teachers), NoneAnswer.set == set_code
                )
            )
        return found

    def _results(
        self, plans: Sequence[PersonPlan], answers: Mapping[tuple[int, str], dict[str, Any]]
    ) -> Iterable[dict[str, Any]]:
        left = dict(answers)
        for plan in plans:
            steps = {step.row.id: step for step in plan.steps}
            for row in plan.rows:
                yield self._result(plan, row, steps.get(row.id), left)

    def _result(
        self,
        plan: PersonPlan,
        row: StagedRow,
        step: Step | None,
        answers: dict[tuple[int, str], dict[str, Any]],
    ) -> dict[str, Any]:
        found: dict[str, Any] = {
            "id": row.id,
            "outcome": REFUSED if step is None else step.kind,
            "problems": row.findings or None,
            "teacher_id": None,
            "record_uuid": None,
            "before": None,
        }
        if step is None or plan.teacher is None:
            return found
        found |= {"teacher_id": plan.teacher.id, "record_uuid": step.uuid}
        if step.changed or step.is_new:
            trace = {
                "new": step.is_new,
                "opens": plan.opens,
                "version": plan.teacher.version,
                "before": texts(step.before, row.set, self.catalog),
                "after": texts(step.changed, row.set, self.catalog),
                "answer": answers.pop((plan.teacher.id, row.set), None),
            }
            found["before"] = seal_json(trace, "before", row.uuid)
        return found


def _basic(plan: PersonPlan) -> Step:
    return next(step for step in plan.steps if step.row.set == BASIC)
