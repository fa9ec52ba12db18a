"""Refused rows as a workbook to mend and upload again, with the reasons (C3)."""

import io
from collections.abc import Iterator, Sequence
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from app.core.errors import NotFound, Refused
from app.exchange.cells import for_workbook
from app.exchange.layout import Column, cell_text
from app.exchange.teacher_import.checking import open_workbook
from app.exchange.teacher_import.finding import is_error, sentence
from app.exchange.teacher_import.heading import Cells, OpenSheet
from app.exchange.teacher_import.staging import REFUSED
from app.exchange.template import FileBook
from app.exchange.workbook import Unusable, Value
from app.indicators.catalog import Catalog
from app.indicators.values import BadValue, parse
from app.models.exchange import ImportBatch, ImportRow
from app.models.unit import Unit
from app.services.storage import Storage

Reasons = dict[tuple[str, int], str]


def refused_workbook(
    session: Session, batch: ImportBatch, storage: Storage, catalog: Catalog
) -> bytes:
    """Return the refused rows as they were uploaded, each with its reason in the last column.

    Raise NotFound when no row was refused, Refused when the upload was deleted by age.
    """
    reasons = _reasons(session, batch)
    if not reasons:
        raise NotFound()
    category = session.get_one(Unit, batch.school_id).category or ""
    try:
        book, opened, _notes = open_workbook(batch, storage, catalog, category)
    except NotFound:
        raise Refused(
            _("The uploaded workbook was deleted after a day. Please upload it again.")
        ) from None
    sheets = {sheet for sheet, _row in reasons}
    shown = [each for each in opened if each.sheet.name in sheets]
    out = io.BytesIO()
    sets = [each.layout.set.code for each in shown]
    with book, FileBook(out, catalog, category, sets=sets, has_reasons=True) as target:
        for each in shown:
            for texts in _texts(each, reasons, catalog, category):
                target.add_texts(each.layout.set.code, texts)
    return out.getvalue()


def _reasons(session: Session, batch: ImportBatch) -> Reasons:
    rows = session.execute(
        select(ImportRow.sheet, ImportRow.row, ImportRow.problems).where(
            ImportRow.batch_id == batch.id,
            or_(ImportRow.outcome == REFUSED, ImportRow.outcome.is_(None)),
        )
    )
    return {
        (sheet, row): "\n".join(sentence(each) for each in problems or () if is_error(each))
        for sheet, row, problems in rows
    }


def _texts(
    opened: OpenSheet, reasons: Reasons, catalog: Catalog, category: str
) -> Iterator[Sequence[str]]:
    places = {column.key: index for index, column in opened.columns.items()}
    for number, cells in opened.rows:
        reason = reasons.get((opened.sheet.name, number))
        if reason is None:
            continue
        yield (
            *(
                _text(column, _cell(cells, places.get(column.key)), catalog, category)
                for column in opened.layout.columns
            ),
            reason,
        )


def _cell(cells: Cells, index: int | None) -> Value | None:
    return None if index is None else cells.get(index)


def _text(column: Column, raw: Value | None, catalog: Catalog, category: str) -> str:
    """A cell as it was; a date that Excel keeps as a number becomes readable again."""
    if raw is None or isinstance(raw, Unusable):
        return ""
    if isinstance(raw, str):
        return for_workbook(raw)
    try:
        value: Any = parse(column.indicator, raw, catalog, category=category)
    except BadValue:
        return str(raw)
    return cell_text(column.indicator, value, catalog, category)
