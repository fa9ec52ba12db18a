"""Every workbook of the list is taken or refused as the list says, in words, and writes nothing."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask_appbuilder import Model
from flask_babel import force_locale
from sqlalchemy import func, select

from app.access.actor import acting_as, resolve_actor, system
from app.core.clock import today
from app.core.errors import Refused
from app.demo.load import load
from app.demo.workbooks import RECIPES, Made, make_workbooks, read_list
from app.exchange.seed_loader import load_reference
from app.exchange.teacher_import import batch as imports
from app.exchange.teacher_import.checking import check_batch
from app.extensions import db
from app.indicators.catalog import catalog
from app.models.account import Account
from app.models.exchange import ImportBatch, ImportRow
from app.models.teacher import Teacher
from app.services.storage import Storage
from tests.conftest import Database, make_app

LISTED = read_list()


@pytest.fixture(scope="module")
def made(
    key_file: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[dict[str, Made], Path]]:
    """All workbooks beside the demonstration that they fit; the import has its own tests on both
    databases, so one is enough to read what the list promises."""
    folder = tmp_path_factory.mktemp("workbooks")
    database = Database("sqlite", folder)
    app = make_app(database.url, key_file, folder)
    with app.app_context(), system():
        Model.metadata.create_all(db.engine)
        load_reference(db.session())
        load(db.session(), schools=40, teachers=400, seed=2)
        db.session.commit()
        found = make_workbooks(db.session(), folder / "out", catalog(db.session()))
        db.session.remove()
    with app.app_context():
        yield {each.recipe.name: each for each in found}, folder
        db.session.remove()
        db.engine.dispose()
    database.drop(database.name)


def test_every_recipe_stands_in_the_list_and_every_category_has_a_good_workbook() -> None:
    assert {each.recipe for each in LISTED} == set(RECIPES)
    assert len({each.name for each in LISTED}) == len(LISTED) >= 30
    good = {each.category for each in LISTED if each.kind == "good"}
    assert len(good) == 7


def test_the_index_names_file_account_and_what_to_expect(made: Any) -> None:
    found, folder = made
    lines = (folder / "out" / "index.csv").read_text("utf-8-sig").splitlines()
    assert len(lines) == len(found) + 1
    assert all(each.path.name in "".join(lines) and each.username for each in found.values())


@pytest.mark.parametrize("name", [each.name for each in LISTED])
def test_a_workbook_is_treated_as_the_list_says(made: Any, name: str) -> None:
    found, folder = made
    each = found[name]
    session = db.session()
    before = _files(session)
    try:
        with force_locale("en"):
            outcome, messages = _import(session, each, Storage(folder / "stored"))
        assert outcome == each.recipe.outcome, messages
        wanted = each.recipe.message
        assert not wanted or any(wanted in message for message in messages), messages
        if each.recipe.outcome == "taken":
            assert not any(message.startswith("error ") for message in messages)
        assert _files(session) == before
    finally:
        session.rollback()


def _files(session: Any) -> int | None:
    with system():
        return session.scalar(select(func.count()).select_from(Teacher))


def _import(session: Any, each: Made, storage: Storage) -> tuple[str, list[str]]:
    """Upload and check; returns what became of it, and codes or words of what was found."""
    with system():
        account = session.scalar(select(Account.id).where(Account.username == each.username))
        actor = resolve_actor(session, account, None, today())
    with acting_as(actor):
        try:
            batch = imports.stage(session, actor, storage, each.path.name, each.path.read_bytes())
        except Refused as refusal:
            return "refused", [str(refusal.message)]
        check_batch(session, actor, batch, storage, lambda _done, _all: None)
        return _outcome(session, batch)


def _outcome(session: Any, batch: ImportBatch) -> tuple[str, list[str]]:
    if batch.state == imports.FAILED:
        return "refused", [problem["en"] for problem in batch.problems or ()]
    rows = session.scalars(select(ImportRow).where(ImportRow.batch_id == batch.id))
    found = [f"{p['severity']} {p['code']}" for row in rows for p in row.problems or ()]
    assert batch.inserted + batch.updated or batch.bad
    return "rows" if batch.bad else "taken", found
