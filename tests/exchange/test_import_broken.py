"""An import that meets a broken sealed value: in a file, in a staged row, in its trace (SEC-39)."""

import io
from collections.abc import Iterator
from typing import Any

import openpyxl
import pytest
from sqlalchemy import select, update

from app.access.actor import acting_as, system
from app.core.errors import Refused
from app.core.sealed import UNREADABLE
from app.exchange.file_export import export_files
from app.models.exchange import ImportRow
from tests.broken import REMEDY, Bench, flipped
from tests.exchange.imports import filled, make_importing


@pytest.fixture
def bench(app: Any, session: Any, world: Any) -> Bench:
    """A file with values to break."""
    return Bench(app, session, world)


@pytest.fixture
def importing(bench: Bench, tmp_path: Any) -> Iterator[Any]:
    """The import of the school of the file."""
    actor = bench.world.actor("school_info", "A1")
    with acting_as(actor):
        yield make_importing(bench.session, actor, tmp_path)


def contact_book(importing: Any, *refs: Any, **values: str) -> bytes:
    """A workbook with contact rows of some files."""
    rows = [{"basic": [], "contact": [values]} for _ref in refs]
    for each, ref in zip(rows, refs, strict=True):
        each["basic"] = [{"id_no": ref.id_no, "name": ref.name}]
    return filled(importing.catalog, importing.school.category, rows)


def spoil_staged(session: Any, batch: Any, column: str) -> None:
    """Flip a bit of the first staged row of a batch that has something in a column."""
    place = getattr(ImportRow, column)
    with system():
        row = session.scalars(
            select(ImportRow)
            .where(ImportRow.batch_id == batch.id, place.is_not(None), ImportRow.set == "contact")
            .order_by(ImportRow.id)
        ).first()
        session.execute(
            update(ImportRow)
            .where(ImportRow.id == row.id)
            .values({column: flipped(bytes(getattr(row, column)))})
            .execution_options(synchronize_session=False)
        )
        session.commit()
    session.expire_all()


@pytest.mark.parametrize(("place", "refused"), [("contact.mobile", False), ("basic.id_no", True)])
def test_an_export_of_the_file_holds_a_mask_that_changes_nothing_when_it_comes_back(
    bench: Bench, importing: Any, place: str, refused: bool
) -> None:
    # Without a number no row says whom it is about.
    broken = bench.hurt(place)
    out = io.BytesIO()

    export_files(bench.session, importing.actor, str(bench.ref.id)).to_workbook(out, "", None)
    batch = importing.upload(out.getvalue())

    texts = {str(c.value) for s in openpyxl.load_workbook(out) for row in s for c in row}
    assert [text for text in texts if str(UNREADABLE) in text] == [f"*** {UNREADABLE}"]
    assert (batch.inserted, batch.updated, batch.bad > 0) == (0, 0, refused), importing.said(batch)
    assert bench.stored(place) == broken


def test_another_value_of_the_record_comes_in_beside_it(bench: Bench, importing: Any) -> None:
    broken = bench.hurt("contact.mobile")
    book = contact_book(importing, bench.ref, email="neu@example.com")

    batch = importing.run(book)
    row = bench.row("contact")

    assert (batch.updated, batch.bad) == (1, 0), importing.said(batch)
    assert (row.value("email"), row.value("mobile")) == ("neu@example.com", UNREADABLE)
    assert bench.stored("contact.mobile") == broken


def test_undoing_an_import_that_mended_a_value_writes_no_marker(
    bench: Bench, importing: Any
) -> None:
    bench.hurt("contact.mobile")
    batch = importing.run(contact_book(importing, bench.ref, mobile="13900139000"))

    importing.undo(batch)

    assert bench.row("contact").value("mobile") == "13900139000"


def test_a_staged_row_that_cannot_be_read_is_refused_alone(bench: Bench, importing: Any) -> None:
    other = bench.world.teacher("A1", "draft", 2)
    book = contact_book(importing, bench.ref, other, email="neu@example.com")
    batch = importing.upload(book)
    spoil_staged(bench.session, batch, "values")

    page = importing.said(batch)
    importing.commit(batch, take="good")

    assert [words for *_place, words, _severity in page] == [REMEDY]
    assert (batch.updated, batch.bad) == (1, 1)
    assert bench.row("contact").value("email") != "neu@example.com"
    assert bench.row("contact", other).value("email") == "neu@example.com"


def test_all_or_nothing_takes_nothing_with_such_a_row(bench: Bench, importing: Any) -> None:
    other = bench.world.teacher("A1", "draft", 2)
    batch = importing.upload(contact_book(importing, bench.ref, other, email="neu@example.com"))
    spoil_staged(bench.session, batch, "values")

    with pytest.raises(Refused):
        importing.commit(batch, take="all")

    assert bench.row("contact", other).value("email") != "neu@example.com"


def test_what_an_import_did_cannot_be_undone_without_its_trace(
    bench: Bench, importing: Any
) -> None:
    batch = importing.run(contact_book(importing, bench.ref, email="neu@example.com"))
    spoil_staged(bench.session, batch, "before")

    with pytest.raises(Refused) as refusal:
        importing.undo(batch)

    assert [problem.code for problem in refusal.value.problems] == ["unreadable"]
