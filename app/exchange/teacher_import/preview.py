"""The staged rows as people see them before and after the commit, page by page (C2)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, String, cast, func, or_, select
from sqlalchemy.orm import Session

from app.core.errors import Malformed
from app.exchange.teacher_import.finding import place_of, words_of
from app.exchange.teacher_import.staging import (
    COLUMNS,
    INSERTED,
    REFUSED,
    UNCHANGED,
    UPDATED,
    staged,
)
from app.indicators.catalog import Catalog
from app.indicators.values import mask
from app.models.exchange import ImportBatch, ImportRow

PAGE = 25
LAST_FOUR = 4  # No birth date or place stands beside the number (SEC-11).
MAX_PAGE = 100
WARNED = "warned"
KINDS = (INSERTED, UPDATED, UNCHANGED, REFUSED, WARNED)


@dataclass(frozen=True)
class Said:
    """A finding in the reader's language: where (column letter and heading) and what."""

    place: str
    words: str
    severity: str


@dataclass(frozen=True)
class PreviewRow:
    """A row: where it stands, whom it is about (the ID number masked), what it does."""

    sheet: str
    number: int
    name: str
    id_no: str
    outcome: str
    findings: tuple[Said, ...]


@dataclass(frozen=True)
class Page:
    """A page of rows and how many there are in all."""

    rows: list[PreviewRow]
    total: int


def preview(
    session: Session,
    batch: ImportBatch,
    catalog: Catalog,
    *,
    kind: str | None = None,
    sheet: str | None = None,
    page: int = 0,
    size: int = PAGE,
) -> Page:
    """The rows of a batch in the order of the workbook, refused ones first.

    `kind` is inserted, updated, unchanged, refused or warned. Malformed for other kinds.
    """
    conditions = _conditions(batch, kind, sheet)
    total = session.scalar(select(func.count()).select_from(ImportRow).where(*conditions)) or 0
    is_fine = func.coalesce(ImportRow.outcome, REFUSED) != REFUSED
    query: Select[Any] = select(*COLUMNS).where(*conditions).order_by(is_fine, ImportRow.id)
    query = query.limit(min(size, MAX_PAGE)).offset(max(page, 0) * size)
    return Page([_shown(row, catalog) for row in session.execute(query)], total)


def batch_findings(batch: ImportBatch) -> list[Said]:
    """What is said about the workbook as a whole, in the reader's language."""
    return [_said(each) for each in batch.problems or ()]


def _conditions(
    batch: ImportBatch, kind: str | None, sheet: str | None
) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = [ImportRow.batch_id == batch.id]
    if kind is not None and kind not in KINDS:
        raise Malformed()
    if kind == REFUSED:
        found.append(or_(ImportRow.outcome == REFUSED, ImportRow.outcome.is_(None)))
    elif kind == WARNED:
        # No findings are the JSON value null, which is no null of the database.
        has_findings = func.coalesce(cast(ImportRow.problems, String), "null") != "null"
        found += [ImportRow.outcome != REFUSED, has_findings]
    elif kind is not None:
        found.append(ImportRow.outcome == kind)
    if sheet is not None:
        found.append(ImportRow.sheet == sheet)
    return found


def _shown(row: Any, catalog: Catalog) -> PreviewRow:
    body = staged(row, catalog)
    number = catalog.indicator("basic", "id_no")
    return PreviewRow(
        sheet=body.sheet,
        number=body.number,
        name=body.name or "",
        id_no=mask(number, body.id_no, keep=LAST_FOUR) if body.id_no else "",
        outcome=row.outcome or REFUSED,
        findings=tuple(_said(each) for each in body.findings),
    )


def _said(each: Mapping[str, Any]) -> Said:
    return Said(place_of(each), words_of(each), each["severity"])
