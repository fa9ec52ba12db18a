"""Runs the rules of saving over the files that planned rows would leave behind."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from flask_babel import force_locale

from app.core.errors import Problem
from app.core.logs import redact
from app.exchange.teacher_import.finding import MAX_WORDS, Finding
from app.exchange.teacher_import.staging import StagedRow
from app.indicators import checks
from app.indicators.catalog import Catalog
from app.indicators.file import FileData, Row
from app.services import check


class RowRules:
    """The rules for planned steps, worded in both languages.

    A step has `row`, `uuid` of its record and the record's `values` afterwards.
    """

    def __init__(self, catalog: Catalog, letters: Mapping[tuple[str, str], str]) -> None:
        self.catalog, self.letters = catalog, letters
        self.context = check.context(catalog)
        self._contexts: dict[frozenset[str], checks.Context] = {}
        self._english: dict[tuple[str, str], str] = {}

    def blame(self, file: FileData, steps: Sequence[Any]) -> bool:
        """Add what the rules find to the rows of the steps; tell whether a row got an error.

        Warnings are added only when there is no error: the row set is tried again without it.
        """
        after = _after(file, steps)
        context = self._context(frozenset(step.row.set for step in steps))
        found = checks.run(after, context, trigger="save")
        if file.teacher_id is None and check.SCOPE in self.catalog.checks:
            found += checks.run_one(check.SCOPE, after, self.context)
        blamed = [(problem, row) for problem in found if (row := _row_of(problem, steps))]
        errors = [(problem, row) for problem, row in blamed if problem.is_error]
        for problem, row in errors or blamed:
            row.findings.append(self._finding(problem, row, after, context))
        return bool(errors)

    def _context(self, sets: frozenset[str]) -> checks.Context:
        if sets not in self._contexts:
            self._contexts[sets] = replace(self.context, only_sets=sets)
        return self._contexts[sets]

    def _finding(
        self, problem: Problem, row: StagedRow, file: FileData, context: checks.Context
    ) -> Finding:
        item = self.catalog.by_key.get(f"{problem.set}.{problem.field}")
        english = self._in_english(problem, file, context)
        return {
            "code": problem.code,
            "zh": redact(str(problem.message))[:MAX_WORDS],
            "en": redact(english)[:MAX_WORDS],
            "severity": problem.severity,
            "column": self.letters.get((row.sheet, problem.field or ""), ""),
            "heading": item.name_zh if item else "",
            "heading_en": item.name_en if item else "",
            "field": problem.field,
        }

    def _in_english(self, problem: Problem, file: FileData, context: checks.Context) -> str:
        """The same finding in English; equal words are asked for once."""
        key = (problem.code, str(problem.message))
        if key not in self._english:
            place = (problem.field, problem.record)
            with force_locale("en"):
                again = checks.run_one(problem.code, file, context)
            same = [each for each in again if (each.field, each.record) == place]
            self._english[key] = str((same or [problem])[0].message)
        return self._english[key]


def _after(file: FileData, steps: Sequence[Any]) -> FileData:
    """The file as the steps would leave it."""
    rows = dict(file.rows)
    for step in steps:
        row = Row(step.uuid, step.values)
        kept = [each for each in rows.get(step.row.set, ()) if each.uuid != step.uuid]
        rows[step.row.set] = (*kept, row)
    return replace(file, rows=rows, none_sets=file.none_sets - {step.row.set for step in steps})


def _row_of(problem: Problem, steps: Sequence[Any]) -> StagedRow | None:
    """The row that a finding is about: that of the record, else the first one of the set.

    What the rules say about records that no row touches is not the import's business.
    """
    for step in steps:
        if problem.record == step.uuid or (problem.record is None and problem.set == step.row.set):
            row: StagedRow = step.row
            return row
    return None
