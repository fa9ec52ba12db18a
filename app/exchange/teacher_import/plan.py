"""Works out what staged rows would do to the files of a school, and why some of them cannot.

The check shows it, the commit carries it out; both ask this one place. A row passes the same
doors as an entry in a form: field rights, what does not apply is emptied, the rules of saving.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

from flask_babel import force_locale
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.access.actor import Actor
from app.access.fields import may_edit
from app.core.reference import IndicatorSet
from app.exchange.layout import PERSON_COLUMNS, PERSON_ID, PERSON_NAME
from app.exchange.record_keys import RECORD_KEYS
from app.exchange.teacher_import import words
from app.exchange.teacher_import.finding import finding
from app.exchange.teacher_import.matching import Match, match_rows
from app.exchange.teacher_import.rules import RowRules
from app.exchange.teacher_import.staging import INSERTED, UNCHANGED, UPDATED, StagedRow
from app.indicators.catalog import Catalog
from app.indicators.file import FileData, Row
from app.models.teacher import ReviewState, Teacher
from app.models.unit import Unit
from app.services import check, contents, filling, identity, raw_values

INSERT, UPDATE, BOTH = "insert", "update", "both"
MODES = (INSERT, UPDATE, BOTH)
SERVING = "100"
BASIC, STATUS = "basic", "staff_status"
Letters = Mapping[tuple[str, str], str]


@dataclass
class Step:
    """What a row does to its record. `values` is the record afterwards, `changed` what moves."""

    row: StagedRow
    kind: str
    uuid: str
    is_new: bool
    values: dict[str, Any]
    changed: dict[str, Any]
    before: dict[str, Any]


@dataclass
class PersonPlan:
    """The rows of one person and what they do; `teacher` None asks for a file to be opened,
    `opens` says that it was opened for these rows."""

    person: bytes
    teacher: Teacher | None
    file: FileData
    rows: list[StagedRow]
    steps: list[Step] = field(default_factory=list)
    opens: bool = False

    @property
    def changes(self) -> list[Step]:
        """The steps that write something."""
        return [step for step in self.steps if step.changed or step.is_new]

    def drop_bad(self) -> None:
        """Leave out the steps of rows that have got an error."""
        self.steps = [step for step in self.steps if not step.row.is_bad]


class Planner:
    """Plans rows of one school. `letters` gives the column of (sheet, indicator) for the findings.

    `locks` holds the files until the transaction ends, so that no flow moves them meanwhile.
    `foreign_names` says how often the school of a foreign file may be named (SEC-13); `foreign`
    lists the persons found elsewhere.
    """

    def __init__(
        self,
        session: Session,
        actor: Actor,
        school: Unit,
        catalog: Catalog,
        mode: str,
        *,
        letters: Letters | None = None,
        foreign_names: int = 0,
        locks: bool = False,
    ) -> None:
        self.session, self.actor, self.catalog = session, actor, catalog
        self.school_id = school.id
        self._round_closed = filling.is_round_closed(school)
        self.mode, self.letters = mode, letters or {}
        self.foreign_names, self.locks = foreign_names, locks
        self.foreign: list[bytes] = []
        self._category = school.category or ""
        above = session.get(Unit, school.authority_id)
        self._facts = contents.school_facts(school, above.code if above else None)
        self._defaults: dict[str, dict[str, Any]] = {}
        self._rights: dict[tuple[str, str], frozenset[str]] = {}
        self._rules = RowRules(catalog, self.letters)
        # What the field rights ask of a file that is not there yet.
        self._fresh_file = SimpleNamespace(
            id=None,
            state=ReviewState.DRAFT,
            school_id=school.id,
            school=SimpleNamespace(id=school.id, category=school.category),
            category=school.category,
        )

    def plan(self, rows: Sequence[StagedRow]) -> list[PersonPlan]:
        """Plan rows that name persons; their findings grow. A constant number of statements."""
        with force_locale("zh"):
            plans = self._open(rows)
            for plan in plans:
                self._plan_person(plan)
        return plans

    def _open(self, rows: Sequence[StagedRow]) -> list[PersonPlan]:
        groups: dict[bytes, list[StagedRow]] = {}
        for row in rows:
            if row.person is not None:
                groups.setdefault(row.person, []).append(row)
        teachers = self._teachers(list(groups))
        present = self._present(list(teachers.values()))
        strangers = [person for person in groups if person not in teachers]
        known = identity.known_identities(self.session, self.school_id, strangers)
        plans = []
        for person, own in groups.items():
            teacher = teachers.get(person)
            file = present[teacher.id] if teacher else FileData(None, self._facts, SERVING, {})
            plans.append(PersonPlan(person, teacher, file, own))
            if teacher is None:
                self._look_at_stranger(person, own, known.get(person))
        return plans

    def _present(self, teachers: list[Teacher]) -> dict[int, FileData]:
        return contents.file_data(self.session, teachers, self.catalog) if teachers else {}

    def _teachers(self, persons: list[bytes]) -> dict[bytes, Teacher]:
        query = select(Teacher).where(
            Teacher.school_id == self.school_id, Teacher.active, Teacher.has_number(persons)
        )
        query = query.order_by(Teacher.id)
        if self.locks:
            query = query.with_for_update(of=Teacher)
        found, wanted = self.session.scalars(query), set(persons)
        return {index: each for each in found for index in each.number_indexes if index in wanted}

    def _look_at_stranger(
        self, person: bytes, rows: list[StagedRow], known: identity.KnownIdentity | None
    ) -> None:
        """Whether a file can be opened for somebody who has none in the school."""
        basic = [row for row in rows if row.set == BASIC]
        if not basic:
            for row in rows:
                self._blame(row, "person", words.unknown_person, PERSON_ID)
        elif known is not None:
            self._blame_known(basic[0], person, known)
        elif self.mode == UPDATE:
            self._blame(basic[0], "mode", words.no_file_to_update)

    def _blame_known(self, row: StagedRow, person: bytes, known: identity.KnownIdentity) -> None:
        if known.active and not known.own:
            self.foreign.append(person)
            if len(self.foreign) > self.foreign_names:
                known = words.unnamed(known)
        problem = identity.identity_problem(known)
        self._blame(row, problem.code, lambda: identity.identity_problem(known).message, "id_no")

    def _plan_person(self, plan: PersonPlan) -> None:
        self._check_names(plan)
        for set_code in dict.fromkeys(row.set for row in plan.rows):
            self._plan_set(plan, self.catalog.set(set_code))
        self._depend_on_basic(plan)
        while plan.changes and self._rules.blame(plan.file, plan.changes):
            plan.drop_bad()
            self._depend_on_basic(plan)

    def _check_names(self, plan: PersonPlan) -> None:
        """A number with another name is most likely a slip that would hit somebody else."""
        names = {row.name for row in plan.rows if row.set == BASIC and row.name}
        present = plan.teacher.name if plan.teacher else None
        for row in plan.rows:
            if not row.name or row.name == present:
                continue
            if row.set == BASIC:
                if present is not None:
                    self._blame(row, "name", words.name_changes, "name", severity="warning")
            elif row.name not in names and (names or present):
                self._blame(row, "person", words.other_name, PERSON_NAME)

    def _depend_on_basic(self, plan: PersonPlan) -> None:
        """Without its basic row there is no file for the other rows of a person."""
        if plan.teacher is not None or any(step.row.set == BASIC for step in plan.steps):
            return
        for row in plan.rows:
            if not row.is_bad:
                self._blame(row, "person", words.basic_is_bad)
        plan.drop_bad()

    def _plan_set(self, plan: PersonPlan, entry: IndicatorSet) -> None:
        rows = [row for row in plan.rows if row.set == entry.code and not row.is_bad]
        keys = RECORD_KEYS.get(entry.code, ())

        def fresh(values: Mapping[str, Any]) -> dict[str, Any]:
            return self._fresh(entry, values)

        for match in match_rows(rows, plan.file.all(entry.code), keys, fresh):
            if match.repeats is not None:
                self._blame(match.row, "repeated", words.repeats(match.repeats))
                continue
            step = self._step(plan, entry, match)
            if step is not None and not step.row.is_bad:
                plan.steps.append(step)

    def _step(self, plan: PersonPlan, entry: IndicatorSet, match: Match) -> Step | None:
        row = match.row
        given = {code: value for code, value in row.values.items() if code != STATUS}
        self._check_status(plan, row)
        if match.record is None:
            if self.mode == UPDATE and entry.multi_row:
                self._blame(row, "mode", words.no_record_to_update)
                return None
            values = dict(match.fresh)
            step = Step(row, INSERTED, uuid4().hex, True, values, values, {})
            if plan.teacher is None and entry.code == BASIC:
                self._check_identity(row, values)
        else:
            step = self._change(entry, row, match.record, given)
        if step.changed:
            for code in given:
                if step.values.get(code) is None:
                    self._blame(row, "idle", words.does_not_apply, code, severity="warning")
            self._check_rights(plan, row, [code for code in given if code in step.changed])
        return step

    def _change(
        self, entry: IndicatorSet, row: StagedRow, record: Row, given: Mapping[str, Any]
    ) -> Step:
        current = record.values
        values = {**current, **given}
        values |= dict.fromkeys(raw_values.inapplicable(entry, values, self.catalog))
        changed = {c: v for c, v in values.items() if v != current.get(c)}
        if changed and self.mode == INSERT and self._is_entered(entry, current):
            self._blame(row, "mode", words.left_as_it_is, severity="warning")
            values, changed = dict(current), {}
        before = {code: current.get(code) for code in changed}
        kind = UPDATED if changed else UNCHANGED
        return Step(row, kind, record.uuid, False, values, changed, before)

    def _is_entered(self, entry: IndicatorSet, values: Mapping[str, Any]) -> bool:
        """Whether a record says more than what the system worked out."""
        return any(
            values.get(item.code) is not None for item in entry.indicators if not item.read_only
        )

    def _fresh(self, entry: IndicatorSet, given: Mapping[str, Any]) -> dict[str, Any]:
        if entry.code not in self._defaults:
            self._defaults[entry.code] = raw_values.default_values(
                self.catalog, entry.code, self._category
            )
        values = {**self._defaults[entry.code], **given}
        values.pop(STATUS, None)
        return values | dict.fromkeys(raw_values.inapplicable(entry, values, self.catalog))

    def _check_identity(self, row: StagedRow, values: Mapping[str, Any]) -> None:
        for problem in raw_values.missing_identity(values, self.catalog):
            item = self.catalog.indicator(BASIC, str(problem.field))
            self._blame(row, problem.code, words.needed_to_open(self.catalog, item), item.code)

    def _check_status(self, plan: PersonPlan, row: StagedRow) -> None:
        status = row.values.get(STATUS) if row.set == BASIC else None
        if status is None:
            return
        if plan.teacher is not None:
            if status != plan.teacher.staff_status:
                self._blame(row, "not_editable", words.status_has_its_flow, STATUS)
        elif status != SERVING:
            code = check.refused_status(status, self.catalog)[0].code
            self._blame(row, code, words.refused_status(status, self.catalog), STATUS)

    def _check_rights(self, plan: PersonPlan, row: StagedRow, codes: Sequence[str]) -> None:
        teacher = plan.teacher
        if self._round_closed:
            self._blame(row, "locked", filling.round_closed)
            return
        if teacher is not None and not filling.is_open_to(self.actor, teacher, closed=False):
            self._blame(row, "locked", lambda: filling.locked_reason(teacher))
            return
        for code in codes:
            if code in self._editable(teacher, row.set):
                continue
            item = self.catalog.indicator(row.set, code)
            if teacher is not None and not teacher.is_open:
                self._blame(row, "locked", lambda: filling.locked_reason(teacher), code)
            else:
                self._blame(row, "not_editable", words.not_yours(self.catalog, item), code)

    def _editable(self, teacher: Teacher | None, set_code: str) -> frozenset[str]:
        """What of a set the actor may type into a file; of one school, only its state matters."""
        file = teacher or self._fresh_file
        key = (str(file.state), set_code)
        if key not in self._rights:
            self._rights[key] = frozenset(
                item.code
                for item in self.catalog.indicators(set_code)
                if may_edit(self.actor, file, item, self.catalog)
            )
        return self._rights[key]

    def _blame(
        self,
        row: StagedRow,
        code: str,
        say: words.Words,
        field_code: str | None = None,
        *,
        severity: str = "error",
    ) -> None:
        key = PERSON_COLUMNS.get(field_code or "", f"{row.set}.{field_code}")
        item = self.catalog.by_key.get(key)
        letter = self.letters.get((row.sheet, field_code or ""), "")
        row.findings.append(finding(code, say, item=item, letter=letter, severity=severity))
